/* Devices in Lua. */

#ifndef BINDING_DEVICE_H
#define BINDING_DEVICE_H

#include "binding/class.h"
#include "binding/world.h"

extern const fhi_class fhi_device_class;

/* Raises when the value at `index` is no device. */
fhi_lua_device *fhi_check_device(lua_State *L, int index);

/* As fhi_call_begin(), for what a program asks of the device itself: NULL also when it closed
 * it. */
fh_device *fhi_device_begin(fhi_lua_call *call, lua_State *L, fhi_lua_device *self, int index);

/* Push nil, message and "stale", of a device that is closed. Returns 3. */
int fhi_push_closed(lua_State *L);

/* Push true, or the failure that the core just returned. Returns how many. */
int fhi_push_done(lua_State *L, fh_result result);

/* Push a device that is not open yet, over the world at `world_index`; `base` is the device under
 * it, at `base_index`, or NULL. */
fhi_lua_device *fhi_device_new(lua_State *L, int world_index, fhi_lua_device *base, int base_index);

/* A tag by its name, or by its number, at `index`; `self` is at `device_index`. Returns 0, or 3
 * when it failed. */
int fhi_read_tag(lua_State *L, int index, int arg, const char *name, fhi_lua_device *self,
                 int device_index, fh_tag *out_tag);

/* How long a wait takes that was given no time, in nanoseconds: longer than work for a GPU, and not
 * for ever, since what never passes would hang the program. */
#define FHI_WAIT_NS UINT64_C(10000000000)

/* The timeout that is argument `index`, or the default when there is none. Returns 0, or 3. */
int fhi_read_timeout(lua_State *L, int index, uint64_t *out_ns);

/* fh.device(options) */
int fhi_device_open(lua_State *L);

#endif
