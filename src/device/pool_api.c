/* A program's own pools: made, looked at, destroyed. What a pool does is in pool.c. */

#include "device/core.h"
#include "device/text.h"

#include <freehold/pool.h>

#include <stdio.h>
#include <string.h>

static fh_result check_desc(const fhi_core *core, const fh_pool_desc *desc, uint32_t *out_type)
{
    if ((unsigned)desc->location >= FH_LOCATION_COUNT ||
        (unsigned)desc->access >= FH_ACCESS_COUNT || (unsigned)desc->algorithm > FH_BLOCK_LINEAR) {
        return fhi_fail(FH_ERR_INVALID,
                        "location, access or algorithm is a value that its enum does not have");
    }
    if (desc->block_size > core->adapter.allocation_size_max) {
        return fhi_fail_with(
            FH_ERR_INVALID, "block_size {} is more than the {} that the adapter gives in one piece",
            desc->block_size, core->adapter.allocation_size_max, 0);
    }
    if (desc->block_count_max != 0 && desc->block_count_min > desc->block_count_max) {
        return fhi_fail_with(FH_ERR_INVALID, "block_count_min {} is more than block_count_max {}",
                             desc->block_count_min, desc->block_count_max, 0);
    }
    if (!(desc->priority >= 0.0F && desc->priority <= 1.0F)) {
        return fhi_fail(FH_ERR_INVALID, "priority is not between 0 and 1");
    }
    fhi_type_wish wish = fhi_type_wish_of(desc->location, desc->access);
    fhi_type_order order;
    fhi_type_order_make(&core->adapter, &wish, desc->type_mask == 0 ? UINT32_MAX : desc->type_mask,
                        &order);
    if (order.count == 0) {
        return fhi_fail_with(FH_ERR_UNSUPPORTED,
                             "no memory type of the mask {} is right for the pool's location",
                             desc->type_mask, 0, 0);
    }
    *out_type = order.types[0];
    return FH_OK;
}

static void link_pool(fhi_core *core, fh_pool *pool)
{
    fhi_lock_acquire(&core->pool_lock);
    pool->next = core->pools_first;
    if (pool->next) {
        pool->next->previous = pool;
    }
    core->pools_first = pool;
    fhi_lock_release(&core->pool_lock);
}

static void free_pool(fhi_core *core, fh_pool *pool)
{
    fhi_pool_finish(pool);
    fhi_host_free(&core->memory, pool, 1, sizeof *pool, 64);
}

void fhi_pool_forget(fh_pool *pool)
{
    fhi_core *core = pool->core;
    fhi_pool_unlist(core, pool, true);
    free_pool(core, pool);
}

fh_result fh_pool_create(fh_device *device, const fh_pool_desc *desc, fh_pool **out_pool)
{
    if (out_pool) {
        *out_pool = NULL;
    }
    if (!device || !desc || !out_pool) {
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_pool is NULL");
    }
    fhi_core *core = device->core;
    uint32_t type = 0;
    fh_result result = check_desc(core, desc, &type);
    if (result != FH_OK) {
        return result;
    }
    fh_pool *pool = fhi_host_alloc(&core->memory, 1, sizeof *pool, 64);
    if (!pool) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a pool");
    }
    fhi_pool_init(pool, core, type);
    pool->custom = true;
    pool->slab_max = pool->small = 0; /* its blocks hold what was asked for and nothing else */
    pool->algorithm = desc->algorithm;
    pool->fixed = desc->block_size != 0;
    pool->block_size = pool->fixed ? desc->block_size : pool->block_size;
    pool->block_count_min = desc->block_count_min;
    pool->block_count_max = desc->block_count_max;
    pool->keep_empty = desc->keep_empty;
    pool->priority = desc->priority == 0.0F ? 0.5F : desc->priority;
    fhi_name_copy(pool->name, desc->name);
    link_pool(core, pool);
    while (result == FH_OK && pool->block_count < desc->block_count_min) {
        const fhi_need need = {.size = 1, .alignment = 1};
        fhi_refusal refusal;
        result = fhi_is_lost(core) ? fhi_fail_lost()
                                   : fhi_pool_grow(pool, &need, pool->growths, &refusal);
    }
    if (result != FH_OK) {
        fhi_pool_forget(pool);
        return result;
    }
    *out_pool = pool;
    return FH_OK;
}

fh_result fh_pool_destroy(fh_pool *pool)
{
    if (!pool) {
        return FH_OK;
    }
    fhi_core *core = pool->core;
    if (fhi_pool_is_walked(core, pool)) {
        return fhi_fail(FH_ERR_BUSY, "the pool is being trimmed, further down on this stack");
    }
    fh_result result = fhi_pool_unlist(core, pool, false);
    if (result == FH_OK) {
        free_pool(core, pool);
    }
    return result;
}

fh_result fh_pool_get(fh_pool *pool, fh_pool_info *out_info)
{
    if (out_info) {
        memset(out_info, 0, sizeof *out_info);
    }
    if (!pool || !out_info) {
        return fhi_fail(FH_ERR_INVALID, "pool or out_info is NULL");
    }
    out_info->type = pool->type;
    out_info->heap = pool->heap;
    out_info->flags = fhi_type_flags(pool->core, pool->type);
    snprintf(out_info->name, sizeof out_info->name, "%s", pool->name);
    fhi_lock_acquire(&pool->lock);
    out_info->block_size = fhi_pool_next_size(pool, 1);
    out_info->stats.block_count = pool->block_count;
    out_info->stats.block_bytes = pool->block_bytes;
    for (const fhi_memory *memory = pool->first; memory; memory = memory->next) {
        fh_stats stats;
        fh_block_stats(memory->ranges, &stats);
        out_info->stats.range_count += stats.range_count;
        out_info->stats.range_bytes += stats.range_bytes;
    }
    fhi_lock_release(&pool->lock);
    return FH_OK;
}

fh_pool *fhi_device_pool_by_name(fh_device *device, const char *name)
{
    fhi_core *core = device->core;
    fhi_lock_acquire(&core->pool_lock);
    fh_pool *pool = core->pools_first;
    while (pool && strcmp(pool->name, name) != 0) {
        pool = pool->next;
    }
    fhi_lock_release(&core->pool_lock);
    return pool;
}
