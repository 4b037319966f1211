/* Memory types by cost. Required flags are hard; among the types that have them, the cost is the
 * number of preferred flags a type lacks plus the unwanted ones it has, where the lack of
 * device-local counts four and that of host-visible two; the lowest index wins a tie. Types that
 * are protected, lazily allocated, or AMD's device-coherent and device-uncached ones are left alone
 * unless they are asked for.
 *
 * Source: the rule of the field's allocators, so that a program that changes over finds its memory
 * where it was. The weights are ours: what should be the GPU's own stays there when its visible
 * window is full, and what is written directly is so in memory that is cached or not coherent,
 * too. */

#ifndef FREEHOLD_DEVICE_TYPE_H
#define FREEHOLD_DEVICE_TYPE_H

#include <freehold/memory.h>
#include <freehold/resource.h>

#include <freehold/backend.h>

enum {
    /* Types with one of these are taken only by those who ask for it. */
    FHI_TYPE_SPECIAL = FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED |
                       FH_MEMORY_DEVICE_COHERENT | FH_MEMORY_DEVICE_UNCACHED
};

/* Types in the order in which they are tried. */
typedef struct fhi_type_order {
    uint8_t count;
    uint8_t types[FH_MEMORY_TYPE_MAX];
} fhi_type_order;

/* What a location and an access ask for. */
typedef struct fhi_type_wish {
    fh_memory_flags required, preferred, unwanted;
} fhi_type_wish;

/* `fh_access` resolved by the location. */
fh_access fhi_access_resolve(fh_location location, fh_access access);

fhi_type_wish fhi_type_wish_of(fh_location location, fh_access access);

/* UINT32_MAX: not allowed. */
uint32_t fhi_type_cost(fh_memory_flags flags, const fhi_type_wish *wish);

/* All types of `mask` that have what is required, cheapest first. */
void fhi_type_order_make(const fh_adapter_info *adapter, const fhi_type_wish *wish, uint32_t mask,
                         fhi_type_order *out_order);

#endif
