/* A strict JSON parser, for texts that the library wrote: RFC 8259, no key twice, integers exact up
 * to 2^64 - 1. Strings with escapes are checked but kept as written. */

#ifndef FREEHOLD_TESTS_JSON_H
#define FREEHOLD_TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct json_value {
    json_kind kind;
    char *key;    /* in an object, else NULL */
    char *string; /* of a string */
    bool is_unsigned;
    uint64_t number; /* where is_unsigned */
    size_t count;    /* of an array or object */
    struct json_value *first, *next;
} json_value;

/* NULL when `text` is not exactly one JSON value. Give it back with json_free. */
json_value *json_parse(const char *text, size_t length);
void json_free(json_value *value);

/* The member `key` of an object, or NULL; also NULL when `object` is NULL or none. */
const json_value *json_get(const json_value *object, const char *key);

#endif
