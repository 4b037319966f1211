/* The recorder: takes events from any thread without a lock, and has a thread of its own that
 * writes them to a file. Knows no device: the device's observer (device_trace.c) and the Vulkan
 * layer (src/layer) both record by it. Includes from src/base and src/trace alone. */

#ifndef FREEHOLD_TRACE_RECORDER_H
#define FREEHOLD_TRACE_RECORDER_H

#include <freehold/host.h>
#include <freehold/trace.h>

typedef struct fhi_recorder fhi_recorder;

typedef struct fhi_recorder_desc {
    const char *path;
    size_t buffer_size;  /* bytes of the ring, raised to a power of two; 0 = 4 MiB */
    const char *program; /* NULL = what the system calls this process */
    const char *tool;    /* who records: "freehold 0.1.0", "VK_LAYER_FREEHOLD_record 0.1.0" */
    const fh_host_memory *memory; /* NULL = the C library's; copied */
} fhi_recorder_desc;

enum {
    FHI_RECORDER_BUFFER_MIN = 128 * 1024 /* bytes; less is raised to that */
};

/* Opens the file and starts the thread. INVALID (more than 1 GiB), IO, HOST_MEMORY. */
fh_result fhi_recorder_open(const fhi_recorder_desc *desc, fhi_recorder **out_recorder);

/* Record one event; `thread` and `time_ns` are filled in here. Any thread, never blocks, takes no
 * lock and no host memory: at most 60 ns for an event without text and list. Where the ring is full
 * the event is dropped and counted, and a DROPPED event stands in its place. All events are in one
 * order, that of these calls. */
void fhi_recorder_add(fhi_recorder *recorder, const fh_trace_event *event);

/* Waits until `bytes` of the ring are free, or all is written that is in it now: for who has much
 * to record and time to wait. */
void fhi_recorder_make_room(fhi_recorder *recorder, size_t bytes);

/* What was recorded so far is in the file when this returns: for a program that may be about to end
 * without ado. Any thread. */
void fhi_recorder_flush(fhi_recorder *recorder);

/* Any thread. */
void fhi_recorder_get_stats(fhi_recorder *recorder, fh_trace_stats *out_stats);

/* Nobody records any more. Writes what is left and frees all. IO: not everything was written. */
fh_result fhi_recorder_close(fhi_recorder *recorder, fh_trace_stats *out_stats);

#endif
