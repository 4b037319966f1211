/* The JSON writer. Two layouts, so that a dump can be read by a person and compared by a line-wise
 * tool: containers are indented, rows stand on one line. */

#include "base/json.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void flush(fhi_json *json)
{
    if (json->result == FH_OK && json->length > 0) {
        uint64_t failures = fhi_failure_count();
        json->result = json->write(json->context, json->buffer, json->length);
        if (json->result != FH_OK && failures == fhi_failure_count()) {
            fhi_fail(json->result, "write: the callback failed, and did not say why");
        }
    }
    json->length = 0;
}

static void put(fhi_json *json, const char *text, size_t length)
{
    while (length > 0) {
        size_t room = sizeof json->buffer - json->length;
        size_t part = length < room ? length : room;

        memcpy(json->buffer + json->length, text, part);
        json->length += part;
        text += part;
        length -= part;
        if (json->length == sizeof json->buffer) {
            flush(json);
        }
    }
}

static void put_text(fhi_json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_string(fhi_json *json, const char *text)
{
    put(json, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            put_text(json, escape);
        } else {
            if (c == '"' || c == '\\') {
                put(json, "\\", 1);
            }
            put(json, text, 1);
        }
    }
    put(json, "\"", 1);
}

static void break_line(fhi_json *json)
{
    if (json->row) {
        return;
    }
    put(json, "\n", 1);
    for (uint32_t i = 0; i < json->depth; i++) {
        put(json, "  ", 2);
    }
}

/* What stands before every value: the comma, the line break, the key. */
static void begin_value(fhi_json *json, const char *key)
{
    if (!json->first) {
        put_text(json, json->row ? ", " : ",");
    }
    if (json->depth > 0) {
        break_line(json);
    }
    if (key) {
        put_string(json, key);
        put_text(json, ": ");
    }
    json->first = false;
}

static void begin_container(fhi_json *json, const char *key, const char *bracket)
{
    begin_value(json, key);
    put_text(json, bracket);
    json->depth++;
    json->first = true;
}

static void end_container(fhi_json *json, const char *bracket)
{
    json->depth--;
    if (!json->first) {
        break_line(json);
    }
    put_text(json, bracket);
    json->first = false;
    json->row = false;
}

void fhi_json_init(fhi_json *json, fh_write_fn write, void *context)
{
    json->write = write;
    json->context = context;
    json->result = FH_OK;
    json->depth = 0;
    json->first = true;
    json->row = false;
    json->length = 0;
}

fh_result fhi_json_finish(fhi_json *json)
{
    put(json, "\n", 1);
    flush(json);
    return json->result;
}

void fhi_json_object(fhi_json *json, const char *key)
{
    begin_container(json, key, "{");
}

void fhi_json_row(fhi_json *json, const char *key)
{
    begin_container(json, key, "{");
    json->row = true;
}

void fhi_json_array(fhi_json *json, const char *key)
{
    begin_container(json, key, "[");
}

void fhi_json_end_object(fhi_json *json)
{
    end_container(json, "}");
}

void fhi_json_end_array(fhi_json *json)
{
    end_container(json, "]");
}

void fhi_json_integer(fhi_json *json, const char *key, uint64_t value)
{
    char digits[24];

    begin_value(json, key);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_text(json, digits);
}

void fhi_json_string(fhi_json *json, const char *key, const char *value)
{
    begin_value(json, key);
    put_string(json, value);
}
