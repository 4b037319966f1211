/* Open addressing with linear probing, at most half full, for the ids that are not in their
 * place. */

#include "replay/ids.h"

#include "replay/array.h"

#include <string.h>

enum {
    FIRST = 64
};

void fhi_ids_init(fhi_ids *ids)
{
    memset(ids, 0, sizeof *ids);
    ids->salt = fhi_salt(ids);
}

void fhi_ids_finish(fhi_ids *ids, const fh_host_memory *memory)
{
    fhi_array_free(memory, ids->ids, ids->capacity, sizeof *ids->ids);
    fhi_array_free(memory, ids->table, ids->table_capacity, sizeof *ids->table);
    memset(ids, 0, sizeof *ids);
}

/* Source: the finaliser of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* Where it is, or where it would be. */
static uint32_t place_of(const fhi_ids *ids, uint64_t id)
{
    uint32_t mask = ids->table_capacity - 1;
    uint32_t place = (uint32_t)mix(id + ids->salt) & mask;
    while (ids->table[place] != 0 && ids->ids[ids->table[place] - 1] != id) {
        place = (place + 1) & mask;
    }
    return place;
}

uint32_t fhi_ids_find(const fhi_ids *ids, uint64_t id)
{
    if (id - 1 < ids->count && ids->ids[id - 1] == id) {
        return (uint32_t)(id - 1);
    }
    if (id == 0 || ids->table_count == 0) {
        return FHI_NONE;
    }
    uint32_t found = ids->table[place_of(ids, id)];
    return found != 0 ? found - 1 : FHI_NONE;
}

static bool grow_table(fhi_ids *ids, const fh_host_memory *memory)
{
    uint32_t before = ids->table_capacity;
    uint32_t *old = ids->table;
    uint32_t larger = before == 0 ? FIRST : before * 2;
    uint32_t *table = larger > before ? fhi_array_make(memory, larger, sizeof *table) : NULL;
    if (!table) {
        return false;
    }
    ids->table = table;
    ids->table_capacity = larger;
    for (uint32_t i = 0; i < before; i++) {
        if (old[i] != 0) {
            table[place_of(ids, ids->ids[old[i] - 1])] = old[i];
        }
    }
    fhi_array_free(memory, old, before, sizeof *old);
    return true;
}

bool fhi_ids_add(fhi_ids *ids, const fh_host_memory *memory, uint64_t id)
{
    if (ids->count == ids->capacity) {
        uint64_t *more =
            fhi_array_extend(memory, ids->ids, ids->count, &ids->capacity, sizeof *more);
        if (!more) {
            return false;
        }
        ids->ids = more;
    }
    if (id != 0 && id - 1 != ids->count) {
        if (ids->table_count >= ids->table_capacity / 2 && !grow_table(ids, memory)) {
            return false;
        }
        ids->table[place_of(ids, id)] = ids->count + 1;
        ids->table_count++;
    }
    ids->ids[ids->count++] = id;
    return true;
}
