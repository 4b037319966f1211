/* Memory that is not coherent is where the CPU and the GPU each have a view of their own, and a
 * flush or an invalidate makes one into the other for whole atoms. So who writes a part of an atom
 * also sends back what the CPU sees of the rest of it, which is old where the GPU has written
 * since. Neighbours do not suffer: parcels in such memory begin on an atom (request.c). Inside one
 * parcel, an access of ours first takes the GPU's view of the atoms at both ends, if a queue has
 * ever used the parcel; if none has, the CPU's view is the newer one, and may hold what the program
 * wrote and did not flush. */

#include "device/mapping.h"

#include "device/core.h"

#include <string.h>

fh_result fhi_memory_map(fhi_core *core, fhi_memory *memory, void **out_pointer)
{
    void *pointer = atomic_load_explicit(&memory->pointer, memory_order_acquire);

    *out_pointer = pointer;
    if (FHI_LIKELY(pointer != NULL)) {
        return FH_OK;
    }
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    fhi_lock_acquire(&core->map_lock);
    while (memory->mapping) {
        fhi_condition_wait(&core->mapped, &core->map_lock, UINT64_MAX);
    }
    pointer = atomic_load_explicit(&memory->pointer, memory_order_relaxed);
    memory->mapping = pointer == NULL;
    fhi_lock_release(&core->map_lock);
    if (pointer) {
        *out_pointer = pointer;
        return FH_OK;
    }

    fh_result result = core->ops->memory_map(core->backend, memory->backend, &pointer);
    fhi_lock_acquire(&core->map_lock);
    memory->mapping = false;
    if (result == FH_OK) {
        atomic_store_explicit(&memory->pointer, pointer, memory_order_release);
        *out_pointer = pointer;
    }
    fhi_condition_wake_all(&core->mapped);
    fhi_lock_release(&core->map_lock);
    return result;
}

static bool is_coherent(const fhi_core *core, const fhi_memory *memory)
{
    return core->coherent_everywhere ||
           (fhi_type_flags(core, memory->type) & FH_MEMORY_HOST_COHERENT) != 0;
}

fh_result fhi_memory_sync(fhi_core *core, fhi_memory *memory, uint64_t offset, uint64_t size,
                          bool invalidate)
{
    if (is_coherent(core, memory) || size == 0) {
        return FH_OK;
    }
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    uint64_t begin = fhi_align_down(offset, core->adapter.atom);
    uint64_t end = fhi_align_up(offset + size, core->adapter.atom);
    end = end < memory->size ? end : memory->size;
    return (invalidate ? core->ops->memory_invalidate : core->ops->memory_flush)(
        core->backend, memory->backend, begin, end - begin);
}

/* ---- direct access ---- */

/* Whether a queue may ever have been at these bytes. What lies on another parcel shares them with
 * others that do. */
static bool may_be_newer(const fhi_hold *hold)
{
    return hold->used != 0 || (hold->flags & FHI_RECORD_BACKED) != 0;
}

/* Take the GPU's view of the atoms that [begin, end) shares with other bytes. */
static fh_result refresh_edges(fhi_core *core, fhi_memory *memory, uint64_t begin, uint64_t end)
{
    uint64_t atom = core->adapter.atom;
    fh_result result = FH_OK;

    if (begin % atom != 0) {
        result = fhi_memory_sync(core, memory, begin, 1, true);
    }
    bool done = begin % atom != 0 && fhi_align_down(begin, atom) == fhi_align_down(end, atom);
    if (result == FH_OK && end % atom != 0 && !done) {
        result = fhi_memory_sync(core, memory, end - 1, 1, true);
    }
    return result;
}

fh_result fhi_direct_write(fhi_core *core, const fhi_hold *hold, uint64_t offset, const void *data,
                           uint64_t size)
{
    fhi_memory *memory = hold->backing.memory;
    uint64_t begin = hold->backing.offset + offset;
    void *pointer;
    fh_result result = fhi_memory_map(core, memory, &pointer);

    if (result == FH_OK && may_be_newer(hold) && !is_coherent(core, memory)) {
        result = refresh_edges(core, memory, begin, begin + size);
    }
    if (result != FH_OK) {
        return result;
    }
    if (data) {
        memcpy((unsigned char *)pointer + begin, data, (size_t)size);
    } else {
        memset((unsigned char *)pointer + begin, 0, (size_t)size);
    }
    return fhi_memory_sync(core, memory, begin, size, false);
}

fh_result fhi_direct_look(fhi_core *core, const fhi_hold *hold, uint64_t offset, uint64_t size,
                          const void **out_data)
{
    fhi_memory *memory = hold->backing.memory;
    uint64_t begin = hold->backing.offset + offset;
    void *pointer;
    fh_result result = fhi_memory_map(core, memory, &pointer);

    if (result == FH_OK && may_be_newer(hold)) {
        result = fhi_memory_sync(core, memory, begin, size, true);
    }
    *out_data = result == FH_OK ? (const unsigned char *)pointer + begin : NULL;
    return result;
}

fh_result fhi_direct_read(fhi_core *core, const fhi_hold *hold, uint64_t offset, void *out_data,
                          uint64_t size)
{
    const void *data;
    fh_result result = fhi_direct_look(core, hold, offset, size, &data);

    if (result == FH_OK) {
        memcpy(out_data, data, (size_t)size);
    }
    return result;
}

/* ---- public ---- */

static void observe(fhi_core *core, const fhi_hold *hold, uint32_t event)
{
    if (fhi_is_observed(core, event)) {
        fhi_observe(core, &(fh_event){.kind = event,
                                      .parcel = hold->parcel,
                                      .parcel_kind = (fh_kind)hold->record->kind,
                                      .tag = hold->record->tag,
                                      .committed = hold->committed});
    }
}

/* Whether the CPU can reach the parcel's bytes in an order it knows. */
static fh_result check_mappable(const fhi_core *core, const fhi_hold *hold)
{
    if (!hold->backing.memory) {
        return fhi_fail(FH_ERR_UNSUPPORTED, "external memory is its owner's, who can map it");
    }
    if (hold->record->kind == FH_KIND_TEXTURE && (hold->flags & FHI_RECORD_LINEAR) == 0) {
        return fhi_fail(FH_ERR_UNSUPPORTED, "only linear textures can be mapped");
    }
    if ((fhi_type_flags(core, hold->type) & FH_MEMORY_HOST_VISIBLE) == 0) {
        return fhi_fail_with(FH_ERR_UNSUPPORTED, "its memory type {} is not host-visible",
                             hold->type, 0, 0);
    }
    return FH_OK;
}

static fh_result map(fhi_core *core, const fhi_hold *hold, void **out_pointer)
{
    void *pointer;
    fh_result result = check_mappable(core, hold);
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    if (result == FH_OK) {
        result = fhi_memory_map(core, hold->backing.memory, &pointer);
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_lane *lane = &core->lanes[hold->record->lane];
    fhi_latch_acquire(&lane->lock);
    hold->record->map_count++;
    fhi_latch_release(&lane->lock);
    *out_pointer = (unsigned char *)pointer + hold->backing.offset;
    return FH_OK;
}

fh_result fh_parcel_map(fh_device *device, fh_parcel parcel, void **out_pointer)
{
    if (out_pointer) {
        *out_pointer = NULL;
    }
    if (!device || !out_pointer) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "out_pointer: must not be NULL" : "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold hold = {.parcel = parcel};
    fh_result result = fhi_holds_pin(core, &hold, 1);
    if (result != FH_OK) {
        return result;
    }
    fhi_holds_begin(core, &hold, 1);
    result = map(core, &hold, out_pointer);
    fhi_holds_end(core, &hold, 1);
    fhi_backend_result(core, result);
    if (result == FH_OK) {
        observe(core, &hold, FH_EVENT_PARCEL_MAPPED);
    }
    fhi_holds_unpin(core, &hold, 1);
    return result;
}

fh_result fh_parcel_unmap(fh_device *device, fh_parcel parcel)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold hold = {.parcel = parcel};
    fh_result result = fhi_holds_pin(core, &hold, 1);
    if (result != FH_OK) {
        return result;
    }
    fhi_lane *lane = &core->lanes[hold.record->lane];
    fhi_latch_acquire(&lane->lock);
    bool mapped = hold.record->map_count > 0;
    hold.record->map_count -= mapped ? 1 : 0;
    fhi_latch_release(&lane->lock);
    if (mapped) {
        observe(core, &hold, FH_EVENT_PARCEL_UNMAPPED);
    } else {
        result = fhi_fail(FH_ERR_INVALID, "the parcel is not mapped, or unmapped already");
    }
    fhi_holds_unpin(core, &hold, 1);
    return result;
}

static fh_result sync_held(fhi_core *core, const fhi_hold *hold, uint64_t offset, uint64_t size,
                           bool invalidate)
{
    fhi_lane *lane = &core->lanes[hold->record->lane];
    fhi_latch_acquire(&lane->lock);
    bool mapped = hold->record->map_count > 0 || (hold->flags & FHI_RECORD_MAPPED) != 0;
    fhi_latch_release(&lane->lock);
    if (!mapped) {
        return fhi_fail(FH_ERR_INVALID, "the parcel is not mapped");
    }
    if (offset > hold->committed || size > hold->committed - offset) {
        return fhi_fail_with(FH_ERR_INVALID, "{} bytes from {} on: the parcel has {}", size, offset,
                             hold->committed);
    }
    fhi_memory *memory = hold->backing.memory;
    if (!atomic_load_explicit(&memory->pointer, memory_order_acquire)) {
        return FH_OK; /* to stay mapped, but nobody had the pointer yet */
    }
    size = size != 0 ? size : hold->committed - offset;
    return fhi_memory_sync(core, memory, hold->backing.offset + offset, size, invalidate);
}

static fh_result sync_parcel(fh_device *device, fh_parcel parcel, uint64_t offset, uint64_t size,
                             bool invalidate)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold hold = {.parcel = parcel};
    fh_result result = fhi_holds_pin(core, &hold, 1);
    if (result != FH_OK) {
        return result;
    }
    fhi_holds_begin(core, &hold, 1);
    result = sync_held(core, &hold, offset, size, invalidate);
    fhi_holds_end(core, &hold, 1);
    fhi_backend_result(core, result);
    fhi_holds_unpin(core, &hold, 1);
    return result;
}

fh_result fh_parcel_flush(fh_device *device, fh_parcel parcel, uint64_t offset, uint64_t size)
{
    return sync_parcel(device, parcel, offset, size, false);
}

fh_result fh_parcel_invalidate(fh_device *device, fh_parcel parcel, uint64_t offset, uint64_t size)
{
    return sync_parcel(device, parcel, offset, size, true);
}
