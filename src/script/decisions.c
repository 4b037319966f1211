#include "script/decisions.h"

#include "base/compiler.h"
#include "base/error.h"
#include "script/policy.h"

#include <string.h>

_Static_assert(sizeof(fh_decision) <= FHI_DECISION_WORDS * sizeof(uint64_t), "an entry is enough");

void fhi_decision_log_init(fhi_decision_log *log)
{
    atomic_init(&log->count, 0);
    for (uint32_t i = 0; i < FH_DECISION_LOG; i++) {
        atomic_init(&log->entries[i].stamp, 0);
        for (uint32_t word = 0; word < FHI_DECISION_WORDS; word++) {
            atomic_init(&log->entries[i].words[word], 0);
        }
    }
}

enum {
    USUAL_BYTES = 192 /* of an entry, that are used by most hooks */
};

/* ---- words ---- */

/* An entry that is written, from its beginning. */
typedef struct pen {
    fhi_decision_entry *entry;
    uint32_t at;
} pen;

/* Released: who reads the word sees that the stamp was odd. */
FHI_HOT_INLINE void put(pen *p, uint64_t word)
{
    atomic_store_explicit(&p->entry->words[p->at++], word, memory_order_release);
}

FHI_HOT_INLINE void put_two(pen *p, uint32_t low, uint32_t high)
{
    put(p, low | (uint64_t)high << 32);
}

FHI_HOT_INLINE void put_bytes(pen *p, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (; size > 0;) {
        uint64_t word = 0;
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, from, part);
        put(p, word);
        from += part;
        size -= part;
    }
}

typedef struct lens {
    const fhi_decision_entry *entry;
    uint32_t at;
} lens;

static uint64_t get(lens *l)
{
    return atomic_load_explicit(&l->entry->words[l->at++], memory_order_acquire);
}

static void get_two(lens *l, uint32_t *low, uint32_t *high)
{
    uint64_t word = get(l);
    *low = (uint32_t)word;
    *high = (uint32_t)(word >> 32);
}

static void get_bytes(lens *l, void *bytes, size_t size)
{
    char *to = bytes;
    while (size > 0) {
        uint64_t word = get(l);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(to, &word, part);
        to += part;
        size -= part;
    }
}

/* ---- what a decision has of its own ---- */

FHI_HOT_INLINE void put_head(pen *p, const fhi_decided *decided)
{
    put(p, (uint64_t)decided->hook | (uint64_t)decided->outcome << 8 |
               (uint64_t)decided->script << 16 | (uint64_t)decided->version << 32);
    put_two(p, decided->line, decided->charge);
    put_two(p, decided->time_ns, 0);
    put(p, decided->frame);
    put(p, decided->now_ns);
}

static void get_head(lens *l, fh_decision *out)
{
    uint32_t unused;
    uint64_t word = get(l);
    out->hook = (fh_hook)(word & 0xff);
    out->outcome = (fh_outcome)(word >> 8 & 0xff);
    out->script = (uint32_t)(word >> 16 & 0xff);
    out->version = (uint32_t)(word >> 32);
    get_two(l, &out->line, &out->charge);
    get_two(l, &out->time_ns, &unused);
    out->frame = get(l);
    out->now_ns = get(l);
}

/* ---- requests and verdicts, packed ---- */

FHI_HOT_INLINE void put_request(pen *p, fh_hook hook, const fh_request *request)
{
    put(p, (uint64_t)request->usage | (uint64_t)request->kind << 32 |
               (uint64_t)request->location << 40 | (uint64_t)request->access << 48);
    put_two(p, (uint32_t)request->tag, request->type_mask);
    put(p, request->size_min);
    put(p, request->size_max);
    put(p, request->size);
    put(p, request->alignment);
    put_two(p, request->width, request->height);
    put_two(p, (uint32_t)request->format, request->attempt);
    if (hook == FH_HOOK_RELIEVE) {
        put_two(p, (uint32_t)request->reason, request->tried);
        put_two(p, (uint32_t)request->account.scope, request->account.index);
        put(p, request->shortage);
    }
}

static void get_request(lens *l, fh_decision *out)
{
    uint32_t low, high;
    uint64_t word = get(l);
    out->input.request.usage = (fh_usage)(word & UINT32_MAX);
    out->input.request.kind = (fh_kind)(word >> 32 & 0xff);
    out->input.request.location = (fh_location)(word >> 40 & 0xff);
    out->input.request.access = (fh_access)(word >> 48 & 0xff);
    get_two(l, &low, &out->input.request.type_mask);
    out->input.request.tag = (fh_tag)low;
    out->input.request.size_min = get(l);
    out->input.request.size_max = get(l);
    out->input.request.size = get(l);
    out->input.request.alignment = get(l);
    get_two(l, &out->input.request.width, &out->input.request.height);
    get_two(l, &low, &out->attempt);
    out->input.request.format = (fh_format)low;
    if (out->hook == FH_HOOK_RELIEVE) {
        get_two(l, &low, &out->input.request.tried);
        out->input.request.reason = (fh_result)(int32_t)low;
        get_two(l, &low, &high);
        out->input.request.account = (fh_account){(fh_account_scope)low, high};
        out->input.request.shortage = get(l);
    }
}

enum {
    HAS_DEDICATED = 1,
    HAS_STRATEGY = 2,
    HAS_PRIORITY = 4,
    HAS_WITHIN_BUDGET = 8,
    WITHIN_BUDGET = 16,
    DENY = 32,
    NO_SPILL = 64
};

FHI_HOT_INLINE void put_verdict(pen *p, const fh_verdict *verdict)
{
    uint32_t flags = (verdict->has_dedicated ? HAS_DEDICATED : 0U) |
                     (verdict->has_strategy ? HAS_STRATEGY : 0U) |
                     (verdict->has_priority ? HAS_PRIORITY : 0U) |
                     (verdict->has_within_budget ? HAS_WITHIN_BUDGET : 0U) |
                     (verdict->within_budget ? WITHIN_BUDGET : 0U) | (verdict->deny ? DENY : 0U) |
                     (verdict->no_spill ? NO_SPILL : 0U);
    uint64_t word = flags | (uint64_t)verdict->dedicated << 8 | (uint64_t)verdict->strategy << 16 |
                    (uint64_t)verdict->keep << 24 | (uint64_t)verdict->memory_count << 32;
    for (uint32_t i = 0; i < FH_LOCATION_COUNT; i++) {
        word |= (uint64_t)verdict->memory[i] << (40 + 4 * i);
    }
    uint32_t priority;
    memcpy(&priority, &verdict->priority, sizeof priority);
    put(p, word);
    put_two(p, verdict->type_mask, priority);
}

static void get_verdict(lens *l, fh_verdict *out)
{
    uint32_t priority;
    uint64_t word = get(l);
    out->has_dedicated = (word & HAS_DEDICATED) != 0;
    out->has_strategy = (word & HAS_STRATEGY) != 0;
    out->has_priority = (word & HAS_PRIORITY) != 0;
    out->has_within_budget = (word & HAS_WITHIN_BUDGET) != 0;
    out->within_budget = (word & WITHIN_BUDGET) != 0;
    out->deny = (word & DENY) != 0;
    out->no_spill = (word & NO_SPILL) != 0;
    out->dedicated = (fh_dedicated)(word >> 8 & 0xff);
    out->strategy = (fh_strategy)(word >> 16 & 0xff);
    out->keep = (fh_keep)(word >> 24 & 0xff);
    out->memory_count = (uint32_t)(word >> 32 & 0xff);
    for (uint32_t i = 0; i < FH_LOCATION_COUNT; i++) {
        out->memory[i] = (fh_location)(word >> (40 + 4 * i) & 0xf);
    }
    get_two(l, &out->type_mask, &priority);
    memcpy(&out->priority, &priority, sizeof priority);
}

/* ---- the others, as they are ---- */

static void put_limits(pen *p, const fh_limits *limits)
{
    fh_decision *unused = NULL;
    put(p, limits->total);
    put_bytes(p, limits->heaps, sizeof unused->answer.limits.heaps);
    put_bytes(p, limits->kinds, sizeof unused->answer.limits.kinds);
    put(p, limits->tag_count);
}

static void get_limits(lens *l, fh_decision *out)
{
    out->answer.limits.total = get(l);
    get_bytes(l, out->answer.limits.heaps, sizeof out->answer.limits.heaps);
    get_bytes(l, out->answer.limits.kinds, sizeof out->answer.limits.kinds);
    out->answer.limits.tag_count = (uint32_t)get(l);
}

static void put_input(pen *p, fh_hook hook, const void *input)
{
    switch (hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        put_request(p, hook, input);
        break;
    case FH_HOOK_LIMITS:
        put(p, ((const fh_facts *)input)->used);
        put(p, ((const fh_facts *)input)->limit);
        break;
    case FH_HOOK_FRAME:
        put_bytes(p, input, sizeof(fh_frame_facts));
        break;
    case FH_HOOK_PRESSURE:
        put_bytes(p, input, sizeof(fh_pressure));
        break;
    case FH_HOOK_RETAIN:
        put_bytes(p, input, sizeof(fh_block_facts));
        break;
    case FH_HOOK_RECYCLE:
        put_bytes(p, input, sizeof(fh_recycle_facts));
        break;
    case FH_HOOK_EVICT:
        put(p, ((const fh_candidates *)input)->count);
        put(p, ((const fh_candidates *)input)->wanted);
        break;
    case FH_HOOK_ALIAS:
        put_bytes(p, input, sizeof(fh_alias_facts));
        break;
    case FH_HOOK_DEFRAG:
        put_bytes(p, input, sizeof(fh_defrag_facts));
        break;
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
}

static void get_input(lens *l, fh_decision *out)
{
    switch (out->hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        get_request(l, out);
        break;
    case FH_HOOK_LIMITS:
        out->input.facts.used = get(l);
        out->input.facts.limit = get(l);
        break;
    case FH_HOOK_FRAME:
        get_bytes(l, &out->input.frame, sizeof out->input.frame);
        break;
    case FH_HOOK_PRESSURE:
        get_bytes(l, &out->input.pressure, sizeof out->input.pressure);
        break;
    case FH_HOOK_RETAIN:
        get_bytes(l, &out->input.block, sizeof out->input.block);
        break;
    case FH_HOOK_RECYCLE:
        get_bytes(l, &out->input.cache, sizeof out->input.cache);
        break;
    case FH_HOOK_EVICT:
        out->input.candidates.count = (uint32_t)get(l);
        out->input.candidates.wanted = get(l);
        break;
    case FH_HOOK_ALIAS:
        get_bytes(l, &out->input.graph, sizeof out->input.graph);
        break;
    case FH_HOOK_DEFRAG:
        get_bytes(l, &out->input.gaps, sizeof out->input.gaps);
        break;
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
}

static void put_reliefs(pen *p, const fhi_reliefs *reliefs)
{
    uint32_t count = reliefs->count < FH_RELIEF_MAX ? reliefs->count : FH_RELIEF_MAX;
    put(p, count);
    put_bytes(p, reliefs->list, count * sizeof reliefs->list[0]);
}

static void get_reliefs(lens *l, fh_decision *out)
{
    uint32_t count = (uint32_t)get(l);
    out->answer.reliefs.count = count < FH_RELIEF_MAX ? count : FH_RELIEF_MAX;
    get_bytes(l, out->answer.reliefs.list,
              out->answer.reliefs.count * sizeof out->answer.reliefs.list[0]);
}

static void put_answer(pen *p, fh_hook hook, const void *answer)
{
    switch (hook) {
    case FH_HOOK_PLACE:
        put_verdict(p, answer);
        break;
    case FH_HOOK_RELIEVE:
        put_reliefs(p, answer);
        break;
    case FH_HOOK_LIMITS:
        put_limits(p, answer);
        break;
    case FH_HOOK_FRAME:
        put_bytes(p, answer, sizeof(fh_frame_decision));
        break;
    case FH_HOOK_PRESSURE:
        put_bytes(p, answer, sizeof(fh_pressure_decision));
        break;
    case FH_HOOK_RETAIN:
        put_bytes(p, answer, sizeof(fh_retain_decision));
        break;
    case FH_HOOK_RECYCLE:
        put_bytes(p, answer, sizeof(fh_recycle_decision));
        break;
    case FH_HOOK_EVICT:
        put_two(p, ((const fh_evict_order *)answer)->use_keys ? 1 : 0,
                ((const fh_evict_order *)answer)->column_count);
        break;
    case FH_HOOK_DEFRAG:
        put_bytes(p, answer, sizeof(fh_defrag_decision));
        break;
    case FH_HOOK_ALIAS:
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
}

static void get_answer(lens *l, fh_decision *out)
{
    uint32_t use_keys;
    switch (out->hook) {
    case FH_HOOK_PLACE:
        get_verdict(l, &out->answer.verdict);
        break;
    case FH_HOOK_RELIEVE:
        get_reliefs(l, out);
        break;
    case FH_HOOK_LIMITS:
        get_limits(l, out);
        break;
    case FH_HOOK_FRAME:
        get_bytes(l, &out->answer.frame, sizeof out->answer.frame);
        break;
    case FH_HOOK_PRESSURE:
        get_bytes(l, &out->answer.pressure, sizeof out->answer.pressure);
        break;
    case FH_HOOK_RETAIN:
        get_bytes(l, &out->answer.retain, sizeof out->answer.retain);
        break;
    case FH_HOOK_RECYCLE:
        get_bytes(l, &out->answer.recycle, sizeof out->answer.recycle);
        break;
    case FH_HOOK_EVICT:
        get_two(l, &use_keys, &out->answer.order.column_count);
        out->answer.order.use_keys = use_keys != 0;
        break;
    case FH_HOOK_DEFRAG:
        get_bytes(l, &out->answer.defrag, sizeof out->answer.defrag);
        break;
    case FH_HOOK_ALIAS:
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
}

/* ---- the ring ---- */

/* The ring is longer than a processor's first cache: the entry that comes next is fetched while
 * there is something else to do. */
FHI_HOT_INLINE void fetch(const fhi_decision_entry *entry)
{
    const char *line = (const char *)entry;
    for (size_t at = 0; at < USUAL_BYTES; at += 64) {
        __builtin_prefetch(line + at, 1);
    }
}

uint64_t fhi_decision_log_add(fhi_decision_log *log, const fhi_decided *decided, const void *input,
                              const void *answer)
{
    uint64_t sequence = atomic_fetch_add_explicit(&log->count, 1, memory_order_relaxed) + 1;
    fhi_decision_entry *entry = &log->entries[sequence % FH_DECISION_LOG];
    uint64_t stamp = atomic_load_explicit(&entry->stamp, memory_order_relaxed);
    if (stamp % 2 != 0 || stamp > sequence * 2 ||
        !atomic_compare_exchange_strong_explicit(&entry->stamp, &stamp, sequence * 2 + 1,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return sequence;
    }
    pen p = {entry, 0};
    put_head(&p, decided);
    put_input(&p, decided->hook, input);
    if (decided->outcome == FH_OUTCOME_DECIDED) {
        put_answer(&p, decided->hook, answer);
    }
    atomic_store_explicit(&entry->stamp, sequence * 2, memory_order_release);
    fetch(&log->entries[(sequence + 1) % FH_DECISION_LOG]);
    return sequence;
}

/* False: it is not that decision, or not any more. */
static bool get_one(const fhi_decision_entry *entry, uint64_t sequence, fh_decision *out)
{
    memset(out, 0, sizeof *out);
    if (atomic_load_explicit(&entry->stamp, memory_order_acquire) != sequence * 2) {
        return false;
    }
    /* Whatever is torn stays inside of the entry and of *out. */
    lens l = {entry, 0};
    out->sequence = sequence;
    get_head(&l, out);
    get_input(&l, out);
    if (out->outcome == FH_OUTCOME_DECIDED) {
        get_answer(&l, out);
    }
    return atomic_load_explicit(&entry->stamp, memory_order_relaxed) == sequence * 2;
}

uint32_t fhi_decision_log_get(const fhi_decision_log *log, uint64_t after, fh_decision *out,
                              uint32_t capacity)
{
    uint64_t last = atomic_load_explicit(&log->count, memory_order_acquire);
    uint64_t first = last > FH_DECISION_LOG ? last - FH_DECISION_LOG + 1 : 1;
    uint32_t count = 0;
    if (after >= last) {
        return 0;
    }
    first = after >= first ? after + 1 : first;
    for (uint64_t sequence = first; sequence <= last && count < capacity; sequence++) {
        if (get_one(&log->entries[sequence % FH_DECISION_LOG], sequence, &out[count])) {
            count++;
        }
    }
    return count;
}

fh_result fh_policy_decisions(fh_policy *policy, uint64_t after, fh_decision *out_decisions,
                              uint32_t capacity, uint32_t *out_count)
{
    if (!out_count) {
        return fhi_fail(FH_ERR_INVALID, "out_count: must not be NULL");
    }
    *out_count = 0;
    if (!policy) {
        return fhi_fail(FH_ERR_INVALID, "policy: must not be NULL");
    }
    if (!out_decisions) {
        return fhi_fail(FH_ERR_INVALID, "out_decisions: must not be NULL");
    }
    *out_count = fhi_decision_log_get(&policy->decisions, after, out_decisions, capacity);
    return FH_OK;
}
