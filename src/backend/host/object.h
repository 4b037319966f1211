/* The simulated device's buffers and textures. */

#ifndef FREEHOLD_HOST_OBJECT_H
#define FREEHOLD_HOST_OBJECT_H

#include <freehold/backend.h>

#include "backend/host/memory.h"
#include "backend/texture.h"

#include <stdatomic.h>
#include <stdint.h>

/* What the device keeps of one object, in room that Freehold lends. */
typedef struct fhi_sim_object {
    uint8_t *gpu; /* its first byte; NULL until it is bound */
    fhi_sim_memory *memory;
    uint64_t size;            /* bytes it takes of its memory */
    fhi_texture_shape shape;  /* {0} for a buffer */
    _Atomic uint32_t pending; /* copies that name it and did not happen yet */
} fhi_sim_object;

/* Operations of fh_backend_ops; `room` is what Freehold lends, and is or becomes a
 * fhi_sim_object. */
fh_result fhi_sim_buffer_create(fh_backend_device *device, const fh_buffer_desc *desc,
                                uint64_t size, void *room, fh_requirements *out_requirements);
fh_result fhi_sim_texture_create(fh_backend_device *device, const fh_texture_desc *desc, void *room,
                                 fh_requirements *out_requirements);
fh_result fhi_sim_bind(fh_backend_device *device, void *room, void *memory_room, uint64_t offset);
void fhi_sim_object_destroy(fh_backend_device *device, void *room);
uint64_t fhi_sim_buffer_address(fh_backend_device *device, void *room);

#endif
