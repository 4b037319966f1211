/* Backends: what stands between Freehold and a driver. For authors of backends; programs that only
 * use one need device.h.
 *
 * A backend is a const table of operations (floor 3). Everything above it is Freehold's:
 * validation, choice of memory, pools, accounts, lifetime. So an operation may trust its arguments,
 * is never called with a lock of Freehold's held, and keeps no list of what it made.
 *
 * A backend may be called from several threads at once, also for one device. What makes, maps,
 * unmaps, names or destroys a memory or an object has it alone; binding to a memory, flushing parts
 * of it and copies from and to an object may come from several threads at once. Whatever returns
 * FH_ERR_DEVICE_LOST loses the device for good.
 *
 * Freehold lends room for what a backend keeps of each memory and each object: `memory_size` and
 * `object_size` bytes, at a multiple of 16, zeroed before the create call. A memory's stays at one
 * address; an object's may be moved, byte by byte, until it is bound, and not after. So a backend
 * allocates no host memory for a buffer. */

#ifndef FREEHOLD_BACKEND_H
#define FREEHOLD_BACKEND_H

#include <freehold/epoch.h>
#include <freehold/host.h>
#include <freehold/memory.h>
#include <freehold/resource.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fh_adapter_kind {
    FH_ADAPTER_DISCRETE = 0,
    FH_ADAPTER_INTEGRATED, /* one memory for CPU and GPU */
    FH_ADAPTER_SOFTWARE
} fh_adapter_kind;

/* X(NAME, bit, "name"): what a backend can do beyond what every backend must. */
#define FH_CAPS(X)                                                                                 \
    X(BUDGET, 0, "budget")                 /* `budget` asks the OS; else 80 % of the heap */       \
    X(DEVICE_ADDRESS, 1, "device_address") /* `buffer_address` */                                  \
    X(PRIORITY, 2, "priority")             /* fh_memory_request.priority has an effect */          \
    X(IMPORT_HOST, 3, "import_host")       /* `memory_import` */                                   \
    X(DELAYED, 4, "delayed")               /* copies complete later than they are submitted */

enum {
#define FH_CAP_FLAG(name, bit, text) FH_CAP_##name = 1 << (bit),
    FH_CAPS(FH_CAP_FLAG)
#undef FH_CAP_FLAG
};

typedef struct fh_adapter_info {
    char name[128];      /* UTF-8, for people */
    const char *backend; /* static: "host" … */
    fh_adapter_kind kind;
    uint32_t caps; /* FH_CAP_* */
    uint32_t heap_count, type_count;
    uint32_t queue_count; /* the backend's own queues, 1 at least; 0 takes the copies */
    fh_heap_info heaps[FH_HEAP_MAX];
    fh_memory_type_info types[FH_MEMORY_TYPE_MAX];
    uint64_t granularity;          /* bytes, a power of two: linear and optimal resources must not
                                      share a page of this size; 1 = no such rule */
    uint64_t atom;                 /* bytes, a power of two: flushes are rounded to it */
    uint64_t allocation_size_max;  /* bytes of one memory */
    uint32_t allocation_count_max; /* memories that can live at once */
} fh_adapter_info;

/* A driver allocation that is asked for. */
typedef struct fh_memory_request {
    uint64_t size;  /* bytes */
    uint32_t type;  /* memory type */
    void *object;   /* the one buffer or texture that will be bound to it; NULL = many, or raw */
    float priority; /* 0 to 1 */
    bool address;   /* buffers with FH_USAGE_DEVICE_ADDRESS may be bound to it */
    void *host;     /* memory_import: the host memory to use, else NULL */
} fh_memory_request;

/* One copy; src and dst are backend objects with memory bound. Offsets and sizes in bytes. */
typedef struct fh_backend_copy {
    fh_copy_kind kind;
    void *src, *dst;                          /* `src` is NULL for FH_COPY_FILL */
    uint64_t src_offset, dst_offset;          /* of the buffers */
    uint64_t size;                            /* buffer to buffer; fill: multiples of 4 */
    fh_texture_region src_region, dst_region; /* of the textures; resolved: no zero sizes */
    uint32_t fill;
} fh_backend_copy;

/* The device a backend opened; opaque. */
typedef struct fh_backend_device fh_backend_device;

typedef struct fh_backend_ops {
    const char *name;                /* static; what fh_device_desc.backend says */
    size_t memory_size, object_size; /* bytes lent for each memory and object; at most 256 */

    /* How many adapters there are; fills in those from `first` that fit `capacity`. `config` is
     * what the device's description has for this backend, or NULL. UNSUPPORTED: no driver here. */
    fh_result (*adapters)(const void *config, uint32_t first, uint32_t capacity,
                          fh_adapter_info *out_infos, uint32_t *out_count);

    /* `memory` and `log` outlive the device and are resolved: of a silent log `write` is NULL.
     * `close` is called once, when nothing of the device lives any more, also after the device was
     * lost; what is still queued then need not happen. */
    fh_result (*open)(const void *config, uint32_t adapter, const fh_host_memory *memory,
                      const fh_log *log, fh_backend_device **out_device, fh_adapter_info *out_info);
    void (*close)(fh_backend_device *device);

    /* OUT_OF_MEMORY when the heap, the allocation count or the size limit says no. */
    fh_result (*memory_alloc)(fh_backend_device *device, const fh_memory_request *request,
                              void *memory);
    void (*memory_free)(fh_backend_device *device, void *memory);
    /* The whole memory, host-visible types only. Mapped once at a time. What was not flushed before
     * memory_unmap may be lost. */
    fh_result (*memory_map)(fh_backend_device *device, void *memory, void **out_pointer);
    void (*memory_unmap)(fh_backend_device *device, void *memory);
    /* Memory that is mapped and not coherent; offset and size are multiples of the atom, or end
     * where the memory ends. flush: what the CPU wrote becomes visible to the GPU; invalidate: the
     * other way. */
    fh_result (*memory_flush)(fh_backend_device *device, void *memory, uint64_t offset,
                              uint64_t size);
    fh_result (*memory_invalidate)(fh_backend_device *device, void *memory, uint64_t offset,
                                   uint64_t size);

    /* An object without memory yet, and what memory it needs. `size` is the buffer's (its
     * capacity); `desc` is resolved and borrowed for the call. */
    fh_result (*buffer_create)(fh_backend_device *device, const fh_buffer_desc *desc, uint64_t size,
                               void *object, fh_requirements *out_requirements);
    fh_result (*texture_create)(fh_backend_device *device, const fh_texture_desc *desc,
                                void *object, fh_requirements *out_requirements);
    /* Once per object, before its first use. `offset` is aligned and the object fits. */
    fh_result (*bind)(fh_backend_device *device, void *object, void *memory, uint64_t offset);
    /* No queue uses the object any more. Its memory still lives. */
    void (*object_destroy)(fh_backend_device *device, void *object);

    /* `out_budgets` has room for every heap. `tick` counts the device's ticks. Optional without
     * FH_CAP_BUDGET. */
    fh_result (*budget)(fh_backend_device *device, uint64_t tick, fh_heap_budget *out_budgets);

    /* Queue copies on `queue`, in order, after `wait_count` epochs of other queues of the backend.
     * *out_value is the point that passes when all are done; larger than all before it. */
    fh_result (*submit)(fh_backend_device *device, uint32_t queue, const fh_backend_copy *copies,
                        uint32_t copy_count, const fh_epoch *waits, uint32_t wait_count,
                        uint64_t *out_value);
    /* The last point that `queue` has passed; never less than before. */
    fh_result (*progress)(fh_backend_device *device, uint32_t queue, uint64_t *out_value);
    /* Until `queue` has passed `value`; TIMEOUT. */
    fh_result (*wait)(fh_backend_device *device, uint32_t queue, uint64_t value,
                      uint64_t timeout_ns);

    /* Optional, each may be NULL. */
    void (*object_name)(fh_backend_device *device, void *object, const char *name);
    uint64_t (*buffer_address)(fh_backend_device *device, void *object); /* DEVICE_ADDRESS */
    fh_result (*memory_import)(fh_backend_device *device, const fh_memory_request *request,
                               void *memory); /* IMPORT_HOST; freed by memory_free, which leaves
                                                 the host memory alone */
} fh_backend_ops;

/**
 * The backend of that name that this build has; NULL when there is none. NULL is "host", which is
 * always there.
 *
 * Owns:    a static table.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_backend_ops *fh_backend_find(const char *name);

/**
 * The n-th backend of this build, from 0; NULL past the last.
 *
 * Owns:    a static table.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_backend_ops *fh_backend_at(uint32_t index);

#ifdef __cplusplus
}
#endif

#endif
