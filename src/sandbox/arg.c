#include "sandbox/arg.h"

const char *fhi_arg_text(lua_State *L, int arg, size_t *out_size)
{
    int type = lua_type(L, arg);
    if (type == LUA_TNUMBER) {
        fhi_charge(L, FHI_COST_NUMBER);
    } else if (type != LUA_TSTRING) {
        luaL_typeerror(L, arg, lua_typename(L, LUA_TSTRING));
    }
    return lua_tolstring(L, arg, out_size);
}

lua_Integer fhi_arg_integer(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TNUMBER) {
        luaL_typeerror(L, arg, lua_typename(L, LUA_TNUMBER));
    }
    return luaL_checkinteger(L, arg);
}

lua_Integer fhi_arg_integer_or(lua_State *L, int arg, lua_Integer otherwise)
{
    return lua_isnoneornil(L, arg) ? otherwise : fhi_arg_integer(L, arg);
}

lua_Number fhi_arg_number(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TNUMBER) {
        luaL_typeerror(L, arg, lua_typename(L, LUA_TNUMBER));
    }
    return lua_tonumber(L, arg);
}

void fhi_arg_make(lua_State *L, uint64_t size)
{
    if (size > FHI_STRING_MAX) {
        luaL_error(L, "the string would be longer than %d bytes", FHI_STRING_MAX);
    }
    fhi_charge(L, FHI_COST_STRING + size / 16);
}

uint64_t fhi_arg_start(lua_Integer position, size_t size)
{
    if (position > 0) {
        return (uint64_t)position;
    }
    if (position == 0 || position < -(lua_Integer)size) {
        return 1;
    }
    return (uint64_t)((lua_Integer)size + position + 1);
}

uint64_t fhi_arg_end(lua_Integer position, size_t size)
{
    if (position > (lua_Integer)size) {
        return size;
    }
    if (position >= 0) {
        return (uint64_t)position;
    }
    return position < -(lua_Integer)size ? 0 : (uint64_t)((lua_Integer)size + position + 1);
}
