/* Decisions: what a hook returned, read into the C struct. With raw access, without coercion from
 * strings to numbers, each field once; an unknown field is an error with the nearest right name. */

#ifndef FREEHOLD_SANDBOX_DECISION_H
#define FREEHOLD_SANDBOX_DECISION_H

#include "sandbox/facts.h"
#include "sandbox/lua54.h"
#include "script/engine.h"

/* What reading decisions needs of its surroundings, and where lists go that do not fit the structs
 * of policy.h. One per Lua state, at one address. */
typedef struct fhi_decision_reader {
    void *context; /* of the functions, which are as in fhi_engine_host */
    fh_tag (*tag)(void *context, const char *name);
    fh_pool *(*pool)(void *context, const char *name);
    bool keep_given;                /* the last fh_verdict said `keep` itself; else it is RELOAD */
    struct fh_tag_limit tags[1024]; /* of the last fh_limits */
} fhi_decision_reader;

/* Once per Lua state: the tables by which names of fields are found. May raise. */
void fhi_decision_register(lua_State *L);

/* Read the value at `index`, which hook `hook` returned, into `out` (the engine's struct for it,
 * zeroed). True: it decided; false: nil. Raises what is wrong with it, without file and line:
 * "place: dedicated: one of …". EVICT: a list of columns only; keys are read by whoever calls the
 * key function. `facts` (may be NULL) tells how many heaps there are. */
bool fhi_decision_read(lua_State *L, int index, fh_hook hook, fhi_decision_reader *reader,
                       const fh_facts *facts, void *out);

/* The same for a verdict of every day, without raising anything: `names` are those of its shape
 * (value.h), and there is room for four more on the stack. False: *out is zeroed, and the function
 * above reads it, or says what is wrong. */
bool fhi_decision_read_verdict(lua_State *L, int index, const struct fhi_names *names,
                               fhi_decision_reader *reader, bool *out_decided, fh_verdict *out);

/* Push the decision as the table that a script would have returned. */
void fhi_decision_push(lua_State *L, fh_hook hook, const void *decision,
                       const fhi_facts_scope *scope);

/* ---- values ---- */

/* A byte value: a non-negative integer, a finite float up to 2^53 (floored), or "512MiB". False: it
 * is none; *out_why (static) says what is expected. */
bool fhi_value_bytes(lua_State *L, int index, uint64_t *out, const char **out_why);
bool fhi_parse_bytes(const char *text, size_t size, uint64_t *out);

#endif
