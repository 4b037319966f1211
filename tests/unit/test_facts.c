/* Facts: structs that scripts read as if they were tables; and as plain tables. */

#include "lua_rig.h"

static const fhi_shape *input_of(fh_hook hook)
{
    return fhi_hook_contracts[hook].input;
}

static fh_request some_request(void)
{
    return (fh_request){
        .kind = FH_KIND_TEXTURE,
        .usage = FH_USAGE_SAMPLED | FH_USAGE_COPY_DST,
        .location = FH_LOCATION_DEVICE,
        .access = FH_ACCESS_RANDOM,
        .tag = 1,
        .tag_name = "terrain",
        .size_min = 1 << 20,
        .size_max = (2 << 20) - 1,
        .size = 1500000,
        .alignment = 256,
        .type_mask = 5,
        .format = FH_FORMAT_RGBA8_UNORM,
        .texture_kind = FH_TEXTURE_CUBE,
        .width = 640,
        .height = 480,
        .depth = 1,
        .layers = 6,
        .mips = 3,
        .samples = 1,
        .priority = 0.75F,
        .dedicated = FH_DEDICATED_PREFER,
        .mapped = true,
        .name = "sky",
        .reason = FH_ERR_BUDGET,
        .account = {FH_ACCOUNT_HEAP, 1},
        .shortage = 4096,
        .attempt = 2,
        .tried = 1U << FH_RELIEF_TRIM | 1U << FH_RELIEF_RETRY,
    };
}

static fh_facts some_facts(void)
{
    fh_facts facts = {.frame = 7,
                      .now_ns = UINT64_C(1) << 40,
                      .used = 100,
                      .limit = FH_NO_LIMIT,
                      .heap_count = 2};
    facts.heaps[0] = (fh_heap_facts){.size = 1000, .used = 60, .limit = 900, .device_local = true};
    facts.heaps[1] = (fh_heap_facts){.size = 2000, .used = 40, .limit = FH_NO_LIMIT};
    return facts;
}

/* Runs a text in which `r` is the fact. */
static bool run_with(rig *self, const fhi_shape *shape, const void *data, const char *text)
{
    char whole[2048];
    snprintf(whole, sizeof whole, "local r = ... %s", text);
    lua_settop(self->L, 0);
    fhi_facts_begin(&self->scope);
    fhi_facts_push(self->L, shape, data);
    bool done = rig_run(self, whole);
    fhi_facts_end(&self->scope);
    return done;
}

static void must(rig *self, const fhi_shape *shape, const void *data, const char *text)
{
    if (!run_with(self, shape, data, text)) {
        fail_msg("%s", self->error);
    }
}

static void a_request_reads_as_its_struct_says(void **state)
{
    fh_request request = some_request();
    must(*state, input_of(FH_HOOK_PLACE), &request,
         "assert(r.kind == 'texture' and r.location == 'device' and r.access == 'random')"
         "assert(r.tag == 'terrain' and r.name == 'sky')"
         "assert(math.type(r.size) == 'integer' and r.size == 1500000)"
         "assert(r.size_min == 1 << 20 and r.size_max == (2 << 20) - 1 and r.alignment == 256)"
         "assert(#r.types == 2 and r.types[1] == 0 and r.types[2] == 2)"
         "assert(r.format == 'rgba8_unorm' and r.texture_kind == 'cube')"
         "assert(r.width == 640 and r.height == 480 and r.depth == 1 and r.layers == 6)"
         "assert(r.mips == 3 and r.samples == 1 and r.priority == 0.75)"
         "assert(r.dedicated == 'prefer' and r.within_budget == false and r.mapped == true)");
}

static void what_refused_a_request_is_told_to_relieve_alone(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    const fhi_shape *shape = input_of(FH_HOOK_RELIEVE);
    must(self, shape, &request,
         "assert(r.reason == 'budget' and r.shortage == 4096 and r.attempt == 2)"
         "assert(r.tried.trim and r.tried.retry and not r.tried.evict)"
         "assert(r.account.scope == 'heap' and r.account.heap == 2)"
         "assert(r.account.kind == nil and r.account.tag == nil)");
    request.account = (fh_account){FH_ACCOUNT_KIND, FH_KIND_RAW};
    must(self, shape, &request, "assert(r.account.kind == 'raw' and r.account.heap == nil)");
    request.account = (fh_account){FH_ACCOUNT_KIND, 1000};
    must(self, shape, &request, "assert(r.account.kind == nil)");
    request.account = (fh_account){FH_ACCOUNT_TAG, rig_tag(self, "ui")};
    must(self, shape, &request, "assert(r.account.tag == 'ui' and r.account.scope == 'tag')");
    request.account = (fh_account){FH_ACCOUNT_TOTAL, 0};
    must(self, shape, &request, "assert(r.account.scope == 'total')");
    request.reason = FH_ERR_OUT_OF_MEMORY;
    must(self, shape, &request, "assert(r.reason == 'out_of_memory' and r.account == nil)");
    assert_false(run_with(self, input_of(FH_HOOK_PLACE), &request, "return r.reason"));
    rig_check_error(self, "request|unknown fact 'reason'");
}

static void what_has_no_limit_or_no_name_is_nil(void **state)
{
    rig *self = *state;
    fh_request request = {.tag_name = "", .name = "", .size_max = UINT64_MAX};
    must(self, input_of(FH_HOOK_PLACE), &request,
         "assert(r.tag == nil and r.name == nil and r.size_max == nil and r.size == 0)"
         "assert(r.format == 'none')");
    request.tag_name = request.name = NULL;
    must(self, input_of(FH_HOOK_PLACE), &request, "assert(r.tag == nil and r.name == nil)");
    fh_facts facts = some_facts();
    must(self, &fhi_shape_facts, &facts,
         "assert(r.limit == nil and r.heaps[1].limit == 900 and r.heaps[2].limit == nil)");
    facts.limit = (UINT64_C(1) << 63) - 1;
    must(self, &fhi_shape_facts, &facts, "assert(r.limit == math.maxinteger)");
    facts.limit = UINT64_C(1) << 63;
    must(self, &fhi_shape_facts, &facts, "assert(r.limit == nil)");
}

static void lists_are_as_long_as_they_are(void **state)
{
    rig *self = *state;
    fh_facts facts = some_facts();
    must(self, &fhi_shape_facts, &facts,
         "assert(#r.heaps == 2 and r.heaps[0] == nil and r.heaps[3] == nil and r.heaps[-1] == nil)"
         "assert(r.heaps[1].size == 1000 and r.heaps[2.0].size == 2000)"
         "assert(r.heaps[math.maxinteger] == nil and r.heaps[math.mininteger] == nil)"
         "local n = 0 for i, heap in ipairs(r.heaps) do n = n + heap.used * i end assert(n == 140)"
         "n = 0 for i, heap in pairs(r.heaps) do n = n + heap.used * i end assert(n == 140)");
    assert_false(run_with(self, &fhi_shape_facts, &facts, "return r.heaps.first"));
    rig_check_error(self, "script:1:|heaps|'first'");
    assert_false(run_with(self, &fhi_shape_facts, &facts, "return r.heaps[1.5]"));
    rig_check_error(self, "heaps|1.5");
    facts.heap_count = 1000; /* not ours to trust */
    must(self, &fhi_shape_facts, &facts, "assert(#r.heaps == 16)");
}

static void sets_have_what_is_in_them(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    must(self, input_of(FH_HOOK_PLACE), &request,
         "assert(r.usage.sampled == true and r.usage.copy_dst == true and r.usage.storage == nil)"
         "local all = {} for word, is in pairs(r.usage) do all[#all + 1] = word assert(is) end "
         "assert(table.concat(all, ' ') == 'copy_dst sampled')");
    assert_false(run_with(self, input_of(FH_HOOK_PLACE), &request, "return r.usage.storgae"));
    rig_check_error(self, "script:1:|usage|'storgae'|did you mean 'storage'?");
    assert_false(run_with(self, input_of(FH_HOOK_PLACE), &request, "return r.usage[1]"));
    rig_check_error(self, "usage|1");
}

static void pairs_lists_what_is_not_nil_in_the_contract_s_order(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    request.name = "";
    must(self, input_of(FH_HOOK_PLACE), &request,
         "local all = {} for name, value in pairs(r) do all[#all + 1] = name assert(value ~= nil) "
         "end assert(table.concat(all, ' ') == 'kind usage location access tag size_min size_max "
         "size alignment types format texture_kind width height depth layers mips samples priority "
         "dedicated within_budget mapped', table.concat(all, ' '))");
}

static void writing_raises(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    fh_facts facts = some_facts();
    static const char *const texts[] = {"r.size = 1", "r.new = 1", "r.usage.storage = true",
                                        "r[1] = 1", "r.size = nil"};
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        assert_false(run_with(self, input_of(FH_HOOK_PLACE), &request, texts[i]));
        rig_check_error(self, "script:1:|read-only");
    }
    assert_false(run_with(self, &fhi_shape_facts, &facts, "r.heaps[1] = 1"));
    rig_check_error(self, "read-only");
    assert_false(run_with(self, &fhi_shape_facts, &facts, "setmetatable(r, nil)"));
    must(self, &fhi_shape_facts, &facts, "assert(getmetatable(r) == false)");
}

static void an_unknown_fact_raises_with_the_nearest(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    static const struct {
        const char *text, *parts;
    } cases[] = {
        {"return r.knid", "script:1: |request: unknown fact 'knid'|did you mean 'kind'?"},
        {"return r.Size", "did you mean 'size'?"},
        {"return r[1]", "unknown fact 1"},
        {"return r[true]", "unknown fact true"},
        {"return r['a\\0b']", "unknown fact 'a?b'"},
        {"return r[('x'):rep(10000)]", "unknown fact 'xxxxxxxx|...'"},
        {"return r['\\27[31m']", "unknown fact '?[31m'"},
        {"return r[r]", "unknown fact"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        assert_false(run_with(self, input_of(FH_HOOK_PLACE), &request, cases[i].text));
        rig_check_error(self, cases[i].parts);
    }
}

static void facts_are_stale_after_their_hook(void **state)
{
    rig *self = *state;
    fh_facts facts = some_facts();
    must(self, &fhi_shape_facts, &facts,
         "assert(r.frame == 7) kept, kept_list, kept_heap = r, r.heaps, r.heaps[1]");
    static const char *const texts[] = {"return kept.frame", "return kept_list[1]",
                                        "return #kept_list", "return kept_heap.size",
                                        "for _ in pairs(kept) do end"};
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        assert_false(rig_run(self, texts[i]));
        rig_check_error(self, "script:1:|stale");
        /* Also while another hook has facts of the same kind. */
        assert_false(run_with(self, &fhi_shape_facts, &facts, texts[i]));
        rig_check_error(self, "stale");
    }
    fh_request request = some_request();
    must(self, input_of(FH_HOOK_PLACE), &request, "kept = r.usage");
    assert_false(rig_run(self, "return kept.storage"));
    rig_check_error(self, "stale");
}

static void the_first_read_that_is_no_class_fact_is_told(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    const fhi_shape *shape = input_of(FH_HOOK_PLACE);
    must(self, shape, &request,
         "local _ = r.kind, r.usage.storage, r.location, r.access, r.tag, r.size_min, r.size_max");
    assert_null(self->scope.uncached);
    must(self, shape, &request, "local _ = r.kind, r.width, r.size");
    assert_string_equal(self->scope.uncached, "width");
    must(self, shape, &request, "local _ = r.kind");
    assert_null(self->scope.uncached);
    must(self, shape, &request, "for _ in pairs(r) do end");
    assert_string_equal(self->scope.uncached, "size");

    fh_facts facts = some_facts();
    static const char *const texts[] = {"local f = ... return f.used",
                                        "local f = ... return #f.heaps",
                                        "local f = ... return f.heaps[1].size"};
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        lua_settop(self->L, 0);
        fhi_facts_begin(&self->scope);
        fhi_facts_push_uncached(self->L, &facts);
        assert_null(self->scope.uncached);
        assert_true(rig_run(self, texts[i]));
        assert_string_equal(self->scope.uncached, "facts");
        fhi_facts_end(&self->scope);
    }
}

static void other_hooks_facts_read_as_their_structs_say(void **state)
{
    rig *self = *state;
    const fh_pressure event = {{FH_ACCOUNT_HEAP, 0}, 1, 0.85, true, 90, 100};
    must(self, input_of(FH_HOOK_PRESSURE), &event,
         "assert(r.account.heap == 1 and r.watermark == 2 and r.fraction == 0.85 and r.up)"
         "assert(r.used == 90 and r.limit == 100)");
    const fh_block_facts block = {.type = 0, .heap = 1, .size = 64, .empty_ticks = 3, .over = true};
    must(self, input_of(FH_HOOK_RETAIN), &block,
         "assert(r.type == 0 and r.heap == 2 and r.size == 64 and r.empty_ticks == 3 and r.over)");
    const fh_frame_facts frame = {.tick_ns = 16, .depth = 2, .refused_count = 9};
    must(self, input_of(FH_HOOK_FRAME), &frame,
         "assert(r.tick_ns == 16 and r.depth == 2 and r.refused_count == 9)");
    const fh_recycle_facts cache = {.kind = FH_KIND_BUFFER, .count = 3, .hits = 5};
    must(self, input_of(FH_HOOK_RECYCLE), &cache,
         "assert(r.kind == 'buffer' and r.count == 3 and r.hits == 5)");
    const fh_alias_facts graph = {.item_count = 3, .bytes = 5};
    must(self, input_of(FH_HOOK_ALIAS), &graph, "assert(r.item_count == 3 and r.bytes == 5)");
    const fh_defrag_facts gaps = {.heap = 0, .gap_count = 3};
    must(self, input_of(FH_HOOK_DEFRAG), &gaps, "assert(r.heap == 1 and r.gap_count == 3)");
}

static void one_cursor_goes_through_all_candidates(void **state)
{
    rig *self = *state;
    const float priorities[] = {0.5F, 0.25F};
    const uint64_t ages[] = {10, 20}, sizes[] = {100, 200}, made[] = {30, 40};
    const fh_tag tags[] = {0, rig_tag(self, "ui")};
    const fh_kind kinds[] = {FH_KIND_BUFFER, FH_KIND_TEXTURE};
    const fh_candidates candidates = {.count = 2,
                                      .priorities = priorities,
                                      .ages = ages,
                                      .sizes = sizes,
                                      .tags = tags,
                                      .kinds = kinds,
                                      .made = made,
                                      .wanted = 64};
    lua_State *L = self->L;
    fhi_facts_begin(&self->scope);
    fhi_facts_push_candidates(L, &candidates);
    lua_setglobal(L, "c");
    assert_true(rig_run(self, "assert(c.priority == 0.5 and c.age == 10 and c.size == 100)"
                              "assert(c.tag == nil and c.kind == 'buffer' and c.made == 30)"
                              "assert(c.count == 2 and c.wanted == 64)"));
    lua_getglobal(L, "c");
    fhi_facts_move(L, -1, 1);
    lua_settop(L, 0);
    assert_true(rig_run(self, "assert(c.priority == 0.25 and c.age == 20 and c.size == 200)"
                              "assert(c.tag == 'ui' and c.kind == 'texture' and c.made == 40)"));
    fhi_facts_push_table(L, &self->scope, input_of(FH_HOOK_EVICT), &candidates);
    lua_setglobal(L, "t");
    assert_true(rig_run(self, "assert(#t == 2 and t.wanted == 64 and t[2].tag == 'ui')"
                              "assert(t[1].age == 10 and t[1].tag == nil and t[2].made == 40)"));
    fhi_facts_end(&self->scope);
    assert_false(rig_run(self, "return c.age"));
    rig_check_error(self, "stale");
    const fh_candidates none = {0};
    must(self, input_of(FH_HOOK_EVICT), &none, "assert(r.age == nil and r.count == 0)");
}

/* ---- as tables ---- */

static int read_table(lua_State *L)
{
    rig *self = lua_touserdata(L, 1);
    fhi_facts_read_table(L, 4, lua_touserdata(L, 2), lua_touserdata(L, 3), rig_tag, self);
    return 0;
}

/* The table on top, into `out`. */
static bool read_into(rig *self, const fhi_shape *shape, void *out)
{
    lua_State *L = self->L;
    self->error[0] = '\0';
    lua_pushcfunction(L, read_table);
    lua_pushlightuserdata(L, self);
    lua_pushlightuserdata(L, (void *)(uintptr_t)shape);
    lua_pushlightuserdata(L, out);
    lua_rotate(L, 1, -1);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
        snprintf(self->error, sizeof self->error, "%s", lua_tostring(L, -1));
        lua_settop(L, 0);
        return false;
    }
    return true;
}

/* From a struct to a table, to another struct, whose table must be the same. */
static void check_round_trip(rig *self, const fhi_shape *shape, const void *data, void *back)
{
    lua_State *L = self->L;
    lua_settop(L, 0);
    fhi_facts_push_table(L, &self->scope, shape, data);
    lua_pushvalue(L, 1);
    lua_setglobal(L, "first");
    if (!read_into(self, shape, back)) {
        fail_msg("%s", self->error);
    }
    fhi_facts_push_table(L, &self->scope, shape, back);
    lua_setglobal(L, "second");
    if (!rig_run(self, "local function same(a, b)"
                       "    if type(a) ~= 'table' then assert(a == b) return end"
                       "    for key in pairs(a) do same(a[key], b[key]) end "
                       "    for key in pairs(b) do assert(a[key] ~= nil, key) end "
                       "end "
                       "assert(next(first)) same(first, second)")) {
        fail_msg("%s: %s", shape->name, self->error);
    }
}

static void a_table_of_facts_reads_back_as_the_struct(void **state)
{
    rig *self = *state;
    rig_tag(self, "terrain");
    fh_request request = some_request(), request_back = {0};
    check_round_trip(self, input_of(FH_HOOK_RELIEVE), &request, &request_back);
    assert_string_equal(request_back.tag_name, "terrain");
    assert_int_equal(request_back.tag, 1);
    assert_int_equal(request_back.reason, FH_ERR_BUDGET);
    assert_int_equal(request_back.account.index, 1);
    assert_int_equal(request_back.tried, request.tried);

    fh_facts facts = some_facts(), facts_back = {0};
    facts_back.limit = facts_back.heaps[1].limit = FH_NO_LIMIT;
    check_round_trip(self, &fhi_shape_facts, &facts, &facts_back);
    assert_int_equal(facts_back.heap_count, 2);
    assert_true(facts_back.heaps[0].device_local && facts_back.heaps[0].limit == 900);

    const fh_pressure event = {{FH_ACCOUNT_TAG, 1}, 1, 0.85, true, 90, 100};
    fh_pressure event_back = {0};
    check_round_trip(self, input_of(FH_HOOK_PRESSURE), &event, &event_back);
    assert_int_equal(event_back.account.scope, FH_ACCOUNT_TAG);
    assert_int_equal(event_back.account.index, 1);
    assert_int_equal(event_back.watermark, 1);
}

static void a_table_of_facts_is_read_strictly(void **state)
{
    rig *self = *state;
    static const struct {
        fh_hook hook;
        const char *text, *parts;
    } cases[] = {
        {FH_HOOK_PLACE, "return { kidn = 'texture' }", "request|'kidn'|did you mean 'kind'?"},
        {FH_HOOK_PLACE, "return { kind = 'textrue' }", "request: kind|did you mean 'texture'?"},
        {FH_HOOK_PLACE, "return { size = '20' }", "request: size|unit"},
        {FH_HOOK_PLACE, "return { size = -1 }", "request: size|-1"},
        {FH_HOOK_PLACE, "return { width = 2.5 }", "request: width|2.5"},
        {FH_HOOK_PLACE, "return { usage = 'strage' }", "request: usage|did you mean 'storage'?"},
        {FH_HOOK_PLACE, "return { usage = 5 }", "request: usage|5"},
        {FH_HOOK_PLACE, "return { tag = 'a\\nb' }", "request: tag|'a?b'"},
        {FH_HOOK_PLACE, "return { tag = ('x'):rep(64) }", "request: tag"},
        {FH_HOOK_PLACE, "return { name = 5 }", "request: name"},
        {FH_HOOK_PLACE, "return { types = { 32 } }", "request: types|32"},
        {FH_HOOK_PLACE, "return { mapped = 1 }", "request: mapped|true or false"},
        {FH_HOOK_PLACE, "return { reason = 'budget' }", "unknown field 'reason'"},
        {FH_HOOK_RELIEVE, "return { reason = 'bugdet' }", "reason|did you mean 'budget'?"},
        {FH_HOOK_RELIEVE, "return { account = { scope = 'heap', heap = 0 } }", "account: heap|0"},
        {FH_HOOK_RELIEVE, "return { account = { scope = 'heap' } }", "account: heap"},
        {FH_HOOK_RELIEVE, "return { account = {} }", "scope"},
        {FH_HOOK_RELIEVE, "return { account = 5 }", "account|table"},
        {FH_HOOK_PLACE, "return 5", "request|a table"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        fh_request out = {0};
        lua_settop(self->L, 0);
        assert_true(rig_run(self, cases[i].text));
        assert_false(read_into(self, input_of(cases[i].hook), &out));
        rig_check_error(self, cases[i].parts);
    }
    fh_facts facts = {0};
    assert_true(rig_run(self, "local t = {} for i = 1, 17 do t[i] = {} end return { heaps = t }"));
    assert_false(read_into(self, &fhi_shape_facts, &facts));
    rig_check_error(self, "heaps|16");
    assert_true(rig_run(self, "return { heaps = { {}, { usde = 1 } } }"));
    assert_false(read_into(self, &fhi_shape_facts, &facts));
    rig_check_error(self, "heaps 2|'usde'|did you mean 'used'?");
}

static void sets_may_be_written_in_three_ways(void **state)
{
    rig *self = *state;
    static const char *const texts[] = {"return { usage = 'storage' }",
                                        "return { usage = { 'storage' } }",
                                        "return { usage = { storage = true, vertex = false } }"};
    for (size_t i = 0; i < TEST_COUNT_OF(texts); i++) {
        fh_request out = {0};
        assert_true(rig_run(self, texts[i]));
        assert_true(read_into(self, input_of(FH_HOOK_PLACE), &out));
        assert_int_equal(out.usage, FH_USAGE_STORAGE);
    }
}

/* Trusted scripts have `debug`, and with it the classes. */
static void their_functions_look_before_they_read(void **state)
{
    rig *self = *state;
    fh_request request = some_request();
    must(self, input_of(FH_HOOK_PLACE), &request,
         "local class = debug.getmetatable(r) "
         "local set = debug.getmetatable(r.usage) "
         "local wrong = { 5, 'text', ('x'):rep(40), {}, io.stdout, print, r.usage } "
         "for i = 1, #wrong do"
         "    assert(not pcall(class.__index, wrong[i], 'kind'))"
         "    assert(not pcall(class.__keys, wrong[i]))"
         "end "
         "wrong[#wrong] = r "
         "for i = 1, #wrong do assert(not pcall(set.__index, wrong[i], 'storage')) end "
         "assert(not pcall(class.__index))");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
        TEST(a_request_reads_as_its_struct_says),
        TEST(what_refused_a_request_is_told_to_relieve_alone),
        TEST(what_has_no_limit_or_no_name_is_nil),
        TEST(lists_are_as_long_as_they_are),
        TEST(sets_have_what_is_in_them),
        TEST(pairs_lists_what_is_not_nil_in_the_contract_s_order),
        TEST(writing_raises),
        TEST(an_unknown_fact_raises_with_the_nearest),
        TEST(facts_are_stale_after_their_hook),
        TEST(the_first_read_that_is_no_class_fact_is_told),
        TEST(other_hooks_facts_read_as_their_structs_say),
        TEST(one_cursor_goes_through_all_candidates),
        TEST(a_table_of_facts_reads_back_as_the_struct),
        TEST(a_table_of_facts_is_read_strictly),
        TEST(sets_may_be_written_in_three_ways),
        TEST(their_functions_look_before_they_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
