/* Values as text: what string.format, log, tostring and error messages make of them. The same on
 * every run and machine: no addresses, no locale, and one kind of NaN. */

#ifndef FREEHOLD_SANDBOX_FORMAT_H
#define FREEHOLD_SANDBOX_FORMAT_H

#include "sandbox/lua54.h"

/* Push what string.format makes of the format at argument `first` and the arguments after it, some
 * of which become strings in their place. Without %a, %p and %q; widths and precisions are 99 at
 * most. Raises. */
void fhi_format_push(lua_State *L, int first);

/* Push the value at `index` as text: a table or function gives its type only. Charges. */
void fhi_format_value(lua_State *L, int index);

#endif
