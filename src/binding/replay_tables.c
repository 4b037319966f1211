/* Lists that may be long go as columns: one array for each field, made as large as it has to be
 * before anything is read, so that filling them allocates nothing. That keeps it fast, and right:
 * what Lua allocates may run finalizers, which may play on or close the replay, and what was
 * borrowed is gone then. Texts are made in a second pass, by the ids that the first left, asking
 * for each row whether the replay is still there.
 *
 * Of spans there may be a million, and a picture shows some thousands: the largest by size and life
 * are chosen with a heap of as many as are wanted, whose root is the least of them. */

#include "binding/replay_tables.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/replay.h"
#include "binding/result.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- figures ---- */

static void push_heap_figures(lua_State *L, const fh_replay_heap_figures *figures)
{
    lua_createtable(L, 0, 5);
    fhi_set_integer(L, "reserved_peak", figures->reserved_peak);
    fhi_set_integer(L, "reserved_mean", figures->reserved_mean);
    fhi_set_integer(L, "committed_peak", figures->committed_peak);
    fhi_set_integer(L, "committed_mean", figures->committed_mean);
    fhi_set_integer(L, "budget", figures->budget);
}

int fhi_replay_figures_method(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    int failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    fh_replay_figures figures;
    fh_result result = fh_replay_get_figures(self->replay, &figures);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, 0, 29);
    push_heap_figures(L, &figures.total);
    lua_setfield(L, -2, "total");
    lua_createtable(L, (int)figures.heap_count, 0);
    for (uint32_t i = 0; i < figures.heap_count; i++) {
        push_heap_figures(L, &figures.heaps[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heaps");
    fhi_set_integer(L, "frame_count", figures.frame_count);
    fhi_set_integer(L, "heap_count", figures.heap_count);
    fhi_set_integer(L, "driver_alloc_count", figures.driver_alloc_count);
    fhi_set_integer(L, "driver_free_count", figures.driver_free_count);
    fhi_set_integer(L, "driver_alloc_bytes", figures.driver_alloc_bytes);
    fhi_set_integer(L, "request_count", figures.request_count);
    fhi_set_integer(L, "request_bytes", figures.request_bytes);
    fhi_set_integer(L, "waste_peak", figures.waste_peak);
    fhi_set_integer(L, "waste_mean", figures.waste_mean);
    fhi_set_integer(L, "fragmentation_peak_ppm", figures.fragmentation_peak_ppm);
    fhi_set_integer(L, "fragmentation_mean_ppm", figures.fragmentation_mean_ppm);
    fhi_set_integer(L, "refused_count", figures.refused_count);
    fhi_set_integer(L, "refused_bytes", figures.refused_bytes);
    fhi_set_integer(L, "miss_count", figures.miss_count);
    fhi_set_integer(L, "evicted_count", figures.evicted_count);
    fhi_set_integer(L, "evicted_bytes", figures.evicted_bytes);
    fhi_set_integer(L, "reload_count", figures.reload_count);
    fhi_set_integer(L, "reload_bytes", figures.reload_bytes);
    fhi_set_integer(L, "moved_count", figures.moved_count);
    fhi_set_integer(L, "moved_bytes", figures.moved_bytes);
    fhi_set_integer(L, "frames_over_budget", figures.frames_over_budget);
    fhi_set_integer(L, "decision_count", figures.decision_count);
    fhi_set_integer(L, "decision_failed_count", figures.decision_failed_count);
    fhi_set_boolean(L, "can_evict", figures.can_evict);
    lua_createtable(L, 0, 3);
    fhi_set_integer(L, "wall_ns", figures.timing.wall_ns);
    fhi_set_integer(L, "policy_ns", figures.timing.policy_ns);
    fhi_set_integer(L, "event_count", figures.timing.event_count);
    lua_setfield(L, -2, "timing");
    return 1;
}

/* ---- columns ---- */

/* Arrays on the stack, one for each name, from `base` on. */
typedef struct columns {
    lua_State *L;
    const char *const *names;
    int base, count;
    lua_Integer row;
} columns;

static void columns_begin(columns *self, lua_State *L, const char *const *names, int count,
                          uint64_t rows)
{
    luaL_checkstack(L, count + 6, NULL);
    *self = (columns){L, names, lua_gettop(L) + 1, count, 0};
    for (int i = 0; i < count; i++) {
        lua_createtable(L, (int)rows, 0);
    }
}

static void put(const columns *self, int column, uint64_t value)
{
    lua_pushinteger(self->L, (lua_Integer)value);
    lua_rawseti(self->L, self->base + column, self->row);
}

static void put_boolean(const columns *self, int column, bool value)
{
    lua_pushboolean(self->L, value);
    lua_rawseti(self->L, self->base + column, self->row);
}

/* False for what is none. */
static void put_or_false(const columns *self, int column, uint64_t value)
{
    if (value == UINT64_MAX) {
        put_boolean(self, column, false);
    } else {
        put(self, column, value);
    }
}

/* A table of the columns, in their place. */
static void columns_end(const columns *self)
{
    lua_State *L = self->L;
    lua_createtable(L, 0, self->count + 1);
    for (int i = 0; i < self->count; i++) {
        lua_pushvalue(L, self->base + i);
        lua_setfield(L, -2, self->names[i]);
    }
    lua_replace(L, self->base);
    lua_settop(L, self->base);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int too_many(lua_State *L, const char *what, uint64_t count)
{
    return fhi_push_failure_of(L, FH_ERR_UNSUPPORTED, "%s: %I are more than a table of Lua's holds",
                               what, (LUAI_UACINT)count);
}

/* ---- samples ---- */

/* In the order of the columns; those of heaps that the device has come after. */
#define SAMPLE_COLUMNS(X)                                                                          \
    X(frame, put, sample->frame)                                                                   \
    X(time_ns, put, sample->time_ns)                                                               \
    X(reserved, put, sample->total.reserved)                                                       \
    X(committed, put, sample->total.committed)                                                     \
    X(reserved_peak, put, sample->reserved_peak)                                                   \
    X(limit, put_or_false, sample->limit)                                                          \
    X(budget, put_or_false, sample->budget)                                                        \
    X(block_count, put, sample->block_count)                                                       \
    X(fragmentation_ppm, put, sample->fragmentation_ppm)                                           \
    X(driver_allocs, put, sample->driver_allocs)                                                   \
    X(refused, put, sample->refused)                                                               \
    X(evicted, put, sample->evicted)                                                               \
    X(reloaded, put, sample->reloaded)

enum {
#define SAMPLE_COLUMN(name, how, value) SAMPLE_##name,
    SAMPLE_COLUMNS(SAMPLE_COLUMN)
#undef SAMPLE_COLUMN
    SAMPLE_FIRST_HEAP,
    SAMPLE_HEAPS = 4
};

static const char *const sample_names[] = {
#define SAMPLE_NAME(name, how, value) #name,
    SAMPLE_COLUMNS(SAMPLE_NAME)
#undef SAMPLE_NAME
        "heap0",
    "heap0_committed",
    "heap1",
    "heap1_committed",
    "heap2",
    "heap2_committed",
    "heap3",
    "heap3_committed",
};

static void put_sample(const columns *self, const fh_replay_sample *sample, int heap_count)
{
#define SAMPLE_PUT(name, how, value) how(self, SAMPLE_##name, value);
    SAMPLE_COLUMNS(SAMPLE_PUT)
#undef SAMPLE_PUT
    for (int i = 0; i < heap_count; i++) {
        put(self, SAMPLE_FIRST_HEAP + 2 * i, sample->heaps[i].reserved);
        put(self, SAMPLE_FIRST_HEAP + 2 * i + 1, sample->heaps[i].committed);
    }
}

int fhi_replay_samples_method(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    int failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    fh_replay_figures figures;
    fh_result result = fh_replay_get_figures(self->replay, &figures);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    int heap_count = (int)least(figures.heap_count, SAMPLE_HEAPS);
    uint32_t count = 0;
    fh_replay_samples(self->replay, &count);
    if (count > INT32_MAX) {
        return too_many(L, "samples", count);
    }
    columns all;
    columns_begin(&all, L, sample_names, SAMPLE_FIRST_HEAP + 2 * heap_count, count);
    failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    uint32_t there = 0;
    const fh_replay_sample *samples = fh_replay_samples(self->replay, &there);
    for (uint32_t i = 0; i < count && i < there; i++) {
        all.row++;
        put_sample(&all, &samples[i], heap_count);
    }
    columns_end(&all);
    return 1;
}

/* ---- causes ---- */

int fhi_replay_causes_method(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    lua_settop(L, 1);
    lua_newtable(L); /* 2 */
    int failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    uint32_t count = 0;
    for (uint32_t i = 0;; i++) {
        if (self->replay == NULL) {
            return fhi_lua_replay_refuses(L, self);
        }
        const fh_replay_cause *causes = fh_replay_causes(self->replay, &count);
        if (i >= count) {
            return 1;
        }
        fh_replay_cause cause = causes[i];
        lua_createtable(L, 0, 7);
        fhi_set_text(L, "script", cause.script);
        fhi_set_text(L, "hook", fhi_hook_names[cause.hook]);
        fhi_set_integer(L, "line", cause.line);
        fhi_set_integer(L, "decision_count", cause.decision_count);
        fhi_set_integer(L, "resource_count", cause.resource_count);
        fhi_set_integer(L, "placed_count", cause.placed_count);
        fhi_set_integer(L, "placed_bytes", cause.placed_bytes);
        fhi_set_integer(L, "evicted_count", cause.evicted_count);
        fhi_set_integer(L, "evicted_bytes", cause.evicted_bytes);
        fhi_set_integer(L, "refused_count", cause.refused_count);
        fhi_set_integer(L, "refused_bytes", cause.refused_bytes);
        fhi_set_integer(L, "bytes", cause.bytes);
        fhi_set_text(L, "answer", cause.answer);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
}

/* ---- blocks ---- */

enum {
    BLOCK_HEAP,
    BLOCK_TYPE,
    BLOCK_SIZE,
    BLOCK_BORN_NS,
    BLOCK_GONE_NS,
    BLOCK_BORN_FRAME,
    BLOCK_GONE_FRAME,
    BLOCK_DEDICATED,
    BLOCK_COLUMNS
};

static const char *const block_names[BLOCK_COLUMNS] = {
    "heap", "type", "size", "born_ns", "gone_ns", "born_frame", "gone_frame", "dedicated",
};

/* What lives at the end has no moment at which it is gone. */
static uint64_t gone_frame(uint64_t gone_ns, uint32_t frame)
{
    return gone_ns == UINT64_MAX ? UINT64_MAX : frame;
}

int fhi_replay_blocks_method(lua_State *L)
{
    const fhi_lua_replay *self = fhi_check_replay(L);
    int failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    uint32_t count = 0;
    fh_replay_blocks(self->replay, &count);
    if (count > INT32_MAX) {
        return too_many(L, "blocks", count);
    }
    columns all;
    columns_begin(&all, L, block_names, BLOCK_COLUMNS, count);
    failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    uint32_t there = 0;
    const fh_replay_block *blocks = fh_replay_blocks(self->replay, &there);
    for (uint32_t i = 0; i < count && i < there; i++) {
        const fh_replay_block *block = &blocks[i];
        all.row++;
        put(&all, BLOCK_HEAP, block->heap);
        put(&all, BLOCK_TYPE, block->type);
        put(&all, BLOCK_SIZE, block->size);
        put(&all, BLOCK_BORN_NS, block->born_ns);
        put_or_false(&all, BLOCK_GONE_NS, block->gone_ns);
        put(&all, BLOCK_BORN_FRAME, block->born_frame);
        put_or_false(&all, BLOCK_GONE_FRAME, gone_frame(block->gone_ns, block->gone_frame));
        put_boolean(&all, BLOCK_DEDICATED, block->dedicated);
    }
    columns_end(&all);
    return 1;
}

/* ---- spans ---- */

enum {
    SPAN_BLOCK,
    SPAN_RESOURCE,
    SPAN_OFFSET,
    SPAN_SIZE,
    SPAN_BORN_NS,
    SPAN_GONE_NS,
    SPAN_BORN_FRAME,
    SPAN_GONE_FRAME,
    SPAN_CAUSE,
    SPAN_ALIASED,
    SPAN_NAME, /* from here on, of the resource */
    SPAN_KIND,
    SPAN_FORMAT,
    SPAN_LOCATION,
    SPAN_USAGE,
    SPAN_WIDTH,
    SPAN_HEIGHT,
    SPAN_DEPTH,
    SPAN_LAYERS,
    SPAN_MIPS,
    SPAN_SAMPLES,
    SPAN_COLUMNS
};

static const char *const span_names[SPAN_COLUMNS] = {
    "block",      "resource", "offset",  "size",  "born_ns", "gone_ns", "born_frame",
    "gone_frame", "cause",    "aliased", "name",  "kind",    "format",  "location",
    "usage",      "width",    "height",  "depth", "layers",  "mips",    "samples",
};

enum {
    USAGE_SIZE = 256 /* all words fit */
};

/* A span that may be shown. Of two with the same weight the first is the larger. */
typedef struct choice {
    double weight;
    uint64_t index;
} choice;

static bool is_less(const choice *a, const choice *b)
{
    return a->weight != b->weight ? a->weight < b->weight : a->index > b->index;
}

static void sift_down(choice *heap, uint64_t count, uint64_t at)
{
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && is_less(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!is_less(&heap[child], &heap[at])) {
            return;
        }
        choice swapped = heap[at];
        heap[at] = heap[child];
        heap[child] = swapped;
        at = child;
    }
}

static int by_index(const void *left, const void *right)
{
    const choice *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Choose the `wanted` largest of the spans, in their order. There are more than that. */
static void choose(const fh_replay_span *spans, uint64_t count, uint64_t end_ns, choice *chosen,
                   uint64_t wanted)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t gone = spans[i].gone_ns == UINT64_MAX ? end_ns : spans[i].gone_ns;
        uint64_t life = gone > spans[i].born_ns ? gone - spans[i].born_ns : 0;
        choice next = {(double)spans[i].size * ((double)life + 1.0), i};
        if (i < wanted) {
            chosen[i] = next;
            if (i + 1 == wanted) {
                for (uint64_t at = wanted; at-- > 0;) {
                    sift_down(chosen, wanted, at);
                }
            }
        } else if (wanted > 0 && is_less(&chosen[0], &next)) {
            chosen[0] = next;
            sift_down(chosen, wanted, 0);
        }
    }
    if (wanted > 0) {
        qsort(chosen, (size_t)wanted, sizeof *chosen, by_index);
    }
}

static void put_span(const columns *self, const fh_replay_span *span)
{
    put(self, SPAN_BLOCK, (uint64_t)span->block + 1);
    put(self, SPAN_RESOURCE, span->resource);
    put(self, SPAN_OFFSET, span->offset);
    put(self, SPAN_SIZE, span->size);
    put(self, SPAN_BORN_NS, span->born_ns);
    put_or_false(self, SPAN_GONE_NS, span->gone_ns);
    put(self, SPAN_BORN_FRAME, span->born_frame);
    put_or_false(self, SPAN_GONE_FRAME, gone_frame(span->gone_ns, span->gone_frame));
    put(self, SPAN_CAUSE, span->cause);
    put_boolean(self, SPAN_ALIASED, span->aliased);
}

static void put_text(const columns *self, int column, const char *text)
{
    lua_pushstring(self->L, text);
    lua_rawseti(self->L, self->base + column, self->row);
}

/* "storage|copy_dst" */
static void put_usage(const columns *self, fh_usage usage)
{
    char text[USAGE_SIZE];
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; fhi_usage_names[i] != NULL && length < sizeof text; i++) {
        if ((usage >> i & 1) != 0) {
            int added = snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? "|" : "",
                                 fhi_usage_names[i]);
            length += added > 0 ? (size_t)added : 0;
        }
    }
    put_text(self, SPAN_USAGE, text);
}

/* What the resources are, row by row; the texts are Lua's. False: the recording is gone. */
static bool put_resources(columns *self, const fhi_lua_replay *replay, uint64_t count)
{
    for (self->row = 1; (uint64_t)self->row <= count; self->row++) {
        if (replay->replay == NULL) {
            return false;
        }
        lua_rawgeti(self->L, self->base + SPAN_RESOURCE, self->row);
        uint64_t id = (uint64_t)lua_tointeger(self->L, -1);
        lua_pop(self->L, 1);
        fh_recorded_resource resource = {.name = ""};
        bool known =
            id != 0 && fh_recording_resource(replay->recording->recording, id, &resource) == FH_OK;
        /* First: it is copied before anything may happen to it. */
        put_text(self, SPAN_NAME, known ? resource.name : "");
        put_text(self, SPAN_KIND, known ? fhi_kind_names[resource.kind] : "raw");
        put_text(self, SPAN_FORMAT,
                 known && resource.format != FH_FORMAT_NONE ? fhi_format_names[resource.format]
                                                            : "");
        put_text(self, SPAN_LOCATION, known ? fhi_location_names[resource.location] : "");
        put_usage(self, resource.usage);
        put(self, SPAN_WIDTH, resource.width);
        put(self, SPAN_HEIGHT, resource.height);
        put(self, SPAN_DEPTH, resource.depth);
        put(self, SPAN_LAYERS, resource.layers);
        put(self, SPAN_MIPS, resource.mips);
        put(self, SPAN_SAMPLES, resource.samples);
    }
    return true;
}

int fhi_replay_spans_method(lua_State *L)
{
    typedef struct span_options {
        uint64_t limit;
    } span_options;
    static const fhi_field fields[] = {
        {"limit", FHI_FIELD_INTEGER, offsetof(span_options, limit), 0, NULL},
        FHI_FIELDS_END,
    };
    const fhi_lua_replay *self = fhi_check_replay(L);
    span_options options = {INT32_MAX};
    lua_settop(L, 2);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_fields(L, 2, 2, fields, 3, &options);
    if (failed == 0) {
        failed = fhi_lua_replay_refuses(L, self);
    }
    if (failed != 0) {
        return failed;
    }
    uint64_t all_count = 0;
    fh_replay_spans(self->replay, &all_count);
    uint64_t wanted = least(options.limit, all_count);
    if (wanted > INT32_MAX) {
        return too_many(L, "spans", wanted);
    }
    bool chooses = wanted < all_count;
    choice *chosen = lua_newuserdatauv(L, chooses ? (size_t)wanted * sizeof *chosen + 1 : 1, 0);
    columns all;
    columns_begin(&all, L, span_names, SPAN_COLUMNS, wanted);
    failed = fhi_lua_replay_refuses(L, self);
    if (failed != 0) {
        return failed;
    }
    uint64_t there = 0;
    const fh_replay_span *spans = fh_replay_spans(self->replay, &there);
    if (there != all_count) {
        return fhi_push_failure_of(L, FH_ERR_BUSY, "replay: a finalizer has played on meanwhile");
    }
    if (chooses) {
        uint64_t end_ns = fh_recording_get_info(self->recording->recording)->duration_ns;
        choose(spans, all_count, end_ns, chosen, wanted);
    }
    for (uint64_t i = 0; i < wanted; i++) {
        all.row++;
        put_span(&all, &spans[chooses ? chosen[i].index : i]);
    }
    if (!put_resources(&all, self, wanted)) {
        return fhi_lua_replay_refuses(L, self);
    }
    columns_end(&all);
    fhi_set_integer(L, "count", all_count);
    return 1;
}
