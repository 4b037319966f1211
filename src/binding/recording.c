/* A recording stays in memory until it and its replays are closed. What it tells is copied before
 * anything is pushed: what Lua allocates may run finalizers, and those may close it. */

#include "binding/recording.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/profile.h"
#include "binding/replay.h"
#include "binding/result.h"
#include "binding/trace_reader.h"

static const char *const api_names[] = {
#define API_NAME(NAME, value, name) [(value)] = (name),
    FH_TRACE_APIS(API_NAME)
#undef API_NAME
};

static const char *const frame_source_names[] = {
    [FH_FRAMES_PRESENTS] = "presents",
    [FH_FRAMES_SUBMITS] = "submits",
    [FH_FRAMES_TIME] = "time",
};

fhi_lua_recording *fhi_check_recording(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "recording", &fhi_recording_class);
}

int fhi_push_recording_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "recording: is closed");
}

/* ---- opening ---- */

/* A function that is called meanwhile. What it raises must not jump over the core: it is kept, and
 * raised when the call has ended. */
typedef struct progress {
    lua_State *L;
    int function;
    bool raised; /* and what is on top of the stack */
} progress;

static bool report(void *context, uint64_t done, uint64_t all)
{
    progress *self = context;
    lua_State *L = self->L;
    if (self->raised || !lua_checkstack(L, LUA_MINSTACK)) {
        return !self->raised;
    }
    lua_pushvalue(L, self->function);
    lua_pushinteger(L, (lua_Integer)done);
    lua_pushinteger(L, (lua_Integer)all);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
        self->raised = true;
        return false;
    }
    bool goes_on = !lua_isboolean(L, -1) || lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return goes_on;
}

int fhi_open_recording(lua_State *L)
{
    enum {
        SLOT_PROGRESS,
        SLOT_COUNT
    };
    static const fhi_field fields[] = {
        {"progress", FHI_FIELD_VALUE, 0, SLOT_PROGRESS, NULL},
        FHI_FIELDS_END,
    };
    const char *path = fhi_check_text(L, 1, 1, "path");
    char nothing = 0; /* the fields are all kept in slots */
    lua_settop(L, 2 + SLOT_COUNT);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_fields(L, 2, 2, fields, 3, &nothing);
    if (failed != 0) {
        return failed;
    }
    bool has_progress = !lua_isnil(L, 3 + SLOT_PROGRESS);
    if (has_progress && lua_type(L, 3 + SLOT_PROGRESS) != LUA_TFUNCTION) {
        fhi_type_error(L, 3 + SLOT_PROGRESS, 2, "field 'progress'", "function");
    }
    fhi_lua_recording *self = fhi_object_new(L, &fhi_recording_class, sizeof *self, 0);
    progress told = {L, 3 + SLOT_PROGRESS, false};
    fh_recording_desc desc = {.progress = has_progress ? report : NULL, .context = &told};
    fh_result result = fh_recording_open(path, &desc, &self->recording);
    if (told.raised) {
        return lua_error(L);
    }
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

/* ---- closing ---- */

static void settle(fhi_lua_recording *self)
{
    if (self->closed && self->replays == 0) {
        fh_recording *recording = self->recording;
        self->recording = NULL;
        fh_recording_close(recording);
    }
}

void fhi_lua_recording_leave(fhi_lua_recording *self)
{
    self->replays--;
    settle(self);
}

static bool close_recording(fhi_lua_recording *self)
{
    bool was_open = !self->closed && self->recording != NULL;
    self->closed = true;
    settle(self);
    return was_open;
}

static int recording_close(lua_State *L)
{
    lua_pushboolean(L, close_recording(fhi_check_recording(L)));
    return 1;
}

static int recording_finish(lua_State *L)
{
    close_recording(fhi_check_recording(L));
    return 0;
}

/* ---- what it tells ---- */

static void push_device(lua_State *L, const fh_recorded_device *device)
{
    lua_createtable(L, 0, 13);
    fhi_set_integer(L, "id", device->id);
    fhi_set_text(L, "name", device->name);
    fhi_set_text(L, "api", api_names[device->api]);
    fhi_push_profile(L, &device->profile);
    lua_setfield(L, -2, "profile");
    fhi_set_integer(L, "resource_count", device->resource_count);
    fhi_set_integer(L, "memory_count", device->memory_count);
    fhi_set_integer(L, "peak_reserved", device->peak_reserved);
    fhi_set_integer(L, "peak_committed", device->peak_committed);
    lua_createtable(L, (int)device->profile.heap_count, 0);
    for (uint32_t i = 0; i < device->profile.heap_count; i++) {
        lua_pushinteger(L, (lua_Integer)device->heap_peaks[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heap_peaks");
    fhi_set_integer(L, "churn", device->churn);
    fhi_set_integer(L, "frame_count", device->frame_count);
    fhi_set_text(L, "frames_by", frame_source_names[device->frames_by]);
    fhi_set_boolean(L, "has_uses", device->has_uses);
}

static int recording_info(lua_State *L)
{
    fhi_lua_recording *self = fhi_check_recording(L);
    lua_settop(L, 1);
    luaL_checkstack(L, 12, NULL);
    if (self->recording == NULL || self->closed) {
        return fhi_push_recording_gone(L);
    }
    fh_recording_info info = *fh_recording_get_info(self->recording);
    lua_createtable(L, 0, 8); /* 2 */
    fhi_set_text(L, "program", info.program);
    fhi_set_text(L, "tool", info.tool);
    fhi_push_trace_file(L, &info.file);
    lua_setfield(L, 2, "file");
    fhi_set_integer(L, "event_count", info.event_count);
    fhi_set_integer(L, "duration_ns", info.duration_ns);
    fhi_set_integer(L, "ignored_count", info.ignored_count);
    fhi_set_integer(L, "main_device", (uint64_t)info.main_device + 1);
    lua_createtable(L, (int)info.device_count, 0);
    for (uint32_t i = 0; i < info.device_count; i++) {
        if (self->recording == NULL) {
            return fhi_push_recording_gone(L);
        }
        fh_recorded_device device = *fh_recording_device(self->recording, i);
        device.profile.name = device.name;
        push_device(L, &device);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, 2, "devices");
    return 1;
}

static int recording_resource(lua_State *L)
{
    fhi_lua_recording *self = fhi_check_recording(L);
    uint64_t id = 0;
    int failed = fhi_read_integer(L, 2, 2, "id", &id);
    if (failed != 0) {
        return failed;
    }
    lua_settop(L, 1);
    lua_createtable(L, 0, 12); /* 2 */
    if (self->recording == NULL || self->closed) {
        return fhi_push_recording_gone(L);
    }
    fh_recorded_resource resource;
    fh_result result = fh_recording_resource(self->recording, id, &resource);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_set_text(L, "name", resource.name); /* first: it is copied before anything else happens */
    fhi_set_text(L, "kind", fhi_kind_names[resource.kind]);
    fhi_set_flags(L, "usage", resource.usage, fhi_usage_names);
    fhi_set_text(L, "location", fhi_location_names[resource.location]);
    if (resource.format != FH_FORMAT_NONE) {
        fhi_set_text(L, "format", fhi_format_names[resource.format]);
    }
    fhi_set_integer(L, "width", resource.width);
    fhi_set_integer(L, "height", resource.height);
    fhi_set_integer(L, "depth", resource.depth);
    fhi_set_integer(L, "layers", resource.layers);
    fhi_set_integer(L, "mips", resource.mips);
    fhi_set_integer(L, "samples", resource.samples);
    fhi_set_integer(L, "size", resource.size);
    return 1;
}

static int recording_tostring(lua_State *L)
{
    const fhi_lua_recording *self = fhi_check_recording(L);
    if (self->recording == NULL || self->closed) {
        lua_pushliteral(L, "freehold.recording (closed)");
        return 1;
    }
    fh_recording_info info = *fh_recording_get_info(self->recording);
    lua_pushfstring(L, "freehold.recording ('%s', %I events)", info.program,
                    (LUAI_UACINT)info.event_count);
    return 1;
}

static const luaL_Reg methods[] = {
    {"close", recording_close},
    {"info", recording_info},
    {"replay", fhi_recording_replay},
    {"resource", recording_resource},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", recording_finish},
    {"__gc", recording_finish},
    {"__tostring", recording_tostring},
    {NULL, NULL},
};

const fhi_class fhi_recording_class = {"freehold.recording", methods, metamethods, NULL, NULL};
