#include "layer/command_buffer.h"

#include "layer/descriptor.h"
#include "layer/tape.h"
#include "layer/view.h"

#include <stdlib.h>
#include <string.h>

struct fhi_command_pool {
    fhi_command_buffer *first;
};

static fhi_command_pool *pool_of(fhi_layer_device *device, VkCommandPool handle)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_COMMAND_POOL, FHI_HANDLE(handle));
}

static void clear(fhi_command_buffer *buffer)
{
    fhi_id_set_clear(&buffer->uses);
    memset(buffer->sets, 0, sizeof buffer->sets);
}

static void add_to_pool(fhi_command_pool *pool, fhi_command_buffer *buffer)
{
    buffer->pool = pool;
    buffer->next = pool->first;
    if (pool->first != NULL) {
        pool->first->previous = buffer;
    }
    pool->first = buffer;
}

static void free_buffer(fhi_command_buffer *buffer)
{
    if (buffer->previous != NULL) {
        buffer->previous->next = buffer->next;
    } else {
        buffer->pool->first = buffer->next;
    }
    if (buffer->next != NULL) {
        buffer->next->previous = buffer->previous;
    }
    fhi_id_set_finish(&buffer->uses);
    free(buffer);
}

static void keep_buffer(fhi_layer_device *device, fhi_command_pool *pool, VkCommandBuffer handle)
{
    fhi_command_buffer *buffer = calloc(1, sizeof *buffer);
    if (buffer == NULL) {
        fhi_layer_uses_missing(device);
        return;
    }
    buffer->handle = handle;
    void *before = NULL;
    if (!fhi_layer_keep(device, VK_OBJECT_TYPE_COMMAND_BUFFER, FHI_HANDLE(handle), buffer,
                        &before)) {
        free(buffer);
        return;
    }
    add_to_pool(pool, buffer);
    if (before != NULL) {
        free_buffer(before);
    }
}

static void forget_buffer(fhi_layer_device *device, VkCommandBuffer handle)
{
    if (handle == NULL) {
        return;
    }
    fhi_command_buffer *buffer =
        fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_COMMAND_BUFFER, FHI_HANDLE(handle));
    if (buffer != NULL) {
        free_buffer(buffer);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_command_pool(VkDevice handle,
                                                          const VkCommandPoolCreateInfo *info,
                                                          const VkAllocationCallbacks *allocator,
                                                          VkCommandPool *out_pool)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateCommandPool(handle, info, allocator, out_pool);
    if (result == VK_SUCCESS && device->commands != NULL) {
        fhi_command_pool *pool = calloc(1, sizeof *pool);
        void *before;
        if (pool == NULL) {
            fhi_layer_uses_missing(device);
        } else if (!fhi_layer_keep(device, VK_OBJECT_TYPE_COMMAND_POOL, FHI_HANDLE(*out_pool), pool,
                                   &before)) {
            free(pool);
        }
    }
    return result;
}

static void forget_pool(fhi_layer_device *device, fhi_command_pool *pool)
{
    while (pool->first != NULL) {
        forget_buffer(device, pool->first->handle);
    }
    free(pool);
}

/* What goes is forgotten first, as in view.c. */
static VKAPI_ATTR void VKAPI_CALL destroy_command_pool(VkDevice handle, VkCommandPool pool,
                                                       const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_command_pool *taken =
        fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_COMMAND_POOL, FHI_HANDLE(pool));
    if (taken != NULL) {
        forget_pool(device, taken);
    }
    device->down.DestroyCommandPool(handle, pool, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL reset_command_pool(VkDevice handle, VkCommandPool pool,
                                                         VkCommandPoolResetFlags flags)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_command_pool *known = pool_of(device, pool);
    for (fhi_command_buffer *buffer = known ? known->first : NULL; buffer != NULL;
         buffer = buffer->next) {
        clear(buffer);
    }
    return device->down.ResetCommandPool(handle, pool, flags);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate_command_buffers(
    VkDevice handle, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *out_buffers)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.AllocateCommandBuffers(handle, info, out_buffers);
    fhi_command_pool *pool = pool_of(device, info->commandPool);
    for (uint32_t i = 0; result == VK_SUCCESS && pool != NULL && i < info->commandBufferCount;
         i++) {
        keep_buffer(device, pool, out_buffers[i]);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL free_command_buffers(VkDevice handle, VkCommandPool pool,
                                                       uint32_t count,
                                                       const VkCommandBuffer *buffers)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    for (uint32_t i = 0; i < count; i++) {
        forget_buffer(device, buffers[i]);
    }
    device->down.FreeCommandBuffers(handle, pool, count, buffers);
}

static VKAPI_ATTR VkResult VKAPI_CALL begin_command_buffer(VkCommandBuffer handle,
                                                           const VkCommandBufferBeginInfo *info)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    if (use.buffer != NULL) {
        clear(use.buffer);
    }
    return use.device->down.BeginCommandBuffer(handle, info);
}

static VKAPI_ATTR VkResult VKAPI_CALL reset_command_buffer(VkCommandBuffer handle,
                                                           VkCommandBufferResetFlags flags)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    if (use.buffer != NULL) {
        clear(use.buffer);
    }
    return use.device->down.ResetCommandBuffer(handle, flags);
}

static VKAPI_ATTR void VKAPI_CALL execute_commands(VkCommandBuffer handle, uint32_t count,
                                                   const VkCommandBuffer *buffers)
{
    fhi_layer_use use = fhi_layer_use_of(handle);
    for (uint32_t i = 0; use.buffer != NULL && i < count; i++) {
        /* Recorded to its end, or this would be no valid call: so its uses are complete. */
        const fhi_command_buffer *other = fhi_layer_command_buffer_of(use.device, buffers[i]);
        if (other != NULL) {
            fhi_id_set_add_all(&use.buffer->uses, &other->uses);
        }
    }
    use.device->down.CmdExecuteCommands(handle, count, buffers);
}

static void add_uses(fhi_layer_device *device, VkCommandBuffer handle, fhi_id_set *uses)
{
    const fhi_command_buffer *buffer = fhi_layer_command_buffer_of(device, handle);
    if (buffer != NULL) {
        fhi_id_set_add_all(uses, &buffer->uses);
    }
    if (uses->incomplete) {
        fhi_layer_uses_missing(device);
    }
}

void fhi_layer_submit_uses(fhi_layer_device *device, const VkCommandBuffer *buffers, size_t count,
                           fhi_id_set *uses)
{
    for (size_t i = 0; i < count; i++) {
        add_uses(device, buffers[i], uses);
    }
}

void fhi_layer_submit_uses2(fhi_layer_device *device, const VkCommandBufferSubmitInfo *buffers,
                            size_t count, fhi_id_set *uses)
{
    for (size_t i = 0; i < count; i++) {
        add_uses(device, buffers[i].commandBuffer, uses);
    }
}

void fhi_layer_use_always(fhi_layer_device *device, uint64_t id)
{
    struct fhi_layer_commands *commands = device->commands;
    if (commands == NULL || id == 0) {
        return;
    }
    fhi_latch_acquire(&commands->latch);
    uint32_t count = commands->always.count;
    fhi_id_set_insert(&commands->always, id);
    bool is_new = commands->always.count > count;
    fhi_latch_release(&commands->latch);
    if (is_new) {
        fh_trace_event event = {.kind = FH_TRACE_ALWAYS_USED, .always_used = {.resource = id}};
        fhi_tape_record(&event);
    }
}

bool fhi_layer_keep(fhi_layer_device *device, VkObjectType type, uint64_t handle, void *object,
                    void **out_before)
{
    *out_before = NULL;
    if (!fhi_handle_map_put(&device->objects, type, handle, object, out_before)) {
        fhi_layer_uses_missing(device);
        return false;
    }
    return true;
}

void fhi_layer_uses_missing(fhi_layer_device *device)
{
    if (!atomic_exchange(&device->commands->complained, true)) {
        fhi_tape_problem("Host memory ran out: what submits use is not complete from here on.");
    }
}

bool fhi_layer_commands_open(fhi_layer_device *device, const VkDeviceCreateInfo *info)
{
    (void)info;
    struct fhi_layer_commands *commands = calloc(1, sizeof *commands);
    if (commands == NULL) {
        return false;
    }
    fhi_latch_init(&commands->latch);
    atomic_init(&commands->set_count, 0);
    atomic_init(&commands->complained, false);
    device->commands = commands;
    return true;
}

static void free_pool(void *device, void *pool)
{
    forget_pool(device, pool);
}

void fhi_layer_commands_close(fhi_layer_device *device)
{
    if (device->commands == NULL) {
        return;
    }
    fhi_handle_map_drain(&device->objects, VK_OBJECT_TYPE_COMMAND_POOL, free_pool, device);
    fhi_layer_descriptors_close(device);
    fhi_layer_views_close(device);
    fhi_id_set_finish(&device->commands->always);
    free(device->commands);
    device->commands = NULL;
}

static const fhi_layer_entry list[] = {
    FHI_LAYER_ENTRY(CreateCommandPool, create_command_pool),
    FHI_LAYER_ENTRY(DestroyCommandPool, destroy_command_pool),
    FHI_LAYER_ENTRY(ResetCommandPool, reset_command_pool),
    FHI_LAYER_ENTRY(AllocateCommandBuffers, allocate_command_buffers),
    FHI_LAYER_ENTRY(FreeCommandBuffers, free_command_buffers),
    FHI_LAYER_ENTRY(BeginCommandBuffer, begin_command_buffer),
    FHI_LAYER_ENTRY(ResetCommandBuffer, reset_command_buffer),
    FHI_LAYER_ENTRY(CmdExecuteCommands, execute_commands),
};

const fhi_layer_entries fhi_layer_command_buffer_entries = FHI_LAYER_ENTRIES(list);
