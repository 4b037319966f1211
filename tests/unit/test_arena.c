/* The arena under a box: blocks keep what is in them through any sequence of sizes, everything goes
 * back at once, sizes that repeat take nothing more of the host, and shrinking never fails. */

#include "checks.h"

#include "sandbox/arena.h"

#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    test_memory memory;
    fhi_arena arena;
} fixture;

static int open_fixture(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    test_memory_init(&f->memory);
    fhi_arena_init(&f->arena, &f->memory.host);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    fhi_arena_finish(&f->arena);
    test_memory_finish(&f->memory);
    free(f);
    return 0;
}

#define ARENA_TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

static unsigned char *grow(fixture *f, void *block, size_t old_size, size_t new_size)
{
    unsigned char *moved = fhi_arena_resize(&f->arena, block, old_size, new_size);
    assert_non_null(moved);
    assert_int_equal((uintptr_t)moved % 16, 0);
    return moved;
}

static void give(fixture *f, void *block, size_t size)
{
    assert_null(fhi_arena_resize(&f->arena, block, size, 0));
}

/* A size near the ends of classes, or any. */
static size_t some_size(test_rng *rng)
{
    static const size_t ends[] = {1,    15,   16,   17,    1023,  1024,  1025,
                                  1280, 1281, 2048, 65535, 65536, 65537, 200000};
    if (test_chance(rng, 30)) {
        return ends[test_below(rng, TEST_COUNT_OF(ends))];
    }
    return (size_t)test_log_uniform(rng, 100000);
}

static void check_bytes(const unsigned char *block, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (block[i] != value) {
            fail_msg("byte %zu of %zu is %u, not %u", i, size, block[i], value);
        }
    }
}

static void blocks_keep_what_is_in_them(void **state)
{
    enum {
        BLOCKS = 200
    };
    fixture *f = *state;
    test_rng rng = {test_seed()};
    struct {
        unsigned char *at;
        size_t size;
        unsigned char value;
    } blocks[BLOCKS];
    memset(blocks, 0, sizeof blocks);
    uint64_t sum = 0;
    for (uint64_t n = test_operations(20000); n > 0; n--) {
        size_t i = (size_t)test_below(&rng, BLOCKS);
        check_bytes(blocks[i].at, blocks[i].size, blocks[i].value);
        size_t new_size = test_chance(&rng, 25) ? 0 : some_size(&rng);
        unsigned char *moved = fhi_arena_resize(&f->arena, blocks[i].at, blocks[i].size, new_size);
        assert_true((moved == NULL) == (new_size == 0));
        assert_int_equal((uintptr_t)moved % 16, 0);
        size_t kept = new_size < blocks[i].size ? new_size : blocks[i].size;
        check_bytes(moved, kept, blocks[i].value);
        sum = sum - blocks[i].size + new_size;
        blocks[i].at = moved;
        blocks[i].size = new_size;
        blocks[i].value = (unsigned char)test_random(&rng);
        if (moved != NULL) {
            memset(moved, blocks[i].value, new_size);
        }
        assert_true(f->arena.used_bytes == sum);
        assert_true(f->arena.held_bytes == f->memory.live_bytes);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        check_bytes(blocks[i].at, blocks[i].size, blocks[i].value);
    }
}

static void sizes_that_repeat_take_nothing_more_of_the_host(void **state)
{
    fixture *f = *state;
    void *blocks[64];
    uint64_t taken = 0;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < 64; i++) {
            blocks[i] = grow(f, NULL, 0, 16 + i * 100);
        }
        for (size_t i = 0; i < 64; i++) {
            give(f, blocks[i], 16 + i * 100);
        }
        if (round == 0) {
            taken = f->memory.alloc_count;
        }
    }
    assert_true(f->memory.alloc_count == taken);
    assert_true(f->arena.used_bytes == 0);
}

static void what_is_left_of_a_chunk_is_used(void **state)
{
    fixture *f = *state;
    grow(f, NULL, 0, 16);
    grow(f, NULL, 0, 57344); /* does not fit: the rest of the first chunk is put aside */
    grow(f, NULL, 0, 65536);
    uint64_t taken = f->memory.alloc_count;
    grow(f, NULL, 0, 40960);
    grow(f, NULL, 0, 7168);
    assert_true(f->memory.alloc_count == taken);
}

static void long_blocks_go_back_at_once(void **state)
{
    fixture *f = *state;
    unsigned char *a = grow(f, NULL, 0, 100000);
    unsigned char *b = grow(f, NULL, 0, 100000);
    unsigned char *c = grow(f, NULL, 0, 100000);
    give(f, b, 100000);
    a = grow(f, a, 100000, 200000);
    give(f, c, 100000);
    give(f, a, 200000);
    assert_true(f->memory.live_bytes == 0);
    assert_true(f->arena.held_bytes == 0);
}

static void the_limit_holds_for_what_is_taken_of_the_host(void **state)
{
    fixture *f = *state;
    f->arena.held_limit = 300000;
    unsigned char *block = grow(f, NULL, 0, 100000);
    block[99999] = 7;
    assert_null(fhi_arena_resize(&f->arena, block, 100000, 250000));
    assert_null(fhi_arena_resize(&f->arena, NULL, 0, SIZE_MAX));
    assert_null(fhi_arena_resize(&f->arena, NULL, 0, SIZE_MAX - 8));
    assert_int_equal(block[99999], 7);
    assert_true(f->arena.used_bytes == 100000);
    give(f, block, 100000);
    grow(f, NULL, 0, 250000);
}

static void a_host_without_memory_changes_nothing_and_shrinking_never_fails(void **state)
{
    fixture *f = *state;
    unsigned char *small = grow(f, NULL, 0, 1000);
    unsigned char *large = grow(f, NULL, 0, 150000);
    unsigned char *larger = grow(f, NULL, 0, 150000);
    memset(small, 1, 1000);
    memset(large, 2, 150000);
    memset(larger, 3, 150000);
    f->memory.fail_at = f->memory.alloc_count + 1;
    f->memory.fail_on = true;
    assert_null(fhi_arena_resize(&f->arena, small, 1000, 70000));
    check_bytes(small, 1000, 1);
    large = grow(f, large, 150000, 120000);
    check_bytes(large, 120000, 2);
    larger = grow(f, larger, 150000, 60000); /* a class, of which nothing is left */
    check_bytes(larger, 60000, 3);
    larger = grow(f, larger, 60000, 10);
    check_bytes(larger, 10, 3);
    f->memory.fail_at = 0;
    give(f, larger, 10);
    give(f, large, 120000);
    give(f, small, 1000);
    grow(f, NULL, 0, 60000);
    assert_true(f->arena.used_bytes == 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(blocks_keep_what_is_in_them),
        ARENA_TEST(sizes_that_repeat_take_nothing_more_of_the_host),
        ARENA_TEST(what_is_left_of_a_chunk_is_used),
        ARENA_TEST(long_blocks_go_back_at_once),
        ARENA_TEST(the_limit_holds_for_what_is_taken_of_the_host),
        ARENA_TEST(a_host_without_memory_changes_nothing_and_shrinking_never_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
