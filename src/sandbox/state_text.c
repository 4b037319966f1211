/* State as JSON, from its bytes: without Lua, so that whoever takes the text is called outside of
 * the box, and cannot fail inside of it. */

#include "sandbox/number.h"
#include "sandbox/state_node.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct output {
    fh_write_fn write;
    void *context;
    fh_result result; /* the first error of `write`; then nothing more is written */
    size_t length;
    char buffer[1024];
} output;

static void flush(output *o)
{
    if (o->result == FH_OK && o->length > 0) {
        o->result = o->write(o->context, o->buffer, o->length);
    }
    o->length = 0;
}

static void put(output *o, const char *text, size_t length)
{
    while (length > 0) {
        size_t room = sizeof o->buffer - o->length;
        size_t part = length < room ? length : room;
        memcpy(o->buffer + o->length, text, part);
        o->length += part;
        text += part;
        length -= part;
        if (o->length == sizeof o->buffer) {
            flush(o);
        }
    }
}

static void put_text(output *o, const char *text)
{
    put(o, text, strlen(text));
}

/* ---- strings ---- */

/* Bytes of the UTF-8 character at `text`; 0: there is none. */
static size_t character_size(const unsigned char *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (size == 1) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4 || size > left) {
        return 0;
    }
    uint32_t code = lead & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3Fu);
    }
    bool valid = code >= least[size] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return valid ? size : 0;
}

/* Also DEL and the C1 control characters: texts reach terminals. */
static void put_string(output *o, const unsigned char *text, size_t size)
{
    put(o, "\"", 1);
    for (size_t at = 0; at < size;) {
        size_t part = character_size(text + at, size - at);
        char escape[8];
        if (part == 0) {
            put_text(o, "\\ufffd");
            part = 1;
        } else if (part == 1 && (text[at] < 0x20 || text[at] == 0x7F)) {
            snprintf(escape, sizeof escape, "\\u%04x", text[at]);
            put_text(o, escape);
        } else if (part == 2 && text[at] == 0xC2 && text[at + 1] < 0xA0) {
            snprintf(escape, sizeof escape, "\\u%04x", text[at + 1]);
            put_text(o, escape);
        } else {
            if (text[at] == '"' || text[at] == '\\') {
                put(o, "\\", 1);
            }
            put(o, (const char *)text + at, part);
        }
        at += part;
    }
    put(o, "\"", 1);
}

/* ---- values ---- */

typedef struct input {
    const unsigned char *at, *end;
} input;

static unsigned char peek(const input *in)
{
    return in->at < in->end ? *in->at : FHI_STATE_END;
}

/* Of the value at `at`, tables with all that is in them. */
static const unsigned char *after_value(const unsigned char *at, const unsigned char *end)
{
    uint32_t depth = 0;
    do {
        uint32_t length;
        if (at >= end) {
            return end;
        }
        switch (*at++) {
        case FHI_STATE_INTEGER:
        case FHI_STATE_FLOAT:
            at += FHI_STATE_NUMBER_BYTES - 1;
            break;
        case FHI_STATE_STRING:
            memcpy(&length, at, sizeof length);
            at += sizeof length + length;
            break;
        case FHI_STATE_TABLE:
            depth++;
            break;
        case FHI_STATE_END:
            depth--;
            break;
        default:
            break;
        }
    } while (depth > 0);
    return at;
}

/* Keys stand in order: integers before strings. */
static bool is_array(input in)
{
    int64_t expected = 1;
    while (peek(&in) != FHI_STATE_END) {
        int64_t key;
        if (*in.at != FHI_STATE_INTEGER) {
            return false;
        }
        memcpy(&key, in.at + 1, sizeof key);
        if (key != expected++) {
            return false;
        }
        in.at = after_value(in.at + FHI_STATE_NUMBER_BYTES, in.end);
    }
    return expected > 1;
}

static int64_t take_integer(input *in)
{
    int64_t integer;
    memcpy(&integer, in->at + 1, sizeof integer);
    in->at += FHI_STATE_NUMBER_BYTES;
    return integer;
}

static void put_integer(output *o, int64_t integer, const char *quote)
{
    char text[32];
    snprintf(text, sizeof text, "%s%" PRId64 "%s", quote, integer, quote);
    put_text(o, text);
}

static void take_string(output *o, input *in)
{
    uint32_t length;
    memcpy(&length, in->at + 1, sizeof length);
    put_string(o, in->at + FHI_STATE_STRING_BYTES, length);
    in->at += FHI_STATE_STRING_BYTES + length;
}

static void take_number(output *o, input *in)
{
    char text[FHI_NUMBER_TEXT];
    double number;
    memcpy(&number, in->at + 1, sizeof number);
    in->at += FHI_STATE_NUMBER_BYTES;
    if (!isfinite(number)) {
        put_text(o, "null");
        return;
    }
    fhi_number_text(number, text);
    put_text(o, text);
    if (strpbrk(text, ".e") == NULL) {
        put_text(o, ".0");
    }
}

/* The scalar at `in`. */
static void put_scalar(output *o, input *in)
{
    switch (*in->at) {
    case FHI_STATE_INTEGER:
        put_integer(o, take_integer(in), "");
        break;
    case FHI_STATE_FLOAT:
        take_number(o, in);
        break;
    case FHI_STATE_STRING:
        take_string(o, in);
        break;
    default:
        put_text(o, *in->at == FHI_STATE_TRUE ? "true" : "false");
        in->at++;
        break;
    }
}

static void put_key(output *o, input *in)
{
    if (*in->at == FHI_STATE_STRING) {
        take_string(o, in);
    } else {
        put_integer(o, take_integer(in), "\"");
    }
    put(o, ":", 1);
}

fh_result fhi_state_json(const fhi_state *state, fh_write_fn write, void *context)
{
    output o = {.write = write, .context = context};
    input in = {state->bytes, state->bytes + state->size};
    bool array[FHI_STATE_DEPTH + 1] = {is_array(in)};
    uint32_t depth = 0;
    bool first = true;
    put(&o, array[0] ? "[" : "{", 1);
    for (;;) {
        if (peek(&in) == FHI_STATE_END) {
            put(&o, array[depth] ? "]" : "}", 1);
            if (depth-- == 0) {
                break;
            }
            in.at++;
            first = false;
            continue;
        }
        if (!first) {
            put(&o, ",", 1);
        }
        first = false;
        if (array[depth]) {
            in.at += FHI_STATE_NUMBER_BYTES;
        } else {
            put_key(&o, &in);
        }
        if (*in.at == FHI_STATE_TABLE) {
            in.at++;
            array[++depth] = is_array(in);
            put(&o, array[depth] ? "[" : "{", 1);
            first = true;
        } else {
            put_scalar(&o, &in);
        }
    }
    flush(&o);
    return o.result;
}
