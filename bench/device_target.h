/* What bench_device measures: a bare block, the host backend alone, and devices. */

#ifndef FREEHOLD_BENCH_DEVICE_TARGET_H
#define FREEHOLD_BENCH_DEVICE_TARGET_H

#include "target.h"

extern const bench_target bench_target_range;  /* a bare TLSF block */
extern const bench_target bench_target_object; /* the host backend: create, bind, destroy */
extern const bench_target bench_target_device; /* fh_buffer_create() and fh_parcel_release() */
extern const bench_target bench_target_tagged; /* the same with a tag */
/* The same with a limit on buffers: far away, or the workload's own peak; and that on the tag. */
extern const bench_target bench_target_limit_far;
extern const bench_target bench_target_limit_near;
extern const bench_target bench_target_tag_limit_near;
/* The same through an alias whose allocator has no operation at all. */
extern const bench_target bench_target_alias;

/* All of them, ended by NULL. */
extern const bench_target *const bench_device_targets[];

#endif
