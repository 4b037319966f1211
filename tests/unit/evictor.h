/* Owners that are asked to let go, and a policy that says in which order, on a small card. Only
 * test_*.c files include this. */

#ifndef FREEHOLD_TESTS_EVICTOR_H
#define FREEHOLD_TESTS_EVICTOR_H

#include "card_checks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    ASKED_MAX = 64
};

typedef enum manner {
    LETS_GO = 0,
    DECLINES,
    LIES,          /* says yes, and keeps it */
    TAKES_ITS_TIME /* says yes, and lets go later */
} manner;

/* All owners in one: parcels' user values are their names. */
typedef struct owner {
    manner manner;
    uint32_t count;
    fh_parcel asked[ASKED_MAX];
    char names[ASKED_MAX + 1]; /* one character each, in the order in which they were asked */
    fh_parcel also;            /* let go, too */
    pthread_t thread;          /* of the last call */
} owner;

/* A policy with an order. */
typedef struct orderer {
    fh_evict_order order;
    bool decides;
    double (*key)(const fh_candidates *candidates, uint32_t i);
    uint32_t calls, count;
    uint64_t wanted;
    uint64_t sizes[ASKED_MAX], ages[ASKED_MAX], made[ASKED_MAX];
    float priorities[ASKED_MAX];
    fh_tag tags[ASKED_MAX];
    fh_kind kinds[ASKED_MAX];
    fh_frame_decision frame;
    fh_limits limits;
} orderer;

typedef struct fixture {
    card card;
    owner owner;
    orderer orderer;
    char names[ASKED_MAX];
    uint32_t made;
} fixture;

static inline bool be_asked(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    owner *o = context;
    o->asked[o->count % ASKED_MAX] = parcel;
    o->names[o->count++ % ASKED_MAX] = (char)(user ? *(const char *)user : '?');
    o->thread = pthread_self();
    if (o->also.id != 0) {
        fh_parcel_release(device, o->also);
        o->also = (fh_parcel){0};
    }
    if (o->manner == LETS_GO && fh_parcel_release(device, parcel) != FH_OK) {
        abort();
    }
    return o->manner != DECLINES;
}

static inline bool give_order(void *context, const fh_candidates *candidates, const fh_facts *facts,
                              fh_evict_order *out_order)
{
    orderer *o = context;
    double *keys = out_order->keys;
    (void)facts;
    o->calls++;
    o->count = candidates->count;
    o->wanted = candidates->wanted;
    for (uint32_t i = 0; i < candidates->count && i < ASKED_MAX; i++) {
        o->sizes[i] = candidates->sizes[i];
        o->ages[i] = candidates->ages[i];
        o->made[i] = candidates->made[i];
        o->priorities[i] = candidates->priorities[i];
        o->tags[i] = candidates->tags[i];
        o->kinds[i] = candidates->kinds[i];
    }
    *out_order = o->order;
    out_order->keys = keys;
    for (uint32_t i = 0; o->key && i < candidates->count; i++) {
        keys[i] = o->key(candidates, i);
    }
    return o->decides;
}

static inline bool give_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                              fh_frame_decision *out_decision)
{
    orderer *o = context;
    (void)frame;
    (void)facts;
    *out_decision = o->frame;
    return true;
}

static const fh_policy_ops orderer_ops = {
    .name = "orderer", .evict = give_order, .frame = give_frame};

static inline int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    card_small(&f->card);
    f->card.desc.evict = be_asked;
    f->card.desc.evict_context = &f->owner;
    check_open(&f->card);
    for (int i = 0; i < ASKED_MAX; i++) {
        f->names[i] = (char)('a' + i);
    }
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

static inline void tick(const fixture *f)
{
    CHECK_OK(fh_device_tick(f->card.device));
}

/* The next one is called a, b, c … */
static inline fh_parcel make(fixture *f, uint64_t size, float priority, fh_evictable evictable)
{
    fh_raw_desc desc = {.size = size,
                        .memory = {.dedicated = FH_DEDICATED_REQUIRE,
                                   .type_mask = 1U << CARD_LOCAL,
                                   .priority = priority,
                                   .evictable = evictable,
                                   .user = &f->names[f->made++]}};
    return check_raw(&f->card, &desc);
}

static inline fh_parcel make_one(fixture *f, uint64_t size)
{
    return make(f, size, 0.0F, FH_EVICTABLE_AT_TICK);
}

static inline void limit_total(const fixture *f, uint64_t limit)
{
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, limit);
}

static inline void check_asked(fixture *f, const char *names)
{
    f->owner.names[f->owner.count] = '\0';
    assert_string_equal(f->owner.names, names);
}

static inline void set(fixture *f)
{
    CHECK_OK(fh_device_set_policy(f->card.device, &orderer_ops, &f->orderer));
}

static inline void release_all(fixture *f, const fh_parcel *parcels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_release(&f->card, parcels[i]);
    }
}

/* A test that has the fixture. */
#define EVICT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
