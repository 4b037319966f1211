/* What fh_device_explain() foretells: random requests on full and on limited devices get the memory
 * that it names, or the refusal. Where relief or a block that is there could make another outcome,
 * it says so, and only there may the outcome be another one. */

#include "explain_checks.h"

#include <freehold/policy.h>

typedef struct foretold {
    bool comes, refused;
    unsigned int type;
    unsigned long long reserved;
    bool dedicated;
    char result[32];
    bool may_be_relieved; /* if anything is freed */
    bool may_have_room;   /* in memory that is there */
} foretold;

static foretold read_out(const test_text *text)
{
    foretold told = {0};
    const char *comes = strstr(text->data, "So it comes from memory type ");
    const char *refused = strstr(text->data, "So it would be refused with ");
    unsigned int heap;

    if (comes) {
        /* NOLINTNEXTLINE(cert-err34-c): the sentence is Freehold's own */
        int read = sscanf(comes, "So it comes from memory type %u, heap %u, and reserves %llu",
                          &told.type, &heap, &told.reserved);
        told.comes = read == 3;
    }
    told.refused =
        refused && sscanf(refused, "So it would be refused with %31[A-Z_]:", told.result) == 1;
    told.dedicated = strstr(text->data, "as a driver allocation of its own") != NULL;
    told.may_be_relieved = strstr(text->data, "Unless that helps:") != NULL;
    told.may_have_room = strstr(text->data, "no other can be made") != NULL;
    return told;
}

typedef struct counts {
    unsigned int made, refused, spilled, relieved, unsure;
} counts;

/* Whether the outcome is the one that was told. */
static bool is_as_told(const card *c, const foretold *told, fh_result made, fh_parcel parcel)
{
    if (made != FH_OK) {
        return told->refused && strcmp(told->result, fh_result_name(made)) == 0;
    }
    fh_parcel_info info = check_info(c, parcel);
    return told->comes && told->type == info.type && told->dedicated == info.dedicated &&
           told->reserved == info.reserved;
}

static fh_memory_desc any_memory(test_rng *rng, fh_tag tag, fh_pool *pool)
{
    fh_memory_desc memory = {
        .location = (fh_location)test_below(rng, FH_LOCATION_COUNT),
        .access = (fh_access)test_below(rng, FH_ACCESS_COUNT),
        .dedicated = (fh_dedicated)test_below(rng, 4),
        .within_budget = test_chance(rng, 30),
        .tag = test_chance(rng, 50) ? tag : 0,
    };
    if (test_chance(rng, 30)) {
        memory.required = (fh_memory_flags)1 << test_below(rng, 4);
    }
    if (test_chance(rng, 30)) {
        memory.preferred = (fh_memory_flags)1 << test_below(rng, 5);
    }
    if (test_chance(rng, 20)) {
        memory.type_mask = 1 + (uint32_t)test_below(rng, 15);
    }
    if (test_chance(rng, 10) && memory.dedicated != FH_DEDICATED_REQUIRE) {
        memory.pool = pool;
    }
    return memory;
}

static uint64_t any_size(test_rng *rng)
{
    uint64_t size = UINT64_C(1) << test_below(rng, test_chance(rng, 10) ? 44 : 31);
    return size + test_below(rng, 3) - (size > 1 ? 1 : 0);
}

static void explain_and_make(const card *c, test_rng *rng, fh_tag tag, fh_pool *pool,
                             fh_parcel *out_parcel, counts *n)
{
    uint64_t size = any_size(rng);
    fh_memory_desc memory = any_memory(rng, tag, pool);
    fh_buffer_desc buffer = {.size = size,
                             .capacity = test_chance(rng, 20) ? size * 2 : 0,
                             .usage = 1 + (fh_usage)test_below(rng, 511),
                             .memory = memory};
    fh_raw_desc raw = {.size = size, .memory = memory};
    bool is_raw = test_chance(rng, 30);
    test_text text = {0};

    *out_parcel = (fh_parcel){0};
    fh_result said = fh_device_explain(c->device, is_raw ? NULL : &buffer, NULL,
                                       is_raw ? &raw : NULL, test_text_write, &text);
    uint64_t before = card_stats(c).driver_free_count;
    fh_result made = is_raw ? fh_raw_create(c->device, &raw, out_parcel)
                            : fh_buffer_create(c->device, &buffer, out_parcel);
    bool freed = card_stats(c).driver_free_count != before;
    if (said != FH_OK || made == FH_ERR_UNSUPPORTED) {
        assert_int_equal(said == FH_OK ? FH_ERR_UNSUPPORTED : said, made);
        test_text_finish(&text);
        return;
    }
    foretold told = read_out(&text);
    assert_int_equal(told.comes + told.refused, 1);
    n->made += made == FH_OK;
    n->refused += made != FH_OK;
    n->spilled += told.comes && strstr(text.data, "\nMemory type ") != NULL;
    n->relieved += told.may_be_relieved;
    n->unsure += told.may_have_room;
    if (!is_as_told(c, &told, made, *out_parcel) && !told.may_have_room &&
        !(told.may_be_relieved && freed)) {
        fail_msg("%s %s, type %u, after:\n%s", fh_result_name(made),
                 made == FH_OK ? "" : fh_error_detail(),
                 made == FH_OK ? check_info(c, *out_parcel).type : 99, text.data);
    }
    test_text_finish(&text);
}

static void set_any_limit(const card *c, test_rng *rng, fh_tag tag)
{
    uint32_t heap_count = fh_device_adapter(c->device)->heap_count;
    uint64_t limit = test_chance(rng, 40) ? FH_NO_LIMIT : MIB(1) << test_below(rng, 12);

    switch (test_below(rng, 4)) {
    case 0:
        check_limit(c, FH_ACCOUNT_TOTAL, 0, test_chance(rng, 70) ? FH_NO_LIMIT : limit);
        break;
    case 1:
        check_limit(c, FH_ACCOUNT_HEAP, (uint32_t)test_below(rng, heap_count), limit);
        break;
    case 2:
        check_limit(c, FH_ACCOUNT_KIND, test_chance(rng, 50) ? FH_KIND_RAW : FH_KIND_BUFFER,
                    test_chance(rng, 70) ? FH_NO_LIMIT : limit);
        break;
    default:
        check_limit(c, FH_ACCOUNT_TAG, tag, limit);
        break;
    }
}

enum {
    PARCELS = 64,
    STEPS = 1200
};

static void check_profile(const char *profile, bool limits, test_rng *rng, counts *n)
{
    card c;
    fh_tag tag;
    fh_pool *pool;
    fh_parcel parcels[PARCELS] = {{0}};

    card_builtin(&c, profile);
    check_open(&c);
    CHECK_OK(fh_device_tag(c.device, "some", &tag));
    CHECK_OK(fh_pool_create(
        c.device, &(fh_pool_desc){.name = "own", .block_size = MIB(4), .block_count_max = 2},
        &pool));
    for (unsigned int i = 0; i < STEPS; i++) {
        size_t at = (size_t)test_below(rng, PARCELS);
        if (limits && test_chance(rng, 5)) {
            set_any_limit(&c, rng, tag);
        }
        if (parcels[at].id != 0 && test_chance(rng, 60)) {
            continue; /* so that heaps are full for a while */
        }
        if (parcels[at].id != 0) {
            check_release(&c, parcels[at]);
        }
        explain_and_make(&c, rng, tag, pool, &parcels[at], n);
    }
    for (size_t i = 0; i < PARCELS; i++) {
        if (parcels[i].id != 0) {
            check_release(&c, parcels[i]);
        }
    }
    CHECK_OK(fh_pool_destroy(pool));
    check_close(&c);
}

static void requests_get_what_was_foretold(void **state)
{
    (void)state;
    static const char *const profiles[] = {"discrete-8g", "rebar-16g", "uma-16g", "mobile-4g"};
    test_rng rng = {test_seed()};
    counts n = {0};
    for (unsigned int i = 0; i < 2 * TEST_COUNT_OF(profiles); i++) {
        check_profile(profiles[i / 2], i % 2 != 0, &rng, &n);
    }
    assert_true(n.made > 0 && n.refused > 0 && n.spilled > 0 && n.relieved > 0);
    assert_true(n.unsure < n.made / 4); /* it commits itself mostly */
}

/* The words for each way. */
static void types_that_cannot_give_it_are_passed_over(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(MIB(256) + 1);
    desc.memory.location = FH_LOCATION_UPLOAD;
    desc.memory.preferred = FH_MEMORY_DEVICE_LOCAL;
    test_text text = explain_buffer(&c, &desc);
    check_says(&text, "Memory type 2 cannot give it: 256.00 MiB are more than the ");
    check_says(&text, "So it comes from memory type 1");
    check_does_not_say(&text, "relieved");
    test_text_finish(&text);
    desc.size = UINT64_C(4) << 40;
    text = explain_buffer(&c, &desc);
    check_says(&text, "So it would be refused with FH_ERR_OUT_OF_MEMORY: 4 TiB are more than the ");
    check_does_not_say(&text, "So it comes");
    check_does_not_say(&text, "relieved");
    test_text_finish(&text);
    check_close(&c);
}

static void what_relief_may_change_is_said(void **state)
{
    const card *c = *state;
    fh_parcel most = check_buffer(c, MIB(60));
    fh_buffer_desc desc = card_buffer_desc(MIB(5));
    test_text text = explain_buffer(c, &desc);
    check_says(&text,
               "Memory type 0 is full: 5 MiB are more than what is left, 4 MiB, of the 64 MiB of "
               "heap 0.\nIt would be relieved first:");
    check_says(&text, "Unless that helps:\nSo it comes from memory type 1, heap 1");
    test_text_finish(&text);
    check_limit(c, FH_ACCOUNT_TOTAL, 0, MIB(62));
    text = explain_buffer(c, &desc);
    check_says(&text,
               "Unless that helps:\nSo it would be refused with FH_ERR_BUDGET: 5 MiB are more than "
               "what is left, 2 MiB, of the 62 MiB that are the limit of the total.\n");
    test_text_finish(&text);
    check_limit(c, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_release(c, most);
}

static void allocations_that_are_all_taken_are_said(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.allocation_count_max = 4;
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    desc.memory.type_mask = 1;
    fh_parcel parcels[4];
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        parcels[i] = check_make(&c, &desc);
    }
    test_text text = explain_buffer(&c, &desc);
    check_says(&text, "So it would be refused with FH_ERR_OUT_OF_MEMORY: the adapter gives 4 "
                      "allocations, and all are taken.");
    test_text_finish(&text);
    fh_parcel refused;
    CHECK_RESULT(fh_buffer_create(c.device, &desc, &refused), FH_ERR_OUT_OF_MEMORY);
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        check_release(&c, parcels[i]);
    }
    check_close(&c);
}

static uint32_t deny(void *context, const fh_request *request, const fh_facts *facts,
                     fh_relief out_actions[FH_RELIEF_MAX])
{
    (void)context;
    (void)request;
    (void)facts;
    out_actions[0] = (fh_relief){.action = FH_RELIEF_DENY};
    return 1;
}

static void a_policy_that_relieves_has_the_last_word(void **state)
{
    const card *c = *state;
    static const fh_policy_ops ops = {.name = "denies", .relieve = deny};
    CHECK_OK(fh_device_set_policy(c->device, &ops, NULL));
    check_limit(c, FH_ACCOUNT_HEAP, 0, MIB(1));
    fh_buffer_desc desc = card_buffer_desc(MIB(5));
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "What is done about that, the policy's relieve decides. If that ends as the "
                      "native rule does:\n");
    test_text_finish(&text);
    desc = card_buffer_desc(1000);
    text = explain_buffer(c, &desc);
    check_does_not_say(&text, "relieve");
    test_text_finish(&text);
    CHECK_OK(fh_device_set_policy(c->device, NULL, NULL));
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_get_what_was_foretold),
        cmocka_unit_test(types_that_cannot_give_it_are_passed_over),
        WITH_CARD(what_relief_may_change_is_said),
        cmocka_unit_test(allocations_that_are_all_taken_are_said),
        WITH_CARD(a_policy_that_relieves_has_the_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
