/* Slots: the array of nodes, and what has a place for each node beside it (user values, the index
 * of offsets). It grows by doubling; links are indices, so nodes may move whenever it does. */

#ifndef FREEHOLD_BLOCK_SLOTS_H
#define FREEHOLD_BLOCK_SLOTS_H

#include "base/compiler.h"
#include "block/tlsf.h"

enum {
    FHI_NODE_ALIGNMENT = 64, /* a node never straddles two cache lines */
    FHI_SLOTS_AT_FIRST = 32,
    FHI_SLOTS_PER_ALLOC = 2, /* the range, and a gap before it */
    FHI_SLOTS_PER_BATCH = 16
};

/* Sees to it that at least `count` slots lie on the stack. False: no host memory, nothing changed;
 * so it is with all that return bool here. O(count) */
bool fhi_slots_provide(fhi_tlsf *tlsf, uint32_t count);

/* Places for user values, all NULL. */
bool fhi_slots_add_users(fhi_tlsf *tlsf);

/* The index of offsets, with all gaps. */
bool fhi_slots_add_index(fhi_tlsf *tlsf);

/* Another number of nodes, at least `high`. */
bool fhi_slots_set_capacity(fhi_tlsf *tlsf, uint32_t capacity);

/* Gives the arrays back to the host. */
void fhi_slots_release(fhi_tlsf *tlsf);

/* There is one: the caller has reserved it. */
FHI_HOT_INLINE uint32_t fhi_slot_take(fhi_tlsf *tlsf)
{
    uint32_t slot = tlsf->free_slots;
    tlsf->free_slots = tlsf->nodes[slot].next;
    return slot;
}

FHI_HOT_INLINE void fhi_slot_give(fhi_tlsf *tlsf, uint32_t slot)
{
    tlsf->nodes[slot].mark = FHI_NODE_UNUSED;
    tlsf->nodes[slot].next = tlsf->free_slots;
    tlsf->free_slots = slot;
}

FHI_HOT_INLINE void fhi_slot_chain(fhi_node *nodes, uint32_t slot, uint32_t prev, uint32_t next)
{
    nodes[slot].prev = prev;
    nodes[slot].next = next;
    nodes[prev].next = slot;
    nodes[next].prev = slot;
}

/* Sees to it that an alloc finds the slots that it may need. */
FHI_HOT_INLINE bool fhi_slots_reserve(fhi_tlsf *tlsf)
{
    uint32_t slot = tlsf->free_slots;
    return FHI_LIKELY(slot != 0 && tlsf->nodes[slot].next != 0) ||
           fhi_slots_provide(tlsf, FHI_SLOTS_PER_ALLOC);
}

#endif
