/* A replay's device is borrowed from it, and a device like any other to Lua: it has a world, so
 * policies, observers and the log work in it. The two belong together. Who closes the replay closes
 * the device, and the device, when nothing is in the way any more (a call under way, an alias that
 * is open), gives itself back by destroying the replay: world.c does both in one place. A replay
 * without a device has no such things, and is destroyed at once.
 *
 * Each keeps the other alive, and the replay its recording; what is collected is collected as a
 * whole. */

#include "binding/replay.h"

#include "binding/adapter.h"
#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/profile.h"
#include "binding/replay_tables.h"
#include "binding/result.h"

#include <stddef.h>

fhi_lua_replay *fhi_check_replay(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "replay", &fhi_replay_class);
}

int fhi_lua_replay_refuses(lua_State *L, const fhi_lua_replay *self)
{
    if (self->replay == NULL || self->closed) {
        return fhi_push_failure_of(L, FH_ERR_STALE, "replay: is closed");
    }
    if (self->stepping) {
        return fhi_push_failure_of(L, FH_ERR_BUSY, "replay: a step is under way");
    }
    return 0;
}

/* ---- options ---- */

enum {
    SLOT_PROFILE,
    SLOT_BACKEND,
    SLOT_HEAPS,
    SLOT_FRAMES,
    SLOT_LOG,
    SLOT_COUNT
};

static const fhi_field replay_fields[] = {
    {"as_recorded", FHI_FIELD_BOOLEAN, offsetof(fh_replay_desc, as_recorded), 0, NULL},
    {"device", FHI_FIELD_COUNT, offsetof(fh_replay_desc, device), 0, NULL},
    {"profile", FHI_FIELD_VALUE, 0, SLOT_PROFILE, NULL},
    {"backend", FHI_FIELD_VALUE, 0, SLOT_BACKEND, NULL},
    {"heaps", FHI_FIELD_VALUE, 0, SLOT_HEAPS, NULL},
    {"frames", FHI_FIELD_VALUE, 0, SLOT_FRAMES, NULL},
    {"keep_spans", FHI_FIELD_BOOLEAN, offsetof(fh_replay_desc, keep_spans), 0, NULL},
    {"log", FHI_FIELD_VALUE, 0, SLOT_LOG, NULL},
    FHI_FIELDS_END,
};

static const fhi_field heap_fields[] = {
    {"heap", FHI_FIELD_COUNT, offsetof(fh_replay_heap, heap), 0, NULL},
    {"size", FHI_FIELD_BYTES, offsetof(fh_replay_heap, size), 0, NULL},
    {"budget", FHI_FIELD_BYTES, offsetof(fh_replay_heap, budget), 0, NULL},
    FHI_FIELDS_END,
};

/* What the options point to. */
typedef struct options {
    fh_replay_desc desc;
    fhi_lua_profile profile;
    fh_replay_heap heaps[FH_HEAP_MAX];
} options;

/* Returns 0, or 3. */
static int read_heaps(lua_State *L, int index, options *out)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, 2, "field 'heaps'", "table");
    }
    lua_Unsigned count = lua_rawlen(L, index);
    if (count > FH_HEAP_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "heaps: %I are more than %d",
                                   (LUAI_UACINT)count, FH_HEAP_MAX);
    }
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        int failed = fhi_read_fields(L, lua_gettop(L), 2, heap_fields, 0, &out->heaps[i]);
        if (failed != 0) {
            return failed;
        }
        lua_pop(L, 1);
    }
    out->desc.heaps = out->heaps;
    out->desc.heap_count = (uint32_t)count;
    return 0;
}

/* { first, last }. Returns 0, or 3. */
static int read_frames(lua_State *L, int index, fh_replay_desc *out)
{
    static const char *const names[] = {"the first of field 'frames'",
                                        "the last of field 'frames'"};
    uint32_t *const targets[] = {&out->frame_first, &out->frame_last};
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, 2, "field 'frames'", "table");
    }
    for (int i = 0; i < 2; i++) {
        if (lua_rawgeti(L, index, i + 1) != LUA_TNIL) {
            int failed = fhi_read_count(L, lua_gettop(L), 2, names[i], targets[i]);
            if (failed != 0) {
                return failed;
            }
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* The options at index 2; what they point to goes to the slots from index 3 on. Returns 0, or 3. */
static int read_options(lua_State *L, options *out)
{
    *out = (options){.desc = {.as_recorded = false}};
    lua_settop(L, 2 + SLOT_COUNT);
    luaL_checkstack(L, 20, NULL);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_fields(L, 2, 2, replay_fields, 3, &out->desc);
    if (failed == 0 && !lua_isnil(L, 3 + SLOT_PROFILE)) {
        failed = fhi_read_profile(L, 3 + SLOT_PROFILE, 2, "field 'profile'", &out->profile);
        out->desc.profile = &out->profile.profile;
    }
    if (failed == 0 && !lua_isnil(L, 3 + SLOT_BACKEND)) {
        failed = fhi_read_backend(L, 3 + SLOT_BACKEND, 2, "field 'backend'", &out->desc.backend);
    }
    if (failed == 0 && !lua_isnil(L, 3 + SLOT_HEAPS)) {
        failed = read_heaps(L, 3 + SLOT_HEAPS, out);
    }
    if (failed == 0 && !lua_isnil(L, 3 + SLOT_FRAMES)) {
        failed = read_frames(L, 3 + SLOT_FRAMES, &out->desc);
    }
    if (failed == 0 && !lua_isnil(L, 3 + SLOT_LOG) && lua_type(L, 3 + SLOT_LOG) != LUA_TFUNCTION) {
        fhi_type_error(L, 3 + SLOT_LOG, 2, "field 'log'", "function");
    }
    return failed;
}

/* ---- from beginning to end ---- */

/* Nothing is in the way of it any more. */
static void destroy(void *replay)
{
    fhi_lua_replay *self = replay;
    fh_replay *gone = self->replay;
    self->replay = NULL;
    fh_replay_destroy(gone);
    fhi_lua_recording_leave(self->recording);
}

/* With the device that it plays on, which is at `device_index`. */
static fh_result create_with_device(lua_State *L, fhi_lua_replay *self, int device_index,
                                    const fh_replay_desc *given)
{
    fhi_lua_device *device = self->device;
    fh_log log = {fhi_world_log, device->world};
    fh_replay_desc desc = *given;
    desc.log = lua_isnil(L, 3 + SLOT_LOG) ? NULL : &log;
    fhi_lua_call call;
    fhi_world_begin(&call, L, device, device_index);
    fh_result result = fh_replay_create(self->recording->recording, &desc, &self->replay);
    if (result == FH_OK) {
        device->device = fh_replay_device(self->replay);
        device->owner = self;
        device->give_back = destroy;
    }
    fhi_call_end(&call);
    return result;
}

int fhi_recording_replay(lua_State *L)
{
    fhi_lua_recording *recording = fhi_check_recording(L);
    options given;
    int failed = read_options(L, &given);
    if (failed != 0) {
        return failed;
    }
    lua_settop(L, 2 + SLOT_COUNT);
    fhi_lua_replay *self = fhi_object_new(L, &fhi_replay_class, sizeof *self, 2);
    int object = lua_gettop(L);
    self->recording = recording;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, object, 1);
    int device_index = 0;
    if (!given.desc.as_recorded) {
        fhi_world_new(L);
        int world_index = lua_gettop(L);
        lua_pushvalue(L, 3 + SLOT_LOG);
        lua_setiuservalue(L, world_index, FHI_WORLD_LOG);
        self->device = fhi_device_new(L, world_index, NULL, 0);
        device_index = lua_gettop(L);
        lua_pushvalue(L, device_index);
        lua_setiuservalue(L, object, 2);
        lua_pushvalue(L, object);
        lua_setiuservalue(L, device_index, 2);
    }
    if (recording->recording == NULL || recording->closed) {
        return fhi_push_recording_gone(L);
    }
    fh_result result = self->device != NULL
                           ? create_with_device(L, self, device_index, &given.desc)
                           : fh_replay_create(recording->recording, &given.desc, &self->replay);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    recording->replays++;
    lua_settop(L, object);
    return 1;
}

/* The object is at index 1. Whether it was open. */
static bool close_replay(lua_State *L, fhi_lua_replay *self)
{
    bool was_open = !self->closed && self->replay != NULL;
    self->closed = true;
    if (!was_open) {
        return false;
    }
    if (self->device == NULL) {
        destroy(self);
        return true;
    }
    fhi_lua_call call;
    self->device->closed = true;
    lua_getiuservalue(L, 1, 2);
    if (fhi_call_begin(&call, L, self->device, lua_gettop(L)) != NULL) {
        fhi_call_end(&call); /* which destroys both, if nothing is in the way */
    }
    lua_pop(L, 1);
    return true;
}

static int replay_close(lua_State *L)
{
    lua_pushboolean(L, close_replay(L, fhi_check_replay(L)));
    return 1;
}

static int replay_finish(lua_State *L)
{
    close_replay(L, fhi_check_replay(L));
    return 0;
}

/* ---- playing ---- */

static int replay_device(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    if (self->replay == NULL || self->closed) {
        return fhi_lua_replay_refuses(L, self);
    }
    lua_getiuservalue(L, 1, 2);
    return 1;
}

static int replay_step(lua_State *L)
{
    fhi_lua_replay *self = fhi_check_replay(L);
    uint32_t frames = UINT32_MAX, frame = 0;
    int failed = lua_isnoneornil(L, 2) ? 0 : fhi_read_count(L, 2, 2, "frames", &frames);
    if (failed == 0) {
        failed = fhi_lua_replay_refuses(L, self);
    }
    if (failed != 0) {
        return failed;
    }
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 2);
    fhi_lua_call call;
    self->stepping = true;
    if (self->device != NULL) {
        fhi_call_begin(&call, L, self->device, 2);
    }
    fh_result result = fh_replay_step(self->replay, frames, &frame);
    bool done = fh_replay_done(self->replay);
    self->stepping = false;
    if (self->device != NULL) {
        fhi_call_end(&call);
    }
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushinteger(L, (lua_Integer)frame);
    lua_pushboolean(L, done);
    return 2;
}

static int replay_tostring(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    bool gone = self->replay == NULL || self->closed;
    lua_pushfstring(L, "freehold.replay (%s)",
                    gone                   ? "closed"
                    : self->device == NULL ? "as recorded"
                                           : "on a device");
    return 1;
}

static const luaL_Reg methods[] = {
    {"blocks", fhi_replay_blocks_method},
    {"causes", fhi_replay_causes_method},
    {"close", replay_close},
    {"device", replay_device},
    {"figures", fhi_replay_figures_method},
    {"samples", fhi_replay_samples_method},
    {"spans", fhi_replay_spans_method},
    {"step", replay_step},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", replay_finish},
    {"__gc", replay_finish},
    {"__tostring", replay_tostring},
    {NULL, NULL},
};

const fhi_class fhi_replay_class = {"freehold.replay", methods, metamethods, NULL, NULL};
