/* Slack: free units without a node, counted in the mark of the range before them. tlsf.c has the
 * reason. */

#ifndef FREEHOLD_BLOCK_SLACK_H
#define FREEHOLD_BLOCK_SLACK_H

#include "block/tlsf.h"

/* Lowers threshold and granule to what a request needs, and makes gaps of all slack that is worth
 * one. False: no host memory, nothing changed. O(n) */
bool fhi_slack_refine(fhi_tlsf *tlsf, uint64_t size, uint64_t alignment);

/* The same, and from now on padding, too, becomes a gap where it is worth one. */
bool fhi_slack_end_patience(fhi_tlsf *tlsf, uint64_t size, uint64_t alignment);

#endif
