/* The decision log: the policy's last decisions, for people who want to know why. Always on, so it
 * must cost little; written by any thread, read by any other meanwhile, and nobody waits.
 *
 * An entry is a row of words, each of them written and read whole, with a stamp: odd while it is
 * written, then twice the decision's sequence. Who reads takes the stamp before and after, and does
 * without the entry when it changed. Two writers meet in one entry only when one of them slept
 * while the others made a thousand decisions: then its decision is left out.
 *
 * Of a decision only what its hook has is written, and what requests have is packed: a word is put
 * together in a register. (As structs whose small fields are written first and then read as words
 * it took five times as long.) */

#ifndef FREEHOLD_SCRIPT_DECISIONS_H
#define FREEHOLD_SCRIPT_DECISIONS_H

#include <freehold/script.h>

#include <stdatomic.h>

enum {
    FHI_DECISION_WORDS = 47 /* with the stamp a multiple of cache lines */
};

typedef struct fhi_decision_entry {
    _Alignas(64) _Atomic uint64_t stamp;
    _Atomic uint64_t words[FHI_DECISION_WORDS];
} fhi_decision_entry;

typedef struct fhi_decision_log {
    _Atomic uint64_t count; /* decisions so far */
    fhi_decision_entry entries[FH_DECISION_LOG];
} fhi_decision_log;

/* What a decision has of its own; the rest is input and answer. */
typedef struct fhi_decided {
    fh_hook hook;
    fh_outcome outcome;
    uint32_t script, version, line, charge, time_ns;
    uint64_t frame, now_ns;
} fhi_decided;

void fhi_decision_log_init(fhi_decision_log *log);

/* Input and, with DECIDED, answer are as fhi_engine.call has them, but that the input of LIMITS is
 * fh_facts. Returns the decision's sequence. */
uint64_t fhi_decision_log_add(fhi_decision_log *log, const fhi_decided *decided, const void *input,
                              const void *answer);

/* As fh_policy_decisions(); returns how many. */
uint32_t fhi_decision_log_get(const fhi_decision_log *log, uint64_t after, fh_decision *out,
                              uint32_t capacity);

#endif
