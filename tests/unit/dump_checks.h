/* Dumps of devices, checked as they are made: valid JSON, what the visualiser reads, true. Only
 * test_*.c files include this. */

#ifndef FREEHOLD_TESTS_DUMP_CHECKS_H
#define FREEHOLD_TESTS_DUMP_CHECKS_H

#include "card_checks.h"

#include "dump.h"

static inline int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    card_small(c);
    check_open(c);
    *state = c;
    return 0;
}

static inline int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

/* What is wrong with a text, or NULL; *out_value is then to be freed. */
static inline const char *read_dump(const test_text *text, json_value **out_value)
{
    *out_value = json_parse(text->data, text->length);
    if (*out_value == NULL) {
        return "not valid JSON";
    }
    const char *fault = dump_fault(*out_value);
    return fault != NULL ? fault : dump_sum_fault(*out_value);
}

static inline json_value *check_dump(const card *c, bool detailed)
{
    test_text text = {0};
    json_value *value;
    CHECK_OK(fh_device_json(c->device, detailed, test_text_write, &text));
    const char *fault = read_dump(&text, &value);
    if (fault != NULL) {
        print_error("%s\n", text.data);
        fail_msg("%s", fault);
    }
    assert_int_equal(json_get(value, "DefaultPools") != NULL, detailed);
    assert_int_equal(json_get(value, "CustomPools") != NULL, detailed);
    test_text_finish(&text);
    return value;
}

/* The dump agrees with the statistics. */
static inline void check_both(const card *c)
{
    fh_device_stats stats = card_stats(c);
    for (int detailed = 0; detailed <= 1; detailed++) {
        json_value *dump = check_dump(c, detailed != 0);
        const json_value *total = json_get(dump, "Total");
        const json_value *general = json_get(dump, "General");
        CHECK_EQUAL(dump_number(total, "BlockCount"), stats.total.stats.block_count);
        CHECK_EQUAL(dump_number(total, "BlockBytes"), stats.total.stats.block_bytes);
        CHECK_EQUAL(dump_number(total, "AllocationCount"), stats.total.stats.range_count);
        CHECK_EQUAL(dump_number(total, "AllocationBytes"), stats.total.stats.range_bytes);
        CHECK_EQUAL(dump_number(general, "Parcels"), stats.parcel_count);
        CHECK_EQUAL(dump_number(general, "CommittedBytes"), stats.committed_bytes);
        json_free(dump);
    }
}

static inline fh_parcel check_texture(const card *c, fh_texture_desc desc)
{
    fh_parcel texture;
    CHECK_OK(fh_texture_create(c->device, &desc, &texture));
    return texture;
}

#endif
