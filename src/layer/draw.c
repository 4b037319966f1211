/* Buffers that draws and dispatches read: vertices, indices, arguments, counts, predicates; and
 * what they write by transform feedback. What is bound counts, whether or not something is drawn
 * then. */

#include "layer/command_buffer.h"

/* Buffers that are named by their address are used always; but there is one kind of descriptor
 * buffer that is named by its handle. */
static void use_descriptor_buffers(fhi_layer_use use, uint32_t count,
                                   const VkDescriptorBufferBindingInfoEXT *infos)
{
    for (uint32_t i = 0; i < count; i++) {
        const VkDescriptorBufferBindingPushDescriptorBufferHandleEXT *named =
            fhi_layer_find_in_chain(
                infos[i].pNext,
                VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_PUSH_DESCRIPTOR_BUFFER_HANDLE_EXT);
        if (named != NULL) {
            fhi_layer_use_buffer(use, named->buffer);
        }
    }
}

static void use_generated(fhi_layer_use use, const VkGeneratedCommandsInfoNV *info)
{
    for (uint32_t i = 0; i < info->streamCount; i++) {
        fhi_layer_use_buffer(use, info->pStreams[i].buffer);
    }
    fhi_layer_use_buffer(use, info->preprocessBuffer);
    fhi_layer_use_buffer(use, info->sequencesCountBuffer);
    fhi_layer_use_buffer(use, info->sequencesIndexBuffer);
}

static VKAPI_ATTR void VKAPI_CALL bind_vertex_buffers(VkCommandBuffer commands,
                                                      uint32_t first_binding,
                                                      uint32_t binding_count,
                                                      const VkBuffer *buffers,
                                                      const VkDeviceSize *offsets)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffers(use, binding_count, buffers);
    use.device->down.CmdBindVertexBuffers(commands, first_binding, binding_count, buffers, offsets);
}

static VKAPI_ATTR void VKAPI_CALL
bind_vertex_buffers2(VkCommandBuffer commands, uint32_t first_binding, uint32_t binding_count,
                     const VkBuffer *buffers, const VkDeviceSize *offsets,
                     const VkDeviceSize *sizes, const VkDeviceSize *strides)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffers(use, binding_count, buffers);
    use.device->down.CmdBindVertexBuffers2(commands, first_binding, binding_count, buffers, offsets,
                                           sizes, strides);
}

static VKAPI_ATTR void VKAPI_CALL bind_index_buffer(VkCommandBuffer commands, VkBuffer buffer,
                                                    VkDeviceSize offset, VkIndexType index_type)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdBindIndexBuffer(commands, buffer, offset, index_type);
}

static VKAPI_ATTR void VKAPI_CALL draw_indirect(VkCommandBuffer commands, VkBuffer buffer,
                                                VkDeviceSize offset, uint32_t draw_count,
                                                uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDrawIndirect(commands, buffer, offset, draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_indexed_indirect(VkCommandBuffer commands, VkBuffer buffer,
                                                        VkDeviceSize offset, uint32_t draw_count,
                                                        uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDrawIndexedIndirect(commands, buffer, offset, draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_indirect_count(VkCommandBuffer commands, VkBuffer buffer,
                                                      VkDeviceSize offset, VkBuffer count_buffer,
                                                      VkDeviceSize count_buffer_offset,
                                                      uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawIndirectCount(commands, buffer, offset, count_buffer,
                                          count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_indexed_indirect_count(
    VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset, VkBuffer count_buffer,
    VkDeviceSize count_buffer_offset, uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawIndexedIndirectCount(commands, buffer, offset, count_buffer,
                                                 count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_indirect_count_amd(VkCommandBuffer commands, VkBuffer buffer,
                                                          VkDeviceSize offset,
                                                          VkBuffer count_buffer,
                                                          VkDeviceSize count_buffer_offset,
                                                          uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawIndirectCountAMD(commands, buffer, offset, count_buffer,
                                             count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_indexed_indirect_count_amd(
    VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset, VkBuffer count_buffer,
    VkDeviceSize count_buffer_offset, uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawIndexedIndirectCountAMD(commands, buffer, offset, count_buffer,
                                                    count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_mesh_tasks_indirect(VkCommandBuffer commands,
                                                           VkBuffer buffer, VkDeviceSize offset,
                                                           uint32_t draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDrawMeshTasksIndirectEXT(commands, buffer, offset, draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_mesh_tasks_indirect_count(
    VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset, VkBuffer count_buffer,
    VkDeviceSize count_buffer_offset, uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawMeshTasksIndirectCountEXT(commands, buffer, offset, count_buffer,
                                                      count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_mesh_tasks_indirect_nv(VkCommandBuffer commands,
                                                              VkBuffer buffer, VkDeviceSize offset,
                                                              uint32_t draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDrawMeshTasksIndirectNV(commands, buffer, offset, draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_mesh_tasks_indirect_count_nv(
    VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset, VkBuffer count_buffer,
    VkDeviceSize count_buffer_offset, uint32_t max_draw_count, uint32_t stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    fhi_layer_use_buffer(use, count_buffer);
    use.device->down.CmdDrawMeshTasksIndirectCountNV(commands, buffer, offset, count_buffer,
                                                     count_buffer_offset, max_draw_count, stride);
}

static VKAPI_ATTR void VKAPI_CALL draw_cluster_indirect_huawei(VkCommandBuffer commands,
                                                               VkBuffer buffer, VkDeviceSize offset)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDrawClusterIndirectHUAWEI(commands, buffer, offset);
}

static VKAPI_ATTR void VKAPI_CALL dispatch_indirect(VkCommandBuffer commands, VkBuffer buffer,
                                                    VkDeviceSize offset)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, buffer);
    use.device->down.CmdDispatchIndirect(commands, buffer, offset);
}

static VKAPI_ATTR void VKAPI_CALL bind_transform_feedback_buffers(
    VkCommandBuffer commands, uint32_t first_binding, uint32_t binding_count,
    const VkBuffer *buffers, const VkDeviceSize *offsets, const VkDeviceSize *sizes)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffers(use, binding_count, buffers);
    use.device->down.CmdBindTransformFeedbackBuffersEXT(commands, first_binding, binding_count,
                                                        buffers, offsets, sizes);
}

static VKAPI_ATTR void VKAPI_CALL begin_transform_feedback(
    VkCommandBuffer commands, uint32_t first_counter_buffer, uint32_t counter_buffer_count,
    const VkBuffer *counter_buffers, const VkDeviceSize *counter_buffer_offsets)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffers(use, counter_buffer_count, counter_buffers);
    use.device->down.CmdBeginTransformFeedbackEXT(commands, first_counter_buffer,
                                                  counter_buffer_count, counter_buffers,
                                                  counter_buffer_offsets);
}

static VKAPI_ATTR void VKAPI_CALL end_transform_feedback(VkCommandBuffer commands,
                                                         uint32_t first_counter_buffer,
                                                         uint32_t counter_buffer_count,
                                                         const VkBuffer *counter_buffers,
                                                         const VkDeviceSize *counter_buffer_offsets)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffers(use, counter_buffer_count, counter_buffers);
    use.device->down.CmdEndTransformFeedbackEXT(commands, first_counter_buffer,
                                                counter_buffer_count, counter_buffers,
                                                counter_buffer_offsets);
}

static VKAPI_ATTR void VKAPI_CALL
draw_indirect_byte_count(VkCommandBuffer commands, uint32_t instance_count, uint32_t first_instance,
                         VkBuffer counter_buffer, VkDeviceSize counter_buffer_offset,
                         uint32_t counter_offset, uint32_t vertex_stride)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, counter_buffer);
    use.device->down.CmdDrawIndirectByteCountEXT(commands, instance_count, first_instance,
                                                 counter_buffer, counter_buffer_offset,
                                                 counter_offset, vertex_stride);
}

static VKAPI_ATTR void VKAPI_CALL begin_conditional_rendering(
    VkCommandBuffer commands, const VkConditionalRenderingBeginInfoEXT *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, info->buffer);
    use.device->down.CmdBeginConditionalRenderingEXT(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL
bind_descriptor_buffers(VkCommandBuffer commands, uint32_t buffer_count,
                        const VkDescriptorBufferBindingInfoEXT *binding_infos)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_descriptor_buffers(use, buffer_count, binding_infos);
    use.device->down.CmdBindDescriptorBuffersEXT(commands, buffer_count, binding_infos);
}

static VKAPI_ATTR void VKAPI_CALL
preprocess_generated_commands_nv(VkCommandBuffer commands, const VkGeneratedCommandsInfoNV *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_generated(use, info);
    use.device->down.CmdPreprocessGeneratedCommandsNV(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL execute_generated_commands_nv(
    VkCommandBuffer commands, VkBool32 is_preprocessed, const VkGeneratedCommandsInfoNV *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_generated(use, info);
    use.device->down.CmdExecuteGeneratedCommandsNV(commands, is_preprocessed, info);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CmdBindVertexBuffers, bind_vertex_buffers),
    FHI_LAYER_ENTRY(CmdBindVertexBuffers2, bind_vertex_buffers2),
    FHI_LAYER_ENTRY(CmdBindVertexBuffers2EXT, bind_vertex_buffers2),
    FHI_LAYER_ENTRY(CmdBindIndexBuffer, bind_index_buffer),
    FHI_LAYER_ENTRY(CmdDrawIndirect, draw_indirect),
    FHI_LAYER_ENTRY(CmdDrawIndexedIndirect, draw_indexed_indirect),
    FHI_LAYER_ENTRY(CmdDrawIndirectCount, draw_indirect_count),
    FHI_LAYER_ENTRY(CmdDrawIndirectCountKHR, draw_indirect_count),
    FHI_LAYER_ENTRY(CmdDrawIndexedIndirectCount, draw_indexed_indirect_count),
    FHI_LAYER_ENTRY(CmdDrawIndexedIndirectCountKHR, draw_indexed_indirect_count),
    FHI_LAYER_ENTRY(CmdDrawIndirectCountAMD, draw_indirect_count_amd),
    FHI_LAYER_ENTRY(CmdDrawIndexedIndirectCountAMD, draw_indexed_indirect_count_amd),
    FHI_LAYER_ENTRY(CmdDrawMeshTasksIndirectEXT, draw_mesh_tasks_indirect),
    FHI_LAYER_ENTRY(CmdDrawMeshTasksIndirectCountEXT, draw_mesh_tasks_indirect_count),
    FHI_LAYER_ENTRY(CmdDrawMeshTasksIndirectNV, draw_mesh_tasks_indirect_nv),
    FHI_LAYER_ENTRY(CmdDrawMeshTasksIndirectCountNV, draw_mesh_tasks_indirect_count_nv),
    FHI_LAYER_ENTRY(CmdDrawClusterIndirectHUAWEI, draw_cluster_indirect_huawei),
    FHI_LAYER_ENTRY(CmdDispatchIndirect, dispatch_indirect),
    FHI_LAYER_ENTRY(CmdBindTransformFeedbackBuffersEXT, bind_transform_feedback_buffers),
    FHI_LAYER_ENTRY(CmdBeginTransformFeedbackEXT, begin_transform_feedback),
    FHI_LAYER_ENTRY(CmdEndTransformFeedbackEXT, end_transform_feedback),
    FHI_LAYER_ENTRY(CmdDrawIndirectByteCountEXT, draw_indirect_byte_count),
    FHI_LAYER_ENTRY(CmdBeginConditionalRenderingEXT, begin_conditional_rendering),
    FHI_LAYER_ENTRY(CmdBindDescriptorBuffersEXT, bind_descriptor_buffers),
    FHI_LAYER_ENTRY(CmdPreprocessGeneratedCommandsNV, preprocess_generated_commands_nv),
    FHI_LAYER_ENTRY(CmdExecuteGeneratedCommandsNV, execute_generated_commands_nv),
};

const fhi_layer_entries fhi_layer_draw_entries = FHI_LAYER_ENTRIES(list);
