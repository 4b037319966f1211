#include "layer/wait.h"

#include "layer/tape.h"

#include <stdlib.h>

/* Under VK_OBJECT_TYPE_FENCE. */
typedef struct fence {
    fhi_layer_queue *queue;
    uint64_t value;
} fence;

/* What a timeline stands for, in the order in which it was said; the oldest gives way where there
 * are more: then the trace says less, and nothing wrong. Under VK_OBJECT_TYPE_SEMAPHORE. */
enum {
    MARKS_MAX = 32,
    IDLE_QUEUES_MAX = 64
};

typedef struct timeline_mark {
    uint64_t point;
    fhi_layer_queue *queue;
    uint64_t value;
} timeline_mark;

typedef struct timeline {
    fhi_latch latch; /* guards all below: any thread may submit, wait and ask */
    uint32_t count;
    timeline_mark marks[MARKS_MAX];
} timeline;

static void record_passed(fhi_layer_queue *queue, uint64_t value)
{
    uint64_t passed = atomic_load(&queue->passed);
    while (passed < value && !atomic_compare_exchange_weak(&queue->passed, &passed, value)) {
    }
    if (passed < value && fhi_tape_wants_work()) {
        fh_trace_event event = {.kind = FH_TRACE_PASSED};
        event.passed = (fh_trace_passed){.queue = queue->id, .value = value};
        fhi_tape_record(&event);
    }
}

/* ---- fences ---- */

void fhi_layer_mark_fence(fhi_layer_device *device, VkFence handle, fhi_layer_queue *queue,
                          uint64_t value)
{
    if (handle == VK_NULL_HANDLE) {
        return;
    }
    fence *known = fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_FENCE, FHI_HANDLE(handle));
    if (known != NULL) {
        *known = (fence){queue, value};
        return;
    }
    known = malloc(sizeof *known);
    if (known != NULL) {
        void *before;
        *known = (fence){queue, value};
        if (!fhi_handle_map_put(&device->objects, VK_OBJECT_TYPE_FENCE, FHI_HANDLE(handle), known,
                                &before)) {
            free(known);
        }
    }
}

static void note_fence(fhi_layer_device *device, VkFence handle)
{
    const fence *known =
        fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_FENCE, FHI_HANDLE(handle));
    if (known != NULL) {
        record_passed(known->queue, known->value);
    }
}

static VKAPI_ATTR void VKAPI_CALL destroy_fence(VkDevice handle, VkFence fence_handle,
                                                const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    free(fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_FENCE, FHI_HANDLE(fence_handle)));
    device->down.DestroyFence(handle, fence_handle, allocator);
}

/* Of several fences, one of which is enough, nobody says which it was. */
static VKAPI_ATTR VkResult VKAPI_CALL wait_for_fences(VkDevice handle, uint32_t count,
                                                      const VkFence *fences, VkBool32 wait_all,
                                                      uint64_t timeout)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.WaitForFences(handle, count, fences, wait_all, timeout);
    fhi_layer_note_result(device, result);
    for (uint32_t i = 0; result == VK_SUCCESS && (wait_all || count == 1) && i < count; i++) {
        note_fence(device, fences[i]);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_status(VkDevice handle, VkFence fence_handle)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.GetFenceStatus(handle, fence_handle);
    fhi_layer_note_result(device, result);
    if (result == VK_SUCCESS) {
        note_fence(device, fence_handle);
    }
    return result;
}

/* ---- timeline semaphores ---- */

static timeline *timeline_of(fhi_layer_device *device, VkSemaphore semaphore)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_SEMAPHORE, FHI_HANDLE(semaphore));
}

void fhi_layer_mark_semaphore(fhi_layer_device *device, VkSemaphore semaphore, uint64_t point,
                              fhi_layer_queue *queue, uint64_t value)
{
    timeline *known = timeline_of(device, semaphore);
    if (known == NULL) {
        return;
    }
    fhi_latch_acquire(&known->latch);
    if (known->count == MARKS_MAX) {
        for (uint32_t i = 1; i < MARKS_MAX; i++) {
            known->marks[i - 1] = known->marks[i];
        }
        known->count -= 1;
    }
    known->marks[known->count++] = (timeline_mark){point, queue, value};
    fhi_latch_release(&known->latch);
}

/* It has that point now, so all that stood for this one and those before is done. */
static void note_point(fhi_layer_device *device, VkSemaphore semaphore, uint64_t point)
{
    timeline *known = timeline_of(device, semaphore);
    if (known == NULL) {
        return;
    }
    timeline_mark done[MARKS_MAX];
    uint32_t done_count = 0;
    uint32_t kept_count = 0;
    fhi_latch_acquire(&known->latch);
    for (uint32_t i = 0; i < known->count; i++) {
        timeline_mark mark = known->marks[i];
        if (mark.point <= point) {
            done[done_count++] = mark;
        } else {
            known->marks[kept_count++] = mark;
        }
    }
    known->count = kept_count;
    fhi_latch_release(&known->latch);
    for (uint32_t i = 0; i < done_count; i++) {
        record_passed(done[i].queue, done[i].value);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice handle,
                                                       const VkSemaphoreCreateInfo *info,
                                                       const VkAllocationCallbacks *allocator,
                                                       VkSemaphore *out_semaphore)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.CreateSemaphore(handle, info, allocator, out_semaphore);
    const VkSemaphoreTypeCreateInfo *type =
        fhi_layer_find_in_chain(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    if (result == VK_SUCCESS && type && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE) {
        timeline *known = calloc(1, sizeof *known);
        void *before = NULL;
        if (known != NULL && !fhi_handle_map_put(&device->objects, VK_OBJECT_TYPE_SEMAPHORE,
                                                 FHI_HANDLE(*out_semaphore), known, &before)) {
            free(known);
        }
        free(before);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_semaphore(VkDevice handle, VkSemaphore semaphore,
                                                    const VkAllocationCallbacks *allocator)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    free(fhi_handle_map_take(&device->objects, VK_OBJECT_TYPE_SEMAPHORE, FHI_HANDLE(semaphore)));
    device->down.DestroySemaphore(handle, semaphore, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_semaphore_counter_value(VkDevice handle,
                                                                  VkSemaphore semaphore,
                                                                  uint64_t *out_point)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.GetSemaphoreCounterValue(handle, semaphore, out_point);
    fhi_layer_note_result(device, result);
    if (result == VK_SUCCESS) {
        note_point(device, semaphore, *out_point);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice handle,
                                                      const VkSemaphoreWaitInfo *info,
                                                      uint64_t timeout)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    VkResult result = device->down.WaitSemaphores(handle, info, timeout);
    fhi_layer_note_result(device, result);
    bool all = !(info->flags & VK_SEMAPHORE_WAIT_ANY_BIT) || info->semaphoreCount == 1;
    for (uint32_t i = 0; result == VK_SUCCESS && all && i < info->semaphoreCount; i++) {
        note_point(device, info->pSemaphores[i], info->pValues[i]);
    }
    return result;
}

/* ---- idle queues ---- */

static VKAPI_ATTR VkResult VKAPI_CALL queue_wait_idle(VkQueue handle)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_queue *queue = fhi_layer_queue_of(device, handle);
    uint64_t value = queue ? atomic_load(&queue->value) : 0;
    VkResult result = device->down.QueueWaitIdle(handle);
    fhi_layer_note_result(device, result);
    if (result == VK_SUCCESS && queue != NULL) {
        record_passed(queue, value);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL device_wait_idle(VkDevice handle)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_queue *queues = atomic_load(&device->queues);
    uint64_t values[IDLE_QUEUES_MAX];
    uint32_t count = 0;
    for (const fhi_layer_queue *queue = queues; queue != NULL && count < IDLE_QUEUES_MAX;
         queue = queue->next) {
        values[count++] = atomic_load(&queue->value);
    }
    VkResult result = device->down.DeviceWaitIdle(handle);
    fhi_layer_note_result(device, result);
    fhi_layer_queue *queue = queues;
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; i++, queue = queue->next) {
        record_passed(queue, values[i]);
    }
    return result;
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(CreateSemaphore, create_semaphore),
    FHI_LAYER_ENTRY(DestroyFence, destroy_fence),
    FHI_LAYER_ENTRY(DestroySemaphore, destroy_semaphore),
    FHI_LAYER_ENTRY(DeviceWaitIdle, device_wait_idle),
    FHI_LAYER_ENTRY(GetFenceStatus, get_fence_status),
    FHI_LAYER_ENTRY(GetSemaphoreCounterValue, get_semaphore_counter_value),
    FHI_LAYER_ENTRY(GetSemaphoreCounterValueKHR, get_semaphore_counter_value),
    FHI_LAYER_ENTRY(QueueWaitIdle, queue_wait_idle),
    FHI_LAYER_ENTRY(WaitForFences, wait_for_fences),
    FHI_LAYER_ENTRY(WaitSemaphores, wait_semaphores),
    FHI_LAYER_ENTRY(WaitSemaphoresKHR, wait_semaphores),
};
const fhi_layer_entries fhi_layer_wait_entries = FHI_LAYER_ENTRIES(entries);
