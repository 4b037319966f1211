/* A ledger: what a device must count, kept beside it in the simplest exact way. Each step makes one
 * call that its source chose, right or wrong, and compares what came back, the bytes of what the
 * CPU can reach, and then every account and statistic with what the headers promise. Nothing here
 * is fast, and nothing is shared with src/. The random test and the fuzzer have the same steps. */

#ifndef FREEHOLD_TESTS_LEDGER_H
#define FREEHOLD_TESTS_LEDGER_H

#include "card.h"
#include "support.h"

enum {
    LEDGER_ENTRIES = 160,
    LEDGER_STALE = 32,
    LEDGER_QUEUES = 2,
    LEDGER_TAGS = 4,
    LEDGER_POOLS = 2
};

/* Where choices come from: a number from 0 to `below` - 1. */
typedef struct ledger_source {
    uint64_t (*next)(void *context, uint64_t below);
    void *context;
} ledger_source;

typedef struct ledger_entry {
    fh_parcel parcel; /* {0}: a free place */
    fh_kind kind;
    fh_tag tag;
    uint64_t reserved, committed;
    uint32_t references;          /* of ours; 0: released, and not yet gone */
    uint64_t uses[LEDGER_QUEUES]; /* last use on each of our queues */
    uint64_t copied;              /* last use on the backend's queue */
    uint32_t items;               /* raw: parcels that lie on it */
    uint32_t backing;             /* place + 1; 0 = none */
    uint32_t pool;                /* place + 1; 0 = the device's own */
    const unsigned char *at;      /* where it was when it was last mapped; NULL = not known */
    unsigned char pattern;        /* what its bytes say; 0: not known */
    bool aliased;                 /* it was lain on, or lies on something: its bytes are nobody's */
    bool linear, host;
    uint32_t *destroyed;
} ledger_entry;

typedef struct ledger {
    card card;
    test_memory memory;
    ledger_entry entries[LEDGER_ENTRIES];
    fh_parcel stale[LEDGER_STALE];
    uint32_t stale_count;
    uint32_t queues[LEDGER_QUEUES];
    uint64_t passed[LEDGER_QUEUES];
    fh_tag tags[LEDGER_TAGS];
    fh_pool *pools[LEDGER_POOLS];
    uint64_t before[1 + 1 + FH_KIND_COUNT + LEDGER_TAGS]; /* used at the step before */
    bool lost;
    bool host_may_fail, driver_may_fail;
    uint32_t destroyed, released_externals;
    uint64_t serial;
} ledger;

/* NULL, or what is wrong. `ops`: a backend around the simulated one, or NULL. `wild`: host memory
 * may be made to fail, and the device be lost. */
const char *ledger_open(ledger *l, const fh_backend_ops *ops);
const char *ledger_step(ledger *l, const ledger_source *source, bool wild);

/* Releases everything, compares once more, and closes. */
const char *ledger_close(ledger *l);

#endif
