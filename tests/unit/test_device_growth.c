/* A growth that the driver holds up holds up nobody but those who need it, and one that fails fails
 * nobody else. */

#define _POSIX_C_SOURCE 200809L

#include "card_checks.h"

#include <pthread.h>
#include <time.h>

typedef struct grower {
    pthread_t thread;
    card *card;
    uint64_t size;
    fh_memory_desc memory;
    fh_parcel made;
    fh_result result;
    _Atomic bool done;
} grower;

static void *grow(void *argument)
{
    grower *g = argument;
    fh_buffer_desc desc = card_buffer_desc(g->size);
    desc.memory = g->memory;
    g->result = fh_buffer_create(g->card->device, &desc, &g->made);
    atomic_store(&g->done, true);
    return NULL;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void a_stalled_growth_stalls_those_who_need_it(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    fh_parcel first = check_buffer(&on, KIB(16)); /* a block with room */
    fh_parcel second = check_upload(&on, KIB(16));
    uint64_t calls = card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC);
    CHECK_OK(fh_simulated_fault(
        on.backend,
        &(fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
    grower growers[3] = {{.card = &on, .size = MIB(1)},
                         {.card = &on, .size = MIB(1) - 16},
                         {.card = &on, .size = KIB(900)}};
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        growers[i].memory.type_mask = 1U << CARD_LOCAL;
        assert_int_equal(pthread_create(&growers[i].thread, NULL, grow, &growers[i]), 0);
    }
    while (card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
        nap();
    }
    /* Meanwhile the blocks that are there give, in that pool and in others; another pool grows; and
     * everything else goes on. */
    for (int round = 0; round < 50; round++) {
        fh_parcel small[20];
        for (size_t i = 0; i < TEST_COUNT_OF(small); i++) {
            small[i] = i % 2 == 0 ? check_buffer(&on, 1000) : check_upload(&on, 1000);
        }
        fh_parcel other = check_upload(&on, KIB(700));
        CHECK_OK(fh_device_tick(on.device));
        card_stats(&on);
        test_text text = {0};
        CHECK_OK(fh_device_json(on.device, true, test_text_write, &text));
        test_text_finish(&text);
        CHECK_OK(fh_device_trim(on.device, NULL));
        for (size_t i = 0; i < TEST_COUNT_OF(small); i++) {
            check_release(&on, small[i]);
        }
        check_release(&on, other);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        assert_false(atomic_load(&growers[i].done));
    }
    /* One growth is in flight for the pool: the others wait for its outcome. */
    CHECK_EQUAL(fh_simulated_resume(on.backend), 1);
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        assert_int_equal(pthread_join(growers[i].thread, NULL), 0);
        CHECK_OK(growers[i].result);
        check_release(&on, growers[i].made);
    }
    check_release(&on, first);
    check_release(&on, second);
    check_close(&on);
}

/* The growth that others wait for fails: they try for themselves. */
static void a_growth_that_fails_fails_nobody_else(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    for (int round = 0; round < 20; round++) {
        uint64_t calls = card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC);
        CHECK_OK(fh_simulated_fault(
            on.backend,
            &(fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
        CHECK_OK(fh_simulated_fault(on.backend,
                                    &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 2}));
        grower growers[4];
        for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
            growers[i] = (grower){.card = &on, .size = KIB(512)};
            assert_int_equal(pthread_create(&growers[i].thread, NULL, grow, &growers[i]), 0);
        }
        while (card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
            nap();
        }
        fh_simulated_resume(on.backend);
        for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
            assert_int_equal(pthread_join(growers[i].thread, NULL), 0);
            CHECK_OK(growers[i].result);
            check_release(&on, growers[i].made);
        }
        fh_simulated_clear(on.backend);
        CHECK_OK(fh_device_trim(on.device, NULL));
    }
    check_close(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stalled_growth_stalls_those_who_need_it),
        cmocka_unit_test(a_growth_that_fails_fails_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
