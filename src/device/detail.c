/* Statistics with gaps and extremes. They are counted from a snapshot's rows, and not taken from
 * the counters of stats.c, so that they agree with each other, and with the rows of a dump, also
 * while other threads are at work. */

#include "device/core.h"
#include "device/snapshot.h"

#include <string.h>

static const fh_stats_detail nothing = {.range_min = UINT64_MAX, .free_min = UINT64_MAX};

static bool add_row(void *context, const fhi_piece *piece, uint64_t offset, uint64_t size)
{
    fh_stats_detail *detail = context;
    uint64_t *min = piece ? &detail->range_min : &detail->free_min;
    uint64_t *max = piece ? &detail->range_max : &detail->free_max;

    (void)offset;
    if (piece) {
        detail->stats.range_count++;
        detail->stats.range_bytes += size;
    } else {
        detail->free_count++;
    }
    *min = size < *min ? size : *min;
    *max = size > *max ? size : *max;
    return true;
}

static void add(fh_stats_detail *sum, const fh_stats_detail *part)
{
    sum->stats.block_count += part->stats.block_count;
    sum->stats.block_bytes += part->stats.block_bytes;
    sum->stats.range_count += part->stats.range_count;
    sum->stats.range_bytes += part->stats.range_bytes;
    sum->free_count += part->free_count;
    sum->range_min = part->range_min < sum->range_min ? part->range_min : sum->range_min;
    sum->range_max = part->range_max > sum->range_max ? part->range_max : sum->range_max;
    sum->free_min = part->free_min < sum->free_min ? part->free_min : sum->free_min;
    sum->free_max = part->free_max > sum->free_max ? part->free_max : sum->free_max;
}

void fhi_sheet_detail(const fhi_sheet *sheet, fh_stats_detail *out_detail)
{
    *out_detail = nothing;
    out_detail->stats.block_count = 1;
    out_detail->stats.block_bytes = sheet->size;
    fhi_sheet_visit(sheet, add_row, out_detail);
}

void fhi_snapshot_detail(const fhi_snapshot *snapshot, fh_device_detail *out_detail)
{
    const fh_adapter_info *adapter = &snapshot->core->adapter;
    fh_stats_detail part;

    out_detail->total = nothing;
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        out_detail->heaps[i] = nothing;
    }
    for (uint32_t i = 0; i < FH_MEMORY_TYPE_MAX; i++) {
        out_detail->types[i] = nothing;
    }
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const fhi_snapshot_pool *pool = &snapshot->pools[i];
        for (size_t j = 0; j < pool->sheet_count; j++) {
            fhi_sheet_detail(&snapshot->sheets[pool->first_sheet + j], &part);
            add(&out_detail->types[pool->type], &part);
        }
    }
    /* A dedicated allocation is a block with one range. */
    for (size_t i = snapshot->first[FHI_TENURE_DEDICATED]; i < snapshot->first[FHI_TENURE_BACKED];
         i++) {
        const fhi_piece *piece = &snapshot->pieces[i];
        const fhi_sheet sheet = {.size = piece->memory_size, .pieces = piece, .piece_count = 1};
        fhi_sheet_detail(&sheet, &part);
        add(&out_detail->types[piece->type], &part);
    }
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        add(&out_detail->heaps[adapter->types[type].heap], &out_detail->types[type]);
    }
    for (uint32_t heap = 0; heap < adapter->heap_count; heap++) {
        add(&out_detail->total, &out_detail->heaps[heap]);
    }
}

fh_result fh_device_get_detail(fh_device *device, fh_device_detail *out_detail)
{
    fhi_snapshot snapshot;

    if (!out_detail) {
        return fhi_fail(FH_ERR_INVALID, "out_detail: must not be NULL");
    }
    memset(out_detail, 0, sizeof *out_detail);
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fh_result result = fhi_snapshot_init(&snapshot, device->core);
    if (result != FH_OK) {
        return result;
    }
    fhi_snapshot_detail(&snapshot, out_detail);
    fhi_snapshot_finish(&snapshot);
    return FH_OK;
}
