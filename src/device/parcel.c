/* Parcels: how a slot is taken and filled, and how it is freed. What they are made of is decided in
 * buffer.c, texture.c and raw.c; when they are freed, in retire.c. */

#include "device/parcel.h"
#include "device/core.h"
#include "device/mapping.h"
#include "device/request.h"
#include "device/slab.h"
#include "device/text.h"
#include "device/witness.h"

#include <string.h>

uint32_t fhi_slot_take(fhi_core *core, uint32_t lane_index)
{
    fhi_lane *lane = &core->lanes[lane_index];
    for (;;) {
        fhi_latch_acquire(&lane->lock);
        uint32_t slot = lane->free_slots;
        if (slot != FHI_NO_SLOT) {
            fhi_record *record = fhi_record_at(core, slot);
            lane->free_slots = record->next;
            record->state = FHI_STATE_MAKING;
        }
        fhi_latch_release(&lane->lock);
        if (slot != FHI_NO_SLOT || fhi_records_extend(core, lane_index) != FH_OK) {
            return slot;
        }
    }
}

void fhi_slot_give(fhi_core *core, uint32_t slot)
{
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_slot_free(lane, record, slot);
    fhi_latch_release(&lane->lock);
}

void fhi_backing_give(fhi_core *core, const fhi_backing *backing)
{
    if (backing->range.id != 0) {
        fhi_pool_give(backing->memory->pool, backing);
    } else {
        fhi_memory_destroy(core, backing->memory);
    }
}

void fhi_parcel_fill(fhi_core *core, const fhi_request *request, const fhi_backing *backing,
                     uint8_t type, fhi_record *record)
{
    const fh_memory_desc *memory = request->memory;
    record->backing = *backing;
    record->committed = request->committed;
    record->kind = (uint8_t)request->kind;
    record->type = type;
    record->used = 0;
    record->flags = 0;
    record->tag = (uint16_t)memory->tag;
    record->user = memory->user;
    record->name = NULL;
    record->evictable = (uint8_t)memory->evictable;
    record->location = (uint8_t)((unsigned)memory->location << 4 | (unsigned)memory->access);
    record->capacity = request->capacity;
    record->usage = request->usage;
    record->stride = request->buffer ? request->buffer->stride : 0;
    record->priority = request->priority;
    record->map_count = 0;
    record->made_tick = record->used_tick = fhi_tick_count(core);
    record->parent = (fh_parcel){0};
    record->deed = 0;
    if (request->object) {
        record->flags |= FHI_RECORD_OBJECT;
    }
    if (memory->backing.id != 0) {
        record->flags |= FHI_RECORD_BACKED;
        record->parent = memory->backing;
    } else if (backing->memory && backing->memory->dedicated) {
        record->flags |= FHI_RECORD_DEDICATED;
    }
    if (request->margin) {
        record->flags |= FHI_RECORD_MARGIN;
    }
    if (request->texture) {
        const fh_texture_desc *texture = request->texture;
        record->width = texture->width;
        record->height = texture->height;
        record->depth = texture->depth;
        record->layers = texture->layers;
        record->format = (uint16_t)texture->format;
        record->mips = (uint8_t)texture->mips;
        record->samples = (uint8_t)texture->samples;
        record->texture_kind = (uint8_t)texture->kind;
        record->flags |= texture->linear ? FHI_RECORD_LINEAR : 0;
    } else if (request->buffer) {
        record->wish.extent = request->committed;
        record->wish.type_mask = memory->type_mask;
        record->wish.required = (uint8_t)memory->required;
        record->wish.preferred = (uint8_t)memory->preferred;
        record->wish.dedicated = (uint8_t)memory->dedicated;
        record->wish.strategy = (uint8_t)memory->strategy;
        record->wish.within_budget = memory->within_budget;
        record->wish.upper = memory->upper;
    }
    if (memory->mapped) {
        record->flags |= FHI_RECORD_MAPPED;
    }
    if (memory->movable) {
        record->flags |= FHI_RECORD_MOVABLE;
    }
}

void fhi_parcel_uncount_retiring(fhi_lane *lane, const fhi_record *record)
{
    uint64_t reserved = record->backing.reserved;
    lane->retiring_count--;
    lane->kinds[record->kind].retiring -= reserved;
    if (record->tag != 0) {
        lane->tags[record->tag].retiring -= reserved;
    }
    if (record->type != FHI_NO_TYPE) {
        lane->types[record->type].retiring_bytes -= reserved;
    }
}

/* What a plain parcel in a slab does not have: see fhi_parcel_free(). */
static void free_rest(fhi_core *core, uint32_t slot, const fhi_record *was)
{
    const uint64_t reserved = was->backing.reserved;
    fhi_host_free(&core->memory, was->name, 1, FH_NAME_SIZE, 1);
    if (was->flags & FHI_RECORD_BACKED) {
        fh_parcel_release(&core->root, was->parent);
    }
    if (fhi_is_observed(core, FH_EVENT_PARCEL_FREED) && !(was->flags & FHI_RECORD_GHOST) &&
        was->state != FHI_STATE_MAKING) {
        uint64_t word = atomic_load_explicit(&was->word, memory_order_relaxed);
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_PARCEL_FREED,
                                      .parcel = {(word & FHI_WORD_GENERATION) | slot},
                                      .parcel_kind = (fh_kind)was->kind,
                                      .tag = was->tag,
                                      .bytes = reserved});
    }
    if (was->kind == FH_KIND_EXTERNAL && was->destroy) {
        was->destroy(was->context, was->user);
    }
    if (was->flags & FHI_RECORD_DEED) {
        fhi_deed_notify_freed(core, was);
    }
}

/* A margin that was written to is told before its memory goes. */
static void check_margin(fhi_core *core, const fhi_record *record)
{
    bool whole;
    uint64_t end = record->backing.offset + record->backing.reserved - core->margin;
    fh_result result = fhi_margin_check(core, record->backing.memory, end, &whole);
    if (fhi_backend_result(core, result) == FH_OK && !whole) {
        fhi_margin_report(core, record, record->committed);
    }
}

static void give_memory(fhi_core *core, const fhi_record *record)
{
    fhi_memory *memory = record->backing.memory;
    if (!memory || (record->flags & FHI_RECORD_BACKED)) {
        return;
    }
    fh_pool *pool = memory->pool;
    fhi_backing_give(core, &record->backing);
    if (pool && pool->custom) {
        atomic_fetch_sub_explicit(&pool->live_count, 1, memory_order_release);
    }
}

void fhi_parcel_free(fhi_core *core, uint32_t slot)
{
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_slab *slab = record->backing.slab;
    fhi_stash_errand errand = {{NULL, 0, 0}, NULL};
    bool in_lane = slab && slab->lane == record->lane;

    if (FHI_UNLIKELY(record->flags & FHI_RECORD_MARGIN)) {
        check_margin(core, record);
    }
    if (record->flags & FHI_RECORD_OBJECT) {
        core->ops->object_destroy(core->backend, fhi_record_object(core, slot));
    }
    fhi_record was;
    fhi_latch_acquire(&lane->lock);
    bool rest = (record->flags & (FHI_RECORD_BACKED | FHI_RECORD_DEED)) != 0 || record->name ||
                record->kind == FH_KIND_EXTERNAL ||
                fhi_is_observed(core, FH_EVENT_PARCEL_FREED | FHI_WITNESS_PARCEL_ENDS);
    if (FHI_UNLIKELY(rest)) {
        fhi_witness_parcel(core, slot, FHI_WITNESS_PARCEL_ENDS);
        memcpy(&was, record, sizeof was);
    }
    fhi_parcel_uncount(lane, record);
    if (FHI_LIKELY(in_lane)) {
        errand = fhi_slab_uncut(core, slab, record->backing.range);
    } else {
        record->state = FHI_STATE_MAKING; /* walkers do not look at memory that goes now */
        fhi_latch_release(&lane->lock);
        give_memory(core, record);
        fhi_latch_acquire(&lane->lock);
    }
    fhi_uses_credit(core, lane, (fh_kind)record->kind, record->tag, record->backing.reserved);
    fhi_slot_free(lane, record, slot);
    fhi_latch_release(&lane->lock);
    if (FHI_UNLIKELY(errand.freed != NULL)) {
        fhi_stash_run(&core->memory, &errand);
    }
    if (FHI_UNLIKELY(rest)) {
        free_rest(core, slot, &was);
    }
}

/* ---- making ---- */

fh_result fhi_memory_desc_check(fhi_core *core, const fh_memory_desc *memory)
{
    if ((unsigned)memory->location >= FH_LOCATION_COUNT ||
        (unsigned)memory->access >= FH_ACCESS_COUNT ||
        (unsigned)memory->dedicated > FH_DEDICATED_NEVER ||
        (unsigned)memory->strategy > FH_STRATEGY_MIN_OFFSET ||
        (unsigned)memory->evictable > FH_EVICTABLE_ANY_THREAD) {
        return fhi_fail(FH_ERR_INVALID, "memory.location, access, dedicated, strategy or evictable "
                                        "is a value that its enum does not have");
    }
    if (!(memory->priority >= 0.0F && memory->priority <= 1.0F)) {
        return fhi_fail(FH_ERR_INVALID, "memory.priority is not between 0 and 1");
    }
    uint32_t tags = atomic_load_explicit(&core->tags.count, memory_order_acquire);
    if (memory->tag != 0 && memory->tag >= tags) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "memory.tag is {}, and fh_device_tag() has given only 1 to {}",
                             memory->tag, tags - 1, 0);
    }
    if (memory->pool && memory->pool->core != core) {
        return fhi_fail(FH_ERR_INVALID, "memory.pool is a pool of another device");
    }
    if (memory->pool && (memory->backing.id != 0 || memory->dedicated == FH_DEDICATED_REQUIRE)) {
        return fhi_fail(FH_ERR_INVALID, "memory.pool excludes a backing and required dedicated "
                                        "memory");
    }
    if (memory->upper && (!memory->pool || memory->pool->algorithm != FH_BLOCK_LINEAR)) {
        return fhi_fail(FH_ERR_INVALID, "memory.upper needs memory.pool to be a linear pool");
    }
    if (((memory->required | memory->preferred) & ~(fh_memory_flags)FHI_MEMORY_FLAGS_ALL) != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "memory.required is {} and memory.preferred is {}: they may have the "
                             "bits of FH_MEMORY_FLAGS ({}), and no others",
                             memory->required, memory->preferred, FHI_MEMORY_FLAGS_ALL);
    }
    if (memory->backing.id == 0 && memory->backing_offset != 0) {
        return fhi_fail(FH_ERR_INVALID, "memory.backing_offset is set, and memory.backing is not");
    }
    return FH_OK;
}

fh_result fhi_parcel_lie_on(fhi_core *core, const fhi_request *request, fhi_backing *out_backing,
                            uint8_t *out_type)
{
    const fh_memory_desc *memory = request->memory;
    const fh_requirements *needs = &request->requirements;
    fh_result result = fh_parcel_acquire(&core->root, memory->backing);
    if (result != FH_OK) {
        return result;
    }
    /* The reference keeps it; a raw parcel's backing never changes. */
    const fhi_record *under = fhi_record_at(core, fhi_parcel_slot(memory->backing));
    uint64_t offset = under->backing.offset + memory->backing_offset;
    if (under->kind != FH_KIND_RAW) {
        result = fhi_fail(FH_ERR_INVALID, "memory.backing is not a raw parcel");
    } else if ((request->type_mask >> under->type & 1) == 0 ||
               (memory->required & ~fhi_type_flags(core, under->type)) != 0) {
        result = fhi_fail_with(FH_ERR_INVALID,
                               "memory.backing is of memory type {}, which the object cannot use",
                               under->type, 0, 0);
    } else if (memory->backing_offset > under->committed ||
               needs->size > under->committed - memory->backing_offset) {
        result = fhi_fail_with(FH_ERR_INVALID,
                               "{} bytes at backing_offset {} do not fit the backing's {} bytes",
                               needs->size, memory->backing_offset, under->committed);
    } else if (offset % needs->alignment != 0) {
        result =
            fhi_fail_with(FH_ERR_INVALID,
                          "backing_offset {} puts the object at {} of its memory, which is not "
                          "a multiple of {}",
                          memory->backing_offset, offset, needs->alignment);
    } else if (memory->mapped && !(fhi_type_flags(core, under->type) & FH_MEMORY_HOST_VISIBLE)) {
        result = fhi_fail(FH_ERR_INVALID, "memory.mapped is set, and the backing is not "
                                          "host-visible");
    }
    if (result != FH_OK) {
        fh_parcel_release(&core->root, memory->backing);
        return result;
    }
    *out_backing = (fhi_backing){.memory = under->backing.memory, .offset = offset};
    *out_type = under->type;
    return FH_OK;
}

/* The way back, as far as it had come. */
static void unmake(fhi_core *core, const fhi_request *request, const fhi_backing *backing)
{
    fhi_lane *lane = &core->lanes[request->lane];
    if (request->memory->backing.id != 0) {
        fh_parcel_release(&core->root, request->memory->backing);
    } else {
        fh_pool *pool = backing->memory->pool;
        fhi_backing_give(core, backing);
        if (pool && pool->custom) {
            atomic_fetch_sub_explicit(&pool->live_count, 1, memory_order_release);
        }
    }
    fhi_latch_acquire(&lane->lock);
    fhi_uses_credit(core, lane, request->kind, request->memory->tag, backing->reserved);
    fhi_latch_release(&lane->lock);
}

static fh_result find_memory(fhi_core *core, fhi_request *request, fhi_backing *out_backing,
                             uint8_t *out_type)
{
    const fh_memory_desc *memory = request->memory;
    *out_backing = (fhi_backing){0};
    fh_result result = request->placed ? FH_OK : fhi_request_decide(core, request);
    if (result != FH_OK) {
        return result;
    }
    if (memory->backing.id != 0) {
        result = fhi_parcel_lie_on(core, request, out_backing, out_type);
        if (result == FH_OK) {
            fhi_lane *lane = &core->lanes[request->lane];
            result = memory->tag != 0 ? fhi_lane_provide_tags(core, request->lane) : FH_OK;
            if (result != FH_OK) {
                fh_parcel_release(&core->root, memory->backing);
                return result;
            }
            /* It reserves nothing, and so is never refused; but it is counted. */
            fhi_latch_acquire(&lane->lock);
            fhi_uses_charge(core, lane, request->kind, memory->tag, 0, &request->account);
            fhi_latch_release(&lane->lock);
        }
        return result;
    }
    if (core->margin != 0 && !request->import) {
        request->margin = true;
        request->requirements.size += core->margin;
    }
    result = fhi_request_satisfy(core, request, out_backing, out_type);
    if (result == FH_OK && out_backing->memory->pool && out_backing->memory->pool->custom) {
        atomic_fetch_add_explicit(&out_backing->memory->pool->live_count, 1, memory_order_relaxed);
    }
    fhi_policy_leave_pool(core, request);
    return result;
}

/* Bind, map and mark what was made. The record is whole, but for its name. */
static fh_result finish(fhi_core *core, const fhi_request *request, uint32_t slot)
{
    const fhi_record *record = fhi_record_at(core, slot);
    const fhi_backing *backing = &record->backing;
    fh_result result = FH_OK;
    if (request->object) {
        void *object = fhi_record_object(core, slot);
        memcpy(object, request->object, core->object_size);
        result = core->ops->bind(core->backend, object, backing->memory->backend, backing->offset);
    }
    void *pointer;
    if (result == FH_OK && request->memory->mapped) {
        result = fhi_memory_map(core, backing->memory, &pointer);
    }
    if (result == FH_OK && request->margin) {
        if (fhi_type_flags(core, record->type) & FH_MEMORY_HOST_VISIBLE) {
            result = fhi_margin_write(core, backing->memory,
                                      backing->offset + backing->reserved - core->margin);
        }
    }
    return fhi_backend_result(core, result);
}

fh_result fhi_parcel_prepare(fhi_core *core, fhi_request *request, uint32_t *out_slot)
{
    fhi_backing backing;
    uint8_t type = 0;
    *out_slot = FHI_NO_SLOT;
    fh_result result = find_memory(core, request, &backing, &type);
    if (result != FH_OK) {
        goto fail_object;
    }
    uint32_t slot = fhi_slot_take(core, request->lane);
    if (slot == FHI_NO_SLOT) {
        unmake(core, request, &backing);
        result = FH_ERR_HOST_MEMORY;
        goto fail_object;
    }
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[request->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_parcel_fill(core, request, &backing, type, record);
    fhi_parcel_count(lane, record);
    fhi_latch_release(&lane->lock);

    result = finish(core, request, slot);
    if (result != FH_OK) {
        fhi_latch_acquire(&lane->lock);
        record->flags &= (uint16_t)~FHI_RECORD_MARGIN; /* perhaps not written */
        fhi_latch_release(&lane->lock);
        fhi_parcel_free(core, slot); /* the object, too */
        return result;
    }
    *out_slot = slot;
    return FH_OK;

fail_object:
    if (request->object) {
        core->ops->object_destroy(core->backend, request->object);
    }
    return result;
}

fh_result fhi_parcel_name(fhi_core *core, uint32_t slot, const char *name)
{
    fhi_record *record = fhi_record_at(core, slot);
    char *room = fhi_host_alloc(&core->memory, 1, FH_NAME_SIZE, 1);
    if (!room) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a parcel's name");
    }
    fhi_name_copy(room, name);
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    record->name = room;
    record->flags |= FHI_RECORD_NAMED;
    fhi_latch_release(&lane->lock);
    if ((record->flags & FHI_RECORD_OBJECT) != 0 && core->ops->object_name) {
        core->ops->object_name(core->backend, fhi_record_object(core, slot), room);
    }
    return FH_OK;
}

fh_result fhi_parcel_make(fhi_core *core, fhi_request *request, fh_parcel *out_parcel)
{
    uint32_t slot;
    request->lane = fhi_lane_of_thread(core);
    fh_result result = fhi_parcel_prepare(core, request, &slot);
    if (result != FH_OK) {
        return result;
    }
    if (request->memory->name) {
        result = fhi_parcel_name(core, slot, request->memory->name);
        if (result != FH_OK) {
            fhi_parcel_free(core, slot);
            return result;
        }
    }
    fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[request->lane];
    fhi_latch_acquire(&lane->lock);
    record->state = FHI_STATE_LIVE;
    fhi_latch_release(&lane->lock);
    *out_parcel = fhi_parcel_publish(record, slot);
    fhi_parcel_observe_request(core, request, *out_parcel);
    return FH_OK;
}

void fhi_parcel_observe_made(fhi_core *core, const fhi_made *made, fh_parcel parcel)
{
    if (!fhi_is_observed(core, FH_EVENT_PARCEL_CREATED | FHI_WITNESS_PARCEL_MADE)) {
        return;
    }
    /* Nobody else has the handle yet: nothing of the record moves. */
    const fhi_record *record = fhi_record_at(core, fhi_parcel_slot(parcel));
    const fhi_memory *memory = record->backing.memory;
    fh_requirements needs = *made->needs;
    if (made->margin) {
        needs.size -= core->margin;
    }
    fhi_witnessed told = {.event = {.kind = FHI_WITNESS_PARCEL_MADE,
                                    .parcel = parcel,
                                    .parcel_kind = made->kind,
                                    .tag = made->memory->tag,
                                    .bytes = record->backing.reserved,
                                    .committed = record->committed,
                                    .memory = memory ? memory->id : 0,
                                    .offset = record->backing.offset,
                                    .buffer = made->buffer,
                                    .texture = made->texture,
                                    .asked = made->memory,
                                    .needs = memory ? &needs : NULL,
                                    .name = made->memory->name},
                          .record = record};
    if (fhi_is_observed(core, FHI_WITNESS_PARCEL_MADE)) {
        fhi_lane *lane = &core->lanes[record->lane];
        fhi_latch_acquire(&lane->lock);
        fhi_witness(core, &told);
        fhi_latch_release(&lane->lock);
    }
    if (fhi_is_observed(core, FH_EVENT_PARCEL_CREATED)) {
        told.event.kind = FH_EVENT_PARCEL_CREATED;
        fhi_observe(core, &told.event);
    }
}

void fhi_parcel_observe_request(fhi_core *core, const fhi_request *request, fh_parcel parcel)
{
    const fhi_made made = {.kind = request->kind,
                           .margin = request->margin,
                           .buffer = request->buffer,
                           .texture = request->texture,
                           .memory = request->memory,
                           .needs = &request->requirements};
    fhi_parcel_observe_made(core, &made, parcel);
}
