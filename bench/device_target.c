/* Descriptions are kept, and only their size changes from call to call: what is timed is Freehold,
 * not the clearing of a struct. */

#include "device_target.h"

#include <freehold/freehold.h>

#include <stdlib.h>
#include <string.h>

#define MIB(n) ((uint64_t)(n) << 20)

/* ---- a bare block ---- */

static void *range_create(const bench_setup *setup)
{
    fh_block *block;
    (void)fh_block_create(&(fh_block_desc){.size = setup->block_size}, &block);
    return block;
}

static void range_destroy(void *state)
{
    fh_block_destroy(state);
}

static uint64_t range_alloc(void *state, uint64_t size, uint64_t alignment)
{
    const fh_range_desc desc = {.size = size, .alignment = alignment};
    fh_range range;
    uint64_t offset;
    (void)fh_block_alloc(state, &desc, &range, &offset);
    return range.id;
}

static void range_free(void *state, uint64_t handle)
{
    (void)fh_block_free(state, (fh_range){handle});
}

const bench_target bench_target_range = {
    .name = "range",
    .create = range_create,
    .destroy = range_destroy,
    .alloc = range_alloc,
    .free = range_free,
};

/* ---- the host backend alone ---- */

/* Objects stand in rooms as Freehold lends them; a handle is a room's number from 1. */
typedef struct object_state {
    const fh_backend_ops *ops;
    fh_backend_device *device;
    void *memory;     /* the backend's, of all objects */
    bool has_memory;  /* it is allocated */
    size_t room_size; /* a multiple of 16 */
    unsigned char *rooms;
    uint32_t *free_rooms; /* a stack */
    uint32_t free_count;
    fh_buffer_desc desc;
} object_state;

enum {
    OBJECT_STEP = 64 /* bytes from one object's place in the memory to the next one's */
};

static void object_finish(void *data)
{
    object_state *state = data;
    if (state->has_memory) {
        state->ops->memory_free(state->device, state->memory);
    }
    if (state->device) {
        state->ops->close(state->device);
    }
    free(state->memory);
    free(state->rooms);
    free(state->free_rooms);
    free(state);
}

static bool object_init(object_state *state, const bench_setup *setup)
{
    fh_adapter_info info;
    uint32_t count = setup->max_live + 1;
    state->ops = fh_backend_find("host");
    state->room_size = (state->ops->object_size + 15) / 16 * 16;
    state->desc = (fh_buffer_desc){.usage = FH_USAGE_STORAGE};
    state->memory = aligned_alloc(16, (state->ops->memory_size + 15) / 16 * 16);
    state->rooms = aligned_alloc(16, count * state->room_size);
    state->free_rooms = calloc(count, sizeof *state->free_rooms);
    if (!state->memory || !state->rooms || !state->free_rooms ||
        state->ops->open(NULL, 0, NULL, NULL, &state->device, &info) != FH_OK) {
        return false;
    }
    while (state->free_count < setup->max_live) {
        state->free_rooms[state->free_count] = setup->max_live - state->free_count;
        state->free_count++;
    }
    const fh_memory_request request = {.size = (uint64_t)count * OBJECT_STEP + MIB(16)};
    memset(state->memory, 0, state->ops->memory_size);
    state->has_memory = state->ops->memory_alloc(state->device, &request, state->memory) == FH_OK;
    return state->has_memory;
}

static void *object_create(const bench_setup *setup)
{
    object_state *state = calloc(1, sizeof *state);
    if (state && !object_init(state, setup)) {
        object_finish(state);
        return NULL;
    }
    return state;
}

static uint64_t object_alloc(void *data, uint64_t size, uint64_t alignment)
{
    object_state *state = data;
    const fh_backend_ops *ops = state->ops;
    fh_requirements needs;
    (void)alignment;
    if (state->free_count == 0) {
        return 0;
    }
    uint32_t number = state->free_rooms[--state->free_count];
    void *room = state->rooms + number * state->room_size;
    memset(room, 0, state->room_size);
    state->desc.size = size;
    if (ops->buffer_create(state->device, &state->desc, size, room, &needs) != FH_OK ||
        ops->bind(state->device, room, state->memory, (uint64_t)number * OBJECT_STEP) != FH_OK) {
        return 0;
    }
    return number;
}

static void object_free(void *data, uint64_t handle)
{
    object_state *state = data;
    state->ops->object_destroy(state->device, state->rooms + handle * state->room_size);
    state->free_rooms[state->free_count++] = (uint32_t)handle;
}

const bench_target bench_target_object = {
    .name = "object",
    .create = object_create,
    .destroy = object_finish,
    .alloc = object_alloc,
    .free = object_free,
};

/* ---- devices ---- */

typedef enum limit_where {
    LIMIT_NONE = 0,
    LIMIT_FAR,       /* on buffers, twice of what ever lives */
    LIMIT_NEAR_KIND, /* on buffers, exactly what lives at most: then lanes keep no credit */
    LIMIT_NEAR_TAG   /* the same on the tag */
} limit_where;

typedef struct device_kind {
    bool tagged;
    bool alias;
    limit_where limit;
} device_kind;

typedef struct device_state {
    fh_device *device; /* what is called: the alias, where there is one */
    fh_device *base;   /* NULL: no alias */
    bool borrowed;     /* both are another state's */
    fh_buffer_desc desc;
} device_state;

static void device_destroy(void *data)
{
    device_state *state = data;
    if (!state->borrowed) {
        if (state->base) {
            fh_device_destroy(state->device);
            fh_device_destroy(state->base);
        } else {
            fh_device_destroy(state->device);
        }
    }
    free(state);
}

static fh_result device_init(device_state *state, const device_kind *kind, uint64_t peak_bytes)
{
    static const fh_allocator_ops empty = {.name = "empty"};
    fh_account account = {FH_ACCOUNT_KIND, FH_KIND_BUFFER};
    fh_result result = fh_device_create(&(fh_device_desc){0}, &state->device);
    state->desc.usage = FH_USAGE_STORAGE;
    if (result == FH_OK && kind->tagged) {
        result = fh_device_tag(state->device, "bench", &state->desc.memory.tag);
        account = kind->limit == LIMIT_NEAR_TAG
                      ? (fh_account){FH_ACCOUNT_TAG, state->desc.memory.tag}
                      : account;
    }
    if (result == FH_OK && kind->limit != LIMIT_NONE) {
        uint64_t limit = kind->limit == LIMIT_FAR ? 2 * peak_bytes + MIB(64) : peak_bytes;
        result = fh_device_set_limit(state->device, account, limit);
    }
    if (result == FH_OK && kind->alias) {
        state->base = state->device;
        state->device = NULL;
        result = fh_device_with_allocator(state->base, &empty, NULL, &state->device);
    }
    return result;
}

static void *device_create(const bench_setup *setup)
{
    device_state *state = calloc(1, sizeof *state);
    if (state && device_init(state, setup->argument, setup->peak_bytes) != FH_OK) {
        device_destroy(state);
        return NULL;
    }
    return state;
}

static uint64_t device_alloc(void *data, uint64_t size, uint64_t alignment)
{
    device_state *state = data;
    fh_parcel parcel;
    (void)alignment;
    state->desc.size = size;
    (void)fh_buffer_create(state->device, &state->desc, &parcel);
    return parcel.id;
}

static void device_free(void *data, uint64_t handle)
{
    device_state *state = data;
    (void)fh_parcel_release(state->device, (fh_parcel){handle});
}

static void *device_share(void *data)
{
    device_state *state = malloc(sizeof *state);
    if (state) {
        *state = *(const device_state *)data;
        state->borrowed = true;
    }
    return state;
}

static const device_kind plain = {0};
static const device_kind tagged = {.tagged = true};
static const device_kind limit_far = {.limit = LIMIT_FAR};
static const device_kind limit_near = {.limit = LIMIT_NEAR_KIND};
static const device_kind tag_limit_near = {.tagged = true, .limit = LIMIT_NEAR_TAG};
static const device_kind alias = {.alias = true};

#define DEVICE_TARGET(name_, kind)                                                                 \
    {                                                                                              \
        .name = (name_), .argument = &(kind), .create = device_create, .destroy = device_destroy,  \
        .alloc = device_alloc, .free = device_free, .share = device_share                          \
    }

const bench_target bench_target_device = DEVICE_TARGET("device", plain);
const bench_target bench_target_tagged = DEVICE_TARGET("tagged", tagged);
const bench_target bench_target_limit_far = DEVICE_TARGET("limit-far", limit_far);
const bench_target bench_target_limit_near = DEVICE_TARGET("limit-near", limit_near);
const bench_target bench_target_tag_limit_near = DEVICE_TARGET("tag-limit-near", tag_limit_near);
const bench_target bench_target_alias = DEVICE_TARGET("alias", alias);

const bench_target *const bench_device_targets[] = {
    &bench_target_range,          &bench_target_object,    &bench_target_device,
    &bench_target_tagged,         &bench_target_limit_far, &bench_target_limit_near,
    &bench_target_tag_limit_near, &bench_target_alias,     NULL,
};
