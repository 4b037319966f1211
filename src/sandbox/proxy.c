/* A proxy's metatable has the real table twice: as "__index", for the interpreter, and under an
 * address of ours, which tells proxies from all other tables. Scripts make no metatables, so a
 * table that has one is ours. */

#include "sandbox/box.h"
#include "sandbox/env.h"

static const char real_key = 0;

enum {
    KEY_MAX = 64 /* bytes of a key that an error shows */
};

/* __newindex(proxy, key, value); upvalue: what it is called. */
static int refuse(lua_State *L)
{
    const char *what = lua_touserdata(L, lua_upvalueindex(1));
    char key[KEY_MAX] = "";
    if (lua_type(L, 2) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, 2, &size);
        fhi_clean_text(key, sizeof key, text, size, false);
        return luaL_error(L, "%s cannot be changed (at '%s')", what, key);
    }
    return luaL_error(L, "%s cannot be changed", what);
}

static int length(lua_State *L)
{
    if (!fhi_proxy_open(L, 1)) {
        return 0;
    }
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

void fhi_proxy_wrap(lua_State *L, const char *what)
{
    int real = lua_gettop(L);
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushlightuserdata(L, (void *)(uintptr_t)what);
    lua_pushcclosure(L, refuse, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, length);
    lua_setfield(L, -2, "__len");
    lua_pushvalue(L, real);
    lua_rawsetp(L, -2, &real_key);
    lua_setmetatable(L, -2);
    lua_replace(L, real);
}

bool fhi_proxy_open(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE || lua_getmetatable(L, index) == 0) {
        return false;
    }
    if (lua_rawgetp(L, -1, &real_key) != LUA_TTABLE) {
        lua_pop(L, 2);
        return false;
    }
    lua_remove(L, -2);
    return true;
}

void fhi_check_own_table(lua_State *L, int arg)
{
    int type = lua_type(L, arg);
    if (type == LUA_TTABLE && lua_getmetatable(L, arg) == 0) {
        return;
    }
    if (luaL_getmetafield(L, arg, "__refusal") == LUA_TSTRING) {
        luaL_argerror(L, arg, lua_tostring(L, -1));
    }
    if (type == LUA_TTABLE || lua_isuserdata(L, arg)) {
        luaL_argerror(L, arg, "this table is not the script's own: it cannot be changed like this");
    }
    luaL_checktype(L, arg, LUA_TTABLE);
}
