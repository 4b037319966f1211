/* The state that scripts see and write. The tree of nodes (state_node.h) is changed in place, since
 * scripts hold its nodes; what a failed hook did to it is undone by building the tree anew from the
 * bytes that were saved before its first write. Saving costs time with every hook that writes, but
 * leaves no garbage, while a copy of the tree would be garbage after every hook that succeeds. A
 * journal of writes was rejected: it grows with the writes, and not with the state.
 *
 * Only what is reachable from the root counts. A subtree that was overwritten can still be read by
 * whoever holds its node; it is marked, so that writing to it is an error and not a loss. */

#include "sandbox/state.h"

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/state_node.h"
#include "sandbox/value.h"

#include <string.h>

enum {
    COST_VALUE = 40 /* units for a value that is copied, measured or saved */
};

/* ---- nodes ---- */

void fhi_state_node_push(lua_State *L, fhi_state_store *store, uint32_t depth, uint64_t generation)
{
    fhi_state_node *node = lua_newuserdatauv(L, sizeof *node, 1);
    *node = (fhi_state_node){.store = store, .generation = generation, .depth = depth};
    lua_rawgeti(L, LUA_REGISTRYINDEX, store->metatable_ref);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, 1);
}

bool fhi_state_node_open(lua_State *L, const fhi_state_store *store, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, store->metatable_ref);
    bool is_node = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (is_node) {
        lua_getiuservalue(L, index, 1);
    }
    return is_node;
}

size_t fhi_state_scalar_bytes(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return 1;
    case LUA_TNUMBER:
        return FHI_STATE_NUMBER_BYTES;
    case LUA_TSTRING:
        return FHI_STATE_STRING_BYTES + lua_rawlen(L, index);
    default:
        return 0;
    }
}

/* ---- copying what is assigned ---- */

typedef struct size {
    uint64_t bytes, count;
} size;

typedef struct copy {
    fhi_state_store *store;
    uint64_t generation;
    size have; /* with what will stay beside the copy */
    const void *ancestors[FHI_STATE_DEPTH + 1];
    uint32_t level; /* ancestors that are being copied */
} copy;

static int refuse_type(lua_State *L, int index)
{
    if (lua_isuserdata(L, index)) {
        return luaL_error(L, "self.state: facts are gone after the hook; keep values of theirs "
                             "instead");
    }
    return luaL_error(L,
                      "self.state: a %s cannot be kept, only booleans, numbers, strings and "
                      "tables of these",
                      luaL_typename(L, index));
}

static void check_key(lua_State *L, int index)
{
    if (lua_type(L, index) == LUA_TSTRING || lua_isinteger(L, index)) {
        return;
    }
    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_Number number = lua_tonumber(L, index);
        if (number != number) {
            luaL_error(L, "self.state: a key must be a string or an integer, and not NaN");
        }
        int is_integer;
        lua_tointegerx(L, index, &is_integer);
        if (!is_integer) {
            luaL_error(L, "self.state: a key must be a string or an integer, and not %f", number);
        }
        return; /* 2.0 is the key 2 */
    }
    luaL_error(L, "self.state: a key must be a string or an integer, and not a %s",
               luaL_typename(L, index));
}

static void check_size(lua_State *L, const size *have)
{
    if (have->count > FHI_STATE_VALUES) {
        luaL_error(L, "self.state: there is room for %d values", FHI_STATE_VALUES);
    }
    if (have->bytes > FHI_STATE_MAX) {
        luaL_error(L, "self.state: there is room for %d KiB", FHI_STATE_MAX / 1024);
    }
}

/* If the value at `index` is a table of any kind, push the plain one behind it, and return true. */
static bool open_any(lua_State *L, const fhi_state_store *store, int index)
{
    if (lua_type(L, index) == LUA_TUSERDATA) {
        return fhi_state_node_open(L, store, index);
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        return false;
    }
    if (!fhi_proxy_open(L, index)) {
        lua_pushvalue(L, index);
    }
    return true;
}

static void copy_value(lua_State *L, copy *c, int index);

/* Whether the key on top is told of rather than the one at `other`: so that of several that cannot
 * be, it is the same one on every run. */
static bool is_worse(lua_State *L, int other)
{
    int type = lua_type(L, -1), other_type = lua_type(L, other);
    if (type != LUA_TNUMBER || other_type != LUA_TNUMBER) {
        return other_type == LUA_TNIL || type < other_type;
    }
    return lua_tonumber(L, -1) < lua_tonumber(L, other);
}

/* Look at the keys of the table at `from`, all of them before any value. True: they are integers,
 * and Lua walks them in order, as those of lists. */
static bool check_keys(lua_State *L, copy *c, int from)
{
    bool in_order = true;
    lua_Integer last = LUA_MININTEGER;
    lua_pushnil(L); /* the worst key */
    int worst = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pop(L, 1);
        fhi_charge(L, 1);
        c->have.bytes += fhi_state_scalar_bytes(L, -1);
        bool is_integer = lua_isinteger(L, -1);
        lua_Integer key = is_integer ? lua_tointeger(L, -1) : 0;
        in_order = in_order && is_integer && key >= last;
        last = key;
        if (lua_type(L, -1) != LUA_TSTRING && !is_integer && is_worse(L, worst)) {
            lua_copy(L, -1, worst);
        }
    }
    if (!lua_isnil(L, worst)) {
        check_key(L, worst);
    }
    lua_pop(L, 1);
    check_size(L, &c->have);
    return in_order;
}

/* The key and the value on top, into the table at `to`; pops the value. */
static void copy_entry(lua_State *L, copy *c, int to)
{
    copy_value(L, c, lua_absindex(L, -1));
    lua_pushvalue(L, -3);
    lua_insert(L, -2);
    lua_rawset(L, to);
    lua_pop(L, 1);
}

/* Fill the node's table, which is on top, from the table right below the node. In order, for where
 * it ends with an error, and with which one, is for scripts to see. */
static void copy_entries(lua_State *L, copy *c)
{
    int from = lua_absindex(L, -3);
    int to = lua_absindex(L, -1);
    if (check_keys(L, c, from)) {
        lua_pushnil(L);
        while (lua_next(L, from)) {
            copy_entry(L, c, to);
        }
        return;
    }
    size_t first = fhi_state_sort(L, c->store, from);
    size_t end = c->store->key_count;
    for (size_t i = first; i < end; i++) {
        fhi_state_key_push(L, &c->store->keys[i]);
        lua_pushvalue(L, -1);
        lua_rawget(L, from);
        copy_entry(L, c, to);
        lua_pop(L, 1);
    }
    c->store->key_count = first;
}

/* Push a copy of the value at `index`. Its tables become nodes. */
static void copy_value(lua_State *L, copy *c, int index)
{
    size_t bytes = fhi_state_scalar_bytes(L, index);
    fhi_charge(L, COST_VALUE + bytes / 16);
    luaL_checkstack(L, 12, "self.state");
    c->have.count++;
    if (bytes > 0) {
        c->have.bytes += bytes;
        check_size(L, &c->have);
        lua_pushvalue(L, index);
        return;
    }
    if (!open_any(L, c->store, index)) {
        refuse_type(L, index);
    }
    const void *table = lua_topointer(L, -1);
    for (uint32_t i = 0; i < c->level; i++) {
        if (c->ancestors[i] == table) {
            luaL_error(L, "self.state: a table that contains itself cannot be kept");
        }
    }
    if (c->level > FHI_STATE_DEPTH) {
        luaL_error(L, "self.state: at most %d tables in one another", FHI_STATE_DEPTH);
    }
    c->have.bytes += FHI_STATE_TABLE_BYTES;
    check_size(L, &c->have);
    fhi_state_node_push(L, c->store, c->level, c->generation);
    c->ancestors[c->level++] = table;
    copy_entries(L, c);
    c->level--;
    lua_pop(L, 1);
    lua_remove(L, -2);
}

/* ---- what is overwritten ---- */

/* How large the value at `index` of a node's table is. */
static void measure(lua_State *L, const fhi_state_store *store, int index, size *sum)
{
    size_t bytes = fhi_state_scalar_bytes(L, index);
    fhi_charge(L, COST_VALUE);
    sum->count++;
    sum->bytes += bytes;
    if (bytes > 0) {
        return;
    }
    luaL_checkstack(L, 8, "self.state");
    sum->bytes += FHI_STATE_TABLE_BYTES;
    fhi_state_node_open(L, store, index);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        sum->bytes += fhi_state_scalar_bytes(L, -2);
        measure(L, store, lua_absindex(L, -1), sum);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Mark the node at `index` and all below it. After measure(), so the stack is deep enough. */
static void let_go(lua_State *L, const fhi_state_store *store, int index)
{
    if (!fhi_state_node_open(L, store, index)) {
        return;
    }
    ((fhi_state_node *)lua_touserdata(L, index))->gone = true;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        let_go(L, store, lua_absindex(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void save_before_the_first_write(lua_State *L, fhi_state_store *store)
{
    if (store->changed) {
        return;
    }
    fhi_charge(L, COST_VALUE * store->count + store->bytes / 16);
    fhi_state_save_unsorted(L, store, &store->undo);
    store->undo_count = store->count;
    store->changed = true;
}

/* ---- what scripts do with a node ---- */

/* node, key */
static int node_index(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    fhi_box_impure(L, "self.state");
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

/* node, key, value */
static int node_newindex(lua_State *L)
{
    fhi_state_node *node = lua_touserdata(L, 1);
    fhi_state_store *store = node->store;
    if (!store->writable) {
        return luaL_error(L, "self.state is read-only in place: only frame and pressure write it, "
                             "and migrate returns a new one");
    }
    if (node->gone || node->generation != store->generation) {
        return luaL_error(L, "this table is no longer part of self.state");
    }
    check_key(L, 2);
    fhi_charge(L, FHI_COST_CALL);
    lua_settop(L, 3);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    bool had = lua_rawget(L, 4) != LUA_TNIL;
    bool has = !lua_isnil(L, 3);
    if (lua_rawequal(L, 3, 5) && lua_isinteger(L, 3) == lua_isinteger(L, 5)) {
        return 0;
    }

    /* Stack: node, key, value, the node's table, what was there. */
    size old = {0};
    size_t key_bytes = fhi_state_scalar_bytes(L, 2);
    if (had) {
        measure(L, store, 5, &old);
        old.bytes += key_bytes;
    }
    copy c = {
        .store = store,
        .generation = store->generation,
        .have = {store->bytes - old.bytes, store->count - old.count},
        .level = node->depth + 1,
    };
    if (has) {
        c.have.bytes += key_bytes;
        store->key_count = 0; /* an error that was caught may have left some */
        copy_value(L, &c, 3);
    } else {
        lua_pushnil(L);
    }
    save_before_the_first_write(L, store);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 6);
    lua_rawset(L, 4); /* may raise, and has then changed nothing */
    store->bytes = c.have.bytes;
    store->count = c.have.count;
    let_go(L, store, 5);
    return 0;
}

/* The values from 1 on without a gap. Not lua_rawlen(): with gaps, that depends on how the table
 * came to be. */
static int node_len(lua_State *L)
{
    fhi_box_impure(L, "self.state");
    fhi_charge(L, FHI_COST_CALL);
    lua_getiuservalue(L, 1, 1);
    lua_Integer count = 0;
    while (lua_rawgeti(L, -1, count + 1) != LUA_TNIL) {
        fhi_charge(L, FHI_COST_ENTRY);
        lua_pop(L, 1);
        count++;
    }
    lua_pushinteger(L, count);
    return 1;
}

static int node_keys(lua_State *L)
{
    fhi_box_impure(L, "self.state");
    fhi_state_store *store = ((fhi_state_node *)lua_touserdata(L, 1))->store;
    store->key_count = 0; /* an error that was caught may have left some */
    lua_getiuservalue(L, 1, 1);
    size_t first = fhi_state_sort(L, store, -1);
    size_t count = store->key_count - first;
    store->key_count = first;
    fhi_charge(L, FHI_COST_CALL + COST_VALUE * (uint64_t)count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        fhi_state_key_push(L, &store->keys[first + i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- the whole ---- */

void fhi_state_register(lua_State *L, fhi_state_store *store)
{
    static const luaL_Reg functions[] = {
        {"__index", node_index},
        {"__newindex", node_newindex},
        {"__len", node_len},
        {"__keys", node_keys},
        {NULL, NULL},
    };
    luaL_newlib(L, functions);
    lua_pushliteral(L, "state");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "self.state is not a table of the script's own: append with list[#list + 1] "
                       "= value; for anything else change a copy, and assign that");
    lua_setfield(L, -2, "__refusal");
    store->metatable_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    fhi_state_node_push(L, store, 0, 0);
    lua_pop(L, 1);
    store->root_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void fhi_state_push(lua_State *L, const fhi_state_store *store)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, store->root_ref);
}

static void put_back(lua_State *L, fhi_state_store *store)
{
    store->pending = true;
    store->bytes = store->undo.size;
    store->count = store->undo_count;
    uint64_t serial = store->serial;
    fhi_state_load(L, store, &store->undo);
    store->serial = serial;
}

void fhi_state_begin(lua_State *L, fhi_state_store *store, bool writable)
{
    if (store->pending) {
        put_back(L, store);
    }
    store->key_count = 0;
    store->changed = false;
    store->writable = writable;
}

void fhi_state_end(lua_State *L, fhi_state_store *store, bool keep)
{
    bool changed = store->changed;
    store->writable = false;
    store->changed = false;
    if (changed && keep) {
        store->serial++;
    } else if (changed) {
        put_back(L, store);
    }
}

void fhi_state_assign(lua_State *L, fhi_state_store *store, int index)
{
    /* The copy's root becomes the root's table, and is not counted. */
    copy c = {
        .store = store,
        .generation = store->generation + 1,
        .have = {0, 0},
    };
    index = lua_absindex(L, index);
    if (lua_isnil(L, index)) {
        fhi_state_node_push(L, store, 0, c.generation);
        lua_pop(L, 1);
    } else if (fhi_state_scalar_bytes(L, index) > 0) {
        static const fhi_path path = {.root = "migrate"};
        fhi_refuse_value(L, index, &path, "a table or nil");
    } else {
        copy_value(L, &c, index);
        c.have.bytes -= FHI_STATE_TABLE_BYTES;
        c.have.count--;
    }
    save_before_the_first_write(L, store);
    lua_getiuservalue(L, -1, 1);
    fhi_state_push(L, store);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    ((fhi_state_node *)lua_touserdata(L, -1))->generation = c.generation;
    lua_pop(L, 2);
    store->generation = c.generation;
    store->bytes = c.have.bytes;
    store->count = c.have.count;
}
