/* Names that programs give to their objects, for people. */

#include "layer/resource.h"
#include "layer/tape.h"

static void record_name(fh_trace_noun noun, uint64_t id, const char *name)
{
    fh_trace_event event = {.kind = FH_TRACE_NAMED, .text = name ? name : ""};
    event.named = (fh_trace_named){.noun = noun, .id = id};
    fhi_tape_record(&event);
}

/* Objects that a trace does not know have no names there. */
static void note_name(fhi_layer_device *device, VkObjectType type, uint64_t handle,
                      const char *name)
{
    if (type == VK_OBJECT_TYPE_BUFFER || type == VK_OBJECT_TYPE_IMAGE) {
        const fhi_layer_resource *resource = fhi_handle_map_get(&device->objects, type, handle);
        if (resource != NULL) {
            record_name(FH_TRACE_NOUN_RESOURCE, resource->id, name);
        }
    } else if (type == VK_OBJECT_TYPE_DEVICE_MEMORY) {
        const fhi_layer_memory *memory = fhi_handle_map_get(&device->objects, type, handle);
        if (memory != NULL) {
            record_name(FH_TRACE_NOUN_MEMORY, memory->id, name);
        }
    } else if (type == VK_OBJECT_TYPE_QUEUE) {
        const fhi_layer_queue *queue = fhi_layer_queue_of(device, (VkQueue)(uintptr_t)handle);
        if (queue != NULL) {
            record_name(FH_TRACE_NOUN_QUEUE, queue->id, name);
        }
    } else if (type == VK_OBJECT_TYPE_DEVICE) {
        record_name(FH_TRACE_NOUN_DEVICE, device->id, name);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL
set_debug_utils_object_name(VkDevice handle, const VkDebugUtilsObjectNameInfoEXT *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    note_name(device, info->objectType, info->objectHandle, info->pObjectName);
    return device->down.SetDebugUtilsObjectNameEXT(handle, info);
}

/* The extension that was there before; its object types have other numbers. */
static VkObjectType object_type(VkDebugReportObjectTypeEXT type)
{
    switch (type) {
    case VK_DEBUG_REPORT_OBJECT_TYPE_BUFFER_EXT:
        return VK_OBJECT_TYPE_BUFFER;
    case VK_DEBUG_REPORT_OBJECT_TYPE_IMAGE_EXT:
        return VK_OBJECT_TYPE_IMAGE;
    case VK_DEBUG_REPORT_OBJECT_TYPE_DEVICE_MEMORY_EXT:
        return VK_OBJECT_TYPE_DEVICE_MEMORY;
    case VK_DEBUG_REPORT_OBJECT_TYPE_QUEUE_EXT:
        return VK_OBJECT_TYPE_QUEUE;
    case VK_DEBUG_REPORT_OBJECT_TYPE_DEVICE_EXT:
        return VK_OBJECT_TYPE_DEVICE;
    default:
        return VK_OBJECT_TYPE_UNKNOWN;
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL
debug_marker_set_object_name(VkDevice handle, const VkDebugMarkerObjectNameInfoEXT *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    note_name(device, object_type(info->objectType), info->object, info->pObjectName);
    return device->down.DebugMarkerSetObjectNameEXT(handle, info);
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(DebugMarkerSetObjectNameEXT, debug_marker_set_object_name),
    FHI_LAYER_ENTRY(SetDebugUtilsObjectNameEXT, set_debug_utils_object_name),
};
const fhi_layer_entries fhi_layer_name_entries = FHI_LAYER_ENTRIES(entries);
