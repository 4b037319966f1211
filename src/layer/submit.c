/* Work that is given to queues, with the resources that it uses, and the frames that it makes.
 *
 * A submit is recorded before it goes down: as soon as it is below, another thread may see it done,
 * destroy what it used and reset its command buffers. One that the layer below then refuses stays
 * in the trace, with a remark. */

#include "layer/commands.h"
#include "layer/resource.h"
#include "layer/tape.h"
#include "layer/wait.h"

#include <stdio.h>

/* A list has its limit; what is beyond is said one by one. */
static void record_submit(fhi_layer_device *device, fhi_layer_queue *queue, uint64_t value,
                          uint64_t batches, uint64_t commands)
{
    fhi_id_set *living = &queue->living;
    fhi_id_set_clear(living);
    fhi_layer_living(device, &queue->uses, living);
    fh_trace_event event = {
        .kind = FH_TRACE_SUBMIT,
        .list = living->ids,
        .list_count = living->count < FH_TRACE_LIST_MAX ? living->count : FH_TRACE_LIST_MAX,
    };
    event.submit = (fh_trace_submit){
        .queue = queue->id,
        .value = value,
        .batches = batches,
        .commands = commands,
    };
    fhi_tape_record(&event);
    for (uint32_t i = FH_TRACE_LIST_MAX; i < living->count; i++) {
        fh_trace_event used = {.kind = FH_TRACE_USED};
        used.used = (fh_trace_used){
            .resource = living->ids[i],
            .queue = queue->id,
            .value = value,
        };
        fhi_tape_record(&used);
    }
}

/* After the call below. Frames of a device that cannot present end at submits of work. */
static void finish_submit(fhi_layer_device *device, VkResult result, uint64_t commands)
{
    fhi_layer_note_result(device, result);
    if (result != VK_SUCCESS) {
        char sentence[96];
        snprintf(sentence, sizeof sentence, "The submit before this was refused: VkResult %d.",
                 (int)result);
        fhi_tape_problem(sentence);
    } else if (!device->can_present && commands > 0) {
        fhi_tape_end_frame();
    }
}

/* ---- vkQueueSubmit ---- */

/* A semaphore is signalled when all that was submitted before it is done, too. */
static void mark_batch(fhi_layer_device *device, const VkSubmitInfo *batch, fhi_layer_queue *queue,
                       uint64_t value)
{
    const VkTimelineSemaphoreSubmitInfo *points =
        fhi_layer_find_in_chain(batch->pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
    uint32_t count = points ? points->signalSemaphoreValueCount : 0;
    for (uint32_t i = 0; i < batch->signalSemaphoreCount && i < count; i++) {
        fhi_layer_mark_semaphore(device, batch->pSignalSemaphores[i],
                                 points->pSignalSemaphoreValues[i], queue, value);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue handle, uint32_t count,
                                                   const VkSubmitInfo *batches, VkFence fence)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_queue *queue = fhi_layer_queue_of(device, handle);
    if (queue == NULL) {
        return device->down.QueueSubmit(handle, count, batches, fence);
    }
    uint64_t value = atomic_load(&queue->value) + (count > 0);
    uint64_t commands = 0;
    bool wants_work = fhi_tape_wants_work();
    fhi_id_set_clear(&queue->uses);
    for (uint32_t i = 0; i < count; i++) {
        commands += batches[i].commandBufferCount;
        if (wants_work && device->commands != NULL) {
            fhi_layer_submit_uses(device, batches[i].pCommandBuffers, batches[i].commandBufferCount,
                                  &queue->uses);
        }
        mark_batch(device, &batches[i], queue, value);
    }
    fhi_layer_mark_fence(device, fence, queue, value);
    atomic_store(&queue->value, value);
    if (wants_work && count > 0) {
        record_submit(device, queue, value, count, commands);
    }
    VkResult result = device->down.QueueSubmit(handle, count, batches, fence);
    finish_submit(device, result, commands);
    return result;
}

/* ---- vkQueueSubmit2 ---- */

/* Here a signal may wait for some stages alone, and then tells nothing about the others. */
static void mark_batch2(fhi_layer_device *device, const VkSubmitInfo2 *batch,
                        fhi_layer_queue *queue, uint64_t value)
{
    for (uint32_t i = 0; i < batch->signalSemaphoreInfoCount; i++) {
        const VkSemaphoreSubmitInfo *signal = &batch->pSignalSemaphoreInfos[i];
        if (signal->stageMask & VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT) {
            fhi_layer_mark_semaphore(device, signal->semaphore, signal->value, queue, value);
        }
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit2(VkQueue handle, uint32_t count,
                                                    const VkSubmitInfo2 *batches, VkFence fence)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_queue *queue = fhi_layer_queue_of(device, handle);
    if (queue == NULL) {
        return device->down.QueueSubmit2(handle, count, batches, fence);
    }
    uint64_t value = atomic_load(&queue->value) + (count > 0);
    uint64_t commands = 0;
    bool wants_work = fhi_tape_wants_work();
    fhi_id_set_clear(&queue->uses);
    for (uint32_t i = 0; i < count; i++) {
        commands += batches[i].commandBufferInfoCount;
        if (wants_work && device->commands != NULL) {
            fhi_layer_submit_uses2(device, batches[i].pCommandBufferInfos,
                                   batches[i].commandBufferInfoCount, &queue->uses);
        }
        mark_batch2(device, &batches[i], queue, value);
    }
    fhi_layer_mark_fence(device, fence, queue, value);
    atomic_store(&queue->value, value);
    if (wants_work && count > 0) {
        record_submit(device, queue, value, count, commands);
    }
    VkResult result = device->down.QueueSubmit2(handle, count, batches, fence);
    finish_submit(device, result, commands);
    return result;
}

/* ---- sparse memory ---- */

static void add_sparse(fhi_layer_device *device, const VkBindSparseInfo *batch, fhi_id_set *uses)
{
    for (uint32_t i = 0; i < batch->bufferBindCount; i++) {
        fhi_id_set_add(uses, fhi_layer_buffer_id(device, batch->pBufferBinds[i].buffer));
    }
    for (uint32_t i = 0; i < batch->imageOpaqueBindCount; i++) {
        fhi_id_set_add(uses, fhi_layer_image_id(device, batch->pImageOpaqueBinds[i].image));
    }
    for (uint32_t i = 0; i < batch->imageBindCount; i++) {
        fhi_id_set_add(uses, fhi_layer_image_id(device, batch->pImageBinds[i].image));
    }
}

/* Pages are not recorded, only whose they are. Its fence says nothing about work on the queue. */
static VKAPI_ATTR VkResult VKAPI_CALL queue_bind_sparse(VkQueue handle, uint32_t count,
                                                        const VkBindSparseInfo *batches,
                                                        VkFence fence)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    fhi_layer_queue *queue = fhi_layer_queue_of(device, handle);
    if (queue != NULL && count > 0) {
        uint64_t value = atomic_fetch_add(&queue->value, 1) + 1;
        fhi_id_set_clear(&queue->uses);
        for (uint32_t i = 0; i < count; i++) {
            add_sparse(device, &batches[i], &queue->uses);
        }
        if (fhi_tape_wants_work()) {
            record_submit(device, queue, value, count, 0);
        }
    }
    VkResult result = device->down.QueueBindSparse(handle, count, batches, fence);
    finish_submit(device, result, 0);
    return result;
}

/* ---- frames ---- */

static VKAPI_ATTR VkResult VKAPI_CALL queue_present(VkQueue handle, const VkPresentInfoKHR *info)
{
    fhi_layer_device *device = fhi_layer_device_of(handle);
    const fhi_layer_queue *queue = fhi_layer_queue_of(device, handle);
    fh_trace_event event = {.kind = FH_TRACE_FRAME};
    event.frame = (fh_trace_frame){
        .device = device->id,
        .queue = queue ? queue->id : 0,
        .number = atomic_fetch_add(&device->frame_count, 1) + 1,
    };
    fhi_tape_record(&event);
    VkResult result = device->down.QueuePresentKHR(handle, info);
    fhi_layer_note_result(device, result);
    fhi_tape_end_frame();
    return result;
}

static const fhi_layer_entry entries[] = {
    FHI_LAYER_ENTRY(QueueBindSparse, queue_bind_sparse),
    FHI_LAYER_ENTRY(QueuePresentKHR, queue_present),
    FHI_LAYER_ENTRY(QueueSubmit, queue_submit),
    FHI_LAYER_ENTRY(QueueSubmit2, queue_submit2),
    FHI_LAYER_ENTRY(QueueSubmit2KHR, queue_submit2),
};
const fhi_layer_entries fhi_layer_submit_entries = FHI_LAYER_ENTRIES(entries);
