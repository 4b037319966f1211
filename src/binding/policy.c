/* Policies of scripts. The object has a handle of the policy's, and gives it back when it is closed
 * or collected; the policy itself stays in charge. That the device can tell which policy that is,
 * though the program has thrown its object away, the world keeps the one that was set last: a
 * closed object of it still has its handle, and device:policy() moves that into a new one.
 *
 * A policy must have given back its handles before its device is destroyed, so the world has a list
 * of those that have one. */

#include "binding/policy.h"

#include "binding/budget.h"
#include "binding/check.h"
#include "binding/decisions.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/policy_status.h"
#include "binding/result.h"
#include "binding/trusted.h"

#include <stdio.h>
#include <string.h>

/* ---- handles ---- */

fhi_lua_policy *fhi_check_policy(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "policy", &fhi_policy_class);
}

int fhi_push_policy_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "policy: was released, or its device is closed");
}

/* Push a policy without a handle, of the device at `index`. */
static fhi_lua_policy *policy_new(lua_State *L, int index, fhi_lua_world *world)
{
    fhi_lua_policy *self = fhi_object_new(L, &fhi_policy_class, sizeof *self, 1);
    self->world = world;
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, 1);
    return self;
}

static void take_handle(fhi_lua_policy *self, fh_policy *policy)
{
    self->policy = policy;
    self->next = self->world->policies;
    self->world->policies = self;
}

static fh_policy *leave_handle(fhi_lua_policy *self)
{
    fh_policy *policy = self->policy;
    for (fhi_lua_policy **link = &self->world->policies; *link != NULL; link = &(*link)->next) {
        if (*link == self) {
            *link = self->next;
            break;
        }
    }
    self->policy = NULL;
    self->next = NULL;
    return policy;
}

/* Give the handle back, if nobody needs it. In a call. */
static void settle(fhi_lua_policy *self)
{
    if (self->closed && !self->kept && self->uses == 0 && self->policy != NULL) {
        fh_policy_release(leave_handle(self));
    }
}

fh_policy *fhi_policy_begin(fhi_policy_call *call, lua_State *L, fhi_lua_policy *self)
{
    *call = (fhi_policy_call){.self = self};
    if (self->closed || self->policy == NULL) {
        return NULL;
    }
    lua_getiuservalue(L, 1, 1);
    if (fhi_call_begin(&call->call, L, self->world->root, lua_gettop(L)) == NULL) {
        return NULL;
    }
    self->uses++;
    return self->policy;
}

void fhi_policy_end(fhi_policy_call *call)
{
    call->self->uses--;
    settle(call->self);
    fhi_call_end(&call->call);
}

void fhi_policies_forget(fhi_lua_world *world)
{
    while (world->policies != NULL) {
        fh_policy_release(leave_handle(world->policies));
    }
}

/* The program, or the collector, is done with the object at index 1. */
static void close_policy(lua_State *L, fhi_lua_policy *self)
{
    fhi_lua_call call;
    self->closed = true;
    lua_getiuservalue(L, 1, 1);
    if (self->policy != NULL &&
        fhi_call_begin(&call, L, self->world->root, lua_gettop(L)) != NULL) {
        settle(self);
        fhi_call_end(&call);
    }
}

void fhi_policy_put(lua_State *L, int index, int object)
{
    fhi_world_push_from(L, index, FHI_WORLD_POLICY);
    int old = lua_gettop(L);
    fhi_lua_policy *policy = fhi_object_at(L, old, &fhi_policy_class);
    if (object != 0) {
        fhi_lua_policy *next = fhi_object_at(L, object, &fhi_policy_class);
        if (next != NULL) {
            next->kept = true;
        }
        lua_pushvalue(L, object);
    } else {
        lua_pushnil(L);
    }
    bool same = lua_rawequal(L, old, -1) != 0;
    fhi_world_set_from(L, index, FHI_WORLD_POLICY);
    if (policy != NULL && !same) {
        policy->kept = false;
        fhi_lua_call call;
        if (policy->closed && fhi_call_begin(&call, L, policy->world->root, index) != NULL) {
            settle(policy);
            fhi_call_end(&call);
        }
    }
    lua_settop(L, old - 1);
}

/* ---- what sets one ---- */

static bool has_field(lua_State *L, int index, const char *name)
{
    lua_pushstring(L, name);
    bool has = lua_rawget(L, index) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

static bool has_item(lua_State *L, int index)
{
    bool has = lua_rawgeti(L, index, 1) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* Keep what is on top, which is popped. */
static void anchor(lua_State *L, int anchors)
{
    lua_rawseti(L, anchors, (lua_Integer)lua_rawlen(L, anchors) + 1);
}

void fhi_read_source(lua_State *L, int index, int arg, const char *name, int anchors,
                     fh_policy_source *out_source)
{
    static const char *const fields[] = {"text", "name", NULL};
    *out_source = (fh_policy_source){.path = NULL};
    if (lua_type(L, index) == LUA_TSTRING) {
        out_source->path = fhi_check_text(L, index, arg, name);
        lua_pushvalue(L, index);
        anchor(L, anchors);
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "path or table");
    }
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int field = fhi_check_field(L, top + 1, arg, fields);
        if (field == 1) {
            out_source->name = fhi_check_text(L, top + 2, arg, "field 'name'");
        } else if (lua_type(L, top + 2) != LUA_TSTRING) {
            fhi_type_error(L, top + 2, arg, "field 'text'", "string");
        } else {
            out_source->text = lua_tolstring(L, top + 2, &out_source->text_size);
        }
        anchor(L, anchors);
    }
    if (out_source->text == NULL) {
        luaL_argerror(L, arg, "field 'text': is missing");
    }
}

const char *fhi_push_setting(lua_State *L, int index, int arg, const char *name)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        fhi_check_text(L, index, arg, name);
        lua_pushvalue(L, index);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, index));
        } else {
            /* Not lua_tostring(): 14 digits are fewer than the number has. */
            char text[40];
            snprintf(text, sizeof text, "%.17g", lua_tonumber(L, index));
            char *comma = strchr(text, ','); /* of the locale */
            if (comma != NULL) {
                *comma = '.';
            }
            lua_pushstring(L, text);
        }
        break;
    default:
        fhi_type_error(L, index, arg, name, "number, boolean or string");
    }
    return lua_tostring(L, -1);
}

/* Names of options before those of one script's option, each by the alphabet. */
static bool is_before(const char *a, const char *b)
{
    bool of_script = strchr(a, '.') != NULL;
    return of_script != (strchr(b, '.') != NULL) ? !of_script : strcmp(a, b) < 0;
}

fh_policy_setting *fhi_push_settings(lua_State *L, int index, int arg, int anchors,
                                     uint32_t *out_count)
{
    uint32_t count = 0;
    *out_count = 0;
    if (!lua_isnil(L, index)) {
        if (lua_type(L, index) != LUA_TTABLE) {
            fhi_type_error(L, index, arg, "field 'options'", "table");
        }
        lua_pushnil(L);
        while (lua_next(L, index)) {
            count++;
            lua_pop(L, 1);
        }
    }
    fh_policy_setting *settings = lua_newuserdatauv(L, count * sizeof *settings + 1, 0);
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (count > 0 && lua_next(L, index) && *out_count < count) {
        if (lua_type(L, top + 1) != LUA_TSTRING) {
            fhi_type_error(L, top + 1, arg, "an option", "name");
        }
        const char *name = fhi_check_text(L, top + 1, arg, "an option's name");
        const char *called = lua_pushfstring(L, "option '%s'", name);
        fh_policy_setting setting = {name, fhi_push_setting(L, top + 2, arg, called)};
        anchor(L, anchors);
        lua_pushvalue(L, top + 1);
        anchor(L, anchors);
        uint32_t at = (*out_count)++;
        for (; at > 0 && is_before(name, settings[at - 1].name); at--) {
            settings[at] = settings[at - 1];
        }
        settings[at] = setting;
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return settings;
}

enum {
    SLOT_OPTIONS,
    SLOT_COUNT
};

/* The scripts in the list at index 2. Returns 0, or 3. */
static int read_sources(lua_State *L, int anchors, fh_policy_source sources[FH_SCRIPT_MAX],
                        uint32_t *out_count)
{
    lua_Unsigned count = lua_rawlen(L, 2);
    if (count > FH_SCRIPT_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "policy: %I scripts are more than %d",
                                   (LUAI_UACINT)count, FH_SCRIPT_MAX);
    }
    lua_Unsigned there = 0;
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        if (!lua_isinteger(L, top + 1)) {
            luaL_argerror(L, 2, "policy: a list of scripts has no other fields");
        }
        lua_Integer position = lua_tointeger(L, top + 1);
        if (position < 1 || (lua_Unsigned)position > count) {
            luaL_argerror(L, 2, "policy: the list of scripts has a hole");
        }
        const char *name = lua_pushfstring(L, "script %I", (LUAI_UACINT)position);
        if (lua_type(L, top + 2) == LUA_TTABLE && !has_field(L, top + 2, "text")) {
            luaL_argerror(L, 2,
                          lua_pushfstring(L,
                                          "%s: a path or a text expected; a table of hooks"
                                          " stands alone",
                                          name));
        }
        fhi_read_source(L, top + 2, 2, name, anchors, &sources[position - 1]);
        lua_settop(L, top + 1);
        there++;
    }
    if (there < count) {
        luaL_argerror(L, 2, "policy: the list of scripts has a hole");
    }
    *out_count = (uint32_t)count;
    return 0;
}

/* Device at index 1, what at 2, options at 3. */
static int load(lua_State *L, fhi_lua_device *device)
{
    static const fhi_field fields[] = {
        {"watch", FHI_FIELD_BOOLEAN, offsetof(fh_policy_desc, watch), 0, NULL},
        {"options", FHI_FIELD_VALUE, 0, SLOT_OPTIONS, NULL},
        FHI_FIELDS_END,
    };
    fh_policy_source sources[FH_SCRIPT_MAX] = {{NULL, NULL, 0, NULL}};
    fh_policy_desc desc = {.watch = false};
    lua_settop(L, 3 + SLOT_COUNT);
    int failed = lua_isnil(L, 3) ? 0 : fhi_read_fields(L, 3, 3, fields, 4, &desc);
    lua_newtable(L);
    int anchors = lua_gettop(L);
    if (failed == 0 && lua_type(L, 2) == LUA_TTABLE && !has_field(L, 2, "text")) {
        failed = read_sources(L, anchors, sources, &desc.source_count);
        desc.sources = sources;
    } else if (failed == 0) {
        fhi_read_source(L, 2, 2, "policy", anchors, &desc.source);
    }
    if (failed != 0) {
        return failed;
    }
    desc.settings = fhi_push_settings(L, 4 + SLOT_OPTIONS, 3, anchors, &desc.setting_count);

    fh_policy_status *status = lua_newuserdatauv(L, sizeof *status, 0);
    fhi_lua_policy *self = policy_new(L, 1, device->world);
    int object = lua_gettop(L);
    fhi_lua_call call;
    if (fhi_device_begin(&call, L, device, 1) == NULL) {
        return fhi_push_closed(L);
    }
    fh_policy *policy = NULL;
    status->in_charge = false;
    fh_result result = fh_policy_load(device->world->root->device, &desc, &policy);
    if (result == FH_OK) {
        take_handle(self, policy);
        fh_policy_get_status(policy, status);
    }
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (status->in_charge) { /* and no observer has put another one there */
        fhi_policy_put(L, 1, object);
    }
    lua_settop(L, object);
    return 1;
}

/* Back to the native rules, for the device at `index`, which is there. */
static int set_native(lua_State *L, fhi_lua_world *world, int index)
{
    fhi_world_push_from(L, index, FHI_WORLD_POLICY);
    int old = lua_gettop(L);
    fhi_lua_call call;
    fh_device *device = fhi_call_begin(&call, L, world->root, index);
    fh_result result = FH_OK;
    if (device != NULL) {
        result = fh_device_set_policy(device, NULL, NULL);
        fhi_call_end(&call);
    }
    fhi_world_push_from(L, index, FHI_WORLD_POLICY);
    if (result == FH_OK && lua_rawequal(L, old, -1)) { /* no observer has set another one */
        fhi_policy_put(L, index, 0);
    }
    return fhi_push_done(L, result);
}

int fhi_device_set_policy_method(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    if (lua_isnone(L, 2)) {
        luaL_argerror(L, 2, "policy: a path or a table expected, or nil for the native rules");
    }
    lua_settop(L, 3);
    if (lua_isnil(L, 2)) {
        return device->closed && device->lent == 0 ? fhi_push_closed(L)
                                                   : set_native(L, device->world, 1);
    }
    if (lua_type(L, 2) == LUA_TTABLE && !has_field(L, 2, "text") && !has_item(L, 2)) {
        if (!lua_isnil(L, 3)) {
            luaL_argerror(L, 3, "options: a table of hooks has none");
        }
        return fhi_device_set_trusted(L, device);
    }
    return load(L, device);
}

int fhi_policy_remove(lua_State *L, const fhi_hook *hook, bool in_charge)
{
    if (!in_charge) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_getiuservalue(L, 1, 2);
    return set_native(L, hook->world, lua_gettop(L));
}

/* ---- which one it is ---- */

int fhi_device_policy_name_method(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
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

/* Whether the policy at index 1 is in charge. */
static bool is_in_charge(lua_State *L, fhi_lua_policy *self)
{
    fh_policy_status *status = lua_newuserdatauv(L, sizeof *status, 0);
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    bool in_charge = false;
    if (policy != NULL) {
        in_charge = fh_policy_get_status(policy, status) == FH_OK && status->in_charge;
        fhi_policy_end(&call);
    }
    return in_charge;
}

/* An object for the handle of the closed one at `index`, which is in charge of the device at 1. */
static void push_again(lua_State *L, int index)
{
    fhi_lua_policy *closed = lua_touserdata(L, index);
    fhi_lua_policy *self = policy_new(L, 1, closed->world);
    if (closed->uses == 0) {
        take_handle(self, leave_handle(closed));
        fhi_policy_put(L, 1, lua_gettop(L));
    }
}

int fhi_device_policy(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    lua_settop(L, 1);
    fhi_lua_call call;
    if (fhi_device_begin(&call, L, self, 1) == NULL) {
        return fhi_push_closed(L);
    }
    fhi_call_end(&call);
    fhi_world_push_from(L, 1, FHI_WORLD_POLICY); /* 2 */
    const fhi_lua_policy *policy = fhi_object_at(L, 2, &fhi_policy_class);
    if (policy != NULL && policy->policy != NULL) {
        if (policy->closed) {
            push_again(L, 2);
        }
        return 1;
    }
    if (!fhi_budget_in_charge(L, 2) && !fhi_trusted_in_charge(L, 2)) {
        lua_pushnil(L);
    }
    return 1;
}

/* ---- methods ---- */

static int policy_done(lua_State *L, fhi_policy_call *call, fh_result result)
{
    fhi_policy_end(call);
    return fhi_push_done(L, result);
}

static int policy_set(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    const char *name = fhi_check_text(L, 2, 2, "name");
    if (lua_isnone(L, 3)) {
        luaL_argerror(L, 3, "value: a value expected, or nil for the default");
    }
    lua_settop(L, 3);
    const char *value = lua_isnil(L, 3) ? NULL : fhi_push_setting(L, 3, 3, "value");
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    return policy_done(L, &call, fh_policy_set_option(policy, name, value));
}

static int policy_watch(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    bool watch = fhi_check_boolean(L, 2, 2, "watch");
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    return policy_done(L, &call, fh_policy_watch(policy, watch));
}

static int policy_reload(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    return policy_done(L, &call, fh_policy_reload(policy));
}

static int policy_rollback(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    return policy_done(L, &call, fh_policy_rollback(policy));
}

static int policy_in_charge(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    lua_pushboolean(L, is_in_charge(L, self));
    return 1;
}

static int policy_release(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    bool was_open = !self->closed && self->policy != NULL;
    close_policy(L, self);
    lua_pushboolean(L, was_open);
    return 1;
}

static int policy_close(lua_State *L)
{
    close_policy(L, fhi_check_policy(L));
    return 0;
}

/* Nothing has the object any more, the world neither. */
static int policy_gc(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    self->kept = false;
    close_policy(L, self);
    return 0;
}

static int policy_tostring(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    bool gone = self->closed || self->policy == NULL;
    lua_pushfstring(L, "freehold.policy (%s)",
                    gone                    ? "released"
                    : is_in_charge(L, self) ? "in charge"
                                            : "replaced");
    return 1;
}

static const luaL_Reg methods[] = {
    {"close", policy_release},
    {"decisions", fhi_policy_decisions_method},
    {"in_charge", policy_in_charge},
    {"options", fhi_policy_options_method},
    {"release", policy_release},
    {"reload", policy_reload},
    {"rollback", policy_rollback},
    {"set", policy_set},
    {"state", fhi_policy_state_method},
    {"status", fhi_policy_status_method},
    {"watch", policy_watch},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", policy_close},
    {"__gc", policy_gc},
    {"__tostring", policy_tostring},
    {NULL, NULL},
};

const fhi_class fhi_policy_class = {"freehold.policy", methods, metamethods, NULL, NULL};
