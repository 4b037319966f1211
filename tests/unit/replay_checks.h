/* What tests of replays check over and over. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_REPLAY_CHECKS_H
#define FREEHOLD_TESTS_REPLAY_CHECKS_H

#include "checks.h"
#include "taping.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define CHECK_EQUAL(is, should)                                                                    \
    do {                                                                                           \
        uint64_t is_ = (is), should_ = (should);                                                   \
        if (is_ != should_) {                                                                      \
            fail_msg("%s is %" PRIu64 ", and should be %" PRIu64, #is, is_, should_);              \
        }                                                                                          \
    } while (0)

static inline fh_recording *check_recording(taping *t)
{
    fh_recording *recording;
    fh_result result = tape_end(t, NULL, &recording);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), t->fault ? t->fault : fh_error_detail());
    }
    return recording;
}

static inline fh_replay *check_replay(const fh_recording *recording, const fh_replay_desc *desc)
{
    fh_replay *replay;
    fh_result result = fh_replay_create(recording, desc, &replay);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return replay;
}

static inline fh_replay_figures check_figures(const fh_replay *replay)
{
    fh_replay_figures figures;
    CHECK_OK(fh_replay_get_figures(replay, &figures));
    return figures;
}

/* To the end. */
static inline fh_replay_figures check_played(fh_replay *replay)
{
    CHECK_OK(fh_replay_step(replay, UINT32_MAX, NULL));
    assert_true(fh_replay_done(replay));
    return check_figures(replay);
}

/* A buffer that the driver wants to have memory of its own: so what a device reserves is what was
 * asked for. In the program it has memory `id`, too. */
static inline void tape_alone(taping *t, uint64_t id, uint64_t size)
{
    tape_memory(t, id, 0, size);
    tape_resource(t, &(fh_trace_resource){.resource = id,
                                          .kind = FH_KIND_BUFFER,
                                          .size = size,
                                          .needs_size = size,
                                          .needs_alignment = 256,
                                          .needs_types = 0x5, /* of heap 0 */
                                          .dedicated = 2,
                                          .usage = FH_USAGE_STORAGE});
    tape_bound(t, id, id, 0, size);
}

static inline void tape_alone_gone(taping *t, uint64_t id)
{
    tape_destroyed(t, id);
    tape_memory_freed(t, id);
}

#endif
