/* fh_device_explain() says what then happens, why, and changes nothing. */

#include "explain_checks.h"

#include <freehold/allocator.h>
#include <freehold/policy.h>

#include <pthread.h>
#include <stdatomic.h>

/* ---- arguments ---- */

static void exactly_one_description_is_explained(void **state)
{
    const card *c = *state;
    fh_buffer_desc buffer = card_buffer_desc(100);
    fh_texture_desc texture = {.format = FH_FORMAT_RGBA8_UNORM, .width = 16};
    fh_raw_desc raw = {.size = 100};
    test_text text = {0};
    for (unsigned int mask = 0; mask < 8; mask++) {
        fh_result result = fh_device_explain(c->device, (mask & 1) != 0 ? &buffer : NULL,
                                             (mask & 2) != 0 ? &texture : NULL,
                                             (mask & 4) != 0 ? &raw : NULL, test_text_write, &text);
        if (mask == 1 || mask == 2 || mask == 4) {
            CHECK_OK(result);
        } else {
            CHECK_RESULT(result, FH_ERR_INVALID);
            CHECK_DETAIL_NAMES("exactly one");
        }
    }
    CHECK_RESULT(fh_device_explain(NULL, &buffer, NULL, NULL, test_text_write, &text),
                 FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    CHECK_RESULT(fh_device_explain(c->device, &buffer, NULL, NULL, NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("write");
    test_text_finish(&text);
}

/* The same answer and sentence as the call that would make it. */
static void check_refused_alike(const card *c, const fh_buffer_desc *buffer,
                                const fh_texture_desc *texture, const fh_raw_desc *raw)
{
    fh_parcel parcel;
    char sentence[256];
    test_text text = {0};
    fh_result made = buffer    ? fh_buffer_create(c->device, buffer, &parcel)
                     : texture ? fh_texture_create(c->device, texture, &parcel)
                               : fh_raw_create(c->device, raw, &parcel);
    snprintf(sentence, sizeof sentence, "%s", fh_error_detail());
    assert_int_not_equal(made, FH_OK);
    fh_result said = fh_device_explain(c->device, buffer, texture, raw, test_text_write, &text);
    assert_int_equal(said, made);
    assert_string_equal(fh_error_detail(), sentence);
    CHECK_EQUAL(text.call_count, 0);
}

static void wrong_descriptions_are_refused_like_the_request_itself(void **state)
{
    const card *c = *state;
    const fh_buffer_desc good = card_buffer_desc(1024);
    fh_buffer_desc buffer = good;
    buffer.size = 0;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer = good;
    buffer.usage = 0;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer = good;
    buffer.capacity = 5;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer = good;
    buffer.memory.tag = 5;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer = good;
    buffer.memory.priority = 2;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer = good;
    buffer.memory.backing = (fh_parcel){12345678};
    check_refused_alike(c, &buffer, NULL, NULL);
    fh_parcel raw_below = check_raw(c, &(fh_raw_desc){.size = KIB(64)});
    fh_parcel buffer_below = check_buffer(c, KIB(64));
    buffer.memory.backing = buffer_below;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer.memory.backing = raw_below;
    buffer.memory.backing_offset = 7;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer.memory.backing_offset = KIB(64);
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer.memory.backing_offset = 0;
    buffer.memory.mapped = true;
    check_refused_alike(c, &buffer, NULL, NULL);
    buffer.memory.mapped = false;
    buffer.memory.required = FH_MEMORY_PROTECTED;
    check_refused_alike(c, &buffer, NULL, NULL);
    check_release(c, raw_below);
    check_release(c, buffer_below);
    fh_texture_desc texture = {.format = FH_FORMAT_RGBA8_UNORM};
    check_refused_alike(c, NULL, &texture, NULL);
    texture.width = 16;
    texture.memory.location = (fh_location)9;
    check_refused_alike(c, NULL, &texture, NULL);
    fh_raw_desc raw = {.size = 0};
    check_refused_alike(c, NULL, NULL, &raw);
    raw = (fh_raw_desc){.size = 100, .alignment = 3};
    check_refused_alike(c, NULL, NULL, &raw);
}

/* ---- what it says is what happens ---- */

/* Everything that could have changed. */
typedef struct picture {
    fh_device_stats stats;
    uint64_t memories, bytes, objects;
    uint64_t refused;
} picture;

static picture take_picture(const card *c)
{
    picture p = {.stats = card_stats(c)};
    fh_simulated_live(c->backend, &p.memories, &p.bytes, &p.objects);
    for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
        p.refused += card_account(c, FH_ACCOUNT_KIND, kind).refused;
    }
    return p;
}

static void check_says_what_happens(const card *c, const test_text *text, fh_parcel parcel)
{
    fh_parcel_info info = check_info(c, parcel);
    char line[160];
    snprintf(line, sizeof line, "So it comes from memory type %u, heap %u, and reserves %llu bytes",
             info.type, info.heap, (unsigned long long)info.reserved);
    check_says(text, line);
    bool says_dedicated = strstr(text->data, "as a driver allocation of its own") != NULL;
    if (says_dedicated != info.dedicated) {
        fail_msg("dedicated: %d, and it says:\n%s", (int)info.dedicated, text->data);
    }
    bool says_mapped = strstr(text->data, "The CPU can map it") != NULL;
    assert_int_equal(says_mapped, (info.flags & FH_MEMORY_HOST_VISIBLE) != 0);
}

static fh_memory_desc any_memory(test_rng *rng, fh_pool *pool)
{
    fh_memory_desc memory = {
        .location = (fh_location)test_below(rng, FH_LOCATION_COUNT),
        .access = (fh_access)test_below(rng, FH_ACCESS_COUNT),
        .dedicated = (fh_dedicated)test_below(rng, 4),
        .name = test_chance(rng, 50) ? "any" : NULL,
    };
    if (test_chance(rng, 20)) {
        memory.required = FH_MEMORY_HOST_VISIBLE;
    }
    if (test_chance(rng, 20)) {
        memory.preferred = (fh_memory_flags)test_below(rng, 16);
    }
    if (test_chance(rng, 20)) {
        memory.type_mask = 1 + (uint32_t)test_below(rng, 7);
    }
    if (test_chance(rng, 10) && memory.dedicated != FH_DEDICATED_REQUIRE) {
        memory.pool = pool;
    }
    return memory;
}

static void explain_and_make(const card *c, test_rng *rng, fh_pool *pool, fh_parcel *out_parcel)
{
    fh_memory_desc memory = any_memory(rng, pool);
    uint64_t size = test_log_uniform(rng, MIB(6));
    fh_buffer_desc buffer = {.size = size,
                             .capacity = test_chance(rng, 20) ? size * 2 : 0,
                             .usage = FH_USAGE_STORAGE,
                             .memory = memory};
    fh_texture_desc texture = {
        .format = FH_FORMAT_RGBA8_UNORM,
        .width = 1 + (uint32_t)test_below(rng, 1000),
        .height = 1 + (uint32_t)test_below(rng, 1000),
        .usage = test_chance(rng, 20) ? FH_USAGE_TRANSIENT_TARGET | FH_USAGE_COLOR_TARGET : 0,
        .linear = test_chance(rng, 20),
        .memory = memory};
    fh_raw_desc raw = {.size = size, .memory = memory};
    unsigned int which = (unsigned int)test_below(rng, 3);
    test_text text = {0};
    picture before = take_picture(c);
    fh_result said =
        fh_device_explain(c->device, which == 0 ? &buffer : NULL, which == 1 ? &texture : NULL,
                          which == 2 ? &raw : NULL, test_text_write, &text);
    picture after = take_picture(c);
    assert_memory_equal(&before, &after, sizeof before); /* nothing was allocated or counted */
    fh_result made = which == 0   ? fh_buffer_create(c->device, &buffer, out_parcel)
                     : which == 1 ? fh_texture_create(c->device, &texture, out_parcel)
                                  : fh_raw_create(c->device, &raw, out_parcel);
    if (made == FH_OK) {
        CHECK_OK(said);
        check_says_what_happens(c, &text, *out_parcel);
    } else if (made == FH_ERR_UNSUPPORTED && said == FH_OK) {
        check_says(&text, "FH_ERR_UNSUPPORTED");
        check_does_not_say(&text, "So it comes from");
    } else if (made == FH_ERR_INVALID || made == FH_ERR_UNSUPPORTED) {
        assert_int_equal(said, made);
    }
    test_text_finish(&text);
}

static void what_it_says_is_what_happens(void **state)
{
    (void)state;
    static const char *const profiles[] = {"discrete-8g", "rebar-16g", "uma-16g", "mobile-4g"};
    test_rng rng = {test_seed()};
    for (size_t p = 0; p < TEST_COUNT_OF(profiles); p++) {
        card c;
        card_builtin(&c, profiles[p]);
        c.desc.margin = p % 2 == 0 ? 0 : 32;
        c.desc.block_size = MIB(8);
        check_open(&c);
        fh_pool *pool;
        fh_parcel parcels[16] = {{0}};
        CHECK_OK(fh_pool_create(c.device, &(fh_pool_desc){.name = "own"}, &pool));
        for (unsigned int i = 0; i < 400; i++) {
            size_t at = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
            check_release(&c, parcels[at]);
            parcels[at] = (fh_parcel){0};
            explain_and_make(&c, &rng, pool, &parcels[at]);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
            check_release(&c, parcels[i]);
        }
        CHECK_OK(fh_pool_destroy(pool));
        check_close(&c);
    }
}

/* ---- policies and allocators ---- */

typedef struct mind {
    unsigned int asked;
    bool has_opinion;
    fh_verdict verdict;
    fh_request last;
} mind;

static bool place(void *context, const fh_request *request, const fh_facts *facts,
                  fh_verdict *out_verdict)
{
    mind *m = context;
    (void)facts;
    m->asked++;
    m->last = *request;
    *out_verdict = m->verdict;
    return m->has_opinion;
}

static const fh_policy_ops minded = {.name = "minded", .place = place};

static void a_policy_is_asked_and_its_answer_told(void **state)
{
    const card *c = *state;
    mind m = {.has_opinion = false};
    fh_buffer_desc desc = card_buffer_desc(1000);
    CHECK_OK(fh_device_set_policy(c->device, &minded, &m));
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "The policy \"minded\" has no opinion about this");
    test_text_finish(&text);
    assert_int_equal(m.asked, 1);
    CHECK_EQUAL(m.last.size, 1000);
    assert_int_equal(m.last.kind, FH_KIND_BUFFER);
    text = explain_buffer(c, &desc); /* nothing was cached */
    assert_int_equal(m.asked, 2);
    test_text_finish(&text);

    m.has_opinion = true;
    m.verdict = (fh_verdict){.memory_count = 2,
                             .memory = {FH_LOCATION_UPLOAD, FH_LOCATION_DEVICE},
                             .has_dedicated = true,
                             .dedicated = FH_DEDICATED_PREFER,
                             .has_priority = true,
                             .priority = 0.25F,
                             .has_within_budget = true,
                             .within_budget = true,
                             .no_spill = true};
    text = explain_buffer(c, &desc);
    check_says(&text, "The policy \"minded\" decides: location upload then device dedicated prefer "
                      "priority 25 % within_budget yes no_spill.");
    check_says(&text, "as upload memory");
    check_says(&text, "since the policy says no_spill");
    check_says(&text, "So it comes from memory type 1, heap 1");
    check_says(&text, "dedicated memory is preferred");
    fh_parcel buffer = check_make(c, &desc);
    check_says_what_happens(c, &text, buffer);
    check_release(c, buffer);
    test_text_finish(&text);

    m.verdict = (fh_verdict){.deny = true};
    text = explain_buffer(c, &desc);
    check_says(&text, "The policy \"minded\" denies it");
    check_does_not_say(&text, "So it comes");
    test_text_finish(&text);

    m.verdict = (fh_verdict){.type_mask = 4};
    text = explain_buffer(c, &desc);
    check_says(&text, "the policy's type_mask leaves it out");
    check_says(&text, "So it comes from memory type 2");
    test_text_finish(&text);
    CHECK_OK(fh_device_set_policy(c->device, NULL, NULL));
    text = explain_buffer(c, &desc);
    check_says(&text, "No policy is set");
    test_text_finish(&text);
    fh_device_trim(c->device, NULL);
}

static void an_allocator_in_front_is_named(void **state)
{
    const card *c = *state;
    static const fh_allocator_ops ops = {.name = "our own"};
    fh_device *alias;
    fh_buffer_desc desc = card_buffer_desc(1000);
    CHECK_OK(fh_device_with_allocator(c->device, &ops, NULL, &alias));
    test_text text = explain_on(alias, &desc, NULL, NULL);
    check_says(&text, "The allocator \"our own\" is asked first");
    test_text_finish(&text);
    text = explain_buffer(c, &desc);
    check_does_not_say(&text, "allocator");
    test_text_finish(&text);
    fh_device_destroy(alias);
}

/* ---- failures ---- */

static void what_the_sink_says_ends_the_text(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(1000);
    test_text whole = explain_buffer(c, &desc);
    assert_true(whole.call_count > 1);
    for (unsigned int n = 1; n <= whole.call_count; n++) {
        test_text text = {.fail_at = n, .failure = FH_ERR_IO};
        CHECK_RESULT(fh_device_explain(c->device, &desc, NULL, NULL, test_text_write, &text),
                     FH_ERR_IO);
        assert_int_equal(text.call_count, n);
        CHECK_DETAIL_NAMES("write");
        (void)fh_device_tick(NULL); /* another sentence */
        test_text_finish(&text);
    }
    test_text_finish(&whole);
    picture p = take_picture(c);
    CHECK_EQUAL(p.objects, 0); /* the object in between was destroyed */
}

static void what_the_backend_refuses_is_passed_on(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    test_text text = {0};
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.call = FH_BACKEND_CALL_BUFFER_CREATE,
                                                       .nth = 1,
                                                       .result = FH_ERR_HOST_MEMORY}));
    CHECK_RESULT(fh_device_explain(c.device, &desc, NULL, NULL, test_text_write, &text),
                 FH_ERR_HOST_MEMORY);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_device_explain(c.device, &desc, NULL, NULL, test_text_write, &text),
                 FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_device_explain(c.device, &desc, NULL, NULL, test_text_write, &text),
                 FH_ERR_DEVICE_LOST);
    CHECK_EQUAL(text.call_count, 0);
    CHECK_NO_FAULT(card_close(&c));
}

static void an_explanation_needs_no_host_memory(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    card c;
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    memory.fail_at = memory.alloc_count + 1;
    memory.fail_on = true;
    test_text text = explain_buffer(&c, &desc);
    memory.fail_at = 0;
    test_text_finish(&text);
    check_close(&c);
    test_memory_finish(&memory);
}

static void names_are_made_clean(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(1000);
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "t\nSo it", &tag));
    desc.memory.name = "a\xff%s%n\nb\x7f";
    desc.memory.tag = tag;
    test_text text = explain_buffer(c, &desc);
    check_says(&text, "buffer \"a?%s%n?b?\"");
    check_says(&text, "tag \"t?So it\"");
    check_says(&text, "  tag t?So it: ");
    check_does_not_say(&text, "\nSo it:");
    test_text_finish(&text);
    check_limit(c, FH_ACCOUNT_TAG, tag, 1);
    text = explain_buffer(c, &desc);
    check_says(
        &text,
        "So it would be refused with FH_ERR_BUDGET: 1000 B are more than the 1 B that are the "
        "limit of the tag t?So it.\n");
    test_text_finish(&text);
    fh_parcel refused;
    CHECK_RESULT(fh_buffer_create(c->device, &desc, &refused), FH_ERR_BUDGET);
    CHECK_DETAIL_NAMES("tag \"t?So it\"");
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    fh_device *device;
    uint64_t seed;
    const char *fault;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    test_rng rng = {w->seed};
    for (unsigned int i = 0; i < 400; i++) {
        fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&rng, KIB(500)));
        fh_parcel buffer;
        test_text text = {0};
        if (fh_device_explain(w->device, &desc, NULL, NULL, test_text_write, &text) != FH_OK) {
            w->fault = "an explanation was refused";
        }
        test_text_finish(&text);
        if (fh_buffer_create(w->device, &desc, &buffer) == FH_OK) {
            fh_parcel_release(w->device, buffer);
        }
        if (i % 16 == 0) {
            fh_device_tick(w->device);
            fh_device_trim(w->device, NULL);
        }
    }
    return NULL;
}

static void threads_can_ask_while_others_allocate(void **state)
{
    const card *c = *state;
    worker workers[4];
    for (size_t i = 0; i < TEST_COUNT_OF(workers); i++) {
        workers[i] = (worker){.device = c->device, .seed = test_seed() + i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        CHECK_NO_FAULT(workers[i].fault);
    }
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(exactly_one_description_is_explained),
        WITH_CARD(wrong_descriptions_are_refused_like_the_request_itself),
        cmocka_unit_test(what_it_says_is_what_happens),
        WITH_CARD(a_policy_is_asked_and_its_answer_told),
        WITH_CARD(an_allocator_in_front_is_named),
        WITH_CARD(what_the_sink_says_ends_the_text),
        cmocka_unit_test(what_the_backend_refuses_is_passed_on),
        cmocka_unit_test(an_explanation_needs_no_host_memory),
        WITH_CARD(names_are_made_clean),
        WITH_CARD(threads_can_ask_while_others_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
