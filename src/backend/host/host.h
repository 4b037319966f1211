/* The host backend: a simulated device, and how its operations begin. */

#ifndef FREEHOLD_HOST_HOST_H
#define FREEHOLD_HOST_HOST_H

#include <freehold/simulated.h>

#include "backend/host/counts.h"
#include "backend/host/fault.h"
#include "backend/host/queue.h"
#include "base/compiler.h"

#include <stdatomic.h>
#include <stdint.h>

extern const fh_backend_ops fhi_host_backend;

struct fh_backend_device {
    fh_host_memory memory;
    fh_log log;
    fh_profile profile; /* resolved; `name` is not to be used */
    /* Types that objects can be bound to; by whether lazily allocated memory will do. */
    uint32_t buffer_types, texture_types, transient_types;

    fhi_sim_faults faults;
    fhi_sim_queues queues;

    _Atomic uint64_t heap_used[FH_HEAP_MAX]; /* bytes */
    _Atomic uint64_t imported_bytes;
    _Atomic uint32_t memory_count;
    fhi_sim_counts counts;
};

/* fhi_sim_enter() when there is trouble: faults, or a lost device. */
fh_result fhi_sim_enter_trouble(fh_backend_device *device, fh_backend_call call, uint64_t bytes);

/* Every operation that can fail begins here, and returns what this returns unless it is FH_OK.
 * `bytes` is what the call asks for, 0 unless it allocates. */
FHI_HOT_INLINE fh_result fhi_sim_enter(fh_backend_device *device, fh_backend_call call,
                                       uint64_t bytes)
{
    fhi_sim_count(&device->counts, call);
    if (FHI_LIKELY(atomic_load_explicit(&device->faults.trouble, memory_order_relaxed) == 0)) {
        return FH_OK;
    }
    return fhi_sim_enter_trouble(device, call, bytes);
}

#endif
