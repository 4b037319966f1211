#include "trace/ring.h"

#include "base/host.h"

#include <string.h>

enum {
    STEPS = 16 /* the tail moves on in steps of such a part of the ring */
};

bool fhi_ring_init(fhi_ring *ring, uint64_t size, const fh_host_memory *memory)
{
    memset(ring, 0, sizeof *ring);
    ring->size = size;
    ring->words = fhi_host_alloc(memory, (size_t)size, 1, FHI_RING_LINE);
    if (!ring->words) {
        return false;
    }
    /* All of it, so that no page is new to the threads that put in. */
    memset(ring->words, 0, (size_t)size);
    return true;
}

void fhi_ring_finish(fhi_ring *ring, const fh_host_memory *memory)
{
    fhi_host_free(memory, ring->words, (size_t)ring->size, 1, FHI_RING_LINE);
    ring->words = NULL;
}

static uint64_t *words_at(const fhi_ring *ring)
{
    return ring->words + (ring->at & (ring->size - 1)) / sizeof(uint64_t);
}

const uint64_t *fhi_ring_first(fhi_ring *ring, uint32_t *out_kind)
{
    for (;;) {
        uint64_t *words = words_at(ring);
        uint64_t first = atomic_load_explicit((_Atomic uint64_t *)words, memory_order_acquire);
        *out_kind = (uint32_t)(first >> 32);
        if (first == 0 || *out_kind != 0) {
            return first != 0 ? words : NULL;
        }
        fhi_ring_pass(ring);
    }
}

void fhi_ring_pass(fhi_ring *ring)
{
    uint64_t *words = words_at(ring);
    uint64_t size = words[0] & UINT32_MAX;
    for (uint64_t i = 0; i < size / sizeof(uint64_t); i += FHI_RING_LINE / sizeof(uint64_t)) {
        atomic_store_explicit((_Atomic uint64_t *)(words + i), 0, memory_order_relaxed);
    }
    ring->at += size;
    if (ring->at - atomic_load_explicit(&ring->tail, memory_order_relaxed) >= ring->size / STEPS) {
        fhi_ring_give(ring);
    }
}

void fhi_ring_give(fhi_ring *ring)
{
    atomic_store_explicit(&ring->tail, ring->at, memory_order_release);
}

bool fhi_ring_is_empty(const fhi_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire) == ring->at;
}
