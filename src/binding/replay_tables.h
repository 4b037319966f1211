/* What a replay has seen, for Lua: methods of it. */

#ifndef BINDING_REPLAY_TABLES_H
#define BINDING_REPLAY_TABLES_H

#include "sandbox/lua54.h"

int fhi_replay_figures_method(lua_State *L);
int fhi_replay_samples_method(lua_State *L);
int fhi_replay_causes_method(lua_State *L);
int fhi_replay_blocks_method(lua_State *L);
int fhi_replay_spans_method(lua_State *L);

#endif
