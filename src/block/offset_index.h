/* Gaps by address, each subtree knowing its largest: answers "the lowest offset that fits" in
 * logarithmic time. Beside the nodes and not in them, so that a block which never asks pays nothing
 * but a test of one pointer. */

#ifndef FREEHOLD_BLOCK_OFFSET_INDEX_H
#define FREEHOLD_BLOCK_OFFSET_INDEX_H

#include <freehold/host.h>

#include "block/node.h"

typedef struct fhi_offset_index fhi_offset_index;

/* An empty index for slots below `capacity`, or NULL: no host memory. */
fhi_offset_index *fhi_offset_index_create(uint32_t capacity, const fh_host_memory *memory);
void fhi_offset_index_destroy(fhi_offset_index *index, const fh_host_memory *memory);

/* A copy with room for more slots, or NULL; the original stays as it is. */
fhi_offset_index *fhi_offset_index_grown(const fhi_offset_index *index, uint32_t capacity,
                                         const fh_host_memory *memory);

/* Forget all gaps. */
void fhi_offset_index_clear(fhi_offset_index *index);

/* nodes[slot] is a gap, with its offset and size; its address order among the gaps must
 * not change while it is in the index. O(log n) expected. */
void fhi_offset_index_insert(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot);
void fhi_offset_index_remove(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot);
/* Its size, or its offset between the same neighbours, has changed. */
void fhi_offset_index_update(fhi_offset_index *index, const fhi_node *nodes, uint32_t slot);

/* The lowest gap in which `size` units fit at `alignment`, or 0. O(log n), plus a step for
 * each node that is large enough but for its alignment. */
uint32_t fhi_offset_index_find(const fhi_offset_index *index, const fhi_node *nodes, uint64_t size,
                               uint64_t alignment);

/* NULL when everything holds. O(n) */
const char *fhi_offset_index_audit(const fhi_offset_index *index, const fhi_node *nodes,
                                   uint64_t gap_count);

#endif
