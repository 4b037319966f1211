/* The clock, for programs that pace themselves: Lua's own have seconds, or count CPU time. */

#ifndef BINDING_CLOCK_H
#define BINDING_CLOCK_H

#include "sandbox/lua54.h"

/* fh.now_ns() */
int fhi_clock_now_ns(lua_State *L);

#endif
