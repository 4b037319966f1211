/* What most tests of devices do, checked at every step. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_CARD_CHECKS_H
#define FREEHOLD_TESTS_CARD_CHECKS_H

#include "checks.h"

#include "card.h"

#include <stdio.h>
#include <string.h>

static inline void check_open(card *c)
{
    CHECK_OK(card_open(c));
    assert_non_null(c->device);
}

/* Everything was released: nothing is left, and closing leaves nothing either. */
static inline void check_close(card *c)
{
    CHECK_NO_FAULT(card_audit(c));
    CHECK_NO_FAULT(card_empty(c));
    CHECK_NO_FAULT(card_close(c));
}

static inline fh_buffer_desc card_buffer_desc(uint64_t size)
{
    return (fh_buffer_desc){.size = size, .usage = FH_USAGE_STORAGE | FH_USAGE_COPY};
}

static inline fh_parcel check_make(const card *c, const fh_buffer_desc *desc)
{
    fh_parcel buffer;
    fh_result result = fh_buffer_create(c->device, desc, &buffer);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    assert_true(buffer.id != 0);
    return buffer;
}

static inline fh_parcel check_buffer(const card *c, uint64_t size)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    return check_make(c, &desc);
}

/* In memory that can be mapped. */
static inline fh_parcel check_upload(const card *c, uint64_t size)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.location = FH_LOCATION_UPLOAD;
    return check_make(c, &desc);
}

static inline fh_parcel check_raw(const card *c, const fh_raw_desc *desc)
{
    fh_parcel raw;
    fh_result result = fh_raw_create(c->device, desc, &raw);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return raw;
}

static inline fh_parcel_info check_info(const card *c, fh_parcel parcel)
{
    fh_parcel_info info;
    CHECK_OK(fh_parcel_get(c->device, parcel, &info));
    return info;
}

static inline void check_release(const card *c, fh_parcel parcel)
{
    CHECK_OK(fh_parcel_release(c->device, parcel));
}

static inline void check_limit(const card *c, fh_account_scope scope, uint32_t index,
                               uint64_t limit)
{
    CHECK_OK(fh_device_set_limit(c->device, (fh_account){scope, index}, limit));
}

static inline uint32_t check_queue(const card *c)
{
    uint32_t queue;
    CHECK_OK(fh_queue_add(c->device, NULL, &queue));
    return queue;
}

/* Numbers by value, so that a failure shows both. */
#define CHECK_EQUAL(is, should)                                                                    \
    do {                                                                                           \
        uint64_t is_ = (is);                                                                       \
        uint64_t should_ = (should);                                                               \
        if (is_ != should_) {                                                                      \
            fail_msg("%s is %llu, not %llu", #is, (unsigned long long)is_,                         \
                     (unsigned long long)should_);                                                 \
        }                                                                                          \
    } while (0)

#define CHECK_USED(c, scope, index, bytes) CHECK_EQUAL(card_used((c), (scope), (index)), (bytes))

/* Refused with that result, the output zeroed, and a sentence that names what was wrong. */
#define CHECK_REFUSED(call, out_parcel, result, word)                                              \
    do {                                                                                           \
        (out_parcel) = (fh_parcel){77};                                                            \
        CHECK_RESULT(call, result);                                                                \
        assert_true((out_parcel).id == 0);                                                         \
        CHECK_DETAIL_NAMES(word);                                                                  \
    } while (0)

#endif
