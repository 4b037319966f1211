#include "device/lane.h"

#include "device/core.h"

#include <string.h>

/* The first thread gets lane 0, the second lane 1, and so on. The table is a hash of threads'
 * anchors: an entry is claimed by compare-and-swap and never given up, since a later thread that
 * has the same anchor may well have the same lane. In a full table the hash itself picks. */
uint32_t fhi_lane_of_thread(fhi_core *core)
{
    fhi_lane_map *map = &core->lane_map;
    uintptr_t anchor = fhi_thread_anchor();
    uint32_t hash = (uint32_t)(((uint64_t)anchor * UINT64_C(0x9E3779B97F4A7C15)) >> 40);

    for (uint32_t step = 0; step < FHI_THREADS; step++) {
        uint32_t place = (hash + step) % FHI_THREADS;
        uintptr_t thread = atomic_load_explicit(&map->threads[place], memory_order_relaxed);
        if (FHI_LIKELY(thread == anchor)) {
            return atomic_load_explicit(&map->lanes[place], memory_order_relaxed);
        }
        if (thread == 0 && atomic_compare_exchange_strong(&map->threads[place], &thread, anchor)) {
            uint32_t lane = atomic_fetch_add(&map->count, 1) % FHI_LANES;
            atomic_store_explicit(&map->lanes[place], (uint8_t)lane, memory_order_relaxed);
            return lane;
        }
    }
    return hash % FHI_LANES;
}

fh_result fhi_lane_provide_tags(fhi_core *core, uint32_t lane_index)
{
    fhi_lane *lane = &core->lanes[lane_index];
    for (;;) {
        uint32_t count = atomic_load_explicit(&core->tags.count, memory_order_acquire);
        fhi_latch_acquire(&lane->lock);
        uint32_t had = lane->tag_capacity;
        fhi_latch_release(&lane->lock);
        if (had >= count) {
            return FH_OK;
        }
        uint32_t capacity = had == 0 ? 16 : had;
        while (capacity < count) {
            capacity *= 2;
        }
        fhi_share *shares = fhi_host_alloc(&core->memory, capacity, sizeof *shares, 64);
        if (!shares) {
            return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the accounts of tags");
        }
        memset(shares, 0, capacity * sizeof *shares);
        fhi_latch_acquire(&lane->lock);
        fhi_share *old = shares;
        uint32_t old_capacity = capacity;
        if (lane->tag_capacity == had) {
            if (had > 0) {
                memcpy(shares, lane->tags, had * sizeof *shares);
            }
            old = lane->tags;
            old_capacity = had;
            lane->tags = shares;
            lane->tag_capacity = capacity;
        }
        fhi_latch_release(&lane->lock);
        fhi_host_free(&core->memory, old, old_capacity, sizeof *old, 64);
    }
}
