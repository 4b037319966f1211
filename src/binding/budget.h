/* The policy that is ready-made, a budget, in Lua. */

#ifndef BINDING_BUDGET_H
#define BINDING_BUDGET_H

#include "binding/class.h"

extern const fhi_class fhi_budget_class;

/* A method of a device. */
int fhi_device_budget_policy(lua_State *L);

/* Whether the value at `index` is a budget policy that is in charge. */
bool fhi_budget_in_charge(lua_State *L, int index);

#endif
