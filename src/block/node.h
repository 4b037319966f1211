/* A node: one range or one gap of a TLSF block. 32 bytes, two to a cache line, linked by index so
 * that the array can grow. */

#ifndef FREEHOLD_BLOCK_NODE_H
#define FREEHOLD_BLOCK_NODE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fhi_node {
    uint64_t offset;
    uint64_t size; /* of a range: as asked for, without its slack */
    uint32_t prev; /* neighbours in address order; */
    uint32_t next; /* of an unused slot: the one below it on the stack */
    union {
        uint32_t list_prev;  /* gap: the gap before it in its bin, or FHI_BIN_HEAD | bin */
        uint32_t generation; /* range */
    };
    union {
        uint32_t list_next; /* gap: the gap behind it in its bin, 0 = none */
        uint32_t mark;      /* else: FHI_NODE_RANGE | slack, or FHI_NODE_UNUSED */
    };
} fhi_node;

/* A range, and the sentinel in slot 0. The rest of the mark is the slack: units behind the range
 * that are free, but too few to be worth a gap of their own (tlsf.c says when). */
#define FHI_NODE_RANGE UINT32_C(0x80000000)

/* A slot that stands for nothing. Below FHI_NODE_RANGE, so that no handle finds a range there. */
#define FHI_NODE_UNUSED UINT32_C(0x7fffffff)

/* A range, or the sentinel: not a gap, and not an unused slot. */
static inline bool fhi_node_is_range(const fhi_node *node)
{
    return node->mark >= FHI_NODE_RANGE;
}

/* Of a node in the chain, where there are no unused slots. */
static inline bool fhi_node_is_gap(const fhi_node *node)
{
    return !fhi_node_is_range(node);
}

/* Of a range. */
static inline uint32_t fhi_node_slack(const fhi_node *node)
{
    return node->mark - FHI_NODE_RANGE;
}

/* Where a range ends, or a gap. */
static inline uint64_t fhi_node_end(const fhi_node *node)
{
    return node->offset + node->size;
}

#endif
