/* What tests of trace files check over and over. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_TRACE_CHECKS_H
#define FREEHOLD_TESTS_TRACE_CHECKS_H

#include "checks.h"
#include "trace_rig.h"

#include <string.h>

/* How many events can be read of a file, which must be one; and what is said of its end. */
static inline uint32_t check_count(const rig_bytes *file, fh_trace_reader_info *out_info)
{
    fh_trace_reader *reader;
    fh_trace_event event;
    uint32_t count = 0;
    CHECK_OK(rig_read(file, NULL, &reader));
    for (;; count++) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        if (event.kind == FH_TRACE_NONE) {
            break;
        }
    }
    CHECK_OK(fh_trace_reader_get_info(reader, out_info));
    fh_trace_reader_close(reader);
    return count;
}

/* So many events can be read, and then the sentence names what is wrong. */
static inline void check_damage(const rig_bytes *file, uint32_t count, const char *word)
{
    fh_trace_reader_info info;
    assert_int_equal(check_count(file, &info), count);
    if (strstr(info.damage, word) == NULL) {
        fail_msg("\"%s\" does not say %s", info.damage, word);
    }
}

#endif
