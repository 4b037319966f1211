/* The tests' own host. The counted memory keeps a table of what it gave out beside the memory, not
 * in front of it, so that AddressSanitizer still sees every byte out of bounds. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t from_environment(const char *name, uint64_t by_default)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return by_default;
    }
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    if (*end != '\0') {
        fprintf(stderr, "%s=%s is not a number\n", name, text);
        exit(2);
    }
    return value;
}

uint64_t test_seed(void)
{
    static uint64_t seed;
    static bool drawn;
    if (!drawn) {
        struct timespec now;
        timespec_get(&now, TIME_UTC);
        test_rng rng = {(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec};
        seed = from_environment("FREEHOLD_SEED", test_random(&rng));
        drawn = true;
        fprintf(stderr, "FREEHOLD_SEED=0x%" PRIx64 "\n", seed);
    }
    return seed;
}

uint64_t test_operations(uint64_t by_default)
{
    return from_environment("FREEHOLD_OPS", by_default);
}

uint64_t test_random(test_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t test_below(test_rng *rng, uint64_t limit)
{
    return test_random(rng) % limit;
}

uint64_t test_log_uniform(test_rng *rng, uint64_t max)
{
    unsigned int octaves = 0;
    while (octaves < 63 && (max >> (octaves + 1)) != 0) {
        octaves++;
    }
    uint64_t low = UINT64_C(1) << test_below(rng, octaves + 1U);
    uint64_t value = low + test_below(rng, low);
    return value <= max ? value : max;
}

bool test_chance(test_rng *rng, unsigned int percent)
{
    return test_below(rng, 100) < percent;
}

static void *memory_alloc(void *context, size_t size, size_t alignment)
{
    test_memory *memory = context;
    if (size == 0 || alignment == 0 || alignment > 64 || (alignment & (alignment - 1)) != 0) {
        fprintf(stderr, "host memory: asked for size %zu at alignment %zu\n", size, alignment);
        abort();
    }
    memory->alloc_count++;
    if (memory->fail_at != 0 && (memory->fail_on ? memory->alloc_count >= memory->fail_at
                                                 : memory->alloc_count == memory->fail_at)) {
        memory->failure_count++;
        return NULL;
    }
    if (memory->live_count == memory->capacity) {
        memory->capacity = memory->capacity * 2 + 8;
        memory->entries = realloc(memory->entries, memory->capacity * sizeof *memory->entries);
        if (memory->entries == NULL) {
            abort();
        }
    }
    void *result = NULL;
    size_t real_alignment = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    if (posix_memalign(&result, real_alignment, size) != 0) {
        return NULL; /* not made to fail: really none left */
    }
    memset(result, 0xa5, size);
    memory->entries[memory->live_count++] = (test_memory_entry){result, size, alignment};
    memory->live_bytes += size;
    if (memory->live_bytes > memory->peak_bytes) {
        memory->peak_bytes = memory->live_bytes;
    }
    return result;
}

static void memory_free(void *context, void *given, size_t size, size_t alignment)
{
    test_memory *memory = context;
    size_t i = 0;
    while (i < memory->live_count && memory->entries[i].memory != given) {
        i++;
    }
    if (i == memory->live_count || memory->entries[i].size != size ||
        memory->entries[i].alignment != alignment) {
        fprintf(stderr, "host memory: free(%p, %zu, %zu) was never given out like this\n", given,
                size, alignment);
        abort();
    }
    memory->live_bytes -= size;
    memory->entries[i] = memory->entries[--memory->live_count];
    free(given);
}

void test_memory_init(test_memory *memory)
{
    *memory = (test_memory){0};
    memory->host = (fh_host_memory){memory_alloc, memory_free, memory};
}

void test_memory_finish(test_memory *memory)
{
    if (memory->live_count != 0 || memory->live_bytes != 0) {
        fprintf(stderr, "host memory: %zu pieces (%zu bytes) were never given back\n",
                memory->live_count, memory->live_bytes);
        abort();
    }
    free(memory->entries);
    memory->entries = NULL;
}

static void log_write(void *context, fh_log_level level, const char *message)
{
    test_log *log = context;
    log->count++;
    log->level = level;
    snprintf(log->message, sizeof log->message, "%s", message);
}

void test_log_init(test_log *log)
{
    *log = (test_log){0};
    log->log = (fh_log){log_write, log};
}

fh_result test_text_write(void *context, const char *piece, size_t length)
{
    test_text *text = context;
    text->call_count++;
    if (text->fail_at != 0 && text->call_count >= text->fail_at) {
        return text->failure;
    }
    if (text->capacity - text->length <= length) {
        text->capacity = (text->capacity + length) * 2 + 64;
        text->data = realloc(text->data, text->capacity);
        if (text->data == NULL) {
            abort();
        }
    }
    memcpy(text->data + text->length, piece, length);
    text->length += length;
    text->data[text->length] = '\0';
    return FH_OK;
}

void test_text_finish(test_text *text)
{
    free(text->data);
    *text = (test_text){0};
}
