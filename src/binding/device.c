/* A device in Lua is a full userdata that is made closed, gets its metatable, and only then opens.
 * Its parcels, pools, queues and views hold it alive, so losing the variable closes nothing that is
 * in use; close() does, whatever lives: what was made with it is then stale.
 *
 * As with blocks, any allocation that Lua makes may run finalisers, and those are anybody's code.
 * So each method allocates first, begins its call after, and raises nothing until the call has
 * ended. */

#include "binding/device.h"

#include "binding/account.h"
#include "binding/adapter.h"
#include "binding/allocator.h"
#include "binding/budget.h"
#include "binding/check.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/names.h"
#include "binding/observer.h"
#include "binding/parcel.h"
#include "binding/policy.h"
#include "binding/pool.h"
#include "binding/profile.h"
#include "binding/queue.h"
#include "binding/result.h"
#include "binding/simulated.h"
#include "binding/stats.h"
#include "binding/trace.h"

#include <stdio.h>
#include <string.h>

fhi_lua_device *fhi_check_device(lua_State *L, int index)
{
    return fhi_check_object(L, index, index, "device", &fhi_device_class);
}

fh_device *fhi_device_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *self, int index)
{
    return self->closed && self->lent == 0 ? NULL : fhi_call_begin(call, L, self, index);
}

int fhi_push_closed(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "device: is closed");
}

int fhi_push_done(lua_State *L, fh_result result)
{
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushboolean(L, 1);
    return 1;
}

fhi_lua_device *fhi_device_new(lua_State *L, int world_index, fhi_lua_device *base, int base_index)
{
    fhi_lua_device *self = fhi_object_new(L, &fhi_device_class, sizeof *self, 2);
    self->world = lua_touserdata(L, world_index);
    self->base = base;
    lua_pushvalue(L, world_index);
    lua_setiuservalue(L, -2, 1);
    if (base != NULL) {
        lua_pushvalue(L, base_index);
        lua_setiuservalue(L, -2, 2);
    } else {
        self->world->root = self;
    }
    return self;
}

/* ---- opening ---- */

enum {
    SLOT_BACKEND,
    SLOT_PROFILE,
    SLOT_EVICT,
    SLOT_LOG,
    SLOT_COUNT
};

static const fhi_field device_fields[] = {
    {"backend", FHI_FIELD_VALUE, 0, SLOT_BACKEND, NULL},
    {"profile", FHI_FIELD_VALUE, 0, SLOT_PROFILE, NULL},
    {"adapter", FHI_FIELD_COUNT, offsetof(fh_device_desc, adapter), 0, NULL},
    {"block_size", FHI_FIELD_BYTES, offsetof(fh_device_desc, block_size), 0, NULL},
    {"margin", FHI_FIELD_BYTES, offsetof(fh_device_desc, margin), 0, NULL},
    {"os_budget_advisory", FHI_FIELD_BOOLEAN, offsetof(fh_device_desc, os_budget_advisory), 0,
     NULL},
    {"retain_ticks", FHI_FIELD_COUNT, offsetof(fh_device_desc, retain_ticks), 0, NULL},
    {"evict", FHI_FIELD_VALUE, 0, SLOT_EVICT, NULL},
    {"log", FHI_FIELD_VALUE, 0, SLOT_LOG, NULL},
    FHI_FIELDS_END,
};

/* Whether there is a function at `index`; nil is none. */
static bool is_function(lua_State *L, int index, int arg, const char *name)
{
    if (lua_isnil(L, index)) {
        return false;
    }
    if (lua_type(L, index) != LUA_TFUNCTION) {
        fhi_type_error(L, index, arg, name, "function");
    }
    return true;
}

typedef struct eviction {
    fhi_lua_world *world;
    fh_parcel parcel;
    bool gone;
} eviction;

/* Asks for the handle that the program has: what it releases must be its own reference. */
static int evict_body(lua_State *L)
{
    eviction *self = lua_touserdata(L, 1);
    fhi_world_push(L, self->world, FHI_WORLD_PARCELS);
    fhi_parcel_push(L, lua_gettop(L), self->parcel);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    int handle = lua_gettop(L);
    fhi_world_push(L, self->world, FHI_WORLD_EVICT);
    lua_pushvalue(L, handle);
    lua_getiuservalue(L, handle, FHI_PARCEL_USER);
    lua_call(L, 2, 1);
    self->gone = lua_toboolean(L, -1) != 0;
    return 0;
}

static bool evict(void *world, fh_device *device, fh_parcel parcel, void *user)
{
    (void)device;
    (void)user;
    eviction self = {world, parcel, false};
    return fhi_world_call(world, evict_body, &self, "the evict function") && self.gone;
}

int fhi_device_open(lua_State *L)
{
    fh_device_desc desc = {0};
    fhi_lua_profile profile;
    fh_simulated_desc simulated = {0};

    fhi_check_table(L, 1, "options");
    lua_settop(L, 1 + SLOT_COUNT);
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        lua_pushnil(L);
        lua_replace(L, 2 + slot);
    }
    int failed = fhi_read_fields(L, 1, 1, device_fields, 2, &desc);
    if (failed == 0 && !lua_isnil(L, 2 + SLOT_BACKEND)) {
        failed = fhi_read_backend(L, 2 + SLOT_BACKEND, 1, "field 'backend'", &desc.backend);
    }
    if (failed == 0 && !lua_isnil(L, 2 + SLOT_PROFILE)) {
        if (desc.backend != NULL && strcmp(desc.backend, "host") != 0) {
            return fhi_push_failure_of(
                L, FH_ERR_INVALID, "profile: the backend '%s' has none; 'host' has", desc.backend);
        }
        failed = fhi_read_profile(L, 2 + SLOT_PROFILE, 1, "field 'profile'", &profile);
        simulated.profile = &profile.profile;
        desc.config = &simulated;
    }
    if (failed != 0) {
        return failed;
    }
    bool has_evict = is_function(L, 2 + SLOT_EVICT, 1, "field 'evict'");
    bool has_log = is_function(L, 2 + SLOT_LOG, 1, "field 'log'");

    fhi_lua_world *world = fhi_world_new(L);
    int world_index = lua_gettop(L);
    lua_pushvalue(L, 2 + SLOT_EVICT);
    lua_setiuservalue(L, world_index, FHI_WORLD_EVICT);
    lua_pushvalue(L, 2 + SLOT_LOG);
    lua_setiuservalue(L, world_index, FHI_WORLD_LOG);
    fhi_lua_device *self = fhi_device_new(L, world_index, NULL, 0);

    fh_log log = {fhi_world_log, world};
    desc.evict = has_evict ? evict : NULL;
    desc.evict_context = world;
    desc.log = has_log ? &log : NULL;
    fhi_lua_call call;
    fhi_world_begin(&call, L, self, lua_gettop(L));
    fh_result result = fh_device_create(&desc, &self->device);
    fhi_call_end(&call);
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

/* ---- closing ---- */

/* Whether it was open. */
static bool close_device(lua_State *L, fhi_lua_device *self)
{
    bool was_open = !self->closed && self->device != NULL;
    self->closed = true;
    fhi_lua_call call;
    if (fhi_call_begin(&call, L, self, 1) != NULL) {
        fhi_call_end(&call); /* which destroys it, if nothing is in the way */
    }
    return was_open;
}

/* What a replay's device cannot do, because the replay does it. */
static int push_borrowed(lua_State *L, const char *what)
{
    return fhi_push_failure_of(L, FH_ERR_UNSUPPORTED, "device: belongs to a replay, %s", what);
}

static int device_close(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    if (self->owner != NULL && !self->closed) {
        return push_borrowed(L, "and is closed with it");
    }
    lua_pushboolean(L, close_device(L, self));
    return 1;
}

/* __gc and __close: Lua ignores what they return. One that is borrowed stays. */
static int device_finish(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    if (self->owner == NULL) {
        close_device(L, self);
    }
    return 0;
}

static int device_tostring(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        lua_pushliteral(L, "freehold.device (closed)");
        return 1;
    }
    char text[192]; /* may be cut */
    const fh_adapter_info *info = fh_device_adapter(device);
    snprintf(text, sizeof text, "freehold.device (%s: %s)", info->backend, info->name);
    fhi_call_end(&call);
    lua_pushstring(L, text);
    return 1;
}

static int device_closed(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    lua_pushboolean(L, self->closed || self->device == NULL);
    return 1;
}

/* ---- time ---- */

/* A call that gives no more than a result. */
static int simple_call(lua_State *L, fh_result (*function)(fh_device *))
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = function(device);
    fhi_pools_sweep(self->world);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int device_tick(lua_State *L)
{
    const fhi_lua_device *root = fhi_check_device(L, 1)->world->root;
    if (root->owner != NULL && !root->closed) {
        return push_borrowed(L, "which ticks it at the end of each frame");
    }
    return simple_call(L, fh_device_tick);
}

static int device_poll(lua_State *L)
{
    return simple_call(L, fh_device_poll);
}

int fhi_read_timeout(lua_State *L, int index, uint64_t *out_ns)
{
    *out_ns = FHI_WAIT_NS;
    return lua_isnoneornil(L, index) ? 0 : fhi_read_integer(L, index, index, "timeout_ns", out_ns);
}

static int device_wait(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_epoch epoch;
    uint64_t timeout_ns = 0;
    int failed = fhi_read_epoch(L, 2, 2, "epoch", &epoch);
    if (failed == 0) {
        failed = fhi_read_timeout(L, 3, &timeout_ns);
    }
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_device_wait(device, epoch, timeout_ns);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int device_wait_idle(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    uint64_t timeout_ns = 0;
    int failed = fhi_read_timeout(L, 2, &timeout_ns);
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_device_wait_idle(device, timeout_ns);
    fhi_pools_sweep(self->world);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int device_retire(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_epochs epochs = {.count = 0};
    if (lua_type(L, 2) != LUA_TFUNCTION) {
        fhi_type_error(L, 2, 2, "call", "function");
    }
    int failed = lua_isnoneornil(L, 3) ? 0 : fhi_read_epochs(L, 3, 3, "epochs", &epochs);
    if (failed != 0) {
        return failed;
    }
    lua_settop(L, 3);
    fhi_hook *hook =
        fhi_hook_new(L, 1, self->world, sizeof *hook, NULL, "a function given to device:retire");
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        fhi_hook_drop_from(L, 1, hook);
        return fhi_push_closed(L);
    }
    fh_result result =
        fh_device_retire_call(device, fhi_hook_run_once, hook, epochs.list, epochs.count);
    fhi_call_end(&call);
    if (result != FH_OK) {
        fhi_hook_drop_from(L, 1, hook);
    }
    return fhi_push_done(L, result);
}

static int device_trim(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint64_t bytes;
    fhi_pools_sweep(self->world);
    fh_result result = fh_device_trim(device, &bytes);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushinteger(L, (lua_Integer)bytes);
    return 1;
}

static int device_lost(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    bool lost = fh_device_is_lost(device);
    fhi_call_end(&call);
    lua_pushboolean(L, lost);
    return 1;
}

/* ---- tags ---- */

int fhi_read_tag(lua_State *L, int index, int arg, const char *name, fhi_lua_device *self,
                 int device_index, fh_tag *out_tag)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        return fhi_read_count(L, index, arg, name, out_tag);
    }
    const char *text = fhi_check_text(L, index, arg, name);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, device_index);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_device_tag(device, text, out_tag);
    fhi_call_end(&call);
    return result == FH_OK ? 0 : fhi_push_failure(L, result);
}

static int device_tag(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_check_text(L, 2, 2, "name");
    fh_tag tag = 0;
    int failed = fhi_read_tag(L, 2, 2, "name", self, 1, &tag);
    if (failed != 0) {
        return failed;
    }
    lua_pushinteger(L, (lua_Integer)tag);
    return 1;
}

static const luaL_Reg methods[] = {
    {"account", fhi_device_account},
    {"adapter", fhi_device_adapter},
    {"advance", fhi_device_advance},
    {"allocated_bytes", fhi_device_allocated_bytes},
    {"allocator", fhi_device_allocator},
    {"budget", fhi_device_budget},
    {"budget_policy", fhi_device_budget_policy},
    {"buffer", fhi_device_buffer},
    {"calls", fhi_device_calls},
    {"check", fhi_device_check_margins},
    {"clear_faults", fhi_device_clear_faults},
    {"close", device_close},
    {"copy", fhi_device_copy},
    {"detail", fhi_device_detail},
    {"explain", fhi_device_explain_method},
    {"external", fhi_device_external},
    {"fault", fhi_device_fault},
    {"lost", device_lost},
    {"closed", device_closed},
    {"json", fhi_device_json},
    {"limits", fhi_device_limits},
    {"live", fhi_device_live},
    {"observe", fhi_device_observe_method},
    {"parcels", fhi_device_parcels},
    {"policy", fhi_device_policy},
    {"policy_name", fhi_device_policy_name_method},
    {"poll", device_poll},
    {"pool", fhi_device_pool_method},
    {"queue", fhi_device_queue},
    {"queues", fhi_device_queues},
    {"raw", fhi_device_raw},
    {"raws", fhi_device_raws},
    {"record", fhi_device_record},
    {"reset_peak", fhi_device_reset_peak_method},
    {"retire", device_retire},
    {"set_limit", fhi_device_set_limit_method},
    {"set_policy", fhi_device_set_policy_method},
    {"stats", fhi_device_stats},
    {"tag", device_tag},
    {"texture", fhi_device_texture},
    {"tick", device_tick},
    {"trim", device_trim},
    {"wait", device_wait},
    {"wait_idle", device_wait_idle},
    {"with_allocator", fhi_device_with_allocator_method},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", device_finish},
    {"__close", device_finish},
    {"__tostring", device_tostring},
    {NULL, NULL},
};

const fhi_class fhi_device_class = {"freehold.device", methods, metamethods, NULL, NULL};
