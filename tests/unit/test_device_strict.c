/* What backend.h promises to a backend is kept: in a long scenario, also when calls and host memory
 * fail in it, in random calls, and by threads that use one memory at once; and the driver is told
 * what it must know of a memory. */

#include "ledger.h"
#include "scene.h"
#include "strict.h"

#include <pthread.h>

static void open_strict(card *c)
{
    c->desc.ops = strict_ops();
    assert_non_null(c->desc.ops);
    check_open(c);
}

static void a_long_scenario_keeps_the_promises(void **state)
{
    (void)state;
    scene *s = test_calloc(1, sizeof *s);
    prepare(s, NULL);
    open_strict(&s->card);
    run(s);
    CHECK_KEPT();
    CHECK_EQUAL(s->failures, 0);
    assert_true(atomic_load(&strict.binds) > 50);
    end(s);
    CHECK_KEPT();
    CHECK_EQUAL(atomic_load(&strict.objects), 0);
    CHECK_EQUAL(atomic_load(&strict.memories), 0);
    test_free(s);
}

static void failures_keep_the_promises(void **state)
{
    (void)state;
    scene *s = test_calloc(1, sizeof *s);
    for (uint64_t nth = 1; nth <= 200; nth += 3) {
        static const fh_fault_kind kinds[] = {FH_FAULT_FAIL, FH_FAULT_LOSE};
        for (size_t i = 0; i < TEST_COUNT_OF(kinds); i++) {
            prepare(s, NULL);
            open_strict(&s->card);
            s->allowed = i == 0 ? FH_ERR_OUT_OF_MEMORY : FH_ERR_DEVICE_LOST;
            fh_fault fault = {.kind = kinds[i], .nth = nth};
            CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
            run(s);
            end(s);
            CHECK_KEPT();
        }
    }
    for (uint64_t nth = 20; nth <= 220; nth += 5) {
        test_memory memory;
        test_memory_init(&memory);
        prepare(s, &memory.host);
        s->card.desc.ops = strict_ops();
        s->allowed = FH_ERR_HOST_MEMORY;
        memory.fail_at = nth;
        if (card_open(&s->card) == FH_OK) {
            run(s);
            memory.fail_at = 0;
            end(s);
        }
        CHECK_KEPT();
        test_memory_finish(&memory);
    }
    test_free(s);
}

static uint64_t draw(void *context, uint64_t below)
{
    return test_below(context, below);
}

static void random_calls_keep_the_promises(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    const ledger_source source = {draw, &rng};
    ledger *l = test_calloc(1, sizeof *l);
    for (int device = 0; device < 4; device++) {
        const char *fault = ledger_open(l, strict_ops());
        for (uint64_t i = 0; i < test_operations(12000) / 4 && fault == NULL; i++) {
            fault = ledger_step(l, &source, device % 2 == 1);
        }
        CHECK_NO_FAULT(fault);
        CHECK_NO_FAULT(ledger_close(l));
        CHECK_KEPT();
    }
    test_free(l);
}

/* ---- what the driver is told ---- */

static void the_driver_knows_whom_a_memory_is_for(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    open_strict(&c);
    strict.keeps_last = true;
    /* A block is for many. */
    fh_parcel small = check_buffer(&c, 1000);
    assert_null(strict.last.object);
    assert_true(strict.last.priority == 0.5F);
    /* A dedicated memory is for one object, of that priority. */
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    desc.memory.priority = 0.75F;
    fh_parcel large = check_make(&c, &desc);
    assert_non_null(strict.last.object);
    assert_true(strict.last.priority == 0.75F);
    CHECK_EQUAL(strict.last.size, KIB(100));
    CHECK_EQUAL(strict.last.type, CARD_LOCAL);
    /* What may be aliased carries no such information. */
    fh_raw_desc raw_desc = {.size = KIB(100), .memory.dedicated = FH_DEDICATED_REQUIRE};
    fh_parcel raw = check_raw(&c, &raw_desc);
    assert_null(strict.last.object);
    assert_false(strict.last.address);
    raw_desc.address = true;
    fh_parcel address = check_raw(&c, &raw_desc);
    assert_true(strict.last.address);
    fh_pool *pool;
    fh_pool_desc pool_desc = {.priority = 0.25F, .block_size = KIB(64), .block_count_min = 1};
    CHECK_OK(fh_pool_create(c.device, &pool_desc, &pool));
    assert_true(strict.last.priority == 0.25F);
    CHECK_EQUAL(strict.last.size, KIB(64));
    CHECK_OK(fh_pool_destroy(pool));
    check_release(&c, small);
    check_release(&c, large);
    check_release(&c, raw);
    check_release(&c, address);
    check_close(&c);
    CHECK_KEPT();
}

/* ---- threads ---- */

enum {
    THREADS = 4
};

typedef struct flusher {
    pthread_t thread;
    card *card;
    fh_parcel buffer;
    fh_result result;
} flusher;

static void *flush(void *argument)
{
    flusher *f = argument;
    fh_device *d = f->card->device;
    for (uint64_t i = 0; i < 3000 && f->result == FH_OK; i++) {
        unsigned char *bytes;
        f->result = fh_parcel_map(d, f->buffer, (void **)&bytes);
        if (f->result == FH_OK) {
            bytes[i % 1000] = (unsigned char)i;
            f->result = fh_parcel_flush(d, f->buffer, i % 900, 100);
            fh_parcel_invalidate(d, f->buffer, 0, 0);
            fh_parcel_unmap(d, f->buffer);
        }
        fh_parcel other;
        fh_buffer_desc desc = card_buffer_desc(500);
        desc.memory.location = FH_LOCATION_READBACK;
        if (fh_buffer_create(d, &desc, &other) == FH_OK) {
            fh_parcel_release(d, other);
        }
    }
    return NULL;
}

/* Buffers in one memory that is not coherent: every thread flushes its own. */
static void threads_do_not_meet_in_one_memory(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "mobile-4g");
    open_strict(&c);
    flusher flushers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        fh_buffer_desc desc = card_buffer_desc(1000);
        desc.memory.location = FH_LOCATION_READBACK;
        flushers[i] = (flusher){.card = &c, .buffer = check_make(&c, &desc)};
    }
    CHECK_EQUAL(card_stats(&c).total.stats.block_count, 1);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&flushers[i].thread, NULL, flush, &flushers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(flushers[i].thread, NULL), 0);
        CHECK_OK(flushers[i].result);
        check_release(&c, flushers[i].buffer);
    }
    check_close(&c);
    CHECK_KEPT();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_scenario_keeps_the_promises),
        cmocka_unit_test(failures_keep_the_promises),
        cmocka_unit_test(random_calls_keep_the_promises),
        cmocka_unit_test(the_driver_knows_whom_a_memory_is_for),
        cmocka_unit_test(threads_do_not_meet_in_one_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
