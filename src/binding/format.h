/* Texture formats in Lua. */

#ifndef BINDING_FORMAT_H
#define BINDING_FORMAT_H

#include "sandbox/lua54.h"

/* fh.format(name), fh.formats() */
int fhi_format(lua_State *L);
int fhi_formats(lua_State *L);

#endif
