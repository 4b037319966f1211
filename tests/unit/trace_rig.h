/* Traces in memory: made by hand, byte by byte, for files that no writer of ours makes; made by the
 * writer; read back. And random events, and whether two are the same. Knows nothing of cmocka, so
 * that the fuzz target can use it too. */

#ifndef FREEHOLD_TESTS_TRACE_RIG_H
#define FREEHOLD_TESTS_TRACE_RIG_H

#include "support.h"

#include "trace/chunk.h"
#include "trace/event.h"
#include "trace/reader.h"
#include "trace/writer.h"

/* ---- bytes ---- */

typedef struct rig_bytes {
    uint8_t *data;
    size_t size, capacity;
} rig_bytes;

void rig_put(rig_bytes *bytes, const void *data, size_t size);
void rig_put_number(rig_bytes *bytes, uint64_t value); /* as everywhere in a trace */
void rig_put_folded(rig_bytes *bytes, int64_t value);  /* as a difference */
void rig_put_name(rig_bytes *bytes, const char *name); /* as in a schema */
void rig_put_field(rig_bytes *bytes, const char *name, fh_trace_unit unit, uint32_t context);
void rig_put_file_header(rig_bytes *file);
void rig_free(rig_bytes *bytes);

/* Appends a chunk, packed by zstd or stored; `chunk` says kind, sequence, event_count, time_ns. Its
 * payload is emptied. */
void rig_put_chunk(rig_bytes *file, fhi_trace_chunk chunk, rig_bytes *payload, bool packed);

/* The schema of this version, as a chunk. */
void rig_put_own_schema(rig_bytes *file);

/* Where the chunks of a file begin, their number, and at the end of all where the last one ends;
 * for files that are sound. */
size_t rig_chunks(const rig_bytes *file, size_t *out_at, size_t capacity);

/* ---- files ---- */

/* A reader of these bytes, which must stay; as fh_trace_reader_open(). */
fh_result rig_read(const rig_bytes *file, const fh_host_memory *memory,
                   fh_trace_reader **out_reader);

/* A writer onto a disk in memory, of so many bytes. At one address, with `writer` closed last. */
typedef struct rig_disk {
    rig_bytes file;
    size_t capacity;
    fhi_trace_writer *writer;
} rig_disk;

fh_result rig_write(rig_disk *disk, size_t capacity, const fh_host_memory *memory);

/* ---- events ---- */

enum {
    RIG_LIST_MAX = 300,
    RIG_TEXT_MAX = 120
};

/* An event with room of its own. Not to be copied: it points into itself. */
typedef struct rig_event {
    fh_trace_event event;
    uint64_t list[RIG_LIST_MAX];
    char text[RIG_TEXT_MAX + 1];
} rig_event;

/* Of this kind, everything else random; its text is good UTF-8, its time not before `time_ns`. */
void rig_random(test_rng *rng, fh_trace_kind kind, uint64_t time_ns, rig_event *out);

/* A number of any size, small ones more often. */
uint64_t rig_random_number(test_rng *rng);

/* NULL, or how what was read differs from what was written: a sentence that the next call
 * overwrites. The order of a SUBMIT's list does not matter. */
const char *rig_difference(const fh_trace_event *written, const fh_trace_event *read);

#endif
