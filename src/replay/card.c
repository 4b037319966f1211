#include "replay/card.h"

#include "base/bits.h"

#include <string.h>

enum {
    FLAGS_KNOWN = 0
#define CARD_FLAG(name, bit, text) | FH_MEMORY_##name
        FH_MEMORY_FLAGS(CARD_FLAG)
#undef CARD_FLAG
};

/* Of a heap whose size nobody knows: an imported log's. */
#define HEAP_UNKNOWN (UINT64_C(1) << 40)
#define POWER_MAX    (UINT64_C(64) << 20)

/* The n-th number of the list, or 0. */
static uint64_t listed(const fh_trace_event *event, uint64_t n)
{
    return n < event->list_count ? event->list[n] : 0;
}

static bool read_heaps(const fh_trace_event *event, fh_profile *out)
{
    bool right = event->device.heap_count >= 1 && event->device.heap_count <= FH_HEAP_MAX;
    uint64_t count = event->device.heap_count;
    count = count > FH_HEAP_MAX ? FH_HEAP_MAX : count;
    out->heap_count = count == 0 ? 1 : (uint32_t)count;
    for (uint32_t i = 0; i < out->heap_count; i++) {
        uint64_t size = count == 0 ? 0 : listed(event, UINT64_C(2) * i);
        bool known = size > 0 && size <= INT64_MAX;
        out->heaps[i].size = known ? size : HEAP_UNKNOWN;
        out->heaps[i].device_local = count == 0 || (listed(event, UINT64_C(2) * i + 1) & 1) != 0;
        right = right && known;
    }
    return right;
}

/* As the host backend wants flags to go together. */
static fh_memory_flags mend_flags(uint64_t flags)
{
    fh_memory_flags known = (fh_memory_flags)(flags & FLAGS_KNOWN);
    if ((known & FH_MEMORY_HOST_VISIBLE) == 0) {
        known &= ~(fh_memory_flags)(FH_MEMORY_HOST_COHERENT | FH_MEMORY_HOST_CACHED);
    } else {
        known &= ~(fh_memory_flags)(FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED);
    }
    return known;
}

static bool read_types(const fh_trace_event *event, fh_profile *out)
{
    uint64_t first = event->device.heap_count > FH_TRACE_LIST_MAX
                         ? FH_TRACE_LIST_MAX
                         : UINT64_C(2) * event->device.heap_count;
    uint64_t count = event->device.type_count;
    bool right = count >= 1 && count <= FH_MEMORY_TYPE_MAX;
    bool ordinary = false;
    count = count > FH_MEMORY_TYPE_MAX ? FH_MEMORY_TYPE_MAX : count;
    out->type_count = count == 0 ? 1 : (uint32_t)count;
    for (uint32_t i = 0; i < out->type_count; i++) {
        uint64_t heap = listed(event, first + UINT64_C(2) * i);
        uint64_t flags = listed(event, first + UINT64_C(2) * i + 1);
        fh_memory_flags mended =
            count == 0 ? FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT
                       : mend_flags(flags);
        out->types[i].heap = heap < out->heap_count ? (uint32_t)heap : 0;
        out->types[i].flags = mended;
        ordinary = ordinary || (mended & (FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED)) == 0;
        right = right && heap < out->heap_count &&
                (count == 0 || mended == (fh_memory_flags)(flags & FLAGS_KNOWN));
    }
    if (!ordinary) {
        out->types[0].flags &= ~(fh_memory_flags)(FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED);
    }
    return right && ordinary;
}

/* 0, which is the host backend's own, for what is no such power. */
static uint64_t power(uint64_t value)
{
    return fhi_is_power_of_two(value) && value <= POWER_MAX ? value : 0;
}

bool fhi_card_read(const fh_trace_event *event, fh_profile *out_profile)
{
    const fh_trace_device *device = &event->device;
    memset(out_profile, 0, sizeof *out_profile);
    bool heaps = read_heaps(event, out_profile);
    bool types = read_types(event, out_profile);
    out_profile->kind = device->adapter_kind <= FH_ADAPTER_SOFTWARE
                            ? (fh_adapter_kind)device->adapter_kind
                            : FH_ADAPTER_DISCRETE;
    out_profile->granularity = power(device->granularity);
    out_profile->atom = power(device->atom);
    out_profile->allocation_size_max =
        device->allocation_size_max > INT64_MAX ? INT64_MAX : device->allocation_size_max;
    out_profile->allocation_count_max = device->allocation_count_max > UINT32_MAX
                                            ? UINT32_MAX
                                            : (uint32_t)device->allocation_count_max;
    return heaps && types;
}
