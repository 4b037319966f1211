/* The walk is request.c's, function by function; tests compare its outcome with what a request then
 * gets. Two things cannot be known without taking memory. Whether a block's free ranges are where
 * they are needed: the block's own bound is believed, and where the pool cannot grow it is said
 * that it may be wrong. And what relief would free: whatever is refused for a reason that something
 * freed could end is marked, and the walk goes on as if nothing were freed. */

#include "device/outlook.h"

#include "device/core.h"

#include <string.h>

/* ---- what the driver and the accounts give ---- */

static bool refuse(fhi_obstacle *obstacle, fhi_obstacle_kind kind, fh_result result, uint64_t asked,
                   uint64_t left, uint64_t most)
{
    obstacle->kind = kind;
    obstacle->result = result;
    obstacle->asked = asked;
    obstacle->left = left;
    obstacle->most = most;
    obstacle->lasts = asked > most;
    return false;
}

static bool account_gives(fhi_core *core, fh_account which, uint64_t bytes, fhi_obstacle *obstacle)
{
    const fhi_account *account = fhi_account_of(core, which);
    uint64_t live = fhi_account_live(core, which);
    uint64_t most = atomic_load_explicit(&account->limit, memory_order_relaxed);
    uint64_t left = live < most ? most - live : 0;

    obstacle->account = which;
    return bytes <= left || refuse(obstacle, FHI_OBSTACLE_LIMIT, FH_ERR_BUDGET, bytes, left, most);
}

static bool system_gives(fhi_core *core, uint32_t heap, uint64_t bytes, fhi_obstacle *obstacle)
{
    uint64_t most = fhi_budget_limit(core, heap);
    uint64_t used = atomic_load_explicit(&core->heaps[heap].charged, memory_order_relaxed);

    obstacle->account = (fh_account){FH_ACCOUNT_HEAP, heap};
    return fhi_is_within_budget(core, heap, bytes) ||
           refuse(obstacle, FHI_OBSTACLE_SYSTEM, FH_ERR_BUDGET, bytes,
                  used < most ? most - used : 0, most);
}

/* As fhi_memory_create() and a driver that gives the whole of its heaps. */
static bool driver_gives(fhi_core *core, const fhi_request *request, uint32_t type, uint64_t bytes,
                         fhi_obstacle *obstacle)
{
    uint32_t heap = core->adapter.types[type].heap;
    uint64_t most = core->adapter.allocation_size_max;
    uint64_t made = atomic_load_explicit(&core->driver_alloc_count, memory_order_relaxed);
    uint64_t freed = atomic_load_explicit(&core->driver_free_count, memory_order_relaxed);
    uint64_t size = core->adapter.heaps[heap].size;
    uint64_t used = atomic_load_explicit(&core->heaps[heap].charged, memory_order_relaxed);

    if (request->within_budget && !system_gives(core, heap, bytes, obstacle)) {
        return false;
    }
    if (bytes > most) {
        return refuse(obstacle, FHI_OBSTACLE_SIZE, FH_ERR_OUT_OF_MEMORY, bytes, most, most);
    }
    if (!request->import &&
        (!account_gives(core, (fh_account){FH_ACCOUNT_TOTAL, 0}, bytes, obstacle) ||
         !account_gives(core, (fh_account){FH_ACCOUNT_HEAP, heap}, bytes, obstacle))) {
        return false;
    }
    most = core->adapter.allocation_count_max;
    if (made - freed >= most) {
        return refuse(obstacle, FHI_OBSTACLE_COUNT, FH_ERR_OUT_OF_MEMORY, 1, 0, most);
    }
    obstacle->account = (fh_account){FH_ACCOUNT_HEAP, heap};
    return request->import || (used <= size && bytes <= size - used) ||
           refuse(obstacle, FHI_OBSTACLE_HEAP, FH_ERR_OUT_OF_MEMORY, bytes,
                  used < size ? size - used : 0, size);
}

/* ---- one type ---- */

/* What is said of who is not made to be dedicated; place_in_type() in request.c has the rule. */
static fhi_source why_dedicated(const fhi_request *request, const fh_pool *pool)
{
    const fh_requirements *needs = &request->requirements;

    if (needs->size > pool->block_size) {
        return FHI_SOURCE_LARGER_THAN_BLOCK;
    }
    if (request->dedicated == FH_DEDICATED_PREFER) {
        return FHI_SOURCE_PREFERRED;
    }
    if (needs->dedicated_preferred) {
        return FHI_SOURCE_DRIVER_PREFERS;
    }
    return needs->size > pool->block_size / 2 ? FHI_SOURCE_HALF_A_BLOCK : FHI_SOURCE_POOL;
}

static void look_at_dedicated(fhi_core *core, const fhi_request *request, uint32_t type,
                              fhi_source source, fhi_prospect *out)
{
    out->source = source;
    out->reserved = request->requirements.size;
    if (request->import && !(fhi_type_flags(core, type) & FH_MEMORY_HOST_VISIBLE)) {
        refuse(&out->obstacle, FHI_OBSTACLE_HIDDEN, FH_ERR_OUT_OF_MEMORY, 1, 0, 0);
    } else {
        driver_gives(core, request, type, out->reserved, &out->obstacle);
    }
}

/* Whether a slab has room, or is empty and could make room in its block. */
static bool slabs_may_do(fhi_core *core, const fh_pool *pool, const fhi_need *need, bool small)
{
    bool found = false;
    for (uint32_t i = 0; i < FHI_LANES && pool->slab_max != 0; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t sort = 0; sort < FHI_SORTS_IN_SLABS; sort++) {
            const fhi_slab *slab = pool->shelves[i][sort].slabs;
            for (; slab && !found; slab = slab->next) {
                found = slab->count == 0 || (small && sort == need->sort &&
                                             fh_block_free_bound(slab->ranges) >= need->size);
            }
        }
        fhi_latch_release(&lane->lock);
    }
    return found;
}

static void look_at_pooled(fhi_core *core, const fhi_request *request, fh_pool *pool,
                           fhi_prospect *out)
{
    const fhi_need need = {
        .size = request->requirements.size,
        .alignment = fhi_type_alignment(core, pool->type, request->requirements.alignment),
        .sort = request->sort,
    };
    uint64_t direct = fhi_pool_direct_size(pool, &need);

    out->source = FHI_SOURCE_POOL;
    out->is_small = fhi_pool_is_small(pool, &need);
    out->reserved = out->is_small ? need.size : direct;
    if (request->within_budget && !system_gives(core, pool->heap, 0, &out->obstacle)) {
        return;
    }
    fhi_lock_acquire(&pool->lock);
    for (const fhi_memory *memory = pool->first; memory; memory = memory->next) {
        out->has_room = out->has_room || fh_block_free_bound(memory->ranges) >= direct;
    }
    out->block_count = pool->block_count;
    out->block_bytes = pool->block_bytes;
    out->next_block = fhi_pool_next_size(pool, direct);
    fhi_lock_release(&pool->lock);

    if (request->within_budget && !system_gives(core, pool->heap, need.size, &out->growth)) {
        /* as it says */
    } else if (pool->block_count_max != 0 && out->block_count >= pool->block_count_max) {
        refuse(&out->growth, FHI_OBSTACLE_BLOCKS, FH_ERR_OUT_OF_MEMORY, 1, 0,
               pool->block_count_max);
    } else if (out->next_block < direct) {
        refuse(&out->growth, FHI_OBSTACLE_BLOCK, FH_ERR_OUT_OF_MEMORY, direct, out->next_block,
               out->next_block);
    } else {
        driver_gives(core, request, pool->type, pool->fixed ? out->next_block : direct,
                     &out->growth);
    }
    if (out->growth.kind != FHI_OBSTACLE_NONE && !out->has_room &&
        !slabs_may_do(core, pool, &need, out->is_small)) {
        out->obstacle = out->growth;
    }
}

static void look_at_type(fhi_core *core, const fhi_request *request, uint32_t type,
                         fhi_prospect *out)
{
    fh_pool *pool = request->pool ? request->pool : &core->pools[type];
    const fh_requirements *needs = &request->requirements;
    bool may = request->dedicated != FH_DEDICATED_NEVER && !request->pool;
    bool spare = fhi_has_count_to_spare(core);
    fhi_source source = why_dedicated(request, pool);

    memset(out, 0, sizeof *out);
    out->pool = pool;
    if (request->import || needs->dedicated_required ||
        request->dedicated == FH_DEDICATED_REQUIRE) {
        source = request->import             ? FHI_SOURCE_IMPORT
                 : needs->dedicated_required ? FHI_SOURCE_DRIVER_REQUIRES
                                             : FHI_SOURCE_REQUIRED;
        look_at_dedicated(core, request, type, source, out);
        return;
    }
    bool larger = source == FHI_SOURCE_LARGER_THAN_BLOCK;
    if (may && source != FHI_SOURCE_POOL && (spare || larger)) {
        look_at_dedicated(core, request, type, source, out);
        if (out->obstacle.kind == FHI_OBSTACLE_NONE || larger) {
            return;
        }
        out->dedicated = out->obstacle;
        memset(&out->obstacle, 0, sizeof out->obstacle);
    }
    look_at_pooled(core, request, pool, out);
}

/* ---- all of them ---- */

static bool uses_give(fhi_core *core, const fhi_request *request, uint64_t bytes,
                      fhi_outlook *outlook)
{
    fh_tag tag = request->memory->tag;
    if (account_gives(core, (fh_account){FH_ACCOUNT_KIND, request->kind}, bytes, &outlook->why) &&
        (tag == 0 ||
         account_gives(core, (fh_account){FH_ACCOUNT_TAG, tag}, bytes, &outlook->why))) {
        return true;
    }
    outlook->result = outlook->why.result;
    outlook->relief = outlook->relief || !outlook->why.lasts;
    return false;
}

/* As spill() in relief.c. */
static bool may_spill(const fhi_request *request, const fhi_obstacle *obstacle)
{
    return !request->no_spill && !request->pool && request->order.count > 1 &&
           (obstacle->result != FH_ERR_BUDGET || obstacle->account.scope == FH_ACCOUNT_HEAP);
}

void fhi_outlook_make(fhi_core *core, const fhi_request *request, fhi_outlook *out_outlook)
{
    fhi_outlook *outlook = out_outlook;
    const fhi_prospect *last = NULL;

    memset(outlook, 0, sizeof *outlook);
    if (!uses_give(core, request, request->requirements.size, outlook)) {
        return;
    }
    do {
        fhi_prospect *next = &outlook->types[outlook->count];
        look_at_type(core, request, request->order.types[outlook->count], next);
        outlook->count++;
        last = next;
        if (last->obstacle.kind == FHI_OBSTACLE_NONE) {
            /* Rounding to pages is charged when it is known. */
            uses_give(core, request, last->reserved, outlook);
            return;
        }
        outlook->relief = outlook->relief || !last->obstacle.lasts ||
                          (last->dedicated.kind != FHI_OBSTACLE_NONE && !last->dedicated.lasts);
    } while (outlook->count < request->order.count &&
             may_spill(request, &outlook->types[0].obstacle));
    outlook->why = last->obstacle;
    outlook->result = last->obstacle.result;
}
