/* The probes of recording: what an event costs the thread that records it. */

#ifndef FREEHOLD_BENCH_TRACE_PROBE_H
#define FREEHOLD_BENCH_TRACE_PROBE_H

#include "probe.h"

/* Ended by one whose name is NULL. */
extern const bench_probe_group bench_trace_probes[];

#endif
