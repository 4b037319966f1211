/* An allocator that counts, in front of a small card. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_COUNTER_H
#define FREEHOLD_TESTS_COUNTER_H

#include "card_checks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* An allocator that counts its calls, and delegates. */
typedef struct counter {
    uint32_t buffers, grown, textures, raws;
    _Atomic uint32_t freed, destroyed;
    uint32_t resized, reclaims, drains;
    _Atomic uint64_t freed_reserved, freed_committed;
    fh_kind freed_kind;
    fh_parcel_bytes before, after;
    fh_device *base;
    fh_parcel give;    /* given out instead of a new one */
    fh_parcel kept[4]; /* let go by reclaim and drain */
    fh_result refusal; /* FH_OK: none */
    uint32_t order;    /* when it was told, of `clock` */
    uint32_t *clock;
    pthread_mutex_t *mutex; /* held while it asks `base` */
} counter;

static inline void note(counter *c, fh_device *base)
{
    c->base = base;
    if (c->mutex) {
        pthread_mutex_lock(c->mutex);
    }
}

static inline fh_result done(counter *c, fh_result result)
{
    if (c->mutex) {
        pthread_mutex_unlock(c->mutex);
    }
    return result;
}

static inline fh_result count_buffer(void *context, fh_device *base, const fh_buffer_desc *desc,
                                     fh_parcel *out_buffer)
{
    counter *c = context;
    c->buffers++;
    if (c->refusal != FH_OK) {
        return c->refusal;
    }
    if (c->give.id != 0) {
        *out_buffer = c->give;
        return FH_OK;
    }
    note(c, base);
    return done(c, fh_buffer_create(base, desc, out_buffer));
}

static inline fh_result count_grown(void *context, fh_device *base, const fh_buffer_desc *desc,
                                    fh_parcel *out_buffer)
{
    counter *c = context;
    c->grown++;
    note(c, base);
    return done(c, fh_buffer_create(base, desc, out_buffer));
}

static inline fh_result count_texture(void *context, fh_device *base, const fh_texture_desc *desc,
                                      fh_parcel *out_texture)
{
    counter *c = context;
    c->textures++;
    note(c, base);
    return done(c, fh_texture_create(base, desc, out_texture));
}

static inline fh_result count_raw(void *context, fh_device *base, const fh_raw_desc *desc,
                                  fh_parcel *out_raw)
{
    counter *c = context;
    c->raws++;
    note(c, base);
    return done(c, fh_raw_create(base, desc, out_raw));
}

static inline void count_freed(void *context, uint64_t reserved, uint64_t committed, fh_kind kind)
{
    counter *c = context;
    atomic_fetch_add(&c->freed, 1);
    atomic_fetch_add(&c->freed_reserved, reserved);
    atomic_fetch_add(&c->freed_committed, committed);
    if (c->clock) {
        c->freed_kind = kind;
        c->order = ++*c->clock;
    }
    if (c->clock && atomic_load(&c->destroyed) != 0) {
        abort();
    }
    if (c->mutex) {
        pthread_mutex_lock(c->mutex);
        pthread_mutex_unlock(c->mutex);
    }
}

static inline void count_resized(void *context, fh_parcel_bytes before, fh_parcel_bytes after,
                                 fh_kind kind)
{
    counter *c = context;
    c->resized++;
    c->before = before;
    c->after = after;
    c->freed_kind = kind;
}

static inline void let_kept_go(counter *c, fh_device *base)
{
    for (size_t i = 0; i < TEST_COUNT_OF(c->kept); i++) {
        fh_parcel_release(base, c->kept[i]);
        c->kept[i] = (fh_parcel){0};
    }
}

static inline void count_reclaim(void *context, fh_device *base)
{
    counter *c = context;
    c->reclaims++;
    c->base = base;
}

static inline void count_drain(void *context, fh_device *base)
{
    counter *c = context;
    c->drains++;
    c->base = base;
    if (c->mutex) {
        pthread_mutex_lock(c->mutex);
        pthread_mutex_unlock(c->mutex);
    }
    let_kept_go(c, base);
}

static inline void count_destroy(void *context)
{
    counter *c = context;
    atomic_fetch_add(&c->destroyed, 1);
}

static inline uint64_t count_allocated(void *context)
{
    (void)context;
    return 4711;
}

static inline uint64_t count_budget(void *context)
{
    (void)context;
    return 815;
}

static const fh_allocator_ops counter_ops = {
    .name = "counter",
    .alloc_buffer = count_buffer,
    .alloc_buffer_with_capacity = count_grown,
    .alloc_texture = count_texture,
    .alloc_raw = count_raw,
    .notify_freed = count_freed,
    .notify_resized = count_resized,
    .reclaim = count_reclaim,
    .drain = count_drain,
    .destroy = count_destroy,
};

typedef struct fixture {
    card card;
    counter counter;
    fh_device *alias;
} fixture;

static inline fh_device *make_alias(fh_device *base, counter *c)
{
    fh_device *alias;
    CHECK_OK(fh_device_with_allocator(base, &counter_ops, c, &alias));
    assert_non_null(alias);
    return alias;
}

static inline int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    card_small(&f->card);
    check_open(&f->card);
    f->alias = make_alias(f->card.device, &f->counter);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    fh_device_destroy(f->alias);
    check_close(&f->card);
    CHECK_EQUAL(atomic_load(&f->counter.destroyed), 1);
    test_free(f);
    return 0;
}

static inline fh_parcel check_buffer_of(fh_device *device, uint64_t size)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    fh_parcel parcel;
    CHECK_OK(fh_buffer_create(device, &desc, &parcel));
    return parcel;
}

static inline fh_raw_desc dedicated_desc(uint64_t size)
{
    return (fh_raw_desc){
        .size = size, .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
}

/* A test that has the fixture. */
#define ALLOCATOR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
