/* cmocka, and the checks that most tests of blocks make. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_CHECKS_H
#define FREEHOLD_TESTS_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block/audit.h"
#include "shadow.h"
#include "support.h"

/* A sentence that tells what is wrong, or NULL when all is well. */
#define CHECK_NO_FAULT(sentence)                                                                   \
    do {                                                                                           \
        const char *fault_ = (sentence);                                                           \
        if (fault_ != NULL) {                                                                      \
            fail_msg("%s", fault_);                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_SOUND(block) CHECK_NO_FAULT(fhi_block_audit(block))

/* Results by name, so that a failure says FH_ERR_STALE and not -5. */
#define CHECK_RESULT(call, expected) assert_string_equal(fh_result_name(call), #expected)
#define CHECK_OK(call)               CHECK_RESULT(call, FH_OK)

/* The last failure's sentence names what was wrong. */
#define CHECK_DETAIL_NAMES(word)                                                                   \
    do {                                                                                           \
        if (strstr(fh_error_detail(), (word)) == NULL) {                                           \
            fail_msg("\"%s\" does not name %s", fh_error_detail(), (word));                        \
        }                                                                                          \
    } while (0)

static inline fh_block *check_block(uint64_t size, fh_block_algorithm algorithm)
{
    fh_block *block;
    CHECK_OK(fh_block_create(&(fh_block_desc){.size = size, .algorithm = algorithm}, &block));
    assert_non_null(block);
    return block;
}

/* A range that must be there; its offset goes to `out_offset`, unless that is NULL. */
static inline fh_range check_take(fh_block *block, uint64_t size, uint64_t *out_offset)
{
    fh_range range;
    CHECK_OK(fh_block_alloc(block, &(fh_range_desc){.size = size}, &range, out_offset));
    assert_true(range.id != 0);
    return range;
}

/* A request that must be refused for lack of room. */
static inline void check_refused(fh_block *block, const fh_range_desc *desc)
{
    fh_range range;
    CHECK_RESULT(fh_block_alloc(block, desc, &range, NULL), FH_ERR_OUT_OF_MEMORY);
}

static inline void check_give(fh_block *block, fh_range range)
{
    CHECK_OK(fh_block_free(block, range));
}

static inline fh_stats_detail check_detail(const fh_block *block)
{
    fh_stats_detail detail;
    fh_block_detail(block, &detail);
    return detail;
}

static inline uint64_t check_offset(const fh_block *block, fh_range range)
{
    fh_range_info info;
    CHECK_OK(fh_block_info(block, range, &info));
    return info.offset;
}

#endif
