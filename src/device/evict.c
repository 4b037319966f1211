/* Eviction: owners are asked to let parcels go. Nothing is ever taken from them.
 *
 * Who may be asked is gathered by a walk over the slots, sorted here by the policy's columns or
 * keys, or by the native rule, and asked one after the other with no lock held, each only after a
 * look whether it still lives. An owner that says yes releases the parcel then or later; it is
 * looked at again at the next tick, and counted as ignored when it lives still.
 *
 * A parcel whose owner was asked sorts behind those that were not, until all were: with a cap on
 * the bytes of one tick, an owner that always declines would otherwise be the only one ever
 * asked. */

#include "device/evict.h"

#include "device/core.h"

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

/* What a parcel may add to. External memory is none of ours: it helps a heap only when it is the
 * driver that is short of memory. */
static uint64_t wanted_of(const fhi_evict_goal *goal, const fhi_candidate *one)
{
    uint64_t most = goal->any;
    if (!one->external || goal->external) {
        most = goal->total > most ? goal->total : most;
        most = goal->heaps[one->heap] > most ? goal->heaps[one->heap] : most;
    }
    most = goal->kinds[one->kind] > most ? goal->kinds[one->kind] : most;
    return one->tag != 0 && goal->tags[one->tag] > most ? goal->tags[one->tag] : most;
}

static void subtract(uint64_t *wanted, uint64_t bytes)
{
    *wanted = *wanted > bytes ? *wanted - bytes : 0;
}

static void reach(fhi_evict_goal *goal, const fhi_candidate *one)
{
    subtract(&goal->any, one->size);
    if (!one->external || goal->external) {
        subtract(&goal->total, one->size);
        subtract(&goal->heaps[one->heap], one->size);
    }
    subtract(&goal->kinds[one->kind], one->size);
    subtract(&goal->tags[one->tag], one->size);
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

static void gather(void *context, uint32_t slot, const fhi_record *record)
{
    fhi_candidates *c = context;
    if (record->evictable == FH_EVICTABLE_NO || record->state != FHI_STATE_LIVE ||
        record->backing.reserved == 0 ||
        (record->flags & (FHI_RECORD_GHOST | FHI_RECORD_EVICT_PENDING)) != 0) {
        return;
    }
    bool external = record->type == FHI_NO_TYPE;
    const fhi_candidate one = {
        .parcel = fhi_record_parcel(c->core, slot),
        .size = record->backing.reserved,
        .age = c->now - record->used_tick,
        .made = c->now - record->made_tick,
        .priority = record->priority,
        .tag = record->tag,
        .kind = record->kind,
        .heap = external ? record->heap : (uint8_t)c->core->adapter.types[record->type].heap,
        .evictable = record->evictable,
        .external = external,
        .again = (record->flags & FHI_RECORD_EVICT_ASKED) != 0,
    };
    if (wanted_of(c->goal, &one) > 0) {
        c->all[c->count++] = one;
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

/* Who says yes is noted in `batch`, which may be NULL: then nobody looks again. Returns whether the
 * owner said yes. It is not asked when it lives no more, or is being asked on another thread. */
static bool ask_owner(fhi_core *core, fh_parcel parcel, fhi_evict_batch *batch)
{
    fhi_record *record = try_pin(core, parcel);
    if (!record) {
        return false;
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
        return false;
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
    return lets_go;
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
    subtract(&cap->left, bytes);
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

/* All were asked: a new round. */
static void begin_round(fhi_core *core, fhi_candidates *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (!c->all[i].again) {
            return;
        }
    }
    for (uint32_t i = 0; i < c->count; i++) {
        fhi_record *record = try_pin(core, c->all[i].parcel);
        if (record) {
            set_flags(core, record, 0, FHI_RECORD_EVICT_ASKED);
            fhi_unpin(core, c->all[i].parcel, record);
        }
        c->all[i].again = false;
    }
}

/* In the order of `sorted`, as long as one of the goals needs it. */
static uint64_t ask_in_order(fhi_core *core, fhi_candidates *c, const uint32_t *sorted,
                             fhi_evict_goal *goal, bool in_request, fhi_evict_cap *cap)
{
    uint64_t bytes = 0;
    fhi_evict_batch *batch = batch_create(core, c->count);
    if (!batch) {
        return 0;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const fhi_candidate *one = &c->all[sorted[i]];
        bool now = !in_request || one->evictable == FH_EVICTABLE_ANY_THREAD;
        if (now && wanted_of(goal, one) > 0 && !fhi_is_nan(one->key) && spend(cap, one->size) &&
            ask_owner(core, one->parcel, batch)) {
            bytes += one->size;
            reach(goal, one);
        }
    }
    batch_keep(core, batch);
    for (uint32_t i = 0; in_request && i < c->count; i++) {
        const fhi_candidate *one = &c->all[sorted[i]];
        if (one->evictable == FH_EVICTABLE_AT_TICK && wanted_of(goal, one) > 0) {
            note(core, one->parcel);
            reach(goal, one);
        }
    }
    return bytes;
}

uint64_t fhi_evict(fhi_core *core, fhi_evict_goal *goal, bool in_request, fhi_evict_cap *cap)
{
    fhi_candidates c = {
        .core = core,
        .goal = goal,
        .now = fhi_tick_count(core),
    };
    uint64_t bytes = 0;

    if (!core->evict || cap->left == 0 || fhi_evict_most_wanted(goal) == 0) {
        return 0;
    }
    if (fhi_records_walk(core, &(fhi_walk){provide, gather, &c}) && c.count > 0) {
        uint32_t *indices = fhi_host_alloc(&core->memory, c.count, 2 * sizeof *indices, 64);
        if (indices) {
            begin_round(core, &c);
            const uint32_t *sorted =
                fhi_evict_order_make(&c, in_request, indices, indices + c.count);
            bytes = ask_in_order(core, &c, sorted, goal, in_request, cap);
            fhi_host_free(&core->memory, indices, c.count, 2 * sizeof *indices, 64);
        }
    }
    fhi_host_free(&core->memory, c.all, c.capacity, sizeof *c.all, 64);
    return bytes;
}
