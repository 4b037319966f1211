/* Backends and adapters in Lua. */

#ifndef BINDING_ADAPTER_H
#define BINDING_ADAPTER_H

#include "sandbox/lua54.h"

#include <freehold/backend.h>

/* The name of a backend, at `index`; out is a static string. Raises for one that nobody knows;
 * returns 3 (nil, message, "unsupported") for one that this build lacks, else 0. */
int fhi_read_backend(lua_State *L, int index, int arg, const char *name, const char **out);

/* Push an adapter as a table. */
void fhi_push_adapter(lua_State *L, const fh_adapter_info *info);

/* fh.backends(), fh.adapters(options) */
int fhi_backends(lua_State *L);
int fhi_adapters(lua_State *L);

/* A method of a device. */
int fhi_device_adapter(lua_State *L);

#endif
