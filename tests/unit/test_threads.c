/* Threads that each have a block of their own share nothing: not the block, not the last failure.
 * Worth most under ThreadSanitizer. */

#include "checks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    THREADS = 4,
    ROUNDS = 3000
};

typedef struct worker {
    pthread_t thread;
    uint64_t number;
    uint64_t seed;
    const char *fault; /* cmocka belongs to the main thread */
} worker;

/* A failure of this thread's own, told in its own words also after the others failed, too. */
static const char *fail_and_read(const worker *w, fh_block *block, uint64_t round)
{
    char asked[32];
    uint64_t size = UINT64_C(1000000000) * (w->number + 1) + round;
    fh_range range;
    if (fh_block_alloc(block, &(fh_range_desc){.size = size}, &range, NULL) !=
        FH_ERR_OUT_OF_MEMORY) {
        return "a request larger than the block was not refused";
    }
    snprintf(asked, sizeof asked, "%" PRIu64, size);
    for (int again = 0; again < 3; again++) {
        if (strstr(fh_error_detail(), asked) == NULL) {
            return "fh_error_detail tells of another thread's failure";
        }
    }
    return NULL;
}

static const char *work(const worker *w)
{
    if (strcmp(fh_error_detail(), "") != 0) {
        return "a new thread has a failure already";
    }
    test_rng rng = {w->seed};
    shadow model;
    fh_block_algorithm algorithm = w->number % 2 == 0 ? FH_BLOCK_TLSF : FH_BLOCK_LINEAR;
    shadow_init(&model, 100000, algorithm);
    fh_block *block;
    if (fh_block_create(&(fh_block_desc){.size = model.size, .algorithm = algorithm}, &block) !=
        FH_OK) {
        return "fh_block_create failed";
    }
    const char *fault = NULL;
    for (uint64_t i = 0; i < ROUNDS && fault == NULL; i++) {
        fh_range_desc desc = {.size = test_log_uniform(&rng, 5000)};
        desc.strategy = (fh_strategy)test_below(&rng, 4);
        fault = shadow_alloc(&model, block, &desc, NULL, NULL);
        if (fault == NULL && model.count > 0 && test_chance(&rng, 50)) {
            fault = shadow_free(&model, block, (size_t)test_below(&rng, model.count));
        }
        if (fault == NULL && i % 50 == 0) {
            fault = fail_and_read(w, block, i);
        }
        if (fault == NULL && i % 100 == 0) {
            fault = fhi_block_audit(block);
            fault = fault != NULL ? fault : shadow_compare(&model, block);
        }
    }
    fh_block_destroy(block);
    shadow_finish(&model);
    return fault;
}

static void *start(void *argument)
{
    worker *w = argument;
    w->fault = work(w);
    return NULL;
}

static void threads_with_blocks_of_their_own_share_nothing(void **state)
{
    (void)state;
    worker workers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.number = i, .seed = test_seed() + i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, start, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK_NO_FAULT(workers[i].fault);
    }
}

/* Handed over at a join: a block belongs to no thread. */
static void *fill(void *argument)
{
    fh_block *block = argument;
    fh_range range;
    while (fh_block_alloc(block, &(fh_range_desc){.size = 10}, &range, NULL) == FH_OK) {
    }
    return NULL;
}

static void a_block_can_pass_from_thread_to_thread(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_TLSF);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fill, block), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    fh_stats stats;
    fh_block_stats(block, &stats);
    assert_true(stats.range_count == 100);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_with_blocks_of_their_own_share_nothing),
        cmocka_unit_test(a_block_can_pass_from_thread_to_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
