/* A queue is an object because it has a state that changes; an epoch is a plain table, because it
 * is a pair of numbers that programs keep in lists and write into files. A queue is asked for by
 * name, and made when there is none: a name is given once, so asking twice must not use up two of
 * the eight. */

#include "binding/queue.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/result.h"

typedef struct fhi_lua_queue {
    fhi_lua_device *device; /* user value 1 */
    uint32_t index;         /* UINT32_MAX: not made */
} fhi_lua_queue;

/* User value 2 is the name; of a queue of the backend's, nil. */

static fhi_lua_queue *check_queue(lua_State *L, int index)
{
    return fhi_check_object(L, index, index, "queue", &fhi_queue_class);
}

int fhi_read_queue(lua_State *L, int index, int arg, const char *name, uint32_t *out)
{
    const fhi_lua_queue *queue = fhi_object_at(L, index, &fhi_queue_class);
    if (queue != NULL) {
        *out = queue->index;
        return 0;
    }
    if (lua_type(L, index) != LUA_TNUMBER) {
        fhi_type_error(L, index, arg, name, "freehold.queue or integer");
    }
    return fhi_read_count(L, index, arg, name, out);
}

/* ---- epochs ---- */

enum {
    SLOT_QUEUE,
    SLOT_VALUE,
    SLOT_COUNT
};

static const fhi_field epoch_fields[] = {
    {"queue", FHI_FIELD_VALUE, 0, SLOT_QUEUE, NULL},
    {"value", FHI_FIELD_VALUE, 0, SLOT_VALUE, NULL},
    FHI_FIELDS_END,
};

int fhi_read_epoch(lua_State *L, int index, int arg, const char *name, fh_epoch *out)
{
    char nothing = 0;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "table { queue = ..., value = ... }");
    }
    luaL_checkstack(L, 10, NULL);
    int top = lua_gettop(L), slots = top + 1;
    lua_settop(L, top + SLOT_COUNT);
    int failed = fhi_read_fields(L, index, arg, epoch_fields, slots, &nothing);
    if (failed == 0) {
        failed = fhi_read_queue(L, slots + SLOT_QUEUE, arg, "field 'queue'", &out->queue);
    }
    if (failed == 0) {
        failed = fhi_read_integer(L, slots + SLOT_VALUE, arg, "field 'value'", &out->value);
    }
    if (failed == 0) {
        lua_settop(L, top);
    }
    return failed;
}

/* Keeps the last one on each queue. */
static int add_epoch(lua_State *L, fhi_epochs *epochs, fh_epoch epoch)
{
    for (uint32_t i = 0; i < epochs->count; i++) {
        if (epochs->list[i].queue == epoch.queue) {
            if (epochs->list[i].value < epoch.value) {
                epochs->list[i].value = epoch.value;
            }
            return 0;
        }
    }
    if (epoch.queue >= FH_QUEUE_MAX || epochs->count == FH_QUEUE_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "queue: there is no queue %I",
                                   (LUAI_UACINT)epoch.queue);
    }
    epochs->list[epochs->count++] = epoch;
    return 0;
}

int fhi_read_epochs(lua_State *L, int index, int arg, const char *name, fhi_epochs *out)
{
    out->count = 0;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "table");
    }
    fh_epoch epoch;
    lua_pushliteral(L, "queue");
    bool single = lua_rawget(L, index) != LUA_TNIL;
    lua_pop(L, 1);
    if (single) {
        int failed = fhi_read_epoch(L, index, arg, name, &epoch);
        return failed != 0 ? failed : add_epoch(L, out, epoch);
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int value = lua_gettop(L);
        if (lua_type(L, value - 1) != LUA_TNUMBER) {
            fhi_type_error(L, index, arg, name, "an epoch or a list of epochs");
        }
        int failed = fhi_read_epoch(L, value, arg, name, &epoch);
        if (failed == 0) {
            failed = add_epoch(L, out, epoch);
        }
        if (failed != 0) {
            return failed;
        }
        lua_settop(L, value - 1);
    }
    return 0;
}

void fhi_push_epoch(lua_State *L, fh_epoch epoch)
{
    lua_createtable(L, 0, 2);
    fhi_set_integer(L, "queue", epoch.queue);
    fhi_set_integer(L, "value", epoch.value);
}

/* ---- queues ---- */

/* Push a queue of the device at index 1; it is not in the world's table yet. */
static fhi_lua_queue *push_queue(lua_State *L, fhi_lua_device *device)
{
    fhi_lua_queue *self = fhi_object_new(L, &fhi_queue_class, sizeof *self, 2);
    self->device = device;
    self->index = UINT32_MAX;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return self;
}

static int queue_by_name(lua_State *L, fhi_lua_device *device)
{
    const char *name = fhi_check_text(L, 2, 2, "name");
    fhi_world_push_from(L, 1, FHI_WORLD_QUEUES); /* 3 */
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 3) != LUA_TNIL) {
        return 1;
    }
    fhi_lua_queue *self = push_queue(L, device);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 2);
    int object = lua_gettop(L);
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_queue_add(handle, name, &self->index);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushvalue(L, object);
    lua_rawseti(L, 3, (lua_Integer)self->index);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, object);
    lua_rawset(L, 3);
    lua_settop(L, object);
    return 1;
}

/* A queue of the backend's; the world's table is at index 3. */
static int push_queue_of_backend(lua_State *L, fhi_lua_device *device, uint32_t index)
{
    if (lua_rawgeti(L, 3, (lua_Integer)index) == LUA_TNIL) {
        lua_pop(L, 1);
        push_queue(L, device)->index = index;
        lua_pushvalue(L, -1);
        lua_rawseti(L, 3, (lua_Integer)index);
    }
    return 1;
}

static bool backend_queue_count(lua_State *L, fhi_lua_device *device, uint32_t *out)
{
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        return false;
    }
    *out = fh_device_adapter(handle)->queue_count;
    fhi_call_end(&call);
    return true;
}

int fhi_device_queue(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING) {
        return queue_by_name(L, device);
    }
    if (lua_type(L, 2) != LUA_TNUMBER) {
        fhi_type_error(L, 2, 2, "queue", "name or integer");
    }
    uint32_t index, count;
    int failed = fhi_read_count(L, 2, 2, "queue", &index);
    if (failed != 0) {
        return failed;
    }
    if (!backend_queue_count(L, device, &count)) {
        return fhi_push_closed(L);
    }
    fhi_world_push_from(L, 1, FHI_WORLD_QUEUES); /* 3 */
    if (index < count) {
        return push_queue_of_backend(L, device, index);
    }
    if (lua_rawgeti(L, 3, (lua_Integer)index) == LUA_TNIL) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "queue: there is no queue %I",
                                   (LUAI_UACINT)index);
    }
    return 1;
}

int fhi_device_queues(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    lua_settop(L, 2);
    uint32_t count;
    if (!backend_queue_count(L, device, &count)) {
        return fhi_push_closed(L);
    }
    fhi_world_push_from(L, 1, FHI_WORLD_QUEUES); /* 3 */
    lua_createtable(L, FH_QUEUE_MAX, 0);         /* 4 */
    for (uint32_t i = 0; i < FH_QUEUE_MAX; i++) {
        if (i < count) {
            push_queue_of_backend(L, device, i);
        } else {
            lua_rawgeti(L, 3, (lua_Integer)i);
        }
        lua_rawseti(L, 4, (lua_Integer)i + 1);
    }
    return 1;
}

static int queue_signal(lua_State *L)
{
    fhi_lua_queue *self = check_queue(L, 1);
    uint64_t value;
    int failed = fhi_read_integer(L, 2, 2, "value", &value);
    if (failed != 0) {
        return failed;
    }
    lua_getiuservalue(L, 1, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self->device, lua_gettop(L));
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_queue_signal(device, self->index, value);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

static int queue_progress(lua_State *L)
{
    fhi_lua_queue *self = check_queue(L, 1);
    lua_getiuservalue(L, 1, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self->device, lua_gettop(L));
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint64_t value = fh_queue_progress(device, self->index);
    fhi_call_end(&call);
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int queue_epoch(lua_State *L)
{
    const fhi_lua_queue *self = check_queue(L, 1);
    fh_epoch epoch = {self->index, 0};
    int failed = fhi_read_integer(L, 2, 2, "value", &epoch.value);
    if (failed != 0) {
        return failed;
    }
    fhi_push_epoch(L, epoch);
    return 1;
}

static int queue_tostring(lua_State *L)
{
    const fhi_lua_queue *self = check_queue(L, 1);
    lua_getiuservalue(L, 1, 2);
    if (lua_isnil(L, -1)) {
        lua_pushfstring(L, "freehold.queue (%d, of the backend)", (int)self->index);
    } else {
        lua_pushfstring(L, "freehold.queue (%d, '%s')", (int)self->index, lua_tostring(L, -1));
    }
    return 1;
}

enum {
    FIELD_INDEX,
    FIELD_NAME
};

static const char *const fields[] = {[FIELD_INDEX] = "index", [FIELD_NAME] = "name", NULL};

static void push_field(lua_State *L, void *object, int field)
{
    const fhi_lua_queue *self = object;
    if (field == FIELD_INDEX) {
        lua_pushinteger(L, (lua_Integer)self->index);
    } else {
        lua_getiuservalue(L, 1, 2);
    }
}

static const luaL_Reg methods[] = {
    {"epoch", queue_epoch},
    {"progress", queue_progress},
    {"signal", queue_signal},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__tostring", queue_tostring}, {NULL, NULL}};

const fhi_class fhi_queue_class = {"freehold.queue", methods, metamethods, fields, push_field};
