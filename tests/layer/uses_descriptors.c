/* Resources that stand in descriptor sets. */

#include "uses_rig.h"

#include <stddef.h>

static VkDescriptorSetLayout new_layout(fhi_rig *rig, uint32_t count,
                                        const VkDescriptorSetLayoutBinding *bindings,
                                        VkDescriptorSetLayoutCreateFlags flags)
{
    VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .flags = flags,
        .bindingCount = count,
        .pBindings = bindings,
    };
    VkDescriptorSetLayout layout;
    RIG_CHECK(vkCreateDescriptorSetLayout(rig->device, &info, NULL, &layout) == VK_SUCCESS);
    return layout;
}

static VkPipelineLayout new_pipeline_layout(fhi_rig *rig, uint32_t count,
                                            const VkDescriptorSetLayout *layouts)
{
    VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = count,
        .pSetLayouts = layouts,
    };
    VkPipelineLayout layout;
    RIG_CHECK(vkCreatePipelineLayout(rig->device, &info, NULL, &layout) == VK_SUCCESS);
    return layout;
}

static VkDescriptorSet new_set(fhi_rig *rig, VkDescriptorSetLayout layout)
{
    VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = rig->descriptor_pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    VkDescriptorSet set;
    RIG_CHECK(vkAllocateDescriptorSets(rig->device, &info, &set) == VK_SUCCESS);
    return set;
}

static void write_buffers(fhi_rig *rig, VkDescriptorSet set, uint32_t binding, uint32_t element,
                          VkDescriptorType type, uint32_t count, const VkBuffer *buffers)
{
    VkDescriptorBufferInfo infos[8];
    for (uint32_t i = 0; i < count; i++) {
        infos[i] = (VkDescriptorBufferInfo){buffers[i], 0, 256};
    }
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = set,
        .dstBinding = binding,
        .dstArrayElement = element,
        .descriptorCount = count,
        .descriptorType = type,
        .pBufferInfo = infos,
    };
    vkUpdateDescriptorSets(rig->device, 1, &write, 0, NULL);
}

static void bind(VkCommandBuffer commands, VkPipelineLayout layout, VkDescriptorSet set)
{
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
}

/* One of each kind of descriptor that names a resource, and a sampler, which does not; bindings out
 * of order. A set that is written and not bound is no use. */
static void test_descriptors(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding bindings[] = {
        {7, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {3, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {4, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {2, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
    };
    VkDescriptorSetLayout set_layout = new_layout(rig, 5, bindings, 0);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkDescriptorSet sets[2] = {new_set(rig, set_layout), new_set(rig, set_layout)};
    VkBuffer uniform = fhi_rig_buffer(rig, "uniform", VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
    VkBuffer storage[2] = {
        fhi_rig_buffer(rig, "storage_1", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
        fhi_rig_buffer(rig, "storage_2", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
    };
    VkBuffer unused = fhi_rig_buffer(rig, "unused", VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
    VkBuffer texels = fhi_rig_buffer(rig, "texels", VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT);
    VkImage texture = fhi_rig_image(rig, "texture", COLOR, 1, VK_IMAGE_USAGE_SAMPLED_BIT);
    VkImage canvas = fhi_rig_image(rig, "canvas", COLOR, 1, VK_IMAGE_USAGE_STORAGE_BIT);
    VkImageView texture_view = fhi_rig_view(rig, texture, COLOR);
    VkImageView canvas_view = fhi_rig_view(rig, canvas, COLOR);
    write_buffers(rig, sets[0], 0, 0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, &uniform);
    write_buffers(rig, sets[0], 2, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, storage);
    write_buffers(rig, sets[1], 0, 0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, &unused);
    VkDescriptorImageInfo images[] = {
        {rig->sampler, texture_view, VK_IMAGE_LAYOUT_GENERAL},
        {VK_NULL_HANDLE, canvas_view, VK_IMAGE_LAYOUT_GENERAL},
    };
    VkBufferView texel_view = fhi_rig_buffer_view(rig, texels);
    VkWriteDescriptorSet writes[] = {
        {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = sets[0],
            .dstBinding = 3,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
            .pImageInfo = &images[0],
        },
        {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = sets[0],
            .dstBinding = 7,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
            .pImageInfo = &images[1],
        },
        {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = sets[0],
            .dstBinding = 4,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
            .pTexelBufferView = &texel_view,
        },
    };
    vkUpdateDescriptorSets(rig->device, 3, writes, 0, NULL);
    fhi_rig_layout(rig, texture, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_GENERAL);
    fhi_rig_layout(rig, canvas, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_GENERAL);
    VkCommandBuffer commands = fhi_rig_start(rig);
    bind(commands, layout, sets[0]);
    bind(commands, layout, sets[0]);
    fhi_rig_finish(rig, commands, "uniform storage_1 storage_2 texels texture canvas");
    /* The second takes from the first. */
    VkCopyDescriptorSet copies[] = {
        {
            .sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
            .srcSet = sets[0],
            .srcBinding = 2,
            .srcArrayElement = 1,
            .dstSet = sets[1],
            .dstBinding = 2,
            .descriptorCount = 1,
        },
        {
            .sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
            .srcSet = sets[0],
            .srcBinding = 3,
            .dstSet = sets[1],
            .dstBinding = 3,
            .descriptorCount = 1,
        },
    };
    vkUpdateDescriptorSets(rig->device, 0, NULL, 2, copies);
    commands = fhi_rig_start(rig);
    bind(commands, layout, sets[1]);
    fhi_rig_finish(rig, commands, "unused storage_1 texture");
    /* A set keeps what it has when its layout is gone, and loses it with its pool. */
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
    commands = fhi_rig_start(rig);
    bind(commands, layout, sets[1]);
    fhi_rig_finish(rig, commands, "unused storage_1 texture");
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 2, sets);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
}

/* A command buffer that is recorded anew binds the same set. */
static void test_rebinding(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                            VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    VkDescriptorSetLayout set_layout = new_layout(rig, 1, &binding, 0);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkDescriptorSet set = new_set(rig, set_layout);
    VkBuffer buffer = fhi_rig_buffer(rig, "buffer", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    write_buffers(rig, set, 0, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, &buffer);
    VkCommandBuffer commands = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    for (uint32_t i = 0; i < 3; i++) {
        fhi_rig_begin(commands, 0);
        bind(commands, layout, set);
        RIG_CHECK(vkEndCommandBuffer(commands) == VK_SUCCESS);
        fhi_rig_submit(rig, commands, "buffer");
    }
    vkFreeCommandBuffers(rig->device, rig->pool, 1, &commands);
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &set);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
}

/* Descriptors that run on from one binding into the next; one that is overwritten; what is
 * destroyed while a set still names it, and a new buffer that may well get its handle. */
static void test_rewriting(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding bindings[] = {
        {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
    };
    VkDescriptorSetLayout set_layout = new_layout(rig, 2, bindings, 0);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkBuffer row[3] = {
        fhi_rig_buffer(rig, "a", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
        fhi_rig_buffer(rig, "b", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
        fhi_rig_buffer(rig, "c", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
    };
    VkDescriptorSet set = new_set(rig, set_layout);
    write_buffers(rig, set, 0, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3, row);
    VkCommandBuffer commands = fhi_rig_start(rig);
    bind(commands, layout, set);
    fhi_rig_finish(rig, commands, "a b c");
    VkBuffer d = fhi_rig_buffer(rig, "d", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    write_buffers(rig, set, 1, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, &d);
    commands = fhi_rig_start(rig);
    bind(commands, layout, set);
    fhi_rig_finish(rig, commands, "a d c");
    fhi_rig_destroy_buffer(rig, d);
    VkBuffer e = fhi_rig_buffer(rig, "e", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    commands = fhi_rig_start(rig);
    bind(commands, layout, set);
    fhi_rig_finish(rig, commands, "a c");
    VkDescriptorSet other = new_set(rig, set_layout);
    write_buffers(rig, other, 0, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, &e);
    commands = fhi_rig_start(rig);
    bind(commands, layout, other);
    fhi_rig_finish(rig, commands, "e");
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &set);
    VkDescriptorSet again = new_set(rig, set_layout);
    commands = fhi_rig_start(rig);
    bind(commands, layout, again);
    bind(commands, layout, other);
    fhi_rig_finish(rig, commands, "e");
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &other);
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &again);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
}

/* A pool that is reset, and what its handles mean afterwards. */
static void test_pool_reset(fhi_rig *rig)
{
    VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 4};
    VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 4,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkDescriptorPool own, before = rig->descriptor_pool;
    RIG_CHECK(vkCreateDescriptorPool(rig->device, &info, NULL, &own) == VK_SUCCESS);
    rig->descriptor_pool = own;
    VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                            VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    VkDescriptorSetLayout set_layout = new_layout(rig, 1, &binding, 0);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkBuffer buffer = fhi_rig_buffer(rig, "buffer", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    for (uint32_t i = 0; i < 3; i++) {
        VkDescriptorSet empty = new_set(rig, set_layout);
        VkDescriptorSet full = new_set(rig, set_layout);
        write_buffers(rig, full, 0, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, &buffer);
        VkCommandBuffer commands = fhi_rig_start(rig);
        bind(commands, layout, i == 1 ? empty : full);
        fhi_rig_finish(rig, commands, i == 1 ? "" : "buffer");
        RIG_CHECK(vkResetDescriptorPool(rig->device, own, 0) == VK_SUCCESS);
    }
    rig->descriptor_pool = before;
    vkDestroyDescriptorPool(rig->device, own, NULL);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
}

static void test_dynamic_offsets(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, 1,
                                            VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    VkDescriptorSetLayout set_layout = new_layout(rig, 1, &binding, 0);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkDescriptorSet set = new_set(rig, set_layout);
    VkBuffer buffer = fhi_rig_buffer(rig, "ring", VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
    write_buffers(rig, set, 0, 0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, 1, &buffer);
    VkCommandBuffer commands = fhi_rig_start(rig);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t offset = i * 256;
        vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 1,
                                &offset);
    }
    fhi_rig_finish(rig, commands, "ring");
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &set);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
}

typedef struct template_data {
    uint32_t other;
    VkDescriptorBufferInfo buffers[2];
    VkDescriptorImageInfo image;
} template_data;

static VkDescriptorUpdateTemplate new_template(fhi_rig *rig, VkDescriptorSetLayout set_layout,
                                               VkPipelineLayout layout, bool push)
{
    VkDescriptorUpdateTemplateEntry entries[] = {
        {0, 0, 2, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, offsetof(template_data, buffers),
         sizeof(VkDescriptorBufferInfo)},
        {1, 0, 1, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, offsetof(template_data, image), 0},
    };
    VkDescriptorUpdateTemplateCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
        .descriptorUpdateEntryCount = 2,
        .pDescriptorUpdateEntries = entries,
        .templateType = push ? VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_PUSH_DESCRIPTORS_KHR
                             : VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_DESCRIPTOR_SET,
        .descriptorSetLayout = set_layout,
        .pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE,
        .pipelineLayout = layout,
        .set = push ? 1 : 0,
    };
    VkDescriptorUpdateTemplate template;
    RIG_CHECK(vkCreateDescriptorUpdateTemplate(rig->device, &info, NULL, &template) == VK_SUCCESS);
    return template;
}

/* Push descriptors, templates, and both together. */
static void test_templates(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding bindings[] = {
        {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {1, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
    };
    VkDescriptorSetLayout layouts[2] = {
        new_layout(rig, 2, bindings, 0),
        new_layout(rig, 2, bindings, VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR),
    };
    VkPipelineLayout layout = new_pipeline_layout(rig, 2, layouts);
    VkImage image = fhi_rig_image(rig, "image", COLOR, 1, VK_IMAGE_USAGE_SAMPLED_BIT);
    fhi_rig_layout(rig, image, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_GENERAL);
    template_data data = {
        .buffers = {{fhi_rig_buffer(rig, "a", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), 0, 256},
                    {fhi_rig_buffer(rig, "b", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), 0, 256}},
        .image = {rig->sampler, fhi_rig_view(rig, image, COLOR), VK_IMAGE_LAYOUT_GENERAL},
    };
    VkDescriptorSet set = new_set(rig, layouts[0]);
    VkDescriptorUpdateTemplate to_set = new_template(rig, layouts[0], layout, false);
    VkDescriptorUpdateTemplate pushed = new_template(rig, layouts[1], layout, true);
    vkUpdateDescriptorSetWithTemplate(rig->device, set, to_set, &data);
    VkCommandBuffer commands = fhi_rig_start(rig);
    bind(commands, layout, set);
    fhi_rig_finish(rig, commands, "a b image");
    commands = fhi_rig_start(rig);
    rig->CmdPushDescriptorSetWithTemplateKHR(commands, pushed, layout, 1, &data);
    fhi_rig_finish(rig, commands, "a b image");
    VkDescriptorBufferInfo info = {fhi_rig_buffer(rig, "c", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), 0,
                                   256};
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = &info,
    };
    commands = fhi_rig_start(rig);
    rig->CmdPushDescriptorSetKHR(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 1, 1, &write);
    fhi_rig_finish(rig, commands, "c");
    vkDestroyDescriptorUpdateTemplate(rig->device, to_set, NULL);
    vkDestroyDescriptorUpdateTemplate(rig->device, pushed, NULL);
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &set);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, layouts[0], NULL);
    vkDestroyDescriptorSetLayout(rig->device, layouts[1], NULL);
}

/* What is written to a binding that may change after it was bound is used always. */
static void test_bindless(fhi_rig *rig)
{
    VkDescriptorSetLayoutBinding bindings[] = {
        {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 64, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
    };
    VkDescriptorBindingFlags flags[] = {0, VK_DESCRIPTOR_BINDING_PARTIALLY_BOUND_BIT};
    VkDescriptorSetLayoutBindingFlagsCreateInfo extra = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
        .bindingCount = 2,
        .pBindingFlags = flags,
    };
    VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .pNext = &extra,
        .bindingCount = 2,
        .pBindings = bindings,
    };
    VkDescriptorSetLayout set_layout;
    RIG_CHECK(vkCreateDescriptorSetLayout(rig->device, &info, NULL, &set_layout) == VK_SUCCESS);
    VkPipelineLayout layout = new_pipeline_layout(rig, 1, &set_layout);
    VkDescriptorSet set = new_set(rig, set_layout);
    VkBuffer buffers[] = {
        fhi_rig_buffer(rig, "plain", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
        fhi_rig_buffer(rig, "table_1", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
        fhi_rig_buffer(rig, "table_2", VK_BUFFER_USAGE_STORAGE_BUFFER_BIT),
    };
    write_buffers(rig, set, 0, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, buffers);
    write_buffers(rig, set, 1, 40, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, buffers + 1);
    write_buffers(rig, set, 1, 2, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, buffers + 1);
    fhi_rig_say_always(rig, "table_1");
    fhi_rig_say_always(rig, "table_2");
    VkCommandBuffer commands = fhi_rig_start(rig);
    bind(commands, layout, set);
    fhi_rig_finish(rig, commands, "plain");
    vkFreeDescriptorSets(rig->device, rig->descriptor_pool, 1, &set);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
    vkDestroyDescriptorSetLayout(rig->device, set_layout, NULL);
}

const fhi_rig_test fhi_rig_descriptor_tests[] = {
    {"descriptors", test_descriptors, RIG_ALWAYS},
    {"rebinding", test_rebinding, RIG_ALWAYS},
    {"rewriting", test_rewriting, RIG_ALWAYS},
    {"pool_reset", test_pool_reset, RIG_ALWAYS},
    {"dynamic_offsets", test_dynamic_offsets, RIG_ALWAYS},
    {"templates", test_templates, RIG_ALWAYS},
    {"bindless", test_bindless, RIG_UNVALIDATED},
    {NULL, NULL, RIG_ALWAYS},
};
