/* A long scenario on a device: pools, buffers, textures, raw memory and what lies on it, maps,
 * copies, resizes, frames, policies, an alias; whose steps may fail as they were made to, and no
 * otherwise. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_SCENE_H
#define FREEHOLD_TESTS_SCENE_H

#include "card_checks.h"

#include <inttypes.h>

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

static inline bool complain(scene *s, const char *what, fh_result result)
{
    if (s->fault[0] == '\0') {
        snprintf(s->fault, sizeof s->fault, "%s: %s, %s", what, fh_result_name(result),
                 fh_error_detail());
    }
    return false;
}

/* Whether a step succeeded. It may fail only as it was made to, and with a sentence. */
static inline bool went(scene *s, const char *what, fh_result result)
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

static inline void keep(scene *s, fh_parcel parcel)
{
    if (parcel.id != 0 && s->kept_count < KEPT) {
        s->kept[s->kept_count++] = parcel;
    }
}

/* A step that makes a parcel: a handle if and only if it succeeded. */
static inline fh_parcel made(scene *s, const char *what, fh_result result, fh_parcel parcel)
{
    if (went(s, what, result) ? parcel.id == 0 : parcel.id != 0) {
        complain(s, what, result);
    }
    return parcel;
}

static inline fh_parcel buffer(scene *s, const char *what, const fh_buffer_desc *desc)
{
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(s->card.device, desc, &out);
    return made(s, what, result, out);
}

/* ---- steps ---- */

static inline void make_pools(scene *s)
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

static inline void make_buffers(scene *s)
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

static inline void make_textures(scene *s)
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

static inline void destroyed(void *context, void *user)
{
    (void)user;
    ((scene *)context)->externals_gone++;
}

static inline void make_raw(scene *s)
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

static inline void map_and_write(scene *s)
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
static inline void copy_around(scene *s)
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

static inline void resize(scene *s)
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

static inline void called(void *context)
{
    ((scene *)context)->calls_made++;
}

/* A frame: some parcels are used and let go, new ones made, the queue goes on. */
static inline void frame(scene *s)
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

static inline void set_policies(scene *s)
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

static inline void go_through_alias(scene *s)
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

static inline bool visit(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)context;
    return parcel.id != 0 && info->reference_count < 1000;
}

static inline void look(scene *s)
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
static inline void let_go(scene *s, fh_parcel *parcel)
{
    fh_result result = fh_parcel_release(s->card.device, *parcel);
    if (result != FH_OK) {
        complain(s, "release", result);
    }
    *parcel = (fh_parcel){0};
}

static inline void let_some_go(scene *s)
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

static inline void check_scene(scene *s, const char *where, const char *fault)
{
    fault = fault != NULL ? fault : s->fault[0] != '\0' ? s->fault : NULL;
    if (fault != NULL) {
        fail_msg("%s: %s", where, fault);
    }
}

/* mobile-like: memory that is not coherent, so that flushes are calls. */
static inline void prepare(scene *s, fh_host_memory *memory)
{
    memset(s, 0, sizeof *s);
    card_small(&s->card);
    s->card.profile.types[CARD_WRITTEN].flags = FH_MEMORY_HOST_VISIBLE;
    /* Long enough that somebody has to wait, however busy the machine is: of 30 us, a slow one saw
     * the end before it came to waiting, and no wait was walked. */
    s->card.profile.copy_latency_ns = 1000 * 1000;
    s->card.desc.block_size = MIB(1);
    s->card.desc.retain_ticks = 3;
    s->card.desc.memory = memory;
}

static inline void run(scene *s)
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
static inline void end(scene *s)
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

#endif
