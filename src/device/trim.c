/* Trimming: empty blocks go back to the driver. Who keeps one for how long is the policy's
 * `retain`, or the native rule: retain_ticks, and not at all while its heap or the total is over a
 * limit. A block that was used in every second frame would otherwise cost a driver allocation in
 * each.
 *
 * Pools are walked with no lock held while one is trimmed; a pool of the program's that is
 * destroyed meanwhile waits until the walk has left it. */

#include "base/clock.h"
#include "device/core.h"
#include "device/inside.h"

#include <string.h>

enum {
    SLAB_TICKS = 8, /* an empty slab costs no driver memory; but its block cannot fall empty */
    LOOK_NS = 20000
};

typedef struct trim {
    fhi_core *core;
    fhi_policy *policy; /* may be NULL */
    const fh_facts *facts;
    bool total_over;
} trim;

/* ---- the walk ---- */

static bool is_own(const fhi_core *core, const fh_pool *pool)
{
    return pool >= core->pools && pool < core->pools + core->adapter.type_count;
}

/* The device's own come first; they are in no list, and are never destroyed. */
fh_pool *fhi_pool_next(fhi_core *core, fh_pool *pool)
{
    if (!pool) {
        return core->pools;
    }
    bool own = is_own(core, pool);
    if (own && is_own(core, pool + 1)) {
        return pool + 1;
    }
    fhi_lock_acquire(&core->pool_lock);
    fh_pool *next = own ? core->pools_first : pool->next;
    if (!own) {
        pool->visitors--;
    }
    if (next) {
        next->visitors++;
    }
    fhi_lock_release(&core->pool_lock);
    return next;
}

bool fhi_pool_is_walked(fhi_core *core, fh_pool *pool)
{
    fhi_lock_acquire(&core->pool_lock);
    bool walked = pool->visitors > 0;
    fhi_lock_release(&core->pool_lock);
    return walked && fhi_inside_find(core);
}

/* Guests are not waited for: one may be in an owner's or observer's callback, which is this very
 * call's, or which waits for a lock of the program's that this thread has. */
fh_result fhi_pool_unlist(fhi_core *core, fh_pool *pool, bool forced)
{
    for (;;) {
        fhi_lock_acquire(&core->pool_lock);
        uint32_t live = atomic_load_explicit(&pool->live_count, memory_order_acquire);
        uint32_t guests = pool->guests;
        if (!forced && live + guests > 0) {
            fhi_lock_release(&core->pool_lock);
            return live > 0
                       ? fhi_fail_with(FH_ERR_BUSY, "{} parcels live in the pool, or still retire",
                                       live, 0, 0)
                       : fhi_fail(FH_ERR_BUSY, "a parcel is being made that the policy sent "
                                               "to the pool");
        }
        if (pool->visitors == 0) {
            break;
        }
        fhi_lock_release(&core->pool_lock);
        fhi_sleep_ns(LOOK_NS);
    }
    if (pool->previous) {
        pool->previous->next = pool->next;
    } else {
        core->pools_first = pool->next;
    }
    if (pool->next) {
        pool->next->previous = pool->previous;
    }
    fhi_lock_release(&core->pool_lock);
    /* Verdicts may name it. Not before: they could be asked for again. Who has one in his hands
     * looks for the pool in the list first. */
    fhi_policy_forget(core);
    return FH_OK;
}

/* ---- the rule ---- */

static bool is_over(const fhi_account *account)
{
    return atomic_load_explicit(&account->charged, memory_order_relaxed) >
           atomic_load_explicit(&account->limit, memory_order_relaxed);
}

static bool keep(void *context, const fhi_memory *block, uint32_t block_count, uint32_t empty_count)
{
    const trim *t = context;
    fhi_core *core = t->core;
    uint64_t now = atomic_load_explicit(&core->tick, memory_order_relaxed);
    uint64_t empty_ticks = now - block->empty_tick;
    bool over = t->total_over || is_over(&core->heaps[block->heap]);
    uint32_t ticks = over ? 0 : core->retain_ticks;

    if (t->policy && t->policy->ops.retain) {
        const fh_block_facts facts = {
            .type = block->type,
            .heap = block->heap,
            .size = block->size,
            .empty_ticks = empty_ticks,
            .age_ticks = now - block->made_tick,
            .pool_block_count = block_count,
            .pool_empty_count = empty_count,
            .over = over,
        };
        fh_retain_decision decision = {0};
        fhi_inside inside;
        fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
        bool decided = t->policy->ops.retain(t->policy->context, &facts, t->facts, &decision);
        fhi_inside_end(core, &inside);
        ticks = decided ? decision.ticks : ticks;
    }
    return empty_ticks < ticks;
}

uint64_t fhi_trim_pools(fhi_core *core, fhi_trim_mode mode, fhi_policy *policy,
                        const fh_facts *facts)
{
    trim t = {
        .core = core,
        .policy = policy,
        .facts = facts,
        .total_over = is_over(&core->total),
    };
    uint32_t slab_ticks = core->retain_ticks < SLAB_TICKS ? core->retain_ticks : SLAB_TICKS;
    uint64_t bytes = 0;
    for (fh_pool *pool = fhi_pool_next(core, NULL); pool; pool = fhi_pool_next(core, pool)) {
        bool over = t.total_over || is_over(&core->heaps[pool->heap]);
        fhi_slabs_return(pool, mode == FHI_TRIM_BY_RULE && !over ? slab_ticks : 0);
        if (!pool->keep_empty || mode == FHI_TRIM_ALL) {
            bytes += fhi_pool_trim(pool, mode == FHI_TRIM_BY_RULE ? keep : NULL, &t);
        }
    }
    return bytes;
}

uint64_t fhi_trim(fhi_core *core, bool all)
{
    return fhi_trim_pools(core, all ? FHI_TRIM_ALL : FHI_TRIM_BY_RULE, NULL, NULL);
}

fh_result fh_device_trim(fh_device *device, uint64_t *out_bytes)
{
    if (out_bytes) {
        *out_bytes = 0;
    }
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_inside mark;
    fhi_inside_begin(core, &mark, FHI_INSIDE_CALLBACK);
    fhi_staging_trim(core, true); /* its memory is in blocks, too */
    uint64_t bytes = fhi_trim(core, true);
    fhi_inside_end(core, &mark);
    if (out_bytes) {
        *out_bytes = bytes;
    }
    return FH_OK;
}
