/* Trace files: written and read back, cut off and damaged at each byte; full disks and no
 * memory. */

#define _POSIX_C_SOURCE 200809L /* mkstemp; NOLINT(bugprone-reserved-identifier) */

#include "trace_checks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The events of a small file, in several chunks. */
enum {
    CHUNK_COUNT = 8,
    SMALL_COUNT = 3 * CHUNK_COUNT
};

typedef struct scene {
    rig_event events[SMALL_COUNT];
    rig_bytes file;
} scene;

/* Three chunks of events. */
static void write_small(scene *s, test_rng *rng)
{
    rig_disk disk;
    uint64_t time_ns = 0;
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    for (uint32_t i = 0; i < SMALL_COUNT; i++) {
        rig_random(rng, (fh_trace_kind)(1 + i * 11 % FH_TRACE_KIND_MAX), time_ns, &s->events[i]);
        time_ns = s->events[i].event.time_ns;
        CHECK_OK(fhi_trace_writer_add(disk.writer, &s->events[i].event));
        if ((i + 1) % CHUNK_COUNT == 0) {
            CHECK_OK(fhi_trace_writer_flush(disk.writer));
        }
    }
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    s->file = disk.file;
}

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    test_rng rng = {test_seed()};
    write_small(s, &rng);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    rig_free(&s->file);
    free(s);
    return 0;
}

/* What can be read of a file: how many events, which must be those of the scene, from the first. */
static uint32_t read_small(const scene *s, const rig_bytes *file, fh_trace_reader_info *out_info)
{
    fh_trace_reader *reader;
    fh_trace_event event;
    uint32_t count = 0;
    CHECK_OK(rig_read(file, NULL, &reader));
    for (;;) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        if (event.kind == FH_TRACE_NONE) {
            break;
        }
        assert_true(count < SMALL_COUNT);
        CHECK_NO_FAULT(rig_difference(&s->events[count].event, &event));
        count++;
    }
    CHECK_OK(fh_trace_reader_next(reader, &event)); /* and stays there */
    assert_int_equal(event.kind, FH_TRACE_NONE);
    assert_string_equal(event.text, "");
    CHECK_OK(fh_trace_reader_get_info(reader, out_info));
    assert_int_equal(out_info->event_count, count);
    fh_trace_reader_close(reader);
    return count;
}

/* ---- as it should be ---- */

static void a_file_comes_back(void **state)
{
    const scene *s = *state;
    fh_trace_reader_info info;
    uint64_t dropped = 0;
    for (uint32_t i = 0; i < SMALL_COUNT; i++) {
        const fh_trace_event *event = &s->events[i].event;
        uint64_t count = event->kind == FH_TRACE_DROPPED ? event->dropped.count : 0;
        dropped = dropped + count < dropped ? UINT64_MAX : dropped + count;
    }
    assert_int_equal(read_small(s, &s->file, &info), SMALL_COUNT);
    assert_string_equal(info.damage, "");
    assert_true(info.complete);
    assert_int_equal(info.version, 1);
    assert_true(info.file_bytes == s->file.size && info.read_bytes == s->file.size);
    assert_true(info.dropped_count == dropped);
}

/* Through the system's files, over many chunks, each of which must start anew. */
static void a_large_file_comes_back(void **state)
{
    (void)state;
    char path[] = "/tmp/freehold-trace-XXXXXX";
    uint64_t seed = test_seed();
    uint64_t count = test_operations(30000);
    fh_trace_writer *writer;
    fh_trace_reader *reader;
    fh_trace_reader_info info;
    rig_event event;
    fh_trace_event read;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    CHECK_OK(fh_trace_writer_open(path, &writer));
    test_rng rng = {seed};
    uint64_t time_ns = 0;
    uint64_t chunks = 0;
    for (uint64_t i = 0; i < count; i++) {
        rig_random(&rng, (fh_trace_kind)(1 + test_below(&rng, FH_TRACE_KIND_MAX)), time_ns, &event);
        time_ns = event.event.time_ns;
        CHECK_OK(fh_trace_writer_add(writer, &event.event));
        chunks += fhi_trace_writer_pending(writer) == 0 ? 1 : 0;
    }
    uint64_t bytes = fhi_trace_writer_bytes(writer);
    assert_true(chunks >= count / 4000); /* most have more than 16 bytes: 64 KiB are not more */
    CHECK_OK(fh_trace_writer_close(writer));
    CHECK_OK(fh_trace_reader_open(path, &reader));
    rng.state = seed;
    time_ns = 0;
    for (uint64_t i = 0; i < count; i++) {
        rig_random(&rng, (fh_trace_kind)(1 + test_below(&rng, FH_TRACE_KIND_MAX)), time_ns, &event);
        time_ns = event.event.time_ns;
        CHECK_OK(fh_trace_reader_next(reader, &read));
        CHECK_NO_FAULT(rig_difference(&event.event, &read));
    }
    CHECK_OK(fh_trace_reader_next(reader, &read));
    assert_int_equal(read.kind, FH_TRACE_NONE);
    CHECK_OK(fh_trace_reader_get_info(reader, &info));
    assert_true(info.complete && info.file_bytes > bytes);
    fh_trace_reader_close(reader);
    unlink(path);
}

static void a_file_without_events_is_whole(void **state)
{
    (void)state;
    rig_disk disk;
    fh_trace_reader_info info;
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    CHECK_OK(fhi_trace_writer_flush(disk.writer)); /* nothing to write */
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    assert_int_equal(check_count(&disk.file, &info), 0);
    assert_true(info.complete);
    assert_string_equal(info.damage, "");
    rig_free(&disk.file);
}

static void what_was_flushed_is_in_the_file(void **state)
{
    (void)state;
    rig_disk disk;
    fh_trace_reader_info info;
    fh_trace_event event = {.kind = FH_TRACE_LOST};
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(fhi_trace_writer_pending(disk.writer), 0);
        CHECK_OK(fhi_trace_writer_add(disk.writer, &event));
        assert_int_equal(fhi_trace_writer_pending(disk.writer), 1);
        CHECK_OK(fhi_trace_writer_flush(disk.writer));
        assert_int_equal(fhi_trace_writer_bytes(disk.writer), disk.file.size);
        assert_int_equal(check_count(&disk.file, &info), i);
        assert_false(info.complete);
        assert_non_null(strstr(info.damage, "killed"));
    }
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    rig_free(&disk.file);
}

static void time_never_runs_backwards(void **state)
{
    (void)state;
    static const uint64_t times[] = {500, 400, 600, 100, 700};
    static const uint64_t expected[] = {500, 500, 600, 600, 700};
    rig_disk disk;
    fh_trace_reader *reader;
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    for (size_t i = 0; i < 5; i++) {
        fh_trace_event event = {.kind = FH_TRACE_LOST, .time_ns = times[i]};
        CHECK_OK(fhi_trace_writer_add(disk.writer, &event));
        if (i == 2) {
            CHECK_OK(fhi_trace_writer_flush(disk.writer)); /* not across chunks either */
        }
    }
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    CHECK_OK(rig_read(&disk.file, NULL, &reader));
    for (size_t i = 0; i < 5; i++) {
        fh_trace_event event;
        CHECK_OK(fh_trace_reader_next(reader, &event));
        assert_int_equal(event.time_ns, expected[i]);
    }
    fh_trace_reader_close(reader);
    rig_free(&disk.file);
}

static void what_was_dropped_is_summed_up(void **state)
{
    (void)state;
    rig_disk disk;
    fh_trace_reader_info info;
    fh_trace_event event = {.kind = FH_TRACE_DROPPED};
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    for (event.dropped.count = 3; event.dropped.count < 5; event.dropped.count++) {
        CHECK_OK(fhi_trace_writer_add(disk.writer, &event));
    }
    CHECK_OK(fhi_trace_writer_flush(disk.writer));
    check_count(&disk.file, &info);
    assert_int_equal(info.dropped_count, 7);
    event.dropped.count = UINT64_MAX - 6; /* one more than there can be */
    CHECK_OK(fhi_trace_writer_add(disk.writer, &event));
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    check_count(&disk.file, &info);
    assert_true(info.complete && info.dropped_count == UINT64_MAX);
    rig_free(&disk.file);
}

/* The second chunk with events as if it were the first. */
static void each_chunk_can_be_read_by_itself(void **state)
{
    const scene *s = *state;
    size_t at[16];
    rig_bytes file = {0};
    fh_trace_reader *reader;
    fh_trace_event event;
    rig_chunks(&s->file, at, TEST_COUNT_OF(at));
    rig_put(&file, s->file.data, at[1]);
    rig_put(&file, s->file.data + at[2], at[3] - at[2]);
    file.data[at[1] + 8] = 1; /* chunk 1 */
    fhi_trace_chunk_sum(file.data + at[1], file.data + at[1] + FHI_TRACE_CHUNK_HEADER);
    CHECK_OK(rig_read(&file, NULL, &reader));
    for (uint32_t i = 0; i < CHUNK_COUNT; i++) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        CHECK_NO_FAULT(rig_difference(&s->events[CHUNK_COUNT + i].event, &event));
    }
    fh_trace_reader_close(reader);
    rig_free(&file);
}

/* ---- cut off and damaged ---- */

/* How many of these begin at a byte or before it. */
static uint32_t chunks_before(const size_t *at, size_t count, size_t byte)
{
    uint32_t before = 0;
    while (before < count && at[before] <= byte) {
        before++;
    }
    return before;
}

static void a_file_cut_at_any_byte_is_read_up_to_there(void **state)
{
    const scene *s = *state;
    size_t at[16];
    size_t chunks = rig_chunks(&s->file, at, TEST_COUNT_OF(at));
    assert_int_equal(chunks, 5); /* schema, three times events, end */
    for (size_t cut = 0; cut < s->file.size; cut++) {
        rig_bytes file = {.data = s->file.data, .size = cut};
        fh_trace_reader *reader;
        if (cut < FHI_TRACE_FILE_HEADER) {
            CHECK_RESULT(rig_read(&file, NULL, &reader), FH_ERR_FORMAT);
            assert_null(reader);
            continue;
        }
        fh_trace_reader_info info;
        char where[32];
        uint32_t whole = chunks_before(&at[2], 3, cut);
        assert_int_equal(read_small(s, &file, &info), whole * CHUNK_COUNT);
        assert_false(info.complete);
        snprintf(where, sizeof where, "at byte %zu,", cut);
        assert_non_null(strstr(info.damage, where));
    }
}

static void a_file_with_any_byte_damaged_is_read_up_to_there(void **state)
{
    const scene *s = *state;
    test_rng rng = {test_seed()};
    size_t at[16];
    rig_chunks(&s->file, at, TEST_COUNT_OF(at));
    for (size_t i = 0; i < s->file.size; i++) {
        fh_trace_reader *reader;
        fh_trace_reader_info info;
        uint8_t good = s->file.data[i];
        s->file.data[i] = (uint8_t)(good ^ (1 + test_below(&rng, 255)));
        if (i < FHI_TRACE_FILE_HEADER) {
            CHECK_RESULT(rig_read(&s->file, NULL, &reader), FH_ERR_FORMAT);
            assert_null(reader);
        } else {
            char where[32];
            uint32_t chunk = chunks_before(&at[1], 4, i);
            uint32_t whole = chunk > 0 ? chunk - 1 : 0;
            assert_int_equal(read_small(s, &s->file, &info), whole * CHUNK_COUNT);
            assert_false(info.complete);
            snprintf(where, sizeof where, "at byte %zu, in chunk %u:", at[chunk], chunk);
            assert_non_null(strstr(info.damage, where));
        }
        s->file.data[i] = good;
    }
}

static void what_follows_the_end_is_said(void **state)
{
    const scene *s = *state;
    fh_trace_reader_info info;
    rig_bytes file = {0};
    rig_put(&file, s->file.data, s->file.size);
    rig_put(&file, "x", 1);
    assert_int_equal(read_small(s, &file, &info), SMALL_COUNT);
    assert_true(info.complete);
    assert_non_null(strstr(info.damage, "more behind its end"));
    rig_free(&file);
}

static void chunks_that_are_missing_or_exchanged_are_damage(void **state)
{
    const scene *s = *state;
    size_t at[16];
    rig_bytes file = {0};
    rig_chunks(&s->file, at, TEST_COUNT_OF(at));
    rig_put(&file, s->file.data, at[2]); /* without the second of three */
    rig_put(&file, s->file.data + at[3], s->file.size - at[3]);
    check_damage(&file, CHUNK_COUNT, "does not follow");
    file.size = at[1]; /* no events before the second */
    rig_put(&file, s->file.data + at[2], s->file.size - at[2]);
    check_damage(&file, 0, "does not follow");
    file.size = FHI_TRACE_FILE_HEADER; /* no schema */
    rig_put(&file, s->file.data + at[1], s->file.size - at[1]);
    check_damage(&file, 0, "does not follow");
    rig_free(&file);
}

/* ---- no trace ---- */

static void what_is_no_trace_is_an_error(void **state)
{
    const scene *s = *state;
    fh_trace_reader *reader = (fh_trace_reader *)state;
    static uint8_t text[] = "This is no trace, but a text that somebody wrote.";
    CHECK_RESULT(rig_read(&(rig_bytes){.data = text, .size = sizeof text}, NULL, &reader),
                 FH_ERR_FORMAT);
    assert_null(reader);
    CHECK_DETAIL_NAMES("it is no trace");
    CHECK_RESULT(rig_read(&(rig_bytes){0}, NULL, &reader), FH_ERR_FORMAT);
    CHECK_DETAIL_NAMES("it is empty");
    CHECK_RESULT(rig_read(&(rig_bytes){.data = s->file.data, .size = 15}, NULL, &reader),
                 FH_ERR_FORMAT);
    CHECK_DETAIL_NAMES("cut off");
    CHECK_RESULT(fh_trace_reader_open("/there/is/no/such.fhtrace", &reader), FH_ERR_IO);
    CHECK_DETAIL_NAMES("/there/is/no/such.fhtrace: it cannot be read: there is no such file");
    assert_null(reader);
    CHECK_RESULT(fh_trace_reader_open("/tmp", &reader), FH_ERR_IO);
    CHECK_DETAIL_NAMES("it is a folder");
    CHECK_RESULT(fh_trace_reader_open("/dev/zero", &reader), FH_ERR_IO);
    CHECK_DETAIL_NAMES("it is a device");
}

static void null_is_an_error(void **state)
{
    const scene *s = *state;
    fh_trace_reader *reader = (fh_trace_reader *)state;
    fh_trace_writer *writer = (fh_trace_writer *)state;
    fh_trace_reader_info info = {.version = 7};
    fh_trace_event event = {.kind = FH_TRACE_LOST};
    CHECK_RESULT(fh_trace_reader_open(NULL, &reader), FH_ERR_INVALID);
    assert_null(reader);
    CHECK_RESULT(fh_trace_reader_open("x", NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_trace_reader_next(NULL, &event), FH_ERR_INVALID);
    assert_int_equal(event.kind, FH_TRACE_NONE);
    CHECK_RESULT(fh_trace_reader_get_info(NULL, &info), FH_ERR_INVALID);
    assert_int_equal(info.version, 0);
    CHECK_RESULT(fh_trace_writer_open(NULL, &writer), FH_ERR_INVALID);
    assert_null(writer);
    CHECK_RESULT(fh_trace_writer_open("x", NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_trace_writer_add(NULL, &event), FH_ERR_INVALID);
    CHECK_OK(fh_trace_writer_close(NULL));
    fh_trace_reader_close(NULL);
    CHECK_OK(rig_read(&s->file, NULL, &reader));
    CHECK_RESULT(fh_trace_reader_next(reader, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_trace_reader_get_info(reader, NULL), FH_ERR_INVALID);
    fh_trace_reader_close(reader);
    rig_disk disk;
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    CHECK_RESULT(fh_trace_writer_add(disk.writer, NULL), FH_ERR_INVALID);
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    rig_free(&disk.file);
}

static void a_mistake_leaves_the_writer_as_it_was(void **state)
{
    (void)state;
    rig_disk disk;
    fh_trace_reader_info info;
    fh_trace_event event = {.kind = FH_TRACE_NONE};
    CHECK_OK(rig_write(&disk, SIZE_MAX, NULL));
    CHECK_RESULT(fh_trace_writer_add(disk.writer, &event), FH_ERR_INVALID);
    event.kind = FH_TRACE_LOST;
    CHECK_OK(fh_trace_writer_add(disk.writer, &event));
    event.text_size = 1;
    CHECK_RESULT(fh_trace_writer_add(disk.writer, &event), FH_ERR_INVALID);
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    assert_int_equal(check_count(&disk.file, &info), 1);
    assert_true(info.complete);
    rig_free(&disk.file);
}

/* ---- full disks, no memory ---- */

static void check_full_at(const scene *s, size_t capacity)
{
    rig_disk disk;
    fh_result result = rig_write(&disk, capacity, NULL);
    fhi_trace_writer *writer = disk.writer;
    uint32_t count = 0;
    for (; result == FH_OK && count < SMALL_COUNT; count++) {
        result = fhi_trace_writer_add(writer, &s->events[count].event);
        if (result == FH_OK && (count + 1) % CHUNK_COUNT == 0) {
            result = fhi_trace_writer_flush(writer);
        }
    }
    if (result != FH_OK) {
        CHECK_RESULT(result, FH_ERR_IO);
        CHECK_DETAIL_NAMES("disk: it cannot be written: the disk is full");
        if (writer != NULL) { /* and for ever */
            uint64_t bytes = fhi_trace_writer_bytes(writer);
            disk.capacity = SIZE_MAX;
            CHECK_RESULT(fhi_trace_writer_add(writer, &s->events[0].event), FH_ERR_IO);
            CHECK_DETAIL_NAMES("disk: it cannot be written: the disk is full");
            CHECK_RESULT(fhi_trace_writer_flush(writer), FH_ERR_IO);
            assert_true(fhi_trace_writer_bytes(writer) == bytes);
        }
    }
    if (writer != NULL) { /* the end may be what has no room */
        CHECK_RESULT(fhi_trace_writer_close(writer), FH_ERR_IO);
        CHECK_DETAIL_NAMES("disk: it cannot be written: the disk is full");
    }
    if (capacity >= FHI_TRACE_FILE_HEADER) {
        fh_trace_reader_info info;
        uint32_t read = read_small(s, &disk.file, &info);
        assert_true(read % CHUNK_COUNT == 0);
        assert_false(info.complete);
    }
    rig_free(&disk.file);
}

static void a_disk_that_is_full_is_said_and_the_file_is_good_up_to_there(void **state)
{
    const scene *s = *state;
    for (size_t capacity = 0; capacity < s->file.size; capacity++) {
        check_full_at(s, capacity);
    }
}

static void dev_full_is_full(void **state)
{
    (void)state;
    fh_trace_writer *writer = (fh_trace_writer *)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    CHECK_RESULT(fh_trace_writer_open("/dev/full", &writer), FH_ERR_IO);
    assert_null(writer);
    CHECK_DETAIL_NAMES("/dev/full: it cannot be written: the disk is full");
    CHECK_RESULT(fh_trace_writer_open("/tmp", &writer), FH_ERR_IO);
    CHECK_DETAIL_NAMES("it is a folder");
    CHECK_RESULT(fh_trace_writer_open("/no/such/folder/x.fhtrace", &writer), FH_ERR_IO);
    CHECK_DETAIL_NAMES("there is no such file or folder");
}

/* Who comes second leaves the first one's file alone; when that is closed, it may have it. */
static void a_file_is_written_once_at_a_time(void **state)
{
    (void)state;
    char path[] = "/tmp/freehold-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    fh_trace_writer *first;
    fh_trace_writer *second = (fh_trace_writer *)path;
    fh_trace_reader *reader;
    fh_trace_reader_info info;
    fh_trace_event event = {.kind = FH_TRACE_DEVICE_CLOSED, .device_closed = {1}};
    CHECK_OK(fh_trace_writer_open(path, &first));
    CHECK_OK(fh_trace_writer_add(first, &event));
    CHECK_RESULT(fh_trace_writer_open(path, &second), FH_ERR_IO);
    CHECK_DETAIL_NAMES("it is being written already");
    assert_null(second);
    CHECK_OK(fh_trace_writer_close(first));
    CHECK_OK(fh_trace_reader_open(path, &reader));
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_DEVICE_CLOSED);
    CHECK_OK(fh_trace_reader_next(reader, &event));
    CHECK_OK(fh_trace_reader_get_info(reader, &info));
    assert_true(info.complete);
    fh_trace_reader_close(reader);
    CHECK_OK(fh_trace_writer_open(path, &second));
    CHECK_OK(fh_trace_writer_close(second));
    unlink(path);
}

static void host_memory_that_fails_is_an_error(void **state)
{
    const scene *s = *state;
    test_memory memory;
    test_memory_init(&memory);
    bool whole = false;
    for (uint64_t n = 1; !whole; n++) {
        fh_trace_reader *reader = (fh_trace_reader *)state;
        memory.fail_at = memory.alloc_count + n;
        fh_result result = rig_read(&s->file, &memory.host, &reader);
        whole = memory.failure_count < n;
        if (whole) {
            CHECK_OK(result);
            fh_trace_reader_close(reader);
        } else {
            CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
            assert_null(reader);
        }
        assert_int_equal(memory.live_count, 0);
    }
    assert_true(memory.peak_bytes < 4 << 20);
    uint64_t failures = memory.failure_count;
    whole = false;
    for (uint64_t n = 1; !whole; n++) {
        rig_disk disk;
        memory.fail_at = memory.alloc_count + n;
        fh_result result = rig_write(&disk, SIZE_MAX, &memory.host);
        whole = memory.failure_count - failures < n;
        if (whole) {
            CHECK_OK(result);
            CHECK_OK(fhi_trace_writer_close(disk.writer));
            rig_free(&disk.file);
        } else {
            CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
        }
        assert_int_equal(memory.live_count, 0);
    }
    assert_true(failures >= 5 && memory.failure_count - failures >= 3);
    test_memory_finish(&memory);
}

static void reading_and_writing_take_no_memory(void **state)
{
    const scene *s = *state;
    test_memory memory;
    fh_trace_reader *reader;
    fh_trace_event event;
    rig_disk disk;
    test_memory_init(&memory);
    CHECK_OK(rig_read(&s->file, &memory.host, &reader));
    CHECK_OK(rig_write(&disk, SIZE_MAX, &memory.host));
    uint64_t before = memory.alloc_count;
    for (;;) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        if (event.kind == FH_TRACE_NONE) {
            break;
        }
        CHECK_OK(fhi_trace_writer_add(disk.writer, &event));
    }
    assert_true(memory.alloc_count == before);
    fh_trace_reader_close(reader);
    CHECK_OK(fhi_trace_writer_close(disk.writer));
    rig_free(&disk.file);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_comes_back, set_up, tear_down),
        cmocka_unit_test(a_large_file_comes_back),
        cmocka_unit_test(a_file_without_events_is_whole),
        cmocka_unit_test(what_was_flushed_is_in_the_file),
        cmocka_unit_test(time_never_runs_backwards),
        cmocka_unit_test(what_was_dropped_is_summed_up),
        cmocka_unit_test_setup_teardown(each_chunk_can_be_read_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_cut_at_any_byte_is_read_up_to_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_with_any_byte_damaged_is_read_up_to_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_follows_the_end_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_that_are_missing_or_exchanged_are_damage, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_trace_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(null_is_an_error, set_up, tear_down),
        cmocka_unit_test(a_mistake_leaves_the_writer_as_it_was),
        cmocka_unit_test_setup_teardown(
            a_disk_that_is_full_is_said_and_the_file_is_good_up_to_there, set_up, tear_down),
        cmocka_unit_test(dev_full_is_full),
        cmocka_unit_test_setup_teardown(a_file_is_written_once_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(host_memory_that_fails_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reading_and_writing_take_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
