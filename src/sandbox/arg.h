/* What library functions of a box have in common: how they take their arguments, and what they
 * charge. Numbers are never made of strings: that takes long for long ones. */

#ifndef FREEHOLD_SANDBOX_ARG_H
#define FREEHOLD_SANDBOX_ARG_H

#include "sandbox/lua54.h"
#include "sandbox/meter.h"

/* Units. They are on the high side of what was measured, so that it is the charge that ends a
 * script, which is the same everywhere, and not the clock. */
enum {
    FHI_COST_CALL = 15,    /* into C and back */
    FHI_COST_STRING = 30,  /* a new string, besides its bytes */
    FHI_COST_NUMBER = 300, /* a number as text */
    FHI_COST_ENTRY = 8,    /* an entry of a table that is read and written */
    FHI_RESULTS_MAX = 250  /* values that a function returns */
};

/* Positive indices. Raise what is wrong with the argument; a text may be a number, which then
 * becomes a string in its place. */
const char *fhi_arg_text(lua_State *L, int arg, size_t *out_size);
lua_Integer fhi_arg_integer(lua_State *L, int arg);
lua_Integer fhi_arg_integer_or(lua_State *L, int arg, lua_Integer otherwise); /* none, nil */
lua_Number fhi_arg_number(lua_State *L, int arg);

/* Before a string of `size` bytes is made: raises when it is too long, and charges for it. */
void fhi_arg_make(lua_State *L, uint64_t size);

/* `position`, which counts from the end when it is negative, as 1 or more: where a range starts. */
uint64_t fhi_arg_start(lua_Integer position, size_t size);

/* The same for where it ends: 0 to `size`. */
uint64_t fhi_arg_end(lua_Integer position, size_t size);

#endif
