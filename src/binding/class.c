/* What a name finds in an object: a method, a field, or an error with the nearest right name. A
 * misspelt method would else be "attempt to call a nil value", somewhere in the caller's line. */

#include "binding/class.h"

#include "binding/check.h"

#include <string.h>

enum {
    NAME_COUNT_MAX = 64 /* methods and fields of one class that an error can offer */
};

/* Raise that there is no `key`; the class is upvalue 1. */
static int no_such_name(lua_State *L)
{
    const fhi_class *of = lua_touserdata(L, lua_upvalueindex(1));
    const char *names[NAME_COUNT_MAX + 1];
    int count = 0;
    for (const luaL_Reg *method = of->methods; method->name != NULL && count < NAME_COUNT_MAX;
         method++) {
        names[count++] = method->name;
    }
    for (int i = 0; of->fields != NULL && of->fields[i] != NULL && count < NAME_COUNT_MAX; i++) {
        names[count++] = of->fields[i];
    }
    names[count] = NULL;
    const char *key = luaL_tolstring(L, 2, NULL);
    fhi_push_nearest(L, key, names);
    return luaL_error(L, "a %s has no '%s'%s", of->name, key, lua_tostring(L, -1));
}

/* __index of a class that has fields. Upvalues: the class, its methods. */
static int field_of(lua_State *L)
{
    const fhi_class *of = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    void *object = fhi_check_object(L, 1, 1, "object", of);
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) {
            return 1;
        }
        lua_pop(L, 1);
        const char *key = lua_tostring(L, 2);
        for (int i = 0; of->fields[i] != NULL; i++) {
            if (strcmp(key, of->fields[i]) == 0) {
                of->push_field(L, object, i);
                return 1;
            }
        }
    }
    return no_such_name(L);
}

static int set_field_of(lua_State *L)
{
    const fhi_class *of = lua_touserdata(L, lua_upvalueindex(1));
    return luaL_error(L, "a %s has no field to set", of->name);
}

void fhi_class_register(lua_State *L, const fhi_class *of)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    luaL_checkstack(L, 5, NULL);
    lua_newtable(L); /* meta */
    luaL_setfuncs(L, of->metamethods != NULL ? of->metamethods : none, 0);
    lua_newtable(L); /* meta methods */
    luaL_setfuncs(L, of->methods, 0);
    if (of->fields != NULL) {
        lua_pushlightuserdata(L, (void *)of);
        lua_insert(L, -2);
        lua_pushcclosure(L, field_of, 2);
    } else {
        lua_createtable(L, 0, 1);
        lua_pushlightuserdata(L, (void *)of);
        lua_pushcclosure(L, no_such_name, 1);
        lua_setfield(L, -2, "__index");
        lua_setmetatable(L, -2);
    }
    lua_setfield(L, -2, "__index");
    lua_pushlightuserdata(L, (void *)of);
    lua_pushcclosure(L, set_field_of, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushstring(L, of->name);
    lua_setfield(L, -2, "__name");
    /* What getmetatable() shows: nobody changes all objects by accident. */
    lua_pushstring(L, of->name);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, of);
}

void *fhi_object_new(lua_State *L, const fhi_class *of, size_t size, int user_value_count)
{
    void *object = lua_newuserdatauv(L, size, user_value_count);
    memset(object, 0, size);
    lua_rawgetp(L, LUA_REGISTRYINDEX, of);
    lua_setmetatable(L, -2);
    return object;
}

void *fhi_object_at(lua_State *L, int index, const fhi_class *of)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
        return NULL;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, of);
    int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? lua_touserdata(L, index) : NULL;
}

void *fhi_check_object(lua_State *L, int index, int arg, const char *name, const fhi_class *of)
{
    void *object = fhi_object_at(L, index, of);
    if (object == NULL) {
        fhi_type_error(L, index, arg, name, of->name);
    }
    return object;
}
