/* The probes of policies: what deciding costs, natively, in C and in Lua. */

#ifndef FREEHOLD_BENCH_POLICY_PROBE_H
#define FREEHOLD_BENCH_POLICY_PROBE_H

#include "probe.h"

/* Ended by one whose name is NULL. */
extern const bench_probe_group bench_policy_probes[];

#endif
