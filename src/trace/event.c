/* The coding of events. An event is
 *
 *     head      kind << 3 | 4 if a list follows | 2 if a text follows | 1 if the thread changed
 *     thread    only if it changed
 *     time      since the event before it in the chunk
 *     fields    as many as the file's schema says, each a value, or a difference to the last value
 *               in its context, folded so that small ones of either sign are short
 *     text      size, bytes
 *     list      count << 1 | 1 if ascending; then the numbers, or where it ascends the first one
 *               and the steps
 *
 * all numbers in groups of seven bits, the lowest first. Rows and not columns: an event can be
 * written the moment that it comes and read without those around it, and packing by chunks takes
 * away most of what columns would.
 *
 * Decoding is quick because it does not ask at each byte whether there is one: zeroes stand behind
 * the payload, of which a number takes one byte, so that a number of numbers known beforehand
 * cannot run further than so many bytes. Where it came to is looked at once, before the text. */

#include "trace/event.h"

#include "base/compiler.h"
#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

enum {
    HAS_THREAD = 1,
    HAS_TEXT = 2,
    HAS_LIST = 4,
    HEAD_SHIFT = 3
};

void fhi_trace_codec_start(fhi_trace_codec *codec, uint64_t time_ns)
{
    memset(codec, 0, sizeof *codec);
    codec->time_ns = time_ns;
}

fh_result fhi_trace_event_check(const fh_trace_event *event)
{
    if (FHI_UNLIKELY(!fh_trace_kind_describe(event->kind, NULL, NULL))) {
        return fhi_fail_with(FH_ERR_INVALID, "event: {} is no kind of event",
                             (uint64_t)(uint32_t)event->kind, 0, 0);
    }
    if (FHI_UNLIKELY(event->text_size > FH_TRACE_TEXT_MAX)) {
        return fhi_fail_with(FH_ERR_INVALID, "event: a text of {} bytes; {} are the most",
                             event->text_size, FH_TRACE_TEXT_MAX, 0);
    }
    if (FHI_UNLIKELY(event->list_count > FH_TRACE_LIST_MAX)) {
        return fhi_fail_with(FH_ERR_INVALID, "event: a list of {} numbers; {} are the most",
                             event->list_count, FH_TRACE_LIST_MAX, 0);
    }
    if (FHI_UNLIKELY(event->text_size > 0 && !event->text)) {
        return fhi_fail(FH_ERR_INVALID, "event: text is NULL, but its size is not 0");
    }
    if (FHI_UNLIKELY(event->list_count > 0 && !event->list)) {
        return fhi_fail(FH_ERR_INVALID, "event: list is NULL, but it has numbers");
    }
    return FH_OK;
}

/* 0, -1, 1, -2, … become 0, 1, 2, 3, … */
static inline uint64_t fold(uint64_t difference)
{
    return (difference << 1) ^ (0 - (difference >> 63));
}

static inline uint64_t unfold(uint64_t folded)
{
    return (folded >> 1) ^ (0 - (folded & 1));
}

/* Shell's sort: lists are short, nearly sorted, or both, and there is no room to merge in.
 * Source: the gaps are Ciura's, "Best Increments for the Average Case of Shellsort", 2001, and on
 * by 2.25. */
static void sort(uint64_t *list, uint32_t count)
{
    static const uint32_t gaps[] = {46145, 20509, 9115, 4051, 1750, 701, 301,
                                    132,   57,    23,   10,   4,    1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        uint32_t gap = gaps[g];
        for (uint32_t i = gap; i < count; i++) {
            uint64_t value = list[i];
            uint32_t to = i;
            for (; to >= gap && list[to - gap] > value; to -= gap) {
                list[to] = list[to - gap];
            }
            list[to] = value;
        }
    }
}

static bool ascends(const uint64_t *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (list[i] < list[i - 1]) {
            return false;
        }
    }
    return true;
}

/* The order of a SUBMIT's resources says nothing. */
static uint8_t *put_list(uint8_t *at, const fh_trace_event *event, uint64_t *scratch)
{
    const uint64_t *list = event->list;
    uint32_t count = event->list_count;
    bool ascending = ascends(list, count);
    if (!ascending && event->kind == FH_TRACE_SUBMIT) {
        memcpy(scratch, list, count * sizeof *list);
        sort(scratch, count);
        list = scratch;
        ascending = true;
    }
    at = fhi_trace_put(at, (uint64_t)count << 1 | (ascending ? 1 : 0));
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        at = fhi_trace_put(at, list[i] - before);
        before = ascending ? list[i] : 0;
    }
    return at;
}

size_t fhi_trace_event_encode(fhi_trace_codec *codec, const fhi_trace_schema *schema,
                              const fh_trace_event *event, uint64_t *scratch, uint8_t *out)
{
    const fhi_trace_layout *layout = &schema->kinds[event->kind];
    bool moved = event->thread != codec->thread;
    uint64_t time_ns = event->time_ns > codec->time_ns ? event->time_ns : codec->time_ns;
    uint8_t *at = out;

    at = fhi_trace_put(at, (uint64_t)event->kind << HEAD_SHIFT | (moved ? HAS_THREAD : 0) |
                               (event->text_size > 0 ? HAS_TEXT : 0) |
                               (event->list_count > 0 ? HAS_LIST : 0));
    if (moved) {
        at = fhi_trace_put(at, event->thread);
        codec->thread = event->thread;
    }
    at = fhi_trace_put(at, time_ns - codec->time_ns);
    codec->time_ns = time_ns;
    for (uint32_t f = 0; f < layout->field_count; f++) {
        uint64_t value = event->values[f];
        uint32_t context = layout->fields[f].context;
        if (context != 0) {
            uint64_t difference = value - codec->last[context];
            codec->last[context] = value;
            value = fold(difference);
        }
        at = fhi_trace_put(at, value);
    }
    if (event->text_size > 0) {
        at = fhi_trace_put(at, event->text_size);
        memcpy(at, event->text, event->text_size);
        fhi_utf8_clean((char *)at, event->text_size);
        at += event->text_size;
    }
    return (size_t)((event->list_count > 0 ? put_list(at, event, scratch) : at) - out);
}

static const char *take_text(const uint8_t **at, const uint8_t *end, char *text,
                             fh_trace_event *event)
{
    bool bad = false;
    uint64_t size = fhi_trace_take(at, &bad);
    if (bad || *at > end || size > (size_t)(end - *at)) {
        return "a text is longer than its chunk";
    }
    if (size > FH_TRACE_TEXT_MAX) {
        return "a text is too long";
    }
    memcpy(text, *at, size);
    text[size] = '\0';
    fhi_utf8_clean(text, size);
    event->text = text;
    event->text_size = (uint32_t)size;
    *at += size;
    return NULL;
}

static const char *take_list(const uint8_t **at, const uint8_t *end, uint64_t *list,
                             fh_trace_event *event)
{
    bool bad = false;
    uint64_t head = fhi_trace_take(at, &bad);
    uint64_t count = head >> 1;
    if (bad || *at > end || count > (size_t)(end - *at)) {
        return "a list is longer than its chunk";
    }
    if (count > FH_TRACE_LIST_MAX) {
        return "a list is too long";
    }
    uint64_t keep = 0 - (head & 1); /* all bits where it ascends */
    uint64_t before = 0;
    uint64_t taken = 0;
    for (; taken < count && *at < end; taken++) {
        uint64_t value = fhi_trace_take(at, &bad) + before;
        bad = bad || value < before;
        list[taken] = value;
        before = value & keep;
    }
    /* The last one may have run on into the padding. */
    if (taken < count || *at > end) {
        return "a list is longer than its chunk";
    }
    if (bad) {
        return "a list has a number that is too large";
    }
    event->list = count > 0 ? list : NULL;
    event->list_count = (uint32_t)count;
    return NULL;
}

/* All but text and list; the head comes back. */
FHI_HOT_INLINE const char *take_numbers(fhi_trace_codec *codec, const fhi_trace_schema *schema,
                                        const uint8_t **at, uint32_t *out_head,
                                        fh_trace_event *event)
{
    bool bad = false;
    uint64_t head = fhi_trace_take(at, &bad);
    uint64_t number = head >> HEAD_SHIFT;
    if (FHI_UNLIKELY(number > FHI_TRACE_NUMBER_MAX || !schema->kinds[number].described)) {
        return "an event is of a kind that the file does not describe";
    }
    const fhi_trace_layout *layout = &schema->kinds[number];
    /* Those that the file may not have. */
    memset(event->values + layout->lead, 0,
           (FH_TRACE_VALUES_MAX - layout->lead) * sizeof event->values[0]);
    if (head & HAS_THREAD) {
        uint64_t thread = fhi_trace_take(at, &bad);
        bad = bad || thread > UINT32_MAX;
        codec->thread = (uint32_t)thread;
    }
    uint64_t time_ns = codec->time_ns + fhi_trace_take(at, &bad);
    bad = bad || time_ns < codec->time_ns;
    codec->time_ns = time_ns;
    for (uint32_t f = 0; f < layout->field_count; f++) {
        uint64_t value = fhi_trace_take(at, &bad);
        uint32_t context = layout->fields[f].context;
        uint32_t place = layout->fields[f].place;
        if (context != 0) {
            value = codec->last[context] + unfold(value);
            codec->last[context] = value;
        }
        if (place < FH_TRACE_VALUES_MAX) {
            event->values[place] = value;
        }
    }
    if (FHI_UNLIKELY(bad)) {
        return "a number is too large";
    }
    event->kind = layout->known ? (fh_trace_kind)number : FH_TRACE_NONE;
    event->thread = codec->thread;
    event->time_ns = time_ns;
    *out_head = (uint32_t)head;
    return NULL;
}

const char *fhi_trace_event_decode(fhi_trace_codec *codec, const fhi_trace_schema *schema,
                                   const uint8_t **at, const uint8_t *end,
                                   const fhi_trace_room *room, fh_trace_event *out_event)
{
    uint32_t head = 0;
    out_event->text = "";
    out_event->text_size = 0;
    out_event->list_count = 0;
    out_event->list = NULL;
    const char *fault = take_numbers(codec, schema, at, &head, out_event);
    if (FHI_UNLIKELY(!fault && *at > end)) {
        fault = "an event is longer than its chunk";
    }
    if (!fault && (head & HAS_TEXT)) {
        fault = take_text(at, end, room->text, out_event);
    }
    if (!fault && (head & HAS_LIST)) {
        fault = take_list(at, end, room->list, out_event);
    }
    return fault;
}
