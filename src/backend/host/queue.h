/* The simulated device's queues: copies that happen later than they were submitted. */

#ifndef FREEHOLD_HOST_QUEUE_H
#define FREEHOLD_HOST_QUEUE_H

#include <freehold/backend.h>

#include "base/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FHI_SIM_QUEUES_MAX = 4
};

typedef struct fhi_sim_submission fhi_sim_submission;

typedef struct fhi_sim_queue {
    fhi_sim_submission *first, *last; /* what did not happen yet; `last` only while there is one */
    uint64_t submitted;               /* the last value given out */
    _Atomic uint64_t passed;          /* the last value that happened; written with the lock held */
} fhi_sim_queue;

typedef struct fhi_sim_queues {
    const fh_host_memory *memory;
    uint32_t count;
    bool manual;
    uint64_t latency_ns;
    _Atomic uint32_t pending; /* submissions in all queues; written with the lock held */
    fhi_lock lock;            /* guards the queues below, and is held while copies happen */
    fhi_condition moved;      /* something was submitted or advanced, or all is lost */
    bool lost;                /* takes no more */
    fhi_sim_queue queues[FHI_SIM_QUEUES_MAX];
} fhi_sim_queues;

/* `memory` is borrowed. */
void fhi_sim_queues_init(fhi_sim_queues *queues, const fh_host_memory *memory, uint32_t count,
                         bool manual, uint64_t latency_ns);

/* What is still pending never happens. */
void fhi_sim_queues_finish(fhi_sim_queues *queues);

/* The device was lost: what is pending never happens, and who waits for it is woken. */
void fhi_sim_queues_lose(fhi_sim_queues *queues);

/* `object` is about to go: what is pending no longer touches it. */
void fhi_sim_queues_forget(fhi_sim_queues *queues, const void *object);

/* Let the next `count` submissions happen. Returns how many there were. */
uint32_t fhi_sim_queues_advance(fhi_sim_queues *queues, uint32_t queue, uint32_t count);

fh_result fhi_sim_submit(fh_backend_device *device, uint32_t queue, const fh_backend_copy *copies,
                         uint32_t copy_count, const fh_epoch *waits, uint32_t wait_count,
                         uint64_t *out_value);
fh_result fhi_sim_progress(fh_backend_device *device, uint32_t queue, uint64_t *out_value);
fh_result fhi_sim_wait(fh_backend_device *device, uint32_t queue, uint64_t value,
                       uint64_t timeout_ns);

#endif
