#include "replay/array.h"

#include <string.h>

enum {
    FIRST = 64,    /* items */
    ALIGNMENT = 16 /* bytes: no item here has more */
};

void *fhi_array_extend(const fh_host_memory *memory, void *items, uint32_t count,
                       uint32_t *capacity, size_t size)
{
    if (*capacity > UINT32_MAX / 2) {
        return NULL;
    }
    uint32_t larger = *capacity < FIRST ? FIRST : *capacity * 2;
    void *more = fhi_host_alloc(memory, larger, size, ALIGNMENT);
    if (!more) {
        return NULL;
    }
    if (count > 0) {
        memcpy(more, items, count * size);
    }
    fhi_host_free(memory, items, *capacity, size, ALIGNMENT);
    *capacity = larger;
    return more;
}

void fhi_array_free(const fh_host_memory *memory, void *items, uint32_t capacity, size_t size)
{
    fhi_host_free(memory, items, capacity, size, ALIGNMENT);
}

void *fhi_array_make(const fh_host_memory *memory, uint32_t count, size_t size)
{
    void *made = count > 0 ? fhi_host_alloc(memory, count, size, ALIGNMENT) : NULL;
    if (made) {
        memset(made, 0, count * size);
    }
    return made;
}
