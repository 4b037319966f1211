/* Relief: what is done when admission or the driver said no.
 *
 * The policy's `relieve` gives a list of actions, or the native rule does. They are taken in order,
 * one per refusal, those that did nothing at once followed by the next. When a policy's list is
 * used up the policy is asked again, with what was tried, until it names nothing new. Every action
 * is taken once for a request and there are seven, so this ends.
 *
 * What an action frees is made room of before the request tries again: owners, allocators and
 * queues leave empty blocks behind, which may be of another type than the request's and count
 * against its heap until they are given back.
 *
 * A request from inside a callback is not relieved: its owner or allocator could be called once
 * more on the same stack. It is refused, and what it was is noted for whoever called out; an
 * allocator's alias then relieves, with nobody on the stack, and asks the allocator again
 * (allocator.c). */

#include "base/clock.h"
#include "device/core.h"
#include "device/inside.h"

#include <string.h>

/* ---- which actions ---- */

enum {
    WAIT_MAX_S = 10 /* longer than any frame: a GPU that hangs must not hang its program for ever */
};

static const fh_relief_action native_actions[] = {FH_RELIEF_RETRY, FH_RELIEF_TRIM, FH_RELIEF_DRAIN,
                                                  FH_RELIEF_EVICT, FH_RELIEF_SPILL};

static void take_native(fhi_relief *relief)
{
    relief->native = true;
    relief->position = 0;
    relief->count = sizeof native_actions / sizeof native_actions[0];
    memset(relief->actions, 0, sizeof relief->actions);
    for (uint32_t i = 0; i < relief->count; i++) {
        relief->actions[i].action = native_actions[i];
    }
}

/* The policy's answer without what is unknown or was tried already; false: nothing new.
 * *out_silent: it has no opinion. */
static bool ask(fhi_core *core, fhi_policy *policy, const fhi_request *request, fh_result reason,
                fhi_relief *relief, bool *out_silent)
{
    fh_request described;
    fh_facts facts;
    fhi_inside inside;
    fh_relief answer[FH_RELIEF_MAX] = {{0}};
    fhi_steps steps;

    fhi_policy_steps(core, policy, &steps);
    fhi_request_describe(core, request, &described);
    fhi_class_bounds(&steps, described.size, &described.size_min, &described.size_max);
    described.reason = reason;
    described.account = request->account;
    described.shortage = request->shortage;
    described.attempt = relief->attempt;
    described.tried = relief->tried;
    fhi_facts_gather(core, &facts);
    fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
    uint32_t count = policy->ops.relieve(policy->context, &described, &facts, answer);
    fhi_inside_end(core, &inside);

    *out_silent = count == 0;
    if (count > FH_RELIEF_MAX) {
        count = FH_RELIEF_MAX;
        fhi_policy_complain(core, policy, FHI_COMPLAINT_RELIEVE,
                            "relieve: more than 8 actions; the first 8 are taken");
    }
    relief->count = relief->position = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((uint32_t)answer[i].action >= FH_RELIEF_COUNT) {
            fhi_policy_complain(core, policy, FHI_COMPLAINT_RELIEVE,
                                "relieve: an unknown action; it is left out");
        } else if ((relief->tried >> answer[i].action & 1) == 0) {
            relief->actions[relief->count++] = answer[i];
        }
    }
    return relief->count > 0;
}

/* The next list; false: there is none. */
static bool ask_for_more(fhi_core *core, const fhi_request *request, fh_result reason,
                         fhi_relief *relief)
{
    if (relief->native) {
        return false;
    }
    bool first = relief->attempt == 0;
    bool more = false, silent = true;
    relief->attempt++;
    fhi_policy *policy = fhi_policy_enter(core);
    if (policy) {
        if (policy->ops.relieve) {
            more = ask(core, policy, request, reason, relief, &silent);
        }
        fhi_policy_leave(core, policy);
    }
    if (first && silent) {
        take_native(relief);
        more = true;
    }
    return more;
}

/* ---- taking them ---- */

/* Give back what fell empty just now. */
static uint64_t make_room(fhi_core *core)
{
    fhi_queues_poll(core);
    fhi_retire_passed(core, fhi_is_lost(core));
    return fhi_trim_pools(core, FHI_TRIM_RELIEF, NULL, NULL) + fhi_staging_trim(core, true);
}

static uint64_t freed_bytes(fhi_core *core)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        sum += lane->freed_bytes;
        fhi_latch_release(&lane->lock);
    }
    return sum;
}

static uint64_t bytes_short(const fhi_request *request)
{
    return request->shortage != 0 ? request->shortage : request->requirements.size;
}

/* The heap of the memory that the request tried first. */
static uint32_t heap_of(const fhi_core *core, const fhi_request *request)
{
    if (request->pool) {
        return request->pool->heap;
    }
    if (request->had_pool) {
        return request->pool_heap;
    }
    return request->order.count > 0 ? core->adapter.types[request->order.types[0]].heap : 0;
}

static bool drain(fhi_core *core)
{
    uint64_t before = freed_bytes(core);
    return fhi_allocators_drain(core) && (make_room(core) > 0 || freed_bytes(core) != before);
}

/* More than the account or the heap allows even when nothing else lives: nobody is to let go for
 * that. */
static bool is_hopeless(fhi_core *core, const fhi_request *request, fh_result reason)
{
    if (reason == FH_ERR_OUT_OF_MEMORY) {
        return request->requirements.size > core->adapter.heaps[heap_of(core, request)].size;
    }
    const fhi_account *account = fhi_account_of(core, request->account);
    return account && request->asked > atomic_load_explicit(&account->limit, memory_order_relaxed);
}

/* A hole in a block does as well as driver memory, where the request may lie in one. */
static void want_hole(const fhi_core *core, const fhi_request *request, fhi_evict_goal *goal)
{
    if (request->dedicated == FH_DEDICATED_REQUIRE || request->import || request->had_pool) {
        return;
    }
    uint64_t page = request->sort == FHI_SORT_LINEAR ? 1 : core->adapter.granularity;
    uint64_t alignment = request->requirements.alignment;
    goal->hole = fhi_align_up(request->requirements.size, page > 1 ? page : 1);
    goal->hole_alignment = alignment > page ? alignment : page;
    goal->hole_pool = request->pool;
    goal->hole_kind = request->kind;
    uint32_t count = request->spilled ? request->order.count : request->order.count > 0;
    for (uint32_t i = 0; i < count && !request->pool; i++) {
        goal->hole_types |= UINT32_C(1) << request->order.types[i];
    }
}

static bool evict(fhi_core *core, const fhi_request *request, fh_result reason, uint64_t bytes)
{
    fhi_evict_goal goal;
    fhi_evict_cap cap = {.left = UINT64_MAX};

    memset(&goal, 0, sizeof goal);
    goal.at_once = true;
    goal.any = bytes; /* what a policy asks for is of whatever memory: the request comes first */
    want_hole(core, request, &goal);
    if (reason == FH_ERR_OUT_OF_MEMORY) {
        goal.heaps[heap_of(core, request)] = bytes_short(request);
        goal.external = true;
    } else if (request->account.scope == FH_ACCOUNT_TOTAL) {
        goal.total = bytes_short(request);
    } else if (request->account.scope == FH_ACCOUNT_HEAP) {
        goal.heaps[request->account.index] = bytes_short(request);
    } else if (request->account.scope == FH_ACCOUNT_KIND) {
        goal.kinds[request->account.index] = bytes_short(request);
    } else {
        goal.tags[request->account.index] = bytes_short(request);
    }
    if (is_hopeless(core, request, reason) || fhi_evict(core, &goal, true, &cap) == 0) {
        return false;
    }
    make_room(core);
    return true;
}

/* Only types, and the limits of heaps, are another's after a spill. */
static bool spill(fhi_request *request, fh_result reason)
{
    if (request->spilled || request->no_spill || request->pool || request->had_pool ||
        request->order.count < 2 ||
        (reason == FH_ERR_BUDGET && request->account.scope != FH_ACCOUNT_HEAP)) {
        return false;
    }
    request->spilled = true;
    return true;
}

/* The first points that retiring parcels wait for, of the backend's queues and handed out; others
 * may never come. */
static uint32_t next_epochs(fhi_core *core, fh_epoch out_epochs[FH_QUEUE_MAX])
{
    uint32_t count = 0;
    fhi_lock_acquire(&core->retire.lock);
    for (uint32_t i = 0; i < core->adapter.queue_count; i++) {
        const fhi_queue *queue = &core->retire.queues[i];
        if (queue->count == 0) {
            continue;
        }
        uint64_t value = queue->buckets[queue->head].value;
        if (value <= atomic_load(&queue->submitted)) {
            out_epochs[count++] = (fh_epoch){i, value};
        }
    }
    fhi_lock_release(&core->retire.lock);
    return count;
}

/* Until enough is free again, time is up, or nothing is left to wait for. */
static bool wait(fhi_core *core, const fhi_request *request, uint64_t timeout_ns)
{
    uint64_t most_ns = WAIT_MAX_S * UINT64_C(1000000000);
    uint64_t deadline = fhi_deadline(timeout_ns < most_ns ? timeout_ns : most_ns);
    uint64_t before = freed_bytes(core);
    uint64_t freed = 0;
    fh_epoch epochs[FH_QUEUE_MAX];
    bool waiting = true;

    fhi_queues_poll(core);
    fhi_retire_passed(core, fhi_is_lost(core));
    while ((freed = freed_bytes(core) - before) < bytes_short(request) && waiting) {
        uint32_t count = next_epochs(core, epochs);
        waiting = count > 0;
        for (uint32_t i = 0; i < count && waiting; i++) {
            uint64_t now = fhi_now_ns();
            waiting = now < deadline && fhi_epoch_wait(core, epochs[i], deadline - now) == FH_OK;
        }
        fhi_retire_passed(core, fhi_is_lost(core));
    }
    if (freed > 0) {
        make_room(core);
    }
    return freed > 0;
}

/* True: it may have helped. */
static bool take(fhi_core *core, fhi_request *request, fh_result reason, const fh_relief *action,
                 bool native)
{
    switch (action->action) {
    case FH_RELIEF_RETRY:
        fhi_queues_poll(core);
        return fhi_retire_passed(core, fhi_is_lost(core)) > 0 || !native;
    case FH_RELIEF_TRIM:
        make_room(core);
        return true; /* a slab that went back to its block is no byte of the driver's, but may do */
    case FH_RELIEF_DRAIN:
        return drain(core);
    case FH_RELIEF_EVICT:
        return evict(core, request, reason, action->bytes);
    case FH_RELIEF_SPILL:
        return spill(request, reason);
    case FH_RELIEF_WAIT:
        return wait(core, request, action->timeout_ns);
    default:
        return false;
    }
}

/* From inside a callback: refused, unless the one who called out spills. Of its pool, which may be
 * gone when the note is read, only what is needed then is noted. */
static bool note_inside(const fhi_core *core, fhi_inside *inside, fhi_request *request,
                        fh_result reason)
{
    if (inside->spill && spill(request, reason)) {
        return true;
    }
    inside->refused = true;
    inside->request = *request;
    inside->request.had_pool = request->pool != NULL || request->had_pool;
    inside->request.pool_heap = heap_of(core, request);
    inside->request.pool = NULL;
    inside->request.visits = false;
    return false;
}

static bool relieve(fhi_core *core, fhi_request *request, fh_result reason, fhi_relief *relief)
{
    for (;;) {
        if (relief->position == relief->count && !ask_for_more(core, request, reason, relief)) {
            return false;
        }
        const fh_relief *action = &relief->actions[relief->position++];
        uint32_t bit = UINT32_C(1) << action->action;
        if ((relief->tried & bit) != 0) {
            continue;
        }
        relief->tried |= bit;
        if (action->action == FH_RELIEF_DENY) {
            return false;
        }
        if (take(core, request, reason, action, relief->native)) {
            return true;
        }
    }
}

bool fhi_relieve(fhi_core *core, fhi_request *request, fh_result reason, fhi_relief *relief)
{
    fhi_inside mark;

    if (relief->over || request->never_relieve || fhi_is_lost(core) ||
        (reason != FH_ERR_BUDGET && reason != FH_ERR_OUT_OF_MEMORY)) {
        return false;
    }
    fhi_inside *inside = fhi_inside_find(core);
    if (inside) {
        return note_inside(core, inside, request, reason);
    }
    fhi_inside_begin(core, &mark, FHI_INSIDE_CALLBACK);
    relief->over = !relieve(core, request, reason, relief);
    fhi_inside_end(core, &mark);
    return !relief->over;
}
