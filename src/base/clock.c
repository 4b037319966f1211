/* POSIX names for -std=c11; the reserved name is theirs. */
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "base/clock.h"

#if defined(_WIN32)
#include <windows.h>

uint64_t fhi_now_ns(void)
{
    LARGE_INTEGER frequency, count;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    uint64_t per_second = (uint64_t)frequency.QuadPart;
    uint64_t ticks = (uint64_t)count.QuadPart;
    return ticks / per_second * 1000000000 + ticks % per_second * 1000000000 / per_second;
}

uint64_t fhi_thread_cpu_ns(void)
{
    ULONG64 cycles = 0;
    QueryThreadCycleTime(GetCurrentThread(), &cycles);
    return cycles / 3;
}

void fhi_sleep_ns(uint64_t duration_ns)
{
    Sleep((DWORD)((duration_ns + 999999) / 1000000));
}

#else
#include <time.h>

uint64_t fhi_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t fhi_thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void fhi_sleep_ns(uint64_t duration_ns)
{
    struct timespec left = {(time_t)(duration_ns / 1000000000), (long)(duration_ns % 1000000000)};
    while (nanosleep(&left, &left) != 0) {
    }
}

#endif

uint64_t fhi_deadline(uint64_t timeout_ns)
{
    uint64_t now = fhi_now_ns();
    return timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
}

uint64_t fhi_time_left(uint64_t deadline_ns)
{
    uint64_t now = fhi_now_ns();
    if (deadline_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    return deadline_ns > now ? deadline_ns - now : 0;
}
