/* Aliases: devices with an allocator in front. An alias is a handle of its own on the same core,
 * with a reference to the device under it, so handles may be destroyed in any order.
 *
 * An allocator may hold a lock of its own while it asks the device for memory. Relief in that
 * moment would call it, or an owner who releases its parcels, on the same stack. So what it asks
 * for is not relieved; if the device refuses, the refusal is noted (inside.h), and when the
 * allocator has returned it is relieved here, and the allocator is asked once more. */

#include "device/deed.h"

#include "device/core.h"
#include "device/inside.h"
#include "device/parcel.h"
#include "device/text.h"

#include <string.h>

/* What is to be made: one of the three. */
typedef struct wish {
    const fh_buffer_desc *buffer;
    const fh_texture_desc *texture;
    const fh_raw_desc *raw;
} wish;

/* ---- aliases ---- */

static void list(fhi_core *core, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lock_acquire(&deeds->lock);
    allocator->serial = ++deeds->serial;
    fhi_allocator **link = &deeds->first;
    while (*link) {
        link = &(*link)->next;
    }
    *link = allocator;
    fhi_lock_release(&deeds->lock);
}

static void unlist(fhi_core *core, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lock_acquire(&deeds->lock);
    fhi_allocator **link = &deeds->first;
    while (*link != allocator) {
        link = &(*link)->next;
    }
    *link = allocator->next;
    fhi_lock_release(&deeds->lock);
}

fh_result fh_device_with_allocator(fh_device *device, const fh_allocator_ops *ops, void *context,
                                   fh_device **out_alias)
{
    if (out_alias) {
        *out_alias = NULL;
    }
    if (!device || !ops || !out_alias) {
        return fhi_fail(FH_ERR_INVALID, "device, ops or out_alias is NULL");
    }
    if (!ops->name) {
        return fhi_fail(FH_ERR_INVALID, "ops: an allocator must have a name");
    }
    fhi_core *core = device->core;
    fh_device *alias = fhi_host_alloc(&core->memory, 1, sizeof *alias, 64);
    fhi_allocator *allocator = fhi_host_alloc(&core->memory, 1, sizeof *allocator, 64);
    if (!alias || !allocator) {
        fhi_host_free(&core->memory, alias, 1, sizeof *alias, 64);
        fhi_host_free(&core->memory, allocator, 1, sizeof *allocator, 64);
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for an alias");
    }
    memset(allocator, 0, sizeof *allocator);
    allocator->ops = *ops;
    allocator->context = context;
    allocator->base = device;
    atomic_init(&allocator->references, 1);
    memset(alias, 0, sizeof *alias);
    alias->core = core;
    alias->base = device;
    alias->allocator = allocator;
    atomic_init(&alias->references, 1);
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    list(core, allocator);
    *out_alias = alias;
    return FH_OK;
}

static void drain(fhi_core *core, const fhi_allocator *allocator)
{
    fhi_inside inside;
    if (allocator->ops.drain) {
        fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
        allocator->ops.drain(allocator->context, allocator->base);
        fhi_inside_end(core, &inside);
    }
}

void fhi_device_release(fh_device *device)
{
    while (device && atomic_fetch_sub(&device->references, 1) == 1) {
        fhi_core *core = device->core;
        if (device == &core->root) {
            fhi_core_destroy(core);
            return;
        }
        fh_device *base = device->base;
        unlist(core, device->allocator);
        drain(core, device->allocator);
        fhi_deeds_close(core, device->allocator);
        fhi_allocator_release(core, device->allocator);
        fhi_host_free(&core->memory, device, 1, sizeof *device, 64);
        device = base;
    }
}

const char *fh_device_allocator_name(const fh_device *device)
{
    if (!device) {
        return NULL;
    }
    return device->allocator ? device->allocator->ops.name : "default";
}

uint64_t fh_device_allocated_bytes(fh_device *device)
{
    if (!device) {
        return 0;
    }
    const fhi_allocator *allocator = device->allocator;
    if (allocator) {
        return allocator->ops.allocated_bytes ? allocator->ops.allocated_bytes(allocator->context)
                                              : fhi_deeds_reserved(device->core, allocator);
    }
    fhi_core *core = device->core;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
            sum += lane->kinds[kind].live;
        }
        fhi_latch_release(&lane->lock);
    }
    return sum;
}

uint64_t fh_device_budget(fh_device *device)
{
    if (!device) {
        return 0;
    }
    const fhi_allocator *allocator = device->allocator;
    if (allocator && allocator->ops.budget) {
        return allocator->ops.budget(allocator->context);
    }
    return atomic_load_explicit(&device->core->total.limit, memory_order_relaxed);
}

/* ---- all of them ---- */

/* The next one after `serial`, and its base, both referenced; NULL: no more. */
static fhi_allocator *next_allocator(fhi_core *core, uint64_t serial)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lock_acquire(&deeds->lock);
    fhi_allocator *allocator = deeds->first;
    while (allocator && allocator->serial <= serial) {
        allocator = allocator->next;
    }
    if (allocator) {
        fhi_allocator_acquire(allocator);
        atomic_fetch_add_explicit(&allocator->base->references, 1, memory_order_relaxed);
    }
    fhi_lock_release(&deeds->lock);
    return allocator;
}

/* Those that are there now: one whose alias is made meanwhile has nothing to give back. */
static bool for_all(fhi_core *core, void (*operation)(fhi_core *core, const fhi_allocator *))
{
    bool any = false;
    fhi_lock_acquire(&core->deeds.lock);
    uint64_t last = core->deeds.serial, serial = 0;
    fhi_lock_release(&core->deeds.lock);
    while (serial < last) {
        fhi_allocator *allocator = next_allocator(core, serial);
        if (!allocator) {
            break;
        }
        fh_device *base = allocator->base;
        serial = allocator->serial;
        any = any || allocator->ops.drain != NULL;
        operation(core, allocator);
        fhi_allocator_release(core, allocator);
        fhi_device_release(base);
    }
    return any;
}

static void reclaim(fhi_core *core, const fhi_allocator *allocator)
{
    fhi_inside inside;
    if (allocator->ops.reclaim) {
        fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
        allocator->ops.reclaim(allocator->context, allocator->base);
        fhi_inside_end(core, &inside);
    }
}

void fhi_allocators_reclaim(fhi_core *core)
{
    for_all(core, reclaim);
}

bool fhi_allocators_drain(fhi_core *core)
{
    return for_all(core, drain);
}

/* ---- making ---- */

static bool has_operation(const fh_allocator_ops *ops, const wish *w)
{
    if (w->buffer) {
        bool grows = w->buffer->capacity > w->buffer->size;
        return ops->alloc_buffer || (grows && ops->alloc_buffer_with_capacity);
    }
    return w->texture ? ops->alloc_texture != NULL : ops->alloc_raw != NULL;
}

static bool is_result(fh_result result)
{
    switch (result) {
#define KNOWN_RESULT(name, value, message) case FH_##name:
        FH_RESULTS(KNOWN_RESULT)
#undef KNOWN_RESULT
        return true;
    }
    return false;
}

static fh_result call(const fhi_allocator *allocator, const wish *w, fh_parcel *out_parcel)
{
    const fh_allocator_ops *ops = &allocator->ops;
    if (w->texture) {
        return ops->alloc_texture(allocator->context, allocator->base, w->texture, out_parcel);
    }
    if (w->raw) {
        return ops->alloc_raw(allocator->context, allocator->base, w->raw, out_parcel);
    }
    bool grows = w->buffer->capacity > w->buffer->size && ops->alloc_buffer_with_capacity;
    return grows ? ops->alloc_buffer_with_capacity(allocator->context, allocator->base, w->buffer,
                                                   out_parcel)
                 : ops->alloc_buffer(allocator->context, allocator->base, w->buffer, out_parcel);
}

/* A result is what Freehold's callers switch over, so it must be one that there is. */
static fh_result ask(const fhi_allocator *allocator, const wish *w, fh_parcel *out_parcel)
{
    fh_result result = call(allocator, w, out_parcel);
    if (!is_result(result)) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "the allocator \"%s\" returned %d, which is no result",
                              fhi_name_print(allocator->ops.name).text, (int)result);
    }
    return result;
}

static fh_result ask_base(const fhi_allocator *allocator, const wish *w, fh_parcel *out_parcel)
{
    if (w->buffer) {
        return fh_buffer_create(allocator->base, w->buffer, out_parcel);
    }
    return w->texture ? fh_texture_create(allocator->base, w->texture, out_parcel)
                      : fh_raw_create(allocator->base, w->raw, out_parcel);
}

/* What the wish is, as far as it is known before the allocator has made something of it. */
static fhi_request request_of(fhi_core *core, const wish *w)
{
    fhi_request request = {
        .buffer = w->buffer,
        .texture = w->texture,
        .raw = w->raw,
        .lane = fhi_lane_of_thread(core),
    };
    if (w->buffer) {
        request.kind = FH_KIND_BUFFER;
        request.memory = &w->buffer->memory;
        request.usage = w->buffer->usage;
        request.committed = w->buffer->size;
    } else if (w->texture) {
        request.kind = FH_KIND_TEXTURE;
        request.memory = &w->texture->memory;
        request.usage = w->texture->usage;
        request.committed = fh_texture_bytes(w->texture);
    } else {
        request.kind = FH_KIND_RAW;
        request.memory = &w->raw->memory;
        request.committed = w->raw->size;
    }
    request.priority = request.memory->priority;
    request.dedicated = request.memory->dedicated;
    request.within_budget = request.memory->within_budget;
    return request;
}

/* What was asked of the device for it, and refused. */
static void take_over(fhi_request *request, const fhi_request *refused)
{
    request->requirements = refused->requirements;
    request->type_mask = refused->type_mask;
    request->order = refused->order;
    request->had_pool = refused->had_pool;
    request->pool_heap = refused->pool_heap;
    request->no_spill = refused->no_spill;
    request->account = refused->account;
    request->asked = refused->asked;
    request->shortage = refused->shortage;
}

static fh_result attach(fhi_core *core, fhi_allocator *allocator, fh_parcel *parcel)
{
    fhi_record *record = fhi_pin(core, *parcel);
    if (!record) {
        *parcel = (fh_parcel){0};
        return fhi_fail_print(FH_ERR_INVALID, "the allocator \"%s\" gave no parcel that lives",
                              fhi_name_print(allocator->ops.name).text);
    }
    fh_result result = fhi_deed_attach(core, record, allocator);
    fhi_unpin(core, *parcel, record);
    if (result != FH_OK) {
        fh_parcel_release(&core->root, *parcel);
        *parcel = (fh_parcel){0};
    }
    return result;
}

/* FH_OK, or why the allocator, asked again as long as relief helps, made nothing. */
static fh_result make_by_allocator(fhi_core *core, const fhi_allocator *allocator, const wish *w,
                                   fh_parcel *out_parcel)
{
    fhi_request request = request_of(core, w);
    fhi_relief relief = {0};
    fhi_inside inside;

    for (;;) {
        fhi_inside_begin(core, &inside, FHI_INSIDE_ALLOCATOR);
        inside.spill = inside.spill || request.spilled;
        fh_result result = ask(allocator, w, out_parcel);
        fhi_inside_end(core, &inside);
        if (result == FH_OK) {
            if (relief.attempt > 0) {
                atomic_fetch_add_explicit(&core->relieved_count, 1, memory_order_relaxed);
            }
            return FH_OK;
        }
        *out_parcel = (fh_parcel){0};
        if (result != FH_ERR_BUDGET && result != FH_ERR_OUT_OF_MEMORY) {
            return result;
        }
        if (!inside.refused) { /* its own refusal, or the policy's */
            if (!fhi_inside_making(core)) {
                atomic_fetch_add_explicit(&core->refused_count, 1, memory_order_relaxed);
            }
            return result;
        }
        take_over(&request, &inside.request);
        const fhi_sentence sentence = fhi_sentence_keep();
        if (!fhi_relieve(core, &request, result, &relief)) {
            fhi_request_note_refusal(core, &request, result);
            return fhi_sentence_fail(result, &sentence);
        }
    }
}

static fh_result make(fh_device *alias, const wish *w, fh_parcel *out_parcel)
{
    fhi_allocator *allocator = alias->allocator;
    fh_result result = has_operation(&allocator->ops, w)
                           ? make_by_allocator(alias->core, allocator, w, out_parcel)
                           : ask_base(allocator, w, out_parcel);
    return result == FH_OK ? attach(alias->core, allocator, out_parcel) : result;
}

fh_result fhi_allocator_make_buffer(fh_device *alias, const fh_buffer_desc *desc,
                                    fh_parcel *out_buffer)
{
    return make(alias, &(wish){.buffer = desc}, out_buffer);
}

fh_result fhi_allocator_make_texture(fh_device *alias, const fh_texture_desc *desc,
                                     fh_parcel *out_texture)
{
    return make(alias, &(wish){.texture = desc}, out_texture);
}

fh_result fhi_allocator_make_raw(fh_device *alias, const fh_raw_desc *desc, fh_parcel *out_raw)
{
    return make(alias, &(wish){.raw = desc}, out_raw);
}
