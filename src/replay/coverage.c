/* A segment tree for each group, over the places where its pieces begin and end. A node counts the
 * pieces that cover all of its stretch, but not all of its parent's, and knows how many bytes of it
 * are covered; so a piece touches O(log n) nodes, however many pieces lie over one another. All
 * trees lie in one array, one after the other.
 *
 * Source: Bentley, "Algorithms for Klee's rectangle problems", 1977.
 * Rejected: going through a group's live pieces for each event, which takes a square of the time in
 * a trace made to that end. */

#include "replay/coverage.h"

#include "base/error.h"
#include "replay/array.h"

#include <stdlib.h>
#include <string.h>

typedef struct node {
    uint64_t covered; /* bytes */
    uint32_t count;   /* pieces over all of it */
} node;

typedef struct tree {
    uint32_t first_edge, edge_count; /* sorted, each once: stretches are between them */
    uint32_t first_node;
} tree;

struct fhi_coverage {
    const fh_host_memory *memory;
    const fhi_tape *tape;
    tree *trees; /* by group */
    uint64_t *edges;
    node *nodes;
    uint32_t edge_count, node_count;
};

/* ---- making ---- */

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

/* A group's edges, behind those that are there. */
static void find_edges(fhi_coverage *coverage, uint32_t group)
{
    tree *t = &coverage->trees[group];
    uint64_t *edges = &coverage->edges[coverage->edge_count];
    uint32_t count = 0, kept = 0;
    uint32_t at = coverage->tape->groups[group].first;
    t->first_edge = coverage->edge_count;
    while (at != FHI_NONE) {
        const fhi_piece *piece = &coverage->tape->pieces[at];
        edges[count++] = piece->offset;
        edges[count++] = piece->offset + piece->size;
        at = piece->next;
    }
    qsort(edges, count, sizeof *edges, compare);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || edges[kept - 1] != edges[i]) {
            edges[kept++] = edges[i];
        }
    }
    t->edge_count = kept;
    coverage->edge_count += kept;
}

/* A tree over n stretches has 2n - 1 nodes. */
static uint32_t nodes_of(const tree *t)
{
    return t->edge_count > 1 ? 2 * (t->edge_count - 1) - 1 : 0;
}

static uint32_t count_members(const fhi_tape *tape)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < tape->piece_count; i++) {
        members += tape->pieces[i].group != FHI_NONE;
    }
    return members;
}

fh_result fhi_coverage_create(const fh_host_memory *memory, const fhi_tape *tape,
                              fhi_coverage **out_coverage)
{
    *out_coverage = NULL;
    if (tape->group_count == 0) {
        return FH_OK;
    }
    /* Four nodes for each member, and their number in 32 bits. */
    uint32_t members = count_members(tape);
    fhi_coverage *coverage =
        members <= UINT32_MAX / 8 ? fhi_array_make(memory, 1, sizeof *coverage) : NULL;
    if (!coverage) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the recording");
    }
    coverage->memory = memory;
    coverage->tape = tape;
    coverage->trees = fhi_array_make(memory, tape->group_count, sizeof *coverage->trees);
    coverage->edges = fhi_array_make(memory, 2 * members, sizeof *coverage->edges);
    coverage->nodes = fhi_array_make(memory, 4 * members, sizeof *coverage->nodes);
    if (!coverage->trees || !coverage->edges || !coverage->nodes) {
        fhi_coverage_destroy(coverage);
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the recording");
    }
    for (uint32_t i = 0; i < tape->group_count; i++) {
        find_edges(coverage, i);
        coverage->trees[i].first_node = coverage->node_count;
        coverage->node_count += nodes_of(&coverage->trees[i]);
    }
    *out_coverage = coverage;
    return FH_OK;
}

void fhi_coverage_destroy(fhi_coverage *coverage)
{
    if (coverage) {
        const fh_host_memory *memory = coverage->memory;
        uint32_t members = count_members(coverage->tape);
        fhi_array_free(memory, coverage->trees, coverage->tape->group_count,
                       sizeof *coverage->trees);
        fhi_array_free(memory, coverage->edges, 2 * members, sizeof *coverage->edges);
        fhi_array_free(memory, coverage->nodes, 4 * members, sizeof *coverage->nodes);
        fhi_array_free(memory, coverage, 1, sizeof *coverage);
    }
}

/* ---- changing ---- */

/* The edge at `offset`, which is there. */
static uint32_t edge_at(const uint64_t *edges, uint32_t count, uint64_t offset)
{
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (edges[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Stretches from `low` up to `high` are this node's; its left half's nodes follow it, then come its
 * right half's. `begin` to `end` come to be covered once more, or once less. Goes as deep as the
 * tree, which has 2^32 stretches at most. */
static void change(node *at, const uint64_t *edges, uint32_t low, uint32_t high, uint32_t begin,
                   uint32_t end, int by) /* NOLINT(misc-no-recursion) */
{
    uint32_t middle = low + (high - low) / 2;
    node *left = at + 1;
    node *right = at + (size_t)2 * (middle - low);
    if (begin <= low && high <= end) {
        at->count += (uint32_t)by;
    } else {
        if (begin < middle) {
            change(left, edges, low, middle, begin, end, by);
        }
        if (end > middle) {
            change(right, edges, middle, high, begin, end, by);
        }
    }
    if (at->count > 0) {
        at->covered = edges[high] - edges[low];
    } else {
        at->covered = high - low > 1 ? left->covered + right->covered : 0;
    }
}

static uint64_t cover(fhi_coverage *coverage, uint32_t index, int by, uint64_t *out_before)
{
    const fhi_piece *piece = &coverage->tape->pieces[index];
    const tree *t = &coverage->trees[piece->group];
    const uint64_t *edges = &coverage->edges[t->first_edge];
    node *root = &coverage->nodes[t->first_node];
    uint32_t begin = edge_at(edges, t->edge_count, piece->offset);
    uint32_t end = edge_at(edges, t->edge_count, piece->offset + piece->size);
    *out_before = begin < end ? root->covered : 0;
    if (begin >= end) {
        return 0; /* no bytes */
    }
    change(root, edges, 0, t->edge_count - 1, begin, end, by);
    return root->covered;
}

uint64_t fhi_coverage_add(fhi_coverage *coverage, uint32_t piece)
{
    uint64_t before = 0;
    uint64_t after = cover(coverage, piece, 1, &before);
    return after - before;
}

uint64_t fhi_coverage_remove(fhi_coverage *coverage, uint32_t piece)
{
    uint64_t before = 0;
    uint64_t after = cover(coverage, piece, -1, &before);
    return before - after;
}
