#include "replay/backend.h"

#include "base/error.h"

#include <stdalign.h>
#include <string.h>

enum {
    ROOM = 256 /* bytes that a backend can be lent at most */
};

/* What is lent for each memory. The inner backend's own follows. */
typedef struct lent {
    alignas(16) uint64_t size;
    uint32_t heap, type;
    uint32_t number; /* the listener's */
    bool made;       /* by the inner backend, too */
} lent;

/* What floor 4 calls the backend's device is the replay's struct. */
static fhi_backend *backend_of(fh_backend_device *device)
{
    return (void *)device;
}

static void *inner_room(lent *memory)
{
    return memory + 1;
}

/* ---- life ---- */

static fh_result list(const void *config, uint32_t first, uint32_t capacity,
                      fh_adapter_info *out_infos, uint32_t *out_count)
{
    const fhi_backend *backend = config;
    return backend->inner->adapters(backend->inner_config, first, capacity, out_infos, out_count);
}

/* Types without any of these flags. */
static uint32_t types_without(const fh_adapter_info *info, fh_memory_flags flags)
{
    uint32_t types = 0;
    for (uint32_t i = 0; i < info->type_count; i++) {
        types |= (info->types[i].flags & flags) != 0 ? 0 : UINT32_C(1) << i;
    }
    return types;
}

static fh_result open_device(const void *config, uint32_t adapter, const fh_host_memory *memory,
                             const fh_log *log, fh_backend_device **out_device,
                             fh_adapter_info *out_info)
{
    fhi_backend *backend = (void *)(uintptr_t)config; /* the replay's, which lent it */
    *out_device = NULL;
    fh_result result = backend->inner->open(backend->inner_config, adapter, memory, log,
                                            &backend->device, &backend->info);
    if (result != FH_OK) {
        *out_info = (fh_adapter_info){0};
        return result;
    }
    backend->usable_types = types_without(&backend->info, FH_MEMORY_PROTECTED);
    backend->ordinary_types =
        types_without(&backend->info, FH_MEMORY_PROTECTED | FH_MEMORY_LAZILY_ALLOCATED);
    backend->info.backend = "replay";
    backend->info.caps &= ~(uint32_t)(FH_CAP_IMPORT_HOST | FH_CAP_DELAYED);
    backend->info.caps |= FH_CAP_BUDGET;
    backend->info.queue_count = 1;
    *out_info = backend->info;
    *out_device = (void *)backend;
    return FH_OK;
}

static void close_device(fh_backend_device *device)
{
    fhi_backend *backend = backend_of(device);
    backend->inner->close(backend->device);
    backend->device = NULL;
}

/* ---- memory ---- */

static fh_result make_inner(fhi_backend *backend, lent *memory, const fh_memory_request *request)
{
    fh_memory_request own = *request;
    own.object = NULL; /* which the inner backend does not know */
    fh_result result = backend->inner->memory_alloc(backend->device, &own, inner_room(memory));
    if (result == FH_OK) {
        memory->made = true;
        backend->inner_used[memory->heap] += memory->size;
    }
    return result;
}

/* What a driver would refuse. */
static fh_result check_limits(const fhi_backend *backend, uint32_t heap, uint64_t size)
{
    uint64_t left = backend->info.heaps[heap].size - backend->used[heap];
    if (size > left) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY, "heap {}: {} bytes asked for, {} left", heap,
                             size, left);
    }
    if (backend->memory_count >= backend->info.allocation_count_max) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY, "{} memories, which are the most",
                             backend->memory_count, 0, 0);
    }
    return FH_OK;
}

static fh_result memory_alloc(fh_backend_device *device, const fh_memory_request *request,
                              void *room)
{
    fhi_backend *backend = backend_of(device);
    lent *memory = room;
    memory->size = request->size;
    memory->type = request->type;
    memory->heap = backend->info.types[request->type].heap;
    fh_result result = backend->counts_only ? check_limits(backend, memory->heap, request->size)
                                            : make_inner(backend, memory, request);
    if (result != FH_OK) {
        return result;
    }
    backend->used[memory->heap] += memory->size;
    backend->memory_count++;
    memory->number = backend->listener.alloc(backend->listener.context, memory->heap, memory->type,
                                             memory->size, request->object != NULL);
    return FH_OK;
}

static void memory_free(fh_backend_device *device, void *room)
{
    fhi_backend *backend = backend_of(device);
    lent *memory = room;
    if (memory->made) {
        backend->inner->memory_free(backend->device, inner_room(memory));
        backend->inner_used[memory->heap] -= memory->size;
    }
    backend->used[memory->heap] -= memory->size;
    backend->memory_count--;
    backend->listener.free(backend->listener.context, memory->heap, memory->size, memory->number);
}

static fh_result memory_map(fh_backend_device *device, void *room, void **out_pointer)
{
    fhi_backend *backend = backend_of(device);
    lent *memory = room;
    const fh_memory_request request = {
        .size = memory->size, .type = memory->type, .priority = 0.5F};
    *out_pointer = NULL;
    fh_result result = memory->made ? FH_OK : make_inner(backend, memory, &request);
    return result == FH_OK
               ? backend->inner->memory_map(backend->device, inner_room(memory), out_pointer)
               : result;
}

/* Mapped memory is made. */
static void memory_unmap(fh_backend_device *device, void *room)
{
    fhi_backend *backend = backend_of(device);
    backend->inner->memory_unmap(backend->device, inner_room(room));
}

static fh_result memory_flush(fh_backend_device *device, void *room, uint64_t offset, uint64_t size)
{
    fhi_backend *backend = backend_of(device);
    return backend->inner->memory_flush(backend->device, inner_room(room), offset, size);
}

static fh_result memory_invalidate(fh_backend_device *device, void *room, uint64_t offset,
                                   uint64_t size)
{
    fhi_backend *backend = backend_of(device);
    return backend->inner->memory_invalidate(backend->device, inner_room(room), offset, size);
}

/* ---- objects ---- */

/* What the card says, with the size and the alignment that were recorded; on the recorded card with
 * all that was. `out` comes filled in by the inner backend, or is zero: it was not asked. */
static void override(const fhi_backend *backend, const fhi_needs *needs, uint64_t size,
                     fh_requirements *out)
{
    if (out->type_mask == 0) {
        out->type_mask = needs->types & backend->usable_types;
        out->dedicated_preferred = needs->dedicated == 1;
        out->dedicated_required = needs->dedicated == 2;
    } else if (backend->recorded_card) {
        out->dedicated_preferred = out->dedicated_preferred || needs->dedicated == 1;
        out->dedicated_required = needs->dedicated == 2;
    }
    out->size = needs->size > size ? needs->size : size;
    out->alignment = needs->alignment;
}

/* Whether the recording says all that there is to say. */
static bool is_known(const fhi_backend *backend, const fhi_needs *needs)
{
    return needs && backend->recorded_card && (needs->types & backend->ordinary_types) != 0;
}

static fh_result buffer_create(fh_backend_device *device, const fh_buffer_desc *desc, uint64_t size,
                               void *object, fh_requirements *out_requirements)
{
    fhi_backend *backend = backend_of(device);
    const fhi_needs *needs = desc->native;
    alignas(16) unsigned char room[ROOM] = {0};
    (void)object;
    *out_requirements = (fh_requirements){0};
    if (!is_known(backend, needs)) {
        fh_buffer_desc own = *desc;
        own.native = NULL;
        fh_result result =
            backend->inner->buffer_create(backend->device, &own, size, room, out_requirements);
        if (result != FH_OK) {
            return result;
        }
        backend->inner->object_destroy(backend->device, room);
    }
    if (needs) {
        override(backend, needs, size, out_requirements);
    }
    return FH_OK;
}

static fh_result texture_create(fh_backend_device *device, const fh_texture_desc *desc,
                                void *object, fh_requirements *out_requirements)
{
    fhi_backend *backend = backend_of(device);
    const fhi_needs *needs = desc->native;
    alignas(16) unsigned char room[ROOM] = {0};
    (void)object;
    *out_requirements = (fh_requirements){0};
    if (!is_known(backend, needs)) {
        fh_texture_desc own = *desc;
        own.native = NULL;
        fh_result result =
            backend->inner->texture_create(backend->device, &own, room, out_requirements);
        if (result != FH_OK) {
            return result;
        }
        backend->inner->object_destroy(backend->device, room);
    }
    if (needs) {
        override(backend, needs, 0, out_requirements);
    }
    return FH_OK;
}

static fh_result bind(fh_backend_device *device, void *object, void *memory, uint64_t offset)
{
    (void)device;
    (void)object;
    (void)memory;
    (void)offset;
    return FH_OK;
}

static void object_destroy(fh_backend_device *device, void *object)
{
    (void)device;
    (void)object;
}

/* ---- budgets ---- */

/* The inner backend's, or 80 % of the heap, as without one that asks. */
static void ask_inner(fhi_backend *backend, uint64_t tick, fh_heap_budget *out_budgets)
{
    const fh_backend_ops *inner = backend->inner;
    memset(out_budgets, 0, sizeof *out_budgets * backend->info.heap_count);
    if (inner->budget && inner->budget(backend->device, tick, out_budgets) == FH_OK) {
        return;
    }
    for (uint32_t i = 0; i < backend->info.heap_count; i++) {
        out_budgets[i].budget = backend->info.heaps[i].size / 5 * 4;
        out_budgets[i].usage = backend->inner_used[i];
    }
}

static fh_result budget(fh_backend_device *device, uint64_t tick, fh_heap_budget *out_budgets)
{
    fhi_backend *backend = backend_of(device);
    ask_inner(backend, tick, out_budgets);
    for (uint32_t i = 0; i < backend->info.heap_count; i++) {
        const fhi_backend_budget *said = &backend->budgets[i];
        uint64_t of_inner = backend->inner_used[i];
        uint64_t usage = out_budgets[i].usage;
        uint64_t others = usage > of_inner ? usage - of_inner : 0;
        if (said->known) {
            out_budgets[i].budget = said->budget;
            others = said->others;
        }
        out_budgets[i].usage =
            others > UINT64_MAX - backend->used[i] ? UINT64_MAX : others + backend->used[i];
    }
    return FH_OK;
}

void fhi_backend_budgets(fhi_backend *backend, uint64_t tick, fh_heap_budget *out_budgets)
{
    budget((void *)backend, tick, out_budgets);
}

/* ---- queues: nothing is ever copied ---- */

static fh_result submit(fh_backend_device *device, uint32_t queue, const fh_backend_copy *copies,
                        uint32_t copy_count, const fh_epoch *waits, uint32_t wait_count,
                        uint64_t *out_value)
{
    (void)device;
    (void)queue;
    (void)copies;
    (void)copy_count;
    (void)waits;
    (void)wait_count;
    *out_value = 0;
    return fhi_fail(FH_ERR_UNSUPPORTED, "a replay copies nothing: what it plays has no content");
}

static fh_result progress(fh_backend_device *device, uint32_t queue, uint64_t *out_value)
{
    (void)device;
    (void)queue;
    *out_value = 0;
    return FH_OK;
}

static fh_result wait(fh_backend_device *device, uint32_t queue, uint64_t value,
                      uint64_t timeout_ns)
{
    (void)device;
    (void)queue;
    (void)timeout_ns;
    return value == 0 ? FH_OK : FH_ERR_TIMEOUT;
}

static uint64_t buffer_address(fh_backend_device *device, void *object)
{
    (void)device;
    (void)object;
    return 0;
}

fh_result fhi_backend_init(fhi_backend *backend)
{
    size_t memory_size = sizeof(lent) + backend->inner->memory_size;
    if (memory_size > ROOM || backend->inner->object_size > ROOM) {
        return fhi_fail_with(FH_ERR_UNSUPPORTED,
                             "the backend wants {} bytes for a memory, and {} are the most that a "
                             "replay can give it",
                             backend->inner->memory_size, ROOM - sizeof(lent), 0);
    }
    backend->counts_only = backend->inner == fh_backend_find(NULL);
    backend->ops = (fh_backend_ops){
        .name = "replay",
        .memory_size = memory_size,
        .object_size = 16,
        .adapters = list,
        .open = open_device,
        .close = close_device,
        .memory_alloc = memory_alloc,
        .memory_free = memory_free,
        .memory_map = memory_map,
        .memory_unmap = memory_unmap,
        .memory_flush = memory_flush,
        .memory_invalidate = memory_invalidate,
        .buffer_create = buffer_create,
        .texture_create = texture_create,
        .bind = bind,
        .object_destroy = object_destroy,
        .budget = budget,
        .submit = submit,
        .progress = progress,
        .wait = wait,
        .buffer_address = buffer_address,
    };
    return FH_OK;
}
