/* See json.h. Recursive descent; false or NULL ends everything. */

#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct parser {
    const char *at, *end;
    int depth;
} parser;

static json_value *parse_value(parser *p);

static void skip_space(parser *p)
{
    while (p->at < p->end &&
           (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) {
        p->at++;
    }
}

static bool take(parser *p, char expected)
{
    if (p->at < p->end && *p->at == expected) {
        p->at++;
        return true;
    }
    return false;
}

static bool take_word(parser *p, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) {
        return false;
    }
    p->at += length;
    return true;
}

static size_t take_digits(parser *p)
{
    const char *start = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        p->at++;
    }
    return (size_t)(p->at - start);
}

static bool take_escape(parser *p)
{
    if (p->at == p->end || strchr("\"\\/bfnrtu", *p->at) == NULL) {
        return false;
    }
    if (*p->at++ != 'u') {
        return true;
    }
    for (int i = 0; i < 4; i++, p->at++) {
        if (p->at == p->end || strchr("0123456789abcdefABCDEF", *p->at) == NULL) {
            return false;
        }
    }
    return true;
}

static char *parse_string(parser *p)
{
    if (!take(p, '"')) {
        return NULL;
    }
    const char *start = p->at;
    while (p->at < p->end && *p->at != '"') {
        unsigned char c = (unsigned char)*p->at++;
        if (c < 0x20 || (c == '\\' && !take_escape(p))) {
            return NULL;
        }
    }
    size_t length = (size_t)(p->at - start);
    if (!take(p, '"')) {
        return NULL;
    }
    char *copy = calloc(1, length + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, start, length);
    return copy;
}

static bool parse_number(parser *p, json_value *value)
{
    bool negative = take(p, '-');
    const char *start = p->at;
    size_t digits = take_digits(p);
    if (digits == 0 || (digits > 1 && *start == '0')) {
        return false;
    }
    value->is_unsigned = !negative;
    for (const char *c = start; c < p->at; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (value->number > (UINT64_MAX - digit) / 10) {
            value->is_unsigned = false;
        }
        value->number = value->number * 10 + digit;
    }
    if (take(p, '.')) {
        value->is_unsigned = false;
        if (take_digits(p) == 0) {
            return false;
        }
    }
    if (take(p, 'e') || take(p, 'E')) {
        value->is_unsigned = false;
        (void)(take(p, '+') || take(p, '-'));
        return take_digits(p) > 0;
    }
    return true;
}

/* What follows the opening bracket of an array or object. */
static bool parse_members(parser *p, json_value *value, char close)
{
    json_value **link = &value->first;
    skip_space(p);
    if (take(p, close)) {
        return true;
    }
    do {
        char *key = NULL;
        skip_space(p);
        if (value->kind == JSON_OBJECT) {
            key = parse_string(p);
            skip_space(p);
            if (key == NULL || json_get(value, key) != NULL || !take(p, ':')) {
                free(key);
                return false;
            }
        }
        json_value *member = parse_value(p);
        if (member == NULL) {
            free(key);
            return false;
        }
        member->key = key;
        *link = member;
        link = &member->next;
        value->count++;
        skip_space(p);
    } while (take(p, ','));
    return take(p, close);
}

static bool parse_into(parser *p, json_value *value)
{
    skip_space(p);
    if (p->at == p->end) {
        return false;
    }
    switch (*p->at) {
    case '{':
        p->at++;
        value->kind = JSON_OBJECT;
        return parse_members(p, value, '}');
    case '[':
        p->at++;
        value->kind = JSON_ARRAY;
        return parse_members(p, value, ']');
    case '"':
        value->kind = JSON_STRING;
        value->string = parse_string(p);
        return value->string != NULL;
    case 't':
        value->kind = JSON_BOOL;
        return take_word(p, "true");
    case 'f':
        value->kind = JSON_BOOL;
        return take_word(p, "false");
    case 'n':
        value->kind = JSON_NULL;
        return take_word(p, "null");
    default:
        value->kind = JSON_NUMBER;
        return parse_number(p, value);
    }
}

static json_value *parse_value(parser *p)
{
    json_value *value = calloc(1, sizeof *value);
    if (value == NULL) {
        abort();
    }
    p->depth++;
    if (p->depth > 64 || !parse_into(p, value)) {
        json_free(value);
        return NULL;
    }
    p->depth--;
    return value;
}

json_value *json_parse(const char *text, size_t length)
{
    parser p = {.at = text, .end = text + length};
    json_value *value = parse_value(&p);
    skip_space(&p);
    if (p.at != p.end) {
        json_free(value);
        return NULL;
    }
    return value;
}

void json_free(json_value *value)
{
    while (value != NULL) {
        json_value *next = value->next;
        json_free(value->first);
        free(value->key);
        free(value->string);
        free(value);
        value = next;
    }
}

const json_value *json_get(const json_value *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    const json_value *member = object->first;
    while (member != NULL && strcmp(member->key, key) != 0) {
        member = member->next;
    }
    return member;
}
