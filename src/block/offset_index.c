/* A treap (Seidel, Aragon 1996) over slot numbers: a search tree by offset and a heap by a priority
 * that is a hash of the slot, so no priority is stored and no random state is needed. Each entry
 * carries the size of the largest gap of its subtree; a query descends to the leftmost gap that is
 * large enough.
 *
 * Rejected: a red-black or AVL tree (more code for the same bound, and rebalancing writes more
 * lines); a segment tree over addresses (not exact for blocks of 2^63 units). */

#include "block/offset_index.h"

#include "base/bits.h"
#include "base/host.h"

#include <string.h>

/* 0 is no entry: slot 0 is the nodes' sentinel, and its entry stays all zero. */
typedef struct entry {
    uint64_t max; /* largest size in this subtree */
    uint32_t left, right, parent;
} entry;

struct fhi_offset_index {
    uint32_t root;
    uint32_t capacity;
    uint32_t salt; /* in the priorities, so that no sequence of calls is bad for every block */
    entry *entries;
};

enum {
    ENTRY_ALIGNMENT = 64
};

fhi_offset_index *fhi_offset_index_create(uint32_t capacity, const fh_host_memory *memory)
{
    fhi_offset_index *index = fhi_host_alloc(memory, 1, sizeof *index, ENTRY_ALIGNMENT);
    if (!index) {
        return NULL;
    }
    index->entries = fhi_host_alloc(memory, capacity, sizeof *index->entries, ENTRY_ALIGNMENT);
    if (!index->entries) {
        fhi_host_free(memory, index, 1, sizeof *index, ENTRY_ALIGNMENT);
        return NULL;
    }
    index->capacity = capacity;
    index->salt = (uint32_t)fhi_salt(index);
    index->entries[0] = (entry){0};
    index->root = 0;
    return index;
}

void fhi_offset_index_destroy(fhi_offset_index *index, const fh_host_memory *memory)
{
    if (index) {
        fhi_host_free(memory, index->entries, index->capacity, sizeof *index->entries,
                      ENTRY_ALIGNMENT);
        fhi_host_free(memory, index, 1, sizeof *index, ENTRY_ALIGNMENT);
    }
}

fhi_offset_index *fhi_offset_index_grown(const fhi_offset_index *index, uint32_t capacity,
                                         const fh_host_memory *memory)
{
    fhi_offset_index *grown = fhi_offset_index_create(capacity, memory);
    if (grown) {
        memcpy(grown->entries, index->entries, index->capacity * sizeof *index->entries);
        grown->root = index->root;
        grown->salt = index->salt;
    }
    return grown;
}

void fhi_offset_index_clear(fhi_offset_index *index)
{
    index->root = 0;
}

static inline uint32_t priority(const fhi_offset_index *index, uint32_t slot)
{
    uint32_t hash = (slot ^ index->salt) * UINT32_C(0x9e3779b1);
    hash ^= hash >> 15;
    return hash * UINT32_C(0x85ebca6b);
}

static inline uint64_t max_of(const entry *entries, const fhi_node *nodes, uint32_t slot)
{
    uint64_t max = nodes[slot].size;
    uint64_t left = entries[entries[slot].left].max;
    uint64_t right = entries[entries[slot].right].max;

    max = left > max ? left : max;
    return right > max ? right : max;
}

/* Makes `child` take the place of `slot` below slot's parent. */
static void replace(fhi_offset_index *index, uint32_t slot, uint32_t child)
{
    entry *entries = index->entries;
    uint32_t parent = entries[slot].parent;

    if (parent == 0) {
        index->root = child;
    } else if (entries[parent].left == slot) {
        entries[parent].left = child;
    } else {
        entries[parent].right = child;
    }
    if (child != 0) {
        entries[child].parent = parent;
    }
}

/* Lifts `slot` above its parent, which keeps its place in the order. */
static void rotate_up(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot)
{
    entry *entries = index->entries;
    uint32_t parent = entries[slot].parent;
    uint32_t middle;

    replace(index, parent, slot);
    if (entries[parent].left == slot) {
        middle = entries[slot].right;
        entries[parent].left = middle;
        entries[slot].right = parent;
    } else {
        middle = entries[slot].left;
        entries[parent].right = middle;
        entries[slot].left = parent;
    }
    entries[parent].parent = slot;
    if (middle != 0) {
        entries[middle].parent = parent;
    }
    entries[slot].max = entries[parent].max;
    entries[parent].max = max_of(entries, nodes, parent);
}

/* Corrects `max` from `slot` upwards, as far as it changes. */
static void correct_up(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot)
{
    while (slot != 0) {
        uint64_t max = max_of(index->entries, nodes, slot);
        if (index->entries[slot].max == max) {
            return;
        }
        index->entries[slot].max = max;
        slot = index->entries[slot].parent;
    }
}

void fhi_offset_index_insert(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot)
{
    entry *entries = index->entries;
    uint64_t offset = nodes[slot].offset;
    uint64_t size = nodes[slot].size;
    uint32_t parent = 0;

    for (uint32_t i = index->root; i != 0;) {
        entries[i].max = entries[i].max > size ? entries[i].max : size;
        parent = i;
        i = offset < nodes[i].offset ? entries[i].left : entries[i].right;
    }
    entries[slot] = (entry){.max = size, .parent = parent};
    if (parent == 0) {
        index->root = slot;
    } else if (offset < nodes[parent].offset) {
        entries[parent].left = slot;
    } else {
        entries[parent].right = slot;
    }
    while (entries[slot].parent != 0 &&
           priority(index, slot) > priority(index, entries[slot].parent)) {
        rotate_up(index, nodes, slot);
    }
}

void fhi_offset_index_remove(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot)
{
    entry *entries = index->entries;

    while (entries[slot].left != 0 && entries[slot].right != 0) {
        bool left = priority(index, entries[slot].left) > priority(index, entries[slot].right);
        rotate_up(index, nodes, left ? entries[slot].left : entries[slot].right);
    }
    uint32_t parent = entries[slot].parent;
    replace(index, slot, entries[slot].left != 0 ? entries[slot].left : entries[slot].right);
    correct_up(index, nodes, parent);
}

void fhi_offset_index_update(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot)
{
    correct_up(index, nodes, slot);
}

uint32_t fhi_offset_index_find(const fhi_offset_index *index, const fhi_node *nodes, uint64_t size,
                               uint64_t alignment)
{
    const entry *entries = index->entries;
    uint32_t i = index->root;

    if (entries[i].max < size) { /* also when empty: entry 0 is all zero */
        return 0;
    }
    for (;;) {
        while (entries[entries[i].left].max >= size) {
            i = entries[i].left;
        }
        for (;;) {
            if (nodes[i].size >= size + fhi_padding(nodes[i].offset, alignment)) {
                return i;
            }
            if (entries[entries[i].right].max >= size) {
                i = entries[i].right;
                break;
            }
            uint32_t child;
            do { /* up to the first ancestor that lies to the right */
                child = i;
                i = entries[i].parent;
                if (i == 0) {
                    return 0;
                }
            } while (entries[i].right == child);
        }
    }
}

/* In address order over the nodes: each gap must be reachable, below its parent, with the right
 * maximum. */
const char *fhi_offset_index_audit(const fhi_offset_index *index, const fhi_node *nodes,
                                   uint64_t gap_count)
{
    const entry *entries = index->entries;

    for (uint32_t i = nodes[0].next; i != 0; i = nodes[i].next) {
        if (!fhi_node_is_gap(&nodes[i])) {
            continue;
        }
        const entry *here = &entries[i];
        uint32_t parent = here->parent;

        if (parent == 0 ? index->root != i
                        : entries[parent].left != i && entries[parent].right != i) {
            return "the index does not know a gap";
        }
        if (parent != 0 &&
            (entries[parent].left == i) != (nodes[i].offset < nodes[parent].offset)) {
            return "the index is out of order";
        }
        if (here->max != max_of(entries, nodes, i)) {
            return "the index has a wrong maximum";
        }
        gap_count--;
    }
    if (entries[0].max != 0 || gap_count != 0) {
        return "the index has a gap too many";
    }
    return NULL;
}
