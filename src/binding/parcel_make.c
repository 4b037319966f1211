/* Making parcels. The handle is made first, and empty; what the core then gives goes straight into
 * it, so that whatever raises afterwards leaves it to the collector. */

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/parcel.h"
#include "binding/request.h"
#include "binding/result.h"

/* Push a new handle with the user value in the slot. */
static fhi_lua_parcel *push_handle(lua_State *L, fhi_lua_device *device, int user)
{
    fhi_lua_parcel *handle = fhi_parcel_new(L, device->world, 1);
    lua_pushvalue(L, user);
    lua_setiuservalue(L, -2, FHI_PARCEL_USER);
    return handle;
}

static int make(lua_State *L, fh_kind kind)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_request request;
    int slots;
    lua_settop(L, 2);
    int failed = fhi_read_request(L, kind, 2, 2, self, 1, &request, &slots);
    if (failed != 0) {
        return failed;
    }
    fhi_lua_parcel *handle = push_handle(L, self, slots + FHI_SLOT_USER);
    int index = lua_gettop(L);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fhi_request_make(device, &request, &handle->parcel);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_parcel_enlist(L, 1, index);
    return 1;
}

int fhi_device_buffer(lua_State *L)
{
    return make(L, FH_KIND_BUFFER);
}

int fhi_device_texture(lua_State *L)
{
    return make(L, FH_KIND_TEXTURE);
}

int fhi_device_raw(lua_State *L)
{
    return make(L, FH_KIND_RAW);
}

/* device:raws(count, options): a list of all of them, or a failure and none. */
int fhi_device_raws(lua_State *L)
{
    enum {
        COUNT_MAX = 1 << 20 /* what is more is a mistake, not a request */
    };
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_request request;
    uint32_t count;
    int slots;
    lua_settop(L, 3);
    int failed = fhi_read_count(L, 2, 2, "count", &count);
    if (failed == 0) {
        failed = fhi_read_request(L, FH_KIND_RAW, 3, 3, self, 1, &request, &slots);
    }
    if (failed != 0) {
        return failed;
    }
    if (count > COUNT_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "count: %I are more than 1048576",
                                   (LUAI_UACINT)count);
    }
    fh_parcel *parcels = lua_newuserdatauv(L, (size_t)count * sizeof *parcels + 1, 0);
    lua_createtable(L, (int)count, 0);
    int list = lua_gettop(L);
    for (uint32_t i = 0; i < count; i++) {
        push_handle(L, self, slots + FHI_SLOT_USER);
        lua_rawseti(L, list, (lua_Integer)i + 1);
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fhi_request_begin(&request);
    if (result == FH_OK) {
        result = fh_raw_create_many(device, &request.raw, count, parcels);
        fhi_request_end(&request);
    }
    for (uint32_t i = 0; i < count && result == FH_OK; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        ((fhi_lua_parcel *)lua_touserdata(L, -1))->parcel = parcels[i];
        lua_pop(L, 1);
    }
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    for (uint32_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        fhi_parcel_enlist(L, 1, list + 1);
        lua_pop(L, 1);
    }
    return 1;
}

/* ---- external ---- */

static void destroyed(void *context, void *user)
{
    (void)user;
    fhi_hook_run_once(context);
}

int fhi_device_external(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_request request;
    fhi_hook *hook = NULL;
    int slots;
    lua_settop(L, 2);
    int failed = fhi_read_request(L, FH_KIND_EXTERNAL, 2, 2, self, 1, &request, &slots);
    if (failed != 0) {
        return failed;
    }
    int destroy = slots + FHI_SLOT_DESTROY;
    if (!lua_isnil(L, destroy)) {
        if (lua_type(L, destroy) != LUA_TFUNCTION) {
            fhi_type_error(L, destroy, 2, "field 'destroy'", "function");
        }
        hook =
            fhi_hook_new(L, 1, self->world, sizeof *hook, NULL, "the destroy function of a parcel");
        lua_pushvalue(L, destroy);
        lua_setiuservalue(L, -2, 1);
        lua_pushvalue(L, slots + FHI_SLOT_USER);
        lua_setiuservalue(L, -2, 2);
        request.external.destroy = destroyed;
        request.external.context = hook;
    }
    fhi_lua_parcel *handle = push_handle(L, self, slots + FHI_SLOT_USER);
    int index = lua_gettop(L);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    fh_result result = FH_ERR_STALE;
    if (device != NULL) {
        result = fh_external_create(device, &request.external, &handle->parcel);
        fhi_call_end(&call);
    }
    if (result != FH_OK) {
        if (hook != NULL) {
            fhi_hook_drop_from(L, 1, hook);
        }
        return device == NULL ? fhi_push_closed(L) : fhi_push_failure(L, result);
    }
    fhi_parcel_enlist(L, 1, index);
    return 1;
}
