/* One event as bytes: kinds and their fields, and the coding that docs/trace-format.md describes.
 * Knows nothing of chunks and files. */

#ifndef FREEHOLD_TRACE_EVENT_CODEC_H
#define FREEHOLD_TRACE_EVENT_CODEC_H

#include "trace/schema.h"

#include <freehold/trace.h>

#include <stddef.h>

enum {
    FHI_TRACE_VARINT_MAX = 10,
    /* No event of ours takes more bytes than this: head, thread, time, fields, text, list. */
    FHI_TRACE_EVENT_BYTES = FHI_TRACE_VARINT_MAX * (3 + FH_TRACE_VALUES_MAX + 2) +
                            FH_TRACE_TEXT_MAX + FHI_TRACE_VARINT_MAX * FH_TRACE_LIST_MAX,
    /* Zeroes that must stand behind what is decoded: each varint that is read beyond the end then
     * takes one byte, so that whether the end was passed is asked once for an event. */
    FHI_TRACE_PADDING = FHI_TRACE_FIELDS_MAX + 32
};

/* What the coding of an event hangs on from those before it. Starts over at each chunk. */
typedef struct fhi_trace_codec {
    uint64_t last[FHI_TRACE_CONTEXTS]; /* values that deltas are taken from; [0] is not used */
    uint64_t time_ns;                  /* of the event before */
    uint32_t thread;
} fhi_trace_codec;

void fhi_trace_codec_start(fhi_trace_codec *codec, uint64_t time_ns);

/* A kind of ours, text and list there and not too long. INVALID, with a sentence. */
fh_result fhi_trace_event_check(const fh_trace_event *event);

/* The bytes of an event that was checked; `schema` is fhi_trace_schema_own()'s. `out` has room for
 * FHI_TRACE_EVENT_BYTES, `scratch` for FH_TRACE_LIST_MAX numbers. Returns how many there are. A
 * time before that of the last event becomes that. */
size_t fhi_trace_event_encode(fhi_trace_codec *codec, const fhi_trace_schema *schema,
                              const fh_trace_event *event, uint64_t *scratch, uint8_t *out);

/* Where what was read is put: borrowed by the event until the next one. */
typedef struct fhi_trace_room {
    uint64_t *list; /* FH_TRACE_LIST_MAX */
    char *text;     /* FH_TRACE_TEXT_MAX + 1 */
} fhi_trace_room;

/* The event at *at, which is before `end`; behind that are FHI_TRACE_PADDING zeroes. NULL, and *at
 * is behind it; *out_event has the kind NONE when it is of a kind that is not ours. Else it is what
 * is wrong with the bytes, static, and *out_event has anything. */
const char *fhi_trace_event_decode(fhi_trace_codec *codec, const fhi_trace_schema *schema,
                                   const uint8_t **at, const uint8_t *end,
                                   const fhi_trace_room *room, fh_trace_event *out_event);

/* One number, as everywhere in a trace. `at` must have FHI_TRACE_VARINT_MAX bytes of room. */
static inline uint8_t *fhi_trace_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* The number at *at: it, or a zero not more than FHI_TRACE_VARINT_MAX bytes on, must be readable.
 * One that does not fit 64 bits sets *bad. */
static inline uint64_t fhi_trace_take(const uint8_t **at, bool *bad)
{
    const uint8_t *from = *at;
    uint64_t value = *from & 0x7fU;
    for (unsigned int shift = 7; *from++ >= 0x80; shift += 7) {
        uint64_t bits = *from & 0x7fU;
        if (shift == 63 && *from > 1) {
            *bad = true;
            break;
        }
        value |= bits << shift;
    }
    *at = from;
    return value;
}

#endif
