/* Which memories can be emptied. A heap's account counts driver bytes, and those come free by whole
 * memories only: what is let go of in a block where something else stays is let go in vain. So the
 * candidates are grouped by the memory they lie in (*grounds*), and a ground comes into question
 * only when every parcel in it is a candidate, or is on its way out already.
 *
 * The order of the grounds is that of their last parcels: a block is as dear as the dearest thing
 * in it, and a dedicated memory stands where its parcel stands. Blocks of many parcels with mixed
 * priorities all end near the dear end, though, and which of them ends first is then chance: where
 * a memory that lies in the same part of the order covers the rest for less than half of what would
 * be lost, it is taken instead.
 *
 * Memories are told apart by their ids; pools are only compared: once the lane's lock is given up
 * both may be gone. */

#include "device/evict.h"

#include <string.h>

enum {
    FIRST_GROUNDS = 128
};

#define EXTERNAL (UINT64_C(1) << 63) /* with the slot: the id of an external parcel's ground */

/* ---- the table ---- */

static uint32_t place_of(const fhi_candidates *c, uint64_t id)
{
    uint32_t mask = 2 * c->ground_capacity - 1;
    uint32_t place = (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
    while (c->index[place] != 0 && c->grounds[c->index[place] - 1].id != id) {
        place = (place + 1) & mask;
    }
    return place;
}

static void free_both(const fhi_candidates *c, fhi_ground *grounds, uint32_t *index,
                      uint32_t capacity)
{
    fhi_host_free(&c->core->memory, grounds, capacity, sizeof *grounds, 64);
    fhi_host_free(&c->core->memory, index, capacity, 2 * sizeof *index, 64);
}

bool fhi_grounds_provide(fhi_candidates *c, uint32_t count)
{
    const fh_host_memory *memory = &c->core->memory;
    if (c->ground_capacity - c->ground_count >= count) {
        return true;
    }
    uint32_t before = c->ground_capacity;
    uint32_t capacity = before == 0 ? FIRST_GROUNDS : before * 2;
    fhi_ground *grounds = fhi_host_alloc(memory, capacity, sizeof *grounds, 64);
    uint32_t *index = fhi_host_alloc(memory, capacity, 2 * sizeof *index, 64);
    if (!grounds || !index) {
        free_both(c, grounds, index, capacity);
        return false;
    }
    if (c->ground_count > 0) {
        memcpy(grounds, c->grounds, c->ground_count * sizeof *grounds);
    }
    memset(index, 0, (size_t)capacity * 2 * sizeof *index);
    free_both(c, c->grounds, c->index, before);
    c->grounds = grounds;
    c->index = index;
    c->ground_capacity = capacity;
    for (uint32_t i = 0; i < c->ground_count; i++) {
        index[place_of(c, grounds[i].id)] = i + 1;
    }
    return true;
}

void fhi_grounds_finish(fhi_candidates *c)
{
    free_both(c, c->grounds, c->index, c->ground_capacity);
}

static bool wants_of_heap(const fhi_candidates *c, uint32_t heap)
{
    return c->goal->total > 0 || c->goal->heaps[heap] > 0;
}

/* ---- filling it ---- */

/* External memory is none of ours: it helps a heap only when it is the driver that is short of
 * memory. Imported memory is charged to nobody. */
static bool describe(const fhi_candidates *c, uint32_t slot, const fhi_record *record,
                     bool is_candidate, fhi_ground *out)
{
    const fhi_memory *memory = record->backing.memory;
    *out = (fhi_ground){.first = FHI_EVICT_NONE, .worst = FHI_EVICT_NONE, .spare = UINT32_MAX};
    if (record->type == FHI_NO_TYPE) {
        out->id = EXTERNAL | slot;
        out->heap = record->heap;
        out->size = record->backing.reserved;
        return is_candidate && c->goal->external;
    }
    if (!memory || memory->imported) {
        return false;
    }
    out->id = memory->id;
    out->heap = (uint8_t)memory->heap;
    out->size = memory->size;
    out->pool = memory->pool;
    return true;
}

uint32_t fhi_grounds_add(fhi_candidates *c, uint32_t slot, const fhi_record *record,
                         bool is_candidate)
{
    fhi_ground fresh;
    if (!describe(c, slot, record, is_candidate, &fresh) || !wants_of_heap(c, fresh.heap)) {
        return FHI_EVICT_NONE;
    }
    uint32_t place = place_of(c, fresh.id);
    if (c->index[place] == 0) {
        c->grounds[c->ground_count++] = fresh;
        c->index[place] = c->ground_count;
    }
    fhi_ground *ground = &c->grounds[c->index[place] - 1];
    if (is_candidate) {
        ground->count++;
        ground->live += record->backing.reserved;
        ground->at_tick = ground->at_tick || record->evictable == FH_EVICTABLE_AT_TICK;
    } else if (record->state == FHI_STATE_RETIRING ||
               (record->flags & FHI_RECORD_EVICT_PENDING) != 0) {
        ground->draining = true;
    } else {
        ground->fixed = true;
    }
    return c->index[place] - 1;
}

/* How many blocks the pool may give back, which its grounds are told; and which are empty already
 * and will go when their time is over. */
static void ask_pool(fhi_candidates *c, fh_pool *pool)
{
    uint64_t empty = 0;
    fhi_lock_acquire(&pool->lock);
    uint32_t spare = pool->keep_empty ? 0
                     : pool->block_count > pool->block_count_min
                         ? pool->block_count - pool->block_count_min
                         : 0;
    bool bound = pool->keep_empty || pool->block_count_min > 0;
    for (const fhi_memory *memory = pool->first; memory && spare > 0; memory = memory->next) {
        if (memory->was_empty) {
            empty += memory->size;
            spare--;
        }
    }
    fhi_lock_release(&pool->lock);
    if (!c->goal->at_once) {
        fhi_evict_subtract(&c->goal->total, empty);
        fhi_evict_subtract(&c->goal->heaps[pool->heap], empty);
    }
    for (uint32_t i = 0; bound && i < c->ground_count; i++) {
        if (c->grounds[i].pool == pool) {
            c->grounds[i].spare = spare;
        }
    }
}

/* The pool may give one more back. Only pools that keep some look. */
static bool is_spare(const fhi_candidates *c, const fhi_ground *ground)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; ground->spare != UINT32_MAX && i < c->ground_count; i++) {
        gone += c->grounds[i].pool == ground->pool && c->grounds[i].gone;
    }
    return gone < ground->spare;
}

void fhi_grounds_settle(fhi_candidates *c)
{
    if (fhi_evict_most_wanted(c->goal) == 0) {
        return;
    }
    for (fh_pool *pool = fhi_pool_next(c->core, NULL); pool; pool = fhi_pool_next(c->core, pool)) {
        if (wants_of_heap(c, pool->heap)) {
            ask_pool(c, pool);
        }
    }
    for (uint32_t i = 0; i < c->ground_count; i++) {
        fhi_ground *ground = &c->grounds[i];
        if (ground->draining && !ground->fixed && ground->count == 0 && is_spare(c, ground)) {
            ground->gone = true;
            if (!c->goal->at_once) {
                fhi_evict_subtract(&c->goal->total, ground->size);
                fhi_evict_subtract(&c->goal->heaps[ground->heap], ground->size);
            }
        }
    }
}

void fhi_ground_reach(fhi_candidates *c, uint32_t index, uint32_t place)
{
    if (c->all[index].ground == FHI_EVICT_NONE) {
        return;
    }
    fhi_ground *ground = &c->grounds[c->all[index].ground];
    if (ground->first == FHI_EVICT_NONE) {
        ground->first = index;
    } else {
        c->all[ground->last].next = index;
    }
    ground->last = index;
    ground->ranks += place;
    ground->reached++;
    if (ground->reached == ground->count) {
        ground->worst = place;
    }
}

/* ---- choosing ---- */

uint64_t fhi_ground_wanted(const fhi_candidates *c, const fhi_ground *ground)
{
    uint64_t of_heap = c->goal->heaps[ground->heap];
    return c->goal->total > of_heap ? c->goal->total : of_heap;
}

bool fhi_ground_can_go(const fhi_candidates *c, const fhi_ground *ground, bool now)
{
    return !ground->fixed && !ground->gone && !ground->closed && ground->count > 0 &&
           (!now || !c->in_request || !ground->at_tick) && fhi_ground_wanted(c, ground) > 0 &&
           is_spare(c, ground);
}

/* Its candidates stand, on average, before the last one of `ground`. Only here the places of those
 * count that are not reached yet, so it is asked last. */
static bool is_amid(fhi_candidates *c, const fhi_ground *other, const fhi_ground *ground)
{
    if (other->reached < other->count) {
        fhi_evict_order_reach(c, c->count - 1);
    }
    return other->ranks / (other->count + !other->count) < ground->worst;
}

fhi_ground *fhi_ground_cheaper(fhi_candidates *c, const fhi_ground *ground)
{
    fhi_ground *found = NULL;
    uint64_t wanted = fhi_ground_wanted(c, ground);
    if (ground->count < 2 || ground->draining || ground->size <= wanted) {
        return NULL;
    }
    for (uint32_t i = 0; i < c->ground_count; i++) {
        fhi_ground *other = &c->grounds[i];
        if (other != ground && other->heap == ground->heap && other->size >= wanted &&
            other->live <= ground->live / 2 && (!found || other->live < found->live) &&
            fhi_ground_can_go(c, other, true) && is_amid(c, other, ground)) {
            found = other;
        }
    }
    return found;
}

void fhi_ground_goes(fhi_candidates *c, fhi_ground *ground)
{
    ground->gone = true;
    fhi_evict_subtract(&c->goal->total, ground->size);
    fhi_evict_subtract(&c->goal->heaps[ground->heap], ground->size);
}
