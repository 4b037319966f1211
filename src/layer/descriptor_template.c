/* Update templates: where in the program's memory the descriptors of a set lie, said once. */

#include "layer/descriptor.h"

#include <stdlib.h>

typedef struct fhi_descriptor_template {
    uint32_t count;
    VkDescriptorUpdateTemplateEntry entries[];
} fhi_descriptor_template;

static fhi_descriptor_source source_of(const VkDescriptorUpdateTemplateEntry *entry,
                                       const void *data)
{
    /* Of inline blocks the count is in bytes, and no descriptor lies there. */
    bool is_block = entry->descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK;
    return (fhi_descriptor_source){
        .type = entry->descriptorType,
        .binding = entry->dstBinding,
        .element = entry->dstArrayElement,
        .count = entry->descriptorCount,
        .first = is_block ? NULL : (const char *)data + entry->offset,
        .stride = entry->stride,
    };
}

static const fhi_descriptor_template *template_of(fhi_layer_device *device,
                                                  VkDescriptorUpdateTemplate handle)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE,
                              FHI_HANDLE(handle));
}

static void keep_template(fhi_layer_device *device, VkDescriptorUpdateTemplate handle,
                          const VkDescriptorUpdateTemplateCreateInfo *info)
{
    fhi_descriptor_template *template =
        malloc(sizeof *template + info->descriptorUpdateEntryCount * sizeof template->entries[0]);
    if (template == NULL) {
        fhi_layer_uses_missing(device);
        return;
    }
    template->count = info->descriptorUpdateEntryCount;
    for (uint32_t i = 0; i < template->count; i++) {
        template->entries[i] = info->pDescriptorUpdateEntries[i];
    }
    void *before = NULL;
    if (!fhi_layer_keep(device, VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE, FHI_HANDLE(handle),
                        template, &before)) {
        free(template);
    }
    free(before);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_template(VkDevice handle, const VkDescriptorUpdateTemplateCreateInfo *info,
                const VkAllocationCallbacks *allocator, VkDescriptorUpdateTemplate *out_template)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result =
        device->down.CreateDescriptorUpdateTemplate(handle, info, allocator, out_template);
    if (result == VK_SUCCESS && device->commands != NULL) {
        keep_template(device, *out_template, info);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_template(VkDevice handle,
                                                   VkDescriptorUpdateTemplate template,
                                                   const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    free(fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE,
                             FHI_HANDLE(template)));
    device->down.DestroyDescriptorUpdateTemplate(handle, template, allocator);
}

static VKAPI_ATTR void VKAPI_CALL update_set(VkDevice handle, VkDescriptorSet set,
                                             VkDescriptorUpdateTemplate template, const void *data)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    const fhi_descriptor_template *known = template_of(device, template);
    fhi_descriptor_set *target = fhi_layer_set_of(device, set);
    for (uint32_t i = 0; known != NULL && i < known->count; i++) {
        fhi_descriptor_source source = source_of(&known->entries[i], data);
        fhi_descriptors_write(device, target, &source);
    }
    device->down.UpdateDescriptorSetWithTemplate(handle, set, template, data);
}

static VKAPI_ATTR void VKAPI_CALL push_set(VkCommandBuffer handle,
                                           VkDescriptorUpdateTemplate template,
                                           VkPipelineLayout layout, uint32_t set, const void *data)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    const fhi_descriptor_template *known = template_of(use.device, template);
    for (uint32_t i = 0; known != NULL && i < known->count; i++) {
        fhi_descriptor_source source = source_of(&known->entries[i], data);
        fhi_descriptors_push(use, &source);
    }
    use.device->down.CmdPushDescriptorSetWithTemplateKHR(handle, template, layout, set, data);
}

static void free_template(void *context, void *template)
{
    (void)context;
    free(template);
}

void fhi_layer_templates_close(fhi_layer_device *device)
{
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE, free_template,
                         NULL);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CreateDescriptorUpdateTemplate, create_template),
    FHI_LAYER_ENTRY(CreateDescriptorUpdateTemplateKHR, create_template),
    FHI_LAYER_ENTRY(DestroyDescriptorUpdateTemplate, destroy_template),
    FHI_LAYER_ENTRY(DestroyDescriptorUpdateTemplateKHR, destroy_template),
    FHI_LAYER_ENTRY(UpdateDescriptorSetWithTemplate, update_set),
    FHI_LAYER_ENTRY(UpdateDescriptorSetWithTemplateKHR, update_set),
    FHI_LAYER_ENTRY(CmdPushDescriptorSetWithTemplateKHR, push_set),
};

const fhi_layer_entries fhi_layer_descriptor_template_entries = FHI_LAYER_ENTRIES(list);
