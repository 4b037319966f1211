/* Calls into the core, and calls back. A call is counted on its device and on its world, from begin
 * to end. While the world's count is above 0 the registry has a device of it, under the world's
 * address; that is how a callback, which has nothing but that address, finds the world's values. It
 * is not there all the time because then nothing would ever be collected (hook.c). The key is made
 * once, with the value false: setting it again needs no memory, so neither begin nor end can raise.
 *
 * A device that is closed within a call on it is destroyed at that call's end, and one that has
 * open aliases at the end of the last of them. So the `base` that an allocator gets is always
 * there, and so is the device by which a parcel is released. */

#include "binding/world.h"

#include "base/error.h"
#include "binding/policy.h"
#include "binding/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SENTENCE_SIZE = 256,
    LINES_MAX = 64 /* of the log that may wait */
};

fhi_lua_world *fhi_world_new(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    fhi_lua_world *self = lua_newuserdatauv(L, sizeof *self, FHI_WORLD_VALUES);
    *self = (fhi_lua_world){.thread = fhi_thread_anchor()};
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    self->main = lua_tothread(L, -1);
    lua_pop(L, 1);
    lua_newtable(L);
    lua_setiuservalue(L, -2, FHI_WORLD_HOOKS);
    lua_newtable(L);
    lua_setiuservalue(L, -2, FHI_WORLD_QUEUES);
    lua_createtable(L, 0, 1); /* world meta */
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    for (int value = FHI_WORLD_PARCELS; value <= FHI_WORLD_POOLS; value++) {
        lua_newtable(L);
        lua_pushvalue(L, -2);
        lua_setmetatable(L, -2);
        lua_setiuservalue(L, -3, value);
    }
    lua_pop(L, 1);
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, self);
    return self;
}

/* ---- calls ---- */

void fhi_world_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *on, int index)
{
    *call = (fhi_lua_call){.L = L, .on = on};
    on->calls++;
    if (on->world->calls++ == 0) {
        lua_pushvalue(L, index);
        lua_rawsetp(L, LUA_REGISTRYINDEX, on->world);
    }
}

fh_device *fhi_call_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *on, int index)
{
    if (on->device != NULL) {
        fhi_world_begin(call, L, on, index);
    }
    return on->device;
}

static void deliver_notices(fhi_lua_world *world)
{
    fhi_notice *last = atomic_exchange_explicit(&world->notices, NULL, memory_order_acquire);
    fhi_notice *first = NULL;
    while (last != NULL) { /* into the order in which they came */
        fhi_notice *next = last->next;
        last->next = first;
        first = last;
        last = next;
    }
    while (first != NULL) {
        fhi_notice *next = first->next;
        first->deliver(first);
        first = next;
    }
}

/* Whether there are some that can be delivered now; those of a device that is gone cannot wait. */
static bool has_notices(const fhi_lua_world *world)
{
    return world->calls == 1 &&
           atomic_load_explicit(&world->notices, memory_order_relaxed) != NULL &&
           (fhi_world_is_here(world) || world->root->device == NULL);
}

/* Destroys what was closed, as soon as nothing is in the way. */
static void finish(fhi_lua_device *self)
{
    while (self != NULL && self->closed && self->calls == 0 && self->alias_count == 0 &&
           self->device != NULL) {
        fh_device *device = self->device;
        fhi_pools_sweep(self->world);
        if (self->base == NULL) {
            self->calls++; /* the log may have something to say, and Lua's answer lead back here */
            fhi_policies_forget(self->world);
            self->calls--;
        }
        self->device = NULL;
        if (self->owner != NULL) {
            self->give_back(self->owner);
        } else {
            fh_device_destroy(device);
        }
        if (self->base == NULL) {
            fhi_pools_forget(self->world);
            return;
        }
        self->base->alias_count--;
        self = self->base;
    }
}

void fhi_call_end(fhi_lua_call *call)
{
    fhi_lua_device *on = call->on;
    fhi_lua_world *world = on->world;
    on->calls--;
    bool finishes = on->closed && on->calls == 0 && on->device != NULL;
    if (finishes || has_notices(world)) {
        char sentence[SENTENCE_SIZE];
        snprintf(sentence, sizeof sentence, "%s", fh_error_detail());
        finish(on);
        while (has_notices(world)) {
            deliver_notices(world);
        }
        fhi_fail_print(FH_OK, "%s", sentence);
    }
    if (--world->calls == 0) {
        lua_State *L = call->L;
        if (world->root->device != NULL) {
            lua_pushboolean(L, 0);
        } else {
            lua_pushnil(L);
        }
        lua_rawsetp(L, LUA_REGISTRYINDEX, world);
    }
}

/* ---- back into Lua ---- */

bool fhi_world_is_here(const fhi_lua_world *world)
{
    return fhi_thread_anchor() == world->thread && world->calls > 0;
}

void fhi_world_push_from(lua_State *L, int index, int value)
{
    lua_getiuservalue(L, index, 1);
    lua_getiuservalue(L, -1, value);
    lua_remove(L, -2);
}

void fhi_world_push(lua_State *L, const fhi_lua_world *world, int value)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, world);
    fhi_world_push_from(L, lua_gettop(L), value);
    lua_remove(L, -2);
}

void fhi_world_set_from(lua_State *L, int index, int value)
{
    lua_getiuservalue(L, index, 1);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, value);
    lua_pop(L, 1);
}

/* What failed where. */
typedef struct report {
    fhi_lua_world *world;
    const char *what;
    bool of_log;
} report;

/* error report: to the log of the device; without one, as Lua does it with errors in finalisers. */
static int report_body(lua_State *L)
{
    const report *self = lua_touserdata(L, 2);
    const char *problem = luaL_tolstring(L, 1, NULL);
    const char *message = lua_pushfstring(L, "%s raised an error: %s", self->what, problem);
    fhi_world_push(L, self->world, FHI_WORLD_LOG);
    if (lua_isnil(L, -1) || self->of_log) {
        lua_warning(L, "freehold: ", 1);
        lua_warning(L, message, 0);
        return 0;
    }
    lua_pushliteral(L, "error");
    lua_pushstring(L, message);
    lua_call(L, 2, 0);
    return 0;
}

static int log_body(lua_State *L);

bool fhi_world_call(fhi_lua_world *world, lua_CFunction body, void *argument, const char *what)
{
    lua_State *L = world->main;
    if (!fhi_world_is_here(world) || !lua_checkstack(L, LUA_MINSTACK)) {
        return false;
    }
    int top = lua_gettop(L);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, argument);
    bool done = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!done) {
        report failure = {world, what, body == log_body};
        lua_pushcfunction(L, report_body);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, &failure);
        lua_pcall(L, 2, 0, 0);
    }
    lua_settop(L, top);
    return done;
}

void fhi_world_post(fhi_lua_world *world, fhi_notice *notice)
{
    notice->next = atomic_load_explicit(&world->notices, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&world->notices, &notice->next, notice,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

/* ---- the log ---- */

typedef struct line {
    fhi_notice notice;
    fhi_lua_world *world;
    fh_log_level level;
    const char *message;
} line;

static int log_body(lua_State *L)
{
    static const char *const levels[] = {"info", "warning", "error"};
    const line *self = lua_touserdata(L, 1);
    fhi_world_push(L, self->world, FHI_WORLD_LOG);
    lua_pushstring(L, levels[self->level]);
    lua_pushstring(L, self->message);
    lua_call(L, 2, 0);
    return 0;
}

static void write_line(line *self)
{
    fhi_world_call(self->world, log_body, self, "the log function");
}

static void deliver_line(fhi_notice *notice)
{
    line *self = (line *)(void *)notice;
    atomic_fetch_sub_explicit(&self->world->lines, 1, memory_order_relaxed);
    write_line(self);
    free(self);
}

/* A copy of what another OS thread has to say: the one that watches a policy's files, above all. */
static void post_line(fhi_lua_world *world, fh_log_level level, const char *message)
{
    if (atomic_fetch_add_explicit(&world->lines, 1, memory_order_relaxed) < LINES_MAX) {
        size_t size = strlen(message) + 1;
        line *self = malloc(sizeof *self + size);
        if (self != NULL) {
            char *text = memcpy(self + 1, message, size);
            *self = (line){{NULL, deliver_line}, world, level, text};
            fhi_world_post(world, &self->notice);
            return;
        }
    }
    atomic_fetch_sub_explicit(&world->lines, 1, memory_order_relaxed);
}

void fhi_world_log(void *context, fh_log_level level, const char *message)
{
    fhi_lua_world *world = context;
    if (fhi_thread_anchor() != world->thread) {
        post_line(world, level, message);
        return;
    }
    line self = {{NULL, NULL}, world, level, message};
    write_line(&self);
}
