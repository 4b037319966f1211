/* Faults of the host backend: calls that fail, stall, lose the device, and budgets that change. */

#include "gpu.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Everything that can fail, by its number, on one device. */
typedef struct rigged {
    gpu g;
    gpu_buffer buffer; /* lives all the time, mapped */
    gpu_memory spare;  /* lives all the time, not mapped */
    unsigned char host[4096];
} rigged;

static void rigged_open(rigged *r, const fh_profile *profile)
{
    r->g = gpu_open(profile);
    gpu_buffer_create(&r->g, &r->buffer, 4096);
    CHECK_OK(gpu_alloc(&r->g, &r->spare, 100, 0));
}

static void rigged_close(rigged *r)
{
    gpu_buffer_destroy(&r->g, &r->buffer);
    r->g.ops->memory_free(r->g.device, r->spare.room);
    gpu_close(&r->g);
}

static fh_result call_object(rigged *r, fh_backend_call call)
{
    const fh_backend_ops *ops = r->g.ops;
    _Alignas(16) unsigned char room[256] = {0};
    fh_requirements needs;
    fh_buffer_desc buffer = {.size = 64, .usage = FH_USAGE_COPY};
    fh_texture_desc texture = {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .depth = 1};
    fh_result result;

    texture.layers = texture.mips = texture.samples = 1;
    if (call == FH_BACKEND_CALL_TEXTURE_CREATE) {
        result = ops->texture_create(r->g.device, &texture, room, &needs);
    } else {
        result = ops->buffer_create(r->g.device, &buffer, 64, room, &needs);
    }
    if (result != FH_OK) {
        assert_true(needs.size == 0 && needs.type_mask == 0);
        return result;
    }
    if (call == FH_BACKEND_CALL_BIND) {
        result = ops->bind(r->g.device, room, r->buffer.memory.room, 0);
    }
    ops->object_destroy(r->g.device, room);
    return result;
}

static fh_result call_memory(rigged *r, fh_backend_call call)
{
    const fh_backend_ops *ops = r->g.ops;
    gpu_memory memory = {{0}};
    fh_memory_request request = {.size = sizeof r->host, .host = r->host};
    fh_result result = call == FH_BACKEND_CALL_MEMORY_IMPORT
                           ? ops->memory_import(r->g.device, &request, memory.room)
                           : gpu_alloc(&r->g, &memory, 4096, 0);
    if (result == FH_OK) {
        ops->memory_free(r->g.device, memory.room);
    }
    return result;
}

static fh_result call_map(rigged *r)
{
    void *mapped;
    fh_result result = r->g.ops->memory_map(r->g.device, r->spare.room, &mapped);
    if (result == FH_OK) {
        r->g.ops->memory_unmap(r->g.device, r->spare.room);
    }
    return result;
}

/* That call once; BIND comes with a BUFFER_CREATE. */
static fh_result call_of(rigged *r, fh_backend_call call)
{
    const fh_backend_ops *ops = r->g.ops;
    fh_backend_device *device = r->g.device;
    fh_heap_budget budgets[FH_HEAP_MAX];
    uint64_t value;

    switch (call) {
    case FH_BACKEND_CALL_MEMORY_ALLOC:
    case FH_BACKEND_CALL_MEMORY_IMPORT:
        return call_memory(r, call);
    case FH_BACKEND_CALL_MEMORY_MAP:
        return call_map(r);
    case FH_BACKEND_CALL_MEMORY_FLUSH:
        return ops->memory_flush(device, r->buffer.memory.room, 0, 64);
    case FH_BACKEND_CALL_MEMORY_INVALIDATE:
        return ops->memory_invalidate(device, r->buffer.memory.room, 0, 64);
    case FH_BACKEND_CALL_BUFFER_CREATE:
    case FH_BACKEND_CALL_TEXTURE_CREATE:
    case FH_BACKEND_CALL_BIND:
        return call_object(r, call);
    case FH_BACKEND_CALL_BUDGET:
        return ops->budget(device, 0, budgets);
    case FH_BACKEND_CALL_SUBMIT:
        return ops->submit(device, 0, NULL, 0, NULL, 0, &value);
    case FH_BACKEND_CALL_PROGRESS:
        return ops->progress(device, 0, &value);
    case FH_BACKEND_CALL_WAIT:
        return ops->wait(device, 0, 0, 0);
    case FH_BACKEND_CALL_ANY:
    case FH_BACKEND_CALL_COUNT:
        break;
    }
    fail_msg("not a call");
    return FH_OK;
}

#define FOR_EACH_CALL(call)                                                                        \
    for (fh_backend_call call = (fh_backend_call)1; (call) < FH_BACKEND_CALL_COUNT;                \
         (call) = (fh_backend_call)((call) + 1))

static void add(rigged *r, fh_fault fault)
{
    CHECK_OK(fh_simulated_fault(r->g.device, &fault));
}

/* ---- counting ---- */

static void calls_are_counted_by_kind(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();

    (void)state;
    rigged_open(&r, &profile);
    FOR_EACH_CALL(call)
    {
        uint64_t before = fh_simulated_calls(r.g.device, call);
        uint64_t all = fh_simulated_calls(r.g.device, FH_BACKEND_CALL_ANY);
        uint64_t made = call == FH_BACKEND_CALL_BIND ? 2 : 1;
        for (uint64_t i = 1; i <= 3; i++) {
            CHECK_OK(call_of(&r, call));
            assert_true(fh_simulated_calls(r.g.device, call) == before + i);
            assert_true(fh_simulated_calls(r.g.device, FH_BACKEND_CALL_ANY) == all + made * i);
        }
        add(&r, (fh_fault){.call = call, .nth = 1}); /* a failed call counts */
        call_of(&r, call);
        assert_true(fh_simulated_calls(r.g.device, call) == before + 4);
    }
    assert_true(fh_simulated_calls(r.g.device, FH_BACKEND_CALL_COUNT) == 0);
    assert_true(fh_simulated_calls(NULL, FH_BACKEND_CALL_ANY) == 0);
    rigged_close(&r);
}

enum {
    THREADS = 40, /* more than there are stripes, so that some must share */
    ROUNDS = 3000
};

typedef struct makers {
    gpu g;
    _Atomic uint32_t arrived; /* all work at the same time: a thread's end gives its stripe on */
} makers;

static void *make_many(void *argument)
{
    makers *all = argument;
    gpu *g = &all->g;
    _Alignas(16) unsigned char room[256] = {0};
    fh_buffer_desc desc = {.size = 64, .usage = FH_USAGE_COPY};
    fh_requirements needs;
    atomic_fetch_add(&all->arrived, 1);
    while (atomic_load(&all->arrived) < THREADS) {
        fhi_sleep_ns(10000);
    }
    for (int i = 0; i < ROUNDS; i++) {
        g->ops->buffer_create(g->device, &desc, 64, room, &needs);
        if (i % 100 != 0) {
            g->ops->object_destroy(g->device, room);
        }
    }
    return NULL;
}

/* What lives is exact, also when the threads that made it are gone and others came. */
static void counts_of_many_threads_are_exact(void **state)
{
    fh_profile profile = gpu_profile();
    makers all = {.g = gpu_open(&profile)};
    pthread_t threads[THREADS];

    (void)state;
    for (uint64_t round = 1; round <= 5; round++) {
        atomic_init(&all.arrived, 0);
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, make_many, &all), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        uint64_t made = round * THREADS * ROUNDS;
        assert_true(fh_simulated_calls(all.g.device, FH_BACKEND_CALL_BUFFER_CREATE) == made);
        gpu_check_live(&all.g, 0, 0, made / 100);
    }
    all.g.ops->close(all.g.device);
}

/* ---- failing ---- */

static void a_fault_fails_the_nth_call_and_no_other(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();

    (void)state;
    rigged_open(&r, &profile);
    FOR_EACH_CALL(call)
    {
        for (uint64_t nth = 1; nth <= 4; nth++) {
            add(&r, (fh_fault){.call = call, .nth = nth, .result = FH_ERR_IO});
            FOR_EACH_CALL(other)
            {
                if (other != call &&
                    !(other == FH_BACKEND_CALL_BIND && call == FH_BACKEND_CALL_BUFFER_CREATE)) {
                    CHECK_OK(call_of(&r, other));
                }
            }
            for (uint64_t i = 1; i <= 6; i++) {
                fh_result result = call_of(&r, call);
                assert_string_equal(fh_result_name(result),
                                    fh_result_name(i == nth ? FH_ERR_IO : FH_OK));
            }
            gpu_check_live(&r.g, 2, 4196, 1);
        }
    }
    rigged_close(&r);
}

static void a_fault_without_nth_fails_all_until_it_is_cleared(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();

    (void)state;
    rigged_open(&r, &profile);
    FOR_EACH_CALL(call)
    {
        add(&r, (fh_fault){.call = call});
        for (int i = 0; i < 5; i++) {
            CHECK_RESULT(call_of(&r, call), FH_ERR_OUT_OF_MEMORY);
        }
        fh_simulated_clear(r.g.device);
        CHECK_OK(call_of(&r, call));
    }
    add(&r, (fh_fault){.result = FH_ERR_HOST_MEMORY}); /* any call */
    FOR_EACH_CALL(call)
    {
        CHECK_RESULT(call_of(&r, call), FH_ERR_HOST_MEMORY);
    }
    fh_simulated_clear(r.g.device);
    fh_simulated_clear(NULL);
    rigged_close(&r);
}

static void a_fault_can_be_for_large_requests_only(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();
    gpu_memory memory;

    (void)state;
    rigged_open(&r, &profile);
    add(&r, (fh_fault){.above = 4096});
    FOR_EACH_CALL(call)
    {
        CHECK_OK(call_of(&r, call)); /* 4096 bytes, or none */
    }
    CHECK_RESULT(gpu_alloc(&r.g, &memory, 4097, 0), FH_ERR_OUT_OF_MEMORY);
    fh_memory_request request = {.size = 4097, .host = r.host};
    CHECK_RESULT(r.g.ops->memory_import(r.g.device, &request, memory.room), FH_ERR_OUT_OF_MEMORY);
    fh_simulated_clear(r.g.device);

    add(&r, (fh_fault){.above = 5000, .nth = 2}); /* small ones do not count */
    CHECK_OK(gpu_alloc(&r.g, &memory, 6000, 0));
    r.g.ops->memory_free(r.g.device, memory.room);
    CHECK_OK(gpu_alloc(&r.g, &memory, 1, 0));
    r.g.ops->memory_free(r.g.device, memory.room);
    CHECK_RESULT(gpu_alloc(&r.g, &memory, 6000, 0), FH_ERR_OUT_OF_MEMORY);
    rigged_close(&r);
}

static void of_several_faults_the_first_wins_and_the_others_wait(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();
    const fh_backend_call bind = FH_BACKEND_CALL_BIND;

    (void)state;
    rigged_open(&r, &profile);
    add(&r, (fh_fault){.call = bind, .nth = 2, .result = FH_ERR_IO});
    add(&r, (fh_fault){.call = bind, .nth = 2, .result = FH_ERR_BUSY});
    add(&r, (fh_fault){.call = bind, .nth = 5, .result = FH_ERR_FORMAT});
    CHECK_OK(call_of(&r, bind));
    CHECK_RESULT(call_of(&r, bind), FH_ERR_IO);
    CHECK_RESULT(call_of(&r, bind), FH_ERR_BUSY); /* was due one call before */
    CHECK_OK(call_of(&r, bind));
    CHECK_RESULT(call_of(&r, bind), FH_ERR_FORMAT);
    CHECK_OK(call_of(&r, bind));
    rigged_close(&r);
}

static void impossible_faults_are_refused(void **state)
{
    static const fh_fault all[] = {
        {.kind = (fh_fault_kind)4},           {.call = FH_BACKEND_CALL_COUNT},
        {.kind = FH_FAULT_BUDGET, .heap = 1}, {.result = (fh_result)5},
        {.result = (fh_result)-1000},
    };
    static rigged r;
    fh_profile profile = gpu_profile();

    (void)state;
    rigged_open(&r, &profile);
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        CHECK_RESULT(fh_simulated_fault(r.g.device, &all[i]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("fault");
    }
    CHECK_RESULT(fh_simulated_fault(NULL, &all[0]), FH_ERR_INVALID);
    CHECK_RESULT(fh_simulated_fault(r.g.device, NULL), FH_ERR_INVALID);
    rigged_close(&r);
}

static void a_fault_without_host_memory_is_not_added(void **state)
{
    fh_profile profile = gpu_profile();
    fh_simulated_desc desc = {.profile = &profile};
    test_memory memory;
    gpu g = {.ops = fh_backend_find("host")};
    gpu_memory none;
    fh_fault fault = {.call = FH_BACKEND_CALL_MEMORY_ALLOC};

    (void)state;
    test_memory_init(&memory);
    memory.fail_at = 1;
    CHECK_RESULT(g.ops->open(&desc, 0, &memory.host, NULL, &g.device, &g.info), FH_ERR_HOST_MEMORY);
    assert_null(g.device);
    CHECK_OK(g.ops->open(&desc, 0, &memory.host, NULL, &g.device, &g.info));
    memory.fail_at = memory.alloc_count + 1;
    CHECK_RESULT(fh_simulated_fault(g.device, &fault), FH_ERR_HOST_MEMORY);
    CHECK_OK(gpu_alloc(&g, &none, 1, 0));
    g.ops->memory_free(g.device, none.room);
    CHECK_OK(fh_simulated_fault(g.device, &fault));
    fault.kind = FH_FAULT_BUDGET;
    CHECK_OK(fh_simulated_fault(g.device, &fault));
    CHECK_RESULT(gpu_alloc(&g, &none, 1, 0), FH_ERR_OUT_OF_MEMORY);
    assert_int_equal(memory.live_count, 3); /* the device, and a piece for each fault */
    fh_simulated_clear(g.device);
    assert_int_equal(memory.live_count, 1);
    fault = (fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1};
    CHECK_OK(fh_simulated_fault(g.device, &fault));
    CHECK_RESULT(gpu_alloc(&g, &none, 1, 0), FH_ERR_OUT_OF_MEMORY);
    assert_int_equal(memory.live_count, 1); /* spent */
    CHECK_OK(fh_simulated_fault(g.device, &fault));
    fault.kind = FH_FAULT_BUDGET;
    CHECK_OK(fh_simulated_fault(g.device, &fault));
    gpu_close(&g); /* with both faults */
    test_memory_finish(&memory);
}

/* ---- losing ---- */

static void a_lost_device_stays_lost(void **state)
{
    static const fh_fault losing[] = {
        {.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_BUDGET, .nth = 2},
        {.call = FH_BACKEND_CALL_BUDGET, .nth = 2, .result = FH_ERR_DEVICE_LOST},
    };
    static rigged r;
    fh_profile profile = gpu_profile();

    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(losing); i++) {
        rigged_open(&r, &profile);
        memset(r.buffer.bytes, 77, 4096);
        add(&r, losing[i]);
        CHECK_OK(call_of(&r, FH_BACKEND_CALL_BUDGET));
        CHECK_RESULT(call_of(&r, FH_BACKEND_CALL_BUDGET), FH_ERR_DEVICE_LOST);
        for (int again = 0; again < 2; again++) {
            FOR_EACH_CALL(call)
            {
                CHECK_RESULT(call_of(&r, call), FH_ERR_DEVICE_LOST);
            }
            assert_int_equal(r.buffer.bytes[4095], 77); /* mappings stay readable */
            fh_simulated_clear(r.g.device);
        }
        rigged_close(&r); /* frees work */
    }
}

/* ---- stalling ---- */

typedef struct stalled {
    pthread_t thread;
    rigged *r;
    fh_backend_call call;
    atomic_bool done;
    fh_result result;
} stalled;

static void *call_once(void *argument)
{
    stalled *s = argument;
    s->result = call_of(s->r, s->call);
    atomic_store(&s->done, true);
    return NULL;
}

static void start_stalled(stalled *s, rigged *r, fh_backend_call call)
{
    s->r = r;
    s->call = call;
    atomic_init(&s->done, false);
    assert_int_equal(pthread_create(&s->thread, NULL, call_once, s), 0);
}

/* How many calls are held now: resume, and count how many were. */
static void resume_until(rigged *r, uint32_t expected)
{
    uint32_t resumed = 0;
    while (resumed < expected) {
        resumed += fh_simulated_resume(r->g.device);
        fhi_sleep_ns(1000000);
    }
    assert_int_equal(resumed, expected);
}

static void a_stalled_call_is_held_and_nobody_else(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();
    stalled calls[3];

    (void)state;
    rigged_open(&r, &profile);
    assert_int_equal(fh_simulated_resume(r.g.device), 0);
    assert_int_equal(fh_simulated_resume(NULL), 0);
    add(&r, (fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC});
    for (size_t i = 0; i < 3; i++) {
        start_stalled(&calls[i], &r, FH_BACKEND_CALL_MEMORY_ALLOC);
    }
    fhi_sleep_ns(5000000);
    FOR_EACH_CALL(call)
    {
        if (call != FH_BACKEND_CALL_MEMORY_ALLOC) {
            CHECK_OK(call_of(&r, call));
        }
    }
    for (size_t i = 0; i < 3; i++) {
        assert_false(atomic_load(&calls[i].done));
    }
    resume_until(&r, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
        CHECK_OK(calls[i].result);
    }
    assert_int_equal(fh_simulated_resume(r.g.device), 0);
    rigged_close(&r);
}

static void a_stall_of_some_time_ends_by_itself(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();
    uint64_t before;

    (void)state;
    profile.allocation_latency_ns = 3000000;
    rigged_open(&r, &profile);
    add(&r,
        (fh_fault){
            .kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_BIND, .nth = 1, .stall_ns = 5000000});
    before = fhi_now_ns();
    CHECK_OK(call_of(&r, FH_BACKEND_CALL_BIND));
    assert_true(fhi_now_ns() - before >= 5000000);
    assert_int_equal(fh_simulated_resume(r.g.device), 0); /* it is no longer held */
    before = fhi_now_ns();
    CHECK_OK(call_of(&r, FH_BACKEND_CALL_MEMORY_ALLOC));
    assert_true(fhi_now_ns() - before >= 3000000);
    rigged_close(&r);
}

static void clear_and_loss_let_stalled_calls_go(void **state)
{
    static rigged r;
    fh_profile profile = gpu_profile();
    stalled call;

    (void)state;
    rigged_open(&r, &profile);
    for (int lose = 0; lose < 2; lose++) {
        add(&r, (fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_SUBMIT});
        start_stalled(&call, &r, FH_BACKEND_CALL_SUBMIT);
        fhi_sleep_ns(10000000);
        assert_false(atomic_load(&call.done));
        if (lose) {
            add(&r, (fh_fault){.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_BUDGET});
            CHECK_RESULT(call_of(&r, FH_BACKEND_CALL_BUDGET), FH_ERR_DEVICE_LOST);
        } else {
            fh_simulated_clear(r.g.device);
        }
        assert_int_equal(pthread_join(call.thread, NULL), 0);
        assert_int_equal(call.result, lose ? FH_ERR_DEVICE_LOST : FH_OK);
    }
    rigged_close(&r);
}

/* ---- budgets ---- */

static uint64_t budget_at(gpu *g, uint64_t tick, uint32_t heap)
{
    fh_heap_budget budgets[FH_HEAP_MAX];
    CHECK_OK(g->ops->budget(g->device, tick, budgets));
    return budgets[heap].budget;
}

static void budgets_follow_the_ticks(void **state)
{
    fh_profile profile = gpu_profile();
    static const struct {
        uint64_t tick;
        uint32_t heap;
        uint64_t bytes;
    } script[] = {{10, 0, 111}, {30, 0, 0}, {20, 0, 333}, {20, 1, 444}, {20, 0, 555}};

    (void)state;
    profile.heap_count = 2;
    profile.heaps[1].size = 1000;
    gpu g = gpu_open(&profile);
    uint64_t usual = budget_at(&g, 0, 0);
    for (size_t i = 0; i < TEST_COUNT_OF(script); i++) {
        fh_fault fault = {.kind = FH_FAULT_BUDGET, .tick = script[i].tick};
        fault.heap = script[i].heap;
        fault.bytes = script[i].bytes;
        CHECK_OK(fh_simulated_fault(g.device, &fault));
    }
    assert_true(budget_at(&g, 9, 0) == usual && budget_at(&g, 9, 1) == 800);
    assert_true(budget_at(&g, 10, 0) == 111 && budget_at(&g, 19, 0) == 111);
    assert_true(budget_at(&g, 20, 0) == 555 && budget_at(&g, 20, 1) == 444);
    assert_true(budget_at(&g, 30, 0) == 0 && budget_at(&g, UINT64_MAX, 0) == 0);
    assert_true(budget_at(&g, 1000, 1) == 444);
    assert_true(budget_at(&g, 15, 0) == 111); /* also backwards */
    fh_simulated_clear(g.device);
    assert_true(budget_at(&g, 30, 0) == usual && budget_at(&g, 30, 1) == 800);
    gpu_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted_by_kind),
        cmocka_unit_test(counts_of_many_threads_are_exact),
        cmocka_unit_test(a_fault_fails_the_nth_call_and_no_other),
        cmocka_unit_test(a_fault_without_nth_fails_all_until_it_is_cleared),
        cmocka_unit_test(a_fault_can_be_for_large_requests_only),
        cmocka_unit_test(of_several_faults_the_first_wins_and_the_others_wait),
        cmocka_unit_test(impossible_faults_are_refused),
        cmocka_unit_test(a_fault_without_host_memory_is_not_added),
        cmocka_unit_test(a_lost_device_stays_lost),
        cmocka_unit_test(a_stalled_call_is_held_and_nobody_else),
        cmocka_unit_test(a_stall_of_some_time_ends_by_itself),
        cmocka_unit_test(clear_and_loss_let_stalled_calls_go),
        cmocka_unit_test(budgets_follow_the_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
