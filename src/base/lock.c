/* POSIX names for -std=c11; the reserved name is theirs. */
#if !defined(_WIN32)
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/lock.h"

#include "base/clock.h"

#if defined(_WIN32)

#include <windows.h>

void fhi_lock_init(fhi_lock *lock)
{
    InitializeSRWLock((PSRWLOCK)&lock->slim);
}

void fhi_lock_finish(fhi_lock *lock)
{
    (void)lock;
}

void fhi_lock_acquire(fhi_lock *lock)
{
    AcquireSRWLockExclusive((PSRWLOCK)&lock->slim);
}

void fhi_lock_release(fhi_lock *lock)
{
    ReleaseSRWLockExclusive((PSRWLOCK)&lock->slim);
}

void fhi_condition_init(fhi_condition *condition)
{
    InitializeConditionVariable((PCONDITION_VARIABLE)&condition->variable);
}

void fhi_condition_finish(fhi_condition *condition)
{
    (void)condition;
}

void fhi_condition_wake_all(fhi_condition *condition)
{
    WakeAllConditionVariable((PCONDITION_VARIABLE)&condition->variable);
}

bool fhi_condition_wait(fhi_condition *condition, fhi_lock *lock, uint64_t deadline_ns)
{
    DWORD wait_ms = INFINITE;
    if (deadline_ns != UINT64_MAX) {
        uint64_t now = fhi_now_ns();
        uint64_t left_ms = deadline_ns > now ? (deadline_ns - now + 999999) / 1000000 : 0;
        wait_ms = left_ms < INFINITE ? (DWORD)left_ms : INFINITE - 1;
    }
    SleepConditionVariableSRW((PCONDITION_VARIABLE)&condition->variable, (PSRWLOCK)&lock->slim,
                              wait_ms, 0);
    return deadline_ns == UINT64_MAX || fhi_now_ns() < deadline_ns;
}

#else

#include <time.h>

void fhi_lock_init(fhi_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

void fhi_lock_finish(fhi_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

void fhi_lock_acquire(fhi_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void fhi_lock_release(fhi_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void fhi_condition_init(fhi_condition *condition)
{
#if defined(__APPLE__)
    pthread_cond_init(&condition->variable, NULL);
#else
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->variable, &attributes);
    pthread_condattr_destroy(&attributes);
#endif
}

void fhi_condition_finish(fhi_condition *condition)
{
    pthread_cond_destroy(&condition->variable);
}

void fhi_condition_wake_all(fhi_condition *condition)
{
    pthread_cond_broadcast(&condition->variable);
}

bool fhi_condition_wait(fhi_condition *condition, fhi_lock *lock, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(&condition->variable, &lock->mutex);
        return true;
    }
    uint64_t now = fhi_now_ns();
    if (now >= deadline_ns) {
        return false;
    }
#if defined(__APPLE__)
    uint64_t left = deadline_ns - now;
    struct timespec relative = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    pthread_cond_timedwait_relative_np(&condition->variable, &lock->mutex, &relative);
#else
    struct timespec until = {(time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000)};
    pthread_cond_timedwait(&condition->variable, &lock->mutex, &until);
#endif
    return fhi_now_ns() < deadline_ns;
}

#endif

/* ---- latches ---- */

enum {
    SPINS = 100,     /* some microseconds: longer than a latch is held */
    SLEEP_NS = 20000 /* the holder was preempted: give it the processor */
};

static void pause_a_moment(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void fhi_latch_wait(fhi_latch *latch)
{
    do {
        for (int spin = 0; atomic_load_explicit(&latch->held, memory_order_relaxed); spin++) {
            if (spin < SPINS) {
                pause_a_moment();
            } else {
                fhi_sleep_ns(SLEEP_NS);
            }
        }
    } while (atomic_exchange_explicit(&latch->held, true, memory_order_acquire));
}

bool fhi_latch_wait_within(fhi_latch *latch, uint64_t timeout_ns)
{
    if (timeout_ns == 0) {
        return false;
    }
    uint64_t deadline = fhi_deadline(timeout_ns);
    do {
        for (int spin = 0; atomic_load_explicit(&latch->held, memory_order_relaxed); spin++) {
            if (spin < SPINS) {
                pause_a_moment();
                continue;
            }
            uint64_t left = fhi_time_left(deadline);
            if (left == 0) {
                return false;
            }
            fhi_sleep_ns(left < SLEEP_NS ? left : SLEEP_NS);
        }
    } while (atomic_exchange_explicit(&latch->held, true, memory_order_acquire));
    return true;
}
