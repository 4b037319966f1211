/* Device memory as backends describe it: heaps are physical memory with a budget of the operating
 * system's, memory types are a heap plus what can be done with memory from it. */

#ifndef FREEHOLD_MEMORY_H
#define FREEHOLD_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define FH_HEAP_MAX        16
#define FH_MEMORY_TYPE_MAX 32

/* X(NAME, bit, "name in Lua, JSON and on the command line")
 * Source: the first six are Vulkan's VkMemoryPropertyFlagBits, in its order. */
#define FH_MEMORY_FLAGS(X)                                                                         \
    X(DEVICE_LOCAL, 0, "device_local")                                                             \
    X(HOST_VISIBLE, 1, "host_visible")                                                             \
    X(HOST_COHERENT, 2, "host_coherent")                                                           \
    X(HOST_CACHED, 3, "host_cached")                                                               \
    X(LAZILY_ALLOCATED, 4, "lazily_allocated")                                                     \
    X(PROTECTED, 5, "protected")                                                                   \
    X(DEVICE_COHERENT, 6, "device_coherent")                                                       \
    X(DEVICE_UNCACHED, 7, "device_uncached")

enum {
#define FH_MEMORY_FLAG(name, bit, text) FH_MEMORY_##name = 1 << (bit),
    FH_MEMORY_FLAGS(FH_MEMORY_FLAG)
#undef FH_MEMORY_FLAG
};
typedef uint32_t fh_memory_flags; /* FH_MEMORY_* */

typedef struct fh_heap_info {
    uint64_t size; /* bytes */
    bool device_local;
} fh_heap_info;

typedef struct fh_memory_type_info {
    uint32_t heap; /* index */
    fh_memory_flags flags;
} fh_memory_type_info;

/* What the operating system says of one heap, for this process. */
typedef struct fh_heap_budget {
    uint64_t budget; /* bytes that this process may use before things get slow */
    uint64_t usage;  /* bytes that it uses now, also for what Freehold did not allocate */
} fh_heap_budget;

/* Where the memory of a request should lie. */
typedef enum fh_location {
    FH_LOCATION_DEVICE = 0,   /* the GPU's own; the CPU need not reach it */
    FH_LOCATION_UPLOAD,       /* written by the CPU, read by the GPU once or twice */
    FH_LOCATION_READBACK,     /* written by the GPU, read by the CPU */
    FH_LOCATION_DEVICE_UPLOAD /* the GPU's own, and written by the CPU directly if that is possible:
                                 look at fh_parcel_info.flags, and copy where it is not */
} fh_location;
#define FH_LOCATION_COUNT 4

/* How the CPU goes through the memory. */
typedef enum fh_access {
    FH_ACCESS_BY_LOCATION =
        0,                /* device: none; upload, device_upload: sequential; readback: random */
    FH_ACCESS_SEQUENTIAL, /* written front to back, never read: uncached memory is fine */
    FH_ACCESS_RANDOM      /* read, or written in any order: cached memory is preferred */
} fh_access;
#define FH_ACCESS_COUNT 3

/* Whether a request gets a driver allocation of its own. Such a one goes back to the driver as soon
 * as its parcel is gone, while a block that fell empty is kept for a while: who makes large parcels
 * and lets them go in every frame asks for FH_DEDICATED_NEVER. */
typedef enum fh_dedicated {
    FH_DEDICATED_AUTO = 0, /* when the driver prefers it or the request exceeds half a block */
    FH_DEDICATED_PREFER,   /* if the heap has room for one, else from a block */
    FH_DEDICATED_REQUIRE,  /* or fail */
    FH_DEDICATED_NEVER     /* unless the driver requires it */
} fh_dedicated;

/* What memory an object needs. */
typedef struct fh_requirements {
    uint64_t size;      /* bytes, at least what was asked for */
    uint64_t alignment; /* bytes, a power of two */
    uint32_t type_mask; /* bit n: memory type n will do; never 0 */
    bool dedicated_preferred, dedicated_required;
} fh_requirements;

#endif
