/* Threads that race for a limit, of each kind: it is never passed, not by a byte and not for a
 * moment, and nobody is refused without need. Worth most under ThreadSanitizer. FREEHOLD_OPS sets
 * how many calls there are in all. */

#include "crowd.h"

static uint64_t size_for(const crowd *c, test_rng *rng)
{
    /* Without refusals all that is held is exactly the limit, nearly always. */
    uint64_t most = c->refusals ? KIB(96) : c->limit / THREADS / HELD;
    if (test_chance(rng, c->refusals ? 20 : 90)) {
        return most & ~UINT64_C(15);
    }
    return 16 * test_log_uniform(rng, most / 16);
}

static fh_result make(worker *w, uint64_t size, fh_parcel *out)
{
    const crowd *c = w->crowd;
    fh_device *device = c->card->device;
    if (c->account.scope <= FH_ACCOUNT_HEAP) {
        fh_raw_desc desc = {
            .size = size,
            .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
        return fh_raw_create(device, &desc, out);
    }
    if (c->account.scope == FH_ACCOUNT_TAG && test_chance(&w->rng, 50)) {
        return fh_external_create(device, &(fh_external_desc){.size = size, .tag = c->tag}, out);
    }
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.tag = c->account.scope == FH_ACCOUNT_TAG ? c->tag : 0;
    return fh_buffer_create(device, &desc, out);
}

/* Counted as living after it was made, and before it is released: so what is counted is never more
 * than what lives. */
static void race_for_limit(worker *w)
{
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    struct {
        fh_parcel parcel;
        uint64_t size;
    } held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        uint64_t at = test_below(&w->rng, HELD);
        if (held[at].size != 0) {
            atomic_fetch_sub(&c->live, held[at].size);
            if (fh_parcel_release(device, held[at].parcel) != FH_OK) {
                complain(w, "release: %s", fh_error_detail());
            }
            held[at].size = 0;
            if (c->refusals && test_chance(&w->rng, 30)) {
                continue;
            }
        }
        uint64_t size = size_for(c, &w->rng);
        fh_result result = make(w, size, &held[at].parcel);
        if (result == FH_OK) {
            held[at].size = size;
            atomic_fetch_add_explicit(&c->made, 1, memory_order_relaxed);
            uint64_t live = atomic_fetch_add(&c->live, size) + size;
            if (live > c->limit) {
                complain(w, "%" PRIu64 " bytes live, and the limit is %" PRIu64, live, c->limit);
            }
        } else if (result != FH_ERR_BUDGET || !c->refusals) {
            complain(w, "%s: %s", fh_result_name(result), fh_error_detail());
        } else {
            atomic_fetch_add_explicit(&c->refused, 1, memory_order_relaxed);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        if (held[i].size != 0) {
            atomic_fetch_sub(&c->live, held[i].size);
            fh_parcel_release(device, held[i].parcel);
        }
    }
}

/* Looks at the account as a program's overlay would, and ticks now and then. */
static void sample(crowd *c)
{
    uint64_t looks = 0;
    while (atomic_load(&c->running) > 0) {
        fh_account_info info = card_account(c->card, c->account.scope, c->account.index);
        if (info.used > info.limit) {
            atomic_store(&c->stop, true);
            fail_msg("%" PRIu64 " bytes are reported as used, and the limit is %" PRIu64, info.used,
                     info.limit);
        }
        if (++looks % 16 == 0) {
            fh_device_tick(c->card->device);
        }
    }
}

static void race(fh_account_scope scope, bool refusals)
{
    card on;
    card_small(&on);
    on.profile.allocation_count_max = 100000;
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    CHECK_OK(fh_device_tag(on.device, "raced for", &c->tag));
    static const uint32_t indices[] = {0, 0, FH_KIND_BUFFER, 0};
    c->account = (fh_account){scope, scope == FH_ACCOUNT_TAG ? c->tag : indices[scope]};
    c->refusals = refusals;
    c->limit = refusals ? MIB(1) + 48 : MIB(3);
    check_limit(&on, c->account.scope, c->account.index, c->limit);
    uint64_t rounds = test_operations(scope <= FH_ACCOUNT_HEAP ? 60000 : 400000);
    begin(c, &on, race_for_limit, rounds);
    sample(c);
    join(c);
    fh_account_info info = card_account(&on, c->account.scope, c->account.index);
    CHECK_EQUAL(info.used, 0);
    CHECK_EQUAL(atomic_load(&c->live), 0);
    CHECK_EQUAL(info.refused, atomic_load(&c->refused));
    if (scope <= FH_ACCOUNT_HEAP) {
        assert_true(info.peak <= c->limit);
    }
    assert_true(atomic_load(&c->made) > 100);
    assert_true(!refusals || atomic_load(&c->refused) > 0);
    test_free(c);
    check_close(&on);
}

static void the_total_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TOTAL, true);
}

static void a_heap_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_HEAP, true);
}

static void a_kind_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_KIND, true);
}

static void a_tag_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TAG, true);
}

/* All threads together never want more than the limit: so nobody is ever refused, however the bytes
 * wander from lane to lane. */
static void nobody_is_refused_while_there_is_room(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TOTAL, false);
    race(FH_ACCOUNT_HEAP, false);
    race(FH_ACCOUNT_KIND, false);
    race(FH_ACCOUNT_TAG, false);
}

/* Driver bytes, when blocks are made and given back all the time. */
static void race_with_blocks(worker *w)
{
    bool within_budget = w->crowd->within_budget;
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    fh_parcel held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        uint64_t at = test_below(&w->rng, HELD);
        fh_parcel_release(device, held[at]);
        held[at] = (fh_parcel){0};
        fh_buffer_desc desc = card_buffer_desc(16 * test_log_uniform(&w->rng, KIB(32)));
        desc.memory.type_mask = 1U << CARD_LOCAL;
        desc.memory.within_budget = within_budget;
        if (within_budget && test_chance(&w->rng, 30)) {
            desc.memory.dedicated = FH_DEDICATED_REQUIRE;
        }
        fh_result result = fh_buffer_create(device, &desc, &held[at]);
        if (result != FH_OK && result != FH_ERR_BUDGET) {
            complain(w, "%s: %s", fh_result_name(result), fh_error_detail());
        }
        if (test_chance(&w->rng, 2)) {
            fh_device_trim(device, NULL);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(device, held[i]);
    }
}

static void blocks_are_never_over_a_limit(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->account = (fh_account){FH_ACCOUNT_HEAP, 0};
    check_limit(&on, FH_ACCOUNT_HEAP, 0, MIB(6) + KIB(12));
    begin(c, &on, race_with_blocks, test_operations(60000));
    sample(c);
    join(c);
    assert_true(card_account(&on, FH_ACCOUNT_HEAP, 0).peak <= MIB(6) + KIB(12));
    test_free(c);
    check_close(&on);
}

/* The operating system's budget holds for those who ask for that, though it is no limit here. */
static void requests_within_budget_never_exceed_it(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.profile.os_budget[0] = MIB(6) + KIB(12);
    on.desc.os_budget_advisory = true;
    on.desc.block_size = MIB(2);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->within_budget = true;
    begin(c, &on, race_with_blocks, test_operations(60000));
    while (atomic_load(&c->running) > 0) {
        uint64_t used = card_used(&on, FH_ACCOUNT_HEAP, 0);
        if (used > MIB(6) + KIB(12)) {
            atomic_store(&c->stop, true);
            fail_msg("%" PRIu64 " bytes are used, above the budget", used);
        }
    }
    join(c);
    fh_account_info info = card_account(&on, FH_ACCOUNT_HEAP, 0);
    CHECK_EQUAL(info.limit, FH_NO_LIMIT);
    assert_true(info.peak <= MIB(6) + KIB(12) && info.peak > MIB(5));
    test_free(c);
    check_close(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_total_is_never_over_its_limit),
        cmocka_unit_test(a_heap_is_never_over_its_limit),
        cmocka_unit_test(a_kind_is_never_over_its_limit),
        cmocka_unit_test(a_tag_is_never_over_its_limit),
        cmocka_unit_test(nobody_is_refused_while_there_is_room),
        cmocka_unit_test(blocks_are_never_over_a_limit),
        cmocka_unit_test(requests_within_budget_never_exceed_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
