/* Parcels: pieces of device memory in use. A *buffer* and a *texture* are objects with memory
 * bound; *raw* is memory without an object, for engines that make their own and for what is to be
 * aliased; *external* is memory that others own and Freehold only counts.
 *
 *     fh_parcel mesh;
 *     fh_buffer_create(device, &(fh_buffer_desc){.size = 4 << 20, .usage = FH_USAGE_VERTEX |
 *                      FH_USAGE_COPY_DST}, &mesh);
 *     fh_parcel_write(device, mesh, 0, vertices, 4 << 20, NULL);
 *     fh_parcel_use(device, mesh, (fh_epoch){.queue = graphics, .value = frame});
 *     fh_parcel_release(device, mesh);             (freed when `graphics` has passed `frame`)
 *
 * A handle is a value, valid until its parcel is released for the last time; after that every call
 * says FH_ERR_STALE, also while the GPU still uses the memory, until its slot has held 2^32 more
 * parcels. Slots stay with the device, for parcels to come, some 330 bytes of host memory each. Any
 * thread may make any call, on one parcel too, but for two rules: who reads a mapping while another
 * thread writes it, or unmaps it, has the race that C gives; and a parcel that is being resized
 * gives FH_ERR_BUSY to another resize.
 *
 * *committed* is what was asked for; *reserved* is what the memory behind it takes: capacity,
 * granularity and margins included. A parcel that lies on another (`backing`) reserves 0. */

#ifndef FREEHOLD_PARCEL_H
#define FREEHOLD_PARCEL_H

#include <freehold/device.h>
#include <freehold/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that a name may take, with its terminating zero; a longer one is cut between characters. */
#define FH_NAME_SIZE 64

typedef struct fh_raw_desc {
    uint64_t size;      /* bytes; required, > 0 */
    uint64_t alignment; /* bytes, a power of two; 0 = 256 */
    bool address;       /* buffers with FH_USAGE_DEVICE_ADDRESS will be bound to it */
    void *import; /* use this host memory (FH_CAP_IMPORT_HOST), which is a multiple of `alignment`;
                        NULL = device memory. It stays the caller's, outlives the parcel, and is
                        counted by kind and tag, but in no heap's account */
    fh_memory_desc memory; /* `backing` must be {0}; `type_mask` says what will be bound to it */
} fh_raw_desc;

typedef struct fh_external_desc {
    uint64_t size;  /* bytes; required, > 0; what is counted */
    uint32_t heap;  /* index; where it lies */
    fh_tag tag;     /* 0 = untagged */
    float priority; /* as fh_memory_desc */
    fh_evictable evictable;
    const char *name; /* copied; NULL = none */
    void *user;
    /* Called once when the last use has passed, with no lock held; may be NULL. */
    void (*destroy)(void *context, void *user);
    void *context;
} fh_external_desc;

typedef struct fh_parcel_info {
    fh_kind kind;
    fh_tag tag;
    uint64_t committed, reserved; /* bytes */
    uint64_t capacity;            /* bytes that a buffer can grow to in place; else = committed */
    uint64_t offset;              /* bytes into its memory */
    uint32_t type, heap;          /* memory type and heap; type UINT32_MAX: external */
    fh_memory_flags flags;        /* of that type */
    bool dedicated;               /* a driver allocation of its own */
    bool retiring;                /* only what fh_device_visit shows can be */
    fh_usage usage;
    uint32_t stride;
    fh_format format; /* of a texture */
    fh_texture_kind texture_kind;
    uint32_t width, height, depth, layers, mips, samples;
    fh_parcel backing; /* what it lies on, or {0} */
    float priority;
    uint32_t reference_count, map_count;
    void *user;
    char name[FH_NAME_SIZE]; /* "" = none */
} fh_parcel_info;

/* A part of a buffer or of raw memory, by value. It owns nothing, is not counted, and is stale as
 * soon as its parent is. */
typedef struct fh_view {
    fh_parcel parent;
    uint64_t offset, size; /* bytes into the parent */
} fh_view;

/* Reserved and committed bytes of one parcel at one moment. */
typedef struct fh_parcel_bytes {
    uint64_t reserved, committed;
} fh_parcel_bytes;

/**
 * Make a buffer with memory.
 *
 * Owns:    the caller owns one reference to *out_buffer; fh_parcel_release() gives it back.
 * Errors:  INVALID (a field is wrong; the sentence says which), OUT_OF_MEMORY (every memory type
 *          that would do is full), BUDGET (a limit or the OS budget says no, after relief was
 *          tried), HOST_MEMORY, STALE (`backing`), UNSUPPORTED (nothing here can do that),
 *          DEVICE_LOST; *out_buffer is then {0} and nothing has changed.
 * Threads: any.
 * Cost:    O(1) where a pool has room; a driver allocation where it has not.
 */
FH_API fh_result fh_buffer_create(fh_device *device, const fh_buffer_desc *desc,
                                  fh_parcel *out_buffer);

/**
 * Make a texture with memory.
 *
 * Owns:    the caller owns one reference to *out_texture; fh_parcel_release() gives it back.
 * Errors:  as fh_buffer_create(); *out_texture is then {0}.
 * Threads: any.
 * Cost:    as fh_buffer_create().
 */
FH_API fh_result fh_texture_create(fh_device *device, const fh_texture_desc *desc,
                                   fh_parcel *out_texture);

/**
 * Take memory without an object.
 *
 * Owns:    the caller owns one reference to *out_raw; fh_parcel_release() gives it back.
 * Errors:  as fh_buffer_create(); *out_raw is then {0}.
 * Threads: any.
 * Cost:    as fh_buffer_create().
 */
FH_API fh_result fh_raw_create(fh_device *device, const fh_raw_desc *desc, fh_parcel *out_raw);

/**
 * Take `count` pieces of raw memory of one description: all of them, or none.
 *
 * Errors:  as fh_raw_create(); `out_raws` is then all {0}.
 * Threads: any.
 */
FH_API fh_result fh_raw_create_many(fh_device *device, const fh_raw_desc *desc, uint32_t count,
                                    fh_parcel *out_raws);

/**
 * Count memory that others own in the accounts here, and give it a lifetime. No backend is called.
 *
 * Errors:  INVALID, BUDGET, HOST_MEMORY, DEVICE_LOST; `destroy` is then not called.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API fh_result fh_external_create(fh_device *device, const fh_external_desc *desc,
                                    fh_parcel *out_external);

/**
 * Add a reference.
 *
 * Errors:  STALE (released for the last time before, or never of this device).
 * Threads: any.
 * Cost:    O(1), no lock.
 */
FH_API fh_result fh_parcel_acquire(fh_device *device, fh_parcel parcel);

/**
 * Give a reference back. The last one retires the parcel: when every queue has passed its last use
 * (fh_parcel_use, and copies of Freehold's own), the object is destroyed, accounts are credited,
 * and the allocator that made it is told. {0} is a no-op.
 *
 * Errors:  STALE (there was no reference left to give back), INVALID (`device` is NULL). A
 *          reference too many that hits another owner's live reference cannot be told from its own.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API fh_result fh_parcel_release(fh_device *device, fh_parcel parcel);

/**
 * What a parcel is and where it lies.
 *
 * Errors:  INVALID (an argument is NULL), STALE; *out_info is then zero.
 * Threads: any.
 * Cost:    O(1), one lock.
 */
FH_API fh_result fh_parcel_get(fh_device *device, fh_parcel parcel, fh_parcel_info *out_info);

/**
 * Replace the name; NULL = none. It is copied, and passed on to the driver's tools where it has
 * such.
 *
 * Errors:  INVALID (`device` is NULL), STALE, HOST_MEMORY (a first name).
 * Threads: any.
 * Cost:    O(1), one lock.
 */
FH_API fh_result fh_parcel_set_name(fh_device *device, fh_parcel parcel, const char *name);

/**
 * Replace the user value.
 *
 * Errors:  INVALID (`device` is NULL), STALE.
 * Threads: any.
 * Cost:    O(1), one lock.
 */
FH_API fh_result fh_parcel_set_user(fh_device *device, fh_parcel parcel, void *user);

/**
 * Replace the priority, 0 to 1: what stays longest.
 *
 * Errors:  INVALID (`device` is NULL, not between 0 and 1), STALE.
 * Threads: any.
 * Cost:    O(1), one lock.
 */
FH_API fh_result fh_parcel_set_priority(fh_device *device, fh_parcel parcel, float priority);

/**
 * The GPU will use the parcel until `epoch` passes. Kept per queue, the largest value counts.
 *
 * Errors:  INVALID (no such queue), STALE, HOST_MEMORY (room for the first use in a group of
 *          slots); the use is then not known, and the parcel must be kept alive by the caller.
 * Threads: any.
 * Cost:    O(1), one lock.
 */
FH_API fh_result fh_parcel_use(fh_device *device, fh_parcel parcel, fh_epoch epoch);

/**
 * Mark uses, then give one reference back.
 *
 * Errors:  as fh_parcel_use(), when nothing has changed, and fh_parcel_release().
 * Threads: any.
 */
FH_API fh_result fh_device_retire(fh_device *device, fh_parcel parcel, const fh_epoch *epochs,
                                  uint32_t epoch_count);

/**
 * Grow or shrink a buffer; the handle stays, the content too, up to the smaller size, and what is
 * new is zero. Up to its capacity a buffer grows in place; beyond, it moves: a new object and new
 * memory, the old ones retire. *out_epoch, which may be NULL, passes when the content is there; {0}
 * when it is already. Views stay valid as long as they lie in the new size.
 *
 * Errors:  INVALID (not a buffer, size 0 or no multiple of the stride), BUSY (another resize of it
 *          is under way; it would move, and is mapped; or a queue of the program's own still uses
 *          what would move or be zeroed), UNSUPPORTED (to move it needs FH_USAGE_COPY or
 *          host-visible memory, to zero what is new in place FH_USAGE_COPY_DST or host-visible
 *          memory; it would move, and lies on a `backing`), and those of fh_buffer_create(); the
 *          buffer is then as it was.
 * Threads: any.
 * Cost:    O(1) in place, but for zeroing; moving, a copy and at most a driver allocation.
 */
FH_API fh_result fh_buffer_resize(fh_device *device, fh_parcel buffer, uint64_t size,
                                  fh_epoch *out_epoch);

/**
 * A pointer to the parcel's bytes. Counted: as many unmaps as maps. The pointer is the same for
 * all, and valid until the last unmap, or the last release.
 *
 * Errors:  UNSUPPORTED (its memory is not host-visible, or it is a texture that is not linear),
 *          STALE, DEVICE_LOST, HOST_MEMORY, what the backend says; *out_pointer is then NULL.
 * Threads: any. The first map of a memory calls the backend; others that need it wait for that.
 * Cost:    O(1).
 */
FH_API fh_result fh_parcel_map(fh_device *device, fh_parcel parcel, void **out_pointer);

/**
 * Give one fh_parcel_map() back.
 *
 * Errors:  INVALID (`device` is NULL, it is not mapped), STALE.
 * Threads: any.
 * Cost:    O(1): the memory stays mapped for the next.
 */
FH_API fh_result fh_parcel_unmap(fh_device *device, fh_parcel parcel);

/**
 * Make what the CPU wrote visible to the GPU. A no-op for coherent memory. The range is rounded to
 * the device's atom; size 0 = to the end.
 *
 * Errors:  INVALID (out of the parcel, not mapped), STALE, what the backend says.
 * Threads: any.
 */
FH_API fh_result fh_parcel_flush(fh_device *device, fh_parcel parcel, uint64_t offset,
                                 uint64_t size);

/**
 * Make what the GPU wrote visible to the CPU; else as fh_parcel_flush().
 *
 * Errors:  as fh_parcel_flush().
 * Threads: any.
 */
FH_API fh_result fh_parcel_invalidate(fh_device *device, fh_parcel parcel, uint64_t offset,
                                      uint64_t size);

/**
 * Write `size` bytes into a buffer: directly where its memory is host-visible and no queue uses it,
 * else through staging memory (an account of its own), which is recycled when the copy has passed.
 * `data` has been read when the call returns. *out_epoch, which may be NULL, passes when the bytes
 * are there; {0} when they are already.
 *
 * Errors:  INVALID (not a buffer, size 0, out of it, `data` is NULL), UNSUPPORTED (staging needs
 *          FH_USAGE_COPY_DST), STALE, TIMEOUT (all staging memory has waited for copies for ten
 *          seconds; a part may be written), and those of fh_buffer_create().
 * Threads: any.
 * Cost:    one copy on the CPU; staged, one submission per 4 MiB. When all staging memory waits for
 *          copies it waits for the oldest of them.
 */
FH_API fh_result fh_parcel_write(fh_device *device, fh_parcel buffer, uint64_t offset,
                                 const void *data, uint64_t size, fh_epoch *out_epoch);

/**
 * Read `size` bytes of a buffer, after the backend's own queues have done what was queued for it.
 * Waits for the copy, `timeout_ns` at most.
 *
 * Errors:  as fh_parcel_write() (needs FH_USAGE_COPY_SRC unless its memory is host-visible), and
 *          TIMEOUT; what is in `out_data` is then undefined.
 * Threads: any.
 */
FH_API fh_result fh_parcel_read(fh_device *device, fh_parcel buffer, uint64_t offset,
                                void *out_data, uint64_t size, uint64_t timeout_ns);

/**
 * Write the texels of one region, rows close together; `size` must be fh_texture_region_bytes().
 * Else as fh_parcel_write().
 *
 * Errors:  as fh_parcel_write(); INVALID also for a region out of the texture and another size.
 * Threads: any.
 */
FH_API fh_result fh_texture_write(fh_device *device, fh_parcel texture,
                                  const fh_texture_region *region, const void *data, uint64_t size,
                                  fh_epoch *out_epoch);

/**
 * Read the texels of one region, as fh_texture_write() writes them; else as fh_parcel_read().
 *
 * Errors:  as fh_parcel_read() and fh_texture_write().
 * Threads: any.
 */
FH_API fh_result fh_texture_read(fh_device *device, fh_parcel texture,
                                 const fh_texture_region *region, void *out_data, uint64_t size,
                                 uint64_t timeout_ns);

/* One copy between parcels; offsets and sizes in bytes. Beside a texture a buffer's offset is a
 * multiple of the bytes of the format's block, and of 4 for depth and stencil. */
typedef struct fh_copy {
    fh_copy_kind kind;
    fh_parcel src, dst;                       /* `src` is {0} for FH_COPY_FILL */
    uint64_t src_offset, dst_offset;          /* of the buffers */
    uint64_t size;                            /* buffer to buffer and fill */
    fh_texture_region src_region, dst_region; /* of the textures */
    uint32_t fill; /* pattern; fill offsets and sizes are multiples of 4 */
} fh_copy;

/**
 * Queue copies on the backend's queue 0, in order, and note the epoch as a use of all parcels. They
 * start after the parcels' uses on other queues of the backend; uses on queues of the program's own
 * are for the program to wait for.
 *
 * Errors:  INVALID (out of bounds, no copy usage, formats that differ), STALE, HOST_MEMORY,
 *          DEVICE_LOST, what the backend says; nothing is then queued.
 * Threads: any.
 * Cost:    one submission.
 */
FH_API fh_result fh_device_copy(fh_device *device, const fh_copy *copies, uint32_t copy_count,
                                fh_epoch *out_epoch);

/**
 * A view of `size` bytes from `offset` on (size 0 = to the end) of a buffer or raw parcel.
 *
 * Errors:  INVALID (out of the parent, a texture or external), STALE; *out_view is then {0}.
 * Threads: any.
 * Cost:    O(1), no lock.
 */
FH_API fh_result fh_view_make(fh_device *device, fh_parcel parent, uint64_t offset, uint64_t size,
                              fh_view *out_view);

/**
 * Check that a view still stands: its parent lives, and is large enough.
 *
 * Errors:  STALE, INVALID (an argument is NULL).
 * Threads: any.
 * Cost:    O(1), no lock.
 */
FH_API fh_result fh_view_check(fh_device *device, const fh_view *view);

/* Called per parcel, with no lock held; both are borrowed for the call. Return false to end. */
typedef bool (*fh_parcel_visit_fn)(void *context, fh_parcel parcel, const fh_parcel_info *info);

/**
 * Show every parcel, retiring ones too: what to rebuild after a device was lost, who leaked. One
 * that is made or freed meanwhile may be missed.
 *
 * Errors:  INVALID (an argument other than `context` is NULL).
 * Threads: any; `visit` may use the device.
 * Cost:    O(parcels).
 */
FH_API fh_result fh_device_visit(fh_device *device, fh_parcel_visit_fn visit, void *context);

#ifdef __cplusplus
}
#endif

#endif
