/* Deeds: each parcel remembers who made it, and that one is told once when it is gone or resized;
 * handles go in any order. */

#include "counter.h"

/* ---- deeds ---- */

static void it_is_told_once_with_what_was_reserved_and_committed(void **state)
{
    fixture *f = *state;
    uint32_t clock = 0;
    f->counter.clock = &clock;
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 5000;
    fh_parcel parcel;
    CHECK_OK(fh_buffer_create(f->alias, &desc, &parcel));
    CHECK_OK(fh_parcel_acquire(f->alias, parcel));
    uint32_t queue = check_queue(&f->card);
    CHECK_OK(fh_parcel_use(f->alias, parcel, (fh_epoch){queue, 1}));
    check_release(&f->card, parcel);
    check_release(&f->card, parcel);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 0); /* the GPU has it still */
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
    CHECK_OK(fh_device_tick(f->card.device));
    CHECK_EQUAL(atomic_load(&f->counter.freed), 1);
    CHECK_EQUAL(atomic_load(&f->counter.freed_reserved), 5000);
    CHECK_EQUAL(atomic_load(&f->counter.freed_committed), 1000);
    assert_int_equal(f->counter.freed_kind, FH_KIND_BUFFER);
    CHECK_OK(fh_device_tick(f->card.device));
    CHECK_EQUAL(atomic_load(&f->counter.freed), 1);
}

static void an_alias_of_an_alias_has_both_and_the_outer_is_told_first(void **state)
{
    fixture *f = *state;
    uint32_t clock = 0;
    counter outer = {.clock = &clock};
    f->counter.clock = &clock;
    fh_device *second = make_alias(f->alias, &outer);
    assert_string_equal(fh_device_allocator_name(second), "counter");
    fh_parcel both = check_buffer_of(second, 100), inner = check_buffer_of(f->alias, 200);
    CHECK_EQUAL(outer.buffers, 1);
    assert_ptr_equal(outer.base, f->alias);
    CHECK_EQUAL(f->counter.buffers, 2);
    CHECK_EQUAL(fh_device_allocated_bytes(second), 100);
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 300);
    check_release(&f->card, inner);
    CHECK_EQUAL(atomic_load(&outer.freed), 0);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 1);
    check_release(&f->card, both);
    CHECK_EQUAL(atomic_load(&outer.freed), 1);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 2);
    assert_true(outer.order < f->counter.order);
    fh_device_destroy(second);
    CHECK_EQUAL(atomic_load(&outer.destroyed), 1);
    CHECK_EQUAL(atomic_load(&f->counter.destroyed), 0);
}

static void it_lives_until_its_last_parcel_is_gone(void **state)
{
    fixture *f = *state;
    counter c = {0};
    fh_device *alias = make_alias(f->card.device, &c);
    fh_parcel a = check_buffer_of(alias, 100), b = check_buffer_of(alias, 100);
    fh_device_destroy(alias);
    CHECK_EQUAL(c.drains, 1);
    CHECK_EQUAL(atomic_load(&c.destroyed), 0);
    check_release(&f->card, a);
    CHECK_EQUAL(atomic_load(&c.freed), 1);
    CHECK_EQUAL(atomic_load(&c.destroyed), 0);
    check_release(&f->card, b);
    CHECK_EQUAL(atomic_load(&c.freed), 2);
    CHECK_EQUAL(atomic_load(&c.destroyed), 1);
}

static void handles_go_in_any_order(void **state)
{
    (void)state;
    /* Four handles in a chain and beside it, in all 24 orders; a parcel of each lives to the
     * end. */
    for (uint32_t order = 0; order < 24; order++) {
        card c;
        counter counters[3] = {{0}};
        fh_device *handles[4];
        card_small(&c);
        check_open(&c);
        handles[0] = c.device;
        handles[1] = make_alias(handles[0], &counters[0]);
        handles[2] = make_alias(handles[1], &counters[1]);
        handles[3] = make_alias(handles[0], &counters[2]);
        fh_parcel parcels[4];
        for (int i = 0; i < 4; i++) {
            parcels[i] = check_buffer_of(handles[i], 1000);
        }
        c.device = NULL;
        uint32_t left = 4, pick = order;
        for (uint32_t base = 4; base > 0; base--) {
            uint32_t i = pick % base;
            pick /= base;
            fh_device *handle = handles[i];
            handles[i] = handles[--left];
            if (left == 0) {
                for (int j = 0; j < 4; j += 2) { /* the others leak, and are told of all the same */
                    CHECK_OK(fh_parcel_release(handle, parcels[j]));
                }
            }
            fh_device_destroy(handle);
        }
        CHECK_EQUAL(atomic_load(&c.left_open), 0);
        CHECK_EQUAL(atomic_load(&counters[0].freed), 2);
        CHECK_EQUAL(atomic_load(&counters[1].freed), 1);
        CHECK_EQUAL(atomic_load(&counters[2].freed), 1);
        for (int i = 0; i < 3; i++) {
            CHECK_EQUAL(counters[i].drains, 1);
            CHECK_EQUAL(atomic_load(&counters[i].destroyed), 1);
        }
    }
}

static void a_parcel_that_is_given_out_again_is_told_of_once(void **state)
{
    fixture *f = *state;
    fh_parcel parcel = check_buffer_of(f->alias, 1000);
    f->counter.give = parcel;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_parcel_acquire(f->card.device, parcel));
        CHECK_EQUAL(check_buffer_of(f->alias, 900).id, parcel.id);
        check_release(&f->card, parcel);
    }
    f->counter.give = (fh_parcel){0};
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 1000);
    check_release(&f->card, parcel);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 1);
}

static void an_allocator_that_gives_nothing_that_lives_is_an_error(void **state)
{
    fixture *f = *state;
    fh_parcel parcel = check_buffer(&f->card, 100);
    f->counter.give = parcel;
    check_release(&f->card, parcel);
    fh_buffer_desc desc = card_buffer_desc(100);
    CHECK_REFUSED(fh_buffer_create(f->alias, &desc, &parcel), parcel, FH_ERR_INVALID, "counter");
}

static void its_own_refusal_is_passed_on_and_not_relieved(void **state)
{
    fixture *f = *state;
    f->counter.refusal = FH_ERR_BUDGET;
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_parcel parcel = {77};
    CHECK_RESULT(fh_buffer_create(f->alias, &desc, &parcel), FH_ERR_BUDGET);
    CHECK_EQUAL(parcel.id, 0);
    CHECK_EQUAL(f->counter.buffers, 1);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 1);
}

static void a_resize_is_told(void **state)
{
    fixture *f = *state;
    fh_parcel parcel = check_buffer_of(f->alias, 1000);
    CHECK_OK(fh_buffer_resize(f->alias, parcel, 3000, NULL));
    CHECK_EQUAL(f->counter.resized, 1);
    CHECK_EQUAL(f->counter.before.committed, 1000);
    CHECK_EQUAL(f->counter.before.reserved, 1000);
    CHECK_EQUAL(f->counter.after.committed, 3000);
    CHECK_EQUAL(f->counter.after.reserved, 3000);
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 3000);
    CHECK_OK(fh_device_wait_idle(f->card.device, SECOND_NS));
    CHECK_OK(fh_device_tick(f->card.device));
    CHECK_EQUAL(atomic_load(&f->counter.freed), 0);
    check_release(&f->card, parcel);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 1);
    CHECK_EQUAL(atomic_load(&f->counter.freed_committed), 3000);
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 0);
}

static void deeds_are_no_more_than_255_at_a_time(void **state)
{
    fixture *f = *state;
    static counter counters[256];
    static fh_device *aliases[256];
    static fh_parcel parcels[256];
    memset(counters, 0, sizeof counters);
    for (int i = 0; i < 256; i++) {
        aliases[i] = make_alias(f->card.device, &counters[i]);
    }
    for (int i = 0; i < 255; i++) {
        parcels[i] = check_buffer_of(aliases[i], 100);
    }
    fh_buffer_desc desc = card_buffer_desc(100);
    CHECK_REFUSED(fh_buffer_create(aliases[255], &desc, &parcels[255]), parcels[255],
                  FH_ERR_HOST_MEMORY, "255");
    CHECK_EQUAL(card_stats(&f->card).parcel_count, 255);
    check_release(&f->card, parcels[7]);
    fh_device_destroy(aliases[7]); /* a place goes with its alias and its last parcel */
    aliases[7] = NULL;
    parcels[7] = check_buffer_of(aliases[255], 100);
    for (int i = 0; i < 255; i++) {
        check_release(&f->card, parcels[i]);
    }
    for (int i = 0; i < 256; i++) {
        fh_device_destroy(aliases[i]);
        CHECK_EQUAL(atomic_load(&counters[i].destroyed), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALLOCATOR_TEST(it_is_told_once_with_what_was_reserved_and_committed),
        ALLOCATOR_TEST(an_alias_of_an_alias_has_both_and_the_outer_is_told_first),
        ALLOCATOR_TEST(it_lives_until_its_last_parcel_is_gone),
        cmocka_unit_test(handles_go_in_any_order),
        ALLOCATOR_TEST(a_parcel_that_is_given_out_again_is_told_of_once),
        ALLOCATOR_TEST(an_allocator_that_gives_nothing_that_lives_is_an_error),
        ALLOCATOR_TEST(its_own_refusal_is_passed_on_and_not_relieved),
        ALLOCATOR_TEST(a_resize_is_told),
        ALLOCATOR_TEST(deeds_are_no_more_than_255_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
