/* Devices: one adapter, opened through one backend. A device owns everything that is made with it:
 * pools, accounts, staging memory, the retire queue. Any call may come from any thread.
 *
 *     fh_device *device;
 *     fh_device_create(&(fh_device_desc){0}, &device);            (the host backend: no GPU needed)
 *     ... parcels (parcel.h), limits (account.h), a policy (policy.h) ...
 *     fh_device_tick(device);                                     (once a frame)
 *     fh_device_destroy(device);
 *
 * fh_device_tick() is the one boundary at which what is batched happens: budgets are read, policies
 * asked, memory trimmed, owners asked to let go. A program without frames calls it when it likes;
 * if nothing ticked for 100 ms, the next request that grows a pool does it first. */

#ifndef FREEHOLD_DEVICE_H
#define FREEHOLD_DEVICE_H

#include <freehold/backend.h>
#include <freehold/host.h>
#include <freehold/resource.h>
#include <freehold/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fh_device fh_device;

/* What an owner does when it is asked to let `parcel` go: release it (on this thread, now or
 * later), and say so. False: it keeps it. `user` is the parcel's. */
typedef bool (*fh_evict_fn)(void *context, fh_device *device, fh_parcel parcel, void *user);

typedef struct fh_device_desc {
    const char *backend;       /* NULL = "host" */
    const fh_backend_ops *ops; /* a backend of the program's own, instead; borrowed */
    const void *config;        /* the backend's own description, borrowed for the call; host:
                                  fh_simulated_desc; NULL = its defaults */
    uint32_t adapter;          /* index; 0 = the first */
    uint64_t block_size;       /* bytes of a full-grown memory block; 0 = heap / 8 up to heaps of
                                  1 GiB, else 256 MiB */
    uint64_t margin;           /* bytes behind every parcel, for finding writes past the end;
                                  0 = none; rounded up to 16 */
    uint32_t retain_ticks;     /* how long an empty block is kept; 0 = 64 */
    /* The OS budget refuses only requests marked within_budget; else it is a limit like others. */
    bool os_budget_advisory;
    fh_evict_fn evict; /* asks owners to let go; NULL = nothing is ever evicted */
    void *evict_context;
    const fh_host_memory *memory; /* NULL = the C library's allocator; copied */
    const fh_log *log;            /* NULL = silent; copied */
    /* What policies see as the time, and ticks go by; NULL = the system's. Waits for the GPU take
     * real time. A replay has the trace's. */
    const fh_clock *clock;
} fh_device_desc;

/* One row of fh_device_stats. */
typedef struct fh_memory_stats {
    fh_stats stats;           /* blocks (dedicated ones too) and parcels in them, in bytes */
    uint64_t dedicated_count; /* of the blocks: driver allocations for one parcel */
    uint64_t retiring_bytes;  /* of the ranges: released, and waiting for the GPU */
} fh_memory_stats;

/* Cheap: sums of counters. Heaps, types and total agree while no other call is under way. */
typedef struct fh_device_stats {
    fh_memory_stats total;
    fh_memory_stats heaps[FH_HEAP_MAX];
    fh_memory_stats types[FH_MEMORY_TYPE_MAX];
    fh_heap_budget
        budgets[FH_HEAP_MAX]; /* as the last tick read them, our own growth since added */
    uint64_t committed_bytes; /* of all live parcels */
    uint64_t parcel_count;    /* live and retiring, external ones too */
    uint64_t retiring_count;  /* parcels and callbacks */
    uint64_t external_bytes;
    /* Since the device was made: */
    uint64_t tick_count;
    uint64_t driver_alloc_count, driver_free_count;
    uint64_t refused_count;  /* requests that failed for lack of memory or
                                                      budget, after relief */
    uint64_t relieved_count; /* requests that relief saved */
    uint64_t evict_asked_count, evict_ignored_count;
    uint64_t place_count;       /* verdicts that the policy was asked for */
    uint64_t policy_busy_count; /* decisions that the native rule made because the
                                                      policy was busy */
} fh_device_stats;

typedef struct fh_device_detail {
    fh_stats_detail total;
    fh_stats_detail heaps[FH_HEAP_MAX];
    fh_stats_detail types[FH_MEMORY_TYPE_MAX];
} fh_device_detail;

/**
 * The adapters of a backend: fills in those from `first` that fit `capacity`; *out_count is how
 * many there are. `config` as in fh_device_desc.
 *
 * Errors:  INVALID (unknown backend, an argument is NULL), UNSUPPORTED (no driver on this machine),
 *          what the backend says; *out_count is then 0.
 * Threads: any.
 */
FH_API fh_result fh_adapter_list(const char *backend, const void *config, uint32_t first,
                                 uint32_t capacity, fh_adapter_info *out_infos,
                                 uint32_t *out_count);

/**
 * Open an adapter.
 *
 * Owns:    the caller owns *out_device; give it back with fh_device_destroy().
 * Errors:  INVALID, UNSUPPORTED (no driver), HOST_MEMORY, what the backend says; *out_device is
 *          then NULL.
 * Threads: any.
 * Cost:    some 400 KiB of host memory; no device memory yet.
 */
FH_API fh_result fh_device_create(const fh_device_desc *desc, fh_device **out_device);

/**
 * Close a device. Parcels that still live are destroyed with it, after a report by name to the log;
 * what retires is waited for. NULL is a no-op. Of a device and its aliases, the last one closes it.
 *
 * Threads: any, but no other call on this handle may be under way.
 */
FH_API void fh_device_destroy(fh_device *device);

/**
 * The adapter that the device was opened on.
 *
 * Owns:    borrowed until the device is destroyed. NULL when `device` is NULL.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_adapter_info *fh_device_adapter(const fh_device *device);

/**
 * The backend's device, for the backend's own functions (simulated.h).
 *
 * Owns:    borrowed until the device is destroyed. NULL when `device` is NULL.
 * Threads: any.
 */
FH_API fh_backend_device *fh_device_backend(const fh_device *device);

/**
 * The tag of that name; made when it is new. At most 1,023 tags; more are the tag "other".
 *
 * Errors:  INVALID (an argument is NULL, an empty name, longer than 63 bytes), HOST_MEMORY;
 *          *out_tag is then 0.
 * Threads: any.
 * Cost:    a hash of the name and a lock; keep the tag.
 */
FH_API fh_result fh_device_tag(fh_device *device, const char *name, fh_tag *out_tag);

/**
 * The name of a tag; "" for 0, NULL for one that was never made.
 *
 * Owns:    borrowed until the device is destroyed.
 * Threads: any.
 */
FH_API const char *fh_device_tag_name(const fh_device *device, fh_tag tag);

/* ---- time ---- */

/**
 * The boundary between two frames. In order: progress of the queues and what retires by it; OS
 * budgets; the policy's limits, frame and pressure hooks; trimming of empty blocks; eviction, when
 * an account is over. A tick during a tick does nothing.
 *
 * Errors:  INVALID (`device` is NULL), DEVICE_LOST (what can be done without a device was done).
 * Threads: any; owners are asked to let go on this thread.
 * Cost:    O(pools + what retired).
 */
FH_API fh_result fh_device_tick(fh_device *device);

/**
 * Only the first part of a tick (what queues have passed retires), and the eviction requests that
 * wait for their owners.
 *
 * Errors:  as fh_device_tick().
 * Threads: any; owners are asked to let go on this thread.
 */
FH_API fh_result fh_device_poll(fh_device *device);

/**
 * Add a queue of the program's own, whose progress fh_queue_signal() reports. `name` is copied, 31
 * bytes of it; NULL = none.
 *
 * Errors:  INVALID (an argument is NULL), BUSY (FH_QUEUE_MAX are there); *out_queue is then
 *          UINT32_MAX.
 * Threads: any.
 */
FH_API fh_result fh_queue_add(fh_device *device, const char *name, uint32_t *out_queue);

/**
 * `queue` has passed `value`. A smaller value than before is ignored. What retires by it does so at
 * the next tick or poll.
 *
 * Errors:  INVALID (not a queue that fh_queue_add() gave).
 * Threads: any.
 * Cost:    O(1).
 */
FH_API fh_result fh_queue_signal(fh_device *device, uint32_t queue, uint64_t value);

/**
 * The last point that `queue` has passed; asks the backend for its own queues. 0 for no queue.
 *
 * Threads: any.
 */
FH_API uint64_t fh_queue_progress(fh_device *device, uint32_t queue);

/**
 * Wait until `epoch` has passed.
 *
 * Errors:  INVALID (no such queue), TIMEOUT. A lost device's epochs count as passed.
 * Threads: any.
 */
FH_API fh_result fh_device_wait(fh_device *device, fh_epoch epoch, uint64_t timeout_ns);

/**
 * Wait for everything that Freehold submitted itself, then retire it.
 *
 * Errors:  TIMEOUT, INVALID.
 * Threads: any.
 */
FH_API fh_result fh_device_wait_idle(fh_device *device, uint64_t timeout_ns);

/**
 * Have `call` called once, with no lock held, when all `epochs` have passed: at a tick or poll, at
 * a device's loss or destruction, or at once when they have passed already. It may retire more.
 *
 * Errors:  INVALID, HOST_MEMORY; `call` is then not called.
 * Threads: any; `call` comes on the thread that ticks or polls.
 * Cost:    O(1).
 */
FH_API fh_result fh_device_retire_call(fh_device *device, void (*call)(void *context),
                                       void *context, const fh_epoch *epochs, uint32_t epoch_count);

/**
 * Give back to the driver every block that is empty, now, whatever retain rules say (but a pool's
 * minimum), and the staging memory that no copy uses. *out_bytes, which may be NULL, is how much.
 *
 * Errors:  INVALID.
 * Threads: any.
 */
FH_API fh_result fh_device_trim(fh_device *device, uint64_t *out_bytes);

/**
 * Whether the device is lost. Then allocations give FH_ERR_DEVICE_LOST, epochs count as passed,
 * frees succeed, mappings stay readable until unmapped, and fh_device_visit() lists what to
 * rebuild.
 *
 * Threads: any.
 * Cost:    O(1).
 */
FH_API bool fh_device_is_lost(const fh_device *device);

/* ---- looking at it ---- */

/**
 * The counters of the device, its heaps and its memory types.
 *
 * Errors:  INVALID (an argument is NULL); *out_stats is then zero.
 * Threads: any.
 * Cost:    O(1), well under a microsecond.
 */
FH_API fh_result fh_device_get_stats(fh_device *device, fh_device_stats *out_stats);

/**
 * With gaps and extremes: a walk over every parcel.
 *
 * Errors:  INVALID, HOST_MEMORY; the output is then zero.
 * Threads: any.
 * Cost:    O(parcels log parcels).
 */
FH_API fh_result fh_device_get_detail(fh_device *device, fh_device_detail *out_detail);

/**
 * Write the device as JSON that the field's memory-dump visualiser reads; `detailed` lists every
 * parcel and gap of every block in address order.
 *
 * Errors:  INVALID, HOST_MEMORY, what `write` returned.
 * Threads: any; `write` is called with no lock held.
 * Cost:    O(parcels log parcels), also when brief: gaps are counted.
 */
FH_API fh_result fh_device_json(fh_device *device, bool detailed, fh_write_fn write, void *context);

struct fh_raw_desc;

/**
 * Say in words which memory a request would get and why: each memory type with what speaks for and
 * against it, the pool or the dedicated rule, the limits. Exactly one of the descriptions is not
 * NULL. Nothing is allocated.
 *
 * Errors:  as fh_buffer_create() for a wrong description, what `write` returned.
 * Threads: any.
 */
FH_API fh_result fh_device_explain(fh_device *device, const fh_buffer_desc *buffer,
                                   const fh_texture_desc *texture, const struct fh_raw_desc *raw,
                                   fh_write_fn write, void *context);

/**
 * Check the margins behind all parcels in host-visible memory. *out_damaged, which may be NULL, is
 * how many were written to; each is an error in the log, by name.
 *
 * Errors:  UNSUPPORTED (the device has no margins), INVALID, what the backend says.
 * Threads: any.
 * Cost:    O(parcels).
 */
FH_API fh_result fh_device_check(fh_device *device, uint32_t *out_damaged);

#ifdef __cplusplus
}
#endif

#endif
