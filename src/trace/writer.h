/* The writer: events into a file, in the order in which they come. What the public fh_trace_writer
 * is, plus what the recorder's thread needs. One thread at a time; the memory that it takes is
 * taken when it is opened. docs/trace-format.md has the format. */

#ifndef FREEHOLD_TRACE_WRITER_H
#define FREEHOLD_TRACE_WRITER_H

#include <freehold/host.h>
#include <freehold/trace.h>

#include <stdio.h>

typedef struct fh_trace_writer fhi_trace_writer;

/* Replaces the file, and writes what stands before the first event. NULL memory = the C library's;
 * copied. IO (the sentence has the path and why), INVALID (a callback is missing), HOST_MEMORY. */
fh_result fhi_trace_writer_open(const char *path, const fh_host_memory *memory,
                                fhi_trace_writer **out_writer);

/* The same into a stream that is open already; the writer takes it, also on failure, and closes it.
 * `name` is what sentences call it, and is copied. */
fh_result fhi_trace_writer_open_stream(FILE *stream, const char *name, const fh_host_memory *memory,
                                       fhi_trace_writer **out_writer);

/* As fh_trace_writer_add(). INVALID leaves the writer as it was. IO is sticky: what could not be
 * written is lost, every later call says IO with the same sentence, and the file is good up to the
 * last chunk that was written whole. Nothing but those two. */
fh_result fhi_trace_writer_add(fhi_trace_writer *writer, const fh_trace_event *event);

/* Ends the chunk now: all events that were added are in the file, which is good up to here even
 * when the program is killed. (Handed to the system; not forced onto the disk.) A short chunk packs
 * worse than a long one. Nothing new: nothing is written. IO, sticky. */
fh_result fhi_trace_writer_flush(fhi_trace_writer *writer);

/* Events that were added since the last chunk was written: those that would be lost now. */
uint64_t fhi_trace_writer_pending(const fhi_trace_writer *writer);

/* Written so far, what is pending not included. By the thread that writes. */
uint64_t fhi_trace_writer_bytes(const fhi_trace_writer *writer);

/* Writes what is pending, and the end: how many events there are, and how many were dropped, which
 * is the sum of the DROPPED events that were added. Frees the writer in any case. NULL is a no-op.
 * IO. */
fh_result fhi_trace_writer_close(fhi_trace_writer *writer);

#endif
