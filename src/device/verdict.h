/* Verdicts of `place`, cached by class. A class is kind, usage, location, access, tag and size
 * step, packed into one word, so that two classes are never taken for each other.
 *
 * Two stages. The device's table has up to 4,096 verdicts and knows which was used least recently;
 * it stands under policies.lock. In front of it each lane has a few copies, by the class's hash,
 * under its own lock: a hit there is one turn of a lock that other threads hardly ever want, a
 * comparison and a copy, so threads do not meet. A copy counts for one tick only: that keeps the
 * table's order of use true to a tick, and makes FH_KEEP_FRAME no special case.
 *
 * All of it belongs to one `verdict_version`. Setting a policy and forgetting move that on, and
 * what is of another version is not there. */

#ifndef FREEHOLD_DEVICE_VERDICT_H
#define FREEHOLD_DEVICE_VERDICT_H

#include <freehold/host.h>
#include <freehold/policy.h>

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

typedef struct fhi_lane_verdicts {
    uint64_t version;
    fhi_steps steps; /* of the policy of that version */
    fhi_verdict verdicts[FHI_LANE_VERDICTS];
} fhi_lane_verdicts;

typedef struct fhi_core fhi_core;
typedef struct fhi_policy fhi_policy;

/* The smallest and the largest size of a size's class. */
void fhi_class_bounds(const fhi_steps *steps, uint64_t size, uint64_t *out_min, uint64_t *out_max);

void fhi_verdicts_finish(fhi_core *core);

#endif
