#include "device/type.h"

fh_access fhi_access_resolve(fh_location location, fh_access access)
{
    if (access != FH_ACCESS_BY_LOCATION || location == FH_LOCATION_DEVICE) {
        return access;
    }
    return location == FH_LOCATION_READBACK ? FH_ACCESS_RANDOM : FH_ACCESS_SEQUENTIAL;
}

fhi_type_wish fhi_type_wish_of(fh_location location, fh_access access)
{
    fhi_type_wish wish = {0, 0, 0};
    access = fhi_access_resolve(location, access);
    switch (location) {
    case FH_LOCATION_DEVICE:
        /* Memory that the CPU can see is left to those who look at it, unless this one does. */
        wish.required = access == FH_ACCESS_BY_LOCATION ? 0 : FH_MEMORY_HOST_VISIBLE;
        wish.preferred = FH_MEMORY_DEVICE_LOCAL;
        wish.unwanted = access == FH_ACCESS_BY_LOCATION ? FH_MEMORY_HOST_VISIBLE : 0;
        break;
    case FH_LOCATION_UPLOAD:
    case FH_LOCATION_READBACK:
        wish.required = FH_MEMORY_HOST_VISIBLE;
        wish.unwanted = FH_MEMORY_DEVICE_LOCAL;
        break;
    case FH_LOCATION_DEVICE_UPLOAD:
        wish.preferred = FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE;
        break;
    }
    if (access == FH_ACCESS_SEQUENTIAL) {
        wish.preferred |= FH_MEMORY_HOST_COHERENT;
        wish.unwanted |= FH_MEMORY_HOST_CACHED;
    } else if (access == FH_ACCESS_RANDOM) {
        wish.preferred |= FH_MEMORY_HOST_CACHED;
    }
    return wish;
}

static uint32_t count_bits(uint32_t bits)
{
    return (uint32_t)__builtin_popcount(bits);
}

uint32_t fhi_type_cost(fh_memory_flags flags, const fhi_type_wish *wish)
{
    fh_memory_flags asked = wish->required | wish->preferred;
    if ((wish->required & ~flags) != 0 || (flags & FHI_TYPE_SPECIAL & ~asked) != 0) {
        return UINT32_MAX;
    }
    uint32_t missing = wish->preferred & ~flags;
    uint32_t weight = missing & FH_MEMORY_DEVICE_LOCAL ? 3 : 0;
    weight += missing & FH_MEMORY_HOST_VISIBLE ? 1 : 0;
    return count_bits(missing) + weight + count_bits(flags & wish->unwanted);
}

void fhi_type_order_make(const fh_adapter_info *adapter, const fhi_type_wish *wish, uint32_t mask,
                         fhi_type_order *out_order)
{
    uint32_t costs[FH_MEMORY_TYPE_MAX];
    out_order->count = 0;
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        costs[type] = fhi_type_cost(adapter->types[type].flags, wish);
        if ((mask >> type & 1) == 0 || costs[type] == UINT32_MAX) {
            continue;
        }
        /* Insertion from the right keeps equal costs in the order of their indices. */
        uint32_t place = out_order->count++;
        while (place > 0 && costs[out_order->types[place - 1]] > costs[type]) {
            out_order->types[place] = out_order->types[place - 1];
            place--;
        }
        out_order->types[place] = (uint8_t)type;
    }
}
