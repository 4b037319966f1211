/* Resizing buffers. Up to the object's capacity only the count of committed bytes changes, and what
 * is new is zeroed. Beyond, the buffer moves: a second parcel is made that nobody knows of, its
 * *ghost*, in the same lane; the content is copied there; then the two exchange their memory and
 * their object under the lane's one lock. The handle now stands for the new, the ghost for the old,
 * and the ghost retires like any other parcel: when the uses of the old memory, the copy among
 * them, have passed. So accounts count both until then, no step leaves them wrong, and until the
 * exchange a failure only frees the ghost.
 *
 * A backend's object stays at its address while copies name it, so the records exchange not the
 * objects, but the rooms they lie in (record->room).
 *
 * What is new is zero also where the buffer was larger before, was made smaller, and grew again:
 * there the GPU may still be at the bytes, so the zeroes are queued after it, or wait for it
 * (BUSY). Above `extent`, the largest size it has had, nobody can be.
 *
 * RESIZING keeps a second resize away for the whole call. FHI_HOLD_MOVING (hold.h) keeps all others
 * off the object and the bytes, and is set only while both are exchanged: memory is found before,
 * and what the program is told comes after. */

#include "base/clock.h"
#include "device/copy.h"
#include "device/core.h"
#include "device/mapping.h"
#include "device/parcel.h"
#include "device/request.h"
#include "device/witness.h"

#include <stdalign.h>
#include <string.h>

typedef struct resize {
    fhi_core *core;
    fhi_hold buffer; /* pinned; looked at with RESIZING set, so it stays right */
    fhi_lane *lane;
    uint64_t size; /* bytes wanted */
    uint64_t extent;
    fh_parcel_bytes before, after;
    uint64_t memory, offset; /* where it lies then */
    fh_epoch epoch;
} resize;

static bool is_visible(const fhi_core *core, const fhi_hold *hold)
{
    return (fhi_type_flags(core, hold->type) & FH_MEMORY_HOST_VISIBLE) != 0;
}

/* What is pending for the buffer, as far as is known. */
typedef struct pending {
    bool any;
    bool of_program; /* a queue of the program's own; `queue` is that one */
    uint32_t queue;
} pending;

static pending look_for_uses(const resize *r)
{
    fh_epoch epochs[FH_QUEUE_MAX];
    uint32_t of_backend;
    uint32_t count = fhi_hold_pending(r->core, &r->buffer, epochs, &of_backend);
    pending found = {.any = count > 0, .of_program = count > of_backend};

    if (count > 0) {
        found.queue = epochs[count - 1].queue;
    }
    return found;
}

static fh_result fail_in_use(const resize *r, const pending *uses)
{
    (void)r;
    return fhi_fail_with(FH_ERR_BUSY,
                         uses->of_program
                             ? "queue {} of the program's own still uses the buffer"
                             : "queue {} still uses the buffer, which lacks FH_USAGE_COPY",
                         uses->queue, 0, 0);
}

/* ---- in place ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Queue zeroes for [begin, end). Fills are whole words; what is left at the ends comes from a
 * staging buffer. */
static fh_result zero_by_gpu(resize *r, uint64_t begin, uint64_t end)
{
    fhi_core *core = r->core;
    fh_backend_copy copies[3];
    uint32_t count = 0;
    fhi_hold holds[2] = {r->buffer, {.parcel = {0}}};
    uint32_t hold_count = 1;
    fhi_span span = {.size = 0};
    fh_result result = FH_OK;

    /* Bytes above the size, but in the object, are nobody's. */
    uint64_t words = fhi_align_up(begin, 4);
    uint64_t words_end = fhi_align_up(end, 4);
    words_end = words_end <= r->buffer.capacity ? words_end : fhi_align_down(end, 4);
    const uint64_t edges[2][2] = {
        {begin, least(words, end)},
        {words_end > words ? words_end : words, end},
    };

    if (words < words_end) {
        copies[count++] = (fh_backend_copy){.kind = FH_COPY_FILL,
                                            .dst = r->buffer.object,
                                            .dst_offset = words,
                                            .size = words_end - words};
    }
    for (int i = 0; i < 2; i++) {
        if (edges[i][0] < edges[i][1]) {
            copies[count++] = (fh_backend_copy){.kind = FH_COPY_BUFFER,
                                                .dst = r->buffer.object,
                                                .dst_offset = edges[i][0],
                                                .size = edges[i][1] - edges[i][0]};
        }
    }
    bool staged = count > (words < words_end ? 1U : 0U);
    if (staged) {
        const fhi_staging_want want = {.size = 16,
                                       .least = 16,
                                       .multiple = 16,
                                       .deadline_ns = fhi_deadline(FHI_STAGING_WAIT_NS)};
        result = fhi_staging_take(core, &want, &span);
        if (result != FH_OK) {
            return result;
        }
        memset(span.pointer, 0, 16);
        holds[hold_count++].parcel = span.buffer;
        result = fhi_holds_pin(core, &holds[1], 1);
    }
    if (result == FH_OK) {
        fhi_holds_begin(core, &holds[1], hold_count - 1);
        if (staged) {
            result = fhi_memory_sync(core, holds[1].backing.memory,
                                     holds[1].backing.offset + span.offset, 16, false);
        }
        for (uint32_t i = 0; i < count; i++) {
            if (copies[i].kind == FH_COPY_BUFFER) {
                copies[i].src = holds[1].object;
                copies[i].src_offset = span.offset;
            }
        }
        if (result == FH_OK) {
            result = fhi_copy_submit(core, copies, count, holds, hold_count, &r->epoch);
        }
        fhi_holds_end(core, &holds[1], hold_count - 1);
        fhi_backend_result(core, result);
        if (result == FH_OK) {
            fhi_copy_observe(core, count, holds, hold_count, r->epoch);
        }
        fhi_holds_unpin(core, &holds[1], hold_count - 1);
    }
    if (staged) {
        fhi_staging_give(core, &span, r->epoch);
    }
    return result;
}

/* Zero what a growing buffer gets. */
static fh_result zero_new(resize *r)
{
    fhi_core *core = r->core;
    const fhi_hold *buffer = &r->buffer;
    uint64_t begin = buffer->committed;
    bool fresh = begin >= r->extent; /* no queue can be at these bytes */
    bool coherent = (fhi_type_flags(core, buffer->type) & FH_MEMORY_HOST_COHERENT) != 0;
    pending uses = look_for_uses(r);

    if (uses.any) {
        fhi_queues_poll(core);
        uses = look_for_uses(r);
    }
    if (uses.of_program && !fresh) {
        return fail_in_use(r, &uses);
    }
    if (is_visible(core, buffer) && (!uses.any || (fresh && coherent))) {
        return fhi_backend_result(core,
                                  fhi_direct_write(core, buffer, begin, NULL, r->size - begin));
    }
    if ((buffer->record->usage & FH_USAGE_COPY_DST) != 0) {
        return zero_by_gpu(r, begin, r->size);
    }
    if (is_visible(core, buffer)) {
        return fail_in_use(r, &uses);
    }
    return fhi_fail(FH_ERR_UNSUPPORTED,
                    "what is new must be zeroed, and that needs FH_USAGE_COPY_DST or host-visible "
                    "memory");
}

/* What it is now; under the lane's lock. */
static void note_shape(resize *r)
{
    const fhi_record *record = r->buffer.record;
    fhi_witness_shape(r->core, fhi_parcel_slot(r->buffer.parcel), r->before.committed);
    r->after = (fh_parcel_bytes){record->backing.reserved, record->committed};
    r->memory = record->backing.memory->id;
    r->offset = record->backing.offset;
}

static fh_result resize_in_place(resize *r)
{
    fhi_record *record = r->buffer.record;
    fh_result result = r->size > r->buffer.committed ? zero_new(r) : FH_OK;

    if (result != FH_OK) {
        return result;
    }
    fhi_latch_acquire(&r->lane->lock);
    r->lane->committed_bytes += r->size - record->committed;
    fhi_record_set_committed(record, r->size);
    record->wish.extent = r->size > r->extent ? r->size : r->extent;
    note_shape(r);
    fhi_latch_release(&r->lane->lock);
    return FH_OK;
}

/* ---- moving ---- */

/* Who copies. */
typedef struct way {
    bool by_gpu, by_cpu; /* which would do */
} way;

static fh_result check_movable(const resize *r, way *out_way)
{
    const fhi_hold *buffer = &r->buffer;

    out_way->by_gpu = (buffer->record->usage & FH_USAGE_COPY) == FH_USAGE_COPY;
    out_way->by_cpu = is_visible(r->core, buffer);
    if ((buffer->flags & FHI_RECORD_BACKED) != 0) {
        return fhi_fail_with(FH_ERR_UNSUPPORTED,
                             "the buffer lies on a backing, and grows up to its capacity of {} "
                             "bytes only",
                             buffer->capacity, 0, 0);
    }
    if (!out_way->by_gpu && !out_way->by_cpu) {
        return fhi_fail(FH_ERR_UNSUPPORTED,
                        "the buffer must move, which needs FH_USAGE_COPY or host-visible memory");
    }
    return FH_OK;
}

/* Whether it can be moved now; looked at before memory is asked for, and again when nobody holds
 * it. */
static fh_result check_free(const resize *r, const way *w)
{
    fhi_record *record = r->buffer.record;
    pending uses = look_for_uses(r);

    fhi_latch_acquire(&r->lane->lock);
    bool mapped = record->map_count > 0 || (record->flags & FHI_RECORD_MAPPED) != 0;
    fhi_latch_release(&r->lane->lock);
    if (mapped) {
        return fhi_fail(FH_ERR_BUSY, "the buffer must move, and it is mapped");
    }
    if (uses.of_program || (uses.any && !w->by_gpu)) {
        return fail_in_use(r, &uses);
    }
    return FH_OK;
}

/* The description that the buffer was made with, but for its size. */
static void describe(const resize *r, const way *w, fh_buffer_desc *out_desc)
{
    const fhi_record *record = r->buffer.record;
    fh_pool *pool = r->buffer.backing.memory->pool;

    fhi_latch_acquire(&r->lane->lock);
    *out_desc = (fh_buffer_desc){
        .size = r->size,
        .usage = record->usage,
        .stride = record->stride,
        /* Whole words, so that it can be filled to its end. */
        .capacity = fhi_align_up(r->size, 4),
        .memory =
            {
                .location = (fh_location)(record->location >> 4),
                .access = (fh_access)(record->location & 0xf),
                .required = record->wish.required,
                .preferred = record->wish.preferred,
                .type_mask = record->wish.type_mask,
                .dedicated = (fh_dedicated)record->wish.dedicated,
                .strategy = (fh_strategy)record->wish.strategy,
                .upper = record->wish.upper,
                .pool = pool && pool->custom ? pool : NULL,
                .priority = record->priority,
                .tag = record->tag,
                .within_budget = record->wish.within_budget,
                .movable = (record->flags & FHI_RECORD_MOVABLE) != 0,
            },
    };
    fhi_latch_release(&r->lane->lock);
    if (!w->by_gpu) {
        out_desc->memory.required |= FH_MEMORY_HOST_VISIBLE;
    }
}

/* A parcel like the buffer, of the new size, that nobody knows of. */
static fh_result make_ghost(const resize *r, const way *w, uint32_t *out_slot)
{
    fhi_core *core = r->core;
    alignas(16) unsigned char object[FHI_OBJECT_MAX];
    fh_buffer_desc desc;
    fhi_request request = {.kind = (fh_kind)r->buffer.record->kind};

    *out_slot = FHI_NO_SLOT;
    describe(r, w, &desc);
    memset(object, 0, core->object_size);
    fh_result result =
        fhi_backend_result(core, core->ops->buffer_create(core->backend, &desc, desc.capacity,
                                                          object, &request.requirements));
    if (result != FH_OK) {
        return result;
    }
    request.buffer = &desc;
    request.memory = &desc.memory;
    request.usage = desc.usage;
    request.capacity = desc.capacity; /* committed: 0, the buffer counts its bytes itself */
    request.lane = r->buffer.record->lane;
    request.object = object;
    request.sort = FHI_SORT_LINEAR;
    request.address = (desc.usage & FH_USAGE_DEVICE_ADDRESS) != 0;
    fhi_request_prepare(&request, false);
    result = fhi_parcel_prepare(core, &request, out_slot);
    if (result != FH_OK) {
        return result;
    }
    fhi_record *ghost = fhi_record_at(core, *out_slot);
    fhi_latch_acquire(&r->lane->lock);
    ghost->flags |= FHI_RECORD_GHOST;
    fhi_latch_release(&r->lane->lock);
    /* The exchange needs it, and must not fail. */
    if (!fhi_record_make_uses(core, *out_slot) ||
        !fhi_record_make_uses(core, fhi_parcel_slot(r->buffer.parcel))) {
        fhi_parcel_free(core, *out_slot);
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory to note the buffer's last use");
    }
    return FH_OK;
}

static fh_result copy_by_cpu(const resize *r, const fhi_hold *ghost)
{
    const void *content;
    uint64_t size = r->buffer.committed;
    fh_result result = fhi_direct_look(r->core, &r->buffer, 0, size, &content);

    if (result == FH_OK) {
        result = fhi_direct_write(r->core, ghost, 0, content, size);
    }
    if (result == FH_OK) {
        result = fhi_direct_write(r->core, ghost, size, NULL, r->size - size);
    }
    return result;
}

/* The zeroes first, from the word on in which the content ends. */
static fh_result copy_by_gpu(resize *r, const fhi_hold *ghost)
{
    const fhi_hold holds[2] = {r->buffer, *ghost};
    uint64_t begin = fhi_align_down(r->buffer.committed, 4);
    const fh_backend_copy copies[2] = {
        {.kind = FH_COPY_FILL,
         .dst = ghost->object,
         .dst_offset = begin,
         .size = ghost->capacity - begin},
        {.kind = FH_COPY_BUFFER,
         .src = r->buffer.object,
         .dst = ghost->object,
         .size = r->buffer.committed},
    };
    return fhi_copy_submit(r->core, copies, 2, holds, 2, &r->epoch);
}

/* What the CPU reads from slowly is better left to the GPU. */
static fh_result copy_content(resize *r, const way *w, const fhi_hold *ghost)
{
    bool cached = (fhi_type_flags(r->core, r->buffer.type) & FH_MEMORY_HOST_CACHED) != 0;
    bool better = cached && is_visible(r->core, &r->buffer) && is_visible(r->core, ghost) &&
                  !look_for_uses(r).any;

    return better || !w->by_gpu ? copy_by_cpu(r, ghost) : copy_by_gpu(r, ghost);
}

/* The buffer gets the ghost's memory and object, the ghost the buffer's and all its uses. */
static void exchange(resize *r, uint32_t ghost_slot)
{
    const uint16_t of_memory = FHI_RECORD_DEDICATED | FHI_RECORD_MARGIN;
    fhi_core *core = r->core;
    uint32_t slot = fhi_parcel_slot(r->buffer.parcel);
    fhi_record *buffer = r->buffer.record;
    fhi_record *ghost = fhi_record_at(core, ghost_slot);

    fhi_latch_acquire(&r->lane->lock);
    const fhi_record was = {
        .backing = buffer->backing,
        .type = buffer->type,
        .flags = buffer->flags,
        .capacity = buffer->capacity,
        .room = buffer->room,
    };
    buffer->backing = ghost->backing;
    buffer->type = ghost->type;
    buffer->flags = (uint16_t)((was.flags & ~of_memory) | (ghost->flags & of_memory));
    buffer->capacity = ghost->capacity;
    buffer->room = ghost->room;
    buffer->moves++;

    ghost->backing = was.backing;
    ghost->type = was.type;
    ghost->flags = (uint16_t)((ghost->flags & ~of_memory) | (was.flags & of_memory));
    ghost->capacity = was.capacity;
    ghost->room = was.room;
    memcpy(fhi_record_uses(core, ghost_slot), fhi_record_uses(core, slot),
           FH_QUEUE_MAX * sizeof(uint64_t));
    ghost->used = buffer->used;
    ghost->state = FHI_STATE_LIVE; /* until it retires, at once */

    r->lane->committed_bytes += r->size - buffer->committed;
    fhi_record_set_committed(buffer, r->size);
    buffer->wish.extent = r->size;
    note_shape(r);
    fhi_latch_release(&r->lane->lock);
}

static fh_result resize_by_moving(resize *r)
{
    fhi_core *core = r->core;
    way w;
    uint32_t ghost_slot;
    fh_result result = check_movable(r, &w);

    if (result == FH_OK) {
        if (look_for_uses(r).any) {
            fhi_queues_poll(core);
        }
        result = check_free(r, &w);
    }
    if (result == FH_OK) {
        result = make_ghost(r, &w, &ghost_slot);
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_hold ghost = {.parcel = {ghost_slot}, .record = fhi_record_at(core, ghost_slot)};
    fhi_hold_look(core, &ghost);

    fhi_move_begin(core, r->buffer.record);
    result = check_free(r, &w);
    if (result == FH_OK) {
        fhi_hold_look(core, &r->buffer); /* whether it was used since */
        result = copy_content(r, &w, &ghost);
    }
    if (result == FH_OK) {
        exchange(r, ghost_slot);
    }
    fhi_move_end(core, r->buffer.record);
    fhi_backend_result(core, result);
    if (result != FH_OK) {
        fhi_parcel_free(core, ghost_slot);
        return result;
    }
    if (r->epoch.value != 0) {
        fhi_copy_observe(core, 2, &r->buffer, 1, r->epoch);
    }
    fhi_retire_slot(core, ghost_slot);
    fhi_latch_acquire(&r->lane->lock);
    bool named = r->buffer.record->name != NULL;
    fhi_latch_release(&r->lane->lock);
    if (named && core->ops->object_name) {
        fhi_name_pass_on(core, &r->buffer);
    }
    return FH_OK;
}

/* ---- public ---- */

static fh_result check(const resize *r)
{
    const fhi_record *record = r->buffer.record;

    if (!fhi_hold_is_buffer(&r->buffer)) {
        return fhi_fail(FH_ERR_INVALID, "the parcel is not a buffer");
    }
    if (r->size == 0 || r->size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail(FH_ERR_INVALID, "size is 0 or above 2^63");
    }
    if (record->stride != 0 && r->size % record->stride != 0) {
        return fhi_fail_with(FH_ERR_INVALID, "size {} is not a multiple of stride {}", r->size,
                             record->stride, 0);
    }
    return fhi_is_lost(r->core) ? fhi_fail_lost() : FH_OK;
}

/* False: another thread is at it. */
static bool begin(resize *r)
{
    fhi_record *record = r->buffer.record;

    fhi_latch_acquire(&r->lane->lock);
    bool first = (record->flags & FHI_RECORD_RESIZING) == 0;
    record->flags |= FHI_RECORD_RESIZING;
    fhi_record_unfold(record);
    r->extent = record->wish.extent; /* of a buffer; else not looked at */
    fhi_latch_release(&r->lane->lock);
    if (first) {
        fhi_hold_look(r->core, &r->buffer);
        r->before = (fh_parcel_bytes){r->buffer.backing.reserved, r->buffer.committed};
    }
    return first;
}

static void end(resize *r)
{
    fhi_latch_acquire(&r->lane->lock);
    r->buffer.record->flags &= (uint16_t)~FHI_RECORD_RESIZING;
    fhi_latch_release(&r->lane->lock);
}

static void tell(const resize *r)
{
    const fhi_record *record = r->buffer.record;

    if ((r->buffer.flags & FHI_RECORD_DEED) != 0) {
        fhi_deed_notify_resized(r->core, record, r->before, r->after);
    }
    if (fhi_is_observed(r->core, FH_EVENT_PARCEL_RESIZED)) {
        fhi_observe(r->core, &(fh_event){.kind = FH_EVENT_PARCEL_RESIZED,
                                         .parcel = r->buffer.parcel,
                                         .parcel_kind = (fh_kind)record->kind,
                                         .tag = record->tag,
                                         .bytes = r->after.committed,
                                         .bytes_before = r->before.committed,
                                         .memory = r->memory,
                                         .offset = r->offset});
    }
}

static fh_result run(resize *r)
{
    if (!begin(r)) {
        return fhi_fail(FH_ERR_BUSY, "another resize of the buffer is under way");
    }
    fh_result result = check(r);
    bool same = result == FH_OK && r->size == r->buffer.committed;
    if (result == FH_OK && !same) {
        result = r->size <= r->buffer.capacity ? resize_in_place(r) : resize_by_moving(r);
    }
    end(r);
    if (result == FH_OK && !same) {
        tell(r);
    }
    return result;
}

fh_result fh_buffer_resize(fh_device *device, fh_parcel buffer, uint64_t size, fh_epoch *out_epoch)
{
    if (out_epoch) {
        *out_epoch = (fh_epoch){0};
    }
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    fhi_core *core = device->core;
    resize r = {.core = core, .buffer = {.parcel = buffer}, .size = size};
    fh_result result = fhi_holds_pin(core, &r.buffer, 1);
    if (result != FH_OK) {
        return result;
    }
    r.lane = &core->lanes[r.buffer.record->lane];
    result = run(&r);
    fhi_holds_unpin(core, &r.buffer, 1);
    if (result == FH_OK && out_epoch) {
        *out_epoch = r.epoch;
    }
    return result;
}
