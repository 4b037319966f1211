#include "trace_tally.h"

#include "support.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void complain(tally *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (t->fault[0] == '\0') {
        vsnprintf(t->fault, sizeof t->fault, format, arguments);
    }
    va_end(arguments);
}

/* ---- rows by id ---- */

static void *grow(void *rows, size_t size, uint64_t *count, uint64_t id)
{
    uint64_t larger = id + 1 > *count * 2 ? id + 64 : *count * 2;
    char *fresh = realloc(rows, larger * size);
    if (fresh == NULL) {
        abort();
    }
    memset(fresh + *count * size, 0, (larger - *count) * size);
    *count = larger;
    return fresh;
}

enum {
    IDS_MAX = 10000000 /* larger ones are no ids that a recorder counts from 1 */
};

static tally_memory *memory_at(tally *t, uint64_t id)
{
    if (id == 0 || id > IDS_MAX) {
        complain(t, "memory %" PRIu64 " is no id", id);
        id = 1;
    }
    if (id >= t->memory_count) {
        t->memories = grow(t->memories, sizeof *t->memories, &t->memory_count, id);
    }
    t->memory_last = id > t->memory_last ? id : t->memory_last;
    return &t->memories[id];
}

static tally_resource *resource_at(tally *t, uint64_t id)
{
    if (id == 0 || id > IDS_MAX) {
        complain(t, "resource %" PRIu64 " is no id", id);
        id = 1;
    }
    if (id >= t->resource_count) {
        t->resources = grow(t->resources, sizeof *t->resources, &t->resource_count, id);
    }
    t->resource_last = id > t->resource_last ? id : t->resource_last;
    return &t->resources[id];
}

static tally_resource *live_at(tally *t, uint64_t id, const char *what)
{
    tally_resource *resource = resource_at(t, id);
    if (!resource->live) {
        complain(t, "%s of resource %" PRIu64 ", which %s", what, id,
                 resource->seen ? "is gone" : "was never described");
    }
    return resource;
}

/* ---- events ---- */

static void add_device(tally *t, const fh_trace_event *event)
{
    const fh_trace_device *device = &event->device;
    t->heap_count = device->heap_count;
    t->type_count = device->type_count;
    if (event->list_count != 2 * (device->heap_count + device->type_count)) {
        complain(t, "the device's list has %u numbers", event->list_count);
        return;
    }
    for (uint64_t type = 0; type < device->type_count; type++) {
        t->type_heaps[type] = (uint32_t)event->list[2 * (device->heap_count + type)];
    }
}

static uint64_t *reserved_of(tally *t, const tally_memory *memory)
{
    return &t->reserved[t->type_heaps[memory->type]];
}

static void add_memory(tally *t, const fh_trace_memory *about)
{
    tally_memory *memory = memory_at(t, about->memory);
    if (memory->size != 0) {
        complain(t, "memory %" PRIu64 " comes twice", about->memory);
    }
    if (about->type >= t->type_count || about->size == 0) {
        complain(t, "memory %" PRIu64 " is of type %" PRIu64 ", %" PRIu64 " bytes", about->memory,
                 about->type, about->size);
        return;
    }
    *memory = (tally_memory){
        .live = true, .type = about->type, .size = about->size, .dedicated = about->dedicated};
    *reserved_of(t, memory) += about->size;
}

static void free_memory(tally *t, uint64_t id)
{
    tally_memory *memory = memory_at(t, id);
    if (!memory->live) {
        complain(t, "memory %" PRIu64 " is freed, and does not live", id);
        return;
    }
    for (uint64_t i = 1; i <= t->resource_last; i++) {
        if (t->resources[i].live && t->resources[i].memory == id) {
            complain(t, "memory %" PRIu64 " is freed, and resource %" PRIu64 " lies in it", id, i);
        }
    }
    *reserved_of(t, memory) -= memory->size;
    memory->live = false;
}

static void add_resource(tally *t, const fh_trace_resource *about)
{
    tally_resource *resource = resource_at(t, about->resource);
    if (resource->seen) {
        complain(t, "resource %" PRIu64 " comes twice", about->resource);
    }
    if (about->kind >= FH_KIND_COUNT || about->size == 0) {
        complain(t, "resource %" PRIu64 " is of kind %" PRIu64 " and size %" PRIu64,
                 about->resource, about->kind, about->size);
    }
    *resource = (tally_resource){.seen = true, .live = true, .about = *about, .size = about->size};
    t->committed += about->size;
    t->external += about->kind == FH_KIND_EXTERNAL ? about->size : 0;
    t->live_count++;
}

/* What shares its memory, or has it shared out. */
static bool is_shared(const tally_resource *resource)
{
    return (resource->about.flags & FH_TRACE_RESOURCE_ALIASED) != 0 ||
           resource->about.kind == FH_KIND_RAW;
}

static void check_alone(tally *t, uint64_t id)
{
    const tally_resource *one = &t->resources[id];
    for (uint64_t i = 1; i <= t->resource_last; i++) {
        const tally_resource *other = &t->resources[i];
        if (i != id && other->live && other->bound && other->memory == one->memory &&
            !(is_shared(one) && is_shared(other)) &&
            one->offset < other->offset + other->bound_size &&
            other->offset < one->offset + one->bound_size) {
            complain(t,
                     "resources %" PRIu64 " (kind %" PRIu64 ") and %" PRIu64 " (kind %" PRIu64
                     ") overlap in memory %" PRIu64,
                     id, one->about.kind, i, other->about.kind, one->memory);
        }
    }
}

static void bind(tally *t, const fh_trace_bound *about)
{
    tally_resource *resource = live_at(t, about->resource, "a binding");
    resource->bound = true;
    resource->bound_count++;
    resource->memory = about->memory;
    resource->offset = about->offset;
    resource->bound_size = about->size;
    if (resource->about.kind == FH_KIND_EXTERNAL) {
        if (about->memory != 0) {
            complain(t, "external resource %" PRIu64 " has a memory", about->resource);
        }
        return;
    }
    const tally_memory *memory = memory_at(t, about->memory);
    if (!memory->live || about->size == 0 || about->offset + about->size > memory->size) {
        complain(t,
                 "resource %" PRIu64 " lies at %" PRIu64 " in memory %" PRIu64 " with %" PRIu64
                 " bytes, which %s",
                 about->resource, about->offset, about->memory, about->size,
                 memory->live ? "is not inside" : "does not live");
    }
    check_alone(t, about->resource);
}

static void destroy(tally *t, uint64_t id)
{
    tally_resource *resource = live_at(t, id, "the end");
    if (resource->live) {
        t->committed -= resource->size;
        t->external -= resource->about.kind == FH_KIND_EXTERNAL ? resource->size : 0;
        t->live_count--;
        resource->live = false;
    }
}

static void resize(tally *t, const fh_trace_resized *about)
{
    tally_resource *resource = live_at(t, about->resource, "a resize");
    if (resource->size != about->size_before) {
        complain(t, "resource %" PRIu64 " had %" PRIu64 " bytes, and not %" PRIu64, about->resource,
                 resource->size, about->size_before);
    }
    t->committed += about->size - resource->size;
    resource->size = about->size;
    resource->resized_count++;
}

void tally_add(tally *t, const fh_trace_event *event)
{
    t->counts[event->kind]++;
    switch (event->kind) {
    case FH_TRACE_DEVICE:
        add_device(t, event);
        break;
    case FH_TRACE_MEMORY:
        add_memory(t, &event->memory);
        break;
    case FH_TRACE_MEMORY_FREED:
        free_memory(t, event->memory_freed.memory);
        break;
    case FH_TRACE_RESOURCE:
        add_resource(t, &event->resource);
        break;
    case FH_TRACE_BOUND:
        bind(t, &event->bound);
        break;
    case FH_TRACE_RELEASED:
        live_at(t, event->released.resource, "a release")->released = true;
        break;
    case FH_TRACE_DESTROYED:
        destroy(t, event->destroyed.resource);
        break;
    case FH_TRACE_RESIZED:
        resize(t, &event->resized);
        break;
    case FH_TRACE_MAPPED:
        live_at(t, event->mapped.resource, "a map")->maps++;
        break;
    case FH_TRACE_UNMAPPED: {
        tally_resource *resource = live_at(t, event->unmapped.resource, "an unmap");
        if (resource->maps-- == 0) {
            complain(t, "resource %" PRIu64 " was not mapped", event->unmapped.resource);
        }
        break;
    }
    case FH_TRACE_USED:
        live_at(t, event->used.resource, "a use")->use_count++;
        break;
    case FH_TRACE_EVICTION:
        resource_at(t, event->eviction.resource)->eviction_count++;
        break;
    case FH_TRACE_NAMED:
        snprintf(live_at(t, event->named.id, "a name")->name, FH_NAME_SIZE, "%s", event->text);
        break;
    case FH_TRACE_TAG:
        snprintf(t->tags[event->tag.tag % 64], sizeof t->tags[0], "%.63s", event->text);
        break;
    case FH_TRACE_FRAME:
        t->frame = event->frame.number;
        break;
    case FH_TRACE_DROPPED:
        t->dropped += event->dropped.count;
        break;
    default:
        break;
    }
    if (event->kind == FH_TRACE_RESOURCE && event->resource.tag != 0 &&
        t->tags[event->resource.tag % 64][0] == '\0') {
        complain(t, "tag %" PRIu64 " has no name yet", event->resource.tag);
    }
}

void tally_finish(tally *t)
{
    free(t->memories);
    free(t->resources);
    *t = (tally){.memories = NULL};
}

const char *tally_read(tally *t, const char *path, bool complete,
                       void (*frame)(void *context, tally *t), void *context)
{
    fh_trace_reader *reader;
    fh_trace_reader_info info;
    fh_trace_event event;
    if (fh_trace_reader_open(path, &reader) != FH_OK) {
        complain(t, "%s", fh_error_detail());
        return t->fault;
    }
    while (fh_trace_reader_next(reader, &event) == FH_OK && event.kind != FH_TRACE_NONE) {
        tally_add(t, &event);
        if (event.kind == FH_TRACE_FRAME && frame != NULL) {
            frame(context, t);
        }
    }
    fh_trace_reader_get_info(reader, &info);
    if (info.complete != complete) {
        complain(t, "the file is %scomplete: %s", info.complete ? "" : "not ", info.damage);
    }
    if (info.dropped_count != t->dropped) {
        complain(t, "the reader says that %" PRIu64 " are missing, and not %" PRIu64,
                 info.dropped_count, t->dropped);
    }
    fh_trace_reader_close(reader);
    return t->fault[0] != '\0' ? t->fault : NULL;
}

void tally_compare(tally *t, const fh_device_stats *stats)
{
    for (uint64_t heap = 0; heap < t->heap_count; heap++) {
        uint64_t right = stats->heaps[heap].stats.block_bytes;
        if (t->reserved[heap] != right) {
            complain(t, "frame %" PRIu64 ": heap %" PRIu64 " has %" PRIu64 " bytes, not %" PRIu64,
                     t->frame, heap, t->reserved[heap], right);
        }
    }
    if (t->committed != stats->committed_bytes || t->external != stats->external_bytes) {
        complain(t,
                 "frame %" PRIu64 ": committed %" PRIu64 " and external %" PRIu64 ", not %" PRIu64
                 " and %" PRIu64,
                 t->frame, t->committed, t->external, stats->committed_bytes,
                 stats->external_bytes);
    }
}
