/* Scripted trouble. A call looks at one word; only while that is not 0 it comes here and asks the
 * list, under a lock. So faults cost nothing until there are some.
 *
 * A fault that fired for the last time is taken out of the list under the lock and freed after it,
 * since freeing calls the host program. */

#include "backend/host/fault.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"

struct fhi_sim_fault {
    fhi_sim_fault *next;
    fh_fault fault;
    uint64_t seen; /* calls that matched */
};

void fhi_sim_faults_init(fhi_sim_faults *faults, const fh_host_memory *memory)
{
    atomic_init(&faults->trouble, 0);
    faults->memory = memory;
    fhi_lock_init(&faults->lock);
    fhi_condition_init(&faults->let_go);
    faults->first = NULL;
    faults->budgets = NULL;
    faults->resumed = 0;
    faults->held = 0;
}

static void free_list(fhi_sim_faults *faults, fhi_sim_fault *first)
{
    while (first) {
        fhi_sim_fault *next = first->next;
        fhi_host_free(faults->memory, first, 1, sizeof *first, _Alignof(fhi_sim_fault));
        first = next;
    }
}

void fhi_sim_faults_finish(fhi_sim_faults *faults)
{
    free_list(faults, faults->first);
    free_list(faults, faults->budgets);
    fhi_condition_finish(&faults->let_go);
    fhi_lock_finish(&faults->lock);
}

/* With the lock held. */
static void set_trouble(fhi_sim_faults *faults, bool lose)
{
    uint32_t trouble = atomic_load_explicit(&faults->trouble, memory_order_relaxed) & FHI_SIM_LOST;
    trouble |= lose ? FHI_SIM_LOST : 0U;
    trouble |= faults->first ? FHI_SIM_ARMED : 0U;
    atomic_store_explicit(&faults->trouble, trouble, memory_order_release);
}

fh_result fhi_sim_faults_add(fhi_sim_faults *faults, const fh_fault *fault)
{
    fhi_sim_fault *added =
        fhi_host_alloc(faults->memory, 1, sizeof *added, _Alignof(fhi_sim_fault));

    if (!added) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a fault");
    }
    *added = (fhi_sim_fault){.fault = *fault};
    fhi_lock_acquire(&faults->lock);
    if (fault->kind == FH_FAULT_BUDGET) {
        added->next = faults->budgets;
        faults->budgets = added;
    } else {
        fhi_sim_fault **end = &faults->first;
        while (*end) {
            end = &(*end)->next;
        }
        *end = added;
        set_trouble(faults, false);
    }
    fhi_lock_release(&faults->lock);
    return FH_OK;
}

/* With the lock held. */
static uint32_t let_go(fhi_sim_faults *faults)
{
    uint32_t held = faults->held;
    faults->held = 0;
    faults->resumed++;
    fhi_condition_wake_all(&faults->let_go);
    return held;
}

void fhi_sim_faults_clear(fhi_sim_faults *faults)
{
    fhi_lock_acquire(&faults->lock);
    fhi_sim_fault *first = faults->first;
    fhi_sim_fault *budgets = faults->budgets;
    faults->first = NULL;
    faults->budgets = NULL;
    set_trouble(faults, false);
    let_go(faults);
    fhi_lock_release(&faults->lock);
    free_list(faults, first);
    free_list(faults, budgets);
}

uint32_t fhi_sim_faults_resume(fhi_sim_faults *faults)
{
    fhi_lock_acquire(&faults->lock);
    uint32_t held = let_go(faults);
    fhi_lock_release(&faults->lock);
    return held;
}

fh_result fhi_sim_faults_refuse(void)
{
    return fhi_fail(FH_ERR_DEVICE_LOST, "the simulated device was lost");
}

static bool matches(const fh_fault *fault, fh_backend_call call, uint64_t bytes)
{
    return (fault->call == FH_BACKEND_CALL_ANY || fault->call == call) &&
           (fault->above == 0 || bytes > fault->above);
}

/* The first fault that is due for this call; {0} has no kind that does anything here, so the return
 * value says whether there is one. All that match count the call. With the lock held; *out_spent is
 * to be freed after it. */
static bool take(fhi_sim_faults *faults, fh_backend_call call, uint64_t bytes, fh_fault *out_fault,
                 fhi_sim_fault **out_spent)
{
    bool taken = false;
    *out_spent = NULL;
    for (fhi_sim_fault **at = &faults->first; *at;) {
        fhi_sim_fault *fault = *at;
        bool fires = false;
        if (matches(&fault->fault, call, bytes)) {
            fault->seen++;
            fires = !taken && fault->seen >= fault->fault.nth;
        }
        if (fires) {
            taken = true;
            *out_fault = fault->fault;
        }
        if (fires && fault->fault.nth > 0) {
            *at = fault->next;
            fault->next = NULL;
            *out_spent = fault;
        } else {
            at = &fault->next;
        }
    }
    return taken;
}

/* With the lock held, which is given up meanwhile. */
static void stall(fhi_sim_faults *faults, uint64_t stall_ns)
{
    uint64_t deadline_ns = stall_ns == 0 ? UINT64_MAX : fhi_deadline(stall_ns);
    uint64_t resumed = faults->resumed;
    bool in_time = true;

    faults->held++;
    while (in_time && faults->resumed == resumed && !fhi_sim_faults_lost(faults)) {
        in_time = fhi_condition_wait(&faults->let_go, &faults->lock, deadline_ns);
    }
    if (faults->resumed == resumed) {
        faults->held--;
    }
}

fh_result fhi_sim_faults_meet(fhi_sim_faults *faults, fh_backend_call call, uint64_t bytes,
                              bool *out_lost)
{
    fh_fault fault = {0};
    fhi_sim_fault *spent = NULL;
    bool fails = false;

    *out_lost = false;
    fhi_lock_acquire(&faults->lock);
    if (!fhi_sim_faults_lost(faults) && take(faults, call, bytes, &fault, &spent)) {
        fails = fault.kind == FH_FAULT_FAIL;
        if (fault.kind == FH_FAULT_STALL) {
            stall(faults, fault.stall_ns);
        } else if (fault.kind == FH_FAULT_LOSE || fault.result == FH_ERR_DEVICE_LOST) {
            *out_lost = true;
        }
        set_trouble(faults, *out_lost);
        if (*out_lost) {
            fhi_condition_wake_all(&faults->let_go);
        }
    }
    bool lost = fhi_sim_faults_lost(faults);
    fhi_lock_release(&faults->lock);
    free_list(faults, spent);
    if (lost) {
        return fhi_sim_faults_refuse();
    }
    if (fails) {
        return fhi_fail(fault.result != FH_OK ? fault.result : FH_ERR_OUT_OF_MEMORY,
                        "a fault was scripted for this call of the simulated device");
    }
    return FH_OK;
}

void fhi_sim_faults_budgets(fhi_sim_faults *faults, uint64_t tick, uint32_t heap_count,
                            fh_heap_budget *budgets)
{
    fhi_lock_acquire(&faults->lock);
    for (uint32_t heap = 0; heap < heap_count; heap++) {
        const fh_fault *latest = NULL;
        /* Of two for one tick the one added last, which stands first. */
        for (const fhi_sim_fault *at = faults->budgets; at; at = at->next) {
            if (at->fault.heap == heap && at->fault.tick <= tick &&
                (!latest || at->fault.tick > latest->tick)) {
                latest = &at->fault;
            }
        }
        if (latest) {
            budgets[heap].budget = latest->bytes;
        }
    }
    fhi_lock_release(&faults->lock);
}
