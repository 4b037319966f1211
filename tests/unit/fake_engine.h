/* An engine without a language worth the name, so that everything about policies but Lua can be
 * tested without Lua. A text is a list of lines, a word and its arguments each:
 *
 *     name NAME                       the version's name
 *     note TEXT                       an odd thing
 *     wrong                           this text is not accepted
 *     extend FILE                     what that text says, too
 *     steps BYTES…                    place_steps
 *     option NAME TYPE MIN MAX START  an option; TYPE as in FH_OPTION_TYPES
 *     log TEXT                        a warning at each call of `frame`
 *     loud COUNT                      so many of them
 *     carry fails|slow                what migrating the state does
 *     on HOOK WHAT [VALUE]            what a hook does:
 *         decide VALUE                an answer that VALUE can be seen in (see fake_answer)
 *         nothing | uncached          no opinion; for `uncached` one that must not be kept
 *         fail | stop | live          the last fails but in a dry run
 *         wait                        decides 0, but only once `fake_gate` is 0
 *     tag NAME BYTES                  what `limits` decides besides
 *     mark FRACTION                   likewise
 *
 * State is one number: how often `frame` was called live. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_FAKE_ENGINE_H
#define FREEHOLD_TESTS_FAKE_ENGINE_H

#include "script/engine.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAKE_OPTIONS = 4,
    FAKE_TAGS = 4
};

typedef enum fake_does {
    FAKE_ABSENT = 0,
    FAKE_DECIDE,
    FAKE_NOTHING,
    FAKE_UNCACHED,
    FAKE_FAIL,
    FAKE_STOP,
    FAKE_LIVE,
    FAKE_WAIT
} fake_does;

struct fhi_version {
    fhi_engine_host host;
    char name[64], notes[512], chunk[256], line[64];
    fake_does does[FH_HOOK_COUNT];
    double values[FH_HOOK_COUNT];
    uint64_t steps[40];
    uint32_t step_count;
    fh_option_info options[FAKE_OPTIONS];
    uint32_t option_count;
    uint32_t tag_count, mark_count;
    char tag_names[FAKE_TAGS][64];
    uint64_t tag_limits[FAKE_TAGS];
    struct fh_tag_limit tags[FAKE_TAGS];
    double marks[4];
    uint32_t loud;
    bool carry_fails, carry_slow;
    uint64_t serial, state;
    bool wrong;
    _Atomic bool inside; /* one thread at a time */
};

static _Atomic uint32_t fake_live;   /* versions */
static _Atomic uint32_t fake_gate;   /* see `wait` */
static _Atomic uint32_t fake_inside; /* threads that wait there */
static _Atomic uint32_t fake_migrations;
static _Atomic uint32_t fake_steps; /* calls of `step` */

/* Called inside of hooks, but for dry runs, where it is not NULL. */
static void (*fake_meddle)(void *context);
static void *fake_meddle_context;

static inline void fake_enter(fhi_version *v)
{
    if (atomic_exchange(&v->inside, true)) {
        abort(); /* two threads in one version */
    }
}

static inline void fake_leave(fhi_version *v)
{
    if (!atomic_exchange(&v->inside, false)) {
        abort();
    }
}

static inline fh_hook fake_hook(const char *name)
{
    int hook = 0;
    while (hook < FH_HOOK_COUNT && strcmp(fh_hook_name((fh_hook)hook), name) != 0) {
        hook++;
    }
    if (hook == FH_HOOK_COUNT) {
        abort();
    }
    return (fh_hook)hook;
}

/* The next word, cut off in front. */
static inline const char *fake_word(const char **text, char *out, size_t capacity)
{
    size_t length = strcspn(*text, " ");
    snprintf(out, capacity, "%.*s", (int)length, *text);
    *text += length;
    *text += strspn(*text, " ");
    return out;
}

static inline double fake_number(const char **text)
{
    char word[64];
    return strtod(fake_word(text, word, sizeof word), NULL);
}

static inline void fake_read_on(fhi_version *v, const char *arguments)
{
    static const char *const words[] = {"absent", "decide", "nothing", "uncached",
                                        "fail",   "stop",   "live",    "wait"};
    char hook[32], what[32];
    fake_word(&arguments, hook, sizeof hook);
    fake_word(&arguments, what, sizeof what);
    double value = fake_number(&arguments);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], what) == 0) {
            v->does[fake_hook(hook)] = (fake_does)i;
            v->values[fake_hook(hook)] = value;
            return;
        }
    }
    abort();
}

static inline void fake_read_option(fhi_version *v, const char *arguments)
{
    static const char *const types[] = {
#define FAKE_TYPE(name, text) text,
        FH_OPTION_TYPES(FAKE_TYPE)
#undef FAKE_TYPE
    };
    char type[32];
    fh_option_info *info = &v->options[v->option_count++];
    if (v->option_count > FAKE_OPTIONS) {
        abort();
    }
    fake_word(&arguments, info->name, sizeof info->name);
    fake_word(&arguments, type, sizeof type);
    info->min = fake_number(&arguments);
    info->max = fake_number(&arguments);
    fake_word(&arguments, info->initial, sizeof info->initial);
    info->has_min = info->has_max = true;
    memcpy(info->value, info->initial, sizeof info->value);
    for (int i = 0; i < FH_OPTION_TYPE_COUNT; i++) {
        if (strcmp(types[i], type) == 0) {
            info->type = (fh_option_type)i;
        }
    }
}

static inline void fake_read_steps(fhi_version *v, const char *arguments)
{
    while (*arguments) {
        v->steps[v->step_count++] = (uint64_t)fake_number(&arguments);
    }
}

static inline bool fake_read(fhi_version *v, const char *from, char *text, fhi_report *report);

static inline bool fake_extend(fhi_version *v, const char *from, const char *name,
                               fhi_report *report)
{
    char *text = malloc(FHI_SOURCE_MAX + 1), path[256];
    size_t size;
    bool read = v->host.read(v->host.context, from, name, text, &size, path, report) == FH_OK;
    if (read) {
        text[size] = '\0';
        read = fake_read(v, path, text, report);
    }
    free(text);
    return read;
}

static inline bool fake_read_line(fhi_version *v, const char *from, const char *word,
                                  const char *rest, fhi_report *report)
{
    if (strcmp(word, "name") == 0) {
        snprintf(v->name, sizeof v->name, "%s", rest);
    } else if (strcmp(word, "note") == 0) {
        snprintf(v->notes, sizeof v->notes, "%s", rest);
    } else if (strcmp(word, "steps") == 0) {
        fake_read_steps(v, rest);
    } else if (strcmp(word, "option") == 0) {
        fake_read_option(v, rest);
    } else if (strcmp(word, "log") == 0) {
        snprintf(v->line, sizeof v->line, "%s", rest);
        v->loud = 1;
    } else if (strcmp(word, "loud") == 0) {
        v->loud = (uint32_t)strtoul(rest, NULL, 10);
    } else if (strcmp(word, "carry") == 0) {
        v->carry_fails = strcmp(rest, "fails") == 0;
        v->carry_slow = strcmp(rest, "slow") == 0;
    } else if (strcmp(word, "on") == 0) {
        fake_read_on(v, rest);
    } else if (strcmp(word, "tag") == 0) {
        fake_word(&rest, v->tag_names[v->tag_count], sizeof v->tag_names[0]);
        v->tag_limits[v->tag_count++] = (uint64_t)fake_number(&rest);
    } else if (strcmp(word, "mark") == 0) {
        v->marks[v->mark_count++] = strtod(rest, NULL);
    } else if (strcmp(word, "extend") == 0) {
        return fake_extend(v, from, rest, report);
    } else {
        snprintf(report->text, sizeof report->text, "%s: %s\nstack traceback:\n  of a fake", from,
                 strcmp(word, "wrong") == 0 ? "it is wrong" : "an unknown word");
        return false;
    }
    return true;
}

static inline bool fake_read(fhi_version *v, const char *from, char *text, fhi_report *report)
{
    bool fine = true;
    while (*text && fine) {
        char *end = text + strcspn(text, "\n");
        char *next = end + (*end != '\0');
        *end = '\0';
        char *rest = text + strcspn(text, " ");
        if (*rest) {
            *rest++ = '\0';
        }
        fine = *text == '\0' || fake_read_line(v, from, text, rest, report);
        text = next;
    }
    return fine;
}

static inline fhi_version *fake_create(const fhi_engine_host *host, const fhi_version_desc *desc,
                                       fhi_report *out_report)
{
    fhi_version *v = host->memory.alloc(host->memory.context, sizeof *v, 64);
    char *text = malloc(desc->size + 1);
    out_report->text[0] = '\0';
    if (!v) {
        free(text);
        snprintf(out_report->text, sizeof out_report->text, "%s: no host memory", desc->name);
        return NULL;
    }
    memset(v, 0, sizeof *v);
    v->host = *host;
    snprintf(v->chunk, sizeof v->chunk, "%s", desc->name);
    snprintf(v->name, sizeof v->name, "fake");
    memcpy(text, desc->text, desc->size);
    text[desc->size] = '\0';
    bool fine = fake_read(v, desc->name, text, out_report);
    free(text);
    if (!fine) {
        host->memory.free(host->memory.context, v, sizeof *v, 64);
        return NULL;
    }
    atomic_fetch_add(&fake_live, 1);
    return v;
}

static inline void fake_destroy(fhi_version *v)
{
    if (v) {
        fh_host_memory memory = v->host.memory;
        fake_enter(v);
        atomic_fetch_sub(&fake_live, 1);
        memory.free(memory.context, v, sizeof *v, 64);
    }
}

static inline const char *fake_name(const fhi_version *v)
{
    return v->name;
}

static inline const char *fake_notes(const fhi_version *v)
{
    return v->notes;
}

static inline uint32_t fake_hooks(const fhi_version *v)
{
    uint32_t mask = 0;
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        mask |= v->does[i] != FAKE_ABSENT ? 1U << i : 0;
    }
    return mask;
}

static inline const uint64_t *fake_place_steps(const fhi_version *v, uint32_t *out_count)
{
    *out_count = v->step_count;
    return v->steps;
}

static inline void fake_limits(fhi_version *v, double value, fh_limits *out)
{
    out->total = (uint64_t)value;
    for (uint32_t i = 0; i < v->tag_count; i++) {
        v->tags[i].tag = v->host.tag(v->host.context, v->tag_names[i]);
        v->tags[i].limit = v->tag_limits[i];
    }
    out->tags = v->tags;
    out->tag_count = v->tag_count;
    out->watermark_count = v->mark_count;
    memcpy(out->watermarks, v->marks, sizeof v->marks);
}

/* Where the value of `decide` is to be seen. */
static inline void fake_answer(fhi_version *v, fh_hook hook, double value, const void *input,
                               void *out)
{
    switch (hook) {
    case FH_HOOK_PLACE:
        ((fh_verdict *)out)->has_priority = true;
        ((fh_verdict *)out)->priority = (float)value;
        break;
    case FH_HOOK_RELIEVE:
        ((fhi_reliefs *)out)->count = 1;
        ((fhi_reliefs *)out)->list[0].action = (fh_relief_action)value;
        break;
    case FH_HOOK_LIMITS:
        fake_limits(v, value, out);
        break;
    case FH_HOOK_FRAME:
        ((fh_frame_decision *)out)->depth = (uint32_t)value;
        break;
    case FH_HOOK_PRESSURE:
        ((fh_pressure_decision *)out)->evict_bytes = (uint64_t)value;
        break;
    case FH_HOOK_RETAIN:
        ((fh_retain_decision *)out)->ticks = (uint32_t)value;
        break;
    case FH_HOOK_RECYCLE:
        ((fh_recycle_decision *)out)->keep_ticks = (uint32_t)value;
        break;
    case FH_HOOK_EVICT: {
        const fh_candidates *candidates = input;
        fh_evict_order *order = out;
        order->use_keys = true;
        for (uint32_t i = 0; i < candidates->count; i++) {
            order->keys[i] = value + (double)candidates->sizes[i];
        }
        break;
    }
    case FH_HOOK_ALIAS:
        snprintf(((fh_alias_decision *)out)->strategy, 64, "%g", value);
        break;
    case FH_HOOK_DEFRAG:
        ((fh_defrag_decision *)out)->bytes = (uint64_t)value;
        break;
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        abort();
    }
}

static inline void fake_wait(void)
{
    atomic_fetch_add(&fake_inside, 1);
    while (atomic_load(&fake_gate) != 0) {
        fhi_sleep_ns(100000);
    }
    atomic_fetch_sub(&fake_inside, 1);
}

/* Requests' strings are read to their ends, so that a copy that lost them is found. */
static inline void fake_look(fh_hook hook, const void *input, const fh_facts *facts)
{
    volatile uint64_t sum = facts->used;
    if (hook == FH_HOOK_PLACE || hook == FH_HOOK_RELIEVE) {
        const fh_request *request = input;
        sum += strlen(request->tag_name) + strlen(request->name);
    } else if (hook == FH_HOOK_EVICT) {
        const fh_candidates *candidates = input;
        for (uint32_t i = 0; i < candidates->count; i++) {
            sum += candidates->parcels[i].id + candidates->ages[i] + candidates->made[i] +
                   candidates->tags[i] + (uint64_t)candidates->kinds[i];
        }
    }
    (void)sum;
}

static inline fh_outcome fake_end(fhi_version *v, fh_hook hook, const void *input, void *out_answer,
                                  fhi_call *call)
{
    fake_does does = v->does[hook];
    if (fake_meddle && !call->dry) {
        fake_meddle(fake_meddle_context);
    }
    if (does == FAKE_WAIT && !call->dry) {
        fake_wait();
    }
    if (does == FAKE_FAIL || does == FAKE_STOP || (does == FAKE_LIVE && !call->dry)) {
        if (call->report) {
            snprintf(call->report->text, sizeof call->report->text, "%s:7: %s failed\ntraceback",
                     v->chunk, fh_hook_name(hook));
        }
        return does == FAKE_STOP ? FH_OUTCOME_STOPPED : FH_OUTCOME_FAILED;
    }
    if (does == FAKE_UNCACHED) {
        ((fh_verdict *)out_answer)->keep = FH_KEEP_NEVER;
    }
    if (does == FAKE_UNCACHED || does == FAKE_NOTHING) {
        return FH_OUTCOME_NOTHING;
    }
    fake_answer(v, hook, v->values[hook], input, out_answer);
    return FH_OUTCOME_DECIDED;
}

static inline fh_outcome fake_call(fhi_version *v, fh_hook hook, const void *input,
                                   const fh_facts *facts, void *out_answer, fhi_call *call)
{
    fake_enter(v);
    fake_look(hook, input, facts);
    call->charge = 11;
    call->line = 7;
    if (hook == FH_HOOK_FRAME && !call->dry) {
        v->state++;
        v->serial++;
        for (uint32_t i = 0; i < v->loud; i++) {
            v->host.log(v->host.context, FH_LOG_WARNING, v->line);
        }
    }
    fh_outcome outcome = fake_end(v, hook, input, out_answer, call);
    fake_leave(v);
    return outcome;
}

static inline uint32_t fake_option_count(const fhi_version *v)
{
    return v->option_count;
}

static inline void fake_option(const fhi_version *v, uint32_t index, fh_option_info *out_info)
{
    *out_info = v->options[index];
}

static inline bool fake_set_option(fhi_version *v, const char *name, const char *value,
                                   fhi_report *out_report)
{
    for (uint32_t i = 0; i < v->option_count; i++) {
        fh_option_info *info = &v->options[i];
        if (strcmp(info->name, name) != 0) {
            continue;
        }
        double number = value ? strtod(value, NULL) : info->min;
        if (number < info->min || number > info->max) {
            snprintf(out_report->text, sizeof out_report->text, "option %s: %s is out of range",
                     name, value);
            return false;
        }
        fake_enter(v);
        snprintf(info->value, sizeof info->value, "%s", value ? value : info->initial);
        info->by_hand = value != NULL;
        fake_leave(v);
        return true;
    }
    snprintf(out_report->text, sizeof out_report->text, "there is no option %s", name);
    return false;
}

static inline uint64_t fake_state_serial(const fhi_version *v)
{
    return v->serial;
}

static inline bool fake_state_save(fhi_version *v, fhi_state *out_state)
{
    fake_enter(v);
    out_state->size = sizeof v->state;
    memcpy(out_state->bytes, &v->state, sizeof v->state);
    fake_leave(v);
    return true;
}

static inline bool fake_state_restore(fhi_version *v, const fhi_state *state)
{
    memcpy(&v->state, state->bytes, sizeof v->state);
    return true;
}

static inline bool fake_migrate(fhi_version *v, const fhi_state *old_state, uint32_t old_version,
                                fhi_call *call)
{
    (void)old_version;
    fake_enter(v);
    atomic_fetch_add(&fake_migrations, 1);
    if (v->carry_slow) {
        fhi_sleep_ns(1000000);
    }
    bool fine = !v->carry_fails;
    if (fine) {
        fake_state_restore(v, old_state);
        v->serial++;
    } else if (call->report) {
        snprintf(call->report->text, sizeof call->report->text, "%s:9: migrate failed", v->chunk);
    }
    fake_leave(v);
    return fine;
}

static inline fh_result fake_state_json(fhi_version *v, fh_write_fn write, void *context)
{
    char text[64];
    fake_enter(v);
    int length = snprintf(text, sizeof text, "{\"frames\": %llu}", (unsigned long long)v->state);
    fh_result result = write(context, text, (size_t)length);
    fake_leave(v);
    return result;
}

static inline void fake_state_size(const fhi_version *v, uint64_t *out_bytes, uint64_t *out_count)
{
    *out_bytes = v->state;
    *out_count = 1;
}

static inline void fake_step(fhi_version *v)
{
    fake_enter(v);
    atomic_fetch_add(&fake_steps, 1);
    fake_leave(v);
}

static inline uint64_t fake_memory(const fhi_version *v)
{
    return sizeof *v;
}

static const fhi_engine fake_engine = {
    .abi = FHI_ENGINE_ABI,
    .version = FH_VERSION_STRING,
    .create = fake_create,
    .destroy = fake_destroy,
    .name = fake_name,
    .notes = fake_notes,
    .hooks = fake_hooks,
    .place_steps = fake_place_steps,
    .call = fake_call,
    .option_count = fake_option_count,
    .option = fake_option,
    .set_option = fake_set_option,
    .state_serial = fake_state_serial,
    .state_save = fake_state_save,
    .state_restore = fake_state_restore,
    .migrate = fake_migrate,
    .state_json = fake_state_json,
    .state_size = fake_state_size,
    .step = fake_step,
    .memory = fake_memory,
};

#endif
