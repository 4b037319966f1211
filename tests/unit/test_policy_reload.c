/* Changes of version: read again, tried, in force at the next tick, whole or not at all; the state
 * that goes with them; going back. The watcher is in test_policy_watch.c. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

/* Write it, read it again, and tick. */
static void renew(stage *s, const char *name, const char *text)
{
    write_file(s, name, text);
    fh_result result = fh_policy_reload(s->policy);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    tick(s);
}

static void load_main(stage *s, const char *text)
{
    load_file(s, write_file(s, "main.lua", text), false);
}

static float asked_priority(const stage *s)
{
    touch(s, 100);
    return last_of(s, FH_HOOK_PLACE).answer.verdict.priority;
}

/* Counted by `frame`. */
static uint64_t state_of(const stage *s)
{
    return atomic_load(&s->policy->scripts[0].current)->version->state;
}

/* ---- what changes ---- */

static void a_new_text_takes_effect_at_the_next_tick(void **state)
{
    stage *s = *state;
    load_main(s, "name one\nsteps 5000\non place decide 0.25\n");
    assert_true(asked_priority(s) == 0.25F);
    write_file(s, "main.lua", "name two\nsteps 6000\nnote odd\non place decide 0.75\n");
    CHECK_OK(fh_policy_reload(s->policy));
    assert_true(look(s)->pending);
    CHECK_EQUAL(look(s)->version, 1);
    assert_true(asked_priority(s) == 0.25F);
    tick(s);
    assert_false(look(s)->pending);
    CHECK_EQUAL(look(s)->version, 2);
    CHECK_EQUAL(look(s)->accepted, 2);
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_RELOADED);
    assert_string_equal(look(s)->name, "two");
    assert_string_equal(look(s)->notes, "odd");
    assert_true(s->status.swap_ns > 0);
    /* The verdict was dropped, and the class has other bounds. */
    assert_true(asked_priority(s) == 0.75F);
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).version, 2);
    touch(s, 5500);
    CHECK_EQUAL(last_of(s, FH_HOOK_PLACE).input.request.size_max, 5999);
    /* What is counted is counted of all versions. */
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_PLACE].calls, 3);
}

static void what_did_not_change_is_left_alone(void **state)
{
    stage *s = *state;
    load_main(s, "on place decide 1\n");
    CHECK_OK(fh_policy_reload(s->policy));
    write_file(s, "main.lua", "on place decide 1\n");
    CHECK_OK(fh_policy_reload(s->policy));
    tick(s);
    CHECK_EQUAL(look(s)->version, 1);
    load_text(s, "on place decide 1\n");
    CHECK_OK(fh_policy_reload(s->policy));
    assert_false(look(s)->pending);
}

static void a_file_that_is_extended_counts(void **state)
{
    stage *s = *state;
    write_file(s, "base.lua", "on place decide 0.25\n");
    load_main(s, "extend base.lua\n");
    assert_true(asked_priority(s) == 0.25F);
    renew(s, "base.lua", "on place decide 0.5\n");
    assert_true(asked_priority(s) == 0.5F);
}

static void only_the_script_that_changed_is_new(void **state)
{
    stage *s = *state;
    const fh_policy_source sources[] = {{.path = write_file(s, "a.lua", "on frame decide 1\n")},
                                        {.path = write_file(s, "b.lua", "on frame decide 2\n")}};
    CHECK_OK(load_desc(s, &(fh_policy_desc){.sources = sources, .source_count = 2}));
    renew(s, "b.lua", "on frame decide 3\n");
    CHECK_EQUAL(look(s)[0].version, 1);
    CHECK_EQUAL(look(s)[1].version, 2);
    renew(s, "a.lua", "on frame decide 4\n");
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    CHECK_EQUAL(look(s)[0].version, 1);
    CHECK_EQUAL(look(s)[1].version, 2);
}

static void two_texts_between_two_ticks_are_one_change(void **state)
{
    stage *s = *state;
    load_main(s, "name one\n");
    write_file(s, "main.lua", "name two\n");
    CHECK_OK(fh_policy_reload(s->policy));
    renew(s, "main.lua", "name three\n");
    assert_string_equal(look(s)->name, "three");
    CHECK_EQUAL(look(s)->version, 3);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "one");
    CHECK_EQUAL(atomic_load(&fake_live), 2);
}

static void what_is_wrong_calls_nothing_off_that_waits(void **state)
{
    stage *s = *state;
    load_main(s, "name one\n");
    write_file(s, "main.lua", "name two\n");
    CHECK_OK(fh_policy_reload(s->policy));
    write_file(s, "main.lua", "wrong\n");
    CHECK_RESULT(fh_policy_reload(s->policy), FH_ERR_SCRIPT);
    tick(s);
    assert_string_equal(look(s)->name, "two");
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_REJECTED);
    assert_non_null(strstr(look(s)->error, "it is wrong"));
}

/* ---- what does not ---- */

static void check_rejected(stage *s, fh_result result, const char *word)
{
    fh_result is = fh_policy_reload(s->policy);
    assert_string_equal(fh_result_name(is), fh_result_name(result));
    CHECK_DETAIL_NAMES(word);
    uint32_t rejected = look(s)->rejected;
    tick(s);
    CHECK_EQUAL(look(s)->version, 1);
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_REJECTED);
    assert_false(look(s)->pending);
    assert_non_null(strstr(look(s)->error, word));
    CHECK_EQUAL(look(s)->rejected, rejected);
    assert_true(asked_priority(s) == 0.25F);
}

static void what_is_wrong_leaves_the_version_in_force(void **state)
{
    stage *s = *state;
    load_main(s, "on place decide 0.25\n");
    asked_priority(s);
    write_file(s, "main.lua", "on place decide 1\nwrong\n");
    check_rejected(s, FH_ERR_SCRIPT, "it is wrong");
    CHECK_EQUAL(atomic_load(&s->card.complaints), 4); /* what, and the three lines of why */
    /* By hand it is tried again. */
    check_rejected(s, FH_ERR_SCRIPT, "it is wrong");
    CHECK_EQUAL(look(s)->rejected, 2);
    write_file(s, "main.lua", "on place fail\n");
    check_rejected(s, FH_ERR_SCRIPT, "place failed");
    write_file(s, "main.lua", "on place decide 1\ncarry fails\n");
    check_rejected(s, FH_ERR_SCRIPT, "migrate failed");
    write_file(s, "main.lua", "extend gone\n");
    check_rejected(s, FH_ERR_SCRIPT, "gone.lua");
    const char *path = path_of(s, "main.lua");
    remove(path);
    check_rejected(s, FH_ERR_IO, "no such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    check_rejected(s, FH_ERR_IO, "pipe");
    remove(path);
    assert_int_equal(mkdir(path, 0700), 0);
    check_rejected(s, FH_ERR_IO, "folder");
    rmdir(path);
    assert_int_equal(symlink("main.lua", path), 0);
    check_rejected(s, FH_ERR_IO, "circle");
    remove(path);
    renew(s, "main.lua", "on place decide 1\n");
    CHECK_EQUAL(look(s)->version, 2);
    assert_string_equal(look(s)->error, "");
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_RELOADED);
    CHECK_EQUAL(atomic_load(&fake_live), 2);
}

static void it_is_tried_on_what_was_seen(void **state)
{
    stage *s = *state;
    load_main(s, "on place decide 0.25\n");
    fhi_sample sample;
    const fh_facts facts = {.frame = 9};
    /* Made up ones first, then those that were. */
    assert_true(fhi_samples_get(&s->policy->samples, FH_HOOK_PLACE, 3, &facts, &sample));
    CHECK_EQUAL(sample.facts.frame, 9);
    touch(s, 12345);
    assert_true(fhi_samples_get(&s->policy->samples, FH_HOOK_PLACE, 0, &facts, &sample));
    assert_false(fhi_samples_get(&s->policy->samples, FH_HOOK_PLACE, 1, &facts, &sample));
    tick(s);
    touch(s, 1 << 20);
    assert_true(fhi_samples_get(&s->policy->samples, FH_HOOK_PLACE, 1, &facts, &sample));
    CHECK_EQUAL(sample.input.request.size, 1 << 20);
    CHECK_EQUAL(sample.facts.frame, 1);
    assert_string_equal(sample.input.request.tag_name, "");
}

static void a_new_version_ends_quarantine(void **state)
{
    stage *s = *state;
    load_main(s, "on frame live\n");
    for (int i = 0; i < 4; i++) {
        tick(s);
    }
    assert_true(look(s)->hooks[FH_HOOK_FRAME].quarantined);
    renew(s, "main.lua", "on frame decide 2\n");
    tick(s);
    assert_false(look(s)->hooks[FH_HOOK_FRAME].quarantined);
    assert_true(look(s)->hooks[FH_HOOK_FRAME].decided > 0);
    assert_string_equal(look(s)->error, "");
}

static uint64_t total_limit(const stage *s)
{
    return card_account(&s->card, FH_ACCOUNT_TOTAL, 0).limit;
}

static void limits_are_those_of_the_new_version_if_it_has_any(void **state)
{
    stage *s = *state;
    load_main(s, "on limits decide 30000000\n");
    CHECK_EQUAL(total_limit(s), 30000000);
    renew(s, "main.lua", "on limits decide 20000000\n");
    CHECK_EQUAL(total_limit(s), 20000000);
    renew(s, "main.lua", "on limits live\n"); /* which fails */
    CHECK_EQUAL(total_limit(s), 20000000);
    renew(s, "main.lua", "on limits nothing\n");
    CHECK_EQUAL(total_limit(s), FH_NO_LIMIT);
    renew(s, "main.lua", "on limits decide 10000000\n");
    CHECK_EQUAL(total_limit(s), 10000000);
    renew(s, "main.lua", "on frame nothing\n");
    CHECK_EQUAL(total_limit(s), FH_NO_LIMIT);
}

/* ---- state ---- */

static void the_state_goes_over(void **state)
{
    stage *s = *state;
    load_main(s, "name one\non frame nothing\n");
    for (int i = 0; i < 5; i++) {
        tick(s);
    }
    renew(s, "main.lua", "name two\non frame nothing\n");
    CHECK_EQUAL(state_of(s), 6);
    CHECK_EQUAL(atomic_load(&fake_migrations), 1);
}

static void a_state_that_changed_since_goes_over_again(void **state)
{
    stage *s = *state;
    fh_facts facts = {0};
    fh_frame_decision frame = {0};
    load_main(s, "on frame nothing\n");
    tick(s);
    write_file(s, "main.lua", "on frame nothing\non retain decide 1\n");
    CHECK_OK(fh_policy_reload(s->policy));
    CHECK_EQUAL(atomic_load(&fake_migrations), 1);
    fhi_script_ops.frame(s->policy, &(fh_frame_facts){0}, &facts, &frame);
    tick(s);
    CHECK_EQUAL(atomic_load(&fake_migrations), 2);
    CHECK_EQUAL(state_of(s), 3);
    /* And what cannot be brought over then is not taken. */
    write_file(s, "main.lua", "on frame nothing\n");
    CHECK_OK(fh_policy_reload(s->policy));
    fhi_script_ops.frame(s->policy, &(fh_frame_facts){0}, &facts, &frame);
    s->policy->scripts[0].pending->version->carry_fails = true;
    tick(s);
    CHECK_EQUAL(look(s)->version, 2);
    CHECK_EQUAL(look(s)->rejected, 1);
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_REJECTED);
    assert_non_null(strstr(look(s)->error, "migrate"));
    CHECK_EQUAL(state_of(s), 5);
}

/* ---- going back ---- */

static void going_back_is_to_the_version_before_and_its_state(void **state)
{
    stage *s = *state;
    load_main(s, "name one\non frame nothing\n");
    CHECK_RESULT(fh_policy_rollback(s->policy), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("no version before");
    tick(s);
    tick(s);
    renew(s, "main.lua", "name two\non frame nothing\n");
    tick(s);
    CHECK_EQUAL(state_of(s), 4);
    CHECK_OK(fh_policy_rollback(s->policy));
    assert_string_equal(look(s)->name, "two");
    assert_true(look(s)->pending);
    tick(s);
    assert_string_equal(look(s)->name, "one");
    CHECK_EQUAL(look(s)->version, 1);
    CHECK_EQUAL(state_of(s), 3);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "two");
    CHECK_EQUAL(state_of(s), 5);
    /* Back, and read again: what the file says. */
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    CHECK_OK(fh_policy_reload(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "two");
    CHECK_EQUAL(look(s)->version, 3);
}

static void what_waits_is_called_off(void **state)
{
    stage *s = *state;
    load_main(s, "name one\n");
    write_file(s, "main.lua", "name two\n");
    CHECK_OK(fh_policy_reload(s->policy));
    CHECK_OK(fh_policy_rollback(s->policy));
    assert_false(look(s)->pending);
    tick(s);
    assert_string_equal(look(s)->name, "one");
    CHECK_EQUAL(atomic_load(&fake_live), 1);
    CHECK_OK(fh_policy_reload(s->policy));
    tick(s);
    /* Back and forth before the tick is nothing. */
    CHECK_OK(fh_policy_rollback(s->policy));
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "two");
    /* And a new text goes before going back. */
    CHECK_OK(fh_policy_rollback(s->policy));
    renew(s, "main.lua", "name three\n");
    assert_string_equal(look(s)->name, "three");
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    assert_string_equal(look(s)->name, "two");
}

/* ---- who does it ---- */

static void many_reloads_leave_nothing_behind(void **state)
{
    stage *s = *state;
    char text[64];
    load_main(s, "name v0\non frame nothing\n");
    for (int i = 1; i <= 300; i++) {
        snprintf(text, sizeof text, "name v%d\non frame nothing\n", i);
        renew(s, "main.lua", text);
        if (i % 7 == 0) {
            CHECK_OK(fh_policy_rollback(s->policy));
            tick(s);
        }
        assert_true(atomic_load(&fake_live) <= 4);
    }
    uint32_t editions = 0;
    for (fhi_edition *one = s->policy->scripts[0].all; one; one = one->next) {
        editions++;
    }
    assert_true(editions <= 4);
    CHECK_EQUAL(look(s)->accepted, 301);
}

static void the_tick_gives_no_version_back(void **state)
{
    stage *s = *state;
    load_main(s, "name one\n");
    renew(s, "main.lua", "name two\n");
    write_file(s, "main.lua", "name three\n");
    CHECK_OK(fh_policy_reload(s->policy));
    CHECK_EQUAL(atomic_load(&fake_live), 3);
    tick(s);
    CHECK_EQUAL(atomic_load(&fake_live), 3);
    CHECK_OK(fh_policy_reload(s->policy));
    CHECK_EQUAL(atomic_load(&fake_live), 2);
}

/* What a hook must not do, and a log or a host's memory that is called in the middle of one. */
static void meddle(void *context)
{
    stage *s = context;
    fh_option_info option;
    uint32_t count, refused = 0;
    refused += fh_policy_reload(s->policy) == FH_ERR_INVALID;
    refused += fh_policy_rollback(s->policy) == FH_ERR_INVALID;
    refused += fh_policy_watch(s->policy, true) == FH_ERR_INVALID;
    refused += fh_policy_set_option(s->policy, "a", "1") == FH_ERR_INVALID;
    refused += fh_policy_options(s->policy, &option, 1, &count) == FH_ERR_INVALID;
    refused += fh_policy_state(s->policy, 0, test_text_write, NULL) == FH_ERR_INVALID;
    refused +=
        fhi_policy_load_with(&fake_engine, s->card.device,
                             &(fh_policy_desc){.source = {.text = ""}}, NULL) == FH_ERR_INVALID;
    refused += fh_policy_get_status(s->policy, &s->status) == FH_OK;
    s->meddled += refused == 8;
}

/* A host whose memory wants to reload the policy that it is asked for. */
typedef struct meddler {
    fh_host_memory host;
    fh_policy *policy;
    uint32_t refused;
} meddler;

static void *meddling_alloc(void *context, size_t size, size_t alignment)
{
    meddler *m = context;
    void *memory;
    fh_policy_status *status = test_malloc(sizeof *status);
    if (m->policy) {
        m->refused += fh_policy_reload(m->policy) == FH_ERR_INVALID;
        fh_policy_get_status(m->policy, status);
    }
    test_free(status);
    alignment = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

static void meddling_free(void *context, void *memory, size_t size, size_t alignment)
{
    (void)context;
    (void)size;
    (void)alignment;
    free(memory);
}

static void callbacks_get_errors_and_no_dead_lock(void **state)
{
    stage *s = *state;
    load_main(s, "on place decide 1\n");
    fake_meddle_context = s;
    fake_meddle = meddle;
    touch(s, 100);
    fake_meddle = NULL;
    CHECK_EQUAL(s->meddled, 1);

    card other;
    fh_policy *policy;
    meddler m = {{meddling_alloc, meddling_free, &m}, NULL, 0};
    card_small(&other);
    other.desc.memory = &m.host;
    check_open(&other);
    const fh_policy_desc desc = {.source = {.path = path_of(s, "main.lua")}};
    CHECK_OK(fhi_policy_load_with(&fake_engine, other.device, &desc, &policy));
    write_file(s, "main.lua", "name two\n");
    m.policy = policy;
    CHECK_OK(fh_policy_reload(policy));
    m.policy = NULL;
    assert_true(m.refused > 0);
    fh_policy_release(policy);
    check_close(&other);
}

static void host_memory_that_fails_keeps_the_version_in_force(void **state)
{
    stage *s = *state;
    card other;
    test_memory memory;
    fh_policy *policy;
    uint64_t failures = 0;
    const fh_policy_desc desc = {
        .source = {.path = write_file(s, "main.lua", "name v0\non frame nothing\n")}};
    test_memory_init(&memory);
    card_small(&other);
    other.desc.memory = &memory.host;
    check_open(&other);
    CHECK_OK(fhi_policy_load_with(&fake_engine, other.device, &desc, &policy));
    for (fh_result result = FH_ERR_HOST_MEMORY; result != FH_OK; failures++) {
        write_file(s, "main.lua", "name v1\non frame decide 1\n");
        memory.fail_at = memory.alloc_count + 1 + failures;
        result = fh_policy_reload(policy);
        memory.fail_at = 0;
        if (result != FH_OK) {
            CHECK_OK(fh_device_tick(other.device));
            CHECK_OK(fh_policy_get_status(policy, &s->status));
            assert_string_equal(s->status.scripts[0].name, "v0");
        }
    }
    assert_true(failures >= 3);
    CHECK_OK(fh_device_tick(other.device));
    CHECK_OK(fh_policy_get_status(policy, &s->status));
    assert_string_equal(s->status.scripts[0].name, "v1");
    fh_policy_release(policy);
    check_close(&other);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(a_new_text_takes_effect_at_the_next_tick),
        SCRIPT_TEST(what_did_not_change_is_left_alone),
        SCRIPT_TEST(a_file_that_is_extended_counts),
        SCRIPT_TEST(only_the_script_that_changed_is_new),
        SCRIPT_TEST(two_texts_between_two_ticks_are_one_change),
        SCRIPT_TEST(what_is_wrong_calls_nothing_off_that_waits),
        SCRIPT_TEST(what_is_wrong_leaves_the_version_in_force),
        SCRIPT_TEST(it_is_tried_on_what_was_seen),
        SCRIPT_TEST(a_new_version_ends_quarantine),
        SCRIPT_TEST(limits_are_those_of_the_new_version_if_it_has_any),
        SCRIPT_TEST(the_state_goes_over),
        SCRIPT_TEST(a_state_that_changed_since_goes_over_again),
        SCRIPT_TEST(going_back_is_to_the_version_before_and_its_state),
        SCRIPT_TEST(what_waits_is_called_off),
        SCRIPT_TEST(many_reloads_leave_nothing_behind),
        SCRIPT_TEST(the_tick_gives_no_version_back),
        SCRIPT_TEST(callbacks_get_errors_and_no_dead_lock),
        SCRIPT_TEST(host_memory_that_fails_keeps_the_version_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
