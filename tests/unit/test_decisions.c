/* The decision log: the last decisions are there, in order, whole, and only what is theirs; also
 * while others are written. */

#define _POSIX_C_SOURCE 200809L

#include "scripts.h"

#include "base/thread.h"

static fhi_decision_log log_of_tests; /* large */
static fh_decision list[FH_DECISION_LOG + 8];

static int reset(void **state)
{
    (void)state;
    fhi_decision_log_init(&log_of_tests);
    return 0;
}

/* A request that all numbers can be told of by its size. */
static void add_place(uint64_t size, bool decides)
{
    const fh_request request = {.size = size,
                                .size_min = size,
                                .size_max = size,
                                .alignment = size,
                                .width = (uint32_t)size};
    const fh_verdict verdict = {.type_mask = (uint32_t)size, .memory_count = 3};
    const fhi_decided decided = {.hook = FH_HOOK_PLACE,
                                 .outcome = decides ? FH_OUTCOME_DECIDED : FH_OUTCOME_NOTHING,
                                 .frame = size};
    fhi_decision_log_add(&log_of_tests, &decided, &request, &verdict);
}

static bool is_whole(const fh_decision *one)
{
    uint64_t size = one->frame;
    return one->hook == FH_HOOK_PLACE && one->input.request.size == size &&
           one->input.request.size_min == size && one->input.request.size_max == size &&
           one->input.request.alignment == size && one->input.request.width == (uint32_t)size &&
           one->answer.verdict.type_mask == (uint32_t)size && one->answer.verdict.memory_count == 3;
}

static void they_come_oldest_first_and_from_anywhere_on(void **state)
{
    (void)state;
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 0, list, 8), 0);
    for (uint64_t i = 1; i <= 5; i++) {
        add_place(i * 100, true);
    }
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 0, list, 8), 5);
    for (uint64_t i = 0; i < 5; i++) {
        CHECK_EQUAL(list[i].sequence, i + 1);
        assert_true(is_whole(&list[i]));
        CHECK_EQUAL(list[i].frame, (i + 1) * 100);
    }
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 3, list, 8), 2);
    CHECK_EQUAL(list[0].sequence, 4);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 1, list, 2), 2);
    CHECK_EQUAL(list[0].sequence, 2);
    CHECK_EQUAL(list[1].sequence, 3);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 5, list, 8), 0);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, UINT64_MAX, list, 8), 0);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 0, list, 0), 0);
}

static void the_last_ones_stay(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 3000; i++) {
        add_place(i, true);
    }
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 0, list, TEST_COUNT_OF(list)), FH_DECISION_LOG);
    CHECK_EQUAL(list[0].sequence, 3000 - FH_DECISION_LOG + 1);
    CHECK_EQUAL(list[FH_DECISION_LOG - 1].sequence, 3000);
    for (uint32_t i = 0; i < FH_DECISION_LOG; i++) {
        assert_true(is_whole(&list[i]) && list[i].frame == list[i].sequence);
    }
}

static void nothing_of_the_decision_before_shows_through(void **state)
{
    static const fh_decision zero;
    (void)state;
    for (uint64_t i = 1; i <= FH_DECISION_LOG; i++) {
        add_place(UINT64_MAX, true);
    }
    add_place(1, false);
    const fhi_decided decided = {.hook = FH_HOOK_RETAIN, .outcome = FH_OUTCOME_FAILED};
    fhi_decision_log_add(&log_of_tests, &decided, &(fh_block_facts){.size = 7}, NULL);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, FH_DECISION_LOG, list, 8), 2);
    assert_memory_equal(&list[0].answer, &zero.answer, sizeof zero.answer);
    assert_memory_equal(&list[1].answer, &zero.answer, sizeof zero.answer);
    CHECK_EQUAL(list[1].input.block.size, 7);
    size_t used = sizeof list[1].input.block;
    assert_memory_equal((const char *)&list[1].input + used, (const char *)&zero.input + used,
                        sizeof zero.input - used);
}

static void all_of_a_request_and_its_answer_is_there(void **state)
{
    const fh_request request = {.kind = FH_KIND_TEXTURE,
                                .usage = FH_USAGE_SAMPLED,
                                .location = FH_LOCATION_READBACK,
                                .access = (fh_access)1,
                                .tag = 1023,
                                .size_min = 1,
                                .size_max = UINT64_MAX,
                                .size = 3,
                                .alignment = 4,
                                .type_mask = 0x80000001,
                                .format = FH_FORMAT_RGBA8_UNORM,
                                .width = UINT32_MAX,
                                .height = 5,
                                .reason = FH_ERR_OUT_OF_MEMORY,
                                .account = {FH_ACCOUNT_TAG, 7},
                                .shortage = 8,
                                .attempt = 9,
                                .tried = 10};
    const fh_verdict verdict = {.memory_count = 4,
                                .memory = {FH_LOCATION_DEVICE_UPLOAD, FH_LOCATION_UPLOAD,
                                           FH_LOCATION_DEVICE, FH_LOCATION_READBACK},
                                .type_mask = 0x80000002,
                                .has_dedicated = true,
                                .has_priority = true,
                                .dedicated = FH_DEDICATED_NEVER,
                                .strategy = FH_STRATEGY_MIN_OFFSET,
                                .priority = 0.3F,
                                .within_budget = true,
                                .no_spill = true,
                                .keep = FH_KEEP_FRAME};
    const fhi_reliefs reliefs = {.count = 2,
                                 .list = {{FH_RELIEF_EVICT, 11, 0}, {FH_RELIEF_WAIT, 0, 12}}};
    fhi_decided decided = {.hook = FH_HOOK_PLACE,
                           .script = 7,
                           .version = UINT32_MAX,
                           .line = 20,
                           .charge = 21,
                           .time_ns = 22,
                           .frame = 23,
                           .now_ns = 24};
    (void)state;
    fhi_decision_log_add(&log_of_tests, &decided, &request, &verdict);
    decided.hook = FH_HOOK_RELIEVE;
    fhi_decision_log_add(&log_of_tests, &decided, &request, &reliefs);
    CHECK_EQUAL(fhi_decision_log_get(&log_of_tests, 0, list, 8), 2);
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(list[i].script, 7);
        CHECK_EQUAL(list[i].version, UINT32_MAX);
        CHECK_EQUAL(list[i].line, 20);
        CHECK_EQUAL(list[i].charge, 21);
        CHECK_EQUAL(list[i].time_ns, 22);
        CHECK_EQUAL(list[i].frame, 23);
        CHECK_EQUAL(list[i].now_ns, 24);
        CHECK_EQUAL(list[i].attempt, 9);
        CHECK_EQUAL(list[i].input.request.kind, FH_KIND_TEXTURE);
        CHECK_EQUAL(list[i].input.request.usage, FH_USAGE_SAMPLED);
        CHECK_EQUAL(list[i].input.request.location, FH_LOCATION_READBACK);
        CHECK_EQUAL(list[i].input.request.access, 1);
        CHECK_EQUAL(list[i].input.request.tag, 1023);
        CHECK_EQUAL(list[i].input.request.size_min, 1);
        CHECK_EQUAL(list[i].input.request.size_max, UINT64_MAX);
        CHECK_EQUAL(list[i].input.request.size, 3);
        CHECK_EQUAL(list[i].input.request.alignment, 4);
        CHECK_EQUAL(list[i].input.request.type_mask, 0x80000001);
        CHECK_EQUAL(list[i].input.request.format, FH_FORMAT_RGBA8_UNORM);
        CHECK_EQUAL(list[i].input.request.width, UINT32_MAX);
        CHECK_EQUAL(list[i].input.request.height, 5);
    }
    CHECK_EQUAL(list[0].input.request.shortage, 0); /* `place` has none */
    assert_true(list[1].input.request.reason == FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(list[1].input.request.account.scope, FH_ACCOUNT_TAG);
    CHECK_EQUAL(list[1].input.request.account.index, 7);
    CHECK_EQUAL(list[1].input.request.shortage, 8);
    CHECK_EQUAL(list[1].input.request.tried, 10);
    const fh_verdict *its = &list[0].answer.verdict;
    assert_memory_equal(its->memory, verdict.memory, sizeof verdict.memory);
    CHECK_EQUAL(its->memory_count, 4);
    CHECK_EQUAL(its->type_mask, 0x80000002);
    assert_true(its->has_dedicated && !its->has_strategy && its->has_priority);
    assert_true(!its->has_within_budget && its->within_budget && !its->deny && its->no_spill);
    CHECK_EQUAL(its->dedicated, FH_DEDICATED_NEVER);
    CHECK_EQUAL(its->strategy, FH_STRATEGY_MIN_OFFSET);
    CHECK_EQUAL(its->keep, FH_KEEP_FRAME);
    assert_true(its->priority == 0.3F);
    CHECK_EQUAL(list[1].answer.reliefs.count, 2);
    CHECK_EQUAL(list[1].answer.reliefs.list[0].bytes, 11);
    CHECK_EQUAL(list[1].answer.reliefs.list[1].action, FH_RELIEF_WAIT);
    CHECK_EQUAL(list[1].answer.reliefs.list[1].timeout_ns, 12);
}

/* ---- meanwhile ---- */

static _Atomic bool ends;

static void write_on(void *context)
{
    uint64_t *count = context;
    while (!atomic_load(&ends)) {
        add_place((*count)++ & UINT32_MAX, true);
    }
}

static void readers_never_see_half_of_one(void **state)
{
    fhi_thread threads[3];
    uint64_t counts[3] = {0};
    (void)state;
    atomic_store(&ends, false);
    for (int i = 0; i < 3; i++) {
        assert_true(fhi_thread_start(&threads[i], "freehold test", write_on, &counts[i]));
    }
    uint64_t read = 0, last = 0;
    const char *fault = NULL;
    uint64_t deadline = fhi_deadline(20 * SECOND_NS);
    while (read < 20000 && fhi_time_left(deadline) > 0 && !fault) {
        uint32_t count = fhi_decision_log_get(&log_of_tests, last, list, FH_DECISION_LOG);
        for (uint32_t one = 0; one < count && !fault; one++) {
            fault = list[one].sequence <= last ? "they are out of order"
                    : !is_whole(&list[one])    ? "one is torn"
                                               : NULL;
            last = list[one].sequence;
        }
        read += count;
    }
    atomic_store(&ends, true);
    for (int i = 0; i < 3; i++) {
        fhi_thread_join(&threads[i]);
    }
    CHECK_NO_FAULT(fault);
    assert_true(read > 0);
    CHECK_EQUAL(atomic_load(&log_of_tests.count), counts[0] + counts[1] + counts[2]);
    /* When all is quiet all of them are whole. */
    uint32_t count = fhi_decision_log_get(&log_of_tests, 0, list, FH_DECISION_LOG);
    for (uint32_t one = 0; one < count; one++) {
        assert_true(is_whole(&list[one]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(they_come_oldest_first_and_from_anywhere_on, reset),
        cmocka_unit_test_setup(the_last_ones_stay, reset),
        cmocka_unit_test_setup(nothing_of_the_decision_before_shows_through, reset),
        cmocka_unit_test_setup(all_of_a_request_and_its_answer_is_there, reset),
        cmocka_unit_test_setup(readers_never_see_half_of_one, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
