/* The functions that the layer calls in the layer below it, by hand: two lists and two tables.
 * There is no loader of ours, and no pointer that counts for the whole process: each instance and
 * each device has its own, because another layer, or another driver, may stand below each.
 *
 * X(name, since, alias): `since` is the minor version of Vulkan 1 in which the function got its
 * short name, 0 when it was there from the start or is an extension's for good. An older device is
 * asked for the one called `alias` first, so that what is below need not hear of a name that the
 * program had no right to; and then for the other, because programs call what they find. */

#ifndef FREEHOLD_LAYER_FUNCTIONS_H
#define FREEHOLD_LAYER_FUNCTIONS_H

#include <vulkan/vulkan.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FHI_LAYER_INSTANCE_FUNCTIONS(X)                                                            \
    X(CreateDevice, 0, NULL)                                                                       \
    X(DestroyInstance, 0, NULL)                                                                    \
    X(EnumerateDeviceExtensionProperties, 0, NULL)                                                 \
    X(GetPhysicalDeviceMemoryProperties, 0, NULL)                                                  \
    X(GetPhysicalDeviceMemoryProperties2, 1, "vkGetPhysicalDeviceMemoryProperties2KHR")            \
    X(GetPhysicalDeviceProperties, 0, NULL)                                                        \
    X(GetPhysicalDeviceProperties2, 1, "vkGetPhysicalDeviceProperties2KHR")                        \
    X(GetPhysicalDeviceQueueFamilyProperties, 0, NULL)

/* Of memory, resources and queues. Those of commands.h have a list of their own, in
 * command_functions.h. */
#define FHI_LAYER_DEVICE_FUNCTIONS(X)                                                              \
    X(AllocateMemory, 0, NULL)                                                                     \
    X(BindBufferMemory, 0, NULL)                                                                   \
    X(BindBufferMemory2, 1, "vkBindBufferMemory2KHR")                                              \
    X(BindImageMemory, 0, NULL)                                                                    \
    X(BindImageMemory2, 1, "vkBindImageMemory2KHR")                                                \
    X(CreateBuffer, 0, NULL)                                                                       \
    X(CreateImage, 0, NULL)                                                                        \
    X(CreateSemaphore, 0, NULL)                                                                    \
    X(CreateSharedSwapchainsKHR, 0, NULL)                                                          \
    X(CreateSwapchainKHR, 0, NULL)                                                                 \
    X(DebugMarkerSetObjectNameEXT, 0, NULL)                                                        \
    X(DestroyBuffer, 0, NULL)                                                                      \
    X(DestroyDevice, 0, NULL)                                                                      \
    X(DestroyFence, 0, NULL)                                                                       \
    X(DestroyImage, 0, NULL)                                                                       \
    X(DestroySemaphore, 0, NULL)                                                                   \
    X(DestroySwapchainKHR, 0, NULL)                                                                \
    X(DeviceWaitIdle, 0, NULL)                                                                     \
    X(FreeMemory, 0, NULL)                                                                         \
    X(GetBufferMemoryRequirements, 0, NULL)                                                        \
    X(GetBufferMemoryRequirements2, 1, "vkGetBufferMemoryRequirements2KHR")                        \
    X(GetDeviceQueue, 0, NULL)                                                                     \
    X(GetDeviceQueue2, 0, NULL)                                                                    \
    X(GetFenceStatus, 0, NULL)                                                                     \
    X(GetImageMemoryRequirements, 0, NULL)                                                         \
    X(GetImageMemoryRequirements2, 1, "vkGetImageMemoryRequirements2KHR")                          \
    X(GetSemaphoreCounterValue, 2, "vkGetSemaphoreCounterValueKHR")                                \
    X(GetSwapchainImagesKHR, 0, NULL)                                                              \
    X(MapMemory, 0, NULL)                                                                          \
    X(QueueBindSparse, 0, NULL)                                                                    \
    X(QueuePresentKHR, 0, NULL)                                                                    \
    X(QueueSubmit, 0, NULL)                                                                        \
    X(QueueSubmit2, 3, "vkQueueSubmit2KHR")                                                        \
    X(QueueWaitIdle, 0, NULL)                                                                      \
    X(SetDebugUtilsObjectNameEXT, 0, NULL)                                                         \
    X(UnmapMemory, 0, NULL)                                                                        \
    X(WaitForFences, 0, NULL)                                                                      \
    X(WaitSemaphores, 2, "vkWaitSemaphoresKHR")

/* What newer headers have. */
#ifdef VK_KHR_map_memory2
#define FHI_LAYER_NEWER_FUNCTIONS(X)                                                               \
    X(MapMemory2KHR, 0, NULL)                                                                      \
    X(UnmapMemory2KHR, 0, NULL)
#else
#define FHI_LAYER_NEWER_FUNCTIONS(X)
#endif

#include "layer/command_functions.h"

#define FHI_LAYER_MEMBER(name, since, alias) PFN_vk##name name;

/* `down->CreateBuffer(...)`. NULL where the layer below has no such function. */
typedef struct fhi_layer_instance_table {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    FHI_LAYER_INSTANCE_FUNCTIONS(FHI_LAYER_MEMBER)
} fhi_layer_instance_table;

typedef struct fhi_layer_device_table {
    PFN_vkGetDeviceProcAddr GetDeviceProcAddr;
    FHI_LAYER_DEVICE_FUNCTIONS(FHI_LAYER_MEMBER)
    FHI_LAYER_NEWER_FUNCTIONS(FHI_LAYER_MEMBER)
    FHI_LAYER_COMMAND_FUNCTIONS(FHI_LAYER_MEMBER)
} fhi_layer_device_table;

#undef FHI_LAYER_MEMBER

/* One function that the layer stands in for. */
typedef struct fhi_layer_entry {
    const char *name; /* "vkCreateBuffer" */
    PFN_vkVoidFunction function;
} fhi_layer_entry;

/* For tables of these: FHI_LAYER_ENTRY(CreateBuffer, create_buffer), and for an alias
 * FHI_LAYER_ENTRY(BindBufferMemory2KHR, bind_buffer_memory2). The compiler checks the type. */
#define FHI_LAYER_ENTRY(name, own)                                                                 \
    {                                                                                              \
        "vk" #name, (PFN_vkVoidFunction)(1 ? (own) : (PFN_vk##name)NULL)                           \
    }

typedef struct fhi_layer_entries {
    const fhi_layer_entry *list;
    size_t count;
} fhi_layer_entries;

#define FHI_LAYER_ENTRIES(list)                                                                    \
    {                                                                                              \
        (list), sizeof(list) / sizeof(list)[0]                                                     \
    }

#endif
