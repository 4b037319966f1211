/* Locks and conditions, POSIX threads or Windows' slim ones; and latches, for what is held for a
 * few dozen nanoseconds and hardly ever has two takers. Every lock of ours is a named field
 * whose comment lists what it guards; none is held across a call out (backend, policy, log, user's
 * callback). */

#ifndef FREEHOLD_BASE_LOCK_H
#define FREEHOLD_BASE_LOCK_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
typedef struct fhi_lock {
    void *slim; /* SRWLOCK */
} fhi_lock;
typedef struct fhi_condition {
    void *variable; /* CONDITION_VARIABLE */
} fhi_condition;
#else
#include <pthread.h>
typedef struct fhi_lock {
    pthread_mutex_t mutex;
} fhi_lock;
typedef struct fhi_condition {
    pthread_cond_t variable;
} fhi_condition;
#endif

void fhi_lock_init(fhi_lock *lock);
void fhi_lock_finish(fhi_lock *lock);
void fhi_lock_acquire(fhi_lock *lock);
void fhi_lock_release(fhi_lock *lock);

void fhi_condition_init(fhi_condition *condition);
void fhi_condition_finish(fhi_condition *condition);
void fhi_condition_wake_all(fhi_condition *condition);

/* Gives `lock` up while waiting, and has it again on return. Returns false when `deadline_ns`, a
 * time of fhi_now_ns(), has passed; UINT64_MAX = wait for ever. May wake without reason. */
bool fhi_condition_wait(fhi_condition *condition, fhi_lock *lock, uint64_t deadline_ns);

/* A lock for a few dozen nanoseconds that hardly ever has two takers: taking it is one atomic
 * instruction, giving it back a plain store, both inline. So nobody is woken: a rival spins for a
 * moment, then sleeps for some microseconds at a time, which happens only when the holder was
 * preempted. Not for conditions. */
typedef struct fhi_latch {
    _Atomic bool held;
} fhi_latch;

/* The rival's half. */
void fhi_latch_wait(fhi_latch *latch);
bool fhi_latch_wait_within(fhi_latch *latch, uint64_t timeout_ns);

FHI_HOT_INLINE void fhi_latch_init(fhi_latch *latch)
{
    atomic_init(&latch->held, false);
}

FHI_HOT_INLINE void fhi_latch_acquire(fhi_latch *latch)
{
    if (FHI_UNLIKELY(atomic_exchange_explicit(&latch->held, true, memory_order_acquire))) {
        fhi_latch_wait(latch);
    }
}

/* False: the holder did not let go in that time, give or take a sleep; 0 = look once. */
FHI_HOT_INLINE bool fhi_latch_acquire_within(fhi_latch *latch, uint64_t timeout_ns)
{
    if (FHI_LIKELY(!atomic_exchange_explicit(&latch->held, true, memory_order_acquire))) {
        return true;
    }
    return fhi_latch_wait_within(latch, timeout_ns);
}

FHI_HOT_INLINE void fhi_latch_release(fhi_latch *latch)
{
    atomic_store_explicit(&latch->held, false, memory_order_release);
}

#endif
