/* Slabs: a lane's pieces of a pool's blocks, for small requests. The first on a shelf is the one
 * that gave last; another becomes the first when it gives. A shelf's slabs double in size up to
 * slab_max, so that a million small parcels lie in a few dozen slabs, and looking through a shelf
 * stays short. */

#include "device/slab.h"
#include "device/core.h"

#include <string.h>

enum {
    FIRST_SLAB = 256 * 1024 /* bytes */
};

static void slab_destroy(fhi_core *core, fhi_slab *slab)
{
    if (slab->memory) {
        fhi_pool_uncut(slab->memory->pool, slab->memory, slab->range);
    }
    fh_block_destroy(slab->ranges);
    fhi_stash_finish(&slab->stash);
    fhi_host_free(&core->memory, slab, 1, sizeof *slab, 64);
}

/* A slab of `size` bytes, or of the half and so on, down to the need itself. */
static fh_result slab_create(fh_pool *pool, uint32_t lane, uint64_t size, const fhi_need *need,
                             fhi_slab **out_slab)
{
    fhi_core *core = pool->core;
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    *out_slab = NULL;
    fhi_slab *slab = fhi_host_alloc(&core->memory, 1, sizeof *slab, 64);
    if (!slab) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a slab's description");
    }
    memset(slab, 0, sizeof *slab);
    slab->lane = (uint8_t)lane;
    slab->sort = (uint8_t)need->sort;
    fhi_stash_init(&slab->stash, &core->memory);
    for (; size >= need->size && size >= FHI_SLAB_ALIGNMENT; size /= 2) {
        const fh_range_desc desc = {.size = size, .alignment = FHI_SLAB_ALIGNMENT};
        fhi_memory *memory = NULL;
        result = fhi_pool_cut(pool, &desc, &memory, &slab->range, &slab->base);
        if (result != FH_ERR_OUT_OF_MEMORY) {
            slab->memory = memory;
            break;
        }
    }
    if (result == FH_OK) {
        slab->size = size;
        result = fh_block_create(&(fh_block_desc){.size = size, .memory = &slab->stash.host},
                                 &slab->ranges);
    }
    if (result != FH_OK) {
        slab_destroy(core, slab);
        return result; /* *out_slab is NULL */
    }
    slab->stash.locked = true;
    *out_slab = slab;
    return FH_OK;
}

/* Cut from one slab of a lane whose lock is held, and may be given up for a moment. */
static fh_result cut_settled(fhi_core *core, fhi_lane *lane, fhi_slab *slab, const fhi_need *need,
                             fhi_backing *out_backing)
{
    for (;;) {
        fh_result result = fhi_slab_cut(slab, need, out_backing);
        if (!fhi_stash_is_dirty(&slab->stash)) {
            return result;
        }
        fhi_stash_errand errand = fhi_stash_take(&slab->stash);
        slab->count++; /* nobody gives an empty slab back meanwhile */
        fhi_latch_release(&lane->lock);
        bool ran = fhi_stash_run(&core->memory, &errand);
        fhi_latch_acquire(&lane->lock);
        slab->count--;
        if (!ran) {
            return result;
        }
        if (!fhi_stash_put(&slab->stash, &errand)) {
            slab->count++;
            fhi_latch_release(&lane->lock);
            core->memory.free(core->memory.context, errand.wanted.memory, errand.wanted.size,
                              errand.wanted.alignment);
            fhi_latch_acquire(&lane->lock);
            slab->count--;
            return result;
        }
        if (result != FH_ERR_HOST_MEMORY) {
            /* Somebody else's: it stays in the stash for the next that needs it. */
            return result;
        }
    }
}

static fh_result take_from_shelf(fhi_core *core, fhi_lane *lane, fhi_shelf *shelf,
                                 const fhi_need *need, fhi_backing *out_backing)
{
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    fhi_slab **link = &shelf->slabs;
    while (*link) {
        fhi_slab *slab = *link;
        if (fh_block_free_bound(slab->ranges) >= need->size) {
            result = cut_settled(core, lane, slab, need, out_backing);
            if (result == FH_OK) {
                /* The lock may have been given up: find the slab's link again. */
                link = &shelf->slabs;
                while (*link != slab) {
                    link = &(*link)->next;
                }
                *link = slab->next;
                slab->next = shelf->slabs;
                shelf->slabs = slab;
                return FH_OK;
            }
            if (result == FH_ERR_HOST_MEMORY) {
                return result;
            }
        }
        link = &slab->next;
    }
    return result;
}

fh_result fhi_slabs_take(fh_pool *pool, uint32_t lane_index, bool others, const fhi_need *need,
                         fhi_backing *out_backing)
{
    fhi_core *core = pool->core;
    uint32_t first = others ? 0 : lane_index;
    uint32_t end = others ? FHI_LANES : lane_index + 1;

    for (uint32_t i = first; i < end; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        fh_result result =
            take_from_shelf(core, lane, &pool->shelves[i][need->sort], need, out_backing);
        fhi_latch_release(&lane->lock);
        if (result != FH_ERR_OUT_OF_MEMORY) {
            return result;
        }
    }
    if (others) {
        return FH_ERR_OUT_OF_MEMORY;
    }

    fhi_lane *lane = &core->lanes[lane_index];
    fhi_shelf *shelf = &pool->shelves[lane_index][need->sort];
    fhi_latch_acquire(&lane->lock);
    uint64_t size = shelf->next_size;
    fhi_latch_release(&lane->lock);
    if (size == 0) {
        size = pool->slab_max < FIRST_SLAB ? pool->slab_max : FIRST_SLAB;
    }
    fhi_slab *slab;
    fh_result result = slab_create(pool, lane_index, size, need, &slab);
    if (!slab) {
        return result;
    }
    fhi_latch_acquire(&lane->lock);
    if (shelf->next_size < slab->size * 2) {
        shelf->next_size = slab->size * 2 <= pool->slab_max ? slab->size * 2 : pool->slab_max;
    }
    slab->next = shelf->slabs;
    shelf->slabs = slab;
    result = cut_settled(core, lane, slab, need, out_backing);
    fhi_latch_release(&lane->lock);
    return result;
}

uint32_t fhi_slabs_return(fh_pool *pool, uint32_t ticks)
{
    fhi_core *core = pool->core;
    uint32_t now = (uint32_t)atomic_load_explicit(&core->tick, memory_order_relaxed);
    uint32_t count = 0;

    for (uint32_t i = 0; pool->slab_max != 0 && i < FHI_LANES; i++) {
        fhi_slab *empty = NULL;
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t sort = 0; sort < FHI_SORTS_IN_SLABS; sort++) {
            fhi_shelf *shelf = &pool->shelves[i][sort];
            fhi_slab **link = &shelf->slabs;
            while (*link) {
                fhi_slab *slab = *link;
                if (slab->count == 0 && now - slab->empty_tick >= ticks) {
                    *link = slab->next;
                    slab->next = empty;
                    empty = slab;
                } else {
                    link = &slab->next;
                }
            }
            if (!shelf->slabs) {
                shelf->next_size = 0; /* start small again */
            }
        }
        fhi_latch_release(&lane->lock);
        while (empty) {
            fhi_slab *next = empty->next;
            slab_destroy(core, empty);
            empty = next;
            count++;
        }
    }
    return count;
}
