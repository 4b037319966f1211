/* What was never released, told by name when the device is destroyed: a line for each of the first
 * parcels, and one that sums up. What retires was released and is no leak; staging buffers are our
 * own.
 *
 * What lies on a raw parcel holds a reference to it. A raw parcel that has no other references was
 * released by its owner: it is no leak, but what keeps it is one, and it is told as kept. */

#include "device/core.h"
#include "device/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    LEAKS_NAMED = 64
};

/* References to a raw parcel by what lies on it, and how many of these were never released. */
typedef struct keepers {
    uint32_t all, live;
} keepers;

typedef struct leak {
    uint64_t bytes;
    uint32_t kept_by; /* parcels; 0: it was never released itself */
    uint8_t kind;
    fh_tag tag;
    char name[FH_NAME_SIZE];
} leak;

typedef struct leaks {
    fhi_core *core;
    keepers *keepers; /* of each slot up to `slot_count`; NULL: nothing lies on anything */
    uint32_t slot_count;
    uint64_t backed; /* parcels that lie on others */
    uint64_t count, bytes;
    uint64_t told; /* these, and what is kept */
    leak named[LEAKS_NAMED];
} leaks;

static bool is_left(const fhi_record *record)
{
    return record->state == FHI_STATE_LIVE && record->kind != FH_KIND_STAGING &&
           (record->flags & FHI_RECORD_GHOST) == 0;
}

static void count_backed(void *context, uint32_t slot, const fhi_record *record)
{
    leaks *all = context;
    (void)slot;
    all->backed += (record->flags & FHI_RECORD_BACKED) != 0 ? 1 : 0;
}

static void count_keepers(void *context, uint32_t slot, const fhi_record *record)
{
    leaks *all = context;
    uint32_t parent = fhi_parcel_slot(record->parent);
    (void)slot;
    if ((record->flags & FHI_RECORD_BACKED) != 0 && parent < all->slot_count) {
        all->keepers[parent].all++;
        all->keepers[parent].live += is_left(record) ? 1 : 0;
    }
}

/* Who has an owner yet is kept by nobody. */
static bool is_only_kept(const leaks *all, uint32_t slot, const fhi_record *record)
{
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    return all->keepers && slot < all->slot_count && all->keepers[slot].all > 0 &&
           (word & FHI_WORD_REFERENCES) / FHI_WORD_REFERENCE <= all->keepers[slot].all;
}

static void note(void *context, uint32_t slot, const fhi_record *record)
{
    leaks *all = context;
    bool kept = is_only_kept(all, slot, record);
    if (!is_left(record) || (kept && all->keepers[slot].live == 0)) {
        return;
    }
    if (all->told < LEAKS_NAMED) {
        leak *one = &all->named[all->told];
        one->bytes = record->committed;
        one->kept_by = kept ? all->keepers[slot].live : 0;
        one->kind = record->kind;
        one->tag = record->tag;
        fhi_name_copy(one->name, record->name);
    }
    all->told++;
    if (!kept) {
        all->count++;
        all->bytes += record->committed;
    }
}

static void find_keepers(leaks *all)
{
    fhi_core *core = all->core;
    fhi_records_walk(core, &(fhi_walk){NULL, count_backed, all});
    if (all->backed == 0) {
        return;
    }
    all->slot_count = atomic_load(&core->records.high);
    all->keepers = fhi_host_alloc(&core->memory, all->slot_count, sizeof(keepers), 8);
    if (all->keepers) { /* without host memory a kept parcel is told as a leak */
        memset(all->keepers, 0, all->slot_count * sizeof(keepers));
        fhi_records_walk(core, &(fhi_walk){NULL, count_keepers, all});
    }
}

static void report(fhi_core *core, const leak *one)
{
    char name[FH_NAME_SIZE + 3] = ", without a name";
    char tag[FH_NAME_SIZE + 16] = "";

    if (one->name[0]) {
        snprintf(name, sizeof name, " \"%s\"", fhi_name_print(one->name).text);
    }
    if (one->tag != 0) {
        snprintf(tag, sizeof tag, ", tag \"%s\"",
                 fhi_name_print(fh_device_tag_name(&core->root, one->tag)).text);
    }
    if (one->kept_by > 0) {
        fhi_log(&core->log, FH_LOG_WARNING,
                "released, but kept by %" PRIu32 " parcel%s on it: %s%s, %s%s", one->kept_by,
                one->kept_by == 1 ? "" : "s", fhi_kind_name(one->kind), name,
                fhi_size_print(one->bytes).text, tag);
        return;
    }
    fhi_log(&core->log, FH_LOG_WARNING, "never released: %s%s, %s%s", fhi_kind_name(one->kind),
            name, fhi_size_print(one->bytes).text, tag);
}

void fhi_leaks_report(fhi_core *core)
{
    leaks all = {.core = core};

    find_keepers(&all);
    fhi_records_walk(core, &(fhi_walk){NULL, note, &all});
    fhi_host_free(&core->memory, all.keepers, all.slot_count, sizeof(keepers), 8);
    if (all.count == 0) {
        return;
    }
    for (uint64_t i = 0; i < all.told && i < LEAKS_NAMED; i++) {
        report(core, &all.named[i]);
    }
    fhi_log(&core->log, FH_LOG_WARNING,
            "the device is destroyed with %" PRIu64 " parcel%s never released, %s in all%s",
            all.count, all.count == 1 ? "" : "s", fhi_size_print(all.bytes).text,
            all.told > LEAKS_NAMED ? "; the first 64 are named above" : "");
}
