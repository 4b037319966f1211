/* Virtual blocks: bookkeeping of used and free ranges. No memory stands behind a block: it hands
 * out offsets, in whatever unit the caller chose (bytes, descriptors, texels, 64 KiB pages), up to
 * 2^63 of them. Sizes are exact, alignment padding stays usable, and free neighbours are always
 * merged.
 *
 *     fh_block *block;
 *     fh_range range;
 *     uint64_t offset;
 *     fh_block_create(&(fh_block_desc){.size = 64 << 20}, &block);
 *     fh_block_alloc(block, &(fh_range_desc){.size = 1000, .alignment = 256}, &range, &offset);
 *     fh_block_free(block, range);
 *     fh_block_destroy(block);
 *
 * Not thread-safe: one thread, or one lock, per block. A callback must not call the block it was
 * called from. Wrong arguments are errors in every build; fh_error_detail() says which. */

#ifndef FREEHOLD_BLOCK_H
#define FREEHOLD_BLOCK_H

#include <freehold/host.h>
#include <freehold/result.h>
#include <freehold/stats.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fh_block fh_block;

/* One piece of a block, by value. {0} is no range. Handles carry a 32-bit generation that counts
 * the block's allocations, from a start of its own: a handle that was freed is refused with
 * FH_ERR_STALE, until the block has made 2^32 more; and so is, but for a chance of one in 2^32, a
 * handle of another block. */
typedef struct fh_range {
    uint64_t id; /* opaque */
} fh_range;

/* Sizes a block can have: 1 to this. */
#define FH_BLOCK_SIZE_MAX (UINT64_C(1) << 63)

typedef enum fh_block_algorithm {
    FH_BLOCK_TLSF = 0, /* general: any order of alloc and free, O(1), little waste */
    FH_BLOCK_LINEAR    /* stack, ring, double stack, free-at-once: faster, for those orders only */
} fh_block_algorithm;

/* Which free range a TLSF block takes. None changes whether a request succeeds. */
typedef enum fh_strategy {
    FH_STRATEGY_BALANCED = 0, /* close to best fit; low offsets where the block is tight */
    FH_STRATEGY_MIN_TIME,     /* the first free range that fits or is surely large enough */
    FH_STRATEGY_MIN_MEMORY,   /* best fit: no smaller free range would do */
    FH_STRATEGY_MIN_OFFSET    /* the lowest offset at which the request fits */
} fh_strategy;

typedef struct fh_block_desc {
    uint64_t size;                /* units; required, 1 to FH_BLOCK_SIZE_MAX */
    fh_block_algorithm algorithm; /* 0 = TLSF */
    const fh_host_memory *memory; /* NULL = the C library's allocator; copied */
    const fh_log *log;            /* NULL = silent; copied */
} fh_block_desc;

typedef struct fh_range_desc {
    uint64_t size;        /* units; required, > 0 */
    uint64_t alignment;   /* units, a power of two; 0 = 1 */
    fh_strategy strategy; /* 0 = balanced; linear blocks ignore it */
    bool upper;           /* linear blocks: from the top downwards (double stack) */
    void *user;           /* anything, also NULL; kept, never read */
} fh_range_desc;

typedef struct fh_range_info {
    uint64_t offset, size; /* units; size as asked for */
    void *user;
} fh_range_info;

/* What fh_block_visit shows: a range, or a gap with range {0} and user NULL. */
typedef struct fh_block_piece {
    fh_range range;
    uint64_t offset, size; /* units */
    void *user;
} fh_block_piece;

/* Called once per piece; `piece` is borrowed for the call. Return false to end the walk. */
typedef bool (*fh_block_visit_fn)(void *context, const fh_block_piece *piece);

/**
 * Make a block of `desc->size` free units.
 *
 * Owns:    the caller owns *out_block; give it back with fh_block_destroy().
 * Errors:  INVALID (an argument is NULL, size 0 or above FH_BLOCK_SIZE_MAX, unknown algorithm, a
 *          callback missing in `memory` or `log`), HOST_MEMORY; *out_block is then NULL.
 * Threads: any.
 * Cost:    O(log size). Host memory: a TLSF block takes 2.1 KiB, and 256 bytes for each doubling of
 *          its size above 64 units; then 32 bytes for each range or gap, 8 more once a user value
 *          is not NULL, 24 more once MIN_OFFSET is asked for. A linear block takes 32 bytes for
 *          each range, and for a freed one until an end of its stack or ring reaches it. Room for
 *          ranges grows by doubling.
 */
FH_API fh_result fh_block_create(const fh_block_desc *desc, fh_block **out_block);

/**
 * Destroy a block and free everything in it. Ranges that still live are no error: their count goes
 * to the log as a warning. NULL is a no-op.
 *
 * Threads: caller serialises calls on one block.
 * Cost:    O(1).
 */
FH_API void fh_block_destroy(fh_block *block);

/**
 * Find room for a new range in `block`.
 *
 * TLSF refuses if and only if no free range fits the aligned request, whatever the strategy. Linear
 * appends after the last range, or, when the end does not fit and the front is free, at the front
 * (ring); `upper` goes to align_down(top - size). A ring and a double stack exclude each other: the
 * one that comes second is refused until the other has drained.
 *
 * Owns:    the caller owns *out_range; give it back with fh_block_free() or fh_block_clear().
 * Errors:  INVALID (an argument but `out_offset` is NULL, size 0, alignment not a power of two,
 *          unknown strategy, also in a linear block), OUT_OF_MEMORY (no free
 *          range fits), HOST_MEMORY, UNSUPPORTED (`upper` on TLSF); nothing is changed, *out_range
 *          is {0} and *out_offset is UINT64_MAX. `out_offset` may be NULL.
 * Threads: caller serialises calls on one block.
 * Cost:    O(1), amortised over the growth of the bookkeeping. MIN_MEMORY: the length of the bins
 *          from the request's own to the first in which it fits. MIN_OFFSET: O(log n), plus a step
 *          for each gap that is long enough but for its alignment; the first such request walks the
 *          block, and from then on any alloc or free in it is O(log n). Two things can take longer,
 *          in TLSF: a request that nothing quick could place is looked for in all bins that
 *          straddle its size, padding included, before it is placed there or refused; and since it
 *          was made or cleared, a block is walked by the first request of MIN_MEMORY or MIN_OFFSET,
 *          by the first that would be refused while padding lies idle, and by one that is less
 *          aligned, or smaller by a power of two, than all before it.
 */
FH_API fh_result fh_block_alloc(fh_block *block, const fh_range_desc *desc, fh_range *out_range,
                                uint64_t *out_offset);

/**
 * Give a range back. {0} is a no-op.
 *
 * Errors:  INVALID (`block` is NULL), STALE (freed before, or never of this block); nothing
 *          changed.
 * Threads: caller serialises calls on one block.
 * Cost:    O(1); linear: amortised; O(log n) in a block that was asked for MIN_OFFSET.
 */
FH_API fh_result fh_block_free(fh_block *block, fh_range range);

/**
 * Free all ranges at once. Their handles become stale. Bookkeeping beyond what this period and the
 * one before both had use for is given back to the host (a period is the time between two clears).
 * NULL is a no-op.
 *
 * Threads: caller serialises calls on one block.
 * Cost:    O(log size), not by the number of ranges.
 */
FH_API void fh_block_clear(fh_block *block);

/**
 * Where `range` lies, and its user value.
 *
 * Errors:  INVALID (an argument is NULL), STALE ({0}, freed before, or never of this block);
 *          *out_info is then zero.
 * Threads: caller serialises calls on one block.
 * Cost:    O(1).
 */
FH_API fh_result fh_block_info(const fh_block *block, fh_range range, fh_range_info *out_info);

/**
 * Replace the user value of `range`.
 *
 * Errors:  INVALID (`block` is NULL), STALE ({0}, freed before, or never of this block),
 *          HOST_MEMORY (the first value of a TLSF block that is not NULL makes room for all).
 * Threads: caller serialises calls on one block.
 * Cost:    O(1), but for that first value.
 */
FH_API fh_result fh_block_set_user(fh_block *block, fh_range range, void *user);

/**
 * Counters of `block`; all 0 when `block` is NULL. NULL `out_stats` is a no-op.
 *
 * Threads: caller serialises calls on one block.
 * Cost:    O(1).
 */
FH_API void fh_block_stats(const fh_block *block, fh_stats *out_stats);

/**
 * Counters with gaps and extremes; those of an empty set when `block` is NULL. NULL `out_detail` is
 * a no-op.
 *
 * Threads: caller serialises calls on one block.
 * Cost:    O(n), a walk over all ranges and gaps.
 */
FH_API void fh_block_detail(const fh_block *block, fh_stats_detail *out_detail);

/**
 * An upper bound: no request larger than this can succeed now. 0 when the block is full, or NULL.
 * What a list of blocks needs to skip the full ones; a request up to the bound may still be
 * refused.
 *
 * Threads: caller serialises calls on one block.
 * Cost:    O(1).
 */
FH_API uint64_t fh_block_free_bound(const fh_block *block);

/**
 * Move the end of the block: grow it, or shrink it when nothing lies beyond the new end. Ranges
 * stay where they are. A ring takes new units in when it has drained.
 *
 * Errors:  INVALID (`block` is NULL, size 0 or above FH_BLOCK_SIZE_MAX), BUSY (a range lies beyond
 *          the new end, or a linear block has upper ranges, which hang from the end that would
 *          move), HOST_MEMORY; nothing is changed.
 * Threads: caller serialises calls on one block.
 * Cost:    O(1), amortised; O(log size) where a TLSF block needs more bins, and O(log n) in one
 *          that was asked for MIN_OFFSET; in a ring a step for each freed range just before the
 *          wrap.
 */
FH_API fh_result fh_block_resize(fh_block *block, uint64_t size);

/**
 * Show all ranges and gaps in address order, without a hole between them: the sizes add up to the
 * block's. `visit` must not change the block.
 *
 * Errors:  INVALID (an argument other than `context` is NULL).
 * Threads: caller serialises calls on one block.
 * Cost:    O(n).
 */
FH_API fh_result fh_block_visit(const fh_block *block, fh_block_visit_fn visit, void *context);

/**
 * Write the block as one JSON object that the field's memory-dump visualiser reads; `detailed`
 * lists every range and gap in address order. A user value that is not NULL is shown as
 * "CustomData", in hexadecimal. Calls `write` with pieces of the text; fh_write_file is a ready
 * one.
 *
 * Errors:  INVALID (`block` or `write` is NULL), or what `write` returned.
 * Threads: caller serialises calls on one block.
 * Cost:    O(n); no host memory is allocated.
 */
FH_API fh_result fh_block_json(const fh_block *block, bool detailed, fh_write_fn write,
                               void *context);

#ifdef __cplusplus
}
#endif

#endif
