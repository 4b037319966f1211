/* Bytes into buffers and out of them: directly, through staging memory, in pieces, late, from many
 * threads, and when something fails. */

#include "bytes.h"

#include <pthread.h>

static const fh_texture_desc square = {.format = FH_FORMAT_RGBA8_UNORM, .width = 4, .height = 4};

/* ---- buffers ---- */

static void round_trips(card *c)
{
    static const struct {
        uint64_t size, offset, length;
    } trips[] = {
        {1, 0, 1},
        {3, 1, 2},
        {100, 0, 100},
        {1000, 333, 600},
        {KIB(300), 7, 1000},
        {MIB(4), 0, MIB(4)},
        {MIB(9), 5, MIB(9) - 11},
    };
    for (size_t where = 0; where < TEST_COUNT_OF(everywhere); where++) {
        for (uint64_t i = 0; i < TEST_COUNT_OF(trips); i++) {
            fh_parcel buffer = check_buffer_at(c, trips[i].size, everywhere[where]);
            check_write(c, buffer, i, trips[i].offset, trips[i].length);
            check_holds(c, buffer, i, trips[i].offset, trips[i].length);
            check_release(c, buffer);
        }
    }
}

static void what_is_written_is_read_on_every_card(void **state)
{
    (void)state;
    on_every_card(round_trips);
}

/* Pieces of one buffer, in any order, with copies still under way: what lies beside a piece
 * stays. */
static void patches(card *c)
{
    enum {
        SIZE = 4096,
        ROUNDS = 120
    };
    test_rng rng = {test_seed()};
    for (size_t where = 0; where < TEST_COUNT_OF(everywhere); where++) {
        unsigned char should[SIZE] = {0};
        fh_parcel buffer = check_buffer_at(c, SIZE, everywhere[where]);
        CHECK_OK(fh_parcel_write(c->device, buffer, 0, should, SIZE, NULL));
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint64_t size = test_log_uniform(&rng, 600);
            uint64_t at = test_below(&rng, SIZE - size + 1);
            unsigned char *bytes = bytes_make(round, at, size);
            memcpy(should + at, bytes, (size_t)size);
            free(bytes);
            check_write(c, buffer, round, at, size);
            if (test_chance(&rng, 20)) {
                uint64_t length = test_log_uniform(&rng, SIZE);
                uint64_t from = test_below(&rng, SIZE - length + 1);
                bytes = check_read(c, buffer, from, length);
                assert_memory_equal(bytes, should + from, length);
                free(bytes);
            }
            if (test_chance(&rng, 20)) {
                CHECK_OK(fh_device_wait_idle(c->device, 5 * SECOND_NS));
            }
        }
        unsigned char *bytes = check_read(c, buffer, 0, SIZE);
        assert_memory_equal(bytes, should, SIZE);
        free(bytes);
        check_release(c, buffer);
    }
}

static void patches_leave_the_rest_alone(void **state)
{
    (void)state;
    on_every_card(patches);
}

static void an_idle_visible_buffer_is_written_directly(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 1000);
    unsigned char *bytes = bytes_make(1, 0, 1000);
    fh_epoch epoch = {7, 7};
    CHECK_OK(fh_parcel_write(c.device, buffer, 0, bytes, 1000, &epoch));
    CHECK_EQUAL(epoch.value, 0);
    CHECK_EQUAL(epoch.queue, 0);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_SUBMIT), 0);
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING, 0);
    free(bytes);
    check_holds(&c, buffer, 1, 0, 1000);

    /* While a queue uses it: not. */
    uint32_t queue = check_queue(&c);
    CHECK_OK(fh_parcel_use(c.device, buffer, (fh_epoch){queue, 1}));
    bytes = bytes_make(2, 0, 1000);
    CHECK_OK(fh_parcel_write(c.device, buffer, 0, bytes, 1000, &epoch));
    assert_true(epoch.value != 0);
    CHECK_EQUAL(epoch.queue, 0);
    assert_true(card_used(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING) >= 1000);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 9), 1);
    CHECK_OK(fh_device_wait(c.device, epoch, 0));
    free(bytes);
    check_holds(&c, buffer, 2, 0, 1000);

    CHECK_OK(fh_queue_signal(c.device, queue, 1));
    bytes = bytes_make(3, 0, 1000);
    CHECK_OK(fh_parcel_write(c.device, buffer, 0, bytes, 1000, &epoch));
    CHECK_EQUAL(epoch.value, 0);
    free(bytes);
    check_holds(&c, buffer, 3, 0, 1000);
    check_release(&c, buffer);
    check_close(&c);
}

static void staged_bytes_come_when_the_epoch_passes(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    fh_epoch first;
    fh_epoch second;
    unsigned char *bytes = bytes_make(1, 0, 1000);
    CHECK_OK(fh_parcel_write(c.device, buffer, 0, bytes, 1000, &first));
    /* The data is ours again, and the staging memory is not reused for the second write. */
    memset(bytes, 0, 1000);
    CHECK_OK(fh_parcel_write(c.device, buffer, 500, bytes, 100, &second));
    free(bytes);
    assert_true(second.value > first.value);
    CHECK_RESULT(fh_device_wait(c.device, first, 1000), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    CHECK_OK(fh_device_wait(c.device, first, 0));
    CHECK_RESULT(fh_device_wait(c.device, second, 0), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    /* Reading queues a copy of its own. */
    unsigned char read[1000];
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, read, 1000, 1000000), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 9), 1);
    check_release(&c, buffer);
    check_close(&c);
}

/* A read gives up, and its staging memory is not given to the next while the copy may still
 * come. */
static void a_read_that_gave_up_does_no_harm(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel first = check_buffer(&c, 64);
    fh_parcel second = check_buffer(&c, 64);
    unsigned char read[64];
    check_write(&c, first, 1, 0, 64);
    check_write(&c, second, 2, 0, 64);
    CHECK_RESULT(fh_parcel_read(c.device, first, 0, read, 64, 0), FH_ERR_TIMEOUT);
    CHECK_RESULT(fh_parcel_read(c.device, second, 0, read, 64, 100000), FH_ERR_TIMEOUT);
    CHECK_DETAIL_NAMES("queue 0");
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 4), 4);
    CHECK_RESULT(fh_parcel_read(c.device, second, 0, read, 64, 0), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 4), 1);
    check_release(&c, first);
    check_release(&c, second);
    check_close(&c);
}

/* ---- nothing is reused early ---- */

/* A buffer is released with its copy under way. Others are made where it could have lain, and
 * written at once; the copy then finds what was there when it was queued. */
static void memory_is_not_reused_while_a_copy_reads_it(void **state)
{
    (void)state;
    enum {
        SIZE = 64 * 1024,
        ROUNDS = 40
    };
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel results[ROUNDS];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        fh_parcel from = check_upload(&c, SIZE);
        results[i] = check_buffer_at(&c, SIZE, FH_LOCATION_READBACK);
        check_write(&c, from, i, 0, SIZE); /* directly */
        fh_copy copy = {.src = from, .dst = results[i], .size = SIZE};
        CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
        check_release(&c, from);
        CHECK_OK(fh_device_tick(c.device));
    }
    CHECK_EQUAL(card_stats(&c).retiring_count, ROUNDS);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, ROUNDS), ROUNDS);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        check_holds(&c, results[i], i, 0, SIZE);
        check_release(&c, results[i]);
    }
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    check_close(&c);
}

/* The other way round: what is written late does not hit a parcel that was made since. */
static void memory_is_not_reused_while_a_copy_writes_it(void **state)
{
    (void)state;
    enum {
        SIZE = 64 * 1024,
        ROUNDS = 40
    };
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel from = check_upload(&c, SIZE);
    check_write(&c, from, 999, 0, SIZE);
    fh_parcel kept[ROUNDS];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        fh_parcel to = check_upload(&c, SIZE);
        fh_copy copy = {.src = from, .dst = to, .size = SIZE};
        CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
        check_release(&c, to);
        CHECK_OK(fh_device_tick(c.device));
        kept[i] = check_upload(&c, SIZE);
        check_write(&c, kept[i], i, 0, SIZE);
    }
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, ROUNDS), ROUNDS);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        check_holds(&c, kept[i], i, 0, SIZE);
        check_release(&c, kept[i]);
    }
    check_release(&c, from);
    check_close(&c);
}

/* ---- what is refused ---- */

static void wrong_arguments_of_buffers_are_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    unsigned char bytes[64] = {0};
    fh_parcel buffer = check_buffer(&c, 64);
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = 64});
    fh_parcel texture = check_texture(&c, &square);
    fh_epoch epoch = {3, 3};
    CHECK_RESULT(fh_parcel_write(NULL, buffer, 0, bytes, 64, &epoch), FH_ERR_INVALID);
    CHECK_EQUAL(epoch.value, 0);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, NULL, 64, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(NULL, buffer, 0, bytes, 64, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, NULL, 64, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 0, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, bytes, 0, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 1, bytes, 64, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("64");
    CHECK_RESULT(fh_parcel_write(c.device, buffer, UINT64_MAX, bytes, 2, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 65, bytes, 1, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_write(c.device, raw, 0, bytes, 64, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not a buffer");
    CHECK_RESULT(fh_parcel_read(c.device, texture, 0, bytes, 64, 0), FH_ERR_INVALID);
    check_release(&c, buffer);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 64, NULL), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, bytes, 64, 0), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_read(c.device, (fh_parcel){0}, 0, bytes, 64, 0), FH_ERR_STALE);
    check_release(&c, raw);
    check_release(&c, texture);
    check_close(&c);
}

static void staging_needs_the_copy_usages(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    unsigned char bytes[64] = {0};
    fh_buffer_desc desc = {.size = 64, .usage = FH_USAGE_STORAGE};
    fh_parcel buffer = check_make(&c, &desc);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 64, NULL), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY_DST");
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, bytes, 64, 0), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY_SRC");
    check_release(&c, buffer);
    desc.memory.location = FH_LOCATION_UPLOAD;
    buffer = check_make(&c, &desc);
    check_write(&c, buffer, 1, 0, 64);
    check_holds(&c, buffer, 1, 0, 64);
    uint32_t queue = check_queue(&c);
    CHECK_OK(fh_parcel_use(c.device, buffer, (fh_epoch){queue, 1}));
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 64, NULL), FH_ERR_UNSUPPORTED);
    CHECK_OK(fh_queue_signal(c.device, queue, 1));
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- trouble ---- */

/* Writes and reads of each way; nothing of it lives after. */
static bool move_bytes(card *c)
{
    static const fh_texture_desc shape = {.format = FH_FORMAT_RGBA8_UNORM,
                                          .width = 620,
                                          .height = 700,
                                          .layers = 3,
                                          .usage = FH_USAGE_SAMPLED | FH_USAGE_COPY};
    const fh_texture_region whole = {.layers = 3};
    uint64_t size = fh_texture_region_bytes(&shape, &whole);
    unsigned char *bytes = bytes_make(1, 0, size);
    fh_buffer_desc desc = card_buffer_desc(1000);
    fh_parcel local = {0};
    fh_parcel upload = {0};
    fh_parcel texture = {0};
    fh_result result = fh_buffer_create(c->device, &desc, &local);
    desc.memory.location = FH_LOCATION_UPLOAD;
    result = result == FH_OK ? fh_buffer_create(c->device, &desc, &upload) : result;
    result = result == FH_OK ? fh_texture_create(c->device, &shape, &texture) : result;
    result = result == FH_OK ? fh_parcel_write(c->device, local, 0, bytes, 1000, NULL) : result;
    result = result == FH_OK ? fh_parcel_write(c->device, upload, 10, bytes, 900, NULL) : result;
    result =
        result == FH_OK ? fh_texture_write(c->device, texture, &whole, bytes, size, NULL) : result;
    result =
        result == FH_OK ? fh_parcel_read(c->device, upload, 10, bytes, 900, SECOND_NS) : result;
    result = result == FH_OK ? fh_parcel_read(c->device, local, 0, bytes, 1000, SECOND_NS) : result;
    result = result == FH_OK
                 ? fh_texture_read(c->device, texture, &whole, bytes, size, 5 * SECOND_NS)
                 : result;
    bool right = result != FH_OK || bytes_compare(bytes, 1, 0, size) == NULL;
    fh_parcel_release(c->device, local);
    fh_parcel_release(c->device, upload);
    fh_parcel_release(c->device, texture);
    free(bytes);
    assert_true(right);
    return result == FH_OK;
}

static void late_split(card *c)
{
    card_split(c);
    c->profile.copy_latency_ns = 20000;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(late_split, move_bytes, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(late_split, move_bytes, (fh_fault){.kind = FH_FAULT_LOSE});
}

static void every_host_allocation_can_fail(void **state)
{
    (void)state;
    fail_every_host_alloc(late_split, move_bytes);
}

static void a_lost_device_transfers_nothing(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    unsigned char bytes[64] = {0};
    const fh_texture_region whole = {0};
    fh_parcel buffer = check_buffer(&c, 64);
    fh_parcel upload = check_upload(&c, 64);
    fh_parcel texture = check_texture(&c, &square);
    check_write(&c, buffer, 1, 0, 64);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_parcel_read(c.device, buffer, 0, bytes, 64, 0), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_parcel_write(c.device, buffer, 0, bytes, 64, NULL), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_parcel_write(c.device, upload, 0, bytes, 64, NULL), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_parcel_read(c.device, upload, 0, bytes, 64, 0), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_texture_write(c.device, texture, &whole, bytes, 64, NULL), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_texture_read(c.device, texture, &whole, bytes, 64, 0), FH_ERR_DEVICE_LOST);
    check_release(&c, buffer);
    check_release(&c, upload);
    check_release(&c, texture);
    check_close(&c);
}

/* ---- threads ---- */

enum {
    THREADS = 20, /* more than there are pieces of staging memory */
    TRIPS = 30
};

typedef struct mover {
    pthread_t thread;
    const card *c;
    uint64_t number;
    const char *fault;
} mover;

static const char *move(const mover *m)
{
    test_rng rng = {test_seed() + m->number};
    for (uint64_t trip = 0; trip < TRIPS; trip++) {
        uint64_t size = test_log_uniform(&rng, KIB(600));
        uint64_t seed = m->number * 1000 + trip;
        fh_buffer_desc desc = card_buffer_desc(size);
        desc.memory.location = everywhere[test_below(&rng, TEST_COUNT_OF(everywhere))];
        fh_parcel buffer;
        if (fh_buffer_create(m->c->device, &desc, &buffer) != FH_OK) {
            return "a buffer could not be made";
        }
        unsigned char *bytes = bytes_make(seed, 0, size);
        fh_result result = fh_parcel_write(m->c->device, buffer, 0, bytes, size, NULL);
        memset(bytes, 0, (size_t)size);
        if (result == FH_OK) {
            result = fh_parcel_read(m->c->device, buffer, 0, bytes, size, 20 * SECOND_NS);
        }
        const char *fault =
            result == FH_OK ? bytes_compare(bytes, seed, 0, size) : "a transfer failed";
        free(bytes);
        if (fh_parcel_release(m->c->device, buffer) != FH_OK) {
            fault = "a release failed";
        }
        if (test_chance(&rng, 10)) {
            fh_device_tick(m->c->device);
        }
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static void *start_mover(void *argument)
{
    mover *m = argument;
    m->fault = move(m);
    return NULL;
}

static void threads_transfer_at_once(void **state)
{
    (void)state;
    void (*const prepare[])(card *) = {card_small, card_split};
    test_seed();
    for (size_t i = 0; i < TEST_COUNT_OF(prepare); i++) {
        mover movers[THREADS];
        card c;
        prepare[i](&c);
        c.profile.heaps[0].size = GIB(1);
        c.profile.heaps[1].size = GIB(1);
        c.profile.copy_latency_ns = 100000;
        check_open(&c);
        for (uint64_t t = 0; t < THREADS; t++) {
            movers[t] = (mover){.c = &c, .number = t};
            assert_int_equal(pthread_create(&movers[t].thread, NULL, start_mover, &movers[t]), 0);
        }
        for (size_t t = 0; t < THREADS; t++) {
            assert_int_equal(pthread_join(movers[t].thread, NULL), 0);
        }
        for (size_t t = 0; t < THREADS; t++) {
            CHECK_NO_FAULT(movers[t].fault);
        }
        check_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_on_every_card),
        cmocka_unit_test(patches_leave_the_rest_alone),
        cmocka_unit_test(an_idle_visible_buffer_is_written_directly),
        cmocka_unit_test(staged_bytes_come_when_the_epoch_passes),
        cmocka_unit_test(a_read_that_gave_up_does_no_harm),
        cmocka_unit_test(memory_is_not_reused_while_a_copy_reads_it),
        cmocka_unit_test(memory_is_not_reused_while_a_copy_writes_it),
        cmocka_unit_test(wrong_arguments_of_buffers_are_refused),
        cmocka_unit_test(staging_needs_the_copy_usages),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(every_host_allocation_can_fail),
        cmocka_unit_test(a_lost_device_transfers_nothing),
        cmocka_unit_test(threads_transfer_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
