/* The parts of counting that are not hot. */

#include "backend/host/counts.h"

void fhi_sim_count_elsewhere(fhi_sim_counts *counts, uint32_t home, uintptr_t anchor,
                             uint32_t which)
{
    for (uint32_t i = 0; i < FHI_SIM_STRIPE_PROBES; i++) {
        fhi_sim_stripe *stripe = &counts->stripes[(home + i) % FHI_SIM_STRIPES];
        uintptr_t owner = atomic_load_explicit(&stripe->owner, memory_order_relaxed);
        /* Who fails to take a free one has `owner` filled in, and it is not this thread. */
        if (owner == anchor || (owner == 0 && atomic_compare_exchange_strong_explicit(
                                                  &stripe->owner, &owner, anchor,
                                                  memory_order_relaxed, memory_order_relaxed))) {
            fhi_sim_count_own(stripe, which);
            return;
        }
    }
    atomic_fetch_add_explicit(&counts->stripes[home].shared[which], 1, memory_order_relaxed);
}

uint64_t fhi_sim_counted(const fhi_sim_counts *counts, uint32_t which)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < FHI_SIM_STRIPES; i++) {
        const fhi_sim_stripe *stripe = &counts->stripes[i];
        sum += atomic_load_explicit(&stripe->own[which], memory_order_relaxed);
        sum += atomic_load_explicit(&stripe->shared[which], memory_order_relaxed);
    }
    return sum;
}
