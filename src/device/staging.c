/* Staging buffers. A *piece* is cut from its front to its end, so that many small uploads share
 * one; it starts again at its front when the last copy that was handed to the queue with it has
 * passed. That is a ring's memory without a ring's bookkeeping: what a program uploads in a few
 * frames fits the sixteen pieces.
 *
 * Where all are in use the thread waits for the one whose copy will pass first: so a program that
 * uploads faster than the GPU copies is slowed down, and does not grow. Pieces are never waited for
 * while another thread has them in its hands: that thread may itself be slow. Where all are in
 * hands (sixteen threads, this is the next) a buffer is made for this one transfer.
 *
 * What is short of memory makes do with less: a piece that is there already, or the wait for
 * one. */

#include "device/staging.h"

#include "base/bits.h"
#include "base/clock.h"
#include "device/core.h"
#include "device/mapping.h"

enum {
    NO_PIECE = FHI_STAGING_PIECES,
    BUSY_NS = 50000 /* how long a thread may have a piece in its hands, more or less */
};

/* ---- looking; the lock is held ---- */

static bool is_there(const fhi_staging_piece *piece, bool readback)
{
    return piece->buffer.id != 0 && !piece->busy && piece->readback == readback;
}

/* Where the next span of a piece begins: on 16 bytes, which is what copies are fast with, and on an
 * atom, so that no span's flush touches bytes that the GPU is at for another one. */
static uint64_t next_offset(const fhi_core *core, const fhi_staging_piece *piece,
                            const fhi_staging_want *want)
{
    uint64_t even = UINT64_C(1) << fhi_lowest_bit(want->multiple);
    uint64_t odd = want->multiple / even;
    uint64_t least = core->coherent_everywhere || core->adapter.atom < 16 ? 16 : core->adapter.atom;
    uint64_t multiple = odd * (even > least ? even : least);
    uint64_t rest = piece->used % multiple;

    return rest == 0 ? piece->used : piece->used + (multiple - rest);
}

/* A piece with room for `size` bytes. */
static uint32_t find_room(fhi_core *core, const fhi_staging_want *want, uint64_t size)
{
    for (uint32_t i = 0; i < FHI_STAGING_PIECES; i++) {
        fhi_staging_piece *piece = &core->staging.pieces[i];
        if (!is_there(piece, want->readback)) {
            continue;
        }
        if (fhi_epoch_has_passed(core, piece->last)) {
            piece->used = 0;
        }
        uint64_t offset = next_offset(core, piece, want);
        if (offset <= piece->size && size <= piece->size - offset) {
            return i;
        }
    }
    return NO_PIECE;
}

/* Where a new piece can go: a free place, or that of a piece that nobody uses, which was too small
 * or for the other direction. */
static uint32_t find_place(fhi_core *core)
{
    uint32_t idle = NO_PIECE;

    for (uint32_t i = 0; i < FHI_STAGING_PIECES; i++) {
        const fhi_staging_piece *piece = &core->staging.pieces[i];
        if (piece->busy) {
            continue;
        }
        if (piece->buffer.id == 0) {
            return i;
        }
        if (fhi_epoch_has_passed(core, piece->last)) {
            idle = i;
        }
    }
    return idle;
}

/* The piece in use whose copies pass first; of those for `want` alone when `mine`. */
static uint32_t find_oldest(fhi_core *core, const fhi_staging_want *want, bool mine)
{
    uint32_t oldest = NO_PIECE;

    for (uint32_t i = 0; i < FHI_STAGING_PIECES; i++) {
        const fhi_staging_piece *piece = &core->staging.pieces[i];
        if (piece->busy || piece->buffer.id == 0 ||
            (mine && (piece->readback != want->readback || piece->size < want->least))) {
            continue;
        }
        if (oldest == NO_PIECE || piece->last.value < core->staging.pieces[oldest].last.value) {
            oldest = i;
        }
    }
    return oldest;
}

/* ---- pieces ---- */

/* Bytes of a new piece: the first is small, and with each one that is full the next is twice as
 * large. The lock is held. */
static uint64_t piece_size(fhi_core *core, const fhi_staging_want *want)
{
    uint64_t size = FHI_STAGING_LEAST;

    for (uint32_t i = 0; i < FHI_STAGING_PIECES && size < FHI_STAGING_CHUNK; i++) {
        size *= is_there(&core->staging.pieces[i], want->readback) ? 2 : 1;
    }
    while (size < want->size) {
        size *= 2;
    }
    return size;
}

/* Make a buffer, mapped. Nothing of `piece` is used. */
static fh_result make(fhi_core *core, const fhi_staging_want *want, uint64_t size,
                      fhi_staging_piece *out_piece)
{
    const fh_buffer_desc desc = {
        .size = size,
        .usage = want->readback ? FH_USAGE_COPY_DST : FH_USAGE_COPY_SRC,
        .memory = {.location = want->readback ? FH_LOCATION_READBACK : FH_LOCATION_UPLOAD,
                   .mapped = true,
                   .name = want->readback ? "staging readback" : "staging upload"},
    };
    fhi_hold hold = {.parcel = {0}};
    void *pointer = NULL;

    *out_piece = (fhi_staging_piece){.size = size, .readback = want->readback};
    fh_result result = fhi_buffer_make(core, &desc, FH_KIND_STAGING, &hold.parcel);
    if (result != FH_OK) {
        return result;
    }
    result = fhi_holds_pin(core, &hold, 1);
    if (result == FH_OK) {
        fhi_holds_begin(core, &hold, 1);
        result = fhi_memory_map(core, hold.backing.memory, &pointer);
        fhi_holds_end(core, &hold, 1);
        fhi_backend_result(core, result);
        fhi_holds_unpin(core, &hold, 1);
    }
    if (result != FH_OK) {
        fh_parcel_release(&core->root, hold.parcel);
        return result;
    }
    out_piece->buffer = hold.parcel;
    out_piece->pointer = (unsigned char *)pointer + hold.backing.offset;
    return FH_OK;
}

/* Put a new buffer into a place that is in this thread's hands. On failure the place is free. */
static fh_result replace(fhi_core *core, const fhi_staging_want *want, uint32_t place)
{
    fhi_staging *staging = &core->staging;
    fhi_staging_piece fresh = {.busy = false};

    fhi_lock_acquire(&staging->lock);
    fh_parcel old = staging->pieces[place].buffer;
    staging->pieces[place].buffer = (fh_parcel){0};
    uint64_t size = piece_size(core, want);
    fhi_lock_release(&staging->lock);
    fh_parcel_release(&core->root, old);

    fh_result result = make(core, want, size, &fresh);
    if (result != FH_OK && size > want->size) {
        result = make(core, want, want->size, &fresh);
    }
    fresh.busy = result == FH_OK;
    fhi_lock_acquire(&staging->lock);
    staging->pieces[place] = fresh;
    fhi_lock_release(&staging->lock);
    return result;
}

/* Whether a piece that nobody uses, and that is in this thread's hands, is what is wanted. */
static bool suits(fhi_core *core, const fhi_staging_want *want, uint32_t place)
{
    const fhi_staging_piece *piece = &core->staging.pieces[place];

    fhi_lock_acquire(&core->staging.lock);
    bool it_does =
        piece->buffer.id != 0 && piece->readback == want->readback && piece->size >= want->size;
    fhi_lock_release(&core->staging.lock);
    return it_does;
}

/* Cut a span from a piece that is in this thread's hands. False: there is no room for what will
 * do. */
static bool cut(fhi_core *core, const fhi_staging_want *want, uint32_t place, fhi_span *out_span)
{
    fhi_staging *staging = &core->staging;
    fhi_staging_piece *piece = &staging->pieces[place];

    fhi_lock_acquire(&staging->lock);
    if (fhi_epoch_has_passed(core, piece->last)) {
        piece->used = 0;
    }
    uint64_t offset = next_offset(core, piece, want);
    uint64_t room = offset < piece->size ? piece->size - offset : 0;
    bool fits = piece->readback == want->readback && room >= want->least;
    if (fits) {
        *out_span = (fhi_span){
            .buffer = piece->buffer,
            .pointer = (unsigned char *)piece->pointer + offset,
            .offset = offset,
            .size = room < want->size ? room : want->size,
            .place = place,
            .readback = piece->readback,
        };
        piece->used = offset + out_span->size;
        piece->tick = fhi_tick_count(core);
    } else {
        piece->busy = false;
    }
    fhi_lock_release(&staging->lock);
    return fits;
}

static void let_go(fhi_core *core, uint32_t place)
{
    fhi_lock_acquire(&core->staging.lock);
    core->staging.pieces[place].busy = false;
    fhi_lock_release(&core->staging.lock);
}

/* ---- taking ---- */

/* Take a piece of those that `find` gives, into this thread's hands. */
static uint32_t take_room(fhi_core *core, const fhi_staging_want *want, uint64_t size)
{
    fhi_lock_acquire(&core->staging.lock);
    uint32_t place = find_room(core, want, size);
    if (place != NO_PIECE) {
        core->staging.pieces[place].busy = true;
    }
    fhi_lock_release(&core->staging.lock);
    return place;
}

static uint32_t take_place(fhi_core *core)
{
    fhi_lock_acquire(&core->staging.lock);
    uint32_t place = find_place(core);
    if (place != NO_PIECE) {
        core->staging.pieces[place].busy = true;
    }
    fhi_lock_release(&core->staging.lock);
    return place;
}

/* Take the oldest piece and wait until it is free. NO_PIECE in *out_place: there is none. */
static fh_result take_oldest(fhi_core *core, const fhi_staging_want *want, bool mine,
                             uint32_t *out_place)
{
    fhi_lock_acquire(&core->staging.lock);
    uint32_t place = find_oldest(core, want, mine);
    fh_epoch last = {0};
    if (place != NO_PIECE) {
        core->staging.pieces[place].busy = true;
        last = core->staging.pieces[place].last;
    }
    fhi_lock_release(&core->staging.lock);
    *out_place = place;
    if (place == NO_PIECE) {
        return FH_OK;
    }
    fh_result result = fhi_epoch_wait(core, last, fhi_time_left(want->deadline_ns));
    if (result != FH_OK) {
        let_go(core, place);
        *out_place = NO_PIECE;
    }
    return result;
}

/* Whether there is any piece for `want`, if need be in another thread's hands. */
static bool is_any_there(fhi_core *core, const fhi_staging_want *want)
{
    bool any = false;

    fhi_lock_acquire(&core->staging.lock);
    for (uint32_t i = 0; i < FHI_STAGING_PIECES; i++) {
        const fhi_staging_piece *piece = &core->staging.pieces[i];
        any = any || (piece->buffer.id != 0 && piece->readback == want->readback &&
                      piece->size >= want->least);
    }
    fhi_lock_release(&core->staging.lock);
    return any;
}

/* No memory for another buffer: what is there must do. `failure` is why. */
static fh_result take_what_is_there(fhi_core *core, const fhi_staging_want *want, fh_result failure,
                                    fhi_span *out_span)
{
    do {
        uint32_t place = take_room(core, want, want->least);
        if (place == NO_PIECE) {
            fh_result result = take_oldest(core, want, true, &place);
            if (result != FH_OK) {
                return result;
            }
        }
        if (place != NO_PIECE && cut(core, want, place, out_span)) {
            return FH_OK;
        }
        if (fhi_is_lost(core)) {
            return fhi_fail_lost();
        }
        fhi_sleep_ns(BUSY_NS);
    } while (is_any_there(core, want) && fhi_time_left(want->deadline_ns) > 0);
    return failure;
}

static fh_result take_one_off(fhi_core *core, const fhi_staging_want *want, fhi_span *out_span)
{
    fhi_staging_piece piece;
    fh_result result = make(core, want, want->size, &piece);

    if (result == FH_OK) {
        *out_span = (fhi_span){
            .buffer = piece.buffer,
            .pointer = piece.pointer,
            .size = want->size,
            .place = NO_PIECE,
            .readback = want->readback,
        };
    }
    return result;
}

fh_result fhi_staging_take(fhi_core *core, const fhi_staging_want *want, fhi_span *out_span)
{
    *out_span = (fhi_span){.size = 0};
    if (fhi_is_lost(core)) {
        return fhi_fail_lost();
    }
    uint32_t place = take_room(core, want, want->size);
    if (place == NO_PIECE) {
        fhi_queues_poll(core);
        place = take_room(core, want, want->size);
    }
    if (place != NO_PIECE && cut(core, want, place, out_span)) {
        return FH_OK;
    }
    fh_result result = FH_OK;
    place = take_place(core);
    if (place == NO_PIECE) {
        result = take_oldest(core, want, false, &place);
    }
    if (result == FH_OK && place == NO_PIECE) {
        return take_one_off(core, want, out_span);
    }
    if (result == FH_OK && !suits(core, want, place)) {
        result = replace(core, want, place);
        if (result != FH_OK) {
            return take_what_is_there(core, want, result, out_span);
        }
    }
    if (result == FH_OK && !cut(core, want, place, out_span)) {
        result = FH_ERR_OUT_OF_MEMORY; /* does not happen: it was made for this */
    }
    return result;
}

void fhi_staging_give(fhi_core *core, const fhi_span *span, fh_epoch last)
{
    if (span->place == NO_PIECE) {
        fh_parcel_release(&core->root, span->buffer); /* its uses say when it can go */
        return;
    }
    fhi_lock_acquire(&core->staging.lock);
    fhi_staging_piece *piece = &core->staging.pieces[span->place];
    if (last.value != 0) {
        piece->last = last;
    } else if (piece->used == span->offset + span->size) {
        piece->used = span->offset; /* nothing became of it */
    }
    piece->busy = false;
    fhi_lock_release(&core->staging.lock);
}

/* ---- giving up ---- */

/* Take one piece out of the table that can go; {0}: none. */
static fh_parcel take_out(fhi_core *core, bool all, bool finish, uint64_t *out_bytes)
{
    fh_parcel buffer = {0};
    uint32_t now = fhi_tick_count(core);

    fhi_lock_acquire(&core->staging.lock);
    for (uint32_t i = 0; buffer.id == 0 && i < FHI_STAGING_PIECES; i++) {
        fhi_staging_piece *piece = &core->staging.pieces[i];
        bool idle = piece->buffer.id != 0 && !piece->busy;
        bool old = now - (uint32_t)piece->tick >= FHI_STAGING_TICKS;
        /* What the GPU still uses would free nothing now, and be made again soon. */
        if (idle && (finish || ((all || old) && fhi_epoch_has_passed(core, piece->last)))) {
            buffer = piece->buffer;
            *out_bytes += piece->size;
            *piece = (fhi_staging_piece){.busy = false};
        }
    }
    fhi_lock_release(&core->staging.lock);
    return buffer;
}

uint64_t fhi_staging_trim(fhi_core *core, bool all)
{
    uint64_t bytes = 0;

    for (fh_parcel buffer; (buffer = take_out(core, all, false, &bytes)).id != 0;) {
        fh_parcel_release(&core->root, buffer);
    }
    return bytes;
}

void fhi_staging_finish(fhi_core *core)
{
    uint64_t bytes = 0;

    for (fh_parcel buffer; (buffer = take_out(core, true, true, &bytes)).id != 0;) {
        fh_parcel_release(&core->root, buffer);
    }
}
