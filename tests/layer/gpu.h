/* A device by the shortest way, for the program that the recording layer is tried on: one queue of
 * one device of the first adapter. Whatever fails ends the program with a line and the code 10, so
 * callers need not look. Vulkan's own names where it has some. */

#ifndef FREEHOLD_TESTS_LAYER_GPU_H
#define FREEHOLD_TESTS_LAYER_GPU_H

#include <vulkan/vulkan.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct gpu_options {
    uint32_t api_version; /* 0 = 1.2 */
    bool validate;        /* by the validation layer, which counts errors */
} gpu_options;

typedef struct test_gpu {
    gpu_options options;
    VkInstance instance;
    VkPhysicalDevice physical;
    VkDevice device;
    VkQueue queue;
    pthread_mutex_t queue_lock; /* a queue is one thread's at a time */
    VkCommandPool pool;         /* of the main thread */
    VkDebugUtilsMessengerEXT messenger;
    uint32_t error_count; /* of the validation layer */
} test_gpu;

/* One piece of memory and what lies in it at its start. */
typedef struct gpu_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    uint64_t size;
    uint32_t *words; /* mapped */
} gpu_buffer;

typedef struct gpu_image {
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
} gpu_image;

void gpu_open(test_gpu *gpu, gpu_options options);
void gpu_open_device(test_gpu *gpu); /* on the same instance, a new one */
void gpu_close_device(test_gpu *gpu);
void gpu_close(test_gpu *gpu);

/* Ends the program unless `result` is VK_SUCCESS. */
void gpu_check(VkResult result, const char *what);

/* A function by its name; ends the program when there is none. */
PFN_vkVoidFunction gpu_function(const test_gpu *gpu, const char *name);

void gpu_name(const test_gpu *gpu, VkObjectType type, uint64_t handle, const char *name);

VkDeviceMemory gpu_allocate(const test_gpu *gpu, VkMemoryRequirements needs, const void *next);

gpu_buffer gpu_make_buffer(const test_gpu *gpu, uint64_t size, VkBufferUsageFlags usage);
void gpu_free_buffer(const test_gpu *gpu, gpu_buffer *buffer);

/* 64 × 64 texels of rgba8. */
gpu_image gpu_make_image(const test_gpu *gpu, VkImageUsageFlags usage);
void gpu_free_image(const test_gpu *gpu, gpu_image *image);

VkCommandBuffer gpu_begin(const test_gpu *gpu, VkCommandPool pool);

/* Ends the command buffer, submits it, waits for it with a fence, and frees it. */
void gpu_finish(test_gpu *gpu, VkCommandPool pool, VkCommandBuffer commands);

void gpu_image_barrier(VkCommandBuffer commands, VkImage image, VkImageLayout from,
                       VkImageLayout to);
void gpu_memory_barrier(VkCommandBuffer commands);

#endif
