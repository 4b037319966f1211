/* A handle owns one reference, and gives it back when it is released, when its <close> variable
 * ends, or when it is collected. Unlike a range of a block, a parcel is a counted resource: nothing
 * is handed out again as long as somebody has a reference, so collecting a lost handle is the net
 * under everything else.
 *
 * A parcel's value of the program's is kept in its handles, not in the device: so a value that
 * mentions its own parcel is collected with it. Handles of one parcel know each other by a weak
 * list, which is made with the second of them. A world has one handle of each parcel in a weak
 * table, by id: that is what callbacks get to see, and it must be the program's own, so that what
 * they release is the program's reference. */

#include "binding/parcel.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/queue.h"
#include "binding/result.h"
#include "binding/view.h"

#include <stdio.h>
#include <string.h>

fhi_lua_parcel *fhi_check_parcel(lua_State *L, int index, int arg, const char *name)
{
    return fhi_check_object(L, index, arg, name, &fhi_parcel_class);
}

static fhi_lua_parcel *check_self(lua_State *L)
{
    return fhi_check_parcel(L, 1, 1, "parcel");
}

/* ---- handles and the world's table ---- */

fhi_lua_parcel *fhi_parcel_new(lua_State *L, fhi_lua_world *world, int index)
{
    fhi_lua_parcel *self = fhi_object_new(L, &fhi_parcel_class, sizeof *self, FHI_PARCEL_VALUES);
    self->world = world;
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, FHI_PARCEL_DEVICE);
    return self;
}

void fhi_parcel_enlist(lua_State *L, int index, int handle)
{
    const fhi_lua_parcel *self = lua_touserdata(L, handle);
    fhi_world_push_from(L, index, FHI_WORLD_PARCELS);
    lua_pushvalue(L, handle);
    lua_rawseti(L, -2, (lua_Integer)self->parcel.id);
    lua_pop(L, 1);
}

void fhi_parcel_push(lua_State *L, int parcels, fh_parcel parcel)
{
    if (lua_rawgeti(L, parcels, (lua_Integer)parcel.id) != LUA_TNIL) {
        const fhi_lua_parcel *handle = lua_touserdata(L, -1);
        if (handle->parcel.id != parcel.id) { /* is just being released */
            lua_pop(L, 1);
            lua_pushnil(L);
        }
    }
}

/* Push another handle of `parcel` than the one at `handle`, or nil. */
static void push_sibling(lua_State *L, int handle, fh_parcel parcel)
{
    if (lua_getiuservalue(L, handle, FHI_PARCEL_SIBLINGS) != LUA_TTABLE) {
        return; /* nil */
    }
    int list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, list)) {
        const fhi_lua_parcel *other = lua_touserdata(L, -1);
        if (other->parcel.id == parcel.id) {
            lua_replace(L, list);
            lua_settop(L, list);
            return;
        }
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    lua_replace(L, list);
}

/* The handle, which was one of `parcel`, has lost its reference: another handle takes its place in
 * the world's table. That needs no memory but where the collector took the handle out before. A
 * device of the world is at `index`. */
static void delist(lua_State *L, int index, int handle, fh_parcel parcel)
{
    const fhi_lua_parcel *self = lua_touserdata(L, handle);
    fhi_world_push_from(L, index, FHI_WORLD_PARCELS);
    int parcels = lua_gettop(L);
    lua_rawgeti(L, parcels, (lua_Integer)parcel.id);
    bool was_there = !lua_isnil(L, -1);
    if (!was_there || lua_touserdata(L, -1) == self) {
        push_sibling(L, handle, parcel);
        if (was_there || !lua_isnil(L, -1)) {
            lua_rawseti(L, parcels, (lua_Integer)parcel.id);
        }
    }
    lua_settop(L, parcels - 1);
}

fh_parcel fhi_parcel_take(lua_State *L, int index, int handle)
{
    fhi_lua_parcel *self = lua_touserdata(L, handle);
    fh_parcel parcel = self->parcel;
    self->parcel.id = 0;
    if (parcel.id != 0) {
        delist(L, index, handle, parcel);
    }
    return parcel;
}

fh_device *fhi_parcel_begin(fhi_lua_call *call, lua_State *L, fhi_lua_parcel *self)
{
    lua_getiuservalue(L, 1, FHI_PARCEL_DEVICE);
    return fhi_call_begin(call, L, self->world->root, lua_gettop(L));
}

/* Push nil, message and "stale", of a handle without a reference or of a device that is closed. */
static int push_stale(lua_State *L, const fhi_lua_parcel *self)
{
    if (self->parcel.id != 0) {
        return fhi_push_closed(L);
    }
    return fhi_push_failure_of(L, FH_ERR_STALE, "parcel: has been released");
}

/* Begin a call for a method of a parcel that has to be live. False: there is nothing to end, and
 * what to return was pushed. */
static bool begin(fhi_lua_call *call, lua_State *L, fhi_lua_parcel *self, fh_device **out_device)
{
    *out_device = self->parcel.id != 0 ? fhi_parcel_begin(call, L, self) : NULL;
    if (*out_device == NULL) {
        push_stale(L, self);
    }
    return *out_device != NULL;
}

/* ---- the end ---- */

/* Gives the reference back, with `epochs` as last uses, if it is not NULL. The handle has none from
 * before the call on, or a callback of that could release it again. */
static fh_result release(lua_State *L, fhi_lua_parcel *self, const fhi_epochs *epochs,
                         bool *out_stale)
{
    fhi_lua_call call;
    fh_parcel parcel = self->parcel;
    fh_device *device = parcel.id != 0 ? fhi_parcel_begin(&call, L, self) : NULL;
    *out_stale = device == NULL;
    if (device == NULL) {
        return FH_ERR_STALE;
    }
    self->parcel.id = 0;
    fh_result result = epochs != NULL
                           ? fh_device_retire(device, parcel, epochs->list, epochs->count)
                           : fh_parcel_release(device, parcel);
    if (result != FH_OK && epochs != NULL) {
        self->parcel = parcel;
    }
    fhi_call_end(&call);
    if (self->parcel.id == 0) {
        delist(L, lua_gettop(L), 1, parcel);
    }
    return result;
}

static int parcel_release(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    bool stale;
    lua_settop(L, 1);
    fh_result result = release(L, self, NULL, &stale);
    return stale ? push_stale(L, self) : fhi_push_done(L, result);
}

static int parcel_retire(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    fhi_epochs epochs;
    bool stale;
    lua_settop(L, 2);
    int failed = fhi_read_epochs(L, 2, 2, "epochs", &epochs);
    if (failed != 0) {
        return failed;
    }
    fh_result result = release(L, self, &epochs, &stale);
    return stale ? push_stale(L, self) : fhi_push_done(L, result);
}

/* __gc and __close; a body that released the parcel itself did nothing wrong. */
static int parcel_finish(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    bool stale;
    lua_settop(L, 1);
    release(L, self, NULL, &stale);
    return 0;
}

/* ---- more handles ---- */

/* The list of siblings that the handle at index 1 is in; made when there is none. */
static void push_siblings(lua_State *L)
{
    if (lua_getiuservalue(L, 1, FHI_PARCEL_SIBLINGS) == LUA_TTABLE) {
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, FHI_PARCEL_SIBLINGS);
}

static int parcel_acquire(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    lua_settop(L, 1);
    if (self->parcel.id == 0) {
        return push_stale(L, self);
    }
    lua_getiuservalue(L, 1, FHI_PARCEL_DEVICE);                /* 2 */
    fhi_lua_parcel *other = fhi_parcel_new(L, self->world, 2); /* 3 */
    lua_getiuservalue(L, 1, FHI_PARCEL_USER);
    lua_setiuservalue(L, 3, FHI_PARCEL_USER);
    push_siblings(L); /* 4 */
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, 3, FHI_PARCEL_SIBLINGS);
    lua_pushvalue(L, 3);
    lua_rawseti(L, 4, (lua_Integer)lua_rawlen(L, 4) + 1);
    lua_settop(L, 3);
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_result result = fh_parcel_acquire(device, self->parcel);
    if (result == FH_OK) {
        other->parcel = self->parcel;
    }
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_settop(L, 3);
    return 1;
}

/* ---- what it is ---- */

fh_result fhi_parcel_look(fh_device *device, fh_parcel parcel, fhi_parcel_facts *out)
{
    memset(out, 0, sizeof *out);
    out->parcel = parcel;
    fh_result result = fh_parcel_get(device, parcel, &out->info);
    if (result == FH_OK) {
        fhi_parcel_name_tag(device, out);
    }
    return result;
}

void fhi_parcel_name_tag(fh_device *device, fhi_parcel_facts *facts)
{
    const char *tag = fh_device_tag_name(device, facts->info.tag);
    snprintf(facts->tag, sizeof facts->tag, "%s", tag != NULL ? tag : "");
}

void fhi_push_facts(lua_State *L, const fhi_parcel_facts *facts, int parcels)
{
    const fh_parcel_info *info = &facts->info;
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, 0, 16);
    lua_pushinteger(L, (lua_Integer)facts->parcel.id);
    lua_setfield(L, -2, "id");
    fhi_set_text(L, "kind", fhi_kind_names[info->kind]);
    fhi_set_text(L, "name", info->name);
    fhi_set_text(L, "tag", facts->tag);
    fhi_set_integer(L, "committed", info->committed);
    fhi_set_integer(L, "reserved", info->reserved);
    fhi_set_integer(L, "capacity", info->capacity);
    fhi_set_integer(L, "heap", info->heap);
    fhi_set_boolean(L, "dedicated", info->dedicated);
    fhi_set_boolean(L, "retiring", info->retiring);
    fhi_set_number(L, "priority", (double)info->priority);
    fhi_set_integer(L, "reference_count", info->reference_count);
    fhi_set_integer(L, "map_count", info->map_count);
    if (info->kind != FH_KIND_EXTERNAL) {
        fhi_set_integer(L, "offset", info->offset);
        fhi_set_integer(L, "type", info->type);
        fhi_set_flags(L, "flags", info->flags, fhi_memory_flag_names);
        fhi_set_flags(L, "usage", info->usage, fhi_usage_names);
    }
    if (info->stride != 0) {
        fhi_set_integer(L, "stride", info->stride);
    }
    if (info->kind == FH_KIND_TEXTURE) {
        fhi_set_text(L, "format", fhi_format_names[info->format]);
        fhi_set_integer(L, "width", info->width);
        fhi_set_integer(L, "height", info->height);
        fhi_set_integer(L, "depth", info->depth);
        fhi_set_integer(L, "layers", info->layers);
        fhi_set_integer(L, "mips", info->mips);
        fhi_set_integer(L, "samples", info->samples);
        fhi_set_text(L, "texture_kind", fhi_texture_kind_names[info->texture_kind]);
    }
    int table = lua_gettop(L);
    fhi_parcel_push(L, parcels, facts->parcel);
    if (!lua_isnil(L, -1)) {
        lua_getiuservalue(L, -1, FHI_PARCEL_USER);
        lua_setfield(L, table, "user");
    }
    lua_setfield(L, table, "parcel");
    if (info->backing.id != 0) {
        fhi_parcel_push(L, parcels, info->backing);
        lua_setfield(L, table, "backing");
    }
}

static int parcel_info(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    lua_settop(L, 1);
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fhi_parcel_facts facts;
    fh_result result = fhi_parcel_look(device, self->parcel, &facts);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_world_push_from(L, 2, FHI_WORLD_PARCELS);
    fhi_push_facts(L, &facts, lua_gettop(L));
    /* Of the handles of a parcel, the one that was asked. */
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "parcel");
    lua_getiuservalue(L, 1, FHI_PARCEL_USER);
    lua_setfield(L, -2, "user");
    return 1;
}

static int parcel_live(lua_State *L)
{
    const fhi_lua_parcel *self = check_self(L);
    lua_pushboolean(L, self->parcel.id != 0 && self->world->root->device != NULL);
    return 1;
}

static int parcel_device(lua_State *L)
{
    check_self(L);
    lua_getiuservalue(L, 1, FHI_PARCEL_DEVICE);
    return 1;
}

static int parcel_user(lua_State *L)
{
    check_self(L);
    lua_getiuservalue(L, 1, FHI_PARCEL_USER);
    return 1;
}

static int parcel_set_user(lua_State *L)
{
    const fhi_lua_parcel *self = check_self(L);
    if (lua_isnone(L, 2)) {
        luaL_argerror(L, 2, "user: a value expected, or nil to remove it");
    }
    if (self->parcel.id == 0 || self->world->root->device == NULL) {
        return push_stale(L, self);
    }
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, FHI_PARCEL_USER);
    if (lua_getiuservalue(L, 1, FHI_PARCEL_SIBLINGS) == LUA_TTABLE) { /* 3 */
        lua_pushnil(L);
        while (lua_next(L, 3)) {
            lua_pushvalue(L, 2);
            lua_setiuservalue(L, -2, FHI_PARCEL_USER);
            lua_pop(L, 1);
        }
    }
    return fhi_push_done(L, FH_OK);
}

static int parcel_name(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    lua_settop(L, 1);
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_parcel_info info;
    fh_result result = fh_parcel_get(device, self->parcel, &info);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushstring(L, info.name);
    return 1;
}

static int parcel_set_name(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    const char *name = NULL;
    if (!lua_isnil(L, 2)) {
        name = fhi_check_text(L, 2, 2, "name");
    }
    lua_settop(L, 2);
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_result result = fh_parcel_set_name(device, self->parcel, name);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int parcel_set_priority(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    if (lua_type(L, 2) != LUA_TNUMBER) {
        fhi_type_error(L, 2, 2, "priority", "number");
    }
    float priority = (float)lua_tonumber(L, 2);
    lua_settop(L, 2);
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_result result = fh_parcel_set_priority(device, self->parcel, priority);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

/* ---- use ---- */

/* parcel:use(queue, value) or parcel:use(epoch) */
static int parcel_use(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    fh_epoch epoch = {0, 0};
    int failed;
    if (lua_type(L, 2) == LUA_TTABLE) {
        failed = fhi_read_epoch(L, 2, 2, "epoch", &epoch);
    } else {
        failed = fhi_read_queue(L, 2, 2, "queue", &epoch.queue);
        if (failed == 0) {
            failed = fhi_read_integer(L, 3, 3, "value", &epoch.value);
        }
    }
    if (failed != 0) {
        return failed;
    }
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_result result = fh_parcel_use(device, self->parcel, epoch);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int parcel_resize(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    uint64_t size;
    lua_settop(L, 2);
    int failed = fhi_read_bytes(L, 2, 2, "size", &size);
    if (failed != 0) {
        return failed;
    }
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_epoch epoch;
    fh_result result = fh_buffer_resize(device, self->parcel, size, &epoch);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_push_epoch(L, epoch);
    return 1;
}

typedef fh_result (*range_function)(fh_device *device, fh_parcel parcel, uint64_t offset,
                                    uint64_t size);

/* parcel:flush(offset, size), which are 0 when they are not given. */
static int range_call(lua_State *L, range_function function)
{
    fhi_lua_parcel *self = check_self(L);
    uint64_t offset = 0, size = 0;
    lua_settop(L, 3);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "size", &size);
    }
    if (failed != 0) {
        return failed;
    }
    fh_device *device;
    fhi_lua_call call;
    if (!begin(&call, L, self, &device)) {
        return 3;
    }
    fh_result result = function(device, self->parcel, offset, size);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int parcel_flush(lua_State *L)
{
    return range_call(L, fh_parcel_flush);
}

static int parcel_invalidate(lua_State *L)
{
    return range_call(L, fh_parcel_invalidate);
}

/* ---- what Lua asks of every object ---- */

static int parcel_eq(lua_State *L)
{
    const fhi_lua_parcel *a = fhi_object_at(L, 1, &fhi_parcel_class);
    const fhi_lua_parcel *b = fhi_object_at(L, 2, &fhi_parcel_class);
    lua_pushboolean(L, a != NULL && b != NULL && a->world == b->world && a->parcel.id != 0 &&
                           a->parcel.id == b->parcel.id);
    return 1;
}

static int parcel_tostring(lua_State *L)
{
    fhi_lua_parcel *self = check_self(L);
    lua_settop(L, 1);
    fhi_lua_call call;
    fh_device *device = self->parcel.id != 0 ? fhi_parcel_begin(&call, L, self) : NULL;
    if (device == NULL) {
        lua_pushliteral(L, "freehold.parcel (released)");
        return 1;
    }
    fh_parcel_info info;
    fh_result result = fh_parcel_get(device, self->parcel, &info);
    fhi_call_end(&call);
    if (result != FH_OK) {
        lua_pushliteral(L, "freehold.parcel (released)");
    } else if (info.name[0] != '\0') {
        lua_pushfstring(L, "freehold.parcel (%s '%s', %I bytes)", fhi_kind_names[info.kind],
                        info.name, (LUAI_UACINT)info.committed);
    } else {
        lua_pushfstring(L, "freehold.parcel (%s, %I bytes)", fhi_kind_names[info.kind],
                        (LUAI_UACINT)info.committed);
    }
    return 1;
}

static const luaL_Reg methods[] = {
    {"acquire", parcel_acquire},
    {"close", parcel_release},
    {"device", parcel_device},
    {"fill", fhi_parcel_fill_method},
    {"flush", parcel_flush},
    {"info", parcel_info},
    {"invalidate", parcel_invalidate},
    {"live", parcel_live},
    {"map", fhi_parcel_map_method},
    {"name", parcel_name},
    {"read", fhi_parcel_read_method},
    {"release", parcel_release},
    {"resize", parcel_resize},
    {"retire", parcel_retire},
    {"set_name", parcel_set_name},
    {"set_priority", parcel_set_priority},
    {"set_user", parcel_set_user},
    {"use", parcel_use},
    {"user", parcel_user},
    {"view", fhi_parcel_view_method},
    {"write", fhi_parcel_write_method},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", parcel_finish},
    {"__close", parcel_finish},
    {"__eq", parcel_eq},
    {"__tostring", parcel_tostring},
    {NULL, NULL},
};

const fhi_class fhi_parcel_class = {"freehold.parcel", methods, metamethods, NULL, NULL};
