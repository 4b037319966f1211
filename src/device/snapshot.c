/* The parcels are copied first, then the blocks. A parcel whose block is not there any more was
 * freed in between, and is left out; one that was made in between shows as a gap. Two parcels can
 * overlap only when one was freed and the other took its place while the walk went from one to the
 * other: then it is looked up which of the two still lies there.
 *
 * Names are not copied: who writes a dump looks them up row by row. A piece has 72 bytes, and a
 * device may have a million. */

#include "device/snapshot.h"

#include "device/core.h"

#include <stdlib.h>
#include <string.h>

/* ---- room, from the host's memory; no lock is held here ---- */

/* Arrays of `size` bytes an item, grown by doubling. NULL: no host memory; the old one is as it
 * was. */
static void *grow(const fhi_snapshot *snapshot, void *items, size_t size, size_t count,
                  size_t *capacity, size_t wanted)
{
    const fh_host_memory *memory = &snapshot->core->memory;
    size_t larger = *capacity * 2 > wanted ? *capacity * 2 : wanted;
    void *fresh = fhi_host_alloc(memory, larger, size, 16);
    if (!fresh) {
        return NULL;
    }
    if (items) {
        memcpy(fresh, items, count * size);
        fhi_host_free(memory, items, *capacity, size, 16);
    }
    *capacity = larger;
    return fresh;
}

static bool provide_pieces(void *context, uint32_t count)
{
    fhi_snapshot *snapshot = context;
    if (snapshot->piece_count + count <= snapshot->piece_capacity) {
        return true;
    }
    fhi_piece *fresh = grow(snapshot, snapshot->pieces, sizeof *fresh, snapshot->piece_count,
                            &snapshot->piece_capacity, snapshot->piece_count + count);
    snapshot->pieces = fresh ? fresh : snapshot->pieces;
    return fresh != NULL;
}

/* What was copied before is worth nothing. */
static bool provide_pools(fhi_snapshot *snapshot, size_t pool_count, size_t sheet_count)
{
    if (pool_count > snapshot->pool_capacity) {
        fhi_snapshot_pool *fresh =
            grow(snapshot, snapshot->pools, sizeof *fresh, 0, &snapshot->pool_capacity, pool_count);
        if (!fresh) {
            return false;
        }
        snapshot->pools = fresh;
    }
    if (sheet_count > snapshot->sheet_capacity) {
        fhi_sheet *fresh = grow(snapshot, snapshot->sheets, sizeof *fresh, 0,
                                &snapshot->sheet_capacity, sheet_count);
        if (!fresh) {
            return false;
        }
        snapshot->sheets = fresh;
    }
    return true;
}

/* ---- parcels ---- */

static void copy_parcel(void *context, uint32_t slot, const fhi_record *record)
{
    fhi_snapshot *snapshot = context;
    fhi_piece *piece = &snapshot->pieces[snapshot->piece_count++];
    const fhi_memory *memory = record->backing.memory;

    *piece = (fhi_piece){
        .parcel = fhi_record_parcel(snapshot->core, slot),
        .offset = record->backing.offset,
        .size = record->backing.reserved,
        .user = record->user,
        .usage = record->usage,
        .flags = record->flags,
        .tag = record->tag,
        .kind = record->kind,
        .type = record->type,
        .heap = record->heap,
        .texture_kind = record->kind == FH_KIND_TEXTURE ? record->texture_kind : 0,
        .retiring = record->state == FHI_STATE_RETIRING,
        .named = record->name != NULL && record->name[0] != '\0',
    };
    if (!memory) {
        piece->tenure = FHI_TENURE_EXTERNAL;
        piece->size = record->committed;
        return;
    }
    piece->memory_id = memory->id;
    piece->memory_size = memory->size;
    piece->heap = (uint8_t)memory->heap;
    if ((record->flags & FHI_RECORD_BACKED) != 0) {
        piece->tenure = FHI_TENURE_BACKED;
        piece->parent = record->parent;
        piece->size = record->committed;
    } else {
        piece->tenure = memory->dedicated ? FHI_TENURE_DEDICATED : FHI_TENURE_RANGE;
    }
}

/* ---- pools and blocks ---- */

static void copy_blocks(fhi_snapshot *snapshot, fhi_snapshot_pool *to, fh_pool *pool)
{
    fhi_lock_acquire(&pool->lock);
    to->first_sheet = snapshot->sheet_count;
    to->sheet_count = pool->block_count;
    if (snapshot->sheet_count + pool->block_count <= snapshot->sheet_capacity) {
        size_t next = snapshot->sheet_count;
        for (const fhi_memory *memory = pool->first; memory; memory = memory->next) {
            snapshot->sheets[next++] = (fhi_sheet){.id = memory->id, .size = memory->size};
        }
    }
    snapshot->sheet_count += pool->block_count;
    fhi_lock_release(&pool->lock);
}

/* Copies what there is room for, and counts all. */
static void copy_pool(fhi_snapshot *snapshot, fh_pool *pool)
{
    fhi_snapshot_pool passing;
    bool room = snapshot->pool_count < snapshot->pool_capacity;
    fhi_snapshot_pool *to = room ? &snapshot->pools[snapshot->pool_count] : &passing;

    snapshot->pool_count++;
    *to = (fhi_snapshot_pool){
        .type = pool->type, .custom = pool->custom, .block_size = pool->block_size};
    memcpy(to->name, pool->name, sizeof to->name);
    copy_blocks(snapshot, to, pool);
}

static fh_result copy_pools(fhi_snapshot *snapshot)
{
    fhi_core *core = snapshot->core;
    do {
        if (!provide_pools(snapshot, snapshot->pool_count + 4, snapshot->sheet_count + 16)) {
            return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a snapshot of the blocks");
        }
        snapshot->pool_count = 0;
        snapshot->sheet_count = 0;
        fhi_lock_acquire(&core->pool_lock);
        for (uint32_t type = 0; type < core->adapter.type_count; type++) {
            copy_pool(snapshot, &core->pools[type]);
        }
        for (fh_pool *pool = core->pools_first; pool; pool = pool->next) {
            if (pool->custom) {
                copy_pool(snapshot, pool);
            }
        }
        fhi_lock_release(&core->pool_lock);
    } while (snapshot->pool_count > snapshot->pool_capacity ||
             snapshot->sheet_count > snapshot->sheet_capacity);
    return FH_OK;
}

/* ---- order ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_pieces(const void *left, const void *right)
{
    const fhi_piece *a = left, *b = right;
    int order = compare_numbers(a->tenure, b->tenure);
    if (order == 0 && a->tenure != FHI_TENURE_RANGE) {
        order = compare_numbers(a->type, b->type);
    }
    if (order == 0) {
        order = compare_numbers(a->memory_id, b->memory_id);
    }
    if (order == 0) {
        order = compare_numbers(a->offset, b->offset);
    }
    return order != 0 ? order : compare_numbers(a->parcel.id, b->parcel.id);
}

/* Whether the parcel still lies where it lay. */
static bool is_there(fhi_core *core, const fhi_piece *piece)
{
    uint32_t slot = fhi_parcel_slot(piece->parcel);
    const fhi_record *record = fhi_record_at(core, slot);
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    bool there = fhi_record_parcel(core, slot).id == piece->parcel.id &&
                 record->backing.memory != NULL && record->backing.memory->id == piece->memory_id &&
                 record->backing.offset == piece->offset;
    fhi_latch_release(&lane->lock);
    return there;
}

/* Of pieces in address order, keep those that do not overlap, at the array's front. */
static size_t drop_overlaps(fhi_core *core, fhi_piece *pieces, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool drop = false;
        while (kept > 0 && !drop &&
               pieces[kept - 1].offset + pieces[kept - 1].size > pieces[i].offset) {
            drop = is_there(core, &pieces[kept - 1]);
            kept -= drop ? 0 : 1;
        }
        if (!drop) {
            pieces[kept++] = pieces[i];
        }
    }
    return kept;
}

/* The first piece of tenure RANGE that lies in memory `id` or a later one. */
static size_t first_of_memory(const fhi_snapshot *snapshot, uint64_t id)
{
    size_t low = snapshot->first[FHI_TENURE_RANGE];
    size_t high = snapshot->first[FHI_TENURE_RANGE + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->pieces[middle].memory_id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A dedicated memory changes hands when its buffer is resized: it may have been seen twice. */
static void drop_dedicated_twins(fhi_snapshot *snapshot)
{
    size_t first = snapshot->first[FHI_TENURE_DEDICATED];
    size_t end = snapshot->first[FHI_TENURE_BACKED];
    size_t kept = first;
    for (size_t i = first; i < end; i++) {
        if (kept == first ||
            snapshot->pieces[kept - 1].memory_id != snapshot->pieces[i].memory_id) {
            snapshot->pieces[kept++] = snapshot->pieces[i];
        }
    }
    size_t dropped = end - kept;
    if (dropped > 0) {
        memmove(snapshot->pieces + kept, snapshot->pieces + end,
                (snapshot->piece_count - end) * sizeof *snapshot->pieces);
        snapshot->piece_count -= dropped;
        for (int tenure = FHI_TENURE_BACKED; tenure <= FHI_TENURE_EXTERNAL + 1; tenure++) {
            snapshot->first[tenure] -= dropped;
        }
    }
}

static void put_in_order(fhi_snapshot *snapshot)
{
    if (snapshot->piece_count > 0) {
        qsort(snapshot->pieces, snapshot->piece_count, sizeof *snapshot->pieces, compare_pieces);
    }
    for (size_t i = 0; i < snapshot->piece_count; i++) {
        snapshot->first[snapshot->pieces[i].tenure + 1]++;
    }
    for (int tenure = 1; tenure <= FHI_TENURE_EXTERNAL + 1; tenure++) {
        snapshot->first[tenure] += snapshot->first[tenure - 1];
    }
    drop_dedicated_twins(snapshot);
    for (size_t i = 0; i < snapshot->sheet_count; i++) {
        fhi_sheet *sheet = &snapshot->sheets[i];
        size_t first = first_of_memory(snapshot, sheet->id);
        size_t end = first_of_memory(snapshot, sheet->id + 1);
        sheet->pieces = snapshot->pieces + first;
        sheet->piece_count = drop_overlaps(snapshot->core, snapshot->pieces + first, end - first);
    }
}

/* ---- the snapshot ---- */

fh_result fhi_snapshot_init(fhi_snapshot *snapshot, fhi_core *core)
{
    *snapshot = (fhi_snapshot){.core = core};
    fh_result result = FH_OK;
    if (!fhi_records_walk(core, &(fhi_walk){provide_pieces, copy_parcel, snapshot})) {
        result = fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a snapshot of the parcels");
    }
    if (result == FH_OK) {
        result = copy_pools(snapshot);
    }
    if (result != FH_OK) {
        fhi_snapshot_finish(snapshot);
        return result;
    }
    put_in_order(snapshot);
    return FH_OK;
}

void fhi_snapshot_finish(fhi_snapshot *snapshot)
{
    const fh_host_memory *memory = &snapshot->core->memory;
    fhi_host_free(memory, snapshot->pieces, snapshot->piece_capacity, sizeof *snapshot->pieces, 16);
    fhi_host_free(memory, snapshot->sheets, snapshot->sheet_capacity, sizeof *snapshot->sheets, 16);
    fhi_host_free(memory, snapshot->pools, snapshot->pool_capacity, sizeof *snapshot->pools, 16);
}

void fhi_sheet_visit(const fhi_sheet *sheet, fhi_row_fn visit, void *context)
{
    uint64_t end = 0;
    for (size_t i = 0; i < sheet->piece_count; i++) {
        const fhi_piece *piece = &sheet->pieces[i];
        if (piece->offset > end && !visit(context, NULL, end, piece->offset - end)) {
            return;
        }
        if (!visit(context, piece, piece->offset, piece->size)) {
            return;
        }
        end = piece->offset + piece->size;
    }
    if (end < sheet->size) {
        visit(context, NULL, end, sheet->size - end);
    }
}
