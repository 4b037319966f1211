/* Classes: what the userdata of one noun have in common. A class is a static description; its
 * address is the registry key of the metatable, so that what an object is can be told without
 * comparing names, from a callback too, where a function's upvalues are out of reach. */

#ifndef BINDING_CLASS_H
#define BINDING_CLASS_H

#include "sandbox/lua54.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fhi_class {
    const char *name;            /* such as "freehold.device" */
    const luaL_Reg *methods;     /* of its objects; ends with NULL */
    const luaL_Reg *metamethods; /* the same; NULL = none */
    /* What can be read from its objects besides methods; NULL = nothing. `push_field` pushes one
     * value; the object is at index 1. */
    const char *const *fields;
    void (*push_field)(lua_State *L, void *object, int field);
} fhi_class;

/* Make the metatable. Once per Lua state. */
void fhi_class_register(lua_State *L, const fhi_class *of);

/* Push a new object: `size` zeroed bytes, with its metatable. Acquire only after this. */
void *fhi_object_new(lua_State *L, const fhi_class *of, size_t size, int user_value_count);

/* The object at `index`, or NULL when there is something else. */
void *fhi_object_at(lua_State *L, int index, const fhi_class *of);

/* The object at `index`; raises when there is something else. `arg` and `name` as in check.h. */
void *fhi_check_object(lua_State *L, int index, int arg, const char *name, const fhi_class *of);

#endif
