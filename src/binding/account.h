/* Accounts and limits in Lua: methods of a device. */

#ifndef BINDING_ACCOUNT_H
#define BINDING_ACCOUNT_H

#include "binding/device.h"

#include <freehold/account.h>

/* Push an account's name, as fh_device_account() gives it, and as set_limit() takes it. */
void fhi_push_account_name(lua_State *L, fh_device *device, fh_account account);

int fhi_device_account(lua_State *L);
int fhi_device_limits(lua_State *L);
int fhi_device_reset_peak_method(lua_State *L);
int fhi_device_set_limit_method(lua_State *L);

#endif
