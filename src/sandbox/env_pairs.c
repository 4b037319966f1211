/* pairs(t): the keys are listed when it is called, in order, and walked afterwards; one that is
 * gone by then is left out, one that is new is not seen.
 *
 * A list 1 to n, and nothing else, needs no list of its keys. Others get one: a table of keys as
 * Lua walks them, and a block with what to compare, which is sorted and says where each key goes.
 * Rejected: sorting the table itself, which goes through the stack for each comparison. */

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/sort.h"

#include <limits.h>

enum {
    KEYS_MAX = 4000, /* that are not 1 to n: what a block of FHI_BLOCK_MAX has room for */
    KEYS_LOCAL = 32, /* that need no block */
    COST_PAIRS = 3 * FHI_COST_CALL,
    COST_ROUND = 8 /* of a key, while the heap is made and taken apart */
};

typedef enum key_kind {
    KEY_FALSE = 0,
    KEY_TRUE,
    KEY_INTEGER, /* numbers are compared by value, whatever their kind */
    KEY_FLOAT,
    KEY_STRING
} key_kind;

typedef struct key {
    union {
        lua_Integer integer;
        lua_Number number;
        const char *text; /* lives as long as the list of keys */
    } as;
    uint32_t size;
    uint16_t from; /* place in the list, from 0 */
    uint8_t kind;
} key;

/* ---- comparing ---- */

/* Is the integer less than the float, which is none that an integer could be? */
static bool integer_before(lua_Integer integer, lua_Number number)
{
    const lua_Number limit = 9223372036854775808.0; /* 2^63 */
    if (number >= limit) {
        return true;
    }
    if (number < -limit) {
        return false;
    }
    /* Towards zero, so at most one off; and it is no integer, so equal means between two. */
    lua_Integer whole = (lua_Integer)number;
    return number > 0 ? integer <= whole : integer < whole;
}

static bool is_before(const key *a, const key *b)
{
    if (a->kind == KEY_STRING && b->kind == KEY_STRING) {
        return fhi_compare_bytes(a->as.text, a->size, b->as.text, b->size) < 0;
    }
    if (a->kind == KEY_INTEGER && b->kind == KEY_INTEGER) {
        return a->as.integer < b->as.integer;
    }
    if (a->kind == KEY_FLOAT && b->kind == KEY_FLOAT) {
        return a->as.number < b->as.number;
    }
    if (a->kind == KEY_INTEGER && b->kind == KEY_FLOAT) {
        return integer_before(a->as.integer, b->as.number);
    }
    if (a->kind == KEY_FLOAT && b->kind == KEY_INTEGER) {
        return !integer_before(b->as.integer, a->as.number);
    }
    return a->kind < b->kind;
}

/* ---- sorting: a heap, in place ---- */

/* Charged as a whole, by the keys alone: how many comparisons it takes depends on the order in
 * which Lua walks them, which differs from run to run. */
static void charge_sorting(lua_State *L, const key *keys, uint32_t count)
{
    uint64_t bytes = 0;
    uint64_t rounds = 1;
    for (uint32_t i = 0; i < count; i++) {
        bytes += keys[i].kind == KEY_STRING ? keys[i].size : 0;
    }
    while (count >> rounds != 0) {
        rounds++;
    }
    fhi_charge(L, count * (FHI_COST_ENTRY + rounds * COST_ROUND) + rounds * bytes / 8);
}

static void sift(key *keys, uint32_t root, uint32_t count)
{
    key sunk = keys[root];
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && is_before(&keys[child], &keys[child + 1])) {
            child++;
        }
        if (!is_before(&sunk, &keys[child])) {
            break;
        }
        keys[root] = keys[child];
        root = child;
    }
    keys[root] = sunk;
}

static void sort(key *keys, uint32_t count)
{
    uint32_t sorted = 1;
    while (sorted < count && is_before(&keys[sorted - 1], &keys[sorted])) {
        sorted++;
    }
    if (sorted >= count) {
        return;
    }
    for (uint32_t root = count / 2; root-- > 0;) {
        sift(keys, root, count);
    }
    for (uint32_t last = count - 1; last > 0; last--) {
        key most = keys[0];
        keys[0] = keys[last];
        keys[last] = most;
        sift(keys, 0, last);
    }
}

/* ---- listing ---- */

static key describe(lua_State *L, int index, uint32_t from)
{
    key described = {.from = (uint16_t)from};
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        described.kind = lua_toboolean(L, index) ? KEY_TRUE : KEY_FALSE;
        break;
    case LUA_TNUMBER:
        described.kind = lua_isinteger(L, index) ? KEY_INTEGER : KEY_FLOAT;
        if (described.kind == KEY_INTEGER) {
            described.as.integer = lua_tointeger(L, index);
        } else {
            described.as.number = lua_tonumber(L, index);
        }
        break;
    case LUA_TSTRING: {
        size_t size;
        described.kind = KEY_STRING;
        described.as.text = lua_tolstring(L, index, &size);
        described.size = (uint32_t)size;
        break;
    }
    default:
        /* Not which one: of several, that would be another one on each run. */
        luaL_error(L, "pairs: a key is a table or a function, and those have no order");
    }
    return described;
}

/* Put the list's values where the sorted keys say, ring by ring; keys[i].from becomes i. */
static void arrange(lua_State *L, int list, key *keys, uint32_t count)
{
    for (uint32_t first = 0; first < count; first++) {
        if (keys[first].from == first) {
            continue;
        }
        lua_rawgeti(L, list, (lua_Integer)first + 1);
        uint32_t to = first;
        while (keys[to].from != first) {
            uint32_t from = keys[to].from;
            lua_rawgeti(L, list, (lua_Integer)from + 1);
            lua_rawseti(L, list, (lua_Integer)to + 1);
            keys[to].from = (uint16_t)to;
            to = from;
        }
        lua_rawseti(L, list, (lua_Integer)to + 1);
        keys[to].from = (uint16_t)to;
    }
}

static void sort_list(lua_State *L, int list, uint32_t count)
{
    key local[KEYS_LOCAL];
    key *keys = local;
    int top = lua_gettop(L);
    if (count > KEYS_LOCAL) {
        keys = lua_newuserdatauv(L, count * sizeof *keys, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        keys[i] = describe(L, -1, i);
        lua_pop(L, 1);
    }
    charge_sorting(L, keys, count);
    sort(keys, count);
    arrange(L, list, keys, count);
    lua_settop(L, top);
}

/* The keys 1 to `count`, as a list on the stack. */
static int begin_list(lua_State *L, uint32_t count)
{
    lua_createtable(L, (int)count + 8, 0);
    for (uint32_t i = 1; i <= count; i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    return lua_gettop(L);
}

/* Push the list of keys of the table at `table`, or nil when they are 1 to n; returns how many. */
static uint32_t push_keys(lua_State *L, int table)
{
    uint32_t count = 0;
    lua_pushnil(L); /* where the list will be */
    int list = lua_gettop(L);
    bool listed = false;
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        fhi_charge(L, FHI_COST_ENTRY);
        lua_pop(L, 1);
        bool next = lua_isinteger(L, -1) && lua_tointeger(L, -1) == (lua_Integer)count + 1;
        if (!listed && !next) {
            begin_list(L, count);
            lua_replace(L, list);
            listed = true;
        }
        if (listed) {
            if (count >= KEYS_MAX) {
                luaL_error(L, "pairs: more than %d keys", KEYS_MAX);
            }
            lua_pushvalue(L, -1);
            lua_rawseti(L, list, (lua_Integer)count + 1);
        }
        count++;
    }
    if (listed) {
        sort_list(L, list, count);
    }
    return count;
}

/* ---- walking ---- */

enum {
    UP_WALKED = 1, /* the table or object */
    UP_KEYS,       /* the list, or nil: 1 to n */
    UP_POSITION,
    UP_COUNT
};

static int pairs_next(lua_State *L)
{
    lua_Integer position = lua_tointeger(L, lua_upvalueindex(UP_POSITION));
    lua_Integer count = lua_tointeger(L, lua_upvalueindex(UP_COUNT));
    bool listed = !lua_isnil(L, lua_upvalueindex(UP_KEYS));
    bool object = lua_type(L, lua_upvalueindex(UP_WALKED)) != LUA_TTABLE;
    lua_settop(L, 0);
    while (position < count) {
        fhi_charge(L, FHI_COST_CALL);
        position++;
        if (listed) {
            lua_rawgeti(L, lua_upvalueindex(UP_KEYS), position);
        } else {
            lua_pushinteger(L, position);
        }
        lua_pushvalue(L, 1);
        int type = object ? lua_gettable(L, lua_upvalueindex(UP_WALKED))
                          : lua_rawget(L, lua_upvalueindex(UP_WALKED));
        if (type != LUA_TNIL) {
            break;
        }
        lua_settop(L, 0);
    }
    lua_pushinteger(L, position);
    lua_replace(L, lua_upvalueindex(UP_POSITION));
    if (lua_gettop(L) == 0) {
        lua_pushnil(L);
        return 1;
    }
    return 2;
}

int fhi_env_pairs(lua_State *L)
{
    fhi_charge(L, COST_PAIRS);
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    uint32_t count;
    if (luaL_getmetafield(L, 1, "__keys") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 1);
        lua_insert(L, 2); /* object, object, __keys, object */
        lua_call(L, 1, 1);
        lua_Unsigned length = lua_rawlen(L, -1);
        fhi_charge(L, (uint64_t)length);
        count = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
    } else {
        luaL_checktype(L, 1, LUA_TTABLE);
        if (!fhi_proxy_open(L, 1)) {
            lua_pushvalue(L, 1);
        }
        count = push_keys(L, 2);
    }
    lua_pushinteger(L, 0);
    lua_pushinteger(L, (lua_Integer)count);
    lua_pushcclosure(L, pairs_next, 4);
    return 1;
}
