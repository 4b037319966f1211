/* Events as bytes: what kinds and fields there are, numbers, texts and lists at their limits, and
 * schemas that say something else than ours. */

#include "checks.h"
#include "trace_rig.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The codec with room for one event after the other. */
typedef struct scene {
    fhi_trace_schema schema;
    fhi_trace_codec in, out;
    uint64_t scratch[FH_TRACE_LIST_MAX], list[FH_TRACE_LIST_MAX];
    char text[FH_TRACE_TEXT_MAX + 1];
    uint8_t bytes[FHI_TRACE_EVENT_BYTES + FHI_TRACE_PADDING];
} scene;

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    fhi_trace_schema_own(&s->schema);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static size_t encode(scene *s, const fh_trace_event *event)
{
    CHECK_OK(fhi_trace_event_check(event));
    size_t size = fhi_trace_event_encode(&s->out, &s->schema, event, s->scratch, s->bytes);
    assert_true(size <= FHI_TRACE_EVENT_BYTES);
    memset(s->bytes + size, 0, FHI_TRACE_PADDING);
    return size;
}

static const char *decode(scene *s, size_t size, fh_trace_event *out)
{
    const uint8_t *at = s->bytes;
    fhi_trace_room room = {.list = s->list, .text = s->text};
    memset(out, 0xa5, sizeof *out);
    const char *fault =
        fhi_trace_event_decode(&s->in, &s->schema, &at, s->bytes + size, &room, out);
    if (fault == NULL) {
        assert_true(at == s->bytes + size);
    }
    return fault;
}

static void check_round_trip(scene *s, const fh_trace_event *event, fh_trace_event *out)
{
    size_t size = encode(s, event);
    CHECK_NO_FAULT(decode(s, size, out));
    CHECK_NO_FAULT(rig_difference(event, out));
}

/* ---- kinds and fields ---- */

static void every_kind_is_described(void **state)
{
    (void)state;
    const fh_trace_field *fields;
    uint32_t count, kinds = 0, most = 0;
#define CHECK_KIND(NAME, number, name)                                                             \
    assert_string_equal(fh_trace_kind_describe(FH_TRACE_##NAME, &fields, &count), #name);          \
    assert_int_equal(count * sizeof(uint64_t), sizeof(fh_trace_##name));                           \
    most = count > most ? count : most;                                                            \
    kinds++;
    FH_TRACE_KINDS(CHECK_KIND)
#undef CHECK_KIND
    assert_int_equal(kinds, FH_TRACE_KIND_MAX);
    assert_int_equal(most, FH_TRACE_VALUES_MAX);
    fh_trace_kind_describe(FH_TRACE_BOUND, &fields, NULL);
    assert_string_equal(fields[0].name, "resource");
    assert_int_equal(fields[0].unit, FH_TRACE_UNIT_ID);
    assert_string_equal(fields[2].name, "offset");
    assert_int_equal(fields[2].unit, FH_TRACE_UNIT_BYTES);
}

static void what_is_no_kind_has_no_name(void **state)
{
    (void)state;
    static const int numbers[] = {FH_TRACE_NONE, FH_TRACE_KIND_MAX + 1, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < TEST_COUNT_OF(numbers); i++) {
        const fh_trace_field *fields = (const fh_trace_field *)state;
        uint32_t count = 7;
        assert_null(fh_trace_kind_describe((fh_trace_kind)numbers[i], &fields, &count));
        assert_null(fields);
        assert_int_equal(count, 0);
    }
    assert_null(fh_trace_kind_describe(FH_TRACE_NONE, NULL, NULL));
}

static void mistakes_are_told_apart(void **state)
{
    (void)state;
    uint64_t number = 0;
    fh_trace_event event = {.kind = FH_TRACE_NONE};
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("kind");
    event.kind = (fh_trace_kind)(FH_TRACE_KIND_MAX + 1);
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    event = (fh_trace_event){.kind = FH_TRACE_NOTE, .text_size = 1};
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("text is NULL");
    event = (fh_trace_event){.kind = FH_TRACE_NOTE, .text = "", .text_size = 4096};
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("4095");
    event = (fh_trace_event){.kind = FH_TRACE_SUBMIT, .list_count = 1};
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("list is NULL");
    event = (fh_trace_event){.kind = FH_TRACE_SUBMIT, .list = &number, .list_count = 65537};
    CHECK_RESULT(fhi_trace_event_check(&event), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("65536");
}

/* ---- numbers ---- */

static void numbers_come_back_at_every_length(void **state)
{
    (void)state;
    for (unsigned int bits = 0; bits <= 64; bits++) {
        uint64_t most = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        for (uint64_t less = 0; less < 2; less++) {
            uint8_t bytes[FHI_TRACE_VARINT_MAX];
            const uint8_t *at = bytes;
            bool bad = false;
            size_t size = (size_t)(fhi_trace_put(bytes, most + less) - bytes);
            assert_true(fhi_trace_take(&at, &bad) == most + less);
            assert_true(at == bytes + size && !bad);
        }
    }
}

static void a_number_of_more_than_64_bits_is_found_out(void **state)
{
    (void)state;
    uint8_t bytes[FHI_TRACE_VARINT_MAX + 2];
    const uint8_t *at = bytes;
    bool bad = false;
    memset(bytes, 0xff, sizeof bytes);
    fhi_trace_take(&at, &bad);
    assert_true(bad && at <= bytes + FHI_TRACE_VARINT_MAX);
    bytes[FHI_TRACE_VARINT_MAX - 1] = 2; /* bit 64 */
    bad = false;
    at = bytes;
    fhi_trace_take(&at, &bad);
    assert_true(bad);
}

/* ---- round trips ---- */

static void events_of_every_kind_come_back(void **state)
{
    scene *s = *state;
    test_rng rng = {test_seed()};
    uint64_t count = test_operations(20000);
    uint64_t time_ns = 0;
    for (uint64_t i = 0; i < count; i++) {
        rig_event event;
        fh_trace_event read;
        if (test_chance(&rng, 1)) { /* a new chunk */
            fhi_trace_codec_start(&s->out, time_ns);
            fhi_trace_codec_start(&s->in, time_ns);
        }
        fh_trace_kind kind =
            (fh_trace_kind)(i < FH_TRACE_KIND_MAX ? i + 1
                                                  : 1 + test_below(&rng, FH_TRACE_KIND_MAX));
        rig_random(&rng, kind, time_ns, &event);
        if (event.event.time_ns > UINT64_MAX / 2) {
            event.event.time_ns = time_ns;
        }
        time_ns = event.event.time_ns;
        check_round_trip(s, &event.event, &read);
    }
}

static void the_largest_event_has_room(void **state)
{
    scene *s = *state;
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE, .thread = UINT32_MAX, .time_ns = UINT64_MAX};
    fh_trace_event read;
    char *text = test_calloc(FH_TRACE_TEXT_MAX, 1);
    uint64_t *list = test_calloc(FH_TRACE_LIST_MAX, sizeof *list);
    memset(text, 'x', FH_TRACE_TEXT_MAX);
    for (uint32_t i = 0; i < FH_TRACE_LIST_MAX; i++) {
        list[i] = UINT64_MAX - (i & 1); /* goes up and down */
    }
    for (size_t f = 0; f < FH_TRACE_VALUES_MAX; f++) {
        event.values[f] = UINT64_C(1) << 63;
    }
    event.text = text;
    event.text_size = FH_TRACE_TEXT_MAX;
    event.list = list;
    event.list_count = FH_TRACE_LIST_MAX;
    check_round_trip(s, &event, &read);
    assert_int_equal(read.list_count, FH_TRACE_LIST_MAX);
    test_free(text);
    test_free(list);
}

static void ids_that_go_on_are_short(void **state)
{
    scene *s = *state;
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    event.resource.resource = UINT64_C(1) << 40;
    event.resource.device = 1;
    encode(s, &event);
    event = (fh_trace_event){.kind = FH_TRACE_BOUND};
    event.bound.resource = UINT64_C(1) << 40; /* the one before */
    event.bound.memory = 1;
    assert_int_equal(encode(s, &event), 6); /* head, time, and 1 byte each */
    event = (fh_trace_event){.kind = FH_TRACE_MEMORY};
    event.memory.memory = 1;
    event.memory.device = 1;
    event.memory.dedicated = UINT64_C(1) << 40;
    assert_int_equal(encode(s, &event), 9);
}

static void a_time_that_runs_backwards_stands_still(void **state)
{
    scene *s = *state;
    fh_trace_event read;
    fh_trace_event event = {.kind = FH_TRACE_LOST, .time_ns = 1000};
    CHECK_NO_FAULT(decode(s, encode(s, &event), &read));
    event.time_ns = 999;
    CHECK_NO_FAULT(decode(s, encode(s, &event), &read));
    assert_int_equal(read.time_ns, 1000);
    event.time_ns = 1001;
    CHECK_NO_FAULT(decode(s, encode(s, &event), &read));
    assert_int_equal(read.time_ns, 1001);
}

/* ---- texts ---- */

static void check_text(scene *s, const char *text, size_t size, const char *expected)
{
    fh_trace_event read;
    fh_trace_event event = {.kind = FH_TRACE_NAMED, .text = text, .text_size = (uint32_t)size};
    CHECK_NO_FAULT(decode(s, encode(s, &event), &read));
    assert_string_equal(read.text, expected);
    assert_int_equal(read.text_size, strlen(expected));
    assert_int_equal(read.text_size, size);
}

static void texts_are_cleaned(void **state)
{
    scene *s = *state;
    check_text(s, "", 0, "");
    check_text(s, "plain", 5, "plain");
    check_text(s, "a\0b", 3, "a?b");
    check_text(s, "line\n\x7f", 6, "line\n\x7f"); /* control characters are whoever shows it's */
    check_text(s, "\xe2\x82\xac\xf4\x8f\xbf\xbf", 7, "\xe2\x82\xac\xf4\x8f\xbf\xbf");
    check_text(s, "\xe2\x82", 2, "??");           /* cut off */
    check_text(s, "\xc0\x80", 2, "??");           /* too long a form */
    check_text(s, "\xed\xa0\x80", 3, "???");      /* a surrogate */
    check_text(s, "\xf4\x90\x80\x80", 4, "????"); /* beyond the last character */
    check_text(s, "\xff\xc3\xa4", 3, "?\xc3\xa4");
    char text[] = "\xe2\x82\xac"; /* goes on, but not for it */
    fhi_utf8_clean(text, 2);
    assert_string_equal(text, "??\xac");
}

static void texts_are_clean_in_the_file(void **state)
{
    scene *s = *state;
    fh_trace_event event = {.kind = FH_TRACE_NAMED, .text = "a\xff", .text_size = 2};
    size_t size = encode(s, &event);
    assert_memory_equal(s->bytes + size - 2, "a?", 2);
}

static void texts_are_cleaned_when_they_are_read_too(void **state)
{
    scene *s = *state;
    fh_trace_event read;
    fh_trace_event event = {.kind = FH_TRACE_NAMED, .text = "abc", .text_size = 3};
    size_t size = encode(s, &event);
    s->bytes[size - 2] = 0xff;
    s->bytes[size - 1] = 0;
    CHECK_NO_FAULT(decode(s, size, &read));
    assert_string_equal(read.text, "a??");
}

/* ---- lists ---- */

static void check_list(scene *s, fh_trace_kind kind, const uint64_t *list, uint32_t count,
                       const uint64_t *expected)
{
    fh_trace_event read;
    fh_trace_event event = {.kind = kind, .list = list, .list_count = count};
    CHECK_NO_FAULT(decode(s, encode(s, &event), &read));
    assert_int_equal(read.list_count, count);
    assert_memory_equal(read.list, expected, count * sizeof *list);
}

static void lists_keep_their_order_but_those_of_submits(void **state)
{
    scene *s = *state;
    static const uint64_t mixed[] = {5, 0, UINT64_MAX, 7, 7, 1};
    static const uint64_t sorted[] = {0, 1, 5, 7, 7, UINT64_MAX};
    check_list(s, FH_TRACE_DEVICE, mixed, 6, mixed);
    check_list(s, FH_TRACE_DEVICE, sorted, 6, sorted);
    check_list(s, FH_TRACE_SUBMIT, mixed, 6, sorted);
    check_list(s, FH_TRACE_SUBMIT, sorted, 6, sorted);
    check_list(s, FH_TRACE_SUBMIT, mixed, 1, mixed);
}

static void long_lists_of_submits_are_sorted(void **state)
{
    scene *s = *state;
    test_rng rng = {test_seed()};
    fh_trace_event read;
    uint64_t *list = test_calloc(FH_TRACE_LIST_MAX, sizeof *list);
    fh_trace_event event = {.kind = FH_TRACE_SUBMIT, .list = list, .list_count = FH_TRACE_LIST_MAX};
    for (uint32_t i = 0; i < FH_TRACE_LIST_MAX; i++) {
        list[i] = test_below(&rng, 100000);
    }
    check_round_trip(s, &event, &read);
    test_free(list);
}

/* ---- bytes that nobody wrote ---- */

/* The bytes as they are, behind a head. */
static const char *decode_bytes(scene *s, const void *bytes, size_t size)
{
    fh_trace_event read;
    memset(s->bytes, 0, size + FHI_TRACE_PADDING);
    memcpy(s->bytes, bytes, size);
    return decode(s, size, &read);
}

static void check_fault(scene *s, const void *bytes, size_t size, const char *word)
{
    const char *fault = decode_bytes(s, bytes, size);
    if (fault == NULL || strstr(fault, word) == NULL) {
        fail_msg("\"%s\" does not say %s", fault != NULL ? fault : "nothing", word);
    }
}

static void what_nobody_wrote_is_found_out(void **state)
{
    scene *s = *state;
    rig_bytes b = {0};
#define CASE(word, ...)                                                                            \
    do {                                                                                           \
        const uint64_t numbers[] = {__VA_ARGS__};                                                  \
        for (size_t i_ = 0; i_ < TEST_COUNT_OF(numbers); i_++) {                                   \
            rig_put_number(&b, numbers[i_]);                                                       \
        }                                                                                          \
        check_fault(s, b.data, b.size, (word));                                                    \
        b.size = 0;                                                                                \
        fhi_trace_codec_start(&s->in, 0);                                                          \
    } while (0)
    const uint64_t lost = FH_TRACE_LOST << 3; /* one field */
    assert_null(decode_bytes(s, "\xe0\x01\x00\x02", 4));
    fhi_trace_codec_start(&s->in, 0);
    CASE("does not describe", 0, 0);
    CASE("does not describe", (FH_TRACE_KIND_MAX + 1) << 3, 0, 0);
    CASE("does not describe", UINT64_C(128) << 3, 0, 0);
    CASE("does not describe", UINT64_MAX, 0, 0);
    CASE("longer than its chunk", lost);
    CASE("longer than its chunk", lost, 0);
    CASE("too large", lost | 1, UINT64_C(1) << 32, 0, 0);
    CASE("text is longer", lost | 2, 0, 0, 1);
    CASE("text is longer", lost | 2, 0, 0);
    CASE("text is longer", lost | 2, 0, 0, UINT64_MAX);
    CASE("list is longer", lost | 4, 0, 0, 2);
    CASE("list is longer", lost | 4, 0, 0);
    CASE("list is longer", lost | 4, 0, 0, 3 << 1, 0x80, 0);
    CASE("list is longer", lost | 4, 0, 0, UINT64_MAX);
    CASE("too large", lost | 4, 0, 0, 2 << 1 | 1, 2, UINT64_MAX);
#undef CASE
    s->in.time_ns = 2;
    check_fault(s, "\xe0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 13, "too large");
    check_fault(s, "\xe0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 13, "too large");
    rig_free(&b);
}

static void texts_and_lists_that_are_too_long_are_found_out(void **state)
{
    scene *s = *state;
    rig_bytes b = {0};
    static const uint8_t zeroes[FH_TRACE_LIST_MAX + 1];
    rig_put_number(&b, FH_TRACE_LOST << 3 | 2);
    rig_put(&b, zeroes, 2);
    rig_put_number(&b, FH_TRACE_TEXT_MAX + 1);
    rig_put(&b, zeroes, FH_TRACE_TEXT_MAX + 1);
    check_fault(s, b.data, b.size, "text is too long");
    b.size = 0;
    rig_put_number(&b, FH_TRACE_LOST << 3 | 4);
    rig_put(&b, zeroes, 2);
    rig_put_number(&b, (FH_TRACE_LIST_MAX + 1) << 1);
    rig_put(&b, zeroes, FH_TRACE_LIST_MAX + 1);
    check_fault(s, b.data, b.size, "list is too long");
    rig_free(&b);
}

/* In room that ends where the padding does, so that a sanitizer sees what goes too far. */
static void events_cut_at_every_byte_are_found_out(void **state)
{
    scene *s = *state;
    test_rng rng = {test_seed()};
    fhi_trace_room room = {.list = s->list, .text = s->text};
    for (uint32_t k = 1; k <= FH_TRACE_KIND_MAX; k++) {
        rig_event event;
        fh_trace_event read;
        rig_random(&rng, (fh_trace_kind)k, 0, &event);
        fhi_trace_codec_start(&s->out, 0);
        size_t size = encode(s, &event.event);
        for (size_t cut = 1; cut < size; cut++) {
            uint8_t *bytes = test_calloc(cut + FHI_TRACE_PADDING, 1);
            const uint8_t *at = bytes;
            memcpy(bytes, s->bytes, cut);
            fhi_trace_codec_start(&s->in, 0);
            assert_non_null(
                fhi_trace_event_decode(&s->in, &s->schema, &at, bytes + cut, &room, &read));
            test_free(bytes);
        }
    }
}

/* ---- schemas ---- */

static const char *decode_schema(scene *s, rig_bytes *bytes)
{
    static const uint8_t zeroes[FHI_TRACE_PADDING];
    size_t size = bytes->size;
    rig_put(bytes, zeroes, sizeof zeroes);
    const char *fault = fhi_trace_schema_decode(&s->schema, bytes->data, bytes->data + size);
    bytes->size = 0;
    return fault;
}

static void our_schema_is_read_as_it_was(void **state)
{
    scene *s = *state;
    fhi_trace_schema own;
    uint8_t room[FHI_TRACE_SCHEMA_BYTES];
    rig_bytes bytes = {0};
    fhi_trace_schema_own(&own);
    size_t size = fhi_trace_schema_encode(&own, room);
    assert_true(size <= sizeof room);
    rig_put(&bytes, room, size);
    CHECK_NO_FAULT(decode_schema(s, &bytes));
    assert_memory_equal(&own, &s->schema, sizeof own);
    for (size_t cut = 0; cut < size; cut++) {
        rig_put(&bytes, room, cut);
        assert_non_null(decode_schema(s, &bytes));
        assert_false(s->schema.kinds[1].described);
    }
    rig_put(&bytes, room, size);
    rig_put_number(&bytes, 0);
    assert_string_equal(decode_schema(s, &bytes), "its schema is too long");
    rig_free(&bytes);
}

static void put_kind(rig_bytes *b, uint64_t number, const char *name, uint64_t field_count)
{
    rig_put_number(b, number);
    rig_put_name(b, name);
    rig_put_number(b, field_count);
}

static void schemas_of_no_sense_are_found_out(void **state)
{
    scene *s = *state;
    rig_bytes b = {0};
    rig_put_number(&b, 128);
    assert_string_equal(decode_schema(s, &b), "its schema has too many kinds");
    rig_put_number(&b, 1);
    put_kind(&b, 128, "x", 0);
    assert_string_equal(decode_schema(s, &b), "its schema has a kind of no number");
    rig_put_number(&b, 1);
    put_kind(&b, 0, "x", 0);
    assert_string_equal(decode_schema(s, &b), "its schema has a kind of no number, or twice");
    rig_put_number(&b, 2);
    put_kind(&b, 5, "x", 0);
    put_kind(&b, 5, "y", 0);
    assert_string_equal(decode_schema(s, &b), "its schema has a kind of no number, or twice");
    rig_put_number(&b, 1);
    put_kind(&b, 5, "x", 65);
    assert_string_equal(decode_schema(s, &b), "its schema has a kind of too many fields");
    rig_put_number(&b, 1);
    put_kind(&b, 5, "x", 1);
    rig_put_field(&b, "a", FH_TRACE_UNIT_ID, 32);
    assert_string_equal(decode_schema(s, &b), "its schema has a field of no known context");
    rig_put_number(&b, 1);
    put_kind(&b, 5, "a-name-of-64-bytes-which-is-one-byte-more-than-a-name-may-have--x", 0);
    assert_string_equal(decode_schema(s, &b), "a name in its schema is too long");
    rig_free(&b);
}

/* The file has bound's fields in another order, without size, and with some of the future. */
static void fields_are_found_by_their_names(void **state)
{
    scene *s = *state;
    rig_bytes b = {0};
    fh_trace_event read;
    rig_put_number(&b, 1);
    put_kind(&b, FH_TRACE_BOUND, "bound", 5);
    rig_put_field(&b, "future", FH_TRACE_UNIT_BYTES, 0);
    rig_put_field(&b, "offset", FH_TRACE_UNIT_BYTES, 0);
    rig_put_field(&b, "memory", FH_TRACE_UNIT_ID, 9);
    rig_put_field(&b, "resource", FH_TRACE_UNIT_ID, 9);
    rig_put_field(&b, "more", (fh_trace_unit)77, 31);
    CHECK_NO_FAULT(decode_schema(s, &b));
    rig_put_number(&b, FH_TRACE_BOUND << 3);
    rig_put_number(&b, 10);    /* time */
    rig_put_number(&b, 12345); /* future */
    rig_put_number(&b, 512);
    rig_put_folded(&b, 70);
    rig_put_folded(&b, -30); /* the same context */
    rig_put_folded(&b, -1);
    memset(s->bytes, 0, b.size + FHI_TRACE_PADDING);
    memcpy(s->bytes, b.data, b.size);
    CHECK_NO_FAULT(decode(s, b.size, &read));
    assert_int_equal(read.kind, FH_TRACE_BOUND);
    assert_int_equal(read.bound.resource, 40);
    assert_int_equal(read.bound.memory, 70);
    assert_int_equal(read.bound.offset, 512);
    for (size_t f = 3; f < FH_TRACE_VALUES_MAX; f++) {
        assert_true(read.values[f] == 0);
    }
    rig_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_described),
        cmocka_unit_test(what_is_no_kind_has_no_name),
        cmocka_unit_test(mistakes_are_told_apart),
        cmocka_unit_test(numbers_come_back_at_every_length),
        cmocka_unit_test(a_number_of_more_than_64_bits_is_found_out),
        cmocka_unit_test_setup_teardown(events_of_every_kind_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_event_has_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_that_go_on_are_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_time_that_runs_backwards_stands_still, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_cleaned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_clean_in_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_cleaned_when_they_are_read_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lists_keep_their_order_but_those_of_submits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(long_lists_of_submits_are_sorted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_wrote_is_found_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_and_lists_that_are_too_long_are_found_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(events_cut_at_every_byte_are_found_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_schema_is_read_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schemas_of_no_sense_are_found_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_are_found_by_their_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
