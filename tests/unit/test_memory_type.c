/* Which memory type a request gets: by cost on the built-in profiles and some custom ones, required
 * flags and masks as hard rules, and the next type when one is full. */

#include "card_checks.h"

static uint32_t type_of(const card *c, const fh_memory_desc *memory)
{
    fh_buffer_desc desc = card_buffer_desc(4096);
    desc.memory = *memory;
    fh_parcel buffer = check_make(c, &desc);
    uint32_t type = check_info(c, buffer).type;
    check_release(c, buffer);
    return type;
}

/* ---- by location ---- */

typedef struct row {
    const char *profile;
    /* device, upload, upload at random, readback, readback in sequence, device_upload, the same at
     * random, device but written by the CPU, device but read by it */
    uint32_t types[9];
} row;

static void locations_get_the_cheapest_type(void **state)
{
    (void)state;
    static const row rows[] = {
        {"discrete-8g", {0, 1, 3, 3, 1, 2, 2, 2, 2}},
        {"rebar-16g", {0, 1, 3, 3, 1, 2, 2, 2, 2}},
        {"uma-16g", {0, 0, 1, 1, 0, 0, 1, 0, 1}},
        {"mobile-4g", {0, 1, 1, 1, 1, 1, 1, 1, 1}},
    };
    static const fh_memory_desc wishes[9] = {
        {.location = FH_LOCATION_DEVICE},
        {.location = FH_LOCATION_UPLOAD},
        {.location = FH_LOCATION_UPLOAD, .access = FH_ACCESS_RANDOM},
        {.location = FH_LOCATION_READBACK},
        {.location = FH_LOCATION_READBACK, .access = FH_ACCESS_SEQUENTIAL},
        {.location = FH_LOCATION_DEVICE_UPLOAD},
        {.location = FH_LOCATION_DEVICE_UPLOAD, .access = FH_ACCESS_RANDOM},
        {.access = FH_ACCESS_SEQUENTIAL},
        {.access = FH_ACCESS_RANDOM},
    };
    for (size_t r = 0; r < TEST_COUNT_OF(rows); r++) {
        card c;
        card_builtin(&c, rows[r].profile);
        check_open(&c);
        for (size_t w = 0; w < TEST_COUNT_OF(wishes); w++) {
            uint32_t type = type_of(&c, &wishes[w]);
            if (type != rows[r].types[w]) {
                fail_msg("%s, wish %zu: type %u, not %u", rows[r].profile, w, (unsigned int)type,
                         (unsigned int)rows[r].types[w]);
            }
        }
        check_close(&c);
    }
}

/* What the CPU is to reach can be mapped, whatever the profile. */
static void what_the_cpu_is_to_reach_is_visible(void **state)
{
    (void)state;
    for (uint32_t i = 0; fh_profile_at(i) != NULL; i++) {
        card c;
        card_builtin(&c, fh_profile_at(i)->name);
        check_open(&c);
        for (int location = FH_LOCATION_UPLOAD; location <= FH_LOCATION_READBACK; location++) {
            for (int access = 0; access < FH_ACCESS_COUNT; access++) {
                fh_buffer_desc desc = card_buffer_desc(256);
                desc.memory.location = (fh_location)location;
                desc.memory.access = (fh_access)access;
                desc.memory.mapped = true;
                fh_parcel buffer = check_make(&c, &desc);
                void *pointer;
                CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
                memset(pointer, 1, 256);
                CHECK_OK(fh_parcel_flush(c.device, buffer, 0, 0));
                assert_true((check_info(&c, buffer).flags & FH_MEMORY_HOST_VISIBLE) != 0);
                check_release(&c, buffer);
            }
        }
        check_close(&c);
    }
}

/* Without coherent memory there is still memory to write to. */
static void memory_that_is_not_coherent_will_do(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.types[CARD_WRITTEN].flags = FH_MEMORY_HOST_VISIBLE;
    c.profile.types[CARD_CACHED].flags = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_CACHED;
    check_open(&c);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_UPLOAD}), CARD_WRITTEN);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_READBACK}), CARD_CACHED);
    check_close(&c);
}

/* The machine has one type: everything lands there. */
static void one_type_is_enough(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.heap_count = 1;
    c.profile.type_count = 1;
    c.profile.types[0].flags =
        FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
    check_open(&c);
    for (int location = 0; location < FH_LOCATION_COUNT; location++) {
        CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = (fh_location)location}), 0);
    }
    check_close(&c);
}

/* The GPU's own memory is worth more than how the CPU gets along with it. */
static void memory_of_the_device_outweighs_caches(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    const fh_memory_flags written = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
    c.profile.types[0] = (fh_memory_type_info){1, written | FH_MEMORY_HOST_CACHED};
    c.profile.types[1] = (fh_memory_type_info){0, written | FH_MEMORY_DEVICE_LOCAL};
    c.profile.types[2] = (fh_memory_type_info){0, FH_MEMORY_DEVICE_LOCAL};
    check_open(&c);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.access = FH_ACCESS_RANDOM}), 1);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_DEVICE_UPLOAD,
                                              .access = FH_ACCESS_RANDOM}),
                1);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_DEVICE_UPLOAD}), 1);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_READBACK}), 0);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){0}), 2);
    check_close(&c);
}

/* Types that are equally good: the first. Ones that have what nobody asked for come later. */
static void ties_go_to_the_lowest_index(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.type_count = 5;
    c.profile.types[0] = (fh_memory_type_info){0, 0};
    c.profile.types[1] = (fh_memory_type_info){0, FH_MEMORY_DEVICE_LOCAL};
    c.profile.types[2] = (fh_memory_type_info){0, FH_MEMORY_DEVICE_LOCAL};
    c.profile.types[3] = (fh_memory_type_info){1, FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT};
    c.profile.types[4] = (fh_memory_type_info){1, FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT};
    check_open(&c);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){0}), 1);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_UPLOAD}), 3);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.type_mask = 1U << 2 | 1U << 0}), 2);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.type_mask = 1U << 0}), 0);
    check_close(&c);
}

/* Memory that is protected or allocated lazily is not for everybody. */
static void special_memory_must_be_asked_for(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "mobile-4g");
    check_open(&c);
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(type_of(&c, &(fh_memory_desc){0}), 0);
    }
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                            .width = 64,
                            .height = 64,
                            .usage = FH_USAGE_COLOR_TARGET | FH_USAGE_TRANSIENT_TARGET,
                            .memory = {.required = FH_MEMORY_LAZILY_ALLOCATED}};
    fh_parcel texture;
    CHECK_OK(fh_texture_create(c.device, &desc, &texture));
    CHECK_EQUAL(check_info(&c, texture).type, 2);
    check_release(&c, texture);
    fh_buffer_desc buffer = card_buffer_desc(64);
    buffer.memory.required = FH_MEMORY_LAZILY_ALLOCATED;
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c.device, &buffer, &out), out, FH_ERR_UNSUPPORTED, "");
    check_close(&c);
}

/* ---- wishes ---- */

static void required_flags_are_hard_and_preferred_ones_decide(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    check_open(&c);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.required = FH_MEMORY_HOST_VISIBLE}), 2);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.required = FH_MEMORY_HOST_CACHED}), 3);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_UPLOAD,
                                              .required = FH_MEMORY_DEVICE_LOCAL}),
                2);
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.location = FH_LOCATION_UPLOAD,
                                              .required = FH_MEMORY_HOST_CACHED}),
                3);
    fh_parcel out;
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.memory.required = FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_CACHED;
    CHECK_REFUSED(fh_buffer_create(c.device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    check_close(&c);
}

static void a_mask_is_hard(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    check_open(&c);
    for (uint32_t type = 0; type < 4; type++) {
        CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.type_mask = 1U << type}), type);
    }
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){.type_mask = 1U << 0 | 1U << 3,
                                              .location = FH_LOCATION_UPLOAD}),
                3);
    fh_raw_desc raw = {.size = 64, .memory = {.type_mask = 1U << 1}};
    fh_parcel parcel = check_raw(&c, &raw);
    CHECK_EQUAL(check_info(&c, parcel).type, 1);
    check_release(&c, parcel);
    check_close(&c);
}

/* ---- the next type ---- */

/* Pieces of 1 MiB until there is no more; how many lie in each type. */
static fh_result fill(const card *c, const fh_memory_desc *memory, fh_parcel *pieces,
                      uint32_t *out_count, uint32_t counts[4])
{
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    desc.memory = *memory;
    memset(counts, 0, 4 * sizeof *counts);
    for (*out_count = 0; *out_count < 200; ++*out_count) {
        fh_result result = fh_buffer_create(c->device, &desc, &pieces[*out_count]);
        if (result != FH_OK) {
            CHECK_EQUAL(pieces[*out_count].id, 0);
            return result;
        }
        counts[check_info(c, pieces[*out_count]).type]++;
    }
    return FH_OK;
}

static void empty(const card *c, const fh_parcel *pieces, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_release(c, pieces[i]);
    }
}

static void when_a_heap_is_full_the_next_type_is_taken(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel pieces[200];
    uint32_t count;
    uint32_t counts[4];
    CHECK_RESULT(fill(&c, &(fh_memory_desc){0}, pieces, &count, counts), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(counts[CARD_LOCAL], 64);
    CHECK_EQUAL(counts[CARD_WRITTEN] + counts[CARD_CACHED], 32);
    CHECK_EQUAL(card_stats(&c).refused_count, 1);
    CHECK_NO_FAULT(card_audit(&c));
    empty(&c, pieces, count);
    /* And when there is room again, the best type is taken again. */
    CHECK_EQUAL(type_of(&c, &(fh_memory_desc){0}), CARD_LOCAL);
    check_close(&c);
}

static void what_is_required_is_not_given_up_when_a_heap_is_full(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel pieces[200];
    uint32_t count;
    uint32_t counts[4];
    CHECK_RESULT(
        fill(&c, &(fh_memory_desc){.required = FH_MEMORY_DEVICE_LOCAL}, pieces, &count, counts),
        FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(count, 64);
    empty(&c, pieces, count);
    CHECK_RESULT(fill(&c, &(fh_memory_desc){.type_mask = 1U << CARD_LOCAL}, pieces, &count, counts),
                 FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(count, 64);
    empty(&c, pieces, count);
    CHECK_RESULT(
        fill(&c, &(fh_memory_desc){.location = FH_LOCATION_UPLOAD}, pieces, &count, counts),
        FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(count, 32);
    CHECK_EQUAL(counts[CARD_LOCAL], 0);
    empty(&c, pieces, count);
    check_close(&c);
}

static void a_limit_on_a_heap_spills_as_well(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    check_limit(&c, FH_ACCOUNT_HEAP, 0, MIB(3));
    fh_parcel pieces[200];
    uint32_t count;
    uint32_t counts[4];
    fh_result result = fill(&c, &(fh_memory_desc){0}, pieces, &count, counts);
    assert_true(result == FH_ERR_OUT_OF_MEMORY || result == FH_ERR_BUDGET);
    CHECK_EQUAL(counts[CARD_LOCAL], 3);
    CHECK_EQUAL(count, 35);
    assert_true(card_stats(&c).relieved_count > 0);
    empty(&c, pieces, count);
    check_close(&c);
}

/* The driver says no though the heap has room: for one type only, the next one will do. */
static void a_failure_of_the_driver_spills_as_well(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        for (uint64_t i = 0; i < nth; i++) {
            CHECK_OK(fh_simulated_fault(
                c.backend, &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
        }
        type_of(&c, &(fh_memory_desc){0});
        CHECK_OK(fh_device_trim(c.device, NULL));
        fh_simulated_clear(c.backend);
    }
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locations_get_the_cheapest_type),
        cmocka_unit_test(what_the_cpu_is_to_reach_is_visible),
        cmocka_unit_test(memory_that_is_not_coherent_will_do),
        cmocka_unit_test(one_type_is_enough),
        cmocka_unit_test(memory_of_the_device_outweighs_caches),
        cmocka_unit_test(ties_go_to_the_lowest_index),
        cmocka_unit_test(special_memory_must_be_asked_for),
        cmocka_unit_test(required_flags_are_hard_and_preferred_ones_decide),
        cmocka_unit_test(a_mask_is_hard),
        cmocka_unit_test(when_a_heap_is_full_the_next_type_is_taken),
        cmocka_unit_test(what_is_required_is_not_given_up_when_a_heap_is_full),
        cmocka_unit_test(a_limit_on_a_heap_spills_as_well),
        cmocka_unit_test(a_failure_of_the_driver_spills_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
