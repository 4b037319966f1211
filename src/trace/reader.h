/* The reader, as fh_trace_reader_open() makes it, with what tests need to give it besides. */

#ifndef FREEHOLD_TRACE_READER_H
#define FREEHOLD_TRACE_READER_H

#include <freehold/host.h>
#include <freehold/trace.h>

#include <stdio.h>

/* NULL memory = the C library's; copied. */
fh_result fhi_trace_reader_open(const char *path, const fh_host_memory *memory,
                                fh_trace_reader **out_reader);

/* The same from a stream of `size` bytes that is open already; the reader takes it, also on
 * failure, and closes it. `name` is what sentences call it. */
fh_result fhi_trace_reader_open_stream(FILE *stream, uint64_t size, const char *name,
                                       const fh_host_memory *memory, fh_trace_reader **out_reader);

#endif
