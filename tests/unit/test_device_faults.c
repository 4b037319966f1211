/* A long scenario, walked with each call of the backend failing in turn, with the device lost at each,
 * and with each host allocation failing. What fails reports, nothing leaks, accounts return to zero,
 * and the next call works. The same scenario shows that no lock is held when the backend or the host is
 * called. */

#define _POSIX_C_SOURCE 200809L

#include "card_checks.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    SMALL = 24,
    KEPT = 64
};

/* What the scenario has in its hands; {0} where a step failed. */
typedef struct scene scene;
struct scene {
    card card;
    fh_tag tag;
    uint32_t queue;
    uint64_t frame;
    fh_pool *fixed, *ring;
    fh_device *alias;
    fh_parcel kept[KEPT];
    uint32_t kept_count;
    fh_parcel mesh, staged, upload, sky, raw, grown;
    uint32_t calls_made, calls_asked; /* retire_call */
    uint32_t externals_made, externals_gone;
    /* What came of the steps. */
    fh_result allowed; /* besides FH_OK */
    uint32_t failures;
    char fault[256];
    /* The call that fails, and the step in which it did. */
    fh_backend_call watched;
    uint64_t watched_nth;
    void (*watched_in)(scene *s);
};

static bool complain(scene *s, const char *what, fh_result result)
{
    if (s->fault[0] == '\0') {
        snprintf(s->fault, sizeof s->fault, "%s: %s, %s", what, fh_result_name(result),
                 fh_error_detail());
    }
    return false;
}

/* Whether a step succeeded. It may fail only as it was made to, and with a sentence. */
static bool went(scene *s, const char *what, fh_result result)
{
    if (result == FH_OK) {
        return true;
    }
    s->failures++;
    if (result != s->allowed || fh_error_detail()[0] == '\0') {
        complain(s, what, result);
    }
    return false;
}

static void keep(scene *s, fh_parcel parcel)
{
    if (parcel.id != 0 && s->kept_count < KEPT) {
        s->kept[s->kept_count++] = parcel;
    }
}

/* A step that makes a parcel: a handle if and only if it succeeded. */
static fh_parcel made(scene *s, const char *what, fh_result result, fh_parcel parcel)
{
    if (went(s, what, result) ? parcel.id == 0 : parcel.id != 0) {
        complain(s, what, result);
    }
    return parcel;
}

static fh_parcel buffer(scene *s, const char *what, const fh_buffer_desc *desc)
{
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(s->card.device, desc, &out);
    return made(s, what, result, out);
}

/* ---- steps ---- */

static void make_pools(scene *s)
{
    fh_device *d = s->card.device;
    went(s, "tag", fh_device_tag(d, "scene", &s->tag));
    if (!went(s, "queue", fh_queue_add(d, "frames", &s->queue))) {
        s->queue = 0; /* whose epochs below are {0, 0} */
    }
    fh_pool_desc fixed = {.block_size = KIB(256), .block_count_min = 2, .block_count_max = 4};
    went(s, "fixed pool", fh_pool_create(d, &fixed, &s->fixed));
    fh_pool_desc ring = {.algorithm = FH_BLOCK_LINEAR, .block_size = KIB(64), .name = "ring"};
    went(s, "ring pool", fh_pool_create(d, &ring, &s->ring));
}

static void make_buffers(scene *s)
{
    for (uint32_t i = 0; i < SMALL; i++) {
        fh_buffer_desc desc = card_buffer_desc(64 + i * 1000);
        desc.memory.tag = i % 3 == 0 ? s->tag : 0;
        desc.memory.name = i % 4 == 0 ? "small" : NULL;
        desc.memory.pool = i % 5 == 0 ? s->fixed : i % 7 == 0 ? s->ring : NULL;
        desc.memory.evictable = i % 6 == 0 ? FH_EVICTABLE_AT_TICK : FH_EVICTABLE_NO;
        keep(s, buffer(s, "small buffer", &desc));
    }
    fh_buffer_desc mesh = card_buffer_desc(MIB(5)); /* dedicated */
    s->mesh = buffer(s, "mesh", &mesh);
    fh_buffer_desc staged = card_buffer_desc(KIB(300));
    staged.memory.type_mask = 1U << CARD_LOCAL;
    s->staged = buffer(s, "staged", &staged);
    fh_buffer_desc upload = card_buffer_desc(KIB(20));
    upload.memory.location = FH_LOCATION_UPLOAD;
    upload.memory.mapped = true;
    s->upload = buffer(s, "upload", &upload);
    fh_buffer_desc grown = card_buffer_desc(KIB(4));
    grown.capacity = KIB(8);
    s->grown = buffer(s, "grown", &grown);
}

static void make_textures(scene *s)
{
    fh_texture_desc sky = {.format = FH_FORMAT_RGBA8_UNORM,
                           .width = 64,
                           .height = 64,
                           .mips = 3,
                           .usage = FH_USAGE_SAMPLED | FH_USAGE_COPY,
                           .memory = {.name = "sky", .tag = s->tag}};
    fh_parcel out = {99};
    fh_result result = fh_texture_create(s->card.device, &sky, &out);
    s->sky = made(s, "sky", result, out);
    fh_texture_desc target = {.format = FH_FORMAT_D32_FLOAT,
                              .width = 128,
                              .height = 128,
                              .samples = 4,
                              .usage = FH_USAGE_DEPTH_TARGET};
    out = (fh_parcel){99};
    result = fh_texture_create(s->card.device, &target, &out);
    keep(s, made(s, "target", result, out));
}

static void destroyed(void *context, void *user)
{
    (void)user;
    ((scene *)context)->externals_gone++;
}

static void make_raw(scene *s)
{
    fh_device *d = s->card.device;
    fh_parcel out = {99};
    fh_result result = fh_raw_create(d, &(fh_raw_desc){.size = KIB(128)}, &out);
    s->raw = made(s, "raw", result, out);
    fh_parcel many[5];
    result = fh_raw_create_many(d, &(fh_raw_desc){.size = KIB(32)}, 5, many);
    bool all = went(s, "raw_many", result);
    for (int i = 0; i < 5; i++) {
        if ((many[i].id != 0) != all) {
            complain(s, "raw_many made some", result);
        }
        keep(s, many[i]);
    }
    if (s->raw.id != 0) {
        for (uint64_t i = 0; i < 3; i++) {
            fh_buffer_desc desc = card_buffer_desc(KIB(64));
            desc.memory.backing = s->raw;
            desc.memory.backing_offset = i * KIB(32);
            keep(s, buffer(s, "item", &desc));
        }
    }
    fh_external_desc external = {
        .size = 4321, .tag = s->tag, .destroy = destroyed, .context = s, .name = "captured"};
    out = (fh_parcel){99};
    result = fh_external_create(d, &external, &out);
    out = made(s, "external", result, out);
    s->externals_made += out.id != 0;
    keep(s, out);
}

static void map_and_write(scene *s)
{
    fh_device *d = s->card.device;
    unsigned char *bytes = NULL;
    if (s->upload.id == 0) {
        return;
    }
    if (went(s, "map", fh_parcel_map(d, s->upload, (void **)&bytes))) {
        memset(bytes, 0x21, KIB(20));
        went(s, "flush", fh_parcel_flush(d, s->upload, 0, 0));
        went(s, "invalidate", fh_parcel_invalidate(d, s->upload, 100, 200));
        if (bytes[0] != 0x21 || bytes[KIB(20) - 1] != 0x21) {
            complain(s, "mapped bytes changed", FH_OK);
        }
        went(s, "unmap", fh_parcel_unmap(d, s->upload));
    } else if (bytes != NULL) {
        complain(s, "map left a pointer", FH_OK);
    }
}

/* Through staging memory and back. */
static void copy_around(scene *s)
{
    static unsigned char bytes[KIB(300)];
    static unsigned char back[KIB(300)];
    fh_device *d = s->card.device;
    fh_epoch epoch;
    memset(bytes, 0x5c, sizeof bytes);
    if (s->staged.id != 0 &&
        went(s, "write", fh_parcel_write(d, s->staged, 0, bytes, sizeof bytes, &epoch)) &&
        went(s, "read", fh_parcel_read(d, s->staged, 0, back, sizeof back, 10 * SECOND_NS)) &&
        memcmp(bytes, back, sizeof back) != 0) {
        complain(s, "what was read is not what was written", FH_OK);
    }
    fh_texture_region region = {.width = 32, .height = 32};
    if (s->sky.id != 0 &&
        went(s, "texture_write", fh_texture_write(d, s->sky, &region, bytes, 32 * 32 * 4, NULL))) {
        memset(back, 0, sizeof back);
        if (went(s, "texture_read",
                 fh_texture_read(d, s->sky, &region, back, 32 * 32 * 4, 10 * SECOND_NS)) &&
            memcmp(bytes, back, 32 * 32 * 4) != 0) {
            complain(s, "texels changed", FH_OK);
        }
    }
    if (s->mesh.id != 0 && s->staged.id != 0) {
        fh_copy copies[2] = {
            {.kind = FH_COPY_FILL, .dst = s->mesh, .size = KIB(64), .fill = 7},
            {.kind = FH_COPY_BUFFER, .src = s->mesh, .dst = s->staged, .size = KIB(64)}};
        went(s, "copy", fh_device_copy(d, copies, 2, &epoch));
    }
}

static void resize(scene *s)
{
    fh_device *d = s->card.device;
    static const uint64_t sizes[] = {KIB(7), KIB(3), KIB(40), KIB(200), 100};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes) && s->grown.id != 0; i++) {
        fh_parcel_info before;
        fh_parcel_info after;
        fh_parcel_get(d, s->grown, &before);
        bool done = went(s, "resize", fh_buffer_resize(d, s->grown, sizes[i], NULL));
        fh_parcel_get(d, s->grown, &after);
        if (after.committed != (done ? sizes[i] : before.committed)) {
            complain(s, "the size after a resize is wrong", FH_OK);
        }
    }
    fh_view view;
    if (s->grown.id != 0 && went(s, "view", fh_view_make(d, s->grown, 0, 50, &view))) {
        went(s, "view_check", fh_view_check(d, &view));
    }
}

static void called(void *context)
{
    ((scene *)context)->calls_made++;
}

/* A frame: some parcels are used and let go, new ones made, the queue goes on. */
static void frame(scene *s)
{
    fh_device *d = s->card.device;
    s->frame++;
    uint64_t value = s->queue != 0 ? s->frame : 0;
    for (int i = 0; i < 3; i++) {
        fh_buffer_desc desc = card_buffer_desc(KIB(10));
        fh_parcel scratch = buffer(s, "scratch", &desc);
        if (scratch.id != 0 &&
            !went(s, "retire", fh_device_retire(d, scratch, &(fh_epoch){s->queue, value}, 1))) {
            keep(s, scratch);
        }
    }
    for (uint32_t i = 0; i < s->kept_count; i += 5) {
        went(s, "use", fh_parcel_use(d, s->kept[i], (fh_epoch){s->queue, value}));
    }
    s->calls_asked += went(s, "retire_call",
                           fh_device_retire_call(d, called, s, &(fh_epoch){s->queue, value}, 1));
    if (s->frame > 2 && s->queue != 0) {
        went(s, "signal", fh_queue_signal(d, s->queue, s->frame - 2));
    }
    fh_result result = fh_device_tick(d);
    if (result != FH_OK && result != FH_ERR_DEVICE_LOST) {
        complain(s, "tick", result);
    }
}

static void set_policies(scene *s)
{
    fh_device *d = s->card.device;
    fh_budget_policy policy = {.limit = MIB(30)};
    if (went(s, "policy", fh_device_set_policy(d, fh_budget_policy_ops(), &policy))) {
        frame(s);
    }
    went(s, "limit", fh_device_set_limit(d, (fh_account){FH_ACCOUNT_TOTAL, 0}, MIB(60)));
    went(s, "no policy", fh_device_set_policy(d, NULL, NULL));
    if (card_account(&s->card, FH_ACCOUNT_TOTAL, 0).limit != MIB(60)) {
        complain(s, "a policy's limit outlived it", FH_OK);
    }
    went(s, "no limit", fh_device_set_limit(d, (fh_account){FH_ACCOUNT_TOTAL, 0}, FH_NO_LIMIT));
}

static void go_through_alias(scene *s)
{
    static const fh_allocator_ops ops = {.name = "scene"};
    fh_device *d = s->card.device;
    if (!went(s, "alias", fh_device_with_allocator(d, &ops, NULL, &s->alias))) {
        return;
    }
    fh_buffer_desc desc = card_buffer_desc(KIB(2));
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(s->alias, &desc, &out);
    keep(s, made(s, "through alias", result, out));
    fh_device_destroy(s->alias);
    s->alias = NULL;
}

static bool visit(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)context;
    return parcel.id != 0 && info->reference_count < 1000;
}

static void look(scene *s)
{
    fh_device *d = s->card.device;
    test_text text = {0};
    went(s, "json", fh_device_json(d, true, test_text_write, &text));
    test_text_finish(&text);
    fh_device_detail detail;
    went(s, "detail", fh_device_get_detail(d, &detail));
    went(s, "visit", fh_device_visit(d, visit, NULL));
    fh_buffer_desc desc = card_buffer_desc(KIB(2));
    went(s, "explain", fh_device_explain(d, &desc, NULL, NULL, test_text_write, &text));
    test_text_finish(&text);
    went(s, "trim", fh_device_trim(d, NULL));
}

/* What is not there is no fault of the release that follows. */
static void let_go(scene *s, fh_parcel *parcel)
{
    fh_result result = fh_parcel_release(s->card.device, *parcel);
    if (result != FH_OK) {
        complain(s, "release", result);
    }
    *parcel = (fh_parcel){0};
}

static void let_some_go(scene *s)
{
    for (uint32_t i = 0; i < s->kept_count; i += 2) {
        let_go(s, &s->kept[i]);
        if (i + 1 < s->kept_count) {
            s->kept[i] = s->kept[--s->kept_count];
        } else {
            s->kept_count--;
        }
    }
    let_go(s, &s->raw); /* before what lies on it */
}

static const struct {
    const char *name;
    void (*step)(scene *s);
} steps[] = {
    {"pools", make_pools},
    {"buffers", make_buffers},
    {"textures", make_textures},
    {"raw", make_raw},
    {"map", map_and_write},
    {"copies", copy_around},
    {"frame", frame},
    {"resize", resize},
    {"frame", frame},
    {"policies", set_policies},
    {"frame", frame},
    {"alias", go_through_alias},
    {"look", look},
    {"let some go", let_some_go},
    {"frame", frame},
    {"copies again", copy_around},
    {"frame", frame},
};

/* ---- walking ---- */

static void check_scene(scene *s, const char *where, const char *fault)
{
    fault = fault != NULL ? fault : s->fault[0] != '\0' ? s->fault : NULL;
    if (fault != NULL) {
        fail_msg("%s: %s", where, fault);
    }
}

/* mobile-like: memory that is not coherent, so that flushes are calls. */
static void prepare(scene *s, fh_host_memory *memory)
{
    memset(s, 0, sizeof *s);
    card_small(&s->card);
    s->card.profile.types[CARD_WRITTEN].flags = FH_MEMORY_HOST_VISIBLE;
    s->card.profile.copy_latency_ns = 30000;
    s->card.desc.block_size = MIB(1);
    s->card.desc.retain_ticks = 3;
    s->card.desc.memory = memory;
}

static void run(scene *s)
{
    for (size_t i = 0; i < TEST_COUNT_OF(steps); i++) {
        uint64_t before = card_calls(&s->card, s->watched);
        steps[i].step(s);
        check_scene(s, steps[i].name, card_audit(&s->card));
        if (before < s->watched_nth && card_calls(&s->card, s->watched) >= s->watched_nth) {
            s->watched_in = steps[i].step;
        }
    }
}

/* Everything goes, and nothing is left. The next calls work, unless the device is lost. */
static void end(scene *s)
{
    fh_device *d = s->card.device;
    fh_simulated_clear(s->card.backend);
    while (s->kept_count > 0) {
        let_go(s, &s->kept[--s->kept_count]);
    }
    fh_parcel *rest[] = {&s->mesh, &s->staged, &s->upload, &s->sky, &s->raw, &s->grown};
    for (size_t i = 0; i < TEST_COUNT_OF(rest); i++) {
        let_go(s, rest[i]);
    }
    check_scene(s, "letting go", card_audit(&s->card));
    if (s->queue != 0) {
        CHECK_OK(fh_queue_signal(d, s->queue, 1000));
    }
    if (!fh_device_is_lost(d)) {
        CHECK_OK(fh_device_tick(d));
        fh_parcel next[3] = {check_buffer(&s->card, KIB(10)), check_upload(&s->card, KIB(10)),
                             check_buffer(&s->card, MIB(6))};
        for (int i = 0; i < 3; i++) {
            CHECK_OK(fh_parcel_write(d, next[i], 0, steps, sizeof steps, NULL));
            check_release(&s->card, next[i]);
        }
    } else {
        fh_device_tick(d);
    }
    CHECK_OK(fh_pool_destroy(s->fixed));
    CHECK_OK(fh_pool_destroy(s->ring));
    check_scene(s, "the end", card_empty(&s->card));
    CHECK_EQUAL(s->calls_made, s->calls_asked);
    CHECK_EQUAL(s->externals_gone, s->externals_made);
    check_scene(s, "closing", card_close(&s->card));
}

/* How many calls of each kind the scenario makes when all is well. */
static void count_calls(uint64_t counts[FH_BACKEND_CALL_COUNT])
{
    scene *s = test_calloc(1, sizeof *s);
    prepare(s, NULL);
    check_open(&s->card);
    run(s);
    CHECK_EQUAL(s->failures, 0);
    for (uint32_t call = 0; call < FH_BACKEND_CALL_COUNT; call++) {
        counts[call] = card_calls(&s->card, (fh_backend_call)call);
    }
    end(s);
    test_free(s);
}

static void all_is_well_without_faults(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    /* The walk would prove nothing about what the scenario does not call. */
    for (uint32_t call = 0; call < FH_BACKEND_CALL_COUNT; call++) {
        assert_true(counts[call] > 0 || call == FH_BACKEND_CALL_MEMORY_IMPORT);
    }
}

/* What Freehold can do without, or can try again; staging memory, too. */
static bool can_be_made_good(const scene *s)
{
    return s->watched == FH_BACKEND_CALL_MEMORY_ALLOC || s->watched == FH_BACKEND_CALL_BUDGET ||
           s->watched == FH_BACKEND_CALL_PROGRESS || s->watched == FH_BACKEND_CALL_WAIT ||
           s->watched_in == copy_around;
}

static void every_backend_call_fails_once(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    scene *s = test_calloc(1, sizeof *s);
    for (uint32_t call = FH_BACKEND_CALL_ANY + 1; call < FH_BACKEND_CALL_COUNT; call++) {
        for (uint64_t nth = 1; nth <= counts[call]; nth++) {
            prepare(s, NULL);
            check_open(&s->card);
            s->allowed = FH_ERR_OUT_OF_MEMORY;
            s->watched = (fh_backend_call)call;
            s->watched_nth = nth;
            fh_fault fault = {.call = s->watched, .nth = nth};
            CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
            run(s);
            if (s->watched_in != NULL && s->failures == 0 && !can_be_made_good(s)) {
                fail_msg("call %u, number %" PRIu64 ": it failed, and nobody said so",
                         (unsigned int)call, nth);
            }
            end(s);
        }
    }
    test_free(s);
}

/* Everything of one kind fails from some call on: for a while, then the driver is well again. */
static void the_driver_fails_for_a_while(void **state)
{
    (void)state;
    static const fh_result results[] = {FH_ERR_OUT_OF_MEMORY, FH_ERR_HOST_MEMORY,
                                        FH_ERR_UNSUPPORTED};
    scene *s = test_calloc(1, sizeof *s);
    for (uint32_t call = FH_BACKEND_CALL_ANY; call < FH_BACKEND_CALL_COUNT; call++) {
        for (size_t i = 0; i < TEST_COUNT_OF(results); i++) {
            prepare(s, NULL);
            check_open(&s->card);
            s->allowed = results[i];
            for (size_t step = 0; step < TEST_COUNT_OF(steps); step++) {
                if (step == 4) {
                    fh_fault fault = {.call = (fh_backend_call)call, .result = results[i]};
                    CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
                }
                if (step == 12) {
                    fh_simulated_clear(s->card.backend);
                }
                steps[step].step(s);
                check_scene(s, steps[step].name, card_audit(&s->card));
            }
            end(s);
        }
    }
    test_free(s);
}

static void the_device_is_lost_at_every_call(void **state)
{
    (void)state;
    uint64_t counts[FH_BACKEND_CALL_COUNT];
    count_calls(counts);
    scene *s = test_calloc(1, sizeof *s);
    for (uint64_t nth = 1; nth <= counts[FH_BACKEND_CALL_ANY]; nth++) {
        prepare(s, NULL);
        check_open(&s->card);
        s->allowed = FH_ERR_DEVICE_LOST;
        fh_fault fault = {.kind = FH_FAULT_LOSE, .nth = nth};
        CHECK_OK(fh_simulated_fault(s->card.backend, &fault));
        run(s);
        if (card_calls(&s->card, FH_BACKEND_CALL_ANY) >= nth + 2) {
            assert_true(fh_device_is_lost(s->card.device));
        }
        end(s);
    }
    test_free(s);
}

/* Once, or all from then on until the scenario has ended. */
static void walk_host_memory(bool on)
{
    scene *s = test_calloc(1, sizeof *s);
    uint64_t allocations = UINT64_MAX;
    for (uint64_t nth = 1; nth <= allocations; nth++) {
        test_memory memory;
        test_memory_init(&memory);
        prepare(s, &memory.host);
        s->allowed = FH_ERR_HOST_MEMORY;
        memory.fail_at = nth;
        memory.fail_on = on;
        fh_result result = card_open(&s->card);
        if (result == FH_OK) {
            run(s);
            if (memory.failure_count == 0) {
                allocations = 0; /* that was all */
            }
            memory.fail_at = 0;
            end(s);
        } else {
            CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
            assert_null(s->card.device);
        }
        test_memory_finish(&memory);
    }
    test_free(s);
}

static void every_host_allocation_fails_once(void **state)
{
    (void)state;
    walk_host_memory(false);
}

static void host_memory_ends_at_every_allocation(void **state)
{
    (void)state;
    walk_host_memory(true);
}

/* ---- records ---- */

/* One of each sort that takes a slot in its own way. */
static fh_result make_sort(scene *s, int sort, fh_parcel *out)
{
    fh_device *d = s->card.device;
    fh_buffer_desc desc = card_buffer_desc(16);
    desc.memory.tag = s->tag;
    fh_texture_desc texture = {
        .format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .memory.tag = s->tag};
    fh_raw_desc raw = {.size = 16, .memory.tag = s->tag};
    fh_external_desc external = {.size = 16, .tag = s->tag};
    fh_parcel two[2] = {{0}, {0}};
    fh_result result;
    switch (sort) {
    case 0:
        return fh_buffer_create(d, &desc, out);
    case 1:
        return fh_texture_create(d, &texture, out);
    case 2:
        return fh_raw_create(d, &raw, out);
    case 3:
        return fh_external_create(d, &external, out);
    case 4:
        desc.memory.backing = s->raw;
        return fh_buffer_create(d, &desc, out);
    case 5:
        desc.memory.pool = s->ring;
        return fh_buffer_create(d, &desc, out);
    case 6:
        desc.memory.dedicated = FH_DEDICATED_REQUIRE;
        return fh_buffer_create(d, &desc, out);
    default:
        result = fh_raw_create_many(d, &raw, 2, two);
        *out = two[0];
        keep(s, two[1]);
        return result;
    }
}

/* The device has room for so many parcels, and host memory for no more: every way to make one says so
 * and leaves nothing behind. */
static void host_memory_for_parcels_ends(void **state)
{
    (void)state;
    for (int sort = 0; sort < 8; sort++) {
        scene *s = test_calloc(1, sizeof *s);
        test_memory memory;
        test_memory_init(&memory);
        prepare(s, &memory.host);
        check_open(&s->card);
        s->allowed = FH_ERR_HOST_MEMORY;
        make_pools(s);
        s->raw = check_raw(&s->card, &(fh_raw_desc){.size = 4096});
        fh_parcel first;
        CHECK_OK(make_sort(s, sort, &first));
        check_release(&s->card, first);
        static fh_parcel filled[4000];
        uint32_t count = 0;
        fh_external_desc external = {.size = 1};
        memory.fail_at = memory.alloc_count + 1;
        memory.fail_on = true;
        while (count < TEST_COUNT_OF(filled) &&
               fh_external_create(s->card.device, &external, &filled[count]) == FH_OK) {
            count++;
        }
        assert_true(count >= 100 && count < TEST_COUNT_OF(filled));
        uint64_t used = card_used(&s->card, FH_ACCOUNT_TAG, s->tag);
        for (int i = 0; i < 3; i++) {
            fh_parcel out = {99};
            CHECK_RESULT(make_sort(s, sort, &out), FH_ERR_HOST_MEMORY);
            CHECK_EQUAL(out.id, 0);
            CHECK_USED(&s->card, FH_ACCOUNT_TAG, s->tag, used);
            CHECK_NO_FAULT(card_audit(&s->card));
            CHECK_EQUAL(card_stats(&s->card).parcel_count, count + 1 + s->kept_count);
        }
        memory.fail_at = 0;
        CHECK_OK(make_sort(s, sort, &first));
        check_release(&s->card, first);
        while (count > 0) {
            check_release(&s->card, filled[--count]);
        }
        end(s);
        test_memory_finish(&memory);
        test_free(s);
    }
}

/* ---- locks ---- */

/* Asks for what takes every lock there is. Whoever calls out with one held waits for ever. */
static struct {
    fh_device *device;
    bool inside;
    uint64_t count;
    const fh_backend_ops *ops;
    test_memory *memory;
} probe;

static void look_around(void)
{
    if (probe.device == NULL || probe.inside) {
        return;
    }
    probe.inside = true;
    probe.count++;
    fh_device_stats stats;
    fh_account_info info;
    fh_tag tag;
    fh_device_get_stats(probe.device, &stats);
    fh_device_account(probe.device, (fh_account){FH_ACCOUNT_KIND, 0}, &info);
    fh_device_set_limit(probe.device, (fh_account){FH_ACCOUNT_KIND, FH_KIND_TRANSIENT}, GIB(1));
    fh_device_visit(probe.device, visit, NULL);
    fh_device_tag(probe.device, "scene", &tag);
    fh_queue_signal(probe.device, 2, 0);
    fh_device_policy_name(probe.device);
    probe.inside = false;
}

static fh_result probe_alloc(fh_backend_device *device, const fh_memory_request *request,
                             void *memory)
{
    look_around();
    return probe.ops->memory_alloc(device, request, memory);
}

static void probe_free(fh_backend_device *device, void *memory)
{
    look_around();
    probe.ops->memory_free(device, memory);
}

static fh_result probe_map(fh_backend_device *device, void *memory, void **out_pointer)
{
    look_around();
    return probe.ops->memory_map(device, memory, out_pointer);
}

static void probe_unmap(fh_backend_device *device, void *memory)
{
    look_around();
    probe.ops->memory_unmap(device, memory);
}

static fh_result probe_flush(fh_backend_device *device, void *memory, uint64_t offset,
                             uint64_t size)
{
    look_around();
    return probe.ops->memory_flush(device, memory, offset, size);
}

static fh_result probe_buffer(fh_backend_device *device, const fh_buffer_desc *desc, uint64_t size,
                              void *object, fh_requirements *out_requirements)
{
    look_around();
    return probe.ops->buffer_create(device, desc, size, object, out_requirements);
}

static fh_result probe_texture(fh_backend_device *device, const fh_texture_desc *desc, void *object,
                               fh_requirements *out_requirements)
{
    look_around();
    return probe.ops->texture_create(device, desc, object, out_requirements);
}

static fh_result probe_bind(fh_backend_device *device, void *object, void *memory, uint64_t offset)
{
    look_around();
    return probe.ops->bind(device, object, memory, offset);
}

static void probe_destroy(fh_backend_device *device, void *object)
{
    look_around();
    probe.ops->object_destroy(device, object);
}

static fh_result probe_budget(fh_backend_device *device, uint64_t tick, fh_heap_budget *out_budgets)
{
    look_around();
    return probe.ops->budget(device, tick, out_budgets);
}

static fh_result probe_submit(fh_backend_device *device, uint32_t queue,
                              const fh_backend_copy *copies, uint32_t copy_count,
                              const fh_epoch *waits, uint32_t wait_count, uint64_t *out_value)
{
    look_around();
    return probe.ops->submit(device, queue, copies, copy_count, waits, wait_count, out_value);
}

static fh_result probe_progress(fh_backend_device *device, uint32_t queue, uint64_t *out_value)
{
    look_around();
    return probe.ops->progress(device, queue, out_value);
}

static fh_result probe_wait(fh_backend_device *device, uint32_t queue, uint64_t value,
                            uint64_t timeout_ns)
{
    look_around();
    return probe.ops->wait(device, queue, value, timeout_ns);
}

static void *probe_host_alloc(void *context, size_t size, size_t alignment)
{
    (void)context;
    look_around();
    return probe.memory->host.alloc(probe.memory, size, alignment);
}

static void probe_host_free(void *context, void *memory, size_t size, size_t alignment)
{
    (void)context;
    look_around();
    probe.memory->host.free(probe.memory, memory, size, alignment);
}

static void no_lock_is_held_when_backend_and_host_are_called(void **state)
{
    (void)state;
    alarm(120); /* a lock that is held is waited for, for ever */
    probe.ops = fh_backend_find(NULL);
    fh_backend_ops ops = *probe.ops;
    ops.name = "probing";
    ops.memory_alloc = probe_alloc;
    ops.memory_free = probe_free;
    ops.memory_map = probe_map;
    ops.memory_unmap = probe_unmap;
    ops.memory_flush = probe_flush;
    ops.memory_invalidate = probe_flush; /* as far as locks go */
    ops.buffer_create = probe_buffer;
    ops.texture_create = probe_texture;
    ops.bind = probe_bind;
    ops.object_destroy = probe_destroy;
    ops.budget = probe_budget;
    ops.submit = probe_submit;
    ops.progress = probe_progress;
    ops.wait = probe_wait;
    test_memory memory;
    test_memory_init(&memory);
    probe.memory = &memory;
    fh_host_memory host = {probe_host_alloc, probe_host_free, NULL};
    scene *s = test_calloc(1, sizeof *s);
    prepare(s, &host);
    s->card.desc.ops = &ops;
    check_open(&s->card);
    probe.device = s->card.device;
    run(s);
    CHECK_EQUAL(s->failures, 0);
    assert_true(probe.count > 200);
    /* More parcels than the first records, tags that a lane has no room for, a device that is lost. */
    static fh_parcel many[3000];
    for (uint32_t i = 0; i < TEST_COUNT_OF(many); i++) {
        char name[16];
        fh_tag tag;
        snprintf(name, sizeof name, "tag %u", i % 100);
        CHECK_OK(fh_device_tag(s->card.device, name, &tag));
        fh_buffer_desc desc = card_buffer_desc(64);
        desc.memory.tag = tag;
        many[i] = check_make(&s->card, &desc);
    }
    for (uint32_t i = 0; i < TEST_COUNT_OF(many); i++) {
        check_release(&s->card, many[i]);
    }
    CHECK_OK(fh_simulated_fault(s->card.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    s->allowed = FH_ERR_DEVICE_LOST;
    fh_device_tick(s->card.device);
    s->fixed = s->ring = NULL;
    probe.device = NULL;
    CHECK_NO_FAULT(card_close(&s->card));
    test_memory_finish(&memory);
    test_free(s);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well_without_faults),
        cmocka_unit_test(every_backend_call_fails_once),
        cmocka_unit_test(the_driver_fails_for_a_while),
        cmocka_unit_test(the_device_is_lost_at_every_call),
        cmocka_unit_test(every_host_allocation_fails_once),
        cmocka_unit_test(host_memory_ends_at_every_allocation),
        cmocka_unit_test(host_memory_for_parcels_ends),
        cmocka_unit_test(no_lock_is_held_when_backend_and_host_are_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
