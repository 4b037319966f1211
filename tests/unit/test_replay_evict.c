/* Replays under pressure: who is evicted and comes back, when the GPU is through with what, what a
 * policy may wait for; the same at every run; and a host whose memory fails. */

#include "replay_checks.h"

#include <freehold/policy.h>

/* A replay of it with so many driver bytes. */
static fh_replay *check_limited(const fh_recording *recording, uint64_t limit)
{
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.keep_spans = true});
    CHECK_OK(
        fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0}, limit));
    return replay;
}

/* ---- evictions ---- */

/* 1 to 3 are there, 1 is what was used longest ago; 4 takes its place, and 1 takes that of 2. */
static void the_longest_unused_goes_and_comes_back(void **state)
{
    const uint64_t all[] = {1, 2, 3};
    taping t;
    uint32_t count;
    uint64_t span_count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(&t, 1);
    for (uint64_t id = 1; id <= 3; id++) {
        tape_alone(&t, id, MIB(1));
    }
    tape_submit(&t, 1, all, 3);
    tape_frame(&t);
    tape_use(&t, 1, 2);
    tape_frame(&t);
    tape_use(&t, 1, 3);
    tape_frame(&t);
    tape_alone(&t, 4, MIB(1));
    tape_use(&t, 1, 4);
    tape_frame(&t);
    tape_use(&t, 1, 1);
    tape_use(&t, 1, 1);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(3));
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count, 2);
    CHECK_EQUAL(figures.evicted_bytes, MIB(2));
    CHECK_EQUAL(figures.reload_count, 1);
    CHECK_EQUAL(figures.reload_bytes, MIB(1));
    CHECK_EQUAL(figures.refused_count, 0);
    CHECK_EQUAL(figures.miss_count, 0);
    CHECK_EQUAL(figures.request_count, 4);
    CHECK_EQUAL(figures.driver_alloc_count, 5);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(3));
    CHECK_EQUAL(figures.total.committed_peak, MIB(3));
    const fh_replay_sample *samples = fh_replay_samples(replay, &count);
    CHECK_EQUAL(samples[3].evicted, 1);
    CHECK_EQUAL(samples[4].evicted, 1);
    CHECK_EQUAL(samples[4].reloaded, 1);
    const fh_replay_span *spans = fh_replay_spans(replay, &span_count);
    CHECK_EQUAL(span_count, 5);
    CHECK_EQUAL(spans[0].resource, 1);
    CHECK_EQUAL(spans[0].gone_frame, 4);
    CHECK_EQUAL(spans[1].gone_frame, 5);
    CHECK_EQUAL(spans[4].resource, 1);
    CHECK_EQUAL(spans[4].born_frame, 5);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* Nothing of both was used before, so both are free at once. */
static void what_is_evicted_may_come_back_in_its_first_frame(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(&t, 1);
    tape_alone(&t, 1, MIB(1));
    tape_alone(&t, 2, MIB(1)); /* 1 goes */
    tape_use(&t, 1, 1);        /* 2 goes */
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(1));
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count, 2);
    CHECK_EQUAL(figures.reload_count, 1);
    CHECK_EQUAL(figures.miss_count, 0);
    CHECK_EQUAL(figures.refused_count, 0);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* What the program has mapped, or uses always, and what nobody knows the uses of, stays. */
static void some_things_stay(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(&t, 1);
    tape_alone(&t, 1, MIB(1));
    tape_mapped(&t, 1, 0, 0, 0); /* and nothing is copied to it: the CPU writes to it */
    tape_alone(&t, 2, MIB(1));
    fh_trace_event always = {.kind = FH_TRACE_ALWAYS_USED};
    always.always_used.resource = 2;
    tape_add(&t, &always);
    tape_memory(&t, 3, 0, MIB(1)); /* bare */
    fh_trace_event memory = {.kind = FH_TRACE_MEMORY};
    memory.memory = (fh_trace_memory){
        .memory = 4, .device = 1, .size = MIB(1), .flags = FH_TRACE_MEMORY_ADDRESS};
    tape_add(&t, &memory);
    tape_resource(&t, &(fh_trace_resource){.resource = 4,
                                           .kind = FH_KIND_BUFFER,
                                           .size = MIB(1),
                                           .needs_size = MIB(1),
                                           .dedicated = 2,
                                           .usage = FH_USAGE_STORAGE});
    tape_bound(&t, 4, 4, 0, MIB(1));
    tape_use(&t, 1, 2);
    tape_frame(&t);
    tape_frame(&t);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    CHECK_OK(fh_replay_step(replay, 1, NULL));
    CHECK_OK(fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0}, 1));
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count, 0);
    CHECK_EQUAL(figures.total.committed_mean, MIB(4));
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* Its memory is mapped, but by its use the CPU does not write to it there; but what is mapped by
 * itself stays. */
static void what_lies_in_mapped_memory_may_go(void **state)
{
    for (int held = 0; held < 2; held++) {
        taping t;
        (void)state;
        tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
        tape_queue(&t, 1);
        tape_memory(&t, 1, 2, MIB(1));
        tape_mapped(&t, 1, 0, 0, 0);
        tape_resource(&t, &(fh_trace_resource){.resource = 1,
                                               .kind = FH_KIND_BUFFER,
                                               .size = MIB(1),
                                               .needs_size = MIB(1),
                                               .dedicated = 2,
                                               .usage = FH_USAGE_VERTEX | FH_USAGE_COPY_DST});
        tape_bound(&t, 1, 1, 0, MIB(1));
        if (held == 1) {
            tape_mapped(&t, 0, 1, 0, 0);
        }
        tape_use(&t, 1, 1);
        for (int i = 0; i < 3; i++) {
            tape_frame(&t);
        }
        tape_alone(&t, 2, MIB(1));
        fh_recording *recording = check_recording(&t);
        fh_replay *replay = check_limited(recording, MIB(1));
        fh_replay_figures figures = check_played(replay);
        CHECK_EQUAL(figures.evicted_count, held == 1 ? 0 : 1);
        CHECK_EQUAL(figures.refused_count, held == 1 ? 1 : 0);
        fh_replay_destroy(replay);
        fh_recording_close(recording);
    }
}

static void without_uses_nothing_is_evicted(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(1));
    tape_frame(&t);
    tape_alone(&t, 2, MIB(1));
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(1));
    fh_replay_figures figures = check_played(replay);
    assert_false(figures.can_evict);
    CHECK_EQUAL(figures.evicted_count, 0);
    CHECK_EQUAL(figures.refused_count, 1);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void a_group_goes_and_comes_as_a_whole(void **state)
{
    taping t;
    uint64_t count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(&t, 1);
    tape_memory(&t, 1, 0, MIB(1));
    tape_texture(&t, 1, 512, 512);
    tape_texture(&t, 2, 512, 512);
    tape_bound(&t, 1, 1, 0, MIB(1));
    tape_bound(&t, 2, 1, 0, MIB(1));
    tape_use(&t, 1, 1);
    tape_use(&t, 1, 2);
    tape_frame(&t);
    tape_frame(&t);
    tape_frame(&t);
    tape_alone(&t, 3, MIB(1));
    tape_use(&t, 1, 3);
    tape_frame(&t);
    tape_frame(&t);
    tape_frame(&t);
    tape_use(&t, 1, 2); /* one of both */
    tape_frame(&t);
    tape_destroyed(&t, 1);
    tape_destroyed(&t, 2);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(1));
    /* In a block of one MiB, as 3 is in its own memory. */
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count, 2);
    CHECK_EQUAL(figures.evicted_bytes, MIB(2));
    CHECK_EQUAL(figures.reload_count, 1);
    CHECK_EQUAL(figures.reload_bytes, MIB(1));
    CHECK_EQUAL(figures.refused_count, 0);
    CHECK_EQUAL(figures.miss_count, 0);
    CHECK_EQUAL(figures.total.committed_peak, MIB(1));
    const fh_replay_span *spans = fh_replay_spans(replay, &count);
    CHECK_EQUAL(count, 5); /* 1 and 2, 3, and both again */
    CHECK_EQUAL(spans[0].gone_frame, 4);
    CHECK_EQUAL(spans[1].gone_frame, 4);
    CHECK_EQUAL(spans[3].born_frame, 7);
    CHECK_EQUAL(spans[4].born_frame, 7);
    CHECK_EQUAL(spans[4].gone_frame, 8);
    assert_true(spans[3].aliased);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* ---- the GPU ---- */

/* One takes the other's place, which is used in the same frame. */
static fh_replay_figures replace(fh_trace_api api, bool released, bool destroyed)
{
    taping t;
    tape_begin(&t, api, GIB(8));
    tape_queue(&t, 1);
    tape_alone(&t, 1, MIB(1));
    tape_use(&t, 1, 1);
    if (released) {
        tape_released(&t, 1);
    }
    if (destroyed) {
        tape_alone_gone(&t, 1);
    }
    tape_alone(&t, 2, MIB(1));
    tape_frame(&t);
    tape_use(&t, 1, 2); /* frames 2 to 4 */
    tape_frame(&t);
    tape_use(&t, 1, 2);
    tape_frame(&t);
    tape_use(&t, 1, 2);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(1));
    fh_replay_figures figures = check_played(replay);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
    return figures;
}

static void what_the_program_destroyed_is_free_at_once(void **state)
{
    (void)state;
    fh_replay_figures figures = replace(FH_TRACE_API_VULKAN, false, true);
    CHECK_EQUAL(figures.refused_count, 0);
    CHECK_EQUAL(figures.miss_count, 0);
    CHECK_EQUAL(figures.evicted_count, 0);
    CHECK_EQUAL(figures.driver_alloc_count, 2);
}

/* Used in frame 1; the GPU is through with that at the end of frame 3. */
static void what_was_released_waits_for_the_gpu(void **state)
{
    (void)state;
    fh_replay_figures figures = replace(FH_TRACE_API_FREEHOLD, true, false);
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.miss_count, 2); /* frames 2 and 3 */
    CHECK_EQUAL(figures.reload_count, 1);
    CHECK_EQUAL(figures.evicted_count, 0);
    CHECK_EQUAL(figures.total.committed_mean, MIB(1) / 4);
}

/* The device knew then that it was free, so it is now. */
static void what_was_released_and_destroyed_is_free(void **state)
{
    (void)state;
    fh_replay_figures figures = replace(FH_TRACE_API_FREEHOLD, true, true);
    CHECK_EQUAL(figures.refused_count, 0);
    CHECK_EQUAL(figures.miss_count, 0);
}

/* The program's own wait tells of all that is before it on the queue, and not of other queues. */
static void destroying_tells_how_far_its_queue_is(void **state)
{
    for (uint64_t queue = 1; queue <= 2; queue++) {
        taping t;
        (void)state;
        tape_begin(&t, FH_TRACE_API_FREEHOLD, GIB(8));
        tape_queue(&t, 1);
        tape_queue(&t, 2);
        tape_alone(&t, 1, MIB(1));
        tape_alone(&t, 2, 1000);
        tape_use(&t, queue, 1);
        tape_use(&t, 1, 2);
        tape_released(&t, 1);
        tape_alone_gone(&t, 2);
        tape_frame(&t);
        tape_alone(&t, 3, MIB(1));
        fh_recording *recording = check_recording(&t);
        fh_replay *replay = check_limited(recording, MIB(1) + 1000);
        CHECK_EQUAL(check_played(replay).refused_count, queue == 1 ? 0 : 1);
        fh_replay_destroy(replay);
        fh_recording_close(recording);
    }
}

static void more_queues_than_a_device_has_share_the_last(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    for (uint64_t queue = 1; queue <= 20; queue++) {
        tape_queue(&t, queue);
        tape_alone(&t, queue, 1000);
        tape_use(&t, queue, queue);
        tape_frame(&t);
    }
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, 3000);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count + figures.refused_count, 17);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* ---- waits ---- */

static uint32_t wait_long(void *context, const fh_request *request, const fh_facts *facts,
                          fh_relief out_reliefs[FH_RELIEF_MAX])
{
    uint32_t *calls = context;
    (void)request;
    (void)facts;
    ++*calls;
    out_reliefs[0] = (fh_relief){.action = FH_RELIEF_WAIT, .timeout_ns = UINT64_MAX};
    return 1;
}

/* Two hundred waits without end, which nobody could end. */
static void a_policy_that_waits_does_not_wait_in_vain(void **state)
{
    static const fh_policy_ops ops = {.name = "patient", .relieve = wait_long};
    uint32_t calls = 0;
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_FREEHOLD, GIB(8));
    tape_queue(&t, 1);
    for (uint64_t id = 1; id <= 100; id++) {
        tape_alone(&t, id, MIB(1));
        tape_use(&t, 1, id);
        tape_released(&t, id);
    }
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(1));
    CHECK_OK(fh_device_set_policy(fh_replay_device(replay), &ops, &calls));
    CHECK_EQUAL(check_played(replay).refused_count, 99);
    assert_true(calls >= 99);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* ---- the same at every run ---- */

enum {
    LIVE = 60,
    EVENTS = 6000
};

/* What a program might do: everything comes, is used, and goes; some of it aliased, mapped, of
 * unknown sizes. */
static void tape_anything(taping *t, test_rng *rng)
{
    uint64_t ids[LIVE] = {0}, next = 1, some[8];
    tape_begin(t, FH_TRACE_API_VULKAN, MIB(64));
    tape_queue(t, 1);
    tape_queue(t, 2);
    tape_memory(t, 100000, 0, MIB(16)); /* for what is aliased */
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t at = (uint32_t)test_below(rng, LIVE);
        uint32_t what = (uint32_t)test_below(rng, 10);
        if (ids[at] == 0) {
            ids[at] = next++;
            uint64_t size = test_log_uniform(rng, MIB(2));
            if (what < 5) {
                tape_own(t, ids[at], size);
            } else if (what < 7) {
                tape_texture(t, ids[at], 64, 1 + (uint32_t)test_below(rng, 512));
                tape_bound(t, ids[at], 100000, test_below(rng, 2000) * 4096, 0);
            } else {
                tape_alone(t, ids[at], size);
            }
            if (test_chance(rng, 10)) {
                tape_mapped(t, 0, ids[at], 0, 0);
            }
        } else if (what < 3) {
            tape_destroyed(t, ids[at]);
            tape_memory_freed(t, ids[at]);
            ids[at] = 0;
        } else if (what < 9) {
            uint32_t count = 0;
            for (uint32_t k = 0; k < 8; k++) {
                uint64_t id = ids[test_below(rng, LIVE)];
                some[count] = id;
                count += id != 0;
            }
            tape_submit(t, 1 + test_below(rng, 2), some, count);
        } else {
            t->time_ns += test_below(rng, 50) * 1000000;
            tape_frame(t);
        }
    }
}

static fh_replay *play(const fh_recording *recording, int way)
{
    const fh_replay_heap heap = {.heap = 0, .size = MIB(12)};
    const fh_replay_desc descs[] = {
        {.as_recorded = true, .keep_spans = true},
        {.keep_spans = true},
        {.keep_spans = true, .heaps = &heap, .heap_count = 1},
        {.keep_spans = true, .profile = fh_profile_find("mobile-4g")},
        {.keep_spans = true, .frame_first = 10, .frame_last = 50},
    };
    fh_replay *replay = check_replay(recording, &descs[way % 5]);
    if (way == 3) {
        CHECK_OK(fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0},
                                     MIB(8)));
    }
    CHECK_OK(fh_replay_step(replay, UINT32_MAX, NULL));
    return replay;
}

/* Also one step at a time, after other runs, and of another recording of the same trace. */
static void two_runs_are_the_same_to_the_last_bit(void **state)
{
    uint64_t seed = test_seed();
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        taping t;
        test_rng rng = {seed + round}, again = {seed + round};
        tape_anything(&t, &rng);
        fh_recording *recording = check_recording(&t);
        tape_anything(&t, &again);
        fh_recording *twin = check_recording(&t);
        uint64_t evicted = 0;
        for (int way = 0; way < 5; way++) {
            fh_replay *first = play(recording, way);
            fh_replay *other = play(recording, (way + 1) % 5);
            fh_replay *second = play(recording, way);
            fh_replay *third = play(twin, way);
            CHECK_NO_FAULT(tape_difference(first, second));
            CHECK_NO_FAULT(tape_difference(first, third));
            assert_non_null(tape_difference(first, other));
            evicted += check_figures(first).evicted_count;
            fh_replay_destroy(first);
            fh_replay_destroy(other);
            fh_replay_destroy(second);
            fh_replay_destroy(third);
        }
        assert_true(evicted > 0);
        fh_replay *whole = play(recording, 1);
        fh_replay *stepped = check_replay(recording, &(fh_replay_desc){.keep_spans = true});
        while (!fh_replay_done(stepped)) {
            CHECK_OK(fh_replay_step(stepped, 1, NULL));
        }
        CHECK_NO_FAULT(tape_difference(whole, stepped));
        fh_replay_destroy(whole);
        fh_replay_destroy(stepped);
        fh_recording_close(recording);
        fh_recording_close(twin);
    }
}

/* The sums of the yard and of the device are the same. */
static void figures_agree_with_the_device(void **state)
{
    taping t;
    test_rng rng = {test_seed()};
    (void)state;
    tape_anything(&t, &rng);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_limited(recording, MIB(20));
    uint64_t peak = 0;
    while (!fh_replay_done(replay)) {
        uint32_t count;
        fh_device_stats stats;
        CHECK_OK(fh_replay_step(replay, 1, NULL));
        CHECK_OK(fh_device_get_stats(fh_replay_device(replay), &stats));
        const fh_replay_sample *samples = fh_replay_samples(replay, &count);
        const fh_replay_sample *sample = &samples[count - 1];
        CHECK_EQUAL(sample->total.reserved, stats.total.stats.block_bytes);
        CHECK_EQUAL(sample->block_count, stats.total.stats.block_count);
        CHECK_EQUAL(sample->heaps[0].reserved, stats.heaps[0].stats.block_bytes);
        assert_true(sample->reserved_peak >= sample->total.reserved);
        peak = sample->reserved_peak > peak ? sample->reserved_peak : peak;
        CHECK_EQUAL(check_figures(replay).total.reserved_peak, peak);
        CHECK_EQUAL(check_figures(replay).driver_alloc_count, stats.driver_alloc_count);
    }
    assert_true(peak <= MIB(20));
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* ---- host memory ---- */

static void every_host_allocation_may_fail(void **state)
{
    taping t;
    test_rng rng = {1};
    (void)state;
    tape_anything(&t, &rng);
    fh_recording *recording = check_recording(&t);
    for (int as_recorded = 0; as_recorded < 2; as_recorded++) {
        uint64_t n = 0, step = 1;
        for (bool done = false; !done;) {
            test_memory memory;
            fh_replay *replay = NULL;
            test_memory_init(&memory);
            n += step;
            memory.fail_at = n;
            step = n / 20 + 1; /* all of the beginning, samples of the rest */
            const fh_replay_desc desc = {.as_recorded = as_recorded == 1,
                                         .keep_spans = true,
                                         .frame_last = 40,
                                         .memory = &memory.host};
            fh_result result = fh_replay_create(recording, &desc, &replay);
            assert_true((replay != NULL) == (result == FH_OK));
            if (replay) {
                if (!desc.as_recorded) {
                    /* Refused, or not: the device may do without. */
                    fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0},
                                        MIB(10));
                }
                result = fh_replay_step(replay, UINT32_MAX, NULL);
            }
            done = memory.failure_count == 0;
            if (done) {
                assert_string_equal(fh_result_name(result), "FH_OK");
            } else {
                assert_true(result == FH_OK || result == FH_ERR_HOST_MEMORY);
            }
            fh_replay_destroy(replay);
            test_memory_finish(&memory);
        }
        assert_true(n > 5);
    }
    fh_recording_close(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_unused_goes_and_comes_back),
        cmocka_unit_test(what_is_evicted_may_come_back_in_its_first_frame),
        cmocka_unit_test(some_things_stay),
        cmocka_unit_test(what_lies_in_mapped_memory_may_go),
        cmocka_unit_test(without_uses_nothing_is_evicted),
        cmocka_unit_test(a_group_goes_and_comes_as_a_whole),
        cmocka_unit_test(what_the_program_destroyed_is_free_at_once),
        cmocka_unit_test(what_was_released_waits_for_the_gpu),
        cmocka_unit_test(what_was_released_and_destroyed_is_free),
        cmocka_unit_test(destroying_tells_how_far_its_queue_is),
        cmocka_unit_test(more_queues_than_a_device_has_share_the_last),
        cmocka_unit_test(a_policy_that_waits_does_not_wait_in_vain),
        cmocka_unit_test(two_runs_are_the_same_to_the_last_bit),
        cmocka_unit_test(figures_agree_with_the_device),
        cmocka_unit_test(every_host_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
