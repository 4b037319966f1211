/* Facts: C structs that scripts read as if they were tables. A fact is a small userdata that points
 * at the struct for as long as the hook runs; afterwards reading it raises. Nothing is copied
 * before it is read; `pairs` lists what there is; writing raises.
 *
 * In a box, what a hook gets as its arguments is lighter still: a number (a light userdata) that
 * stands for the hook that runs and one of its facts. Nothing is made for it.
 *
 * Also used by policies in trusted mode (floor 8), in a state that is no box: everything here works
 * on a `fhi_facts_scope`, which says what is alive. */

#ifndef FREEHOLD_SANDBOX_FACTS_H
#define FREEHOLD_SANDBOX_FACTS_H

#include "sandbox/contract.h"
#include "sandbox/lua54.h"

typedef struct fhi_fact {
    const void *owner; /* the shape, or the member that is a list or a set */
    const void *data;  /* the struct; of a list the first */
    uint64_t serial;
    const char *uncached; /* what reading it makes uncached; NULL = what the member is called */
    uint32_t row;         /* of a list: how many; of a set: its bits; of a candidate: which */
    bool is_list;
} fhi_fact;

/* A fact that a number stands for. */
typedef struct fhi_light_fact {
    uintptr_t number; /* 0 = none was pushed yet */
    const struct fhi_names *names;
    fhi_fact fact;
} fhi_light_fact;

enum {
    FHI_LIGHT_INPUT = 0,
    FHI_LIGHT_FACTS,
    FHI_LIGHT_COUNT
};

typedef struct fhi_facts_scope {
    uint64_t serial;      /* of the hook that runs; facts with another one are stale */
    const char *uncached; /* the first fact read that is not a class fact, since the hook began */
    void *context;
    const char *(*tag_name)(void *context, fh_tag tag);
    const char *(*pool_name)(void *context, const fh_pool *pool); /* may be NULL: not known */
    fhi_light_fact light[FHI_LIGHT_COUNT];
} fhi_facts_scope;

/* Make the metatables, once per Lua state; the scope must stay where it is. May raise. */
void fhi_facts_register(lua_State *L, fhi_facts_scope *scope);

/* For a box, after that: there are no other light userdata in it that a script could meet. */
void fhi_facts_register_light(lua_State *L, fhi_facts_scope *scope);

/* A hook begins, or has ended: what was pushed before is stale. */
void fhi_facts_begin(fhi_facts_scope *scope);
void fhi_facts_end(fhi_facts_scope *scope);

/* Push a fact of that shape. May raise. */
void fhi_facts_push(lua_State *L, const fhi_shape *shape, const void *data);

/* Push fh_facts for PLACE: reading anything in it makes the verdict uncached. */
void fhi_facts_push_uncached(lua_State *L, const fh_facts *facts);

/* The same for a box, as one of the arguments of a hook; raises nothing. `names` are the shape's
 * (value.h); `uncached` is as in fhi_fact. */
void fhi_facts_push_light(lua_State *L, fhi_facts_scope *scope, int which,
                          const struct fhi_names *names, const void *data, const char *uncached);

/* Push a cursor over candidates, and move it: one userdata for all of them. */
void fhi_facts_push_candidates(lua_State *L, const fh_candidates *candidates);
void fhi_facts_move(lua_State *L, int index, uint32_t candidate);

/* ---- plain tables, for tests of policies, logs and `freehold eval` ---- */

/* Push a table with every member of `data`. */
void fhi_facts_push_table(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                          const void *data);

/* Fill `out` (whose members have their defaults already) from the table at `index`. Raises for
 * unknown members and wrong types, with the nearest right name. Texts point into Lua's strings:
 * keep the table. `tag` makes a tag of a name. */
void fhi_facts_read_table(lua_State *L, int index, const fhi_shape *shape, void *out,
                          fh_tag (*tag)(void *context, const char *name), void *context);

#endif
