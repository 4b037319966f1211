/* Policies in trusted mode: a plain table of hooks. */

#ifndef BINDING_TRUSTED_H
#define BINDING_TRUSTED_H

#include "binding/class.h"
#include "binding/world.h"

extern const fhi_class fhi_trusted_class;

/* device:set_policy(table), with the device at index 1 and the table at 2. */
int fhi_device_set_trusted(lua_State *L, fhi_lua_device *device);

/* Whether the value at `index` is such a policy, in charge. */
bool fhi_trusted_in_charge(lua_State *L, int index);

#endif
