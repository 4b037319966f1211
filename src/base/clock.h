/* The monotonic clock, and the time that a thread has run. */

#ifndef FREEHOLD_BASE_CLOCK_H
#define FREEHOLD_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment; never runs backwards. */
uint64_t fhi_now_ns(void);

/* Nanoseconds that the calling thread has run since some moment: being preempted does not count.
 * Dearer than fhi_now_ns(). On Windows this counts cycles, and takes 3 of them for a nanosecond. */
uint64_t fhi_thread_cpu_ns(void);

void fhi_sleep_ns(uint64_t duration_ns);

/* The deadline of a wait that starts now; UINT64_MAX stays that, and so does what overflows. */
uint64_t fhi_deadline(uint64_t timeout_ns);

/* What is left until then, as a timeout. */
uint64_t fhi_time_left(uint64_t deadline_ns);

#endif
