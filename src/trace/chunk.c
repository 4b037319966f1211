/* Two sums of 32 bits, one over the header and one over the payload: so that a damaged size is told
 * from a file that is cut off, and a header can be trusted before anything is read for it. They
 * find damage, and keep nobody out: what is behind them is checked as if it came from an enemy.
 * zstd unpacks into room of a fixed size, and what does not come out at exactly the size that the
 * header says, which has a bound, is damaged; so there are no bombs.
 *
 * XXH64 and not XXH3: fast enough by far, and a page of code for whoever writes a reader in another
 * language. */

#include "trace/chunk.h"

#include "base/assert.h"

#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    LEVEL = 1, /* 3 takes half as long again, for files that are a twentieth smaller */
    FLAG_PACKED = 1,
    SUMMED = FHI_TRACE_CHUNK_HEADER - 4 /* bytes of the header that its sum is over */
};

/* Not a text: a transfer that changes ends of lines, or cuts the eighth bit, is found out. */
static const uint8_t magic[8] = {0x89, 'F', 'H', 'T', 'R', '\r', '\n', 0x1a};
static const uint8_t sync[4] = {0xf5, 'F', 'H', 'C'};

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

static uint32_t sum(const void *bytes, size_t size)
{
    FH_ASSERT(bytes != NULL); /* even where there are 0 */
    return (uint32_t)XXH64(bytes, size, 0);
}

/* ---- the file's first bytes ---- */

void fhi_trace_file_header_encode(uint8_t out[FHI_TRACE_FILE_HEADER])
{
    memcpy(out, magic, sizeof magic);
    put_u32(out + 8, FHI_TRACE_VERSION);
    put_u32(out + 12, sum(out, 12));
}

const char *fhi_trace_file_header_decode(const uint8_t *bytes, size_t size, uint32_t *out_version)
{
    *out_version = 0;
    size_t begun = size < sizeof magic ? size : sizeof magic;
    if (size == 0) {
        return "it is empty";
    }
    if (memcmp(bytes, magic, begun) != 0) {
        return "it is no trace";
    }
    if (size < FHI_TRACE_FILE_HEADER) {
        return "it is cut off in its first 16 bytes";
    }
    if (get_u32(bytes + 12) != sum(bytes, 12)) {
        return "its first 16 bytes are damaged";
    }
    *out_version = get_u32(bytes + 8);
    return *out_version == 0 ? "it is of version 0, which there is not" : NULL;
}

/* ---- writing ---- */

fhi_trace_packer *fhi_trace_packer_create(void)
{
    return (fhi_trace_packer *)ZSTD_createCCtx();
}

void fhi_trace_packer_destroy(fhi_trace_packer *packer)
{
    ZSTD_freeCCtx((ZSTD_CCtx *)packer);
}

size_t fhi_trace_chunk_encode(fhi_trace_packer *packer, fhi_trace_chunk *chunk, const uint8_t *raw,
                              uint8_t *out)
{
    uint8_t *payload = out + FHI_TRACE_CHUNK_HEADER;
    size_t size = chunk->raw_size;
    chunk->packed = false;
    if (packer && size > 1) {
        /* One byte less than it is: what does not become smaller is an error, and stored. */
        size_t packed = ZSTD_compressCCtx((ZSTD_CCtx *)packer, payload, size - 1, raw, size, LEVEL);
        chunk->packed = !ZSTD_isError(packed);
        size = chunk->packed ? packed : size;
    }
    if (!chunk->packed && size > 0) {
        memcpy(payload, raw, size);
    }
    chunk->packed_size = (uint32_t)size;
    memcpy(out, sync, sizeof sync);
    out[4] = (uint8_t)chunk->kind;
    out[5] = chunk->packed ? FLAG_PACKED : 0;
    out[6] = 0;
    out[7] = 0;
    put_u32(out + 8, chunk->sequence);
    put_u32(out + 12, chunk->event_count);
    put_u32(out + 16, chunk->raw_size);
    put_u32(out + 20, chunk->packed_size);
    put_u64(out + 24, chunk->time_ns);
    fhi_trace_chunk_sum(out, payload);
    chunk->payload_sum = get_u32(out + 32);
    return FHI_TRACE_CHUNK_HEADER + size;
}

void fhi_trace_chunk_sum(uint8_t bytes[FHI_TRACE_CHUNK_HEADER], const uint8_t *payload)
{
    put_u32(bytes + 32, sum(payload, get_u32(bytes + 20)));
    put_u32(bytes + SUMMED, sum(bytes, SUMMED));
}

/* ---- reading ---- */

fhi_trace_unpacker *fhi_trace_unpacker_create(void)
{
    return (fhi_trace_unpacker *)ZSTD_createDCtx();
}

void fhi_trace_unpacker_destroy(fhi_trace_unpacker *unpacker)
{
    ZSTD_freeDCtx((ZSTD_DCtx *)unpacker);
}

const char *fhi_trace_chunk_decode(const uint8_t bytes[FHI_TRACE_CHUNK_HEADER],
                                   fhi_trace_chunk *out_chunk)
{
    memset(out_chunk, 0, sizeof *out_chunk);
    if (memcmp(bytes, sync, sizeof sync) != 0) {
        return "no chunk begins there";
    }
    if (get_u32(bytes + SUMMED) != sum(bytes, SUMMED)) {
        return "its header is damaged";
    }
    out_chunk->kind = bytes[4];
    out_chunk->packed = bytes[5] == FLAG_PACKED;
    out_chunk->sequence = get_u32(bytes + 8);
    out_chunk->event_count = get_u32(bytes + 12);
    out_chunk->raw_size = get_u32(bytes + 16);
    out_chunk->packed_size = get_u32(bytes + 20);
    out_chunk->time_ns = get_u64(bytes + 24);
    out_chunk->payload_sum = get_u32(bytes + 32);
    if (out_chunk->raw_size > FHI_TRACE_RAW_MAX || out_chunk->packed_size > FHI_TRACE_RAW_MAX) {
        return "it says that it is larger than a chunk can be";
    }
    if (out_chunk->kind == 0 || out_chunk->kind > FHI_TRACE_CHUNK_END) {
        return NULL; /* of the future: nobody unpacks it */
    }
    if (bytes[5] > FLAG_PACKED) {
        return "it is packed in a way that this version does not know";
    }
    bool smaller = out_chunk->packed_size < out_chunk->raw_size;
    if (out_chunk->packed ? !smaller : out_chunk->packed_size != out_chunk->raw_size) {
        return "its header contradicts itself";
    }
    return NULL;
}

const char *fhi_trace_chunk_unpack(fhi_trace_unpacker *unpacker, const fhi_trace_chunk *chunk,
                                   const uint8_t *payload, uint8_t *out)
{
    if (sum(payload, chunk->packed_size) != chunk->payload_sum) {
        return "its content is damaged";
    }
    if (!chunk->packed) {
        memcpy(out, payload, chunk->raw_size);
        return NULL;
    }
    size_t size = ZSTD_decompressDCtx((ZSTD_DCtx *)unpacker, out, chunk->raw_size, payload,
                                      chunk->packed_size);
    if (ZSTD_isError(size) || size != chunk->raw_size) {
        return "its content cannot be unpacked";
    }
    return NULL;
}
