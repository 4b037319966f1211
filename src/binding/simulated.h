/* The host backend's own functions, as methods of a device: faults, and time by hand. */

#ifndef BINDING_SIMULATED_H
#define BINDING_SIMULATED_H

#include "sandbox/lua54.h"

int fhi_device_fault(lua_State *L);
int fhi_device_clear_faults(lua_State *L);
int fhi_device_calls(lua_State *L);
int fhi_device_advance(lua_State *L);
int fhi_device_live(lua_State *L);

#endif
