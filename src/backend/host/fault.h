/* Scripted trouble: the faults of one device, and the calls that are held. Knows nothing of what
 * the calls do. */

#ifndef FREEHOLD_HOST_FAULT_H
#define FREEHOLD_HOST_FAULT_H

#include <freehold/simulated.h>

#include "base/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FHI_SIM_ARMED = 1, /* some fault waits for a call */
    FHI_SIM_LOST = 2
};

typedef struct fhi_sim_fault fhi_sim_fault;

typedef struct fhi_sim_faults {
    _Atomic uint32_t trouble; /* FHI_SIM_*; 0 = calls need not ask. Written with the lock held */
    const fh_host_memory *memory;
    fhi_lock lock;          /* guards all below */
    fhi_condition let_go;   /* `resumed` or `trouble` changed */
    fhi_sim_fault *first;   /* of all calls, in the order they were added */
    fhi_sim_fault *budgets; /* FH_FAULT_BUDGET, the last one added first */
    uint64_t resumed;       /* how often held calls were let go */
    uint32_t held;          /* calls held since then */
} fhi_sim_faults;

/* `memory` is borrowed. */
void fhi_sim_faults_init(fhi_sim_faults *faults, const fh_host_memory *memory);
void fhi_sim_faults_finish(fhi_sim_faults *faults);

/* `fault` is valid. HOST_MEMORY. */
fh_result fhi_sim_faults_add(fhi_sim_faults *faults, const fh_fault *fault);

/* Forget all; held calls go on. */
void fhi_sim_faults_clear(fhi_sim_faults *faults);

/* Returns how many were held. */
uint32_t fhi_sim_faults_resume(fhi_sim_faults *faults);

/* What becomes of a call, when there is trouble. `bytes` is what it asks for, 0 unless it
 * allocates. May take its time. *out_lost: the device was lost by this call, and what is pending
 * must go. */
fh_result fhi_sim_faults_meet(fhi_sim_faults *faults, fh_backend_call call, uint64_t bytes,
                              bool *out_lost);

/* Puts what faults say of the budgets at `tick` in place of what is there. */
void fhi_sim_faults_budgets(fhi_sim_faults *faults, uint64_t tick, uint32_t heap_count,
                            fh_heap_budget *budgets);

/* Whether the device is lost. */
static inline bool fhi_sim_faults_lost(fhi_sim_faults *faults)
{
    return (atomic_load_explicit(&faults->trouble, memory_order_acquire) & FHI_SIM_LOST) != 0;
}

/* The failure of every call to a lost device. */
fh_result fhi_sim_faults_refuse(void);

#endif
