/* A program without Lua, or with a Lua 5.4 that it uses itself (HOST_LUA):
 *
 *     host_plain FOLDER       says what is wrong, and fails */

#include "scenario.h"

#include <stdio.h>

#if defined(HOST_LUA)
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* The program's own Lua must go on as if there was no other. */
static int use_lua(void)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    int status = luaL_dostring(L, "return #table.pack(('x'):rep(9):byte(1, -1))");
    int answer = status == LUA_OK ? (int)lua_tointeger(L, -1) : 0;
    lua_close(L);
    return answer;
}
#else
static int use_lua(void)
{
    return 9;
}
#endif

int main(int argc, char **argv)
{
    char trouble[512] = "give a folder";
    if (argc == 2 && use_lua() == 9 && scenario_run(argv[1], trouble, sizeof trouble) &&
        use_lua() == 9) {
        return 0;
    }
    fprintf(stderr, "%s\n", trouble);
    return 1;
}
