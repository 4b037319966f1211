/* Bytes that can be recognised: what tests write into parcels and look for in them. Only test_*.c
 * files include this. */

#ifndef FREEHOLD_TESTS_BYTES_H
#define FREEHOLD_TESTS_BYTES_H

#include "card_checks.h"

#include <stdlib.h>

/* The byte at `place` of the data number `seed`; no two data are alike, nor two places of one. */
static inline unsigned char bytes_at(uint64_t seed, uint64_t place)
{
    uint64_t z = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + place * UINT64_C(0xd1342543de82ef95);
    return (unsigned char)((z ^ (z >> 29)) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
}

/* `size` bytes of the data `seed`, from `place` on; free() them. */
static inline unsigned char *bytes_make(uint64_t seed, uint64_t place, uint64_t size)
{
    unsigned char *bytes = malloc((size_t)size);
    if (bytes == NULL) {
        abort();
    }
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = bytes_at(seed, place + i);
    }
    return bytes;
}

/* NULL, or a sentence; which byte it was is printed. */
static inline const char *bytes_compare(const unsigned char *bytes, uint64_t seed, uint64_t place,
                                        uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        if (bytes[i] != bytes_at(seed, place + i)) {
            fprintf(stderr, "byte %llu of data %llu is %u, not %u\n", (unsigned long long)place + i,
                    (unsigned long long)seed, bytes[i], bytes_at(seed, place + i));
            return "bytes are not what was written";
        }
    }
    return NULL;
}

/* Write a part of the data into the same place of a buffer. */
static inline void check_write(const card *c, fh_parcel buffer, uint64_t seed, uint64_t place,
                               uint64_t size)
{
    unsigned char *bytes = bytes_make(seed, place, size);
    fh_result result = fh_parcel_write(c->device, buffer, place, bytes, size, NULL);
    memset(bytes, 0xee, (size_t)size); /* it has been read */
    free(bytes);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
}

static inline unsigned char *check_read(const card *c, fh_parcel buffer, uint64_t offset,
                                        uint64_t size)
{
    unsigned char *bytes = malloc((size_t)size);
    fh_result result = fh_parcel_read(c->device, buffer, offset, bytes, size, 5 * SECOND_NS);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return bytes;
}

/* The buffer holds that part of the data in the same place. */
static inline void check_holds(const card *c, fh_parcel buffer, uint64_t seed, uint64_t place,
                               uint64_t size)
{
    unsigned char *bytes = check_read(c, buffer, place, size);
    CHECK_NO_FAULT(bytes_compare(bytes, seed, place, size));
    free(bytes);
}

static inline void check_zero(const card *c, fh_parcel buffer, uint64_t offset, uint64_t size)
{
    unsigned char *bytes = check_read(c, buffer, offset, size);
    for (uint64_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            fail_msg("byte %llu is %u, not 0", (unsigned long long)(offset + i), bytes[i]);
        }
    }
    free(bytes);
}

static inline fh_parcel check_buffer_at(const card *c, uint64_t size, fh_location location)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.location = location;
    return check_make(c, &desc);
}

static const fh_location everywhere[FH_LOCATION_COUNT] = {
    FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD, FH_LOCATION_READBACK, FH_LOCATION_DEVICE_UPLOAD};

static inline void check_resize(const card *c, fh_parcel buffer, uint64_t size)
{
    fh_result result = fh_buffer_resize(c->device, buffer, size, NULL);
    if (result != FH_OK) {
        fail_msg("to %llu: %s: %s", (unsigned long long)size, fh_result_name(result),
                 fh_error_detail());
    }
    CHECK_EQUAL(check_info(c, buffer).committed, size);
}

/* A texture that can be copied from and to. */
static inline fh_parcel check_texture(const card *c, const fh_texture_desc *shape)
{
    fh_texture_desc desc = *shape;
    fh_parcel texture;
    desc.usage |= FH_USAGE_SAMPLED | FH_USAGE_COPY;
    fh_result result = fh_texture_create(c->device, &desc, &texture);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return texture;
}

/* ---- cards ---- */

/* Device memory that the CPU does not see, and memory that it sees, but not coherently, with an
 * atom larger than alignments are. Where the CPU and the GPU look at the same bytes, they see what
 * was flushed and invalidated, and nothing else. */
static inline void card_split(card *c)
{
    card_small(c);
    c->profile.name = "split";
    c->profile.types[CARD_WRITTEN].flags = FH_MEMORY_HOST_VISIBLE;
    c->profile.types[CARD_CACHED].flags = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_CACHED;
    c->profile.atom = 256;
}

/* One memory, seen by both, but not coherently. */
static inline void card_split_only(card *c)
{
    card_split(c);
    c->profile.types[CARD_LOCAL].flags |= FH_MEMORY_HOST_VISIBLE;
}

/* Copies happen when the test says so. */
static inline void card_manual(card *c)
{
    card_small(c);
    c->profile.manual = true;
}

/* Run `test` on each kind of card there is: the built-in ones, and those above. Copies take a
 * while. */
static inline void on_every_card(void (*test)(card *c))
{
    static const char *const names[] = {"discrete-8g", "rebar-16g", "uma-16g", "mobile-4g"};
    static void (*const customs[])(card *) = {card_small, card_split, card_split_only};
    card *c = test_calloc(1, sizeof *c);
    for (size_t i = 0; i < TEST_COUNT_OF(names) + TEST_COUNT_OF(customs); i++) {
        if (i < TEST_COUNT_OF(names)) {
            card_builtin(c, names[i]);
        } else {
            customs[i - TEST_COUNT_OF(names)](c);
        }
        c->profile.copy_latency_ns = 20000;
        check_open(c);
        test(c);
        check_close(c);
    }
    test_free(c);
}

/* ---- faults ---- */

/* Run `scenario` again and again, and fail the first, second, third call of the backend in it,
 * until one run is not hit. `scenario` returns false when a call of its own failed, has then given
 * back all it made, and makes no cmocka check of results. After each run nothing is left, and it
 * succeeds when it is run again. */
static inline void fail_every_call(void (*prepare)(card *c), bool (*scenario)(card *c),
                                   fh_fault fault)
{
    card *c = test_calloc(1, sizeof *c);
    uint64_t nth = 1;
    for (bool hit = true; hit; nth++) {
        prepare(c);
        check_open(c);
        fault.nth = nth;
        CHECK_OK(fh_simulated_fault(c->backend, &fault));
        uint64_t before = card_calls(c, fault.call);
        bool done = scenario(c);
        hit = card_calls(c, fault.call) - before >= nth;
        if (!hit && !done) {
            fail_msg("%s without a fault", fh_error_detail());
        }
        fh_simulated_clear(c->backend);
        if (!fh_device_is_lost(c->device)) {
            CHECK_NO_FAULT(card_audit(c));
            if (!scenario(c)) {
                fail_msg("after fault %llu: %s", (unsigned long long)nth, fh_error_detail());
            }
        }
        check_close(c);
    }
    if (nth < 4) {
        fail_msg("the scenario makes %llu calls only", (unsigned long long)nth);
    }
    test_free(c);
}

/* The same with host memory. */
static inline void fail_every_host_alloc(void (*prepare)(card *c), bool (*scenario)(card *c))
{
    card *c = test_calloc(1, sizeof *c);
    for (uint64_t nth = 1;; nth++) {
        test_memory memory;
        test_memory_init(&memory);
        prepare(c);
        c->desc.memory = &memory.host;
        check_open(c);
        memory.fail_at = memory.alloc_count + nth;
        bool done = scenario(c);
        bool hit = memory.alloc_count >= memory.fail_at;
        memory.fail_at = 0;
        if (!hit && !done) {
            fail_msg("%s without a failure", fh_error_detail());
        }
        CHECK_NO_FAULT(card_audit(c));
        if (!scenario(c)) {
            fail_msg("after failure %llu: %s", (unsigned long long)nth, fh_error_detail());
        }
        check_close(c);
        test_memory_finish(&memory);
        if (!hit) {
            break;
        }
    }
    test_free(c);
}

#endif
