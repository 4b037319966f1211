/* What the conformance tests work with: a device, memories with room for the backend's own, buffers
 * that are bound, and copies that are waited for. All of it fails the running test when a call does
 * not give what it must. */

#ifndef FREEHOLD_TESTS_RIG_H
#define FREEHOLD_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conform.h"

#include <stdbool.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Results by name, with the sentence behind a failure. */
#define CHECK_RESULT(call, expected)                                                               \
    do {                                                                                           \
        fh_result result_ = (call);                                                                \
        if (result_ != (expected)) {                                                               \
            fail_msg("%s is %s (%s), not %s", #call, fh_result_name(result_), fh_error_detail(),   \
                     #expected);                                                                   \
        }                                                                                          \
    } while (0)
#define CHECK_OK(call) CHECK_RESULT(call, FH_OK)

/* Long for a GPU, short for a person. */
#define RIG_TIMEOUT_NS UINT64_C(20000000000)

enum {
    RIG_ROOM = 256 /* what a backend may want for each memory and object at most */
};

typedef struct rig {
    const conform_target *target;
    const fh_backend_ops *ops;
    fh_backend_device *device;
    fh_adapter_info info;
    fh_host_memory host;
    fh_log log;
} rig;

typedef struct rig_memory {
    _Alignas(16) unsigned char room[RIG_ROOM];
    uint64_t size;
    uint32_t type;
    unsigned char *mapped; /* host-visible memory, else NULL */
} rig_memory;

typedef struct rig_object {
    _Alignas(16) unsigned char room[RIG_ROOM];
    fh_requirements needs;
} rig_object;

/* A buffer with a memory of its own. */
typedef struct rig_buffer {
    rig_object object;
    rig_memory memory;
    uint64_t size;
} rig_buffer;

/* A texture with a memory of its own. */
typedef struct rig_texture {
    rig_object object;
    rig_memory memory;
    fh_texture_desc desc; /* resolved */
} rig_texture;

void rig_open(rig *r, void **state);
void rig_close(rig *r);

/* The first memory type of `mask` with all of `required`, and none of `excluded`; UINT32_MAX when
 * there is none. */
uint32_t rig_type(const rig *r, uint32_t mask, fh_memory_flags required, fh_memory_flags excluded);

/* Host-visible memory is mapped until it is freed. */
void rig_memory_alloc(rig *r, rig_memory *memory, uint64_t size, uint32_t type);
void rig_memory_free(rig *r, rig_memory *memory);

/* Through the mapping, with what memory that is not coherent needs. From any thread, so it is the
 * caller who checks the result. */
fh_result rig_memory_write(rig *r, rig_memory *memory, uint64_t offset, const void *data,
                           uint64_t size);
fh_result rig_memory_read(rig *r, rig_memory *memory, uint64_t offset, void *data, uint64_t size);

/* Objects without memory yet. */
void rig_object_buffer(rig *r, rig_object *object, uint64_t size, fh_usage usage);
/* Returns false when the backend does not support such a texture. */
bool rig_object_texture(rig *r, rig_object *object, const fh_texture_desc *desc);
void rig_object_destroy(rig *r, rig_object *object);

/* A buffer for copies; host-visible or not. */
void rig_buffer_create(rig *r, rig_buffer *buffer, uint64_t size, bool visible);
void rig_buffer_destroy(rig *r, rig_buffer *buffer);

/* Bytes of any buffer, through a staging buffer and a copy. */
void rig_upload(rig *r, rig_object *buffer, uint64_t offset, const void *data, uint64_t size);
void rig_download(rig *r, rig_object *buffer, uint64_t offset, void *data, uint64_t size);

/* A texture for copies, with COPY usage; `desc` need not be resolved. False: not supported. */
bool rig_texture_create(rig *r, rig_texture *texture, const fh_texture_desc *desc);
void rig_texture_destroy(rig *r, rig_texture *texture);
void rig_texture_upload(rig *r, rig_texture *texture, const fh_texture_region *region,
                        const void *data);
void rig_texture_download(rig *r, rig_texture *texture, const fh_texture_region *region,
                          void *data);

/* On queue 0, until they are done. */
void rig_copy(rig *r, const fh_backend_copy *copies, uint32_t count);
uint64_t rig_submit(rig *r, uint32_t queue, const fh_backend_copy *copies, uint32_t count,
                    const fh_epoch *waits, uint32_t wait_count);
void rig_wait(rig *r, uint32_t queue, uint64_t value);

/* Bytes that are the same for the same seed, and differ from place to place. */
void rig_pattern(void *data, uint64_t size, uint32_t seed);

/* Fails, with the offset of the first difference. */
void rig_same(const void *got, const void *expected, uint64_t size, const char *what);

/* The tests, by noun. */
#define CONFORM_MEMORY_TESTS(X)                                                                    \
    X(adapters_are_described_in_pieces_and_as_they_open)                                           \
    X(every_memory_type_gives_memory)                                                              \
    X(mapped_memory_keeps_what_was_written)                                                        \
    X(a_part_that_was_flushed_arrives)                                                             \
    X(a_request_beyond_every_limit_fails_and_leaves_nothing)                                       \
    X(budgets_are_sane)                                                                            \
    X(imported_memory_is_the_programs_own)                                                         \
    X(dedicated_memory_serves_its_object)                                                          \
    X(addresses_are_as_far_apart_as_the_buffers)                                                   \
    X(several_devices_are_apart)

#define CONFORM_COPY_TESTS(X)                                                                      \
    X(a_copy_moves_what_it_was_asked_for_and_no_more)                                              \
    X(a_fill_sets_what_it_was_asked_for_and_no_more)                                               \
    X(copies_of_a_submission_happen_in_order)                                                      \
    X(submissions_of_a_queue_happen_in_order)                                                      \
    X(a_submission_waits_for_other_queues)                                                         \
    X(queues_count_up_and_never_back)                                                              \
    X(a_wait_for_what_was_not_submitted_times_out)                                                 \
    X(buffers_in_one_memory_do_not_touch_each_other)                                               \
    X(aliased_buffers_see_the_same_bytes)                                                          \
    X(a_buffers_memory_outlives_it)                                                                \
    X(threads_can_all_use_one_device)

#define CONFORM_TEXTURE_TESTS(X)                                                                   \
    X(texture_requirements_hold_all_texels)                                                        \
    X(textures_of_every_kind_keep_what_was_uploaded)                                               \
    X(formats_keep_what_was_uploaded)                                                              \
    X(levels_and_layers_do_not_overlap)                                                            \
    X(regions_land_where_they_should)                                                              \
    X(regions_of_compressed_textures_land_where_they_should)                                       \
    X(boxes_of_3d_textures_land_where_they_should)                                                 \
    X(several_layers_are_copied_at_once)                                                           \
    X(textures_are_copied_to_textures)                                                             \
    X(textures_in_one_memory_do_not_touch_each_other)

#define CONFORM_DECLARE(name) void name(void **state);
CONFORM_MEMORY_TESTS(CONFORM_DECLARE)
CONFORM_COPY_TESTS(CONFORM_DECLARE)
CONFORM_TEXTURE_TESTS(CONFORM_DECLARE)
#undef CONFORM_DECLARE

#endif
