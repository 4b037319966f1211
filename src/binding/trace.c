/* A trace is a hook, like an observer: it records until it is stopped, or its device is closed, and
 * losing the variable ends nothing, since `device:record("run.fhtrace")` without one is meant. When
 * the device goes, what is left is collected with its world, and that closes the file.
 *
 * The core will not end a recording from within a call of its own: stop() says so there, and a
 * <close> variable that ends there is stopped when the outermost call has ended. */

#include "binding/trace.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/result.h"

#include <freehold/trace.h>

#include <stddef.h>

typedef struct fhi_lua_trace {
    fhi_hook hook;   /* user value 2 is the device */
    fh_trace *trace; /* NULL: stopped */
    bool stopping;   /* when the outermost call has ended */
} fhi_lua_trace;

enum {
    SLOT_PROGRAM,
    SLOT_COUNT
};

typedef struct trace_options {
    uint64_t buffer_size;
    const char *program;
} trace_options;

static const fhi_field trace_fields[] = {
    {"buffer_size", FHI_FIELD_BYTES, offsetof(trace_options, buffer_size), 0, NULL},
    {"program", FHI_FIELD_TEXT, offsetof(trace_options, program), SLOT_PROGRAM, NULL},
    FHI_FIELDS_END,
};

int fhi_device_record(lua_State *L)
{
    fhi_lua_device *device = fhi_check_device(L, 1);
    const char *path = fhi_check_text(L, 2, 2, "path");
    trace_options options = {0};
    lua_settop(L, 3 + SLOT_COUNT);
    int failed = lua_isnil(L, 3) ? 0 : fhi_read_fields(L, 3, 3, trace_fields, 4, &options);
    if (failed != 0) {
        return failed;
    }
    fh_trace_desc desc = {
        .buffer_size = options.buffer_size > SIZE_MAX ? SIZE_MAX : (size_t)options.buffer_size,
        .program = options.program,
    };
    fhi_lua_trace *self =
        fhi_hook_new(L, 1, device->world, sizeof *self, &fhi_trace_class, "a trace");
    int object = lua_gettop(L);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, object, 2);
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    fh_result result = FH_ERR_STALE;
    if (handle != NULL) {
        result = fh_trace_start(handle, path, &desc, &self->trace);
        fhi_call_end(&call);
    }
    if (result != FH_OK) {
        fhi_hook_drop_from(L, 1, &self->hook);
        return handle == NULL ? fhi_push_closed(L) : fhi_push_failure(L, result);
    }
    lua_settop(L, object);
    return 1;
}

static fhi_lua_trace *check_trace(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "trace", &fhi_trace_class);
}

static int push_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "trace: was stopped");
}

static void push_stats(lua_State *L, const fh_trace_stats *stats)
{
    lua_createtable(L, 0, 3);
    fhi_set_integer(L, "event_count", stats->event_count);
    fhi_set_integer(L, "dropped_count", stats->dropped_count);
    fhi_set_integer(L, "file_bytes", stats->file_bytes);
}

/* Within a call into the core: of this trace's own events, perhaps. */
static bool is_within_call(const fhi_lua_trace *self)
{
    return self->hook.world->calls > 0;
}

/* The object is at index 1. Not within a call. */
static fh_result stop(lua_State *L, fhi_lua_trace *self, fh_trace_stats *out_stats)
{
    fhi_lua_call call;
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 2);
    fh_device *device = fhi_call_begin(&call, L, self->hook.world->root, 2);
    fh_trace *trace = self->trace;
    self->trace = NULL;
    fh_result result = fh_trace_stop(trace, out_stats);
    if (device != NULL) {
        fhi_call_end(&call);
    }
    fhi_hook_drop_from(L, 2, &self->hook);
    return result;
}

static int trace_stop(lua_State *L)
{
    fhi_lua_trace *self = check_trace(L);
    if (self->trace == NULL || self->stopping) {
        return push_gone(L);
    }
    if (is_within_call(self)) {
        return fhi_push_failure_of(L, FH_ERR_BUSY,
                                   "trace: cannot be stopped by a function that the device calls");
    }
    fh_trace_stats stats;
    fh_result result = stop(L, self, &stats);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    push_stats(L, &stats);
    return 1;
}

static int drop_body(lua_State *L)
{
    fhi_hook_drop(L, lua_touserdata(L, 1));
    return 0;
}

/* The outermost call is about to end: nothing of the device is running any more. */
static void stop_later(fhi_notice *notice)
{
    fhi_lua_trace *self = (fhi_lua_trace *)(void *)notice;
    fh_trace *trace = self->trace;
    self->trace = NULL;
    fh_trace_stop(trace, NULL);
    fhi_world_call(self->hook.world, drop_body, self, self->hook.what);
}

/* __gc and __close. What is collected is within no call: its world is gone with it. */
static int trace_finish(lua_State *L)
{
    fhi_lua_trace *self = check_trace(L);
    if (self->trace == NULL || self->stopping) {
        return 0;
    }
    if (is_within_call(self)) {
        self->stopping = true;
        self->hook.notice.deliver = stop_later;
        fhi_world_post(self->hook.world, &self->hook.notice);
        return 0;
    }
    stop(L, self, NULL);
    return 0;
}

static int trace_stats(lua_State *L)
{
    fhi_lua_trace *self = check_trace(L);
    if (self->trace == NULL) {
        return push_gone(L);
    }
    fh_trace_stats stats;
    fh_result result = fh_trace_get_stats(self->trace, &stats);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    push_stats(L, &stats);
    return 1;
}

static int trace_tostring(lua_State *L)
{
    const fhi_lua_trace *self = check_trace(L);
    lua_pushstring(L, self->trace != NULL ? "freehold.trace" : "freehold.trace (stopped)");
    return 1;
}

static const luaL_Reg methods[] = {
    {"stats", trace_stats},
    {"stop", trace_stop},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", trace_finish},
    {"__gc", trace_finish},
    {"__tostring", trace_tostring},
    {NULL, NULL},
};

const fhi_class fhi_trace_class = {"freehold.trace", methods, metamethods, NULL, NULL};
