/* Reading arguments and option tables. Whatever a program *spells* wrong (a type, the name of a
 * field or of a choice) raises an error that has the argument's name, and the nearest right one. */

#ifndef BINDING_CHECK_H
#define BINDING_CHECK_H

#include "sandbox/lua54.h"

#include <stdbool.h>

/* In all of them: the value is at `index` (absolute), `arg` is the argument that the error blames,
 * and `name` is how the message calls the value, such as "size" or "field 'size'". */

/* Raise "name: expected expected, got ..."; never returns, for `return fhi_type_error(...)`. */
int fhi_type_error(lua_State *L, int index, int arg, const char *name, const char *expected);

/* An integer, or a float that has an integer's value; no string, which Lua's own functions take. */
lua_Integer fhi_check_integer(lua_State *L, int index, int arg, const char *name);

bool fhi_check_boolean(lua_State *L, int index, int arg, const char *name);

/* The position in `choices`, which ends with NULL, of the string at `index`. */
int fhi_check_choice(lua_State *L, int index, int arg, const char *name,
                     const char *const *choices);

void fhi_check_table(lua_State *L, int arg, const char *name);

/* The position in `fields`, which ends with NULL, of the key at `index`: for loops over lua_next().
 * That reads the table raw, each field once, and finds the fields that do not exist. */
int fhi_check_field(lua_State *L, int index, int arg, const char *const *fields);

/* Push "; did you mean 'x'?" for the name in `names` that is nearest to `wrong`; when none is near,
 * "; known: 'x', 'y'". */
void fhi_push_nearest(lua_State *L, const char *wrong, const char *const *names);

#endif
