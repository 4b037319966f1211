#if defined(__linux__)
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/watch.h"

#include "base/clock.h"

#if defined(__linux__)

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

bool fhi_watch_init(fhi_watch *watch)
{
    *watch = (fhi_watch){.notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
                         .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (watch->wake < 0) {
        fhi_watch_finish(watch);
        return false;
    }
    return true;
}

void fhi_watch_finish(fhi_watch *watch)
{
    if (watch->notify >= 0) {
        close(watch->notify);
    }
    if (watch->wake >= 0) {
        close(watch->wake);
    }
}

static bool has(const int *list, uint32_t count, int one)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == one) {
            return true;
        }
    }
    return false;
}

void fhi_watch_set(fhi_watch *watch, const char *const *folders, uint32_t count)
{
    int fresh[FHI_WATCH_FOLDERS];
    uint32_t fresh_count = 0;
    if (watch->notify < 0) {
        return;
    }
    for (uint32_t i = 0; i < count && fresh_count < FHI_WATCH_FOLDERS; i++) {
        /* A folder that is watched already gives the same number again. */
        int folder =
            inotify_add_watch(watch->notify, folders[i], IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
        if (folder >= 0 && !has(fresh, fresh_count, folder)) {
            fresh[fresh_count++] = folder;
        }
    }
    for (uint32_t i = 0; i < watch->count; i++) {
        if (!has(fresh, fresh_count, watch->folders[i])) {
            inotify_rm_watch(watch->notify, watch->folders[i]); /* fails when the folder is gone */
        }
    }
    watch->count = fresh_count;
    for (uint32_t i = 0; i < fresh_count; i++) {
        watch->folders[i] = fresh[i];
    }
}

/* Reads all that there is. Whether one of them is a change: notices about the watching itself are
 * none, but when the queue ran over anything may have changed. */
static bool drain(fhi_watch *watch)
{
    _Alignas(struct inotify_event) char buffer[4096];
    bool changed = false;
    for (;;) {
        ssize_t size = read(watch->notify, buffer, sizeof buffer);
        if (size <= 0) {
            return changed;
        }
        for (const char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            changed =
                changed || (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_Q_OVERFLOW)) != 0;
            at += sizeof *event + event->len;
        }
    }
}

static int milliseconds(uint64_t timeout_ns)
{
    uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    return timeout_ns == UINT64_MAX ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
}

fhi_watch_event fhi_watch_wait(fhi_watch *watch, uint64_t timeout_ns)
{
    uint64_t deadline = fhi_deadline(timeout_ns);
    for (;;) {
        /* poll() leaves out what is negative. */
        struct pollfd both[2] = {{watch->wake, POLLIN, 0}, {watch->notify, POLLIN, 0}};
        int ready = poll(both, 2, milliseconds(fhi_time_left(deadline)));
        if (ready < 0 && errno != EINTR) {
            return FHI_WATCH_TIMEOUT;
        }
        if (ready > 0 && both[0].revents != 0) {
            uint64_t times;
            if (read(watch->wake, &times, sizeof times) == (ssize_t)sizeof times) {
                return FHI_WATCH_WOKEN;
            }
        }
        if (ready > 0 && both[1].revents != 0 && drain(watch)) {
            return FHI_WATCH_CHANGED;
        }
        if (fhi_time_left(deadline) == 0) {
            return FHI_WATCH_TIMEOUT;
        }
    }
}

void fhi_watch_wake(fhi_watch *watch)
{
    uint64_t once = 1;
    /* It fails only when there are 2^64 - 2 of them already. */
    ssize_t written = write(watch->wake, &once, sizeof once);
    (void)written;
}

#else

bool fhi_watch_init(fhi_watch *watch)
{
    fhi_lock_init(&watch->lock);
    fhi_condition_init(&watch->condition);
    watch->woken = false;
    return true;
}

void fhi_watch_finish(fhi_watch *watch)
{
    fhi_condition_finish(&watch->condition);
    fhi_lock_finish(&watch->lock);
}

void fhi_watch_set(fhi_watch *watch, const char *const *folders, uint32_t count)
{
    (void)watch;
    (void)folders;
    (void)count;
}

fhi_watch_event fhi_watch_wait(fhi_watch *watch, uint64_t timeout_ns)
{
    uint64_t deadline = fhi_deadline(timeout_ns);
    fhi_lock_acquire(&watch->lock);
    while (!watch->woken && fhi_condition_wait(&watch->condition, &watch->lock, deadline)) {
    }
    bool woken = watch->woken;
    watch->woken = false;
    fhi_lock_release(&watch->lock);
    return woken ? FHI_WATCH_WOKEN : FHI_WATCH_TIMEOUT;
}

void fhi_watch_wake(fhi_watch *watch)
{
    fhi_lock_acquire(&watch->lock);
    watch->woken = true;
    fhi_condition_wake_all(&watch->condition);
    fhi_lock_release(&watch->lock);
}

#endif
