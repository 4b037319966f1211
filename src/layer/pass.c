/* What is drawn into: attachments of render passes, of dynamic rendering and of video. A pass
 * counts as using all that its framebuffer has, whichever of it its subpasses touch. */

#include "layer/view.h"

static void use_pass(fhi_layer_use use, const VkRenderPassBeginInfo *info)
{
    const fhi_layer_framebuffer *framebuffer =
        use.buffer == NULL ? NULL : fhi_layer_framebuffer_of(use.device, info->framebuffer);
    for (uint32_t i = 0; framebuffer != NULL && i < framebuffer->count; i++) {
        fhi_layer_use_id(use, framebuffer->ids[i]);
    }
    /* Of an imageless framebuffer. */
    const VkRenderPassAttachmentBeginInfo *attachments =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO);
    for (uint32_t i = 0; attachments != NULL && i < attachments->attachmentCount; i++) {
        fhi_layer_use_view(use, attachments->pAttachments[i]);
    }
}

static void use_attachment(fhi_layer_use use, const VkRenderingAttachmentInfo *attachment)
{
    /* What is resolved into is not read where the view to resolve is not there. */
    if (attachment != NULL && attachment->imageView != VK_NULL_HANDLE) {
        fhi_layer_use_view(use, attachment->imageView);
        if (attachment->resolveMode != VK_RESOLVE_MODE_NONE) {
            fhi_layer_use_view(use, attachment->resolveImageView);
        }
    }
}

static void use_rendering(fhi_layer_use use, const VkRenderingInfo *info)
{
    for (uint32_t i = 0; i < info->colorAttachmentCount; i++) {
        use_attachment(use, &info->pColorAttachments[i]);
    }
    use_attachment(use, info->pDepthAttachment);
    use_attachment(use, info->pStencilAttachment);
    const VkRenderingFragmentShadingRateAttachmentInfoKHR *rate = fhi_layer_find_in_chain(
        info->pNext, VK_STRUCTURE_TYPE_RENDERING_FRAGMENT_SHADING_RATE_ATTACHMENT_INFO_KHR);
    if (rate != NULL) {
        fhi_layer_use_view(use, rate->imageView);
    }
    const VkRenderingFragmentDensityMapAttachmentInfoEXT *density = fhi_layer_find_in_chain(
        info->pNext, VK_STRUCTURE_TYPE_RENDERING_FRAGMENT_DENSITY_MAP_ATTACHMENT_INFO_EXT);
    if (density != NULL) {
        fhi_layer_use_view(use, density->imageView);
    }
}

static void use_slots(fhi_layer_use use, uint32_t count, const VkVideoReferenceSlotInfoKHR *slots)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].pPictureResource != NULL) {
            fhi_layer_use_view(use, slots[i].pPictureResource->imageViewBinding);
        }
    }
}

static void use_decoding(fhi_layer_use use, const VkVideoDecodeInfoKHR *info)
{
    fhi_layer_use_buffer(use, info->srcBuffer);
    fhi_layer_use_view(use, info->dstPictureResource.imageViewBinding);
    use_slots(use, info->referenceSlotCount, info->pReferenceSlots);
    if (info->pSetupReferenceSlot != NULL) {
        use_slots(use, 1, info->pSetupReferenceSlot);
    }
}

static VKAPI_ATTR void VKAPI_CALL begin_render_pass(VkCommandBuffer commands,
                                                    const VkRenderPassBeginInfo *info,
                                                    VkSubpassContents contents)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_pass(use, info);
    use.device->down.CmdBeginRenderPass(commands, info, contents);
}

static VKAPI_ATTR void VKAPI_CALL begin_render_pass2(VkCommandBuffer commands,
                                                     const VkRenderPassBeginInfo *info,
                                                     const VkSubpassBeginInfo *subpass)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_pass(use, info);
    use.device->down.CmdBeginRenderPass2(commands, info, subpass);
}

static VKAPI_ATTR void VKAPI_CALL begin_rendering(VkCommandBuffer commands,
                                                  const VkRenderingInfo *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_rendering(use, info);
    use.device->down.CmdBeginRendering(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL bind_shading_rate_image_nv(VkCommandBuffer commands,
                                                             VkImageView image_view,
                                                             VkImageLayout image_layout)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_view(use, image_view);
    use.device->down.CmdBindShadingRateImageNV(commands, image_view, image_layout);
}

static VKAPI_ATTR void VKAPI_CALL bind_invocation_mask_huawei(VkCommandBuffer commands,
                                                              VkImageView image_view,
                                                              VkImageLayout image_layout)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_view(use, image_view);
    use.device->down.CmdBindInvocationMaskHUAWEI(commands, image_view, image_layout);
}

static VKAPI_ATTR void VKAPI_CALL begin_video_coding(VkCommandBuffer commands,
                                                     const VkVideoBeginCodingInfoKHR *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_slots(use, info->referenceSlotCount, info->pReferenceSlots);
    use.device->down.CmdBeginVideoCodingKHR(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL decode_video(VkCommandBuffer commands,
                                               const VkVideoDecodeInfoKHR *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_decoding(use, info);
    use.device->down.CmdDecodeVideoKHR(commands, info);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CmdBeginRenderPass, begin_render_pass),
    FHI_LAYER_ENTRY(CmdBeginRenderPass2, begin_render_pass2),
    FHI_LAYER_ENTRY(CmdBeginRenderPass2KHR, begin_render_pass2),
    FHI_LAYER_ENTRY(CmdBeginRendering, begin_rendering),
    FHI_LAYER_ENTRY(CmdBeginRenderingKHR, begin_rendering),
    FHI_LAYER_ENTRY(CmdBindShadingRateImageNV, bind_shading_rate_image_nv),
    FHI_LAYER_ENTRY(CmdBindInvocationMaskHUAWEI, bind_invocation_mask_huawei),
    FHI_LAYER_ENTRY(CmdBeginVideoCodingKHR, begin_video_coding),
    FHI_LAYER_ENTRY(CmdDecodeVideoKHR, decode_video),
};

const fhi_layer_entries fhi_layer_pass_entries = FHI_LAYER_ENTRIES(list);
