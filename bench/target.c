/* Adapters are as thin as they can be: what they do beyond the call is timed with it. */

#include "target.h"

#include <freehold/block.h>

#include <stdlib.h>

typedef struct freehold_kind {
    fh_block_algorithm algorithm;
    fh_strategy strategy;
} freehold_kind;

typedef struct freehold_state {
    fh_block *block;
    fh_strategy strategy;
} freehold_state;

static void *freehold_create(const bench_setup *setup)
{
    const freehold_kind *kind = setup->argument;
    freehold_state *state = malloc(sizeof *state);
    if (!state) {
        return NULL;
    }
    state->strategy = kind->strategy;
    fh_block_desc desc = {.size = setup->block_size, .algorithm = kind->algorithm};
    if (fh_block_create(&desc, &state->block) != FH_OK) {
        free(state);
        return NULL;
    }
    return state;
}

static void freehold_destroy(void *data)
{
    freehold_state *state = data;
    fh_block_destroy(state->block);
    free(state);
}

static uint64_t freehold_alloc(void *data, uint64_t size, uint64_t alignment)
{
    freehold_state *state = data;
    fh_range_desc desc = {.size = size, .alignment = alignment, .strategy = state->strategy};
    fh_range range;
    uint64_t offset;
    (void)fh_block_alloc(state->block, &desc, &range, &offset); /* a refusal gives the range {0} */
    return range.id;
}

static void freehold_free(void *data, uint64_t handle)
{
    freehold_state *state = data;
    (void)fh_block_free(state->block, (fh_range){handle});
}

static void freehold_clear(void *data)
{
    freehold_state *state = data;
    fh_block_clear(state->block);
}

static const freehold_kind balanced = {FH_BLOCK_TLSF, FH_STRATEGY_BALANCED};
static const freehold_kind min_time = {FH_BLOCK_TLSF, FH_STRATEGY_MIN_TIME};
static const freehold_kind min_memory = {FH_BLOCK_TLSF, FH_STRATEGY_MIN_MEMORY};
static const freehold_kind min_offset = {FH_BLOCK_TLSF, FH_STRATEGY_MIN_OFFSET};
static const freehold_kind linear = {FH_BLOCK_LINEAR, FH_STRATEGY_BALANCED};

#define FREEHOLD_TARGET(kind, is_linear)                                                           \
    {                                                                                              \
        .name = "freehold-" #kind, .argument = &(kind), .linear = (is_linear),                     \
        .space = !(is_linear), .create = freehold_create, .destroy = freehold_destroy,             \
        .alloc = freehold_alloc, .free = freehold_free, .clear = freehold_clear                    \
    }

static const bench_target freehold_balanced = FREEHOLD_TARGET(balanced, false);
static const bench_target freehold_min_time = FREEHOLD_TARGET(min_time, false);
static const bench_target freehold_min_memory = FREEHOLD_TARGET(min_memory, false);
static const bench_target freehold_min_offset = FREEHOLD_TARGET(min_offset, false);
static const bench_target freehold_linear = FREEHOLD_TARGET(linear, true);

/* The C library and the null target have no state of their own: create returns what is not NULL,
 * and nothing more. */
static void *stateless_create(const bench_setup *setup)
{
    static char state;
    (void)setup;
    return &state;
}

static void stateless_destroy(void *state)
{
    (void)state;
}

/* malloc gives 16 bytes of alignment; what needs more goes to aligned_alloc. */
static uint64_t libc_alloc(void *state, uint64_t size, uint64_t alignment)
{
    (void)state;
    size_t bytes = (size_t)size;
    void *memory = alignment > 16 ? aligned_alloc((size_t)alignment, bytes) : malloc(bytes);
    return (uint64_t)(uintptr_t)memory;
}

static uint64_t malloc_alloc(void *state, uint64_t size, uint64_t alignment)
{
    (void)state;
    (void)alignment;
    return (uint64_t)(uintptr_t)malloc((size_t)size);
}

static void libc_free(void *state, uint64_t handle)
{
    (void)state;
    free((void *)(uintptr_t)handle);
}

static const bench_target libc_target = {
    .name = "libc",
    .create = stateless_create,
    .destroy = stateless_destroy,
    .alloc = libc_alloc,
    .free = libc_free,
};

/* Ignores the alignment: what malloc alone costs. */
static const bench_target libc_malloc = {
    .name = "libc-malloc",
    .create = stateless_create,
    .destroy = stateless_destroy,
    .alloc = malloc_alloc,
    .free = libc_free,
};

static uint64_t null_alloc(void *state, uint64_t size, uint64_t alignment)
{
    (void)state;
    (void)alignment;
    return size;
}

static void null_free(void *state, uint64_t handle)
{
    (void)state;
    (void)handle;
}

const bench_target bench_target_null = {
    .name = "null",
    .create = stateless_create,
    .destroy = stateless_destroy,
    .alloc = null_alloc,
    .free = null_free,
};

const bench_target *const bench_targets[] = {
    &freehold_balanced, &freehold_min_time, &freehold_min_memory, &freehold_min_offset,
    &freehold_linear,   &libc_target,       &libc_malloc,         NULL,
};
