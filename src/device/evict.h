/* What evict.c gathers, evict_memory.c groups by memories, and evict_order.c puts in order. */

#ifndef FREEHOLD_DEVICE_EVICT_H
#define FREEHOLD_DEVICE_EVICT_H

#include "device/core.h"
#include "device/decide.h"

#define FHI_EVICT_NONE UINT32_MAX

/* A parcel that may go. */
typedef struct fhi_candidate {
    fh_parcel parcel;
    uint64_t size; /* reserved bytes */
    double key;
    uint32_t age, made; /* ticks */
    uint32_t ground;    /* index, or FHI_EVICT_NONE: driver bytes are not wanted of it */
    uint32_t next;      /* of the ground's, in order; FHI_EVICT_NONE at the end */
    float priority;
    uint16_t tag;
    uint8_t kind, heap, evictable;
    bool external;
    bool again;  /* was asked, in this round */
    bool closed; /* was asked, or noted, in this call */
    bool hole;   /* the request could lie where it lies */
} fhi_candidate;

/* A memory that parcels lie in; or an external parcel, where that helps a heap. */
typedef struct fhi_ground {
    uint64_t id;         /* the memory's */
    const fh_pool *pool; /* only compared */
    uint64_t size;       /* bytes that come free when it is empty */
    uint64_t live;       /* bytes of its candidates */
    uint32_t count;      /* candidates */
    /* Of its candidates that the order has reached: */
    uint32_t reached;
    uint32_t first, last; /* in order */
    uint64_t ranks;       /* sum of their places */
    uint32_t worst;       /* place of the last of all, once it is reached; before, FHI_EVICT_NONE */
    uint32_t spare;       /* so many of its pool's memories may go; UINT32_MAX = any number */
    uint8_t heap;
    bool fixed;    /* something lies in it that nobody may be asked for */
    bool at_tick;  /* some may be asked at a tick only */
    bool draining; /* something in it retires, or its owner said yes */
    bool gone;     /* it will be empty without anybody being asked any more */
    bool closed;   /* it was asked for, or noted, in this call */
    bool beyond;   /* its last candidate does not stand before the first hole */
} fhi_ground;

/* Where a candidate stands: by its words, then by its index. */
typedef struct fhi_rank {
    uint64_t words[3];
    uint32_t again; /* was asked: behind all that were not */
    uint32_t index;
} fhi_rank;

typedef struct fhi_candidates {
    fhi_core *core;
    fhi_evict_goal *goal;
    fhi_candidate *all;
    uint32_t count, capacity;
    uint32_t now; /* tick */
    bool in_request;
    fhi_ground *grounds;
    uint32_t ground_count, ground_capacity;
    uint32_t *index; /* by id, open: a ground + 1; twice ground_capacity of them */
    /* `count` each, or NULL. The first `reached` ranks are in order; the others lie as their
     * candidates do until the first is reached, and are a heap from then on. */
    fhi_rank *ranks, *room;
    uint32_t reached;
    bool is_heap;
} fhi_candidates;

static inline void fhi_evict_subtract(uint64_t *wanted, uint64_t bytes)
{
    *wanted = *wanted > bytes ? *wanted - bytes : 0;
}

/* The largest of a goal's parts. */
uint64_t fhi_evict_most_wanted(const fhi_evict_goal *goal);

/* isnan() without what MinGW's makes of doubles. */
static inline bool fhi_is_nan(double value)
{
    return !(value >= 0.0) && !(value <= 0.0);
}

/* The request could lie where it lies, and it may be asked on the request's thread. */
static inline bool fhi_leaves_hole_now(const fhi_candidate *one)
{
    return one->hole && !one->closed && !fhi_is_nan(one->key) &&
           one->evictable == FH_EVICTABLE_ANY_THREAD;
}

/* ---- grounds (evict_memory.c) ---- */

/* Make room for `count` more. No lock held. */
bool fhi_grounds_provide(fhi_candidates *candidates, uint32_t count);
void fhi_grounds_finish(fhi_candidates *candidates);

/* What the record lies in, which is made when it is new: there is room. Index, or NONE: driver
 * bytes are not wanted of it. Notes what a parcel that is no candidate means for it. Under the
 * lane's lock. */
uint32_t fhi_grounds_add(fhi_candidates *candidates, uint32_t slot, const fhi_record *record,
                         bool is_candidate);

/* After the walk: ask the pools how many of their blocks may go, and take off the goal what comes
 * free anyway. No lock held. */
void fhi_grounds_settle(fhi_candidates *candidates);

/* The order has reached the candidate, at `place`. */
void fhi_ground_reach(fhi_candidates *candidates, uint32_t index, uint32_t place);

/* Driver bytes still wanted of it. */
uint64_t fhi_ground_wanted(const fhi_candidates *candidates, const fhi_ground *ground);

/* Whether owners can empty it: all of them, and the goal needs it. `now`: in this call. */
bool fhi_ground_can_go(const fhi_candidates *candidates, const fhi_ground *ground, bool now);

/* What to empty instead of `ground`, which is the next in order: NULL = nothing better. */
fhi_ground *fhi_ground_cheaper(fhi_candidates *candidates, const fhi_ground *ground);

/* It will be empty: take it off the goal. */
void fhi_ground_goes(fhi_candidates *candidates, fhi_ground *ground);

/* ---- order (evict_order.c) ---- */

/* Room for the order of the candidates there are. False: no host memory. No lock held. */
bool fhi_evict_order_provide(fhi_candidates *candidates);
void fhi_evict_order_finish(fhi_candidates *candidates);

/* Decide it: asks the policy, but not from a request. Grounds with a candidate that a NaN forbids
 * become fixed. No lock held. */
void fhi_evict_order_make(fhi_candidates *candidates, bool in_request);

/* The first of those on any thread that leave the hole, as an index, where no memory that can go
 * would have its turn before it; FHI_EVICT_NONE: there is none, or only the whole order tells. For
 * an order of which nothing was reached yet. */
uint32_t fhi_evict_first_hole(fhi_candidates *candidates);

/* Reach the candidate at `place`, and all before it. */
void fhi_evict_order_reach(fhi_candidates *candidates, uint32_t place);

/* The candidate at `place`. */
static inline fhi_candidate *fhi_evict_at(fhi_candidates *candidates, uint32_t place)
{
    if (place >= candidates->reached) {
        fhi_evict_order_reach(candidates, place);
    }
    return &candidates->all[candidates->ranks[place].index];
}

#endif
