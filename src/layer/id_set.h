/* A set of ids, for what a command buffer refers to: a program says the same few hundred names
 * thousands of times over, and a submit wants each once. The ids stand side by side in the order in
 * which they came, so that what uses a set reads an array; beside them an open-addressed table says
 * which are there. Emptying costs what was in it, not what it could hold: command buffers are reset
 * each frame, and one large frame must not make all later ones slow.
 *
 * Where host memory runs out, ids are left out and `incomplete` says so: a trace with a use too few
 * is better than a program that fails because it is watched. */

#ifndef FREEHOLD_LAYER_ID_SET_H
#define FREEHOLD_LAYER_ID_SET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fhi_id_set {
    uint64_t *ids;   /* [capacity] the first `count` are in use */
    uint32_t *slots; /* [capacity * 2] place in `ids` + 1; 0 = free */
    uint32_t count;
    uint32_t capacity; /* power of two, or 0 */
    bool incomplete;
} fhi_id_set;

/* {0} is an empty set. */
void fhi_id_set_finish(fhi_id_set *set);

void fhi_id_set_clear(fhi_id_set *set);

/* The half of fhi_id_set_add() that is not inline. */
void fhi_id_set_insert(fhi_id_set *set, uint64_t id);

/* 0 is no id, and is left out. */
static inline void fhi_id_set_add(fhi_id_set *set, uint64_t id)
{
    /* The same buffer is often bound twice in a row. */
    if (id != 0 && (set->count == 0 || set->ids[set->count - 1] != id)) {
        fhi_id_set_insert(set, id);
    }
}

void fhi_id_set_add_all(fhi_id_set *set, const fhi_id_set *other);

#endif
