/* Walks a whole block and checks every invariant of its structure: for tests, for fuzzing, and
 * after changes in builds with FH_AUDIT. */

#ifndef FREEHOLD_BLOCK_AUDIT_H
#define FREEHOLD_BLOCK_AUDIT_H

#include <freehold/block.h>

/* NULL when everything holds, else a sentence about the invariant that does not. O(n) */
const char *fhi_block_audit(const fh_block *block);

#endif
