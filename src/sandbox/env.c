/* Where the parts of the environment come together. */

#include "sandbox/env.h"

/* What `add` makes, as a proxy, becomes the field `name` of the table on top. */
static void add_library(lua_State *L, const char *name, void (*add)(lua_State *))
{
    add(L);
    fhi_proxy_wrap(L, name);
    lua_setfield(L, -2, name);
}

/* Methods of strings. Nothing but "__index" is in the metatable, so that "10" + 1 is an error and
 * no long conversion; no script can reach it, so the real table may be there. */
static void add_string(lua_State *L)
{
    fhi_env_string(L);
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    fhi_proxy_wrap(L, "string");
    lua_setfield(L, -2, "string");
}

void fhi_env_push(lua_State *L)
{
    luaL_checkstack(L, 8, NULL);
    fhi_env_base(L);
    add_string(L);
    add_library(L, "table", fhi_env_table);
    add_library(L, "utf8", fhi_env_utf8);
    add_library(L, "math", fhi_env_math);
    fhi_env_policy(L);
    fhi_proxy_wrap(L, "the environment of scripts");
}

void fhi_env_set(lua_State *L, const char *name)
{
    luaL_checkstack(L, 4, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    if (fhi_proxy_open(L, -1)) {
        lua_pushvalue(L, -3);
        lua_setfield(L, -2, name);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}
