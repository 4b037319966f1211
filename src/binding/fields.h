/* Option tables by description: which fields there are, of which type, and where in a C struct each
 * one goes. Tables are read raw, each field once, and a field that does not exist raises with the
 * nearest right name. */

#ifndef BINDING_FIELDS_H
#define BINDING_FIELDS_H

#include "sandbox/lua54.h"

#include <stddef.h>
#include <stdint.h>

typedef enum fhi_field_type {
    FHI_FIELD_BYTES,   /* uint64_t: an integer >= 0, or "64MiB" */
    FHI_FIELD_INTEGER, /* uint64_t: an integer >= 0 */
    FHI_FIELD_COUNT,   /* uint32_t */
    FHI_FIELD_BOOLEAN, /* bool */
    FHI_FIELD_NUMBER,  /* float */
    FHI_FIELD_CHOICE,  /* an enum: the position in `names` */
    FHI_FIELD_FLAGS,   /* uint32_t: names.h */
    FHI_FIELD_INDICES, /* uint32_t: a mask, from a list of numbers from 0 to 31 */
    FHI_FIELD_TEXT,    /* const char *, and the string is kept in a slot */
    FHI_FIELD_VALUE    /* any value, which is kept in a slot */
} fhi_field_type;

typedef struct fhi_field {
    const char *name;
    fhi_field_type type;
    size_t offset;            /* into the struct */
    int slot;                 /* TEXT and VALUE */
    const char *const *names; /* CHOICE and FLAGS */
} fhi_field;

/* The last entry of a list of fields. */
#define FHI_FIELDS_END                                                                             \
    {                                                                                              \
        NULL, FHI_FIELD_VALUE, 0, 0, NULL                                                          \
    }

/* Read the table at `index` into `out`. What a slot keeps is put at stack index slots +
 * field->slot, which must be there already; a value that is kept stays alive as long as it stays on
 * the stack, and so does a text that `out` points into. `arg` is the argument that errors blame.
 *
 * Returns 0; or, for a number that the field cannot have, 3: nil, message and "invalid" were
 * pushed. */
int fhi_read_fields(lua_State *L, int index, int arg, const fhi_field *fields, int slots,
                    void *out);

/* One value for a field, which is at `index`. As above. */
int fhi_read_bytes(lua_State *L, int index, int arg, const char *name, uint64_t *out);
int fhi_read_integer(lua_State *L, int index, int arg, const char *name, uint64_t *out);
int fhi_read_count(lua_State *L, int index, int arg, const char *name, uint32_t *out);

/* A string without zeros in it. */
const char *fhi_check_text(lua_State *L, int index, int arg, const char *name);

/* ---- the other way: fields of the table on top ---- */

/* More than an integer of Lua holds (FH_NO_LIMIT, "smallest of nothing") is math.maxinteger. */
void fhi_set_integer(lua_State *L, const char *name, uint64_t value);
void fhi_set_boolean(lua_State *L, const char *name, int value);
void fhi_set_number(lua_State *L, const char *name, double value);
void fhi_set_text(lua_State *L, const char *name, const char *value);
void fhi_set_flags(lua_State *L, const char *name, uint32_t bits, const char *const *names);
void fhi_set_indices(lua_State *L, const char *name, uint32_t mask);

#endif
