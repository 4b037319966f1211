/* Buffers. Nearly every buffer of a program is small, plain, and of a pool that has room: quick()
 * is the whole way of such a one, with one lock and no call out but the backend's for the object
 * itself. Everything else goes through a request (request.c). */

#include "device/core.h"
#include "device/parcel.h"
#include "device/request.h"
#include "device/slab.h"
#include "device/witness.h"

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
    return core->margin == 0 && !needs->dedicated_preferred && !needs->dedicated_required;
}

/* What fhi_parcel_fill() does for all, for a plain buffer; `backing` is there already. The third
 * line of the record is not touched. */
FHI_HOT_INLINE void fill_plain(const fhi_core *core, fhi_record *record, const fh_buffer_desc *desc,
                               fh_kind kind, uint32_t type, float priority)
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
    record->priority = priority;
    record->map_count = 0;
    record->made_tick = record->used_tick = tick;
}

FHI_COLD void observe_made(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                           const fh_requirements *needs, fh_parcel buffer)
{
    const fhi_made made = {.kind = kind, .buffer = desc, .memory = &desc->memory, .needs = needs};
    fhi_parcel_observe_made(core, &made, buffer);
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
                             const fh_buffer_desc *desc, fh_kind kind, uint32_t type,
                             float priority)
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
    fill_plain(core, record, desc, kind, type, priority);
    fhi_parcel_count(lane, record);
    return slot;
}

/* Under a policy that places: what its verdict comes to; NULL: the long way. `base` is the class's,
 * and hashed before the lane was locked. */
FHI_HOT_INLINE const fhi_quick_verdict *find(const fhi_lane *lane, uint64_t stamp, uint64_t base,
                                             uint32_t base_hash, const fh_requirements *needs)
{
    if (lane->quick_stamp != stamp) {
        return NULL;
    }
    uint32_t step = fhi_steps_up_to(&lane->verdicts->steps, needs->size);
    const fhi_quick_verdict *verdict = fhi_quick_at(lane->verdicts, base_hash, step);
    bool right = verdict->key == base + step * FHI_CLASS_STEP &&
                 verdict->type_mask == needs->type_mask; /* which is never 0 */
    return right ? verdict : NULL;
}

/* As take(), from the pool of that memory type. */
FHI_HOT_INLINE uint32_t take_from(fhi_core *core, uint32_t lane, const fh_buffer_desc *desc,
                                  fh_kind kind, const fh_requirements *needs, uint32_t type,
                                  float priority)
{
    fh_pool *pool = &core->pools[type];
    const fhi_need need = {
        .size = needs->size,
        .alignment = fhi_type_alignment(core, type, needs->alignment),
    };
    if ((needs->type_mask >> type & 1) == 0 || need.size > pool->small ||
        need.alignment > FHI_SLAB_ALIGNMENT) {
        return FHI_NO_SLOT;
    }
    return take(core, &core->lanes[lane], &pool->shelves[lane][FHI_SORT_LINEAR], &need, desc, kind,
                type, priority);
}

/* Where the verdict leads elsewhere than the native rule would. */
FHI_COLD uint32_t take_elsewhere(fhi_core *core, uint32_t lane, const fh_buffer_desc *desc,
                                 fh_kind kind, const fh_requirements *needs, uint32_t type,
                                 float priority)
{
    return take_from(core, lane, desc, kind, needs, type, priority);
}

/* What lies in memory that was just taken is a buffer, or is not, and then nothing of it is
 * left. */
FHI_HOT_INLINE fh_result bind_taken(fhi_core *core, fhi_lane *lane, const fh_buffer_desc *desc,
                                    fh_kind kind, const void *object, const fh_requirements *needs,
                                    uint32_t slot, fh_parcel *out_buffer)
{
    fhi_record *record = fhi_record_at(core, slot);
    void *own = fhi_record_object(core, slot);
    object_move(core, own, object);
    fh_result result = fhi_backend_result(core, core->ops->bind(core->backend, own,
                                                                record->backing.memory->backend,
                                                                record->backing.offset));
    if (FHI_UNLIKELY(result != FH_OK)) {
        fhi_latch_acquire(&lane->lock);
        record->state = FHI_STATE_MAKING; /* nobody knew of it */
        fhi_latch_release(&lane->lock);
        fhi_parcel_free(core, slot);
        return result;
    }
    *out_buffer = fhi_parcel_publish(record, slot);
    if (fhi_is_observed(core, FH_EVENT_PARCEL_CREATED | FHI_WITNESS_PARCEL_MADE)) {
        observe_made(core, desc, kind, needs, *out_buffer);
    }
    return FH_OK;
}

/* False: nothing has changed, and the long way is to be gone. On true *out_result is what came of
 *        it. */
FHI_HOT_INLINE bool quick(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                          const void *object, const fh_requirements *needs, fh_parcel *out_buffer,
                          fh_result *out_result)
{
    const fhi_type_order *order = &core->orders[desc->memory.location][desc->memory.access];
    uint32_t type = order->types[0];
    float priority = desc->memory.priority == 0.0F ? FHI_PRIORITY : desc->memory.priority;
    if (order->count == 0) {
        return false;
    }
    uint32_t index = fhi_lane_of_thread(core);
    fhi_lane *lane = &core->lanes[index];
    uint32_t slot = FHI_NO_SLOT;

    uint64_t stamp = atomic_load_explicit(&core->policies.stamp, memory_order_acquire);
    uint64_t base = fhi_class_base(kind, desc->usage, desc->memory.location, desc->memory.access,
                                   desc->memory.tag, needs->size);
    uint32_t base_hash = fhi_class_hash(base);

    fhi_latch_acquire(&lane->lock);
    if (stamp == 0) {
        slot = take_from(core, index, desc, kind, needs, type, priority);
    } else {
        const fhi_quick_verdict *verdict = find(lane, stamp, base, base_hash, needs);
        if (verdict) {
            priority = verdict->priority != 0.0F ? verdict->priority : priority;
            slot = FHI_LIKELY(verdict->type == type)
                       ? take_from(core, index, desc, kind, needs, type, priority)
                       : take_elsewhere(core, index, desc, kind, needs, verdict->type, priority);
        }
    }
    fhi_latch_release(&lane->lock);
    if (FHI_UNLIKELY(slot == FHI_NO_SLOT)) {
        return false;
    }
    *out_result = bind_taken(core, lane, desc, kind, object, needs, slot, out_buffer);
    return true;
}

/* A policy has said what becomes of the request, and that may well be all that the quick way needs
 * to know. False: the long way. */
static bool quick_after_all(fhi_core *core, const fhi_request *request, fh_parcel *out_buffer,
                            fh_result *out_result)
{
    const fh_buffer_desc *desc = request->buffer;
    const fh_requirements *needs = &request->requirements;
    fhi_lane *lane = &core->lanes[request->lane];
    if (!fhi_request_is_simple(request)) {
        return false;
    }
    fhi_latch_acquire(&lane->lock);
    uint32_t slot = take_from(core, request->lane, desc, request->kind, needs,
                              request->order.types[0], request->priority);
    fhi_latch_release(&lane->lock);
    if (slot == FHI_NO_SLOT) {
        return false;
    }
    *out_result =
        bind_taken(core, lane, desc, request->kind, request->object, needs, slot, out_buffer);
    return true;
}

/* Field by field, for clearing it first takes as long as all that. */
static void fill_request(fhi_request *request, const fh_buffer_desc *desc, fh_kind kind,
                         void *object, const fh_requirements *needs)
{
    request->kind = kind;
    request->buffer = desc;
    request->texture = NULL;
    request->raw = NULL;
    request->memory = &desc->memory;
    request->usage = desc->usage;
    request->committed = desc->size;
    request->capacity = desc->capacity == 0 ? desc->size : desc->capacity;
    request->lane = 0;
    request->object = object;
    request->requirements = *needs;
    request->sort = FHI_SORT_LINEAR;
    request->address = (desc->usage & FH_USAGE_DEVICE_ADDRESS) != 0;
    request->margin = false;
    request->import = NULL;
    fhi_request_prepare(request, kind != FH_KIND_BUFFER);
}

/* `plain`: it could have gone the quick way, but for a policy's wish to see it. */
FHI_COLD fh_result long_way(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind, void *object,
                            const fh_requirements *needs, bool plain, fh_parcel *out_buffer)
{
    fhi_request request;
    fill_request(&request, desc, kind, object, needs);
    if (plain && atomic_load_explicit(&core->policies.stamp, memory_order_relaxed) != 0) {
        request.lane = fhi_lane_of_thread(core);
        fh_result result = fhi_request_ask(core, &request);
        if (result != FH_OK) {
            core->ops->object_destroy(core->backend, object);
            return result;
        }
        if (quick_after_all(core, &request, out_buffer, &result)) {
            return result;
        }
    }
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
    plain = plain && is_quick(core, &needs);
    if (FHI_UNLIKELY(result != FH_OK) ||
        (plain && quick(core, desc, kind, object, &needs, out_buffer, &result))) {
        return result;
    }
    return long_way(core, desc, kind, object, &needs, plain, out_buffer);
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
