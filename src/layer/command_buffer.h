/* What the layer keeps of each command buffer: the ids of the resources that its commands refer to.
 * A barrier, and an image that is put into a set which nobody binds, are no use.
 *
 * A command buffer and its pool belong to one thread at a time, by Vulkan's rules, so a command
 * that is recorded takes no lock here but those of the maps of handles, for a look-up each. A
 * submit only reads. */

#ifndef FREEHOLD_LAYER_COMMAND_BUFFER_H
#define FREEHOLD_LAYER_COMMAND_BUFFER_H

#include "layer/commands.h"
#include "layer/resource.h"

#include "base/lock.h"

/* Sets that were bound lately; a power of two. */
#define FHI_COMMAND_BUFFER_SETS 16

typedef struct fhi_command_pool fhi_command_pool;

typedef struct fhi_command_buffer {
    fhi_id_set uses;
    /* Serials of sets whose contents are in `uses`, each at serial % FHI_COMMAND_BUFFER_SETS: a
     * program binds the same few again and again. What a bound set has cannot change any more until
     * the command buffer is reset, or the command buffer would become invalid. */
    uint64_t sets[FHI_COMMAND_BUFFER_SETS];
    VkCommandBuffer handle;
    fhi_command_pool *pool;
    struct fhi_command_buffer *previous, *next; /* of the pool */
} fhi_command_buffer;

/* Of one device. */
struct fhi_layer_commands {
    fhi_latch latch;            /* guards `always` */
    fhi_id_set always;          /* what ALWAYS_USED was said of */
    _Atomic uint64_t set_count; /* serials of descriptor sets */
    _Atomic bool complained;    /* that host memory ran out */
};

/* NULL: not known; then nothing is kept. */
static inline fhi_command_buffer *fhi_layer_command_buffer_of(fhi_layer_device *device,
                                                              VkCommandBuffer handle)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_COMMAND_BUFFER, FHI_HANDLE(handle));
}

/* Where one command says what it uses. */
typedef struct fhi_layer_use {
    fhi_layer_device *device;
    fhi_command_buffer *buffer; /* NULL: not known */
} fhi_layer_use;

static inline fhi_layer_use fhi_layer_use_of(VkCommandBuffer handle)
{
    fhi_layer_use use = {fhi_layer_device_of((const void *)handle), NULL};
    use.buffer = fhi_layer_command_buffer_of(use.device, handle);
    return use;
}

/* VK_NULL_HANDLE, and what is not known, are left out. */
static inline void fhi_layer_use_buffer(fhi_layer_use use, VkBuffer buffer)
{
    if (use.buffer != NULL && buffer != VK_NULL_HANDLE) {
        fhi_id_set_add(&use.buffer->uses, fhi_layer_buffer_id(use.device, buffer));
    }
}

static inline void fhi_layer_use_buffers(fhi_layer_use use, uint32_t count, const VkBuffer *buffers)
{
    for (uint32_t i = 0; buffers != NULL && i < count; i++) {
        fhi_layer_use_buffer(use, buffers[i]);
    }
}

static inline void fhi_layer_use_image(fhi_layer_use use, VkImage image)
{
    if (use.buffer != NULL && image != VK_NULL_HANDLE) {
        fhi_id_set_add(&use.buffer->uses, fhi_layer_image_id(use.device, image));
    }
}

static inline void fhi_layer_use_id(fhi_layer_use use, uint64_t id)
{
    if (use.buffer != NULL) {
        fhi_id_set_add(&use.buffer->uses, id);
    }
}

/* From now on the resource counts as used whenever the GPU works; said once. Any thread. */
void fhi_layer_use_always(fhi_layer_device *device, uint64_t id);

/* Puts `object` into the map under its handle. Says once per device that host memory ran out, and
 * returns false then. What another object of the same handle left there is given back. */
bool fhi_layer_keep(fhi_layer_device *device, VkObjectType type, uint64_t handle, void *object,
                    void **out_before);

/* Says once per device that host memory ran out, so that uses are missing. */
void fhi_layer_uses_missing(fhi_layer_device *device);

#endif
