/* What the events of a device's recording say, and how recordings begin and end. */

#define _POSIX_C_SOURCE 200809L /* getpid() */

#include "device_trace_checks.h"

/* ---- what single events say ---- */

/* The only event of its kind, or the last one. */
static fh_trace_event check_last(unsigned int file, fh_trace_kind kind, char out_text[256])
{
    fh_trace_reader *reader;
    fh_trace_event event, last = {.kind = FH_TRACE_NONE};
    CHECK_OK(fh_trace_reader_open(path_of(file), &reader));
    for (;;) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        if (event.kind == FH_TRACE_NONE) {
            break;
        }
        if (event.kind == kind) {
            last = event;
            snprintf(out_text, 256, "%s", event.text);
        }
    }
    fh_trace_reader_close(reader);
    if (last.kind == FH_TRACE_NONE) {
        fail_msg("there is no event of kind %d", (int)kind);
    }
    return last;
}

static void parcels_are_described_whole(void **state)
{
    (void)state;
    card c;
    tally t;
    fh_tag tag;
    fh_parcel parcels[6];
    card_small(&c);
    check_open(&c);
    CHECK_OK(fh_device_tag(c.device, "terrain", &tag));
    fh_trace *trace = check_start(&c, 0);
    fh_buffer_desc mesh = {.size = 4000,
                           .usage = FH_USAGE_VERTEX | FH_USAGE_COPY_DST,
                           .stride = 40,
                           .memory = {.tag = tag, .priority = 0.25F, .name = "mesh"}};
    parcels[0] = check_make(&c, &mesh);
    fh_texture_desc sky = {.format = FH_FORMAT_RGBA8_UNORM,
                           .kind = FH_TEXTURE_CUBE,
                           .width = 64,
                           .height = 64,
                           .mips = 3,
                           .usage = FH_USAGE_SAMPLED,
                           .memory = {.evictable = FH_EVICTABLE_AT_TICK}};
    CHECK_OK(fh_texture_create(c.device, &sky, &parcels[1]));
    parcels[2] = check_raw(&c, &(fh_raw_desc){.size = KIB(128), .alignment = 4096});
    fh_buffer_desc item = card_buffer_desc(KIB(32));
    item.memory.backing = parcels[2];
    item.memory.backing_offset = KIB(64);
    parcels[3] = check_make(&c, &item);
    CHECK_OK(fh_external_create(
        c.device, &(fh_external_desc){.size = 4321, .tag = tag, .name = "captured"}, &parcels[4]));
    fh_buffer_desc large = card_buffer_desc(MIB(6)); /* dedicated */
    large.memory.location = FH_LOCATION_UPLOAD;
    large.memory.mapped = true;
    parcels[5] = check_make(&c, &large);
    CHECK_OK(fh_trace_stop(trace, NULL));
    /* What was seen coming, and what a second recording found there. */
    trace = check_start(&c, 1);
    CHECK_OK(fh_trace_stop(trace, NULL));
    for (unsigned int file = 0; file < 2; file++) {
        check_agrees(&t, file, NULL);
        CHECK_EQUAL(t.live_count, 6);
        const tally_resource *of = t.resources + 1;
        for (int i = 0; i < 6; i++) {
            fh_parcel_info info = check_info(&c, parcels[i]);
            CHECK_EQUAL(of[i].about.kind, info.kind);
            CHECK_EQUAL(of[i].size, info.committed);
            CHECK_EQUAL(of[i].about.tag, info.tag);
            CHECK_EQUAL(of[i].about.usage, info.usage);
            CHECK_EQUAL(of[i].offset, info.offset);
            assert_string_equal(of[i].name, info.name);
            if (info.reserved != 0) {
                CHECK_EQUAL(of[i].bound_size, info.reserved);
            }
            CHECK_EQUAL(of[i].about.needs_size > 0, i != 4);
            CHECK_EQUAL(of[i].about.location, i == 4 ? 0 : i == 5 ? FH_LOCATION_UPLOAD + 1 : 1);
            CHECK_EQUAL(of[i].about.needs_types != 0, file == 0 && i != 4);
        }
        CHECK_EQUAL(of[0].about.stride, 40);
        CHECK_EQUAL(of[0].about.priority_ppm, 250000);
        CHECK_EQUAL(of[2].about.priority_ppm, 500000);
        CHECK_EQUAL(of[1].about.width, 64);
        CHECK_EQUAL(of[1].about.layers, 6);
        CHECK_EQUAL(of[1].about.mips, 3);
        CHECK_EQUAL(of[1].about.samples, 1);
        CHECK_EQUAL(of[1].about.format, FH_FORMAT_RGBA8_UNORM);
        CHECK_EQUAL(of[1].about.texture_kind, FH_TEXTURE_CUBE);
        CHECK_EQUAL(of[1].about.flags, FH_TRACE_RESOURCE_EVICTABLE);
        CHECK_EQUAL(of[3].about.flags, FH_TRACE_RESOURCE_ALIASED);
        CHECK_EQUAL(of[3].memory, of[2].memory);
        CHECK_EQUAL(of[3].offset, of[2].offset + KIB(64));
        CHECK_EQUAL(of[3].bound_size, KIB(32));
        CHECK_EQUAL(of[4].memory, 0);
        CHECK_EQUAL(of[5].about.flags, FH_TRACE_RESOURCE_MAPPED);
        CHECK_EQUAL(t.memories[of[5].memory].size, MIB(6));
        CHECK_EQUAL(t.memories[of[5].memory].dedicated, 6); /* known before the resource is */
        CHECK_EQUAL(t.memories[of[0].memory].dedicated, 0);
        assert_string_equal(t.tags[tag], "terrain");
        tally_finish(&t);
    }
    char text[256];
    fh_trace_event device = check_last(0, FH_TRACE_DEVICE, text);
    assert_string_equal(text, fh_device_adapter(c.device)->name);
    CHECK_EQUAL(device.device.heap_count, 2);
    CHECK_EQUAL(device.device.api, FH_TRACE_API_FREEHOLD);
    for (int i = 5; i >= 0; i--) {
        check_release(&c, parcels[i]);
    }
    check_close(&c);
}

static void life_of_a_parcel_is_told(void **state)
{
    (void)state;
    card c;
    tally t;
    void *pointer;
    card_small(&c);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    fh_parcel early = check_upload(&c, KIB(4));
    CHECK_OK(fh_parcel_map(c.device, early, &pointer));
    CHECK_OK(fh_parcel_use(c.device, early, (fh_epoch){queue, 7}));
    fh_trace *trace = check_start(&c, 0);
    fh_parcel late = check_upload(&c, KIB(4));
    CHECK_OK(fh_parcel_map(c.device, late, &pointer));
    CHECK_OK(fh_parcel_unmap(c.device, late));
    CHECK_OK(fh_parcel_use(c.device, late, (fh_epoch){queue, 8}));
    CHECK_OK(fh_parcel_set_name(c.device, late, "late"));
    CHECK_OK(fh_parcel_set_name(c.device, early, "early"));
    CHECK_OK(fh_buffer_resize(c.device, late, KIB(1), NULL));
    uint32_t added;
    CHECK_OK(fh_queue_add(c.device, "compute", &added));
    fh_tag tag;
    CHECK_OK(fh_device_tag(c.device, "made later", &tag));
    CHECK_OK(fh_device_set_policy(c.device, &(fh_policy_ops){.name = "in charge"}, NULL));
    fh_parcel gone = check_buffer(&c, 100);
    check_release(&c, gone);
    check_release(&c, early);
    CHECK_OK(fh_queue_signal(c.device, queue, 7));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_OK(fh_trace_stop(trace, NULL));
    check_agrees(&t, 0, NULL);
    const tally_resource *of = t.resources; /* 1: early, 2: late, 3: gone */
    CHECK_EQUAL(of[1].maps, 1);
    CHECK_EQUAL(of[1].use_count, 1);
    assert_true(of[1].released && !of[1].live);
    assert_string_equal(of[1].name, "early");
    CHECK_EQUAL(of[2].maps, 0);
    CHECK_EQUAL(of[2].use_count, 1);
    CHECK_EQUAL(of[2].size, KIB(1));
    assert_true(of[2].live && !of[2].released);
    assert_string_equal(of[2].name, "late");
    assert_true(!of[3].released && !of[3].live); /* it waited for nothing */
    assert_string_equal(t.tags[tag], "made later");
    CHECK_EQUAL(t.counts[FH_TRACE_FRAME], 1);
    CHECK_EQUAL(t.counts[FH_TRACE_POLICY], 2); /* none, then one */
    CHECK_EQUAL(t.counts[FH_TRACE_QUEUE],
                fh_device_adapter(c.device)->queue_count + 2); /* two of ours */
    tally_finish(&t);
    char text[256];
    check_last(0, FH_TRACE_POLICY, text);
    assert_string_equal(text, "in charge");
    CHECK_EQUAL(check_last(0, FH_TRACE_QUEUE, text).queue.queue, added + 1);
    assert_string_equal(text, "compute");
    fh_trace_event passed = check_last(0, FH_TRACE_PASSED, text);
    CHECK_EQUAL(passed.passed.queue, queue + 1);
    CHECK_EQUAL(passed.passed.value, 7);
    CHECK_OK(fh_device_set_policy(c.device, NULL, NULL));
    CHECK_OK(fh_queue_signal(c.device, queue, 8));
    check_release(&c, late);
    check_close(&c);
}

static bool give_up(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    (void)user;
    (void)context;
    fh_parcel_release(device, parcel);
    return true;
}

static void pressure_is_told(void **state)
{
    (void)state;
    card c;
    tally t;
    char text[256];
    card_small(&c);
    c.desc.evict = give_up;
    check_open(&c);
    fh_trace *trace = check_start(&c, 0);
    fh_buffer_desc desc = card_buffer_desc(MIB(6));
    desc.memory.evictable = FH_EVICTABLE_AT_TICK;
    fh_parcel victim = check_make(&c, &desc), refused;
    check_limit(&c, FH_ACCOUNT_TOTAL, 0, MIB(7));
    desc.memory.evictable = FH_EVICTABLE_NO;
    CHECK_REFUSED(fh_buffer_create(c.device, &desc, &refused), refused, FH_ERR_BUDGET, "limit");
    check_limit(&c, FH_ACCOUNT_TOTAL, 0, MIB(5));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_OK(fh_device_tick(c.device));
    assert_int_equal(fh_parcel_get(c.device, victim, &(fh_parcel_info){0}), FH_ERR_STALE);
    CHECK_OK(fh_trace_stop(trace, NULL));
    fh_trace_event event = check_last(0, FH_TRACE_REFUSED, text);
    CHECK_EQUAL(event.refused.result, -FH_ERR_BUDGET);
    CHECK_EQUAL(event.refused.size, MIB(6));
    event = check_last(0, FH_TRACE_CROSSED, text);
    CHECK_EQUAL(event.crossed.account, FH_ACCOUNT_TOTAL);
    CHECK_EQUAL(event.crossed.limit, MIB(5));
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.resources[1].eviction_count, 1);
    CHECK_EQUAL(t.counts[FH_TRACE_BUDGET] > 2, true);
    tally_finish(&t);
    check_limit(&c, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_close(&c);
}

static void decisions_are_told_with_their_line(void **state)
{
    (void)state;
    card c;
    char text[256];
    fh_policy *policy;
    card_small(&c);
    check_open(&c);
    fh_trace *trace = check_start(&c, 0);
    const fh_policy_desc desc = {.source = {.text = "return {\n"
                                                    "  name = 'teller',\n"
                                                    "  place = function(self, request)\n"
                                                    "    return { dedicated = 'never' }\n"
                                                    "  end,\n"
                                                    "}\n"}};
    CHECK_OK(fh_policy_load(c.device, &desc, &policy));
    fh_buffer_desc mesh = card_buffer_desc(5000);
    CHECK_OK(fh_device_tag(c.device, "terrain", &mesh.memory.tag));
    fh_parcel buffer = check_make(&c, &mesh);
    CHECK_OK(fh_trace_stop(trace, NULL));
    fh_trace_event event = check_last(0, FH_TRACE_DECISION, text);
    assert_string_equal(text, "teller");
    CHECK_EQUAL(event.decision.hook, FH_HOOK_PLACE);
    CHECK_EQUAL(event.decision.outcome, FH_OUTCOME_DECIDED);
    CHECK_EQUAL(event.decision.line, 4);
    CHECK_EQUAL(event.decision.version, 1);
    CHECK_EQUAL(event.decision.kind, FH_KIND_BUFFER);
    CHECK_EQUAL(event.decision.usage, mesh.usage);
    CHECK_EQUAL(event.decision.tag, mesh.memory.tag);
    CHECK_EQUAL(event.decision.size >= 5000, true);
    CHECK_EQUAL(event.decision.charge > 0, true);
    fh_decision logged;
    uint32_t count;
    CHECK_OK(fh_policy_decisions(policy, event.decision.sequence - 1, &logged, 1, &count));
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(logged.sequence, event.decision.sequence);
    CHECK_EQUAL(logged.charge, event.decision.charge);
    check_release(&c, buffer);
    fh_policy_release(policy);
    CHECK_OK(fh_device_set_policy(c.device, NULL, NULL));
    check_close(&c);
}

/* ---- beginnings and ends ---- */

static void device_may_be_closed_first(void **state)
{
    (void)state;
    card c;
    tally t;
    fh_trace_stats before, after;
    card_small(&c);
    check_open(&c);
    fh_trace *trace = check_start(&c, 0);
    check_release(&c, check_buffer(&c, 1000));
    check_close(&c);
    CHECK_OK(fh_trace_get_stats(trace, &before)); /* the handle stays */
    CHECK_OK(fh_trace_stop(trace, &after));
    CHECK_EQUAL(before.event_count, after.event_count);
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.counts[FH_TRACE_DEVICE_CLOSED], 1);
    CHECK_EQUAL(t.live_count, 0);
    tally_finish(&t);
}

static void alias_is_recorded_as_its_device(void **state)
{
    (void)state;
    static const fh_allocator_ops ops = {.name = "alias"};
    card c;
    tally t;
    fh_device *alias;
    fh_trace *trace;
    card_small(&c);
    check_open(&c);
    CHECK_OK(fh_device_with_allocator(c.device, &ops, NULL, &alias));
    CHECK_OK(fh_trace_start(alias, path_of(0), NULL, &trace));
    fh_parcel through;
    fh_buffer_desc desc = card_buffer_desc(1000);
    CHECK_OK(fh_buffer_create(alias, &desc, &through));
    fh_parcel beside = check_buffer(&c, 1000);
    fh_device_destroy(alias);
    check_release(&c, through);
    check_release(&c, beside);
    CHECK_OK(fh_trace_stop(trace, NULL));
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.counts[FH_TRACE_RESOURCE], 2);
    CHECK_EQUAL(t.counts[FH_TRACE_DEVICE_CLOSED], 0);
    CHECK_EQUAL(t.live_count, 0);
    tally_finish(&t);
    check_close(&c);
}

static void device_loss_is_told(void **state)
{
    (void)state;
    card c;
    char text[256];
    card_small(&c);
    check_open(&c);
    fh_trace *trace = check_start(&c, 0);
    fh_parcel buffer = check_buffer(&c, 1000);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_device_tick(c.device), FH_ERR_DEVICE_LOST);
    check_release(&c, buffer);
    CHECK_OK(fh_trace_stop(trace, NULL));
    CHECK_EQUAL(check_last(0, FH_TRACE_LOST, text).lost.device, 1);
    check_close(&c);
}

static void observe_nothing(void *context, fh_device *device, const fh_event *event)
{
    (void)context;
    (void)device;
    (void)event;
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    card c;
    fh_trace *trace = (fh_trace *)&c;
    fh_trace_stats stats = {.event_count = 1};
    uint32_t ids[8];
    card_small(&c);
    check_open(&c);
    CHECK_RESULT(fh_trace_start(NULL, path_of(0), NULL, &trace), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    assert_null(trace);
    CHECK_RESULT(fh_trace_start(c.device, NULL, NULL, &trace), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("path");
    CHECK_RESULT(fh_trace_start(c.device, path_of(0), NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_trace");
    trace = (fh_trace *)&c;
    CHECK_RESULT(
        fh_trace_start(c.device, path_of(0), &(fh_trace_desc){.buffer_size = GIB(1) + 1}, &trace),
        FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("buffer_size");
    assert_null(trace);
    CHECK_RESULT(fh_trace_start(c.device, "/nowhere/at/all.fhtrace", NULL, &trace), FH_ERR_IO);
    CHECK_DETAIL_NAMES("/nowhere/at/all.fhtrace");
    assert_null(trace);
    CHECK_OK(fh_trace_stop(NULL, &stats));
    CHECK_EQUAL(stats.event_count, 0);
    CHECK_RESULT(fh_trace_get_stats(NULL, &stats), FH_ERR_INVALID);
    /* A file that is there is not harmed when there is no place left. */
    trace = check_start(&c, 0);
    CHECK_RESULT(fh_trace_get_stats(trace, NULL), FH_ERR_INVALID);
    CHECK_OK(fh_trace_stop(trace, NULL));
    for (int i = 0; i < 8; i++) {
        CHECK_OK(fh_device_observe(c.device, FH_EVENT_TICK, observe_nothing, NULL, &ids[i]));
    }
    CHECK_RESULT(fh_trace_start(c.device, path_of(0), NULL, &trace), FH_ERR_BUSY);
    assert_null(trace);
    tally t;
    check_agrees(&t, 0, NULL);
    tally_finish(&t);
    for (int i = 0; i < 8; i++) {
        CHECK_OK(fh_device_unobserve(c.device, ids[i]));
    }
    check_close(&c);
}

static void every_host_allocation_may_fail(void **state)
{
    (void)state;
    card c;
    tally t;
    test_memory memory;
    fh_trace *trace;
    card_small(&c);
    test_memory_init(&memory);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    fh_result result = FH_ERR_HOST_MEMORY;
    uint64_t failures = 0;
    for (uint64_t nth = 1; result != FH_OK; nth++) {
        size_t live = memory.live_count;
        memory.fail_at = memory.alloc_count + nth;
        result = fh_trace_start(c.device, path_of(0), NULL, &trace);
        memory.fail_at = 0;
        if (result != FH_OK) {
            assert_int_equal(result, FH_ERR_HOST_MEMORY);
            assert_true(fh_error_detail()[0] != '\0');
            assert_null(trace);
            assert_int_equal(memory.live_count, live);
            failures++;
        }
    }
    assert_true(failures >= 3);
    CHECK_OK(fh_trace_stop(trace, NULL));
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.live_count, 1);
    tally_finish(&t);
    check_release(&c, buffer);
    check_close(&c);
    test_memory_finish(&memory);
}

/* More parcels than the ring holds: who starts waits, and nothing is dropped. */
static void what_lives_may_be_more_than_the_ring(void **state)
{
    (void)state;
    enum {
        COUNT = 5000
    };
    card c;
    tally t;
    static fh_parcel parcels[COUNT];
    fh_trace *trace;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(256);
    desc.memory.name = "one of many";
    for (int i = 0; i < COUNT; i++) {
        parcels[i] = check_make(&c, &desc);
    }
    CHECK_OK(fh_trace_start(c.device, path_of(0), &(fh_trace_desc){.buffer_size = 1}, &trace));
    CHECK_OK(fh_trace_stop(trace, NULL));
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.live_count, COUNT);
    assert_string_equal(t.resources[COUNT].name, "one of many");
    tally_finish(&t);
    for (int i = 0; i < COUNT; i++) {
        check_release(&c, parcels[i]);
    }
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parcels_are_described_whole),
        cmocka_unit_test(life_of_a_parcel_is_told),
        cmocka_unit_test(pressure_is_told),
        cmocka_unit_test(decisions_are_told_with_their_line),
        cmocka_unit_test(device_may_be_closed_first),
        cmocka_unit_test(alias_is_recorded_as_its_device),
        cmocka_unit_test(device_loss_is_told),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(every_host_allocation_may_fail),
        cmocka_unit_test(what_lives_may_be_more_than_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
