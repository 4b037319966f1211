/* Verdicts of `place`, cached by class. A class is kind, usage, location, access, tag and size
 * step, packed into one word, so that two classes are never taken for each other.
 *
 * Two stages. The device's table has up to 4,096 verdicts and knows which was used least recently;
 * it stands under policies.lock. In front of it each lane has a few copies, by the class's hash,
 * under its own lock: a hit there is one turn of a lock that other threads hardly ever want, a
 * comparison and a copy, so threads do not meet. A copy counts for one tick only: that keeps the
 * table's order of use true to a tick, and makes FH_KEEP_FRAME no special case.
 *
 * In front of that in turn stands what a verdict comes to for a small, plain buffer: a memory type
 * and a priority. The quick way (buffer.c) finds it by the description alone, under the lane's
 * lock, which it holds anyway; what it does not find goes the long way, and is there the next time.
 *
 * All of it belongs to one `verdict_version`. Setting a policy and forgetting move that on, and
 * what is of another version is not there. */

#ifndef FREEHOLD_DEVICE_VERDICT_H
#define FREEHOLD_DEVICE_VERDICT_H

#include "base/bits.h"
#include "base/compiler.h"

#include <freehold/host.h>
#include <freehold/policy.h>
#include <freehold/resource.h>

enum {
    FHI_VERDICTS = 4096,    /* at most; the least used goes */
    FHI_LANE_VERDICTS = 64, /* a lane's own copies */
    FHI_PLACE_STEPS = 32
};

typedef struct fhi_verdict {
    uint64_t class_key; /* 0 = none */
    uint64_t tick;      /* the only one at which it counts; UINT64_MAX = at all */
    fh_verdict verdict;
    bool decided; /* false: the policy has no opinion */
} fhi_verdict;

/* Places are linked by index + 1; 0 = none. */
typedef struct fhi_verdict_place {
    fhi_verdict verdict;
    uint16_t first; /* of the chain of the classes whose hash is this place's index */
    uint16_t chain; /* the next in this verdict's own */
    uint16_t newer, older;
} fhi_verdict_place;

typedef struct fhi_verdict_table {
    uint64_t version;
    fhi_verdict_place *places; /* `capacity`, a power of two; NULL until one is kept */
    uint32_t capacity, count;
    uint16_t newest, oldest;
} fhi_verdict_table;

/* A policy's class boundaries beside the powers of two, ascending. */
typedef struct fhi_steps {
    uint32_t count;
    uint64_t sizes[FHI_PLACE_STEPS];
} fhi_steps;

/* A verdict, followed for a plain buffer. */
typedef struct fhi_quick_verdict {
    uint64_t key;       /* of its class, but with the access as it was given; 0 = none */
    uint32_t type_mask; /* of the object that it was followed for; 0 = the long way */
    uint32_t type;      /* the first to try */
    float priority;     /* 0 = the request's own */
    uint32_t spare[3];  /* 32 bytes are found by a shift */
} fhi_quick_verdict;

typedef struct fhi_lane_verdicts {
    uint64_t version;
    fhi_steps steps; /* of the policy of that version */
    fhi_quick_verdict quick[FHI_LANE_VERDICTS];
    fhi_verdict verdicts[FHI_LANE_VERDICTS];
} fhi_lane_verdicts;

/* A class but for the policy's steps: of those up to the size each adds FHI_CLASS_STEP. Never 0. */
FHI_HOT_INLINE uint64_t fhi_class_base(fh_kind kind, fh_usage usage, fh_location location,
                                       fh_access access, fh_tag tag, uint64_t size)
{
    uint64_t step = size == 0 ? 0 : fhi_highest_bit(size);
    return UINT64_C(1) << 63 | (uint64_t)usage << 24 | step << 17 | (uint64_t)tag << 7 |
           (uint64_t)kind << 4 | (uint64_t)location << 2 | (uint64_t)access;
}

#define FHI_CLASS_STEP (UINT64_C(1) << 17)

FHI_HOT_INLINE uint32_t fhi_class_hash(uint64_t class_key)
{
    return (uint32_t)((class_key * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

FHI_HOT_INLINE uint32_t fhi_steps_up_to(const fhi_steps *steps, uint64_t size)
{
    uint32_t count = 0;
    while (count < steps->count && steps->sizes[count] <= size) {
        count++;
    }
    return count;
}

/* Where a class stands among the quick ones. Its base is hashed before the lane is locked. */
FHI_HOT_INLINE fhi_quick_verdict *fhi_quick_at(fhi_lane_verdicts *copies, uint32_t base_hash,
                                               uint32_t step)
{
    return &copies->quick[(base_hash + step) % FHI_LANE_VERDICTS];
}

typedef struct fhi_core fhi_core;
typedef struct fhi_policy fhi_policy;

/* The smallest and the largest size of a size's class. */
void fhi_class_bounds(const fhi_steps *steps, uint64_t size, uint64_t *out_min, uint64_t *out_max);

void fhi_verdicts_finish(fhi_core *core);

#endif
