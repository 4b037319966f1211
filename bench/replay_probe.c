/* mkstemp() */
#define _POSIX_C_SOURCE 200809L

#include "replay_probe.h"

#include <freehold/freehold.h>
#include <freehold/replay.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Buffers come and go in blocks of the program's own, a slot each; a sixteenth of the events are
 * submits that use sixteen of them, and a frame is some two hundred events. */
enum {
    EVENTS = 1000000,
    LIVE = 20000,
    SLOT = 65536,       /* bytes */
    MEMORY = 256 << 20, /* bytes */
    FRAME_NS = 16000 * 1000,
    USES = 16
};

static const char limit[] =
    "return { name = \"limit\",\n"
    "    limits = function() return { total = \"4GiB\", watermarks = { 0.9 } } "
    "end }\n";

/* Some 95 % of the most that lives: what comes has to find room, as scripts/policies/budget.lua
 * does it. */
static const char pressed[] =
    "return { name = \"pressed\",\n"
    "    limits = function() return { total = \"320MiB\" } end,\n"
    "    relieve = function(_, request)\n"
    "        return { \"retry\", \"trim\", { action = \"evict\", bytes = request.size } }\n"
    "    end }\n";

/* ---- a trace ---- */

typedef struct maker {
    fh_trace_writer *writer;
    uint64_t time_ns, random, written, next;
    uint64_t ids[LIVE];
    bool failed;
} maker;

/* Source: Marsaglia, "Xorshift RNGs", 2003. */
static uint32_t below(maker *m, uint32_t most)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)(m->random >> 32) % most;
}

static void add(maker *m, fh_trace_event event)
{
    event.time_ns = m->time_ns;
    m->time_ns += 1000;
    m->written++;
    m->failed = fh_trace_writer_add(m->writer, &event) != FH_OK || m->failed;
}

static void add_card(maker *m)
{
    const uint64_t list[] = {
        UINT64_C(8) << 30,
        1,
        0,
        FH_MEMORY_DEVICE_LOCAL,
        0,
        FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT,
    };
    fh_trace_event event = {.kind = FH_TRACE_DEVICE, .list = list, .list_count = 6};
    event.device = (fh_trace_device){
        .device = 1, .api = FH_TRACE_API_VULKAN, .heap_count = 1, .type_count = 2};
    add(m, event);
    event = (fh_trace_event){.kind = FH_TRACE_QUEUE};
    event.queue = (fh_trace_queue){.queue = 1, .device = 1};
    add(m, event);
    for (uint64_t i = 0; i < (uint64_t)LIVE * SLOT; i += MEMORY) {
        event = (fh_trace_event){.kind = FH_TRACE_MEMORY};
        event.memory = (fh_trace_memory){.memory = i / MEMORY + 1, .device = 1, .size = MEMORY};
        add(m, event);
    }
}

static void add_buffer(maker *m, uint32_t slot)
{
    uint64_t size = 256 + below(m, SLOT - 256), at = (uint64_t)slot * SLOT;
    fh_trace_event event = {.kind = FH_TRACE_RESOURCE};
    m->ids[slot] = ++m->next;
    event.resource = (fh_trace_resource){.resource = m->next,
                                         .device = 1,
                                         .kind = FH_KIND_BUFFER,
                                         .size = size,
                                         .needs_size = size,
                                         .needs_alignment = 256,
                                         .needs_types = 3,
                                         .usage = FH_USAGE_STORAGE};
    add(m, event);
    event = (fh_trace_event){.kind = FH_TRACE_BOUND};
    event.bound = (fh_trace_bound){m->next, 1 + at / MEMORY, at % MEMORY, size};
    add(m, event);
}

static void add_submit(maker *m)
{
    uint64_t uses[USES];
    fh_trace_event event = {.kind = FH_TRACE_SUBMIT, .list = uses};
    for (uint32_t i = 0; i < USES; i++) {
        uint64_t id = m->ids[below(m, LIVE)];
        uses[event.list_count] = id;
        event.list_count += id != 0;
    }
    event.submit = (fh_trace_submit){.queue = 1, .batches = 1, .commands = 1};
    add(m, event);
}

static bool write_trace(const char *path, uint64_t events)
{
    maker *m = calloc(1, sizeof *m);
    bool ok = m && fh_trace_writer_open(path, &m->writer) == FH_OK;
    if (ok) {
        m->random = 88172645463325252;
        add_card(m);
        while (m->written < events) {
            uint32_t slot = below(m, LIVE);
            if (m->ids[slot] == 0) {
                add_buffer(m, slot);
            } else {
                fh_trace_event event = {.kind = FH_TRACE_DESTROYED};
                event.destroyed.resource = m->ids[slot];
                m->ids[slot] = 0;
                add(m, event);
            }
            if (below(m, USES) == 0) {
                add_submit(m);
            }
            if (below(m, 128) == 0) {
                fh_trace_event event = {.kind = FH_TRACE_FRAME, .frame = {.device = 1}};
                m->time_ns += FRAME_NS;
                add(m, event);
            }
        }
        ok = fh_trace_writer_close(m->writer) == FH_OK && !m->failed;
    }
    free(m);
    return ok;
}

/* ---- what is timed ---- */

/* A whole trace, and a tenth of one for quick runs. */
typedef struct theatre {
    struct {
        char path[32];
        uint32_t events;
        fh_recording *recording;
    } plays[2];
} theatre;

static void theatre_destroy(void *data)
{
    theatre *self = data;
    for (int i = 0; i < 2; i++) {
        fh_recording_close(self->plays[i].recording);
        remove(self->plays[i].path);
    }
    free(self);
}

static void *theatre_create(const void *argument)
{
    theatre *self = calloc(1, sizeof *self);
    bool ok = self != NULL;
    (void)argument;
    for (int i = 0; ok && i < 2; i++) {
        snprintf(self->plays[i].path, sizeof self->plays[i].path, "/tmp/bench-replay-XXXXXX");
        self->plays[i].events = i == 0 ? EVENTS : EVENTS / 10;
        int file = mkstemp(self->plays[i].path);
        ok = file >= 0 && close(file) == 0 &&
             write_trace(self->plays[i].path, self->plays[i].events) &&
             fh_recording_open(self->plays[i].path, NULL, &self->plays[i].recording) == FH_OK;
    }
    if (self && !ok) {
        fprintf(stderr, "bench: %s\n", fh_error_detail());
        theatre_destroy(self);
        self = NULL;
    }
    return self;
}

static int play_of(uint32_t count)
{
    return count < EVENTS ? 1 : 0;
}

static bool run_read(void *data, uint32_t count)
{
    const theatre *self = data;
    fh_recording *recording;
    bool ok = fh_recording_open(self->plays[play_of(count)].path, NULL, &recording) == FH_OK;
    fh_recording_close(recording);
    return ok;
}

static bool play(const theatre *self, uint32_t count, bool as_recorded, const char *script)
{
    fh_replay *replay;
    fh_policy *policy = NULL;
    fh_replay_figures figures = {0};
    const fh_replay_desc desc = {.as_recorded = as_recorded};
    bool ok = fh_replay_create(self->plays[play_of(count)].recording, &desc, &replay) == FH_OK;
    if (ok && script) {
        const fh_policy_desc policy_desc = {.source = {.text = script}};
        ok = fh_policy_load(fh_replay_device(replay), &policy_desc, &policy) == FH_OK;
    }
    ok = ok && fh_replay_step(replay, UINT32_MAX, NULL) == FH_OK &&
         fh_replay_get_figures(replay, &figures) == FH_OK;
    fh_policy_release(policy);
    fh_replay_destroy(replay);
    ok = ok && figures.request_count > 0;
    return ok && (script == pressed ? figures.evicted_count > 0 : figures.refused_count == 0);
}

static bool run_recorded(void *data, uint32_t count)
{
    return play(data, count, true, NULL);
}

static bool run_native(void *data, uint32_t count)
{
    return play(data, count, false, NULL);
}

static bool run_script(void *data, uint32_t count)
{
    return play(data, count, false, limit);
}

static bool run_pressed(void *data, uint32_t count)
{
    return play(data, count, false, pressed);
}

#define PROBE(name_, run_)                                                                         \
    .name = (name_), .op_count = EVENTS, .create = theatre_create, .destroy = theatre_destroy,     \
    .run = (run_)

static const bench_probe replay_probes[] = {
    {PROBE("an event is read", run_read)},
    {PROBE("an event is played, as recorded", run_recorded)},
    {PROBE("an event is played, native (2,000 ns asked)", run_native)},
    {PROBE("the same under a limit in Lua (3,000 asked)", run_script), .against = 3},
    {PROBE("the same where it has to evict", run_pressed), .against = 3},
    {.name = NULL},
};

const bench_probe_group bench_replay_probes[] = {
    {"replay", "replays of a million events", replay_probes},
    {.name = NULL},
};
