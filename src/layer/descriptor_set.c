/* Layouts, pools and sets, and the binding of sets. A set is one piece of memory: a header and an
 * id for each of its descriptors; sets hang on their pools, which belong to one thread at a
 * time. */

#include "layer/descriptor.h"

#include <stdlib.h>

struct fhi_descriptor_pool {
    fhi_descriptor_set *first;
};

static void release_layout(fhi_descriptor_layout *layout)
{
    if (atomic_fetch_sub(&layout->holders, 1) == 1) {
        free(layout);
    }
}

static bool names_resources(VkDescriptorType type)
{
    return type != VK_DESCRIPTOR_TYPE_SAMPLER && type != VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK;
}

static int compare_bindings(const void *a, const void *b)
{
    const fhi_descriptor_binding *left = a;
    const fhi_descriptor_binding *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static const VkDescriptorBindingFlags always_flags =
    VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT |
    VK_DESCRIPTOR_BINDING_UPDATE_UNUSED_WHILE_PENDING_BIT |
    VK_DESCRIPTOR_BINDING_PARTIALLY_BOUND_BIT | VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT;

/* NULL: no host memory. */
static fhi_descriptor_layout *new_layout(const VkDescriptorSetLayoutCreateInfo *info)
{
    fhi_descriptor_layout *layout =
        malloc(sizeof *layout + info->bindingCount * sizeof layout->bindings[0]);
    if (layout == NULL) {
        return NULL;
    }
    const VkDescriptorSetLayoutBindingFlagsCreateInfo *flags = fhi_layer_find_in_chain(
        info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);
    if (flags != NULL && flags->bindingCount == 0) {
        flags = NULL;
    }
    atomic_init(&layout->holders, 1);
    layout->binding_count = info->bindingCount;
    for (uint32_t i = 0; i < info->bindingCount; i++) {
        const VkDescriptorSetLayoutBinding *from = &info->pBindings[i];
        bool always = flags != NULL && (flags->pBindingFlags[i] & always_flags) != 0;
        layout->bindings[i] = (fhi_descriptor_binding){
            .number = from->binding,
            .count = always || !names_resources(from->descriptorType) ? 0 : from->descriptorCount,
            .always = always,
        };
    }
    qsort(layout->bindings, layout->binding_count, sizeof layout->bindings[0], compare_bindings);
    layout->slot_count = 0;
    for (uint32_t i = 0; i < layout->binding_count; i++) {
        layout->bindings[i].first = layout->slot_count;
        layout->slot_count += layout->bindings[i].count;
    }
    return layout;
}

const fhi_descriptor_binding *fhi_descriptor_layout_find(const fhi_descriptor_layout *layout,
                                                         uint32_t number)
{
    /* Most layouts number their bindings from 0 on. */
    if (number < layout->binding_count && layout->bindings[number].number == number) {
        return &layout->bindings[number];
    }
    fhi_descriptor_binding key = {.number = number};
    return bsearch(&key, layout->bindings, layout->binding_count, sizeof key, compare_bindings);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_layout(VkDevice handle,
                                                    const VkDescriptorSetLayoutCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDescriptorSetLayout *out_layout)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateDescriptorSetLayout(handle, info, allocator, out_layout);
    if (result != VK_SUCCESS || device->commands == NULL) {
        return result;
    }
    fhi_descriptor_layout *layout = new_layout(info);
    void *before = NULL;
    if (layout == NULL) {
        fhi_layer_uses_missing(device);
    } else if (!fhi_layer_keep(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT,
                               FHI_HANDLE(*out_layout), layout, &before)) {
        free(layout);
    }
    if (before != NULL) {
        release_layout(before);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_layout(VkDevice handle, VkDescriptorSetLayout layout,
                                                 const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_descriptor_layout *taken = fhi_handle_map_take(
        &device->objects, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, FHI_HANDLE(layout));
    if (taken != NULL) {
        release_layout(taken);
    }
    device->down.DestroyDescriptorSetLayout(handle, layout, allocator);
}

static fhi_descriptor_pool *pool_of(fhi_layer_device *device, VkDescriptorPool handle)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_POOL, FHI_HANDLE(handle));
}

static void free_set(fhi_descriptor_set *set)
{
    if (set->previous != NULL) {
        set->previous->next = set->next;
    } else {
        set->pool->first = set->next;
    }
    if (set->next != NULL) {
        set->next->previous = set->previous;
    }
    release_layout(set->layout);
    free(set);
}

static void keep_set(fhi_layer_device *device, fhi_descriptor_pool *pool,
                     fhi_descriptor_layout *layout, VkDescriptorSet handle)
{
    fhi_descriptor_set *set = calloc(1, sizeof *set + layout->slot_count * sizeof set->ids[0]);
    if (set == NULL) {
        fhi_layer_uses_missing(device);
        return;
    }
    set->serial = atomic_fetch_add(&device->commands->set_count, 1) + 1;
    set->handle = handle;
    set->layout = layout;
    set->pool = pool;
    void *before = NULL;
    if (!fhi_layer_keep(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, FHI_HANDLE(handle), set, &before)) {
        free(set);
        return;
    }
    atomic_fetch_add(&layout->holders, 1);
    set->next = pool->first;
    if (pool->first != NULL) {
        pool->first->previous = set;
    }
    pool->first = set;
    if (before != NULL) {
        free_set(before);
    }
}

static void forget_set(fhi_layer_device *device, VkDescriptorSet handle)
{
    fhi_descriptor_set *set =
        handle == VK_NULL_HANDLE
            ? NULL
            : fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_SET,
                                  FHI_HANDLE(handle));
    if (set != NULL) {
        free_set(set);
    }
}

static void forget_sets(fhi_layer_device *device, fhi_descriptor_pool *pool)
{
    while (pool->first != NULL) {
        forget_set(device, pool->first->handle);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pool(VkDevice handle,
                                                  const VkDescriptorPoolCreateInfo *info,
                                                  const VkAllocationCallbacks *allocator,
                                                  VkDescriptorPool *out_pool)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateDescriptorPool(handle, info, allocator, out_pool);
    if (result == VK_SUCCESS && device->commands != NULL) {
        fhi_descriptor_pool *pool = calloc(1, sizeof *pool);
        void *before;
        if (pool == NULL) {
            fhi_layer_uses_missing(device);
        } else if (!fhi_layer_keep(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, FHI_HANDLE(*out_pool),
                                   pool, &before)) {
            free(pool);
        }
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_pool(VkDevice handle, VkDescriptorPool pool,
                                               const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_descriptor_pool *taken =
        fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_POOL, FHI_HANDLE(pool));
    if (taken != NULL) {
        forget_sets(device, taken);
        free(taken);
    }
    device->down.DestroyDescriptorPool(handle, pool, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL reset_pool(VkDevice handle, VkDescriptorPool pool,
                                                 VkDescriptorPoolResetFlags flags)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_descriptor_pool *known = pool_of(device, pool);
    if (known != NULL) {
        forget_sets(device, known);
    }
    return device->down.ResetDescriptorPool(handle, pool, flags);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate_sets(VkDevice handle,
                                                    const VkDescriptorSetAllocateInfo *info,
                                                    VkDescriptorSet *out_sets)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.AllocateDescriptorSets(handle, info, out_sets);
    fhi_descriptor_pool *pool = pool_of(device, info->descriptorPool);
    if (result != VK_SUCCESS || pool == NULL) {
        return result;
    }
    for (uint32_t i = 0; i < info->descriptorSetCount; i++) {
        fhi_descriptor_layout *layout =
            fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT,
                               FHI_HANDLE(info->pSetLayouts[i]));
        if (layout != NULL) {
            keep_set(device, pool, layout, out_sets[i]);
        }
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL free_sets(VkDevice handle, VkDescriptorPool pool,
                                                uint32_t count, const VkDescriptorSet *sets)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    for (uint32_t i = 0; i < count; i++) {
        forget_set(device, sets[i]);
    }
    return device->down.FreeDescriptorSets(handle, pool, count, sets);
}

static VKAPI_ATTR void VKAPI_CALL bind_sets(VkCommandBuffer handle, VkPipelineBindPoint point,
                                            VkPipelineLayout layout, uint32_t first, uint32_t count,
                                            const VkDescriptorSet *sets, uint32_t offset_count,
                                            const uint32_t *offsets)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    for (uint32_t i = 0; use.buffer != NULL && i < count; i++) {
        const fhi_descriptor_set *set =
            sets[i] == VK_NULL_HANDLE ? NULL : fhi_layer_set_of(use.device, sets[i]);
        uint64_t *seen =
            set == NULL ? NULL : &use.buffer->sets[set->serial % FHI_COMMAND_BUFFER_SETS];
        if (set == NULL || *seen == set->serial) {
            continue;
        }
        *seen = set->serial;
        for (uint32_t j = 0; j < set->layout->slot_count; j++) {
            fhi_layer_use_id(use, set->ids[j]);
        }
    }
    use.device->down.CmdBindDescriptorSets(handle, point, layout, first, count, sets, offset_count,
                                           offsets);
}

static void free_pool(void *device, void *pool)
{
    forget_sets(device, pool);
    free(pool);
}

static void free_layout(void *context, void *layout)
{
    (void)context;
    release_layout(layout);
}

void fhi_layer_descriptors_close(fhi_layer_device *device)
{
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_POOL, free_pool, device);
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, free_layout, NULL);
    fhi_layer_templates_close(device);
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CreateDescriptorSetLayout, create_layout),
    FHI_LAYER_ENTRY(DestroyDescriptorSetLayout, destroy_layout),
    FHI_LAYER_ENTRY(CreateDescriptorPool, create_pool),
    FHI_LAYER_ENTRY(DestroyDescriptorPool, destroy_pool),
    FHI_LAYER_ENTRY(ResetDescriptorPool, reset_pool),
    FHI_LAYER_ENTRY(AllocateDescriptorSets, allocate_sets),
    FHI_LAYER_ENTRY(FreeDescriptorSets, free_sets),
    FHI_LAYER_ENTRY(CmdBindDescriptorSets, bind_sets),
};

const fhi_layer_entries fhi_layer_descriptor_set_entries = FHI_LAYER_ENTRIES(list);
