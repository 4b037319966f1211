/* Records: what is known of each parcel, in slots. Slots lie in chunks that are never moved or
 * unmapped while the device lives, so a handle can be looked up while another thread releases it.
 *
 * One atomic word per slot decides who may touch it: generation (32 bits), references (20), pins
 * (12). A handle is valid while its generation is the slot's and references > 0. A call pins the
 * slot by compare-and-swap, does its work, and unpins. Whoever brings references and pins both to 0
 * retires the parcel. When it is freed the generation moves on.
 *
 * Slots are handed to lanes in batches and stay with their lane for good: the lane's lock guards
 * every field of a record but the word. */

#ifndef FREEHOLD_DEVICE_RECORD_H
#define FREEHOLD_DEVICE_RECORD_H

#include "base/bits.h"
#include "base/compiler.h"

#include <freehold/parcel.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fhi_core fhi_core;
typedef struct fhi_memory fhi_memory;
typedef struct fhi_slab fhi_slab;

enum {
    FHI_BATCH = 64,         /* slots a lane takes at once */
    FHI_CHUNK_SLOTS = 1024, /* of the first chunk; each next one is as large as all before it */
    FHI_CHUNKS = 22,        /* 2^31 slots */
    FHI_NO_SLOT = 0,        /* slot 0 is never used */
    FHI_NO_TYPE = 0xff      /* external */
};

/* What a slot holds. */
typedef enum fhi_state {
    FHI_STATE_FREE = 0,
    FHI_STATE_MAKING, /* taken, not yet published */
    FHI_STATE_LIVE,
    FHI_STATE_RETIRING, /* released; waits for queues */
    FHI_STATE_CALL      /* no parcel, but a callback that waits for queues */
} fhi_state;

enum {
    FHI_RECORD_DEDICATED = 1 << 0, /* has its memory alone */
    FHI_RECORD_MAPPED = 1 << 1,    /* asked to be mapped for its whole life */
    FHI_RECORD_MOVABLE = 1 << 2,
    FHI_RECORD_OBJECT = 1 << 3,   /* a backend object stands behind it */
    FHI_RECORD_BACKED = 1 << 4,   /* lies on another parcel's memory; `backing.reserved` is 0 */
    FHI_RECORD_DEED = 1 << 5,     /* an allocator wants to know of its end */
    FHI_RECORD_MARGIN = 1 << 6,   /* canaries stand behind it */
    FHI_RECORD_RESIZING = 1 << 7, /* in fh_buffer_resize(): another one is BUSY */
    FHI_RECORD_LINEAR = 1 << 8,   /* a linear texture */
    FHI_RECORD_EVICT_ASKED = 1 << 9,
    FHI_RECORD_NAMED = 1 << 10,
    FHI_RECORD_GHOST = 1 << 11,   /* what a resize left behind: counted, shown to nobody */
    FHI_RECORD_NAMING = 1 << 12,  /* a thread passes the name on to the backend */
    FHI_RECORD_RENAMED = 1 << 13, /* it has changed since: that thread passes it on again */
    FHI_RECORD_EVICT_PENDING =
        1 << 14,               /* its owner is being asked, or said yes; until the next tick */
    FHI_RECORD_PLAIN = 1 << 15 /* a buffer whose `wish` was nothing, and is not filled in */
};

/* Where a parcel's bytes are. */
typedef struct fhi_backing {
    fhi_memory *memory; /* NULL: external */
    fhi_slab *slab;     /* what `range` belongs to; NULL: memory's own ranges, or dedicated */
    fh_range range;     /* {0}: dedicated, or backed by a parcel */
    uint64_t offset;    /* bytes into `memory` */
    uint64_t reserved;  /* range bytes, margin and rounding included */
} fhi_backing;

typedef struct fhi_record {
    /* The first line is all that creating and releasing a plain buffer touches. */
    alignas(64) _Atomic uint64_t word; /* generation << 32 | references << 12 | pins */
    fhi_backing backing;
    uint64_t committed; /* bytes */
    uint8_t kind;       /* fh_kind */
    uint8_t type;       /* memory type, or FHI_NO_TYPE */
    uint8_t lane;       /* home: never changes */
    uint8_t used;       /* bit q: queue q has an entry in the slot's uses */
    uint16_t flags;     /* FHI_RECORD_* */
    uint16_t tag;

    /* The second: what is asked for more rarely. */
    void *user;
    char *name;        /* FH_NAME_SIZE bytes of host memory, or NULL */
    uint32_t next;     /* slot: free list, or retire list */
    uint8_t state;     /* fhi_state */
    uint8_t evictable; /* fh_evictable */
    uint8_t heap;      /* external: where it lies */
    uint8_t location;  /* fh_location << 4 | fh_access: a resize asks again */
    uint64_t capacity; /* buffers: bytes of the object */
    fh_usage usage;
    uint32_t stride;
    float priority;
    uint32_t map_count;
    uint32_t made_tick, used_tick;
    uint32_t hold_count; /* calls that have its object and bytes in their hands, and
                            FHI_HOLD_MOVING: see hold.h */
    uint32_t room;       /* slot in whose room its object lies: a resize exchanges those of two. Set
                            once for a fresh slot, and kept when the slot is given back */

    /* The third: textures, aliases, deeds. */
    union {
        struct {
            uint32_t width, height, depth, layers;
            uint16_t format;
            uint8_t mips, samples, texture_kind;
        };
        struct { /* buffers: what they were described with, and a resize asks for again */
            uint64_t extent; /* bytes: the largest `committed` since it lies where it does */
            uint32_t type_mask;
            uint8_t required, preferred; /* fh_memory_flags */
            uint8_t dedicated, strategy; /* fh_dedicated, fh_strategy */
            bool within_budget, upper;
        } wish;
        struct { /* external; calls use the context as argument */
            void (*destroy)(void *context, void *user);
            void (*call)(void *context);
            void *context;
        };
    };
    fh_parcel parent; /* BACKED: a reference to it is held */
    uint32_t deed;    /* index into core->deeds; 0 = none */
    uint32_t moves;   /* how often it was moved; never reset */
    /* For witnesses (witness.h); both count only with the generation that they bear. */
    _Atomic uint64_t number; /* generation's last 24 bits << 40 | number */
    _Atomic uint64_t told;   /* generation << 32 | bit p: the witness in place p knows of it */
} fhi_record;

/* Fill in the wish of a plain buffer, before it is looked at; under the lane's lock. */
static inline void fhi_record_unfold(fhi_record *record)
{
    if (record->flags & FHI_RECORD_PLAIN) {
        record->flags &= (uint16_t)~FHI_RECORD_PLAIN;
        record->wish.extent = record->committed;
        record->wish.type_mask = 0;
        record->wish.required = record->wish.preferred = 0;
        record->wish.dedicated = record->wish.strategy = 0;
        record->wish.within_budget = record->wish.upper = false;
    }
}

typedef struct fhi_chunk {
    fhi_record *records;
    unsigned char *objects; /* core->object_size bytes for each */
    /* Last uses: FH_QUEUE_MAX values per slot, made for a whole batch when one of it is used
     * first. */
    _Atomic(uint64_t *) *uses;
} fhi_chunk;

typedef struct fhi_records {
    _Atomic(fhi_chunk *) chunks[FHI_CHUNKS];
    uint32_t salt;         /* the first generation */
    _Atomic uint32_t high; /* slots handed to lanes so far, whole batches; grows under the lock */
    uint32_t capacity;     /* slots in chunks; under core->record_lock */
} fhi_records;

/* Slot arithmetic: chunk 0 has slots [0, 1024), chunk n [1024 << (n-1), 1024 << n). */
FHI_HOT_INLINE uint32_t fhi_chunk_of(uint32_t slot)
{
    return slot < FHI_CHUNK_SLOTS ? 0 : fhi_highest_bit(slot / FHI_CHUNK_SLOTS) + 1;
}

FHI_HOT_INLINE uint32_t fhi_chunk_first(uint32_t chunk)
{
    return chunk == 0 ? 0 : (uint32_t)FHI_CHUNK_SLOTS << (chunk - 1);
}

FHI_HOT_INLINE uint32_t fhi_chunk_size(uint32_t chunk)
{
    return chunk == 0 ? FHI_CHUNK_SLOTS : (uint32_t)FHI_CHUNK_SLOTS << (chunk - 1);
}

FHI_HOT_INLINE uint32_t fhi_parcel_slot(fh_parcel parcel)
{
    return (uint32_t)parcel.id;
}

#define FHI_WORD_PINS       UINT64_C(0xfff)
#define FHI_WORD_REFERENCE  (UINT64_C(1) << 12)
#define FHI_WORD_REFERENCES (UINT64_C(0xfffff) << 12)
#define FHI_WORD_GENERATION (UINT64_C(0xffffffff) << 32)

/* The handle of a slot as it is now; {0} when it holds no parcel. */
fh_parcel fhi_record_parcel(const fhi_core *core, uint32_t slot);

/* Last uses of a slot: FH_QUEUE_MAX values; entry q counts only when bit q of `used` is set. NULL
 * when its batch has none yet. Contents are guarded by the home lane's lock. */
uint64_t *fhi_record_uses(const fhi_core *core, uint32_t slot);

/* The same, made when it is not there. No lock held. NULL: no host memory. */
uint64_t *fhi_record_make_uses(fhi_core *core, uint32_t slot);

/* The record behind a handle, pinned; NULL with FH_ERR_STALE's sentence when there is none. */
fhi_record *fhi_pin(fhi_core *core, fh_parcel parcel);

/* No lock held: this may be what retires the parcel. */
void fhi_unpin(fhi_core *core, fh_parcel parcel, fhi_record *record);

/* Make the next batch of fresh slots the lane's own. No lock held. */
fh_result fhi_records_extend(fhi_core *core, uint32_t lane);

void fhi_records_finish(fhi_core *core);

#endif
