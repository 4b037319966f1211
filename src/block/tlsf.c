/* Two-level segregated fit (Masmano et al. 2004), over offsets instead of memory.
 *
 * The block is a chain of nodes in address order: ranges and gaps, never two gaps side by side.
 * Each gap also stands in the bin of its size. A bin covers 1/64 of an octave, so what a bin gives
 * is within 1.6 % of a best fit; a word of bits per octave, and one word over the octaves, find the
 * next filled bin in two scans.
 *
 * What costs time here is cache misses and mispredicted branches, so:
 *  - a gap that is cut or grown keeps its node, and its place in its bin while the bin stays the
 *    same;
 *  - freeing a range reads its own node for all it needs, and of its neighbours only whether they
 *    are gaps, which predicts well: so the misses of one call overlap with those of the next;
 *  - slot 0 is a sentinel, before the first node, behind the last and behind the last of each bin:
 *    links are written without asking whether there is a neighbour;
 *  - units that no request so far could have used have no node. They are the slack of the range
 *    before them, and join the gap that opens beside them. `granule` is the smallest alignment
 *    requested so far, `threshold` the power of two at or below the smallest size: a gap begins at
 *    a multiple of the granule and has at least threshold units, what is left is slack. Padding
 *    before a more aligned range is slack, too, up to `patience`, for as long as there is room
 *    elsewhere. When a request comes that is smaller or less aligned than all before, or that would
 *    be refused while padding lies idle, one walk makes gaps of all slack that it could use
 *    (refine): so nothing that fits is ever invisible. All three only fall, by halves or at once,
 *    until the block is cleared: such walks are few.
 *
 * A request is tried in three ways. The first gap of the bin that straddles its size does, if it
 * fits (fhi_tlsf_alloc). Else one of the first few gaps of the bins above, where everything fits,
 * padding included (alloc_above). Else, as for the best-place strategies at once, all that could
 * possibly do is looked at (alloc_thoroughly). So success is quick, unless all that is left lies
 * deep in a straddling bin; and a refusal is true.
 *
 * A handle is generation | slot. The generation is a counter of the block, not of the slot: so it
 * needs no room in nodes that are not ranges, and it runs on when all nodes are dropped.
 *
 * Rejected, with what was measured: ranges without a stored size (the distance to the neighbour is
 * it, but then each free waits for the neighbour's cache miss: a fifth slower at 10,000 live
 * ranges); a gap for all padding (half again as slow where sizes are no multiples of the
 * alignment); looking for a lower gap on the first way, too (2 % less space, but a sixth slower).
 * Not measured: bin heads among the nodes, for circular lists (eight times the memory for
 * heads). */

#include "block/tlsf.h"

#include "base/bits.h"
#include "base/compiler.h"
#include "base/error.h"
#include "block/gaps.h"
#include "block/slack.h"
#include "block/slots.h"
#include "block/stale.h"

enum {
    PROBES = 6,
    CLOSE = 16,    /* a gap longer by up to 1/16 is as good */
    NEAR_BINS = 8, /* so is one from a bin up to 1/8 octave above */
    NEAR_GAPS = 4  /* of which so many are looked at */
};

/* ---- finding a gap ---- */

/* No overflow: a size is at most 2^63, padding less than that. */
FHI_HOT_INLINE bool fits(const fhi_node *gap, uint64_t size, uint64_t alignment)
{
    return gap->size >= size + fhi_padding(gap->offset, alignment);
}

/* All free units around a gap: its own, and the slack before it. */
FHI_HOT_INLINE uint64_t free_run(const fhi_tlsf *tlsf, const fhi_node *gap)
{
    return gap->size + fhi_node_slack(&tlsf->nodes[gap->prev]);
}

/* The gap in the shortest run of free units that fits, or 0. Walks whole bins, from the request's
 * own upwards, up to the first that has one: sizes of gaps are multiples of the granule, and slack
 * is less than one, so a longer gap is a longer run. The gap at the end of the block can be the
 * exception: it is weighed first, and does not end the walk. */
static uint32_t find_best(const fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    uint32_t last = tlsf->nodes[0].prev;
    uint32_t best = 0;
    uint64_t best_run = UINT64_MAX;
    uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_of(size));

    if (fhi_node_is_gap(&tlsf->nodes[last]) && fits(&tlsf->nodes[last], size, alignment)) {
        best = last;
        best_run = free_run(tlsf, &tlsf->nodes[last]);
    }
    for (bool found = false; !found && bin != FHI_BIN_NONE && bin <= fhi_bin_of(best_run);
         bin = fhi_bin_filled(tlsf, bin + 1)) {
        for (uint32_t i = tlsf->heads[bin]; i != 0 && best_run != size;
             i = tlsf->nodes[i].list_next) {
            const fhi_node *gap = &tlsf->nodes[i];
            if (fits(gap, size, alignment)) {
                uint64_t run = free_run(tlsf, gap);
                best = run < best_run ? i : best;
                best_run = run < best_run ? run : best_run;
                found = found || i != last;
            }
        }
    }
    return best;
}

/* The first gap that fits, of all that could, or 0. */
static uint32_t find_any(const fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_of(size));

    for (; bin != FHI_BIN_NONE; bin = fhi_bin_filled(tlsf, bin + 1)) {
        for (uint32_t i = tlsf->heads[bin]; i != 0; i = tlsf->nodes[i].list_next) {
            if (fits(&tlsf->nodes[i], size, alignment)) {
                return i;
            }
        }
    }
    return 0;
}

/* A gap from the first bin in which everything fits, padding included; else any. */
static uint32_t find_sure(const fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_above(size + (alignment - 1)));
    return bin != FHI_BIN_NONE ? tlsf->heads[bin] : find_any(tlsf, size, alignment);
}

/* Of the first few gaps that fit, and are not much longer than the first of them, the one at the
 * lowest offset; else a sure one. Gaps are multiples of the granule, so shorter ones than the
 * rounded size cannot fit: only the gap at the end of the block may be odd, and find_any() knows
 * it. */
static uint32_t find_close(const fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_of(fhi_align_up(size, tlsf->granule)));
    uint32_t probes = PROBES;
    uint32_t close = 0;
    uint64_t longest = UINT64_MAX;

    for (; bin != FHI_BIN_NONE && probes > 0; bin = fhi_bin_filled(tlsf, bin + 1)) {
        for (uint32_t i = tlsf->heads[bin]; i != 0 && probes > 0; i = tlsf->nodes[i].list_next) {
            const fhi_node *gap = &tlsf->nodes[i];
            if (gap->size > longest) {
                return close;
            }
            if (fits(gap, size, alignment)) {
                longest = close == 0 ? gap->size + gap->size / CLOSE : longest;
                close = close == 0 || gap->offset < tlsf->nodes[close].offset ? i : close;
            }
            probes--;
        }
    }
    return close != 0 ? close : find_sure(tlsf, size, alignment);
}

/* What must be in place before a request can be tried and carried out. The strategies that promise
 * the best place have no patience. */
static bool prepare(fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment)
{
    bool best =
        desc->strategy == FH_STRATEGY_MIN_MEMORY || desc->strategy == FH_STRATEGY_MIN_OFFSET;

    if ((desc->size < tlsf->threshold || alignment < tlsf->granule) &&
        !fhi_slack_refine(tlsf, desc->size, alignment)) {
        return false;
    }
    if (best && tlsf->patience > tlsf->threshold &&
        !fhi_slack_end_patience(tlsf, desc->size, alignment)) {
        return false;
    }
    if (desc->strategy == FH_STRATEGY_MIN_OFFSET && !tlsf->index && !fhi_slots_add_index(tlsf)) {
        return false;
    }
    if (desc->user && !tlsf->users && !fhi_slots_add_users(tlsf)) {
        return false;
    }
    return fhi_slots_reserve(tlsf);
}

/* A gap in which the request fits, or 0. */
static uint32_t find_gap(const fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment)
{
    switch (desc->strategy) {
    case FH_STRATEGY_MIN_TIME:
        return find_sure(tlsf, desc->size, alignment);
    case FH_STRATEGY_MIN_MEMORY:
        return find_best(tlsf, desc->size, alignment);
    case FH_STRATEGY_MIN_OFFSET:
        return fhi_offset_index_find(tlsf->index, tlsf->nodes, desc->size, alignment);
    case FH_STRATEGY_BALANCED:
        break;
    }
    return find_close(tlsf, desc->size, alignment);
}

/* ---- alloc ---- */

/* Makes the units from `offset` on into a range. What is left of the gap behind it keeps the node,
 * since a large gap then often keeps its bin, too. */
FHI_HOT_INLINE fh_result cut(fhi_tlsf *tlsf, uint32_t gap_slot, uint64_t offset,
                             const fh_range_desc *desc, uint64_t *out_id, uint64_t *out_offset,
                             uint32_t head_of, bool indexed)
{
    fhi_node *nodes = tlsf->nodes;
    fhi_node *gap = &nodes[gap_slot];
    uint32_t prev = gap->prev;
    uint64_t front_start = gap->offset;
    uint64_t gap_end = fhi_node_end(gap);
    uint64_t end = offset + desc->size;
    uint64_t rest = fhi_gap_start(tlsf, end);
    uint32_t front = 0;
    uint32_t slot = gap_slot;

    if (offset - front_start >= tlsf->patience) {
        front = fhi_slot_take(tlsf);
        fhi_slot_chain(nodes, front, prev, gap_slot);
        prev = front;
    } else if (offset != front_start) {
        /* Not the sentinel: what begins at 0 is aligned. */
        fhi_slack_set(tlsf, prev, fhi_node_slack(&nodes[prev]) + (offset - front_start));
    }
    if (fhi_gap_is_worth_it(tlsf, rest, gap_end)) {
        slot = fhi_slot_take(tlsf);
        fhi_slot_chain(nodes, slot, prev, gap_slot);
        fhi_gap_reshape(tlsf, gap_slot, rest, gap_end - rest, head_of, indexed);
        gap_end = rest;
    } else {
        fhi_gap_remove(tlsf, slot, head_of, indexed);
    }
    if (front != 0) { /* now that the index has forgotten what was there */
        fhi_gap_insert(tlsf, front, front_start, offset - front_start, indexed);
    }
    fhi_node *range = &nodes[slot];
    range->offset = offset;
    range->size = desc->size;
    range->generation = ++tlsf->generation;
    fhi_slack_set(tlsf, slot, gap_end - end);
    tlsf->range_count++;
    tlsf->range_bytes += desc->size;
    if (tlsf->users) {
        tlsf->users[slot] = desc->user;
    }
    *out_id = (uint64_t)range->generation << 32 | slot;
    if (out_offset) {
        *out_offset = offset;
    }
    return FH_OK;
}

/* The third way, by which every request can be carried out. */
FHI_COLD fh_result alloc_thoroughly(fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment,
                                    uint64_t *out_id, uint64_t *out_offset)
{
    bool prepared = prepare(tlsf, desc, alignment);
    uint32_t gap = prepared ? find_gap(tlsf, desc, alignment) : 0;

    if (prepared && gap == 0 && tlsf->patience > tlsf->threshold && desc->size <= tlsf->slack_max) {
        prepared = fhi_slack_end_patience(tlsf, desc->size, alignment) && fhi_slots_reserve(tlsf);
        gap = prepared ? find_gap(tlsf, desc, alignment) : 0;
    }
    if (!prepared) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the bookkeeping of one more range");
    }
    if (gap == 0) {
        return fhi_fail_with(
            FH_ERR_OUT_OF_MEMORY,
            "size: no free range fits {} units at alignment {}; {} units are free, in pieces",
            desc->size, alignment, tlsf->size - tlsf->range_bytes);
    }
    uint64_t offset = fhi_align_up(tlsf->nodes[gap].offset, alignment);
    return cut(tlsf, gap, offset, desc, out_id, out_offset, FHI_BIN_NONE, tlsf->index != NULL);
}

/* From three quarters full on it pays to look where to put things. */
FHI_HOT_INLINE bool is_tight(const fhi_tlsf *tlsf)
{
    return tlsf->range_bytes >= tlsf->size - tlsf->size / 4;
}

/* Of the first gaps of `bin` and of the next `count` filled bins that are near, which one has the
 * lowest offset? Its bin. Measured, that packs better than taking the first of them. */
FHI_HOT_INLINE uint32_t lowest_near(const fhi_tlsf *tlsf, uint32_t bin, uint32_t count)
{
    const fhi_node *nodes = tlsf->nodes;
    uint64_t above = tlsf->words[bin >> FHI_BIN_BITS] >> (bin % FHI_BINS_PER_OCTAVE);
    uint64_t near_bins = above & ((UINT64_C(2) << NEAR_BINS) - 2);
    uint32_t lowest = bin;

    for (; near_bins != 0 && count > 0; near_bins &= near_bins - 1, count--) {
        uint32_t other = bin + fhi_lowest_bit(near_bins);
        bool lower = nodes[tlsf->heads[other]].offset < nodes[tlsf->heads[lowest]].offset;
        lowest = lower ? other : lowest;
    }
    return lowest;
}

/* The second way: for an alignment above the usual one the same, padding considered; else a gap
 * from bins in which everything fits, padding included. */
FHI_COLD fh_result alloc_above(fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment,
                               uint64_t *out_id, uint64_t *out_offset)
{
    const fhi_node *nodes = tlsf->nodes;
    uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_of(fhi_align_up(desc->size, tlsf->granule)));

    if (alignment != tlsf->granule && bin != FHI_BIN_NONE) {
        uint32_t slot = tlsf->heads[bin];
        uint64_t padding = fhi_padding(nodes[slot].offset, alignment);
        if (nodes[slot].size >= desc->size + padding && padding < tlsf->patience) {
            return cut(tlsf, slot, nodes[slot].offset + padding, desc, out_id, out_offset, bin,
                       false);
        }
    }
    bin = fhi_bin_filled(tlsf, fhi_bin_above(desc->size + (alignment - tlsf->granule)));
    if (FHI_LIKELY(bin != FHI_BIN_NONE)) {
        if (desc->strategy == FH_STRATEGY_BALANCED && is_tight(tlsf)) {
            bin = lowest_near(tlsf, bin, alignment == tlsf->granule ? NEAR_GAPS : 1);
        }
        uint32_t slot = tlsf->heads[bin];
        uint64_t offset = fhi_align_up(nodes[slot].offset, alignment);
        if (FHI_LIKELY(offset - nodes[slot].offset < tlsf->patience)) {
            return cut(tlsf, slot, offset, desc, out_id, out_offset, bin, false);
        }
    }
    return alloc_thoroughly(tlsf, desc, alignment, out_id, out_offset);
}

/* The first way, and the hot path: the first gap of the first bin that may do, does, and begins
 * aligned, as all gaps do for the block's usual alignment. Calls nothing but the other two ways, so
 * it needs no stack frame for them. One slot is enough here and in alloc_above(), which leave no
 * gap in front of a range; without one, the third way fetches a batch. */
fh_result fhi_tlsf_alloc(fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment,
                         uint64_t *out_id, uint64_t *out_offset)
{
    if (FHI_UNLIKELY(desc->size < tlsf->threshold || alignment < tlsf->granule ||
                     (uint32_t)desc->strategy > (uint32_t)FH_STRATEGY_MIN_TIME || tlsf->index ||
                     tlsf->free_slots == 0 || (desc->user && !tlsf->users))) {
        return alloc_thoroughly(tlsf, desc, alignment, out_id, out_offset);
    }
    if (alignment == tlsf->granule) {
        uint32_t bin = fhi_bin_filled(tlsf, fhi_bin_of(fhi_align_up(desc->size, alignment)));
        if (FHI_LIKELY(bin != FHI_BIN_NONE)) {
            uint32_t slot = tlsf->heads[bin];
            if (tlsf->nodes[slot].size >= desc->size) {
                return cut(tlsf, slot, tlsf->nodes[slot].offset, desc, out_id, out_offset, bin,
                           false);
            }
        }
    }
    return alloc_above(tlsf, desc, alignment, out_id, out_offset);
}

/* ---- free ---- */

/* The slot that `id` stands for, or 0: stale. */
FHI_HOT_INLINE uint32_t resolve(const fhi_tlsf *tlsf, uint64_t id)
{
    uint32_t slot = (uint32_t)id;

    if (slot >= tlsf->high || !fhi_node_is_range(&tlsf->nodes[slot]) ||
        tlsf->nodes[slot].generation != (uint32_t)(id >> 32)) {
        return 0;
    }
    return slot;
}

FHI_HOT_INLINE void free_slot(fhi_tlsf *tlsf, uint32_t slot, bool indexed)
{
    fhi_node *nodes = tlsf->nodes;
    uint32_t prev = nodes[slot].prev;
    uint32_t next = nodes[slot].next;
    uint64_t start = nodes[slot].offset;
    uint64_t end = start + nodes[slot].size + fhi_node_slack(&nodes[slot]);

    tlsf->range_count--;
    tlsf->range_bytes -= nodes[slot].size;
    if (fhi_node_is_gap(&nodes[prev])) {
        fhi_slot_give(tlsf, slot);
        if (fhi_node_is_gap(&nodes[next])) {
            uint32_t after = nodes[next].next;
            end += nodes[next].size;
            fhi_gap_remove(tlsf, next, FHI_BIN_NONE, indexed);
            fhi_slot_give(tlsf, next);
            next = after;
        }
        nodes[prev].next = next;
        nodes[next].prev = prev;
        fhi_gap_reshape(tlsf, prev, nodes[prev].offset, end - nodes[prev].offset, FHI_BIN_NONE,
                        indexed);
        return;
    }
    if (FHI_UNLIKELY(fhi_node_slack(&nodes[prev]) >= tlsf->granule)) {
        start = fhi_gap_start(tlsf, fhi_node_end(&nodes[prev]));
        nodes[prev].mark = FHI_NODE_RANGE | (uint32_t)(start - fhi_node_end(&nodes[prev]));
    }
    if (fhi_node_is_gap(&nodes[next])) {
        fhi_slot_give(tlsf, slot);
        nodes[prev].next = next;
        nodes[next].prev = prev;
        fhi_gap_reshape(tlsf, next, start, fhi_node_end(&nodes[next]) - start, FHI_BIN_NONE,
                        indexed);
    } else {
        fhi_gap_insert(tlsf, slot, start, end - start, indexed);
    }
}

FHI_COLD void free_indexed_slot(fhi_tlsf *tlsf, uint32_t slot)
{
    free_slot(tlsf, slot, true);
}

fh_result fhi_tlsf_free(fhi_tlsf *tlsf, uint64_t id)
{
    uint32_t slot = resolve(tlsf, id);

    if (FHI_UNLIKELY(slot == 0)) {
        return id == 0 ? FH_OK : fhi_stale_range();
    }
    if (FHI_UNLIKELY(tlsf->index != NULL)) {
        free_indexed_slot(tlsf, slot);
    } else {
        free_slot(tlsf, slot, false);
    }
    return FH_OK;
}

/* ---- the rest ---- */

fh_result fhi_tlsf_info(const fhi_tlsf *tlsf, uint64_t id, fh_range_info *out_info)
{
    uint32_t slot = resolve(tlsf, id);
    if (slot == 0) {
        return fhi_stale_range();
    }
    out_info->offset = tlsf->nodes[slot].offset;
    out_info->size = tlsf->nodes[slot].size;
    out_info->user = tlsf->users ? tlsf->users[slot] : NULL;
    return FH_OK;
}

fh_result fhi_tlsf_set_user(fhi_tlsf *tlsf, uint64_t id, void *user)
{
    uint32_t slot = resolve(tlsf, id);
    if (slot == 0) {
        return fhi_stale_range();
    }
    if (user && !tlsf->users && !fhi_slots_add_users(tlsf)) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the block's first user value");
    }
    if (tlsf->users) {
        tlsf->users[slot] = user;
    }
    return FH_OK;
}

uint64_t fhi_tlsf_free_bound(const fhi_tlsf *tlsf)
{
    uint64_t unused = tlsf->size - tlsf->range_bytes;
    uint64_t bound = tlsf->slack_max;

    if (tlsf->octaves != 0) {
        uint32_t octave = fhi_highest_bit(tlsf->octaves);
        uint32_t bin = (octave << FHI_BIN_BITS) + fhi_highest_bit(tlsf->words[octave]);
        bound += fhi_bin_max(bin); /* what is slack before a gap is of use if less alignment is */
    }
    return bound < unused ? bound : unused;
}

static bool show_gap(uint64_t offset, uint64_t end, fh_block_visit_fn visit, void *context)
{
    fh_block_piece piece = {.offset = offset, .size = end - offset};
    return piece.size == 0 || visit(context, &piece);
}

void fhi_tlsf_visit(const fhi_tlsf *tlsf, fh_block_visit_fn visit, void *context)
{
    uint64_t end = 0; /* of the last range shown */

    for (uint32_t i = tlsf->nodes[0].next; i != 0; i = tlsf->nodes[i].next) {
        const fhi_node *node = &tlsf->nodes[i];
        if (fhi_node_is_gap(node)) {
            continue;
        }
        fh_block_piece piece = {.range.id = (uint64_t)node->generation << 32 | i,
                                .offset = node->offset,
                                .size = node->size,
                                .user = tlsf->users ? tlsf->users[i] : NULL};
        if (!show_gap(end, piece.offset, visit, context) || !visit(context, &piece)) {
            return;
        }
        end = piece.offset + piece.size;
    }
    show_gap(end, tlsf->size, visit, context);
}
