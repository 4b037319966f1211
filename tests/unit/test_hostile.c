/* The scripts of tests/hostile, each through the engine: they end as their first lines say, within
 * the bounds that DESIGN.md promises, twice alike, and leave an engine that works.
 *
 *     -- expect: WORD          what becomes of each hook that the script has, or of loading it
 *     -- expect HOOK: WORD     of one of them
 *     -- expect first: WORD    of the first calls; the others are about the last ones
 *     -- says: TEXT            what a report contains
 *     -- calls: N              of each hook; 2 when it is not said
 *
 * WORD: "rejected" when it is loaded; "stopped", "failed", "nothing" or "decides" when it is
 * called; "ends": somehow, or other.
 *
 * Times are of thread-CPU. A script that takes too long does so every time, a machine that is busy
 * does not: the quickest of several runs counts. */

#include "checks.h"
#include "hostile.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILES_MAX = 1024,
    FILES_LEAST = 80,
    RUNS = 8,
    WORD_MAX = 64
};

typedef struct script {
    char name[64];
    char source[HOSTILE_TEXT_MAX / 4];
    size_t source_size;
    char text[HOSTILE_TEXT_MAX];
    size_t size;
    char says[WORD_MAX]; /* "" = anything */
    uint32_t calls;
    char expected[WORD_MAX], first[WORD_MAX];
    char of_hook[FH_HOOK_COUNT][WORD_MAX];
} script;

typedef struct corpus {
    uint32_t count;
    uint32_t wrong; /* scripts of this test that did not do as they should */
    char names[FILES_MAX][64];
    script script; /* the one at hand */
} corpus;

/* ---- reading ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int find_scripts(void **state)
{
    static corpus c;
    DIR *folder = opendir("tests/hostile");
    if (folder == NULL) {
        return -1;
    }
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        size_t size = strlen(file->d_name);
        if (size > 4 && size < sizeof c.names[0] && c.count < FILES_MAX &&
            strcmp(file->d_name + size - 4, ".lua") == 0) {
            memcpy(c.names[c.count++], file->d_name, size + 1);
        }
    }
    closedir(folder);
    qsort(c.names, c.count, sizeof c.names[0], by_name);
    *state = &c;
    return 0;
}

/* What follows `key` on a line of its own, before the first line that is no comment. */
static bool read_key(const script *s, const char *key, char out[WORD_MAX])
{
    const char *at = s->source;
    size_t length = strlen(key);
    out[0] = '\0';
    while (strncmp(at, "--", 2) == 0) {
        size_t size = strcspn(at, "\n");
        if (size > length && strncmp(at, key, length) == 0) {
            snprintf(out, WORD_MAX, "%.*s", (int)(size - length), at + length);
            return true;
        }
        at += size + (at[size] == '\n' ? 1 : 0);
    }
    return false;
}

static void read_script(script *s, const char *name)
{
    char path[128];
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(path, sizeof path, "tests/hostile/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    s->source_size = fread(s->source, 1, sizeof s->source - 1, file);
    fclose(file);
    s->size = hostile_expand(s->source, s->source_size, s->text);
    assert_true(s->size > 0);
    char calls[WORD_MAX];
    s->calls = read_key(s, "-- calls: ", calls) ? (uint32_t)strtoul(calls, NULL, 10) : 2;
    read_key(s, "-- says: ", s->says);
    read_key(s, "-- expect first: ", s->first);
    if (!read_key(s, "-- expect: ", s->expected)) {
        fail_msg("%s: it does not say what to expect", name);
    }
    for (fh_hook hook = FH_HOOK_PLACE; hook < FH_HOOK_COUNT; hook++) {
        char key[WORD_MAX];
        snprintf(key, sizeof key, "-- expect %s: ", fh_hook_name(hook));
        if (!read_key(s, key, s->of_hook[hook])) {
            memcpy(s->of_hook[hook], s->expected, WORD_MAX);
        }
    }
}

/* ---- checking ---- */

static bool fits(const char *word, fh_outcome outcome)
{
    static const char *const words[] = {"decides", "nothing", "failed", "stopped"};
    return word[0] == '\0' || strcmp(word, "ends") == 0 || strcmp(word, words[outcome]) == 0;
}

/* What is wrong, in `out`; false: nothing is. A machine that is slow enough stops by the clock what
 * others stop by the charge, or not at all. */
static bool find_fault(const script *s, const hostile_result *result, char *out, size_t room)
{
    bool rejected = strcmp(s->expected, "rejected") == 0;
    bool either = strcmp(s->expected, "ends") == 0;
    out[0] = '\0';
    if (result->fault[0] != '\0') {
        snprintf(out, room, "%s", result->fault);
    } else if (result->loaded == rejected && !either && !result->by_time) {
        snprintf(out, room, "it is %s", rejected ? "not rejected" : "rejected");
    } else if (!result->said && !result->by_time) {
        snprintf(out, room, "no report says \"%s\"", s->says);
    }
    for (fh_hook hook = FH_HOOK_PLACE; hook < FH_HOOK_COUNT && out[0] == '\0'; hook++) {
        const hostile_call *call = &result->calls[hook];
        if (call->made && !call->by_time &&
            !(fits(s->of_hook[hook], call->last) && fits(s->first, call->first))) {
            snprintf(out, room, "%s: \"%s\" is expected, and not outcome %d (at first %d)",
                     fh_hook_name(hook), s->of_hook[hook], (int)call->last, (int)call->first);
        }
    }
    return out[0] != '\0';
}

static void run_once(const script *s, hostile_result *result)
{
    hostile_run(&(hostile_desc){.name = s->name,
                                .text = s->text,
                                .size = s->size,
                                .calls = s->calls,
                                .says = s->says[0] != '\0' ? s->says : NULL},
                result);
}

/* The quickest run's longest call, which `result` is about. */
static uint64_t time_of(const script *s, const hostile_result *first, uint64_t limit_ns,
                        hostile_result *result)
{
    *result = *first;
    for (int i = 1; i < RUNS && result->longest_ns > limit_ns; i++) {
        hostile_result again;
        run_once(s, &again);
        if (again.longest_ns < result->longest_ns) {
            *result = again;
        }
    }
    return result->longest_ns;
}

static void check_script(corpus *c, const script *s)
{
    uint64_t limit_ns = HOSTILE_CPU_NS * hostile_slowness();
    char fault[512];
    hostile_result first;
    hostile_result again;
    run_once(s, &first);
    run_once(s, &again);
    if (!find_fault(s, &first, fault, sizeof fault) &&
        !find_fault(s, &again, fault, sizeof fault) && !first.by_time && !again.by_time &&
        first.sum != again.sum) {
        snprintf(fault, sizeof fault, "it is not twice the same");
    }
    uint64_t time_ns = time_of(s, &again, limit_ns, &first);
    if (fault[0] == '\0' && time_ns > limit_ns) {
        snprintf(fault, sizeof fault, "\"%s\" takes too long", first.longest);
    }
    if (fault[0] != '\0' || getenv("FREEHOLD_VERBOSE") != NULL) {
        print_error("%s: %s (%s: %u us; %u KiB; %s%s)\n", s->name, fault[0] != '\0' ? fault : "ok",
                    first.longest, (unsigned int)(time_ns / 1000),
                    (unsigned int)(first.peak_bytes / 1024), first.by_time ? "by time; " : "",
                    first.report.text);
    }
    c->wrong += fault[0] != '\0' ? 1 : 0;
}

/* ---- tests ---- */

static void there_are_enough_of_them(void **state)
{
    const corpus *c = *state;
    assert_true(c->count >= FILES_LEAST);
}

/* All of those whose names begin with one of these; the last test takes what is left. */
static const char *const groups[] = {"compile_", "loop_", "pcall_", "state_", "number_"};

static uint32_t group_of(const char *name)
{
    uint32_t group = 0;
    while (group < TEST_COUNT_OF(groups) &&
           strncmp(name, groups[group], strlen(groups[group])) != 0) {
        group++;
    }
    return group;
}

static void check_group(corpus *c, uint32_t group)
{
    const char *only = getenv("FREEHOLD_ONLY"); /* a part of a name */
    c->wrong = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        if (group_of(c->names[i]) == group && (only == NULL || strstr(c->names[i], only) != NULL)) {
            read_script(&c->script, c->names[i]);
            check_script(c, &c->script);
        }
    }
    assert_int_equal(c->wrong, 0);
}

static void texts_that_are_hard_to_compile(void **state)
{
    check_group(*state, 0);
}

static void loops_of_every_kind(void **state)
{
    check_group(*state, 1);
}

static void errors_that_are_caught(void **state)
{
    check_group(*state, 2);
}

static void states_that_are_none(void **state)
{
    check_group(*state, 3);
}

static void numbers_that_are_none(void **state)
{
    check_group(*state, 4);
}

static void everything_else(void **state)
{
    check_group(*state, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_enough_of_them),
        cmocka_unit_test(texts_that_are_hard_to_compile),
        cmocka_unit_test(loops_of_every_kind),
        cmocka_unit_test(errors_that_are_caught),
        cmocka_unit_test(states_that_are_none),
        cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(everything_else),
    };
    return cmocka_run_group_tests(tests, find_scripts, NULL);
}
