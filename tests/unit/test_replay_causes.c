/* Which line of which script decided what, in a replay under policies in Lua. */

#include "replay_checks.h"

#include "replay/causes.h"

_Static_assert(FHI_HOOK_PLACE == (int)FH_HOOK_PLACE && FHI_HOOK_RELIEVE == (int)FH_HOOK_RELIEVE &&
                   FHI_HOOK_LIMITS == (int)FH_HOOK_LIMITS &&
                   FHI_HOOK_PRESSURE == (int)FH_HOOK_PRESSURE &&
                   FHI_HOOK_EVICT == (int)FH_HOOK_EVICT &&
                   FHI_OUTCOME_DECIDED == (int)FH_OUTCOME_DECIDED &&
                   FHI_OUTCOME_NOTHING == (int)FH_OUTCOME_NOTHING,
               "numbers of a higher floor");

static fh_replay *check_under(const fh_recording *recording, const char *name, const char *text,
                              fh_policy **out_policy)
{
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.keep_spans = true});
    const fh_policy_desc desc = {.source = {.text = text, .name = name}};
    fh_result result = fh_policy_load(fh_replay_device(replay), &desc, out_policy);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return replay;
}

static const fh_replay_cause *check_cause(const fh_replay *replay, fh_hook hook, uint32_t line)
{
    uint32_t count;
    const fh_replay_cause *causes = fh_replay_causes(replay, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (causes[i].hook == (uint32_t)hook && causes[i].line == line) {
            return &causes[i];
        }
    }
    fail_msg("no cause of %s in line %u", fh_hook_name(hook), line);
    return NULL;
}

/* Line 4 places large ones, line 6 small ones; buffers of storage are nobody's business. */
static const char placing[] = "return { name = \"placing\",\n"
                              "place = function(self, request)\n"
                              "    if request.usage.vertex and request.size_min >= 65536 then\n"
                              "        return { dedicated = \"require\" }\n"
                              "    elseif request.usage.vertex then\n"
                              "        return { memory = { \"upload\" } }\n"
                              "    end\n"
                              "end }\n";

static void placed_resources_are_charged_to_their_lines(void **state)
{
    taping t;
    fh_policy *policy;
    uint64_t count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_memory(&t, 1, 0, MIB(16));
    const struct {
        uint64_t size;
        fh_usage usage;
    } made[] = {
        {65536, FH_USAGE_VERTEX}, {65537, FH_USAGE_VERTEX}, {100, FH_USAGE_VERTEX},
        {120, FH_USAGE_VERTEX},   {200, FH_USAGE_VERTEX},   {300, FH_USAGE_STORAGE},
        {70000, FH_USAGE_VERTEX},
    };
    for (uint64_t i = 0; i < TEST_COUNT_OF(made); i++) {
        tape_buffer(&t, i + 1, made[i].size, made[i].usage);
        tape_bound(&t, i + 1, 1, i * MIB(1), made[i].size);
    }
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_under(recording, "placing", placing, &policy);
    fh_replay_figures figures = check_played(replay);
    /* Classes: 64 KiB, 64 to 128, 128 to 256, and one of storage; the latter without an answer. */
    CHECK_EQUAL(figures.decision_count, 4);
    CHECK_EQUAL(figures.decision_failed_count, 0);
    const fh_replay_cause *large = check_cause(replay, FH_HOOK_PLACE, 4);
    assert_string_equal(large->script, "placing");
    CHECK_EQUAL(large->decision_count, 1);
    CHECK_EQUAL(large->resource_count, 3);
    CHECK_EQUAL(large->bytes, 65536 + 65537 + 70000);
    assert_string_equal(large->answer, "heap 0, device, dedicated");
    const fh_replay_cause *small = check_cause(replay, FH_HOOK_PLACE, 6);
    CHECK_EQUAL(small->decision_count, 2);
    CHECK_EQUAL(small->resource_count, 3);
    CHECK_EQUAL(small->bytes, 420);
    assert_string_equal(small->answer, "heap 1, host");

    uint32_t causes;
    const fh_replay_cause *all = fh_replay_causes(replay, &causes);
    const fh_replay_span *spans = fh_replay_spans(replay, &count);
    CHECK_EQUAL(count, 7);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t line = i < 2 || i == 6 ? 4 : i < 5 ? 6 : 0;
        CHECK_EQUAL(spans[i].resource, i + 1);
        CHECK_EQUAL(spans[i].cause == 0 ? 0 : all[spans[i].cause - 1].line, line);
    }
    fh_policy_release(policy);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static const char limiting[] = "return { name = \"limiting\",\n"
                               "limits = function(self, facts)\n"
                               "    return { total = 3 << 20 }\n"
                               "end }\n";

static const char relieving[] = "return { name = \"relieving\",\n"
                                "limits = function(self, facts)\n"
                                "    return { total = 3 << 20 }\n"
                                "end,\n"
                                "relieve = function(self, request, facts)\n"
                                "    if request.size > 1 << 20 then\n"
                                "        return \"deny\"\n"
                                "    end\n"
                                "    return { { action = \"evict\", bytes = request.size } }\n"
                                "end }\n";

static void tape_pressed(taping *t)
{
    const uint64_t all[] = {1, 2, 3};
    tape_begin(t, FH_TRACE_API_VULKAN, GIB(8));
    tape_queue(t, 1);
    for (uint64_t id = 1; id <= 3; id++) {
        tape_alone(t, id, MIB(1));
    }
    tape_submit(t, 1, all, 3);
    for (int i = 0; i < 3; i++) {
        tape_frame(t);
    }
    tape_alone(t, 4, MIB(1)); /* something goes for it */
    tape_use(t, 1, 4);
    tape_alone(t, 5, MIB(2)); /* nothing of the policy's goes for that */
    tape_frame(t);
}

static void what_relief_evicts_and_denies_is_charged(void **state)
{
    taping t;
    fh_policy *policy;
    (void)state;
    tape_pressed(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_under(recording, "relieving", relieving, &policy);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.evicted_count, 1);
    CHECK_EQUAL(figures.refused_count, 1);
    const fh_replay_cause *evict = check_cause(replay, FH_HOOK_RELIEVE, 9);
    CHECK_EQUAL(evict->resource_count, 1);
    CHECK_EQUAL(evict->bytes, MIB(1));
    assert_string_equal(evict->answer, "evicted");
    const fh_replay_cause *deny = check_cause(replay, FH_HOOK_RELIEVE, 7);
    CHECK_EQUAL(deny->resource_count, 1);
    CHECK_EQUAL(deny->bytes, MIB(2));
    assert_string_equal(deny->answer, "refused");
    fh_policy_release(policy);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void what_a_limit_refuses_or_evicts_is_charged_to_it(void **state)
{
    taping t;
    fh_policy *policy;
    (void)state;
    tape_pressed(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_under(recording, "limiting", limiting, &policy);
    fh_replay_figures figures = check_played(replay);
    const fh_replay_cause *limit = check_cause(replay, FH_HOOK_LIMITS, 3);
    CHECK_EQUAL(limit->resource_count, figures.evicted_count + figures.refused_count);
    CHECK_EQUAL(limit->bytes, figures.evicted_bytes + figures.refused_bytes);
    CHECK_EQUAL(limit->placed_count + limit->placed_bytes, 0);
    CHECK_EQUAL(limit->evicted_count, figures.evicted_count);
    CHECK_EQUAL(limit->evicted_bytes, figures.evicted_bytes);
    CHECK_EQUAL(limit->refused_count, figures.refused_count);
    CHECK_EQUAL(limit->refused_bytes, figures.refused_bytes);
    assert_true(figures.evicted_count > 0);
    fh_policy_release(policy);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void another_version_of_a_script_has_causes_of_its_own(void **state)
{
    static const char before[] = "return { name = \"edited\",\n"
                                 "place = function(self, request)\n"
                                 "    return { dedicated = \"require\" }\n"
                                 "end }\n";
    static const char after[] = "return { name = \"edited\",\n"
                                "place = function(self, request)\n"
                                "    if request.kind == \"buffer\" then\n"
                                "        return { dedicated = \"never\" }\n"
                                "    end\n"
                                "end }\n";
    taping t;
    static const char silent[] = "return { name = \"edited\", place = function() end }\n";
    fh_policy *policy, *edited, *last;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    for (uint64_t id = 1; id <= 6; id++) {
        tape_own(&t, id, 1000);
        tape_frame(&t);
    }
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_under(recording, "edited", before, &policy);
    CHECK_OK(fh_replay_step(replay, 2, NULL));
    const fh_policy_desc desc = {.source = {.text = after, .name = "edited"}};
    CHECK_OK(fh_policy_load(fh_replay_device(replay), &desc, &edited));
    CHECK_OK(fh_replay_step(replay, 2, NULL));
    const fh_policy_desc last_desc = {.source = {.text = silent, .name = "edited"}};
    CHECK_OK(fh_policy_load(fh_replay_device(replay), &last_desc, &last));
    check_played(replay); /* the native rule places the last two */
    CHECK_EQUAL(check_cause(replay, FH_HOOK_PLACE, 3)->resource_count, 2);
    CHECK_EQUAL(check_cause(replay, FH_HOOK_PLACE, 4)->resource_count, 2);
    fh_policy_release(policy);
    fh_policy_release(edited);
    fh_policy_release(last);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void scripts_that_fail_are_counted(void **state)
{
    static const char failing[] = "return { name = \"failing\",\n"
                                  "frame = function(self, stats, facts)\n"
                                  "    if facts.used == 1000 then error(\"no\") end\n"
                                  "end }\n";
    taping t;
    fh_policy *policy;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_frame(&t); /* nothing to say */
    tape_alone(&t, 1, 1000);
    tape_frame(&t);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_under(recording, "failing", failing, &policy);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.decision_count, 3);
    CHECK_EQUAL(figures.decision_failed_count, 2);
    assert_true(figures.timing.policy_ns > 0);
    fh_policy_release(policy);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void scripts_decide_the_same_at_every_run(void **state)
{
    taping t;
    fh_policy *policies[2];
    (void)state;
    tape_pressed(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *first = check_under(recording, "relieving", relieving, &policies[0]);
    fh_replay *second = check_under(recording, "relieving", relieving, &policies[1]);
    check_played(second);
    check_played(first);
    CHECK_NO_FAULT(tape_difference(first, second));
    fh_policy_release(policies[0]);
    fh_policy_release(policies[1]);
    fh_replay_destroy(first);
    fh_replay_destroy(second);
    fh_recording_close(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placed_resources_are_charged_to_their_lines),
        cmocka_unit_test(what_relief_evicts_and_denies_is_charged),
        cmocka_unit_test(what_a_limit_refuses_or_evicts_is_charged_to_it),
        cmocka_unit_test(another_version_of_a_script_has_causes_of_its_own),
        cmocka_unit_test(scripts_that_fail_are_counted),
        cmocka_unit_test(scripts_decide_the_same_at_every_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
