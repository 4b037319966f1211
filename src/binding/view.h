/* Views in Lua: parts of buffers and raw memory. */

#ifndef BINDING_VIEW_H
#define BINDING_VIEW_H

#include "binding/class.h"

extern const fhi_class fhi_view_class;

/* A method of a parcel. */
int fhi_parcel_view_method(lua_State *L);

#endif
