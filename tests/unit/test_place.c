/* place: which class a request is of, what the policy sees of it, how long its verdict is kept, and
 * what a verdict does. */

#include "brain.h"

#include <freehold/observer.h>

#include <math.h>

/* ---- place: facts and classes ---- */

static void place_sees_the_request_its_class_and_the_heaps(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    fh_parcel before = check_dedicated(f, MIB(2));
    set(f, &brain_ops);
    fh_buffer_desc desc = card_buffer_desc(MIB(5));
    desc.memory.tag = tag;
    desc.memory.priority = 0.25F;
    desc.memory.within_budget = true;
    desc.memory.name = "hills";
    desc.memory.location = FH_LOCATION_UPLOAD;
    fh_parcel parcel = check_make(&f->card, &desc);
    const fh_request *seen = &f->brain.seen;
    assert_int_equal(seen->kind, FH_KIND_BUFFER);
    CHECK_EQUAL(seen->usage, desc.usage);
    assert_int_equal(seen->location, FH_LOCATION_UPLOAD);
    assert_int_equal(seen->access, FH_ACCESS_SEQUENTIAL);
    CHECK_EQUAL(seen->tag, tag);
    assert_string_equal(f->brain.seen_tag, "terrain");
    assert_string_equal(f->brain.seen_name, "hills");
    CHECK_EQUAL(seen->size_min, MIB(4));
    CHECK_EQUAL(seen->size_max, MIB(8) - 1);
    CHECK_EQUAL(seen->size, MIB(5));
    assert_true(seen->alignment >= 16);
    CHECK_EQUAL(seen->type_mask, 7);
    assert_true(seen->priority == 0.25F);
    assert_true(seen->within_budget);
    assert_false(seen->mapped);
    CHECK_EQUAL(f->brain.facts.heap_count, 2);
    CHECK_EQUAL(f->brain.facts.used, MIB(2));
    CHECK_EQUAL(f->brain.facts.heaps[0].used, MIB(2));
    CHECK_EQUAL(f->brain.facts.heaps[0].size, MIB(64));
    CHECK_EQUAL(f->brain.facts.heaps[0].os_budget, GIB(1));
    CHECK_EQUAL(f->brain.facts.heaps[0].limit, GIB(1));
    CHECK_EQUAL(f->brain.facts.heaps[0].headroom, GIB(1) - MIB(2));
    CHECK_EQUAL(f->brain.facts.heaps[0].os_usage, MIB(2));
    CHECK_EQUAL(f->brain.facts.heaps[0].unaccounted, 0);
    CHECK_EQUAL(f->brain.facts.limit, FH_NO_LIMIT);
    assert_true(f->brain.facts.heaps[0].device_local);
    assert_false(f->brain.facts.heaps[1].device_local);
    assert_true(f->brain.facts.now_ns > 0);
    check_release(&f->card, parcel);

    fh_texture_desc texture = {
        .format = FH_FORMAT_RGBA8_UNORM, .width = 64, .height = 32, .mips = 3};
    CHECK_OK(fh_texture_create(f->card.device, &texture, &parcel));
    assert_int_equal(seen->kind, FH_KIND_TEXTURE);
    assert_int_equal(seen->format, FH_FORMAT_RGBA8_UNORM);
    CHECK_EQUAL(seen->width, 64);
    CHECK_EQUAL(seen->height, 32);
    CHECK_EQUAL(seen->depth, 1);
    CHECK_EQUAL(seen->mips, 3);
    CHECK_EQUAL(seen->samples, 1);
    assert_string_equal(f->brain.seen_tag, "");
    check_release(&f->card, parcel);
    check_release(&f->card, before);
}

static void classes_end_at_powers_of_two_and_at_the_policy_s_steps(void **state)
{
    fixture *f = *state;
    set(f, &brain_ops);
    static const struct {
        uint64_t size, min, max;
    } classes[] = {
        {2048, 2048, 2999},           {2999, 2048, 2999},
        {3000, 3000, 4095},           {4096, 4096, 8191},
        {MIB(2), MIB(2), MIB(3) - 1}, {MIB(3), MIB(3), MIB(4) - 1},
        {MIB(4), MIB(4), MIB(8) - 1}, {MIB(24), MIB(24), MIB(32) - 1},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(classes); i++) {
        f->brain.seen = (fh_request){0};
        touch_size(f, classes[i].size);
        if (f->brain.seen.size == 0) { /* the same class as before */
            assert_true(i > 0 && classes[i].min == classes[i - 1].min);
            continue;
        }
        CHECK_EQUAL(f->brain.seen.size_min, classes[i].min);
        CHECK_EQUAL(f->brain.seen.size_max, classes[i].max);
    }
    CHECK_EQUAL(f->brain.places, TEST_COUNT_OF(classes) - 1);
}

static void one_that_has_changed_is_asked_again_with_its_new_steps(void **state)
{
    static const uint64_t steps[] = {2500}, unsorted[] = {5, 5};
    fixture *f = *state;
    set(f, &brain_ops);
    touch_size(f, 2999);
    CHECK_EQUAL(f->brain.seen.size_max, 2999);
    f->brain.change = (fh_policy_change){steps, TEST_COUNT_OF(steps)};
    tick(f);
    touch_size(f, 2999);
    CHECK_EQUAL(f->brain.places, 1); /* it says that it has not changed */
    CHECK_EQUAL(f->brain.limit_calls, 1);

    f->brain.renews = true;
    tick(f);
    CHECK_EQUAL(f->brain.limit_calls, 2);
    touch_size(f, 2999);
    CHECK_EQUAL(f->brain.places, 2);
    CHECK_EQUAL(f->brain.seen.size_min, 2500);
    CHECK_EQUAL(f->brain.seen.size_max, 4095);

    f->brain.change = (fh_policy_change){unsorted, TEST_COUNT_OF(unsorted)};
    tick(f);
    tick(f);
    touch_size(f, 2999);
    CHECK_EQUAL(f->brain.places, 3);
    CHECK_EQUAL(f->brain.seen.size_min, 2500); /* the last ones stay, which is told once */
    CHECK_EQUAL(f->card.complaints, 1);

    f->brain.change = (fh_policy_change){0};
    tick(f);
    touch_size(f, 2999);
    CHECK_EQUAL(f->brain.seen.size_max, 4095);
    CHECK_EQUAL(f->brain.seen.size_min, 2048);
}

static void a_limit_of_a_change_holds_from_its_tick_on(void **state)
{
    fixture *f = *state;
    fh_parcel more;
    set(f, &brain_ops);
    fh_parcel parcel = check_dedicated(f, 70000);
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.total = 100000};
    f->brain.renews = true;
    tick(f);
    CHECK_REFUSED(dedicated(f, 30001, &more), more, FH_ERR_BUDGET, "70000");
    f->brain.limits = (fh_limits){0};
    tick(f);
    CHECK_OK(dedicated(f, 30001, &more));
    check_release(&f->card, parcel);
    check_release(&f->card, more);
}

/* ---- place: the cache ---- */

static void a_class_is_asked_for_once(void **state)
{
    fixture *f = *state;
    set(f, &brain_ops);
    for (uint64_t size = 256; size < 512; size++) {
        touch_size(f, size);
    }
    CHECK_EQUAL(f->brain.places, 1);
    CHECK_EQUAL(card_stats(&f->card).place_count, 1);
    fh_buffer_desc desc = card_buffer_desc(300);
    desc.usage = FH_USAGE_VERTEX;
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 2);
    desc.memory.location = FH_LOCATION_UPLOAD;
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 3);
    desc.memory.access = FH_ACCESS_RANDOM;
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 4);
    desc.memory.access = FH_ACCESS_SEQUENTIAL; /* what the location implies */
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 4);
    CHECK_OK(fh_device_tag(f->card.device, "one", &desc.memory.tag));
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 5);
    desc.memory.name = "no part of a class";
    desc.memory.priority = 0.75F;
    touch(f, &desc);
    CHECK_EQUAL(f->brain.places, 5);
    for (int i = 0; i < 5; i++) {
        tick(f);
        touch(f, &desc);
    }
    CHECK_EQUAL(f->brain.places, 5);
}

static void a_verdict_says_how_long_it_is_kept(void **state)
{
    fixture *f = *state;
    f->brain.decides = true;
    f->brain.verdict.keep = FH_KEEP_FRAME;
    set(f, &brain_ops);
    for (uint32_t i = 1; i <= 3; i++) {
        tick(f);
        touch_size(f, 100);
        touch_size(f, 100);
        CHECK_EQUAL(f->brain.places, i);
    }
    f->brain.verdict.keep = FH_KEEP_NEVER;
    tick(f);
    for (uint32_t i = 4; i <= 6; i++) {
        touch_size(f, 100);
        CHECK_EQUAL(f->brain.places, i);
    }
    /* Also one without an opinion may depend on what is no part of the class. */
    f->brain.decides = false;
    touch_size(f, 100);
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, 8);
    f->brain.verdict.keep = FH_KEEP_RELOAD;
    touch_size(f, 100);
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, 9);
}

static void verdicts_are_dropped_when_the_policy_is_set_and_when_it_forgets(void **state)
{
    fixture *f = *state;
    set(f, &brain_ops);
    touch_size(f, 100);
    set(f, &brain_ops);
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, 2);
    f->brain.frame_decision.forget = true;
    tick(f);
    f->brain.frame_decision.forget = false;
    touch_size(f, 100);
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, 3);
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.total = MIB(32), .watermark_count = 1, .watermarks = {0.5}};
    f->brain.pressure_decision.forget = true;
    f->brain.frame_decision.limits = true;
    fh_parcel parcel = check_dedicated(f, MIB(20));
    tick(f);
    CHECK_EQUAL(f->brain.pressures, 1);
    uint32_t before = f->brain.places;
    touch_size(f, 100);
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, before + 1);
    check_release(&f->card, parcel);
}

/* The n-th of many classes: tags and sizes. */
static fh_buffer_desc nth_class(const fh_tag *tags, uint32_t n)
{
    fh_buffer_desc desc = card_buffer_desc(UINT64_C(16) << n % 8);
    desc.memory.tag = tags[n / 8];
    return desc;
}

static void no_more_than_4096_are_kept_and_the_least_used_goes(void **state)
{
    fixture *f = *state;
    static fh_tag tags[520];
    for (uint32_t i = 0; i < TEST_COUNT_OF(tags); i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %u", i);
        CHECK_OK(fh_device_tag(f->card.device, name, &tags[i]));
    }
    set(f, &brain_ops);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 4096; i++) {
            fh_buffer_desc desc = nth_class(tags, i);
            touch(f, &desc);
        }
        CHECK_EQUAL(f->brain.places, 4096);
        tick(f);
    }
    /* The first is used, so the second is the least used. */
    fh_buffer_desc first = nth_class(tags, 0), second = nth_class(tags, 1),
                   third = nth_class(tags, 2), extra = nth_class(tags, 4096);
    touch(f, &first);
    touch(f, &extra);
    CHECK_EQUAL(f->brain.places, 4097);
    tick(f);
    touch(f, &first);
    touch(f, &third);
    CHECK_EQUAL(f->brain.places, 4097);
    touch(f, &second);
    CHECK_EQUAL(f->brain.places, 4098);
}

/* ---- place: what a verdict does ---- */

static uint32_t type_of_new(const fixture *f, uint64_t size)
{
    fh_parcel parcel = check_buffer(&f->card, size);
    uint32_t type = check_info(&f->card, parcel).type;
    check_release(&f->card, parcel);
    return type;
}

static void a_verdict_chooses_the_memory(void **state)
{
    fixture *f = *state;
    CHECK_EQUAL(type_of_new(f, 100), CARD_LOCAL);
    f->brain.decides = true;
    f->brain.verdict = (fh_verdict){.memory_count = 1, .memory = {FH_LOCATION_READBACK}};
    set(f, &brain_ops);
    CHECK_EQUAL(type_of_new(f, 100), CARD_CACHED);
    CHECK_EQUAL(type_of_new(f, 100), CARD_CACHED);
    f->brain.verdict = (fh_verdict){.type_mask = 1U << CARD_WRITTEN};
    set(f, &brain_ops);
    CHECK_EQUAL(type_of_new(f, 100), CARD_WRITTEN);
    /* In order: the next when the one before is full. */
    f->brain.verdict =
        (fh_verdict){.memory_count = 2, .memory = {FH_LOCATION_DEVICE, FH_LOCATION_READBACK}};
    set(f, &brain_ops);
    check_limit(&f->card, FH_ACCOUNT_HEAP, 0, MIB(1));
    CHECK_EQUAL(type_of_new(f, 100), CARD_LOCAL);
    CHECK_EQUAL(type_of_new(f, MIB(2)), CARD_CACHED);
    /* Or not at all. */
    f->brain.verdict.no_spill = true;
    set(f, &brain_ops);
    fh_parcel parcel;
    fh_buffer_desc desc = card_buffer_desc(MIB(2));
    CHECK_REFUSED(fh_buffer_create(f->card.device, &desc, &parcel), parcel, FH_ERR_BUDGET,
                  "heap 0");
}

static void a_verdict_chooses_dedicated_priority_and_pool(void **state)
{
    fixture *f = *state;
    f->brain.decides = true;
    f->brain.verdict = (fh_verdict){.has_dedicated = true,
                                    .dedicated = FH_DEDICATED_PREFER,
                                    .has_priority = true,
                                    .priority = 0.9F};
    set(f, &brain_ops);
    fh_parcel parcel = check_buffer(&f->card, 1000);
    fh_parcel_info info = check_info(&f->card, parcel);
    assert_true(info.dedicated);
    assert_true(info.priority == 0.9F);
    check_release(&f->card, parcel);

    fh_pool *pool;
    fh_pool_desc pool_desc = {.type_mask = 1U << CARD_LOCAL, .block_size = MIB(1)};
    CHECK_OK(fh_pool_create(f->card.device, &pool_desc, &pool));
    f->brain.verdict = (fh_verdict){.pool = pool};
    set(f, &brain_ops);
    fh_parcel in_pool = check_buffer(&f->card, 1000);
    fh_pool_info pool_info;
    CHECK_OK(fh_pool_get(pool, &pool_info));
    CHECK_EQUAL(pool_info.stats.range_count, 1);
    CHECK_RESULT(fh_pool_destroy(pool), FH_ERR_BUSY);
    /* A pool whose memory would not do is not taken. */
    fh_parcel upload = check_upload(&f->card, 1000);
    fh_buffer_desc mapped = card_buffer_desc(1000);
    mapped.memory.location = FH_LOCATION_UPLOAD;
    mapped.memory.mapped = true;
    fh_parcel written = check_make(&f->card, &mapped);
    assert_true(check_info(&f->card, written).type != CARD_LOCAL);
    check_release(&f->card, written);
    check_release(&f->card, upload);
    check_release(&f->card, in_pool);
    /* A pool that is gone is in no verdict any more, and one that never was here is no answer. */
    CHECK_OK(fh_pool_destroy(pool));
    uint32_t complaints = atomic_load(&f->card.complaints);
    touch_size(f, 1000);
    touch_size(f, 1000);
    CHECK_EQUAL(atomic_load(&f->card.complaints), complaints + 1);
}

/* Who destroys the pool that a request is on the way to, from inside that request. */
typedef struct wrecker {
    fh_pool *pool;
    fh_result result;
    uint32_t calls;
} wrecker;

static void wreck(wrecker *w)
{
    if (w->calls++ == 0) {
        w->result = fh_pool_destroy(w->pool);
    }
}

static void wreck_at_event(void *context, fh_device *device, const fh_event *event)
{
    (void)device;
    (void)event;
    wreck(context);
}

static fh_result wreck_at_write(void *context, const char *text, size_t size)
{
    (void)text;
    (void)size;
    wreck(context);
    return FH_OK;
}

static void a_pool_that_a_verdict_named_stays_until_the_request_is_over(void **state)
{
    fixture *f = *state;
    wrecker w = {0};
    fh_buffer_desc desc = card_buffer_desc(1000);
    uint32_t id;
    fh_pool_desc pool_desc = {.type_mask = 1U << CARD_LOCAL, .block_size = MIB(1)};
    CHECK_OK(fh_pool_create(f->card.device, &pool_desc, &w.pool));
    f->brain.decides = true;
    f->brain.verdict = (fh_verdict){.pool = w.pool};
    set(f, &brain_ops);
    /* Its first block is made, with no parcel in it yet. */
    CHECK_OK(fh_device_observe(f->card.device, FH_EVENT_MEMORY_ALLOCATED, wreck_at_event, &w, &id));
    fh_parcel parcel = check_make(&f->card, &desc);
    CHECK_EQUAL(w.calls, 1);
    CHECK_RESULT(w.result, FH_ERR_BUSY);
    CHECK_OK(fh_device_unobserve(f->card.device, id));
    check_release(&f->card, parcel);

    /* While it is explained. */
    w.calls = 0;
    CHECK_OK(fh_device_explain(f->card.device, &desc, NULL, NULL, wreck_at_write, &w));
    assert_true(w.calls > 0);
    CHECK_RESULT(w.result, FH_ERR_BUSY);

    /* A request that fails leaves it, too. */
    desc.memory.dedicated = FH_DEDICATED_NEVER;
    desc.size = MIB(2);
    CHECK_RESULT(fh_buffer_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    desc.size = 1000;
    desc.memory.type_mask = 7U & ~(1U << CARD_LOCAL);
    check_release(&f->card, check_make(&f->card, &desc));
    CHECK_OK(fh_pool_destroy(w.pool));
}

static void a_pool_without_an_upper_end_is_not_taken_for_what_wants_one(void **state)
{
    fixture *f = *state;
    fh_pool *linear, *other;
    fh_pool_desc desc = {.type_mask = 1U << CARD_LOCAL, .block_size = MIB(1)};
    CHECK_OK(fh_pool_create(f->card.device, &desc, &other));
    desc.algorithm = FH_BLOCK_LINEAR;
    CHECK_OK(fh_pool_create(f->card.device, &desc, &linear));
    f->brain.decides = true;
    f->brain.verdict = (fh_verdict){.pool = other};
    set(f, &brain_ops);
    fh_buffer_desc buffer = card_buffer_desc(1000);
    buffer.memory.pool = linear;
    buffer.memory.upper = true;
    fh_parcel parcel = check_make(&f->card, &buffer);
    fh_pool_info info;
    CHECK_OK(fh_pool_get(linear, &info));
    CHECK_EQUAL(info.stats.range_count, 1);
    check_release(&f->card, parcel);
    CHECK_OK(fh_pool_destroy(other));
    CHECK_OK(fh_pool_destroy(linear));
}

static void what_the_program_requires_is_not_the_policy_s_to_change(void **state)
{
    fixture *f = *state;
    f->brain.decides = true;
    f->brain.verdict = (fh_verdict){.has_dedicated = true, .dedicated = FH_DEDICATED_NEVER};
    set(f, &brain_ops);
    fh_parcel parcel = check_dedicated(f, 5000);
    assert_true(check_info(&f->card, parcel).dedicated);
    check_release(&f->card, parcel);
}

static void a_verdict_denies_with_a_sentence(void **state)
{
    fixture *f = *state;
    f->brain.decides = true;
    f->brain.verdict.deny = true;
    set(f, &brain_ops);
    fh_buffer_desc desc = card_buffer_desc(12345);
    fh_parcel parcel;
    for (int i = 0; i < 2; i++) { /* also from the cache */
        CHECK_REFUSED(fh_buffer_create(f->card.device, &desc, &parcel), parcel, FH_ERR_BUDGET,
                      "brain");
        CHECK_DETAIL_NAMES("12345");
    }
    CHECK_EQUAL(f->brain.places, 1);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 2);
    CHECK_EQUAL(card_stats(&f->card).parcel_count, 0);
}

static void a_verdict_that_cannot_be_followed_is_told_once_and_the_native_rule_decides(void **state)
{
    fixture *f = *state;
    f->brain.decides = true;
    const fh_verdict wrong[] = {
        {.memory_count = FH_LOCATION_COUNT + 1},
        {.memory_count = 1, .memory = {(fh_location)77}},
        {.has_dedicated = true, .dedicated = (fh_dedicated)9},
        {.has_strategy = true, .strategy = (fh_strategy)9},
        {.has_priority = true, .priority = NAN},
        {.has_priority = true, .priority = 1.5F},
        {.keep = (fh_keep)9},
        {.pool = (fh_pool *)&f->brain},
        {.type_mask = 1U << 20}, /* none of the device's */
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        f->brain.verdict = wrong[i];
        set(f, &brain_ops);
        uint32_t before = atomic_load(&f->card.complaints);
        CHECK_EQUAL(type_of_new(f, 1000), CARD_LOCAL);
        CHECK_EQUAL(type_of_new(f, 10000), CARD_LOCAL);
        CHECK_EQUAL(atomic_load(&f->card.complaints), before + 1);
        assert_non_null(strstr(f->card.complaint, "brain"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRAIN_TEST(place_sees_the_request_its_class_and_the_heaps),
        BRAIN_TEST(classes_end_at_powers_of_two_and_at_the_policy_s_steps),
        BRAIN_TEST(one_that_has_changed_is_asked_again_with_its_new_steps),
        BRAIN_TEST(a_limit_of_a_change_holds_from_its_tick_on),
        BRAIN_TEST(a_class_is_asked_for_once),
        BRAIN_TEST(a_verdict_says_how_long_it_is_kept),
        BRAIN_TEST(verdicts_are_dropped_when_the_policy_is_set_and_when_it_forgets),
        BRAIN_TEST(no_more_than_4096_are_kept_and_the_least_used_goes),
        BRAIN_TEST(a_verdict_chooses_the_memory),
        BRAIN_TEST(a_verdict_chooses_dedicated_priority_and_pool),
        BRAIN_TEST(a_pool_that_a_verdict_named_stays_until_the_request_is_over),
        BRAIN_TEST(a_pool_without_an_upper_end_is_not_taken_for_what_wants_one),
        BRAIN_TEST(what_the_program_requires_is_not_the_policy_s_to_change),
        BRAIN_TEST(a_verdict_denies_with_a_sentence),
        BRAIN_TEST(a_verdict_that_cannot_be_followed_is_told_once_and_the_native_rule_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
