/* What was never released, told by name when the device is destroyed: a line for each of the first
 * parcels, and one that sums up. What retires was released and is no leak; staging buffers are our
 * own. */

#include "device/core.h"
#include "device/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    LEAKS_NAMED = 64
};

typedef struct leak {
    uint64_t bytes;
    uint8_t kind;
    fh_tag tag;
    char name[FH_NAME_SIZE];
} leak;

typedef struct leaks {
    uint64_t count, bytes;
    leak named[LEAKS_NAMED];
} leaks;

static void note(void *context, uint32_t slot, const fhi_record *record)
{
    leaks *all = context;
    (void)slot;
    if (record->state != FHI_STATE_LIVE || record->kind == FH_KIND_STAGING ||
        (record->flags & FHI_RECORD_GHOST) != 0) {
        return;
    }
    if (all->count < LEAKS_NAMED) {
        leak *one = &all->named[all->count];
        one->bytes = record->committed;
        one->kind = record->kind;
        one->tag = record->tag;
        fhi_name_copy(one->name, record->name);
    }
    all->count++;
    all->bytes += record->committed;
}

static void report(fhi_core *core, leak *one)
{
    char name[FH_NAME_SIZE + 3] = ", without a name";
    char tag[FH_NAME_SIZE + 16] = "";

    if (one->name[0]) {
        fhi_text_clean(one->name);
        snprintf(name, sizeof name, " \"%s\"", one->name);
    }
    if (one->tag != 0) {
        snprintf(tag, sizeof tag, ", tag \"%s\"", fh_device_tag_name(&core->root, one->tag));
        fhi_text_clean(tag);
    }
    fhi_log(&core->log, FH_LOG_WARNING, "never released: %s%s, %s%s", fhi_kind_name(one->kind),
            name, fhi_size_print(one->bytes).text, tag);
}

void fhi_leaks_report(fhi_core *core)
{
    leaks all = {0};

    fhi_records_walk(core, &(fhi_walk){NULL, note, &all});
    if (all.count == 0) {
        return;
    }
    for (uint64_t i = 0; i < all.count && i < LEAKS_NAMED; i++) {
        report(core, &all.named[i]);
    }
    fhi_log(&core->log, FH_LOG_WARNING,
            "the device is destroyed with %" PRIu64 " parcel%s never released, %s in all%s",
            all.count, all.count == 1 ? "" : "s", fhi_size_print(all.bytes).text,
            all.count > LEAKS_NAMED ? "; the first 64 are named above" : "");
}
