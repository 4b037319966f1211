/* Names of programs and threads have no portable call, not even among POSIX systems. */
#if defined(__linux__)
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#elif !defined(_WIN32)
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/process.h"

#include <stdio.h>

#if defined(_WIN32)

#include <string.h>
#include <windows.h>

uint64_t fhi_process_id(void)
{
    return GetCurrentProcessId();
}

void fhi_process_name(char *out_name, size_t size)
{
    char path[MAX_PATH] = "";
    GetModuleFileNameA(NULL, path, sizeof path - 1);
    const char *name = strrchr(path, '\\');
    snprintf(out_name, size, "%s", name ? name + 1 : path);
}

/* Threads have names from Windows 10 on only, and hardly any has one. */
void fhi_thread_name(char *out_name, size_t size)
{
    snprintf(out_name, size, "%s", "");
}

#else

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

uint64_t fhi_process_id(void)
{
    return (uint64_t)getpid();
}

void fhi_process_name(char *out_name, size_t size)
{
#if defined(__linux__)
    snprintf(out_name, size, "%s", program_invocation_short_name);
#elif defined(__APPLE__)
    snprintf(out_name, size, "%s", getprogname());
#else
    snprintf(out_name, size, "%s", "");
#endif
}

void fhi_thread_name(char *out_name, size_t size)
{
#if defined(__linux__) || defined(__APPLE__)
    if (pthread_getname_np(pthread_self(), out_name, size) == 0) {
        return;
    }
#endif
    snprintf(out_name, size, "%s", "");
}

#endif
