/* Files: what is read, and what is refused without waiting for it; paths; and where the texts of
 * scripts come from. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#include "base/file.h"

static const char *read_whole(const char *path, size_t capacity, size_t *out_size)
{
    static char buffer[FHI_SOURCE_MAX + 1];
    assert_true(capacity <= sizeof buffer);
    return fhi_file_read(path, buffer, capacity, out_size);
}

static void a_file_is_read_whole(void **state)
{
    stage *s = *state;
    char buffer[8] = "xxxxxxx";
    size_t size = 99;
    const char *path = write_file(s, "five", "12345");
    assert_null(fhi_file_read(path, buffer, 5, &size));
    CHECK_EQUAL(size, 5);
    assert_string_equal(buffer, "12345xx");
    assert_null(fhi_file_read(write_file(s, "empty", ""), buffer, 5, &size));
    CHECK_EQUAL(size, 0);
}

static void what_is_no_file_is_refused(void **state)
{
    stage *s = *state;
    size_t size = 99;
    const char *link = path_of(s, "link");
    const char *fifo = path_of(s, "fifo");
    assert_int_equal(symlink("link", link), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path, *word;
    } cases[] = {
        {path_of(s, "nothing"), "no such file"},
        {s->folder, "folder"},
        {link, "circle"},
        {fifo, "pipe"},
        {"/dev/zero", "device"},
        {"/dev/null/x", "no such file"},
        {write_file(s, "long", "123456"), "too long"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        const char *fault = read_whole(cases[i].path, 5, &size);
        if (!fault || !strstr(fault, cases[i].word)) {
            fail_msg("%s: %s", cases[i].path, fault ? fault : "it was read");
        }
        CHECK_EQUAL(size, 0);
    }
}

static void paths_have_folders_names_and_targets(void **state)
{
    stage *s = *state;
    char out[128], target[128];
    const struct {
        const char *path, *folder, *name;
    } cases[] = {
        {"a/b/c", "a/b", "c"}, {"c", ".", "c"}, {"/c", "/", "c"}, {"a/", "a", ""}, {"", ".", ""},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        assert_true(fhi_path_folder(cases[i].path, out, sizeof out));
        assert_string_equal(out, cases[i].folder);
        assert_string_equal(fhi_path_name(cases[i].path), cases[i].name);
    }
    assert_false(fhi_path_folder("abc/d", out, 3));
    assert_string_equal(out, "");
    assert_true(fhi_path_is_absolute("/a"));
    assert_false(fhi_path_is_absolute("a/b"));

    const char *file = write_file(s, "file", "x");
    assert_int_equal(symlink(file, path_of(s, "to")), 0);
    assert_true(fhi_path_target(path_of(s, "to"), out, sizeof out));
    assert_true(fhi_path_target(file, target, sizeof target));
    assert_string_equal(out, target);
    assert_false(fhi_path_target(path_of(s, "nothing"), out, sizeof out));
    assert_string_equal(out, "");
    assert_false(fhi_path_target(file, out, 4));
}

/* ---- sources ---- */

static void what_is_extended_lies_beside_or_below(void **state)
{
    stage *s = *state;
    static fhi_sources sources;
    static char text[FHI_SOURCE_MAX];
    char path[256];
    size_t size;
    fhi_report report;
    const char *from = write_file(s, "main.lua", "");
    sources.count = 0;
    write_file(s, "base.lua", "first");
    write_file(s, "plain", "second");
    CHECK_OK(fhi_source_extend(&sources, from, "base", text, &size, path, &report));
    assert_memory_equal(text, "first", size);
    assert_string_equal(path, path_of(s, "base.lua"));
    CHECK_OK(fhi_source_extend(&sources, from, "base.lua", text, &size, path, &report));
    CHECK_OK(fhi_source_extend(&sources, from, "plain", text, &size, path, &report));
    assert_memory_equal(text, "second", size);
    CHECK_EQUAL(sources.count, 2); /* one of them twice */

    const char *const wrong[] = {"/etc/passwd", "../base", "a/../../b", "..", "", "a\\..\\b"};
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        CHECK_RESULT(fhi_source_extend(&sources, from, wrong[i], text, &size, path, &report),
                     FH_ERR_SCRIPT);
        assert_non_null(strstr(report.text, "extend"));
        CHECK_EQUAL(size, 0);
        assert_string_equal(path, "");
    }
    CHECK_EQUAL(sources.count, 2);
    /* What is not there is waited for. */
    CHECK_RESULT(fhi_source_extend(&sources, from, "later", text, &size, path, &report), FH_ERR_IO);
    assert_string_equal(sources.list[2].path, path_of(s, "later.lua"));
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_RESULT(fhi_source_extend(&sources, from, name, text, &size, path, &report),
                 FH_ERR_SCRIPT);
    /* From a text, beside the program. */
    CHECK_RESULT(fhi_source_extend(&sources, "policy", "later", text, &size, path, &report),
                 FH_ERR_IO);
    assert_string_equal(path, "later.lua");
}

static void changes_of_any_file_are_seen(void **state)
{
    stage *s = *state;
    static fhi_sources sources;
    static char text[FHI_SOURCE_MAX];
    size_t size;
    uint64_t first, second;
    bool empty;
    fhi_report report;
    sources.count = 0;
    CHECK_OK(fhi_source_read(&sources, write_file(s, "a", "1"), text, &size, &report));
    CHECK_RESULT(fhi_source_read(&sources, path_of(s, "b"), text, &size, &report), FH_ERR_IO);
    assert_false(fhi_sources_changed(&sources, text, &first, &empty));
    assert_false(empty);
    write_file(s, "b", "2"); /* it comes */
    assert_true(fhi_sources_changed(&sources, text, &second, &empty));
    assert_true(first != second);
    remove(path_of(s, "b")); /* and goes */
    assert_false(fhi_sources_changed(&sources, text, &second, &empty));
    assert_true(first == second);
    write_file(s, "a", "");
    assert_true(fhi_sources_changed(&sources, text, &second, &empty));
    assert_true(empty);
}

static void a_script_is_made_of_so_many_files(void **state)
{
    stage *s = *state;
    static fhi_sources sources;
    static char text[FHI_SOURCE_MAX];
    char name[32];
    size_t size;
    fhi_report report;
    sources.count = 0;
    for (int i = 0; i < FHI_SOURCES_MAX; i++) {
        snprintf(name, sizeof name, "/nowhere/%d", i);
        CHECK_RESULT(fhi_source_read(&sources, name, text, &size, &report), FH_ERR_IO);
    }
    CHECK_RESULT(fhi_source_read(&sources, write_file(s, "one.lua", "x"), text, &size, &report),
                 FH_ERR_SCRIPT);
    assert_non_null(strstr(report.text, "16"));
}

static void reports_are_clean(void **state)
{
    fhi_report report;
    (void)state;
    fhi_report_write(&report, "a\x1b[31m\xff%s", "z");
    assert_string_equal(report.text, "a?[31m?z");
    snprintf(report.text, sizeof report.text, "first\nsecond");
    assert_string_equal(fhi_report_first(&report).text, "first");
    CHECK_RESULT(fhi_text_check("t", "1\n2\n\0003", 6, &report), FH_ERR_SCRIPT);
    assert_non_null(strstr(report.text, "t:3:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(a_file_is_read_whole),
        SCRIPT_TEST(what_is_no_file_is_refused),
        SCRIPT_TEST(paths_have_folders_names_and_targets),
        SCRIPT_TEST(what_is_extended_lies_beside_or_below),
        SCRIPT_TEST(changes_of_any_file_are_seen),
        SCRIPT_TEST(a_script_is_made_of_so_many_files),
        SCRIPT_TEST(reports_are_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
