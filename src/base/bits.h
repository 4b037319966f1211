/* Bit scans and alignment. Every alignment is a power of two. */

#ifndef FREEHOLD_BASE_BITS_H
#define FREEHOLD_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* `value` != 0. */
static inline uint32_t fhi_highest_bit(uint64_t value)
{
    return 63U - (uint32_t)__builtin_clzll(value);
}

/* `value` != 0. */
static inline uint32_t fhi_lowest_bit(uint64_t value)
{
    return (uint32_t)__builtin_ctzll(value);
}

static inline bool fhi_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Cannot overflow while both are at most 2^63. */
static inline uint64_t fhi_align_up(uint64_t value, uint64_t alignment)
{
    return (value + (alignment - 1)) & ~(alignment - 1);
}

static inline uint64_t fhi_align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* Units from `value` to the next multiple of `alignment`. */
static inline uint64_t fhi_padding(uint64_t value, uint64_t alignment)
{
    return (0 - value) & (alignment - 1);
}

#endif
