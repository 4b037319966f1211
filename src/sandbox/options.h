/* Options: the tunables that a script declares, checked when it is loaded, and their values. */

#ifndef FREEHOLD_SANDBOX_OPTIONS_H
#define FREEHOLD_SANDBOX_OPTIONS_H

#include "sandbox/box.h"

enum {
    FHI_OPTIONS_MAX = 64
};

/* In whole numbers what fh_option_info's bounds cannot say exactly: of BYTES and INTEGER. */
typedef struct fhi_option_range {
    lua_Integer min, max;
} fhi_option_range;

typedef struct fhi_options {
    uint32_t count;
    int values_ref; /* in the registry: the table behind self.options */
    fhi_option_range ranges[FHI_OPTIONS_MAX];
    fh_option_info options[FHI_OPTIONS_MAX]; /* by name */
} fhi_options;

/* Read the declarations in the table at `index` (or nil), and make the table of values that
 * self.options shows: pushes its proxy. Raises what is wrong, with the nearest right name; the
 * message starts with the field: "options.limit.min: …". */
void fhi_options_declare(lua_State *L, int index, fhi_options *out_options);

/* Set one by text; NULL = its default. False: *out_report says why, and nothing has changed. `L`'s
 * values follow. May raise (out of memory). */
bool fhi_options_set(lua_State *L, fhi_options *options, const char *name, const char *value,
                     fhi_report *out_report);

#endif
