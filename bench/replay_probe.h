/* The probes of replays: what reading and playing an event of a trace costs. */

#ifndef FREEHOLD_BENCH_REPLAY_PROBE_H
#define FREEHOLD_BENCH_REPLAY_PROBE_H

#include "probe.h"

/* Ended by one whose name is NULL. */
extern const bench_probe_group bench_replay_probes[];

#endif
