/* Why a request gets the memory that it gets, in words. The request is made up as
 * fh_buffer_create() and its siblings do it, with a backend object that is destroyed again, and
 * goes through the same decisions: the types' costs and the policy's verdict. It stops before
 * anything would be taken; what would come of it then is outlook.c's to find. The sentences
 * themselves are in explain_text.c. */

#include "device/explain.h"

#include "backend/texture.h"
#include "device/core.h"
#include "device/parcel.h"

#include <freehold/parcel.h>

#include <stdalign.h>
#include <string.h>

/* ---- the request ---- */

/* `object` has room for one; *out_texture for the resolved description. */
static fh_result make_buffer(fhi_core *core, const fh_buffer_desc *desc, void *object,
                             fhi_request *request)
{
    fh_result result = fhi_buffer_desc_check(desc);
    if (result == FH_OK) {
        result = fhi_memory_desc_check(core, &desc->memory);
    }
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    if (result != FH_OK) {
        return result;
    }
    request->kind = FH_KIND_BUFFER;
    request->buffer = desc;
    request->memory = &desc->memory;
    request->usage = desc->usage;
    request->committed = desc->size;
    request->capacity = desc->capacity == 0 ? desc->size : desc->capacity;
    request->sort = FHI_SORT_LINEAR;
    request->address = (desc->usage & FH_USAGE_DEVICE_ADDRESS) != 0;
    request->object = object;
    return fhi_backend_result(core, core->ops->buffer_create(core->backend, desc, request->capacity,
                                                             object, &request->requirements));
}

static fh_result make_texture(fhi_core *core, const fh_texture_desc *desc, void *object,
                              fh_texture_desc *out_resolved, fhi_request *request)
{
    fh_result result = fhi_texture_resolve(desc, out_resolved);
    if (result == FH_OK) {
        result = fhi_memory_desc_check(core, &out_resolved->memory);
    }
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    if (result != FH_OK) {
        return result;
    }
    request->kind = FH_KIND_TEXTURE;
    request->texture = out_resolved;
    request->memory = &out_resolved->memory;
    request->usage = out_resolved->usage;
    request->committed = request->capacity = fh_texture_bytes(out_resolved);
    request->sort = out_resolved->linear ? FHI_SORT_LINEAR : FHI_SORT_OPTIMAL;
    request->object = object;
    return fhi_backend_result(core, core->ops->texture_create(core->backend, out_resolved, object,
                                                              &request->requirements));
}

static fh_result make_raw(fhi_core *core, const fh_raw_desc *desc, fh_memory_desc *out_memory,
                          fhi_request *request)
{
    fh_result result = fhi_raw_desc_check(core, desc);
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    if (result != FH_OK) {
        return result;
    }
    request->kind = FH_KIND_RAW;
    request->raw = desc;
    request->memory = &desc->memory;
    request->committed = request->capacity = desc->size;
    request->sort = FHI_SORT_UNKNOWN;
    request->address = desc->address;
    request->import = desc->import;
    request->requirements = (fh_requirements){
        .size = desc->size,
        .alignment = desc->alignment == 0 ? 256 : desc->alignment,
        .type_mask = (uint32_t)((UINT64_C(1) << core->adapter.type_count) - 1),
    };
    if (desc->import) { /* host memory can only be memory that the host sees */
        *out_memory = desc->memory;
        out_memory->required |= FH_MEMORY_HOST_VISIBLE;
        request->memory = out_memory;
    }
    return FH_OK;
}

/* ---- what it would come from ---- */

/* What it would lie on. */
static fh_result look_at_backing(fh_device *device, fhi_explanation *e)
{
    const fh_memory_desc *memory = e->request.memory;
    fhi_backing backing;
    uint8_t type;

    fh_result result = fhi_parcel_lie_on(device->core, &e->request, &backing, &type);
    if (result == FH_OK) {
        result = fh_parcel_get(device, memory->backing, &e->backing);
        fh_parcel_release(device, memory->backing);
    }
    return result;
}

static bool policy_relieves(fhi_core *core)
{
    fhi_policy *policy = fhi_policy_enter(core);
    bool relieves = policy && policy->ops.relieve;
    if (policy) {
        fhi_policy_leave(core, policy);
    }
    return relieves;
}

static fh_result decide(fh_device *device, fhi_explanation *e)
{
    fhi_core *core = device->core;
    fhi_request *request = &e->request;
    fh_result result = fhi_request_decide(core, request);

    if (request->memory->backing.id != 0) {
        return result == FH_OK ? look_at_backing(device, e) : result;
    }
    if (core->margin != 0 && !request->import) {
        request->margin = true;
        request->requirements.size += core->margin;
    }
    if (result == FH_ERR_UNSUPPORTED) { /* that is what the table of types explains */
        request->order.count = 0;
        return FH_OK;
    }
    if (result != FH_OK) {
        return result;
    }
    result = fhi_policy_preview(core, request, e->policy, &e->decided, &e->verdict);
    if (result == FH_ERR_BUDGET) {
        e->denied = true;
        return FH_OK;
    }
    if (result == FH_OK) {
        e->relieves = policy_relieves(core);
        fhi_outlook_make(core, request, &e->outlook);
    }
    return result;
}

fh_result fh_device_explain(fh_device *device, const fh_buffer_desc *buffer,
                            const fh_texture_desc *texture, const struct fh_raw_desc *raw,
                            fh_write_fn write, void *context)
{
    alignas(16) unsigned char object[FHI_OBJECT_MAX];
    fhi_explanation e;
    fh_texture_desc resolved;
    fh_memory_desc memory;
    fh_result result;

    if (!device || !write) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "write: must not be NULL" : "device: must not be NULL");
    }
    if ((buffer != NULL) + (texture != NULL) + (raw != NULL) != 1) {
        return fhi_fail(FH_ERR_INVALID, "buffer, texture, raw: exactly one must not be NULL");
    }
    fhi_core *core = device->core;
    memset(&e, 0, sizeof e);
    memset(object, 0, sizeof object);
    e.write = write;
    e.context = context;
    if (buffer) {
        result = make_buffer(core, buffer, object, &e.request);
    } else if (texture) {
        result = make_texture(core, texture, object, &resolved, &e.request);
    } else {
        result = make_raw(core, raw, &memory, &e.request);
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_request_prepare(&e.request, false);
    e.allocator = device->allocator ? device->allocator->ops.name : NULL;
    result = decide(device, &e);
    if (result == FH_OK) {
        result = fhi_explain_write(device, &e);
    }
    fhi_policy_leave_pool(core, &e.request);
    if (e.request.object) {
        core->ops->object_destroy(core->backend, object);
    }
    return result;
}
