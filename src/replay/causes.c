#include "replay/causes.h"

#include "replay/array.h"

#include <stdio.h>
#include <string.h>

void fhi_causes_init(fhi_causes *causes, const fh_host_memory *memory)
{
    memset(causes, 0, sizeof *causes);
    causes->memory = memory;
}

void fhi_causes_finish(fhi_causes *causes)
{
    if (causes->memory) {
        fhi_array_free(causes->memory, causes->all, causes->capacity, sizeof *causes->all);
        fhi_array_free(causes->memory, causes->verdicts, causes->verdict_capacity,
                       sizeof *causes->verdicts);
    }
}

/* As it stands in a cause. */
static void copy_script(char to[64], const char *script)
{
    snprintf(to, 64, "%s", script ? script : "");
}

uint32_t fhi_causes_decided(fhi_causes *causes, const char *script, uint32_t hook, uint32_t line)
{
    char name[64];
    copy_script(name, script);
    for (uint32_t i = 0; i < causes->count; i++) {
        fh_replay_cause *cause = &causes->all[i];
        if (cause->line == line && cause->hook == hook && strcmp(cause->script, name) == 0) {
            cause->decision_count++;
            return i + 1;
        }
    }
    if (causes->count == causes->capacity) {
        fh_replay_cause *more = fhi_array_extend(causes->memory, causes->all, causes->count,
                                                 &causes->capacity, sizeof *more);
        if (!more) {
            causes->failed = true;
            return 0;
        }
        causes->all = more;
    }
    fh_replay_cause *cause = &causes->all[causes->count];
    *cause = (fh_replay_cause){.hook = hook, .line = line, .decision_count = 1};
    memcpy(cause->script, name, sizeof name);
    return ++causes->count;
}

/* ---- verdicts ---- */

static bool is_same(const fhi_cause_class *a, const fhi_cause_class *b)
{
    return a->kind == b->kind && a->usage == b->usage && a->location == b->location &&
           a->tag == b->tag;
}

static uint32_t chain_of(const fhi_cause_class *of)
{
    uint64_t all = (uint64_t)of->usage << 32 | (uint64_t)of->tag << 8 | (uint64_t)of->kind << 4 |
                   (uint64_t)of->location;
    return (uint32_t)((all * UINT64_C(0x9E3779B97F4A7C15)) >> 54);
}

static fhi_cause_verdict *find(const fhi_causes *causes, const fhi_cause_class *of, uint64_t size)
{
    uint32_t at = causes->chains[chain_of(of)];
    while (at != 0) {
        fhi_cause_verdict *verdict = &causes->verdicts[at - 1];
        if (size >= verdict->size_min && size <= verdict->size_max && is_same(&verdict->of, of)) {
            return verdict;
        }
        at = verdict->next;
    }
    return NULL;
}

void fhi_causes_keep(fhi_causes *causes, const fhi_cause_class *of, uint64_t size_min,
                     uint64_t size_max, uint32_t cause)
{
    fhi_cause_verdict *known = find(causes, of, size_min);
    if (known) {
        known->size_max = size_max;
        known->cause = cause;
        return;
    }
    if (causes->verdict_count == causes->verdict_capacity) {
        fhi_cause_verdict *more =
            fhi_array_extend(causes->memory, causes->verdicts, causes->verdict_count,
                             &causes->verdict_capacity, sizeof *more);
        if (!more) {
            causes->failed = true;
            return;
        }
        causes->verdicts = more;
    }
    uint32_t *chain = &causes->chains[chain_of(of)];
    causes->verdicts[causes->verdict_count] = (fhi_cause_verdict){
        .of = *of, .size_min = size_min, .size_max = size_max, .cause = cause, .next = *chain};
    *chain = ++causes->verdict_count;
}

uint32_t fhi_causes_find(const fhi_causes *causes, const fhi_cause_class *of, uint64_t size)
{
    const fhi_cause_verdict *verdict = find(causes, of, size);
    return verdict ? verdict->cause : 0;
}

void fhi_causes_forget_verdicts(fhi_causes *causes)
{
    memset(causes->chains, 0, sizeof causes->chains);
    causes->verdict_count = 0;
}

void fhi_causes_charge(fhi_causes *causes, uint32_t cause, fhi_effect effect, uint64_t bytes,
                       const char *answer)
{
    if (cause == 0) {
        return;
    }
    fh_replay_cause *charged = &causes->all[cause - 1];
    charged->resource_count++;
    charged->bytes += bytes;
    switch (effect) {
    case FHI_EFFECT_PLACED:
        charged->placed_count++;
        charged->placed_bytes += bytes;
        break;
    case FHI_EFFECT_EVICTED:
        charged->evicted_count++;
        charged->evicted_bytes += bytes;
        break;
    case FHI_EFFECT_REFUSED:
        charged->refused_count++;
        charged->refused_bytes += bytes;
        break;
    }
    snprintf(charged->answer, sizeof charged->answer, "%s", answer);
}
