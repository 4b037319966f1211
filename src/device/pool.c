/* A pool's blocks. The list is in the order in which they were made, and the first with room gives:
 * so the early blocks fill up and the late ones drain, and can be given back.
 *
 * Growth happens outside the lock, with `growing` set: one driver call is in flight per pool,
 * threads that find room meanwhile are not held up, and those that do not wait for its outcome. */

#include "device/pool.h"

#include "base/assert.h"
#include "device/core.h"
#include "device/slab.h"

#include <string.h>

enum {
    SLAB_MAX = 16 * 1024 * 1024, /* bytes */
    SLAB_SMALL = 64 * 1024,      /* requests up to this come from slabs, at most */
    BLOCK_MIN = 64 * 1024,       /* a block is not made smaller than this, unless a limit says so */
    LADDER = 3                   /* a pool's first block has an eighth of the full size */
};

void fhi_pool_init(fh_pool *pool, fhi_core *core, uint32_t type)
{
    memset(pool, 0, sizeof *pool);
    pool->core = core;
    pool->type = type;
    pool->heap = core->adapter.types[type].heap;
    pool->priority = 0.5F;
    fhi_lock_init(&pool->lock);
    fhi_condition_init(&pool->grown);

    uint64_t heap = core->adapter.heaps[pool->heap].size;
    uint64_t size = core->block_size;
    if (size == 0) {
        size = heap <= UINT64_C(1) << 30 ? heap / 8 : UINT64_C(256) << 20;
    }
    size = size < core->adapter.allocation_size_max ? size : core->adapter.allocation_size_max;
    size = fhi_align_down(size, BLOCK_MIN);
    pool->block_size = size < BLOCK_MIN ? BLOCK_MIN : size;

    /* Slabs start and end on pages of the granularity: their sizes are powers of two above it. */
    uint64_t slab = pool->block_size / 8;
    slab = slab < SLAB_MAX ? slab : SLAB_MAX;
    slab = slab == 0 ? 0 : UINT64_C(1) << fhi_highest_bit(slab);
    if (slab >= FHI_SLAB_ALIGNMENT && core->adapter.granularity <= FHI_SLAB_ALIGNMENT) {
        pool->slab_max = slab;
        pool->small = slab / 4 < SLAB_SMALL ? slab / 4 : SLAB_SMALL;
    }
}

static void block_destroy(fhi_core *core, fhi_memory *memory)
{
    fhi_memory_destroy(core, memory);
}

void fhi_pool_finish(fh_pool *pool)
{
    fhi_slabs_return(pool, 0);
    while (pool->first) {
        fhi_memory *next = pool->first->next;
        block_destroy(pool->core, pool->first);
        pool->first = next;
    }
    fhi_condition_finish(&pool->grown);
    fhi_lock_finish(&pool->lock);
}

static void note_empty(fh_pool *pool, fhi_memory *memory)
{
    fh_stats stats;
    fh_block_stats(memory->ranges, &stats);
    bool empty = stats.range_count == 0 && memory->holds == 0;
    if (empty && !memory->was_empty) {
        pool->empty_count++;
        memory->empty_tick = atomic_load_explicit(&pool->core->tick, memory_order_relaxed);
    } else if (!empty && memory->was_empty) {
        pool->empty_count--;
    }
    memory->was_empty = empty;
}

/* From one block; the pool's lock is held, and may be given up for a moment. */
static fh_result cut_settled(fh_pool *pool, fhi_memory *memory, const fh_range_desc *desc,
                             fh_range *out_range, uint64_t *out_offset)
{
    const fh_host_memory *host = &pool->core->memory;
    for (;;) {
        fh_result result = fh_block_alloc(memory->ranges, desc, out_range, out_offset);
        bool again = false;
        if (fhi_stash_is_dirty(&memory->stash)) {
            fhi_stash_errand errand = fhi_stash_take(&memory->stash);
            memory->holds++;
            fhi_lock_release(&pool->lock);
            again = fhi_stash_run(host, &errand);
            fhi_lock_acquire(&pool->lock);
            if (again && !fhi_stash_put(&memory->stash, &errand)) {
                fhi_lock_release(&pool->lock);
                host->free(host->context, errand.wanted.memory, errand.wanted.size,
                           errand.wanted.alignment);
                fhi_lock_acquire(&pool->lock);
                again = false;
            }
            memory->holds--;
        }
        if (result != FH_ERR_HOST_MEMORY || !again) {
            note_empty(pool, memory);
            return result;
        }
    }
}

fh_result fhi_pool_cut(fh_pool *pool, const fh_range_desc *desc, fhi_memory **out_memory,
                       fh_range *out_range, uint64_t *out_offset)
{
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    fhi_lock_acquire(&pool->lock);
    for (fhi_memory *memory = pool->first; memory; memory = memory->next) {
        if (fh_block_free_bound(memory->ranges) < desc->size) {
            continue;
        }
        result = cut_settled(pool, memory, desc, out_range, out_offset);
        *out_memory = result == FH_OK ? memory : NULL;
        if (result != FH_ERR_OUT_OF_MEMORY) {
            break;
        }
    }
    fhi_lock_release(&pool->lock);
    return result;
}

void fhi_pool_uncut(fh_pool *pool, fhi_memory *memory, fh_range range)
{
    fhi_lock_acquire(&pool->lock);
    fh_result result = fh_block_free(memory->ranges, range);
    FH_ASSERT(result == FH_OK);
    (void)result;
    fhi_stash_errand errand = fhi_stash_take(&memory->stash);
    note_empty(pool, memory);
    fhi_lock_release(&pool->lock);
    fhi_stash_run(&pool->core->memory, &errand);
}

bool fhi_pool_is_small(const fh_pool *pool, const fhi_need *need)
{
    return need->size <= pool->small && need->sort < FHI_SORTS_IN_SLABS &&
           need->alignment <= FHI_SLAB_ALIGNMENT;
}

/* Whole pages for what could share one with its opposite. */
static fh_range_desc direct_range(const fh_pool *pool, const fhi_need *need)
{
    uint64_t page = pool->core->adapter.granularity;
    fh_range_desc desc = {
        .size = need->size,
        .alignment = need->alignment,
        .strategy = need->strategy,
        .upper = need->upper,
    };
    if (page > 1 && need->sort != FHI_SORT_LINEAR) {
        desc.size = fhi_align_up(need->size, page);
        desc.alignment = need->alignment < page ? page : need->alignment;
    }
    return desc;
}

uint64_t fhi_pool_direct_size(const fh_pool *pool, const fhi_need *need)
{
    return direct_range(pool, need).size;
}

static fh_result take_direct(fh_pool *pool, const fhi_need *need, fhi_backing *out_backing)
{
    const fh_range_desc desc = direct_range(pool, need);
    out_backing->slab = NULL;
    out_backing->reserved = desc.size;
    return fhi_pool_cut(pool, &desc, &out_backing->memory, &out_backing->range,
                        &out_backing->offset);
}

fh_result fhi_pool_take(fh_pool *pool, uint32_t lane, const fhi_need *need,
                        fhi_backing *out_backing)
{
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    bool small = fhi_pool_is_small(pool, need);
    if (small) {
        result = fhi_slabs_take(pool, lane, false, need, out_backing);
    }
    if (result == FH_ERR_OUT_OF_MEMORY) {
        result = take_direct(pool, need, out_backing);
    }
    if (result == FH_ERR_OUT_OF_MEMORY && small) {
        result = fhi_slabs_take(pool, lane, true, need, out_backing);
    }
    if (result == FH_ERR_OUT_OF_MEMORY && fhi_slabs_return(pool, 0) > 0) {
        result = take_direct(pool, need, out_backing);
    }
    return result;
}

/* The size of the next block: an eighth of the full size at first, then a quarter, and so on;
 * larger than any the pool has, and with room for two of what is needed, unless that is over the
 * full size. */
uint64_t fhi_pool_next_size(const fh_pool *pool, uint64_t need)
{
    uint64_t largest = 0, size = pool->block_size;
    for (const fhi_memory *memory = pool->first; memory; memory = memory->next) {
        largest = memory->size > largest ? memory->size : largest;
    }
    for (int step = 0; step < LADDER && !pool->fixed; step++) {
        uint64_t smaller = size / 2;
        if (smaller <= largest || smaller / 2 < need || smaller < BLOCK_MIN) {
            break;
        }
        size = smaller;
    }
    return size < need && !pool->fixed ? need : size;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Driver bytes that may still be taken. */
static uint64_t headroom_of(const fh_pool *pool, bool within_budget)
{
    fhi_core *core = pool->core;
    const fhi_account *heap = &core->heaps[pool->heap];
    uint64_t headroom = least(fhi_account_headroom(&core->total), fhi_account_headroom(heap));
    uint64_t used = atomic_load_explicit(&heap->charged, memory_order_relaxed);
    uint64_t size = core->adapter.heaps[pool->heap].size;
    headroom = least(headroom, size > used ? size - used : 0); /* the heap's end is a limit, too */
    if (within_budget) {
        uint64_t most = fhi_budget_limit(core, pool->heap);
        headroom = least(headroom, most > used ? most - used : 0);
    }
    return headroom;
}

/* Ask for `size` bytes, and on refusal for less, down to what is needed. A limit's headroom is
 * taken whole, so that it can be filled exactly; what the driver refuses is halved. */
static fh_result block_create(fh_pool *pool, uint64_t size, const fhi_need *asked, uint64_t need,
                              fhi_memory **out_block, fhi_refusal *out_refusal)
{
    fhi_core *core = pool->core;
    uint64_t floor = pool->fixed ? size : need;
    uint64_t smallest = pool->block_size / 64 > floor ? pool->block_size / 64 : floor;
    for (;;) {
        uint64_t headroom = headroom_of(pool, asked->within_budget);
        uint64_t page = core->adapter.granularity > 4096 ? core->adapter.granularity : 4096;
        if (headroom < size && headroom >= floor) {
            size =
                fhi_align_down(headroom, page) >= floor ? fhi_align_down(headroom, page) : headroom;
        } else if (headroom < size) {
            size = floor;
        }
        const fhi_memory_want want = {
            .size = size,
            .type = pool->type,
            .priority = pool->priority,
            .address = (core->adapter.caps & FH_CAP_DEVICE_ADDRESS) != 0,
            .within_budget = asked->within_budget,
        };
        fh_result result = fhi_memory_create(core, &want, out_block, out_refusal);
        if (result == FH_OK) {
            return FH_OK;
        }
        if (result == FH_ERR_OUT_OF_MEMORY && size > smallest) {
            size = size / 2 > smallest ? size / 2 : smallest;
        } else if (result != FH_ERR_BUDGET || size <= floor) {
            return result;
        }
    }
}

static void growth_ends(fh_pool *pool, fhi_memory *block)
{
    fhi_lock_acquire(&pool->lock);
    if (block) {
        block->previous = pool->last;
        if (pool->last) {
            pool->last->next = block;
        } else {
            pool->first = block;
        }
        pool->last = block;
        pool->block_count++;
        pool->block_bytes += block->size;
        note_empty(pool, block);
    }
    pool->growing = false;
    atomic_fetch_add_explicit(&pool->growths, 1, memory_order_relaxed);
    fhi_condition_wake_all(&pool->grown);
    fhi_lock_release(&pool->lock);
}

fh_result fhi_pool_grow(fh_pool *pool, const fhi_need *need, uint64_t growths,
                        fhi_refusal *out_refusal)
{
    fhi_core *core = pool->core;
    const fh_range_desc range = direct_range(pool, need);
    out_refusal->missing = 0;

    fhi_lock_acquire(&pool->lock);
    if (pool->growing) {
        while (pool->growing) {
            fhi_condition_wait(&pool->grown, &pool->lock, UINT64_MAX);
        }
        fhi_lock_release(&pool->lock);
        return FH_OK;
    }
    if (atomic_load_explicit(&pool->growths, memory_order_relaxed) != growths) {
        fhi_lock_release(&pool->lock);
        return FH_OK;
    }
    bool full = pool->block_count_max != 0 && pool->block_count >= pool->block_count_max;
    uint64_t size = fhi_pool_next_size(pool, range.size);
    pool->growing = !full && size >= range.size;
    fhi_lock_release(&pool->lock);
    if (full) {
        return fhi_fail_with(
            FH_ERR_OUT_OF_MEMORY,
            "the pool has its maximum of {} blocks, and none has room for {} bytes",
            pool->block_count_max, range.size, 0);
    }
    if (size < range.size) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                             "{} bytes do not fit a block of this pool, which has {}", range.size,
                             size, 0);
    }

    fhi_memory *block = NULL;
    fhi_memory *unusable = NULL;
    fh_event event = {0};
    fh_result result = block_create(pool, size, need, range.size, &block, out_refusal);
    if (result == FH_OK) {
        event = fhi_memory_event(block, FH_EVENT_MEMORY_ALLOCATED);
        block->pool = pool;
        fhi_stash_init(&block->stash, &core->memory);
        result = fh_block_create(&(fh_block_desc){.size = block->size,
                                                  .algorithm = pool->algorithm,
                                                  .memory = &block->stash.host},
                                 &block->ranges);
        block->stash.locked = true;
        if (result != FH_OK) {
            unusable = block;
            block = NULL;
        }
    }
    /* Nobody is called while others wait for this growth: an observer may make parcels here. */
    growth_ends(pool, block);
    fhi_backend_result(core, result);
    if (event.kind != 0 && fhi_is_observed(core, FH_EVENT_MEMORY_ALLOCATED)) {
        fhi_observe(core, &event);
    }
    if (unusable) {
        block_destroy(core, unusable);
    }
    return result;
}

void fhi_pool_give(fh_pool *pool, const fhi_backing *backing)
{
    fhi_slab *slab = backing->slab;
    if (!slab) {
        fhi_pool_uncut(pool, backing->memory, backing->range);
        return;
    }
    fhi_core *core = pool->core;
    fhi_lane *lane = &core->lanes[slab->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_stash_errand errand = fhi_slab_uncut(core, slab, backing->range);
    fhi_latch_release(&lane->lock);
    fhi_stash_run(&core->memory, &errand);
}

static bool can_go(const fh_pool *pool, const fhi_memory *memory)
{
    fh_stats stats;
    fh_block_stats(memory->ranges, &stats);
    return stats.range_count == 0 && memory->holds == 0 &&
           pool->block_count > pool->block_count_min;
}

static void unlink_block(fh_pool *pool, fhi_memory *memory)
{
    if (memory->previous) {
        memory->previous->next = memory->next;
    } else {
        pool->first = memory->next;
    }
    if (memory->next) {
        memory->next->previous = memory->previous;
    } else {
        pool->last = memory->previous;
    }
    pool->block_count--;
    pool->block_bytes -= memory->size;
    pool->empty_count -= memory->was_empty ? 1 : 0;
}

/* The empty block that was made next after `id`, held; NULL: no more. */
static fhi_memory *hold_empty(fh_pool *pool, uint64_t id, uint32_t *out_blocks, uint32_t *out_empty)
{
    fhi_memory *found = NULL;
    fhi_lock_acquire(&pool->lock);
    for (fhi_memory *memory = pool->first; memory && !found; memory = memory->next) {
        if (memory->id > id && can_go(pool, memory)) {
            found = memory;
            found->holds++;
        }
    }
    *out_blocks = pool->block_count;
    *out_empty = pool->empty_count;
    fhi_lock_release(&pool->lock);
    return found;
}

uint64_t fhi_pool_trim(fh_pool *pool,
                       bool (*keep)(void *context, const fhi_memory *block, uint32_t block_count,
                                    uint32_t empty_count),
                       void *context)
{
    uint64_t bytes = 0, id = 0;
    uint32_t blocks, empty;
    fhi_memory *memory;

    while ((memory = hold_empty(pool, id, &blocks, &empty)) != NULL) {
        id = memory->id;
        bool kept = keep && keep(context, memory, blocks, empty);
        fhi_lock_acquire(&pool->lock);
        memory->holds--;
        bool goes = !kept && can_go(pool, memory);
        if (goes) {
            unlink_block(pool, memory);
        } else {
            note_empty(pool, memory); /* it may have been used, and emptied, meanwhile */
        }
        fhi_lock_release(&pool->lock);
        if (goes) {
            bytes += memory->size;
            block_destroy(pool->core, memory);
        }
    }
    return bytes;
}
