/* The instances and devices of this process, by their dispatch keys. A layer is handed a bare
 * handle with each call, and nothing of its own beside it: so what it knows must be found from a
 * static place. This is the layer's one registry, and with the tape its only state of that kind.
 *
 * It is asked at every command that a program records, by all its threads at once, and changes when
 * a device is made. Hence a list without locks for readers: programs have one device or two, and to
 * look at two words is cheaper than any hash. Slots are never freed, only used again: a reader that
 * comes by while one changes hands sees a key that is not its own, the old or the new. */

#include "layer/device.h"

#include "base/lock.h"

#include <stdlib.h>

typedef struct registered {
    struct registered *next; /* fixed from the moment it is in the list */
    const void *_Atomic key; /* NULL: free */
    void *_Atomic object;
} registered;

typedef struct registry {
    registered *_Atomic first;
    fhi_latch latch; /* guards changes */
} registry;

static registry instances, devices;

static const void *key_of(const void *dispatchable)
{
    return *(const void *const *)dispatchable;
}

static void *find(const registry *all, const void *dispatchable)
{
    const void *key = key_of(dispatchable);
    const registered *slot = atomic_load_explicit(&all->first, memory_order_acquire);
    while (slot != NULL && atomic_load_explicit(&slot->key, memory_order_acquire) != key) {
        slot = slot->next;
    }
    return slot ? atomic_load_explicit(&slot->object, memory_order_relaxed) : NULL;
}

static bool add(registry *all, const void *dispatchable, void *object)
{
    fhi_latch_acquire(&all->latch);
    registered *slot = atomic_load(&all->first);
    while (slot != NULL && atomic_load(&slot->key) != NULL) {
        slot = slot->next;
    }
    bool is_new = slot == NULL;
    if (is_new) {
        slot = calloc(1, sizeof *slot);
    }
    if (slot != NULL) {
        atomic_store(&slot->object, object);
        atomic_store_explicit(&slot->key, key_of(dispatchable), memory_order_release);
        if (is_new) {
            slot->next = atomic_load(&all->first);
            atomic_store_explicit(&all->first, slot, memory_order_release);
        }
    }
    fhi_latch_release(&all->latch);
    return slot != NULL;
}

static void remove_object(registry *all, const void *object)
{
    fhi_latch_acquire(&all->latch);
    for (registered *slot = atomic_load(&all->first); slot != NULL; slot = slot->next) {
        if (atomic_load(&slot->key) != NULL && atomic_load(&slot->object) == object) {
            atomic_store(&slot->key, NULL);
        }
    }
    fhi_latch_release(&all->latch);
}

fhi_layer_device *fhi_layer_device_of(const void *dispatchable)
{
    return find(&devices, dispatchable);
}

fhi_layer_instance *fhi_layer_instance_of(const void *dispatchable)
{
    return find(&instances, dispatchable);
}

bool fhi_layer_add_instance(fhi_layer_instance *instance)
{
    return add(&instances, instance->handle, instance);
}

bool fhi_layer_add_device(fhi_layer_device *device)
{
    return add(&devices, device->handle, device);
}

void fhi_layer_remove_instance(const fhi_layer_instance *instance)
{
    remove_object(&instances, instance);
}

void fhi_layer_remove_device(const fhi_layer_device *device)
{
    remove_object(&devices, device);
}

void fhi_layer_visit_devices(const fhi_layer_instance *instance, VkPhysicalDevice physical,
                             void (*visit)(void *context, fhi_layer_device *device), void *context)
{
    fhi_latch_acquire(&devices.latch);
    for (registered *slot = atomic_load(&devices.first); slot != NULL; slot = slot->next) {
        fhi_layer_device *device = atomic_load(&slot->object);
        if (atomic_load(&slot->key) != NULL && device->instance == instance &&
            device->physical == physical) {
            visit(context, device);
        }
    }
    fhi_latch_release(&devices.latch);
}
