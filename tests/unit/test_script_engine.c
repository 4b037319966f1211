/* The engine: versions are made and refused, with the sentence for each breach of the contract and
 * the line where it stands; what one extends, and what it takes over from the one before. Calls of
 * hooks are in test_script_calls.c. */

#include "version_checks.h"

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

static const fh_request request = {
    .kind = FH_KIND_TEXTURE,
    .tag = 7,
    .tag_name = "terrain",
    .size_min = 16 << 20,
    .size_max = (32 << 20) - 1,
    .size = 20 << 20,
    .name = "",
};

/* ---- making ---- */

static void another_abi_has_no_engine(void **state)
{
    (void)state;
    assert_null(fhi_script_engine(FHI_ENGINE_ABI + 1));
    assert_null(fhi_script_engine(0));
    const fhi_engine *engine = fhi_script_engine(FHI_ENGINE_ABI);
    CHECK_EQUAL(engine->abi, FHI_ENGINE_ABI);
    assert_string_equal(engine->version, FH_VERSION_STRING);
    engine->destroy(NULL);
}

static void a_version_says_what_it_has(void **state)
{
    scripted *s = *state;
    uint32_t count;
    scripted_load(s, "return {\n"
                     "    name = 'b\\u{FC}dget',\n"
                     "    place_steps = { 1000, '1MiB', 24 << 20 },\n"
                     "    place = function() end,\n"
                     "    evict = { '-priority', 'age' },\n"
                     "    recycle = function() end,\n"
                     "    migrate = function() end,\n"
                     "    defrag = function() end,\n"
                     "}\n");
    assert_string_equal(s->engine->name(s->version), "b\xC3\xBC"
                                                     "dget");
    CHECK_EQUAL(s->engine->hooks(s->version), 1u << FH_HOOK_PLACE | 1u << FH_HOOK_EVICT |
                                                  1u << FH_HOOK_RECYCLE | 1u << FH_HOOK_MIGRATE |
                                                  1u << FH_HOOK_DEFRAG);
    assert_string_equal(s->engine->notes(s->version), "hook \"recycle\": nothing asks it yet\n"
                                                      "hook \"defrag\": nothing asks it yet");
    const uint64_t *steps = s->engine->place_steps(s->version, &count);
    CHECK_EQUAL(count, 3);
    CHECK_EQUAL(steps[0], 1000);
    CHECK_EQUAL(steps[1], 1 << 20);
    CHECK_EQUAL(steps[2], 24 << 20);
    assert_true(s->engine->memory(s->version) > 0);
    CHECK_EQUAL(s->engine->option_count(s->version), 0);
    s->engine->step(s->version);
}

static void an_empty_table_is_a_policy(void **state)
{
    scripted *s = *state;
    uint32_t count;
    scripted_load(s, "return {}");
    CHECK_EQUAL(s->engine->hooks(s->version), 0);
    assert_string_equal(s->engine->name(s->version), "p");
    assert_string_equal(s->engine->notes(s->version), "");
    s->engine->place_steps(s->version, &count);
    CHECK_EQUAL(count, 0);
    assert_string_equal(scripted_json(s), "{}");
}

static void a_script_without_a_name_is_called_like_its_file(void **state)
{
    scripted *s = *state;
    static const char *const names[][2] = {
        {"scripts/policies/tiers.lua", "tiers"},
        {"tiers", "tiers"},
        {".lua", ".lua"},
        {"dir/", "policy"},
        {"", "policy"},
        {"a\x1b[m.lua", "a?[m"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        fhi_version_desc desc = {.text = "return {}", .size = 9, .name = names[i][0]};
        s->version = s->engine->create(&s->host, &desc, &s->report);
        assert_non_null(s->version);
        assert_string_equal(s->engine->name(s->version), names[i][1]);
        s->engine->destroy(s->version);
        s->version = NULL;
    }
}

/* ---- the contract ---- */

static void breaches_of_the_contract_are_told_with_their_line(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "p.lua:1: a policy returns a table, and this one returns nil"},
        {"return 5", "p.lua:1: a policy returns a table, and this one returns 5"},
        {"return string",
         "p.lua:1: a policy returns a table of its own, and this one is read-only"},
        {"return {\n\n    plase = function() end,\n}",
         "p.lua:3: policy: unknown field 'plase'; did you mean 'place'?"},
        {"return {\n    option = {},\n}",
         "p.lua:2: policy: unknown field 'option'; did you mean 'options'?"},
        {"return {\n    zzz = 1,\n    aaaaaaaa = 2,\n}",
         "p.lua:3: policy: unknown field 'aaaaaaaa'"},
        {"return {\n    ['on\\nload'] = 1 }", "p.lua:1: policy: unknown field 'on?load'"},
        {"return { place = function() end,\n 5 }",
         "p.lua:1: policy: fields with names expected, got the key 1"},
        {"local place = 3\nreturn {\n    place = place,\n}",
         "p.lua:3: place: a function expected, got 3"},
        {"return {\n    frame = { depth = 2 },\n}", "p.lua:2: frame: a function expected, got a "
                                                    "table"},
        {"return {\n    place = function()\n local limits, frame = 1, 2\n frame = 3 end,\n"
         "    frame = 'x' }",
         "p.lua:5: frame: a function expected, got 'x'"},
        {"local policy = {}\npolicy.frame = false\nreturn policy",
         "p.lua:2: frame: a function expected, got false"},
        {"local policy = {\n relieve = 1 }\nreturn policy",
         "p.lua:2: relieve: a function expected, got 1"},
        {"local p = {} p['fra' .. 'me'] = 1 return p",
         "p.lua:1: frame: a function expected, got 1"},
        {"return {\n    name = 5 }",
         "p.lua:2: name: a name (1 to 63 bytes of UTF-8 without control "
         "characters) expected, got 5"},
        {"return {\n    name = '' }", "p.lua:2: name: a name (1 to 63 bytes of UTF-8 without "
                                      "control characters) expected, got ''"},
        {"return {\n    name = 'a\\27[31m' }",
         "p.lua:2: name: a name (1 to 63 bytes of UTF-8 without control characters) expected, got "
         "'a?[31m'"},
        {"return {\n    ['place_steps'] = 5 }", "p.lua:2: place_steps: a list expected, got 5"},
        {"return {\n place_steps = { 1, 3, 2 } }",
         "p.lua:2: place_steps: entry 3: more than the entry before expected, got 2"},
        {"return {\n place_steps = { 0 } }",
         "p.lua:2: place_steps: entry 1: more than 0 expected, got 0"},
        {"return {\n place_steps = { 1, [3] = 5 } }",
         "p.lua:2: place_steps: a list without holes expected"},
        {"return {\n evict = 5 }", "p.lua:2: evict: a list of columns or a function expected, got "
                                   "5"},
        {"return {\n evict = function() end,\n place = 1 }",
         "p.lua:3: place: a function expected, got 1"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        /* `known` words follow where nothing is near: only the start counts. */
        assert_null(scripted_try(s, cases[i].text, NULL, 0));
        if (strncmp(s->report.text, cases[i].sentence, strlen(cases[i].sentence)) != 0) {
            assert_string_equal(s->report.text, cases[i].sentence);
        }
        assert_null(strchr(s->report.text, '\n'));
    }
    assert_null(scripted_try(s,
                             "local t = {} for i = 1, 33 do t[i] = i end\nreturn {\n"
                             "place_steps = t }",
                             NULL, 0));
    CHECK_SAYS(s->report.text, "p.lua:3: place_steps: at most 32 entries expected");
    assert_null(scripted_try(s, "return {\n\nevict = { 'agee' } }", NULL, 0));
    CHECK_SAYS(s->report.text, "p.lua:3: evict: ");
    CHECK_SAYS(s->report.text, "did you mean 'age'?");
    assert_null(scripted_try(s, "return {\n\nevict = {} }", NULL, 0));
    CHECK_SAYS(s->report.text, "p.lua:3: evict: ");
}

static void what_does_not_compile_or_run_is_told_with_its_line(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"return {\n  place = function(\n}", "p.lua:3: "},
        {"\x1bLua", "p.lua"},
        {"local x = nil\nreturn { name = x.y }", "p.lua:2: attempt to index"},
        {"\nerror('out of paint')", "p.lua:2: out of paint"},
        {"while true do end", "p.lua:1: it ran too long"},
        {"x = 1", "p.lua:1: "},
        {"local t = {} for i = 1, 1e9 do t[i] = i end", "it took too much memory"},
        {"\nextend('q.lua')", "p.lua:2: extend: there is no file \"q.lua\""},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        assert_null(scripted_try(s, cases[i].text, NULL, 0));
        CHECK_SAYS(s->report.text, cases[i].sentence);
    }
    static char huge[FHI_SOURCE_MAX + 2];
    memset(huge, '\n', sizeof huge - 1);
    scripted_refused(s, huge, "p.lua: a script has at most 64 KiB");
}

/* ---- migrate ---- */

static bool migrate(scripted *s)
{
    return s->engine->migrate(s->version, &s->state, 3, &s->call);
}

/* What the next version is given: {"list":[1,{"x":"y"}],"n":1}. */
static void save_an_old_state(scripted *s)
{
    scripted_load(s, "return { frame = function(self)\n"
                     "self.state.n = 1 self.state.list = { 1, { x = 'y' } } end }");
    scripted_frame_well(s);
    assert_true(s->engine->state_save(s->version, &s->state));
}

static void without_migrate_the_state_goes_over_as_it_is(void **state)
{
    scripted *s = *state;
    save_an_old_state(s);
    scripted_load(s, "return { frame = function(self) self.state.n = self.state.n + 1 end }");
    assert_true(migrate(s));
    assert_string_equal(scripted_json(s), "{\"list\":[1,{\"x\":\"y\"}],\"n\":1}");
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"list\":[1,{\"x\":\"y\"}],\"n\":2}");
}

static void migrate_returns_the_new_state(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body, *json;
    } cases[] = {
        {"return { n = old.n * 10, from = version, was = old.list[2].x }",
         "{\"from\":3,\"n\":10,\"was\":\"y\"}"},
        {"old.list[2] = nil return old", "{\"list\":[1],\"n\":1}"},
        {"return nil", "{}"},
        {"return {}", "{}"},
        {"return { 1, 2 }", "[1,2]"},
        {"return self.state", "{}"},
        {"return { opts = self.options }", "{\"opts\":{\"o\":5}}"},
        {"local n = 0 for k in pairs(old) do n = n + 1 end table.insert(old.list, n) return old",
         "{\"list\":[1,{\"x\":\"y\"},2],\"n\":1}"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        char text[512];
        save_an_old_state(s);
        snprintf(text, sizeof text,
                 "return { options = { o = { type = 'integer', default = 5 } },\n"
                 "migrate = function(self, old, version)\n%s\nend }",
                 cases[i].body);
        scripted_load(s, text);
        assert_true(migrate(s));
        assert_string_equal(scripted_json(s), cases[i].json);
        CHECK_EQUAL(s->call.line, 3);
        CHECK_EQUAL(s->call.outcome, FH_OUTCOME_DECIDED);
    }
}

static void migrate_that_fails_leaves_the_state_as_it_is(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"error('no')", "p.lua:4: no"},
        {"return 5", "p.lua:4: migrate: a table or nil expected, got 5"},
        {"return 'x'", "p.lua:4: migrate: a table or nil expected, got 'x'"},
        {"return type", "p.lua:4: self.state: a function cannot be kept"},
        {"return { f = type }", "p.lua:4: self.state: a function cannot be kept"},
        {"local t = {} t.t = t return t", "p.lua:4: self.state: a table that contains itself"},
        {"local t, u = {}, {} for i = 1, 2100 do t[i], u[i] = true, true end return { t, u }",
         "p.lua:4: self.state: there is room for 4096 values"},
        {"local t = {} for i = 1, 5 do t[i] = ('x'):rep(16000) end return t",
         "p.lua:4: self.state: there is room for 64 KiB"},
        {"while true do end", "p.lua:4: it ran too long"},
        {"self.state.n = 7 return {}", "p.lua:4: self.state is read-only in place"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        char text[512];
        save_an_old_state(s);
        snprintf(text, sizeof text,
                 "return { frame = function(self) self.state.mine = 1 end,\n"
                 "migrate = function(self, old, version)\n\n%s\nend }",
                 cases[i].body);
        scripted_load(s, text);
        scripted_frame_well(s);
        uint64_t serial = s->engine->state_serial(s->version);
        assert_false(migrate(s));
        CHECK_SAYS(s->report.text, cases[i].sentence);
        assert_string_equal(scripted_json(s), "{\"mine\":1}");
        CHECK_EQUAL(s->engine->state_serial(s->version), serial);
    }
    s->call.dry = true;
    scripted_load(s, "return { migrate = function(self, old) return old end }");
    assert_true(migrate(s));
    assert_string_equal(scripted_json(s), "{}");
}

/* Or it could not be replaced by one that does without so much. */
static void the_state_of_a_full_script_goes_over(void **state)
{
    scripted *s = *state;
    static fhi_state kept;
    fh_frame_decision decision;
    static const fh_frame_facts frame;
    static const fh_facts facts;
    fhi_call call = {.report = &s->report};
    scripted_load(s, "local full, key = {}, ('k'):rep(100)\n"
                     "return { frame = function(self)\n"
                     "    self.state[key] = 7\n"
                     "    if full[1] == nil then full[1] = {} return end\n"
                     "    for i = 1, 4000 do full = { full, i, i, i, i } end\n"
                     "end }\n");
    for (int i = 0; i < 40; i++) {
        s->engine->call(s->version, FH_HOOK_FRAME, &frame, &facts, &decision, &call);
    }
    CHECK_EQUAL(call.outcome, FH_OUTCOME_STOPPED);
    assert_true(call.stopped_by_memory);
    assert_true(s->engine->state_save(s->version, &kept));
    assert_true(kept.size > 100);
    assert_true(s->engine->state_restore(s->version, &kept));
}

/* ---- extend ---- */

static void extend_builds_on_another_script(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    s->files[0][0] = "base.lua";
    s->files[0][1] =
        "return { name = 'base', place_steps = { 5 },\n"
        "options = { a = { type = 'integer', default = 1, min = 0 },\n"
        "b = { type = 'text', default = 'x' } },\n"
        "place = function(self, request)\n"
        "  return { priority = self.options.a / 10, no_spill = self.base ~= nil } end,\n"
        "frame = function(self) self.state.n = (self.state.n or 0) + 1 end,\n"
        "evict = { 'age' } }";
    scripted_load(s,
                  "return extend('base.lua', {\n"
                  "options = { a = { default = 5 }, c = { type = 'boolean', default = true } },\n"
                  "place = function(self, request)\n"
                  "  local verdict = self.base.place(self, request)\n"
                  "  verdict.deny = self.options.c and self.base.evict == nil\n"
                  "  return verdict\n"
                  "end })");
    assert_string_equal(s->engine->name(s->version), "p");
    CHECK_EQUAL(s->engine->hooks(s->version),
                1u << FH_HOOK_PLACE | 1u << FH_HOOK_FRAME | 1u << FH_HOOK_EVICT);
    uint32_t count;
    CHECK_EQUAL(s->engine->place_steps(s->version, &count)[0], 5);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(s->engine->option_count(s->version), 3);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_DECIDED);
    assert_true(verdict.priority == 0.5f && verdict.deny && !verdict.no_spill);
    CHECK_EQUAL(s->call.line, 6);
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"n\":1}");
}

static void extend_goes_on_from_base_to_base(void **state)
{
    scripted *s = *state;
    fh_limits limits;
    s->files[0][0] = "one.lua";
    s->files[0][1] = "return { limits = function(self) assert(not self.base)\n"
                     "return { total = 1 } end,\n"
                     "frame = function(self) self.state.one = self.base == nil end }";
    s->files[1][0] = "two.lua";
    s->files[1][1] = "return extend('one.lua', { limits = function(self, facts)\n"
                     "local l = self.base.limits(self, facts) l.total = l.total + 10 return l end "
                     "})";
    scripted_load(s,
                  "local p = extend('two.lua')\n"
                  "p.limits = function(self, facts)\n"
                  "local l = self.base.limits(self, facts) l.total = l.total + 100 return l end\n"
                  "return p");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_DECIDED);
    CHECK_EQUAL(limits.total, 111);
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"one\":true}");
}

static void extend_takes_an_order_over_or_replaces_it(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *text;
        uint32_t column_count;
    } cases[] = {
        {"return extend('base.lua')", 3},
        {"return extend('base.lua', { evict = { '-size', 'age' } })", 2},
        {"return extend('base.lua', { evict = function() return 1 end })", 0},
    };
    const fh_candidates none = {.wanted = 1};
    s->files[0][0] = "base.lua";
    s->files[0][1] = "return { evict = { 'priority', '-age', '-size' } }";
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        fh_evict_order order;
        scripted_load(s, cases[i].text);
        CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &none, &order), FH_OUTCOME_DECIDED);
        CHECK_EQUAL(order.column_count, cases[i].column_count);
        CHECK_EQUAL(order.use_keys, cases[i].column_count == 0);
    }
}

static void extend_reports_the_base_with_its_own_lines(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *base, *text, *sentence;
    } cases[] = {
        {"return {\n\nplase = 1 }", "\nreturn extend('b.lua')",
         "p.lua:2: b.lua:3: policy: unknown field 'plase'; did you mean 'place'?"},
        {"\n\nerror('no')", "return extend('b.lua')", "b.lua:3: no"},
        {"return {\n\n", "return extend('b.lua')", "b.lua:3: "},
        {"return { options = {\nx = { type = 'bytes', default = 1 } } }",
         "return extend('b.lua', {\noptions = {\nx = { default = -1 } } })",
         "p.lua:3: options: x: default: "},
        {"return {}", "return extend('b.lua', { frame = 5 })",
         "p.lua:1: frame: a function expected, got 5"},
        {"return extend('b.lua')", "return extend('b.lua')", "extend: \"b.lua\" extends itself"},
        {"return {}", "extend('b.lua')\nreturn extend('b.lua')",
         "p.lua:2: extend: a script extends once"},
        {"error('no')", "pcall(extend, 'b.lua')\nreturn extend('b.lua')",
         "p.lua:2: extend: a script extends once"},
        {"while true do end", "pcall(extend, 'b.lua')\nreturn {}", "b.lua:1: it ran too long"},
        {"return {}", "return extend(5)", "there is no file \"5\""},
        {"return {}", "return extend({}, {})", "string expected"},
        {"return {}", "return extend('b.lua', string)", "bad argument #2"},
    };
    s->files[0][0] = "b.lua";
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        s->files[0][1] = cases[i].base;
        assert_null(scripted_try(s, cases[i].text, NULL, 0));
        CHECK_SAYS(s->report.text, cases[i].sentence);
    }
    s->files[0][1] = "error('no')";
    scripted_load(s, "local found = pcall(extend, 'b.lua')\n"
                     "return { frame = function(self) self.state.found = found end }");
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"found\":false}");
}

static void extend_has_an_end(void **state)
{
    scripted *s = *state;
    static const char *const names[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    static const char *const texts[] = {
        "return extend('2')", "return extend('3')", "return extend('4')", "return extend('5')",
        "return extend('6')", "return extend('7')", "return extend('8')", "return {}"};
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        s->files[i][0] = names[i];
        s->files[i][1] = texts[i];
    }
    assert_null(scripted_try(s, "return extend('1')", NULL, 0));
    CHECK_SAYS(s->report.text, "extend: at most 8 scripts in a row");
    scripted_load(s, "return extend('2')");
}

int main(void)
{
#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_abi_has_no_engine),
        ENGINE_TEST(a_version_says_what_it_has),
        ENGINE_TEST(an_empty_table_is_a_policy),
        ENGINE_TEST(a_script_without_a_name_is_called_like_its_file),
        ENGINE_TEST(breaches_of_the_contract_are_told_with_their_line),
        ENGINE_TEST(what_does_not_compile_or_run_is_told_with_its_line),
        ENGINE_TEST(without_migrate_the_state_goes_over_as_it_is),
        ENGINE_TEST(migrate_returns_the_new_state),
        ENGINE_TEST(migrate_that_fails_leaves_the_state_as_it_is),
        ENGINE_TEST(the_state_of_a_full_script_goes_over),
        ENGINE_TEST(extend_builds_on_another_script),
        ENGINE_TEST(extend_goes_on_from_base_to_base),
        ENGINE_TEST(extend_takes_an_order_over_or_replaces_it),
        ENGINE_TEST(extend_reports_the_base_with_its_own_lines),
        ENGINE_TEST(extend_has_an_end),
    };
    return cmocka_run_group_tests_name("script_engine", tests, NULL, NULL);
}
