/* Events of traces, as tables: { kind = "memory", thread = 1, time_ns = 5, memory = 1, … }. */

#ifndef BINDING_TRACE_EVENT_H
#define BINDING_TRACE_EVENT_H

#include "sandbox/lua54.h"

#include <freehold/trace_event.h>

#include <stdbool.h>

/* Push the event, whose text and list `is_there(object)` says are still there: what Lua allocates
 * may run finalizers, and those may read on. False: they are gone, and nothing was pushed. */
bool fhi_push_trace_event(lua_State *L, const fh_trace_event *event,
                          bool (*is_there)(const void *object), const void *object);

/* Read the table that is argument `index`, which is the last one. What the event points to is on
 * the stack above it. Raises for what is spelt wrong; returns 3 for what cannot be, else 0. */
int fhi_read_trace_event(lua_State *L, int index, fh_trace_event *out_event);

/* fh.trace_kinds() */
int fhi_trace_kinds(lua_State *L);

#endif
