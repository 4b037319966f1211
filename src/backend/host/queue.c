/* Queues of the simulated device. A submission waits in its queue until it is due: `latency_ns`
 * after it was submitted, or when it was advanced in manual mode; and until the other queues have
 * passed what it waits for. There is no thread behind this: whoever asks a queue for anything first
 * makes happen what is due, of all queues, in the order of their due times. So a copy reads and
 * writes its objects as late as on a real device; and in manual mode the same calls always give the
 * same data.
 *
 * One lock for all queues, held while copies happen: a queue may wait for another, and the order in
 * which they take turns must not depend on who asks. */

#include "backend/host/queue.h"

#include "backend/host/copy.h"
#include "backend/host/host.h"
#include "backend/host/object.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"

#include <string.h>

struct fhi_sim_submission {
    fhi_sim_submission *next;
    size_t bytes; /* as allocated */
    uint64_t value, due_ns;
    bool advanced; /* due whatever the time is */
    uint32_t copy_count, wait_count;
    const fh_epoch *waits;    /* behind the copies */
    fh_backend_copy copies[]; /* those of objects that are gone have neither src nor dst */
};

/* ---- submissions ---- */

static fhi_sim_submission *make_submission(const fh_host_memory *memory,
                                           const fh_backend_copy *copies, uint32_t copy_count,
                                           const fh_epoch *waits, uint32_t wait_count)
{
    uint64_t copy_bytes = (uint64_t)copy_count * sizeof *copies;
    uint64_t wait_bytes = (uint64_t)wait_count * sizeof *waits;
    uint64_t bytes = sizeof(fhi_sim_submission) + copy_bytes + wait_bytes; /* below 2^42 */
    fhi_sim_submission *made = NULL;

    if (bytes <= SIZE_MAX) {
        made = fhi_host_alloc(memory, 1, (size_t)bytes, _Alignof(fhi_sim_submission));
    }
    if (!made) {
        return NULL;
    }
    fh_epoch *own_waits = (fh_epoch *)(void *)(made->copies + copy_count);
    *made = (fhi_sim_submission){
        .bytes = (size_t)bytes,
        .copy_count = copy_count,
        .wait_count = wait_count,
        .waits = own_waits,
    };
    if (copy_count > 0) {
        memcpy(made->copies, copies, (size_t)copy_bytes);
    }
    if (wait_count > 0) {
        memcpy(own_waits, waits, (size_t)wait_bytes);
    }
    return made;
}

static void free_submissions(const fh_host_memory *memory, fhi_sim_submission *first)
{
    while (first) {
        fhi_sim_submission *next = first->next;
        fhi_host_free(memory, first, 1, first->bytes, _Alignof(fhi_sim_submission));
        first = next;
    }
}

/* Objects know how many copies name them. */
static void hold(fhi_sim_object *object)
{
    if (object) {
        atomic_fetch_add_explicit(&object->pending, 1, memory_order_relaxed);
    }
}

static void let_go(fhi_sim_object *object)
{
    if (object) {
        /* Pairs with the acquire in fhi_sim_object_destroy(). */
        atomic_fetch_sub_explicit(&object->pending, 1, memory_order_release);
    }
}

static void hold_objects(fhi_sim_submission *submission)
{
    for (uint32_t i = 0; i < submission->copy_count; i++) {
        hold(submission->copies[i].src);
        hold(submission->copies[i].dst);
    }
}

static void let_go_of_objects(fhi_sim_submission *submission)
{
    for (uint32_t i = 0; i < submission->copy_count; i++) {
        let_go(submission->copies[i].src);
        let_go(submission->copies[i].dst);
    }
}

/* ---- life ---- */

void fhi_sim_queues_init(fhi_sim_queues *queues, const fh_host_memory *memory, uint32_t count,
                         bool manual, uint64_t latency_ns)
{
    queues->memory = memory;
    queues->count = count;
    queues->manual = manual;
    queues->latency_ns = latency_ns;
    atomic_init(&queues->pending, 0);
    fhi_lock_init(&queues->lock);
    fhi_condition_init(&queues->moved);
    queues->lost = false;
    for (uint32_t i = 0; i < FHI_SIM_QUEUES_MAX; i++) {
        queues->queues[i].first = NULL;
        queues->queues[i].last = NULL;
        queues->queues[i].submitted = 0;
        atomic_init(&queues->queues[i].passed, 0);
    }
}

void fhi_sim_queues_lose(fhi_sim_queues *queues)
{
    fhi_sim_submission *dropped[FHI_SIM_QUEUES_MAX];

    fhi_lock_acquire(&queues->lock);
    queues->lost = true;
    for (uint32_t i = 0; i < FHI_SIM_QUEUES_MAX; i++) {
        dropped[i] = queues->queues[i].first;
        queues->queues[i].first = NULL;
        for (fhi_sim_submission *at = dropped[i]; at; at = at->next) {
            let_go_of_objects(at);
        }
    }
    atomic_store_explicit(&queues->pending, 0, memory_order_release);
    fhi_condition_wake_all(&queues->moved);
    fhi_lock_release(&queues->lock);
    for (uint32_t i = 0; i < FHI_SIM_QUEUES_MAX; i++) {
        free_submissions(queues->memory, dropped[i]);
    }
}

void fhi_sim_queues_finish(fhi_sim_queues *queues)
{
    fhi_sim_queues_lose(queues);
    fhi_condition_finish(&queues->moved);
    fhi_lock_finish(&queues->lock);
}

void fhi_sim_queues_forget(fhi_sim_queues *queues, const void *object)
{
    fhi_lock_acquire(&queues->lock);
    for (uint32_t i = 0; i < queues->count; i++) {
        for (fhi_sim_submission *at = queues->queues[i].first; at; at = at->next) {
            for (uint32_t c = 0; c < at->copy_count; c++) {
                fh_backend_copy *copy = &at->copies[c];
                if (copy->src == object || copy->dst == object) {
                    let_go(copy->src);
                    let_go(copy->dst);
                    copy->src = NULL;
                    copy->dst = NULL;
                }
            }
        }
    }
    fhi_lock_release(&queues->lock);
}

/* ---- making things happen; all of these with the lock held ---- */

static uint64_t passed(fhi_sim_queues *queues, uint32_t queue)
{
    return atomic_load_explicit(&queues->queues[queue].passed, memory_order_acquire);
}

static bool waits_passed(fhi_sim_queues *queues, const fhi_sim_submission *submission)
{
    for (uint32_t i = 0; i < submission->wait_count; i++) {
        if (passed(queues, submission->waits[i].queue) < submission->waits[i].value) {
            return false;
        }
    }
    return true;
}

/* When the first submission of a queue may happen, as far as is known now: UINT64_MAX = not before
 * something else does. */
static uint64_t due(fhi_sim_queues *queues, const fhi_sim_submission *submission)
{
    if (!submission || !waits_passed(queues, submission)) {
        return UINT64_MAX;
    }
    if (submission->advanced) {
        return 0;
    }
    return queues->manual ? UINT64_MAX : submission->due_ns;
}

/* The queue whose first submission is due first; *out_due_ns is UINT64_MAX when there is none. */
static uint32_t next_queue(fhi_sim_queues *queues, uint64_t *out_due_ns)
{
    uint32_t best = 0;

    *out_due_ns = UINT64_MAX;
    for (uint32_t i = 0; i < queues->count; i++) {
        uint64_t due_ns = due(queues, queues->queues[i].first);
        if (due_ns < *out_due_ns) {
            *out_due_ns = due_ns;
            best = i;
        }
    }
    return best;
}

static fhi_sim_submission *perform(fhi_sim_queues *queues, fhi_sim_queue *queue)
{
    fhi_sim_submission *submission = queue->first;

    for (uint32_t i = 0; i < submission->copy_count; i++) {
        if (submission->copies[i].dst) {
            fhi_sim_copy(&submission->copies[i]);
        }
    }
    let_go_of_objects(submission);
    queue->first = submission->next;
    submission->next = NULL;
    atomic_store_explicit(&queue->passed, submission->value, memory_order_release);
    atomic_fetch_sub_explicit(&queues->pending, 1, memory_order_release);
    return submission;
}

/* Makes happen what is due now, and adds it to `*done`, to be freed when the lock is released.
 * Returns when the next will be due. Who waits sleeps until that time at most; so those that make
 * something due earlier than was known have to wake it, and this does not. */
static uint64_t run_due(fhi_sim_queues *queues, fhi_sim_submission **done)
{
    uint64_t due_ns = UINT64_MAX;

    while (atomic_load_explicit(&queues->pending, memory_order_relaxed) > 0) {
        uint32_t queue = next_queue(queues, &due_ns);
        if (due_ns == UINT64_MAX || (due_ns > 0 && due_ns > fhi_now_ns())) {
            break;
        }
        fhi_sim_submission *happened = perform(queues, &queues->queues[queue]);
        happened->next = *done;
        *done = happened;
        due_ns = UINT64_MAX;
    }
    return due_ns;
}

/* ---- operations ---- */

uint32_t fhi_sim_queues_advance(fhi_sim_queues *queues, uint32_t queue, uint32_t count)
{
    fhi_sim_submission *done = NULL;
    uint32_t advanced = 0;

    fhi_lock_acquire(&queues->lock);
    run_due(queues, &done);
    for (fhi_sim_submission *at = queues->queues[queue].first; at && advanced < count;
         at = at->next) {
        if (!at->advanced) {
            at->advanced = true;
            advanced++;
        }
    }
    run_due(queues, &done);
    fhi_condition_wake_all(&queues->moved);
    fhi_lock_release(&queues->lock);
    free_submissions(queues->memory, done);
    return advanced;
}

static void append(fhi_sim_queues *queues, fhi_sim_queue *queue, fhi_sim_submission *submission)
{
    submission->value = ++queue->submitted;
    submission->due_ns = queues->latency_ns > 0 ? fhi_deadline(queues->latency_ns) : 0;
    if (queue->first) {
        queue->last->next = submission;
    } else {
        queue->first = submission;
    }
    queue->last = submission;
    hold_objects(submission);
    atomic_fetch_add_explicit(&queues->pending, 1, memory_order_relaxed);
}

fh_result fhi_sim_submit(fh_backend_device *device, uint32_t queue, const fh_backend_copy *copies,
                         uint32_t copy_count, const fh_epoch *waits, uint32_t wait_count,
                         uint64_t *out_value)
{
    fhi_sim_queues *queues = &device->queues;
    fhi_sim_submission *done = NULL;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_SUBMIT, 0);

    *out_value = 0;
    if (result != FH_OK) {
        return result;
    }
    FH_ASSERT(queue < queues->count);
    fhi_sim_submission *made =
        make_submission(queues->memory, copies, copy_count, waits, wait_count);
    if (!made) {
        return fhi_fail_with(FH_ERR_HOST_MEMORY, "no host memory for a submission of {} copies",
                             copy_count, 0, 0);
    }
    fhi_lock_acquire(&queues->lock);
    bool lost = queues->lost;
    if (lost) {
        done = made;
    } else {
        append(queues, &queues->queues[queue], made);
        *out_value = made->value;
        run_due(queues, &done);
        fhi_condition_wake_all(&queues->moved);
    }
    fhi_lock_release(&queues->lock);
    free_submissions(queues->memory, done);
    return lost ? fhi_sim_faults_refuse() : FH_OK;
}

fh_result fhi_sim_progress(fh_backend_device *device, uint32_t queue, uint64_t *out_value)
{
    fhi_sim_queues *queues = &device->queues;
    fhi_sim_submission *done = NULL;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_PROGRESS, 0);

    *out_value = 0;
    if (result != FH_OK) {
        return result;
    }
    FH_ASSERT(queue < queues->count);
    if (atomic_load_explicit(&queues->pending, memory_order_acquire) > 0) {
        fhi_lock_acquire(&queues->lock);
        run_due(queues, &done);
        fhi_lock_release(&queues->lock);
        free_submissions(queues->memory, done);
    }
    *out_value = passed(queues, queue);
    return FH_OK;
}

fh_result fhi_sim_wait(fh_backend_device *device, uint32_t queue, uint64_t value,
                       uint64_t timeout_ns)
{
    fhi_sim_queues *queues = &device->queues;
    fhi_sim_submission *done = NULL;
    fh_result result = fhi_sim_enter(device, FH_BACKEND_CALL_WAIT, 0);

    if (result != FH_OK) {
        return result;
    }
    FH_ASSERT(queue < queues->count);
    if (passed(queues, queue) >= value) {
        return FH_OK;
    }
    uint64_t deadline_ns = fhi_deadline(timeout_ns);
    bool in_time = true;
    fhi_lock_acquire(&queues->lock);
    for (;;) {
        uint64_t next_ns = run_due(queues, &done);
        if (passed(queues, queue) >= value || queues->lost || !in_time) {
            break;
        }
        uint64_t until_ns = next_ns < deadline_ns ? next_ns : deadline_ns;
        fhi_condition_wait(&queues->moved, &queues->lock, until_ns);
        in_time = deadline_ns == UINT64_MAX || fhi_now_ns() < deadline_ns;
    }
    bool lost = queues->lost;
    bool reached = passed(queues, queue) >= value;
    fhi_lock_release(&queues->lock);
    free_submissions(queues->memory, done);
    if (reached) {
        return FH_OK;
    }
    if (lost) {
        return fhi_sim_faults_refuse();
    }
    return fhi_fail_with(FH_ERR_TIMEOUT, "queue {} did not pass {} within {} ns", queue, value,
                         timeout_ns);
}
