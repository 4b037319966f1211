/* A block as JSON, in the schema that the field's memory-dump visualiser reads: that of a device
 * with one heap, one memory type and one block. Its drawer ignores offsets and adds up sizes, so
 * rows stand in address order with a FREE row for each gap. */

#include <freehold/block.h>

#include "base/error.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

static void write_stats(fhi_json *json, const char *key, const fh_stats_detail *detail)
{
    fhi_json_row(json, key);
    fhi_json_integer(json, "BlockCount", detail->stats.block_count);
    fhi_json_integer(json, "BlockBytes", detail->stats.block_bytes);
    fhi_json_integer(json, "AllocationCount", detail->stats.range_count);
    fhi_json_integer(json, "AllocationBytes", detail->stats.range_bytes);
    fhi_json_integer(json, "UnusedRangeCount", detail->free_count);
    if (detail->stats.range_count > 0) {
        fhi_json_integer(json, "AllocationSizeMin", detail->range_min);
        fhi_json_integer(json, "AllocationSizeMax", detail->range_max);
    }
    if (detail->free_count > 0) {
        fhi_json_integer(json, "UnusedRangeSizeMin", detail->free_min);
        fhi_json_integer(json, "UnusedRangeSizeMax", detail->free_max);
    }
    fhi_json_end_object(json);
}

static void write_heap(fhi_json *json, const fh_stats_detail *detail)
{
    fhi_json_object(json, "Heap 0");
    fhi_json_row(json, "Budget");
    fhi_json_integer(json, "BudgetBytes", detail->stats.block_bytes);
    fhi_json_integer(json, "UsageBytes", detail->stats.block_bytes);
    fhi_json_end_object(json);
    write_stats(json, "Stats", detail);
    fhi_json_array(json, "Flags");
    fhi_json_end_array(json);
    fhi_json_integer(json, "Size", detail->stats.block_bytes);
    fhi_json_object(json, "MemoryPools");
    fhi_json_object(json, "Type 0");
    fhi_json_array(json, "Flags");
    fhi_json_end_array(json);
    write_stats(json, "Stats", detail);
    fhi_json_end_object(json);
    fhi_json_end_object(json);
    fhi_json_end_object(json);
}

static bool write_piece(void *context, const fh_block_piece *piece)
{
    fhi_json *json = context;

    fhi_json_row(json, NULL);
    fhi_json_integer(json, "Offset", piece->offset);
    fhi_json_string(json, "Type", piece->range.id == 0 ? "FREE" : "UNKNOWN");
    fhi_json_integer(json, "Size", piece->size);
    if (piece->user) {
        char digits[24];
        snprintf(digits, sizeof digits, "%" PRIxPTR, (uintptr_t)piece->user);
        fhi_json_string(json, "CustomData", digits);
    }
    fhi_json_end_object(json);
    return json->result == FH_OK;
}

static void write_pool(fhi_json *json, const fh_block *block, const fh_stats_detail *detail)
{
    fhi_json_object(json, "Type 0");
    fhi_json_integer(json, "PreferredBlockSize", detail->stats.block_bytes);
    fhi_json_object(json, "Blocks");
    fhi_json_object(json, "0");
    fhi_json_integer(json, "TotalBytes", detail->stats.block_bytes);
    fhi_json_integer(json, "UnusedBytes", detail->stats.block_bytes - detail->stats.range_bytes);
    fhi_json_integer(json, "Allocations", detail->stats.range_count);
    fhi_json_integer(json, "UnusedRanges", detail->free_count);
    fhi_json_array(json, "Suballocations");
    fh_block_visit(block, write_piece, json);
    fhi_json_end_array(json);
    fhi_json_end_object(json);
    fhi_json_end_object(json);
    fhi_json_array(json, "DedicatedAllocations");
    fhi_json_end_array(json);
    fhi_json_end_object(json);
}

fh_result fh_block_json(const fh_block *block, bool detailed, fh_write_fn write, void *context)
{
    fh_stats_detail detail;
    fhi_json json;

    if (!block || !write) {
        return fhi_fail(FH_ERR_INVALID,
                        block ? "write: must not be NULL" : "block: must not be NULL");
    }
    fh_block_detail(block, &detail);
    fhi_json_init(&json, write, context);
    fhi_json_object(&json, NULL);
    fhi_json_row(&json, "General");
    /* The schema knows no name for a block without a device. */
    fhi_json_string(&json, "API", "Vulkan");
    fhi_json_string(&json, "GPU", "Freehold virtual block");
    fhi_json_end_object(&json);
    write_stats(&json, "Total", &detail);
    fhi_json_object(&json, "MemoryInfo");
    write_heap(&json, &detail);
    fhi_json_end_object(&json);
    if (detailed) {
        fhi_json_object(&json, "DefaultPools");
        write_pool(&json, block, &detail);
        fhi_json_end_object(&json);
    }
    fhi_json_end_object(&json);
    return fhi_json_finish(&json);
}
