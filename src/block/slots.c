/* The arrays behind a TLSF block. All of them change size together or not at all. */

#include "block/slots.h"

#include "base/host.h"
#include "block/offset_index.h"

#include <string.h>

enum {
    SLOTS_AT_MOST = 1 << 30 /* below FHI_BIN_HEAD and FHI_NODE_RANGE */
};

void fhi_slots_release(fhi_tlsf *tlsf)
{
    fhi_offset_index_destroy(tlsf->index, tlsf->memory);
    fhi_host_free(tlsf->memory, tlsf->users, tlsf->capacity, sizeof *tlsf->users,
                  FHI_NODE_ALIGNMENT);
    fhi_host_free(tlsf->memory, tlsf->nodes, tlsf->capacity, sizeof *tlsf->nodes,
                  FHI_NODE_ALIGNMENT);
}

/* The nodes, and what has as many places as there are nodes; all or nothing. */
bool fhi_slots_set_capacity(fhi_tlsf *tlsf, uint32_t capacity)
{
    const fh_host_memory *memory = tlsf->memory;
    fhi_node *nodes = fhi_host_alloc(memory, capacity, sizeof *nodes, FHI_NODE_ALIGNMENT);
    void **users = NULL;
    fhi_offset_index *index = NULL;

    if (nodes && tlsf->users) {
        users = fhi_host_alloc(memory, capacity, sizeof *users, FHI_NODE_ALIGNMENT);
    }
    if (nodes && tlsf->index) {
        index = fhi_offset_index_grown(tlsf->index, capacity, memory);
    }
    if (!nodes || (tlsf->users && !users) || (tlsf->index && !index)) {
        fhi_offset_index_destroy(index, memory);
        fhi_host_free(memory, users, capacity, sizeof *users, FHI_NODE_ALIGNMENT);
        fhi_host_free(memory, nodes, capacity, sizeof *nodes, FHI_NODE_ALIGNMENT);
        return false;
    }
    memcpy(nodes, tlsf->nodes, tlsf->high * sizeof *nodes);
    if (users) {
        memcpy(users, tlsf->users, tlsf->high * sizeof *users);
    }
    fhi_slots_release(tlsf);
    tlsf->nodes = nodes;
    tlsf->users = users;
    tlsf->index = index;
    tlsf->capacity = capacity;
    return true;
}

/* Fresh slots come in batches, the lowest on top. */
bool fhi_slots_provide(fhi_tlsf *tlsf, uint32_t count)
{
    for (uint32_t slot = tlsf->free_slots; slot != 0 && count > 0; count--) {
        slot = tlsf->nodes[slot].next;
    }
    if (count == 0) {
        return true;
    }
    uint32_t room = tlsf->capacity - tlsf->high;
    if (room < count) {
        uint32_t capacity = tlsf->capacity * 2;
        while (capacity - tlsf->high < count && capacity < SLOTS_AT_MOST) {
            capacity *= 2;
        }
        if (capacity > SLOTS_AT_MOST || !fhi_slots_set_capacity(tlsf, capacity)) {
            return false;
        }
        room = tlsf->capacity - tlsf->high;
    }
    if (count < FHI_SLOTS_PER_BATCH) {
        count = room < FHI_SLOTS_PER_BATCH ? room : FHI_SLOTS_PER_BATCH;
    }
    for (uint32_t slot = tlsf->high + count; slot-- > tlsf->high;) {
        fhi_slot_give(tlsf, slot);
    }
    tlsf->high += count;
    return true;
}

bool fhi_slots_add_users(fhi_tlsf *tlsf)
{
    tlsf->users =
        fhi_host_alloc(tlsf->memory, tlsf->capacity, sizeof *tlsf->users, FHI_NODE_ALIGNMENT);
    if (!tlsf->users) {
        return false;
    }
    memset(tlsf->users, 0, tlsf->high * sizeof *tlsf->users);
    return true;
}

bool fhi_slots_add_index(fhi_tlsf *tlsf)
{
    tlsf->index = fhi_offset_index_create(tlsf->capacity, tlsf->memory);
    if (!tlsf->index) {
        return false;
    }
    for (uint32_t i = tlsf->nodes[0].next; i != 0; i = tlsf->nodes[i].next) {
        if (fhi_node_is_gap(&tlsf->nodes[i])) {
            fhi_offset_index_insert(tlsf->index, tlsf->nodes, i);
        }
    }
    return true;
}
