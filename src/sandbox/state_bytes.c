/* State as bytes and back (the format is in state_node.h). It is written and read within one
 * program run; still, what is read is checked: whoever keeps the bytes meanwhile may mix them
 * up. */

#include "sandbox/state_node.h"

#include <string.h>

/* ---- keys in order ---- */

static bool comes_before(const fhi_state_key *a, const fhi_state_key *b)
{
    if (!a->is_string || !b->is_string) {
        return a->is_string == b->is_string ? a->of.integer < b->of.integer : b->is_string;
    }
    int order = memcmp(a->of.string, b->of.string, a->size < b->size ? a->size : b->size);
    return order != 0 ? order < 0 : a->size < b->size;
}

/* Shell's, with Ciura's gaps: short, and the keys of state are few.
 * Source: M. Ciura, "Best Increments for the Average Case of Shellsort", 2001. */
static void sort_keys(fhi_state_key *keys, size_t count)
{
    static const size_t gaps[] = {1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        size_t gap = gaps[g];
        for (size_t i = gap; i < count; i++) {
            fhi_state_key key = keys[i];
            size_t at = i;
            while (at >= gap && comes_before(&key, &keys[at - gap])) {
                keys[at] = keys[at - gap];
                at -= gap;
            }
            keys[at] = key;
        }
    }
}

size_t fhi_state_sort(lua_State *L, fhi_state_store *store, int index)
{
    if (store->keys == NULL) {
        store->keys = fhi_arena_resize(&fhi_box_of(L)->arena, NULL, 0,
                                       FHI_STATE_VALUES * sizeof *store->keys);
        if (store->keys == NULL) {
            luaL_error(L, "not enough memory");
            return 0;
        }
    }
    size_t first = store->key_count;
    int table = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        /* A subtree that is no part of the state any more may stand beside a full one. */
        if (store->key_count == FHI_STATE_VALUES) {
            luaL_error(L, "self.state: there is room for %d values", FHI_STATE_VALUES);
        }
        fhi_state_key *key = &store->keys[store->key_count++];
        key->is_string = lua_type(L, -1) == LUA_TSTRING;
        if (key->is_string) {
            size_t size;
            key->of.string = lua_tolstring(L, -1, &size);
            key->size = (uint32_t)size;
        } else {
            key->of.integer = lua_tointeger(L, -1);
            key->size = 0;
        }
    }
    sort_keys(store->keys + first, store->key_count - first);
    return first;
}

void fhi_state_key_push(lua_State *L, const fhi_state_key *key)
{
    if (key->is_string) {
        lua_pushlstring(L, key->of.string, key->size);
    } else {
        lua_pushinteger(L, key->of.integer);
    }
}

/* ---- writing ---- */

typedef struct writer {
    fhi_state_store *store;
    fhi_state *out;
    bool sorted;
} writer;

static void put(writer *w, const void *bytes, size_t size)
{
    memcpy(w->out->bytes + w->out->size, bytes, size);
    w->out->size += size;
}

static void put_tag(writer *w, unsigned char tag)
{
    put(w, &tag, 1);
}

static void write_scalar(lua_State *L, writer *w, int index)
{
    if (lua_type(L, index) == LUA_TBOOLEAN) {
        put_tag(w, lua_toboolean(L, index) ? FHI_STATE_TRUE : FHI_STATE_FALSE);
    } else if (lua_isinteger(L, index)) {
        lua_Integer integer = lua_tointeger(L, index);
        put_tag(w, FHI_STATE_INTEGER);
        put(w, &integer, sizeof integer);
    } else if (lua_type(L, index) == LUA_TNUMBER) {
        lua_Number number = lua_tonumber(L, index);
        put_tag(w, FHI_STATE_FLOAT);
        put(w, &number, sizeof number);
    } else {
        size_t size;
        const char *string = lua_tolstring(L, index, &size);
        uint32_t length = (uint32_t)size;
        put_tag(w, FHI_STATE_STRING);
        put(w, &length, sizeof length);
        put(w, string, size);
    }
}

static void write_entries(lua_State *L, writer *w);

/* The key and the value on top; pops the value. What is in the tree has been measured, and fits. */
static void write_entry(lua_State *L, writer *w)
{
    write_scalar(L, w, -2);
    if (fhi_state_node_open(L, w->store, -1)) {
        put_tag(w, FHI_STATE_TABLE);
        write_entries(L, w);
        put_tag(w, FHI_STATE_END);
        lua_pop(L, 1);
    } else {
        write_scalar(L, w, -1);
    }
    lua_pop(L, 1);
}

/* The table on top. */
static void write_entries(lua_State *L, writer *w)
{
    luaL_checkstack(L, 8, "self.state");
    if (!w->sorted) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            write_entry(L, w);
        }
        return;
    }
    size_t first = fhi_state_sort(L, w->store, -1);
    size_t end = w->store->key_count;
    for (size_t i = first; i < end; i++) {
        fhi_state_key_push(L, &w->store->keys[i]);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        write_entry(L, w);
        lua_pop(L, 1);
    }
    w->store->key_count = first;
}

static void save(lua_State *L, fhi_state_store *store, fhi_state *out_state, bool sorted)
{
    writer w = {.store = store, .out = out_state, .sorted = sorted};
    out_state->size = 0;
    store->key_count = 0;
    fhi_state_push(L, store);
    fhi_state_node_open(L, store, -1);
    write_entries(L, &w);
    lua_pop(L, 2);
}

void fhi_state_save(lua_State *L, fhi_state_store *store, fhi_state *out_state)
{
    save(L, store, out_state, true);
}

void fhi_state_save_unsorted(lua_State *L, fhi_state_store *store, fhi_state *out_state)
{
    save(L, store, out_state, false);
}

/* ---- reading ---- */

typedef struct reader {
    fhi_state_store *store; /* NULL: plain tables are made, no nodes */
    uint64_t generation, count;
    const unsigned char *at, *end;
} reader;

static int refuse(lua_State *L)
{
    return luaL_error(L, "these bytes are no state");
}

static void take(lua_State *L, reader *r, void *out, size_t size)
{
    if ((size_t)(r->end - r->at) < size) {
        refuse(L);
    }
    memcpy(out, r->at, size);
    r->at += size;
}

/* Push the scalar that the tag says. False: it is none. */
static bool read_scalar(lua_State *L, reader *r, unsigned char tag)
{
    lua_Integer integer;
    lua_Number number;
    uint32_t length;
    switch (tag) {
    case FHI_STATE_FALSE:
    case FHI_STATE_TRUE:
        lua_pushboolean(L, tag == FHI_STATE_TRUE);
        return true;
    case FHI_STATE_INTEGER:
        take(L, r, &integer, sizeof integer);
        lua_pushinteger(L, integer);
        return true;
    case FHI_STATE_FLOAT:
        take(L, r, &number, sizeof number);
        lua_pushnumber(L, number);
        return true;
    case FHI_STATE_STRING:
        take(L, r, &length, sizeof length);
        if ((size_t)(r->end - r->at) < length) {
            refuse(L);
        }
        lua_pushlstring(L, (const char *)r->at, length);
        r->at += length;
        return true;
    default:
        return false;
    }
}

/* Fill the table on top, until `closed` by an end, or the bytes are through. */
static void read_entries(lua_State *L, reader *r, uint32_t depth, bool closed)
{
    luaL_checkstack(L, 8, "self.state");
    while (closed || r->at < r->end) {
        unsigned char tag;
        take(L, r, &tag, 1);
        if (closed && tag == FHI_STATE_END) {
            return;
        }
        if ((tag != FHI_STATE_STRING && tag != FHI_STATE_INTEGER) || !read_scalar(L, r, tag)) {
            refuse(L);
        }
        take(L, r, &tag, 1);
        if (++r->count > FHI_STATE_VALUES) {
            refuse(L);
        }
        if (!read_scalar(L, r, tag)) {
            if (tag != FHI_STATE_TABLE || depth == FHI_STATE_DEPTH) {
                refuse(L);
            }
            if (r->store != NULL) {
                fhi_state_node_push(L, r->store, depth + 1, r->generation);
            } else {
                lua_newtable(L);
                lua_pushvalue(L, -1);
            }
            read_entries(L, r, depth + 1, true);
            lua_pop(L, 1);
        }
        lua_rawset(L, -3);
    }
}

static void start(lua_State *L, reader *r, const fhi_state *state)
{
    if (state->size > FHI_STATE_MAX) {
        refuse(L);
    }
    r->at = state->bytes;
    r->end = state->bytes + state->size;
}

void fhi_state_load(lua_State *L, fhi_state_store *store, const fhi_state *state)
{
    reader r = {.store = store, .generation = store->generation + 1};
    start(L, &r, state);
    fhi_state_push(L, store);
    lua_newtable(L);
    read_entries(L, &r, 0, false);
    lua_setiuservalue(L, -2, 1);
    ((fhi_state_node *)lua_touserdata(L, -1))->generation = r.generation;
    lua_pop(L, 1);
    store->generation = r.generation;
    store->bytes = state->size;
    store->count = r.count;
    store->pending = false;
    store->serial++;
}

void fhi_state_push_plain(lua_State *L, const fhi_state *state)
{
    reader r = {0};
    start(L, &r, state);
    lua_newtable(L);
    read_entries(L, &r, 0, false);
}
