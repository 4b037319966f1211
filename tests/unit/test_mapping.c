/* Mapping: pointers and how they are counted, what the two sides see of memory that is not
 * coherent, many threads at once, and what goes wrong. */

#include "bytes.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- pointers ---- */

static void the_pointer_is_the_same_and_maps_are_counted(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 1000);
    void *first;
    void *second;
    CHECK_OK(fh_parcel_map(c.device, buffer, &first));
    CHECK_OK(fh_parcel_map(c.device, buffer, &second));
    assert_non_null(first);
    assert_ptr_equal(first, second);
    CHECK_EQUAL(check_info(&c, buffer).map_count, 2);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_EQUAL(check_info(&c, buffer).map_count, 0);
    CHECK_RESULT(fh_parcel_unmap(c.device, buffer), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not mapped");
    CHECK_OK(fh_parcel_map(c.device, buffer, &second));
    assert_ptr_equal(first, second);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    check_release(&c, buffer);
    check_close(&c);
}

static void a_memory_is_mapped_once(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffers[50];
    void *pointer;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
            buffers[i] = check_upload(&c, 3000);
            CHECK_OK(fh_parcel_map(c.device, buffers[i], &pointer));
            memset(pointer, (int)i, 3000);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
            CHECK_OK(fh_parcel_unmap(c.device, buffers[i]));
            check_release(&c, buffers[i]);
        }
    }
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP),
                card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC));
    check_close(&c);
}

static void a_release_ends_all_maps(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 64);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    check_release(&c, buffer);
    CHECK_RESULT(fh_parcel_unmap(c.device, buffer), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_map(c.device, buffer, &pointer), FH_ERR_STALE);
    assert_null(pointer);
    CHECK_RESULT(fh_parcel_flush(c.device, buffer, 0, 0), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_invalidate(c.device, buffer, 0, 0), FH_ERR_STALE);
    check_close(&c);
}

static void what_cannot_be_mapped_says_so(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    void *pointer = &c;
    fh_parcel local = check_buffer(&c, 64);
    CHECK_RESULT(fh_parcel_map(c.device, local, &pointer), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("host-visible");
    assert_null(pointer);

    fh_parcel external;
    CHECK_OK(fh_external_create(c.device, &(fh_external_desc){.size = 64}, &external));
    CHECK_RESULT(fh_parcel_map(c.device, external, &pointer), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("external");

    fh_parcel texture;
    fh_texture_desc desc = {.format = FH_FORMAT_R8_UNORM, .width = 16};
    desc.memory.required = FH_MEMORY_HOST_VISIBLE;
    CHECK_OK(fh_texture_create(c.device, &desc, &texture));
    CHECK_RESULT(fh_parcel_map(c.device, texture, &pointer), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("linear");
    check_release(&c, texture);
    desc.linear = true;
    CHECK_OK(fh_texture_create(c.device, &desc, &texture));
    CHECK_OK(fh_parcel_map(c.device, texture, &pointer));
    memset(pointer, 1, 16);
    CHECK_OK(fh_parcel_unmap(c.device, texture));

    CHECK_RESULT(fh_parcel_map(c.device, local, NULL), FH_ERR_INVALID);
    pointer = &c;
    CHECK_RESULT(fh_parcel_map(NULL, local, &pointer), FH_ERR_INVALID);
    assert_null(pointer);
    CHECK_RESULT(fh_parcel_unmap(NULL, local), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_flush(NULL, local, 0, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_invalidate(NULL, local, 0, 0), FH_ERR_INVALID);
    check_release(&c, texture);
    check_release(&c, external);
    check_release(&c, local);
    check_close(&c);
}

static void imported_memory_is_where_it_was(void **state)
{
    (void)state;
    static _Alignas(4096) unsigned char room[8192];
    card c;
    card_small(&c);
    c.imports = true;
    check_open(&c);
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = sizeof room, .import = room});
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, raw, &pointer));
    assert_ptr_equal(pointer, room);
    CHECK_OK(fh_parcel_unmap(c.device, raw));
    check_release(&c, raw);
    check_close(&c);
}

static void a_parcel_on_a_backing_is_mapped_where_it_lies(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_raw_desc below = {.size = KIB(64), .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel raw = check_raw(&c, &below);
    fh_buffer_desc desc = card_buffer_desc(4096);
    desc.memory.backing = raw;
    desc.memory.backing_offset = 8192;
    fh_parcel buffer = check_make(&c, &desc);
    void *whole;
    void *part;
    CHECK_OK(fh_parcel_map(c.device, raw, &whole));
    CHECK_OK(fh_parcel_map(c.device, buffer, &part));
    assert_ptr_equal(part, (unsigned char *)whole + 8192);
    check_write(&c, buffer, 1, 0, 4096);
    CHECK_NO_FAULT(bytes_compare((unsigned char *)whole + 8192, 1, 0, 4096));
    check_release(&c, buffer);
    check_release(&c, raw);
    check_close(&c);
}

/* ---- what both sides see ---- */

/* Written through a mapping, copied by the GPU, read through another mapping. */
static void through_two_mappings(card *c)
{
    enum {
        SIZE = 5000
    };
    fh_parcel from = check_upload(c, SIZE);
    fh_parcel to = check_buffer_at(c, SIZE, FH_LOCATION_READBACK);
    unsigned char *bytes = bytes_make(7, 0, SIZE);
    void *written;
    void *seen;
    fh_epoch epoch;
    CHECK_OK(fh_parcel_map(c->device, from, &written));
    CHECK_OK(fh_parcel_map(c->device, to, &seen));
    memcpy(written, bytes, SIZE);
    CHECK_OK(fh_parcel_flush(c->device, from, 0, SIZE));
    fh_copy copy = {.src = from, .dst = to, .size = SIZE};
    CHECK_OK(fh_device_copy(c->device, &copy, 1, &epoch));
    CHECK_OK(fh_device_wait(c->device, epoch, 5 * SECOND_NS));
    CHECK_OK(fh_parcel_invalidate(c->device, to, 0, 0));
    CHECK_NO_FAULT(bytes_compare(seen, 7, 0, SIZE));
    free(bytes);
    CHECK_OK(fh_parcel_unmap(c->device, from));
    CHECK_OK(fh_parcel_unmap(c->device, to));
    check_release(c, from);
    check_release(c, to);
}

static void what_is_flushed_and_invalidated_is_seen(void **state)
{
    (void)state;
    on_every_card(through_two_mappings);
}

/* The simulation is strict, or the tests of it would prove nothing. */
static void what_is_not_flushed_is_not_seen(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_parcel from = check_upload(&c, 1024);
    fh_parcel to = check_buffer(&c, 1024);
    void *written;
    CHECK_OK(fh_parcel_map(c.device, from, &written));
    memset(written, 1, 1024);
    CHECK_OK(fh_parcel_flush(c.device, from, 0, 0));
    memset(written, 2, 1024);
    /* One byte is a whole atom. */
    CHECK_OK(fh_parcel_flush(c.device, from, 300, 1));
    fh_copy copy = {.src = from, .dst = to, .size = 1024};
    CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
    unsigned char *bytes = check_read(&c, to, 0, 1024);
    for (int i = 0; i < 1024; i++) {
        assert_int_equal(bytes[i], i >= 256 && i < 512 ? 2 : 1);
    }
    free(bytes);
    CHECK_OK(fh_parcel_unmap(c.device, from));
    check_release(&c, from);
    check_release(&c, to);
    check_close(&c);
}

static void coherent_memory_is_never_flushed(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 1024);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    CHECK_OK(fh_parcel_flush(c.device, buffer, 0, 0));
    CHECK_OK(fh_parcel_invalidate(c.device, buffer, 0, 0));
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_FLUSH), 0);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_INVALIDATE), 0);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    check_release(&c, buffer);
    check_close(&c);
}

static void ranges_are_checked(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 1000);
    void *pointer;
    CHECK_RESULT(fh_parcel_flush(c.device, buffer, 0, 0), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not mapped");
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    CHECK_OK(fh_parcel_flush(c.device, buffer, 999, 1));
    CHECK_OK(fh_parcel_flush(c.device, buffer, 1000, 0));
    CHECK_RESULT(fh_parcel_flush(c.device, buffer, 1000, 1), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("1000");
    CHECK_RESULT(fh_parcel_invalidate(c.device, buffer, 1001, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_invalidate(c.device, buffer, 1, UINT64_MAX), FH_ERR_INVALID);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_RESULT(fh_parcel_invalidate(c.device, buffer, 0, 0), FH_ERR_INVALID);
    check_release(&c, buffer);
    check_close(&c);
}

/* A memory's end need not be the end of an atom. */
static void the_last_atom_is_cut_at_the_end(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.memory.location = FH_LOCATION_UPLOAD;
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel buffer = check_make(&c, &desc);
    fh_parcel copy = check_buffer(&c, 1000);
    check_write(&c, buffer, 3, 0, 1000);
    fh_copy all = {.src = buffer, .dst = copy, .size = 1000};
    CHECK_OK(fh_device_copy(c.device, &all, 1, NULL));
    check_holds(&c, copy, 3, 0, 1000);
    check_release(&c, buffer);
    check_release(&c, copy);
    check_close(&c);
}

/* Small parcels next to each other: each one's flushes and invalidates leave the others' bytes
 * alone. */
static void neighbours_share_no_atom(void **state)
{
    (void)state;
    enum {
        COUNT = 64,
        SIZE = 40
    };
    card c;
    card_split(&c);
    check_open(&c);
    fh_parcel buffers[COUNT];
    fh_parcel copies[COUNT];
    void *pointers[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        buffers[i] = check_upload(&c, SIZE);
        copies[i] = check_buffer(&c, SIZE);
        CHECK_OK(fh_parcel_map(c.device, buffers[i], &pointers[i]));
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char *bytes = bytes_make(i, 0, SIZE);
        memcpy(pointers[i], bytes, SIZE);
        free(bytes);
    }
    /* Not flushed yet: a neighbour's invalidate must not take it back, */
    for (uint64_t i = 0; i < COUNT; i += 2) {
        CHECK_OK(fh_parcel_flush(c.device, buffers[i], 0, 0));
        CHECK_OK(fh_parcel_invalidate(c.device, buffers[i], 0, 0));
    }
    for (uint64_t i = 1; i < COUNT; i += 2) {
        CHECK_OK(fh_parcel_flush(c.device, buffers[i], 0, 0));
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        fh_copy copy = {.src = buffers[i], .dst = copies[i], .size = SIZE};
        CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
        check_holds(&c, copies[i], i, 0, SIZE);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        check_release(&c, buffers[i]);
        check_release(&c, copies[i]);
    }
    check_close(&c);
}

static void a_parcel_can_stay_mapped(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(512);
    desc.memory.location = FH_LOCATION_UPLOAD;
    desc.memory.mapped = true;
    fh_parcel buffer = check_make(&c, &desc);
    void *pointer;
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP), 1);
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    memset(pointer, 9, 512);
    CHECK_OK(fh_parcel_flush(c.device, buffer, 0, 0));
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP), 1);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- events ---- */

typedef struct tally {
    uint32_t mapped, unmapped;
    fh_parcel last;
} tally;

static void count_maps(void *context, fh_device *device, const fh_event *event)
{
    tally *t = context;
    (void)device;
    t->mapped += event->kind == FH_EVENT_PARCEL_MAPPED;
    t->unmapped += event->kind == FH_EVENT_PARCEL_UNMAPPED;
    t->last = event->parcel;
}

static void maps_are_observed(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    tally t = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(c.device, FH_EVENT_PARCEL_MAPPED | FH_EVENT_PARCEL_UNMAPPED,
                               count_maps, &t, &id));
    fh_parcel buffer = check_upload(&c, 64);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    CHECK_EQUAL(t.mapped, 1);
    CHECK_EQUAL(t.last.id, buffer.id);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_EQUAL(t.unmapped, 1);
    CHECK_RESULT(fh_parcel_unmap(c.device, buffer), FH_ERR_INVALID);
    CHECK_EQUAL(t.unmapped, 1);
    CHECK_OK(fh_device_unobserve(c.device, id));
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- threads ---- */

enum {
    THREADS = 16,
    BUFFERS = 1024,
    MAPPED_SIZE = 256
};

typedef struct mapper {
    pthread_t thread;
    const card *c;
    fh_parcel *buffers;
    uint64_t number;
    const char *fault;
} mapper;

/* Every thread maps every buffer, and writes those that are its own. */
static const char *map_all(const mapper *m)
{
    for (uint64_t i = 0; i < BUFFERS; i++) {
        uint64_t at = (i + m->number * 61) % BUFFERS;
        void *pointer;
        if (fh_parcel_map(m->c->device, m->buffers[at], &pointer) != FH_OK) {
            return "a map failed";
        }
        if (at % THREADS == m->number) {
            for (uint64_t b = 0; b < MAPPED_SIZE; b++) {
                ((unsigned char *)pointer)[b] = bytes_at(at, b);
            }
            if (fh_parcel_flush(m->c->device, m->buffers[at], 0, 0) != FH_OK) {
                return "a flush failed";
            }
        }
        if (fh_parcel_unmap(m->c->device, m->buffers[at]) != FH_OK) {
            return "an unmap failed";
        }
    }
    return NULL;
}

static void *start_mapper(void *argument)
{
    mapper *m = argument;
    m->fault = map_all(m);
    return NULL;
}

static void map_from_many_threads(void (*prepare)(card *))
{
    static fh_parcel buffers[BUFFERS];
    mapper mappers[THREADS];
    card c;
    prepare(&c);
    check_open(&c);
    for (size_t i = 0; i < BUFFERS; i++) {
        buffers[i] = check_upload(&c, MAPPED_SIZE);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        mappers[i] = (mapper){.c = &c, .buffers = buffers, .number = i};
        assert_int_equal(pthread_create(&mappers[i].thread, NULL, start_mapper, &mappers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(mappers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK_NO_FAULT(mappers[i].fault);
    }
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP),
                card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC));
    for (uint64_t i = 0; i < BUFFERS; i++) {
        CHECK_EQUAL(check_info(&c, buffers[i]).map_count, 0);
        check_holds(&c, buffers[i], i, 0, MAPPED_SIZE);
        check_release(&c, buffers[i]);
    }
    check_close(&c);
}

static void sixteen_threads_map_a_thousand_buffers(void **state)
{
    (void)state;
    map_from_many_threads(card_small);
    map_from_many_threads(card_split);
}

typedef struct late_mapper {
    pthread_t thread;
    const card *c;
    fh_parcel buffer;
    void *pointer;
    fh_result result;
} late_mapper;

static void *start_late_mapper(void *argument)
{
    late_mapper *m = argument;
    m->result = fh_parcel_map(m->c->device, m->buffer, &m->pointer);
    return NULL;
}

/* Two threads need one memory's pointer: the backend is asked once. */
static void a_second_thread_waits_for_the_map_under_way(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    late_mapper mappers[4];
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_STALL,
                                                       .call = FH_BACKEND_CALL_MEMORY_MAP,
                                                       .nth = 1,
                                                       .stall_ns = 30000000}));
    for (size_t i = 0; i < TEST_COUNT_OF(mappers); i++) {
        mappers[i] = (late_mapper){.c = &c, .buffer = check_upload(&c, 64)};
    }
    for (size_t i = 0; i < TEST_COUNT_OF(mappers); i++) {
        assert_int_equal(pthread_create(&mappers[i].thread, NULL, start_late_mapper, &mappers[i]),
                         0);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(mappers); i++) {
        assert_int_equal(pthread_join(mappers[i].thread, NULL), 0);
        CHECK_OK(mappers[i].result);
        assert_non_null(mappers[i].pointer);
        check_release(&c, mappers[i].buffer);
    }
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP), 1);
    check_close(&c);
}

/* ---- trouble ---- */

static bool map_and_flush(card *c)
{
    fh_buffer_desc desc = card_buffer_desc(512);
    fh_parcel buffer;
    void *pointer;
    bool done = false;
    desc.memory.location = FH_LOCATION_UPLOAD;
    if (fh_buffer_create(c->device, &desc, &buffer) != FH_OK) {
        return false;
    }
    if (fh_parcel_map(c->device, buffer, &pointer) == FH_OK) {
        done = fh_parcel_flush(c->device, buffer, 0, 0) == FH_OK &&
               fh_parcel_invalidate(c->device, buffer, 0, 0) == FH_OK;
        done = fh_parcel_unmap(c->device, buffer) == FH_OK && done;
    }
    fh_parcel_release(c->device, buffer);
    return done;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(card_split, map_and_flush, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(card_split, map_and_flush, (fh_fault){.kind = FH_FAULT_LOSE});
    fail_every_host_alloc(card_split, map_and_flush);
}

static void a_lost_device_leaves_mappings_readable(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 512);
    fh_parcel other = check_upload(&c, 512);
    unsigned char *pointer;
    void *none = &c;
    CHECK_OK(fh_parcel_map(c.device, buffer, (void **)&pointer));
    memset(pointer, 5, 512);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_parcel_flush(c.device, buffer, 0, 0), FH_ERR_DEVICE_LOST);
    assert_true(fh_device_is_lost(c.device));
    CHECK_RESULT(fh_parcel_map(c.device, other, &none), FH_ERR_DEVICE_LOST);
    assert_null(none);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(pointer[i], 5);
    }
    CHECK_RESULT(fh_parcel_invalidate(c.device, buffer, 0, 0), FH_ERR_DEVICE_LOST);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    check_release(&c, buffer);
    check_release(&c, other);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pointer_is_the_same_and_maps_are_counted),
        cmocka_unit_test(a_memory_is_mapped_once),
        cmocka_unit_test(a_release_ends_all_maps),
        cmocka_unit_test(what_cannot_be_mapped_says_so),
        cmocka_unit_test(imported_memory_is_where_it_was),
        cmocka_unit_test(a_parcel_on_a_backing_is_mapped_where_it_lies),
        cmocka_unit_test(what_is_flushed_and_invalidated_is_seen),
        cmocka_unit_test(what_is_not_flushed_is_not_seen),
        cmocka_unit_test(coherent_memory_is_never_flushed),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(the_last_atom_is_cut_at_the_end),
        cmocka_unit_test(neighbours_share_no_atom),
        cmocka_unit_test(a_parcel_can_stay_mapped),
        cmocka_unit_test(maps_are_observed),
        cmocka_unit_test(sixteen_threads_map_a_thousand_buffers),
        cmocka_unit_test(a_second_thread_waits_for_the_map_under_way),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(a_lost_device_leaves_mappings_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
