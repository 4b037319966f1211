/* The budget policy's struct lies in a hook, which stays until the core has released it: after
 * another policy was set, or when the device is destroyed. */

#include "binding/budget.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/policy.h"
#include "binding/result.h"

#include <freehold/policy.h>

typedef struct fhi_lua_budget {
    fhi_hook hook; /* user value 2 is the device */
    fhi_lua_device *device;
    fh_budget_policy policy; /* what the core has the address of */
    fh_policy_ops ops;
    _Atomic bool in_charge; /* ends on whatever thread lets go of it */
} fhi_lua_budget;

static void release(void *context)
{
    fhi_lua_budget *self =
        (fhi_lua_budget *)(void *)((char *)context - offsetof(fhi_lua_budget, policy));
    const fh_policy_ops *ops = fh_budget_policy_ops();
    if (ops->release != NULL) {
        ops->release(context);
    }
    self->in_charge = false;
    fhi_hook_release(&self->hook);
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
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        fhi_hook_drop_from(L, 1, &self->hook);
        return fhi_push_closed(L);
    }
    self->in_charge = true;
    fh_result result = fh_device_set_policy(handle, &self->ops, &self->policy);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (self->in_charge) { /* and no observer has put another one there */
        fhi_policy_put(L, 1, 3);
    }
    return 1;
}

bool fhi_budget_in_charge(lua_State *L, int index)
{
    const fhi_lua_budget *self = fhi_object_at(L, index, &fhi_budget_class);
    return self != NULL && self->in_charge;
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

static int budget_remove(lua_State *L)
{
    const fhi_lua_budget *self = check_budget(L);
    lua_settop(L, 1);
    return fhi_policy_remove(L, &self->hook, self->in_charge);
}

static int budget_in_charge(lua_State *L)
{
    lua_pushboolean(L, check_budget(L)->in_charge);
    return 1;
}

static int budget_tostring(lua_State *L)
{
    const fhi_lua_budget *self = check_budget(L);
    lua_pushfstring(L, "freehold.budget (%s)", self->in_charge ? "in charge" : "removed");
    return 1;
}

static const luaL_Reg methods[] = {
    {"in_charge", budget_in_charge}, {"info", budget_info}, {"remove", budget_remove},
    {"set_limit", budget_set_limit}, {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__tostring", budget_tostring}, {NULL, NULL}};

const fhi_class fhi_budget_class = {"freehold.budget", methods, metamethods, NULL, NULL};
