/* Replays: figures that were worked out by hand, of what a program did itself and of what a device
 * does with its requests; frames that count; groups; other cards; imports. */

#include "replay_checks.h"

/* ---- as recorded ---- */

/* Four frames; see the comments for what is there at their ends. */
static void tape_four_frames(taping *t)
{
    tape_begin(t, FH_TRACE_API_VULKAN, GIB(8));
    tape_memory(t, 1, 0, 1000);
    tape_buffer(t, 1, 300, FH_USAGE_STORAGE);
    tape_bound(t, 1, 1, 0, 300);
    tape_frame(t); /* one gap of 700 */
    tape_buffer(t, 2, 200, FH_USAGE_STORAGE);
    tape_bound(t, 2, 1, 500, 200);
    tape_frame(t); /* gaps of 200 and 300: 1 - 3/5 */
    tape_destroyed(t, 1);
    tape_frame(t); /* 500 and 300: 1 - 5/8 */
    tape_memory(t, 2, 1, 500);
    tape_frame(t); /* nothing is bound to it, so all of it is used */
}

static void as_recorded_is_what_the_program_did(void **state)
{
    taping t;
    uint32_t count;
    (void)state;
    tape_four_frames(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.as_recorded = true});
    assert_null(fh_replay_device(replay));
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.frame_count, 4);
    CHECK_EQUAL(figures.heap_count, 2);
    CHECK_EQUAL(figures.total.reserved_peak, 1500);
    CHECK_EQUAL(figures.total.reserved_mean, (1000 * 3 + 1500) / 4);
    CHECK_EQUAL(figures.total.committed_peak, 700);
    CHECK_EQUAL(figures.total.committed_mean, (300 + 500 + 200 + 700) / 4);
    CHECK_EQUAL(figures.heaps[0].reserved_peak, 1000);
    CHECK_EQUAL(figures.heaps[0].reserved_mean, 1000);
    CHECK_EQUAL(figures.heaps[0].committed_peak, 500);
    CHECK_EQUAL(figures.heaps[1].reserved_peak, 500);
    CHECK_EQUAL(figures.heaps[1].reserved_mean, 125);
    CHECK_EQUAL(figures.heaps[1].committed_mean, 125);
    CHECK_EQUAL(figures.heaps[0].budget, 0);
    CHECK_EQUAL(figures.driver_alloc_count, 2);
    CHECK_EQUAL(figures.driver_alloc_bytes, 1500);
    CHECK_EQUAL(figures.driver_free_count, 0);
    CHECK_EQUAL(figures.request_count, 3);
    CHECK_EQUAL(figures.request_bytes, 1000);
    CHECK_EQUAL(figures.waste_peak, 800);
    CHECK_EQUAL(figures.waste_mean, (700 + 500 + 800 + 800) / 4);
    CHECK_EQUAL(figures.fragmentation_peak_ppm, 400000);
    CHECK_EQUAL(figures.fragmentation_mean_ppm, (0 + 400000 + 375000 + 375000) / 4);
    CHECK_EQUAL(figures.frames_over_budget, 0);
    assert_false(figures.can_evict);

    const fh_replay_sample *samples = fh_replay_samples(replay, &count);
    CHECK_EQUAL(count, 4);
    CHECK_EQUAL(samples[0].frame, 1);
    CHECK_EQUAL(samples[3].frame, 4);
    CHECK_EQUAL(samples[1].total.committed, 500);
    CHECK_EQUAL(samples[2].total.committed, 200);
    CHECK_EQUAL(samples[2].reserved_peak, 1000);
    CHECK_EQUAL(samples[3].reserved_peak, 1500);
    CHECK_EQUAL(samples[3].heaps[1].reserved, 500);
    CHECK_EQUAL(samples[3].driver_allocs, 1);
    CHECK_EQUAL(samples[3].block_count, 2);
    CHECK_EQUAL(samples[1].fragmentation_ppm, 400000);
    CHECK_EQUAL(samples[0].limit, UINT64_MAX);
    CHECK_EQUAL(samples[0].budget, UINT64_MAX);
    assert_true(samples[0].time_ns < samples[1].time_ns);
    assert_null(fh_replay_blocks(replay, &count));
    CHECK_EQUAL(count, 0);
    assert_null(fh_replay_causes(replay, &count));
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void only_some_frames_may_count(void **state)
{
    taping t;
    uint32_t count, frame;
    (void)state;
    tape_four_frames(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(
        recording, &(fh_replay_desc){.as_recorded = true, .frame_first = 2, .frame_last = 3});
    CHECK_OK(fh_replay_step(replay, 1, &frame));
    CHECK_EQUAL(frame, 1);
    CHECK_EQUAL(check_figures(replay).frame_count, 0);
    CHECK_EQUAL(check_figures(replay).total.reserved_mean, 0);
    CHECK_OK(fh_replay_step(replay, 1, &frame));
    CHECK_EQUAL(frame, 2);
    assert_false(fh_replay_done(replay));
    CHECK_OK(fh_replay_step(replay, 100, &frame));
    CHECK_EQUAL(frame, 3);
    assert_true(fh_replay_done(replay));
    CHECK_OK(fh_replay_step(replay, 100, &frame));
    CHECK_EQUAL(frame, 3);
    fh_replay_figures figures = check_figures(replay);
    CHECK_EQUAL(figures.frame_count, 2);
    CHECK_EQUAL(figures.total.reserved_peak, 1000);
    CHECK_EQUAL(figures.total.reserved_mean, 1000);
    CHECK_EQUAL(figures.total.committed_peak, 500);
    CHECK_EQUAL(figures.total.committed_mean, 350);
    CHECK_EQUAL(figures.driver_alloc_count, 0);
    CHECK_EQUAL(figures.request_count, 1);
    fh_replay_samples(replay, &count);
    CHECK_EQUAL(count, 3); /* those before it, too */
    fh_replay_destroy(replay);

    replay = check_replay(
        recording, &(fh_replay_desc){.as_recorded = true, .frame_first = 3, .frame_last = 3});
    figures = check_played(replay);
    CHECK_EQUAL(figures.total.committed_peak, 500); /* as the frame begins */
    CHECK_EQUAL(figures.total.committed_mean, 200);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void blocks_and_spans_say_what_lay_where_and_when(void **state)
{
    taping t;
    uint32_t count;
    uint64_t span_count;
    (void)state;
    tape_four_frames(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay =
        check_replay(recording, &(fh_replay_desc){.as_recorded = true, .keep_spans = true});
    check_played(replay);
    const fh_replay_block *blocks = fh_replay_blocks(replay, &count);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(blocks[0].size, 1000);
    CHECK_EQUAL(blocks[0].born_frame, 1);
    CHECK_EQUAL(blocks[0].gone_ns, UINT64_MAX);
    CHECK_EQUAL(blocks[1].heap, 1);
    CHECK_EQUAL(blocks[1].type, 1);
    CHECK_EQUAL(blocks[1].born_frame, 4);
    const fh_replay_span *spans = fh_replay_spans(replay, &span_count);
    CHECK_EQUAL(span_count, 3);
    CHECK_EQUAL(spans[0].resource, 1);
    CHECK_EQUAL(spans[0].offset, 0);
    CHECK_EQUAL(spans[0].size, 300);
    CHECK_EQUAL(spans[0].born_frame, 1);
    CHECK_EQUAL(spans[0].gone_frame, 3);
    assert_true(spans[0].born_ns < spans[0].gone_ns);
    CHECK_EQUAL(spans[1].resource, 2);
    CHECK_EQUAL(spans[1].block, 0);
    CHECK_EQUAL(spans[1].offset, 500);
    CHECK_EQUAL(spans[1].gone_ns, UINT64_MAX);
    CHECK_EQUAL(spans[2].resource, 0);
    CHECK_EQUAL(spans[2].block, 1);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void recorded_refusals_evictions_and_budgets_are_figures(void **state)
{
    taping t;
    uint32_t count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_FREEHOLD, GIB(8));
    tape_own(&t, 1, 1000);
    tape_budget(&t, 0, 2000, 1100); /* 100 are of others */
    tape_frame(&t);
    tape_own(&t, 2, 900);
    tape_frame(&t); /* 1900 and 100: just right */
    tape_own(&t, 3, 1);
    tape_frame(&t); /* over */
    fh_trace_event event = {.kind = FH_TRACE_REFUSED};
    event.refused = (fh_trace_refused){.device = 1, .size = 77};
    tape_add(&t, &event);
    event = (fh_trace_event){.kind = FH_TRACE_EVICTION};
    event.eviction = (fh_trace_eviction){.resource = 1, .size = 1000};
    tape_add(&t, &event);
    event.eviction.ignored = 1;
    tape_add(&t, &event);
    event = (fh_trace_event){.kind = FH_TRACE_DECISION};
    event.decision = (fh_trace_decision){.device = 1, .outcome = 2};
    tape_add(&t, &event);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.as_recorded = true});
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.heaps[0].budget, 2000);
    CHECK_EQUAL(figures.heaps[1].budget, 0);
    CHECK_EQUAL(figures.total.budget, 2000);
    CHECK_EQUAL(figures.frames_over_budget, 2); /* and it stays so */
    CHECK_EQUAL(figures.refused_count, 1);
    CHECK_EQUAL(figures.refused_bytes, 77);
    CHECK_EQUAL(figures.evicted_count, 1);
    CHECK_EQUAL(figures.evicted_bytes, 1000);
    CHECK_EQUAL(figures.decision_count, 1);
    CHECK_EQUAL(figures.decision_failed_count, 1);
    CHECK_EQUAL(fh_replay_samples(replay, &count)[1].budget, 2000);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void an_empty_memory_is_a_gap(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_memory(&t, 1, 0, 1000);
    tape_buffer(&t, 1, 500, FH_USAGE_STORAGE);
    tape_bound(&t, 1, 1, 0, 500);
    tape_memory(&t, 2, 0, 1000);
    tape_buffer(&t, 2, 1000, FH_USAGE_STORAGE);
    tape_bound(&t, 2, 2, 0, 1000);
    tape_destroyed(&t, 2);
    tape_frame(&t); /* gaps of 500 and 1000 */
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, &(fh_replay_desc){.as_recorded = true});
    CHECK_EQUAL(check_played(replay).fragmentation_peak_ppm, 333333);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void what_was_released_is_let_go_once(void **state)
{
    taping t;
    uint64_t count;
    (void)state;
    tape_begin(&t, FH_TRACE_API_FREEHOLD, GIB(8));
    tape_own(&t, 1, 1000);
    tape_own(&t, 2, 500);
    tape_released(&t, 1);
    tape_frame(&t);
    tape_destroyed(&t, 1);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay =
        check_replay(recording, &(fh_replay_desc){.as_recorded = true, .keep_spans = true});
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.total.committed_peak, 1500);
    CHECK_EQUAL(figures.total.committed_mean, 500);
    CHECK_EQUAL(fh_replay_spans(replay, &count)[0].gone_frame, 2); /* free again */
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

/* ---- on a device ---- */

/* Where the driver wants each to have its own memory, a device reserves what the program did. */
static void a_device_gives_what_was_asked_for(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_alone(&t, 1, MIB(3));
    tape_alone(&t, 2, MIB(2));
    tape_frame(&t);
    tape_alone_gone(&t, 1);
    tape_alone(&t, 3, 5000);
    tape_frame(&t);
    fh_recording *recording = check_recording(&t);
    for (int as_recorded = 0; as_recorded < 2; as_recorded++) {
        fh_replay *replay =
            check_replay(recording, &(fh_replay_desc){.as_recorded = as_recorded == 1});
        assert_true((fh_replay_device(replay) == NULL) == (as_recorded == 1));
        fh_replay_figures figures = check_played(replay);
        CHECK_EQUAL(figures.total.reserved_peak, MIB(5));
        CHECK_EQUAL(figures.total.reserved_mean, (MIB(5) + MIB(2) + 5000) / 2);
        CHECK_EQUAL(figures.heaps[0].committed_peak, MIB(5));
        CHECK_EQUAL(figures.heaps[0].committed_mean, (MIB(5) + MIB(2) + 5000) / 2);
        CHECK_EQUAL(figures.driver_alloc_count, 3);
        CHECK_EQUAL(figures.driver_free_count, 1);
        CHECK_EQUAL(figures.driver_alloc_bytes, MIB(5) + 5000);
        CHECK_EQUAL(figures.request_count, 3);
        CHECK_EQUAL(figures.waste_peak, 0);
        CHECK_EQUAL(figures.fragmentation_peak_ppm, 0);
        CHECK_EQUAL(figures.refused_count, 0);
        fh_replay_destroy(replay);
    }
    fh_recording_close(recording);
}

typedef struct seen {
    uint32_t count;
    fh_parcel_info all[16];
} seen;

static bool see(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    seen *s = context;
    (void)parcel;
    if (s->count < TEST_COUNT_OF(s->all)) {
        s->all[s->count++] = *info;
    }
    return true;
}

static seen check_seen(fh_replay *replay)
{
    seen s = {0};
    CHECK_OK(fh_device_visit(fh_replay_device(replay), see, &s));
    return s;
}

static const fh_parcel_info *named(const seen *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (strcmp(s->all[i].name, name) == 0) {
            return &s->all[i];
        }
    }
    fail_msg("there is no parcel \"%s\"", name);
    return NULL;
}

static void tape_sorts(taping *t)
{
    tape_begin(t, FH_TRACE_API_VULKAN, GIB(8));
    fh_trace_event tag = {.kind = FH_TRACE_TAG, .text = "terrain", .text_size = 7};
    tag.tag = (fh_trace_tag){.tag = 9, .device = 1};
    tape_add(t, &tag);
    tape_memory(t, 1, 0, MIB(4));
    tape_memory(t, 2, 1, MIB(4));
    tape_texture(t, 1, 256, 256);
    tape_named(t, FH_TRACE_NOUN_RESOURCE, 1, "sky");
    tape_bound(t, 1, 1, 0, 256 * 256 * 4);
    tape_resource(t, &(fh_trace_resource){.resource = 2,
                                          .kind = FH_KIND_BUFFER,
                                          .size = 1000,
                                          .needs_size = 1024,
                                          .needs_alignment = 512,
                                          .needs_types = 0xa, /* of heap 1 */
                                          .usage = FH_USAGE_COPY_SRC,
                                          .tag = 9,
                                          .priority_ppm = 750000,
                                          .stride = 100});
    tape_named(t, FH_TRACE_NOUN_RESOURCE, 2, "ring");
    tape_mapped(t, 2, 0, 0, 0);
    tape_bound(t, 2, 2, 512, 1024);
    tape_resource(t, &(fh_trace_resource){.resource = 3,
                                          .kind = FH_KIND_TEXTURE,
                                          .needs_size = 10000,
                                          .needs_alignment = 65536,
                                          .native_format = 1000,
                                          .texture_kind = 77,
                                          .width = 50,
                                          .height = 40,
                                          .mips = 200,
                                          .samples = 3});
    tape_named(t, FH_TRACE_NOUN_RESOURCE, 3, "odd");
    tape_bound(t, 3, 1, MIB(1), 10000);
    tape_resource(t, &(fh_trace_resource){
                         .resource = 4, .kind = FH_KIND_RAW, .size = 3000, .needs_types = 0x4});
    tape_named(t, FH_TRACE_NOUN_RESOURCE, 4, "raw");
    tape_bound(t, 4, 1, MIB(2), 3000);
    tape_resource(t, &(fh_trace_resource){.resource = 5,
                                          .kind = FH_KIND_TEXTURE,
                                          .needs_size = 1000, /* less than its texels */
                                          .needs_alignment = 4096,
                                          .usage = FH_USAGE_SAMPLED,
                                          .format = FH_FORMAT_RGBA8_UNORM,
                                          .width = 256,
                                          .height = 256});
    tape_named(t, FH_TRACE_NOUN_RESOURCE, 5, "thin");
    tape_bound(t, 5, 1, MIB(3), 1000);
    tape_memory(t, 3, 3, MIB(1));
    tape_named(t, FH_TRACE_NOUN_MEMORY, 3, "bare");
}

static void the_front_end_sees_what_was_recorded(void **state)
{
    taping t;
    (void)state;
    tape_sorts(&t);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    fh_replay_figures figures = check_played(replay);
    CHECK_EQUAL(figures.refused_count, 0);
    CHECK_EQUAL(figures.request_count, 6);
    seen s = check_seen(replay);
    CHECK_EQUAL(s.count, 6);
    const fh_parcel_info *sky = named(&s, "sky");
    CHECK_EQUAL(sky->kind, FH_KIND_TEXTURE);
    CHECK_EQUAL(sky->format, FH_FORMAT_RGBA8_UNORM);
    CHECK_EQUAL(sky->width, 256);
    CHECK_EQUAL(sky->usage, FH_USAGE_SAMPLED);
    CHECK_EQUAL(sky->reserved, 256 * 256 * 4);
    CHECK_EQUAL(sky->heap, 0);
    const fh_parcel_info *ring = named(&s, "ring");
    CHECK_EQUAL(ring->kind, FH_KIND_BUFFER);
    CHECK_EQUAL(ring->heap, 1);
    CHECK_EQUAL(ring->committed, 1000);
    CHECK_EQUAL(ring->reserved, 1024);
    CHECK_EQUAL(ring->offset % 512, 0);
    CHECK_EQUAL(ring->stride, 100);
    assert_string_equal(fh_device_tag_name(fh_replay_device(replay), ring->tag), "terrain");
    assert_true(ring->priority > 0.74F && ring->priority < 0.76F);
    const fh_parcel_info *odd = named(&s, "odd");
    CHECK_EQUAL(odd->kind, FH_KIND_TEXTURE);
    CHECK_EQUAL(odd->reserved, 10000);
    CHECK_EQUAL(odd->width, 50);
    CHECK_EQUAL(odd->height, 40);
    const fh_parcel_info *raw = named(&s, "raw");
    CHECK_EQUAL(raw->kind, FH_KIND_RAW);
    CHECK_EQUAL(raw->type, 2);
    const fh_parcel_info *thin = named(&s, "thin");
    CHECK_EQUAL(thin->reserved, 1000);
    assert_true(thin->committed <= 1000);
    const fh_parcel_info *bare = named(&s, "bare");
    CHECK_EQUAL(bare->kind, FH_KIND_RAW);
    CHECK_EQUAL(bare->type, 3);
    CHECK_EQUAL(bare->committed, MIB(1));
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void alignments_are_those_that_were_recorded(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(8));
    tape_memory(&t, 1, 0, MIB(1));
    for (uint64_t id = 1; id <= 10; id++) {
        tape_resource(&t, &(fh_trace_resource){.resource = id,
                                               .kind = id % 2 == 0 ? FH_KIND_BUFFER : FH_KIND_RAW,
                                               .size = 1000,
                                               .needs_size = 1000,
                                               .needs_alignment = 8192,
                                               .usage = FH_USAGE_STORAGE});
        tape_bound(&t, id, 1, id * 8192, 1000);
    }
    fh_recording *recording = check_recording(&t);
    for (int card = 0; card < 2; card++) {
        fh_replay *replay = check_replay(
            recording,
            &(fh_replay_desc){.profile = card == 1 ? fh_profile_find("rebar-16g") : NULL});
        check_played(replay);
        seen s = check_seen(replay);
        CHECK_EQUAL(s.count, 10);
        for (uint32_t i = 0; i < s.count; i++) {
            CHECK_EQUAL(s.all[i].offset % 8192, 0);
        }
        fh_replay_destroy(replay);
    }
    fh_recording_close(recording);
}

static void on_another_card_the_use_says_where(void **state)
{
    taping t;
    (void)state;
    tape_sorts(&t);
    fh_recording *recording = check_recording(&t);
    for (uint32_t i = 0; fh_profile_at(i); i++) {
        fh_replay *replay = check_replay(recording, &(fh_replay_desc){.profile = fh_profile_at(i)});
        fh_replay_figures figures = check_played(replay);
        CHECK_EQUAL(figures.heap_count, fh_profile_at(i)->heap_count);
        CHECK_EQUAL(figures.refused_count, 0);
        seen s = check_seen(replay);
        CHECK_EQUAL(s.count, 6);
        const fh_parcel_info *ring = named(&s, "ring");
        assert_true((ring->flags & FH_MEMORY_HOST_VISIBLE) != 0);
        CHECK_EQUAL(ring->reserved, 1024);
        CHECK_EQUAL(ring->offset % 512, 0);
        assert_true((named(&s, "sky")->flags & FH_MEMORY_DEVICE_LOCAL) != 0);
        assert_true((named(&s, "bare")->flags & FH_MEMORY_HOST_VISIBLE) != 0);
        fh_replay_destroy(replay);
    }
    fh_recording_close(recording);
}

/* ---- groups ---- */

static void tape_aliased(taping *t)
{
    tape_begin(t, FH_TRACE_API_VULKAN, GIB(8));
    tape_memory(t, 1, 0, MIB(4));
    tape_texture(t, 1, 512, 512); /* 1 MiB */
    tape_texture(t, 2, 512, 256);
    tape_buffer(t, 3, 1000, FH_USAGE_STORAGE);
    tape_bound(t, 1, 1, 0, MIB(1));
    tape_bound(t, 2, 1, MIB(1) - 4096, MIB(1) / 2); /* over the last page */
    tape_bound(t, 3, 1, MIB(3), 1000);              /* by itself */
    tape_frame(t);
    tape_destroyed(t, 1);
    tape_frame(t);
    tape_destroyed(t, 2);
    tape_frame(t);
}

static void what_shared_its_bytes_shares_one_parcel(void **state)
{
    const uint64_t whole = MIB(1) + MIB(1) / 2 - 4096;
    taping t;
    uint64_t count;
    (void)state;
    tape_aliased(&t);
    fh_recording *recording = check_recording(&t);
    for (int as_recorded = 0; as_recorded < 2; as_recorded++) {
        fh_replay *replay = check_replay(
            recording, &(fh_replay_desc){.as_recorded = as_recorded == 1, .keep_spans = true});
        CHECK_OK(fh_replay_step(replay, 1, NULL));
        if (as_recorded == 0) {
            seen s = check_seen(replay);
            CHECK_EQUAL(s.count, 4);
            CHECK_EQUAL(named(&s, "aliased")->committed, whole);
            uint32_t backed = 0;
            for (uint32_t i = 0; i < s.count; i++) {
                backed += s.all[i].backing.id != 0;
            }
            CHECK_EQUAL(backed, 2);
        }
        fh_replay_figures figures = check_played(replay);
        CHECK_EQUAL(figures.request_count, 3);
        CHECK_EQUAL(figures.total.committed_peak, whole + 1000);
        /* What is left of the group is what the second texture covers. */
        CHECK_EQUAL(figures.total.committed_mean, (whole + MIB(1) / 2 + 3 * 1000) / 3);
        const fh_replay_span *spans = fh_replay_spans(replay, &count);
        CHECK_EQUAL(count, 3);
        CHECK_EQUAL(spans[0].resource, 1);
        assert_true(spans[0].aliased);
        CHECK_EQUAL(spans[0].gone_frame, 2);
        CHECK_EQUAL(spans[1].resource, 2);
        assert_true(spans[1].aliased);
        CHECK_EQUAL(spans[1].block, spans[0].block);
        CHECK_EQUAL(spans[1].offset, spans[0].offset + MIB(1) - 4096);
        CHECK_EQUAL(spans[1].gone_frame, 3);
        CHECK_EQUAL(spans[2].resource, 3);
        assert_false(spans[2].aliased);
        CHECK_EQUAL(spans[2].gone_frame, UINT32_MAX);
        fh_replay_destroy(replay);
    }
    fh_recording_close(recording);
}

/* ---- arguments ---- */

static void wrong_arguments_are_said(void **state)
{
    taping t;
    fh_replay *replay = (void *)1;
    fh_replay_figures figures;
    uint32_t frame = 77, count = 77;
    uint64_t spans = 77;
    (void)state;
    tape_four_frames(&t);
    fh_recording *recording = check_recording(&t);
    const fh_replay_heap heap = {.heap = 2, .size = 1};
    const fh_replay_heap large = {.heap = 0, .size = UINT64_MAX};
    fh_profile broken = *fh_profile_find("uma-16g");
    broken.heap_count = 99;
    const fh_replay_desc wrong[] = {
        {.device = 2},
        {.backend = "nothing"},
        {.heaps = &heap, .heap_count = 1},
        {.heaps = &large, .heap_count = 1},
        {.heap_count = 1},
        {.frame_first = 3, .frame_last = 2},
        {.frame_last = 5},
        {.frame_first = 5},
        {.profile = &broken},
        {.memory = &(fh_host_memory){0}},
    };
    CHECK_RESULT(fh_replay_create(NULL, NULL, &replay), FH_ERR_INVALID);
    assert_null(replay);
    CHECK_RESULT(fh_replay_create(recording, NULL, NULL), FH_ERR_INVALID);
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        replay = (void *)1;
        CHECK_RESULT(fh_replay_create(recording, &wrong[i], &replay), FH_ERR_INVALID);
        assert_null(replay);
        assert_true(fh_error_detail()[0] != 0);
    }
    CHECK_RESULT(fh_replay_step(NULL, 1, &frame), FH_ERR_INVALID);
    CHECK_EQUAL(frame, 0);
    CHECK_RESULT(fh_replay_get_figures(NULL, &figures), FH_ERR_INVALID);
    replay = check_replay(recording, &(fh_replay_desc){.device = 1, .backend = "host"});
    CHECK_RESULT(fh_replay_get_figures(replay, NULL), FH_ERR_INVALID);
    fh_replay_destroy(replay);
    fh_replay_destroy(NULL);
    assert_true(fh_replay_done(NULL));
    assert_null(fh_replay_device(NULL));
    assert_null(fh_replay_samples(NULL, &count));
    CHECK_EQUAL(count, 0);
    assert_null(fh_replay_spans(NULL, &spans));
    CHECK_EQUAL(spans, 0);
    fh_recording_close(recording);
}

/* ---- imports ---- */

static void an_imported_log_plays(void **state)
{
    taping t;
    (void)state;
    tape_begin(&t, FH_TRACE_API_OTHER, GIB(8));
    tape_resource(&t, &(fh_trace_resource){.resource = 1, .kind = FH_KIND_RAW, .size = 1000});
    t.time_ns = FH_REPLAY_FRAME_NS;
    tape_resource(&t, &(fh_trace_resource){.resource = 2, .kind = FH_KIND_RAW, .size = MIB(1)});
    tape_destroyed(&t, 1);
    t.time_ns = 2 * FH_REPLAY_FRAME_NS;
    tape_destroyed(&t, 2);
    fh_recording *recording = check_recording(&t);
    for (int as_recorded = 0; as_recorded < 2; as_recorded++) {
        fh_replay *replay =
            check_replay(recording, &(fh_replay_desc){.as_recorded = as_recorded == 1});
        fh_replay_figures figures = check_played(replay);
        CHECK_EQUAL(figures.frame_count, 3);
        CHECK_EQUAL(figures.request_count, 2);
        CHECK_EQUAL(figures.total.committed_peak, MIB(1) + 1000);
        CHECK_EQUAL(figures.total.committed_mean, (1000 + MIB(1)) / 3);
        assert_false(figures.can_evict);
        fh_replay_destroy(replay);
    }
    fh_recording_close(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_recorded_is_what_the_program_did),
        cmocka_unit_test(only_some_frames_may_count),
        cmocka_unit_test(blocks_and_spans_say_what_lay_where_and_when),
        cmocka_unit_test(recorded_refusals_evictions_and_budgets_are_figures),
        cmocka_unit_test(an_empty_memory_is_a_gap),
        cmocka_unit_test(what_was_released_is_let_go_once),
        cmocka_unit_test(a_device_gives_what_was_asked_for),
        cmocka_unit_test(the_front_end_sees_what_was_recorded),
        cmocka_unit_test(alignments_are_those_that_were_recorded),
        cmocka_unit_test(on_another_card_the_use_says_where),
        cmocka_unit_test(what_shared_its_bytes_shares_one_parcel),
        cmocka_unit_test(wrong_arguments_are_said),
        cmocka_unit_test(an_imported_log_plays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
