/* Instances and devices of the program, as the layer sees them, and how they are found: by what the
 * loader puts into the first word of every object that can be dispatched (an instance and its
 * physical devices share one; a device, its queues and its command buffers share one). */

#ifndef FREEHOLD_LAYER_DEVICE_H
#define FREEHOLD_LAYER_DEVICE_H

#include "layer/functions.h"
#include "layer/handle_map.h"
#include "layer/id_set.h"

#include <freehold/trace_event.h>

#include <vulkan/vk_layer.h>

#include <stdatomic.h>

struct fhi_layer_commands; /* commands.h */

typedef struct fhi_layer_instance {
    VkInstance handle;
    uint32_t api_version; /* what the program asked for */
    fhi_layer_instance_table down;
    PFN_GetPhysicalDeviceProcAddr physical_device_proc; /* below; NULL: there is none */
} fhi_layer_instance;

/* Lives as long as its device: Vulkan never takes a queue back. */
typedef struct fhi_layer_queue {
    struct fhi_layer_queue *next; /* fixed from the moment it is in the list */
    VkQueue handle;
    uint64_t id;             /* in the trace */
    _Atomic uint64_t value;  /* submits so far */
    _Atomic uint64_t passed; /* what the trace says that it has passed */
    fhi_id_set uses, living; /* of the submit under way: a queue is one thread's at a time */
} fhi_layer_queue;

typedef struct fhi_layer_device {
    VkDevice handle;
    fhi_layer_instance *instance;
    VkPhysicalDevice physical;
    uint64_t id;            /* in the trace */
    uint32_t api_version;   /* the smaller of the instance's and the adapter's: may be used */
    bool has_requirements2; /* requirements may be asked by the functions that end in 2, */
    bool has_dedicated;     /* and with VkMemoryDedicatedRequirements */
    bool has_budget;        /* the adapter tells budgets */
    bool can_present;       /* its frames end at presents, others' at submits */
    fhi_layer_device_table down;
    VkPhysicalDeviceMemoryProperties memory;
    VkQueueFlags family_flags[32]; /* of queue families */
    fhi_handle_map objects;        /* memories, resources; and what commands.h keeps */
    fhi_latch queue_latch;         /* guards growth of `queues` */
    fhi_layer_queue *_Atomic queues;
    _Atomic uint64_t frame_count;
    _Atomic bool is_lost; /* and the trace says so */
    _Atomic uint64_t budgets[VK_MAX_MEMORY_HEAPS], usages[VK_MAX_MEMORY_HEAPS]; /* recorded last */
    struct fhi_layer_commands *commands; /* commands.h's own; NULL: it has none */
} fhi_layer_device;

/* The device of a VkDevice, VkQueue or VkCommandBuffer of a program that keeps to Vulkan. No lock.
 * NULL: it does not. */
fhi_layer_device *fhi_layer_device_of(const void *dispatchable);

/* The instance of a VkInstance or VkPhysicalDevice. NULL: as above. */
fhi_layer_instance *fhi_layer_instance_of(const void *dispatchable);

/* NULL: the program never got it from this device. */
fhi_layer_queue *fhi_layer_queue_of(fhi_layer_device *device, VkQueue handle);

/* Looks at what the layer below returned: the first time that the device is lost is recorded. */
void fhi_layer_note_result(fhi_layer_device *device, VkResult result);

/* The structure of that type in a chain; NULL: there is none. */
const void *fhi_layer_find_in_chain(const void *chain, VkStructureType type);

/* What vkGetInstanceProcAddr and vkGetDeviceProcAddr return. */
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fhi_layer_instance_proc(VkInstance handle,
                                                                 const char *name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fhi_layer_device_proc(VkDevice handle, const char *name);

/* What the layer stands in for, by the file that does it. */
extern const fhi_layer_entries fhi_layer_instance_entries;
extern const fhi_layer_entries fhi_layer_budget_entries;
extern const fhi_layer_entries fhi_layer_device_entries;
extern const fhi_layer_entries fhi_layer_memory_entries;
extern const fhi_layer_entries fhi_layer_resource_entries;
extern const fhi_layer_entries fhi_layer_bind_entries;
extern const fhi_layer_entries fhi_layer_submit_entries;
extern const fhi_layer_entries fhi_layer_wait_entries;
extern const fhi_layer_entries fhi_layer_swapchain_entries;
extern const fhi_layer_entries fhi_layer_name_entries;

/* registry.c: devices and instances by their key. */
bool fhi_layer_add_instance(fhi_layer_instance *instance);
void fhi_layer_remove_instance(const fhi_layer_instance *instance);
bool fhi_layer_add_device(fhi_layer_device *device);
void fhi_layer_remove_device(const fhi_layer_device *device);

/* All devices of one adapter. None of them goes meanwhile, so `visit` must be quick. */
void fhi_layer_visit_devices(const fhi_layer_instance *instance, VkPhysicalDevice physical,
                             void (*visit)(void *context, fhi_layer_device *device), void *context);

#endif
