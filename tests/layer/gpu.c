#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gpu_check(VkResult result, const char *what)
{
    if (result != VK_SUCCESS) {
        fprintf(stderr, "%s: VkResult %d\n", what, (int)result);
        exit(10);
    }
}

PFN_vkVoidFunction gpu_function(const test_gpu *gpu, const char *name)
{
    PFN_vkVoidFunction function = vkGetDeviceProcAddr(gpu->device, name);
    if (function == NULL) {
        fprintf(stderr, "there is no %s\n", name);
        exit(10);
    }
    return function;
}

/* ---- making ---- */

static VKAPI_ATTR VkBool32 VKAPI_CALL count_error(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                  VkDebugUtilsMessageTypeFlagsEXT types,
                                                  const VkDebugUtilsMessengerCallbackDataEXT *data,
                                                  void *user)
{
    test_gpu *gpu = user;
    (void)severity;
    /* The loader has its say here, too. */
    if (types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT) {
        fprintf(stderr, "%s\n", data->pMessage);
        gpu->error_count++;
    }
    return VK_FALSE;
}

static void open_instance(test_gpu *gpu)
{
    static const char *const extensions[] = {
        VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
        VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME,
    };
    static const char *const validation[] = {"VK_LAYER_KHRONOS_validation"};
    static const VkValidationFeatureEnableEXT enables[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
    };
    VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enables,
    };
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .pNext = &features,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = count_error,
        .pUserData = gpu,
    };
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "vulkan_program",
        .apiVersion = gpu->options.api_version,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = gpu->options.validate ? &messenger : NULL,
        .pApplicationInfo = &application,
        .enabledLayerCount = gpu->options.validate ? 1 : 0,
        .ppEnabledLayerNames = validation,
        .enabledExtensionCount = 2,
        .ppEnabledExtensionNames = extensions,
    };
    gpu_check(vkCreateInstance(&info, NULL, &gpu->instance), "vkCreateInstance");
    if (gpu->options.validate) {
        PFN_vkCreateDebugUtilsMessengerEXT create =
            (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                gpu->instance, "vkCreateDebugUtilsMessengerEXT");
        messenger.pNext = NULL;
        gpu_check(create(gpu->instance, &messenger, NULL, &gpu->messenger), "messenger");
    }
}

void gpu_open_device(test_gpu *gpu)
{
    /* What Vulkan 1.0 does not have of its own. */
    static const char *const extensions[] = {
        VK_KHR_BIND_MEMORY_2_EXTENSION_NAME,
        VK_KHR_GET_MEMORY_REQUIREMENTS_2_EXTENSION_NAME,
        VK_KHR_DEDICATED_ALLOCATION_EXTENSION_NAME,
    };
    bool is_old = gpu->options.api_version < VK_API_VERSION_1_2;
    float priority = 1;
    VkPhysicalDeviceVulkan12Features features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .timelineSemaphore = VK_TRUE,
        .bufferDeviceAddress = VK_TRUE,
    };
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = is_old ? NULL : &features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = is_old ? 3 : 0,
        .ppEnabledExtensionNames = extensions,
    };
    gpu_check(vkCreateDevice(gpu->physical, &info, NULL, &gpu->device), "vkCreateDevice");
    vkGetDeviceQueue(gpu->device, 0, 0, &gpu->queue);
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    gpu_check(vkCreateCommandPool(gpu->device, &pool, NULL, &gpu->pool), "vkCreateCommandPool");
    pthread_mutex_init(&gpu->queue_lock, NULL);
}

void gpu_open(test_gpu *gpu, gpu_options options)
{
    memset(gpu, 0, sizeof *gpu);
    gpu->options = options;
    if (options.api_version == 0) {
        gpu->options.api_version = VK_API_VERSION_1_2;
    }
    open_instance(gpu);
    uint32_t count = 1;
    VkResult result = vkEnumeratePhysicalDevices(gpu->instance, &count, &gpu->physical);
    gpu_check(result == VK_INCOMPLETE ? VK_SUCCESS : result, "vkEnumeratePhysicalDevices");
    if (count == 0) {
        gpu_check(VK_ERROR_INITIALIZATION_FAILED, "there is no adapter");
    }
    gpu_open_device(gpu);
}

void gpu_close_device(test_gpu *gpu)
{
    vkDestroyCommandPool(gpu->device, gpu->pool, NULL);
    vkDestroyDevice(gpu->device, NULL);
    pthread_mutex_destroy(&gpu->queue_lock);
}

void gpu_close(test_gpu *gpu)
{
    gpu_close_device(gpu);
    if (gpu->messenger != VK_NULL_HANDLE) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                gpu->instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(gpu->instance, gpu->messenger, NULL);
    }
    vkDestroyInstance(gpu->instance, NULL);
}

void gpu_name(const test_gpu *gpu, VkObjectType type, uint64_t handle, const char *name)
{
    VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };
    PFN_vkSetDebugUtilsObjectNameEXT set =
        (PFN_vkSetDebugUtilsObjectNameEXT)gpu_function(gpu, "vkSetDebugUtilsObjectNameEXT");
    gpu_check(set(gpu->device, &info), "vkSetDebugUtilsObjectNameEXT");
}

/* ---- memory, buffers, images ---- */

/* The first type that the CPU sees. */
VkDeviceMemory gpu_allocate(const test_gpu *gpu, VkMemoryRequirements needs, const void *next)
{
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(gpu->physical, &memory);
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = next,
        .allocationSize = needs.size,
    };
    VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    while (info.memoryTypeIndex < memory.memoryTypeCount - 1 &&
           (!(needs.memoryTypeBits >> info.memoryTypeIndex & 1) ||
            (memory.memoryTypes[info.memoryTypeIndex].propertyFlags & wanted) != wanted)) {
        info.memoryTypeIndex++;
    }
    VkDeviceMemory result;
    gpu_check(vkAllocateMemory(gpu->device, &info, NULL, &result), "vkAllocateMemory");
    return result;
}

gpu_buffer gpu_make_buffer(const test_gpu *gpu, uint64_t size, VkBufferUsageFlags usage)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = usage,
    };
    gpu_buffer made = {.size = size};
    gpu_check(vkCreateBuffer(gpu->device, &info, NULL, &made.buffer), "vkCreateBuffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(gpu->device, made.buffer, &needs);
    made.memory = gpu_allocate(gpu, needs, NULL);
    gpu_check(vkBindBufferMemory(gpu->device, made.buffer, made.memory, 0), "vkBindBufferMemory");
    void *data;
    gpu_check(vkMapMemory(gpu->device, made.memory, 0, VK_WHOLE_SIZE, 0, &data), "vkMapMemory");
    made.words = data;
    memset(data, 0, size);
    return made;
}

void gpu_free_buffer(const test_gpu *gpu, gpu_buffer *buffer)
{
    vkDestroyBuffer(gpu->device, buffer->buffer, NULL);
    vkFreeMemory(gpu->device, buffer->memory, NULL);
}

gpu_image gpu_make_image(const test_gpu *gpu, VkImageUsageFlags usage)
{
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .extent = {64, 64, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .usage = usage,
    };
    gpu_image made = {0};
    gpu_check(vkCreateImage(gpu->device, &info, NULL, &made.image), "vkCreateImage");
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(gpu->device, made.image, &needs);
    made.memory = gpu_allocate(gpu, needs, NULL);
    gpu_check(vkBindImageMemory(gpu->device, made.image, made.memory, 0), "vkBindImageMemory");
    VkImageViewCreateInfo view = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = made.image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };
    gpu_check(vkCreateImageView(gpu->device, &view, NULL, &made.view), "vkCreateImageView");
    return made;
}

void gpu_free_image(const test_gpu *gpu, gpu_image *image)
{
    vkDestroyImageView(gpu->device, image->view, NULL);
    vkDestroyImage(gpu->device, image->image, NULL);
    vkFreeMemory(gpu->device, image->memory, NULL);
}

/* ---- work ---- */

VkCommandBuffer gpu_begin(const test_gpu *gpu, VkCommandPool pool)
{
    VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = pool,
        .commandBufferCount = 1,
    };
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VkCommandBuffer commands;
    gpu_check(vkAllocateCommandBuffers(gpu->device, &info, &commands), "command buffer");
    gpu_check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
    return commands;
}

void gpu_finish(test_gpu *gpu, VkCommandPool pool, VkCommandBuffer commands)
{
    VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands,
    };
    VkFence fence;
    gpu_check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    gpu_check(vkCreateFence(gpu->device, &info, NULL, &fence), "vkCreateFence");
    pthread_mutex_lock(&gpu->queue_lock);
    VkResult result = vkQueueSubmit(gpu->queue, 1, &submit, fence);
    pthread_mutex_unlock(&gpu->queue_lock);
    gpu_check(result, "vkQueueSubmit");
    gpu_check(vkWaitForFences(gpu->device, 1, &fence, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    vkDestroyFence(gpu->device, fence, NULL);
    vkFreeCommandBuffers(gpu->device, pool, 1, &commands);
}

void gpu_image_barrier(VkCommandBuffer commands, VkImage image, VkImageLayout from,
                       VkImageLayout to)
{
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
        .oldLayout = from,
        .newLayout = to,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

void gpu_memory_barrier(VkCommandBuffer commands)
{
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
    };
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &barrier, 0, NULL, 0, NULL);
}
