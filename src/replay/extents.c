/* The extents of a memory are a treap by where they begin: logarithmic whatever a trace does, since
 * the ranks come from a generator and not from the trace. Adding a piece takes out the extents that
 * it overlaps and puts one in for all of them, so each extent is taken out once.
 *
 * When a piece goes, its extent stays as large as it was while two others are left in it: their
 * bytes are not looked at one by one. When one is left, it is as large as that one. So a piece may
 * be taken to overlap what is gone, in a tangle of three and more: they then share memory in a
 * replay, as they did in the program, only for longer.
 *
 * Rejected: an interval tree over the pieces. It would be exact; and a trace with thousands of
 * pieces on one byte would take a step for each pair of them. */

#include "replay/extents.h"

#include "replay/array.h"

#include <string.h>

void fhi_extents_init(fhi_extents *extents)
{
    memset(extents, 0, sizeof *extents);
    extents->free = FHI_NONE;
    extents->state = 1;
}

void fhi_extents_finish(fhi_extents *extents, const fh_host_memory *memory)
{
    fhi_array_free(memory, extents->all, extents->capacity, sizeof *extents->all);
    fhi_array_free(memory, extents->pieces, extents->piece_capacity, sizeof *extents->pieces);
    memset(extents, 0, sizeof *extents);
}

/* ---- the treap ---- */

/* Those that begin before `begin`, and the others. */
static void split(fhi_extent *all, uint32_t tree, uint64_t begin, uint32_t *out_left,
                  uint32_t *out_right)
{
    while (tree != FHI_NONE) {
        if (all[tree].begin < begin) {
            *out_left = tree;
            out_left = &all[tree].right;
            tree = *out_left;
        } else {
            *out_right = tree;
            out_right = &all[tree].left;
            tree = *out_right;
        }
    }
    *out_left = *out_right = FHI_NONE;
}

static void insert(fhi_extent *all, uint32_t *root, uint32_t made)
{
    uint32_t *link = root;
    while (*link != FHI_NONE && all[*link].rank >= all[made].rank) {
        link = all[made].begin < all[*link].begin ? &all[*link].left : &all[*link].right;
    }
    uint32_t under = *link;
    *link = made;
    split(all, under, all[made].begin, &all[made].left, &all[made].right);
}

/* `gone` is in it. */
static void take_out(fhi_extent *all, uint32_t *root, uint32_t gone)
{
    uint32_t *link = root;
    while (*link != gone) {
        link = all[gone].begin < all[*link].begin ? &all[*link].left : &all[*link].right;
    }
    uint32_t a = all[gone].left, b = all[gone].right;
    while (a != FHI_NONE && b != FHI_NONE) {
        if (all[a].rank > all[b].rank) {
            *link = a;
            link = &all[a].right;
            a = *link;
        } else {
            *link = b;
            link = &all[b].left;
            b = *link;
        }
    }
    *link = a != FHI_NONE ? a : b;
}

/* One that overlaps: the last that begins before `end` is the only one to be asked. */
static uint32_t overlapping(const fhi_extent *all, uint32_t tree, uint64_t begin, uint64_t end)
{
    uint32_t last = FHI_NONE;
    while (tree != FHI_NONE) {
        if (all[tree].begin < end) {
            last = tree;
            tree = all[tree].right;
        } else {
            tree = all[tree].left;
        }
    }
    return last != FHI_NONE && all[last].end > begin ? last : FHI_NONE;
}

/* ---- pieces ---- */

uint32_t fhi_extents_find(fhi_extents *extents, uint32_t piece)
{
    while (extents->pieces[piece].up != piece) {
        uint32_t up = extents->pieces[piece].up;
        extents->pieces[piece].up = extents->pieces[up].up;
        piece = extents->pieces[piece].up;
    }
    return piece;
}

static bool provide(fhi_extents *extents, const fh_host_memory *memory)
{
    if (extents->piece_count == extents->piece_capacity) {
        void *more = fhi_array_extend(memory, extents->pieces, extents->piece_count,
                                      &extents->piece_capacity, sizeof *extents->pieces);
        if (!more) {
            return false;
        }
        extents->pieces = more;
    }
    if (extents->free == FHI_NONE && extents->count == extents->capacity) {
        fhi_extent *more = fhi_array_extend(memory, extents->all, extents->count,
                                            &extents->capacity, sizeof *more);
        if (!more) {
            return false;
        }
        extents->all = more;
    }
    return true;
}

static uint32_t take_free(fhi_extents *extents)
{
    uint32_t taken = extents->free;
    if (taken == FHI_NONE) {
        return extents->count++;
    }
    extents->free = extents->all[taken].left;
    return taken;
}

static void give_free(fhi_extents *extents, uint32_t extent)
{
    extents->all[extent].left = extents->free;
    extents->free = extent;
}

/* Source: Knuth's MMIX generator. The upper half is what is good of it. */
static uint32_t next_rank(fhi_extents *extents)
{
    extents->state = extents->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(extents->state >> 32);
}

bool fhi_extents_add(fhi_extents *extents, const fh_host_memory *memory, uint32_t *root,
                     uint64_t begin, uint64_t end)
{
    if (!provide(extents, memory)) {
        return false;
    }
    uint32_t piece = extents->piece_count++;
    uint32_t made = take_free(extents);
    fhi_extent one = {.begin = begin,
                      .end = end,
                      .left = FHI_NONE,
                      .right = FHI_NONE,
                      .rank = next_rank(extents),
                      .live = 1,
                      .mixed = piece,
                      .piece = piece};
    extents->pieces[piece].up = piece;
    extents->pieces[piece].begin = begin;
    extents->pieces[piece].end = end;
    uint32_t other;
    while ((other = overlapping(extents->all, *root, one.begin, one.end)) != FHI_NONE) {
        const fhi_extent *old = &extents->all[other];
        one.begin = old->begin < one.begin ? old->begin : one.begin;
        one.end = old->end > one.end ? old->end : one.end;
        one.live += old->live;
        one.mixed ^= old->mixed;
        extents->pieces[old->piece].up = one.piece;
        take_out(extents->all, root, other);
        give_free(extents, other);
    }
    extents->pieces[piece].extent = made;
    extents->all[made] = one;
    insert(extents->all, root, made);
    return true;
}

void fhi_extents_end(fhi_extents *extents, uint32_t *root, uint32_t piece)
{
    uint32_t extent = extents->pieces[fhi_extents_find(extents, piece)].extent;
    fhi_extent *one = &extents->all[extent];
    one->live--;
    one->mixed ^= piece;
    if (one->live == 0) {
        take_out(extents->all, root, extent);
        give_free(extents, extent);
    } else if (one->live == 1) { /* its neighbours stay its neighbours */
        one->begin = extents->pieces[one->mixed].begin;
        one->end = extents->pieces[one->mixed].end;
    }
}
