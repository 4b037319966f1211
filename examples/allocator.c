/* An allocator of another library in front of a device: small upload buffers lie where jemalloc
 * says.
 *
 * Why one would: an engine has an allocator that it knows, tunes and profiles. jemalloc cuts up any
 * address space that its *extent hooks* give it, and keeps its own bookkeeping elsewhere. So here
 * its extents are upload memory of the device (raw parcels, mapped all the time): regions. What it
 * hands out is an address for the CPU; its distance from the region's begin is an offset for the
 * GPU.
 *
 *     alias device --- fh_allocator_ops ---> jemalloc's arena: which piece?
 *          |                                      | extent hooks
 *          |  all other requests                  v
 *          '------------------------------> the device: regions of 2 MiB and more
 *
 * Freehold goes on doing the rest: the backend's objects, epochs (a buffer that is released stays
 * until the GPU is done with it, and only then its piece goes back to jemalloc), accounts, dumps.
 *
 * Build:  cc examples/allocator.c $(pkg-config --cflags --libs freehold jemalloc) */

#include <freehold/freehold.h>

#include <inttypes.h>
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

enum {
    SMALL = 64 * 1024, /* bytes: larger buffers are the device's own business */
    STEP = 256,        /* bytes: what every buffer of this device may be aligned to */
    REGIONS_MAX = 64,
    PIECES_MAX = 4096, /* a power of two */
    UNIFORMS = 1500
};

/* What should not fail ends the program with the library's own sentence. */
static void expect(fh_result result, const char *what)
{
    if (result != FH_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, fh_result_name(result), fh_error_detail());
        exit(EXIT_FAILURE);
    }
}

static void expect_true(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(EXIT_FAILURE);
    }
}

/* ---- the allocator's state ---- */

/* Upload memory that jemalloc has. */
typedef struct region {
    fh_parcel raw;      /* {0}: a free place */
    unsigned char *at;  /* where the CPU sees it */
    size_t size;        /* bytes */
    size_t returned;    /* bytes of it that jemalloc gave back */
    uint64_t at_offset; /* bytes from the raw parcel's begin to `at` */
} region;

/* Where a buffer lies. */
typedef struct piece {
    uint64_t parcel; /* its id; 0 = a free place */
    void *at;
} piece;

/* jemalloc calls the hooks with locks of its own held; this lock is a leaf. */
typedef struct library {
    extent_hooks_t hooks; /* first: a hook gets its address, and has the library's with it */
    fh_device *device;    /* the one under the alias */
    unsigned arena;       /* jemalloc's number for it */
    pthread_mutex_t lock; /* guards all below */
    region regions[REGIONS_MAX];
    piece pieces[PIECES_MAX]; /* a hash table, by parcel */
    uint32_t piece_count;
} library;

static int arena_flags(const library *self)
{
    return MALLOCX_ARENA(self->arena) | MALLOCX_ALIGN(STEP) | MALLOCX_TCACHE_NONE;
}

/* "arena.<its number>.<what>": jemalloc's controls have names. */
static void control(const library *self, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "arena.%u.%s", self->arena, what);
    expect_true(mallctl(name, NULL, NULL, NULL, 0) == 0, name);
}

/* ---- extents: from the device to jemalloc and back ---- */

static bool take_place(library *self, const region *taken)
{
    bool found = false;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < REGIONS_MAX && !found; i++) {
        if (self->regions[i].raw.id == 0) {
            self->regions[i] = *taken;
            found = true;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

static void *extent_alloc(extent_hooks_t *hooks, void *wished, size_t size, size_t alignment,
                          bool *zero, bool *commit, unsigned arena)
{
    library *self = (library *)hooks;
    /* The device aligns offsets, jemalloc wants an address aligned: so take some more. */
    fh_raw_desc desc = {
        .size = size + alignment,
        .memory = {.location = FH_LOCATION_UPLOAD, .mapped = true, .name = "jemalloc region"}};
    region taken = {.size = size};
    void *begin;
    (void)arena;
    if (wished || fh_raw_create(self->device, &desc, &taken.raw) != FH_OK) {
        return NULL;
    }
    if (fh_parcel_map(self->device, taken.raw, &begin) == FH_OK) {
        uintptr_t address = (uintptr_t)begin;
        taken.at_offset = (alignment - address % alignment) % alignment;
        taken.at = (unsigned char *)begin + taken.at_offset;
        if (take_place(self, &taken)) {
            *zero = false;
            *commit = true;
            return taken.at;
        }
    }
    fh_parcel_release(self->device, taken.raw);
    return NULL;
}

static region *region_of(library *self, const void *at)
{
    for (int i = 0; i < REGIONS_MAX; i++) {
        region *candidate = &self->regions[i];
        uintptr_t distance = (uintptr_t)at - (uintptr_t)candidate->at;
        if (candidate->raw.id != 0 && distance < candidate->size) {
            return candidate;
        }
    }
    return NULL;
}

/* jemalloc gives back what it likes, perhaps a part. The device gets a region back when all its
 * parts have come. False means: taken. */
static bool extent_dalloc(extent_hooks_t *hooks, void *at, size_t size, bool committed,
                          unsigned arena)
{
    library *self = (library *)hooks;
    fh_parcel whole = {0};
    (void)committed;
    (void)arena;
    pthread_mutex_lock(&self->lock);
    region *home = region_of(self, at);
    home->returned += size;
    if (home->returned == home->size) {
        whole = home->raw;
        *home = (region){.size = 0};
    }
    pthread_mutex_unlock(&self->lock);
    fh_parcel_release(self->device, whole); /* {0} is a no-op */
    return false;
}

static void extent_destroy(extent_hooks_t *hooks, void *at, size_t size, bool committed,
                           unsigned arena)
{
    (void)extent_dalloc(hooks, at, size, committed, arena);
}

/* Extents may be cut anywhere, and put together again in one region. False means: done. */
static bool extent_split(extent_hooks_t *hooks, void *at, size_t size, size_t size_a, size_t size_b,
                         bool committed, unsigned arena)
{
    (void)hooks;
    (void)at;
    (void)size;
    (void)size_a;
    (void)size_b;
    (void)committed;
    (void)arena;
    return false;
}

static bool extent_merge(extent_hooks_t *hooks, void *at_a, size_t size_a, void *at_b,
                         size_t size_b, bool committed, unsigned arena)
{
    library *self = (library *)hooks;
    (void)size_a;
    (void)size_b;
    (void)committed;
    (void)arena;
    pthread_mutex_lock(&self->lock);
    bool same = region_of(self, at_a) == region_of(self, at_b);
    pthread_mutex_unlock(&self->lock);
    return !same;
}

/* ---- pieces: which buffer lies where ---- */

static uint32_t place_of(uint64_t parcel)
{
    return (uint32_t)((parcel * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % PIECES_MAX;
}

/* False: the table is full. */
static bool remember(library *self, uint64_t parcel, void *at)
{
    pthread_mutex_lock(&self->lock);
    bool room = self->piece_count < PIECES_MAX / 2;
    if (room) {
        uint32_t i = place_of(parcel);
        while (self->pieces[i].parcel != 0) {
            i = (i + 1) % PIECES_MAX;
        }
        self->pieces[i] = (piece){parcel, at};
        self->piece_count++;
    }
    pthread_mutex_unlock(&self->lock);
    return room;
}

/* The piece of a parcel that is gone; NULL when it had none. *out_last: no other is left. */
static void *forget(library *self, uint64_t parcel, bool *out_last)
{
    void *at = NULL;
    pthread_mutex_lock(&self->lock);
    uint32_t i = place_of(parcel);
    while (self->pieces[i].parcel != 0 && self->pieces[i].parcel != parcel) {
        i = (i + 1) % PIECES_MAX;
    }
    if (self->pieces[i].parcel != 0) {
        at = self->pieces[i].at;
        self->piece_count--;
        /* Close the gap: those behind it that would not be found any more move up. */
        uint32_t gap = i;
        for (i = (i + 1) % PIECES_MAX; self->pieces[i].parcel != 0; i = (i + 1) % PIECES_MAX) {
            uint32_t home = place_of(self->pieces[i].parcel);
            if ((i - home) % PIECES_MAX >= (i - gap) % PIECES_MAX) {
                self->pieces[gap] = self->pieces[i];
                gap = i;
            }
        }
        self->pieces[gap] = (piece){0, NULL};
    }
    *out_last = at && self->piece_count == 0;
    pthread_mutex_unlock(&self->lock);
    return at;
}

/* An observer: the GPU is done with a parcel, and its memory is free. notify_freed would say how
 * many bytes, this says which parcel. */
static void on_freed(void *context, fh_device *device, const fh_event *event)
{
    library *self = context;
    bool last;
    void *at = forget(self, event->parcel.id, &last);
    (void)device;
    if (at) {
        dallocx(at, arena_flags(self));
    }
    if (last) {
        control(self, "purge"); /* nothing lies there any more: give the regions back */
    }
}

/* ---- the table ---- */

static fh_result alloc_buffer(void *context, fh_device *base, const fh_buffer_desc *desc,
                              fh_parcel *out_buffer)
{
    library *self = context;
    fh_buffer_desc laid = *desc;
    uint64_t size = desc->capacity > desc->size ? desc->capacity : desc->size;
    if (desc->memory.location != FH_LOCATION_UPLOAD || size > SMALL || desc->memory.pool ||
        desc->memory.backing.id != 0 || desc->memory.dedicated >= FH_DEDICATED_PREFER) {
        return fh_buffer_create(base, desc, out_buffer);
    }
    void *at = mallocx((size_t)(size + STEP - 1) / STEP * STEP, arena_flags(self));
    if (!at) {
        return fh_buffer_create(base, desc, out_buffer);
    }
    pthread_mutex_lock(&self->lock);
    const region *home = region_of(self, at);
    laid.memory.backing = home->raw;
    laid.memory.backing_offset = home->at_offset + (uint64_t)((unsigned char *)at - home->at);
    pthread_mutex_unlock(&self->lock);
    fh_result result = fh_buffer_create(base, &laid, out_buffer);
    if (result == FH_OK && remember(self, out_buffer->id, at)) {
        return FH_OK;
    }
    /* A driver that wants other memory for this one, or no place to remember it in. */
    fh_parcel_release(base, *out_buffer);
    dallocx(at, arena_flags(self));
    return fh_buffer_create(base, desc, out_buffer);
}

/* What jemalloc has in stock is given back when memory is short, and when the alias goes. */
static void drain(void *context, fh_device *base)
{
    library *self = context;
    (void)base;
    control(self, "purge");
}

static uint64_t allocated_bytes(void *context)
{
    library *self = context;
    uint64_t sum = 0;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < REGIONS_MAX; i++) {
        sum += self->regions[i].size;
    }
    pthread_mutex_unlock(&self->lock);
    return sum;
}

/* The alias and the last of its parcels are gone. */
static void destroy(void *context)
{
    library *self = context;
    control(self, "destroy");
    puts("jemalloc's arena is gone");
}

static const fh_allocator_ops ops = {
    .name = "jemalloc",
    .alloc_buffer = alloc_buffer,
    .allocated_bytes = allocated_bytes,
    .drain = drain,
    .destroy = destroy,
    /* What is not here goes to the device as if there were no allocator. */
};

/* An alias of `device`, which is no alias itself. `self` stays until the device is destroyed. */
static fh_device *put_in_front(library *self, fh_device *device)
{
    char name[64];
    size_t length = sizeof self->arena;
    ssize_t never = -1;
    void *hooks = &self->hooks;
    fh_device *alias;
    uint32_t observer;
    *self = (library){.hooks = {.alloc = extent_alloc,
                                .dalloc = extent_dalloc,
                                .destroy = extent_destroy,
                                .split = extent_split,
                                .merge = extent_merge},
                      .device = device};
    pthread_mutex_init(&self->lock, NULL);
    /* The arena first and its hooks then: so its bookkeeping is in ordinary memory. And let it keep
     * what is freed until `purge`, in large pieces. */
    expect_true(mallctl("arenas.create", &self->arena, &length, NULL, 0) == 0, "arenas.create");
    snprintf(name, sizeof name, "arena.%u.extent_hooks", self->arena);
    expect_true(mallctl(name, NULL, NULL, &hooks, sizeof hooks) == 0, name);
    snprintf(name, sizeof name, "arena.%u.dirty_decay_ms", self->arena);
    expect_true(mallctl(name, NULL, NULL, &never, sizeof never) == 0, name);
    expect(fh_device_observe(device, FH_EVENT_PARCEL_FREED, on_freed, self, &observer), "observe");
    expect(fh_device_with_allocator(device, &ops, self, &alias), "alias");
    return alias;
}

/* ---- a program that uses it, and need not know ---- */

static void print_state(const char *title, fh_device *alias)
{
    fh_device_stats stats;
    expect(fh_device_get_stats(alias, &stats), "stats");
    printf("%-30s %5" PRIu64 " parcels in %5.2f MiB of ranges, %s has %.2f of them\n", title,
           stats.parcel_count, (double)stats.total.stats.range_bytes / (double)MIB,
           fh_device_allocator_name(alias), (double)fh_device_allocated_bytes(alias) / (double)MIB);
}

static uint64_t uniform_size(uint32_t i)
{
    return STEP * (UINT64_C(1) + i * i % 17);
}

static void make_uniforms(fh_device *device, fh_parcel uniforms[UNIFORMS])
{
    for (uint32_t i = 0; i < UNIFORMS; i++) {
        fh_buffer_desc desc = {.size = uniform_size(i),
                               .usage = FH_USAGE_UNIFORM,
                               .memory = {.location = FH_LOCATION_UPLOAD}};
        unsigned char *bytes;
        void *pointer;
        expect(fh_buffer_create(device, &desc, &uniforms[i]), "a uniform buffer");
        expect(fh_parcel_map(device, uniforms[i], &pointer), "map");
        bytes = pointer;
        memset(bytes, (int)(i % 251), (size_t)desc.size);
        expect(fh_parcel_unmap(device, uniforms[i]), "unmap");
    }
}

/* No two overlap: each has what was written into it. */
static void check_uniforms(fh_device *device, const fh_parcel uniforms[UNIFORMS])
{
    for (uint32_t i = 0; i < UNIFORMS; i++) {
        unsigned char byte[2];
        uint64_t size = uniform_size(i);
        expect(fh_parcel_read(device, uniforms[i], 0, &byte[0], 1, 0), "read");
        expect(fh_parcel_read(device, uniforms[i], size - 1, &byte[1], 1, 0), "read");
        expect_true(byte[0] == i % 251 && byte[1] == i % 251, "two buffers overlap");
    }
}

int main(void)
{
    static library jemalloc;
    static fh_parcel uniforms[UNIFORMS];
    fh_device *device;
    uint32_t graphics;
    expect(fh_device_create(&(fh_device_desc){0}, &device), "device");
    expect(fh_queue_add(device, "graphics", &graphics), "queue");
    fh_device *alias = put_in_front(&jemalloc, device);
    printf("jemalloc %.5s in front of %s\n\n", JEMALLOC_VERSION, fh_device_adapter(alias)->name);

    make_uniforms(alias, uniforms);
    print_state("uniform buffers made", alias);
    check_uniforms(alias, uniforms);

    fh_parcel_info info;
    expect(fh_parcel_get(alias, uniforms[7], &info), "info");
    expect_true(info.backing.id != 0, "buffer 7 does not lie on a region");
    printf("%-30s %" PRIu64 " bytes at offset %" PRIu64 ", on a region; it reserves %" PRIu64 "\n",
           "buffer 7 of them", info.committed, info.offset, info.reserved);

    /* Device memory and textures never come to jemalloc. */
    fh_parcel mesh;
    expect(fh_buffer_create(
               alias, &(fh_buffer_desc){.size = MIB, .usage = FH_USAGE_VERTEX | FH_USAGE_COPY_DST},
               &mesh),
           "a mesh");
    print_state("and a mesh of 1 MiB", alias);

    /* Half of them are released, but the GPU reads them in frame 1. */
    for (uint32_t i = 0; i < UNIFORMS; i += 2) {
        expect(fh_device_retire(alias, uniforms[i], &(fh_epoch){graphics, 1}, 1), "retire");
    }
    print_state("every second one retires", alias);
    expect(fh_queue_signal(alias, graphics, 1), "signal");
    expect(fh_device_tick(alias), "tick");
    print_state("frame 1 is done", alias);

    /* Their places are used again: nothing is asked of the device. */
    uint64_t before = fh_device_allocated_bytes(alias);
    for (uint32_t i = 0; i < UNIFORMS; i += 2) {
        fh_buffer_desc desc = {
            .size = STEP, .usage = FH_USAGE_UNIFORM, .memory = {.location = FH_LOCATION_UPLOAD}};
        expect(fh_buffer_create(alias, &desc, &uniforms[i]), "a uniform buffer");
    }
    print_state("small ones take their places", alias);
    expect_true(fh_device_allocated_bytes(alias) == before, "jemalloc used no place again");

    /* The alias may go first: each parcel remembers who made it. */
    fh_device_destroy(alias);
    for (uint32_t i = 0; i < UNIFORMS; i++) {
        expect(fh_parcel_release(device, uniforms[i]), "release");
    }
    expect(fh_parcel_release(device, mesh), "release");
    expect_true(fh_device_allocated_bytes(device) == 0, "something stayed behind");
    fh_device_destroy(device);
    pthread_mutex_destroy(&jemalloc.lock);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
