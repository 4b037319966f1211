/* Commands that move bytes: copies, blits, resolves, clears, fills, and what the GPU writes
 * down. */

#include "layer/command_buffer.h"

static VKAPI_ATTR void VKAPI_CALL copy_buffer(VkCommandBuffer commands, VkBuffer source_buffer,
                                              VkBuffer target_buffer, uint32_t region_count,
                                              const VkBufferCopy *regions)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, source_buffer);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdCopyBuffer(commands, source_buffer, target_buffer, region_count, regions);
}

static VKAPI_ATTR void VKAPI_CALL copy_buffer2(VkCommandBuffer commands,
                                               const VkCopyBufferInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, info->srcBuffer);
    fhi_layer_use_buffer(use, info->dstBuffer);
    use.device->down.CmdCopyBuffer2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_image(VkCommandBuffer commands, VkImage source_image,
                                             VkImageLayout source_image_layout,
                                             VkImage target_image,
                                             VkImageLayout target_image_layout,
                                             uint32_t region_count, const VkImageCopy *regions)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, source_image);
    fhi_layer_use_image(use, target_image);
    use.device->down.CmdCopyImage(commands, source_image, source_image_layout, target_image,
                                  target_image_layout, region_count, regions);
}

static VKAPI_ATTR void VKAPI_CALL copy_image2(VkCommandBuffer commands,
                                              const VkCopyImageInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, info->srcImage);
    fhi_layer_use_image(use, info->dstImage);
    use.device->down.CmdCopyImage2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL blit_image(VkCommandBuffer commands, VkImage source_image,
                                             VkImageLayout source_image_layout,
                                             VkImage target_image,
                                             VkImageLayout target_image_layout,
                                             uint32_t region_count, const VkImageBlit *regions,
                                             VkFilter filter)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, source_image);
    fhi_layer_use_image(use, target_image);
    use.device->down.CmdBlitImage(commands, source_image, source_image_layout, target_image,
                                  target_image_layout, region_count, regions, filter);
}

static VKAPI_ATTR void VKAPI_CALL blit_image2(VkCommandBuffer commands,
                                              const VkBlitImageInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, info->srcImage);
    fhi_layer_use_image(use, info->dstImage);
    use.device->down.CmdBlitImage2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL resolve_image(VkCommandBuffer commands, VkImage source_image,
                                                VkImageLayout source_image_layout,
                                                VkImage target_image,
                                                VkImageLayout target_image_layout,
                                                uint32_t region_count,
                                                const VkImageResolve *regions)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, source_image);
    fhi_layer_use_image(use, target_image);
    use.device->down.CmdResolveImage(commands, source_image, source_image_layout, target_image,
                                     target_image_layout, region_count, regions);
}

static VKAPI_ATTR void VKAPI_CALL resolve_image2(VkCommandBuffer commands,
                                                 const VkResolveImageInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, info->srcImage);
    fhi_layer_use_image(use, info->dstImage);
    use.device->down.CmdResolveImage2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_buffer_to_image(VkCommandBuffer commands,
                                                       VkBuffer source_buffer, VkImage target_image,
                                                       VkImageLayout target_image_layout,
                                                       uint32_t region_count,
                                                       const VkBufferImageCopy *regions)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, source_buffer);
    fhi_layer_use_image(use, target_image);
    use.device->down.CmdCopyBufferToImage(commands, source_buffer, target_image,
                                          target_image_layout, region_count, regions);
}

static VKAPI_ATTR void VKAPI_CALL copy_buffer_to_image2(VkCommandBuffer commands,
                                                        const VkCopyBufferToImageInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, info->srcBuffer);
    fhi_layer_use_image(use, info->dstImage);
    use.device->down.CmdCopyBufferToImage2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_image_to_buffer(
    VkCommandBuffer commands, VkImage source_image, VkImageLayout source_image_layout,
    VkBuffer target_buffer, uint32_t region_count, const VkBufferImageCopy *regions)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, source_image);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdCopyImageToBuffer(commands, source_image, source_image_layout,
                                          target_buffer, region_count, regions);
}

static VKAPI_ATTR void VKAPI_CALL copy_image_to_buffer2(VkCommandBuffer commands,
                                                        const VkCopyImageToBufferInfo2 *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, info->srcImage);
    fhi_layer_use_buffer(use, info->dstBuffer);
    use.device->down.CmdCopyImageToBuffer2(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL clear_color_image(VkCommandBuffer commands, VkImage image,
                                                    VkImageLayout image_layout,
                                                    const VkClearColorValue *color,
                                                    uint32_t range_count,
                                                    const VkImageSubresourceRange *ranges)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, image);
    use.device->down.CmdClearColorImage(commands, image, image_layout, color, range_count, ranges);
}

static VKAPI_ATTR void VKAPI_CALL
clear_depth_stencil_image(VkCommandBuffer commands, VkImage image, VkImageLayout image_layout,
                          const VkClearDepthStencilValue *depth_stencil, uint32_t range_count,
                          const VkImageSubresourceRange *ranges)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_image(use, image);
    use.device->down.CmdClearDepthStencilImage(commands, image, image_layout, depth_stencil,
                                               range_count, ranges);
}

static VKAPI_ATTR void VKAPI_CALL fill_buffer(VkCommandBuffer commands, VkBuffer target_buffer,
                                              VkDeviceSize target_offset, VkDeviceSize size,
                                              uint32_t data)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdFillBuffer(commands, target_buffer, target_offset, size, data);
}

static VKAPI_ATTR void VKAPI_CALL update_buffer(VkCommandBuffer commands, VkBuffer target_buffer,
                                                VkDeviceSize target_offset, VkDeviceSize data_size,
                                                const void *data)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdUpdateBuffer(commands, target_buffer, target_offset, data_size, data);
}

static VKAPI_ATTR void VKAPI_CALL
copy_query_pool_results(VkCommandBuffer commands, VkQueryPool query_pool, uint32_t first_query,
                        uint32_t query_count, VkBuffer target_buffer, VkDeviceSize target_offset,
                        VkDeviceSize stride, VkQueryResultFlags flags)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdCopyQueryPoolResults(commands, query_pool, first_query, query_count,
                                             target_buffer, target_offset, stride, flags);
}

static VKAPI_ATTR void VKAPI_CALL write_buffer_marker_amd(VkCommandBuffer commands,
                                                          VkPipelineStageFlagBits pipeline_stage,
                                                          VkBuffer target_buffer,
                                                          VkDeviceSize target_offset,
                                                          uint32_t marker)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdWriteBufferMarkerAMD(commands, pipeline_stage, target_buffer, target_offset,
                                             marker);
}

static VKAPI_ATTR void VKAPI_CALL write_buffer_marker2_amd(VkCommandBuffer commands,
                                                           VkPipelineStageFlags2 stage,
                                                           VkBuffer target_buffer,
                                                           VkDeviceSize target_offset,
                                                           uint32_t marker)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, target_buffer);
    use.device->down.CmdWriteBufferMarker2AMD(commands, stage, target_buffer, target_offset,
                                              marker);
}

static VKAPI_ATTR void VKAPI_CALL copy_memory_to_image_indirect_nv(
    VkCommandBuffer commands, VkDeviceAddress copy_buffer_address, uint32_t copy_count,
    uint32_t stride, VkImage target_image, VkImageLayout target_image_layout,
    const VkImageSubresourceLayers *image_subresources)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    /* Where it copies from is said by address: used always. */
    fhi_layer_use_image(use, target_image);
    use.device->down.CmdCopyMemoryToImageIndirectNV(commands, copy_buffer_address, copy_count,
                                                    stride, target_image, target_image_layout,
                                                    image_subresources);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CmdCopyBuffer, copy_buffer),
    FHI_LAYER_ENTRY(CmdCopyBuffer2, copy_buffer2),
    FHI_LAYER_ENTRY(CmdCopyBuffer2KHR, copy_buffer2),
    FHI_LAYER_ENTRY(CmdCopyImage, copy_image),
    FHI_LAYER_ENTRY(CmdCopyImage2, copy_image2),
    FHI_LAYER_ENTRY(CmdCopyImage2KHR, copy_image2),
    FHI_LAYER_ENTRY(CmdBlitImage, blit_image),
    FHI_LAYER_ENTRY(CmdBlitImage2, blit_image2),
    FHI_LAYER_ENTRY(CmdBlitImage2KHR, blit_image2),
    FHI_LAYER_ENTRY(CmdResolveImage, resolve_image),
    FHI_LAYER_ENTRY(CmdResolveImage2, resolve_image2),
    FHI_LAYER_ENTRY(CmdResolveImage2KHR, resolve_image2),
    FHI_LAYER_ENTRY(CmdCopyBufferToImage, copy_buffer_to_image),
    FHI_LAYER_ENTRY(CmdCopyBufferToImage2, copy_buffer_to_image2),
    FHI_LAYER_ENTRY(CmdCopyBufferToImage2KHR, copy_buffer_to_image2),
    FHI_LAYER_ENTRY(CmdCopyImageToBuffer, copy_image_to_buffer),
    FHI_LAYER_ENTRY(CmdCopyImageToBuffer2, copy_image_to_buffer2),
    FHI_LAYER_ENTRY(CmdCopyImageToBuffer2KHR, copy_image_to_buffer2),
    FHI_LAYER_ENTRY(CmdClearColorImage, clear_color_image),
    FHI_LAYER_ENTRY(CmdClearDepthStencilImage, clear_depth_stencil_image),
    FHI_LAYER_ENTRY(CmdFillBuffer, fill_buffer),
    FHI_LAYER_ENTRY(CmdUpdateBuffer, update_buffer),
    FHI_LAYER_ENTRY(CmdCopyQueryPoolResults, copy_query_pool_results),
    FHI_LAYER_ENTRY(CmdWriteBufferMarkerAMD, write_buffer_marker_amd),
    FHI_LAYER_ENTRY(CmdWriteBufferMarker2AMD, write_buffer_marker2_amd),
    FHI_LAYER_ENTRY(CmdCopyMemoryToImageIndirectNV, copy_memory_to_image_indirect_nv),
};

const fhi_layer_entries fhi_layer_copy_entries = FHI_LAYER_ENTRIES(list);
