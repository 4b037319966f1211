/* What a parcel is, and the three things about it that can be changed: name, user value, priority.
 * All of it is guarded by the lane's lock; the pin keeps the parcel from being freed meanwhile. */

#include "device/core.h"
#include "device/hold.h"
#include "device/text.h"

#include <string.h>

/* Buffers have a capacity of their own, whoever they are made for. */
static bool is_buffer(const fhi_record *record)
{
    return record->kind == FH_KIND_BUFFER || record->kind == FH_KIND_STAGING ||
           record->kind == FH_KIND_TRANSIENT;
}

void fhi_record_info(const fhi_core *core, uint32_t slot, const fhi_record *record,
                     fh_parcel_info *out_info)
{
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);

    (void)slot;
    memset(out_info, 0, sizeof *out_info);
    out_info->kind = (fh_kind)record->kind;
    out_info->tag = record->tag;
    out_info->committed = record->committed;
    out_info->reserved = record->backing.reserved;
    out_info->capacity =
        is_buffer(record) && record->capacity > 0 ? record->capacity : record->committed;
    out_info->offset = record->backing.offset;
    out_info->type = UINT32_MAX;
    out_info->heap = record->heap;
    if (record->type != FHI_NO_TYPE) {
        out_info->type = record->type;
        out_info->heap = core->adapter.types[record->type].heap;
        out_info->flags = core->adapter.types[record->type].flags;
    }
    out_info->dedicated = (record->flags & FHI_RECORD_DEDICATED) != 0;
    out_info->retiring = record->state == FHI_STATE_RETIRING;
    out_info->usage = record->usage;
    out_info->stride = record->stride;
    if (record->kind == FH_KIND_TEXTURE) {
        out_info->format = (fh_format)record->format;
        out_info->width = record->width;
        out_info->height = record->height;
        out_info->depth = record->depth;
        out_info->layers = record->layers;
        out_info->mips = record->mips;
        out_info->samples = record->samples;
        out_info->texture_kind = (fh_texture_kind)record->texture_kind;
    }
    if ((record->flags & FHI_RECORD_BACKED) != 0) {
        out_info->backing = record->parent;
    }
    out_info->priority = record->priority;
    out_info->reference_count = (uint32_t)((word & FHI_WORD_REFERENCES) / FHI_WORD_REFERENCE);
    out_info->map_count = record->map_count;
    out_info->user = record->user;
    fhi_name_copy(out_info->name, record->name);
}

fh_result fh_parcel_get(fh_device *device, fh_parcel parcel, fh_parcel_info *out_info)
{
    if (!out_info) {
        return fhi_fail(FH_ERR_INVALID, "out_info: must not be NULL");
    }
    memset(out_info, 0, sizeof *out_info);
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_record *record = fhi_pin(core, parcel);
    if (!record) {
        return FH_ERR_STALE;
    }
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_record_info(core, fhi_parcel_slot(parcel), record, out_info);
    fhi_latch_release(&lane->lock);
    fhi_unpin(core, parcel, record);
    return FH_OK;
}

/* ---- the name ---- */

/* Tell the driver's tools. A backend is never called twice at once for one object: so of several
 * threads that name one parcel at once, the first passes on what the others leave behind, and no
 * resize takes the object away meanwhile. No lock held. */
void fhi_name_pass_on(fhi_core *core, fhi_hold *hold)
{
    fhi_record *record = hold->record;
    fhi_lane *lane = &core->lanes[record->lane];
    char name[FH_NAME_SIZE];

    fhi_latch_acquire(&lane->lock);
    bool first = (record->flags & FHI_RECORD_NAMING) == 0;
    record->flags |= FHI_RECORD_NAMING | FHI_RECORD_RENAMED;
    fhi_latch_release(&lane->lock);
    if (!first) {
        return;
    }
    fhi_holds_begin(core, hold, 1);
    for (bool again = true; again;) {
        fhi_latch_acquire(&lane->lock);
        again = (record->flags & FHI_RECORD_RENAMED) != 0;
        record->flags &= (uint16_t) ~(again ? FHI_RECORD_RENAMED : FHI_RECORD_NAMING);
        memcpy(name, record->name, sizeof name);
        fhi_latch_release(&lane->lock);
        if (again) {
            core->ops->object_name(core->backend, hold->object, name);
        }
    }
    fhi_holds_end(core, hold, 1);
}

/* Store the name, in room that is made when it is the first. *out_object: there is a name and an
 * object that bears it. */
static fh_result store_name(fhi_core *core, fhi_record *record, const char *name, bool *out_object)
{
    fhi_lane *lane = &core->lanes[record->lane];
    char *fresh = NULL;

    fhi_latch_acquire(&lane->lock);
    bool has_room = record->name != NULL;
    fhi_latch_release(&lane->lock);
    if (!has_room && name) {
        fresh = fhi_host_alloc(&core->memory, 1, FH_NAME_SIZE, 1);
        if (!fresh) {
            return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a parcel's name");
        }
    }
    fhi_latch_acquire(&lane->lock);
    if (!record->name && fresh) {
        record->name = fresh;
        record->flags |= FHI_RECORD_NAMED;
        fresh = NULL;
    }
    if (record->name) {
        fhi_name_copy(record->name, name);
    }
    *out_object = record->name && (record->flags & FHI_RECORD_OBJECT) != 0;
    fhi_latch_release(&lane->lock);
    fhi_host_free(&core->memory, fresh, 1, FH_NAME_SIZE, 1);
    return FH_OK;
}

fh_result fh_parcel_set_name(fh_device *device, fh_parcel parcel, const char *name)
{
    fhi_hold hold = {.parcel = parcel};
    bool has_object = false;

    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fh_result result = fhi_holds_pin(core, &hold, 1);
    if (result != FH_OK) {
        return result;
    }
    result = store_name(core, hold.record, name, &has_object);
    if (has_object && core->ops->object_name) {
        fhi_name_pass_on(core, &hold);
    }
    if (result == FH_OK && fhi_is_observed(core, FH_EVENT_PARCEL_NAMED)) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_PARCEL_NAMED,
                                      .parcel = parcel,
                                      .parcel_kind = (fh_kind)hold.record->kind,
                                      .tag = hold.record->tag,
                                      .name = name});
    }
    fhi_holds_unpin(core, &hold, 1);
    return result;
}

/* ---- user value and priority ---- */

fh_result fh_parcel_set_user(fh_device *device, fh_parcel parcel, void *user)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_record *record = fhi_pin(core, parcel);
    if (!record) {
        return FH_ERR_STALE;
    }
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    record->user = user;
    fhi_latch_release(&lane->lock);
    fhi_unpin(core, parcel, record);
    return FH_OK;
}

fh_result fh_parcel_set_priority(fh_device *device, fh_parcel parcel, float priority)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    if (!(priority >= 0.0F && priority <= 1.0F)) { /* NaN, too */
        return fhi_fail(FH_ERR_INVALID, "priority: must be from 0 to 1");
    }
    fhi_core *core = device->core;
    fhi_record *record = fhi_pin(core, parcel);
    if (!record) {
        return FH_ERR_STALE;
    }
    fhi_lane *lane = &core->lanes[record->lane];
    fhi_latch_acquire(&lane->lock);
    record->priority = priority;
    fhi_latch_release(&lane->lock);
    fhi_unpin(core, parcel, record);
    return FH_OK;
}
