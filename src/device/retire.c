#include "device/retire.h"

#include "base/clock.h"
#include "device/core.h"
#include "device/parcel.h"
#include "device/witness.h"

#include <stdio.h>
#include <string.h>

enum {
    PIECE_NS =
        20 * 1000 * 1000 /* how long one wait for the backend takes at most: others may lose the
                                   device meanwhile */
};

/* ---- queues ---- */

static fh_result queue_make(fhi_core *core, const char *name, bool of_backend, uint32_t *out_queue)
{
    fhi_retire *retire = &core->retire;
    fhi_bucket *buckets = fhi_host_alloc(&core->memory, FHI_BUCKETS, sizeof *buckets, 64);
    if (!buckets) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a queue's retire list");
    }
    fhi_lock_acquire(&retire->lock);
    uint32_t index = atomic_load_explicit(&retire->queue_count, memory_order_relaxed);
    if (index < FH_QUEUE_MAX) {
        fhi_queue *queue = &retire->queues[index];
        queue->buckets = buckets;
        queue->of_backend = of_backend;
        snprintf(queue->name, sizeof queue->name, "%s", name ? name : "");
        if (fhi_is_observed(core, FHI_WITNESS_QUEUE_MADE)) {
            fhi_witnessed witnessed = {.event = {.kind = FHI_WITNESS_QUEUE_MADE,
                                                 .epoch = {.queue = index},
                                                 .name = queue->name}};
            fhi_witness(core, &witnessed);
        }
        atomic_store_explicit(&retire->queue_count, index + 1, memory_order_release);
    }
    fhi_lock_release(&retire->lock);
    if (index == FH_QUEUE_MAX) {
        fhi_host_free(&core->memory, buckets, FHI_BUCKETS, sizeof *buckets, 64);
        return fhi_fail_with(FH_ERR_BUSY, "the device has {} queues, which is the most",
                             FH_QUEUE_MAX, 0, 0);
    }
    *out_queue = index;
    return FH_OK;
}

fh_result fhi_retire_init(fhi_core *core)
{
    uint32_t queue;
    for (uint32_t i = 0; i < core->adapter.queue_count; i++) {
        fh_result result = queue_make(core, "backend", true, &queue);
        if (result != FH_OK) {
            return result;
        }
    }
    return FH_OK;
}

void fhi_retire_finish(fhi_core *core)
{
    for (uint32_t i = 0; i < FH_QUEUE_MAX; i++) {
        fhi_host_free(&core->memory, core->retire.queues[i].buckets, FHI_BUCKETS,
                      sizeof(fhi_bucket), 64);
        core->retire.queues[i].buckets = NULL;
    }
}

static uint32_t queue_count(const fhi_core *core)
{
    return atomic_load_explicit(&core->retire.queue_count, memory_order_acquire);
}

static void raise_to(_Atomic uint64_t *point, uint64_t value)
{
    uint64_t now = atomic_load_explicit(point, memory_order_relaxed);
    while (now < value && !atomic_compare_exchange_weak_explicit(
                              point, &now, value, memory_order_release, memory_order_relaxed)) {
    }
}

static bool has_passed(const fhi_core *core, uint32_t queue, uint64_t value)
{
    return value <= atomic_load_explicit(&core->retire.queues[queue].passed, memory_order_acquire);
}

bool fhi_epoch_has_passed(const fhi_core *core, fh_epoch epoch)
{
    return epoch.value == 0 || fhi_is_lost(core) || has_passed(core, epoch.queue, epoch.value);
}

static void poll_queue(fhi_core *core, uint32_t index)
{
    uint64_t value = 0;
    if (fhi_backend_result(core, core->ops->progress(core->backend, index, &value)) == FH_OK) {
        raise_to(&core->retire.queues[index].passed, value);
    }
}

void fhi_queues_poll(fhi_core *core)
{
    for (uint32_t i = 0; i < core->adapter.queue_count && !fhi_is_lost(core); i++) {
        fhi_queue *queue = &core->retire.queues[i];
        uint64_t submitted = atomic_load_explicit(&queue->submitted, memory_order_relaxed);
        if (!has_passed(core, i, submitted)) {
            poll_queue(core, i);
        }
    }
}

fh_result fhi_epoch_wait(fhi_core *core, fh_epoch epoch, uint64_t timeout_ns)
{
    uint64_t start = fhi_now_ns();
    uint64_t deadline = fhi_deadline(timeout_ns);
    uint64_t now;
    bool of_backend = epoch.queue < core->adapter.queue_count;
    fhi_retire *retire = &core->retire;

    if (of_backend && !fhi_is_lost(core)) {
        poll_queue(core, epoch.queue);
    }
    while (!fhi_epoch_has_passed(core, epoch)) {
        now = fhi_now_ns();
        if (now >= deadline) {
            break;
        }
        uint64_t piece = deadline - now < PIECE_NS ? deadline - now : PIECE_NS;
        if (of_backend) {
            fh_result result = fhi_backend_result(
                core, core->ops->wait(core->backend, epoch.queue, epoch.value, piece));
            if (result != FH_OK && result != FH_ERR_TIMEOUT && result != FH_ERR_DEVICE_LOST) {
                return result;
            }
            if (result == FH_OK) { /* also when the backend cannot say how far it is beyond that */
                raise_to(&retire->queues[epoch.queue].passed, epoch.value);
            }
            poll_queue(core, epoch.queue);
        } else {
            fhi_lock_acquire(&retire->lock);
            if (!fhi_epoch_has_passed(core, epoch)) {
                fhi_condition_wait(&retire->signalled, &retire->lock, now + piece);
            }
            fhi_lock_release(&retire->lock);
        }
    }
    now = fhi_now_ns();
    atomic_fetch_add_explicit(&core->wait_ns, now - start, memory_order_relaxed);
    if (!fhi_epoch_has_passed(core, epoch)) {
        return fhi_fail_with(FH_ERR_TIMEOUT, "queue {} has passed {}, and not yet {}", epoch.queue,
                             atomic_load(&retire->queues[epoch.queue].passed), epoch.value);
    }
    return FH_OK;
}

/* ---- waiting slots ---- */

void fhi_record_note_use(fhi_record *record, uint64_t *uses, fh_epoch epoch)
{
    uint8_t bit = (uint8_t)(1U << epoch.queue);
    if (!(record->used & bit) || uses[epoch.queue] < epoch.value) {
        uses[epoch.queue] = epoch.value;
    }
    record->used |= bit;
}

/* A queue that the slot still waits for; FH_QUEUE_MAX: none. Nobody else touches the slot now. */
static uint32_t still_waits_for(const fhi_core *core, const fhi_record *record,
                                const uint64_t *uses)
{
    for (uint32_t queue = 0; record->used >> queue != 0 && queue < FH_QUEUE_MAX; queue++) {
        if ((record->used >> queue & 1) &&
            !fhi_epoch_has_passed(core, (fh_epoch){queue, uses[queue]})) {
            return queue;
        }
    }
    return FH_QUEUE_MAX;
}

static fhi_bucket *bucket_at(fhi_queue *queue, uint32_t position)
{
    return &queue->buckets[(queue->head + position) % FHI_BUCKETS];
}

/* Under the retire lock. The newest epoch is the usual one, so the row is searched from its end. */
static void park(fhi_core *core, uint32_t index, uint64_t value, uint32_t slot)
{
    fhi_queue *queue = &core->retire.queues[index];
    uint32_t position = queue->count;
    while (position > 0 && bucket_at(queue, position - 1)->value > value) {
        position--;
    }
    fhi_bucket *bucket = NULL;
    if (position > 0 && bucket_at(queue, position - 1)->value == value) {
        bucket = bucket_at(queue, position - 1);
    } else if (queue->count < FHI_BUCKETS) {
        for (uint32_t i = queue->count; i > position; i--) {
            *bucket_at(queue, i) = *bucket_at(queue, i - 1);
        }
        queue->count++;
        bucket = bucket_at(queue, position);
        *bucket = (fhi_bucket){value, FHI_NO_SLOT, FHI_NO_SLOT};
    } else if (position < queue->count) {
        bucket = bucket_at(queue, position); /* a little later than it must */
    } else {
        bucket = bucket_at(queue, position - 1);
        bucket->value = value; /* the others in it wait a little longer */
    }
    fhi_record_at(core, slot)->next = FHI_NO_SLOT;
    if (bucket->last == FHI_NO_SLOT) {
        bucket->first = slot;
    } else {
        fhi_record_at(core, bucket->last)->next = slot;
    }
    bucket->last = slot;
    atomic_fetch_add_explicit(&core->retire.waiting, 1, memory_order_relaxed);
}

static void run_call(fhi_core *core, uint32_t slot)
{
    const fhi_record *record = fhi_record_at(core, slot);
    void (*call)(void *) = record->call;
    void *context = record->context;
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    lane->retiring_count--;
    fhi_latch_release(&lane->lock);
    fhi_slot_give(core, slot);
    call(context);
}

/* Free the slot, or hang it up at a queue that it waits for. No lock held. */
static void settle(fhi_core *core, uint32_t slot, bool all)
{
    fhi_record *record = fhi_record_at(core, slot);
    const uint64_t *uses = record->used ? fhi_record_uses(core, slot) : NULL;
    if (!all && record->used) {
        fhi_lock_acquire(&core->retire.lock);
        uint32_t queue = still_waits_for(core, record, uses);
        if (queue < FH_QUEUE_MAX) {
            park(core, queue, uses[queue], slot);
        }
        fhi_lock_release(&core->retire.lock);
        if (queue < FH_QUEUE_MAX) {
            return;
        }
    }
    if (record->state == FHI_STATE_CALL) {
        run_call(core, slot);
    } else {
        fhi_parcel_free(core, slot);
    }
}

static void mark_retiring(fhi_core *core, uint32_t slot)
{
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[record->lane];
    uint64_t bytes = record->backing.reserved;
    fhi_latch_acquire(&lane->lock);
    record->state = FHI_STATE_RETIRING;
    lane->retiring_count++;
    lane->kinds[record->kind].retiring += bytes;
    if (record->tag != 0) {
        lane->tags[record->tag].retiring += bytes;
    }
    if (record->type != FHI_NO_TYPE) {
        lane->types[record->type].retiring_bytes += bytes;
    }
    fhi_witness_parcel(core, slot, FHI_WITNESS_PARCEL_RETIRES);
    fhi_latch_release(&lane->lock);
}

void fhi_retire_slot(fhi_core *core, uint32_t slot)
{
    fhi_record *record = fhi_record_at(core, slot);
    if (fhi_is_observed(core, FH_EVENT_PARCEL_RETIRED) && !(record->flags & FHI_RECORD_GHOST)) {
        uint64_t word = atomic_load(&record->word);
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_PARCEL_RETIRED,
                                      .parcel = {(word & FHI_WORD_GENERATION) | slot},
                                      .parcel_kind = (fh_kind)record->kind,
                                      .tag = record->tag,
                                      .bytes = record->backing.reserved});
    }
    if (FHI_LIKELY(record->used == 0)) {
        fhi_parcel_free(core, slot);
        return;
    }
    if (still_waits_for(core, record, fhi_record_uses(core, slot)) == FH_QUEUE_MAX) {
        fhi_parcel_free(core, slot);
        return;
    }
    mark_retiring(core, slot);
    settle(core, slot, false);
}

/* Take what has passed off the rows, as one list in the order in which it was hung up. */
static uint32_t take_passed(fhi_core *core, bool all)
{
    uint32_t first = FHI_NO_SLOT, last = FHI_NO_SLOT;
    fhi_lock_acquire(&core->retire.lock);
    for (uint32_t i = 0; i < queue_count(core); i++) {
        fhi_queue *queue = &core->retire.queues[i];
        while (queue->count > 0 &&
               (all || fhi_epoch_has_passed(core, (fh_epoch){i, bucket_at(queue, 0)->value}))) {
            const fhi_bucket *bucket = bucket_at(queue, 0);
            if (last == FHI_NO_SLOT) {
                first = bucket->first;
            } else {
                fhi_record_at(core, last)->next = bucket->first;
            }
            last = bucket->last;
            queue->head = (queue->head + 1) % FHI_BUCKETS;
            queue->count--;
        }
    }
    fhi_lock_release(&core->retire.lock);
    return first;
}

uint32_t fhi_retire_passed(fhi_core *core, bool all)
{
    uint32_t count = 0;
    if (atomic_load_explicit(&core->retire.waiting, memory_order_relaxed) == 0) {
        return 0;
    }
    for (uint32_t slot = take_passed(core, all), next; slot != FHI_NO_SLOT; slot = next) {
        next = fhi_record_at(core, slot)->next;
        atomic_fetch_sub_explicit(&core->retire.waiting, 1, memory_order_relaxed);
        settle(core, slot, all);
        count++;
    }
    return count;
}

/* ---- the public side ---- */

fh_result fh_queue_add(fh_device *device, const char *name, uint32_t *out_queue)
{
    if (out_queue) {
        *out_queue = UINT32_MAX;
    }
    if (!device || !out_queue) {
        return fhi_fail(FH_ERR_INVALID, "device or out_queue is NULL");
    }
    return queue_make(device->core, name, false, out_queue);
}

fh_result fh_queue_signal(fh_device *device, uint32_t queue, uint64_t value)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fhi_core *core = device->core;
    if (queue >= queue_count(core) || queue < core->adapter.queue_count) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "queue {} is none that fh_queue_add() gave: those are {} to {} - 1",
                             queue, core->adapter.queue_count, queue_count(core));
    }
    raise_to(&core->retire.queues[queue].passed, value);
    fhi_lock_acquire(&core->retire.lock);
    fhi_condition_wake_all(&core->retire.signalled);
    fhi_lock_release(&core->retire.lock);
    return FH_OK;
}

uint64_t fh_queue_progress(fh_device *device, uint32_t queue)
{
    if (!device || queue >= queue_count(device->core)) {
        return 0;
    }
    fhi_core *core = device->core;
    if (queue < core->adapter.queue_count && !fhi_is_lost(core)) {
        poll_queue(core, queue);
    }
    return atomic_load_explicit(&core->retire.queues[queue].passed, memory_order_acquire);
}

static fh_result check_epoch(const fhi_core *core, fh_epoch epoch)
{
    uint32_t count = queue_count(core);
    if (epoch.queue >= count) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "the epoch's queue is {}, and the device has {} queues", epoch.queue,
                             count, 0);
    }
    return FH_OK;
}

fh_result fh_device_wait(fh_device *device, fh_epoch epoch, uint64_t timeout_ns)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fh_result result = check_epoch(device->core, epoch);
    return result == FH_OK ? fhi_epoch_wait(device->core, epoch, timeout_ns) : result;
}

fh_result fh_device_wait_idle(fh_device *device, uint64_t timeout_ns)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fhi_core *core = device->core;
    uint64_t deadline = fhi_deadline(timeout_ns);
    for (uint32_t i = 0; i < core->adapter.queue_count; i++) {
        uint64_t now = fhi_now_ns();
        uint64_t left = deadline == UINT64_MAX ? UINT64_MAX : now < deadline ? deadline - now : 0;
        fh_epoch epoch = {i, atomic_load(&core->retire.queues[i].submitted)};
        fh_result result = fhi_epoch_wait(core, epoch, left);
        if (result != FH_OK) {
            return result;
        }
    }
    fhi_retire_passed(core, fhi_is_lost(core));
    return FH_OK;
}

fh_result fh_parcel_use(fh_device *device, fh_parcel parcel, fh_epoch epoch)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fhi_core *core = device->core;
    fh_result result = check_epoch(core, epoch);
    if (result != FH_OK) {
        return result;
    }
    fhi_record *record = fhi_pin(core, parcel);
    if (!record) {
        return FH_ERR_STALE;
    }
    uint64_t *uses = epoch.value == 0 ? NULL : fhi_record_make_uses(core, fhi_parcel_slot(parcel));
    if (uses) {
        fhi_lane *lane = &core->lanes[record->lane];
        fhi_latch_acquire(&lane->lock);
        fhi_record_note_use(record, uses, epoch);
        record->used_tick = fhi_tick_count(core);
        bool observed = fhi_is_observed(core, FH_EVENT_PARCEL_USED | FHI_WITNESS_PARCEL_USED);
        if (FHI_UNLIKELY(observed)) {
            fhi_witness_use(core, fhi_parcel_slot(parcel), epoch);
        }
        fhi_latch_release(&lane->lock);
        if (FHI_UNLIKELY(observed) && fhi_is_observed(core, FH_EVENT_PARCEL_USED)) {
            fhi_observe(core, &(fh_event){.kind = FH_EVENT_PARCEL_USED,
                                          .parcel = parcel,
                                          .parcel_kind = (fh_kind)record->kind,
                                          .tag = record->tag,
                                          .epoch = epoch});
        }
    } else if (epoch.value != 0) {
        result = fhi_fail(FH_ERR_HOST_MEMORY, "no host memory to note the parcel's last use");
    }
    fhi_unpin(core, parcel, record);
    return result;
}

static fh_result check_epochs(const fhi_core *core, const fh_epoch *epochs, uint32_t count)
{
    if (count > 0 && !epochs) {
        return fhi_fail(FH_ERR_INVALID, "epochs is NULL and epoch_count is not 0");
    }
    for (uint32_t i = 0; i < count; i++) {
        fh_result result = check_epoch(core, epochs[i]);
        if (result != FH_OK) {
            return result;
        }
    }
    return FH_OK;
}

fh_result fh_device_retire(fh_device *device, fh_parcel parcel, const fh_epoch *epochs,
                           uint32_t epoch_count)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fh_result result = check_epochs(device->core, epochs, epoch_count);
    if (result != FH_OK) {
        return result;
    }
    /* Only the first use can find no host memory: nothing has changed then. */
    for (uint32_t i = 0; i < epoch_count; i++) {
        result = fh_parcel_use(device, parcel, epochs[i]);
        if (result != FH_OK) {
            return result;
        }
    }
    return fh_parcel_release(device, parcel);
}

fh_result fh_device_retire_call(fh_device *device, void (*call)(void *context), void *context,
                                const fh_epoch *epochs, uint32_t epoch_count)
{
    if (!device || !call) {
        return fhi_fail(FH_ERR_INVALID, "device or call is NULL");
    }
    fhi_core *core = device->core;
    fh_result result = check_epochs(core, epochs, epoch_count);
    if (result != FH_OK) {
        return result;
    }
    bool waits = false;
    for (uint32_t i = 0; i < epoch_count; i++) {
        waits = waits || !fhi_epoch_has_passed(core, epochs[i]);
    }
    if (!waits) {
        call(context);
        return FH_OK;
    }
    uint32_t lane_index = fhi_lane_of_thread(core);
    uint32_t slot = fhi_slot_take(core, lane_index);
    uint64_t *uses = slot != FHI_NO_SLOT ? fhi_record_make_uses(core, slot) : NULL;
    if (!uses) {
        if (slot != FHI_NO_SLOT) {
            fhi_slot_give(core, slot);
        }
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a retired callback");
    }
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[lane_index];
    fhi_latch_acquire(&lane->lock);
    record->call = call;
    record->context = context;
    for (uint32_t i = 0; i < epoch_count; i++) {
        if (epochs[i].value != 0) {
            fhi_record_note_use(record, uses, epochs[i]);
        }
    }
    record->state = FHI_STATE_CALL;
    lane->retiring_count++;
    fhi_latch_release(&lane->lock);
    settle(core, slot, false);
    return FH_OK;
}
