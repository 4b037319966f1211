/* Options that are set by hand: at the next tick, through reloads, in one script or in all that
 * declare them. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#define SIZE_OPTION "option size bytes 0 100 50\n"

/* The value of the first option of that name. */
static const char *value_of(const stage *s, const char *name)
{
    static fh_option_info options[8];
    uint32_t count;
    CHECK_OK(fh_policy_options(s->policy, options, TEST_COUNT_OF(options), &count));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].value;
        }
    }
    fail_msg("no option %s", name);
    return NULL;
}

static void set(const stage *s, const char *name, const char *value)
{
    fh_result result = fh_policy_set_option(s->policy, name, value);
    if (result != FH_OK) {
        fail_msg("%s: %s", name, fh_error_detail());
    }
}

static void an_option_is_set_at_the_next_tick(void **state)
{
    stage *s = *state;
    fh_option_info option;
    uint32_t count;
    load_text(s, SIZE_OPTION "on place decide 1\non limits decide 0\n");
    touch(s, 100);
    set(s, "size", "70");
    assert_string_equal(value_of(s, "size"), "50");
    tick(s);
    assert_string_equal(value_of(s, "size"), "70");
    CHECK_OK(fh_policy_options(s->policy, &option, 1, &count));
    CHECK_EQUAL(count, 1);
    assert_true(option.by_hand);
    assert_string_equal(option.initial, "50");
    /* Verdicts are dropped, limits asked for. */
    touch(s, 100);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 2);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_LIMITS].calls, 2);
    CHECK_EQUAL(look(s)->version, 1);
    set(s, "size", NULL);
    tick(s);
    assert_string_equal(value_of(s, "size"), "50");
}

static void what_an_option_cannot_be_is_refused_at_once(void **state)
{
    stage *s = *state;
    char text[FHI_OPTION_VALUE_SIZE + 1];
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    load_text(s, "name mine\n" SIZE_OPTION);
    set(s, "size", "70");
    CHECK_RESULT(fh_policy_set_option(s->policy, "size", "101"), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("101");
    CHECK_RESULT(fh_policy_set_option(s->policy, "sise", "10"), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("sise");
    CHECK_RESULT(fh_policy_set_option(s->policy, "yours.size", "10"), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_set_option(s->policy, "size", text), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("1023");
    tick(s);
    assert_string_equal(value_of(s, "size"), "70");
}

static void what_is_set_waits_for_the_tick_also_when_more_is_set(void **state)
{
    stage *s = *state;
    load_text(s, SIZE_OPTION);
    set(s, "size", "70");
    set(s, "size", "80");
    assert_string_equal(value_of(s, "size"), "50");
    CHECK_RESULT(fh_policy_set_option(s->policy, "size", "101"), FH_ERR_INVALID);
    assert_string_equal(value_of(s, "size"), "50");
    tick(s);
    assert_string_equal(value_of(s, "size"), "80");
    set(s, "size", NULL);
    set(s, "size", "90");
    assert_string_equal(value_of(s, "size"), "80");
    tick(s);
    assert_string_equal(value_of(s, "size"), "90");
}

static void of_several_scripts_all_or_the_named_one_get_it(void **state)
{
    stage *s = *state;
    load_texts(
        s, (const char *const[]){"name a\n" SIZE_OPTION, "name b\n", "name c\n" SIZE_OPTION, NULL});
    set(s, "size", "60");
    set(s, "c.size", "61");
    tick(s);
    fh_option_info options[4];
    uint32_t count;
    CHECK_OK(fh_policy_options(s->policy, options, 1, &count));
    CHECK_EQUAL(count, 2);
    CHECK_OK(fh_policy_options(s->policy, options, 4, &count));
    assert_string_equal(options[0].value, "60");
    CHECK_EQUAL(options[0].script, 0);
    assert_string_equal(options[1].value, "61");
    CHECK_EQUAL(options[1].script, 2);
    CHECK_RESULT(fh_policy_set_option(s->policy, "b.size", "1"), FH_ERR_INVALID);
}

static void settings_hold_from_the_beginning(void **state)
{
    stage *s = *state;
    const fh_policy_setting settings[] = {{"size", "7"}, {"size", "8"}};
    CHECK_OK(load_desc(s, &(fh_policy_desc){.source = {.text = SIZE_OPTION},
                                            .settings = settings,
                                            .setting_count = 2}));
    assert_string_equal(value_of(s, "size"), "8");
}

static void reload(stage *s, const char *text)
{
    write_file(s, "main.lua", text);
    CHECK_OK(fh_policy_reload(s->policy));
    tick(s);
}

static void they_survive_a_reload_where_they_fit(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "option size bytes 0 100 50\n"), false);
    set(s, "size", "70");
    tick(s);
    reload(s, "note odd\noption other bytes 0 9 1\noption size bytes 0 100 40\n");
    assert_string_equal(value_of(s, "size"), "70");
    assert_string_equal(look(s)->notes, "odd");
    reload(s, "option size bytes 0 60 40\n");
    assert_string_equal(value_of(s, "size"), "40");
    assert_non_null(strstr(look(s)->notes, "cannot be"));
    reload(s, "option size number 0 100 40\n");
    assert_string_equal(value_of(s, "size"), "40");
    assert_non_null(strstr(look(s)->notes, "another type"));
    reload(s, "note odd\noption site bytes 0 100 40\n");
    assert_non_null(strstr(look(s)->notes, "odd\noption size was set by hand, and is not there"));
    /* It is not forgotten. */
    reload(s, "option size bytes 0 90 30\n");
    assert_string_equal(value_of(s, "size"), "70");
    assert_string_equal(look(s)->notes, "");
}

static void they_reach_what_waits_and_what_was(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "name one\n" SIZE_OPTION), false);
    write_file(s, "main.lua", "name two\n" SIZE_OPTION "option more bytes 0 9 1\n");
    CHECK_OK(fh_policy_reload(s->policy));
    set(s, "more", "5"); /* which is there from the next tick on */
    tick(s);
    assert_string_equal(value_of(s, "more"), "5");
    set(s, "size", "33");
    tick(s);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "one");
    assert_string_equal(value_of(s, "size"), "33");
    CHECK_RESULT(fh_policy_set_option(s->policy, "more", "6"), FH_ERR_INVALID);
}

static void host_memory_that_fails_sets_nothing(void **state)
{
    (void)state;
    card other;
    test_memory memory;
    fh_policy *policy;
    uint64_t failures = 0;
    const fh_policy_source sources[] = {{.text = SIZE_OPTION}, {.text = SIZE_OPTION}};
    const fh_policy_desc desc = {.sources = sources, .source_count = 2};
    test_memory_init(&memory);
    card_small(&other);
    other.desc.memory = &memory.host;
    check_open(&other);
    CHECK_OK(fhi_policy_load_with(&fake_engine, other.device, &desc, &policy));
    for (fh_result result = FH_ERR_HOST_MEMORY; result != FH_OK; failures++) {
        memory.fail_at = memory.alloc_count + 1 + failures;
        result = fh_policy_set_option(policy, "size", "7");
        memory.fail_at = 0;
        fh_option_info options[2];
        uint32_t count;
        CHECK_OK(fh_device_tick(other.device));
        CHECK_OK(fh_policy_options(policy, options, 2, &count));
        assert_string_equal(options[0].value, result == FH_OK ? "7" : "50");
        assert_string_equal(options[1].value, result == FH_OK ? "7" : "50");
    }
    CHECK_EQUAL(failures, 5);
    fh_policy_release(policy);
    check_close(&other);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(an_option_is_set_at_the_next_tick),
        SCRIPT_TEST(what_an_option_cannot_be_is_refused_at_once),
        SCRIPT_TEST(what_is_set_waits_for_the_tick_also_when_more_is_set),
        SCRIPT_TEST(of_several_scripts_all_or_the_named_one_get_it),
        SCRIPT_TEST(settings_hold_from_the_beginning),
        SCRIPT_TEST(they_survive_a_reload_where_they_fit),
        SCRIPT_TEST(they_reach_what_waits_and_what_was),
        SCRIPT_TEST(host_memory_that_fails_sets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
