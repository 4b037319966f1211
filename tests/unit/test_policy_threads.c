/* Hooks and threads: a hook does not get into itself, nothing is called with a lock held, and a
 * policy may be replaced while threads are inside it. */

#include "brain.h"

#include <pthread.h>
#include <time.h>

/* ---- hooks and threads ---- */

static bool meddle(void *context, const fh_request *request, const fh_facts *facts,
                   fh_verdict *out_verdict)
{
    brain *b = context;
    fh_device *device = b->card->device;
    (void)request;
    (void)facts;
    (void)out_verdict;
    atomic_fetch_add(&b->places, 1);
    /* All of this is forbidden, and must do no harm. */
    fh_buffer_desc desc = card_buffer_desc(777);
    fh_parcel parcel;
    if (fh_buffer_create(device, &desc, &parcel) == FH_OK) {
        fh_parcel_release(device, parcel);
    }
    fh_device_tick(device);
    fh_device_poll(device);
    if (fh_device_set_policy(device, NULL, NULL) == FH_ERR_INVALID) {
        atomic_fetch_add(&b->frames, 1);
    }
    return false;
}

static void a_hook_that_uses_the_device_does_not_get_into_itself(void **state)
{
    fixture *f = *state;
    set(f, &(fh_policy_ops){.name = "meddler", .place = meddle});
    uint64_t ticks = card_stats(&f->card).tick_count;
    touch_size(f, 100);
    CHECK_EQUAL(f->brain.places, 1);
    CHECK_EQUAL(f->brain.frames, 1);
    CHECK_EQUAL(card_stats(&f->card).tick_count, ticks);
    CHECK_EQUAL(card_stats(&f->card).policy_busy_count, 1);
    assert_string_equal(fh_device_policy_name(f->card.device), "meddler");
}

/* A second thread that uses the device all over while a hook waits for it: whoever held a lock
 * around the hook would wait for ever, and the hook does not. */
typedef struct helper {
    card *card;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    fh_parcel parcel;
    uint32_t asked, answered;
    bool ends;
    bool stuck;
} helper;

static void use_everything(helper *h)
{
    fh_device *device = h->card->device;
    fh_device_stats stats;
    fh_account_info account;
    fh_parcel_info info;
    fh_tag tag;
    fh_parcel buffer;
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_device_get_stats(device, &stats);
    for (int scope = 0; scope < 4; scope++) {
        fh_device_account(device, (fh_account){(fh_account_scope)scope, 1}, &account);
    }
    fh_parcel_get(device, h->parcel, &info);
    fh_parcel_use(device, h->parcel, (fh_epoch){0, 0});
    fh_device_tag(device, "helper", &tag);
    if (fh_external_create(device, &(fh_external_desc){.size = 1, .tag = tag}, &buffer) == FH_OK) {
        fh_parcel_release(device, buffer);
    }
    if (fh_buffer_create(device, &desc, &buffer) == FH_OK) {
        fh_parcel_release(device, buffer);
    }
    fh_device_policy_name(device);
    fh_device_set_limit(device, (fh_account){FH_ACCOUNT_KIND, FH_KIND_TRANSIENT}, 1000);
    fh_device_trim(device, NULL);
    fh_device_poll(device);
    fh_device_allocated_bytes(device);
    desc = card_buffer_desc(KIB(100)); /* leaves an empty block: something to retain */
    desc.memory.location = FH_LOCATION_UPLOAD;
    if (fh_buffer_create(device, &desc, &buffer) == FH_OK) {
        fh_parcel_release(device, buffer);
    }
}

static void *help(void *argument)
{
    helper *h = argument;
    pthread_mutex_lock(&h->mutex);
    while (!h->ends) {
        if (h->answered == h->asked) {
            pthread_cond_wait(&h->condition, &h->mutex);
            continue;
        }
        pthread_mutex_unlock(&h->mutex);
        use_everything(h);
        pthread_mutex_lock(&h->mutex);
        h->answered = h->asked;
        pthread_cond_broadcast(&h->condition);
    }
    pthread_mutex_unlock(&h->mutex);
    return NULL;
}

static void ask_helper(helper *h)
{
    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_sec += 20;
    pthread_mutex_lock(&h->mutex);
    uint32_t mine = ++h->asked;
    pthread_cond_broadcast(&h->condition);
    while (h->answered < mine && !h->stuck) {
        if (pthread_cond_timedwait(&h->condition, &h->mutex, &until) != 0) {
            h->stuck = true;
        }
    }
    pthread_mutex_unlock(&h->mutex);
}

enum {
    CALLBACKS = 13
};

typedef struct busy {
    helper helper;
    _Atomic uint32_t calls[CALLBACKS];
    bool inside; /* the helper's own calls come here, too */
    pthread_t main;
} busy;

static void ask_once(busy *b, int hook)
{
    atomic_fetch_add(&b->calls[hook], 1);
    if (pthread_equal(pthread_self(), b->main)) {
        ask_helper(&b->helper);
    }
}

static bool busy_place(void *context, const fh_request *request, const fh_facts *facts,
                       fh_verdict *out_verdict)
{
    (void)request;
    (void)facts;
    ask_once(context, 0);
    out_verdict->keep = FH_KEEP_NEVER;
    return true;
}

static uint32_t busy_relieve(void *context, const fh_request *request, const fh_facts *facts,
                             fh_relief out_reliefs[FH_RELIEF_MAX])
{
    (void)request;
    (void)facts;
    ask_once(context, 1);
    out_reliefs[0].action = FH_RELIEF_EVICT;
    return 1;
}

static bool busy_limits(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    (void)facts;
    ask_once(context, 2);
    out_limits->total = MIB(4);
    out_limits->watermark_count = 1;
    out_limits->watermarks[0] = 0.1;
    return true;
}

static bool busy_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                       fh_frame_decision *out_decision)
{
    (void)frame;
    (void)facts;
    ask_once(context, 3);
    out_decision->limits = true;
    return true;
}

static bool busy_pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                          fh_pressure_decision *out_decision)
{
    (void)event;
    (void)facts;
    ask_once(context, 4);
    out_decision->evict_bytes = 1;
    return true;
}

static bool busy_retain(void *context, const fh_block_facts *block, const fh_facts *facts,
                        fh_retain_decision *out_decision)
{
    (void)block;
    (void)facts;
    ask_once(context, 5);
    out_decision->ticks = 0;
    return true;
}

static bool busy_evict(void *context, const fh_candidates *candidates, const fh_facts *facts,
                       fh_evict_order *out_order)
{
    (void)candidates;
    (void)facts;
    ask_once(context, 6);
    out_order->column_count = 1;
    return true;
}

static void busy_release(void *context)
{
    ask_once(context, 7);
}

static const fh_policy_ops busy_ops = {
    .name = "busy",
    .place = busy_place,
    .relieve = busy_relieve,
    .limits = busy_limits,
    .frame = busy_frame,
    .pressure = busy_pressure,
    .retain = busy_retain,
    .evict = busy_evict,
    .release = busy_release,
};

static bool keeps(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    (void)context;
    (void)device;
    (void)parcel;
    busy *b = user;
    if (b && pthread_equal(pthread_self(), b->main)) {
        ask_helper(&b->helper);
    }
    return false;
}

/* The allocator's, from 8 on. */
static fh_result busy_alloc(void *context, fh_device *base, const fh_buffer_desc *desc,
                            fh_parcel *out_buffer)
{
    ask_once(context, 8);
    return fh_buffer_create(base, desc, out_buffer);
}

static void busy_freed(void *context, uint64_t reserved, uint64_t committed, fh_kind kind)
{
    (void)reserved;
    (void)committed;
    (void)kind;
    ask_once(context, 9);
}

static void busy_reclaim(void *context, fh_device *base)
{
    (void)base;
    ask_once(context, 10);
}

static void busy_drain(void *context, fh_device *base)
{
    (void)base;
    ask_once(context, 11);
}

static void busy_destroy(void *context)
{
    ask_once(context, 12);
}

static const fh_allocator_ops busy_allocator = {
    .name = "busy",
    .alloc_buffer = busy_alloc,
    .notify_freed = busy_freed,
    .reclaim = busy_reclaim,
    .drain = busy_drain,
    .destroy = busy_destroy,
};

static void nothing_is_called_with_a_lock_held(void **state)
{
    (void)state;
    fixture f = {0};
    busy b = {.main = pthread_self()};
    card_small(&f.card);
    f.card.desc.evict = keeps;
    check_open(&f.card);
    b.helper.card = &f.card;
    pthread_mutex_init(&b.helper.mutex, NULL);
    pthread_cond_init(&b.helper.condition, NULL);
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    desc.memory.evictable = FH_EVICTABLE_ANY_THREAD;
    desc.memory.user = &b;
    b.helper.parcel = check_make(&f.card, &desc);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, help, &b.helper), 0);

    CHECK_OK(fh_device_set_policy(f.card.device, &busy_ops, &b));
    fh_device *alias;
    CHECK_OK(fh_device_with_allocator(f.card.device, &busy_allocator, &b, &alias));
    fh_parcel parcel;
    desc = card_buffer_desc(MIB(6));
    CHECK_RESULT(fh_buffer_create(f.card.device, &desc, &parcel), FH_ERR_BUDGET);
    touch_size(&f, KIB(100)); /* leaves an empty block, perhaps */
    CHECK_OK(fh_device_tick(f.card.device));
    desc = card_buffer_desc(KIB(900));
    desc.memory.location = FH_LOCATION_UPLOAD;
    touch(&f, &desc);
    CHECK_OK(fh_device_tick(f.card.device));
    desc = card_buffer_desc(1000);
    CHECK_OK(fh_buffer_create(alias, &desc, &parcel));
    check_release(&f.card, parcel);
    fh_device_destroy(alias);
    CHECK_OK(fh_device_set_policy(f.card.device, NULL, NULL));
    for (int hook = 0; hook < CALLBACKS; hook++) {
        if (atomic_load(&b.calls[hook]) == 0) {
            fail_msg("callback %d was not called", hook);
        }
    }
    assert_false(b.helper.stuck);

    pthread_mutex_lock(&b.helper.mutex);
    b.helper.ends = true;
    pthread_cond_broadcast(&b.helper.condition);
    pthread_mutex_unlock(&b.helper.mutex);
    pthread_join(thread, NULL);
    check_release(&f.card, b.helper.parcel);
    CHECK_OK(fh_device_tick(f.card.device));
    check_close(&f.card);
    pthread_mutex_destroy(&b.helper.mutex);
    pthread_cond_destroy(&b.helper.condition);
}

/* ---- races ---- */

enum {
    RACERS = 4,
    RACE_ROUNDS = 2000
};

/* A policy that dies when it is used after its release. */
typedef struct mortal {
    _Atomic uint32_t inside, released, sets;
    _Atomic bool failed;
} mortal;

typedef struct mortal_life {
    mortal *all;
    _Atomic uint32_t inside;
    _Atomic bool dead;
} mortal_life;

static bool mortal_place(void *context, const fh_request *request, const fh_facts *facts,
                         fh_verdict *out_verdict)
{
    mortal_life *life = context;
    (void)facts;
    atomic_fetch_add(&life->inside, 1);
    if (atomic_load(&life->dead)) {
        atomic_store(&life->all->failed, true);
    }
    out_verdict->keep = (fh_keep)(request->size % 3);
    atomic_fetch_sub(&life->inside, 1);
    return true;
}

static bool mortal_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                         fh_frame_decision *out_decision)
{
    mortal_life *life = context;
    (void)frame;
    (void)facts;
    if (atomic_fetch_add(&life->inside, 1) > 1000 || atomic_load(&life->dead)) {
        atomic_store(&life->all->failed, true);
    }
    out_decision->forget = true;
    atomic_fetch_sub(&life->inside, 1);
    return true;
}

static void mortal_release(void *context)
{
    mortal_life *life = context;
    if (atomic_exchange(&life->dead, true) || atomic_load(&life->inside) != 0) {
        atomic_store(&life->all->failed, true);
    }
    atomic_fetch_add(&life->all->released, 1);
    free(life);
}

static const fh_policy_ops mortal_ops = {
    .name = "mortal", .place = mortal_place, .frame = mortal_frame, .release = mortal_release};

typedef struct racer {
    pthread_t thread;
    uint32_t number;
    fh_device *device;
    mortal *all;
    const char *fault;
} racer;

static void *race(void *argument)
{
    racer *r = argument;
    test_rng rng = {test_seed() + r->number};
    for (uint32_t i = 0; i < RACE_ROUNDS && !r->fault; i++) {
        fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&rng, KIB(64)));
        fh_parcel parcel;
        if (fh_buffer_create(r->device, &desc, &parcel) != FH_OK ||
            fh_parcel_release(r->device, parcel) != FH_OK) {
            r->fault = "a request failed";
        }
        if (r->number == 0 && i % 4 == 0) {
            mortal_life *life = calloc(1, sizeof *life);
            life->all = r->all;
            atomic_fetch_add(&r->all->sets, 1);
            if (fh_device_set_policy(r->device, &mortal_ops, life) != FH_OK) {
                r->fault = "fh_device_set_policy failed";
            }
        }
        if (r->number == 1 && i % 8 == 0) {
            fh_device_tick(r->device);
        }
        if (r->number == 2 && i % 64 == 0) {
            fh_device_set_policy(r->device, NULL, NULL);
        }
    }
    return NULL;
}

static void one_may_be_replaced_while_threads_are_inside(void **state)
{
    fixture *f = *state;
    mortal all = {0};
    racer racers[RACERS];
    test_seed();
    for (uint32_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){.number = i, .device = f->card.device, .all = &all};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (uint32_t i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        CHECK_NO_FAULT(racers[i].fault);
    }
    set(f, NULL);
    CHECK_EQUAL(atomic_load(&all.released), atomic_load(&all.sets));
    assert_false(atomic_load(&all.failed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRAIN_TEST(a_hook_that_uses_the_device_does_not_get_into_itself),
        cmocka_unit_test(nothing_is_called_with_a_lock_held),
        BRAIN_TEST(one_may_be_replaced_while_threads_are_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
