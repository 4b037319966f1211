/* The conformance tests' tools. */

#include "rig.h"

#include "backend/texture.h"
#include "base/bits.h"
#include "base/host.h"

#include <stdlib.h>
#include <string.h>

void rig_open(rig *r, void **state)
{
    const conform_target *target = *state;

    *r = (rig){.target = target, .ops = target->ops};
    CHECK_OK(fhi_host_memory_resolve(NULL, &r->host));
    CHECK_OK(fhi_log_resolve(NULL, &r->log));
    CHECK_OK(
        r->ops->open(target->config, target->adapter, &r->host, &r->log, &r->device, &r->info));
    assert_non_null(r->device);
    assert_true(r->ops->memory_size <= RIG_ROOM && r->ops->object_size <= RIG_ROOM);
}

void rig_close(rig *r)
{
    r->ops->close(r->device);
    r->device = NULL;
}

uint32_t rig_type(const rig *r, uint32_t mask, fh_memory_flags required, fh_memory_flags excluded)
{
    for (uint32_t i = 0; i < r->info.type_count; i++) {
        fh_memory_flags flags = r->info.types[i].flags;
        if ((mask >> i & 1) != 0 && (flags & required) == required && (flags & excluded) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- memory ---- */

void rig_memory_alloc(rig *r, rig_memory *memory, uint64_t size, uint32_t type)
{
    fh_memory_request request = {.size = size, .type = type, .priority = 0.5F};

    assert_true(type < r->info.type_count);
    *memory = (rig_memory){.size = size, .type = type};
    CHECK_OK(r->ops->memory_alloc(r->device, &request, memory->room));
    if ((r->info.types[type].flags & FH_MEMORY_HOST_VISIBLE) != 0) {
        void *mapped;
        CHECK_OK(r->ops->memory_map(r->device, memory->room, &mapped));
        assert_non_null(mapped);
        memory->mapped = mapped;
    }
}

void rig_memory_free(rig *r, rig_memory *memory)
{
    if (memory->mapped) {
        r->ops->memory_unmap(r->device, memory->room);
    }
    r->ops->memory_free(r->device, memory->room);
    *memory = (rig_memory){0};
}

/* The piece of `memory` that is to be flushed or invalidated for some bytes of it. */
typedef struct piece {
    uint64_t offset, size; /* size 0: nothing is to be done */
} piece;

static piece piece_of(const rig *r, const rig_memory *memory, uint64_t offset, uint64_t size)
{
    if ((r->info.types[memory->type].flags & FH_MEMORY_HOST_COHERENT) != 0) {
        return (piece){0};
    }
    uint64_t begin = fhi_align_down(offset, r->info.atom);
    uint64_t end = fhi_align_up(offset + size, r->info.atom);
    end = end < memory->size ? end : memory->size;
    return (piece){begin, end - begin};
}

fh_result rig_memory_write(rig *r, rig_memory *memory, uint64_t offset, const void *data,
                           uint64_t size)
{
    piece p = piece_of(r, memory, offset, size);
    memcpy(memory->mapped + offset, data, size);
    return p.size == 0 ? FH_OK : r->ops->memory_flush(r->device, memory->room, p.offset, p.size);
}

fh_result rig_memory_read(rig *r, rig_memory *memory, uint64_t offset, void *data, uint64_t size)
{
    piece p = piece_of(r, memory, offset, size);
    fh_result result =
        p.size == 0 ? FH_OK : r->ops->memory_invalidate(r->device, memory->room, p.offset, p.size);
    memcpy(data, memory->mapped + offset, size);
    return result;
}

/* ---- objects ---- */

static void check_needs(const rig *r, const fh_requirements *needs, uint64_t size)
{
    uint64_t types = (UINT64_C(1) << r->info.type_count) - 1;

    assert_true(needs->size >= size);
    assert_true(fhi_is_power_of_two(needs->alignment));
    assert_true(needs->type_mask != 0 && (needs->type_mask & ~types) == 0);
}

void rig_object_buffer(rig *r, rig_object *object, uint64_t size, fh_usage usage)
{
    fh_buffer_desc desc = {.size = size, .usage = usage, .capacity = size};

    rig_object made = {0};
    *object = made;
    CHECK_OK(r->ops->buffer_create(r->device, &desc, size, made.room, &made.needs));
    check_needs(r, &made.needs, size);
    *object = made; /* it may move until it is bound */
}

bool rig_object_texture(rig *r, rig_object *object, const fh_texture_desc *desc)
{
    fh_texture_desc resolved;

    rig_object made = {0};
    *object = made;
    CHECK_OK(fhi_texture_resolve(desc, &resolved));
    fh_result result = r->ops->texture_create(r->device, &resolved, made.room, &made.needs);
    if (result == FH_ERR_UNSUPPORTED) {
        return false;
    }
    CHECK_OK(result);
    check_needs(r, &made.needs, 1);
    *object = made; /* it may move until it is bound */
    return true;
}

void rig_object_destroy(rig *r, rig_object *object)
{
    r->ops->object_destroy(r->device, object->room);
    *object = (rig_object){0};
}

void rig_buffer_create(rig *r, rig_buffer *buffer, uint64_t size, bool visible)
{
    const fh_memory_flags odd = FH_MEMORY_PROTECTED | FH_MEMORY_LAZILY_ALLOCATED;

    *buffer = (rig_buffer){.size = size};
    rig_object_buffer(r, &buffer->object, size, FH_USAGE_COPY | FH_USAGE_STORAGE);
    fh_requirements *needs = &buffer->object.needs;
    uint32_t type = rig_type(r, needs->type_mask, visible ? FH_MEMORY_HOST_VISIBLE : 0,
                             visible ? odd : odd | FH_MEMORY_HOST_VISIBLE);
    if (type == UINT32_MAX && !visible) {
        type = rig_type(r, needs->type_mask, 0, odd);
    }
    rig_memory_alloc(r, &buffer->memory, needs->size, type);
    CHECK_OK(r->ops->bind(r->device, buffer->object.room, buffer->memory.room, 0));
}

void rig_buffer_destroy(rig *r, rig_buffer *buffer)
{
    rig_object_destroy(r, &buffer->object);
    rig_memory_free(r, &buffer->memory);
}

bool rig_texture_create(rig *r, rig_texture *texture, const fh_texture_desc *desc)
{
    fh_texture_desc with_usage = *desc;

    *texture = (rig_texture){0};
    with_usage.usage |= FH_USAGE_COPY | FH_USAGE_SAMPLED;
    CHECK_OK(fhi_texture_resolve(&with_usage, &texture->desc));
    if (!rig_object_texture(r, &texture->object, &texture->desc)) {
        return false;
    }
    fh_requirements *needs = &texture->object.needs;
    rig_memory_alloc(
        r, &texture->memory, needs->size,
        rig_type(r, needs->type_mask, 0, FH_MEMORY_PROTECTED | FH_MEMORY_LAZILY_ALLOCATED));
    CHECK_OK(r->ops->bind(r->device, texture->object.room, texture->memory.room, 0));
    return true;
}

void rig_texture_destroy(rig *r, rig_texture *texture)
{
    rig_object_destroy(r, &texture->object);
    rig_memory_free(r, &texture->memory);
}

/* ---- copies ---- */

uint64_t rig_submit(rig *r, uint32_t queue, const fh_backend_copy *copies, uint32_t count,
                    const fh_epoch *waits, uint32_t wait_count)
{
    uint64_t value;
    CHECK_OK(r->ops->submit(r->device, queue, copies, count, waits, wait_count, &value));
    assert_true(value > 0);
    return value;
}

void rig_wait(rig *r, uint32_t queue, uint64_t value)
{
    CHECK_OK(r->ops->wait(r->device, queue, value, RIG_TIMEOUT_NS));
}

void rig_copy(rig *r, const fh_backend_copy *copies, uint32_t count)
{
    rig_wait(r, 0, rig_submit(r, 0, copies, count, NULL, 0));
}

void rig_upload(rig *r, rig_object *buffer, uint64_t offset, const void *data, uint64_t size)
{
    rig_buffer staging;
    rig_buffer_create(r, &staging, size, true);
    CHECK_OK(rig_memory_write(r, &staging.memory, 0, data, size));
    rig_copy(r,
             &(fh_backend_copy){
                 .kind = FH_COPY_BUFFER,
                 .src = staging.object.room,
                 .dst = buffer->room,
                 .dst_offset = offset,
                 .size = size,
             },
             1);
    rig_buffer_destroy(r, &staging);
}

void rig_download(rig *r, rig_object *buffer, uint64_t offset, void *data, uint64_t size)
{
    rig_buffer staging;
    rig_buffer_create(r, &staging, size, true);
    rig_copy(r,
             &(fh_backend_copy){
                 .kind = FH_COPY_BUFFER,
                 .src = buffer->room,
                 .src_offset = offset,
                 .dst = staging.object.room,
                 .size = size,
             },
             1);
    CHECK_OK(rig_memory_read(r, &staging.memory, 0, data, size));
    rig_buffer_destroy(r, &staging);
}

/* Some bytes beside the texels, at an offset: rows begin where the buffer says. */
enum {
    STAGING_OFFSET = 256
};

void rig_texture_upload(rig *r, rig_texture *texture, const fh_texture_region *region,
                        const void *data)
{
    fh_texture_region box;
    CHECK_OK(fhi_texture_region_resolve(&texture->desc, region, &box));
    uint64_t size = fh_texture_region_bytes(&texture->desc, &box);
    rig_buffer staging;
    rig_buffer_create(r, &staging, STAGING_OFFSET + size, true);
    CHECK_OK(rig_memory_write(r, &staging.memory, STAGING_OFFSET, data, size));
    rig_copy(r,
             &(fh_backend_copy){
                 .kind = FH_COPY_BUFFER_TO_TEXTURE,
                 .src = staging.object.room,
                 .src_offset = STAGING_OFFSET,
                 .dst = texture->object.room,
                 .dst_region = box,
             },
             1);
    rig_buffer_destroy(r, &staging);
}

void rig_texture_download(rig *r, rig_texture *texture, const fh_texture_region *region, void *data)
{
    fh_texture_region box;
    CHECK_OK(fhi_texture_region_resolve(&texture->desc, region, &box));
    uint64_t size = fh_texture_region_bytes(&texture->desc, &box);
    rig_buffer staging;
    rig_buffer_create(r, &staging, STAGING_OFFSET + size, true);
    rig_copy(r,
             &(fh_backend_copy){
                 .kind = FH_COPY_TEXTURE_TO_BUFFER,
                 .src = texture->object.room,
                 .src_region = box,
                 .dst = staging.object.room,
                 .dst_offset = STAGING_OFFSET,
             },
             1);
    CHECK_OK(rig_memory_read(r, &staging.memory, STAGING_OFFSET, data, size));
    rig_buffer_destroy(r, &staging);
}

/* ---- data ---- */

void rig_pattern(void *data, uint64_t size, uint32_t seed)
{
    unsigned char *bytes = data;
    uint32_t mix = seed * 2654435761U + 12345;

    for (uint64_t i = 0; i < size; i++) {
        mix ^= mix << 13;
        mix ^= mix >> 17;
        mix ^= mix << 5;
        bytes[i] = (unsigned char)(mix >> 8);
    }
}

void rig_same(const void *got, const void *expected, uint64_t size, const char *what)
{
    const unsigned char *a = got;
    const unsigned char *b = expected;

    for (uint64_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            fail_msg("%s: byte %llu of %llu is 0x%02x, not 0x%02x", what, (unsigned long long)i,
                     (unsigned long long)size, a[i], b[i]);
        }
    }
}
