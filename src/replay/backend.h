/* The backend of a replay's device: another one's memory, and the requirements that were recorded.
 *
 * What is replayed is described with desc.native pointing to a fhi_needs: its object is nothing but
 * that, for a replay never uses the content of anything. What others make on the device is asked of
 * the inner backend.
 *
 * Over the host backend memory is only counted, and taken from the machine where it is mapped: so
 * what a replay comes to does not hang on how much the machine has. */

#ifndef FREEHOLD_REPLAY_BACKEND_H
#define FREEHOLD_REPLAY_BACKEND_H

#include <freehold/simulated.h>

typedef struct fhi_needs {
    uint64_t size, alignment; /* bytes */
    uint32_t types;           /* 0: ask the inner backend; also on another card */
    uint8_t dedicated;        /* 0 no opinion, 1 preferred, 2 required */
} fhi_needs;

/* Who is told of the driver's memory; `alloc` returns what `free` gets back. */
typedef struct fhi_backend_listener {
    uint32_t (*alloc)(void *context, uint32_t heap, uint32_t type, uint64_t size, bool dedicated);
    void (*free)(void *context, uint32_t heap, uint64_t size, uint32_t number);
    void *context;
} fhi_backend_listener;

/* What the operating system says of a heap, while a replay says so. */
typedef struct fhi_backend_budget {
    bool known;
    uint64_t budget; /* bytes */
    uint64_t others; /* bytes that are not the device's */
} fhi_backend_budget;

/* At one address while the device lives; `ops` are its own, for fh_device_desc.ops. */
typedef struct fhi_backend {
    const fh_backend_ops *inner; /* set these before the device is made */
    const void *inner_config;
    fhi_backend_listener listener;
    bool recorded_card; /* recorded memory types mean something */

    fhi_backend_budget budgets[FH_HEAP_MAX]; /* may change at any time between calls */

    fh_backend_ops ops; /* what follows is the backend's */
    bool counts_only;
    fh_backend_device *device; /* the inner one */
    fh_adapter_info info;
    uint32_t usable_types, ordinary_types;
    uint64_t used[FH_HEAP_MAX]; /* bytes */
    uint64_t inner_used[FH_HEAP_MAX];
    uint32_t memory_count;
} fhi_backend;

/* Fills in `ops`, from `inner`. UNSUPPORTED: the inner backend wants too much room. */
fh_result fhi_backend_init(fhi_backend *backend);

/* What the device is told of its heaps now; room for every heap. */
void fhi_backend_budgets(fhi_backend *backend, uint64_t tick, fh_heap_budget *out_budgets);

#endif
