/* The commands that no driver of this machine has (rays, meshes, video, and those of single
 * vendors) over the driver that is made up, which takes them all and does nothing. Says what each
 * submit uses, as uses_rig.h has it.
 *
 *     layer_uses LAYER.so
 */

#include "made_up_driver.h"

#include <vulkan/vk_layer.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                        \
            exit(2);                                                                               \
        }                                                                                          \
    } while (0)

/* ---- the driver's other half, and the loader ---- */

/* What takes handles, structs and numbers and gives nothing back is all alike to a caller: who
 * ignores its arguments may have any of their types, in the calling conventions that there are. */
static VKAPI_ATTR void VKAPI_CALL do_nothing(void)
{
}

static VKAPI_ATTR VkResult VKAPI_CALL make_object(VkDevice device, const void *info,
                                                  const VkAllocationCallbacks *allocator,
                                                  uint64_t *out)
{
    (void)device;
    (void)info;
    (void)allocator;
    driver.handle_count += 1;
    *out = driver.handle_count;
    return VK_SUCCESS;
}

/* Its first word is the loader's: that of the device. */
static const void *the_commands[1];

static VKAPI_ATTR VkResult VKAPI_CALL make_commands(VkDevice device,
                                                    const VkCommandBufferAllocateInfo *info,
                                                    VkCommandBuffer *out)
{
    (void)info;
    the_commands[0] = *(const void *const *)(const void *)device;
    *out = (VkCommandBuffer)(void *)the_commands;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL begin(VkCommandBuffer commands,
                                            const VkCommandBufferBeginInfo *info)
{
    (void)commands;
    (void)info;
    return VK_SUCCESS;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL proc_below(VkDevice device, const char *name)
{
    PFN_vkVoidFunction known = driver_device_proc(device, name);
    if (known != NULL) {
        return known;
    }
    if (strcmp(name, "vkAllocateCommandBuffers") == 0) {
        return (PFN_vkVoidFunction)make_commands;
    }
    if (strcmp(name, "vkBeginCommandBuffer") == 0) {
        return (PFN_vkVoidFunction)begin;
    }
    return strncmp(name, "vkCreate", 8) == 0 ? (PFN_vkVoidFunction)make_object
                                             : (PFN_vkVoidFunction)do_nothing;
}

static VkDevice device;
static VkQueue queue;
static PFN_vkGetDeviceProcAddr device_proc;

#define CALL(name) ((PFN_vk##name)device_proc(device, "vk" #name))

static PFN_vkGetInstanceProcAddr open_layer(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    PFN_vkNegotiateLoaderLayerInterfaceVersion negotiate = NULL;
    /* POSIX lets a function pass as a pointer to data, C does not. */
    *(void **)(&negotiate) = dlsym(library, "vkNegotiateLoaderLayerInterfaceVersion");
    CHECK(negotiate != NULL);
    VkNegotiateLayerInterface interface = {.sType = LAYER_NEGOTIATE_INTERFACE_STRUCT,
                                           .loaderLayerInterfaceVersion = 2};
    CHECK(negotiate(&interface) == VK_SUCCESS);
    return interface.pfnGetInstanceProcAddr;
}

static VkInstance open_instance(PFN_vkGetInstanceProcAddr instance_proc)
{
    VkLayerInstanceLink link = {.pfnNextGetInstanceProcAddr = driver_instance_proc};
    VkLayerInstanceCreateInfo chain = {.sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO,
                                       .function = VK_LAYER_LINK_INFO,
                                       .u = {.pLayerInfo = &link}};
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pNext = &chain,
                                 .pApplicationInfo = &application};
    PFN_vkCreateInstance create =
        (PFN_vkCreateInstance)instance_proc(VK_NULL_HANDLE, "vkCreateInstance");
    VkInstance instance;
    CHECK(create(&info, NULL, &instance) == VK_SUCCESS);
    return instance;
}

static void open_device(PFN_vkGetInstanceProcAddr instance_proc, VkInstance instance)
{
    PFN_vkEnumeratePhysicalDevices enumerate =
        (PFN_vkEnumeratePhysicalDevices)instance_proc(instance, "vkEnumeratePhysicalDevices");
    VkPhysicalDevice physical;
    uint32_t count = 1;
    CHECK(enumerate(instance, &count, &physical) == VK_SUCCESS);
    VkLayerDeviceLink link = {.pfnNextGetInstanceProcAddr = driver_instance_proc,
                              .pfnNextGetDeviceProcAddr = proc_below};
    VkLayerDeviceCreateInfo chain = {.sType = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO,
                                     .function = VK_LAYER_LINK_INFO,
                                     .u = {.pLayerInfo = &link}};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &chain};
    PFN_vkCreateDevice create = (PFN_vkCreateDevice)instance_proc(instance, "vkCreateDevice");
    CHECK(create(physical, &info, NULL, &device) == VK_SUCCESS);
    device_proc = (PFN_vkGetDeviceProcAddr)instance_proc(instance, "vkGetDeviceProcAddr");
    CALL(GetDeviceQueue)(device, 0, 0, &queue);
}

/* ---- things with names ---- */

static const char *test;

static void name_object(VkDebugReportObjectTypeEXT type, uint64_t handle, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "%s.%s", test, name);
    VkDebugMarkerObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_MARKER_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .object = handle,
        .pObjectName = text,
    };
    CHECK(CALL(DebugMarkerSetObjectNameEXT)(device, &info) == VK_SUCCESS);
}

static VkBuffer new_buffer(const char *name)
{
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = 4096,
                               .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    VkBuffer buffer;
    CHECK(CALL(CreateBuffer)(device, &info, NULL, &buffer) == VK_SUCCESS);
    name_object(VK_DEBUG_REPORT_OBJECT_TYPE_BUFFER_EXT, (uint64_t)buffer, name);
    return buffer;
}

static VkImage new_image(const char *name)
{
    VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                              .format = VK_FORMAT_R8G8B8A8_UNORM,
                              .extent = {16, 16, 1},
                              .mipLevels = 1,
                              .arrayLayers = 1,
                              .samples = VK_SAMPLE_COUNT_1_BIT,
                              .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
    VkImage image;
    CHECK(CALL(CreateImage)(device, &info, NULL, &image) == VK_SUCCESS);
    name_object(VK_DEBUG_REPORT_OBJECT_TYPE_IMAGE_EXT, (uint64_t)image, name);
    return image;
}

static VkImageView new_view(const char *name)
{
    VkImageViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                  .image = new_image(name)};
    VkImageView view;
    CHECK(CALL(CreateImageView)(device, &info, NULL, &view) == VK_SUCCESS);
    return view;
}

static VkAccelerationStructureKHR new_structure(const char *name)
{
    VkAccelerationStructureCreateInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_KHR,
        .buffer = new_buffer(name)};
    VkAccelerationStructureKHR structure;
    CHECK(CALL(CreateAccelerationStructureKHR)(device, &info, NULL, &structure) == VK_SUCCESS);
    return structure;
}

static VkMicromapEXT new_micromap(const char *name)
{
    VkMicromapCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_MICROMAP_CREATE_INFO_EXT,
                                    .buffer = new_buffer(name)};
    VkMicromapEXT micromap;
    CHECK(CALL(CreateMicromapEXT)(device, &info, NULL, &micromap) == VK_SUCCESS);
    return micromap;
}

static VkCommandBuffer commands;

static void start(const char *name)
{
    VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    CHECK(CALL(BeginCommandBuffer)(commands, &info) == VK_SUCCESS);
    test = name;
}

static void finish(const char *names)
{
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &commands};
    CHECK(CALL(QueueSubmit)(queue, 1, &info, VK_NULL_HANDLE) == VK_SUCCESS);
    printf("submit %s: %s\n", test, names);
}

/* ---- the tests ---- */

static void trace_rays(void)
{
    start("rays");
    VkAccelerationStructureKHR a = new_structure("a");
    VkAccelerationStructureKHR b = new_structure("b");
    VkAccelerationStructureBuildGeometryInfoKHR build = {
        .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_BUILD_GEOMETRY_INFO_KHR,
        .mode = VK_BUILD_ACCELERATION_STRUCTURE_MODE_BUILD_KHR,
        .srcAccelerationStructure = a, /* of no meaning where nothing is updated */
        .dstAccelerationStructure = b};
    CALL(CmdBuildAccelerationStructuresKHR)(commands, 1, &build, NULL);
    finish("b");
    start("rays");
    build.mode = VK_BUILD_ACCELERATION_STRUCTURE_MODE_UPDATE_KHR;
    CALL(CmdBuildAccelerationStructuresIndirectKHR)(commands, 1, &build, NULL, NULL, NULL);
    finish("a b");
    start("rays");
    VkCopyAccelerationStructureInfoKHR copy = {
        .sType = VK_STRUCTURE_TYPE_COPY_ACCELERATION_STRUCTURE_INFO_KHR, .src = a, .dst = b};
    CALL(CmdCopyAccelerationStructureKHR)(commands, &copy);
    finish("a b");
    start("rays");
    VkCopyAccelerationStructureToMemoryInfoKHR out = {
        .sType = VK_STRUCTURE_TYPE_COPY_ACCELERATION_STRUCTURE_TO_MEMORY_INFO_KHR, .src = a};
    CALL(CmdCopyAccelerationStructureToMemoryKHR)(commands, &out);
    finish("a");
    start("rays");
    VkCopyMemoryToAccelerationStructureInfoKHR in = {
        .sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_ACCELERATION_STRUCTURE_INFO_KHR, .dst = b};
    CALL(CmdCopyMemoryToAccelerationStructureKHR)(commands, &in);
    finish("b");
    start("rays");
    CALL(CmdWriteAccelerationStructuresPropertiesKHR)
    (commands, 1, &a, VK_QUERY_TYPE_ACCELERATION_STRUCTURE_COMPACTED_SIZE_KHR, VK_NULL_HANDLE, 0);
    finish("a");
    start("rays");
    CALL(DestroyAccelerationStructureKHR)(device, b, NULL);
    CALL(CmdCopyAccelerationStructureKHR)(commands, &copy);
    finish("a");
    /* Its address may be in any structure that stands over it. */
    VkAccelerationStructureDeviceAddressInfoKHR address = {
        .sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_DEVICE_ADDRESS_INFO_KHR,
        .accelerationStructure = a};
    CALL(GetAccelerationStructureDeviceAddressKHR)(device, &address);
    printf("always rays.a\n");
}

static void use_micromaps(void)
{
    start("micromaps");
    VkMicromapEXT a = new_micromap("a");
    VkMicromapEXT b = new_micromap("b");
    VkMicromapBuildInfoEXT build = {.sType = VK_STRUCTURE_TYPE_MICROMAP_BUILD_INFO_EXT,
                                    .dstMicromap = a};
    CALL(CmdBuildMicromapsEXT)(commands, 1, &build);
    finish("a");
    start("micromaps");
    VkCopyMicromapInfoEXT copy = {
        .sType = VK_STRUCTURE_TYPE_COPY_MICROMAP_INFO_EXT, .src = a, .dst = b};
    CALL(CmdCopyMicromapEXT)(commands, &copy);
    finish("a b");
    start("micromaps");
    VkCopyMicromapToMemoryInfoEXT out = {
        .sType = VK_STRUCTURE_TYPE_COPY_MICROMAP_TO_MEMORY_INFO_EXT, .src = a};
    CALL(CmdCopyMicromapToMemoryEXT)(commands, &out);
    finish("a");
    start("micromaps");
    VkCopyMemoryToMicromapInfoEXT in = {.sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_MICROMAP_INFO_EXT,
                                        .dst = b};
    CALL(CmdCopyMemoryToMicromapEXT)(commands, &in);
    CALL(CmdWriteMicromapsPropertiesEXT)
    (commands, 1, &a, VK_QUERY_TYPE_MICROMAP_COMPACTED_SIZE_EXT, VK_NULL_HANDLE, 0);
    finish("b a");
}

static void draw_meshes(void)
{
    start("meshes");
    VkBuffer draws = new_buffer("draws");
    VkBuffer count = new_buffer("count");
    CALL(CmdDrawMeshTasksIndirectEXT)(commands, draws, 0, 1, 12);
    finish("draws");
    start("meshes");
    CALL(CmdDrawMeshTasksIndirectCountEXT)(commands, draws, 0, count, 0, 1, 12);
    finish("draws count");
    start("meshes");
    CALL(CmdDrawMeshTasksIndirectNV)(commands, draws, 0, 1, 12);
    finish("draws");
    start("meshes");
    CALL(CmdDrawMeshTasksIndirectCountNV)(commands, count, 0, draws, 0, 1, 12);
    finish("draws count");
    start("meshes");
    CALL(CmdDrawClusterIndirectHUAWEI)(commands, draws, 0);
    finish("draws");
    start("meshes");
    CALL(CmdDrawIndirectCountAMD)(commands, draws, 0, count, 0, 1, 16);
    finish("draws count");
    start("meshes");
    CALL(CmdDrawIndexedIndirectCountAMD)(commands, draws, 0, count, 0, 1, 20);
    finish("draws count");
    start("meshes");
    CALL(CmdDrawIndirectByteCountEXT)(commands, 1, 0, count, 0, 0, 16);
    VkDeviceSize offset = 0;
    CALL(CmdBeginTransformFeedbackEXT)(commands, 0, 1, &draws, &offset);
    finish("count draws");
    start("meshes");
    CALL(CmdEndTransformFeedbackEXT)(commands, 0, 1, &count, &offset);
    CALL(CmdBeginTransformFeedbackEXT)(commands, 0, 1, NULL, NULL);
    finish("count");
}

static void generate_commands(void)
{
    start("generated");
    VkIndirectCommandsStreamNV stream = {new_buffer("stream"), 0};
    VkGeneratedCommandsInfoNV info = {.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_INFO_NV,
                                      .streamCount = 1,
                                      .pStreams = &stream,
                                      .preprocessBuffer = new_buffer("space"),
                                      .sequencesCountBuffer = new_buffer("count")};
    CALL(CmdPreprocessGeneratedCommandsNV)(commands, &info);
    finish("stream space count");
    start("generated");
    info.sequencesIndexBuffer = new_buffer("index");
    CALL(CmdExecuteGeneratedCommandsNV)(commands, VK_TRUE, &info);
    finish("stream space count index");
    start("generated");
    VkBuffer marker = new_buffer("marker");
    CALL(CmdWriteBufferMarkerAMD)
    (commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, marker, 0, 1);
    finish("marker");
    start("generated");
    CALL(CmdWriteBufferMarker2AMD)(commands, 0, marker, 0, 1);
    VkImage target = new_image("target");
    CALL(CmdCopyMemoryToImageIndirectNV)
    (commands, 0, 1, 32, target, VK_IMAGE_LAYOUT_GENERAL, NULL);
    finish("marker target");
}

static void trace_rays_nv(void)
{
    start("rays_nv");
    VkGeometryNV geometries[2] = {
        {.sType = VK_STRUCTURE_TYPE_GEOMETRY_NV,
         .geometryType = VK_GEOMETRY_TYPE_TRIANGLES_NV,
         .geometry = {.triangles = {.vertexData = new_buffer("vertices"),
                                    .indexData = new_buffer("indices")}}},
        {.sType = VK_STRUCTURE_TYPE_GEOMETRY_NV,
         .geometryType = VK_GEOMETRY_TYPE_AABBS_NV,
         .geometry = {.aabbs = {.aabbData = new_buffer("boxes")}}},
    };
    VkAccelerationStructureInfoNV info = {.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_INFO_NV,
                                          .geometryCount = 2,
                                          .pGeometries = geometries};
    CALL(CmdBuildAccelerationStructureNV)
    (commands, &info, new_buffer("instances"), 0, VK_FALSE, VK_NULL_HANDLE, VK_NULL_HANDLE,
     new_buffer("scratch"), 0);
    finish("vertices indices boxes instances scratch");
    start("rays_nv");
    CALL(CmdTraceRaysNV)
    (commands, new_buffer("raygen"), 0, new_buffer("miss"), 0, 0, new_buffer("hit"), 0, 0,
     new_buffer("callable"), 0, 0, 1, 1, 1);
    finish("raygen miss hit callable");
}

static void decode_video(void)
{
    start("video");
    VkVideoPictureResourceInfoKHR picture = {.sType =
                                                 VK_STRUCTURE_TYPE_VIDEO_PICTURE_RESOURCE_INFO_KHR,
                                             .imageViewBinding = new_view("reference")};
    VkVideoReferenceSlotInfoKHR slots[2] = {
        {.sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR, .pPictureResource = &picture},
        {.sType = VK_STRUCTURE_TYPE_VIDEO_REFERENCE_SLOT_INFO_KHR},
    };
    VkVideoBeginCodingInfoKHR coding = {.sType = VK_STRUCTURE_TYPE_VIDEO_BEGIN_CODING_INFO_KHR,
                                        .referenceSlotCount = 2,
                                        .pReferenceSlots = slots};
    CALL(CmdBeginVideoCodingKHR)(commands, &coding);
    finish("reference");
    start("video");
    VkVideoDecodeInfoKHR decode = {
        .sType = VK_STRUCTURE_TYPE_VIDEO_DECODE_INFO_KHR,
        .srcBuffer = new_buffer("bits"),
        .dstPictureResource = {.sType = VK_STRUCTURE_TYPE_VIDEO_PICTURE_RESOURCE_INFO_KHR,
                               .imageViewBinding = new_view("decoded")},
        .pSetupReferenceSlot = slots};
    CALL(CmdDecodeVideoKHR)(commands, &decode);
    finish("bits decoded reference");
}

static void use_views(void)
{
    start("views");
    CALL(CmdBindShadingRateImageNV)(commands, new_view("rates"), VK_IMAGE_LAYOUT_GENERAL);
    CALL(CmdBindInvocationMaskHUAWEI)(commands, new_view("mask"), VK_IMAGE_LAYOUT_GENERAL);
    CALL(CmdBindShadingRateImageNV)(commands, VK_NULL_HANDLE, VK_IMAGE_LAYOUT_UNDEFINED);
    finish("rates mask");
    start("views");
    VkRenderingFragmentDensityMapAttachmentInfoEXT density = {
        .sType = VK_STRUCTURE_TYPE_RENDERING_FRAGMENT_DENSITY_MAP_ATTACHMENT_INFO_EXT,
        .imageView = new_view("density")};
    VkRenderingFragmentShadingRateAttachmentInfoKHR rate = {
        .sType = VK_STRUCTURE_TYPE_RENDERING_FRAGMENT_SHADING_RATE_ATTACHMENT_INFO_KHR,
        .pNext = &density,
        .imageView = new_view("rate")};
    VkRenderingInfo rendering = {.sType = VK_STRUCTURE_TYPE_RENDERING_INFO, .pNext = &rate};
    CALL(CmdBeginRenderingKHR)(commands, &rendering);
    finish("density rate");
    /* A number or an address of a view, and a descriptor as bytes, may be anywhere. */
    VkImageView view = new_view("by_number");
    VkImageViewHandleInfoNVX number = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_HANDLE_INFO_NVX,
                                       .imageView = view};
    CALL(GetImageViewHandleNVX)(device, &number);
    CALL(GetImageViewHandleNVX)(device, &number);
    printf("always views.by_number\n");
    VkImageViewAddressPropertiesNVX address = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_ADDRESS_PROPERTIES_NVX};
    CALL(GetImageViewAddressNVX)(device, new_view("by_address"), &address);
    printf("always views.by_address\n");
    static const VkDescriptorType types[] = {
        VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE,
        VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT};
    for (uint32_t i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "bytes_%u", i);
        VkDescriptorImageInfo image = {.imageView = new_view(name)};
        VkDescriptorGetInfoEXT get = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
                                      .type = types[i],
                                      .data = {.pSampledImage = &image}};
        char bytes[64];
        CALL(GetDescriptorEXT)(device, &get, sizeof bytes, bytes);
        printf("always views.%s\n", name);
    }
    start("views");
    VkDescriptorBufferBindingPushDescriptorBufferHandleEXT handle = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_PUSH_DESCRIPTOR_BUFFER_HANDLE_EXT,
        .buffer = new_buffer("pushed")};
    VkDescriptorBufferBindingInfoEXT infos[2] = {
        {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
        {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT, .pNext = &handle}};
    CALL(CmdBindDescriptorBuffersEXT)(commands, 2, infos);
    finish("pushed");
}

/* An acceleration structure in a descriptor. */
static void push_structure(void)
{
    start("pushed");
    VkAccelerationStructureKHR a = new_structure("a");
    VkWriteDescriptorSetAccelerationStructureKHR structures = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR,
        .accelerationStructureCount = 1,
        .pAccelerationStructures = &a};
    VkWriteDescriptorSet writes[2] = {
        {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .pNext = &structures,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR},
        {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .descriptorCount = 16, /* bytes */
         .descriptorType = VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK},
    };
    CALL(CmdPushDescriptorSetKHR)
    (commands, VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR, VK_NULL_HANDLE, 0, 2, writes);
    finish("a");
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    PFN_vkGetInstanceProcAddr instance_proc = open_layer(argv[1]);
    VkInstance instance = open_instance(instance_proc);
    open_device(instance_proc, instance);
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    VkCommandPool pool;
    CHECK(CALL(CreateCommandPool)(device, &pool_info, NULL, &pool) == VK_SUCCESS);
    VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                        .commandPool = pool,
                                        .commandBufferCount = 1};
    CHECK(CALL(AllocateCommandBuffers)(device, &info, &commands) == VK_SUCCESS);
    trace_rays();
    use_micromaps();
    draw_meshes();
    generate_commands();
    trace_rays_nv();
    decode_video();
    use_views();
    push_structure();
    /* Nothing is destroyed before: the layer lets go of it with the device. */
    CALL(DestroyDevice)(device, NULL);
    ((PFN_vkDestroyInstance)instance_proc(instance, "vkDestroyInstance"))(instance, NULL);
    return 0;
}
