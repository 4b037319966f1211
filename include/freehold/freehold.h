/* Freehold decides where GPU memory comes from, and will let Lua scripts make the decisions.
 *
 * This header includes all the others; open it first. What is there today is the ground: **virtual
 * blocks** (block.h), which hand out offsets in a range of any unit, in two algorithms:
 *
 *  - TLSF, for anything: alloc and free in O(1) in any order, exact sizes, any power-of-two
 *    alignment, and a refusal only where truly nothing fits.
 *  - Linear, for scratch memory: a stack, a ring, a double stack, or everything freed at once.
 *
 * Whoever manages a descriptor heap, an index buffer, a texture atlas's rows or a file's pages can
 * stop here: floors 1 and 2 know no GPU and no Lua.
 *
 * Three rules hold in every header:
 *
 *  - A descriptor that is zero but for the required fields is valid; every enum's 0 is its default.
 *  - What can fail returns an fh_result (result.h). A caller's mistake is an error in every build,
 *    never an assertion, and changes nothing; fh_error_detail() has the sentence.
 *  - Outputs are last, and set also on failure: to zero, or to what the documentation says.
 *
 * Sizes and offsets are 64-bit. Names of functions are fh_<noun>_<verb>, those of types
 * fh_<noun>. */

#ifndef FREEHOLD_FREEHOLD_H
#define FREEHOLD_FREEHOLD_H

#include <freehold/api.h>
#include <freehold/block.h>
#include <freehold/host.h>
#include <freehold/result.h>
#include <freehold/stats.h>

#endif
