/* Relief: what is done when a request finds no memory. The native order, a policy's own, each
 * action at its work, and what a policy sees of the refusal. That it ends is in
 * test_relief_ends.c. */

#include "reliever.h"

/* ---- the native order ---- */

static void what_has_passed_is_retired_first(void **state)
{
    fixture *f = *state;
    uint32_t queue = check_queue(&f->card);
    fh_parcel old = check_dedicated(f, MIB(40)), more;
    CHECK_OK(fh_parcel_use(f->card.device, old, (fh_epoch){queue, 1}));
    check_release(&f->card, old);
    CHECK_REFUSED(dedicated(f, MIB(40), &more), more, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_EQUAL(card_stats(&f->card).refused_count, 1);
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
    CHECK_OK(dedicated(f, MIB(40), &more));
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 1);
    check_release(&f->card, more);
}

static void empty_blocks_of_other_types_are_given_back(void **state)
{
    fixture *f = *state;
    check_release(&f->card, check_upload(&f->card, KIB(100)));
    uint64_t used = card_used(&f->card, FH_ACCOUNT_HEAP, 1);
    assert_true(used > 0);
    check_limit(&f->card, FH_ACCOUNT_HEAP, 1, used);
    fh_raw_desc desc = raw_desc(used, CARD_CACHED);
    fh_parcel parcel = check_raw(&f->card, &desc);
    CHECK_USED(&f->card, FH_ACCOUNT_HEAP, 1, used);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    check_release(&f->card, parcel);
}

static void slabs_that_fell_empty_go_with_their_blocks(void **state)
{
    fixture *f = *state;
    fh_buffer_desc desc = card_buffer_desc(100);
    desc.memory.location = FH_LOCATION_UPLOAD;
    check_release(&f->card, check_make(&f->card, &desc));
    uint64_t used = card_used(&f->card, FH_ACCOUNT_HEAP, 1);
    check_limit(&f->card, FH_ACCOUNT_HEAP, 1, used);
    fh_raw_desc raw = raw_desc(used, CARD_CACHED);
    check_release(&f->card, check_raw(&f->card, &raw));
}

typedef struct keeper {
    fh_parcel kept;
    uint32_t drains, reclaims;
} keeper;

static void keeper_drain(void *context, fh_device *base)
{
    keeper *k = context;
    k->drains++;
    fh_parcel_release(base, k->kept);
    k->kept = (fh_parcel){0};
}

static void allocators_are_drained(void **state)
{
    fixture *f = *state;
    keeper k = {.kept = check_dedicated(f, MIB(40))};
    fh_device *alias;
    CHECK_OK(fh_device_with_allocator(
        f->card.device, &(fh_allocator_ops){.name = "keeper", .drain = keeper_drain}, &k, &alias));
    fh_parcel parcel = check_dedicated(f, MIB(40));
    CHECK_EQUAL(k.drains, 1);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    check_release(&f->card, parcel);
    fh_device_destroy(alias);
    CHECK_EQUAL(k.drains, 2);
}

static void owners_who_may_be_asked_on_any_thread_are_asked(void **state)
{
    fixture *f = *state;
    f->owner.lets_go = true;
    check_evictable(f, MIB(40), FH_EVICTABLE_ANY_THREAD);
    fh_parcel parcel = check_dedicated(f, MIB(40));
    CHECK_EQUAL(f->owner.asked, 1);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
    check_release(&f->card, parcel);
}

static void others_are_asked_at_the_next_poll(void **state)
{
    fixture *f = *state;
    f->owner.lets_go = true;
    check_evictable(f, MIB(40), FH_EVICTABLE_AT_TICK);
    fh_parcel parcel;
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(f->owner.asked, 0);
    CHECK_OK(fh_device_poll(f->card.device));
    CHECK_EQUAL(f->owner.asked, 1);
    CHECK_OK(dedicated(f, MIB(40), &parcel));
    check_release(&f->card, parcel);
}

static void the_next_memory_type_comes_last(void **state)
{
    fixture *f = *state;
    fh_parcel keep = check_evictable(f, MIB(60), FH_EVICTABLE_ANY_THREAD);
    fh_parcel parcel = check_buffer(&f->card, MIB(7));
    CHECK_EQUAL(f->owner.asked, 1); /* it declined */
    assert_true(check_info(&f->card, parcel).type != CARD_LOCAL);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    check_release(&f->card, parcel);
    check_release(&f->card, keep);
}

static void a_kind_s_limit_asks_owners_of_that_kind(void **state)
{
    fixture *f = *state;
    f->owner.lets_go = true;
    fh_external_desc desc = {.size = 1000, .evictable = FH_EVICTABLE_ANY_THREAD};
    fh_parcel external, raw = check_evictable(f, MIB(1), FH_EVICTABLE_ANY_THREAD);
    CHECK_OK(fh_external_create(f->card.device, &desc, &external));
    check_limit(&f->card, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 1500);
    fh_parcel more;
    CHECK_OK(fh_external_create(f->card.device, &desc, &more));
    CHECK_EQUAL(f->owner.asked, 1);
    CHECK_RESULT(fh_parcel_release(f->card.device, external), FH_ERR_STALE);
    CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 1000);
    check_release(&f->card, more);
    check_release(&f->card, raw);
}

static void the_sentence_is_that_of_the_refusal_whatever_failed_in_callbacks(void **state)
{
    fixture *f = *state;
    fh_parcel keep = check_evictable(f, 5000, FH_EVICTABLE_ANY_THREAD), parcel;
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, 6000);
    CHECK_REFUSED(dedicated(f, 2000, &parcel), parcel, FH_ERR_BUDGET, "2000 bytes asked");
    CHECK_DETAIL_NAMES("5000 live");
    CHECK_DETAIL_NAMES("limit 6000");
    CHECK_EQUAL(f->owner.asked, 1);
    check_release(&f->card, keep);
}

/* ---- a policy's order ---- */

static void a_policy_sees_what_refused_and_what_was_tried(void **state)
{
    fixture *f = *state;
    fh_parcel keep = check_dedicated(f, 5000), parcel;
    check_limit(&f->card, FH_ACCOUNT_KIND, FH_KIND_RAW, 6000);
    answer(f, 0, (fh_relief){.action = FH_RELIEF_TRIM});
    answer(f, 0, (fh_relief){.action = FH_RELIEF_RETRY});
    answer(f, 1, (fh_relief){.action = FH_RELIEF_TRIM}); /* was tried */
    answer(f, 1, (fh_relief){.action = FH_RELIEF_EVICT});
    answer(f, 2, (fh_relief){.action = FH_RELIEF_TRIM});
    use_reliever(f);
    CHECK_RESULT(dedicated(f, 2000, &parcel), FH_ERR_BUDGET);
    CHECK_EQUAL(f->reliever.calls, 3);
    static const uint32_t tried[] = {0, 1U << FH_RELIEF_TRIM | 1U << FH_RELIEF_RETRY,
                                     1U << FH_RELIEF_TRIM | 1U << FH_RELIEF_RETRY |
                                         1U << FH_RELIEF_EVICT};
    for (uint32_t call = 0; call < 3; call++) {
        const fh_request *seen = &f->reliever.seen[call];
        assert_int_equal(seen->reason, FH_ERR_BUDGET);
        assert_int_equal(seen->account.scope, FH_ACCOUNT_KIND);
        CHECK_EQUAL(seen->account.index, FH_KIND_RAW);
        CHECK_EQUAL(seen->shortage, 1000);
        CHECK_EQUAL(seen->attempt, call + 1);
        CHECK_EQUAL(seen->tried, tried[call]);
        CHECK_EQUAL(seen->size, 2000);
        assert_int_equal(seen->kind, FH_KIND_RAW);
    }
    check_release(&f->card, keep);
}

static void the_driver_s_refusal_has_its_own_reason(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    answer(f, 0, (fh_relief){.action = FH_RELIEF_DENY});
    fh_parcel keep = check_dedicated(f, MIB(60)), parcel;
    CHECK_RESULT(dedicated(f, MIB(10), &parcel), FH_ERR_OUT_OF_MEMORY);
    assert_int_equal(f->reliever.seen[0].reason, FH_ERR_OUT_OF_MEMORY);
    check_release(&f->card, keep);
}

static void no_opinion_is_the_native_order(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    check_evictable(f, MIB(40), FH_EVICTABLE_ANY_THREAD);
    fh_parcel parcel = check_dedicated(f, MIB(40));
    CHECK_EQUAL(f->reliever.calls, 1);
    CHECK_EQUAL(f->owner.asked, 1);
    check_release(&f->card, parcel);
}

static void deny_gives_up_at_once(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    fh_parcel keep = check_evictable(f, MIB(40), FH_EVICTABLE_ANY_THREAD), parcel;
    answer(f, 0, (fh_relief){.action = FH_RELIEF_DENY});
    answer(f, 0, (fh_relief){.action = FH_RELIEF_EVICT});
    CHECK_RESULT(dedicated(f, MIB(40), &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(f->owner.asked, 0);
    CHECK_EQUAL(f->reliever.calls, 1);
    check_release(&f->card, keep);
}

static void nothing_is_done_that_the_policy_does_not_name(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    fh_parcel keep = check_evictable(f, MIB(60), FH_EVICTABLE_ANY_THREAD), parcel;
    answer(f, 0, (fh_relief){.action = FH_RELIEF_TRIM});
    fh_buffer_desc desc = card_buffer_desc(MIB(7));
    CHECK_RESULT(fh_buffer_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(f->owner.asked, 0);
    check_release(&f->card, keep);
}

static void evict_asks_for_the_bytes_it_names(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    for (int i = 0; i < 10; i++) {
        check_evictable(f, MIB(6), FH_EVICTABLE_ANY_THREAD);
    }
    answer(f, 0, (fh_relief){.action = FH_RELIEF_EVICT, .bytes = MIB(20)});
    fh_parcel parcel = check_dedicated(f, MIB(5));
    CHECK_EQUAL(f->owner.asked, 4);
    f->reliever.calls = 0;
    f->reliever.answers[0][0].bytes = 0; /* what is short */
    fh_parcel more = check_dedicated(f, MIB(27));
    CHECK_EQUAL(f->owner.asked, 5 + 4); /* 27 MiB, since the driver does not say how much */
    check_release(&f->card, parcel);
    check_release(&f->card, more);
    CHECK_OK(fh_device_tick(f->card.device));
    fh_device_stats stats = card_stats(&f->card);
    CHECK_EQUAL(stats.parcel_count, 1);
    CHECK_EQUAL(stats.evict_ignored_count, 0);
    f->reliever.calls = 0;
    check_release(&f->card, check_dedicated(f, MIB(60)));
}

static void spill_takes_the_next_type(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    fh_parcel keep = check_dedicated(f, MIB(60));
    answer(f, 0, (fh_relief){.action = FH_RELIEF_SPILL});
    fh_parcel parcel = check_buffer(&f->card, MIB(7));
    assert_true(check_info(&f->card, parcel).type != CARD_LOCAL);
    check_release(&f->card, parcel);
    check_release(&f->card, keep);
}

static void answers_that_are_wrong_are_told_once_and_the_rest_is_taken(void **state)
{
    fixture *f = *state;
    use_reliever(f);
    f->owner.lets_go = true;
    check_evictable(f, MIB(40), FH_EVICTABLE_ANY_THREAD);
    answer(f, 0, (fh_relief){.action = (fh_relief_action)99});
    answer(f, 0, (fh_relief){.action = FH_RELIEF_EVICT});
    uint32_t before = atomic_load(&f->card.complaints);
    fh_parcel parcel = check_dedicated(f, MIB(40));
    CHECK_EQUAL(atomic_load(&f->card.complaints), before + 1);
    check_release(&f->card, parcel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELIEF_TEST(what_has_passed_is_retired_first),
        RELIEF_TEST(empty_blocks_of_other_types_are_given_back),
        RELIEF_TEST(slabs_that_fell_empty_go_with_their_blocks),
        RELIEF_TEST(allocators_are_drained),
        RELIEF_TEST(owners_who_may_be_asked_on_any_thread_are_asked),
        RELIEF_TEST(others_are_asked_at_the_next_poll),
        RELIEF_TEST(the_next_memory_type_comes_last),
        RELIEF_TEST(a_kind_s_limit_asks_owners_of_that_kind),
        RELIEF_TEST(the_sentence_is_that_of_the_refusal_whatever_failed_in_callbacks),
        RELIEF_TEST(a_policy_sees_what_refused_and_what_was_tried),
        RELIEF_TEST(the_driver_s_refusal_has_its_own_reason),
        RELIEF_TEST(no_opinion_is_the_native_order),
        RELIEF_TEST(deny_gives_up_at_once),
        RELIEF_TEST(nothing_is_done_that_the_policy_does_not_name),
        RELIEF_TEST(evict_asks_for_the_bytes_it_names),
        RELIEF_TEST(spill_takes_the_next_type),
        RELIEF_TEST(answers_that_are_wrong_are_told_once_and_the_rest_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
