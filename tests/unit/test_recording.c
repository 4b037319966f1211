/* Recordings: what is read of a trace, and what is made of it once all of it was read. */

#include "replay_checks.h"

#include "replay/recording.h"

static const fh_recorded_device *device_of(const fh_recording *recording)
{
    return fh_recording_device(recording, fh_recording_get_info(recording)->main_device);
}

static uint64_t ignored(const fh_recording *recording)
{
    return fh_recording_get_info(recording)->ignored_count;
}

static fh_recorded_resource resource_of(const fh_recording *recording, uint64_t id)
{
    fh_recorded_resource resource;
    CHECK_OK(fh_recording_resource(recording, id, &resource));
    return resource;
}

/* ---- what is read ---- */

static void a_trace_says_who_and_where(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    fh_trace_event note = {.kind = FH_TRACE_NOTE, .text = "a game", .text_size = 6};
    note.note.topic = FH_TRACE_TOPIC_PROGRAM;
    tape_add(&t, &note);
    note = (fh_trace_event){.kind = FH_TRACE_NOTE, .text = "a tool", .text_size = 6};
    note.note.topic = FH_TRACE_TOPIC_RECORDER;
    tape_add(&t, &note);
    tape_buffer(&t, 1, 100, FH_USAGE_VERTEX);
    tape_named(&t, FH_TRACE_NOUN_RESOURCE, 1, "first");
    tape_named(&t, FH_TRACE_NOUN_RESOURCE, 1, "second");
    tape_texture(&t, 2, 64, 32);
    fh_recording *recording = check_recording(&t);

    const fh_recording_info *info = fh_recording_get_info(recording);
    assert_string_equal(info->program, "a game");
    assert_string_equal(info->tool, "a tool");
    CHECK_EQUAL(info->device_count, 1);
    CHECK_EQUAL(info->event_count, 7);
    CHECK_EQUAL(info->ignored_count, 0);
    CHECK_EQUAL(info->duration_ns, 6000);
    assert_true(info->file.complete);

    const fh_recorded_device *device = fh_recording_device(recording, 0);
    assert_string_equal(device->name, "a card");
    assert_string_equal(device->profile.name, "a card");
    CHECK_EQUAL(device->api, FH_TRACE_API_VULKAN);
    CHECK_EQUAL(device->profile.heap_count, 2);
    CHECK_EQUAL(device->profile.heaps[0].size, GIB(2));
    assert_true(device->profile.heaps[0].device_local);
    assert_false(device->profile.heaps[1].device_local);
    CHECK_EQUAL(device->profile.type_count, 4);
    CHECK_EQUAL(device->profile.types[3].heap, 1);
    CHECK_EQUAL(device->resource_count, 2);
    assert_null(fh_recording_device(recording, 1));

    fh_recorded_resource resource = resource_of(recording, 1);
    assert_string_equal(resource.name, "second");
    CHECK_EQUAL(resource.kind, FH_KIND_BUFFER);
    CHECK_EQUAL(resource.usage, FH_USAGE_VERTEX);
    CHECK_EQUAL(resource.size, 100);
    resource = resource_of(recording, 2);
    assert_string_equal(resource.name, "");
    CHECK_EQUAL(resource.kind, FH_KIND_TEXTURE);
    CHECK_EQUAL(resource.width, 64);
    CHECK_EQUAL(resource.height, 32);
    CHECK_EQUAL(resource.size, 64 * 32 * 4);
    CHECK_RESULT(fh_recording_resource(recording, 3, &resource), FH_ERR_INVALID);
    CHECK_RESULT(fh_recording_resource(recording, 0, &resource), FH_ERR_INVALID);
    CHECK_RESULT(fh_recording_resource(NULL, 1, &resource), FH_ERR_INVALID);
    CHECK_RESULT(fh_recording_resource(recording, 1, NULL), FH_ERR_INVALID);
    assert_null(fh_recording_get_info(NULL));
    assert_null(fh_recording_device(NULL, 0));
    fh_recording_close(recording);
    fh_recording_close(NULL);
}

/* Two memories of 1000 and 600 live at once; in the first 300 + 200 are bound, 200 let go, 500 more
 * bound; nothing is bound to the second, so all of it is used. */
static void peaks_are_exact(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_memory(&t, 1, 0, 1000);
    tape_buffer(&t, 1, 300, FH_USAGE_STORAGE);
    tape_bound(&t, 1, 1, 0, 300);
    tape_buffer(&t, 2, 200, FH_USAGE_STORAGE);
    tape_bound(&t, 2, 1, 300, 200);
    tape_destroyed(&t, 2);
    tape_memory(&t, 2, 1, 600); /* nothing is ever bound to it */
    tape_buffer(&t, 3, 500, FH_USAGE_STORAGE);
    tape_bound(&t, 3, 1, 500, 500);
    tape_destroyed(&t, 3);
    tape_memory_freed(&t, 2);
    tape_memory_freed(&t, 1); /* and with it what is bound to it */
    tape_memory(&t, 3, 3, 1200);
    fh_recording *recording = check_recording(&t);
    const fh_recorded_device *device = device_of(recording);
    CHECK_EQUAL(device->peak_reserved, 1600);
    CHECK_EQUAL(device->heap_peaks[0], 1000);
    CHECK_EQUAL(device->heap_peaks[1], 1200);
    CHECK_EQUAL(device->peak_committed, 300 + 500 + 600);
    CHECK_EQUAL(device->churn, 2800); /* memories, and resources with bare memories, alike */
    CHECK_EQUAL(device->memory_count, 3);
    CHECK_EQUAL(ignored(recording), 0);
    fh_recording_close(recording);
}

static void the_main_device_is_the_one_with_the_largest_peak(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_card(&t, 7, FH_TRACE_API_D3D12, GIB(1));
    tape_memory(&t, 1, 0, 1000);
    t.device = 7;
    tape_memory(&t, 2, 0, 1001);
    tape_buffer(&t, 1, 10, FH_USAGE_STORAGE);
    tape_bound(&t, 1, 1, 0, 10); /* another device's memory */
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(fh_recording_get_info(recording)->device_count, 2);
    CHECK_EQUAL(fh_recording_get_info(recording)->main_device, 1);
    CHECK_EQUAL(device_of(recording)->id, 7);
    CHECK_EQUAL(device_of(recording)->peak_reserved, 1001);
    CHECK_EQUAL(fh_recording_device(recording, 0)->peak_reserved, 1000);
    CHECK_EQUAL(ignored(recording), 1);
    fh_recording_close(recording);
}

/* ---- frames ---- */

static void frames_end_at_presents(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_queue(&t, 1);
    tape_memory(&t, 1, 0, 10);
    tape_submit(&t, 1, NULL, 0);
    tape_frame(&t);
    tape_frame(&t);
    tape_memory(&t, 2, 0, 10); /* what is behind the last one is a frame, too */
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->frames_by, FH_FRAMES_PRESENTS);
    CHECK_EQUAL(device_of(recording)->frame_count, 3);
    assert_false(device_of(recording)->has_uses);
    fh_recording_close(recording);

    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_memory(&t, 1, 0, 10);
    tape_frame(&t);
    recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->frame_count, 1);
    fh_recording_close(recording);
}

static void without_presents_frames_end_at_submits_of_work(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_queue(&t, 1);
    tape_own(&t, 1, 100);
    tape_submit(&t, 1, NULL, 0);
    fh_trace_event idle = {.kind = FH_TRACE_SUBMIT};
    idle.submit = (fh_trace_submit){.queue = 1, .value = 3, .batches = 1};
    tape_add(&t, &idle); /* a fence and no work */
    tape_use(&t, 1, 1);
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->frames_by, FH_FRAMES_SUBMITS);
    CHECK_EQUAL(device_of(recording)->frame_count, 2);
    assert_true(device_of(recording)->has_uses);
    fh_recording_close(recording);
}

static void without_either_frames_are_of_time(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_OTHER, GIB(2));
    tape_memory(&t, 1, 0, 10);
    t.time_ns = FH_REPLAY_FRAME_NS - 1;
    tape_memory(&t, 2, 0, 10); /* the first frame's last moment */
    t.time_ns = FH_REPLAY_FRAME_NS;
    tape_memory(&t, 3, 0, 10);
    t.time_ns = FH_REPLAY_FRAME_NS * 1000; /* nothing happens for long: no frames */
    tape_memory(&t, 4, 0, 10);
    t.time_ns = UINT64_MAX / 2; /* nor here */
    tape_memory(&t, 5, 0, 10);
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->frames_by, FH_FRAMES_TIME);
    CHECK_EQUAL(device_of(recording)->frame_count, 4);
    const fhi_tape *tape = fhi_recording_tape(recording, 0);
    CHECK_EQUAL(tape->frames[0].end, 2);
    CHECK_EQUAL(tape->frames[0].time_ns, FH_REPLAY_FRAME_NS);
    CHECK_EQUAL(tape->frames[1].end, 3);
    CHECK_EQUAL(tape->frames[1].time_ns, FH_REPLAY_FRAME_NS * 2);
    CHECK_EQUAL(tape->frames[2].end, 4);
    fh_recording_close(recording);
}

static void there_is_always_a_frame(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->frame_count, 1);
    fh_recording_close(recording);
}

/* ---- where things should lie ---- */

static void use_and_mapping_say_where_a_resource_should_lie(void **state)
{
    const fh_usage vertex = FH_USAGE_VERTEX, src = FH_USAGE_COPY_SRC, dst = FH_USAGE_COPY_DST;
    (void)state;
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, vertex, false, false), FH_LOCATION_DEVICE);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, src, false, false), FH_LOCATION_DEVICE);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, src, true, false), FH_LOCATION_UPLOAD);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, dst, true, false), FH_LOCATION_READBACK);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, vertex, true, false), FH_LOCATION_DEVICE_UPLOAD);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, vertex | src, true, false),
                FH_LOCATION_DEVICE_UPLOAD);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, vertex | dst, true, false), FH_LOCATION_DEVICE);
    CHECK_EQUAL(fh_replay_location(FH_KIND_BUFFER, src | dst, true, false), FH_LOCATION_DEVICE);
    CHECK_EQUAL(fh_replay_location(FH_KIND_RAW, 0, true, false), FH_LOCATION_UPLOAD);
    CHECK_EQUAL(fh_replay_location(FH_KIND_TEXTURE, FH_USAGE_SAMPLED, true, true),
                FH_LOCATION_UPLOAD);
    CHECK_EQUAL(fh_replay_location(FH_KIND_TEXTURE, FH_USAGE_SAMPLED, true, false),
                FH_LOCATION_DEVICE);
    CHECK_EQUAL(fh_replay_location(FH_KIND_TEXTURE, FH_USAGE_SAMPLED, false, true),
                FH_LOCATION_DEVICE);
}

/* Eight buffers of 100 bytes, one behind the other. */
static void what_was_mapped_is_found_out(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_memory(&t, 1, 1, 1000);
    for (uint64_t i = 1; i <= 8; i++) {
        tape_buffer(&t, i, 100, FH_USAGE_COPY_SRC);
    }
    tape_bound(&t, 1, 1, 0, 100);
    tape_bound(&t, 2, 1, 100, 100);
    tape_bound(&t, 3, 1, 200, 100);
    tape_mapped(&t, 1, 0, 199, 2); /* a byte of 2, and one of 3 */
    tape_bound(&t, 4, 1, 300, 100);
    tape_unmapped(&t, 1);
    tape_destroyed(&t, 1); /* never mapped while it lived */
    tape_mapped(&t, 1, 0, 0, 0);
    tape_bound(&t, 5, 1, 400, 100); /* mapped when it came */
    tape_unmapped(&t, 1);
    tape_bound(&t, 6, 1, 500, 100); /* too late */
    tape_mapped(&t, 0, 7, 0, 0);    /* by itself */
    tape_bound(&t, 7, 1, 600, 100);
    tape_bound(&t, 8, 1, 700, 100);
    tape_destroyed(&t, 8);
    fh_recording *recording = check_recording(&t);
    static const fh_location should[8] = {
        FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD, FH_LOCATION_UPLOAD, FH_LOCATION_UPLOAD,
        FH_LOCATION_UPLOAD, FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD, FH_LOCATION_DEVICE,
    };
    for (uint64_t i = 1; i <= 8; i++) {
        CHECK_EQUAL(resource_of(recording, i).location, should[i - 1]);
    }
    CHECK_EQUAL(ignored(recording), 0);
    fh_recording_close(recording);
}

static void a_location_that_was_asked_for_counts(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_FREEHOLD, GIB(2));
    tape_resource(&t, &(fh_trace_resource){.resource = 1,
                                           .kind = FH_KIND_BUFFER,
                                           .size = 10,
                                           .usage = FH_USAGE_VERTEX,
                                           .location = FH_LOCATION_READBACK + 1});
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(resource_of(recording, 1).location, FH_LOCATION_READBACK);
    fh_recording_close(recording);
}

/* ---- what shares its bytes ---- */

static uint32_t group_of(const fh_recording *recording, uint32_t piece)
{
    return fhi_recording_tape(recording, 0)->pieces[piece].group;
}

static void resources_on_the_same_bytes_at_the_same_time_are_a_group(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_memory(&t, 1, 0, 10000);
    for (uint64_t i = 1; i <= 9; i++) {
        tape_buffer(&t, i, 1000, FH_USAGE_STORAGE);
    }
    tape_bound(&t, 1, 1, 256, 1000); /* piece 0 */
    tape_bound(&t, 2, 1, 1256, 1000);
    tape_bound(&t, 3, 1, 512, 1000); /* over both */
    tape_destroyed(&t, 1);
    tape_bound(&t, 4, 1, 256, 256);  /* free again: nothing else is there */
    tape_bound(&t, 5, 1, 5000, 100); /* alone, and others after it */
    tape_destroyed(&t, 5);
    tape_bound(&t, 6, 1, 5000, 100);
    tape_bound(&t, 7, 1, 9000, 1000); /* a second group */
    tape_bound(&t, 8, 1, 9999, 1);
    fh_recording *recording = check_recording(&t);
    const fhi_tape *tape = fhi_recording_tape(recording, 0);
    CHECK_EQUAL(tape->group_count, 2);
    CHECK_EQUAL(group_of(recording, 0), 0);
    CHECK_EQUAL(group_of(recording, 1), 0);
    CHECK_EQUAL(group_of(recording, 2), 0);
    CHECK_EQUAL(group_of(recording, 4), FHI_NONE);
    CHECK_EQUAL(group_of(recording, 5), FHI_NONE);
    CHECK_EQUAL(group_of(recording, 6), 1);
    CHECK_EQUAL(group_of(recording, 7), 1);
    CHECK_EQUAL(tape->groups[0].begin, 256);
    CHECK_EQUAL(tape->groups[0].size, 2000);
    CHECK_EQUAL(tape->groups[1].begin, 8960); /* aligned as its pieces want it */
    CHECK_EQUAL(tape->groups[1].size, 1040);
    /* Of the bytes that several cover, each counts once: 256 to 2256, and what came besides. */
    CHECK_EQUAL(device_of(recording)->peak_committed, 2000 + 100 + 1000);
    fh_recording_close(recording);
}

/* Against a walk over all pieces, at random. */
static void groups_are_those_of_a_slow_search(void **state)
{
    enum {
        PIECES = 400,
        SIZE = 3000
    };
    struct {
        uint64_t begin, end;
        uint32_t up;
        bool live;
    } model[PIECES];
    test_rng rng = {test_seed()};
    taping t;
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint64_t most = round % 2 == 0 ? 8 : 64; /* live at once: few, or a tangle */
        tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
        tape_memory(&t, 1, 0, SIZE);
        for (uint32_t i = 0; i < PIECES; i++) {
            uint64_t begin = test_below(&rng, SIZE - 40);
            uint64_t size = 1 + test_below(&rng, 40);
            tape_buffer(&t, i + 1, size, FH_USAGE_STORAGE);
            tape_bound(&t, i + 1, 1, begin, size);
            model[i].begin = begin;
            model[i].end = begin + size;
            model[i].up = i;
            model[i].live = true;
            for (uint32_t j = 0; j < i; j++) {
                if (model[j].live && model[j].begin < begin + size && model[j].end > begin) {
                    uint32_t from = model[j].up, to = model[i].up;
                    for (uint32_t k = 0; k <= i; k++) {
                        model[k].up = model[k].up == from ? to : model[k].up;
                    }
                }
            }
            uint32_t gone = (uint32_t)test_below(&rng, PIECES);
            if (i >= most && gone <= i && model[gone].live) {
                model[gone].live = false;
                tape_destroyed(&t, gone + 1);
            }
        }
        fh_recording *recording = check_recording(&t);
        for (uint32_t i = 0; i < PIECES; i++) {
            for (uint32_t j = 0; j < i; j++) {
                bool together = model[i].up == model[j].up;
                bool found = group_of(recording, i) != FHI_NONE &&
                             group_of(recording, i) == group_of(recording, j);
                /* What once was in a tangle may be taken for more than it is, never for less. */
                if (together && !found) {
                    fail_msg("round %d: pieces %u and %u share bytes", round, i, j);
                }
            }
        }
        fh_recording_close(recording);
    }
}

/* ---- imports ---- */

static void a_log_without_memories_has_one_for_each_resource(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_OTHER, GIB(2));
    tape_resource(&t, &(fh_trace_resource){.resource = 1, .kind = FH_KIND_RAW, .size = 1000});
    tape_resource(&t, &(fh_trace_resource){.resource = 2, .kind = FH_KIND_RAW, .size = 500});
    tape_destroyed(&t, 1);
    tape_resource(&t, &(fh_trace_resource){.resource = 3, .kind = FH_KIND_RAW, .size = 600});
    tape_bound(&t, 3, 0, 0, 600); /* it has it already */
    tape_resource(&t, &(fh_trace_resource){.resource = 4, .kind = FH_KIND_RAW}); /* no size */
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(device_of(recording)->peak_reserved, 1500);
    CHECK_EQUAL(device_of(recording)->peak_committed, 1500);
    CHECK_EQUAL(device_of(recording)->memory_count, 3);
    CHECK_EQUAL(ignored(recording), 1);
    fh_recording_close(recording);
}

static void a_log_with_memories_has_those(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_OTHER, GIB(2));
    tape_memory(&t, 5, 0, 4000);
    tape_resource(&t, &(fh_trace_resource){.resource = 1, .kind = FH_KIND_RAW, .size = 1000});
    tape_bound(&t, 1, 5, 3000, 1000);
    fh_recording *recording = check_recording(&t);
    const fhi_tape *tape = fhi_recording_tape(recording, 0);
    uint32_t binds = 0;
    for (uint32_t i = 0; i < tape->op_count; i++) {
        binds += tape->ops[i].kind == FHI_OP_BIND;
    }
    CHECK_EQUAL(binds, 1);
    CHECK_EQUAL(device_of(recording)->peak_reserved, 4000);
    CHECK_EQUAL(device_of(recording)->memory_count, 1);
    CHECK_EQUAL(ignored(recording), 0);
    fh_recording_close(recording);
}

/* Where it lies is told when its owner has let go already: too late to be believed. */
static void a_log_that_tells_of_memory_too_late_keeps_what_it_had(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_OTHER, GIB(2));
    tape_resource(&t, &(fh_trace_resource){.resource = 1, .kind = FH_KIND_RAW, .size = 1000});
    tape_released(&t, 1);
    tape_memory(&t, 5, 0, 4000);
    tape_bound(&t, 1, 5, 3000, 1000);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.as_recorded = true});
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.total.committed_peak, 4000);
    CHECK_EQUAL(figures.total.committed_peak, device_of(recording)->peak_committed);
    CHECK_EQUAL(ignored(recording), 1);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_says_who_and_where),
        cmocka_unit_test(peaks_are_exact),
        cmocka_unit_test(the_main_device_is_the_one_with_the_largest_peak),
        cmocka_unit_test(frames_end_at_presents),
        cmocka_unit_test(without_presents_frames_end_at_submits_of_work),
        cmocka_unit_test(without_either_frames_are_of_time),
        cmocka_unit_test(there_is_always_a_frame),
        cmocka_unit_test(use_and_mapping_say_where_a_resource_should_lie),
        cmocka_unit_test(what_was_mapped_is_found_out),
        cmocka_unit_test(a_location_that_was_asked_for_counts),
        cmocka_unit_test(resources_on_the_same_bytes_at_the_same_time_are_a_group),
        cmocka_unit_test(groups_are_those_of_a_slow_search),
        cmocka_unit_test(a_log_without_memories_has_one_for_each_resource),
        cmocka_unit_test(a_log_with_memories_has_those),
        cmocka_unit_test(a_log_that_tells_of_memory_too_late_keeps_what_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
