/* Where in a script's text a mistake in its table stands.
 *
 * What is wrong with a table is raised as refuse.h does it: the sentence starts with the path of a
 * field, "options: limit: min: …". The table itself does not know its lines, so the field is looked
 * up in the text. That is a guess only where the table is put together in unusual ways. */

#ifndef FREEHOLD_SANDBOX_BLAME_H
#define FREEHOLD_SANDBOX_BLAME_H

#include "sandbox/value.h"

#include <stddef.h>
#include <stdint.h>

/* What the whole table is called in sentences: its fields' paths start with themselves. */
#define FHI_BLAME_ROOT "policy"

/* The line where the field stands that `message` starts with, or as much of its path as is found;
 * 1 when none of it is. */
uint32_t fhi_blame_line(const char *text, size_t size, const char *message);

/* Raise for a key of the table at `index` that is not in `known` (ends with NULL): of several the
 * first by its name. */
void fhi_blame_unknown(lua_State *L, int index, const fhi_path *path, const char *const *known);

#endif
