/* An observer is the hook itself, in a class's clothes. It watches until it is closed, or its
 * device is: losing the variable ends nothing, since `device:observe("tick", f)` without a variable
 * is meant.
 *
 * The core will not end an observer that is running. One that is closed from within itself, or from
 * something that it called, is deaf from then on, and ended when the outermost call into the core
 * ends. */

#include "binding/observer.h"

#include "binding/account.h"
#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/names.h"
#include "binding/parcel.h"
#include "binding/queue.h"
#include "binding/request.h"
#include "binding/result.h"

#include <freehold/observer.h>
#include <freehold/script.h>

typedef struct fhi_lua_observer {
    fhi_hook hook; /* user value 1 is the function, 2 the device */
    fhi_lua_device *device;
    uint32_t id;
    uint32_t running; /* calls of the function under way */
    bool closed;
} fhi_lua_observer;

/* ---- events ---- */

typedef struct delivery {
    fhi_lua_observer *observer;
    fh_device *device;
    const fh_event *event;
} delivery;

static void set_parcel(lua_State *L, const delivery *self)
{
    const fh_event *event = self->event;
    int table = lua_gettop(L);
    lua_pushinteger(L, (lua_Integer)event->parcel.id);
    lua_setfield(L, table, "id");
    fhi_world_push(L, self->observer->hook.world, FHI_WORLD_PARCELS);
    fhi_parcel_push(L, table + 1, event->parcel);
    lua_setfield(L, table, "parcel");
    lua_pop(L, 1);
}

static const char *tag_of(const delivery *self)
{
    const char *tag = fh_device_tag_name(self->device, self->event->tag);
    return tag != NULL ? tag : "";
}

static void set_sort(lua_State *L, const delivery *self)
{
    fhi_set_text(L, "parcel_kind", fhi_kind_names[self->event->parcel_kind]);
    fhi_set_text(L, "tag", tag_of(self));
}

static void set_account(lua_State *L, const delivery *self)
{
    fhi_push_account_name(L, self->device, self->event->account);
    lua_setfield(L, -2, "account");
}

static void set_place(lua_State *L, const fh_event *event)
{
    fhi_set_integer(L, "memory", event->memory);
    fhi_set_integer(L, "offset", event->offset);
}

static void set_decided(lua_State *L, const delivery *self)
{
    const fh_event *event = self->event;
    const fh_decided *decided = event->decided;
    fhi_set_text(L, "hook", fhi_hook_names[decided->hook]);
    fhi_set_text(L, "outcome", fhi_outcome_names[decided->outcome]);
    fhi_set_integer(L, "script", (uint64_t)decided->script + 1);
    fhi_set_integer(L, "version", decided->version);
    fhi_set_integer(L, "line", decided->line);
    fhi_set_integer(L, "charge", decided->charge);
    fhi_set_integer(L, "sequence", decided->sequence);
    if (event->name != NULL) {
        fhi_set_text(L, "name", event->name);
    }
    if (decided->hook == FH_HOOK_PLACE || decided->hook == FH_HOOK_RELIEVE) {
        set_sort(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
    }
}

static void set_memory(lua_State *L, const fh_event *event)
{
    fhi_set_integer(L, "memory", event->memory);
    fhi_set_integer(L, "heap", event->heap);
    fhi_set_integer(L, "type", event->type);
    fhi_set_integer(L, "bytes", event->bytes);
    fhi_set_boolean(L, "dedicated", event->dedicated);
}

/* What the list in observer.h names for each kind. */
static void set_fields(lua_State *L, const delivery *self)
{
    const fh_event *event = self->event;
    switch (event->kind) {
    case FH_EVENT_PARCEL_CREATED:
        set_parcel(L, self);
        set_sort(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        fhi_set_integer(L, "committed", event->committed);
        set_place(L, event);
        if (event->name != NULL) {
            fhi_set_text(L, "name", event->name);
        }
        if (event->buffer != NULL) {
            fhi_push_buffer_desc(L, self->observer->hook.world, event->buffer, tag_of(self));
            lua_setfield(L, -2, "buffer");
        }
        if (event->texture != NULL) {
            fhi_push_texture_desc(L, self->observer->hook.world, event->texture, tag_of(self));
            lua_setfield(L, -2, "texture");
        }
        break;
    case FH_EVENT_PARCEL_USED:
        set_parcel(L, self);
        fhi_push_epoch(L, event->epoch);
        lua_setfield(L, -2, "epoch");
        break;
    case FH_EVENT_PARCEL_RETIRED:
    case FH_EVENT_PARCEL_FREED:
        set_parcel(L, self);
        set_sort(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        break;
    case FH_EVENT_PARCEL_RESIZED:
        set_parcel(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        fhi_set_integer(L, "bytes_before", event->bytes_before);
        set_place(L, event);
        break;
    case FH_EVENT_PARCEL_MAPPED:
    case FH_EVENT_PARCEL_UNMAPPED:
        set_parcel(L, self);
        break;
    case FH_EVENT_PARCEL_NAMED:
        set_parcel(L, self);
        if (event->name != NULL) {
            fhi_set_text(L, "name", event->name);
        }
        break;
    case FH_EVENT_DECIDED:
        set_decided(L, self);
        break;
    case FH_EVENT_MEMORY_ALLOCATED:
    case FH_EVENT_MEMORY_FREED:
        set_memory(L, event);
        break;
    case FH_EVENT_COPIED:
        fhi_push_epoch(L, event->epoch);
        lua_setfield(L, -2, "epoch");
        fhi_set_integer(L, "count", event->count);
        break;
    case FH_EVENT_REFUSED:
        set_sort(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        fhi_push_code(L, event->result);
        lua_setfield(L, -2, "code");
        if (event->result == FH_ERR_BUDGET) {
            set_account(L, self);
        }
        break;
    case FH_EVENT_BUDGET_CROSSED:
        set_account(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        fhi_set_integer(L, "limit", event->limit);
        fhi_set_boolean(L, "up", event->up);
        break;
    case FH_EVENT_EVICT_ASKED:
    case FH_EVENT_EVICT_IGNORED:
        set_parcel(L, self);
        fhi_set_integer(L, "bytes", event->bytes);
        break;
    case FH_EVENT_POLICY_SET:
        if (event->name != NULL) {
            fhi_set_text(L, "name", event->name);
        }
        break;
    default: /* tick, device_lost, device_closed: nothing else */
        break;
    }
}

static int deliver_body(lua_State *L)
{
    const delivery *self = lua_touserdata(L, 1);
    fhi_hook_push(L, &self->observer->hook);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    lua_getiuservalue(L, -1, 1);
    lua_createtable(L, 0, 8);
    int kind = 0;
    while ((self->event->kind >> kind & 1) == 0) {
        kind++;
    }
    fhi_set_text(L, "kind", fhi_event_names[kind]);
    fhi_set_integer(L, "tick", self->event->tick);
    set_fields(L, self);
    lua_call(L, 1, 0);
    return 0;
}

static void observe(void *context, fh_device *device, const fh_event *event)
{
    fhi_lua_observer *self = context;
    delivery delivered = {self, device, event};
    if (!fhi_world_is_here(self->hook.world) || self->closed) {
        return;
    }
    self->running++;
    fhi_world_call(self->hook.world, deliver_body, &delivered, self->hook.what);
    self->running--;
}

/* ---- from beginning to end ---- */

int fhi_device_observe_method(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    uint32_t events = FH_EVENT_ALL;
    lua_settop(L, 3);
    if (!lua_isnil(L, 2)) {
        events = fhi_check_flags(L, 2, 2, "events", fhi_event_names);
    }
    if (lua_type(L, 3) != LUA_TFUNCTION) {
        fhi_type_error(L, 3, 3, "observe", "function");
    }
    fhi_lua_observer *self =
        fhi_hook_new(L, 1, device->world, sizeof *self, &fhi_observer_class, "an observer"); /* 4 */
    self->device = device;
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 4, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 4, 2);
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    fh_result result = FH_ERR_STALE;
    if (handle != NULL) {
        result = fh_device_observe(handle, events, observe, self, &self->id);
        fhi_call_end(&call);
    }
    if (result != FH_OK) {
        self->closed = true;
        fhi_hook_drop_from(L, 1, &self->hook);
        return handle == NULL ? fhi_push_closed(L) : fhi_push_failure(L, result);
    }
    return 1;
}

static int end_body(lua_State *L)
{
    fhi_lua_observer *self = lua_touserdata(L, 1);
    fh_device *device = self->hook.world->root->device;
    if (device != NULL) {
        fh_device_unobserve(device, self->id);
        fhi_hook_drop(L, &self->hook);
    }
    return 0;
}

static void end_later(fhi_notice *notice)
{
    fhi_lua_observer *self = (fhi_lua_observer *)(void *)notice;
    fhi_world_call(self->hook.world, end_body, self, self->hook.what);
}

static void close_observer(lua_State *L, fhi_lua_observer *self)
{
    if (self->closed) {
        return;
    }
    self->closed = true;
    if (self->running > 0) {
        self->hook.notice.deliver = end_later;
        fhi_world_post(self->hook.world, &self->hook.notice);
        return;
    }
    fhi_lua_call call;
    lua_getiuservalue(L, 1, 2);
    int index = lua_gettop(L);
    fh_device *device = fhi_call_begin(&call, L, self->hook.world->root, index);
    /* A device that is just being destroyed still has the hook's address. */
    if (device != NULL) {
        fh_device_unobserve(device, self->id);
        fhi_call_end(&call);
        fhi_hook_drop_from(L, index, &self->hook);
    }
}

static fhi_lua_observer *check_observer(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "observer", &fhi_observer_class);
}

static int observer_close(lua_State *L)
{
    fhi_lua_observer *self = check_observer(L);
    bool was_open = !self->closed && self->hook.world->root->device != NULL;
    close_observer(L, self);
    lua_pushboolean(L, was_open);
    return 1;
}

static int observer_finish(lua_State *L)
{
    close_observer(L, check_observer(L));
    return 0;
}

static int observer_tostring(lua_State *L)
{
    const fhi_lua_observer *self = check_observer(L);
    lua_pushstring(L, self->closed ? "freehold.observer (closed)" : "freehold.observer");
    return 1;
}

static const luaL_Reg methods[] = {{"close", observer_close}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__close", observer_finish},
    {"__tostring", observer_tostring},
    {NULL, NULL},
};

const fhi_class fhi_observer_class = {"freehold.observer", methods, metamethods, NULL, NULL};
