/* A device's beginning and end. What it is made of is in core.h. */

#include "device/core.h"

#include "device/parcel.h"

#include <freehold/device.h>

#include <string.h>

enum {
    LAST_WAIT_NS = 2000000000, /* how long destroying waits for copies that were queued */
    LAST_ROUNDS = 10000        /* how often what retires may retire more */
};

void fhi_note_loss(fhi_core *core)
{
    if (!atomic_exchange(&core->lost, true)) {
        fhi_log(&core->log, FH_LOG_ERROR, "the device is lost");
        fhi_lock_acquire(&core->retire.lock);
        fhi_condition_wake_all(&core->retire.signalled);
        fhi_lock_release(&core->retire.lock);
        if (fhi_is_observed(core, FH_EVENT_DEVICE_LOST)) {
            fhi_observe(core, &(fh_event){.kind = FH_EVENT_DEVICE_LOST});
        }
    }
}

fh_result fhi_fail_lost(void)
{
    return fhi_fail(FH_ERR_DEVICE_LOST,
                    "the device is lost: destroy it, and open another one for what "
                    "fh_device_visit() lists");
}

/* ---- end ---- */

/* The slots whose state is `state`, one after the other. They are found in batches under the lanes'
 * locks, and freed with none held. */
static void free_all(fhi_core *core, bool backed)
{
    uint32_t high = atomic_load(&core->records.high);
    for (uint32_t slot = 1; slot < high; slot++) {
        fhi_record *record = fhi_record_at(core, slot);
        if (record->state != FHI_STATE_LIVE ||
            ((record->flags & FHI_RECORD_BACKED) != 0) != backed) {
            continue;
        }
        atomic_fetch_and(&record->word, FHI_WORD_GENERATION);
        fhi_parcel_free(core, slot);
    }
}

/* A callback may retire more, and that more again; but not for ever. */
static void retire_all(fhi_core *core)
{
    uint32_t rounds = LAST_ROUNDS;
    while (fhi_retire_passed(core, true) > 0 && --rounds > 0) {
    }
    if (rounds == 0) {
        fhi_log(&core->log, FH_LOG_ERROR,
                "retired callbacks kept retiring more when the device was destroyed");
    }
}

void fhi_core_destroy(fhi_core *core)
{
    fh_host_memory memory = core->memory;
    if (core->backend) {
        if (fh_device_wait_idle(&core->root, LAST_WAIT_NS) == FH_ERR_TIMEOUT) {
            fhi_log(&core->log, FH_LOG_ERROR,
                    "copies were still under way when the device was destroyed");
        }
        fhi_staging_finish(core);
        retire_all(core);
        fhi_leaks_report(core);
        free_all(core, true); /* what lies on others first */
        free_all(core, false);
        retire_all(core);
    }
    while (core->pools_first) {
        fhi_pool_forget(core->pools_first); /* verdicts that name it, too */
    }
    fhi_policies_finish(core);
    fhi_tick_finish(core);
    for (uint32_t i = 0; core->pools && i < core->adapter.type_count; i++) {
        fhi_pool_finish(&core->pools[i]);
    }
    if (fhi_is_observed(core, FH_EVENT_DEVICE_CLOSED)) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_DEVICE_CLOSED});
    }
    fhi_host_free(&memory, core->pools, core->adapter.type_count, sizeof *core->pools, 64);
    fhi_records_finish(core);
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_host_free(&memory, core->lanes[i].tags, core->lanes[i].tag_capacity, sizeof(fhi_share),
                      64);
    }
    fhi_tags_finish(core);
    fhi_retire_finish(core);
    if (core->backend) {
        core->ops->close(core->backend);
    }
    fhi_condition_finish(&core->retire.signalled);
    fhi_condition_finish(&core->mapped);
    fhi_lock *const locks[] = {&core->limit_lock,   &core->record_lock, &core->pool_lock,
                               &core->map_lock,     &core->evict_lock,  &core->retire.lock,
                               &core->staging.lock, &core->deeds.lock,  &core->tags.lock,
                               &core->memory_lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        fhi_lock_finish(locks[i]);
    }
    fhi_host_free(&memory, core, 1, sizeof *core, 64);
}

/* ---- beginning ---- */

static fh_result check_desc(const fh_device_desc *desc, const fh_backend_ops *ops)
{
    if (!ops) {
        return fhi_fail_print(FH_ERR_INVALID, "this build has no backend \"%s\"", desc->backend);
    }
    if (ops->memory_size > FHI_OBJECT_MAX || ops->object_size > FHI_OBJECT_MAX) {
        return fhi_fail_with(
            FH_ERR_INVALID,
            "the backend asks for {} and {} bytes per memory and object; {} are the "
            "most",
            ops->memory_size, ops->object_size, FHI_OBJECT_MAX);
    }
    if (desc->block_size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail(FH_ERR_INVALID, "block_size is above 2^63");
    }
    if (desc->margin > UINT32_MAX) {
        return fhi_fail(FH_ERR_INVALID, "margin is above 4 GiB");
    }
    return FH_OK;
}

static void init_locks(fhi_core *core)
{
    fhi_lock *const locks[] = {&core->limit_lock,   &core->record_lock, &core->pool_lock,
                               &core->map_lock,     &core->evict_lock,  &core->retire.lock,
                               &core->staging.lock, &core->deeds.lock,  &core->tags.lock,
                               &core->memory_lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        fhi_lock_init(locks[i]);
    }
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_latch_init(&core->lanes[i].lock);
    }
    fhi_condition_init(&core->retire.signalled);
    fhi_condition_init(&core->mapped);
}

static void init_accounts(fhi_core *core)
{
    fhi_account_init(&core->total);
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        fhi_account_init(&core->heaps[i]);
    }
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        fhi_account_init(&core->kinds[i]);
    }
    atomic_init(&core->tags.count, 1);
}

/* What follows from the adapter. */
static fh_result init_memory(fhi_core *core)
{
    uint32_t count = core->adapter.type_count;
    for (int location = 0; location < FH_LOCATION_COUNT; location++) {
        for (int access = 0; access < FH_ACCESS_COUNT; access++) {
            fhi_type_wish wish = fhi_type_wish_of((fh_location)location, (fh_access)access);
            fhi_type_order_make(&core->adapter, &wish, UINT32_MAX, &core->orders[location][access]);
        }
    }
    core->coherent_everywhere = true;
    for (uint32_t type = 0; type < count; type++) {
        fh_memory_flags flags = fhi_type_flags(core, type);
        if ((flags & FH_MEMORY_HOST_VISIBLE) && !(flags & FH_MEMORY_HOST_COHERENT)) {
            core->coherent_everywhere = false;
        }
    }
    core->pools = fhi_host_alloc(&core->memory, count, sizeof *core->pools, 64);
    if (!core->pools) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the device's pools");
    }
    for (uint32_t type = 0; type < count; type++) {
        fhi_pool_init(&core->pools[type], core, type);
    }
    return FH_OK;
}

fh_result fh_device_create(const fh_device_desc *desc, fh_device **out_device)
{
    if (out_device) {
        *out_device = NULL;
    }
    if (!desc || !out_device) {
        return fhi_fail(FH_ERR_INVALID, "desc or out_device is NULL");
    }
    const fh_backend_ops *ops = desc->ops ? desc->ops : fh_backend_find(desc->backend);
    fh_host_memory memory;
    fh_log log;
    fh_clock clock;
    fh_result result = check_desc(desc, ops);
    if (result == FH_OK) {
        result = fhi_host_memory_resolve(desc->memory, &memory);
    }
    if (result == FH_OK) {
        result = fhi_log_resolve(desc->log, &log);
    }
    if (result == FH_OK) {
        result = fhi_clock_resolve(desc->clock, &clock);
    }
    if (result != FH_OK) {
        return result;
    }
    fhi_core *core = fhi_host_alloc(&memory, 1, sizeof *core, 64);
    if (!core) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the device");
    }
    memset(core, 0, sizeof *core);
    core->ops = ops;
    core->object_size = (ops->object_size + 15) & ~(size_t)15;
    core->object_size = core->object_size == 0 ? 16 : core->object_size;
    core->memory = memory;
    core->log = log;
    core->clock = clock;
    core->block_size = desc->block_size;
    core->margin = fhi_align_up(desc->margin, 16);
    core->retain_ticks = desc->retain_ticks == 0 ? 64 : desc->retain_ticks;
    core->evict = desc->evict;
    core->evict_context = desc->evict_context;
    core->os_budget_advisory = desc->os_budget_advisory;
    core->records.salt = (uint32_t)fhi_salt(core) | 1;
    core->root.core = core;
    atomic_init(&core->root.references, 1);
    atomic_store(&core->tick_ns, fhi_core_now(core));
    init_locks(core);
    init_accounts(core);

    result = fhi_policies_init(core);
    if (result == FH_OK) {
        result = ops->open(desc->config, desc->adapter, &core->memory, &core->log, &core->backend,
                           &core->adapter);
    }
    if (result == FH_OK) {
        result = init_memory(core);
    }
    if (result == FH_OK) {
        result = fhi_retire_init(core);
    }
    if (result == FH_OK) {
        result = fhi_records_extend(core, 0);
    }
    if (result != FH_OK) {
        fhi_core_destroy(core);
        return result;
    }
    fhi_budgets_read(core);
    *out_device = &core->root;
    return FH_OK;
}

void fh_device_destroy(fh_device *device)
{
    if (device) {
        fhi_device_release(device);
    }
}

fh_result fh_adapter_list(const char *backend, const void *config, uint32_t first,
                          uint32_t capacity, fh_adapter_info *out_infos, uint32_t *out_count)
{
    if (out_count) {
        *out_count = 0;
    }
    if (!out_count || (!out_infos && capacity > 0)) {
        return fhi_fail(FH_ERR_INVALID, "out_count or out_infos is NULL");
    }
    const fh_backend_ops *ops = fh_backend_find(backend);
    if (!ops) {
        return fhi_fail_print(FH_ERR_INVALID, "this build has no backend \"%s\"", backend);
    }
    return ops->adapters(config, first, capacity, out_infos, out_count);
}

const fh_adapter_info *fh_device_adapter(const fh_device *device)
{
    return device ? &device->core->adapter : NULL;
}

fh_backend_device *fh_device_backend(const fh_device *device)
{
    return device ? device->core->backend : NULL;
}

bool fh_device_is_lost(const fh_device *device)
{
    return device && fhi_is_lost(device->core);
}
