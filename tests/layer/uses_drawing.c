/* Buffers that draws and dispatches read, and images that passes draw into. */

#include "uses_rig.h"
#include "uses_shaders.h"

static const VkImageLayout general = VK_IMAGE_LAYOUT_GENERAL;

static VkShaderModule new_module(fhi_rig *rig, const uint32_t *words, size_t size)
{
    VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
    VkShaderModule module;
    RIG_CHECK(vkCreateShaderModule(rig->device, &info, NULL, &module) == VK_SUCCESS);
    return module;
}

static VkPipelineShaderStageCreateInfo new_stage(fhi_rig *rig, VkShaderStageFlagBits stage,
                                                 const uint32_t *words, size_t size)
{
    return (VkPipelineShaderStageCreateInfo){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
        .stage = stage,
        .module = new_module(rig, words, size),
        .pName = "main",
    };
}

static VkPipelineLayout empty_layout(fhi_rig *rig)
{
    VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    VkPipelineLayout layout;
    RIG_CHECK(vkCreatePipelineLayout(rig->device, &info, NULL, &layout) == VK_SUCCESS);
    return layout;
}

/* Draws into one colour image by dynamic rendering. */
static VkPipeline new_drawing(fhi_rig *rig, VkPipelineLayout layout)
{
    VkPipelineShaderStageCreateInfo stages[] = {
        new_stage(rig, VK_SHADER_STAGE_VERTEX_BIT, vertex_words, sizeof vertex_words),
        new_stage(rig, VK_SHADER_STAGE_FRAGMENT_BIT, fragment_words, sizeof fragment_words),
    };
    VkPipelineVertexInputStateCreateInfo vertices = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
    VkPipelineInputAssemblyStateCreateInfo assembly = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
    VkViewport port = {0, 0, WIDTH, HEIGHT, 0, 1};
    VkRect2D scissor = {{0, 0}, {WIDTH, HEIGHT}};
    VkPipelineViewportStateCreateInfo viewport = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
        .viewportCount = 1,
        .pViewports = &port,
        .scissorCount = 1,
        .pScissors = &scissor};
    VkPipelineRasterizationStateCreateInfo raster = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1};
    VkPipelineMultisampleStateCreateInfo samples = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
        .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
    VkPipelineColorBlendAttachmentState write = {.colorWriteMask = 15};
    VkPipelineColorBlendStateCreateInfo blend = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
        .attachmentCount = 1,
        .pAttachments = &write};
    VkFormat format = COLOR;
    VkPipelineRenderingCreateInfo rendering = {.sType =
                                                   VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
                                               .colorAttachmentCount = 1,
                                               .pColorAttachmentFormats = &format};
    VkGraphicsPipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                         .pNext = &rendering,
                                         .stageCount = 2,
                                         .pStages = stages,
                                         .pVertexInputState = &vertices,
                                         .pInputAssemblyState = &assembly,
                                         .pViewportState = &viewport,
                                         .pRasterizationState = &raster,
                                         .pMultisampleState = &samples,
                                         .pColorBlendState = &blend,
                                         .layout = layout};
    VkPipeline pipeline;
    RIG_CHECK(vkCreateGraphicsPipelines(rig->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline) ==
              VK_SUCCESS);
    vkDestroyShaderModule(rig->device, stages[0].module, NULL);
    vkDestroyShaderModule(rig->device, stages[1].module, NULL);
    return pipeline;
}

static VkImageView new_target(fhi_rig *rig, const char *name, VkFormat format,
                              VkSampleCountFlagBits samples)
{
    VkImageAspectFlags aspect =
        format == DEPTH ? VK_IMAGE_ASPECT_DEPTH_BIT : VK_IMAGE_ASPECT_COLOR_BIT;
    VkImageUsageFlags usage = format == DEPTH ? VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT
                                              : VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    VkImage image = fhi_rig_image(rig, name, format, samples, usage);
    fhi_rig_layout(rig, image, aspect, general);
    return fhi_rig_view(rig, image, format);
}

static void begin_rendering(VkCommandBuffer commands, VkImageView view)
{
    VkRenderingAttachmentInfo color = {.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                       .imageView = view,
                                       .imageLayout = general,
                                       .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR};
    VkRenderingInfo info = {.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                            .renderArea = {{0, 0}, {WIDTH, HEIGHT}},
                            .layerCount = 1,
                            .colorAttachmentCount = 1,
                            .pColorAttachments = &color};
    vkCmdBeginRendering(commands, &info);
}

static void test_vertices(fhi_rig *rig)
{
    VkPipelineLayout layout = empty_layout(rig);
    VkPipeline pipeline = new_drawing(rig, layout);
    VkImageView target = new_target(rig, "target", COLOR, 1);
    VkBuffer vertices[] = {
        fhi_rig_buffer(rig, "vertices_1", VK_BUFFER_USAGE_VERTEX_BUFFER_BIT),
        fhi_rig_buffer(rig, "vertices_2", VK_BUFFER_USAGE_VERTEX_BUFFER_BIT),
    };
    VkBuffer indices = fhi_rig_buffer(rig, "indices", VK_BUFFER_USAGE_INDEX_BUFFER_BIT);
    VkDeviceSize offsets[2] = {0, 0};
    VkDeviceSize sizes[2] = {64, 64};
    VkCommandBuffer commands = fhi_rig_start(rig);
    begin_rendering(commands, target);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    vkCmdBindVertexBuffers(commands, 0, 1, vertices, offsets);
    vkCmdDraw(commands, 3, 1, 0, 0);
    vkCmdEndRendering(commands);
    fhi_rig_finish(rig, commands, "target vertices_1");
    commands = fhi_rig_start(rig);
    begin_rendering(commands, target);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    vkCmdBindVertexBuffers2(commands, 0, 2, vertices, offsets, sizes, NULL);
    vkCmdBindIndexBuffer(commands, indices, 0, VK_INDEX_TYPE_UINT16);
    vkCmdDrawIndexed(commands, 3, 1, 0, 0, 0);
    vkCmdEndRendering(commands);
    fhi_rig_finish(rig, commands, "target vertices_1 vertices_2 indices");
    vkDestroyPipeline(rig->device, pipeline, NULL);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
}

static void test_indirect(fhi_rig *rig)
{
    VkPipelineLayout layout = empty_layout(rig);
    VkPipeline drawing = new_drawing(rig, layout);
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = new_stage(rig, VK_SHADER_STAGE_COMPUTE_BIT, compute_words, sizeof compute_words),
        .layout = layout};
    VkPipeline computing;
    RIG_CHECK(vkCreateComputePipelines(rig->device, VK_NULL_HANDLE, 1, &info, NULL, &computing) ==
              VK_SUCCESS);
    vkDestroyShaderModule(rig->device, info.stage.module, NULL);
    VkImageView target = new_target(rig, "target", COLOR, 1);
    VkBuffer draws = fhi_rig_buffer(rig, "draws", VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
    VkBuffer count = fhi_rig_buffer(rig, "count", VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
    VkBuffer groups = fhi_rig_buffer(rig, "groups", VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
    VkBuffer indices = fhi_rig_buffer(rig, "indices", VK_BUFFER_USAGE_INDEX_BUFFER_BIT);
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, computing);
    vkCmdDispatch(commands, 1, 1, 1);
    vkCmdDispatchIndirect(commands, groups, 0);
    fhi_rig_finish(rig, commands, "groups");
    for (uint32_t i = 0; i < 4; i++) {
        commands = fhi_rig_start(rig);
        begin_rendering(commands, target);
        vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing);
        if (i % 2 == 1) {
            vkCmdBindIndexBuffer(commands, indices, 0, VK_INDEX_TYPE_UINT16);
        }
        switch (i) {
        case 0:
            vkCmdDrawIndirect(commands, draws, 0, 1, 16);
            break;
        case 1:
            vkCmdDrawIndexedIndirect(commands, draws, 0, 1, 20);
            break;
        case 2:
            vkCmdDrawIndirectCount(commands, draws, 0, count, 0, 1, 16);
            break;
        default:
            vkCmdDrawIndexedIndirectCount(commands, draws, 0, count, 0, 1, 20);
            break;
        }
        vkCmdEndRendering(commands);
        static const char *const names[] = {"target draws", "target indices draws",
                                            "target draws count", "target indices draws count"};
        fhi_rig_finish(rig, commands, names[i]);
    }
    vkDestroyPipeline(rig->device, drawing, NULL);
    vkDestroyPipeline(rig->device, computing, NULL);
    vkDestroyPipelineLayout(rig->device, layout, NULL);
}

/* Transform feedback and conditional rendering: the two extensions of this kind that lavapipe
 * has. */
static void test_extensions(fhi_rig *rig)
{
    if (rig->CmdBeginConditionalRenderingEXT != NULL) {
        VkBuffer predicate =
            fhi_rig_buffer(rig, "predicate", VK_BUFFER_USAGE_CONDITIONAL_RENDERING_BIT_EXT);
        VkConditionalRenderingBeginInfoEXT info = {
            .sType = VK_STRUCTURE_TYPE_CONDITIONAL_RENDERING_BEGIN_INFO_EXT, .buffer = predicate};
        VkCommandBuffer commands = fhi_rig_start(rig);
        rig->CmdBeginConditionalRenderingEXT(commands, &info);
        rig->CmdEndConditionalRenderingEXT(commands);
        fhi_rig_finish(rig, commands, "predicate");
    }
    if (rig->CmdBindTransformFeedbackBuffersEXT != NULL) {
        VkBuffer captured =
            fhi_rig_buffer(rig, "captured", VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_BUFFER_BIT_EXT);
        VkDeviceSize offset = 0;
        VkCommandBuffer commands = fhi_rig_start(rig);
        rig->CmdBindTransformFeedbackBuffersEXT(commands, 0, 1, &captured, &offset, NULL);
        fhi_rig_finish(rig, commands, "captured");
    }
}

static VkRenderPass new_pass(fhi_rig *rig)
{
    VkAttachmentDescription attachments[] = {
        {0, COLOR, VK_SAMPLE_COUNT_4_BIT, VK_ATTACHMENT_LOAD_OP_CLEAR, VK_ATTACHMENT_STORE_OP_STORE,
         VK_ATTACHMENT_LOAD_OP_DONT_CARE, VK_ATTACHMENT_STORE_OP_DONT_CARE, general, general},
        {0, COLOR, VK_SAMPLE_COUNT_1_BIT, VK_ATTACHMENT_LOAD_OP_DONT_CARE,
         VK_ATTACHMENT_STORE_OP_STORE, VK_ATTACHMENT_LOAD_OP_DONT_CARE,
         VK_ATTACHMENT_STORE_OP_DONT_CARE, general, general},
        {0, DEPTH, VK_SAMPLE_COUNT_4_BIT, VK_ATTACHMENT_LOAD_OP_CLEAR, VK_ATTACHMENT_STORE_OP_STORE,
         VK_ATTACHMENT_LOAD_OP_DONT_CARE, VK_ATTACHMENT_STORE_OP_DONT_CARE, general, general},
    };
    VkAttachmentReference color = {0, general}, resolve = {1, general}, depth = {2, general};
    VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
                                    .colorAttachmentCount = 1,
                                    .pColorAttachments = &color,
                                    .pResolveAttachments = &resolve,
                                    .pDepthStencilAttachment = &depth};
    VkRenderPassCreateInfo info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                   .attachmentCount = 3,
                                   .pAttachments = attachments,
                                   .subpassCount = 1,
                                   .pSubpasses = &subpass};
    VkRenderPass pass;
    RIG_CHECK(vkCreateRenderPass(rig->device, &info, NULL, &pass) == VK_SUCCESS);
    return pass;
}

/* A pass with a framebuffer, in both forms, and one whose framebuffer has no images of its own. */
static void test_passes(fhi_rig *rig)
{
    VkImageView views[] = {
        new_target(rig, "color", COLOR, 4),
        new_target(rig, "resolved", COLOR, 1),
        new_target(rig, "depth", DEPTH, 4),
    };
    VkRenderPass pass = new_pass(rig);
    VkFramebufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                    .renderPass = pass,
                                    .attachmentCount = 3,
                                    .pAttachments = views,
                                    .width = WIDTH,
                                    .height = HEIGHT,
                                    .layers = 1};
    VkFormat formats[] = {COLOR, DEPTH};
    VkFramebufferAttachmentImageInfo images[3];
    for (uint32_t i = 0; i < 3; i++) {
        images[i] = (VkFramebufferAttachmentImageInfo){
            .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENT_IMAGE_INFO,
            .usage = i == 2 ? VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT
                            : VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
            .width = WIDTH,
            .height = HEIGHT,
            .layerCount = 1,
            .viewFormatCount = 1,
            .pViewFormats = &formats[i / 2]};
    }
    VkFramebufferAttachmentsCreateInfo described = {
        .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENTS_CREATE_INFO,
        .attachmentImageInfoCount = 3,
        .pAttachmentImageInfos = images};
    VkFramebufferCreateInfo imageless = info;
    imageless.pNext = &described;
    imageless.flags = VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT;
    imageless.pAttachments = NULL;
    VkFramebuffer own, lent;
    RIG_CHECK(vkCreateFramebuffer(rig->device, &info, NULL, &own) == VK_SUCCESS);
    RIG_CHECK(vkCreateFramebuffer(rig->device, &imageless, NULL, &lent) == VK_SUCCESS);
    VkClearValue clear[3] = {{.color = {.float32 = {0}}}};
    VkRenderPassBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                   .renderPass = pass,
                                   .framebuffer = own,
                                   .renderArea = {{0, 0}, {WIDTH, HEIGHT}},
                                   .clearValueCount = 3,
                                   .pClearValues = clear};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    vkCmdEndRenderPass(commands);
    fhi_rig_finish(rig, commands, "color resolved depth");
    VkSubpassBeginInfo subpass = {.sType = VK_STRUCTURE_TYPE_SUBPASS_BEGIN_INFO};
    VkSubpassEndInfo end = {.sType = VK_STRUCTURE_TYPE_SUBPASS_END_INFO};
    VkRenderPassAttachmentBeginInfo attachments = {
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO,
        .attachmentCount = 3,
        .pAttachments = views};
    begin.framebuffer = lent;
    begin.pNext = &attachments;
    commands = fhi_rig_start(rig);
    vkCmdBeginRenderPass2(commands, &begin, &subpass);
    vkCmdEndRenderPass2(commands, &end);
    fhi_rig_finish(rig, commands, "color resolved depth");
    vkDestroyFramebuffer(rig->device, own, NULL);
    vkDestroyFramebuffer(rig->device, lent, NULL);
    vkDestroyRenderPass(rig->device, pass, NULL);
}

static void test_rendering(fhi_rig *rig)
{
    VkRenderingAttachmentInfo color = {.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                       .imageView = new_target(rig, "color", COLOR, 4),
                                       .imageLayout = general,
                                       .resolveMode = VK_RESOLVE_MODE_AVERAGE_BIT,
                                       .resolveImageView = new_target(rig, "resolved", COLOR, 1),
                                       .resolveImageLayout = general,
                                       .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR};
    VkRenderingAttachmentInfo depth = {.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                       .imageView = new_target(rig, "depth", DEPTH, 4),
                                       .imageLayout = general,
                                       .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR};
    VkRenderingInfo info = {.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                            .renderArea = {{0, 0}, {WIDTH, HEIGHT}},
                            .layerCount = 1,
                            .colorAttachmentCount = 1,
                            .pColorAttachments = &color,
                            .pDepthAttachment = &depth};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdBeginRendering(commands, &info);
    vkCmdEndRendering(commands);
    fhi_rig_finish(rig, commands, "color resolved depth");
}

const fhi_rig_test fhi_rig_drawing_tests[] = {
    {"vertices", test_vertices, RIG_ALWAYS},     {"indirect", test_indirect, RIG_ALWAYS},
    {"extensions", test_extensions, RIG_ALWAYS}, {"passes", test_passes, RIG_ALWAYS},
    {"rendering", test_rendering, RIG_ALWAYS},   {NULL, NULL, RIG_ALWAYS},
};
