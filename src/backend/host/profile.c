/* Profiles: four GPUs that stand for the kinds there are, and what is filled in of a custom one.
 *
 * The built-in numbers are of the kind that drivers of such devices report, rounded, and no one
 * device's. mobile-4g has no coherent memory at all, which Vulkan would not allow: so that a
 * missing flush shows wherever the memory comes from. */

#include "backend/host/profile.h"

#include "base/bits.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)

enum {
    LOCAL = FH_MEMORY_DEVICE_LOCAL,
    WRITTEN = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT,
    CACHED = WRITTEN | FH_MEMORY_HOST_CACHED,
    KNOWN_FLAGS = 0
#define PROFILE_FLAG(name, bit, text) | FH_MEMORY_##name
        FH_MEMORY_FLAGS(PROFILE_FLAG)
#undef PROFILE_FLAG
};

static const fh_profile profiles[] = {
    {
        .name = "discrete-8g",
        .kind = FH_ADAPTER_DISCRETE,
        .heap_count = 3,
        .heaps = {{GIB(8), true}, {GIB(16), false}, {MIB(256), true}},
        .type_count = 4,
        .types = {{0, LOCAL}, {1, WRITTEN}, {2, LOCAL | WRITTEN}, {1, CACHED}},
        .os_unaccounted = {MIB(96), MIB(32), 0},
        .queue_count = 2,
        .granularity = KIB(1),
        .dedicated_texture_size = MIB(32),
    },
    {
        .name = "rebar-16g",
        .kind = FH_ADAPTER_DISCRETE,
        .heap_count = 2,
        .heaps = {{GIB(16), true}, {GIB(32), false}},
        .type_count = 4,
        .types = {{0, LOCAL}, {1, WRITTEN}, {0, LOCAL | WRITTEN}, {1, CACHED}},
        .os_unaccounted = {MIB(128), MIB(32)},
        .queue_count = 2,
        .uniform_alignment = 64,
        .dedicated_texture_size = MIB(64),
    },
    {
        .name = "uma-16g",
        .kind = FH_ADAPTER_INTEGRATED,
        .heap_count = 1,
        .heaps = {{GIB(16), true}},
        .type_count = 2,
        .types = {{0, LOCAL | WRITTEN}, {0, LOCAL | CACHED}},
        .os_unaccounted = {MIB(64)},
        .uniform_alignment = 64,
    },
    {
        .name = "mobile-4g",
        .kind = FH_ADAPTER_INTEGRATED,
        .heap_count = 1,
        .heaps = {{GIB(4), true}},
        .type_count = 3,
        .types = {{0, LOCAL},
                  {0, LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_CACHED},
                  {0, LOCAL | FH_MEMORY_LAZILY_ALLOCATED}},
        .os_budget = {GIB(2)},
        .os_unaccounted = {MIB(48)},
        .granularity = KIB(4),
        .buffer_alignment = 64,
        .dedicated_texture_size = MIB(16),
        .allocation_size_max = GIB(1),
        .allocation_count_max = 1024,
    },
};

enum {
    PROFILE_COUNT = sizeof profiles / sizeof profiles[0]
};

const fh_profile *fh_profile_find(const char *name)
{
    for (uint32_t i = 0; name && i < PROFILE_COUNT; i++) {
        if (strcmp(profiles[i].name, name) == 0) {
            return &profiles[i];
        }
    }
    return NULL;
}

const fh_profile *fh_profile_at(uint32_t index)
{
    return index < PROFILE_COUNT ? &profiles[index] : NULL;
}

/* ---- custom profiles ---- */

static fh_result check_heaps(const fh_profile *profile)
{
    if (profile->heap_count == 0 || profile->heap_count > FH_HEAP_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: {} heaps, and there must be 1 to {}",
                             profile->heap_count, FH_HEAP_MAX, 0);
    }
    for (uint32_t i = 0; i < profile->heap_count; i++) {
        if (profile->heaps[i].size == 0 || profile->heaps[i].size > INT64_MAX) {
            return fhi_fail_with(FH_ERR_INVALID,
                                 "profile: heap {} has {} bytes, and must have 1 to 2^63 - 1", i,
                                 profile->heaps[i].size, 0);
        }
        if (profile->os_unaccounted[i] > INT64_MAX) {
            return fhi_fail_with(FH_ERR_INVALID, "profile: os_unaccounted of heap {} is {} bytes",
                                 i, profile->os_unaccounted[i], 0);
        }
    }
    return FH_OK;
}

/* Source: VkMemoryPropertyFlagBits says which flags go together. */
static fh_result check_type(const fh_profile *profile, uint32_t index)
{
    const fh_memory_type_info *type = &profile->types[index];
    bool visible = (type->flags & FH_MEMORY_HOST_VISIBLE) != 0;

    if (type->heap >= profile->heap_count) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: type {} is of heap {}, and there are {}",
                             index, type->heap, profile->heap_count);
    }
    if ((type->flags & ~(fh_memory_flags)KNOWN_FLAGS) != 0) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: type {} has unknown flags, {}", index,
                             type->flags, 0);
    }
    if (!visible && (type->flags & (FH_MEMORY_HOST_COHERENT | FH_MEMORY_HOST_CACHED)) != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "profile: type {} is host_coherent or host_cached, and not "
                             "host_visible",
                             index, 0, 0);
    }
    if (visible && (type->flags & (FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED)) != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "profile: type {} is host_visible, so it can be neither "
                             "lazily_allocated nor protected",
                             index, 0, 0);
    }
    return FH_OK;
}

static fh_result check_types(const fh_profile *profile)
{
    const fh_memory_flags special = FH_MEMORY_LAZILY_ALLOCATED | FH_MEMORY_PROTECTED;
    uint32_t ordinary = 0;

    if (profile->type_count == 0 || profile->type_count > FH_MEMORY_TYPE_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: {} memory types, and there must be 1 to {}",
                             profile->type_count, FH_MEMORY_TYPE_MAX, 0);
    }
    for (uint32_t i = 0; i < profile->type_count; i++) {
        fh_result result = check_type(profile, i);
        if (result != FH_OK) {
            return result;
        }
        ordinary |= (profile->types[i].flags & special) == 0 ? UINT32_C(1) << i : 0;
    }
    if ((profile->buffer_types & ordinary) == 0 || (profile->texture_types & ordinary) == 0) {
        return fhi_fail(FH_ERR_INVALID,
                        "profile: buffers and textures each need a memory type that is neither "
                        "lazily_allocated nor protected");
    }
    return FH_OK;
}

static fh_result check_power(const char *field, uint64_t value)
{
    if (!fhi_is_power_of_two(value) || value > MIB(64)) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "profile: %s is %llu, and must be a power of two up to 64 MiB", field,
                              (unsigned long long)value);
    }
    return FH_OK;
}

static fh_result check_powers(const fh_profile *profile)
{
    const struct {
        const char *field;
        uint64_t value;
    } powers[] = {
        {"granularity", profile->granularity},
        {"atom", profile->atom},
        {"buffer_alignment", profile->buffer_alignment},
        {"uniform_alignment", profile->uniform_alignment},
        {"texture_alignment", profile->texture_alignment},
        {"target_alignment", profile->target_alignment},
    };
    fh_result result = FH_OK;
    for (size_t i = 0; i < sizeof powers / sizeof powers[0] && result == FH_OK; i++) {
        result = check_power(powers[i].field, powers[i].value);
    }
    return result;
}

static fh_result check(const fh_profile *profile)
{
    if ((uint32_t)profile->kind > FH_ADAPTER_SOFTWARE) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: there is no kind {} of adapter",
                             (uint32_t)profile->kind, 0, 0);
    }
    if (profile->queue_count > 4) {
        return fhi_fail_with(FH_ERR_INVALID, "profile: {} queues, and there can be 4",
                             profile->queue_count, 0, 0);
    }
    fh_result result = check_heaps(profile);
    result = result == FH_OK ? check_types(profile) : result;
    return result == FH_OK ? check_powers(profile) : result;
}

static void fill_in(uint64_t *field, uint64_t by_default)
{
    *field = *field != 0 ? *field : by_default;
}

static void fill_in_32(uint32_t *field, uint32_t by_default)
{
    *field = *field != 0 ? *field : by_default;
}

fh_result fhi_sim_profile_resolve(const fh_profile *profile, fh_profile *out)
{
    fh_profile resolved = *profile;

    *out = (fh_profile){0};
    if (!resolved.name) {
        resolved.name = "custom";
    }
    fill_in_32(&resolved.queue_count, 1);
    fill_in(&resolved.granularity, 1);
    fill_in(&resolved.atom, 64);
    fill_in(&resolved.buffer_alignment, 16);
    fill_in(&resolved.uniform_alignment, 256);
    fill_in(&resolved.texture_alignment, 4096);
    fill_in(&resolved.target_alignment, 65536);
    fill_in_32(&resolved.buffer_types, UINT32_MAX);
    fill_in_32(&resolved.texture_types, UINT32_MAX);
    fill_in(&resolved.allocation_size_max, GIB(4));
    fill_in_32(&resolved.allocation_count_max, 4096);
    fh_result result = check(&resolved);
    if (result != FH_OK) {
        return result;
    }
    for (uint32_t i = 0; i < resolved.heap_count; i++) {
        uint64_t size = resolved.heaps[i].size;
        fill_in(&resolved.os_budget[i], size - size / 5);
    }
    *out = resolved;
    return FH_OK;
}

void fhi_sim_profile_describe(const fh_profile *profile, fh_adapter_info *out_info)
{
    *out_info = (fh_adapter_info){
        .backend = "host",
        .kind = profile->kind,
        .caps = FH_CAP_BUDGET | FH_CAP_DEVICE_ADDRESS | FH_CAP_IMPORT_HOST,
        .heap_count = profile->heap_count,
        .type_count = profile->type_count,
        .queue_count = profile->queue_count,
        .granularity = profile->granularity,
        .atom = profile->atom,
        .allocation_size_max = profile->allocation_size_max,
        .allocation_count_max = profile->allocation_count_max,
    };
    if (profile->manual || profile->copy_latency_ns > 0) {
        out_info->caps |= FH_CAP_DELAYED;
    }
    snprintf(out_info->name, sizeof out_info->name, "%s", profile->name);
    memcpy(out_info->heaps, profile->heaps, profile->heap_count * sizeof profile->heaps[0]);
    memcpy(out_info->types, profile->types, profile->type_count * sizeof profile->types[0]);
}
