/* Replays on a card that is smaller, or has another budget than the recorded one, and under limits:
 * refusals, misses, what is found again. */

#include "replay_checks.h"

#include <freehold/policy.h>

static void a_heap_that_is_too_small_refuses(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(&t, 1);
    tape_alone(&t, 1, MIB(1));
    tape_alone(&t, 2, MIB(1));
    tape_alone(&t, 3, MIB(1)); /* no room for it, and others are not to go: they are always used */
    for (uint64_t id = 1; id <= 3; id++) {
        fh_trace_event always = {.kind = FH_TRACE_ALWAYS_USED};
        always.always_used.resource = id;
        tape_add(&t, &always);
    }
    tape_use(&t, 1, 3); /* a miss: it was tried in this frame */
    tape_frame(&t);
    tape_use(&t, 1, 3); /* tried again, in vain */
    tape_use(&t, 1, 3); /* not tried */
    tape_frame(&t);
    tape_alone_gone(&t, 1);
    tape_use(&t, 1, 3); /* there it is */
    tape_use(&t, 1, 3);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    const fh_replay_heap heap = {.heap = 0, .size = MIB(2), .budget = MIB(2)};
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.heaps = &heap, .heap_count = 1});
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.request_count, 3);
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.refused_bytes, MIB(1));
    CHECK_EQUAL(figures.miss_count, 3);
    CHECK_EQUAL(figures.reload_count, 1);
    CHECK_EQUAL(figures.reload_bytes, MIB(1));
    CHECK_EQUAL(figures.evicted_count, 0);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(2));
    CHECK_EQUAL(figures.heaps[0].budget, MIB(2));
    CHECK_EQUAL(figures.frames_over_budget, 0);
    assert_true(figures.can_evict);
    fh_device_stats stats;
    CHECK_OK(fh_device_get_stats(fh_replay_device(replay), &stats));
    CHECK_EQUAL(stats.refused_count, 2); /* and no more tries than that */
    fh_replay_destroy(replay);

    /* The heap is full, whatever the budget says. */
    replay =
        check_replay(recording, &(fh_replay_desc){.heaps = &(fh_replay_heap){0, MIB(2), GIB(1)},
                                                  .heap_count = 1});
    figures = check_played(replay);
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(2));
    CHECK_EQUAL(figures.heaps[0].budget, GIB(1));
    fh_replay_destroy(replay);

    /* Without a budget it is 80 % of the heap: there is room for one. */
    replay = check_replay(
        recording, &(fh_replay_desc){.heaps = &(fh_replay_heap){0, MIB(2), 0}, .heap_count = 1});
    figures = check_played(replay);
    CHECK_EQUAL(figures.refused_count, 2);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(1));
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* mobile-4g has a budget of its own, of 2 GiB. */
static void the_budget_of_another_size_follows_from_it(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    fh_recording *recording = check_recording(&t);
    fh_replay *replay =
        check_replay(recording, &(fh_replay_desc){.profile = fh_profile_find("mobile-4g")});
    CHECK_EQUAL(check_played(replay).heaps[0].budget, GIB(2));
    fh_replay_destroy(replay);
    replay = check_replay(recording, &(fh_replay_desc){.profile = fh_profile_find("mobile-4g"),
                                                       .heaps = &(fh_replay_heap){0, GIB(1), 0},
                                                       .heap_count = 1});
    CHECK_EQUAL(check_played(replay).heaps[0].budget, GIB(1) - GIB(1) / 5);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void recorded_budgets_hold_on_the_recorded_card(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(4));
    tape_budget(&t, 0, MIB(10), MIB(7)); /* 3 MiB are of others */
    tape_frame(&t);
    tape_alone(&t, 2, MIB(3)); /* just fits */
    tape_alone(&t, 3, 1);      /* does not */
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(7));
    CHECK_EQUAL(figures.heaps[0].budget, MIB(10));
    CHECK_EQUAL(figures.heaps[1].budget, GIB(1) - GIB(1) / 5);
    CHECK_EQUAL(figures.frames_over_budget, 0);
    fh_replay_destroy(replay);
    replay = check_replay(
        recording, &(fh_replay_desc){.heaps = &(fh_replay_heap){0, 0, MIB(20)}, .heap_count = 1});
    CHECK_EQUAL(check_played(replay).refused_count, 0);
    fh_replay_destroy(replay);
    replay = check_replay(recording, &(fh_replay_desc){.profile = fh_profile_find("uma-16g")});
    CHECK_EQUAL(check_played(replay).refused_count, 0);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* What the program did does not change, and is held against the budget that is given. */
static void as_recorded_a_budget_is_looked_at(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(4));
    tape_budget(&t, 0, MIB(100), MIB(4));
    tape_frame(&t);
    tape_alone(&t, 2, MIB(3));
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    const fh_replay_heap tight = {0, 0, MIB(6)};
    fh_replay_desc desc = {.as_recorded = true, .heaps = &tight, .heap_count = 1};
    fh_replay *replay = check_replay(recording, &desc);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.frames_over_budget, 1);
    CHECK_EQUAL(figures.heaps[0].budget, MIB(6));
    CHECK_EQUAL(figures.total.reserved_peak, MIB(7));
    CHECK_EQUAL(figures.refused_count, 0);
    fh_replay_destroy(replay);
    const fh_replay_heap none = {7, 0, MIB(6)};
    desc.heaps = &none;
    CHECK_RESULT(fh_replay_create(recording, &desc, &replay), FH_ERR_INVALID);
    assert_null(replay);
    fh_recording_close(recording);
}

static void a_policy_limits_it(void **state)
{
    taping t;
    uint32_t count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(2));
    tape_frame(&t);
    tape_alone(&t, 2, MIB(2));
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    fh_budget_policy policy = {.limit = MIB(3)};
    CHECK_OK(fh_device_set_policy(fh_replay_device(replay), fh_budget_policy_ops(), &policy));
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.total.reserved_peak, MIB(2));
    CHECK_EQUAL(figures.frames_over_budget, 0);
    CHECK_EQUAL(fh_replay_samples(replay, &count)[0].limit, MIB(3));
    CHECK_EQUAL(policy.used_peak, MIB(2));
    fh_replay_destroy(replay);

    replay = check_replay(recording, NULL);
    policy = (fh_budget_policy){.limit = MIB(3), .telemetry_only = true};
    CHECK_OK(fh_device_set_policy(fh_replay_device(replay), fh_budget_policy_ops(), &policy));
    CHECK_EQUAL(check_played(replay).refused_count, 0);
    CHECK_EQUAL(policy.over_count, 1);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* Lowered while it is in charge, by who steps. */
static void frames_over_a_limit_are_counted(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(2));
    tape_frame(&t);
    tape_frame(&t);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    CHECK_OK(fh_replay_step(replay, 1, NULL));
    CHECK_OK(fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0},
                                 MIB(2) - 1));
    CHECK_EQUAL(check_played(replay).frames_over_budget, 2);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_that_is_too_small_refuses),
        cmocka_unit_test(the_budget_of_another_size_follows_from_it),
        cmocka_unit_test(recorded_budgets_hold_on_the_recorded_card),
        cmocka_unit_test(as_recorded_a_budget_is_looked_at),
        cmocka_unit_test(a_policy_limits_it),
        cmocka_unit_test(frames_over_a_limit_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
