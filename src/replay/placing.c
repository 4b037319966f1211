/* What lies where while a trace is read: bindings, their ends, and what was mapped.
 *
 * A memory that is mapped whole, which is what most programs do, makes all in it mapped: when that
 * was is noted, and compared with when a piece was bound once the piece ends. A part that is mapped
 * is compared with the pieces one by one where there are few; in a memory with more than
 * PIECES_MAX of them it counts as the whole. */

#include "base/bits.h"
#include "base/error.h"
#include "replay/array.h"
#include "replay/reading.h"

enum {
    PIECES_MAX = 64
};

static fhi_piece *piece_at(const fhi_reading *reading, uint32_t tape, uint32_t piece)
{
    return &reading->recording->tapes[tape].pieces[piece];
}

/* ---- a memory's list of pieces, oldest first ---- */

static void link_in(fhi_reading *reading, uint32_t tape, uint32_t index)
{
    fhi_piece *piece = piece_at(reading, tape, index);
    fhi_taped_memory *memory = &reading->recording->memories[piece->memory];
    piece->previous = memory->last;
    piece->next = FHI_NONE;
    if (memory->last == FHI_NONE) {
        memory->first = index;
    } else {
        piece_at(reading, tape, memory->last)->next = index;
    }
    memory->last = index;
    memory->live++;
}

static void link_out(fhi_reading *reading, uint32_t tape, const fhi_piece *piece)
{
    fhi_taped_memory *memory = &reading->recording->memories[piece->memory];
    if (piece->previous == FHI_NONE) {
        memory->first = piece->next;
    } else {
        piece_at(reading, tape, piece->previous)->next = piece->next;
    }
    if (piece->next == FHI_NONE) {
        memory->last = piece->previous;
    } else {
        piece_at(reading, tape, piece->next)->previous = piece->previous;
    }
    memory->live--;
}

/* ---- making ---- */

/* Bytes that a resource takes, as far as is known without its binding. */
static uint64_t bytes_of(const fhi_taped_resource *resource)
{
    return resource->needs_size != 0 ? resource->needs_size : resource->size;
}

static bool is_mapped_now(const fhi_taped_memory *memory, const fhi_piece *piece)
{
    return memory->mapped && piece->offset < memory->map_end &&
           piece->offset + piece->size > memory->map_begin;
}

static fh_result make_piece(fhi_reading *reading, uint32_t resource_index, uint32_t memory_index,
                            uint64_t offset, uint64_t size, bool own_memory)
{
    fh_recording *recording = reading->recording;
    fhi_taped_resource *resource = &recording->resources[resource_index];
    fhi_taped_memory *memory = &recording->memories[memory_index];
    fhi_tape *tape = &recording->tapes[resource->tape];
    fhi_piece *pieces = fhi_reading_room(reading, tape->pieces, tape->piece_count,
                                         &tape->piece_capacity, sizeof *pieces);
    if (!pieces) {
        return fhi_reading_no_memory();
    }
    tape->pieces = pieces;
    uint32_t index = tape->piece_count;
    if (!fhi_extents_add(&reading->extents[resource->tape], reading->memory, &memory->root, offset,
                         offset + size)) {
        return fhi_reading_no_memory();
    }
    fhi_piece *piece = &pieces[index];
    *piece = (fhi_piece){.offset = offset,
                         .size = size,
                         .resource = resource_index,
                         .memory = memory_index,
                         .group = FHI_NONE,
                         .bound_at = tape->op_count,
                         .own_memory = own_memory};
    piece->mapped = is_mapped_now(memory, piece);
    tape->piece_count++;
    link_in(reading, resource->tape, index);
    memory->bound = true;
    resource->piece = index;
    return fhi_reading_op(reading, resource->tape, FHI_OP_BIND, index);
}

/* A memory that the trace does not know, for one resource. */
fh_result fhi_reading_imply(fhi_reading *reading, uint32_t index)
{
    fh_recording *recording = reading->recording;
    const fhi_taped_resource *resource = &recording->resources[index];
    fhi_tape *tape = &recording->tapes[resource->tape];
    uint64_t size = bytes_of(resource);
    uint32_t types =
        resource->needs_types & (uint32_t)((UINT64_C(1) << tape->info.profile.type_count) - 1);
    uint32_t type = types != 0 ? fhi_lowest_bit(types) : 0;

    if (size == 0 || size > FH_BLOCK_SIZE_MAX) {
        fhi_reading_ignore(reading);
        return FH_OK;
    }
    fhi_taped_memory *memories =
        fhi_reading_room(reading, recording->memories, recording->memory_count,
                         &recording->memory_capacity, sizeof *memories);
    if (!memories) {
        return fhi_reading_no_memory();
    }
    recording->memories = memories;
    if (!fhi_ids_add(&reading->memories, reading->memory, 0)) {
        return fhi_reading_no_memory();
    }
    uint32_t made = recording->memory_count++;
    memories[made] = (fhi_taped_memory){.size = size,
                                        .tape = resource->tape,
                                        .type = type,
                                        .heap = tape->info.profile.types[type].heap,
                                        .piece = FHI_NONE,
                                        .first = FHI_NONE,
                                        .last = FHI_NONE,
                                        .root = FHI_NONE,
                                        .dedicated = true};
    fh_result result = fhi_reading_op(reading, resource->tape, FHI_OP_ALLOC, made);
    return result == FH_OK ? make_piece(reading, index, made, 0, size, true) : result;
}

/* The trace has a memory for it after all. */
static void take_back(fhi_reading *reading, uint32_t tape_index, uint32_t index)
{
    fhi_tape *tape = &reading->recording->tapes[tape_index];
    fhi_piece *piece = &tape->pieces[index];
    fhi_taped_memory *memory = &reading->recording->memories[piece->memory];
    fhi_extents_end(&reading->extents[tape_index], &memory->root, index);
    link_out(reading, tape_index, piece);
    piece->ended = memory->freed = true;
    tape->ops[piece->bound_at - 1].kind = FHI_OP_NOTHING;
    tape->ops[piece->bound_at].kind = FHI_OP_NOTHING;
    reading->recording->resources[piece->resource].piece = FHI_NONE;
}

fh_result fhi_reading_bind(fhi_reading *reading, uint32_t index, const fh_trace_bound *bound)
{
    fh_recording *recording = reading->recording;
    const fhi_taped_resource *resource = &recording->resources[index];
    fhi_tape *tape = &recording->tapes[resource->tape];
    uint32_t memory_index = fhi_ids_find(&reading->memories, bound->memory);
    uint64_t size = bound->size != 0 ? bound->size : bytes_of(resource);
    fh_result result = FH_OK;

    if (resource->destroyed) {
        fhi_reading_ignore(reading);
        return FH_OK;
    }
    if (bound->memory == 0) {
        if (resource->piece == FHI_NONE) {
            tape->bound_count++;
            return fhi_reading_imply(reading, index);
        }
        if (!tape->pieces[resource->piece].own_memory) {
            fhi_reading_ignore(reading);
        }
        return FH_OK;
    }
    const fhi_taped_memory *memory =
        memory_index != FHI_NONE ? &recording->memories[memory_index] : NULL;
    if (!memory || memory->freed || memory->tape != resource->tape || size == 0 ||
        bound->offset >= memory->size || size > memory->size - bound->offset) {
        fhi_reading_ignore(reading);
        return FH_OK;
    }
    if (memory->imported) {
        return FH_OK; /* others own it */
    }
    bool is_bound = resource->piece != FHI_NONE;
    if (is_bound && tape->pieces[resource->piece].own_memory &&
        !tape->pieces[resource->piece].released) {
        take_back(reading, resource->tape, resource->piece);
    } else if (is_bound && tape->info.api == FH_TRACE_API_FREEHOLD) {
        uint32_t piece = resource->piece; /* a resize moved it: what it left is retiring */
        result = fhi_reading_release(reading, resource->tape, piece);
        result = result == FH_OK ? fhi_reading_end(reading, resource->tape, piece) : result;
    } else if (is_bound) {
        fhi_reading_ignore(reading);
        return FH_OK;
    }
    tape->bound_count++;
    return result == FH_OK ? make_piece(reading, index, memory_index, bound->offset, size, false)
                           : result;
}

/* ---- ends ---- */

fh_result fhi_reading_release(fhi_reading *reading, uint32_t tape, uint32_t index)
{
    fhi_piece *piece = piece_at(reading, tape, index);
    if (piece->released) {
        fhi_reading_ignore(reading);
        return FH_OK;
    }
    piece->released = true;
    return fhi_reading_op(reading, tape, FHI_OP_RELEASE, index);
}

static void settle_mapped(const fhi_taped_memory *memory, fhi_piece *piece)
{
    piece->mapped = piece->mapped || memory->mapped_at > piece->bound_at;
}

fh_result fhi_reading_end(fhi_reading *reading, uint32_t tape, uint32_t index)
{
    fhi_piece *piece = piece_at(reading, tape, index);
    uint32_t memory_index = piece->memory;
    fhi_taped_memory *memory = &reading->recording->memories[memory_index];
    settle_mapped(memory, piece);
    piece->ended = true;
    fhi_extents_end(&reading->extents[tape], &memory->root, index);
    link_out(reading, tape, piece);
    reading->recording->resources[piece->resource].piece = FHI_NONE;
    bool own = piece->own_memory;
    fh_result result = fhi_reading_op(reading, tape, FHI_OP_END, index);
    if (result == FH_OK && own) {
        memory->freed = true;
        result = fhi_reading_op(reading, tape, FHI_OP_FREE, memory_index);
    }
    return result;
}

fh_result fhi_reading_free(fhi_reading *reading, uint32_t index)
{
    fh_result result = FH_OK;
    fhi_taped_memory *memory = &reading->recording->memories[index];
    while (memory->first != FHI_NONE && result == FH_OK) {
        result = fhi_reading_end(reading, memory->tape, memory->first);
    }
    memory->freed = true;
    if (result == FH_OK && !memory->imported) {
        result = fhi_reading_op(reading, memory->tape, FHI_OP_FREE, index);
    }
    return result;
}

/* ---- maps ---- */

void fhi_reading_map(fhi_reading *reading, uint32_t index, uint64_t offset, uint64_t size)
{
    fhi_taped_memory *memory = &reading->recording->memories[index];
    if (offset >= memory->size) {
        fhi_reading_ignore(reading);
        return;
    }
    uint64_t left = memory->size - offset;
    memory->mapped = true;
    memory->map_begin = offset;
    memory->map_end = offset + (size == 0 || size > left ? left : size);
    if (memory->map_end - offset == memory->size || memory->live > PIECES_MAX) {
        memory->mapped_at = reading->recording->tapes[memory->tape].op_count;
        return;
    }
    uint32_t at = memory->first;
    while (at != FHI_NONE) {
        fhi_piece *piece = piece_at(reading, memory->tape, at);
        piece->mapped = piece->mapped || is_mapped_now(memory, piece);
        at = piece->next;
    }
}
