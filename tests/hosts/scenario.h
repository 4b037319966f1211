/* What every host does with policies: a plain C program, and programs with a Lua of their own. */

#ifndef FREEHOLD_TESTS_SCENARIO_H
#define FREEHOLD_TESTS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

/* Load a policy from a text, make buffers until it refuses; then the same with a file, which is
 * written in `folder`, and reloaded; and look at what decided. False: out_trouble says what was not
 * as it should be. */
bool scenario_run(const char *folder, char *out_trouble, size_t capacity);

#endif
