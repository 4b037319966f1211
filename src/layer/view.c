#include "layer/view.h"

#include <stdlib.h>

/* Ids are kept as pointers (fhi_handle_map): as many as a pointer can tell apart. */
static void keep_view(fhi_layer_device *device, VkObjectType type, uint64_t handle, uint64_t id)
{
    void *before;
    if (device->commands != NULL && id != 0) {
        fhi_layer_keep(device, type, handle, (void *)(uintptr_t)id, &before);
    }
}

static void forget_view(fhi_layer_device *device, VkObjectType type, uint64_t handle)
{
    if (handle != 0) {
        fhi_handle_map_take(&device->objects, type, handle);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_image_view(VkDevice handle,
                                                        const VkImageViewCreateInfo *info,
                                                        const VkAllocationCallbacks *allocator,
                                                        VkImageView *out_view)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateImageView(handle, info, allocator, out_view);
    if (result == VK_SUCCESS) {
        keep_view(device, VK_OBJECT_TYPE_IMAGE_VIEW, FHI_HANDLE(*out_view),
                  fhi_layer_image_id(device, info->image));
    }
    return result;
}

/* What goes is forgotten first: as soon as the driver has it back, another thread may get the same
 * handle. */
static VKAPI_ATTR void VKAPI_CALL destroy_image_view(VkDevice handle, VkImageView view,
                                                     const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    forget_view(device, VK_OBJECT_TYPE_IMAGE_VIEW, FHI_HANDLE(view));
    device->down.DestroyImageView(handle, view, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer_view(VkDevice handle,
                                                         const VkBufferViewCreateInfo *info,
                                                         const VkAllocationCallbacks *allocator,
                                                         VkBufferView *out_view)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateBufferView(handle, info, allocator, out_view);
    if (result == VK_SUCCESS) {
        keep_view(device, VK_OBJECT_TYPE_BUFFER_VIEW, FHI_HANDLE(*out_view),
                  fhi_layer_buffer_id(device, info->buffer));
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_buffer_view(VkDevice handle, VkBufferView view,
                                                      const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    forget_view(device, VK_OBJECT_TYPE_BUFFER_VIEW, FHI_HANDLE(view));
    device->down.DestroyBufferView(handle, view, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_acceleration_structure(
    VkDevice handle, const VkAccelerationStructureCreateInfoKHR *info,
    const VkAllocationCallbacks *allocator, VkAccelerationStructureKHR *out_structure)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result =
        device->down.CreateAccelerationStructureKHR(handle, info, allocator, out_structure);
    if (result == VK_SUCCESS) {
        keep_view(device, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR, FHI_HANDLE(*out_structure),
                  fhi_layer_buffer_id(device, info->buffer));
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_acceleration_structure(
    VkDevice handle, VkAccelerationStructureKHR structure, const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    forget_view(device, VK_OBJECT_TYPE_ACCELERATION_STRUCTURE_KHR, FHI_HANDLE(structure));
    device->down.DestroyAccelerationStructureKHR(handle, structure, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_micromap(VkDevice handle,
                                                      const VkMicromapCreateInfoEXT *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkMicromapEXT *out_micromap)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateMicromapEXT(handle, info, allocator, out_micromap);
    if (result == VK_SUCCESS) {
        keep_view(device, VK_OBJECT_TYPE_MICROMAP_EXT, FHI_HANDLE(*out_micromap),
                  fhi_layer_buffer_id(device, info->buffer));
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_micromap(VkDevice handle, VkMicromapEXT micromap,
                                                   const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    forget_view(device, VK_OBJECT_TYPE_MICROMAP_EXT, FHI_HANDLE(micromap));
    device->down.DestroyMicromapEXT(handle, micromap, allocator);
}

/* An address or a number of a view may be put anywhere: what it names is used from now on. */
static VKAPI_ATTR VkDeviceAddress VKAPI_CALL get_acceleration_structure_address(
    VkDevice handle, const VkAccelerationStructureDeviceAddressInfoKHR *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_use_always(device, fhi_layer_structure_id(device, info->accelerationStructure));
    return device->down.GetAccelerationStructureDeviceAddressKHR(handle, info);
}

static VKAPI_ATTR uint32_t VKAPI_CALL get_image_view_handle(VkDevice handle,
                                                            const VkImageViewHandleInfoNVX *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_use_always(device, fhi_layer_image_view_id(device, info->imageView));
    return device->down.GetImageViewHandleNVX(handle, info);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_image_view_address(
    VkDevice handle, VkImageView view, VkImageViewAddressPropertiesNVX *out_properties)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_use_always(device, fhi_layer_image_view_id(device, view));
    return device->down.GetImageViewAddressNVX(handle, view, out_properties);
}

static void keep_framebuffer(fhi_layer_device *device, VkFramebuffer handle,
                             const VkFramebufferCreateInfo *info)
{
    /* pAttachments of an imageless one is not to be read. */
    uint32_t count =
        (info->flags & VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT) != 0 ? 0 : info->attachmentCount;
    fhi_layer_framebuffer *framebuffer =
        malloc(sizeof *framebuffer + count * sizeof framebuffer->ids[0]);
    if (framebuffer == NULL) {
        fhi_layer_uses_missing(device);
        return;
    }
    framebuffer->count = count;
    for (uint32_t i = 0; i < count; i++) {
        framebuffer->ids[i] = fhi_layer_image_view_id(device, info->pAttachments[i]);
    }
    void *before = NULL;
    if (!fhi_layer_keep(device, VK_OBJECT_TYPE_FRAMEBUFFER, FHI_HANDLE(handle), framebuffer,
                        &before)) {
        free(framebuffer);
    }
    free(before);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_framebuffer(VkDevice handle,
                                                         const VkFramebufferCreateInfo *info,
                                                         const VkAllocationCallbacks *allocator,
                                                         VkFramebuffer *out_framebuffer)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateFramebuffer(handle, info, allocator, out_framebuffer);
    if (result == VK_SUCCESS && device->commands != NULL) {
        keep_framebuffer(device, *out_framebuffer, info);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_framebuffer(VkDevice handle, VkFramebuffer framebuffer,
                                                      const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    free(
        fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_FRAMEBUFFER, FHI_HANDLE(framebuffer)));
    device->down.DestroyFramebuffer(handle, framebuffer, allocator);
}

static void free_framebuffer(void *context, void *framebuffer)
{
    (void)context;
    free(framebuffer);
}

void fhi_layer_views_close(fhi_layer_device *device)
{
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_FRAMEBUFFER, free_framebuffer, NULL);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CreateImageView, create_image_view),
    FHI_LAYER_ENTRY(DestroyImageView, destroy_image_view),
    FHI_LAYER_ENTRY(CreateBufferView, create_buffer_view),
    FHI_LAYER_ENTRY(DestroyBufferView, destroy_buffer_view),
    FHI_LAYER_ENTRY(CreateAccelerationStructureKHR, create_acceleration_structure),
    FHI_LAYER_ENTRY(DestroyAccelerationStructureKHR, destroy_acceleration_structure),
    FHI_LAYER_ENTRY(GetAccelerationStructureDeviceAddressKHR, get_acceleration_structure_address),
    FHI_LAYER_ENTRY(CreateMicromapEXT, create_micromap),
    FHI_LAYER_ENTRY(DestroyMicromapEXT, destroy_micromap),
    FHI_LAYER_ENTRY(GetImageViewHandleNVX, get_image_view_handle),
    FHI_LAYER_ENTRY(GetImageViewAddressNVX, get_image_view_address),
    FHI_LAYER_ENTRY(CreateFramebuffer, create_framebuffer),
    FHI_LAYER_ENTRY(DestroyFramebuffer, destroy_framebuffer),
};

const fhi_layer_entries fhi_layer_view_entries = FHI_LAYER_ENTRIES(list);
