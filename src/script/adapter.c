/* The policy as the device sees it: a table of hooks (policy.h), each of which asks the scripts.
 *
 * Of several scripts the first that decides wins; `frame` and `pressure` run in all of them, since
 * they keep state, and what they say is taken together; of limits the strictest holds.
 *
 * Whatever goes wrong in a script, its answer is "no opinion", and that is said and counted. For
 * `place` it is also not kept, so that the next request of that class asks again, until the hook is
 * in quarantine: then the native verdict is kept until there is a new version.
 *
 * Limits fail closed: of each script the last ones that were accepted stay, unless a version says
 * something else, or says nothing when it is first asked, or has no such hook. Of a policy that is
 * new these are, until it is asked, what it said when it was tried. */

#include "script/device.h"
#include "script/policy.h"

#include <stdio.h>
#include <string.h>

/* ---- one script ---- */

/* Under the latch there is one writer. */
static void add(_Atomic uint64_t *counter, uint64_t value)
{
    uint64_t sum = atomic_load_explicit(counter, memory_order_relaxed) + value;
    atomic_store_explicit(counter, sum, memory_order_relaxed);
}

static uint32_t number_of(const fhi_edition *edition)
{
    return atomic_load_explicit(&edition->number, memory_order_relaxed);
}

static bool is_failure(fh_outcome outcome)
{
    return outcome == FH_OUTCOME_FAILED || outcome == FH_OUTCOME_STOPPED;
}

static void count_call(fhi_edition *edition, const fhi_decided *head)
{
    fhi_hook_counts *counts = &edition->counts[head->hook];
    add(&edition->entered, 1);
    add(&counts->calls, 1);
    add(&counts->charge, head->charge);
    add(&counts->time_ns, head->time_ns);
    if (head->outcome == FH_OUTCOME_DECIDED) {
        add(&counts->decided, 1);
    }
}

/* What is to be said of a failure once the latch is given back. */
typedef struct failure {
    bool tell;       /* the hook's first failure of that version */
    bool quarantine; /* and this was one too many */
    uint32_t number;
    char name[64];
} failure;

FHI_COLD void count_failure(fhi_edition *edition, fh_hook hook, failure *out_trouble)
{
    uint32_t bit = UINT32_C(1) << hook;
    add(&edition->counts[hook].failed, 1);
    edition->failures[hook]++;
    out_trouble->tell = (edition->told & bit) == 0;
    out_trouble->quarantine = edition->failures[hook] == FHI_FAILURES_MAX;
    out_trouble->number = number_of(edition);
    memcpy(out_trouble->name, edition->name, sizeof out_trouble->name);
    edition->told |= bit;
    if (out_trouble->quarantine) {
        atomic_fetch_or_explicit(&edition->quarantined, bit, memory_order_relaxed);
    }
}

FHI_COLD void tell_failure(fhi_script *script, fh_hook hook, const failure *trouble,
                           const fhi_report *report)
{
    fh_policy *policy = script->policy;
    fhi_script_keep_error(script, report);
    if (trouble->tell) {
        char first[160];
        snprintf(first, sizeof first, "%s: %s failed in version %u; the native rule decides",
                 trouble->name, fh_hook_name(hook), trouble->number);
        fhi_scripts_say_report(policy, FH_LOG_WARNING, first, report);
    }
    if (trouble->quarantine) {
        fhi_scripts_say(policy, FH_LOG_ERROR,
                        "%s: %s failed %d times in a row: it is in quarantine, and the native rule "
                        "decides, until there is a new version",
                        trouble->name, fh_hook_name(hook), FHI_FAILURES_MAX);
    }
}

/* Somebody watches. */
FHI_COLD void tell(fh_device *device, const fhi_decided *head, uint64_t sequence, const char *name,
                   const void *shown)
{
    fh_decided decided = {.hook = head->hook,
                          .outcome = head->outcome,
                          .script = head->script,
                          .version = head->version,
                          .line = head->line,
                          .charge = head->charge,
                          .time_ns = head->time_ns,
                          .sequence = sequence};
    fh_event event = {.decided = &decided, .name = name};
    if (head->hook == FH_HOOK_PLACE || head->hook == FH_HOOK_RELIEVE) {
        const fh_request *request = shown;
        decided.usage = request->usage;
        decided.size_min = request->size_min;
        decided.size_max = request->size_max;
        event.parcel_kind = request->kind;
        event.tag = request->tag;
        event.bytes = request->size;
    }
    fhi_device_tell_decided(device, &event);
}

/* Into the log, and to who watches; `name` is what the script called itself. */
static void log_decision(fh_policy *policy, const fhi_decided *head, const char *name,
                         const void *shown, const void *answer)
{
    uint64_t sequence = fhi_decision_log_add(&policy->decisions, head, shown, answer);
    fh_device *device = atomic_load_explicit(&policy->device, memory_order_relaxed);
    if (FHI_UNLIKELY(fhi_device_watches_decisions(device))) {
        tell(device, head, sequence, name, shown);
    }
}

FHI_COLD fh_outcome note_busy(fhi_script *script, fhi_decided *head, const void *input)
{
    head->outcome = FH_OUTCOME_BUSY;
    atomic_fetch_add_explicit(&script->busy[head->hook], 1, memory_order_relaxed);
    log_decision(script->policy, head, NULL, input, NULL);
    return FH_OUTCOME_BUSY;
}

void fhi_script_hold_limits(fhi_script *script, fh_outcome outcome, const fh_limits *limits)
{
    fhi_held_limits *held = &script->held;
    bool decided = outcome == FH_OUTCOME_DECIDED;
    if (!decided && !(outcome == FH_OUTCOME_NOTHING && held->fresh)) {
        return;
    }
    memset(held, 0, sizeof *held);
    if (!decided) {
        return;
    }
    held->any = true;
    held->limits = *limits;
    for (uint32_t i = 0; i < limits->tag_count; i++) {
        fh_tag tag = limits->tags[i].tag;
        uint64_t limit = limits->tags[i].limit;
        if (tag != 0 && tag < FHI_TAGS && limit != 0 &&
            (held->tags[tag] == 0 || limit < held->tags[tag])) {
            held->tags[tag] = limit;
        }
    }
    held->limits.tags = NULL;
    held->limits.tag_count = 0;
}

static bool is_asked(const fhi_edition *edition, uint32_t bit, fh_outcome *out_silent)
{
    bool has = (atomic_load_explicit(&edition->hooks, memory_order_relaxed) & bit) != 0;
    *out_silent = has ? FH_OUTCOME_QUARANTINED : FH_OUTCOME_NOTHING;
    return has && (atomic_load_explicit(&edition->quarantined, memory_order_relaxed) & bit) == 0;
}

/* Ask one script. `input` is as in fhi_engine.call; the log has `shown` instead. */
static fh_outcome ask(fhi_script *script, fh_hook hook, const void *input, const void *shown,
                      const fh_facts *facts, void *out_answer)
{
    fh_policy *policy = script->policy;
    uint32_t bit = UINT32_C(1) << hook;
    const fhi_edition *now = atomic_load_explicit(&script->current, memory_order_acquire);
    fh_outcome silent;
    if (!is_asked(now, bit, &silent)) {
        return silent;
    }
    fhi_samples_note(&policy->samples, hook, input, facts);

    fhi_decided head = {.hook = hook,
                        .frame = facts->frame,
                        .now_ns = facts->now_ns,
                        .script = script->index,
                        .version = number_of(now)};
    fhi_edition *edition = fhi_script_enter(script, FHI_ENTRY_WAIT_NS);
    if (!edition) {
        return note_busy(script, &head, shown);
    }
    /* There may have been a new version since, or failures while we waited. */
    if (!is_asked(edition, bit, &head.outcome)) {
        fhi_edition_leave(edition);
        return head.outcome;
    }
    fhi_report report;
    report.text[0] = '\0';
    fhi_call call = {.report = &report};
    uint64_t began = fhi_stopwatch_count();
    head.outcome = policy->engine->call(edition->version, hook, input, facts, out_answer, &call);
    head.time_ns = fhi_stopwatch_ns(&policy->stopwatch, began);
    head.version = number_of(edition);
    head.line = call.line;
    head.charge = call.charge;
    count_call(edition, &head);
    failure trouble = {0};
    bool failed = is_failure(head.outcome);
    if (FHI_UNLIKELY(failed)) {
        if (report.text[0] == '\0') {
            fhi_report_write(&report, "%s: it failed", fh_hook_name(hook));
        }
        count_failure(edition, hook, &trouble);
    } else {
        edition->failures[hook] = 0;
    }
    if (hook == FH_HOOK_LIMITS) {
        fhi_script_hold_limits(script, head.outcome, out_answer);
    } else if (hook == FH_HOOK_FRAME || hook == FH_HOOK_PRESSURE) {
        atomic_store_explicit(&edition->serial, policy->engine->state_serial(edition->version),
                              memory_order_relaxed);
    }
    char name[sizeof edition->name];
    memcpy(name, edition->name, sizeof name); /* it may be another version's in a moment */
    fhi_edition_leave(edition);

    fh_outcome outcome = head.outcome;
    log_decision(policy, &head, name, shown, out_answer);
    if (FHI_UNLIKELY(failed)) {
        tell_failure(script, hook, &trouble, &report);
    }
    return outcome;
}

/* The first that decides; what the others wrote is wiped. */
static bool ask_in_turn(fh_policy *policy, fh_hook hook, const void *input, const fh_facts *facts,
                        void *out_answer, size_t size)
{
    for (uint32_t i = 0; i < policy->script_count; i++) {
        if (ask(&policy->scripts[i], hook, input, input, facts, out_answer) == FH_OUTCOME_DECIDED) {
            return true;
        }
        memset(out_answer, 0, size);
    }
    return false;
}

/* ---- inside requests ---- */

/* But for how long that is kept: then the next script is asked. */
static bool says_nothing(const fh_verdict *verdict)
{
    return verdict->memory_count == 0 && verdict->type_mask == 0 && !verdict->has_dedicated &&
           !verdict->has_strategy && !verdict->has_priority && !verdict->has_within_budget &&
           !verdict->pool && !verdict->deny && !verdict->no_spill;
}

static bool place(void *context, const fh_request *request, const fh_facts *facts,
                  fh_verdict *out_verdict)
{
    fh_policy *policy = context;
    fh_keep keep = FH_KEEP_RELOAD;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fh_outcome outcome =
            ask(&policy->scripts[i], FH_HOOK_PLACE, request, request, facts, out_verdict);
        /* What one script's silence depends on, all that follows depends on. */
        if (out_verdict->keep > keep) {
            keep = out_verdict->keep;
        }
        if (outcome == FH_OUTCOME_DECIDED && !says_nothing(out_verdict)) {
            out_verdict->keep = keep;
            return true;
        }
        if (outcome == FH_OUTCOME_BUSY || is_failure(outcome)) {
            keep = FH_KEEP_NEVER;
        }
        memset(out_verdict, 0, sizeof *out_verdict);
    }
    out_verdict->keep = keep;
    return false;
}

static uint32_t relieve(void *context, const fh_request *request, const fh_facts *facts,
                        fh_relief out_reliefs[FH_RELIEF_MAX])
{
    fhi_reliefs reliefs = {0};
    if (!ask_in_turn(context, FH_HOOK_RELIEVE, request, facts, &reliefs, sizeof reliefs)) {
        return 0;
    }
    memcpy(out_reliefs, reliefs.list, sizeof reliefs.list);
    return reliefs.count;
}

/* ---- limits ---- */

static void take_stricter(uint64_t *limit, uint64_t other)
{
    if (other != 0 && (*limit == 0 || other < *limit)) {
        *limit = other;
    }
}

/* False: there is no room. */
static bool add_watermark(fh_limits *limits, double mark)
{
    uint32_t at = 0, count = limits->watermark_count;
    uint32_t most = sizeof limits->watermarks / sizeof limits->watermarks[0];
    while (at < count && limits->watermarks[at] < mark) {
        at++;
    }
    if (at < count && !(limits->watermarks[at] > mark)) {
        return true;
    }
    if (count == most) {
        return false;
    }
    memmove(&limits->watermarks[at + 1], &limits->watermarks[at],
            (count - at) * sizeof limits->watermarks[0]);
    limits->watermarks[at] = mark;
    limits->watermark_count++;
    return true;
}

static void merge_limits(fh_policy *policy, fh_limits *out)
{
    uint64_t tags[FHI_TAGS] = {0};
    bool lost = false;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        const fhi_held_limits *held = &policy->scripts[i].held;
        const fh_limits *limits = &held->limits;
        if (!held->any) {
            continue;
        }
        take_stricter(&out->total, limits->total);
        for (uint32_t heap = 0; heap < FH_HEAP_MAX; heap++) {
            take_stricter(&out->heaps[heap], limits->heaps[heap]);
        }
        for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
            take_stricter(&out->kinds[kind], limits->kinds[kind]);
        }
        for (fh_tag tag = 1; tag < FHI_TAGS; tag++) {
            take_stricter(&tags[tag], held->tags[tag]);
        }
        for (uint32_t mark = 0; mark < limits->watermark_count; mark++) {
            lost = !add_watermark(out, limits->watermarks[mark]) || lost;
        }
    }
    for (fh_tag tag = 1; tag < FHI_TAGS; tag++) {
        if (tags[tag] != 0) {
            policy->merged[out->tag_count++] = (struct fh_tag_limit){tag, tags[tag]};
        }
    }
    out->tags = out->tag_count > 0 ? policy->merged : NULL;
    if (lost && !policy->marks_told) {
        policy->marks_told = true;
        fhi_scripts_say(
            policy, FH_LOG_WARNING,
            "%s: its scripts name more than 4 watermarks; those of the first ones count",
            policy->name);
    }
}

static bool limits(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    fh_policy *policy = context;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fhi_script *script = &policy->scripts[i];
        const fhi_edition *now = atomic_load_explicit(&script->current, memory_order_acquire);
        uint32_t hooks = atomic_load_explicit(&now->hooks, memory_order_relaxed);
        fh_limits answer;
        if ((hooks >> FH_HOOK_LIMITS & 1) == 0) {
            memset(&script->held, 0, sizeof script->held);
        } else {
            memset(&answer, 0, sizeof answer);
            ask(script, FH_HOOK_LIMITS, NULL, facts, facts, &answer);
        }
    }
    merge_limits(policy, out_limits);
    return true;
}

/* ---- in every script ---- */

static void take_first(uint64_t *value, uint64_t other)
{
    *value = *value != 0 ? *value : other;
}

static bool frame(void *context, const fh_frame_facts *input, const fh_facts *facts,
                  fh_frame_decision *out)
{
    fh_policy *policy = context;
    bool decided = false;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fh_frame_decision one = {0};
        if (ask(&policy->scripts[i], FH_HOOK_FRAME, input, input, facts, &one) !=
            FH_OUTCOME_DECIDED) {
            continue;
        }
        decided = true;
        out->depth = out->depth != 0 ? out->depth : one.depth;
        take_first(&out->transient_cap, one.transient_cap);
        take_first(&out->evict_cap, one.evict_cap);
        take_first(&out->defrag_cap, one.defrag_cap);
        out->forget = out->forget || one.forget;
        out->limits = out->limits || one.limits;
    }
    return decided;
}

static bool pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                     fh_pressure_decision *out)
{
    fh_policy *policy = context;
    bool decided = false;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fh_pressure_decision one = {0};
        if (ask(&policy->scripts[i], FH_HOOK_PRESSURE, event, event, facts, &one) !=
            FH_OUTCOME_DECIDED) {
            continue;
        }
        decided = true;
        out->forget = out->forget || one.forget;
        out->limits = out->limits || one.limits;
        out->trim = out->trim || one.trim;
        out->evict_bytes = one.evict_bytes > out->evict_bytes ? one.evict_bytes : out->evict_bytes;
    }
    return decided;
}

/* ---- the first that decides ---- */

static bool retain(void *context, const fh_block_facts *block, const fh_facts *facts,
                   fh_retain_decision *out)
{
    return ask_in_turn(context, FH_HOOK_RETAIN, block, facts, out, sizeof *out);
}

static bool recycle(void *context, const fh_recycle_facts *cache, const fh_facts *facts,
                    fh_recycle_decision *out)
{
    return ask_in_turn(context, FH_HOOK_RECYCLE, cache, facts, out, sizeof *out);
}

static bool evict(void *context, const fh_candidates *candidates, const fh_facts *facts,
                  fh_evict_order *out_order)
{
    fh_policy *policy = context;
    double *keys = out_order->keys;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        if (ask(&policy->scripts[i], FH_HOOK_EVICT, candidates, candidates, facts, out_order) ==
            FH_OUTCOME_DECIDED) {
            return true;
        }
        memset(out_order, 0, sizeof *out_order);
        out_order->keys = keys;
    }
    return false;
}

static bool alias(void *context, const fh_alias_facts *graph, const fh_facts *facts,
                  fh_alias_decision *out)
{
    return ask_in_turn(context, FH_HOOK_ALIAS, graph, facts, out, sizeof *out);
}

static bool defrag(void *context, const fh_defrag_facts *gaps, const fh_facts *facts,
                   fh_defrag_decision *out)
{
    return ask_in_turn(context, FH_HOOK_DEFRAG, gaps, facts, out, sizeof *out);
}

const fh_policy_ops fhi_script_ops = {
    .renew = fhi_scripts_renew,
    .place = place,
    .relieve = relieve,
    .limits = limits,
    .frame = frame,
    .pressure = pressure,
    .retain = retain,
    .recycle = recycle,
    .evict = evict,
    .alias = alias,
    .defrag = defrag,
    .release = fhi_scripts_let_go,
};
