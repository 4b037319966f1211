#include "layer/id_set.h"

#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY_MIN = 32
};

/* Ids run on by one, so any multiplication with an odd number spreads them; this one, 2^64 over the
 * golden ratio, spreads neighbours farthest. Source: Knuth, TAOCP 3, 6.4. */
static uint32_t home_slot(const fhi_id_set *set, uint64_t id)
{
    uint32_t bits = fhi_highest_bit(set->capacity) + 1;
    return (uint32_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits));
}

/* The slot that holds `id`, or the free one in which it belongs. At most half of all are taken. */
static uint32_t find_slot(const fhi_id_set *set, uint64_t id)
{
    uint32_t mask = set->capacity * 2 - 1;
    uint32_t slot = home_slot(set, id);
    while (set->slots[slot] != 0 && set->ids[set->slots[slot] - 1] != id) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool grow(fhi_id_set *set)
{
    uint32_t capacity = set->capacity == 0 ? CAPACITY_MIN : set->capacity * 2;
    if (capacity > UINT32_MAX / 4) {
        return false;
    }
    uint64_t *ids = malloc(capacity * sizeof *ids);
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (ids == NULL || slots == NULL) {
        free(ids);
        free(slots);
        return false;
    }
    fhi_id_set old = *set;
    set->ids = ids;
    set->slots = slots;
    set->capacity = capacity;
    for (uint32_t i = 0; i < old.count; i++) {
        ids[i] = old.ids[i];
        slots[find_slot(set, ids[i])] = i + 1;
    }
    free(old.ids);
    free(old.slots);
    return true;
}

void fhi_id_set_finish(fhi_id_set *set)
{
    free(set->ids);
    free(set->slots);
    *set = (fhi_id_set){0};
}

void fhi_id_set_clear(fhi_id_set *set)
{
    if (set->count > set->capacity / 8) {
        memset(set->slots, 0, (size_t)set->capacity * 2 * sizeof *set->slots);
        set->count = 0;
    }
    /* The last that came in ends every chain it stands in, so backwards no search meets a gap. */
    while (set->count > 0) {
        set->slots[find_slot(set, set->ids[set->count - 1])] = 0;
        set->count -= 1;
    }
    set->incomplete = false;
}

void fhi_id_set_insert(fhi_id_set *set, uint64_t id)
{
    uint32_t slot = 0;
    if (set->capacity != 0) {
        slot = find_slot(set, id);
        if (set->slots[slot] != 0) {
            return;
        }
    }
    if (set->count == set->capacity) {
        if (!grow(set)) {
            set->incomplete = true;
            return;
        }
        slot = find_slot(set, id);
    }
    set->ids[set->count] = id;
    set->count += 1;
    set->slots[slot] = set->count;
}

void fhi_id_set_add_all(fhi_id_set *set, const fhi_id_set *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        fhi_id_set_add(set, other->ids[i]);
    }
    set->incomplete = set->incomplete || other->incomplete;
}
