/* Lua's headers, for every file of this floor.
 *
 * The module is not linked to a Lua: it uses the one of the program that loads it. In a program
 * with another Lua, the functions below do not exist, and the dynamic linker would refuse the
 * module with no more than the name of the first one. Where weak references exist they let the
 * module load, and luaopen_freehold() says in a sentence what is wrong, before anything here is
 * called. The list is everything this floor uses that Lua 5.1 and LuaJIT lack; the spec loads the
 * module into both. */

#ifndef BINDING_LUA54_H
#define BINDING_LUA54_H

#include <lauxlib.h>
#include <lua.h>

#if defined(__ELF__)
#pragma weak luaL_checkversion_
#pragma weak luaL_setfuncs
#pragma weak luaL_tolstring
#pragma weak lua_absindex
#pragma weak lua_callk
#pragma weak lua_copy
#pragma weak lua_getiuservalue
#pragma weak lua_isinteger
#pragma weak lua_newuserdatauv
#pragma weak lua_pcallk
#pragma weak lua_rawgetp
#pragma weak lua_rawlen
#pragma weak lua_rawsetp
#pragma weak lua_rotate
#pragma weak lua_setiuservalue
#pragma weak lua_stringtonumber
#pragma weak lua_tointegerx
#pragma weak lua_tonumberx
#pragma weak lua_version
#pragma weak lua_warning
#endif

#endif
