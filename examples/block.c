/* One big GPU buffer for all the meshes of a level, cut up by a block.
 *
 * A block knows offsets only, so it can manage any buffer: here the numbers are bytes of an
 * imaginary 16 MiB vertex buffer, and `offset` is what an engine would give to its bind and draw
 * calls. A second block, a linear one, is the ring that each frame's uploads go through.
 *
 * Build:  cc examples/block.c $(pkg-config --cflags --libs freehold) */

#include <freehold/freehold.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define KIB (UINT64_C(1) << 10)

enum {
    MESH_MAX = 1000,
    MAP_WIDTH = 64,
    FRAMES_IN_FLIGHT = 3,
    UPLOADS = 16
};

typedef struct mesh {
    fh_range range;  /* gives the bytes back, and says where they are */
    uint64_t offset; /* where the vertices start in the buffer */
} mesh;

/* What should not fail ends the program with the library's own sentence. */
static void expect(fh_result result, const char *what)
{
    if (result != FH_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, fh_result_name(result), fh_error_detail());
        exit(EXIT_FAILURE);
    }
}

/* The same numbers on every machine. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

/* A picture of the block, drawn by a visitor: for each character, the bytes in use behind it. */
typedef struct map {
    uint64_t width; /* of a character, in bytes */
    uint64_t used[MAP_WIDTH];
} map;

static bool add_to_map(void *context, const fh_block_piece *piece)
{
    map *self = context;
    uint64_t end = piece->offset + piece->size;
    if (piece->range.id == 0) {
        return true; /* a gap; go on */
    }
    for (uint64_t at = piece->offset; at < end;) {
        uint64_t cell = at / self->width;
        uint64_t stop = (cell + 1) * self->width < end ? (cell + 1) * self->width : end;
        self->used[cell] += stop - at;
        at = stop;
    }
    return true;
}

/* '.' for free, '#' for used, and tenths between. */
static int drawn_as(uint64_t used, uint64_t width)
{
    if (used == 0) {
        return '.';
    }
    return used > width / 50 * 49 ? '#' : "123456789"[used * 9 / width];
}

static void print_block(const char *title, const fh_block *block)
{
    fh_stats_detail detail;
    fh_block_detail(block, &detail);
    uint64_t free_bytes = detail.stats.block_bytes - detail.stats.range_bytes;

    map drawn = {.width = detail.stats.block_bytes / MAP_WIDTH};
    expect(fh_block_visit(block, add_to_map, &drawn), "visit");
    printf("%-24s [", title);
    for (int i = 0; i < MAP_WIDTH; i++) {
        putchar(drawn_as(drawn.used[i], drawn.width));
    }
    printf("]\n%24s  ranges: %" PRIu64 ", %.1f MiB; gaps: %" PRIu64 ", %.1f MiB, the largest "
           "%.1f\n\n",
           "", detail.stats.range_count, (double)detail.stats.range_bytes / (double)MIB,
           detail.free_count, (double)free_bytes / (double)MIB,
           (double)detail.free_max / (double)MIB);
}

/* A mesh of `size` bytes. False when the buffer has no room for it. */
static bool load(fh_block *block, uint64_t size, mesh *out_mesh)
{
    fh_range_desc desc = {.size = size, .alignment = 256};
    fh_result result = fh_block_alloc(block, &desc, &out_mesh->range, &out_mesh->offset);
    if (result == FH_ERR_OUT_OF_MEMORY) {
        return false; /* not a mistake: an engine would now make a second buffer */
    }
    expect(result, "alloc");
    return true;
}

static void run_meshes(void)
{
    static mesh meshes[MESH_MAX];
    uint64_t seed = 2024;
    int count = 0;
    fh_block *block;
    expect(fh_block_create(&(fh_block_desc){.size = 16 * MIB}, &block), "create");
    print_block("the buffer", block);

    while (count < MESH_MAX && load(block, 64 * KIB + draw(&seed, 960 * KIB), &meshes[count])) {
        count++;
    }
    print_block("level loaded", block);

    /* The player walks on: every third mesh goes. Free neighbours become one gap at once. */
    for (int i = 0; i < count; i += 3) {
        expect(fh_block_free(block, meshes[i].range), "free");
    }
    print_block("every third unloaded", block);

    /* The next part of the level has small meshes, which fill the gaps. */
    int more = 0;
    mesh small;
    while (load(block, 32 * KIB + draw(&seed, 96 * KIB), &small)) {
        more++;
    }
    print_block("small ones loaded", block);

    /* Mistakes are refused, and explained; the block is as it was. */
    fh_result result = fh_block_free(block, meshes[0].range);
    if (result != FH_ERR_STALE) {
        fprintf(stderr, "a double free was not noticed\n");
        exit(EXIT_FAILURE);
    }
    printf("freeing a mesh twice: %s: %s\n\n", fh_result_name(result), fh_error_detail());

    /* One call for the end of the level; all handles are stale from now on. */
    fh_block_clear(block);
    fh_stats stats;
    fh_block_stats(block, &stats);
    if (count == 0 || more == 0 || stats.range_count != 0) {
        fprintf(stderr, "the level did not come and go as it should\n");
        exit(EXIT_FAILURE);
    }
    fh_block_destroy(block);
}

/* Uploads of a frame live until the GPU has passed that frame. Freed in the order they were made,
 * they make a linear block a ring: nothing is searched, and nothing is fragmented. */
static void run_uploads(void)
{
    fh_range frames[FRAMES_IN_FLIGHT][UPLOADS] = {{{0}}};
    uint64_t seed = 7;
    fh_block *ring;
    expect(fh_block_create(&(fh_block_desc){.size = 4 * MIB, .algorithm = FH_BLOCK_LINEAR}, &ring),
           "create");
    for (int frame = 0; frame < 1000; frame++) {
        fh_range *uploads = frames[frame % FRAMES_IN_FLIGHT];
        for (int i = 0; i < UPLOADS; i++) {
            expect(fh_block_free(ring, uploads[i]), "free"); /* {0}, at first, is a no-op */
        }
        for (int i = 0; i < UPLOADS; i++) {
            fh_range_desc desc = {.size = 256 + draw(&seed, 64 * KIB), .alignment = 256};
            expect(fh_block_alloc(ring, &desc, &uploads[i], NULL), "alloc");
        }
    }
    print_block("ring after 1000 frames", ring);
    fh_block_destroy(ring);
}

int main(void)
{
    printf("freehold %s   . free   1-9 tenths used   # used\n\n", fh_version());
    run_meshes();
    run_uploads();
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
