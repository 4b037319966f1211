/* What tells a program that the GPU is done: fences and timeline semaphores remember which submit
 * they stand for, so that a wait that succeeds can be recorded as a queue that has passed it.
 *
 * Nothing needs to be forgotten for this to be right: a fence or a semaphore that Vulkan lets a
 * program use again, or destroy, has seen the end of what it stood for. */

#ifndef FREEHOLD_LAYER_WAIT_H
#define FREEHOLD_LAYER_WAIT_H

#include "layer/device.h"

/* The fence will be signalled when `queue` has passed `value`. VK_NULL_HANDLE is left out. */
void fhi_layer_mark_fence(fhi_layer_device *device, VkFence handle, fhi_layer_queue *queue,
                          uint64_t value);

/* `semaphore` will have `point` when `queue` has passed `value`. One that is no timeline is left
 * out. */
void fhi_layer_mark_semaphore(fhi_layer_device *device, VkSemaphore semaphore, uint64_t point,
                              fhi_layer_queue *queue, uint64_t value);

#endif
