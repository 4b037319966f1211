/* The functions of command buffers, descriptors, views and framebuffers that the layer calls down
 * to: X(name, since, alias), as functions.h explains. */

#ifndef FREEHOLD_LAYER_COMMAND_FUNCTIONS_H
#define FREEHOLD_LAYER_COMMAND_FUNCTIONS_H

#define FHI_LAYER_COMMAND_FUNCTIONS(X)                                                             \
    /* command_buffer.c */                                                                         \
    X(AllocateCommandBuffers, 0, NULL)                                                             \
    X(BeginCommandBuffer, 0, NULL)                                                                 \
    X(CmdExecuteCommands, 0, NULL)                                                                 \
    X(CreateCommandPool, 0, NULL)                                                                  \
    X(DestroyCommandPool, 0, NULL)                                                                 \
    X(FreeCommandBuffers, 0, NULL)                                                                 \
    X(ResetCommandBuffer, 0, NULL)                                                                 \
    X(ResetCommandPool, 0, NULL)                                                                   \
    /* view.c */                                                                                   \
    X(CreateAccelerationStructureKHR, 0, NULL)                                                     \
    X(CreateBufferView, 0, NULL)                                                                   \
    X(CreateFramebuffer, 0, NULL)                                                                  \
    X(CreateImageView, 0, NULL)                                                                    \
    X(CreateMicromapEXT, 0, NULL)                                                                  \
    X(DestroyAccelerationStructureKHR, 0, NULL)                                                    \
    X(DestroyBufferView, 0, NULL)                                                                  \
    X(DestroyFramebuffer, 0, NULL)                                                                 \
    X(DestroyImageView, 0, NULL)                                                                   \
    X(DestroyMicromapEXT, 0, NULL)                                                                 \
    X(GetAccelerationStructureDeviceAddressKHR, 0, NULL)                                           \
    X(GetImageViewAddressNVX, 0, NULL)                                                             \
    X(GetImageViewHandleNVX, 0, NULL)                                                              \
    /* descriptor_layout.c, descriptor_set.c, descriptor_write.c, descriptor_template.c */         \
    X(AllocateDescriptorSets, 0, NULL)                                                             \
    X(CmdBindDescriptorSets, 0, NULL)                                                              \
    X(CmdPushDescriptorSetKHR, 0, NULL)                                                            \
    X(CmdPushDescriptorSetWithTemplateKHR, 0, NULL)                                                \
    X(CreateDescriptorPool, 0, NULL)                                                               \
    X(CreateDescriptorSetLayout, 0, NULL)                                                          \
    X(CreateDescriptorUpdateTemplate, 1, "vkCreateDescriptorUpdateTemplateKHR")                    \
    X(DestroyDescriptorPool, 0, NULL)                                                              \
    X(DestroyDescriptorSetLayout, 0, NULL)                                                         \
    X(DestroyDescriptorUpdateTemplate, 1, "vkDestroyDescriptorUpdateTemplateKHR")                  \
    X(FreeDescriptorSets, 0, NULL)                                                                 \
    X(GetDescriptorEXT, 0, NULL)                                                                   \
    X(ResetDescriptorPool, 0, NULL)                                                                \
    X(UpdateDescriptorSets, 0, NULL)                                                               \
    X(UpdateDescriptorSetWithTemplate, 1, "vkUpdateDescriptorSetWithTemplateKHR")                  \
    /* draw.c */                                                                                   \
    X(CmdBeginConditionalRenderingEXT, 0, NULL)                                                    \
    X(CmdBeginTransformFeedbackEXT, 0, NULL)                                                       \
    X(CmdBindDescriptorBuffersEXT, 0, NULL)                                                        \
    X(CmdBindIndexBuffer, 0, NULL)                                                                 \
    X(CmdBindTransformFeedbackBuffersEXT, 0, NULL)                                                 \
    X(CmdBindVertexBuffers, 0, NULL)                                                               \
    X(CmdBindVertexBuffers2, 3, "vkCmdBindVertexBuffers2EXT")                                      \
    X(CmdDispatchIndirect, 0, NULL)                                                                \
    X(CmdDrawClusterIndirectHUAWEI, 0, NULL)                                                       \
    X(CmdDrawIndexedIndirect, 0, NULL)                                                             \
    X(CmdDrawIndexedIndirectCount, 2, "vkCmdDrawIndexedIndirectCountKHR")                          \
    X(CmdDrawIndexedIndirectCountAMD, 0, NULL)                                                     \
    X(CmdDrawIndirect, 0, NULL)                                                                    \
    X(CmdDrawIndirectByteCountEXT, 0, NULL)                                                        \
    X(CmdDrawIndirectCount, 2, "vkCmdDrawIndirectCountKHR")                                        \
    X(CmdDrawIndirectCountAMD, 0, NULL)                                                            \
    X(CmdDrawMeshTasksIndirectCountEXT, 0, NULL)                                                   \
    X(CmdDrawMeshTasksIndirectCountNV, 0, NULL)                                                    \
    X(CmdDrawMeshTasksIndirectEXT, 0, NULL)                                                        \
    X(CmdDrawMeshTasksIndirectNV, 0, NULL)                                                         \
    X(CmdEndTransformFeedbackEXT, 0, NULL)                                                         \
    X(CmdExecuteGeneratedCommandsNV, 0, NULL)                                                      \
    X(CmdPreprocessGeneratedCommandsNV, 0, NULL)                                                   \
    /* copy.c */                                                                                   \
    X(CmdBlitImage, 0, NULL)                                                                       \
    X(CmdBlitImage2, 3, "vkCmdBlitImage2KHR")                                                      \
    X(CmdClearColorImage, 0, NULL)                                                                 \
    X(CmdClearDepthStencilImage, 0, NULL)                                                          \
    X(CmdCopyBuffer, 0, NULL)                                                                      \
    X(CmdCopyBuffer2, 3, "vkCmdCopyBuffer2KHR")                                                    \
    X(CmdCopyBufferToImage, 0, NULL)                                                               \
    X(CmdCopyBufferToImage2, 3, "vkCmdCopyBufferToImage2KHR")                                      \
    X(CmdCopyImage, 0, NULL)                                                                       \
    X(CmdCopyImage2, 3, "vkCmdCopyImage2KHR")                                                      \
    X(CmdCopyImageToBuffer, 0, NULL)                                                               \
    X(CmdCopyImageToBuffer2, 3, "vkCmdCopyImageToBuffer2KHR")                                      \
    X(CmdCopyMemoryToImageIndirectNV, 0, NULL)                                                     \
    X(CmdCopyQueryPoolResults, 0, NULL)                                                            \
    X(CmdFillBuffer, 0, NULL)                                                                      \
    X(CmdResolveImage, 0, NULL)                                                                    \
    X(CmdResolveImage2, 3, "vkCmdResolveImage2KHR")                                                \
    X(CmdUpdateBuffer, 0, NULL)                                                                    \
    X(CmdWriteBufferMarker2AMD, 0, NULL)                                                           \
    X(CmdWriteBufferMarkerAMD, 0, NULL)                                                            \
    /* pass.c */                                                                                   \
    X(CmdBeginRenderPass, 0, NULL)                                                                 \
    X(CmdBeginRenderPass2, 2, "vkCmdBeginRenderPass2KHR")                                          \
    X(CmdBeginRendering, 3, "vkCmdBeginRenderingKHR")                                              \
    X(CmdBeginVideoCodingKHR, 0, NULL)                                                             \
    X(CmdBindInvocationMaskHUAWEI, 0, NULL)                                                        \
    X(CmdBindShadingRateImageNV, 0, NULL)                                                          \
    X(CmdDecodeVideoKHR, 0, NULL)                                                                  \
    /* ray.c */                                                                                    \
    X(CmdBuildAccelerationStructureNV, 0, NULL)                                                    \
    X(CmdBuildAccelerationStructuresIndirectKHR, 0, NULL)                                          \
    X(CmdBuildAccelerationStructuresKHR, 0, NULL)                                                  \
    X(CmdBuildMicromapsEXT, 0, NULL)                                                               \
    X(CmdCopyAccelerationStructureKHR, 0, NULL)                                                    \
    X(CmdCopyAccelerationStructureToMemoryKHR, 0, NULL)                                            \
    X(CmdCopyMemoryToAccelerationStructureKHR, 0, NULL)                                            \
    X(CmdCopyMemoryToMicromapEXT, 0, NULL)                                                         \
    X(CmdCopyMicromapEXT, 0, NULL)                                                                 \
    X(CmdCopyMicromapToMemoryEXT, 0, NULL)                                                         \
    X(CmdTraceRaysNV, 0, NULL)                                                                     \
    X(CmdWriteAccelerationStructuresPropertiesKHR, 0, NULL)                                        \
    X(CmdWriteMicromapsPropertiesEXT, 0, NULL)

#endif
