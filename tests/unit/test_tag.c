/* Tags: names that are interned, bounded, and found again from any thread. */

#include "card_checks.h"

#include <pthread.h>

static int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    card_small(c);
    check_open(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

static fh_tag check_tag(const card *c, const char *name)
{
    fh_tag tag = 77;
    CHECK_OK(fh_device_tag(c->device, name, &tag));
    assert_int_not_equal(tag, 0);
    return tag;
}

static void a_name_has_one_tag(void **state)
{
    const card *c = *state;
    fh_tag terrain = check_tag(c, "terrain");
    fh_tag sky = check_tag(c, "sky");
    assert_int_not_equal(terrain, sky);
    char again[] = "terrain"; /* by content, not by address */
    assert_int_equal(check_tag(c, again), terrain);
    assert_string_equal(fh_device_tag_name(c->device, terrain), "terrain");
    assert_string_equal(fh_device_tag_name(c->device, sky), "sky");
}

static void a_name_is_copied(void **state)
{
    const card *c = *state;
    char name[] = "terrain";
    fh_tag tag = check_tag(c, name);
    name[0] = 'x';
    assert_string_equal(fh_device_tag_name(c->device, tag), "terrain");
}

static void names_of_tags_that_are_none(void **state)
{
    const card *c = *state;
    assert_string_equal(fh_device_tag_name(c->device, 0), "");
    assert_null(fh_device_tag_name(c->device, 1));
    assert_null(fh_device_tag_name(c->device, 1023));
    assert_null(fh_device_tag_name(c->device, 1024));
    assert_null(fh_device_tag_name(c->device, UINT32_MAX));
    assert_null(fh_device_tag_name(NULL, 0));
    assert_null(fh_device_tag_name(NULL, 1));
}

static void wrong_arguments_are_refused(void **state)
{
    const card *c = *state;
    char longest[64];
    char longer[65];
    memset(longest, 'a', 63);
    longest[63] = '\0';
    memset(longer, 'a', 64);
    longer[64] = '\0';
    fh_tag tag = 77;
    CHECK_RESULT(fh_device_tag(NULL, "a", &tag), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    assert_int_equal(tag, 0);
    tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, NULL, &tag), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("name");
    assert_int_equal(tag, 0);
    CHECK_RESULT(fh_device_tag(c->device, "a", NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_tag");
    tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, "", &tag), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("empty");
    assert_int_equal(tag, 0);
    tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, longer, &tag), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("63");
    assert_int_equal(tag, 0);
    tag = check_tag(c, longest);
    assert_string_equal(fh_device_tag_name(c->device, tag), longest);
}

static void what_does_not_fit_is_other(void **state)
{
    const card *c = *state;
    enum {
        FIT = 1022 /* and "other" */
    };
    char name[24];
    fh_tag tags[FIT];
    for (unsigned int i = 0; i < FIT; i++) {
        snprintf(name, sizeof name, "tag %u", i);
        tags[i] = check_tag(c, name);
        assert_string_equal(fh_device_tag_name(c->device, tags[i]), name);
    }
    fh_tag other = check_tag(c, "one too many");
    assert_string_equal(fh_device_tag_name(c->device, other), "other");
    for (unsigned int i = 0; i < FIT; i++) {
        snprintf(name, sizeof name, "tag %u", i);
        assert_int_equal(check_tag(c, name), tags[i]);
        assert_int_not_equal(tags[i], other);
        snprintf(name, sizeof name, "more %u", i);
        assert_int_equal(check_tag(c, name), other);
    }
    assert_int_equal(check_tag(c, "other"), other);
    assert_null(fh_device_tag_name(c->device, 1024));
    /* It has an account like all others. */
    fh_buffer_desc desc = card_buffer_desc(5000);
    desc.memory.tag = other;
    fh_parcel buffer = check_make(c, &desc);
    fh_account_info info = card_account(c, FH_ACCOUNT_TAG, other);
    assert_string_equal(info.name, "other");
    assert_true(info.used >= 5000);
    CHECK_EQUAL(info.count, 1);
    check_release(c, buffer);
}

static void a_tag_named_other_by_the_program_takes_the_rest(void **state)
{
    const card *c = *state;
    char name[24];
    fh_tag other = check_tag(c, "other");
    for (unsigned int i = 0; i < 1021; i++) {
        snprintf(name, sizeof name, "tag %u", i);
        assert_int_not_equal(check_tag(c, name), other);
    }
    assert_int_equal(check_tag(c, "one too many"), other);
    assert_int_equal(check_tag(c, "two too many"), other);
}

static void tags_are_a_device_s_own(void **state)
{
    const card *c = *state;
    card second;
    card_small(&second);
    check_open(&second);
    fh_tag tag = check_tag(c, "terrain");
    assert_null(fh_device_tag_name(second.device, tag));
    check_close(&second);
}

static void without_host_memory_there_is_no_new_tag(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    card c;
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_tag known = check_tag(&c, "known");
    memory.fail_at = memory.alloc_count + 1;
    memory.fail_on = true;
    fh_tag tag = 77;
    CHECK_RESULT(fh_device_tag(c.device, "new", &tag), FH_ERR_HOST_MEMORY);
    CHECK_DETAIL_NAMES("new");
    assert_int_equal(tag, 0);
    CHECK_OK(fh_device_tag(c.device, "known", &tag)); /* that needs none */
    assert_int_equal(tag, known);
    memory.fail_at = 0;
    assert_int_equal(check_tag(&c, "new"), known + 1);
    check_close(&c);
    test_memory_finish(&memory);
}

enum {
    THREADS = 4,
    NAMES = 400
};

typedef struct worker {
    pthread_t thread;
    fh_device *device;
    uint64_t seed;
    fh_tag tags[NAMES];
    const char *fault;
} worker;

/* All names in some order; each is asked for until it is there. */
static void *intern(void *argument)
{
    worker *w = argument;
    test_rng rng = {w->seed};
    for (unsigned int n = 0; n < NAMES * 20; n++) {
        unsigned int i = n < NAMES ? n : (unsigned int)test_below(&rng, NAMES);
        char name[24];
        fh_tag tag;
        snprintf(name, sizeof name, "name %u", i);
        if (fh_device_tag(w->device, name, &tag) != FH_OK) {
            w->fault = "a tag was refused";
            return NULL;
        }
        const char *back = fh_device_tag_name(w->device, tag);
        if (back == NULL || strcmp(back, name) != 0) {
            w->fault = "a tag does not have the name it was made for";
            return NULL;
        }
        if (w->tags[i] != 0 && w->tags[i] != tag) {
            w->fault = "a name has changed its tag";
            return NULL;
        }
        w->tags[i] = tag;
    }
    return NULL;
}

static void threads_agree_on_tags(void **state)
{
    const card *c = *state;
    worker *workers = test_calloc(THREADS, sizeof *workers);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].device = c->device;
        workers[i].seed = test_seed() + i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, intern, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        CHECK_NO_FAULT(workers[i].fault);
    }
    for (size_t i = 1; i < THREADS; i++) {
        assert_memory_equal(workers[i].tags, workers[0].tags, sizeof workers[0].tags);
    }
    assert_null(fh_device_tag_name(c->device, NAMES + 1)); /* none was made twice */
    test_free(workers);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(a_name_has_one_tag),
        WITH_CARD(a_name_is_copied),
        WITH_CARD(names_of_tags_that_are_none),
        WITH_CARD(wrong_arguments_are_refused),
        WITH_CARD(what_does_not_fit_is_other),
        WITH_CARD(a_tag_named_other_by_the_program_takes_the_rest),
        WITH_CARD(tags_are_a_device_s_own),
        cmocka_unit_test(without_host_memory_there_is_no_new_tag),
        WITH_CARD(threads_agree_on_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
