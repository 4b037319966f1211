#include "replay/recording.h"

#include "base/clock.h"
#include "base/error.h"
#include "replay/array.h"
#include "replay/reading.h"
#include "trace/reader.h"

#include <stdio.h>
#include <string.h>

enum {
    PROGRESS_EVENTS = 4096, /* between two looks at the clock */
    PROGRESS_NS = 100 * 1000 * 1000
};

/* ---- life ---- */

static void free_tape(const fh_host_memory *memory, fhi_tape *tape)
{
    fhi_array_free(memory, tape->ops, tape->op_capacity, sizeof *tape->ops);
    fhi_array_free(memory, tape->submits, tape->submit_capacity, sizeof *tape->submits);
    fhi_array_free(memory, tape->uses, tape->use_capacity, sizeof *tape->uses);
    fhi_array_free(memory, tape->budgets, tape->budget_capacity, sizeof *tape->budgets);
    fhi_array_free(memory, tape->pieces, tape->piece_capacity, sizeof *tape->pieces);
    fhi_array_free(memory, tape->groups, tape->group_capacity, sizeof *tape->groups);
    fhi_array_free(memory, tape->frames, tape->frame_capacity, sizeof *tape->frames);
    fhi_array_free(memory, tape->amounts, tape->amount_capacity, sizeof *tape->amounts);
    fhi_array_free(memory, tape->decisions, tape->decision_capacity, sizeof *tape->decisions);
}

void fh_recording_close(fh_recording *recording)
{
    if (!recording) {
        return;
    }
    const fh_host_memory memory = recording->memory;
    for (uint32_t i = 0; i < recording->tape_count; i++) {
        free_tape(&memory, &recording->tapes[i]);
    }
    fhi_array_free(&memory, recording->tapes, recording->tape_capacity, sizeof *recording->tapes);
    fhi_array_free(&memory, recording->resources, recording->resource_capacity,
                   sizeof *recording->resources);
    fhi_array_free(&memory, recording->memories, recording->memory_capacity,
                   sizeof *recording->memories);
    fhi_array_free(&memory, recording->tags, recording->tag_capacity, sizeof *recording->tags);
    fhi_array_free(&memory, recording->texts, recording->text_capacity, 1);
    fhi_ids_finish(&recording->resource_ids, &memory);
    fhi_host_free(&memory, recording, 1, sizeof *recording, 64);
}

/* ---- reading ---- */

/* How far it is, for who waits for it. */
typedef struct progress {
    fh_progress_fn call;
    void *context;
    uint32_t events;
    uint64_t told_ns;
} progress;

/* False: stop. */
static bool tell(progress *p, const fh_trace_reader *reader)
{
    fh_trace_reader_info info;
    if (!p->call || ++p->events % PROGRESS_EVENTS != 0) {
        return true;
    }
    uint64_t now = fhi_now_ns();
    if (now - p->told_ns < PROGRESS_NS) {
        return true;
    }
    p->told_ns = now;
    return fh_trace_reader_get_info(reader, &info) != FH_OK ||
           p->call(p->context, info.read_bytes, info.file_bytes);
}

/* A file that is packed well unpacks to a thousand times its size and more, so it has to end
 * somewhere: FH_RECORDING_EVENT_MAX events, FH_RECORDING_FRAME_MAX frames. False: it is too
 * long. */
static bool is_in_bounds(uint64_t events, uint64_t *frames, const fh_trace_event *event)
{
    *frames += event->kind == FH_TRACE_FRAME || event->kind == FH_TRACE_SUBMIT;
    return events < FH_RECORDING_EVENT_MAX && *frames <= FH_RECORDING_FRAME_MAX;
}

static fh_result read_events(fhi_reading *reading, fh_trace_reader *reader, progress *p)
{
    fh_trace_event event;
    uint64_t frames = 0;
    for (uint64_t events = 0;; events++) {
        fh_result result = fh_trace_reader_next(reader, &event);
        if (result != FH_OK || event.kind == FH_TRACE_NONE) {
            return result;
        }
        if (!is_in_bounds(events, &frames, &event)) {
            reading->recording->cut = true;
            return FH_OK;
        }
        result = fhi_reading_take(reading, &event);
        if (result != FH_OK) {
            return result;
        }
        if (!tell(p, reader)) {
            return fhi_fail(FH_ERR_TIMEOUT, "the trace was not read to its end: `progress` "
                                            "said so");
        }
    }
}

static fh_result read_all(fh_recording *recording, fh_trace_reader *reader, progress *p)
{
    fhi_reading *reading = fhi_host_alloc(&recording->memory, 1, sizeof *reading, 64);
    if (!reading) {
        return fhi_reading_no_memory();
    }
    fhi_reading_init(reading, recording);
    fh_result result = read_events(reading, reader, p);
    if (result == FH_OK) {
        result = fh_trace_reader_get_info(reader, &recording->info.file);
    }
    if (result == FH_OK && recording->cut) {
        snprintf(recording->info.file.damage, sizeof recording->info.file.damage,
                 "the trace is too long for a replay: of its events the first %u were read, or of "
                 "its frames the first %u",
                 FH_RECORDING_EVENT_MAX, FH_RECORDING_FRAME_MAX);
    }
    if (result == FH_OK && recording->tape_count == 0) {
        result = fhi_fail(FH_ERR_FORMAT, recording->info.file.damage[0] != 0
                                             ? "the trace is damaged before its first device"
                                             : "the trace has no device");
    }
    result = result == FH_OK ? fhi_recording_scan(reading) : result;
    fhi_reading_finish(reading);
    fhi_host_free(&recording->memory, reading, 1, sizeof *reading, 64);
    return result;
}

/* The first text is "". */
static fh_result make(const fh_host_memory *memory, fh_recording **out_recording)
{
    fh_recording *recording = fhi_host_alloc(memory, 1, sizeof *recording, 64);
    *out_recording = recording;
    if (!recording) {
        return fhi_reading_no_memory();
    }
    memset(recording, 0, sizeof *recording);
    recording->memory = *memory;
    fhi_ids_init(&recording->resource_ids);
    recording->texts = fhi_array_extend(memory, NULL, 0, &recording->text_capacity, 1);
    if (!recording->texts) {
        return fhi_reading_no_memory();
    }
    recording->texts[0] = 0;
    recording->text_size = 1;
    return FH_OK;
}

fh_result fhi_recording_read(fh_trace_reader *reader, const fh_host_memory *memory,
                             const fh_recording_desc *desc, fh_recording **out_recording)
{
    fh_recording *recording = NULL;
    progress p = {.call = desc ? desc->progress : NULL, .context = desc ? desc->context : NULL};
    *out_recording = NULL;
    fh_result result = make(memory, &recording);
    result = result == FH_OK ? read_all(recording, reader, &p) : result;
    if (result != FH_OK) {
        const fhi_sentence sentence = fhi_sentence_keep();
        fh_recording_close(recording);
        return fhi_sentence_fail(result, &sentence);
    }
    *out_recording = recording;
    return FH_OK;
}

fh_result fh_recording_open(const char *path, const fh_recording_desc *desc,
                            fh_recording **out_recording)
{
    fh_host_memory memory;
    fh_trace_reader *reader = NULL;

    if (out_recording) {
        *out_recording = NULL;
    }
    if (!path || !out_recording) {
        return fhi_fail(FH_ERR_INVALID, "path or out_recording is NULL");
    }
    fh_result result = fhi_host_memory_resolve(desc ? desc->memory : NULL, &memory);
    result = result == FH_OK ? fhi_trace_reader_open(path, &memory, &reader) : result;
    if (result == FH_OK) {
        result = fhi_recording_read(reader, &memory, desc, out_recording);
        const fhi_sentence sentence = fhi_sentence_keep();
        fh_trace_reader_close(reader);
        result = result == FH_OK ? result : fhi_sentence_fail(result, &sentence);
    }
    return result;
}

/* ---- looking at it ---- */

const fh_recording_info *fh_recording_get_info(const fh_recording *recording)
{
    return recording ? &recording->info : NULL;
}

const fh_recorded_device *fh_recording_device(const fh_recording *recording, uint32_t index)
{
    return recording && index < recording->tape_count ? &recording->tapes[index].info : NULL;
}

const fhi_tape *fhi_recording_tape(const fh_recording *recording, uint64_t device)
{
    if (device == 0) {
        return &recording->tapes[recording->info.main_device];
    }
    for (uint32_t i = 0; i < recording->tape_count; i++) {
        if (recording->tapes[i].info.id == device) {
            return &recording->tapes[i];
        }
    }
    return NULL;
}

fh_result fh_recording_resource(const fh_recording *recording, uint64_t id,
                                fh_recorded_resource *out_resource)
{
    if (out_resource) {
        *out_resource = (fh_recorded_resource){.name = ""};
    }
    if (!recording || !out_resource) {
        return fhi_fail(FH_ERR_INVALID, "recording or out_resource is NULL");
    }
    uint32_t index = fhi_ids_find(&recording->resource_ids, id);
    if (index == FHI_NONE) {
        return fhi_fail_with(FH_ERR_INVALID, "the recording has no resource {}", id, 0, 0);
    }
    const fhi_taped_resource *resource = &recording->resources[index];
    *out_resource = (fh_recorded_resource){
        .kind = (fh_kind)resource->kind,
        .usage = resource->usage,
        .location = (fh_location)resource->location,
        .format = (fh_format)resource->format,
        .width = resource->width,
        .height = resource->height,
        .depth = resource->depth,
        .layers = resource->layers,
        .mips = resource->mips,
        .samples = resource->samples,
        .size = resource->needs_size != 0 ? resource->needs_size : resource->size,
        .name = fhi_recording_text(recording, resource->name),
    };
    return FH_OK;
}
