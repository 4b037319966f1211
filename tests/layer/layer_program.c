/* The recording layer over a driver that is made up, for what the machine's own drivers do not
 * have: memory from elsewhere, images in planes, sparse and shared resources, swapchains, budgets,
 * and a device that is lost. This program is loader and program in one.
 *
 *     layer_program LAYER.so
 *
 * Ends with 0 when all that the driver saw, and all that the program got back, was as if no layer
 * stood between them; else it says what was not. What the layer recorded is for others to read. */

#include "made_up_driver.h"

#include <vulkan/vk_layer.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* ---- the loader ---- */

static PFN_vkGetInstanceProcAddr instance_proc;
static PFN_vkGetDeviceProcAddr device_proc;
static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;

/* `CALL(CreateBuffer)(...)` goes into the layer. */
#define CALL(name)     ((PFN_vk##name)device_proc(device, "vk" #name))
#define INSTANCE(name) ((PFN_vk##name)instance_proc(instance, "vk" #name))

static void open_layer(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    PFN_vkNegotiateLoaderLayerInterfaceVersion negotiate = NULL;
    if (library != NULL) {
        /* POSIX lets a function pass as a pointer to data, C does not. */
        *(void **)(&negotiate) = dlsym(library, "vkNegotiateLoaderLayerInterfaceVersion");
    }
    if (negotiate == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(10);
    }
    VkNegotiateLayerInterface interface = {
        .sType = LAYER_NEGOTIATE_INTERFACE_STRUCT,
        .loaderLayerInterfaceVersion = 7,
    };
    EXPECT(negotiate(&interface) == VK_SUCCESS);
    EXPECT(interface.loaderLayerInterfaceVersion == 2);
    instance_proc = interface.pfnGetInstanceProcAddr;
    interface.loaderLayerInterfaceVersion = 1;
    EXPECT(negotiate(&interface) != VK_SUCCESS);
}

static void open_instance(void)
{
    VkLayerInstanceLink link = {.pfnNextGetInstanceProcAddr = driver_instance_proc};
    VkLayerInstanceCreateInfo callback = {
        .sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO,
        .function = VK_LOADER_DATA_CALLBACK,
    };
    VkLayerInstanceCreateInfo chain = {
        .sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO,
        .pNext = &callback,
        .function = VK_LAYER_LINK_INFO,
        .u = {.pLayerInfo = &link},
    };
    /* The order of the two is the loader's to choose. */
    callback.pNext = &chain;
    chain.pNext = NULL;
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .apiVersion = VK_API_VERSION_1_3,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = &callback,
        .pApplicationInfo = &application,
    };
    PFN_vkCreateInstance create =
        (PFN_vkCreateInstance)instance_proc(VK_NULL_HANDLE, "vkCreateInstance");
    EXPECT(create(&info, NULL, &instance) == VK_SUCCESS);
    EXPECT(chain.u.pLayerInfo == NULL);
    uint32_t count = 1;
    EXPECT(INSTANCE(EnumeratePhysicalDevices)(instance, &count, &physical) == VK_SUCCESS);
}

static void open_device(void)
{
    static const char *const extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
    VkLayerDeviceLink link = {
        .pfnNextGetInstanceProcAddr = driver_instance_proc,
        .pfnNextGetDeviceProcAddr = driver_device_proc,
    };
    VkLayerDeviceCreateInfo chain = {
        .sType = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO,
        .function = VK_LAYER_LINK_INFO,
        .u = {.pLayerInfo = &link},
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &chain,
        .enabledExtensionCount = 1,
        .ppEnabledExtensionNames = extensions,
    };
    EXPECT(INSTANCE(CreateDevice)(physical, &info, NULL, &device) == VK_SUCCESS);
    EXPECT(driver.last_info == &info && info.enabledExtensionCount == 1);
    device_proc = INSTANCE(GetDeviceProcAddr);
    EXPECT(device_proc != driver_device_proc);
    CALL(GetDeviceQueue)(device, 0, 0, &queue);
    CALL(GetDeviceQueue)(device, 0, 0, &queue);
}

/* What nobody knows is the driver's own; what the driver has not, the layer has not. */
static void look_for_functions(void)
{
    static const char *const names[] = {"vkMadeUpEXT", "vkNoSuch"};
    for (int i = 0; i < 2; i++) {
        EXPECT(device_proc(device, names[i]) == driver_device_proc(device, names[i]));
        EXPECT(instance_proc(instance, names[i]) == driver_instance_proc(instance, names[i]));
    }
    EXPECT(device_proc(device, "vkQueueSubmit2KHR") == NULL);
    EXPECT(device_proc(device, "vkCmdCopyBuffer") == NULL);
    EXPECT(instance_proc(instance, "vkCmdCopyBuffer") == NULL);
    EXPECT(device_proc(device, "vkQueueSubmit") != driver_device_proc(device, "vkQueueSubmit"));
    EXPECT(instance_proc(VK_NULL_HANDLE, "vkCreateDevice") == NULL);
}

/* ---- the program ---- */

static VkDeviceMemory allocate(const void *next, uint64_t size, uint32_t type)
{
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = next,
        .allocationSize = size,
        .memoryTypeIndex = type,
    };
    VkDeviceMemory memory = VK_NULL_HANDLE;
    EXPECT(CALL(AllocateMemory)(device, &info, NULL, &memory) == driver.answer);
    EXPECT(driver.last_info == &info && info.pNext == next);
    return memory;
}

static VkImage make_image(const void *next, VkImageCreateFlags flags, VkFormat format)
{
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .pNext = next,
        .flags = flags,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = format,
        .extent = {30, 20, 1},
        .mipLevels = 2,
        .arrayLayers = flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT ? 12 : 1,
        .samples = VK_SAMPLE_COUNT_4_BIT,
        .usage = VK_IMAGE_USAGE_STORAGE_BIT,
    };
    VkImage image;
    EXPECT(CALL(CreateImage)(device, &info, NULL, &image) == VK_SUCCESS);
    EXPECT(driver.last_info == &info && info.usage == VK_IMAGE_USAGE_STORAGE_BIT);
    return image;
}

static VkBuffer make_buffer(const void *next, VkBufferCreateFlags flags)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .pNext = next,
        .flags = flags,
        .size = 4000,
        .usage = next ? 0 : VK_BUFFER_USAGE_INDEX_BUFFER_BIT,
    };
    VkBuffer buffer;
    EXPECT(CALL(CreateBuffer)(device, &info, NULL, &buffer) == VK_SUCCESS);
    return buffer;
}

/* Memories 1 to 5, and one that is refused. */
static void play_memory(void)
{
    VkMemoryPriorityAllocateInfoEXT priority = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT,
        .priority = 0.25F,
    };
    VkImportMemoryFdInfoKHR import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
        .pNext = &priority,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkExportMemoryAllocateInfo export = {
        .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkMemoryAllocateFlagsInfo address = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
        .pNext = &export,
        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
    };
    VkDeviceMemory imported = allocate(&import, 100, 0);
    allocate(&address, 200, 1);
    VkBuffer buffer = make_buffer(NULL, 0);                  /* resource 1 */
    VkImage image = make_image(NULL, 0, VK_FORMAT_R8_UNORM); /* resource 2 */
    VkMemoryDedicatedAllocateInfo dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
        .image = image,
    };
    VkDeviceMemory own = allocate(&dedicated, 300, 0);
    CALL(FreeMemory)(device, own, NULL);
    CALL(FreeMemory)(device, VK_NULL_HANDLE, NULL);
    driver.answer = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    allocate(NULL, 400, 1);
    /* A bind that is refused is none. */
    EXPECT(CALL(BindBufferMemory)(device, buffer, imported, 0) == VK_ERROR_OUT_OF_DEVICE_MEMORY);
    driver.answer = VK_SUCCESS;
    CALL(DestroyBuffer)(device, buffer, NULL);
    CALL(DestroyImage)(device, image, NULL);
    CALL(DestroyImage)(device, VK_NULL_HANDLE, NULL);
}

/* Resources 3 to 9. */
static void play_resources(void)
{
    struct {
        VkStructureType type;
        const void *next;
        uint64_t usage;
    } wide = {(VkStructureType)1000470006, NULL,
              VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT | UINT64_C(1) << 40};
    VkExternalMemoryImageCreateInfo external = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkImageSwapchainCreateInfoKHR of_swapchain = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR,
        .swapchain = (VkSwapchainKHR)(uintptr_t)77,
    };
    make_buffer(&wide, 0);
    make_buffer(NULL, VK_BUFFER_CREATE_SPARSE_BINDING_BIT);
    make_image(NULL, VK_IMAGE_CREATE_SPARSE_BINDING_BIT, VK_FORMAT_R8_UNORM);
    make_image(&external, VK_IMAGE_CREATE_ALIAS_BIT, VK_FORMAT_R4G4_UNORM_PACK8);
    make_image(NULL, VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT, VK_FORMAT_BC1_RGB_UNORM_BLOCK);
    make_image(&of_swapchain, 0, VK_FORMAT_R8_UNORM);
    make_image(NULL, VK_IMAGE_CREATE_DISJOINT_BIT, VK_FORMAT_G8_B8R8_2PLANE_420_UNORM);
}

/* The image in planes is the last that was made; its planes are resources 10 and 11. */
static void play_planes(void)
{
    VkImage image = (VkImage)(uintptr_t)6;
    VkDeviceMemory memory = allocate(NULL, 5000, 0);
    VkBindImagePlaneMemoryInfo planes[2];
    VkBindImageMemoryInfo binds[2];
    for (uint32_t i = 0; i < 2; i++) {
        planes[i] = (VkBindImagePlaneMemoryInfo){
            .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_PLANE_MEMORY_INFO,
            .planeAspect = i ? VK_IMAGE_ASPECT_PLANE_1_BIT : VK_IMAGE_ASPECT_PLANE_0_BIT,
        };
        binds[i] = (VkBindImageMemoryInfo){
            .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
            .pNext = &planes[i],
            .image = image,
            .memory = memory,
            .memoryOffset = i * 1024,
        };
    }
    EXPECT(CALL(BindImageMemory2)(device, 2, binds) == VK_SUCCESS);
    EXPECT(driver.last_info == binds);
    /* Who names the image means its planes. */
    VkSparseMemoryBind page = {.size = 1};
    VkSparseImageOpaqueMemoryBindInfo pages = {image, 1, &page};
    VkBindSparseInfo batch = {
        .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
        .imageOpaqueBindCount = 1,
        .pImageOpaqueBinds = &pages,
    };
    EXPECT(CALL(QueueBindSparse)(queue, 1, &batch, VK_NULL_HANDLE) == VK_SUCCESS);
    CALL(DestroyImage)(device, image, NULL);
    EXPECT(CALL(QueueBindSparse)(queue, 1, &batch, VK_NULL_HANDLE) == VK_SUCCESS);
}

static void play_budgets(void)
{
    for (int i = 0; i < 3; i++) {
        VkPhysicalDeviceMemoryBudgetPropertiesEXT heaps = {
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
        };
        VkPhysicalDeviceMemoryProperties2 properties = {
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
            .pNext = &heaps,
        };
        driver.budget = i < 2 ? 1000 : 900;
        INSTANCE(GetPhysicalDeviceMemoryProperties2)(physical, &properties);
        EXPECT(heaps.heapBudget[0] == driver.budget && heaps.heapUsage[0] == 17);
        properties.pNext = NULL;
        INSTANCE(GetPhysicalDeviceMemoryProperties2)(physical, &properties);
    }
}

/* Resources 12 to 14. */
static void play_swapchain(void)
{
    VkSwapchainCreateInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
        .imageFormat = VK_FORMAT_B8G8R8A8_SRGB,
        .imageExtent = {320, 200},
        .imageArrayLayers = 1,
        .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
    };
    VkSwapchainKHR swapchain;
    EXPECT(CALL(CreateSwapchainKHR)(device, &info, NULL, &swapchain) == VK_SUCCESS);
    VkImage images[3];
    uint32_t count = 0;
    EXPECT(CALL(GetSwapchainImagesKHR)(device, swapchain, &count, NULL) == VK_SUCCESS);
    EXPECT(count == 3);
    count = 2;
    EXPECT(CALL(GetSwapchainImagesKHR)(device, swapchain, &count, images) == VK_INCOMPLETE);
    EXPECT(count == 2);
    count = 3;
    EXPECT(CALL(GetSwapchainImagesKHR)(device, swapchain, &count, images) == VK_SUCCESS);
    VkPresentInfoKHR shown = {.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR};
    EXPECT(CALL(QueuePresentKHR)(queue, &shown) == VK_SUBOPTIMAL_KHR);
    EXPECT(CALL(QueuePresentKHR)(queue, &shown) == VK_SUBOPTIMAL_KHR);
    CALL(DestroySwapchainKHR)(device, swapchain, NULL);
}

static void play_names(void)
{
    static char name[6002] = "E";
    for (size_t i = 1; i < sizeof name - 1; i += 3) {
        name[i] = '\xE2'; /* the euro sign */
        name[i + 1] = '\x82';
        name[i + 2] = '\xAC';
    }
    VkDebugMarkerObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_MARKER_OBJECT_NAME_INFO_EXT,
        .objectType = VK_DEBUG_REPORT_OBJECT_TYPE_BUFFER_EXT,
        .object = 2, /* resource 3 */
        .pObjectName = name,
    };
    EXPECT(CALL(DebugMarkerSetObjectNameEXT)(device, &info) == VK_SUCCESS);
    info.objectType = VK_DEBUG_REPORT_OBJECT_TYPE_SAMPLER_EXT;
    EXPECT(CALL(DebugMarkerSetObjectNameEXT)(device, &info) == VK_SUCCESS);
    EXPECT(driver.last_info == &info);
}

/* A remark in the trace, of what comes now. */
static void mark(const char *text)
{
    VkDebugMarkerObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_MARKER_OBJECT_NAME_INFO_EXT,
        .objectType = VK_DEBUG_REPORT_OBJECT_TYPE_DEVICE_EXT,
        .object = (uint64_t)(uintptr_t)device,
        .pObjectName = text,
    };
    EXPECT(CALL(DebugMarkerSetObjectNameEXT)(device, &info) == VK_SUCCESS);
}

/* The queue has done two binds of sparse memory before. */
static void play_submits(void)
{
    VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkSemaphoreCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &type,
    };
    VkSemaphore semaphore;
    EXPECT(CALL(CreateSemaphore)(device, &info, NULL, &semaphore) == VK_SUCCESS);
    VkFence fences[2] = {(VkFence)(uintptr_t)501, (VkFence)(uintptr_t)502};
    for (uint64_t i = 0; i < 3; i++) { /* submits 3 to 5, points 10, 20, 30 */
        uint64_t point = (i + 1) * 10;
        VkTimelineSemaphoreSubmitInfo points = {
            .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
            .signalSemaphoreValueCount = 1,
            .pSignalSemaphoreValues = &point,
        };
        VkSubmitInfo batch = {
            .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
            .pNext = &points,
            .signalSemaphoreCount = 1,
            .pSignalSemaphores = &semaphore,
        };
        EXPECT(CALL(QueueSubmit)(queue, 1, &batch, fences[i & 1]) == VK_SUCCESS);
    }
    uint64_t point;
    driver.counter = 25; /* as good as 20: submit 4 */
    mark("point 25");
    EXPECT(CALL(GetSemaphoreCounterValue)(device, semaphore, &point) == VK_SUCCESS);
    EXPECT(point == 25);
    mark("one of two fences");
    /* One of several says nothing; the second fence is of submit 4, which is known. */
    EXPECT(CALL(WaitForFences)(device, 2, fences, VK_FALSE, 0) == VK_SUCCESS);
    EXPECT(CALL(WaitForFences)(device, 1, &fences[1], VK_TRUE, 0) == VK_SUCCESS);
    mark("too early");
    driver.answer = VK_TIMEOUT;
    EXPECT(CALL(WaitForFences)(device, 1, &fences[0], VK_TRUE, 0) == VK_TIMEOUT);
    driver.answer = VK_SUCCESS;
    mark("both fences");
    EXPECT(CALL(WaitForFences)(device, 2, fences, VK_TRUE, 0) == VK_SUCCESS); /* submit 5 */

    VkSemaphoreSubmitInfo signals[2] = {
        {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
         .semaphore = semaphore,
         .value = 40,
         .stageMask = VK_PIPELINE_STAGE_2_COPY_BIT},
    };
    VkSubmitInfo2 batch = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
        .signalSemaphoreInfoCount = 1,
        .pSignalSemaphoreInfos = signals,
    };
    EXPECT(CALL(QueueSubmit2)(queue, 1, &batch, VK_NULL_HANDLE) == VK_SUCCESS); /* 6 */
    mark("point 40");
    driver.counter = 40; /* its copies are done, and perhaps no more */
    EXPECT(CALL(GetSemaphoreCounterValue)(device, semaphore, &point) == VK_SUCCESS);
    mark("a fence alone");
    /* A fence alone: it waits for all before it. */
    EXPECT(CALL(QueueSubmit)(queue, 0, NULL, fences[0]) == VK_SUCCESS);
    EXPECT(CALL(WaitForFences)(device, 1, fences, VK_TRUE, 0) == VK_SUCCESS); /* submit 6 */

    driver.answer = VK_ERROR_DEVICE_LOST;
    EXPECT(CALL(QueueSubmit2)(queue, 1, &batch, VK_NULL_HANDLE) == VK_ERROR_DEVICE_LOST);
    EXPECT(CALL(WaitForFences)(device, 1, fences, VK_TRUE, 0) == VK_ERROR_DEVICE_LOST);
    driver.answer = VK_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "layer_program LAYER.so\n");
        return 12;
    }
    open_layer(argv[1]);
    open_instance();
    open_device();
    look_for_functions();
    play_memory();
    play_resources();
    play_planes();
    play_budgets();
    play_swapchain();
    play_names();
    play_submits();
    CALL(DestroyDevice)(device, NULL);
    INSTANCE(DestroyInstance)(instance, NULL);
    EXPECT(driver.strangers == 0);
    return failures > 0;
}
