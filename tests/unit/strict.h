/* The host backend, with an eye on what backend.h promises to a backend: rooms that are zeroed and
 * stay where they are, offsets that are aligned and fit, memory that outlives what is bound to it,
 * flushes on the atom, nothing twice at once. What breaks a promise is written down, and the call
 * goes on. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_STRICT_H
#define FREEHOLD_TESTS_STRICT_H

#include "card_checks.h"

#define STRICT_ROOM 128 /* bytes of the host's own; what is ours stands behind */

typedef struct strict_memory {
    const void *self;
    uint64_t size, granularity;
    uint32_t type;
    _Atomic uint32_t bound;
    _Atomic uint32_t inside; /* calls under way: alloc, free, map, unmap */
    bool mapped;
} strict_memory;

typedef struct strict_object {
    const void *self; /* where it was bound; NULL before */
    strict_memory *memory;
    uint64_t size, alignment;
    uint32_t type_mask;
    bool preferred;
} strict_object;

/* What was seen; one device at a time. */
static struct {
    const fh_backend_ops *host;
    fh_backend_ops ops;
    fh_adapter_info info;
    _Atomic(const char *) broken; /* the last promise that was not kept */
    _Atomic uint64_t binds, objects, memories;
    bool keeps_last;        /* one thread makes memories, and wants to look at */
    fh_memory_request last; /* the last one */
} strict;

static inline void strict_broken(bool broken, const char *promise)
{
    if (broken) {
        atomic_store(&strict.broken, promise);
    }
}

static inline bool strict_is_zero(const void *room, size_t size)
{
    const unsigned char *bytes = room;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static inline strict_memory *strict_memory_of(void *room)
{
    return (strict_memory *)(void *)((unsigned char *)room + STRICT_ROOM);
}

static inline strict_object *strict_object_of(void *room)
{
    return (strict_object *)(void *)((unsigned char *)room + STRICT_ROOM);
}

static inline void strict_enter(strict_memory *memory, const void *room)
{
    strict_broken(memory->self != room, "a memory's room moved, or names no memory");
    strict_broken(atomic_fetch_add(&memory->inside, 1) != 0, "two calls at once for one memory");
}

static inline void strict_leave(strict_memory *memory)
{
    atomic_fetch_sub(&memory->inside, 1);
}

static fh_result strict_open(const void *config, uint32_t adapter, const fh_host_memory *memory,
                             const fh_log *log, fh_backend_device **out_device,
                             fh_adapter_info *out_info)
{
    fh_result result = strict.host->open(config, adapter, memory, log, out_device, out_info);
    strict.info = *out_info;
    return result;
}

static fh_result strict_alloc(fh_backend_device *device, const fh_memory_request *request,
                              void *room)
{
    strict_memory *memory = strict_memory_of(room);
    strict_broken((uintptr_t)room % 16 != 0, "a memory's room is not at a multiple of 16");
    strict_broken(!strict_is_zero(room, strict.ops.memory_size), "a memory's room is not zeroed");
    strict_broken(request->size == 0 || request->type >= strict.info.type_count,
                  "a memory of no size or type");
    strict_broken(request->size > strict.info.allocation_size_max, "a memory that is too large");
    strict_broken(!(request->priority >= 0.0F && request->priority <= 1.0F), "a wrong priority");
    strict_broken(request->host != NULL, "memory_alloc with host memory");
    if (strict.keeps_last) {
        strict.last = *request;
    }
    fh_result result = strict.host->memory_alloc(device, request, room);
    if (result == FH_OK) {
        *memory = (strict_memory){.self = room, .size = request->size, .type = request->type};
        atomic_fetch_add(&strict.memories, 1);
    }
    return result;
}

static void strict_free(fh_backend_device *device, void *room)
{
    strict_memory *memory = strict_memory_of(room);
    strict_enter(memory, room);
    strict_broken(atomic_load(&memory->bound) != 0, "memory is freed with objects bound to it");
    memory->self = NULL;
    strict.host->memory_free(device, room);
    atomic_fetch_sub(&strict.memories, 1);
}

static fh_result strict_map(fh_backend_device *device, void *room, void **out_pointer)
{
    strict_memory *memory = strict_memory_of(room);
    strict_enter(memory, room);
    strict_broken(memory->mapped, "memory is mapped twice");
    strict_broken((strict.info.types[memory->type].flags & FH_MEMORY_HOST_VISIBLE) == 0,
                  "memory is mapped that is not host-visible");
    fh_result result = strict.host->memory_map(device, room, out_pointer);
    memory->mapped = result == FH_OK;
    strict_leave(memory);
    return result;
}

static void strict_unmap(fh_backend_device *device, void *room)
{
    strict_memory *memory = strict_memory_of(room);
    strict_enter(memory, room);
    strict_broken(!memory->mapped, "memory is unmapped that is not mapped");
    memory->mapped = false;
    strict.host->memory_unmap(device, room);
    strict_leave(memory);
}

/* By several threads at once, perhaps. */
static inline void strict_check_sync(void *room, uint64_t offset, uint64_t size)
{
    const strict_memory *memory = strict_memory_of(room);
    strict_broken(memory->self != room, "a memory's room moved, or names no memory");
    fh_memory_flags flags = strict.info.types[memory->type].flags;
    strict_broken(!memory->mapped, "memory is flushed that is not mapped");
    strict_broken((flags & FH_MEMORY_HOST_COHERENT) != 0, "coherent memory is flushed");
    strict_broken(size == 0 || offset > memory->size || size > memory->size - offset,
                  "a flush reaches past its memory");
    strict_broken(offset % strict.info.atom != 0 ||
                      (size % strict.info.atom != 0 && offset + size != memory->size),
                  "a flush is not on the atom");
}

static fh_result strict_flush(fh_backend_device *device, void *room, uint64_t offset, uint64_t size)
{
    strict_check_sync(room, offset, size);
    return strict.host->memory_flush(device, room, offset, size);
}

static fh_result strict_invalidate(fh_backend_device *device, void *room, uint64_t offset,
                                   uint64_t size)
{
    strict_check_sync(room, offset, size);
    return strict.host->memory_invalidate(device, room, offset, size);
}

static inline fh_result strict_made(fh_result result, void *room, const fh_requirements *needs)
{
    if (result == FH_OK) {
        *strict_object_of(room) = (strict_object){
            .size = needs->size, .alignment = needs->alignment, .type_mask = needs->type_mask};
        atomic_fetch_add(&strict.objects, 1);
    }
    return result;
}

static fh_result strict_buffer(fh_backend_device *device, const fh_buffer_desc *desc, uint64_t size,
                               void *room, fh_requirements *out_requirements)
{
    strict_broken((uintptr_t)room % 16 != 0, "an object's room is not at a multiple of 16");
    strict_broken(!strict_is_zero(room, strict.ops.object_size), "an object's room is not zeroed");
    strict_broken(size < desc->size, "a buffer smaller than its description");
    return strict_made(strict.host->buffer_create(device, desc, size, room, out_requirements), room,
                       out_requirements);
}

static fh_result strict_texture(fh_backend_device *device, const fh_texture_desc *desc, void *room,
                                fh_requirements *out_requirements)
{
    strict_broken((uintptr_t)room % 16 != 0, "an object's room is not at a multiple of 16");
    strict_broken(!strict_is_zero(room, strict.ops.object_size), "an object's room is not zeroed");
    strict_broken(desc->height == 0 || desc->mips == 0 || desc->samples == 0 || desc->usage == 0,
                  "a texture's description is not resolved");
    return strict_made(strict.host->texture_create(device, desc, room, out_requirements), room,
                       out_requirements);
}

static fh_result strict_bind(fh_backend_device *device, void *room, void *memory_room,
                             uint64_t offset)
{
    strict_object *object = strict_object_of(room);
    strict_memory *memory = strict_memory_of(memory_room);
    strict_broken(memory->self != memory_room, "an object is bound to what is no memory");
    strict_broken(object->self != NULL, "an object is bound twice");
    strict_broken(object->alignment == 0 || offset % object->alignment != 0,
                  "an object is bound at a wrong alignment");
    strict_broken(offset > memory->size || object->size > memory->size - offset,
                  "an object is bound past its memory's end");
    strict_broken((object->type_mask >> memory->type & 1) == 0,
                  "an object is bound to a memory type that will not do");
    fh_result result = strict.host->bind(device, room, memory_room, offset);
    if (result == FH_OK) {
        object->self = room;
        object->memory = memory;
        atomic_fetch_add(&memory->bound, 1);
        atomic_fetch_add(&strict.binds, 1);
    }
    return result;
}

static void strict_destroy(fh_backend_device *device, void *room)
{
    strict_object *object = strict_object_of(room);
    strict_broken(object->alignment == 0, "an object is destroyed that was not made");
    strict_broken(object->self != NULL && object->self != room, "an object moved after its bind");
    if (object->self != NULL) {
        strict_broken(object->memory->self == NULL, "an object outlives its memory");
        atomic_fetch_sub(&object->memory->bound, 1);
    }
    object->alignment = 0;
    strict.host->object_destroy(device, room);
    atomic_fetch_sub(&strict.objects, 1);
}

static fh_result strict_submit(fh_backend_device *device, uint32_t queue,
                               const fh_backend_copy *copies, uint32_t copy_count,
                               const fh_epoch *waits, uint32_t wait_count, uint64_t *out_value)
{
    strict_broken(queue >= strict.info.queue_count, "a submission to no queue");
    for (uint32_t i = 0; i < copy_count; i++) {
        void *ends[2] = {copies[i].src, copies[i].dst};
        strict_broken((copies[i].kind == FH_COPY_FILL) != (copies[i].src == NULL),
                      "a copy's source is missing, or a fill has one");
        for (int e = 0; e < 2; e++) {
            strict_broken(ends[e] != NULL && strict_object_of(ends[e])->self != ends[e],
                          "a copy names an object that moved, or is not bound");
        }
    }
    for (uint32_t i = 0; i < wait_count; i++) {
        strict_broken(waits[i].queue >= strict.info.queue_count || waits[i].queue == queue,
                      "a submission waits for its own queue, or for none");
    }
    return strict.host->submit(device, queue, copies, copy_count, waits, wait_count, out_value);
}

/* The table to put into fh_device_desc.ops; forgets what was seen. */
static inline const fh_backend_ops *strict_ops(void)
{
    strict.host = fh_backend_find(NULL);
    strict.ops = *strict.host;
    strict.ops.name = "strict";
    strict.ops.memory_size = STRICT_ROOM + (sizeof(strict_memory) + 15) / 16 * 16;
    strict.ops.object_size = STRICT_ROOM + (sizeof(strict_object) + 15) / 16 * 16;
    strict.ops.open = strict_open;
    strict.ops.memory_alloc = strict_alloc;
    strict.ops.memory_free = strict_free;
    strict.ops.memory_map = strict_map;
    strict.ops.memory_unmap = strict_unmap;
    strict.ops.memory_flush = strict_flush;
    strict.ops.memory_invalidate = strict_invalidate;
    strict.ops.buffer_create = strict_buffer;
    strict.ops.texture_create = strict_texture;
    strict.ops.bind = strict_bind;
    strict.ops.object_destroy = strict_destroy;
    strict.ops.submit = strict_submit;
    atomic_store(&strict.broken, NULL);
    atomic_store(&strict.binds, 0);
    atomic_store(&strict.objects, 0);
    atomic_store(&strict.memories, 0);
    strict.keeps_last = false;
    return strict.host->memory_size <= STRICT_ROOM && strict.host->object_size <= STRICT_ROOM
               ? &strict.ops
               : NULL;
}

#define CHECK_KEPT() CHECK_NO_FAULT(atomic_load(&strict.broken))

#endif
