/* A block in Lua is a full userdata that holds the C block. It is made closed, gets its metatable,
 * and only then acquires: whatever raises in between leaves nothing behind.
 *
 * Any allocation that Lua makes may run finalisers, and those are anybody's code: they may use,
 * change or destroy the very block that a method is working on. So each method allocates first and
 * looks at self->block after; where that order is impossible (a snapshot needs its size before its
 * memory) it measures, allocates, and starts over when the world has changed. No callback of the
 * core touches Lua: an error raised there would jump across the core's frames.
 *
 * User values never reach the core. They live in a table in the block's user value, keyed by the
 * range's id and made when the first one comes; blocks that never use them pay nothing. */

#include "binding/block.h"

#include "binding/check.h"
#include "binding/range.h"
#include "binding/result.h"
#include "binding/text.h"

#include <stdint.h>
#include <string.h>

/* A negative size cannot be handed to the core, so its sentence is made here. */
static int push_negative_size(lua_State *L, lua_Integer size)
{
    return fhi_push_failure_of(L, FH_ERR_INVALID,
                               "size: %I is negative; the largest is math.maxinteger",
                               (LUAI_UACINT)size);
}

int fhi_is_object(lua_State *L, int index, int upvalue)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
        return 0;
    }
    int same = lua_rawequal(L, -1, lua_upvalueindex(upvalue));
    lua_pop(L, 1);
    return same;
}

fhi_lua_block *fhi_check_block(lua_State *L)
{
    if (!fhi_is_object(L, 1, FHI_UPVALUE_BLOCK)) {
        fhi_type_error(L, 1, 1, "block", "freehold.block");
    }
    return lua_touserdata(L, 1);
}

int fhi_push_destroyed(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "block: has been destroyed");
}

/* `range` is of another block than the one it was given to. */
static int push_foreign(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "range: belongs to another block");
}

static int push_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

void fhi_block_push_user(lua_State *L, int index, fh_range range)
{
    if (lua_getiuservalue(L, index, 1) == LUA_TTABLE) {
        lua_rawgeti(L, -1, (lua_Integer)range.id);
        lua_replace(L, -2);
    }
}

void fhi_block_keep_user(lua_State *L, int index, fh_range range)
{
    if (lua_getiuservalue(L, index, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            return;
        }
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, index, 1);
    }
    lua_insert(L, -2); /* ... users value */
    lua_rawseti(L, -2, (lua_Integer)range.id);
    lua_pop(L, 1);
}

/* After a range was freed. Raises nothing: setting a key that is there to nil needs no memory. */
static void forget_user(lua_State *L, int index, fh_range range)
{
    if (lua_getiuservalue(L, index, 1) == LUA_TTABLE) {
        if (lua_rawgeti(L, -1, (lua_Integer)range.id) != LUA_TNIL) {
            lua_pushnil(L);
            lua_rawseti(L, -3, (lua_Integer)range.id);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

fh_result fhi_block_free(lua_State *L, fhi_lua_block *self, int index, fh_range range)
{
    fh_result result = fh_block_free(self->block, range);
    if (result == FH_OK) {
        forget_user(L, index, range);
    }
    return result;
}

static void forget_all_users(lua_State *L, int index)
{
    lua_pushnil(L);
    lua_setiuservalue(L, index, 1);
}

int fhi_block_create(lua_State *L)
{
    static const char *const fields[] = {"size", "algorithm", NULL};
    static const char *const algorithms[] = {"tlsf", "linear", NULL};
    fh_block_desc desc = {0};
    lua_Integer size = 0;
    int has_size = 0;

    fhi_check_table(L, 1, "options");
    lua_settop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1)) { /* options key value */
        switch (fhi_check_field(L, 2, 1, fields)) {
        case 0:
            size = fhi_check_integer(L, 3, 1, "field 'size'");
            has_size = 1;
            break;
        default:
            desc.algorithm =
                (fh_block_algorithm)fhi_check_choice(L, 3, 1, "field 'algorithm'", algorithms);
            break;
        }
        lua_pop(L, 1);
    }
    if (!has_size) {
        luaL_argerror(L, 1, "field 'size': integer expected, got nil");
    }
    if (size < 0) {
        return push_negative_size(L, size);
    }
    desc.size = (uint64_t)size;

    fhi_lua_block *self = lua_newuserdatauv(L, sizeof *self, 1);
    self->block = NULL;
    lua_pushvalue(L, lua_upvalueindex(FHI_UPVALUE_BLOCK));
    lua_setmetatable(L, -2);
    fh_result result = fh_block_create(&desc, &self->block);
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

/* How many ranges still lived. */
static uint64_t destroy(lua_State *L, fhi_lua_block *self)
{
    fh_stats stats;
    fh_block_stats(self->block, &stats); /* all 0 for NULL */
    fh_block *block = self->block;
    self->block = NULL;
    fh_block_destroy(block);
    forget_all_users(L, 1);
    return stats.range_count;
}

static int block_destroy(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    lua_pushinteger(L, (lua_Integer)destroy(L, self));
    return 1;
}

/* __gc and __close: Lua ignores what they return. */
static int block_finish(lua_State *L)
{
    destroy(L, fhi_check_block(L));
    return 0;
}

static int block_tostring(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    if (self->block == NULL) {
        lua_pushliteral(L, "freehold.block (destroyed)");
        return 1;
    }
    fh_stats stats;
    fh_block_stats(self->block, &stats);
    lua_pushfstring(L, "freehold.block (%I of %I used, %I range%s)", (LUAI_UACINT)stats.range_bytes,
                    (LUAI_UACINT)stats.block_bytes, (LUAI_UACINT)stats.range_count,
                    stats.range_count == 1 ? "" : "s");
    return 1;
}

/* Reads the options of alloc at index 3 into `desc`, and the user value to index 4. Returns 0, or
 * the number of results that say what is wrong. */
static int read_range_options(lua_State *L, fh_range_desc *desc)
{
    static const char *const fields[] = {"alignment", "strategy", "upper", "user", NULL};
    static const char *const strategies[] = {"balanced", "min_time", "min_memory", "min_offset",
                                             NULL};
    fhi_check_table(L, 3, "options");
    lua_pushnil(L);
    while (lua_next(L, 3)) { /* block size options user key value */
        lua_Integer alignment;
        switch (fhi_check_field(L, 5, 3, fields)) {
        case 0:
            alignment = fhi_check_integer(L, 6, 3, "field 'alignment'");
            if (alignment < 0) {
                return fhi_push_failure_of(L, FH_ERR_INVALID, "alignment: %I is not a power of two",
                                           (LUAI_UACINT)alignment);
            }
            desc->alignment = (uint64_t)alignment;
            break;
        case 1:
            desc->strategy = (fh_strategy)fhi_check_choice(L, 6, 3, "field 'strategy'", strategies);
            break;
        case 2:
            desc->upper = fhi_check_boolean(L, 6, 3, "field 'upper'");
            break;
        default:
            lua_copy(L, 6, 4);
            break;
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* A protected fhi_block_keep_user(): block, value, id. */
static int keep_user_protected(lua_State *L)
{
    fh_range range = {(uint64_t)lua_tointeger(L, 3)};
    lua_pop(L, 1);
    fhi_block_keep_user(L, 1, range);
    return 0;
}

static int block_alloc(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    fh_range_desc desc = {0};
    lua_Integer size = fhi_check_integer(L, 2, 2, "size");
    if (size < 0) {
        return push_negative_size(L, size);
    }
    desc.size = (uint64_t)size;
    int has_options = !lua_isnoneornil(L, 3);
    if (has_options) {
        lua_settop(L, 3);
        lua_pushnil(L); /* 4: the user value */
        int failed = read_range_options(L, &desc);
        if (failed > 0) {
            return failed;
        }
    }

    fhi_lua_range *handle = fhi_push_range(L, 1, self);
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    uint64_t offset;
    fh_result result = fh_block_alloc(self->block, &desc, &handle->range, &offset);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (has_options && !lua_isnil(L, 4)) {
        /* Keeping the value may run out of memory, and then nobody would have the handle. */
        lua_pushcfunction(L, keep_user_protected);
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 4);
        lua_pushinteger(L, (lua_Integer)handle->range.id);
        if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
            if (self->block != NULL) {
                fh_block_free(self->block, handle->range);
            }
            return lua_error(L);
        }
    }
    lua_pushinteger(L, (lua_Integer)offset);
    return 2;
}

static int block_free(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    fhi_lua_range *handle = fhi_check_range(L, 2);
    if (handle->owner != self) {
        return push_foreign(L);
    }
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_result result = fhi_block_free(L, self, 1, handle->range);
    return result == FH_OK ? push_true(L) : fhi_push_failure(L, result);
}

static int block_clear(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_block_clear(self->block);
    forget_all_users(L, 1);
    return push_true(L);
}

static void set_field(lua_State *L, const char *name, uint64_t value)
{
    /* The core's "smallest of nothing" is UINT64_MAX, which Lua would show as -1. */
    lua_pushinteger(L, value > (uint64_t)LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static int block_info(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    fhi_lua_range *handle = fhi_check_range(L, 2);
    lua_createtable(L, 0, 3);
    if (handle->owner != self) {
        return push_foreign(L);
    }
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_range_info info;
    fh_result result = fh_block_info(self->block, handle->range, &info);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    set_field(L, "offset", info.offset);
    set_field(L, "size", info.size);
    fhi_block_push_user(L, 1, handle->range);
    lua_setfield(L, -2, "user");
    return 1;
}

static int block_set_user(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    fhi_lua_range *handle = fhi_check_range(L, 2);
    if (lua_isnone(L, 3)) {
        luaL_argerror(L, 3, "user: a value expected, or nil to remove it");
    }
    if (handle->owner != self) {
        return push_foreign(L);
    }
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_range_info info;
    fh_result result = fh_block_info(self->block, handle->range, &info);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_settop(L, 3);
    fhi_block_keep_user(L, 1, handle->range);
    return push_true(L);
}

static void set_stats(lua_State *L, const fh_stats *stats)
{
    set_field(L, "block_count", stats->block_count);
    set_field(L, "block_bytes", stats->block_bytes);
    set_field(L, "range_count", stats->range_count);
    set_field(L, "range_bytes", stats->range_bytes);
}

static int block_stats(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    lua_createtable(L, 0, 4);
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_stats stats;
    fh_block_stats(self->block, &stats);
    set_stats(L, &stats);
    return 1;
}

static int block_detail(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    lua_createtable(L, 0, 6);
    lua_createtable(L, 0, 4); /* detail stats */
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    fh_stats_detail detail;
    fh_block_detail(self->block, &detail);
    set_stats(L, &detail.stats);
    lua_setfield(L, -2, "stats");
    set_field(L, "free_count", detail.free_count);
    set_field(L, "range_min", detail.range_min);
    set_field(L, "range_max", detail.range_max);
    set_field(L, "free_min", detail.free_min);
    set_field(L, "free_max", detail.free_max);
    return 1;
}

static int block_free_bound(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    lua_pushinteger(L, (lua_Integer)fh_block_free_bound(self->block));
    return 1;
}

static int block_resize(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    lua_Integer size = fhi_check_integer(L, 2, 2, "size");
    if (self->block == NULL) {
        return fhi_push_destroyed(L);
    }
    if (size < 0) {
        return push_negative_size(L, size);
    }
    fh_result result = fh_block_resize(self->block, (uint64_t)size);
    return result == FH_OK ? push_true(L) : fhi_push_failure(L, result);
}

/* All pieces of a block at one moment, so that the body of a loop may change the block. */
typedef struct snapshot {
    fhi_lua_block *owner;
    size_t count, capacity, next;
    int overflow; /* the block had more pieces than were counted */
    fh_block_piece pieces[];
} snapshot;

static bool snapshot_add(void *context, const fh_block_piece *piece)
{
    snapshot *self = context;
    if (self->count == self->capacity) {
        self->overflow = 1;
        return false;
    }
    self->pieces[self->count++] = *piece;
    return true;
}

/* Upvalues beside the usual ones: the snapshot, and the block, to keep it alive. */
enum {
    UPVALUE_SNAPSHOT = FHI_UPVALUE_COUNT + 1,
    UPVALUE_OWNER,
    PIECES_UPVALUE_COUNT = UPVALUE_OWNER
};

static int pieces_next(lua_State *L)
{
    snapshot *self = lua_touserdata(L, lua_upvalueindex(UPVALUE_SNAPSHOT));
    if (self->next == self->count) {
        lua_pushnil(L);
        return 1;
    }
    const fh_block_piece *piece = &self->pieces[self->next++];
    lua_pushinteger(L, (lua_Integer)piece->offset);
    lua_pushinteger(L, (lua_Integer)piece->size);
    if (piece->range.id == 0) {
        return 2;
    }
    fhi_push_range(L, lua_upvalueindex(UPVALUE_OWNER), self->owner)->range = piece->range;
    fhi_block_push_user(L, lua_upvalueindex(UPVALUE_OWNER), piece->range);
    return 4;
}

static int block_pieces(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    for (;;) {
        lua_settop(L, 1);
        if (self->block == NULL) {
            return fhi_push_destroyed(L);
        }
        fh_stats_detail detail;
        fh_block_detail(self->block, &detail);
        uint64_t count = detail.stats.range_count + detail.free_count;
        if (count > (SIZE_MAX - sizeof(snapshot)) / sizeof(fh_block_piece)) {
            return fhi_push_failure_of(L, FH_ERR_HOST_MEMORY,
                                       "no host memory has room for a list of %I pieces",
                                       (LUAI_UACINT)count);
        }
        size_t capacity = (size_t)count;
        for (int i = 1; i <= FHI_UPVALUE_COUNT; i++) {
            lua_pushvalue(L, lua_upvalueindex(i));
        }
        snapshot *shot = lua_newuserdatauv(L, sizeof *shot + capacity * sizeof(fh_block_piece), 0);
        memset(shot, 0, sizeof *shot);
        shot->owner = self;
        shot->capacity = capacity;
        lua_pushvalue(L, 1);
        lua_pushcclosure(L, pieces_next, PIECES_UPVALUE_COUNT);
        if (self->block == NULL) {
            return fhi_push_destroyed(L);
        }
        fh_block_visit(self->block, snapshot_add, shot); /* kept alive by the closure */
        if (!shot->overflow) {
            return 1;
        }
    }
}

static int block_json(lua_State *L)
{
    fhi_lua_block *self = fhi_check_block(L);
    bool detailed = !lua_isnoneornil(L, 2) && fhi_check_boolean(L, 2, 2, "detailed");
    fhi_text out = {0};
    for (;;) {
        lua_settop(L, 1);
        /* With room from the last round; in the first one there is none, and this measures. */
        out.data = out.capacity > 0 ? lua_newuserdatauv(L, out.capacity, 0) : NULL;
        if (self->block == NULL) {
            return fhi_push_destroyed(L);
        }
        out.length = 0;
        fh_result result = fh_block_json(self->block, detailed, fhi_text_add, &out);
        if (result != FH_OK) {
            return fhi_push_failure(L, result);
        }
        if (out.length <= out.capacity) {
            lua_pushlstring(L, out.data, out.length);
            return 1;
        }
        out.capacity = out.length;
    }
}

void fhi_block_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"alloc", block_alloc},   {"free", block_free},
        {"clear", block_clear},   {"info", block_info},
        {"json", block_json},     {"set_user", block_set_user},
        {"stats", block_stats},   {"detail", block_detail},
        {"pieces", block_pieces}, {"free_bound", block_free_bound},
        {"resize", block_resize}, {"destroy", block_destroy},
        {"close", block_destroy}, {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__gc", block_finish},
        {"__close", block_finish},
        {"__tostring", block_tostring},
        {NULL, NULL},
    };
    luaL_checkstack(L, 4, NULL);
    int block = lua_gettop(L) - 1, range = block + 1;

    lua_pushvalue(L, block);
    lua_pushvalue(L, block);
    lua_pushvalue(L, range);
    luaL_setfuncs(L, metamethods, FHI_UPVALUE_COUNT);

    lua_newtable(L);
    lua_pushvalue(L, block);
    lua_pushvalue(L, range);
    luaL_setfuncs(L, methods, FHI_UPVALUE_COUNT);
    lua_setfield(L, -2, "__index");

    lua_pushliteral(L, "freehold.block");
    lua_setfield(L, -2, "__name");
    /* What getmetatable() shows: nobody changes all blocks by accident. */
    lua_pushliteral(L, "freehold.block");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
