/* The simulated device's memory: address space of this process, which takes room in RAM when it is
 * first written. */

#ifndef FREEHOLD_HOST_MEMORY_H
#define FREEHOLD_HOST_MEMORY_H

#include <freehold/backend.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the device keeps of one memory, in room that Freehold lends.
 *
 * Of a type that is host-visible and not coherent the CPU and the GPU each see their own bytes:
 * `split`. The CPU's lie in a second range, which exists while the memory is mapped, and begins
 * with the GPU's bytes; flush and invalidate copy. So what was not flushed is missing, as on the
 * real thing on a bad day. */
typedef struct fhi_sim_memory {
    uint8_t *gpu;  /* what the GPU sees */
    uint8_t *cpu;  /* what the CPU sees while it is mapped; the same unless split */
    uint64_t size; /* bytes */
    uint32_t heap;
    bool split;
    bool imported; /* the caller's, never given back */
    /* Of split memory: no byte of the GPU's outside of these was ever written, so a map need not
     * copy them (and take RAM for them). Any thread may widen it. */
    _Atomic uint64_t written_begin, written_end;
} fhi_sim_memory;

/* The GPU's bytes from `at` on are written. */
void fhi_sim_memory_written(fhi_sim_memory *memory, const uint8_t *at, uint64_t size);

/* Operations of fh_backend_ops; `room` is what Freehold lends, and is or becomes a
 * fhi_sim_memory. */
fh_result fhi_sim_memory_alloc(fh_backend_device *device, const fh_memory_request *request,
                               void *room);
fh_result fhi_sim_memory_import(fh_backend_device *device, const fh_memory_request *request,
                                void *room);
void fhi_sim_memory_free(fh_backend_device *device, void *room);
fh_result fhi_sim_memory_map(fh_backend_device *device, void *room, void **out_pointer);
void fhi_sim_memory_unmap(fh_backend_device *device, void *room);
fh_result fhi_sim_memory_flush(fh_backend_device *device, void *room, uint64_t offset,
                               uint64_t size);
fh_result fhi_sim_memory_invalidate(fh_backend_device *device, void *room, uint64_t offset,
                                    uint64_t size);

#endif
