/* What can be changed about a parcel: its name (cut between characters, passed on to the
 * driver's tools), its user value, its priority. And how its info changes with them. */

#include "card_checks.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

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

static void check_name(const card *c, fh_parcel parcel, const char *name)
{
    fh_parcel_info info = check_info(c, parcel);
    assert_string_equal(info.name, name);
}

/* ---- names ---- */

static void a_name_can_be_set_replaced_and_removed(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 100);
    check_name(c, buffer, "");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, NULL)); /* none, and none before */
    check_name(c, buffer, "");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "mesh"));
    check_name(c, buffer, "mesh");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "a longer name than before"));
    check_name(c, buffer, "a longer name than before");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "x"));
    check_name(c, buffer, "x");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, ""));
    check_name(c, buffer, "");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "mesh"));
    CHECK_OK(fh_parcel_set_name(c->device, buffer, NULL));
    check_name(c, buffer, "");
    check_release(c, buffer);
}

static void every_kind_can_have_a_name(void **state)
{
    const card *c = *state;
    fh_parcel texture;
    fh_parcel external;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = 100, .memory = {.name = "raw"}});
    CHECK_OK(fh_texture_create(c->device,
                               &(fh_texture_desc){.format = FH_FORMAT_RGBA8_UNORM,
                                                  .width = 16,
                                                  .memory = {.name = "texture"}},
                               &texture));
    CHECK_OK(fh_external_create(c->device, &(fh_external_desc){.size = 100, .name = "external"},
                                &external));
    check_name(c, raw, "raw");
    check_name(c, texture, "texture");
    check_name(c, external, "external");
    CHECK_OK(fh_parcel_set_name(c->device, external, "theirs"));
    check_name(c, external, "theirs");
    check_release(c, raw);
    check_release(c, texture);
    check_release(c, external);
}

/* `count` times 'a', then `tail`; the name that is kept has `kept` bytes. */
static void check_cut(const card *c, size_t count, const char *tail, size_t kept)
{
    char name[160];
    char expected[FH_NAME_SIZE];
    memset(name, 'a', count);
    snprintf(name + count, sizeof name - count, "%s", tail);
    assert_true(kept < sizeof expected);
    memcpy(expected, name, kept);
    expected[kept] = '\0';
    fh_parcel buffer = check_buffer(c, 100);
    CHECK_OK(fh_parcel_set_name(c->device, buffer, name));
    check_name(c, buffer, expected);
    check_release(c, buffer);
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.name = name;
    buffer = check_make(c, &desc);
    check_name(c, buffer, expected);
    check_release(c, buffer);
}

static void a_long_name_is_cut_between_characters(void **state)
{
    const card *c = *state;
    check_cut(c, 62, "", 62);
    check_cut(c, 63, "", 63);
    check_cut(c, 64, "", 63);
    check_cut(c, 150, "", 63);
    /* Characters of two, three and four bytes that end before, at and behind the cut. */
    check_cut(c, 61, "\xc3\xa9", 63);
    check_cut(c, 62, "\xc3\xa9", 62);
    check_cut(c, 63, "\xc3\xa9", 63);
    check_cut(c, 60, "\xe2\x82\xac", 63);
    check_cut(c, 61, "\xe2\x82\xac", 61);
    check_cut(c, 62, "\xe2\x82\xac", 62);
    check_cut(c, 59, "\xf0\x9f\x98\x80", 63);
    check_cut(c, 60, "\xf0\x9f\x98\x80", 60);
    check_cut(c, 61, "\xf0\x9f\x98\x80", 61);
    check_cut(c, 62, "\xf0\x9f\x98\x80", 62);
    check_cut(c, 62, "\xc3\xa9\xc3\xa9\xc3\xa9", 62);
    /* Combined to be cut in the middle of a row of them. */
    check_cut(c, 0,
              "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
              "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
              "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
              "\xe2\x82\xac\xe2\x82\xac",
              63);
    /* What is no UTF-8 is kept as it is, and cut somewhere. */
    check_cut(c, 40, "\xff\xfe\x80\x80", 44);
    check_cut(c, 50, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 63);
}

static void a_name_is_read_only_as_far_as_it_is_kept(void **state)
{
    const card *c = *state;
    char *name = test_malloc(FH_NAME_SIZE); /* not terminated: a sanitizer sees who reads on */
    memset(name, 'n', FH_NAME_SIZE);
    fh_parcel buffer = check_buffer(c, 100);
    CHECK_OK(fh_parcel_set_name(c->device, buffer, name));
    test_free(name);
    fh_parcel_info info = check_info(c, buffer);
    CHECK_EQUAL(strlen(info.name), 63);
    check_release(c, buffer);
}

/* ---- user value and priority ---- */

static void user_and_priority_can_be_replaced(void **state)
{
    const card *c = *state;
    int owner;
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.user = &owner;
    fh_parcel buffer = check_make(c, &desc);
    assert_ptr_equal(check_info(c, buffer).user, &owner);
    CHECK_OK(fh_parcel_set_user(c->device, buffer, NULL));
    assert_null(check_info(c, buffer).user);
    CHECK_OK(fh_parcel_set_user(c->device, buffer, &buffer));
    assert_ptr_equal(check_info(c, buffer).user, &buffer);
    static const float right[] = {0.0F, 0.001F, 0.5F, 1.0F};
    for (size_t i = 0; i < TEST_COUNT_OF(right); i++) {
        CHECK_OK(fh_parcel_set_priority(c->device, buffer, right[i]));
        assert_true(check_info(c, buffer).priority == right[i]);
    }
    static const float wrong[] = {-0.001F, 1.001F, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        CHECK_RESULT(fh_parcel_set_priority(c->device, buffer, wrong[i]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("priority");
        assert_true(check_info(c, buffer).priority == 1.0F);
    }
    check_release(c, buffer);
}

static void stale_handles_and_null_are_refused(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 100);
    fh_parcel_info info;
    CHECK_RESULT(fh_parcel_set_name(NULL, buffer, "x"), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    CHECK_RESULT(fh_parcel_set_user(NULL, buffer, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_set_priority(NULL, buffer, 0.5F), FH_ERR_INVALID);
    memset(&info, 0x55, sizeof info);
    CHECK_RESULT(fh_parcel_get(NULL, buffer, &info), FH_ERR_INVALID);
    assert_string_equal(info.name, "");
    CHECK_EQUAL(info.committed, 0);
    CHECK_RESULT(fh_parcel_get(c->device, buffer, NULL), FH_ERR_INVALID);
    check_release(c, buffer);
    const fh_parcel stale[] = {buffer, {0}, {UINT64_MAX}, {buffer.id + 1}};
    for (size_t i = 0; i < TEST_COUNT_OF(stale); i++) {
        CHECK_RESULT(fh_parcel_set_name(c->device, stale[i], "x"), FH_ERR_STALE);
        CHECK_RESULT(fh_parcel_set_name(c->device, stale[i], NULL), FH_ERR_STALE);
        CHECK_RESULT(fh_parcel_set_user(c->device, stale[i], NULL), FH_ERR_STALE);
        CHECK_RESULT(fh_parcel_set_priority(c->device, stale[i], 0.5F), FH_ERR_STALE);
        memset(&info, 0x55, sizeof info);
        CHECK_RESULT(fh_parcel_get(c->device, stale[i], &info), FH_ERR_STALE);
        CHECK_EQUAL(info.committed, 0);
    }
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void a_new_parcel_in_an_old_slot_has_nothing_of_the_old_one(void **state)
{
    const card *c = *state;
    for (int i = 0; i < 100; i++) {
        fh_parcel buffer = check_buffer(c, 100);
        fh_parcel_info info = check_info(c, buffer);
        assert_string_equal(info.name, "");
        assert_null(info.user);
        assert_true(info.priority == 0.5F);
        CHECK_OK(fh_parcel_set_name(c->device, buffer, "old"));
        CHECK_OK(fh_parcel_set_user(c->device, buffer, &info));
        CHECK_OK(fh_parcel_set_priority(c->device, buffer, 0.9F));
        check_release(c, buffer);
    }
}

static void without_host_memory_a_first_name_is_refused(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    card c;
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_parcel named = check_buffer(&c, 100);
    fh_parcel nameless = check_buffer(&c, 100);
    CHECK_OK(fh_parcel_set_name(c.device, named, "named"));
    memory.fail_at = memory.alloc_count + 1;
    memory.fail_on = true;
    CHECK_RESULT(fh_parcel_set_name(c.device, nameless, "first"), FH_ERR_HOST_MEMORY);
    check_name(&c, nameless, "");
    CHECK_OK(fh_parcel_set_name(c.device, nameless, NULL));
    CHECK_OK(fh_parcel_set_name(c.device, named, "renamed"));
    check_name(&c, named, "renamed");
    memory.fail_at = 0;
    CHECK_OK(fh_parcel_set_name(c.device, nameless, "first"));
    check_name(&c, nameless, "first");
    check_release(&c, named);
    check_release(&c, nameless);
    check_close(&c);
    test_memory_finish(&memory);
}

/* ---- what the backend is told ---- */

/* A host backend that keeps the last name, and counts calls that meet. There is one at a time: an
 * operation has nothing of the test's but the object. */
static struct {
    _Atomic unsigned int calls, inside, met;
    _Atomic(void *) object;
    char name[256];
    pthread_mutex_t lock;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_name(fh_backend_device *device, void *object, const char *name)
{
    (void)device;
    if (atomic_fetch_add(&told.inside, 1) != 0) {
        atomic_fetch_add(&told.met, 1);
    }
    atomic_fetch_add(&told.calls, 1);
    atomic_store(&told.object, object);
    pthread_mutex_lock(&told.lock);
    snprintf(told.name, sizeof told.name, "%s", name);
    pthread_mutex_unlock(&told.lock);
    atomic_fetch_sub(&told.inside, 1);
}

static void open_with_names(card *c, fh_backend_ops *ops)
{
    card_small(c);
    *ops = *fh_backend_find("host");
    ops->object_name = take_name;
    c->desc.ops = ops;
    check_open(c);
    atomic_store(&told.calls, 0);
    atomic_store(&told.met, 0);
    told.name[0] = '\0';
}

static void names_are_passed_on_to_the_backend(void **state)
{
    (void)state;
    card c;
    fh_backend_ops ops;
    open_with_names(&c, &ops);
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_parcel buffer = check_make(&c, &desc);
    assert_int_equal(atomic_load(&told.calls), 0);
    CHECK_OK(fh_parcel_set_name(c.device, buffer, "mesh"));
    assert_int_equal(atomic_load(&told.calls), 1);
    assert_string_equal(told.name, "mesh");
    CHECK_OK(fh_parcel_set_name(c.device, buffer, NULL));
    assert_int_equal(atomic_load(&told.calls), 2);
    assert_string_equal(told.name, "");
    desc.memory.name = "named at once";
    fh_parcel named = check_make(&c, &desc);
    assert_int_equal(atomic_load(&told.calls), 3);
    assert_string_equal(told.name, "named at once");
    char longer[101];
    memset(longer, 'x', 100);
    longer[100] = '\0';
    CHECK_OK(fh_parcel_set_name(c.device, named, longer));
    CHECK_EQUAL(strlen(told.name), 63); /* what is kept */
    /* What has no object has nobody to be told. */
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = 100, .memory = {.name = "raw"}});
    CHECK_OK(fh_parcel_set_name(c.device, raw, "memory"));
    assert_int_equal(atomic_load(&told.calls), 4);
    check_release(&c, buffer);
    check_release(&c, named);
    check_release(&c, raw);
    check_close(&c);
}

static void a_buffer_that_moved_keeps_its_name(void **state)
{
    (void)state;
    card c;
    fh_backend_ops ops;
    open_with_names(&c, &ops);
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.name = "grows";
    fh_parcel buffer = check_make(&c, &desc);
    unsigned int calls = atomic_load(&told.calls);
    CHECK_OK(fh_buffer_resize(c.device, buffer, MIB(1), NULL));
    check_name(&c, buffer, "grows");
    assert_true(atomic_load(&told.calls) > calls); /* it has a new object */
    assert_string_equal(told.name, "grows");
    check_release(&c, buffer);
    check_close(&c);
}

typedef struct namer {
    pthread_t thread;
    fh_device *device;
    fh_parcel buffer;
    unsigned int number;
    const char *fault;
} namer;

static void *name_it(void *argument)
{
    namer *n = argument;
    for (unsigned int i = 0; i < 3000; i++) {
        char name[64];
        fh_parcel_info info;
        snprintf(name, sizeof name, "thread %u, round %u", n->number, i);
        if (fh_parcel_set_name(n->device, n->buffer, name) != FH_OK ||
            fh_parcel_set_user(n->device, n->buffer, n) != FH_OK ||
            fh_parcel_set_priority(n->device, n->buffer, (float)n->number / 8) != FH_OK ||
            fh_parcel_get(n->device, n->buffer, &info) != FH_OK) {
            n->fault = "a call was refused";
        }
        if (strncmp(info.name, "thread ", 7) != 0 || strstr(info.name, ", round ") == NULL) {
            n->fault = "a name is torn";
        }
        /* In one thread a resize goes on meanwhile. */
        if (n->number == 0 && i % 16 == 0 &&
            fh_buffer_resize(n->device, n->buffer, 100 + 70000 * (i / 16 % 2), NULL) != FH_OK) {
            n->fault = "a resize was refused";
        }
    }
    return NULL;
}

static void the_backend_is_told_one_name_at_a_time_and_the_last_one_last(void **state)
{
    (void)state;
    card c;
    fh_backend_ops ops;
    open_with_names(&c, &ops);
    fh_parcel buffer = check_buffer(&c, 100);
    namer namers[4];
    for (unsigned int i = 0; i < 4; i++) {
        namers[i] = (namer){.device = c.device, .buffer = buffer, .number = i};
        assert_int_equal(pthread_create(&namers[i].thread, NULL, name_it, &namers[i]), 0);
    }
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(namers[i].thread, NULL), 0);
        CHECK_NO_FAULT(namers[i].fault);
    }
    assert_int_equal(atomic_load(&told.met), 0);
    check_name(&c, buffer, told.name);
    CHECK_OK(fh_device_wait_idle(c.device, FH_WAIT_FOREVER));
    check_release(&c, buffer);
    check_close(&c);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(a_name_can_be_set_replaced_and_removed),
        WITH_CARD(every_kind_can_have_a_name),
        WITH_CARD(a_long_name_is_cut_between_characters),
        WITH_CARD(a_name_is_read_only_as_far_as_it_is_kept),
        WITH_CARD(user_and_priority_can_be_replaced),
        WITH_CARD(stale_handles_and_null_are_refused),
        WITH_CARD(a_new_parcel_in_an_old_slot_has_nothing_of_the_old_one),
        cmocka_unit_test(without_host_memory_a_first_name_is_refused),
        cmocka_unit_test(names_are_passed_on_to_the_backend),
        cmocka_unit_test(a_buffer_that_moved_keeps_its_name),
        cmocka_unit_test(the_backend_is_told_one_name_at_a_time_and_the_last_one_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
