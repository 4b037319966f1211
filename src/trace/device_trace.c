/* A recording of a device: a witness of it (device/witness.h), which puts what it is told into
 * words of traces and hands them to a recorder. The memory ids of the trace are the device's own,
 * resources' ids are the numbers that parcels get when a witness first hears of them, and queues,
 * tags and the device have their index, from 1 on.
 *
 * What lives already is written first, while other threads go on. In the order in which things
 * build on each other (queues, tags, memories, parcels) they are walked under the locks under which
 * the witness is told of the same things, so of each it is known whether the walk has shown it, or
 * will: before the walk has come to them, nothing is said of them, and after it everything.
 *
 * Parcels live under sixteen locks, so there are three phases, once the file is open. BEFORE:
 * nothing is said of parcels, the walk will find them. WALKING: who makes a parcel, or has news of
 * one, looks under its lane's lock whether it was told already, and so does the walk. RUNNING: all
 * that live are told, but a parcel that the walk has shown a moment before its maker speaks of it
 * is not told twice. The thread that starts passes by all the locks between the first two: who made
 * a parcel before was seen by the walk, who makes one later sees the phase, and the observer.
 *
 * Staging memory is told as it is, by its kind. What a resize leaves behind until the GPU is done
 * with it (resize.c) is not: the buffer has left it. */

#include "base/error.h"
#include "base/host.h"
#include "device/text.h"
#include "trace/device_words.h"
#include "trace/recorder.h"

#include <string.h>

enum {
    MAPS_MAX = 8, /* of one parcel, that are told when a recording begins */
    /* More than what a batch of parcels, or of memories, comes to in the ring. */
    BATCH_BYTES = FHI_RECORDER_BUFFER_MIN,
    EVENTS = FH_EVENT_PARCEL_MAPPED | FH_EVENT_PARCEL_UNMAPPED | FH_EVENT_PARCEL_NAMED |
             FH_EVENT_REFUSED | FH_EVENT_BUDGET_CROSSED | FH_EVENT_EVICT_ASKED |
             FH_EVENT_EVICT_IGNORED | FH_EVENT_TICK | FH_EVENT_POLICY_SET | FH_EVENT_DEVICE_LOST |
             FH_EVENT_DECIDED | FH_EVENT_DEVICE_CLOSED | FHI_WITNESS_ALL
};

typedef enum phase {
    ASLEEP = 0, /* the file is not open */
    BEFORE,
    WALKING,
    RUNNING
} phase;

struct fh_trace {
    fh_host_memory memory;
    fhi_core *core; /* while there is a recorder */
    uint32_t id;    /* of the observer */
    uint32_t place; /* its */
    _Atomic phase phase;

    bool queues_walked;     /* under core->retire.lock */
    bool tags_walked;       /* under core->tags.lock */
    uint64_t memory_walked; /* memories up to this id are told; under core->memory_lock */

    /* The tick's: as they were last told. */
    fh_heap_budget budgets[FH_HEAP_MAX];
    uint64_t passed[FH_QUEUE_MAX];

    fhi_lock lock;          /* guards down to `sentence`: the end may come while somebody looks */
    fhi_recorder *recorder; /* NULL: it was closed with the device, and this came of it: */
    fh_result result;
    fh_trace_stats stats;
    fhi_sentence sentence;
};

/* ---- words ---- */

static void put(fh_trace *trace, const fh_trace_event *event)
{
    fhi_recorder_add(trace->recorder, event);
}

/* With a text, which may be NULL. */
static void record_text(fh_trace *trace, fh_trace_event *event, const char *text)
{
    event->text = text;
    event->text_size = text ? (uint32_t)strlen(text) : 0;
    put(trace, event);
}

static void record_name(fh_trace *trace, uint64_t resource, const char *name)
{
    const fhi_name_text clean = fhi_name_print(name);
    record_text(trace,
                &(fh_trace_event){.kind = FH_TRACE_NAMED,
                                  .named = {.noun = FH_TRACE_NOUN_RESOURCE, .id = resource}},
                clean.text);
}

static void record_memory(fh_trace *trace, fhi_memory *memory)
{
    fh_trace_event event;
    fhi_words_memory(&event, memory, fhi_memory_number(trace->core, memory));
    put(trace, &event);
}

static void record_policy(void *context, const char *name)
{
    record_text(context,
                &(fh_trace_event){.kind = FH_TRACE_POLICY, .policy = {.device = FHI_WORDS_DEVICE}},
                name);
}

/* Those that are not what they were. */
static void record_budgets(fh_trace *trace)
{
    fhi_core *core = trace->core;
    fh_heap_budget now[FH_HEAP_MAX];
    fhi_lock_acquire(&core->limit_lock);
    for (uint32_t heap = 0; heap < FH_HEAP_MAX; heap++) {
        now[heap] = core->budgets[heap];
    }
    fhi_lock_release(&core->limit_lock);
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        fh_heap_budget *last = &trace->budgets[heap];
        if (last->budget != now[heap].budget || last->usage != now[heap].usage) {
            *last = now[heap];
            put(trace, &(fh_trace_event){.kind = FH_TRACE_BUDGET,
                                         .budget = {.device = FHI_WORDS_DEVICE,
                                                    .heap = heap,
                                                    .budget = now[heap].budget,
                                                    .usage = now[heap].usage}});
        }
    }
}

static void record_device(fh_trace *trace)
{
    uint64_t list[FHI_WORDS_DEVICE_LIST];
    fh_trace_event event;
    fhi_words_device(&event, &trace->core->adapter, list);
    record_text(trace, &event, trace->core->adapter.name);
}

/* ---- parcels ---- */

/* A parcel that is new. */
static void record_made(fh_trace *trace, const fh_event *made)
{
    uint64_t number = fhi_parcel_give_number(trace->core, made->parcel);
    fh_trace_event event;
    fhi_words_made(&event, made, number);
    put(trace, &event);
    fhi_words_made_bound(&event, made, number);
    put(trace, &event);
    if (made->name) {
        record_name(trace, number, made->name);
    }
}

static void record_uses(fh_trace *trace, uint32_t slot, const fhi_record *record, uint64_t number)
{
    const uint64_t *uses = record->used ? fhi_record_uses(trace->core, slot) : NULL;
    for (uint32_t queue = 0; uses && queue < FH_QUEUE_MAX; queue++) {
        fh_epoch epoch = {queue, uses[queue]};
        if ((record->used >> queue & 1) != 0 && !fhi_epoch_has_passed(trace->core, epoch)) {
            put(trace, &(fh_trace_event){.kind = FH_TRACE_USED,
                                         .used = {.resource = number,
                                                  .queue = fhi_words_queue(queue),
                                                  .value = epoch.value}});
        }
    }
}

/* A parcel that the walk has come to; under its lane's lock. */
static void show_parcel(void *context, uint32_t slot, const fhi_record *found)
{
    fh_trace *trace = context;
    fhi_core *core = trace->core;
    uint64_t word = atomic_load_explicit(&found->word, memory_order_relaxed);
    fh_parcel parcel = {(word & FHI_WORD_GENERATION) | slot};
    if ((found->flags & FHI_RECORD_GHOST) != 0 || fhi_parcel_is_told(core, parcel, trace->place)) {
        return;
    }
    uint64_t number = fhi_parcel_give_number(core, parcel);
    fh_trace_event event;
    fhi_parcel_set_told(core, parcel, trace->place);
    fhi_words_found(&event, core, found, number);
    put(trace, &event);
    fhi_words_found_bound(&event, found, number);
    put(trace, &event);
    if (found->name && found->name[0] != '\0') {
        record_name(trace, number, found->name);
    }
    for (uint32_t i = 0; i < found->map_count && i < MAPS_MAX; i++) {
        put(trace, &(fh_trace_event){.kind = FH_TRACE_MAPPED,
                                     .mapped = {.resource = number, .size = found->committed}});
    }
    record_uses(trace, slot, found, number);
    if (found->state == FHI_STATE_RETIRING) {
        put(trace, &(fh_trace_event){.kind = FH_TRACE_RELEASED, .released = {.resource = number}});
    }
}

/* The parcel is new: whether it is still to be told. Its lane is locked. */
static bool take_made(fh_trace *trace, fh_parcel parcel)
{
    fhi_core *core = trace->core;
    phase now = atomic_load_explicit(&trace->phase, memory_order_acquire);
    if (now < WALKING || fhi_parcel_is_told(core, parcel, trace->place)) {
        return false;
    }
    if (FHI_UNLIKELY(now == WALKING)) {
        fhi_parcel_set_told(core, parcel, trace->place);
    }
    return true;
}

/* Its id; 0: it was not told, or is gone. Its lane is locked, unless the phase is RUNNING. */
static uint64_t resource_in(fh_trace *trace, fh_parcel parcel)
{
    fhi_core *core = trace->core;
    phase now = atomic_load_explicit(&trace->phase, memory_order_acquire);
    bool told =
        now == RUNNING || (now == WALKING && fhi_parcel_is_told(core, parcel, trace->place));
    return told ? fhi_parcel_number(core, parcel) : 0;
}

/* The same with no lock held. */
static uint64_t resource_of(fh_trace *trace, fh_parcel parcel)
{
    if (FHI_LIKELY(atomic_load_explicit(&trace->phase, memory_order_acquire) == RUNNING)) {
        return fhi_parcel_number(trace->core, parcel);
    }
    fhi_lane *lane = fhi_parcel_lane(trace->core, parcel);
    fhi_latch_acquire(&lane->lock);
    uint64_t number = resource_in(trace, parcel);
    fhi_latch_release(&lane->lock);
    return number;
}

static void record_parcel(fh_trace *trace, const fh_event *told)
{
    bool locked = (told->kind & FHI_WITNESS_ALL) != 0;
    uint64_t number = locked ? resource_in(trace, told->parcel) : resource_of(trace, told->parcel);
    fh_trace_event event = {.kind = FH_TRACE_NONE};
    if (number == 0) {
        return;
    }
    switch (told->kind) {
    case FHI_WITNESS_PARCEL_USED:
        event.kind = FH_TRACE_USED;
        event.used = (fh_trace_used){number, fhi_words_queue(told->epoch.queue), told->epoch.value};
        break;
    case FHI_WITNESS_PARCEL_RETIRES:
        event.kind = FH_TRACE_RELEASED;
        event.released.resource = number;
        break;
    case FHI_WITNESS_PARCEL_ENDS:
        event.kind = FH_TRACE_DESTROYED;
        event.destroyed.resource = number;
        break;
    case FHI_WITNESS_PARCEL_SHAPED:
        event.kind = FH_TRACE_RESIZED;
        event.resized = (fh_trace_resized){number, told->bytes, told->bytes_before};
        break;
    case FH_EVENT_PARCEL_MAPPED:
        event.kind = FH_TRACE_MAPPED;
        event.mapped = (fh_trace_mapped){.resource = number, .size = told->committed};
        break;
    case FH_EVENT_PARCEL_UNMAPPED:
        event.kind = FH_TRACE_UNMAPPED;
        event.unmapped.resource = number;
        break;
    default:
        event.kind = FH_TRACE_EVICTION;
        event.eviction =
            (fh_trace_eviction){number, told->bytes, told->kind == FH_EVENT_EVICT_IGNORED ? 1 : 0};
        break;
    }
    put(trace, &event);
    if (told->kind == FHI_WITNESS_PARCEL_SHAPED) {
        const fhi_witnessed *witnessed = (const fhi_witnessed *)(const void *)told;
        fhi_words_found_bound(&event, witnessed->record, number);
        put(trace, &event);
    }
}

static void record_renamed(fh_trace *trace, const fh_event *told)
{
    uint64_t number = resource_of(trace, told->parcel);
    if (number != 0) {
        record_name(trace, number, told->name);
    }
}

/* ---- the device ---- */

/* What the tick has seen, then the boundary itself. */
static void record_tick(fh_trace *trace, const fh_event *told)
{
    fhi_core *core = trace->core;
    uint32_t count = atomic_load_explicit(&core->retire.queue_count, memory_order_acquire);
    for (uint32_t queue = 0; queue < count; queue++) {
        uint64_t passed =
            atomic_load_explicit(&core->retire.queues[queue].passed, memory_order_relaxed);
        if (passed != trace->passed[queue]) {
            trace->passed[queue] = passed;
            put(trace,
                &(fh_trace_event){.kind = FH_TRACE_PASSED,
                                  .passed = {.queue = fhi_words_queue(queue), .value = passed}});
        }
    }
    record_budgets(trace);
    put(trace, &(fh_trace_event){.kind = FH_TRACE_FRAME,
                                 .frame = {.device = FHI_WORDS_DEVICE, .number = told->tick}});
}

/* ---- what comes under locks ---- */

static void record_queue(fh_trace *trace, uint32_t queue, const char *name)
{
    record_text(
        trace,
        &(fh_trace_event){.kind = FH_TRACE_QUEUE,
                          .queue = {.queue = fhi_words_queue(queue), .device = FHI_WORDS_DEVICE}},
        name);
}

static void show_queue(void *context, uint32_t queue, const char *name)
{
    fh_trace *trace = context;
    if (name) {
        record_queue(trace, queue, name);
    } else {
        trace->queues_walked = true;
    }
}

static void record_tag(fh_trace *trace, fh_tag tag, const char *name)
{
    record_text(
        trace,
        &(fh_trace_event){.kind = FH_TRACE_TAG, .tag = {.tag = tag, .device = FHI_WORDS_DEVICE}},
        name);
}

static void show_tag(void *context, fh_tag tag, const char *name)
{
    fh_trace *trace = context;
    if (tag != 0) {
        record_tag(trace, tag, name);
    } else {
        trace->tags_walked = true;
    }
}

static void show_memory(void *context, fhi_memory *memory)
{
    fh_trace *trace = context;
    trace->memory_walked = memory ? memory->id : UINT64_MAX;
    if (memory) {
        record_memory(trace, memory);
    }
}

static void record_memory_event(fh_trace *trace, const fhi_witnessed *told)
{
    fhi_memory *memory = told->memory;
    if (memory->id > trace->memory_walked) {
        return;
    }
    if (told->event.kind == FHI_WITNESS_MEMORY_ENDS) {
        put(trace, &(fh_trace_event){.kind = FH_TRACE_MEMORY_FREED,
                                     .memory_freed = {.memory = memory->id}});
    } else {
        record_memory(trace, memory);
    }
}

/* ---- the end ---- */

/* The device is closed: the recording ends here, its handle stays its owner's. */
static void end(fh_trace *trace)
{
    put(trace, &(fh_trace_event){.kind = FH_TRACE_DEVICE_CLOSED,
                                 .device_closed = {.device = FHI_WORDS_DEVICE}});
    fhi_lock_acquire(&trace->lock);
    fhi_recorder *recorder = trace->recorder;
    fhi_recorder_get_stats(recorder, &trace->stats);
    trace->recorder = NULL;
    fhi_lock_release(&trace->lock);

    fh_trace_stats stats;
    fh_result result = fhi_recorder_close(recorder, &stats);
    fhi_lock_acquire(&trace->lock);
    trace->stats = stats;
    trace->result = result;
    trace->sentence = fhi_sentence_keep();
    fhi_lock_release(&trace->lock);
}

/* ---- what the device tells ---- */

static void witness(void *context, fh_device *device, const fh_event *event)
{
    fh_trace *trace = context;
    const fhi_witnessed *witnessed = (const fhi_witnessed *)(const void *)event;
    fh_trace_event words;
    (void)device;
    if (atomic_load_explicit(&trace->phase, memory_order_acquire) == ASLEEP) {
        return;
    }
    switch (event->kind) {
    case FHI_WITNESS_PARCEL_MADE:
        if (take_made(trace, event->parcel)) {
            record_made(trace, event);
        }
        break;
    case FH_EVENT_PARCEL_NAMED:
        record_renamed(trace, event);
        break;
    case FH_EVENT_REFUSED:
        fhi_words_refused(&words, event);
        put(trace, &words);
        break;
    case FH_EVENT_BUDGET_CROSSED:
        fhi_words_crossed(&words, event);
        put(trace, &words);
        break;
    case FH_EVENT_TICK:
        record_tick(trace, event);
        break;
    case FH_EVENT_POLICY_SET:
        record_policy(trace, event->name);
        break;
    case FH_EVENT_DEVICE_LOST:
        put(trace, &(fh_trace_event){.kind = FH_TRACE_LOST, .lost = {.device = FHI_WORDS_DEVICE}});
        break;
    case FH_EVENT_DECIDED:
        fhi_words_decision(&words, event);
        record_text(trace, &words, event->name);
        break;
    case FH_EVENT_DEVICE_CLOSED:
        end(trace);
        break;
    case FHI_WITNESS_MEMORY_MADE:
    case FHI_WITNESS_MEMORY_ENDS:
        record_memory_event(trace, witnessed);
        break;
    case FHI_WITNESS_TAG_MADE:
        if (trace->tags_walked) {
            record_tag(trace, event->tag, event->name);
        }
        break;
    case FHI_WITNESS_QUEUE_MADE:
        if (trace->queues_walked) {
            record_queue(trace, event->epoch.queue, event->name);
        }
        break;
    default:
        record_parcel(trace, event);
        break;
    }
}

/* ---- from beginning to end ---- */

static void make_room(void *context)
{
    fh_trace *trace = context;
    fhi_recorder_make_room(trace->recorder, BATCH_BYTES);
}

static bool provide(void *context, uint32_t count)
{
    (void)count;
    make_room(context);
    return true;
}

/* What lives. */
static void walk(fh_trace *trace)
{
    fhi_core *core = trace->core;
    fhi_queues_walk(core, show_queue, trace);
    make_room(trace);
    fhi_tags_walk(core, show_tag, trace);
    fhi_memories_walk(core, make_room, show_memory, trace);
    fhi_policy_show(core, record_policy, trace);
    fhi_parcels_clear_told(core, trace->place);
    atomic_store(&trace->phase, WALKING);
    fhi_witnesses_pass(core);
    fhi_records_walk(core, &(fhi_walk){provide, show_parcel, trace});
    atomic_store_explicit(&trace->phase, RUNNING, memory_order_release);
}

static void destroy(fh_trace *trace)
{
    fh_host_memory memory = trace->memory;
    fhi_lock_finish(&trace->lock);
    fhi_host_free(&memory, trace, 1, sizeof *trace, 64);
}

static fh_result start(fhi_core *core, const char *path, const fh_trace_desc *desc,
                       fh_trace **out_trace)
{
    fh_trace *trace = fhi_host_alloc(&core->memory, 1, sizeof *trace, 64);
    if (!trace) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a recording");
    }
    memset(trace, 0, sizeof *trace);
    trace->memory = core->memory;
    trace->core = core;
    fhi_lock_init(&trace->lock);
    /* First what may be refused without harm to a file that is there. */
    fh_result result = fhi_witness_begin(core, EVENTS, witness, trace, &trace->id);
    if (result != FH_OK) {
        destroy(trace);
        return result;
    }
    trace->place = trace->id % FHI_OBSERVERS;
    const fhi_recorder_desc recorder = {.path = path,
                                        .buffer_size = desc->buffer_size,
                                        .program = desc->program,
                                        .tool = "freehold " FH_VERSION_STRING,
                                        .memory = &core->memory};
    result = fhi_recorder_open(&recorder, &trace->recorder);
    if (result != FH_OK) {
        fh_device_unobserve(&core->root, trace->id);
        destroy(trace);
        return result;
    }
    record_device(trace);
    record_budgets(trace);
    atomic_store(&trace->phase, BEFORE);
    walk(trace);
    *out_trace = trace;
    return FH_OK;
}

fh_result fh_trace_start(fh_device *device, const char *path, const fh_trace_desc *desc,
                         fh_trace **out_trace)
{
    static const fh_trace_desc usual;
    if (out_trace) {
        *out_trace = NULL;
    }
    if (!device || !path || !out_trace) {
        return fhi_fail(FH_ERR_INVALID, !device ? "device: must not be NULL"
                                        : !path ? "path: must not be NULL"
                                                : "out_trace: must not be NULL");
    }
    return start(device->core, path, desc ? desc : &usual, out_trace);
}

fh_result fh_trace_stop(fh_trace *trace, fh_trace_stats *out_stats)
{
    if (out_stats) {
        *out_stats = (fh_trace_stats){0};
    }
    if (!trace) {
        return FH_OK;
    }
    fh_result result;
    if (trace->recorder) {
        fh_device_unobserve(&trace->core->root, trace->id);
        result = fhi_recorder_close(trace->recorder, &trace->stats);
    } else {
        result = trace->result;
        if (result != FH_OK) {
            fhi_sentence_fail(result, &trace->sentence);
        }
    }
    if (out_stats) {
        *out_stats = trace->stats;
    }
    destroy(trace);
    return result;
}

fh_result fh_trace_get_stats(fh_trace *trace, fh_trace_stats *out_stats)
{
    if (out_stats) {
        *out_stats = (fh_trace_stats){0};
    }
    if (!trace || !out_stats) {
        return fhi_fail(FH_ERR_INVALID,
                        trace ? "out_stats: must not be NULL" : "trace: must not be NULL");
    }
    fhi_lock_acquire(&trace->lock);
    if (trace->recorder) {
        fhi_recorder_get_stats(trace->recorder, out_stats);
    } else {
        *out_stats = trace->stats;
    }
    fhi_lock_release(&trace->lock);
    return FH_OK;
}
