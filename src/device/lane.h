/* Lanes: what threads would otherwise fight over, sixteen times. A thread uses the lane it was
 * given when it first called; threads beyond the sixteenth share. A lane has slots, shares of the
 * use accounts, counters, and slabs to cut small ranges from, all under one lock that hardly ever
 * has two takers. What was made in a lane goes back to it, whatever thread releases it. */

#ifndef FREEHOLD_DEVICE_LANE_H
#define FREEHOLD_DEVICE_LANE_H

#include "base/lock.h"
#include "device/account.h"
#include "device/deed.h"
#include "device/record.h"

#include <stdalign.h>
#include <stdint.h>

enum {
    FHI_LANES = 16,
    FHI_THREADS = 64 /* threads that are told apart before lanes are picked by hash */
};

/* A lane's part of the statistics of one memory type. */
typedef struct fhi_type_share {
    uint64_t range_count, range_bytes, retiring_bytes;
} fhi_type_share;

typedef struct fhi_lane {
    /* Guards all below, the fields of the records of this lane's slots, and this lane's slabs in
     * all pools. Taken inside no other lock, and no other lock inside it. */
    alignas(64) fhi_latch lock;
    uint32_t free_slots; /* list through record->next; FHI_NO_SLOT = none */
    uint32_t parcel_count;
    uint64_t committed_bytes;
    uint64_t created_bytes, freed_bytes; /* range bytes since the device was made */
    uint64_t quick_stamp;                /* at which verdicts->quick counts */
    struct fhi_lane_verdicts *verdicts;  /* NULL until the policy decided here first (verdict.h) */
    uint64_t external_bytes;
    uint64_t retiring_count;
    fhi_share kinds[FH_KIND_COUNT];
    fhi_share *tags; /* core->tags.capacity of them once a tagged parcel was made here, or NULL */
    uint32_t tag_capacity;
    fhi_type_share types[FH_MEMORY_TYPE_MAX];
    fhi_deed_share deeds[FHI_DEEDS];
    struct fhi_inside *inside; /* threads of this lane that are in a callback (inside.h) */
} fhi_lane;

/* Which thread uses which lane; entries are claimed once and never change. */
typedef struct fhi_lane_map {
    _Atomic uintptr_t threads[FHI_THREADS]; /* fhi_thread_anchor(); 0 = free */
    _Atomic uint8_t lanes[FHI_THREADS];     /* written by the thread itself */
    _Atomic uint32_t count;
} fhi_lane_map;

/* The calling thread's lane. */
uint32_t fhi_lane_of_thread(fhi_core *core);

/* Have room for the shares of all tags made so far. No lock held. */
fh_result fhi_lane_provide_tags(fhi_core *core, uint32_t lane_index);

#endif
