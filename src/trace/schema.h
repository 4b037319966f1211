/* What a file says of itself: which kinds of events it has, which fields each has, and how each
 * field is coded. A reader goes by the file's schema and never by its own, so that older readers
 * skip what they do not know and newer ones see 0 where an older file has nothing. */

#ifndef FREEHOLD_TRACE_SCHEMA_H
#define FREEHOLD_TRACE_SCHEMA_H

#include <freehold/trace.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FHI_TRACE_NUMBER_MAX = 127, /* of a kind */
    FHI_TRACE_FIELDS_MAX = 64,  /* of a kind */
    FHI_TRACE_CONTEXTS = 32,    /* see below; 0 is not one */
    FHI_TRACE_NAME_MAX = 63,    /* bytes of a name */
    FHI_TRACE_NOWHERE = 0xff,
    /* A schema of ours takes no more bytes than this. */
    FHI_TRACE_SCHEMA_BYTES = 8192
};

_Static_assert(FH_TRACE_KIND_MAX <= FHI_TRACE_NUMBER_MAX, "numbers of kinds");
_Static_assert(FH_TRACE_VALUES_MAX <= FHI_TRACE_FIELDS_MAX, "fields of a kind");

/* One kind as a file has it. */
typedef struct fhi_trace_layout {
    bool described;      /* the file has this kind */
    bool known;          /* and so have we */
    uint8_t field_count; /* in the file */
    uint8_t lead;        /* the first so many are ours in our order */
    struct {
        uint8_t place;   /* which of the event's values it is, or FHI_TRACE_NOWHERE */
        uint8_t context; /* 0: the value itself is written; else its difference to the last value
                          * that was written in that context, whatever the field */
    } fields[FHI_TRACE_FIELDS_MAX];
} fhi_trace_layout;

typedef struct fhi_trace_schema {
    fhi_trace_layout kinds[FHI_TRACE_NUMBER_MAX + 1]; /* by number */
} fhi_trace_schema;

/* What this version writes. */
void fhi_trace_schema_own(fhi_trace_schema *out_schema);

/* It, as a schema chunk's payload. `out` has room for FHI_TRACE_SCHEMA_BYTES. Returns its size. */
size_t fhi_trace_schema_encode(const fhi_trace_schema *schema, uint8_t *out);

/* What a schema chunk says. Behind `end` stand FHI_TRACE_PADDING zeroes. NULL, or what is wrong
 * with it, static; *out_schema then describes nothing. */
const char *fhi_trace_schema_decode(fhi_trace_schema *out_schema, const uint8_t *at,
                                    const uint8_t *end);

#endif
