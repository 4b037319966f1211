/* What a device says at its end about parcels that were never released. */

#include "card_checks.h"

enum {
    LINES = 128
};

/* A log that keeps every line. */
typedef struct lines {
    unsigned int count;
    fh_log_level levels[LINES];
    char texts[LINES][256];
    fh_log log;
} lines;

static void keep(void *context, fh_log_level level, const char *message)
{
    lines *l = context;
    if (l->count < LINES) {
        l->levels[l->count] = level;
        snprintf(l->texts[l->count], sizeof l->texts[0], "%s", message);
    }
    l->count++;
}

static card *open_card(lines *l)
{
    card *c = test_calloc(1, sizeof *c);
    *l = (lines){.log = {keep, l}};
    card_small(c);
    c->simulated.profile = &c->profile;
    c->desc.config = &c->simulated;
    c->desc.log = &l->log;
    CHECK_OK(fh_device_create(&c->desc, &c->device));
    c->backend = fh_device_backend(c->device);
    return c;
}

static void close_card(card *c)
{
    fh_device_destroy(c->device);
    test_free(c);
}

static unsigned int count_of(const lines *l, const char *text)
{
    unsigned int count = 0;
    for (unsigned int i = 0; i < l->count && i < LINES; i++) {
        count += strstr(l->texts[i], text) != NULL;
    }
    return count;
}

/* The one line with that text; a warning, by nature. */
static const char *check_line(const lines *l, const char *text)
{
    assert_int_equal(count_of(l, text), 1);
    for (unsigned int i = 0; i < l->count; i++) {
        if (strstr(l->texts[i], text) != NULL) {
            assert_int_equal(l->levels[i], FH_LOG_WARNING);
            return l->texts[i];
        }
    }
    return NULL;
}

static void who_released_all_hears_nothing(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    check_release(c, check_buffer(c, 100));
    check_release(c, check_raw(c, &(fh_raw_desc){.size = 100}));
    close_card(c);
    assert_int_equal(l->count, 0);
    test_free(l);
}

static void leaks_are_told_by_name_kind_size_and_tag(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    fh_tag tag;
    fh_parcel parcel;
    CHECK_OK(fh_device_tag(c->device, "terrain", &tag));
    fh_buffer_desc desc = card_buffer_desc(MIB(4));
    desc.memory.name = "mesh";
    desc.memory.tag = tag;
    check_make(c, &desc);
    CHECK_OK(fh_texture_create(
        c->device,
        &(fh_texture_desc){
            .format = FH_FORMAT_RGBA8_UNORM, .width = 32, .height = 32, .memory = {.name = "sky"}},
        &parcel));
    check_raw(c, &(fh_raw_desc){.size = 1000});
    CHECK_OK(fh_external_create(c->device, &(fh_external_desc){.size = 3 << 20, .name = "theirs"},
                                &parcel));
    close_card(c);
    assert_int_equal(l->count, 5);
    const char *line = check_line(l, "mesh");
    assert_non_null(strstr(line, "buffer"));
    assert_non_null(strstr(line, "4 MiB"));
    assert_non_null(strstr(line, "terrain"));
    line = check_line(l, "sky");
    assert_non_null(strstr(line, "texture"));
    assert_non_null(strstr(line, "4 KiB"));
    assert_null(strstr(line, "tag"));
    line = check_line(l, "raw");
    assert_non_null(strstr(line, "1000 B"));
    assert_non_null(strstr(line, "without a name"));
    line = check_line(l, "theirs");
    assert_non_null(strstr(line, "external"));
    line = check_line(l, "4 parcels");
    assert_non_null(strstr(line, "7.00 MiB"));
    test_free(l);
}

static void many_leaks_are_cut_short_but_counted(void **state)
{
    (void)state;
    static const unsigned int counts[] = {1, 63, 64, 65, 1000};
    for (size_t n = 0; n < TEST_COUNT_OF(counts); n++) {
        lines *l = test_calloc(1, sizeof *l);
        card *c = open_card(l);
        for (unsigned int i = 0; i < counts[n]; i++) {
            check_buffer(c, 1024);
        }
        close_card(c);
        unsigned int named = counts[n] < 64 ? counts[n] : 64;
        assert_int_equal(l->count, named + 1);
        assert_int_equal(count_of(l, "never released: buffer"), named);
        char text[48];
        snprintf(text, sizeof text, "%u parcel%s never released", counts[n],
                 counts[n] == 1 ? "" : "s");
        assert_non_null(strstr(l->texts[named], text));
        assert_int_equal(strstr(l->texts[named], "first 64") != NULL, counts[n] > 64);
        test_free(l);
    }
}

static void what_retires_or_is_our_own_is_no_leak(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    uint32_t queue = check_queue(c);
    fh_parcel buffer = check_buffer(c, KIB(64));
    static const unsigned char bytes[1000];
    CHECK_OK(fh_parcel_write(c->device, buffer, 0, bytes, sizeof bytes, NULL)); /* staging */
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 9}));
    check_release(c, buffer);
    fh_parcel grown = check_buffer(c, KIB(64));
    CHECK_OK(fh_buffer_resize(c->device, grown, KIB(128), NULL));
    check_release(c, grown);
    close_card(c);
    assert_int_equal(count_of(l, "never released"), 0);
    test_free(l);
}

static void names_that_are_no_utf_8_do_not_reach_the_log(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "t\xff", &tag));
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.name = "a\xfe\xe2\x82\xac\xe2\x82";
    desc.memory.tag = tag;
    check_make(c, &desc);
    close_card(c);
    const char *line = check_line(l, "never released: ");
    assert_non_null(strstr(line, "\"a?\xe2\x82\xac??\""));
    assert_non_null(strstr(line, "\"t?\""));
    test_free(l);
}

static void aliases_of_what_leaked_leak_too(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = KIB(64), .memory = {.name = "below"}});
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.backing = raw;
    desc.memory.name = "above";
    check_make(c, &desc);
    close_card(c);
    check_line(l, "below");
    check_line(l, "above");
    check_line(l, "2 parcels");
    test_free(l);
}

static void a_name_is_no_line_of_its_own(void **state)
{
    (void)state;
    lines *l = test_calloc(1, sizeof *l);
    card *c = open_card(l);
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "t\n2", &tag));
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.name = "a\nthe device is lost\r\x7f";
    desc.memory.tag = tag;
    check_make(c, &desc);
    close_card(c);
    const char *line = check_line(l, "never released: ");
    assert_non_null(strstr(line, "\"a?the device is lost??\""));
    assert_non_null(strstr(line, "\"t?2\""));
    for (unsigned int i = 0; i < l->count; i++) {
        assert_null(strchr(l->texts[i], '\n'));
    }
    test_free(l);
}

/* Some of the aliases retire only, the rest leaks; the owner lets go, or does not. */
static void what_only_aliases_keep_is_told_as_kept(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < 12; n++) {
        bool released = n % 2 == 0;
        unsigned int left = n / 2 % 3;
        bool again = n / 6 != 0; /* a second reference of the owner's */
        lines *l = test_calloc(1, sizeof *l);
        card *c = open_card(l);
        uint32_t queue = check_queue(c);
        fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = KIB(64), .memory = {.name = "heap"}});
        fh_buffer_desc desc = card_buffer_desc(1024);
        desc.memory.backing = raw;
        desc.memory.name = "on it";
        for (unsigned int i = 0; i < 3; i++) {
            desc.memory.backing_offset = KIB(4) * i;
            fh_parcel buffer = check_make(c, &desc);
            if (i >= left) {
                CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 9}));
                check_release(c, buffer);
            }
        }
        if (again) {
            CHECK_OK(fh_parcel_acquire(c->device, raw));
        }
        if (released) {
            check_release(c, raw);
        }
        close_card(c);
        bool leaks = again || !released;
        assert_int_equal(count_of(l, "never released: buffer \"on it\""), left);
        assert_int_equal(count_of(l, "never released: raw \"heap\""), leaks);
        assert_int_equal(count_of(l, "released, but kept by"), !leaks && left > 0);
        if (!leaks && left > 0) {
            const char *line = check_line(l, "raw \"heap\"");
            assert_non_null(strstr(line, left == 1 ? "1 parcel on it" : "2 parcels on it"));
        }
        if (left + leaks > 0) {
            char text[48];
            snprintf(text, sizeof text, "%u parcel%s never released", left + leaks,
                     left + leaks == 1 ? "" : "s");
            check_line(l, text);
        } else {
            assert_int_equal(l->count, 0);
        }
        test_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_released_all_hears_nothing),
        cmocka_unit_test(leaks_are_told_by_name_kind_size_and_tag),
        cmocka_unit_test(many_leaks_are_cut_short_but_counted),
        cmocka_unit_test(what_retires_or_is_our_own_is_no_leak),
        cmocka_unit_test(names_that_are_no_utf_8_do_not_reach_the_log),
        cmocka_unit_test(a_name_is_no_line_of_its_own),
        cmocka_unit_test(aliases_of_what_leaked_leak_too),
        cmocka_unit_test(what_only_aliases_keep_is_told_as_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
