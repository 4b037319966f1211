/* How many bytes the live pieces of a group cover together, each byte once: what a program has of
 * memory that it uses for several things at a time. */

#ifndef FREEHOLD_REPLAY_COVERAGE_H
#define FREEHOLD_REPLAY_COVERAGE_H

#include "replay/recording.h"

typedef struct fhi_coverage fhi_coverage;

/* For all groups of a tape; NULL where it has none. `memory` and `tape` are borrowed. */
fh_result fhi_coverage_create(const fh_host_memory *memory, const fhi_tape *tape,
                              fhi_coverage **out_coverage);

/* NULL is a no-op. */
void fhi_coverage_destroy(fhi_coverage *coverage);

/* A piece of a group lives, or does so no more: returns the bytes by which what is covered grew, or
 * shrank. O(log n) in the pieces of its group, times the stretches that it is cut into. */
uint64_t fhi_coverage_add(fhi_coverage *coverage, uint32_t piece);
uint64_t fhi_coverage_remove(fhi_coverage *coverage, uint32_t piece);

#endif
