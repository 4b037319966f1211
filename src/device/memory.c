#include "device/memory.h"

#include "device/core.h"
#include "device/witness.h"

#include <string.h>

static size_t bytes_of(const fhi_core *core)
{
    return sizeof(fhi_memory) + core->ops->memory_size;
}

fh_event fhi_memory_event(const fhi_memory *memory, uint32_t event)
{
    return (fh_event){.kind = event,
                      .memory = memory->id,
                      .heap = memory->heap,
                      .type = memory->type,
                      .bytes = memory->size,
                      .dedicated = memory->dedicated};
}

uint64_t fhi_budget_limit(fhi_core *core, uint32_t heap)
{
    fhi_lock_acquire(&core->limit_lock);
    fh_heap_budget budget = core->budgets[heap];
    uint64_t ours = core->budget_used[heap];
    fhi_lock_release(&core->limit_lock);
    uint64_t others = budget.usage > ours ? budget.usage - ours : 0;
    return budget.budget > others ? budget.budget - others : 0;
}

/* The total first, then the heap: the order does not matter to anybody, since a loser takes back
 * what it charged before anything else can depend on it. */
static fh_result charge(fhi_core *core, const fhi_memory_want *want, uint32_t heap,
                        fhi_refusal *out_refusal)
{
    uint64_t size = want->size;
    uint64_t most = want->within_budget ? fhi_budget_limit(core, heap) : UINT64_MAX;
    fhi_account *refusing = &core->total;
    out_refusal->account = (fh_account){FH_ACCOUNT_TOTAL, 0};
    if (fhi_account_charge(refusing, size)) {
        refusing = &core->heaps[heap];
        out_refusal->account = (fh_account){FH_ACCOUNT_HEAP, heap};
        if (fhi_account_charge_within(refusing, size, most)) {
            return FH_OK;
        }
        fhi_account_credit(&core->total, size);
    }
    uint64_t headroom = fhi_account_headroom(refusing);
    out_refusal->missing = size > headroom ? size - headroom : 1;
    return fhi_fail_budget(core, out_refusal->account, size);
}

static void credit(fhi_core *core, uint32_t heap, uint64_t size)
{
    fhi_account_credit(&core->heaps[heap], size);
    fhi_account_credit(&core->total, size);
}

/* From now on it is one of the device's. */
static void enlist(fhi_core *core, fhi_memory *memory)
{
    fhi_lock_acquire(&core->memory_lock);
    memory->id = ++core->memory_id;
    memory->all_previous = core->memory_last;
    if (core->memory_last) {
        core->memory_last->all_next = memory;
    } else {
        core->memory_first = memory;
    }
    core->memory_last = memory;
    fhi_witness_memory(core, memory, FHI_WITNESS_MEMORY_MADE);
    fhi_lock_release(&core->memory_lock);
}

static void delist(fhi_core *core, fhi_memory *memory)
{
    fhi_lock_acquire(&core->memory_lock);
    if (memory->all_previous) {
        memory->all_previous->all_next = memory->all_next;
    } else {
        core->memory_first = memory->all_next;
    }
    if (memory->all_next) {
        memory->all_next->all_previous = memory->all_previous;
    } else {
        core->memory_last = memory->all_previous;
    }
    fhi_witness_memory(core, memory, FHI_WITNESS_MEMORY_ENDS);
    fhi_lock_release(&core->memory_lock);
}

fh_result fhi_memory_create(fhi_core *core, const fhi_memory_want *want, fhi_memory **out_memory,
                            fhi_refusal *out_refusal)
{
    *out_memory = NULL;
    out_refusal->missing = 0;
    if (want->size > core->adapter.allocation_size_max) {
        return fhi_fail_with(FH_ERR_OUT_OF_MEMORY,
                             "{} bytes are more than the {} that the adapter gives in one piece",
                             want->size, core->adapter.allocation_size_max, 0);
    }
    uint32_t heap = core->adapter.types[want->type].heap;
    fhi_memory *memory = fhi_host_alloc(&core->memory, 1, bytes_of(core), 64);
    if (!memory) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a memory block's description");
    }
    memset(memory, 0, bytes_of(core));
    memory->size = want->size;
    memory->type = want->type;
    memory->heap = heap;
    memory->dedicated = want->dedicated;
    memory->imported = want->import != NULL;
    memory->address = want->address;
    memory->priority = want->priority;
    memory->made_tick = atomic_load_explicit(&core->tick, memory_order_relaxed);

    fh_result result = memory->imported ? FH_OK : charge(core, want, heap, out_refusal);
    if (result != FH_OK) {
        fhi_host_free(&core->memory, memory, 1, bytes_of(core), 64);
        return result;
    }
    const fh_memory_request request = {
        .size = want->size,
        .type = want->type,
        .object = want->object,
        .priority = want->priority,
        .address = want->address,
        .host = want->import,
    };
    result = memory->imported ? core->ops->memory_import(core->backend, &request, memory->backend)
                              : core->ops->memory_alloc(core->backend, &request, memory->backend);
    if (result != FH_OK) {
        if (!memory->imported) {
            credit(core, heap, want->size);
        }
        fhi_host_free(&core->memory, memory, 1, bytes_of(core), 64);
        return result;
    }
    if (!memory->imported) {
        fhi_account_hold(&core->heaps[heap], want->size);
        fhi_account_hold(&core->total, want->size);
    }
    atomic_fetch_add_explicit(&core->driver_alloc_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&core->memory_count[memory->type], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&core->memory_bytes[memory->type], memory->size,
                              memory_order_relaxed);
    if (memory->dedicated) {
        atomic_fetch_add_explicit(&core->dedicated_count[memory->type], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&core->dedicated_bytes[memory->type], memory->size,
                                  memory_order_relaxed);
    }
    enlist(core, memory);
    *out_memory = memory;
    return FH_OK;
}

void fhi_memory_destroy(fhi_core *core, fhi_memory *memory)
{
    if (!memory) {
        return;
    }
    delist(core, memory);
    if (atomic_load(&memory->pointer)) {
        core->ops->memory_unmap(core->backend, memory->backend);
    }
    core->ops->memory_free(core->backend, memory->backend);
    if (!memory->imported) {
        fhi_account_let_go(&core->heaps[memory->heap], memory->size);
        fhi_account_let_go(&core->total, memory->size);
        credit(core, memory->heap, memory->size);
    }
    atomic_fetch_sub_explicit(&core->memory_count[memory->type], 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&core->memory_bytes[memory->type], memory->size,
                              memory_order_relaxed);
    if (memory->dedicated) {
        atomic_fetch_sub_explicit(&core->dedicated_count[memory->type], 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&core->dedicated_bytes[memory->type], memory->size,
                                  memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&core->driver_free_count, 1, memory_order_relaxed);
    if (fhi_is_observed(core, FH_EVENT_MEMORY_FREED)) {
        fh_event event = fhi_memory_event(memory, FH_EVENT_MEMORY_FREED);
        fhi_observe(core, &event);
    }
    fh_block_destroy(memory->ranges);
    fhi_stash_finish(&memory->stash);
    fhi_host_free(&core->memory, memory, 1, bytes_of(core), 64);
}
