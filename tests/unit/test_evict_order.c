/* The order in which owners are asked is made piece by piece, and is that of a plain stable sort of
 * all candidates. */

#include "card_checks.h"

#include "device/evict.h"

#include <math.h>
#include <string.h>

enum {
    CANDIDATES = 400,
    GROUNDS = 12
};

typedef struct rig {
    card card;
    fhi_core *core;
    fhi_evict_goal goal;
    fhi_candidates c;
    fhi_candidate all[CANDIDATES];
    fhi_ground grounds[GROUNDS];
    uint32_t sorted[CANDIDATES]; /* plainly */
} rig;

static double value_of(const fhi_candidate *one, fh_evict_column column)
{
    switch (column) {
    case FH_EVICT_PRIORITY:
        return (double)one->priority;
    case FH_EVICT_AGE:
        return one->age;
    case FH_EVICT_SIZE:
        return (double)one->size;
    case FH_EVICT_TAG:
        return one->tag;
    case FH_EVICT_KIND:
        return one->kind;
    case FH_EVICT_MADE:
        return one->made;
    }
    return 0.0;
}

static bool stands_before(const fh_evict_order *order, const fhi_candidate *a,
                          const fhi_candidate *b)
{
    if (a->again != b->again) {
        return b->again;
    }
    if (order->use_keys) {
        return a->key < b->key || (isnan(b->key) && !isnan(a->key));
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        double of_a = value_of(a, order->columns[i].column);
        double of_b = value_of(b, order->columns[i].column);
        if (of_a != of_b) {
            return order->columns[i].descending ? of_a > of_b : of_a < of_b;
        }
    }
    return false;
}

static void sort_plainly(rig *r, const fh_evict_order *order)
{
    for (uint32_t i = 0; i < r->c.count; i++) {
        uint32_t at = i;
        for (; at > 0 && stands_before(order, &r->all[i], &r->all[r->sorted[at - 1]]); at--) {
            r->sorted[at] = r->sorted[at - 1];
        }
        r->sorted[at] = i;
    }
}

/* Few different values, so that many are equal; or the ends of what there is. */
static uint64_t few(test_rng *rng, uint64_t most)
{
    return test_below(rng, 8) == 0 ? most - test_below(rng, 2) : test_below(rng, 4);
}

static double draw_key(test_rng *rng)
{
    const double keys[] = {0.0,
                           -0.0,
                           1.0,
                           -1.0,
                           1e300,
                           -1e300,
                           1e-310,
                           -1e-310,
                           (double)INFINITY,
                           (double)-INFINITY,
                           (double)NAN,
                           -(double)NAN};
    return keys[test_below(rng, sizeof keys / sizeof keys[0])];
}

static void draw_candidates(rig *r, test_rng *rng, bool use_keys)
{
    uint32_t ground_count = 1 + (uint32_t)test_below(rng, GROUNDS);
    uint64_t hole_share = test_log_uniform(rng, 200) + 1;
    memset(&r->goal, 0, sizeof r->goal);
    memset(r->grounds, 0, sizeof r->grounds);
    r->goal.total = r->goal.hole = 1;
    r->goal.at_once = true;
    r->c = (fhi_candidates){
        .core = r->core,
        .goal = &r->goal,
        .all = r->all,
        .count = 1 + (uint32_t)test_log_uniform(rng, CANDIDATES - 1),
        .in_request = true,
        .grounds = r->grounds,
        .ground_count = ground_count,
    };
    for (uint32_t i = 0; i < ground_count; i++) {
        r->grounds[i].first = r->grounds[i].worst = FHI_EVICT_NONE;
        r->grounds[i].spare = UINT32_MAX;
        r->grounds[i].fixed = test_below(rng, 2) == 0;
        r->grounds[i].at_tick = test_below(rng, 4) == 0;
    }
    for (uint32_t i = 0; i < r->c.count; i++) {
        uint32_t ground = (uint32_t)test_below(rng, ground_count + 1);
        r->all[i] = (fhi_candidate){
            .size = test_below(rng, 2) ? few(rng, UINT64_MAX) : (UINT64_C(1) << 53) + few(rng, 9),
            .key = use_keys ? draw_key(rng) : 0.0,
            .age = (uint32_t)few(rng, UINT32_MAX),
            .made = (uint32_t)few(rng, UINT32_MAX),
            .ground = ground < ground_count ? ground : FHI_EVICT_NONE,
            .next = FHI_EVICT_NONE,
            .priority = test_below(rng, 5) == 0 ? -0.0F : (float)test_below(rng, 5) / 4.0F,
            .tag = (uint16_t)few(rng, UINT16_MAX),
            .kind = (uint8_t)few(rng, FH_KIND_COUNT - 1),
            .evictable = test_below(rng, 2) ? FH_EVICTABLE_ANY_THREAD : FH_EVICTABLE_AT_TICK,
            .again = test_below(rng, 6) == 0,
            .hole = ground < ground_count && test_below(rng, hole_share) == 0,
        };
        if (ground < ground_count) {
            r->grounds[ground].count++;
        }
    }
}

static void draw_order(rig *r, test_rng *rng, fh_evict_order *out_order)
{
    *out_order = (fh_evict_order){.use_keys = test_below(rng, 4) == 0};
    out_order->column_count = 1 + (uint32_t)test_below(rng, 4);
    for (uint32_t i = 0; i < out_order->column_count; i++) {
        out_order->columns[i].column = (fh_evict_column)test_below(rng, FH_EVICT_MADE + 1);
        out_order->columns[i].descending = test_below(rng, 2) == 0;
    }
    r->core->policies.order = *out_order;
    r->core->policies.has_order = true;
}

/* By a walk over all: the first that leaves the hole, when no ground could go before it. */
static uint32_t first_hole_plainly(const rig *r)
{
    uint32_t seen[GROUNDS] = {0};
    for (uint32_t i = 0; i < r->c.count; i++) {
        const fhi_candidate *one = &r->all[r->sorted[i]];
        if (one->hole && !isnan(one->key) && one->evictable == FH_EVICTABLE_ANY_THREAD) {
            return r->sorted[i];
        }
        if (one->ground != FHI_EVICT_NONE) {
            const fhi_ground *ground = &r->grounds[one->ground];
            bool last = ++seen[one->ground] == ground->count;
            if (last && !ground->fixed && !ground->at_tick) {
                return FHI_EVICT_NONE;
            }
        }
    }
    return FHI_EVICT_NONE;
}

static void check_grounds(const rig *r)
{
    for (uint32_t g = 0; g < r->c.ground_count; g++) {
        const fhi_ground *ground = &r->grounds[g];
        uint32_t count = 0, next = ground->first, worst = FHI_EVICT_NONE;
        uint64_t ranks = 0;
        for (uint32_t i = 0; i < r->c.reached; i++) {
            if (r->all[r->sorted[i]].ground == g) {
                CHECK_EQUAL(next, r->sorted[i]);
                next = r->all[next].next;
                ranks += i;
                worst = ++count == ground->count ? i : FHI_EVICT_NONE;
            }
        }
        CHECK_EQUAL(next, FHI_EVICT_NONE);
        CHECK_EQUAL(ground->ranks, ranks);
        CHECK_EQUAL(ground->worst, worst);
    }
}

static void the_order_is_that_of_a_plain_sort(void **state)
{
    rig *r = *state;
    test_rng rng = {test_seed()};
    for (uint64_t n = test_operations(3000); n > 0; n--) {
        fh_evict_order order;
        draw_order(r, &rng, &order);
        draw_candidates(r, &rng, order.use_keys);
        sort_plainly(r, &order);
        assert_true(fhi_evict_order_provide(&r->c));
        fhi_evict_order_make(&r->c, true);
        for (uint32_t i = 0; i < r->c.count; i++) {
            bool forbids = isnan(r->all[i].key) && r->all[i].ground != FHI_EVICT_NONE;
            assert_true(!forbids || r->grounds[r->all[i].ground].fixed);
        }
        if (test_below(&rng, 2) == 0) {
            CHECK_EQUAL(fhi_evict_first_hole(&r->c), first_hole_plainly(r));
        }
        uint64_t most = test_below(&rng, 2) ? r->c.count : 1 + test_below(&rng, r->c.count);
        for (uint64_t i = 0; i < most; i += 1 + test_below(&rng, 3)) {
            CHECK_EQUAL((uint64_t)(fhi_evict_at(&r->c, (uint32_t)i) - r->all), r->sorted[i]);
        }
        for (uint32_t i = 0; i < r->c.reached; i++) {
            CHECK_EQUAL(r->c.ranks[i].index, r->sorted[i]);
        }
        check_grounds(r);
        fhi_evict_order_finish(&r->c);
    }
}

static int open_rig(void **state)
{
    rig *r = test_calloc(1, sizeof *r);
    card_small(&r->card);
    check_open(&r->card);
    r->core = r->card.device->core;
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    rig *r = *state;
    r->core->policies.has_order = false;
    check_close(&r->card);
    test_free(r);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_order_is_that_of_a_plain_sort, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
