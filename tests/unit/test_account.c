/* Accounts: exact to the byte, by kind, tag, heap and in total; limits that are reached and not
 * passed, also when they are lowered below what lives; peaks, refusals, what retires; the
 * sentence of a refusal. Threads that race stand in test_device_races.c. */

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

/* Counted exactly as asked for. */
static fh_result external(const card *c, uint64_t size, fh_tag tag, fh_parcel *out)
{
    return fh_external_create(c->device, &(fh_external_desc){.size = size, .tag = tag}, out);
}

static fh_parcel check_external(const card *c, uint64_t size, fh_tag tag)
{
    fh_parcel parcel;
    CHECK_OK(external(c, size, tag, &parcel));
    return parcel;
}

/* A driver allocation of exactly that many bytes. */
static fh_result dedicated(const card *c, uint64_t size, fh_parcel *out)
{
    fh_raw_desc desc = {
        .size = size, .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    return fh_raw_create(c->device, &desc, out);
}

static fh_tag check_tag(const card *c, const char *name)
{
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, name, &tag));
    assert_true(tag != 0);
    return tag;
}

/* ---- what is counted ---- */

static void a_new_device_counts_nothing(void **state)
{
    const card *c = *state;
    static const char *const names[] = {"buffer",   "texture", "raw",
                                        "external", "staging", "transient"};
    fh_account_info info = card_account(c, FH_ACCOUNT_TOTAL, 0);
    assert_string_equal(info.name, "total");
    CHECK_EQUAL(info.limit, FH_NO_LIMIT);
    info = card_account(c, FH_ACCOUNT_HEAP, 1);
    assert_string_equal(info.name, "heap 1");
    CHECK_EQUAL(info.limit, GIB(1)); /* the operating system's */
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        info = card_account(c, FH_ACCOUNT_KIND, i);
        assert_string_equal(info.name, names[i]);
        CHECK_EQUAL(info.limit, FH_NO_LIMIT);
        assert_true(info.used == 0 && info.peak == 0 && info.count == 0 && info.refused == 0);
    }
    info = card_account(c, FH_ACCOUNT_TAG, check_tag(c, "terrain"));
    assert_string_equal(info.name, "terrain");
    CHECK_EQUAL(info.limit, FH_NO_LIMIT);
}

static void accounts_that_are_not_there_are_refused(void **state)
{
    const card *c = *state;
    check_tag(c, "one");
    static const fh_account wrong[] = {
        {FH_ACCOUNT_TOTAL, 1},         {FH_ACCOUNT_HEAP, 2},
        {FH_ACCOUNT_HEAP, UINT32_MAX}, {FH_ACCOUNT_KIND, FH_KIND_COUNT},
        {FH_ACCOUNT_TAG, 2},           {FH_ACCOUNT_TAG, UINT32_MAX},
        {(fh_account_scope)4, 0},      {(fh_account_scope)-1, 0},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_account_info info;
        memset(&info, 0x55, sizeof info);
        CHECK_RESULT(fh_device_account(c->device, wrong[i], &info), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("account");
        assert_true(info.used == 0 && info.name[0] == '\0' && info.limit == 0);
        CHECK_RESULT(fh_device_set_limit(c->device, wrong[i], 10), FH_ERR_INVALID);
        CHECK_RESULT(fh_device_reset_peak(c->device, wrong[i]), FH_ERR_INVALID);
    }
    fh_account_info info;
    memset(&info, 0x55, sizeof info);
    CHECK_RESULT(fh_device_account(NULL, (fh_account){0}, &info), FH_ERR_INVALID);
    CHECK_EQUAL(info.used, 0);
    CHECK_RESULT(fh_device_account(c->device, (fh_account){0}, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_set_limit(NULL, (fh_account){0}, 1), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_reset_peak(NULL, (fh_account){0}), FH_ERR_INVALID);
}

static void kinds_and_tags_count_range_bytes_and_heaps_driver_bytes(void **state)
{
    const card *c = *state;
    fh_tag terrain = check_tag(c, "terrain");
    fh_buffer_desc desc = card_buffer_desc(4096);
    desc.capacity = 8192;
    desc.memory.tag = terrain;
    fh_parcel buffer = check_make(c, &desc);
    uint64_t reserved = check_info(c, buffer).reserved;
    assert_true(reserved >= 8192);
    fh_parcel other = check_external(c, 777, terrain);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, reserved);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 777);
    CHECK_USED(c, FH_ACCOUNT_TAG, terrain, reserved + 777); /* over all kinds */
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_TAG, terrain).count, 2);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER).count, 1);
    CHECK_USED(c, FH_ACCOUNT_HEAP, 0, MIB(1));
    CHECK_USED(c, FH_ACCOUNT_HEAP, 1, 0);
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, MIB(1));
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_TOTAL, 0).count, 1);
    check_release(c, buffer);
    CHECK_USED(c, FH_ACCOUNT_TAG, terrain, 777);
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, MIB(1));
    check_release(c, other);
    CHECK_USED(c, FH_ACCOUNT_TAG, terrain, 0);
}

/* ---- limits ---- */

static void exactly_the_limit_passes_and_one_byte_more_fails(void **state)
{
    const card *c = *state;
    fh_tag tag = check_tag(c, "tight");
    static const uint64_t limits[] = {1, 1000, MIB(1), MIB(1) + 1, GIB(3) + 7};
    for (size_t i = 0; i < TEST_COUNT_OF(limits); i++) {
        for (int scope = FH_ACCOUNT_KIND; scope <= FH_ACCOUNT_TAG; scope++) {
            uint32_t index = scope == FH_ACCOUNT_KIND ? FH_KIND_EXTERNAL : tag;
            check_limit(c, (fh_account_scope)scope, index, limits[i]);
            fh_parcel out;
            CHECK_REFUSED(external(c, limits[i] + 1, tag, &out), out, FH_ERR_BUDGET, "");
            fh_parcel parcel = check_external(c, limits[i], tag);
            CHECK_REFUSED(external(c, 1, tag, &out), out, FH_ERR_BUDGET, "");
            CHECK_USED(c, (fh_account_scope)scope, index, limits[i]);
            check_release(c, parcel);
            parcel = check_external(c, limits[i], tag); /* again */
            check_release(c, parcel);
            check_limit(c, (fh_account_scope)scope, index, FH_NO_LIMIT);
        }
    }
}

static void driver_bytes_pass_at_exactly_the_limit_too(void **state)
{
    const card *c = *state;
    for (int scope = FH_ACCOUNT_TOTAL; scope <= FH_ACCOUNT_HEAP; scope++) {
        check_limit(c, (fh_account_scope)scope, 0, 100000);
        fh_parcel a;
        fh_parcel b;
        fh_parcel out;
        CHECK_REFUSED(dedicated(c, 100001, &out), out, FH_ERR_BUDGET, "");
        CHECK_OK(dedicated(c, 60000, &a));
        CHECK_REFUSED(dedicated(c, 40001, &out), out, FH_ERR_BUDGET, "");
        CHECK_OK(dedicated(c, 40000, &b));
        CHECK_REFUSED(dedicated(c, 1, &out), out, FH_ERR_BUDGET, "");
        CHECK_USED(c, (fh_account_scope)scope, 0, 100000);
        CHECK_EQUAL(card_account(c, (fh_account_scope)scope, 0).peak, 100000);
        check_release(c, a);
        check_release(c, b);
        CHECK_USED(c, (fh_account_scope)scope, 0, 0);
        check_limit(c, (fh_account_scope)scope, 0, FH_NO_LIMIT);
    }
}

/* A request that one account grants and another refuses leaves neither charged. */
static void a_refusal_charges_nothing(void **state)
{
    const card *c = *state;
    fh_tag tag = check_tag(c, "small");
    check_limit(c, FH_ACCOUNT_TAG, tag, 1000);
    fh_parcel out;
    fh_buffer_desc desc = card_buffer_desc(1024);
    desc.memory.tag = tag;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "small");
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    CHECK_USED(c, FH_ACCOUNT_TAG, tag, 0);
    check_limit(c, FH_ACCOUNT_TAG, tag, FH_NO_LIMIT);
    check_limit(c, FH_ACCOUNT_HEAP, 0, 500);
    desc.memory.type_mask = 1U << CARD_LOCAL;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "heap 0");
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    CHECK_USED(c, FH_ACCOUNT_TAG, tag, 0);
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER).count, 0);
}

/* Random sizes against a limit: refused if and only if the sum would pass it. */
static void refusals_are_exact(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    fh_tag tags[4] = {0, check_tag(c, "a"), check_tag(c, "b"), check_tag(c, "c")};
    uint64_t limits[5]; /* of the tags, then of the kind */
    uint64_t used[5] = {0};
    limits[0] = FH_NO_LIMIT;
    for (int i = 1; i < 4; i++) {
        limits[i] = 1 + test_below(&rng, MIB(4));
        check_limit(c, FH_ACCOUNT_TAG, tags[i], limits[i]);
    }
    limits[4] = MIB(6);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, limits[4]);
    struct {
        fh_parcel parcel;
        uint64_t size;
        uint64_t tag;
    } live[300];
    size_t count = 0;
    uint64_t refused = 0;
    for (uint64_t i = 0; i < test_operations(20000); i++) {
        if (count < TEST_COUNT_OF(live) && test_chance(&rng, 60)) {
            uint64_t tag = test_below(&rng, 4);
            uint64_t size = test_chance(&rng, 10) ? limits[4] - used[4] + test_below(&rng, 2)
                                                  : test_log_uniform(&rng, MIB(1));
            size = size == 0 ? 1 : size;
            bool fits =
                used[4] + size <= limits[4] && (tag == 0 || used[tag] + size <= limits[tag]);
            fh_parcel out;
            fh_result result = external(c, size, tags[tag], &out);
            if (result != (fits ? FH_OK : FH_ERR_BUDGET)) {
                fail_msg("%llu bytes: %s, %s", (unsigned long long)size, fh_result_name(result),
                         fits ? "and they fit" : fh_error_detail());
            }
            refused += !fits;
            if (fits) {
                live[count].parcel = out;
                live[count].size = size;
                live[count++].tag = tag;
                used[tag] += size;
                used[4] += size;
            }
        } else if (count > 0) {
            size_t at = (size_t)test_below(&rng, count);
            check_release(c, live[at].parcel);
            used[live[at].tag] -= live[at].size;
            used[4] -= live[at].size;
            live[at] = live[--count];
        }
        for (int t = 1; t < 4; t++) {
            CHECK_USED(c, FH_ACCOUNT_TAG, tags[t], used[t]);
        }
        CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, used[4]);
        if (i % 1000 == 999) {
            CHECK_OK(fh_device_tick(c->device));
        }
    }
    CHECK_EQUAL(card_stats(c).refused_count, refused);
    while (count > 0) {
        check_release(c, live[--count].parcel);
    }
}

/* What another thread's lane holds in credit is not lost to this one. */
static void *come_and_go(void *argument)
{
    const card *c = argument;
    fh_parcel out;
    for (uint64_t size = 1; size <= KIB(600); size = size * 3 + 1) {
        if (external(c, size, 0, &out) == FH_OK) {
            fh_parcel_release(c->device, out);
        }
    }
    return NULL;
}

static void credits_of_other_threads_are_recalled(void **state)
{
    card *c = *state;
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, MIB(1));
    for (int round = 0; round < 3; round++) {
        pthread_t threads[6];
        for (size_t i = 0; i < TEST_COUNT_OF(threads); i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, c), 0);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(threads); i++) {
            pthread_join(threads[i], NULL);
        }
        CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 0);
        fh_parcel parcel = check_external(c, MIB(1), 0);
        check_release(c, parcel);
        CHECK_OK(fh_device_tick(c->device));
    }
}

/* ---- lowering a limit ---- */

static void a_limit_below_what_lives_loses_nothing(void **state)
{
    const card *c = *state;
    fh_parcel parcels[10];
    for (int i = 0; i < 10; i++) {
        parcels[i] = check_external(c, 1000, 0);
    }
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 4500);
    fh_account_info info = card_account(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL);
    CHECK_EQUAL(info.used, 10000);
    CHECK_EQUAL(info.limit, 4500);
    fh_parcel out;
    CHECK_REFUSED(external(c, 1, 0, &out), out, FH_ERR_BUDGET, "4500");
    CHECK_OK(fh_device_tick(c->device));
    for (int i = 0; i < 6; i++) {
        CHECK_REFUSED(external(c, 501, 0, &out), out, FH_ERR_BUDGET, "");
        check_release(c, parcels[i]);
        CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 10000 - 1000 * (uint64_t)(i + 1));
    }
    CHECK_REFUSED(external(c, 501, 0, &out), out, FH_ERR_BUDGET, "");
    fh_parcel last = check_external(c, 500, 0);
    check_release(c, last);
    for (int i = 6; i < 10; i++) {
        check_release(c, parcels[i]);
    }
}

static void a_heap_limit_below_what_is_held_refuses_growth_only(void **state)
{
    const card *c = *state;
    fh_parcel a = check_buffer(c, KIB(256));
    CHECK_USED(c, FH_ACCOUNT_HEAP, 0, MIB(1));
    check_limit(c, FH_ACCOUNT_HEAP, 0, KIB(10));
    check_limit(c, FH_ACCOUNT_HEAP, 1, 0);
    fh_parcel b = check_buffer(c, KIB(256)); /* the block has room */
    fh_parcel out;
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "heap");
    check_release(c, a);
    check_release(c, b);
    CHECK_OK(fh_device_tick(c->device)); /* over: what is empty goes at once */
    CHECK_USED(c, FH_ACCOUNT_HEAP, 0, 0);
}

static void raising_a_limit_gives_room_at_once(void **state)
{
    const card *c = *state;
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 1000);
    fh_parcel a = check_external(c, 1000, 0);
    fh_parcel out;
    CHECK_REFUSED(external(c, 1000, 0, &out), out, FH_ERR_BUDGET, "");
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 2000);
    fh_parcel b = check_external(c, 1000, 0);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, FH_NO_LIMIT);
    fh_parcel d = check_external(c, GIB(100), 0);
    check_release(c, a);
    check_release(c, b);
    check_release(c, d);
}

/* ---- peaks, refusals, retiring ---- */

static void a_peak_is_the_most_that_was_used(void **state)
{
    const card *c = *state;
    const fh_account account = {FH_ACCOUNT_KIND, FH_KIND_EXTERNAL};
    fh_parcel a = check_external(c, 5000, 0);
    fh_parcel b = check_external(c, 3000, 0);
    check_release(c, a);
    CHECK_EQUAL(card_account(c, account.scope, account.index).peak, 8000);
    CHECK_OK(fh_device_reset_peak(c->device, account));
    CHECK_EQUAL(card_account(c, account.scope, account.index).peak, 3000);
    a = check_external(c, 1, 0);
    CHECK_EQUAL(card_account(c, account.scope, account.index).peak, 3001);
    check_release(c, a);
    check_release(c, b);
    CHECK_EQUAL(card_account(c, account.scope, account.index).peak, 3001);
    fh_parcel memory;
    CHECK_OK(dedicated(c, 12345, &memory));
    check_release(c, memory);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_TOTAL, 0).peak, 12345);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_HEAP, 0).peak, 12345);
    CHECK_OK(fh_device_reset_peak(c->device, (fh_account){FH_ACCOUNT_TOTAL, 0}));
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_TOTAL, 0).peak, 0);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_HEAP, 0).peak, 12345);
}

/* A refusal that was tried again and again inside is one. */
static void a_request_that_fails_is_refused_once(void **state)
{
    const card *c = *state;
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 10);
    check_limit(c, FH_ACCOUNT_TOTAL, 0, 10);
    for (uint64_t i = 1; i <= 5; i++) {
        fh_parcel out;
        CHECK_RESULT(external(c, 11, 0, &out), FH_ERR_BUDGET);
        CHECK_EQUAL(card_account(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL).refused, i);
        CHECK_RESULT(dedicated(c, 11, &out), FH_ERR_BUDGET);
        CHECK_EQUAL(card_account(c, FH_ACCOUNT_TOTAL, 0).refused, i);
        CHECK_EQUAL(card_stats(c).refused_count, 2 * i);
    }
}

static void what_retires_is_counted_until_it_is_gone(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_tag tag = check_tag(c, "slow");
    fh_buffer_desc desc = card_buffer_desc(4096);
    desc.memory.tag = tag;
    fh_parcel buffer = check_make(c, &desc);
    uint64_t reserved = check_info(c, buffer).reserved;
    check_limit(c, FH_ACCOUNT_TAG, tag, reserved);
    CHECK_OK(fh_device_retire(c->device, buffer, &(fh_epoch){queue, 9}, 1));
    fh_account_info info = card_account(c, FH_ACCOUNT_TAG, tag);
    CHECK_EQUAL(info.used, reserved);
    CHECK_EQUAL(info.retiring, reserved);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER).retiring, reserved);
    fh_device_stats stats = card_stats(c);
    CHECK_EQUAL(stats.total.retiring_bytes, reserved);
    CHECK_EQUAL(stats.retiring_count, 1);
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "slow");
    /* A request finds what has passed meanwhile by itself: relief's first step. */
    CHECK_OK(fh_queue_signal(c->device, queue, 9));
    CHECK_OK(fh_buffer_create(c->device, &desc, &out));
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_TAG, tag).retiring, 0);
    CHECK_EQUAL(card_stats(c).relieved_count, 1);
    check_release(c, out);
}

/* ---- the sentence ---- */

static void the_sentence_has_asked_live_limit_and_name(void **state)
{
    const card *c = *state;
    fh_tag tag = check_tag(c, "terrain");
    check_limit(c, FH_ACCOUNT_TAG, tag, 100000);
    fh_parcel a = check_external(c, 98765, tag);
    fh_parcel out;
    CHECK_REFUSED(external(c, 54321, tag, &out), out, FH_ERR_BUDGET, "terrain");
    CHECK_DETAIL_NAMES("54321");
    CHECK_DETAIL_NAMES("98765");
    CHECK_DETAIL_NAMES("100000");
    check_release(c, a);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 777);
    CHECK_REFUSED(external(c, 888, 0, &out), out, FH_ERR_BUDGET, "external");
    CHECK_DETAIL_NAMES("888");
    CHECK_DETAIL_NAMES("777");
    check_limit(c, FH_ACCOUNT_TOTAL, 0, 3333);
    CHECK_OK(dedicated(c, 2222, &a));
    CHECK_REFUSED(dedicated(c, 1234, &out), out, FH_ERR_BUDGET, "total");
    CHECK_DETAIL_NAMES("3333");
    CHECK_DETAIL_NAMES("2222");
    CHECK_DETAIL_NAMES("1234");
    check_limit(c, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_limit(c, FH_ACCOUNT_HEAP, 0, 4444);
    CHECK_REFUSED(dedicated(c, 2345, &out), out, FH_ERR_BUDGET, "heap 0");
    CHECK_DETAIL_NAMES("4444");
    CHECK_DETAIL_NAMES("2222");
    CHECK_DETAIL_NAMES("2345");
    check_release(c, a);
}

/* ---- tags ---- */

static void a_tag_is_its_name(void **state)
{
    const card *c = *state;
    fh_tag a = check_tag(c, "terrain");
    fh_tag b = check_tag(c, "sky");
    assert_true(a != b);
    CHECK_EQUAL(check_tag(c, "terrain"), a);
    assert_string_equal(fh_device_tag_name(c->device, a), "terrain");
    assert_string_equal(fh_device_tag_name(c->device, b), "sky");
    assert_string_equal(fh_device_tag_name(c->device, 0), "");
    assert_null(fh_device_tag_name(c->device, 900));
    assert_null(fh_device_tag_name(c->device, UINT32_MAX));
    char name[80];
    memset(name, 'n', sizeof name);
    name[63] = '\0';
    fh_tag longest = check_tag(c, name);
    assert_string_equal(fh_device_tag_name(c->device, longest), name);
    name[63] = 'n';
    name[64] = '\0';
    fh_tag tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, name, &tag), FH_ERR_INVALID);
    CHECK_EQUAL(tag, 0);
    tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, "", &tag), FH_ERR_INVALID);
    CHECK_EQUAL(tag, 0);
    tag = 77;
    CHECK_RESULT(fh_device_tag(c->device, NULL, &tag), FH_ERR_INVALID);
    CHECK_EQUAL(tag, 0);
    CHECK_RESULT(fh_device_tag(c->device, "x", NULL), FH_ERR_INVALID);
    tag = 77;
    CHECK_RESULT(fh_device_tag(NULL, "x", &tag), FH_ERR_INVALID);
    CHECK_EQUAL(tag, 0);
}

static void tags_beyond_1023_are_other(void **state)
{
    const card *c = *state;
    fh_tag last = 0;
    fh_tag other = 0;
    uint32_t own = 0;
    for (int i = 0; i < 1200; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %d", i);
        fh_tag tag = check_tag(c, name);
        if (strcmp(fh_device_tag_name(c->device, tag), name) == 0) {
            own++;
            last = tag;
            CHECK_EQUAL(other, 0); /* none of its own after one that had none */
        } else {
            assert_string_equal(fh_device_tag_name(c->device, tag), "other");
            other = tag;
        }
    }
    assert_true(own >= 1022 && own <= 1023);
    assert_true(other != 0 && other != last);
    fh_parcel a = check_external(c, 100, last);
    fh_parcel b = check_external(c, 50, other);
    fh_parcel d = check_external(c, 7, check_tag(c, "tag 1100"));
    CHECK_USED(c, FH_ACCOUNT_TAG, last, 100);
    CHECK_USED(c, FH_ACCOUNT_TAG, other, 57);
    assert_string_equal(card_account(c, FH_ACCOUNT_TAG, other).name, "other");
    check_release(c, a);
    check_release(c, b);
    check_release(c, d);
    CHECK_EQUAL(check_tag(c, "tag 3"), check_tag(c, "tag 3"));
    assert_string_equal(fh_device_tag_name(c->device, check_tag(c, "tag 3")), "tag 3");
}

/* A thread's own part of the accounts grows with the tags that it meets. */
static void tags_keep_what_they_count_when_more_come(void **state)
{
    const card *c = *state;
    enum {
        COUNT = 200
    };
    fh_parcel parcels[COUNT];
    fh_tag tags[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %u", i);
        tags[i] = check_tag(c, name);
        parcels[i] = check_external(c, 100 + i, tags[i]);
        CHECK_USED(c, FH_ACCOUNT_TAG, tags[i / 2], 100 + i / 2);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK_USED(c, FH_ACCOUNT_TAG, tags[i], 100 + i);
        check_release(c, parcels[i]);
        CHECK_USED(c, FH_ACCOUNT_TAG, tags[i], 0);
    }
}

/* A raw parcel takes whole pages: what rounding adds is charged, and told, with the rest. */
static void the_sentence_is_of_the_whole_request(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.granularity = KIB(1);
    check_open(&c);
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_RAW, 1000);
    fh_parcel raw;
    CHECK_REFUSED(fh_raw_create(c.device, &(fh_raw_desc){.size = 900}, &raw), raw, FH_ERR_BUDGET,
                  "1024 bytes asked, 0 live, limit 1000");
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_KIND, FH_KIND_RAW).peak, 0);
    check_close(&c);
}

static void what_finds_no_room_leaves_no_peak(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    static fh_parcel parcels[65536];
    uint32_t count = 0;
    fh_buffer_desc desc = card_buffer_desc(KIB(4));
    desc.memory.type_mask = 0;
    while (count < TEST_COUNT_OF(parcels) &&
           fh_buffer_create(c.device, &desc, &parcels[count]) == FH_OK) {
        count++;
    }
    fh_account_info info = card_account(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER);
    assert_true(count > 100 && count < TEST_COUNT_OF(parcels));
    CHECK_EQUAL(info.used, count * KIB(4));
    CHECK_EQUAL(info.peak, info.used);
    while (count > 0) {
        check_release(&c, parcels[--count]);
    }
    check_close(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_device_counts_nothing),
        TEST(accounts_that_are_not_there_are_refused),
        TEST(kinds_and_tags_count_range_bytes_and_heaps_driver_bytes),
        TEST(exactly_the_limit_passes_and_one_byte_more_fails),
        TEST(driver_bytes_pass_at_exactly_the_limit_too),
        TEST(a_refusal_charges_nothing),
        TEST(refusals_are_exact),
        TEST(credits_of_other_threads_are_recalled),
        TEST(a_limit_below_what_lives_loses_nothing),
        TEST(a_heap_limit_below_what_is_held_refuses_growth_only),
        TEST(raising_a_limit_gives_room_at_once),
        TEST(a_peak_is_the_most_that_was_used),
        TEST(a_request_that_fails_is_refused_once),
        TEST(what_retires_is_counted_until_it_is_gone),
        TEST(the_sentence_has_asked_live_limit_and_name),
        TEST(a_tag_is_its_name),
        TEST(tags_beyond_1023_are_other),
        TEST(tags_keep_what_they_count_when_more_come),
        cmocka_unit_test(the_sentence_is_of_the_whole_request),
        cmocka_unit_test(what_finds_no_room_leaves_no_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
