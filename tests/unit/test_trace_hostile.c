/* Files that no writer of this version makes: of the future and of the past, and such as somebody
 * made in order to do harm, with sums that are right. */

#include "trace_checks.h"

#include <stdlib.h>
#include <string.h>

/* A file of our schema, up to its first events. */
static void put_begin(rig_bytes *file)
{
    file->size = 0;
    rig_put_file_header(file);
    rig_put_own_schema(file);
}

/* `lost` events, of which a chunk says there were `said`. */
static void put_lost(rig_bytes *file, uint32_t sequence, uint32_t lost, uint32_t said,
                     uint64_t time_ns)
{
    rig_bytes payload = {0};
    for (uint32_t i = 0; i < lost; i++) {
        rig_put(&payload, "\xe0\x01\x00\x00", 4);
    }
    rig_put_chunk(file,
                  (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS,
                                    .sequence = sequence,
                                    .event_count = said,
                                    .time_ns = time_ns},
                  &payload, false);
    rig_free(&payload);
}

/* A file of two chunks with an event each, without an end. */
static void put_small(rig_bytes *file)
{
    put_begin(file);
    put_lost(file, 1, 1, 1, 0);
    put_lost(file, 2, 1, 1, 0);
}

/* ---- other versions ---- */

static void put_end(rig_bytes *file, uint32_t sequence, uint64_t count)
{
    rig_bytes payload = {0};
    rig_put_number(&payload, count);
    rig_put_number(&payload, 0);
    rig_put_name(&payload, "of the future");
    fhi_trace_chunk chunk = {.kind = FHI_TRACE_CHUNK_END, .sequence = sequence};
    rig_put_chunk(file, chunk, &payload, false);
    rig_free(&payload);
}

static void a_version_of_the_future_is_an_error(void **state)
{
    (void)state;
    fh_trace_reader *reader;
    rig_bytes file = {0};
    put_small(&file);
    file.data[8] = 2;
    CHECK_RESULT(rig_read(&file, NULL, &reader), FH_ERR_FORMAT);
    CHECK_DETAIL_NAMES("damaged"); /* with a sum that is not its own */
    /* XXH64 of the 12 bytes before it, its low half. */
    memcpy(file.data + 12, "\xe0\x67\x15\x5d", 4);
    CHECK_RESULT(rig_read(&file, NULL, &reader), FH_ERR_FORMAT);
    CHECK_DETAIL_NAMES("version 2; this Freehold reads 1");
    assert_null(reader);
    rig_free(&file);
}

/* Kinds, fields, units, chunks and things at the end of the end that this version does not know. */
static void what_a_future_version_adds_is_skipped(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes payload = {0};
    rig_put_file_header(&file);
    rig_put_number(&payload, 2);
    rig_put_number(&payload, FH_TRACE_MEMORY_FREED);
    rig_put_name(&payload, "memory_freed");
    rig_put_number(&payload, 2);
    rig_put_field(&payload, "memory", FH_TRACE_UNIT_ID, 1);
    rig_put_field(&payload, "why", (fh_trace_unit)99, 0);
    rig_put_number(&payload, 120);
    rig_put_name(&payload, "wonder");
    rig_put_number(&payload, 1);
    rig_put_field(&payload, "memory", FH_TRACE_UNIT_ID, 1);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &payload, true);
    rig_put_name(&payload, "an index, perhaps");
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = 200, .sequence = 1}, &payload, false);
    rig_put_number(&payload, 120 << 3 | 2 | 4); /* a wonder, with a text and a list */
    rig_put_number(&payload, 100);
    rig_put_folded(&payload, 41);
    rig_put_name(&payload, "text");
    rig_put_number(&payload, 1 << 1);
    rig_put_number(&payload, 9);
    rig_put_number(&payload, FH_TRACE_MEMORY_FREED << 3);
    rig_put_number(&payload, 10);
    rig_put_folded(&payload, 1); /* counted from the wonder's */
    rig_put_number(&payload, 77);
    rig_put_chunk(
        &file,
        (fhi_trace_chunk){
            .kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 2, .event_count = 2, .time_ns = 5},
        &payload, false);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = 4, .sequence = 3}, &payload, false);
    put_end(&file, 4, 2);
    fh_trace_reader *reader;
    fh_trace_event event;
    fh_trace_reader_info info;
    CHECK_OK(rig_read(&file, NULL, &reader));
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_MEMORY_FREED);
    assert_int_equal(event.memory_freed.memory, 42);
    assert_int_equal(event.values[1], 0);
    assert_int_equal(event.time_ns, 115);
    assert_string_equal(event.text, "");
    assert_int_equal(event.list_count, 0);
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_NONE);
    CHECK_OK(fh_trace_reader_get_info(reader, &info));
    assert_string_equal(info.damage, "");
    assert_true(info.complete);
    assert_int_equal(info.event_count, 1);
    fh_trace_reader_close(reader);
    rig_free(&file);
    rig_free(&payload);
}

static void what_an_older_version_lacks_is_zero(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes payload = {0};
    fh_trace_reader *reader;
    fh_trace_event event;
    rig_put_file_header(&file);
    rig_put_number(&payload, 1);
    rig_put_number(&payload, FH_TRACE_BUDGET);
    rig_put_name(&payload, "budget");
    rig_put_number(&payload, 2);
    rig_put_field(&payload, "device", FH_TRACE_UNIT_ID, 0);
    rig_put_field(&payload, "heap", FH_TRACE_UNIT_NUMBER, 0);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &payload, false);
    rig_put(&payload, "\x98\x01\x00\x03\x01", 5);
    rig_put_chunk(
        &file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 1, .event_count = 1},
        &payload, false);
    put_end(&file, 2, 1);
    CHECK_OK(rig_read(&file, NULL, &reader));
    memset(&event, 0xff, sizeof event);
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_BUDGET);
    assert_int_equal(event.budget.device, 3);
    assert_int_equal(event.budget.heap, 1);
    for (size_t f = 2; f < FH_TRACE_VALUES_MAX; f++) {
        assert_true(event.values[f] == 0);
    }
    fh_trace_reader_close(reader);
    rig_free(&file);
    rig_free(&payload);
}

/* ---- hostile, with sums that are right ---- */

static void chunks_that_contradict_themselves_are_damage(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes payload = {0};
    put_begin(&file);
    put_lost(&file, 1, 3, 2, 0);
    check_damage(&file, 2, "at its event 3: there are more events");
    put_begin(&file);
    put_lost(&file, 1, 3, 4, 0);
    check_damage(&file, 2, "at its event 3: there are fewer events");
    put_begin(&file);
    put_lost(&file, 1, 0, 1, 0);
    check_damage(&file, 0, "no events, and says it had");
    put_begin(&file);
    put_lost(&file, 1, 2, 2, 9);
    put_lost(&file, 2, 2, 2, 8);
    check_damage(&file, 2, "its time is before");
    put_begin(&file);
    put_lost(&file, 1, 2, 2, 0);
    put_end(&file, 2, 3);
    check_damage(&file, 2, "does not count");
    put_begin(&file);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_END, .sequence = 1}, &payload,
                  false);
    check_damage(&file, 0, "does not count");
    put_begin(&file);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA, .sequence = 1}, &payload,
                  false);
    check_damage(&file, 0, "a second schema");
    file.size = 0;
    rig_put_file_header(&file);
    put_lost(&file, 0, 1, 1, 0);
    check_damage(&file, 0, "does not begin with its schema");
    file.size = 0;
    rig_put_file_header(&file);
    rig_put(&payload, "\x05xxx", 4);
    rig_put_chunk(&file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &payload, false);
    check_damage(&file, 0, "its schema");
    put_begin(&file); /* empty chunks are good */
    put_lost(&file, 1, 0, 0, 0);
    put_lost(&file, 2, 1, 1, 0);
    check_damage(&file, 1, "without an end");
    rig_free(&file);
    rig_free(&payload);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Sizes as the header says them, with sums that are right; `content` stands behind it. */
static void put_sizes(rig_bytes *file, uint32_t raw, uint32_t packed, bool is_packed,
                      const rig_bytes *content)
{
    static const uint8_t nothing[1];
    rig_bytes payload = {0};
    put_begin(file);
    size_t at = file->size;
    put_lost(file, 1, 0, 1, 0);
    rig_put(&payload, content->data != NULL ? content->data : nothing, content->size);
    rig_put(file, payload.data, payload.size);
    put_u32(file->data + at + 16, raw);
    put_u32(file->data + at + 20, packed);
    file->data[at + 5] = is_packed ? 1 : 0;
    /* The sums must not be over more than there is. */
    uint8_t *whole = test_calloc((size_t)packed + 1, 1);
    memcpy(whole, payload.data, payload.size < packed ? payload.size : packed);
    fhi_trace_chunk_sum(file->data + at, whole);
    test_free(whole);
    rig_free(&payload);
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes zeroes = {0};
    static const uint8_t zero[FHI_TRACE_RAW_MAX];
    rig_put(&zeroes, zero, 100);
    put_sizes(&file, FHI_TRACE_RAW_MAX + 1, 100, true, &zeroes);
    check_damage(&file, 0, "larger than a chunk can be");
    put_sizes(&file, UINT32_MAX, 100, true, &zeroes);
    check_damage(&file, 0, "larger than a chunk can be");
    put_sizes(&file, 50, 100, true, &zeroes);
    check_damage(&file, 0, "contradicts itself");
    put_sizes(&file, 100, 100, true, &zeroes);
    check_damage(&file, 0, "contradicts itself");
    put_sizes(&file, 101, 100, false, &zeroes);
    check_damage(&file, 0, "contradicts itself");
    put_sizes(&file, 1000, 1000, false, &zeroes); /* more than the file has */
    check_damage(&file, 0, "cut off");
    put_sizes(&file, 200, 100, true, &zeroes);
    check_damage(&file, 0, "cannot be unpacked");
    rig_free(&file);
    rig_free(&zeroes);
}

/* What zstd makes of so many zeroes. */
static void put_packed_zeroes(rig_bytes *packed, size_t size)
{
    rig_bytes zeroes = {.data = test_calloc(size, 1), .size = size, .capacity = size};
    uint8_t *zero = zeroes.data;
    packed->size = 0;
    rig_put_chunk(packed, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS}, &zeroes, true);
    packed->size -= FHI_TRACE_CHUNK_HEADER;
    memmove(packed->data, packed->data + FHI_TRACE_CHUNK_HEADER, packed->size);
    test_free(zero);
}

/* A MiB of zeroes in few bytes, in a chunk that says something else. */
static void bombs_stay_in_their_room(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes packed = {0};
    put_packed_zeroes(&packed, FHI_TRACE_RAW_MAX);
    assert_true(packed.size < 200);
    put_sizes(&file, 1000, (uint32_t)packed.size, true, &packed);
    check_damage(&file, 0, "cannot be unpacked");
    put_sizes(&file, FHI_TRACE_RAW_MAX - 1, (uint32_t)packed.size, true, &packed);
    check_damage(&file, 0, "cannot be unpacked");
    put_sizes(&file, FHI_TRACE_RAW_MAX, (uint32_t)packed.size, true, &packed);
    check_damage(&file, 0, "does not describe"); /* it is unpacked, and has nothing in it */
    put_packed_zeroes(&packed, 1000);
    put_sizes(&file, 1001, (uint32_t)packed.size, true, &packed); /* less than it says */
    check_damage(&file, 0, "cannot be unpacked");
    rig_free(&file);
    rig_free(&packed);
}

/* An event that is cut off, behind a chunk that left bytes which would complete it. */
static void what_a_chunk_left_is_not_read_with_the_next(void **state)
{
    (void)state;
    rig_bytes file = {0};
    rig_bytes payload = {0};
    put_begin(&file);
    put_lost(&file, 1, 3, 3, 0);
    rig_put(&payload, "\xe0\x01\x00", 3);
    rig_put_chunk(
        &file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 2, .event_count = 1},
        &payload, false);
    check_damage(&file, 3, "at its event 1: an event is longer than its chunk");
    /* The time goes on and on, if the padding is not there. */
    put_begin(&file);
    rig_put(&payload, "\xe2\x01\x00\x00\x40", 5); /* lost, with a text */
    for (int i = 0; i < 64; i++) {
        rig_put(&payload, "\xff", 1);
    }
    rig_put_chunk(
        &file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 1, .event_count = 1},
        &payload, false);
    rig_put(&payload, "\xe0\x01\x00\x00\xe0\x01", 6);
    rig_put_chunk(
        &file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 2, .event_count = 2},
        &payload, false);
    check_damage(&file, 2, "at its event 2: an event is longer than its chunk");
    rig_free(&file);
    rig_free(&payload);
}

static void a_packing_of_the_future_is_said(void **state)
{
    (void)state;
    rig_bytes file = {0};
    size_t at[16];
    put_small(&file);
    rig_chunks(&file, at, TEST_COUNT_OF(at));
    file.data[at[2] + 5] = 2;
    fhi_trace_chunk_sum(file.data + at[2], file.data + at[2] + FHI_TRACE_CHUNK_HEADER);
    check_damage(&file, 1, "packed in a way");
    rig_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_of_the_future_is_an_error),
        cmocka_unit_test(what_a_future_version_adds_is_skipped),
        cmocka_unit_test(what_an_older_version_lacks_is_zero),
        cmocka_unit_test(chunks_that_contradict_themselves_are_damage),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(bombs_stay_in_their_room),
        cmocka_unit_test(what_a_chunk_left_is_not_read_with_the_next),
        cmocka_unit_test(a_packing_of_the_future_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
