/* libFuzzer target: the bytes are the events of a trace, of all kinds, right and wrong ones; it is
 * written, read, and played: as recorded, on a device without limits, and under pressure; each
 * twice, with the same figures. Linked with tests/unit's shared files; needs no cmocka.
 *
 * The stream: one byte says the kind; then each number of the kind is two bytes: the first says of
 * what sort it is (a small one, a power of two and a bit, the largest there is), the second which.
 * The stream ends with the bytes. */

#include "unit/taping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_MAX = 400,
    LIST_MAX = 12
};

typedef struct input {
    const uint8_t *at, *end;
} input;

static uint32_t take(input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* A number: of few values most often, so that events meet. */
static uint64_t number(input *in)
{
    uint32_t sort = take(in), which = take(in);
    switch (sort % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        return which % 12;
    case 4:
        return which;
    case 5:
        return (UINT64_C(1) << (which % 64)) + sort / 8 % 3 - 1;
    case 6:
        return (uint64_t)which << (8 + sort / 8 % 16);
    default:
        return UINT64_MAX - which % 4;
    }
}

static uint64_t size_of(input *in)
{
    uint32_t which = take(in);
    return which < 250 ? (UINT64_C(64) << (which % 16)) + which / 16 : number(in);
}

/* Makes sense more often than numbers would. */
static void add_likely(taping *t, input *in, uint32_t kind)
{
    uint64_t a = 1 + take(in) % 12, b = 1 + take(in) % 6;
    uint64_t some[LIST_MAX];
    uint32_t count = take(in) % LIST_MAX;
    switch (kind % 12) {
    case 0:
        tape_memory(t, b, take(in) % 4, size_of(in) * 8);
        break;
    case 1:
        tape_buffer(t, a, size_of(in), take(in));
        break;
    case 2:
        tape_texture(t, a, 1 + take(in), 1 + take(in));
        break;
    case 3:
    case 4:
        tape_bound(t, a, b, (uint64_t)take(in) << 8, take(in) % 2 == 0 ? 0 : size_of(in));
        break;
    case 5:
        tape_destroyed(t, a);
        break;
    case 6:
        tape_memory_freed(t, b);
        break;
    case 7:
        tape_mapped(t, b, take(in) % 3 == 0 ? a : 0, take(in), size_of(in));
        break;
    case 8:
        for (uint32_t i = 0; i < count; i++) {
            some[i] = 1 + take(in) % 12;
        }
        tape_submit(t, 1 + take(in) % 2, some, count);
        break;
    case 9:
        tape_released(t, a);
        break;
    case 10:
        t->time_ns += (uint64_t)take(in) << 20;
        tape_frame(t);
        break;
    default:
        tape_budget(t, take(in) % 3, size_of(in) * 16, size_of(in));
        break;
    }
}

static void add_any(taping *t, input *in, uint32_t kind)
{
    uint64_t list[LIST_MAX];
    uint32_t count;
    fh_trace_event event = {.kind = (fh_trace_kind)(1 + kind % FH_TRACE_KIND_MAX)};
    fh_trace_kind_describe(event.kind, NULL, &count);
    for (uint32_t i = 0; i < count; i++) {
        event.values[i] = number(in);
    }
    event.list_count = take(in) % LIST_MAX;
    for (uint32_t i = 0; i < event.list_count; i++) {
        list[i] = number(in);
    }
    event.list = list;
    event.text = "a text\xc3\xa4";
    event.text_size = take(in) % 9;
    tape_add(t, &event);
}

static fh_recording *record(input *in)
{
    taping t;
    fh_recording *recording;
    static const fh_trace_api apis[] = {FH_TRACE_API_VULKAN, FH_TRACE_API_FREEHOLD,
                                        FH_TRACE_API_OTHER};
    tape_begin(&t, apis[take(in) % 3], UINT64_C(1) << (16 + take(in) % 16));
    tape_queue(&t, 1);
    tape_queue(&t, 2);
    for (int i = 0; i < EVENTS_MAX && in->at < in->end; i++) {
        uint32_t kind = take(in);
        if (kind < 192) {
            add_likely(&t, in, kind);
        } else {
            add_any(&t, in, kind);
        }
    }
    fh_result result = tape_end(&t, NULL, &recording);
    if (result != FH_OK) {
        fprintf(stderr, "%s: %s\n", fh_result_name(result), t.fault ? t.fault : fh_error_detail());
        abort();
    }
    return recording;
}

static fh_replay *play(const fh_recording *recording, int way)
{
    fh_replay *replay;
    const fh_recorded_device *device = fh_recording_device(recording, 0);
    const fh_replay_desc desc = {
        .as_recorded = way == 0,
        .keep_spans = true,
        .profile = way == 3 ? fh_profile_find("mobile-4g") : NULL,
    };
    fh_result result = fh_replay_create(recording, &desc, &replay);
    if (result != FH_OK) {
        fprintf(stderr, "%s: %s\n", fh_result_name(result), fh_error_detail());
        abort();
    }
    if (way >= 2) {
        fh_device_set_limit(fh_replay_device(replay), (fh_account){FH_ACCOUNT_TOTAL, 0},
                            device->peak_committed / 2);
    }
    result = fh_replay_step(replay, UINT32_MAX, NULL);
    if (result != FH_OK) {
        fprintf(stderr, "%s: %s\n", fh_result_name(result), fh_error_detail());
        abort();
    }
    return replay;
}

static void check(const fh_recording *recording, int way)
{
    fh_replay *first = play(recording, way), *second = play(recording, way);
    const char *fault = tape_difference(first, second);
    fh_replay_figures figures;
    fh_replay_get_figures(first, &figures);
    if (!fault && way == 0) {
        const fh_recorded_device *device =
            fh_recording_device(recording, fh_recording_get_info(recording)->main_device);
        fault = figures.total.reserved_peak != device->peak_reserved ||
                        figures.total.committed_peak != device->peak_committed
                    ? "the peaks are not the recording's"
                    : NULL;
    }
    if (fault) {
        fprintf(stderr, "way %d: %s\n", way, fault);
        abort();
    }
    fh_replay_destroy(first);
    fh_replay_destroy(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    input in = {data, data + length};
    fh_recording *recording = record(&in);
    for (int way = 0; way < 4; way++) {
        check(recording, way);
    }
    fh_recording_close(recording);
    return 0;
}
