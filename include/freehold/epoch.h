/* Epochs: points that a queue's progress passes. A queue counts up; work handed to it gets the next
 * value, and is done when the queue's progress has reached that value. Memory that the GPU may
 * still read is kept until the epochs of its last uses have passed. */

#ifndef FREEHOLD_EPOCH_H
#define FREEHOLD_EPOCH_H

#include <stdint.h>

/* Queues of one device: the backend's own first, from 0, then those that the program added. */
#define FH_QUEUE_MAX 8

/* By value. {0, 0} has always passed: it is the epoch of nothing. */
typedef struct fh_epoch {
    uint32_t queue;
    uint64_t value; /* a point on that queue; 0 = before all work */
} fh_epoch;

/* Every wait takes nanoseconds: 0 tries once, FH_WAIT_FOREVER does not give up. */
#define FH_WAIT_FOREVER UINT64_MAX

#endif
