/* Acceleration structures, micromaps and rays, as far as commands name them by handle. What they
 * are built from is named by address, and so is used always. The structures of VK_NV_ray_tracing
 * lie in no buffer and are left out; the buffers that its commands name are not. */

#include "layer/view.h"

static void use_structure(fhi_layer_use use, VkAccelerationStructureKHR structure)
{
    if (use.buffer != NULL) {
        fhi_layer_use_id(use, fhi_layer_structure_id(use.device, structure));
    }
}

static void use_micromap(fhi_layer_use use, VkMicromapEXT micromap)
{
    if (use.buffer != NULL) {
        fhi_layer_use_id(use, fhi_layer_micromap_id(use.device, micromap));
    }
}

static void use_built(fhi_layer_use use, uint32_t count,
                      const VkAccelerationStructureBuildGeometryInfoKHR *infos)
{
    for (uint32_t i = 0; i < count; i++) {
        if (infos[i].mode == VK_BUILD_ACCELERATION_STRUCTURE_MODE_UPDATE_KHR) {
            use_structure(use, infos[i].srcAccelerationStructure);
        }
        use_structure(use, infos[i].dstAccelerationStructure);
    }
}

static void use_geometries_nv(fhi_layer_use use, const VkAccelerationStructureInfoNV *info)
{
    for (uint32_t i = 0; i < info->geometryCount; i++) {
        const VkGeometryDataNV *geometry = &info->pGeometries[i].geometry;
        if (info->pGeometries[i].geometryType == VK_GEOMETRY_TYPE_AABBS_NV) {
            fhi_layer_use_buffer(use, geometry->aabbs.aabbData);
        } else {
            fhi_layer_use_buffer(use, geometry->triangles.vertexData);
            fhi_layer_use_buffer(use, geometry->triangles.indexData);
            fhi_layer_use_buffer(use, geometry->triangles.transformData);
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL build_acceleration_structures(
    VkCommandBuffer commands, uint32_t info_count,
    const VkAccelerationStructureBuildGeometryInfoKHR *infos,
    const VkAccelerationStructureBuildRangeInfoKHR *const *build_range_infos)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_built(use, info_count, infos);
    use.device->down.CmdBuildAccelerationStructuresKHR(commands, info_count, infos,
                                                       build_range_infos);
}

static VKAPI_ATTR void VKAPI_CALL build_acceleration_structures_indirect(
    VkCommandBuffer commands, uint32_t info_count,
    const VkAccelerationStructureBuildGeometryInfoKHR *infos,
    const VkDeviceAddress *indirect_device_addresses, const uint32_t *indirect_strides,
    const uint32_t *const *max_primitive_counts)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_built(use, info_count, infos);
    use.device->down.CmdBuildAccelerationStructuresIndirectKHR(
        commands, info_count, infos, indirect_device_addresses, indirect_strides,
        max_primitive_counts);
}

static VKAPI_ATTR void VKAPI_CALL copy_acceleration_structure(
    VkCommandBuffer commands, const VkCopyAccelerationStructureInfoKHR *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_structure(use, info->src);
    use_structure(use, info->dst);
    use.device->down.CmdCopyAccelerationStructureKHR(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_acceleration_structure_to_memory(
    VkCommandBuffer commands, const VkCopyAccelerationStructureToMemoryInfoKHR *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_structure(use, info->src);
    use.device->down.CmdCopyAccelerationStructureToMemoryKHR(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_memory_to_acceleration_structure(
    VkCommandBuffer commands, const VkCopyMemoryToAccelerationStructureInfoKHR *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_structure(use, info->dst);
    use.device->down.CmdCopyMemoryToAccelerationStructureKHR(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL write_acceleration_structures_properties(
    VkCommandBuffer commands, uint32_t acceleration_structure_count,
    const VkAccelerationStructureKHR *acceleration_structures, VkQueryType query_type,
    VkQueryPool query_pool, uint32_t first_query)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    for (uint32_t i = 0; i < acceleration_structure_count; i++) {
        use_structure(use, acceleration_structures[i]);
    }
    use.device->down.CmdWriteAccelerationStructuresPropertiesKHR(
        commands, acceleration_structure_count, acceleration_structures, query_type, query_pool,
        first_query);
}

static VKAPI_ATTR void VKAPI_CALL build_micromaps(VkCommandBuffer commands, uint32_t info_count,
                                                  const VkMicromapBuildInfoEXT *infos)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    for (uint32_t i = 0; i < info_count; i++) {
        use_micromap(use, infos[i].dstMicromap);
    }
    use.device->down.CmdBuildMicromapsEXT(commands, info_count, infos);
}

static VKAPI_ATTR void VKAPI_CALL copy_micromap(VkCommandBuffer commands,
                                                const VkCopyMicromapInfoEXT *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_micromap(use, info->src);
    use_micromap(use, info->dst);
    use.device->down.CmdCopyMicromapEXT(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_micromap_to_memory(VkCommandBuffer commands,
                                                          const VkCopyMicromapToMemoryInfoEXT *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_micromap(use, info->src);
    use.device->down.CmdCopyMicromapToMemoryEXT(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL copy_memory_to_micromap(VkCommandBuffer commands,
                                                          const VkCopyMemoryToMicromapInfoEXT *info)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_micromap(use, info->dst);
    use.device->down.CmdCopyMemoryToMicromapEXT(commands, info);
}

static VKAPI_ATTR void VKAPI_CALL write_micromaps_properties(
    VkCommandBuffer commands, uint32_t micromap_count, const VkMicromapEXT *micromaps,
    VkQueryType query_type, VkQueryPool query_pool, uint32_t first_query)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    for (uint32_t i = 0; i < micromap_count; i++) {
        use_micromap(use, micromaps[i]);
    }
    use.device->down.CmdWriteMicromapsPropertiesEXT(commands, micromap_count, micromaps, query_type,
                                                    query_pool, first_query);
}

static VKAPI_ATTR void VKAPI_CALL build_acceleration_structure_nv(
    VkCommandBuffer commands, const VkAccelerationStructureInfoNV *info, VkBuffer instance_data,
    VkDeviceSize instance_offset, VkBool32 update, VkAccelerationStructureNV dst,
    VkAccelerationStructureNV src, VkBuffer scratch, VkDeviceSize scratch_offset)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    use_geometries_nv(use, info);
    fhi_layer_use_buffer(use, instance_data);
    fhi_layer_use_buffer(use, scratch);
    use.device->down.CmdBuildAccelerationStructureNV(commands, info, instance_data, instance_offset,
                                                     update, dst, src, scratch, scratch_offset);
}

static VKAPI_ATTR void VKAPI_CALL trace_rays_nv(
    VkCommandBuffer commands, VkBuffer raygen_shader_binding_table_buffer,
    VkDeviceSize raygen_shader_binding_offset, VkBuffer miss_shader_binding_table_buffer,
    VkDeviceSize miss_shader_binding_offset, VkDeviceSize miss_shader_binding_stride,
    VkBuffer hit_shader_binding_table_buffer, VkDeviceSize hit_shader_binding_offset,
    VkDeviceSize hit_shader_binding_stride, VkBuffer callable_shader_binding_table_buffer,
    VkDeviceSize callable_shader_binding_offset, VkDeviceSize callable_shader_binding_stride,
    uint32_t width, uint32_t height, uint32_t depth)
{
    fhi_layer_use use = fhi_layer_use_of(commands);
    fhi_layer_use_buffer(use, raygen_shader_binding_table_buffer);
    fhi_layer_use_buffer(use, miss_shader_binding_table_buffer);
    fhi_layer_use_buffer(use, hit_shader_binding_table_buffer);
    fhi_layer_use_buffer(use, callable_shader_binding_table_buffer);
    use.device->down.CmdTraceRaysNV(
        commands, raygen_shader_binding_table_buffer, raygen_shader_binding_offset,
        miss_shader_binding_table_buffer, miss_shader_binding_offset, miss_shader_binding_stride,
        hit_shader_binding_table_buffer, hit_shader_binding_offset, hit_shader_binding_stride,
        callable_shader_binding_table_buffer, callable_shader_binding_offset,
        callable_shader_binding_stride, width, height, depth);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CmdBuildAccelerationStructuresKHR, build_acceleration_structures),
    FHI_LAYER_ENTRY(CmdBuildAccelerationStructuresIndirectKHR,
                    build_acceleration_structures_indirect),
    FHI_LAYER_ENTRY(CmdCopyAccelerationStructureKHR, copy_acceleration_structure),
    FHI_LAYER_ENTRY(CmdCopyAccelerationStructureToMemoryKHR, copy_acceleration_structure_to_memory),
    FHI_LAYER_ENTRY(CmdCopyMemoryToAccelerationStructureKHR, copy_memory_to_acceleration_structure),
    FHI_LAYER_ENTRY(CmdWriteAccelerationStructuresPropertiesKHR,
                    write_acceleration_structures_properties),
    FHI_LAYER_ENTRY(CmdBuildMicromapsEXT, build_micromaps),
    FHI_LAYER_ENTRY(CmdCopyMicromapEXT, copy_micromap),
    FHI_LAYER_ENTRY(CmdCopyMicromapToMemoryEXT, copy_micromap_to_memory),
    FHI_LAYER_ENTRY(CmdCopyMemoryToMicromapEXT, copy_memory_to_micromap),
    FHI_LAYER_ENTRY(CmdWriteMicromapsPropertiesEXT, write_micromaps_properties),
    FHI_LAYER_ENTRY(CmdBuildAccelerationStructureNV, build_acceleration_structure_nv),
    FHI_LAYER_ENTRY(CmdTraceRaysNV, trace_rays_nv),
};

const fhi_layer_entries fhi_layer_ray_entries = FHI_LAYER_ENTRIES(list);
