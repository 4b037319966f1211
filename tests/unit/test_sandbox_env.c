/* The environment of scripts: what is there and what is not, that nothing of it can be changed, the
 * basic functions, pairs and its order, and what policies have besides. The libraries' own
 * functions are tested in the files of their names. */

#include "box_rig.h"

typedef struct script_case {
    const char *text, *expected;
} script_case;

static void check_answers(rig *r, const script_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rig_answers(r, cases[i].text, cases[i].expected);
    }
}

static void check_failures(rig *r, const script_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rig_fails(r, cases[i].text, cases[i].expected);
    }
}

#define CHECK_ANSWERS(r, cases)  check_answers(r, cases, TEST_COUNT_OF(cases))
#define CHECK_FAILURES(r, cases) check_failures(r, cases, TEST_COUNT_OF(cases))

/* ---- what there is ---- */

static void what_could_do_harm_is_not_there(void **state)
{
    rig *r = *state;
    static const char *const absent[] = {
        "collectgarbage",
        "coroutine",
        "debug",
        "dofile",
        "getmetatable",
        "io",
        "load",
        "loadfile",
        "next",
        "os",
        "package",
        "print",
        "rawequal",
        "rawget",
        "rawlen",
        "rawset",
        "require",
        "setmetatable",
        "xpcall",
        "_G",
        "string.match",
        "string.gsub",
        "string.gmatch",
        "string.dump",
        "string.pack",
        "string.packsize",
        "math.randomseed",
        "utf8.charpattern",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(absent); i++) {
        char text[64];
        snprintf(text, sizeof text, "return %s", absent[i]);
        rig_answers(r, text, "nil");
    }
    rig_answers(r, "return ('x').gsub", "nil");
}

static void everything_listed_is_there(void **state)
{
    rig *r = *state;
    rig_answers(r,
                "local names = {} for k in pairs(_ENV) do names[#names + 1] = k end\n"
                "return table.concat(names, ' ')",
                "GiB KiB MiB assert bytes contains error freehold ipairs log math pairs pcall "
                "select starts_with string table tonumber tostring type utf8");
}

static void nothing_of_it_can_be_changed(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"x = 1", "the environment of scripts cannot be changed (at 'x')"},
        {"pairs = nil", "the environment of scripts cannot be changed (at 'pairs')"},
        {"string.rep = nil", "string cannot be changed (at 'rep')"},
        {"math[1] = 2", "math cannot be changed"},
        {"freehold.policy.ema = nil", "freehold.policy cannot be changed (at 'ema')"},
        {"freehold.policy = {}", "freehold cannot be changed"},
        {"local s = 'x' s.foo = 1", "attempt to index a string value"},
        {"table.insert(table, 1)", "this table is not the script's own"},
        {"table.sort(string)", "this table is not the script's own"},
        {"table.move({1}, 1, 1, 1, _ENV)", "this table is not the script's own"},
        {"table.insert('x', 1)", "table expected, got string"},
    };
    CHECK_FAILURES(r, cases);
    rig_answers(r, "return ('ab'):rep(2)", "abab");
    /* The upvalue is the script's: a table of its own may take the environment's place. */
    rig_answers(r, "local _ENV = { a = 4 } return a", "4");
}

static void texts_are_no_numbers_in_arithmetic(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return '10' + 1", "attempt to perform arithmetic on a string value"},
        {"return -'2'", "attempt to perform arithmetic on a string value"},
        {"return 'a' < 1", "attempt to compare string with number"},
        {"return {} .. 'x'", "attempt to concatenate a table value"},
        {"return #5", "attempt to get length of a number value"},
    };
    CHECK_FAILURES(r, cases);
}

/* ---- basic functions ---- */

static void type_and_tostring_tell_no_addresses(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return type(nil) .. type(1) .. type('x') .. type({}) .. type(type) .. type(true)",
         "nilnumberstringtablefunctionboolean"},
        {"return type(string) .. type(_ENV)", "tabletable"},
        {"return tostring({}) .. tostring(type) .. tostring(string)", "tablefunctiontable"},
        {"return tostring(nil) .. tostring(true) .. tostring('x')", "niltruex"},
        {"return tostring(1) .. ' ' .. tostring(1.0) .. ' ' .. tostring(0.1)", "1 1.0 0.1"},
        {"return tostring(1e100) .. ' ' .. tostring(2^53)", "1e+100 9.007199254741e+15"},
        {"return tostring(1/0) .. ' ' .. tostring(-1/0) .. ' ' .. tostring(0/0)", "inf -inf nan"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "return type()", "bad argument #1 to 'type' (value expected)");
    rig_fails(r, "return tostring()", "value expected");
}

static void tonumber_reads_what_lua_reads_and_no_more_than_a_line(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return tonumber(5)", "5"},
        {"return tonumber('5')", "5"},
        {"return tonumber(' 0x10 ')", "16"},
        {"return tonumber('0x1p4')", "16.0"},
        {"return tonumber('1e1')", "10.0"},
        {"return tonumber('5x')", "nil"},
        {"return tonumber('')", "nil"},
        {"return tonumber('1 2')", "nil"},
        {"return tonumber('1\\0')", "nil"},
        {"return tonumber('inf')", "nil"},
        {"return tonumber('nan')", "nil"},
        {"return tonumber({})", "nil"},
        {"return tonumber(nil)", "nil"},
        {"return tonumber('ff', 16)", "255"},
        {"return tonumber(' -Zz ', 36)", "-1295"},
        {"return tonumber('8', 8)", "nil"},
        {"return tonumber('', 8)", "nil"},
        {"return tonumber('-', 8)", "nil"},
        {"return tonumber('1e1', 10)", "nil"},
        {"return tonumber('7fffffffffffffff', 16)", "9223372036854775807"},
        {"return tonumber(('9'):rep(150))", "1e+150"},
        {"return tonumber(('9'):rep(16000))", "nil"},
        {"return tonumber(('1'):rep(16000), 10)", "nil"},
    };
    CHECK_ANSWERS(r, cases);
    static const script_case failures[] = {
        {"return tonumber()", "value expected"},
        {"return tonumber(1, 10)", "string expected, got number"},
        {"return tonumber('1', 1)", "base out of range"},
        {"return tonumber('1', 37)", "base out of range"},
        {"return tonumber('1', '10')", "number expected, got string"},
    };
    CHECK_FAILURES(r, failures);
}

static void errors_and_pcall(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"local ok, e = pcall(error, 'x') return tostring(ok) .. e", "falsex"},
        {"local ok, e = pcall(function() error('x') end) return e", "test.lua:1: x"},
        {"local ok, e = pcall(function() error('x', 0) end) return e", "x"},
        {"local ok, e = pcall(function() error('x', 2) end) return e", "x"},
        {"local ok, e = pcall(function() error('x', 1 << 62) end) return e", "x"},
        {"local ok, e = pcall(function() error('x', -1) end) return e", "x"},
        {"local ok, e = pcall(function() error({ 7 }) end) return e[1]", "7"},
        {"local ok, e = pcall(error) return e", "nil"},
        {"return select('#', pcall(function() return 1, nil, 3, nil end))", "5"},
        {"return select(3, pcall(function() return 1, 2 end))", "2"},
        {"local ok, e = pcall(1) return e", "attempt to call a number value"},
        {"local ok, e = pcall(assert, false) return e", "assertion failed!"},
        {"local ok, e = pcall(assert, nil, 'why') return e", "why"},
        {"local ok, e = pcall(assert, nil, { 3 }) return e[1]", "3"},
        {"return (select('#', assert(1, 2, 3)))", "3"},
        {"local function f() return pcall(f) end return (f())", "true"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "assert(false)", "test.lua:1: assertion failed!");
    rig_fails(r, "\nassert(nil, 'why')", "test.lua:2: why");
    rig_fails(r, "assert()", "value expected");
    rig_fails(r, "pcall()", "value expected");
    rig_fails(r, "error('x', '1')", "number expected, got string");
}

static void select_and_ipairs(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return select('#')", "0"},
        {"return select('#', nil, nil)", "2"},
        {"return select(2, 'a', 'b', 'c')", "b"},
        {"return select(-1, 'a', 'b', 'c')", "c"},
        {"return select('#', select(5, 1, 2))", "0"},
        {"local n = 0 for i, v in ipairs({ 1, 2, nil, 4 }) do n = n + i * v end return n", "5"},
        {"local n = 0 for i in ipairs('abc') do n = n + 1 end return n", "0"},
        {"local n = 0 for i in ipairs(string) do n = n + 1 end return n", "0"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "select(0, 1)", "index out of range");
    rig_fails(r, "select(-3, 1)", "index out of range");
    rig_fails(r, "select({})", "number expected, got table");
    rig_fails(r, "for _ in ipairs() do end", "value expected");
    rig_fails(r, "for _ in ipairs(nil) do end", "attempt to index a nil value");
}

/* ---- pairs ---- */

#define KEYS                                                                                       \
    "local o = {} for k in pairs(t) do o[#o + 1] = tostring(k) end return table.concat(o, ' ')"

static void pairs_has_one_order(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"local t = {} " KEYS, ""},
        {"local t = { 7, 8, 9 } " KEYS, "1 2 3"},
        {"local t = { b = 1, a = 2, [true] = 3, [false] = 4, [2] = 5, [-1] = 6 } " KEYS,
         "false true -1 2 a b"},
        {"local t = { 'x', 'y', z = 1, a = 2 } " KEYS, "1 2 a z"},
        {"local t = { [0] = 0, 1, 2 } " KEYS, "0 1 2"},
        {"local t = { [1] = 1, [1.5] = 2, [2] = 3, [0.5] = 4, [-0.5] = 5, [-1] = 6 } " KEYS,
         "-1 -0.5 0.5 1 1.5 2"},
        {"local t = { [1/0] = 1, [-1/0] = 2, [math.maxinteger] = 3, [math.mininteger] = 4,"
         " [1e300] = 5, [-1e300] = 6, [0] = 7 } " KEYS,
         "-inf -1e+300 -9223372036854775808 0 9223372036854775807 1e+300 inf"},
        {"local t = { ab = 1, a = 2, ['a\\0'] = 3, [''] = 4, b = 5, B = 6, ['\\xff'] = 7, z = 8 }\n"
         "local o = {} for k in pairs(t) do o[#o + 1] = #k .. (k:byte() or '') end\n"
         "return table.concat(o, ' ')",
         "0 166 197 297 297 198 1122 1255"},
        {"local t = {} for i = 100, 1, -1 do t['k' .. i % 10 .. i] = i end local last = ''\n"
         "for k in pairs(t) do if k <= last then return k end last = k end return 'sorted'",
         "sorted"},
        {"local t = {} for i = 1, 1000 do t[(i * 7919) % 1009 - 500] = i end local last, n = -1e9, "
         "0\n"
         "for k, v in pairs(t) do assert(k > last and t[k] == v) last = k n = n + 1 end return n",
         "1000"},
        {"local t = {} for i = 10, 1, -1 do t[i] = i end " KEYS, "1 2 3 4 5 6 7 8 9 10"},
        {"local n = 0 for k, v in pairs({ 5, 6, x = 7 }) do n = n + v end return n", "18"},
        {"local n = 0 for k, v in pairs(math) do n = n + 1 end return n > 20", "true"},
        {"for k in pairs(freehold.policy) do return k end", "ema"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "pairs({ [{}] = 1 })", "a key is a table");
    rig_fails(r, "pairs({ a = 1, [type] = 1 })", "a key is a table or a function");
    rig_fails(r, "pairs(nil)", "table expected, got nil");
    rig_fails(r, "pairs('x')", "table expected, got string");
    rig_fails(r, "pairs()", "value expected");
}

static void what_changes_while_it_is_walked(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"local t = { a = 1, b = 2, c = 3 } local o = ''\n"
         "for k in pairs(t) do o = o .. k t.b = nil end return o",
         "ac"},
        {"local t = { 1, 2, 3, 4 } local o = ''\n"
         "for k in pairs(t) do o = o .. k t[2] = nil t[3] = nil end return o",
         "14"},
        {"local t = { a = 1 } local n = 0\n"
         "for k in pairs(t) do n = n + 1 for i = 1, 50 do t['n' .. i] = i end end return n",
         "1"},
        {"local t = { a = 1, b = 2 } local o = ''\n"
         "for k, v in pairs(t) do o = o .. k .. v t.b = 9 end return o",
         "a1b9"},
        {"local t = { a = 1, b = 2 } for k in pairs(t) do t[k] = nil end\n"
         "for k in pairs(t) do return k end return 'empty'",
         "empty"},
        {"local f = pairs({ 1 }) f() return f() == nil and f() == nil", "true"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r,
              "local t = {} for i = 1, 3500 do t[i] = i end for i = 1, 600 do t['k' .. i] = i "
              "end pairs(t)",
              "pairs: more than 4000 keys");
}

/* An object that lists its own keys. */
static int object_keys(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TUSERDATA);
    lua_createtable(L, 3, 0);
    static const char *const keys[] = {"zeta", "gone", "alpha"};
    for (int i = 0; i < 3; i++) {
        lua_pushstring(L, keys[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int object_index(lua_State *L)
{
    if (strcmp(lua_tostring(L, 2), "gone") == 0) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 2));
    }
    return 1;
}

static int set_object(lua_State *L)
{
    lua_newuserdatauv(L, 8, 0);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, object_keys);
    lua_setfield(L, -2, "__keys");
    lua_pushcfunction(L, object_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    fhi_env_set(L, "object");
    return 0;
}

static void objects_are_walked_as_they_say_and_are_tables_to_scripts(void **state)
{
    rig *r = *state;
    assert_int_equal(fhi_box_run(&r->box, set_object, NULL, 10000, &r->report), FH_OUTCOME_DECIDED);
    static const script_case cases[] = {
        {"local o = '' for k, v in pairs(object) do o = o .. k .. v end return o", "zeta4alpha5"},
        {"return type(object)", "table"},
        {"return tostring(object)", "table"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "table.insert(object, 1)", "this table is not the script's own");
    rig_fails(r, "error(object)", "(the error is a table)");
}

/* ---- proxies ---- */

static int set_list(lua_State *L)
{
    lua_createtable(L, 3, 0);
    for (int i = 1; i <= 3; i++) {
        lua_pushinteger(L, i * 10);
        lua_rawseti(L, -2, i);
    }
    assert_false(fhi_proxy_open(L, -1));
    fhi_proxy_wrap(L, "the list");
    int top = lua_gettop(L);
    assert_true(fhi_proxy_open(L, top));
    assert_int_equal(lua_gettop(L), top + 1);
    assert_int_equal(lua_rawlen(L, -1), 3);
    lua_pop(L, 1);
    lua_pushinteger(L, 1);
    assert_false(fhi_proxy_open(L, -1));
    lua_pop(L, 1);
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 0);
    lua_setmetatable(L, -2);
    assert_false(fhi_proxy_open(L, -1));
    lua_pop(L, 1);
    assert_int_equal(lua_gettop(L), top);
    fhi_env_set(L, "list");
    return 0;
}

static void a_proxy_is_read_like_what_is_behind_it(void **state)
{
    rig *r = *state;
    assert_int_equal(fhi_box_run(&r->box, set_list, NULL, 10000, &r->report), FH_OUTCOME_DECIDED);
    static const script_case cases[] = {
        {"return #list", "3"},
        {"return list[2]", "20"},
        {"return list.x", "nil"},
        {"local n = 0 for i, v in ipairs(list) do n = n + i * v end return n", "140"},
        {"local n = 0 for i, v in pairs(list) do n = n + i * v end return n", "140"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "list[1] = 5", "the list cannot be changed");
    rig_fails(r, "list[4] = 5", "the list cannot be changed");
    rig_fails(r, "list['\\27' .. ('x'):rep(1000)] = 5", "the list cannot be changed (at '?xxx");
}

/* ---- what policies have besides ---- */

static void sizes_in_words(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return KiB", "1024"},
        {"return MiB", "1048576"},
        {"return 2 * GiB", "2147483648"},
        {"return bytes('512MiB')", "536870912"},
        {"return bytes(12)", "12"},
        {"return contains('terrain.lod', 'lod')", "true"},
        {"return contains('terrain', 'T')", "false"},
        {"return starts_with('terrain', 'ter')", "true"},
        {"return starts_with('ter', 'terrain')", "false"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "bytes('lots')", "bad argument #1 to 'bytes'");
    rig_fails(r, "bytes(-1)", "bad argument #1 to 'bytes'");
    rig_fails(r, "bytes({})", "bad argument #1 to 'bytes'");
    rig_fails(r, "bytes()", "value expected");
}

static void the_log_is_short_clean_and_not_endless(void **state)
{
    rig *r = *state;
    rig_answers(r, "log('%d of %s', 3, 'x\\n\\27') return 1", "1");
    assert_string_equal(r->log, "3 of x??");
    rig_answers(r, "log(('x'):rep(5000))", "nil");
    assert_int_equal(strlen(r->log), 255);
    r->log_count = 0;
    rig_answers(r, "for i = 1, 100 do log('line %d', i) end", "nil");
    assert_int_equal(r->log_count, 17);
    assert_string_equal(r->log, "more lines of this call are left out");
    rig_answers(r, "log('again')", "nil");
    assert_string_equal(r->log, "again");
    rig_fails(r, "log()", "string expected");
    rig_fails(r, "log('%d', 'x')", "number expected");
    r->box.host.log = NULL;
    rig_answers(r, "log('nobody listens') return 2", "2");
}

static void numbers_that_move(void **state)
{
    rig *r = *state;
    static const script_case cases[] = {
        {"return freehold.policy.ema(nil, 10, 0.5)", "10.0"},
        {"return freehold.policy.ema(10, 20, 0.25)", "12.5"},
        {"return freehold.policy.ema(10, 20, 1)", "20.0"},
        {"return freehold.policy.ema(10, 20, 0)", "10.0"},
        {"local h = freehold.policy.hysteresis local o = false local s = ''\n"
         "for _, v in ipairs { 0.5, 0.9, 0.8, 0.7, 0.69, 0.8, 0.9 } do o = h(o, v, 0.9, 0.7)\n"
         "s = s .. (o and 1 or 0) end return s",
         "0111001"},
        {"local h = freehold.policy.hysteresis local o = false local s = ''\n"
         "for _, v in ipairs { 0.5, 0.1, 0.2, 0.3, 0.31, 0.2, 0.1 } do o = h(o, v, 0.1, 0.3)\n"
         "s = s .. (o and 1 or 0) end return s",
         "0111001"},
        {"return freehold.policy.hysteresis(nil, 1, 1, 1)", "true"},
    };
    CHECK_ANSWERS(r, cases);
    rig_fails(r, "freehold.policy.ema(1, 2, 1.5)", "0 to 1 expected");
    rig_fails(r, "freehold.policy.ema(1, 0/0, 0.5)", "a finite number expected");
    rig_fails(r, "freehold.policy.ema(1, '2', 0.5)", "number expected, got string");
    rig_fails(r, "freehold.policy.hysteresis(true, 1)", "number expected, got no value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(what_could_do_harm_is_not_there),
        RIG_TEST(everything_listed_is_there),
        RIG_TEST(nothing_of_it_can_be_changed),
        RIG_TEST(texts_are_no_numbers_in_arithmetic),
        RIG_TEST(type_and_tostring_tell_no_addresses),
        RIG_TEST(tonumber_reads_what_lua_reads_and_no_more_than_a_line),
        RIG_TEST(errors_and_pcall),
        RIG_TEST(select_and_ipairs),
        RIG_TEST(pairs_has_one_order),
        RIG_TEST(what_changes_while_it_is_walked),
        RIG_TEST(objects_are_walked_as_they_say_and_are_tables_to_scripts),
        RIG_TEST(a_proxy_is_read_like_what_is_behind_it),
        RIG_TEST(sizes_in_words),
        RIG_TEST(the_log_is_short_clean_and_not_endless),
        RIG_TEST(numbers_that_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
