#define _GNU_SOURCE /* fmemopen, fopencookie; NOLINT(bugprone-reserved-identifier) */

#include "trace_rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* ---- bytes ---- */

void rig_put(rig_bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = (bytes->size + size) * 2 + 64;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL) {
            abort();
        }
    }
    if (size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
    }
    bytes->size += size;
}

void rig_put_number(rig_bytes *bytes, uint64_t value)
{
    uint8_t number[FHI_TRACE_VARINT_MAX];
    rig_put(bytes, number, (size_t)(fhi_trace_put(number, value) - number));
}

void rig_put_folded(rig_bytes *bytes, int64_t value)
{
    rig_put_number(bytes, value < 0 ? ~(uint64_t)value * 2 + 1 : (uint64_t)value * 2);
}

void rig_put_name(rig_bytes *bytes, const char *name)
{
    rig_put_number(bytes, strlen(name));
    rig_put(bytes, name, strlen(name));
}

void rig_put_field(rig_bytes *bytes, const char *name, fh_trace_unit unit, uint32_t context)
{
    rig_put_name(bytes, name);
    rig_put_number(bytes, (uint64_t)unit);
    rig_put_number(bytes, context);
}

void rig_put_file_header(rig_bytes *file)
{
    uint8_t header[FHI_TRACE_FILE_HEADER];
    fhi_trace_file_header_encode(header);
    rig_put(file, header, sizeof header);
}

void rig_free(rig_bytes *bytes)
{
    free(bytes->data);
    *bytes = (rig_bytes){0};
}

void rig_put_chunk(rig_bytes *file, fhi_trace_chunk chunk, rig_bytes *payload, bool packed)
{
    fhi_trace_packer *packer = packed ? fhi_trace_packer_create() : NULL;
    uint8_t *out = malloc(FHI_TRACE_CHUNK_HEADER + payload->size + 1);
    if (out == NULL) {
        abort();
    }
    chunk.raw_size = (uint32_t)payload->size;
    rig_put(file, out, fhi_trace_chunk_encode(packer, &chunk, payload->data, out));
    free(out);
    fhi_trace_packer_destroy(packer);
    payload->size = 0;
}

void rig_put_own_schema(rig_bytes *file)
{
    fhi_trace_schema schema;
    uint8_t bytes[FHI_TRACE_SCHEMA_BYTES];
    rig_bytes payload = {0};
    fhi_trace_schema_own(&schema);
    rig_put(&payload, bytes, fhi_trace_schema_encode(&schema, bytes));
    rig_put_chunk(file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &payload, false);
    rig_free(&payload);
}

size_t rig_chunks(const rig_bytes *file, size_t *out_at, size_t capacity)
{
    size_t at = FHI_TRACE_FILE_HEADER;
    size_t count = 0;
    while (at + FHI_TRACE_CHUNK_HEADER <= file->size && count + 1 < capacity) {
        fhi_trace_chunk chunk;
        if (fhi_trace_chunk_decode(file->data + at, &chunk) != NULL) {
            abort();
        }
        out_at[count++] = at;
        at += FHI_TRACE_CHUNK_HEADER + chunk.packed_size;
    }
    out_at[count] = at;
    return count;
}

/* ---- files ---- */

fh_result rig_read(const rig_bytes *file, const fh_host_memory *memory,
                   fh_trace_reader **out_reader)
{
    FILE *stream = file->size > 0 ? fmemopen(file->data, file->size, "rb") : tmpfile();
    if (stream == NULL) {
        abort();
    }
    return fhi_trace_reader_open_stream(stream, file->size, "test", memory, out_reader);
}

static ssize_t disk_write(void *cookie, const char *data, size_t size)
{
    rig_disk *disk = cookie;
    size_t room = disk->capacity - disk->file.size;
    size_t taken = size < room ? size : room;
    rig_put(&disk->file, data, taken);
    if (taken < size) {
        errno = ENOSPC;
    }
    return (ssize_t)taken; /* 0 is a failure */
}

fh_result rig_write(rig_disk *disk, size_t capacity, const fh_host_memory *memory)
{
    cookie_io_functions_t functions = {.write = disk_write};
    *disk = (rig_disk){.capacity = capacity};
    FILE *stream = fopencookie(disk, "wb", functions);
    if (stream == NULL) {
        abort();
    }
    return fhi_trace_writer_open_stream(stream, "disk", memory, &disk->writer);
}

/* ---- events ---- */

uint64_t rig_random_number(test_rng *rng)
{
    if (test_chance(rng, 30)) {
        return test_below(rng, 4);
    }
    if (test_chance(rng, 5)) {
        return UINT64_MAX - test_below(rng, 3);
    }
    return test_log_uniform(rng, UINT64_MAX);
}

static void random_text(test_rng *rng, rig_event *out)
{
    static const char *const pieces[] = {
        "a", "mesh ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x92\xbe", "\n"};
    size_t pieces_left = test_below(rng, 30);
    size_t size = 0;
    while (pieces_left-- > 0) {
        const char *piece = pieces[test_below(rng, TEST_COUNT_OF(pieces))];
        size_t length = strlen(piece);
        if (size + length > RIG_TEXT_MAX) {
            break;
        }
        memcpy(out->text + size, piece, length);
        size += length;
    }
    out->text[size] = '\0';
    out->event.text = out->text;
    out->event.text_size = (uint32_t)size;
}

static void random_list(test_rng *rng, rig_event *out)
{
    uint32_t count = (uint32_t)test_below(rng, test_chance(rng, 10) ? RIG_LIST_MAX + 1 : 6);
    bool ascending = test_chance(rng, 50);
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        out->list[i] = ascending ? before + test_below(rng, 1000) : rig_random_number(rng);
        before = out->list[i];
    }
    out->event.list = count > 0 ? out->list : NULL;
    out->event.list_count = count;
}

void rig_random(test_rng *rng, fh_trace_kind kind, uint64_t time_ns, rig_event *out)
{
    uint32_t count = 0;
    memset(out, 0, sizeof *out);
    fh_trace_kind_describe(kind, NULL, &count);
    out->event.kind = kind;
    out->event.thread = (uint32_t)(test_chance(rng, 80) ? 1 : test_random(rng));
    uint64_t step = test_chance(rng, 99) ? test_below(rng, 100000) : test_random(rng) >> 24;
    out->event.time_ns = time_ns + step;
    for (uint32_t f = 0; f < count; f++) {
        out->event.values[f] = rig_random_number(rng);
    }
    out->event.text = "";
    if (test_chance(rng, 30)) {
        random_text(rng, out);
    }
    if (test_chance(rng, 30)) {
        random_list(rng, out);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

static bool same_list(const fh_trace_event *written, const fh_trace_event *read)
{
    size_t size = written->list_count * sizeof(uint64_t);
    if (written->list_count != read->list_count) {
        return false;
    }
    if (size == 0) {
        return read->list == NULL;
    }
    uint64_t *list = malloc(size);
    if (list == NULL) {
        abort();
    }
    memcpy(list, written->list, size);
    if (written->kind == FH_TRACE_SUBMIT) {
        qsort(list, written->list_count, sizeof *list, by_value);
    }
    bool same = memcmp(list, read->list, size) == 0;
    free(list);
    return same;
}

static bool same_text(const fh_trace_event *written, const fh_trace_event *read)
{
    uint32_t size = written->text_size;
    return read->text != NULL && read->text_size == size && read->text[size] == '\0' &&
           (size == 0 || memcmp(read->text, written->text, size) == 0);
}

const char *rig_difference(const fh_trace_event *written, const fh_trace_event *read)
{
    static char sentence[256];
    const char *name = fh_trace_kind_describe(written->kind, NULL, NULL);
    const char *what = NULL;
    if (read->kind != written->kind) {
        const char *other = fh_trace_kind_describe(read->kind, NULL, NULL);
        snprintf(sentence, sizeof sentence, "%s was written, %s read", name,
                 other ? other : "none");
        return sentence;
    }
    if (memcmp(read->values, written->values, sizeof read->values) != 0) {
        what = "values";
    } else if (read->thread != written->thread) {
        what = "threads";
    } else if (read->time_ns != written->time_ns) {
        what = "times";
    } else if (!same_text(written, read)) {
        what = "texts";
    } else if (!same_list(written, read)) {
        what = "lists";
    }
    if (what == NULL) {
        return NULL;
    }
    snprintf(sentence, sizeof sentence, "%s at %" PRIu64 " ns: the %s differ", name,
             written->time_ns, what);
    return sentence;
}
