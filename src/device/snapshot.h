/* Snapshots: a copy of what lives in a device, put in order, from which details are computed and
 * dumps are written. It is taken lane by lane and pool by pool, with no lock held for long: so
 * what is made or freed meanwhile may be there or not. But it is always a picture that could be:
 * what lies in a block lies inside it, in address order, and no two parcels overlap. */

#ifndef FREEHOLD_DEVICE_SNAPSHOT_H
#define FREEHOLD_DEVICE_SNAPSHOT_H

#include "device/record.h"

#include <freehold/device.h>

/* How a parcel has its memory; also the order of the pieces. */
typedef enum fhi_tenure {
    FHI_TENURE_RANGE = 0, /* a range of a block */
    FHI_TENURE_DEDICATED, /* a driver allocation of its own */
    FHI_TENURE_BACKED,    /* another parcel's memory */
    FHI_TENURE_EXTERNAL
} fhi_tenure;

/* One parcel. */
typedef struct fhi_piece {
    fh_parcel parcel, parent; /* `parent` of BACKED */
    uint64_t memory_id;       /* 0 = EXTERNAL */
    uint64_t memory_size;
    uint64_t offset, size; /* bytes; `size` is reserved, BACKED and EXTERNAL: committed */
    void *user;
    fh_usage usage;
    uint16_t flags; /* FHI_RECORD_* */
    uint16_t tag;
    uint8_t kind, type, heap, texture_kind;
    uint8_t tenure; /* fhi_tenure */
    bool retiring, named;
} fhi_piece;

/* A pool's block, and its pieces in address order. */
typedef struct fhi_sheet {
    uint64_t id, size;
    const fhi_piece *pieces;
    size_t piece_count;
} fhi_sheet;

typedef struct fhi_snapshot_pool {
    uint32_t type;
    bool custom;
    uint64_t block_size; /* of a full-grown block */
    size_t first_sheet, sheet_count;
    char name[FH_NAME_SIZE];
} fhi_snapshot_pool;

typedef struct fhi_snapshot {
    fhi_core *core;
    fhi_piece *pieces;        /* by tenure; RANGE by memory, DEDICATED by type and memory */
    fhi_sheet *sheets;        /* pool by pool */
    fhi_snapshot_pool *pools; /* the device's own by type, then the program's */
    size_t piece_count, piece_capacity;
    size_t sheet_count, sheet_capacity;
    size_t pool_count, pool_capacity;
    size_t first[FHI_TENURE_EXTERNAL + 2]; /* pieces of tenure t: [first[t], first[t + 1]) */
} fhi_snapshot;

/* HOST_MEMORY: nothing is to be finished. No lock held. */
fh_result fhi_snapshot_init(fhi_snapshot *snapshot, fhi_core *core);
void fhi_snapshot_finish(fhi_snapshot *snapshot);

/* Called for each row of a sheet, in address order, without a hole between them; `piece` is NULL
 * for a gap. Return false to end. */
typedef bool (*fhi_row_fn)(void *context, const fhi_piece *piece, uint64_t offset, uint64_t size);
void fhi_sheet_visit(const fhi_sheet *sheet, fhi_row_fn visit, void *context);

/* Statistics of a sheet, of one type, and of everything; see detail.c. */
void fhi_sheet_detail(const fhi_sheet *sheet, fh_stats_detail *out_detail);
void fhi_snapshot_detail(const fhi_snapshot *snapshot, fh_device_detail *out_detail);

#endif
