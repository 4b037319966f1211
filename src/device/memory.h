/* Memories: driver allocations. A pool's *block* has a virtual block over it; a *dedicated* memory
 * is one parcel's. Charged to the heap accounts before it is asked for, and credited when it is
 * gone. */

#ifndef FREEHOLD_DEVICE_MEMORY_H
#define FREEHOLD_DEVICE_MEMORY_H

#include "base/lock.h"
#include "device/record.h"
#include "device/stash.h"

#include <freehold/account.h>
#include <freehold/observer.h>
#include <freehold/pool.h>

#include <stdalign.h>
#include <stdatomic.h>

struct fhi_memory {
    struct fhi_memory *next, *previous; /* blocks of a pool; under the pool's lock */
    /* All of the device's, in the order of ids; under core->memory_lock. */
    struct fhi_memory *all_next, *all_previous;
    fh_pool *pool; /* NULL: dedicated */
    uint64_t id;   /* counts from 1 in the order they were made */
    uint64_t size; /* bytes */
    uint32_t type, heap;
    bool dedicated;
    bool imported; /* host memory of the program's; charged to no heap */
    bool address;  /* buffers with device addresses may be bound to it */
    float priority;
    _Atomic uint64_t parcel_number; /* dedicated: that its parcel will have (witness.h); 0 = none */
    fh_block *ranges;               /* blocks: what is used of it; under the pool's lock */
    fhi_stash stash;                /* of `ranges` */
    uint32_t holds; /* threads that have it in hand without the lock; under the pool's lock */
    uint64_t made_tick;
    uint64_t empty_tick; /* when it last fell empty; under the pool's lock */
    bool was_empty;      /* `empty_tick` counts */
    /* Mapping: see mapping.h. Once mapped it stays so until it is freed. */
    _Atomic(void *) pointer;
    bool mapping;                        /* a thread is at it; under core->map_lock */
    alignas(16) unsigned char backend[]; /* core->ops->memory_size bytes, the backend's */
};

/* What is asked of fhi_memory_create(). */
typedef struct fhi_memory_want {
    uint64_t size;
    uint32_t type;
    void *object; /* dedicated to it, or NULL */
    void *import;
    float priority;
    bool dedicated;
    bool address;
    bool within_budget; /* of the operating system */
} fhi_memory_want;

/* Who said no, and by how much. */
typedef struct fhi_refusal {
    fh_account account;
    uint64_t missing; /* bytes; 0 = not known */
} fhi_refusal;

/* The event of a memory that came or went. */
fh_event fhi_memory_event(const fhi_memory *memory, uint32_t event);

/* Charge the heap and the total, then ask the driver. Errors: BUDGET (an account said no:
 * *out_refusal), OUT_OF_MEMORY, HOST_MEMORY, DEVICE_LOST: nothing is then charged. No lock held. */
fh_result fhi_memory_create(fhi_core *core, const fhi_memory_want *want, fhi_memory **out_memory,
                            fhi_refusal *out_refusal);

/* The driver bytes of a heap with which the process stays within its OS budget. */
uint64_t fhi_budget_limit(fhi_core *core, uint32_t heap);

/* Give it back, and its charge. Nothing of it lives. NULL is a no-op. No lock held. */
void fhi_memory_destroy(fhi_core *core, fhi_memory *memory);

#endif
