/* The core: what a device and its aliases share. One struct, so that the way from a call to what it
 * needs is one pointer long.
 *
 * Locks, in the order in which they would be taken; hardly any is ever taken inside another, and
 * none is held while a backend, a policy, an observer, an owner, an allocator, the log or the
 * host's memory is called:
 *
 *     core->pool_lock     the list of pools
 *     pool->lock          a pool's blocks
 *     lane->lock          a lane (lane.h)
 *     core->retire.lock   the retire queue
 *     the rest            leaves
 *
 * Witnesses (witness.h) are the exception: they are told under locks, and take none.
 */

#ifndef FREEHOLD_DEVICE_CORE_H
#define FREEHOLD_DEVICE_CORE_H

#include "base/compiler.h"
#include "base/error.h"
#include "base/host.h"
#include "base/lock.h"
#include "device/account.h"
#include "device/decide.h"
#include "device/deed.h"
#include "device/lane.h"
#include "device/memory.h"
#include "device/observe.h"
#include "device/pool.h"
#include "device/record.h"
#include "device/retire.h"
#include "device/staging.h"
#include "device/tag.h"
#include "device/type.h"

#include <freehold/device.h>

#include <stdatomic.h>

/* What a program holds: the device, or an alias of it. */
struct fh_device {
    fhi_core *core;
    fh_device *base; /* the device under an alias, which it holds a reference to; or NULL */
    fhi_allocator *allocator;    /* an alias's */
    _Atomic uint32_t references; /* the program's one, and one per alias of it */
};

struct fhi_core {
    /* Constant once the device is made. */
    const fh_backend_ops *ops;
    fh_backend_device *backend;
    size_t object_size; /* bytes of each backend object, a multiple of 16 */
    fh_adapter_info adapter;
    fh_host_memory memory;
    fh_log log;
    fh_clock clock;      /* resolved: fhi_core_now() */
    uint64_t block_size; /* the program's wish; 0 = by the heap */
    uint64_t margin;     /* bytes; 0 = none */
    uint32_t retain_ticks;
    fh_evict_fn evict;
    void *evict_context;
    bool os_budget_advisory;  /* only requests within_budget heed it */
    bool coherent_everywhere; /* no type needs flushes */
    fhi_type_order orders[FH_LOCATION_COUNT][FH_ACCESS_COUNT]; /* without further wishes */
    fh_device root; /* the handle that fh_device_create() gave */

    _Atomic bool lost;
    _Atomic uint64_t tick;           /* ticks so far */
    _Atomic uint64_t tick_ns;        /* when the last one was */
    _Atomic bool ticking;            /* a thread is in it */
    struct fhi_tick_room *tick_room; /* that thread's; NULL before the first tick */
    fhi_lock memory_lock;            /* guards the list of all memories, and their ids */
    fhi_memory *memory_first, *memory_last;
    uint64_t memory_id; /* of the last memory made */

    fhi_account total;
    fhi_account heaps[FH_HEAP_MAX];
    fhi_account kinds[FH_KIND_COUNT];
    fhi_lock limit_lock;                 /* guards the accounts' `limits` and `budgets` */
    fh_heap_budget budgets[FH_HEAP_MAX]; /* as the last tick read them */
    uint64_t budget_used[FH_HEAP_MAX];   /* our driver bytes at that moment */
    fhi_tags tags;

    fhi_lane_map lane_map;
    fhi_lane lanes[FHI_LANES];
    fhi_lock record_lock; /* guards records.capacity, the chunks' making, and `high` */
    fhi_records records;

    fhi_lock pool_lock; /* guards the list */
    fh_pool *pools_first;
    fh_pool *pools; /* the device's own, one per type: adapter.type_count of them */

    fhi_lock map_lock;    /* guards memory->mapping, and `turns` */
    fhi_condition mapped; /* one of the two changed */
    uint64_t turns; /* how often a move ended, or the last hold that one waited for (hold.c) */

    fhi_retire retire;
    fhi_staging staging;
    fhi_policies policies;
    fhi_observers observers;
    _Atomic uint64_t parcel_number; /* the last that was given (witness.h) */
    fhi_deeds deeds;
    fhi_lock evict_lock; /* guards the eviction requests that wait for a tick */
    fh_parcel evict_noted[64];
    uint32_t evict_noted_count;
    struct fhi_evict_batch *evict_asked; /* who said yes since the last tick; under evict_lock */
    _Atomic bool evict_stuck; /* it was said that no memory can be emptied; until one could */

    /* Counters for statistics that no lane keeps. */
    _Atomic uint64_t driver_alloc_count, driver_free_count;
    _Atomic uint64_t refused_count, relieved_count;
    _Atomic uint64_t evict_asked_count, evict_ignored_count;
    _Atomic uint64_t wait_ns;
    _Atomic uint64_t dedicated_count[FH_MEMORY_TYPE_MAX], dedicated_bytes[FH_MEMORY_TYPE_MAX];
    /* Of all memories, dedicated ones too. */
    _Atomic uint64_t memory_count[FH_MEMORY_TYPE_MAX], memory_bytes[FH_MEMORY_TYPE_MAX];
};

/* The device is lost: say so, once. */
void fhi_note_loss(fhi_core *core);

/* Every call of the backend that can fail passes through this. */
FHI_HOT_INLINE fh_result fhi_backend_result(fhi_core *core, fh_result result)
{
    if (FHI_UNLIKELY(result == FH_ERR_DEVICE_LOST)) {
        fhi_note_loss(core);
    }
    return result;
}

/* `slot` was handed to a lane once. */
FHI_HOT_INLINE fhi_record *fhi_record_at(const fhi_core *core, uint32_t slot)
{
    uint32_t chunk = fhi_chunk_of(slot);
    const fhi_chunk *in = atomic_load_explicit(&core->records.chunks[chunk], memory_order_acquire);
    return &in->records[slot - fhi_chunk_first(chunk)];
}

/* The room lent to the backend for the slot's object: that of another slot once a resize has
 * exchanged the two. */
FHI_HOT_INLINE void *fhi_record_object(const fhi_core *core, uint32_t slot)
{
    uint32_t room = fhi_record_at(core, slot)->room;
    uint32_t chunk = fhi_chunk_of(room);
    const fhi_chunk *in = atomic_load_explicit(&core->records.chunks[chunk], memory_order_acquire);
    return in->objects + (size_t)(room - fhi_chunk_first(chunk)) * core->object_size;
}

/* Ticks so far, cut to 32 bits: for differences. */
FHI_HOT_INLINE uint32_t fhi_tick_count(const fhi_core *core)
{
    return (uint32_t)atomic_load_explicit(&core->tick, memory_order_relaxed);
}

/* The object most likely lies in the slot's own room: a wrong guess costs nothing. */
FHI_HOT_INLINE void fhi_record_prefetch_object(const fhi_core *core, uint32_t slot)
{
    uint32_t chunk = fhi_chunk_of(slot);
    const fhi_chunk *in = atomic_load_explicit(&core->records.chunks[chunk], memory_order_acquire);
    __builtin_prefetch(in->objects + (size_t)(slot - fhi_chunk_first(chunk)) * core->object_size,
                       1);
}

/* What time it is for policies and ticks. */
static inline uint64_t fhi_core_now(const fhi_core *core)
{
    return core->clock.now_ns(core->clock.context);
}

static inline bool fhi_is_lost(const fhi_core *core)
{
    return atomic_load_explicit(&core->lost, memory_order_relaxed);
}

static inline bool fhi_is_observed(const fhi_core *core, uint32_t events)
{
    return FHI_UNLIKELY(
        (atomic_load_explicit(&core->observers.events, memory_order_relaxed) & events) != 0);
}

static inline fh_memory_flags fhi_type_flags(const fhi_core *core, uint32_t type)
{
    return core->adapter.types[type].flags;
}

/* Give a handle's reference back: the last one of an alias drains its allocator, the last one of
 * the root ends the device. (allocator.c) */
void fhi_device_release(fh_device *device);

/* The end of it all; also of a core that was not made whole. (device.c) */
void fhi_core_destroy(fhi_core *core);

/* What a range's offset must be a multiple of in memory of that type: its object's alignment, and,
 * where the CPU's and the GPU's view of whole atoms differ, an atom, so that neighbours share
 * none. */
FHI_HOT_INLINE uint64_t fhi_type_alignment(const fhi_core *core, uint32_t type, uint64_t alignment)
{
    if (FHI_LIKELY(core->coherent_everywhere) ||
        (fhi_type_flags(core, type) & (FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT)) !=
            FH_MEMORY_HOST_VISIBLE) {
        return alignment;
    }
    return alignment > core->adapter.atom ? alignment : core->adapter.atom;
}

/* FH_ERR_DEVICE_LOST with its sentence. */
fh_result fhi_fail_lost(void);

/* Free a slot that waits for nothing: object, memory, accounts, deed. No lock held. (parcel.c) */
void fhi_parcel_free(fhi_core *core, uint32_t slot);

/* Take a fresh slot of the lane, in state MAKING; FHI_NO_SLOT: no host memory. No lock held. */
uint32_t fhi_slot_take(fhi_core *core, uint32_t lane);
void fhi_slot_give(fhi_core *core, uint32_t slot);

/* The parcel's info under its lane's lock, which the caller holds. (info.c) */
void fhi_record_info(const fhi_core *core, uint32_t slot, const fhi_record *record,
                     fh_parcel_info *out_info);

/* Make a buffer for Freehold itself: no policy, no relief, of that kind. (buffer.c) */
fh_result fhi_buffer_make(fhi_core *core, const fh_buffer_desc *desc, fh_kind kind,
                          fh_parcel *out_buffer);

/* A walk over the slots. `visit` is called for each one that is live or retiring, with its lane's
 * lock held: it copies what it needs, and calls nothing else; what memory the record names is
 * there. `provide` comes before each batch with no lock held, to make room for `count` more; false
 * ends the walk. */
typedef struct fhi_walk {
    bool (*provide)(void *context, uint32_t count); /* may be NULL */
    void (*visit)(void *context, uint32_t slot, const fhi_record *record);
    void *context;
} fhi_walk;

/* False: `provide` ended it. (record.c) */
bool fhi_records_walk(fhi_core *core, const fhi_walk *walk);

/* Report what lives by name to the log. (leaks.c) */
void fhi_leaks_report(fhi_core *core);

#endif
