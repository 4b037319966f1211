/* Threads that share one device: storms of calls leave everything at zero; an alias goes while
 * others use what it made; the device is lost in the middle of it. Worth most under
 * ThreadSanitizer. FREEHOLD_OPS sets how many calls there are in all. */

#include "crowd.h"
#include "strict.h"

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
    on.desc.ops = strict_ops();
    check_open(&on);
    crowd *c = test_calloc(1, sizeof *c);
    c->queue = check_queue(&on);
    CHECK_OK(fh_device_tag(on.device, "storm", &c->tag));
    c->account = (fh_account){FH_ACCOUNT_TAG, c->tag};
    begin(c, &on, storm, test_operations(150000));
    join(c);
    CHECK_OK(fh_queue_signal(on.device, c->queue, 100));
    CHECK_OK(fh_device_tick(on.device));
    CHECK_EQUAL(card_stats(&on).parcel_count, 0);
    test_free(c);
    check_close(&on);
    CHECK_KEPT();
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
        /* Each thread its own bytes: two that write the same have a race of their own. */
        result = fh_parcel_write(device, parcel, w->number % 16 * 16, &w->rng, 8, NULL);
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
        cmocka_unit_test(storms_leave_nothing),
        cmocka_unit_test(shared_parcels_live_while_they_are_acquired),
        cmocka_unit_test(many_threads_map_the_same_memory_once),
        cmocka_unit_test(threads_without_end_come_and_go),
        cmocka_unit_test(one_name_is_one_tag_for_all_threads),
        cmocka_unit_test(an_alias_may_go_while_others_release_what_it_made),
        cmocka_unit_test(the_original_may_go_before_its_alias),
        cmocka_unit_test(a_device_may_be_lost_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
