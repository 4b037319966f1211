/* The schema of the field's memory-dump visualiser, as a check. */

#ifndef FREEHOLD_TESTS_DUMP_H
#define FREEHOLD_TESTS_DUMP_H

#include "json.h"

/* NULL when the visualiser would read `dump`, else a sentence that says what is wrong with it. */
const char *dump_fault(const json_value *dump);

/* The dump's only block, in whatever pool it stands; NULL when it has none, or several. */
const json_value *dump_only_block(const json_value *dump);

#endif
