/* What went wrong in a script, as a report: the message, with file and line, and, when functions of
 * the script called one another, where each of them was. Takes no memory of Lua's, so that it works
 * when there is none. */

#ifndef FREEHOLD_SANDBOX_TRACE_H
#define FREEHOLD_SANDBOX_TRACE_H

#include "sandbox/lua54.h"
#include "script/engine.h"

/* The message handler of a box: reports the error object, which may be anything, to the box's
 * report, unless there is something in it already. */
int fhi_trace_handler(lua_State *L);

/* The box is stopped here. */
void fhi_trace_stop(lua_State *L);

/* `name` could not be compiled: `message`, as Lua says it, or a sentence of ours. */
void fhi_trace_compile(fhi_report *report, const char *name, const char *message, size_t size);

#endif
