/* What is written into sets: updates, copies, and descriptors that are pushed straight into a
 * command buffer. All of them lie in the program's memory as a row of structs of a few kinds, with
 * a stride: so one reader serves vkUpdateDescriptorSets, update templates and pushes. */

#include "layer/descriptor.h"
#include "layer/view.h"

/* The id that one descriptor names; 0: none. */
static uint64_t id_at(fhi_layer_device *device, VkDescriptorType type, const void *at)
{
    switch ((int)type) {
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
    case VK_DESCRIPTOR_TYPE_SAMPLE_WEIGHT_IMAGE_QCOM:
    case VK_DESCRIPTOR_TYPE_BLOCK_MATCH_IMAGE_QCOM:
        return fhi_layer_image_view_id(device, ((const VkDescriptorImageInfo *)at)->imageView);
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
        return fhi_layer_buffer_view_id(device, *(const VkBufferView *)at);
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC: {
        VkBuffer buffer = ((const VkDescriptorBufferInfo *)at)->buffer;
        return buffer == VK_NULL_HANDLE ? 0 : fhi_layer_buffer_id(device, buffer);
    }
    case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR:
        return fhi_layer_structure_id(device, *(const VkAccelerationStructureKHR *)at);
    default:
        return 0; /* samplers, inline blocks, and what is not known */
    }
}

static const void *descriptor_at(const fhi_descriptor_source *source, uint32_t i)
{
    return (const char *)source->first + i * source->stride;
}

void fhi_descriptors_write(fhi_layer_device *device, fhi_descriptor_set *set,
                           const fhi_descriptor_source *source)
{
    const fhi_descriptor_binding *binding =
        set == NULL || source->first == NULL
            ? NULL
            : fhi_descriptor_layout_find(set->layout, source->binding);
    if (binding == NULL) {
        return;
    }
    if (binding->always) {
        for (uint32_t i = 0; i < source->count; i++) {
            fhi_layer_use_always(device, id_at(device, source->type, descriptor_at(source, i)));
        }
        return;
    }
    /* A row that is longer than its binding runs on into the next one, as slots do. */
    uint64_t slot = (uint64_t)binding->first + source->element;
    for (uint32_t i = 0; i < source->count && slot < set->layout->slot_count; i++, slot++) {
        set->ids[slot] = id_at(device, source->type, descriptor_at(source, i));
    }
}

void fhi_descriptors_push(fhi_layer_use use, const fhi_descriptor_source *source)
{
    for (uint32_t i = 0; source->first != NULL && i < source->count; i++) {
        fhi_layer_use_id(use, id_at(use.device, source->type, descriptor_at(source, i)));
    }
}

/* Which of its arrays a write reads depends on its type. */
static fhi_descriptor_source source_of(const VkWriteDescriptorSet *write)
{
    fhi_descriptor_source source = {
        .type = write->descriptorType,
        .binding = write->dstBinding,
        .element = write->dstArrayElement,
        .count = write->descriptorCount,
    };
    switch ((int)write->descriptorType) {
    case VK_DESCRIPTOR_TYPE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
        break;
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
        source.first = write->pTexelBufferView;
        source.stride = sizeof(VkBufferView);
        break;
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
        source.first = write->pBufferInfo;
        source.stride = sizeof *write->pBufferInfo;
        break;
    case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR: {
        const VkWriteDescriptorSetAccelerationStructureKHR *structures = fhi_layer_find_in_chain(
            write->pNext, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR);
        source.first = structures == NULL ? NULL : structures->pAccelerationStructures;
        source.stride = sizeof(VkAccelerationStructureKHR);
        break;
    }
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
    case VK_DESCRIPTOR_TYPE_SAMPLE_WEIGHT_IMAGE_QCOM:
    case VK_DESCRIPTOR_TYPE_BLOCK_MATCH_IMAGE_QCOM:
        source.first = write->pImageInfo;
        source.stride = sizeof *write->pImageInfo;
        break;
    default:
        break; /* which array it is, nobody here knows */
    }
    return source;
}

static void copy_set(fhi_layer_device *device, const VkCopyDescriptorSet *copy)
{
    const fhi_descriptor_set *from = fhi_layer_set_of(device, copy->srcSet);
    fhi_descriptor_set *to = fhi_layer_set_of(device, copy->dstSet);
    const fhi_descriptor_binding *source =
        from == NULL ? NULL : fhi_descriptor_layout_find(from->layout, copy->srcBinding);
    const fhi_descriptor_binding *target =
        to == NULL ? NULL : fhi_descriptor_layout_find(to->layout, copy->dstBinding);
    /* What comes out of a bindless table is used always already. */
    if (source == NULL || target == NULL || source->always) {
        return;
    }
    for (uint32_t i = 0; i < copy->descriptorCount; i++) {
        uint64_t read = (uint64_t)source->first + copy->srcArrayElement + i;
        uint64_t written = (uint64_t)target->first + copy->dstArrayElement + i;
        uint64_t id = read < from->layout->slot_count ? from->ids[read] : 0;
        if (target->always) {
            fhi_layer_use_always(device, id);
        } else if (written < to->layout->slot_count) {
            to->ids[written] = id;
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL update_sets(VkDevice handle, uint32_t write_count,
                                              const VkWriteDescriptorSet *writes,
                                              uint32_t copy_count,
                                              const VkCopyDescriptorSet *copies)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    if (device->commands != NULL) {
        for (uint32_t i = 0; i < write_count; i++) {
            fhi_descriptor_source source = source_of(&writes[i]);
            fhi_descriptors_write(device, fhi_layer_set_of(device, writes[i].dstSet), &source);
        }
        for (uint32_t i = 0; i < copy_count; i++) {
            copy_set(device, &copies[i]);
        }
    }
    device->down.UpdateDescriptorSets(handle, write_count, writes, copy_count, copies);
}

static VKAPI_ATTR void VKAPI_CALL push_set(VkCommandBuffer handle, VkPipelineBindPoint point,
                                           VkPipelineLayout layout, uint32_t set,
                                           uint32_t write_count, const VkWriteDescriptorSet *writes)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    for (uint32_t i = 0; use.buffer != NULL && i < write_count; i++) {
        fhi_descriptor_source source = source_of(&writes[i]);
        fhi_descriptors_push(use, &source);
    }
    use.device->down.CmdPushDescriptorSetKHR(handle, point, layout, set, write_count, writes);
}

/* A descriptor as bytes, for the program to put wherever it likes. Those of buffers are made from
 * addresses, and so are those of acceleration structures, whose address was asked for: used always
 * already. */
static VKAPI_ATTR void VKAPI_CALL get_descriptor(VkDevice handle,
                                                 const VkDescriptorGetInfoEXT *info, size_t size,
                                                 void *out_descriptor)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    const VkDescriptorImageInfo *image = NULL;
    switch ((int)info->type) {
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
        image = info->data.pCombinedImageSampler;
        break;
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
        image = info->data.pSampledImage;
        break;
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
        image = info->data.pStorageImage;
        break;
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        image = info->data.pInputAttachmentImage;
        break;
    default:
        break;
    }
    if (image != NULL) {
        fhi_layer_use_always(device, fhi_layer_image_view_id(device, image->imageView));
    }
    device->down.GetDescriptorEXT(handle, info, size, out_descriptor);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(UpdateDescriptorSets, update_sets),
    FHI_LAYER_ENTRY(CmdPushDescriptorSetKHR, push_set),
    FHI_LAYER_ENTRY(GetDescriptorEXT, get_descriptor),
};

const fhi_layer_entries fhi_layer_descriptor_write_entries = FHI_LAYER_ENTRIES(list);
