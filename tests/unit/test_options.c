/* Options: what a script may declare, with the sentence for each mistake; what values they take by
 * hand, and how these look; settings that do not fit any more. */

#include "version_checks.h"

#include <locale.h>

static int set_up(void **state)
{
    static scripted s;
    scripted_init(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    scripted_finish(*state);
    return 0;
}

/* A script with these declarations, whose frame hook puts option `x` into the state. */
static const char *declaring(const char *declarations)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "return {\n"
             "    frame = function(self) self.state.x = self.options.x end,\n"
             "    options = {\n%s\n    },\n"
             "}\n",
             declarations);
    return text;
}

static fh_option_info option(scripted *s, uint32_t index)
{
    fh_option_info info;
    s->engine->option(s->version, index, &info);
    return info;
}

static bool set(scripted *s, const char *name, const char *value)
{
    return s->engine->set_option(s->version, name, value, &s->report);
}

/* ---- declaring ---- */

static void declarations_are_read_with_all_they_say(void **state)
{
    scripted *s = *state;
    scripted_load(s, declaring("limit = { type = 'bytes', default = '1.5GiB', min = '64MiB', "
                               "max = 1 << 40, doc = 'hard\\ncap' },\n"
                               "soft = { type = 'number', default = 1, min = 0, max = 1.5 },\n"
                               "count = { type = 'integer', default = 2.0, min = -5 },\n"
                               "on = { type = 'boolean', default = false },\n"
                               "mode = { type = 'choice', default = 'slow', choices = { 'fast', "
                               "'slow', 'a b' } },\n"
                               "label = { type = 'text', default = '' },"));
    CHECK_EQUAL(s->engine->option_count(s->version), 6);
    static const char *const names[] = {"count", "label", "limit", "mode", "on", "soft"};
    static const char *const values[] = {"2", "", "1536MiB", "slow", "false", "1"};
    static const fh_option_type types[] = {FH_OPTION_INTEGER, FH_OPTION_TEXT,    FH_OPTION_BYTES,
                                           FH_OPTION_CHOICE,  FH_OPTION_BOOLEAN, FH_OPTION_NUMBER};
    for (uint32_t i = 0; i < 6; i++) {
        fh_option_info info = option(s, i);
        assert_string_equal(info.name, names[i]);
        assert_string_equal(info.value, values[i]);
        assert_string_equal(info.initial, values[i]);
        CHECK_EQUAL(info.type, types[i]);
        assert_false(info.by_hand);
    }
    fh_option_info limit = option(s, 2);
    assert_true(limit.has_min && limit.has_max);
    assert_true(limit.min == 64 << 20 && limit.max == (double)(1ULL << 40));
    assert_string_equal(limit.doc, "hard?cap");
    assert_string_equal(option(s, 3).choices, "fast|slow|a b");
    assert_true(option(s, 0).has_min && !option(s, 0).has_max && option(s, 0).min == -5);
    assert_string_equal(option(s, 6).name, "");
    assert_string_equal(option(s, UINT32_MAX).name, "");
}

static void scripts_see_values_of_the_right_type(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *declaration, *json;
    } cases[] = {
        {"x = { type = 'bytes', default = '512MiB' }", "{\"x\":536870912}"},
        {"x = { type = 'bytes', default = 0.85 * (512 << 20) }", "{\"x\":456340275}"},
        {"x = { type = 'bytes', default = 0 }", "{\"x\":0}"},
        {"x = { type = 'number', default = 3 }", "{\"x\":3.0}"},
        {"x = { type = 'integer', default = -3.0 }", "{\"x\":-3}"},
        {"x = { type = 'boolean', default = true }", "{\"x\":true}"},
        {"x = { type = 'text', default = '\\u{20AC}' }", "{\"x\":\"\xE2\x82\xAC\"}"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        scripted_load(s, declaring(cases[i].declaration));
        scripted_frame_well(s);
        assert_string_equal(scripted_json(s), cases[i].json);
    }
    scripted_load(s, declaring(""));
    CHECK_EQUAL(scripted_frame(s), FH_OUTCOME_FAILED);
    CHECK_SAYS(s->report.text, "p.lua:2: self.options has no 'x': declare it");
    scripted_load(s, "return { frame = function(self) self.options.x = 1 end }");
    CHECK_EQUAL(scripted_frame(s), FH_OUTCOME_FAILED);
    CHECK_SAYS(s->report.text, "p.lua:1: self.options cannot be changed (at 'x')");
}

static void mistakes_are_told_with_their_line(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *declaration, *sentence;
    } cases[] = {
        {"x = 5", "p.lua:4: options: x: a table such as { type = \"bytes\", default = "
                  "\"512MiB\" } expected, got 5"},
        {"['a b'] = {}", "p.lua:3: options: names of 1 to 63 letters, digits and '_', and no "
                         "digit first expected, got 'a b'"},
        {"['0'] = {}", "p.lua:3: options: names of 1 to 63 letters, digits and '_', and no "
                       "digit first expected, got '0'"},
        {"{}", "p.lua:3: options: names of 1 to 63 letters, digits and '_', and no "
               "digit first expected, got 1"},
        {"x = {\ndefault = 1 }", "p.lua:4: options: x: type: 'bytes', 'integer', 'number', "
                                 "'boolean', 'choice' or 'text' expected, got nil"},
        {"x = {\ntype = 'byte',\ndefault = 1 }",
         "p.lua:5: options: x: type: unknown word 'byte'; did you mean 'bytes'?"},
        {"x = { type = 'bytes' }", "p.lua:4: options: x: default: bytes (an integer from 0, or a "
                                   "text such as \"512MiB\") expected, got nil"},
        {"x = { type = 'bytes',\n default = -1 }",
         "p.lua:5: options: x: default: bytes (an integer from 0, or a "
         "text such as \"512MiB\") expected, got -1"},
        {"x = { type = 'bytes', default = 0 / 0 }",
         "p.lua:4: options: x: default: bytes (an integer from 0, or a "
         "text such as \"512MiB\") expected, got not a number"},
        {"x = { type = 'bytes', default = '12 parsecs' }",
         "p.lua:4: options: x: default: bytes (an integer from 0, or a "
         "text such as \"512MiB\") expected, got '12 parsecs'"},
        {"x = { type = 'integer', default = 2.5 }",
         "p.lua:4: options: x: default: an integer expected, got 2.5"},
        {"x = { type = 'integer', default = '2' }",
         "p.lua:4: options: x: default: an integer expected, got '2'"},
        {"x = { type = 'number', default = 1 / 0 }",
         "p.lua:4: options: x: default: a finite number expected, got infinity"},
        {"x = { type = 'boolean', default = 0 }",
         "p.lua:4: options: x: default: true or false expected, got 0"},
        {"x = { type = 'text', default = 'a\\nb' }",
         "p.lua:4: options: x: default: a text of at most 127 bytes without control characters "
         "expected, got 'a?b'"},
        {"x = { type = 'number', default = 2, max = 1 }",
         "p.lua:4: options: x: default: 2 is above `max`"},
        {"x = { type = 'bytes', default = 2, min = '1KiB' }",
         "p.lua:4: options: x: default: 2 is below `min`"},
        {"x = { type = 'integer', default = math.maxinteger, max = math.maxinteger - 1 }",
         "p.lua:4: options: x: default: 9223372036854775807 is above `max`"},
        {"x = { type = 'number', default = 2,\nmin = 3, max = 1 }",
         "p.lua:5: options: x: min: it is above `max`"},
        {"x = { type = 'number', default = 2,\n\nmin = '3' }",
         "p.lua:6: options: x: min: a finite number expected, got '3'"},
        {"x = { type = 'text', default = 'a', max = 3 }",
         "p.lua:4: options: x: max: only an option of type 'bytes', 'integer' or 'number' has one"},
        {"x = { type = 'text', default = 'a', choices = { 'a' } }",
         "p.lua:4: options: x: choices: only an option of type 'choice' has them"},
        {"x = { type = 'choice', default = 'a' }", "p.lua:4: options: x: choices: a list expected, "
                                                   "got nil"},
        {"x = { type = 'choice', default = 'a', choices = {} }",
         "p.lua:4: options: x: choices: at least one word expected"},
        {"x = { type = 'choice', default = 'a', choices = { 'a', 'b', 'a' } }",
         "p.lua:4: options: x: choices: 'a' is there twice"},
        {"x = { type = 'choice', default = 'a', choices = { 'a|b' } }",
         "p.lua:4: options: x: choices: words of 1 to 63 bytes without '|' expected, got 'a|b'"},
        {"x = { type = 'choice', default = 'c', choices = { 'a', 'b' } }",
         "p.lua:4: options: x: default: one of its choices expected, got 'c'"},
        {"x = { type = 'number', default = 1, doc = 5 }",
         "p.lua:4: options: x: doc: a text expected, got 5"},
        {"x = { type = 'number', default = 1,\ndefalt = 2, zz = 3 }",
         "p.lua:5: options: x: unknown field 'defalt'; did you mean 'default'?"},
        {"x = { type = 'number', 7, default = 1 }",
         "p.lua:4: options: x: fields with names expected, got the key 1"},
        /* What stands in strings, comments and hooks is no field. */
        {"-- y = { min = 1 }\n--[[ y = {\nmin = 1 } ]] z = { type = 'text', default = [[ y = {\n"
         "min = ]] },\ny = { type = 'text', default = 'min = 3',\nmin = 1 }",
         "p.lua:9: options: y: min: only an option of type 'bytes', 'integer' or 'number' has one"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        scripted_refused(s, declaring(cases[i].declaration), cases[i].sentence);
    }
    scripted_refused(s, "return {\noptions = 'x' }", "p.lua:2: options: a table expected, got 'x'");
    scripted_refused(s,
                     "local options = {}\nfor i = 1, 65 do\noptions['o' .. i] = { type = 'number', "
                     "default = 1 } end\nreturn {\noptions = options }",
                     "p.lua:5: options: at most 64 expected, got more");
}

/* ---- by hand ---- */

static void values_are_set_by_text(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *declaration, *value, *text, *json;
    } cases[] = {
        {"x = { type = 'bytes', default = 1 }", "512MiB", "512MiB", "{\"x\":536870912}"},
        {"x = { type = 'bytes', default = 1 }", "2048", "2KiB", "{\"x\":2048}"},
        {"x = { type = 'bytes', default = 1 }", "0", "0", "{\"x\":0}"},
        {"x = { type = 'number', default = 1 }", "0.1", "0.1", "{\"x\":0.1}"},
        {"x = { type = 'number', default = 1 }", "-3", "-3", "{\"x\":-3.0}"},
        {"x = { type = 'number', default = 1 }", "1e3", "1000", "{\"x\":1000.0}"},
        {"x = { type = 'integer', default = 1 }", "-9223372036854775808", "-9223372036854775808",
         "{\"x\":-9223372036854775808}"},
        {"x = { type = 'boolean', default = false }", "true", "true", "{\"x\":true}"},
        {"x = { type = 'text', default = 'a' }", "", "", "{\"x\":\"\"}"},
        {"x = { type = 'text', default = 'a' }", "5", "5", "{\"x\":\"5\"}"},
        {"x = { type = 'choice', default = 'a', choices = { 'a', 'b' } }", "b", "b",
         "{\"x\":\"b\"}"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        scripted_load(s, declaring(cases[i].declaration));
        fh_option_info before = option(s, 0);
        assert_true(set(s, "x", cases[i].value));
        scripted_frame_well(s);
        assert_string_equal(scripted_json(s), cases[i].json);
        assert_string_equal(option(s, 0).value, cases[i].text);
        assert_string_equal(option(s, 0).initial, before.initial);
        assert_true(option(s, 0).by_hand);
        /* What it shows, it takes. */
        assert_true(set(s, "x", option(s, 0).value));
        scripted_frame_well(s);
        assert_string_equal(scripted_json(s), cases[i].json);
        assert_true(set(s, "x", NULL));
        assert_string_equal(option(s, 0).value, before.initial);
        assert_false(option(s, 0).by_hand);
    }
}

static void what_is_no_such_value_changes_nothing(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *declaration, *value, *sentence;
    } cases[] = {
        {"x = { type = 'bytes', default = 7 }", "12xx",
         "option \"x\": \"12xx\" is not bytes (an integer from 0, or a text such as "
         "\"512MiB\")"},
        {"x = { type = 'bytes', default = 7, min = 7 }", "6",
         "option \"x\": \"6\" is below its minimum, 7"},
        {"x = { type = 'bytes', default = 7, max = '1GiB' }", "2GiB",
         "option \"x\": \"2GiB\" is above its maximum, 1GiB"},
        {"x = { type = 'number', default = 7 }", "nan", "is not a finite number"},
        {"x = { type = 'number', default = 7 }", "inf", "is not a finite number"},
        {"x = { type = 'number', default = 7 }", "1e999", "is not a finite number"},
        {"x = { type = 'number', default = 7 }", "", "is not a finite number"},
        {"x = { type = 'number', default = 7 }", "7,5", "is not a finite number"},
        {"x = { type = 'number', default = 7, max = 7.5 }", "7.6",
         "option \"x\": \"7.6\" is above its maximum, 7.5"},
        {"x = { type = 'integer', default = 7 }", "7.5", "is not an integer"},
        {"x = { type = 'integer', default = 7 }", "9223372036854775808", "is not an integer"},
        {"x = { type = 'integer', default = 7, max = 9 }", "10",
         "option \"x\": \"10\" is above its maximum, 9"},
        {"x = { type = 'boolean', default = false }", "yes",
         "option \"x\": \"yes\" is not true or false"},
        {"x = { type = 'choice', default = 'a', choices = { 'a', 'b c' } }", "b",
         "option \"x\": \"b\" is none of a|b c"},
        {"x = { type = 'choice', default = 'a', choices = { 'a', 'b' } }", "a|b",
         "option \"x\": \"a|b\" is none of a|b"},
        {"x = { type = 'text', default = 'a' }", "a\x1b[31mb", "\"a?[31mb\" is not a text"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        scripted_load(s, declaring(cases[i].declaration));
        fh_option_info before = option(s, 0);
        scripted_frame_well(s);
        char json[sizeof s->json];
        snprintf(json, sizeof json, "%s", scripted_json(s));
        assert_false(set(s, "x", cases[i].value));
        CHECK_SAYS(s->report.text, cases[i].sentence);
        fh_option_info after = option(s, 0);
        assert_memory_equal(&before, &after, sizeof before);
        scripted_frame_well(s);
        assert_string_equal(scripted_json(s), json);
    }
    char longer[200];
    memset(longer, '1', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(set(s, "x", longer));
    scripted_load(s, declaring("limit = { type = 'bytes', default = 7 },"));
    assert_false(set(s, "limt", "5"));
    assert_string_equal(s->report.text, "there is no option \"limt\"; did you mean \"limit\"?");
    assert_false(set(s, "\n\xFF", "5"));
    scripted_load(s, "return {}");
    assert_false(set(s, "x", "5"));
    assert_string_equal(s->report.text, "there is no option \"x\"");
}

static void bounds_hold_exactly(void **state)
{
    scripted *s = *state;
    scripted_load(s, declaring("x = { type = 'bytes', default = 0, max = (1 << 53) + 1 }"));
    assert_true(set(s, "x", "9007199254740993"));
    assert_false(set(s, "x", "9007199254740994"));
    assert_true(set(s, "x", "9007199254740992"));
}

/* ---- settings ---- */

static void settings_are_there_when_the_version_is(void **state)
{
    scripted *s = *state;
    const char *text = declaring("x = { type = 'bytes', default = 5, max = 10 }, y = { type = "
                                 "'boolean', default = false }");
    assert_non_null(scripted_try(
        s, text, (fh_policy_setting[]){{"x", "7"}, {"p.y", "true"}, {"q.x", "3"}, {"y", NULL}}, 4));
    assert_string_equal(option(s, 0).value, "7");
    assert_true(option(s, 0).by_hand);
    assert_string_equal(option(s, 0).initial, "5");
    assert_string_equal(option(s, 1).value, "true");
    assert_string_equal(s->engine->notes(s->version), "");
}

static void those_that_do_not_fit_are_noted_and_left_out(void **state)
{
    scripted *s = *state;
    const char *text = declaring("x = { type = 'bytes', default = 5, max = 10 }");
    assert_non_null(
        scripted_try(s, text, (fh_policy_setting[]){{"x", "11"}, {"z", "3"}, {"x", "a\nb"}}, 3));
    assert_string_equal(option(s, 0).value, "5");
    assert_false(option(s, 0).by_hand);
    assert_string_equal(
        s->engine->notes(s->version),
        "set by hand, and left out: option \"x\": \"11\" is above its maximum, 10\n"
        "set by hand, and left out: there is no option \"z\"\n"
        "set by hand, and left out: option \"x\": \"a?b\" is not bytes (an integer from 0, or a "
        "text such as \"512MiB\")");
}

static void numbers_have_points_whatever_the_locale(void **state)
{
    scripted *s = *state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        if (setlocale(LC_NUMERIC, names[i]) != NULL) {
            break;
        }
    }
    scripted_load(s, declaring("x = { type = 'number', default = 0.5 }"));
    assert_string_equal(option(s, 0).value, "0.5");
    assert_true(set(s, "x", "0.25"));
    assert_string_equal(option(s, 0).value, "0.25");
    assert_false(set(s, "x", "0,25"));
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
#define OPTION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        OPTION_TEST(declarations_are_read_with_all_they_say),
        OPTION_TEST(scripts_see_values_of_the_right_type),
        OPTION_TEST(mistakes_are_told_with_their_line),
        OPTION_TEST(values_are_set_by_text),
        OPTION_TEST(what_is_no_such_value_changes_nothing),
        OPTION_TEST(bounds_hold_exactly),
        OPTION_TEST(settings_are_there_when_the_version_is),
        OPTION_TEST(those_that_do_not_fit_are_noted_and_left_out),
        OPTION_TEST(numbers_have_points_whatever_the_locale),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
