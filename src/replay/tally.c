#include "replay/tally.h"

#include "replay/array.h"

#include <string.h>

/* ---- sums and means ---- */

static void add(fhi_sum *sum, uint64_t value)
{
    sum->low += value;
    sum->high += sum->low < value;
}

/* The sum of `count` values divided by `count`, which fits. By digits of 32 bits. */
static uint64_t mean(const fhi_sum *sum, uint32_t count)
{
    if (count == 0) {
        return 0;
    }
    uint64_t rest = sum->high % count;
    uint64_t upper = rest << 32 | sum->low >> 32;
    uint64_t lower = (upper % count) << 32 | (sum->low & UINT32_MAX);
    return (upper / count) << 32 | lower / count;
}

static void raise_to(uint64_t *peak, uint64_t value)
{
    *peak = value > *peak ? value : *peak;
}

/* ---- life ---- */

/* The frame that begins now. */
static void begin_frame(fhi_tally *tally, uint32_t frame)
{
    memset(&tally->frame, 0, sizeof tally->frame);
    tally->frame.frame = frame;
    tally->frame.reserved_peak = tally->now.reserved;
    tally->counting = frame >= tally->frame_first;
    if (!tally->counting) {
        return;
    }
    fh_replay_figures *figures = &tally->figures;
    raise_to(&figures->total.reserved_peak, tally->now.reserved);
    raise_to(&figures->total.committed_peak, tally->now.committed);
    for (uint32_t i = 0; i < tally->heap_count; i++) {
        raise_to(&figures->heaps[i].reserved_peak, tally->heaps[i].reserved);
        raise_to(&figures->heaps[i].committed_peak, tally->heaps[i].committed);
    }
}

void fhi_tally_init(fhi_tally *tally, const fh_host_memory *memory, uint32_t heap_count,
                    uint32_t frame_first)
{
    memset(tally, 0, sizeof *tally);
    tally->memory = memory;
    tally->heap_count = tally->figures.heap_count = heap_count;
    tally->frame_first = frame_first;
    begin_frame(tally, 1);
}

void fhi_tally_finish(fhi_tally *tally)
{
    if (tally->memory) {
        fhi_array_free(tally->memory, tally->samples, tally->sample_capacity,
                       sizeof *tally->samples);
    }
}

/* ---- bytes ---- */

void fhi_tally_alloc(fhi_tally *tally, uint32_t heap, uint64_t size)
{
    tally->now.reserved += size;
    tally->heaps[heap].reserved += size;
    raise_to(&tally->frame.reserved_peak, tally->now.reserved);
    tally->frame.driver_allocs++;
    if (tally->counting) {
        raise_to(&tally->figures.total.reserved_peak, tally->now.reserved);
        raise_to(&tally->figures.heaps[heap].reserved_peak, tally->heaps[heap].reserved);
        tally->figures.driver_alloc_count++;
        tally->figures.driver_alloc_bytes += size;
    }
}

void fhi_tally_free(fhi_tally *tally, uint32_t heap, uint64_t size)
{
    tally->now.reserved -= size;
    tally->heaps[heap].reserved -= size;
    tally->figures.driver_free_count += tally->counting;
}

void fhi_tally_commit(fhi_tally *tally, uint32_t heap, uint64_t size)
{
    tally->now.committed += size;
    tally->heaps[heap].committed += size;
    if (tally->counting) {
        raise_to(&tally->figures.total.committed_peak, tally->now.committed);
        raise_to(&tally->figures.heaps[heap].committed_peak, tally->heaps[heap].committed);
    }
}

void fhi_tally_let_go(fhi_tally *tally, uint32_t heap, uint64_t size)
{
    tally->now.committed -= size;
    tally->heaps[heap].committed -= size;
}

/* ---- events ---- */

void fhi_tally_request(fhi_tally *tally, uint64_t size)
{
    if (tally->counting) {
        tally->figures.request_count++;
        tally->figures.request_bytes += size;
    }
}

void fhi_tally_refuse(fhi_tally *tally, uint64_t size)
{
    tally->frame.refused++;
    if (tally->counting) {
        tally->figures.refused_count++;
        tally->figures.refused_bytes += size;
    }
}

void fhi_tally_miss(fhi_tally *tally)
{
    tally->figures.miss_count += tally->counting;
}

void fhi_tally_evict(fhi_tally *tally, uint64_t size)
{
    tally->frame.evicted++;
    if (tally->counting) {
        tally->figures.evicted_count++;
        tally->figures.evicted_bytes += size;
    }
}

void fhi_tally_reload(fhi_tally *tally, uint64_t size)
{
    tally->frame.reloaded++;
    if (tally->counting) {
        tally->figures.reload_count++;
        tally->figures.reload_bytes += size;
    }
}

void fhi_tally_decide(fhi_tally *tally, bool failed, uint64_t time_ns)
{
    if (tally->counting) {
        tally->figures.decision_count++;
        tally->figures.decision_failed_count += failed;
        tally->figures.timing.policy_ns += time_ns;
    }
}

/* ---- frames ---- */

static uint64_t waste_of(const fhi_tally *tally)
{
    return tally->now.reserved > tally->now.committed ? tally->now.reserved - tally->now.committed
                                                      : 0;
}

static void count_frame(fhi_tally *tally, const fhi_tally_end *end)
{
    fh_replay_figures *figures = &tally->figures;
    bool over = tally->now.reserved > end->limit;
    figures->frame_count++;
    add(&tally->sums.reserved, tally->now.reserved);
    add(&tally->sums.committed, tally->now.committed);
    add(&tally->sums.waste, waste_of(tally));
    add(&tally->sums.fragmentation, end->fragmentation_ppm);
    raise_to(&figures->waste_peak, waste_of(tally));
    raise_to(&figures->fragmentation_peak_ppm, end->fragmentation_ppm);
    figures->total.budget = 0;
    for (uint32_t i = 0; i < tally->heap_count; i++) {
        uint64_t budget = end->has_budget[i] ? end->budgets[i] : 0;
        uint64_t used = tally->heaps[i].reserved;
        add(&tally->sums.heap_reserved[i], used);
        add(&tally->sums.heap_committed[i], tally->heaps[i].committed);
        figures->heaps[i].budget = budget;
        figures->total.budget += budget;
        over = over || (end->has_budget[i] && (used > budget || end->others[i] > budget - used) &&
                        used > 0);
    }
    figures->frames_over_budget += over;
}

static void take_sample(fhi_tally *tally, const fhi_tally_end *end)
{
    if (tally->sample_count == tally->sample_capacity) {
        fh_replay_sample *more =
            fhi_array_extend(tally->memory, tally->samples, tally->sample_count,
                             &tally->sample_capacity, sizeof *more);
        if (!more) {
            tally->failed = true;
            return;
        }
        tally->samples = more;
    }
    fh_replay_sample *sample = &tally->samples[tally->sample_count++];
    *sample = tally->frame;
    sample->time_ns = end->time_ns;
    sample->total = tally->now;
    memcpy(sample->heaps, tally->heaps, sizeof sample->heaps);
    sample->limit = end->limit;
    sample->block_count = end->block_count;
    sample->fragmentation_ppm = end->fragmentation_ppm;
    sample->budget = UINT64_MAX;
    for (uint32_t i = 0; i < tally->heap_count; i++) {
        if (end->has_budget[i]) {
            sample->budget = (sample->budget == UINT64_MAX ? 0 : sample->budget) + end->budgets[i];
        }
    }
}

void fhi_tally_frame_end(fhi_tally *tally, const fhi_tally_end *end)
{
    if (tally->counting) {
        count_frame(tally, end);
    }
    take_sample(tally, end);
    begin_frame(tally, tally->frame.frame + 1);
}

void fhi_tally_get(const fhi_tally *tally, fh_replay_figures *out_figures)
{
    uint32_t count = tally->figures.frame_count;
    *out_figures = tally->figures;
    out_figures->total.reserved_mean = mean(&tally->sums.reserved, count);
    out_figures->total.committed_mean = mean(&tally->sums.committed, count);
    for (uint32_t i = 0; i < tally->heap_count; i++) {
        out_figures->heaps[i].reserved_mean = mean(&tally->sums.heap_reserved[i], count);
        out_figures->heaps[i].committed_mean = mean(&tally->sums.heap_committed[i], count);
    }
    out_figures->waste_mean = mean(&tally->sums.waste, count);
    out_figures->fragmentation_mean_ppm = mean(&tally->sums.fragmentation, count);
}
