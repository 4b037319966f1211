/* Buffers and images: described when they are made, with what the driver says that they need. The
 * program may ask for that later, or never; the layer asks at once, below itself, so that the
 * answer is there when the resource is bound. */

#include "layer/resource.h"

#include "layer/tape.h"
#include "layer/words.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- keeping ---- */

/* What stands in the map under VK_OBJECT_TYPE_UNKNOWN: for an id, one of these two; for the n-th
 * plane of an image, under its id with n + 1 in the top bits, the id of the plane's resource. */
static char living_mark, disjoint_mark;

static uint64_t plane_key(uint64_t id, uint32_t plane)
{
    return id | (uint64_t)(plane + 1) << 56;
}

static bool keep_id(fhi_layer_device *device, uint64_t key, void *what)
{
    void *before;
    return fhi_handle_map_put(&device->objects, VK_OBJECT_TYPE_UNKNOWN, key, what, &before);
}

static void forget_id(fhi_layer_device *device, uint64_t key)
{
    fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_UNKNOWN, key);
}

static void record_destroyed(uint64_t id)
{
    fh_trace_event event = {.kind = FH_TRACE_DESTROYED};
    event.destroyed.resource = id;
    fhi_tape_record(&event);
}

static void describe_needs(fh_trace_resource *resource, const fhi_layer_needs *needs)
{
    resource->needs_size = needs->requirements.size;
    resource->needs_alignment = needs->requirements.alignment;
    resource->needs_types = needs->requirements.memoryTypeBits;
    resource->dedicated = needs->dedicated;
}

void fhi_layer_remove_resource(fhi_layer_device *device, VkObjectType type, uint64_t handle)
{
    fhi_layer_resource *resource = fhi_handle_map_take(&device->objects, type, handle);
    if (resource == NULL) {
        return;
    }
    forget_id(device, resource->id);
    for (uint32_t i = 0; i < FHI_LAYER_PLANES_MAX; i++) {
        if (resource->planes[i] != 0) {
            forget_id(device, plane_key(resource->id, i));
            record_destroyed(resource->planes[i]);
        }
    }
    record_destroyed(resource->id);
    free(resource);
}

fhi_layer_resource *fhi_layer_add_resource(fhi_layer_device *device, VkObjectType type,
                                           uint64_t handle, const fhi_layer_needs *needs,
                                           fh_trace_event *event)
{
    /* A handle that comes a second time belongs to something new. */
    fhi_layer_remove_resource(device, type, handle);
    fhi_layer_resource *resource = calloc(1, sizeof *resource);
    void *before;
    if (resource == NULL ||
        !fhi_handle_map_put(&device->objects, type, handle, resource, &before)) {
        fhi_tape_problem("No memory to follow a resource: it is left out.");
        free(resource);
        return NULL;
    }
    resource->id = fhi_tape_id(FH_TRACE_NOUN_RESOURCE);
    resource->needs_size = needs->requirements.size;
    event->resource.resource = resource->id;
    event->resource.device = device->id;
    describe_needs(&event->resource, needs);
    /* Where this has no memory the resource is there, and submits leave it out. */
    keep_id(device, resource->id, &living_mark);
    fhi_tape_record(event);
    return resource;
}

uint64_t fhi_layer_add_plane(fhi_layer_device *device, fhi_layer_resource *image, uint32_t plane,
                             const fhi_layer_needs *needs)
{
    if (image->planes[plane] != 0) {
        return image->planes[plane];
    }
    uint64_t id = fhi_tape_id(FH_TRACE_NOUN_RESOURCE);
    if (!keep_id(device, image->id, &disjoint_mark) ||
        !keep_id(device, plane_key(image->id, plane), (void *)(uintptr_t)id)) {
        fhi_tape_problem("No memory to follow a plane of an image: it is left out.");
        return 0;
    }
    image->planes[plane] = id;
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    event.resource = (fh_trace_resource){
        .resource = id,
        .device = device->id,
        .kind = FH_KIND_RAW,
        .size = needs->requirements.size,
    };
    describe_needs(&event.resource, needs);
    fhi_tape_record(&event);

    char name[64];
    snprintf(name, sizeof name, "plane %u of image %llu", plane, (unsigned long long)image->id);
    fh_trace_event named = {.kind = FH_TRACE_NAMED, .text = name};
    named.named = (fh_trace_named){.noun = FH_TRACE_NOUN_RESOURCE, .id = id};
    fhi_tape_record(&named);
    return id;
}

void fhi_layer_living(fhi_layer_device *device, const fhi_id_set *ids, fhi_id_set *out_living)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        const void *mark =
            fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_UNKNOWN, ids->ids[i]);
        if (mark == &living_mark) {
            fhi_id_set_add(out_living, ids->ids[i]);
        }
        for (uint32_t plane = 0; mark == &disjoint_mark && plane < FHI_LAYER_PLANES_MAX; plane++) {
            const void *id = fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_UNKNOWN,
                                                plane_key(ids->ids[i], plane));
            fhi_id_set_add(out_living, (uintptr_t)id);
        }
    }
}

/* ---- what they need ---- */

static fhi_layer_needs to_needs(const VkMemoryRequirements *requirements,
                                const VkMemoryDedicatedRequirements *dedicated)
{
    return (fhi_layer_needs){
        .requirements = *requirements,
        .dedicated = dedicated->requiresDedicatedAllocation  ? 2
                     : dedicated->prefersDedicatedAllocation ? 1
                                                             : 0,
    };
}

static fhi_layer_needs buffer_needs(fhi_layer_device *device, VkBuffer buffer)
{
    VkMemoryDedicatedRequirements dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
    };
    VkMemoryRequirements2 requirements = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2,
        .pNext = device->has_dedicated ? &dedicated : NULL,
    };
    if (device->has_requirements2) {
        VkBufferMemoryRequirementsInfo2 info = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
            .buffer = buffer,
        };
        device->down.GetBufferMemoryRequirements2(device->handle, &info, &requirements);
    } else {
        device->down.GetBufferMemoryRequirements(device->handle, buffer,
                                                 &requirements.memoryRequirements);
    }
    return to_needs(&requirements.memoryRequirements, &dedicated);
}

fhi_layer_needs fhi_layer_image_needs(fhi_layer_device *device, VkImage image, VkFlags plane)
{
    VkMemoryDedicatedRequirements dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
    };
    VkMemoryRequirements2 requirements = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2,
        .pNext = device->has_dedicated ? &dedicated : NULL,
    };
    if (device->has_requirements2) {
        VkImagePlaneMemoryRequirementsInfo of_plane = {
            .sType = VK_STRUCTURE_TYPE_IMAGE_PLANE_MEMORY_REQUIREMENTS_INFO,
            .planeAspect = (VkImageAspectFlagBits)plane,
        };
        VkImageMemoryRequirementsInfo2 info = {
            .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
            .pNext = plane != 0 ? &of_plane : NULL,
            .image = image,
        };
        device->down.GetImageMemoryRequirements2(device->handle, &info, &requirements);
    } else {
        device->down.GetImageMemoryRequirements(device->handle, image,
                                                &requirements.memoryRequirements);
    }
    return to_needs(&requirements.memoryRequirements, &dedicated);
}

/* ---- buffers ---- */

/* VkBufferUsageFlags2CreateInfoKHR, which headers of 2023 do not have. Source: vk.xml. */
enum {
    BUFFER_USAGE_FLAGS_2 = 1000470006
};

typedef struct buffer_usage_flags2 {
    VkStructureType type;
    const void *next;
    uint64_t usage;
} buffer_usage_flags2;

static uint64_t usage_of(const VkBufferCreateInfo *info)
{
    const buffer_usage_flags2 *wider =
        fhi_layer_find_in_chain(info->pNext, (VkStructureType)BUFFER_USAGE_FLAGS_2);
    return wider ? wider->usage : info->usage;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice handle, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkBuffer *out_buffer)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateBuffer(handle, info, allocator, out_buffer);
    if (result != VK_SUCCESS) {
        fhi_layer_note_result(device, result);
        return result;
    }
    const VkExternalMemoryBufferCreateInfo *external =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
    uint64_t usage = usage_of(info);
    uint64_t flags = external && external->handleTypes ? FH_TRACE_RESOURCE_EXTERNAL : 0;
    flags |= info->flags & VK_BUFFER_CREATE_SPARSE_BINDING_BIT ? FH_TRACE_RESOURCE_SPARSE : 0;
    flags |= usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT ? FH_TRACE_RESOURCE_ALWAYS : 0;
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    event.resource = (fh_trace_resource){
        .kind = FH_KIND_BUFFER,
        .flags = flags,
        .size = info->size,
        .usage = fhi_layer_buffer_usage((VkBufferUsageFlags)usage),
        .native_usage = usage,
        .native_flags = info->flags,
    };
    fhi_layer_needs needs = buffer_needs(device, *out_buffer);
    fhi_layer_add_resource(device, VK_OBJECT_TYPE_BUFFER, FHI_HANDLE(*out_buffer), &needs, &event);
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_buffer(VkDevice handle, VkBuffer buffer,
                                                 const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_remove_resource(device, VK_OBJECT_TYPE_BUFFER, FHI_HANDLE(buffer));
    device->down.DestroyBuffer(handle, buffer, allocator);
}

/* ---- images ---- */

static fh_texture_kind texture_kind(const VkImageCreateInfo *info)
{
    switch (info->imageType) {
    case VK_IMAGE_TYPE_1D:
        return FH_TEXTURE_1D;
    case VK_IMAGE_TYPE_3D:
        return FH_TEXTURE_3D;
    default:
        return (info->flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) && info->arrayLayers % 6 == 0
                   ? FH_TEXTURE_CUBE
                   : FH_TEXTURE_2D;
    }
}

/* The handle types that an image shares its memory by. */
static VkFlags shared_by(const VkImageCreateInfo *info)
{
    const VkExternalMemoryImageCreateInfo *external =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO);
    return external ? external->handleTypes : 0;
}

/* It will be bound to an image of a swapchain. */
static bool is_of_swapchain(const VkImageCreateInfo *info)
{
    const VkImageSwapchainCreateInfoKHR *swapchain =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR);
    return swapchain != NULL && swapchain->swapchain != VK_NULL_HANDLE;
}

static uint64_t image_flags(const VkImageCreateInfo *info)
{
    uint64_t flags = info->tiling == VK_IMAGE_TILING_LINEAR ? FH_TRACE_RESOURCE_LINEAR : 0;
    flags |= info->flags & VK_IMAGE_CREATE_SPARSE_BINDING_BIT ? FH_TRACE_RESOURCE_SPARSE : 0;
    flags |= info->flags & VK_IMAGE_CREATE_ALIAS_BIT ? FH_TRACE_RESOURCE_ALIASED : 0;
    flags |= shared_by(info) ? FH_TRACE_RESOURCE_EXTERNAL : 0;
    flags |= is_of_swapchain(info) ? FH_TRACE_RESOURCE_SWAPCHAIN : 0;
    return flags;
}

/* Vulkan lets nobody ask what these need: of an image in planes each plane is asked for when it is
 * bound, of Android's buffers the memory knows, and the window system's memory is its own. */
static bool may_ask(const VkImageCreateInfo *info)
{
    return !(info->flags & VK_IMAGE_CREATE_DISJOINT_BIT) && !is_of_swapchain(info) &&
           !(shared_by(info) & VK_EXTERNAL_MEMORY_HANDLE_TYPE_ANDROID_HARDWARE_BUFFER_BIT_ANDROID);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_image(VkDevice handle, const VkImageCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator,
                                                   VkImage *out_image)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateImage(handle, info, allocator, out_image);
    if (result != VK_SUCCESS) {
        fhi_layer_note_result(device, result);
        return result;
    }
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    event.resource = (fh_trace_resource){
        .kind = FH_KIND_TEXTURE,
        .flags = image_flags(info),
        .usage = fhi_layer_image_usage(info->usage),
        .native_usage = info->usage,
        .native_flags = info->flags,
        .format = fhi_layer_format(info->format),
        .native_format = (uint64_t)info->format,
        .texture_kind = texture_kind(info),
        .width = info->extent.width,
        .height = info->extent.height,
        .depth = info->extent.depth,
        .layers = info->arrayLayers,
        .mips = info->mipLevels,
        .samples = info->samples,
    };
    fhi_layer_needs needs = {0};
    if (may_ask(info)) {
        needs = fhi_layer_image_needs(device, *out_image, 0);
    }
    fhi_layer_resource *resource = fhi_layer_add_resource(device, VK_OBJECT_TYPE_IMAGE,
                                                          FHI_HANDLE(*out_image), &needs, &event);
    if (resource != NULL) {
        resource->is_disjoint = (info->flags & VK_IMAGE_CREATE_DISJOINT_BIT) != 0;
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_image(VkDevice handle, VkImage image,
                                                const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_remove_resource(device, VK_OBJECT_TYPE_IMAGE, FHI_HANDLE(image));
    device->down.DestroyImage(handle, image, allocator);
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(CreateBuffer, create_buffer),
    FHI_LAYER_ENTRY(CreateImage, create_image),
    FHI_LAYER_ENTRY(DestroyBuffer, destroy_buffer),
    FHI_LAYER_ENTRY(DestroyImage, destroy_image),
};
const fhi_layer_entries fhi_layer_resource_entries = FHI_LAYER_ENTRIES(entries);
