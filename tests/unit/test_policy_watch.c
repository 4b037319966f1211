/* Policies whose files are watched: what is saved is in force soon, what is wrong is told once. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#include "base/thread.h"

/* Tick like a program with frames until the script's name is that; fails after long. */
static void wait_for_name(stage *s, const char *name)
{
    uint64_t deadline = fhi_deadline(20 * SECOND_NS);
    while (strcmp(look(s)->name, name) != 0) {
        if (fhi_time_left(deadline) == 0) {
            fail_msg("it is %s, not %s: %s", look(s)->name, name, look(s)->error);
        }
        tick(s);
        fhi_sleep_ns(2000000);
    }
}

static void wait_for_rejected(stage *s, uint32_t count)
{
    uint64_t deadline = fhi_deadline(20 * SECOND_NS);
    while (look(s)->rejected < count) {
        if (fhi_time_left(deadline) == 0) {
            fail_msg("%u were rejected, not %u", look(s)->rejected, count);
        }
        tick(s);
        fhi_sleep_ns(2000000);
    }
}

static void what_is_saved_is_in_force_soon(void **state)
{
    stage *s = *state;
    write_file(s, "base.lua", "on frame decide 1\n");
    load_file(s, write_file(s, "main.lua", "name one\nextend base\n"), true);
    assert_true(look(s)->version == 1 && s->status.watching);
    write_file(s, "main.lua", "name two\nextend base\n");
    wait_for_name(s, "two");
    /* As editors save: beside it, then renamed. */
    rename(write_file(s, "main.tmp", "name three\nextend base\n"), path_of(s, "main.lua"));
    wait_for_name(s, "three");
    write_file(s, "base.lua", "on frame decide 1\nname four\n");
    wait_for_name(s, "four");
    CHECK_EQUAL(look(s)->rejected, 0);
}

static void the_target_of_a_link_counts(void **state)
{
    stage *s = *state;
    char folder[128];
    snprintf(folder, sizeof folder, "%s", path_of(s, "other"));
    assert_int_equal(mkdir(folder, 0700), 0);
    const char *target = write_file(s, "other/target.lua", "name one\n");
    const char *link = path_of(s, "main.lua");
    assert_int_equal(symlink(target, link), 0);
    load_file(s, link, true);
    write_file(s, "other/target.lua", "name two\n");
    wait_for_name(s, "two");
    /* And so does another target. */
    assert_int_equal(symlink(write_file(s, "new.lua", "name three\n"), path_of(s, "tmp")), 0);
    rename(path_of(s, "tmp"), link);
    wait_for_name(s, "three");
    CHECK_OK(fh_policy_watch(s->policy, false));
#if defined(__linux__)
    CHECK_EQUAL(s->policy->watch.count, s->policy->watch.notify >= 0 ? 1 : 0);
#endif
    load_file(s, write_file(s, "main.lua", "name four\n"), false);
    remove(link);
    assert_int_equal(symlink(target, link), 0);
    CHECK_OK(fh_policy_watch(s->policy, true));
    wait_for_name(s, "two");
    CHECK_OK(fh_policy_watch(s->policy, false));
#if defined(__linux__)
    CHECK_EQUAL(s->policy->watch.count, s->policy->watch.notify >= 0 ? 2 : 0);
#endif
}

static void what_is_wrong_is_told_once(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "name one\n"), true);
    write_file(s, "main.lua", "wrong\n");
    wait_for_rejected(s, 1);
    CHECK_EQUAL(look(s)->state, FH_SCRIPT_REJECTED);
    remove(path_of(s, "main.lua"));
    wait_for_rejected(s, 2);
    assert_non_null(strstr(look(s)->error, "no such file"));
    fhi_sleep_ns(SECOND_NS * 3 / 2); /* it looks again, and says nothing */
    CHECK_EQUAL(look(s)->rejected, 2);
    CHECK_EQUAL(atomic_load(&s->card.complaints), 4 + 2);
    assert_string_equal(look(s)->name, "one");
    write_file(s, "main.lua", "name two\n");
    wait_for_name(s, "two");
}

static void a_version_that_was_left_is_not_loaded_again(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "name one\n"), true);
    write_file(s, "main.lua", "name two\n");
    wait_for_name(s, "two");
    CHECK_OK(fh_policy_rollback(s->policy));
    wait_for_name(s, "one");
    fhi_sleep_ns(SECOND_NS * 5 / 4);
    tick(s);
    assert_string_equal(look(s)->name, "one");
    CHECK_EQUAL(look(s)->accepted, 2);
}

static void watching_begins_and_ends(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "name one\n"), false);
    CHECK_OK(fh_policy_watch(s->policy, false));
    CHECK_OK(fh_policy_watch(s->policy, true));
    CHECK_OK(fh_policy_watch(s->policy, true));
    write_file(s, "main.lua", "name two\n");
    wait_for_name(s, "two");
    CHECK_OK(fh_policy_watch(s->policy, false));
    assert_false(look(s)->pending);
    assert_false(s->status.watching);
    write_file(s, "main.lua", "name three\n");
    fhi_sleep_ns(SECOND_NS / 10);
    assert_false(look(s)->pending);
    CHECK_OK(fh_policy_watch(s->policy, true));
    wait_for_name(s, "three");
    /* And with the policy. */
    CHECK_OK(fh_device_set_policy(s->card.device, NULL, NULL));
    assert_false(look(s)->pending);
    assert_false(s->status.watching);
}

/* ---- a callback of the watcher's ---- */

typedef struct dropper {
    fh_device *device;
    fh_policy *handle; /* likewise to be given back; NULL = it was */
    _Atomic bool done;
} dropper;

static void drop_when_it_is_rejected(void *context, fh_log_level level, const char *message)
{
    dropper *d = context;
    (void)level;
    if (strstr(message, "rejected") != NULL) {
        fh_device_set_policy(d->device, NULL, NULL);
        fh_policy_release(d->handle);
        atomic_store(&d->done, true);
    }
}

/* It may even be the one that lets the policy go: the watcher ends it when it is done. */
static void a_log_may_drop_the_policy(void **state)
{
    stage *s = *state;
    for (int keeps = 0; keeps < 2; keeps++) {
        dropper d = {.device = s->card.device};
        load_file(s, write_file(s, "main.lua", "name one\n"), false);
        s->policy->log = (fh_log){drop_when_it_is_rejected, &d};
        CHECK_OK(fh_policy_watch(s->policy, true));
        if (keeps > 0) {
            d.handle = s->policy;
        } else {
            fh_policy_release(s->policy);
        }
        s->policy = NULL;
        write_file(s, "main.lua", "wrong\n");
        uint64_t deadline = fhi_deadline(20 * SECOND_NS);
        while ((!atomic_load(&d.done) || atomic_load(&fake_live) > 0) &&
               fhi_time_left(deadline) > 0) {
            tick(s);
            fhi_sleep_ns(2000000);
        }
        assert_true(atomic_load(&d.done));
        CHECK_EQUAL(atomic_load(&fake_live), 0);
    }
}

/* A file that is written all the time. */
typedef struct writer {
    const char *path;
    _Atomic bool ends;
    uint32_t count;
} writer;

static void write_on(void *context)
{
    writer *w = context;
    while (!atomic_load(&w->ends)) {
        FILE *file = fopen(w->path, "wb");
        fprintf(file, "name v%u\n", ++w->count);
        fclose(file);
        fhi_sleep_ns(1000000);
    }
}

static void a_file_that_is_written_all_the_time_starves_nobody(void **state)
{
    stage *s = *state;
    fhi_thread thread;
    writer w = {.path = write_file(s, "main.lua", "name one\non frame nothing\n")};
    load_file(s, w.path, true);
    assert_true(fhi_thread_start(&thread, "freehold test", write_on, &w));
    uint64_t deadline = fhi_deadline(SECOND_NS);
    while (fhi_time_left(deadline) > 0) {
        uint32_t version = look(s)->version;
        tick(s);
        assert_true(look(s)->version >= version);
        fhi_sleep_ns(5000000);
        fh_result result = fh_policy_reload(s->policy);
        assert_true(result == FH_OK || result == FH_ERR_IO || result == FH_ERR_SCRIPT);
    }
    atomic_store(&w.ends, true);
    fhi_thread_join(&thread);
    assert_true(look(s)->version > 1);
    char name[32];
    snprintf(name, sizeof name, "v%u", w.count);
    wait_for_name(s, name);
}

/* Bringing it over takes long, and every tick changes it: then it is done between two ticks. */
static void a_state_that_takes_long_goes_over_between_ticks(void **state)
{
    stage *s = *state;
    load_file(s, write_file(s, "main.lua", "name one\non frame nothing\n"), true);
    tick(s);
    write_file(s, "main.lua", "name two\ncarry slow\non frame nothing\n");
    CHECK_OK(fh_policy_reload(s->policy));
    fh_facts facts = {0};
    fh_frame_decision frame;
    fhi_script_ops.frame(s->policy, &(fh_frame_facts){0}, &facts, &frame);
    uint32_t before = atomic_load(&fake_migrations);
    tick(s);
    assert_string_equal(look(s)->name, "one");
    wait_for_name(s, "two");
    assert_true(atomic_load(&fake_migrations) > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(what_is_saved_is_in_force_soon),
        SCRIPT_TEST(the_target_of_a_link_counts),
        SCRIPT_TEST(what_is_wrong_is_told_once),
        SCRIPT_TEST(a_version_that_was_left_is_not_loaded_again),
        SCRIPT_TEST(watching_begins_and_ends),
        SCRIPT_TEST(a_log_may_drop_the_policy),
        SCRIPT_TEST(a_file_that_is_written_all_the_time_starves_nobody),
        SCRIPT_TEST(a_state_that_takes_long_goes_over_between_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
