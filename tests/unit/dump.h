/* The schema of the field's memory-dump visualiser, as a check. */

#ifndef FREEHOLD_TESTS_DUMP_H
#define FREEHOLD_TESTS_DUMP_H

#include "json.h"

/* NULL when the visualiser would read `dump`, else a sentence that says what is wrong with it. */
const char *dump_fault(const json_value *dump);

/* NULL when a detailed dump is true in itself, else a sentence: in each block the rows stand in
 * address order without a hole or an overlap, no two FREE ones side by side, and add up to the
 * block's size and counts; types are the sum of their blocks and dedicated allocations, heaps of
 * their types, the total of the heaps. Of a brief dump only the latter two. */
const char *dump_sum_fault(const json_value *dump);

/* The number or the text of an object's member; 0 or NULL when there is none. */
uint64_t dump_number(const json_value *object, const char *key);
const char *dump_text(const json_value *object, const char *key);

/* The first row of that Name, of a block or a dedicated allocation, in whatever pool; or NULL. */
const json_value *dump_row_named(const json_value *dump, const char *name);

/* The dump's only block, in whatever pool it stands; NULL when it has none, or several. */
const json_value *dump_only_block(const json_value *dump);

#endif
