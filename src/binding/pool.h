/* Pools in Lua. */

#ifndef BINDING_POOL_H
#define BINDING_POOL_H

#include "binding/class.h"
#include "binding/world.h"

#include <freehold/pool.h>

extern const fhi_class fhi_pool_class;

/* What a pool leaves behind whose object was collected or closed while parcels lived in it. */
typedef struct fhi_pool_rest {
    struct fhi_pool_rest *next;
    fh_pool *pool;
    uint32_t uses; /* calls under way that were given the pool */
} fhi_pool_rest;

/* The full userdata behind a pool. User value 1 is its device. */
typedef struct fhi_lua_pool {
    fhi_lua_world *world;
    fh_pool *pool;       /* NULL: destroyed */
    fhi_pool_rest *rest; /* made with the pool, so that letting it go cannot fail */
} fhi_lua_pool;

/* The pool at `index`; raises when there is none. */
fhi_lua_pool *fhi_check_pool(lua_State *L, int index, int arg, const char *name);

/* Whether it is still there: not when it, or its device, is gone. */
bool fhi_pool_is_live(const fhi_lua_pool *self);

/* Push nil, message and "stale". Returns 3. */
int fhi_push_pool_gone(lua_State *L);

/* Destroy the pools that nobody has any more, as far as their parcels are gone. In a call. */
void fhi_pools_sweep(fhi_lua_world *world);

/* The device is gone, and all its pools with it. */
void fhi_pools_forget(fhi_lua_world *world);

/* A method of a device. */
int fhi_device_pool_method(lua_State *L);

#endif
