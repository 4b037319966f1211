/* The sentences about what a script got wrong. What it gave is shown shortened, and without what
 * could upset a terminal. */

#ifndef FREEHOLD_SANDBOX_REFUSE_H
#define FREEHOLD_SANDBOX_REFUSE_H

#include "sandbox/lua54.h"

#include <stdint.h>

/* Where a value stands, for sentences: "relieve: action 2: bytes". Parts may be NULL or 0. */
typedef struct fhi_path {
    const char *where; /* "file:1: " */
    const char *root;
    const char *list; /* what the things of a list are called */
    uint32_t item;    /* from 1 */
    const char *field;
    const char *key;
} fhi_path;

/* Raises "<path>: <sentence>"; %s, %d and %f as lua_pushfstring(). */
int fhi_refuse(lua_State *L, const fhi_path *path, const char *format, ...);

/* Raises "<path>: <expected> expected, got <the value at `index`>". */
int fhi_refuse_value(lua_State *L, int index, const fhi_path *path, const char *expected);

/* Raises for a word that is not in `words`, with the nearest one. `what` is "field". */
int fhi_refuse_word(lua_State *L, int index, const fhi_path *path, const char *what,
                    const char *const *words);

/* Push a short description of the value at `index`: "2.5", "'huge…'", "a table". */
const char *fhi_describe(lua_State *L, int index);

#endif
