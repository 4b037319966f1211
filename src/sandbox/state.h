/* self.state: plain data that outlives a version. Scripts see proxies (userdata); the tables behind
 * them are hidden, so that every write is checked where it happens: the type, the depth, the count,
 * and whether the hook that runs may write at all. A table that is assigned is copied.
 *
 * A hook's writes hold when it succeeds. The first write of a hook saves the state as it was, and a
 * failure puts it back. */

#ifndef FREEHOLD_SANDBOX_STATE_H
#define FREEHOLD_SANDBOX_STATE_H

#include "sandbox/box.h"

typedef struct fhi_state_store {
    bool writable;         /* by the hook that runs */
    bool changed;          /* by it: `undo` has what was before */
    bool pending;          /* `undo` is the state, and could not be put back for lack of memory */
    uint64_t serial;       /* grows with every hook that changed it and succeeded */
    uint64_t bytes, count; /* now, as serialised: at most FHI_STATE_MAX and FHI_STATE_VALUES */
    uint64_t undo_count;   /* values in `undo` */
    uint64_t generation;   /* of the tree; nodes of an older one are no part of the state */
    int metatable_ref, root_ref; /* in the registry */
    struct fhi_state_key *keys;  /* room for sorting them; the box's */
    size_t key_count;            /* in use, by the tables that are being walked */
    fhi_state undo;
} fhi_state_store;

/* Once per box: makes the metatable and an empty state. May raise. */
void fhi_state_register(lua_State *L, fhi_state_store *store);

/* Push the proxy of the whole state: what self.state is. */
void fhi_state_push(lua_State *L, const fhi_state_store *store);

/* Around a hook. `begin` may raise (out of memory). `end` with `keep` may be called anywhere;
 * without, it undoes what the hook wrote: it may raise (out of memory), the state is then put back
 * at the next `begin`. */
void fhi_state_begin(lua_State *L, fhi_state_store *store, bool writable);
void fhi_state_end(lua_State *L, fhi_state_store *store, bool keep);

/* Serialise, and take back; both may raise, and have then changed nothing. Keys in `pairs` order,
 * so that equal states are equal bytes. */
void fhi_state_save(lua_State *L, fhi_state_store *store, fhi_state *out_state);
void fhi_state_load(lua_State *L, fhi_state_store *store, const fhi_state *state);

/* Push a saved state as a plain table of the script's own: migrate's `old_state`. */
void fhi_state_push_plain(lua_State *L, const fhi_state *state);

/* Make the value at `index`, migrate's result, the state: plain tables, proxies of state; nil is an
 * empty one. Between `begin` and `end`. Raises what is wrong with it. */
void fhi_state_assign(lua_State *L, fhi_state_store *store, int index);

/* Needs no Lua state. Infinities and NaN become null, what is no UTF-8 U+FFFD; a table with keys
 * from 1 on and no others is an array. */
fh_result fhi_state_json(const fhi_state *state, fh_write_fn write, void *context);

#endif
