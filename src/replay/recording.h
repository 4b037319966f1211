/* A recording: a trace in memory, as compact as replays need it, and with what can be known only
 * once all of it was read: what was mapped, what shared its bytes, where frames end.
 *
 * Each device of the trace is a *tape*: a row of *ops*, one for each event that a replay does
 * something for. What asks for memory is a *piece*: a resource in a memory, from its binding until
 * its memory is free again; or a memory that nothing was ever bound to. Pieces that lay on the same
 * bytes of a memory at the same time are a *group*.
 *
 * A recording does not change once it is made. */

#ifndef FREEHOLD_REPLAY_RECORDING_H
#define FREEHOLD_REPLAY_RECORDING_H

#include "replay/ids.h"

#include <freehold/replay.h>

typedef enum fhi_op_kind {
    FHI_OP_NOTHING = 0,
    FHI_OP_ALLOC,   /* memory */
    FHI_OP_FREE,    /* memory: its pieces have ended */
    FHI_OP_BIND,    /* piece */
    FHI_OP_RELEASE, /* piece: its owner let go */
    FHI_OP_END,     /* piece: its memory is free; it was released before, or is so now */
    FHI_OP_SUBMIT,  /* submit: of work */
    FHI_OP_USE,     /* submit, that ends no frame */
    FHI_OP_BUDGET,  /* budget */
    FHI_OP_REFUSED, /* amount: bytes */
    FHI_OP_EVICTED, /* amount: bytes */
    FHI_OP_DECISION /* decision */
} fhi_op_kind;

typedef struct fhi_op {
    uint64_t time_ns;
    uint32_t index; /* of what the kind says */
    uint32_t kind;
} fhi_op;

typedef struct fhi_taped_submit {
    uint32_t queue;     /* index */
    uint32_t first_use; /* into `uses`: pieces */
    uint32_t use_count;
} fhi_taped_submit;

typedef struct fhi_taped_budget {
    uint32_t heap;
    uint64_t budget, usage; /* bytes */
} fhi_taped_budget;

/* Of a recorded policy. */
typedef struct fhi_taped_decision {
    uint32_t hook, outcome, line;
} fhi_taped_decision;

typedef struct fhi_piece {
    uint64_t offset, size; /* bytes into `memory` */
    uint64_t comes, goes;  /* bytes that no other piece covers when it is bound, and is let go */
    uint32_t resource;     /* FHI_NONE: the bare memory */
    uint32_t memory;
    uint32_t group;          /* FHI_NONE: it has its bytes alone */
    uint32_t bound_at;       /* op */
    uint32_t next, previous; /* in its memory, while the trace is read; then `next` in its group */
    bool mapped, released, ended;
    bool own_memory; /* the trace knows no memory: this one was made up for it */
} fhi_piece;

/* Where its pieces lie together, as one raw parcel. */
typedef struct fhi_group {
    uint64_t begin, size; /* bytes of the memory */
    uint64_t alignment;
    uint32_t memory;
    uint32_t types;       /* of the recorded card; 0: not known */
    uint32_t first, last; /* pieces, in the order of their binding: a list by `next` */
    uint8_t location;
    bool mapped, stays, address;
} fhi_group;

typedef struct fhi_taped_frame {
    uint32_t end; /* the op that is of the next frame */
    uint64_t time_ns;
} fhi_taped_frame;

typedef struct fhi_tape {
    fh_recorded_device info;
    fhi_op *ops;
    fhi_taped_submit *submits;
    uint32_t *uses;
    fhi_taped_budget *budgets;
    fhi_piece *pieces;
    fhi_group *groups;
    fhi_taped_frame *frames;
    uint64_t *amounts;
    fhi_taped_decision *decisions;
    uint32_t op_count, submit_count, use_count, budget_count, piece_count, group_count, frame_count,
        amount_count, decision_count;
    uint32_t op_capacity, submit_capacity, use_capacity, budget_capacity, piece_capacity,
        group_capacity, frame_capacity, amount_capacity, decision_capacity;
    uint32_t queue_count;
    uint32_t bound_count; /* BOUND events that made a piece */
} fhi_tape;

/* A driver allocation. */
typedef struct fhi_taped_memory {
    uint64_t size;
    uint64_t map_begin, map_end; /* what is mapped just now */
    uint32_t tape;
    uint32_t type, heap;
    uint32_t name;              /* into the texts; 0: none */
    uint32_t piece;             /* of a bare memory; else FHI_NONE */
    uint32_t first, last, live; /* pieces in it now, in the order of their binding */
    uint32_t root;              /* of its extents */
    uint32_t mapped_at;         /* op count when it was last mapped whole; 0: never */
    bool imported, freed, bound, address, dedicated, mapped;
} fhi_taped_memory;

typedef struct fhi_taped_resource {
    uint64_t size, needs_size;
    uint32_t needs_alignment; /* 0 = not known; at most 64 MiB */
    uint32_t needs_types;
    uint32_t tape;
    fh_usage usage;
    uint32_t width, height, depth, layers, stride;
    uint32_t tag;  /* index + 1 */
    uint32_t name; /* into the texts; 0: none */
    uint32_t priority_ppm;
    uint32_t piece; /* while the trace is read: where it is bound; FHI_NONE */
    uint32_t flags; /* FH_TRACE_RESOURCE_* */
    uint16_t format;
    uint8_t kind, texture_kind, mips, samples;
    uint8_t dedicated; /* 0 no opinion, 1 preferred, 2 required */
    uint8_t location;  /* fh_location + 1 as it was asked for, 0: not known; later fh_location */
    bool held;         /* mapped by itself, not with its memory */
    bool stays;        /* not to be evicted: the CPU writes to it, or it is always used */
    bool mapped, always, destroyed;
} fhi_taped_resource;

struct fh_recording {
    fh_host_memory memory;
    fh_recording_info info;
    fhi_tape *tapes;
    fhi_taped_resource *resources;
    fhi_taped_memory *memories;
    uint32_t *tags; /* names: into the texts */
    char *texts;    /* one after the other, each with its zero; the first is "" */
    uint32_t tape_count, resource_count, memory_count, tag_count, text_size;
    uint32_t tape_capacity, resource_capacity, memory_capacity, tag_capacity, text_capacity;
    fhi_ids resource_ids;
    bool cut; /* what was too much was not read */
};

enum {
    FHI_TAPES_MAX = 64
};

/* As fh_recording_open(), from a reader that stays the caller's. `memory` is resolved; `desc` may
 * be NULL, and has no say in memory. */
fh_result fhi_recording_read(fh_trace_reader *reader, const fh_host_memory *memory,
                             const fh_recording_desc *desc, fh_recording **out_recording);

/* The tape of that device; 0: the main one. NULL: there is none. */
const fhi_tape *fhi_recording_tape(const fh_recording *recording, uint64_t device);

static inline const char *fhi_recording_text(const fh_recording *recording, uint32_t text)
{
    return &recording->texts[text];
}

#endif
