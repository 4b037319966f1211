/* No lock is held when the backend or the host's memory is called: each call asks the device for
 * what takes every lock there is. */

#define _POSIX_C_SOURCE 200809L

#include "scene.h"

#include <unistd.h>

/* Asks for what takes every lock there is. Whoever calls out with one held waits for ever. */
static struct {
    fh_device *device;
    bool inside;
    uint64_t count;
    const fh_backend_ops *ops;
    test_memory *memory;
} probe;

static void look_around(void)
{
    if (probe.device == NULL || probe.inside) {
        return;
    }
    probe.inside = true;
    probe.count++;
    fh_device_stats stats;
    fh_account_info info;
    fh_tag tag;
    fh_device_get_stats(probe.device, &stats);
    fh_device_account(probe.device, (fh_account){FH_ACCOUNT_KIND, 0}, &info);
    fh_device_set_limit(probe.device, (fh_account){FH_ACCOUNT_KIND, FH_KIND_TRANSIENT}, GIB(1));
    fh_device_visit(probe.device, visit, NULL);
    fh_device_tag(probe.device, "scene", &tag);
    fh_queue_signal(probe.device, 2, 0);
    fh_device_policy_name(probe.device);
    probe.inside = false;
}

static fh_result probe_alloc(fh_backend_device *device, const fh_memory_request *request,
                             void *memory)
{
    look_around();
    return probe.ops->memory_alloc(device, request, memory);
}

static void probe_free(fh_backend_device *device, void *memory)
{
    look_around();
    probe.ops->memory_free(device, memory);
}

static fh_result probe_map(fh_backend_device *device, void *memory, void **out_pointer)
{
    look_around();
    return probe.ops->memory_map(device, memory, out_pointer);
}

static void probe_unmap(fh_backend_device *device, void *memory)
{
    look_around();
    probe.ops->memory_unmap(device, memory);
}

static fh_result probe_flush(fh_backend_device *device, void *memory, uint64_t offset,
                             uint64_t size)
{
    look_around();
    return probe.ops->memory_flush(device, memory, offset, size);
}

static fh_result probe_buffer(fh_backend_device *device, const fh_buffer_desc *desc, uint64_t size,
                              void *object, fh_requirements *out_requirements)
{
    look_around();
    return probe.ops->buffer_create(device, desc, size, object, out_requirements);
}

static fh_result probe_texture(fh_backend_device *device, const fh_texture_desc *desc, void *object,
                               fh_requirements *out_requirements)
{
    look_around();
    return probe.ops->texture_create(device, desc, object, out_requirements);
}

static fh_result probe_bind(fh_backend_device *device, void *object, void *memory, uint64_t offset)
{
    look_around();
    return probe.ops->bind(device, object, memory, offset);
}

static void probe_destroy(fh_backend_device *device, void *object)
{
    look_around();
    probe.ops->object_destroy(device, object);
}

static fh_result probe_budget(fh_backend_device *device, uint64_t tick, fh_heap_budget *out_budgets)
{
    look_around();
    return probe.ops->budget(device, tick, out_budgets);
}

static fh_result probe_submit(fh_backend_device *device, uint32_t queue,
                              const fh_backend_copy *copies, uint32_t copy_count,
                              const fh_epoch *waits, uint32_t wait_count, uint64_t *out_value)
{
    look_around();
    return probe.ops->submit(device, queue, copies, copy_count, waits, wait_count, out_value);
}

static fh_result probe_progress(fh_backend_device *device, uint32_t queue, uint64_t *out_value)
{
    look_around();
    return probe.ops->progress(device, queue, out_value);
}

static fh_result probe_wait(fh_backend_device *device, uint32_t queue, uint64_t value,
                            uint64_t timeout_ns)
{
    look_around();
    return probe.ops->wait(device, queue, value, timeout_ns);
}

static void *probe_host_alloc(void *context, size_t size, size_t alignment)
{
    (void)context;
    look_around();
    return probe.memory->host.alloc(probe.memory, size, alignment);
}

static void probe_host_free(void *context, void *memory, size_t size, size_t alignment)
{
    (void)context;
    look_around();
    probe.memory->host.free(probe.memory, memory, size, alignment);
}

static void no_lock_is_held_when_backend_and_host_are_called(void **state)
{
    (void)state;
    alarm(120); /* a lock that is held is waited for, for ever */
    probe.ops = fh_backend_find(NULL);
    fh_backend_ops ops = *probe.ops;
    ops.name = "probing";
    ops.memory_alloc = probe_alloc;
    ops.memory_free = probe_free;
    ops.memory_map = probe_map;
    ops.memory_unmap = probe_unmap;
    ops.memory_flush = probe_flush;
    ops.memory_invalidate = probe_flush; /* as far as locks go */
    ops.buffer_create = probe_buffer;
    ops.texture_create = probe_texture;
    ops.bind = probe_bind;
    ops.object_destroy = probe_destroy;
    ops.budget = probe_budget;
    ops.submit = probe_submit;
    ops.progress = probe_progress;
    ops.wait = probe_wait;
    test_memory memory;
    test_memory_init(&memory);
    probe.memory = &memory;
    fh_host_memory host = {probe_host_alloc, probe_host_free, NULL};
    scene *s = test_calloc(1, sizeof *s);
    prepare(s, &host);
    s->card.desc.ops = &ops;
    check_open(&s->card);
    probe.device = s->card.device;
    run(s);
    CHECK_EQUAL(s->failures, 0);
    assert_true(probe.count > 200);
    /* More parcels than the first records hold, tags that a lane has no room for, a device that is
     * lost. */
    static fh_parcel many[3000];
    for (uint32_t i = 0; i < TEST_COUNT_OF(many); i++) {
        char name[16];
        fh_tag tag;
        snprintf(name, sizeof name, "tag %u", i % 100);
        CHECK_OK(fh_device_tag(s->card.device, name, &tag));
        fh_buffer_desc desc = card_buffer_desc(64);
        desc.memory.tag = tag;
        many[i] = check_make(&s->card, &desc);
    }
    for (uint32_t i = 0; i < TEST_COUNT_OF(many); i++) {
        check_release(&s->card, many[i]);
    }
    CHECK_OK(fh_simulated_fault(s->card.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    s->allowed = FH_ERR_DEVICE_LOST;
    fh_device_tick(s->card.device);
    s->fixed = s->ring = NULL;
    probe.device = NULL;
    CHECK_NO_FAULT(card_close(&s->card));
    test_memory_finish(&memory);
    test_free(s);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lock_is_held_when_backend_and_host_are_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
