/* The memory of one Lua state: size classes cut from chunks of host memory, given back all at once.
 * Blocks of one class are reused last in, first out; chunks are not given back before the end, so
 * that a hook that runs every frame takes no host memory once it has run a few times. Blocks that
 * are longer than the last class come from the host, and go back there at once. */

#ifndef FREEHOLD_SANDBOX_ARENA_H
#define FREEHOLD_SANDBOX_ARENA_H

#include <freehold/host.h>

#include <stdint.h>

enum {
    FHI_ARENA_FIRST = 48 * 1024,  /* bytes of the first chunk: an empty box fits in */
    FHI_ARENA_CHUNK = 128 * 1024, /* bytes of the others */
    FHI_ARENA_CLASSES = 88        /* by 16 up to 1 KiB, then four to the doubling up to 64 KiB */
};

typedef struct fhi_arena {
    fh_host_memory memory; /* resolved */
    struct fhi_arena_chunk *chunks;
    struct fhi_arena_large *large; /* blocks that are longer than a class */
    void *free[FHI_ARENA_CLASSES];
    char *at, *end;      /* what is left of the newest chunk */
    uint64_t held_bytes; /* of host memory */
    uint64_t held_limit; /* no more is taken of the host than that; 0 = none */
    uint64_t used_bytes; /* of blocks, as asked for */
} fhi_arena;

void fhi_arena_init(fhi_arena *arena, const fh_host_memory *memory);
void fhi_arena_finish(fhi_arena *arena); /* all of it; every block is gone */

/* As a lua_Alloc but for the first argument: a new size of 0 frees. NULL only when the host has no
 * memory, or no more may be taken of it, and never for a size that is not above the old one.
 * Multiples of 16. */
void *fhi_arena_resize(fhi_arena *arena, void *block, size_t old_size, size_t new_size);

#endif
