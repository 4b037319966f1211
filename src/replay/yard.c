/* Gaps are measured by sorting what lives, so not at every frame: it is done anew when as much has
 * come and gone as lives, or when at most FEW live. That makes it a fixed
 * price for each event, however long a trace is; and one trace is always measured at the same
 * moments.
 *
 * Rejected: to ask each block of a device for its gaps (a walk over all ranges at each frame), and
 * to keep gaps in order all along (a dozen cache misses for each binding, for a figure that moves
 * slowly). */

#include "replay/yard.h"

#include "replay/array.h"

#include <string.h>

enum {
    FEW = 256
};

void fhi_yard_init(fhi_yard *yard, const fh_host_memory *memory, bool keep)
{
    memset(yard, 0, sizeof *yard);
    yard->memory = memory;
    yard->keep = keep;
    yard->frame = 1;
    yard->free_block = yard->free_place = FHI_NONE;
}

void fhi_yard_finish(fhi_yard *yard)
{
    const fh_host_memory *memory = yard->memory;
    if (!memory) {
        return;
    }
    fhi_array_free(memory, yard->all_blocks, yard->block_capacity, sizeof *yard->all_blocks);
    fhi_array_free(memory, yard->all_places, yard->place_capacity, sizeof *yard->all_places);
    fhi_array_free(memory, yard->live, yard->live_capacity, sizeof *yard->live);
    fhi_array_free(memory, yard->runs, yard->run_capacity, sizeof *yard->runs);
    fhi_array_free(memory, yard->blocks, yard->shown_capacity, sizeof *yard->blocks);
    fhi_array_free(memory, yard->spans, yard->span_capacity, sizeof *yard->spans);
}

/* Room for one more; NULL: there is none, and that is noted. */
static void *room(fhi_yard *yard, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    void *more = fhi_array_extend(yard->memory, items, count, capacity, size);
    yard->failed = yard->failed || !more;
    return more;
}

/* ---- blocks ---- */

static uint32_t show_block(fhi_yard *yard, uint32_t heap, uint32_t type, uint64_t size,
                           bool dedicated)
{
    if (!yard->keep) {
        return FHI_NONE;
    }
    fh_replay_block *blocks =
        room(yard, yard->blocks, yard->shown_count, &yard->shown_capacity, sizeof *blocks);
    if (!blocks) {
        return FHI_NONE;
    }
    yard->blocks = blocks;
    blocks[yard->shown_count] = (fh_replay_block){
        .heap = heap,
        .type = type,
        .size = size,
        .born_ns = yard->now_ns,
        .gone_ns = UINT64_MAX,
        .born_frame = yard->frame,
        .gone_frame = UINT32_MAX,
        .dedicated = dedicated,
    };
    return yard->shown_count++;
}

uint32_t fhi_yard_block_add(fhi_yard *yard, uint32_t heap, uint32_t type, uint64_t size,
                            bool dedicated)
{
    uint32_t index = yard->free_block;
    if (index == FHI_NONE) {
        fhi_yard_block *all =
            room(yard, yard->all_blocks, yard->block_count, &yard->block_capacity, sizeof *all);
        if (!all) {
            return FHI_NONE;
        }
        yard->all_blocks = all;
        index = yard->block_count++;
    } else {
        yard->free_block = yard->all_blocks[index].next;
    }
    yard->all_blocks[index] = (fhi_yard_block){
        .size = size,
        .heap = heap,
        .shown = show_block(yard, heap, type, size, dedicated),
        .live = true,
    };
    yard->live_blocks++;
    yard->changes++;
    return index;
}

void fhi_yard_block_end(fhi_yard *yard, uint32_t index)
{
    if (index == FHI_NONE) {
        return;
    }
    fhi_yard_block *block = &yard->all_blocks[index];
    if (block->shown != FHI_NONE) {
        yard->blocks[block->shown].gone_ns = yard->now_ns;
        yard->blocks[block->shown].gone_frame = yard->frame;
    }
    block->live = false;
    block->next = yard->free_block;
    yard->free_block = index;
    yard->live_blocks--;
    yard->changes++;
}

/* ---- places ---- */

uint32_t fhi_yard_place_add(fhi_yard *yard, uint32_t block, uint64_t offset, uint64_t size,
                            uint32_t span)
{
    if (block == FHI_NONE) {
        return FHI_NONE;
    }
    uint32_t index = yard->free_place;
    if (index == FHI_NONE) {
        fhi_yard_place *all =
            room(yard, yard->all_places, yard->place_count, &yard->place_capacity, sizeof *all);
        if (!all) {
            return FHI_NONE;
        }
        yard->all_places = all;
        index = yard->place_count++;
    } else {
        yard->free_place = yard->all_places[index].next;
    }
    uint32_t *live = room(yard, yard->live, yard->live_places, &yard->live_capacity, sizeof *live);
    if (!live) {
        return FHI_NONE;
    }
    yard->live = live;
    live[yard->live_places] = index;
    yard->all_places[index] = (fhi_yard_place){
        .offset = offset, .size = size, .block = block, .span = span, .next = yard->live_places};
    yard->live_places++;
    yard->changes++;
    return index;
}

void fhi_yard_place_end(fhi_yard *yard, uint32_t index)
{
    if (index == FHI_NONE) {
        return;
    }
    fhi_yard_place *place = &yard->all_places[index];
    fhi_yard_span_end(yard, place->span);
    uint32_t last = yard->live[--yard->live_places];
    yard->live[place->next] = last;
    yard->all_places[last].next = place->next;
    place->block = FHI_NONE;
    place->next = yard->free_place;
    yard->free_place = index;
    yard->changes++;
}

/* ---- spans ---- */

uint32_t fhi_yard_span_add(fhi_yard *yard, uint32_t block, uint64_t offset, uint64_t size,
                           uint64_t resource, uint32_t cause, bool aliased)
{
    if (!yard->keep || block == FHI_NONE) {
        return FHI_NONE;
    }
    fh_replay_span *spans =
        room(yard, yard->spans, yard->span_count, &yard->span_capacity, sizeof *spans);
    if (!spans) {
        return FHI_NONE;
    }
    yard->spans = spans;
    spans[yard->span_count] = (fh_replay_span){
        .block = yard->all_blocks[block].shown,
        .resource = resource,
        .offset = offset,
        .size = size,
        .born_ns = yard->now_ns,
        .gone_ns = UINT64_MAX,
        .born_frame = yard->frame,
        .gone_frame = UINT32_MAX,
        .cause = cause,
        .aliased = aliased,
    };
    return yard->span_count++;
}

void fhi_yard_span_end(fhi_yard *yard, uint32_t span)
{
    if (span != FHI_NONE) {
        yard->spans[span].gone_ns = yard->now_ns;
        yard->spans[span].gone_frame = yard->frame;
    }
}

/* ---- gaps ---- */

typedef struct gaps {
    uint64_t sum, largest;
} gaps;

static void add_gap(gaps *g, uint64_t size)
{
    if (__builtin_add_overflow(g->sum, size, &g->sum)) {
        g->sum = UINT64_MAX;
    }
    g->largest = size > g->largest ? size : g->largest;
}

static bool is_before(const fhi_yard_run *a, const fhi_yard_run *b)
{
    return a->block != b->block ? a->block < b->block : a->begin < b->begin;
}

/* A merge sort from runs of one upwards. Returns where the sorted ones are: `runs` or `other`. */
static const fhi_yard_run *sort(fhi_yard_run *runs, fhi_yard_run *other, uint32_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t first = 0; first < count; first += 2 * width) {
            size_t a = first, b = first + width < count ? first + width : count;
            size_t a_end = b, b_end = b + width < count ? b + width : count;
            for (size_t to = first; to < b_end; to++) {
                bool take_b = b < b_end && (a == a_end || is_before(&runs[b], &runs[a]));
                other[to] = runs[take_b ? b++ : a++];
            }
        }
        fhi_yard_run *sorted = other;
        other = runs;
        runs = sorted;
    }
    return runs;
}

static bool provide_runs(fhi_yard *yard)
{
    while (yard->run_capacity / 2 < yard->live_places) {
        fhi_yard_run *runs =
            fhi_array_extend(yard->memory, yard->runs, 0, &yard->run_capacity, sizeof *runs);
        if (!runs) {
            yard->failed = true;
            return false;
        }
        yard->runs = runs;
    }
    return true;
}

static uint32_t gather_runs(const fhi_yard *yard)
{
    for (uint32_t i = 0; i < yard->live_places; i++) {
        const fhi_yard_place *place = &yard->all_places[yard->live[i]];
        yard->runs[i] = (fhi_yard_run){place->offset, place->offset + place->size, place->block};
    }
    return yard->live_places;
}

static void add_gaps_between(fhi_yard *yard, const fhi_yard_run *runs, uint32_t count, gaps *g)
{
    for (uint32_t i = 0; i < count;) {
        fhi_yard_block *block = &yard->all_blocks[runs[i].block];
        uint64_t end = 0;
        uint32_t first = i;
        block->seen = true;
        for (; i < count && runs[i].block == runs[first].block; i++) {
            if (runs[i].begin > end) {
                add_gap(g, runs[i].begin - end);
            }
            end = runs[i].end > end ? runs[i].end : end;
        }
        if (end < block->size) {
            add_gap(g, block->size - end);
        }
    }
}

static void add_empty(fhi_yard *yard, gaps *g)
{
    for (uint32_t i = 0; i < yard->block_count; i++) {
        fhi_yard_block *block = &yard->all_blocks[i];
        if (block->live && !block->seen) {
            add_gap(g, block->size);
        }
        block->seen = false;
    }
}

/* 1 - largest / sum, in millionths, rounded down. */
static uint32_t to_ppm(const gaps *g)
{
    uint64_t rest = g->sum - g->largest, sum = g->sum;
    while (rest > UINT64_MAX / 1000000) {
        rest >>= 1;
        sum >>= 1;
    }
    return sum == 0 ? 0 : (uint32_t)(rest * 1000000 / sum);
}

uint32_t fhi_yard_gaps(fhi_yard *yard)
{
    uint64_t price = (uint64_t)yard->live_places + yard->block_count;
    if (yard->changes == 0 || (price > FEW && yard->changes < price) || !provide_runs(yard)) {
        return yard->measured_ppm;
    }
    gaps g = {0, 0};
    uint32_t count = gather_runs(yard);
    if (count > 0) {
        add_gaps_between(yard, sort(yard->runs, yard->runs + count, count), count, &g);
    }
    add_empty(yard, &g);
    yard->changes = 0;
    yard->measured_ppm = to_ppm(&g);
    return yard->measured_ppm;
}
