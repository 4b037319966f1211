/* The libraries of the sandbox against Lua's own, which they must be like where they do the same:
 * each expression is evaluated in a box and in a plain state, with every value in every place. What
 * they do not do, or not without bounds, has tests of its own below. */

#include "box_rig.h"

#include <locale.h>
#include <lualib.h>
#include <stdio.h>

enum {
    TEXT_MAX = 1024
};

/* $s, $i, $n, $l in an expression: each of these in turn. */
static const char *const strings[] = {
    "''",
    "'a'",
    "'hello'",
    "'a\\0b'",
    "'h\\u{e4}\\u{20ac}\\u{1f600}x'",
    "'aaaaab'",
    "'\\xff'",
    "'\\xc0\\x80'",
    "'\\xed\\xa0\\x80'",
    "'\\xe2\\x82'",
    "'\\xf4\\x90\\x80\\x80'",
    "'ABC xyz'",
    "('ab'):rep(9)",
};
static const char *const integers[] = {
    "0",
    "1",
    "2",
    "3",
    "5",
    "8",
    "-1",
    "-2",
    "-5",
    "-9",
    "2.0",
    "math.maxinteger",
    "math.mininteger",
};
static const char *const numbers[] = {
    "0",
    "1",
    "-1",
    "255",
    "0.5",
    "-2.5",
    "1e15",
    "1e300",
    "-1e300",
    "0.1",
    "math.huge",
    "-math.huge",
    "3.0",
    "123456789.125",
    "5e-324",
    "math.maxinteger",
    "math.mininteger",
};
static const char *const lists[] = {
    "{}", "{ 1 }", "{ 'a', 'b' }", "{ 1, 2.5, 'c', 4 }", "{ 3, 1, 2, 3, 1, 9, 0, -4 }",
};

/* An expression's values as text, or that it fails. */
static const char pattern[] = "local r = table.pack(pcall(function() return %s end))\n"
                              "local text = tostring(r[1])\n"
                              "for i = 2, r[1] and r.n or 1 do\n"
                              "    text = text .. '|' .. type(r[i]) .. ' ' .. tostring(r[i])\n"
                              "end\n"
                              "return text";

typedef struct pair {
    rig *box;
    lua_State *plain;
    uint32_t count;
} pair;

static void compare(pair *p, const char *expression)
{
    char text[TEXT_MAX];
    int length = snprintf(text, sizeof text, pattern, expression);
    assert_true(length > 0 && (size_t)length < sizeof text);
    if (rig_run_short(p->box, text) != FH_OUTCOME_DECIDED) {
        fail_msg("%s: %s", expression, p->box->report.text);
    }
    lua_State *L = p->plain;
    if (luaL_loadstring(L, text) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) {
        fail_msg("%s: %s", expression, lua_tostring(L, -1));
    }
    if (strncmp(p->box->answer, lua_tostring(L, -1), sizeof p->box->answer - 1) != 0) {
        fail_msg("%s: \"%s\" is not \"%s\"", expression, p->box->answer, lua_tostring(L, -1));
    }
    lua_settop(L, 0);
    p->count++;
}

static const char *const *values_of(char slot, size_t *out_count)
{
    switch (slot) {
    case 's':
        *out_count = TEST_COUNT_OF(strings);
        return strings;
    case 'i':
        *out_count = TEST_COUNT_OF(integers);
        return integers;
    case 'n':
        *out_count = TEST_COUNT_OF(numbers);
        return numbers;
    default:
        *out_count = TEST_COUNT_OF(lists);
        return lists;
    }
}

/* Fill the first slot in with each value, and so on. */
static void compare_all(pair *p, const char *expression)
{
    const char *slot = strchr(expression, '$');
    if (slot == NULL) {
        compare(p, expression);
        return;
    }
    size_t count;
    const char *const *values = values_of(slot[1], &count);
    for (size_t i = 0; i < count; i++) {
        char filled[TEXT_MAX];
        snprintf(filled, sizeof filled, "%.*s%s%s", (int)(slot - expression), expression, values[i],
                 slot + 2);
        compare_all(p, filled);
    }
}

static void compare_list(void **state, const char *const *expressions, size_t count)
{
    pair p = {.box = *state, .plain = luaL_newstate()};
    luaL_openlibs(p.plain);
    for (size_t i = 0; i < count; i++) {
        compare_all(&p, expressions[i]);
    }
    assert_true(p.count >= count);
    lua_close(p.plain);
}

#define COMPARE(state, expressions) compare_list(state, expressions, TEST_COUNT_OF(expressions))

/* ---- like Lua's ---- */

static void strings_are_taken_apart_and_made(void **state)
{
    static const char *const expressions[] = {
        "string.len($s)",          "string.lower($s)",    "string.upper($s)",
        "string.reverse($s)",      "string.sub($s, $i)",  "string.sub($s, $i, $i)",
        "string.byte($s)",         "string.byte($s, $i)", "string.byte($s, $i, $i)",
        "string.rep($s, 3)",       "string.rep($s, 0)",   "string.rep($s, -1)",
        "string.rep($s, 3, $s)",   "string.char()",       "string.char($i)",
        "string.char(65, 0, 255)", "($s):len()",          "string.len(12)",
        "string.len({})",          "string.sub('x')",     "string.sub('x', 1.5)",
    };
    COMPARE(state, expressions);
}

static void finding_is_plain(void **state)
{
    static const char *const expressions[] = {
        "string.find($s, $s, 1, true)",
        "string.find($s, $s, $i, true)",
        "string.find('a.b*c', '.', 1, true)",
        "string.find('aab', 'ab', 1, true)",
        "string.find('abababac', 'abac', 2, true)",
    };
    COMPARE(state, expressions);
    rig *r = *state;
    rig_answers(r, "return (('a.b'):find('.'))", "2");
    rig_answers(r, "return tostring(('abc'):find('%a+'))", "nil");
    rig_answers(r, "return tostring(contains('hello', 'ell')) .. tostring(contains('', ''))",
                "truetrue");
    rig_answers(r, "return tostring(contains('hello', 'elx'))", "false");
    rig_answers(r, "return tostring(('abc'):starts_with('ab'))", "true");
    rig_answers(r, "return tostring(starts_with('a', 'ab'))", "false");
}

static void formats_are_filled_in(void **state)
{
    static const char *const expressions[] = {
        "string.format('%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d', $i, $i, 3, 4, 5, 6, 7, 8)",
        "string.format('%i %u %x %X %#x %o %08x', $i, 1, $i, 255, 255, 8, 255)",
        "string.format('%d', $n)",
        ("string.format('%f|%.0f|%.3f|%10.2f|%-10.2f|%010.2f|%+.1f|% f', $n, 1.5, $n, 2, 3, 4, 5, "
         "6)"),
        "string.format('%e|%.0e|%E|%g|%.3g|%G|%#g|%+g', $n, 1.5, $n, $n, 2, 3, 4, 5)",
        "string.format('%+5.1f|%-8g|% e|%E', -math.huge, math.huge, math.huge, -math.huge)",
        "string.format('%99.99f', $n)",
        "string.format('%s|%10s|%-10s|%.2s|%10.2s', $s, 'abc', 'abc', 'abc', 'abc')",
        "string.format('%s %s %s %s', $n, nil, true, false)",
        "string.format('%c|%5c|%-5c', 65, 66, 67)",
        "string.format('a%%b%%%%')",
        "string.format('100%')",
        "string.format('%z', 1)",
        "string.format('%100d', 1)",
        "string.format('%.100f', 1)",
        "string.format('%-+ #0-d', 1)",
        "string.format('%0s', 'x')",
        "string.format('%#d', 1)",
        "string.format('%.3c', 65)",
        "string.format('%F', 1)",
        "string.format('%5%')",
        "string.format('%d')",
        "string.format('%d', 2.5)",
        "string.format('%d', {})",
        "string.format()",
        "string.format('%s')",
        "#string.format('%s', ('x'):rep(150) .. '\\0' .. 'y')",
    };
    COMPARE(state, expressions);
}

static void tables_are_changed(void **state)
{
    static const char *const expressions[] = {
        "table.concat($l)",
        "table.concat($l, ', ')",
        "table.concat($l, '-', $i, 3)",
        "table.concat($l, '-', 2, $i)",
        "table.concat({ 1, {}, 3 })",
        "table.unpack($l)",
        "table.unpack($l, 2, 3)",
        "table.unpack({ 1, 2, 3 }, -1, 5)",
        "table.pack().n",
        "table.pack(1, nil, 3, nil).n",
        "table.unpack(table.pack(1, nil, $n), 1, 3)",
        "(function(t) table.insert(t, 'x') return table.unpack(t, 1, 9) end)($l)",
        "(function(t) table.insert(t, $i, 'x') return table.unpack(t, -2, 9) end)($l)",
        "(function(t) return table.remove(t), table.unpack(t, -2, 9) end)($l)",
        "(function(t) return table.remove(t, $i), table.unpack(t, -2, 9) end)($l)",
        "(function(t) table.move(t, 1, 3, $i) return table.unpack(t, -2, 12) end)($l)",
        "(function(t) table.move(t, 2, 8, 1, t) return table.unpack(t, -2, 12) end)($l)",
        "table.unpack(table.move($l, 1, 4, 3, { 'p', 'q' }), -2, 12)",
        "table.move({}, 1, 0, $i) ~= nil",
        "table.move({ 1, 2 }, 1, 2, math.maxinteger)",
        "table.insert({}, 1, 2, 3)",
        "table.insert({})",
        "table.concat(5)",
        "table.pack(table.unpack({ 1, 2, 3 }, 2)).n",
    };
    COMPARE(state, expressions);
}

static void lists_are_sorted(void **state)
{
    static const char *const expressions[] = {
        "(function(t) table.sort(t) return table.unpack(t) end) { 3, 1, 2, 3, 1, 9, 0, -4, 2.5 }",
        "(function(t) table.sort(t) return table.unpack(t) end) { 'b', 'a', 'B', '', 'ab', 'aa' }",
        ("(function(t) table.sort(t, function(a, b) return a > b end)"
         " return table.unpack(t) end) { 3, 1, 2, 3, 1, 9, 0, -4 }"),
        "table.sort {}",
        "table.sort { 1 }",
        "table.sort { {}, {} }",
        "table.sort { 1, 'x' }",
        "table.sort({ 2, 1 }, 5)",
        "table.sort({ 2, 1 }, function() error('x') end)",
    };
    COMPARE(state, expressions);
    rig *r = *state;
    /* More than Lua's: equal ones stay in order, and nothing changes when it fails. */
    rig_answers(r,
                "local t, n = {}, 200 for i = 1, n do t[i] = { i * 7 % 5, i } end\n"
                "table.sort(t, function(a, b) return a[1] < b[1] end)\n"
                "for i = 2, n do local a, b = t[i - 1], t[i]\n"
                "    assert(a[1] < b[1] or a[1] == b[1] and a[2] < b[2]) end\n"
                "return 'stable'",
                "stable");
    rig_answers(r,
                "local t, n = { 3, 2, 1 }, 0\n"
                "assert(not pcall(table.sort, t, function(a, b) n = n + 1 assert(n < 2)\n"
                "    return a < b end))\n"
                "return table.concat(t, ' ')",
                "3 2 1");
    /* The order is by bytes, whatever the locale says, zeros included. */
    rig_answers(r,
                "local t = { 'a\\0c', 'a\\0b', 'a', '\\xc3\\xa4', 'z', 'Z' } table.sort(t)\n"
                "return t[1] .. t[2] .. t[3]:byte(3) .. t[4]:byte(3) .. t[5] .. t[6]:byte(1)",
                "Za9899z195");
}

static void characters_are_walked(void **state)
{
    static const char *const expressions[] = {
        "utf8.len($s)",
        "utf8.len($s, $i)",
        "utf8.len($s, $i, $i)",
        "utf8.codepoint($s)",
        "utf8.codepoint($s, $i)",
        "utf8.codepoint($s, $i, $i)",
        "utf8.offset($s, $i)",
        "utf8.offset($s, $i, $i)",
        "utf8.char()",
        "utf8.char(65, 0xe4, 0x20ac, 0x1f600, 0x10ffff)",
        "utf8.char(-1)",
        ("(function(s) local t = '' for p, c in utf8.codes(s) do t = t .. p .. ':' .. c .. ' ' end"
         " return t end)($s)"),
    };
    COMPARE(state, expressions);
    rig *r = *state;
    rig_fails(r, "return utf8.char(0x110000)", "no character");
    rig_fails(r, "return utf8.char(0xd800)", "no character");
    rig_fails(r, "for _ in utf8.codes('\\x80\\x80') do end", "invalid UTF-8");
}

static void numbers_are_reckoned_with(void **state)
{
    static const char *const expressions[] = {
        "math.abs($n)",       "math.ceil($n)",      "math.floor($n)",
        "math.sqrt(4)",       "math.sin($i)",       "math.cos(1.5)",
        "math.tan(0.5)",      "math.asin(0.5)",     "math.acos(0.5)",
        "math.atan($n)",      "math.atan(1, $i)",   "math.exp(1)",
        "math.log(10)",       "math.log(8, 2)",     "math.log(1000, 10)",
        "math.log(8, 3)",     "math.deg($i)",       "math.rad($i)",
        "math.modf($n)",      "math.tointeger($n)", "math.tointeger({})",
        "math.type($n)",      "math.type('1')",     "math.ult($i, $i)",
        "math.max($n, $n)",   "math.min($n, $n)",   "math.max(1, 2, 3)",
        "math.min()",         "math.fmod(7, $i)",   "math.fmod($i, -1)",
        "math.fmod(-6.5, 2)", "math.fmod(1)",       "math.pi",
        "math.huge",          "math.maxinteger",    "math.mininteger",
        "math.abs({})",       "math.floor()",       "math.type()",
    };
    COMPARE(state, expressions);
}

/* ---- of our own ---- */

static void chance_is_the_same_in_each_box(void **state)
{
    rig *r = *state;
    static const char text[] = "local t = {} for i = 1, 5 do t[i] = math.random(1000) end\n"
                               "return table.concat(t, ' ')";
    char first[sizeof r->answer];
    assert_null(r->box.impure);
    assert_int_equal(rig_run(r, text), FH_OUTCOME_DECIDED);
    assert_string_equal(r->box.impure, "math.random");
    memcpy(first, r->answer, sizeof first);
    assert_int_equal(rig_run(r, text), FH_OUTCOME_DECIDED);
    assert_string_not_equal(r->answer, first);
    rig other;
    rig_prepare(&other);
    assert_true(fhi_box_init(&other.box, &other.host, NULL));
    rig_answers(&other, text, first);
    fhi_box_finish(&other.box);
    test_memory_finish(&other.memory);
    rig_answers(r,
                "for _ = 1, 1000 do\n"
                "    local x, n, m = math.random(), math.random(6), math.random(-3, 3)\n"
                "    assert(x >= 0 and x < 1 and n >= 1 and n <= 6 and m >= -3 and m <= 3)\n"
                "end\n"
                "assert(math.type(math.random(0)) == 'integer' and math.random(5, 5) == 5)\n"
                "return math.type(math.random(math.mininteger, math.maxinteger))",
                "integer");
    rig_fails(r, "return math.random(2, 1)", "empty");
    rig_fails(r, "return math.random(1, 2, 3)", "number of arguments");
}

static void texts_are_no_numbers(void **state)
{
    rig *r = *state;
    rig_fails(r, "return ('x'):rep('3')", "number expected, got string");
    rig_fails(r, "return math.floor('1')", "number expected, got string");
    rig_fails(r, "return table.concat({}, '', '1')", "number expected, got string");
}

static void what_is_too_much_is_refused(void **state)
{
    rig *r = *state;
    rig_answers(r, "return ('').rep('', math.maxinteger) .. ('x'):rep(16384):sub(-1)", "x");
    rig_fails(r, "return ('x'):rep(16385)", "longer than 16384");
    rig_fails(r, "return ('x'):rep(math.maxinteger)", "longer than 16384");
    rig_fails(r, "return (''):rep(math.maxinteger, 'x')", "longer than 16384");
    rig_fails(r, "return ('x'):rep(16):rep((1 << 60) + 1)", "longer than 16384");
    rig_fails(r, "return ('x'):rep(300):byte(1, -1)", "more than 250");
    rig_fails(r, "return utf8.codepoint(('x'):rep(300), 1, -1)", "more than 250");
    rig_fails(r, "return table.unpack({}, 1, 251)", "250 at most");
    rig_fails(r, "return string.format('%s%s', ('x'):rep(9000), ('x'):rep(9000))", "longer");
    rig_fails(r, "return table.concat({ ('x'):rep(9000), ('x'):rep(9000) })", "longer");
    rig_fails(r, "return string.format('%q', 'x')", "invalid conversion '%q'");
    rig_fails(r, "return string.format('%p', {})", "invalid conversion '%p'");
    rig_fails(r, "return string.format('%a', 1)", "invalid conversion '%a'");
    rig_stops(r, "table.move({}, 1, math.maxinteger - 1, 2)");
    rig_stops(r, "table.move({}, math.mininteger, math.maxinteger, 2)");
    rig_stops(r, "table.unpack({}, math.mininteger, math.maxinteger)");
    rig_stops(r, "local t = {} while true do table.concat(t) end");
}

static void proxies_are_not_changed(void **state)
{
    rig *r = *state;
    static const char *const texts[] = {
        "table.insert(string, 1)",          "table.remove(string)", "table.sort(math)",
        "table.move({ 1 }, 1, 1, 1, math)", "table.concat(table)",  "table.unpack(string)",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        rig_fails(r, texts[i], "test.lua:1:");
    }
}

static void values_as_text_tell_no_addresses(void **state)
{
    rig *r = *state;
    rig_answers(r, "return string.format('%s %s %s', {}, error, nil)", "table function nil");
    rig_answers(r, "return string.format('%f %5.1f %-5g| %E', 0/0, -(0/0), 0/0, 0/0)",
                "nan   nan nan  | NAN");
    rig_answers(r, "return string.format('%s', 0/0) .. string.format('%s', -(0/0))", "nannan");
}

/* Where it can: not every machine has a locale with a decimal comma. */
static void the_decimal_point_is_a_point(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    rig *r = *state;
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        if (setlocale(LC_ALL, names[i]) != NULL) {
            break;
        }
    }
    rig_answers(r, "return string.format('%.1f ', 1.5) .. 1.5 .. ' ' .. tonumber('2.5')",
                "1.5 1.5 2.5");
    rig_answers(r, "return ('\\xc4I'):lower()", "\xc4i");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(strings_are_taken_apart_and_made),
        RIG_TEST(finding_is_plain),
        RIG_TEST(formats_are_filled_in),
        RIG_TEST(tables_are_changed),
        RIG_TEST(lists_are_sorted),
        RIG_TEST(characters_are_walked),
        RIG_TEST(numbers_are_reckoned_with),
        RIG_TEST(chance_is_the_same_in_each_box),
        RIG_TEST(texts_are_no_numbers),
        RIG_TEST(what_is_too_much_is_refused),
        RIG_TEST(proxies_are_not_changed),
        RIG_TEST(values_as_text_tell_no_addresses),
        RIG_TEST(the_decimal_point_is_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
