#include "trace/device_words.h"

#include "device/request.h"

enum {
    ONE_MILLION = 1000000
};

static uint64_t ppm(float part)
{
    return (uint64_t)((double)part * ONE_MILLION + 0.5);
}

void fhi_words_device(fh_trace_event *out, const fh_adapter_info *adapter, uint64_t *list)
{
    uint32_t count = 0;
    for (uint32_t heap = 0; heap < adapter->heap_count; heap++) {
        list[count++] = adapter->heaps[heap].size;
        list[count++] = adapter->heaps[heap].device_local ? 1 : 0;
    }
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        list[count++] = adapter->types[type].heap;
        list[count++] = adapter->types[type].flags;
    }
    *out = (fh_trace_event){.kind = FH_TRACE_DEVICE,
                            .list = list,
                            .list_count = count,
                            .device = {.device = FHI_WORDS_DEVICE,
                                       .api = FH_TRACE_API_FREEHOLD,
                                       .adapter_kind = (uint64_t)adapter->kind,
                                       .heap_count = adapter->heap_count,
                                       .type_count = adapter->type_count,
                                       .granularity = adapter->granularity,
                                       .atom = adapter->atom,
                                       .allocation_size_max = adapter->allocation_size_max,
                                       .allocation_count_max = adapter->allocation_count_max}};
}

void fhi_words_memory(fh_trace_event *out, const fhi_memory *memory, uint64_t dedicated)
{
    *out = (fh_trace_event){.kind = FH_TRACE_MEMORY,
                            .memory = {.memory = memory->id,
                                       .device = FHI_WORDS_DEVICE,
                                       .type = memory->type,
                                       .size = memory->size,
                                       .dedicated = dedicated,
                                       .flags = (memory->imported ? FH_TRACE_MEMORY_IMPORTED : 0U) |
                                                (memory->address ? FH_TRACE_MEMORY_ADDRESS : 0U),
                                       .priority_ppm = ppm(memory->priority)}};
}

/* ---- parcels ---- */

static void describe_texture(fh_trace_resource *out, const fh_texture_desc *texture)
{
    out->usage = texture->usage;
    out->format = (uint64_t)texture->format;
    out->texture_kind = (uint64_t)texture->kind;
    out->width = texture->width;
    out->height = texture->height;
    out->depth = texture->depth;
    out->layers = texture->layers;
    out->mips = texture->mips;
    out->samples = texture->samples;
    out->flags |= texture->linear ? FH_TRACE_RESOURCE_LINEAR : 0;
}

static void describe_needs(fh_trace_resource *out, const fh_requirements *needs)
{
    out->needs_size = needs->size;
    out->needs_alignment = needs->alignment;
    out->needs_types = needs->type_mask;
    out->dedicated = needs->dedicated_required ? 2 : needs->dedicated_preferred ? 1 : 0;
}

/* Without needs it is external: of its memory nothing is known. */
void fhi_words_made(fh_trace_event *out, const fh_event *made, uint64_t number)
{
    const fh_memory_desc *asked = made->asked;
    fh_trace_resource *resource = &out->resource;
    *out = (fh_trace_event){
        .kind = FH_TRACE_RESOURCE,
        .resource = {.resource = number,
                     .device = FHI_WORDS_DEVICE,
                     .kind = (uint64_t)made->parcel_kind,
                     .flags = (asked->backing.id != 0 ? FH_TRACE_RESOURCE_ALIASED : 0U) |
                              (asked->mapped ? FH_TRACE_RESOURCE_MAPPED : 0U) |
                              (asked->evictable ? FH_TRACE_RESOURCE_EVICTABLE : 0U),
                     .size = made->committed,
                     .location = made->needs ? (uint64_t)asked->location + 1 : 0,
                     .tag = asked->tag,
                     .priority_ppm = ppm(asked->priority > 0.0F ? asked->priority : FHI_PRIORITY)}};
    if (made->buffer) {
        resource->usage = made->buffer->usage;
        resource->stride = made->buffer->stride;
    } else if (made->texture) {
        describe_texture(resource, made->texture);
    }
    if (made->needs) {
        describe_needs(resource, made->needs);
    }
}

void fhi_words_made_bound(fh_trace_event *out, const fh_event *made, uint64_t number)
{
    bool backed =
        made->asked->backing.id != 0; /* it reserves nothing, and lies there all the same */
    *out = (fh_trace_event){.kind = FH_TRACE_BOUND,
                            .bound = {.resource = number,
                                      .memory = made->memory,
                                      .offset = made->offset,
                                      .size = backed ? made->needs->size : made->bytes}};
}

/* What its object needs is forgotten; it was no more than what it got. */
static uint64_t needs_of(const fhi_core *core, const fhi_record *record)
{
    uint64_t margin = (record->flags & FHI_RECORD_MARGIN) != 0 ? core->margin : 0;
    return (record->flags & FHI_RECORD_BACKED) != 0 ? record->committed
                                                    : record->backing.reserved - margin;
}

void fhi_words_found(fh_trace_event *out, const fhi_core *core, const fhi_record *record,
                     uint64_t number)
{
    bool external = record->backing.memory == NULL;
    fh_trace_resource *resource = &out->resource;
    *out = (fh_trace_event){
        .kind = FH_TRACE_RESOURCE,
        .resource = {.resource = number,
                     .device = FHI_WORDS_DEVICE,
                     .kind = record->kind,
                     .flags =
                         ((record->flags & FHI_RECORD_BACKED) ? FH_TRACE_RESOURCE_ALIASED : 0U) |
                         ((record->flags & FHI_RECORD_MAPPED) ? FH_TRACE_RESOURCE_MAPPED : 0U) |
                         ((record->flags & FHI_RECORD_LINEAR) ? FH_TRACE_RESOURCE_LINEAR : 0U) |
                         (record->evictable ? FH_TRACE_RESOURCE_EVICTABLE : 0U),
                     .size = record->committed,
                     .needs_size = external ? 0 : needs_of(core, record),
                     .usage = record->usage,
                     .location = external ? 0 : (uint64_t)(record->location >> 4) + 1,
                     .tag = record->tag,
                     .priority_ppm = ppm(record->priority),
                     .stride = record->stride}};
    if (record->kind == FH_KIND_TEXTURE) {
        resource->format = record->format;
        resource->texture_kind = record->texture_kind;
        resource->width = record->width;
        resource->height = record->height;
        resource->depth = record->depth;
        resource->layers = record->layers;
        resource->mips = record->mips;
        resource->samples = record->samples;
    }
}

void fhi_words_found_bound(fh_trace_event *out, const fhi_record *record, uint64_t number)
{
    const fhi_backing *backing = &record->backing;
    bool backed = (record->flags & FHI_RECORD_BACKED) != 0;
    *out = (fh_trace_event){.kind = FH_TRACE_BOUND,
                            .bound = {.resource = number,
                                      .memory = backing->memory ? backing->memory->id : 0,
                                      .offset = backing->offset,
                                      .size = backed ? record->committed : backing->reserved}};
}

/* ---- the rest ---- */

void fhi_words_refused(fh_trace_event *out, const fh_event *told)
{
    *out = (fh_trace_event){.kind = FH_TRACE_REFUSED,
                            .refused = {.device = FHI_WORDS_DEVICE,
                                        .result = (uint64_t)-told->result,
                                        .size = told->bytes,
                                        .kind = (uint64_t)told->parcel_kind,
                                        .tag = told->tag}};
}

void fhi_words_crossed(fh_trace_event *out, const fh_event *told)
{
    *out = (fh_trace_event){.kind = FH_TRACE_CROSSED,
                            .crossed = {.device = FHI_WORDS_DEVICE,
                                        .account = (uint64_t)told->account.scope,
                                        .index = told->account.index,
                                        .used = told->bytes,
                                        .limit = told->limit,
                                        .up = told->up ? 1 : 0}};
}

void fhi_words_decision(fh_trace_event *out, const fh_event *told)
{
    const fh_decided *decided = told->decided;
    *out = (fh_trace_event){.kind = FH_TRACE_DECISION,
                            .decision = {.device = FHI_WORDS_DEVICE,
                                         .hook = decided->hook,
                                         .outcome = decided->outcome,
                                         .script = decided->script,
                                         .version = decided->version,
                                         .line = decided->line,
                                         .sequence = decided->sequence,
                                         .charge = decided->charge,
                                         .kind = (uint64_t)told->parcel_kind,
                                         .usage = decided->usage,
                                         .tag = told->tag,
                                         .size = told->bytes}};
}
