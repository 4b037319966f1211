/* What can be known of a trace only once all of it was read. */

#include "base/bits.h"
#include "replay/array.h"
#include "replay/coverage.h"
#include "replay/reading.h"

#include <string.h>

enum {
    ALIGNMENT = 256 /* bytes, where the trace has none: raw memory's */
};

/* ---- what was mapped, and where it should lie ---- */

static void settle_pieces(fh_recording *recording, fhi_tape *tape)
{
    for (uint32_t i = 0; i < tape->piece_count; i++) {
        fhi_piece *piece = &tape->pieces[i];
        const fhi_taped_memory *memory = &recording->memories[piece->memory];
        fhi_taped_resource *resource = &recording->resources[piece->resource];
        piece->mapped = piece->mapped || (!piece->ended && memory->mapped_at > piece->bound_at) ||
                        (resource->flags & FH_TRACE_RESOURCE_MAPPED) != 0;
        resource->mapped = resource->mapped || piece->mapped || resource->held;
        resource->always = resource->always || memory->address;
    }
}

/* A memory that is mapped whole may well hold what the CPU never touches: on a card with one type
 * of memory, all of it. So what lies there stays only where its use says that the CPU writes to
 * it. */
static void settle_resources(fh_recording *recording)
{
    for (uint32_t i = 0; i < recording->resource_count; i++) {
        fhi_taped_resource *resource = &recording->resources[i];
        bool linear = (resource->flags & FH_TRACE_RESOURCE_LINEAR) != 0;
        resource->location =
            resource->location != 0
                ? (uint8_t)(resource->location - 1)
                : (uint8_t)fh_replay_location((fh_kind)resource->kind, resource->usage,
                                              resource->mapped || resource->held, linear);
        resource->stays = resource->held || resource->always ||
                          (resource->mapped && resource->location != FH_LOCATION_DEVICE);
    }
}

/* ---- bare memories ---- */

static fh_result add_bare(fhi_reading *reading)
{
    fh_recording *recording = reading->recording;
    for (uint32_t i = 0; i < recording->memory_count; i++) {
        fhi_taped_memory *memory = &recording->memories[i];
        fhi_tape *tape = &recording->tapes[memory->tape];
        if (memory->bound || memory->imported) {
            continue;
        }
        fhi_piece *pieces = fhi_reading_room(reading, tape->pieces, tape->piece_count,
                                             &tape->piece_capacity, sizeof *pieces);
        if (!pieces) {
            return fhi_reading_no_memory();
        }
        tape->pieces = pieces;
        memory->piece = tape->piece_count++;
        pieces[memory->piece] = (fhi_piece){.size = memory->size,
                                            .resource = FHI_NONE,
                                            .memory = i,
                                            .group = FHI_NONE,
                                            .mapped = memory->mapped_at != 0 || memory->mapped};
    }
    return FH_OK;
}

/* ---- groups ---- */

/* Of a piece of a resource. */
static uint64_t alignment_of(const fh_recording *recording, const fhi_piece *piece)
{
    uint32_t alignment = recording->resources[piece->resource].needs_alignment;
    return alignment != 0 ? alignment : ALIGNMENT;
}

static void join(const fh_recording *recording, fhi_group *group, const fhi_piece *piece)
{
    const fhi_taped_resource *resource = &recording->resources[piece->resource];
    uint64_t end = group->begin + group->size;
    uint64_t piece_end = piece->offset + piece->size;
    uint64_t alignment = alignment_of(recording, piece);
    group->begin = piece->offset < group->begin ? piece->offset : group->begin;
    group->size = (piece_end > end ? piece_end : end) - group->begin;
    group->alignment = alignment > group->alignment ? alignment : group->alignment;
    group->types &= resource->needs_types != 0 ? resource->needs_types : UINT32_MAX;
    group->location = group->location == FH_LOCATION_DEVICE ? resource->location : group->location;
    group->mapped = group->mapped || piece->mapped;
    group->stays = group->stays || resource->stays;
    group->address = group->address || (resource->usage & FH_USAGE_DEVICE_ADDRESS) != 0;
}

static void settle_group(const fh_recording *recording, fhi_group *group)
{
    uint32_t own = UINT32_C(1) << recording->memories[group->memory].type;
    uint64_t begin = fhi_align_down(group->begin, group->alignment);
    group->types = (group->types & own) != 0 ? group->types : own;
    group->size += group->begin - begin;
    group->begin = begin;
}

static fh_result add_group(fhi_reading *reading, fhi_tape *tape, uint32_t piece,
                           uint32_t *out_group)
{
    fhi_group *groups = fhi_reading_room(reading, tape->groups, tape->group_count,
                                         &tape->group_capacity, sizeof *groups);
    if (!groups) {
        return fhi_reading_no_memory();
    }
    tape->groups = groups;
    *out_group = tape->group_count++;
    groups[*out_group] = (fhi_group){.begin = tape->pieces[piece].offset,
                                     .memory = tape->pieces[piece].memory,
                                     .types = UINT32_MAX,
                                     .first = piece,
                                     .last = piece};
    return FH_OK;
}

/* `room` has a place for each piece of the extents: how many belong to the one that stands for
 * them, then their group + 1. */
static fh_result make_groups(fhi_reading *reading, uint32_t index, uint32_t *room)
{
    const fh_recording *recording = reading->recording;
    fhi_tape *tape = &recording->tapes[index];
    fhi_extents *extents = &reading->extents[index];
    for (uint32_t i = 0; i < extents->piece_count; i++) {
        room[fhi_extents_find(extents, i)]++;
    }
    for (uint32_t i = 0; i < extents->piece_count; i++) {
        room[i] = room[i] > 1 ? UINT32_MAX : 0;
    }
    for (uint32_t i = 0; i < extents->piece_count; i++) {
        uint32_t *of = &room[fhi_extents_find(extents, i)];
        uint32_t group = 0;
        if (*of == 0) {
            continue;
        }
        if (*of == UINT32_MAX) {
            fh_result result = add_group(reading, tape, i, &group);
            if (result != FH_OK) {
                return result;
            }
            *of = group + 1;
        }
        group = *of - 1;
        tape->pieces[i].group = group;
        tape->pieces[i].next = FHI_NONE;
        tape->pieces[tape->groups[group].last].next = i == tape->groups[group].first ? FHI_NONE : i;
        tape->groups[group].last = i;
        join(recording, &tape->groups[group], &tape->pieces[i]);
    }
    for (uint32_t i = 0; i < tape->group_count; i++) {
        settle_group(recording, &tape->groups[i]);
    }
    return FH_OK;
}

static fh_result find_groups(fhi_reading *reading, uint32_t index)
{
    uint32_t count = reading->extents[index].piece_count;
    uint32_t *room = fhi_array_make(reading->memory, count, sizeof *room);
    if (!room) {
        return count == 0 ? FH_OK : fhi_reading_no_memory();
    }
    fh_result result = make_groups(reading, index, room);
    fhi_array_free(reading->memory, room, count, sizeof *room);
    return result;
}

/* ---- frames ---- */

static fh_result add_frame(fhi_reading *reading, fhi_tape *tape, uint32_t end, uint64_t time_ns)
{
    fhi_taped_frame *frames = fhi_reading_room(reading, tape->frames, tape->frame_count,
                                               &tape->frame_capacity, sizeof *frames);
    if (!frames) {
        return fhi_reading_no_memory();
    }
    tape->frames = frames;
    frames[tape->frame_count++] = (fhi_taped_frame){end, time_ns};
    return FH_OK;
}

static fh_result add_marked(fhi_reading *reading, uint32_t index, fhi_tape *tape)
{
    fh_result result = FH_OK;
    tape->info.frames_by = FH_FRAMES_PRESENTS;
    for (uint32_t i = 0; i < reading->mark_count[index] && result == FH_OK; i++) {
        result = add_frame(reading, tape, reading->marks[index][i], reading->mark_times[index][i]);
    }
    return result;
}

static fh_result add_submitted(fhi_reading *reading, fhi_tape *tape)
{
    fh_result result = FH_OK;
    tape->info.frames_by = FH_FRAMES_SUBMITS;
    for (uint32_t i = 0; i < tape->op_count && result == FH_OK; i++) {
        if (tape->ops[i].kind == FHI_OP_SUBMIT) {
            result = add_frame(reading, tape, i + 1, tape->ops[i].time_ns);
        }
    }
    return result;
}

/* A stretch in which nothing happens has no frames: a trace cannot make more of them than it has
 * events. */
static fh_result add_timed(fhi_reading *reading, fhi_tape *tape)
{
    fh_result result = FH_OK;
    tape->info.frames_by = FH_FRAMES_TIME;
    for (uint32_t i = 1; i < tape->op_count && result == FH_OK; i++) {
        uint64_t before = tape->ops[i - 1].time_ns / FH_REPLAY_FRAME_NS;
        if (tape->ops[i].time_ns / FH_REPLAY_FRAME_NS != before) {
            result = add_frame(reading, tape, i, (before + 1) * FH_REPLAY_FRAME_NS);
        }
    }
    return result;
}

/* There is always one, and all ops are of some. */
static fh_result find_frames(fhi_reading *reading, uint32_t index)
{
    fhi_tape *tape = &reading->recording->tapes[index];
    fh_result result = reading->mark_count[index] > 0 ? add_marked(reading, index, tape)
                       : reading->has_work[index]     ? add_submitted(reading, tape)
                                                      : add_timed(reading, tape);
    uint32_t covered = tape->frame_count > 0 ? tape->frames[tape->frame_count - 1].end : 0;
    if (result == FH_OK && (covered < tape->op_count || tape->frame_count == 0)) {
        result = add_frame(reading, tape, tape->op_count, reading->time_ns);
    }
    tape->info.frame_count = tape->frame_count;
    return result;
}

/* ---- peaks ---- */

/* The program's own bytes, all along the tape. */
typedef struct sums {
    const fh_recording *recording;
    fhi_tape *tape;
    fhi_coverage *coverage; /* of the groups */
    uint64_t heaps[FH_HEAP_MAX];
    uint64_t reserved, committed, memories, resources;
} sums;

static void raise_to(uint64_t *peak, uint64_t value)
{
    *peak = value > *peak ? value : *peak;
}

static void enter(sums *s, uint32_t index)
{
    fhi_piece *piece = &s->tape->pieces[index];
    s->resources += piece->size;
    piece->comes = piece->group == FHI_NONE ? piece->size : fhi_coverage_add(s->coverage, index);
    s->committed += piece->comes;
}

static void leave(sums *s, uint32_t index)
{
    fhi_piece *piece = &s->tape->pieces[index];
    piece->goes = piece->group == FHI_NONE ? piece->size : fhi_coverage_remove(s->coverage, index);
    s->committed -= piece->goes;
}

static void add_up(sums *s, const fhi_op *op)
{
    const fhi_taped_memory *memory = NULL;
    switch (op->kind) {
    case FHI_OP_ALLOC:
        memory = &s->recording->memories[op->index];
        s->tape->info.memory_count++;
        s->memories += memory->size;
        s->reserved += memory->size;
        s->heaps[memory->heap] += memory->size;
        raise_to(&s->tape->info.heap_peaks[memory->heap], s->heaps[memory->heap]);
        if (memory->piece != FHI_NONE) {
            enter(s, memory->piece);
        }
        break;
    case FHI_OP_FREE:
        memory = &s->recording->memories[op->index];
        s->reserved -= memory->size;
        s->heaps[memory->heap] -= memory->size;
        if (memory->piece != FHI_NONE) {
            leave(s, memory->piece);
        }
        break;
    case FHI_OP_BIND:
        enter(s, op->index);
        break;
    case FHI_OP_RELEASE:
        leave(s, op->index);
        break;
    case FHI_OP_END:
        if (!s->tape->pieces[op->index].released) {
            leave(s, op->index);
        }
        break;
    default:
        break;
    }
    raise_to(&s->tape->info.peak_reserved, s->reserved);
    raise_to(&s->tape->info.peak_committed, s->committed);
}

static fh_result find_peaks(fhi_reading *reading, fhi_tape *tape)
{
    sums s = {.recording = reading->recording, .tape = tape};
    fh_result result = fhi_coverage_create(reading->memory, tape, &s.coverage);
    if (result != FH_OK) {
        return result;
    }
    for (uint32_t i = 0; i < tape->op_count; i++) {
        add_up(&s, &tape->ops[i]);
    }
    fhi_coverage_destroy(s.coverage);
    tape->info.churn = s.memories > s.resources ? s.memories : s.resources;
    return FH_OK;
}

static void find_main(fh_recording *recording)
{
    const fh_recorded_device *main = &recording->tapes[0].info;
    for (uint32_t i = 1; i < recording->tape_count; i++) {
        const fh_recorded_device *other = &recording->tapes[i].info;
        if (other->peak_reserved > main->peak_reserved) {
            main = other;
            recording->info.main_device = i;
        }
    }
}

fh_result fhi_recording_scan(fhi_reading *reading)
{
    fh_recording *recording = reading->recording;
    recording->info.duration_ns = reading->time_ns;
    recording->info.device_count = recording->tape_count;
    for (uint32_t i = 0; i < recording->tape_count; i++) {
        settle_pieces(recording, &recording->tapes[i]);
        recording->tapes[i].info.profile.name = recording->tapes[i].info.name;
    }
    settle_resources(recording);
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < recording->tape_count && result == FH_OK; i++) {
        result = find_groups(reading, i);
    }
    result = result == FH_OK ? add_bare(reading) : result;
    for (uint32_t i = 0; i < recording->tape_count && result == FH_OK; i++) {
        result = find_frames(reading, i);
        result = result == FH_OK ? find_peaks(reading, &recording->tapes[i]) : result;
    }
    find_main(recording);
    return result;
}
