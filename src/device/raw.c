/* Parcels without an object of ours: raw memory, and external memory that is only counted. */

#include "device/core.h"
#include "device/parcel.h"
#include "device/request.h"

#include <freehold/parcel.h>

#include <string.h>

enum {
    RAW_ALIGNMENT = 256 /* bytes, when nothing is asked for */
};

static uint64_t alignment_of(const fh_raw_desc *desc)
{
    return desc->alignment == 0 ? RAW_ALIGNMENT : desc->alignment;
}

fh_result fhi_raw_desc_check(fhi_core *core, const fh_raw_desc *desc)
{
    if (desc->size == 0 || desc->size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail(FH_ERR_INVALID, "size is 0 or above 2^63");
    }
    if (desc->alignment != 0 && !fhi_is_power_of_two(desc->alignment)) {
        return fhi_fail_with(FH_ERR_INVALID, "alignment {} is not a power of two", desc->alignment,
                             0, 0);
    }
    if (desc->memory.backing.id != 0) {
        return fhi_fail(FH_ERR_INVALID, "raw memory does not lie on a backing: make objects on it");
    }
    if (desc->import && (desc->memory.pool || desc->memory.dedicated == FH_DEDICATED_NEVER)) {
        return fhi_fail(FH_ERR_INVALID, "imported memory is of no pool, and always dedicated");
    }
    if (desc->import && !(core->adapter.caps & FH_CAP_IMPORT_HOST)) {
        return fhi_fail(FH_ERR_UNSUPPORTED, "this backend cannot import host memory");
    }
    if (desc->import && (uintptr_t)desc->import % alignment_of(desc) != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "import is {}, which is not a multiple of alignment {}",
                             (uintptr_t)desc->import, alignment_of(desc), 0);
    }
    return fhi_memory_desc_check(core, &desc->memory);
}

static fh_result raw_make(fhi_core *core, const fh_raw_desc *desc, fh_parcel *out_raw)
{
    fhi_request request;
    memset(&request, 0, sizeof request);
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    request.kind = FH_KIND_RAW;
    request.raw = desc;
    request.memory = &desc->memory;
    request.committed = request.capacity = desc->size;
    request.sort = FHI_SORT_UNKNOWN;
    request.address = desc->address;
    request.import = desc->import;
    request.requirements = (fh_requirements){
        .size = desc->size,
        .alignment = alignment_of(desc),
        .type_mask = (uint32_t)((UINT64_C(1) << core->adapter.type_count) - 1),
    };
    /* Host memory is memory that the host sees, and none of the GPU's own where that has some. */
    fh_memory_desc memory = desc->memory;
    if (desc->import) {
        memory.required |= FH_MEMORY_HOST_VISIBLE;
        if (memory.location == FH_LOCATION_DEVICE) {
            memory.location = FH_LOCATION_UPLOAD;
        }
        request.memory = &memory;
    }
    fhi_request_prepare(&request, false);
    return fhi_parcel_make(core, &request, out_raw);
}

fh_result fh_raw_create(fh_device *device, const fh_raw_desc *desc, fh_parcel *out_raw)
{
    if (out_raw) {
        *out_raw = (fh_parcel){0};
    }
    if (!device || !desc || !out_raw) {
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_raw is NULL");
    }
    fh_result result = fhi_raw_desc_check(device->core, desc);
    if (result != FH_OK) {
        return result;
    }
    if (device->allocator) {
        return fhi_allocator_make_raw(device, desc, out_raw);
    }
    return raw_make(device->core, desc, out_raw);
}

fh_result fh_raw_create_many(fh_device *device, const fh_raw_desc *desc, uint32_t count,
                             fh_parcel *out_raws)
{
    if (!device || !desc || (!out_raws && count > 0)) {
        if (out_raws) {
            memset(out_raws, 0, count * sizeof *out_raws);
        }
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_raws is NULL");
    }
    for (uint32_t i = 0; i < count; i++) {
        fh_result result = fh_raw_create(device, desc, &out_raws[i]);
        if (result == FH_OK) {
            continue;
        }
        const fhi_sentence sentence = fhi_sentence_keep();
        for (uint32_t j = i; j-- > 0;) {
            fh_parcel_release(device, out_raws[j]);
        }
        memset(out_raws, 0, count * sizeof *out_raws);
        return fhi_sentence_fail(result, &sentence);
    }
    return FH_OK;
}

static fh_result check_external(fhi_core *core, const fh_external_desc *desc)
{
    if (desc->size == 0 || desc->size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail(FH_ERR_INVALID, "size is 0 or above 2^63");
    }
    if (desc->heap >= core->adapter.heap_count) {
        return fhi_fail_with(FH_ERR_INVALID, "heap is {}, and the device has {} heaps", desc->heap,
                             core->adapter.heap_count, 0);
    }
    fh_memory_desc memory = {
        .tag = desc->tag, .priority = desc->priority, .evictable = desc->evictable};
    return fhi_memory_desc_check(core, &memory);
}

/* Only the use accounts count it: Freehold did not take these bytes from the driver. */
static fh_result external_charge(fhi_core *core, fhi_request *request)
{
    fhi_relief relief = {0};
    for (;;) {
        fh_result result = fhi_request_charge(core, request, request->committed);
        if (result != FH_ERR_BUDGET) {
            return result;
        }
        const fhi_sentence sentence = fhi_sentence_keep();
        if (!fhi_relieve(core, request, result, &relief)) {
            fhi_request_note_refusal(core, request, result);
            return fhi_sentence_fail(result, &sentence);
        }
    }
}

fh_result fh_external_create(fh_device *device, const fh_external_desc *desc,
                             fh_parcel *out_external)
{
    if (out_external) {
        *out_external = (fh_parcel){0};
    }
    if (!device || !desc || !out_external) {
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_external is NULL");
    }
    fhi_core *core = device->core;
    fh_result result = check_external(core, desc);
    if (result != FH_OK) {
        return result;
    }
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    const fh_memory_desc memory = {.tag = desc->tag,
                                   .priority = desc->priority,
                                   .evictable = desc->evictable,
                                   .name = desc->name,
                                   .user = desc->user};
    fhi_request request;
    memset(&request, 0, sizeof request);
    request.kind = FH_KIND_EXTERNAL;
    request.memory = &memory;
    request.committed = request.capacity = desc->size;
    request.requirements.size = desc->size;
    request.priority = desc->priority == 0.0F ? 0.5F : desc->priority;
    request.lane = fhi_lane_of_thread(core);
    result = external_charge(core, &request);
    if (result != FH_OK) {
        return result;
    }
    uint32_t slot = fhi_slot_take(core, request.lane);
    fhi_lane *lane = &core->lanes[request.lane];
    fhi_latch_acquire(&lane->lock);
    if (slot == FHI_NO_SLOT) {
        fhi_uses_credit(core, lane, FH_KIND_EXTERNAL, desc->tag, desc->size);
        fhi_latch_release(&lane->lock);
        return FH_ERR_HOST_MEMORY;
    }
    fhi_record *record = fhi_record_at(core, slot);
    const fhi_backing backing = {.reserved = desc->size};
    fhi_parcel_fill(core, &request, &backing, FHI_NO_TYPE, record);
    record->heap = (uint8_t)desc->heap;
    record->destroy = NULL; /* nobody hears of one that was never made */
    record->context = desc->context;
    fhi_parcel_count(lane, record);
    fhi_latch_release(&lane->lock);
    if (desc->name) {
        result = fhi_parcel_name(core, slot, desc->name);
        if (result != FH_OK) {
            fhi_parcel_free(core, slot);
            return result;
        }
    }
    fhi_latch_acquire(&lane->lock);
    record->destroy = desc->destroy;
    record->state = FHI_STATE_LIVE;
    fhi_latch_release(&lane->lock);
    fh_parcel parcel = fhi_parcel_publish(record, slot);
    fhi_parcel_observe_request(core, &request, parcel);
    *out_external = parcel;
    return FH_OK;
}
