/* A policy that does as it is told and keeps what it saw, on a small card. Only test_*.c files
 * include this. */

#ifndef FREEHOLD_TESTS_BRAIN_H
#define FREEHOLD_TESTS_BRAIN_H

#include "card_checks.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    CALLS = 8
};

/* A policy that does as it is told, and keeps what it saw. */
typedef struct brain {
    card *card;
    bool decides; /* what `place` returns */
    fh_verdict verdict;
    fh_request seen; /* the last request */
    char seen_tag[64], seen_name[64];
    fh_facts facts;
    _Atomic uint32_t places, frames, pressures, retains, limit_calls, released;
    bool has_limits;
    fh_limits limits;
    fh_frame_facts frame;
    fh_frame_decision frame_decision;
    fh_pressure pressure[CALLS];
    fh_pressure_decision pressure_decision;
    fh_block_facts block;
    uint32_t retain_ticks;
    bool retain_decides;
    bool renews;
    fh_policy_change change;
} brain;

static inline bool brain_place(void *context, const fh_request *request, const fh_facts *facts,
                               fh_verdict *out_verdict)
{
    brain *b = context;
    static const fh_verdict zero;
    atomic_fetch_add(&b->places, 1);
    /* NOLINTNEXTLINE: every byte, padding too */
    if (memcmp(&zero, out_verdict, sizeof zero) != 0) {
        abort(); /* output comes zeroed */
    }
    b->seen = *request;
    snprintf(b->seen_tag, sizeof b->seen_tag, "%s", request->tag_name);
    snprintf(b->seen_name, sizeof b->seen_name, "%s", request->name);
    b->facts = *facts;
    *out_verdict = b->verdict;
    return b->decides;
}

static inline bool brain_renew(void *context, const fh_facts *facts, fh_policy_change *out_change)
{
    brain *b = context;
    b->facts = *facts;
    *out_change = b->change;
    return b->renews;
}

static inline bool brain_limits(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    brain *b = context;
    atomic_fetch_add(&b->limit_calls, 1);
    b->facts = *facts;
    *out_limits = b->limits;
    return b->has_limits;
}

static inline bool brain_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                               fh_frame_decision *out_decision)
{
    brain *b = context;
    atomic_fetch_add(&b->frames, 1);
    b->frame = *frame;
    b->facts = *facts;
    *out_decision = b->frame_decision;
    return true;
}

static inline bool brain_pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                                  fh_pressure_decision *out_decision)
{
    brain *b = context;
    uint32_t call = atomic_fetch_add(&b->pressures, 1);
    b->pressure[call % CALLS] = *event;
    b->facts = *facts;
    *out_decision = b->pressure_decision;
    return true;
}

static inline bool brain_retain(void *context, const fh_block_facts *block, const fh_facts *facts,
                                fh_retain_decision *out_decision)
{
    brain *b = context;
    atomic_fetch_add(&b->retains, 1);
    b->block = *block;
    b->facts = *facts;
    out_decision->ticks = b->retain_ticks;
    return b->retain_decides;
}

static inline void brain_release(void *context)
{
    brain *b = context;
    atomic_fetch_add(&b->released, 1);
}

/* Floor 5 calls these, a device never. */
static inline bool never_recycle(void *context, const fh_recycle_facts *cache,
                                 const fh_facts *facts, fh_recycle_decision *out_decision)
{
    (void)context;
    (void)cache;
    (void)facts;
    (void)out_decision;
    abort();
}

static inline bool never_alias(void *context, const fh_alias_facts *graph, const fh_facts *facts,
                               fh_alias_decision *out_decision)
{
    (void)context;
    (void)graph;
    (void)facts;
    (void)out_decision;
    abort();
}

static inline bool never_defrag(void *context, const fh_defrag_facts *block, const fh_facts *facts,
                                fh_defrag_decision *out_decision)
{
    (void)context;
    (void)block;
    (void)facts;
    (void)out_decision;
    abort();
}

static const uint64_t brain_steps[] = {3000, MIB(3), MIB(4), MIB(24)};

static const fh_policy_ops brain_ops = {
    .name = "brain",
    .place_steps = brain_steps,
    .place_step_count = TEST_COUNT_OF(brain_steps),
    .renew = brain_renew,
    .place = brain_place,
    .limits = brain_limits,
    .frame = brain_frame,
    .pressure = brain_pressure,
    .retain = brain_retain,
    .recycle = never_recycle,
    .alias = never_alias,
    .defrag = never_defrag,
    .release = brain_release,
};

typedef struct fixture {
    card card;
    brain brain;
} fixture;

static inline int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    card_small(&f->card);
    check_open(&f->card);
    f->brain.card = &f->card;
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    check_close(&f->card);
    test_free(f);
    return 0;
}

static inline void set(fixture *f, const fh_policy_ops *ops)
{
    CHECK_OK(fh_device_set_policy(f->card.device, ops, &f->brain));
}

static inline void tick(const fixture *f)
{
    CHECK_OK(fh_device_tick(f->card.device));
}

/* Make and release one; a class is seen. */
static inline void touch(const fixture *f, const fh_buffer_desc *desc)
{
    check_release(&f->card, check_make(&f->card, desc));
}

static inline void touch_size(const fixture *f, uint64_t size)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    touch(f, &desc);
}

static inline fh_result dedicated(const fixture *f, uint64_t size, fh_parcel *out)
{
    fh_raw_desc desc = {
        .size = size, .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    return fh_raw_create(f->card.device, &desc, out);
}

static inline fh_parcel check_dedicated(const fixture *f, uint64_t size)
{
    fh_parcel parcel;
    CHECK_OK(dedicated(f, size, &parcel));
    return parcel;
}

/* A test that has the fixture. */
#define BRAIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
