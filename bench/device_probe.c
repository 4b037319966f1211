#include "device_probe.h"

#include <freehold/freehold.h>

#include <stdio.h>
#include <stdlib.h>

#define KIB(n) ((uint64_t)(n) << 10)

enum {
    BATCH = 1000, /* parcels that retire together */
    SMALL = 256   /* bytes */
};

/* What a scene is to have. */
typedef struct scene_desc {
    uint32_t live_count;         /* small buffers that live in it all the time */
    const fh_allocator_ops *ops; /* what is called is an alias with this; NULL = no alias */
} scene_desc;

typedef struct scene {
    fh_device *device; /* what is called */
    fh_device *base;   /* NULL: no alias */
    fh_parcel upload;  /* a buffer that the CPU can write, not mapped */
    fh_parcel mapped;  /* the same, and mapped all the time */
    fh_parcel batch[BATCH];
    uint32_t queue; /* of the program's own */
    uint64_t value; /* its last */
    uint64_t called;
} scene;

static void scene_destroy(void *data)
{
    scene *self = data;
    fh_device_destroy(self->device);
    fh_device_destroy(self->base);
    free(self);
}

static bool scene_init(scene *self, const scene_desc *desc)
{
    fh_buffer_desc small = {.size = SMALL, .usage = FH_USAGE_STORAGE};
    fh_buffer_desc upload = {
        .size = KIB(16),
        .usage = FH_USAGE_UNIFORM,
        .memory = {.location = FH_LOCATION_UPLOAD,
                   .dedicated = FH_DEDICATED_REQUIRE}}; /* not mapped by others */
    bool ok = fh_device_create(&(fh_device_desc){0}, &self->device) == FH_OK;
    if (ok && desc->ops) {
        self->base = self->device;
        self->device = NULL;
        ok = fh_device_with_allocator(self->base, desc->ops, NULL, &self->device) == FH_OK;
    }
    ok = ok && fh_queue_add(self->device, "bench", &self->queue) == FH_OK &&
         fh_buffer_create(self->device, &upload, &self->upload) == FH_OK;
    upload.memory.mapped = true;
    ok = ok && fh_buffer_create(self->device, &upload, &self->mapped) == FH_OK;
    for (uint32_t i = 0; ok && i < desc->live_count; i++) {
        fh_parcel parcel; /* goes with the device */
        ok = fh_buffer_create(self->device, &small, &parcel) == FH_OK;
    }
    return ok;
}

static void *scene_create(const void *argument)
{
    scene *self = calloc(1, sizeof *self);
    if (self && !scene_init(self, argument)) {
        fprintf(stderr, "bench: %s\n", fh_error_detail());
        scene_destroy(self);
        return NULL;
    }
    return self;
}

/* ---- what does not grow with what lives ---- */

static bool run_stats(void *data, uint32_t count)
{
    scene *self = data;
    fh_device_stats stats;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_device_get_stats(self->device, &stats) == FH_OK && ok;
    }
    return ok;
}

static bool run_account(void *data, uint32_t count)
{
    scene *self = data;
    fh_account account = {FH_ACCOUNT_KIND, FH_KIND_BUFFER};
    fh_account_info info;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_device_account(self->device, account, &info) == FH_OK && ok;
    }
    return ok;
}

static bool run_tick(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_device_tick(self->device) == FH_OK && ok;
    }
    return ok;
}

static const scene_desc few = {.live_count = 100};
static const scene_desc many = {.live_count = 1000000};

#define PROBE(name_, ops, run_, scene_)                                                            \
    .name = (name_), .op_count = (ops), .create = scene_create, .destroy = scene_destroy,          \
    .argument = &(scene_), .run = (run_)

static const bench_probe stats_probes[] = {
    {PROBE("fh_device_get_stats, 100 live", 2000, run_stats, few)},
    {PROBE("fh_device_get_stats, 1,000,000 live", 2000, run_stats, many), .against = 1, .asked = 2},
    {PROBE("fh_device_account, 100 live", 20000, run_account, few)},
    {PROBE("fh_device_account, 1,000,000 live", 20000, run_account, many), .against = 3,
     .asked = 2},
    {PROBE("fh_device_tick with nothing to do, 100 live", 2000, run_tick, few)},
    {PROBE("fh_device_tick with nothing to do, 1,000,000", 2000, run_tick, many), .against = 5,
     .asked = 2},
    {.name = NULL},
};

/* ---- calls on one parcel ---- */

static bool map_unmap(scene *self, fh_parcel parcel, uint32_t count)
{
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        void *pointer;
        ok = fh_parcel_map(self->device, parcel, &pointer) == FH_OK && ok;
        ok = fh_parcel_unmap(self->device, parcel) == FH_OK && ok;
    }
    return ok;
}

static bool run_map(void *data, uint32_t count)
{
    scene *self = data;
    return map_unmap(self, self->upload, count);
}

static bool run_map_again(void *data, uint32_t count)
{
    scene *self = data;
    return map_unmap(self, self->mapped, count);
}

static bool run_acquire(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_parcel_acquire(self->device, self->upload) == FH_OK && ok;
        ok = fh_parcel_release(self->device, self->upload) == FH_OK && ok;
    }
    return ok;
}

static bool run_get(void *data, uint32_t count)
{
    scene *self = data;
    fh_parcel_info info;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_parcel_get(self->device, self->upload, &info) == FH_OK && ok;
    }
    return ok;
}

static bool run_view(void *data, uint32_t count)
{
    scene *self = data;
    fh_view view;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_view_make(self->device, self->upload, 0, 16, &view) == FH_OK && ok;
        ok = fh_view_check(self->device, &view) == FH_OK && ok;
    }
    return ok;
}

static bool run_use(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        fh_epoch epoch = {self->queue, ++self->value};
        ok = fh_parcel_use(self->device, self->mapped, epoch) == FH_OK && ok;
    }
    return ok && fh_queue_signal(self->device, self->queue, self->value) == FH_OK;
}

static bool run_write(void *data, uint32_t count)
{
    static const unsigned char bytes[SMALL];
    scene *self = data;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_parcel_write(self->device, self->mapped, 0, bytes, SMALL, NULL) == FH_OK && ok;
    }
    return ok;
}

static const scene_desc empty_scene = {0};

static const bench_probe call_probes[] = {
    {PROBE("fh_parcel_acquire, _release", 50000, run_acquire, empty_scene)},
    {PROBE("fh_view_make, _check", 50000, run_view, empty_scene)},
    {PROBE("fh_parcel_get", 50000, run_get, empty_scene)},
    {PROBE("fh_parcel_map, _unmap of memory that is mapped", 50000, run_map_again, empty_scene)},
    {PROBE("fh_parcel_map, _unmap, the backend asked", 20000, run_map, empty_scene)},
    {PROBE("fh_parcel_use", 50000, run_use, empty_scene)},
    {PROBE("fh_parcel_write of 256 bytes, directly", 20000, run_write, empty_scene)},
    {.name = NULL},
};

/* ---- retiring ---- */

static bool make_batch(scene *self)
{
    const fh_buffer_desc desc = {.size = SMALL, .usage = FH_USAGE_STORAGE};
    bool ok = true;
    for (uint32_t i = 0; i < BATCH; i++) {
        ok = fh_buffer_create(self->device, &desc, &self->batch[i]) == FH_OK && ok;
    }
    return ok;
}

/* `count` is a multiple of BATCH, as is a tenth of it. */
static bool run_release(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    for (; count >= BATCH; count -= BATCH) {
        ok = make_batch(self) && ok;
        for (uint32_t i = 0; i < BATCH; i++) {
            ok = fh_parcel_release(self->device, self->batch[i]) == FH_OK && ok;
        }
        ok = fh_device_tick(self->device) == FH_OK && ok;
    }
    return ok;
}

static bool run_retire(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    for (; count >= BATCH; count -= BATCH) {
        fh_epoch epoch = {self->queue, ++self->value};
        ok = make_batch(self) && ok;
        for (uint32_t i = 0; i < BATCH; i++) {
            ok = fh_device_retire(self->device, self->batch[i], &epoch, 1) == FH_OK && ok;
        }
        ok = fh_queue_signal(self->device, self->queue, self->value) == FH_OK && ok;
        ok = fh_device_tick(self->device) == FH_OK && ok;
    }
    return ok;
}

static void note_call(void *context)
{
    scene *self = context;
    self->called++;
}

static bool run_retire_call(void *data, uint32_t count)
{
    scene *self = data;
    bool ok = true;
    uint64_t expected = self->called + count;
    for (; count >= BATCH; count -= BATCH) {
        fh_epoch epoch = {self->queue, ++self->value};
        for (uint32_t i = 0; i < BATCH; i++) {
            ok = fh_device_retire_call(self->device, note_call, self, &epoch, 1) == FH_OK && ok;
        }
        ok = fh_queue_signal(self->device, self->queue, self->value) == FH_OK && ok;
        ok = fh_device_tick(self->device) == FH_OK && ok;
    }
    return ok && self->called == expected;
}

static const bench_probe retire_probes[] = {
    {PROBE("create and release", 10 * BATCH, run_release, empty_scene)},
    {PROBE("create, retire at an epoch, signal", 10 * BATCH, run_retire, empty_scene),
     .against = 1},
    {PROBE("fh_device_retire_call, signal", 10 * BATCH, run_retire_call, empty_scene)},
    {.name = NULL},
};

/* ---- an alias ---- */

static bool run_pair(void *data, uint32_t count)
{
    scene *self = data;
    const fh_buffer_desc desc = {.size = SMALL, .usage = FH_USAGE_STORAGE};
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        fh_parcel parcel;
        ok = fh_buffer_create(self->device, &desc, &parcel) == FH_OK && ok;
        ok = fh_parcel_release(self->device, parcel) == FH_OK && ok;
    }
    return ok;
}

static fh_result delegate(void *context, fh_device *base, const fh_buffer_desc *desc,
                          fh_parcel *out_buffer)
{
    (void)context;
    return fh_buffer_create(base, desc, out_buffer);
}

static const fh_allocator_ops no_ops = {.name = "empty"};
static const fh_allocator_ops delegating_ops = {.name = "delegating", .alloc_buffer = delegate};
static const scene_desc empty_alias = {.ops = &no_ops};
static const scene_desc delegating_alias = {.ops = &delegating_ops};

static const bench_probe alias_probes[] = {
    {PROBE("buffer, no allocator", 50000, run_pair, empty_scene)},
    {PROBE("buffer, alias with an empty table", 50000, run_pair, empty_alias), .against = 1},
    {PROBE("buffer, alias that delegates", 50000, run_pair, delegating_alias), .against = 1},
    {.name = NULL},
};

const bench_probe_group bench_device_probes[] = {
    {"stats", "what must not grow with what lives", stats_probes},
    {"calls", "calls on one buffer", call_probes},
    {"retire", "1,000 buffers at a time, a tick after each thousand; ns each", retire_probes},
    {"alias", "one small buffer, created and released", alias_probes},
    {.name = NULL},
};
