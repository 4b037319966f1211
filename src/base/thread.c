/* Naming a thread has no portable call, not even among POSIX systems. */
#if defined(__linux__)
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#elif !defined(_WIN32) && !defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/thread.h"

#if defined(_WIN32)

#include <windows.h>

static DWORD WINAPI enter(LPVOID argument)
{
    fhi_thread *thread = argument;
    thread->run(thread->argument);
    return 0;
}

bool fhi_thread_start(fhi_thread *thread, const char *name, void (*run)(void *argument),
                      void *argument)
{
    *thread = (fhi_thread){.run = run, .argument = argument, .name = name};
    thread->handle = CreateThread(NULL, 0, enter, thread, 0, NULL);
    return thread->handle != NULL;
}

void fhi_thread_join(fhi_thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
}

void fhi_thread_detach(fhi_thread *thread)
{
    CloseHandle(thread->handle);
}

#else

#include <signal.h>
#include <stddef.h>

static void *enter(void *argument)
{
    fhi_thread *thread = argument;
#if defined(__linux__)
    pthread_setname_np(pthread_self(), thread->name);
#elif defined(__APPLE__)
    pthread_setname_np(thread->name);
#endif
    thread->run(thread->argument);
    return NULL;
}

bool fhi_thread_start(fhi_thread *thread, const char *name, void (*run)(void *argument),
                      void *argument)
{
    sigset_t all, before;
    *thread = (fhi_thread){.run = run, .argument = argument, .name = name};
    /* A thread begins with its maker's mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread->thread, NULL, enter, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure == 0;
}

void fhi_thread_join(fhi_thread *thread)
{
    pthread_join(thread->thread, NULL);
}

void fhi_thread_detach(fhi_thread *thread)
{
    pthread_detach(thread->thread);
}

#endif
