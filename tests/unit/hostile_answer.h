/* What hooks are asked in tests with hostile scripts, and what may come out. */

#ifndef FREEHOLD_TESTS_HOSTILE_ANSWER_H
#define FREEHOLD_TESTS_HOSTILE_ANSWER_H

#include "hostile.h"

typedef union hostile_answer {
    fh_verdict verdict;
    fhi_reliefs reliefs;
    fh_limits limits;
    fh_frame_decision frame;
    fh_pressure_decision pressure;
    fh_retain_decision retain;
    fh_recycle_decision recycle;
    fh_evict_order order;
    fh_alias_decision alias;
    fh_defrag_decision defrag;
} hostile_answer;

typedef union hostile_input {
    fh_request request;
    fh_frame_facts frame;
    fh_pressure event;
    fh_block_facts block;
    fh_recycle_facts pool;
    fh_candidates candidates;
    fh_alias_facts graph;
    fh_defrag_facts gaps;
} hostile_input;

/* What hook `hook` is called with: NULL where it gets facts alone. */
const void *hostile_sample(fh_hook hook, hostile_input *out);

void hostile_sample_facts(fh_facts *out);

/* What in the answer can be none, whatever the script returned; NULL = nothing. */
const char *hostile_answer_fault(fh_hook hook, const hostile_answer *given);

/* Whether it is what comes out when there is no answer. */
bool hostile_is_native(fh_hook hook, const hostile_answer *given);

#endif
