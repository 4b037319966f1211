/* A driver that is made up, for what the machine's own do not have: its handles are numbers, and it
 * says yes to everything, unless it is told what to answer. */

#ifndef FREEHOLD_TESTS_LAYER_MADE_UP_DRIVER_H
#define FREEHOLD_TESTS_LAYER_MADE_UP_DRIVER_H

#include <vulkan/vulkan.h>

#include <stdint.h>

typedef struct driver_state {
    const void *last_info; /* that it was given */
    VkResult answer;       /* of calls that can fail */
    uint64_t budget;       /* of the first heap */
    uint64_t counter;      /* of every timeline */
    uint64_t handle_count;
    uint32_t strangers; /* objects that it was given and that are not its own */
} driver_state;

extern driver_state driver;

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL driver_instance_proc(VkInstance instance,
                                                              const char *name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL driver_device_proc(VkDevice device, const char *name);

#endif
