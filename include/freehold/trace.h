/* Traces: files that tell what a program did with GPU memory (trace_event.h), for looking at it
 * later and for replaying it under another policy (replay.h). docs/trace-format.md has the format.
 *
 *     fh_trace *trace;
 *     fh_trace_start(device, "run.fhtrace", NULL, &trace);
 *     ... the program ...
 *     fh_trace_stop(trace, NULL);
 *
 * Recording never blocks the program: an event is put into a ring of fixed size, without a lock,
 * and a thread of its own writes. What does not fit is dropped, counted, and said in the trace. */

#ifndef FREEHOLD_TRACE_H
#define FREEHOLD_TRACE_H

#include <freehold/device.h>
#include <freehold/trace_event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recording a device ---- */

typedef struct fh_trace fh_trace;

typedef struct fh_trace_desc {
    size_t buffer_size; /* bytes of the ring, rounded up to a power of two; 0 = 4 MiB */
    const char
        *program; /* what is recorded, for people; NULL = what the system calls this process */
} fh_trace_desc;

typedef struct fh_trace_stats {
    uint64_t event_count;   /* recorded */
    uint64_t dropped_count; /* lost: the ring was full, or the disk */
    uint64_t file_bytes;    /* written so far */
} fh_trace_stats;

/**
 * Record what happens in `device` from now on into the file `path`, which is replaced. What lives
 * already is written first. `desc` may be NULL: the defaults.
 *
 * Owns:    the caller owns *out_trace; give it to fh_trace_stop(). A device that is closed first
 *          ends its recordings; their handles stay the caller's.
 * Errors:  INVALID (an argument is NULL, a ring of more than 1 GiB), IO (the file cannot be made,
 *          or another recording writes it, or no thread), BUSY (the device has as many observers
 *          as it can), HOST_MEMORY; *out_trace is then NULL.
 * Threads: any. Starts one.
 * Cost:    the ring, and 1 MiB; then some 50 ns for each event.
 */
FH_API fh_result fh_trace_start(fh_device *device, const char *path, const fh_trace_desc *desc,
                                fh_trace **out_trace);

/**
 * End a recording and close its file. NULL is a no-op. `out_stats` may be NULL.
 *
 * Errors:  IO (not everything could be written: the sentence says why; the file is good up to
 *          there). The handle is gone in any case.
 * Threads: any, but not from an observer; no other call on this handle may be under way.
 */
FH_API fh_result fh_trace_stop(fh_trace *trace, fh_trace_stats *out_stats);

/**
 * How a recording fares.
 *
 * Errors:  INVALID (a pointer is NULL); *out_stats is then zero.
 * Threads: any.
 */
FH_API fh_result fh_trace_get_stats(fh_trace *trace, fh_trace_stats *out_stats);

/* ---- reading ---- */

typedef struct fh_trace_reader fh_trace_reader;

typedef struct fh_trace_reader_info {
    uint32_t version;                /* of the format */
    uint64_t file_bytes, read_bytes; /* how large it is, and how far this has read */
    uint64_t event_count;            /* read so far, dropped ones not counted */
    uint64_t dropped_count;          /* read so far: what the recorder lost */
    bool complete; /* the last event was read, and the recorder ended the file as it should */
    /* "" or what is wrong: where the file is cut off or damaged. What is before that was read. */
    char damage[256];
} fh_trace_reader_info;

/**
 * Open a trace for reading.
 *
 * Owns:    the caller owns *out_reader; give it back with fh_trace_reader_close().
 * Errors:  IO (it cannot be read), FORMAT (it is no trace, or of a format of the future),
 *          INVALID (an argument is NULL), HOST_MEMORY; *out_reader is then NULL.
 * Threads: any; one reader at a time by one thread.
 */
FH_API fh_result fh_trace_reader_open(const char *path, fh_trace_reader **out_reader);

/**
 * Close the file. NULL is a no-op.
 *
 * Threads: one at a time.
 */
FH_API void fh_trace_reader_close(fh_trace_reader *reader);

/**
 * The next event, in the order in which they were recorded. Kinds that this version does not know
 * are left out. At the end, and where the file is cut off or damaged, *out_event has the kind
 * FH_TRACE_NONE: fh_trace_reader_get_info() tells which it was.
 *
 * Owns:    text and list are borrowed until the next call on this reader.
 * Errors:  INVALID (a pointer is NULL).
 * Threads: one at a time.
 * Cost:    some 50 ns.
 */
FH_API fh_result fh_trace_reader_next(fh_trace_reader *reader, fh_trace_event *out_event);

/**
 * What is known of the file so far.
 *
 * Errors:  INVALID (a pointer is NULL); *out_info is then zero.
 * Threads: one at a time.
 */
FH_API fh_result fh_trace_reader_get_info(const fh_trace_reader *reader,
                                          fh_trace_reader_info *out_info);

/* ---- writing ---- */

typedef struct fh_trace_writer fh_trace_writer;

/**
 * Make a trace by hand: what imports and tests do. The file is replaced.
 *
 * Owns:    the caller owns *out_writer; give it to fh_trace_writer_close().
 * Errors:  IO (it cannot be made, or is being written already), INVALID (an argument is NULL),
 *          HOST_MEMORY; *out_writer is then NULL.
 * Threads: any; one writer at a time by one thread.
 */
FH_API fh_result fh_trace_writer_open(const char *path, fh_trace_writer **out_writer);

/**
 * Write an event. Times that run backwards are put right: a trace's time never does.
 *
 * Errors:  INVALID (an unknown kind, a text or a list that is too long), IO, HOST_MEMORY.
 * Threads: one at a time.
 * Cost:    some 100 ns; every 64 KiB, a chunk is packed and written.
 */
FH_API fh_result fh_trace_writer_add(fh_trace_writer *writer, const fh_trace_event *event);

/**
 * Write what is left, and the end. NULL is a no-op.
 *
 * Errors:  IO: not everything could be written. The writer is gone in any case.
 * Threads: one at a time.
 */
FH_API fh_result fh_trace_writer_close(fh_trace_writer *writer);

/* ---- describing ---- */

/* X(NAME, "name"): what a number of an event is. */
#define FH_TRACE_UNITS(X)                                                                          \
    X(ID, "id")                                                                                    \
    X(BYTES, "bytes")                                                                              \
    X(COUNT, "count")                                                                              \
    X(FLAGS, "flags")                                                                              \
    X(WORD, "word")                                                                                \
    X(NS, "ns")                                                                                    \
    X(NUMBER, "number")

typedef enum fh_trace_unit {
#define FH_TRACE_UNIT_ENUM(name, text) FH_TRACE_UNIT_##name,
    FH_TRACE_UNITS(FH_TRACE_UNIT_ENUM)
#undef FH_TRACE_UNIT_ENUM
} fh_trace_unit;

typedef struct fh_trace_field {
    const char *name; /* static */
    fh_trace_unit unit;
} fh_trace_field;

/**
 * What a kind is called, and its numbers in order; NULL for what is no kind. `out_fields` and
 * `out_count` may be NULL.
 *
 * Owns:    static.
 * Threads: any.
 */
FH_API const char *fh_trace_kind_describe(fh_trace_kind kind, const fh_trace_field **out_fields,
                                          uint32_t *out_count);

#ifdef __cplusplus
}
#endif

#endif
