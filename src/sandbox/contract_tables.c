/* Made by tools/gen_policy_contract from src/sandbox/contract.lua and contract/: edit those. */

#include "sandbox/contract.h"

/* clang-format off */

/* The C type behind a type of value: where a member's size is another, an array has a negative
 * one, and this does not compile. */
#define C_BYTES    uint64_t
#define C_INTEGER  uint64_t
#define C_COUNT    uint32_t
#define C_FLOAT    float
#define C_NUMBER   double
#define C_BOOLEAN  bool
#define C_CHOICE   int
#define C_FLAGS    uint32_t
#define C_TAG      fh_tag
#define C_ACCOUNT  fh_account
#define C_MS       uint64_t
#define C_INDICES  uint32_t
#define C_PLACE    uint32_t
#define C_TEXT     const char *
#define SAME(x, y) (0 * sizeof(char[sizeof(x) == sizeof(y) ? 1 : -1]))

#define MEMBER(text, kind, struct, field)                                                          \
    .name = (text), .type = FHI_VALUE_##kind,                                                      \
    .offset = offsetof(struct, field) + SAME(((struct *)0)->field, C_##kind)
#define ARRAY(text, kind, struct, field, element, most)                                            \
    .name = (text), .type = FHI_VALUE_##kind, .room = (most),                                      \
    .offset = offsetof(struct, field) +                                                            \
              0 * sizeof(char[sizeof(((struct *)0)->field) == sizeof(element) * (most) ? 1 : -1])
#define COLUMN(text, kind, struct, field)                                                          \
    .name = (text), .type = FHI_VALUE_##kind,                                                      \
    .offset = offsetof(struct, field) + SAME(*((struct *)0)->field, C_##kind),                     \
    .stride = sizeof *((struct *)0)->field
#define SPECIAL(text)        .name = (text), .type = FHI_VALUE_SPECIAL
#define GIVEN(struct, field) .given_offset = offsetof(struct, field)
#define ALWAYS               .given_offset = SIZE_MAX
#define ANY                  .min = 1, .max = 0
#define NO_BOUND             18446744073709551616.0
#define SHAPE(text, struct, list)                                                                  \
    {                                                                                              \
        .name = (text), .size = sizeof(struct), .count = sizeof(list) / sizeof(list)[0],           \
        .members = (list)                                                                          \
    }
/* A bit's number, if that is the flag's. */
#define BIT(bit, flag) ((bit) + 0 * sizeof(char[(flag) == 1 << (bit) ? 1 : -1]))

static const char *const kind_words[] = {
    [FH_KIND_BUFFER] = "buffer", [FH_KIND_TEXTURE] = "texture", [FH_KIND_RAW] = "raw",
    [FH_KIND_EXTERNAL] = "external", [FH_KIND_STAGING] = "staging",
    [FH_KIND_TRANSIENT] = "transient", NULL
};

static const char *const usage_words[] = {
    [BIT(0, FH_USAGE_COPY_SRC)] = "copy_src", [BIT(1, FH_USAGE_COPY_DST)] = "copy_dst",
    [BIT(2, FH_USAGE_VERTEX)] = "vertex", [BIT(3, FH_USAGE_INDEX)] = "index",
    [BIT(4, FH_USAGE_UNIFORM)] = "uniform", [BIT(5, FH_USAGE_STORAGE)] = "storage",
    [BIT(6, FH_USAGE_INDIRECT)] = "indirect", [BIT(7, FH_USAGE_TEXEL)] = "texel",
    [BIT(8, FH_USAGE_DEVICE_ADDRESS)] = "device_address", [BIT(9, FH_USAGE_SAMPLED)] = "sampled",
    [BIT(10, FH_USAGE_COLOR_TARGET)] = "color_target",
    [BIT(11, FH_USAGE_DEPTH_TARGET)] = "depth_target", [BIT(12, FH_USAGE_INPUT)] = "input",
    [BIT(13, FH_USAGE_TRANSIENT_TARGET)] = "transient_target", NULL
};

static const char *const location_words[] = {
    [FH_LOCATION_DEVICE] = "device", [FH_LOCATION_UPLOAD] = "upload",
    [FH_LOCATION_READBACK] = "readback", [FH_LOCATION_DEVICE_UPLOAD] = "device_upload", NULL
};

static const char *const access_words[] = {
    [FH_ACCESS_BY_LOCATION] = "by_location", [FH_ACCESS_SEQUENTIAL] = "sequential",
    [FH_ACCESS_RANDOM] = "random", NULL
};

#define WORD(name, text, width, height, bytes, traits) text,
static const char *const format_words[] = {"none", FH_FORMATS(WORD) NULL};
#undef WORD

static const char *const texture_kind_words[] = {
    [FH_TEXTURE_2D] = "2d", [FH_TEXTURE_1D] = "1d", [FH_TEXTURE_3D] = "3d",
    [FH_TEXTURE_CUBE] = "cube", NULL
};

static const char *const dedicated_words[] = {
    [FH_DEDICATED_AUTO] = "auto", [FH_DEDICATED_PREFER] = "prefer",
    [FH_DEDICATED_REQUIRE] = "require", [FH_DEDICATED_NEVER] = "never", NULL
};

static const char *const strategy_words[] = {
    [FH_STRATEGY_BALANCED] = "balanced", [FH_STRATEGY_MIN_TIME] = "min_time",
    [FH_STRATEGY_MIN_MEMORY] = "min_memory", [FH_STRATEGY_MIN_OFFSET] = "min_offset", NULL
};

static const char *const keep_words[] = {
    [FH_KEEP_RELOAD] = "reload", [FH_KEEP_FRAME] = "frame", [FH_KEEP_NEVER] = "never", NULL
};

static const char *const action_words[] = {
    [FH_RELIEF_DENY] = "deny", [FH_RELIEF_RETRY] = "retry", [FH_RELIEF_TRIM] = "trim",
    [FH_RELIEF_EVICT] = "evict", [FH_RELIEF_SPILL] = "spill", [FH_RELIEF_WAIT] = "wait",
    [FH_RELIEF_DRAIN] = "drain", NULL
};

static const char *const reason_words[] = {
    [0] = "budget", [1] = "out_of_memory", NULL
};

static const char *const scope_words[] = {
    [FH_ACCOUNT_TOTAL] = "total", [FH_ACCOUNT_HEAP] = "heap", [FH_ACCOUNT_KIND] = "kind",
    [FH_ACCOUNT_TAG] = "tag", NULL
};

const char *const fhi_evict_columns[] = {
    [FH_EVICT_PRIORITY] = "priority", [FH_EVICT_AGE] = "age", [FH_EVICT_SIZE] = "size",
    [FH_EVICT_TAG] = "tag", [FH_EVICT_KIND] = "kind", [FH_EVICT_MADE] = "made", NULL
};

static const fhi_member account_members[] = {
    {MEMBER("scope", CHOICE, fh_account, scope), ALWAYS, .words = scope_words, ANY,
     .doc = "what it counts"},
    {SPECIAL("heap"), ALWAYS, ANY, .doc = "of scope \"heap\": its place in `facts.heaps`, from 1"},
    {SPECIAL("kind"), ALWAYS, .words = kind_words, ANY, .doc = "of scope \"kind\""},
    {SPECIAL("tag"), ALWAYS, ANY, .doc = "of scope \"tag\": its name"},
};
static const fhi_shape account_shape = SHAPE("account", fh_account, account_members);

static const fhi_member heap_members[] = {
    {MEMBER("size", BYTES, fh_heap_facts, size), ALWAYS, ANY, .doc = "all that there is"},
    {MEMBER("used", BYTES, fh_heap_facts, used), ALWAYS, ANY,
     .doc = "driver bytes that Freehold holds"},
    {MEMBER("limit", BYTES, fh_heap_facts, limit), ALWAYS, ANY,
     .doc = "the strictest of limits and OS budget; nil = none"},
    {MEMBER("os_budget", BYTES, fh_heap_facts, os_budget), ALWAYS, ANY,
     .doc = "what this process may use before things get slow; nil = not known"},
    {MEMBER("os_usage", BYTES, fh_heap_facts, os_usage), ALWAYS, ANY,
     .doc = "what this process uses now"},
    {MEMBER("unaccounted", BYTES, fh_heap_facts, unaccounted), ALWAYS, ANY,
     .doc = "of os_usage, what is not Freehold's"},
    {MEMBER("headroom", BYTES, fh_heap_facts, headroom), ALWAYS, ANY,
     .doc = "limit - used, or 0; nil = no limit"},
    {MEMBER("retiring", BYTES, fh_heap_facts, retiring), ALWAYS, ANY,
     .doc = "range bytes that wait for the GPU"},
    {MEMBER("device_local", BOOLEAN, fh_heap_facts, device_local), ALWAYS, ANY,
     .doc = "the GPU's own"},
};
static const fhi_shape heap_shape = SHAPE("heap", fh_heap_facts, heap_members);

static const fhi_member facts_members[] = {
    {MEMBER("frame", INTEGER, fh_facts, frame), ALWAYS, ANY, .doc = "ticks so far"},
    {MEMBER("now_ns", INTEGER, fh_facts, now_ns), ALWAYS, ANY,
     .doc = "a monotonic clock, nanoseconds"},
    {MEMBER("used", BYTES, fh_facts, used), ALWAYS, ANY, .doc = "driver bytes of all heaps"},
    {MEMBER("limit", BYTES, fh_facts, limit), ALWAYS, ANY,
     .doc = "of all heaps together; nil = none"},
    {ARRAY("heaps", LIST, fh_facts, heaps, fh_heap_facts, FH_HEAP_MAX), ALWAYS,
     .count_offset = offsetof(fh_facts, heap_count), .stride = sizeof(fh_heap_facts),
     .of = &heap_shape, ANY, .doc = "every heap, heap 0 first"},
};
const fhi_shape fhi_shape_facts = SHAPE("facts", fh_facts, facts_members);

static const fhi_member request_members[] = {
    {MEMBER("kind", CHOICE, fh_request, kind), ALWAYS, .class_fact = true, .words = kind_words, ANY,
     .doc = "what is made"},
    {MEMBER("usage", FLAGS, fh_request, usage), ALWAYS, .class_fact = true, .words = usage_words,
     ANY, .doc = "a set: `request.usage.storage` is true, or nil"},
    {MEMBER("location", CHOICE, fh_request, location), ALWAYS, .class_fact = true,
     .words = location_words, ANY, .doc = "where it should lie"},
    {MEMBER("access", CHOICE, fh_request, access), ALWAYS, .class_fact = true,
     .words = access_words, ANY, .doc = "how the CPU goes through it"},
    {MEMBER("tag", TAG, fh_request, tag), GIVEN(fh_request, tag_name), .class_fact = true, ANY,
     .doc = "the tag's name"},
    {MEMBER("size_min", BYTES, fh_request, size_min), ALWAYS, .class_fact = true, ANY,
     .doc = "the least that a request of this class takes"},
    {MEMBER("size_max", BYTES, fh_request, size_max), ALWAYS, .class_fact = true, ANY,
     .doc = "the most that one takes; nil = no bound"},
    {MEMBER("size", BYTES, fh_request, size), ALWAYS, ANY, .doc = "as the backend needs it"},
    {MEMBER("alignment", BYTES, fh_request, alignment), ALWAYS, ANY, .doc = "a power of two"},
    {MEMBER("types", INDICES, fh_request, type_mask), ALWAYS, ANY,
     .doc = "memory types that would do: a list of their numbers, from 0"},
    {MEMBER("format", CHOICE, fh_request, format), ALWAYS, .words = format_words, ANY,
     .doc = "of textures: \"rgba8_unorm\" and so on; else \"none\""},
    {MEMBER("texture_kind", CHOICE, fh_request, texture_kind), ALWAYS, .words = texture_kind_words,
     ANY, .doc = "of textures"},
    {MEMBER("width", COUNT, fh_request, width), ALWAYS, ANY, .doc = "of textures: texels; else 0"},
    {MEMBER("height", COUNT, fh_request, height), ALWAYS, ANY,
     .doc = "of textures: texels; else 0"},
    {MEMBER("depth", COUNT, fh_request, depth), ALWAYS, ANY, .doc = "of textures: texels; else 0"},
    {MEMBER("layers", COUNT, fh_request, layers), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("mips", COUNT, fh_request, mips), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("samples", COUNT, fh_request, samples), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("priority", FLOAT, fh_request, priority), ALWAYS, ANY, .doc = "0 to 1"},
    {MEMBER("dedicated", CHOICE, fh_request, dedicated), ALWAYS, .words = dedicated_words, ANY,
     .doc = "whether it asks for a driver allocation of its own"},
    {MEMBER("within_budget", BOOLEAN, fh_request, within_budget), ALWAYS, ANY,
     .doc = "fail rather than exceed the OS budget"},
    {MEMBER("mapped", BOOLEAN, fh_request, mapped), ALWAYS, ANY,
     .doc = "the CPU keeps a pointer into it"},
    {MEMBER("name", TEXT, fh_request, name), ALWAYS, ANY, .doc = "the parcel's own name"},
};
static const fhi_shape request_shape = SHAPE("request", fh_request, request_members);

static const fhi_member relieve_request_members[] = {
    {MEMBER("kind", CHOICE, fh_request, kind), ALWAYS, .class_fact = true, .words = kind_words, ANY,
     .doc = "what is made"},
    {MEMBER("usage", FLAGS, fh_request, usage), ALWAYS, .class_fact = true, .words = usage_words,
     ANY, .doc = "a set: `request.usage.storage` is true, or nil"},
    {MEMBER("location", CHOICE, fh_request, location), ALWAYS, .class_fact = true,
     .words = location_words, ANY, .doc = "where it should lie"},
    {MEMBER("access", CHOICE, fh_request, access), ALWAYS, .class_fact = true,
     .words = access_words, ANY, .doc = "how the CPU goes through it"},
    {MEMBER("tag", TAG, fh_request, tag), GIVEN(fh_request, tag_name), .class_fact = true, ANY,
     .doc = "the tag's name"},
    {MEMBER("size_min", BYTES, fh_request, size_min), ALWAYS, .class_fact = true, ANY,
     .doc = "the least that a request of this class takes"},
    {MEMBER("size_max", BYTES, fh_request, size_max), ALWAYS, .class_fact = true, ANY,
     .doc = "the most that one takes; nil = no bound"},
    {MEMBER("size", BYTES, fh_request, size), ALWAYS, ANY, .doc = "as the backend needs it"},
    {MEMBER("alignment", BYTES, fh_request, alignment), ALWAYS, ANY, .doc = "a power of two"},
    {MEMBER("types", INDICES, fh_request, type_mask), ALWAYS, ANY,
     .doc = "memory types that would do: a list of their numbers, from 0"},
    {MEMBER("format", CHOICE, fh_request, format), ALWAYS, .words = format_words, ANY,
     .doc = "of textures: \"rgba8_unorm\" and so on; else \"none\""},
    {MEMBER("texture_kind", CHOICE, fh_request, texture_kind), ALWAYS, .words = texture_kind_words,
     ANY, .doc = "of textures"},
    {MEMBER("width", COUNT, fh_request, width), ALWAYS, ANY, .doc = "of textures: texels; else 0"},
    {MEMBER("height", COUNT, fh_request, height), ALWAYS, ANY,
     .doc = "of textures: texels; else 0"},
    {MEMBER("depth", COUNT, fh_request, depth), ALWAYS, ANY, .doc = "of textures: texels; else 0"},
    {MEMBER("layers", COUNT, fh_request, layers), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("mips", COUNT, fh_request, mips), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("samples", COUNT, fh_request, samples), ALWAYS, ANY, .doc = "of textures; else 0"},
    {MEMBER("priority", FLOAT, fh_request, priority), ALWAYS, ANY, .doc = "0 to 1"},
    {MEMBER("dedicated", CHOICE, fh_request, dedicated), ALWAYS, .words = dedicated_words, ANY,
     .doc = "whether it asks for a driver allocation of its own"},
    {MEMBER("within_budget", BOOLEAN, fh_request, within_budget), ALWAYS, ANY,
     .doc = "fail rather than exceed the OS budget"},
    {MEMBER("mapped", BOOLEAN, fh_request, mapped), ALWAYS, ANY,
     .doc = "the CPU keeps a pointer into it"},
    {MEMBER("name", TEXT, fh_request, name), ALWAYS, ANY, .doc = "the parcel's own name"},
    {SPECIAL("reason"), ALWAYS, .words = reason_words, ANY,
     .doc = "who refused: a limit, or the driver"},
    {SPECIAL("account"), ALWAYS, .of = &account_shape, ANY,
     .doc = "whose limit it was; nil with \"out_of_memory\""},
    {MEMBER("shortage", BYTES, fh_request, shortage), ALWAYS, ANY,
     .doc = "bytes that were missing; 0 = not known"},
    {MEMBER("attempt", COUNT, fh_request, attempt), ALWAYS, ANY,
     .doc = "1 at the first call for this request"},
    {MEMBER("tried", FLAGS, fh_request, tried), ALWAYS, .words = action_words, ANY,
     .doc = "a set: `request.tried.trim` is true when that was taken already"},
};
static const fhi_shape relieve_request_shape =
    SHAPE("request", fh_request, relieve_request_members);

static const fhi_member stats_members[] = {
    {MEMBER("tick_ns", INTEGER, fh_frame_facts, tick_ns), ALWAYS, ANY,
     .doc = "nanoseconds since the tick before"},
    {MEMBER("wait_ns", INTEGER, fh_frame_facts, wait_ns), ALWAYS, ANY,
     .doc = "of tick_ns, nanoseconds spent waiting for queues"},
    {MEMBER("depth", COUNT, fh_frame_facts, depth), ALWAYS, ANY,
     .doc = "frames that may be in flight; 0 = no frames are used"},
    {MEMBER("transient_used", BYTES, fh_frame_facts, transient_used), ALWAYS, ANY,
     .doc = "what the last frame took"},
    {MEMBER("transient_capacity", BYTES, fh_frame_facts, transient_capacity), ALWAYS, ANY,
     .doc = "what a frame may take"},
    {MEMBER("created_bytes", BYTES, fh_frame_facts, created_bytes), ALWAYS, ANY,
     .doc = "range bytes of new parcels"},
    {MEMBER("freed_bytes", BYTES, fh_frame_facts, freed_bytes), ALWAYS, ANY,
     .doc = "range bytes of parcels that went"},
    {MEMBER("driver_alloc_count", COUNT, fh_frame_facts, driver_alloc_count), ALWAYS, ANY,
     .doc = "driver allocations"},
    {MEMBER("refused_count", COUNT, fh_frame_facts, refused_count), ALWAYS, ANY,
     .doc = "requests that failed for lack of memory or budget"},
};
static const fhi_shape stats_shape = SHAPE("stats", fh_frame_facts, stats_members);

static const fhi_member event_members[] = {
    {MEMBER("account", ACCOUNT, fh_pressure, account), ALWAYS, .of = &account_shape, ANY,
     .doc = "the account that crossed it"},
    {MEMBER("watermark", PLACE, fh_pressure, watermark), ALWAYS, ANY,
     .doc = "its place in the list that `limits` gave, from 1; with several scripts, in all "
     "their lists together: better go by `fraction`"},
    {MEMBER("fraction", NUMBER, fh_pressure, fraction), ALWAYS, ANY,
     .doc = "the watermark itself: a part of the limit"},
    {MEMBER("up", BOOLEAN, fh_pressure, up), ALWAYS, ANY, .doc = "crossed upwards"},
    {MEMBER("used", BYTES, fh_pressure, used), ALWAYS, ANY, .doc = "what the account counts now"},
    {MEMBER("limit", BYTES, fh_pressure, limit), ALWAYS, ANY, .doc = "the account's limit"},
};
static const fhi_shape event_shape = SHAPE("event", fh_pressure, event_members);

static const fhi_member block_members[] = {
    {MEMBER("type", COUNT, fh_block_facts, type), ALWAYS, ANY,
     .doc = "number of its memory type, from 0"},
    {MEMBER("heap", PLACE, fh_block_facts, heap), ALWAYS, ANY,
     .doc = "its heap's place in `facts.heaps`, from 1"},
    {MEMBER("size", BYTES, fh_block_facts, size), ALWAYS, ANY, .doc = "of the block"},
    {MEMBER("empty_ticks", INTEGER, fh_block_facts, empty_ticks), ALWAYS, ANY,
     .doc = "ticks since it fell empty"},
    {MEMBER("age_ticks", INTEGER, fh_block_facts, age_ticks), ALWAYS, ANY,
     .doc = "ticks since it was made"},
    {MEMBER("pool_block_count", COUNT, fh_block_facts, pool_block_count), ALWAYS, ANY,
     .doc = "blocks of its pool"},
    {MEMBER("pool_empty_count", COUNT, fh_block_facts, pool_empty_count), ALWAYS, ANY,
     .doc = "blocks of its pool that are empty"},
    {MEMBER("over", BOOLEAN, fh_block_facts, over), ALWAYS, ANY,
     .doc = "its heap or the total is over a limit"},
};
static const fhi_shape block_shape = SHAPE("block", fh_block_facts, block_members);

static const fhi_member pool_members[] = {
    {MEMBER("kind", CHOICE, fh_recycle_facts, kind), ALWAYS, .words = kind_words, ANY,
     .doc = "of its parcels"},
    {MEMBER("count", COUNT, fh_recycle_facts, count), ALWAYS, ANY, .doc = "parcels that are kept"},
    {MEMBER("bytes", BYTES, fh_recycle_facts, bytes), ALWAYS, ANY, .doc = "what its parcels take"},
    {MEMBER("oldest_ticks", INTEGER, fh_recycle_facts, oldest_ticks), ALWAYS, ANY,
     .doc = "ticks since its oldest was used"},
    {MEMBER("hits", INTEGER, fh_recycle_facts, hits), ALWAYS, ANY,
     .doc = "parcels taken from it since the tick before"},
    {MEMBER("misses", INTEGER, fh_recycle_facts, misses), ALWAYS, ANY,
     .doc = "parcels not found in it since the tick before"},
};
static const fhi_shape pool_shape = SHAPE("pool", fh_recycle_facts, pool_members);

static const fhi_member candidate_members[] = {
    {COLUMN("priority", FLOAT, fh_candidates, priorities), ALWAYS, ANY, .doc = "0 to 1"},
    {COLUMN("age", INTEGER, fh_candidates, ages), ALWAYS, ANY, .doc = "ticks since its last use"},
    {COLUMN("size", BYTES, fh_candidates, sizes), ALWAYS, ANY, .doc = "reserved bytes"},
    {COLUMN("tag", TAG, fh_candidates, tags), ALWAYS, ANY, .doc = "the tag's name"},
    {COLUMN("kind", CHOICE, fh_candidates, kinds), ALWAYS, .words = kind_words, ANY,
     .doc = "what it is"},
    {COLUMN("made", INTEGER, fh_candidates, made), ALWAYS, ANY, .doc = "ticks since it was made"},
    {MEMBER("count", COUNT, fh_candidates, count), ALWAYS, ANY, .doc = "of all candidates"},
    {MEMBER("wanted", BYTES, fh_candidates, wanted), ALWAYS, ANY,
     .doc = "what all of them together should let go"},
};
static const fhi_shape candidate_shape = SHAPE("candidate", fh_candidates, candidate_members);

static const fhi_member graph_members[] = {
    {MEMBER("item_count", COUNT, fh_alias_facts, item_count), ALWAYS, ANY, .doc = "items"},
    {MEMBER("pass_count", COUNT, fh_alias_facts, pass_count), ALWAYS, ANY,
     .doc = "passes that they live in"},
    {MEMBER("bytes", BYTES, fh_alias_facts, bytes), ALWAYS, ANY, .doc = "sum of the items' sizes"},
    {MEMBER("lower_bound", BYTES, fh_alias_facts, lower_bound), ALWAYS, ANY,
     .doc = "the largest sum that lives at once"},
};
static const fhi_shape graph_shape = SHAPE("graph", fh_alias_facts, graph_members);

static const fhi_member gaps_members[] = {
    {MEMBER("type", COUNT, fh_defrag_facts, type), ALWAYS, ANY,
     .doc = "number of its memory type, from 0"},
    {MEMBER("heap", PLACE, fh_defrag_facts, heap), ALWAYS, ANY,
     .doc = "its heap's place in `facts.heaps`, from 1"},
    {MEMBER("size", BYTES, fh_defrag_facts, size), ALWAYS, ANY, .doc = "of the block"},
    {MEMBER("used", BYTES, fh_defrag_facts, used), ALWAYS, ANY, .doc = "what its ranges take"},
    {MEMBER("range_count", COUNT, fh_defrag_facts, range_count), ALWAYS, ANY,
     .doc = "ranges in it"},
    {MEMBER("gap_count", COUNT, fh_defrag_facts, gap_count), ALWAYS, ANY,
     .doc = "gaps between them"},
    {MEMBER("movable_count", COUNT, fh_defrag_facts, movable_count), ALWAYS, ANY,
     .doc = "ranges that may be moved"},
    {MEMBER("largest_gap", BYTES, fh_defrag_facts, largest_gap), ALWAYS, ANY, .doc = "bytes"},
};
static const fhi_shape gaps_shape = SHAPE("block", fh_defrag_facts, gaps_members);

static const fhi_member verdict_decision_members[] = {
    {SPECIAL("memory"), ALWAYS, ANY,
     .doc = "one location, or several in order: the next when the one before is full; "
     "\"host\" is \"upload\""},
    {MEMBER("types", INDICES, fh_verdict, type_mask), ALWAYS, ANY,
     .doc = "numbers of the memory types that may be used, from 0"},
    {MEMBER("dedicated", CHOICE, fh_verdict, dedicated), GIVEN(fh_verdict, has_dedicated),
     .words = dedicated_words, ANY, .doc = "a driver allocation of its own, or not"},
    {MEMBER("strategy", CHOICE, fh_verdict, strategy), GIVEN(fh_verdict, has_strategy),
     .words = strategy_words, ANY, .doc = "how a range is found in a block"},
    {MEMBER("priority", FLOAT, fh_verdict, priority), GIVEN(fh_verdict, has_priority),
     .min = 0, .max = 1, .doc = "what goes first under pressure: the lowest"},
    {MEMBER("within_budget", BOOLEAN, fh_verdict, within_budget),
     GIVEN(fh_verdict, has_within_budget), ANY, .doc = "fail rather than exceed the OS budget"},
    {SPECIAL("pool"), ALWAYS, ANY,
     .doc = "the name of a pool of the program's; as long as there is none, the request's "
     "own, frame by frame"},
    {MEMBER("deny", BOOLEAN, fh_verdict, deny), ALWAYS, ANY, .doc = "refuse it"},
    {MEMBER("no_spill", BOOLEAN, fh_verdict, no_spill), ALWAYS, ANY,
     .doc = "fail rather than take the next memory type"},
    {MEMBER("keep", CHOICE, fh_verdict, keep), ALWAYS, .words = keep_words, ANY,
     .doc = "how long the verdict is cached for the class; alone, it is no opinion, which is "
     "cached for so long"},
};
static const fhi_shape verdict_decision_shape =
    SHAPE("verdict", fh_verdict, verdict_decision_members);

static const fhi_member action_decision_members[] = {
    {MEMBER("action", CHOICE, fh_relief, action), ALWAYS, .required = true, .words = action_words,
     ANY, .doc = "what to do"},
    {MEMBER("bytes", BYTES, fh_relief, bytes), ALWAYS, ANY,
     .doc = "of \"evict\": how much to ask for at least, of whatever account; without it "
     "just what this request needs"},
    {MEMBER("timeout_ms", MS, fh_relief, timeout_ns), ALWAYS, .min = 0, .max = 100,
     .doc = "of \"wait\": milliseconds, at most"},
};
static const fhi_shape action_decision_shape = SHAPE("action", fh_relief, action_decision_members);

static const fhi_member limits_decision_members[] = {
    {SPECIAL("total"), ALWAYS, ANY, .doc = "driver bytes of all heaps together"},
    {SPECIAL("heap"), ALWAYS, ANY,
     .doc = "driver bytes: one value for every heap, or a list by place in `facts.heaps`, "
     "from 1"},
    {SPECIAL("kinds"), ALWAYS, ANY, .doc = "range bytes of parcels, by kind"},
    {SPECIAL("tags"), ALWAYS, ANY, .doc = "range bytes of parcels, by tag; 1,024 of them at most"},
    {SPECIAL("watermarks"), ALWAYS, ANY,
     .doc = "up to 4 parts of a limit, 0 to 1 and ascending, whose crossing is `pressure`"},
};
static const fhi_shape limits_decision_shape = SHAPE("limits", fh_limits, limits_decision_members);

static const fhi_member frame_decision_members[] = {
    {MEMBER("depth", COUNT, fh_frame_decision, depth), ALWAYS, .min = 1, .max = 8,
     .doc = "frames that may be in flight"},
    {MEMBER("transient_cap", BYTES, fh_frame_decision, transient_cap), ALWAYS,
     .min = 1, .max = NO_BOUND, .doc = "what a frame may take"},
    {MEMBER("evict_cap", BYTES, fh_frame_decision, evict_cap), ALWAYS, .min = 1, .max = NO_BOUND,
     .doc = "what owners are asked for at one tick"},
    {MEMBER("defrag_cap", BYTES, fh_frame_decision, defrag_cap), ALWAYS, .min = 1, .max = NO_BOUND,
     .doc = "what is moved at one tick"},
    {MEMBER("forget", BOOLEAN, fh_frame_decision, forget), ALWAYS, ANY,
     .doc = "drop the cached verdicts"},
    {MEMBER("limits", BOOLEAN, fh_frame_decision, limits), ALWAYS, ANY,
     .doc = "ask `limits` again, in this tick"},
};
static const fhi_shape frame_decision_shape =
    SHAPE("frame", fh_frame_decision, frame_decision_members);

static const fhi_member pressure_decision_members[] = {
    {MEMBER("forget", BOOLEAN, fh_pressure_decision, forget), ALWAYS, ANY,
     .doc = "drop the cached verdicts"},
    {MEMBER("limits", BOOLEAN, fh_pressure_decision, limits), ALWAYS, ANY,
     .doc = "ask `limits` again, in this tick"},
    {MEMBER("trim", BOOLEAN, fh_pressure_decision, trim), ALWAYS, ANY,
     .doc = "give empty blocks back to the driver"},
    {MEMBER("evict_bytes", BYTES, fh_pressure_decision, evict_bytes), ALWAYS, ANY,
     .doc = "ask owners for that many, of whatever account"},
};
static const fhi_shape pressure_decision_shape =
    SHAPE("pressure", fh_pressure_decision, pressure_decision_members);

static const fhi_member retain_decision_members[] = {
    {MEMBER("ticks", COUNT, fh_retain_decision, ticks), ALWAYS, .required = true, ANY,
     .doc = "it is given back when it was empty for so long; 0 = now"},
};
static const fhi_shape retain_decision_shape =
    SHAPE("retain", fh_retain_decision, retain_decision_members);

static const fhi_member recycle_decision_members[] = {
    {MEMBER("keep_bytes", BYTES, fh_recycle_decision, keep_bytes), ALWAYS, ANY, .doc = "at most"},
    {MEMBER("keep_ticks", COUNT, fh_recycle_decision, keep_ticks), ALWAYS, ANY,
     .doc = "what was not used for longer goes"},
};
static const fhi_shape recycle_decision_shape =
    SHAPE("recycle", fh_recycle_decision, recycle_decision_members);

static const fhi_member alias_decision_members[] = {
    {ARRAY("strategy", TEXT, fh_alias_decision, strategy, char, 64), ALWAYS, .required = true, ANY,
     .doc = "an aliasing strategy's name"},
    {SPECIAL("options"), ALWAYS, ANY, .doc = "the strategy's own"},
};
static const fhi_shape alias_decision_shape =
    SHAPE("alias", fh_alias_decision, alias_decision_members);

static const fhi_member defrag_decision_members[] = {
    {MEMBER("allow", BOOLEAN, fh_defrag_decision, allow), ALWAYS, ANY,
     .doc = "whether the block is packed"},
    {MEMBER("bytes", BYTES, fh_defrag_decision, bytes), ALWAYS, ANY,
     .doc = "at most, in this tick"},
};
static const fhi_shape defrag_decision_shape =
    SHAPE("defrag", fh_defrag_decision, defrag_decision_members);

const fhi_hook_contract fhi_hook_contracts[FH_HOOK_COUNT] = {
    [FH_HOOK_PLACE] = {.name = "place", .hook = FH_HOOK_PLACE,
        .input = &request_shape, .decision = &verdict_decision_shape, .writes_state = false,
        .called = true,
        .doc = "inside a request, once for each class of requests; the verdict is cached"},
    [FH_HOOK_RELIEVE] = {.name = "relieve", .hook = FH_HOOK_RELIEVE,
        .input = &relieve_request_shape, .decision = &action_decision_shape, .writes_state = false,
        .called = true, .doc = "inside a request, when a limit or the driver refused it"},
    [FH_HOOK_LIMITS] = {.name = "limits", .hook = FH_HOOK_LIMITS,
        .decision = &limits_decision_shape, .writes_state = false, .called = true,
        .doc = "when the policy comes into force, and when `frame` or `pressure` says so"},
    [FH_HOOK_FRAME] = {.name = "frame", .hook = FH_HOOK_FRAME,
        .input = &stats_shape, .decision = &frame_decision_shape, .writes_state = true,
        .called = true, .doc = "at every tick"},
    [FH_HOOK_PRESSURE] = {.name = "pressure", .hook = FH_HOOK_PRESSURE,
        .input = &event_shape, .decision = &pressure_decision_shape, .writes_state = true,
        .called = true, .doc = "at a tick, when an account crossed a watermark, up or down"},
    [FH_HOOK_RETAIN] = {.name = "retain", .hook = FH_HOOK_RETAIN,
        .input = &block_shape, .decision = &retain_decision_shape, .writes_state = false,
        .called = true, .doc = "at a tick, for each memory block that is empty"},
    [FH_HOOK_RECYCLE] = {.name = "recycle", .hook = FH_HOOK_RECYCLE,
        .input = &pool_shape, .decision = &recycle_decision_shape, .writes_state = false,
        .called = false, .doc = "at a tick, for each cache of parcels that can be used again"},
    [FH_HOOK_EVICT] = {.name = "evict", .hook = FH_HOOK_EVICT,
        .input = &candidate_shape, .writes_state = false, .called = true,
        .doc = "at a tick that lets something go"},
    [FH_HOOK_ALIAS] = {.name = "alias", .hook = FH_HOOK_ALIAS,
        .input = &graph_shape, .decision = &alias_decision_shape, .writes_state = false,
        .called = false, .doc = "by the planner of aliased memory"},
    [FH_HOOK_DEFRAG] = {.name = "defrag", .hook = FH_HOOK_DEFRAG,
        .input = &gaps_shape, .decision = &defrag_decision_shape, .writes_state = false,
        .called = false, .doc = "at a tick, for each memory block with gaps"},
    [FH_HOOK_MIGRATE] = {.name = "migrate", .hook = FH_HOOK_MIGRATE,
        .writes_state = false, .called = true,
        .doc = "when a new version of the script takes over from an old one"},
};

const char *const fhi_policy_fields[] = {
    "name", "options", "place_steps", NULL
};

const char *const fhi_option_fields[] = {
    "type", "default", "min", "max", "choices", "doc", NULL
};

const char *const fhi_environment_names[] = {
    "GiB", "KiB", "MiB", "assert", "bytes", "contains", "error", "extend", "freehold.policy.ema",
    "freehold.policy.hysteresis", "ipairs", "log", "math.abs", "math.acos", "math.asin",
    "math.atan", "math.ceil", "math.cos", "math.deg", "math.exp", "math.floor", "math.fmod",
    "math.huge", "math.log", "math.max", "math.maxinteger", "math.min", "math.mininteger",
    "math.modf", "math.pi", "math.rad", "math.random", "math.sin", "math.sqrt", "math.tan",
    "math.tointeger", "math.type", "math.ult", "pairs", "pcall", "select", "starts_with",
    "string.byte", "string.char", "string.contains", "string.find", "string.format", "string.len",
    "string.lower", "string.rep", "string.reverse", "string.starts_with", "string.sub",
    "string.upper", "table.concat", "table.insert", "table.move", "table.pack", "table.remove",
    "table.sort", "table.unpack", "tonumber", "tostring", "type", "utf8.char", "utf8.codepoint",
    "utf8.codes", "utf8.len", "utf8.offset", NULL
};

/* clang-format on */
