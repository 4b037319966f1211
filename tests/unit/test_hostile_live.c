/* The scripts of tests/hostile in charge of a device that works meanwhile: loaded, or refused with
 * a sentence, they cost it no parcel and no tick. And scripts that are good when they are tried and
 * bad when it matters; and files that change faster than anybody can read. */

#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "card_checks.h"
#include "hostile.h"

#include "base/clock.h"
#include "base/thread.h"

#include <freehold/script.h>

#include <dirent.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TICKS = 6,
    REWRITES_MS = 400
};

typedef struct scene {
    card card;
    fh_policy *policy;
    fh_policy_status status; /* large */
    char source[HOSTILE_TEXT_MAX / 4], text[HOSTILE_TEXT_MAX];
} scene;

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    card_small(&s->card);
    check_open(&s->card);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    fh_policy_release(s->policy);
    check_close(&s->card);
    free(s);
    return 0;
}

static void load(scene *s, const char *text, size_t size, const char *name)
{
    fh_policy_desc desc = {.source = {.text = text, .text_size = size, .name = name}};
    fh_policy_release(s->policy);
    s->policy = NULL;
    fh_result result = fh_policy_load(s->card.device, &desc, &s->policy);
    if (result != FH_OK && (result != FH_ERR_SCRIPT || strlen(fh_error_detail()) < 10)) {
        fail_msg("%s: %s: %s", name, fh_result_name(result), fh_error_detail());
    }
}

/* Buffers come and go, as the policy, or the native rule, says: nothing else may fail. */
static void work(scene *s, const char *name)
{
    for (int i = 0; i < TICKS; i++) {
        fh_buffer_desc desc = card_buffer_desc(UINT64_C(1000) << i);
        fh_parcel buffer;
        fh_result result = fh_buffer_create(s->card.device, &desc, &buffer);
        if (result == FH_OK) {
            check_release(&s->card, buffer);
        } else if (result != FH_ERR_BUDGET && result != FH_ERR_OUT_OF_MEMORY) {
            fail_msg("%s: %s: %s", name, fh_result_name(result), fh_error_detail());
        }
        CHECK_OK(fh_device_tick(s->card.device));
    }
}

static const fh_script_status *look(scene *s)
{
    CHECK_OK(fh_policy_get_status(s->policy, &s->status));
    return &s->status.scripts[0];
}

static void the_device_works_whatever_is_in_charge(void **state)
{
    scene *s = *state;
    uint32_t count = 0;
    DIR *folder = opendir("tests/hostile");
    assert_non_null(folder);
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        char path[300];
        snprintf(path, sizeof path, "tests/hostile/%s", file->d_name);
        FILE *opened = file->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        if (opened == NULL) {
            continue;
        }
        size_t size = fread(s->source, 1, sizeof s->source, opened);
        fclose(opened);
        size = hostile_expand(s->source, size, s->text);
        load(s, s->text, size, file->d_name);
        work(s, file->d_name);
        count++;
    }
    closedir(folder);
    assert_true(count >= 80);
    CHECK_OK(fh_device_set_policy(s->card.device, NULL, NULL));
    check_release(&s->card, check_buffer(&s->card, 1000));
}

/* The hook is asked three times more, and then not again: the native rule decides all along. */
static void what_fails_when_it_matters_is_put_in_quarantine(void **state)
{
    scene *s = *state;
    static const struct {
        const char *text;
        fh_hook hook;
    } cases[] = {
        {"local n = 0 return { frame = function() n = n + 1 if n > 6 then error('now') end end }",
         FH_HOOK_FRAME},
        {"local n = 0 return { frame = function() n = n + 1 while n > 6 do end end }",
         FH_HOOK_FRAME},
        {"local n, kept = 0, {} return { frame = function() n = n + 1\n"
         "    while n > 6 do pcall(function() while true do kept = { kept } end end) end end }",
         FH_HOOK_FRAME},
        {"local n = 0 return { frame = function() n = n + 1\n"
         "    return { depth = n > 6 and 0 / 0 or 1 } end }",
         FH_HOOK_FRAME},
        {"local n = 0 return { place = function(_, request) n = n + 1\n"
         "    if n > 6 then error(request) end return { keep = 'never' } end }",
         FH_HOOK_PLACE},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        load(s, cases[i].text, 0, "later");
        assert_non_null(s->policy);
        for (int turn = 0; turn < 20; turn++) {
            fh_buffer_desc desc = card_buffer_desc(1000 + (uint64_t)turn * 5000);
            check_release(&s->card, check_make(&s->card, &desc));
            CHECK_OK(fh_device_tick(s->card.device));
        }
        const fh_script_status *status = look(s);
        assert_true(status->hooks[cases[i].hook].quarantined);
        assert_int_equal(status->hooks[cases[i].hook].failed, 3);
        assert_int_equal(status->state, FH_SCRIPT_QUARANTINED);
        assert_true(status->error[0] != '\0');
    }
}

/* ---- a file that never stands still ---- */

typedef struct writer {
    char path[64];
    atomic_bool ends;
    uint32_t count;
} writer;

static void write_once(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static void write_on(void *context)
{
    static const char *const texts[] = {
        "return { name = 'good', frame = function() return { depth = 2 } end }",
        "while true do end",
        "return { frame = function() local s = 'x' while true do s = s .. s end end }",
        "return { fram",
        "return { name = '\\27[2J' }",
        "",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "return { frame = function() error({}) end }",
    };
    writer *w = context;
    while (!atomic_load(&w->ends)) {
        write_once(w->path, texts[w->count++ % TEST_COUNT_OF(texts)]);
        fhi_sleep_ns(1000000);
    }
    write_once(w->path, "return { name = 'last', frame = function() return { depth = 3 } end }");
}

static void a_file_that_is_rewritten_all_the_time_does_no_harm(void **state)
{
    scene *s = *state;
    fhi_thread thread;
    static writer w;
    w = (writer){.path = "/tmp/freehold-XXXXXX"};
    int file = mkstemp(w.path);
    assert_true(file >= 0);
    close(file);
    write_once(w.path, "return { name = 'first' }");
    fh_policy_desc desc = {.source = {.path = w.path}, .watch = true};
    CHECK_OK(fh_policy_load(s->card.device, &desc, &s->policy));
    assert_true(fhi_thread_start(&thread, "freehold test", write_on, &w));
    uint64_t deadline = fhi_deadline(UINT64_C(1000000) * REWRITES_MS);
    while (fhi_time_left(deadline) > 0) {
        work(s, "rewritten");
        fhi_sleep_ns(1000000);
    }
    atomic_store(&w.ends, true);
    fhi_thread_join(&thread);
    /* What stands there in the end is what counts. */
    deadline = fhi_deadline(UINT64_C(20) * 1000 * 1000 * 1000);
    while (strcmp(look(s)->name, "last") != 0 && fhi_time_left(deadline) > 0) {
        work(s, "rewritten");
        fhi_sleep_ns(2000000);
    }
    assert_string_equal(look(s)->name, "last");
    remove(w.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_device_works_whatever_is_in_charge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_fails_when_it_matters_is_put_in_quarantine, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_rewritten_all_the_time_does_no_harm, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
