/* Policies in Lua: for now the one that is ready-made, a budget. */

#ifndef BINDING_POLICY_H
#define BINDING_POLICY_H

#include "binding/class.h"

extern const fhi_class fhi_budget_class;

/* Methods of a device. */
int fhi_device_budget_policy(lua_State *L);
int fhi_device_policy(lua_State *L);

#endif
