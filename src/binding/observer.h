/* Observers in Lua. */

#ifndef BINDING_OBSERVER_H
#define BINDING_OBSERVER_H

#include "binding/class.h"

extern const fhi_class fhi_observer_class;

/* A method of a device. */
int fhi_device_observe_method(lua_State *L);

#endif
