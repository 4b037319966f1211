/* self.state: what it takes and what it refuses, that a failed hook leaves no trace, that equal
 * states are equal bytes, and what they are as JSON. */

#include "version_checks.h"

#include "sandbox/state_node.h"

#include <locale.h>

/* A frame hook with that body. */
static void load_frame(scripted *s, const char *body)
{
    char text[8192];
    int length = snprintf(text, sizeof text,
                          "local kept, other\n"
                          "return { frame = function(self, stats, facts)\nlocal st = self.state\n"
                          "%s\nend }",
                          body);
    assert_true(length > 0 && (size_t)length < sizeof text);
    scripted_load(s, text);
}

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

/* ---- what it takes ---- */

static void plain_data_is_kept(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body, *json;
    } cases[] = {
        {"", "{}"},
        {"st.a = nil", "{}"},
        {"st.a = 1 st.b = true st.c = false st.d = 0.1 st.e = 'x'",
         "{\"a\":1,\"b\":true,\"c\":false,\"d\":0.1,\"e\":\"x\"}"},
        {"st.whole = 2.0 st.min = math.mininteger", "{\"min\":-9223372036854775808,\"whole\":2.0}"},
        {"st.tiny = 5e-324 st.third = 1 / 3 st.big = 1e300",
         "{\"big\":1e+300,\"third\":0.3333333333333333,\"tiny\":4.94065645841247e-324}"},
        {"st.inf = 1 / 0 st.nan = 0 / 0", "{\"inf\":null,\"nan\":null}"},
        {"st[1] = 'a' st[2] = 'b'", "[\"a\",\"b\"]"},
        {"st[2.0] = 'b' st[1] = 'a'", "[\"a\",\"b\"]"},
        {"st[1] = 'a' st[3] = 'c'", "{\"1\":\"a\",\"3\":\"c\"}"},
        {"st[-1] = 0 st[10] = 1 st[9] = 2 st.b = 3 st['a\\0b'] = 4 st.a = 5",
         "{\"-1\":0,\"9\":2,\"10\":1,\"a\":5,\"a\\u0000b\":4,\"b\":3}"},
        {"st.t = { 1, { x = 2 }, {} } st.t[2].y = 3", "{\"t\":[1,{\"x\":2,\"y\":3},{}]}"},
        {"st.t = { a = 1 } st.u = st.t st.u.a = 2", "{\"t\":{\"a\":1},\"u\":{\"a\":2}}"},
        {"st.a = { b = 1 } st.a = st.a st.a.b = 2", "{\"a\":{\"b\":2}}"},
        {"st.a = { b = { c = 1 } } st.a = st.a.b st.a.d = 1", "{\"a\":{\"c\":1,\"d\":1}}"},
        {"st.a = 1 st.copy = st st.copy.a = 2", "{\"a\":1,\"copy\":{\"a\":2}}"},
        {"st.o = self.options", "{\"o\":{}}"},
        {"st.s = '\\\"\\\\\\n\\127\\u{85}\\u{20AC}\\u{10FFFF}\\xFF\\xC0\\x80\\xED\\xA0\\x80'",
         "{\"s\":\"\\\"\\\\\\u000a\\u007f\\u0085\xE2\x82\xAC\xF4\x8F\xBF\xBF\\ufffd\\ufffd\\ufffd"
         "\\ufffd\\ufffd\\ufffd\"}"},
        {"st.a = 1 st.a = 1.0", "{\"a\":1.0}"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        load_frame(s, cases[i].body);
        scripted_frame_well(s);
        assert_string_equal(scripted_json(s), cases[i].json);
    }
}

static void it_reads_like_a_table(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.list = { 'a', 'b', 'c' } st.list[5] = 'e'\n"
                  "assert(#st.list == 3 and #st == 0)\n"
                  "local seen = ''\n"
                  "for i, v in ipairs(st.list) do seen = seen .. i .. v end\n"
                  "assert(seen == '1a2b3c')\n"
                  "st.list.z = 1 st.list.y = 2 st.list[-7] = 3\n"
                  "seen = ''\n"
                  "for k, v in pairs(st.list) do seen = seen .. k .. '=' .. v .. ' ' end\n"
                  "assert(seen == '-7=3 1=a 2=b 3=c 5=e y=2 z=1 ', seen)\n"
                  "assert(st.none == nil and st[0 / 0] == nil and st[print] == nil)\n"
                  "assert(st.list == st.list and rawequal == nil)\n"
                  "for k in pairs(st.list) do st.list[k] = nil end\n"
                  "assert(#st.list == 0)\n");
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"list\":{}}");
}

/* ---- what it refuses ---- */

static void what_is_no_plain_data_is_refused_where_it_is_written(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"st.f = function() end", "a function cannot be kept"},
        {"st.f = { g = { h = type } }", "a function cannot be kept"},
        {"st.f = facts", "facts are gone after the hook"},
        {"st.f = { facts.heaps }", "facts are gone after the hook"},
        {"st[true] = 1", "a key must be a string or an integer, and not a boolean"},
        {"st[1.5] = 1", "a key must be a string or an integer, and not 1.5"},
        {"st[0 / 0] = 1", "a key must be a string or an integer, and not NaN"},
        {"st[1 / 0] = 1", "a key must be a string or an integer, and not inf"},
        {"st[{}] = 1", "a key must be a string or an integer, and not a table"},
        {"st.t = { [true] = 1 }", "a key must be a string or an integer, and not a boolean"},
        {"st.t = { [1.5] = 1 }", "a key must be a string or an integer, and not 1.5"},
        {"local t = {} t.t = t st.t = t", "a table that contains itself"},
        {"local t = { {} } t[1].up = t st.t = t", "a table that contains itself"},
        {"local t = {} for i = 1, 16 do t = { t } end st.t = t", "at most 16 tables"},
        {"local at = st for i = 1, 17 do at.t = {} at = at.t end", "at most 16 tables"},
        {"local t = {} for i = 1, 12 do t = { t, t } end st.t = t", "room for 4096 values"},
        {"for i = 1, 4097 do st[i] = true end", "room for 4096 values"},
        {"local text = ('x'):rep(16000) for i = 1, 5 do st[i] = text end", "room for 64 KiB"},
        {"st[nil] = 1", "a key must be a string or an integer, and not a nil"},
        {"self.state = {}", "self cannot be changed (at 'state')"},
        {"table.insert(st, 1)", "self.state"},
        {"table.sort(st)", "self.state"},
        {"st.a = {} kept = st.a st.a = nil kept.x = 1", "no longer part of self.state"},
        {"st.a = { b = {} } kept = st.a.b st.a = 1 kept.x = 1", "no longer part of self.state"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        load_frame(s, cases[i].body);
        CHECK_EQUAL(scripted_frame(s), FH_OUTCOME_FAILED);
        CHECK_SAYS(s->report.text, cases[i].sentence);
        assert_true(strncmp(s->report.text, "p.lua:4: ", 9) == 0);
        assert_string_equal(scripted_json(s), "{}");
        uint64_t bytes;
        uint64_t count;
        s->engine->state_size(s->version, &bytes, &count);
        CHECK_EQUAL(bytes, 0);
        CHECK_EQUAL(count, 0);
    }
}

static void what_was_refused_changes_nothing_when_the_script_goes_on(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.a = { 1 }\n"
                  "assert(not pcall(function() st.a = { 2, type } end))\n"
                  "assert(not pcall(function() st.a[2] = { {}, type } end))\n"
                  "assert(not pcall(function() st[0.5] = 1 end))");
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"a\":[1]}");
}

static void the_limits_can_be_reached(void **state)
{
    scripted *s = *state;
    uint64_t bytes;
    uint64_t count;
    load_frame(s, "st.l = {} for i = 1, 4095 do st.l[i] = true end");
    scripted_frame_well(s);
    s->engine->state_size(s->version, &bytes, &count);
    CHECK_EQUAL(count, 4096);
    assert_true(s->engine->state_save(s->version, &s->state));
    CHECK_EQUAL(s->state.size, bytes);
    assert_true(s->engine->state_restore(s->version, &s->state));
    s->engine->state_size(s->version, &bytes, &count);
    CHECK_EQUAL(count, 4096);
    CHECK_EQUAL(bytes, s->state.size);

    /* A key and its value: 5 + 1 and 5 + n bytes. */
    load_frame(s, "local x = ('x'):rep(16373) st.a = x st.b = x st.c = x st.d = x");
    scripted_frame_well(s);
    s->engine->state_size(s->version, &bytes, &count);
    CHECK_EQUAL(bytes, FHI_STATE_MAX);
    assert_true(s->engine->state_save(s->version, &s->state));
    CHECK_EQUAL(s->state.size, FHI_STATE_MAX);
    assert_true(s->engine->state_restore(s->version, &s->state));
}

static void only_frame_and_pressure_write(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    fh_pressure_decision pressure;
    scripted_load(s, "local function write(self) self.state.n = (self.state.n or 0) + 1 end\n"
                     "return { frame = write, pressure = write, place = write, limits = write,\n"
                     "retain = write, evict = write }");
    scripted_frame_well(s);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PRESSURE, &(fh_pressure){0}, &pressure),
                FH_OUTCOME_NOTHING);
    assert_string_equal(scripted_json(s), "{\"n\":2}");
    CHECK_EQUAL(s->engine->state_serial(s->version), 2);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &(fh_request){.tag_name = ""}, &verdict),
                FH_OUTCOME_FAILED);
    CHECK_SAYS(s->report.text, "p.lua:1: self.state is read-only in place");
    CHECK_EQUAL(verdict.keep, FH_KEEP_NEVER);
    assert_string_equal(s->call.uncached, "self.state");
    fh_limits limits;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_FAILED);
    fh_retain_decision retain;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_RETAIN, &(fh_block_facts){0}, &retain), FH_OUTCOME_FAILED);
    assert_string_equal(scripted_json(s), "{\"n\":2}");
    CHECK_EQUAL(s->engine->state_serial(s->version), 2);
}

/* ---- undoing ---- */

static void a_hook_that_fails_leaves_no_trace(void **state)
{
    scripted *s = *state;
    static const char *const endings[] = {
        "error('no')",
        "while true do end",
        "return { depth = 'two' }",
        "return 7",
        "local t = {} while true do t[#t + 1] = ('x'):rep(10000 + #t) end",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(endings); i++) {
        char body[512];
        snprintf(body, sizeof body,
                 "if st.n == nil then st.n = 1 st.list = { 1, { 2 } } return end\n"
                 "kept = kept or st.list\n"
                 "st.n = st.n + 1 st.list[2].x = 'new' st.list = nil st.other = {}\n"
                 "if stats.depth == 3 then %s end",
                 endings[i]);
        load_frame(s, body);
        scripted_frame_well(s);
        uint64_t serial = s->engine->state_serial(s->version);
        for (int again = 0; again < 3; again++) {
            fh_outcome outcome = scripted_frame(s);
            assert_true(outcome == FH_OUTCOME_FAILED || outcome == FH_OUTCOME_STOPPED);
            assert_string_equal(scripted_json(s), "{\"list\":[1,[2]],\"n\":1}");
            CHECK_EQUAL(s->engine->state_serial(s->version), serial);
        }
        fh_frame_decision decision;
        CHECK_EQUAL(scripted_call(s, FH_HOOK_FRAME, &(fh_frame_facts){.depth = 2}, &decision),
                    FH_OUTCOME_NOTHING);
        assert_string_equal(scripted_json(s), "{\"n\":2,\"other\":{}}");
        CHECK_EQUAL(s->engine->state_serial(s->version), serial + 1);
    }
}

static void a_table_that_was_kept_while_the_state_was_undone_is_no_part_of_it(void **state)
{
    scripted *s = *state;
    load_frame(s, "if not st.list then st.list = { 1 } return end\n"
                  "if not kept then kept = st.list st.n = 1 error('undo') end\n"
                  "assert(kept[1] == 1)\n"
                  "kept[1] = 2");
    scripted_frame_well(s);
    CHECK_EQUAL(scripted_frame(s), FH_OUTCOME_FAILED);
    CHECK_EQUAL(scripted_frame(s), FH_OUTCOME_FAILED);
    CHECK_SAYS(s->report.text, "p.lua:7: this table is no longer part of self.state");
    assert_string_equal(scripted_json(s), "{\"list\":[1]}");
}

static void a_dry_call_leaves_no_trace(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.n = (st.n or 0) + 1 log('n is %d', st.n) st.r = math.random(1000000)");
    s->call.dry = true;
    scripted_frame_well(s);
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{}");
    CHECK_EQUAL(s->log_count, 0);
    CHECK_EQUAL(s->engine->state_serial(s->version), 0);
    s->call.dry = false;
    scripted_frame_well(s);
    char once[sizeof s->json];
    snprintf(once, sizeof once, "%s", scripted_json(s));
    CHECK_EQUAL(s->log_count, 1);
    CHECK_SAYS(s->log, "n is 1");
    load_frame(s, "st.n = (st.n or 0) + 1 log('n is %d', st.n) st.r = math.random(1000000)");
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), once);
}

static void writing_what_is_there_is_no_change(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.a = 1 st.b = 'x' st.gone = nil st.t = st.t or {} st.t = st.t");
    scripted_frame_well(s);
    CHECK_EQUAL(s->engine->state_serial(s->version), 1);
    scripted_frame_well(s);
    CHECK_EQUAL(s->engine->state_serial(s->version), 1);
}

/* ---- bytes ---- */

static void equal_states_are_equal_bytes(void **state)
{
    scripted *s = *state;
    static fhi_state first;
    load_frame(s, "for i = 1, 50 do st['k' .. i] = i end st.t = { 1, 2, x = { y = 1 } }");
    scripted_frame_well(s);
    assert_true(s->engine->state_save(s->version, &first));
    load_frame(s, "st.t = { x = {} } for i = 50, 1, -1 do st['k' .. i] = 0 end\n"
                  "for i = 90, 1, -1 do st['k' .. i] = i end\n"
                  "for i = 51, 90 do st['k' .. i] = nil end\n"
                  "st.t[2] = 2 st.t[1] = 1 st.t.x.y = 1");
    scripted_frame_well(s);
    assert_true(s->engine->state_save(s->version, &s->state));
    CHECK_EQUAL(first.size, s->state.size);
    assert_memory_equal(first.bytes, s->state.bytes, first.size);
}

static void what_is_saved_can_be_restored(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.n = (st.n or 0) + 1 st.t = st.t or { 'a', { b = 0.5 }, [-3] = false }");
    scripted_frame_well(s);
    assert_true(s->engine->state_save(s->version, &s->state));
    scripted_frame_well(s);
    CHECK_SAYS(scripted_json(s), "\"n\":2");
    uint64_t serial = s->engine->state_serial(s->version);
    assert_true(s->engine->state_restore(s->version, &s->state));
    CHECK_SAYS(scripted_json(s), "\"n\":1");
    assert_true(s->engine->state_serial(s->version) > serial);
    scripted_frame_well(s);
    assert_string_equal(scripted_json(s), "{\"n\":2,\"t\":{\"-3\":false,\"1\":\"a\",\"2\":"
                                          "{\"b\":0.5}}}");
}

/* Tables in one another, each the only value of the one around it. */
static void nest(fhi_state *out, size_t depth)
{
    out->size = 0;
    for (size_t i = 0; i < depth; i++) {
        int64_t key = 1;
        out->bytes[out->size] = FHI_STATE_INTEGER;
        memcpy(out->bytes + out->size + 1, &key, sizeof key);
        out->size += FHI_STATE_NUMBER_BYTES;
        out->bytes[out->size++] = FHI_STATE_TABLE;
    }
    memset(out->bytes + out->size, FHI_STATE_END, depth);
    out->size += depth;
}

static void bytes_that_are_no_state_are_refused(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.n = 1 st.t = { 'a', { b = 0.5 } }");
    scripted_frame_well(s);
    assert_true(s->engine->state_save(s->version, &s->state));
    char before[sizeof s->json];
    snprintf(before, sizeof before, "%s", scripted_json(s));
    test_rng rng = {test_seed()};
    for (int i = 0; i < 3000; i++) {
        static fhi_state broken;
        broken = s->state;
        if (test_chance(&rng, 50)) {
            broken.size = (size_t)test_below(&rng, broken.size + 1);
        }
        for (uint64_t n = test_below(&rng, 4); n > 0 && broken.size > 0; n--) {
            broken.bytes[test_below(&rng, broken.size)] = (unsigned char)test_random(&rng);
        }
        if (s->engine->state_restore(s->version, &broken)) {
            scripted_json(s); /* whatever it is, it can be read */
            assert_true(s->engine->state_restore(s->version, &s->state));
        }
        assert_string_equal(scripted_json(s), before);
    }
    for (size_t depth = FHI_STATE_DEPTH; depth <= FHI_STATE_DEPTH + 1; depth++) {
        nest(&s->state, depth);
        CHECK_EQUAL(s->engine->state_restore(s->version, &s->state), depth == FHI_STATE_DEPTH);
    }
    scripted_frame_well(s);
    snprintf(before, sizeof before, "%s", scripted_json(s));
    s->state.size = FHI_STATE_MAX + 1;
    assert_false(s->engine->state_restore(s->version, &s->state));
    assert_string_equal(scripted_json(s), before);
}

/* ---- at random ---- */

/* What the store counts as it goes is what is there, whatever is written over what. */
static void sizes_are_right_after_any_writes(void **state)
{
    scripted *s = *state;
    load_frame(s,
               "for _ = 1, 40 do\n"
               "  local at = st\n"
               "  for _ = 1, math.random(0, 3) do\n"
               "    local next = at['t' .. math.random(3)]\n"
               "    if type(next) ~= 'number' and type(next) ~= 'string' and next then at = next "
               "end\n"
               "  end\n"
               "  local kind = math.random(5)\n"
               "  local key = math.random(2) == 1 and 't' .. math.random(3) or math.random(4)\n"
               "  if kind == 1 then at[key] = nil\n"
               "  elseif kind == 2 then at[key] = math.random(9)\n"
               "  elseif kind == 3 then at[key] = { t1 = { 1, 'x' }, 2 }\n"
               "  elseif kind == 4 then at[key] = ('y'):rep(math.random(9))\n"
               "  else pcall(function() at[key] = st['t' .. math.random(3)] end) end\n"
               "end\n"
               "if math.random(3) == 1 then error('undo') end");
    uint64_t bytes;
    uint64_t count;
    unsigned int failed = 0;
    for (int i = 0; i < 400; i++) {
        failed += scripted_frame(s) == FH_OUTCOME_FAILED;
        s->engine->state_size(s->version, &bytes, &count);
        assert_true(s->engine->state_save(s->version, &s->state));
        CHECK_EQUAL(bytes, s->state.size);
        assert_true(s->engine->state_restore(s->version, &s->state));
        uint64_t count_again;
        s->engine->state_size(s->version, &bytes, &count_again);
        CHECK_EQUAL(count, count_again);
        s->engine->step(s->version);
    }
    assert_true(failed > 50 && failed < 350);
    assert_true(bytes > 0);
}

/* ---- JSON ---- */

static void json_stops_where_the_sink_fails(void **state)
{
    scripted *s = *state;
    load_frame(s, "for i = 1, 40 do st[i] = ('x'):rep(100) end");
    scripted_frame_well(s);
    test_text text = {.fail_at = 2, .failure = FH_ERR_IO};
    CHECK_RESULT(s->engine->state_json(s->version, test_text_write, &text), FH_ERR_IO);
    CHECK_EQUAL(text.call_count, 2);
    test_text_finish(&text);
}

static void json_has_points_whatever_the_locale(void **state)
{
    scripted *s = *state;
    load_frame(s, "st.a = 0.5 st.b = -1.25e300");
    scripted_frame_well(s);
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        if (setlocale(LC_NUMERIC, names[i]) != NULL) {
            break;
        }
    }
    assert_string_equal(scripted_json(s), "{\"a\":0.5,\"b\":-1.25e+300}");
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STATE_TEST(plain_data_is_kept),
        STATE_TEST(it_reads_like_a_table),
        STATE_TEST(what_is_no_plain_data_is_refused_where_it_is_written),
        STATE_TEST(what_was_refused_changes_nothing_when_the_script_goes_on),
        STATE_TEST(the_limits_can_be_reached),
        STATE_TEST(only_frame_and_pressure_write),
        STATE_TEST(a_hook_that_fails_leaves_no_trace),
        STATE_TEST(a_table_that_was_kept_while_the_state_was_undone_is_no_part_of_it),
        STATE_TEST(a_dry_call_leaves_no_trace),
        STATE_TEST(writing_what_is_there_is_no_change),
        STATE_TEST(equal_states_are_equal_bytes),
        STATE_TEST(what_is_saved_can_be_restored),
        STATE_TEST(bytes_that_are_no_state_are_refused),
        STATE_TEST(sizes_are_right_after_any_writes),
        STATE_TEST(json_stops_where_the_sink_fails),
        STATE_TEST(json_has_points_whatever_the_locale),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
