/* Conformance: what adapters say, and memory without queues. */

#include "rig.h"

#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)

/* The usual memory types, one after the other; protected memory cannot even be copied to. */
static bool ordinary(const rig *r, uint32_t type)
{
    return (r->info.types[type].flags & FH_MEMORY_PROTECTED) == 0;
}

static void check_info(const fh_adapter_info *info)
{
    assert_true(info->name[0] != '\0');
    assert_non_null(memchr(info->name, '\0', sizeof info->name));
    assert_true(info->heap_count >= 1 && info->heap_count <= FH_HEAP_MAX);
    assert_true(info->type_count >= 1 && info->type_count <= FH_MEMORY_TYPE_MAX);
    assert_true(info->queue_count >= 1 && info->queue_count <= FH_QUEUE_MAX);
    assert_true(fhi_is_power_of_two(info->granularity) && fhi_is_power_of_two(info->atom));
    assert_true(info->allocation_size_max > 0 && info->allocation_count_max > 0);
    bool visible = false;
    for (uint32_t i = 0; i < info->type_count; i++) {
        fh_memory_flags flags = info->types[i].flags;
        assert_true(info->types[i].heap < info->heap_count);
        visible = visible || (flags & FH_MEMORY_HOST_VISIBLE) != 0;
        if ((flags & (FH_MEMORY_HOST_COHERENT | FH_MEMORY_HOST_CACHED)) != 0) {
            assert_true((flags & FH_MEMORY_HOST_VISIBLE) != 0);
        }
    }
    assert_true(visible);
    for (uint32_t i = 0; i < info->heap_count; i++) {
        assert_true(info->heaps[i].size > 0);
    }
}

void adapters_are_described_in_pieces_and_as_they_open(void **state)
{
    rig r;
    fh_adapter_info all[8];
    fh_adapter_info one;
    uint32_t count;
    uint32_t again;

    rig_open(&r, state);
    const conform_target *target = r.target;
    CHECK_OK(r.ops->adapters(target->config, 0, 0, NULL, &count));
    assert_true(target->adapter < count);
    memset(all, 0xa5, sizeof all);
    CHECK_OK(r.ops->adapters(target->config, 0, COUNT_OF(all), all, &again));
    assert_int_equal(again, count);
    for (uint32_t i = 0; i < count && i < COUNT_OF(all); i++) {
        check_info(&all[i]);
        assert_string_equal(all[i].backend, r.ops->name);
        CHECK_OK(r.ops->adapters(target->config, i, 1, &one, &again));
        assert_int_equal(again, count);
        assert_string_equal(one.name, all[i].name);
    }
    CHECK_OK(r.ops->adapters(target->config, count, 1, &one, &again));
    assert_int_equal(again, count);

    CHECK_OK(r.ops->adapters(target->config, target->adapter, 1, &one, &count));
    check_info(&r.info);
    assert_string_equal(one.name, r.info.name);
    assert_int_equal(one.type_count, r.info.type_count);
    assert_int_equal(one.queue_count, r.info.queue_count);
    assert_true(one.allocation_size_max == r.info.allocation_size_max);
    rig_close(&r);
}

void every_memory_type_gives_memory(void **state)
{
    rig r;
    rig_open(&r, state);
    for (uint32_t type = 0; type < r.info.type_count; type++) {
        if (ordinary(&r, type)) {
            rig_memory first;
            rig_memory second;
            rig_memory_alloc(&r, &first, 64 * KIB, type);
            rig_memory_alloc(&r, &second, 1, type);
            rig_memory_free(&r, &first);
            rig_memory_alloc(&r, &first, 100001, type);
            rig_memory_free(&r, &second);
            rig_memory_free(&r, &first);
        }
    }
    rig_close(&r);
}

/* What was written and flushed is there when the memory is mapped for the second time. */
void mapped_memory_keeps_what_was_written(void **state)
{
    static unsigned char written[40000];
    static unsigned char got[sizeof written];
    rig r;

    rig_open(&r, state);
    for (uint32_t type = 0; type < r.info.type_count; type++) {
        if ((r.info.types[type].flags & FH_MEMORY_HOST_VISIBLE) == 0) {
            continue;
        }
        rig_memory memory;
        rig_memory_alloc(&r, &memory, sizeof written, type);
        rig_pattern(written, sizeof written, type);
        CHECK_OK(rig_memory_write(&r, &memory, 0, written, sizeof written));
        CHECK_OK(rig_memory_read(&r, &memory, 0, got, sizeof got));
        rig_same(got, written, sizeof written, "mapped for the first time");
        void *mapped;
        r.ops->memory_unmap(r.device, memory.room);
        CHECK_OK(r.ops->memory_map(r.device, memory.room, &mapped));
        memory.mapped = mapped;
        CHECK_OK(rig_memory_read(&r, &memory, 0, got, sizeof got));
        rig_same(got, written, sizeof written, "mapped for the second time");
        rig_memory_free(&r, &memory);
    }
    rig_close(&r);
}

/* Pieces of odd sizes, each flushed alone. */
void a_part_that_was_flushed_arrives(void **state)
{
    static unsigned char written[10007];
    static unsigned char got[sizeof written];
    rig r;
    rig_buffer buffer;

    rig_open(&r, state);
    rig_buffer_create(&r, &buffer, sizeof written, true);
    rig_pattern(written, sizeof written, 1);
    for (uint64_t at = 0, size = 1; at < sizeof written; at += size, size = size * 2 + 1) {
        uint64_t piece = size < sizeof written - at ? size : sizeof written - at;
        CHECK_OK(rig_memory_write(&r, &buffer.memory, at, written + at, piece));
    }
    rig_download(&r, &buffer.object, 0, got, sizeof got);
    rig_same(got, written, sizeof written, "pieces");
    rig_buffer_destroy(&r, &buffer);
    rig_close(&r);
}

void a_request_beyond_every_limit_fails_and_leaves_nothing(void **state)
{
    rig r;
    rig_open(&r, state);
    for (uint32_t type = 0; type < r.info.type_count; type++) {
        if (!ordinary(&r, type)) {
            continue;
        }
        for (int i = 0; i < 3; i++) {
            rig_memory memory = {0};
            fh_memory_request request = {.size = UINT64_C(1) << 62, .type = type};
            CHECK_RESULT(r.ops->memory_alloc(r.device, &request, memory.room),
                         FH_ERR_OUT_OF_MEMORY);
            assert_true(fh_error_detail()[0] != '\0');
            rig_memory_alloc(&r, &memory, KIB, type); /* the next one is served */
            rig_memory_free(&r, &memory);
        }
    }
    rig_close(&r);
}

void budgets_are_sane(void **state)
{
    fh_heap_budget before[FH_HEAP_MAX];
    fh_heap_budget after[FH_HEAP_MAX];
    rig r;

    rig_open(&r, state);
    if ((r.info.caps & FH_CAP_BUDGET) == 0) {
        print_message("no budgets: skipped\n");
        rig_close(&r);
        skip();
    }
    CHECK_OK(r.ops->budget(r.device, 0, before));
    for (uint32_t i = 0; i < r.info.heap_count; i++) {
        assert_true(before[i].budget > 0 && before[i].budget <= r.info.heaps[i].size);
        assert_true(before[i].usage <= r.info.heaps[i].size);
    }
    for (uint32_t type = 0; type < r.info.type_count; type++) {
        if (ordinary(&r, type)) {
            uint32_t heap = r.info.types[type].heap;
            rig_memory memory;
            rig_memory_alloc(&r, &memory, 4096 * KIB, type);
            CHECK_OK(r.ops->budget(r.device, 1, after));
            assert_true(after[heap].usage >= before[heap].usage);
            rig_memory_free(&r, &memory);
        }
    }
    rig_close(&r);
}

void imported_memory_is_the_programs_own(void **state)
{
    enum {
        SIZE = 65536
    };
    static unsigned char got[SIZE];
    static unsigned char expected[SIZE];
    rig r;

    rig_open(&r, state);
    const fh_memory_flags wanted = FH_MEMORY_HOST_VISIBLE;
    if ((r.info.caps & FH_CAP_IMPORT_HOST) == 0) {
        print_message("no import of host memory: skipped\n");
        rig_close(&r);
        skip();
    }
    unsigned char *own = aligned_alloc(SIZE, SIZE);
    assert_non_null(own);
    rig_pattern(own, SIZE, 7);
    memcpy(expected, own, SIZE);

    rig_object object;
    rig_object_buffer(&r, &object, SIZE, FH_USAGE_COPY);
    uint32_t type = rig_type(&r, object.needs.type_mask, wanted | FH_MEMORY_HOST_COHERENT, 0);
    type = type != UINT32_MAX ? type : rig_type(&r, object.needs.type_mask, wanted, 0);
    rig_memory memory = {.size = SIZE, .type = type};
    fh_memory_request request = {.size = SIZE, .type = type, .host = own};
    CHECK_OK(r.ops->memory_import(r.device, &request, memory.room));
    CHECK_OK(r.ops->bind(r.device, object.room, memory.room, 0));
    rig_download(&r, &object, 0, got, SIZE);
    rig_same(got, expected, SIZE, "the device reads the program's bytes");
    rig_pattern(expected, SIZE, 8);
    rig_upload(&r, &object, 0, expected, SIZE);
    rig_same(own, expected, SIZE, "the program reads the device's bytes");
    rig_object_destroy(&r, &object);
    r.ops->memory_free(r.device, memory.room);
    rig_same(own, expected, SIZE, "the bytes outlive the import");
    free(own);
    rig_close(&r);
}

void dedicated_memory_serves_its_object(void **state)
{
    enum {
        SIZE = 300000
    };
    static unsigned char written[SIZE];
    static unsigned char got[SIZE];
    rig r;
    rig_object object;
    rig_memory memory = {0};

    rig_open(&r, state);
    rig_object_buffer(&r, &object, SIZE, FH_USAGE_COPY);
    fh_memory_request request = {.size = object.needs.size, .priority = 1, .object = object.room};
    request.type = rig_type(&r, object.needs.type_mask, 0, FH_MEMORY_PROTECTED);
    CHECK_OK(r.ops->memory_alloc(r.device, &request, memory.room));
    CHECK_OK(r.ops->bind(r.device, object.room, memory.room, 0));
    rig_pattern(written, SIZE, 9);
    rig_upload(&r, &object, 0, written, SIZE);
    rig_download(&r, &object, 0, got, SIZE);
    rig_same(got, written, SIZE, "dedicated memory");
    rig_object_destroy(&r, &object);
    r.ops->memory_free(r.device, memory.room);
    rig_close(&r);
}

void addresses_are_as_far_apart_as_the_buffers(void **state)
{
    rig r;
    rig_object objects[3];
    rig_memory memory = {0};

    rig_open(&r, state);
    if ((r.info.caps & FH_CAP_DEVICE_ADDRESS) == 0) {
        print_message("no device addresses: skipped\n");
        rig_close(&r);
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        rig_object_buffer(&r, &objects[i], 1000, FH_USAGE_STORAGE | FH_USAGE_DEVICE_ADDRESS);
    }
    const fh_requirements *needs = &objects[0].needs;
    uint64_t distance = fhi_align_up(needs->size, needs->alignment);
    fh_memory_request request = {.size = 3 * distance, .address = true};
    request.type = rig_type(&r, needs->type_mask, 0, FH_MEMORY_PROTECTED);
    CHECK_OK(r.ops->memory_alloc(r.device, &request, memory.room));
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        CHECK_OK(r.ops->bind(r.device, objects[i].room, memory.room, i * distance));
    }
    uint64_t first = r.ops->buffer_address(r.device, objects[0].room);
    assert_true(first != 0);
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        assert_true(r.ops->buffer_address(r.device, objects[i].room) == first + i * distance);
        rig_object_destroy(&r, &objects[i]);
    }
    r.ops->memory_free(r.device, memory.room);
    rig_close(&r);
}

void several_devices_are_apart(void **state)
{
    static unsigned char patterns[2][5000];
    static unsigned char got[5000];
    rig rigs[2];
    rig_buffer buffers[2];

    for (uint32_t i = 0; i < 2; i++) {
        rig_open(&rigs[i], state);
        rig_buffer_create(&rigs[i], &buffers[i], sizeof got, false);
        rig_pattern(patterns[i], sizeof got, i);
        rig_upload(&rigs[i], &buffers[i].object, 0, patterns[i], sizeof got);
    }
    for (uint32_t i = 0; i < 2; i++) {
        rig_download(&rigs[i], &buffers[i].object, 0, got, sizeof got);
        rig_same(got, patterns[i], sizeof got, "a device's own bytes");
        rig_buffer_destroy(&rigs[i], &buffers[i]);
        rig_close(&rigs[i]);
    }
}
