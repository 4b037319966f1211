/* Staging memory: how much of it there is, who shares it, when it is given back, and that nothing
 * of it is reused while a copy may still read or write it. */

#include "bytes.h"

#include <pthread.h>

typedef struct advancer {
    pthread_t thread;
    const card *c;
    _Atomic bool stop;
} advancer;

static void *advance(void *argument)
{
    advancer *a = argument;
    while (!atomic_load(&a->stop)) {
        fh_simulated_advance(a->c->backend, 0, 1);
    }
    return NULL;
}

static void start_advancing(advancer *a, const card *c)
{
    a->c = c;
    atomic_init(&a->stop, false);
    assert_int_equal(pthread_create(&a->thread, NULL, advance, a), 0);
}

static void stop_advancing(advancer *a)
{
    atomic_store(&a->stop, true);
    assert_int_equal(pthread_join(a->thread, NULL), 0);
}

/* Far more than staging memory may take: the writer is slowed down to the copies. */
static void staging_memory_is_bounded(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    c.profile.manual = true;
    check_open(&c);
    uint64_t size = MIB(150) + 3;
    fh_parcel buffer = check_buffer(&c, size);
    advancer a;
    start_advancing(&a, &c);
    check_write(&c, buffer, 5, 0, size);
    uint64_t staging = card_account(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING).peak;
    check_holds(&c, buffer, 5, 0, size);
    stop_advancing(&a);
    assert_true(staging > 0 && staging <= MIB(64));
    check_release(&c, buffer);
    check_close(&c);
}

/* Many small writes share a piece, also while none of their copies has happened. */
static void small_writes_share_a_piece(void **state)
{
    (void)state;
    enum {
        COUNT = 500
    };
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffers[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        buffers[i] = check_buffer(&c, 100);
        check_write(&c, buffers[i], i, 0, 100);
    }
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING).count, 1);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, COUNT), COUNT);
    advancer a;
    start_advancing(&a, &c);
    for (uint64_t i = 0; i < COUNT; i++) {
        check_holds(&c, buffers[i], i, 0, 100);
        check_release(&c, buffers[i]);
    }
    stop_advancing(&a);
    check_close(&c);
}

static void staging_memory_is_given_back_when_unused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    check_write(&c, buffer, 1, 0, 1000);
    assert_true(card_used(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING) >= 1000);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(fh_device_tick(c.device));
    }
    assert_true(card_used(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING) >= 1000);
    for (int i = 0; i < 60; i++) {
        CHECK_OK(fh_device_tick(c.device));
    }
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, 0);
    check_holds(&c, buffer, 1, 0, 1000);
    check_release(&c, buffer);
    check_close(&c);
}

/* No more staging memory may be made: what is there is used again, and waited for. */
static void writes_make_do_with_the_staging_there_is(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    c.profile.manual = true;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, MIB(20));
    check_write(&c, buffer, 1, 0, 1000);
    uint64_t staging = card_used(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING);
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, staging);
    advancer a;
    start_advancing(&a, &c);
    check_write(&c, buffer, 2, 0, MIB(20));
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, staging);
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, FH_NO_LIMIT);
    check_holds(&c, buffer, 2, 0, MIB(20));
    stop_advancing(&a);
    check_release(&c, buffer);
    check_close(&c);
}

static void without_room_for_staging_a_write_is_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    unsigned char bytes[1000] = {0};
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, 100);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 1000, NULL), FH_ERR_BUDGET);
    CHECK_DETAIL_NAMES("staging");
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, bytes, 1000, 0), FH_ERR_BUDGET);
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, FH_NO_LIMIT);
    check_write(&c, buffer, 1, 0, 1000);
    check_holds(&c, buffer, 1, 0, 1000);
    check_release(&c, buffer);
    check_close(&c);
}

/* Staging memory too, through trims and ticks. */
static void staging_is_not_reused_early(void **state)
{
    (void)state;
    enum {
        COUNT = 30,
        SIZE = 300 * 1024
    };
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffers[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        buffers[i] = check_buffer(&c, SIZE);
        check_write(&c, buffers[i], i, 0, SIZE);
        if (i % 3 == 0) {
            CHECK_OK(fh_device_trim(c.device, NULL));
        }
        for (int tick = 0; tick < 40; tick++) {
            CHECK_OK(fh_device_tick(c.device));
        }
        if (i % 5 == 4) {
            fh_simulated_advance(c.backend, 0, 3);
        }
    }
    fh_simulated_advance(c.backend, 0, COUNT);
    advancer a;
    start_advancing(&a, &c);
    for (uint64_t i = 0; i < COUNT; i++) {
        check_holds(&c, buffers[i], i, 0, SIZE);
        check_release(&c, buffers[i]);
    }
    stop_advancing(&a);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staging_memory_is_bounded),
        cmocka_unit_test(small_writes_share_a_piece),
        cmocka_unit_test(staging_memory_is_given_back_when_unused),
        cmocka_unit_test(writes_make_do_with_the_staging_there_is),
        cmocka_unit_test(without_room_for_staging_a_write_is_refused),
        cmocka_unit_test(staging_is_not_reused_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
