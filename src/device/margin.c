/* Margins: bytes behind each parcel that nobody may write, with a pattern in them. Whoever writes
 * past the end of a parcel is found when it is freed, or when the program asks.
 *
 * In memory that is not coherent a margin may begin in the last atom of its parcel. Before the
 * parcel's end that atom is the parcel's: as long as somebody may have it mapped, and written to it
 * without a flush yet, it is not invalidated, and what the GPU wrote there is found when the parcel
 * is freed. */

#include "device/mapping.h"

#include "base/bits.h"
#include "device/core.h"
#include "device/text.h"

#include <string.h>

enum {
    PATTERN_SIZE = 16 /* margins are multiples of it */
};

static const unsigned char pattern[PATTERN_SIZE] = {
    0xf7, 0x5c, 0xa1, 0x3e, 0x92, 0xd8, 0x4b, 0x67, 0xe5, 0x1d, 0xb3, 0x79, 0xc4, 0x2a, 0x8f, 0x56,
};

fh_result fhi_margin_write(fhi_core *core, fhi_memory *memory, uint64_t offset)
{
    void *pointer;
    fh_result result = fhi_memory_map(core, memory, &pointer);

    if (result != FH_OK) {
        return result;
    }
    for (uint64_t at = 0; at < core->margin; at += PATTERN_SIZE) {
        memcpy((unsigned char *)pointer + offset + at, pattern, PATTERN_SIZE);
    }
    return fhi_memory_sync(core, memory, offset, core->margin, false);
}

static bool is_whole(const fhi_core *core, const unsigned char *margin)
{
    for (uint64_t at = 0; at < core->margin; at += PATTERN_SIZE) {
        if (memcmp(margin + at, pattern, PATTERN_SIZE) != 0) {
            return false;
        }
    }
    return true;
}

/* First as the CPU sees it, then as the GPU does. `from`: what lies before is not invalidated. */
static fh_result check(fhi_core *core, fhi_memory *memory, uint64_t offset, uint64_t from,
                       bool *out_whole)
{
    void *pointer;
    fh_result result = fhi_memory_map(core, memory, &pointer);

    *out_whole = true;
    if (result != FH_OK) {
        return result;
    }
    const unsigned char *margin = (const unsigned char *)pointer + offset;
    *out_whole = is_whole(core, margin);
    if (*out_whole && from < offset + core->margin) {
        result = fhi_memory_sync(core, memory, from, offset + core->margin - from, true);
        *out_whole = result != FH_OK || is_whole(core, margin);
    }
    return result;
}

fh_result fhi_margin_check(fhi_core *core, fhi_memory *memory, uint64_t offset, bool *out_whole)
{
    if ((fhi_type_flags(core, memory->type) & FH_MEMORY_HOST_VISIBLE) == 0) {
        *out_whole = true;
        return FH_OK;
    }
    return check(core, memory, offset, offset, out_whole);
}

/* ---- all of them ---- */

/* The handles of the parcels that have one, gathered under the lanes' locks. */
typedef struct gathering {
    fhi_core *core;
    fh_parcel *parcels;
    size_t count, capacity;
} gathering;

static bool provide(void *context, uint32_t count)
{
    gathering *g = context;
    size_t capacity = g->capacity == 0 ? 1024 : g->capacity * 2;

    if (g->capacity - g->count >= count) {
        return true;
    }
    fh_parcel *parcels =
        fhi_host_alloc(&g->core->memory, capacity, sizeof *parcels, sizeof *parcels);
    if (!parcels) {
        return false;
    }
    if (g->count > 0) {
        memcpy(parcels, g->parcels, g->count * sizeof *parcels);
    }
    fhi_host_free(&g->core->memory, g->parcels, g->capacity, sizeof *parcels, sizeof *parcels);
    g->parcels = parcels;
    g->capacity = capacity;
    return true;
}

static void gather(void *context, uint32_t slot, const fhi_record *record)
{
    gathering *g = context;

    if (record->state == FHI_STATE_LIVE && (record->flags & FHI_RECORD_MARGIN) != 0 &&
        (fhi_type_flags(g->core, record->type) & FH_MEMORY_HOST_VISIBLE) != 0) {
        g->parcels[g->count++] = fhi_record_parcel(g->core, slot);
    }
}

/* The parcel is held. */
static fh_result check_held(fhi_core *core, const fhi_hold *hold, bool *out_whole)
{
    uint64_t offset = hold->backing.offset + hold->backing.reserved - core->margin;
    uint64_t from = offset;
    fhi_lane *lane = &core->lanes[hold->record->lane];

    *out_whole = true;
    if ((fhi_type_flags(core, hold->type) & FH_MEMORY_HOST_VISIBLE) == 0) {
        return FH_OK; /* it was moved to where margins cannot be seen */
    }
    fhi_latch_acquire(&lane->lock);
    if (hold->record->map_count > 0 || (hold->flags & FHI_RECORD_MAPPED) != 0) {
        from = fhi_align_up(offset, core->adapter.atom);
    }
    fhi_latch_release(&lane->lock);
    return check(core, hold->backing.memory, offset, from, out_whole);
}

void fhi_margin_report(fhi_core *core, const fhi_record *record, uint64_t committed)
{
    char name[FH_NAME_SIZE] = "";
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    fhi_name_copy(name, record->name);
    fhi_latch_release(&lane->lock);
    fhi_text_clean(name);
    fhi_log(&core->log, FH_LOG_ERROR, "something wrote behind the end of the %s %s%s%s of %s",
            fhi_kind_name((fh_kind)record->kind), name[0] ? "\"" : "without a name", name,
            name[0] ? "\"" : "", fhi_size_print(committed).text);
}

static fh_result check_one(fhi_core *core, fh_parcel parcel, uint32_t *damaged)
{
    fhi_hold hold = {.parcel = parcel};
    bool whole;

    if (fhi_holds_pin(core, &hold, 1) != FH_OK) {
        return FH_OK; /* it is gone, and was looked at then */
    }
    fhi_holds_begin(core, &hold, 1);
    fh_result result = check_held(core, &hold, &whole);
    fhi_holds_end(core, &hold, 1);
    fhi_backend_result(core, result);
    if (!whole) {
        (*damaged)++;
        fhi_margin_report(core, hold.record, hold.committed);
    }
    fhi_holds_unpin(core, &hold, 1);
    return result;
}

fh_result fh_device_check(fh_device *device, uint32_t *out_damaged)
{
    uint32_t damaged = 0;
    fh_result result = FH_OK;

    if (out_damaged) {
        *out_damaged = 0;
    }
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    if (core->margin == 0) {
        return fhi_fail(FH_ERR_UNSUPPORTED, "the device was made without margins");
    }
    gathering g = {.core = core};
    if (!fhi_records_walk(core, &(fhi_walk){provide, gather, &g})) {
        result = fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a list of all parcels");
    }
    /* One that cannot be looked at does not hide the others. */
    for (size_t i = 0; result != FH_ERR_HOST_MEMORY && i < g.count; i++) {
        fh_result one = check_one(core, g.parcels[i], &damaged);
        result = result == FH_OK ? one : result;
    }
    fhi_host_free(&core->memory, g.parcels, g.capacity, sizeof *g.parcels, sizeof *g.parcels);
    if (out_damaged) {
        *out_damaged = damaged;
    }
    return result;
}
