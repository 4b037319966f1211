/* Failures, as Lua sees them: nil, a sentence for a person, and a code for a program. */

#ifndef BINDING_RESULT_H
#define BINDING_RESULT_H

#include "binding/lua54.h"

#include <freehold/result.h>

/* The call into the core that just returned `result` failed: push nil, its sentence and its code.
 * Returns 3, for `return`. */
int fhi_push_failure(lua_State *L, fh_result result);

/* The same for a failure found by the binding; `format` as in lua_pushfstring(). */
int fhi_push_failure_of(lua_State *L, fh_result result, const char *format, ...);

/* Push fh.result: every code under its own name, read-only; a misspelt one raises. */
void fhi_push_result_table(lua_State *L);

#endif
