/* What evict.c gathers, and evict_order.c puts in order. */

#ifndef FREEHOLD_DEVICE_EVICT_H
#define FREEHOLD_DEVICE_EVICT_H

#include "device/decide.h"

/* A parcel that may go. */
typedef struct fhi_candidate {
    fh_parcel parcel;
    uint64_t size; /* reserved bytes */
    double key;
    uint32_t age, made; /* ticks */
    float priority;
    uint16_t tag;
    uint8_t kind, heap, evictable;
    bool external;
    bool again; /* was asked, in this round */
} fhi_candidate;

typedef struct fhi_candidates {
    fhi_core *core;
    const fhi_evict_goal *goal;
    fhi_candidate *all;
    uint32_t count, capacity;
    uint32_t now; /* tick */
} fhi_candidates;

/* The largest of a goal's parts. */
uint64_t fhi_evict_most_wanted(const fhi_evict_goal *goal);

/* The candidates as indices in the order in which they are asked: `indices` or `room`, which both
 * have a place for each. Asks the policy, but not from a request. No lock held. */
const uint32_t *fhi_evict_order_make(fhi_candidates *candidates, bool in_request, uint32_t *indices,
                                     uint32_t *room);

/* isnan() without what MinGW's makes of doubles. */
static inline bool fhi_is_nan(double value)
{
    return !(value >= 0.0) && !(value <= 0.0);
}

#endif
