/* Objects of the simulated device. Nothing is kept of an object but where it lies, so creating,
 * binding and destroying a buffer is a handful of stores: what a benchmark of this backend measures
 * is Freehold. */

#include "backend/host/object.h"

#include "backend/host/host.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/host.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Counts for fh_simulated_live(). Not on the way that succeeds. */
static fh_result unmade(fh_backend_device *device, fh_result result)
{
    fhi_sim_count(&device->counts, FHI_SIM_COUNT_UNMADE);
    return result;
}

static fh_result no_native(void)
{
    return fhi_fail(FH_ERR_UNSUPPORTED,
                    "native is set, and the host backend has no create infos of its own");
}

fh_result fhi_sim_buffer_create(fh_backend_device *device, const fh_buffer_desc *desc,
                                uint64_t size, void *room, fh_requirements *out_requirements)
{
    fhi_sim_object *object = room;
    const fh_profile *profile = &device->profile;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_BUFFER_CREATE, 0);

    if (FHI_UNLIKELY(result != FH_OK || desc->native)) {
        *out_requirements = (fh_requirements){0};
        return unmade(device, result != FH_OK ? result : no_native());
    }
    bool uniform = (desc->usage & (FH_USAGE_UNIFORM | FH_USAGE_TEXEL)) != 0;
    object->gpu = NULL;
    object->memory = NULL;
    object->size = size;
    object->shape = (fhi_texture_shape){0};
    atomic_init(&object->pending, 0);
    *out_requirements = (fh_requirements){
        .size = size,
        .alignment = uniform ? larger(profile->uniform_alignment, profile->buffer_alignment)
                             : profile->buffer_alignment,
        .type_mask = device->buffer_types,
    };
    return FH_OK;
}

fh_result fhi_sim_texture_create(fh_backend_device *device, const fh_texture_desc *desc, void *room,
                                 fh_requirements *out_requirements)
{
    fhi_sim_object *object = room;
    const fh_profile *profile = &device->profile;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_TEXTURE_CREATE, 0);
    uint64_t layer_bytes;
    uint64_t bytes;

    *out_requirements = (fh_requirements){0};
    if (result != FH_OK || desc->native) {
        return unmade(device, result != FH_OK ? result : no_native());
    }
    uint64_t alignment = profile->texture_alignment;
    if (desc->linear) {
        alignment = profile->buffer_alignment;
    } else if (desc->samples > 1) {
        alignment = profile->target_alignment;
    }
    object->gpu = NULL;
    object->memory = NULL;
    object->shape = fhi_texture_shape_of(desc);
    atomic_init(&object->pending, 0);
    bool fits = fhi_texture_measure(&object->shape, &layer_bytes, &bytes);
    FH_ASSERT(fits && bytes <= INT64_MAX);
    (void)fits;
    object->size = fhi_align_up(bytes, alignment);

    uint64_t dedicated_size = profile->dedicated_texture_size;
    *out_requirements = (fh_requirements){
        .size = object->size,
        .alignment = alignment,
        .type_mask = (desc->usage & FH_USAGE_TRANSIENT_TARGET) != 0 ? device->transient_types
                                                                    : device->texture_types,
        .dedicated_preferred = dedicated_size > 0 && object->size >= dedicated_size,
    };
    return FH_OK;
}

fh_result fhi_sim_bind(fh_backend_device *device, void *room, void *memory_room, uint64_t offset)
{
    fhi_sim_object *object = room;
    fhi_sim_memory *memory = memory_room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_BIND, 0);

    if (FHI_UNLIKELY(result != FH_OK)) {
        return result;
    }
    FH_ASSERT(!object->gpu);
    FH_ASSERT(offset <= memory->size && object->size <= memory->size - offset);
    object->gpu = memory->gpu + offset;
    object->memory = memory;
    return FH_OK;
}

void fhi_sim_object_destroy(fh_backend_device *device, void *room)
{
    fhi_sim_object *object = room;

    /* Who destroys what a queue still uses has a bug that a real device would answer with rubbish,
     * or ends a device whose copies nobody let happen. The copies are dropped. */
    if (FHI_UNLIKELY(atomic_load_explicit(&object->pending, memory_order_acquire) > 0)) {
        fhi_log(&device->log, FH_LOG_ERROR,
                "an object is destroyed that a queued copy names: the copy is dropped");
        fhi_sim_queues_forget(&device->queues, object);
    }
    fhi_sim_count(&device->counts, FHI_SIM_COUNT_DESTROYED);
}

uint64_t fhi_sim_buffer_address(fh_backend_device *device, void *room)
{
    const fhi_sim_object *object = room;

    (void)device;
    return (uint64_t)(uintptr_t)object->gpu;
}
