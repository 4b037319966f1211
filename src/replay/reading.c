#include "replay/reading.h"

#include "base/bits.h"
#include "base/error.h"
#include "replay/array.h"
#include "replay/card.h"

#include <stdio.h>
#include <string.h>

enum {
    ALIGNMENT_MAX = 64 << 20 /* bytes: no driver asks for more */
};

fh_result fhi_reading_no_memory(void)
{
    return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the recording");
}

void fhi_reading_ignore(fhi_reading *reading)
{
    reading->recording->info.ignored_count++;
}

void *fhi_reading_room(const fhi_reading *reading, void *items, uint32_t count, uint32_t *capacity,
                       size_t size)
{
    return count < *capacity ? items
                             : fhi_array_extend(reading->memory, items, count, capacity, size);
}

void fhi_reading_init(fhi_reading *reading, fh_recording *recording)
{
    memset(reading, 0, sizeof *reading);
    reading->recording = recording;
    reading->memory = &recording->memory;
    fhi_ids_init(&reading->tapes);
    fhi_ids_init(&reading->queues);
    fhi_ids_init(&reading->memories);
    fhi_ids_init(&reading->tags);
    for (uint32_t i = 0; i < FHI_TAPES_MAX; i++) {
        fhi_extents_init(&reading->extents[i]);
    }
}

void fhi_reading_finish(fhi_reading *reading)
{
    const fh_host_memory *memory = reading->memory;
    fhi_ids_finish(&reading->tapes, memory);
    fhi_ids_finish(&reading->queues, memory);
    fhi_ids_finish(&reading->memories, memory);
    fhi_ids_finish(&reading->tags, memory);
    fhi_array_free(memory, reading->queue, reading->queue_capacity, sizeof *reading->queue);
    for (uint32_t i = 0; i < FHI_TAPES_MAX; i++) {
        fhi_extents_finish(&reading->extents[i], memory);
        fhi_array_free(memory, reading->marks[i], reading->mark_capacity[i],
                       sizeof *reading->marks[i]);
        fhi_array_free(memory, reading->mark_times[i], reading->mark_time_capacity[i],
                       sizeof *reading->mark_times[i]);
    }
}

/* ---- small things ---- */

static fh_result ignore(fhi_reading *reading)
{
    fhi_reading_ignore(reading);
    return FH_OK;
}

static uint32_t to_32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static uint8_t to_8(uint64_t value)
{
    return value < UINT8_MAX ? (uint8_t)value : UINT8_MAX;
}

fh_result fhi_reading_op(fhi_reading *reading, uint32_t tape_index, fhi_op_kind kind,
                         uint32_t index)
{
    fhi_tape *tape = &reading->recording->tapes[tape_index];
    fhi_op *ops =
        fhi_reading_room(reading, tape->ops, tape->op_count, &tape->op_capacity, sizeof *ops);
    if (!ops) {
        return fhi_reading_no_memory();
    }
    tape->ops = ops;
    ops[tape->op_count++] = (fhi_op){reading->time_ns, index, (uint32_t)kind};
    return FH_OK;
}

/* Keeps a text. "" is always 0. */
static fh_result keep_text(fhi_reading *reading, const char *text, uint32_t size, uint32_t *out)
{
    fh_recording *recording = reading->recording;
    *out = 0;
    if (size == 0) {
        return FH_OK;
    }
    if (size >= UINT32_MAX / 2 - recording->text_size) {
        return fhi_reading_no_memory();
    }
    while (recording->text_capacity - recording->text_size <= size) {
        char *texts = fhi_array_extend(reading->memory, recording->texts, recording->text_size,
                                       &recording->text_capacity, 1);
        if (!texts) {
            return fhi_reading_no_memory();
        }
        recording->texts = texts;
    }
    *out = recording->text_size;
    memcpy(recording->texts + recording->text_size, text, size);
    recording->texts[recording->text_size + size] = 0;
    recording->text_size += size + 1;
    return FH_OK;
}

/* A copy in a field of fixed size, cut between characters. */
static void copy_text(char *to, size_t capacity, const char *text)
{
    size_t length = strlen(text);
    if (length >= capacity) {
        length = capacity - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    memcpy(to, text, length);
    to[length] = 0;
}

uint32_t fhi_reading_tape(const fhi_reading *reading, uint64_t device)
{
    return device == 0 && reading->recording->tape_count == 1
               ? 0
               : fhi_ids_find(&reading->tapes, device);
}

/* ---- devices, queues, texts ---- */

static fh_result take_device(fhi_reading *reading, const fh_trace_event *event)
{
    fh_recording *recording = reading->recording;
    const fh_trace_device *device = &event->device;
    if (device->device == 0 || recording->tape_count == FHI_TAPES_MAX ||
        fhi_ids_find(&reading->tapes, device->device) != FHI_NONE) {
        return ignore(reading);
    }
    fhi_tape *tapes = fhi_reading_room(reading, recording->tapes, recording->tape_count,
                                       &recording->tape_capacity, sizeof *tapes);
    if (!tapes || !fhi_ids_add(&reading->tapes, reading->memory, device->device)) {
        recording->tapes = tapes ? tapes : recording->tapes;
        return fhi_reading_no_memory();
    }
    recording->tapes = tapes;
    fhi_tape *tape = &tapes[recording->tape_count++];
    memset(tape, 0, sizeof *tape);
    tape->info.id = device->device;
    tape->info.api =
        device->api <= FH_TRACE_API_METAL ? (fh_trace_api)device->api : FH_TRACE_API_OTHER;
    copy_text(tape->info.name, sizeof tape->info.name, event->text);
    if (!fhi_card_read(event, &tape->info.profile)) {
        fhi_reading_ignore(reading);
    }
    return FH_OK;
}

static fh_result take_queue(fhi_reading *reading, const fh_trace_queue *queue)
{
    uint32_t tape = fhi_reading_tape(reading, queue->device);
    uint32_t count = reading->queues.count;
    if (tape == FHI_NONE || queue->queue == 0 ||
        fhi_ids_find(&reading->queues, queue->queue) != FHI_NONE) {
        return ignore(reading);
    }
    void *queues = fhi_reading_room(reading, reading->queue, count, &reading->queue_capacity,
                                    sizeof *reading->queue);
    if (!queues) {
        return fhi_reading_no_memory();
    }
    reading->queue = queues;
    if (!fhi_ids_add(&reading->queues, reading->memory, queue->queue)) {
        return fhi_reading_no_memory();
    }
    reading->queue[count].tape = tape;
    reading->queue[count].index = reading->recording->tapes[tape].queue_count++;
    return FH_OK;
}

static void take_note(fhi_reading *reading, const fh_trace_event *event)
{
    fh_recording_info *info = &reading->recording->info;
    if (event->note.topic == FH_TRACE_TOPIC_PROGRAM) {
        copy_text(info->program, sizeof info->program, event->text);
    } else if (event->note.topic == FH_TRACE_TOPIC_RECORDER) {
        copy_text(info->tool, sizeof info->tool, event->text);
    }
}

static fh_result take_name(fhi_reading *reading, const fh_trace_event *event)
{
    fh_recording *recording = reading->recording;
    uint32_t *name = NULL;
    if (event->named.noun == FH_TRACE_NOUN_RESOURCE) {
        uint32_t index = fhi_ids_find(&recording->resource_ids, event->named.id);
        name = index != FHI_NONE ? &recording->resources[index].name : NULL;
    } else if (event->named.noun == FH_TRACE_NOUN_MEMORY) {
        uint32_t index = fhi_ids_find(&reading->memories, event->named.id);
        name = index != FHI_NONE ? &recording->memories[index].name : NULL;
    } else {
        return FH_OK;
    }
    return name ? keep_text(reading, event->text, event->text_size, name) : ignore(reading);
}

static fh_result take_tag(fhi_reading *reading, const fh_trace_event *event)
{
    fh_recording *recording = reading->recording;
    if (event->tag.tag == 0 || fhi_ids_find(&reading->tags, event->tag.tag) != FHI_NONE) {
        return ignore(reading);
    }
    uint32_t *tags = fhi_reading_room(reading, recording->tags, recording->tag_count,
                                      &recording->tag_capacity, sizeof *tags);
    if (!tags) {
        return fhi_reading_no_memory();
    }
    recording->tags = tags;
    if (!fhi_ids_add(&reading->tags, reading->memory, event->tag.tag)) {
        return fhi_reading_no_memory();
    }
    return keep_text(reading, event->text, event->text_size, &tags[recording->tag_count++]);
}

/* ---- memories ---- */

static fh_result take_memory(fhi_reading *reading, const fh_trace_memory *made)
{
    fh_recording *recording = reading->recording;
    uint32_t tape = fhi_reading_tape(reading, made->device);
    uint32_t index = recording->memory_count;
    if (tape == FHI_NONE || made->memory == 0 || made->size == 0 ||
        made->size > FH_BLOCK_SIZE_MAX ||
        made->type >= recording->tapes[tape].info.profile.type_count ||
        fhi_ids_find(&reading->memories, made->memory) != FHI_NONE) {
        return ignore(reading);
    }
    fhi_taped_memory *memories = fhi_reading_room(reading, recording->memories, index,
                                                  &recording->memory_capacity, sizeof *memories);
    if (!memories) {
        return fhi_reading_no_memory();
    }
    recording->memories = memories;
    memories[index] = (fhi_taped_memory){
        .size = made->size,
        .tape = tape,
        .type = (uint32_t)made->type,
        .heap = recording->tapes[tape].info.profile.types[made->type].heap,
        .piece = FHI_NONE,
        .first = FHI_NONE,
        .last = FHI_NONE,
        .root = FHI_NONE,
        .dedicated = made->dedicated != 0,
        .imported = (made->flags & FH_TRACE_MEMORY_IMPORTED) != 0,
        .address = (made->flags & FH_TRACE_MEMORY_ADDRESS) != 0,
    };
    if (!fhi_ids_add(&reading->memories, reading->memory, made->memory)) {
        return fhi_reading_no_memory();
    }
    recording->memory_count++;
    return memories[index].imported ? FH_OK : fhi_reading_op(reading, tape, FHI_OP_ALLOC, index);
}

static fh_result take_memory_freed(fhi_reading *reading, uint64_t id)
{
    uint32_t index = fhi_ids_find(&reading->memories, id);
    if (index == FHI_NONE || reading->recording->memories[index].freed) {
        return ignore(reading);
    }
    return fhi_reading_free(reading, index);
}

static fh_result take_mapped(fhi_reading *reading, const fh_trace_mapped *mapped)
{
    fh_recording *recording = reading->recording;
    uint32_t memory = fhi_ids_find(&reading->memories, mapped->memory);
    uint32_t resource = fhi_ids_find(&recording->resource_ids, mapped->resource);
    if (resource != FHI_NONE) {
        recording->resources[resource].held = true;
    } else if (memory != FHI_NONE && !recording->memories[memory].freed) {
        fhi_reading_map(reading, memory, mapped->offset, mapped->size);
    } else {
        fhi_reading_ignore(reading);
    }
    return FH_OK;
}

static fh_result take_unmapped(fhi_reading *reading, const fh_trace_unmapped *unmapped)
{
    uint32_t memory = fhi_ids_find(&reading->memories, unmapped->memory);
    if (memory != FHI_NONE) {
        reading->recording->memories[memory].mapped = false;
    }
    return FH_OK;
}

/* ---- resources ---- */

/* As replays need it: numbers that fit, alignments that can be. */
static fhi_taped_resource describe(const fhi_reading *reading, const fh_trace_resource *made,
                                   uint32_t tape)
{
    uint64_t alignment = made->needs_alignment;
    bool known = fhi_is_power_of_two(alignment) && alignment <= ALIGNMENT_MAX;
    uint32_t tag = fhi_ids_find(&reading->tags, made->tag);
    return (fhi_taped_resource){
        .size = made->size,
        .needs_size = made->needs_size,
        .needs_alignment = known ? (uint32_t)alignment : 0,
        .needs_types = (uint32_t)made->needs_types,
        .tape = tape,
        .usage = (fh_usage)made->usage,
        .width = to_32(made->width),
        .height = to_32(made->height),
        .depth = to_32(made->depth),
        .layers = to_32(made->layers),
        .stride = to_32(made->stride),
        .tag = tag == FHI_NONE ? 0 : tag + 1,
        .priority_ppm = made->priority_ppm <= 1000000 ? (uint32_t)made->priority_ppm : 1000000,
        .piece = FHI_NONE,
        .flags = (uint32_t)made->flags,
        .format = (uint16_t)(made->format <= UINT16_MAX ? made->format : 0),
        .kind = made->kind < FH_KIND_COUNT ? (uint8_t)made->kind : FH_KIND_RAW,
        .texture_kind = to_8(made->texture_kind),
        .mips = to_8(made->mips),
        .samples = to_8(made->samples),
        .dedicated = made->dedicated <= 2 ? (uint8_t)made->dedicated : 0,
        .location = made->location <= FH_LOCATION_COUNT ? (uint8_t)made->location : 0,
        .held = (made->flags & FH_TRACE_RESOURCE_MAPPED) != 0,
        .always = (made->flags & FH_TRACE_RESOURCE_ALWAYS) != 0,
    };
}

/* Others own its memory, or nobody knows where it lies. */
static bool is_played(const fhi_taped_resource *resource)
{
    return resource->kind != FH_KIND_EXTERNAL &&
           (resource->flags & (FH_TRACE_RESOURCE_SWAPCHAIN | FH_TRACE_RESOURCE_SPARSE)) == 0;
}

static fh_result take_resource(fhi_reading *reading, const fh_trace_resource *made)
{
    fh_recording *recording = reading->recording;
    uint32_t tape = fhi_reading_tape(reading, made->device);
    uint32_t index = recording->resource_count;
    if (tape == FHI_NONE || made->resource == 0 ||
        fhi_ids_find(&recording->resource_ids, made->resource) != FHI_NONE) {
        return ignore(reading);
    }
    fhi_taped_resource *resources = fhi_reading_room(
        reading, recording->resources, index, &recording->resource_capacity, sizeof *resources);
    if (!resources) {
        return fhi_reading_no_memory();
    }
    recording->resources = resources;
    if (!fhi_ids_add(&recording->resource_ids, reading->memory, made->resource)) {
        return fhi_reading_no_memory();
    }
    resources[index] = describe(reading, made, tape);
    recording->resource_count++;
    fhi_tape *of = &recording->tapes[tape];
    of->info.resource_count++;
    /* An imported log may know no memories: what it allocates is there at once. */
    bool at_once = of->info.api == FH_TRACE_API_OTHER && is_played(&resources[index]);
    return at_once ? fhi_reading_imply(reading, index) : FH_OK;
}

static fh_result take_bound(fhi_reading *reading, const fh_trace_bound *bound)
{
    uint32_t index = fhi_ids_find(&reading->recording->resource_ids, bound->resource);
    if (index == FHI_NONE) {
        return ignore(reading);
    }
    return is_played(&reading->recording->resources[index])
               ? fhi_reading_bind(reading, index, bound)
               : FH_OK;
}

static fh_result take_released(fhi_reading *reading, uint64_t id)
{
    const fh_recording *recording = reading->recording;
    uint32_t index = fhi_ids_find(&recording->resource_ids, id);
    if (index == FHI_NONE || recording->resources[index].destroyed) {
        return ignore(reading);
    }
    const fhi_taped_resource *resource = &recording->resources[index];
    return resource->piece == FHI_NONE
               ? FH_OK
               : fhi_reading_release(reading, resource->tape, resource->piece);
}

static fh_result take_destroyed(fhi_reading *reading, uint64_t id)
{
    fh_recording *recording = reading->recording;
    uint32_t index = fhi_ids_find(&recording->resource_ids, id);
    if (index == FHI_NONE || recording->resources[index].destroyed) {
        return ignore(reading);
    }
    fhi_taped_resource *resource = &recording->resources[index];
    resource->destroyed = true;
    return resource->piece == FHI_NONE ? FH_OK
                                       : fhi_reading_end(reading, resource->tape, resource->piece);
}

static fh_result take_resized(fhi_reading *reading, const fh_trace_resized *resized)
{
    uint32_t index = fhi_ids_find(&reading->recording->resource_ids, resized->resource);
    if (index == FHI_NONE) {
        return ignore(reading);
    }
    reading->recording->resources[index].size = resized->size;
    return FH_OK;
}

static fh_result take_always(fhi_reading *reading, uint64_t id)
{
    uint32_t index = fhi_ids_find(&reading->recording->resource_ids, id);
    if (index == FHI_NONE) {
        return ignore(reading);
    }
    reading->recording->resources[index].always = true;
    return FH_OK;
}

fh_result fhi_reading_take(fhi_reading *reading, const fh_trace_event *event)
{
    reading->time_ns = event->time_ns > reading->time_ns ? event->time_ns : reading->time_ns;
    reading->recording->info.event_count++;
    switch (event->kind) {
    case FH_TRACE_NOTE:
        take_note(reading, event);
        return FH_OK;
    case FH_TRACE_DEVICE:
        return take_device(reading, event);
    case FH_TRACE_QUEUE:
        return take_queue(reading, &event->queue);
    case FH_TRACE_MEMORY:
        return take_memory(reading, &event->memory);
    case FH_TRACE_MEMORY_FREED:
        return take_memory_freed(reading, event->memory_freed.memory);
    case FH_TRACE_RESOURCE:
        return take_resource(reading, &event->resource);
    case FH_TRACE_RELEASED:
        return take_released(reading, event->released.resource);
    case FH_TRACE_DESTROYED:
        return take_destroyed(reading, event->destroyed.resource);
    case FH_TRACE_BOUND:
        return take_bound(reading, &event->bound);
    case FH_TRACE_RESIZED:
        return take_resized(reading, &event->resized);
    case FH_TRACE_MAPPED:
        return take_mapped(reading, &event->mapped);
    case FH_TRACE_UNMAPPED:
        return take_unmapped(reading, &event->unmapped);
    case FH_TRACE_SUBMIT:
        return fhi_reading_submit(reading, event);
    case FH_TRACE_USED:
        return fhi_reading_used(reading, &event->used);
    case FH_TRACE_FRAME:
        return fhi_reading_frame(reading, event->frame.device);
    case FH_TRACE_BUDGET:
        return fhi_reading_budget(reading, &event->budget);
    case FH_TRACE_NAMED:
        return take_name(reading, event);
    case FH_TRACE_TAG:
        return take_tag(reading, event);
    case FH_TRACE_REFUSED:
        return fhi_reading_refused(reading, &event->refused);
    case FH_TRACE_DECISION:
        return fhi_reading_decision(reading, event);
    case FH_TRACE_EVICTION:
        return fhi_reading_eviction(reading, &event->eviction);
    case FH_TRACE_ALWAYS_USED:
        return take_always(reading, event->always_used.resource);
    case FH_TRACE_NONE:
    case FH_TRACE_DEVICE_CLOSED:
    case FH_TRACE_THREAD_SEEN:
    case FH_TRACE_PASSED:
    case FH_TRACE_POLICY:
    case FH_TRACE_CROSSED:
    case FH_TRACE_DROPPED:
    case FH_TRACE_LOST:
        return FH_OK; /* a replay has no use for them */
    }
    return FH_OK;
}
