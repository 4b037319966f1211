/* Hooks: objects that the core has the address of (as the context of a callback), kept alive for as
 * long as it may use them. Each is a full userdata whose first member is fhi_hook. */

#ifndef BINDING_HOOK_H
#define BINDING_HOOK_H

#include "binding/class.h"
#include "binding/world.h"

typedef struct fhi_hook {
    fhi_notice notice;
    fhi_lua_world *world;
    const char *what; /* static; what an error is reported of */
} fhi_hook;

/* Push a new hook of `size` zeroed bytes for the world of the device at `index`; `of` is its class,
 * if programs get to see it, or NULL. User value 1 is its function, or its table of functions. */
void *fhi_hook_new(lua_State *L, int index, fhi_lua_world *world, size_t size, const fhi_class *of,
                   const char *what);

enum {
    FHI_HOOK_VALUES = 2 /* user values that it has */
};

/* Push the hook of that address, or nil. In a body of fhi_world_call(). */
void fhi_hook_push(lua_State *L, const fhi_hook *hook);

/* The core does not use it any more; it is collected when nothing else has it. Raises nothing. The
 * first with a device of the world at `index`, the second in a body of fhi_world_call(). */
void fhi_hook_drop_from(lua_State *L, int index, const fhi_hook *hook);
void fhi_hook_drop(lua_State *L, const fhi_hook *hook);

/* A callback of the core: it has let go of the hook for good. Dropped at once, or, where Lua cannot
 * run, later. */
void fhi_hook_release(fhi_hook *hook);

/* The same, but always later: what was posted before still finds it. */
void fhi_hook_release_later(fhi_hook *hook);

/* A callback of the core that comes once: call user value 1 with user value 2, and drop the hook.
 * Where Lua cannot run, that happens later. */
void fhi_hook_run_once(void *context);

#endif
