/* Bytes between the program and a parcel. Where the CPU reaches the memory and no queue is at it,
 * they are copied there; else they go through staging buffers (staging.c), piece by piece.
 *
 * A staged write is never waited for: its data is in the staging buffer when the call returns.
 * Whether a write may go directly is decided by the uses that are noted when it starts; a program
 * that hands the same bytes to a queue at that moment on another thread has a race of its own, as
 * with a mapping.
 *
 * The parcel is pinned for the whole call, and held only while its object or bytes are in our
 * hands: no wait, for staging memory or a queue, holds it. So a buffer may move between two pieces,
 * and each finds it where it then is. */

#include "backend/texture.h"
#include "base/clock.h"
#include "device/copy.h"
#include "device/core.h"
#include "device/mapping.h"
#include "device/region.h"

#include <string.h>

enum {
    STAGED_LEAST = 64 * 1024 /* bytes of one piece, where memory is short */
};

/* ---- one piece ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static fh_result take_span(fhi_core *core, uint64_t size, uint64_t multiple, bool readback,
                           uint64_t deadline_ns, fhi_span *out_span)
{
    const fhi_staging_want want = {
        .size = least(size, FHI_STAGING_CHUNK),
        .least = least(size, STAGED_LEAST),
        .multiple = multiple,
        .readback = readback,
        .deadline_ns = deadline_ns,
    };
    return fhi_staging_take(core, &want, out_span);
}

/* Queue the copy between a span and a parcel, which is pinned. `copy` lacks the objects and the
 * span's offset. `end`: a buffer must have that many bytes. */
static fh_result submit(fhi_core *core, const fhi_hold *parcel, uint64_t end, const fhi_span *span,
                        uint64_t size, fh_backend_copy *copy, fh_epoch *out_epoch)
{
    fhi_hold holds[2] = {*parcel, {.parcel = span->buffer}};
    fhi_hold *staged = &holds[1];
    fh_result result = fhi_holds_pin(core, staged, 1);

    *out_epoch = (fh_epoch){0};
    if (result != FH_OK) {
        return result;
    }
    fhi_holds_begin(core, holds, 2);
    if (end > holds[0].committed) {
        result = fhi_fail_with(FH_ERR_INVALID,
                               "the buffer was made smaller meanwhile: {} bytes, and {} are needed",
                               holds[0].committed, end, 0);
    }
    if (span->readback) {
        copy->src = holds[0].object;
        copy->dst = staged->object;
        copy->dst_offset = span->offset;
    } else {
        copy->src = staged->object;
        copy->dst = holds[0].object;
        copy->src_offset = span->offset;
        if (result == FH_OK) {
            result = fhi_memory_sync(core, staged->backing.memory,
                                     staged->backing.offset + span->offset, size, false);
        }
    }
    if (result == FH_OK) {
        result = fhi_copy_submit(core, copy, 1, holds, 2, out_epoch);
    }
    fhi_holds_end(core, holds, 2);
    fhi_backend_result(core, result);
    if (result == FH_OK) {
        fhi_copy_observe(core, 1, holds, 2, *out_epoch);
    }
    fhi_holds_unpin(core, staged, 1);
    return result;
}

/* Send `size` bytes, which fit the span. */
static fh_result send(fhi_core *core, const fhi_hold *parcel, uint64_t end, const fhi_span *span,
                      const void *data, uint64_t size, fh_backend_copy *copy, fh_epoch *out_epoch)
{
    memcpy(span->pointer, data, (size_t)size);
    return submit(core, parcel, end, span, size, copy, out_epoch);
}

/* Wait for a copy into the span, and take `size` bytes from it. */
static fh_result receive(fhi_core *core, const fhi_hold *parcel, uint64_t end, const fhi_span *span,
                         void *out_data, uint64_t size, fh_backend_copy *copy, uint64_t deadline_ns,
                         fh_epoch *out_epoch)
{
    fh_result result = submit(core, parcel, end, span, size, copy, out_epoch);

    if (result == FH_OK) {
        result = fhi_epoch_wait(core, *out_epoch, fhi_time_left(deadline_ns));
    }
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_hold staged = {.parcel = span->buffer};
    result = fhi_holds_pin(core, &staged, 1);
    if (result != FH_OK) {
        return result;
    }
    fhi_holds_begin(core, &staged, 1);
    result = fhi_direct_read(core, &staged, span->offset, out_data, size);
    fhi_holds_end(core, &staged, 1);
    fhi_backend_result(core, result);
    fhi_holds_unpin(core, &staged, 1);
    return result;
}

/* ---- buffers ---- */

static fh_result check_buffer(const fhi_hold *hold, uint64_t offset, uint64_t size)
{
    if (!fhi_hold_is_buffer(hold)) {
        return fhi_fail(FH_ERR_INVALID, "the parcel is not a buffer");
    }
    if (size == 0) {
        return fhi_fail(FH_ERR_INVALID, "size is 0");
    }
    if (offset > hold->committed || size > hold->committed - offset) {
        return fhi_fail_with(FH_ERR_INVALID, "{} bytes from {} on, and the buffer has {}", size,
                             offset, hold->committed);
    }
    return FH_OK;
}

static bool is_visible(const fhi_core *core, const fhi_hold *hold)
{
    return (fhi_type_flags(core, hold->type) & FH_MEMORY_HOST_VISIBLE) != 0;
}

/* Whether any queue may still be at it, as far as is known. */
static bool is_idle(fhi_core *core, const fhi_hold *hold)
{
    fh_epoch pending[FH_QUEUE_MAX];
    uint32_t of_backend;

    return fhi_hold_pending(core, hold, pending, &of_backend) == 0;
}

static fh_result write_staged(fhi_core *core, const fhi_hold *dst, uint64_t offset,
                              const unsigned char *data, uint64_t size, fh_epoch *out_epoch)
{
    fh_result result = FH_OK;

    if ((dst->record->usage & FH_USAGE_COPY_DST) == 0) {
        return fhi_fail(FH_ERR_UNSUPPORTED,
                        "the CPU cannot write there now, and a copy needs FH_USAGE_COPY_DST");
    }
    for (uint64_t done = 0; result == FH_OK && done < size;) {
        fh_epoch epoch = {0};
        fhi_span span;
        result = take_span(core, size - done, 1, false, fhi_deadline(FHI_STAGING_WAIT_NS), &span);
        if (result != FH_OK) {
            break;
        }
        fh_backend_copy copy = {
            .kind = FH_COPY_BUFFER, .dst_offset = offset + done, .size = span.size};
        result = send(core, dst, offset + size, &span, data + done, span.size, &copy, &epoch);
        fhi_staging_give(core, &span, epoch);
        *out_epoch = epoch;
        done += span.size;
    }
    return result;
}

static fh_result write_buffer(fhi_core *core, fhi_hold *dst, uint64_t offset, const void *data,
                              uint64_t size, fh_epoch *out_epoch)
{
    if (!is_idle(core, dst)) {
        fhi_queues_poll(core);
    }
    fhi_holds_begin(core, dst, 1);
    fh_result result = check_buffer(dst, offset, size);
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    bool direct = result == FH_OK && is_visible(core, dst) && is_idle(core, dst);
    if (direct) {
        result = fhi_direct_write(core, dst, offset, data, size);
    }
    fhi_holds_end(core, dst, 1);
    fhi_backend_result(core, result);
    if (result == FH_OK && !direct) {
        result = write_staged(core, dst, offset, data, size, out_epoch);
    }
    return result;
}

fh_result fh_parcel_write(fh_device *device, fh_parcel buffer, uint64_t offset, const void *data,
                          uint64_t size, fh_epoch *out_epoch)
{
    fh_epoch epoch = {0};

    if (out_epoch) {
        *out_epoch = epoch;
    }
    if (!device || !data) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "data: must not be NULL" : "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold dst = {.parcel = buffer};
    fh_result result = fhi_holds_pin(core, &dst, 1);
    if (result != FH_OK) {
        return result;
    }
    result = write_buffer(core, &dst, offset, data, size, &epoch);
    fhi_holds_unpin(core, &dst, 1);
    if (result == FH_OK && out_epoch) {
        *out_epoch = epoch;
    }
    return result;
}

static fh_result read_staged(fhi_core *core, const fhi_hold *src, uint64_t offset,
                             unsigned char *out_data, uint64_t size, uint64_t deadline_ns)
{
    fh_result result = FH_OK;

    if ((src->record->usage & FH_USAGE_COPY_SRC) == 0) {
        return fhi_fail(FH_ERR_UNSUPPORTED,
                        "the CPU cannot read there, and a copy needs FH_USAGE_COPY_SRC");
    }
    for (uint64_t done = 0; result == FH_OK && done < size;) {
        fh_epoch epoch = {0};
        fhi_span span;
        result = take_span(core, size - done, 1, true, deadline_ns, &span);
        if (result != FH_OK) {
            break;
        }
        fh_backend_copy copy = {
            .kind = FH_COPY_BUFFER, .src_offset = offset + done, .size = span.size};
        result = receive(core, src, offset + size, &span, out_data + done, span.size, &copy,
                         deadline_ns, &epoch);
        fhi_staging_give(core, &span, epoch);
        done += span.size;
    }
    return result;
}

/* What was queued for it on the backend's queues when the call came. */
static fh_result wait_for_queued(fhi_core *core, const fhi_hold *src, uint64_t deadline_ns)
{
    fh_epoch pending[FH_QUEUE_MAX];
    uint32_t of_backend;
    fh_result result = FH_OK;

    fhi_hold_pending(core, src, pending, &of_backend);
    for (uint32_t i = 0; result == FH_OK && i < of_backend; i++) {
        result = fhi_epoch_wait(core, pending[i], fhi_time_left(deadline_ns));
    }
    if (result == FH_OK && fhi_is_lost(core)) {
        result = fhi_fail_lost();
    }
    return result;
}

static fh_result read_buffer(fhi_core *core, fhi_hold *src, uint64_t offset, void *out_data,
                             uint64_t size, uint64_t deadline_ns)
{
    fh_result result = FH_OK;
    bool waited = false;
    bool direct = false;

    /* After a wait it may lie somewhere else, where its content is still to come. */
    for (;;) {
        uint32_t moves = src->moves;
        fhi_holds_begin(core, src, 1);
        result = check_buffer(src, offset, size);
        direct = result == FH_OK && is_visible(core, src);
        waited = waited && src->moves == moves;
        if (result == FH_OK && direct && waited) {
            result = fhi_direct_read(core, src, offset, out_data, size);
        }
        fhi_holds_end(core, src, 1);
        fhi_backend_result(core, result);
        if (result == FH_OK && fhi_is_lost(core)) {
            result = fhi_fail_lost();
        }
        if (result != FH_OK || !direct || waited) {
            break;
        }
        result = wait_for_queued(core, src, deadline_ns);
        if (result != FH_OK) {
            break;
        }
        waited = true;
    }
    return result == FH_OK && !direct ? read_staged(core, src, offset, out_data, size, deadline_ns)
                                      : result;
}

fh_result fh_parcel_read(fh_device *device, fh_parcel buffer, uint64_t offset, void *out_data,
                         uint64_t size, uint64_t timeout_ns)
{
    if (!device || !out_data) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "out_data: must not be NULL" : "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold src = {.parcel = buffer};
    fh_result result = fhi_holds_pin(core, &src, 1);
    if (result != FH_OK) {
        return result;
    }
    result = read_buffer(core, &src, offset, out_data, size, fhi_deadline(timeout_ns));
    fhi_holds_unpin(core, &src, 1);
    return result;
}

/* ---- textures ---- */

/* Always staged: in which order a driver lays texels out is its own. */
static fh_result check_texture(fhi_core *core, fhi_hold *texture, fh_usage usage,
                               const fh_texture_region *region, uint64_t size,
                               fh_texture_region *out_region)
{
    const fhi_record *record = texture->record;
    fh_texture_desc desc;

    if (record->kind != FH_KIND_TEXTURE) {
        return fhi_fail(FH_ERR_INVALID, "the parcel is not a texture");
    }
    fhi_texture_desc_of(record, &desc);
    fh_result result = fhi_texture_region_resolve(&desc, region, out_region);
    if (result != FH_OK) {
        return result;
    }
    uint64_t bytes = fhi_region_bytes(record, out_region);
    if (size != bytes) {
        return fhi_fail_with(FH_ERR_INVALID, "size: {}, and the region's texels are {} bytes", size,
                             bytes, 0);
    }
    if ((record->usage & usage) == 0) {
        return fhi_fail(FH_ERR_UNSUPPORTED, usage == FH_USAGE_COPY_DST
                                                ? "the texture was made without FH_USAGE_COPY_DST"
                                                : "the texture was made without FH_USAGE_COPY_SRC");
    }
    return fhi_is_lost(core) ? fhi_fail_lost() : FH_OK;
}

static fh_result write_texture(fhi_core *core, const fhi_hold *dst, const fh_texture_region *region,
                               const unsigned char *data, uint64_t size, fh_epoch *out_epoch)
{
    fhi_region_walk walk;
    fh_result result = FH_OK;

    fhi_region_walk_init(&walk, dst->record, region);
    for (uint64_t done = 0; result == FH_OK && done < size;) {
        fh_backend_copy copy = {.kind = FH_COPY_BUFFER_TO_TEXTURE};
        fh_epoch epoch = {0};
        fhi_span span;
        result = take_span(core, size - done, walk.block_bytes, false,
                           fhi_deadline(FHI_STAGING_WAIT_NS), &span);
        if (result != FH_OK) {
            break;
        }
        uint64_t bytes = fhi_region_walk_next(&walk, span.size, &copy.dst_region);
        result = send(core, dst, 0, &span, data + done, bytes, &copy, &epoch);
        fhi_staging_give(core, &span, epoch);
        *out_epoch = epoch;
        done += bytes;
    }
    return result;
}

fh_result fh_texture_write(fh_device *device, fh_parcel texture, const fh_texture_region *region,
                           const void *data, uint64_t size, fh_epoch *out_epoch)
{
    fh_texture_region box;
    fh_epoch epoch = {0};

    if (out_epoch) {
        *out_epoch = epoch;
    }
    if (!device || !region || !data) {
        return fhi_fail(FH_ERR_INVALID, "device, region and data: none may be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold dst = {.parcel = texture};
    fh_result result = fhi_holds_pin(core, &dst, 1);
    if (result != FH_OK) {
        return result;
    }
    result = check_texture(core, &dst, FH_USAGE_COPY_DST, region, size, &box);
    if (result == FH_OK) {
        result = write_texture(core, &dst, &box, data, size, &epoch);
    }
    fhi_holds_unpin(core, &dst, 1);
    if (result == FH_OK && out_epoch) {
        *out_epoch = epoch;
    }
    return result;
}

static fh_result read_texture(fhi_core *core, const fhi_hold *src, const fh_texture_region *region,
                              unsigned char *out_data, uint64_t size, uint64_t deadline_ns)
{
    fhi_region_walk walk;
    fh_result result = FH_OK;

    fhi_region_walk_init(&walk, src->record, region);
    for (uint64_t done = 0; result == FH_OK && done < size;) {
        fh_backend_copy copy = {.kind = FH_COPY_TEXTURE_TO_BUFFER};
        fh_epoch epoch = {0};
        fhi_span span;
        result = take_span(core, size - done, walk.block_bytes, true, deadline_ns, &span);
        if (result != FH_OK) {
            break;
        }
        uint64_t bytes = fhi_region_walk_next(&walk, span.size, &copy.src_region);
        result = receive(core, src, 0, &span, out_data + done, bytes, &copy, deadline_ns, &epoch);
        fhi_staging_give(core, &span, epoch);
        done += bytes;
    }
    return result;
}

fh_result fh_texture_read(fh_device *device, fh_parcel texture, const fh_texture_region *region,
                          void *out_data, uint64_t size, uint64_t timeout_ns)
{
    fh_texture_region box;

    if (!device || !region || !out_data) {
        return fhi_fail(FH_ERR_INVALID, "device, region and out_data: none may be NULL");
    }
    fhi_core *core = device->core;
    fhi_hold src = {.parcel = texture};
    fh_result result = fhi_holds_pin(core, &src, 1);
    if (result != FH_OK) {
        return result;
    }
    result = check_texture(core, &src, FH_USAGE_COPY_SRC, region, size, &box);
    if (result == FH_OK) {
        result = read_texture(core, &src, &box, out_data, size, fhi_deadline(timeout_ns));
    }
    fhi_holds_unpin(core, &src, 1);
    return result;
}
