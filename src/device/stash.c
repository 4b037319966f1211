#include "device/stash.h"

#include "base/host.h"

#include <stdint.h>
#include <string.h>

static void *stash_alloc(void *context, size_t size, size_t alignment)
{
    fhi_stash *stash = context;
    if (!stash->locked) {
        return stash->real->alloc(stash->real->context, size, alignment);
    }
    for (uint32_t i = 0; i < stash->ready_count; i++) {
        fhi_stash_piece piece = stash->ready[i];
        if (piece.size == size && piece.alignment == alignment) {
            stash->ready[i] = stash->ready[--stash->ready_count];
            return piece.memory;
        }
    }
    stash->wanted = (fhi_stash_piece){NULL, size, alignment};
    stash->dirty = true;
    return NULL;
}

/* Put aside, not back into the ready pieces: what a block frees it does not want again, and what it
 * frees because a second allocation failed is asked for again at the next try. */
static void stash_free(void *context, void *memory, size_t size, size_t alignment)
{
    fhi_stash *stash = context;
    if (!stash->locked) {
        stash->real->free(stash->real->context, memory, size, alignment);
        return;
    }
    if (stash->wanted.size != 0 && stash->ready_count < FHI_STASH_PIECES) {
        stash->ready[stash->ready_count++] = (fhi_stash_piece){memory, size, alignment};
        return;
    }
    fhi_stash_freed *freed = memory;
    *freed = (fhi_stash_freed){stash->freed, size, alignment};
    stash->freed = freed;
    stash->dirty = true;
}

void fhi_stash_init(fhi_stash *stash, const fh_host_memory *real)
{
    memset(stash, 0, sizeof *stash);
    stash->host = (fh_host_memory){stash_alloc, stash_free, stash};
    stash->real = real;
}

static void give_back(const fh_host_memory *real, fhi_stash_freed *freed)
{
    while (freed) {
        fhi_stash_freed *next = freed->next;
        real->free(real->context, freed, freed->size, freed->alignment);
        freed = next;
    }
}

void fhi_stash_finish(fhi_stash *stash)
{
    give_back(stash->real, stash->freed);
    for (uint32_t i = 0; i < stash->ready_count; i++) {
        fhi_stash_piece piece = stash->ready[i];
        stash->real->free(stash->real->context, piece.memory, piece.size, piece.alignment);
    }
    stash->ready_count = 0;
    stash->freed = NULL;
}

fhi_stash_errand fhi_stash_take(fhi_stash *stash)
{
    fhi_stash_errand errand = {stash->wanted, stash->freed};
    /* What is left over from an earlier try that another thread has finished. */
    while (errand.wanted.size == 0 && stash->ready_count > 0) {
        fhi_stash_piece piece = stash->ready[--stash->ready_count];
        fhi_stash_freed *freed = piece.memory;
        *freed = (fhi_stash_freed){errand.freed, piece.size, piece.alignment};
        errand.freed = freed;
    }
    stash->wanted = (fhi_stash_piece){0};
    stash->freed = NULL;
    stash->dirty = false;
    return errand;
}

bool fhi_stash_run(const fh_host_memory *real, fhi_stash_errand *errand)
{
    give_back(real, errand->freed);
    errand->freed = NULL;
    if (errand->wanted.size == 0) {
        return false;
    }
    errand->wanted.memory =
        real->alloc(real->context, errand->wanted.size, errand->wanted.alignment);
    return errand->wanted.memory != NULL;
}

bool fhi_stash_put(fhi_stash *stash, const fhi_stash_errand *errand)
{
    if (stash->ready_count == FHI_STASH_PIECES) {
        return false;
    }
    stash->ready[stash->ready_count++] = errand->wanted;
    stash->dirty = true;
    return true;
}
