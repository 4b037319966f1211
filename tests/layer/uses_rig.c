#include "uses_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fhi_rig_check(bool condition, const char *what, const char *file, int line)
{
    if (!condition) {
        fflush(stdout);
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
        exit(2);
    }
}

static VKAPI_ATTR VkBool32 VKAPI_CALL hear(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                           VkDebugUtilsMessageTypeFlagsEXT types,
                                           const VkDebugUtilsMessengerCallbackDataEXT *data,
                                           void *user)
{
    (void)severity;
    (void)types;
    fhi_rig *rig = user;
    rig->error_count += 1;
    fprintf(stderr, "%s: %s\n", rig->test == NULL ? "?" : rig->test, data->pMessage);
    return VK_FALSE;
}

static void open_instance(fhi_rig *rig, bool validate)
{
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = hear,
        .pUserData = rig,
    };
    const char *extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "vulkan_uses",
        .apiVersion = VK_API_VERSION_1_3,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validate ? &messenger : NULL,
        .pApplicationInfo = &application,
        .enabledExtensionCount = 1,
        .ppEnabledExtensionNames = extensions,
    };
    RIG_CHECK(vkCreateInstance(&info, NULL, &rig->instance) == VK_SUCCESS);
    if (validate) {
        PFN_vkCreateDebugUtilsMessengerEXT create =
            (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                rig->instance, "vkCreateDebugUtilsMessengerEXT");
        RIG_CHECK(create(rig->instance, &messenger, NULL, &rig->messenger) == VK_SUCCESS);
    }
    uint32_t count = 1;
    vkEnumeratePhysicalDevices(rig->instance, &count, &rig->adapter);
    RIG_CHECK(count == 1);
}

static bool has_extension(const VkExtensionProperties *all, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(all[i].extensionName, name) == 0) {
            return true;
        }
    }
    return false;
}

static void open_device(fhi_rig *rig)
{
    static VkExtensionProperties all[512];
    uint32_t all_count = 512;
    vkEnumerateDeviceExtensionProperties(rig->adapter, NULL, &all_count, all);
    const char *wanted[] = {"VK_KHR_push_descriptor", "VK_KHR_copy_commands2",
                            "VK_EXT_transform_feedback", "VK_EXT_conditional_rendering"};
    const char *names[4];
    uint32_t count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (has_extension(all, all_count, wanted[i])) {
            names[count] = wanted[i];
            count += 1;
        }
    }
    VkPhysicalDeviceConditionalRenderingFeaturesEXT conditional = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CONDITIONAL_RENDERING_FEATURES_EXT,
        .conditionalRendering = VK_TRUE};
    VkPhysicalDeviceTransformFeedbackFeaturesEXT feedback = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_FEATURES_EXT,
        .pNext = &conditional,
        .transformFeedback = VK_TRUE};
    VkPhysicalDeviceVulkan13Features v13 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .pNext = &feedback,
        .synchronization2 = VK_TRUE,
        .dynamicRendering = VK_TRUE};
    VkPhysicalDeviceVulkan12Features v12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &v13,
        .drawIndirectCount = VK_TRUE,
        .imagelessFramebuffer = VK_TRUE};
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = &v12,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = count,
                               .ppEnabledExtensionNames = names};
    RIG_CHECK(vkCreateDevice(rig->adapter, &info, NULL, &rig->device) == VK_SUCCESS);
    vkGetDeviceQueue(rig->device, 0, 0, &rig->queue);
#define RIG_COMMAND_GET(name)                                                                      \
    rig->name = (PFN_vk##name)vkGetDeviceProcAddr(rig->device, "vk" #name);
    RIG_COMMANDS(RIG_COMMAND_GET)
#undef RIG_COMMAND_GET
    RIG_CHECK(rig->CmdPushDescriptorSetKHR != NULL && rig->SetDebugUtilsObjectNameEXT != NULL);
}

static void open_pools(fhi_rig *rig)
{
    VkCommandPoolCreateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    };
    RIG_CHECK(vkCreateCommandPool(rig->device, &commands, NULL, &rig->pool) == VK_SUCCESS);
    VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 256},
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 256},
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, 8},
        {VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, 8},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 8},
        {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 8},
    };
    VkDescriptorPoolCreateInfo descriptors = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = 256,
        .poolSizeCount = 6,
        .pPoolSizes = sizes,
    };
    RIG_CHECK(vkCreateDescriptorPool(rig->device, &descriptors, NULL, &rig->descriptor_pool) ==
              VK_SUCCESS);
    VkSamplerCreateInfo sampler = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
    RIG_CHECK(vkCreateSampler(rig->device, &sampler, NULL, &rig->sampler) == VK_SUCCESS);
}

void fhi_rig_open(fhi_rig *rig, bool validate)
{
    *rig = (fhi_rig){.test = NULL};
    open_instance(rig, validate);
    open_device(rig);
    open_pools(rig);
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(rig->adapter, &memory);
    VkMemoryPropertyFlags flags =
        VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    while (rig->memory_type < memory.memoryTypeCount &&
           (memory.memoryTypes[rig->memory_type].propertyFlags & flags) != flags) {
        rig->memory_type += 1;
    }
    RIG_CHECK(rig->memory_type < memory.memoryTypeCount);
}

static void destroy_thing(fhi_rig *rig, fhi_rig_thing *thing)
{
    vkDestroyImageView(rig->device, thing->image_view, NULL);
    vkDestroyBufferView(rig->device, thing->buffer_view, NULL);
    vkDestroyBuffer(rig->device, thing->buffer, NULL);
    vkDestroyImage(rig->device, thing->image, NULL);
    vkFreeMemory(rig->device, thing->memory, NULL);
    *thing = (fhi_rig_thing){0};
}

uint32_t fhi_rig_close(fhi_rig *rig)
{
    vkDeviceWaitIdle(rig->device);
    vkDestroyCommandPool(rig->device, rig->pool, NULL);
    vkDestroyDescriptorPool(rig->device, rig->descriptor_pool, NULL);
    vkDestroySampler(rig->device, rig->sampler, NULL);
    for (uint32_t i = rig->thing_count; i > 0; i--) {
        destroy_thing(rig, &rig->things[i - 1]);
    }
    vkDestroyDevice(rig->device, NULL);
    if (rig->messenger != VK_NULL_HANDLE) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                rig->instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(rig->instance, rig->messenger, NULL);
    }
    vkDestroyInstance(rig->instance, NULL);
    return rig->error_count;
}

static fhi_rig_thing *next_thing(fhi_rig *rig)
{
    RIG_CHECK(rig->thing_count < THINGS_MAX);
    rig->thing_count += 1;
    return &rig->things[rig->thing_count - 1];
}

static void name_thing(fhi_rig *rig, VkObjectType type, uint64_t handle, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "%s.%s", rig->test, name);
    VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = text,
    };
    RIG_CHECK(rig->SetDebugUtilsObjectNameEXT(rig->device, &info) == VK_SUCCESS);
}

static VkDeviceMemory new_memory(fhi_rig *rig, VkMemoryRequirements needs)
{
    RIG_CHECK((needs.memoryTypeBits >> rig->memory_type & 1) != 0);
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .allocationSize = needs.size,
                                 .memoryTypeIndex = rig->memory_type};
    VkDeviceMemory memory;
    RIG_CHECK(vkAllocateMemory(rig->device, &info, NULL, &memory) == VK_SUCCESS);
    return memory;
}

VkBuffer fhi_rig_buffer(fhi_rig *rig, const char *name, VkBufferUsageFlags usage)
{
    fhi_rig_thing *thing = next_thing(rig);
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = BUFFER_SIZE, .usage = usage};
    RIG_CHECK(vkCreateBuffer(rig->device, &info, NULL, &thing->buffer) == VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(rig->device, thing->buffer, &needs);
    thing->memory = new_memory(rig, needs);
    vkBindBufferMemory(rig->device, thing->buffer, thing->memory, 0);
    name_thing(rig, VK_OBJECT_TYPE_BUFFER, (uint64_t)thing->buffer, name);
    /* Counts and arguments of indirect commands are 0. */
    void *bytes;
    RIG_CHECK(vkMapMemory(rig->device, thing->memory, 0, VK_WHOLE_SIZE, 0, &bytes) == VK_SUCCESS);
    memset(bytes, 0, BUFFER_SIZE);
    vkUnmapMemory(rig->device, thing->memory);
    return thing->buffer;
}

VkImage fhi_rig_image(fhi_rig *rig, const char *name, VkFormat format,
                      VkSampleCountFlagBits samples, VkImageUsageFlags usage)
{
    fhi_rig_thing *thing = next_thing(rig);
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = format,
        .extent = {WIDTH, HEIGHT, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = samples,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = usage,
    };
    RIG_CHECK(vkCreateImage(rig->device, &info, NULL, &thing->image) == VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(rig->device, thing->image, &needs);
    thing->memory = new_memory(rig, needs);
    vkBindImageMemory(rig->device, thing->image, thing->memory, 0);
    name_thing(rig, VK_OBJECT_TYPE_IMAGE, (uint64_t)thing->image, name);
    return thing->image;
}

static VkImageAspectFlags aspect_of(VkFormat format)
{
    return format == DEPTH ? VK_IMAGE_ASPECT_DEPTH_BIT : VK_IMAGE_ASPECT_COLOR_BIT;
}

VkImageView fhi_rig_view(fhi_rig *rig, VkImage image, VkFormat format)
{
    fhi_rig_thing *thing = next_thing(rig);
    VkImageViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = format,
        .subresourceRange = {aspect_of(format), 0, 1, 0, 1},
    };
    RIG_CHECK(vkCreateImageView(rig->device, &info, NULL, &thing->image_view) == VK_SUCCESS);
    return thing->image_view;
}

VkBufferView fhi_rig_buffer_view(fhi_rig *rig, VkBuffer buffer)
{
    fhi_rig_thing *thing = next_thing(rig);
    VkBufferViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
        .buffer = buffer,
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .range = VK_WHOLE_SIZE,
    };
    RIG_CHECK(vkCreateBufferView(rig->device, &info, NULL, &thing->buffer_view) == VK_SUCCESS);
    return thing->buffer_view;
}

void fhi_rig_destroy_buffer(fhi_rig *rig, VkBuffer buffer)
{
    for (uint32_t i = 0; i < rig->thing_count; i++) {
        if (rig->things[i].buffer == buffer) {
            destroy_thing(rig, &rig->things[i]);
            return;
        }
    }
    RIG_CHECK(!"that buffer is there");
}

VkCommandBuffer fhi_rig_commands(fhi_rig *rig, VkCommandBufferLevel level)
{
    VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = rig->pool,
        .level = level,
        .commandBufferCount = 1,
    };
    VkCommandBuffer commands;
    RIG_CHECK(vkAllocateCommandBuffers(rig->device, &info, &commands) == VK_SUCCESS);
    return commands;
}

void fhi_rig_begin(VkCommandBuffer commands, VkCommandBufferUsageFlags flags)
{
    VkCommandBufferInheritanceInfo inheritance = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
    VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                     .flags = flags,
                                     .pInheritanceInfo = &inheritance};
    RIG_CHECK(vkBeginCommandBuffer(commands, &info) == VK_SUCCESS);
}

VkCommandBuffer fhi_rig_start(fhi_rig *rig)
{
    VkCommandBuffer commands = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    fhi_rig_begin(commands, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
    return commands;
}

void fhi_rig_say_submit(fhi_rig *rig, const char *names)
{
    printf("submit %s:%s%s\n", rig->test, names[0] == '\0' ? "" : " ", names);
}

void fhi_rig_say_always(fhi_rig *rig, const char *name)
{
    printf("always %s.%s\n", rig->test, name);
}

void fhi_rig_submit(fhi_rig *rig, VkCommandBuffer commands, const char *names)
{
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &commands};
    RIG_CHECK(vkQueueSubmit(rig->queue, 1, &info, VK_NULL_HANDLE) == VK_SUCCESS);
    RIG_CHECK(vkQueueWaitIdle(rig->queue) == VK_SUCCESS);
    fhi_rig_say_submit(rig, names);
}

void fhi_rig_finish(fhi_rig *rig, VkCommandBuffer commands, const char *names)
{
    RIG_CHECK(vkEndCommandBuffer(commands) == VK_SUCCESS);
    fhi_rig_submit(rig, commands, names);
    vkFreeCommandBuffers(rig->device, rig->pool, 1, &commands);
}

void fhi_rig_layout(fhi_rig *rig, VkImage image, VkImageAspectFlags aspect, VkImageLayout layout)
{
    VkCommandBuffer commands = fhi_rig_start(rig);
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
        .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
        .newLayout = layout,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {aspect, 0, 1, 0, 1},
    };
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
    fhi_rig_finish(rig, commands, "");
}
