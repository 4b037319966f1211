/* External parcels: memory of others that is only counted. No backend is called; the destroy
 * callback comes once, at the right time, with no lock held, and not at all for what was never
 * made. */

#include "card_checks.h"

#include <math.h>

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

/* What the callback saw. */
typedef struct owner {
    const card *card;
    uint32_t destroyed;
    void *user;
    bool uses_device;
    fh_parcel held; /* released from inside */
    fh_result result;
} owner;

static void destroy(void *context, void *user)
{
    owner *o = context;
    o->destroyed++;
    o->user = user;
    if (o->uses_device) {
        fh_parcel out;
        fh_device_stats stats;
        o->result = fh_external_create(o->card->device, &(fh_external_desc){.size = 10}, &out);
        if (o->result == FH_OK) {
            o->result = fh_parcel_release(o->card->device, out);
        }
        if (o->result == FH_OK) {
            o->result = fh_device_get_stats(o->card->device, &stats);
        }
        if (o->result == FH_OK) {
            o->result = fh_parcel_release(o->card->device, o->held);
        }
    }
}

static fh_parcel make(const card *c, owner *o, uint64_t size, fh_tag tag)
{
    fh_external_desc desc = {
        .size = size, .heap = 1, .tag = tag, .user = o, .destroy = destroy, .context = o};
    fh_parcel external;
    fh_result result = fh_external_create(c->device, &desc, &external);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return external;
}

static void it_is_counted_and_nothing_else(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "capture", &tag));
    uint64_t calls = card_calls(c, FH_BACKEND_CALL_ANY);
    fh_parcel external = make(c, &o, MIB(100), tag); /* more than there is: it is not ours */
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, MIB(100));
    CHECK_USED(c, FH_ACCOUNT_TAG, tag, MIB(100));
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
    CHECK_EQUAL(card_stats(c).external_bytes, MIB(100));
    CHECK_EQUAL(card_stats(c).parcel_count, 1);
    CHECK_EQUAL(card_stats(c).total.stats.range_bytes, 0);
    fh_parcel_info info = check_info(c, external);
    assert_int_equal(info.kind, FH_KIND_EXTERNAL);
    CHECK_EQUAL(info.committed, MIB(100));
    CHECK_EQUAL(info.reserved, MIB(100));
    CHECK_EQUAL(info.type, UINT32_MAX);
    CHECK_EQUAL(info.heap, 1);
    CHECK_EQUAL(info.tag, tag);
    assert_true(info.priority == 0.5F);
    CHECK_NO_FAULT(card_audit(c));
    CHECK_OK(fh_parcel_acquire(c->device, external));
    check_release(c, external);
    CHECK_EQUAL(o.destroyed, 0);
    check_release(c, external);
    CHECK_EQUAL(o.destroyed, 1);
    assert_ptr_equal(o.user, &o);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 0);
    CHECK_USED(c, FH_ACCOUNT_TAG, tag, 0);
    CHECK_EQUAL(card_calls(c, FH_BACKEND_CALL_ANY), calls);
}

static void it_waits_for_its_last_use(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    uint32_t queue = check_queue(c);
    fh_parcel external = make(c, &o, 1000, 0);
    CHECK_OK(fh_parcel_use(c->device, external, (fh_epoch){queue, 3}));
    check_release(c, external);
    fh_account_info account = card_account(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL);
    CHECK_EQUAL(account.used, 1000);
    CHECK_EQUAL(account.retiring, 1000);
    for (uint64_t value = 1; value <= 2; value++) {
        CHECK_OK(fh_queue_signal(c->device, queue, value));
        CHECK_OK(fh_device_tick(c->device));
        CHECK_EQUAL(o.destroyed, 0);
    }
    CHECK_OK(fh_queue_signal(c->device, queue, 3));
    CHECK_EQUAL(o.destroyed, 0); /* at the tick */
    CHECK_OK(fh_device_poll(c->device));
    CHECK_EQUAL(o.destroyed, 1);
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(o.destroyed, 1);
}

static void its_owner_may_be_given_a_new_user(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    int other;
    fh_parcel external = make(c, &o, 1, 0);
    CHECK_OK(fh_parcel_set_user(c->device, external, &other));
    check_release(c, external);
    assert_ptr_equal(o.user, &other);
}

static void the_callback_may_use_the_device(void **state)
{
    const card *c = *state;
    owner inner = {.card = c};
    owner outer = {.card = c, .uses_device = true, .result = FH_ERR_IO};
    outer.held = make(c, &inner, 5, 0);
    fh_parcel external = make(c, &outer, 5, 0);
    check_release(c, external);
    CHECK_RESULT(outer.result, FH_OK);
    CHECK_EQUAL(outer.destroyed, 1);
    CHECK_EQUAL(inner.destroyed, 1);
}

/* The same when it comes from a tick, and when the device goes. */
static void the_callback_may_use_the_device_at_a_tick(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    owner inner = {.card = c};
    owner outer = {.card = c, .uses_device = true, .result = FH_ERR_IO};
    outer.held = make(c, &inner, 5, 0);
    fh_parcel external = make(c, &outer, 5, 0);
    CHECK_OK(fh_parcel_use(c->device, outer.held, (fh_epoch){queue, 2}));
    CHECK_OK(fh_device_retire(c->device, external, &(fh_epoch){queue, 1}, 1));
    CHECK_OK(fh_queue_signal(c->device, queue, 1));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_RESULT(outer.result, FH_OK);
    CHECK_EQUAL(inner.destroyed, 0);
    CHECK_OK(fh_queue_signal(c->device, queue, 2));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(inner.destroyed, 1);
}

static void a_limit_refuses_it_and_the_callback_does_not_come(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 1000);
    fh_parcel external = make(c, &o, 1000, 0); /* exactly */
    owner refused = {.card = c};
    fh_external_desc desc = {.size = 1, .destroy = destroy, .context = &refused};
    fh_parcel out;
    CHECK_REFUSED(fh_external_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "external");
    CHECK_DETAIL_NAMES("1000");
    CHECK_EQUAL(refused.destroyed, 0);
    CHECK_EQUAL(card_account(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL).refused, 1);
    check_release(c, external);
    CHECK_EQUAL(o.destroyed, 1);
}

typedef struct wrong_external {
    const char *word;
    fh_external_desc desc;
} wrong_external;

static void every_wrong_field_is_named(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    const wrong_external wrong[] = {
        {"size", {.size = 0}},
        {"heap", {.size = 1, .heap = 2}},
        {"heap", {.size = 1, .heap = UINT32_MAX}},
        {"tag", {.size = 1, .tag = 500}},
        {"priority", {.size = 1, .priority = -1.0F}},
        {"priority", {.size = 1, .priority = 2.0F}},
        {"priority", {.size = 1, .priority = NAN}},
        {"evictable", {.size = 1, .evictable = (fh_evictable)3}},
        {"evictable", {.size = 1, .evictable = (fh_evictable)-1}},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_external_desc desc = wrong[i].desc;
        desc.destroy = destroy;
        desc.context = &o;
        fh_parcel out;
        CHECK_REFUSED(fh_external_create(c->device, &desc, &out), out, FH_ERR_INVALID,
                      wrong[i].word);
    }
    CHECK_EQUAL(o.destroyed, 0);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

/* Sizes near 2^64: the account does not come round. */
static void sizes_do_not_wrap(void **state)
{
    const card *c = *state;
    fh_parcel made[4];
    uint32_t count = 0;
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        fh_external_desc desc = {.size = UINT64_MAX / 2 - 10};
        if (fh_external_create(c->device, &desc, &made[count]) == FH_OK) {
            sum += desc.size;
            count++;
        }
        assert_true(count <= 2);
        CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, sum);
    }
    while (count > 0) {
        check_release(c, made[--count]);
    }
}

static void what_needs_bytes_refuses_it(void **state)
{
    const card *c = *state;
    owner o = {.card = c};
    fh_parcel external = make(c, &o, 64, 0);
    void *pointer = &o;
    char bytes[4] = {0};
    fh_view view;
    fh_epoch epoch;
    CHECK_RESULT(fh_parcel_map(c->device, external, &pointer), FH_ERR_UNSUPPORTED);
    assert_null(pointer);
    CHECK_RESULT(fh_parcel_unmap(c->device, external), FH_ERR_INVALID);
    CHECK_RESULT(fh_buffer_resize(c->device, external, 128, &epoch), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_write(c->device, external, 0, bytes, 4, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(c->device, external, 0, bytes, 4, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_make(c->device, external, 0, 0, &view), FH_ERR_INVALID);
    fh_parcel buffer = check_buffer(c, 64);
    fh_copy copy = {.src = external, .dst = buffer, .size = 4};
    CHECK_RESULT(fh_device_copy(c->device, &copy, 1, &epoch), FH_ERR_INVALID);
    check_release(c, buffer);
    check_release(c, external);
}

static void it_is_destroyed_with_the_device(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    owner live = {.card = &c};
    owner retiring = {.card = &c};
    make(&c, &live, 10, 0);
    fh_parcel waits = make(&c, &retiring, 10, 0);
    CHECK_OK(fh_device_retire(c.device, waits, &(fh_epoch){queue, 77}, 1));
    CHECK_NO_FAULT(card_close(&c));
    CHECK_EQUAL(live.destroyed, 1);
    CHECK_EQUAL(retiring.destroyed, 1);
}

static void it_is_destroyed_after_loss(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    owner o = {.card = c};
    fh_parcel external = make(c, &o, 10, 0);
    CHECK_OK(fh_parcel_use(c->device, external, (fh_epoch){queue, 77}));
    CHECK_OK(fh_simulated_fault(c->backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_device_tick(c->device), FH_ERR_DEVICE_LOST);
    CHECK_EQUAL(o.destroyed, 0);
    check_release(c, external);
    fh_device_tick(c->device);
    CHECK_EQUAL(o.destroyed, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_counted_and_nothing_else),
        TEST(it_waits_for_its_last_use),
        TEST(its_owner_may_be_given_a_new_user),
        TEST(the_callback_may_use_the_device),
        TEST(the_callback_may_use_the_device_at_a_tick),
        TEST(a_limit_refuses_it_and_the_callback_does_not_come),
        TEST(every_wrong_field_is_named),
        TEST(sizes_do_not_wrap),
        TEST(what_needs_bytes_refuses_it),
        cmocka_unit_test(it_is_destroyed_with_the_device),
        TEST(it_is_destroyed_after_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
