/* Recording a device in Lua. */

#ifndef BINDING_TRACE_H
#define BINDING_TRACE_H

#include "binding/class.h"

extern const fhi_class fhi_trace_class;

/* A method of a device. */
int fhi_device_record(lua_State *L);

#endif
