/* One chunk in memory at a time, at sizes that have bounds, in room that is taken when the reader
 * is opened: so a hostile file cannot make it take more, and reading on never fails for want of
 * memory. Nothing that the file says is believed before it was checked, sums or not.
 *
 * Behind the first damage nothing is read, although chunks that follow may be whole: what was lost
 * between may have made and ended what they speak of, and a trace with a hole in it would replay
 * into figures of a program that never was. */

#include "trace/reader.h"

#include "base/compiler.h"
#include "base/error.h"
#include "base/host.h"
#include "base/stream.h"
#include "trace/chunk.h"
#include "trace/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum {
    ROOM = FHI_TRACE_RAW_MAX + FHI_TRACE_PADDING,
    ALIGNMENT = 64
};

struct fh_trace_reader {
    /* The chunk that is being read: events are left while at < end. */
    const uint8_t *at, *end;
    fhi_trace_room room;
    fhi_trace_codec codec;
    fhi_trace_schema schema;
    fhi_trace_chunk chunk;
    uint64_t chunk_at;     /* where it begins in the file */
    uint32_t chunk_events; /* read of it */
    uint32_t chunk_count;  /* read whole, or begun */
    uint64_t seen_count;   /* events read, those of kinds that are not ours too */
    uint64_t time_ns;      /* of the last event */
    bool over;             /* nothing is read any more */
    fh_trace_reader_info info;
    FILE *stream;
    fh_host_memory memory;
    fhi_trace_unpacker *unpacker;
    uint8_t *raw;    /* ROOM: the payload, unpacked; zeroes behind it */
    uint8_t *packed; /* FHI_TRACE_RAW_MAX: the payload as it is in the file */
};

/* ---- where it ends ---- */

static void stop(fh_trace_reader *reader)
{
    reader->over = true;
    reader->at = reader->end;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static bool
damaged(fh_trace_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->info.damage, sizeof reader->info.damage, format, arguments);
    va_end(arguments);
    stop(reader);
    return false;
}

/* Chunk, offset, what is wrong. */
static bool chunk_damaged(fh_trace_reader *reader, const char *what)
{
    return damaged(reader, "damaged at byte %" PRIu64 ", in chunk %" PRIu32 ": %s",
                   reader->chunk_at, reader->chunk_count, what);
}

/* Less was there than `size`: cut off, or a disk that fails. */
static bool chunk_short(fh_trace_reader *reader, int error)
{
    if (ferror(reader->stream)) {
        return damaged(reader,
                       "not readable behind byte %" PRIu64 ", in chunk %" PRIu32
                       ", which begins at byte %" PRIu64 ": %s",
                       reader->info.read_bytes, reader->chunk_count, reader->chunk_at,
                       fhi_stream_why(error));
    }
    return damaged(
        reader, "cut off at byte %" PRIu64 ", in chunk %" PRIu32 ", which begins at byte %" PRIu64,
        reader->info.read_bytes, reader->chunk_count, reader->chunk_at);
}

/* ---- chunks ---- */

static size_t read_bytes(fh_trace_reader *reader, void *out, size_t size, int *out_error)
{
    errno = 0;
    size_t got = size > 0 ? fread(out, 1, size, reader->stream) : 0;
    *out_error = errno;
    reader->info.read_bytes += got;
    return got;
}

/* The chunk's header and payload, neither of which is believed yet. False: there is none. */
static bool load_chunk(fh_trace_reader *reader)
{
    uint8_t header[FHI_TRACE_CHUNK_HEADER];
    int error = 0;
    reader->chunk_at = reader->info.read_bytes;
    size_t got = read_bytes(reader, header, sizeof header, &error);
    if (got == 0 && !ferror(reader->stream)) {
        return damaged(reader,
                       "without an end: the file stops at byte %" PRIu64 ", behind %" PRIu32
                       " whole chunks, as it does when the recorder is killed",
                       reader->chunk_at, reader->chunk_count);
    }
    if (got < sizeof header) {
        return chunk_short(reader, error);
    }
    const char *fault = fhi_trace_chunk_decode(header, &reader->chunk);
    if (fault) {
        return chunk_damaged(reader, fault);
    }
    if (reader->chunk.sequence != reader->chunk_count) {
        return chunk_damaged(reader, "it does not follow the one before it");
    }
    got = read_bytes(reader, reader->packed, reader->chunk.packed_size, &error);
    return got == reader->chunk.packed_size || chunk_short(reader, error);
}

/* What is packed in it, for reading from at to end, and padding. */
static bool unpack_chunk(fh_trace_reader *reader)
{
    const char *fault =
        fhi_trace_chunk_unpack(reader->unpacker, &reader->chunk, reader->packed, reader->raw);
    if (fault) {
        return chunk_damaged(reader, fault);
    }
    reader->at = reader->raw;
    reader->end = reader->raw + reader->chunk.raw_size;
    memset(reader->raw + reader->chunk.raw_size, 0, FHI_TRACE_PADDING);
    return true;
}

static bool begin_events(fh_trace_reader *reader)
{
    if (!unpack_chunk(reader)) {
        return false;
    }
    if (reader->chunk.time_ns < reader->time_ns) {
        return chunk_damaged(reader, "its time is before that of the chunk before it");
    }
    reader->chunk_events = 0;
    fhi_trace_codec_start(&reader->codec, reader->chunk.time_ns);
    return true;
}

static bool take_end(fh_trace_reader *reader)
{
    bool bad = false;
    uint8_t beyond = 0;
    int error = 0;
    if (!unpack_chunk(reader)) {
        return false;
    }
    uint64_t count = fhi_trace_take(&reader->at, &bad);
    fhi_trace_take(&reader->at, &bad); /* how many were dropped, which the events say too */
    if (bad || reader->at > reader->end || count != reader->seen_count) {
        return chunk_damaged(reader, "it does not count the events that are in the file");
    }
    reader->info.complete = true;
    uint64_t end_at = reader->info.read_bytes;
    if (read_bytes(reader, &beyond, 1, &error) > 0) {
        return damaged(reader,
                       "whole, but there is more behind its end, at byte %" PRIu64
                       ", which is not read",
                       end_at);
    }
    stop(reader);
    return false;
}

/* To the next chunk with events. False: the file is over, as it should be or not. */
static bool next_chunk(fh_trace_reader *reader)
{
    while (load_chunk(reader)) {
        bool begun = true;
        switch (reader->chunk.kind) {
        case FHI_TRACE_CHUNK_SCHEMA:
            return chunk_damaged(reader, "it is a second schema");
        case FHI_TRACE_CHUNK_END:
            return take_end(reader);
        case FHI_TRACE_CHUNK_EVENTS:
            begun = begin_events(reader);
            break;
        default: /* of the future */
            reader->chunk_count++;
            continue;
        }
        reader->chunk_count++;
        if (!begun || reader->at < reader->end) {
            return begun;
        }
        if (reader->chunk.event_count != 0) {
            reader->chunk_count--;
            return chunk_damaged(reader, "it has no events, and says it had");
        }
    }
    return false;
}

/* The file's own words, and its schema. Files that are no traces are an error; all else is damage,
 * and found when events are asked for. */
static fh_result read_begin(fh_trace_reader *reader, const char *name)
{
    uint8_t header[FHI_TRACE_FILE_HEADER];
    int error = 0;
    size_t got = read_bytes(reader, header, sizeof header, &error);
    if (ferror(reader->stream)) {
        return fhi_fail_print(FH_ERR_IO, "%s: it cannot be read: %s", name, fhi_stream_why(error));
    }
    const char *fault = fhi_trace_file_header_decode(header, got, &reader->info.version);
    if (fault) {
        return fhi_fail_print(FH_ERR_FORMAT, "%s: %s", name, fault);
    }
    if (reader->info.version > FHI_TRACE_VERSION) {
        return fhi_fail_print(FH_ERR_FORMAT,
                              "%s: it is a trace of version %" PRIu32 "; this Freehold reads %d",
                              name, reader->info.version, FHI_TRACE_VERSION);
    }
    if (!load_chunk(reader)) {
        return FH_OK;
    }
    if (reader->chunk.kind != FHI_TRACE_CHUNK_SCHEMA) {
        chunk_damaged(reader, "the file does not begin with its schema");
        return FH_OK;
    }
    if (unpack_chunk(reader)) {
        fault = fhi_trace_schema_decode(&reader->schema, reader->at, reader->end);
        if (fault) {
            chunk_damaged(reader, fault);
        }
    }
    reader->chunk_count++;
    reader->at = reader->end;
    return FH_OK;
}

/* ---- life ---- */

static void destroy(fh_trace_reader *reader)
{
    fh_host_memory memory = reader->memory;
    fhi_trace_unpacker_destroy(reader->unpacker);
    fhi_host_free(&memory, reader->raw, 1, ROOM, ALIGNMENT);
    fhi_host_free(&memory, reader->packed, 1, FHI_TRACE_RAW_MAX, ALIGNMENT);
    fhi_host_free(&memory, reader->room.list, FH_TRACE_LIST_MAX, sizeof(uint64_t), ALIGNMENT);
    fhi_host_free(&memory, reader->room.text, 1, FH_TRACE_TEXT_MAX + 1, ALIGNMENT);
    fhi_host_free(&memory, reader, 1, sizeof *reader, ALIGNMENT);
}

/* All but the stream. NULL: *out_result is why. */
static fh_trace_reader *create(const fh_host_memory *memory, fh_result *out_result)
{
    fh_host_memory resolved;
    fh_trace_reader *reader = NULL;
    *out_result = fhi_host_memory_resolve(memory, &resolved);
    if (*out_result != FH_OK) {
        return NULL;
    }
    reader = fhi_host_alloc(&resolved, 1, sizeof *reader, ALIGNMENT);
    if (reader) {
        memset(reader, 0, sizeof *reader);
        reader->memory = resolved;
        reader->raw = fhi_host_alloc(&resolved, 1, ROOM, ALIGNMENT);
        reader->packed = fhi_host_alloc(&resolved, 1, FHI_TRACE_RAW_MAX, ALIGNMENT);
        reader->room.list =
            fhi_host_alloc(&resolved, FH_TRACE_LIST_MAX, sizeof(uint64_t), ALIGNMENT);
        reader->room.text = fhi_host_alloc(&resolved, 1, FH_TRACE_TEXT_MAX + 1, ALIGNMENT);
        reader->unpacker = fhi_trace_unpacker_create();
        reader->at = reader->raw;
        reader->end = reader->raw;
    }
    if (reader && reader->raw && reader->packed && reader->room.list && reader->room.text &&
        reader->unpacker) {
        return reader;
    }
    if (reader) {
        destroy(reader);
    }
    *out_result = fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a reader of traces");
    return NULL;
}

fh_result fhi_trace_reader_open_stream(FILE *stream, uint64_t size, const char *name,
                                       const fh_host_memory *memory, fh_trace_reader **out_reader)
{
    fh_result result;
    *out_reader = NULL;
    fh_trace_reader *reader = create(memory, &result);
    if (!reader) {
        fclose(stream);
        return result;
    }
    reader->stream = stream;
    reader->info.file_bytes = size;
    result = read_begin(reader, name);
    if (result != FH_OK) {
        fh_trace_reader_close(reader);
        return result;
    }
    *out_reader = reader;
    return FH_OK;
}

fh_result fhi_trace_reader_open(const char *path, const fh_host_memory *memory,
                                fh_trace_reader **out_reader)
{
    uint64_t size = 0;
    const char *why = NULL;
    *out_reader = NULL;
    FILE *stream = fhi_stream_open(path, &size, &why);
    if (!stream) {
        return fhi_fail_print(FH_ERR_IO, "%s: it cannot be read: %s", path, why);
    }
    return fhi_trace_reader_open_stream(stream, size, path, memory, out_reader);
}

fh_result fh_trace_reader_open(const char *path, fh_trace_reader **out_reader)
{
    if (!out_reader) {
        return fhi_fail(FH_ERR_INVALID, "out_reader: must not be NULL");
    }
    *out_reader = NULL;
    if (!path) {
        return fhi_fail(FH_ERR_INVALID, "path: must not be NULL");
    }
    return fhi_trace_reader_open(path, NULL, out_reader);
}

void fh_trace_reader_close(fh_trace_reader *reader)
{
    if (reader) {
        fclose(reader->stream);
        destroy(reader);
    }
}

/* ---- events ---- */

/* The end of a chunk, or what is wrong there. */
static bool end_event(fh_trace_reader *reader, const char *fault)
{
    reader->chunk_events++;
    if (!fault && reader->chunk_events > reader->chunk.event_count) {
        fault = "there are more events than the chunk says";
    } else if (!fault && reader->at == reader->end &&
               reader->chunk_events < reader->chunk.event_count) {
        fault = "there are fewer events than the chunk says";
    }
    if (fault) {
        return damaged(reader,
                       "damaged in chunk %" PRIu32 ", which begins at byte %" PRIu64
                       ", at its event %" PRIu32 ": %s",
                       reader->chunk_count - 1, reader->chunk_at, reader->chunk_events, fault);
    }
    reader->seen_count++;
    reader->time_ns = reader->codec.time_ns;
    return true;
}

static void count_event(fh_trace_reader *reader, const fh_trace_event *event)
{
    uint64_t *dropped = &reader->info.dropped_count;
    reader->info.event_count++;
    if (event->kind == FH_TRACE_DROPPED) {
        uint64_t sum = *dropped + event->dropped.count;
        *dropped = sum < *dropped ? UINT64_MAX : sum;
    }
}

static void set_none(fh_trace_event *event)
{
    memset(event, 0, sizeof *event);
    event->text = "";
}

fh_result fh_trace_reader_next(fh_trace_reader *reader, fh_trace_event *out_event)
{
    if (!reader || !out_event) {
        if (out_event) {
            set_none(out_event);
        }
        return fhi_fail(FH_ERR_INVALID, "reader and out_event must not be NULL");
    }
    while (!reader->over && (reader->at < reader->end || next_chunk(reader))) {
        const char *fault = fhi_trace_event_decode(&reader->codec, &reader->schema, &reader->at,
                                                   reader->end, &reader->room, out_event);
        if (!end_event(reader, fault)) {
            break;
        }
        if (FHI_LIKELY(out_event->kind != FH_TRACE_NONE)) {
            count_event(reader, out_event);
            return FH_OK;
        }
    }
    set_none(out_event);
    return FH_OK;
}

fh_result fh_trace_reader_get_info(const fh_trace_reader *reader, fh_trace_reader_info *out_info)
{
    if (out_info) {
        memset(out_info, 0, sizeof *out_info);
    }
    if (!reader || !out_info) {
        return fhi_fail(FH_ERR_INVALID, "reader and out_info must not be NULL");
    }
    *out_info = reader->info;
    return FH_OK;
}
