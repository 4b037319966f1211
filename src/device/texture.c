/* Textures. What a description means is resolved on floor 3 (texture.h); the rest is a request. */

#include "backend/texture.h"

#include "device/core.h"
#include "device/parcel.h"
#include "device/request.h"

#include <freehold/parcel.h>

#include <stdalign.h>
#include <string.h>

static fh_result texture_make(fhi_core *core, const fh_texture_desc *resolved,
                              fh_parcel *out_texture)
{
    alignas(16) unsigned char object[FHI_OBJECT_MAX];
    fhi_request request;
    memset(&request, 0, sizeof request);
    memset(object, 0, core->object_size);
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    fh_result result = fhi_backend_result(
        core, core->ops->texture_create(core->backend, resolved, object, &request.requirements));
    if (result != FH_OK) {
        return result;
    }
    request.kind = FH_KIND_TEXTURE;
    request.texture = resolved;
    request.memory = &resolved->memory;
    request.usage = resolved->usage;
    request.committed = request.capacity = fh_texture_bytes(resolved);
    request.object = object;
    request.sort = resolved->linear ? FHI_SORT_LINEAR : FHI_SORT_OPTIMAL;
    fhi_request_prepare(&request, false);
    return fhi_parcel_make(core, &request, out_texture);
}

fh_result fh_texture_create(fh_device *device, const fh_texture_desc *desc, fh_parcel *out_texture)
{
    fh_texture_desc resolved;
    if (out_texture) {
        *out_texture = (fh_parcel){0};
    }
    if (!device || !desc || !out_texture) {
        return fhi_fail(FH_ERR_INVALID, "device, desc or out_texture is NULL");
    }
    fh_result result = fhi_texture_resolve(desc, &resolved);
    if (result == FH_OK) {
        result = fhi_memory_desc_check(device->core, &resolved.memory);
    }
    if (result != FH_OK) {
        return result;
    }
    if (device->allocator) {
        return fhi_allocator_make_texture(device, desc, out_texture);
    }
    return texture_make(device->core, &resolved, out_texture);
}
