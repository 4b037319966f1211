/* The budget of the operating system: for every request, or for those that ask for it; over
 * blocks and dedicated memory; less what others of the process use. */

#include "card_checks.h"

/* A driver allocation of exactly that many bytes. */
static fh_result dedicated(const card *c, uint64_t size, fh_parcel *out)
{
    fh_raw_desc desc = {
        .size = size, .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    return fh_raw_create(c->device, &desc, out);
}

static void budget_card(card *c, uint64_t budget, uint64_t unaccounted, bool advisory)
{
    card_small(c);
    c->profile.heaps[0].size = GIB(1);
    c->profile.os_budget[0] = budget;
    c->profile.os_unaccounted[0] = unaccounted;
    c->desc.os_budget_advisory = advisory;
    check_open(c);
}

/* How many buffers of 2 MiB, of 60, are made. */
static uint32_t many(const card *c, bool within_budget, fh_dedicated how, fh_parcel parcels[60])
{
    uint32_t count = 0;
    for (; count < 60; count++) {
        fh_buffer_desc desc = card_buffer_desc(MIB(2));
        desc.memory.within_budget = within_budget;
        desc.memory.dedicated = how;
        desc.memory.type_mask = 1U << CARD_LOCAL;
        fh_result result = fh_buffer_create(c->device, &desc, &parcels[count]);
        if (result != FH_OK) {
            CHECK_RESULT(result, FH_ERR_BUDGET);
            CHECK_DETAIL_NAMES("heap 0");
            break;
        }
    }
    return count;
}

static void let_go(const card *c, const fh_parcel *parcels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_release(c, parcels[i]);
    }
    CHECK_OK(fh_device_trim(c->device, NULL));
}

/* The field's case: 60 x 2 MB went into a budget of 80 MB without an error. */
static void within_budget_holds_for_blocks_too(void **state)
{
    (void)state;
    static const fh_dedicated ways[] = {FH_DEDICATED_AUTO, FH_DEDICATED_NEVER,
                                        FH_DEDICATED_REQUIRE};
    fh_parcel parcels[60];
    for (size_t i = 0; i < TEST_COUNT_OF(ways); i++) {
        card c;
        budget_card(&c, MIB(80), 0, true);
        CHECK_EQUAL(many(&c, true, ways[i], parcels), 40);
        CHECK_USED(&c, FH_ACCOUNT_HEAP, 0, MIB(80));
        let_go(&c, parcels, 40);
        /* Advice only, for those who do not care. */
        CHECK_EQUAL(many(&c, false, ways[i], parcels), 60);
        let_go(&c, parcels, 60);
        check_close(&c);

        budget_card(&c, MIB(80), 0, false);
        CHECK_EQUAL(many(&c, false, ways[i], parcels), 40);
        let_go(&c, parcels, 40);
        check_close(&c);
    }
}

/* What others of this process use is not ours to take. */
static void the_budget_is_for_the_whole_process(void **state)
{
    (void)state;
    fh_parcel parcels[60];
    card c;
    budget_card(&c, MIB(80), MIB(20), false);
    CHECK_EQUAL(many(&c, false, FH_DEDICATED_AUTO, parcels), 30);
    let_go(&c, parcels, 30);
    check_close(&c);
    budget_card(&c, MIB(80), MIB(100), true);
    CHECK_EQUAL(many(&c, true, FH_DEDICATED_AUTO, parcels), 0);
    check_close(&c);
}

/* Within budget also means: not the room of a block, when the heap is over its budget. */
static void a_heap_over_its_budget_takes_nothing_that_wants_to_be_within(void **state)
{
    (void)state;
    fh_parcel parcels[60];
    card c;
    budget_card(&c, MIB(80), 0, true);
    CHECK_EQUAL(many(&c, false, FH_DEDICATED_NEVER, parcels), 60);
    assert_true(card_used(&c, FH_ACCOUNT_HEAP, 0) > MIB(80));
    for (uint32_t i = 0; i < 60; i += 2) {
        check_release(&c, parcels[i]); /* room in every block, and none goes */
        parcels[i] = (fh_parcel){0};
    }
    fh_buffer_desc desc = card_buffer_desc(KIB(4));
    desc.memory.within_budget = true;
    desc.memory.type_mask = 1U << CARD_LOCAL;
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c.device, &desc, &out), out, FH_ERR_BUDGET, "heap 0");
    desc.memory.within_budget = false;
    CHECK_OK(fh_buffer_create(c.device, &desc, &out));
    check_release(&c, out);
    for (uint32_t i = 0; i < 60; i++) {
        CHECK_OK(fh_parcel_release(c.device, parcels[i]));
    }
    check_close(&c);
}

static void a_shrinking_budget_is_heeded_at_the_next_tick(void **state)
{
    (void)state;
    fh_parcel parcels[60];
    card c;
    budget_card(&c, MIB(80), 0, false);
    CHECK_OK(fh_simulated_fault(
        c.backend, &(fh_fault){.kind = FH_FAULT_BUDGET, .tick = 1, .heap = 0, .bytes = MIB(16)}));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(16));
    CHECK_EQUAL(card_stats(&c).budgets[0].budget, MIB(16));
    CHECK_EQUAL(many(&c, false, FH_DEDICATED_AUTO, parcels), 8);
    fh_simulated_clear(c.backend);
    CHECK_OK(fh_device_tick(c.device));
    let_go(&c, parcels, 8);
    CHECK_EQUAL(many(&c, false, FH_DEDICATED_AUTO, parcels), 40);
    let_go(&c, parcels, 40);
    check_close(&c);
}

static void budgets_have_our_own_growth_added(void **state)
{
    (void)state;
    card c;
    budget_card(&c, MIB(80), MIB(3), false);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).budgets[0].budget, MIB(80));
    CHECK_EQUAL(card_stats(&c).budgets[0].usage, MIB(3));
    fh_parcel parcel;
    CHECK_OK(dedicated(&c, MIB(7), &parcel));
    CHECK_EQUAL(card_stats(&c).budgets[0].usage, MIB(10));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).budgets[0].usage, MIB(10));
    check_release(&c, parcel);
    CHECK_EQUAL(card_stats(&c).budgets[0].usage, MIB(3));
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_budget_holds_for_blocks_too),
        cmocka_unit_test(the_budget_is_for_the_whole_process),
        cmocka_unit_test(a_heap_over_its_budget_takes_nothing_that_wants_to_be_within),
        cmocka_unit_test(a_shrinking_budget_is_heeded_at_the_next_tick),
        cmocka_unit_test(budgets_have_our_own_growth_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
