/* Chunks: what a trace file is made of, behind its first 16 bytes. A header that says what is in
 * it, and a payload, packed or stored, each with a checksum. Nothing here knows what a payload
 * means. docs/trace-format.md has the bytes.
 *
 * The one place that knows how payloads are packed (zstd) and summed (XXH64). */

#ifndef FREEHOLD_TRACE_CHUNK_H
#define FREEHOLD_TRACE_CHUNK_H

#include <freehold/result.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FHI_TRACE_VERSION = 1,
    FHI_TRACE_FILE_HEADER = 16,
    FHI_TRACE_CHUNK_HEADER = 40,
    FHI_TRACE_RAW_MAX = 1 << 20 /* a payload's size, packed or not; what claims more is damaged */
};

/* Others are of the future, and skipped. */
typedef enum fhi_trace_chunk_kind {
    FHI_TRACE_CHUNK_SCHEMA = 1,
    FHI_TRACE_CHUNK_EVENTS = 2,
    FHI_TRACE_CHUNK_END = 3
} fhi_trace_chunk_kind;

typedef struct fhi_trace_chunk {
    uint32_t kind;
    uint32_t sequence;    /* 0, 1, 2, … */
    uint32_t event_count; /* 0 but for events */
    uint32_t raw_size;
    uint32_t packed_size; /* as large as raw_size: stored */
    uint64_t time_ns;     /* of the first event in it; of the last one before it if it has none */
    uint32_t payload_sum;
    bool packed;
} fhi_trace_chunk;

/* ---- the file's first bytes ---- */

void fhi_trace_file_header_encode(uint8_t out[FHI_TRACE_FILE_HEADER]);

/* `size` bytes of the file are there, FHI_TRACE_FILE_HEADER at most. NULL, or what is wrong with
 * them, static. *out_version is 0 unless the header is sound. */
const char *fhi_trace_file_header_decode(const uint8_t *bytes, size_t size, uint32_t *out_version);

/* ---- writing ---- */

typedef struct fhi_trace_packer fhi_trace_packer;

/* NULL: no memory. It comes from the C library: zstd takes callbacks only in what it calls its
 * unstable interface. */
fhi_trace_packer *fhi_trace_packer_create(void);
void fhi_trace_packer_destroy(fhi_trace_packer *packer); /* NULL is a no-op */

/* Puts header and payload into `out`, which has room for FHI_TRACE_CHUNK_HEADER + raw_size bytes,
 * and fills in what `chunk` says of packing and sums. NULL `packer`: the payload is stored, as it
 * is where packing does not make it smaller. Returns how many bytes there are. */
size_t fhi_trace_chunk_encode(fhi_trace_packer *packer, fhi_trace_chunk *chunk, const uint8_t *raw,
                              uint8_t *out);

/* ---- reading ---- */

typedef struct fhi_trace_unpacker fhi_trace_unpacker;

fhi_trace_unpacker *fhi_trace_unpacker_create(void); /* as fhi_trace_packer_create() */
void fhi_trace_unpacker_destroy(fhi_trace_unpacker *unpacker);

/* NULL, or what is wrong with the header, static. */
const char *fhi_trace_chunk_decode(const uint8_t bytes[FHI_TRACE_CHUNK_HEADER],
                                   fhi_trace_chunk *out_chunk);

/* The payload as it was before it was packed: raw_size bytes into `out`. NULL, or what is wrong
 * with it, static. */
const char *fhi_trace_chunk_unpack(fhi_trace_unpacker *unpacker, const fhi_trace_chunk *chunk,
                                   const uint8_t *payload, uint8_t *out);

/* Puts right sums into a header and its payload, packed_size bytes as the header says: for tests
 * and fuzzers, which a sum would keep out of what is behind it. */
void fhi_trace_chunk_sum(uint8_t bytes[FHI_TRACE_CHUNK_HEADER], const uint8_t *payload);

#endif
