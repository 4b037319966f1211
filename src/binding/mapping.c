/* A mapping has a reference of its own: who released the parcel meanwhile has not pulled the memory
 * from under it. All access is by copies of strings, within bounds; string.pack and string.unpack
 * make numbers of them. */

#include "binding/mapping.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/parcel.h"
#include "binding/result.h"

#include <string.h>

typedef struct fhi_lua_mapping {
    fhi_lua_world *world;
    fh_parcel parcel; /* {0}: unmapped */
    unsigned char *bytes;
    uint64_t size;
} fhi_lua_mapping;

/* User value 1 is the device. */

static fhi_lua_mapping *check_mapping(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "mapping", &fhi_mapping_class);
}

static fh_result map(fh_device *device, fh_parcel parcel, fhi_lua_mapping *out)
{
    fh_parcel_info info;
    void *pointer = NULL;
    fh_result result = fh_parcel_acquire(device, parcel);
    if (result != FH_OK) {
        return result;
    }
    result = fh_parcel_map(device, parcel, &pointer);
    if (result == FH_OK) {
        result = fh_parcel_get(device, parcel, &info);
        if (result == FH_OK) {
            out->parcel = parcel;
            out->bytes = pointer;
            out->size = info.committed;
            return FH_OK;
        }
        fh_parcel_unmap(device, parcel);
    }
    fh_parcel_release(device, parcel);
    return result;
}

int fhi_parcel_map_method(lua_State *L)
{
    fhi_lua_parcel *parcel = fhi_check_parcel(L, 1, 1, "parcel");
    lua_settop(L, 1);
    fhi_lua_mapping *self = fhi_object_new(L, &fhi_mapping_class, sizeof *self, 1); /* 2 */
    self->world = parcel->world;
    lua_getiuservalue(L, 1, FHI_PARCEL_DEVICE);
    lua_setiuservalue(L, 2, 1);
    if (parcel->parcel.id == 0) {
        return fhi_push_failure_of(L, FH_ERR_STALE, "parcel: has been released");
    }
    fhi_lua_call call;
    fh_device *device = fhi_parcel_begin(&call, L, parcel);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = map(device, parcel->parcel, self);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_settop(L, 2);
    return 1;
}

/* Whether the bytes can be reached; else pushes nil, message and "stale". */
static bool is_mapped(lua_State *L, const fhi_lua_mapping *self)
{
    if (self->parcel.id == 0) {
        fhi_push_failure_of(L, FH_ERR_STALE, "mapping: has been unmapped");
        return false;
    }
    if (self->world->root->device == NULL) {
        fhi_push_closed(L);
        return false;
    }
    return true;
}

static fh_result unmap(lua_State *L, fhi_lua_mapping *self)
{
    fh_parcel parcel = self->parcel;
    self->parcel.id = 0;
    self->bytes = NULL;
    fhi_lua_call call;
    lua_getiuservalue(L, 1, 1);
    fh_device *device = fhi_call_begin(&call, L, self->world->root, lua_gettop(L));
    if (device == NULL) {
        return FH_OK;
    }
    fh_result result = fh_parcel_unmap(device, parcel);
    fh_parcel_release(device, parcel);
    fhi_call_end(&call);
    return result;
}

static int mapping_unmap(lua_State *L)
{
    fhi_lua_mapping *self = check_mapping(L);
    if (!is_mapped(L, self)) {
        return 3;
    }
    return fhi_push_done(L, unmap(L, self));
}

/* __gc and __close */
static int mapping_finish(lua_State *L)
{
    fhi_lua_mapping *self = check_mapping(L);
    if (self->parcel.id != 0) {
        unmap(L, self);
    }
    return 0;
}

/* Whether `size` bytes from `offset` on are in the mapping; else pushes nil, message and
 * "invalid". */
static bool is_inside(lua_State *L, const fhi_lua_mapping *self, uint64_t offset, uint64_t size)
{
    if (offset <= self->size && size <= self->size - offset) {
        return true;
    }
    fhi_push_failure_of(L, FH_ERR_INVALID, "%I bytes from %I on are not in a mapping of %I",
                        (LUAI_UACINT)size, (LUAI_UACINT)offset, (LUAI_UACINT)self->size);
    return false;
}

static int mapping_read(lua_State *L)
{
    fhi_lua_mapping *self = check_mapping(L);
    uint64_t offset = 0, size = 0;
    lua_settop(L, 3);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "size", &size);
    } else if (failed == 0 && offset <= self->size) {
        size = self->size - offset;
    }
    if (failed != 0) {
        return failed;
    }
    if (!is_mapped(L, self) || !is_inside(L, self, offset, size)) {
        return 3;
    }
    lua_pushlstring(L, (const char *)self->bytes + offset, (size_t)size);
    return 1;
}

static int mapping_write(lua_State *L)
{
    fhi_lua_mapping *self = check_mapping(L);
    uint64_t offset;
    size_t size;
    int failed = fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed != 0) {
        return failed;
    }
    if (lua_type(L, 3) != LUA_TSTRING) {
        fhi_type_error(L, 3, 3, "data", "string");
    }
    const char *data = lua_tolstring(L, 3, &size);
    if (!is_mapped(L, self) || !is_inside(L, self, offset, size)) {
        return 3;
    }
    memcpy(self->bytes + offset, data, size);
    return fhi_push_done(L, FH_OK);
}

typedef fh_result (*range_function)(fh_device *device, fh_parcel parcel, uint64_t offset,
                                    uint64_t size);

static int range_call(lua_State *L, range_function function)
{
    fhi_lua_mapping *self = check_mapping(L);
    uint64_t offset = 0, size = 0;
    lua_settop(L, 3);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "size", &size);
    }
    if (failed != 0) {
        return failed;
    }
    if (!is_mapped(L, self)) {
        return 3;
    }
    lua_getiuservalue(L, 1, 1);
    fhi_lua_call call;
    fh_device *device = fhi_call_begin(&call, L, self->world->root, 4);
    fh_result result = function(device, self->parcel, offset, size);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int mapping_flush(lua_State *L)
{
    return range_call(L, fh_parcel_flush);
}

static int mapping_invalidate(lua_State *L)
{
    return range_call(L, fh_parcel_invalidate);
}

static int mapping_tostring(lua_State *L)
{
    const fhi_lua_mapping *self = check_mapping(L);
    if (self->parcel.id == 0) {
        lua_pushliteral(L, "freehold.mapping (unmapped)");
    } else {
        lua_pushfstring(L, "freehold.mapping (%I bytes)", (LUAI_UACINT)self->size);
    }
    return 1;
}

static const char *const fields[] = {"size", NULL};

static void push_field(lua_State *L, void *object, int field)
{
    const fhi_lua_mapping *self = object;
    (void)field;
    lua_pushinteger(L, (lua_Integer)self->size);
}

static const luaL_Reg methods[] = {
    {"close", mapping_unmap},
    {"flush", mapping_flush},
    {"invalidate", mapping_invalidate},
    {"read", mapping_read},
    {"unmap", mapping_unmap},
    {"write", mapping_write},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", mapping_finish},
    {"__close", mapping_finish},
    {"__tostring", mapping_tostring},
    {NULL, NULL},
};

const fhi_class fhi_mapping_class = {"freehold.mapping", methods, metamethods, fields, push_field};
