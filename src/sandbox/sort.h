/* table.sort(list [, before]): a merge sort, which is stable. It calls `before` n log n times at
 * most, whatever that answers, and the list changes only at the end: when `before` raises, it is as
 * it was.
 *
 * Without `before`, numbers go by value and strings by their bytes; a list of both, or of anything
 * else, raises. Rejected: quicksort, which Lua has, because a list can be made for which it is
 * quadratic, and because it reads outside of the list when `before` contradicts itself. */

#ifndef FREEHOLD_SANDBOX_SORT_H
#define FREEHOLD_SANDBOX_SORT_H

#include "sandbox/lua54.h"

int fhi_sort(lua_State *L);

/* The order of two strings, by bytes: below 0, 0, above 0. */
int fhi_compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
