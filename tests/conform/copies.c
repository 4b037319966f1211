/* Conformance: buffers, copies between them, queues. */

#include "rig.h"

#include "base/bits.h"

#include <pthread.h>
#include <string.h>

enum {
    SIZE = 20000 /* of most buffers here */
};

static fh_backend_copy buffer_copy(rig_object *from, uint64_t from_offset, rig_object *to,
                                   uint64_t to_offset, uint64_t size)
{
    return (fh_backend_copy){
        .kind = FH_COPY_BUFFER,
        .src = from->room,
        .src_offset = from_offset,
        .dst = to->room,
        .dst_offset = to_offset,
        .size = size,
    };
}

static fh_backend_copy fill(rig_object *buffer, uint64_t offset, uint64_t size, uint32_t pattern)
{
    return (fh_backend_copy){
        .kind = FH_COPY_FILL,
        .dst = buffer->room,
        .dst_offset = offset,
        .size = size,
        .fill = pattern,
    };
}

/* All bytes of `buffer` are those of `expected`. */
static void check_bytes(rig *r, rig_object *buffer, const void *expected, uint64_t size,
                        const char *what)
{
    static unsigned char got[1 << 20];
    assert_true(size <= sizeof got);
    rig_download(r, buffer, 0, got, size);
    rig_same(got, expected, size, what);
}

void a_copy_moves_what_it_was_asked_for_and_no_more(void **state)
{
    static unsigned char from[SIZE];
    static unsigned char to[SIZE];
    static const struct {
        uint64_t from, to, size;
    } moves[] = {
        {0, 0, SIZE},       {0, 100, 4},      {SIZE - 4, 0, 4},
        {1000, 2000, 3000}, {4, SIZE - 8, 8}, {SIZE / 2, SIZE / 4, 5000},
        {12, 16, 4096},     {8, 8, 1 << 14},
    };
    rig r;
    rig_buffer source;
    rig_buffer target;

    rig_open(&r, state);
    rig_buffer_create(&r, &source, SIZE, false);
    rig_buffer_create(&r, &target, SIZE, false);
    rig_pattern(from, SIZE, 1);
    rig_upload(&r, &source.object, 0, from, SIZE);
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        rig_pattern(to, SIZE, 100 + (uint32_t)i);
        rig_upload(&r, &target.object, 0, to, SIZE);
        fh_backend_copy copy =
            buffer_copy(&source.object, moves[i].from, &target.object, moves[i].to, moves[i].size);
        rig_copy(&r, &copy, 1);
        memcpy(to + moves[i].to, from + moves[i].from, moves[i].size);
        check_bytes(&r, &target.object, to, SIZE, "the target of a copy");
        check_bytes(&r, &source.object, from, SIZE, "the source of a copy");
    }
    rig_buffer_destroy(&r, &source);
    rig_buffer_destroy(&r, &target);
    rig_close(&r);
}

void a_fill_sets_what_it_was_asked_for_and_no_more(void **state)
{
    static unsigned char expected[SIZE];
    static const uint64_t places[][2] = {
        {0, SIZE}, {0, 4}, {4, 8}, {SIZE - 4, 4}, {1000, 12}, {400, 9996},
    };
    rig r;
    rig_buffer buffer;

    rig_open(&r, state);
    rig_buffer_create(&r, &buffer, SIZE, false);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        uint32_t pattern = 0x01020304U + (uint32_t)i * 0x11111111U;
        rig_pattern(expected, SIZE, (uint32_t)i);
        rig_upload(&r, &buffer.object, 0, expected, SIZE);
        fh_backend_copy copy = fill(&buffer.object, places[i][0], places[i][1], pattern);
        rig_copy(&r, &copy, 1);
        for (uint64_t at = 0; at < places[i][1]; at += sizeof pattern) {
            memcpy(expected + places[i][0] + at, &pattern, sizeof pattern);
        }
        check_bytes(&r, &buffer.object, expected, SIZE, "the target of a fill");
    }
    rig_buffer_destroy(&r, &buffer);
    rig_close(&r);
}

/* a → b → c → d, and what comes later overwrites. */
void copies_of_a_submission_happen_in_order(void **state)
{
    static unsigned char pattern[SIZE];
    static unsigned char expected[SIZE];
    rig r;
    rig_buffer chain[4];

    rig_open(&r, state);
    for (uint32_t i = 0; i < 4; i++) {
        rig_buffer_create(&r, &chain[i], SIZE, false);
        rig_pattern(pattern, SIZE, 50 + i);
        rig_upload(&r, &chain[i].object, 0, pattern, SIZE);
    }
    fh_backend_copy copies[] = {
        fill(&chain[0].object, 0, SIZE, 0xabababab),
        fill(&chain[0].object, SIZE / 2, SIZE / 2, 0xcdcdcdcd),
        buffer_copy(&chain[0].object, 0, &chain[1].object, 0, SIZE),
        buffer_copy(&chain[1].object, 0, &chain[2].object, 0, SIZE),
        fill(&chain[1].object, 0, SIZE, 0x11111111),
        buffer_copy(&chain[2].object, 0, &chain[3].object, 0, SIZE),
        fill(&chain[0].object, 0, SIZE, 0x22222222),
    };
    rig_copy(&r, copies, COUNT_OF(copies));
    memset(expected, 0xab, SIZE / 2);
    memset(expected + SIZE / 2, 0xcd, SIZE / 2);
    check_bytes(&r, &chain[2].object, expected, SIZE, "the third of a chain");
    check_bytes(&r, &chain[3].object, expected, SIZE, "the last of a chain");
    memset(expected, 0x11, SIZE);
    check_bytes(&r, &chain[1].object, expected, SIZE, "overwritten after it was read");
    memset(expected, 0x22, SIZE);
    check_bytes(&r, &chain[0].object, expected, SIZE, "overwritten last");
    for (uint32_t i = 0; i < 4; i++) {
        rig_buffer_destroy(&r, &chain[i]);
    }
    rig_close(&r);
}

/* A ring of buffers handed on by many submissions, waited for once. */
void submissions_of_a_queue_happen_in_order(void **state)
{
    enum {
        RING = 3,
        STEPS = 60
    };
    static unsigned char expected[SIZE];
    rig r;
    rig_buffer ring[RING];
    uint64_t value = 0;

    rig_open(&r, state);
    for (uint32_t i = 0; i < RING; i++) {
        rig_buffer_create(&r, &ring[i], SIZE, false);
    }
    rig_pattern(expected, SIZE, 5);
    rig_upload(&r, &ring[0].object, 0, expected, SIZE);
    for (uint32_t step = 0; step < STEPS; step++) {
        fh_backend_copy copies[] = {
            buffer_copy(&ring[step % RING].object, 0, &ring[(step + 1) % RING].object, 0, SIZE),
            fill(&ring[step % RING].object, 0, SIZE, step), /* nothing is left where it was */
            fill(&ring[(step + 1) % RING].object, UINT64_C(4) * step, 4, step),
        };
        value = rig_submit(&r, 0, copies, COUNT_OF(copies), NULL, 0);
        memcpy(expected + (size_t)step * 4, &step, 4);
    }
    rig_wait(&r, 0, value);
    check_bytes(&r, &ring[STEPS % RING].object, expected, SIZE, "handed on many times");
    for (uint32_t i = 0; i < RING; i++) {
        rig_buffer_destroy(&r, &ring[i]);
    }
    rig_close(&r);
}

/* Handed from queue to queue and back, nothing waited for by the CPU in between. */
void a_submission_waits_for_other_queues(void **state)
{
    enum {
        STEPS = 40
    };
    static unsigned char expected[SIZE];
    rig r;
    rig_buffer buffers[2];
    fh_epoch last = {0};

    rig_open(&r, state);
    if (r.info.queue_count < 2) {
        print_message("one queue only: skipped\n");
        rig_close(&r);
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        rig_buffer_create(&r, &buffers[i], SIZE, false);
    }
    rig_pattern(expected, SIZE, 6);
    rig_upload(&r, &buffers[0].object, 0, expected, SIZE);
    for (uint32_t step = 0; step < STEPS; step++) {
        fh_backend_copy copies[] = {
            buffer_copy(&buffers[step % 2].object, 0, &buffers[(step + 1) % 2].object, 0, SIZE),
            fill(&buffers[step % 2].object, 0, SIZE, step),
            fill(&buffers[(step + 1) % 2].object, UINT64_C(4) * step, 4, step),
        };
        uint32_t queue = step % r.info.queue_count;
        last.value = rig_submit(&r, queue, copies, COUNT_OF(copies), &last, last.value > 0 ? 1 : 0);
        last.queue = queue;
        memcpy(expected + (size_t)step * 4, &step, 4);
    }
    rig_wait(&r, last.queue, last.value);
    check_bytes(&r, &buffers[STEPS % 2].object, expected, SIZE, "handed from queue to queue");
    for (size_t i = 0; i < 2; i++) {
        rig_buffer_destroy(&r, &buffers[i]);
    }
    rig_close(&r);
}

void queues_count_up_and_never_back(void **state)
{
    rig r;
    rig_buffer buffer;

    rig_open(&r, state);
    rig_buffer_create(&r, &buffer, SIZE, false);
    for (uint32_t queue = 0; queue < r.info.queue_count; queue++) {
        uint64_t submitted = 0;
        uint64_t passed = 0;
        for (uint32_t i = 0; i < 30; i++) {
            fh_backend_copy copy = fill(&buffer.object, 0, SIZE, i);
            uint32_t count = i % 3 == 2 ? 0 : 1; /* also without any copy */
            uint64_t value = rig_submit(&r, queue, &copy, count, NULL, 0);
            assert_true(value > submitted);
            submitted = value;
            uint64_t now;
            CHECK_OK(r.ops->progress(r.device, queue, &now));
            assert_true(now >= passed && now <= submitted);
            passed = now;
        }
        rig_wait(&r, queue, submitted);
        CHECK_OK(r.ops->progress(r.device, queue, &passed));
        assert_true(passed == submitted);
        CHECK_OK(r.ops->wait(r.device, queue, submitted, 0));
        CHECK_OK(r.ops->wait(r.device, queue, 0, 0));
    }
    rig_buffer_destroy(&r, &buffer);
    rig_close(&r);
}

void a_wait_for_what_was_not_submitted_times_out(void **state)
{
    rig r;
    rig_open(&r, state);
    for (uint32_t queue = 0; queue < r.info.queue_count; queue++) {
        uint64_t value = rig_submit(&r, queue, NULL, 0, NULL, 0);
        rig_wait(&r, queue, value);
        CHECK_RESULT(r.ops->wait(r.device, queue, value + 1, 0), FH_ERR_TIMEOUT);
        CHECK_RESULT(r.ops->wait(r.device, queue, value + 1, 2000000), FH_ERR_TIMEOUT);
        rig_wait(&r, queue, rig_submit(&r, queue, NULL, 0, NULL, 0));
    }
    rig_close(&r);
}

void buffers_in_one_memory_do_not_touch_each_other(void **state)
{
    enum {
        COUNT = 9
    };
    static unsigned char expected[COUNT][SIZE];
    rig r;
    rig_object objects[COUNT];
    rig_memory memory;
    uint64_t offsets[COUNT];
    uint64_t end = 0;
    uint32_t types = UINT32_MAX;

    rig_open(&r, state);
    for (uint32_t i = 0; i < COUNT; i++) {
        rig_object_buffer(&r, &objects[i], SIZE / (i + 1), FH_USAGE_COPY);
        offsets[i] = fhi_align_up(end, objects[i].needs.alignment);
        end = offsets[i] + objects[i].needs.size;
        types &= objects[i].needs.type_mask;
    }
    rig_memory_alloc(&r, &memory, end, rig_type(&r, types, 0, FH_MEMORY_PROTECTED));
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK_OK(r.ops->bind(r.device, objects[i].room, memory.room, offsets[i]));
    }
    for (uint32_t round = 0; round < 2 * COUNT; round++) {
        uint32_t i = round * 4 % COUNT;
        rig_pattern(expected[i], SIZE / (i + 1), round);
        rig_upload(&r, &objects[i], 0, expected[i], SIZE / (i + 1));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        check_bytes(&r, &objects[i], expected[i], SIZE / (i + 1), "one of many in a memory");
        rig_object_destroy(&r, &objects[i]);
    }
    rig_memory_free(&r, &memory);
    rig_close(&r);
}

/* Two buffers half over each other: what one writes the other reads, and only there. */
void aliased_buffers_see_the_same_bytes(void **state)
{
    static unsigned char low[SIZE];
    static unsigned char high[SIZE];
    rig r;
    rig_object objects[2];
    rig_memory memory;

    rig_open(&r, state);
    for (size_t i = 0; i < 2; i++) {
        rig_object_buffer(&r, &objects[i], SIZE, FH_USAGE_COPY);
    }
    const fh_requirements *needs = &objects[0].needs;
    uint64_t shift = fhi_align_up(SIZE / 2, needs->alignment);
    rig_memory_alloc(&r, &memory, shift + needs->size,
                     rig_type(&r, needs->type_mask, 0, FH_MEMORY_PROTECTED));
    CHECK_OK(r.ops->bind(r.device, objects[0].room, memory.room, 0));
    CHECK_OK(r.ops->bind(r.device, objects[1].room, memory.room, shift));

    rig_pattern(high, SIZE, 1);
    rig_upload(&r, &objects[1], 0, high, SIZE);
    rig_pattern(low, SIZE, 2);
    rig_upload(&r, &objects[0], 0, low, SIZE);
    memcpy(high, low + shift, SIZE - shift);
    check_bytes(&r, &objects[1], high, SIZE, "written through the lower buffer");

    rig_pattern(high, SIZE, 3);
    rig_upload(&r, &objects[1], 0, high, SIZE);
    memcpy(low + shift, high, SIZE - shift);
    check_bytes(&r, &objects[0], low, SIZE, "written through the upper buffer");
    for (size_t i = 0; i < 2; i++) {
        rig_object_destroy(&r, &objects[i]);
    }
    rig_memory_free(&r, &memory);
    rig_close(&r);
}

/* Bytes stay in their memory when the buffer goes, and are there for the next one. */
void a_buffers_memory_outlives_it(void **state)
{
    static unsigned char expected[SIZE];
    rig r;
    rig_object object;
    rig_memory memory;

    rig_open(&r, state);
    rig_object_buffer(&r, &object, SIZE, FH_USAGE_COPY);
    rig_memory_alloc(&r, &memory, object.needs.size,
                     rig_type(&r, object.needs.type_mask, 0, FH_MEMORY_PROTECTED));
    CHECK_OK(r.ops->bind(r.device, object.room, memory.room, 0));
    rig_pattern(expected, SIZE, 4);
    rig_upload(&r, &object, 0, expected, SIZE);
    for (int i = 0; i < 3; i++) {
        rig_object_destroy(&r, &object);
        rig_object_buffer(&r, &object, SIZE, FH_USAGE_COPY);
        CHECK_OK(r.ops->bind(r.device, object.room, memory.room, 0));
        check_bytes(&r, &object, expected, SIZE, "left by the buffer before");
    }
    rig_object_destroy(&r, &object);
    rig_memory_free(&r, &memory);
    rig_close(&r);
}

/* ---- threads ---- */

enum {
    THREADS = 4,
    ROUNDS = 40,
    PIECE = 3000
};

typedef struct worker {
    pthread_t thread;
    rig *r;
    uint32_t number;
    rig_memory *shared; /* each thread has a part of its own in it */
    uint64_t offset;    /* of that part */
    rig_buffer staging;
    const char *fault; /* cmocka belongs to the main thread */
} worker;

/* A buffer in the shared memory: written by one copy, read back by another. */
static const char *round_trip(worker *w, uint32_t round)
{
    const fh_backend_ops *ops = w->r->ops;
    fh_backend_device *device = w->r->device;
    fh_buffer_desc desc = {.size = PIECE, .usage = FH_USAGE_COPY, .capacity = PIECE};
    rig_object object = {0};
    unsigned char expected[PIECE];
    unsigned char got[PIECE];
    uint32_t queue = (w->number + round) % w->r->info.queue_count;
    uint64_t value = 0;

    if (ops->buffer_create(device, &desc, PIECE, object.room, &object.needs) != FH_OK ||
        ops->bind(device, object.room, w->shared->room, w->offset) != FH_OK) {
        return "a buffer could not be created and bound";
    }
    rig_pattern(expected, PIECE, w->number * 1000 + round);
    fh_backend_copy copies[] = {
        buffer_copy(&w->staging.object, 0, &object, 0, PIECE),
        fill(&w->staging.object, 0, PIECE, 0),
        buffer_copy(&object, 0, &w->staging.object, 0, PIECE),
    };
    if (rig_memory_write(w->r, &w->staging.memory, 0, expected, PIECE) != FH_OK ||
        ops->submit(device, queue, copies, COUNT_OF(copies), NULL, 0, &value) != FH_OK ||
        ops->wait(device, queue, value, RIG_TIMEOUT_NS) != FH_OK ||
        rig_memory_read(w->r, &w->staging.memory, 0, got, PIECE) != FH_OK) {
        return "copies could not be submitted and waited for";
    }
    ops->object_destroy(device, object.room);
    return memcmp(got, expected, PIECE) == 0 ? NULL : "the bytes are not those that were written";
}

static void *start(void *argument)
{
    worker *w = argument;
    for (uint32_t round = 0; round < ROUNDS && w->fault == NULL; round++) {
        w->fault = round_trip(w, round);
    }
    return NULL;
}

void threads_can_all_use_one_device(void **state)
{
    rig r;
    rig_memory shared;
    rig_object probe;
    worker workers[THREADS];

    rig_open(&r, state);
    rig_object_buffer(&r, &probe, PIECE, FH_USAGE_COPY);
    uint64_t part = fhi_align_up(probe.needs.size, probe.needs.alignment);
    rig_memory_alloc(&r, &shared, part * THREADS,
                     rig_type(&r, probe.needs.type_mask, 0, FH_MEMORY_PROTECTED));
    rig_object_destroy(&r, &probe);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.r = &r, .number = i, .shared = &shared, .offset = i * part};
        rig_buffer_create(&r, &workers[i].staging, PIECE, true);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, start, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        if (workers[i].fault != NULL) {
            fail_msg("thread %zu: %s", i, workers[i].fault);
        }
        rig_buffer_destroy(&r, &workers[i].staging);
    }
    rig_memory_free(&r, &shared);
    rig_close(&r);
}
