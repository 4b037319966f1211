/* A simulated device for the tests of it, and buffers that are bound. Only test_*.c files include
 * this. */

#ifndef FREEHOLD_TESTS_GPU_H
#define FREEHOLD_TESTS_GPU_H

#include "checks.h"

#include <freehold/simulated.h>

#include <string.h>

#define GPU_KIB(n) (UINT64_C(n) << 10)
#define GPU_MIB(n) (UINT64_C(n) << 20)
#define GPU_GIB(n) (UINT64_C(n) << 30)

typedef struct gpu {
    const fh_backend_ops *ops;
    fh_backend_device *device;
    fh_adapter_info info;
} gpu;

typedef struct gpu_memory {
    _Alignas(16) unsigned char room[256];
} gpu_memory;

/* An object, with a memory of its own that stays mapped. */
typedef struct gpu_buffer {
    _Alignas(16) unsigned char room[256];
    gpu_memory memory;
    fh_requirements needs;
    unsigned char *bytes; /* what the CPU sees */
} gpu_buffer;

/* One heap of 64 MiB, type 0 visible and coherent, and whatever is set besides. */
static inline fh_profile gpu_profile(void)
{
    return (fh_profile){
        .name = "test",
        .heap_count = 1,
        .heaps = {{GPU_MIB(64), true}},
        .type_count = 1,
        .types = {{0, FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT}},
    };
}

static inline gpu gpu_open(const fh_profile *profile)
{
    gpu g = {.ops = fh_backend_find("host")};
    fh_simulated_desc desc = {.profile = profile};
    assert_non_null(g.ops);
    CHECK_OK(g.ops->open(&desc, 0, NULL, NULL, &g.device, &g.info));
    assert_non_null(g.device);
    return g;
}

static inline void gpu_check_live(const gpu *g, uint64_t memories, uint64_t bytes, uint64_t objects)
{
    uint64_t live[3];
    fh_simulated_live(g->device, &live[0], &live[1], &live[2]);
    if (live[0] != memories || live[1] != bytes || live[2] != objects) {
        fail_msg("%llu memories of %llu bytes and %llu objects live", (unsigned long long)live[0],
                 (unsigned long long)live[1], (unsigned long long)live[2]);
    }
}

/* Nothing may live any more. */
static inline void gpu_close(gpu *g)
{
    gpu_check_live(g, 0, 0, 0);
    g->ops->close(g->device);
}

static inline fh_result gpu_alloc(gpu *g, gpu_memory *memory, uint64_t size, uint32_t type)
{
    fh_memory_request request = {.size = size, .type = type};
    *memory = (gpu_memory){0};
    return g->ops->memory_alloc(g->device, &request, memory->room);
}

/* Of memory type 0, which must be visible. */
static inline void gpu_buffer_create(gpu *g, gpu_buffer *buffer, uint64_t size)
{
    fh_buffer_desc desc = {.size = size, .usage = FH_USAGE_COPY};
    void *bytes;
    *buffer = (gpu_buffer){0};
    CHECK_OK(g->ops->buffer_create(g->device, &desc, size, buffer->room, &buffer->needs));
    CHECK_OK(gpu_alloc(g, &buffer->memory, buffer->needs.size, 0));
    CHECK_OK(g->ops->bind(g->device, buffer->room, buffer->memory.room, 0));
    CHECK_OK(g->ops->memory_map(g->device, buffer->memory.room, &bytes));
    buffer->bytes = bytes;
}

static inline void gpu_buffer_destroy(gpu *g, gpu_buffer *buffer)
{
    g->ops->object_destroy(g->device, buffer->room);
    g->ops->memory_free(g->device, buffer->memory.room); /* mapped memory, too */
}

static inline fh_backend_copy gpu_copy(gpu_buffer *from, gpu_buffer *to, uint64_t size)
{
    return (fh_backend_copy){
        .kind = FH_COPY_BUFFER, .src = from->room, .dst = to->room, .size = size};
}

static inline uint64_t gpu_submit(gpu *g, uint32_t queue, const fh_backend_copy *copy,
                                  const fh_epoch *wait)
{
    uint64_t value;
    CHECK_OK(g->ops->submit(g->device, queue, copy, copy ? 1 : 0, wait, wait ? 1 : 0, &value));
    return value;
}

static inline uint64_t gpu_progress(gpu *g, uint32_t queue)
{
    uint64_t value;
    CHECK_OK(g->ops->progress(g->device, queue, &value));
    return value;
}

#endif
