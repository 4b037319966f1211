/* Watching folders: finished writes and names that come in are noticed, half-written files are
 * not; waking; time. And threads, of which nothing else is to be said. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#include "base/thread.h"
#include "base/watch.h"

#define SOON   (5 * SECOND_NS)  /* it comes, also on a machine that is busy */
#define MOMENT (SECOND_NS / 20) /* it does not come */

static void watch_one(fhi_watch *watch, const char *folder)
{
    fhi_watch_set(watch, &folder, 1);
}

/* Without a system that tells, only time passes. */
static bool is_told(const fhi_watch *watch)
{
#if defined(__linux__)
    return watch->notify >= 0;
#else
    (void)watch;
    return false;
#endif
}

static void check_change(fhi_watch *watch)
{
    if (is_told(watch)) {
        CHECK_EQUAL(fhi_watch_wait(watch, SOON), FHI_WATCH_CHANGED);
    }
}

static void check_silence(fhi_watch *watch)
{
    CHECK_EQUAL(fhi_watch_wait(watch, MOMENT), FHI_WATCH_TIMEOUT);
}

static void finished_writes_and_renames_are_noticed(void **state)
{
    stage *s = *state;
    fhi_watch watch;
    char other[128];
    assert_true(fhi_watch_init(&watch));
    watch_one(&watch, s->folder);
    check_silence(&watch);
    FILE *file = fopen(path_of(s, "a"), "wb");
    assert_non_null(file);
    fputs("half", file);
    fflush(file);
    check_silence(&watch);
    fclose(file);
    check_change(&watch);
    check_silence(&watch);
    snprintf(other, sizeof other, "%s", path_of(s, "b"));
    rename(path_of(s, "a"), other);
    check_change(&watch);
    remove(other);
    check_silence(&watch);
    fhi_watch_finish(&watch);
}

static void only_the_folders_of_the_last_list_count(void **state)
{
    stage *s = *state;
    fhi_watch watch;
    const char *folders[3] = {s->folder, "/nowhere/to/be/found", s->folder};
    assert_true(fhi_watch_init(&watch));
    fhi_watch_set(&watch, folders, 3);
    write_file(s, "a", "1");
    fhi_watch_set(&watch, folders, 3); /* nothing is lost */
    check_change(&watch);
    fhi_watch_set(&watch, NULL, 0);
    check_silence(&watch); /* and that no folder is watched is no change */
    write_file(s, "a", "2");
    check_silence(&watch);
    fhi_watch_finish(&watch);
}

static void wake(void *watch)
{
    fhi_watch_wake(watch);
}

static void a_thread_wakes_it(void **state)
{
    fhi_watch watch;
    fhi_thread thread;
    (void)state;
    assert_true(fhi_watch_init(&watch));
    assert_true(fhi_thread_start(&thread, "freehold test", wake, &watch));
    CHECK_EQUAL(fhi_watch_wait(&watch, UINT64_MAX), FHI_WATCH_WOKEN);
    fhi_thread_join(&thread);
    fhi_watch_wake(&watch);
    fhi_watch_wake(&watch);
    CHECK_EQUAL(fhi_watch_wait(&watch, 0), FHI_WATCH_WOKEN);
    CHECK_EQUAL(fhi_watch_wait(&watch, 0), FHI_WATCH_TIMEOUT);
    fhi_watch_finish(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(finished_writes_and_renames_are_noticed),
        SCRIPT_TEST(only_the_folders_of_the_last_list_count),
        SCRIPT_TEST(a_thread_wakes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
