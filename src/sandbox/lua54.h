/* Lua's headers, for every file that uses Lua.
 *
 * freehold.so is not linked to a Lua: it uses the one of the program that loads it. In a program
 * with another Lua, the functions below do not exist, and the dynamic linker would refuse the
 * module with no more than the name of the first one. Where weak references exist they let the
 * module load, and luaopen_freehold() says in a sentence what is wrong, before anything here is
 * called. The list is everything in Lua 5.4.0 that Lua 5.1 or LuaJIT lacks; a spec loads the module
 * into both. One strong reference anywhere in the module would undo it, so no other file of floors
 * 7 and 8 includes lua.h or lauxlib.h. */

#ifndef FREEHOLD_SANDBOX_LUA54_H
#define FREEHOLD_SANDBOX_LUA54_H

#include <lauxlib.h>
#include <lua.h>

#if defined(__ELF__)
#pragma weak luaL_addgsub
#pragma weak luaL_buffinitsize
#pragma weak luaL_checkversion_
#pragma weak luaL_execresult
#pragma weak luaL_fileresult
#pragma weak luaL_getsubtable
#pragma weak luaL_len
#pragma weak luaL_loadbufferx
#pragma weak luaL_loadfilex
#pragma weak luaL_prepbuffsize
#pragma weak luaL_pushresultsize
#pragma weak luaL_requiref
#pragma weak luaL_setfuncs
#pragma weak luaL_setmetatable
#pragma weak luaL_testudata
#pragma weak luaL_tolstring
#pragma weak luaL_traceback
#pragma weak luaL_typeerror
#pragma weak lua_absindex
#pragma weak lua_arith
#pragma weak lua_callk
#pragma weak lua_compare
#pragma weak lua_copy
#pragma weak lua_getglobal
#pragma weak lua_geti
#pragma weak lua_getiuservalue
#pragma weak lua_isinteger
#pragma weak lua_isyieldable
#pragma weak lua_len
#pragma weak lua_newuserdatauv
#pragma weak lua_pcallk
#pragma weak lua_rawgetp
#pragma weak lua_rawlen
#pragma weak lua_rawsetp
#pragma weak lua_resetthread
#pragma weak lua_rotate
#pragma weak lua_setcstacklimit
#pragma weak lua_setglobal
#pragma weak lua_seti
#pragma weak lua_setiuservalue
#pragma weak lua_setwarnf
#pragma weak lua_stringtonumber
#pragma weak lua_toclose
#pragma weak lua_tointegerx
#pragma weak lua_tonumberx
#pragma weak lua_upvalueid
#pragma weak lua_upvaluejoin
#pragma weak lua_version
#pragma weak lua_warning
#pragma weak lua_yieldk
#endif

#endif
