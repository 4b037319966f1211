/* How a policy fares, its options and its state, in Lua: methods of a policy. */

#ifndef BINDING_POLICY_STATUS_H
#define BINDING_POLICY_STATUS_H

#include "sandbox/lua54.h"

#include <freehold/script.h>

/* Push an option as a table. */
void fhi_push_option(lua_State *L, const fh_option_info *option);

/* Push the lines of `text` as a list. */
void fhi_push_lines(lua_State *L, const char *text);

int fhi_policy_options_method(lua_State *L);
int fhi_policy_state_method(lua_State *L);
int fhi_policy_status_method(lua_State *L);

#endif
