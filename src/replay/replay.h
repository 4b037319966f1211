/* A replay under way.
 *
 * What asks for memory on the device is a *holder*: a piece that has its bytes alone, a bare
 * memory, or a group as a whole, whose pieces then lie on its raw parcel. */

#ifndef FREEHOLD_REPLAY_REPLAY_H
#define FREEHOLD_REPLAY_REPLAY_H

#include "replay/backend.h"
#include "replay/causes.h"
#include "replay/recording.h"
#include "replay/tally.h"
#include "replay/yard.h"

#include <freehold/observer.h>

typedef enum fhi_holding {
    FHI_HOLDING_NOTHING = 0, /* it has not asked, or has let go */
    FHI_HOLDING_PARCEL,
    FHI_HOLDING_EVICTED, /* until its next use */
    FHI_HOLDING_REFUSED  /* until a use finds memory */
} fhi_holding;

typedef struct fhi_holder {
    fh_parcel parcel;  /* of a piece in a group: what stands for it on the group's */
    uint64_t last_use; /* a point of the queues in `queues` */
    uint32_t tried;    /* the frame of the last try to find memory again */
    uint32_t span;     /* of a piece in a group, or FHI_NONE */
    uint32_t live;     /* of a group: pieces that are bound */
    uint32_t cause;    /* of a group: the line that placed it; + 1; 0: the native rules */
    uint64_t covered;  /* of a group: bytes that its bound pieces cover, each once */
    uint8_t holding;   /* fhi_holding */
    uint8_t queues;    /* bit n: queue n has used it */
    uint8_t heap;
    bool bound; /* a piece: from its binding until it is let go */
} fhi_holder;

struct fh_replay {
    const fh_recording *recording;
    const fhi_tape *tape;
    fh_host_memory memory;
    bool as_recorded;
    bool can_evict;
    uint32_t frame_last;
    uint32_t op, frame; /* played */
    uint64_t now_ns;    /* of the trace */
    fhi_yard yard;
    fhi_tally tally;
    fhi_causes causes;
    fh_result result; /* what ended it: HOST_MEMORY, DEVICE_LOST; else FH_OK */
    uint64_t wall_ns;
    uint64_t op_count; /* played */

    /* Of the recorded program. */
    uint64_t recorded[FH_HEAP_MAX]; /* driver bytes */
    fhi_backend_budget budgets[FH_HEAP_MAX];
    bool budget_fixed[FH_HEAP_MAX]; /* what if: not as recorded */
    uint32_t *memory_blocks;        /* as recorded: by memory */
    uint32_t *piece_places;         /* as recorded: by piece */

    /* The device. */
    fhi_backend backend;
    fh_device *device;
    uint32_t observer;
    fhi_holder *holders; /* by piece */
    fhi_holder *groups;
    fh_tag *tags;     /* by recorded tag */
    uint32_t *blocks; /* by the device's number of the memory - 1: in the yard */
    uint32_t *places; /* by slot: in the yard */
    uint32_t block_count, block_capacity, place_capacity;
    uint32_t last_block; /* in the yard, of the memory made last */
    uint32_t queue_count;
    uint32_t queues[FH_QUEUE_MAX];                /* the device's */
    uint64_t passed[FH_QUEUE_MAX];                /* as signalled */
    uint64_t submitted;                           /* the last point that was given out */
    uint64_t frame_points[FH_REPLAY_LATENCY + 1]; /* `submitted` at the last frames' ends */
    uint32_t versions[8];                         /* of scripts, as their last decisions had them */

    /* The request under way; zero: none. */
    struct {
        bool active, is_group;
        fhi_cause_class of;
        uint64_t size;
        uint64_t resource;   /* id */
        uint32_t made_block; /* where it lies, in the yard; FHI_NONE */
        bool dedicated;
        bool refused_by_account;
    } request;
};

/* The op at `replay->op`. (play.c, recorded.c) */
void fhi_play(fh_replay *replay, const fhi_op *op);
void fhi_play_recorded(fh_replay *replay, const fhi_op *op);

/* The owner of everything: lets go. (play.c) */
bool fhi_play_evict(void *context, fh_device *device, fh_parcel parcel, void *user);

/* The GPU is where it was FH_REPLAY_LATENCY frames ago. (play.c) */
void fhi_play_frame_end(fh_replay *replay);

/* Everything has passed. (play.c) */
void fhi_play_let_pass(fh_replay *replay);

/* The line that places the request under way; + 1; 0: the native rules. (play.c) */
uint32_t fhi_replay_cause(const fh_replay *replay);

/* What the device tells. (watch.c) */
void fhi_watch_event(void *context, fh_device *device, const fh_event *event);
fhi_backend_listener fhi_watch_listener(fh_replay *replay);

/* Where a parcel lies, in the yard; FHI_NONE: in no memory of its own. */
uint32_t fhi_watch_place(const fh_replay *replay, fh_parcel parcel);

enum {
    FHI_WATCH_EVENTS = FH_EVENT_PARCEL_CREATED | FH_EVENT_PARCEL_FREED | FH_EVENT_MEMORY_ALLOCATED |
                       FH_EVENT_REFUSED | FH_EVENT_POLICY_SET | FH_EVENT_DECIDED
};

/* ---- descriptions (describe.c) ---- */

typedef struct fhi_described {
    fh_kind kind; /* buffer, texture or raw */
    fh_buffer_desc buffer;
    fh_texture_desc texture;
    fh_raw_desc raw;
    fhi_needs needs;
} fhi_described;

/* As recorded: a piece, and a group as a whole. */
void fhi_describe_piece(const fh_replay *replay, uint32_t index, fhi_described *out);
void fhi_describe_group(const fh_replay *replay, uint32_t index, fhi_described *out);

/* What of it all devices take, where the recorded description was refused. */
void fhi_describe_plainly(fhi_described *described);

fh_memory_desc *fhi_described_memory(fhi_described *described);

#endif
