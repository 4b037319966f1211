/* The watcher: a thread that notices that a policy's files have changed, and reloads them.
 *
 * What it notices are writes that were finished and names that came in, in the folders of the files
 * and of what those are links to; then it waits until there is a moment of quiet, but not for ever.
 * Besides, once a second it looks at every file in any case: for what no event tells of (a folder
 * that is a link itself, a file system of another machine). A change that only such a look found
 * may be a file in the middle of being written: it counts once it stayed the same for a moment.
 *
 * So a file that is written all the time makes a reload every 20 ms at most, and nobody waits for
 * the watcher but for the moments in which it changes the policy. */

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/host.h"
#include "script/policy.h"

#include <string.h>

enum {
    MS = 1000 * 1000,
    LOOK_NS = 1000 * MS,  /* between looks in any case */
    QUIET_NS = 3 * MS,    /* no event for so long: whoever writes is done */
    SETTLE_NS = 20 * MS,  /* but no more than that is waited for it */
    CONFIRM_NS = 40 * MS, /* between two looks that find the same */
    CHANGE_NS = 20 * MS   /* how long it waits for somebody else who changes the policy */
};

/* The watcher's own; in host memory. */
typedef struct watcher {
    fhi_scratch scratch;
    char folders[FHI_WATCH_FOLDERS][FHI_PATH_MAX];
    const char *list[FHI_WATCH_FOLDERS];
    uint32_t count;
    uint64_t seen[FH_SCRIPT_MAX]; /* the hash of a change that is not confirmed; 0 = none */
} watcher;

static bool ends(const fh_policy *policy)
{
    return !atomic_load(&policy->watching);
}

/* ---- folders ---- */

static void add_folder(watcher *w, const char *path)
{
    if (w->count == FHI_WATCH_FOLDERS) {
        return;
    }
    char *folder = w->folders[w->count];
    if (!fhi_path_folder(path, folder, FHI_PATH_MAX)) {
        return;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        if (strcmp(w->list[i], folder) == 0) {
            return;
        }
    }
    w->list[w->count++] = folder;
}

/* Watched again and again: a folder may have been removed and made anew. */
static void watch_folders(fh_policy *policy, watcher *w)
{
    char target[FHI_PATH_MAX];
    w->count = 0;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        const fhi_sources *files = &policy->scripts[i].tried;
        for (uint32_t file = 0; file < files->count; file++) {
            add_folder(w, files->list[file].path);
            if (fhi_path_target(files->list[file].path, target, sizeof target)) {
                add_folder(w, target);
            }
        }
    }
    fhi_watch_set(&policy->watch, w->list, w->count);
}

/* ---- looking ---- */

static void look_at(fhi_script *script, watcher *w, bool event, bool *out_unconfirmed)
{
    uint64_t hash, *seen = &w->seen[script->index];
    bool empty;
    if (!fhi_sources_changed(&script->tried, w->scratch.text, &hash, &empty)) {
        *seen = 0;
        return;
    }
    /* An empty one was most likely cut short just now, to be written. */
    if ((!event || empty) && *seen != hash) {
        *seen = hash;
        *out_unconfirmed = true;
        return;
    }
    *seen = 0;
    fhi_script_reload(script, &w->scratch); /* what is wrong is in the log and the status */
}

/* False: somebody else changes the policy, or it is over. */
static bool look(fh_policy *policy, watcher *w, bool event, bool *out_unconfirmed)
{
    *out_unconfirmed = false;
    if (fhi_change_begin_within(policy, true, CHANGE_NS) != FH_OK) {
        return false;
    }
    fhi_scripts_reap(policy);
    fhi_scripts_carry_again(policy, &w->scratch);
    watch_folders(policy, w);
    for (uint32_t i = 0; i < policy->script_count && !ends(policy); i++) {
        look_at(&policy->scripts[i], w, event, out_unconfirmed);
    }
    watch_folders(policy, w);
    fhi_change_end(policy);
    return true;
}

/* Until nothing happens for a moment. */
static void settle(fh_policy *policy)
{
    uint64_t deadline = fhi_deadline(SETTLE_NS);
    while (!ends(policy) && fhi_time_left(deadline) > 0 &&
           fhi_watch_wait(&policy->watch, QUIET_NS) != FHI_WATCH_TIMEOUT) {
    }
}

static void watch_until_told(fh_policy *policy)
{
    watcher *w = fhi_host_alloc(&policy->memory, 1, sizeof *w, 64);
    bool event = false, unconfirmed = false;
    if (!w) {
        atomic_store(&policy->watching, false);
        fhi_scripts_say(policy, FH_LOG_ERROR, "%s: no host memory for watching it", policy->name);
        return;
    }
    memset(w->seen, 0, sizeof w->seen);
    w->count = 0;
    while (!ends(policy)) {
        bool looked = look(policy, w, event, &unconfirmed);
        bool soon = unconfirmed || !looked;
        fhi_watch_event what = fhi_watch_wait(&policy->watch, soon ? CONFIRM_NS : LOOK_NS);
        event = what == FHI_WATCH_CHANGED || (event && !looked);
        if (what == FHI_WATCH_CHANGED) {
            settle(policy);
        }
    }
    fhi_host_free(&policy->memory, w, 1, sizeof *w, 64);
}

static void watch(void *context)
{
    fh_policy *policy = context;
    atomic_store(&policy->watcher, fhi_thread_anchor());
    watch_until_told(policy);
    if (policy->orphan) {
        fhi_thread_detach(&policy->thread);
        policy->has_thread = false;
        fhi_policy_destroy(policy);
    } else {
        atomic_store(&policy->watcher, 0);
    }
}

/* ---- beginning and end ---- */

bool fhi_watching_is_here(fh_policy *policy)
{
    return atomic_load(&policy->watcher) == fhi_thread_anchor();
}

static bool has_file(const fh_policy *policy)
{
    for (uint32_t i = 0; i < policy->script_count; i++) {
        if (policy->scripts[i].has_path || policy->scripts[i].tried.count > 0) {
            return true;
        }
    }
    return false;
}

fh_result fhi_watching_start(fh_policy *policy)
{
    if (!has_file(policy)) {
        return fhi_fail(FH_ERR_INVALID, "watch: no script of the policy has a file");
    }
    if (policy->has_thread && atomic_load(&policy->watching)) {
        return FH_OK;
    }
    fhi_watching_stop(policy);
    if (policy->has_thread) {
        return fhi_fail(FH_ERR_INVALID, "watch: not from a callback of the watching itself");
    }
    if (!policy->has_watch && !fhi_watch_init(&policy->watch)) {
        return fhi_fail(FH_ERR_IO, "watch: the system has nothing to wait with");
    }
    policy->has_watch = true;
    atomic_store(&policy->watching, true);
    policy->has_thread = fhi_thread_start(&policy->thread, "freehold watch", watch, policy);
    if (!policy->has_thread) {
        atomic_store(&policy->watching, false);
        return fhi_fail(FH_ERR_IO, "watch: the system made no thread");
    }
    return FH_OK;
}

void fhi_watching_tell(fh_policy *policy)
{
    if (atomic_exchange(&policy->watching, false)) {
        fhi_watch_wake(&policy->watch);
    }
}

void fhi_watching_stop(fh_policy *policy)
{
    if (policy->has_thread) {
        fhi_watching_tell(policy);
        if (!fhi_watching_is_here(policy)) {
            fhi_thread_join(&policy->thread);
            policy->has_thread = false;
        }
    }
}

fh_result fh_policy_watch(fh_policy *policy, bool watch)
{
    if (!policy) {
        return fhi_fail(FH_ERR_INVALID, "policy: must not be NULL");
    }
    fh_result result = fhi_change_begin(policy, watch);
    if (result != FH_OK) {
        return result;
    }
    if (watch) {
        result = fhi_watching_start(policy);
    } else {
        fhi_watching_stop(policy);
    }
    fhi_change_end(policy);
    return result;
}
