/* Statistics: sums of counters that other files keep. Types are summed up over the lanes, heaps
 * over the types, the total over the heaps, so that the three agree whatever happens meanwhile. */

#include "device/core.h"

#include <string.h>

static void add(fh_memory_stats *sum, const fh_memory_stats *part)
{
    sum->stats.block_count += part->stats.block_count;
    sum->stats.block_bytes += part->stats.block_bytes;
    sum->stats.range_count += part->stats.range_count;
    sum->stats.range_bytes += part->stats.range_bytes;
    sum->dedicated_count += part->dedicated_count;
    sum->retiring_bytes += part->retiring_bytes;
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_lanes(fhi_core *core, fh_device_stats *out)
{
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        out->parcel_count += lane->parcel_count;
        out->committed_bytes += lane->committed_bytes;
        out->external_bytes += lane->external_bytes;
        out->retiring_count += lane->retiring_count;
        for (uint32_t type = 0; type < core->adapter.type_count; type++) {
            out->types[type].stats.range_count += lane->types[type].range_count;
            out->types[type].stats.range_bytes += lane->types[type].range_bytes;
            out->types[type].retiring_bytes += lane->types[type].retiring_bytes;
        }
        fhi_latch_release(&lane->lock);
    }
}

static void add_memories(const fhi_core *core, fh_device_stats *out)
{
    for (uint32_t type = 0; type < core->adapter.type_count; type++) {
        fh_memory_stats *of_type = &out->types[type];
        of_type->stats.block_count = load(&core->memory_count[type]);
        of_type->stats.block_bytes = load(&core->memory_bytes[type]);
        of_type->dedicated_count = load(&core->dedicated_count[type]);
        add(&out->heaps[core->adapter.types[type].heap], of_type);
    }
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        add(&out->total, &out->heaps[heap]);
    }
}

/* What the system said at the last tick, and what we took or gave back since. */
static void read_budgets(fhi_core *core, fh_heap_budget *out)
{
    fhi_lock_acquire(&core->limit_lock);
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        uint64_t used = load(&core->heaps[heap].charged);
        uint64_t before = core->budget_used[heap];
        uint64_t usage = core->budgets[heap].usage;
        out[heap].budget = core->budgets[heap].budget;
        if (used >= before) {
            out[heap].usage = usage + (used - before);
        } else {
            out[heap].usage = usage > before - used ? usage - (before - used) : 0;
        }
    }
    fhi_lock_release(&core->limit_lock);
}

fh_result fh_device_get_stats(fh_device *device, fh_device_stats *out_stats)
{
    if (!out_stats) {
        return fhi_fail(FH_ERR_INVALID, "out_stats: must not be NULL");
    }
    memset(out_stats, 0, sizeof *out_stats);
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    add_lanes(core, out_stats);
    add_memories(core, out_stats);
    read_budgets(core, out_stats->budgets);
    out_stats->tick_count = load(&core->tick);
    out_stats->driver_alloc_count = load(&core->driver_alloc_count);
    out_stats->driver_free_count = load(&core->driver_free_count);
    out_stats->refused_count = load(&core->refused_count);
    out_stats->relieved_count = load(&core->relieved_count);
    out_stats->evict_asked_count = load(&core->evict_asked_count);
    out_stats->evict_ignored_count = load(&core->evict_ignored_count);
    out_stats->place_count = load(&core->policies.place_count);
    out_stats->policy_busy_count = load(&core->policies.busy_count);
    return FH_OK;
}
