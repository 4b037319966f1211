#include "sandbox/sort.h"

#include "sandbox/arg.h"
#include "sandbox/env.h"

#include <string.h>

enum {
    LIST = 1,
    BEFORE = 2,
    COST_COMPARISON = 12
};

int fhi_compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size > 0 ? memcmp(a, b, size) : 0;
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* Whether the value on top goes before the one below it: then what was later goes first. */
static bool top_before(lua_State *L)
{
    fhi_charge(L, COST_COMPARISON);
    if (!lua_isnoneornil(L, BEFORE)) {
        lua_pushvalue(L, BEFORE);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -4);
        fhi_charge(L, FHI_COST_CALL);
        lua_call(L, 2, 1);
        bool before = lua_toboolean(L, -1);
        lua_pop(L, 1);
        return before;
    }
    int type = lua_type(L, -1);
    int other = lua_type(L, -2);
    if (type == LUA_TNUMBER && other == LUA_TNUMBER) {
        return lua_compare(L, -1, -2, LUA_OPLT) != 0;
    }
    if (type != LUA_TSTRING || other != LUA_TSTRING) {
        luaL_error(L, "attempt to compare %s with %s", lua_typename(L, other),
                   lua_typename(L, type));
    }
    size_t a_size;
    size_t b_size;
    const char *a = lua_tolstring(L, -1, &a_size);
    const char *b = lua_tolstring(L, -2, &b_size);
    fhi_charge(L, (a_size < b_size ? a_size : b_size) / 16);
    return fhi_compare_bytes(a, a_size, b, b_size) < 0;
}

/* Merge [from, middle) and [middle, end) of the table at `source` into the one at `target`. */
static void merge(lua_State *L, int source, int target, lua_Integer from, lua_Integer middle,
                  lua_Integer end)
{
    lua_Integer left = from;
    lua_Integer right = middle;
    for (lua_Integer at = from; at < end; at++) {
        fhi_charge(L, FHI_COST_ENTRY);
        bool take_right = left == middle;
        if (!take_right && right < end) {
            lua_rawgeti(L, source, left);
            lua_rawgeti(L, source, right);
            take_right = top_before(L);
            lua_pop(L, 2);
        }
        lua_rawgeti(L, source, take_right ? right++ : left++);
        lua_rawseti(L, target, at);
    }
}

int fhi_sort(lua_State *L)
{
    fhi_check_own_table(L, LIST);
    lua_Integer count = (lua_Integer)lua_rawlen(L, LIST);
    lua_settop(L, BEFORE);
    if (!lua_isnil(L, BEFORE)) {
        luaL_checktype(L, BEFORE, LUA_TFUNCTION);
    }
    fhi_charge(L, FHI_COST_CALL);
    if (count < 2) {
        return 0;
    }
    /* Between holes a length may be anything, up to 2^63-1: far above it all is too many. */
    uint64_t charged = count < UINT32_MAX ? (uint64_t)count : UINT32_MAX;
    fhi_charge(L, charged * 2 * FHI_COST_ENTRY);
    luaL_checkstack(L, 8, "too many nested sorts");
    lua_createtable(L, (int)count, 0);
    lua_createtable(L, (int)count, 0);
    int source = BEFORE + 1;
    int target = BEFORE + 2;
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, LIST, i);
        lua_rawseti(L, source, i);
    }
    for (lua_Integer width = 1; width < count; width *= 2) {
        for (lua_Integer from = 1; from <= count; from += 2 * width) {
            lua_Integer middle = from + width <= count ? from + width : count + 1;
            lua_Integer end = middle + width <= count ? middle + width : count + 1;
            merge(L, source, target, from, middle, end);
        }
        int other = source;
        source = target;
        target = other;
    }
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, source, i);
        lua_rawseti(L, LIST, i);
    }
    return 0;
}
