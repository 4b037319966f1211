/* Images of swapchains: the window system's memory, which the program draws into and never binds.
 * They are there from the first time that it asks for them, and go with their swapchain. */

#include "layer/resource.h"
#include "layer/tape.h"
#include "layer/words.h"

#include <stdlib.h>
#include <string.h>

/* Under VK_OBJECT_TYPE_SWAPCHAIN_KHR. */
typedef struct swapchain {
    fh_trace_resource described; /* what its images have in common */
    fhi_latch latch;             /* guards all below: several threads may ask for the images */
    uint32_t count;
    uint64_t *images; /* handles */
} swapchain;

static void keep_swapchain(fhi_layer_device *device, const VkSwapchainCreateInfoKHR *info,
                           VkSwapchainKHR handle)
{
    swapchain *chain = calloc(1, sizeof *chain);
    void *before = NULL;
    if (chain == NULL || !fhi_handle_map_put(&device->objects, VK_OBJECT_TYPE_SWAPCHAIN_KHR,
                                             FHI_HANDLE(handle), chain, &before)) {
        free(chain);
        return;
    }
    free(before);
    chain->described = (fh_trace_resource){
        .kind = FH_KIND_TEXTURE,
        .flags = FH_TRACE_RESOURCE_SWAPCHAIN,
        .usage = fhi_layer_image_usage(info->imageUsage),
        .native_usage = info->imageUsage,
        .format = fhi_layer_format(info->imageFormat),
        .native_format = (uint64_t)info->imageFormat,
        .width = info->imageExtent.width,
        .height = info->imageExtent.height,
        .depth = 1,
        .layers = info->imageArrayLayers,
        .mips = 1,
        .samples = 1,
    };
}

static VKAPI_ATTR VkResult VKAPI_CALL create_swapchain(VkDevice handle,
                                                       const VkSwapchainCreateInfoKHR *info,
                                                       const VkAllocationCallbacks *allocator,
                                                       VkSwapchainKHR *out_swapchain)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateSwapchainKHR(handle, info, allocator, out_swapchain);
    fhi_layer_note_result(device, result);
    if (result == VK_SUCCESS) {
        keep_swapchain(device, info, *out_swapchain);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_shared_swapchains(VkDevice handle, uint32_t count, const VkSwapchainCreateInfoKHR *infos,
                         const VkAllocationCallbacks *allocator, VkSwapchainKHR *out_swapchains)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result =
        device->down.CreateSharedSwapchainsKHR(handle, count, infos, allocator, out_swapchains);
    fhi_layer_note_result(device, result);
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; i++) {
        keep_swapchain(device, &infos[i], out_swapchains[i]);
    }
    return result;
}

/* Images that were not asked for before. The latch is held while they are recorded: a few, once. */
static void note_images(fhi_layer_device *device, VkSwapchainKHR handle, uint32_t count,
                        const VkImage *images)
{
    swapchain *chain =
        fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_SWAPCHAIN_KHR, FHI_HANDLE(handle));
    if (chain == NULL) {
        return;
    }
    fhi_latch_acquire(&chain->latch);
    uint64_t *kept =
        count > chain->count ? realloc(chain->images, count * sizeof *kept) : chain->images;
    if (kept != NULL) {
        chain->images = kept;
        for (uint32_t i = chain->count; i < count; i++) {
            fhi_layer_needs unknown = {0};
            fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
            event.resource = chain->described;
            fhi_layer_add_resource(device, VK_OBJECT_TYPE_IMAGE, FHI_HANDLE(images[i]), &unknown,
                                   &event);
            chain->images[i] = FHI_HANDLE(images[i]);
            chain->count = i + 1;
        }
    }
    fhi_latch_release(&chain->latch);
}

/* They come in one order, however many the program asks for. */
static VKAPI_ATTR VkResult VKAPI_CALL get_swapchain_images(VkDevice handle,
                                                           VkSwapchainKHR swapchain_handle,
                                                           uint32_t *count, VkImage *out_images)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result =
        device->down.GetSwapchainImagesKHR(handle, swapchain_handle, count, out_images);
    if ((result == VK_SUCCESS || result == VK_INCOMPLETE) && out_images != NULL) {
        note_images(device, swapchain_handle, *count, out_images);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_swapchain(VkDevice handle,
                                                    VkSwapchainKHR swapchain_handle,
                                                    const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    swapchain *chain = fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_SWAPCHAIN_KHR,
                                           FHI_HANDLE(swapchain_handle));
    if (chain != NULL) {
        for (uint32_t i = 0; i < chain->count; i++) {
            fhi_layer_remove_resource(device, VK_OBJECT_TYPE_IMAGE, chain->images[i]);
        }
        fhi_layer_free_swapchain(NULL, chain);
    }
    device->down.DestroySwapchainKHR(handle, swapchain_handle, allocator);
}

void fhi_layer_free_swapchain(void *context, void *object)
{
    (void)context;
    swapchain *chain = object;
    free(chain->images);
    free(chain);
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(CreateSharedSwapchainsKHR, create_shared_swapchains),
    FHI_LAYER_ENTRY(CreateSwapchainKHR, create_swapchain),
    FHI_LAYER_ENTRY(DestroySwapchainKHR, destroy_swapchain),
    FHI_LAYER_ENTRY(GetSwapchainImagesKHR, get_swapchain_images),
};
const fhi_layer_entries fhi_layer_swapchain_entries = FHI_LAYER_ENTRIES(entries);
