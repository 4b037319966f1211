/* What every backend must pass: one suite, written against fh_backend_ops alone. It looks at data,
 * not at return codes: what was written, copied and read back.
 *
 * A backend may be slow, may lack what its caps say, and may refuse formats as UNSUPPORTED: such
 * parts are skipped, and said to be. It must not be in a mode where copies do not happen by
 * themselves. */

#ifndef FREEHOLD_TESTS_CONFORM_H
#define FREEHOLD_TESTS_CONFORM_H

#include <freehold/backend.h>

typedef struct conform_target {
    const char *name; /* for people */
    const fh_backend_ops *ops;
    const void *config; /* for `adapters` and `open` */
    uint32_t adapter;
} conform_target;

/* Runs all, prints what cmocka prints, and returns how many tests failed. */
int conform_run(const conform_target *target);

#endif
