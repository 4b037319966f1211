#include "card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and closing ---- */

static void note(void *context, fh_log_level level, const char *message)
{
    card *c = context;
    if (level != FH_LOG_INFO) {
        atomic_fetch_add(&c->complaints, 1);
        snprintf(c->complaint, sizeof c->complaint, "%s", message);
    }
    if (strstr(message, "simulated device closed") != NULL) {
        atomic_fetch_add(&c->left_open, 1);
    }
}

static void prepare(card *c)
{
    c->simulated.profile = &c->profile;
    c->log = (fh_log){note, c};
    c->desc.config = &c->simulated;
    c->desc.log = &c->log;
}

void card_small(card *c)
{
    memset(c, 0, sizeof *c);
    c->profile = (fh_profile){
        .name = "small",
        .heap_count = 2,
        .heaps = {{MIB(64), true}, {MIB(32), false}},
        .type_count = 3,
        .types = {{0, FH_MEMORY_DEVICE_LOCAL},
                  {1, FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT},
                  {1, FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT | FH_MEMORY_HOST_CACHED}},
        .os_budget = {GIB(1), GIB(1)},
        .queue_count = 2,
    };
    c->desc.block_size = MIB(8);
    prepare(c);
}

void card_builtin(card *c, const char *name)
{
    memset(c, 0, sizeof *c);
    const fh_profile *profile = fh_profile_find(name);
    if (profile == NULL) {
        fprintf(stderr, "there is no profile %s\n", name);
        abort();
    }
    c->profile = *profile;
    prepare(c);
}

fh_result card_open(card *c)
{
    prepare(c);
    fh_result result = fh_device_create(&c->desc, &c->device);
    c->backend = fh_device_backend(c->device);
    return result;
}

const char *card_close(card *c)
{
    fh_device_destroy(c->device);
    c->device = NULL;
    c->backend = NULL;
    return atomic_load(&c->left_open) != 0 ? "the backend was closed with something alive" : NULL;
}

/* ---- looking at it ---- */

fh_account_info card_account(const card *c, fh_account_scope scope, uint32_t index)
{
    fh_account_info info;
    if (fh_device_account(c->device, (fh_account){scope, index}, &info) != FH_OK) {
        fprintf(stderr, "account %d %u: %s\n", (int)scope, (unsigned int)index, fh_error_detail());
        abort();
    }
    return info;
}

uint64_t card_used(const card *c, fh_account_scope scope, uint32_t index)
{
    return card_account(c, scope, index).used;
}

fh_device_stats card_stats(const card *c)
{
    fh_device_stats stats;
    if (fh_device_get_stats(c->device, &stats) != FH_OK) {
        fprintf(stderr, "stats: %s\n", fh_error_detail());
        abort();
    }
    return stats;
}

uint64_t card_calls(const card *c, fh_backend_call call)
{
    return fh_simulated_calls(c->backend, call);
}

static void add(fh_memory_stats *sum, const fh_memory_stats *one)
{
    sum->stats.block_count += one->stats.block_count;
    sum->stats.block_bytes += one->stats.block_bytes;
    sum->stats.range_count += one->stats.range_count;
    sum->stats.range_bytes += one->stats.range_bytes;
    sum->dedicated_count += one->dedicated_count;
    sum->retiring_bytes += one->retiring_bytes;
}

static bool same(const fh_memory_stats *a, const fh_memory_stats *b)
{
    return a->stats.block_count == b->stats.block_count &&
           a->stats.block_bytes == b->stats.block_bytes &&
           a->stats.range_count == b->stats.range_count &&
           a->stats.range_bytes == b->stats.range_bytes &&
           a->dedicated_count == b->dedicated_count && a->retiring_bytes == b->retiring_bytes;
}

static const char *audit_statistics(const fh_adapter_info *adapter, const fh_device_stats *stats)
{
    fh_memory_stats heaps[FH_HEAP_MAX] = {0};
    fh_memory_stats total = {0};
    for (uint32_t i = 0; i < adapter->type_count; i++) {
        add(&heaps[adapter->types[i].heap], &stats->types[i]);
    }
    for (uint32_t i = 0; i < adapter->heap_count; i++) {
        if (!same(&heaps[i], &stats->heaps[i])) {
            return "statistics: a heap is not the sum of its types";
        }
        add(&total, &heaps[i]);
    }
    return same(&total, &stats->total) ? NULL : "statistics: the total is not the sum of heaps";
}

static const char *audit_heap_accounts(const card *c, const fh_adapter_info *adapter,
                                       const fh_device_stats *stats)
{
    uint64_t sum = 0;
    uint64_t count = 0;
    for (uint32_t i = 0; i < adapter->heap_count; i++) {
        fh_account_info heap = card_account(c, FH_ACCOUNT_HEAP, i);
        if (!c->imports && heap.used != stats->heaps[i].stats.block_bytes) {
            return "a heap's account does not count the bytes of its blocks";
        }
        if (!c->imports && heap.count != stats->heaps[i].stats.block_count) {
            return "a heap's account does not count its driver allocations";
        }
        if (heap.peak < heap.used) {
            return "a heap's peak is below what is used";
        }
        sum += heap.used;
        count += heap.count;
    }
    fh_account_info total = card_account(c, FH_ACCOUNT_TOTAL, 0);
    if (total.used != sum || total.count != count) {
        return "the total account is not the sum of the heaps";
    }
    return NULL;
}

static const char *audit_use_accounts(const card *c, const fh_device_stats *stats)
{
    uint64_t used = 0;
    uint64_t count = 0;
    uint64_t retiring = 0;
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        fh_account_info kind = card_account(c, FH_ACCOUNT_KIND, i);
        if (kind.peak < kind.used || kind.retiring > kind.used) {
            return "a kind's account contradicts itself";
        }
        used += kind.used;
        count += kind.count;
        retiring += kind.retiring;
    }
    if (used != stats->total.stats.range_bytes + stats->external_bytes) {
        return "the kinds' accounts are not the sum of ranges and external bytes";
    }
    if (retiring < stats->total.retiring_bytes) {
        return "the kinds' accounts have less retiring than the memory types";
    }
    return count == stats->parcel_count ? NULL : "the kinds' accounts do not count the parcels";
}

const char *card_audit(const card *c)
{
    const fh_adapter_info *adapter = fh_device_adapter(c->device);
    fh_device_stats stats = card_stats(c);
    uint64_t memories;
    uint64_t bytes;
    uint64_t objects;
    fh_simulated_live(c->backend, &memories, &bytes, &objects);
    if (memories != stats.total.stats.block_count || bytes != stats.total.stats.block_bytes) {
        return "statistics do not count what the backend says lives";
    }
    if (stats.driver_alloc_count - stats.driver_free_count != memories) {
        return "driver_alloc_count and driver_free_count do not agree with what lives";
    }
    const char *fault = audit_statistics(adapter, &stats);
    fault = fault != NULL ? fault : audit_heap_accounts(c, adapter, &stats);
    return fault != NULL ? fault : audit_use_accounts(c, &stats);
}

/* Staging is kept for a while after its last use. */
static void give_back(card *c)
{
    uint64_t memories = 1;
    uint64_t bytes;
    uint64_t objects = 1;
    fh_device_wait_idle(c->device, 5 * SECOND_NS);
    for (int i = 0; i < 200 && (memories > 0 || objects > 0); i++) {
        fh_device_tick(c->device);
        fh_device_trim(c->device, NULL);
        fh_simulated_live(c->backend, &memories, &bytes, &objects);
    }
}

const char *card_empty(card *c)
{
    give_back(c);
    uint64_t memories;
    uint64_t bytes;
    uint64_t objects;
    fh_simulated_live(c->backend, &memories, &bytes, &objects);
    if (objects != 0) {
        return "objects are left at the backend";
    }
    if (memories != 0 || bytes != 0) {
        return "memory is left at the backend";
    }
    fh_device_stats stats = card_stats(c);
    if (stats.parcel_count != 0 || stats.retiring_count != 0 || stats.external_bytes != 0 ||
        stats.committed_bytes != 0) {
        return "parcels are left, or still retire";
    }
    if (stats.total.stats.range_count != 0 || stats.total.stats.range_bytes != 0 ||
        stats.total.retiring_bytes != 0) {
        return "ranges are left in the statistics";
    }
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        fh_account_info kind = card_account(c, FH_ACCOUNT_KIND, i);
        if (kind.used != 0 || kind.count != 0 || kind.retiring != 0) {
            return "a kind's account did not return to zero";
        }
    }
    fh_account_info tag;
    for (uint32_t i = 1;
         fh_device_account(c->device, (fh_account){FH_ACCOUNT_TAG, i}, &tag) == FH_OK; i++) {
        if (tag.used != 0 || tag.count != 0 || tag.retiring != 0) {
            return "a tag's account did not return to zero";
        }
    }
    return card_audit(c);
}
