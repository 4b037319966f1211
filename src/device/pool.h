/* Pools, inside. A pool has memory blocks, each with a virtual block over it. Small requests are
 * cut from *slabs*: ranges of a block that belong to one lane and have a virtual block of their
 * own, so that threads do not meet at the pool's lock. Larger ones come from the blocks directly.
 *
 * Granularity: buffers and optimal textures must not share a page. A slab has one sort only, starts
 * on a page and is whole pages long; what is cut from a block directly and is not linear takes
 * whole pages. So neighbours need never be looked at. */

#ifndef FREEHOLD_DEVICE_POOL_H
#define FREEHOLD_DEVICE_POOL_H

#include "base/lock.h"
#include "device/lane.h"
#include "device/memory.h"

#include <freehold/pool.h>

/* What may share a page of the device's granularity. */
typedef enum fhi_sort {
    FHI_SORT_LINEAR = 0, /* buffers, linear textures */
    FHI_SORT_OPTIMAL,    /* optimal textures */
    FHI_SORT_UNKNOWN,    /* raw memory: whole pages of its own, unless the device has no rule */
    FHI_SORTS_IN_SLABS = 2
} fhi_sort;

struct fhi_slab {
    fhi_slab *next; /* of the shelf */
    fhi_memory *memory;
    fh_range range;      /* of memory->ranges */
    uint64_t base, size; /* bytes */
    fh_block *ranges;
    fhi_stash stash;
    uint32_t count;      /* live ranges, and threads that have it in their hands */
    uint32_t empty_tick; /* when `count` fell to 0 */
    uint8_t lane, sort;
};

/* A lane's slabs of one sort in one pool; guarded by the lane's lock. */
typedef struct fhi_shelf {
    fhi_slab *slabs; /* the one used last is first */
    uint64_t next_size;
} fhi_shelf;

struct fh_pool {
    fhi_core *core;
    fh_pool *next, *previous; /* the device's own and the program's; under core->pool_lock */
    uint32_t visitors;        /* walks that are at it (fhi_pool_next); under core->pool_lock */
    uint32_t guests; /* requests under way that a verdict sent here; under core->pool_lock */
    uint32_t type, heap;
    bool custom; /* the program's */
    bool fixed;  /* every block has `block_size` */
    bool keep_empty;
    fh_block_algorithm algorithm;
    uint64_t block_size; /* bytes of a full-grown block */
    uint64_t slab_max;   /* bytes of a full-grown slab; 0 = no slabs here */
    uint64_t small;      /* bytes: requests up to this come from slabs */
    uint32_t block_count_min, block_count_max;
    float priority;
    char name[FH_NAME_SIZE];

    fhi_lock lock;       /* guards all down to `empty_count`, and the ranges of the blocks */
    fhi_condition grown; /* `growing` ended */
    bool growing;        /* one thread asks the driver for a block */
    fhi_memory *first, *last;
    uint32_t block_count, empty_count;
    uint64_t block_bytes;

    _Atomic uint64_t growths;    /* growths that ended */
    _Atomic uint32_t live_count; /* custom pools: parcels in it, retiring ones too */
    fhi_shelf shelves[FHI_LANES][FHI_SORTS_IN_SLABS];
};

/* One piece of memory that is asked for. */
typedef struct fhi_need {
    uint64_t size, alignment; /* bytes; margin included, not yet rounded to pages */
    fhi_sort sort;
    fh_strategy strategy;
    bool within_budget; /* a block that is made for it stays within the OS budget */
    bool upper;
} fhi_need;

enum {
    FHI_SLAB_ALIGNMENT = 64 * 1024 /* of a slab's base: what is cut from it is aligned up to this */
};

/* Everything but what a program's description sets; that is the caller's, before the first call. */
void fhi_pool_init(fh_pool *pool, fhi_core *core, uint32_t type);
void fhi_pool_finish(fh_pool *pool); /* gives all memory back, whatever lives */

/* Cut it from what the pool has, in this lane. Nothing is asked of the driver. OUT_OF_MEMORY: no
 * room. No lock held. */
fh_result fhi_pool_take(fh_pool *pool, uint32_t lane, const fhi_need *need,
                        fhi_backing *out_backing);

/* Ask the driver for another block, large enough for `need`; or wait until another thread has done
 * so. `growths` is the pool's count from before it was looked through: if it has grown since, it is
 * worth another look. FH_OK: try again. Errors: as fhi_memory_create(). No lock held. */
fh_result fhi_pool_grow(fh_pool *pool, const fhi_need *need, uint64_t growths,
                        fhi_refusal *out_refusal);

/* Bytes of the next block, if it must hold `need`; under the pool's lock. */
uint64_t fhi_pool_next_size(const fh_pool *pool, uint64_t need);

/* Whether it is cut from slabs, while these have room. */
bool fhi_pool_is_small(const fh_pool *pool, const fhi_need *need);

/* Bytes it takes of a block, when it comes from no slab: whole pages where it needs them. */
uint64_t fhi_pool_direct_size(const fh_pool *pool, const fhi_need *need);

/* Take a program's pool off the device's list, give all its memory back, and free it.
 * (pool_api.c) */
void fhi_pool_forget(fh_pool *pool);

/* Give a range back that is of no slab, or of a slab. No lock held. */
void fhi_pool_give(fh_pool *pool, const fhi_backing *backing);

/* Give empty slabs back to their blocks: those empty for `ticks` at least. Returns how many. No
 * lock held. (slab.c) */
uint32_t fhi_slabs_return(fh_pool *pool, uint32_t ticks);

/* Cut a small need from the lane's slabs, or from a new one; OUT_OF_MEMORY: no block has room for a
 * slab. `others`: from other lanes' slabs instead. No lock held. (slab.c) */
fh_result fhi_slabs_take(fh_pool *pool, uint32_t lane, bool others, const fhi_need *need,
                         fhi_backing *out_backing);

/* Cut a range from the blocks themselves, without rounding. (pool.c) */
fh_result fhi_pool_cut(fh_pool *pool, const fh_range_desc *desc, fhi_memory **out_memory,
                       fh_range *out_range, uint64_t *out_offset);
void fhi_pool_uncut(fh_pool *pool, fhi_memory *memory, fh_range range);

/* Give empty blocks back to the driver: those that `keep` says false to, or all where it is NULL.
 * Never below block_count_min. Returns the bytes. No lock held; `keep` is called with none held. */
uint64_t fhi_pool_trim(fh_pool *pool,
                       bool (*keep)(void *context, const fhi_memory *block, uint32_t block_count,
                                    uint32_t empty_count),
                       void *context);

/* The pool after `pool` in the device's list, the first after NULL, which stays until the walk goes
 * on; NULL at the end. No lock held. (trim.c) */
fh_pool *fhi_pool_next(fhi_core *core, fh_pool *pool);

/* Take a pool off the list, when no walk is at it any more. BUSY, unless `forced`: parcels live in
 * it, or a guest may be about to make one; it stays then. No lock held. (trim.c) */
fh_result fhi_pool_unlist(fhi_core *core, fh_pool *pool, bool forced);

/* A walk is at it that may be the calling thread's own, which is in a callback: it cannot go.
 * (trim.c) */
bool fhi_pool_is_walked(fhi_core *core, fh_pool *pool);

/* The program's pool of that name; of several, the last made. NULL: there is none. It may be
 * destroyed the next moment: a verdict that names it is checked when it is followed. No lock
 * held. */
fh_pool *fhi_device_pool_by_name(fh_device *device, const char *name);

#endif
