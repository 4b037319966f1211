/* The tables of the policy contract, the environment that they describe, and the nearest word. */

#include "lua_rig.h"

#include "base/host.h"
#include "script/open.h"

static void every_hook_has_its_row(void **state)
{
    (void)state;
    static const char *const names[] = {
#define NAME(name, text) text,
        FH_HOOKS(NAME)
#undef NAME
    };
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        const fhi_hook_contract *hook = &fhi_hook_contracts[i];
        assert_string_equal(hook->name, names[i]);
        assert_int_equal(hook->hook, i);
        assert_true(strlen(hook->doc) > 0);
        assert_int_equal(hook->writes_state, i == FH_HOOK_FRAME || i == FH_HOOK_PRESSURE);
        assert_int_equal(hook->called,
                         i != FH_HOOK_RECYCLE && i != FH_HOOK_ALIAS && i != FH_HOOK_DEFRAG);
        assert_int_equal(hook->input == NULL, i == FH_HOOK_LIMITS || i == FH_HOOK_MIGRATE);
        assert_int_equal(hook->decision == NULL, i == FH_HOOK_EVICT || i == FH_HOOK_MIGRATE);
    }
}

static void every_hook_s_structs_are_the_engine_s(void **state)
{
    (void)state;
    const fhi_hook_contract *hooks = fhi_hook_contracts;
    assert_int_equal(hooks[FH_HOOK_PLACE].input->size, sizeof(fh_request));
    assert_int_equal(hooks[FH_HOOK_PLACE].decision->size, sizeof(fh_verdict));
    assert_int_equal(hooks[FH_HOOK_RELIEVE].input->size, sizeof(fh_request));
    assert_int_equal(hooks[FH_HOOK_RELIEVE].decision->size, sizeof(fh_relief));
    assert_int_equal(hooks[FH_HOOK_LIMITS].decision->size, sizeof(fh_limits));
    assert_int_equal(hooks[FH_HOOK_FRAME].input->size, sizeof(fh_frame_facts));
    assert_int_equal(hooks[FH_HOOK_FRAME].decision->size, sizeof(fh_frame_decision));
    assert_int_equal(hooks[FH_HOOK_PRESSURE].input->size, sizeof(fh_pressure));
    assert_int_equal(hooks[FH_HOOK_PRESSURE].decision->size, sizeof(fh_pressure_decision));
    assert_int_equal(hooks[FH_HOOK_RETAIN].input->size, sizeof(fh_block_facts));
    assert_int_equal(hooks[FH_HOOK_RETAIN].decision->size, sizeof(fh_retain_decision));
    assert_int_equal(hooks[FH_HOOK_RECYCLE].input->size, sizeof(fh_recycle_facts));
    assert_int_equal(hooks[FH_HOOK_RECYCLE].decision->size, sizeof(fh_recycle_decision));
    assert_int_equal(hooks[FH_HOOK_EVICT].input->size, sizeof(fh_candidates));
    assert_int_equal(hooks[FH_HOOK_ALIAS].input->size, sizeof(fh_alias_facts));
    assert_int_equal(hooks[FH_HOOK_ALIAS].decision->size, sizeof(fh_alias_decision));
    assert_int_equal(hooks[FH_HOOK_DEFRAG].input->size, sizeof(fh_defrag_facts));
    assert_int_equal(hooks[FH_HOOK_DEFRAG].decision->size, sizeof(fh_defrag_decision));
    assert_int_equal(fhi_shape_facts.size, sizeof(fh_facts));
}

static void check_shape(const fhi_shape *shape)
{
    assert_true(shape->count > 0 && shape->count <= 32);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        assert_true(member->offset < shape->size);
        assert_true(strlen(member->doc) > 0);
        for (uint32_t j = 0; j < i; j++) {
            assert_string_not_equal(member->name, shape->members[j].name);
        }
        if (member->type == FHI_VALUE_CHOICE || member->type == FHI_VALUE_FLAGS) {
            assert_non_null(member->words);
        }
        if (member->type == FHI_VALUE_LIST || member->type == FHI_VALUE_ACCOUNT) {
            check_shape(member->of);
        }
        if (member->type == FHI_VALUE_LIST) {
            assert_true(member->offset + member->room * member->stride <= shape->size);
        }
    }
}

static void every_member_is_inside_its_struct_and_has_a_doc(void **state)
{
    (void)state;
    check_shape(&fhi_shape_facts);
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        if (fhi_hook_contracts[i].input != NULL) {
            check_shape(fhi_hook_contracts[i].input);
        }
        if (fhi_hook_contracts[i].decision != NULL) {
            check_shape(fhi_hook_contracts[i].decision);
        }
    }
}

static void class_facts_are_those_that_verdicts_are_cached_by(void **state)
{
    (void)state;
    static const char *const names[] = {"kind", "usage",    "location", "access",
                                        "tag",  "size_min", "size_max", NULL};
    const fhi_shape *request = fhi_hook_contracts[FH_HOOK_PLACE].input;
    for (uint32_t i = 0; i < request->count; i++) {
        bool is_one = false;
        for (int j = 0; names[j] != NULL; j++) {
            is_one = is_one || strcmp(names[j], request->members[i].name) == 0;
        }
        assert_int_equal(request->members[i].class_fact, is_one);
    }
}

static void environment_names_are_sorted_and_there_once(void **state)
{
    (void)state;
    assert_non_null(fhi_environment_names[0]);
    for (int i = 1; fhi_environment_names[i] != NULL; i++) {
        assert_true(strcmp(fhi_environment_names[i - 1], fhi_environment_names[i]) < 0);
    }
}

static void ignore_log(void *context, fh_log_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* The names in one table of a script's environment, as the script sees them: it raises them. */
static void names_in_sandbox(const char *table, const char *prefix, fhi_report *out_report)
{
    char text[512];
    const fhi_engine *engine;
    fhi_engine_host host = {.log = ignore_log};
    CHECK_OK(fhi_engine_open(&engine));
    CHECK_OK(fhi_host_memory_resolve(NULL, &host.memory));
    snprintf(text, sizeof text,
             "local names = {} for name, value in pairs(%s) do "
             "if type(value) ~= 'table' then names[#names + 1] = '%s' .. name end end "
             "error('<' .. table.concat(names, ' ') .. '>', 0)",
             table, prefix);
    const fhi_version_desc desc = {.text = text, .size = strlen(text), .name = "names"};
    assert_null(engine->create(&host, &desc, out_report));
}

static void the_environment_has_what_is_described(void **state)
{
    (void)state;
    static const char *const tables[][2] = {
        {"_ENV", ""},      {"string", "string."}, {"table", "table."},
        {"utf8", "utf8."}, {"math", "math."},     {"freehold.policy", "freehold.policy."},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(tables); i++) {
        const char *prefix = tables[i][1];
        char expected[1024] = "<";
        for (int n = 0; fhi_environment_names[n] != NULL; n++) {
            const char *name = fhi_environment_names[n];
            const char *dot = strrchr(name, '.');
            size_t size = dot == NULL ? 0 : (size_t)(dot + 1 - name);
            if (size == strlen(prefix) && strncmp(name, prefix, size) == 0) {
                size_t length = strlen(expected);
                snprintf(expected + length, sizeof expected - length, "%s%s", length > 1 ? " " : "",
                         name);
            }
        }
        size_t length = strlen(expected);
        snprintf(expected + length, sizeof expected - length, ">");
        fhi_report report;
        names_in_sandbox(tables[i][0], prefix, &report);
        if (strstr(report.text, expected) == NULL) {
            fail_msg("described %s, and there is %s", expected, report.text);
        }
    }
}

static void the_nearest_word(void **state)
{
    (void)state;
    static const char *const list[] = {"place", "relieve", "limits", "frame", "no", NULL};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"plcae", "place"},
        {"Place", "place"},
        {"releive", "relieve"},
        {"limit", "limits"},
        {"fraem", "frame"},
        {"place", "place"},
        {"evict", NULL},
        {"", NULL},
        {"n", "no"},
        {"x", NULL},
        {"relievement!", NULL},
        {"a word that is longer than any name that there is", NULL},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        const char *nearest = fhi_nearest_word(cases[i].word, list);
        if (cases[i].nearest == NULL) {
            assert_null(nearest);
        } else {
            assert_non_null(nearest);
            assert_string_equal(nearest, cases[i].nearest);
        }
    }
    static const char *const empty[] = {NULL};
    assert_null(fhi_nearest_word("place", empty));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hook_has_its_row),
        cmocka_unit_test(every_hook_s_structs_are_the_engine_s),
        cmocka_unit_test(every_member_is_inside_its_struct_and_has_a_doc),
        cmocka_unit_test(class_facts_are_those_that_verdicts_are_cached_by),
        cmocka_unit_test(environment_names_are_sorted_and_there_once),
        cmocka_unit_test(the_environment_has_what_is_described),
        cmocka_unit_test(the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
