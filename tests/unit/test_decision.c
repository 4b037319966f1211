/* Decisions: what scripts return, into structs; what is wrong with it; and back as tables. */

#include "lua_rig.h"

typedef struct answer {
    union {
        fh_verdict verdict;
        fhi_reliefs reliefs;
        fh_limits limits;
        fh_frame_decision frame;
        fh_pressure_decision pressure;
        fh_retain_decision retain;
        fh_recycle_decision recycle;
        fh_evict_order order;
        fh_alias_decision alias;
        fh_defrag_decision defrag;
    };
    bool decided;
} answer;

typedef struct question {
    rig *self;
    fh_hook hook;
    const fh_facts *facts;
    answer *out;
} question;

static int read_body(lua_State *L)
{
    question *asked = lua_touserdata(L, 1);
    asked->out->decided = fhi_decision_read(L, 2, asked->hook, &asked->self->reader, asked->facts,
                                            &asked->out->verdict);
    assert_int_equal(lua_gettop(L), 2);
    return 0;
}

/* What `text` returns, read as a decision of that hook. */
static bool read_decision(rig *self, fh_hook hook, const char *text, answer *out)
{
    static const fh_facts facts = {.heap_count = 2};
    question asked = {self, hook, &facts, out};
    lua_State *L = self->L;
    memset(out, 0, sizeof *out);
    lua_settop(L, 0);
    if (!rig_run(self, text)) {
        fail_msg("%s", self->error);
    }
    lua_settop(L, 1);
    lua_pushcfunction(L, read_body);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, &asked);
    lua_insert(L, 2);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        snprintf(self->error, sizeof self->error, "%s", lua_tostring(L, -1));
        lua_settop(L, 0);
        return false;
    }
    return true;
}

static answer must_read(rig *self, fh_hook hook, const char *text)
{
    answer out;
    if (!read_decision(self, hook, text, &out)) {
        fail_msg("%s", self->error);
    }
    return out;
}

/* That the decision is refused with a sentence that begins with the hook's name. */
static void must_refuse(rig *self, fh_hook hook, const char *text, const char *parts)
{
    answer out;
    if (read_decision(self, hook, text, &out)) {
        fail_msg("this was read: %s", text);
    }
    const char *name = fhi_hook_contracts[hook].name;
    assert_int_equal(strncmp(self->error, name, strlen(name)), 0);
    assert_true(self->error[strlen(name)] == ':');
    rig_check_error(self, parts);
}

typedef struct refusal {
    const char *text, *parts;
} refusal;

static void must_refuse_all(rig *self, fh_hook hook, const refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        must_refuse(self, hook, refusals[i].text, refusals[i].parts);
    }
}

#define REFUSE_ALL(self, hook, refusals)                                                           \
    must_refuse_all(self, hook, refusals, TEST_COUNT_OF(refusals))

static void nil_is_no_opinion(void **state)
{
    for (int hook = 0; hook < FH_HOOK_MIGRATE; hook++) {
        assert_false(must_read(*state, (fh_hook)hook, "return nil").decided);
        assert_false(must_read(*state, (fh_hook)hook, "").decided);
    }
}

/* ---- place ---- */

static void a_verdict_is_read(void **state)
{
    rig *self = *state;
    answer out =
        must_read(self, FH_HOOK_PLACE,
                  "return { memory = { 'device_upload', 'host', 'device' }, types = { 0, 31 },"
                  " dedicated = 'prefer', strategy = 'min_offset', priority = 1,"
                  " within_budget = false, pool = 'ring', deny = true, no_spill = true,"
                  " keep = 'frame' }");
    const fh_verdict *verdict = &out.verdict;
    assert_true(out.decided);
    assert_int_equal(verdict->memory_count, 3);
    assert_int_equal(verdict->memory[0], FH_LOCATION_DEVICE_UPLOAD);
    assert_int_equal(verdict->memory[1], FH_LOCATION_UPLOAD);
    assert_int_equal(verdict->memory[2], FH_LOCATION_DEVICE);
    assert_true(verdict->type_mask == 0x80000001U);
    assert_true(verdict->has_dedicated && verdict->dedicated == FH_DEDICATED_PREFER);
    assert_true(verdict->has_strategy && verdict->strategy == FH_STRATEGY_MIN_OFFSET);
    assert_true(verdict->has_priority && verdict->priority == 1.0F);
    assert_true(verdict->has_within_budget && !verdict->within_budget);
    assert_ptr_equal(verdict->pool, self);
    assert_true(verdict->deny && verdict->no_spill);
    assert_int_equal(verdict->keep, FH_KEEP_FRAME);
    assert_true(self->reader.keep_given);
}

static void a_pool_that_is_not_there_yet_is_none_for_this_frame(void **state)
{
    answer out = must_read(*state, FH_HOOK_PLACE, "return { pool = 'rings', priority = 1 }");
    assert_true(out.decided && out.verdict.has_priority);
    assert_null(out.verdict.pool);
    assert_int_equal(out.verdict.keep, FH_KEEP_FRAME);
    out = must_read(*state, FH_HOOK_PLACE, "return { pool = 'rings', keep = 'never' }");
    assert_int_equal(out.verdict.keep, FH_KEEP_NEVER);
    out = must_read(*state, FH_HOOK_PLACE, "return { pool = 'ring' }");
    assert_non_null(out.verdict.pool);
    assert_int_equal(out.verdict.keep, FH_KEEP_RELOAD);
}

static void what_a_verdict_leaves_out_stays_as_it_is(void **state)
{
    rig *self = *state;
    static const fh_verdict nothing = {0};
    answer out = must_read(self, FH_HOOK_PLACE, "return {}");
    assert_true(out.decided);
    assert_memory_equal(&out.verdict, &nothing, sizeof nothing);
    assert_false(self->reader.keep_given);
    out = must_read(self, FH_HOOK_PLACE, "return { memory = 'readback' }");
    assert_int_equal(out.verdict.memory_count, 1);
    assert_int_equal(out.verdict.memory[0], FH_LOCATION_READBACK);
    must_read(self, FH_HOOK_PLACE, "return { keep = 'reload' }");
    assert_true(self->reader.keep_given);
    must_read(self, FH_HOOK_PLACE, "return nil");
    assert_false(self->reader.keep_given);
}

static void wrong_verdicts_are_refused(void **state)
{
    static const refusal refusals[] = {
        {"return 5", "place: a table expected, got 5"},
        {"return 'device'", "place: a table expected, got 'device'"},
        {"return true", "got true"},
        {"return print", "got a function"},
        {"return io.stdout", "got FILE*"},
        {"return { memroy = 'device' }", "unknown field 'memroy'; did you mean 'memory'?"},
        {"return { zzzz = 1, memroy = 1 }", "'memroy'"},
        {"return { x = 1 }", "unknown field 'x'; known: 'memory', 'types',"},
        {"return { 'device' }", "no string"},
        {"return { [true] = 1 }", "no string"},
        {"return { [('x'):rep(5000)] = 1 }", "unknown field 'xxxx|...'"},
        {"return { ['a\\27[2J'] = 1 }", "unknown field 'a?[2J'"},
        {"return { memory = 'devcie' }", "memory: unknown word 'devcie'; did you mean 'device'?"},
        {"return { memory = {} }", "memory: at least one"},
        {"return { memory = { 'device', 'device' } }", "memory: 'device' is there twice"},
        {"return { memory = { 'upload', 'host' } }", "memory: 'host' is there twice"},
        {"return { memory = { 'device', nil, 'host' } }", "memory: a list without holes"},
        {"return { memory = { [2] = 'host' } }", "memory: a list without holes"},
        {"return { memory = { 'device', x = 'host' } }", "memory: a list expected|other keys"},
        {"return { memory = { 1 } }", "memory: unknown word 1"},
        {"return { memory = 1 }", "memory: a list expected, got 1"},
        {"return { memory = { 'a', 'b', 'c', 'd', 'e' } }", "memory: at most 4"},
        {"return { types = { 32 } }", "types: integers from 0 to 31 expected, got 32"},
        {"return { types = { -1 } }", "types|-1"},
        {"return { types = { 1.5 } }", "types|1.5"},
        {"return { types = { '1' } }", "types|'1'"},
        {"return { types = {} }", "types: at least one"},
        {"return { types = 1 }", "types: a list expected, got 1"},
        {"return { dedicated = 'prefr' }", "dedicated: |did you mean 'prefer'?"},
        {"return { dedicated = true }", "dedicated: unknown word true; known: 'auto', 'prefer',"},
        {"return { strategy = 'best' }", "strategy: unknown word 'best'"},
        {"return { priority = 1.5 }", "priority: 0 to 1 expected, got 1.5"},
        {"return { priority = -1 }", "priority: 0 to 1 expected, got -1"},
        {"return { priority = 0/0 }", "priority: a finite number expected, got not a number"},
        {"return { priority = 1/0 }", "priority: a finite number expected, got infinity"},
        {"return { priority = -1/0 }", "got -infinity"},
        {"return { priority = '0.5' }", "priority: a finite number expected, got '0.5'"},
        {"return { within_budget = 1 }", "within_budget: true or false expected, got 1"},
        {"return { deny = 'yes' }", "deny: true or false expected, got 'yes'"},
        {"return { keep = 'ever' }", "keep: unknown word 'ever'; did you mean 'never'?"},
        {"return { pool = '' }", "pool: a name (1 to 63 bytes"},
        {"return { pool = 5 }", "pool: a name|got 5"},
        {"return { pool = 'a\\0b' }", "pool: a name|'a?b'"},
        {"return { pool = '\\xff\\xfe' }", "pool: a name"},
        {"return { pool = 'a\\u{9b}b' }", "pool: a name"},
    };
    REFUSE_ALL(*state, FH_HOOK_PLACE, refusals);
}

/* Of several mistakes one is told, and always the same: not as a table lies in memory. */
static void the_same_mistakes_give_the_same_sentence(void **state)
{
    rig *self = *state;
    char first[sizeof self->error] = "";
    for (int i = 0; i < 64; i++) {
        char text[256];
        snprintf(
            text, sizeof text,
            "local t = {} for i = 1, %d do t['k' .. i] = 1 end for k in pairs(t) do t[k] = nil "
            "end t.priority = 5 t.deny = 5 t.keep = 5 t.strategy = 5 return t",
            i * 3);
        must_refuse(self, FH_HOOK_PLACE, text, "strategy");
        must_refuse(self, FH_HOOK_PLACE,
                    i % 2 == 0 ? "return { b = 1, a = 1, c = 1 }"
                               : "return { c = 1, b = 1, a = 1 }",
                    "unknown field 'a'");
        if (i == 0) {
            snprintf(first, sizeof first, "%s", self->error);
        }
        assert_string_equal(first, self->error);
    }
}

static void metatables_count_for_nothing(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_PLACE,
                           "return setmetatable({}, { __index = { deny = true }, __pairs = error,"
                           " __len = error })");
    assert_true(out.decided && !out.verdict.deny);
    out = must_read(self, FH_HOOK_RELIEVE,
                    "return setmetatable({ 'trim' }, { __len = function() return 1 << 40 end,"
                    " __index = function() return 'trim' end })");
    assert_int_equal(out.reliefs.count, 1);
}

/* ---- relieve ---- */

static void actions_are_read(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_RELIEVE, "return 'trim'");
    assert_int_equal(out.reliefs.count, 1);
    assert_int_equal(out.reliefs.list[0].action, FH_RELIEF_TRIM);
    out = must_read(self, FH_HOOK_RELIEVE, "return { action = 'evict', bytes = '1MiB' }");
    assert_int_equal(out.reliefs.count, 1);
    assert_int_equal(out.reliefs.list[0].action, FH_RELIEF_EVICT);
    assert_int_equal(out.reliefs.list[0].bytes, 1 << 20);
    out = must_read(self, FH_HOOK_RELIEVE,
                    "return { 'retry', { action = 'wait', timeout_ms = 0.5 }, { action = 'wait' },"
                    " 'spill', 'drain', { action = 'evict' }, 'trim', 'deny' }");
    assert_int_equal(out.reliefs.count, 8);
    assert_int_equal(out.reliefs.list[1].action, FH_RELIEF_WAIT);
    assert_int_equal(out.reliefs.list[1].timeout_ns, 500000);
    assert_int_equal(out.reliefs.list[2].timeout_ns, 0);
    assert_int_equal(out.reliefs.list[7].action, FH_RELIEF_DENY);
}

static void wrong_actions_are_refused(void **state)
{
    static const refusal refusals[] = {
        {"return 5", "relieve: an action|got 5"},
        {"return 'tirm'", "relieve: unknown word 'tirm'; did you mean 'trim'?"},
        {"return {}", "relieve: an empty list"},
        {"return { 'trim', 'evcit' }", "relieve: action 2: |did you mean 'evict'?"},
        {"return { 'trim', 5 }", "relieve: action 2: an action|got 5"},
        {"return { 'trim', {} }", "relieve: action 2: field 'action' is missing"},
        {"return { 'trim', nil, 'deny' }", "without holes"},
        {"return { 'trim', x = 'deny' }", "other keys"},
        {"return { { action = 'evict', byts = 1 } }", "action 1: unknown field 'byts'|'bytes'"},
        {"return { action = 'evict', bytes = -1 }", "bytes: bytes (an integer from 0|got -1"},
        {"return { action = 'evict', bytes = 2.5e300 }", "bytes|2^53"},
        {"return { action = 'evict', bytes = 0/0 }", "bytes|not a number"},
        {"return { action = 'evict', bytes = 1 << 63 }", "bytes|-9223372036854775808"},
        {"return { action = 'evict', bytes = '1024' }", "bytes|with a unit|'1024'"},
        {"return { action = 'evict', bytes = '1Mib' }", "bytes|'1Mib'"},
        {"return { action = 'trim', bytes = 1 }", "only 'evict' has `bytes`"},
        {"return { action = 'trim', timeout_ms = 1 }", "only 'wait' has `timeout_ms`"},
        {"return { action = 'wait', timeout_ms = 100.5 }", "timeout_ms: 0 to 100 expected"},
        {"return { action = 'wait', timeout_ms = -1 }", "timeout_ms: 0 to 100 expected"},
        {"return { action = 'wait', timeout_ms = 1/0 }", "timeout_ms: a finite number"},
        {"local t = {} for i = 1, 9 do t[i] = 'trim' end return t", "at most 8"},
        {"local t = {} for i = 1, 1000000 do t[i] = 'trim' end return t", "at most 8"},
        {"local t = {} t[1] = t return t", "relieve: action 1: "},
    };
    REFUSE_ALL(*state, FH_HOOK_RELIEVE, refusals);
}

/* ---- limits ---- */

static void limits_are_read(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_LIMITS,
                           "return { total = '1.5GiB', heap = { [2] = 100 },"
                           " kinds = { texture = 2^20 + 0.75, staging = 0 },"
                           " tags = { ui = 5, terrain = '1KiB', b = 1 },"
                           " watermarks = { 0, 0.5, 0.85, 1 } }");
    const fh_limits *limits = &out.limits;
    assert_true(out.decided);
    assert_true(limits->total == UINT64_C(3) << 29);
    assert_int_equal(limits->heaps[0], 0);
    assert_int_equal(limits->heaps[1], 100);
    assert_int_equal(limits->kinds[FH_KIND_TEXTURE], 1 << 20);
    assert_int_equal(limits->kinds[FH_KIND_STAGING],
                     1); /* 0 lets nothing in; in C it is no limit */
    assert_int_equal(limits->kinds[FH_KIND_BUFFER], 0);
    assert_int_equal(limits->tag_count, 3);
    assert_ptr_equal(limits->tags, self->reader.tags);
    /* By name, however the table lies in memory. */
    assert_string_equal(self->tags[0], "b");
    assert_string_equal(self->tags[1], "terrain");
    assert_string_equal(self->tags[2], "ui");
    assert_int_equal(limits->tags[1].tag, 2);
    assert_int_equal(limits->tags[1].limit, 1024);
    assert_int_equal(limits->watermark_count, 4);
    assert_true(limits->watermarks[2] == 0.85);
    out = must_read(self, FH_HOOK_LIMITS, "return { heap = '1KiB' }");
    assert_int_equal(out.limits.heaps[0], 1024);
    assert_int_equal(out.limits.heaps[1], 1024);
    assert_int_equal(out.limits.heaps[2], 0);
    out = must_read(self, FH_HOOK_LIMITS, "return { tags = {}, kinds = {}, watermarks = {} }");
    assert_true(out.decided && out.limits.tag_count == 0 && out.limits.tags == NULL);
    out = must_read(self, FH_HOOK_LIMITS, "return { total = math.maxinteger }");
    assert_true(out.limits.total == (uint64_t)INT64_MAX);
}

static void wrong_limits_are_refused(void **state)
{
    static const refusal refusals[] = {
        {"return { totl = 1 }", "limits: unknown field 'totl'; did you mean 'total'?"},
        {"return { total = -1 }", "limits: total: bytes|got -1"},
        {"return { total = '512' }", "limits: total: |with a unit"},
        {"return { total = true }", "limits: total: bytes|got true"},
        {"return { total = '99999999999999999999GiB' }", "limits: total: bytes"},
        {"return { total = '-1MiB' }", "limits: total: bytes|'-1MiB'"},
        {"return { heap = { 1, 2, 3 } }", "limits: heap: places of heaps, 1 to 2 here"},
        {"return { heap = { [0] = 1 } }", "limits: heap: places of heaps"},
        {"return { heap = { vram = 1 } }", "limits: heap: places of heaps"},
        {"return { heap = { 1, -2 } }", "limits: heap 2: bytes|-2"},
        {"return { kinds = { textures = 1 } }", "kinds: unknown kind 'textures'|'texture'"},
        {"return { kinds = { texture = {} } }", "kinds: texture: bytes|got a table"},
        {"return { kinds = { 1 } }", "kinds: unknown kind 1"},
        {"return { kinds = 5 }", "kinds: a table of kinds expected, got 5"},
        {"return { tags = 5 }", "tags: a table of tags expected, got 5"},
        {"return { tags = { 1 } }", "tags: names of tags expected"},
        {"return { tags = { [''] = 1 } }", "tags: a name (1 to 63 bytes"},
        {"return { tags = { ['a\\0b'] = 1 } }", "tags: names of tags"},
        {"return { tags = { ['\\27[31m'] = 1 } }", "tags: a name|'?[31m'"},
        {"return { tags = { ['a\\nb'] = 1 } }", "tags: a name"},
        {"return { tags = { ['\\xc0\\x80'] = 1 } }", "tags: a name"},
        {"return { tags = { [('x'):rep(64)] = 1 } }", "tags: a name"},
        {"return { tags = { ui = -1 } }", "tags: ui: bytes|-1"},
        {"return { watermarks = 0.5 }", "watermarks: a list expected"},
        {"return { watermarks = { 0.5, 0.5 } }", "watermarks: they must ascend"},
        {"return { watermarks = { 0.5, 0.4 } }", "watermarks: they must ascend, and 0.4 does not"},
        {"return { watermarks = { 1.5 } }", "watermarks: numbers from 0 to 1 expected, got 1.5"},
        {"return { watermarks = { 0/0 } }", "watermarks|not a number"},
        {"return { watermarks = { '0.5' } }", "watermarks|'0.5'"},
        {"return { watermarks = { 0.1, 0.2, 0.3, 0.4, 0.5 } }", "watermarks: at most 4"},
        {"local t = {} for i = 1, 1025 do t['tag' .. i] = 1 end return { tags = t }",
         "tags: at most 1024 tags"},
    };
    rig *self = *state;
    REFUSE_ALL(self, FH_HOOK_LIMITS, refusals);
    /* Nothing was made on the way. */
    assert_int_equal(self->tag_count, 0);
    must_refuse(self, FH_HOOK_LIMITS, "return { tags = { a = 1, b = -1 } }", "tags: b");
    assert_int_equal(self->tag_count, 0);
    must_refuse(self, FH_HOOK_LIMITS,
                "local t = {} for i = 1, 9 do t['t' .. i] = 1 end return { tags = t }",
                "tags: t9: |too many");
}

static void a_thousand_tags_are_read(void **state)
{
    rig *self = *state;
    self->reader.tag = NULL;
    must_refuse(self, FH_HOOK_LIMITS,
                "local t = {} for i = 1, 1024 do t['tag' .. i] = i end return { tags = t }",
                "tags: tag1: ");
}

/* ---- the others ---- */

static void frames_and_pressure_are_read(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_FRAME,
                           "return { depth = 3, transient_cap = '1KiB', evict_cap = 5.9,"
                           " defrag_cap = 7, forget = true, limits = true }");
    assert_int_equal(out.frame.depth, 3);
    assert_int_equal(out.frame.transient_cap, 1024);
    assert_int_equal(out.frame.evict_cap, 5);
    assert_int_equal(out.frame.defrag_cap, 7);
    assert_true(out.frame.forget && out.frame.limits);
    out = must_read(self, FH_HOOK_PRESSURE,
                    "return { trim = true, evict_bytes = 0, forget = false, limits = true }");
    assert_true(out.pressure.trim && !out.pressure.forget && out.pressure.limits);
    static const refusal frames[] = {
        {"return { depth = 0 }", "depth: 1 to 8 expected, got 0"},
        {"return { depth = 9 }", "depth: 1 to 8 expected, got 9"},
        {"return { depth = 2.5 }", "depth: an integer|2.5"},
        {"return { depth = 1 << 40 }", "depth: an integer"},
        {"return { evict_cap = 0 }", "evict_cap: at least 1 expected, got 0"},
        {"return { forget = 0 }", "forget: true or false"},
        {"return { trim = true }", "unknown field 'trim'"},
        {"return 1", "a table expected"},
    };
    REFUSE_ALL(self, FH_HOOK_FRAME, frames);
    static const refusal pressures[] = {
        {"return { evict_bytes = 0/0 }", "evict_bytes|not a number"},
        {"return { depth = 2 }", "unknown field 'depth'"},
    };
    REFUSE_ALL(self, FH_HOOK_PRESSURE, pressures);
}

static void blocks_and_caches_are_read(void **state)
{
    rig *self = *state;
    assert_int_equal(must_read(self, FH_HOOK_RETAIN, "return 120").retain.ticks, 120);
    assert_int_equal(must_read(self, FH_HOOK_RETAIN, "return 2.0").retain.ticks, 2);
    assert_int_equal(must_read(self, FH_HOOK_RETAIN, "return { ticks = 0 }").retain.ticks, 0);
    static const refusal retains[] = {
        {"return {}", "field 'ticks' is missing"},
        {"return -1", "an integer from 0 to 4294967295 expected, got -1"},
        {"return 1 << 32", "an integer|4294967296"},
        {"return 2.5", "an integer|2.5"},
        {"return '5'", "a table expected, got '5'"},
        {"return true", "a table expected"},
    };
    REFUSE_ALL(self, FH_HOOK_RETAIN, retains);
    answer out = must_read(self, FH_HOOK_RECYCLE, "return { keep_bytes = 0 }");
    assert_true(out.recycle.keep_bytes == 0 && out.recycle.keep_ticks == UINT32_MAX);
    out = must_read(self, FH_HOOK_RECYCLE, "return { keep_ticks = 8 }");
    assert_true(out.recycle.keep_bytes == UINT64_MAX && out.recycle.keep_ticks == 8);
    out = must_read(self, FH_HOOK_DEFRAG, "return { bytes = '8MiB' }");
    assert_true(out.defrag.allow && out.defrag.bytes == 8 << 20);
    out = must_read(self, FH_HOOK_DEFRAG, "return { allow = false }");
    assert_false(out.defrag.allow);
}

static void orders_are_read(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_EVICT, "return { 'priority', '-age', 'size', '-made' }");
    assert_int_equal(out.order.column_count, 4);
    assert_int_equal(out.order.columns[0].column, FH_EVICT_PRIORITY);
    assert_false(out.order.columns[0].descending);
    assert_int_equal(out.order.columns[1].column, FH_EVICT_AGE);
    assert_true(out.order.columns[1].descending);
    assert_int_equal(out.order.columns[3].column, FH_EVICT_MADE);
    assert_false(out.order.use_keys);
    assert_int_equal(must_read(self, FH_HOOK_EVICT, "return '-size'").order.column_count, 1);
    static const refusal refusals[] = {
        {"return {}", "at least one column"},
        {"return { 'priority', '-agee' }", "column 2: unknown word 'agee'; did you mean 'age'?"},
        {"return { '--age' }", "column 1: unknown word '-age'"},
        {"return { '' }", "column 1: unknown word ''"},
        {"return { 1 }", "column 1: unknown word 1"},
        {"return { 'age', 'age', 'age', 'age', 'age' }", "at most 4"},
        {"return 5", "a list expected, got 5"},
    };
    REFUSE_ALL(self, FH_HOOK_EVICT, refusals);
}

static void strategies_are_read(void **state)
{
    rig *self = *state;
    answer out = must_read(self, FH_HOOK_ALIAS,
                           "return { strategy = 'greedy', options = { passes = 2, fit = 'best',"
                           " weight = 0.1, deep = true } }");
    assert_string_equal(out.alias.strategy, "greedy");
    assert_string_equal(out.alias.options, "deep=true fit=best passes=2 weight=0.1");
    out = must_read(self, FH_HOOK_ALIAS, "return { strategy = ('x'):rep(63), options = {} }");
    assert_int_equal(strlen(out.alias.strategy), 63);
    assert_string_equal(out.alias.options, "");
    static const refusal refusals[] = {
        {"return {}", "field 'strategy' is missing"},
        {"return { strategy = ('x'):rep(64) }", "strategy: a name"},
        {"return { strategy = 5 }", "strategy: a name|got 5"},
        {"return { strategy = 'a', options = 5 }", "options: a table of options"},
        {"return { strategy = 'a', options = { 1 } }", "options: names of letters"},
        {"return { strategy = 'a', options = { ['a b'] = 1 } }", "options: names of letters"},
        {"return { strategy = 'a', options = { a = 'b c' } }", "options: a: a word of letters"},
        {"return { strategy = 'a', options = { a = '' } }", "options: a: a word of letters"},
        {"return { strategy = 'a', options = { a = 'b=c' } }", "options: a: a word of letters"},
        {"return { strategy = 'a', options = { a = {} } }", "options: a: a string, a finite"},
        {"return { strategy = 'a', options = { a = 1/0 } }", "options: a: a string, a finite"},
        {"return { strategy = 'a', options = { a = ('x'):rep(300) } }", "255 bytes"},
        {"local t = {} for i = 1, 33 do t['a' .. i] = 1 end return { strategy = 'a', options = t }",
         "options: at most 32"},
    };
    REFUSE_ALL(self, FH_HOOK_ALIAS, refusals);
    out = must_read(self, FH_HOOK_ALIAS,
                    "return { strategy = 'a', options = { a = ('x'):rep(253) } }");
    assert_int_equal(strlen(out.alias.options), 255);
}

/* ---- as tables ---- */

static int push_body(lua_State *L)
{
    const question *asked = lua_touserdata(L, 1);
    fhi_decision_push(L, asked->hook, &asked->out->verdict, &asked->self->scope);
    return 1;
}

/* What was pushed reads back as what it was. */
static void decisions_come_back_as_tables(void **state)
{
    static const struct {
        fh_hook hook;
        const char *text;
    } cases[] = {
        {FH_HOOK_PLACE, "return {}"},
        {FH_HOOK_PLACE, "return { memory = { 'device', 'host' }, types = { 3 }, dedicated = 'auto',"
                        " strategy = 'balanced', priority = 0, within_budget = false,"
                        " pool = 'ring', deny = true, no_spill = true, keep = 'never' }"},
        {FH_HOOK_RELIEVE, "return { 'deny', { action = 'evict', bytes = 5 }, 'spill',"
                          " { action = 'wait', timeout_ms = 2.5 } }"},
        {FH_HOOK_LIMITS, "return { total = 5, heap = { [2] = 7 }, kinds = { raw = 9 },"
                         " tags = { a = 1, b = 2 }, watermarks = { 0.25, 0.5 } }"},
        {FH_HOOK_FRAME, "return { depth = 3, evict_cap = 5, limits = true }"},
        {FH_HOOK_PRESSURE, "return { trim = true, evict_bytes = 5 }"},
        {FH_HOOK_RETAIN, "return 0"},
        {FH_HOOK_RETAIN, "return 9"},
        {FH_HOOK_RECYCLE, "return { keep_bytes = 0 }"},
        {FH_HOOK_RECYCLE, "return { keep_ticks = 0 }"},
        {FH_HOOK_EVICT, "return { '-age', 'size' }"},
        {FH_HOOK_ALIAS, "return { strategy = 'a', options = { x = 'y', z = 'w' } }"},
        {FH_HOOK_ALIAS, "return { strategy = 'a' }"},
        {FH_HOOK_DEFRAG, "return { allow = false, bytes = 0 }"},
        {FH_HOOK_DEFRAG, "return {}"},
    };
    rig *self = *state;
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        answer first, second;
        assert_true(read_decision(self, cases[i].hook, cases[i].text, &first));
        question asked = {self, cases[i].hook, NULL, &first};
        lua_settop(self->L, 0);
        lua_pushcfunction(self->L, push_body);
        lua_pushlightuserdata(self->L, &asked);
        lua_call(self->L, 1, 1);
        lua_setglobal(self->L, "pushed");
        /* The tags lie in the reader, which is about to be used again. */
        struct fh_tag_limit tags[2];
        memcpy(tags, self->reader.tags, sizeof tags);
        assert_true(read_decision(self, cases[i].hook, "return pushed", &second));
        assert_memory_equal(&first, &second, sizeof first);
        assert_memory_equal(tags, self->reader.tags, sizeof tags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
        TEST(nil_is_no_opinion),
        TEST(a_verdict_is_read),
        TEST(a_pool_that_is_not_there_yet_is_none_for_this_frame),
        TEST(what_a_verdict_leaves_out_stays_as_it_is),
        TEST(wrong_verdicts_are_refused),
        TEST(the_same_mistakes_give_the_same_sentence),
        TEST(metatables_count_for_nothing),
        TEST(actions_are_read),
        TEST(wrong_actions_are_refused),
        TEST(limits_are_read),
        TEST(wrong_limits_are_refused),
        TEST(a_thousand_tags_are_read),
        TEST(frames_and_pressure_are_read),
        TEST(blocks_and_caches_are_read),
        TEST(orders_are_read),
        TEST(strategies_are_read),
        TEST(decisions_come_back_as_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
