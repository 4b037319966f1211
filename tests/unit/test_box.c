/* The box: what runs in it is told apart (decided, failed, stopped), with the line; what stops it
 * cannot be swallowed; a report is short and clean whatever the script did; the collector keeps up;
 * hosts without memory are survived; two boxes charge the same. Which functions there are is in
 * test_sandbox_env.c. */

#define _POSIX_C_SOURCE 200809L

#include "box_rig.h"

#include "base/clock.h"

#include <locale.h>

/* The promise is 5 ms; machines that are busy, sanitizers and valgrind are slower. */
#define CPU_CEILING_NS ((uint64_t)100 * 1000 * 1000)

/* For boxes in which it must be the charge that decides, however slow the build is. */
#define PATIENT_NS ((uint64_t)60 * 1000 * 1000 * 1000)

/* ---- decided ---- */

static void a_function_runs_and_the_line_where_it_returned_is_known(void **state)
{
    rig *r = *state;
    rig_answers(r, "return 1 + 1", "2");
    assert_int_equal(r->box.line, 1);
    rig_answers(r, "local x = 3\n\nif x > 2 then\n  return 'big'\nend\nreturn 'small'", "big");
    assert_int_equal(r->box.line, 4);
    rig_answers(r, "local x = 3\nx = x * 2", "nil");
    assert_int_equal(r->box.line, 2);
    assert_string_equal(r->report.text, "");
}

static void the_line_is_the_outermost_functions_also_through_calls(void **state)
{
    rig *r = *state;
    rig_answers(r,
                "local function f()\n  return 7\nend\nlocal a = f()\nlocal b = ('x'):rep(2)\n"
                "pcall(f)\nreturn a\n",
                "7");
    assert_int_equal(r->box.line, 7);
    /* A tail call takes its caller's place. */
    rig_answers(r, "local function f()\n  return 8\nend\nreturn f()\n", "8");
    assert_int_equal(r->box.line, 2);
    /* A function of ours has no line, its caller does. */
    rig_answers(r, "\n\nreturn math.max(1, 9)\n", "9");
    assert_int_equal(r->box.line, 3);
    rig_hook(r, "return tostring");
    assert_int_equal(rig_again(r), FH_OUTCOME_FAILED);
    assert_int_equal(r->box.line, 0);
}

static int push_many(lua_State *L)
{
    for (int i = 0; i < 10; i++) {
        lua_pushinteger(L, i);
    }
    assert_ptr_equal(fhi_box_of(L)->owner, lua_touserdata(L, 1));
    return 10;
}

static int leave_things(lua_State *L)
{
    lua_settop(L, 0);
    for (int i = 0; i < 10; i++) {
        lua_pushinteger(L, i);
    }
    return luaL_error(L, "%s", "with things on the stack");
}

static void the_stack_is_as_it_was(void **state)
{
    rig *r = *state;
    fhi_report report;
    int top = lua_gettop(r->box.L);
    assert_int_equal(fhi_box_run(&r->box, push_many, NULL, 1000, NULL), FH_OUTCOME_DECIDED);
    assert_int_equal(lua_gettop(r->box.L), top);
    assert_int_equal(fhi_box_run(&r->box, leave_things, NULL, 1000, &report), FH_OUTCOME_FAILED);
    assert_int_equal(lua_gettop(r->box.L), top);
    assert_string_equal(report.text, "with things on the stack");
    assert_int_equal(fhi_box_run(&r->box, leave_things, NULL, 1000, NULL), FH_OUTCOME_FAILED);
}

/* ---- failed ---- */

static void a_failure_says_where(void **state)
{
    rig *r = *state;
    rig_fails(r, "local t\n\nreturn t.x", "test.lua:3: attempt to index a nil value (local 't')");
    assert_string_equal(r->report.text, "test.lua:3: attempt to index a nil value (local 't')");
    assert_int_equal(r->box.line, 0);
    rig_fails(r, "\nerror('oops')", "test.lua:2: oops");
    rig_fails(r, "\nerror('oops', 0)", "test.lua:2: oops");
    rig_fails(r, "return 1 +", "test.lua:1: unexpected symbol near <eof>");
    rig_fails(r, "x = 1\nx y", "test.lua:2: syntax error near 'y'");
    rig_fails(r, "\x1bLua", "test.lua: attempt to load a binary chunk");
}

static void a_failure_in_a_function_says_who_called_it(void **state)
{
    rig *r = *state;
    rig_fails(r,
              "local function inner()\n  error('oops')\nend\nlocal function outer()\n"
              "  inner()\n  return 1\nend\nouter()\nreturn 1",
              "test.lua:2: oops\n    test.lua:2: in upvalue 'inner'\n"
              "    test.lua:5: in local 'outer'\n    test.lua:8: in main chunk");
    rig_fails(r,
              "local function f(n)\n  if n == 0 then\n    error('deep')\n  end\n  f(n - 1)\n"
              "  return 1\nend\nf(50)\nreturn 1",
              "\n    ...");
}

static void long_names_of_files_are_told_whole(void **state)
{
    rig *r = *state;
    char name[200];
    memset(name, 'd', sizeof name);
    name[sizeof name - 1] = '\0';
    char expected[256];
    static const char *const texts[] = {"error('oops')", "error('oops', 0)", "return 1 +"};
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        const char *text = texts[i];
        snprintf(expected, sizeof expected, "%s:1: ", name);
        if (fhi_box_compile(&r->box, text, strlen(text), name, &r->report)) {
            r->function_ref = luaL_ref(r->box.L, LUA_REGISTRYINDEX);
            assert_int_equal(rig_again(r), FH_OUTCOME_FAILED);
        }
        assert_memory_equal(r->report.text, expected, strlen(expected));
    }
}

/* Valid, cut, no control characters but line feeds. */
static void check_clean(const fhi_report *report)
{
    size_t length = strnlen(report->text, sizeof report->text);
    assert_true(length > 0 && length < sizeof report->text);
    char again[sizeof report->text];
    assert_int_equal(fhi_clean_text(again, sizeof again, report->text, length, true), length);
    assert_string_equal(again, report->text);
}

static void a_report_is_short_and_clean_whatever_was_raised(void **state)
{
    rig *r = *state;
    static const char *const texts[] = {
        "error()",
        "error(nil)",
        "error({})",
        "error(function() end)",
        "error(true)",
        "error(12)",
        "error(0.5)",
        "error(string)",
        "error(('x'):rep(16000))",
        "error(('\\27[31m\\n\\r\\0\\xff\\u{202E}'):rep(500))",
        "error('', 0)",
        "local t = {} t[('n'):rep(10000)]()",
        "string['\\27[2J\\n'] = 1",
        "local function f() local x = f() return x + 1 end f()",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        assert_true(rig_run(r, texts[i]) != FH_OUTCOME_DECIDED);
        check_clean(&r->report);
        assert_non_null(strstr(r->report.text, "test.lua:"));
    }
    rig_fails(r, "error({})", "(the error is a table)");
    char name[5000];
    memset(name, 'x', sizeof name);
    memcpy(name, "\x1b\n", 2);
    name[sizeof name - 1] = '\0';
    assert_false(fhi_box_compile(&r->box, name, sizeof name - 1, name, &r->report));
    check_clean(&r->report);
}

static void text_is_cleaned_and_cut_at_a_character(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
        size_t capacity;
        bool lines;
    } cases[] = {
        {"plain", "plain", 64, false},
        {"", "", 64, false},
        {"a\tb\nc\x7f\x1b[0m", "a?b?c??[0m", 64, false},
        {"a\nb", "a\nb", 64, true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 64, false},
        {"\xc3\xa4\xe2\x82\xac", "\xc3\xa4", 5, false},
        {"\xff\xc3", "??", 64, false},
        {"\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xe0\x80\x80", "??|???|????|???", 64, false},
        {"\xc2\x85|\xe2\x80\xae|\xe2\x80\xa8|\xe2\x81\xa6|\xef\xbb\xbf", "?|?|?|?|?", 64, false},
        {"abcdef", "abc", 4, false},
        {"abcdef", "", 1, false},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        char out[64];
        memset(out, '#', sizeof out);
        size_t length = fhi_clean_text(out, cases[i].capacity, cases[i].text, strlen(cases[i].text),
                                       cases[i].lines);
        assert_string_equal(out, cases[i].expected);
        assert_int_equal(length, strlen(cases[i].expected));
    }
    assert_int_equal(fhi_clean_text(NULL, 0, "x", 1, false), 0);
}

/* ---- stopped ---- */

static void check_stops(rig *r, const char *text)
{
    uint64_t before = fhi_thread_cpu_ns();
    rig_stops(r, text);
    uint64_t took = fhi_thread_cpu_ns() - before;
    if (took > CPU_CEILING_NS) {
        fail_msg("%s: %llu us", text, (unsigned long long)(took / 1000));
    }
    check_clean(&r->report);
    assert_non_null(strstr(r->report.text, "test.lua:"));
    assert_int_equal(r->box.line, 0);
    assert_true(r->memory.peak_bytes <= FHI_MEMORY_HARD + 64 * 1024);
    rig_answers(r, "return 'alive'", "alive");
}

static void what_runs_too_long_is_stopped_and_cannot_swallow_it(void **state)
{
    rig *r = *state;
    static const char *const texts[] = {
        "while true do end",
        "::again:: goto again",
        "for i = 1, math.huge do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() pcall(f) pcall(f) end f()",
        "local function f() return f() end return f()",
        "while true do pcall(error) end",
        "while true do tostring(1) end",
        "for i = 1, 1e9 do select('#', i, i, i) end",
        "local t = {} for i = 1, 1000 do t[i] = i end while true do for _ in pairs(t) do end end",
        "local t = {} for i = 1, 1000 do t[i] = i end while true do for _ in ipairs(t) do end end",
        "local t = {} for i = 1, 500 do t['k' .. i] = i end while true do pairs(t) end",
        "pcall(pcall, pcall, function() while true do end end) while true do end",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        check_stops(r, texts[i]);
    }
    check_stops(r, "while true do end");
    assert_int_equal(r->box.meter.stop, FHI_STOP_NONE); /* of "alive" */
    r->box.cpu_ns = PATIENT_NS;
    rig_stops(r, "while true do end");
    assert_int_equal(r->box.meter.stop, FHI_STOP_CHARGE);
    assert_non_null(strstr(r->report.text, "test.lua:1: it ran too long"));
}

static void slow_instructions_are_caught_by_the_clock(void **state)
{
    rig *r = *state;
    static const char *const texts[] = {
        /* Keys that collide: looked up, and moved when the table is filled again. */
        "local t = {} for i = 1, 1024 do t[i * 1023] = i end local n\n"
        "while true do n = t[1023 * 3000] n = t[1023 * 3001] n = t[1023 * 3002] end",
        "local t = {} for i = 1, 1024 do t[i * 1023] = i end local i = 1024\n"
        "while true do t[(i - 1000) * 1023] = nil i = i + 1 t[i * 1023] = 1 end",
        /* Texts that are compared from zero to zero. */
        "local a = ('\\0'):rep(16000) local b = a .. 'x' a = a .. 'w' local n\n"
        "while true do n = a < b n = a < b n = a < b end",
        "local a = ('\\0'):rep(200) local b = a .. 'x' a = a .. 'w' local n\n"
        "while true do n = a < b n = a < b n = a < b end",
        "local a = ('x'):rep(16000) local b = a .. 'x' a = a .. 'x' local n\n"
        "while true do n = a == b n = a == b n = a == b end",
        /* Long keys. */
        "local a = ('x'):rep(16000) local t, i = {}, 0 while true do i = i + 1 t[a .. i] = nil end",
        /* Emptied tables. */
        "local t = {} for i = 1, 4000 do t[i] = i end for i = 1, 4000 do t[i] = nil end\n"
        "while true do pairs(t) pairs(t) pairs(t) end",
        "local n, s = 0.1 while true do s = n .. '' s = n .. '' s = n .. '' end",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        check_stops(r, texts[i]);
    }
}

static void what_takes_too_much_memory_is_stopped_and_cannot_swallow_it(void **state)
{
    rig *r = *state;
    static const char *const texts[] = {
        "local s = 'x' while true do s = s .. s end",
        "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} for i = 1, 1e9 do t['k' .. i] = i end",
        "while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end) end",
        "local function f(n) return 1 + f(n + 1) end return f(1)",
        "local function f(...) return f(1, ...) end f()",
        "local a = ('x'):rep(16000) return a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        r->box.cpu_ns = FHI_CPU_NS;
        check_stops(r, texts[i]);
        r->box.cpu_ns = PATIENT_NS;
        rig_stops(r, texts[i]);
        assert_int_equal(r->box.meter.stop, FHI_STOP_MEMORY);
    }
    /* What is kept from call to call is limited, too. */
    rig_hook(r, "local kept, n = {}, 0\n"
                "return function() n = n + 1 local list = {} kept[n] = list\n"
                "for i = 1, 1000 do list[i] = { i } end end");
    fh_outcome outcome = FH_OUTCOME_DECIDED;
    for (int i = 0; i < 200 && outcome == FH_OUTCOME_DECIDED; i++) {
        outcome = rig_again(r);
    }
    assert_int_equal(outcome, FH_OUTCOME_STOPPED);
    assert_int_equal(r->box.meter.stop, FHI_STOP_MEMORY);
    assert_true(r->box.arena.used_bytes <= FHI_MEMORY_MAX + FHI_BLOCK_MAX);
}

static void a_table_has_so_many_keys_and_no_more(void **state)
{
    rig *r = *state;
    r->box.cpu_ns = PATIENT_NS;
    rig_answers(r, "local t = {} for i = 1, 1024 do t['k' .. i] = i end return t.k1024", "1024");
    rig_answers(r, "local t = {} for i = 1, 4000 do t[i] = i end return #t", "4000");
    rig_stops(r, "local t = {} for i = 1, 1025 do t['k' .. i] = i end return t.k1024");
    assert_int_equal(r->box.meter.stop, FHI_STOP_MEMORY);
    assert_string_equal(r->report.text, "test.lua:1: it took too much memory");
}

/* `count` times `piece` between `before` and `after`, in FHI_SOURCE_MAX bytes. */
static void repeated(char out[FHI_SOURCE_MAX + 1], const char *before, const char *piece,
                     const char *after)
{
    size_t length = (size_t)snprintf(out, FHI_SOURCE_MAX + 1, "%s", before);
    while (length + strlen(piece) + strlen(after) <= FHI_SOURCE_MAX) {
        length += (size_t)snprintf(out + length, FHI_SOURCE_MAX + 1 - length, "%s", piece);
    }
    snprintf(out + length, FHI_SOURCE_MAX + 1 - length, "%s", after);
}

static void texts_that_compile_slowly_are_stopped(void **state)
{
    rig *r = *state;
    static const struct {
        const char *before, *piece, *after;
    } texts[] = {
        {"if a then ", "elseif a then ", "end"},
        {"return ", "a and ", "a"},
        {"return a", " or a", ""},
        {"local t = {", "function()end,", "}"},
        {"return ", "(", "a"},
        {"return ", "{", "a"},
        {"return ", "not ", "a"},
        {"return a", "()", ""},
        {"return '", "x", "'"},
        {"return ", "9", ""},
        {"return 0x.", "9", ""},
        {"", "x", "=1"},
        {"goto a ", "goto a do end ", ""},
        {"", "do local a goto a end ", ""},
        {"return a", "..a", ""},
        {"return a", "[a]", ""},
        {"local t = {", "nil,", "}"},
        {"return '", "\\u{10FFFF}", "'"},
    };
    static char text[FHI_SOURCE_MAX + 1];
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        repeated(text, texts[i].before, texts[i].piece, texts[i].after);
        uint64_t before = fhi_thread_cpu_ns();
        if (!fhi_box_compile(&r->box, text, strlen(text), "test.lua", &r->report)) {
            check_clean(&r->report);
            assert_non_null(strstr(r->report.text, "test.lua:"));
        } else {
            lua_pop(r->box.L, 1);
        }
        assert_true(fhi_thread_cpu_ns() - before < CPU_CEILING_NS);
        assert_int_equal(lua_gettop(r->box.L), 0);
        rig_answers(r, "return 'alive'", "alive");
    }
    repeated(text, texts[0].before, texts[0].piece, texts[0].after);
    assert_false(fhi_box_compile(&r->box, text, strlen(text), "test.lua", &r->report));
    /* A slow build is given more time, in which it may get to the end of the memory first. */
    assert_true(
        strcmp(r->report.text, "test.lua: it ran too long: its time is used up") == 0 ||
        (FHI_SLOWNESS > 1 && strcmp(r->report.text, "test.lua: it took too much memory") == 0));
    assert_true(r->memory.peak_bytes <= FHI_MEMORY_HARD);
}

static void constants_that_collide_are_stopped(void **state)
{
    rig *r = *state;
    static char text[FHI_SOURCE_MAX + 1];
    size_t length = (size_t)snprintf(text, sizeof text, "return {");
    for (unsigned int i = 1; length + 16 < sizeof text; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%u,", i * 2047U);
    }
    snprintf(text + length, sizeof text - length, "}");
    uint64_t before = fhi_thread_cpu_ns();
    assert_false(fhi_box_compile(&r->box, text, strlen(text), "test.lua", &r->report));
    assert_true(fhi_thread_cpu_ns() - before < CPU_CEILING_NS);
}

static void a_mark_in_front_of_a_text_is_skipped(void **state)
{
    rig *r = *state;
    rig_answers(r, "\xef\xbb\xbfreturn 5", "5");
    assert_true(fhi_box_compile(&r->box, "", 0, "test.lua", NULL));
    lua_pop(r->box.L, 1);
    assert_false(fhi_box_compile(&r->box, "x", 1, "test.lua", NULL));
}

static int compile_inside(lua_State *L)
{
    rig *r = lua_touserdata(L, 1);
    static const char text[] = "return 40 + 2";
    if (!fhi_box_compile(&r->box, text, sizeof text - 1, "inner.lua", &r->report)) {
        return luaL_error(L, "%s", r->report.text);
    }
    fhi_box_call(L, 0, 1);
    snprintf(r->answer, sizeof r->answer, "%s", lua_tostring(L, -1));
    return 0;
}

static void a_text_can_be_compiled_in_a_run_and_counts_there(void **state)
{
    rig *r = *state;
    fhi_report report;
    assert_int_equal(fhi_box_run(&r->box, compile_inside, r, FHI_CHARGE_LOAD, &report),
                     FH_OUTCOME_DECIDED);
    assert_string_equal(r->answer, "42");
    assert_int_equal(fhi_box_run(&r->box, compile_inside, r, 10, &report), FH_OUTCOME_STOPPED);
    rig_answers(r, "return 'alive'", "alive");
}

/* ---- the charge ---- */

static uint64_t charge_of(const char *text, bool dry)
{
    rig r;
    rig_prepare(&r);
    assert_true(fhi_box_init(&r.box, &r.host, NULL));
    r.box.dry = dry;
    r.box.cpu_ns = PATIENT_NS;
    assert_true(rig_run(&r, text) != FH_OUTCOME_FAILED);
    uint64_t charge = r.box.meter.charge;
    fhi_box_finish(&r.box);
    test_memory_finish(&r.memory);
    return charge;
}

static void the_charge_is_the_same_in_every_box(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "for i = 1, 10000 do end",
        "local t = {} for i = 1, 300 do t['key' .. i] = i end local n = 0\n"
        "for k, v in pairs(t) do n = n + v + #k end return n",
        "local t = {} for i = 1, 500 do t[#t + 1] = { i, tostring(i) } end\n"
        "table.sort(t, function(a, b) return a[2] < b[2] end) return #t",
        "local s = '' for i = 1, 200 do s = s .. string.format('%d:%s;', i, i * 0.5) end return s",
        "while true do end",
        "local t = {} while true do t = { t } end",
        "local t = {} for i = 1, 2000 do t['a' .. i % 50] = i t['a' .. (i + 25) % 50] = nil end",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        uint64_t charge = charge_of(texts[i], false);
        assert_true(charge > 100);
        for (int n = 0; n < 3; n++) {
            assert_true(charge_of(texts[i], false) == charge);
        }
    }
}

static void a_dry_run_counts_instructions_one_by_one_and_is_silent(void **state)
{
    rig *r = *state;
    uint64_t one = charge_of("local a = 1", true);
    uint64_t four = charge_of("local a = 1 local b = 2 local c = 3 local d = 4", true);
    assert_true(four == one + 3);
    r->box.dry = true;
    rig_answers(r, "log('hello') return 1", "1");
    assert_int_equal(r->log_count, 0);
    r->box.dry = false;
    rig_answers(r, "log('hello') return 1", "1");
    assert_int_equal(r->log_count, 1);
}

static int charge_body(lua_State *L)
{
    fhi_charge(L, *(const uint64_t *)lua_touserdata(L, 1));
    fhi_charge_bytes(L, 160);
    return 0;
}

static void what_library_functions_charge_stops_them(void **state)
{
    rig *r = *state;
    static const struct {
        uint64_t units, expected_charge;
        fh_outcome outcome;
    } cases[] = {
        {0, 15, FH_OUTCOME_DECIDED}, /* with 11 for the bytes and 4 for the body's return */
        {985, 1000, FH_OUTCOME_DECIDED},  {986, 1001, FH_OUTCOME_STOPPED},
        {1001, 1001, FH_OUTCOME_STOPPED}, {UINT64_MAX, UINT64_MAX / 2, FH_OUTCOME_STOPPED},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        uint64_t units = cases[i].units;
        assert_int_equal(fhi_box_run(&r->box, charge_body, &units, 1000, &r->report),
                         cases[i].outcome);
        /* The function that reports returns, too. */
        assert_true(r->box.meter.charge - cases[i].expected_charge <= 4);
    }
    assert_string_equal(r->report.text, "it ran too long: its charge is used up");
    /* Also what was made after the last look. */
    rig_hook(r, "return function() return {} end");
    assert_int_equal(fhi_box_run(&r->box, rig_body, r, 20, NULL), FH_OUTCOME_STOPPED);
    assert_int_equal(r->box.meter.stop, FHI_STOP_CHARGE);
    assert_int_equal(rig_again(r), FH_OUTCOME_DECIDED);
}

/* ---- memory ---- */

static void garbage_is_collected_without_ticks_and_takes_no_more_of_the_host(void **state)
{
    rig *r = *state;
    rig_hook(r, "local n, kept = 0, {}\nreturn function() n = n + 1 local t = {}\n"
                "for i = 1, 50 do t[i] = { i, 'k' .. n .. 'x' .. i } end\n"
                "kept[n % 50 + 1] = t end");
    uint64_t taken = 0;
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(rig_again(r), FH_OUTCOME_DECIDED);
        if (i == 3000) {
            taken = r->memory.alloc_count;
        }
    }
    assert_true(r->box.arena.used_bytes < 2 * 1024 * 1024);
    assert_true(r->memory.alloc_count == taken);
}

static void ticks_collect_what_a_little_leaves(void **state)
{
    rig *r = *state;
    rig_hook(r, "return function() local t = {} for i = 1, 20 do t[i] = { i } end end");
    uint64_t most = 0;
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(rig_again(r), FH_OUTCOME_DECIDED);
        fhi_box_step(&r->box);
        most = r->box.arena.used_bytes > most ? r->box.arena.used_bytes : most;
    }
    assert_true(most < 160 * 1024);
}

static void a_call_that_filled_the_memory_leaves_room_for_the_next(void **state)
{
    rig *r = *state;
    rig_hook(r, "local on = true\nreturn function() if on then local t = {} on = false\n"
                "for i = 1, 1400 do t[i] = ('x'):rep(5000) .. i end end return 'fine' end");
    assert_int_equal(rig_again(r), FH_OUTCOME_STOPPED);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rig_again(r), FH_OUTCOME_DECIDED);
    }
    assert_true(r->box.arena.used_bytes < FHI_MEMORY_MAX / 2);
}

static void a_host_without_memory_is_survived(void **state)
{
    (void)state;
    bool passed = false;
    for (uint64_t at = 1; !passed; at++) {
        rig r;
        rig_prepare(&r);
        r.memory.fail_at = at;
        r.memory.fail_on = true;
        if (!fhi_box_init(&r.box, &r.host, NULL)) {
            assert_null(r.box.L);
            assert_true(r.memory.live_count == 0);
        } else {
            fh_outcome outcome = rig_run(&r, "local t = {} for i = 1, 3000 do t[i] = { i } end\n"
                                             "return #t");
            passed = outcome == FH_OUTCOME_DECIDED;
            assert_true(passed || outcome == FH_OUTCOME_STOPPED || r.report.text[0] != '\0');
            r.memory.fail_at = 0;
            rig_answers(&r, "return 'alive'", "alive");
        }
        fhi_box_finish(&r.box);
        test_memory_finish(&r.memory);
    }
    fhi_box_finish(&(fhi_box){0});
}

/* ---- the program's locale ---- */

static void log_with_locale(void *context, fh_log_level level, const char *line)
{
    rig *r = context;
    (void)level;
    (void)line;
    if (uselocale((locale_t)0) == LC_GLOBAL_LOCALE) {
        r->log_count++;
    }
}

static void the_threads_locale_is_c_inside_and_the_programs_outside(void **state)
{
    rig *r = *state;
    r->box.host.log = log_with_locale;
    assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    rig_answers(r, "log('x') return 0.5", "0.5");
    assert_int_equal(r->log_count, 1);
    assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    rig_fails(r, "error('x')", "x");
    rig_stops(r, "while true do end");
    assert_false(rig_compile(r, "x x"));
    assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_function_runs_and_the_line_where_it_returned_is_known),
        RIG_TEST(the_line_is_the_outermost_functions_also_through_calls),
        RIG_TEST(the_stack_is_as_it_was),
        RIG_TEST(a_failure_says_where),
        RIG_TEST(a_failure_in_a_function_says_who_called_it),
        RIG_TEST(long_names_of_files_are_told_whole),
        RIG_TEST(a_report_is_short_and_clean_whatever_was_raised),
        cmocka_unit_test(text_is_cleaned_and_cut_at_a_character),
        RIG_TEST(what_runs_too_long_is_stopped_and_cannot_swallow_it),
        RIG_TEST(slow_instructions_are_caught_by_the_clock),
        RIG_TEST(what_takes_too_much_memory_is_stopped_and_cannot_swallow_it),
        RIG_TEST(a_table_has_so_many_keys_and_no_more),
        RIG_TEST(texts_that_compile_slowly_are_stopped),
        RIG_TEST(constants_that_collide_are_stopped),
        RIG_TEST(a_mark_in_front_of_a_text_is_skipped),
        RIG_TEST(a_text_can_be_compiled_in_a_run_and_counts_there),
        cmocka_unit_test(the_charge_is_the_same_in_every_box),
        RIG_TEST(a_dry_run_counts_instructions_one_by_one_and_is_silent),
        RIG_TEST(what_library_functions_charge_stops_them),
        RIG_TEST(garbage_is_collected_without_ticks_and_takes_no_more_of_the_host),
        RIG_TEST(ticks_collect_what_a_little_leaves),
        RIG_TEST(a_call_that_filled_the_memory_leaves_room_for_the_next),
        cmocka_unit_test(a_host_without_memory_is_survived),
        RIG_TEST(the_threads_locale_is_c_inside_and_the_programs_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
