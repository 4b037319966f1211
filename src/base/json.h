/* A JSON writer: puts commas, line breaks and escapes where they belong, and passes the text on in
 * pieces. Allocates nothing. The first error of the sink sticks, and the rest is not written. */

#ifndef FREEHOLD_BASE_JSON_H
#define FREEHOLD_BASE_JSON_H

#include <freehold/host.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    FHI_JSON_BUFFER = 1024
};

typedef struct fhi_json {
    fh_write_fn write;
    void *context;
    fh_result result; /* FH_OK, or the sink's first error */
    uint32_t depth;
    bool first; /* nothing yet in the innermost object or array */
    bool row;   /* the innermost container is written on one line */
    size_t length;
    char buffer[FHI_JSON_BUFFER];
} fhi_json;

void fhi_json_init(fhi_json *json, fh_write_fn write, void *context);

/* Writes what is still buffered; returns the sink's first error. */
fh_result fhi_json_finish(fhi_json *json);

/* `key` is NULL inside an array and for the outermost value; names and keys are UTF-8. */
void fhi_json_object(fhi_json *json, const char *key);
void fhi_json_row(fhi_json *json, const char *key); /* an object on one line, without containers */
void fhi_json_array(fhi_json *json, const char *key);
void fhi_json_end_object(fhi_json *json);
void fhi_json_end_array(fhi_json *json);
void fhi_json_integer(fhi_json *json, const char *key, uint64_t value);
void fhi_json_string(fhi_json *json, const char *key, const char *value);

#endif
