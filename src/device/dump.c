/* A device as JSON, in the schema that the field's memory-dump visualiser reads. It draws, and what
 * it draws must be true: each byte of a block stands in one row, and the row says who reserved it.
 * So parcels that lie on others have no rows; they are listed under General, the one place where
 * further keys may stand, and so are external parcels, and the accounts.
 *
 * Its colours come from flags of Vulkan or Direct3D 12: usages are translated. It takes pools of
 * one name and type for one: names are made different. */

#include "base/json.h"
#include "device/core.h"
#include "device/snapshot.h"
#include "device/text.h"

#include <freehold/account.h>
#include <freehold/policy.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct dump {
    fhi_json json;
    fh_device *device;
    fhi_core *core;
    const fhi_snapshot *snapshot;
    const fh_device_detail *detail;
    bool direct3d;
} dump;

/* ---- names and flags ---- */

/* The name of a parcel as it is now, "" when there is none or the parcel is gone. */
static void look_up_name(const dump *d, const fhi_piece *piece, char out_name[FH_NAME_SIZE])
{
    uint32_t slot = fhi_parcel_slot(piece->parcel);
    const fhi_record *record = fhi_record_at(d->core, slot);
    fhi_lane *lane = &d->core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    bool there = fhi_record_parcel(d->core, slot).id == piece->parcel.id;
    fhi_name_copy(out_name, there ? record->name : NULL);
    fhi_latch_release(&lane->lock);
    fhi_text_validate(out_name);
}

static void write_name(dump *d, const fhi_piece *piece)
{
    char name[FH_NAME_SIZE] = "";
    char line[FH_NAME_SIZE + 16];

    if ((piece->flags & FHI_RECORD_GHOST) != 0) {
        fhi_json_string(&d->json, "Name", "(left behind by a resize)");
        return;
    }
    if (piece->named) {
        look_up_name(d, piece, name);
    }
    if (piece->retiring) {
        snprintf(line, sizeof line, "%s%s(retiring)", name, name[0] ? " " : "");
        fhi_json_string(&d->json, "Name", line);
    } else if (name[0]) {
        fhi_json_string(&d->json, "Name", name);
    }
}

static void write_memory_flags(fhi_json *json, fh_memory_flags flags)
{
    static const struct {
        fh_memory_flags flag;
        const char *name;
    } names[] = {
#define FLAG_NAME(name, bit, text) {FH_MEMORY_##name, text},
        FH_MEMORY_FLAGS(FLAG_NAME)
#undef FLAG_NAME
    };
    fhi_json_array(json, "Flags");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags & names[i].flag) != 0) {
            fhi_json_string(json, NULL, names[i].name);
        }
    }
    fhi_json_end_array(json);
}

/* Source: VkBufferUsageFlagBits and VkImageUsageFlagBits; D3D12_RESOURCE_FLAGS. */
static uint64_t usage_number(const dump *d, const fhi_piece *piece)
{
    enum {
        NOTHING = 0
    };
    static const struct {
        fh_usage usage;
        uint32_t buffer, image, direct3d;
    } numbers[] = {
        {FH_USAGE_COPY_SRC, 0x1, 0x1, NOTHING},
        {FH_USAGE_COPY_DST, 0x2, 0x2, NOTHING},
        {FH_USAGE_VERTEX, 0x80, NOTHING, NOTHING},
        {FH_USAGE_INDEX, 0x40, NOTHING, NOTHING},
        {FH_USAGE_UNIFORM, 0x10, NOTHING, NOTHING},
        {FH_USAGE_STORAGE, 0x20, 0x8, 0x4},
        {FH_USAGE_INDIRECT, 0x100, NOTHING, NOTHING},
        {FH_USAGE_TEXEL, 0x4, NOTHING, NOTHING},
        {FH_USAGE_DEVICE_ADDRESS, 0x20000, NOTHING, NOTHING},
        {FH_USAGE_SAMPLED, NOTHING, 0x4, NOTHING},
        {FH_USAGE_COLOR_TARGET, NOTHING, 0x10, 0x1},
        {FH_USAGE_DEPTH_TARGET, NOTHING, 0x20, 0x2},
        {FH_USAGE_INPUT, NOTHING, 0x80, NOTHING},
        {FH_USAGE_TRANSIENT_TARGET, NOTHING, 0x40, NOTHING},
    };
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if ((piece->usage & numbers[i].usage) == 0) {
            continue;
        }
        if (d->direct3d) {
            sum |= numbers[i].direct3d;
        } else {
            sum |= piece->kind == FH_KIND_TEXTURE ? numbers[i].image : numbers[i].buffer;
        }
    }
    return sum;
}

static const char *type_name(const dump *d, const fhi_piece *piece)
{
    if ((piece->flags & FHI_RECORD_OBJECT) == 0) {
        return "UNKNOWN";
    }
    if (piece->kind != FH_KIND_TEXTURE) {
        return "BUFFER";
    }
    if (!d->direct3d) {
        return (piece->flags & FHI_RECORD_LINEAR) != 0 ? "IMAGE_LINEAR" : "IMAGE_OPTIMAL";
    }
    return piece->texture_kind == FH_TEXTURE_1D   ? "TEXTURE1D"
           : piece->texture_kind == FH_TEXTURE_3D ? "TEXTURE3D"
                                                  : "TEXTURE2D";
}

/* ---- statistics ---- */

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

static void write_heap(dump *d, uint32_t heap, const fh_heap_budget *budget)
{
    const fh_adapter_info *adapter = &d->core->adapter;
    fhi_json *json = &d->json;
    char key[24];

    snprintf(key, sizeof key, "Heap %u", (unsigned int)heap);
    fhi_json_object(json, key);
    write_memory_flags(json, adapter->heaps[heap].device_local ? FH_MEMORY_DEVICE_LOCAL : 0);
    fhi_json_integer(json, "Size", adapter->heaps[heap].size);
    fhi_json_row(json, "Budget");
    fhi_json_integer(json, "BudgetBytes", budget->budget);
    fhi_json_integer(json, "UsageBytes", budget->usage);
    fhi_json_end_object(json);
    write_stats(json, "Stats", &d->detail->heaps[heap]);
    fhi_json_object(json, "MemoryPools");
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        if (adapter->types[type].heap == heap) {
            snprintf(key, sizeof key, "Type %u", (unsigned int)type);
            fhi_json_object(json, key);
            write_memory_flags(json, adapter->types[type].flags);
            write_stats(json, "Stats", &d->detail->types[type]);
            fhi_json_end_object(json);
        }
    }
    fhi_json_end_object(json);
    fhi_json_end_object(json);
}

/* ---- General ---- */

static void write_account(dump *d, fh_account_scope scope, uint32_t index)
{
    fh_account_info info;

    if (fh_device_account(d->device, (fh_account){scope, index}, &info) != FH_OK) {
        return;
    }
    fhi_text_validate(info.name);
    fhi_json_row(&d->json, NULL);
    fhi_json_string(&d->json, "Name", info.name);
    fhi_json_integer(&d->json, "UsedBytes", info.used);
    fhi_json_integer(&d->json, "RetiringBytes", info.retiring);
    fhi_json_integer(&d->json, "PeakBytes", info.peak);
    fhi_json_integer(&d->json, "Count", info.count);
    fhi_json_integer(&d->json, "Refused", info.refused);
    if (info.limit != FH_NO_LIMIT) {
        fhi_json_integer(&d->json, "LimitBytes", info.limit);
    }
    fhi_json_end_object(&d->json);
}

/* Driver bytes: the total and the heaps. Range bytes: kinds and tags, each of them a list, since
 * a tag may have the name of a kind. */
static void write_accounts(dump *d)
{
    uint32_t tag_count = atomic_load_explicit(&d->core->tags.count, memory_order_acquire);
    fhi_json *json = &d->json;

    fhi_json_object(json, "Accounts");
    fhi_json_array(json, "Heaps");
    write_account(d, FH_ACCOUNT_TOTAL, 0);
    for (uint32_t heap = 0; heap < d->core->adapter.heap_count; heap++) {
        write_account(d, FH_ACCOUNT_HEAP, heap);
    }
    fhi_json_end_array(json);
    fhi_json_array(json, "Kinds");
    for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
        write_account(d, FH_ACCOUNT_KIND, kind);
    }
    fhi_json_end_array(json);
    fhi_json_array(json, "Tags");
    for (uint32_t tag = 1; tag < tag_count; tag++) {
        write_account(d, FH_ACCOUNT_TAG, tag);
    }
    fhi_json_end_array(json);
    fhi_json_end_object(json);
}

static void write_user(fhi_json *json, const void *user)
{
    char digits[24];
    if (user) {
        snprintf(digits, sizeof digits, "%" PRIxPTR, (uintptr_t)user);
        fhi_json_string(json, "CustomData", digits);
    }
}

/* What lies on other parcels, or was made by others: parcels without a row. */
static void write_rowless(dump *d, const char *key, fhi_tenure tenure)
{
    const fhi_snapshot *snapshot = d->snapshot;
    fhi_json *json = &d->json;

    fhi_json_array(json, key);
    for (size_t i = snapshot->first[tenure];
         i < snapshot->first[tenure + 1] && json->result == FH_OK; i++) {
        const fhi_piece *piece = &snapshot->pieces[i];
        fhi_json_row(json, NULL);
        if (tenure == FHI_TENURE_BACKED) {
            char name[FH_NAME_SIZE];
            look_up_name(d, &(fhi_piece){.parcel = piece->parent}, name);
            fhi_json_string(json, "Type", type_name(d, piece));
            fhi_json_integer(json, "Memory", piece->memory_id);
            fhi_json_integer(json, "Offset", piece->offset);
            fhi_json_integer(json, "Size", piece->size);
            fhi_json_integer(json, "Usage", usage_number(d, piece));
            fhi_json_string(json, "On", name);
        } else {
            fhi_json_integer(json, "Heap", piece->heap);
            fhi_json_integer(json, "Size", piece->size);
        }
        write_user(json, piece->user);
        write_name(d, piece);
        fhi_json_end_object(json);
    }
    fhi_json_end_array(json);
}

static void write_general(dump *d, const fh_device_stats *stats, bool detailed)
{
    fhi_json *json = &d->json;
    char gpu[sizeof d->core->adapter.name];
    fhi_policy *policy = fhi_policy_enter(d->core);

    memcpy(gpu, d->core->adapter.name, sizeof gpu);
    fhi_text_validate(gpu);
    fhi_json_object(json, "General");
    fhi_json_string(json, "API", d->direct3d ? "Direct3D 12" : "Vulkan");
    fhi_json_string(json, "GPU", gpu);
    fhi_json_string(json, "Backend", d->core->adapter.backend);
    fhi_json_string(json, "Freehold", FH_VERSION_STRING);
    fhi_json_string(json, "Policy", policy ? policy->ops.name : "native");
    if (policy) {
        fhi_policy_leave(d->core, policy);
    }
    fhi_json_integer(json, "Ticks", stats->tick_count);
    fhi_json_integer(json, "Parcels", stats->parcel_count);
    fhi_json_integer(json, "CommittedBytes", stats->committed_bytes);
    fhi_json_integer(json, "ExternalBytes", stats->external_bytes);
    fhi_json_integer(json, "Retiring", stats->retiring_count);
    fhi_json_integer(json, "RetiringBytes", stats->total.retiring_bytes);
    fhi_json_integer(json, "DriverAllocations", stats->driver_alloc_count);
    fhi_json_integer(json, "DriverFrees", stats->driver_free_count);
    fhi_json_integer(json, "Refused", stats->refused_count);
    fhi_json_integer(json, "Relieved", stats->relieved_count);
    write_accounts(d);
    if (detailed) {
        write_rowless(d, "Aliases", FHI_TENURE_BACKED);
        write_rowless(d, "External", FHI_TENURE_EXTERNAL);
    }
    fhi_json_end_object(json);
}

/* ---- pools ---- */

static void write_piece(dump *d, const fhi_piece *piece)
{
    fhi_json_string(&d->json, "Type", type_name(d, piece));
    fhi_json_integer(&d->json, "Size", piece->size);
    fhi_json_integer(&d->json, "Usage", usage_number(d, piece));
    write_user(&d->json, piece->user);
    write_name(d, piece);
}

static bool write_row(void *context, const fhi_piece *piece, uint64_t offset, uint64_t size)
{
    dump *d = context;

    fhi_json_row(&d->json, NULL);
    fhi_json_integer(&d->json, "Offset", offset);
    if (piece) {
        write_piece(d, piece);
    } else {
        fhi_json_string(&d->json, "Type", "FREE");
        fhi_json_integer(&d->json, "Size", size);
    }
    fhi_json_end_object(&d->json);
    return d->json.result == FH_OK;
}

static void write_block(dump *d, const fhi_sheet *sheet)
{
    fhi_json *json = &d->json;
    fh_stats_detail detail;
    char key[24];

    fhi_sheet_detail(sheet, &detail);
    snprintf(key, sizeof key, "%" PRIu64, sheet->id);
    fhi_json_object(json, key);
    fhi_json_integer(json, "TotalBytes", sheet->size);
    fhi_json_integer(json, "UnusedBytes", sheet->size - detail.stats.range_bytes);
    fhi_json_integer(json, "Allocations", detail.stats.range_count);
    fhi_json_integer(json, "UnusedRanges", detail.free_count);
    fhi_json_array(json, "Suballocations");
    fhi_sheet_visit(sheet, write_row, d);
    fhi_json_end_array(json);
    fhi_json_end_object(json);
}

static void write_blocks(dump *d, const fhi_snapshot_pool *pool)
{
    fhi_json_integer(&d->json, "PreferredBlockSize", pool->block_size);
    fhi_json_object(&d->json, "Blocks");
    for (size_t i = 0; i < pool->sheet_count && d->json.result == FH_OK; i++) {
        write_block(d, &d->snapshot->sheets[pool->first_sheet + i]);
    }
    fhi_json_end_object(&d->json);
}

static void write_default_pools(dump *d)
{
    const fhi_snapshot *snapshot = d->snapshot;
    size_t next = snapshot->first[FHI_TENURE_DEDICATED];
    char key[24];

    fhi_json_object(&d->json, "DefaultPools");
    for (uint32_t type = 0; type < d->core->adapter.type_count; type++) {
        snprintf(key, sizeof key, "Type %u", (unsigned int)type);
        fhi_json_object(&d->json, key);
        write_blocks(d, &snapshot->pools[type]);
        fhi_json_array(&d->json, "DedicatedAllocations"); /* they are sorted by type */
        for (; next < snapshot->first[FHI_TENURE_DEDICATED + 1] &&
               snapshot->pieces[next].type == type && d->json.result == FH_OK;
             next++) {
            fhi_json_row(&d->json, NULL);
            write_piece(d, &snapshot->pieces[next]);
            fhi_json_end_object(&d->json);
        }
        fhi_json_end_array(&d->json);
        fhi_json_end_object(&d->json);
    }
    fhi_json_end_object(&d->json);
}

/* A second pool of the same name and type is "streaming (2)". */
static void write_pool_name(dump *d, size_t index)
{
    const fhi_snapshot_pool *pool = &d->snapshot->pools[index];
    char name[FH_NAME_SIZE];
    char line[FH_NAME_SIZE + 24];
    unsigned int same = 1;

    for (size_t i = d->core->adapter.type_count; i < index; i++) {
        const fhi_snapshot_pool *other = &d->snapshot->pools[i];
        same += other->type == pool->type && strcmp(other->name, pool->name) == 0;
    }
    fhi_name_copy(name, pool->name[0] ? pool->name : "unnamed");
    fhi_text_validate(name);
    snprintf(line, sizeof line, same > 1 ? "%s (%u)" : "%s", name, same);
    fhi_json_string(&d->json, "Name", line);
}

static void write_custom_pools_of_type(dump *d, uint32_t type)
{
    const fhi_snapshot *snapshot = d->snapshot;
    fhi_json *json = &d->json;
    bool first = true;
    char key[24];

    for (size_t i = d->core->adapter.type_count; i < snapshot->pool_count; i++) {
        const fhi_snapshot_pool *pool = &snapshot->pools[i];
        if (pool->type != type) {
            continue;
        }
        if (first) {
            snprintf(key, sizeof key, "Type %u", (unsigned int)type);
            fhi_json_array(json, key);
            first = false;
        }
        fhi_json_object(json, NULL);
        write_pool_name(d, i);
        write_memory_flags(json, d->core->adapter.types[type].flags);
        write_blocks(d, pool);
        fhi_json_array(json, "DedicatedAllocations");
        fhi_json_end_array(json);
        fhi_json_end_object(json);
    }
    if (!first) {
        fhi_json_end_array(json);
    }
}

static void write_custom_pools(dump *d)
{
    fhi_json_object(&d->json, "CustomPools");
    for (uint32_t type = 0; type < d->core->adapter.type_count; type++) {
        write_custom_pools_of_type(d, type);
    }
    fhi_json_end_object(&d->json);
}

/* ---- the whole ---- */

static fh_result write_device(dump *d, const fh_device_stats *stats, bool detailed)
{
    fhi_json *json = &d->json;

    fhi_json_object(json, NULL);
    write_general(d, stats, detailed);
    write_stats(json, "Total", &d->detail->total);
    fhi_json_object(json, "MemoryInfo");
    for (uint32_t heap = 0; heap < d->core->adapter.heap_count; heap++) {
        write_heap(d, heap, &stats->budgets[heap]);
    }
    fhi_json_end_object(json);
    if (detailed) {
        write_default_pools(d);
        write_custom_pools(d);
    }
    fhi_json_end_object(json);
    return fhi_json_finish(json);
}

fh_result fh_device_json(fh_device *device, bool detailed, fh_write_fn write, void *context)
{
    fhi_snapshot snapshot;
    fh_device_detail detail;
    fh_device_stats stats;

    if (!device || !write) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "write: must not be NULL" : "device: must not be NULL");
    }
    fh_result result = fhi_snapshot_init(&snapshot, device->core);
    if (result != FH_OK) {
        return result;
    }
    fhi_snapshot_detail(&snapshot, &detail);
    (void)fh_device_get_stats(device, &stats);
    dump d = {
        .device = device,
        .core = device->core,
        .snapshot = &snapshot,
        .detail = &detail,
        .direct3d = strcmp(device->core->adapter.backend, "d3d12") == 0,
    };
    fhi_json_init(&d.json, write, context);
    result = write_device(&d, &stats, detailed);
    fhi_snapshot_finish(&snapshot);
    return result;
}
