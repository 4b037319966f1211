/* The budget policy's struct lies in a hook, which stays until the core has released it: after
 * another policy was set, or when the device is destroyed. Policies that are Lua files come with
 * floor 7; they will be set by device:set_policy(). */

#include "binding/policy.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/result.h"

#include <freehold/policy.h>

#include <stdio.h>

typedef struct fhi_lua_budget {
    fhi_hook hook; /* user value 2 is the device */
    fhi_lua_device *device;
    fh_budget_policy policy; /* what the core has the address of */
    fh_policy_ops ops;
    bool in_charge;
} fhi_lua_budget;

static int drop_body(lua_State *L)
{
    fhi_hook_drop(L, lua_touserdata(L, 1));
    return 0;
}

static void drop(fhi_notice *notice)
{
    fhi_hook *hook = (fhi_hook *)(void *)notice;
    fhi_world_call(hook->world, drop_body, hook, hook->what);
}

static void release(void *context)
{
    fhi_lua_budget *self =
        (fhi_lua_budget *)(void *)((char *)context - offsetof(fhi_lua_budget, policy));
    const fh_policy_ops *ops = fh_budget_policy_ops();
    if (ops->release != NULL) {
        ops->release(context);
    }
    self->in_charge = false;
    self->hook.notice.deliver = drop;
    if (fhi_world_is_here(self->hook.world)) {
        drop(&self->hook.notice);
    } else {
        fhi_world_post(self->hook.world, &self->hook.notice);
    }
}

int fhi_device_budget_policy(lua_State *L)
{
    static const fhi_field fields[] = {
        {"limit", FHI_FIELD_BYTES, offsetof(fh_budget_policy, limit), 0, NULL},
        {"telemetry_only", FHI_FIELD_BOOLEAN, offsetof(fh_budget_policy, telemetry_only), 0, NULL},
        FHI_FIELDS_END,
    };
    fhi_lua_device *device = fhi_check_device(L, 1);
    fh_budget_policy policy = {0};
    lua_settop(L, 2);
    int failed = fhi_read_fields(L, 2, 2, fields, 0, &policy);
    if (failed != 0) {
        return failed;
    }
    fhi_lua_budget *self = fhi_hook_new(L, 1, device->world, sizeof *self, &fhi_budget_class,
                                        "a budget policy"); /* 3 */
    self->device = device;
    self->policy = policy;
    self->ops = *fh_budget_policy_ops();
    self->ops.release = release;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 3, 2);
    fhi_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        fhi_hook_drop_from(L, 1, &self->hook);
        return fhi_push_closed(L);
    }
    self->in_charge = true;
    fh_result result = fh_device_set_policy(handle, &self->ops, &self->policy);
    fhi_call_end(&call);
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

int fhi_device_policy(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    char name[64];
    snprintf(name, sizeof name, "%s", fh_device_policy_name(device));
    fhi_call_end(&call);
    lua_pushstring(L, name);
    return 1;
}

static fhi_lua_budget *check_budget(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "policy", &fhi_budget_class);
}

static int budget_set_limit(lua_State *L)
{
    fhi_lua_budget *self = check_budget(L);
    uint64_t limit = 0;
    if (lua_isnone(L, 2)) {
        luaL_argerror(L, 2, "limit: bytes expected, or nil to remove it");
    }
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_bytes(L, 2, 2, "limit", &limit);
    if (failed != 0) {
        return failed;
    }
    self->policy.limit = limit;
    return fhi_push_done(L, FH_OK);
}

static int budget_info(lua_State *L)
{
    const fhi_lua_budget *self = check_budget(L);
    lua_createtable(L, 0, 5);
    if (self->policy.limit != 0) {
        fhi_set_integer(L, "limit", self->policy.limit);
    }
    fhi_set_boolean(L, "telemetry_only", self->policy.telemetry_only);
    fhi_set_integer(L, "over_count", self->policy.over_count);
    fhi_set_integer(L, "used_peak", self->policy.used_peak);
    fhi_set_boolean(L, "in_charge", self->in_charge);
    return 1;
}

/* Back to the native rules, if this policy is still in charge. */
static int budget_remove(lua_State *L)
{
    fhi_lua_budget *self = check_budget(L);
    lua_settop(L, 1);
    if (!self->in_charge) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_getiuservalue(L, 1, 2);
    fhi_call call;
    fh_device *device = fhi_call_begin(&call, L, self->hook.world->root, 2);
    fh_result result = FH_OK;
    if (device != NULL) {
        result = fh_device_set_policy(device, NULL, NULL);
        fhi_call_end(&call);
    }
    return fhi_push_done(L, result);
}

static int budget_tostring(lua_State *L)
{
    const fhi_lua_budget *self = check_budget(L);
    lua_pushfstring(L, "freehold.budget (%s)", self->in_charge ? "in charge" : "removed");
    return 1;
}

static const luaL_Reg methods[] = {
    {"info", budget_info},
    {"remove", budget_remove},
    {"set_limit", budget_set_limit},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__tostring", budget_tostring}, {NULL, NULL}};

const fhi_class fhi_budget_class = {"freehold.budget", methods, metamethods, NULL, NULL};
