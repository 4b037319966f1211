/* From handles to what the layer knows of them. Handles without a dispatch table are numbers, and
 * the same number may be a buffer here and an image there: so the key is the kind of the object and
 * the handle, and every device has a map of its own.
 *
 * Asked for each command of each command buffer, from several threads: the map is cut into stripes
 * with a lock each, held for some twenty nanoseconds. What a look-up returns stays valid as Vulkan
 * has it: a program must not destroy an object on one thread while it uses it on another. */

#ifndef FREEHOLD_LAYER_HANDLE_MAP_H
#define FREEHOLD_LAYER_HANDLE_MAP_H

#include "base/lock.h"

#include <vulkan/vulkan.h>

#include <stdbool.h>
#include <stdint.h>

#define FHI_HANDLE_MAP_STRIPES 64

/* The number behind a handle: a pointer, or 64 bits, by the platform. */
#define FHI_HANDLE(handle) ((uint64_t)(handle))

typedef struct fhi_handle_slot {
    uint64_t handle;
    uint32_t type; /* VkObjectType */
    void *object;  /* NULL: the slot is free */
} fhi_handle_slot;

typedef struct fhi_handle_stripe {
    fhi_lock lock; /* guards all below */
    fhi_handle_slot *slots;
    uint32_t capacity; /* power of two, or 0 */
    uint32_t count;
} fhi_handle_stripe;

typedef struct fhi_handle_map {
    fhi_handle_stripe stripes[FHI_HANDLE_MAP_STRIPES];
} fhi_handle_map;

void fhi_handle_map_init(fhi_handle_map *map);
void fhi_handle_map_finish(fhi_handle_map *map); /* what it holds is not freed */

/* `object` is not NULL. What was there under this handle goes into *out_before (NULL: nothing was),
 * for the caller to free: a handle that comes a second time belongs to a new object. False, and the
 * map unchanged: no host memory. */
bool fhi_handle_map_put(fhi_handle_map *map, VkObjectType type, uint64_t handle, void *object,
                        void **out_before);

/* NULL: not known. */
void *fhi_handle_map_get(fhi_handle_map *map, VkObjectType type, uint64_t handle);

/* The same, and the map no longer has it. */
void *fhi_handle_map_take(fhi_handle_map *map, VkObjectType type, uint64_t handle);

/* Takes all objects of one type out, one by one, and gives them to `visit`, with no lock held. */
void fhi_handle_map_drain(fhi_handle_map *map, VkObjectType type,
                          void (*visit)(void *context, void *object), void *context);

#endif
