#include "device/record.h"

#include "base/clock.h"
#include "device/core.h"

#include <string.h>

fh_parcel fhi_record_parcel(const fhi_core *core, uint32_t slot)
{
    const fhi_record *record = fhi_record_at(core, slot);
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    if (record->state != FHI_STATE_LIVE && record->state != FHI_STATE_RETIRING) {
        return (fh_parcel){0};
    }
    return (fh_parcel){(word & FHI_WORD_GENERATION) | slot};
}

uint64_t *fhi_record_uses(const fhi_core *core, uint32_t slot)
{
    uint32_t chunk = fhi_chunk_of(slot);
    uint32_t place = slot - fhi_chunk_first(chunk);
    const fhi_chunk *in = atomic_load_explicit(&core->records.chunks[chunk], memory_order_acquire);
    uint64_t *batch = atomic_load_explicit(&in->uses[place / FHI_BATCH], memory_order_acquire);
    return batch ? batch + (size_t)(place % FHI_BATCH) * FH_QUEUE_MAX : NULL;
}

uint64_t *fhi_record_make_uses(fhi_core *core, uint32_t slot)
{
    uint64_t *uses = fhi_record_uses(core, slot);
    if (uses) {
        return uses;
    }
    uint64_t *fresh = fhi_host_alloc(&core->memory, FHI_BATCH, FH_QUEUE_MAX * sizeof *fresh, 64);
    if (!fresh) {
        return NULL;
    }
    memset(fresh, 0, (size_t)FHI_BATCH * FH_QUEUE_MAX * sizeof *fresh);
    uint32_t chunk = fhi_chunk_of(slot);
    fhi_chunk *in = atomic_load_explicit(&core->records.chunks[chunk], memory_order_acquire);
    uint64_t *nobody = NULL;
    if (!atomic_compare_exchange_strong(&in->uses[(slot - fhi_chunk_first(chunk)) / FHI_BATCH],
                                        &nobody, fresh)) {
        fhi_host_free(&core->memory, fresh, FHI_BATCH, FH_QUEUE_MAX * sizeof *fresh, 64);
    }
    return fhi_record_uses(core, slot);
}

static fhi_record *find(const fhi_core *core, fh_parcel parcel)
{
    uint32_t slot = fhi_parcel_slot(parcel);
    uint32_t high = atomic_load_explicit(&core->records.high, memory_order_acquire);
    return slot != FHI_NO_SLOT && slot < high ? fhi_record_at(core, slot) : NULL;
}

static fhi_record *fail_stale(void)
{
    fhi_fail(FH_ERR_STALE, "the parcel was released for the last time, or is of another device");
    return NULL;
}

fhi_record *fhi_pin(fhi_core *core, fh_parcel parcel)
{
    fhi_record *record = find(core, parcel);
    if (!record) {
        return fail_stale();
    }
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    do {
        if ((word & FHI_WORD_GENERATION) != (parcel.id & FHI_WORD_GENERATION) ||
            (word & FHI_WORD_REFERENCES) == 0) {
            return fail_stale();
        }
        while ((word & FHI_WORD_PINS) == FHI_WORD_PINS) { /* 4,095 calls at once: wait for one */
            fhi_sleep_ns(1000);
            word = atomic_load_explicit(&record->word, memory_order_relaxed);
        }
    } while (!atomic_compare_exchange_weak_explicit(&record->word, &word, word + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return record;
}

void fhi_unpin(fhi_core *core, fh_parcel parcel, fhi_record *record)
{
    uint64_t before = atomic_fetch_sub_explicit(&record->word, 1, memory_order_acq_rel);
    if ((before & (FHI_WORD_REFERENCES | FHI_WORD_PINS)) == 1) {
        fhi_retire_slot(core, fhi_parcel_slot(parcel));
    }
}

fh_result fh_parcel_acquire(fh_device *device, fh_parcel parcel)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    fhi_record *record = find(device->core, parcel);
    if (!record) {
        fail_stale();
        return FH_ERR_STALE;
    }
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    do {
        if ((word & FHI_WORD_GENERATION) != (parcel.id & FHI_WORD_GENERATION) ||
            (word & FHI_WORD_REFERENCES) == 0) {
            fail_stale();
            return FH_ERR_STALE;
        }
        if ((word & FHI_WORD_REFERENCES) == FHI_WORD_REFERENCES) {
            return fhi_fail(FH_ERR_INVALID, "the parcel has 1048575 references, which is the most");
        }
    } while (!atomic_compare_exchange_weak_explicit(&record->word, &word, word + FHI_WORD_REFERENCE,
                                                    memory_order_relaxed, memory_order_relaxed));
    return FH_OK;
}

/* The hot half of a parcel's end: one compare-and-swap says whether this was the last reference. */
fh_result fh_parcel_release(fh_device *device, fh_parcel parcel)
{
    if (FHI_UNLIKELY(!device)) {
        return fhi_fail(FH_ERR_INVALID, "device is NULL");
    }
    if (parcel.id == 0) {
        return FH_OK;
    }
    fhi_record *record = find(device->core, parcel);
    if (FHI_UNLIKELY(!record)) {
        fail_stale();
        return FH_ERR_STALE;
    }
    /* Where many live, the next lines to be touched are far away: ask for them while the first
     * comes. */
    __builtin_prefetch((const char *)record + 64, 1);
    fhi_record_prefetch_object(device->core, fhi_parcel_slot(parcel));
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    do {
        if (FHI_UNLIKELY((word & FHI_WORD_GENERATION) != (parcel.id & FHI_WORD_GENERATION) ||
                         (word & FHI_WORD_REFERENCES) == 0)) {
            fail_stale();
            return FH_ERR_STALE;
        }
    } while (!atomic_compare_exchange_weak_explicit(&record->word, &word, word - FHI_WORD_REFERENCE,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if ((word & (FHI_WORD_REFERENCES | FHI_WORD_PINS)) == FHI_WORD_REFERENCE) {
        fhi_retire_slot(device->core, fhi_parcel_slot(parcel));
    }
    return FH_OK;
}

/* ---- chunks and batches ---- */

static void chunk_destroy(const fhi_core *core, fhi_chunk *chunk, uint32_t size)
{
    const fh_host_memory *memory = &core->memory;
    uint32_t batches = size / FHI_BATCH;
    for (uint32_t i = 0; chunk->uses && i < batches; i++) {
        fhi_host_free(memory, atomic_load(&chunk->uses[i]), FHI_BATCH,
                      FH_QUEUE_MAX * sizeof(uint64_t), 64);
    }
    fhi_host_free(memory, chunk->uses, batches, sizeof *chunk->uses, 64);
    fhi_host_free(memory, chunk->objects, size, core->object_size, 64);
    fhi_host_free(memory, chunk->records, size, sizeof *chunk->records, 64);
    fhi_host_free(memory, chunk, 1, sizeof *chunk, 64);
}

static fhi_chunk *chunk_create(const fhi_core *core, uint32_t size)
{
    const fh_host_memory *memory = &core->memory;
    uint32_t batches = size / FHI_BATCH;
    fhi_chunk *chunk = fhi_host_alloc(memory, 1, sizeof *chunk, 64);
    if (!chunk) {
        return NULL;
    }
    memset(chunk, 0, sizeof *chunk);
    chunk->records = fhi_host_alloc(memory, size, sizeof *chunk->records, 64);
    chunk->objects = fhi_host_alloc(memory, size, core->object_size, 64);
    chunk->uses = fhi_host_alloc(memory, batches, sizeof *chunk->uses, 64);
    if (chunk->uses) {
        memset(chunk->uses, 0, batches * sizeof *chunk->uses);
    }
    if (!chunk->records || !chunk->objects || !chunk->uses) {
        chunk_destroy(core, chunk, size);
        return NULL;
    }
    return chunk;
}

/* Make slots [first, first + FHI_BATCH) the lane's free ones, the lowest on top. Their records are
 * touched here for the first time, so a chunk costs memory as it is used. */
static void batch_open(fhi_core *core, uint32_t lane, uint32_t first)
{
    uint64_t generation = (uint64_t)core->records.salt << 32;
    for (uint32_t slot = first; slot < first + FHI_BATCH; slot++) {
        fhi_record *record = fhi_record_at(core, slot);
        memset(record, 0, sizeof *record);
        record->lane = (uint8_t)lane;
        record->room = slot;
        atomic_store_explicit(&record->word, generation, memory_order_relaxed);
    }
}

fh_result fhi_records_extend(fhi_core *core, uint32_t lane)
{
    fhi_records *records = &core->records;
    fhi_chunk *fresh = NULL;
    uint32_t fresh_chunk = 0;

    for (;;) {
        fhi_lock_acquire(&core->record_lock);
        uint32_t first = atomic_load_explicit(&records->high, memory_order_relaxed);
        uint32_t chunk = fhi_chunk_of(first);
        if (first >= records->capacity && fresh && fresh_chunk == chunk) {
            atomic_store_explicit(&records->chunks[chunk], fresh, memory_order_release);
            records->capacity += fhi_chunk_size(chunk);
            fresh = NULL;
        }
        if (first < records->capacity) {
            batch_open(core, lane, first);
            atomic_store_explicit(&records->high, first + FHI_BATCH, memory_order_release);
            fhi_lock_release(&core->record_lock);
            if (fresh) { /* another thread was faster */
                chunk_destroy(core, fresh, fhi_chunk_size(fresh_chunk));
            }
            fhi_lane *home = &core->lanes[lane];
            fhi_latch_acquire(&home->lock);
            for (uint32_t slot = first + FHI_BATCH; slot-- > first;) {
                if (slot != FHI_NO_SLOT) {
                    fhi_record_at(core, slot)->next = home->free_slots;
                    home->free_slots = slot;
                }
            }
            fhi_latch_release(&home->lock);
            return FH_OK;
        }
        fhi_lock_release(&core->record_lock);
        if (fresh) {
            chunk_destroy(core, fresh, fhi_chunk_size(fresh_chunk));
        }
        if (chunk >= FHI_CHUNKS) {
            return fhi_fail(FH_ERR_HOST_MEMORY, "the device has 2^31 parcels, which is the most");
        }
        fresh_chunk = chunk;
        fresh = chunk_create(core, fhi_chunk_size(chunk));
        if (!fresh) {
            return fhi_fail_with(FH_ERR_HOST_MEMORY,
                                 "no host memory for the records of {} more parcels",
                                 fhi_chunk_size(chunk), 0, 0);
        }
    }
}

void fhi_records_finish(fhi_core *core)
{
    for (uint32_t i = 0; i < FHI_CHUNKS; i++) {
        fhi_chunk *chunk = atomic_load(&core->records.chunks[i]);
        if (chunk) {
            chunk_destroy(core, chunk, fhi_chunk_size(i));
        }
    }
}

bool fhi_records_walk(fhi_core *core, const fhi_walk *walk)
{
    uint32_t high = atomic_load_explicit(&core->records.high, memory_order_acquire);
    for (uint32_t first = 0; first < high; first += FHI_BATCH) {
        if (walk->provide && !walk->provide(walk->context, FHI_BATCH)) {
            return false;
        }
        fhi_lane *lane = &core->lanes[fhi_record_at(core, first)->lane];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t slot = first; slot < first + FHI_BATCH; slot++) {
            const fhi_record *record = fhi_record_at(core, slot);
            if (record->state == FHI_STATE_LIVE || record->state == FHI_STATE_RETIRING) {
                walk->visit(walk->context, slot, record);
            }
        }
        fhi_latch_release(&lane->lock);
    }
    return true;
}
