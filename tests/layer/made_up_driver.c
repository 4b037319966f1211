#include "made_up_driver.h"

#include <string.h>

/* The first word is the loader's. */
typedef struct dispatchable {
    const void *key;
} dispatchable;

static int instance_key, device_key;
static dispatchable the_instance = {&instance_key}, the_physical = {&instance_key};
static dispatchable the_device = {&device_key}, the_queue = {&device_key};

driver_state driver = {.budget = 1000};

#define NEW_HANDLE(type) ((type)(uintptr_t)(++driver.handle_count))

static void expect(const void *handle, const dispatchable *object)
{
    if (handle != object) {
        driver.strangers++;
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out)
{
    (void)info;
    (void)allocator;
    *out = (VkInstance)(void *)&the_instance;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance instance,
                                                   const VkAllocationCallbacks *allocator)
{
    (void)allocator;
    expect(instance, &the_instance);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_adapters(VkInstance instance, uint32_t *count,
                                                   VkPhysicalDevice *out)
{
    expect(instance, &the_instance);
    *count = 1;
    *out = (VkPhysicalDevice)(void *)&the_physical;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *out)
{
    (void)allocator;
    expect(physical, &the_physical);
    driver.last_info = info;
    *out = (VkDevice)(void *)&the_device;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device,
                                                 const VkAllocationCallbacks *allocator)
{
    (void)allocator;
    expect(device, &the_device);
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical,
                                                 VkPhysicalDeviceProperties *out)
{
    (void)physical;
    memset(out, 0, sizeof *out);
    out->apiVersion = VK_API_VERSION_1_3;
    out->vendorID = 0x1234;
    out->deviceType = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
    strcpy(out->deviceName, "made up");
    out->limits.bufferImageGranularity = 1024;
    out->limits.nonCoherentAtomSize = 256;
    out->limits.maxMemoryAllocationCount = 4096;
}

static VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice physical,
                                                  VkPhysicalDeviceProperties2 *out)
{
    VkPhysicalDeviceMaintenance3Properties *limits = out->pNext;
    get_properties(physical, &out->properties);
    limits->maxMemoryAllocationSize = 1 << 30;
}

static VKAPI_ATTR void VKAPI_CALL get_memory(VkPhysicalDevice physical,
                                             VkPhysicalDeviceMemoryProperties *out)
{
    (void)physical;
    memset(out, 0, sizeof *out);
    out->memoryHeapCount = 2;
    out->memoryHeaps[0] = (VkMemoryHeap){1 << 20, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    out->memoryHeaps[1] = (VkMemoryHeap){2 << 20, 0};
    out->memoryTypeCount = 2;
    out->memoryTypes[0] = (VkMemoryType){VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
    out->memoryTypes[1] = (VkMemoryType){
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV, 1};
}

static VKAPI_ATTR void VKAPI_CALL get_memory2(VkPhysicalDevice physical,
                                              VkPhysicalDeviceMemoryProperties2 *out)
{
    get_memory(physical, &out->memoryProperties);
    VkPhysicalDeviceMemoryBudgetPropertiesEXT *heaps = out->pNext;
    if (heaps != NULL) {
        heaps->heapBudget[0] = driver.budget;
        heaps->heapUsage[0] = 17;
        heaps->heapBudget[1] = 2000;
    }
}

static VKAPI_ATTR void VKAPI_CALL get_families(VkPhysicalDevice physical, uint32_t *count,
                                               VkQueueFamilyProperties *out)
{
    (void)physical;
    *count = 1;
    if (out != NULL) {
        out[0] = (VkQueueFamilyProperties){.queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = 1};
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL get_extensions(VkPhysicalDevice physical, const char *layer,
                                                     uint32_t *count, VkExtensionProperties *out)
{
    (void)physical;
    (void)layer;
    *count = 1;
    if (out != NULL) {
        strcpy(out->extensionName, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL get_queue(VkDevice device, uint32_t family, uint32_t index,
                                            VkQueue *out)
{
    (void)device;
    (void)family;
    (void)index;
    *out = (VkQueue)(void *)&the_queue;
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator,
                                               VkDeviceMemory *out)
{
    (void)device;
    (void)allocator;
    driver.last_info = info;
    if (driver.answer == VK_SUCCESS) {
        *out = NEW_HANDLE(VkDeviceMemory);
    }
    return driver.answer;
}

/* Buffers and images begin at the same number: handles are numbers of their kind. */
static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkBuffer *out)
{
    static uint64_t count;
    (void)device;
    (void)allocator;
    driver.last_info = info;
    *out = (VkBuffer)(uintptr_t)(++count);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_image(VkDevice device, const VkImageCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator,
                                                   VkImage *out)
{
    static uint64_t count;
    (void)device;
    (void)allocator;
    driver.last_info = info;
    *out = (VkImage)(uintptr_t)(++count);
    return VK_SUCCESS;
}

#define DESTROY(name, type)                                                                        \
    static VKAPI_ATTR void VKAPI_CALL name(VkDevice device, type handle,                           \
                                           const VkAllocationCallbacks *allocator)                 \
    {                                                                                              \
        (void)device;                                                                              \
        (void)handle;                                                                              \
        (void)allocator;                                                                           \
    }
DESTROY(free_memory, VkDeviceMemory)
DESTROY(destroy_buffer, VkBuffer)
DESTROY(destroy_image, VkImage)
DESTROY(destroy_swapchain, VkSwapchainKHR)

static VKAPI_ATTR void VKAPI_CALL buffer_needs(VkDevice device,
                                               const VkBufferMemoryRequirementsInfo2 *info,
                                               VkMemoryRequirements2 *out)
{
    (void)device;
    (void)info;
    out->memoryRequirements = (VkMemoryRequirements){4096, 256, 3};
}

static VKAPI_ATTR void VKAPI_CALL image_needs(VkDevice device,
                                              const VkImageMemoryRequirementsInfo2 *info,
                                              VkMemoryRequirements2 *out)
{
    (void)device;
    const VkImagePlaneMemoryRequirementsInfo *plane = info->pNext;
    VkMemoryDedicatedRequirements *dedicated = out->pNext;
    out->memoryRequirements = (VkMemoryRequirements){8192, 1024, 1};
    if (plane != NULL) {
        out->memoryRequirements.size =
            plane->planeAspect == VK_IMAGE_ASPECT_PLANE_0_BIT ? 600 : 300;
    } else {
        dedicated->prefersDedicatedAllocation = VK_TRUE;
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_buffer(VkDevice device, VkBuffer buffer,
                                                  VkDeviceMemory memory, VkDeviceSize offset)
{
    (void)device;
    (void)buffer;
    (void)memory;
    (void)offset;
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_images(VkDevice device, uint32_t count,
                                                  const VkBindImageMemoryInfo *infos)
{
    (void)device;
    (void)count;
    driver.last_info = infos;
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_swapchain(VkDevice device,
                                                       const VkSwapchainCreateInfoKHR *info,
                                                       const VkAllocationCallbacks *allocator,
                                                       VkSwapchainKHR *out)
{
    (void)device;
    (void)allocator;
    driver.last_info = info;
    *out = NEW_HANDLE(VkSwapchainKHR);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_images(VkDevice device, VkSwapchainKHR swapchain,
                                                 uint32_t *count, VkImage *out)
{
    (void)device;
    (void)swapchain;
    uint32_t wanted = *count;
    *count = out && wanted < 3 ? wanted : 3;
    for (uint32_t i = 0; out && i < *count; i++) {
        out[i] = (VkImage)(uintptr_t)(1000 + i);
    }
    return out && wanted < 3 ? VK_INCOMPLETE : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL present(VkQueue queue, const VkPresentInfoKHR *info)
{
    (void)info;
    expect(queue, &the_queue);
    return VK_SUBOPTIMAL_KHR;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count,
                                             const VkSubmitInfo *batches, VkFence fence)
{
    (void)count;
    (void)batches;
    (void)fence;
    expect(queue, &the_queue);
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count,
                                              const VkSubmitInfo2 *batches, VkFence fence)
{
    (void)queue;
    (void)count;
    (void)batches;
    (void)fence;
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_sparse(VkQueue queue, uint32_t count,
                                                  const VkBindSparseInfo *batches, VkFence fence)
{
    (void)queue;
    (void)count;
    (void)batches;
    (void)fence;
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice device,
                                                       const VkSemaphoreCreateInfo *info,
                                                       const VkAllocationCallbacks *allocator,
                                                       VkSemaphore *out)
{
    (void)device;
    (void)info;
    (void)allocator;
    *out = NEW_HANDLE(VkSemaphore);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_counter(VkDevice device, VkSemaphore semaphore,
                                                  uint64_t *out)
{
    (void)device;
    (void)semaphore;
    *out = driver.counter;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device, uint32_t count,
                                                  const VkFence *fences, VkBool32 all,
                                                  uint64_t timeout)
{
    (void)device;
    (void)count;
    (void)fences;
    (void)all;
    (void)timeout;
    return driver.answer;
}

static VKAPI_ATTR VkResult VKAPI_CALL set_name(VkDevice device,
                                               const VkDebugMarkerObjectNameInfoEXT *info)
{
    (void)device;
    driver.last_info = info;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL unknown_function(void)
{
}

static PFN_vkVoidFunction find(const char *name)
{
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } all[] = {
#define OWN(name, function) {"vk" #name, (PFN_vkVoidFunction)(1 ? (function) : (PFN_vk##name)NULL)}
        OWN(GetInstanceProcAddr, driver_instance_proc),
        OWN(GetDeviceProcAddr, driver_device_proc),
        OWN(CreateInstance, create_instance),
        OWN(DestroyInstance, destroy_instance),
        OWN(EnumeratePhysicalDevices, get_adapters),
        OWN(CreateDevice, create_device),
        OWN(DestroyDevice, destroy_device),
        OWN(GetPhysicalDeviceProperties, get_properties),
        OWN(GetPhysicalDeviceProperties2, get_properties2),
        OWN(GetPhysicalDeviceMemoryProperties, get_memory),
        OWN(GetPhysicalDeviceMemoryProperties2, get_memory2),
        OWN(GetPhysicalDeviceQueueFamilyProperties, get_families),
        OWN(EnumerateDeviceExtensionProperties, get_extensions),
        OWN(GetDeviceQueue, get_queue),
        OWN(AllocateMemory, allocate),
        OWN(FreeMemory, free_memory),
        OWN(CreateBuffer, create_buffer),
        OWN(DestroyBuffer, destroy_buffer),
        OWN(CreateImage, create_image),
        OWN(DestroyImage, destroy_image),
        OWN(GetBufferMemoryRequirements2, buffer_needs),
        OWN(GetImageMemoryRequirements2, image_needs),
        OWN(BindBufferMemory, bind_buffer),
        OWN(BindImageMemory2, bind_images),
        OWN(CreateSwapchainKHR, create_swapchain),
        OWN(DestroySwapchainKHR, destroy_swapchain),
        OWN(GetSwapchainImagesKHR, get_images),
        OWN(QueuePresentKHR, present),
        OWN(QueueSubmit, submit),
        OWN(QueueSubmit2, submit2),
        OWN(QueueBindSparse, bind_sparse),
        OWN(CreateSemaphore, create_semaphore),
        OWN(GetSemaphoreCounterValue, get_counter),
        OWN(WaitForFences, wait_fences),
        OWN(DebugMarkerSetObjectNameEXT, set_name),
        {"vkMadeUpEXT", unknown_function},
#undef OWN
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return all[i].function;
        }
    }
    return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL driver_device_proc(VkDevice device, const char *name)
{
    (void)device;
    return find(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL driver_instance_proc(VkInstance instance, const char *name)
{
    (void)instance;
    return find(name);
}
