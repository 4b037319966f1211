/* Making traces in Lua: what imports and specs do. */

#ifndef BINDING_TRACE_WRITER_H
#define BINDING_TRACE_WRITER_H

#include "binding/class.h"

extern const fhi_class fhi_trace_writer_class;

/* fh.trace_writer(path) */
int fhi_open_trace_writer(lua_State *L);

#endif
