/* mkstemp() */
#define _POSIX_C_SOURCE 200809L

/* What Freehold recorded of a device of its own, played again: as recorded it is what that device
 * held, and on the recorded card, under the same rules, it comes to the same. */

#include "replay_checks.h"

#include <freehold/policy.h>

#include <stdlib.h>
#include <unistd.h>

enum {
    FRAMES = 40,
    LIVE = 200
};

typedef struct program {
    fh_device *device;
    uint32_t queue;
    uint64_t point;
    fh_parcel parcels[LIVE];
    uint64_t reserved_peak, allocs;
} program;

static fh_parcel make(program *p, test_rng *rng)
{
    fh_parcel parcel = {0};
    uint64_t size = test_log_uniform(rng, MIB(1));
    if (test_chance(rng, 30)) {
        const fh_texture_desc desc = {.width = 1 + (uint32_t)test_below(rng, 300),
                                      .height = 1 + (uint32_t)test_below(rng, 300),
                                      .format = FH_FORMAT_RGBA8_UNORM};
        CHECK_OK(fh_texture_create(p->device, &desc, &parcel));
    } else if (test_chance(rng, 20)) {
        CHECK_OK(fh_raw_create(p->device, &(fh_raw_desc){.size = size}, &parcel));
    } else {
        const fh_buffer_desc desc = {
            .size = size,
            .usage = FH_USAGE_VERTEX,
            .memory = {.location = test_chance(rng, 30) ? FH_LOCATION_UPLOAD : FH_LOCATION_DEVICE}};
        CHECK_OK(fh_buffer_create(p->device, &desc, &parcel));
    }
    return parcel;
}

/* Frames, two of which the GPU is behind. */
static void run(program *p, test_rng *rng)
{
    for (uint64_t frame = 1; frame <= FRAMES; frame++) {
        for (int i = 0; i < 50; i++) {
            fh_parcel *at = &p->parcels[test_below(rng, LIVE)];
            if (at->id == 0) {
                *at = make(p, rng);
            } else if (test_chance(rng, 50)) {
                CHECK_OK(fh_parcel_use(p->device, *at, (fh_epoch){p->queue, ++p->point}));
            } else {
                CHECK_OK(fh_parcel_release(p->device, *at));
                *at = (fh_parcel){0};
            }
        }
        CHECK_OK(fh_queue_signal(p->device, p->queue, p->point));
        CHECK_OK(fh_device_tick(p->device));
    }
}

static void record(const char *path, program *p)
{
    test_rng rng = {test_seed()};
    fh_trace *trace;
    fh_trace_stats stats;
    fh_account_info total;
    fh_device_stats device;
    memset(p, 0, sizeof *p);
    CHECK_OK(fh_device_create(&(fh_device_desc){0}, &p->device));
    CHECK_OK(fh_queue_add(p->device, "gpu", &p->queue));
    CHECK_OK(fh_trace_start(p->device, path, NULL, &trace));
    run(p, &rng);
    CHECK_OK(fh_trace_stop(trace, &stats));
    CHECK_EQUAL(stats.dropped_count, 0);
    CHECK_OK(fh_device_account(p->device, (fh_account){FH_ACCOUNT_TOTAL, 0}, &total));
    CHECK_OK(fh_device_get_stats(p->device, &device));
    p->reserved_peak = total.peak;
    p->allocs = device.driver_alloc_count;
    for (uint32_t i = 0; i < LIVE; i++) {
        CHECK_OK(fh_parcel_release(p->device, p->parcels[i]));
    }
    CHECK_OK(fh_queue_signal(p->device, p->queue, p->point));
    fh_device_destroy(p->device);
}

static void what_a_device_recorded_plays(void **state)
{
    char path[] = "/tmp/freehold-replay-XXXXXX";
    static program p;
    fh_recording *recording;
    int file = mkstemp(path);
    (void)state;
    assert_true(file >= 0);
    close(file);
    record(path, &p);
    CHECK_OK(fh_recording_open(path, NULL, &recording));
    const fh_recorded_device *device = fh_recording_device(recording, 0);
    CHECK_EQUAL(fh_recording_get_info(recording)->ignored_count, 0);
    CHECK_EQUAL(device->api, FH_TRACE_API_FREEHOLD);
    CHECK_EQUAL(device->frame_count, FRAMES);
    CHECK_EQUAL(device->frames_by, FH_FRAMES_PRESENTS);
    CHECK_EQUAL(device->peak_reserved, p.reserved_peak);
    assert_true(device->has_uses);

    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.as_recorded = true});
    fh_replay_figures recorded = check_played(replay);
    CHECK_EQUAL(recorded.total.reserved_peak, p.reserved_peak);
    CHECK_EQUAL(recorded.driver_alloc_count, p.allocs);
    fh_replay_destroy(replay);

    replay = check_replay(recording, NULL);
    fh_replay_figures played = check_played(replay);
    CHECK_EQUAL(played.refused_count, 0);
    CHECK_EQUAL(played.request_count, recorded.request_count);
    CHECK_EQUAL(played.request_bytes, recorded.request_bytes);
    CHECK_EQUAL(played.total.committed_peak, recorded.total.committed_peak);
    CHECK_EQUAL(played.total.committed_mean, recorded.total.committed_mean);
    CHECK_EQUAL(played.total.reserved_peak, recorded.total.reserved_peak);
    CHECK_EQUAL(played.driver_alloc_count, recorded.driver_alloc_count);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_device_recorded_plays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
