/* What state is made of, for the files that make it.
 *
 * A node is a userdata that stands for one table; the table itself, whose values are scalars and
 * other nodes, is its user value. Scripts hold nodes; nothing but the functions of state.c reaches
 * the table. A node has one parent at most: what is assigned is copied.
 *
 * Serialised, a state is its root's entries; an entry is a key and a value; and a value is one of
 * these tags with what follows it, in the byte order of the machine. */

#ifndef FREEHOLD_SANDBOX_STATE_NODE_H
#define FREEHOLD_SANDBOX_STATE_NODE_H

#include "sandbox/state.h"

enum {
    FHI_STATE_DEPTH = 16, /* tables in tables */

    FHI_STATE_FALSE = 'f',
    FHI_STATE_TRUE = 't',
    FHI_STATE_INTEGER = 'i', /* 8 bytes */
    FHI_STATE_FLOAT = 'd',   /* 8 bytes */
    FHI_STATE_STRING = 's',  /* 4 bytes for the length, and the string */
    FHI_STATE_TABLE = '{',   /* entries, and the end */
    FHI_STATE_END = '}',

    FHI_STATE_NUMBER_BYTES = 9, /* with the tag */
    FHI_STATE_STRING_BYTES = 5, /* and the string */
    FHI_STATE_TABLE_BYTES = 2
};

typedef struct fhi_state_node {
    fhi_state_store *store;
    uint64_t generation;
    uint32_t depth; /* of the root: 0 */
    bool gone;      /* taken out of the state */
} fhi_state_node;

/* A key of a table that is sorted: pushed again when its turn comes. */
typedef struct fhi_state_key {
    union {
        lua_Integer integer;
        const char *string; /* Lua's: the table holds it */
    } of;
    uint32_t size; /* of the string */
    bool is_string;
} fhi_state_key;

/* Push a new node, and its table. May raise. */
void fhi_state_node_push(lua_State *L, fhi_state_store *store, uint32_t depth, uint64_t generation);

/* If the value at `index` is a node, push its table, and return true. */
bool fhi_state_node_open(lua_State *L, const fhi_state_store *store, int index);

/* Put the keys of the table at `index` in order, on top of those in use. May raise; whoever calls
 * it takes `key_count` back. Returns the index of the first in store->keys. */
size_t fhi_state_sort(lua_State *L, fhi_state_store *store, int index);
void fhi_state_key_push(lua_State *L, const fhi_state_key *key);

/* The same as fhi_state_save(), but in any order, which is cheaper. */
void fhi_state_save_unsorted(lua_State *L, fhi_state_store *store, fhi_state *out_state);

/* Bytes that a string, boolean or number at `index` takes in a serialised state; 0 for what is none
 * of them. */
size_t fhi_state_scalar_bytes(lua_State *L, int index);

#endif
