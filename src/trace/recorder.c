/* The calling thread's part is short: which number the thread has, one look at the processor's
 * counter, and a record in the ring (ring.h). The rest is done by a thread of our own, which looks
 * into the ring every few milliseconds. Nobody wakes it: that would be a system call, and might
 * have to wait; and what the ring cannot hold for so long it could not write down either. It looks
 * again at once while a good part of the ring comes in between.
 *
 * Times: the counter is read for a third of what the clock costs. What it counts is found out here:
 * at each look both are read, and what was recorded in between lies on the straight line between
 * the two pairs. So a counter that drifts does no harm, and one that jumps little: nothing leaves
 * the time between the looks.
 *
 * Threads are told apart by their anchors (base/error.h), in a table that is filled once and never
 * emptied, and that is read without a lock. A thread that ended and a later one that has its place
 * in the system's memory count as one. (The exact way is a number in thread-local storage, keyed by
 * the recorder: a piece of global state for each recorder that there ever was.)
 *
 * What is missing is said before the first record that bears a higher count of what was dropped
 * than was said so far, or when the ring is empty.
 *
 * A disk that is full ends the file where it is whole; the thread goes on emptying the ring, and
 * counts all that as dropped, and so is what was in the chunk that could not be written.
 *
 * fork(): the child has the ring, but not the thread. What it records comes to nothing, as soon as
 * the ring is full without a system call or a write; the file is the parent's alone. Flushing does
 * nothing there, and closing only gives the memory back. */

#include "trace/recorder.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/lock.h"
#include "base/process.h"
#include "base/stopwatch.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "trace/ring.h"
#include "trace/writer.h"

#include <string.h>

enum {
    RING_USUAL = 4 * 1024 * 1024,
    THREADS = 1024, /* that are told apart; a power of two */
    THREAD_STEPS = 64,
    LOOK_NS = 4 * 1000 * 1000,     /* between two looks into the ring, */
    IDLE_NS = 10 * 1000 * 1000,    /* and when nothing came in */
    FLUSH_NS = 1000 * 1000 * 1000, /* between two flushes, at most */
    PATIENCE_NS = 50 * 1000,       /* between two looks at a record that is being filled in */
    BUSY_PART = 8,                 /* of the ring: if so much came in, it is looked at again */
    NAME_SIZE = 64,
    /* Words of a record: its head; the time; what follows; the numbers, the list, the text. */
    HEAD_WORDS = 3
};

/* A record's kind in the ring: the event's, and the thread. */
enum {
    THREAD_SHIFT = 8
};

/* Its third word: bytes of text, numbers of the list, and how much was dropped before it. */
enum {
    LIST_SHIFT = 12,
    DROPPED_SHIFT = 32
};

_Static_assert((int)FHI_RECORDER_BUFFER_MIN == (int)FHI_RING_MIN, "said twice");
_Static_assert(FH_TRACE_TEXT_MAX < 1 << LIST_SHIFT, "bits for the text's size");
_Static_assert(FH_TRACE_LIST_MAX < 1 << (DROPPED_SHIFT - LIST_SHIFT), "bits for the list's size");
_Static_assert(FH_TRACE_KIND_MAX < 1 << THREAD_SHIFT, "bits for the kind");
_Static_assert(THREADS < 1 << (32 - THREAD_SHIFT), "bits for the thread");

/* How many numbers an event of each kind has. */
static const uint8_t value_counts[FH_TRACE_KIND_MAX + 1] = {
#define COUNT_OF(NAME, number, name) [number] = sizeof(fh_trace_##name) / sizeof(uint64_t),
    FH_TRACE_KINDS(COUNT_OF)
#undef COUNT_OF
};

typedef struct recorder_thread {
    _Atomic uintptr_t anchor; /* 0 = a free place */
    _Atomic uint32_t number;  /* 0: its name is not in the ring yet */
    uint32_t given;           /* the thread's own: the number that it will be */
} recorder_thread;

/* Both at one moment. */
typedef struct moment {
    uint64_t count, ns;
} moment;

struct fhi_recorder {
    fhi_ring ring;

    /* Constant. */
    fh_host_memory memory;
    uint64_t process;
    fhi_trace_writer *writer; /* the thread's, then whoever closes */
    uint64_t began_ns;

    _Atomic uint32_t thread_count;
    recorder_thread threads[THREADS];

    fhi_lock lock;             /* guards down to `closing` */
    fhi_condition asked;       /* one of these changed */
    fhi_condition done;        /* `flushed` changed */
    uint64_t flushes, flushed; /* how many were asked for, and done */
    bool closing;

    /* The thread's, from here on. */
    fhi_thread thread;
    moment before, now;    /* of the last two looks */
    uint64_t flushed_ns;   /* when the file was last flushed */
    uint64_t dropped_told; /* in the file */
    uint64_t event_ns;     /* of the last event */
    bool failed;           /* the file takes no more */
    /* Written by it, read by all. */
    _Atomic uint64_t event_count, lost_count, file_bytes;
};

/* ---- recording ---- */

/* A text that is too long ends with a whole character. */
FHI_COLD uint32_t cut_text(const char *text)
{
    uint32_t size = FH_TRACE_TEXT_MAX;
    for (uint32_t i = 0; i < 3 && ((unsigned char)text[size] & 0xc0U) == 0x80; i++) {
        size--;
    }
    return size;
}

/* False: there was no room. */
FHI_HOT_INLINE bool put(fhi_recorder *recorder, uint32_t thread, const fh_trace_event *event)
{
    uint64_t count = fhi_stopwatch_count();
    uint64_t values = value_counts[event->kind];
    uint64_t list = event->list_count;
    uint64_t text = event->text_size;
    if (FHI_UNLIKELY(text > FH_TRACE_TEXT_MAX)) {
        text = cut_text(event->text);
    }
    if (FHI_UNLIKELY(list > FH_TRACE_LIST_MAX)) {
        list = FH_TRACE_LIST_MAX;
    }
    fhi_ring_room room =
        fhi_ring_reserve(&recorder->ring, (HEAD_WORDS + values + list) * sizeof(uint64_t) + text);
    if (FHI_UNLIKELY(!room.words)) {
        return false;
    }
    uint64_t *words = room.words;
    words[1] = count;
    words[2] = text | list << LIST_SHIFT | room.dropped << DROPPED_SHIFT;
    words += HEAD_WORDS;
    for (uint64_t i = 0; i < values; i++) {
        words[i] = event->values[i];
    }
    if (FHI_UNLIKELY((list | text) != 0)) {
        if (list > 0) {
            memcpy(words + values, event->list, list * sizeof(uint64_t));
        }
        if (text > 0) {
            memcpy(words + values + list, event->text, text);
        }
    }
    fhi_ring_publish(&room, (uint32_t)event->kind | thread << THREAD_SHIFT);
    return true;
}

/* The thread's place is found, but nobody was told of it. */
FHI_COLD uint32_t introduce(fhi_recorder *recorder, recorder_thread *place)
{
    char name[NAME_SIZE];
    if (place->given == 0) {
        place->given = atomic_fetch_add(&recorder->thread_count, 1) + 1;
    }
    uint32_t number = place->given;
    fhi_thread_name(name, sizeof name);
    fh_trace_event event = {.kind = FH_TRACE_THREAD_SEEN,
                            .text = name,
                            .text_size = (uint32_t)strlen(name),
                            .thread_seen = {.thread = number}};
    if (put(recorder, number, &event)) {
        atomic_store_explicit(&place->number, number, memory_order_relaxed);
    }
    return number;
}

FHI_COLD uint32_t find_thread(fhi_recorder *recorder, uintptr_t anchor, uint32_t hash)
{
    for (uint32_t step = 0; step < THREAD_STEPS; step++) {
        recorder_thread *place = &recorder->threads[(hash + step) % THREADS];
        uintptr_t taken = 0;
        if (atomic_compare_exchange_strong(&place->anchor, &taken, anchor) || taken == anchor) {
            uint32_t number = atomic_load_explicit(&place->number, memory_order_relaxed);
            return number != 0 ? number : introduce(recorder, place);
        }
    }
    return 0; /* one of those that are not told apart */
}

FHI_HOT_INLINE uint32_t number_of_thread(fhi_recorder *recorder)
{
    uintptr_t anchor = fhi_thread_anchor();
    uint32_t hash = (uint32_t)(((uint64_t)anchor * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
    recorder_thread *place = &recorder->threads[hash % THREADS];
    uint32_t number = atomic_load_explicit(&place->number, memory_order_relaxed);
    if (FHI_LIKELY(atomic_load_explicit(&place->anchor, memory_order_relaxed) == anchor &&
                   number != 0)) {
        return number;
    }
    return find_thread(recorder, anchor, hash);
}

void fhi_recorder_add(fhi_recorder *recorder, const fh_trace_event *event)
{
    if (FHI_UNLIKELY(!put(recorder, number_of_thread(recorder), event))) {
        fhi_ring_drop(&recorder->ring);
    }
}

/* ---- the thread: writing down ---- */

static moment look_at_clock(void)
{
    moment best = {0, 0};
    uint64_t shortest = UINT64_MAX;
    /* Whoever is interrupted between the two looks again. */
    for (int i = 0; i < 3; i++) {
        uint64_t count = fhi_stopwatch_count();
        uint64_t ns = fhi_now_ns();
        uint64_t took = fhi_stopwatch_count() - count;
        if (took < shortest) {
            shortest = took;
            best = (moment){count + took / 2, ns};
        }
    }
    return best;
}

/* When the counter stood at `count`, since the beginning. */
static uint64_t time_of(const fhi_recorder *self, uint64_t count)
{
    const moment *before = &self->before, *now = &self->now;
    int64_t counts = (int64_t)(now->count - before->count);
    int64_t passed = (int64_t)(count - before->count);
    double part = counts > 0 ? (double)passed / (double)counts : 1.0;
    /* What came after this look comes out a little later than it. */
    part = part < 0.0 ? 0.0 : part > 2.0 ? 2.0 : part;
    return before->ns - self->began_ns + (uint64_t)(part * (double)(now->ns - before->ns));
}

static void add_to(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

/* What had not left for the file is lost, too. */
static void note_failure(fhi_recorder *self, uint64_t pending)
{
    if (!self->failed) {
        self->failed = true;
        add_to(&self->event_count, 0 - pending);
        add_to(&self->lost_count, pending);
    }
}

static void write_event(fhi_recorder *self, const fh_trace_event *event)
{
    uint64_t pending = fhi_trace_writer_pending(self->writer);
    fh_result result = fhi_trace_writer_add(self->writer, event);
    add_to(result == FH_OK ? &self->event_count : &self->lost_count, 1);
    if (result == FH_ERR_IO) {
        note_failure(self, pending);
    }
}

static void flush(fhi_recorder *self)
{
    uint64_t pending = fhi_trace_writer_pending(self->writer);
    if (fhi_trace_writer_flush(self->writer) == FH_ERR_IO) {
        note_failure(self, pending);
    }
    self->flushed_ns = self->now.ns;
    atomic_store_explicit(&self->file_bytes, fhi_trace_writer_bytes(self->writer),
                          memory_order_relaxed);
}

/* So much was dropped up to here, `dropped` cut to 32 bits. */
static void tell_dropped(fhi_recorder *self, uint64_t dropped, uint64_t time_ns)
{
    int32_t more = (int32_t)(uint32_t)(dropped - self->dropped_told);
    if (more > 0) {
        fh_trace_event event = {
            .kind = FH_TRACE_DROPPED, .time_ns = time_ns, .dropped = {.count = (uint64_t)more}};
        self->dropped_told += (uint64_t)more;
        write_event(self, &event);
    }
}

static void write_record(fhi_recorder *self, const uint64_t *words, uint32_t kind)
{
    uint64_t sizes = words[2];
    fh_trace_event event;
    event.kind = (fh_trace_kind)(kind & ((1U << THREAD_SHIFT) - 1));
    event.thread = kind >> THREAD_SHIFT;
    event.time_ns = time_of(self, words[1]);
    event.text_size = (uint32_t)(sizes & ((1U << LIST_SHIFT) - 1));
    event.list_count = (uint32_t)(sizes & UINT32_MAX) >> LIST_SHIFT;
    uint32_t values = value_counts[event.kind];
    const uint64_t *at = words + HEAD_WORDS;
    memcpy(event.values, at, values * sizeof(uint64_t));
    event.list = at + values;
    event.text = (const char *)(at + values + event.list_count);
    self->event_ns = event.time_ns;
    tell_dropped(self, sizes >> DROPPED_SHIFT, event.time_ns);
    write_event(self, &event);
}

/* What is there, but not more than is worth a look at the clock; returns its bytes. */
static uint64_t write_records(fhi_recorder *self)
{
    uint64_t began = self->ring.at;
    uint64_t most = self->ring.size / BUSY_PART;
    uint32_t kind;
    const uint64_t *words;
    while (self->ring.at - began < most && (words = fhi_ring_first(&self->ring, &kind)) != NULL) {
        write_record(self, words, kind);
        fhi_ring_pass(&self->ring);
    }
    fhi_ring_give(&self->ring);
    /* Looked at before whether it is empty: what is dropped later comes after what is in it now. */
    uint64_t dropped = atomic_load_explicit(&self->ring.dropped, memory_order_acquire);
    if (fhi_ring_is_empty(&self->ring)) {
        tell_dropped(self, dropped, self->event_ns);
    }
    return self->ring.at - began;
}

static uint64_t look(fhi_recorder *self)
{
    self->before = self->now;
    self->now = look_at_clock();
    return write_records(self);
}

/* All that was reserved up to now. Somebody may be about to fill it in. */
static void write_all(fhi_recorder *self)
{
    uint64_t head = atomic_load_explicit(&self->ring.head, memory_order_acquire);
    for (uint64_t bytes = look(self); (int64_t)(head - self->ring.at) > 0; bytes = look(self)) {
        if (bytes == 0) {
            fhi_sleep_ns(PATIENCE_NS);
        }
    }
}

/* ---- the thread: from beginning to end ---- */

/* For so long, unless somebody asks for something; returns how many flushes were asked for. */
static uint64_t wait(fhi_recorder *self, uint64_t timeout_ns, bool *out_closing)
{
    uint64_t deadline = fhi_deadline(timeout_ns);
    fhi_lock_acquire(&self->lock);
    while (timeout_ns > 0 && !self->closing && self->flushes == self->flushed &&
           fhi_condition_wait(&self->asked, &self->lock, deadline)) {
    }
    uint64_t flushes = self->flushes;
    *out_closing = self->closing;
    fhi_lock_release(&self->lock);
    return flushes;
}

static void answer(fhi_recorder *self, uint64_t flushes)
{
    write_all(self);
    flush(self);
    fhi_lock_acquire(&self->lock);
    self->flushed = flushes;
    fhi_condition_wake_all(&self->done);
    fhi_lock_release(&self->lock);
}

static void run(void *argument)
{
    fhi_recorder *self = argument;
    uint64_t timeout_ns = LOOK_NS, flushed = 0;
    bool closing = false;
    while (!closing) {
        uint64_t flushes = wait(self, timeout_ns, &closing);
        if (closing || flushes != flushed) {
            answer(self, flushes);
            flushed = flushes;
            timeout_ns = LOOK_NS;
            continue;
        }
        uint64_t bytes = look(self);
        timeout_ns = bytes >= self->ring.size / BUSY_PART ? 0 : bytes > 0 ? LOOK_NS : IDLE_NS;
        if (self->now.ns - self->flushed_ns >= FLUSH_NS) {
            flush(self);
        }
    }
}

/* ---- opening and closing ---- */

static void note(fhi_recorder *recorder, fh_trace_topic topic, const char *text)
{
    fh_trace_event event = {.kind = FH_TRACE_NOTE,
                            .text = text,
                            .text_size = (uint32_t)strlen(text),
                            .note = {.topic = (uint64_t)topic}};
    put(recorder, 0, &event);
}

static void destroy_memory(fhi_recorder *recorder)
{
    fh_host_memory memory = recorder->memory;
    fhi_ring_finish(&recorder->ring, &memory);
    fhi_host_free(&memory, recorder, 1, sizeof *recorder, 64);
}

static void destroy(fhi_recorder *recorder)
{
    fhi_condition_finish(&recorder->asked);
    fhi_condition_finish(&recorder->done);
    fhi_lock_finish(&recorder->lock);
    destroy_memory(recorder);
}

static fh_result check_desc(const fhi_recorder_desc *desc, fh_host_memory *out_memory,
                            uint64_t *out_size)
{
    if (desc->buffer_size > FHI_RING_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "buffer_size is {}, and {} bytes are the most",
                             desc->buffer_size, FHI_RING_MAX, 0);
    }
    uint64_t wanted = desc->buffer_size != 0 ? desc->buffer_size : RING_USUAL;
    *out_size = FHI_RING_MIN;
    while (*out_size < wanted) {
        *out_size *= 2;
    }
    return fhi_host_memory_resolve(desc->memory, out_memory);
}

static fh_result create(const fhi_recorder_desc *desc, fhi_recorder **out_recorder)
{
    fh_host_memory memory;
    uint64_t size = 0;
    fh_result result = check_desc(desc, &memory, &size);
    if (result != FH_OK) {
        return result;
    }
    fhi_recorder *recorder = fhi_host_alloc(&memory, 1, sizeof *recorder, 64);
    if (!recorder) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a recorder");
    }
    *out_recorder = recorder;
    memset(recorder, 0, sizeof *recorder);
    recorder->memory = memory;
    fhi_lock_init(&recorder->lock);
    fhi_condition_init(&recorder->asked);
    fhi_condition_init(&recorder->done);
    if (!fhi_ring_init(&recorder->ring, size, &memory)) {
        destroy(recorder);
        return fhi_fail_with(FH_ERR_HOST_MEMORY, "no host memory for {} bytes of events", size, 0,
                             0);
    }
    return FH_OK;
}

fh_result fhi_recorder_open(const fhi_recorder_desc *desc, fhi_recorder **out_recorder)
{
    char program[NAME_SIZE];
    fhi_recorder *recorder = NULL;
    *out_recorder = NULL;
    fh_result result = create(desc, &recorder);
    if (result != FH_OK || !recorder) {
        return result;
    }
    /* Last what replaces the file. */
    result = fhi_trace_writer_open(desc->path, &recorder->memory, &recorder->writer);
    if (result != FH_OK) {
        destroy(recorder);
        return result;
    }
    fhi_process_name(program, sizeof program);
    recorder->process = fhi_process_id();
    recorder->now = look_at_clock();
    recorder->began_ns = recorder->flushed_ns = recorder->now.ns;
    note(recorder, FH_TRACE_TOPIC_PROGRAM, desc->program ? desc->program : program);
    note(recorder, FH_TRACE_TOPIC_RECORDER, desc->tool);
    if (!fhi_thread_start(&recorder->thread, "fh-recorder", run, recorder)) {
        fhi_trace_writer_close(recorder->writer);
        destroy(recorder);
        return fhi_fail(FH_ERR_IO, "the system gave no thread that writes");
    }
    *out_recorder = recorder;
    return FH_OK;
}

/* The thread is there: not in a child of fork(). */
static bool has_thread(const fhi_recorder *recorder)
{
    return recorder->process == fhi_process_id();
}

void fhi_recorder_flush(fhi_recorder *recorder)
{
    if (!has_thread(recorder)) {
        return;
    }
    fhi_lock_acquire(&recorder->lock);
    uint64_t mine = ++recorder->flushes;
    fhi_condition_wake_all(&recorder->asked);
    while (recorder->flushed < mine) {
        fhi_condition_wait(&recorder->done, &recorder->lock, UINT64_MAX);
    }
    fhi_lock_release(&recorder->lock);
}

void fhi_recorder_make_room(fhi_recorder *recorder, size_t bytes)
{
    fhi_ring *ring = &recorder->ring;
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    while (head - tail + bytes > ring->size && head != tail && has_thread(recorder)) {
        fhi_sleep_ns(PATIENCE_NS);
        uint64_t end = atomic_load(&ring->tail);
        tail = (int64_t)(end - head) > 0 ? head : end;
    }
}

void fhi_recorder_get_stats(fhi_recorder *recorder, fh_trace_stats *out_stats)
{
    *out_stats = (fh_trace_stats){
        .event_count = atomic_load_explicit(&recorder->event_count, memory_order_relaxed),
        .dropped_count = atomic_load_explicit(&recorder->ring.dropped, memory_order_relaxed) +
                         atomic_load_explicit(&recorder->lost_count, memory_order_relaxed),
        .file_bytes = atomic_load_explicit(&recorder->file_bytes, memory_order_relaxed),
    };
}

fh_result fhi_recorder_close(fhi_recorder *recorder, fh_trace_stats *out_stats)
{
    if (!has_thread(recorder)) {
        /* To finish a lock that a thread waits at, which is not here, would be to wait for it. */
        fhi_recorder_get_stats(recorder, out_stats);
        destroy_memory(recorder);
        return FH_OK;
    }
    fhi_lock_acquire(&recorder->lock);
    recorder->closing = true;
    fhi_condition_wake_all(&recorder->asked);
    fhi_lock_release(&recorder->lock);
    fhi_thread_join(&recorder->thread);
    fh_result result = fhi_trace_writer_close(recorder->writer);
    fhi_recorder_get_stats(recorder, out_stats);
    destroy(recorder);
    return result;
}
