/* Failures, as Lua sees them: nil, a sentence for a person, and a code for a program. */

#ifndef BINDING_RESULT_H
#define BINDING_RESULT_H

#include "sandbox/lua54.h"

#include <freehold/result.h>

/* The call into the core that just returned `result` failed: push nil, its sentence and its code.
 * Returns 3, for `return`. */
int fhi_push_failure(lua_State *L, fh_result result);

/* The same for a failure found by the binding; `format` as in lua_pushfstring(). */
int fhi_push_failure_of(lua_State *L, fh_result result, const char *format, ...);

/* The result whose code is at `index`, such as "budget"; raises when there is none. Errors as in
 * check.h. */
fh_result fhi_check_code(lua_State *L, int index, int arg, const char *name);

/* The result of that code; `otherwise` when there is none. */
fh_result fhi_result_of(const char *code, fh_result otherwise);

/* Push the code of a result. */
void fhi_push_code(lua_State *L, fh_result result);

/* Push fh.result: every code under its own name, read-only; a misspelt one raises. */
void fhi_push_result_table(lua_State *L);

#endif
