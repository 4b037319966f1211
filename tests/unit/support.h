/* What every test needs and no test is about: a seed that is printed and taken back, random
 * numbers, a host whose memory is counted and can fail, a log that is kept, a text that grows.
 * Knows nothing of cmocka, so that the fuzz targets can use it too. */

#ifndef FREEHOLD_TESTS_SUPPORT_H
#define FREEHOLD_TESTS_SUPPORT_H

#include <freehold/freehold.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEST_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The seed of this run: FREEHOLD_SEED (decimal or 0x…) or one drawn from the clock. Printed on the
 * first call, so that a failure can be run again. */
uint64_t test_seed(void);

/* How many operations a randomised test makes: FREEHOLD_OPS, else `by_default`. */
uint64_t test_operations(uint64_t by_default);

/* splitmix64: Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
 * 2014. */
typedef struct test_rng {
    uint64_t state;
} test_rng;

uint64_t test_random(test_rng *rng);
uint64_t test_below(test_rng *rng, uint64_t limit);     /* 0 to limit - 1; limit > 0 */
uint64_t test_log_uniform(test_rng *rng, uint64_t max); /* 1 to max, every octave alike */
bool test_chance(test_rng *rng, unsigned int percent);

/* A host whose memory is counted. Memory is handed out full of rubbish; whoever gives back what was
 * never given, or with another size or alignment, aborts the program. */
typedef struct test_memory_entry {
    void *memory;
    size_t size, alignment;
} test_memory_entry;

typedef struct test_memory {
    fh_host_memory host; /* give this to a descriptor */
    test_memory_entry *entries;
    size_t live_count, capacity;
    size_t live_bytes, peak_bytes;
    uint64_t alloc_count;   /* calls of alloc since init, failed ones too */
    uint64_t failure_count; /* calls that were made to fail */
    uint64_t fail_at;       /* the alloc_count at which alloc fails; 0 = never */
    bool fail_on;           /* from then on every call fails, until fail_at is reset */
} test_memory;

void test_memory_init(test_memory *memory);
void test_memory_finish(test_memory *memory); /* aborts when something still lives */

/* A log that keeps what it was told. */
typedef struct test_log {
    fh_log log; /* give this to a descriptor */
    unsigned int count;
    fh_log_level level; /* of the last message */
    char message[256];  /* the last one, cut where it was longer */
} test_log;

void test_log_init(test_log *log);

/* A text that grows: the context of test_text_write, which is an fh_write_fn. */
typedef struct test_text {
    char *data; /* zero-terminated, or NULL while empty */
    size_t length, capacity;
    unsigned int call_count;
    unsigned int fail_at; /* the call that returns `failure`; 0 = none */
    fh_result failure;
} test_text;

fh_result test_text_write(void *text, const char *piece, size_t length);
void test_text_finish(test_text *text);

#endif
