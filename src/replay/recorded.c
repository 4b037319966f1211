/* As recorded: what the program did itself, without a device. */

#include "replay/replay.h"

static void enter(fh_replay *replay, uint32_t index)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    uint32_t heap = replay->recording->memories[piece->memory].heap;
    bool in_group = piece->group != FHI_NONE;
    uint32_t block = replay->memory_blocks[piece->memory];
    uint64_t resource =
        piece->resource == FHI_NONE ? 0 : replay->recording->resource_ids.ids[piece->resource];
    uint32_t span =
        fhi_yard_span_add(&replay->yard, block, piece->offset, piece->size, resource, 0, in_group);
    fhi_tally_request(&replay->tally, piece->size);
    replay->piece_places[index] =
        fhi_yard_place_add(&replay->yard, block, piece->offset, piece->size, span);
    fhi_tally_commit(&replay->tally, heap, piece->comes);
}

static void let_go(fh_replay *replay, uint32_t index)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    uint32_t heap = replay->recording->memories[piece->memory].heap;
    fhi_tally_let_go(&replay->tally, heap, piece->goes);
}

static void leave(fh_replay *replay, uint32_t index)
{
    fhi_yard_place_end(&replay->yard, replay->piece_places[index]);
    replay->piece_places[index] = FHI_NONE;
}

static void alloc(fh_replay *replay, uint32_t index)
{
    const fhi_taped_memory *memory = &replay->recording->memories[index];
    fhi_tally_alloc(&replay->tally, memory->heap, memory->size);
    replay->memory_blocks[index] = fhi_yard_block_add(&replay->yard, memory->heap, memory->type,
                                                      memory->size, memory->dedicated);
    replay->recorded[memory->heap] += memory->size;
    if (memory->piece != FHI_NONE) {
        enter(replay, memory->piece);
    }
}

static void give_back(fh_replay *replay, uint32_t index)
{
    const fhi_taped_memory *memory = &replay->recording->memories[index];
    if (memory->piece != FHI_NONE) {
        let_go(replay, memory->piece);
        leave(replay, memory->piece);
    }
    fhi_yard_block_end(&replay->yard, replay->memory_blocks[index]);
    replay->memory_blocks[index] = FHI_NONE;
    replay->recorded[memory->heap] -= memory->size;
    fhi_tally_free(&replay->tally, memory->heap, memory->size);
}

static void decide(fh_replay *replay, const fhi_taped_decision *decision)
{
    bool failed = decision->outcome > FHI_OUTCOME_NOTHING;
    fhi_tally_decide(&replay->tally, failed, 0);
}

void fhi_play_recorded(fh_replay *replay, const fhi_op *op)
{
    const fhi_taped_budget *said = NULL;
    switch ((fhi_op_kind)op->kind) {
    case FHI_OP_ALLOC:
        alloc(replay, op->index);
        break;
    case FHI_OP_FREE:
        give_back(replay, op->index);
        break;
    case FHI_OP_BIND:
        enter(replay, op->index);
        break;
    case FHI_OP_RELEASE:
        let_go(replay, op->index);
        break;
    case FHI_OP_END:
        if (!replay->tape->pieces[op->index].released) {
            let_go(replay, op->index);
        }
        leave(replay, op->index);
        break;
    case FHI_OP_BUDGET:
        said = &replay->tape->budgets[op->index];
        if (replay->budget_fixed[said->heap]) {
            break;
        }
        replay->budgets[said->heap] = (fhi_backend_budget){
            .known = true,
            .budget = said->budget,
            .others = said->usage > replay->recorded[said->heap]
                          ? said->usage - replay->recorded[said->heap]
                          : 0,
        };
        break;
    case FHI_OP_REFUSED:
        fhi_tally_refuse(&replay->tally, replay->tape->amounts[op->index]);
        break;
    case FHI_OP_EVICTED:
        fhi_tally_evict(&replay->tally, replay->tape->amounts[op->index]);
        break;
    case FHI_OP_DECISION:
        decide(replay, &replay->tape->decisions[op->index]);
        break;
    case FHI_OP_NOTHING:
    case FHI_OP_SUBMIT:
    case FHI_OP_USE:
        break;
    }
}
