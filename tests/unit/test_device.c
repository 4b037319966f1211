/* Devices as such: how they are opened, on which adapter and backend, what is refused, and how they
 * end. */

#define _POSIX_C_SOURCE 200809L

#include "card_checks.h"

#include <time.h>

static void nothing_set_opens_the_first_simulated_card(void **state)
{
    (void)state;
    fh_device *device;
    CHECK_OK(fh_device_create(&(fh_device_desc){0}, &device));
    const fh_adapter_info *info = fh_device_adapter(device);
    assert_string_equal(info->name, "discrete-8g");
    assert_string_equal(info->backend, "host");
    assert_int_equal(info->kind, FH_ADAPTER_DISCRETE);
    CHECK_EQUAL(info->heap_count, 3);
    CHECK_EQUAL(info->heaps[0].size, GIB(8));
    CHECK_EQUAL(info->heaps[2].size, MIB(256));
    assert_non_null(fh_device_backend(device));
    assert_false(fh_device_is_lost(device));
    fh_device_stats stats;
    CHECK_OK(fh_device_get_stats(device, &stats));
    CHECK_EQUAL(stats.driver_alloc_count, 0); /* no device memory yet */
    fh_device_destroy(device);
    fh_device_destroy(NULL);
}

static void every_adapter_can_be_opened(void **state)
{
    (void)state;
    fh_adapter_info infos[8];
    uint32_t count;
    CHECK_OK(fh_adapter_list(NULL, NULL, 0, 8, infos, &count));
    CHECK_EQUAL(count, 4);
    for (uint32_t i = 0; i < count; i++) {
        assert_string_equal(infos[i].name, fh_profile_at(i)->name);
        fh_device *device;
        CHECK_OK(fh_device_create(&(fh_device_desc){.adapter = i}, &device));
        const fh_adapter_info *info = fh_device_adapter(device);
        assert_string_equal(info->name, infos[i].name);
        CHECK_EQUAL(info->type_count, infos[i].type_count);
        fh_device_destroy(device);
    }
    /* Only those that fit, from the one asked for. */
    memset(infos, 0x55, sizeof infos);
    CHECK_OK(fh_adapter_list("host", NULL, 2, 1, infos, &count));
    CHECK_EQUAL(count, 4);
    assert_string_equal(infos[0].name, fh_profile_at(2)->name);
    assert_int_equal((unsigned char)infos[1].name[0], 0x55);
    CHECK_OK(fh_adapter_list("host", NULL, 0, 0, NULL, &count));
    CHECK_EQUAL(count, 4);
    card c;
    card_small(&c);
    CHECK_OK(fh_adapter_list("host", &c.simulated, 0, 8, infos, &count));
    CHECK_EQUAL(count, 1);
    assert_string_equal(infos[0].name, "small");
}

static void wrong_adapters_are_refused(void **state)
{
    (void)state;
    fh_adapter_info info;
    uint32_t count = 7;
    CHECK_RESULT(fh_adapter_list("quantum", NULL, 0, 1, &info, &count), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("quantum");
    CHECK_EQUAL(count, 0);
    count = 7;
    CHECK_RESULT(fh_adapter_list(NULL, NULL, 0, 1, NULL, &count), FH_ERR_INVALID);
    CHECK_EQUAL(count, 0);
    CHECK_RESULT(fh_adapter_list(NULL, NULL, 0, 1, &info, NULL), FH_ERR_INVALID);
}

static void *nowhere(void *context, size_t size, size_t alignment)
{
    (void)context, (void)size, (void)alignment;
    return NULL;
}

static void wrong_descriptions_are_refused(void **state)
{
    (void)state;
    static const fh_host_memory half = {.alloc = nowhere};
    static const fh_log silent = {0};
    static const fh_clock stopped = {0};
    static const struct {
        const char *word;
        fh_device_desc desc;
    } wrong[] = {
        {"quantum", {.backend = "quantum"}},
        {"adapter", {.adapter = 4}},
        {"adapter", {.adapter = UINT32_MAX}},
        {"block_size", {.block_size = UINT64_MAX}},
        {"margin", {.margin = UINT64_MAX}},
        {"memory", {.memory = &half}},
        {"log", {.log = &silent}},
        {"clock", {.clock = &stopped}},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_device *device = (fh_device *)&device;
        CHECK_RESULT(fh_device_create(&wrong[i].desc, &device), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES(wrong[i].word);
        assert_null(device);
    }
    fh_device *device = (fh_device *)&device;
    CHECK_RESULT(fh_device_create(NULL, &device), FH_ERR_INVALID);
    assert_null(device);
    CHECK_RESULT(fh_device_create(&(fh_device_desc){0}, NULL), FH_ERR_INVALID);
    assert_null(fh_device_adapter(NULL));
    assert_null(fh_device_backend(NULL));
}

static void a_wrong_profile_is_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.types[1].heap = 9;
    CHECK_RESULT(card_open(&c), FH_ERR_INVALID);
    assert_null(c.device);
    CHECK_DETAIL_NAMES("heap 9");
}

/* A table of the program's own comes before the name. */
static uint32_t opened;

static fh_result open_and_count(const void *config, uint32_t adapter, const fh_host_memory *memory,
                                const fh_log *log, fh_backend_device **out_device,
                                fh_adapter_info *out_info)
{
    opened++;
    return fh_backend_find("host")->open(config, adapter, memory, log, out_device, out_info);
}

static void a_backend_of_the_programs_own_is_used(void **state)
{
    (void)state;
    fh_backend_ops ops = *fh_backend_find("host");
    ops.name = "mine";
    ops.open = open_and_count;
    opened = 0;
    card c;
    card_small(&c);
    c.desc.ops = &ops;
    check_open(&c);
    CHECK_EQUAL(opened, 1);
    check_release(&c, check_upload(&c, 1000));
    check_close(&c);
    ops.object_size = 100000; /* more than is lent */
    card_small(&c);
    c.desc.ops = &ops;
    CHECK_RESULT(card_open(&c), FH_ERR_INVALID);
    assert_null(c.device);
}

/* No budget without the capability: 80 % of the heap. */
static fh_result open_without_budget(const void *config, uint32_t adapter,
                                     const fh_host_memory *memory, const fh_log *log,
                                     fh_backend_device **out_device, fh_adapter_info *out_info)
{
    fh_result result =
        fh_backend_find("host")->open(config, adapter, memory, log, out_device, out_info);
    out_info->caps = 0;
    return result;
}

static void optional_operations_may_be_missing(void **state)
{
    (void)state;
    fh_backend_ops ops = *fh_backend_find("host");
    ops.open = open_without_budget;
    ops.budget = NULL;
    ops.memory_import = NULL;
    ops.buffer_address = NULL;
    ops.object_name = NULL;
    card c;
    card_small(&c);
    c.desc.ops = &ops;
    check_open(&c);
    CHECK_OK(fh_device_tick(c.device));
    fh_account_info heap = card_account(&c, FH_ACCOUNT_HEAP, 0);
    assert_true(heap.limit > MIB(51) && heap.limit <= MIB(64) / 10 * 8);
    fh_parcel buffer = check_upload(&c, 1000);
    CHECK_OK(fh_parcel_set_name(c.device, buffer, "named"));
    check_release(&c, buffer);
    unsigned char bytes[64];
    fh_raw_desc desc = {.size = 64, .import = bytes, .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel out;
    CHECK_REFUSED(fh_raw_create(c.device, &desc, &out), out, FH_ERR_UNSUPPORTED, "import");
    check_close(&c);
}

static void what_lives_goes_with_the_device(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    fh_pool *pool;
    CHECK_OK(fh_pool_create(c.device, &(fh_pool_desc){.block_count_min = 1}, &pool));
    fh_raw_desc desc = {.size = 4096};
    fh_parcel raw = check_raw(&c, &desc);
    fh_buffer_desc item = card_buffer_desc(64);
    item.memory.backing = raw;
    check_make(&c, &item);
    item.memory.backing = (fh_parcel){0};
    item.memory.name = "forgotten";
    item.memory.pool = pool;
    fh_parcel mapped = check_upload(&c, 100);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, mapped, &pointer));
    CHECK_OK(fh_parcel_acquire(c.device, mapped));
    check_buffer(&c, MIB(6));
    fh_parcel retiring = check_buffer(&c, 100);
    CHECK_OK(fh_device_retire(c.device, retiring, &(fh_epoch){queue, 50}, 1));
    check_make(&c, &item);
    CHECK_NO_FAULT(card_close(&c));
    assert_true(atomic_load(&c.complaints) > 0); /* by name: see test_leaks.c */
}

static void nothing_is_said_of_a_device_that_ends_well(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    CHECK_OK(fh_parcel_write(c.device, buffer, 0, &c, 1000, NULL));
    check_release(&c, buffer);
    CHECK_NO_FAULT(card_close(&c));
    CHECK_EQUAL(atomic_load(&c.complaints), 0);
}

/* Ticks: counted, and never inside one another. */
static void ticks_are_counted(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    for (uint64_t i = 1; i <= 5; i++) {
        CHECK_OK(fh_device_tick(c.device));
        CHECK_EQUAL(card_stats(&c).tick_count, i);
        CHECK_OK(fh_device_poll(c.device)); /* is none */
    }
    check_close(&c);
}

static void nap(long milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

/* 100 ms without one: the next request that grows a pool makes it first; others do not. */
static void growing_ticks_when_nobody_did_for_long(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.desc.os_budget_advisory = false;
    check_open(&c);
    CHECK_OK(fh_device_tick(c.device));
    fh_parcel first = check_buffer(&c, 1000);
    uint64_t ticks = card_stats(&c).tick_count;
    nap(150);
    fh_parcel second = check_buffer(&c, 1000); /* the block has room */
    CHECK_EQUAL(card_stats(&c).tick_count, ticks);
    fh_fault less = {.kind = FH_FAULT_BUDGET, .tick = 0, .heap = 0, .bytes = MIB(2)};
    CHECK_OK(fh_simulated_fault(c.backend, &less));
    fh_buffer_desc desc = card_buffer_desc(MIB(3));
    desc.memory.type_mask = 1U << CARD_LOCAL;
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c.device, &desc, &out), out, FH_ERR_BUDGET, "heap 0");
    assert_true(card_stats(&c).tick_count > ticks);
    check_release(&c, first);
    check_release(&c, second);
    check_close(&c);
}

static uint64_t told(void *context)
{
    return *(const uint64_t *)context;
}

/* With a clock of the program's own that rule goes by that clock alone, and so do facts. */
static void ticks_go_by_the_clock_that_was_given(void **state)
{
    (void)state;
    uint64_t now = 7;
    const fh_clock clock = {.now_ns = told, .context = &now};
    card c;
    card_small(&c);
    c.desc.clock = &clock;
    check_open(&c);
    CHECK_OK(fh_device_tick(c.device));
    nap(150);
    fh_parcel first = check_buffer(&c, MIB(6));
    CHECK_EQUAL(card_stats(&c).tick_count, 1);
    now += 200 * 1000 * 1000;
    fh_parcel second = check_buffer(&c, MIB(6));
    CHECK_EQUAL(card_stats(&c).tick_count, 2);
    check_release(&c, first);
    check_release(&c, second);
    check_close(&c);
}

/* Two devices share nothing. */
static void devices_share_nothing(void **state)
{
    (void)state;
    card a;
    card b;
    card_small(&a);
    card_builtin(&b, "uma-16g");
    check_open(&a);
    check_open(&b);
    fh_parcel of_a = check_buffer(&a, 1000);
    fh_parcel of_b = check_buffer(&b, 2000);
    CHECK_EQUAL(card_stats(&a).parcel_count, 1);
    CHECK_EQUAL(card_stats(&b).committed_bytes, 2000);
    check_release(&a, of_a);
    check_close(&a);
    CHECK_EQUAL(check_info(&b, of_b).committed, 2000);
    check_release(&b, of_b);
    check_close(&b);
}

typedef struct chain {
    fh_device *device;
    uint32_t queue, count;
} chain;

static void call_again(void *context)
{
    chain *c = context;
    if (++c->count < 6) {
        const fh_epoch later = {c->queue, 100 + c->count};
        CHECK_OK(fh_device_retire_call(c->device, call_again, c, &later, 1));
    }
}

static void callbacks_that_retire_more_are_all_called_at_the_end(void **state)
{
    (void)state;
    chain c = {0};
    CHECK_OK(fh_device_create(&(fh_device_desc){0}, &c.device));
    CHECK_OK(fh_queue_add(c.device, "q", &c.queue));
    const fh_epoch first = {c.queue, 5};
    CHECK_OK(fh_device_retire_call(c.device, call_again, &c, &first, 1));
    fh_device_destroy(c.device);
    CHECK_EQUAL(c.count, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_opens_the_first_simulated_card),
        cmocka_unit_test(every_adapter_can_be_opened),
        cmocka_unit_test(wrong_adapters_are_refused),
        cmocka_unit_test(wrong_descriptions_are_refused),
        cmocka_unit_test(a_wrong_profile_is_refused),
        cmocka_unit_test(a_backend_of_the_programs_own_is_used),
        cmocka_unit_test(optional_operations_may_be_missing),
        cmocka_unit_test(what_lives_goes_with_the_device),
        cmocka_unit_test(nothing_is_said_of_a_device_that_ends_well),
        cmocka_unit_test(ticks_are_counted),
        cmocka_unit_test(growing_ticks_when_nobody_did_for_long),
        cmocka_unit_test(ticks_go_by_the_clock_that_was_given),
        cmocka_unit_test(devices_share_nothing),
        cmocka_unit_test(callbacks_that_retire_more_are_all_called_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
