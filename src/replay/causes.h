/* Causes: which line of which script decided what. A decision of `place` is made once for a class
 * of requests and then cached; so what line it was is kept by class here, too. */

#ifndef FREEHOLD_REPLAY_CAUSES_H
#define FREEHOLD_REPLAY_CAUSES_H

#include "base/host.h"

#include <freehold/replay.h>

/* fh_hook, which is of a higher floor; in files as well, so the numbers stay. */
enum {
    FHI_HOOK_PLACE = 0,
    FHI_HOOK_RELIEVE = 1,
    FHI_HOOK_LIMITS = 2,
    FHI_HOOK_PRESSURE = 4,
    FHI_HOOK_EVICT = 7,
    /* fh_outcome */
    FHI_OUTCOME_DECIDED = 0,
    FHI_OUTCOME_NOTHING = 1
};

/* What a class of requests is. */
typedef struct fhi_cause_class {
    fh_kind kind;
    fh_usage usage;
    fh_location location;
    fh_tag tag;
} fhi_cause_class;

typedef struct fhi_cause_verdict {
    fhi_cause_class of;
    uint64_t size_min, size_max;
    uint32_t cause;
    uint32_t next; /* in its chain, + 1 */
} fhi_cause_verdict;

enum {
    FHI_CAUSE_CHAINS = 1024
};

typedef struct fhi_causes {
    const fh_host_memory *memory;
    bool failed;
    fh_replay_cause *all;
    uint32_t count, capacity;
    fhi_cause_verdict *verdicts;
    uint32_t verdict_count, verdict_capacity;
    uint32_t chains[FHI_CAUSE_CHAINS]; /* verdict + 1 */
    /* What is in force: index + 1; 0: the native rules. */
    uint32_t limits;
    uint32_t place, relieve;  /* of the request under way */
    uint32_t pressure, evict; /* of the tick or request under way */
} fhi_causes;

void fhi_causes_init(fhi_causes *causes, const fh_host_memory *memory);
void fhi_causes_finish(fhi_causes *causes); /* also of a zeroed one */

/* That script's line decided; index + 1, or 0: no host memory. */
uint32_t fhi_causes_decided(fhi_causes *causes, const char *script, uint32_t hook, uint32_t line);

/* The verdict of a class, and what it is for a request of it: cause + 1, or 0. */
void fhi_causes_keep(fhi_causes *causes, const fhi_cause_class *of, uint64_t size_min,
                     uint64_t size_max, uint32_t cause);
uint32_t fhi_causes_find(const fhi_causes *causes, const fhi_cause_class *of, uint64_t size);

/* Another policy, or version of one. */
void fhi_causes_forget_verdicts(fhi_causes *causes);

/* What came of a decision. */
typedef enum fhi_effect {
    FHI_EFFECT_PLACED,
    FHI_EFFECT_EVICTED,
    FHI_EFFECT_REFUSED
} fhi_effect;

/* It placed, evicted or refused something; `cause` 0 is a no-op. `answer` in words, cut. */
void fhi_causes_charge(fhi_causes *causes, uint32_t cause, fhi_effect effect, uint64_t bytes,
                       const char *answer);

#endif
