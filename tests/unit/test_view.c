/* Views: parts of buffers and raw memory, by value, stale as soon as their parent is. */

#include "bytes.h"

static void a_view_is_a_part_of_its_parent(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    fh_view view;
    CHECK_OK(fh_view_make(c.device, buffer, 100, 50, &view));
    CHECK_EQUAL(view.parent.id, buffer.id);
    CHECK_EQUAL(view.offset, 100);
    CHECK_EQUAL(view.size, 50);
    CHECK_OK(fh_view_check(c.device, &view));
    CHECK_OK(fh_view_make(c.device, buffer, 100, 0, &view));
    CHECK_EQUAL(view.size, 900);
    CHECK_OK(fh_view_make(c.device, buffer, 0, 0, &view));
    CHECK_EQUAL(view.size, 1000);
    CHECK_OK(fh_view_make(c.device, buffer, 999, 1, &view));
    CHECK_OK(fh_view_check(c.device, &view));
    check_release(&c, buffer);
    check_close(&c);
}

static void a_view_owns_and_costs_nothing(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 1000);
    uint64_t used = card_used(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER);
    fh_view views[100];
    for (uint64_t i = 0; i < TEST_COUNT_OF(views); i++) {
        CHECK_OK(fh_view_make(c.device, buffer, i, 1, &views[i]));
    }
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, used);
    CHECK_EQUAL(check_info(&c, buffer).reference_count, 1);
    CHECK_EQUAL(card_stats(&c).parcel_count, 1);
    check_release(&c, buffer);
    for (size_t i = 0; i < TEST_COUNT_OF(views); i++) {
        CHECK_RESULT(fh_view_check(c.device, &views[i]), FH_ERR_STALE);
    }
    /* Whoever has the slot next is not taken for the parent. */
    buffer = check_buffer(&c, 1000);
    CHECK_RESULT(fh_view_check(c.device, &views[0]), FH_ERR_STALE);
    check_release(&c, buffer);
    check_close(&c);
}

static void a_released_parent_is_stale_while_the_gpu_uses_it(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    fh_view view;
    uint32_t queue = check_queue(&c);
    CHECK_OK(fh_view_make(c.device, buffer, 0, 0, &view));
    CHECK_OK(fh_parcel_use(c.device, buffer, (fh_epoch){queue, 1}));
    CHECK_OK(fh_view_check(c.device, &view));
    check_release(&c, buffer);
    CHECK_RESULT(fh_view_check(c.device, &view), FH_ERR_STALE);
    CHECK_RESULT(fh_view_make(c.device, buffer, 0, 0, &view), FH_ERR_STALE);
    CHECK_EQUAL(view.parent.id, 0);
    CHECK_OK(fh_queue_signal(c.device, queue, 1));
    check_close(&c);
}

static void raw_memory_has_views_and_the_rest_has_none(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = 4096});
    fh_view view;
    CHECK_OK(fh_view_make(c.device, raw, 256, 256, &view));
    CHECK_OK(fh_view_check(c.device, &view));
    fh_parcel texture;
    fh_texture_desc desc = {.format = FH_FORMAT_R8_UNORM, .width = 64};
    CHECK_OK(fh_texture_create(c.device, &desc, &texture));
    CHECK_RESULT(fh_view_make(c.device, texture, 0, 0, &view), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("texture");
    CHECK_EQUAL(view.parent.id, 0);
    CHECK_EQUAL(view.size, 0);
    fh_parcel external;
    CHECK_OK(fh_external_create(c.device, &(fh_external_desc){.size = 64}, &external));
    CHECK_RESULT(fh_view_make(c.device, external, 0, 0, &view), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("external");
    check_release(&c, raw);
    check_release(&c, texture);
    check_release(&c, external);
    check_close(&c);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    fh_view view = {{1}, 1, 1};
    CHECK_RESULT(fh_view_make(NULL, buffer, 0, 0, &view), FH_ERR_INVALID);
    CHECK_EQUAL(view.parent.id, 0);
    CHECK_RESULT(fh_view_make(c.device, buffer, 0, 0, NULL), FH_ERR_INVALID);
    static const uint64_t wrong[][2] = {{64, 0}, {0, 65},         {63, 2},
                                        {65, 0}, {UINT64_MAX, 2}, {1, UINT64_MAX}};
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        view = (fh_view){{1}, 1, 1};
        CHECK_RESULT(fh_view_make(c.device, buffer, wrong[i][0], wrong[i][1], &view),
                     FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("64");
        CHECK_EQUAL(view.parent.id, 0);
    }
    CHECK_RESULT(fh_view_make(c.device, (fh_parcel){0}, 0, 0, &view), FH_ERR_STALE);
    CHECK_RESULT(fh_view_check(NULL, &view), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_check(c.device, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_check(c.device, &(fh_view){{0}, 0, 0}), FH_ERR_STALE);
    CHECK_RESULT(fh_view_check(c.device, &(fh_view){buffer, UINT64_MAX, 8}), FH_ERR_STALE);
    check_release(&c, buffer);
    check_close(&c);
}

static void a_view_stands_while_its_parent_is_large_enough(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 100);
    fh_view view;
    CHECK_OK(fh_view_make(c.device, buffer, 50, 40, &view));
    CHECK_OK(fh_buffer_resize(c.device, buffer, 90, NULL));
    CHECK_OK(fh_view_check(c.device, &view));
    CHECK_OK(fh_buffer_resize(c.device, buffer, 89, NULL));
    CHECK_RESULT(fh_view_check(c.device, &view), FH_ERR_STALE);
    CHECK_DETAIL_NAMES("89");
    CHECK_OK(fh_buffer_resize(c.device, buffer, 9000, NULL));
    CHECK_OK(fh_view_check(c.device, &view));
    check_release(&c, buffer);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_a_part_of_its_parent),
        cmocka_unit_test(a_view_owns_and_costs_nothing),
        cmocka_unit_test(a_released_parent_is_stale_while_the_gpu_uses_it),
        cmocka_unit_test(raw_memory_has_views_and_the_rest_has_none),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_view_stands_while_its_parent_is_large_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
