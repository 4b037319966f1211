/* Which resources stand in a descriptor set: one id for each descriptor that can name one, written
 * when the program writes the descriptor, read when it binds the set. Binding is the right moment:
 * what is in a set that a command buffer has bound cannot change any more without making the
 * command buffer invalid.
 *
 * Except where the layout allows just that (update after bind, partially bound, a variable count):
 * a bindless table. What commands find there is the shader's business, so what is written to such a
 * binding counts as used whenever the GPU works, from then on, and its ids are not kept.
 *
 * Ids, not handles: a view may be destroyed, and its handle come back as another one's, while
 * descriptors that no shader reads still name it. */

#ifndef FREEHOLD_LAYER_DESCRIPTOR_H
#define FREEHOLD_LAYER_DESCRIPTOR_H

#include "layer/command_buffer.h"

typedef struct fhi_descriptor_binding {
    uint32_t number; /* as shaders name it */
    uint32_t first;  /* slot of its first descriptor */
    uint32_t count;  /* of slots; 0 = no descriptor of it names a resource, or `always` */
    bool always;
} fhi_descriptor_binding;

/* The program may destroy a layout while sets of it live. */
typedef struct fhi_descriptor_layout {
    _Atomic uint32_t holders; /* the map of handles, and sets */
    uint32_t slot_count;
    uint32_t binding_count;
    fhi_descriptor_binding bindings[]; /* by number */
} fhi_descriptor_layout;

typedef struct fhi_descriptor_pool fhi_descriptor_pool;

typedef struct fhi_descriptor_set {
    uint64_t serial; /* never used twice */
    VkDescriptorSet handle;
    fhi_descriptor_layout *layout;
    fhi_descriptor_pool *pool;
    struct fhi_descriptor_set *previous, *next; /* of the pool */
    uint64_t ids[];                             /* [layout->slot_count] 0 = none */
} fhi_descriptor_set;

static inline fhi_descriptor_set *fhi_layer_set_of(fhi_layer_device *device, VkDescriptorSet handle)
{
    return fhi_handle_map_get(&device->objects, VK_OBJECT_TYPE_DESCRIPTOR_SET, FHI_HANDLE(handle));
}

/* NULL: the layout has no such binding. */
const fhi_descriptor_binding *fhi_descriptor_layout_find(const fhi_descriptor_layout *layout,
                                                         uint32_t number);

/* Descriptors as they lie in the program's memory. */
typedef struct fhi_descriptor_source {
    VkDescriptorType type;
    uint32_t binding, element, count;
    const void *first; /* NULL: they name no resource */
    size_t stride;
} fhi_descriptor_source;

/* Into a set. NULL: not known. */
void fhi_descriptors_write(fhi_layer_device *device, fhi_descriptor_set *set,
                           const fhi_descriptor_source *source);

/* Straight into a command buffer. */
void fhi_descriptors_push(fhi_layer_use use, const fhi_descriptor_source *source);

/* Frees what the program left: pools, sets, layouts, templates. */
void fhi_layer_descriptors_close(fhi_layer_device *device);
void fhi_layer_templates_close(fhi_layer_device *device);

#endif
