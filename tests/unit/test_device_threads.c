/* Threads that share one device: what each kind of limit allows is never passed and never refused
 * without need; storms of calls leave everything at zero; an alias goes while others use what it made;
 * and a growth that the driver holds up holds up nobody but those who need it. Worth most under
 * ThreadSanitizer. FREEHOLD_OPS sets how many calls there are in all. */

#include "card_checks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

enum {
    THREADS = 8,
    HELD = 12
};

typedef struct crowd crowd;

typedef struct worker {
    pthread_t thread;
    crowd *crowd;
    uint32_t number;
    test_rng rng;
    char fault[256]; /* cmocka belongs to the main thread */
} worker;

struct crowd {
    card *card;
    uint64_t rounds; /* for each thread */
    fh_tag tag;
    fh_account account;    /* the one that is raced for */
    uint64_t limit;        /* its */
    bool within_budget;    /* all requests are */
    bool refusals;         /* whether there may be any */
    _Atomic uint64_t live; /* bytes that certainly live */
    _Atomic uint64_t refused;
    _Atomic uint64_t made;
    _Atomic uint32_t running;
    _Atomic bool stop;
    _Atomic uint64_t handles[64]; /* storms: shared parcels */
    uint32_t queue;
    fh_device *alias;
    void (*work)(worker *w);
    worker workers[THREADS + 1];
};

static void complain(worker *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (w->fault[0] == '\0') {
        vsnprintf(w->fault, sizeof w->fault, format, arguments);
    }
    va_end(arguments);
    atomic_store(&w->crowd->stop, true);
}

static bool goes_on(const worker *w)
{
    return !atomic_load_explicit(&w->crowd->stop, memory_order_relaxed);
}

static void *start(void *argument)
{
    worker *w = argument;
    w->crowd->work(w);
    atomic_fetch_sub(&w->crowd->running, 1);
    return NULL;
}

static void begin(crowd *c, card *on, void (*work)(worker *w), uint64_t rounds)
{
    c->card = on;
    c->work = work;
    c->rounds = rounds / THREADS + 1;
    atomic_store(&c->running, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        worker *w = &c->workers[i];
        w->crowd = c;
        w->number = i;
        w->rng = (test_rng){test_seed() + i * UINT64_C(0x1234567)};
        w->fault[0] = '\0';
        assert_int_equal(pthread_create(&w->thread, NULL, start, w), 0);
    }
}

static void join(crowd *c)
{
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(c->workers[i].thread, NULL), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        if (c->workers[i].fault[0] != '\0') {
            fail_msg("thread %u: %s", (unsigned int)i, c->workers[i].fault);
        }
    }
}

/* ---- limits ---- */

static uint64_t size_for(const crowd *c, test_rng *rng)
{
    /* Without refusals all that is held is exactly the limit, nearly always. */
    uint64_t most = c->refusals ? KIB(96) : c->limit / THREADS / HELD;
    if (test_chance(rng, c->refusals ? 20 : 90)) {
        return most & ~UINT64_C(15);
    }
    return 16 * test_log_uniform(rng, most / 16);
}

static fh_result make(worker *w, uint64_t size, fh_parcel *out)
{
    const crowd *c = w->crowd;
    fh_device *device = c->card->device;
    if (c->account.scope <= FH_ACCOUNT_HEAP) {
        fh_raw_desc desc = {
            .size = size,
            .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
        return fh_raw_create(device, &desc, out);
    }
    if (c->account.scope == FH_ACCOUNT_TAG && test_chance(&w->rng, 50)) {
        return fh_external_create(device, &(fh_external_desc){.size = size, .tag = c->tag}, out);
    }
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.tag = c->account.scope == FH_ACCOUNT_TAG ? c->tag : 0;
    return fh_buffer_create(device, &desc, out);
}

/* Counted as living after it was made, and before it is released: so what is counted is never more
 * than what lives. */
static void race_for_limit(worker *w)
{
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    struct {
        fh_parcel parcel;
        uint64_t size;
    } held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        uint64_t at = test_below(&w->rng, HELD);
        if (held[at].size != 0) {
            atomic_fetch_sub(&c->live, held[at].size);
            if (fh_parcel_release(device, held[at].parcel) != FH_OK) {
                complain(w, "release: %s", fh_error_detail());
            }
            held[at].size = 0;
            if (c->refusals && test_chance(&w->rng, 30)) {
                continue;
            }
        }
        uint64_t size = size_for(c, &w->rng);
        fh_result result = make(w, size, &held[at].parcel);
        if (result == FH_OK) {
            held[at].size = size;
            atomic_fetch_add_explicit(&c->made, 1, memory_order_relaxed);
            uint64_t live = atomic_fetch_add(&c->live, size) + size;
            if (live > c->limit) {
                complain(w, "%" PRIu64 " bytes live, and the limit is %" PRIu64, live, c->limit);
            }
        } else if (result != FH_ERR_BUDGET || !c->refusals) {
            complain(w, "%s: %s", fh_result_name(result), fh_error_detail());
        } else {
            atomic_fetch_add_explicit(&c->refused, 1, memory_order_relaxed);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        if (held[i].size != 0) {
            atomic_fetch_sub(&c->live, held[i].size);
            fh_parcel_release(device, held[i].parcel);
        }
    }
}

/* Looks at the account as a program's overlay would, and ticks now and then. */
static void sample(crowd *c)
{
    uint64_t looks = 0;
    while (atomic_load(&c->running) > 0) {
        fh_account_info info = card_account(c->card, c->account.scope, c->account.index);
        if (info.used > info.limit) {
            atomic_store(&c->stop, true);
            fail_msg("%" PRIu64 " bytes are reported as used, and the limit is %" PRIu64, info.used,
                     info.limit);
        }
        if (++looks % 16 == 0) {
            fh_device_tick(c->card->device);
        }
    }
}

static void race(fh_account_scope scope, bool refusals)
{
    card on;
    card_small(&on);
    on.profile.allocation_count_max = 100000;
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    CHECK_OK(fh_device_tag(on.device, "raced for", &c->tag));
    static const uint32_t indices[] = {0, 0, FH_KIND_BUFFER, 0};
    c->account = (fh_account){scope, scope == FH_ACCOUNT_TAG ? c->tag : indices[scope]};
    c->refusals = refusals;
    c->limit = refusals ? MIB(1) + 48 : MIB(3);
    check_limit(&on, c->account.scope, c->account.index, c->limit);
    uint64_t rounds = test_operations(scope <= FH_ACCOUNT_HEAP ? 60000 : 400000);
    begin(c, &on, race_for_limit, rounds);
    sample(c);
    join(c);
    fh_account_info info = card_account(&on, c->account.scope, c->account.index);
    CHECK_EQUAL(info.used, 0);
    CHECK_EQUAL(atomic_load(&c->live), 0);
    CHECK_EQUAL(info.refused, atomic_load(&c->refused));
    if (scope <= FH_ACCOUNT_HEAP) {
        assert_true(info.peak <= c->limit);
    }
    assert_true(atomic_load(&c->made) > 100);
    assert_true(!refusals || atomic_load(&c->refused) > 0);
    test_free(c);
    check_close(&on);
}

static void the_total_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TOTAL, true);
}

static void a_heap_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_HEAP, true);
}

static void a_kind_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_KIND, true);
}

static void a_tag_is_never_over_its_limit(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TAG, true);
}

/* All threads together never want more than the limit: so nobody is ever refused, however the bytes
 * wander from lane to lane. */
static void nobody_is_refused_while_there_is_room(void **state)
{
    (void)state;
    race(FH_ACCOUNT_TOTAL, false);
    race(FH_ACCOUNT_HEAP, false);
    race(FH_ACCOUNT_KIND, false);
    race(FH_ACCOUNT_TAG, false);
}

/* Driver bytes, when blocks are made and given back all the time. */
static void race_with_blocks(worker *w)
{
    bool within_budget = w->crowd->within_budget;
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    fh_parcel held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        uint64_t at = test_below(&w->rng, HELD);
        fh_parcel_release(device, held[at]);
        held[at] = (fh_parcel){0};
        fh_buffer_desc desc = card_buffer_desc(16 * test_log_uniform(&w->rng, KIB(32)));
        desc.memory.type_mask = 1U << CARD_LOCAL;
        desc.memory.within_budget = within_budget;
        if (within_budget && test_chance(&w->rng, 30)) {
            desc.memory.dedicated = FH_DEDICATED_REQUIRE;
        }
        fh_result result = fh_buffer_create(device, &desc, &held[at]);
        if (result != FH_OK && result != FH_ERR_BUDGET) {
            complain(w, "%s: %s", fh_result_name(result), fh_error_detail());
        }
        if (test_chance(&w->rng, 2)) {
            fh_device_trim(device, NULL);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(device, held[i]);
    }
}

static void blocks_are_never_over_a_limit(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->account = (fh_account){FH_ACCOUNT_HEAP, 0};
    check_limit(&on, FH_ACCOUNT_HEAP, 0, MIB(6) + KIB(12));
    begin(c, &on, race_with_blocks, test_operations(60000));
    sample(c);
    join(c);
    assert_true(card_account(&on, FH_ACCOUNT_HEAP, 0).peak <= MIB(6) + KIB(12));
    test_free(c);
    check_close(&on);
}

/* The operating system's budget holds for those who ask for that, though it is no limit here. */
static void requests_within_budget_never_exceed_it(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.profile.os_budget[0] = MIB(6) + KIB(12);
    on.desc.os_budget_advisory = true;
    on.desc.block_size = MIB(2);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->within_budget = true;
    begin(c, &on, race_with_blocks, test_operations(60000));
    while (atomic_load(&c->running) > 0) {
        uint64_t used = card_used(&on, FH_ACCOUNT_HEAP, 0);
        if (used > MIB(6) + KIB(12)) {
            atomic_store(&c->stop, true);
            fail_msg("%" PRIu64 " bytes are used, above the budget", used);
        }
    }
    join(c);
    fh_account_info info = card_account(&on, FH_ACCOUNT_HEAP, 0);
    CHECK_EQUAL(info.limit, FH_NO_LIMIT);
    assert_true(info.peak <= MIB(6) + KIB(12) && info.peak > MIB(5));
    test_free(c);
    check_close(&on);
}

/* ---- storms ---- */

static fh_parcel make_anything(worker *w, fh_device *device)
{
    test_rng *rng = &w->rng;
    fh_parcel out = {0};
    fh_memory_desc memory = {.location = (fh_location)test_below(rng, FH_LOCATION_COUNT),
                             .tag = test_chance(rng, 30) ? w->crowd->tag : 0,
                             .name = test_chance(rng, 10) ? "storm" : NULL};
    uint64_t size = test_log_uniform(rng, test_chance(rng, 10) ? MIB(1) : KIB(16));
    switch (test_below(rng, 8)) {
    case 0: {
        fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                                .width = 1 + (uint32_t)test_below(rng, 64),
                                .height = 16,
                                .memory = memory};
        fh_texture_create(device, &desc, &out);
        break;
    }
    case 1: {
        fh_raw_desc desc = {.size = size, .memory = memory};
        fh_raw_create(device, &desc, &out);
        break;
    }
    case 2:
        fh_external_create(device, &(fh_external_desc){.size = size, .tag = memory.tag}, &out);
        break;
    default: {
        fh_buffer_desc desc = card_buffer_desc(size);
        desc.memory = memory;
        fh_buffer_create(device, &desc, &out);
        break;
    }
    }
    return out;
}

/* Memory that can be mapped is ours alone: what was painted stays. */
static void paint_and_look(worker *w, fh_device *device)
{
    fh_parcel buffer;
    fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&w->rng, KIB(4)));
    desc.memory.location = FH_LOCATION_UPLOAD;
    if (fh_buffer_create(device, &desc, &buffer) != FH_OK) {
        return;
    }
    void *pointer;
    void *again;
    if (fh_parcel_map(device, buffer, &pointer) != FH_OK) {
        complain(w, "map: %s", fh_error_detail());
        return;
    }
    unsigned char *bytes = pointer;
    unsigned char pattern = (unsigned char)test_random(&w->rng);
    memset(bytes, pattern, desc.size);
    fh_parcel_flush(device, buffer, 0, 0);
    fh_device_poll(device);
    if (fh_parcel_map(device, buffer, &again) != FH_OK || again != pointer) {
        complain(w, "mapped a second time, it is elsewhere");
    }
    for (uint64_t i = 0; i < desc.size; i++) {
        if (bytes[i] != pattern) {
            complain(w, "somebody wrote into a buffer of %" PRIu64 " bytes", desc.size);
            break;
        }
    }
    fh_parcel_unmap(device, buffer);
    fh_parcel_unmap(device, buffer);
    if (fh_device_retire(device, buffer, &(fh_epoch){w->crowd->queue, test_below(&w->rng, 4)}, 1) !=
        FH_OK) {
        complain(w, "retire: %s", fh_error_detail());
    }
}

static bool look(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)parcel;
    *(uint64_t *)context += info->committed;
    return true;
}

static void look_at_all(worker *w, fh_device *device)
{
    fh_device_stats stats;
    fh_device_detail detail;
    fh_account_info info;
    test_text text = {0};
    uint64_t bytes = 0;
    switch (test_below(&w->rng, 8)) {
    case 0:
        fh_device_visit(device, look, &bytes);
        break;
    case 1:
        fh_device_get_detail(device, &detail);
        break;
    case 2:
        fh_device_json(device, true, test_text_write, &text);
        break;
    case 3:
        fh_device_trim(device, NULL);
        break;
    default:
        fh_device_get_stats(device, &stats);
        fh_device_account(device, w->crowd->account, &info);
        break;
    }
    test_text_finish(&text);
}

static void storm(worker *w)
{
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    fh_parcel held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        uint64_t what = test_below(&w->rng, 100);
        uint64_t at = test_below(&w->rng, HELD);
        if (what < 55) {
            fh_parcel_release(device, held[at]);
            held[at] = make_anything(w, device);
        } else if (what < 75) {
            paint_and_look(w, device);
        } else if (what < 80) {
            fh_queue_signal(device, c->queue, test_below(&w->rng, 5));
        } else if (what < 84) {
            fh_device_tick(device);
        } else if (what < 90 && held[at].id != 0) {
            fh_parcel_set_name(device, held[at], "renamed");
            fh_parcel_use(device, held[at], (fh_epoch){c->queue, test_below(&w->rng, 4)});
        } else if (what < 92) {
            check_limit(c->card, FH_ACCOUNT_KIND, FH_KIND_RAW,
                        test_chance(&w->rng, 50) ? FH_NO_LIMIT : test_below(&w->rng, MIB(1)));
        } else if (what < 94) {
            look_at_all(w, device);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(device, held[i]);
    }
}

static void storms_leave_nothing(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.profile.granularity = 1024;
    on.desc.block_size = MIB(2);
    on.desc.retain_ticks = 4;
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->queue = check_queue(&on);
    CHECK_OK(fh_device_tag(on.device, "storm", &c->tag));
    c->account = (fh_account){FH_ACCOUNT_TAG, c->tag};
    begin(c, &on, storm, test_operations(80000));
    join(c);
    CHECK_OK(fh_queue_signal(on.device, c->queue, 100));
    CHECK_OK(fh_device_tick(on.device));
    CHECK_EQUAL(card_stats(&on).parcel_count, 0);
    test_free(c);
    check_close(&on);
}

/* Without a reference of its own: it lives, or is stale; also when its last reference goes in the
 * middle of the call. */
static void borrow(worker *w, fh_parcel parcel)
{
    fh_device *device = w->crowd->card->device;
    fh_parcel_info info;
    fh_view view = {parcel, 0, 256};
    fh_result result;
    switch (test_below(&w->rng, 5)) {
    case 0:
        result = fh_parcel_get(device, parcel, &info);
        break;
    case 1:
        result = fh_parcel_set_name(device, parcel, "borrowed");
        break;
    case 2:
        result = fh_parcel_write(device, parcel, 0, &info, 64, NULL);
        break;
    case 3:
        result = fh_parcel_use(device, parcel, (fh_epoch){0, 0});
        break;
    default:
        result = fh_view_check(device, &view);
        break;
    }
    if (result != FH_OK && result != FH_ERR_STALE) {
        complain(w, "a borrowed parcel: %s", fh_error_detail());
    }
}

/* Parcels that everybody has: who acquires one has it until it lets go, and one that is gone is
 * stale. */
static void share(worker *w)
{
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        _Atomic uint64_t *place = &c->handles[test_below(&w->rng, TEST_COUNT_OF(c->handles))];
        if (test_chance(&w->rng, 20)) {
            fh_parcel fresh;
            fh_buffer_desc desc = card_buffer_desc(256);
            desc.memory.location = FH_LOCATION_UPLOAD;
            if (fh_buffer_create(device, &desc, &fresh) != FH_OK) {
                complain(w, "buffer: %s", fh_error_detail());
                continue;
            }
            fh_parcel old = {atomic_exchange(place, fresh.id)};
            if (fh_parcel_release(device, old) != FH_OK) {
                complain(w, "the reference of the place is gone");
            }
            continue;
        }
        fh_parcel parcel = {atomic_load(place)};
        if (test_chance(&w->rng, 50)) {
            borrow(w, parcel);
            continue;
        }
        fh_result result = fh_parcel_acquire(device, parcel);
        if (result == FH_ERR_STALE) {
            continue; /* another thread was faster */
        }
        fh_parcel_info info;
        void *pointer;
        fh_view view;
        if (result != FH_OK || fh_parcel_get(device, parcel, &info) != FH_OK ||
            info.reference_count == 0 || info.committed != 256 ||
            fh_parcel_map(device, parcel, &pointer) != FH_OK ||
            fh_view_make(device, parcel, 16, 16, &view) != FH_OK ||
            fh_view_check(device, &view) != FH_OK || fh_parcel_unmap(device, parcel) != FH_OK ||
            fh_parcel_release(device, parcel) != FH_OK) {
            complain(w, "an acquired parcel: %s", fh_error_detail());
        }
    }
}

static void shared_parcels_live_while_they_are_acquired(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    for (size_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
        c->handles[i] = check_upload(&on, 256).id;
    }
    begin(c, &on, share, test_operations(300000));
    join(c);
    CHECK_EQUAL(card_stats(&on).parcel_count, TEST_COUNT_OF(c->handles));
    for (size_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
        fh_parcel parcel = {c->handles[i]};
        CHECK_EQUAL(check_info(&on, parcel).reference_count, 1);
        CHECK_EQUAL(check_info(&on, parcel).map_count, 0);
        check_release(&on, parcel);
    }
    test_free(c);
    check_close(&on);
}

/* The field's case: many threads map many buffers, of memory that nobody has mapped yet. */
static void map_many(worker *w)
{
    crowd *c = w->crowd;
    for (uint32_t i = 0; i < TEST_COUNT_OF(c->handles) && goes_on(w); i++) {
        fh_parcel parcel = {c->handles[(i * 7 + w->number) % TEST_COUNT_OF(c->handles)]};
        unsigned char *bytes;
        if (fh_parcel_map(c->card->device, parcel, (void **)&bytes) != FH_OK) {
            complain(w, "map: %s", fh_error_detail());
            return;
        }
        bytes[w->number] = (unsigned char)w->number;
        if (fh_parcel_unmap(c->card->device, parcel) != FH_OK) {
            complain(w, "unmap: %s", fh_error_detail());
        }
    }
}

static void many_threads_map_the_same_memory_once(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        card on;
        card_small(&on);
        check_open(&on);
        crowd *c = test_calloc(1, sizeof *c);
        for (size_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
            c->handles[i] = check_upload(&on, 64).id;
        }
        begin(c, &on, map_many, THREADS);
        join(c);
        CHECK_EQUAL(card_calls(&on, FH_BACKEND_CALL_MEMORY_MAP),
                    card_stats(&on).total.stats.block_count);
        for (size_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
            check_release(&on, (fh_parcel){c->handles[i]});
        }
        test_free(c);
        check_close(&on);
    }
}

/* More threads than are told apart; each one new. */
static void make_a_few(worker *w)
{
    crowd *c = w->crowd;
    fh_parcel held[HELD];
    for (uint32_t i = 0; i < HELD; i++) {
        fh_buffer_desc desc = card_buffer_desc(100 + i);
        desc.memory.tag = c->tag;
        if (fh_buffer_create(c->card->device, &desc, &held[i]) != FH_OK) {
            complain(w, "buffer: %s", fh_error_detail());
            held[i] = (fh_parcel){0};
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(c->card->device, held[i]);
    }
}

static void threads_without_end_come_and_go(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    CHECK_OK(fh_device_tag(on.device, "few", &c->tag));
    for (int round = 0; round < 25; round++) {
        begin(c, &on, make_a_few, THREADS);
        join(c);
    }
    CHECK_USED(&on, FH_ACCOUNT_TAG, c->tag, 0);
    CHECK_NO_FAULT(card_audit(&on));
    test_free(c);
    check_close(&on);
}

/* One name is one tag, whoever says it first. */
static void name_tags(worker *w)
{
    crowd *c = w->crowd;
    for (uint32_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
        char name[16];
        fh_tag tag;
        snprintf(name, sizeof name, "tag %u", (unsigned int)i);
        if (fh_device_tag(c->card->device, name, &tag) != FH_OK ||
            strcmp(fh_device_tag_name(c->card->device, tag), name) != 0) {
            complain(w, "tag: %s", fh_error_detail());
        }
        uint64_t nobody = 0;
        if (!atomic_compare_exchange_strong(&c->handles[i], &nobody, tag) && nobody != tag) {
            complain(w, "%s is %u, and was %u", name, (unsigned int)tag, (unsigned int)nobody);
        }
        fh_parcel parcel;
        fh_external_desc desc = {.size = 10, .tag = tag};
        if (fh_external_create(c->card->device, &desc, &parcel) == FH_OK) {
            fh_parcel_release(c->card->device, parcel);
        }
    }
}

static void one_name_is_one_tag_for_all_threads(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        card on;
        card_small(&on);
        check_open(&on);
        crowd *c = test_calloc(1, sizeof *c);
        begin(c, &on, name_tags, THREADS);
        join(c);
        test_free(c);
        check_close(&on);
    }
}

/* ---- an alias goes ---- */

typedef struct counting {
    _Atomic uint64_t freed, bytes, destroyed;
} counting;

static void count_freed(void *context, uint64_t reserved, uint64_t committed, fh_kind kind)
{
    counting *n = context;
    (void)reserved, (void)kind;
    atomic_fetch_add(&n->freed, 1);
    atomic_fetch_add(&n->bytes, committed);
}

static void count_destroyed(void *context)
{
    counting *n = context;
    atomic_fetch_add(&n->destroyed, 1);
}

/* Makes through the alias, and puts what it made where all release it: through the original. */
static void pass_on(worker *w)
{
    crowd *c = w->crowd;
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        _Atomic uint64_t *place = &c->handles[test_below(&w->rng, TEST_COUNT_OF(c->handles))];
        fh_parcel fresh = {0};
        if (c->alias != NULL && w->number % 2 == 0) {
            fh_buffer_desc desc = card_buffer_desc(100);
            if (fh_buffer_create(c->alias, &desc, &fresh) != FH_OK) {
                complain(w, "buffer: %s", fh_error_detail());
                return;
            }
            atomic_fetch_add(&c->made, 1);
        }
        fh_parcel old = {atomic_exchange(place, fresh.id)};
        if (fh_parcel_release(c->card->device, old) != FH_OK) {
            complain(w, "release: %s", fh_error_detail());
        }
    }
}

static void an_alias_may_go_while_others_release_what_it_made(void **state)
{
    (void)state;
    static const fh_allocator_ops ops = {
        .name = "counting", .notify_freed = count_freed, .destroy = count_destroyed};
    card on;
    card_small(&on);
    check_open(&on);
    for (int round = 0; round < 30; round++) {
        crowd *c = test_calloc(1, sizeof *c);
        counting n = {0};
        CHECK_OK(fh_device_with_allocator(on.device, &ops, &n, &c->alias));
        begin(c, &on, pass_on, 4000);
        join(c);
        uint64_t made = atomic_load(&c->made);
        assert_true(made > 0);
        fh_device *alias = c->alias;
        c->alias = NULL;
        begin(c, &on, pass_on, 4000); /* only release now */
        fh_device_destroy(alias);
        join(c);
        for (size_t i = 0; i < TEST_COUNT_OF(c->handles); i++) {
            CHECK_OK(fh_parcel_release(on.device, (fh_parcel){c->handles[i]}));
        }
        CHECK_EQUAL(atomic_load(&n.freed), made);
        CHECK_EQUAL(atomic_load(&n.bytes), made * 100);
        CHECK_EQUAL(atomic_load(&n.destroyed), 1);
        test_free(c);
    }
    check_close(&on);
}

/* The original goes first, while threads still use the alias; the device lives on. */
static void use_alias(worker *w)
{
    crowd *c = w->crowd;
    for (uint64_t i = 0; i < c->rounds && goes_on(w); i++) {
        fh_parcel parcel = make_anything(w, c->alias);
        fh_device_tick(c->alias);
        fh_parcel_release(c->alias, parcel);
    }
}

static void the_original_may_go_before_its_alias(void **state)
{
    (void)state;
    static const fh_allocator_ops ops = {.name = "plain"};
    for (int round = 0; round < 10; round++) {
        card on;
        card_small(&on);
        check_open(&on);
        crowd *c = test_calloc(1, sizeof *c);
        fh_device *alias;
        CHECK_OK(fh_device_with_allocator(on.device, &ops, NULL, &alias));
        c->alias = alias;
        begin(c, &on, use_alias, 1500);
        fh_device *original = on.device;
        on.device = alias;
        fh_device_destroy(original);
        join(c);
        test_free(c);
        check_close(&on);
    }
}

/* ---- a stalled growth ---- */

typedef struct grower {
    pthread_t thread;
    card *card;
    uint64_t size;
    fh_memory_desc memory;
    fh_parcel made;
    fh_result result;
    _Atomic bool done;
} grower;

static void *grow(void *argument)
{
    grower *g = argument;
    fh_buffer_desc desc = card_buffer_desc(g->size);
    desc.memory = g->memory;
    g->result = fh_buffer_create(g->card->device, &desc, &g->made);
    atomic_store(&g->done, true);
    return NULL;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void a_stalled_growth_stalls_those_who_need_it(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    fh_parcel first = check_buffer(&on, KIB(16)); /* a block with room */
    fh_parcel second = check_upload(&on, KIB(16));
    uint64_t calls = card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC);
    CHECK_OK(fh_simulated_fault(
        on.backend,
        &(fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
    grower growers[3] = {{.card = &on, .size = MIB(1)},
                         {.card = &on, .size = MIB(1) - 16},
                         {.card = &on, .size = KIB(900)}};
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        growers[i].memory.type_mask = 1U << CARD_LOCAL;
        assert_int_equal(pthread_create(&growers[i].thread, NULL, grow, &growers[i]), 0);
    }
    while (card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
        nap();
    }
    /* Meanwhile the blocks that are there give, in that pool and in others; another pool grows; and
     * everything else goes on. */
    for (int round = 0; round < 50; round++) {
        fh_parcel small[20];
        for (size_t i = 0; i < TEST_COUNT_OF(small); i++) {
            small[i] = i % 2 == 0 ? check_buffer(&on, 1000) : check_upload(&on, 1000);
        }
        fh_parcel other = check_upload(&on, KIB(700));
        CHECK_OK(fh_device_tick(on.device));
        card_stats(&on);
        test_text text = {0};
        CHECK_OK(fh_device_json(on.device, true, test_text_write, &text));
        test_text_finish(&text);
        CHECK_OK(fh_device_trim(on.device, NULL));
        for (size_t i = 0; i < TEST_COUNT_OF(small); i++) {
            check_release(&on, small[i]);
        }
        check_release(&on, other);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        assert_false(atomic_load(&growers[i].done));
    }
    /* One growth is in flight for the pool: the others wait for its outcome. */
    CHECK_EQUAL(fh_simulated_resume(on.backend), 1);
    for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
        assert_int_equal(pthread_join(growers[i].thread, NULL), 0);
        CHECK_OK(growers[i].result);
        check_release(&on, growers[i].made);
    }
    check_release(&on, first);
    check_release(&on, second);
    check_close(&on);
}

/* The growth that others wait for fails: they try for themselves. */
static void a_growth_that_fails_fails_nobody_else(void **state)
{
    (void)state;
    card on;
    card_small(&on);
    on.desc.block_size = MIB(2);
    check_open(&on);
    for (int round = 0; round < 20; round++) {
        uint64_t calls = card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC);
        CHECK_OK(fh_simulated_fault(
            on.backend,
            &(fh_fault){.kind = FH_FAULT_STALL, .call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 1}));
        CHECK_OK(fh_simulated_fault(on.backend,
                                    &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = 2}));
        grower growers[4];
        for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
            growers[i] = (grower){.card = &on, .size = KIB(512)};
            assert_int_equal(pthread_create(&growers[i].thread, NULL, grow, &growers[i]), 0);
        }
        while (card_calls(&on, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
            nap();
        }
        fh_simulated_resume(on.backend);
        for (size_t i = 0; i < TEST_COUNT_OF(growers); i++) {
            assert_int_equal(pthread_join(growers[i].thread, NULL), 0);
            CHECK_OK(growers[i].result);
            check_release(&on, growers[i].made);
        }
        fh_simulated_clear(on.backend);
        CHECK_OK(fh_device_trim(on.device, NULL));
    }
    check_close(&on);
}

/* ---- the device is lost meanwhile ---- */

static void use_until_lost(worker *w)
{
    crowd *c = w->crowd;
    fh_device *device = c->card->device;
    fh_parcel held[HELD] = {0};
    for (uint64_t i = 0; i < c->rounds; i++) {
        uint64_t at = test_below(&w->rng, HELD);
        if (held[at].id != 0) {
            fh_parcel_use(device, held[at], (fh_epoch){c->queue, i});
        }
        if (fh_parcel_release(device, held[at]) != FH_OK) {
            complain(w, "release: %s", fh_error_detail());
        }
        held[at] = make_anything(w, device);
        if (w->number == 0 && i == c->rounds / 2) {
            fh_simulated_fault(c->card->backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1});
        }
        if (i % 64 == 0) {
            fh_device_tick(device);
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(device, held[i]);
    }
}

static void a_device_may_be_lost_in_a_storm(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        card on;
        card_small(&on);
        check_open(&on);
        crowd *c = test_calloc(1, sizeof *c);
        c->queue = check_queue(&on);
        begin(c, &on, use_until_lost, 3000);
        join(c);
        fh_device_tick(on.device);
        assert_true(fh_device_is_lost(on.device));
        CHECK_EQUAL(card_stats(&on).parcel_count, 0);
        test_free(c);
        check_close(&on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_total_is_never_over_its_limit),
        cmocka_unit_test(a_heap_is_never_over_its_limit),
        cmocka_unit_test(a_kind_is_never_over_its_limit),
        cmocka_unit_test(a_tag_is_never_over_its_limit),
        cmocka_unit_test(nobody_is_refused_while_there_is_room),
        cmocka_unit_test(blocks_are_never_over_a_limit),
        cmocka_unit_test(requests_within_budget_never_exceed_it),
        cmocka_unit_test(storms_leave_nothing),
        cmocka_unit_test(shared_parcels_live_while_they_are_acquired),
        cmocka_unit_test(many_threads_map_the_same_memory_once),
        cmocka_unit_test(threads_without_end_come_and_go),
        cmocka_unit_test(one_name_is_one_tag_for_all_threads),
        cmocka_unit_test(an_alias_may_go_while_others_release_what_it_made),
        cmocka_unit_test(the_original_may_go_before_its_alias),
        cmocka_unit_test(a_stalled_growth_stalls_those_who_need_it),
        cmocka_unit_test(a_growth_that_fails_fails_nobody_else),
        cmocka_unit_test(a_device_may_be_lost_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
