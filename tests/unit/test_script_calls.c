/* Calls of hooks: each one is called with its input, stopped, and fails; what a verdict depends on;
 * and host memory, which is not needed in the long run, and may fail anywhere. Hostile scripts have
 * a test of their own. */

#include "version_checks.h"

#include "sandbox/meter.h"

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
    .reason = FH_ERR_BUDGET,
    .attempt = 1,
};

/* ---- calling ---- */

static void every_hook_is_called_with_its_input(void **state)
{
    scripted *s = *state;
    s->facts.used = 1000;
    scripted_load(
        s, "return {\n"
           "place = function(self, request, facts)\n"
           "  assert(request.kind == 'texture' and request.size_min == 16 << 20)\n"
           "  assert(request.tag == 'terrain' and facts.used == 1000 and self.name == 'p')\n"
           "  return { dedicated = 'prefer', priority = 0.5 } end,\n"
           "relieve = function(self, request, facts)\n"
           "  assert(request.attempt == 1 and facts.used == 1000)\n"
           "  return { 'trim', { action = 'evict', bytes = request.size } } end,\n"
           "limits = function(self, facts) return { total = facts.used * 2 } end,\n"
           "frame = function(self, stats, facts) return { depth = stats.depth + 1 } end,\n"
           "pressure = function(self, event, facts) return { trim = event.up } end,\n"
           "retain = function(self, block, facts) return { ticks = block.empty_ticks } end,\n"
           "recycle = function(self, pool) return { keep_bytes = pool.bytes } end,\n"
           "evict = function(self, candidate, facts)\n"
           "  if candidate.priority > 0 then return candidate.size + facts.used end end,\n"
           "alias = function(self, graph) return { strategy = 's' .. graph.item_count } end,\n"
           "defrag = function(self, block) return { allow = true, bytes = block.size } end,\n"
           "}\n");
    fh_verdict verdict;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_DECIDED);
    assert_true(verdict.has_dedicated && verdict.dedicated == FH_DEDICATED_PREFER);
    assert_true(verdict.has_priority && verdict.priority == 0.5f);
    CHECK_EQUAL(s->call.line, 5);
    assert_true(s->call.charge > 0 && s->call.charge < 2000);
    fhi_reliefs reliefs;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_RELIEVE, &request, &reliefs), FH_OUTCOME_DECIDED);
    CHECK_EQUAL(reliefs.count, 2);
    CHECK_EQUAL(reliefs.list[0].action, FH_RELIEF_TRIM);
    CHECK_EQUAL(reliefs.list[1].action, FH_RELIEF_EVICT);
    CHECK_EQUAL(reliefs.list[1].bytes, 20 << 20);
    CHECK_EQUAL(s->call.line, 8);
    fh_limits limits;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_DECIDED);
    CHECK_EQUAL(limits.total, 2000);
    fh_frame_decision frame;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_FRAME, &(fh_frame_facts){.depth = 3}, &frame),
                FH_OUTCOME_DECIDED);
    CHECK_EQUAL(frame.depth, 4);
    fh_pressure_decision pressure;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PRESSURE, &(fh_pressure){.up = true}, &pressure),
                FH_OUTCOME_DECIDED);
    assert_true(pressure.trim);
    fh_retain_decision retain;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_RETAIN, &(fh_block_facts){.empty_ticks = 9}, &retain),
                FH_OUTCOME_DECIDED);
    CHECK_EQUAL(retain.ticks, 9);
    fh_recycle_decision recycle;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_RECYCLE, &(fh_recycle_facts){.bytes = 77}, &recycle),
                FH_OUTCOME_DECIDED);
    CHECK_EQUAL(recycle.keep_bytes, 77);
    fh_alias_decision alias;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_ALIAS, &(fh_alias_facts){.item_count = 4}, &alias),
                FH_OUTCOME_DECIDED);
    assert_string_equal(alias.strategy, "s4");
    fh_defrag_decision defrag;
    CHECK_EQUAL(scripted_call(s, FH_HOOK_DEFRAG, &(fh_defrag_facts){.size = 5}, &defrag),
                FH_OUTCOME_DECIDED);
    assert_true(defrag.allow && defrag.bytes == 5);
}

/* What `evict` is asked with: three candidates. */
static const fh_candidates candidates = {
    .count = 3,
    .parcels = (fh_parcel[]){{1}, {2}, {3}},
    .priorities = (float[]){0.5f, 0.0f, 1.0f},
    .ages = (uint64_t[]){1, 2, 3},
    .sizes = (uint64_t[]){10, 20, 30},
    .tags = (fh_tag[]){7, 0, 7},
    .kinds = (fh_kind[]){FH_KIND_BUFFER, FH_KIND_TEXTURE, FH_KIND_RAW},
    .made = (uint64_t[]){4, 5, 6},
    .wanted = 15,
};

static void evict_gives_a_key_for_each_candidate(void **state)
{
    scripted *s = *state;
    double keys[3] = {9, 9, 9};
    fh_evict_order order = {.keys = keys};
    scripted_load(s, "return { evict = function(self, candidate, facts)\n"
                     "if candidate.priority > 0 then\nreturn candidate.size + candidate.age end\n"
                     "end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &candidates, &order), FH_OUTCOME_DECIDED);
    assert_true(order.use_keys && order.keys == keys);
    assert_true(keys[0] == 11 && keys[1] != keys[1] && keys[2] == 33);
    CHECK_EQUAL(s->call.line, 3);
    fh_candidates none = {0};
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &none, &order), FH_OUTCOME_DECIDED);
    assert_true(order.use_keys);
    scripted_load(s, "return { evict = function(...) return select('#', ...) end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &candidates, &order), FH_OUTCOME_DECIDED);
    assert_true(keys[0] == 3 && keys[2] == 3);

    static const char *const wrong[][2] = {
        {"0 / 0", "got not a number"},
        {"'1'", "got '1'"},
        {"true", "got true"},
        {"{}", "a table"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        char text[128];
        snprintf(text, sizeof text, "return { evict = function()\nreturn %s end }", wrong[i][0]);
        scripted_load(s, text);
        CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &candidates, &order), FH_OUTCOME_FAILED);
        CHECK_SAYS(s->report.text, "p.lua:2: evict: a number for each candidate, or nil for never");
        CHECK_SAYS(s->report.text, wrong[i][1]);
        assert_true(order.keys == keys && !order.use_keys);
    }
}

static void evict_as_columns_needs_no_call(void **state)
{
    scripted *s = *state;
    double keys[3] = {9, 9, 9};
    fh_evict_order order = {.keys = keys};
    scripted_load(s, "return { evict = { '-priority', 'age' } }");
    s->call.uncached = "rubbish";
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &candidates, &order), FH_OUTCOME_DECIDED);
    assert_true(!order.use_keys && order.keys == keys && keys[0] == 9);
    CHECK_EQUAL(order.column_count, 2);
    assert_true(order.columns[0].column == FH_EVICT_PRIORITY && order.columns[0].descending);
    assert_true(order.columns[1].column == FH_EVICT_AGE && !order.columns[1].descending);
    CHECK_EQUAL(s->call.charge, 0);
    assert_null(s->call.uncached);
}

static void evict_has_one_charge_for_all_candidates(void **state)
{
    scripted *s = *state;
    enum {
        MANY = 10000
    };
    static float priorities[MANY];
    static uint64_t numbers[MANY];
    static double keys[MANY];
    fh_candidates many = {.count = MANY,
                          .priorities = priorities,
                          .sizes = numbers,
                          .ages = numbers,
                          .made = numbers};
    fh_evict_order order = {.keys = keys};
    scripted_load(s, "return { evict = function(self, c) return c.size end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &many, &order), FH_OUTCOME_DECIDED);
    scripted_load(s, "return { evict = function(self, c) for i = 1, 50 do end return 1 end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &many, &order), FH_OUTCOME_STOPPED);
    assert_true(!order.use_keys);
}

static void a_hook_gets_what_it_has_parameters_for(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    fh_limits limits;
    scripted_load(s, "return { place = function(...)\n"
                     "local self, request, facts = ...\n"
                     "return { deny = select('#', ...) == 3 and facts.used == 0 } end,\n"
                     "limits = function(...) return { total = select('#', ...) } end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_DECIDED);
    assert_true(verdict.deny);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_DECIDED);
    CHECK_EQUAL(limits.total, 2);
    scripted_load(s, "return { place = function() return { deny = true } end,\n"
                     "limits = function(self) return { total = 5 } end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_DECIDED);
    assert_true(verdict.deny);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_DECIDED);
}

static void what_depends_on_more_than_the_class_is_not_kept(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body;
        const char *uncached;
        fh_keep keep;
        fh_outcome outcome;
    } cases[] = {
        {"return { deny = request.size_min > 5 }", NULL, FH_KEEP_RELOAD, FH_OUTCOME_DECIDED},
        {"return { deny = true, keep = 'frame' }", NULL, FH_KEEP_FRAME, FH_OUTCOME_DECIDED},
        {"return", NULL, FH_KEEP_RELOAD, FH_OUTCOME_NOTHING},
        {"return { deny = request.size > 5 }", "size", FH_KEEP_NEVER, FH_OUTCOME_DECIDED},
        {"return { deny = request.size > 5, keep = 'reload' }", "size", FH_KEEP_RELOAD,
         FH_OUTCOME_DECIDED},
        {"return { deny = request.size > 5, keep = 'frame' }", "size", FH_KEEP_FRAME,
         FH_OUTCOME_DECIDED},
        {"local x = request.size", "size", FH_KEEP_NEVER, FH_OUTCOME_NOTHING},
        {"error(request.size)", "size", FH_KEEP_NEVER, FH_OUTCOME_FAILED},
        {"while request.size do end", "size", FH_KEEP_NEVER, FH_OUTCOME_STOPPED},
        {"return { deny = request.size, keep = 'frame' }", "size", FH_KEEP_NEVER,
         FH_OUTCOME_FAILED},
        {"return { deny = facts.used > 5 }", NULL, FH_KEEP_NEVER, FH_OUTCOME_DECIDED},
        {"return { deny = self.state.x }", "self.state", FH_KEEP_NEVER, FH_OUTCOME_DECIDED},
        {"return { deny = #self.state > 1 }", "self.state", FH_KEEP_NEVER, FH_OUTCOME_DECIDED},
        {"for k in pairs(self.state) do end return { deny = true }", "self.state", FH_KEEP_NEVER,
         FH_OUTCOME_DECIDED},
        {"return { deny = math.random() > 2 }", "math.random", FH_KEEP_NEVER, FH_OUTCOME_DECIDED},
        {"return { deny = self.options.x }", NULL, FH_KEEP_RELOAD, FH_OUTCOME_DECIDED},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        char text[256];
        fh_verdict verdict;
        snprintf(text, sizeof text,
                 "return { options = { x = { type = 'boolean', default = true } },"
                 " place = function(self, request, facts)\n%s\nend }",
                 cases[i].body);
        scripted_load(s, text);
        for (int again = 0; again < 2; again++) {
            CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), cases[i].outcome);
            CHECK_EQUAL(verdict.keep, cases[i].keep);
            if (cases[i].uncached != NULL) {
                assert_string_equal(s->call.uncached, cases[i].uncached);
            } else {
                CHECK_EQUAL(s->call.uncached != NULL, cases[i].keep == FH_KEEP_NEVER);
            }
        }
    }
}

static void failures_are_told_and_decide_nothing(void **state)
{
    scripted *s = *state;
    static const struct {
        const char *body, *sentence;
        fh_outcome outcome;
    } cases[] = {
        {"error('no')", "p.lua:2: no", FH_OUTCOME_FAILED},
        {"return 5", "p.lua:2: place: ", FH_OUTCOME_FAILED},
        {"\nreturn { memry = 'device' }",
         "p.lua:3: place: unknown field 'memry'; did you mean "
         "'memory'?",
         FH_OUTCOME_FAILED},
        {"return { deny = true, priority = 2 }", "p.lua:2: place: priority: ", FH_OUTCOME_FAILED},
        {"return { memory = 'device', priority = 2 }",
         "p.lua:2: place: priority: ", FH_OUTCOME_FAILED},
        {"request.size = 5", "p.lua:2: ", FH_OUTCOME_FAILED},
        {"while true do end", "p.lua:2: it ran too long", FH_OUTCOME_STOPPED},
        {"while true do pcall(error) end", "p.lua:2: it ran too long", FH_OUTCOME_STOPPED},
        {"local t = {} for i = 1, 1e6 do t[i] = i end", "it took too much memory",
         FH_OUTCOME_STOPPED},
        {"local function f() return f() + 1 end return f()", "p.lua:2: it took too much memory",
         FH_OUTCOME_STOPPED},
        {"extend('p.lua')", "p.lua:2: extend: only while a script is loaded", FH_OUTCOME_FAILED},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        char text[256];
        fh_verdict verdict;
        snprintf(text, sizeof text,
                 "return { place = function(self, request)\n%s\nend, limits = function()\n"
                 "return { total = 5 } end }",
                 cases[i].body);
        scripted_load(s, text);
        memset(&verdict, 0xFF, sizeof verdict);
        CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), cases[i].outcome);
        CHECK_EQUAL(s->call.outcome, cases[i].outcome);
        assert_true(s->call.charge < FHI_CHARGE_HOOK + 2000);
        CHECK_SAYS(s->report.text, cases[i].sentence);
        assert_true(!verdict.deny && verdict.memory_count == 0 && !verdict.has_priority);
        CHECK_EQUAL(s->call.stopped_by_memory, strstr(cases[i].sentence, "memory") != NULL &&
                                                   cases[i].outcome == FH_OUTCOME_STOPPED);
        s->call.report = NULL;
        CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), cases[i].outcome);
        s->call.report = &s->report;
        /* The rest of the version is as well as ever. */
        fh_limits limits;
        CHECK_EQUAL(scripted_call(s, FH_HOOK_LIMITS, NULL, &limits), FH_OUTCOME_DECIDED);
        CHECK_EQUAL(limits.total, 5);
    }
}

static void a_hook_that_is_not_there_decides_nothing(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    double keys[1];
    fh_evict_order order = {.keys = keys};
    scripted_load(s, "return { migrate = function() error('no') end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_NOTHING);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_EVICT, &candidates, &order), FH_OUTCOME_NOTHING);
    assert_true(order.keys == keys && !order.use_keys);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_MIGRATE, NULL, &verdict), FH_OUTCOME_NOTHING);
}

static void facts_are_gone_after_the_hook(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    scripted_load(s, "local kept\n"
                     "return { place = function(self, request, facts)\n"
                     "if kept then return { deny = kept.size > 1 } end\n"
                     "kept = request end }");
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_NOTHING);
    CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_FAILED);
    CHECK_SAYS(s->report.text, "p.lua:3: ");
}

static void calls_take_no_host_memory_in_the_long_run(void **state)
{
    scripted *s = *state;
    fh_verdict verdict;
    scripted_load(s, "return { place = function(self, request)\n"
                     "return { memory = { 'device', 'host' }, keep = 'never' } end,\n"
                     "frame = function(self, stats)\n"
                     "self.state.n = (self.state.n or 0) + 1 self.state.t = { 1, { 2 } } end }");
    uint64_t allocs = 0;
    for (int i = 0; i < 5000; i++) {
        if (i == 2000) {
            allocs = s->memory.alloc_count;
        }
        CHECK_EQUAL(scripted_call(s, FH_HOOK_PLACE, &request, &verdict), FH_OUTCOME_DECIDED);
        scripted_frame_well(s);
        s->engine->step(s->version);
    }
    CHECK_EQUAL(s->memory.alloc_count, allocs);
}

/* ---- host memory ---- */

/* Whatever allocation fails, nothing leaks, and what is refused says why. */
static void host_memory_may_fail_anywhere(void **state)
{
    scripted *s = *state;
    static const char text[] =
        "return extend('base.lua', { options = { x = { default = 7 } },\n"
        "frame = function(self)\n"
        "local t = {} for i = 1, 1500 do t[i] = { i, { i } } end\n"
        "self.state.n = (self.state.n or 0) + 1 self.state.t = { 1, { 2, x = ('y'):rep(3000) } }\n"
        "if stats_fail then error('no') end end })";
    s->files[0][0] = "base.lua";
    s->files[0][1] = "return { options = { x = { type = 'integer', default = 5 } },\n"
                     "frame = function() end }";
    bool done = false;
    unsigned int made = 0;
    for (uint64_t at = 1; !done; at++) {
        s->memory.fail_at = s->memory.alloc_count + at;
        s->memory.fail_on = at % 2 == 0;
        uint64_t failures = s->memory.failure_count;
        s->report.text[0] = '\0';
        if (scripted_try(s, text, NULL, 0) == NULL) {
            assert_true(s->report.text[0] != '\0');
            CHECK_EQUAL(s->memory.live_count, 0);
            continue;
        }
        made++;
        for (int i = 0; i < 3; i++) {
            char before[sizeof s->json];
            fhi_state saved;
            bool known = s->engine->state_save(s->version, &saved);
            snprintf(before, sizeof before, "%s", known ? scripted_json(s) : "");
            fh_outcome outcome = scripted_frame(s);
            bool well = outcome == FH_OUTCOME_NOTHING;
            if (!well) {
                CHECK_EQUAL(outcome, FH_OUTCOME_STOPPED);
                assert_true(s->call.stopped_by_memory);
            }
            if (known && !well && s->engine->state_save(s->version, &saved)) {
                assert_string_equal(scripted_json(s), before);
            }
            s->engine->step(s->version);
            s->engine->set_option(s->version, "x", "8", &s->report);
            s->engine->state_restore(s->version, &saved);
            s->engine->migrate(s->version, &saved, 1, &s->call);
        }
        done = s->memory.failure_count == failures;
        s->memory.fail_at = 0;
        /* With memory again, all is well. */
        scripted_frame_well(s);
        CHECK_SAYS(scripted_json(s), "\"t\":[1,{\"1\":2,\"x\":\"yyy");
    }
    s->memory.fail_on = false;
    assert_true(made > 3);
}

int main(void)
{
#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CALL_TEST(every_hook_is_called_with_its_input),
        CALL_TEST(evict_gives_a_key_for_each_candidate),
        CALL_TEST(evict_as_columns_needs_no_call),
        CALL_TEST(evict_has_one_charge_for_all_candidates),
        CALL_TEST(a_hook_gets_what_it_has_parameters_for),
        CALL_TEST(what_depends_on_more_than_the_class_is_not_kept),
        CALL_TEST(failures_are_told_and_decide_nothing),
        CALL_TEST(a_hook_that_is_not_there_decides_nothing),
        CALL_TEST(facts_are_gone_after_the_hook),
        CALL_TEST(calls_take_no_host_memory_in_the_long_run),
        CALL_TEST(host_memory_may_fail_anywhere),
    };
    return cmocka_run_group_tests_name("script_calls", tests, NULL, NULL);
}
