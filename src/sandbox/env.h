/* The environment of scripts: what is there, and nothing else. Everything in it is read-only, by
 * proxies: empty tables whose metatable leads to the real one and refuses writes. Scripts can reach
 * no metatable (there is neither getmetatable nor setmetatable nor rawget), so a proxy stays what
 * it is.
 *
 *     assert error ipairs pairs pcall select tonumber tostring type        env_base.c
 *     log bytes KiB MiB GiB starts_with contains freehold.policy           env_policy.c
 *     string: byte char contains find format len lower rep reverse
 *             starts_with sub upper (find is plain: no patterns)           env_string.c, format.c
 *     table: concat insert move pack remove sort unpack                    env_table.c, sort.c
 *     utf8: char codepoint codes len offset (always strict)               env_utf8.c
 *     math: all but randomseed; random is ours                             env_math.c
 *     extend                                                               version.c
 *
 * Each function charges for what it does before it does it, so that nothing runs long unseen, and
 * none of them takes a callback but table.sort and pcall. What a script sees is listed once more in
 * contract.lua, from which luacheck's list and the manual come; a test holds the two together. */

#ifndef FREEHOLD_SANDBOX_ENV_H
#define FREEHOLD_SANDBOX_ENV_H

#include "sandbox/lua54.h"

#include <stdbool.h>

/* Put the environment together: pushes the table that becomes _ENV (a proxy). May raise. */
void fhi_env_push(lua_State *L);

/* Add a function or value to the environment that is not a library's own: pops it. May raise. */
void fhi_env_set(lua_State *L, const char *name);

/* The parts. Each pushes one table, the real one, to which fhi_env_push() makes the proxy. */
void fhi_env_base(lua_State *L);   /* the globals */
void fhi_env_policy(lua_State *L); /* adds to the globals on top */
void fhi_env_string(lua_State *L);
void fhi_env_table(lua_State *L);
void fhi_env_utf8(lua_State *L);
void fhi_env_math(lua_State *L);

/* contains(text, what) and starts_with(text, what), which are in string and among the globals. */
int fhi_env_contains(lua_State *L);
int fhi_env_starts_with(lua_State *L);

/* ---- proxies ---- */

/* Replace the table on top by a read-only proxy of it. `what` (static) is what an error calls it:
 * "options". */
void fhi_proxy_wrap(lua_State *L, const char *what);

/* If the value at `index` is a proxy, push what is behind it, and return true. */
bool fhi_proxy_open(lua_State *L, int index);

/* A table of the script's own at argument `arg`, which it may change: raises for proxies, facts and
 * state. An object's metafield "__refusal" says what to do instead. */
void fhi_check_own_table(lua_State *L, int arg);

/* pairs() in a fixed order, for tables, proxies, facts and state: booleans, then numbers ascending,
 * then strings by their bytes; keys of other types raise. An object says how it is walked by its
 * metafield "__keys": a C function that gets it and returns a list (a table) of its keys, in
 * order. */
int fhi_env_pairs(lua_State *L);

#endif
