/* Threads of our own. There are hardly any, and only when asked for. They take no signals, so that
 * the program's handlers run on the program's threads. */

#ifndef FREEHOLD_BASE_THREAD_H
#define FREEHOLD_BASE_THREAD_H

#include <stdbool.h>

#if !defined(_WIN32)
#include <pthread.h>
#endif

/* At one address from start to join. */
typedef struct fhi_thread {
    void (*run)(void *argument);
    void *argument;
    const char *name;
#if defined(_WIN32)
    void *handle;
#else
    pthread_t thread;
#endif
} fhi_thread;

/* Runs run(argument) on a thread of its own. `name` is static, 15 bytes at most, and shows in
 * debuggers. False: the system made none. */
bool fhi_thread_start(fhi_thread *thread, const char *name, void (*run)(void *argument),
                      void *argument);

/* Waits for its end. Once for each start that succeeded, not on the thread itself. */
void fhi_thread_join(fhi_thread *thread);

/* Instead: nobody will wait. `*thread` may go when it is called on the thread itself. */
void fhi_thread_detach(fhi_thread *thread);

#endif
