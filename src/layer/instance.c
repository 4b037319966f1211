/* Instances: how the layer gets into the chain of calls. The loader gives vkCreateInstance a list
 * of the layers below; each takes the next for itself and hands the rest on. */

#include "layer/device.h"
#include "layer/tape.h"

#include <stdlib.h>

static _Atomic uint32_t instance_count; /* of those that live */

const void *fhi_layer_find_in_chain(const void *chain, VkStructureType type)
{
    const VkBaseInStructure *link = chain;
    while (link != NULL && link->sType != type) {
        link = link->pNext;
    }
    return link;
}

/* The loader's list of layers. It is the loader's to be changed, whatever the const says. */
static VkLayerInstanceCreateInfo *find_link(const VkInstanceCreateInfo *info)
{
    const VkStructureType type = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO;
    const VkLayerInstanceCreateInfo *link = fhi_layer_find_in_chain(info->pNext, type);
    while (link != NULL && link->function != VK_LAYER_LINK_INFO) {
        link = fhi_layer_find_in_chain(link->pNext, type);
    }
    return (VkLayerInstanceCreateInfo *)(uintptr_t)link;
}

/* By the name that it has in the version of this instance, or else by the other (functions.h). */
static PFN_vkVoidFunction find_below(const fhi_layer_instance *instance, uint32_t since,
                                     const char *name, const char *alias)
{
    bool is_old = instance->api_version < VK_MAKE_API_VERSION(0, 1, since, 0);
    const char *names[] = {is_old && alias ? alias : name, is_old ? name : alias};
    PFN_vkVoidFunction found = NULL;
    for (int i = 0; i < 2 && found == NULL && names[i] != NULL; i++) {
        found = instance->down.GetInstanceProcAddr(instance->handle, names[i]);
    }
    return found;
}

static void fill_table(fhi_layer_instance *instance)
{
#define FILL(name, since, alias)                                                                   \
    instance->down.name = (PFN_vk##name)find_below(instance, since, "vk" #name, alias);
    FHI_LAYER_INSTANCE_FUNCTIONS(FILL)
#undef FILL
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out_instance)
{
    VkLayerInstanceCreateInfo *link = find_link(info);
    fhi_layer_instance *instance = calloc(1, sizeof *instance);
    if (link == NULL || link->u.pLayerInfo == NULL || instance == NULL) {
        free(instance);
        return link == NULL ? VK_ERROR_INITIALIZATION_FAILED : VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    PFN_vkGetInstanceProcAddr next_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    instance->physical_device_proc = link->u.pLayerInfo->pfnNextGetPhysicalDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    PFN_vkCreateInstance next = (PFN_vkCreateInstance)next_proc(VK_NULL_HANDLE, "vkCreateInstance");
    VkResult result = next ? next(info, allocator, out_instance) : VK_ERROR_INITIALIZATION_FAILED;
    if (result != VK_SUCCESS) {
        free(instance);
        return result;
    }
    uint32_t wanted = info->pApplicationInfo ? info->pApplicationInfo->apiVersion : 0;
    instance->handle = *out_instance;
    instance->api_version = wanted != 0 ? wanted : VK_API_VERSION_1_0;
    instance->down.GetInstanceProcAddr = next_proc;
    fill_table(instance);
    if (!fhi_layer_add_instance(instance)) {
        instance->down.DestroyInstance(*out_instance, allocator);
        *out_instance = VK_NULL_HANDLE;
        free(instance);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    atomic_fetch_add(&instance_count, 1);
    fhi_tape_open();
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance handle,
                                                   const VkAllocationCallbacks *allocator)
{
    fhi_layer_instance *instance = handle ? fhi_layer_instance_of(handle) : NULL;
    if (instance == NULL) {
        return;
    }
    fhi_layer_remove_instance(instance);
    instance->down.DestroyInstance(handle, allocator);
    free(instance);
    /* Nothing of the program's is left to be recorded, and it may end without ado. */
    if (atomic_fetch_sub(&instance_count, 1) == 1) {
        fhi_tape_flush();
    }
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(CreateInstance, create_instance),
    FHI_LAYER_ENTRY(DestroyInstance, destroy_instance),
    FHI_LAYER_ENTRY(GetInstanceProcAddr, fhi_layer_instance_proc),
};
const fhi_layer_entries fhi_layer_instance_entries = FHI_LAYER_ENTRIES(entries);
