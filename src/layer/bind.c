/* Resources come to lie in memory: by four calls, and two more under other names. */

#include "layer/resource.h"
#include "layer/tape.h"

static void record_bound(uint64_t id, uint64_t memory, uint64_t offset, uint64_t size)
{
    fh_trace_event event = {.kind = FH_TRACE_BOUND};
    event.bound = (fh_trace_bound){
        .resource = id,
        .memory = memory,
        .offset = offset,
        .size = size,
    };
    fhi_tape_record(&event);
}

/* What it takes of its memory. An image that the driver could not be asked about before it had any
 * has all the rest. */
static uint64_t bound_size(const fhi_layer_resource *resource, const fhi_layer_memory *memory,
                           uint64_t offset)
{
    return resource->needs_size != 0 || memory->size < offset ? resource->needs_size
                                                              : memory->size - offset;
}

static void note_buffer(fhi_layer_device *device, VkBuffer buffer, VkDeviceMemory handle,
                        VkDeviceSize offset)
{
    const fhi_layer_resource *resource = fhi_layer_buffer_of(device, buffer);
    const fhi_layer_memory *memory = fhi_layer_memory_of(device, handle);
    if (resource != NULL && memory != NULL) {
        record_bound(resource->id, memory->id, offset, bound_size(resource, memory, offset));
    }
}

/* The place of a plane's aspect among the image's planes; FHI_LAYER_PLANES_MAX: it is no plane. */
static uint32_t plane_index(VkFlags aspect)
{
    switch (aspect) {
    case VK_IMAGE_ASPECT_PLANE_0_BIT:
    case VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT:
        return 0;
    case VK_IMAGE_ASPECT_PLANE_1_BIT:
    case VK_IMAGE_ASPECT_MEMORY_PLANE_1_BIT_EXT:
        return 1;
    case VK_IMAGE_ASPECT_PLANE_2_BIT:
    case VK_IMAGE_ASPECT_MEMORY_PLANE_2_BIT_EXT:
        return 2;
    case VK_IMAGE_ASPECT_MEMORY_PLANE_3_BIT_EXT:
        return 3;
    default:
        return FHI_LAYER_PLANES_MAX;
    }
}

/* `aspect` is 0 for a whole image. Without memory it is bound to a swapchain's. */
static void note_image(fhi_layer_device *device, VkImage image, VkDeviceMemory handle,
                       VkDeviceSize offset, VkFlags aspect)
{
    fhi_layer_resource *resource = fhi_layer_image_of(device, image);
    const fhi_layer_memory *memory = fhi_layer_memory_of(device, handle);
    if (resource == NULL || memory == NULL) {
        return;
    }
    if (!resource->is_disjoint) {
        record_bound(resource->id, memory->id, offset, bound_size(resource, memory, offset));
        return;
    }
    uint32_t plane = plane_index(aspect);
    if (plane < FHI_LAYER_PLANES_MAX) {
        fhi_layer_needs needs = fhi_layer_image_needs(device, image, aspect);
        uint64_t id = fhi_layer_add_plane(device, resource, plane, &needs);
        if (id != 0) {
            record_bound(id, memory->id, offset, needs.requirements.size);
        }
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_buffer_memory(VkDevice handle, VkBuffer buffer,
                                                         VkDeviceMemory memory, VkDeviceSize offset)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.BindBufferMemory(handle, buffer, memory, offset);
    if (result == VK_SUCCESS) {
        note_buffer(device, buffer, memory, offset);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_image_memory(VkDevice handle, VkImage image,
                                                        VkDeviceMemory memory, VkDeviceSize offset)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.BindImageMemory(handle, image, memory, offset);
    if (result == VK_SUCCESS) {
        note_image(device, image, memory, offset, 0);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_buffer_memory2(VkDevice handle, uint32_t count,
                                                          const VkBindBufferMemoryInfo *infos)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.BindBufferMemory2(handle, count, infos);
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; i++) {
        note_buffer(device, infos[i].buffer, infos[i].memory, infos[i].memoryOffset);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_image_memory2(VkDevice handle, uint32_t count,
                                                         const VkBindImageMemoryInfo *infos)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.BindImageMemory2(handle, count, infos);
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; i++) {
        const VkBindImagePlaneMemoryInfo *plane =
            fhi_layer_find_in_chain(infos[i].pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_PLANE_MEMORY_INFO);
        note_image(device, infos[i].image, infos[i].memory, infos[i].memoryOffset,
                   plane ? (VkFlags)plane->planeAspect : 0);
    }
    return result;
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(BindBufferMemory, bind_buffer_memory),
    FHI_LAYER_ENTRY(BindBufferMemory2, bind_buffer_memory2),
    FHI_LAYER_ENTRY(BindBufferMemory2KHR, bind_buffer_memory2),
    FHI_LAYER_ENTRY(BindImageMemory, bind_image_memory),
    FHI_LAYER_ENTRY(BindImageMemory2, bind_image_memory2),
    FHI_LAYER_ENTRY(BindImageMemory2KHR, bind_image_memory2),
};
const fhi_layer_entries fhi_layer_bind_entries = FHI_LAYER_ENTRIES(entries);
