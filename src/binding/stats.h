/* Looking at a device in Lua: methods of it. */

#ifndef BINDING_STATS_H
#define BINDING_STATS_H

#include "sandbox/lua54.h"

int fhi_device_stats(lua_State *L);
int fhi_device_detail(lua_State *L);
int fhi_device_json(lua_State *L);
int fhi_device_explain_method(lua_State *L);
int fhi_device_check_margins(lua_State *L);
int fhi_device_parcels(lua_State *L);

#endif
