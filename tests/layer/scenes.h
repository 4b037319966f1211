/* What vulkan_program does with a device, scene by scene. Each prints one line of its results,
 * which are the same at every run and on every driver. */

#ifndef FREEHOLD_TESTS_LAYER_SCENES_H
#define FREEHOLD_TESTS_LAYER_SCENES_H

#include "gpu.h"

void scene_memory(test_gpu *gpu);
void scene_alias(test_gpu *gpu);
void scene_transfer(test_gpu *gpu);
void scene_compute(test_gpu *gpu);
void scene_secondary(test_gpu *gpu);
void scene_render(test_gpu *gpu);
void scene_timeline(test_gpu *gpu);
void scene_address(test_gpu *gpu);
void scene_devices(test_gpu *first);
void scene_threads(test_gpu *gpu);
void scene_refused(test_gpu *gpu);
void scene_seen(test_gpu *gpu);
void scene_mistake(test_gpu *gpu); /* which the validation layer is to see */
void scene_leak(test_gpu *gpu);

#endif
