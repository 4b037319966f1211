/* What a trace consists of: events. A trace tells what a program did with GPU memory, whoever
 * managed it: the program itself by Vulkan (the recording layer), another allocator's log, or
 * Freehold (fh_trace_start). So its words are the driver's: *memory* is one driver allocation, a
 * *resource* is a buffer, a texture or a raw piece that lies in a memory from the moment it is
 * bound until it is destroyed.
 *
 * An event is a kind, a thread, a time, some numbers, and perhaps one text and one list of numbers.
 * The lists below are the one description of the numbers: the structs, the file format, the Lua
 * tables and docs/trace-format.md all follow them. A field may be added at the end of a list, a
 * kind at the end of kinds: files say which fields they have, older readers skip what they do not
 * know, and newer ones see 0 where an older file has nothing.
 *
 * Ids (memory, resource, queue, device, tag) are given by whoever records, from 1 on, each kind by
 * itself, and never used twice in one trace; 0 is none. */

#ifndef FREEHOLD_TRACE_EVENT_H
#define FREEHOLD_TRACE_EVENT_H

#include <freehold/api.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* F(name, UNIT): what a number is. ID; BYTES; COUNT; FLAGS and WORD (one of a list of words), both
 * explained below; NS; NUMBER, anything else. */

#define FH_TRACE_NOTE_FIELDS(F) F(topic, WORD) /* fh_trace_topic; text: what is to be said */

/* text: the adapter's name. list: size and flags (1 = device_local) of each heap, then heap and
 * flags (fh_memory_flags) of each memory type. */
#define FH_TRACE_DEVICE_FIELDS(F)                                                                  \
    F(device, ID)                                                                                  \
    F(api, WORD)          /* fh_trace_api */                                                       \
    F(adapter_kind, WORD) /* fh_adapter_kind */                                                    \
    F(vendor, NUMBER)     /* PCI */                                                                \
    F(product, NUMBER)                                                                             \
    F(api_version, NUMBER)                                                                         \
    F(driver_version, NUMBER)                                                                      \
    F(heap_count, COUNT)                                                                           \
    F(type_count, COUNT)                                                                           \
    F(granularity, BYTES)                                                                          \
    F(atom, BYTES)                                                                                 \
    F(allocation_size_max, BYTES)                                                                  \
    F(allocation_count_max, COUNT)

#define FH_TRACE_DEVICE_CLOSED_FIELDS(F) F(device, ID)

/* text: its name, perhaps */
#define FH_TRACE_QUEUE_FIELDS(F)                                                                   \
    F(queue, ID)                                                                                   \
    F(device, ID)                                                                                  \
    F(family, NUMBER)                                                                              \
    F(flags, FLAGS) /* the API's */

/* text: the name of the thread that events call `thread` */
#define FH_TRACE_THREAD_SEEN_FIELDS(F) F(thread, NUMBER)

#define FH_TRACE_MEMORY_FIELDS(F)                                                                  \
    F(memory, ID)                                                                                  \
    F(device, ID)                                                                                  \
    F(type, NUMBER) /* memory type */                                                              \
    F(size, BYTES)                                                                                 \
    F(dedicated, ID)        /* the resource it is for; 0 = none, or not known */                   \
    F(flags, FLAGS)         /* FH_TRACE_MEMORY_* */                                                \
    F(priority_ppm, NUMBER) /* 0 to 1,000,000 */

#define FH_TRACE_MEMORY_FREED_FIELDS(F) F(memory, ID)

/* A resource is described; it takes memory when it is bound. */
#define FH_TRACE_RESOURCE_FIELDS(F)                                                                \
    F(resource, ID)                                                                                \
    F(device, ID)                                                                                  \
    F(kind, WORD)        /* fh_kind: buffer, texture, raw or external */                           \
    F(flags, FLAGS)      /* FH_TRACE_RESOURCE_* */                                                 \
    F(size, BYTES)       /* as asked for; of a texture what its texels take, or 0 */               \
    F(needs_size, BYTES) /* what the driver says it takes; 0 = not known */                        \
    F(needs_alignment, BYTES)                                                                      \
    F(needs_types, FLAGS)  /* bit n: memory type n will do; 0 = not known */                       \
    F(dedicated, WORD)     /* 0 no opinion, 1 the driver prefers, 2 it requires an own memory */   \
    F(usage, FLAGS)        /* fh_usage */                                                          \
    F(native_usage, FLAGS) /* the API's own */                                                     \
    F(native_flags, FLAGS) /* the API's own */                                                     \
    F(format, WORD)        /* fh_format; 0 = Freehold has no name for it */                        \
    F(native_format, NUMBER)                                                                       \
    F(texture_kind, WORD) /* fh_texture_kind */                                                    \
    F(width, NUMBER)                                                                               \
    F(height, NUMBER)                                                                              \
    F(depth, NUMBER)                                                                               \
    F(layers, COUNT)                                                                               \
    F(mips, COUNT)                                                                                 \
    F(samples, COUNT)                                                                              \
    F(location, WORD) /* fh_location + 1, as it was asked for; 0 = not known */                    \
    F(tag, ID)                                                                                     \
    F(priority_ppm, NUMBER)                                                                        \
    F(stride, BYTES)

/* Its owner let go of it, and its memory is held until the GPU is done. Not every recorder
 * knows. */
#define FH_TRACE_RELEASED_FIELDS(F) F(resource, ID)

/* It is gone, and its memory is free for others. */
#define FH_TRACE_DESTROYED_FIELDS(F) F(resource, ID)

#define FH_TRACE_BOUND_FIELDS(F)                                                                   \
    F(resource, ID)                                                                                \
    F(memory, ID)                                                                                  \
    F(offset, BYTES)                                                                               \
    F(size, BYTES) /* what it takes there, padding included */

#define FH_TRACE_RESIZED_FIELDS(F)                                                                 \
    F(resource, ID)                                                                                \
    F(size, BYTES)                                                                                 \
    F(size_before, BYTES)

/* Either a memory or a resource; the other is 0. */
#define FH_TRACE_MAPPED_FIELDS(F)                                                                  \
    F(memory, ID)                                                                                  \
    F(resource, ID)                                                                                \
    F(offset, BYTES)                                                                               \
    F(size, BYTES)

#define FH_TRACE_UNMAPPED_FIELDS(F)                                                                \
    F(memory, ID)                                                                                  \
    F(resource, ID)

/* Work was given to a queue. list: ids of the resources it uses, each once. */
#define FH_TRACE_SUBMIT_FIELDS(F)                                                                  \
    F(queue, ID)                                                                                   \
    F(value,                                                                                       \
      NUMBER) /* counts the queue's submits from 1: the point that passes when it is done */       \
    F(batches, COUNT)                                                                              \
    F(commands, COUNT) /* command buffers */

/* The program saw, by waiting or asking, that the queue has passed `value`. */
#define FH_TRACE_PASSED_FIELDS(F)                                                                  \
    F(queue, ID)                                                                                   \
    F(value, NUMBER)

/* One resource is used until `queue` passes `value`. */
#define FH_TRACE_USED_FIELDS(F)                                                                    \
    F(resource, ID)                                                                                \
    F(queue, ID)                                                                                   \
    F(value, NUMBER)

/* The boundary between two frames: a present, or a tick. */
#define FH_TRACE_FRAME_FIELDS(F)                                                                   \
    F(device, ID)                                                                                  \
    F(queue, ID)                                                                                   \
    F(number, COUNT)

#define FH_TRACE_BUDGET_FIELDS(F)                                                                  \
    F(device, ID)                                                                                  \
    F(heap, NUMBER)                                                                                \
    F(budget, BYTES)                                                                               \
    F(usage, BYTES)

/* text: the name */
#define FH_TRACE_NAMED_FIELDS(F)                                                                   \
    F(noun, WORD) /* fh_trace_noun */                                                              \
    F(id, ID)

/* text: the name of the tag */
#define FH_TRACE_TAG_FIELDS(F)                                                                     \
    F(tag, ID)                                                                                     \
    F(device, ID)

/* A request for memory failed. */
#define FH_TRACE_REFUSED_FIELDS(F)                                                                 \
    F(device, ID)                                                                                  \
    F(result, WORD) /* minus the fh_result, or minus the API's own */                              \
    F(size, BYTES)                                                                                 \
    F(kind, WORD) /* fh_kind */                                                                    \
    F(tag, ID)                                                                                     \
    F(type, NUMBER) /* memory type + 1; 0 = not known */

/* text: the policy in charge from now on; none: the native rules */
#define FH_TRACE_POLICY_FIELDS(F) F(device, ID)

/* A policy decided. text: the script's name. */
#define FH_TRACE_DECISION_FIELDS(F)                                                                \
    F(device, ID)                                                                                  \
    F(hook, WORD)    /* fh_hook */                                                                 \
    F(outcome, WORD) /* fh_outcome */                                                              \
    F(script, NUMBER)                                                                              \
    F(version, NUMBER)                                                                             \
    F(line, NUMBER) /* of the script; 0 = not known */                                             \
    F(sequence, COUNT)                                                                             \
    F(charge, NUMBER)                                                                              \
    F(kind, WORD)   /* fh_kind, of place and relieve */                                            \
    F(usage, FLAGS) /* fh_usage */                                                                 \
    F(tag, ID)                                                                                     \
    F(size, BYTES)

/* An account went over a watermark, or came back under it. */
#define FH_TRACE_CROSSED_FIELDS(F)                                                                 \
    F(device, ID)                                                                                  \
    F(account, WORD) /* fh_account_scope */                                                        \
    F(index, NUMBER)                                                                               \
    F(used, BYTES)                                                                                 \
    F(limit, BYTES)                                                                                \
    F(up, NUMBER)

/* The owner of a resource was asked to let it go. */
#define FH_TRACE_EVICTION_FIELDS(F)                                                                \
    F(resource, ID)                                                                                \
    F(size, BYTES)                                                                                 \
    F(ignored, NUMBER) /* 1: it did not */

/* Events that are missing here: the recorder's memory was full. */
#define FH_TRACE_DROPPED_FIELDS(F) F(count, COUNT)

#define FH_TRACE_LOST_FIELDS(F) F(device, ID)

/* From now on the resource counts as used whenever the GPU works: it was put where commands find it
 * without naming it (a bindless table). */
#define FH_TRACE_ALWAYS_USED_FIELDS(F) F(resource, ID)

/* X(NAME, number in files, name): in Lua and in JSON an event is called by its name. */
#define FH_TRACE_KINDS(X)                                                                          \
    X(NOTE, 1, note)                                                                               \
    X(DEVICE, 2, device)                                                                           \
    X(DEVICE_CLOSED, 3, device_closed)                                                             \
    X(QUEUE, 4, queue)                                                                             \
    X(THREAD_SEEN, 5, thread_seen)                                                                 \
    X(MEMORY, 6, memory)                                                                           \
    X(MEMORY_FREED, 7, memory_freed)                                                               \
    X(RESOURCE, 8, resource)                                                                       \
    X(RELEASED, 9, released)                                                                       \
    X(DESTROYED, 10, destroyed)                                                                    \
    X(BOUND, 11, bound)                                                                            \
    X(RESIZED, 12, resized)                                                                        \
    X(MAPPED, 13, mapped)                                                                          \
    X(UNMAPPED, 14, unmapped)                                                                      \
    X(SUBMIT, 15, submit)                                                                          \
    X(PASSED, 16, passed)                                                                          \
    X(USED, 17, used)                                                                              \
    X(FRAME, 18, frame)                                                                            \
    X(BUDGET, 19, budget)                                                                          \
    X(NAMED, 20, named)                                                                            \
    X(TAG, 21, tag)                                                                                \
    X(REFUSED, 22, refused)                                                                        \
    X(POLICY, 23, policy)                                                                          \
    X(DECISION, 24, decision)                                                                      \
    X(CROSSED, 25, crossed)                                                                        \
    X(EVICTION, 26, eviction)                                                                      \
    X(DROPPED, 27, dropped)                                                                        \
    X(LOST, 28, lost)                                                                              \
    X(ALWAYS_USED, 29, always_used)

typedef enum fh_trace_kind {
    FH_TRACE_NONE = 0,
#define FH_TRACE_KIND_ENUM(NAME, number, name) FH_TRACE_##NAME = (number),
    FH_TRACE_KINDS(FH_TRACE_KIND_ENUM)
#undef FH_TRACE_KIND_ENUM
} fh_trace_kind;
#define FH_TRACE_KIND_MAX 29

/* One struct per kind, of its numbers in order. */
#define FH_TRACE_FIELD_MEMBER(name, unit) uint64_t name;
#define FH_TRACE_KIND_STRUCT(NAME, number, name)                                                   \
    typedef struct fh_trace_##name {                                                               \
        FH_TRACE_##NAME##_FIELDS(FH_TRACE_FIELD_MEMBER)                                            \
    } fh_trace_##name;
FH_TRACE_KINDS(FH_TRACE_KIND_STRUCT)
#undef FH_TRACE_KIND_STRUCT
#undef FH_TRACE_FIELD_MEMBER

#define FH_TRACE_VALUES_MAX 25

/* One event. Text and list are borrowed: of one that is read, until the next one is read; of one
 * that is written, for the call. */
typedef struct fh_trace_event {
    fh_trace_kind kind;
    uint32_t thread;  /* small numbers, in the order in which threads came up */
    uint64_t time_ns; /* since the trace began */
    const char *text; /* UTF-8, followed by a zero; never NULL in one that is read */
    uint32_t text_size;
    uint32_t list_count;
    const uint64_t *list;
    union {
        uint64_t values[FH_TRACE_VALUES_MAX]; /* the same numbers, by place */
#define FH_TRACE_KIND_MEMBER(NAME, number, name) fh_trace_##name name;
        FH_TRACE_KINDS(FH_TRACE_KIND_MEMBER)
#undef FH_TRACE_KIND_MEMBER
    };
} fh_trace_event;

/* What an event's list and text may hold at most. */
#define FH_TRACE_TEXT_MAX 4095
#define FH_TRACE_LIST_MAX 65536

/* What words and flags mean. X(NAME, value, "name") */
#define FH_TRACE_TOPICS(X)                                                                         \
    X(REMARK, 0, "remark")                                                                         \
    X(PROGRAM, 1, "program")   /* the name of what was recorded */                                 \
    X(RECORDER, 2, "recorder") /* what recorded it, and its version */                             \
    X(SOURCE, 3, "source")     /* of an import: the file and its format */                         \
    X(PROBLEM, 4, "problem")   /* something that the recorder could not follow */

typedef enum fh_trace_topic {
#define FH_TRACE_TOPIC_ENUM(NAME, value, name) FH_TRACE_TOPIC_##NAME = (value),
    FH_TRACE_TOPICS(FH_TRACE_TOPIC_ENUM)
#undef FH_TRACE_TOPIC_ENUM
} fh_trace_topic;

#define FH_TRACE_APIS(X)                                                                           \
    X(OTHER, 0, "other") /* an imported log */                                                     \
    X(FREEHOLD, 1, "freehold")                                                                     \
    X(VULKAN, 2, "vulkan")                                                                         \
    X(D3D12, 3, "d3d12")                                                                           \
    X(METAL, 4, "metal")

typedef enum fh_trace_api {
#define FH_TRACE_API_ENUM(NAME, value, name) FH_TRACE_API_##NAME = (value),
    FH_TRACE_APIS(FH_TRACE_API_ENUM)
#undef FH_TRACE_API_ENUM
} fh_trace_api;

#define FH_TRACE_NOUNS(X)                                                                          \
    X(RESOURCE, 1, "resource")                                                                     \
    X(MEMORY, 2, "memory")                                                                         \
    X(QUEUE, 3, "queue")                                                                           \
    X(DEVICE, 4, "device")

typedef enum fh_trace_noun {
#define FH_TRACE_NOUN_ENUM(NAME, value, name) FH_TRACE_NOUN_##NAME = (value),
    FH_TRACE_NOUNS(FH_TRACE_NOUN_ENUM)
#undef FH_TRACE_NOUN_ENUM
} fh_trace_noun;

#define FH_TRACE_MEMORY_FLAGS(X)                                                                   \
    X(IMPORTED, 1, "imported") /* made elsewhere */                                                \
    X(EXPORTED, 2, "exported") /* seen elsewhere */                                                \
    X(ADDRESS, 4, "address")   /* reached by device address: used whenever the GPU works */

#define FH_TRACE_RESOURCE_FLAGS(X)                                                                 \
    X(LINEAR, 1, "linear")                                                                         \
    X(SWAPCHAIN, 2, "swapchain") /* the window system's; it is bound to no memory here */          \
    X(SPARSE, 4, "sparse")       /* bound page by page, which is not recorded */                   \
    X(EXTERNAL, 8, "external")   /* shared with others */                                          \
    X(ALIASED, 16, "aliased")    /* made to share its memory with others */                        \
    X(ALWAYS, 32, "always")      /* reached by address or bindless: used whenever the GPU works */ \
    X(MAPPED, 64, "mapped")      /* mapped for its whole life */                                   \
    X(EVICTABLE, 128, "evictable")

enum {
#define FH_TRACE_FLAG_ENUM(NAME, value, name) FH_TRACE_MEMORY_##NAME = (value),
    FH_TRACE_MEMORY_FLAGS(FH_TRACE_FLAG_ENUM)
#undef FH_TRACE_FLAG_ENUM
#define FH_TRACE_FLAG_ENUM(NAME, value, name) FH_TRACE_RESOURCE_##NAME = (value),
    FH_TRACE_RESOURCE_FLAGS(FH_TRACE_FLAG_ENUM)
#undef FH_TRACE_FLAG_ENUM
};

#ifdef __cplusplus
}
#endif

#endif
