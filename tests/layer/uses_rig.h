/* What vulkan_uses.c's tests are made with: a device, things with names, and command buffers whose
 * submits are said on stdout, so that whoever runs it can compare a recording with what was done.
 *
 *   submit TEST: NAME NAME …   one submit and the names of all that it uses
 *   always NAME                used whenever the GPU works, and in no list
 */

#ifndef FREEHOLD_TESTS_LAYER_USES_RIG_H
#define FREEHOLD_TESTS_LAYER_USES_RIG_H

#include <vulkan/vulkan.h>

#include <stdbool.h>
#include <stdint.h>

/* Of all images. */
#define COLOR VK_FORMAT_R8G8B8A8_UNORM
#define DEPTH VK_FORMAT_D32_SFLOAT

enum {
    THINGS_MAX = 1024,
    WIDTH = 16,
    HEIGHT = 16,
    BUFFER_SIZE = 4096
};

typedef struct fhi_rig_thing {
    VkBuffer buffer;
    VkImage image;
    VkDeviceMemory memory;
    VkBufferView buffer_view;
    VkImageView image_view;
} fhi_rig_thing;

/* Commands of extensions; NULL: not there. */
#define RIG_COMMANDS(X)                                                                            \
    X(CmdPushDescriptorSetKHR)                                                                     \
    X(CmdPushDescriptorSetWithTemplateKHR)                                                         \
    X(CmdBindTransformFeedbackBuffersEXT)                                                          \
    X(CmdBeginTransformFeedbackEXT)                                                                \
    X(CmdEndTransformFeedbackEXT)                                                                  \
    X(CmdBeginConditionalRenderingEXT)                                                             \
    X(CmdEndConditionalRenderingEXT)                                                               \
    X(CmdCopyBuffer2KHR)                                                                           \
    X(SetDebugUtilsObjectNameEXT)

typedef struct fhi_rig {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice adapter;
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkDescriptorPool descriptor_pool;
    VkSampler sampler;
    uint32_t memory_type; /* device-local and mappable, as on lavapipe */
    uint32_t error_count;
    const char *test;
    uint32_t thing_count;
    fhi_rig_thing things[THINGS_MAX];
#define RIG_COMMAND_MEMBER(name) PFN_vk##name name;
    RIG_COMMANDS(RIG_COMMAND_MEMBER)
#undef RIG_COMMAND_MEMBER
} fhi_rig;

/* Ends the program with a word about it unless `condition`. */
#define RIG_CHECK(condition) fhi_rig_check((condition), #condition, __FILE__, __LINE__)
void fhi_rig_check(bool condition, const char *what, const char *file, int line);

void fhi_rig_open(fhi_rig *rig, bool validate);

/* Returns how many complaints of the validation layer there were. */
uint32_t fhi_rig_close(fhi_rig *rig);

/* `name` of all that a test makes is put behind the test's own and a dot: "copy.source". */
VkBuffer fhi_rig_buffer(fhi_rig *rig, const char *name, VkBufferUsageFlags usage);
VkImage fhi_rig_image(fhi_rig *rig, const char *name, VkFormat format,
                      VkSampleCountFlagBits samples, VkImageUsageFlags usage);
/* Of the whole image; gone when the rig closes. */
VkImageView fhi_rig_view(fhi_rig *rig, VkImage image, VkFormat format);
VkBufferView fhi_rig_buffer_view(fhi_rig *rig, VkBuffer buffer);
/* Before the rig closes. */
void fhi_rig_destroy_buffer(fhi_rig *rig, VkBuffer buffer);

VkCommandBuffer fhi_rig_commands(fhi_rig *rig, VkCommandBufferLevel level);
void fhi_rig_begin(VkCommandBuffer commands, VkCommandBufferUsageFlags flags);
/* A primary one that is being recorded. */
VkCommandBuffer fhi_rig_start(fhi_rig *rig);

/* Submits, waits, and says so; `names` without the test's own, separated by spaces. */
void fhi_rig_submit(fhi_rig *rig, VkCommandBuffer commands, const char *names);
/* Ends it, too, and frees it. */
void fhi_rig_finish(fhi_rig *rig, VkCommandBuffer commands, const char *names);
void fhi_rig_say_submit(fhi_rig *rig, const char *names);
void fhi_rig_say_always(fhi_rig *rig, const char *name);

/* Puts an image into a layout, in a submit of its own that uses nothing. */
void fhi_rig_layout(fhi_rig *rig, VkImage image, VkImageAspectFlags aspect, VkImageLayout layout);

/* When a test is run: RIG_UNVALIDATED, only with --bindless. */
typedef enum fhi_rig_when {
    RIG_ALWAYS,
    RIG_UNVALIDATED
} fhi_rig_when;

typedef struct fhi_rig_test {
    const char *name; /* NULL ends a list */
    void (*run)(fhi_rig *rig);
    fhi_rig_when when;
} fhi_rig_test;

extern const fhi_rig_test fhi_rig_command_tests[];
extern const fhi_rig_test fhi_rig_copy_tests[];
extern const fhi_rig_test fhi_rig_descriptor_tests[];
extern const fhi_rig_test fhi_rig_drawing_tests[];

#endif
