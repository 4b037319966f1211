/* Events of work, and of what the program was told: submits, uses, frames, budgets, refusals. */

#include "replay/reading.h"

static fh_result ignore(fhi_reading *reading)
{
    fhi_reading_ignore(reading);
    return FH_OK;
}

static uint32_t to_32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* ---- work ---- */

/* The piece goes into the tape's uses. Where the resource has no memory nothing does. */
static fh_result add_use(fhi_reading *reading, uint32_t tape_index, uint64_t id)
{
    const fh_recording *recording = reading->recording;
    fhi_tape *tape = &recording->tapes[tape_index];
    uint32_t index = fhi_ids_find(&recording->resource_ids, id);
    if (index == FHI_NONE || recording->resources[index].tape != tape_index ||
        recording->resources[index].piece == FHI_NONE) {
        return FH_OK;
    }
    uint32_t *uses =
        fhi_reading_room(reading, tape->uses, tape->use_count, &tape->use_capacity, sizeof *uses);
    if (!uses) {
        return fhi_reading_no_memory();
    }
    tape->uses = uses;
    uses[tape->use_count++] = recording->resources[index].piece;
    return FH_OK;
}

static fh_result add_submit(fhi_reading *reading, uint32_t tape_index, uint32_t queue,
                            const uint64_t *list, uint32_t list_count, fhi_op_kind kind)
{
    fhi_tape *tape = &reading->recording->tapes[tape_index];
    fhi_taped_submit *submits = fhi_reading_room(reading, tape->submits, tape->submit_count,
                                                 &tape->submit_capacity, sizeof *submits);
    if (!submits) {
        return fhi_reading_no_memory();
    }
    tape->submits = submits;
    uint32_t index = tape->submit_count++, first = tape->use_count;
    for (uint32_t i = 0; i < list_count; i++) {
        fh_result result = add_use(reading, tape_index, list[i]);
        if (result != FH_OK) {
            return result;
        }
    }
    submits[index] = (fhi_taped_submit){queue, first, tape->use_count - first};
    tape->info.has_uses = tape->info.has_uses || list_count > 0;
    return fhi_reading_op(reading, tape_index, kind, index);
}

fh_result fhi_reading_submit(fhi_reading *reading, const fh_trace_event *event)
{
    uint32_t queue = fhi_ids_find(&reading->queues, event->submit.queue);
    if (queue == FHI_NONE) {
        return ignore(reading);
    }
    bool works = event->submit.commands > 0 || event->list_count > 0;
    uint32_t tape = reading->queue[queue].tape;
    reading->has_work[tape] = reading->has_work[tape] || works;
    return add_submit(reading, tape, reading->queue[queue].index, event->list, event->list_count,
                      works ? FHI_OP_SUBMIT : FHI_OP_USE);
}

fh_result fhi_reading_used(fhi_reading *reading, const fh_trace_used *used)
{
    const fh_recording *recording = reading->recording;
    uint32_t resource = fhi_ids_find(&recording->resource_ids, used->resource);
    uint32_t queue = fhi_ids_find(&reading->queues, used->queue);
    if (resource == FHI_NONE) {
        return ignore(reading);
    }
    uint32_t tape = recording->resources[resource].tape;
    bool known = queue != FHI_NONE && reading->queue[queue].tape == tape;
    return add_submit(reading, tape, known ? reading->queue[queue].index : 0, &used->resource, 1,
                      FHI_OP_USE);
}

fh_result fhi_reading_frame(fhi_reading *reading, uint64_t device)
{
    uint32_t tape = fhi_reading_tape(reading, device);
    if (tape == FHI_NONE) {
        return ignore(reading);
    }
    uint32_t count = reading->mark_count[tape];
    uint32_t *marks = fhi_reading_room(reading, reading->marks[tape], count,
                                       &reading->mark_capacity[tape], sizeof *marks);
    reading->marks[tape] = marks ? marks : reading->marks[tape];
    uint64_t *times = fhi_reading_room(reading, reading->mark_times[tape], count,
                                       &reading->mark_time_capacity[tape], sizeof *times);
    reading->mark_times[tape] = times ? times : reading->mark_times[tape];
    if (!marks || !times) {
        return fhi_reading_no_memory();
    }
    marks[count] = reading->recording->tapes[tape].op_count;
    times[count] = reading->time_ns;
    reading->mark_count[tape]++;
    return FH_OK;
}

/* ---- what the program was told ---- */

fh_result fhi_reading_budget(fhi_reading *reading, const fh_trace_budget *budget)
{
    uint32_t index = fhi_reading_tape(reading, budget->device);
    fhi_tape *tape = index != FHI_NONE ? &reading->recording->tapes[index] : NULL;
    if (!tape || budget->heap >= tape->info.profile.heap_count) {
        return ignore(reading);
    }
    fhi_taped_budget *budgets = fhi_reading_room(reading, tape->budgets, tape->budget_count,
                                                 &tape->budget_capacity, sizeof *budgets);
    if (!budgets) {
        return fhi_reading_no_memory();
    }
    tape->budgets = budgets;
    budgets[tape->budget_count] =
        (fhi_taped_budget){(uint32_t)budget->heap, budget->budget, budget->usage};
    return fhi_reading_op(reading, index, FHI_OP_BUDGET, tape->budget_count++);
}

static fh_result add_amount(fhi_reading *reading, uint32_t index, fhi_op_kind kind, uint64_t bytes)
{
    fhi_tape *tape = &reading->recording->tapes[index];
    uint64_t *amounts = fhi_reading_room(reading, tape->amounts, tape->amount_count,
                                         &tape->amount_capacity, sizeof *amounts);
    if (!amounts) {
        return fhi_reading_no_memory();
    }
    tape->amounts = amounts;
    amounts[tape->amount_count] = bytes;
    return fhi_reading_op(reading, index, kind, tape->amount_count++);
}

fh_result fhi_reading_refused(fhi_reading *reading, const fh_trace_refused *refused)
{
    uint32_t tape = fhi_reading_tape(reading, refused->device);
    return tape == FHI_NONE ? ignore(reading)
                            : add_amount(reading, tape, FHI_OP_REFUSED, refused->size);
}

fh_result fhi_reading_eviction(fhi_reading *reading, const fh_trace_eviction *eviction)
{
    const fh_recording *recording = reading->recording;
    uint32_t index = fhi_ids_find(&recording->resource_ids, eviction->resource);
    if (index == FHI_NONE) {
        return ignore(reading);
    }
    return eviction->ignored != 0 ? FH_OK
                                  : add_amount(reading, recording->resources[index].tape,
                                               FHI_OP_EVICTED, eviction->size);
}

fh_result fhi_reading_decision(fhi_reading *reading, const fh_trace_event *event)
{
    const fh_trace_decision *decision = &event->decision;
    uint32_t index = fhi_reading_tape(reading, decision->device);
    fhi_tape *tape = index != FHI_NONE ? &reading->recording->tapes[index] : NULL;
    if (!tape) {
        return ignore(reading);
    }
    fhi_taped_decision *decisions = fhi_reading_room(reading, tape->decisions, tape->decision_count,
                                                     &tape->decision_capacity, sizeof *decisions);
    if (!decisions) {
        return fhi_reading_no_memory();
    }
    tape->decisions = decisions;
    decisions[tape->decision_count] = (fhi_taped_decision){
        .hook = to_32(decision->hook),
        .outcome = to_32(decision->outcome),
        .line = to_32(decision->line),
    };
    return fhi_reading_op(reading, index, FHI_OP_DECISION, tape->decision_count++);
}
