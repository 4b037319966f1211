/* Eviction: owners are asked to let parcels go. Nothing is ever taken from them.
 *
 * Who may be asked is gathered by a walk over the slots, and asked in the order of the policy's
 * columns or keys, or of the native rule, one after the other with no lock held, each only after a
 * look whether it still lives. The order is made as far as the asking gets: a request is often
 * content with the first one or two of thousands. An owner that says yes releases the parcel then
 * or later; it is looked at again at the next tick, and counted as ignored when it lives still.
 *
 * Range bytes (of kinds, tags, a policy's wish) come free with each parcel. Driver bytes do not:
 * for those, owners are asked memory by memory (evict_memory.c), as long as all in it agree, and
 * nobody is asked where that frees no memory. A request is content with a hole in a block, too:
 * where one parcel leaves one that is large enough, only that one is asked.
 *
 * A parcel whose owner was asked sorts behind those that were not, until all were: with a cap on
 * the bytes of one tick, an owner that always declines would otherwise be the only one ever
 * asked. */

#include "device/evict.h"

#include <string.h>

enum {
    FIRST_CANDIDATES = 256,
    NOTED_MAX = sizeof((fhi_core *)0)->evict_noted / sizeof(fh_parcel)
};

/* Parcels whose owners said yes. */
typedef struct fhi_evict_batch {
    struct fhi_evict_batch *next;
    uint32_t count, capacity;
    fh_parcel parcels[];
} fhi_evict_batch;

/* ---- goals ---- */

/* Range bytes that a parcel may add to. */
static uint64_t wanted_of(const fhi_evict_goal *goal, const fhi_candidate *one)
{
    uint64_t most = goal->any;
    most = goal->kinds[one->kind] > most ? goal->kinds[one->kind] : most;
    return one->tag != 0 && goal->tags[one->tag] > most ? goal->tags[one->tag] : most;
}

static void reach(fhi_evict_goal *goal, const fhi_candidate *one)
{
    fhi_evict_subtract(&goal->any, one->size);
    fhi_evict_subtract(&goal->kinds[one->kind], one->size);
    fhi_evict_subtract(&goal->tags[one->tag], one->size);
}

static bool wants_driver_bytes(const fhi_evict_goal *goal)
{
    uint64_t most = goal->total;
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        most |= goal->heaps[i];
    }
    return most > 0;
}

static bool wants_range_bytes(const fhi_evict_goal *goal)
{
    uint64_t most = goal->any;
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        most |= goal->kinds[i];
    }
    for (uint32_t i = 0; i < FHI_TAGS; i++) {
        most |= goal->tags[i];
    }
    return most > 0;
}

static void forget_driver_bytes(fhi_evict_goal *goal)
{
    goal->total = 0;
    memset(goal->heaps, 0, sizeof goal->heaps);
}

uint64_t fhi_evict_most_wanted(const fhi_evict_goal *goal)
{
    uint64_t most = goal->any > goal->total ? goal->any : goal->total;
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        most = goal->heaps[i] > most ? goal->heaps[i] : most;
    }
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        most = goal->kinds[i] > most ? goal->kinds[i] : most;
    }
    for (uint32_t i = 0; i < FHI_TAGS; i++) {
        most = goal->tags[i] > most ? goal->tags[i] : most;
    }
    return most;
}

/* ---- gathering ---- */

static bool provide(void *context, uint32_t count)
{
    fhi_candidates *c = context;
    const fh_host_memory *memory = &c->core->memory;
    if (!fhi_grounds_provide(c, count)) {
        return false;
    }
    if (c->capacity - c->count >= count) {
        return true;
    }
    uint32_t capacity = c->capacity == 0 ? FIRST_CANDIDATES : c->capacity * 2;
    fhi_candidate *more = fhi_host_alloc(memory, capacity, sizeof *more, 64);
    if (!more) {
        return false;
    }
    if (c->count > 0) {
        memcpy(more, c->all, c->count * sizeof *more);
    }
    fhi_host_free(memory, c->all, c->capacity, sizeof *more, 64);
    c->all = more;
    c->capacity = capacity;
    return true;
}

/* Whether the request could lie where this lies. */
static bool leaves_hole(const fhi_evict_goal *goal, const fhi_record *record)
{
    const fhi_backing *backing = &record->backing;
    const fhi_memory *memory = backing->memory;
    if (goal->hole == 0 || backing->reserved < goal->hole || !memory || !memory->pool ||
        (goal->hole_alignment > 1 && backing->offset % goal->hole_alignment != 0) ||
        (backing->slab && record->kind != goal->hole_kind)) {
        return false;
    }
    return goal->hole_pool ? memory->pool == goal->hole_pool
                           : !memory->pool->custom && (goal->hole_types >> memory->type & 1) != 0;
}

static void gather(void *context, uint32_t slot, const fhi_record *record)
{
    fhi_candidates *c = context;
    if (record->backing.reserved == 0) {
        return; /* on another parcel's memory: its owner's business, and goes with that parcel */
    }
    bool is_candidate = record->evictable != FH_EVICTABLE_NO && record->state == FHI_STATE_LIVE &&
                        (record->flags & (FHI_RECORD_GHOST | FHI_RECORD_EVICT_PENDING)) == 0;
    uint32_t ground = fhi_grounds_add(c, slot, record, is_candidate);
    if (!is_candidate) {
        return;
    }
    bool external = record->type == FHI_NO_TYPE;
    fhi_candidate *one = &c->all[c->count]; /* counted when it is wanted */
    *one = (fhi_candidate){
        .parcel = fhi_record_parcel(c->core, slot),
        .size = record->backing.reserved,
        .age = c->now - record->used_tick,
        .made = c->now - record->made_tick,
        .ground = ground,
        .next = FHI_EVICT_NONE,
        .priority = record->priority,
        .tag = record->tag,
        .kind = record->kind,
        .heap = external ? record->heap : (uint8_t)c->core->adapter.types[record->type].heap,
        .evictable = record->evictable,
        .external = external,
        .again = (record->flags & FHI_RECORD_EVICT_ASKED) != 0,
        .hole = ground != FHI_EVICT_NONE && leaves_hole(c->goal, record),
    };
    if (ground != FHI_EVICT_NONE || wanted_of(c->goal, one) > 0) {
        c->count++;
    }
}

/* ---- asking ---- */

/* As fhi_pin(), but quiet: that a parcel is gone is no failure of the call that asks. */
static fhi_record *try_pin(fhi_core *core, fh_parcel parcel)
{
    fhi_record *record = fhi_record_at(core, fhi_parcel_slot(parcel));
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    do {
        if ((word & FHI_WORD_GENERATION) != (parcel.id & FHI_WORD_GENERATION) ||
            (word & FHI_WORD_REFERENCES) == 0 || (word & FHI_WORD_PINS) == FHI_WORD_PINS) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&record->word, &word, word + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return record;
}

static void set_flags(fhi_core *core, fhi_record *record, uint16_t on, uint16_t off)
{
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    record->flags = (uint16_t)((record->flags | on) & ~off);
    fhi_latch_release(&lane->lock);
}

static void observe(fhi_core *core, uint32_t event, fh_parcel parcel, uint64_t bytes)
{
    if (fhi_is_observed(core, event)) {
        fhi_observe(core, &(fh_event){.kind = event, .parcel = parcel, .bytes = bytes});
    }
}

static void count_ignored(fhi_core *core, fh_parcel parcel, uint64_t bytes)
{
    atomic_fetch_add_explicit(&core->evict_ignored_count, 1, memory_order_relaxed);
    observe(core, FH_EVENT_EVICT_IGNORED, parcel, bytes);
}

typedef enum answer {
    ANSWER_NO = 0,
    ANSWER_YES,
    ANSWER_GONE /* was not asked: it lives no more, or is being asked on another thread */
} answer;

/* Who says yes is noted in `batch`, which may be NULL: then nobody looks again. */
static answer ask_owner(fhi_core *core, fh_parcel parcel, fhi_evict_batch *batch)
{
    fhi_record *record = try_pin(core, parcel);
    if (!record) {
        return ANSWER_GONE;
    }
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    bool busy = (record->flags & FHI_RECORD_EVICT_PENDING) != 0;
    record->flags |= FHI_RECORD_EVICT_ASKED | FHI_RECORD_EVICT_PENDING;
    void *user = record->user;
    uint64_t bytes = record->backing.reserved;
    fhi_latch_release(&lane->lock);
    fhi_unpin(core, parcel, record);
    if (busy) {
        return ANSWER_GONE;
    }
    atomic_fetch_add_explicit(&core->evict_asked_count, 1, memory_order_relaxed);
    observe(core, FH_EVENT_EVICT_ASKED, parcel, bytes);
    bool lets_go = core->evict(core->evict_context, &core->root, parcel, user);

    if (lets_go && batch) {
        batch->parcels[batch->count++] = parcel;
    } else {
        record = try_pin(core, parcel);
        if (record) {
            set_flags(core, record, 0, FHI_RECORD_EVICT_PENDING);
            fhi_unpin(core, parcel, record);
        }
    }
    if (!lets_go) {
        count_ignored(core, parcel, bytes);
    }
    return lets_go ? ANSWER_YES : ANSWER_NO;
}

static fhi_evict_batch *batch_create(fhi_core *core, uint32_t capacity)
{
    fhi_evict_batch *batch =
        fhi_host_alloc(&core->memory, 1, sizeof *batch + capacity * sizeof batch->parcels[0], 64);
    if (batch) {
        batch->next = NULL;
        batch->count = 0;
        batch->capacity = capacity;
    }
    return batch;
}

static void batch_destroy(fhi_core *core, fhi_evict_batch *batch)
{
    if (batch) {
        fhi_host_free(&core->memory, batch, 1,
                      sizeof *batch + batch->capacity * sizeof batch->parcels[0], 64);
    }
}

/* To be looked at by the next tick. */
static void batch_keep(fhi_core *core, fhi_evict_batch *batch)
{
    if (batch && batch->count > 0) {
        fhi_lock_acquire(&core->evict_lock);
        batch->next = core->evict_asked;
        core->evict_asked = batch;
        fhi_lock_release(&core->evict_lock);
    } else {
        batch_destroy(core, batch);
    }
}

static fhi_evict_batch *take_batches(fhi_core *core)
{
    fhi_lock_acquire(&core->evict_lock);
    fhi_evict_batch *batch = core->evict_asked;
    core->evict_asked = NULL;
    fhi_lock_release(&core->evict_lock);
    return batch;
}

void fhi_evict_review(fhi_core *core)
{
    fhi_evict_batch *next;
    for (fhi_evict_batch *batch = take_batches(core); batch; batch = next) {
        next = batch->next;
        for (uint32_t i = 0; i < batch->count; i++) {
            fh_parcel parcel = batch->parcels[i];
            fhi_record *record = try_pin(core, parcel);
            if (!record) {
                continue;
            }
            fhi_lane *lane = &core->lanes[record->lane];
            fhi_latch_acquire(&lane->lock);
            record->flags &= (uint16_t)~FHI_RECORD_EVICT_PENDING;
            uint64_t bytes = record->backing.reserved;
            fhi_latch_release(&lane->lock);
            fhi_unpin(core, parcel, record);
            count_ignored(core, parcel, bytes);
        }
        batch_destroy(core, batch);
    }
}

void fhi_evict_finish(fhi_core *core)
{
    fhi_evict_batch *next;
    for (fhi_evict_batch *batch = take_batches(core); batch; batch = next) {
        next = batch->next;
        batch_destroy(core, batch);
    }
}

/* ---- who lets go where ---- */

static void note(fhi_core *core, fh_parcel parcel)
{
    bool known = false;
    fhi_lock_acquire(&core->evict_lock);
    for (uint32_t i = 0; i < core->evict_noted_count; i++) {
        known = known || core->evict_noted[i].id == parcel.id;
    }
    if (!known && core->evict_noted_count < NOTED_MAX) {
        core->evict_noted[core->evict_noted_count++] = parcel;
    }
    fhi_lock_release(&core->evict_lock);
}

/* Whether `bytes` more may be asked for. The first parcel always may, or large ones would be there
 * for good. */
static bool spend(fhi_evict_cap *cap, uint64_t bytes)
{
    if (bytes > cap->left && cap->spent) {
        return false;
    }
    fhi_evict_subtract(&cap->left, bytes);
    cap->spent = true;
    return true;
}

void fhi_evict_noted(fhi_core *core, fhi_evict_cap *cap)
{
    fh_parcel noted[NOTED_MAX];

    fhi_lock_acquire(&core->evict_lock);
    uint32_t count = core->evict_noted_count;
    memcpy(noted, core->evict_noted, count * sizeof noted[0]);
    core->evict_noted_count = 0;
    fhi_lock_release(&core->evict_lock);
    if (count == 0 || !core->evict) {
        return;
    }
    fhi_evict_batch *batch = batch_create(core, count);
    for (uint32_t i = 0; i < count; i++) {
        fhi_record *record = try_pin(core, noted[i]);
        if (!record) {
            continue;
        }
        fhi_lane *lane = &core->lanes[record->lane];
        fhi_latch_acquire(&lane->lock);
        uint64_t bytes = record->backing.reserved;
        fhi_latch_release(&lane->lock);
        fhi_unpin(core, noted[i], record);
        if (spend(cap, bytes)) {
            ask_owner(core, noted[i], batch);
        } else {
            note(core, noted[i]);
        }
    }
    batch_keep(core, batch);
}

/* ---- who is asked ---- */

static fhi_ground *ground_of(const fhi_candidates *c, const fhi_candidate *one)
{
    return one->ground == FHI_EVICT_NONE ? NULL : &c->grounds[one->ground];
}

/* That it goes helps, on this thread or at the next tick. */
static bool is_of_use(const fhi_candidates *c, const fhi_candidate *one)
{
    const fhi_ground *ground = ground_of(c, one);
    return one->hole || wanted_of(c->goal, one) > 0 ||
           (ground && fhi_ground_can_go(c, ground, false));
}

/* All were asked: a new round. False: nobody is of use at all. */
static bool begin_round(fhi_core *core, fhi_candidates *c)
{
    bool any = false;
    for (uint32_t i = 0; i < c->count; i++) {
        if (is_of_use(c, &c->all[i])) {
            any = true;
            if (!c->all[i].again) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; any && i < c->count; i++) {
        fhi_record *record = try_pin(core, c->all[i].parcel);
        if (record) {
            set_flags(core, record, 0, FHI_RECORD_EVICT_ASKED);
            fhi_unpin(core, c->all[i].parcel, record);
        }
        c->all[i].again = false;
    }
    return any;
}

/* Told once, until a memory could be emptied again. */
static void note_stuck(fhi_core *core, const fhi_candidates *c)
{
    bool any = false;
    for (uint32_t i = 0; i < c->ground_count; i++) {
        any = any || c->grounds[i].count > 0;
        if (fhi_ground_can_go(c, &c->grounds[i], false)) {
            return;
        }
    }
    if (any && !atomic_exchange(&core->evict_stuck, true)) {
        fhi_log(&core->log, FH_LOG_WARNING,
                "memory is over a limit and no owner is asked to let go: beside every evictable "
                "parcel something lives in the same memory that is not, so that none would come "
                "free");
    }
}

/* One round of asking. */
typedef struct asking {
    fhi_core *core;
    fhi_candidates *c;
    fhi_evict_batch *batch;
    fhi_evict_cap *cap;
    uint64_t bytes; /* that owners said they let go */
} asking;

typedef enum outcome {
    OUTCOME_AGREED = 0,
    OUTCOME_DECLINED,
    OUTCOME_CAPPED
} outcome;

static outcome ask(asking *a, fhi_candidate *one)
{
    if (!spend(a->cap, one->size)) {
        return OUTCOME_CAPPED;
    }
    one->closed = true;
    answer said = ask_owner(a->core, one->parcel, a->batch);
    if (said == ANSWER_YES) {
        a->bytes += one->size;
        reach(a->c->goal, one);
    }
    return said == ANSWER_NO ? OUTCOME_DECLINED : OUTCOME_AGREED;
}

/* All that lies there, until an owner declines: then the rest of it would go in vain. False: the
 * cap ended it in the middle, and the next tick goes on with it. */
static bool empty(asking *a, fhi_ground *ground)
{
    bool begun = false;
    ground->closed = true;
    for (uint32_t i = ground->first; i != FHI_EVICT_NONE; i = a->c->all[i].next) {
        fhi_candidate *one = &a->c->all[i];
        outcome out = one->closed ? OUTCOME_AGREED : ask(a, one);
        if (out != OUTCOME_AGREED) {
            return out == OUTCOME_DECLINED || !begun;
        }
        begun = true;
    }
    fhi_ground_goes(a->c, ground);
    atomic_store_explicit(&a->core->evict_stuck, false, memory_order_relaxed);
    return true;
}

/* What was begun in earlier ticks first, where all agreed so far; what is on its way out does not
 * help a request. */
static bool is_turn(const fhi_candidates *c, const fhi_candidate *last, bool begun)
{
    return !begun || (c->grounds[last->ground].draining && !last->again && !c->goal->at_once);
}

static bool any_drains(const fhi_candidates *c)
{
    for (uint32_t i = 0; i < c->ground_count; i++) {
        if (c->grounds[i].draining && c->grounds[i].count > 0) {
            return true;
        }
    }
    return false;
}

static void ask_for_driver_bytes(asking *a)
{
    fhi_candidates *c = a->c;
    const uint32_t count = c->count;
    bool hole_helps = c->goal->hole > 0 && wants_driver_bytes(c->goal);
    uint32_t hole = hole_helps ? fhi_evict_first_hole(c) : FHI_EVICT_NONE;
    if (hole != FHI_EVICT_NONE && ask(a, &c->all[hole]) == OUTCOME_AGREED) {
        forget_driver_bytes(c->goal);
        return;
    }
    uint32_t i = c->goal->at_once || !any_drains(c) ? count : 0;
    for (; i < 2 * count && wants_driver_bytes(c->goal); i++) {
        bool begun = i < count;
        uint32_t place = begun ? i : i - count;
        fhi_candidate *one = fhi_evict_at(c, place);
        fhi_ground *ground = ground_of(c, one), *other;
        if (!begun && fhi_leaves_hole_now(one) && ask(a, one) == OUTCOME_AGREED) {
            forget_driver_bytes(c->goal);
            return;
        }
        if (!ground || ground->worst != place || !is_turn(c, one, begun)) {
            continue;
        }
        while (fhi_ground_can_go(c, ground, true)) {
            other = fhi_ground_cheaper(c, ground);
            if (!empty(a, other ? other : ground)) {
                return;
            }
        }
    }
}

static void ask_for_range_bytes(asking *a)
{
    fhi_candidates *c = a->c;
    bool wants = wants_range_bytes(c->goal);
    for (uint32_t i = 0; i < c->count && wants; i++) {
        fhi_candidate *one = fhi_evict_at(c, i);
        bool now = !c->in_request || one->evictable == FH_EVICTABLE_ANY_THREAD;
        if (now && !one->closed && wanted_of(c->goal, one) > 0 && !fhi_is_nan(one->key)) {
            ask(a, one);
            wants = wanted_of(c->goal, one) > 0 || wants_range_bytes(c->goal);
        }
    }
}

/* Those that the request may not ask: for the next tick or poll. */
static void note_rest(asking *a)
{
    fhi_candidates *c = a->c;
    for (uint32_t i = 0; i < c->count && wants_driver_bytes(c->goal); i++) {
        fhi_candidate *one = fhi_evict_at(c, i);
        fhi_ground *ground = ground_of(c, one);
        if (one->hole && one->evictable == FH_EVICTABLE_AT_TICK) {
            note(a->core, one->parcel);
            one->closed = true;
            forget_driver_bytes(c->goal);
        } else if (ground && ground->worst == i && fhi_ground_can_go(c, ground, false)) {
            for (uint32_t j = ground->first; j != FHI_EVICT_NONE; j = c->all[j].next) {
                note(a->core, c->all[j].parcel);
                c->all[j].closed = true;
            }
            fhi_ground_goes(c, ground);
        }
    }
    bool wants = wants_range_bytes(c->goal);
    for (uint32_t i = 0; i < c->count && wants; i++) {
        fhi_candidate *one = fhi_evict_at(c, i);
        if (one->evictable == FH_EVICTABLE_AT_TICK && wanted_of(c->goal, one) > 0) {
            note(a->core, one->parcel);
            reach(c->goal, one);
            wants = wanted_of(c->goal, one) > 0 || wants_range_bytes(c->goal);
        }
    }
}

static uint64_t ask_in_order(fhi_core *core, fhi_candidates *c, fhi_evict_cap *cap)
{
    asking a = {.core = core, .c = c, .cap = cap, .batch = batch_create(core, c->count)};
    if (!a.batch) {
        return 0;
    }
    fhi_evict_order_make(c, c->in_request);
    ask_for_driver_bytes(&a);
    ask_for_range_bytes(&a);
    batch_keep(core, a.batch);
    if (c->in_request) {
        note_rest(&a);
    }
    return a.bytes;
}

uint64_t fhi_evict(fhi_core *core, fhi_evict_goal *goal, bool in_request, fhi_evict_cap *cap)
{
    fhi_candidates c = {
        .core = core,
        .goal = goal,
        .now = fhi_tick_count(core),
        .in_request = in_request,
    };
    uint64_t bytes = 0;

    if (!core->evict || cap->left == 0 || fhi_evict_most_wanted(goal) == 0) {
        return 0;
    }
    if (fhi_records_walk(core, &(fhi_walk){provide, gather, &c}) && c.count > 0) {
        fhi_grounds_settle(&c);
        if (!goal->at_once && wants_driver_bytes(goal)) {
            note_stuck(core, &c);
        }
        bool any = fhi_evict_most_wanted(goal) > 0 && begin_round(core, &c);
        if (any && fhi_evict_order_provide(&c)) {
            bytes = ask_in_order(core, &c, cap);
            fhi_evict_order_finish(&c);
        }
    }
    fhi_grounds_finish(&c);
    fhi_host_free(&core->memory, c.all, c.capacity, sizeof *c.all, 64);
    return bytes;
}
