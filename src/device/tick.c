/* The tick: the one boundary at which what is batched happens. One thread is in it at a time; a
 * tick meanwhile does nothing. What belongs to the tick (accounts' `above`, the caps, what the last
 * tick saw) needs no lock therefore.
 *
 * The thread is marked as inside (inside.h) all the while: hooks, owners, allocators, observers and
 * retired callbacks all run here, and none of them leads into another tick or into relief. */

#include "device/core.h"
#include "device/inside.h"

#include <string.h>

enum {
    LATE_NS = 100 * 1000 * 1000
};

static const double HYSTERESIS = 0.02; /* of a limit, between a watermark's up and down */

/* What a tick knows and what it will do. */
typedef struct tick {
    fhi_core *core;
    fhi_policy *policy; /* or NULL */
    fh_facts facts;
    uint32_t mark_count;
    double marks[FHI_WATERMARKS];
    bool marks_of_policy; /* else they are only told to observers */
    bool trim;
    bool ask_limits;
    uint64_t evict_bytes;
    fhi_uses *uses; /* or NULL: no host memory */
    fhi_evict_goal *goal;
} tick;

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t over_by(uint64_t used, uint64_t limit, uint64_t retiring)
{
    return used > limit && used - limit > retiring ? used - limit - retiring : 0;
}

/* ---- OS budgets ---- */

void fhi_budgets_read(fhi_core *core)
{
    fhi_policies *policies = &core->policies;
    fh_heap_budget budgets[FH_HEAP_MAX];
    uint64_t ours[FH_HEAP_MAX] = {0};
    bool asks =
        (core->adapter.caps & FH_CAP_BUDGET) != 0 && core->ops->budget && !fhi_is_lost(core);
    fh_result result = FH_OK;

    memset(budgets, 0, sizeof budgets);
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        ours[heap] = load(&core->heaps[heap].charged);
    }
    if (asks) {
        result =
            fhi_backend_result(core, core->ops->budget(core->backend, load(&core->tick), budgets));
    }
    fhi_lock_acquire(&core->limit_lock);
    bool known = result != FH_OK && policies->budgets_read; /* the last answer stays */
    for (uint32_t heap = 0; heap < core->adapter.heap_count && !known; heap++) {
        /* What others of us took or gave back while the system answered may or may not be in its
         * answer. It is never taken for somebody else's. */
        uint64_t now = load(&core->heaps[heap].charged);
        ours[heap] = now > ours[heap] ? now : ours[heap];
        if (!asks || result != FH_OK) {
            budgets[heap].budget = core->adapter.heaps[heap].size / 5 * 4;
            budgets[heap].usage = ours[heap];
        }
        uint64_t usage = budgets[heap].usage, budget = budgets[heap].budget;
        uint64_t others = usage > ours[heap] ? usage - ours[heap] : 0;
        core->budgets[heap] = budgets[heap];
        core->budget_used[heap] = ours[heap];
        fhi_account_set_limit(&core->heaps[heap], FHI_LIMIT_OS,
                              core->os_budget_advisory ? FH_NO_LIMIT
                              : budget > others        ? budget - others
                                                       : 0);
    }
    policies->budgets_read = policies->budgets_read || result == FH_OK;
    fhi_lock_release(&core->limit_lock);
}

/* ---- accounts ---- */

typedef void (*account_fn)(tick *t, fh_account which, fhi_account *account, uint64_t used,
                           uint64_t retiring);

/* All accounts, with what they use; kinds and tags only with host memory for their sums. */
static void for_accounts(tick *t, account_fn call)
{
    fhi_core *core = t->core;
    uint64_t retiring = 0;
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        retiring += t->facts.heaps[heap].retiring;
    }
    call(t, (fh_account){FH_ACCOUNT_TOTAL, 0}, &core->total, load(&core->total.charged), retiring);
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        fhi_account *account = &core->heaps[heap];
        call(t, (fh_account){FH_ACCOUNT_HEAP, heap}, account, load(&account->charged),
             t->facts.heaps[heap].retiring);
    }
    const fhi_uses *uses = t->uses;
    for (uint32_t kind = 0; uses && kind < FH_KIND_COUNT; kind++) {
        call(t, (fh_account){FH_ACCOUNT_KIND, kind}, &core->kinds[kind], uses->kinds[kind],
             uses->kinds_retiring[kind]);
    }
    for (fh_tag tag = 1; uses && tag < uses->tag_count; tag++) {
        fh_account which = {FH_ACCOUNT_TAG, tag};
        call(t, which, fhi_account_of(core, which), uses->tags[tag], uses->tags_retiring[tag]);
    }
}

/* Lanes may keep credit again when half of a limit is free, or what all of them could keep. */
static void end_tight(fhi_account *account)
{
    uint64_t limit = load(&account->limit);
    uint64_t headroom = fhi_account_headroom(account);
    if (atomic_load_explicit(&account->tight, memory_order_relaxed) &&
        (headroom >= UINT64_C(2) * FHI_LANES * FHI_CREDIT || headroom > limit / 2)) {
        atomic_store(&account->tight, false);
    }
}

static void end_all_tight(fhi_core *core)
{
    uint32_t tag_count = atomic_load_explicit(&core->tags.count, memory_order_acquire);
    for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
        end_tight(&core->kinds[kind]);
    }
    for (fh_tag tag = 1; tag < tag_count; tag++) {
        end_tight(fhi_account_of(core, (fh_account){FH_ACCOUNT_TAG, tag}));
    }
}

/* ---- watermarks ---- */

static void tell_crossed(tick *t, fh_account which, uint32_t mark, bool up, uint64_t used,
                         uint64_t limit)
{
    fhi_core *core = t->core;
    if (fhi_is_observed(core, FH_EVENT_BUDGET_CROSSED)) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_BUDGET_CROSSED,
                                      .account = which,
                                      .bytes = used,
                                      .limit = limit,
                                      .up = up});
    }
    if (!t->policy || !t->policy->ops.pressure || !t->marks_of_policy) {
        return;
    }
    const fh_pressure event = {
        .account = which,
        .watermark = mark,
        .fraction = t->marks[mark],
        .up = up,
        .used = used,
        .limit = limit,
    };
    fh_pressure_decision decision = {0};
    fhi_inside inside;
    fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
    bool decided = t->policy->ops.pressure(t->policy->context, &event, &t->facts, &decision);
    fhi_inside_end(core, &inside);
    if (!decided) {
        return;
    }
    if (decision.forget) {
        fhi_policy_forget(core);
    }
    t->ask_limits = t->ask_limits || decision.limits;
    t->trim = t->trim || decision.trim;
    if (decision.evict_bytes > t->evict_bytes) {
        t->evict_bytes = decision.evict_bytes;
    }
}

/* Up when a part of the limit is reached, down when it is left by 2 % of the limit. A limit that
 * was removed is left, too. */
static void cross(tick *t, fh_account which, fhi_account *account, uint64_t used, uint64_t retiring)
{
    uint64_t limit = load(&account->limit);
    (void)retiring;
    if (limit == FH_NO_LIMIT && account->above == 0) {
        return;
    }
    for (uint32_t i = 0; i < t->mark_count; i++) {
        if ((account->above >> i & 1) == 0 && used > 0 &&
            (double)used >= t->marks[i] * (double)limit) {
            account->above |= (uint8_t)(1U << i);
            tell_crossed(t, which, i, true, used, limit);
        }
    }
    for (uint32_t i = t->mark_count; i-- > 0;) {
        double low = t->marks[i] > HYSTERESIS ? t->marks[i] - HYSTERESIS : 0.0;
        if ((account->above >> i & 1) != 0 && (double)used <= low * (double)limit) {
            account->above &= (uint8_t) ~(1U << i);
            tell_crossed(t, which, i, false, used, limit);
        }
    }
}

static void reset_above(tick *t, fh_account which, fhi_account *account, uint64_t used,
                        uint64_t retiring)
{
    (void)t;
    (void)which;
    (void)used;
    (void)retiring;
    account->above = 0;
}

/* Without watermarks of a policy's, observers hear of the limits themselves. */
static void take_watermarks(tick *t)
{
    fhi_policies *policies = &t->core->policies;
    fhi_lock_acquire(&t->core->limit_lock);
    bool moved = policies->watermarks_moved;
    policies->watermarks_moved = false;
    t->mark_count = policies->watermark_count;
    memcpy(t->marks, policies->watermarks, sizeof t->marks);
    fhi_lock_release(&t->core->limit_lock);
    t->marks_of_policy = t->mark_count > 0;
    if (!t->marks_of_policy) {
        t->mark_count = 1;
        t->marks[0] = 1.0;
    }
    if (moved) {
        for_accounts(t, reset_above);
    }
}

/* ---- the frame hook ---- */

static void sum_frame(fhi_core *core, uint64_t *out_created, uint64_t *out_freed)
{
    *out_created = *out_freed = 0;
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        *out_created += lane->created_bytes;
        *out_freed += lane->freed_bytes;
        fhi_latch_release(&lane->lock);
    }
}

static uint64_t since(uint64_t *last, uint64_t now)
{
    uint64_t difference = now - *last;
    *last = now;
    return difference;
}

static void gather_frame(fhi_core *core, uint64_t now_ns, fh_frame_facts *out)
{
    fhi_policies *policies = &core->policies;
    uint64_t created, freed;
    sum_frame(core, &created, &freed);
    *out = (fh_frame_facts){
        .tick_ns = since(&policies->tick_ns, now_ns),
        .wait_ns = since(&policies->wait_ns, load(&core->wait_ns)),
        .depth = policies->depth,
        .created_bytes = since(&policies->created_bytes, created),
        .freed_bytes = since(&policies->freed_bytes, freed),
        .driver_alloc_count =
            (uint32_t)since(&policies->driver_alloc_count, load(&core->driver_alloc_count)),
        .refused_count = (uint32_t)since(&policies->refused_count, load(&core->refused_count)),
    };
}

/* What a policy said of caps goes with it. */
static void reset_caps(fhi_policies *policies, const fhi_policy *policy)
{
    uint64_t serial = policy ? policy->serial : 0;
    if (serial != policies->serial_seen) {
        policies->serial_seen = serial;
        policies->evict_cap = policies->defrag_cap = policies->transient_cap = UINT64_MAX;
        policies->depth = 0;
    }
}

static void take_limits(tick *t)
{
    if (t->ask_limits) {
        t->ask_limits = false;
        fhi_policy_take_limits(t->core);
        fhi_facts_gather(t->core, &t->facts);
    }
}

static void ask_frame(tick *t, const fh_frame_facts *frame)
{
    fhi_policies *policies = &t->core->policies;
    fh_frame_decision decision = {0};
    fhi_inside inside;
    if (!t->policy || !t->policy->ops.frame) {
        return;
    }
    fhi_inside_begin(t->core, &inside, FHI_INSIDE_HOOK);
    bool decided = t->policy->ops.frame(t->policy->context, frame, &t->facts, &decision);
    fhi_inside_end(t->core, &inside);
    if (!decided) {
        return;
    }
    policies->depth = decision.depth != 0 ? decision.depth : policies->depth;
    policies->transient_cap =
        decision.transient_cap != 0 ? decision.transient_cap : policies->transient_cap;
    policies->evict_cap = decision.evict_cap != 0 ? decision.evict_cap : policies->evict_cap;
    policies->defrag_cap = decision.defrag_cap != 0 ? decision.defrag_cap : policies->defrag_cap;
    if (decision.forget) {
        fhi_policy_forget(t->core);
    }
    t->ask_limits = decision.limits;
}

/* ---- giving back ---- */

static void aim(tick *t, fh_account which, fhi_account *account, uint64_t used, uint64_t retiring)
{
    uint64_t limit = load(&account->limit);
    uint64_t bytes = over_by(used, limit, retiring);
    switch (which.scope) {
    case FH_ACCOUNT_TOTAL:
        t->goal->total = over_by(used, limit, 0); /* what retires counts by whole memories */
        break;
    case FH_ACCOUNT_HEAP:
        t->goal->heaps[which.index] = over_by(used, limit, 0);
        break;
    case FH_ACCOUNT_KIND:
        t->goal->kinds[which.index] = bytes;
        break;
    case FH_ACCOUNT_TAG:
        t->goal->tags[which.index] = bytes;
        break;
    }
}

static void give_back(tick *t)
{
    fhi_core *core = t->core;
    fhi_trim_pools(core, FHI_TRIM_BY_RULE, t->policy, &t->facts);
    if (t->trim) {
        fhi_trim_pools(core, FHI_TRIM_RELIEF, NULL, NULL);
    }
    fhi_staging_trim(core, false);
    fhi_allocators_reclaim(core);
}

static void evict(tick *t, bool in_request)
{
    fhi_core *core = t->core;
    fhi_evict_cap cap = {.left = core->policies.evict_cap};
    if (!core->evict) {
        return;
    }
    if (!in_request) {
        fhi_evict_noted(core, &cap);
    }
    if (t->uses) {
        fhi_uses_sum(core, true, t->uses);
    }
    fhi_facts_gather(core, &t->facts);
    for_accounts(t, aim);
    t->goal->any = t->evict_bytes;
    fhi_evict(core, t->goal, in_request, &cap);
}

/* ---- the whole of it ---- */

/* What ticks work with. Not on the stack: a request's thread may have a small one. Kept, so that a
 * tick takes no host memory. */
struct fhi_tick_room {
    tick tick;
    fhi_uses uses;
    fhi_evict_goal goal;
};

static void run(fhi_core *core, fhi_policy *policy, bool in_request)
{
    if (!core->tick_room) {
        core->tick_room = fhi_host_alloc(&core->memory, 1, sizeof *core->tick_room, 64);
    }
    struct fhi_tick_room *room = core->tick_room;
    if (!room) {
        return;
    }
    memset(room, 0, sizeof *room);
    tick *t = &room->tick;
    t->core = core;
    t->policy = policy;
    t->uses = &room->uses;
    t->goal = &room->goal;

    fh_frame_facts frame;
    gather_frame(core, load(&core->tick_ns), &frame);
    fhi_facts_gather(core, &t->facts);
    if (policy && fhi_policy_renew(core, policy, &t->facts)) {
        fhi_facts_gather(core, &t->facts);
    }
    ask_frame(t, &frame);
    take_limits(t);
    fhi_uses_sum(core, true, t->uses);
    take_watermarks(t);
    for_accounts(t, cross);
    take_limits(t);
    give_back(t);
    evict(t, in_request);
}

void fhi_tick_finish(fhi_core *core)
{
    fhi_host_free(&core->memory, core->tick_room, 1, sizeof *core->tick_room, 64);
    core->tick_room = NULL;
}

fh_result fhi_tick(fhi_core *core, bool in_request)
{
    fhi_inside mark;

    if (fhi_inside_find(core) || atomic_exchange(&core->ticking, true)) {
        return FH_OK;
    }
    fhi_inside_begin(core, &mark, FHI_INSIDE_CALLBACK);
    atomic_store_explicit(&core->tick_ns, fhi_core_now(core), memory_order_relaxed);
    atomic_fetch_add(&core->tick, 1);
    fhi_policy_stamp(core);
    fhi_queues_poll(core);
    fhi_retire_passed(core, fhi_is_lost(core));
    fhi_evict_review(core);
    if (!fhi_is_lost(core)) {
        fhi_budgets_read(core);
        end_all_tight(core);
        fhi_policy *policy = fhi_policy_enter(core);
        reset_caps(&core->policies, policy);
        run(core, policy, in_request);
        if (policy) {
            fhi_policy_leave(core, policy);
        }
    }
    if (fhi_is_lost(core)) {
        fhi_retire_passed(core, true);
        fhi_trim_pools(core, FHI_TRIM_BY_RULE, NULL, NULL);
        fhi_staging_trim(core, false);
    }
    if (fhi_is_observed(core, FH_EVENT_TICK)) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_TICK});
    }
    fhi_inside_end(core, &mark);
    atomic_store(&core->ticking, false);
    return fhi_is_lost(core) ? fhi_fail_lost() : FH_OK;
}

void fhi_tick_if_late(fhi_core *core)
{
    uint64_t last = atomic_load_explicit(&core->tick_ns, memory_order_relaxed);
    uint64_t now = fhi_core_now(core);
    if (now > last && now - last >= LATE_NS) {
        fhi_tick(core, true);
    }
}

fh_result fh_device_tick(fh_device *device)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    return fhi_tick(device->core, false);
}

fh_result fh_device_poll(fh_device *device)
{
    fhi_inside mark;

    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    bool inside = fhi_inside_find(core) != NULL;
    fhi_inside_begin(core, &mark, FHI_INSIDE_CALLBACK);
    fhi_queues_poll(core);
    fhi_retire_passed(core, fhi_is_lost(core));
    if (!inside && !fhi_is_lost(core)) {
        fhi_evict_cap cap = {.left = UINT64_MAX};
        fhi_evict_noted(core, &cap);
    }
    fhi_inside_end(core, &mark);
    return fhi_is_lost(core) ? fhi_fail_lost() : FH_OK;
}
