/* Bytes into parcels and out of them, and copies between parcels. A first argument that is a table
 * means a texture's region, anything else a buffer's offset: the two have no method in common that
 * could be mistaken. */

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/parcel.h"
#include "binding/queue.h"
#include "binding/request.h"
#include "binding/result.h"

#include <string.h>

/* Begin a call for a method of the parcel at index 1. NULL: what to return was pushed. */
static fh_device *begin(fhi_lua_call *call, lua_State *L, fhi_lua_parcel *self)
{
    if (self->parcel.id == 0) {
        fhi_push_failure_of(L, FH_ERR_STALE, "parcel: has been released");
        return NULL;
    }
    fh_device *device = fhi_parcel_begin(call, L, self);
    if (device == NULL) {
        fhi_push_closed(L);
    }
    return device;
}

/* parcel:write(offset, data), parcel:write(region, data) */
int fhi_parcel_write_method(lua_State *L)
{
    fhi_lua_parcel *self = fhi_check_parcel(L, 1, 1, "parcel");
    bool is_region = lua_type(L, 2) == LUA_TTABLE;
    fh_texture_region region;
    uint64_t offset = 0;
    size_t size;
    lua_settop(L, 3);
    int failed = is_region ? fhi_read_region(L, 2, 2, "region", &region)
                           : fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed != 0) {
        return failed;
    }
    if (lua_type(L, 3) != LUA_TSTRING) {
        fhi_type_error(L, 3, 3, "data", "string");
    }
    const char *data = lua_tolstring(L, 3, &size);
    fh_epoch epoch;
    fhi_lua_call call;
    fh_device *device = begin(&call, L, self);
    if (device == NULL) {
        return 3;
    }
    fh_result result = is_region
                           ? fh_texture_write(device, self->parcel, &region, data, size, &epoch)
                           : fh_parcel_write(device, self->parcel, offset, data, size, &epoch);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_push_epoch(L, epoch);
    return 1;
}

/* How many bytes a read takes: of a buffer from `offset` on, or of a region. Returns 0, or 3. */
static int measure(lua_State *L, fhi_lua_parcel *self, const fh_texture_region *region,
                   uint64_t offset, bool to_end, uint64_t *size)
{
    fh_parcel_info info;
    fhi_lua_call call;
    fh_device *device = begin(&call, L, self);
    if (device == NULL) {
        return 3;
    }
    fh_result result = fh_parcel_get(device, self->parcel, &info);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (region != NULL) {
        fh_texture_desc desc = {
            .kind = info.texture_kind,
            .format = info.format,
            .width = info.width,
            .height = info.height,
            .depth = info.depth,
            .layers = info.layers,
            .mips = info.mips,
            .samples = info.samples,
            .usage = info.usage,
        };
        *size = info.kind == FH_KIND_TEXTURE ? fh_texture_region_bytes(&desc, region) : 0;
        return 0;
    }
    if (offset > info.committed || (!to_end && *size > info.committed - offset)) {
        return fhi_push_failure_of(
            L, FH_ERR_INVALID, "%I bytes from %I on are not in a parcel of %I", (LUAI_UACINT)*size,
            (LUAI_UACINT)offset, (LUAI_UACINT)info.committed);
    }
    if (to_end) {
        *size = info.committed - offset;
    }
    return 0;
}

/* parcel:read(offset, size, timeout_ns), parcel:read(region, timeout_ns). Measured before, so that
 * a size that cannot be is an error and not a lack of memory; the core checks it again. */
int fhi_parcel_read_method(lua_State *L)
{
    fhi_lua_parcel *self = fhi_check_parcel(L, 1, 1, "parcel");
    bool is_region = lua_type(L, 2) == LUA_TTABLE;
    fh_texture_region region;
    uint64_t offset = 0, size = 0, timeout_ns = 0;
    lua_settop(L, 4);
    int failed = 0;
    if (is_region) {
        failed = fhi_read_region(L, 2, 2, "region", &region);
    } else if (!lua_isnil(L, 2)) {
        failed = fhi_read_bytes(L, 2, 2, "offset", &offset);
    }
    if (failed == 0 && !is_region && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "size", &size);
    }
    if (failed == 0) {
        failed = fhi_read_timeout(L, is_region ? 3 : 4, &timeout_ns);
    }
    if (failed == 0) {
        failed = measure(L, self, is_region ? &region : NULL, offset, lua_isnil(L, 3), &size);
    }
    if (failed != 0) {
        return failed;
    }
    char *data = lua_newuserdatauv(L, (size_t)size + 1, 0);
    fhi_lua_call call;
    fh_device *device = begin(&call, L, self);
    if (device == NULL) {
        return 3;
    }
    fh_result result = is_region
                           ? fh_texture_read(device, self->parcel, &region, data, size, timeout_ns)
                           : fh_parcel_read(device, self->parcel, offset, data, size, timeout_ns);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushlstring(L, data, (size_t)size);
    return 1;
}

/* ---- copies ---- */

enum {
    SLOT_SRC,
    SLOT_DST,
    SLOT_SRC_REGION,
    SLOT_DST_REGION,
    SLOT_FILL,
    SLOT_COUNT
};

static const fhi_field copy_fields[] = {
    {"src", FHI_FIELD_VALUE, 0, SLOT_SRC, NULL},
    {"dst", FHI_FIELD_VALUE, 0, SLOT_DST, NULL},
    {"src_offset", FHI_FIELD_BYTES, offsetof(fh_copy, src_offset), 0, NULL},
    {"dst_offset", FHI_FIELD_BYTES, offsetof(fh_copy, dst_offset), 0, NULL},
    {"size", FHI_FIELD_BYTES, offsetof(fh_copy, size), 0, NULL},
    {"src_region", FHI_FIELD_VALUE, 0, SLOT_SRC_REGION, NULL},
    {"dst_region", FHI_FIELD_VALUE, 0, SLOT_DST_REGION, NULL},
    {"fill", FHI_FIELD_VALUE, 0, SLOT_FILL, NULL},
    FHI_FIELDS_END,
};

/* The handle in the slot of that field. Returns 0, or 3. */
static int read_parcel(lua_State *L, int index, const char *name, const fhi_lua_world *world,
                       fh_parcel *out)
{
    const fhi_lua_parcel *parcel =
        fhi_check_parcel(L, index, 2, lua_pushfstring(L, "field '%s'", name));
    if (parcel->parcel.id == 0) {
        return fhi_push_failure_of(L, FH_ERR_STALE, "%s: has been released", name);
    }
    if (parcel->world != world) {
        return fhi_push_failure_of(L, FH_ERR_STALE, "%s: belongs to another device", name);
    }
    *out = parcel->parcel;
    return 0;
}

/* The table at `index`; the kind, but for a fill, is found out later. */
static int read_copy(lua_State *L, int index, const fhi_lua_world *world, fh_copy *out)
{
    luaL_checkstack(L, SLOT_COUNT + LUA_MINSTACK, NULL);
    int top = lua_gettop(L), slots = top + 1;
    lua_settop(L, top + SLOT_COUNT);
    int failed = fhi_read_fields(L, index, 2, copy_fields, slots, out);
    if (failed == 0) {
        failed = read_parcel(L, slots + SLOT_DST, "dst", world, &out->dst);
    }
    if (failed == 0 && !lua_isnil(L, slots + SLOT_FILL)) {
        out->kind = FH_COPY_FILL;
        failed = fhi_read_count(L, slots + SLOT_FILL, 2, "field 'fill'", &out->fill);
    } else if (failed == 0) {
        failed = read_parcel(L, slots + SLOT_SRC, "src", world, &out->src);
    }
    if (failed == 0) {
        failed =
            fhi_read_region(L, slots + SLOT_SRC_REGION, 2, "field 'src_region'", &out->src_region);
    }
    if (failed == 0) {
        failed =
            fhi_read_region(L, slots + SLOT_DST_REGION, 2, "field 'dst_region'", &out->dst_region);
    }
    if (failed == 0) {
        lua_settop(L, top);
    }
    return failed;
}

/* What kind of copy it is, by the kinds of its parcels, and how much, where that was not said. In a
 * call. */
static fh_result complete(fh_device *device, fh_copy *copy)
{
    fh_parcel_info src = {0}, dst;
    fh_result result = fh_parcel_get(device, copy->dst, &dst);
    if (result == FH_OK && copy->kind != FH_COPY_FILL) {
        result = fh_parcel_get(device, copy->src, &src);
        bool from_texture = src.kind == FH_KIND_TEXTURE, to_texture = dst.kind == FH_KIND_TEXTURE;
        copy->kind = from_texture ? (to_texture ? FH_COPY_TEXTURE : FH_COPY_TEXTURE_TO_BUFFER)
                                  : (to_texture ? FH_COPY_BUFFER_TO_TEXTURE : FH_COPY_BUFFER);
    }
    if (result == FH_OK && copy->size == 0) {
        if (copy->kind == FH_COPY_FILL && copy->dst_offset < dst.committed) {
            copy->size = dst.committed - copy->dst_offset;
        } else if (copy->kind == FH_COPY_BUFFER && copy->src_offset < src.committed) {
            copy->size = src.committed - copy->src_offset;
        }
    }
    return result;
}

/* Queue the copies; the device to ask is that of `self`. */
static int submit(lua_State *L, fh_device *device, fhi_lua_call *call, fh_copy *copies,
                  uint32_t count)
{
    fh_epoch epoch;
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < count && result == FH_OK; i++) {
        result = complete(device, &copies[i]);
    }
    if (result == FH_OK) {
        result = fh_device_copy(device, copies, count, &epoch);
    }
    fhi_call_end(call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_push_epoch(L, epoch);
    return 1;
}

/* device:copy(copy), device:copy { copy, copy ... } */
int fhi_device_copy(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_check_table(L, 2, "copies");
    lua_settop(L, 2);
    lua_Unsigned count = lua_rawlen(L, 2);
    bool is_list = count > 0;
    count = is_list ? count : 1;
    if (count > UINT32_MAX) {
        luaL_argerror(L, 2, "copies: too many");
    }
    size_t size = (size_t)count * sizeof(fh_copy);
    fh_copy *copies = lua_newuserdatauv(L, size, 0); /* 3 */
    memset(copies, 0, size);
    int failed = 0;
    for (lua_Unsigned i = 0; i < count && failed == 0; i++) {
        if (!is_list) {
            failed = read_copy(L, 2, self->world, &copies[i]);
            break;
        }
        lua_rawgeti(L, 2, (lua_Integer)i + 1); /* 4 */
        if (lua_type(L, 4) != LUA_TTABLE) {
            fhi_type_error(L, 4, 2, lua_pushfstring(L, "copies [%I]", (LUAI_UACINT)i + 1), "table");
        }
        failed = read_copy(L, 4, self->world, &copies[i]);
        if (failed == 0) {
            lua_settop(L, 3);
        }
    }
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    return submit(L, device, &call, copies, (uint32_t)count);
}

/* parcel:fill(value, offset, size) */
int fhi_parcel_fill_method(lua_State *L)
{
    fhi_lua_parcel *self = fhi_check_parcel(L, 1, 1, "parcel");
    fh_copy copy = {.kind = FH_COPY_FILL, .dst = self->parcel};
    lua_settop(L, 4);
    int failed = fhi_read_count(L, 2, 2, "value", &copy.fill);
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "offset", &copy.dst_offset);
    }
    if (failed == 0 && !lua_isnil(L, 4)) {
        failed = fhi_read_bytes(L, 4, 4, "size", &copy.size);
    }
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = begin(&call, L, self);
    return device == NULL ? 3 : submit(L, device, &call, &copy, 1);
}
