/* Policies of scripts, without a language: loaded, asked, merged when there are several; what
 * fails, is slow, or fails for ever; limits that hold through all of it; and what is told of it.
 * Changes of version are in test_policy_reload.c, options in test_policy_option.c, threads in
 * test_policy_script_threads.c. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

/* ---- loading ---- */

static void a_text_is_loaded_and_put_in_charge(void **state)
{
    stage *s = *state;
    load_text(s, "name budget\nnote something is odd\non place decide 0.25\n");
    assert_string_equal(fh_device_policy_name(s->card.device), "budget");
    const fh_script_status *script = look(s);
    assert_string_equal(script->name, "budget");
    assert_string_equal(script->path, "");
    assert_string_equal(script->notes, "something is odd");
    assert_string_equal(script->error, "");
    CHECK_EQUAL(script->state, FH_SCRIPT_LOADED);
    CHECK_EQUAL(script->version, 1);
    CHECK_EQUAL(script->accepted, 1);
    assert_true(script->hooks[FH_HOOK_PLACE].present);
    assert_false(script->hooks[FH_HOOK_FRAME].present);
    assert_true(s->status.in_charge);
    assert_false(s->status.watching);
    CHECK_EQUAL(s->status.script_count, 1);
    CHECK_EQUAL(script->memory, sizeof(fhi_version));
}

static void a_file_is_loaded_with_what_it_extends(void **state)
{
    stage *s = *state;
    write_file(s, "base.lua", "on place decide 0.5\n");
    const char *path = write_file(s, "main.lua", "name main\nextend base\n");
    load_file(s, path, false);
    assert_string_equal(look(s)->path, path);
    assert_true(look(s)->hooks[FH_HOOK_PLACE].present);
}

static void the_policy_lives_without_a_handle(void **state)
{
    stage *s = *state;
    const fh_policy_desc desc = {.source = {.text = "name alone\non place decide 1\n"}};
    CHECK_OK(fhi_policy_load_with(&fake_engine, s->card.device, &desc, NULL));
    assert_string_equal(fh_device_policy_name(s->card.device), "alone");
    touch(s, 100);
    CHECK_OK(fh_device_set_policy(s->card.device, NULL, NULL));
    CHECK_EQUAL(atomic_load(&fake_live), 0);
}

static void the_handle_works_when_another_policy_is_in_charge(void **state)
{
    stage *s = *state;
    load_text(s, "name first\noption size bytes 0 100 50\non place decide 1\n");
    touch(s, 100);
    CHECK_OK(fh_device_set_policy(s->card.device, NULL, NULL));
    fh_option_info option;
    uint32_t count;
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 1);
    assert_false(s->status.in_charge);
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).version, 1);
    CHECK_OK(fh_policy_options(s->policy, &option, 1, &count));
    CHECK_EQUAL(count, 1);
    CHECK_OK(fh_policy_watch(s->policy, false));
    CHECK_RESULT(fh_policy_reload(s->policy), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not in charge");
    CHECK_RESULT(fh_policy_rollback(s->policy), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_set_option(s->policy, "size", "7"), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_watch(s->policy, true), FH_ERR_INVALID);
}

static void what_cannot_be_loaded_leaves_the_policy_before(void **state)
{
    stage *s = *state;
    char folder[128];
    static const char long_text[FHI_SOURCE_MAX + 1] = "name x";
    static const char zero_text[] = "name x\n\0name y";
    const fh_policy_source many[FH_SCRIPT_MAX + 1] = {{.text = ""}};
    const fh_policy_setting unknown[] = {{"size", "7"}}, nameless[] = {{NULL, "7"}};
    const fh_policy_setting wrong[] = {{"size", "700"}};
    const char *option = "option size bytes 0 100 50\n";
    snprintf(folder, sizeof folder, "%s", s->folder);
    const struct {
        fh_policy_desc desc;
        const char *result, *word;
    } cases[] = {
        {{.source = {0}}, "FH_ERR_INVALID", "neither"},
        {{.sources = many, .source_count = FH_SCRIPT_MAX + 1}, "FH_ERR_INVALID", "9"},
        {{.source_count = 1}, "FH_ERR_INVALID", "sources"},
        {{.source = {.text = ""}, .sources = many, .source_count = 1}, "FH_ERR_INVALID", "list"},
        {{.source = {.text = "", .name = "n"}, .setting_count = 1}, "FH_ERR_INVALID", "settings"},
        {{.source = {.text = ""}, .settings = unknown, .setting_count = 1},
         "FH_ERR_INVALID",
         "size"},
        {{.source = {.text = option}, .settings = nameless, .setting_count = 1},
         "FH_ERR_INVALID",
         "no name"},
        {{.source = {.text = option}, .settings = wrong, .setting_count = 1},
         "FH_ERR_INVALID",
         "700"},
        {{.source = {.text = "name x\nwrong", .name = "mine"}}, "FH_ERR_SCRIPT", "mine"},
        {{.source = {.text = "on retain fail\n"}}, "FH_ERR_SCRIPT", "retain failed"},
        {{.source = {.text = "on evict stop\n"}}, "FH_ERR_SCRIPT", "evict failed"},
        {{.source = {.text = "extend nothing\n"}}, "FH_ERR_IO", "nothing.lua"},
        {{.source = {.text = long_text, .text_size = sizeof long_text}},
         "FH_ERR_SCRIPT",
         "too long"},
        {{.source = {.text = zero_text, .text_size = sizeof zero_text - 1}},
         "FH_ERR_SCRIPT",
         "policy:2:"},
        {{.source = {.path = "/nowhere/to/be/found.lua"}}, "FH_ERR_IO", "no such file"},
        {{.source = {.path = folder}}, "FH_ERR_IO", "folder"},
        {{.source = {.text = "name x"}, .watch = true}, "FH_ERR_INVALID", "no script"},
    };
    CHECK_OK(fh_device_set_policy(s->card.device, &(fh_policy_ops){.name = "before"}, NULL));
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        const char *result = fh_result_name(load_desc(s, &cases[i].desc));
        /* An engine's reports carry no result. */
        if (strcmp(cases[i].word, "nothing.lua") != 0) {
            assert_string_equal(result, cases[i].result);
        }
        CHECK_DETAIL_NAMES(cases[i].word);
        assert_null(s->policy);
        assert_string_equal(fh_device_policy_name(s->card.device), "before");
        CHECK_EQUAL(atomic_load(&fake_live), 0);
    }
    const fh_policy_desc desc = {.source = {.text = ""}};
    CHECK_RESULT(fhi_policy_load_with(&fake_engine, NULL, &desc, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fhi_policy_load_with(&fake_engine, s->card.device, NULL, NULL), FH_ERR_INVALID);
}

static void missing_arguments_are_errors(void **state)
{
    stage *s = *state;
    uint32_t count = 7;
    fh_decision decision;
    load_text(s, "name x");
    fh_policy_release(NULL);
    CHECK_RESULT(fh_policy_load(NULL, NULL, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_watch(NULL, true), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_reload(NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_rollback(NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_set_option(NULL, "a", "b"), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_set_option(s->policy, NULL, "b"), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_options(NULL, NULL, 0, &count), FH_ERR_INVALID);
    CHECK_EQUAL(count, 0);
    CHECK_RESULT(fh_policy_options(s->policy, NULL, 0, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_options(s->policy, NULL, 1, &count), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_get_status(s->policy, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_get_status(NULL, &s->status), FH_ERR_INVALID);
    CHECK_EQUAL(s->status.script_count, 0);
    CHECK_RESULT(fh_policy_state(NULL, 0, test_text_write, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_state(s->policy, 0, NULL, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_state(s->policy, 1, test_text_write, NULL), FH_ERR_INVALID);
    count = 7;
    CHECK_RESULT(fh_policy_decisions(NULL, 0, &decision, 1, &count), FH_ERR_INVALID);
    CHECK_EQUAL(count, 0);
    CHECK_RESULT(fh_policy_decisions(s->policy, 0, NULL, 1, &count), FH_ERR_INVALID);
    CHECK_RESULT(fh_policy_decisions(s->policy, 0, &decision, 1, NULL), FH_ERR_INVALID);
    assert_string_equal(fh_hook_name(FH_HOOK_DEFRAG), "defrag");
    assert_string_equal(fh_hook_name((fh_hook)99), "?");
}

/* ---- asking ---- */

static void every_hook_is_asked_and_its_answer_comes_through(void **state)
{
    stage *s = *state;
    fh_facts facts = {.frame = 3, .now_ns = 77, .used = 5, .limit = 6};
    fh_request request = {.size = 100, .tag_name = "", .name = "", .attempt = 1};
    fh_relief reliefs[FH_RELIEF_MAX] = {{0}};
    fh_verdict verdict = {0};
    fh_limits limits = {0};
    fh_frame_decision frame = {0};
    fh_pressure_decision pressure = {0};
    fh_retain_decision retain = {0};
    fh_recycle_decision recycle = {0};
    double keys[2];
    fh_evict_order order = {.keys = keys};
    fh_alias_decision alias = {0};
    fh_defrag_decision defrag = {0};
    const uint64_t ones[2] = {1, 2};
    const fh_candidates candidates = {.count = 2,
                                      .parcels = (fh_parcel[2]){{1}, {2}},
                                      .priorities = (float[2]){0},
                                      .ages = ones,
                                      .sizes = ones,
                                      .tags = (fh_tag[2]){0},
                                      .kinds = (fh_kind[2]){FH_KIND_BUFFER, FH_KIND_BUFFER},
                                      .made = ones,
                                      .wanted = 9};
    load_text(s, "on place decide 0.5\non relieve decide 2\non limits decide 99\n"
                 "on frame decide 3\non pressure decide 4\non retain decide 5\n"
                 "on recycle decide 6\non evict decide 7\non alias decide 8\n"
                 "on defrag decide 9\n");
    const fh_policy_ops *ops = &fhi_script_ops;
    assert_true(ops->place(s->policy, &request, &facts, &verdict));
    assert_true(verdict.has_priority && verdict.priority == 0.5F);
    CHECK_EQUAL(ops->relieve(s->policy, &request, &facts, reliefs), 1);
    CHECK_EQUAL(reliefs[0].action, FH_RELIEF_TRIM);
    assert_true(ops->limits(s->policy, &facts, &limits));
    CHECK_EQUAL(limits.total, 99);
    assert_true(ops->frame(s->policy, &(fh_frame_facts){.tick_ns = 1}, &facts, &frame));
    CHECK_EQUAL(frame.depth, 3);
    assert_true(ops->pressure(s->policy, &(fh_pressure){.watermark = 1}, &facts, &pressure));
    CHECK_EQUAL(pressure.evict_bytes, 4);
    assert_true(ops->retain(s->policy, &(fh_block_facts){.size = 8}, &facts, &retain));
    CHECK_EQUAL(retain.ticks, 5);
    assert_true(ops->recycle(s->policy, &(fh_recycle_facts){.count = 9}, &facts, &recycle));
    CHECK_EQUAL(recycle.keep_ticks, 6);
    assert_true(ops->evict(s->policy, &candidates, &facts, &order));
    assert_true(order.use_keys && keys[0] == 8.0 && keys[1] == 9.0);
    assert_true(ops->alias(s->policy, &(fh_alias_facts){.item_count = 1}, &facts, &alias));
    assert_string_equal(alias.strategy, "8");
    assert_true(ops->defrag(s->policy, &(fh_defrag_facts){.size = 10}, &facts, &defrag));
    CHECK_EQUAL(defrag.bytes, 9);

    /* And all of it is in the log. */
    for (int i = 0; i < FH_HOOK_MIGRATE; i++) {
        fh_decision decision = last_of(s, (fh_hook)i);
        CHECK_EQUAL(decision.outcome, FH_OUTCOME_DECIDED);
        CHECK_EQUAL(decision.frame, 3);
        CHECK_EQUAL(decision.now_ns, 77);
        CHECK_EQUAL(decision.line, 7);
        CHECK_EQUAL(decision.charge, 11);
        CHECK_EQUAL(decision.version, 1);
    }
    assert_true(last_of(s, FH_HOOK_PLACE).answer.verdict.priority == 0.5F);
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).input.request.size, 100);
    CHECK_EQUAL(last_of(s, FH_HOOK_RELIEVE).attempt, 1);
    CHECK_EQUAL(last_of(s, FH_HOOK_RELIEVE).answer.reliefs.list[0].action, FH_RELIEF_TRIM);
    CHECK_EQUAL(last_of(s, FH_HOOK_LIMITS).answer.limits.total, 99);
    CHECK_EQUAL(last_of(s, FH_HOOK_LIMITS).input.facts.used, 5);
    CHECK_EQUAL(last_of(s, FH_HOOK_FRAME).input.frame.tick_ns, 1);
    CHECK_EQUAL(last_of(s, FH_HOOK_FRAME).answer.frame.depth, 3);
    CHECK_EQUAL(last_of(s, FH_HOOK_PRESSURE).input.pressure.watermark, 1);
    CHECK_EQUAL(last_of(s, FH_HOOK_PRESSURE).answer.pressure.evict_bytes, 4);
    CHECK_EQUAL(last_of(s, FH_HOOK_RETAIN).input.block.size, 8);
    CHECK_EQUAL(last_of(s, FH_HOOK_RETAIN).answer.retain.ticks, 5);
    CHECK_EQUAL(last_of(s, FH_HOOK_RECYCLE).input.cache.count, 9);
    CHECK_EQUAL(last_of(s, FH_HOOK_RECYCLE).answer.recycle.keep_ticks, 6);
    CHECK_EQUAL(last_of(s, FH_HOOK_EVICT).input.candidates.wanted, 9);
    assert_true(last_of(s, FH_HOOK_EVICT).answer.order.use_keys);
    CHECK_EQUAL(last_of(s, FH_HOOK_ALIAS).input.graph.item_count, 1);
    CHECK_EQUAL(last_of(s, FH_HOOK_DEFRAG).input.gaps.size, 10);
    CHECK_EQUAL(last_of(s, FH_HOOK_DEFRAG).answer.defrag.bytes, 9);
}

static void hooks_that_are_missing_are_not_asked(void **state)
{
    stage *s = *state;
    load_text(s, "on frame nothing\n");
    touch(s, 100);
    tick(s);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 0);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_FRAME].calls, 1);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_FRAME].decided, 0);
    CHECK_EQUAL(s->status.decision_count, 1);
    CHECK_EQUAL(last_of(s, FH_HOOK_FRAME).outcome, FH_OUTCOME_NOTHING);
}

static void verdicts_are_kept_unless_they_depend_on_more(void **state)
{
    stage *s = *state;
    load_text(s, "on place decide 0.5\n");
    touch(s, 100);
    touch(s, 100);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 1);
    load_text(s, "on place nothing\n");
    touch(s, 100);
    touch(s, 100);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 1);
    load_text(s, "on place uncached\n");
    touch(s, 100);
    touch(s, 100);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 2);
    /* The second script is asked because of what the first one saw. */
    load_texts(s, (const char *const[]){"on place uncached\n", "on place decide 1\n", NULL});
    touch(s, 100);
    touch(s, 100);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 2);
    CHECK_EQUAL(s->status.scripts[1].hooks[FH_HOOK_PLACE].decided, 2);
}

static void lines_of_a_script_go_to_the_log(void **state)
{
    stage *s = *state;
    load_text(s, "name talker\non frame decide 2\nlog hello\n");
    for (uint32_t i = 1; i < 4; i++) {
        tick(s);
        CHECK_EQUAL(atomic_load(&s->card.complaints), i);
        assert_string_equal(s->card.complaint, "policy talker: hello");
    }
    load_text(s, "name talker\non frame decide 2\nlog hello\nloud 20\n");
    tick(s);
    CHECK_EQUAL(atomic_load(&s->card.complaints), 3 + FHI_LINES_MAX + 1);
    assert_string_equal(s->card.complaint, "policy talker: and 4 more lines in one call");
}

static void state_is_written_as_the_engine_says_it(void **state)
{
    stage *s = *state;
    test_text text = {0};
    load_text(s, "on frame nothing\n");
    tick(s);
    tick(s);
    CHECK_OK(fh_policy_state(s->policy, 0, test_text_write, &text));
    assert_int_equal(text.length, strlen("{\"frames\": 2}"));
    assert_memory_equal(text.data, "{\"frames\": 2}", text.length);
    text.fail_at = text.call_count + 1;
    text.failure = FH_ERR_IO;
    CHECK_RESULT(fh_policy_state(s->policy, 0, test_text_write, &text), FH_ERR_IO);
    test_text_finish(&text);
    /* Measured at the tick after. */
    tick(s);
    CHECK_EQUAL(look(s)->state_bytes, 2);
    CHECK_EQUAL(look(s)->state_count, 1);
}

/* ---- several ---- */

static void the_first_script_that_decides_wins(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_retain_decision retain = {0};
    load_texts(s, (const char *const[]){"name a\non retain nothing\n", "name b\n",
                                        "name c\non retain decide 3\n",
                                        "name d\non retain decide 4\n", NULL});
    assert_string_equal(fh_device_policy_name(s->card.device), "a + b + c + d");
    assert_true(fhi_script_ops.retain(s->policy, &(fh_block_facts){0}, &facts, &retain));
    CHECK_EQUAL(retain.ticks, 3);
    CHECK_EQUAL(look(s)[0].hooks[FH_HOOK_RETAIN].calls, 1);
    CHECK_EQUAL(look(s)[3].hooks[FH_HOOK_RETAIN].calls, 0);
    CHECK_EQUAL(last_of(s, FH_HOOK_RETAIN).script, 2);
}

static void frame_and_pressure_run_in_every_script(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_pressure_decision pressure = {0};
    fh_frame_decision frame = {0};
    load_texts(s, (const char *const[]){"on frame nothing\non pressure decide 5\n",
                                        "on frame decide 3\non pressure decide 9\n",
                                        "on frame decide 2\non pressure decide 7\n", NULL});
    assert_true(fhi_script_ops.frame(s->policy, &(fh_frame_facts){0}, &facts, &frame));
    assert_true(fhi_script_ops.pressure(s->policy, &(fh_pressure){0}, &facts, &pressure));
    CHECK_EQUAL(frame.depth, 3);
    CHECK_EQUAL(pressure.evict_bytes, 9);
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(look(s)[i].hooks[FH_HOOK_FRAME].calls, 1);
        CHECK_EQUAL(look(s)[i].hooks[FH_HOOK_PRESSURE].calls, 1);
    }
}

static void of_limits_the_strictest_holds(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_limits limits = {0};
    fh_tag terrain, water;
    load_texts(s, (const char *const[]){
                      "on limits decide 30000000\ntag terrain 500\nmark 0.5\nmark 0.9\n",
                      "on limits decide 0\ntag terrain 400\ntag water 100\nmark 0.7\n",
                      "on limits decide 20000000\nmark 0.9\n", "on limits nothing\n", NULL});
    CHECK_OK(fh_device_tag(s->card.device, "terrain", &terrain));
    CHECK_OK(fh_device_tag(s->card.device, "water", &water));
    CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_TOTAL, 0).limit, 20000000);
    CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_TAG, terrain).limit, 400);
    CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_TAG, water).limit, 100);
    assert_true(fhi_script_ops.limits(s->policy, &facts, &limits));
    CHECK_EQUAL(limits.watermark_count, 3);
    assert_true(limits.watermarks[0] < 0.6 && limits.watermarks[2] > 0.8);
}

static void steps_are_joined_and_the_finest_left_out(void **state)
{
    stage *s = *state;
    char texts[2][512] = {"name few\nsteps ", "name many\nsteps "};
    for (unsigned int i = 0; i < 20; i++) {
        for (unsigned int text = 0; text < 2; text++) {
            size_t length = strlen(texts[text]);
            snprintf(texts[text] + length, sizeof texts[text] - length, "%u ",
                     1000 * (i + 1) + text * 500);
        }
    }
    load_texts(s, (const char *const[]){texts[0], texts[0], NULL});
    CHECK_EQUAL(s->policy->step_count, 20);
    CHECK_EQUAL(s->policy->steps[0], 1000);
    CHECK_EQUAL(atomic_load(&s->card.complaints), 0);
    load_texts(s, (const char *const[]){texts[0], texts[1], NULL});
    CHECK_EQUAL(s->policy->step_count, 32);
    CHECK_EQUAL(s->policy->steps[0], 5000);
    CHECK_EQUAL(s->policy->steps[31], 20500);
    CHECK_EQUAL(atomic_load(&s->card.complaints), 1);
}

/* ---- failing ---- */

static void a_hook_that_keeps_failing_is_put_in_quarantine(void **state)
{
    stage *s = *state;
    load_text(s, "name weak\non place live\non frame decide 2\n");
    /* Not kept: the same class asks again. */
    for (int i = 0; i < 5; i++) {
        touch(s, 100);
    }
    const fh_script_status *script = look(s);
    CHECK_EQUAL(script->hooks[FH_HOOK_PLACE].calls, 3);
    CHECK_EQUAL(script->hooks[FH_HOOK_PLACE].failed, 3);
    assert_true(script->hooks[FH_HOOK_PLACE].quarantined);
    assert_false(script->hooks[FH_HOOK_FRAME].quarantined);
    CHECK_EQUAL(script->state, FH_SCRIPT_QUARANTINED);
    assert_non_null(strstr(script->error, "policy:7: place failed"));
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).outcome, FH_OUTCOME_FAILED);
    /* One sentence and the report's two lines for the first failure, one for the quarantine. */
    CHECK_EQUAL(atomic_load(&s->card.complaints), 4);
    assert_non_null(strstr(s->card.complaint, "quarantine"));
    tick(s);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_FRAME].decided, 1);
}

static void a_success_in_between_starts_the_count_again(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_request request = {.tag_name = "", .name = ""};
    load_text(s, "on place live\n");
    fhi_edition *edition = atomic_load(&s->policy->scripts[0].current);
    for (int i = 0; i < 12; i++) {
        fh_verdict verdict = {0};
        edition->version->does[FH_HOOK_PLACE] = i % 3 == 2 ? FAKE_DECIDE : FAKE_LIVE;
        bool decided = fhi_script_ops.place(s->policy, &request, &facts, &verdict);
        assert_true(decided == (i % 3 == 2));
        CHECK_EQUAL(verdict.keep, decided ? FH_KEEP_RELOAD : FH_KEEP_NEVER);
    }
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].failed, 8);
    assert_false(look(s)->hooks[FH_HOOK_PLACE].quarantined);
}

static void a_stopped_hook_counts_as_failed(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    load_text(s, "on defrag decide 1\n");
    atomic_load(&s->policy->scripts[0].current)->version->does[FH_HOOK_DEFRAG] = FAKE_STOP;
    for (int i = 0; i < 4; i++) {
        fh_defrag_decision defrag = {0};
        assert_false(fhi_script_ops.defrag(s->policy, &(fh_defrag_facts){0}, &facts, &defrag));
        CHECK_EQUAL(defrag.bytes, 0);
    }
    CHECK_EQUAL(last_of(s, FH_HOOK_DEFRAG).outcome, FH_OUTCOME_STOPPED);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_DEFRAG].calls, 3);
}

static void the_next_script_decides_when_one_fails(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_request request = {.tag_name = "", .name = ""};
    fh_verdict verdict = {0};
    load_texts(s, (const char *const[]){"on place live\n", "on place decide 1\n", NULL});
    assert_true(fhi_script_ops.place(s->policy, &request, &facts, &verdict));
    assert_true(verdict.priority == 1.0F);
    CHECK_EQUAL(verdict.keep, FH_KEEP_NEVER);
}

static void limits_stay_through_every_failure(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    load_text(s, "on limits decide 30000000\ntag terrain 500\n");
    fhi_version *version = atomic_load(&s->policy->scripts[0].current)->version;
    const fake_does fails[] = {FAKE_LIVE, FAKE_STOP, FAKE_NOTHING, FAKE_FAIL,
                               FAKE_FAIL, FAKE_FAIL, FAKE_DECIDE};
    for (size_t i = 0; i < TEST_COUNT_OF(fails); i++) {
        fh_limits limits = {0};
        version->does[FH_HOOK_LIMITS] = fails[i];
        version->values[FH_HOOK_LIMITS] = fails[i] == FAKE_DECIDE ? 1 : 0;
        assert_true(fhi_script_ops.limits(s->policy, &facts, &limits));
        CHECK_EQUAL(limits.total, 30000000);
        CHECK_EQUAL(limits.tag_count, 1);
        CHECK_EQUAL(limits.tags[0].limit, 500);
    }
    assert_true(look(s)->hooks[FH_HOOK_LIMITS].quarantined); /* and is not asked at the end */
}

static void the_device_may_go_before_the_handle(void **state)
{
    stage *s = *state;
    card other;
    fh_policy *policy;
    const fh_policy_desc desc = {.source = {.text = "on frame decide 2\non place decide 1\n"}};
    (void)s;
    card_small(&other);
    check_open(&other);
    CHECK_OK(fhi_policy_load_with(&fake_engine, other.device, &desc, &policy));
    CHECK_OK(fh_device_tick(other.device));
    check_close(&other);
    CHECK_RESULT(fh_policy_reload(policy), FH_ERR_INVALID);
    CHECK_OK(fh_policy_get_status(policy, &s->status));
    assert_true(s->status.scripts[0].hooks[FH_HOOK_FRAME].calls > 0);
    assert_false(s->status.in_charge);
    fh_policy_release(policy);
}

/* ---- host memory ---- */

static void host_memory_that_fails_loads_nothing_and_loses_nothing(void **state)
{
    stage *s = *state;
    card other;
    test_memory memory;
    write_file(s, "base.lua", "on place decide 0.5\n");
    const fh_policy_source sources[] = {
        {.text = "name x\noption size bytes 0 100 50\non frame decide 1\n"},
        {.path = write_file(s, "main.lua", "extend base\n")}};
    const fh_policy_setting settings[] = {{"size", "7"}};
    const fh_policy_desc desc = {
        .sources = sources, .source_count = 2, .settings = settings, .setting_count = 1};
    test_memory_init(&memory);
    card_small(&other);
    other.desc.memory = &memory.host;
    check_open(&other);
    uint64_t failures = 0;
    fh_policy *policy = NULL;
    for (fh_result result = FH_ERR_HOST_MEMORY; result != FH_OK; failures++) {
        memory.fail_at = memory.alloc_count + 1 + failures;
        result = fhi_policy_load_with(&fake_engine, other.device, &desc, &policy);
        memory.fail_at = 0;
        if (result != FH_OK) {
            assert_null(policy);
            assert_string_equal(fh_device_policy_name(other.device), "native");
            CHECK_EQUAL(atomic_load(&fake_live), 0);
            /* A version that could not be made has a sentence of its own. */
            CHECK_DETAIL_NAMES("memory");
        }
    }
    assert_true(failures > 8); /* and none of them was lost */
    fh_policy_release(policy);
    check_close(&other);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(a_text_is_loaded_and_put_in_charge),
        SCRIPT_TEST(a_file_is_loaded_with_what_it_extends),
        SCRIPT_TEST(the_policy_lives_without_a_handle),
        SCRIPT_TEST(the_handle_works_when_another_policy_is_in_charge),
        SCRIPT_TEST(what_cannot_be_loaded_leaves_the_policy_before),
        SCRIPT_TEST(missing_arguments_are_errors),
        SCRIPT_TEST(every_hook_is_asked_and_its_answer_comes_through),
        SCRIPT_TEST(hooks_that_are_missing_are_not_asked),
        SCRIPT_TEST(verdicts_are_kept_unless_they_depend_on_more),
        SCRIPT_TEST(lines_of_a_script_go_to_the_log),
        SCRIPT_TEST(state_is_written_as_the_engine_says_it),
        SCRIPT_TEST(the_first_script_that_decides_wins),
        SCRIPT_TEST(frame_and_pressure_run_in_every_script),
        SCRIPT_TEST(of_limits_the_strictest_holds),
        SCRIPT_TEST(steps_are_joined_and_the_finest_left_out),
        SCRIPT_TEST(a_hook_that_keeps_failing_is_put_in_quarantine),
        SCRIPT_TEST(a_success_in_between_starts_the_count_again),
        SCRIPT_TEST(a_stopped_hook_counts_as_failed),
        SCRIPT_TEST(the_next_script_decides_when_one_fails),
        SCRIPT_TEST(limits_stay_through_every_failure),
        SCRIPT_TEST(the_device_may_go_before_the_handle),
        SCRIPT_TEST(host_memory_that_fails_loads_nothing_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
