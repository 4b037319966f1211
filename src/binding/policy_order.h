/* Candidates for eviction, made up by a test, and put in the order that a policy gives. */

#ifndef BINDING_POLICY_ORDER_H
#define BINDING_POLICY_ORDER_H

#include "sandbox/lua54.h"

#include <freehold/policy.h>

typedef struct fhi_sorted {
    fh_candidates candidates; /* their columns, and `keys`, are in userdata on the stack */
    double *keys;
} fhi_sorted;

/* Read { candidates = { { priority = …, age = …, … }, … }, wanted = … } at `index`; leaves what
 * they need on the stack. Errors as in check.h. */
void fhi_read_candidates(lua_State *L, int index, fh_tag (*tag)(void *context, const char *name),
                         void *context, fhi_sorted *out);

/* Push their positions, from 1, as the core would ask: stable, and without those whose key is
 * NaN. */
void fhi_push_order(lua_State *L, const fhi_sorted *sorted, const fh_evict_order *order);

#endif
