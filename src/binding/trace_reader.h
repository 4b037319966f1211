/* Reading traces in Lua, event by event. */

#ifndef BINDING_TRACE_READER_H
#define BINDING_TRACE_READER_H

#include "binding/class.h"

#include <freehold/trace.h>

extern const fhi_class fhi_trace_reader_class;

/* Push what is known of a file, as a table. */
void fhi_push_trace_file(lua_State *L, const fh_trace_reader_info *info);

/* fh.trace_reader(path) */
int fhi_open_trace_reader(lua_State *L);

#endif
