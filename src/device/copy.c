/* Copies between parcels. All of a call's copies are one submission, so all of them are looked at
 * before the first is queued. A parcel that is named a hundred times is pinned and held once: pins
 * are counted in twelve bits, and noting a use takes a lock. So a call first gathers its parcels in
 * a hash table.
 *
 * The uses are noted after the submission, when its epoch is known. Nothing can retire in between,
 * since the parcels are pinned; and nothing can fail in between, since the room for the uses is
 * made before. */

#include "device/copy.h"

#include "backend/texture.h"
#include "base/assert.h"
#include "base/bits.h"
#include "device/core.h"
#include "device/region.h"
#include "device/witness.h"

#include <string.h>

/* ---- submitting ---- */

/* What is pending on the backend's other queues, each queue's last. */
static uint32_t gather_waits(fhi_core *core, const fhi_hold *holds, uint32_t hold_count,
                             fh_epoch out_waits[FH_QUEUE_MAX])
{
    uint64_t last[FH_QUEUE_MAX] = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; core->adapter.queue_count > 1 && i < hold_count; i++) {
        fh_epoch pending[FH_QUEUE_MAX];
        uint32_t of_backend;
        fhi_hold_pending(core, &holds[i], pending, &of_backend);
        for (uint32_t j = 0; j < of_backend; j++) {
            uint32_t queue = pending[j].queue;
            last[queue] = last[queue] > pending[j].value ? last[queue] : pending[j].value;
        }
    }
    for (uint32_t queue = 1; queue < core->adapter.queue_count; queue++) {
        if (last[queue] != 0) {
            out_waits[count++] = (fh_epoch){queue, last[queue]};
        }
    }
    return count;
}

static void note_submitted(fhi_core *core, fh_epoch epoch)
{
    _Atomic uint64_t *submitted = &core->retire.queues[epoch.queue].submitted;
    uint64_t before = atomic_load_explicit(submitted, memory_order_relaxed);

    while (before < epoch.value &&
           !atomic_compare_exchange_weak_explicit(submitted, &before, epoch.value,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

static void note_use(fhi_core *core, const fhi_hold *hold, fh_epoch epoch)
{
    fhi_record *record = hold->record;
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    fhi_record_note_use(record, fhi_record_uses(core, fhi_parcel_slot(hold->parcel)), epoch);
    record->used_tick = fhi_tick_count(core);
    fhi_witness_use(core, fhi_parcel_slot(hold->parcel), epoch);
    fhi_latch_release(&lane->lock);
}

fh_result fhi_copy_submit(fhi_core *core, const fh_backend_copy *copies, uint32_t copy_count,
                          const fhi_hold *holds, uint32_t hold_count, fh_epoch *out_epoch)
{
    fh_epoch waits[FH_QUEUE_MAX];
    uint64_t value;

    *out_epoch = (fh_epoch){0};
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    for (uint32_t i = 0; i < hold_count; i++) {
        if (!fhi_record_make_uses(core, fhi_parcel_slot(holds[i].parcel))) {
            return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory to note a parcel's last use");
        }
    }
    uint32_t wait_count = gather_waits(core, holds, hold_count, waits);
    fh_result result =
        core->ops->submit(core->backend, 0, copies, copy_count, waits, wait_count, &value);
    if (result != FH_OK) {
        return result;
    }
    *out_epoch = (fh_epoch){0, value};
    note_submitted(core, *out_epoch);
    for (uint32_t i = 0; i < hold_count; i++) {
        note_use(core, &holds[i], *out_epoch);
    }
    return FH_OK;
}

void fhi_copy_observe(fhi_core *core, uint32_t copy_count, const fhi_hold *holds,
                      uint32_t hold_count, fh_epoch epoch)
{
    for (uint32_t i = 0; fhi_is_observed(core, FH_EVENT_PARCEL_USED) && i < hold_count; i++) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_PARCEL_USED,
                                      .parcel = holds[i].parcel,
                                      .parcel_kind = (fh_kind)holds[i].record->kind,
                                      .tag = holds[i].record->tag,
                                      .epoch = epoch});
    }
    if (fhi_is_observed(core, FH_EVENT_COPIED)) {
        fhi_observe(core,
                    &(fh_event){.kind = FH_EVENT_COPIED, .epoch = epoch, .count = copy_count});
    }
}

/* ---- a call ---- */

enum {
    FEW_COPIES = 4 /* these need no host memory */
};

typedef struct call {
    const fh_copy *asked;
    uint32_t count;
    fh_backend_copy *copies; /* `count` of them */
    fhi_hold *holds;         /* 2 * `count` */
    uint32_t hold_count;
    uint32_t *table; /* places in `holds`, + 1; 0 = free. An open hash table of parcels */
    uint32_t table_bits;
    void *memory;
    size_t bytes;
} call;

/* Room that is on the caller's stack: enough for FEW_COPIES. */
typedef struct call_room {
    fh_backend_copy copies[FEW_COPIES];
    fhi_hold holds[2 * FEW_COPIES];
    uint32_t table[4 * FEW_COPIES];
} call_room;

static fh_result call_init(fhi_core *core, call *c, const fh_copy *asked, uint32_t count,
                           call_room *room)
{
    *c = (call){.asked = asked, .count = count};
    if (count <= FEW_COPIES) {
        c->copies = room->copies;
        c->holds = room->holds;
        c->table = room->table;
        c->table_bits = 4;
        memset(c->table, 0, sizeof room->table);
        return FH_OK;
    }
    c->table_bits = fhi_highest_bit(count) + 3; /* at most half full */
    uint64_t copy_bytes = (uint64_t)count * sizeof *c->copies;
    uint64_t hold_bytes = (uint64_t)count * 2 * sizeof *c->holds;
    uint64_t table_bytes = (UINT64_C(1) << c->table_bits) * sizeof *c->table;
    uint64_t bytes = copy_bytes + hold_bytes + table_bytes; /* below 2^42 */
    if (bytes <= SIZE_MAX) {
        c->memory = fhi_host_alloc(&core->memory, 1, (size_t)bytes, 16);
    }
    if (!c->memory) {
        return fhi_fail_with(FH_ERR_HOST_MEMORY, "no host memory for {} copies", count, 0, 0);
    }
    c->bytes = (size_t)bytes;
    c->holds = c->memory;
    c->copies = (fh_backend_copy *)(void *)(c->holds + (size_t)count * 2);
    c->table = (uint32_t *)(void *)(c->copies + count);
    memset(c->table, 0, (size_t)table_bytes);
    return FH_OK;
}

static void call_finish(fhi_core *core, call *c)
{
    fhi_host_free(&core->memory, c->memory, 1, c->bytes, 16);
}

/* The hold of a parcel, added when it is new. */
static fhi_hold *find_hold(call *c, fh_parcel parcel)
{
    uint32_t mask = (UINT32_C(1) << c->table_bits) - 1;
    /* Source: Knuth's multiplicative hash. */
    uint32_t at = (uint32_t)(parcel.id * UINT64_C(0x9e3779b97f4a7c15) >> (64 - c->table_bits));

    while (c->table[at] != 0) {
        fhi_hold *hold = &c->holds[c->table[at] - 1];
        if (hold->parcel.id == parcel.id) {
            return hold;
        }
        at = (at + 1) & mask;
    }
    c->holds[c->hold_count] = (fhi_hold){.parcel = parcel};
    c->table[at] = ++c->hold_count;
    return &c->holds[c->hold_count - 1];
}

/* ---- validation; the parcels are held ---- */

static fh_result check_usage(const fhi_hold *hold, fh_usage usage, uint32_t index)
{
    if ((hold->record->usage & usage) != 0) {
        return FH_OK;
    }
    return fhi_fail_with(FH_ERR_INVALID,
                         usage == FH_USAGE_COPY_SRC
                             ? "copies[{}]: the source was made without FH_USAGE_COPY_SRC"
                             : "copies[{}]: the destination was made without FH_USAGE_COPY_DST",
                         index, 0, 0);
}

static fh_result check_buffer(const fhi_hold *hold, fh_usage usage, uint64_t offset, uint64_t size,
                              uint32_t index)
{
    if (!fhi_hold_is_buffer(hold)) {
        return fhi_fail_with(FH_ERR_INVALID,
                             usage == FH_USAGE_COPY_SRC
                                 ? "copies[{}]: the source is not a buffer"
                                 : "copies[{}]: the destination is not a buffer",
                             index, 0, 0);
    }
    if (size == 0) {
        return fhi_fail_with(FH_ERR_INVALID, "copies[{}]: size is 0", index, 0, 0);
    }
    if (offset > hold->committed || size > hold->committed - offset) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "copies[%u]: %llu bytes from %llu on, and the %s has %llu", index,
                              (unsigned long long)size, (unsigned long long)offset,
                              usage == FH_USAGE_COPY_SRC ? "source" : "destination",
                              (unsigned long long)hold->committed);
    }
    return check_usage(hold, usage, index);
}

/* Fills in the region's sizes. */
static fh_result check_texture(const fhi_hold *hold, fh_usage usage, fh_texture_region *region,
                               uint32_t index)
{
    fh_texture_desc desc;

    if (hold->record->kind != FH_KIND_TEXTURE) {
        return fhi_fail_with(FH_ERR_INVALID,
                             usage == FH_USAGE_COPY_SRC
                                 ? "copies[{}]: the source is not a texture"
                                 : "copies[{}]: the destination is not a texture",
                             index, 0, 0);
    }
    fhi_texture_desc_of(hold->record, &desc);
    fh_result result = fhi_texture_region_resolve(&desc, region, region);
    return result == FH_OK ? check_usage(hold, usage, index) : result;
}

/* The buffer's side of a copy from or to a texture. */
static fh_result check_rows(const fhi_hold *buffer, fh_usage usage, uint64_t offset,
                            const fhi_hold *texture, const fh_texture_region *region,
                            uint32_t index)
{
    const fh_format_info *format = fh_format_describe((fh_format)texture->record->format);
    uint32_t step = format->block_bytes;

    if ((format->traits & (FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)) != 0 && step < 4) {
        step = 4;
    }
    /* Source: the Vulkan specification, vkCmdCopyBufferToImage, "bufferOffset". */
    if (offset % step != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "copies[{}]: the buffer's offset {} is not a multiple of {}, which "
                             "the format needs",
                             index, offset, step);
    }
    return check_buffer(buffer, usage, offset, fhi_region_bytes(texture->record, region), index);
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static bool regions_overlap(const fh_texture_region *a, const fh_texture_region *b)
{
    return a->mip == b->mip && overlap(a->layer, a->layers, b->layer, b->layers) &&
           overlap(a->x, a->width, b->x, b->width) && overlap(a->y, a->height, b->y, b->height) &&
           overlap(a->z, a->depth, b->z, b->depth);
}

static fh_result check_buffers(const fhi_hold *src, const fhi_hold *dst,
                               const fh_backend_copy *copy, uint32_t index)
{
    fh_result result = check_buffer(src, FH_USAGE_COPY_SRC, copy->src_offset, copy->size, index);
    if (result == FH_OK) {
        result = check_buffer(dst, FH_USAGE_COPY_DST, copy->dst_offset, copy->size, index);
    }
    if (result == FH_OK && src == dst &&
        overlap(copy->src_offset, copy->size, copy->dst_offset, copy->size)) {
        result = fhi_fail_with(FH_ERR_INVALID, "copies[{}]: source and destination overlap", index,
                               0, 0);
    }
    return result;
}

static fh_result check_textures(const fhi_hold *src, const fhi_hold *dst, fh_backend_copy *copy,
                                uint32_t index)
{
    fh_texture_region *from = &copy->src_region;
    fh_texture_region *to = &copy->dst_region;
    fh_result result = check_texture(src, FH_USAGE_COPY_SRC, from, index);
    if (result == FH_OK) {
        result = check_texture(dst, FH_USAGE_COPY_DST, to, index);
    }
    if (result != FH_OK) {
        return result;
    }
    if (src->record->format != dst->record->format) {
        return fhi_fail_print(FH_ERR_INVALID, "copies[%u]: from %s to %s; formats must be the same",
                              index, fh_format_describe((fh_format)src->record->format)->name,
                              fh_format_describe((fh_format)dst->record->format)->name);
    }
    if (src->record->samples != dst->record->samples) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "copies[{}]: from {} samples to {}; they must be the same", index,
                             src->record->samples, dst->record->samples);
    }
    if (from->width != to->width || from->height != to->height || from->depth != to->depth ||
        from->layers != to->layers) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "copies[%u]: a region of %u * %u * %u texels and %u layers to one of "
                              "%u * %u * %u and %u",
                              index, from->width, from->height, from->depth, from->layers,
                              to->width, to->height, to->depth, to->layers);
    }
    if (src == dst && regions_overlap(from, to)) {
        return fhi_fail_with(FH_ERR_INVALID, "copies[{}]: source and destination overlap", index, 0,
                             0);
    }
    return FH_OK;
}

static fh_result check_fill(const fhi_hold *dst, const fh_backend_copy *copy, uint32_t index)
{
    if (copy->dst_offset % 4 != 0 || copy->size % 4 != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "copies[{}]: a fill of {} bytes from {} on; both must be multiples "
                             "of 4",
                             index, copy->size, copy->dst_offset);
    }
    return check_buffer(dst, FH_USAGE_COPY_DST, copy->dst_offset, copy->size, index);
}

/* Make copy `index` one for the backend. */
static fh_result resolve(call *c, uint32_t index)
{
    const fh_copy *asked = &c->asked[index];
    fh_backend_copy *copy = &c->copies[index];
    fhi_hold *dst = find_hold(c, asked->dst);
    fhi_hold *src = asked->kind == FH_COPY_FILL ? NULL : find_hold(c, asked->src);

    /* All were pinned before. */
    FH_ASSERT(dst && dst->record);
    FH_ASSERT(asked->kind == FH_COPY_FILL || (src && src->record));
    FH_ASSERT(copy);
    *copy = (fh_backend_copy){
        .kind = asked->kind,
        .src = src ? src->object : NULL,
        .dst = dst->object,
        .src_offset = asked->src_offset,
        .dst_offset = asked->dst_offset,
        .size = asked->size,
        .src_region = asked->src_region,
        .dst_region = asked->dst_region,
        .fill = asked->fill,
    };
    fh_result result = FH_ERR_INVALID;
    switch (asked->kind) {
    case FH_COPY_BUFFER:
        result = check_buffers(src, dst, copy, index);
        break;
    case FH_COPY_BUFFER_TO_TEXTURE:
        result = check_texture(dst, FH_USAGE_COPY_DST, &copy->dst_region, index);
        if (result == FH_OK) {
            result =
                check_rows(src, FH_USAGE_COPY_SRC, copy->src_offset, dst, &copy->dst_region, index);
        }
        break;
    case FH_COPY_TEXTURE_TO_BUFFER:
        result = check_texture(src, FH_USAGE_COPY_SRC, &copy->src_region, index);
        if (result == FH_OK) {
            result =
                check_rows(dst, FH_USAGE_COPY_DST, copy->dst_offset, src, &copy->src_region, index);
        }
        break;
    case FH_COPY_TEXTURE:
        result = check_textures(src, dst, copy, index);
        break;
    case FH_COPY_FILL:
        result = check_fill(dst, copy, index);
        break;
    }
    return result;
}

/* Add the call's parcels to `holds`. */
static fh_result gather(call *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const fh_copy *asked = &c->asked[i];
        if ((uint32_t)asked->kind > FH_COPY_FILL) {
            return fhi_fail_with(FH_ERR_INVALID, "copies[{}]: there is no kind {}", i,
                                 (uint32_t)asked->kind, 0);
        }
        if (asked->kind == FH_COPY_FILL && asked->src.id != 0) {
            return fhi_fail_with(FH_ERR_INVALID, "copies[{}]: a fill has no source", i, 0, 0);
        }
        find_hold(c, asked->dst);
        if (asked->kind != FH_COPY_FILL) {
            find_hold(c, asked->src);
        }
    }
    return FH_OK;
}

static fh_result run(fhi_core *core, call *c, fh_epoch *out_epoch)
{
    fh_result result = gather(c);
    if (result == FH_OK) {
        result = fhi_holds_pin(core, c->holds, c->hold_count);
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_holds_begin(core, c->holds, c->hold_count);
    for (uint32_t i = 0; result == FH_OK && i < c->count; i++) {
        result = resolve(c, i);
    }
    if (result == FH_OK) {
        result = fhi_copy_submit(core, c->copies, c->count, c->holds, c->hold_count, out_epoch);
    }
    fhi_holds_end(core, c->holds, c->hold_count);
    fhi_backend_result(core, result);
    if (result == FH_OK) {
        fhi_copy_observe(core, c->count, c->holds, c->hold_count, *out_epoch);
    }
    fhi_holds_unpin(core, c->holds, c->hold_count);
    return result;
}

fh_result fh_device_copy(fh_device *device, const fh_copy *copies, uint32_t copy_count,
                         fh_epoch *out_epoch)
{
    call_room room;
    fh_epoch epoch = {0};
    call c;

    if (out_epoch) {
        *out_epoch = epoch;
    }
    if (!device || !copies) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "copies: must not be NULL" : "device: must not be NULL");
    }
    if (copy_count == 0 || copy_count > UINT32_MAX / 8) {
        return fhi_fail_with(FH_ERR_INVALID, "copy_count: {}, and it must be 1 to {}", copy_count,
                             UINT32_MAX / 8, 0);
    }
    fhi_core *core = device->core;
    fh_result result = call_init(core, &c, copies, copy_count, &room);
    if (result == FH_OK) {
        result = run(core, &c, &epoch);
        call_finish(core, &c);
    }
    if (result == FH_OK && out_epoch) {
        *out_epoch = epoch;
    }
    return result;
}
