/* Resizing buffers while something else goes on: another resize, observers and allocators that are
 * told, threads that use the same buffer, faults, the loss of the device, and all of it at
 * random. */

#include "bytes.h"

#include <pthread.h>
#include <sched.h>

typedef struct resizer {
    pthread_t thread;
    const card *c;
    fh_parcel buffer;
    fh_result result;
} resizer;

static void *start_resizer(void *argument)
{
    resizer *r = argument;
    r->result = fh_buffer_resize(r->c->device, r->buffer, MIB(20), NULL);
    return NULL;
}

/* One resize waits for the driver: another is refused, everything else goes on. */
static void a_second_resize_is_busy(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    resizer r = {.c = &c, .buffer = check_upload(&c, 1000)};
    check_write(&c, r.buffer, 1, 0, 1000);
    CHECK_OK(fh_simulated_fault(
        c.backend,
        &(fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
    uint64_t calls = card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC);
    assert_int_equal(pthread_create(&r.thread, NULL, start_resizer, &r), 0);
    while (card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
        sched_yield();
    }
    CHECK_RESULT(fh_buffer_resize(c.device, r.buffer, 2000, NULL), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("another resize");
    CHECK_RESULT(fh_buffer_resize(c.device, r.buffer, 10, NULL), FH_ERR_BUSY);
    check_write(&c, r.buffer, 2, 0, 1000);
    check_holds(&c, r.buffer, 2, 0, 1000);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, r.buffer, &pointer));
    CHECK_OK(fh_parcel_unmap(c.device, r.buffer));
    while (fh_simulated_resume(c.backend) == 0) {
        sched_yield();
    }
    assert_int_equal(pthread_join(r.thread, NULL), 0);
    CHECK_OK(r.result);
    check_holds(&c, r.buffer, 2, 0, 1000);
    check_zero(&c, r.buffer, 1000, 5000);
    check_release(&c, r.buffer);
    check_close(&c);
}

/* ---- who is told ---- */

typedef struct told {
    uint32_t resized, freed, retired, notified;
    uint64_t bytes, bytes_before;
    fh_parcel_bytes before, after;
    fh_parcel buffer; /* mapped in the middle of its own resize */
    uint32_t mapped;
} told;

static void observe(void *context, fh_device *device, const fh_event *event)
{
    told *t = context;
    void *pointer;
    switch (event->kind) {
    case FH_EVENT_PARCEL_RESIZED:
        t->resized++;
        t->bytes = event->bytes;
        t->bytes_before = event->bytes_before;
        break;
    case FH_EVENT_PARCEL_FREED:
        t->freed++;
        break;
    case FH_EVENT_PARCEL_RETIRED:
        t->retired++;
        break;
    default: /* memory, or the loss of the device */
        if (t->buffer.id != 0 && fh_parcel_map(device, t->buffer, &pointer) == FH_OK) {
            t->mapped++;
            fh_parcel_unmap(device, t->buffer);
        }
        break;
    }
}

static void notify_resized(void *context, fh_parcel_bytes before, fh_parcel_bytes after,
                           fh_kind kind)
{
    told *t = context;
    t->notified++;
    t->before = before;
    t->after = after;
    assert_int_equal(kind, FH_KIND_BUFFER);
}

static void observers_and_the_maker_are_told_once(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    told t = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(
        c.device, FH_EVENT_PARCEL_RESIZED | FH_EVENT_PARCEL_FREED | FH_EVENT_PARCEL_RETIRED,
        observe, &t, &id));
    fh_device *alias;
    const fh_allocator_ops ops = {.name = "told", .notify_resized = notify_resized};
    CHECK_OK(fh_device_with_allocator(c.device, &ops, &t, &alias));
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.capacity = 128;
    fh_parcel buffer;
    CHECK_OK(fh_buffer_create(alias, &desc, &buffer));
    CHECK_EQUAL(fh_device_allocated_bytes(alias), 128);
    check_resize(&c, buffer, 100);
    CHECK_EQUAL(t.resized, 1);
    CHECK_EQUAL(t.bytes, 100);
    CHECK_EQUAL(t.bytes_before, 64);
    CHECK_EQUAL(t.notified, 1);
    CHECK_EQUAL(t.before.committed, 64);
    CHECK_EQUAL(t.before.reserved, 128);
    CHECK_EQUAL(t.after.committed, 100);
    CHECK_EQUAL(t.after.reserved, 128);
    check_resize(&c, buffer, 4096);
    CHECK_EQUAL(t.notified, 2);
    CHECK_EQUAL(t.after.committed, 4096);
    CHECK_EQUAL(t.after.reserved, 4096);
    CHECK_EQUAL(fh_device_allocated_bytes(alias), 4096);
    check_resize(&c, buffer, 4096);
    CHECK_EQUAL(t.notified, 2);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, MIB(500), NULL), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(t.notified, 2);
    CHECK_EQUAL(t.resized, 2);
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    CHECK_OK(fh_device_tick(c.device));
    /* What a resize leaves behind is shown to nobody. */
    CHECK_EQUAL(t.freed, 0);
    CHECK_EQUAL(t.retired, 0);
    check_release(&c, buffer);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(t.freed, 1);
    CHECK_OK(fh_device_unobserve(c.device, id));
    fh_device_destroy(alias);
    check_close(&c);
}

/* An observer uses the buffer in the middle of its resize, on the same thread. */
static void an_observer_may_map_what_is_being_resized(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    told t = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(c.device, FH_EVENT_MEMORY_ALLOCATED | FH_EVENT_DEVICE_LOST, observe,
                               &t, &id));
    fh_parcel buffer = check_upload(&c, 1000);
    check_write(&c, buffer, 1, 0, 1000);
    t.buffer = buffer;
    check_resize(&c, buffer, MIB(9));
    assert_true(t.mapped > 0);
    check_holds(&c, buffer, 1, 0, 1000);
    CHECK_OK(fh_simulated_fault(
        c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_SUBMIT, .nth = 1}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, MIB(10), NULL), FH_ERR_DEVICE_LOST);
    assert_true(fh_device_is_lost(c.device));
    CHECK_EQUAL(check_info(&c, buffer).committed, MIB(9));
    CHECK_OK(fh_device_unobserve(c.device, id));
    check_release(&c, buffer);
    check_close(&c);
}

static bool count_parcels(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)parcel;
    (*(uint32_t *)context) += info->kind == FH_KIND_BUFFER;
    return true;
}

static void what_is_left_behind_is_shown_to_nobody(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    check_resize(&c, buffer, 4096);
    check_resize(&c, buffer, 8192);
    uint32_t count = 0;
    CHECK_OK(fh_device_visit(c.device, count_parcels, &count));
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(card_stats(&c).retiring_count, 2);
    fh_simulated_advance(c.backend, 0, 2);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- trouble ---- */

static bool resize_all_ways(card *c)
{
    static const fh_location where[] = {FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD};
    bool done = true;
    for (size_t i = 0; i < TEST_COUNT_OF(where) && done; i++) {
        fh_buffer_desc desc = card_buffer_desc(101);
        fh_parcel buffer;
        desc.capacity = 203;
        desc.memory.location = where[i];
        desc.memory.name = "resized";
        if (fh_buffer_create(c->device, &desc, &buffer) != FH_OK) {
            return false;
        }
        static const uint64_t sizes[] = {203, 90, 150, 1000, MIB(3), 7, 500};
        uint64_t size = 101;
        uint64_t kept = 101;
        unsigned char bytes[500];
        for (uint64_t b = 0; b < sizeof bytes; b++) {
            bytes[b] = bytes_at(5, b);
        }
        done = fh_parcel_write(c->device, buffer, 0, bytes, 101, NULL) == FH_OK;
        bool written = done;
        for (size_t s = 0; s < TEST_COUNT_OF(sizes) && done; s++) {
            fh_parcel_info before;
            fh_parcel_info after;
            fh_parcel_get(c->device, buffer, &before);
            done = fh_buffer_resize(c->device, buffer, sizes[s], NULL) == FH_OK;
            fh_parcel_get(c->device, buffer, &after);
            if (done) {
                size = sizes[s];
                kept = size < kept ? size : kept;
            } else {
                assert_true(before.committed == after.committed);
                assert_true(before.reserved == after.reserved);
                assert_true(before.type == after.type && before.offset == after.offset);
                assert_true(before.capacity == after.capacity);
            }
        }
        /* Whatever failed, the content is right. */
        if (written && !fh_device_is_lost(c->device)) {
            uint64_t length = size < sizeof bytes ? size : sizeof bytes;
            fh_simulated_clear(c->backend);
            if (fh_parcel_read(c->device, buffer, 0, bytes, length, 5 * SECOND_NS) == FH_OK) {
                assert_null(bytes_compare(bytes, 5, 0, kept));
                for (uint64_t b = kept; b < length; b++) {
                    assert_int_equal(bytes[b], 0);
                }
            } else {
                done = false;
            }
        }
        fh_parcel_release(c->device, buffer);
    }
    return done;
}

static void late(card *c)
{
    card_split(c);
    c->profile.copy_latency_ns = 20000;
    c->desc.margin = 16;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(late, resize_all_ways, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(late, resize_all_ways, (fh_fault){.kind = FH_FAULT_LOSE});
}

static void every_host_allocation_can_fail(void **state)
{
    (void)state;
    fail_every_host_alloc(late, resize_all_ways);
}

static void a_lost_device_resizes_nothing(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 4096, NULL), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 32, NULL), FH_ERR_DEVICE_LOST);
    CHECK_EQUAL(check_info(&c, buffer).committed, 64);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- many ---- */

/* Random buffers that are made, written, resized and released, with copies under way: slots,
 * objects and memory change places all the time. */
static void random_resizes(card *c)
{
    enum {
        COUNT = 40
    };
    struct {
        fh_parcel buffer;
        uint64_t size, kept, seed; /* `kept` bytes of the data, then zeroes */
    } all[COUNT] = {{{0}, 0, 0, 0}};
    test_rng rng = {test_seed()};
    uint64_t operations = test_operations(1500);
    for (uint64_t i = 0; i < operations; i++) {
        size_t at = (size_t)test_below(&rng, COUNT);
        if (all[at].buffer.id == 0) {
            all[at].size = test_log_uniform(&rng, KIB(100));
            all[at].kept = all[at].size;
            all[at].seed = i;
            all[at].buffer = check_buffer_at(
                c, all[at].size, everywhere[test_below(&rng, TEST_COUNT_OF(everywhere))]);
            check_write(c, all[at].buffer, i, 0, all[at].size);
        } else if (test_chance(&rng, 60)) {
            uint64_t size = test_log_uniform(&rng, KIB(100));
            check_resize(c, all[at].buffer, size);
            all[at].size = size;
            all[at].kept = size < all[at].kept ? size : all[at].kept;
        } else if (test_chance(&rng, 50)) {
            check_holds(c, all[at].buffer, all[at].seed, 0, all[at].kept);
            if (all[at].size > all[at].kept) {
                check_zero(c, all[at].buffer, all[at].kept, all[at].size - all[at].kept);
            }
        } else {
            check_release(c, all[at].buffer);
            all[at].buffer.id = 0;
        }
        if (test_chance(&rng, 5)) {
            CHECK_OK(fh_device_tick(c->device));
            CHECK_NO_FAULT(card_audit(c));
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].buffer.id != 0) {
            check_holds(c, all[i].buffer, all[i].seed, 0, all[i].kept);
            check_release(c, all[i].buffer);
        }
    }
}

static void random_resizes_keep_all_content(void **state)
{
    (void)state;
    on_every_card(random_resizes);
}

enum {
    THREADS = 6,
    PART = 1000,
    WRITES = 60
};

typedef struct user {
    pthread_t thread;
    const card *c;
    fh_parcel buffer;
    uint64_t number;
    _Atomic bool *stop;
    const char *fault;
} user;

/* Write and read a part of one's own, while the buffer moves. */
static const char *use_part(const user *u)
{
    uint64_t place = u->number * PART;
    for (uint64_t i = 0; i < WRITES; i++) {
        unsigned char *bytes = bytes_make(u->number * 1000 + i, place, PART);
        unsigned char read[PART];
        fh_result result = fh_parcel_write(u->c->device, u->buffer, place, bytes, PART, NULL);
        free(bytes);
        if (result != FH_OK) {
            fprintf(stderr, "%s\n", fh_error_detail());
            return "a write failed";
        }
        if (fh_parcel_read(u->c->device, u->buffer, place, read, PART, 20 * SECOND_NS) != FH_OK) {
            return "a read failed";
        }
        const char *fault = bytes_compare(read, u->number * 1000 + i, place, PART);
        if (fault != NULL) {
            return fault;
        }
        void *pointer;
        if (u->number == 0 && fh_parcel_map(u->c->device, u->buffer, &pointer) == FH_OK &&
            fh_parcel_unmap(u->c->device, u->buffer) != FH_OK) {
            return "an unmap failed";
        }
        fh_view view;
        if (fh_view_make(u->c->device, u->buffer, place, PART, &view) != FH_OK ||
            fh_view_check(u->c->device, &view) != FH_OK) {
            return "a view failed";
        }
    }
    return NULL;
}

static void *start_user(void *argument)
{
    user *u = argument;
    u->fault = use_part(u);
    return NULL;
}

static void *start_resizing(void *argument)
{
    user *u = argument;
    for (uint64_t i = 0; !atomic_load(u->stop); i++) {
        uint64_t size = PART * THREADS + 1777 * (i % 50);
        fh_result result = fh_buffer_resize(u->c->device, u->buffer, size, NULL);
        if (result != FH_OK && result != FH_ERR_BUSY) {
            u->fault = "a resize failed";
        }
        if (i % 7 == 0) {
            fh_device_poll(u->c->device);
        }
    }
    return NULL;
}

static void use_while_resizing(void (*prepare)(card *), fh_location where)
{
    card c;
    user users[THREADS + 2];
    _Atomic bool stop;
    prepare(&c);
    c.profile.copy_latency_ns = 20000;
    check_open(&c);
    fh_parcel buffer = check_buffer_at(&c, (uint64_t)PART * THREADS, where);
    atomic_init(&stop, false);
    for (uint64_t i = 0; i < THREADS + 2; i++) {
        users[i] = (user){.c = &c, .buffer = buffer, .number = i, .stop = &stop};
        assert_int_equal(pthread_create(&users[i].thread, NULL,
                                        i < THREADS ? start_user : start_resizing, &users[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS + 2; i++) {
        atomic_store(&stop, i >= THREADS);
        assert_int_equal(pthread_join(users[i].thread, NULL), 0);
        if (i == THREADS - 1) {
            atomic_store(&stop, true);
        }
    }
    for (size_t i = 0; i < THREADS + 2; i++) {
        CHECK_NO_FAULT(users[i].fault);
    }
    check_release(&c, buffer);
    check_close(&c);
}

static void others_use_the_buffer_meanwhile(void **state)
{
    (void)state;
    use_while_resizing(card_small, FH_LOCATION_DEVICE);
    use_while_resizing(card_small, FH_LOCATION_UPLOAD);
    use_while_resizing(card_small, FH_LOCATION_READBACK);
    use_while_resizing(card_split, FH_LOCATION_DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_resize_is_busy),
        cmocka_unit_test(observers_and_the_maker_are_told_once),
        cmocka_unit_test(an_observer_may_map_what_is_being_resized),
        cmocka_unit_test(what_is_left_behind_is_shown_to_nobody),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(every_host_allocation_can_fail),
        cmocka_unit_test(a_lost_device_resizes_nothing),
        cmocka_unit_test(random_resizes_keep_all_content),
        cmocka_unit_test(others_use_the_buffer_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
