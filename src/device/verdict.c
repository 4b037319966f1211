#include "device/verdict.h"

#include "base/bits.h"
#include "device/core.h"
#include "device/inside.h"
#include "device/text.h"

#include <string.h>

enum {
    FIRST_CAPACITY = 64,
    NONE = 0 /* no place */
};

/* ---- classes ---- */

/* Powers of two and the policy's steps are the boundaries: a class goes from one to the next. A
 * step that is a power of two counts twice in the index below, which then skips a value; it still
 * grows at every boundary, so no two classes have the same. */
void fhi_class_bounds(const fhi_steps *steps, uint64_t size, uint64_t *out_min, uint64_t *out_max)
{
    uint32_t bit = size == 0 ? 0 : fhi_highest_bit(size);
    uint32_t below = steps ? fhi_steps_up_to(steps, size) : 0;
    *out_min = size == 0 ? 0 : UINT64_C(1) << bit;
    *out_max =
        (UINT64_C(2) << bit) - 1; /* 2^64 - 1 when the highest bit is the last: 2 << 63 is 0 */
    if (below > 0 && steps->sizes[below - 1] > *out_min) {
        *out_min = steps->sizes[below - 1];
    }
    if (steps && below < steps->count && steps->sizes[below] - 1 < *out_max) {
        *out_max = steps->sizes[below] - 1;
    }
}

_Static_assert(FH_KIND_COUNT <= 8 && FHI_TAGS <= 1024 && FH_LOCATION_COUNT <= 4 &&
                   FH_ACCESS_COUNT <= 4 && 64 + FHI_PLACE_STEPS <= 128,
               "a class fits 64 bits");

static uint64_t class_key(const fhi_request *request, const fhi_steps *steps)
{
    const fh_memory_desc *memory = request->memory;
    uint64_t size = request->requirements.size;
    uint64_t base =
        fhi_class_base(request->kind, request->usage, memory->location,
                       fhi_access_resolve(memory->location, memory->access), memory->tag, size);
    return base + fhi_steps_up_to(steps, size) * FHI_CLASS_STEP;
}

/* ---- the device's table; all under policies.lock ---- */

static void lru_unlink(fhi_verdict_table *table, uint16_t at)
{
    fhi_verdict_place *place = &table->places[at - 1];
    *(place->newer ? &table->places[place->newer - 1].older : &table->newest) = place->older;
    *(place->older ? &table->places[place->older - 1].newer : &table->oldest) = place->newer;
}

static void lru_push(fhi_verdict_table *table, uint16_t at)
{
    fhi_verdict_place *place = &table->places[at - 1];
    place->newer = NONE;
    place->older = table->newest;
    *(table->newest ? &table->places[table->newest - 1].newer : &table->oldest) = at;
    table->newest = at;
}

static uint16_t *chain_of(fhi_verdict_table *table, uint64_t key)
{
    return &table->places[fhi_class_hash(key) & (table->capacity - 1)].first;
}

static uint16_t table_find(fhi_verdict_table *table, uint64_t key)
{
    uint16_t at = table->capacity > 0 ? *chain_of(table, key) : NONE;
    while (at != NONE && table->places[at - 1].verdict.class_key != key) {
        at = table->places[at - 1].chain;
    }
    return at;
}

static void table_clear(fhi_verdict_table *table, uint64_t version)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        table->places[i].first = NONE;
    }
    table->count = 0;
    table->newest = table->oldest = NONE;
    table->version = version;
}

/* Take the least used out. */
static uint16_t table_drop(fhi_verdict_table *table)
{
    uint16_t at = table->oldest;
    uint16_t *link = chain_of(table, table->places[at - 1].verdict.class_key);
    while (*link != at) {
        link = &table->places[*link - 1].chain;
    }
    *link = table->places[at - 1].chain;
    lru_unlink(table, at);
    return at;
}

static void table_put(fhi_verdict_table *table, const fhi_verdict *verdict)
{
    uint16_t at = table_find(table, verdict->class_key);
    if (at != NONE) {
        lru_unlink(table, at);
    } else {
        at = table->count < table->capacity ? (uint16_t)++table->count : table_drop(table);
        uint16_t *first = chain_of(table, verdict->class_key);
        table->places[at - 1].chain = *first;
        *first = at;
    }
    table->places[at - 1].verdict = *verdict;
    lru_push(table, at);
}

/* Move over into `places`, twice as many and cleared, or the first ones. */
static void table_grow(fhi_verdict_table *table, fhi_verdict_place *places, uint32_t capacity)
{
    fhi_verdict_table old = *table;
    table->places = places;
    table->capacity = capacity;
    table_clear(table, old.version);
    for (uint16_t at = old.oldest; at != NONE; at = old.places[at - 1].newer) {
        table_put(table, &old.places[at - 1].verdict);
    }
}

/* Whether `version` is still in force; then the policy that was entered after it was read is the
 * one that it belongs to. Under policies.lock. */
static bool is_current(const fhi_policies *policies, uint64_t version)
{
    return atomic_load_explicit(&policies->verdict_version, memory_order_relaxed) == version;
}

static bool table_get(fhi_policies *policies, uint64_t version, uint64_t key, uint64_t tick,
                      fhi_verdict *out_verdict)
{
    fhi_verdict_table *table = &policies->table;
    uint16_t at = NONE;

    fhi_lock_acquire(&policies->lock);
    if (table->version == version && is_current(policies, version)) {
        at = table_find(table, key);
    }
    if (at != NONE) {
        lru_unlink(table, at);
        lru_push(table, at);
        *out_verdict = table->places[at - 1].verdict;
    }
    fhi_lock_release(&policies->lock);
    return at != NONE && (out_verdict->tick == UINT64_MAX || out_verdict->tick == tick);
}

/* Without host memory for more it takes the place of the least used. No lock held. */
static void table_keep(fhi_core *core, uint64_t version, const fhi_verdict *verdict)
{
    fhi_policies *policies = &core->policies;
    fhi_verdict_table *table = &policies->table;
    fhi_verdict_place *fresh = NULL;
    uint32_t capacity = 0;

    fhi_lock_acquire(&policies->lock);
    if (is_current(policies, version) && table->version != version) {
        table_clear(table, version);
    }
    if (table->count == table->capacity && table->capacity < FHI_VERDICTS) {
        uint32_t had = table->capacity;
        capacity = had == 0 ? FIRST_CAPACITY : had * 2;
        fhi_lock_release(&policies->lock);
        fresh = fhi_host_alloc(&core->memory, capacity, sizeof *fresh, 64);
        fhi_lock_acquire(&policies->lock);
        if (fresh && table->capacity == had) {
            fhi_verdict_place *old = table->places;
            table_grow(table, fresh, capacity);
            fresh = old;
            capacity = had;
        }
    }
    if (table->capacity > 0 && table->version == version && is_current(policies, version)) {
        table_put(table, verdict);
    }
    fhi_lock_release(&policies->lock);
    fhi_host_free(&core->memory, fresh, capacity, sizeof *fresh, 64);
}

void fhi_verdicts_finish(fhi_core *core)
{
    fhi_verdict_table *table = &core->policies.table;
    fhi_host_free(&core->memory, table->places, table->capacity, sizeof *table->places, 64);
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_host_free(&core->memory, core->lanes[i].verdicts, 1, sizeof(fhi_lane_verdicts), 64);
        core->lanes[i].verdicts = NULL;
    }
}

/* ---- the lanes' copies ---- */

/* A class whose verdict is not to be kept, which only says that the policy has to be asked, without
 * a look into the table. */
typedef struct question {
    bool asks;  /* it is one */
    bool marks; /* the thread is in no hook yet, and now is marked as in one: */
    fhi_inside inside;
    uint64_t size_min, size_max; /* of the class */
} question;

/* The hot path of a request under a policy. */
static bool lane_get(fhi_core *core, const fhi_request *request, uint64_t version, uint64_t tick,
                     fhi_verdict *out_verdict, question *out_question)
{
    fhi_lane *lane = &core->lanes[request->lane];
    bool found = false;

    out_question->asks = out_question->marks = false;

    fhi_latch_acquire(&lane->lock);
    const fhi_lane_verdicts *copies = lane->verdicts;
    if (copies && copies->version == version) {
        uint64_t key = class_key(request, &copies->steps);
        const fhi_verdict *copy = &copies->verdicts[fhi_class_hash(key) % FHI_LANE_VERDICTS];
        if (copy->class_key == key && copy->tick == tick) {
            *out_verdict = *copy;
            found = true;
        }
    }
    if (found && out_verdict->verdict.keep == FH_KEEP_NEVER) {
        out_question->asks = true;
        out_question->marks = fhi_inside_begin_hook(core, &out_question->inside, request->lane);
        fhi_class_bounds(&copies->steps, request->requirements.size, &out_question->size_min,
                         &out_question->size_max);
    }
    fhi_latch_release(&lane->lock);
    return found;
}

static void lane_keep(fhi_core *core, const fhi_steps *steps, uint32_t lane_index, uint64_t version,
                      uint64_t tick, const fhi_verdict *verdict)
{
    fhi_lane *lane = &core->lanes[lane_index];
    fhi_lane_verdicts *fresh = NULL;

    fhi_latch_acquire(&lane->lock);
    if (!lane->verdicts) {
        fhi_latch_release(&lane->lock);
        fresh = fhi_host_alloc(&core->memory, 1, sizeof *fresh, 64);
        fhi_latch_acquire(&lane->lock);
        if (fresh && !lane->verdicts) {
            memset(fresh, 0, sizeof *fresh);
            lane->verdicts = fresh;
            fresh = NULL;
        }
    }
    fhi_lane_verdicts *copies = lane->verdicts;
    if (copies && copies->version != version) {
        memset(copies->verdicts, 0, sizeof copies->verdicts);
        copies->steps = *steps;
        copies->version = version;
        lane->quick_stamp = 0;
    }
    if (copies) {
        fhi_verdict *copy =
            &copies->verdicts[fhi_class_hash(verdict->class_key) % FHI_LANE_VERDICTS];
        *copy = *verdict;
        copy->tick = tick;
    }
    fhi_latch_release(&lane->lock);
    fhi_host_free(&core->memory, fresh, 1, sizeof *fresh, 64);
}

/* ---- asking ---- */

/* Whether the device has it; then it has so many more guests. Not to be looked into before. */
static bool enter_pool(fhi_core *core, const fh_pool *pool, uint32_t guests)
{
    fhi_lock_acquire(&core->pool_lock);
    fh_pool *one = core->pools_first;
    while (one && one != pool) {
        one = one->next;
    }
    if (one) {
        one->guests += guests;
    }
    fhi_lock_release(&core->pool_lock);
    return one != NULL;
}

void fhi_policy_leave_pool(fhi_core *core, fhi_request *request)
{
    if (request->visits) {
        fhi_lock_acquire(&core->pool_lock);
        request->pool->guests--;
        fhi_lock_release(&core->pool_lock);
        request->visits = false;
        request->pool = NULL;
    }
}

/* What is wrong with a verdict; NULL when nothing is. */
static const char *check_verdict(fhi_core *core, const fh_verdict *verdict)
{
    if (verdict->memory_count > FH_LOCATION_COUNT) {
        return "place: memory_count is more than there are locations; the native rule decides";
    }
    for (uint32_t i = 0; i < verdict->memory_count; i++) {
        if ((uint32_t)verdict->memory[i] >= FH_LOCATION_COUNT) {
            return "place: memory has an unknown location; the native rule decides";
        }
    }
    if (verdict->has_dedicated && (uint32_t)verdict->dedicated > (uint32_t)FH_DEDICATED_NEVER) {
        return "place: dedicated has an unknown value; the native rule decides";
    }
    if (verdict->has_strategy && (uint32_t)verdict->strategy > (uint32_t)FH_STRATEGY_MIN_OFFSET) {
        return "place: strategy has an unknown value; the native rule decides";
    }
    if (verdict->has_priority && !(verdict->priority >= 0.0F && verdict->priority <= 1.0F)) {
        return "place: priority is not between 0 and 1; the native rule decides";
    }
    if ((uint32_t)verdict->keep > (uint32_t)FH_KEEP_NEVER) {
        return "place: keep has an unknown value; the native rule decides";
    }
    if (verdict->pool && !enter_pool(core, verdict->pool, 0)) {
        return "place: the pool is none of this device; the native rule decides";
    }
    return NULL;
}

/* The thread is marked as inside of a hook until it has the answer; the class's bounds are those of
 * the question. */
static void ask(fhi_core *core, fhi_policy *policy, question *q, const fhi_request *request,
                uint64_t tick, fhi_verdict *out_verdict)
{
    fh_request facts_of_it;
    fh_facts facts;
    fh_verdict *verdict = &out_verdict->verdict;

    fhi_request_describe(core, request, &facts_of_it);
    facts_of_it.size_min = q->size_min;
    facts_of_it.size_max = q->size_max;
    fhi_facts_glance(core, &facts);
    memset(verdict, 0, sizeof *verdict);
    out_verdict->decided = policy->ops.place(policy->context, &facts_of_it, &facts, verdict);
    fhi_inside_end(core, &q->inside);

    const char *fault = check_verdict(core, verdict);
    if (fault) {
        fhi_policy_complain(core, policy, FHI_COMPLAINT_PLACE, fault);
        memset(verdict, 0, sizeof *verdict);
        out_verdict->decided = false;
    }
    out_verdict->tick = verdict->keep == FH_KEEP_FRAME ? tick : UINT64_MAX;
}

/* Ask a policy that was entered with these steps. */
static void ask_with(fhi_core *core, fhi_policy *policy, const fhi_steps *steps,
                     const fhi_request *request, uint64_t tick, fhi_verdict *out_verdict)
{
    question q;
    fhi_class_bounds(steps, request->requirements.size, &q.size_min, &q.size_max);
    fhi_inside_begin(core, &q.inside, FHI_INSIDE_HOOK);
    fhi_policy_count_place(core);
    ask(core, policy, &q, request, tick, out_verdict);
}

/* Two threads that meet a class for the first time at once both ask. `version` was read before the
 * policy is entered: see is_current(). */
static void decide(fhi_core *core, const fhi_request *request, uint64_t version, uint64_t tick,
                   fhi_verdict *out_verdict)
{
    fhi_steps steps;
    out_verdict->decided = false;
    out_verdict->verdict.keep = FH_KEEP_NEVER; /* unless somebody decides */
    fhi_policy *policy = fhi_policy_enter_steps(core, &steps);
    if (!policy) {
        return;
    }
    if (policy->ops.place) {
        uint64_t key = class_key(request, &steps);
        if (!table_get(&core->policies, version, key, tick, out_verdict)) {
            ask_with(core, policy, &steps, request, tick, out_verdict);
            out_verdict->class_key = key;
            if (out_verdict->verdict.keep != FH_KEEP_NEVER) {
                table_keep(core, version, out_verdict);
            }
        }
        lane_keep(core, &steps, request->lane, version, tick, out_verdict);
    }
    fhi_policy_leave(core, policy);
}

/* The verdict that is kept after all, of a class that was not to be in this tick. */
FHI_COLD void keep_after_all(fhi_core *core, fhi_policy *policy, const fhi_request *request,
                             uint64_t version, uint64_t tick, const fhi_verdict *verdict)
{
    fhi_steps steps;
    fhi_policy_steps(core, policy, &steps);
    table_keep(core, version, verdict);
    lane_keep(core, &steps, request->lane, version, tick, verdict);
}

/* Ask about a class that the lane says has to be asked about. */
static void decide_again(fhi_core *core, const fhi_request *request, question *q, uint64_t version,
                         uint64_t tick, fhi_verdict *verdict)
{
    fhi_policy *policy = fhi_policy_enter_place(core);
    verdict->decided = false;
    verdict->verdict.keep = FH_KEEP_NEVER;
    if (!policy) {
        fhi_inside_end(core, &q->inside);
        return;
    }
    ask(core, policy, q, request, tick, verdict); /* which leaves the class's key */
    if (FHI_UNLIKELY(verdict->verdict.keep != FH_KEEP_NEVER)) {
        keep_after_all(core, policy, request, version, tick, verdict);
    }
    fhi_policy_leave(core, policy);
}

/* ---- following ---- */

static fh_result fail_denied(fhi_core *core, const fhi_request *request)
{
    fhi_policy *policy = fhi_policy_enter(core);
    fh_result result = fhi_fail_print(FH_ERR_BUDGET, "the policy \"%s\" denies %llu bytes for a %s",
                                      fhi_name_print(policy ? policy->ops.name : "?").text,
                                      (unsigned long long)request->requirements.size,
                                      fhi_kind_name(request->kind));
    if (policy) {
        fhi_policy_leave(core, policy);
    }
    return result;
}

/* A pool of the policy's choice has one memory type, which the object must be able to use, and an
 * upper end if that is asked for. */
static bool can_use_pool(const fhi_core *core, const fhi_request *request, const fh_pool *pool)
{
    const fh_memory_desc *memory = request->memory;
    fh_memory_flags needs =
        memory->required | (memory->mapped ? (fh_memory_flags)FH_MEMORY_HOST_VISIBLE : 0);
    return (request->type_mask >> pool->type & 1) != 0 &&
           (needs & ~fhi_type_flags(core, pool->type)) == 0 &&
           (!memory->upper || pool->algorithm == FH_BLOCK_LINEAR);
}

static bool has_type(const fhi_type_order *order, uint8_t type)
{
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->types[i] == type) {
            return true;
        }
    }
    return false;
}

/* Types for locations that follow each other: of each what it asks for first, then of each what
 * else would do. (For the GPU's own memory nearly anything would; the next location comes before
 * that.) */
static bool order_locations(fhi_core *core, fhi_request *request, const fh_verdict *verdict)
{
    fhi_type_order order = {.count = 0};
    for (int rest = 0; rest < 2; rest++) {
        for (uint32_t i = 0; i < verdict->memory_count; i++) {
            if (fhi_request_order(core, request, &verdict->memory[i], 1) != FH_OK) {
                continue;
            }
            uint32_t end = rest ? request->order.count : 1;
            for (uint32_t j = 0; j < end; j++) {
                if (!has_type(&order, request->order.types[j])) {
                    order.types[order.count++] = request->order.types[j];
                }
            }
        }
    }
    request->order = order;
    return order.count > 0;
}

/* Which types may be tried. What leaves none is not followed: a policy that wants to refuse says
 * so. A pool that the program has destroyed since the policy was asked is not followed, either. */
static void follow_memory(fhi_core *core, fhi_request *request, const fh_verdict *verdict)
{
    if (verdict->memory_count == 0 && verdict->type_mask == 0 && !verdict->pool) {
        return;
    }
    fhi_request wanted = *request;
    bool possible = true;
    if (verdict->pool) {
        if (!enter_pool(core, verdict->pool, 1)) {
            return;
        }
        wanted.visits = true;
    }
    if (verdict->type_mask != 0) {
        wanted.type_mask &= verdict->type_mask;
    }
    if (verdict->pool) {
        possible = can_use_pool(core, &wanted, verdict->pool);
        wanted.pool = verdict->pool;
        wanted.order = (fhi_type_order){.count = 1, .types = {(uint8_t)verdict->pool->type}};
    } else if (request->pool) {
        possible = (wanted.type_mask >> request->pool->type & 1) != 0;
    } else if (verdict->memory_count > 0) {
        possible = order_locations(core, &wanted, verdict);
    } else {
        possible = fhi_request_order(core, &wanted, &request->memory->location, 1) == FH_OK;
    }
    if (possible) {
        *request = wanted;
        return;
    }
    fhi_policy_leave_pool(core, &wanted);
    fhi_policy *policy = fhi_policy_enter(core);
    if (policy) {
        fhi_policy_complain(
            core, policy, FHI_COMPLAINT_NO_TYPE,
            "place: a verdict leaves no memory type that would do; for such requests "
            "the native rule decides");
        fhi_policy_leave(core, policy);
    }
}

static fh_result follow(fhi_core *core, fhi_request *request, const fh_verdict *verdict)
{
    if (verdict->deny) {
        request->account = (fh_account){FH_ACCOUNT_TOTAL, 0};
        return fail_denied(core, request);
    }
    follow_memory(core, request, verdict);
    /* What the program requires is not the policy's to change. */
    if (verdict->has_dedicated && request->dedicated != FH_DEDICATED_REQUIRE) {
        request->dedicated = verdict->dedicated;
    }
    if (verdict->has_strategy) {
        request->strategy = verdict->strategy;
    }
    if (verdict->has_priority) {
        request->priority = verdict->priority;
    }
    if (verdict->has_within_budget) {
        request->within_budget = verdict->within_budget;
    }
    request->no_spill = request->no_spill || verdict->no_spill;
    return FH_OK;
}

/* Whether the description says nothing about memory that could lead elsewhere than its class
 * does. */
static bool is_plain(const fhi_request *request)
{
    const fh_memory_desc *memory = request->memory;
    return request->buffer && memory->required == 0 && memory->preferred == 0 &&
           memory->type_mask == 0 && memory->dedicated == FH_DEDICATED_AUTO &&
           memory->strategy == FH_STRATEGY_BALANCED && !memory->pool && !memory->mapped &&
           !memory->within_budget && !memory->upper && memory->backing.id == 0;
}

/* What came of a verdict, for the quick way of those that follow in this tick. */
static void keep_quick(fhi_core *core, const fhi_request *request, uint64_t version, uint64_t stamp,
                       const fhi_verdict *verdict)
{
    const fh_memory_desc *memory = request->memory;
    uint64_t size = request->requirements.size;
    bool simple = fhi_request_is_simple(request);
    uint64_t base = fhi_class_base(request->kind, request->usage, memory->location, memory->access,
                                   memory->tag, size);
    fhi_lane *lane = &core->lanes[request->lane];

    fhi_latch_acquire(&lane->lock);
    fhi_lane_verdicts *copies = lane->verdicts;
    if (copies && copies->version == version) { /* and so are its steps */
        if (lane->quick_stamp != stamp) {
            memset(copies->quick, 0, sizeof copies->quick);
            lane->quick_stamp = stamp;
        }
        uint32_t step = fhi_steps_up_to(&copies->steps, size);
        *fhi_quick_at(copies, fhi_class_hash(base), step) = (fhi_quick_verdict){
            .key = base + step * FHI_CLASS_STEP,
            .type_mask = simple ? request->requirements.type_mask : 0,
            .type = simple ? request->order.types[0] : 0,
            .priority = verdict->decided && verdict->verdict.has_priority ? request->priority : 0,
        };
    }
    fhi_latch_release(&lane->lock);
}

fh_result fhi_policy_place(fhi_core *core, fhi_request *request)
{
    fhi_verdict verdict;
    uint64_t tick = atomic_load_explicit(&core->tick, memory_order_relaxed);

    if (request->never_relieve) { /* Freehold's own: staging must lie where staging lies */
        return FH_OK;
    }
    uint64_t version = atomic_load(&core->policies.verdict_version);
    uint64_t stamp = atomic_load(&core->policies.stamp);
    question q;
    bool known = lane_get(core, request, version, tick, &verdict, &q);
    if (!known) {
        decide(core, request, version, tick, &verdict);
    } else if (q.marks) {
        decide_again(core, request, &q, version, tick, &verdict);
    } else if (q.asks) {
        atomic_fetch_add_explicit(&core->policies.busy_count, 1, memory_order_relaxed);
        verdict.decided = false;
    }
    fh_result result = verdict.decided ? follow(core, request, &verdict.verdict) : FH_OK;
    if (result == FH_OK && verdict.verdict.keep != FH_KEEP_NEVER && stamp != 0 &&
        is_plain(request)) {
        keep_quick(core, request, version, stamp, &verdict);
    }
    return result;
}

fh_result fhi_policy_preview(fhi_core *core, fhi_request *request, char *out_policy,
                             bool *out_decided, fh_verdict *out_verdict)
{
    fhi_verdict verdict = {.decided = false};
    uint64_t tick = atomic_load_explicit(&core->tick, memory_order_relaxed);
    fhi_steps steps;
    fhi_policy *policy = fhi_policy_enter_steps(core, &steps);

    fhi_name_copy(out_policy, policy ? policy->ops.name : NULL);
    if (policy && policy->ops.place) {
        ask_with(core, policy, &steps, request, tick, &verdict);
    }
    if (policy) {
        fhi_policy_leave(core, policy);
    }
    *out_decided = verdict.decided;
    *out_verdict = verdict.verdict;
    return verdict.decided ? follow(core, request, &verdict.verdict) : FH_OK;
}
