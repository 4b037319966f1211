/* fh_device_json() writes what the memory-dump visualiser reads, and it is true: every byte of
 * every block is in one row, and the sums are those of the rows. */

#include "dump_checks.h"

static const json_value *check_row(const json_value *dump, const char *name, const char *type,
                                   uint64_t size)
{
    const json_value *row = dump_row_named(dump, name);
    if (row == NULL) {
        fail_msg("no row is named %s", name);
    }
    assert_string_equal(dump_text(row, "Type"), type);
    CHECK_EQUAL(dump_number(row, "Size"), size);
    return row;
}

static const json_value *item_named(const json_value *list, const char *name)
{
    for (const json_value *i = list->first; i != NULL; i = i->next) {
        if (strcmp(dump_text(i, "Name"), name) == 0) {
            return i;
        }
    }
    fail_msg("no item is named %s", name);
    return NULL;
}

/* ---- what there is to see ---- */

static void an_empty_device_can_be_dumped(void **state)
{
    const card *c = *state;
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *general = json_get(dump, "General");
    assert_string_equal(dump_text(general, "API"), "Vulkan");
    assert_string_equal(dump_text(general, "GPU"), fh_device_adapter(c->device)->name);
    assert_string_equal(dump_text(general, "Backend"), "host");
    assert_string_equal(dump_text(general, "Policy"), "native");
    assert_string_equal(dump_text(general, "Freehold"), FH_VERSION_STRING);
    CHECK_EQUAL(json_get(dump, "MemoryInfo")->count, 2);
    CHECK_EQUAL(json_get(dump, "DefaultPools")->count, 3);
    CHECK_EQUAL(json_get(dump, "CustomPools")->count, 0);
    json_free(dump);
}

static void heaps_show_size_flags_and_budget(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, MIB(1));
    fh_device_stats stats = card_stats(c);
    json_value *dump = check_dump(c, false);
    const json_value *heap = json_get(json_get(dump, "MemoryInfo"), "Heap 0");
    CHECK_EQUAL(dump_number(heap, "Size"), MIB(64));
    assert_string_equal(json_get(heap, "Flags")->first->string, "device_local");
    const json_value *budget = json_get(heap, "Budget");
    CHECK_EQUAL(dump_number(budget, "BudgetBytes"), GIB(1));
    CHECK_EQUAL(dump_number(budget, "UsageBytes"), stats.budgets[0].usage);
    const json_value *types = json_get(heap, "MemoryPools");
    CHECK_EQUAL(types->count, 1);
    heap = json_get(json_get(dump, "MemoryInfo"), "Heap 1");
    CHECK_EQUAL(json_get(heap, "Flags")->count, 0);
    types = json_get(heap, "MemoryPools");
    CHECK_EQUAL(types->count, 2);
    CHECK_EQUAL(json_get(json_get(types, "Type 2"), "Flags")->count, 3);
    json_free(dump);
    check_release(c, buffer);
}

static void rows_show_what_lies_there(void **state)
{
    const card *c = *state;
    int owner;
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.usage = FH_USAGE_VERTEX | FH_USAGE_COPY_DST;
    desc.memory.name = "mesh";
    desc.memory.user = &owner;
    fh_parcel mesh = check_make(c, &desc);
    fh_parcel sky = check_texture(c, (fh_texture_desc){.format = FH_FORMAT_D32_FLOAT,
                                                       .width = 256,
                                                       .height = 256,
                                                       .usage = FH_USAGE_DEPTH_TARGET,
                                                       .memory = {.name = "sky"}});
    fh_parcel rows = check_texture(c, (fh_texture_desc){.format = FH_FORMAT_RGBA8_UNORM,
                                                        .width = 256,
                                                        .height = 256,
                                                        .linear = true,
                                                        .memory = {.name = "rows"}});
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = KIB(128), .memory = {.name = "raw"}});
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *row = check_row(dump, "mesh", "BUFFER", check_info(c, mesh).reserved);
    CHECK_EQUAL(dump_number(row, "Offset"), check_info(c, mesh).offset);
    CHECK_EQUAL(dump_number(row, "Usage"), 0x82); /* VERTEX_BUFFER | TRANSFER_DST */
    char digits[24];
    snprintf(digits, sizeof digits, "%llx", (unsigned long long)(uintptr_t)&owner);
    assert_string_equal(dump_text(row, "CustomData"), digits);
    row = check_row(dump, "sky", "IMAGE_OPTIMAL", check_info(c, sky).reserved);
    CHECK_EQUAL(dump_number(row, "Usage"), 0x20); /* DEPTH_STENCIL_ATTACHMENT */
    assert_null(json_get(row, "CustomData"));
    check_row(dump, "rows", "IMAGE_LINEAR", check_info(c, rows).reserved);
    check_row(dump, "raw", "UNKNOWN", check_info(c, raw).reserved);
    json_free(dump);
    check_release(c, mesh);
    check_release(c, sky);
    check_release(c, rows);
    check_release(c, raw);
    check_both(c);
}

static void dedicated_allocations_stand_by_themselves(void **state)
{
    const card *c = *state;
    fh_parcel buffers[3];
    for (int i = 0; i < 3; i++) {
        fh_buffer_desc desc = card_buffer_desc(MIB(1) + (uint64_t)i);
        desc.memory.dedicated = FH_DEDICATED_REQUIRE;
        desc.memory.location = i == 1 ? FH_LOCATION_UPLOAD : FH_LOCATION_DEVICE;
        desc.memory.name = i == 1 ? "upload" : "own";
        buffers[i] = check_make(c, &desc);
    }
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *pools = json_get(dump, "DefaultPools");
    const json_value *local = json_get(json_get(pools, "Type 0"), "DedicatedAllocations");
    const json_value *written = json_get(json_get(pools, "Type 1"), "DedicatedAllocations");
    CHECK_EQUAL(local->count, 2);
    CHECK_EQUAL(written->count, 1);
    CHECK_EQUAL(json_get(json_get(pools, "Type 0"), "Blocks")->count, 0);
    CHECK_EQUAL(dump_number(written->first, "Size"), check_info(c, buffers[1]).reserved);
    assert_string_equal(dump_text(written->first, "Name"), "upload");
    json_free(dump);
    for (int i = 0; i < 3; i++) {
        check_release(c, buffers[i]);
    }
}

static void aliases_are_listed_and_their_memory_is_one_row(void **state)
{
    const card *c = *state;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = MIB(1), .memory = {.name = "below"}});
    fh_parcel own =
        check_raw(c, &(fh_raw_desc){.size = MIB(1),
                                    .memory = {.name = "own", .dedicated = FH_DEDICATED_REQUIRE}});
    fh_parcel above[3];
    for (unsigned int i = 0; i < 3; i++) {
        fh_buffer_desc desc = card_buffer_desc(KIB(512));
        desc.memory.backing = i < 2 ? raw : own;
        desc.memory.backing_offset = i * KIB(64);
        desc.memory.name = i == 0 ? "first" : i == 1 ? "second" : "third";
        above[i] = check_make(c, &desc);
    }
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *row = check_row(dump, "below", "UNKNOWN", check_info(c, raw).reserved);
    assert_null(dump_row_named(dump, "first"));
    const json_value *aliases = json_get(json_get(dump, "General"), "Aliases");
    CHECK_EQUAL(aliases->count, 3);
    const json_value *first = item_named(aliases, "first");
    const json_value *second = item_named(aliases, "second");
    CHECK_EQUAL(dump_number(first, "Offset"), dump_number(row, "Offset"));
    CHECK_EQUAL(dump_number(second, "Offset"), dump_number(row, "Offset") + KIB(64));
    CHECK_EQUAL(dump_number(second, "Size"), KIB(512));
    assert_string_equal(dump_text(second, "Type"), "BUFFER");
    assert_string_equal(dump_text(second, "On"), "below");
    assert_string_equal(dump_text(item_named(aliases, "third"), "On"), "own");
    json_free(dump);
    check_release(c, raw); /* the aliases keep it */
    check_both(c);
    for (unsigned int i = 0; i < 3; i++) {
        check_release(c, above[i]);
    }
    check_release(c, own);
}

static void external_memory_is_listed(void **state)
{
    const card *c = *state;
    fh_parcel external;
    CHECK_OK(fh_external_create(
        c->device, &(fh_external_desc){.size = 12345, .heap = 1, .name = "theirs"}, &external));
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *general = json_get(dump, "General");
    const json_value *item = item_named(json_get(general, "External"), "theirs");
    CHECK_EQUAL(dump_number(item, "Size"), 12345);
    CHECK_EQUAL(dump_number(item, "Heap"), 1);
    CHECK_EQUAL(dump_number(general, "ExternalBytes"), 12345);
    json_free(dump);
    check_release(c, external);
}

static void what_retires_keeps_its_row(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.name = "gone";
    fh_parcel buffer = check_make(c, &desc);
    uint64_t reserved = check_info(c, buffer).reserved;
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 1}));
    check_release(c, buffer);
    check_both(c);
    json_value *dump = check_dump(c, true);
    check_row(dump, "gone (retiring)", "BUFFER", reserved);
    CHECK_EQUAL(dump_number(json_get(dump, "General"), "RetiringBytes"), reserved);
    json_free(dump);
    CHECK_OK(fh_queue_signal(c->device, queue, 1));
    CHECK_OK(fh_device_tick(c->device));
    dump = check_dump(c, true);
    assert_null(dump_row_named(dump, "gone (retiring)"));
    json_free(dump);
}

static void what_a_resize_left_behind_has_a_row(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.manual = true; /* the copy waits */
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.name = "grows";
    fh_parcel buffer = check_make(&c, &desc);
    CHECK_OK(fh_buffer_resize(c.device, buffer, KIB(300), NULL));
    check_both(&c);
    json_value *dump = check_dump(&c, true);
    check_row(dump, "grows", "BUFFER", check_info(&c, buffer).reserved);
    assert_non_null(dump_row_named(dump, "(left behind by a resize)"));
    json_free(dump);
    fh_simulated_advance(c.backend, 0, UINT32_MAX);
    CHECK_OK(fh_device_tick(c.device));
    dump = check_dump(&c, true);
    assert_null(dump_row_named(dump, "(left behind by a resize)"));
    json_free(dump);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- pools ---- */

static void custom_pools_stand_by_name(void **state)
{
    const card *c = *state;
    static const char *const names[] = {"streaming", "streaming", NULL, "a \"quoted\" \\ name", ""};
    enum {
        COUNT = sizeof names / sizeof names[0]
    };
    fh_pool *pools[COUNT];
    fh_parcel raws[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        fh_pool_desc desc = {.block_size = MIB(1), .name = names[i]};
        desc.algorithm = i == 0 ? FH_BLOCK_LINEAR : FH_BLOCK_TLSF;
        CHECK_OK(fh_pool_create(c->device, &desc, &pools[i]));
        raws[i] = check_raw(c, &(fh_raw_desc){.size = KIB(64) * (i + 1),
                                              .memory = {.pool = pools[i], .name = "piece"}});
    }
    fh_pool *written;
    CHECK_OK(fh_pool_create(c->device,
                            &(fh_pool_desc){.location = FH_LOCATION_UPLOAD,
                                            .block_size = MIB(1),
                                            .block_count_min = 2,
                                            .name = "written"},
                            &written));
    check_both(c);
    json_value *dump = check_dump(c, true);
    const json_value *custom = json_get(dump, "CustomPools");
    CHECK_EQUAL(custom->count, 2);
    const json_value *local = json_get(custom, "Type 0");
    CHECK_EQUAL(local->count, COUNT);
    (void)item_named(local, "streaming");
    (void)item_named(local, "streaming (2)");
    (void)item_named(local, "unnamed");
    (void)item_named(local, "unnamed (2)");
    (void)item_named(local, "a \\\"quoted\\\" \\\\ name");
    uint64_t bytes = 0;
    for (const json_value *p = local->first; p != NULL; p = p->next) {
        const json_value *blocks = json_get(p, "Blocks");
        CHECK_EQUAL(blocks->count, 1);
        CHECK_EQUAL(dump_number(p, "PreferredBlockSize"), MIB(1));
        bytes += MIB(1) - dump_number(blocks->first, "UnusedBytes");
    }
    CHECK_EQUAL(bytes, KIB(64) * (1 + 2 + 3 + 4 + 5));
    const json_value *upload = json_get(custom, "Type 1")->first;
    assert_string_equal(dump_text(upload, "Name"), "written");
    CHECK_EQUAL(json_get(upload, "Blocks")->count, 2);
    json_free(dump);
    for (size_t i = 0; i < COUNT; i++) {
        check_release(c, raws[i]);
        CHECK_OK(fh_pool_destroy(pools[i]));
    }
    CHECK_OK(fh_pool_destroy(written));
    check_both(c);
}

/* ---- names ---- */

static void names_are_escaped_and_always_utf_8(void **state)
{
    const card *c = *state;
    static const struct {
        const char *name, *shown;
    } names[] = {
        {"plain", "plain"},
        {"\"quoted\"", "\\\"quoted\\\""},
        {"back\\slash", "back\\\\slash"},
        {"line\nbreak\ttab\x01", "line\\u000abreak\\u0009tab\\u0001"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff", "?"},
        {"a\x80z", "a?z"},
        {"\xc3", "?"},                                            /* cut short */
        {"\xe2\x82", "??"},                                       /* cut short */
        {"\xf0\x9f\x98", "???"},                                  /* cut short */
        {"\xc0\xaf", "??"},                                       /* too long for its value */
        {"\xe0\x80\xaf", "???"},                                  /* too long for its value */
        {"\xf0\x80\x80\xaf", "????"},                             /* too long for its value */
        {"\xed\xa0\x80", "???"},                                  /* half of a pair */
        {"\xf4\x90\x80\x80", "????"},                             /* above the last character */
        {"\xf5\x80\x80\x80", "????"},                             /* no lead byte */
        {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"}, /* around the pairs */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},                 /* the last character */
        {"\xc3(\xc3\xa9", "?(\xc3\xa9"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        fh_buffer_desc desc = card_buffer_desc(1000);
        desc.memory.name = names[i].name;
        fh_parcel buffer = check_make(c, &desc);
        json_value *dump = check_dump(c, true);
        assert_non_null(dump_row_named(dump, names[i].shown));
        json_free(dump);
        check_release(c, buffer);
    }
}

static void tags_with_odd_names_make_valid_dumps(void **state)
{
    const card *c = *state;
    static const char *const names[] = {"buffer", "total", "\"", "\xff", "\xfe", "?", "heap 0"};
    for (size_t i = 0; i < TEST_COUNT_OF(names); i++) {
        fh_tag tag;
        CHECK_OK(fh_device_tag(c->device, names[i], &tag));
        fh_buffer_desc desc = card_buffer_desc(1000 * (i + 1));
        desc.memory.tag = tag;
        check_release(c, check_make(c, &desc));
        check_both(c);
    }
}

static fh_result open_with_name(const void *config, uint32_t adapter, const fh_host_memory *memory,
                                const fh_log *log, fh_backend_device **out_device,
                                fh_adapter_info *out_info)
{
    fh_result result =
        fh_backend_find("host")->open(config, adapter, memory, log, out_device, out_info);
    snprintf(out_info->name, sizeof out_info->name, "%s", "GPU \"9000\" \xff");
    out_info->backend = "d3d12";
    return result;
}

static void a_direct3d_device_says_so(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    fh_backend_ops ops = *fh_backend_find("host");
    ops.open = open_with_name;
    c.desc.ops = &ops;
    check_open(&c);
    static const fh_texture_kind kinds[] = {FH_TEXTURE_1D, FH_TEXTURE_2D, FH_TEXTURE_3D,
                                            FH_TEXTURE_CUBE};
    static const char *const names[] = {"line", "plane", "box", "cube"};
    static const char *const types[] = {"TEXTURE1D", "TEXTURE2D", "TEXTURE3D", "TEXTURE2D"};
    fh_parcel textures[4];
    for (size_t i = 0; i < 4; i++) {
        textures[i] =
            check_texture(&c, (fh_texture_desc){.kind = kinds[i],
                                                .format = FH_FORMAT_RGBA8_UNORM,
                                                .width = 16,
                                                .height = kinds[i] == FH_TEXTURE_1D ? 1 : 16,
                                                .usage = FH_USAGE_COLOR_TARGET | FH_USAGE_STORAGE,
                                                .memory = {.name = names[i]}});
    }
    json_value *dump = check_dump(&c, true);
    assert_string_equal(dump_text(json_get(dump, "General"), "API"), "Direct3D 12");
    assert_string_equal(dump_text(json_get(dump, "General"), "GPU"), "GPU \\\"9000\\\" ?");
    for (size_t i = 0; i < 4; i++) {
        const json_value *row =
            check_row(dump, names[i], types[i], check_info(&c, textures[i]).reserved);
        CHECK_EQUAL(dump_number(row, "Usage"), 0x5); /* RENDER_TARGET | UNORDERED_ACCESS */
        check_release(&c, textures[i]);
    }
    json_free(dump);
    check_close(&c);
}

/* ---- accounts ---- */

static void accounts_are_shown_per_kind_and_tag(void **state)
{
    const card *c = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "terrain", &tag));
    check_limit(c, FH_ACCOUNT_TAG, tag, MIB(3));
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.tag = tag;
    fh_parcel buffer = check_make(c, &desc);
    uint64_t reserved = check_info(c, buffer).reserved;
    json_value *dump = check_dump(c, false);
    const json_value *accounts = json_get(json_get(dump, "General"), "Accounts");
    const json_value *one = item_named(json_get(accounts, "Tags"), "terrain");
    CHECK_EQUAL(dump_number(one, "UsedBytes"), reserved);
    CHECK_EQUAL(dump_number(one, "Count"), 1);
    CHECK_EQUAL(dump_number(one, "LimitBytes"), MIB(3));
    one = item_named(json_get(accounts, "Kinds"), "buffer");
    CHECK_EQUAL(dump_number(one, "UsedBytes"), reserved);
    assert_null(json_get(one, "LimitBytes"));
    CHECK_EQUAL(json_get(accounts, "Kinds")->count, FH_KIND_COUNT);
    CHECK_EQUAL(json_get(accounts, "Heaps")->count, 3);
    one = item_named(json_get(accounts, "Heaps"), "heap 0");
    CHECK_EQUAL(dump_number(one, "UsedBytes"), card_used(c, FH_ACCOUNT_HEAP, 0));
    json_free(dump);
    check_release(c, buffer);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(an_empty_device_can_be_dumped),
        WITH_CARD(heaps_show_size_flags_and_budget),
        WITH_CARD(rows_show_what_lies_there),
        WITH_CARD(dedicated_allocations_stand_by_themselves),
        WITH_CARD(aliases_are_listed_and_their_memory_is_one_row),
        WITH_CARD(external_memory_is_listed),
        WITH_CARD(what_retires_keeps_its_row),
        cmocka_unit_test(what_a_resize_left_behind_has_a_row),
        WITH_CARD(custom_pools_stand_by_name),
        WITH_CARD(names_are_escaped_and_always_utf_8),
        WITH_CARD(tags_with_odd_names_make_valid_dumps),
        cmocka_unit_test(a_direct3d_device_says_so),
        WITH_CARD(accounts_are_shown_per_kind_and_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
