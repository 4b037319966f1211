/* Policies of the fake engine, on a small card, and a folder for their files. Only test_*.c files
 * include this, those with _POSIX_C_SOURCE 200809L defined. */

#ifndef FREEHOLD_TESTS_SCRIPTS_H
#define FREEHOLD_TESTS_SCRIPTS_H

#include "card_checks.h"
#include "fake_engine.h"

#include "base/clock.h"
#include "script/policy.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct stage {
    card card;
    fh_policy *policy;
    fh_policy_status status; /* large */
    char folder[64];
    char files[16][128];
    uint32_t file_count;
    uint32_t meddled;
} stage;

static inline int set_up(void **state)
{
    stage *s = test_calloc(1, sizeof *s);
    snprintf(s->folder, sizeof s->folder, "/tmp/freehold-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    card_small(&s->card);
    check_open(&s->card);
    atomic_store(&fake_gate, 0);
    atomic_store(&fake_migrations, 0);
    *state = s;
    return 0;
}

static inline int tear_down(void **state)
{
    stage *s = *state;
    fh_policy_release(s->policy);
    check_close(&s->card);
    CHECK_EQUAL(atomic_load(&fake_live), 0);
    while (s->file_count > 0) {
        remove(s->files[--s->file_count]);
    }
    rmdir(s->folder);
    test_free(s);
    return 0;
}

#define SCRIPT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The path of a file in the folder, which is removed in the end. */
static inline const char *path_of(stage *s, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    for (uint32_t i = 0; i < s->file_count; i++) {
        if (strcmp(s->files[i], path) == 0) {
            return s->files[i];
        }
    }
    assert_true(s->file_count < TEST_COUNT_OF(s->files));
    memcpy(s->files[s->file_count], path, sizeof path);
    return s->files[s->file_count++];
}

static inline const char *write_file(stage *s, const char *name, const char *text)
{
    const char *path = path_of(s, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline fh_result load_desc(stage *s, const fh_policy_desc *desc)
{
    fh_policy_release(s->policy);
    return fhi_policy_load_with(&fake_engine, s->card.device, desc, &s->policy);
}

static inline void load_text(stage *s, const char *text)
{
    fh_result result = load_desc(s, &(fh_policy_desc){.source = {.text = text}});
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
}

/* One text behind the other, up to NULL. */
static inline void load_texts(stage *s, const char *const *texts)
{
    fh_policy_source sources[FH_SCRIPT_MAX] = {{0}};
    uint32_t count = 0;
    for (; texts[count]; count++) {
        sources[count].text = texts[count];
    }
    CHECK_OK(load_desc(s, &(fh_policy_desc){.sources = sources, .source_count = count}));
}

static inline void load_file(stage *s, const char *path, bool watch)
{
    fh_result result = load_desc(s, &(fh_policy_desc){.source = {.path = path}, .watch = watch});
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
}

static inline void tick(const stage *s)
{
    CHECK_OK(fh_device_tick(s->card.device));
}

static inline const fh_script_status *look(stage *s)
{
    CHECK_OK(fh_policy_get_status(s->policy, &s->status));
    return &s->status.scripts[0];
}

/* A class is seen for the first time: `place` is asked. */
static inline void touch(const stage *s, uint64_t size)
{
    check_release(&s->card, check_buffer(&s->card, size));
}

/* What the last decision of that hook was; fails when there is none. */
static inline fh_decision last_of(const stage *s, fh_hook hook)
{
    static fh_decision list[FH_DECISION_LOG];
    uint32_t count;
    CHECK_OK(fh_policy_decisions(s->policy, 0, list, FH_DECISION_LOG, &count));
    while (count > 0 && list[count - 1].hook != hook) {
        count--;
    }
    if (count == 0) {
        fail_msg("no decision of %s", fh_hook_name(hook));
    }
    return list[count - 1];
}

#endif
