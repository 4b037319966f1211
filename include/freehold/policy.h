/* Policies: what decides. A policy is a table of plain C functions (*hooks*) over plain structs,
 * all of them optional: what is missing, and what answers "no opinion", is decided by the native
 * rule that stands in the hook's comment. Lua policies are one implementation of this table.
 *
 * Hooks are pure: they get facts and return a decision. They are called with no lock of Freehold's
 * held and must not call the device. Two come inside a request, on whatever thread made it, and on
 * several at once: `place` and `relieve`; the rest come from fh_device_tick(), one at a time: first
 * `renew`, then `frame`, then those that something happened for. Pointers in facts are borrowed for
 * the call. */

#ifndef FREEHOLD_POLICY_H
#define FREEHOLD_POLICY_H

#include <freehold/account.h>
#include <freehold/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- facts that every hook gets ---- */

typedef struct fh_heap_facts {
    uint64_t size;
    uint64_t used;        /* driver bytes that Freehold holds */
    uint64_t limit;       /* the strictest of limits and OS budget; FH_NO_LIMIT */
    uint64_t os_budget;   /* for this process */
    uint64_t os_usage;    /* of this process, smoothed by nothing */
    uint64_t unaccounted; /* os_usage that is not Freehold's */
    uint64_t headroom;    /* limit - used, or 0 */
    uint64_t retiring;    /* range bytes that wait for the GPU */
    bool device_local;
} fh_heap_facts;

typedef struct fh_facts {
    uint64_t frame;       /* ticks so far */
    uint64_t now_ns;      /* monotonic */
    uint64_t used, limit; /* driver bytes of all heaps */
    uint32_t heap_count;
    fh_heap_facts heaps[FH_HEAP_MAX];
} fh_facts;

/* A request, as `place` and `relieve` see it. Class facts come first: verdicts are cached by
 * them. */
typedef struct fh_request {
    fh_kind kind;
    fh_usage usage;
    fh_location location;
    fh_access access;
    fh_tag tag;
    const char *tag_name;        /* "" = untagged */
    uint64_t size_min, size_max; /* bytes: the class's bounds, both included */
    /* From here on a verdict that depends on it must be `keep = FH_KEEP_NEVER`. */
    uint64_t size; /* bytes, as the backend needs it */
    uint64_t alignment;
    uint32_t type_mask; /* memory types that would do */
    fh_format format;
    fh_texture_kind texture_kind;
    uint32_t width, height, depth, layers, mips, samples;
    float priority;
    fh_dedicated dedicated;
    bool within_budget, mapped;
    const char *name; /* "" = none */
    /* relieve only: */
    fh_result reason;   /* FH_ERR_BUDGET or FH_ERR_OUT_OF_MEMORY */
    fh_account account; /* that refused; with FH_ERR_BUDGET */
    uint64_t shortage;  /* bytes that were missing there; 0 = not known */
    uint32_t attempt;   /* 1 at the first call for this request */
    uint32_t tried;     /* bit n: fh_relief_action n was taken for it */
} fh_request;

/* ---- renew: the policy has changed itself ---- */

/* What holds from now on. */
typedef struct fh_policy_change {
    const uint64_t *place_steps; /* as in fh_policy_ops; copied */
    uint32_t place_step_count;
} fh_policy_change;

/* ---- place: where a class of requests goes ---- */

typedef enum fh_keep {
    FH_KEEP_RELOAD = 0, /* until the policy is set again, or says `forget` */
    FH_KEEP_FRAME,      /* until the next tick */
    FH_KEEP_NEVER       /* for this request only */
} fh_keep;

/* {0} is the native rule. */
typedef struct fh_verdict {
    uint32_t memory_count;                 /* locations in `memory`; 0 = the request's own */
    fh_location memory[FH_LOCATION_COUNT]; /* in order: the next when the one before is full */
    uint32_t type_mask;                    /* memory types that may be used; 0 = any */
    bool has_dedicated, has_strategy, has_priority, has_within_budget;
    fh_dedicated dedicated;
    fh_strategy strategy;
    float priority;
    bool within_budget;
    fh_pool *pool; /* NULL = the request's own, or the device's */
    bool deny;     /* refuse with FH_ERR_BUDGET */
    bool no_spill; /* fail rather than take the next memory type */
    fh_keep keep;
} fh_verdict;

/* ---- relieve: admission or the backend said no ---- */

/* X(NAME, "name"): each is taken at most once for a request. */
#define FH_RELIEF_ACTIONS(X)                                                                       \
    X(DENY, "deny")   /* give up now */                                                            \
    X(RETRY, "retry") /* retire what has passed, then try again */                                 \
    X(TRIM, "trim")   /* give empty blocks back to the driver */                                   \
    X(EVICT, "evict") /* ask owners on this thread, `bytes` at least; AT_TICK ones are queued */   \
    X(SPILL, "spill") /* take the next memory type that would do */                                \
    X(WAIT, "wait")   /* for what is retiring by submitted epochs, `timeout_ns` at most */         \
    X(DRAIN, "drain") /* ask allocators to give back what they keep */

typedef enum fh_relief_action {
#define FH_RELIEF_ENUM(name, text) FH_RELIEF_##name,
    FH_RELIEF_ACTIONS(FH_RELIEF_ENUM)
#undef FH_RELIEF_ENUM
    FH_RELIEF_COUNT
} fh_relief_action;

typedef struct fh_relief {
    fh_relief_action action;
    uint64_t bytes;      /* EVICT: 0 = what is short */
    uint64_t timeout_ns; /* WAIT: 0 = look once */
} fh_relief;

#define FH_RELIEF_MAX 8

/* ---- limits ---- */

/* 0 = no limit, everywhere. */
typedef struct fh_limits {
    uint64_t total;                /* driver bytes */
    uint64_t heaps[FH_HEAP_MAX];   /* driver bytes */
    uint64_t kinds[FH_KIND_COUNT]; /* range bytes */
    uint32_t tag_count;
    const struct fh_tag_limit {
        fh_tag tag;
        uint64_t limit; /* range bytes */
    } * tags;           /* the hook's own memory, read before the next call into the policy */
    uint32_t watermark_count;
    double
        watermarks[4]; /* parts of a limit, ascending, 0 to 1; crossing one is `pressure`, with 2 %
                             of the limit between up and down */
} fh_limits;

/* ---- pressure: a watermark was crossed ---- */

typedef struct fh_pressure {
    fh_account account;
    uint32_t watermark; /* index */
    double fraction;    /* the watermark */
    bool up;            /* crossed upwards */
    uint64_t used, limit;
} fh_pressure;

typedef struct fh_pressure_decision {
    bool forget; /* drop the cached verdicts */
    bool limits; /* ask `limits` again, in this tick */
    bool trim;
    uint64_t evict_bytes; /* ask owners for that many */
} fh_pressure_decision;

/* ---- retain: how long a block that fell empty is kept ---- */

typedef struct fh_block_facts {
    uint32_t type, heap;
    uint64_t size;
    uint64_t empty_ticks; /* since it fell empty */
    uint64_t age_ticks;   /* since it was made */
    uint32_t pool_block_count, pool_empty_count;
    bool over; /* its heap or the total is over a limit */
} fh_block_facts;

typedef struct fh_retain_decision {
    uint32_t ticks; /* it is given back when it was empty for so long; 0 = now */
} fh_retain_decision;

/* ---- frame: at every tick ---- */

typedef struct fh_frame_facts {
    uint64_t tick_ns; /* since the tick before */
    uint64_t wait_ns; /* spent waiting for queues since then */
    uint32_t depth;   /* frames that may be in flight; 0 = no frames are used */
    uint64_t transient_used, transient_capacity;
    uint64_t created_bytes, freed_bytes; /* range bytes since the tick before */
    uint32_t driver_alloc_count;         /* since the tick before */
    uint32_t refused_count;
} fh_frame_facts;

/* {0} changes nothing. */
typedef struct fh_frame_decision { /* depth, transient_cap, defrag_cap: kept for floor 5 */
    uint32_t depth;                /* 0 = as it is */
    uint64_t transient_cap;        /* bytes a frame may take; 0 = as it is */
    uint64_t evict_cap;            /* bytes to ask owners for at one tick; 0 = as it is */
    uint64_t defrag_cap;           /* bytes to move at one tick; 0 = as it is */
    bool forget;                   /* drop the cached verdicts */
    bool limits;                   /* ask `limits` again, in this tick */
} fh_frame_decision;

/* ---- recycle: what of a cache of reusable parcels stays ---- */

typedef struct fh_recycle_facts {
    fh_kind kind;
    uint32_t count;
    uint64_t bytes;        /* kept now */
    uint64_t oldest_ticks; /* since its oldest was used */
    uint64_t hits, misses; /* since the tick before */
} fh_recycle_facts;

typedef struct fh_recycle_decision {
    uint64_t keep_bytes;
    uint32_t keep_ticks;
} fh_recycle_decision;

/* ---- evict: who is asked to let go first ---- */

typedef enum fh_evict_column {
    FH_EVICT_PRIORITY = 0,
    FH_EVICT_AGE, /* ticks since the last use */
    FH_EVICT_SIZE,
    FH_EVICT_TAG,
    FH_EVICT_KIND,
    FH_EVICT_MADE /* ticks since it was made */
} fh_evict_column;

/* Columns of `count` values: candidate i is parcels[i], priorities[i] and so on. */
typedef struct fh_candidates {
    uint32_t count;
    const fh_parcel *parcels;
    const float *priorities;
    const uint64_t *ages;  /* ticks */
    const uint64_t *sizes; /* reserved bytes */
    const fh_tag *tags;
    const fh_kind *kinds;
    const uint64_t *made; /* ticks */
    uint64_t wanted;      /* bytes */
} fh_candidates;

/* Either columns, or a key per candidate; what sorts first goes first. */
typedef struct fh_evict_order {
    uint32_t column_count;
    struct {
        fh_evict_column column;
        bool descending;
    } columns[4];
    double *keys;  /* room for one per candidate; NaN = never this one */
    bool use_keys; /* `keys` are filled in */
} fh_evict_order;

/* ---- alias and defrag: asked by the planner and the mover ---- */

typedef struct fh_alias_facts {
    uint32_t item_count, pass_count;
    uint64_t bytes;       /* sum of the items' sizes */
    uint64_t lower_bound; /* largest sum that lives at once */
} fh_alias_facts;

typedef struct fh_alias_decision {
    char strategy[64];
    char options[256]; /* "name=value name=value" */
} fh_alias_decision;

typedef struct fh_defrag_facts {
    uint32_t type, heap;
    uint64_t size, used; /* bytes of one block */
    uint32_t range_count, gap_count, movable_count;
    uint64_t largest_gap;
} fh_defrag_facts;

typedef struct fh_defrag_decision {
    bool allow;
    uint64_t bytes; /* at most, in this tick */
} fh_defrag_decision;

/* ---- the table ---- */

/* A hook returns true when it decided; `relieve` how many actions it gave. Output comes zeroed. */
typedef struct fh_policy_ops {
    const char *name; /* required; outlives the policy */
    /* Class boundaries beside the powers of two, ascending bytes; borrowed like `name`. */
    const uint64_t *place_steps;
    uint32_t place_step_count; /* at most 32 */

    /* For policies that change while they are in charge, such as scripts that are edited: asked at
     * the start of every tick, before everything else. True: it has changed; verdicts are dropped,
     * limits are asked for at once, and steps are those of the change. Native: it has not. */
    bool (*renew)(void *context, const fh_facts *facts, fh_policy_change *out_change);
    /* Native: memory types by cost (memory.h), spill to the next. `retiring` in its facts is as
     * the last tick saw it. */
    bool (*place)(void *context, const fh_request *request, const fh_facts *facts,
                  fh_verdict *out_verdict);
    /* Native: retry, trim, drain, evict, spill. */
    uint32_t (*relieve)(void *context, const fh_request *request, const fh_facts *facts,
                        fh_relief out_reliefs[FH_RELIEF_MAX]);
    /* Native: none but what fh_device_set_limit() set. Asked when the policy is set, and when
     * `frame` or `pressure` says so. An invalid answer leaves the last limits in force. */
    bool (*limits)(void *context, const fh_facts *facts, fh_limits *out_limits);
    /* Native: nothing. */
    bool (*frame)(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                  fh_frame_decision *out_decision);
    /* Native: nothing. */
    bool (*pressure)(void *context, const fh_pressure *event, const fh_facts *facts,
                     fh_pressure_decision *out_decision);
    /* Native: fh_device_desc.retain_ticks; at once when its heap is over a limit. */
    bool (*retain)(void *context, const fh_block_facts *block, const fh_facts *facts,
                   fh_retain_decision *out_decision);
    /* Native: what was used in the last 8 frames. Called by floor 5. */
    bool (*recycle)(void *context, const fh_recycle_facts *cache, const fh_facts *facts,
                    fh_recycle_decision *out_decision);
    /* Native: lowest priority, then longest unused, then largest. */
    bool (*evict)(void *context, const fh_candidates *candidates, const fh_facts *facts,
                  fh_evict_order *out_order);
    /* Native: the planner's portfolio. Called by floor 5. */
    bool (*alias)(void *context, const fh_alias_facts *graph, const fh_facts *facts,
                  fh_alias_decision *out_decision);
    /* Native: nothing moves. Called by floor 5. */
    bool (*defrag)(void *context, const fh_defrag_facts *block, const fh_facts *facts,
                   fh_defrag_decision *out_decision);

    /* The policy was replaced or removed, or its device destroyed, and runs on no thread. */
    void (*release)(void *context);
} fh_policy_ops;

/**
 * Put a policy in charge, or, with NULL, the native rules. Parcels that live stay as they are, and
 * are counted as before; verdicts are dropped, the old policy's limits too, the new one's are asked
 * for.
 *
 * Owns:    `ops` and `context` are borrowed until `release`, which comes once, also on failure.
 * Errors:  INVALID (`device` is NULL, no name, too many or unsorted steps), HOST_MEMORY (never for
 *          NULL); the old policy stays.
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_device_set_policy(fh_device *device, const fh_policy_ops *ops, void *context);

/**
 * The policy in charge; "native" when there is none. NULL when `device` is NULL.
 *
 * Owns:    borrowed until the policy is replaced.
 * Threads: any.
 */
FH_API const char *fh_device_policy_name(fh_device *device);

/* ---- a ready policy: one limit ---- */

/* Caller's memory; at one address while it is set. */
typedef struct fh_budget_policy {
    uint64_t limit;      /* driver bytes; FH_NO_LIMIT or 0 = none */
    bool telemetry_only; /* watch the limit, refuse nothing: see over_count */
    uint64_t over_count; /* out: ticks at which more was used than `limit` */
    uint64_t used_peak;  /* out: driver bytes, as seen at ticks */
} fh_budget_policy;

/**
 * The table for fh_device_set_policy(), with a fh_budget_policy as context. The limit may be
 * changed while it is set: the next tick takes it in.
 *
 * Owns:    a static table.
 * Threads: change and read the struct on the thread that ticks.
 */
FH_API const fh_policy_ops *fh_budget_policy_ops(void);

#ifdef __cplusplus
}
#endif

#endif
