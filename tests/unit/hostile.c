#include "hostile.h"
#include "hostile_answer.h"

#include "base/clock.h"
#include "base/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a run works on. Large: it is static, so one run at a time. */
typedef struct run {
    const hostile_desc *desc;
    hostile_result *result;
    const fhi_engine *engine;
    fhi_engine_host host;
    fhi_version *version;
    uint64_t live_bytes, live_count;
    uint32_t number; /* of this run */
    fh_facts facts;
    fhi_state state, other_state;
} run;

/* The first fault is the one to tell. */
static void blame(run *r, const char *where, const char *what)
{
    if (r->result->fault[0] == '\0') {
        snprintf(r->result->fault, sizeof r->result->fault, "%s: %s", where, what);
    }
}

/* ---- the host ---- */

/* Lua draws the seed of its hashes from addresses: each run has others. */
static size_t shift_of(const run *r)
{
    return r->number % 16 * 64;
}

static void *host_alloc(void *context, size_t size, size_t alignment)
{
    run *r = context;
    (void)alignment; /* 64 at most */
    char *memory = aligned_alloc(64, (size + shift_of(r) + 63) / 64 * 64);
    if (memory == NULL) {
        return NULL;
    }
    r->live_count++;
    r->live_bytes += size;
    if (r->live_bytes > r->result->peak_bytes) {
        r->result->peak_bytes = r->live_bytes;
    }
    return memory + shift_of(r);
}

static void host_free(void *context, void *memory, size_t size, size_t alignment)
{
    run *r = context;
    (void)alignment;
    r->live_count--;
    r->live_bytes -= size;
    free((char *)memory - shift_of(r));
}

/* A text that goes to people: valid UTF-8, and nothing that terminals obey. */
static void check_text(run *r, const char *where, const char *text, size_t size, bool lines)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        size_t step = hostile_character(at + i, size - i);
        bool control = at[i] < 0x20 || at[i] == 0x7f || (at[i] == 0xc2 && at[i + 1] < 0xa0);
        if (step == 0) {
            blame(r, where, "invalid UTF-8 in a text");
            return;
        }
        if (control && !(lines && at[i] == '\n')) {
            blame(r, where, "a control character in a text");
            return;
        }
        i += step;
    }
}

static void check_string(run *r, const char *where, const char *text, size_t room, bool lines)
{
    const char *end = memchr(text, '\0', room);
    if (end == NULL) {
        blame(r, where, "a text without an end");
        return;
    }
    check_text(r, where, text, (size_t)(end - text), lines);
}

static void host_log(void *context, fh_log_level level, const char *line)
{
    run *r = context;
    (void)level;
    check_text(r, "log", line, strlen(line), false);
}

static fh_tag host_tag(void *context, const char *name)
{
    run *r = context;
    check_text(r, "tag", name, strlen(name), false);
    return (fh_tag)(1 + strlen(name) % 1000);
}

static const char *host_tag_name(void *context, fh_tag tag)
{
    (void)context;
    return tag == 0 ? "" : "terrain";
}

static fh_pool *host_pool(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static fh_result host_read(void *context, const char *from, const char *name, char *out_text,
                           size_t *out_size, char *out_path, fhi_report *out_report)
{
    static const char good[] = "return { frame = function() return { depth = 2 } end }";
    run *r = context;
    (void)from;
    if (strcmp(name, "good.lua") == 0) {
        memcpy(out_text, good, sizeof good - 1);
        *out_size = sizeof good - 1;
    } else if (strcmp(name, r->desc->name) == 0) {
        memcpy(out_text, r->desc->text, r->desc->size);
        *out_size = r->desc->size;
    } else {
        snprintf(out_report->text, sizeof out_report->text, "there is no such file");
        return FH_ERR_IO;
    }
    snprintf(out_path, 256, "%s", name);
    return FH_OK;
}

/* ---- watching ---- */

static void add_sum(run *r, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        r->result->sum = (r->result->sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

static void take_time(run *r, const char *what, uint64_t from_ns)
{
    uint64_t took_ns = fhi_thread_cpu_ns() - from_ns;
    if (took_ns > r->result->longest_ns) {
        r->result->longest_ns = took_ns;
        r->result->longest = what;
    }
}

static void take_report(run *r, const char *where, const fhi_report *report)
{
    if (report->text[0] == '\0') {
        blame(r, where, "no report");
    }
    check_string(r, where, report->text, sizeof report->text, true);
    r->result->report = *report;
    const char *says = r->desc->says;
    r->result->said = r->result->said || says == NULL || strstr(report->text, says) != NULL;
}

/* ---- calls ---- */

/* Pointers are another thing on each run. */
static void sum_answer(run *r, fh_hook hook, hostile_answer *given)
{
    if (hook == FH_HOOK_LIMITS) {
        for (uint32_t i = 0; i < given->limits.tag_count; i++) {
            add_sum(r, &given->limits.tags[i].limit, sizeof given->limits.tags[i].limit);
        }
        given->limits.tags = NULL;
    } else if (hook == FH_HOOK_EVICT) {
        if (given->order.use_keys) {
            add_sum(r, given->order.keys, HOSTILE_CANDIDATES * sizeof(double));
        }
        given->order.keys = NULL;
    }
    add_sum(r, given, sizeof *given);
}

static void note_outcome(run *r, fh_hook hook, const fhi_call *call, uint32_t turn)
{
    hostile_call *noted = &r->result->calls[hook];
    noted->made = true;
    noted->last = call->outcome;
    if (turn == 0) {
        noted->first = call->outcome;
    }
    noted->by_time = noted->by_time || call->stopped_by_time;
    r->result->by_time = r->result->by_time || call->stopped_by_time;
    add_sum(r, &call->outcome, sizeof call->outcome);
    /* An error ends the walk through a table at once, and which of two comes first is by chance. */
    if (call->outcome != FH_OUTCOME_FAILED) {
        add_sum(r, &call->charge, sizeof call->charge);
    }
    add_sum(r, &call->line, sizeof call->line);
}

static void ask(run *r, fh_hook hook, uint32_t turn)
{
    static double keys[HOSTILE_CANDIDATES];
    const char *name = fh_hook_name(hook);
    hostile_input in;
    hostile_answer given;
    fhi_report report = {{0}};
    fhi_call call = {.dry = turn == 0, .report = &report};
    memset(&given, 0, sizeof given);
    memset(keys, 0, sizeof keys);
    given.order.keys = hook == FH_HOOK_EVICT ? keys : NULL;
    const void *sampled = hostile_sample(hook, &in);
    uint64_t from_ns = fhi_thread_cpu_ns();
    fh_outcome outcome = r->engine->call(r->version, hook, sampled, &r->facts, &given, &call);
    take_time(r, name, from_ns);
    note_outcome(r, hook, &call, turn);
    if (outcome != call.outcome || outcome > FH_OUTCOME_STOPPED) {
        blame(r, name, "an outcome that there is not");
    }
    if (outcome == FH_OUTCOME_FAILED || outcome == FH_OUTCOME_STOPPED) {
        take_report(r, name, &report);
    }
    const char *fault = hostile_answer_fault(hook, &given);
    if (fault != NULL) {
        blame(r, name, fault);
    }
    if (outcome != FH_OUTCOME_DECIDED && !hostile_is_native(hook, &given)) {
        blame(r, name, "an answer where there is none");
    }
    if (hook == FH_HOOK_PLACE && outcome != FH_OUTCOME_DECIDED && call.uncached != NULL &&
        given.verdict.keep != FH_KEEP_NEVER) {
        blame(r, name, "kept, although it depends on what is no class fact");
    }
    sum_answer(r, hook, &given);
}

static void migrate(run *r, uint32_t turn)
{
    fhi_report report = {{0}};
    fhi_call call = {.dry = turn == 0, .report = &report};
    uint64_t from_ns = fhi_thread_cpu_ns();
    bool migrated = r->engine->migrate(r->version, &r->other_state, turn, &call);
    take_time(r, "migrate", from_ns);
    if (migrated != (call.outcome == FH_OUTCOME_DECIDED || call.outcome == FH_OUTCOME_NOTHING)) {
        blame(r, "migrate", "an outcome that does not fit");
    }
    note_outcome(r, FH_HOOK_MIGRATE, &call, turn);
    if (!migrated) {
        take_report(r, "migrate", &report);
    }
}

/* ---- the rest of a version ---- */

static fh_result check_piece(void *context, const char *text, size_t length)
{
    check_text(context, "JSON", text, length, false);
    return FH_OK;
}

static void check_state(run *r)
{
    uint64_t bytes;
    uint64_t count;
    r->engine->state_size(r->version, &bytes, &count);
    if (bytes > FHI_STATE_MAX || count > FHI_STATE_VALUES) {
        blame(r, "state", "larger than it may be");
    }
    if (!r->engine->state_save(r->version, &r->state) ||
        !r->engine->state_restore(r->version, &r->state)) {
        blame(r, "state", "cannot be saved and restored");
    }
    add_sum(r, r->state.bytes, r->state.size);
    r->engine->state_json(r->version, check_piece, r);
}

static void check_options(run *r)
{
    static const char *const values[] = {"", "-1", "nan", "1e999", "999999GiB", "\x1b[2J\xff", "x"};
    uint32_t count = r->engine->option_count(r->version);
    for (uint32_t i = 0; i < count; i++) {
        fh_option_info info;
        r->engine->option(r->version, i, &info);
        check_string(r, "option", info.name, sizeof info.name, false);
        check_string(r, "option", info.value, sizeof info.value, false);
        check_string(r, "option", info.initial, sizeof info.initial, false);
        check_string(r, "option", info.choices, sizeof info.choices, false);
        check_string(r, "option", info.doc, sizeof info.doc, true);
        for (uint32_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            fhi_report report = {{0}};
            if (!r->engine->set_option(r->version, info.name, values[v], &report)) {
                take_report(r, "option", &report);
            }
        }
        r->engine->option(r->version, i, &info);
        check_string(r, "option", info.value, sizeof info.value, false);
    }
}

static void check_constants(run *r)
{
    uint32_t count = 0;
    const uint64_t *steps = r->engine->place_steps(r->version, &count);
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (count > 32 || steps[i] <= last || steps[i] > INT64_MAX) {
            blame(r, "place_steps", "out of order");
        }
        last = steps[i];
    }
    const char *name = r->engine->name(r->version);
    check_string(r, "name", name, 64, false);
    const char *notes = r->engine->notes(r->version);
    check_text(r, "notes", notes, strlen(notes), true);
}

static void create(run *r, const char *name, const char *text, size_t size)
{
    r->version =
        r->engine->create(&r->host, &(fhi_version_desc){.text = text, .size = size, .name = name},
                          &r->result->report);
}

/* The engine is none the worse for it. */
static void check_engine(run *r)
{
    static const char text[] = "local n = 0\n"
                               "return { frame = function(self)\n"
                               "    self.state.n = (self.state.n or 0) + 1\n"
                               "    return { depth = self.state.n }\n"
                               "end }";
    hostile_result *result = r->result;
    fhi_report kept = result->report;
    create(r, "good.lua", text, sizeof text - 1);
    if (r->version == NULL) {
        /* Under valgrind even that may take too long. */
        if (strstr(result->report.text, "its time") == NULL) {
            blame(r, "afterwards", "a good script is refused");
        }
        result->report = kept;
        return;
    }
    fh_frame_decision decision;
    fh_frame_facts frame = {0};
    fhi_call call = {0};
    r->engine->call(r->version, FH_HOOK_FRAME, &frame, &r->facts, &decision, &call);
    if (!call.stopped_by_time && (call.outcome != FH_OUTCOME_DECIDED || decision.depth != 1)) {
        blame(r, "afterwards", "a good hook does not decide");
    }
    r->engine->destroy(r->version);
    r->version = NULL;
    result->report = kept;
}

static void use(run *r)
{
    uint32_t hooks = r->engine->hooks(r->version);
    check_constants(r);
    for (uint32_t turn = 0; turn < r->desc->calls; turn++) {
        for (fh_hook hook = FH_HOOK_PLACE; hook < FH_HOOK_MIGRATE; hook++) {
            if ((hooks >> hook & 1) != 0) {
                ask(r, hook, turn);
            }
        }
        if ((hooks >> FH_HOOK_MIGRATE & 1) != 0) {
            migrate(r, turn);
        }
        check_state(r);
        uint64_t from_ns = fhi_thread_cpu_ns();
        r->engine->step(r->version);
        take_time(r, "step", from_ns);
        r->other_state = r->state;
    }
    check_options(r);
    if (r->engine->memory(r->version) > HOSTILE_MEMORY) {
        blame(r, "memory", "more than it may be");
    }
}

void hostile_run(const hostile_desc *desc, hostile_result *out_result)
{
    static run r;
    uint32_t number = r.number + 1;
    memset(&r, 0, sizeof r);
    r.number = number;
    memset(out_result, 0, sizeof *out_result);
    out_result->longest = "";
    out_result->sum = UINT64_C(0xcbf29ce484222325);
    r.desc = desc;
    r.result = out_result;
    r.engine = fhi_script_engine(FHI_ENGINE_ABI);
    hostile_sample_facts(&r.facts);
    r.host = (fhi_engine_host){.context = &r,
                               .log = host_log,
                               .tag = host_tag,
                               .tag_name = host_tag_name,
                               .pool = host_pool,
                               .read = host_read};
    fh_host_memory memory = {host_alloc, host_free, &r};
    fhi_host_memory_resolve(&memory, &r.host.memory);
    uint64_t from_ns = fhi_thread_cpu_ns();
    create(&r, desc->name, desc->text, desc->size);
    take_time(&r, "load", from_ns);
    out_result->loaded = r.version != NULL;
    if (r.version != NULL) {
        use(&r);
    } else {
        fhi_report report = out_result->report;
        out_result->by_time = strstr(report.text, "its time") != NULL;
        take_report(&r, "load", &report);
    }
    out_result->said = out_result->said || desc->says == NULL;
    r.engine->destroy(r.version);
    r.version = NULL;
    check_engine(&r);
    if (r.live_count != 0 || r.live_bytes != 0) {
        blame(&r, "memory", "not given back");
    }
    if (out_result->peak_bytes > HOSTILE_MEMORY) {
        blame(&r, "memory", "more than 16 MiB of the host's");
    }
}

uint64_t hostile_slowness(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL) {
        return 60;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 8;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return 8;
#else
    return 1;
#endif
#else
    return 1;
#endif
}
