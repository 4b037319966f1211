/* Eviction for driver bytes, which come free by whole memories: who is asked in blocks that many
 * parcels share. */

#include "evictor.h"

enum {
    MANY = 160,
    PARCEL = 256 * 1024
};

/* Buffers in blocks, on their own card: blocks of 1, 2, 4 and 8 MiB. */
typedef struct crowd {
    fixture f;
    fh_parcel parcels[MANY];
    uint32_t count;
} crowd;

static int gather(void **state)
{
    crowd *c = test_calloc(1, sizeof *c);
    card_small(&c->f.card);
    c->f.card.desc.evict = be_asked;
    c->f.card.desc.evict_context = &c->f.owner;
    check_open(&c->f.card);
    for (int i = 0; i < ASKED_MAX; i++) {
        c->f.names[i] = (char)('a' + i);
    }
    *state = c;
    return 0;
}

static int scatter(void **state)
{
    crowd *c = *state;
    for (uint32_t i = 0; i < c->count; i++) {
        fh_parcel_release(c->f.card.device, c->parcels[i]); /* or it is gone */
    }
    CHECK_OK(fh_device_trim(c->f.card.device, NULL));
    check_close(&c->f.card);
    test_free(c);
    return 0;
}

static fh_parcel join_in(crowd *c, uint64_t size, float priority, fh_evictable evictable)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.evictable = evictable;
    desc.memory.priority = priority;
    desc.memory.type_mask = 1U << CARD_LOCAL;
    desc.memory.dedicated = FH_DEDICATED_NEVER;
    fh_parcel parcel = check_make(&c->f.card, &desc);
    c->parcels[c->count++] = parcel;
    return parcel;
}

static void fill(crowd *c, uint64_t seed, uint32_t count, fh_evictable evictable)
{
    test_rng rng = {seed};
    for (uint32_t i = 0; i < count; i++) {
        join_in(c, PARCEL, (float)(1 + test_below(&rng, 1000)) / 1002.0F, evictable);
    }
}

static uint64_t used(const crowd *c)
{
    return card_used(&c->f.card, FH_ACCOUNT_TOTAL, 0);
}

static uint64_t asked(const crowd *c)
{
    return card_stats(&c->f.card).evict_asked_count;
}

static void random_priorities_over_many_blocks_cost_little_more_than_what_is_over(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        void *one;
        gather(&one);
        crowd *c = one;
        fill(c, seed, MANY, FH_EVICTABLE_AT_TICK);
        uint64_t before = used(c), over = MIB(1 + seed % 6);
        limit_total(&c->f, before - over);
        tick(&c->f);
        uint64_t once = asked(c);
        assert_true(once > 0 && once * PARCEL <= 2 * over + MIB(1));
        tick(&c->f);
        assert_true(used(c) <= before - over);
        tick(&c->f);
        CHECK_EQUAL(asked(c), once);
        CHECK_EQUAL(card_stats(&c->f.card).parcel_count, MANY - once);
        CHECK_EQUAL(card_stats(&c->f.card).evict_ignored_count, 0);
        scatter(&one);
    }
}

static void an_os_budget_that_falls_is_met_likewise(void **state)
{
    crowd *c = *state;
    fill(c, 3, MANY, FH_EVICTABLE_AT_TICK);
    uint64_t before = card_used(&c->f.card, FH_ACCOUNT_HEAP, 0);
    CHECK_OK(fh_simulated_fault(
        c->f.card.backend,
        &(fh_fault){.kind = FH_FAULT_BUDGET, .tick = 1, .bytes = before - MIB(2)}));
    for (int i = 0; i < 3; i++) {
        tick(&c->f);
    }
    assert_true(card_used(&c->f.card, FH_ACCOUNT_HEAP, 0) <= before - MIB(2));
    assert_true(asked(c) * PARCEL <= MIB(8));
}

static void where_something_else_lives_in_each_block_nobody_is_asked(void **state)
{
    crowd *c = *state;
    for (uint32_t i = 0; i < 64; i++) {
        join_in(c, PARCEL, 0.5F, i % 4 == 0 ? FH_EVICTABLE_NO : FH_EVICTABLE_AT_TICK);
    }
    uint32_t complaints = atomic_load(&c->f.card.complaints);
    limit_total(&c->f, MIB(4));
    for (int i = 0; i < 4; i++) {
        tick(&c->f);
    }
    CHECK_EQUAL(asked(c), 0);
    CHECK_EQUAL(atomic_load(&c->f.card.complaints), complaints + 1); /* said once */
    assert_non_null(strstr(c->f.card.complaint, "over a limit"));

    limit_total(&c->f, FH_NO_LIMIT); /* a memory that can be emptied, and it is said anew */
    make(&c->f, MIB(1), 0.5F, FH_EVICTABLE_AT_TICK);
    limit_total(&c->f, MIB(4));
    for (int i = 0; i < 4; i++) {
        tick(&c->f);
    }
    CHECK_EQUAL(asked(c), 1);
    CHECK_EQUAL(atomic_load(&c->f.card.complaints), complaints + 2);

    check_limit(&c->f.card, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 64 * PARCEL - 2 * PARCEL);
    tick(&c->f); /* range bytes come free all the same */
    CHECK_EQUAL(asked(c), 3);
}

static void dedicated_memories_are_of_use_beside_blocks_that_are_not(void **state)
{
    crowd *c = *state;
    join_in(c, PARCEL, 0.5F, FH_EVICTABLE_NO);
    join_in(c, PARCEL, 0.1F, FH_EVICTABLE_AT_TICK);
    make(&c->f, MIB(2), 0.9F, FH_EVICTABLE_AT_TICK); /* a */
    make(&c->f, MIB(2), 0.8F, FH_EVICTABLE_AT_TICK); /* b */
    limit_total(&c->f, used(c) - MIB(1));
    tick(&c->f);
    check_asked(&c->f, "b");
    tick(&c->f);
    check_asked(&c->f, "b");
    check_limit(&c->f.card, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_limit(&c->f.card, FH_ACCOUNT_HEAP, 0, 1);
    tick(&c->f);
    check_asked(&c->f, "ba");
    CHECK_EQUAL(card_stats(&c->f.card).parcel_count, 2);
}

static void what_drains_is_waited_for(void **state)
{
    crowd *c = *state;
    uint32_t queue = check_queue(&c->f.card);
    fill(c, 5, MANY, FH_EVICTABLE_AT_TICK);
    for (uint32_t i = 0; i < c->count; i++) {
        CHECK_OK(fh_parcel_use(c->f.card.device, c->parcels[i], (fh_epoch){queue, 1}));
    }
    uint64_t before = used(c);
    limit_total(&c->f, before - MIB(1));
    tick(&c->f);
    uint64_t once = asked(c);
    assert_true(once > 0);
    for (int i = 0; i < 5; i++) {
        tick(&c->f);
    }
    CHECK_EQUAL(asked(c), once);
    CHECK_EQUAL(used(c), before);
    CHECK_OK(fh_queue_signal(c->f.card.device, queue, 1));
    tick(&c->f);
    assert_true(used(c) <= before - MIB(1));
    CHECK_EQUAL(asked(c), once);
}

static void a_cap_drains_one_block_after_the_other(void **state)
{
    crowd *c = *state;
    c->f.orderer.frame.evict_cap = 2 * PARCEL;
    set(&c->f);
    uint32_t queue = check_queue(&c->f.card);
    fill(c, 7, MANY, FH_EVICTABLE_AT_TICK);
    for (uint32_t i = 0; i < c->count; i += 2) {
        CHECK_OK(fh_parcel_use(c->f.card.device, c->parcels[i], (fh_epoch){queue, 1}));
    }
    uint64_t before = used(c);
    limit_total(&c->f, before - MIB(1));
    uint64_t last = 0;
    for (uint32_t i = 0; i < 40; i++) {
        tick(&c->f);
        assert_true(asked(c) - last <= 2);
        last = asked(c);
    }
    assert_true(last * PARCEL <= MIB(8)); /* one block */
    CHECK_OK(fh_queue_signal(c->f.card.device, queue, 1));
    tick(&c->f);
    assert_true(used(c) <= before - MIB(1));
    CHECK_EQUAL(asked(c), last);
}

static void a_block_whose_owners_decline_is_left_for_another(void **state)
{
    crowd *c = *state;
    fill(c, 9, MANY, FH_EVICTABLE_AT_TICK);
    c->f.owner.manner = DECLINES;
    limit_total(&c->f, used(c) - MIB(1));
    tick(&c->f);
    uint64_t blocks = card_stats(&c->f.card).total.stats.block_count;
    CHECK_EQUAL(asked(c), blocks); /* one of each */
    CHECK_EQUAL(card_stats(&c->f.card).evict_ignored_count, blocks);
    c->f.owner.manner = LETS_GO;
    for (int i = 0; i < 3; i++) {
        tick(&c->f);
    }
    fh_account_info total = card_account(&c->f.card, FH_ACCOUNT_TOTAL, 0);
    assert_true(total.used <= total.limit);
}

static void blocks_that_a_pool_keeps_are_none_to_empty(void **state)
{
    crowd *c = *state;
    fh_pool *pool;
    CHECK_OK(fh_pool_create(
        c->f.card.device,
        &(fh_pool_desc){.type_mask = 1U << CARD_LOCAL, .block_size = MIB(1), .block_count_min = 2},
        &pool));
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    desc.memory.pool = pool;
    desc.memory.evictable = FH_EVICTABLE_AT_TICK;
    for (uint32_t i = 0; i < 3; i++) {
        c->parcels[c->count++] = check_make(&c->f.card, &desc);
    }
    limit_total(&c->f, 1);
    for (int i = 0; i < 3; i++) {
        tick(&c->f);
    }
    CHECK_EQUAL(asked(c), 1);
    CHECK_EQUAL(used(c), MIB(2));
    for (uint32_t i = 0; i < c->count; i++) {
        fh_parcel_release(c->f.card.device, c->parcels[i]);
    }
    c->count = 0;
    CHECK_OK(fh_pool_destroy(pool));
}

static void slabs_do_not_keep_their_blocks(void **state)
{
    crowd *c = *state;
    for (int i = 0; i < MANY; i++) {
        join_in(c, KIB(16), 0.5F, FH_EVICTABLE_AT_TICK);
    }
    uint64_t before = used(c);
    limit_total(&c->f, before - 1);
    tick(&c->f);
    tick(&c->f);
    assert_true(used(c) < before);
}

/* ---- in the middle of a request ---- */

static void a_request_empties_a_block(void **state)
{
    crowd *c = *state;
    fill(c, 11, MANY, FH_EVICTABLE_ANY_THREAD);
    limit_total(&c->f, used(c));
    fh_raw_desc desc = {
        .size = MIB(1),
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    fh_parcel raw = check_raw(&c->f.card, &desc);
    assert_true(asked(c) > 0 && asked(c) * PARCEL <= MIB(8));
    CHECK_EQUAL(card_stats(&c->f.card).parcel_count, MANY - asked(c) + 1);
    check_release(&c->f.card, raw);
}

static void a_request_for_which_no_block_can_be_emptied_asks_nobody(void **state)
{
    crowd *c = *state;
    fh_parcel raw;
    for (uint32_t i = 0; i < 64; i++) {
        join_in(c, PARCEL, 0.5F, i % 4 == 0 ? FH_EVICTABLE_NO : FH_EVICTABLE_ANY_THREAD);
    }
    limit_total(&c->f, used(c));
    fh_raw_desc desc = {
        .size = MIB(1),
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    CHECK_RESULT(fh_raw_create(c->f.card.device, &desc, &raw), FH_ERR_BUDGET);
    CHECK_EQUAL(asked(c), 0);
}

static void a_request_is_content_with_a_hole(void **state)
{
    crowd *c = *state;
    for (uint32_t i = 0; i < 64; i++) {
        join_in(c, PARCEL, 0.5F, i % 4 == 0 ? FH_EVICTABLE_NO : FH_EVICTABLE_ANY_THREAD);
    }
    limit_total(&c->f, used(c));
    while (asked(c) == 0) {
        join_in(c, PARCEL, 0.5F, FH_EVICTABLE_NO);
    }
    CHECK_EQUAL(asked(c), 1);
}

static void a_block_of_those_who_are_asked_at_ticks_is_noted_as_a_whole(void **state)
{
    crowd *c = *state;
    fill(c, 13, 60, FH_EVICTABLE_AT_TICK);
    uint64_t before = used(c);
    limit_total(&c->f, before);
    fh_raw_desc desc = {
        .size = KIB(300),
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    fh_parcel raw;
    CHECK_RESULT(fh_raw_create(c->f.card.device, &desc, &raw), FH_ERR_BUDGET);
    CHECK_EQUAL(asked(c), 0);
    CHECK_OK(fh_device_poll(c->f.card.device));
    assert_true(asked(c) > 0 && asked(c) * PARCEL <= MIB(8));
    uint64_t once = asked(c);
    raw = check_raw(&c->f.card, &desc);
    CHECK_EQUAL(asked(c), once);
    check_release(&c->f.card, raw);
}

static bool keep_on(void *context, const fh_block_facts *block, const fh_facts *facts,
                    fh_retain_decision *out_decision)
{
    (void)context;
    (void)block;
    (void)facts;
    out_decision->ticks = 4;
    return true;
}

static void empty_blocks_that_a_policy_keeps_for_a_while_are_waited_for(void **state)
{
    crowd *c = *state;
    static const fh_policy_ops ops = {.name = "keeper", .retain = keep_on};
    CHECK_OK(fh_device_set_policy(c->f.card.device, &ops, NULL));
    fill(c, 15, MANY, FH_EVICTABLE_AT_TICK);
    uint64_t before = used(c);
    limit_total(&c->f, before - MIB(1));
    tick(&c->f);
    uint64_t once = asked(c);
    for (int i = 0; i < 3; i++) {
        tick(&c->f);
        CHECK_EQUAL(used(c), before);
    }
    tick(&c->f);
    tick(&c->f);
    assert_true(used(c) < before);
    CHECK_EQUAL(asked(c), once);
}

int main(void)
{
#define CROWD_TEST(name) cmocka_unit_test_setup_teardown(name, gather, scatter)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_priorities_over_many_blocks_cost_little_more_than_what_is_over),
        CROWD_TEST(an_os_budget_that_falls_is_met_likewise),
        CROWD_TEST(where_something_else_lives_in_each_block_nobody_is_asked),
        CROWD_TEST(dedicated_memories_are_of_use_beside_blocks_that_are_not),
        CROWD_TEST(what_drains_is_waited_for),
        CROWD_TEST(a_cap_drains_one_block_after_the_other),
        CROWD_TEST(a_block_whose_owners_decline_is_left_for_another),
        CROWD_TEST(blocks_that_a_pool_keeps_are_none_to_empty),
        CROWD_TEST(slabs_do_not_keep_their_blocks),
        CROWD_TEST(a_request_empties_a_block),
        CROWD_TEST(a_request_for_which_no_block_can_be_emptied_asks_nobody),
        CROWD_TEST(a_request_is_content_with_a_hole),
        CROWD_TEST(a_block_of_those_who_are_asked_at_ticks_is_noted_as_a_whole),
        CROWD_TEST(empty_blocks_that_a_policy_keeps_for_a_while_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
