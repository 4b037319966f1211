/* Commands that move bytes. */

#include "uses_rig.h"

static const VkBufferUsageFlags moved =
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
static const VkImageUsageFlags moved_image =
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
static const VkImageSubresourceLayers color_layer = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
static const VkImageLayout general = VK_IMAGE_LAYOUT_GENERAL;
static const VkExtent3D whole = {WIDTH, HEIGHT, 1};

static VkImage new_image(fhi_rig *rig, const char *name, VkSampleCountFlagBits samples)
{
    VkImageUsageFlags usage =
        samples == 1 ? moved_image : moved_image | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    VkImage image = fhi_rig_image(rig, name, COLOR, samples, usage);
    fhi_rig_layout(rig, image, VK_IMAGE_ASPECT_COLOR_BIT, general);
    return image;
}

static void test_copies(fhi_rig *rig)
{
    VkBuffer a = fhi_rig_buffer(rig, "a", moved);
    VkBuffer b = fhi_rig_buffer(rig, "b", moved);
    VkImage x = new_image(rig, "x", 1);
    VkImage y = new_image(rig, "y", 1);
    VkBufferCopy bytes = {0, 0, 64};
    VkImageCopy pixels = {
        .srcSubresource = color_layer, .dstSubresource = color_layer, .extent = whole};
    VkBufferImageCopy both = {.imageSubresource = color_layer, .imageExtent = whole};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdCopyBuffer(commands, a, b, 1, &bytes);
    fhi_rig_finish(rig, commands, "a b");
    commands = fhi_rig_start(rig);
    vkCmdCopyImage(commands, x, general, y, general, 1, &pixels);
    fhi_rig_finish(rig, commands, "x y");
    commands = fhi_rig_start(rig);
    vkCmdCopyBufferToImage(commands, a, y, general, 1, &both);
    fhi_rig_finish(rig, commands, "a y");
    commands = fhi_rig_start(rig);
    vkCmdCopyImageToBuffer(commands, x, general, b, 1, &both);
    fhi_rig_finish(rig, commands, "x b");
}

static void test_copies2(fhi_rig *rig)
{
    VkBuffer a = fhi_rig_buffer(rig, "a", moved);
    VkBuffer b = fhi_rig_buffer(rig, "b", moved);
    VkImage x = new_image(rig, "x", 1);
    VkImage y = new_image(rig, "y", 1);
    VkBufferCopy2 bytes = {.sType = VK_STRUCTURE_TYPE_BUFFER_COPY_2, .size = 64};
    VkImageCopy2 pixels = {.sType = VK_STRUCTURE_TYPE_IMAGE_COPY_2,
                           .srcSubresource = color_layer,
                           .dstSubresource = color_layer,
                           .extent = whole};
    VkBufferImageCopy2 both = {.sType = VK_STRUCTURE_TYPE_BUFFER_IMAGE_COPY_2,
                               .imageSubresource = color_layer,
                               .imageExtent = whole};
    VkCopyBufferInfo2 buffers = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                 .srcBuffer = a,
                                 .dstBuffer = b,
                                 .regionCount = 1,
                                 .pRegions = &bytes};
    VkCopyImageInfo2 images = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_INFO_2,
                               .srcImage = x,
                               .srcImageLayout = general,
                               .dstImage = y,
                               .dstImageLayout = general,
                               .regionCount = 1,
                               .pRegions = &pixels};
    VkCopyBufferToImageInfo2 up = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_TO_IMAGE_INFO_2,
                                   .srcBuffer = a,
                                   .dstImage = y,
                                   .dstImageLayout = general,
                                   .regionCount = 1,
                                   .pRegions = &both};
    VkCopyImageToBufferInfo2 down = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_BUFFER_INFO_2,
                                     .srcImage = x,
                                     .srcImageLayout = general,
                                     .dstBuffer = b,
                                     .regionCount = 1,
                                     .pRegions = &both};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdCopyBuffer2(commands, &buffers);
    fhi_rig_finish(rig, commands, "a b");
    commands = fhi_rig_start(rig);
    vkCmdCopyImage2(commands, &images);
    fhi_rig_finish(rig, commands, "x y");
    commands = fhi_rig_start(rig);
    vkCmdCopyBufferToImage2(commands, &up);
    fhi_rig_finish(rig, commands, "a y");
    commands = fhi_rig_start(rig);
    vkCmdCopyImageToBuffer2(commands, &down);
    fhi_rig_finish(rig, commands, "x b");
    if (rig->CmdCopyBuffer2KHR != NULL) {
        commands = fhi_rig_start(rig);
        rig->CmdCopyBuffer2KHR(commands, &buffers);
        fhi_rig_finish(rig, commands, "a b");
    }
}

static void test_blits(fhi_rig *rig)
{
    VkImage x = new_image(rig, "x", 1);
    VkImage y = new_image(rig, "y", 1);
    VkImage samples = new_image(rig, "samples", 4);
    VkImageBlit region = {.srcSubresource = color_layer,
                          .srcOffsets = {{0, 0, 0}, {WIDTH, HEIGHT, 1}},
                          .dstSubresource = color_layer,
                          .dstOffsets = {{0, 0, 0}, {WIDTH / 2, HEIGHT / 2, 1}}};
    VkImageBlit2 region2 = {.sType = VK_STRUCTURE_TYPE_IMAGE_BLIT_2,
                            .srcSubresource = color_layer,
                            .srcOffsets = {{0, 0, 0}, {WIDTH, HEIGHT, 1}},
                            .dstSubresource = color_layer,
                            .dstOffsets = {{0, 0, 0}, {WIDTH / 2, HEIGHT / 2, 1}}};
    VkBlitImageInfo2 blit = {.sType = VK_STRUCTURE_TYPE_BLIT_IMAGE_INFO_2,
                             .srcImage = y,
                             .srcImageLayout = general,
                             .dstImage = x,
                             .dstImageLayout = general,
                             .regionCount = 1,
                             .pRegions = &region2};
    VkImageResolve all = {
        .srcSubresource = color_layer, .dstSubresource = color_layer, .extent = whole};
    VkImageResolve2 all2 = {.sType = VK_STRUCTURE_TYPE_IMAGE_RESOLVE_2,
                            .srcSubresource = color_layer,
                            .dstSubresource = color_layer,
                            .extent = whole};
    VkResolveImageInfo2 resolve = {.sType = VK_STRUCTURE_TYPE_RESOLVE_IMAGE_INFO_2,
                                   .srcImage = samples,
                                   .srcImageLayout = general,
                                   .dstImage = y,
                                   .dstImageLayout = general,
                                   .regionCount = 1,
                                   .pRegions = &all2};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdBlitImage(commands, x, general, y, general, 1, &region, VK_FILTER_NEAREST);
    fhi_rig_finish(rig, commands, "x y");
    commands = fhi_rig_start(rig);
    vkCmdBlitImage2(commands, &blit);
    fhi_rig_finish(rig, commands, "y x");
    commands = fhi_rig_start(rig);
    vkCmdResolveImage(commands, samples, general, x, general, 1, &all);
    fhi_rig_finish(rig, commands, "samples x");
    commands = fhi_rig_start(rig);
    vkCmdResolveImage2(commands, &resolve);
    fhi_rig_finish(rig, commands, "samples y");
}

static void test_clears(fhi_rig *rig)
{
    VkImage color = new_image(rig, "color", 1);
    VkImage depth = fhi_rig_image(rig, "depth", DEPTH, 1,
                                  moved_image | VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT);
    fhi_rig_layout(rig, depth, VK_IMAGE_ASPECT_DEPTH_BIT, general);
    VkBuffer buffer = fhi_rig_buffer(rig, "buffer", moved);
    VkBuffer results = fhi_rig_buffer(rig, "results", moved);
    VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                  .queryType = VK_QUERY_TYPE_OCCLUSION,
                                  .queryCount = 1};
    VkQueryPool queries;
    RIG_CHECK(vkCreateQueryPool(rig->device, &info, NULL, &queries) == VK_SUCCESS);
    VkImageSubresourceRange colors = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    VkImageSubresourceRange depths = {VK_IMAGE_ASPECT_DEPTH_BIT, 0, 1, 0, 1};
    VkClearColorValue black = {.float32 = {0, 0, 0, 1}};
    VkClearDepthStencilValue far = {1, 0};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdClearColorImage(commands, color, general, &black, 1, &colors);
    fhi_rig_finish(rig, commands, "color");
    commands = fhi_rig_start(rig);
    vkCmdClearDepthStencilImage(commands, depth, general, &far, 1, &depths);
    fhi_rig_finish(rig, commands, "depth");
    commands = fhi_rig_start(rig);
    vkCmdFillBuffer(commands, buffer, 0, 64, 0);
    fhi_rig_finish(rig, commands, "buffer");
    commands = fhi_rig_start(rig);
    uint32_t word = 0;
    vkCmdUpdateBuffer(commands, buffer, 0, sizeof word, &word);
    fhi_rig_finish(rig, commands, "buffer");
    commands = fhi_rig_start(rig);
    vkCmdResetQueryPool(commands, queries, 0, 1);
    vkCmdBeginQuery(commands, queries, 0, 0);
    vkCmdEndQuery(commands, queries, 0);
    vkCmdCopyQueryPoolResults(commands, queries, 0, 1, results, 0, 8, VK_QUERY_RESULT_WAIT_BIT);
    fhi_rig_finish(rig, commands, "results");
    vkDestroyQueryPool(rig->device, queries, NULL);
}

/* Barriers use nothing. */
static void test_barriers(fhi_rig *rig)
{
    VkBuffer buffer = fhi_rig_buffer(rig, "buffer", moved);
    VkImage image = new_image(rig, "image", 1);
    VkBufferMemoryBarrier2 on_buffer = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER_2,
                                        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                        .buffer = buffer,
                                        .size = VK_WHOLE_SIZE};
    VkImageMemoryBarrier2 on_image = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
                                      .oldLayout = general,
                                      .newLayout = general,
                                      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                      .image = image,
                                      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    VkDependencyInfo info = {.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                             .bufferMemoryBarrierCount = 1,
                             .pBufferMemoryBarriers = &on_buffer,
                             .imageMemoryBarrierCount = 1,
                             .pImageMemoryBarriers = &on_image};
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdPipelineBarrier2(commands, &info);
    fhi_rig_finish(rig, commands, "");
}

const fhi_rig_test fhi_rig_copy_tests[] = {
    {"copies", test_copies, RIG_ALWAYS},     {"copies2", test_copies2, RIG_ALWAYS},
    {"blits", test_blits, RIG_ALWAYS},       {"clears", test_clears, RIG_ALWAYS},
    {"barriers", test_barriers, RIG_ALWAYS}, {NULL, NULL, RIG_ALWAYS},
};
