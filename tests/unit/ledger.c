#include "ledger.h"

#include "ledger_deeds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The sentence of a fault; one is enough. */
const char *ledger_say(const char *format, ...)
{
    static char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return sentence;
}

const char *ledger_unexpected(const char *call, fh_result result)
{
    return ledger_say("%s: %s, %s", call, fh_result_name(result), fh_error_detail());
}

/* ---- opening ---- */

const char *ledger_open(ledger *l, const fh_backend_ops *ops)
{
    memset(l, 0, sizeof *l);
    test_memory_init(&l->memory);
    card_small(&l->card);
    /* One heap, and types that can all be mapped: so all bytes can be seen. */
    fh_profile *profile = &l->card.profile;
    const fh_memory_flags visible = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
    profile->heap_count = 1;
    profile->heaps[0] = (fh_heap_info){MIB(8), true};
    profile->type_count = 2;
    profile->types[0] = (fh_memory_type_info){0, FH_MEMORY_DEVICE_LOCAL | visible};
    profile->types[1] = (fh_memory_type_info){0, visible | FH_MEMORY_HOST_CACHED};
    profile->granularity = 1024;
    profile->texture_alignment = 256;
    profile->queue_count = 1;
    l->card.desc.block_size = MIB(1);
    l->card.desc.retain_ticks = 8;
    l->card.desc.memory = &l->memory.host;
    l->card.desc.ops = ops;
    if (card_open(&l->card) != FH_OK) {
        return ledger_say("open: %s", fh_error_detail());
    }
    fh_device *device = l->card.device;
    static const char *const names[LEDGER_TAGS] = {NULL, "grass", "water", "stone"};
    for (uint32_t i = 1; i < LEDGER_TAGS; i++) {
        if (fh_device_tag(device, names[i], &l->tags[i]) != FH_OK) {
            return ledger_say("tag: %s", fh_error_detail());
        }
    }
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        if (fh_queue_add(device, "ours", &l->queues[i]) != FH_OK) {
            return ledger_say("queue: %s", fh_error_detail());
        }
    }
    static const fh_pool_desc pools[LEDGER_POOLS] = {
        {.block_size = KIB(256), .block_count_max = 3},
        {.algorithm = FH_BLOCK_LINEAR, .block_size = KIB(64), .block_count_max = 2}};
    for (uint32_t i = 0; i < LEDGER_POOLS; i++) {
        if (fh_pool_create(device, &pools[i], &l->pools[i]) != FH_OK) {
            return ledger_say("pool: %s", fh_error_detail());
        }
    }
    return NULL;
}

/* ---- what retires ---- */

bool ledger_is_pending(const ledger *l, const ledger_entry *entry)
{
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        if (!l->lost && entry->uses[i] > l->passed[i]) {
            return true;
        }
    }
    return false;
}

static bool is_retiring(const ledger *l, const ledger_entry *entry)
{
    return entry->references == 0 && entry->items == 0 && ledger_is_pending(l, entry);
}

/* What waits for nothing any more is gone; and then, perhaps, what it lay on. */
static void settle(ledger *l)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
            ledger_entry *entry = &l->entries[i];
            if (entry->parcel.id == 0 || entry->references > 0 || entry->items > 0 ||
                ledger_is_pending(l, entry)) {
                continue;
            }
            if (entry->backing > 0) {
                l->entries[entry->backing - 1].items--;
            }
            if (entry->kind == FH_KIND_EXTERNAL) {
                l->released_externals++;
            }
            l->stale[l->stale_count++ % LEDGER_STALE] = entry->parcel;
            *entry = (ledger_entry){0};
            again = true;
        }
    }
}

/* ---- comparing ---- */

typedef struct sums {
    uint64_t used, count, retiring;
} sums;

static const char *compare_account(ledger *l, uint32_t place, fh_account_scope scope,
                                   uint32_t index, const sums *expected)
{
    fh_account_info info = card_account(&l->card, scope, index);
    if (expected != NULL && (info.used != expected->used || info.count != expected->count ||
                             info.retiring != expected->retiring)) {
        return ledger_say("account %s: %" PRIu64 " bytes of %" PRIu64 " parcels, %" PRIu64
                          " retiring; should be %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                          info.name, info.used, info.count, info.retiring, expected->used,
                          expected->count, expected->retiring);
    }
    if (info.used > info.limit && info.used > l->before[place]) {
        return ledger_say("account %s grew to %" PRIu64 ", above its limit %" PRIu64, info.name,
                          info.used, info.limit);
    }
    if (info.peak < info.used) {
        return ledger_say("account %s: the peak is below what is used", info.name);
    }
    l->before[place] = info.used;
    return NULL;
}

static const char *compare(ledger *l)
{
    sums kinds[FH_KIND_COUNT] = {0};
    sums tags[LEDGER_TAGS] = {0};
    sums all = {0};
    uint64_t retiring_count = 0;
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        const ledger_entry *entry = &l->entries[i];
        if (entry->parcel.id == 0) {
            continue;
        }
        uint64_t retiring = is_retiring(l, entry) ? entry->reserved : 0;
        retiring_count += is_retiring(l, entry);
        sums *both[2] = {&kinds[entry->kind], NULL};
        for (uint32_t t = 1; t < LEDGER_TAGS; t++) {
            both[1] = entry->tag == l->tags[t] ? &tags[t] : both[1];
        }
        for (int b = 0; b < 2; b++) {
            if (both[b] != NULL) {
                both[b]->used += entry->reserved;
                both[b]->count++;
                both[b]->retiring += retiring;
            }
        }
        all.count++;
    }
    const char *fault = compare_account(l, 0, FH_ACCOUNT_TOTAL, 0, NULL);
    fault = fault != NULL ? fault : compare_account(l, 1, FH_ACCOUNT_HEAP, 0, NULL);
    for (uint32_t i = 0; i < FH_KIND_COUNT && fault == NULL; i++) {
        fault =
            i == FH_KIND_STAGING ? NULL : compare_account(l, 2 + i, FH_ACCOUNT_KIND, i, &kinds[i]);
    }
    for (uint32_t i = 1; i < LEDGER_TAGS && fault == NULL; i++) {
        fault = compare_account(l, 2 + FH_KIND_COUNT + i, FH_ACCOUNT_TAG, l->tags[i], &tags[i]);
    }
    if (fault != NULL) {
        return fault;
    }
    fh_device_stats stats = card_stats(&l->card);
    uint64_t staging = card_account(&l->card, FH_ACCOUNT_KIND, FH_KIND_STAGING).count;
    if (stats.parcel_count != all.count + staging) {
        return ledger_say("%" PRIu64 " parcels, and there are %" PRIu64, stats.parcel_count,
                          all.count);
    }
    if (stats.retiring_count != retiring_count) {
        return ledger_say("%" PRIu64 " parcels retire, and should %" PRIu64, stats.retiring_count,
                          retiring_count);
    }
    if (l->destroyed != l->released_externals) {
        return "an external parcel was not destroyed when it was released, or twice";
    }
    return card_audit(&l->card);
}

/* ---- steps ---- */

const char *ledger_step(ledger *l, const ledger_source *source, bool wild)
{
    uint64_t which = source->next(source->context, LEDGER_DEEDS - (wild ? 0 : 2));
    const char *fault = ledger_deeds[which](l, source);
    if (fault != NULL) {
        return fault;
    }
    fh_result result = fh_device_poll(l->card.device);
    if (result != (l->lost ? FH_ERR_DEVICE_LOST : FH_OK)) {
        return ledger_unexpected("poll", result);
    }
    settle(l);
    return compare(l);
}

const char *ledger_close(ledger *l)
{
    ledger_calm(l);
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        ledger_entry *entry = &l->entries[i];
        while (entry->parcel.id != 0 && entry->references > 0) {
            fh_result result = fh_parcel_release(l->card.device, entry->parcel);
            if (result != FH_OK) {
                return ledger_unexpected("release", result);
            }
            entry->references--;
        }
    }
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        l->passed[i] = UINT64_MAX;
        fh_queue_signal(l->card.device, l->queues[i], UINT64_MAX);
    }
    fh_device_poll(l->card.device);
    settle(l);
    const char *fault = compare(l);
    for (uint32_t i = 0; i < LEDGER_POOLS && fault == NULL; i++) {
        fh_result result = fh_pool_destroy(l->pools[i]);
        fault = result == FH_OK ? NULL : ledger_unexpected("pool_destroy", result);
    }
    fault = fault != NULL ? fault : card_empty(&l->card);
    fault = fault != NULL ? fault : card_close(&l->card);
    if (fault == NULL) {
        test_memory_finish(&l->memory); /* aborts when something leaked */
    }
    return fault;
}
