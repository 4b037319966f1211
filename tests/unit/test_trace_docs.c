/* docs/trace-format.md: its kinds, fields and words are those of trace_event.h, in order, and the
 * file that it shows byte by byte is one. */

#include "trace_checks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_SIZE = 65536,
    LINE_SIZE = 512
};

static const char *const page = "docs/trace-format.md";

typedef struct scene {
    char text[PAGE_SIZE];
    const char *at;
    char line[LINE_SIZE];
} scene;

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    FILE *file = fopen(page, "rb");
    if (s == NULL || file == NULL) {
        fprintf(stderr, "%s cannot be read: run this in the root of the tree\n", page);
        free(s);
        return -1;
    }
    size_t size = fread(s->text, 1, PAGE_SIZE - 1, file);
    fclose(file);
    s->at = s->text;
    *state = s;
    return size < PAGE_SIZE - 1 ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* To the next line, which is then in `line`. */
static bool next_line(scene *s)
{
    size_t size = strcspn(s->at, "\n");
    if (*s->at == '\0') {
        return false;
    }
    snprintf(s->line, sizeof s->line, "%.*s", (int)size, s->at);
    s->at += size + (s->at[size] == '\n' ? 1 : 0);
    return true;
}

/* To the line behind the first one from here on that begins so. */
static void find(scene *s, const char *begin)
{
    while (next_line(s)) {
        if (strncmp(s->line, begin, strlen(begin)) == 0) {
            return;
        }
    }
    fail_msg("%s: no line from here on begins with \"%s\"", page, begin);
}

/* The next row of a table begins so, and has something behind it. */
static void check_row(scene *s, const char *begin)
{
    if (!next_line(s) || strncmp(s->line, begin, strlen(begin)) != 0 ||
        strlen(s->line) < strlen(begin) + 3) {
        fail_msg("%s: \"%s\" should begin with \"%s\" and go on", page, s->line, begin);
    }
}

static void check_table_ends(scene *s)
{
    if (next_line(s) && s->line[0] == '|') {
        fail_msg("%s: \"%s\" is no row of this table", page, s->line);
    }
}

static const char *unit_name(fh_trace_unit unit)
{
    static const char *const names[] = {
#define UNIT_NAME(NAME, name) [FH_TRACE_UNIT_##NAME] = (name),
        FH_TRACE_UNITS(UNIT_NAME)
#undef UNIT_NAME
    };
    return names[unit];
}

static void every_kind_is_there_with_its_fields(void **state)
{
    scene *s = *state;
    char text[128];
    for (uint32_t k = 1; k <= FH_TRACE_KIND_MAX; k++) {
        const fh_trace_field *fields;
        uint32_t count;
        const char *name = fh_trace_kind_describe((fh_trace_kind)k, &fields, &count);
        find(s, "### ");
        snprintf(text, sizeof text, "### `%s` (%" PRIu32 ")", name, k);
        assert_string_equal(s->line, text);
        find(s, "|---");
        for (uint32_t f = 0; f < count; f++) {
            snprintf(text, sizeof text, "| `%s` | %s | ", fields[f].name,
                     unit_name(fields[f].unit));
            check_row(s, text);
        }
        check_table_ends(s);
    }
}

static void check_word(scene *s, uint64_t value, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "| %" PRIu64 " | %s | ", value, name);
    check_row(s, text);
}

static void words_and_flags_are_there_with_their_values(void **state)
{
    scene *s = *state;
#define ROW(NAME, value, name) check_word(s, (value), (name));
    find(s, "## Words and flags");
#define TABLE(begin, LIST)                                                                         \
    find(s, "**" begin "**");                                                                      \
    find(s, "|---");                                                                               \
    LIST(ROW)                                                                                      \
    check_table_ends(s);
    TABLE("topic", FH_TRACE_TOPICS)
    TABLE("api", FH_TRACE_APIS)
    TABLE("noun", FH_TRACE_NOUNS)
    TABLE("flags of a memory", FH_TRACE_MEMORY_FLAGS)
    TABLE("flags of a resource", FH_TRACE_RESOURCE_FLAGS)
#undef TABLE
#undef ROW
    find(s, "**units**");
    find(s, "|---");
    for (uint32_t u = 0; u <= FH_TRACE_UNIT_NUMBER; u++) {
        check_word(s, u, unit_name((fh_trace_unit)u));
    }
    check_table_ends(s);
}

static void limits_are_those_of_the_code(void **state)
{
    scene *s = *state;
#define ROW(name, value)                                                                           \
    do {                                                                                           \
        char text_[128];                                                                           \
        snprintf(text_, sizeof text_, "| %s | %d |", (name), (int)(value));                        \
        assert_true(next_line(s));                                                                 \
        assert_string_equal(s->line, text_);                                                       \
    } while (0)
    find(s, "## Limits");
    find(s, "|---");
    ROW("number of a kind", FHI_TRACE_NUMBER_MAX);
    ROW("fields of a kind", FHI_TRACE_FIELDS_MAX);
    ROW("bytes of a name", FHI_TRACE_NAME_MAX);
    ROW("number of a context", FHI_TRACE_CONTEXTS - 1);
    ROW("bytes of a text", FH_TRACE_TEXT_MAX);
    ROW("numbers in a list", FH_TRACE_LIST_MAX);
    ROW("bytes of a payload, packed or not", FHI_TRACE_RAW_MAX);
#undef ROW
    check_table_ends(s);
}

/* ---- the example ---- */

static void put_kind(rig_bytes *b, uint64_t number, const char *name, uint64_t field_count)
{
    rig_put_number(b, number);
    rig_put_name(b, name);
    rig_put_number(b, field_count);
}

/* Of a schema of its own, which is short enough to be shown. */
static void put_example(rig_bytes *file)
{
    rig_bytes p = {0};
    rig_put_file_header(file);
    rig_put_number(&p, 2);
    put_kind(&p, FH_TRACE_NOTE, "note", 1);
    rig_put_field(&p, "topic", FH_TRACE_UNIT_WORD, 0);
    put_kind(&p, FH_TRACE_MEMORY, "memory", 4);
    rig_put_field(&p, "memory", FH_TRACE_UNIT_ID, 1);
    rig_put_field(&p, "device", FH_TRACE_UNIT_ID, 2);
    rig_put_field(&p, "type", FH_TRACE_UNIT_NUMBER, 0);
    rig_put_field(&p, "size", FH_TRACE_UNIT_BYTES, 0);
    rig_put_chunk(file, (fhi_trace_chunk){.kind = FHI_TRACE_CHUNK_SCHEMA}, &p, false);

    fhi_trace_chunk events = {
        .kind = FHI_TRACE_CHUNK_EVENTS, .sequence = 1, .event_count = 3, .time_ns = 1000};
    static const uint64_t numbers[] = {
        FH_TRACE_MEMORY << 3,     500, 2,   2, 0, 65536,       /* memory 1, of device 1 */
        FH_TRACE_MEMORY << 3 | 1, 3,   300, 2, 0, 7,     4096, /* thread 3; memory 2, of device 1 */
    };
    rig_put_number(&p, FH_TRACE_NOTE << 3 | 2);
    rig_put_number(&p, 0);
    rig_put_number(&p, FH_TRACE_TOPIC_PROGRAM);
    rig_put_name(&p, "demo");
    for (size_t i = 0; i < TEST_COUNT_OF(numbers); i++) {
        rig_put_number(&p, numbers[i]);
    }
    rig_put_chunk(file, events, &p, false);

    fhi_trace_chunk end = {.kind = FHI_TRACE_CHUNK_END, .sequence = 2, .time_ns = 1800};
    rig_put_number(&p, 3);
    rig_put_number(&p, 0);
    rig_put_chunk(file, end, &p, false);
    rig_free(&p);
}

/* The bytes of the page's dump: lines of an offset, bytes in hexadecimal, and words behind two
 * spaces and a semicolon. */
static void read_dump(scene *s, rig_bytes *out)
{
    find(s, "## An example");
    find(s, "```");
    while (next_line(s) && strncmp(s->line, "```", 3) != 0) {
        char *at = NULL;
        s->line[strcspn(s->line, ";")] = '\0';
        if (s->line[0] == ' ' || s->line[0] == '\0') {
            continue; /* words alone */
        }
        assert_true(strtoul(s->line, &at, 16) == out->size); /* the offset */
        for (;;) {
            char *begin = at;
            uint8_t byte = (uint8_t)strtoul(begin, &at, 16);
            if (at == begin) {
                break;
            }
            rig_put(out, &byte, 1);
        }
    }
}

static void print_dump(const rig_bytes *file)
{
    for (size_t i = 0; i < file->size; i++) {
        if (i % 16 == 0) {
            fprintf(stderr, "\n%04zx ", i);
        }
        fprintf(stderr, " %02x", file->data[i]);
    }
    fprintf(stderr, "\n");
}

static void the_example_is_what_it_says(void **state)
{
    scene *s = *state;
    rig_bytes file = {0};
    rig_bytes shown = {0};
    put_example(&file);
    read_dump(s, &shown);
    if (shown.data == NULL || shown.size != file.size ||
        memcmp(shown.data, file.data, file.size) != 0) {
        print_dump(&file);
        fail_msg("%s: its example is not these bytes", page);
    }
    fh_trace_reader *reader;
    fh_trace_event event;
    CHECK_OK(rig_read(&shown, NULL, &reader));
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_NOTE);
    assert_int_equal(event.time_ns, 1000);
    assert_int_equal(event.note.topic, FH_TRACE_TOPIC_PROGRAM);
    assert_string_equal(event.text, "demo");
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        assert_int_equal(event.kind, FH_TRACE_MEMORY);
        assert_int_equal(event.thread, i == 0 ? 0 : 3);
        assert_int_equal(event.time_ns, i == 0 ? 1500 : 1800);
        assert_int_equal(event.memory.memory, i + 1);
        assert_int_equal(event.memory.device, 1);
        assert_int_equal(event.memory.type, i == 0 ? 0 : 7);
        assert_int_equal(event.memory.size, i == 0 ? 65536 : 4096);
        assert_int_equal(event.memory.priority_ppm, 0);
    }
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_NONE);
    fh_trace_reader_close(reader);
    check_damage(&shown, 3, "");
    rig_free(&file);
    rig_free(&shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_is_there_with_its_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_and_flags_are_there_with_their_values, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(limits_are_those_of_the_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_example_is_what_it_says, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
