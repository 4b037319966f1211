/* A plain table as a policy's state. The way back is fhi_state_push_plain(). */

#ifndef BINDING_POLICY_STATE_H
#define BINDING_POLICY_STATE_H

#include "sandbox/lua54.h"
#include "script/engine.h"

/* The table at `index`; nil is none. Raises for what cannot be state; `arg` and `name` as in
 * check.h. */
void fhi_read_state(lua_State *L, int index, int arg, const char *name, fhi_state *out_state);

#endif
