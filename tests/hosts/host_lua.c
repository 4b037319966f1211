/* A small Lua module, as a program's authors would write it: for Lua 5.1's API, in the words that
 * every later Lua has, too.
 *
 *     require("freehold_host").run(folder)        true; or nil and what is wrong */

#include "scenario.h"

#include <lauxlib.h>
#include <lua.h>

static int run(lua_State *L)
{
    char trouble[512] = "";
    if (scenario_run(luaL_checkstring(L, 1), trouble, sizeof trouble)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, trouble);
    return 2;
}

__attribute__((visibility("default"))) int luaopen_freehold_host(lua_State *L);

int luaopen_freehold_host(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, run);
    lua_setfield(L, -2, "run");
    return 1;
}
