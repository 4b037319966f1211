/* Pools. One that is collected, or whose <close> variable ends, while parcels live in it cannot be
 * destroyed yet, and nor can one whose released parcels still wait for the GPU. It is put aside,
 * and tried again at ticks; destroy() says "busy" instead. */

#include "binding/pool.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/parcel.h"
#include "binding/result.h"

#include <stdlib.h>

fhi_lua_pool *fhi_check_pool(lua_State *L, int index, int arg, const char *name)
{
    return fhi_check_object(L, index, arg, name, &fhi_pool_class);
}

void fhi_pools_sweep(fhi_lua_world *world)
{
    for (fhi_pool_rest **link = &world->pools; *link != NULL;) {
        fhi_pool_rest *rest = *link;
        if (rest->uses == 0 && fh_pool_destroy(rest->pool) == FH_OK) {
            *link = rest->next;
            free(rest);
        } else {
            link = &rest->next;
        }
    }
}

void fhi_pools_forget(fhi_lua_world *world)
{
    while (world->pools != NULL) {
        fhi_pool_rest *rest = world->pools;
        world->pools = rest->next;
        free(rest);
    }
}

enum {
    SLOT_NAME,
    SLOT_COUNT
};

#define AT(field) offsetof(fh_pool_desc, field)

static const fhi_field pool_fields[] = {
    {"types", FHI_FIELD_INDICES, AT(type_mask), 0, NULL},
    {"location", FHI_FIELD_CHOICE, AT(location), 0, fhi_location_names},
    {"access", FHI_FIELD_CHOICE, AT(access), 0, fhi_access_names},
    {"algorithm", FHI_FIELD_CHOICE, AT(algorithm), 0, fhi_algorithm_names},
    {"block_size", FHI_FIELD_BYTES, AT(block_size), 0, NULL},
    {"block_count_min", FHI_FIELD_COUNT, AT(block_count_min), 0, NULL},
    {"block_count_max", FHI_FIELD_COUNT, AT(block_count_max), 0, NULL},
    {"keep_empty", FHI_FIELD_BOOLEAN, AT(keep_empty), 0, NULL},
    {"priority", FHI_FIELD_NUMBER, AT(priority), 0, NULL},
    {"name", FHI_FIELD_TEXT, AT(name), SLOT_NAME, NULL},
    FHI_FIELDS_END,
};

#undef AT

int fhi_device_pool_method(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    fh_pool_desc desc = {0};
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    lua_settop(L, 2 + SLOT_COUNT);
    int failed = fhi_read_fields(L, 2, 2, pool_fields, 3, &desc);
    if (failed != 0) {
        return failed;
    }
    fhi_lua_pool *self = fhi_object_new(L, &fhi_pool_class, sizeof *self, 1);
    int object = lua_gettop(L);
    self->world = device->world;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, object, 1);
    self->rest = malloc(sizeof *self->rest);
    if (self->rest == NULL) {
        return fhi_push_failure_of(L, FH_ERR_HOST_MEMORY, "no host memory for a pool");
    }
    *self->rest = (fhi_pool_rest){NULL, NULL, 0};
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_pool_create(handle, &desc, &self->pool);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_world_push_from(L, 1, FHI_WORLD_POOLS);
    lua_pushvalue(L, object);
    lua_rawsetp(L, -2, self->pool);
    lua_settop(L, object);
    return 1;
}

bool fhi_pool_is_live(const fhi_lua_pool *self)
{
    return self->pool != NULL && self->world->root->device != NULL;
}

int fhi_push_pool_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "pool: has been destroyed");
}

/* The world finds it no more. */
static void delist(lua_State *L, const fhi_lua_pool *self, int device_index)
{
    fhi_world_push_from(L, device_index, FHI_WORLD_POOLS);
    if (lua_rawgetp(L, -1, self->pool) != LUA_TNIL) {
        lua_pushnil(L);
        lua_rawsetp(L, -3, self->pool);
    }
    lua_pop(L, 2);
}

/* Forget the pool, which is destroyed or put aside. */
static void let_go(fhi_lua_pool *self)
{
    free(self->rest);
    self->rest = NULL;
    self->pool = NULL;
}

static int pool_destroy(lua_State *L)
{
    fhi_lua_pool *self = fhi_check_pool(L, 1, 1, "pool");
    lua_settop(L, 1);
    if (!fhi_pool_is_live(self)) {
        let_go(self);
        return fhi_push_done(L, FH_OK);
    }
    if (self->rest->uses > 0) {
        return fhi_push_failure_of(L, FH_ERR_BUSY, "pool: a parcel is being made in it");
    }
    lua_getiuservalue(L, 1, 1);
    fhi_lua_call call;
    fhi_call_begin(&call, L, self->world->root, 2);
    fh_result result = fh_pool_destroy(self->pool);
    fhi_call_end(&call);
    if (result == FH_OK) {
        delist(L, self, 2);
        let_go(self);
    }
    return fhi_push_done(L, result);
}

/* __gc and __close: what parcels still live in is destroyed after the last of them. */
static int pool_finish(lua_State *L)
{
    fhi_lua_pool *self = fhi_check_pool(L, 1, 1, "pool");
    lua_settop(L, 1);
    if (fhi_pool_is_live(self)) {
        lua_getiuservalue(L, 1, 1);
        delist(L, self, 2);
        self->rest->pool = self->pool;
        self->rest->next = self->world->pools;
        self->world->pools = self->rest;
        self->rest = NULL;
        fhi_lua_call call;
        fhi_call_begin(&call, L, self->world->root, 2);
        fhi_pools_sweep(self->world);
        fhi_call_end(&call);
    }
    let_go(self);
    return 0;
}

static int pool_info(lua_State *L)
{
    fhi_lua_pool *self = fhi_check_pool(L, 1, 1, "pool");
    lua_settop(L, 1);
    lua_createtable(L, 0, 9); /* 2 */
    lua_getiuservalue(L, 1, 1);
    if (!fhi_pool_is_live(self)) {
        return fhi_push_pool_gone(L);
    }
    fh_pool_info info;
    fhi_lua_call call;
    fhi_call_begin(&call, L, self->world->root, 3);
    fh_result result = fh_pool_get(self->pool, &info);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_settop(L, 2);
    fhi_set_text(L, "name", info.name);
    fhi_set_integer(L, "type", info.type);
    fhi_set_integer(L, "heap", info.heap);
    fhi_set_flags(L, "flags", info.flags, fhi_memory_flag_names);
    fhi_set_integer(L, "block_size", info.block_size);
    fhi_set_integer(L, "block_count", info.stats.block_count);
    fhi_set_integer(L, "block_bytes", info.stats.block_bytes);
    fhi_set_integer(L, "range_count", info.stats.range_count);
    fhi_set_integer(L, "range_bytes", info.stats.range_bytes);
    return 1;
}

static int pool_tostring(lua_State *L)
{
    fhi_lua_pool *self = fhi_check_pool(L, 1, 1, "pool");
    lua_settop(L, 1);
    if (!fhi_pool_is_live(self)) {
        lua_pushliteral(L, "freehold.pool (destroyed)");
        return 1;
    }
    lua_getiuservalue(L, 1, 1);
    fh_pool_info info;
    fhi_lua_call call;
    fhi_call_begin(&call, L, self->world->root, 2);
    fh_pool_get(self->pool, &info);
    fhi_call_end(&call);
    lua_pushfstring(L, "freehold.pool ('%s', %I of %I bytes used)", info.name,
                    (LUAI_UACINT)info.stats.range_bytes, (LUAI_UACINT)info.stats.block_bytes);
    return 1;
}

static const luaL_Reg methods[] = {
    {"close", pool_destroy},
    {"destroy", pool_destroy},
    {"info", pool_info},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", pool_finish},
    {"__close", pool_finish},
    {"__tostring", pool_tostring},
    {NULL, NULL},
};

const fhi_class fhi_pool_class = {"freehold.pool", methods, metamethods, NULL, NULL};
