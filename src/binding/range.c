/* A range in Lua is a value: the C handle, and the block that it is of. Losing it frees nothing,
 * since a handle that nobody stored would otherwise free its range at some random later time, under
 * the feet of whoever uses the offset. What frees is free(), <close>, and the block's clear() and
 * end. Several values may stand for one range (pieces() makes new ones): they are equal by ==, but
 * are different keys of a table.
 *
 * It holds its block alive (user value 1), so a range of a dead block cannot exist, and the
 * comparison of block addresses refuses a foreign range surely, where the C handle alone is only
 * almost sure. */

#include "binding/range.h"

#include "binding/check.h"
#include "binding/result.h"

#include <string.h>

/* What a range answers to. */
enum {
    FIELD_OFFSET,
    FIELD_SIZE,
    FIELD_USER,
    FIELD_LIVE,
    FIELD_BLOCK,
    FIELD_FREE,
    FIELD_COUNT
};

static const char *const fields[] = {
    [FIELD_OFFSET] = "offset", [FIELD_SIZE] = "size", [FIELD_USER] = "user", [FIELD_LIVE] = "live",
    [FIELD_BLOCK] = "block",   [FIELD_FREE] = "free", [FIELD_COUNT] = NULL,
};
static const char *const settable[] = {"user", NULL};

/* __index has one upvalue more, the method. */
enum {
    UPVALUE_FREE = FHI_UPVALUE_COUNT + 1,
    INDEX_UPVALUE_COUNT = UPVALUE_FREE
};

fhi_lua_range *fhi_push_range(lua_State *L, int index, fhi_lua_block *owner)
{
    fhi_lua_range *self = lua_newuserdatauv(L, sizeof *self, 1);
    self->owner = owner;
    self->range.id = 0;
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, lua_upvalueindex(FHI_UPVALUE_RANGE));
    lua_setmetatable(L, -2);
    return self;
}

fhi_lua_range *fhi_check_range(lua_State *L, int arg)
{
    if (!fhi_is_object(L, arg, FHI_UPVALUE_RANGE)) {
        fhi_type_error(L, arg, arg, "range", "freehold.range");
    }
    return lua_touserdata(L, arg);
}

/* Where the range lies, if it lives. */
static bool get_info(const fhi_lua_range *self, fh_range_info *info)
{
    return self->owner->block != NULL &&
           fh_block_info(self->owner->block, self->range, info) == FH_OK;
}

static int range_free(lua_State *L)
{
    fhi_lua_range *self = fhi_check_range(L, 1);
    if (self->owner->block == NULL) {
        return fhi_push_destroyed(L);
    }
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    fh_result result = fhi_block_free(L, self->owner, 2, self->range);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* Frees the range if it still lives; a body that freed it itself did nothing wrong. */
static int range_close(lua_State *L)
{
    fhi_lua_range *self = fhi_check_range(L, 1);
    fh_range_info info;
    if (get_info(self, &info)) {
        lua_settop(L, 1);
        lua_getiuservalue(L, 1, 1);
        fhi_block_free(L, self->owner, 2, self->range);
    }
    return 0;
}

/* The position of the key at index 2 in `names`; raises when it is not there. */
static int find_field(lua_State *L, const char *const *names, const char *complaint)
{
    const char *key = NULL;
    if (lua_type(L, 2) == LUA_TSTRING) {
        key = lua_tostring(L, 2);
        for (int i = 0; names[i] != NULL; i++) {
            if (strcmp(key, names[i]) == 0) {
                return i;
            }
        }
    } else {
        key = luaL_tolstring(L, 2, NULL);
    }
    fhi_push_nearest(L, key, names);
    return luaL_error(L, "%s '%s'%s", complaint, key, lua_tostring(L, -1));
}

static int range_index(lua_State *L)
{
    fhi_lua_range *self = fhi_check_range(L, 1);
    int field = find_field(L, fields, "a range has no field");
    if (field == FIELD_BLOCK) {
        lua_getiuservalue(L, 1, 1);
        return 1;
    }
    if (field == FIELD_FREE) {
        lua_pushvalue(L, lua_upvalueindex(UPVALUE_FREE));
        return 1;
    }
    fh_range_info info;
    bool live = get_info(self, &info);
    if (field == FIELD_LIVE) {
        lua_pushboolean(L, live);
    } else if (!live) {
        lua_pushnil(L);
    } else if (field == FIELD_OFFSET) {
        lua_pushinteger(L, (lua_Integer)info.offset);
    } else if (field == FIELD_SIZE) {
        lua_pushinteger(L, (lua_Integer)info.size);
    } else {
        lua_getiuservalue(L, 1, 1);
        fhi_block_push_user(L, lua_gettop(L), self->range);
    }
    return 1;
}

static int range_newindex(lua_State *L)
{
    fhi_lua_range *self = fhi_check_range(L, 1);
    find_field(L, settable, "a range has no field to set");
    fh_range_info info;
    if (!get_info(self, &info)) {
        return luaL_error(L, "cannot set 'user': the range no longer exists");
    }
    lua_settop(L, 3);
    lua_getiuservalue(L, 1, 1);
    lua_insert(L, 3); /* range key block value */
    fhi_block_keep_user(L, 3, self->range);
    return 0;
}

static int range_eq(lua_State *L)
{
    int equal = 0;
    if (fhi_is_object(L, 1, FHI_UPVALUE_RANGE) && fhi_is_object(L, 2, FHI_UPVALUE_RANGE)) {
        const fhi_lua_range *a = lua_touserdata(L, 1), *b = lua_touserdata(L, 2);
        equal = a->owner == b->owner && a->range.id == b->range.id;
    }
    lua_pushboolean(L, equal);
    return 1;
}

static int range_tostring(lua_State *L)
{
    fhi_lua_range *self = fhi_check_range(L, 1);
    fh_range_info info;
    if (get_info(self, &info)) {
        lua_pushfstring(L, "freehold.range (%I units at %I)", (LUAI_UACINT)info.size,
                        (LUAI_UACINT)info.offset);
    } else {
        lua_pushliteral(L, "freehold.range (freed)");
    }
    return 1;
}

void fhi_range_register(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        {"__close", range_close},       {"__eq", range_eq}, {"__newindex", range_newindex},
        {"__tostring", range_tostring}, {NULL, NULL},
    };
    luaL_checkstack(L, 5, NULL);
    int range = lua_gettop(L), block = range - 1;

    lua_pushvalue(L, range);
    lua_pushvalue(L, block);
    lua_pushvalue(L, range);
    luaL_setfuncs(L, metamethods, FHI_UPVALUE_COUNT);

    /* __index: block range (block range -> free) */
    lua_pushvalue(L, block);
    lua_pushvalue(L, range);
    lua_pushvalue(L, block);
    lua_pushvalue(L, range);
    lua_pushcclosure(L, range_free, FHI_UPVALUE_COUNT);
    lua_pushcclosure(L, range_index, INDEX_UPVALUE_COUNT);
    lua_setfield(L, -2, "__index");

    lua_pushliteral(L, "freehold.range");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "freehold.range");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
