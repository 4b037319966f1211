/* The probes of devices. */

#ifndef FREEHOLD_BENCH_DEVICE_PROBE_H
#define FREEHOLD_BENCH_DEVICE_PROBE_H

#include "probe.h"

/* Ended by one whose name is NULL. */
extern const bench_probe_group bench_device_probes[];

#endif
