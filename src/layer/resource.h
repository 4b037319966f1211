/* What the layer knows of memories, buffers and images. They stand in the device's map of handles
 * under VK_OBJECT_TYPE_DEVICE_MEMORY, _BUFFER and _IMAGE. The ids of resources stand there, too,
 * under _UNKNOWN: whoever has kept an id (a command buffer, a set of descriptors) can ask whether
 * that resource is still there, while other threads make and destroy theirs. */

#ifndef FREEHOLD_LAYER_RESOURCE_H
#define FREEHOLD_LAYER_RESOURCE_H

#include "layer/device.h"
#include "layer/id_set.h"

typedef struct fhi_layer_memory {
    uint64_t id;
    uint64_t size;
} fhi_layer_memory;

/* An image whose planes are bound one by one takes memory at several places, and the trace knows
 * one for each resource: so each plane counts as a resource of its own, from when it is bound. */
#define FHI_LAYER_PLANES_MAX 4

typedef struct fhi_layer_resource {
    uint64_t id;         /* in the trace; never 0 */
    uint64_t needs_size; /* 0 = not known */
    bool is_disjoint;
    uint64_t planes[FHI_LAYER_PLANES_MAX]; /* their ids; 0 = not bound */
} fhi_layer_resource;

/* NULL: not known, or the handle is VK_NULL_HANDLE. */
static inline fhi_layer_memory *fhi_layer_memory_of(fhi_layer_device *device, VkDeviceMemory memory)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_DEVICE_MEMORY, FHI_HANDLE(memory));
}

static inline fhi_layer_resource *fhi_layer_buffer_of(fhi_layer_device *device, VkBuffer buffer)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_BUFFER, FHI_HANDLE(buffer));
}

static inline fhi_layer_resource *fhi_layer_image_of(fhi_layer_device *device, VkImage image)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_IMAGE, FHI_HANDLE(image));
}

/* Ids for commands: 0 when not known. A buffer or an image that is destroyed while somebody still
 * holds its id does no harm: submits leave out the ids of what is gone, and for an image in planes
 * name the planes. */
static inline uint64_t fhi_layer_buffer_id(fhi_layer_device *device, VkBuffer buffer)
{
    const fhi_layer_resource *resource = fhi_layer_buffer_of(device, buffer);
    return resource ? resource->id : 0;
}

static inline uint64_t fhi_layer_image_id(fhi_layer_device *device, VkImage image)
{
    const fhi_layer_resource *resource = fhi_layer_image_of(device, image);
    return resource ? resource->id : 0;
}

/* ---- for those who make resources ---- */

/* What the driver says that a resource needs; {0} = it may not be asked. */
typedef struct fhi_layer_needs {
    VkMemoryRequirements requirements;
    uint32_t dedicated; /* 0 no opinion, 1 prefers, 2 requires */
} fhi_layer_needs;

/* `plane` is an aspect, of a disjoint image; 0 = the whole. */
fhi_layer_needs fhi_layer_image_needs(fhi_layer_device *device, VkImage image, VkFlags plane);

/* Keeps a new resource under its handle, and records `event`, a RESOURCE; fills in its ids and what
 * it needs. NULL: no host memory, which is recorded; the resource is then left out. */
fhi_layer_resource *fhi_layer_add_resource(fhi_layer_device *device, VkObjectType type,
                                           uint64_t handle, const fhi_layer_needs *needs,
                                           fh_trace_event *event);

/* Forgets a resource, before its handle is given back, and records that; does nothing when it is
 * not known. */
void fhi_layer_remove_resource(fhi_layer_device *device, VkObjectType type, uint64_t handle);

/* The id of that plane's resource, which is recorded when it is new. 0: no host memory. */
uint64_t fhi_layer_add_plane(fhi_layer_device *device, fhi_layer_resource *image, uint32_t plane,
                             const fhi_layer_needs *needs);

/* From ids that were kept to those that a submit is to name: without those that are gone. */
void fhi_layer_living(fhi_layer_device *device, const fhi_id_set *ids, fhi_id_set *out_living);

/* Frees what the map has under VK_OBJECT_TYPE_SWAPCHAIN_KHR. */
void fhi_layer_free_swapchain(void *context, void *object);

#endif
