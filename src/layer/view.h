/* What stands between commands and resources: views of images and buffers, framebuffers,
 * acceleration structures. All that matters of a view is whose it is, so the map of handles holds
 * the resource's id itself in the place of an object. A resource that is gone, or another that has
 * its handle now, is no danger: ids are never used twice. */

#ifndef FREEHOLD_LAYER_VIEW_H
#define FREEHOLD_LAYER_VIEW_H

#include "layer/command_buffer.h"

static inline uint64_t fhi_layer_viewed(fhi_layer_device *device, VkObjectType type,
                                        uint64_t handle)
{
    return handle == 0 ? 0 : (uintptr_t)fhi_handle_map_get(&device->objects, type, handle);
}

/* 0: not known, or VK_NULL_HANDLE. */
static inline uint64_t fhi_layer_image_view_id(fhi_layer_device *device, VkImageView view)
{
    return fhi_layer_viewed(device, VK_OBJECT_TYPE_IMAGE_VIEW, FHI_HANDLE(view));
}

static inline uint64_t fhi_layer_buffer_view_id(fhi_layer_device *device, VkBufferView view)
{
    return fhi_layer_viewed(device, VK_OBJECT_TYPE_BUFFER_VIEW, FHI_HANDLE(view));
}

/* The buffer that it lies in. */
static inline uint64_t fhi_layer_structure_id(fhi_layer_device *device,
                                              VkAccelerationStructureKHR structure)
{
    return fhi_layer_viewed(device, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR,
                            FHI_HANDLE(structure));
}

static inline uint64_t fhi_layer_micromap_id(fhi_layer_device *device, VkMicromapEXT micromap)
{
    return fhi_layer_viewed(device, VK_OBJECT_TYPE_MICROMAP_EXT, FHI_HANDLE(micromap));
}

static inline void fhi_layer_use_view(fhi_layer_use use, VkImageView view)
{
    if (use.buffer != NULL && view != VK_NULL_HANDLE) {
        fhi_id_set_add(&use.buffer->uses, fhi_layer_image_view_id(use.device, view));
    }
}

/* The images behind a framebuffer's own attachments; none where it is imageless. */
typedef struct fhi_layer_framebuffer {
    uint32_t count;
    uint64_t ids[];
} fhi_layer_framebuffer;

static inline const fhi_layer_framebuffer *fhi_layer_framebuffer_of(fhi_layer_device *device,
                                                                    VkFramebuffer framebuffer)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_FRAMEBUFFER,
                              FHI_HANDLE(framebuffer));
}

/* Frees what the program left. */
void fhi_layer_views_close(fhi_layer_device *device);

#endif
