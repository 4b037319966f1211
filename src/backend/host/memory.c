/* Memory of the simulated device. Each one is a range of address space that the system is asked for
 * at once, and gives pages for when they are written: 8 GiB cost nothing until they are used, and a
 * simulated card can have more than the machine. So the limits are kept by counting.
 *
 * Rejected: one large range per heap with a block in it (addresses of freed memory would be reused
 * at once; like this a late access mostly faults). */

/* MAP_ANONYMOUS for -std=c11; the reserved name is glibc's. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "backend/host/memory.h"

#include "backend/host/host.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif

/* ---- address space ---- */

static uint8_t *reserve(uint64_t size)
{
    if (size > SIZE_MAX) {
        return NULL;
    }
#if defined(_WIN32)
    return VirtualAlloc(NULL, (SIZE_T)size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
#else
#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif
    void *range = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range != MAP_FAILED ? range : NULL;
#endif
}

static void give_back(uint8_t *range, uint64_t size)
{
#if defined(_WIN32)
    (void)size;
    VirtualFree(range, 0, MEM_RELEASE);
#else
    munmap(range, (size_t)size);
#endif
}

/* ---- limits ---- */

static fh_result charge_heap(fh_backend_device *device, uint32_t heap, uint64_t size)
{
    uint64_t all = device->profile.heaps[heap].size;
    uint64_t used = atomic_load_explicit(&device->heap_used[heap], memory_order_relaxed);

    do {
        if (size > all - used) {
            return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                                 "heap {} of the simulated device: {} bytes asked for, {} left",
                                 heap, size, all - used);
        }
    } while (!atomic_compare_exchange_weak_explicit(&device->heap_used[heap], &used, used + size,
                                                    memory_order_relaxed, memory_order_relaxed));
    return FH_OK;
}

static fh_result charge_count(fh_backend_device *device)
{
    uint32_t most = device->profile.allocation_count_max;
    uint32_t count = atomic_load_explicit(&device->memory_count, memory_order_relaxed);

    do {
        if (count >= most) {
            return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                                 "the simulated device has {} memories, which is its "
                                 "allocation_count_max",
                                 count, 0, 0);
        }
    } while (!atomic_compare_exchange_weak_explicit(&device->memory_count, &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return FH_OK;
}

static void discharge(fh_backend_device *device, const fhi_sim_memory *memory)
{
    _Atomic uint64_t *bytes =
        memory->imported ? &device->imported_bytes : &device->heap_used[memory->heap];
    atomic_fetch_sub_explicit(bytes, memory->size, memory_order_relaxed);
    atomic_fetch_sub_explicit(&device->memory_count, 1, memory_order_relaxed);
}

/* All or nothing. Memory that was imported takes nothing of its heap: it was there before. */
static fh_result charge(fh_backend_device *device, const fhi_sim_memory *memory)
{
    if (memory->size > device->profile.allocation_size_max) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                             "{} bytes in one memory, and allocation_size_max of the simulated "
                             "device is {}",
                             memory->size, device->profile.allocation_size_max, 0);
    }
    fh_result result = charge_count(device);
    if (result != FH_OK) {
        return result;
    }
    if (memory->imported) {
        atomic_fetch_add_explicit(&device->imported_bytes, memory->size, memory_order_relaxed);
        return FH_OK;
    }
    result = charge_heap(device, memory->heap, memory->size);
    if (result != FH_OK) {
        atomic_fetch_sub_explicit(&device->memory_count, 1, memory_order_relaxed);
    }
    return result;
}

/* ---- alloc and free ---- */

/* Fills in all of `memory` but its bytes. */
static void prepare(const fh_backend_device *device, const fh_memory_request *request,
                    fhi_sim_memory *memory)
{
    const fh_memory_type_info *type = &device->profile.types[request->type];

    FH_ASSERT(request->size > 0 && request->type < device->profile.type_count);
    memory->gpu = NULL;
    memory->cpu = NULL;
    memory->size = request->size;
    memory->heap = type->heap;
    memory->split =
        (type->flags & FH_MEMORY_HOST_VISIBLE) != 0 && (type->flags & FH_MEMORY_HOST_COHERENT) == 0;
    memory->imported = false;
    atomic_init(&memory->written_begin, UINT64_MAX);
    atomic_init(&memory->written_end, 0);
}

fh_result fhi_sim_memory_alloc(fh_backend_device *device, const fh_memory_request *request,
                               void *room)
{
    fhi_sim_memory *memory = room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_MEMORY_ALLOC, request->size);

    if (result != FH_OK) {
        return result;
    }
    if (device->profile.allocation_latency_ns > 0) {
        fhi_sleep_ns(device->profile.allocation_latency_ns);
    }
    prepare(device, request, memory);
    result = charge(device, memory);
    if (result != FH_OK) {
        return result;
    }
    memory->gpu = reserve(memory->size);
    if (!memory->gpu) {
        discharge(device, memory);
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                             "this machine has no address space for {} bytes of simulated memory",
                             memory->size, 0, 0);
    }
    return FH_OK;
}

/* The program sees imported memory by its own pointer at any time: it is never split. */
fh_result fhi_sim_memory_import(fh_backend_device *device, const fh_memory_request *request,
                                void *room)
{
    fhi_sim_memory *memory = room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_MEMORY_IMPORT, request->size);

    if (result != FH_OK) {
        return result;
    }
    prepare(device, request, memory);
    FH_ASSERT(request->host != NULL);
    FH_ASSERT((device->profile.types[request->type].flags & FH_MEMORY_HOST_VISIBLE) != 0);
    memory->imported = true;
    memory->split = false;
    memory->gpu = request->host;
    return charge(device, memory);
}

static void drop_shadow(fhi_sim_memory *memory)
{
    if (memory->split && memory->cpu) {
        give_back(memory->cpu, memory->size);
    }
    memory->cpu = NULL;
}

void fhi_sim_memory_free(fh_backend_device *device, void *room)
{
    fhi_sim_memory *memory = room;

    drop_shadow(memory);
    if (!memory->imported) {
        give_back(memory->gpu, memory->size);
    }
    discharge(device, memory);
    memory->gpu = NULL;
}

/* ---- what the CPU sees ---- */

void fhi_sim_memory_written(fhi_sim_memory *memory, const uint8_t *at, uint64_t size)
{
    if (!memory->split) {
        return;
    }
    uint64_t begin = (uint64_t)(at - memory->gpu);
    uint64_t known = atomic_load_explicit(&memory->written_begin, memory_order_relaxed);
    while (begin < known &&
           !atomic_compare_exchange_weak_explicit(&memory->written_begin, &known, begin,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    known = atomic_load_explicit(&memory->written_end, memory_order_relaxed);
    while (begin + size > known &&
           !atomic_compare_exchange_weak_explicit(&memory->written_end, &known, begin + size,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

fh_result fhi_sim_memory_map(fh_backend_device *device, void *room, void **out_pointer)
{
    fhi_sim_memory *memory = room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_MEMORY_MAP, 0);

    *out_pointer = NULL;
    if (result != FH_OK) {
        return result;
    }
    FH_ASSERT(!memory->cpu);
    memory->cpu = memory->split ? reserve(memory->size) : memory->gpu;
    if (!memory->cpu) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                             "this machine has no address space to map {} bytes of simulated "
                             "memory",
                             memory->size, 0, 0);
    }
    uint64_t begin = atomic_load_explicit(&memory->written_begin, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&memory->written_end, memory_order_relaxed);
    if (memory->split && begin < end) {
        /* Copies of other threads may be writing to other parts of it. */
        fhi_lock_acquire(&device->queues.lock);
        memcpy(memory->cpu + begin, memory->gpu + begin, (size_t)(end - begin));
        fhi_lock_release(&device->queues.lock);
    }
    *out_pointer = memory->cpu;
    return FH_OK;
}

void fhi_sim_memory_unmap(fh_backend_device *device, void *room)
{
    (void)device;
    drop_shadow(room);
}

static void check_piece(const fh_backend_device *device, const fhi_sim_memory *memory,
                        uint64_t offset, uint64_t size)
{
    (void)device;
    (void)memory;
    (void)offset;
    (void)size;
    FH_ASSERT(memory->cpu || memory->imported);
    FH_ASSERT(offset <= memory->size && size <= memory->size - offset);
    FH_ASSERT(offset % device->profile.atom == 0);
    FH_ASSERT(size % device->profile.atom == 0 || offset + size == memory->size);
}

fh_result fhi_sim_memory_flush(fh_backend_device *device, void *room, uint64_t offset,
                               uint64_t size)
{
    fhi_sim_memory *memory = room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_MEMORY_FLUSH, 0);

    if (result != FH_OK) {
        return result;
    }
    check_piece(device, memory, offset, size);
    if (memory->split) {
        memcpy(memory->gpu + offset, memory->cpu + offset, (size_t)size);
        fhi_sim_memory_written(memory, memory->gpu + offset, size);
    }
    return FH_OK;
}

fh_result fhi_sim_memory_invalidate(fh_backend_device *device, void *room, uint64_t offset,
                                    uint64_t size)
{
    fhi_sim_memory *memory = room;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_MEMORY_INVALIDATE, 0);

    if (result != FH_OK) {
        return result;
    }
    check_piece(device, memory, offset, size);
    if (memory->split) {
        memcpy(memory->cpu + offset, memory->gpu + offset, (size_t)size);
    }
    return FH_OK;
}
