/* The reasons that fh_device_explain() gives: for and against each memory type, for a pool or a
 * dedicated allocation, and what the machine makes of it. */

#include "explain_checks.h"

static void each_type_has_its_reasons(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.memory.name = "mesh";
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "buffer \"mesh\", 1000 bytes");
    check_says(&text, "usage: copy_src copy_dst storage");
    check_says(&text, "type 0, heap 0: device_local\n      tried first, cost 0\n");
    check_says(&text, "lacks device_local, which is preferred");
    check_says(&text, "has host_visible, which is better left to others");
    check_says(&text, "No policy is set");
    check_says(&text, "cut from a slab");
    check_says(&text, "The CPU cannot map it: write to it with fh_parcel_write()");
    test_text_finish(&text);

    desc.memory.required = FH_MEMORY_HOST_CACHED;
    desc.memory.type_mask = 6;
    text = explain_buffer(c, &desc);
    check_says(&text, "required: host_cached");
    check_says(&text, "the description's type_mask leaves it out");
    check_says(&text, "lacks host_cached, which is required");
    check_says(&text, "So it comes from memory type 2, heap 1");
    test_text_finish(&text);

    desc = card_buffer_desc(1000);
    desc.memory.location = FH_LOCATION_READBACK;
    desc.memory.type_mask = 2;
    text = explain_buffer(c, &desc);
    check_says(&text, "lacks host_cached, which is preferred");
    check_says(&text, "It is not cached: the CPU reads it slowly.");
    check_says(&text, "the GPU reaches it over the bus");
    test_text_finish(&text);

    desc = card_buffer_desc(1000);
    desc.usage = FH_USAGE_VERTEX;
    text = explain_buffer(c, &desc);
    check_says(&text, "without FH_USAGE_COPY_DST nothing can be copied into it");
    test_text_finish(&text);
}

static void what_the_object_cannot_use_is_said(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.buffer_types = 4;
    c.profile.types[0].flags |= FH_MEMORY_PROTECTED;
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    test_text text = explain_buffer(&c, &desc);
    check_says(&text, "the object cannot use it");
    check_says(&text, "So it comes from memory type 2");
    check_says(&text, "has protected, which must be asked for");
    test_text_finish(&text);
    desc.memory.type_mask = 1;
    text = explain_buffer(&c, &desc);
    check_says(&text, "No memory type will do: the request would fail with FH_ERR_UNSUPPORTED.");
    check_does_not_say(&text, "So it comes");
    test_text_finish(&text);
    check_close(&c);
}

static void dedicated_memory_has_its_reason(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.dedicated_texture_size = KIB(64);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(MIB(5));
    test_text text = explain_buffer(&c, &desc);
    check_says(&text, "it exceeds half a block, which has 8 MiB");
    test_text_finish(&text);
    desc = card_buffer_desc(MIB(9));
    text = explain_buffer(&c, &desc);
    check_says(&text, "it is larger than a block, which has 8 MiB");
    test_text_finish(&text);
    desc = card_buffer_desc(1000);
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    text = explain_buffer(&c, &desc);
    check_says(&text, "dedicated memory is required");
    test_text_finish(&text);
    desc.memory.dedicated = FH_DEDICATED_PREFER;
    text = explain_buffer(&c, &desc);
    check_says(&text, "dedicated memory is preferred");
    test_text_finish(&text);
    fh_texture_desc texture = {.format = FH_FORMAT_RGBA8_UNORM, .width = 256, .height = 256};
    text = explain_on(c.device, NULL, &texture, NULL);
    check_says(&text, "texture, rgba8_unorm, 256x256 texels, 256 KiB (262144 bytes)");
    check_says(&text, "the driver prefers that");
    test_text_finish(&text);
    check_close(&c);
}

static void pages_and_margins_are_said(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.granularity = KIB(64);
    c.desc.margin = 100; /* 112 */
    check_open(&c);
    fh_raw_desc raw = {.size = 1000};
    test_text text = explain_on(c.device, NULL, NULL, &raw);
    check_says(&text, "raw memory, 1000 bytes");
    check_says(&text, "112 more are the margin behind it");
    check_says(&text, "reserves 65536 bytes");
    check_says(&text, "whole pages of 64 KiB");
    test_text_finish(&text);
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 5000;
    text = explain_buffer(&c, &desc);
    check_says(&text, "with room to grow to 4.88 KiB (5000 bytes)");
    check_does_not_say(&text, "whole pages");
    test_text_finish(&text);
    check_close(&c);
}

static void pools_and_backings_are_said(void **state)
{
    const card *c = *state;
    fh_pool *pool;
    CHECK_OK(fh_pool_create(
        c->device, &(fh_pool_desc){.name = "streaming", .block_size = MIB(1), .block_count_max = 1},
        &pool));
    fh_buffer_desc desc = card_buffer_desc(KIB(700));
    desc.memory.pool = pool;
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "in the pool \"streaming\", which has 0 blocks");
    check_says(&text, "a new block of 1 MiB is made");
    check_says(&text, "the pool is of another type");
    test_text_finish(&text);
    fh_parcel buffer = check_make(c, &desc);
    text = explain_buffer(c, &desc);
    check_says(&text,
               "So it would be refused with FH_ERR_OUT_OF_MEMORY: none of the pool's blocks has "
               "room for it, and the pool may not have more than 1.");
    test_text_finish(&text);
    check_release(c, buffer);
    text = explain_buffer(c, &desc);
    check_says(&text, "A block may have room for it");
    test_text_finish(&text);
    CHECK_OK(fh_pool_destroy(pool));

    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = MIB(1), .memory = {.name = "below"}});
    desc = card_buffer_desc(1000);
    desc.memory.backing = raw;
    desc.memory.backing_offset = 256;
    text = explain_buffer(c, &desc);
    check_says(&text, "It lies on the parcel \"below\", of memory type 0");
    check_says(&text, "from byte 256 of its 1048576 on, and reserves nothing");
    test_text_finish(&text);
    check_release(c, raw);
    test_text stale = {0};
    CHECK_RESULT(fh_device_explain(c->device, &desc, NULL, NULL, test_text_write, &stale),
                 FH_ERR_STALE);
    CHECK_EQUAL(stale.call_count, 0);
}

static void limits_are_said(void **state)
{
    const card *c = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "terrain", &tag));
    check_limit(c, FH_ACCOUNT_TAG, tag, KIB(100));
    check_limit(c, FH_ACCOUNT_HEAP, 0, MIB(4));
    fh_buffer_desc desc = card_buffer_desc(KIB(64));
    desc.memory.tag = tag;
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "tag \"terrain\"");
    check_says(&text, "heap 0: 0 B used of 4 MiB, 4 MiB left");
    check_says(&text, "total: 0 B used, no limit");
    check_says(&text, "kind buffer: 0 B used, no limit");
    check_says(&text, "tag terrain: 0 B used of 100 KiB, 100 KiB left\n");
    check_says(&text, "the system gives this process 1 GiB of heap 0");
    check_does_not_say(&text, "not enough");
    test_text_finish(&text);
    desc.size = KIB(101);
    text = explain_buffer(c, &desc);
    check_says(&text, "100 KiB left: not enough for 101 KiB more");
    test_text_finish(&text);
    desc = card_buffer_desc(MIB(5));
    text = explain_buffer(c, &desc);
    check_says(&text,
               "Memory type 0 cannot give it: 5 MiB are more than the 4 MiB that are the limit of "
               "heap 0.\nSo it comes from memory type 1, heap 1");
    test_text_finish(&text);
    desc.memory.type_mask = 1;
    text = explain_buffer(c, &desc);
    check_says(&text,
               "So it would be refused with FH_ERR_BUDGET: 5 MiB are more than the 4 MiB that are "
               "the limit of heap 0.");
    check_says(&text, "4 MiB left: not enough for 5 MiB more");
    test_text_finish(&text);
}

/* ---- profiles ---- */

static void what_it_means_hangs_on_the_machine(void **state)
{
    (void)state;
    card c;
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.memory.location = FH_LOCATION_UPLOAD;
    card_builtin(&c, "mobile-4g");
    check_open(&c);
    const fh_adapter_info *adapter = fh_device_adapter(c.device);
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        fh_memory_flags flags = adapter->types[type].flags;
        desc.memory.type_mask = UINT32_C(1) << type;
        test_text text = explain_buffer(&c, &desc);
        if ((flags & FH_MEMORY_HOST_VISIBLE) == 0) {
            check_says(&text, "lacks host_visible, which is required");
        } else if ((flags & FH_MEMORY_HOST_COHERENT) == 0) {
            char line[64];
            check_says(&text, "flush after writing (fh_parcel_flush)");
            snprintf(line, sizeof line, "rounded to %llu bytes", (unsigned long long)adapter->atom);
            check_says(&text, line);
        } else {
            check_says(&text, "needs no flush");
        }
        test_text_finish(&text);
    }
    check_close(&c);

    desc = card_buffer_desc(1000);
    card_builtin(&c, "uma-16g");
    check_open(&c);
    test_text text = explain_buffer(&c, &desc);
    check_says(&text, "CPU and GPU share one memory here");
    test_text_finish(&text);
    check_close(&c);

    desc.memory.location = FH_LOCATION_DEVICE_UPLOAD;
    card_builtin(&c, "discrete-8g");
    check_open(&c);
    text = explain_buffer(&c, &desc);
    check_says(&text, "the window of 256 MiB through which the CPU sees the GPU's memory");
    test_text_finish(&text);
    check_close(&c);

    card_builtin(&c, "rebar-16g");
    check_open(&c);
    text = explain_buffer(&c, &desc);
    check_does_not_say(&text, "window");
    test_text_finish(&text);
    check_close(&c);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(each_type_has_its_reasons),
        cmocka_unit_test(what_the_object_cannot_use_is_said),
        cmocka_unit_test(dedicated_memory_has_its_reason),
        cmocka_unit_test(pages_and_margins_are_said),
        WITH_CARD(pools_and_backings_are_said),
        WITH_CARD(limits_are_said),
        cmocka_unit_test(what_it_means_hangs_on_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
