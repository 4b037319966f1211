#include "taping.h"

#include "base/host.h"
#include "replay/recording.h"

#include <stdio.h>
#include <string.h>

enum {
    DISK = 64 << 20,
    STEP_NS = 1000
};

void tape_begin_bare(taping *t)
{
    memset(t, 0, sizeof *t);
    t->device = 1;
    if (rig_write(&t->disk, DISK, NULL) != FH_OK) {
        t->fault = "no disk";
    }
}

void tape_begin(taping *t, fh_trace_api api, uint64_t size)
{
    tape_begin_bare(t);
    tape_card(t, 1, api, size);
}

void tape_add(taping *t, const fh_trace_event *event)
{
    fh_trace_event timed = *event;
    timed.time_ns = t->time_ns;
    t->time_ns += STEP_NS;
    if (!t->fault && fhi_trace_writer_add(t->disk.writer, &timed) != FH_OK) {
        t->fault = "an event that cannot be written";
    }
}

void tape_card(taping *t, uint32_t device, fh_trace_api api, uint64_t size)
{
    const uint64_t list[] = {
        size,
        1,
        UINT64_C(1) << 30,
        0, /* heaps */
        0,
        FH_MEMORY_DEVICE_LOCAL,
        1,
        FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT,
        0,
        FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT,
        1,
        FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT | FH_MEMORY_HOST_CACHED,
    };
    fh_trace_event event = {.kind = FH_TRACE_DEVICE,
                            .text = "a card",
                            .text_size = 6,
                            .list = list,
                            .list_count = TEST_COUNT_OF(list)};
    event.device = (fh_trace_device){.device = device,
                                     .api = api,
                                     .heap_count = 2,
                                     .type_count = 4,
                                     .granularity = 1,
                                     .atom = 64,
                                     .allocation_size_max = UINT64_C(1) << 40,
                                     .allocation_count_max = 4096};
    tape_add(t, &event);
}

void tape_queue(taping *t, uint64_t queue)
{
    fh_trace_event event = {.kind = FH_TRACE_QUEUE};
    event.queue = (fh_trace_queue){.queue = queue, .device = t->device};
    tape_add(t, &event);
}

void tape_memory(taping *t, uint64_t memory, uint32_t type, uint64_t size)
{
    fh_trace_event event = {.kind = FH_TRACE_MEMORY};
    event.memory =
        (fh_trace_memory){.memory = memory, .device = t->device, .type = type, .size = size};
    tape_add(t, &event);
}

void tape_memory_freed(taping *t, uint64_t memory)
{
    fh_trace_event event = {.kind = FH_TRACE_MEMORY_FREED};
    event.memory_freed.memory = memory;
    tape_add(t, &event);
}

void tape_resource(taping *t, const fh_trace_resource *resource)
{
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    event.resource = *resource;
    event.resource.device = t->device;
    tape_add(t, &event);
}

void tape_buffer(taping *t, uint64_t resource, uint64_t size, fh_usage usage)
{
    tape_resource(t, &(fh_trace_resource){.resource = resource,
                                          .kind = FH_KIND_BUFFER,
                                          .size = size,
                                          .needs_size = size,
                                          .needs_alignment = 256,
                                          .needs_types = 0xf,
                                          .usage = usage});
}

void tape_texture(taping *t, uint64_t resource, uint32_t width, uint32_t height)
{
    tape_resource(t, &(fh_trace_resource){.resource = resource,
                                          .kind = FH_KIND_TEXTURE,
                                          .needs_size = (uint64_t)width * height * 4,
                                          .needs_alignment = 4096,
                                          .needs_types = 0xf,
                                          .usage = FH_USAGE_SAMPLED,
                                          .format = FH_FORMAT_RGBA8_UNORM,
                                          .width = width,
                                          .height = height,
                                          .depth = 1,
                                          .layers = 1,
                                          .mips = 1,
                                          .samples = 1});
}

void tape_bound(taping *t, uint64_t resource, uint64_t memory, uint64_t offset, uint64_t size)
{
    fh_trace_event event = {.kind = FH_TRACE_BOUND};
    event.bound = (fh_trace_bound){resource, memory, offset, size};
    tape_add(t, &event);
}

void tape_released(taping *t, uint64_t resource)
{
    fh_trace_event event = {.kind = FH_TRACE_RELEASED};
    event.released.resource = resource;
    tape_add(t, &event);
}

void tape_destroyed(taping *t, uint64_t resource)
{
    fh_trace_event event = {.kind = FH_TRACE_DESTROYED};
    event.destroyed.resource = resource;
    tape_add(t, &event);
}

void tape_mapped(taping *t, uint64_t memory, uint64_t resource, uint64_t offset, uint64_t size)
{
    fh_trace_event event = {.kind = FH_TRACE_MAPPED};
    event.mapped = (fh_trace_mapped){memory, resource, offset, size};
    tape_add(t, &event);
}

void tape_unmapped(taping *t, uint64_t memory)
{
    fh_trace_event event = {.kind = FH_TRACE_UNMAPPED};
    event.unmapped.memory = memory;
    tape_add(t, &event);
}

void tape_submit(taping *t, uint64_t queue, const uint64_t *resources, uint32_t count)
{
    fh_trace_event event = {.kind = FH_TRACE_SUBMIT, .list = resources, .list_count = count};
    event.submit =
        (fh_trace_submit){.queue = queue, .value = ++t->submits, .batches = 1, .commands = 1};
    tape_add(t, &event);
}

void tape_use(taping *t, uint64_t queue, uint64_t resource)
{
    tape_submit(t, queue, &resource, 1);
}

void tape_used(taping *t, uint64_t queue, uint64_t resource, uint64_t value)
{
    fh_trace_event event = {.kind = FH_TRACE_USED};
    event.used = (fh_trace_used){resource, queue, value};
    tape_add(t, &event);
}

void tape_frame(taping *t)
{
    fh_trace_event event = {.kind = FH_TRACE_FRAME};
    event.frame = (fh_trace_frame){.device = t->device, .number = ++t->frames};
    tape_add(t, &event);
}

void tape_budget(taping *t, uint32_t heap, uint64_t budget, uint64_t usage)
{
    fh_trace_event event = {.kind = FH_TRACE_BUDGET};
    event.budget = (fh_trace_budget){t->device, heap, budget, usage};
    tape_add(t, &event);
}

void tape_named(taping *t, fh_trace_noun noun, uint64_t id, const char *name)
{
    fh_trace_event event = {
        .kind = FH_TRACE_NAMED, .text = name, .text_size = (uint32_t)strlen(name)};
    event.named = (fh_trace_named){noun, id};
    tape_add(t, &event);
}

void tape_own(taping *t, uint64_t id, uint64_t size)
{
    tape_memory(t, id, 0, size);
    tape_buffer(t, id, size, FH_USAGE_STORAGE);
    tape_bound(t, id, id, 0, size);
}

fh_result tape_end(taping *t, const fh_host_memory *memory, fh_recording **out_recording)
{
    fh_trace_reader *reader = NULL;
    fh_host_memory resolved;
    *out_recording = NULL;
    fh_result result = fhi_trace_writer_close(t->disk.writer);
    result = result == FH_OK ? fhi_host_memory_resolve(memory, &resolved) : result;
    result = result == FH_OK ? rig_read(&t->disk.file, &resolved, &reader) : result;
    if (result == FH_OK) {
        result = fhi_recording_read(reader, &resolved, NULL, out_recording);
        fh_trace_reader_close(reader);
    }
    rig_free(&t->disk.file);
    return t->fault ? FH_ERR_INVALID : result;
}

/* ---- comparing ---- */

static bool same_block(const fh_replay_block *a, const fh_replay_block *b)
{
    return a->heap == b->heap && a->type == b->type && a->size == b->size &&
           a->born_ns == b->born_ns && a->gone_ns == b->gone_ns && a->born_frame == b->born_frame &&
           a->gone_frame == b->gone_frame && a->dedicated == b->dedicated;
}

static bool same_span(const fh_replay_span *a, const fh_replay_span *b)
{
    return a->block == b->block && a->resource == b->resource && a->offset == b->offset &&
           a->size == b->size && a->born_ns == b->born_ns && a->gone_ns == b->gone_ns &&
           a->born_frame == b->born_frame && a->gone_frame == b->gone_frame &&
           a->cause == b->cause && a->aliased == b->aliased;
}

static bool same_cause(const fh_replay_cause *a, const fh_replay_cause *b)
{
    return strcmp(a->script, b->script) == 0 && a->hook == b->hook && a->line == b->line &&
           a->decision_count == b->decision_count && a->resource_count == b->resource_count &&
           a->bytes == b->bytes && strcmp(a->answer, b->answer) == 0;
}

/* What the replay fills in from zeroed memory, gaps between fields included. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

static const char *differ(const char *what, uint64_t n)
{
    static char sentence[128];
    snprintf(sentence, sizeof sentence, "%s %llu differ", what, (unsigned long long)n);
    return sentence;
}

static const char *compare_lists(const fh_replay *a, const fh_replay *b)
{
    uint32_t count[2];
    uint64_t spans[2];
    const fh_replay_cause *causes = fh_replay_causes(a, &count[0]);
    const fh_replay_cause *causes_b = fh_replay_causes(b, &count[1]);
    for (uint32_t i = 0; i < count[0] && i < count[1]; i++) {
        if (!same_cause(&causes[i], &causes_b[i])) {
            return differ("causes", i);
        }
    }
    if (count[0] != count[1]) {
        return "not as many causes";
    }
    const fh_replay_block *blocks = fh_replay_blocks(a, &count[0]);
    const fh_replay_block *blocks_b = fh_replay_blocks(b, &count[1]);
    for (uint32_t i = 0; i < count[0] && i < count[1]; i++) {
        if (!same_block(&blocks[i], &blocks_b[i])) {
            return differ("blocks", i);
        }
    }
    if (count[0] != count[1]) {
        return "not as many blocks";
    }
    const fh_replay_span *all = fh_replay_spans(a, &spans[0]);
    const fh_replay_span *all_b = fh_replay_spans(b, &spans[1]);
    for (uint64_t i = 0; i < spans[0] && i < spans[1]; i++) {
        if (!same_span(&all[i], &all_b[i])) {
            return differ("spans", i);
        }
    }
    return spans[0] != spans[1] ? "not as many spans" : NULL;
}

const char *tape_difference(const fh_replay *a, const fh_replay *b)
{
    fh_replay_figures of_a, of_b;
    uint32_t count_a, count_b;
    if (fh_replay_get_figures(a, &of_a) != FH_OK || fh_replay_get_figures(b, &of_b) != FH_OK) {
        return "no figures";
    }
    memset(&of_a.timing, 0, sizeof of_a.timing);
    memset(&of_b.timing, 0, sizeof of_b.timing);
    if (!same_bytes(&of_a, &of_b, sizeof of_a)) {
        return "the figures differ";
    }
    const fh_replay_sample *samples_a = fh_replay_samples(a, &count_a);
    const fh_replay_sample *samples_b = fh_replay_samples(b, &count_b);
    for (uint32_t i = 0; i < count_a && i < count_b; i++) {
        if (!same_bytes(&samples_a[i], &samples_b[i], sizeof samples_a[i])) {
            return differ("samples", i);
        }
    }
    return count_a != count_b ? "not as many samples" : compare_lists(a, b);
}
