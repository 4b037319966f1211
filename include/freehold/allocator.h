/* Allocators: a program's own way of making parcels, put in front of a device. The alias device
 * that fh_device_with_allocator() gives is a device like any other; what is made through it goes to
 * the allocator, which may change the description, keep parcels of its own to give out, or place
 * objects on memory that another library manages, and delegates the rest to the device under it.
 * The original device is unaffected. Each parcel remembers who made it (its *deed*): that allocator
 * is told when it is gone, also when the alias was destroyed long before.
 *
 * Callbacks come with no lock of Freehold's held, on whatever thread made the call. */

#ifndef FREEHOLD_ALLOCATOR_H
#define FREEHOLD_ALLOCATOR_H

#include <freehold/parcel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `base` is the device under the alias: make parcels there. Every operation may be NULL: then the
 * call goes to `base` as if there were no allocator. A description is valid, but for `memory`,
 * which `base` checks. An alloc operation that finds no memory may be called a second time for one
 * request, after relief: it must not keep what it had got by then. */
typedef struct fh_allocator_ops {
    const char *name; /* required; outlives the allocator */
    fh_result (*alloc_buffer)(void *context, fh_device *base, const fh_buffer_desc *desc,
                              fh_parcel *out_buffer);
    /* The same for desc->capacity > desc->size; NULL = alloc_buffer gets these, too. */
    fh_result (*alloc_buffer_with_capacity)(void *context, fh_device *base,
                                            const fh_buffer_desc *desc, fh_parcel *out_buffer);
    fh_result (*alloc_texture)(void *context, fh_device *base, const fh_texture_desc *desc,
                               fh_parcel *out_texture);
    fh_result (*alloc_raw)(void *context, fh_device *base, const fh_raw_desc *desc,
                           fh_parcel *out_raw);
    /* A parcel it made is gone: its last use has passed and its object is destroyed. Once. */
    void (*notify_freed)(void *context, uint64_t reserved, uint64_t committed, fh_kind kind);
    /* A buffer it made was resized. */
    void (*notify_resized)(void *context, fh_parcel_bytes before, fh_parcel_bytes after,
                           fh_kind kind);
    /* Bytes it has allocated; default: reserved bytes of the live parcels it made. */
    uint64_t (*allocated_bytes)(void *context);
    /* Bytes it would like to stay under; advice; default: the device's total limit. */
    uint64_t (*budget)(void *context);
    /* From fh_device_tick(): a good moment to give back what the GPU is done with. */
    void (*reclaim)(void *context, fh_device *base);
    /* Give back everything it keeps: its alias is being destroyed, or a request found no memory. */
    void (*drain)(void *context, fh_device *base);
    /* The alias and the last parcel it made are gone: `context` is not used any more. */
    void (*destroy)(void *context);
} fh_allocator_ops;

/**
 * Make an alias of `device` that routes through an allocator. An alias of an alias has both.
 *
 * Owns:    the caller owns *out_alias; fh_device_destroy() takes it, before or after the original:
 *          the device itself goes with the last of them. `ops` is borrowed until `destroy`.
 * Errors:  INVALID (an argument but `context` is NULL, no name), HOST_MEMORY; *out_alias is NULL.
 * Threads: any.
 */
FH_API fh_result fh_device_with_allocator(fh_device *device, const fh_allocator_ops *ops,
                                          void *context, fh_device **out_alias);

/**
 * The allocator's name; "default" for a device without one. NULL when `device` is NULL.
 *
 * Owns:    borrowed from the allocator.
 * Threads: any.
 */
FH_API const char *fh_device_allocator_name(const fh_device *device);

/**
 * Bytes that the device's allocator has allocated. For a device without one: reserved bytes of all
 * parcels. 0 when `device` is NULL.
 *
 * Threads: any.
 * Cost:    O(1), or the allocator's own.
 */
FH_API uint64_t fh_device_allocated_bytes(fh_device *device);

/**
 * Bytes that the device's allocator would like to stay under; FH_NO_LIMIT = no opinion. For a
 * device without one: the total limit. 0 when `device` is NULL.
 *
 * Threads: any.
 * Cost:    O(1), or the allocator's own.
 */
FH_API uint64_t fh_device_budget(fh_device *device);

#ifdef __cplusplus
}
#endif

#endif
