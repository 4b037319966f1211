/* Policies of scripts and threads: a script that is busy makes nobody wait for long, a version is
 * not given back while a thread is in it, and everything may happen at once. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#include "base/lock.h"
#include "base/thread.h"

/* ---- latches ---- */

static void release_later(void *context)
{
    fhi_sleep_ns(SECOND_NS / 50);
    fhi_latch_release(context);
}

static void a_latch_is_waited_for_and_not_for_ever(void **state)
{
    fhi_latch latch;
    fhi_thread thread;
    (void)state;
    fhi_latch_init(&latch);
    assert_true(fhi_latch_acquire_within(&latch, 0));
    assert_false(fhi_latch_acquire_within(&latch, 0));
    assert_false(fhi_latch_acquire_within(&latch, 200000));
    assert_true(fhi_thread_start(&thread, "freehold test", release_later, &latch));
    assert_true(fhi_latch_acquire_within(&latch, UINT64_MAX));
    fhi_thread_join(&thread);
    assert_false(fhi_latch_acquire_within(&latch, 0));
    fhi_latch_release(&latch);
}

/* ---- a thread that stays inside ---- */

typedef struct visitor {
    stage *stage;
    fh_verdict verdict;
    bool decided;
} visitor;

static bool ask_place(stage *s, fh_verdict *out_verdict)
{
    const fh_facts facts = {0};
    const fh_request request = {.size = 100, .tag_name = "", .name = ""};
    memset(out_verdict, 0, sizeof *out_verdict);
    return fhi_script_ops.place(s->policy, &request, &facts, out_verdict);
}

static void visit(void *context)
{
    visitor *v = context;
    v->decided = ask_place(v->stage, &v->verdict);
}

static void enter_and_stay(stage *s, fhi_thread *thread, visitor *v)
{
    v->stage = s;
    atomic_store(&fake_gate, 1);
    assert_true(fhi_thread_start(thread, "freehold test", visit, v));
    while (atomic_load(&fake_inside) == 0) {
        fhi_sleep_ns(100000);
    }
}

static void a_busy_script_is_not_waited_for(void **state)
{
    stage *s = *state;
    visitor inside = {0};
    fhi_thread thread;
    fh_verdict verdict;
    load_text(s, "on place wait 1\non frame decide 2\noption size bytes 0 9 1\n");
    enter_and_stay(s, &thread, &inside);
    assert_false(ask_place(s, &verdict));
    CHECK_EQUAL(verdict.keep, FH_KEEP_NEVER);
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).outcome, FH_OUTCOME_BUSY);
    touch(s, 100); /* the native rule */
    tick(s);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].busy, 2);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_FRAME].busy, 1);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 0);
    /* Those who can wait do, but not for ever. */
    fh_option_info option;
    uint32_t count;
    test_text text = {0};
    CHECK_RESULT(fh_policy_options(s->policy, &option, 1, &count), FH_ERR_BUSY);
    CHECK_RESULT(fh_policy_set_option(s->policy, "size", "3"), FH_ERR_BUSY);
    CHECK_RESULT(fh_policy_state(s->policy, 0, test_text_write, &text), FH_ERR_BUSY);
    atomic_store(&fake_gate, 0);
    fhi_thread_join(&thread);
    assert_true(inside.decided);
    assert_true(ask_place(s, &verdict));
}

static void a_version_stays_while_a_thread_is_in_it(void **state)
{
    stage *s = *state;
    visitor inside = {0};
    fhi_thread thread;
    fh_verdict verdict;
    load_file(s, write_file(s, "main.lua", "name one\non place wait\n"), false);
    enter_and_stay(s, &thread, &inside);
    /* The state cannot be copied: the version waits. */
    write_file(s, "main.lua", "name two\non place decide 0.5\n");
    CHECK_RESULT(fh_policy_reload(s->policy), FH_ERR_BUSY);
    CHECK_EQUAL(look(s)->rejected, 0);
    atomic_store(&fake_gate, 0);
    fhi_thread_join(&thread);
    CHECK_OK(fh_policy_reload(s->policy));
    enter_and_stay(s, &thread, &inside);
    tick(s); /* and is in force, while the old one is at work */
    assert_string_equal(look(s)->name, "two");
    assert_true(ask_place(s, &verdict));
    assert_true(verdict.priority == 0.5F);
    for (int i = 3; i < 6; i++) {
        char text[64];
        snprintf(text, sizeof text, "name v%d\non place decide 0.5\n", i);
        write_file(s, "main.lua", text);
        CHECK_OK(fh_policy_reload(s->policy));
        tick(s);
    }
    CHECK_OK(fh_policy_reload(s->policy)); /* gives back what it can */
    CHECK_EQUAL(atomic_load(&fake_live), 3);
    atomic_store(&fake_gate, 0);
    fhi_thread_join(&thread);
    assert_true(inside.decided);
    CHECK_OK(fh_policy_reload(s->policy));
    CHECK_EQUAL(atomic_load(&fake_live), 2);
}

typedef struct reader {
    stage *stage;
    test_text text;
    fh_result result;
} reader;

static void read_state(void *context)
{
    reader *r = context;
    r->result = fh_policy_state(r->stage->policy, 0, test_text_write, &r->text);
}

/* Who waits at the door of a version that is replaced meanwhile goes to the next one's. */
static void who_waited_for_a_version_gets_the_one_in_force(void **state)
{
    stage *s = *state;
    visitor inside = {0};
    reader waiting = {.stage = s};
    fhi_thread threads[2];
    load_file(s, write_file(s, "main.lua", "name one\non place wait\n"), false);
    write_file(s, "main.lua", "name two\n");
    CHECK_OK(fh_policy_reload(s->policy));
    s->policy->scripts[0].pending->version->state = 77;
    enter_and_stay(s, &threads[0], &inside);
    assert_true(fhi_thread_start(&threads[1], "freehold test", read_state, &waiting));
    fhi_sleep_ns(SECOND_NS / 20);
    tick(s);
    atomic_store(&fake_gate, 0);
    fhi_thread_join(&threads[0]);
    fhi_thread_join(&threads[1]);
    CHECK_OK(waiting.result);
    assert_memory_equal(waiting.text.data, "{\"frames\": 77}", waiting.text.length);
    test_text_finish(&waiting.text);
}

/* ---- everything at once ---- */

typedef struct worker {
    fhi_thread thread;
    stage *stage;
    const _Atomic bool *ends;
    test_rng rng;
    uint32_t number;
    uint32_t done;
    const char *fault;
} worker;

static void request(void *context)
{
    worker *w = context;
    fh_device *device = w->stage->card.device;
    while (!atomic_load(w->ends) && !w->fault) {
        fh_buffer_desc desc = card_buffer_desc(1 + test_below(&w->rng, 100000));
        fh_parcel parcel;
        if (fh_buffer_create(device, &desc, &parcel) == FH_OK &&
            fh_parcel_release(device, parcel) != FH_OK) {
            w->fault = "a buffer was lost";
        }
        w->done++;
    }
}

static void frames(void *context)
{
    worker *w = context;
    while (!atomic_load(w->ends)) {
        fh_device_tick(w->stage->card.device);
        fhi_sleep_ns(200000);
        w->done++;
    }
}

static void change(void *context)
{
    worker *w = context;
    fh_policy *policy = w->stage->policy;
    char value[8];
    while (!atomic_load(w->ends) && !w->fault) {
        fh_result result = FH_OK;
        switch (test_below(&w->rng, 4)) {
        case 0:
            fh_policy_rollback(policy);
            break;
        case 1:
            snprintf(value, sizeof value, "%u", (unsigned int)test_below(&w->rng, 100));
            result = fh_policy_set_option(policy, "size", value);
            break;
        case 2:
            result = fh_policy_watch(policy, test_chance(&w->rng, 50));
            break;
        default:
            result = fh_policy_reload(policy);
            break;
        }
        if (result != FH_OK && result != FH_ERR_BUSY) {
            w->fault = "a change failed";
        }
        w->done++;
        fhi_sleep_ns(300000);
    }
}

static void look_on(void *context)
{
    worker *w = context;
    fh_policy *policy = w->stage->policy;
    fh_policy_status *status = malloc(sizeof *status);
    fh_decision *decisions = malloc(64 * sizeof *decisions);
    fh_option_info options[4];
    uint64_t last = 0;
    while (!atomic_load(w->ends) && !w->fault) {
        uint32_t count;
        test_text text = {0};
        if (fh_policy_get_status(policy, status) != FH_OK || status->scripts[0].version == 0) {
            w->fault = "no status";
        }
        fh_policy_decisions(policy, last, decisions, 64, &count);
        last = count > 0 ? decisions[count - 1].sequence : last;
        fh_policy_options(policy, options, 4, &count);
        fh_policy_state(policy, 0, test_text_write, &text);
        test_text_finish(&text);
        w->done++;
    }
    free(decisions);
    free(status);
}

static void write_files(void *context)
{
    worker *w = context;
    while (!atomic_load(w->ends)) {
        char path[128], other[128];
        snprintf(path, sizeof path, "%s/main.tmp", w->stage->folder);
        snprintf(other, sizeof other, "%s/main.lua", w->stage->folder);
        FILE *file = fopen(path, "wb");
        fprintf(file,
                "name v%u\noption size bytes 0 100 50\non place %s\non frame decide 2\n"
                "on limits decide 60000000\nlog hello\n",
                w->done,
                w->done % 3 == 0   ? "uncached"
                : w->done % 3 == 1 ? "live"
                                   : "decide 0.5");
        fclose(file);
        rename(path, other);
        w->done++;
        fhi_sleep_ns(1000000);
    }
}

static void everything_may_happen_at_once(void **state)
{
    stage *s = *state;
    _Atomic bool ends;
    void (*const runs[])(void *) = {request, request, request,    frames,
                                    change,  look_on, write_files};
    worker workers[TEST_COUNT_OF(runs)] = {0};
    const char *path = write_file(
        s, "main.lua", "option size bytes 0 100 50\non place uncached\non frame decide 2\n");
    path_of(s, "main.tmp");
    const fh_policy_source sources[] = {{.path = path},
                                        {.text = "on place decide 1\non frame nothing\n"}};
    CHECK_OK(load_desc(s, &(fh_policy_desc){.sources = sources, .source_count = 2}));
    s->policy->log = (fh_log){0}; /* the card's is for one thread */
    CHECK_OK(fh_policy_watch(s->policy, true));
    atomic_init(&ends, false);
    for (uint32_t i = 0; i < TEST_COUNT_OF(runs); i++) {
        workers[i].stage = s;
        workers[i].ends = &ends;
        workers[i].rng.state = test_seed() + i;
        assert_true(fhi_thread_start(&workers[i].thread, "freehold test", runs[i], &workers[i]));
    }
    fhi_sleep_ns(SECOND_NS * test_operations(1500) / 1000);
    atomic_store(&ends, true);
    for (uint32_t i = 0; i < TEST_COUNT_OF(runs); i++) {
        fhi_thread_join(&workers[i].thread);
    }
    for (uint32_t i = 0; i < TEST_COUNT_OF(runs); i++) {
        CHECK_NO_FAULT(workers[i].fault);
        assert_true(workers[i].done > 0);
    }
    assert_true(look(s)->accepted > 1);
}

/* Policies come and go while requests are inside. */
static void policies_are_replaced_while_threads_are_in_them(void **state)
{
    stage *s = *state;
    _Atomic bool ends;
    worker workers[3] = {0};
    const char *path = write_file(s, "main.lua", "on place uncached\non frame decide 2\n");
    atomic_init(&ends, false);
    for (uint32_t i = 0; i < 3; i++) {
        workers[i].stage = s;
        workers[i].ends = &ends;
        workers[i].rng.state = i;
        assert_true(fhi_thread_start(&workers[i].thread, "freehold test", i == 0 ? frames : request,
                                     &workers[i]));
    }
    for (int i = 0; i < 60; i++) {
        load_file(s, path, i % 2 == 0);
        if (i % 5 == 0) {
            CHECK_OK(fh_device_set_policy(s->card.device, NULL, NULL));
        }
    }
    atomic_store(&ends, true);
    for (uint32_t i = 0; i < 3; i++) {
        fhi_thread_join(&workers[i].thread);
        CHECK_NO_FAULT(workers[i].fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_latch_is_waited_for_and_not_for_ever),
        SCRIPT_TEST(a_busy_script_is_not_waited_for),
        SCRIPT_TEST(a_version_stays_while_a_thread_is_in_it),
        SCRIPT_TEST(who_waited_for_a_version_gets_the_one_in_force),
        SCRIPT_TEST(everything_may_happen_at_once),
        SCRIPT_TEST(policies_are_replaced_while_threads_are_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
