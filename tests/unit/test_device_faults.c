/* A long scenario, walked with each call of the backend failing in turn, with the device lost at
 * each, and with each host allocation failing. What fails reports, nothing leaks, accounts return
 * to zero, and the next call works. */

#include "scene.h"

/* How many calls of each kind the scenario makes when all is well. */
static void count_calls(uint64_t counts[FH_BACKEND_CALL_COUNT])
{
    scene *s = test_calloc(1, sizeof *s);
    prepare(s, NULL);
    check_open(&s->card);
    run(s);
    CHECK_EQUAL(s->failures, 0);
    for (uint32_t call = 0; call < FH_BACKEND_CALL_COUNT; call++) {
        counts[call] = card_calls(&s->card, (fh_backend_call)call);
    }
    end(s);
    test_free(s);
}

static void all_is_well_without_faults(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    /* The walk would prove nothing about what the scenario does not call. */
    for (uint32_t call = 0; call < FH_BACKEND_CALL_COUNT; call++) {
        assert_true(counts[call] > 0 || call == FH_BACKEND_CALL_MEMORY_IMPORT);
    }
}

/* What Freehold can do without, or can try again; staging memory, too. */
static bool can_be_made_good(const scene *s)
{
    return s->watched == FH_BACKEND_CALL_MEMORY_ALLOC || s->watched == FH_BACKEND_CALL_BUDGET ||
           s->watched == FH_BACKEND_CALL_PROGRESS || s->watched == FH_BACKEND_CALL_WAIT ||
           s->watched_in == copy_around;
}

static void every_backend_call_fails_once(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    scene *s = test_calloc(1, sizeof *s);
    for (uint32_t call = FH_BACKEND_CALL_ANY + 1; call < FH_BACKEND_CALL_COUNT; call++) {
        for (uint64_t nth = 1; nth <= counts[call]; nth++) {
            prepare(s, NULL);
            check_open(&s->card);
            s->allowed = FH_ERR_OUT_OF_MEMORY;
            s->watched = (fh_backend_call)call;
            s->watched_nth = nth;
            fh_fault fault = {.call = s->watched, .nth = nth};
            CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
            run(s);
            if (s->watched_in != NULL && s->failures == 0 && !can_be_made_good(s)) {
                fail_msg("call %u, number %" PRIu64 ": it failed, and nobody said so",
                         (unsigned int)call, nth);
            }
            end(s);
        }
    }
    test_free(s);
}

/* Everything of one kind fails from some call on: for a while, then the driver is well again. */
static void the_driver_fails_for_a_while(void **state)
{
    (void)state;
    static const fh_result results[] = {FH_ERR_OUT_OF_MEMORY, FH_ERR_HOST_MEMORY,
                                        FH_ERR_UNSUPPORTED};
    scene *s = test_calloc(1, sizeof *s);
    for (uint32_t call = FH_BACKEND_CALL_ANY; call < FH_BACKEND_CALL_COUNT; call++) {
        for (size_t i = 0; i < TEST_COUNT_OF(results); i++) {
            prepare(s, NULL);
            check_open(&s->card);
            s->allowed = results[i];
            for (size_t step = 0; step < TEST_COUNT_OF(steps); step++) {
                if (step == 4) {
                    fh_fault fault = {.call = (fh_backend_call)call, .result = results[i]};
                    CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
                }
                if (step == 12) {
                    fh_simulated_clear(s->card.backend);
                }
                steps[step].step(s);
                check_scene(s, steps[step].name, card_audit(&s->card));
            }
            end(s);
        }
    }
    test_free(s);
}

static void the_device_is_lost_at_every_call(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    scene *s = test_calloc(1, sizeof *s);
    for (uint64_t nth = 1; nth <= counts[FH_BACKEND_CALL_ANY]; nth++) {
        prepare(s, NULL);
        check_open(&s->card);
        s->allowed = FH_ERR_DEVICE_LOST;
        fh_fault fault = {.kind = FH_FAULT_LOSE, .nth = nth};
        CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
        run(s);
        if (card_calls(&s->card, FH_BACKEND_CALL_ANY) >= nth + 2) {
            assert_true(fh_device_is_lost(s->card.device));
        }
        end(s);
    }
    test_free(s);
}

/* Once, or all from then on until the scenario has ended. */
static void walk_host_memory(bool on)
{
    scene *s = test_calloc(1, sizeof *s);
    uint64_t allocations = UINT64_MAX;
    for (uint64_t nth = 1; nth <= allocations; nth++) {
        test_memory memory;
        test_memory_init(&memory);
        prepare(s, &memory.host);
        s->allowed = FH_ERR_HOST_MEMORY;
        memory.fail_at = nth;
        memory.fail_on = on;
        fh_result result = card_open(&s->card);
        if (result == FH_OK) {
            run(s);
            if (memory.failure_count == 0) {
                allocations = 0; /* that was all */
            }
            memory.fail_at = 0;
            end(s);
        } else {
            CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
            assert_null(s->card.device);
        }
        test_memory_finish(&memory);
    }
    test_free(s);
}

static void every_host_allocation_fails_once(void **state)
{
    (void)state;
    walk_host_memory(false);
}

static void host_memory_ends_at_every_allocation(void **state)
{
    (void)state;
    walk_host_memory(true);
}

/* ---- records ---- */

/* One of each sort that takes a slot in its own way. */
static fh_result make_sort(scene *s, int sort, fh_parcel *out)
{
    fh_device *d = s->card.device;
    fh_buffer_desc desc = card_buffer_desc(16);
    desc.memory.tag = s->tag;
    fh_texture_desc texture = {
        .format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .memory.tag = s->tag};
    fh_raw_desc raw = {.size = 16, .memory.tag = s->tag};
    fh_external_desc external = {.size = 16, .tag = s->tag};
    fh_parcel two[2] = {{0}, {0}};
    fh_result result;
    switch (sort) {
    case 0:
        return fh_buffer_create(d, &desc, out);
    case 1:
        return fh_texture_create(d, &texture, out);
    case 2:
        return fh_raw_create(d, &raw, out);
    case 3:
        return fh_external_create(d, &external, out);
    case 4:
        desc.memory.backing = s->raw;
        return fh_buffer_create(d, &desc, out);
    case 5:
        desc.memory.pool = s->ring;
        return fh_buffer_create(d, &desc, out);
    case 6:
        desc.memory.dedicated = FH_DEDICATED_REQUIRE;
        return fh_buffer_create(d, &desc, out);
    default:
        result = fh_raw_create_many(d, &raw, 2, two);
        *out = two[0];
        keep(s, two[1]);
        return result;
    }
}

/* The device has room for so many parcels, and host memory for no more: every way to make one
 * says so and leaves nothing behind. */
static void host_memory_for_parcels_ends(void **state)
{
    (void)state;
    for (int sort = 0; sort < 8; sort++) {
        scene *s = test_calloc(1, sizeof *s);
        test_memory memory;
        test_memory_init(&memory);
        prepare(s, &memory.host);
        check_open(&s->card);
        s->allowed = FH_ERR_HOST_MEMORY;
        make_pools(s);
        s->raw = check_raw(&s->card, &(fh_raw_desc){.size = 4096});
        fh_parcel first;
        CHECK_OK(make_sort(s, sort, &first));
        check_release(&s->card, first);
        static fh_parcel filled[4000];
        uint32_t count = 0;
        fh_external_desc external = {.size = 1};
        memory.fail_at = memory.alloc_count + 1;
        memory.fail_on = true;
        while (count < TEST_COUNT_OF(filled) &&
               fh_external_create(s->card.device, &external, &filled[count]) == FH_OK) {
            count++;
        }
        assert_true(count >= 100 && count < TEST_COUNT_OF(filled));
        uint64_t used = card_used(&s->card, FH_ACCOUNT_TAG, s->tag);
        for (int i = 0; i < 3; i++) {
            fh_parcel out = {99};
            CHECK_RESULT(make_sort(s, sort, &out), FH_ERR_HOST_MEMORY);
            CHECK_EQUAL(out.id, 0);
            CHECK_USED(&s->card, FH_ACCOUNT_TAG, s->tag, used);
            CHECK_NO_FAULT(card_audit(&s->card));
            CHECK_EQUAL(card_stats(&s->card).parcel_count, count + 1 + s->kept_count);
        }
        memory.fail_at = 0;
        CHECK_OK(make_sort(s, sort, &first));
        check_release(&s->card, first);
        while (count > 0) {
            check_release(&s->card, filled[--count]);
        }
        end(s);
        test_memory_finish(&memory);
        test_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well_without_faults),
        cmocka_unit_test(every_backend_call_fails_once),
        cmocka_unit_test(the_driver_fails_for_a_while),
        cmocka_unit_test(the_device_is_lost_at_every_call),
        cmocka_unit_test(every_host_allocation_fails_once),
        cmocka_unit_test(host_memory_ends_at_every_allocation),
        cmocka_unit_test(host_memory_for_parcels_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
