/* table: raw access to the script's own tables, and what is too long is charged for as a whole
 * before it begins. A script has no metatables, so raw access loses nothing.
 *
 * The length of a table is what lua_rawlen() says: a border, found in logarithmic time. */

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/lua54.h"
#include "sandbox/sort.h"

/* Charge for `count` entries, from `first` to `last`. */
static uint64_t charge_span(lua_State *L, lua_Integer first, lua_Integer last, uint64_t each)
{
    uint64_t count = first <= last ? (uint64_t)last - (uint64_t)first + 1 : 0;
    /* A count of 2^64 is 0, and any large one is too many anyway. */
    if (first <= last && (count == 0 || count > UINT32_MAX)) {
        count = UINT32_MAX;
    }
    fhi_charge(L, FHI_COST_CALL + count * each);
    return count;
}

static lua_Integer length(lua_State *L, int arg)
{
    fhi_check_own_table(L, arg);
    return (lua_Integer)lua_rawlen(L, arg);
}

/* concat(list [, separator [, from [, to]]]) */
static int table_concat(lua_State *L)
{
    lua_Integer last = length(L, 1);
    size_t separator_size = 0;
    const char *separator = lua_isnoneornil(L, 2) ? "" : fhi_arg_text(L, 2, &separator_size);
    lua_Integer at = fhi_arg_integer_or(L, 3, 1);
    last = fhi_arg_integer_or(L, 4, last);
    fhi_charge(L, FHI_COST_CALL + FHI_COST_STRING);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (bool more = at <= last; more; at += more) {
        int type = lua_rawgeti(L, 1, at);
        if (type != LUA_TSTRING && type != LUA_TNUMBER) {
            luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)at);
        }
        size_t size;
        fhi_charge(L, (type == LUA_TNUMBER ? FHI_COST_NUMBER : 0) + 2 * FHI_COST_ENTRY);
        lua_tolstring(L, -1, &size);
        more = at < last;
        size_t gap = more ? separator_size : 0;
        if (luaL_bufflen(&buffer) + size + gap > FHI_STRING_MAX) {
            luaL_error(L, "the string would be longer than %d bytes", FHI_STRING_MAX);
        }
        fhi_charge(L, (size + gap) / 16);
        luaL_addvalue(&buffer);
        luaL_addlstring(&buffer, separator, gap);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* insert(list, [position,] value) */
static int table_insert(lua_State *L)
{
    lua_Integer size = length(L, 1);
    luaL_argcheck(L, size < LUA_MAXINTEGER, 1, "the list is full");
    lua_Integer end = size + 1;
    int count = lua_gettop(L);
    if (count < 2 || count > 3) {
        luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_Integer position = count == 2 ? end : fhi_arg_integer(L, 2);
    luaL_argcheck(L, position >= 1 && position <= end, 2, "position out of bounds");
    charge_span(L, position, end, FHI_COST_ENTRY);
    for (lua_Integer i = end; i > position; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushvalue(L, count);
    lua_rawseti(L, 1, position);
    return 0;
}

/* remove(list [, position]) */
static int table_remove(lua_State *L)
{
    lua_Integer size = length(L, 1);
    lua_Integer position = fhi_arg_integer_or(L, 2, size);
    luaL_argcheck(L, (position >= 1 && position <= size + 1) || (size == 0 && position == 0), 2,
                  "position out of bounds");
    charge_span(L, position, size, FHI_COST_ENTRY);
    lua_rawgeti(L, 1, position);
    for (; position < size; position++) {
        lua_rawgeti(L, 1, position + 1);
        lua_rawseti(L, 1, position);
    }
    /* Only of what there was: setting a new key to nil might make the table grow. */
    if (position <= size) {
        lua_pushnil(L);
        lua_rawseti(L, 1, position);
    }
    return 1;
}

/* move(from, first, last, position [, to]) */
static int table_move(lua_State *L)
{
    fhi_check_own_table(L, 1);
    lua_Integer first = fhi_arg_integer(L, 2);
    lua_Integer last = fhi_arg_integer(L, 3);
    lua_Integer position = fhi_arg_integer(L, 4);
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    fhi_check_own_table(L, to);
    uint64_t count = charge_span(L, first, last, FHI_COST_ENTRY);
    if (count > 0) {
        /* The charge saw to it that there are not many. */
        lua_Integer more = (lua_Integer)count - 1;
        luaL_argcheck(L, position <= LUA_MAXINTEGER - more, 4, "destination wrap around");
        bool upwards = to == 1 && position > first && position <= last;
        for (lua_Integer i = 0; i <= more; i++) {
            lua_Integer offset = upwards ? more - i : i;
            lua_rawgeti(L, 1, first + offset);
            lua_rawseti(L, to, position + offset);
        }
    }
    lua_pushvalue(L, to);
    return 1;
}

static int table_pack(lua_State *L)
{
    int count = lua_gettop(L);
    fhi_charge(L, FHI_COST_CALL + FHI_COST_STRING + (uint64_t)count * FHI_COST_ENTRY);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--) {
        lua_rawseti(L, 1, i);
    }
    lua_pushliteral(L, "n");
    lua_pushinteger(L, count);
    lua_rawset(L, 1);
    return 1;
}

/* unpack(list [, from [, to]]) */
static int table_unpack(lua_State *L)
{
    lua_Integer last = length(L, 1);
    lua_Integer first = fhi_arg_integer_or(L, 2, 1);
    last = fhi_arg_integer_or(L, 3, last);
    uint64_t count = charge_span(L, first, last, FHI_COST_ENTRY);
    if (count > FHI_RESULTS_MAX) {
        luaL_error(L, "too many results to unpack: %d at most", FHI_RESULTS_MAX);
    }
    luaL_checkstack(L, (int)count, "too many results to unpack");
    for (uint64_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, first + (lua_Integer)i);
    }
    return (int)count;
}

void fhi_env_table(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"concat", table_concat}, {"insert", table_insert},
        {"move", table_move},     {"pack", table_pack},
        {"remove", table_remove}, {"sort", fhi_sort},
        {"unpack", table_unpack}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
}
