/* The layer's front: what it stands in for, by name. A function that it does not know, and one that
 * the layer below does not have, is the layer below's own answer: so a program finds the same
 * functions with this layer and without. */

#include "layer/commands.h"
#include "layer/device.h"

#include <string.h>

/* Of everything that has a device or a physical device. */
static const fhi_layer_entries *const all_entries[] = {
    &fhi_layer_budget_entries,
    &fhi_layer_device_entries,
    &fhi_layer_memory_entries,
    &fhi_layer_resource_entries,
    &fhi_layer_bind_entries,
    &fhi_layer_submit_entries,
    &fhi_layer_wait_entries,
    &fhi_layer_swapchain_entries,
    &fhi_layer_name_entries,
    &fhi_layer_command_buffer_entries,
    &fhi_layer_copy_entries,
    &fhi_layer_descriptor_set_entries,
    &fhi_layer_descriptor_template_entries,
    &fhi_layer_descriptor_write_entries,
    &fhi_layer_draw_entries,
    &fhi_layer_pass_entries,
    &fhi_layer_ray_entries,
    &fhi_layer_view_entries,
};

static PFN_vkVoidFunction find_entry(const fhi_layer_entries *entries, const char *name)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->list[i].name, name) == 0) {
            return entries->list[i].function;
        }
    }
    return NULL;
}

/* Ours, or else `below`. */
static PFN_vkVoidFunction find_own(const char *name, PFN_vkVoidFunction below)
{
    PFN_vkVoidFunction own = NULL;
    for (size_t i = 0; i < sizeof all_entries / sizeof all_entries[0] && own == NULL; i++) {
        own = find_entry(all_entries[i], name);
    }
    return own ? own : below;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fhi_layer_instance_proc(VkInstance handle,
                                                                 const char *name)
{
    PFN_vkVoidFunction own = find_entry(&fhi_layer_instance_entries, name);
    fhi_layer_instance *instance = handle ? fhi_layer_instance_of(handle) : NULL;
    if (own != NULL || instance == NULL) {
        return own;
    }
    PFN_vkVoidFunction below = instance->down.GetInstanceProcAddr(handle, name);
    return below ? find_own(name, below) : NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fhi_layer_device_proc(VkDevice handle, const char *name)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    PFN_vkVoidFunction below = device ? device->down.GetDeviceProcAddr(device->handle, name) : NULL;
    return below ? find_own(name, below) : NULL;
}

/* The loader asks here for functions of physical devices that it does not know. Nor do we. */
static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL physical_device_proc(VkInstance handle,
                                                                     const char *name)
{
    fhi_layer_instance *instance = handle ? fhi_layer_instance_of(handle) : NULL;
    return instance && instance->physical_device_proc ? instance->physical_device_proc(handle, name)
                                                      : NULL;
}

/* The one name that the library shows. Source: the loader's LoaderLayerInterface.md, version 2. */
VK_LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface)
{
    if (interface == NULL || interface->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT ||
        interface->loaderLayerInterfaceVersion < 2) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    interface->loaderLayerInterfaceVersion = 2;
    interface->pfnGetInstanceProcAddr = fhi_layer_instance_proc;
    interface->pfnGetDeviceProcAddr = fhi_layer_device_proc;
    interface->pfnGetPhysicalDeviceProcAddr = physical_device_proc;
    return VK_SUCCESS;
}
