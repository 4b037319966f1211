/* Buffers and textures as they are described, to Freehold and by Freehold to a backend. */

#ifndef FREEHOLD_RESOURCE_H
#define FREEHOLD_RESOURCE_H

#include <freehold/block.h>
#include <freehold/epoch.h>
#include <freehold/format.h>
#include <freehold/memory.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One piece of memory in use, by value: {0} is no parcel. See parcel.h. */
typedef struct fh_parcel {
    uint64_t id; /* opaque: slot and generation */
} fh_parcel;

/* A name that many parcels share, and that has an account of its own; 0 = untagged. */
typedef uint32_t fh_tag;

/* What accounts tell apart. X(NAME, "name") */
#define FH_KINDS(X)                                                                                \
    X(BUFFER, "buffer")                                                                            \
    X(TEXTURE, "texture")                                                                          \
    X(RAW, "raw")                                                                                  \
    X(EXTERNAL, "external")                                                                        \
    X(STAGING, "staging")                                                                          \
    X(TRANSIENT, "transient")

typedef enum fh_kind {
#define FH_KIND_ENUM(name, text) FH_KIND_##name,
    FH_KINDS(FH_KIND_ENUM)
#undef FH_KIND_ENUM
    FH_KIND_COUNT
} fh_kind;

/* X(NAME, bit, "name in Lua, JSON and on the command line") */
#define FH_USAGES(X)                                                                               \
    X(COPY_SRC, 0, "copy_src")                                                                     \
    X(COPY_DST, 1, "copy_dst")                                                                     \
    X(VERTEX, 2, "vertex")                                                                         \
    X(INDEX, 3, "index")                                                                           \
    X(UNIFORM, 4, "uniform")                                                                       \
    X(STORAGE, 5, "storage")                                                                       \
    X(INDIRECT, 6, "indirect")                                                                     \
    X(TEXEL, 7, "texel")                                                                           \
    X(DEVICE_ADDRESS, 8, "device_address")                                                         \
    X(SAMPLED, 9, "sampled")                                                                       \
    X(COLOR_TARGET, 10, "color_target")                                                            \
    X(DEPTH_TARGET, 11, "depth_target")                                                            \
    X(INPUT, 12, "input")                                                                          \
    X(TRANSIENT_TARGET, 13, "transient_target")

enum {
#define FH_USAGE_FLAG(name, bit, text) FH_USAGE_##name = 1 << (bit),
    FH_USAGES(FH_USAGE_FLAG)
#undef FH_USAGE_FLAG

    FH_USAGE_COPY = FH_USAGE_COPY_SRC | FH_USAGE_COPY_DST,
    /* What buffers can be used as, and what textures can. */
    FH_USAGE_OF_BUFFERS = FH_USAGE_COPY | FH_USAGE_VERTEX | FH_USAGE_INDEX | FH_USAGE_UNIFORM |
                          FH_USAGE_STORAGE | FH_USAGE_INDIRECT | FH_USAGE_TEXEL |
                          FH_USAGE_DEVICE_ADDRESS,
    FH_USAGE_OF_TEXTURES = FH_USAGE_COPY | FH_USAGE_SAMPLED | FH_USAGE_STORAGE |
                           FH_USAGE_COLOR_TARGET | FH_USAGE_DEPTH_TARGET | FH_USAGE_INPUT |
                           FH_USAGE_TRANSIENT_TARGET
};
typedef uint32_t fh_usage; /* FH_USAGE_* */

/* What becomes of a parcel under pressure. */
typedef enum fh_evictable {
    FH_EVICTABLE_NO = 0,
    FH_EVICTABLE_AT_TICK,   /* its owner may be asked in fh_device_tick() and fh_device_poll() */
    FH_EVICTABLE_ANY_THREAD /* also inside a request, on whatever thread made that */
} fh_evictable;

struct fh_pool;

/* What every parcel's description has: where its memory should come from, and what it is called.
 * {0} is device memory by the native rules. */
typedef struct fh_memory_desc {
    fh_location location;      /* 0 = device */
    fh_access access;          /* 0 = what the location implies */
    fh_memory_flags required;  /* flags the memory must have, besides what the location needs */
    fh_memory_flags preferred; /* flags that decide between types that would do */
    uint32_t type_mask;        /* bit n: memory type n is allowed; 0 = any */
    fh_dedicated dedicated;    /* 0 = by the native rule */
    fh_strategy strategy;      /* where in a block; 0 = balanced */
    fh_evictable evictable;    /* 0 = no */
    struct fh_pool *pool;      /* borrowed, outlives the parcel; NULL = the device's own pools */
    fh_parcel backing;         /* {0}, or a raw parcel whose memory is used (aliased), and kept */
    uint64_t backing_offset;   /* bytes into `backing` */
    float priority;            /* 0 to 1, what stays longest; 0 = 0.5, so give 0.001 for least */
    fh_tag tag;                /* 0 = untagged */
    bool mapped;               /* stays mapped for its whole life; host-visible memory only */
    bool within_budget;        /* fail rather than let the heap exceed the OS budget */
    bool upper;                /* in a linear pool: from the top downwards (double stack) */
    bool movable;              /* defragmentation, once there is one, may move it */
    const char *name;          /* for people; copied; NULL = none */
    void *user;                /* anything; kept, never read */
} fh_memory_desc;

typedef struct fh_buffer_desc {
    uint64_t size;         /* bytes; required, > 0 */
    fh_usage usage;        /* required: FH_USAGE_OF_BUFFERS */
    uint32_t stride;       /* bytes per element; 0 = none; `size` is then a multiple */
    uint64_t capacity;     /* bytes: up to here it grows in place; 0 = `size` */
    fh_memory_desc memory; /* {0} = device memory */
    const void *native;    /* the backend's own create info, borrowed; NULL = ours */
} fh_buffer_desc;

typedef enum fh_texture_kind {
    FH_TEXTURE_2D = 0,
    FH_TEXTURE_1D,
    FH_TEXTURE_3D,
    FH_TEXTURE_CUBE /* 2D, layers a multiple of 6 */
} fh_texture_kind;

typedef struct fh_texture_desc {
    fh_texture_kind kind;   /* 0 = 2D */
    fh_format format;       /* required */
    uint32_t width, height; /* texels; width required; height 0 = 1 */
    uint32_t depth;         /* texels; 0 = 1; 3D only */
    uint32_t layers;        /* 0 = 1, cube: 6 */
    uint32_t mips;          /* levels; 0 = 1 */
    uint32_t samples;       /* 1, 2, 4, 8 or 16; 0 = 1 */
    fh_usage usage;         /* 0 = sampled | copy_dst; FH_USAGE_OF_TEXTURES */
    bool linear;            /* rows one after the other (linear tiling); few things allow it */
    fh_memory_desc memory;  /* {0} = device memory */
    const void *native;     /* the backend's own create info, borrowed; NULL = ours */
} fh_texture_desc;

/* A box of texels in one mip level of some layers. Whole blocks of a compressed format, but where
 * the level itself ends inside a block. */
typedef struct fh_texture_region {
    uint32_t mip, layer;
    uint32_t x, y, z;              /* texels */
    uint32_t width, height, depth; /* texels; 0 = to the end of the level */
    uint32_t layers;               /* 0 = 1 */
} fh_texture_region;

/* Copies, queued together by one call. X(NAME, "name") */
typedef enum fh_copy_kind {
    FH_COPY_BUFFER = 0,        /* buffer to buffer */
    FH_COPY_BUFFER_TO_TEXTURE, /* rows in the buffer lie close together */
    FH_COPY_TEXTURE_TO_BUFFER,
    FH_COPY_TEXTURE, /* texture to texture, one format, one region's size */
    FH_COPY_FILL     /* a buffer's bytes are set to `fill`, a 32-bit pattern */
} fh_copy_kind;

/**
 * Bytes of the texels in `region` of a texture, rows close together (whole blocks of a compressed
 * format; every sample). What an upload of that region takes. 0 when the region does not lie in the
 * texture, `desc` is no valid description, or an argument is NULL; fh_error_detail() then says why.
 *
 * Threads: any.
 * Cost:    O(mips).
 */
FH_API uint64_t fh_texture_region_bytes(const fh_texture_desc *desc,
                                        const fh_texture_region *region);

/**
 * Bytes of all texels of a texture: mips, layers, samples; without what a driver adds. UINT64_MAX
 * when it does not fit 64 bits, 0 when `desc` is no valid description; fh_error_detail() then says
 * why.
 *
 * Threads: any.
 * Cost:    O(mips).
 */
FH_API uint64_t fh_texture_bytes(const fh_texture_desc *desc);

#ifdef __cplusplus
}
#endif

#endif
