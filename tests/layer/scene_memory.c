/* Memory and what lies in it: no work for the GPU, but for copies. */

#include "scenes.h"

#include <stdio.h>
#include <string.h>

/* Two buffers and an image in one memory, by the calls that end in 2; and a buffer with a memory of
 * its own. */
void scene_memory(test_gpu *gpu)
{
    bool is_old = gpu->options.api_version < VK_API_VERSION_1_2;
    PFN_vkBindBufferMemory2 bind_buffers = (PFN_vkBindBufferMemory2)gpu_function(
        gpu, is_old ? "vkBindBufferMemory2KHR" : "vkBindBufferMemory2");
    PFN_vkBindImageMemory2 bind_images = (PFN_vkBindImageMemory2)gpu_function(
        gpu, is_old ? "vkBindImageMemory2KHR" : "vkBindImageMemory2");

    VkBufferCreateInfo buffer_info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = 1000,
        .usage = VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VkImageCreateInfo image_info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_BC7_SRGB_BLOCK,
        .extent = {128, 64, 1},
        .mipLevels = 8,
        .arrayLayers = 3,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
    };
    VkBuffer buffers[3];
    VkImage image;
    VkMemoryRequirements needs[3];
    for (int i = 0; i < 3; i++) {
        gpu_check(vkCreateBuffer(gpu->device, &buffer_info, NULL, &buffers[i]), "vkCreateBuffer");
        vkGetBufferMemoryRequirements(gpu->device, buffers[i], &needs[i]);
    }
    gpu_check(vkCreateImage(gpu->device, &image_info, NULL, &image), "vkCreateImage");
    VkMemoryRequirements image_needs;
    vkGetImageMemoryRequirements(gpu->device, image, &image_needs);

    VkMemoryRequirements all = {
        .size = 65536 + image_needs.size,
        .memoryTypeBits = needs[0].memoryTypeBits & image_needs.memoryTypeBits,
    };
    VkDeviceMemory shared = gpu_allocate(gpu, all, NULL);
    VkMemoryDedicatedAllocateInfo dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
        .buffer = buffers[2],
    };
    VkDeviceMemory own = gpu_allocate(gpu, needs[2], &dedicated);
    gpu_name(gpu, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)shared, "shared memory");
    gpu_name(gpu, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[0], "the first buffer");
    gpu_name(gpu, VK_OBJECT_TYPE_IMAGE, (uint64_t)image, "the image");

    VkBindBufferMemoryInfo buffer_binds[2] = {
        {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
         .buffer = buffers[0],
         .memory = shared},
        {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
         .buffer = buffers[1],
         .memory = shared,
         .memoryOffset = 4096},
    };
    VkBindImageMemoryInfo image_bind = {
        .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
        .image = image,
        .memory = shared,
        .memoryOffset = 65536,
    };
    gpu_check(bind_buffers(gpu->device, 2, buffer_binds), "vkBindBufferMemory2");
    gpu_check(bind_images(gpu->device, 1, &image_bind), "vkBindImageMemory2");
    gpu_check(vkBindBufferMemory(gpu->device, buffers[2], own, 0), "vkBindBufferMemory");

    void *data;
    gpu_check(vkMapMemory(gpu->device, shared, 4096, 1000, 0, &data), "vkMapMemory");
    memset(data, 7, 1000);
    vkUnmapMemory(gpu->device, shared);

    for (int i = 0; i < 3; i++) {
        vkDestroyBuffer(gpu->device, buffers[i], NULL);
    }
    vkDestroyImage(gpu->device, image, NULL);
    vkFreeMemory(gpu->device, shared, NULL);
    vkFreeMemory(gpu->device, own, NULL);
    printf("memory: 3 buffers, 1 image, 2 memories\n");
}

/* Two buffers on the same bytes, one after the other. */
void scene_alias(test_gpu *gpu)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = 4096,
        .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
    };
    VkBuffer pair[2];
    VkMemoryRequirements needs;
    for (int i = 0; i < 2; i++) {
        gpu_check(vkCreateBuffer(gpu->device, &info, NULL, &pair[i]), "vkCreateBuffer");
        vkGetBufferMemoryRequirements(gpu->device, pair[i], &needs);
    }
    VkDeviceMemory memory = gpu_allocate(gpu, needs, NULL);
    gpu_buffer result = gpu_make_buffer(gpu, 8192, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    for (int i = 0; i < 2; i++) {
        gpu_check(vkBindBufferMemory(gpu->device, pair[i], memory, 0), "vkBindBufferMemory");
        VkBufferCopy copy = {.dstOffset = (VkDeviceSize)i * 4096, .size = 4096};
        vkCmdFillBuffer(commands, pair[i], 0, VK_WHOLE_SIZE, 100 + (uint32_t)i);
        gpu_memory_barrier(commands);
        vkCmdCopyBuffer(commands, pair[i], result.buffer, 1, &copy);
        gpu_memory_barrier(commands);
    }
    gpu_finish(gpu, gpu->pool, commands);
    printf("alias: %u %u\n", result.words[0], result.words[1024]);
    for (int i = 0; i < 2; i++) {
        vkDestroyBuffer(gpu->device, pair[i], NULL);
    }
    vkFreeMemory(gpu->device, memory, NULL);
    gpu_free_buffer(gpu, &result);
}

/* Buffer to image to image to buffer. */
void scene_transfer(test_gpu *gpu)
{
    gpu_buffer source = gpu_make_buffer(gpu, 16384, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
    gpu_buffer target = gpu_make_buffer(gpu, 16384, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                              VK_IMAGE_USAGE_SAMPLED_BIT;
    gpu_image images[2] = {gpu_make_image(gpu, usage), gpu_make_image(gpu, usage)};
    for (uint32_t i = 0; i < 4096; i++) {
        source.words[i] = i * i;
    }
    VkImageSubresourceLayers layers = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    VkBufferImageCopy region = {.imageSubresource = layers, .imageExtent = {64, 64, 1}};
    VkImageCopy across = {
        .srcSubresource = layers, .dstSubresource = layers, .extent = {64, 64, 1}};
    VkImageLayout as_source = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    VkImageLayout as_target = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    gpu_image_barrier(commands, images[0].image, VK_IMAGE_LAYOUT_UNDEFINED, as_target);
    gpu_image_barrier(commands, images[1].image, VK_IMAGE_LAYOUT_UNDEFINED, as_target);
    vkCmdCopyBufferToImage(commands, source.buffer, images[0].image, as_target, 1, &region);
    gpu_image_barrier(commands, images[0].image, as_target, as_source);
    vkCmdCopyImage(commands, images[0].image, as_source, images[1].image, as_target, 1, &across);
    gpu_image_barrier(commands, images[1].image, as_target, as_source);
    vkCmdCopyImageToBuffer(commands, images[1].image, as_source, target.buffer, 1, &region);
    gpu_memory_barrier(commands);
    gpu_finish(gpu, gpu->pool, commands);
    printf("transfer: %s\n", memcmp(source.words, target.words, 16384) == 0 ? "same" : "different");
    gpu_free_image(gpu, &images[0]);
    gpu_free_image(gpu, &images[1]);
    gpu_free_buffer(gpu, &source);
    gpu_free_buffer(gpu, &target);
}

/* A buffer whose address is taken. */
void scene_address(test_gpu *gpu)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = 512,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
    };
    VkMemoryAllocateFlagsInfo flags = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
    };
    VkBuffer buffer;
    VkMemoryRequirements needs;
    gpu_check(vkCreateBuffer(gpu->device, &info, NULL, &buffer), "vkCreateBuffer");
    vkGetBufferMemoryRequirements(gpu->device, buffer, &needs);
    VkDeviceMemory memory = gpu_allocate(gpu, needs, &flags);
    gpu_check(vkBindBufferMemory(gpu->device, buffer, memory, 0), "vkBindBufferMemory");
    VkBufferDeviceAddressInfo of = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
        .buffer = buffer,
    };
    VkDeviceAddress address = vkGetBufferDeviceAddress(gpu->device, &of);
    printf("address: %s\n", address != 0 ? "one" : "none");
    vkDestroyBuffer(gpu->device, buffer, NULL);
    vkFreeMemory(gpu->device, memory, NULL);
}

/* More memory than there can be. */
void scene_refused(test_gpu *gpu)
{
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = UINT64_C(1) << 50,
    };
    VkDeviceMemory memory;
    VkResult result = vkAllocateMemory(gpu->device, &info, NULL, &memory);
    printf("refused: %s\n",
           result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ? "yes"
                                                                                            : "no");
    if (result == VK_SUCCESS) {
        vkFreeMemory(gpu->device, memory, NULL);
    }
}

/* What a program can see of its device: with a layer above it, it must see the same. */
void scene_seen(test_gpu *gpu)
{
    static const char *const names[] = {
        "vkCreateBuffer",
        "vkQueueSubmit2",
        "vkQueueSubmit2KHR",
        "vkCreateSwapchainKHR",
        "vkQueuePresentKHR",
        "vkDebugMarkerSetObjectNameEXT",
        "vkBindBufferMemory2",
        "vkBindBufferMemory2KHR",
        "vkCmdDrawMeshTasksEXT",
        "vkCreateAccelerationStructureKHR",
        "vkWaitSemaphores",
        "vkWaitSemaphoresKHR",
        "vkCmdPushDescriptorSetKHR",
        "vkCmdBeginRendering",
        "vkSetDebugUtilsObjectNameEXT",
        "vkNoSuchFunction",
        "vkGetDeviceProcAddr",
        "vkDestroyInstance",
        "vkCreateInstance",
        "vkEnumeratePhysicalDevices",
    };
    uint32_t extension_count = 0;
    vkEnumerateDeviceExtensionProperties(gpu->physical, NULL, &extension_count, NULL);
    uint32_t instance_extension_count = 0;
    vkEnumerateInstanceExtensionProperties(NULL, &instance_extension_count, NULL);
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(gpu->physical, &properties);
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(gpu->physical, &memory);
    printf("seen: %s %u, %u and %u extensions, %u types, %llu bytes\n", properties.deviceName,
           properties.apiVersion, extension_count, instance_extension_count, memory.memoryTypeCount,
           (unsigned long long)memory.memoryHeaps[0].size);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        printf("%s: %s %s\n", names[i],
               vkGetDeviceProcAddr(gpu->device, names[i]) ? "there" : "missing",
               vkGetInstanceProcAddr(gpu->instance, names[i]) ? "there" : "missing");
    }
    gpu_buffer buffer = gpu_make_buffer(gpu, 1001, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(gpu->device, buffer.buffer, &needs);
    printf("needs: %llu %llu %u\n", (unsigned long long)needs.size,
           (unsigned long long)needs.alignment, needs.memoryTypeBits);
    gpu_free_buffer(gpu, &buffer);
}

void scene_leak(test_gpu *gpu)
{
    gpu_make_buffer(gpu, 4096, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    gpu_make_image(gpu, VK_IMAGE_USAGE_SAMPLED_BIT);
    printf("leak: a buffer and an image\n");
}
