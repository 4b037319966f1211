/* Playing the recorded requests on a device.
 *
 * Uses and ends. Each submit is a point that the queues pass; the GPU passes it FH_REPLAY_LATENCY
 * frames later, or as soon as the program shows that it has passed: by destroying what the submit
 * used, for which it must have waited. So what the program destroyed is free at once, on a device
 * as in the program; what a policy evicted, or an owner merely released, is free when its last use
 * has passed; and neither waits for what it does not need. Queues that used it are then taken to
 * have passed everything up to its last use, which is true of queues in order.
 *
 * A wait of a policy's cannot bring the GPU forward: the queues are the program's own
 * (fh_queue_add), and for those relief does not wait (relief.c). */

#include "replay/replay.h"

#include <stdio.h>
#include <string.h>

/* ---- who asks ---- */

/* What an owner is known by to the device. */
static void *user_of(uint32_t index, bool is_group)
{
    return (void *)(((uintptr_t)index << 1 | is_group) + 1);
}

/* Bytes that a holder asks for. */
static uint64_t bytes_of(const fh_replay *replay, uint32_t index, bool is_group)
{
    return is_group ? replay->tape->groups[index].size : replay->tape->pieces[index].size;
}

static fhi_holder *holder_of(fh_replay *replay, uint32_t index, bool is_group)
{
    return is_group ? &replay->groups[index] : &replay->holders[index];
}

static uint64_t id_of(const fh_replay *replay, uint32_t piece)
{
    uint32_t resource = replay->tape->pieces[piece].resource;
    return resource == FHI_NONE ? 0 : replay->recording->resource_ids.ids[resource];
}

/* ---- asking ---- */

static fh_result create(fh_replay *replay, const fhi_described *described, fh_parcel *out_parcel)
{
    switch (described->kind) {
    case FH_KIND_BUFFER:
        return fh_buffer_create(replay->device, &described->buffer, out_parcel);
    case FH_KIND_TEXTURE:
        return fh_texture_create(replay->device, &described->texture, out_parcel);
    default:
        return fh_raw_create(replay->device, &described->raw, out_parcel);
    }
}

/* What the request looks like to `place`, for finding out which line decided it. */
static void begin_request(fh_replay *replay, uint32_t index, bool is_group,
                          fhi_described *described)
{
    const fh_memory_desc *memory = fhi_described_memory(described);
    fh_usage usage = described->kind == FH_KIND_BUFFER    ? described->buffer.usage
                     : described->kind == FH_KIND_TEXTURE ? described->texture.usage
                                                          : 0;
    replay->request.active = true;
    replay->request.is_group = is_group;
    replay->request.of = (fhi_cause_class){described->kind, usage, memory->location, memory->tag};
    replay->request.size = bytes_of(replay, index, is_group);
    replay->request.resource = is_group ? 0 : id_of(replay, index);
    replay->request.made_block = FHI_NONE;
    replay->request.refused_by_account = false;
    replay->causes.place = replay->causes.relieve = replay->causes.evict = 0;
}

/* The line that placed it: one that decided just now, or that a kept verdict is of. */
uint32_t fhi_replay_cause(const fh_replay *replay)
{
    return replay->causes.place != 0
               ? replay->causes.place
               : fhi_causes_find(&replay->causes, &replay->request.of, replay->request.size);
}

static void charge_placed(fh_replay *replay)
{
    char answer[96];
    uint32_t cause = fhi_replay_cause(replay);
    uint32_t block = replay->request.made_block;
    if (cause == 0 || block == FHI_NONE) {
        return;
    }
    uint32_t heap = replay->yard.all_blocks[block].heap;
    snprintf(answer, sizeof answer, "heap %u%s%s", heap,
             replay->backend.info.heaps[heap].device_local ? ", device" : ", host",
             replay->request.dedicated ? ", dedicated" : "");
    fhi_causes_charge(&replay->causes, cause, FHI_EFFECT_PLACED, replay->request.size, answer);
}

static bool is_end(fh_result result)
{
    return result == FH_ERR_HOST_MEMORY || result == FH_ERR_DEVICE_LOST;
}

/* The line that refused it: relief that gave up, a verdict that denied, the limit that it met. */
static void charge_refused(fh_replay *replay)
{
    uint32_t cause = replay->causes.relieve;
    cause = cause != 0 ? cause : replay->causes.place;
    if (cause == 0 && replay->request.refused_by_account) {
        cause = replay->causes.limits;
    }
    fhi_causes_charge(&replay->causes, cause, FHI_EFFECT_REFUSED, replay->request.size, "refused");
}

/* True: it has memory now. */
static bool ask(fh_replay *replay, uint32_t index, bool is_group)
{
    fhi_described described;
    fhi_holder *holder = holder_of(replay, index, is_group);
    uint64_t bytes = bytes_of(replay, index, is_group);

    if (is_group) {
        fhi_describe_group(replay, index, &described);
    } else {
        fhi_describe_piece(replay, index, &described);
    }
    fhi_described_memory(&described)->user = user_of(index, is_group);
    begin_request(replay, index, is_group, &described);
    fh_result result = create(replay, &described, &holder->parcel);
    if (result == FH_ERR_INVALID) {
        fhi_describe_plainly(&described);
        result = create(replay, &described, &holder->parcel);
    }
    holder->tried = replay->frame + 1;
    if (result == FH_OK) {
        uint32_t block = replay->request.made_block;
        holder->holding = FHI_HOLDING_PARCEL;
        holder->heap = block != FHI_NONE ? (uint8_t)replay->yard.all_blocks[block].heap : 0;
        holder->cause = fhi_replay_cause(replay);
        fhi_tally_commit(&replay->tally, holder->heap, is_group ? holder->covered : bytes);
        charge_placed(replay);
    } else if (is_end(result)) {
        replay->result = result;
    } else if (holder->holding != FHI_HOLDING_REFUSED) {
        holder->holding = FHI_HOLDING_REFUSED;
        fhi_tally_refuse(&replay->tally, bytes);
        charge_refused(replay);
    }
    replay->request.active = false;
    return result == FH_OK;
}

/* ---- letting go ---- */

static void let_go(fh_replay *replay, fhi_holder *holder, uint64_t bytes, fhi_holding then)
{
    if (holder->holding == FHI_HOLDING_PARCEL) {
        fh_parcel parcel = holder->parcel;
        holder->parcel = (fh_parcel){0};
        holder->holding = (uint8_t)then;
        fhi_tally_let_go(&replay->tally, holder->heap, bytes);
        fh_parcel_release(replay->device, parcel);
    }
    holder->holding = (uint8_t)then;
}

/* All that it was used for has passed. */
static void let_pass(fh_replay *replay, const fhi_holder *holder)
{
    for (uint32_t i = 0; i < replay->queue_count; i++) {
        if ((holder->queues >> i & 1) != 0 && replay->passed[i] < holder->last_use) {
            replay->passed[i] = holder->last_use;
            fh_queue_signal(replay->device, replay->queues[i], holder->last_use);
        }
    }
}

/* ---- pieces on a group's parcel ---- */

/* It shows what lies there; where the device will not have it so, the group's parcel does alone. */
static void lay(fh_replay *replay, uint32_t index)
{
    fhi_described described;
    const fhi_piece *piece = &replay->tape->pieces[index];
    const fhi_holder *group = &replay->groups[piece->group];
    fhi_holder *holder = &replay->holders[index];
    uint64_t offset = piece->offset - replay->tape->groups[piece->group].begin;
    uint32_t place = fhi_watch_place(replay, group->parcel);

    fhi_describe_piece(replay, index, &described);
    fh_memory_desc *memory = fhi_described_memory(&described);
    memory->backing = group->parcel;
    memory->backing_offset = offset;
    memory->evictable = FH_EVICTABLE_NO;
    memory->mapped = false;
    if (described.kind != FH_KIND_RAW) {
        fh_result result = create(replay, &described, &holder->parcel);
        replay->result = is_end(result) ? result : replay->result;
    }
    holder->span = FHI_NONE;
    if (place != FHI_NONE) {
        const fhi_yard_place *under = &replay->yard.all_places[place];
        holder->span = fhi_yard_span_add(&replay->yard, under->block, under->offset + offset,
                                         piece->size, id_of(replay, index), group->cause, true);
    }
}

static void take_up(fh_replay *replay, uint32_t index)
{
    fhi_holder *holder = &replay->holders[index];
    fh_parcel parcel = holder->parcel;
    holder->parcel = (fh_parcel){0};
    fhi_yard_span_end(&replay->yard, holder->span);
    holder->span = FHI_NONE;
    if (parcel.id != 0) {
        fh_parcel_release(replay->device, parcel);
    }
}

static void lay_all(fh_replay *replay, uint32_t group)
{
    uint32_t at = replay->tape->groups[group].first;
    while (at != FHI_NONE) {
        if (replay->holders[at].bound) {
            lay(replay, at);
        }
        at = replay->tape->pieces[at].next;
    }
}

static void take_all_up(fh_replay *replay, uint32_t group)
{
    uint32_t at = replay->tape->groups[group].first;
    while (at != FHI_NONE) {
        if (replay->holders[at].bound) {
            take_up(replay, at);
        }
        at = replay->tape->pieces[at].next;
    }
}

/* ---- the recorded events ---- */

static void bind(fh_replay *replay, uint32_t index)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    replay->holders[index].bound = true;
    fhi_tally_request(&replay->tally, piece->size);
    if (piece->group == FHI_NONE) {
        ask(replay, index, false);
        return;
    }
    fhi_holder *group = &replay->groups[piece->group];
    group->covered += piece->comes;
    if (group->live++ == 0) {
        ask(replay, piece->group, true);
    } else if (group->holding == FHI_HOLDING_PARCEL) {
        fhi_tally_commit(&replay->tally, group->heap, piece->comes);
    }
    if (group->holding == FHI_HOLDING_PARCEL) {
        lay(replay, index);
    }
}

/* `destroyed`: the program has waited for its uses; else they are waited for. */
static void release(fh_replay *replay, uint32_t index, bool destroyed)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    bool in_group = piece->group != FHI_NONE;
    fhi_holder *holder = &replay->holders[index];
    fhi_holder *group = in_group ? &replay->groups[piece->group] : NULL;
    if (destroyed) {
        let_pass(replay, holder);
    }
    if (!holder->bound) {
        return;
    }
    holder->bound = false;
    if (!in_group) {
        let_go(replay, holder, piece->size, FHI_HOLDING_NOTHING);
        return;
    }
    take_up(replay, index);
    group->covered -= piece->goes;
    if (group->holding == FHI_HOLDING_PARCEL) {
        fhi_tally_let_go(&replay->tally, group->heap, piece->goes);
    }
    if (--group->live == 0) {
        let_go(replay, group, group->covered, FHI_HOLDING_NOTHING);
    }
}

static void use(fh_replay *replay, uint32_t index, uint32_t queue)
{
    uint32_t of = replay->tape->pieces[index].group;
    bool in_group = of != FHI_NONE;
    uint32_t asking = in_group ? of : index;
    fhi_holder *piece = &replay->holders[index];
    fhi_holder *holder = holder_of(replay, asking, in_group);
    if (!piece->bound) {
        return;
    }
    if (holder->holding != FHI_HOLDING_PARCEL) {
        bool again = holder->tried != replay->frame + 1 || holder->holding == FHI_HOLDING_EVICTED;
        if (!again || !ask(replay, asking, in_group)) {
            fhi_tally_miss(&replay->tally);
            return;
        }
        fhi_tally_reload(&replay->tally, bytes_of(replay, asking, in_group));
        if (in_group) {
            lay_all(replay, of);
        }
    }
    piece->last_use = holder->last_use = replay->submitted;
    piece->queues = (uint8_t)(piece->queues | 1U << queue);
    holder->queues = (uint8_t)(holder->queues | 1U << queue);
    const fh_epoch epoch = {replay->queues[queue], replay->submitted};
    fh_result result = fh_parcel_use(replay->device, holder->parcel, epoch);
    replay->result = is_end(result) ? result : replay->result;
}

static void submit(fh_replay *replay, const fhi_taped_submit *submit)
{
    uint32_t last = replay->queue_count - 1;
    uint32_t queue = submit->queue < last ? submit->queue : last;
    replay->submitted++;
    for (uint32_t i = 0; i < submit->use_count; i++) {
        use(replay, replay->tape->uses[submit->first_use + i], queue);
    }
}

static void budget(fh_replay *replay, const fhi_taped_budget *said)
{
    uint64_t own = replay->recorded[said->heap];
    replay->budgets[said->heap] = (fhi_backend_budget){
        .known = true,
        .budget = said->budget,
        .others = said->usage > own ? said->usage - own : 0,
    };
    if (replay->backend.recorded_card && !replay->budget_fixed[said->heap]) {
        replay->backend.budgets[said->heap] = replay->budgets[said->heap];
    }
}

void fhi_play(fh_replay *replay, const fhi_op *op)
{
    const fhi_taped_memory *memory = NULL;
    switch ((fhi_op_kind)op->kind) {
    case FHI_OP_ALLOC:
        memory = &replay->recording->memories[op->index];
        replay->recorded[memory->heap] += memory->size;
        if (memory->piece != FHI_NONE) {
            bind(replay, memory->piece);
        }
        break;
    case FHI_OP_FREE:
        memory = &replay->recording->memories[op->index];
        replay->recorded[memory->heap] -= memory->size;
        if (memory->piece != FHI_NONE) {
            release(replay, memory->piece, true);
        }
        break;
    case FHI_OP_BIND:
        bind(replay, op->index);
        break;
    case FHI_OP_RELEASE:
        release(replay, op->index, false);
        break;
    case FHI_OP_END:
        release(replay, op->index, true);
        break;
    case FHI_OP_SUBMIT:
    case FHI_OP_USE:
        submit(replay, &replay->tape->submits[op->index]);
        break;
    case FHI_OP_BUDGET:
        budget(replay, &replay->tape->budgets[op->index]);
        break;
    case FHI_OP_NOTHING:
    case FHI_OP_REFUSED: /* what its own policy did */
    case FHI_OP_EVICTED:
    case FHI_OP_DECISION:
        break;
    }
}

/* ---- what the device asks ---- */

bool fhi_play_evict(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    fh_replay *replay = context;
    (void)device;
    if (!user) {
        return false; /* not of the recording */
    }
    uintptr_t number = (uintptr_t)user - 1;
    bool is_group = (number & 1) != 0;
    uint32_t index = (uint32_t)(number >> 1);
    fhi_holder *holder = holder_of(replay, index, is_group);
    uint64_t bytes = bytes_of(replay, index, is_group);
    if (holder->holding != FHI_HOLDING_PARCEL || holder->parcel.id != parcel.id) {
        return false;
    }
    if (is_group) {
        take_all_up(replay, index);
    }
    let_go(replay, holder, is_group ? holder->covered : bytes, FHI_HOLDING_EVICTED);
    fhi_tally_evict(&replay->tally, bytes);
    const fhi_causes *causes = &replay->causes;
    uint32_t cause = causes->evict != 0      ? causes->evict
                     : causes->relieve != 0  ? causes->relieve
                     : causes->pressure != 0 ? causes->pressure
                                             : causes->limits;
    fhi_causes_charge(&replay->causes, cause, FHI_EFFECT_EVICTED, bytes, "evicted");
    return true;
}

/* ---- the GPU ---- */

static void signal_all(fh_replay *replay, uint64_t point)
{
    for (uint32_t i = 0; i < replay->queue_count; i++) {
        if (replay->passed[i] < point) {
            replay->passed[i] = point;
            fh_queue_signal(replay->device, replay->queues[i], point);
        }
    }
}

void fhi_play_frame_end(fh_replay *replay)
{
    memmove(&replay->frame_points[1], &replay->frame_points[0],
            FH_REPLAY_LATENCY * sizeof replay->frame_points[0]);
    replay->frame_points[0] = replay->submitted;
    signal_all(replay, replay->frame_points[FH_REPLAY_LATENCY]);
    replay->causes.relieve = replay->causes.place = 0;
    replay->causes.pressure = replay->causes.evict = 0;
}

void fhi_play_let_pass(fh_replay *replay)
{
    signal_all(replay, replay->submitted);
}
