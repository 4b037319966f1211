/* Watching folders: a thread sleeps until something in one of them was written to its end, or came
 * in by renaming, or until it is woken. What it was is not told: look at the files.
 *
 * On Linux by inotify, where the system grants it. Elsewhere nothing is noticed, and only time
 * passes: so whoever watches looks now and then in any case. */

#ifndef FREEHOLD_BASE_WATCH_H
#define FREEHOLD_BASE_WATCH_H

#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FHI_WATCH_FOLDERS = 64
};

typedef enum fhi_watch_event {
    FHI_WATCH_TIMEOUT = 0,
    FHI_WATCH_CHANGED, /* something was, in some folder */
    FHI_WATCH_WOKEN
} fhi_watch_event;

typedef struct fhi_watch {
#if defined(__linux__)
    int notify; /* -1: the system has no more of them */
    int wake;
    uint32_t count;
    int folders[FHI_WATCH_FOLDERS];
#else
    fhi_lock lock; /* guards `woken` */
    fhi_condition condition;
    bool woken;
#endif
} fhi_watch;

/* False: the system refused; nothing is to be finished then. */
bool fhi_watch_init(fhi_watch *watch);
void fhi_watch_finish(fhi_watch *watch);

/* Watch these from now on, and no others. What cannot be watched is left out. Of one folder a
 * change that happened before is not lost when it was in the list before, too. */
void fhi_watch_set(fhi_watch *watch, const char *const *folders, uint32_t count);

/* On one thread, which also sets. UINT64_MAX = for ever. */
fhi_watch_event fhi_watch_wait(fhi_watch *watch, uint64_t timeout_ns);

/* Any thread; counts also for a wait that begins later. */
void fhi_watch_wake(fhi_watch *watch);

#endif
