/* Allocators that are written in Lua: methods of a device. */

#ifndef BINDING_ALLOCATOR_H
#define BINDING_ALLOCATOR_H

#include "sandbox/lua54.h"

int fhi_device_with_allocator_method(lua_State *L);
int fhi_device_allocator(lua_State *L);
int fhi_device_allocated_bytes(lua_State *L);
int fhi_device_budget(lua_State *L);

#endif
