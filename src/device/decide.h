/* The policy in charge, and how it is asked. It may be replaced while other threads are inside its
 * hooks: each call counts itself in, and the last one out releases it. */

#ifndef FREEHOLD_DEVICE_DECIDE_H
#define FREEHOLD_DEVICE_DECIDE_H

#include "base/lock.h"
#include "device/request.h"
#include "device/tag.h"
#include "device/verdict.h"

#include <freehold/policy.h>

#include <stdatomic.h>

/* One fh_device_set_policy(). */
typedef struct fhi_policy {
    fh_policy_ops ops; /* a copy, without place_steps */
    void *context;
    uint64_t serial;     /* counts the device's policies from 1 */
    uint32_t references; /* the device's, and one per call that is inside; under policies.entry */
    _Atomic uint32_t complaints; /* bit n: fhi_complaint n was logged */
    fhi_steps steps;             /* under policies.lock */
} fhi_policy;

/* Answers that cannot be followed are told once per policy. */
typedef enum fhi_complaint {
    FHI_COMPLAINT_PLACE = 0,
    FHI_COMPLAINT_NO_TYPE,
    FHI_COMPLAINT_RELIEVE,
    FHI_COMPLAINT_LIMITS,
    FHI_COMPLAINT_EVICT,
    FHI_COMPLAINT_RENEW
} fhi_complaint;

typedef struct fhi_policies {
    fhi_lock lock;       /* guards down to `order` */
    fhi_latch entry;     /* guards references to policies; held, too, when `current` is changed */
    fhi_policy *current; /* NULL: native */
    uint64_t serial;     /* of the last policy set */
    fhi_verdict_table table;
    bool has_order;       /* `order` has the columns of the current policy's last answer: */
    fh_evict_order order; /* for requests, which do not ask `evict` */
    bool places;          /* current has `place` */
    uint64_t stamps;      /* given so far */
    /* 0: no policy places. Else it moves at every tick and whenever verdicts are forgotten: the
     * only thing that a hot path looks at. Written under `lock`. */
    _Atomic uint64_t stamp;
    _Atomic uint64_t verdict_version; /* moves when verdicts are forgotten; under `lock` */
    _Atomic uint64_t place_count;     /* written under `entry` */
    _Atomic uint64_t busy_count;

    /* Under core->limit_lock. */
    uint32_t watermark_count; /* of the last limits taken */
    double watermarks[FHI_WATERMARKS];
    bool watermarks_moved;          /* since the tick looked */
    bool budgets_read;              /* core->budgets has an answer of the backend */
    uint64_t retiring[FH_HEAP_MAX]; /* as it was last summed up */

    /* These belong to the tick. */
    struct fhi_limits *room;                       /* for asking; NULL before it was first done */
    uint64_t serial_seen;                          /* of the policy that said: */
    uint64_t evict_cap, defrag_cap, transient_cap; /* bytes; UINT64_MAX = none */
    uint32_t depth;                                /* 0 = as it is */
    uint64_t tick_ns, wait_ns, created_bytes, freed_bytes, driver_alloc_count,
        refused_count; /* as the last tick saw them */
} fhi_policies;

fh_result fhi_policies_init(fhi_core *core);
void fhi_policies_finish(fhi_core *core); /* releases the policy */

/* Count a call into the policy, and out. NULL: native, also for a thread that is in a hook already.
 * No lock held. */
fhi_policy *fhi_policy_enter(fhi_core *core);
void fhi_policy_leave(fhi_core *core, fhi_policy *policy);

/* The same with the class boundaries that it has now, or they alone. */
fhi_policy *fhi_policy_enter_steps(fhi_core *core, fhi_steps *out_steps);
void fhi_policy_steps(fhi_core *core, fhi_policy *policy, fhi_steps *out_steps);

/* The same for one call of `place`, which is counted, by a thread that is marked as inside of a
 * hook (inside.h). NULL, too, when it does not place. */
fhi_policy *fhi_policy_enter_place(fhi_core *core);

/* Count a call of `place` that was entered otherwise. */
void fhi_policy_count_place(fhi_core *core);

/* Ask whether it has changed itself; then, and this returns true, verdicts are dropped and limits
 * asked for. In a tick. No lock held. */
bool fhi_policy_renew(fhi_core *core, fhi_policy *policy, const fh_facts *facts);

/* Log, once per policy and complaint, that it said something that is not followed. No lock held. */
void fhi_policy_complain(fhi_core *core, fhi_policy *policy, fhi_complaint complaint,
                         const char *sentence);

/* What every hook can see. At a glance, for requests under a policy that wants to see each of them,
 * `retiring` is as it was last summed up, and heaps past heap_count are not written. */
void fhi_facts_gather(fhi_core *core, fh_facts *out_facts);
void fhi_facts_glance(fhi_core *core, fh_facts *out_facts);

/* The request as hooks see it; the class's bounds without the policy's steps. */
void fhi_request_describe(fhi_core *core, const fhi_request *request, fh_request *out_request);

/* Ask for a verdict, or take the cached one, and write it into the request. BUDGET: denied. Called
 * only when there is a stamp. No lock held. A pool of the policy's choice cannot be destroyed until
 * fhi_policy_leave_pool(). */
fh_result fhi_policy_place(fhi_core *core, fhi_request *request);

/* The request is over, or counts in its pool's `live_count`; a no-op without such a pool. No lock
 * held. */
void fhi_policy_leave_pool(fhi_core *core, fhi_request *request);

/* As fhi_policy_place(), for a request that will not be made: nothing is cached. *out_policy, 64
 * bytes, is the policy's name, "" for native; *out_decided says whether it had an opinion, which is
 * then in *out_verdict. */
fh_result fhi_policy_preview(fhi_core *core, fhi_request *request, char *out_policy,
                             bool *out_decided, fh_verdict *out_verdict);

/* A tick begins: what was decided for one tick only is over. No lock held. */
void fhi_policy_stamp(fhi_core *core);

/* Drop the cached verdicts: a pool that they name goes, or the policy says so. No lock held. */
void fhi_policy_forget(fhi_core *core);

/* ---- limits (limits.c) ---- */

/* What a `limits` hook said. Large: a place for every tag. */
typedef struct fhi_limits {
    bool decided;     /* false: no limits */
    fh_limits limits; /* `tags` NULL */
    uint64_t tags[FHI_TAGS];
} fhi_limits;

/* Ask. False: the answer is not to be followed, the last limits stay. No lock held. */
bool fhi_limits_ask(fhi_core *core, fhi_policy *policy, fhi_limits *out_limits);

/* Make them the policy's limits. The caller holds core->limit_lock, and calls fhi_limits_enforce()
 * when it has given it up. */
void fhi_limits_apply(fhi_core *core, const fhi_limits *answer);

/* After limits changed: see that none of the lanes' credits is over one. No lock held. */
void fhi_limits_enforce(fhi_core *core);

/* Ask for limits and put them into the accounts; an invalid answer, or none, changes nothing. In a
 * tick. No lock held. */
void fhi_policy_take_limits(fhi_core *core);

/* Range bytes of kinds and of the tags below `tag_count`, and how many of these wait for the
 * GPU. */
typedef struct fhi_uses {
    uint32_t tag_count;
    uint64_t kinds[FH_KIND_COUNT], kinds_retiring[FH_KIND_COUNT];
    uint64_t tags[FHI_TAGS], tags_retiring[FHI_TAGS];
} fhi_uses;

/* Tags only when `tags`. No lock held. */
void fhi_uses_sum(fhi_core *core, bool tags, fhi_uses *out_uses);

/* Range bytes that wait for the GPU, per heap. No lock held. */
void fhi_retiring_sum(fhi_core *core, uint64_t out_heaps[FH_HEAP_MAX]);

/* ---- relief (relief.c) ---- */

/* What was tried for one request. */
typedef struct fhi_relief {
    uint32_t attempt;
    uint32_t tried; /* bit n: fh_relief_action n */
    uint32_t count, position;
    fh_relief actions[FH_RELIEF_MAX];
    bool native; /* they are the native rule's */
    bool over;   /* nothing is left to try */
} fhi_relief;

/* A request was refused with `reason` (BUDGET or OUT_OF_MEMORY): do the next thing that may help.
 * True: try again. Always ends: each action is taken once. No lock held. */
bool fhi_relieve(fhi_core *core, fhi_request *request, fh_result reason, fhi_relief *relief);

/* ---- eviction (evict.c) ---- */

/* How many bytes owners should let go of, and what helps. `total` and `heaps` are driver bytes,
 * which come free by whole memories; the others are range bytes. */
typedef struct fhi_evict_goal {
    uint64_t any;                /* of any memory */
    uint64_t total;              /* of any heap's memory, but not external */
    uint64_t heaps[FH_HEAP_MAX]; /* of that heap's memory */
    uint64_t kinds[FH_KIND_COUNT];
    uint64_t tags[FHI_TAGS];
    bool external; /* external parcels help heaps, too: it is the driver that has no memory */
    /* A request: only what comes free at once helps it. Instead of driver bytes a hole of `hole`
     * bytes will do, in a block of `pool`, or of the device's own pool of one of the types. */
    bool at_once;
    uint64_t hole, hole_alignment; /* bytes; `hole` 0 = no hole helps */
    const fh_pool *hole_pool;      /* only compared */
    uint32_t hole_types;           /* mask; when hole_pool is NULL */
    fh_kind hole_kind;             /* of the request: slabs keep sorts apart */
} fhi_evict_goal;

/* How many bytes may still be asked for, in this tick. */
typedef struct fhi_evict_cap {
    uint64_t left;
    bool spent; /* something was */
} fhi_evict_cap;

/* Ask owners to let go until the goal is reached, in the policy's order. `in_request`: on some
 * thread, in the middle of a request: only those who may be asked on any, others are noted for the
 * next tick or poll. What is asked for comes off the cap. Returns the bytes that owners said they
 * let go. No lock held. */
uint64_t fhi_evict(fhi_core *core, fhi_evict_goal *goal, bool in_request, fhi_evict_cap *cap);

/* Ask the owners of what was noted, on this thread: theirs. */
void fhi_evict_noted(fhi_core *core, fhi_evict_cap *cap);

/* At a tick: count who was asked before it, said yes, and kept the parcel. */
void fhi_evict_review(fhi_core *core);

/* Forget who was asked; at the device's end. */
void fhi_evict_finish(fhi_core *core);

/* ---- the tick (tick.c) ---- */

/* Ask the backend for the OS budgets, and make them limits of the heap accounts. */
void fhi_budgets_read(fhi_core *core);

/* As fh_device_tick(). `in_request`: on some thread in the middle of a request; owners of AT_TICK
 * parcels are then not asked. */
fh_result fhi_tick(fhi_core *core, bool in_request);

/* Give back what ticks keep for the next; at the device's end. */
void fhi_tick_finish(fhi_core *core);

/* 100 ms without a tick: make one. For what grows a pool. */
void fhi_tick_if_late(fhi_core *core);

/* ---- trimming (trim.c) ---- */

typedef enum fhi_trim_mode {
    FHI_TRIM_BY_RULE = 0, /* blocks whose time is over */
    FHI_TRIM_RELIEF,      /* all empty blocks, but those of pools that keep them */
    FHI_TRIM_ALL          /* those, too */
} fhi_trim_mode;

/* Give empty blocks back. `policy` is asked by rule only, and may be NULL. Returns bytes. No lock
 * held. */
uint64_t fhi_trim_pools(fhi_core *core, fhi_trim_mode mode, fhi_policy *policy,
                        const fh_facts *facts);

/* Give back empty blocks whose time is over by the native rule; all when `all`. Returns bytes. */
uint64_t fhi_trim(fhi_core *core, bool all);

#endif
