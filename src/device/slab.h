/* Cutting from slabs: the hot path of every small parcel. What slabs are is in pool.h and
 * slab.c. */

#ifndef FREEHOLD_DEVICE_SLAB_H
#define FREEHOLD_DEVICE_SLAB_H

#include "device/core.h"

/* Cut a need from a slab, under its lane's lock; as fh_block_alloc(). The stash may be dirty
 * then. */
FHI_HOT_INLINE fh_result fhi_slab_cut(fhi_slab *slab, const fhi_need *need,
                                      fhi_backing *out_backing)
{
    const fh_range_desc desc = {
        .size = need->size,
        .alignment = need->alignment,
        .strategy = need->strategy,
        .upper = need->upper,
    };
    uint64_t offset;
    fh_result result = fh_block_alloc(slab->ranges, &desc, &out_backing->range, &offset);
    if (FHI_LIKELY(result == FH_OK)) {
        slab->count++;
        out_backing->memory = slab->memory;
        out_backing->slab = slab;
        out_backing->offset = slab->base + offset;
        out_backing->reserved = need->size;
    }
    return result;
}

/* Its opposite, also under the lane's lock; what is returned is to be run after unlocking. */
FHI_HOT_INLINE fhi_stash_errand fhi_slab_uncut(const fhi_core *core, fhi_slab *slab, fh_range range)
{
    fhi_stash_errand errand = {{NULL, 0, 0}, NULL};
    fh_block_free(slab->ranges, range);
    if (--slab->count == 0) {
        slab->empty_tick = fhi_tick_count(core);
    }
    if (fhi_stash_is_dirty(&slab->stash)) {
        errand = fhi_stash_take(&slab->stash);
    }
    return errand;
}

#endif
