/* A device on a simulated graphics card, as tests of devices want one: a profile that can be
 * changed before it is opened, and a look at what is counted that does not trust it. Knows nothing
 * of cmocka, so that the fuzz targets can use it too; card_checks.h is what test_*.c include.
 * (gpu.h is for tests of the backend itself.) */

#ifndef FREEHOLD_TESTS_CARD_H
#define FREEHOLD_TESTS_CARD_H

#include <freehold/freehold.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define SECOND_NS UINT64_C(1000000000)

/* Memory types of card_small(). */
enum {
    CARD_LOCAL = 0, /* heap 0: device_local */
    CARD_WRITTEN,   /* heap 1: host_visible, host_coherent */
    CARD_CACHED     /* heap 1: the same, and host_cached */
};

typedef struct card {
    fh_profile profile; /* what is opened; change it before card_open() */
    fh_simulated_desc simulated;
    fh_device_desc desc; /* likewise; its log is ours */
    fh_log log;
    fh_device *device;
    fh_backend_device *backend;
    bool imports;                /* host memory was imported: it is charged to no heap */
    _Atomic uint32_t left_open;  /* the backend was closed with something alive */
    _Atomic uint32_t complaints; /* warnings and errors in the log */
    char complaint[256];         /* the last one; only while one thread makes them */
} card;

/* 64 MiB of device memory and 32 MiB of the host's; no granularity, blocks of 8 MiB, an OS budget
 * that never says no. card_open() opens it. */
void card_small(card *c);

/* The same with one of the built-in profiles, and blocks by its heaps. */
void card_builtin(card *c, const char *name);

fh_result card_open(card *c);

/* Destroys the device, when there is one. A sentence when something of it was never given back to
 * the backend, or NULL. */
const char *card_close(card *c);

/* What one account counts. */
fh_account_info card_account(const card *c, fh_account_scope scope, uint32_t index);
uint64_t card_used(const card *c, fh_account_scope scope, uint32_t index);
fh_device_stats card_stats(const card *c);
uint64_t card_calls(const card *c, fh_backend_call call);

/* Whether sums agree: accounts, statistics and what the backend says lives. NULL, or a sentence. No
 * other call may be under way. */
const char *card_audit(const card *c);

/* All parcels were released: give back what is kept, and see that nothing is left, nowhere. NULL,
 * or a sentence. */
const char *card_empty(card *c);

#endif
