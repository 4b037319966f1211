/* A device from open to close: limits, tagged buffers and textures, uploads, frames that are in
 * flight, what is refused and why, statistics, and a dump.
 *
 * The backend is "host": a GPU that is simulated in this program's own memory. Nothing has to be
 * installed for it, and what is written can be read back. An engine's code is the same, but for the
 * queue: here the program plays the GPU, and says itself which frames are done.
 *
 * Build:  cc examples/device.c $(pkg-config --cflags --libs freehold)
 * Run:    ./a.out [FILE]                          (FILE gets the dump, as JSON) */

#include <freehold/freehold.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

enum {
    MESHES = 24,
    STREAMED = 48, /* textures that come and go */
    FRAMES = 16,
    IN_FLIGHT = 2, /* frames that the GPU is behind */
    BAR_WIDTH = 48
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

/* The same numbers on every machine. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (double)MIB;
}

static fh_account_info account_of(fh_device *device, fh_account_scope scope, uint32_t index)
{
    fh_account_info info;
    expect(fh_device_account(device, (fh_account){scope, index}, &info), "account");
    return info;
}

/* ---- the device ---- */

static void print_adapter(const fh_device *device)
{
    const fh_adapter_info *adapter = fh_device_adapter(device);
    printf("%s, through the backend \"%s\"\n", adapter->name, adapter->backend);
    for (uint32_t i = 0; i < adapter->heap_count; i++) {
        printf("  heap %" PRIu32 "  %8.0f MiB  %s\n", i, mib(adapter->heaps[i].size),
               adapter->heaps[i].device_local ? "the GPU's own" : "the host's");
    }
}

/* ---- what stays: meshes ---- */

/* Buffers of the GPU's own memory are written through staging memory, which is recycled when the
 * copy has passed. The handle is good at once: what is submitted later finds the bytes there. */
static void load_meshes(fh_device *device, fh_tag tag, fh_parcel meshes[MESHES])
{
    static unsigned char vertices[512 * 1024];
    uint64_t seed = 2024;
    for (int i = 0; i < MESHES; i++) {
        char name[32];
        uint64_t size = 64 * KIB + draw(&seed, 448 * KIB) / 16 * 16;
        snprintf(name, sizeof name, "mesh %d", i);
        fh_buffer_desc desc = {.size = size,
                               .usage = FH_USAGE_VERTEX | FH_USAGE_COPY,
                               .memory = {.tag = tag, .name = name}};
        memset(vertices, i + 1, (size_t)size);
        expect(fh_buffer_create(device, &desc, &meshes[i]), "a mesh");
        expect(fh_parcel_write(device, meshes[i], 0, vertices, size, NULL), "its upload");
    }
    unsigned char back[16];
    expect(fh_parcel_read(device, meshes[5], 1000, back, sizeof back, FH_WAIT_FOREVER), "read");
    expect_true(back[0] == 6 && back[15] == 6, "a mesh came back other than it was written");
}

/* ---- what comes and goes: textures, frame by frame ---- */

/* When the limit leaves no room for a texture, one of half the width is tried, and so on: a refusal
 * is no mistake, but a question to the program. Returns how often it had to be halved. */
static int stream_in(fh_device *device, fh_tag tag, uint32_t width, fh_parcel *out_texture)
{
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                            .width = width,
                            .height = width,
                            .mips = 6,
                            .memory = {.tag = tag, .name = "streamed"}};
    int halved = 0;
    fh_result result = fh_texture_create(device, &desc, out_texture);
    while (result == FH_ERR_BUDGET && desc.width > 64) {
        desc.width = desc.height = desc.width / 2;
        halved++;
        result = fh_texture_create(device, &desc, out_texture);
    }
    if (result != FH_ERR_BUDGET) {
        expect(result, "a texture");
    }
    return halved;
}

/* One row of the picture: what lives, what was released and waits for the GPU, what is still free
 * below the limit. */
static void print_frame(fh_device *device, fh_tag tag, uint64_t frame, int smaller)
{
    fh_account_info info = account_of(device, FH_ACCOUNT_TAG, tag);
    uint64_t live = info.used - info.retiring;
    printf("  frame %2" PRIu64 " |", frame);
    for (uint64_t i = 0; i < BAR_WIDTH; i++) {
        uint64_t at = (2 * i + 1) * info.limit / (2 * (uint64_t)BAR_WIDTH);
        putchar(at < live ? '#' : at < info.used ? '~' : '.');
    }
    printf("| %4.1f + %4.1f MiB", mib(live), mib(info.retiring));
    if (smaller > 0) {
        printf(", %d smaller than wished", smaller);
    }
    printf("\n");
}

static void run_frames(fh_device *device, fh_tag tag, uint32_t queue)
{
    fh_parcel live[STREAMED] = {{0}};
    uint64_t seed = 7;
    int smaller_ever = 0;
    printf(
        "\ntextures stream through a limit of 64 MiB   # lives   ~ waits for the GPU   . free\n");
    for (uint64_t frame = 1; frame <= FRAMES; frame++) {
        int smaller = 0;
        for (int i = 0; i < 12; i++) {
            fh_parcel *slot = &live[draw(&seed, STREAMED)];
            /* The GPU draws with it in this frame; after that it is not needed. The memory stays
             * until the frame is done, and the handle is stale at once. */
            expect(fh_device_retire(device, *slot, &(fh_epoch){queue, frame}, slot->id ? 1 : 0),
                   "retire");
            *slot = (fh_parcel){0};
            uint32_t width = 256U << draw(&seed, 3);
            smaller += stream_in(device, tag, width, slot) > 0 ? 1 : 0;
        }
        print_frame(device, tag, frame, smaller);
        smaller_ever += smaller;
        /* The end of the frame. The GPU is some frames behind. */
        if (frame > IN_FLIGHT) {
            expect(fh_queue_signal(device, queue, frame - IN_FLIGHT), "signal");
        }
        expect(fh_device_tick(device), "tick");
    }
    expect_true(smaller_ever > 0, "the limit was never met");
    for (int i = 0; i < STREAMED; i++) {
        expect(fh_parcel_release(device, live[i]), "release"); /* {0} is a no-op */
    }
}

/* ---- what is refused, and why ---- */

static void print_refusals(fh_device *device, fh_tag tag, fh_parcel mesh)
{
    fh_texture_desc huge = {
        .format = FH_FORMAT_RGBA8_UNORM, .width = 8192, .height = 8192, .memory = {.tag = tag}};
    fh_parcel none;
    fh_result result = fh_texture_create(device, &huge, &none);
    expect_true(result == FH_ERR_BUDGET, "the limit did not hold");
    printf("\na texture too many: %s:\n  %s\n", fh_result_name(result), fh_error_detail());

    expect(fh_parcel_release(device, mesh), "release");
    result = fh_parcel_release(device, mesh);
    expect_true(result == FH_ERR_STALE, "a double release was not noticed");
    printf("a mesh released twice: %s:\n  %s\n", fh_result_name(result), fh_error_detail());
}

/* ---- looking at it ---- */

static void print_stats(fh_device *device)
{
    fh_device_stats stats;
    const fh_adapter_info *adapter = fh_device_adapter(device);
    expect(fh_device_get_stats(device, &stats), "stats");
    printf("\n%" PRIu64 " parcels, %.1f MiB of ranges in %.1f MiB of memory blocks\n",
           stats.parcel_count, mib(stats.total.stats.range_bytes),
           mib(stats.total.stats.block_bytes));
    for (uint32_t i = 0; i < adapter->heap_count; i++) {
        printf("  heap %" PRIu32 "  %6.1f MiB of memory, the OS would give %.0f\n", i,
               mib(stats.heaps[i].stats.block_bytes), mib(stats.budgets[i].budget));
    }
    for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
        fh_account_info info = account_of(device, FH_ACCOUNT_KIND, kind);
        if (info.peak > 0) {
            printf("  %-9s %6.1f MiB in %2" PRIu64 ", at most %.1f at once\n", info.name,
                   mib(info.used), info.count, mib(info.peak));
        }
    }
}

static void print_explanation(fh_device *device)
{
    fh_buffer_desc desc = {.size = 4 * MIB,
                           .usage = FH_USAGE_UNIFORM,
                           .memory = {.location = FH_LOCATION_DEVICE_UPLOAD}};
    printf("\nwhere would 4 MiB go that the GPU owns and the CPU writes?\n\n");
    expect(fh_device_explain(device, &desc, NULL, NULL, fh_write_file, stdout), "explain");
}

/* Every parcel and gap, for the field's memory-dump visualiser. */
static void write_dump(fh_device *device, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    expect(fh_device_json(device, true, fh_write_file, file), "the dump");
    expect_true(fclose(file) == 0, "the dump could not be written");
    printf("\nthe dump is in %s\n", path);
}

static void write_log(void *context, fh_log_level level, const char *message)
{
    (void)context;
    (void)level;
    fprintf(stderr, "freehold: %s\n", message);
}

int main(int argc, char **argv)
{
    fh_device *device;
    fh_tag terrain, streaming;
    uint32_t graphics;
    fh_parcel meshes[MESHES];
    const fh_log log = {.write = write_log};

    expect(fh_device_create(&(fh_device_desc){.log = &log}, &device), "device");
    printf("freehold %s on ", fh_version());
    print_adapter(device);

    /* Tags have accounts, and accounts may have limits: never exceeded, not by a byte. */
    expect(fh_device_tag(device, "terrain", &terrain), "tag");
    expect(fh_device_tag(device, "streaming", &streaming), "tag");
    expect(fh_device_set_limit(device, (fh_account){FH_ACCOUNT_TAG, streaming}, 64 * MIB), "limit");
    expect(fh_queue_add(device, "graphics", &graphics), "queue");

    load_meshes(device, terrain, meshes);
    run_frames(device, streaming, graphics);
    print_refusals(device, streaming, meshes[0]);
    print_stats(device);
    print_explanation(device);
    if (argc > 1) {
        write_dump(device, argv[1]);
    }

    /* What is still in flight ends with the GPU's last frame. A parcel that were forgotten here
     * would be reported by name. */
    expect(fh_queue_signal(device, graphics, FRAMES), "signal");
    for (int i = 1; i < MESHES; i++) {
        expect(fh_parcel_release(device, meshes[i]), "release");
    }
    expect(fh_device_tick(device), "tick");
    fh_device_stats stats;
    expect(fh_device_get_stats(device, &stats), "stats");
    expect_true(stats.retiring_count == 0 && stats.total.stats.range_count == 0,
                "something stayed behind");
    fh_device_destroy(device);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
