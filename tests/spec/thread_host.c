/* Runs a Lua scenario that has other OS threads use its device: the functions below, which the
 * scenario finds as globals, do in C on another thread what they say. thread_spec.lua compiles
 * this, links it to Lua and to the binding, and runs it.
 *
 *     thread_host scenario.lua */

#include "binding/device.h"
#include "binding/parcel.h"
#include "binding/queue.h"

#include <freehold/parcel.h>

#include <lualib.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

int luaopen_freehold(lua_State *L);

/* What another thread does. */
typedef struct errand {
    fh_device *device;
    fh_parcel parcel;
    uint64_t size, count;
    uint32_t queue;
    fh_result result;
} errand;

static void *make_and_release(void *argument)
{
    errand *self = argument;
    fh_parcel buffer;
    fh_buffer_desc desc = {.size = self->size, .usage = FH_USAGE_VERTEX};
    for (uint64_t i = 0; i < self->count && self->result == FH_OK; i++) {
        self->result = fh_buffer_create(self->device, &desc, &buffer);
        fh_parcel_release(self->device, buffer);
        if (i % 64 == 63) {
            fh_device_tick(self->device);
        }
    }
    return NULL;
}

static void *tick(void *argument)
{
    errand *self = argument;
    self->result = fh_device_tick(self->device);
    return NULL;
}

static void *signal_and_poll(void *argument)
{
    errand *self = argument;
    self->result = fh_queue_signal(self->device, self->queue, self->count);
    fh_device_poll(self->device);
    return NULL;
}

static void *release(void *argument)
{
    errand *self = argument;
    self->result = fh_parcel_release(self->device, self->parcel);
    return NULL;
}

/* Push the result of the errand, done on another thread. */
static int run(lua_State *L, void *(*function)(void *), errand *self)
{
    pthread_t thread;
    self->device = fhi_check_device(L, 1)->device;
    if (pthread_create(&thread, NULL, function, self) != 0) {
        return luaL_error(L, "no thread");
    }
    pthread_join(thread, NULL);
    lua_pushstring(L, fh_result_name(self->result));
    return 1;
}

/* elsewhere_make(device, size, count) */
static int elsewhere_make(lua_State *L)
{
    errand self = {.size = (uint64_t)luaL_checkinteger(L, 2),
                   .count = (uint64_t)luaL_checkinteger(L, 3)};
    return run(L, make_and_release, &self);
}

/* elsewhere_tick(device) */
static int elsewhere_tick(lua_State *L)
{
    errand self = {.count = 0};
    return run(L, tick, &self);
}

/* elsewhere_signal(device, queue's index, value) */
static int elsewhere_signal(lua_State *L)
{
    errand self = {.queue = (uint32_t)luaL_checkinteger(L, 2),
                   .count = (uint64_t)luaL_checkinteger(L, 3)};
    return run(L, signal_and_poll, &self);
}

/* elsewhere_release(device, parcel): a reference that it takes for itself */
static int elsewhere_release(lua_State *L)
{
    errand self = {.parcel = fhi_check_parcel(L, 2, 2, "parcel")->parcel};
    fh_parcel_acquire(fhi_check_device(L, 1)->device, self.parcel);
    return run(L, release, &self);
}

/* beside(device, function): calls it while another thread makes and releases buffers. */
static int beside(lua_State *L)
{
    errand self = {.device = fhi_check_device(L, 1)->device, .size = 4096, .count = 2000};
    pthread_t thread;
    if (pthread_create(&thread, NULL, make_and_release, &self) != 0) {
        return luaL_error(L, "no thread");
    }
    lua_pushvalue(L, 2);
    int status = lua_pcall(L, 0, 0, 0);
    pthread_join(thread, NULL);
    if (status != LUA_OK) {
        return lua_error(L);
    }
    lua_pushstring(L, fh_result_name(self.result));
    return 1;
}

int main(int argc, char **argv)
{
    static const luaL_Reg functions[] = {
        {"elsewhere_make", elsewhere_make},
        {"elsewhere_tick", elsewhere_tick},
        {"elsewhere_signal", elsewhere_signal},
        {"elsewhere_release", elsewhere_release},
        {"beside", beside},
        {NULL, NULL},
    };
    if (argc != 2) {
        fprintf(stderr, "usage: thread_host scenario.lua\n");
        return EXIT_FAILURE;
    }
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "freehold", luaopen_freehold, 0);
    lua_pushglobaltable(L);
    luaL_setfuncs(L, functions, 0);
    lua_settop(L, 0);
    int status = luaL_dofile(L, argv[1]);
    if (status != LUA_OK) {
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    }
    lua_close(L);
    return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
