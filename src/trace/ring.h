/* A ring of bytes between threads that put records in and one that takes them out. Nobody locks,
 * and who puts in never waits.
 *
 * A record is some whole cache lines, so that two threads never write to one line. Who puts one in
 * reserves its lines by moving `head` on with one compare-and-swap, which is what the order of
 * records is; fills them in; and publishes them by the record's first word, which was 0 until
 * then. Who takes out goes from `tail` on as far as first words are not 0, so it waits at a record
 * that is still being filled in, whatever stands behind. What it has taken it clears: the first
 * word of each line, since any of them may be a record's next time.
 *
 * Records do not go around the end: what would is put at the beginning, behind a record of kind 0
 * that fills the lines up to the end, and both are reserved as one.
 *
 * What finds no room is dropped, and who drops it counts it. A record bears the count as it was
 * when it was reserved: so it is known between which records something is missing.
 *
 * (A fixed size of records would waste most of it. Stamps that count rounds instead of zeroes spare
 * the clearing, but every line needs one, so that text and lists would have to be cut up.) */

#ifndef FREEHOLD_TRACE_RING_H
#define FREEHOLD_TRACE_RING_H

#include "base/compiler.h"

#include <freehold/host.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FHI_RING_LINE = 64,        /* bytes */
    FHI_RING_MIN = 128 * 1024, /* bytes of a ring */
    FHI_RING_MAX = 1024 * 1024 * 1024,
    FHI_RING_AHEAD = 8 * 64 /* bytes: how far ahead of the head lines are fetched */
};

typedef struct fhi_ring {
    uint64_t *words;
    uint64_t size; /* bytes, a power of two */
    /* Bytes since the beginning; each on a line of its own. */
    alignas(FHI_RING_LINE) _Atomic uint64_t head;    /* reserved */
    alignas(FHI_RING_LINE) _Atomic uint64_t tail;    /* taken out and cleared */
    alignas(FHI_RING_LINE) _Atomic uint64_t dropped; /* records that found no room */
    /* Of the thread that takes out. */
    alignas(FHI_RING_LINE) uint64_t at; /* as `tail`, but told to nobody yet */
} fhi_ring;

/* A record's room: its first word is its head, which fhi_ring_publish() writes. */
typedef struct fhi_ring_room {
    uint64_t *words; /* NULL: there was no room */
    uint64_t size;   /* bytes, whole lines */
    uint64_t dropped;
} fhi_ring_room;

/* `size`: a power of two, FHI_RING_MIN to FHI_RING_MAX. False: no host memory. */
bool fhi_ring_init(fhi_ring *ring, uint64_t size, const fh_host_memory *memory);
void fhi_ring_finish(fhi_ring *ring, const fh_host_memory *memory);

/* ---- putting in, on any thread ---- */

FHI_HOT_INLINE void fhi_ring_publish(const fhi_ring_room *room, uint32_t kind)
{
    _Atomic uint64_t *first = (_Atomic uint64_t *)room->words;
    atomic_store_explicit(first, (uint64_t)kind << 32 | room->size, memory_order_release);
}

/* A record that found no room is not put in later: count it. */
FHI_HOT_INLINE void fhi_ring_drop(fhi_ring *ring)
{
    atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_release);
}

/* `bytes` > 0, the first word included. */
FHI_HOT_INLINE fhi_ring_room fhi_ring_reserve(fhi_ring *ring, uint64_t bytes)
{
    uint64_t size = (bytes + (FHI_RING_LINE - 1)) & ~(uint64_t)(FHI_RING_LINE - 1);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t dropped, filler;
    do {
        uint64_t left = ring->size - (head & (ring->size - 1)); /* up to the end */
        filler = size > left ? left : 0;
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        /* As signed numbers: a head that is old by now may be behind the tail. */
        if (FHI_UNLIKELY((int64_t)(head + filler + size - tail) > (int64_t)ring->size)) {
            return (fhi_ring_room){NULL, 0, 0};
        }
        dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    } while (FHI_UNLIKELY(!atomic_compare_exchange_weak_explicit(
        &ring->head, &head, head + filler + size, memory_order_relaxed, memory_order_relaxed)));

    uint64_t *words = ring->words + (head & (ring->size - 1)) / sizeof(uint64_t);
    if (FHI_UNLIKELY(filler > 0)) {
        fhi_ring_publish(&(fhi_ring_room){words, filler, 0}, 0);
        words = ring->words;
    }
    /* The lines were last in the hands of the thread that takes out: the next ones are on their way
     * before they are written to. */
    uint64_t ahead = (head + filler + FHI_RING_AHEAD) & (ring->size - 1);
    const char *line = (const char *)ring->words + ahead;
    for (uint64_t i = 0; i < 256 && i < size; i += FHI_RING_LINE) {
        __builtin_prefetch(line + i, 1);
    }
    return (fhi_ring_room){words, size, dropped};
}

/* ---- taking out, on one thread ---- */

/* The next record, if it is published; NULL: there is none now. It stays until fhi_ring_pass(). */
const uint64_t *fhi_ring_first(fhi_ring *ring, uint32_t *out_kind);

/* It was taken out. */
void fhi_ring_pass(fhi_ring *ring);

/* Its room, and that of those before, is free for others. Passing does that now and then. */
void fhi_ring_give(fhi_ring *ring);

/* Nothing is in it, nor being filled in, at this moment. */
bool fhi_ring_is_empty(const fhi_ring *ring);

#endif
