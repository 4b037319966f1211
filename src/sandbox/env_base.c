/* The basic functions, as the manual has them, but for this: pcall raises again what stopped the
 * script; error and tonumber take no longer than a line; a table, whatever is behind it, is a
 * "table". */

#include "sandbox/arg.h"
#include "sandbox/box.h"
#include "sandbox/env.h"
#include "sandbox/format.h"

enum {
    LEVEL_MAX = 100,  /* functions that error() walks up */
    NUMBER_MAX = 200, /* bytes of a text that may be a number: as far as Lua itself looks */
    PCALL_COST = 100
};

static int base_type(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    int type = lua_type(L, 1);
    bool is_object = type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA;
    lua_pushstring(L, lua_typename(L, is_object ? LUA_TTABLE : type));
    return 1;
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    fhi_format_value(L, 1);
    return 1;
}

/* ---- tonumber ---- */

/* The digit's value, or 99. */
static unsigned int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return (unsigned int)(byte - '0');
    }
    if (byte >= 'a' && byte <= 'z') {
        return (unsigned int)(byte - 'a') + 10;
    }
    return byte >= 'A' && byte <= 'Z' ? (unsigned int)(byte - 'A') + 10 : 99;
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Spaces, a sign, digits, spaces; too many digits go round, as they do in Lua. */
static bool read_in_base(const char *text, size_t size, unsigned int base, lua_Integer *out)
{
    const char *end = text + size;
    while (text < end && is_space(*text)) {
        text++;
    }
    while (end > text && is_space(end[-1])) {
        end--;
    }
    bool negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) {
        text++;
    }
    if (text == end) {
        return false;
    }
    lua_Unsigned number = 0;
    for (; text < end; text++) {
        unsigned int digit = digit_of(*text);
        if (digit >= base) {
            return false;
        }
        number = number * base + digit;
    }
    *out = (lua_Integer)(negative ? 0U - number : number);
    return true;
}

static int base_tonumber(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    bool has_base = !lua_isnoneornil(L, 2);
    lua_Integer base = has_base ? fhi_arg_integer(L, 2) : 10;
    luaL_argcheck(L, base >= 2 && base <= 36, 2, "base out of range");
    if (!has_base && lua_type(L, 1) == LUA_TNUMBER) {
        lua_settop(L, 1);
        return 1;
    }
    if (lua_type(L, 1) != LUA_TSTRING) {
        if (has_base) {
            luaL_typeerror(L, 1, lua_typename(L, LUA_TSTRING));
        }
        lua_pushnil(L);
        return 1;
    }
    size_t size;
    const char *text = lua_tolstring(L, 1, &size);
    fhi_charge(L, FHI_COST_NUMBER);
    lua_Integer number;
    if (size <= NUMBER_MAX && has_base && read_in_base(text, size, (unsigned int)base, &number)) {
        lua_pushinteger(L, number);
    } else if (size > NUMBER_MAX || has_base || lua_stringtonumber(L, text) != size + 1) {
        lua_pushnil(L);
    }
    return 1;
}

/* ---- errors ---- */

/* With the value on top. */
static int raise_at(lua_State *L, int level)
{
    if (lua_type(L, -1) == LUA_TSTRING && level > 0) {
        fhi_charge_bytes(L, lua_rawlen(L, -1));
        luaL_where(L, level);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int base_error(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_Integer level = fhi_arg_integer_or(L, 2, 1);
    lua_settop(L, 1);
    return raise_at(L, level > 0 && level <= LEVEL_MAX ? (int)level : 0);
}

static int base_assert(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    if (lua_toboolean(L, 1) != 0) {
        return lua_gettop(L);
    }
    if (lua_isnone(L, 2)) {
        lua_pushliteral(L, "assertion failed!");
        return raise_at(L, 1);
    }
    lua_settop(L, 2);
    return raise_at(L, 1);
}

static int base_pcall(lua_State *L)
{
    fhi_charge(L, PCALL_COST);
    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (status == LUA_ERRMEM) {
        fhi_meter_stop(L, FHI_STOP_MEMORY);
    }
    if (fhi_box_of(L)->meter.stop != FHI_STOP_NONE) {
        fhi_meter_raise(L);
    }
    if (status != LUA_OK) {
        lua_pushboolean(L, false);
        lua_replace(L, 1);
    }
    return lua_gettop(L);
}

/* ---- the rest ---- */

static int base_select(lua_State *L)
{
    int count = lua_gettop(L);
    fhi_charge(L, (uint64_t)FHI_COST_CALL + (uint64_t)count / 4);
    if (lua_type(L, 1) == LUA_TSTRING && *lua_tostring(L, 1) == '#') {
        lua_pushinteger(L, count - 1);
        return 1;
    }
    lua_Integer from = fhi_arg_integer(L, 1);
    if (from < 0) {
        from = count + from;
    } else if (from > count) {
        from = count;
    }
    luaL_argcheck(L, from >= 1, 1, "index out of range");
    return count - (int)from;
}

static int ipairs_next(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_Integer i = luaL_checkinteger(L, 2);
    i = luaL_intop(+, i, 1);
    lua_pushinteger(L, i);
    return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int base_ipairs(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    lua_pushcfunction(L, ipairs_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void fhi_env_base(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"assert", base_assert},     {"error", base_error},
        {"ipairs", base_ipairs},     {"pairs", fhi_env_pairs},
        {"pcall", base_pcall},       {"select", base_select},
        {"tonumber", base_tonumber}, {"tostring", base_tostring},
        {"type", base_type},         {NULL, NULL},
    };
    lua_createtable(L, 0, 32);
    luaL_setfuncs(L, functions, 0);
}
