#include "hostile_answer.h"

#include <string.h>

/* ---- answers ---- */

static const char *place_fault(const fh_verdict *verdict)
{
    if (verdict->memory_count > FH_LOCATION_COUNT) {
        return "memory_count";
    }
    for (uint32_t i = 0; i < verdict->memory_count; i++) {
        if ((uint32_t)verdict->memory[i] >= FH_LOCATION_COUNT) {
            return "memory";
        }
    }
    if ((uint32_t)verdict->dedicated > FH_DEDICATED_NEVER ||
        (uint32_t)verdict->strategy > FH_STRATEGY_MIN_OFFSET) {
        return "dedicated or strategy";
    }
    if (!(verdict->priority >= 0 && verdict->priority <= 1)) {
        return "priority";
    }
    return (uint32_t)verdict->keep > FH_KEEP_NEVER ? "keep" : verdict->pool != NULL ? "pool" : NULL;
}

static const char *relieve_fault(const fhi_reliefs *reliefs)
{
    if (reliefs->count > FH_RELIEF_MAX) {
        return "count";
    }
    for (uint32_t i = 0; i < reliefs->count; i++) {
        const fh_relief *relief = &reliefs->list[i];
        if ((uint32_t)relief->action >= FH_RELIEF_COUNT || relief->bytes > INT64_MAX ||
            relief->timeout_ns > 100 * 1000 * 1000) {
            return "an action";
        }
    }
    return NULL;
}

static const char *limits_fault(const fh_limits *limits)
{
    uint64_t most = limits->total;
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        most |= limits->heaps[i];
    }
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        most |= limits->kinds[i];
    }
    if (limits->tag_count > 1024) {
        return "tag_count";
    }
    for (uint32_t i = 0; i < limits->tag_count; i++) {
        most |= limits->tags[i].limit;
    }
    double last = 0;
    for (uint32_t i = 0; i < limits->watermark_count; i++) {
        if (i >= 4 || !(limits->watermarks[i] >= last && limits->watermarks[i] <= 1)) {
            return "watermarks";
        }
        last = limits->watermarks[i];
    }
    return most > INT64_MAX ? "a size" : NULL;
}

static const char *evict_fault(const fh_evict_order *order)
{
    if (order->column_count > 4) {
        return "column_count";
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        if ((uint32_t)order->columns[i].column > FH_EVICT_MADE) {
            return "a column";
        }
    }
    return NULL;
}

static const char *alias_fault(const fh_alias_decision *decision)
{
    bool ends = memchr(decision->strategy, '\0', sizeof decision->strategy) != NULL &&
                memchr(decision->options, '\0', sizeof decision->options) != NULL;
    return ends ? NULL : "a text without an end";
}

static bool bounded_or_none(uint64_t size)
{
    return size <= INT64_MAX || size == UINT64_MAX;
}

const char *hostile_answer_fault(fh_hook hook, const hostile_answer *given)
{
    switch (hook) {
    case FH_HOOK_PLACE:
        return place_fault(&given->verdict);
    case FH_HOOK_RELIEVE:
        return relieve_fault(&given->reliefs);
    case FH_HOOK_LIMITS:
        return limits_fault(&given->limits);
    case FH_HOOK_FRAME:
        return (given->frame.transient_cap | given->frame.evict_cap | given->frame.defrag_cap) >
                       INT64_MAX
                   ? "a size"
                   : NULL;
    case FH_HOOK_PRESSURE:
        return given->pressure.evict_bytes > INT64_MAX ? "evict_bytes" : NULL;
    case FH_HOOK_RECYCLE:
        return bounded_or_none(given->recycle.keep_bytes) ? NULL : "keep_bytes";
    case FH_HOOK_EVICT:
        return evict_fault(&given->order);
    case FH_HOOK_ALIAS:
        return alias_fault(&given->alias);
    case FH_HOOK_DEFRAG:
        return bounded_or_none(given->defrag.bytes) ? NULL : "bytes";
    default:
        return NULL;
    }
}

bool hostile_is_native(fh_hook hook, const hostile_answer *given)
{
    hostile_answer rest = *given;
    if (hook == FH_HOOK_PLACE) {
        rest.verdict.keep = FH_KEEP_RELOAD;
    } else if (hook == FH_HOOK_EVICT) {
        rest.order.keys = NULL;
    }
    const unsigned char *bytes = (const unsigned char *)&rest;
    for (size_t i = 0; i < sizeof rest; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* ---- inputs ---- */

static void sample_request(fh_request *out, bool relieve)
{
    *out = (fh_request){.kind = FH_KIND_TEXTURE,
                        .usage = FH_USAGE_SAMPLED | FH_USAGE_STORAGE,
                        .tag = 7,
                        .tag_name = "terrain",
                        .size_min = 16 << 20,
                        .size_max = (32 << 20) - 1,
                        .size = 20 << 20,
                        .alignment = 256,
                        .type_mask = 5,
                        .width = 2048,
                        .height = 1024,
                        .depth = 1,
                        .layers = 1,
                        .mips = 12,
                        .samples = 1,
                        .priority = 0.5f,
                        .name = "sky"};
    if (relieve) {
        out->reason = FH_ERR_BUDGET;
        out->account = (fh_account){.scope = FH_ACCOUNT_HEAP};
        out->shortage = 1 << 20;
        out->attempt = 2;
        out->tried = 1u << FH_RELIEF_TRIM;
    }
}

static void sample_candidates(fh_candidates *out)
{
    static fh_parcel parcels[HOSTILE_CANDIDATES];
    static float priorities[HOSTILE_CANDIDATES];
    static uint64_t ages[HOSTILE_CANDIDATES], sizes[HOSTILE_CANDIDATES], made[HOSTILE_CANDIDATES];
    static fh_tag tags[HOSTILE_CANDIDATES];
    static fh_kind kinds[HOSTILE_CANDIDATES];
    for (uint32_t i = 0; i < HOSTILE_CANDIDATES; i++) {
        priorities[i] = (float)(i % 5) / 4;
        ages[i] = i % 17;
        sizes[i] = UINT64_C(1000) * i;
        made[i] = 100 - i;
        tags[i] = (fh_tag)(i % 3);
        kinds[i] = (fh_kind)(i % 2);
    }
    *out = (fh_candidates){.count = HOSTILE_CANDIDATES,
                           .parcels = parcels,
                           .priorities = priorities,
                           .ages = ages,
                           .sizes = sizes,
                           .tags = tags,
                           .kinds = kinds,
                           .made = made,
                           .wanted = 1 << 20};
}

const void *hostile_sample(fh_hook hook, hostile_input *out)
{
    memset(out, 0, sizeof *out);
    switch (hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        sample_request(&out->request, hook == FH_HOOK_RELIEVE);
        break;
    case FH_HOOK_FRAME:
        out->frame = (fh_frame_facts){.tick_ns = 16666667, .depth = 2, .refused_count = 1};
        break;
    case FH_HOOK_PRESSURE:
        out->event = (fh_pressure){.account = {.scope = FH_ACCOUNT_TAG, .index = 7},
                                   .fraction = 0.85,
                                   .up = true,
                                   .used = 900,
                                   .limit = 1000};
        break;
    case FH_HOOK_RETAIN:
        out->block = (fh_block_facts){.size = 64 << 20, .empty_ticks = 3, .pool_block_count = 4};
        break;
    case FH_HOOK_RECYCLE:
        out->pool = (fh_recycle_facts){.kind = FH_KIND_BUFFER, .count = 9, .bytes = 1 << 20};
        break;
    case FH_HOOK_EVICT:
        sample_candidates(&out->candidates);
        break;
    case FH_HOOK_ALIAS:
        out->graph = (fh_alias_facts){.item_count = 30, .pass_count = 9, .bytes = 1 << 30};
        break;
    case FH_HOOK_DEFRAG:
        out->gaps = (fh_defrag_facts){.size = 64 << 20, .used = 1 << 20, .movable_count = 3};
        break;
    default:
        return NULL;
    }
    return out;
}

void hostile_sample_facts(fh_facts *out)
{
    *out =
        (fh_facts){.frame = 100, .now_ns = 5000000000, .used = 700, .limit = 1000, .heap_count = 2};
    out->heaps[0] = (fh_heap_facts){.size = UINT64_C(8) << 30,
                                    .used = UINT64_C(1) << 30,
                                    .limit = UINT64_C(7) << 30,
                                    .os_budget = UINT64_C(7) << 30,
                                    .os_usage = UINT64_C(2) << 30,
                                    .unaccounted = UINT64_C(1) << 30,
                                    .headroom = UINT64_C(6) << 30,
                                    .device_local = true};
    out->heaps[1] = (fh_heap_facts){.size = UINT64_C(16) << 30, .limit = UINT64_MAX};
}
