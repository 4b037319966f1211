/* Driver memory: asked for, refused, mapped, freed; and what the OS would let the program have,
 * when the program asks for that itself. */

#include "layer/resource.h"
#include "layer/tape.h"

#include <freehold/resource.h>

#include <stdlib.h>

/* ---- allocating ---- */

/* The resource that the memory is for alone; 0 = none, or not known. */
static uint64_t dedicated_to(fhi_layer_device *device, const VkMemoryAllocateInfo *info)
{
    const VkMemoryDedicatedAllocateInfo *dedicated =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO);
    if (dedicated == NULL) {
        return 0;
    }
    return dedicated->image != VK_NULL_HANDLE ? fhi_layer_image_id(device, dedicated->image)
                                              : fhi_layer_buffer_id(device, dedicated->buffer);
}

/* The structures that import memory, of platforms whose headers may be missing here, too: these
 * numbers are for ever. Source: vk.xml. */
enum {
    IMPORT_WIN32 = 1000073000,
    IMPORT_ANDROID = 1000129003,
    IMPORT_ZIRCON = 1000364000
};

static uint64_t memory_flags(const VkMemoryAllocateInfo *info)
{
    uint64_t flags = 0;
    for (const VkBaseInStructure *link = info->pNext; link != NULL; link = link->pNext) {
        const void *any = link;
        switch ((int)link->sType) {
        case VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR:
            /* A handle type of 0 imports nothing. */
            flags |=
                ((const VkImportMemoryFdInfoKHR *)any)->handleType ? FH_TRACE_MEMORY_IMPORTED : 0;
            break;
        case VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT:
        case IMPORT_WIN32:
        case IMPORT_ANDROID:
        case IMPORT_ZIRCON:
            flags |= FH_TRACE_MEMORY_IMPORTED;
            break;
        case VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO:
            flags |= ((const VkExportMemoryAllocateInfo *)any)->handleTypes
                         ? FH_TRACE_MEMORY_EXPORTED
                         : 0;
            break;
        case VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO:
            flags |= ((const VkMemoryAllocateFlagsInfo *)any)->flags &
                             VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT
                         ? FH_TRACE_MEMORY_ADDRESS
                         : 0;
            break;
        default:
            break;
        }
    }
    return flags;
}

/* Vulkan's own default is one half. */
static uint64_t priority_ppm(const VkMemoryAllocateInfo *info)
{
    const VkMemoryPriorityAllocateInfoEXT *priority =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT);
    double value = priority ? (double)priority->priority : 0.5;
    value = value > 0 ? value : 0; /* not a number, too */
    return (uint64_t)((value < 1 ? value : 1) * 1e6 + 0.5);
}

static void record_refusal(const fhi_layer_device *device, const VkMemoryAllocateInfo *info,
                           VkResult result)
{
    fh_trace_event event = {.kind = FH_TRACE_REFUSED};
    event.refused = (fh_trace_refused){
        .device = device->id,
        .result = (uint64_t)(-(int64_t)result),
        .size = info->allocationSize,
        .kind = FH_KIND_RAW,
        .type = info->memoryTypeIndex + 1,
    };
    fhi_tape_record(&event);
}

static void record_memory(fhi_layer_device *device, const VkMemoryAllocateInfo *info,
                          VkDeviceMemory handle)
{
    fhi_layer_memory *memory = malloc(sizeof *memory);
    uint64_t id = fhi_tape_id(FH_TRACE_NOUN_MEMORY);
    void *before = NULL;
    if (memory != NULL) {
        *memory = (fhi_layer_memory){.id = id, .size = info->allocationSize};
    }
    if (memory == NULL || !fhi_handle_map_put(&device->objects, VK_OBJECT_TYPE_DEVICE_MEMORY,
                                              FHI_HANDLE(handle), memory, &before)) {
        fhi_tape_problem("No memory to follow an allocation: it is left out.");
        free(memory);
        return;
    }
    free(before);
    fh_trace_event event = {.kind = FH_TRACE_MEMORY};
    event.memory = (fh_trace_memory){
        .memory = id,
        .device = device->id,
        .type = info->memoryTypeIndex,
        .size = info->allocationSize,
        .dedicated = dedicated_to(device, info),
        .flags = memory_flags(info),
        .priority_ppm = priority_ppm(info),
    };
    fhi_tape_record(&event);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice handle,
                                                      const VkMemoryAllocateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkDeviceMemory *out_memory)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.AllocateMemory(handle, info, allocator, out_memory);
    if (result == VK_SUCCESS) {
        record_memory(device, info, *out_memory);
    } else {
        record_refusal(device, info, result);
        fhi_layer_note_result(device, result);
    }
    return result;
}

/* Forgotten before it is freed: another thread may get the same handle as soon as it is. */
static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice handle, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_memory *known =
        fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_DEVICE_MEMORY, FHI_HANDLE(memory));
    if (known != NULL) {
        fh_trace_event event = {.kind = FH_TRACE_MEMORY_FREED};
        event.memory_freed.memory = known->id;
        fhi_tape_record(&event);
        free(known);
    }
    device->down.FreeMemory(handle, memory, allocator);
}

/* ---- mapping ---- */

static void record_mapping(fhi_layer_device *device, VkDeviceMemory handle, VkDeviceSize offset,
                           VkDeviceSize size)
{
    const fhi_layer_memory *memory = fhi_layer_memory_of(device, handle);
    if (memory != NULL) {
        fh_trace_event event = {.kind = FH_TRACE_MAPPED};
        event.mapped = (fh_trace_mapped){
            .memory = memory->id,
            .offset = offset,
            .size = size == VK_WHOLE_SIZE ? memory->size - offset : size,
        };
        fhi_tape_record(&event);
    }
}

static void record_unmapping(fhi_layer_device *device, VkDeviceMemory handle)
{
    const fhi_layer_memory *memory = fhi_layer_memory_of(device, handle);
    if (memory != NULL) {
        fh_trace_event event = {.kind = FH_TRACE_UNMAPPED};
        event.unmapped.memory = memory->id;
        fhi_tape_record(&event);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL map_memory(VkDevice handle, VkDeviceMemory memory,
                                                 VkDeviceSize offset, VkDeviceSize size,
                                                 VkMemoryMapFlags flags, void **out_data)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.MapMemory(handle, memory, offset, size, flags, out_data);
    if (result == VK_SUCCESS) {
        record_mapping(device, memory, offset, size);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL unmap_memory(VkDevice handle, VkDeviceMemory memory)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    record_unmapping(device, memory);
    device->down.UnmapMemory(handle, memory);
}

#ifdef VK_KHR_map_memory2
static VKAPI_ATTR VkResult VKAPI_CALL map_memory2(VkDevice handle, const VkMemoryMapInfoKHR *info,
                                                  void **out_data)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.MapMemory2KHR(handle, info, out_data);
    if (result == VK_SUCCESS) {
        record_mapping(device, info->memory, info->offset, info->size);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL unmap_memory2(VkDevice handle,
                                                    const VkMemoryUnmapInfoKHR *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    record_unmapping(device, info->memory);
    return device->down.UnmapMemory2KHR(handle, info);
}
#endif

/* ---- budgets ---- */

/* Programs ask each frame, and the answer seldom changes. (A structure that the adapter does not
 * know comes back as it was given.) */
static void record_budgets(void *context, fhi_layer_device *device)
{
    const VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget = context;
    for (uint32_t i = 0; device->has_budget && i < device->memory.memoryHeapCount; i++) {
        uint64_t before = atomic_exchange(&device->budgets[i], budget->heapBudget[i]);
        uint64_t usage_before = atomic_exchange(&device->usages[i], budget->heapUsage[i]);
        if (before != budget->heapBudget[i] || usage_before != budget->heapUsage[i]) {
            fh_trace_event event = {.kind = FH_TRACE_BUDGET};
            event.budget = (fh_trace_budget){
                .device = device->id,
                .heap = i,
                .budget = budget->heapBudget[i],
                .usage = budget->heapUsage[i],
            };
            fhi_tape_record(&event);
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL get_physical_device_memory_properties2(
    VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties2 *out_properties)
{
    fhi_layer_instance *instance = fhi_layer_instance_of(physical);
    instance->down.GetPhysicalDeviceMemoryProperties2(physical, out_properties);
    const void *budget = fhi_layer_find_in_chain(
        out_properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    if (budget != NULL) {
        fhi_layer_visit_devices(instance, physical, record_budgets, (void *)(uintptr_t)budget);
    }
}

static const fhi_layer_entry budget_entries[] = {
    FHI_LAYER_ENTRY(GetPhysicalDeviceMemoryProperties2, get_physical_device_memory_properties2),
    FHI_LAYER_ENTRY(GetPhysicalDeviceMemoryProperties2KHR, get_physical_device_memory_properties2),
};
const fhi_layer_entries fhi_layer_budget_entries = FHI_LAYER_ENTRIES(budget_entries);

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(AllocateMemory, allocate_memory),
    FHI_LAYER_ENTRY(FreeMemory, free_memory),
    FHI_LAYER_ENTRY(MapMemory, map_memory),
    FHI_LAYER_ENTRY(UnmapMemory, unmap_memory),
#ifdef VK_KHR_map_memory2
    FHI_LAYER_ENTRY(MapMemory2KHR, map_memory2),
    FHI_LAYER_ENTRY(UnmapMemory2KHR, unmap_memory2),
#endif
};
const fhi_layer_entries fhi_layer_memory_entries = FHI_LAYER_ENTRIES(entries);
