/* Buffers. Nearly every buffer of a program is small, plain, and of a pool that has room: quick()
 * is the whole way of such a one, with one lock and no call out but the backend's for the object
 * itself. Everything else goes through a request (request.c). */

#include "device/core.h"
#include "device/parcel.h"
#include "device/request.h"
#include "device/slab.h"

#include <freehold/parcel.h>

#include <stdalign.h>
#include <string.h>

FHI_COLD fh_result fail_desc(const fh_buffer_desc *desc)
{
    if (desc->size == 0) {
        return fhi_fail(FH_ERR_INVALID, "size is 0");
    }
    if (desc->size > FH_BLOCK_SIZE_MAX || desc->capacity > FH_BLOCK_SIZE_MAX) {
        return fhi_fail(FH_ERR_INVALID, "size or capacity is above 2^63");
    }
    if (desc->usage == 0 || (desc->usage & ~(fh_usage)FH_USAGE_OF_BUFFERS) != 0) {
        return fhi_fail_with(
            FH_ERR_INVALID,
            "usage is {}: a buffer needs one of FH_USAGE_OF_BUFFERS ({}) at least, "
            "and none else",
            desc->usage, FH_USAGE_OF_BUFFERS, 0);
    }
    if (desc->stride != 0 && desc->size % desc->stride != 0) {
        return fhi_fail_with(FH_ERR_INVALID, "size {} is not a multiple of stride {}", desc->size,
                             desc->stride, 0);
    }
    return fhi_fail_with(FH_ERR_INVALID, "capacity {} is less than size {}", desc->capacity,
                         desc->size, 0);
}

FHI_HOT_INLINE fh_result check_desc(const fh_buffer_desc *desc)
{
    bool right = desc->size - 1 < FH_BLOCK_SIZE_MAX && desc->capacity <= FH_BLOCK_SIZE_MAX &&
                 desc->usage != 0 && (desc->usage & ~(fh_usage)FH_USAGE_OF_BUFFERS) == 0 &&
                 (desc->stride == 0 || desc->size % desc->stride == 0) &&
                 (desc->capacity == 0 || desc->capacity >= desc->size);
    return FHI_LIKELY(right) ? FH_OK : fail_desc(desc);
}

fh_result fhi_buffer_desc_check(const fh_buffer_desc *desc)
{
    return check_desc(desc);
}

/* Nothing in the description's `memory` that needs a look: neither a check, nor a search. */
FHI_HOT_INLINE bool is_plain(const fhi_core *core, const fh_memory_desc *memory)
{
    return ((uint64_t)memory->required | memory->preferred | memory->type_mask |
            (unsigned)memory->dedicated | (unsigned)memory->strategy | (uintptr_t)memory->pool |
            memory->backing.id | memory->backing_offset | (uintptr_t)memory->name | memory->mapped |
            memory->within_budget | memory->upper) == 0 &&
           (unsigned)memory->location < FH_LOCATION_COUNT &&
           (unsigned)memory->access < FH_ACCESS_COUNT &&
           (unsigned)memory->evictable <= FH_EVICTABLE_ANY_THREAD && memory->priority >= 0.0F &&
           memory->priority <= 1.0F &&
           (memory->tag == 0 ||
            memory->tag < atomic_load_explicit(&core->tags.count, memory_order_acquire));
}

/* Nor anything about the device or the object. */
FHI_HOT_INLINE bool is_quick(const fhi_core *core, const fh_requirements *needs)
{
    return core->margin == 0 && !needs->dedicated_preferred && !needs->dedicated_required &&
           !atomic_load_explicit(&core->policies.places, memory_order_acquire);
}

/* What fhi_parcel_fill() does for all, for a plain buffer; `backing` is there already. The third
 * line of the record is not touched. */
FHI_HOT_INLINE void fill_plain(const fhi_core *core, fhi_record *record, const fh_buffer_desc *desc,
                               fh_kind kind, uint32_t type)
{
    const fh_memory_desc *memory = &desc->memory;
    uint32_t tick = fhi_tick_count(core);
    record->committed = desc->size;
    record->kind = (uint8_t)kind;
    record->type = (uint8_t)type;
    record->used = 0;
    record->flags = (uint16_t)(FHI_RECORD_OBJECT | FHI_RECORD_PLAIN |
                               (memory->movable ? FHI_RECORD_MOVABLE : 0));
    record->tag = (uint16_t)memory->tag;
    record->user = memory->user;
    record->name = NULL;
    record->state = FHI_STATE_LIVE; /* no handle is out yet: only walkers see it */
    record->evictable = (uint8_t)memory->evictable;
    record->location = (uint8_t)((unsigned)memory->location << 4 | (unsigned)memory->access);
    record->capacity = desc->capacity == 0 ? desc->size : desc->capacity;
    record->usage = desc->usage;
    record->stride = desc->stride;
    record->priority = memory->priority == 0.0F ? FHI_PRIORITY : memory->priority;
    record->map_count = 0;
    record->made_tick = record->used_tick = tick;
}

FHI_COLD void observe_made(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                           fh_parcel buffer, uint64_t reserved)
{
    fhi_request request = {.kind = kind, .buffer = desc, .memory = &desc->memory};
    fhi_parcel_observe_made(core, &request, buffer, reserved);
}

/* Most objects are of this size, or less, in every backend; one copy of constant length then. */
enum {
    OBJECT_USUAL = 64 /* bytes */
};

FHI_HOT_INLINE void object_clear(const fhi_core *core, void *object)
{
    if (FHI_LIKELY(core->object_size == OBJECT_USUAL)) {
        memset(object, 0, OBJECT_USUAL);
    } else {
        memset(object, 0, core->object_size);
    }
}

FHI_HOT_INLINE void object_move(const fhi_core *core, void *to, const void *from)
{
    if (FHI_LIKELY(core->object_size == OBJECT_USUAL)) {
        memcpy(to, from, OBJECT_USUAL);
    } else {
        memcpy(to, from, core->object_size);
    }
}

/* The lane gives a slot, a range and the charge for it, or none of them: 0. */
FHI_HOT_INLINE uint32_t take(fhi_core *core, fhi_lane *lane, fhi_shelf *shelf, const fhi_need *need,
                             const fh_buffer_desc *desc, fh_kind kind, uint32_t type)
{
    fh_tag tag = desc->memory.tag;
    fh_account refusing;
    uint32_t slot = lane->free_slots;
    if (slot == FHI_NO_SLOT || !shelf->slabs || (tag != 0 && tag >= lane->tag_capacity)) {
        return FHI_NO_SLOT;
    }
    uint64_t kind_peak = lane->kinds[kind].peak;
    uint64_t tag_peak = tag != 0 ? lane->tags[tag].peak : 0;
    if (!fhi_uses_charge(core, lane, kind, tag, need->size, &refusing)) {
        return FHI_NO_SLOT;
    }
    fhi_record *record = fhi_record_at(core, slot);
    if (fhi_slab_cut(shelf->slabs, need, &record->backing) != FH_OK) {
        fhi_uses_credit(core, lane, kind, tag, need->size);
        lane->kinds[kind].peak = kind_peak; /* what was not got leaves no peak */
        if (tag != 0) {
            lane->tags[tag].peak = tag_peak;
        }
        return FHI_NO_SLOT;
    }
    lane->free_slots = record->next;
    fill_plain(core, record, desc, kind, type);
    fhi_parcel_count(lane, record);
    return slot;
}

/* False: nothing has changed, and the long way is to be gone. On true *out_result is what came of
 *        it. */
FHI_HOT_INLINE bool quick(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                          const void *object, const fh_requirements *needs, fh_parcel *out_buffer,
                          fh_result *out_result)
{
    const fhi_type_order *order = &core->orders[desc->memory.location][desc->memory.access];
    uint32_t type = order->types[0];
    if (order->count == 0 || (needs->type_mask >> type & 1) == 0) {
        return false;
    }
    fh_pool *pool = &core->pools[type];
    const fhi_need need = {
        .size = needs->size,
        .alignment = fhi_type_alignment(core, type, needs->alignment),
    };
    if (need.size > pool->small || need.alignment > FHI_SLAB_ALIGNMENT) {
        return false;
    }
    uint32_t index = fhi_lane_of_thread(core);
    fhi_lane *lane = &core->lanes[index];

    fhi_latch_acquire(&lane->lock);
    uint32_t slot =
        take(core, lane, &pool->shelves[index][FHI_SORT_LINEAR], &need, desc, kind, type);
    fhi_latch_release(&lane->lock);
    if (FHI_UNLIKELY(slot == FHI_NO_SLOT)) {
        return false;
    }
    fhi_record *record = fhi_record_at(core, slot);
    void *own = fhi_record_object(core, slot);
    object_move(core, own, object);
    *out_result = fhi_backend_result(core, core->ops->bind(core->backend, own,
                                                           record->backing.memory->backend,
                                                           record->backing.offset));
    if (FHI_UNLIKELY(*out_result != FH_OK)) {
        fhi_latch_acquire(&lane->lock);
        record->state = FHI_STATE_MAKING; /* nobody knew of it */
        fhi_latch_release(&lane->lock);
        fhi_parcel_free(core, slot);
        return true;
    }
    *out_buffer = fhi_parcel_publish(record, slot);
    if (fhi_is_observed(core, FH_EVENT_PARCEL_CREATED)) {
        observe_made(core, desc, kind, *out_buffer, need.size);
    }
    return true;
}

FHI_COLD fh_result long_way(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind, void *object,
                            const fh_requirements *needs, fh_parcel *out_buffer)
{
    fhi_request request = {
        .kind = kind,
        .buffer = desc,
        .memory = &desc->memory,
        .usage = desc->usage,
        .committed = desc->size,
        .capacity = desc->capacity == 0 ? desc->size : desc->capacity,
        .object = object,
        .requirements = *needs,
        .sort = FHI_SORT_LINEAR,
        .address = (desc->usage & FH_USAGE_DEVICE_ADDRESS) != 0,
    };
    fhi_request_prepare(&request, kind != FH_KIND_BUFFER);
    return fhi_parcel_make(core, &request, out_buffer);
}

/* `plain`: the description's memory is_plain(). */
FHI_HOT_INLINE fh_result make(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind, bool plain,
                              fh_parcel *out_buffer)
{
    alignas(64) unsigned char object[FHI_OBJECT_MAX];
    fh_requirements needs;

    if (FHI_UNLIKELY(fhi_is_lost(core))) {
        return fhi_fail_lost();
    }
    object_clear(core, object);
    fh_result result = fhi_backend_result(
        core, core->ops->buffer_create(core->backend, desc,
                                       desc->capacity == 0 ? desc->size : desc->capacity, object,
                                       &needs));
    if (FHI_UNLIKELY(result != FH_OK) ||
        (plain && is_quick(core, &needs) &&
         quick(core, desc, kind, object, &needs, out_buffer, &result))) {
        return result;
    }
    return long_way(core, desc, kind, object, &needs, out_buffer);
}

fh_result fhi_buffer_make(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                          fh_parcel *out_buffer)
{
    return make(core, desc, kind, is_plain(core, &desc->memory), out_buffer);
}

fh_result fh_buffer_create(fh_device *device, const fh_buffer_desc *desc, fh_parcel *out_buffer)
{
    if (FHI_UNLIKELY(!device || !desc || !out_buffer)) {
        if (out_buffer) {
            *out_buffer = (fh_parcel){0};
        }
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_buffer is NULL");
    }
    *out_buffer = (fh_parcel){0};
    fhi_core *core = device->core;
    fh_result result = check_desc(desc);
    bool plain = is_plain(core, &desc->memory);
    if (FHI_UNLIKELY(!plain) && result == FH_OK) {
        result = fhi_memory_desc_check(core, &desc->memory);
    }
    if (FHI_UNLIKELY(result != FH_OK)) {
        return result;
    }
    if (FHI_UNLIKELY(device->allocator != NULL)) {
        return fhi_allocator_make_buffer(device, desc, out_buffer);
    }
    return make(core, desc, FH_KIND_BUFFER, plain, out_buffer);
}
