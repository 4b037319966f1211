/* Handles: what every call says to one that is stale, retiring, foreign or made up, and what is
 * left of handles when the device is lost. */

#include "card_checks.h"

static int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    card_small(c);
    check_open(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

/* ---- handles that name nothing ---- */

/* Every call that takes a parcel refuses this one. */
static void refuse(const card *c, fh_parcel dead)
{
    fh_device *d = c->device;
    fh_parcel_info info;
    void *pointer = &info;
    char bytes[16] = {0};
    fh_epoch epoch = {0};
    fh_view view = {dead, 1, 2};
    CHECK_RESULT(fh_parcel_get(d, dead, &info), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_acquire(d, dead), FH_ERR_STALE);
    if (dead.id != 0) {
        CHECK_RESULT(fh_parcel_release(d, dead), FH_ERR_STALE);
    }
    CHECK_RESULT(fh_parcel_set_name(d, dead, "name"), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_set_user(d, dead, NULL), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_set_priority(d, dead, 0.5F), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_use(d, dead, epoch), FH_ERR_STALE);
    CHECK_RESULT(fh_device_retire(d, dead, &epoch, 1), FH_ERR_STALE);
    CHECK_RESULT(fh_buffer_resize(d, dead, 100, &epoch), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_map(d, dead, &pointer), FH_ERR_STALE);
    assert_null(pointer);
    CHECK_RESULT(fh_parcel_unmap(d, dead), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_flush(d, dead, 0, 0), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_invalidate(d, dead, 0, 0), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_write(d, dead, 0, bytes, sizeof bytes, &epoch), FH_ERR_STALE);
    CHECK_RESULT(fh_parcel_read(d, dead, 0, bytes, sizeof bytes, 0), FH_ERR_STALE);
    CHECK_RESULT(fh_texture_write(d, dead, &(fh_texture_region){0}, bytes, sizeof bytes, &epoch),
                 FH_ERR_STALE);
    CHECK_RESULT(fh_texture_read(d, dead, &(fh_texture_region){0}, bytes, sizeof bytes, 0),
                 FH_ERR_STALE);
    CHECK_RESULT(fh_view_make(d, dead, 0, 0, &view), FH_ERR_STALE);
    CHECK_EQUAL(view.parent.id, 0);
    CHECK_EQUAL(view.size, 0);
    view = (fh_view){dead, 0, 1};
    CHECK_RESULT(fh_view_check(d, &view), FH_ERR_STALE);

    if (fh_device_is_lost(d)) {
        return;
    }
    fh_parcel live = check_upload(c, 64);
    fh_copy copy = {.src = dead, .dst = live, .size = 4};
    CHECK_RESULT(fh_device_copy(d, &copy, 1, &epoch), FH_ERR_STALE);
    copy = (fh_copy){.src = live, .dst = dead, .size = 4};
    CHECK_RESULT(fh_device_copy(d, &copy, 1, &epoch), FH_ERR_STALE);
    check_release(c, live);

    if (dead.id != 0) {
        fh_buffer_desc desc = card_buffer_desc(16);
        desc.memory.backing = dead;
        fh_parcel out;
        CHECK_REFUSED(fh_buffer_create(d, &desc, &out), out, FH_ERR_STALE, "");
    }
}

static void every_call_refuses_a_released_handle(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_upload(c, 256);
    check_release(c, buffer);
    refuse(c, buffer);
    refuse(c, (fh_parcel){0});
}

static void every_call_refuses_a_handle_that_retires(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_parcel buffer = check_upload(c, 256);
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 1}));
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).retiring_count, 1);
    refuse(c, buffer);
    CHECK_EQUAL(card_stats(c).retiring_count, 1);
    CHECK_OK(fh_queue_signal(c->device, queue, 1));
}

static void every_call_refuses_a_handle_of_another_device(void **state)
{
    const card *c = *state;
    card other;
    card_small(&other);
    check_open(&other);
    fh_parcel here[40];
    fh_parcel there[40];
    for (size_t i = 0; i < TEST_COUNT_OF(here); i++) {
        here[i] = check_upload(c, 64);
        there[i] = check_upload(&other, 64);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(here); i++) {
        refuse(c, there[i]);
        refuse(&other, here[i]);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(here); i++) {
        check_release(c, here[i]);
        check_release(&other, there[i]);
    }
    check_close(&other);
}

static void made_up_handles_are_refused(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    fh_parcel live[20];
    for (size_t i = 0; i < TEST_COUNT_OF(live); i++) {
        live[i] = check_buffer(c, 64);
    }
    for (int i = 0; i < 20000; i++) {
        fh_parcel forged = {live[test_below(&rng, TEST_COUNT_OF(live))].id};
        if (test_chance(&rng, 50)) {
            forged.id ^= UINT64_C(1) << test_below(&rng, 64);
        } else {
            forged.id = test_random(&rng) >> test_below(&rng, 40);
        }
        bool lives = forged.id == 0;
        for (size_t k = 0; k < TEST_COUNT_OF(live); k++) {
            lives = lives || live[k].id == forged.id;
        }
        if (!lives) {
            CHECK_RESULT(fh_parcel_release(c->device, forged), FH_ERR_STALE);
            CHECK_RESULT(fh_parcel_acquire(c->device, forged), FH_ERR_STALE);
        }
    }
    for (size_t i = 0; i < TEST_COUNT_OF(live); i++) {
        CHECK_EQUAL(check_info(c, live[i]).reference_count, 1);
        check_release(c, live[i]);
    }
}

/* A slot is used again and again; no handle of it comes twice, and no old one reaches the new. */
static void a_slot_that_is_used_again_has_another_handle(void **state)
{
    const card *c = *state;
    enum {
        ROUNDS = 3000
    };
    static fh_parcel old[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        old[i] = check_buffer(c, 64);
        for (int k = 0; k < i; k += 1 + i / 64) {
            assert_true(old[k].id != old[i].id);
            CHECK_RESULT(fh_parcel_release(c->device, old[k]), FH_ERR_STALE);
        }
        CHECK_EQUAL(check_info(c, old[i]).reference_count, 1);
        check_release(c, old[i]);
    }
}

/* ---- device loss ---- */

typedef struct seen {
    uint32_t live, retiring;
    fh_parcel last;
    char name[FH_NAME_SIZE];
} seen;

static bool see(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    seen *s = context;
    s->live += !info->retiring;
    s->retiring += info->retiring;
    s->last = parcel;
    memcpy(s->name, info->name, sizeof s->name);
    return true;
}

static void lose(const card *c)
{
    CHECK_OK(fh_simulated_fault(c->backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    fh_device_tick(c->device); /* makes some call */
    assert_true(fh_device_is_lost(c->device));
}

static void after_loss_handles_still_mean_something(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_buffer_desc desc = card_buffer_desc(4096);
    desc.memory.location = FH_LOCATION_UPLOAD;
    desc.memory.name = "kept";
    fh_parcel buffer = check_make(c, &desc);
    fh_parcel waiting = check_buffer(c, 64);
    unsigned char *bytes;
    CHECK_OK(fh_parcel_map(c->device, buffer, (void **)&bytes));
    memset(bytes, 0x5a, 4096);
    CHECK_OK(fh_parcel_use(c->device, waiting, (fh_epoch){queue, 100}));
    assert_false(fh_device_is_lost(c->device));
    lose(c);

    fh_parcel out;
    desc = card_buffer_desc(64);
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_DEVICE_LOST, "lost");
    CHECK_REFUSED(fh_raw_create(c->device, &(fh_raw_desc){.size = 1}, &out), out,
                  FH_ERR_DEVICE_LOST, "lost");
    CHECK_REFUSED(fh_texture_create(c->device,
                                    &(fh_texture_desc){.format = FH_FORMAT_R8_UNORM, .width = 1},
                                    &out),
                  out, FH_ERR_DEVICE_LOST, "lost");
    CHECK_REFUSED(fh_external_create(c->device, &(fh_external_desc){.size = 1}, &out), out,
                  FH_ERR_DEVICE_LOST, "lost");
    fh_parcel outs[2] = {{1}, {2}};
    CHECK_RESULT(fh_raw_create_many(c->device, &(fh_raw_desc){.size = 1}, 2, outs),
                 FH_ERR_DEVICE_LOST);
    assert_true(outs[0].id == 0 && outs[1].id == 0);

    for (int i = 0; i < 4096; i++) {
        assert_int_equal(bytes[i], 0x5a); /* readable until unmapped */
    }
    fh_parcel_info info = check_info(c, buffer);
    assert_string_equal(info.name, "kept");
    CHECK_EQUAL(info.map_count, 1);
    CHECK_OK(fh_parcel_acquire(c->device, buffer));
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "rebuild"));
    seen s = {0};
    CHECK_OK(fh_device_visit(c->device, see, &s));
    CHECK_EQUAL(s.live, 2);
    void *pointer;
    fh_parcel unmapped = waiting;
    CHECK_RESULT(fh_parcel_map(c->device, unmapped, &pointer), FH_ERR_UNSUPPORTED);
    CHECK_OK(fh_parcel_unmap(c->device, buffer));
    check_release(c, buffer);
    check_release(c, buffer);
    check_release(c, waiting); /* its epoch counts as passed */
    fh_device_tick(c->device);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){queue, 1000}, 0));
    CHECK_OK(fh_device_wait_idle(c->device, 0));
    refuse(c, buffer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_call_refuses_a_released_handle),
        TEST(every_call_refuses_a_handle_that_retires),
        TEST(every_call_refuses_a_handle_of_another_device),
        TEST(made_up_handles_are_refused),
        TEST(a_slot_that_is_used_again_has_another_handle),
        TEST(after_loss_handles_still_mean_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
