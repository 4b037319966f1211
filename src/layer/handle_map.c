/* Open addressing with linear probing in each stripe; at most half of the slots are taken. What is
 * taken out leaves no mark: those behind it in its chain move up (Knuth, TAOCP 3, 6.4, algorithm
 * R), because buffers and descriptors come and go for as long as a program runs, and marks would
 * pile up. A reader-writer lock was not worth it: it costs a look-up more than the look-up does,
 * and with 64 stripes two threads hardly meet. */

#include "layer/handle_map.h"

#include <stdlib.h>

enum {
    CAPACITY_MIN = 16
};

/* Handles are addresses or small numbers; their low bits, or their high ones, are all alike. */
static uint64_t hash(VkObjectType type, uint64_t handle)
{
    uint64_t x = handle ^ ((uint64_t)(uint32_t)type << 56);
    x ^= x >> 32;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 29;
    return x;
}

static fhi_handle_stripe *stripe_of(fhi_handle_map *map, uint64_t hash)
{
    return &map->stripes[hash % FHI_HANDLE_MAP_STRIPES];
}

/* Where a search begins; not by the bits that chose the stripe. */
static uint32_t home_of(const fhi_handle_stripe *stripe, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & (stripe->capacity - 1);
}

/* The slot of that key, or the free one in which it belongs. The stripe has slots. */
static fhi_handle_slot *find(const fhi_handle_stripe *stripe, VkObjectType type, uint64_t handle,
                             uint64_t hash)
{
    uint32_t i = home_of(stripe, hash);
    while (stripe->slots[i].object != NULL &&
           (stripe->slots[i].handle != handle || stripe->slots[i].type != (uint32_t)type)) {
        i = (i + 1) & (stripe->capacity - 1);
    }
    return &stripe->slots[i];
}

static bool grow(fhi_handle_stripe *stripe)
{
    fhi_handle_stripe larger = *stripe;
    larger.capacity = stripe->capacity == 0 ? CAPACITY_MIN : stripe->capacity * 2;
    larger.slots =
        larger.capacity > stripe->capacity ? calloc(larger.capacity, sizeof *larger.slots) : NULL;
    if (larger.slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < stripe->capacity; i++) {
        const fhi_handle_slot *slot = &stripe->slots[i];
        if (slot->object != NULL) {
            VkObjectType type = (VkObjectType)slot->type;
            *find(&larger, type, slot->handle, hash(type, slot->handle)) = *slot;
        }
    }
    free(stripe->slots);
    stripe->slots = larger.slots;
    stripe->capacity = larger.capacity;
    return true;
}

/* Frees a slot, and closes the gap: whatever a search would no longer find moves into it. */
static void remove_slot(fhi_handle_stripe *stripe, fhi_handle_slot *slot)
{
    uint32_t mask = stripe->capacity - 1;
    uint32_t gap = (uint32_t)(slot - stripe->slots);
    for (uint32_t i = (gap + 1) & mask; stripe->slots[i].object != NULL; i = (i + 1) & mask) {
        const fhi_handle_slot *other = &stripe->slots[i];
        uint32_t home = home_of(stripe, hash((VkObjectType)other->type, other->handle));
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            stripe->slots[gap] = *other;
            gap = i;
        }
    }
    stripe->slots[gap] = (fhi_handle_slot){0};
    stripe->count -= 1;
}

void fhi_handle_map_init(fhi_handle_map *map)
{
    *map = (fhi_handle_map){0};
    for (int i = 0; i < FHI_HANDLE_MAP_STRIPES; i++) {
        fhi_lock_init(&map->stripes[i].lock);
    }
}

void fhi_handle_map_finish(fhi_handle_map *map)
{
    for (int i = 0; i < FHI_HANDLE_MAP_STRIPES; i++) {
        free(map->stripes[i].slots);
        fhi_lock_finish(&map->stripes[i].lock);
    }
}

bool fhi_handle_map_put(fhi_handle_map *map, VkObjectType type, uint64_t handle, void *object,
                        void **out_before)
{
    uint64_t key = hash(type, handle);
    fhi_handle_stripe *stripe = stripe_of(map, key);
    *out_before = NULL;

    fhi_lock_acquire(&stripe->lock);
    bool fits = stripe->count < stripe->capacity / 2 || grow(stripe);
    if (fits) {
        fhi_handle_slot *slot = find(stripe, type, handle, key);
        *out_before = slot->object;
        stripe->count += slot->object == NULL;
        *slot = (fhi_handle_slot){.handle = handle, .type = (uint32_t)type, .object = object};
    }
    fhi_lock_release(&stripe->lock);
    return fits;
}

void *fhi_handle_map_get(fhi_handle_map *map, VkObjectType type, uint64_t handle)
{
    uint64_t key = hash(type, handle);
    fhi_handle_stripe *stripe = stripe_of(map, key);

    fhi_lock_acquire(&stripe->lock);
    void *object = stripe->capacity > 0 ? find(stripe, type, handle, key)->object : NULL;
    fhi_lock_release(&stripe->lock);
    return object;
}

void *fhi_handle_map_take(fhi_handle_map *map, VkObjectType type, uint64_t handle)
{
    uint64_t key = hash(type, handle);
    fhi_handle_stripe *stripe = stripe_of(map, key);
    void *object = NULL;

    fhi_lock_acquire(&stripe->lock);
    if (stripe->capacity > 0) {
        fhi_handle_slot *slot = find(stripe, type, handle, key);
        object = slot->object;
        if (object != NULL) {
            remove_slot(stripe, slot);
        }
    }
    fhi_lock_release(&stripe->lock);
    return object;
}

/* Takes out one object of that type; the search starts at slot *cursor of the stripe. */
static void *take_any(fhi_handle_stripe *stripe, VkObjectType type, uint32_t *cursor)
{
    void *object = NULL;
    fhi_lock_acquire(&stripe->lock);
    for (; *cursor < stripe->capacity && object == NULL; *cursor += object == NULL) {
        fhi_handle_slot *slot = &stripe->slots[*cursor];
        if (slot->object != NULL && slot->type == (uint32_t)type) {
            object = slot->object;
            remove_slot(stripe, slot); /* another may have moved here: look at it once more */
        }
    }
    fhi_lock_release(&stripe->lock);
    return object;
}

void fhi_handle_map_drain(fhi_handle_map *map, VkObjectType type,
                          void (*visit)(void *context, void *object), void *context)
{
    for (int i = 0; i < FHI_HANDLE_MAP_STRIPES; i++) {
        uint32_t cursor = 0;
        void *object;
        while ((object = take_any(&map->stripes[i], type, &cursor)) != NULL) {
            visit(context, object);
        }
    }
}
