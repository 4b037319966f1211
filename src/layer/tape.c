/* A layer is loaded by whoever makes an instance, and nobody hands it a context: so this state is
 * the process's own, static, and one of the two such in the layer (device.c has the other).
 *
 * The recorder goes away while other threads may be recording: a program returns from main() while
 * its threads run on, and the last wanted frame ends on one thread while another allocates. So who
 * records announces itself in `users`, and who closes takes the pointer away and waits until they
 * are gone. They are inside for some fifty nanoseconds; one that was stopped there for good (by
 * exit(), in a program that runs on signals) must not hold up the end, so the wait has an end, too:
 * then what was recorded is written, and the memory stays.
 *
 * After fork() the child has the pointer but not the thread that writes: it forgets the pointer.
 *
 * Lines of FREEHOLD_RECORD_LIST, whose columns tabs separate:
 *   begin   process   path
 *   failed  process   path    why
 *   end     process   events  dropped   bytes   frames
 */

#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "layer/tape.h"

#include "base/clock.h"
#include "trace/recorder.h"

#include <freehold/api.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOL "VK_LAYER_FREEHOLD_record"

enum {
    PATH_CAPACITY = 4096
};

/* How long the end waits for those who are recording. */
#define CLOSE_TIMEOUT_NS UINT64_C(1000000000)
#define CLOSE_NAP_NS     UINT64_C(100000)

static struct {
    pthread_once_t once;
    fhi_recorder *_Atomic recorder; /* NULL: not open, closed, failed, or another process's */
    _Atomic uint64_t users;         /* that may hold the pointer */
    _Atomic uint64_t frame_count;   /* frames that ended */
    uint64_t first_frame, last_frame;
    _Atomic uint64_t ids[FH_TRACE_NOUN_DEVICE + 1];
    char list[PATH_CAPACITY];
} tape = {.once = PTHREAD_ONCE_INIT, .first_frame = 1, .last_frame = UINT64_MAX};

/* ---- what the environment says ---- */

static void complain(const char *path, const char *why)
{
    fprintf(stderr, TOOL ": cannot record into %s: %s. The program goes on without.\n", path, why);
}

/* False, and the defaults stay: it is neither n nor a..b. */
static bool parse_frames(const char *text)
{
    char *end;
    uint64_t first = 1;
    errno = 0;
    uint64_t last = strtoull(text, &end, 10);
    if (strncmp(end, "..", 2) == 0) {
        first = last;
        text = end + 2;
        last = strtoull(text, &end, 10);
    }
    if (errno != 0 || end == text || *end != '\0' || first < 1 || last < first) {
        return false;
    }
    tape.first_frame = first;
    tape.last_frame = last;
    return true;
}

/* "a/b.c" becomes "a/b.NUMBER.c". */
static bool number_path(const char *path, char *out_path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');
    if (dot == NULL || dot == path || (slash != NULL && dot <= slash + 1)) {
        dot = path + strlen(path);
    }
    int length = snprintf(out_path, PATH_CAPACITY, "%.*s.%ld%s", (int)(dot - path), path,
                          (long)getpid(), dot);
    return length > 0 && length < PATH_CAPACITY;
}

/* Puts the number of the process for each %p. */
static bool fill_path(const char *pattern, char *out_path, bool *out_numbered)
{
    size_t used = 0;
    *out_numbered = false;
    for (const char *c = pattern; *c != '\0'; c++) {
        int length;
        if (c[0] == '%' && c[1] == 'p') {
            length = snprintf(out_path + used, PATH_CAPACITY - used, "%ld", (long)getpid());
            *out_numbered = true;
            c++;
        } else {
            length = snprintf(out_path + used, PATH_CAPACITY - used, "%c", *c);
        }
        used += (size_t)length;
        if (used >= PATH_CAPACITY) {
            return false;
        }
    }
    return true;
}

/* Whether the file of that name is ours: it was not there, and now is, empty. What cannot be made
 * at all is ours, too: opening it will tell why. */
static bool claim(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
        close(file);
        return true;
    }
    struct stat there;
    return errno != EEXIST || (stat(path, &there) == 0 && !S_ISREG(there.st_mode));
}

static bool choose_path(const char *pattern, char *out_path)
{
    bool numbered;
    if (!fill_path(pattern, out_path, &numbered)) {
        return false;
    }
    if (numbered || claim(out_path)) {
        return true;
    }
    char plain[PATH_CAPACITY];
    snprintf(plain, sizeof plain, "%s", out_path);
    return number_path(plain, out_path);
}

/* ---- the list ---- */

/* One write, so that processes do not cut into each other's lines. */
static void add_to_list(const char *line)
{
    if (tape.list[0] == '\0') {
        return;
    }
    int file = open(tape.list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file >= 0) {
        ssize_t written = write(file, line, strlen(line));
        (void)written; /* whoever reads the list does without */
        close(file);
    }
}

/* ---- opening and closing ---- */

static void forget_in_child(void)
{
    atomic_store(&tape.recorder, NULL);
}

static void open_tape(void)
{
    const char *pattern = getenv("FREEHOLD_RECORD_FILE");
    const char *frames = getenv("FREEHOLD_RECORD_FRAMES");
    const char *list = getenv("FREEHOLD_RECORD_LIST");
    if (pattern == NULL || pattern[0] == '\0') {
        fputs(TOOL ": FREEHOLD_RECORD_FILE is not set: nothing is recorded.\n", stderr);
        return;
    }
    if (frames != NULL && frames[0] != '\0' && !parse_frames(frames)) {
        fprintf(stderr,
                TOOL ": FREEHOLD_RECORD_FRAMES is '%s', neither a count nor first..last: all "
                     "frames are recorded.\n",
                frames);
    }
    if (list != NULL && strlen(list) < sizeof tape.list) {
        memcpy(tape.list, list, strlen(list) + 1);
    }
    char path[PATH_CAPACITY];
    char line[PATH_CAPACITY + 512];
    if (!choose_path(pattern, path)) {
        complain(pattern, "the path is too long");
        return;
    }
    if (pthread_atfork(NULL, NULL, forget_in_child) != 0) {
        complain(path, "no memory");
        return;
    }
    fhi_recorder *recorder;
    fhi_recorder_desc desc = {.path = path, .tool = TOOL " " FH_VERSION_STRING};
    if (fhi_recorder_open(&desc, &recorder) != FH_OK) {
        complain(path, fh_error_detail());
        snprintf(line, sizeof line, "failed\t%ld\t%s\t%s\n", (long)getpid(), path,
                 fh_error_detail());
    } else {
        snprintf(line, sizeof line, "begin\t%ld\t%s\n", (long)getpid(), path);
        atomic_store(&tape.recorder, recorder);
    }
    add_to_list(line);
}

void fhi_tape_open(void)
{
    pthread_once(&tape.once, open_tape);
}

/* The recorder, for as long as the caller is a user; NULL, and it is none. */
static fhi_recorder *enter(void)
{
    atomic_fetch_add(&tape.users, 1);
    fhi_recorder *recorder = atomic_load(&tape.recorder);
    if (recorder == NULL) {
        atomic_fetch_sub(&tape.users, 1);
    }
    return recorder;
}

static void leave(void)
{
    atomic_fetch_sub(&tape.users, 1);
}

static void close_tape(void)
{
    fhi_recorder *recorder = atomic_exchange(&tape.recorder, NULL);
    if (recorder == NULL) {
        return;
    }
    uint64_t deadline = fhi_deadline(CLOSE_TIMEOUT_NS);
    while (atomic_load(&tape.users) > 0 && fhi_now_ns() < deadline) {
        fhi_sleep_ns(CLOSE_NAP_NS);
    }
    fh_trace_stats stats;
    if (atomic_load(&tape.users) > 0) {
        fhi_recorder_flush(recorder);
        fhi_recorder_get_stats(recorder, &stats);
    } else if (fhi_recorder_close(recorder, &stats) != FH_OK) {
        fprintf(stderr, TOOL ": the recording is not whole: %s.\n", fh_error_detail());
    }
    char line[256];
    snprintf(line, sizeof line, "end\t%ld\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
             (long)getpid(), stats.event_count, stats.dropped_count, stats.file_bytes,
             atomic_load(&tape.frame_count));
    add_to_list(line);
}

/* The process ends by exit() or by returning from main(). (The layer is linked so that it is never
 * unloaded before.) */
__attribute__((destructor)) static void close_at_exit(void)
{
    close_tape();
}

/* ---- recording ---- */

/* The bytes of `text` that an event may have: whole characters of UTF-8. */
static uint32_t text_size(const char *text)
{
    size_t size = strnlen(text, FH_TRACE_TEXT_MAX + 1);
    if (size > FH_TRACE_TEXT_MAX) {
        size = FH_TRACE_TEXT_MAX;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) {
            size--;
        }
    }
    return (uint32_t)size;
}

void fhi_tape_record(const fh_trace_event *event)
{
    fhi_recorder *recorder = enter();
    if (recorder == NULL) {
        return;
    }
    if (event->text == NULL) {
        fhi_recorder_add(recorder, event);
    } else {
        fh_trace_event cut = *event;
        cut.text_size = text_size(event->text);
        fhi_recorder_add(recorder, &cut);
    }
    leave();
}

void fhi_tape_flush(void)
{
    fhi_recorder *recorder = enter();
    if (recorder != NULL) {
        fhi_recorder_flush(recorder);
        leave();
    }
}

bool fhi_tape_runs(void)
{
    return atomic_load_explicit(&tape.recorder, memory_order_relaxed) != NULL;
}

bool fhi_tape_wants_work(void)
{
    return fhi_tape_runs() &&
           atomic_load_explicit(&tape.frame_count, memory_order_relaxed) + 1 >= tape.first_frame;
}

void fhi_tape_problem(const char *sentence)
{
    fh_trace_event event = {.kind = FH_TRACE_NOTE, .text = sentence};
    event.note.topic = FH_TRACE_TOPIC_PROBLEM;
    fhi_tape_record(&event);
}

void fhi_tape_end_frame(void)
{
    if (fhi_tape_runs() && atomic_fetch_add(&tape.frame_count, 1) + 1 == tape.last_frame) {
        close_tape();
    }
}

uint64_t fhi_tape_id(fh_trace_noun noun)
{
    return atomic_fetch_add_explicit(&tape.ids[noun], 1, memory_order_relaxed) + 1;
}
