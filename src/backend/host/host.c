/* The host backend: a simulated GPU. What is here: the table of operations, opening and closing,
 * the budget, and the calls of simulated.h. The rest is by noun: profile.c, memory.c, object.c,
 * queue.c with copy.c, fault.c, counts.c. */

#include "backend/host/host.h"

#include "backend/host/memory.h"
#include "backend/host/object.h"
#include "backend/host/profile.h"
#include "base/error.h"
#include "base/host.h"

#include <inttypes.h>
#include <string.h>

/* What opens as that adapter, resolved. With a profile of the caller's there is one adapter. */
static fh_result resolve_adapter(const void *config, uint32_t adapter, fh_profile *out_profile)
{
    const fh_simulated_desc *desc = config;
    const fh_profile *custom = desc ? desc->profile : NULL;
    const fh_profile *profile = custom && adapter == 0 ? custom : NULL;

    *out_profile = (fh_profile){0};
    if (!custom) {
        profile = fh_profile_at(adapter);
    }
    if (!profile) {
        return fhi_fail_with(FH_ERR_INVALID, "adapter: the host backend has no adapter {} here",
                             adapter, 0, 0);
    }
    return fhi_sim_profile_resolve(profile, out_profile);
}

static fh_result adapters(const void *config, uint32_t first, uint32_t capacity,
                          fh_adapter_info *out_infos, uint32_t *out_count)
{
    const fh_simulated_desc *desc = config;
    uint32_t count = 1;

    *out_count = 0;
    if (!desc || !desc->profile) {
        while (fh_profile_at(count)) {
            count++;
        }
    }
    for (uint32_t i = first; i < count && i - first < capacity; i++) {
        fh_profile profile;
        fh_result result = resolve_adapter(config, i, &profile);
        if (result != FH_OK) {
            return result;
        }
        fhi_sim_profile_describe(&profile, &out_infos[i - first]);
    }
    *out_count = count;
    return FH_OK;
}

/* Which memory types objects can be bound to. */
static void resolve_types(fh_backend_device *device)
{
    const fh_profile *profile = &device->profile;
    uint32_t ordinary = 0;
    uint32_t lazy = 0;

    for (uint32_t i = 0; i < profile->type_count; i++) {
        fh_memory_flags flags = profile->types[i].flags;
        if ((flags & FH_MEMORY_PROTECTED) != 0) {
            continue;
        }
        if ((flags & FH_MEMORY_LAZILY_ALLOCATED) != 0) {
            lazy |= UINT32_C(1) << i;
        } else {
            ordinary |= UINT32_C(1) << i;
        }
    }
    device->buffer_types = profile->buffer_types & ordinary;
    device->texture_types = profile->texture_types & ordinary;
    device->transient_types = profile->texture_types & (ordinary | lazy);
}

static fh_result open_device(const void *config, uint32_t adapter, const fh_host_memory *memory,
                             const fh_log *log, fh_backend_device **out_device,
                             fh_adapter_info *out_info)
{
    fh_profile profile;
    fh_host_memory lent;

    *out_device = NULL;
    *out_info = (fh_adapter_info){0};
    fh_result result = resolve_adapter(config, adapter, &profile);
    result = result == FH_OK ? fhi_host_memory_resolve(memory, &lent) : result;
    if (result != FH_OK) {
        return result;
    }
    fh_backend_device *device =
        fhi_host_alloc(&lent, 1, sizeof *device, _Alignof(fh_backend_device));
    if (!device) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a simulated device");
    }
    memset(device, 0, sizeof *device);
    device->memory = lent;
    if (log) {
        device->log = *log; /* resolved: silence is a log that does not write */
    }
    device->profile = profile;
    resolve_types(device);
    fhi_sim_faults_init(&device->faults, &device->memory);
    fhi_sim_queues_init(&device->queues, &device->memory, profile.queue_count, profile.manual,
                        profile.copy_latency_ns);
    fhi_sim_profile_describe(&profile, out_info);
    device->profile.name = NULL; /* the caller's */
    *out_device = device;
    return FH_OK;
}

static void close_device(fh_backend_device *device)
{
    fh_host_memory memory = device->memory;
    uint64_t memories;
    uint64_t bytes;
    uint64_t objects;

    fh_simulated_live(device, &memories, &bytes, &objects);
    if (memories > 0 || objects > 0) {
        fhi_log(&device->log, FH_LOG_WARNING,
                "simulated device closed with %" PRIu64 " memories of %" PRIu64
                " bytes and %" PRIu64 " objects still alive",
                memories, bytes, objects);
    }
    fhi_sim_queues_finish(&device->queues);
    fhi_sim_faults_finish(&device->faults);
    fhi_host_free(&memory, device, 1, sizeof *device, _Alignof(fh_backend_device));
}

fh_result fhi_sim_enter_trouble(fh_backend_device *device, fh_backend_call call, uint64_t bytes)
{
    bool lost;
    fh_result result = fhi_sim_faults_meet(&device->faults, call, bytes, &lost);

    if (lost) {
        fhi_sim_queues_lose(&device->queues);
    }
    return result;
}

static fh_result budget(fh_backend_device *device, uint64_t tick, fh_heap_budget *out_budgets)
{
    uint32_t heap_count = device->profile.heap_count;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_BUDGET, 0);

    memset(out_budgets, 0, heap_count * sizeof *out_budgets);
    if (result != FH_OK) {
        return result;
    }
    for (uint32_t i = 0; i < heap_count; i++) {
        uint64_t used = atomic_load_explicit(&device->heap_used[i], memory_order_relaxed);
        out_budgets[i].budget = device->profile.os_budget[i];
        out_budgets[i].usage = used + device->profile.os_unaccounted[i];
    }
    fhi_sim_faults_budgets(&device->faults, tick, heap_count, out_budgets);
    return FH_OK;
}

const fh_backend_ops fhi_host_backend = {
    .name = "host",
    .memory_size = sizeof(fhi_sim_memory),
    .object_size = sizeof(fhi_sim_object),
    .adapters = adapters,
    .open = open_device,
    .close = close_device,
    .memory_alloc = fhi_sim_memory_alloc,
    .memory_free = fhi_sim_memory_free,
    .memory_map = fhi_sim_memory_map,
    .memory_unmap = fhi_sim_memory_unmap,
    .memory_flush = fhi_sim_memory_flush,
    .memory_invalidate = fhi_sim_memory_invalidate,
    .buffer_create = fhi_sim_buffer_create,
    .texture_create = fhi_sim_texture_create,
    .bind = fhi_sim_bind,
    .object_destroy = fhi_sim_object_destroy,
    .budget = budget,
    .submit = fhi_sim_submit,
    .progress = fhi_sim_progress,
    .wait = fhi_sim_wait,
    .buffer_address = fhi_sim_buffer_address,
    .memory_import = fhi_sim_memory_import,
};

_Static_assert(sizeof(fhi_sim_memory) <= 256 && sizeof(fhi_sim_object) <= 64,
               "room that Freehold lends");

/* ---- public: simulated.h ---- */

static fh_result check_fault(const fh_backend_device *device, const fh_fault *fault)
{
    if ((uint32_t)fault->kind > FH_FAULT_LOSE) {
        return fhi_fail_with(FH_ERR_INVALID, "fault: there is no kind {}", (uint32_t)fault->kind, 0,
                             0);
    }
    if ((uint32_t)fault->call >= FH_BACKEND_CALL_COUNT) {
        return fhi_fail_with(FH_ERR_INVALID, "fault: there is no call {}", (uint32_t)fault->call, 0,
                             0);
    }
    if (fault->kind == FH_FAULT_BUDGET && fault->heap >= device->profile.heap_count) {
        return fhi_fail_with(FH_ERR_INVALID, "fault: heap {}, and the device has {}", fault->heap,
                             device->profile.heap_count, 0);
    }
    if (fault->kind == FH_FAULT_FAIL &&
        strcmp(fh_result_name(fault->result), "FH_ERR_UNKNOWN") == 0) {
        return fhi_fail(FH_ERR_INVALID, "fault: result is none of this library's");
    }
    return FH_OK;
}

fh_result fh_simulated_fault(fh_backend_device *device, const fh_fault *fault)
{
    if (!device || !fault) {
        return fhi_fail(FH_ERR_INVALID, "device, fault: both are required");
    }
    fh_result result = check_fault(device, fault);
    return result == FH_OK ? fhi_sim_faults_add(&device->faults, fault) : result;
}

void fh_simulated_clear(fh_backend_device *device)
{
    if (device) {
        fhi_sim_faults_clear(&device->faults);
    }
}

uint32_t fh_simulated_resume(fh_backend_device *device)
{
    return device ? fhi_sim_faults_resume(&device->faults) : 0;
}

uint64_t fh_simulated_calls(const fh_backend_device *device, fh_backend_call call)
{
    uint64_t sum = 0;

    if (!device || (uint32_t)call >= FH_BACKEND_CALL_COUNT) {
        return 0;
    }
    if (call != FH_BACKEND_CALL_ANY) {
        return fhi_sim_counted(&device->counts, call);
    }
    for (uint32_t i = FH_BACKEND_CALL_ANY + 1; i < FH_BACKEND_CALL_COUNT; i++) {
        sum += fhi_sim_counted(&device->counts, i);
    }
    return sum;
}

uint32_t fh_simulated_advance(fh_backend_device *device, uint32_t queue, uint32_t count)
{
    if (!device || queue >= device->queues.count) {
        return 0;
    }
    return fhi_sim_queues_advance(&device->queues, queue, count);
}

void fh_simulated_live(const fh_backend_device *device, uint64_t *out_memories, uint64_t *out_bytes,
                       uint64_t *out_objects)
{
    *out_memories = 0;
    *out_bytes = 0;
    *out_objects = 0;
    if (!device) {
        return;
    }
    *out_memories = atomic_load_explicit(&device->memory_count, memory_order_relaxed);
    *out_bytes = atomic_load_explicit(&device->imported_bytes, memory_order_relaxed);
    for (uint32_t i = 0; i < device->profile.heap_count; i++) {
        *out_bytes += atomic_load_explicit(&device->heap_used[i], memory_order_relaxed);
    }
    /* In this order a destroy that comes in between does not make it negative. */
    uint64_t gone = fhi_sim_counted(&device->counts, FHI_SIM_COUNT_UNMADE) +
                    fhi_sim_counted(&device->counts, FHI_SIM_COUNT_DESTROYED);
    *out_objects = fhi_sim_counted(&device->counts, FH_BACKEND_CALL_BUFFER_CREATE) +
                   fhi_sim_counted(&device->counts, FH_BACKEND_CALL_TEXTURE_CREATE) - gone;
}
