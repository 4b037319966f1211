/* Gaps, and the bins that they stand in by size. All of it is inline: these few lines are where
 * alloc and free spend their time. tlsf.c has the essay. */

#ifndef FREEHOLD_BLOCK_GAPS_H
#define FREEHOLD_BLOCK_GAPS_H

#include "base/bits.h"
#include "base/compiler.h"
#include "block/tlsf.h"

enum {
    FHI_CROWDED = 1 << 16 /* slots: 2 MiB of nodes, more than a core's own caches hold */
};

/* ---- bins ---- */

/* Which bin a gap of `size` belongs in. */
FHI_HOT_INLINE uint32_t fhi_bin_of(uint64_t size)
{
    uint32_t shift = fhi_highest_bit(size | FHI_BINS_PER_OCTAVE) - FHI_BIN_BITS;
    return (shift << FHI_BIN_BITS) + (uint32_t)(size >> shift);
}

/* The first bin in which every size is at least `size`. */
FHI_HOT_INLINE uint32_t fhi_bin_above(uint64_t size)
{
    return fhi_bin_of(size - 1) + 1;
}

/* The largest size that belongs in `bin`. */
static inline uint64_t fhi_bin_max(uint32_t bin)
{
    if (bin < FHI_BINS_PER_OCTAVE) {
        return bin;
    }
    uint32_t shift = (bin >> FHI_BIN_BITS) - 1;
    uint64_t first = (uint64_t)(bin - (shift << FHI_BIN_BITS)) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

/* The first filled bin at or above `bin`, or FHI_BIN_NONE. `bin` is at most FHI_OCTAVES * 64. */
FHI_HOT_INLINE uint32_t fhi_bin_filled(const fhi_tlsf *tlsf, uint32_t bin)
{
    uint32_t octave = bin >> FHI_BIN_BITS;
    uint64_t word = tlsf->words[octave] & (~UINT64_C(0) << (bin % FHI_BINS_PER_OCTAVE));

    if (FHI_UNLIKELY(word == 0)) {
        uint64_t above = tlsf->octaves & (~UINT64_C(1) << octave);
        if (above == 0) {
            return FHI_BIN_NONE;
        }
        octave = fhi_lowest_bit(above);
        word = tlsf->words[octave];
    }
    return (octave << FHI_BIN_BITS) + fhi_lowest_bit(word);
}

/* Few gaps leave many bins empty, at random: setting a bit that is set already is cheaper than a
 * mispredicted branch. In a crowded block bins are rarely empty, so the branch predicts; and a word
 * that was not written lets the next alloc read it before the cache misses of this free are
 * over. */
FHI_HOT_INLINE void fhi_bin_link(fhi_tlsf *tlsf, uint32_t slot, uint32_t bin)
{
    uint32_t head = tlsf->heads[bin];

    tlsf->nodes[slot].list_prev = FHI_BIN_HEAD | bin;
    tlsf->nodes[slot].list_next = head;
    tlsf->nodes[head].list_prev = slot; /* of an empty bin: the sentinel, where nobody reads it */
    tlsf->heads[bin] = slot;
    if (FHI_LIKELY(tlsf->high < FHI_CROWDED) || head == 0) {
        uint32_t octave = bin >> FHI_BIN_BITS;
        uint64_t word = tlsf->words[octave];

        tlsf->words[octave] = word | UINT64_C(1) << (bin % FHI_BINS_PER_OCTAVE);
        if (FHI_UNLIKELY(word == 0)) {
            tlsf->octaves |= UINT64_C(1) << octave;
        }
    }
}

/* `next` becomes the first gap of `bin`. */
FHI_HOT_INLINE void fhi_bin_set_head(fhi_tlsf *tlsf, uint32_t bin, uint32_t next)
{
    tlsf->heads[bin] = next;
    if (next == 0) {
        uint32_t octave = bin >> FHI_BIN_BITS;
        tlsf->words[octave] &= ~(UINT64_C(1) << (bin % FHI_BINS_PER_OCTAVE));
        if (tlsf->words[octave] == 0) {
            tlsf->octaves &= ~(UINT64_C(1) << octave);
        }
    }
}

/* `head_of` is the bin whose first gap this is, if the caller knows; else FHI_BIN_NONE. */
FHI_HOT_INLINE void fhi_bin_unlink(fhi_tlsf *tlsf, uint32_t slot, uint32_t head_of)
{
    uint32_t next = tlsf->nodes[slot].list_next;
    uint32_t prev = head_of != FHI_BIN_NONE ? FHI_BIN_HEAD | head_of : tlsf->nodes[slot].list_prev;

    tlsf->nodes[next].list_prev = prev;
    if (prev & FHI_BIN_HEAD) {
        fhi_bin_set_head(tlsf, prev & ~FHI_BIN_HEAD, next);
    } else {
        tlsf->nodes[prev].list_next = next;
    }
}

/* ---- gaps: a node, its bin, and its place in the index where there is one ---- */

/* Below, `indexed` is whether there is an index. It is a constant on alloc's first two ways and in
 * free, so that these never touch that code in blocks without one. */

FHI_HOT_INLINE void fhi_gap_insert(fhi_tlsf *tlsf, uint32_t slot, uint64_t offset, uint64_t size,
                                   bool indexed)
{
    tlsf->nodes[slot].offset = offset;
    tlsf->nodes[slot].size = size;
    fhi_bin_link(tlsf, slot, fhi_bin_of(size));
    if (indexed) {
        fhi_offset_index_insert(tlsf->index, tlsf->nodes, slot);
    }
}

FHI_HOT_INLINE void fhi_gap_remove(fhi_tlsf *tlsf, uint32_t slot, uint32_t head_of, bool indexed)
{
    if (indexed) {
        fhi_offset_index_remove(tlsf->index, tlsf->nodes, slot);
    }
    fhi_bin_unlink(tlsf, slot, head_of);
}

/* Moves the ends of a gap; its place in the address order stays. */
FHI_HOT_INLINE void fhi_gap_reshape(fhi_tlsf *tlsf, uint32_t slot, uint64_t offset, uint64_t size,
                                    uint32_t head_of, bool indexed)
{
    fhi_node *gap = &tlsf->nodes[slot];
    uint32_t bin = fhi_bin_of(size);
    uint32_t old_bin = head_of != FHI_BIN_NONE ? head_of : fhi_bin_of(gap->size);

    gap->offset = offset;
    gap->size = size;
    if (bin != old_bin) {
        fhi_bin_unlink(tlsf, slot, head_of);
        fhi_bin_link(tlsf, slot, bin);
    }
    if (indexed) {
        fhi_offset_index_update(tlsf->index, tlsf->nodes, slot);
    }
}

/* The first unit at or behind `end` where a gap can begin. */
FHI_HOT_INLINE uint64_t fhi_gap_start(const fhi_tlsf *tlsf, uint64_t end)
{
    return fhi_align_up(end, tlsf->granule);
}

/* A gap may begin at `start` and ends at `end`; at the end of the block, start can lie beyond. */
FHI_HOT_INLINE bool fhi_gap_is_worth_it(const fhi_tlsf *tlsf, uint64_t start, uint64_t end)
{
    return start < end && end - start >= tlsf->threshold;
}

/* Says what is slack behind a range. */
FHI_HOT_INLINE void fhi_slack_set(fhi_tlsf *tlsf, uint32_t slot, uint64_t slack)
{
    tlsf->nodes[slot].mark = FHI_NODE_RANGE | (uint32_t)slack;
    if (FHI_UNLIKELY(slack > tlsf->slack_max)) {
        tlsf->slack_max = (uint32_t)slack;
    }
}

#endif
