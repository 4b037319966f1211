/* What the compiler is told where it cannot know: which code is hot. */

#ifndef FREEHOLD_BASE_COMPILER_H
#define FREEHOLD_BASE_COMPILER_H

/* For the pieces of a hot path that is written in parts so that it can be read. */
#define FHI_HOT_INLINE static inline __attribute__((always_inline))

/* For the rare alternative of a hot path, so that it costs the path no registers. */
#define FHI_COLD static __attribute__((noinline))

#define FHI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define FHI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#endif
