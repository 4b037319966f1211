/* The life of a replay, and its steps. */

#include "replay/replay.h"

#include "base/clock.h"
#include "base/error.h"
#include "replay/array.h"

#include <stdio.h>
#include <string.h>

/* ---- beginning ---- */

static fh_result no_memory(void)
{
    return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the replay");
}

static uint64_t now_ns(void *context)
{
    const fh_replay *replay = context;
    return replay->now_ns;
}

/* The card that is played on: the recorded one or another, with what if. */
static fh_result choose_card(fh_replay *replay, const fh_replay_desc *desc, fh_profile *out_card)
{
    *out_card = desc->profile ? *desc->profile : replay->tape->info.profile;
    out_card->allocation_latency_ns = out_card->copy_latency_ns = 0;
    out_card->manual = false;
    if (desc->heap_count > 0 && !desc->heaps) {
        return fhi_fail(FH_ERR_INVALID, "heaps is NULL and heap_count is not 0");
    }
    for (uint32_t i = 0; i < desc->heap_count; i++) {
        const fh_replay_heap *heap = &desc->heaps[i];
        if (heap->heap >= out_card->heap_count || heap->heap >= FH_HEAP_MAX) {
            return fhi_fail_with(FH_ERR_INVALID, "heaps: there is no heap {}, the card has {}",
                                 heap->heap, out_card->heap_count, 0);
        }
        if (heap->size != 0) {
            out_card->heaps[heap->heap].size = heap->size;
            out_card->os_budget[heap->heap] = 0;
        }
        if (heap->budget != 0) {
            out_card->os_budget[heap->heap] = heap->budget;
        }
        replay->budget_fixed[heap->heap] = true;
    }
    return FH_OK;
}

/* As recorded, a budget that is given is what the program is held against, and changes nothing. */
static fh_result hold_against(fh_replay *replay, const fh_replay_desc *desc)
{
    if (desc->heap_count > 0 && !desc->heaps) {
        return fhi_fail(FH_ERR_INVALID, "heaps is NULL and heap_count is not 0");
    }
    for (uint32_t i = 0; i < desc->heap_count; i++) {
        const fh_replay_heap *heap = &desc->heaps[i];
        if (heap->heap >= replay->tape->info.profile.heap_count) {
            return fhi_fail_with(FH_ERR_INVALID, "heaps: there is no heap {}, the card has {}",
                                 heap->heap, replay->tape->info.profile.heap_count, 0);
        }
        if (heap->budget != 0) {
            replay->budgets[heap->heap] =
                (fhi_backend_budget){.known = true, .budget = heap->budget};
            replay->budget_fixed[heap->heap] = true;
        }
    }
    return FH_OK;
}

static fh_result make_states(fh_replay *replay)
{
    const fhi_tape *tape = replay->tape;
    replay->holders = fhi_array_make(&replay->memory, tape->piece_count, sizeof *replay->holders);
    replay->groups = fhi_array_make(&replay->memory, tape->group_count, sizeof *replay->groups);
    replay->tags =
        fhi_array_make(&replay->memory, replay->recording->tag_count, sizeof *replay->tags);
    if ((!replay->holders && tape->piece_count > 0) || (!replay->groups && tape->group_count > 0) ||
        (!replay->tags && replay->recording->tag_count > 0)) {
        return no_memory();
    }
    for (uint32_t i = 0; i < tape->piece_count; i++) {
        replay->holders[i].span = FHI_NONE;
    }
    return FH_OK;
}

static fh_result make_tags(fh_replay *replay)
{
    const fh_recording *recording = replay->recording;
    for (uint32_t i = 0; i < recording->tag_count; i++) {
        const char *name = fhi_recording_text(recording, recording->tags[i]);
        char cut[FH_NAME_SIZE];
        snprintf(cut, sizeof cut, "%s", name);
        fh_result result = fh_device_tag(replay->device, cut, &replay->tags[i]);
        if (result == FH_ERR_HOST_MEMORY) {
            return result;
        }
    }
    return FH_OK;
}

/* One for each recorded queue, and one at least; in the end they share the last. */
static fh_result make_queues(fh_replay *replay)
{
    uint32_t wanted = replay->tape->queue_count > 0 ? replay->tape->queue_count : 1;
    uint32_t most = FH_QUEUE_MAX - replay->backend.info.queue_count;
    wanted = wanted < most ? wanted : most;
    while (replay->queue_count < wanted) {
        fh_result result =
            fh_queue_add(replay->device, "recorded", &replay->queues[replay->queue_count]);
        if (result != FH_OK) {
            return result;
        }
        replay->queue_count++;
    }
    return FH_OK;
}

static fh_result make_device(fh_replay *replay, const fh_replay_desc *desc)
{
    fh_profile card;
    fhi_backend *backend = &replay->backend;
    backend->inner = fh_backend_find(desc->backend);
    if (!backend->inner) {
        return fhi_fail_print(FH_ERR_INVALID, "this build has no backend \"%s\"", desc->backend);
    }
    bool is_host = backend->inner == fh_backend_find(NULL);
    if (!is_host && (desc->profile || desc->heap_count > 0)) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "profile and heaps: the backend \"%s\" is what it is; \"host\" can "
                              "be another card",
                              desc->backend);
    }
    fh_result result = choose_card(replay, desc, &card);
    const fh_simulated_desc simulated = {.profile = &card};
    backend->inner_config = is_host ? &simulated : NULL;
    backend->recorded_card = is_host && !desc->profile;
    backend->listener = fhi_watch_listener(replay);
    result = result == FH_OK ? fhi_backend_init(backend) : result;
    if (result == FH_OK) {
        const fh_clock clock = {now_ns, replay};
        const fh_device_desc device_desc = {
            .ops = &backend->ops,
            .config = backend,
            .evict = replay->can_evict ? fhi_play_evict : NULL,
            .evict_context = replay,
            .memory = &replay->memory,
            .log = desc->log,
            .clock = &clock,
        };
        result = fh_device_create(&device_desc, &replay->device);
    }
    backend->inner_config = NULL;
    result = result == FH_OK ? fh_device_observe(replay->device, FHI_WATCH_EVENTS, fhi_watch_event,
                                                 replay, &replay->observer)
                             : result;
    result = result == FH_OK ? make_states(replay) : result;
    result = result == FH_OK ? make_tags(replay) : result;
    return result == FH_OK ? make_queues(replay) : result;
}

static fh_result make_as_recorded(fh_replay *replay, const fh_replay_desc *desc)
{
    const fhi_tape *tape = replay->tape;
    uint32_t memories = replay->recording->memory_count;
    replay->memory_blocks =
        fhi_array_make(&replay->memory, memories, sizeof *replay->memory_blocks);
    replay->piece_places =
        fhi_array_make(&replay->memory, tape->piece_count, sizeof *replay->piece_places);
    bool made = (replay->memory_blocks || memories == 0) &&
                (replay->piece_places || tape->piece_count == 0);
    if (!made) {
        return no_memory();
    }
    for (uint32_t i = 0; i < memories; i++) {
        replay->memory_blocks[i] = FHI_NONE;
    }
    for (uint32_t i = 0; i < tape->piece_count; i++) {
        replay->piece_places[i] = FHI_NONE;
    }
    return hold_against(replay, desc);
}

/* Which frames count: 0 stands for the first and the last. */
static fh_result choose_frames(const fhi_tape *tape, const fh_replay_desc *desc,
                               uint32_t *out_first, uint32_t *out_last)
{
    *out_first = desc->frame_first != 0 ? desc->frame_first : 1;
    *out_last = desc->frame_last != 0 ? desc->frame_last : tape->frame_count;
    if (*out_first > *out_last || *out_last > tape->frame_count) {
        return fhi_fail_with(FH_ERR_INVALID, "frames {} to {}, and the recording has {}",
                             *out_first, *out_last, tape->frame_count);
    }
    return FH_OK;
}

fh_result fh_replay_create(const fh_recording *recording, const fh_replay_desc *desc,
                           fh_replay **out_replay)
{
    const fh_replay_desc none = {0};
    fh_host_memory memory;
    uint32_t first = 0, last = 0;

    if (out_replay) {
        *out_replay = NULL;
    }
    if (!recording || !out_replay) {
        return fhi_fail(FH_ERR_INVALID, "recording or out_replay is NULL");
    }
    desc = desc ? desc : &none;
    const fhi_tape *tape = fhi_recording_tape(recording, desc->device);
    if (!tape) {
        return fhi_fail_with(FH_ERR_INVALID, "the recording has no device {}", desc->device, 0, 0);
    }
    fh_result result = fhi_host_memory_resolve(desc->memory, &memory);
    result = result == FH_OK ? choose_frames(tape, desc, &first, &last) : result;
    if (result != FH_OK) {
        return result;
    }
    fh_replay *replay = fhi_host_alloc(&memory, 1, sizeof *replay, 64);
    if (!replay) {
        return no_memory();
    }
    memset(replay, 0, sizeof *replay);
    replay->memory = memory;
    replay->recording = recording;
    replay->tape = tape;
    replay->as_recorded = desc->as_recorded;
    replay->can_evict = tape->info.has_uses;
    replay->frame_last = last;
    replay->last_block = FHI_NONE;
    fhi_yard_init(&replay->yard, &replay->memory, desc->keep_spans);
    fhi_causes_init(&replay->causes, &replay->memory);
    fhi_tally_init(&replay->tally, &replay->memory, tape->info.profile.heap_count, first);
    result = desc->as_recorded ? make_as_recorded(replay, desc) : make_device(replay, desc);
    if (result != FH_OK) {
        const fhi_sentence sentence = fhi_sentence_keep();
        fh_replay_destroy(replay);
        return fhi_sentence_fail(result, &sentence);
    }
    if (replay->device) {
        replay->tally.heap_count = replay->tally.figures.heap_count =
            replay->backend.info.heap_count;
    }
    *out_replay = replay;
    return FH_OK;
}

/* ---- ending ---- */

static void free_states(fh_replay *replay)
{
    const fh_host_memory *memory = &replay->memory;
    const fhi_tape *tape = replay->tape;
    fhi_array_free(memory, replay->holders, tape->piece_count, sizeof *replay->holders);
    fhi_array_free(memory, replay->groups, tape->group_count, sizeof *replay->groups);
    fhi_array_free(memory, replay->tags, replay->recording->tag_count, sizeof *replay->tags);
    fhi_array_free(memory, replay->blocks, replay->block_capacity, sizeof *replay->blocks);
    fhi_array_free(memory, replay->places, replay->place_capacity, sizeof *replay->places);
    fhi_array_free(memory, replay->memory_blocks, replay->recording->memory_count,
                   sizeof *replay->memory_blocks);
    fhi_array_free(memory, replay->piece_places, tape->piece_count, sizeof *replay->piece_places);
}

/* What the program never let go of is no leak of ours, to be reported by name. */
static void release_all(fh_replay *replay)
{
    fh_parcel parcel;
    for (uint32_t i = 0; replay->holders && i < replay->tape->piece_count; i++) {
        parcel = replay->holders[i].parcel;
        replay->holders[i].parcel = (fh_parcel){0};
        fh_parcel_release(replay->device, parcel);
    }
    for (uint32_t i = 0; replay->groups && i < replay->tape->group_count; i++) {
        parcel = replay->groups[i].parcel;
        replay->groups[i].parcel = (fh_parcel){0};
        fh_parcel_release(replay->device, parcel);
    }
}

void fh_replay_destroy(fh_replay *replay)
{
    if (!replay) {
        return;
    }
    if (replay->device) {
        fhi_play_let_pass(replay);
        release_all(replay);
        fh_device_unobserve(replay->device, replay->observer);
        fh_device_destroy(replay->device);
    }
    free_states(replay);
    fhi_tally_finish(&replay->tally);
    fhi_causes_finish(&replay->causes);
    fhi_yard_finish(&replay->yard);
    const fh_host_memory memory = replay->memory;
    fhi_host_free(&memory, replay, 1, sizeof *replay, 64);
}

/* ---- stepping ---- */

static void find_budgets(fh_replay *replay, fhi_tally_end *end)
{
    fh_heap_budget budgets[FH_HEAP_MAX];
    if (replay->device) {
        fhi_backend_budgets(&replay->backend, replay->frame, budgets);
    }
    for (uint32_t i = 0; i < replay->tally.heap_count; i++) {
        if (!replay->device) {
            end->has_budget[i] = replay->budgets[i].known;
            end->budgets[i] = replay->budgets[i].budget;
            end->others[i] = replay->budgets[i].others;
            continue;
        }
        uint64_t own = replay->tally.heaps[i].reserved;
        end->has_budget[i] = true;
        end->budgets[i] = budgets[i].budget;
        end->others[i] = budgets[i].usage > own ? budgets[i].usage - own : 0;
    }
}

static void end_frame(fh_replay *replay)
{
    fh_account_info total;
    fhi_tally_end end = {.time_ns = replay->now_ns, .limit = UINT64_MAX};
    if (replay->device) {
        fhi_play_frame_end(replay);
        fh_result result = fh_device_tick(replay->device);
        replay->result = result != FH_OK ? result : replay->result;
        fh_device_account(replay->device, (fh_account){FH_ACCOUNT_TOTAL, 0}, &total);
        end.limit = total.limit;
    }
    find_budgets(replay, &end);
    end.fragmentation_ppm = fhi_yard_gaps(&replay->yard);
    end.block_count = replay->yard.live_blocks;
    fhi_tally_frame_end(&replay->tally, &end);
    replay->frame++;
    replay->yard.frame++;
}

static void set_time(fh_replay *replay, uint64_t time_ns)
{
    replay->now_ns = time_ns > replay->now_ns ? time_ns : replay->now_ns;
    replay->yard.now_ns = replay->now_ns;
}

static bool is_sound(const fh_replay *replay)
{
    return replay->result == FH_OK && !replay->yard.failed && !replay->causes.failed &&
           !replay->tally.failed;
}

static void play_frame(fh_replay *replay)
{
    const fhi_taped_frame *frame = &replay->tape->frames[replay->frame];
    while (replay->op < frame->end && is_sound(replay)) {
        const fhi_op *op = &replay->tape->ops[replay->op++];
        set_time(replay, op->time_ns);
        if (replay->as_recorded) {
            fhi_play_recorded(replay, op);
        } else {
            fhi_play(replay, op);
        }
        replay->op_count++;
    }
    if (is_sound(replay)) {
        set_time(replay, frame->time_ns);
        end_frame(replay);
    }
}

bool fh_replay_done(const fh_replay *replay)
{
    return !replay || replay->frame >= replay->frame_last;
}

fh_result fh_replay_step(fh_replay *replay, uint32_t frames, uint32_t *out_frame)
{
    if (out_frame) {
        *out_frame = 0;
    }
    if (!replay) {
        return fhi_fail(FH_ERR_INVALID, "replay is NULL");
    }
    uint64_t began = fhi_now_ns();
    for (uint32_t i = 0; i < frames && !fh_replay_done(replay) && is_sound(replay); i++) {
        play_frame(replay);
    }
    replay->wall_ns += fhi_now_ns() - began;
    if (out_frame) {
        *out_frame = replay->frame;
    }
    if (replay->result == FH_ERR_DEVICE_LOST) {
        return fhi_fail(FH_ERR_DEVICE_LOST, "the replay's device is lost");
    }
    return is_sound(replay) ? FH_OK : no_memory();
}

/* ---- looking at it ---- */

fh_device *fh_replay_device(fh_replay *replay)
{
    return replay ? replay->device : NULL;
}

fh_result fh_replay_get_figures(const fh_replay *replay, fh_replay_figures *out_figures)
{
    if (out_figures) {
        memset(out_figures, 0, sizeof *out_figures);
    }
    if (!replay || !out_figures) {
        return fhi_fail(FH_ERR_INVALID, "replay or out_figures is NULL");
    }
    fhi_tally_get(&replay->tally, out_figures);
    out_figures->can_evict = replay->can_evict;
    out_figures->timing.wall_ns = replay->wall_ns;
    out_figures->timing.event_count = replay->op_count;
    return FH_OK;
}

const fh_replay_sample *fh_replay_samples(const fh_replay *replay, uint32_t *out_count)
{
    uint32_t count = replay ? replay->tally.sample_count : 0;
    if (out_count) {
        *out_count = count;
    }
    return count > 0 ? replay->tally.samples : NULL;
}

const fh_replay_cause *fh_replay_causes(const fh_replay *replay, uint32_t *out_count)
{
    uint32_t count = replay ? replay->causes.count : 0;
    if (out_count) {
        *out_count = count;
    }
    return count > 0 ? replay->causes.all : NULL;
}

const fh_replay_block *fh_replay_blocks(const fh_replay *replay, uint32_t *out_count)
{
    uint32_t count = replay ? replay->yard.shown_count : 0;
    if (out_count) {
        *out_count = count;
    }
    return count > 0 ? replay->yard.blocks : NULL;
}

const fh_replay_span *fh_replay_spans(const fh_replay *replay, uint64_t *out_count)
{
    uint32_t count = replay ? replay->yard.span_count : 0;
    if (out_count) {
        *out_count = count;
    }
    return count > 0 ? replay->yard.spans : NULL;
}
