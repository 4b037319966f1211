/* Ids of a trace to indices of ours. Whoever records counts from 1 on, so most ids are their own
 * index; but a file may say anything, and must not make this slow: what is not where it should be
 * is found by hashing, with a salt that no file can know. The salt decides how long a search takes
 * and nothing else. */

#ifndef FREEHOLD_REPLAY_IDS_H
#define FREEHOLD_REPLAY_IDS_H

#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

#define FHI_NONE UINT32_MAX

typedef struct fhi_ids {
    uint64_t *ids; /* by index */
    uint32_t count, capacity;
    uint32_t *table; /* index + 1 of those that are not in their place (id - 1); 0: free */
    uint32_t table_count, table_capacity; /* a power of two, or 0 */
    uint64_t salt;
} fhi_ids;

void fhi_ids_init(fhi_ids *ids);
void fhi_ids_finish(fhi_ids *ids, const fh_host_memory *memory); /* also of a zeroed one */

/* FHI_NONE: it is not there; 0 never is. */
uint32_t fhi_ids_find(const fhi_ids *ids, uint64_t id);

/* `id` is not there. Its index is the count of those before it: 0, 1, 2 and so on. An id of 0 takes
 * an index that nothing leads to. False: no host memory. */
bool fhi_ids_add(fhi_ids *ids, const fh_host_memory *memory, uint64_t id);

#endif
