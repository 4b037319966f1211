/* Policies: set, replaced and removed while parcels live; limits, frame and retain are called at
 * their places in a tick, with facts that are right, and what they answer is done. `place` is in
 * test_place.c, pressure in test_pressure.c, relief and eviction have files of their own, threads
 * are in test_policy_threads.c. */

#include "brain.h"

#include <math.h>

/* ---- setting ---- */

static void without_one_the_native_rules_are_in_charge(void **state)
{
    fixture *f = *state;
    assert_string_equal(fh_device_policy_name(f->card.device), "native");
    assert_null(fh_device_policy_name(NULL));
    CHECK_OK(fh_device_set_policy(f->card.device, NULL, NULL));
    assert_string_equal(fh_device_policy_name(f->card.device), "native");
    touch_size(f, 1000);
    CHECK_EQUAL(card_stats(&f->card).place_count, 0);
}

static void one_is_set_replaced_and_removed_and_released_once_each(void **state)
{
    fixture *f = *state;
    set(f, &brain_ops);
    assert_string_equal(fh_device_policy_name(f->card.device), "brain");
    CHECK_EQUAL(f->brain.released, 0);
    set(f, &brain_ops);
    CHECK_EQUAL(f->brain.released, 1);
    set(f, NULL);
    CHECK_EQUAL(f->brain.released, 2);
    assert_string_equal(fh_device_policy_name(f->card.device), "native");
    set(f, &(fh_policy_ops){.name = "empty"});
    tick(f);
    touch_size(f, 1000);
    CHECK_EQUAL(f->brain.released, 2);
    set(f, &brain_ops);
}

static void the_device_releases_its_last_policy(void **state)
{
    (void)state;
    fixture f = {0};
    card_small(&f.card);
    check_open(&f.card);
    set(&f, &brain_ops);
    CHECK_NO_FAULT(card_close(&f.card));
    CHECK_EQUAL(f.brain.released, 1);
}

static void a_table_that_is_wrong_is_refused_and_released_and_the_old_one_stays(void **state)
{
    fixture *f = *state;
    static const uint64_t unsorted[] = {100, 100};
    static const uint64_t zero[] = {0};
    uint64_t many[33];
    for (uint64_t i = 0; i < 33; i++) {
        many[i] = i + 1;
    }
    set(f, &(fh_policy_ops){.name = "first"});
    const struct {
        fh_policy_ops ops;
        const char *word;
    } wrong[] = {
        {{.release = brain_release}, "name"},
        {{.name = "a", .place_steps = unsorted, .place_step_count = 2, .release = brain_release},
         "ascend"},
        {{.name = "a", .place_steps = zero, .place_step_count = 1, .release = brain_release},
         "ascend"},
        {{.name = "a", .place_steps = many, .place_step_count = 33, .release = brain_release},
         "33"},
        {{.name = "a", .place_step_count = 1, .release = brain_release}, "place_steps"},
    };
    for (uint32_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        CHECK_RESULT(fh_device_set_policy(f->card.device, &wrong[i].ops, &f->brain),
                     FH_ERR_INVALID);
        CHECK_DETAIL_NAMES(wrong[i].word);
        CHECK_EQUAL(f->brain.released, i + 1);
        assert_string_equal(fh_device_policy_name(f->card.device), "first");
    }
    CHECK_RESULT(fh_device_set_policy(NULL, &brain_ops, &f->brain), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    CHECK_EQUAL(f->brain.released, TEST_COUNT_OF(wrong) + 1);
}

static void host_memory_that_fails_releases_the_new_one_and_keeps_the_old(void **state)
{
    (void)state;
    fixture f = {0};
    test_memory memory;
    test_memory_init(&memory);
    card_small(&f.card);
    f.card.desc.memory = &memory.host;
    check_open(&f.card);
    set(&f, &(fh_policy_ops){.name = "first"});
    fh_result result = FH_ERR_HOST_MEMORY;
    uint32_t failures = 0;
    for (; result != FH_OK; failures++) {
        memory.fail_at = memory.alloc_count + 1 + failures;
        result = fh_device_set_policy(f.card.device, &brain_ops, &f.brain);
        memory.fail_at = 0;
        if (result != FH_OK) {
            CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
            assert_string_equal(fh_device_policy_name(f.card.device), "first");
            CHECK_EQUAL(f.brain.released, failures + 1);
        }
    }
    assert_true(failures > 1);
    assert_string_equal(fh_device_policy_name(f.card.device), "brain");
    /* Nor does it stop a request, or a tick: what is not kept is asked for again. */
    f.brain.decides = true;
    fh_parcel parcel = check_buffer(&f.card, 100);
    memory.fail_at = memory.alloc_count + 1;
    memory.fail_on = true;
    CHECK_OK(fh_device_tick(f.card.device));
    memory.fail_at = 0;
    check_release(&f.card, parcel);
    CHECK_OK(fh_device_set_policy(f.card.device, NULL, NULL));
    check_close(&f.card);
    test_memory_finish(&memory);
}

/* ---- limits ---- */

static void limits_are_asked_for_when_it_is_set_and_on_demand(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    struct fh_tag_limit tags[] = {{tag, 5000}, {tag, 3000}};
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.total = MIB(40),
                                  .heaps = {MIB(30)},
                                  .kinds = {[FH_KIND_TEXTURE] = 7777},
                                  .tag_count = 2,
                                  .tags = tags};
    set(f, &brain_ops);
    CHECK_EQUAL(f->brain.limit_calls, 1);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(40));
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_HEAP, 0).limit, MIB(30));
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_HEAP, 1).limit, GIB(1)); /* the OS's */
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_KIND, FH_KIND_TEXTURE).limit, 7777);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER).limit, FH_NO_LIMIT);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TAG, tag).limit, 3000);
    tick(f);
    CHECK_EQUAL(f->brain.limit_calls, 1);
    /* The strictest counts, and what it does not name any more has no limit of its. */
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, MIB(35));
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(35));
    f->brain.limits = (fh_limits){.total = MIB(20)};
    f->brain.frame_decision.limits = true;
    tick(f);
    CHECK_EQUAL(f->brain.limit_calls, 2);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(20));
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TAG, tag).limit, FH_NO_LIMIT);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_KIND, FH_KIND_TEXTURE).limit, FH_NO_LIMIT);
    /* No answer: the last limits stay. */
    f->brain.has_limits = false;
    tick(f);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(20));
    set(f, NULL);
    CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(35));
}

static void limits_that_are_wrong_change_nothing_and_are_told_once(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    struct fh_tag_limit unknown[] = {{tag + 1, 5000}}, untagged[] = {{0, 5000}};
    f->brain.has_limits = true;
    f->brain.frame_decision.limits = true;
    const fh_limits wrong[] = {
        {.total = 1, .watermark_count = 1, .watermarks = {NAN}},
        {.total = 1, .watermark_count = 1, .watermarks = {1.5}},
        {.total = 1, .watermark_count = 1, .watermarks = {-0.5}},
        {.total = 1, .watermark_count = 2, .watermarks = {0.7, 0.5}},
        {.total = 1, .watermark_count = 2, .watermarks = {0.5, 0.5}},
        {.total = 1, .watermark_count = 5},
        {.total = 1, .tag_count = 1, .tags = unknown},
        {.total = 1, .tag_count = 1, .tags = untagged},
        {.total = 1, .tag_count = 1},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        f->brain.limits = (fh_limits){.total = MIB(40)};
        set(f, &brain_ops);
        f->brain.limits = wrong[i];
        uint32_t before = atomic_load(&f->card.complaints);
        tick(f);
        tick(f);
        CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(40));
        CHECK_EQUAL(atomic_load(&f->card.complaints), before + 1);
        /* Also of a new policy: what was in force stays, and does not fail open. */
        set(f, &brain_ops);
        CHECK_EQUAL(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).limit, MIB(40));
    }
}

/* ---- frame and retain ---- */

static void frame_sees_what_happened_since_the_tick_before(void **state)
{
    fixture *f = *state;
    set(f, &brain_ops);
    tick(f);
    uint64_t frame = f->brain.facts.frame;
    fh_parcel a = check_dedicated(f, 10000), b = check_dedicated(f, 20000), c;
    check_release(&f->card, b);
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, 1);
    CHECK_RESULT(dedicated(f, 5000, &c), FH_ERR_BUDGET);
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    uint32_t frames = atomic_load(&f->brain.frames);
    uint64_t ticks = card_stats(&f->card).tick_count;
    tick(f);
    if (ticks == frame) { /* no tick came in between by itself */
        CHECK_EQUAL(f->brain.frames, frames + 1);
        CHECK_EQUAL(f->brain.frame.created_bytes, 30000);
        CHECK_EQUAL(f->brain.frame.freed_bytes, 20000);
        CHECK_EQUAL(f->brain.frame.driver_alloc_count, 2);
        CHECK_EQUAL(f->brain.frame.refused_count, 1);
        CHECK_EQUAL(f->brain.facts.frame, frame + 1);
        assert_true(f->brain.frame.tick_ns > 0);
    }
    CHECK_EQUAL(f->brain.frame.depth, 0);
    tick(f);
    CHECK_EQUAL(f->brain.frame.created_bytes, 0);
    CHECK_EQUAL(f->brain.frame.freed_bytes, 0);
    CHECK_EQUAL(f->brain.frame.driver_alloc_count, 0);
    CHECK_EQUAL(f->brain.frame.refused_count, 0);
    check_release(&f->card, a);
}

static void retain_decides_how_long_an_empty_block_stays(void **state)
{
    fixture *f = *state;
    f->brain.retain_decides = true;
    f->brain.retain_ticks = 1000;
    set(f, &brain_ops);
    tick(f);
    CHECK_EQUAL(f->brain.retains, 0);
    touch_size(f, MIB(1)); /* too large for a slab: its block is empty again */
    CHECK_EQUAL(card_stats(&f->card).total.stats.block_count, 1);
    uint64_t size = card_stats(&f->card).total.stats.block_bytes;
    for (uint32_t i = 0; i < 100; i++) {
        tick(f);
    }
    assert_true(f->brain.retains >= 100);
    CHECK_EQUAL(f->brain.block.type, CARD_LOCAL);
    CHECK_EQUAL(f->brain.block.heap, 0);
    CHECK_EQUAL(f->brain.block.size, size);
    assert_true(f->brain.block.empty_ticks >= 100);
    assert_true(f->brain.block.age_ticks >= f->brain.block.empty_ticks);
    CHECK_EQUAL(f->brain.block.pool_block_count, 1);
    CHECK_EQUAL(f->brain.block.pool_empty_count, 1);
    assert_false(f->brain.block.over);
    CHECK_EQUAL(card_stats(&f->card).total.stats.block_count, 1);
    f->brain.retain_ticks = 0;
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).total.stats.block_count, 0);
}

static void without_retain_an_empty_block_stays_for_retain_ticks(void **state)
{
    (void)state;
    fixture f = {0};
    card_small(&f.card);
    f.card.desc.retain_ticks = 10;
    check_open(&f.card);
    set(&f, &brain_ops); /* its `retain` has no opinion */
    touch_size(&f, MIB(1));
    uint64_t before = card_stats(&f.card).tick_count;
    while (card_stats(&f.card).total.stats.block_count > 0) {
        tick(&f);
    }
    CHECK_EQUAL(card_stats(&f.card).tick_count - before, 10);
    assert_true(f.brain.retains >= 10);
    /* At once when its heap is over a limit. */
    touch_size(&f, MIB(1));
    check_limit(&f.card, FH_ACCOUNT_TOTAL, 0, 1);
    tick(&f);
    CHECK_EQUAL(card_stats(&f.card).total.stats.block_count, 0);
    /* And five blocks a frame do not make the driver busy. */
    check_limit(&f.card, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    uint64_t allocs = 0;
    for (int frame = 0; frame < 50; frame++) {
        fh_parcel parcels[5];
        for (int i = 0; i < 5; i++) {
            parcels[i] = check_buffer(&f.card, MIB(3));
        }
        for (int i = 0; i < 5; i++) {
            check_release(&f.card, parcels[i]);
        }
        tick(&f);
        if (frame == 0) {
            allocs = card_stats(&f.card).driver_alloc_count;
        }
    }
    CHECK_EQUAL(card_stats(&f.card).driver_alloc_count, allocs);
    check_close(&f.card);
}

static void blocks_that_are_kept_on_purpose_stay_through_ticks_and_relief(void **state)
{
    fixture *f = *state;
    fh_pool *pools[2];
    fh_pool_desc desc = {.type_mask = 1U << CARD_LOCAL, .block_size = MIB(1), .keep_empty = true};
    CHECK_OK(fh_pool_create(f->card.device, &desc, &pools[0]));
    desc.keep_empty = false;
    desc.block_count_min = 1;
    CHECK_OK(fh_pool_create(f->card.device, &desc, &pools[1]));
    for (int i = 0; i < 2; i++) {
        fh_buffer_desc buffer = card_buffer_desc(MIB(1));
        buffer.memory.pool = pools[i];
        touch(f, &buffer);
    }
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, 1);
    for (int i = 0; i < 100; i++) {
        tick(f);
    }
    fh_parcel parcel;
    CHECK_RESULT(dedicated(f, 5000, &parcel), FH_ERR_BUDGET);
    CHECK_EQUAL(card_stats(&f->card).total.stats.block_count, 2);
    uint64_t bytes;
    CHECK_OK(fh_device_trim(f->card.device, &bytes));
    CHECK_EQUAL(bytes, MIB(1));
    CHECK_OK(fh_pool_destroy(pools[0]));
    CHECK_OK(fh_pool_destroy(pools[1]));
}

/* ---- live parcels ---- */

static void parcels_are_counted_whoever_is_in_charge(void **state)
{
    fixture *f = *state;
    fh_parcel parcels[40];
    uint64_t used = 0;
    for (uint32_t i = 0; i < 40; i++) {
        if (i % 10 == 0) { /* late, replaced, removed */
            set(f, i % 20 == 0 ? &brain_ops : NULL);
        }
        parcels[i] = check_buffer(&f->card, 1000 + i);
        used += 1000 + i;
        CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER, used);
    }
    for (uint32_t i = 0; i < 40; i++) {
        if (i % 7 == 0) {
            set(f, i % 2 == 0 ? &brain_ops : NULL);
        }
        check_release(&f->card, parcels[i]);
        used -= 1000 + i;
        CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER, used);
    }
}

static void one_installed_late_finds_what_lives_in_its_accounts(void **state)
{
    fixture *f = *state;
    fh_parcel parcel = check_dedicated(f, 70000), more;
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.total = 100000};
    set(f, &brain_ops);
    CHECK_EQUAL(f->brain.facts.used, 70000);
    CHECK_REFUSED(dedicated(f, 30001, &more), more, FH_ERR_BUDGET, "70000");
    CHECK_OK(dedicated(f, 30000, &more));
    check_release(&f->card, parcel);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 30000);
    check_release(&f->card, more);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRAIN_TEST(without_one_the_native_rules_are_in_charge),
        BRAIN_TEST(one_is_set_replaced_and_removed_and_released_once_each),
        cmocka_unit_test(the_device_releases_its_last_policy),
        BRAIN_TEST(a_table_that_is_wrong_is_refused_and_released_and_the_old_one_stays),
        cmocka_unit_test(host_memory_that_fails_releases_the_new_one_and_keeps_the_old),
        BRAIN_TEST(limits_are_asked_for_when_it_is_set_and_on_demand),
        BRAIN_TEST(limits_that_are_wrong_change_nothing_and_are_told_once),
        BRAIN_TEST(frame_sees_what_happened_since_the_tick_before),
        BRAIN_TEST(retain_decides_how_long_an_empty_block_stays),
        cmocka_unit_test(without_retain_an_empty_block_stays_for_retain_ticks),
        BRAIN_TEST(blocks_that_are_kept_on_purpose_stay_through_ticks_and_relief),
        BRAIN_TEST(parcels_are_counted_whoever_is_in_charge),
        BRAIN_TEST(one_installed_late_finds_what_lives_in_its_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
