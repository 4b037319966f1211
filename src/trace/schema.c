/* Kinds and fields, made from the lists in trace_event.h, and what a file says of its own.
 *
 * A file's fields are found by their names, its kinds by their numbers. Which fields are written as
 * differences, and to what, is in the file too: ids mostly grow by one or name what was named just
 * before, so fields that mean the same thing share a context across kinds (a BOUND's resource is
 * the RESOURCE before it), and a reader need not know which do.
 *
 * Rejected: sizes and flags as differences (a repeated value is what packing is good at, and a
 * difference of flags means nothing), and a mask of the fields that are not 0 (packing takes zeroes
 * away as well, and reading them costs less than telling them apart). */

#include "trace/schema.h"

#include "trace/event.h"

#include <string.h>

typedef struct kind_entry {
    const char *name;
    const fh_trace_field *fields;
    uint32_t field_count;
} kind_entry;

#define FIELD_ENTRY(name, unit) {#name, FH_TRACE_UNIT_##unit},
#define KIND_FIELDS(NAME, number, name)                                                            \
    static const fh_trace_field name##_fields[] = {FH_TRACE_##NAME##_FIELDS(FIELD_ENTRY)};         \
    _Static_assert(sizeof(fh_trace_##name) <= sizeof(uint64_t) * FH_TRACE_VALUES_MAX, #name);      \
    _Static_assert((number) <= FH_TRACE_KIND_MAX, #name);
FH_TRACE_KINDS(KIND_FIELDS)
#undef KIND_FIELDS
#undef FIELD_ENTRY

static const kind_entry kinds[FH_TRACE_KIND_MAX + 1] = {
#define KIND_ENTRY(NAME, number, name)                                                             \
    [number] = {#name, name##_fields, sizeof name##_fields / sizeof name##_fields[0]},
    FH_TRACE_KINDS(KIND_ENTRY)
#undef KIND_ENTRY
};

/* Context by context: fields of these names count from the same last value. */
static const char *const shared[] = {
    "device", "queue", "memory", "resource", "tag", "id", "value", "number", "sequence",
};

/* A memory that is dedicated says to which resource: mostly the one that was described last. */
static const char *context_name(const fh_trace_field *field)
{
    bool is_id = field->unit == FH_TRACE_UNIT_ID;
    return is_id && strcmp(field->name, "dedicated") == 0 ? "resource" : field->name;
}

static uint8_t context_of(const fh_trace_field *field)
{
    const char *name = context_name(field);
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        if (strcmp(name, shared[i]) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

_Static_assert(sizeof shared / sizeof shared[0] < FHI_TRACE_CONTEXTS, "contexts");

const char *fh_trace_kind_describe(fh_trace_kind kind, const fh_trace_field **out_fields,
                                   uint32_t *out_count)
{
    static const kind_entry none = {NULL, NULL, 0};
    uint32_t number = (uint32_t)kind;
    const kind_entry *entry = number <= FH_TRACE_KIND_MAX ? &kinds[number] : &none;
    if (out_fields) {
        *out_fields = entry->fields;
    }
    if (out_count) {
        *out_count = entry->field_count;
    }
    return entry->name;
}

void fhi_trace_schema_own(fhi_trace_schema *out_schema)
{
    memset(out_schema, 0, sizeof *out_schema);
    for (uint32_t k = 1; k <= FH_TRACE_KIND_MAX; k++) {
        fhi_trace_layout *layout = &out_schema->kinds[k];
        layout->described = kinds[k].name != NULL;
        layout->known = layout->described;
        layout->field_count = (uint8_t)kinds[k].field_count;
        layout->lead = layout->field_count;
        for (uint32_t f = 0; f < kinds[k].field_count; f++) {
            layout->fields[f].place = (uint8_t)f;
            layout->fields[f].context = context_of(&kinds[k].fields[f]);
        }
    }
}

/* Without the zero behind it. */
static uint8_t *put_name(uint8_t *at, const char *name)
{
    at = fhi_trace_put(at, strlen(name));
    while (*name) {
        *at++ = (uint8_t)*name++;
    }
    return at;
}

size_t fhi_trace_schema_encode(const fhi_trace_schema *schema, uint8_t *out)
{
    uint32_t count = 0;
    for (uint32_t k = 1; k <= FH_TRACE_KIND_MAX; k++) {
        count += schema->kinds[k].described ? 1 : 0;
    }
    uint8_t *at = fhi_trace_put(out, count);
    for (uint32_t k = 1; k <= FH_TRACE_KIND_MAX; k++) {
        const fhi_trace_layout *layout = &schema->kinds[k];
        if (!layout->described) {
            continue;
        }
        at = fhi_trace_put(at, k);
        at = put_name(at, kinds[k].name);
        at = fhi_trace_put(at, layout->field_count);
        for (uint32_t f = 0; f < layout->field_count; f++) {
            at = put_name(at, kinds[k].fields[f].name);
            at = fhi_trace_put(at, (uint64_t)kinds[k].fields[f].unit);
            at = fhi_trace_put(at, layout->fields[f].context);
        }
    }
    return (size_t)(at - out);
}

/* What is being read. A fault stays, and the rest of it is then not looked at. */
typedef struct input {
    const uint8_t *at, *end;
    const char *fault;
} input;

static void fail(input *in, const char *fault)
{
    in->fault = in->fault ? in->fault : fault;
    in->at = in->end;
}

static uint32_t take_number(input *in, uint32_t most, const char *fault)
{
    bool bad = false;
    uint64_t value = 0;
    if (in->at >= in->end) {
        fail(in, "its schema is too short");
        return 0;
    }
    value = fhi_trace_take(&in->at, &bad);
    if (in->at > in->end) {
        fail(in, "its schema is too short");
    } else if (bad || value > most) {
        fail(in, fault);
    }
    return in->fault ? 0 : (uint32_t)value;
}

static void take_name(input *in, char out_name[FHI_TRACE_NAME_MAX + 1])
{
    uint32_t length = take_number(in, FHI_TRACE_NAME_MAX, "a name in its schema is too long");
    out_name[0] = '\0';
    if (length > (size_t)(in->end - in->at)) {
        fail(in, "its schema is too short");
    }
    if (!in->fault) {
        memcpy(out_name, in->at, length);
        out_name[length] = '\0';
        in->at += length;
    }
}

static uint8_t place_of(const kind_entry *kind, const char *name)
{
    for (uint32_t f = 0; f < kind->field_count; f++) {
        if (strcmp(kind->fields[f].name, name) == 0) {
            return (uint8_t)f;
        }
    }
    return FHI_TRACE_NOWHERE;
}

/* That a file says a field twice does no harm: the last one is it. */
static void take_kind(input *in, fhi_trace_schema *schema)
{
    char name[FHI_TRACE_NAME_MAX + 1];
    uint32_t number = take_number(in, FHI_TRACE_NUMBER_MAX, "its schema has a kind of no number");
    fhi_trace_layout *layout = &schema->kinds[number];
    const kind_entry *kind = &kinds[number <= FH_TRACE_KIND_MAX ? number : 0];
    if (number == 0 || layout->described) {
        fail(in, "its schema has a kind of no number, or twice");
        return;
    }
    take_name(in, name);
    layout->described = true;
    layout->known = kind->name != NULL;
    uint32_t count =
        take_number(in, FHI_TRACE_FIELDS_MAX, "its schema has a kind of too many fields");
    layout->field_count = (uint8_t)count;
    for (uint32_t f = 0; f < count && !in->fault; f++) {
        take_name(in, name);
        layout->fields[f].place = place_of(kind, name);
        if (layout->lead == f && layout->fields[f].place == f) {
            layout->lead++;
        }
        take_number(in, UINT32_MAX, "its schema has a unit of no number");
        layout->fields[f].context = (uint8_t)take_number(
            in, FHI_TRACE_CONTEXTS - 1, "its schema has a field of no known context");
    }
}

const char *fhi_trace_schema_decode(fhi_trace_schema *out_schema, const uint8_t *at,
                                    const uint8_t *end)
{
    input in = {at, end, NULL};
    memset(out_schema, 0, sizeof *out_schema);
    uint32_t count = take_number(&in, FHI_TRACE_NUMBER_MAX, "its schema has too many kinds");
    for (uint32_t i = 0; i < count && !in.fault; i++) {
        take_kind(&in, out_schema);
    }
    if (!in.fault && in.at != in.end) {
        fail(&in, "its schema is too long");
    }
    if (in.fault) {
        memset(out_schema, 0, sizeof *out_schema);
    }
    return in.fault;
}
