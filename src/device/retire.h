/* The retire queue: what was released and waits for the GPU. Each queue of the device has a row of
 * *buckets*, ascending by value; a bucket lists the slots whose last use on that queue is its
 * value. A slot hangs in one bucket at a time: when that has passed, the slot moves on to a queue
 * that it still waits for, or is freed. So a tick costs what passes, not what waits, and queues may
 * finish in any order.
 *
 * Rows have a fixed length, so that retiring never fails for lack of host memory. In a full row a
 * slot joins the next later bucket, or raises the last one's value: it is freed a little late,
 * never early. */

#ifndef FREEHOLD_DEVICE_RETIRE_H
#define FREEHOLD_DEVICE_RETIRE_H

#include "base/lock.h"
#include "device/record.h"

#include <freehold/epoch.h>

#include <stdatomic.h>

enum {
    FHI_BUCKETS = 1024,
    FHI_QUEUE_NAME_SIZE = 32
};

typedef struct fhi_bucket {
    uint64_t value;
    uint32_t first, last; /* slots, through record->next */
} fhi_bucket;

typedef struct fhi_queue {
    _Atomic uint64_t passed;    /* the last point known to have passed */
    _Atomic uint64_t submitted; /* backend's queues: the last point handed out */
    bool of_backend;
    char name[FHI_QUEUE_NAME_SIZE];
    fhi_bucket *buckets; /* FHI_BUCKETS, a ring; under retire.lock */
    uint32_t head, count;
} fhi_queue;

typedef struct fhi_retire {
    fhi_lock lock; /* guards the buckets and the `next` of the slots in them */
    fhi_queue queues[FH_QUEUE_MAX];
    _Atomic uint32_t queue_count; /* a queue below it is whole */
    _Atomic uint32_t waiting;     /* slots in buckets */
    fhi_condition signalled;      /* fh_queue_signal() was called, or the device was lost */
} fhi_retire;

fh_result fhi_retire_init(fhi_core *core); /* with the backend's queues */
void fhi_retire_finish(fhi_core *core);

/* A slot has neither references nor pins left: free it, or let it wait for its uses. No lock
 * held. */
void fhi_retire_slot(fhi_core *core, uint32_t slot);

/* Ask the backend for its queues' progress. No lock held. */
void fhi_queues_poll(fhi_core *core);

/* Free what waits for nothing any more; all that waits when `all`. Returns how many. No lock
 * held. */
uint32_t fhi_retire_passed(fhi_core *core, bool all);

bool fhi_epoch_has_passed(const fhi_core *core, fh_epoch epoch);

/* Epochs that passed, or a lost device: FH_OK. As fh_device_wait(). */
fh_result fhi_epoch_wait(fhi_core *core, fh_epoch epoch, uint64_t timeout_ns);

/* Note a use under the home lane's lock; `uses` is the slot's. */
void fhi_record_note_use(fhi_record *record, uint64_t *uses, fh_epoch epoch);

#endif
