/* Counters that many threads add to at once and hardly anybody reads.
 *
 * Creating a small buffer takes a few nanoseconds; one atomic addition takes as long, and one to a
 * cache line that another thread has just written takes ten times that. So there are stripes. The
 * first thread that comes to a stripe owns it, and adds by a plain load and store, since nobody
 * else writes there. A thread that finds its stripe owned by another tries the next few; where all
 * are taken it adds to the second half of its own, atomically. A stripe is never given up: a thread
 * that ends leaves it to the next one with the same anchor, and what made the anchor's memory free
 * for reuse ordered the two. */

#ifndef FREEHOLD_HOST_COUNTS_H
#define FREEHOLD_HOST_COUNTS_H

#include <freehold/simulated.h>

#include "base/compiler.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    /* The calls first, at their fh_backend_call. */
    FHI_SIM_COUNT_UNMADE = FH_BACKEND_CALL_COUNT, /* objects that a create call did not make */
    FHI_SIM_COUNT_DESTROYED,                      /* objects */
    FHI_SIM_COUNTS = 16,
    FHI_SIM_STRIPES = 32, /* 2^FHI_SIM_STRIPE_BITS */
    FHI_SIM_STRIPE_BITS = 5,
    FHI_SIM_STRIPE_PROBES = 4
};
_Static_assert(FHI_SIM_COUNT_DESTROYED < FHI_SIM_COUNTS, "a stripe is a whole of cache lines");

typedef struct fhi_sim_stripe {
    _Alignas(64) _Atomic uint64_t own[FHI_SIM_COUNTS];
    _Atomic uint64_t shared[FHI_SIM_COUNTS];
    _Atomic uintptr_t owner; /* fhi_thread_anchor(); 0 = nobody yet. Changes once. */
} fhi_sim_stripe;

typedef struct fhi_sim_counts {
    fhi_sim_stripe stripes[FHI_SIM_STRIPES];
} fhi_sim_counts;

/* What fhi_sim_count() does for whom stripe `home` does not belong to (yet). */
void fhi_sim_count_elsewhere(fhi_sim_counts *counts, uint32_t home, uintptr_t anchor,
                             uint32_t which);

static inline void fhi_sim_count_own(fhi_sim_stripe *stripe, uint32_t which)
{
    uint64_t before = atomic_load_explicit(&stripe->own[which], memory_order_relaxed);
    atomic_store_explicit(&stripe->own[which], before + 1, memory_order_relaxed);
}

/* The sum, exact when no call is in flight. */
uint64_t fhi_sim_counted(const fhi_sim_counts *counts, uint32_t which);

FHI_HOT_INLINE void fhi_sim_count(fhi_sim_counts *counts, uint32_t which)
{
    uintptr_t anchor = fhi_thread_anchor();
    /* Source: Knuth's multiplicative hash. Anchors are a thread's stack apart. */
    uint64_t hash = (uint64_t)anchor * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t home = (uint32_t)(hash >> (64 - FHI_SIM_STRIPE_BITS));
    fhi_sim_stripe *stripe = &counts->stripes[home];

    if (FHI_LIKELY(atomic_load_explicit(&stripe->owner, memory_order_relaxed) == anchor)) {
        fhi_sim_count_own(stripe, which);
    } else {
        fhi_sim_count_elsewhere(counts, home, anchor, which);
    }
}

#endif
