/* Relief ends: with waits for what never comes, a policy that answers anything, a driver that
 * fails, a device that is lost, requests from inside callbacks, and threads that relieve each
 * other. */

#include "reliever.h"

#include <pthread.h>
#include <time.h>

/* ---- waiting ---- */

static void open_with_copies(fixture *f, uint64_t latency_ns, bool manual)
{
    card_small(&f->card);
    f->card.profile.copy_latency_ns = latency_ns;
    f->card.profile.manual = manual;
    open_fixture(f);
    use_reliever(f);
}

/* A large buffer that a copy is still reading, released. */
static void leave_retiring(fixture *f)
{
    fh_buffer_desc desc = card_buffer_desc(MIB(40));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel a = check_make(&f->card, &desc), b = check_buffer(&f->card, 1000);
    fh_copy copy = {.src = a, .dst = b, .size = 1000};
    CHECK_OK(fh_device_copy(f->card.device, &copy, 1, NULL));
    check_release(&f->card, a);
    check_release(&f->card, b);
}

static void wait_waits_for_what_retires_by_copies(void **state)
{
    (void)state;
    fixture *f = test_calloc(1, sizeof *f);
    open_with_copies(f, 30 * 1000 * 1000, false);
    leave_retiring(f);
    answer(f, 0, (fh_relief){.action = FH_RELIEF_RETRY});
    answer(f, 0, (fh_relief){.action = FH_RELIEF_WAIT, .timeout_ns = 20 * SECOND_NS});
    fh_parcel parcel = check_dedicated(f, MIB(40));
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    check_release(&f->card, parcel);
    check_close(&f->card);
    test_free(f);
}

static double seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void wait_ends_when_its_time_is_up(void **state)
{
    (void)state;
    fixture *f = test_calloc(1, sizeof *f);
    open_with_copies(f, 0, true);
    leave_retiring(f);
    fh_parcel parcel;
    for (uint32_t call = 0; call < 3; call++) {
        answer(
            f, call,
            (fh_relief){.action = FH_RELIEF_WAIT, .timeout_ns = call == 0 ? 0 : 20 * 1000 * 1000});
    }
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    double start = seconds();
    f->reliever.calls = 1;
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    assert_true(seconds() - start >= 0.019);
    fh_simulated_advance(f->card.backend, 0, 8);
    f->reliever.calls = 2;
    CHECK_OK(dedicated(f, MIB(40), &parcel));
    check_release(&f->card, parcel);
    check_close(&f->card);
    test_free(f);
}

static void wait_does_not_wait_for_queues_of_the_program(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    uint32_t queue = check_queue(&f->card);
    fh_parcel old = check_dedicated(f, MIB(40)), parcel;
    CHECK_OK(fh_parcel_use(f->card.device, old, (fh_epoch){queue, 1}));
    check_release(&f->card, old);
    answer(f, 0, (fh_relief){.action = FH_RELIEF_WAIT, .timeout_ns = FH_WAIT_FOREVER});
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
    f->reliever.calls = 0;
    CHECK_OK(dedicated(f, MIB(40), &parcel));
    check_release(&f->card, parcel);
}

static void wait_ends_when_the_driver_cannot_wait(void **state)
{
    (void)state;
    fixture *f = test_calloc(1, sizeof *f);
    open_with_copies(f, 0, true);
    leave_retiring(f);
    answer(f, 0, (fh_relief){.action = FH_RELIEF_WAIT, .timeout_ns = FH_WAIT_FOREVER});
    fh_fault fault = {.call = FH_BACKEND_CALL_WAIT, .result = FH_ERR_IO};
    CHECK_OK(fh_simulated_fault(f->card.backend, &fault));
    fh_parcel parcel;
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    fh_simulated_clear(f->card.backend);
    fh_simulated_advance(f->card.backend, 0, 8);
    check_close(&f->card);
    test_free(f);
}

/* ---- it ends ---- */

static void whatever_a_policy_answers_it_ends(void **state)
{
    fixture *f = *state;
    f->reliever.rng.state = test_seed() | 1;
    use_reliever(f);
    fh_parcel keep = check_evictable(f, MIB(60), FH_EVICTABLE_ANY_THREAD), parcel;
    check_limit(&f->card, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 10);
    for (uint64_t i = 0; i < test_operations(300); i++) {
        f->reliever.calls = 0;
        fh_result result = dedicated(f, MIB(10), &parcel);
        CHECK_RESULT(result, FH_ERR_OUT_OF_MEMORY);
        assert_true(f->reliever.calls <= FH_RELIEF_COUNT + 1);
        fh_external_desc desc = {.size = 11};
        CHECK_RESULT(fh_external_create(f->card.device, &desc, &parcel), FH_ERR_BUDGET);
        if (i % 10 == 0) {
            CHECK_OK(fh_device_tick(f->card.device));
        }
    }
    CHECK_EQUAL(card_stats(&f->card).refused_count, 2 * test_operations(300));
    check_release(&f->card, keep);
}

static void with_a_driver_that_always_fails_it_ends(void **state)
{
    fixture *f = *state;
    fh_fault fault = {.call = FH_BACKEND_CALL_MEMORY_ALLOC};
    CHECK_OK(fh_simulated_fault(f->card.backend, &fault));
    fh_parcel parcel;
    for (int i = 0; i < 5; i++) {
        fh_buffer_desc desc = card_buffer_desc(1000);
        CHECK_RESULT(fh_buffer_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
        desc.size = MIB(20);
        CHECK_RESULT(fh_buffer_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    }
    fh_simulated_clear(f->card.backend);
    check_release(&f->card, check_buffer(&f->card, 1000));
}

static void a_device_that_is_lost_meanwhile_ends_it(void **state)
{
    fixture *f = *state;
    fh_parcel keep = check_dedicated(f, MIB(60)), parcel;
    fh_fault fault = {.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 2};
    CHECK_OK(fh_simulated_fault(f->card.backend, &fault));
    CHECK_RESULT(dedicated(f, MIB(10), &parcel), FH_ERR_DEVICE_LOST);
    check_release(&f->card, keep);
    CHECK_RESULT(fh_device_tick(f->card.device), FH_ERR_DEVICE_LOST);
    CHECK_NO_FAULT(card_audit(&f->card));
}

/* ---- from inside ---- */

static void a_request_from_inside_a_callback_is_not_relieved(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    f->owner.allocates = true;
    for (uint32_t call = 0; call < 2; call++) {
        answer(f, call, (fh_relief){.action = FH_RELIEF_EVICT});
    }
    check_evictable(f, MIB(30), FH_EVICTABLE_ANY_THREAD);
    check_evictable(f, MIB(30), FH_EVICTABLE_ANY_THREAD);
    fh_parcel parcel = check_dedicated(f, MIB(20));
    CHECK_EQUAL(f->owner.asked, 1);
    CHECK_EQUAL(f->reliever.calls, 1); /* and not for the owner's request */
    CHECK_RESULT(f->owner.result, FH_ERR_OUT_OF_MEMORY);
    assert_true(f->owner.sentence[0] != '\0');
    check_release(&f->card, parcel);
    /* The same in a tick. */
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, MIB(10));
    CHECK_OK(fh_device_tick(f->card.device));
    CHECK_EQUAL(f->owner.asked, 2);
    CHECK_EQUAL(f->reliever.calls, 1);
    CHECK_RESULT(f->owner.result, FH_ERR_BUDGET);
}

static void retire_more(void *context)
{
    fixture *f = context;
    fh_raw_desc desc = raw_desc(MIB(60), CARD_LOCAL);
    fh_parcel parcel;
    f->owner.result = fh_raw_create(f->card.device, &desc, &parcel);
}

static void nor_one_from_a_callback_that_relief_retires(void **state)
{
    fixture *f = *state;
    uint32_t queue = check_queue(&f->card);
    fh_parcel keep = check_dedicated(f, MIB(40)), parcel;
    fh_epoch epoch = {queue, 1};
    for (int i = 0; i < 100; i++) {
        CHECK_OK(fh_device_retire_call(f->card.device, retire_more, f, &epoch, 1));
    }
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_RESULT(f->owner.result, FH_ERR_OUT_OF_MEMORY);
    check_release(&f->card, keep);
}

/* ---- threads ---- */

enum {
    RACERS = 4,
    RACE_ROUNDS = 400
};

/* Parcels in a table; an owner that is asked takes the parcel out of it and lets it go. */
typedef struct race_table {
    fh_device *device;
    pthread_mutex_t mutex;
    fh_parcel parcels[64];
    uint32_t count;
    _Atomic uint64_t evicted, exceeded;
} race_table;

typedef struct racer {
    pthread_t thread;
    uint32_t number;
    race_table *table;
    uint32_t made, refused;
    const char *fault;
} racer;

static bool give_up(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    race_table *table = *(race_table **)context;
    bool found = false;
    (void)user;
    pthread_mutex_lock(&table->mutex);
    for (uint32_t i = 0; i < table->count && !found; i++) {
        if (table->parcels[i].id == parcel.id) {
            table->parcels[i] = table->parcels[--table->count];
            found = true;
        }
    }
    pthread_mutex_unlock(&table->mutex);
    if (found) {
        fh_parcel_release(device, parcel);
        atomic_fetch_add(&table->evicted, 1);
    }
    return found;
}

static void *race(void *argument)
{
    racer *r = argument;
    race_table *table = r->table;
    test_rng rng = {test_seed() + r->number};
    for (uint32_t i = 0; i < RACE_ROUNDS && !r->fault; i++) {
        fh_raw_desc desc = raw_desc(KIB(100) + test_below(&rng, MIB(3)), CARD_LOCAL);
        if (test_chance(&rng, 50)) {
            desc.memory.dedicated = FH_DEDICATED_AUTO;
        }
        desc.memory.evictable = FH_EVICTABLE_ANY_THREAD;
        fh_parcel parcel;
        fh_result result = fh_raw_create(table->device, &desc, &parcel);
        fh_account_info total;
        fh_device_account(table->device, (fh_account){FH_ACCOUNT_TOTAL, 0}, &total);
        if (total.used > MIB(20)) {
            atomic_fetch_add(&table->exceeded, 1);
        }
        if (result == FH_ERR_BUDGET) {
            r->refused++;
            continue;
        }
        if (result != FH_OK) {
            r->fault = fh_result_name(result);
            break;
        }
        r->made++;
        pthread_mutex_lock(&table->mutex);
        bool kept = table->count < TEST_COUNT_OF(table->parcels);
        if (kept) {
            table->parcels[table->count++] = parcel;
        }
        pthread_mutex_unlock(&table->mutex);
        if (!kept) {
            fh_parcel_release(table->device, parcel);
        }
        if (i % 16 == r->number) {
            fh_device_tick(table->device);
        }
    }
    return NULL;
}

static void threads_that_relieve_each_other_never_exceed_the_limit(void **state)
{
    (void)state;
    fixture f = {0};
    race_table table = {0}, *context = &table;
    racer racers[RACERS];
    test_seed();
    card_small(&f.card);
    f.card.desc.evict = give_up;
    f.card.desc.evict_context = &context;
    check_open(&f.card);
    table.device = f.card.device;
    pthread_mutex_init(&table.mutex, NULL);
    check_limit(&f.card, FH_ACCOUNT_TOTAL, 0, MIB(20));
    for (uint32_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){.number = i, .table = &table};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (uint32_t i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        CHECK_NO_FAULT(racers[i].fault);
    }
    CHECK_EQUAL(atomic_load(&table.exceeded), 0);
    assert_true(atomic_load(&table.evicted) > 0);
    for (uint32_t i = 0; i < table.count; i++) {
        check_release(&f.card, table.parcels[i]);
    }
    check_limit(&f.card, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_close(&f.card);
    pthread_mutex_destroy(&table.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_waits_for_what_retires_by_copies),
        cmocka_unit_test(wait_ends_when_its_time_is_up),
        RELIEF_TEST(wait_does_not_wait_for_queues_of_the_program),
        cmocka_unit_test(wait_ends_when_the_driver_cannot_wait),
        RELIEF_TEST(whatever_a_policy_answers_it_ends),
        RELIEF_TEST(with_a_driver_that_always_fails_it_ends),
        RELIEF_TEST(a_device_that_is_lost_meanwhile_ends_it),
        RELIEF_TEST(a_request_from_inside_a_callback_is_not_relieved),
        RELIEF_TEST(nor_one_from_a_callback_that_relief_retires),
        cmocka_unit_test(threads_that_relieve_each_other_never_exceed_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
