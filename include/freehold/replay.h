/* Replay: what a recorded program would have taken under another policy, on another card.
 *
 * A *recording* is a trace read into memory (trace.h), once for all replays of it. A *replay* plays
 * its requests, frame by frame, on a device of its own, with a policy that the caller puts in
 * charge; or without a device, "as recorded": then it tells what the program did itself. Both give
 * the same *figures*, so that they stand side by side.
 *
 *     fh_recording *recording;
 *     fh_recording_open("run.fhtrace", NULL, &recording);
 *     fh_replay *replay;
 *     fh_replay_create(recording, &(fh_replay_desc){0}, &replay);
 *     fh_policy_load(fh_replay_device(replay), ..., NULL);
 *     fh_replay_step(replay, UINT32_MAX, NULL);
 *     fh_replay_get_figures(replay, &figures);
 *
 * One input gives the same figures at every run and on every machine, but for those of time: the
 * device runs on the trace's clock, and the GPU trails the program by FH_REPLAY_LATENCY frames.
 *
 * How requests are played:
 * - A resource is asked for when it is bound, with the size, alignment and kinds of memory that
 *   were recorded, and let go when it was destroyed (or released, or its memory freed). Resources
 *   that lay on the same bytes at the same time share one raw parcel. A memory that nothing was
 *   bound to is a raw parcel of its own. What of a resource Freehold has no name for (a format, a
 *   usage) is described by what comes next to it. Resources of the window system, sparse ones, and
 *   what lies in imported memory are left out, also as recorded.
 * - Where it may lie follows from what was asked for, or else from how it was used
 *   (fh_replay_location); and on the recorded card, from the memory types that were recorded.
 * - A frame ends at a present or a recorded tick; in a trace without either, after each submit of
 *   work; in one without submits, after FH_REPLAY_FRAME_NS. A stretch of time in which nothing
 *   happens has no frames.
 * - The GPU has done a submit FH_REPLAY_LATENCY frames later, or as soon as the program shows that
 *   it has: by destroying what the submit used, for which it must have waited. So what the program
 *   destroyed is free at once; what was evicted, or merely released, when its last use has passed.
 *   A policy's wait cannot bring the GPU forward: it returns at once.
 * - An eviction lets a resource go; it is charged again, with its bytes as *reload*, at its next
 *   use. Not evictable is what the CPU writes to (it was mapped, by itself or with its memory, and
 *   does not lie in device memory by its use), what is used always, and bare memories. Where a
 *   trace has no uses, nothing can be evicted.
 * - A request that is refused leaves its resource without memory: uses of it are *misses*, and the
 *   first of each frame tries again. Where that finds memory it is a reload, and no miss. */

#ifndef FREEHOLD_REPLAY_H
#define FREEHOLD_REPLAY_H

#include <freehold/account.h>
#include <freehold/parcel.h>
#include <freehold/simulated.h>
#include <freehold/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FH_REPLAY_LATENCY  2
#define FH_REPLAY_FRAME_NS UINT64_C(16666667)

/* Of a longer trace, what is before is read, and `damage` says so. */
#define FH_RECORDING_EVENT_MAX 16777216U
#define FH_RECORDING_FRAME_MAX 1048576U /* presents and submits */

/* ---- recordings ---- */

typedef struct fh_recording fh_recording;

/* Called now and then, some ten times a second at most. False ends the work: FH_ERR_TIMEOUT. */
typedef bool (*fh_progress_fn)(void *context, uint64_t done, uint64_t all);

typedef struct fh_recording_desc {
    fh_progress_fn progress; /* of reading, in bytes; NULL = none */
    void *context;
    const fh_host_memory *memory; /* NULL = the C library's; copied */
} fh_recording_desc;

typedef enum fh_frame_source {
    FH_FRAMES_PRESENTS = 0, /* FRAME events: presents, or ticks */
    FH_FRAMES_SUBMITS,      /* of work */
    FH_FRAMES_TIME          /* every FH_REPLAY_FRAME_NS */
} fh_frame_source;

/* One device of a recording. */
typedef struct fh_recorded_device {
    uint64_t id;
    char name[128];
    fh_trace_api api;
    fh_profile profile; /* its heaps, types and limits; `name` is the one above */
    uint32_t resource_count, memory_count;
    uint64_t peak_reserved, peak_committed; /* bytes, all heaps */
    uint64_t heap_peaks[FH_HEAP_MAX];       /* reserved bytes */
    uint64_t churn; /* bytes of all driver memory and all resources ever bound, whichever is more */
    uint32_t frame_count;
    fh_frame_source frames_by;
    bool has_uses; /* the trace tells which submit uses what */
} fh_recorded_device;

typedef struct fh_recording_info {
    char program[256], tool[128];
    fh_trace_reader_info file; /* with `damage` */
    uint64_t event_count, duration_ns;
    uint64_t ignored_count; /* events that make no sense where they are: unknown objects */
    uint32_t device_count;
    uint32_t main_device; /* index of the one with the largest peak */
} fh_recording_info;

/**
 * Read a whole trace. One that is cut off or damaged is read up to there: `file.damage` says so.
 *
 * Owns:    the caller owns *out_recording; give it back with fh_recording_close(), after the
 *          replays of it. `desc` may be NULL.
 * Errors:  those of fh_trace_reader_open(); FORMAT also when it has no device; TIMEOUT (`progress`
 *          said so), HOST_MEMORY; *out_recording is then NULL.
 * Threads: any.
 * Cost:    some 100 bytes and 500 ns for each event.
 */
FH_API fh_result fh_recording_open(const char *path, const fh_recording_desc *desc,
                                   fh_recording **out_recording);

/**
 * Free it all. NULL is a no-op.
 *
 * Threads: any; not while another thread uses this recording, nor before its replays are destroyed.
 */
FH_API void fh_recording_close(fh_recording *recording);

/**
 * What is known of the trace as a whole; NULL when `recording` is NULL.
 *
 * Owns:    borrowed until the recording is closed.
 * Threads: any; a recording does not change.
 */
FH_API const fh_recording_info *fh_recording_get_info(const fh_recording *recording);

/**
 * The n-th device, from 0; NULL past the last.
 *
 * Owns:    borrowed until the recording is closed.
 * Threads: any.
 */
FH_API const fh_recorded_device *fh_recording_device(const fh_recording *recording, uint32_t index);

/* ---- replays ---- */

typedef struct fh_replay fh_replay;

typedef struct fh_replay_heap {
    uint32_t heap;   /* index */
    uint64_t size;   /* bytes; 0 = as it is */
    uint64_t budget; /* bytes: what the OS would let it have; 0 = its rule, from the size */
} fh_replay_heap;

typedef struct fh_replay_desc {
    bool as_recorded;            /* no device: what the program did itself */
    uint32_t device;             /* id of the recorded device; 0 = the main one */
    const fh_profile *profile;   /* the card; NULL = the recorded one; copied */
    const char *backend;         /* NULL = "host": memory is simulated */
    const fh_replay_heap *heaps; /* what if; copied. As recorded, budgets are looked at only */
    uint32_t heap_count;
    uint32_t frame_first, frame_last; /* figures count these, from 1; 0 = from the first, to the
                                         last. What is before is played, too */
    bool keep_spans;                  /* for fh_replay_spans() */
    const fh_host_memory *memory;
    const fh_log *log;
} fh_replay_desc;

/* Bytes, at one moment. */
typedef struct fh_replay_bytes {
    uint64_t reserved;  /* that the driver gave: blocks and dedicated allocations */
    uint64_t committed; /* that the program asked for and has, as the driver would count them: what
                           shares its bytes counts once */
} fh_replay_bytes;

typedef struct fh_replay_heap_figures {
    uint64_t reserved_peak, reserved_mean; /* bytes; means are over frames */
    uint64_t committed_peak, committed_mean;
    uint64_t budget; /* at the end; 0 = there was none */
} fh_replay_heap_figures;

/* What it came to, within the frames that count. */
typedef struct fh_replay_figures {
    uint32_t frame_count, heap_count;
    fh_replay_heap_figures total, heaps[FH_HEAP_MAX];
    uint64_t driver_alloc_count, driver_free_count;
    uint64_t driver_alloc_bytes;
    uint64_t request_count, request_bytes; /* resources that asked for memory, tries again not
                                              counted */
    uint64_t waste_peak, waste_mean;       /* reserved, and not committed; at frames' ends */
    /* 1 - largest gap / all gaps, of the blocks, in millionths; as recorded, of the memories. At
     * frames' ends; where more than some hundred resources live, measured anew when as many have
     * come or gone. */
    uint64_t fragmentation_peak_ppm, fragmentation_mean_ppm;
    uint64_t refused_count, refused_bytes; /* first tries of a request or a reload */
    uint64_t miss_count;                   /* uses of a resource without memory */
    uint64_t evicted_count, evicted_bytes;
    uint64_t reload_count, reload_bytes; /* evicted or refused, and used again */
    uint64_t moved_count, moved_bytes;   /* by defragmentation */
    uint32_t frames_over_budget;         /* frames that ended with a heap over its budget, or with
                                             the total over the policy's limit */
    uint64_t decision_count;             /* of scripts */
    uint64_t decision_failed_count;      /* of these: failed or stopped */
    bool can_evict;                      /* the trace has uses */
    struct {
        uint64_t wall_ns;   /* of stepping */
        uint64_t policy_ns; /* in scripts */
        uint64_t event_count;
    } timing; /* of this machine and moment; all else is the same at every run */
} fh_replay_figures;

/* A frame's end. */
typedef struct fh_replay_sample {
    uint32_t frame;   /* from 1 */
    uint64_t time_ns; /* of the trace */
    fh_replay_bytes total;
    fh_replay_bytes heaps[4]; /* the first four; the others are in `total` only */
    uint64_t reserved_peak;   /* within the frame */
    uint64_t limit;           /* of the total account, or UINT64_MAX */
    uint64_t budget;          /* sum over heaps that have one, or UINT64_MAX */
    uint32_t block_count;
    uint32_t fragmentation_ppm;
    uint32_t driver_allocs, refused, evicted, reloaded; /* within the frame */
} fh_replay_sample;

/* A script's line that decided: what the report shows as the cause. */
typedef struct fh_replay_cause {
    char script[64]; /* "" = the native rules */
    uint32_t hook;   /* fh_hook */
    uint32_t line;
    uint64_t decision_count;
    uint64_t resource_count, bytes; /* placed, evicted or refused by its decisions; apart: */
    uint64_t placed_count, placed_bytes, evicted_count, evicted_bytes, refused_count, refused_bytes;
    char answer[96]; /* the last one, in words: "device, dedicated prefer" */
} fh_replay_cause;

/* A memory of the driver, from its allocation until it is freed. */
typedef struct fh_replay_block {
    uint32_t heap, type;
    uint64_t size;
    uint64_t born_ns, gone_ns; /* UINT64_MAX: lives at the end */
    uint32_t born_frame, gone_frame;
    bool dedicated;
} fh_replay_block;

/* A resource in its memory, from its binding until its memory is free again (of one that shares its
 * bytes: until it is let go). */
typedef struct fh_replay_span {
    uint32_t block;    /* index into fh_replay_blocks() */
    uint64_t resource; /* id in the trace; 0 = a raw memory */
    uint64_t offset, size;
    uint64_t born_ns, gone_ns;
    uint32_t born_frame, gone_frame;
    uint32_t cause; /* index into fh_replay_causes() + 1; 0 = the native rules, or the program */
    bool aliased;   /* others lie on the same bytes at the same time */
} fh_replay_span;

/* A resource as it was recorded, for people. */
typedef struct fh_recorded_resource {
    fh_kind kind;
    fh_usage usage;
    fh_location location; /* as it was asked for, or else fh_replay_location() */
    fh_format format;
    uint32_t width, height, depth, layers, mips, samples;
    uint64_t size;
    const char *name; /* "" = none; borrowed until the recording is closed */
} fh_recorded_resource;

/**
 * Begin a replay.
 *
 * Owns:    the caller owns *out_replay; give it back with fh_replay_destroy(), before the
 *          recording.
 * Errors:  INVALID (an argument is NULL, no such device, backend, heap or frame), HOST_MEMORY, what
 *          the backend says; *out_replay is then NULL.
 * Threads: any; a replay by one thread at a time. Replays of one recording do not disturb each
 *          other.
 */
FH_API fh_result fh_replay_create(const fh_recording *recording, const fh_replay_desc *desc,
                                  fh_replay **out_replay);

/**
 * End it, and close its device. NULL is a no-op.
 *
 * Threads: any; not while another thread uses this replay.
 */
FH_API void fh_replay_destroy(fh_replay *replay);

/**
 * The device that it plays on: put a policy in charge of it, look at it; do not tick it. NULL as
 * recorded.
 *
 * Owns:    borrowed until the replay is destroyed.
 * Threads: any; while a step is under way on another thread, only to look at it.
 */
FH_API fh_device *fh_replay_device(fh_replay *replay);

/**
 * Play at most `frames` more frames; UINT32_MAX plays to the end. *out_frame, which may be NULL, is
 * the last frame that was played; after the end, a step does nothing and gives the same.
 *
 * Errors:  INVALID (`replay` is NULL), HOST_MEMORY, DEVICE_LOST. Refusals are none: they are
 *          figures.
 * Threads: one at a time.
 * Cost:    about a microsecond for each event.
 */
FH_API fh_result fh_replay_step(fh_replay *replay, uint32_t frames, uint32_t *out_frame);

/**
 * Whether the last frame was played; true for NULL.
 *
 * Threads: one at a time.
 * Cost:    O(1).
 */
FH_API bool fh_replay_done(const fh_replay *replay);

/**
 * The figures so far.
 *
 * Errors:  INVALID (a pointer is NULL); *out_figures is then zero.
 * Threads: one at a time.
 */
FH_API fh_result fh_replay_get_figures(const fh_replay *replay, fh_replay_figures *out_figures);

/**
 * One sample for each frame so far, and how many there are.
 *
 * Owns:    borrowed until the next step.
 * Threads: one at a time.
 */
FH_API const fh_replay_sample *fh_replay_samples(const fh_replay *replay, uint32_t *out_count);

/**
 * Who decided so far, and how many they are; NULL and 0 as recorded.
 *
 * Owns:    borrowed until the next step.
 * Threads: one at a time.
 */
FH_API const fh_replay_cause *fh_replay_causes(const fh_replay *replay, uint32_t *out_count);

/**
 * The driver's memories so far, and how many there are; NULL and 0 without `keep_spans`.
 *
 * Owns:    borrowed until the next step.
 * Threads: one at a time.
 */
FH_API const fh_replay_block *fh_replay_blocks(const fh_replay *replay, uint32_t *out_count);

/**
 * What lay in them, and how many there are; NULL and 0 without `keep_spans`.
 *
 * Owns:    borrowed until the next step.
 * Threads: one at a time.
 */
FH_API const fh_replay_span *fh_replay_spans(const fh_replay *replay, uint64_t *out_count);

/**
 * What a span's resource is.
 *
 * Errors:  INVALID (a pointer is NULL, no such resource); *out_resource is then zero, with the name
 *          "".
 * Threads: any.
 */
FH_API fh_result fh_recording_resource(const fh_recording *recording, uint64_t resource,
                                       fh_recorded_resource *out_resource);

/**
 * Where a resource should lie, as far as its use tells: `usage` as recorded, `mapped`: the program
 * mapped it or the memory it was bound to, `linear`: a texture with linear tiling. A buffer that is
 * only copied from, or of unknown use, and mapped, is upload; only copied to, and mapped, readback;
 * one that is mapped and not copied to, device_upload; a linear texture that is mapped, upload; all
 * else device.
 *
 * Threads: any.
 */
FH_API fh_location fh_replay_location(fh_kind kind, fh_usage usage, bool mapped, bool linear);

#ifdef __cplusplus
}
#endif

#endif
