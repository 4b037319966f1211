/* require "freehold": the module's table. One per Lua state: it is kept in the registry, so that a
 * program that empties package.loaded and requires again gets the same metatables, and old and new
 * objects understand each other. The functions are described in api.lua, from which the manual and
 * the editor's types are made; tests/spec/api_spec.lua compares the two. */

#include "binding/block.h"
#include "binding/range.h"
#include "binding/result.h"

#include <freehold/api.h>

/* The registry key is the address. */
static const char module_key = 0;

FH_API int luaopen_freehold(lua_State *L);

int luaopen_freehold(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"block", fhi_block_create},
        {NULL, NULL},
    };
#if defined(__ELF__)
    /* Weak references (lua54.h): this is another Lua when they are NULL. */
    if (&lua_newuserdatauv == NULL || &lua_version == NULL || &luaL_checkversion_ == NULL) {
        return luaL_error(L, "freehold needs Lua 5.4, and this program has another Lua");
    }
#endif
    luaL_checkversion(L);
    luaL_checkstack(L, 6, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) {
        return 1;
    }
    lua_newtable(L); /* module */
    int module = lua_gettop(L);
    lua_newtable(L); /* module block */
    lua_newtable(L); /* module block range */
    fhi_block_register(L);
    fhi_range_register(L);
    luaL_setfuncs(L, functions, FHI_UPVALUE_COUNT); /* module */

    lua_pushinteger(L, (lua_Integer)1 << 10);
    lua_setfield(L, module, "KiB");
    lua_pushinteger(L, (lua_Integer)1 << 20);
    lua_setfield(L, module, "MiB");
    lua_pushinteger(L, (lua_Integer)1 << 30);
    lua_setfield(L, module, "GiB");
    lua_pushstring(L, fh_version());
    lua_setfield(L, module, "version");
    fhi_push_result_table(L);
    lua_setfield(L, module, "result");

    lua_pushvalue(L, module);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}
