/* A policy whose relief is scripted, and owners that are asked, on a small card. Only test_*.c
 * files include this. */

#ifndef FREEHOLD_TESTS_RELIEVER_H
#define FREEHOLD_TESTS_RELIEVER_H

#include "card_checks.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    CALLS = 32
};

/* A policy that answers with what it is told, call by call. */
typedef struct reliever {
    uint32_t counts[CALLS]; /* actions of the n-th answer */
    fh_relief answers[CALLS][FH_RELIEF_MAX];
    uint32_t calls;
    fh_request seen[CALLS];
    test_rng rng; /* state != 0: answers at random instead */
} reliever;

static inline uint32_t relieve(void *context, const fh_request *request, const fh_facts *facts,
                               fh_relief out_reliefs[FH_RELIEF_MAX])
{
    reliever *r = context;
    uint32_t call = r->calls++;
    (void)facts;
    if (r->rng.state != 0) {
        uint32_t count = (uint32_t)test_below(&r->rng, FH_RELIEF_MAX + 3); /* too many, too */
        for (uint32_t i = 0; i < count && i < FH_RELIEF_MAX; i++) {
            out_reliefs[i].action = (fh_relief_action)test_below(&r->rng, FH_RELIEF_COUNT + 1);
            out_reliefs[i].bytes = test_log_uniform(&r->rng, MIB(100));
        }
        return count;
    }
    if (call >= CALLS) {
        abort();
    }
    r->seen[call] = *request;
    memcpy(out_reliefs, r->answers[call], sizeof r->answers[call]);
    return r->counts[call];
}

static const fh_policy_ops reliever_ops = {.name = "reliever", .relieve = relieve};

/* Owners that let go when they are told to. */
typedef struct owner {
    fh_device *device;
    bool lets_go;
    uint32_t asked;
    bool allocates; /* inside the callback */
    fh_result result;
    char sentence[256];
} owner;

static inline bool be_asked(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    owner *o = context;
    (void)user;
    o->asked++;
    if (o->allocates) {
        fh_raw_desc desc = {.size = MIB(60), .memory = {.dedicated = FH_DEDICATED_REQUIRE}};
        fh_parcel made;
        o->result = fh_raw_create(device, &desc, &made);
        snprintf(o->sentence, sizeof o->sentence, "%s", fh_error_detail());
    }
    if (o->lets_go) {
        fh_parcel_release(device, parcel);
    } else {
        fh_parcel_release(device, (fh_parcel){123}); /* a failure of its own, with a sentence */
    }
    return o->lets_go;
}

typedef struct fixture {
    card card;
    owner owner;
    reliever reliever;
} fixture;

static inline void open_fixture(fixture *f)
{
    f->card.desc.evict = be_asked;
    f->card.desc.evict_context = &f->owner;
    check_open(&f->card);
    f->owner.device = f->card.device;
}

static inline int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    card_small(&f->card);
    open_fixture(f);
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

static inline fh_raw_desc raw_desc(uint64_t size, uint32_t type)
{
    return (fh_raw_desc){.size = size,
                         .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << type}};
}

static inline fh_parcel check_dedicated(const fixture *f, uint64_t size)
{
    fh_raw_desc desc = raw_desc(size, CARD_LOCAL);
    return check_raw(&f->card, &desc);
}

static inline fh_result dedicated(const fixture *f, uint64_t size, fh_parcel *out)
{
    fh_raw_desc desc = raw_desc(size, CARD_LOCAL);
    return fh_raw_create(f->card.device, &desc, out);
}

static inline fh_parcel check_evictable(const fixture *f, uint64_t size, fh_evictable evictable)
{
    fh_raw_desc desc = raw_desc(size, CARD_LOCAL);
    desc.memory.evictable = evictable;
    return check_raw(&f->card, &desc);
}

static inline void use_reliever(fixture *f)
{
    CHECK_OK(fh_device_set_policy(f->card.device, &reliever_ops, &f->reliever));
}

static inline void answer(fixture *f, uint32_t call, fh_relief action)
{
    f->reliever.answers[call][f->reliever.counts[call]++] = action;
}

/* A test that has the fixture. */
#define RELIEF_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
