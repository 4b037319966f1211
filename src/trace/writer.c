/* Events gather in `raw` until there are 64 KiB, which become a chunk, which is written by one
 * call, without a buffer between: so a file is good up to its last chunk whenever the program ends.
 * 64 KiB is where packing gains little more, and what a killed program loses at most.
 *
 * All memory is taken when the writer is opened: enough for a chunk that the largest event came to
 * last. Most of it is never touched, which on systems with virtual memory costs nothing. */

#include "trace/writer.h"

#include "base/error.h"
#include "base/host.h"
#include "base/stream.h"
#include "trace/chunk.h"
#include "trace/event.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum {
    CHUNK_SIZE = 65536, /* a chunk ends with the event that makes it this large */
    RAW_SIZE = CHUNK_SIZE + FHI_TRACE_EVENT_BYTES,
    NAME_SIZE = 128,
    ALIGNMENT = 64
};

_Static_assert(RAW_SIZE <= (int)FHI_TRACE_RAW_MAX, "a chunk that a reader refuses");
_Static_assert(RAW_SIZE >= (int)(FH_TRACE_LIST_MAX * sizeof(uint64_t)), "scratch for lists");

struct fh_trace_writer {
    fh_host_memory memory;
    FILE *stream;
    fhi_trace_packer *packer;
    uint8_t *raw; /* RAW_SIZE: the chunk's events so far */
    uint8_t
        *out; /* header and RAW_SIZE: the chunk as it is written; meanwhile, for sorting lists */
    size_t raw_size;
    uint64_t chunk_time_ns; /* of the first event in raw */
    uint64_t time_ns;       /* of the last event */
    uint32_t chunk_events, sequence;
    uint64_t event_count, dropped_count, bytes;
    fh_result result;      /* FH_OK, or the first failure to write, which stays */
    fhi_sentence sentence; /* of that */
    fhi_trace_codec codec;
    fhi_trace_schema schema;
    char name[NAME_SIZE];
};

static fh_result write_bytes(fhi_trace_writer *writer, const void *bytes, size_t size)
{
    errno = 0;
    if (fwrite(bytes, 1, size, writer->stream) != size) {
        writer->result = fhi_fail_print(FH_ERR_IO, "%s: it cannot be written: %s", writer->name,
                                        fhi_stream_why(errno));
        writer->sentence = fhi_sentence_keep();
        return writer->result;
    }
    writer->bytes += size;
    return FH_OK;
}

static fh_result write_chunk(fhi_trace_writer *writer, fhi_trace_chunk_kind kind, size_t before)
{
    fhi_trace_chunk chunk = {
        .kind = (uint32_t)kind,
        .sequence = writer->sequence,
        .event_count = writer->chunk_events,
        .raw_size = (uint32_t)writer->raw_size,
        .time_ns = writer->chunk_events > 0 ? writer->chunk_time_ns : writer->time_ns,
    };
    size_t size = fhi_trace_chunk_encode(writer->packer, &chunk, writer->raw, writer->out + before);
    writer->sequence++;
    writer->chunk_events = 0;
    writer->raw_size = 0;
    return write_bytes(writer, writer->out, before + size);
}

/* File header and schema at once, so that hardly any file is cut off between. */
static fh_result write_begin(fhi_trace_writer *writer)
{
    fhi_trace_schema_own(&writer->schema);
    fhi_trace_file_header_encode(writer->out);
    writer->raw_size = fhi_trace_schema_encode(&writer->schema, writer->raw);
    return write_chunk(writer, FHI_TRACE_CHUNK_SCHEMA, FHI_TRACE_FILE_HEADER);
}

static void destroy(fhi_trace_writer *writer)
{
    fh_host_memory memory = writer->memory;
    fhi_trace_packer_destroy(writer->packer);
    fhi_host_free(&memory, writer->out, 1, FHI_TRACE_CHUNK_HEADER + RAW_SIZE, ALIGNMENT);
    fhi_host_free(&memory, writer->raw, 1, RAW_SIZE, ALIGNMENT);
    fhi_host_free(&memory, writer, 1, sizeof *writer, ALIGNMENT);
}

/* All but the stream. NULL: *out_result is why. */
static fhi_trace_writer *create(const fh_host_memory *memory, const char *name,
                                fh_result *out_result)
{
    fh_host_memory resolved;
    fhi_trace_writer *writer = NULL;
    *out_result = fhi_host_memory_resolve(memory, &resolved);
    if (*out_result != FH_OK) {
        return NULL;
    }
    writer = fhi_host_alloc(&resolved, 1, sizeof *writer, ALIGNMENT);
    if (writer) {
        memset(writer, 0, sizeof *writer);
        writer->memory = resolved;
        writer->raw = fhi_host_alloc(&resolved, 1, RAW_SIZE, ALIGNMENT);
        writer->out = fhi_host_alloc(&resolved, 1, FHI_TRACE_CHUNK_HEADER + RAW_SIZE, ALIGNMENT);
        writer->packer = fhi_trace_packer_create();
        snprintf(writer->name, sizeof writer->name, "%s", name);
    }
    if (writer && writer->raw && writer->out && writer->packer) {
        return writer;
    }
    if (writer) {
        destroy(writer);
    }
    *out_result = fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a writer of traces");
    return NULL;
}

static fh_result begin(fhi_trace_writer *writer, FILE *stream, fhi_trace_writer **out_writer)
{
    writer->stream = stream;
    fh_result result = write_begin(writer);
    if (result != FH_OK) {
        fclose(stream);
        destroy(writer);
        return result;
    }
    *out_writer = writer;
    return FH_OK;
}

fh_result fhi_trace_writer_open(const char *path, const fh_host_memory *memory,
                                fhi_trace_writer **out_writer)
{
    const char *why = NULL;
    fh_result result;
    *out_writer = NULL;
    /* First what may be missing, then what replaces a file. */
    fhi_trace_writer *writer = create(memory, path, &result);
    if (!writer) {
        return result;
    }
    FILE *stream = fhi_stream_create(path, &why);
    if (!stream) {
        destroy(writer);
        return fhi_fail_print(FH_ERR_IO, "%s: it cannot be written: %s", path, why);
    }
    return begin(writer, stream, out_writer);
}

fh_result fhi_trace_writer_open_stream(FILE *stream, const char *name, const fh_host_memory *memory,
                                       fhi_trace_writer **out_writer)
{
    fh_result result;
    *out_writer = NULL;
    fhi_trace_writer *writer = create(memory, name, &result);
    if (!writer) {
        fclose(stream);
        return result;
    }
    setvbuf(stream, NULL, _IONBF, 0);
    return begin(writer, stream, out_writer);
}

fh_result fhi_trace_writer_add(fhi_trace_writer *writer, const fh_trace_event *event)
{
    fh_result result = fhi_trace_event_check(event);
    if (result != FH_OK) {
        return result;
    }
    if (writer->result != FH_OK) {
        return fhi_sentence_fail(writer->result, &writer->sentence);
    }
    if (writer->chunk_events == 0) {
        writer->time_ns = event->time_ns > writer->time_ns ? event->time_ns : writer->time_ns;
        writer->chunk_time_ns = writer->time_ns;
        fhi_trace_codec_start(&writer->codec, writer->chunk_time_ns);
    }
    /* What is behind the header in `out` is aligned for numbers, and there is enough of it. */
    uint64_t *scratch = (uint64_t *)(void *)writer->out;
    writer->raw_size += fhi_trace_event_encode(&writer->codec, &writer->schema, event, scratch,
                                               writer->raw + writer->raw_size);
    writer->time_ns = writer->codec.time_ns;
    writer->chunk_events++;
    writer->event_count++;
    if (event->kind == FH_TRACE_DROPPED) {
        uint64_t sum = writer->dropped_count + event->dropped.count;
        writer->dropped_count = sum < writer->dropped_count ? UINT64_MAX : sum;
    }
    return writer->raw_size < CHUNK_SIZE ? FH_OK : fhi_trace_writer_flush(writer);
}

fh_result fhi_trace_writer_flush(fhi_trace_writer *writer)
{
    if (writer->result != FH_OK) {
        return fhi_sentence_fail(writer->result, &writer->sentence);
    }
    return writer->chunk_events > 0 ? write_chunk(writer, FHI_TRACE_CHUNK_EVENTS, 0) : FH_OK;
}

uint64_t fhi_trace_writer_pending(const fhi_trace_writer *writer)
{
    return writer->chunk_events;
}

uint64_t fhi_trace_writer_bytes(const fhi_trace_writer *writer)
{
    return writer->bytes;
}

fh_result fhi_trace_writer_close(fhi_trace_writer *writer)
{
    if (!writer) {
        return FH_OK;
    }
    fh_result result = fhi_trace_writer_flush(writer);
    if (result == FH_OK) {
        uint8_t *at = fhi_trace_put(writer->raw, writer->event_count);
        at = fhi_trace_put(at, writer->dropped_count);
        writer->raw_size = (size_t)(at - writer->raw);
        result = write_chunk(writer, FHI_TRACE_CHUNK_END, 0);
    }
    errno = 0;
    if (fclose(writer->stream) != 0 && result == FH_OK) {
        result = fhi_fail_print(FH_ERR_IO, "%s: it cannot be written: %s", writer->name,
                                fhi_stream_why(errno));
    }
    destroy(writer);
    return result;
}

/* ---- for everybody ---- */

fh_result fh_trace_writer_open(const char *path, fh_trace_writer **out_writer)
{
    if (!out_writer) {
        return fhi_fail(FH_ERR_INVALID, "out_writer: must not be NULL");
    }
    *out_writer = NULL;
    if (!path) {
        return fhi_fail(FH_ERR_INVALID, "path: must not be NULL");
    }
    return fhi_trace_writer_open(path, NULL, out_writer);
}

fh_result fh_trace_writer_add(fh_trace_writer *writer, const fh_trace_event *event)
{
    if (!writer || !event) {
        return fhi_fail(FH_ERR_INVALID, "writer and event must not be NULL");
    }
    return fhi_trace_writer_add(writer, event);
}

fh_result fh_trace_writer_close(fh_trace_writer *writer)
{
    return fhi_trace_writer_close(writer);
}
