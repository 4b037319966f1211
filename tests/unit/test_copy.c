/* Copies between parcels: each kind with its data, everything that is refused, the order of what is
 * queued, and what is noted of it. */

#include "bytes.h"

#include <pthread.h>

static fh_epoch check_copy(const card *c, const fh_copy *copies, uint32_t count)
{
    fh_epoch epoch;
    fh_result result = fh_device_copy(c->device, copies, count, &epoch);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    CHECK_EQUAL(epoch.queue, 0);
    assert_true(epoch.value > 0);
    return epoch;
}

/* ---- each kind ---- */

static void between_buffers(card *c)
{
    fh_parcel from = check_buffer(c, 1000);
    fh_parcel to = check_buffer(c, 2000);
    check_write(c, from, 1, 0, 1000);
    check_write(c, to, 2, 0, 2000);
    fh_copy copy = {.src = from, .dst = to, .src_offset = 101, .dst_offset = 101, .size = 333};
    check_copy(c, &copy, 1);
    check_holds(c, to, 2, 0, 101);
    check_holds(c, to, 1, 101, 333);
    check_holds(c, to, 2, 434, 2000 - 434);

    /* Inside one buffer. */
    copy = (fh_copy){.src = to, .dst = to, .src_offset = 0, .dst_offset = 1000, .size = 1000};
    check_copy(c, &copy, 1);
    unsigned char *halves = check_read(c, to, 0, 2000);
    assert_memory_equal(halves, halves + 1000, 1000);
    free(halves);
    check_release(c, from);
    check_release(c, to);
}

static void fills(card *c)
{
    fh_parcel buffer = check_buffer(c, 1000);
    check_write(c, buffer, 1, 0, 1000);
    fh_copy fill = {
        .kind = FH_COPY_FILL, .dst = buffer, .dst_offset = 100, .size = 404, .fill = 0x04030201};
    check_copy(c, &fill, 1);
    unsigned char *bytes = check_read(c, buffer, 100, 404);
    for (int i = 0; i < 404; i++) {
        assert_int_equal(bytes[i], i % 4 + 1);
    }
    free(bytes);
    check_holds(c, buffer, 1, 0, 100);
    check_holds(c, buffer, 1, 504, 496);
    check_release(c, buffer);
}

/* A buffer into one texture, a part of that into another, and back into a buffer. */
static void through_textures(card *c)
{
    const fh_texture_desc shape = {
        .format = FH_FORMAT_BC3_UNORM, .width = 32, .height = 24, .mips = 3, .layers = 2};
    fh_parcel first = check_texture(c, &shape);
    fh_parcel second = check_texture(c, &shape);
    fh_parcel from = check_buffer(c, 4096);
    fh_parcel to = check_buffer(c, 4096);
    check_write(c, from, 1, 0, 4096);
    check_write(c, to, 2, 0, 4096);
    fh_texture_region whole = {.layer = 1};
    uint64_t size = fh_texture_region_bytes(&shape, &whole);
    CHECK_EQUAL(size, 8 * 6 * 16);
    const fh_copy copies[] = {
        {.kind = FH_COPY_BUFFER_TO_TEXTURE,
         .src = from,
         .dst = first,
         .src_offset = 64,
         .dst_region = whole},
        {.kind = FH_COPY_TEXTURE,
         .src = first,
         .dst = second,
         .src_region = {.layer = 1, .x = 8, .y = 4, .width = 16, .height = 12},
         .dst_region = {.layer = 0, .mip = 1, .width = 16, .height = 12}},
        {.kind = FH_COPY_TEXTURE_TO_BUFFER,
         .src = second,
         .dst = to,
         .dst_offset = 48,
         .src_region = {.mip = 1}},
    };
    fh_epoch epoch = check_copy(c, copies, 3);
    CHECK_OK(fh_device_wait(c->device, epoch, 5 * SECOND_NS));
    check_holds(c, to, 2, 0, 48);
    unsigned char *bytes = check_read(c, to, 48, 4 * 3 * 16);
    for (uint64_t row = 0; row < 3; row++) {
        uint64_t place = 64 + ((row + 1) * 8 + 2) * 16;
        CHECK_NO_FAULT(bytes_compare(bytes + row * 64, 1, place, 64));
    }
    free(bytes);
    check_holds(c, to, 2, 48 + 4 * 3 * 16, 1000);
    check_release(c, first);
    check_release(c, second);
    check_release(c, from);
    check_release(c, to);
}

static void every_kind_copies_on_every_card(void **state)
{
    (void)state;
    on_every_card(between_buffers);
    on_every_card(fills);
    on_every_card(through_textures);
}

/* Each one sees what the one before it left. */
static void copies_of_a_call_happen_in_order(void **state)
{
    (void)state;
    enum {
        STEPS = 300
    };
    card c;
    card_small(&c);
    c.profile.copy_latency_ns = 1000000;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64 * (STEPS + 1));
    check_write(&c, buffer, 1, 0, 64);
    fh_copy copies[STEPS];
    for (uint64_t i = 0; i < STEPS; i++) {
        copies[i] = (fh_copy){.src = buffer,
                              .dst = buffer,
                              .src_offset = 64 * i,
                              .dst_offset = 64 * (i + 1),
                              .size = 64};
    }
    check_copy(&c, copies, STEPS);
    unsigned char *bytes = check_read(&c, buffer, UINT64_C(64) * STEPS, 64);
    CHECK_NO_FAULT(bytes_compare(bytes, 1, 0, 64));
    free(bytes);
    check_release(&c, buffer);
    check_close(&c);
}

/* More copies than there are pins, of one parcel and of many. */
static void a_call_can_have_thousands_of_copies(void **state)
{
    (void)state;
    enum {
        COUNT = 9000
    };
    static fh_copy copies[COUNT];
    static fh_parcel parts[COUNT];
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel from = check_buffer(&c, UINT64_C(16) * COUNT);
    fh_parcel to = check_buffer(&c, UINT64_C(16) * COUNT);
    check_write(&c, from, 3, 0, UINT64_C(16) * COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        parts[i] = check_buffer(&c, 16);
        copies[i] = (fh_copy){.src = from, .dst = parts[i], .src_offset = 16 * i, .size = 16};
    }
    check_copy(&c, copies, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        copies[i] = (fh_copy){.src = parts[i], .dst = to, .dst_offset = 16 * i, .size = 16};
    }
    check_copy(&c, copies, COUNT);
    check_holds(&c, to, 3, 0, UINT64_C(16) * COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        check_release(&c, parts[i]);
    }
    check_release(&c, from);
    check_release(&c, to);
    check_close(&c);
}

/* ---- what is refused ---- */

typedef struct refusals {
    card c;
    fh_parcel buffer, other, source_only, raw, texture, twin, small, layered;
} refusals;

static void refuse(const refusals *r, const fh_copy *copy, const char *word)
{
    fh_epoch epoch = {9, 9};
    uint64_t calls = card_calls(&r->c, FH_BACKEND_CALL_SUBMIT);
    const fh_copy both[2] = {{.src = r->buffer, .dst = r->other, .size = 16}, *copy};
    CHECK_RESULT(fh_device_copy(r->c.device, both, 2, &epoch), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES(word);
    CHECK_EQUAL(epoch.value, 0);
    CHECK_EQUAL(card_calls(&r->c, FH_BACKEND_CALL_SUBMIT), calls);
}

static void refuse_buffers(const refusals *r)
{
    fh_copy copy = {.src = r->buffer, .dst = r->other};
    refuse(r, &copy, "copies[1]: size is 0");
    copy.size = 65;
    refuse(r, &copy, "the source has 64");
    copy = (fh_copy){.src = r->other, .dst = r->buffer, .size = 65};
    refuse(r, &copy, "the destination has 64");
    copy = (fh_copy){.src = r->buffer, .dst = r->other, .src_offset = UINT64_MAX, .size = 2};
    refuse(r, &copy, "the source has 64");
    copy = (fh_copy){.src = r->buffer, .dst = r->source_only, .size = 8};
    refuse(r, &copy, "FH_USAGE_COPY_DST");
    copy = (fh_copy){.src = r->raw, .dst = r->other, .size = 8};
    refuse(r, &copy, "source is not a buffer");
    copy = (fh_copy){.src = r->buffer, .dst = r->texture, .size = 8};
    refuse(r, &copy, "destination is not a buffer");
    copy = (fh_copy){.src = r->buffer, .dst = r->buffer, .dst_offset = 31, .size = 32};
    refuse(r, &copy, "overlap");
    copy = (fh_copy){.kind = FH_COPY_FILL, .dst = r->buffer, .size = 6};
    refuse(r, &copy, "multiples of 4");
    copy = (fh_copy){.kind = FH_COPY_FILL, .dst = r->buffer, .dst_offset = 2, .size = 4};
    refuse(r, &copy, "multiples of 4");
    copy = (fh_copy){.kind = FH_COPY_FILL, .dst = r->buffer, .dst_offset = 60, .size = 8};
    refuse(r, &copy, "has 64");
    copy = (fh_copy){.kind = FH_COPY_FILL, .dst = r->source_only, .size = 8};
    refuse(r, &copy, "FH_USAGE_COPY_DST");
    copy = (fh_copy){.kind = FH_COPY_FILL, .src = r->other, .dst = r->buffer, .size = 8};
    refuse(r, &copy, "no source");
    copy = (fh_copy){.kind = (fh_copy_kind)5, .src = r->other, .dst = r->buffer, .size = 8};
    refuse(r, &copy, "no kind 5");
}

static void refuse_textures(const refusals *r)
{
    fh_copy copy = {.kind = FH_COPY_BUFFER_TO_TEXTURE, .src = r->buffer, .dst = r->texture};
    refuse(r, &copy, "the source has 64"); /* 16 * 16 texels of 4 bytes */
    copy.dst_region = (fh_texture_region){.width = 2, .height = 2};
    copy.src_offset = 6;
    refuse(r, &copy, "multiple of 4");
    copy.src_offset = 0;
    copy.dst_region.x = 15;
    refuse(r, &copy, "region");
    copy.dst_region = (fh_texture_region){.mip = 1};
    refuse(r, &copy, "mip");
    copy.dst_region = (fh_texture_region){.layer = 1};
    refuse(r, &copy, "layers");
    copy = (fh_copy){.kind = FH_COPY_BUFFER_TO_TEXTURE, .src = r->texture, .dst = r->texture};
    refuse(r, &copy, "not a buffer");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE_TO_BUFFER, .src = r->buffer, .dst = r->other};
    refuse(r, &copy, "source is not a texture");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE_TO_BUFFER, .src = r->texture, .dst = r->buffer};
    refuse(r, &copy, "the destination has 64");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE, .src = r->texture, .dst = r->buffer};
    refuse(r, &copy, "destination is not a texture");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE, .src = r->texture, .dst = r->small};
    refuse(r, &copy, "formats must be the same");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE, .src = r->texture, .dst = r->twin};
    copy.src_region = (fh_texture_region){.width = 8};
    refuse(r, &copy, "8 * 16 * 1");
    copy = (fh_copy){.kind = FH_COPY_TEXTURE, .src = r->layered, .dst = r->layered};
    copy.src_region = (fh_texture_region){.layers = 2};
    copy.dst_region = (fh_texture_region){.layer = 1, .layers = 2};
    refuse(r, &copy, "overlap");
}

static void what_is_wrong_is_refused_and_nothing_queued(void **state)
{
    (void)state;
    const fh_texture_desc square = {.format = FH_FORMAT_RGBA8_UNORM, .width = 16, .height = 16};
    const fh_texture_desc layered = {
        .format = FH_FORMAT_RGBA8_UNORM, .width = 4, .height = 4, .layers = 3};
    const fh_texture_desc small = {.format = FH_FORMAT_RGBA8_SRGB, .width = 16, .height = 16};
    refusals r = {.buffer = {0}};
    card_small(&r.c);
    check_open(&r.c);
    r.buffer = check_buffer(&r.c, 64);
    r.other = check_buffer(&r.c, 128);
    r.source_only = check_make(&r.c, &(fh_buffer_desc){.size = 64, .usage = FH_USAGE_COPY_SRC});
    r.raw = check_raw(&r.c, &(fh_raw_desc){.size = 64});
    r.texture = check_texture(&r.c, &square);
    r.twin = check_texture(&r.c, &square);
    r.small = check_texture(&r.c, &small);
    r.layered = check_texture(&r.c, &layered);
    refuse_buffers(&r);
    refuse_textures(&r);

    fh_copy copy = {.src = r.buffer, .dst = r.other, .size = 8};
    fh_epoch epoch = {9, 9};
    CHECK_RESULT(fh_device_copy(NULL, &copy, 1, &epoch), FH_ERR_INVALID);
    CHECK_EQUAL(epoch.value, 0);
    CHECK_RESULT(fh_device_copy(r.c.device, NULL, 1, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_copy(r.c.device, &copy, 0, NULL), FH_ERR_INVALID);
    copy.src = (fh_parcel){0};
    CHECK_RESULT(fh_device_copy(r.c.device, &copy, 1, NULL), FH_ERR_STALE);
    copy.src = r.buffer;
    copy.dst = (fh_parcel){r.other.id ^ (UINT64_C(1) << 40)};
    CHECK_RESULT(fh_device_copy(r.c.device, &copy, 1, NULL), FH_ERR_STALE);
    check_release(&r.c, r.buffer);
    check_release(&r.c, r.other);
    check_release(&r.c, r.source_only);
    check_release(&r.c, r.raw);
    check_release(&r.c, r.texture);
    check_release(&r.c, r.twin);
    check_release(&r.c, r.small);
    check_release(&r.c, r.layered);
    check_close(&r.c);
}

/* ---- what is noted ---- */

static void all_parcels_of_a_copy_wait_for_it(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    const fh_texture_desc shape = {.format = FH_FORMAT_R8_UNORM, .width = 8};
    fh_parcel from = check_upload(&c, 64);
    fh_parcel to = check_buffer(&c, 64);
    fh_parcel texture = check_texture(&c, &shape);
    const fh_copy copies[] = {
        {.src = from, .dst = to, .size = 64},
        {.kind = FH_COPY_BUFFER_TO_TEXTURE, .src = from, .dst = texture},
    };
    fh_epoch epoch = check_copy(&c, copies, 2);
    check_release(&c, from);
    check_release(&c, to);
    check_release(&c, texture);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 3);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    CHECK_OK(fh_device_wait(c.device, epoch, 0));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    check_close(&c);
}

/* What the program noted on another queue of the backend is waited for by the GPU, not by the
 * call. */
static void copies_start_after_uses_on_other_queues(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    const fh_backend_ops *ops = fh_backend_find("host");
    fh_parcel from = check_upload(&c, 64);
    fh_parcel to = check_buffer_at(&c, 64, FH_LOCATION_READBACK);
    uint64_t value;
    check_write(&c, from, 1, 0, 64);
    CHECK_OK(ops->submit(c.backend, 1, NULL, 0, NULL, 0, &value));
    CHECK_OK(fh_parcel_use(c.device, from, (fh_epoch){1, value}));
    fh_copy copy = {.src = from, .dst = to, .size = 64};
    fh_epoch epoch = check_copy(&c, &copy, 1);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    CHECK_RESULT(fh_device_wait(c.device, epoch, 0), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 1, 1), 1);
    CHECK_OK(fh_device_wait(c.device, epoch, 0));
    check_holds(&c, to, 1, 0, 64);
    check_release(&c, from);
    check_release(&c, to);
    check_close(&c);
}

/* A queue of the program's own is the program's to wait for. */
static void copies_do_not_wait_for_the_program(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    fh_parcel from = check_buffer(&c, 64);
    fh_parcel to = check_buffer(&c, 64);
    check_write(&c, from, 1, 0, 64);
    CHECK_OK(fh_parcel_use(c.device, from, (fh_epoch){queue, 5}));
    fh_copy copy = {.src = from, .dst = to, .size = 64};
    CHECK_OK(fh_device_wait(c.device, check_copy(&c, &copy, 1), SECOND_NS));
    check_holds(&c, to, 1, 0, 64);
    check_release(&c, from);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 1);
    CHECK_OK(fh_queue_signal(c.device, queue, 5));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    check_release(&c, to);
    check_close(&c);
}

typedef struct tally {
    uint32_t used, copied, count;
    fh_epoch epoch;
} tally;

static void count_copies(void *context, fh_device *device, const fh_event *event)
{
    tally *t = context;
    (void)device;
    if (event->kind == FH_EVENT_PARCEL_USED) {
        t->used++;
    } else {
        t->copied++;
        t->count = event->count;
    }
    t->epoch = event->epoch;
}

static void copies_are_observed(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    tally t = {0};
    uint32_t id;
    CHECK_OK(
        fh_device_observe(c.device, FH_EVENT_PARCEL_USED | FH_EVENT_COPIED, count_copies, &t, &id));
    fh_parcel buffer = check_buffer(&c, 64);
    fh_parcel other = check_buffer(&c, 64);
    const fh_copy copies[] = {
        {.kind = FH_COPY_FILL, .dst = buffer, .size = 64},
        {.src = buffer, .dst = other, .size = 64},
        {.src = other, .dst = buffer, .size = 64},
    };
    fh_epoch epoch = check_copy(&c, copies, 3);
    CHECK_EQUAL(t.used, 2);
    CHECK_EQUAL(t.copied, 1);
    CHECK_EQUAL(t.count, 3);
    CHECK_EQUAL(t.epoch.value, epoch.value);
    CHECK_OK(fh_device_unobserve(c.device, id));
    check_release(&c, buffer);
    check_release(&c, other);
    check_close(&c);
}

/* ---- trouble ---- */

static bool copy_around(card *c)
{
    enum {
        COUNT = 20
    };
    fh_parcel buffers[COUNT] = {{0}};
    fh_copy copies[COUNT];
    fh_buffer_desc desc = card_buffer_desc(64);
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < COUNT && result == FH_OK; i++) {
        result = fh_buffer_create(c->device, &desc, &buffers[i]);
        copies[i] = (fh_copy){.kind = FH_COPY_FILL, .dst = buffers[i], .size = 64};
        if (i > 0) {
            copies[i] = (fh_copy){.src = buffers[i - 1], .dst = buffers[i], .size = 64};
        }
    }
    if (result == FH_OK) {
        result = fh_device_copy(c->device, copies, 2, NULL);
    }
    if (result == FH_OK) {
        result = fh_device_copy(c->device, copies, COUNT, NULL);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        fh_parcel_release(c->device, buffers[i]);
    }
    return result == FH_OK;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(card_small, copy_around, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(card_small, copy_around, (fh_fault){.kind = FH_FAULT_LOSE});
    fail_every_host_alloc(card_small, copy_around);
}

static void a_lost_device_copies_nothing(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    fh_copy fill = {.kind = FH_COPY_FILL, .dst = buffer, .size = 64};
    fh_epoch before = check_copy(&c, &fill, 1);
    CHECK_OK(fh_simulated_fault(
        c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_SUBMIT, .nth = 1}));
    fh_epoch epoch = {9, 9};
    CHECK_RESULT(fh_device_copy(c.device, &fill, 1, &epoch), FH_ERR_DEVICE_LOST);
    CHECK_EQUAL(epoch.value, 0);
    assert_true(fh_device_is_lost(c.device));
    CHECK_RESULT(fh_device_copy(c.device, &fill, 1, &epoch), FH_ERR_DEVICE_LOST);
    CHECK_OK(fh_device_wait(c.device, before, 0));
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- threads ---- */

enum {
    THREADS = 8,
    TRIPS = 150,
    SHARED = 6
};

typedef struct copier {
    pthread_t thread;
    const card *c;
    const fh_parcel *shared;
    uint64_t number;
    const char *fault;
} copier;

/* From buffers that all share into one of its own, and back into nothing. */
static const char *copy_all(const copier *m)
{
    test_rng rng = {m->number};
    for (uint64_t trip = 0; trip < TRIPS; trip++) {
        fh_buffer_desc desc = card_buffer_desc(64 * SHARED);
        fh_parcel own;
        fh_copy copies[SHARED];
        fh_epoch epoch;
        if (fh_buffer_create(m->c->device, &desc, &own) != FH_OK) {
            return "a buffer could not be made";
        }
        for (uint64_t i = 0; i < SHARED; i++) {
            copies[i] = (fh_copy){.src = m->shared[(i + m->number) % SHARED],
                                  .dst = own,
                                  .dst_offset = 64 * i,
                                  .size = 64};
        }
        if (fh_device_copy(m->c->device, copies, SHARED, &epoch) != FH_OK) {
            return "a copy failed";
        }
        unsigned char bytes[64 * SHARED];
        if (test_chance(&rng, 30)) {
            if (fh_parcel_read(m->c->device, own, 0, bytes, sizeof bytes, 20 * SECOND_NS) !=
                FH_OK) {
                return "a read failed";
            }
            for (uint64_t i = 0; i < SHARED; i++) {
                const char *fault = bytes_compare(bytes + 64 * i, (i + m->number) % SHARED, 0, 64);
                if (fault != NULL) {
                    return fault;
                }
            }
        }
        fh_parcel_release(m->c->device, own);
        if (test_chance(&rng, 20)) {
            fh_device_poll(m->c->device);
        }
    }
    return NULL;
}

static void *start_copier(void *argument)
{
    copier *m = argument;
    m->fault = copy_all(m);
    return NULL;
}

static void threads_copy_at_once(void **state)
{
    (void)state;
    card c;
    copier copiers[THREADS];
    fh_parcel shared[SHARED];
    card_small(&c);
    c.profile.copy_latency_ns = 50000;
    check_open(&c);
    for (uint64_t i = 0; i < SHARED; i++) {
        shared[i] = check_buffer_at(&c, 64, i % 2 != 0 ? FH_LOCATION_UPLOAD : FH_LOCATION_DEVICE);
        check_write(&c, shared[i], i, 0, 64);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        copiers[i] = (copier){.c = &c, .shared = shared, .number = i};
        assert_int_equal(pthread_create(&copiers[i].thread, NULL, start_copier, &copiers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(copiers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK_NO_FAULT(copiers[i].fault);
    }
    for (size_t i = 0; i < SHARED; i++) {
        check_release(&c, shared[i]);
    }
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_copies_on_every_card),
        cmocka_unit_test(copies_of_a_call_happen_in_order),
        cmocka_unit_test(a_call_can_have_thousands_of_copies),
        cmocka_unit_test(what_is_wrong_is_refused_and_nothing_queued),
        cmocka_unit_test(all_parcels_of_a_copy_wait_for_it),
        cmocka_unit_test(copies_start_after_uses_on_other_queues),
        cmocka_unit_test(copies_do_not_wait_for_the_program),
        cmocka_unit_test(copies_are_observed),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(a_lost_device_copies_nothing),
        cmocka_unit_test(threads_copy_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
