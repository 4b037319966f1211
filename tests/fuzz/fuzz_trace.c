/* libFuzzer target: the first byte says what the others are.
 *
 *     0  a file
 *     1  a file whose sums are put right, and whose chunks follow each other: else no input would
 *        come further than its first sum
 *     2  a schema and events in it, of a file that is made around them; the first byte of these
 *        says how long the schema is
 *     3  events in our own schema, likewise
 *     4  events that are made of the bytes
 *
 * Whatever can be read must be good events, in order of time; and what was read is written and read
 * once more, which must give the same. Linked with tests/unit/{trace_rig,support}.c. */

#include "unit/trace_rig.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_MAX = 5000 /* of one input */
};

typedef struct input {
    const uint8_t *at, *end;
} input;

static uint8_t take_byte(input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* 0 to about 2^64, as in fuzz_block.c: which bit is the highest, and what stands below it. */
static uint64_t take_number(input *in)
{
    unsigned int first = take_byte(in);
    unsigned int shift = first & 63;
    uint64_t below = take_byte(in);
    uint64_t number = UINT64_C(1) << shift;
    number |= shift >= 8 ? below << (shift - 8) : below & ((1U << shift) - 1);
    return (first & 0x80) != 0 ? number - 1 : number;
}

static void stop(const char *what, const char *fault)
{
    if (fault != NULL) {
        fprintf(stderr, "%s: %s\n", what, fault);
        abort();
    }
}

static void require(bool good, const char *what)
{
    stop("wrong", good ? NULL : what);
}

/* Readers and writers take MiBs, which the system would map and clear for each input: what was
 * given back is kept for the next one. A sanitizer still sees what is written beside a block. */
typedef struct keeper {
    struct {
        void *block;
        size_t size;
    } kept[16];
} keeper;

static void *keeper_alloc(void *context, size_t size, size_t alignment)
{
    keeper *k = context;
    for (size_t i = 0; i < TEST_COUNT_OF(k->kept); i++) {
        if (k->kept[i].block != NULL && k->kept[i].size == size) {
            void *block = k->kept[i].block;
            k->kept[i].block = NULL;
            return block;
        }
    }
    (void)alignment; /* of what is for bytes and numbers */
    return malloc(size);
}

static void keeper_free(void *context, void *memory, size_t size, size_t alignment)
{
    keeper *k = context;
    (void)alignment;
    for (size_t i = 0; i < TEST_COUNT_OF(k->kept); i++) {
        if (k->kept[i].block == NULL) {
            k->kept[i].block = memory;
            k->kept[i].size = size;
            return;
        }
    }
    free(memory);
}

static const fh_host_memory *host(void)
{
    static keeper kept;
    static const fh_host_memory memory = {keeper_alloc, keeper_free, &kept};
    return &memory;
}

/* ---- reading ---- */

static void check_event(const fh_trace_event *event, uint64_t before_ns)
{
    char text[FH_TRACE_TEXT_MAX + 1];
    uint32_t count = 0;
    require(fh_trace_kind_describe(event->kind, NULL, &count) != NULL, "an event of no kind");
    require(event->time_ns >= before_ns, "time runs backwards");
    if (event->text == NULL || event->text_size > FH_TRACE_TEXT_MAX) {
        stop("wrong", "no text");
        return;
    }
    require(strlen(event->text) == event->text_size, "a text with zeroes");
    memcpy(text, event->text, event->text_size + 1);
    fhi_utf8_clean(text, event->text_size);
    require(strcmp(text, event->text) == 0, "a text that is not clean");
    require(event->list_count <= FH_TRACE_LIST_MAX, "a list that is too long");
    require((event->list == NULL) == (event->list_count == 0), "a list, or none");
    for (uint32_t f = count; f < FH_TRACE_VALUES_MAX; f++) {
        require(event->values[f] == 0, "a value that the kind does not have");
    }
}

static void check_info(const fh_trace_reader *reader, uint64_t count)
{
    fh_trace_reader_info info;
    require(fh_trace_reader_get_info(reader, &info) == FH_OK, "no info");
    require(info.event_count == count, "events are not counted");
    require(info.complete || info.damage[0] != '\0', "neither whole nor damaged");
    require(info.read_bytes <= info.file_bytes, "more was read than there is");
}

/* All its events into a writer, if one is given; they are good ones. False: it is no trace. */
static bool read_into(const rig_bytes *file, rig_disk *disk)
{
    fh_trace_reader *reader = NULL;
    fh_trace_event event;
    uint64_t before_ns = 0;
    uint64_t count = 0;
    fh_result result = rig_read(file, host(), &reader);
    require(result == FH_OK || result == FH_ERR_FORMAT, "another result than it may have");
    if (result != FH_OK) {
        return false;
    }
    for (; count < EVENTS_MAX; count++) {
        require(fh_trace_reader_next(reader, &event) == FH_OK, "reading fails");
        if (event.kind == FH_TRACE_NONE) {
            check_info(reader, count);
            break;
        }
        check_event(&event, before_ns);
        before_ns = event.time_ns;
        require(fhi_trace_writer_add(disk->writer, &event) == FH_OK, "it cannot be written");
        if (count % 100 == 99) {
            require(fhi_trace_writer_flush(disk->writer) == FH_OK, "it cannot be flushed");
        }
    }
    fh_trace_reader_close(reader);
    return true;
}

static void check_same(const rig_bytes *left, const rig_bytes *right)
{
    fh_trace_reader *readers[2];
    fh_trace_event events[2] = {{.kind = FH_TRACE_NONE}, {.kind = FH_TRACE_NONE}};
    require(rig_read(left, host(), &readers[0]) == FH_OK, "it cannot be read again");
    require(rig_read(right, host(), &readers[1]) == FH_OK, "what was written cannot be read");
    for (uint64_t i = 0; i < EVENTS_MAX; i++) {
        require(fh_trace_reader_next(readers[0], &events[0]) == FH_OK, "reading fails");
        require(fh_trace_reader_next(readers[1], &events[1]) == FH_OK, "reading fails");
        if (events[0].kind == FH_TRACE_NONE) {
            break;
        }
        stop("written and read", rig_difference(&events[0], &events[1]));
    }
    if (events[0].kind == FH_TRACE_NONE) {
        require(events[1].kind == FH_TRACE_NONE, "more was written than there is");
    }
    fh_trace_reader_close(readers[0]);
    fh_trace_reader_close(readers[1]);
}

static void check_file(const rig_bytes *file)
{
    rig_disk disk;
    require(rig_write(&disk, SIZE_MAX, host()) == FH_OK, "no writer");
    bool is_trace = read_into(file, &disk);
    require(fhi_trace_writer_close(disk.writer) == FH_OK, "it cannot be closed");
    if (is_trace) {
        check_same(file, &disk.file);
    }
    rig_free(&disk.file);
}

/* ---- files of bytes ---- */

static void put_u32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What is not the fuzzer's to find: magic words, numbers of chunks, sums; and no chunk is longer
 * than the file. */
static void mend(rig_bytes *file)
{
    size_t at = FHI_TRACE_FILE_HEADER;
    if (file->size < FHI_TRACE_FILE_HEADER) {
        return;
    }
    fhi_trace_file_header_encode(file->data);
    for (uint32_t i = 0; at + FHI_TRACE_CHUNK_HEADER <= file->size; i++) {
        uint8_t *header = file->data + at;
        size_t left = file->size - at - FHI_TRACE_CHUNK_HEADER;
        uint32_t size = get_u32(header + 20);
        size = size <= left ? size : (uint32_t)left;
        put_u32(header, 0x434846f5);
        put_u32(header + 8, i);
        put_u32(header + 20, size);
        fhi_trace_chunk_sum(header, header + FHI_TRACE_CHUNK_HEADER);
        at += FHI_TRACE_CHUNK_HEADER + size;
    }
}

/* The events as one chunk, which says that there are `count`. */
static void put_events(rig_bytes *file, input *in, uint32_t count)
{
    rig_bytes payload = {0};
    uint64_t time_ns = take_number(in);
    rig_put(&payload, in->at, (size_t)(in->end - in->at));
    if (payload.size <= FHI_TRACE_RAW_MAX) {
        rig_put_chunk(file,
                      (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS,
                                        .sequence = 1,
                                        .event_count = count,
                                        .time_ns = time_ns},
                      &payload, false);
    }
    rig_free(&payload);
}

static void put_schema(rig_bytes *file, input *in)
{
    rig_bytes payload = {0};
    size_t size = take_byte(in) * 4U;
    size_t left = (size_t)(in->end - in->at);
    size = size < left ? size : left;
    rig_put(&payload, in->at, size);
    in->at += size;
    rig_put_chunk(file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &payload, false);
    rig_free(&payload);
}

/* ---- events of bytes ---- */

static void take_list(input *in, rig_event *out)
{
    uint64_t before = 0;
    unsigned int how = take_byte(in);
    uint32_t count = how >> 2;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = take_number(in);
        out->list[i] = (how & 1) != 0 && before <= UINT64_MAX - number ? before + number : number;
        before = out->list[i];
    }
    out->event.list = out->list;
    out->event.list_count = count;
}

static void take_text(input *in, rig_event *out)
{
    uint32_t size = take_byte(in) % RIG_TEXT_MAX;
    for (uint32_t i = 0; i < size; i++) {
        out->text[i] = (char)take_byte(in);
    }
    fhi_utf8_clean(out->text, size);
    out->event.text = out->text;
    out->event.text_size = size;
}

/* `time_ns` is that of the event before it, and of this one after. */
static void take_event(input *in, uint64_t *time_ns, rig_event *out)
{
    unsigned int how = take_byte(in);
    uint32_t count = 0;
    uint32_t given = take_byte(in);
    memset(out, 0, sizeof *out);
    out->event.kind = (fh_trace_kind)(1 + take_byte(in) % FH_TRACE_KIND_MAX);
    out->event.text = "";
    fh_trace_kind_describe(out->event.kind, NULL, &count);
    for (uint32_t f = 0; f < count && f < given; f++) {
        out->event.values[f] = take_number(in);
    }
    out->event.thread = (how & 1) != 0 ? (uint32_t)take_number(in) : 0;
    uint64_t step = take_number(in);
    *time_ns = *time_ns <= UINT64_MAX - step ? *time_ns + step : *time_ns;
    out->event.time_ns = *time_ns;
    if ((how & 2) != 0) {
        take_text(in, out);
    }
    if ((how & 4) != 0) {
        take_list(in, out);
    }
}

/* Writes them, and reads them beside making them once more. */
static void check_made(input in)
{
    rig_disk disk;
    rig_event made;
    fh_trace_reader *reader = NULL;
    fh_trace_event read;
    input again = in;
    uint64_t time_ns = 0;
    require(rig_write(&disk, SIZE_MAX, host()) == FH_OK, "no writer");
    while (in.at < in.end) {
        bool flush = (*in.at & 0x80) != 0;
        take_event(&in, &time_ns, &made);
        require(fhi_trace_writer_add(disk.writer, &made.event) == FH_OK, "it is not taken");
        require(!flush || fhi_trace_writer_flush(disk.writer) == FH_OK, "it is not flushed");
    }
    require(fhi_trace_writer_close(disk.writer) == FH_OK, "it cannot be closed");
    require(rig_read(&disk.file, host(), &reader) == FH_OK, "it cannot be read");
    time_ns = 0;
    while (again.at < again.end) {
        take_event(&again, &time_ns, &made);
        require(fh_trace_reader_next(reader, &read) == FH_OK, "reading fails");
        stop("made and read", rig_difference(&made.event, &read));
    }
    require(fh_trace_reader_next(reader, &read) == FH_OK, "reading fails");
    require(read.kind == FH_TRACE_NONE, "there is more than was made");
    fh_trace_reader_info info;
    require(fh_trace_reader_get_info(reader, &info) == FH_OK, "no info");
    require(info.complete && info.damage[0] == '\0', "what was made is not whole");
    fh_trace_reader_close(reader);
    rig_free(&disk.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    input in = {data, data + length};
    rig_bytes file = {0};
    unsigned int how = take_byte(&in) % 5;
    if (how == 4) {
        check_made(in);
        return 0;
    }
    if (how < 2) {
        rig_put(&file, in.at, (size_t)(in.end - in.at));
        if (how == 1) {
            mend(&file);
        }
    } else {
        uint32_t count = take_byte(&in);
        rig_put_file_header(&file);
        if (how == 2) {
            put_schema(&file, &in);
        } else {
            rig_put_own_schema(&file);
        }
        put_events(&file, &in, count);
    }
    check_file(&file);
    rig_free(&file);
    return 0;
}
