/* The decision log in Lua. */

#ifndef BINDING_DECISIONS_H
#define BINDING_DECISIONS_H

#include "sandbox/lua54.h"

/* A method of a policy. */
int fhi_policy_decisions_method(lua_State *L);

#endif
