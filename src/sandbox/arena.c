/* Lua says how long a block is when it gives it back, so a block needs no header: its size is its
 * class, its class is its free list. What is left of a chunk when a longer block is wanted goes
 * into the free lists, too.
 *
 * Rejected: joining free neighbours, which costs headers; and the library's own TLSF blocks, which
 * sandbox code, in a shared library of its own, does not have. The price is that memory stays with
 * its class: a script whose sizes change for ever may hold more than it uses, up to the limit.
 *
 * Shrinking must not fail, for Lua counts on that: where a shorter block cannot be had, the block
 * stays where it is, and is from then on one of the shorter class. */

#include "sandbox/arena.h"

#include "base/bits.h"
#include "base/compiler.h"
#include "base/host.h"

#include <stdbool.h>
#include <string.h>

enum {
    UNIT = 16,
    LINEAR_MAX =
        1024, /* bytes of the longest class that is a multiple of UNIT, not a part of 2^n */
    LINEAR_COUNT = LINEAR_MAX / UNIT,
    LINEAR_BITS = 10,
    CLASS_MAX = 64 * 1024 /* bytes of the longest class */
};

/* Both headers leave what is behind them aligned. */
typedef struct fhi_arena_chunk {
    _Alignas(UNIT) struct fhi_arena_chunk *next;
    size_t size; /* with the header */
} fhi_arena_chunk;

typedef struct fhi_arena_large {
    _Alignas(UNIT) struct fhi_arena_large *next;
    struct fhi_arena_large *previous;
    size_t size; /* with the header */
} fhi_arena_large;

/* A free block's first word is the next one. */
typedef struct free_block {
    struct free_block *next;
} free_block;

/* The class that blocks of `size` bytes are of; 0 < size <= CLASS_MAX. */
FHI_HOT_INLINE uint32_t class_of(size_t size)
{
    if (FHI_LIKELY(size <= LINEAR_MAX)) {
        return (uint32_t)((size - 1) / UNIT);
    }
    uint32_t bits = fhi_highest_bit(size - 1);
    uint32_t quarter = (uint32_t)((size - 1) >> (bits - 2)) & 3U;
    return LINEAR_COUNT + (bits - LINEAR_BITS) * 4 + quarter;
}

static size_t class_size(uint32_t number)
{
    if (number < LINEAR_COUNT) {
        return (size_t)(number + 1) * UNIT;
    }
    uint32_t bits = LINEAR_BITS + (number - LINEAR_COUNT) / 4;
    return (size_t)(5 + (number - LINEAR_COUNT) % 4) << (bits - 2);
}

void fhi_arena_init(fhi_arena *arena, const fh_host_memory *memory)
{
    *arena = (fhi_arena){.memory = *memory};
}

void fhi_arena_finish(fhi_arena *arena)
{
    while (arena->chunks != NULL) {
        fhi_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        fhi_host_free(&arena->memory, chunk, 1, chunk->size, UNIT);
    }
    while (arena->large != NULL) {
        fhi_arena_large *large = arena->large;
        arena->large = large->next;
        fhi_host_free(&arena->memory, large, 1, large->size, UNIT);
    }
    *arena = (fhi_arena){0};
}

/* `size` bytes of the host, or NULL. */
static void *take(fhi_arena *arena, size_t size)
{
    uint64_t limit = arena->held_limit;
    if (limit != 0 && (size > limit || arena->held_bytes > limit - size)) {
        return NULL;
    }
    void *memory = fhi_host_alloc(&arena->memory, 1, size, UNIT);
    if (memory != NULL) {
        arena->held_bytes += size;
    }
    return memory;
}

/* ---- blocks that are longer than a class ---- */

static void *take_large(fhi_arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(fhi_arena_large)) {
        return NULL;
    }
    fhi_arena_large *large = take(arena, sizeof(fhi_arena_large) + size);
    if (large == NULL) {
        return NULL;
    }
    *large = (fhi_arena_large){.next = arena->large, .size = sizeof(fhi_arena_large) + size};
    if (large->next != NULL) {
        large->next->previous = large;
    }
    arena->large = large;
    return large + 1;
}

static void give_large(fhi_arena *arena, void *block)
{
    fhi_arena_large *large = (fhi_arena_large *)block - 1;
    if (large->next != NULL) {
        large->next->previous = large->previous;
    }
    if (large->previous != NULL) {
        large->previous->next = large->next;
    } else {
        arena->large = large->next;
    }
    arena->held_bytes -= large->size;
    fhi_host_free(&arena->memory, large, 1, large->size, UNIT);
}

/* ---- blocks of a class ---- */

static void give(fhi_arena *arena, void *block, uint32_t number)
{
    free_block *gone = block;
    gone->next = arena->free[number];
    arena->free[number] = gone;
}

/* What is left of the newest chunk, as blocks of the longest classes that fit. */
static void give_rest(fhi_arena *arena)
{
    while (arena->end - arena->at >= UNIT) {
        size_t left = (size_t)(arena->end - arena->at);
        uint32_t number = left >= CLASS_MAX ? FHI_ARENA_CLASSES - 1 : class_of(left);
        while (number > 0 && class_size(number) > left) {
            number--;
        }
        give(arena, arena->at, number);
        arena->at += class_size(number);
    }
}

FHI_COLD void *cut_new_chunk(fhi_arena *arena, size_t size)
{
    size_t chunk_size = arena->chunks == NULL ? FHI_ARENA_FIRST : FHI_ARENA_CHUNK;
    if (size > chunk_size - sizeof(fhi_arena_chunk)) {
        chunk_size = FHI_ARENA_CHUNK;
    }
    fhi_arena_chunk *chunk = take(arena, chunk_size);
    if (chunk == NULL) {
        return NULL;
    }
    give_rest(arena);
    *chunk = (fhi_arena_chunk){.next = arena->chunks, .size = chunk_size};
    arena->chunks = chunk;
    char *block = (char *)(chunk + 1);
    arena->at = block + size;
    arena->end = (char *)chunk + chunk_size;
    return block;
}

FHI_HOT_INLINE void *take_class(fhi_arena *arena, uint32_t number)
{
    free_block *block = arena->free[number];
    if (FHI_LIKELY(block != NULL)) {
        arena->free[number] = block->next;
        return block;
    }
    size_t size = class_size(number);
    if (FHI_LIKELY((size_t)(arena->end - arena->at) >= size)) {
        char *cut = arena->at;
        arena->at += size;
        return cut;
    }
    return cut_new_chunk(arena, size);
}

void *fhi_arena_resize(fhi_arena *arena, void *block, size_t old_size, size_t new_size)
{
    if (block == NULL) {
        old_size = 0;
    }
    bool was_large = old_size > CLASS_MAX;
    if (new_size == 0) {
        if (was_large) {
            give_large(arena, block);
        } else if (old_size > 0) {
            give(arena, block, class_of(old_size));
        }
        arena->used_bytes -= old_size;
        return NULL;
    }
    bool is_large = new_size > CLASS_MAX;
    void *moved = block;
    if (is_large) {
        moved = take_large(arena, new_size);
    } else if (old_size == 0 || was_large || class_of(old_size) != class_of(new_size)) {
        moved = take_class(arena, class_of(new_size));
    }
    if (moved == NULL) {
        if (new_size > old_size) {
            return NULL;
        }
        moved = block; /* shorter, where it is */
    }
    if (moved != block && old_size > 0) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        if (was_large) {
            give_large(arena, block);
        } else {
            give(arena, block, class_of(old_size));
        }
    }
    arena->used_bytes = arena->used_bytes - old_size + new_size;
    return moved;
}
