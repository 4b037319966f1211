/* The host backend: its profiles, its limits, and that its memory is what a GPU's memory is. */

#define _POSIX_C_SOURCE 200809L

#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of RAM that this process has; 0 where that cannot be told. */
static uint64_t resident(void)
{
    char line[256] = "";
    char *end = line;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fgets(line, sizeof line, file) == NULL) {
            line[0] = '\0';
        }
        fclose(file);
    }
    strtoull(line, &end, 10); /* address space */
    return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- profiles ---- */

static void built_in_profiles_are_the_adapters(void **state)
{
    static const char *const names[] = {"discrete-8g", "rebar-16g", "uma-16g", "mobile-4g"};
    const fh_backend_ops *host = fh_backend_find(NULL);
    fh_adapter_info infos[8];
    uint32_t count;

    (void)state;
    assert_string_equal(host->name, "host");
    assert_ptr_equal(fh_backend_find("host"), host);
    assert_ptr_equal(fh_backend_at(0), host);
    assert_null(fh_backend_find("no such backend"));
    assert_null(fh_backend_at(100));
    CHECK_OK(host->adapters(NULL, 0, TEST_COUNT_OF(infos), infos, &count));
    assert_int_equal(count, TEST_COUNT_OF(names));
    for (uint32_t i = 0; i < count; i++) {
        const fh_profile *profile = fh_profile_find(names[i]);
        assert_non_null(profile);
        assert_ptr_equal(fh_profile_at(i), profile);
        assert_string_equal(infos[i].name, names[i]);
        assert_string_equal(infos[i].backend, "host");
        assert_int_equal(infos[i].heap_count, profile->heap_count);
        assert_true((infos[i].caps & FH_CAP_DELAYED) == 0);
    }
    assert_null(fh_profile_at(count));
    assert_null(fh_profile_find("discrete"));
    assert_null(fh_profile_find(NULL));
    for (uint32_t type = 0; type < infos[3].type_count; type++) { /* as simulated.h says */
        assert_true((infos[3].types[type].flags & FH_MEMORY_HOST_COHERENT) == 0);
    }
}

static void the_default_is_the_first_profile(void **state)
{
    fh_simulated_desc empty = {0};
    const void *configs[] = {NULL, &empty};
    const fh_backend_ops *host = fh_backend_find("host");
    fh_backend_device *device;
    fh_adapter_info info;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(configs); i++) {
        CHECK_OK(host->open(configs[i], 0, NULL, NULL, &device, &info));
        assert_string_equal(info.name, "discrete-8g");
        assert_true(info.heaps[0].size == GPU_GIB(8));
        host->close(device);
    }
    CHECK_RESULT(host->open(NULL, 4, NULL, NULL, &device, &info), FH_ERR_INVALID);
    assert_null(device);
    assert_true(info.heap_count == 0);
    CHECK_DETAIL_NAMES("adapter");
}

static void a_custom_profile_is_the_only_adapter_and_is_copied(void **state)
{
    const fh_backend_ops *host = fh_backend_find("host");
    fh_profile profile = gpu_profile();
    fh_simulated_desc desc = {.profile = &profile};
    fh_backend_device *device;
    fh_adapter_info info;
    uint32_t count;

    (void)state;
    CHECK_OK(host->adapters(&desc, 0, 1, &info, &count));
    assert_int_equal(count, 1);
    assert_string_equal(info.name, "test");
    CHECK_RESULT(host->open(&desc, 1, NULL, NULL, &device, &info), FH_ERR_INVALID);

    gpu g = gpu_open(&profile);
    assert_true(g.info.granularity == 1 && g.info.atom == 64 && g.info.queue_count == 1);
    assert_true(g.info.allocation_size_max == GPU_GIB(4) && g.info.allocation_count_max == 4096);
    memset(&profile, 0xff, sizeof profile);
    gpu_buffer buffer;
    fh_heap_budget budget;
    gpu_buffer_create(&g, &buffer, 100);
    CHECK_OK(g.ops->budget(g.device, 0, &budget));
    assert_true(budget.budget > GPU_MIB(51) && budget.budget < GPU_MIB(52)); /* 80 % of 64 */
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);

    profile = gpu_profile();
    profile.name = NULL;
    profile.copy_latency_ns = 1;
    g = gpu_open(&profile);
    assert_string_equal(g.info.name, "custom");
    assert_true((g.info.caps & FH_CAP_DELAYED) != 0);
    gpu_close(&g);
}

typedef void (*spoil_fn)(fh_profile *profile);

#define SPOIL(name, statement)                                                                     \
    static void name(fh_profile *profile)                                                          \
    {                                                                                              \
        profile->statement;                                                                        \
    }
SPOIL(no_heaps, heap_count = 0)
SPOIL(many_heaps, heap_count = FH_HEAP_MAX + 1)
SPOIL(empty_heap, heaps[0].size = 0)
SPOIL(huge_heap, heaps[0].size = UINT64_MAX)
SPOIL(no_types, type_count = 0)
SPOIL(many_types, type_count = FH_MEMORY_TYPE_MAX + 1)
SPOIL(wrong_heap, types[0].heap = 1)
SPOIL(unknown_flags, types[0].flags = 1U << 30)
SPOIL(hidden_but_coherent, types[0].flags = FH_MEMORY_HOST_COHERENT)
SPOIL(lazy_but_visible, types[0].flags = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_LAZILY_ALLOCATED)
SPOIL(only_lazy, types[0].flags = FH_MEMORY_LAZILY_ALLOCATED)
SPOIL(no_type_for_buffers, buffer_types = 2)
SPOIL(no_type_for_textures, texture_types = 2)
SPOIL(many_queues, queue_count = 5)
SPOIL(odd_granularity, granularity = 3)
SPOIL(odd_atom, atom = 48)
SPOIL(odd_buffers, buffer_alignment = 24)
SPOIL(odd_uniforms, uniform_alignment = 100)
SPOIL(odd_textures, texture_alignment = 5000)
SPOIL(odd_targets, target_alignment = UINT64_MAX)
SPOIL(huge_targets, target_alignment = UINT64_C(1) << 62)
SPOIL(unknown_kind, kind = (fh_adapter_kind)3)
SPOIL(much_unaccounted, os_unaccounted[0] = UINT64_MAX)

static void impossible_profiles_are_refused(void **state)
{
    static const struct {
        spoil_fn spoil;
        const char *word;
    } all[] = {
        {no_heaps, "heaps"},
        {many_heaps, "heaps"},
        {empty_heap, "heap 0"},
        {huge_heap, "heap 0"},
        {no_types, "types"},
        {many_types, "types"},
        {wrong_heap, "heap 1"},
        {unknown_flags, "flags"},
        {hidden_but_coherent, "host_coherent"},
        {lazy_but_visible, "lazily_allocated"},
        {only_lazy, "lazily_allocated"},
        {no_type_for_buffers, "buffers"},
        {no_type_for_textures, "textures"},
        {many_queues, "queues"},
        {odd_granularity, "granularity"},
        {odd_atom, "atom"},
        {odd_buffers, "buffer_alignment"},
        {odd_uniforms, "uniform_alignment"},
        {odd_textures, "texture_alignment"},
        {odd_targets, "target_alignment"},
        {huge_targets, "target_alignment"},
        {unknown_kind, "kind"},
        {much_unaccounted, "os_unaccounted"},
    };
    const fh_backend_ops *host = fh_backend_find("host");

    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        fh_profile profile = gpu_profile();
        fh_simulated_desc desc = {.profile = &profile};
        fh_backend_device *device;
        fh_adapter_info info;
        uint32_t count;
        all[i].spoil(&profile);
        CHECK_RESULT(host->open(&desc, 0, NULL, NULL, &device, &info), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES(all[i].word);
        assert_null(device);
        CHECK_RESULT(host->adapters(&desc, 0, 1, &info, &count), FH_ERR_INVALID);
    }
}

/* ---- requirements ---- */

static fh_requirements needs_of_buffer(gpu *g, uint64_t size, fh_usage usage)
{
    _Alignas(16) unsigned char room[256] = {0};
    fh_buffer_desc desc = {.size = size, .usage = usage};
    fh_requirements needs;
    CHECK_OK(g->ops->buffer_create(g->device, &desc, size, room, &needs));
    g->ops->object_destroy(g->device, room);
    return needs;
}

static fh_requirements needs_of_texture(gpu *g, fh_texture_desc desc)
{
    _Alignas(16) unsigned char room[256] = {0};
    fh_requirements needs;
    desc.depth = desc.layers = desc.mips = 1;
    desc.samples = desc.samples > 0 ? desc.samples : 1;
    CHECK_OK(g->ops->texture_create(g->device, &desc, room, &needs));
    g->ops->object_destroy(g->device, room);
    return needs;
}

static void requirements_follow_the_profile(void **state)
{
    fh_profile profile = gpu_profile();
    fh_memory_flags visible = profile.types[0].flags;

    (void)state;
    profile.type_count = 5;
    profile.types[1].flags = FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_LAZILY_ALLOCATED;
    profile.types[2].flags = FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_PROTECTED;
    profile.types[3].flags = FH_MEMORY_DEVICE_LOCAL;
    profile.types[4].flags = visible;
    profile.buffer_types = 0x17;
    profile.texture_types = 0x0e;
    profile.buffer_alignment = 32;
    profile.uniform_alignment = 512;
    profile.texture_alignment = 1024;
    profile.target_alignment = 8192;
    profile.dedicated_texture_size = 65536;
    gpu g = gpu_open(&profile);

    fh_requirements needs = needs_of_buffer(&g, 1001, FH_USAGE_STORAGE);
    assert_true(needs.size == 1001 && needs.alignment == 32 && needs.type_mask == 0x11);
    assert_true(!needs.dedicated_preferred && !needs.dedicated_required);
    assert_true(needs_of_buffer(&g, 1, FH_USAGE_UNIFORM | FH_USAGE_COPY).alignment == 512);
    assert_true(needs_of_buffer(&g, 1, FH_USAGE_TEXEL).alignment == 512);

    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM, .width = 100, .height = 10};
    needs = needs_of_texture(&g, desc);
    assert_true(needs.size == 4096 && needs.alignment == 1024 && needs.type_mask == 0x08);
    desc.usage = FH_USAGE_COLOR_TARGET | FH_USAGE_TRANSIENT_TARGET;
    assert_true(needs_of_texture(&g, desc).type_mask == 0x0a);
    desc.samples = 4;
    needs = needs_of_texture(&g, desc);
    assert_true(needs.size == 16384 && needs.alignment == 8192);
    desc.samples = 1;
    desc.linear = true;
    needs = needs_of_texture(&g, desc);
    assert_true(needs.size == 4000 && needs.alignment == 32 && !needs.dedicated_preferred);
    desc.linear = false;
    desc.width = desc.height = 128;
    assert_true(needs_of_texture(&g, desc).dedicated_preferred);
    gpu_close(&g);
}

/* ---- limits ---- */

static void a_heap_is_filled_to_the_last_byte(void **state)
{
    fh_profile profile = gpu_profile();
    gpu_memory most;
    gpu_memory rest;
    gpu_memory none;

    (void)state;
    profile.heap_count = 2;
    profile.heaps[1].size = 1000;
    profile.type_count = 2;
    profile.types[1] = (fh_memory_type_info){1, FH_MEMORY_HOST_VISIBLE};
    gpu g = gpu_open(&profile);
    CHECK_OK(gpu_alloc(&g, &most, GPU_MIB(64) - 10, 0));
    CHECK_RESULT(gpu_alloc(&g, &none, 11, 0), FH_ERR_OUT_OF_MEMORY);
    CHECK_DETAIL_NAMES("11 bytes asked for, 10 left");
    CHECK_OK(gpu_alloc(&g, &rest, 10, 0));
    CHECK_RESULT(gpu_alloc(&g, &none, 1, 0), FH_ERR_OUT_OF_MEMORY);
    gpu_check_live(&g, 2, GPU_MIB(64), 0);
    CHECK_OK(gpu_alloc(&g, &none, 1000, 1)); /* another heap */
    g.ops->memory_free(g.device, none.room);
    g.ops->memory_free(g.device, most.room);
    CHECK_OK(gpu_alloc(&g, &most, GPU_MIB(64) - 10, 0));
    g.ops->memory_free(g.device, most.room);
    g.ops->memory_free(g.device, rest.room);
    gpu_close(&g);
}

static void counts_and_sizes_of_memories_are_limited(void **state)
{
    fh_profile profile = gpu_profile();
    gpu_memory all[3];
    gpu_memory none;

    (void)state;
    profile.allocation_count_max = 3;
    profile.allocation_size_max = 100000;
    gpu g = gpu_open(&profile);
    CHECK_RESULT(gpu_alloc(&g, &none, 100001, 0), FH_ERR_OUT_OF_MEMORY);
    CHECK_DETAIL_NAMES("allocation_size_max");
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(gpu_alloc(&g, &all[i], 100000, 0));
    }
    CHECK_RESULT(gpu_alloc(&g, &none, 1, 0), FH_ERR_OUT_OF_MEMORY);
    CHECK_DETAIL_NAMES("allocation_count_max");
    g.ops->memory_free(g.device, all[1].room);
    CHECK_OK(gpu_alloc(&g, &all[1], 1, 0));
    gpu_check_live(&g, 3, 200001, 0);
    for (size_t i = 0; i < 3; i++) {
        g.ops->memory_free(g.device, all[i].room);
    }
    gpu_close(&g);
}

static void budgets_count_what_lives_and_what_others_use(void **state)
{
    fh_profile profile = gpu_profile();
    fh_heap_budget budgets[2];
    gpu_memory memory;

    (void)state;
    profile.heap_count = 2;
    profile.heaps[1].size = 1000;
    profile.os_budget[0] = 12345;
    profile.os_unaccounted[0] = 777;
    gpu g = gpu_open(&profile);
    CHECK_OK(gpu_alloc(&g, &memory, 500, 0));
    CHECK_OK(g.ops->budget(g.device, 0, budgets));
    assert_true(budgets[0].budget == 12345 && budgets[0].usage == 1277);
    assert_true(budgets[1].budget == 800 && budgets[1].usage == 0);
    g.ops->memory_free(g.device, memory.room);
    CHECK_OK(g.ops->budget(g.device, 0, budgets));
    assert_true(budgets[0].usage == 777);
    gpu_close(&g);
}

/* ---- memory ---- */

static void memory_takes_ram_only_where_it_is_written(void **state)
{
    fh_profile profile = gpu_profile();
    gpu_memory memories[4];
    unsigned char *bytes[4];
    uint64_t before = resident();

    (void)state;
    profile.heaps[0].size = GPU_GIB(64);
    profile.allocation_size_max = GPU_GIB(8);
    profile.type_count = 2;
    profile.types[1].flags = FH_MEMORY_HOST_VISIBLE; /* mapped memory of its own */
    gpu g = gpu_open(&profile);
    for (size_t i = 0; i < 4; i++) {
        void *mapped;
        CHECK_OK(gpu_alloc(&g, &memories[i], GPU_GIB(8), i % 2));
        CHECK_OK(g.ops->memory_map(g.device, memories[i].room, &mapped));
        bytes[i] = mapped;
        assert_int_equal(bytes[i][GPU_GIB(8) - 1], 0);
        bytes[i][GPU_GIB(8) - 1] = 1;
        bytes[i][0] = 2;
    }
    for (size_t i = 1; i < 4; i += 2) { /* mapped again, and flushed in between */
        void *mapped;
        CHECK_OK(g.ops->memory_flush(g.device, memories[i].room, 0, 64));
        g.ops->memory_unmap(g.device, memories[i].room);
        CHECK_OK(g.ops->memory_map(g.device, memories[i].room, &mapped));
        bytes[i] = mapped;
        assert_int_equal(bytes[i][0], 2);
        assert_int_equal(bytes[i][GPU_GIB(8) - 1], 0); /* was not flushed */
    }
    assert_true(resident() < before + GPU_MIB(100));
    for (size_t i = 0; i < 4; i++) {
        g.ops->memory_free(g.device, memories[i].room);
    }
    gpu_close(&g);
}

static fh_profile split_profile(void)
{
    fh_profile profile = gpu_profile();
    profile.types[0].flags = FH_MEMORY_HOST_VISIBLE;
    return profile;
}

static void what_was_not_flushed_is_missing(void **state)
{
    fh_profile profile = split_profile();
    gpu g = gpu_open(&profile);
    gpu_buffer from;
    gpu_buffer to;
    fh_backend_copy copy;

    (void)state;
    gpu_buffer_create(&g, &from, 256);
    gpu_buffer_create(&g, &to, 256);
    copy = gpu_copy(&from, &to, 256);
    memset(from.bytes, 7, 256);
    CHECK_OK(g.ops->memory_flush(g.device, from.memory.room, 64, 64));
    gpu_submit(&g, 0, &copy, NULL);
    CHECK_OK(g.ops->memory_invalidate(g.device, to.memory.room, 0, 256));
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(to.bytes[i], i >= 64 && i < 128 ? 7 : 0);
    }
    gpu_buffer_destroy(&g, &from);
    gpu_buffer_destroy(&g, &to);
    gpu_close(&g);
}

static void what_was_not_invalidated_is_old(void **state)
{
    fh_profile profile = split_profile();
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 256);
    fh_backend_copy fill = {
        .kind = FH_COPY_FILL, .dst = buffer.room, .size = 256, .fill = 0x05050505};
    gpu_submit(&g, 0, &fill, NULL);
    assert_int_equal(buffer.bytes[0], 0);
    CHECK_OK(g.ops->memory_invalidate(g.device, buffer.memory.room, 64, 64));
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(buffer.bytes[i], i >= 64 && i < 128 ? 5 : 0);
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

/* Written by the GPU at both ends, while the memory was not mapped at all. */
static void a_mapping_begins_with_what_the_gpu_has(void **state)
{
    fh_profile profile = split_profile();
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;
    void *mapped;

    (void)state;
    gpu_buffer_create(&g, &buffer, 100000);
    memset(buffer.bytes, 9, 100000); /* never flushed: lost */
    g.ops->memory_unmap(g.device, buffer.memory.room);
    fh_backend_copy fill = {
        .kind = FH_COPY_FILL, .dst = buffer.room, .dst_offset = 60000, .size = 1000};
    fill.fill = 0x01010101;
    gpu_submit(&g, 0, &fill, NULL);
    fill.dst_offset = 40000;
    fill.fill = 0x02020202;
    gpu_submit(&g, 0, &fill, NULL);
    CHECK_OK(g.ops->memory_map(g.device, buffer.memory.room, &mapped));
    buffer.bytes = mapped;
    for (size_t i = 0; i < 100000; i++) {
        int expected = i >= 60000 && i < 61000 ? 1 : i >= 40000 && i < 41000 ? 2 : 0;
        assert_int_equal(buffer.bytes[i], expected);
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

static void imported_memory_takes_nothing_of_its_heap(void **state)
{
    static unsigned char own[4096];
    fh_profile profile = split_profile();
    gpu_memory all;
    gpu_memory imported = {{0}};
    fh_memory_request request = {.size = sizeof own, .host = own};
    void *mapped;

    (void)state;
    gpu g = gpu_open(&profile);
    CHECK_OK(gpu_alloc(&g, &all, GPU_MIB(64), 0));
    CHECK_OK(g.ops->memory_import(g.device, &request, imported.room));
    gpu_check_live(&g, 2, GPU_MIB(64) + sizeof own, 0);
    CHECK_OK(g.ops->memory_map(g.device, imported.room, &mapped));
    assert_ptr_equal(mapped, own);
    memset(own, 3, sizeof own);
    CHECK_OK(g.ops->memory_flush(g.device, imported.room, 0, sizeof own));
    CHECK_OK(g.ops->memory_invalidate(g.device, imported.room, 0, sizeof own));
    g.ops->memory_unmap(g.device, imported.room);
    g.ops->memory_free(g.device, imported.room);
    assert_int_equal(own[4095], 3);
    fh_heap_budget budget;
    CHECK_OK(g.ops->budget(g.device, 0, &budget));
    assert_true(budget.usage == GPU_MIB(64));
    g.ops->memory_free(g.device, all.room);
    gpu_close(&g);
}

/* ---- the host ---- */

static void what_still_lives_at_close_is_logged(void **state)
{
    const fh_backend_ops *host = fh_backend_find("host");
    fh_backend_device *device;
    fh_adapter_info info;
    test_log log;
    gpu_buffer buffer;

    (void)state;
    test_log_init(&log);
    CHECK_OK(host->open(NULL, 2, NULL, &log.log, &device, &info));
    gpu g = {host, device, info};
    gpu_buffer_create(&g, &buffer, 1234);
    host->close(device); /* mmap'ed memory is no leak to a sanitizer */
    assert_int_equal(log.count, 1);
    assert_int_equal(log.level, FH_LOG_WARNING);
    assert_non_null(strstr(log.message, "1 memories of 1234 bytes and 1 objects"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_profiles_are_the_adapters),
        cmocka_unit_test(the_default_is_the_first_profile),
        cmocka_unit_test(a_custom_profile_is_the_only_adapter_and_is_copied),
        cmocka_unit_test(impossible_profiles_are_refused),
        cmocka_unit_test(requirements_follow_the_profile),
        cmocka_unit_test(a_heap_is_filled_to_the_last_byte),
        cmocka_unit_test(counts_and_sizes_of_memories_are_limited),
        cmocka_unit_test(budgets_count_what_lives_and_what_others_use),
        cmocka_unit_test(memory_takes_ram_only_where_it_is_written),
        cmocka_unit_test(what_was_not_flushed_is_missing),
        cmocka_unit_test(what_was_not_invalidated_is_old),
        cmocka_unit_test(a_mapping_begins_with_what_the_gpu_has),
        cmocka_unit_test(imported_memory_takes_nothing_of_its_heap),
        cmocka_unit_test(what_still_lives_at_close_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
