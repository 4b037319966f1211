/* Devices: made and unmade along the chain of layers, and described in the trace. The layer asks
 * the adapter what it is; the program's own questions and answers pass by untouched. */

#include "layer/device.h"

#include "layer/commands.h"
#include "layer/resource.h"
#include "layer/tape.h"

#include <freehold/backend.h>
#include <freehold/memory.h>

#include <stdlib.h>
#include <string.h>

/* The words of Freehold for memory are Vulkan's flags, one by one. */
_Static_assert(FH_MEMORY_DEVICE_LOCAL == (int)VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT &&
                   FH_MEMORY_HOST_VISIBLE == (int)VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT &&
                   FH_MEMORY_HOST_COHERENT == (int)VK_MEMORY_PROPERTY_HOST_COHERENT_BIT &&
                   FH_MEMORY_HOST_CACHED == (int)VK_MEMORY_PROPERTY_HOST_CACHED_BIT &&
                   FH_MEMORY_LAZILY_ALLOCATED == (int)VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT &&
                   FH_MEMORY_PROTECTED == (int)VK_MEMORY_PROPERTY_PROTECTED_BIT &&
                   FH_MEMORY_DEVICE_COHERENT == (int)VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD &&
                   FH_MEMORY_DEVICE_UNCACHED == (int)VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD,
               "memory flags");

enum {
    FLAGS_KNOWN = (FH_MEMORY_DEVICE_UNCACHED << 1) - 1,
    LIST_MAX = 2 * (VK_MAX_MEMORY_HEAPS + VK_MAX_MEMORY_TYPES)
};

/* ---- making ---- */

static VkLayerDeviceCreateInfo *find_link(const VkDeviceCreateInfo *info)
{
    const VkStructureType type = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO;
    const VkLayerDeviceCreateInfo *link = fhi_layer_find_in_chain(info->pNext, type);
    while (link != NULL && link->function != VK_LAYER_LINK_INFO) {
        link = fhi_layer_find_in_chain(link->pNext, type);
    }
    return (VkLayerDeviceCreateInfo *)(uintptr_t)link;
}

static bool enables(const VkDeviceCreateInfo *info, const char *extension)
{
    bool found = false;
    for (uint32_t i = 0; i < info->enabledExtensionCount && !found; i++) {
        found = strcmp(info->ppEnabledExtensionNames[i], extension) == 0;
    }
    return found;
}

/* Whether the adapter knows an extension, enabled or not. */
static bool supports(const fhi_layer_device *device, const char *extension)
{
    const fhi_layer_instance_table *instance = &device->instance->down;
    uint32_t count = 0;
    bool found = false;
    instance->EnumerateDeviceExtensionProperties(device->physical, NULL, &count, NULL);
    VkExtensionProperties *all = calloc(count, sizeof *all);
    if (all != NULL) {
        instance->EnumerateDeviceExtensionProperties(device->physical, NULL, &count, all);
        for (uint32_t i = 0; i < count && !found; i++) {
            found = strcmp(all[i].extensionName, extension) == 0;
        }
    }
    free(all);
    return found;
}

/* By the name that it has in the version of this device, or else by the other (functions.h). */
static PFN_vkVoidFunction find_below(const fhi_layer_device *device, uint32_t since,
                                     const char *name, const char *alias)
{
    bool is_old = device->api_version < VK_MAKE_API_VERSION(0, 1, since, 0);
    const char *names[] = {is_old && alias ? alias : name, is_old ? name : alias};
    PFN_vkVoidFunction found = NULL;
    for (int i = 0; i < 2 && found == NULL && names[i] != NULL; i++) {
        found = device->down.GetDeviceProcAddr(device->handle, names[i]);
    }
    return found;
}

static void fill_table(fhi_layer_device *device)
{
#define FILL(name, since, alias)                                                                   \
    device->down.name = (PFN_vk##name)find_below(device, since, "vk" #name, alias);
    FHI_LAYER_DEVICE_FUNCTIONS(FILL)
    FHI_LAYER_NEWER_FUNCTIONS(FILL)
    FHI_LAYER_COMMAND_FUNCTIONS(FILL)
#undef FILL
}

static fh_adapter_kind adapter_kind(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return FH_ADAPTER_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return FH_ADAPTER_SOFTWARE;
    default:
        return FH_ADAPTER_DISCRETE;
    }
}

/* The largest allocation that the driver makes; 0: it cannot be asked. */
static uint64_t allocation_size_max(const fhi_layer_device *device)
{
    VkPhysicalDeviceMaintenance3Properties limits = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
    };
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &limits,
    };
    if (device->api_version >= VK_API_VERSION_1_1) {
        device->instance->down.GetPhysicalDeviceProperties2(device->physical, &properties);
    }
    return limits.maxMemoryAllocationSize;
}

static void record_device(const fhi_layer_device *device,
                          const VkPhysicalDeviceProperties *properties)
{
    const VkPhysicalDeviceMemoryProperties *memory = &device->memory;
    uint64_t list[LIST_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
        list[count++] = memory->memoryHeaps[i].size;
        list[count++] = (memory->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0;
    }
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        list[count++] = memory->memoryTypes[i].heapIndex;
        list[count++] = memory->memoryTypes[i].propertyFlags & FLAGS_KNOWN;
    }
    fh_trace_event event = {
        .kind = FH_TRACE_DEVICE,
        .text = properties->deviceName,
        .list = list,
        .list_count = count,
    };
    event.device = (fh_trace_device){
        .device = device->id,
        .api = FH_TRACE_API_VULKAN,
        .adapter_kind = adapter_kind(properties->deviceType),
        .vendor = properties->vendorID,
        .product = properties->deviceID,
        .api_version = properties->apiVersion,
        .driver_version = properties->driverVersion,
        .heap_count = memory->memoryHeapCount,
        .type_count = memory->memoryTypeCount,
        .granularity = properties->limits.bufferImageGranularity,
        .atom = properties->limits.nonCoherentAtomSize,
        .allocation_size_max = allocation_size_max(device),
        .allocation_count_max = properties->limits.maxMemoryAllocationCount,
    };
    fhi_tape_record(&event);
}

/* Asks the adapter what it is. */
static void describe(fhi_layer_device *device, const VkDeviceCreateInfo *info)
{
    const fhi_layer_instance_table *instance = &device->instance->down;
    VkPhysicalDeviceProperties properties;
    instance->GetPhysicalDeviceProperties(device->physical, &properties);
    instance->GetPhysicalDeviceMemoryProperties(device->physical, &device->memory);
    VkQueueFamilyProperties families[sizeof device->family_flags / sizeof(VkQueueFlags)];
    uint32_t family_count = sizeof families / sizeof families[0];
    instance->GetPhysicalDeviceQueueFamilyProperties(device->physical, &family_count, families);
    for (uint32_t i = 0; i < family_count; i++) {
        device->family_flags[i] = families[i].queueFlags;
    }
    device->api_version = properties.apiVersion < device->instance->api_version
                              ? properties.apiVersion
                              : device->instance->api_version;
    bool has_1_1 = device->api_version >= VK_API_VERSION_1_1;
    device->has_requirements2 =
        has_1_1 || enables(info, VK_KHR_GET_MEMORY_REQUIREMENTS_2_EXTENSION_NAME);
    device->has_dedicated = has_1_1 || (device->has_requirements2 &&
                                        enables(info, VK_KHR_DEDICATED_ALLOCATION_EXTENSION_NAME));
    device->has_budget = supports(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    device->can_present = enables(info, VK_KHR_SWAPCHAIN_EXTENSION_NAME);
    record_device(device, &properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *out_device)
{
    fhi_layer_instance *instance = fhi_layer_instance_of(physical);
    VkLayerDeviceCreateInfo *link = find_link(info);
    if (instance == NULL || link == NULL || link->u.pLayerInfo == NULL) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    PFN_vkGetInstanceProcAddr next_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    PFN_vkGetDeviceProcAddr device_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    PFN_vkCreateDevice next = (PFN_vkCreateDevice)next_proc(instance->handle, "vkCreateDevice");
    fhi_layer_device *device = calloc(1, sizeof *device);
    if (next == NULL || device == NULL) {
        free(device);
        return next ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_INITIALIZATION_FAILED;
    }
    VkResult result = next(physical, info, allocator, out_device);
    if (result != VK_SUCCESS) {
        free(device);
        return result;
    }
    device->handle = *out_device;
    device->instance = instance;
    device->physical = physical;
    device->id = fhi_tape_id(FH_TRACE_NOUN_DEVICE);
    device->down.GetDeviceProcAddr = device_proc;
    fhi_handle_map_init(&device->objects);
    fhi_latch_init(&device->queue_latch);
    describe(device, info);
    fill_table(device);
    if (!fhi_layer_add_device(device)) {
        device->down.DestroyDevice(*out_device, allocator);
        *out_device = VK_NULL_HANDLE;
        fhi_handle_map_finish(&device->objects);
        free(device);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (!fhi_layer_commands_open(device, info)) {
        fhi_tape_problem("No memory to follow command buffers: submits have no uses.");
    }
    return VK_SUCCESS;
}

/* ---- unmaking ---- */

static void free_object(void *context, void *object)
{
    (void)context;
    free(object);
}

/* The program need not have destroyed what it made, and what we keep of fences goes with it. */
static void destroy(fhi_layer_device *device)
{
    static const VkObjectType types[] = {
        VK_OBJECT_TYPE_DEVICE_MEMORY, VK_OBJECT_TYPE_BUFFER, VK_OBJECT_TYPE_IMAGE,
        VK_OBJECT_TYPE_SEMAPHORE,     VK_OBJECT_TYPE_FENCE,
    };
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_SWAPCHAIN_KHR, fhi_layer_free_swapchain,
                         NULL);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        fhi_handle_map_drain(&device->objects, types[i], free_object, NULL);
    }
    fhi_layer_queue *queue = atomic_load(&device->queues);
    while (queue != NULL) {
        fhi_layer_queue *next = queue->next;
        fhi_id_set_finish(&queue->uses);
        fhi_id_set_finish(&queue->living);
        free(queue);
        queue = next;
    }
    fhi_handle_map_finish(&device->objects);
    free(device);
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice handle,
                                                 const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = handle ? fhi_layer_device_of(handle) : NULL;
    if (device == NULL) {
        return;
    }
    /* The loader may give the key to another device as soon as this one is gone. */
    fhi_layer_remove_device(device);
    fh_trace_event event = {.kind = FH_TRACE_DEVICE_CLOSED};
    event.device_closed.device = device->id;
    fhi_tape_record(&event);
    fhi_layer_commands_close(device);
    device->down.DestroyDevice(handle, allocator);
    destroy(device);
}

/* ---- queues ---- */

fhi_layer_queue *fhi_layer_queue_of(fhi_layer_device *device, VkQueue handle)
{
    fhi_layer_queue *queue = atomic_load_explicit(&device->queues, memory_order_acquire);
    while (queue != NULL && queue->handle != handle) {
        queue = queue->next;
    }
    return queue;
}

/* A program may ask for the same queue as often as it likes. */
static void note_queue(fhi_layer_device *device, VkQueue handle, uint32_t family)
{
    if (handle == VK_NULL_HANDLE) {
        return;
    }
    fhi_latch_acquire(&device->queue_latch);
    bool is_new = fhi_layer_queue_of(device, handle) == NULL;
    fhi_layer_queue *queue = is_new ? calloc(1, sizeof *queue) : NULL;
    if (queue != NULL) {
        uint32_t families = sizeof device->family_flags / sizeof device->family_flags[0];
        queue->handle = handle;
        queue->id = fhi_tape_id(FH_TRACE_NOUN_QUEUE);
        queue->next = atomic_load(&device->queues);
        fh_trace_event event = {.kind = FH_TRACE_QUEUE};
        event.queue = (fh_trace_queue){
            .queue = queue->id,
            .device = device->id,
            .family = family,
            .flags = family < families ? device->family_flags[family] : 0,
        };
        fhi_tape_record(&event);
        atomic_store_explicit(&device->queues, queue, memory_order_release);
    }
    fhi_latch_release(&device->queue_latch);
}

static VKAPI_ATTR void VKAPI_CALL get_device_queue(VkDevice handle, uint32_t family, uint32_t index,
                                                   VkQueue *out_queue)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    device->down.GetDeviceQueue(handle, family, index, out_queue);
    note_queue(device, *out_queue, family);
}

static VKAPI_ATTR void VKAPI_CALL get_device_queue2(VkDevice handle, const VkDeviceQueueInfo2 *info,
                                                    VkQueue *out_queue)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    device->down.GetDeviceQueue2(handle, info, out_queue);
    note_queue(device, *out_queue, info->queueFamilyIndex);
}

/* ---- what both halves of the layer ask ---- */

void fhi_layer_note_result(fhi_layer_device *device, VkResult result)
{
    if (result == VK_ERROR_DEVICE_LOST && !atomic_exchange(&device->is_lost, true)) {
        fh_trace_event event = {.kind = FH_TRACE_LOST};
        event.lost.device = device->id;
        fhi_tape_record(&event);
        fhi_tape_flush();
    }
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(CreateDevice, create_device),
    FHI_LAYER_ENTRY(DestroyDevice, destroy_device),
    FHI_LAYER_ENTRY(GetDeviceProcAddr, fhi_layer_device_proc),
    FHI_LAYER_ENTRY(GetDeviceQueue, get_device_queue),
    FHI_LAYER_ENTRY(GetDeviceQueue2, get_device_queue2),
};
const fhi_layer_entries fhi_layer_device_entries = FHI_LAYER_ENTRIES(entries);
