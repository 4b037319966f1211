/* A world: what one fh_device and its aliases share in Lua, and the way from the core back into
 * Lua.
 *
 * The core calls callbacks: the log, owners, observers, allocators. Those written in Lua run on the
 * main Lua thread, by pcall, and only on the OS thread that opened the device, inside a call that
 * Lua made; elsewhere the default path is taken, and notices wait until Lua is back. Nothing ever
 * jumps across the core's frames. */

#ifndef BINDING_WORLD_H
#define BINDING_WORLD_H

#include "sandbox/lua54.h"

#include <freehold/device.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fhi_lua_device fhi_lua_device;

/* Something that has to wait until the outermost call into the core has ended: what another OS
 * thread has to say to Lua, or the end of an observer that is running. */
typedef struct fhi_notice {
    struct fhi_notice *next;
    void (*deliver)(struct fhi_notice *self); /* on the thread of Lua; may free it */
} fhi_notice;

/* A full userdata. Its user values are those below. It outlives the device in C. */
typedef struct fhi_lua_world {
    lua_State *main;                 /* the main Lua thread */
    uintptr_t thread;                /* the OS thread on which Lua runs: fhi_thread_anchor() */
    fhi_lua_device *root;            /* the device that fh.device() made */
    uint32_t calls;                  /* into the core, under way on the thread of Lua */
    struct fhi_pool_rest *pools;     /* that were collected while parcels lived in them: pool.h */
    struct fhi_lua_policy *policies; /* those that Lua has a handle of: policy.h */
    _Atomic uint32_t lines;          /* of the log that wait until Lua is back */
    _Atomic(fhi_notice *) notices;   /* the last one first */
} fhi_lua_world;

enum {
    FHI_WORLD_LOG = 1, /* function or nil */
    FHI_WORLD_EVICT,   /* function or nil */
    FHI_WORLD_HOOKS,   /* hook.h: objects that the core has the address of, by address */
    FHI_WORLD_PARCELS, /* a handle of each parcel that has one, by id; weak */
    FHI_WORLD_POOLS,   /* pools by address; weak */
    FHI_WORLD_QUEUES,  /* queues by index and by name */
    FHI_WORLD_POLICY,  /* the object of the policy that was set last, or nil */
    FHI_WORLD_VALUES = FHI_WORLD_POLICY
};

/* The full userdata behind a device. User value 1 is the world, 2 the device under an alias, or the
 * owner. */
struct fhi_lua_device {
    fhi_lua_world *world;
    fh_device *device;    /* NULL: not open yet, or destroyed */
    fhi_lua_device *base; /* of an alias: the device under it */
    uint32_t calls;       /* under way on `device` */
    uint32_t alias_count; /* open aliases of it: as long as there are some, `device` stays */
    uint32_t lent;        /* an allocator works with it just now, though it may be closed */
    bool closed;          /* by the program, or with its owner */
    /* What it is borrowed from (a replay), and what is called instead of destroying it; NULL: it is
     * ours. Its user value 2 is the owner's object. */
    void *owner;
    void (*give_back)(void *owner);
};

/* A call into the core, from begin to end; nothing may raise in between. */
typedef struct fhi_lua_call {
    lua_State *L;
    fhi_lua_device *on;
} fhi_lua_call;

/* Push a world for a device that is yet to be made. */
fhi_lua_world *fhi_world_new(lua_State *L);

/* Begin a call on `on`; at `index` is a device of its world. Returns what to call, or NULL when it
 * has been destroyed, and then there is nothing to end. A device that was closed may still be there
 * for its parcels and aliases: see fhi_device_begin(). */
fh_device *fhi_call_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *on, int index);

/* May run Lua functions (what waited for the end of the call), but leaves the last failure's
 * sentence as it is. */
void fhi_call_end(fhi_lua_call *call);

/* The same around fh_device_create() and the like, for a device that is not there yet. */
void fhi_world_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *on, int index);

/* Call body(argument), on the main Lua thread. `what` is for the report when it raises. False: it
 * failed, or Lua cannot run here. `argument` is a light userdata for `body`. */
bool fhi_world_call(fhi_lua_world *world, lua_CFunction body, void *argument, const char *what);

/* Whether a callback may run Lua here and now. */
bool fhi_world_is_here(const fhi_lua_world *world);

/* In such a body: push one of the world's user values. */
void fhi_world_push(lua_State *L, const fhi_lua_world *world, int value);

/* The same with a device of that world at `index`. */
void fhi_world_push_from(lua_State *L, int index, int value);

/* Set one of the world's values to what is on top, which is popped. Raises nothing. */
void fhi_world_set_from(lua_State *L, int index, int value);

/* Have a notice delivered when Lua is back. Any thread. */
void fhi_world_post(fhi_lua_world *world, fhi_notice *notice);

/* The fh_log of a world: its context is the world. Lines from other OS threads wait, as far as
 * there is room for them. */
void fhi_world_log(void *context, fh_log_level level, const char *message);

#endif
