/* The host backend: a GPU that is simulated in the program's own memory. Nothing needs to be
 * installed for it, and its memory is real (reserved at once, taken from the system when it is
 * first written), so what was written can be read back, and what was reused too early is seen in
 * the data. Of memory that is host-visible and not coherent the CPU and the GPU each have bytes of
 * their own, so what was not flushed is missing.
 *
 * A *profile* says what GPU it is. A *fault* is scripted trouble, for tests: of a program, and of
 * Freehold. Both are plain structs here and plain tables in Lua. */

#ifndef FREEHOLD_SIMULATED_H
#define FREEHOLD_SIMULATED_H

#include <freehold/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fh_profile {
    const char *name;     /* for people; NULL = "custom" */
    fh_adapter_kind kind; /* 0 = discrete */
    uint32_t heap_count, type_count;
    fh_heap_info heaps[FH_HEAP_MAX];
    fh_memory_type_info types[FH_MEMORY_TYPE_MAX];
    uint64_t os_budget[FH_HEAP_MAX];      /* bytes; 0 = 80 % of the heap */
    uint64_t os_unaccounted[FH_HEAP_MAX]; /* bytes that others in this process use */
    uint32_t queue_count;                 /* 0 = 1; at most 4 */
    uint64_t granularity;                 /* bytes, a power of two; 0 = 1 */
    uint64_t atom;                        /* bytes, a power of two; 0 = 64 */
    uint64_t buffer_alignment;            /* of buffers and linear textures; 0 = 16 */
    uint64_t uniform_alignment;           /* of uniform and texel buffers, if larger; 0 = 256 */
    uint64_t texture_alignment;           /* of optimal textures; 0 = 4096 */
    uint64_t target_alignment;            /* of textures with more than one sample; 0 = 65536 */
    uint32_t buffer_types, texture_types; /* bit n: memory type n; 0 = all. In any case nothing is
                                             bound to protected memory, and to lazily allocated
                                             memory transient targets only */
    uint64_t dedicated_texture_size;      /* bytes from which it prefers dedicated; 0 = never */
    uint64_t allocation_size_max;         /* bytes; 0 = 4 GiB */
    uint32_t allocation_count_max;        /* 0 = 4096 */
    uint64_t allocation_latency_ns;       /* that memory_alloc takes; 0 = none */
    uint64_t copy_latency_ns;             /* from submit until a copy happens; 0 = at once */
    bool manual; /* copies happen only when fh_simulated_advance() makes them happen, whatever the
                    latency; a wait for what was not advanced runs out of time */
} fh_profile;

/* What fh_device_desc.config is, for the host backend. NULL or {0}: the built-in profiles are the
 * adapters, discrete-8g the first. */
typedef struct fh_simulated_desc {
    const fh_profile *profile; /* copied by the open call, and then the one adapter there is, 0;
                                  NULL = the built-in ones */
} fh_simulated_desc;

/* The calls of fh_backend_ops that faults can name. X(NAME, "name") */
#define FH_BACKEND_CALLS(X)                                                                        \
    X(ANY, "any")                                                                                  \
    X(MEMORY_ALLOC, "memory_alloc")                                                                \
    X(MEMORY_MAP, "memory_map")                                                                    \
    X(MEMORY_FLUSH, "memory_flush")                                                                \
    X(MEMORY_INVALIDATE, "memory_invalidate")                                                      \
    X(MEMORY_IMPORT, "memory_import")                                                              \
    X(BUFFER_CREATE, "buffer_create")                                                              \
    X(TEXTURE_CREATE, "texture_create")                                                            \
    X(BIND, "bind")                                                                                \
    X(BUDGET, "budget")                                                                            \
    X(SUBMIT, "submit")                                                                            \
    X(PROGRESS, "progress")                                                                        \
    X(WAIT, "wait")

typedef enum fh_backend_call {
#define FH_BACKEND_CALL_ENUM(name, text) FH_BACKEND_CALL_##name,
    FH_BACKEND_CALLS(FH_BACKEND_CALL_ENUM)
#undef FH_BACKEND_CALL_ENUM
    FH_BACKEND_CALL_COUNT
} fh_backend_call;

typedef enum fh_fault_kind {
    FH_FAULT_FAIL = 0, /* the call does nothing and returns `result`; FH_ERR_DEVICE_LOST loses the
                          device, too */
    FH_FAULT_STALL,    /* the call takes `stall_ns` longer, or until fh_simulated_resume() */
    FH_FAULT_BUDGET,   /* from tick `tick` on the OS budget of `heap` is `bytes` */
    FH_FAULT_LOSE      /* the device is lost: this call and all that follow */
} fh_fault_kind;

typedef struct fh_fault {
    fh_fault_kind kind;
    fh_backend_call call; /* 0 = any call that can fail */
    uint64_t nth;         /* which one from now, counting those that match; 1 = the next;
                             0 = every one */
    uint64_t above;       /* memory_alloc, memory_import: only requests of more bytes; 0 = all */
    fh_result result;     /* FAIL: 0 = FH_ERR_OUT_OF_MEMORY */
    uint64_t stall_ns;    /* STALL: 0 = until fh_simulated_resume() */
    uint64_t tick;        /* BUDGET */
    uint32_t heap;        /* BUDGET */
    uint64_t bytes;       /* BUDGET */
} fh_fault;

/**
 * The built-in profile of that name: "discrete-8g" (8 GiB of its own, 256 MiB of it visible to the
 * CPU, 16 GiB of host memory), "rebar-16g" (all 16 GiB visible), "uma-16g" (integrated, one heap),
 * "mobile-4g" (integrated, memory that is not coherent, small limits). NULL when there is none.
 *
 * Owns:    a static struct.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_profile *fh_profile_find(const char *name);

/**
 * The n-th built-in profile, from 0; NULL past the last. The host backend's adapters are these, in
 * this order.
 *
 * Owns:    a static struct.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_profile *fh_profile_at(uint32_t index);

/**
 * Script trouble. Faults add up. A call counts for all that match it, and the first of those that
 * are due wins; one that was due as well fires at the next call that matches. One with `nth` > 0 is
 * spent when it fired. Of budgets the one with the largest tick that has come holds, and of two for
 * one tick the one added last. `device` is what fh_device_backend() gives for a device of the host
 * backend.
 *
 * Errors:  INVALID (an argument is NULL, an unknown kind, call, heap or result), HOST_MEMORY.
 * Threads: any.
 * Cost:    O(faults) at each call of the backend, from now on.
 */
FH_API fh_result fh_simulated_fault(fh_backend_device *device, const fh_fault *fault);

/**
 * Forget all faults that did not fire yet, and let stalled calls go on. Budgets are again as the
 * profile says; a lost device stays lost.
 *
 * Threads: any.
 */
FH_API void fh_simulated_clear(fh_backend_device *device);

/**
 * Let calls that a STALL fault holds go on, and wait for none. Returns how many were held. When the
 * device is lost they go on by themselves, and return that.
 *
 * Threads: any.
 */
FH_API uint32_t fh_simulated_resume(fh_backend_device *device);

/**
 * How many calls of that kind were made since the device was opened, failed ones too;
 * FH_BACKEND_CALL_ANY: of all kinds.
 *
 * Threads: any.
 * Cost:    O(1) per kind.
 */
FH_API uint64_t fh_simulated_calls(const fh_backend_device *device, fh_backend_call call);

/**
 * Let the next `count` submissions on `queue` happen, whatever the profile's latency, in order.
 * Returns how many there were. One that waits for another queue happens as soon as that has passed.
 *
 * Threads: any.
 */
FH_API uint32_t fh_simulated_advance(fh_backend_device *device, uint32_t queue, uint32_t count);

/**
 * What lives: memories (imported ones, too), their bytes, and objects. All 0 when nothing leaked.
 *
 * Threads: any.
 */
FH_API void fh_simulated_live(const fh_backend_device *device, uint64_t *out_memories,
                              uint64_t *out_bytes, uint64_t *out_objects);

#ifdef __cplusplus
}
#endif

#endif
