/* What the pieces of groups cover, against counting bytes one by one. */

#include "replay_checks.h"

#include "replay/coverage.h"

enum {
    PIECES = 48,
    GROUPS = 3,
    BYTES = 200
};

typedef struct made {
    fh_host_memory memory;
    fhi_tape tape;
    fhi_piece pieces[PIECES];
    fhi_group groups[GROUPS];
    uint8_t counts[GROUPS][BYTES]; /* how many lie over each byte */
    bool lives[PIECES];
} made;

/* Pieces of any sizes, 0 too, in groups by turns, but for some that are in none. */
static void make(made *m, test_rng *rng)
{
    memset(m, 0, sizeof *m);
    CHECK_OK(fhi_host_memory_resolve(NULL, &m->memory));
    m->tape.pieces = m->pieces;
    m->tape.groups = m->groups;
    m->tape.piece_count = PIECES;
    m->tape.group_count = GROUPS;
    for (uint32_t i = 0; i < GROUPS; i++) {
        m->groups[i].first = m->groups[i].last = FHI_NONE;
    }
    for (uint32_t i = 0; i < PIECES; i++) {
        fhi_piece *piece = &m->pieces[i];
        uint32_t group = i % 7 == 6 ? FHI_NONE : i % GROUPS;
        piece->offset = test_below(rng, BYTES);
        piece->size = test_below(rng, BYTES + 1 - piece->offset);
        piece->group = group;
        piece->next = FHI_NONE;
        if (group != FHI_NONE) {
            fhi_group *in = &m->groups[group];
            *(in->first == FHI_NONE ? &in->first : &m->pieces[in->last].next) = i;
            in->last = i;
        }
    }
}

/* The bytes by which what is covered changes. */
static uint64_t count(made *m, uint32_t index, bool comes)
{
    const fhi_piece *piece = &m->pieces[index];
    uint64_t changed = 0;
    for (uint64_t at = piece->offset; at < piece->offset + piece->size; at++) {
        uint8_t *over = &m->counts[piece->group][at];
        changed += *over == (comes ? 0 : 1);
        *over = (uint8_t)(*over + (comes ? 1 : -1));
    }
    return changed;
}

static void what_is_covered_is_what_counting_says(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    static made m;
    for (int round = 0; round < 50; round++) {
        fhi_coverage *coverage;
        make(&m, &rng);
        CHECK_OK(fhi_coverage_create(&m.memory, &m.tape, &coverage));
        for (int step = 0; step < 500; step++) {
            uint32_t index = (uint32_t)test_below(&rng, PIECES);
            if (m.pieces[index].group == FHI_NONE) {
                continue;
            }
            m.lives[index] = !m.lives[index];
            CHECK_EQUAL(m.lives[index] ? fhi_coverage_add(coverage, index)
                                       : fhi_coverage_remove(coverage, index),
                        count(&m, index, m.lives[index]));
        }
        fhi_coverage_destroy(coverage);
    }
}

static void a_tape_without_groups_needs_none(void **state)
{
    (void)state;
    fh_host_memory memory;
    fhi_tape tape = {0};
    fhi_coverage *coverage = (fhi_coverage *)&tape;
    CHECK_OK(fhi_host_memory_resolve(NULL, &memory));
    CHECK_OK(fhi_coverage_create(&memory, &tape, &coverage));
    assert_null(coverage);
    fhi_coverage_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_covered_is_what_counting_says),
        cmocka_unit_test(a_tape_without_groups_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
