/* The words for an explanation: what is asked for, each memory type with what speaks for and
 * against it, what the policy said, which limits there are, and what all this means for who uses
 * the memory. Where the memory comes from is said by explain_outlook.c. */

#include "device/explain.h"

#include "device/core.h"
#include "device/say.h"
#include "device/text.h"

#include <inttypes.h>

typedef fhi_explain_text text;

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What is said goes to `t`, which every function here has. */
#define SAY(...) fhi_say(&t->out, __VA_ARGS__)

/* ---- names ---- */

static const fhi_flag_name memory_flags[] = {
#define FLAG_NAME(name, bit, string) {FH_MEMORY_##name, string},
    FH_MEMORY_FLAGS(FLAG_NAME)
#undef FLAG_NAME
};

static const fhi_flag_name usages[] = {
#define USAGE_NAME(name, bit, string) {FH_USAGE_##name, string},
    FH_USAGES(USAGE_NAME)
#undef USAGE_NAME
};

static void say_memory_flags(text *t, fh_memory_flags flags)
{
    fhi_say_flags(&t->out, memory_flags, COUNT_OF(memory_flags), flags, "no flags");
}

static const char *location_name(fh_location location)
{
    switch (location) {
    case FH_LOCATION_DEVICE:
        return "device";
    case FH_LOCATION_UPLOAD:
        return "upload";
    case FH_LOCATION_READBACK:
        return "readback";
    case FH_LOCATION_DEVICE_UPLOAD:
        return "device_upload";
    }
    return "unknown";
}

/* ---- what is asked for ---- */

static void say_texture(text *t, const fh_texture_desc *texture)
{
    SAY(", %s, %ux%u", fh_format_describe(texture->format)->name, (unsigned int)texture->width,
        (unsigned int)texture->height);
    if (texture->depth > 1) {
        SAY("x%u", (unsigned int)texture->depth);
    }
    SAY(" texels");
    if (texture->layers > 1) {
        SAY(", %u layers", (unsigned int)texture->layers);
    }
    if (texture->mips > 1) {
        SAY(", %u mips", (unsigned int)texture->mips);
    }
    if (texture->samples > 1) {
        SAY(", %u samples", (unsigned int)texture->samples);
    }
    if (texture->linear) {
        SAY(", linear");
    }
}

static void say_object(text *t)
{
    const fhi_request *request = &t->e->request;
    const fh_texture_desc *texture = request->texture;
    const fh_memory_desc *memory = request->memory;
    const fhi_name_text name = fhi_name_print(memory->name);

    SAY("%s", request->raw ? "raw memory" : fhi_kind_name(request->kind));
    if (name.text[0]) {
        SAY(" \"%s\"", name.text);
    }
    if (texture) {
        say_texture(t, texture);
    }
    SAY(", ");
    fhi_say_size(&t->out, request->committed);
    if (request->capacity > request->committed) {
        SAY(", with room to grow to ");
        fhi_say_size(&t->out, request->capacity);
    }
    if (memory->tag != 0) {
        SAY(", tag \"%s\"", fhi_name_print(fh_device_tag_name(t->device, memory->tag)).text);
    }
    if (!request->raw) {
        SAY("; usage: ");
        fhi_say_flags(&t->out, usages, COUNT_OF(usages), request->usage, "none");
    }
    SAY("\n");
}

static void say_wishes(text *t)
{
    const fh_memory_desc *memory = t->e->request.memory;

    SAY("Location %s", location_name(memory->location));
    switch (fhi_access_resolve(memory->location, memory->access)) {
    case FH_ACCESS_BY_LOCATION:
        SAY(", the CPU does not look at it");
        break;
    case FH_ACCESS_SEQUENTIAL:
        SAY(", the CPU writes it front to back");
        break;
    case FH_ACCESS_RANDOM:
        SAY(", the CPU reads it, or writes it in any order");
        break;
    }
    if (memory->mapped) {
        SAY(", stays mapped");
    }
    if (memory->required != 0) {
        SAY("; required: ");
        say_memory_flags(t, memory->required);
    }
    if (memory->preferred != 0) {
        SAY("; preferred: ");
        say_memory_flags(t, memory->preferred);
    }
    SAY(".\n");
}

static void say_needs(text *t)
{
    const fhi_request *request = &t->e->request;
    const fh_requirements *needs = &request->requirements;

    SAY("%s ", request->object ? "The driver says that it needs" : "That is");
    fhi_say_size(&t->out, needs->size - (request->margin ? t->core->margin : 0));
    SAY(" at a multiple of %" PRIu64, needs->alignment);
    if (request->margin) {
        SAY(", and %" PRIu64 " more are the margin behind it", t->core->margin);
    }
    SAY(".\n");
}

/* ---- memory types ---- */

/* The first of the locations in question in which the type is possible, or just the first. */
static fh_location location_of(const fhi_explanation *e, fh_memory_flags flags)
{
    const fh_verdict *verdict = &e->verdict;
    bool policy = e->decided && verdict->memory_count > 0 && !e->request.pool;
    for (uint32_t i = 0; policy && i < verdict->memory_count; i++) {
        fhi_type_wish wish = fhi_request_wish(&e->request, verdict->memory[i]);
        if (fhi_type_cost(flags, &wish) != UINT32_MAX) {
            return verdict->memory[i];
        }
    }
    return policy ? verdict->memory[0] : e->request.memory->location;
}

/* What makes the cost. */
static void say_cost(text *t, fh_memory_flags flags)
{
    const fhi_explanation *e = t->e;
    fh_location location = location_of(e, flags);
    fhi_type_wish wish = fhi_request_wish(&e->request, location);
    fh_memory_flags missing = wish.preferred & ~flags;
    fh_memory_flags unwanted = wish.unwanted & flags;

    SAY("cost %u", (unsigned int)fhi_type_cost(flags, &wish));
    if (e->decided && e->verdict.memory_count > 0) {
        SAY(" as %s memory", location_name(location));
    }
    if (missing != 0) {
        const fhi_type_wish only = {.preferred = missing};
        SAY("; lacks ");
        say_memory_flags(t, missing);
        SAY(", which is preferred (%u)", (unsigned int)fhi_type_cost(0, &only));
    }
    if (unwanted != 0) {
        const fhi_type_wish only = {.unwanted = unwanted};
        SAY("; has ");
        say_memory_flags(t, unwanted);
        SAY(", which is better left to others (%u)", (unsigned int)fhi_type_cost(unwanted, &only));
    }
}

static void say_impossible(text *t, uint32_t type, fh_memory_flags flags)
{
    const fhi_explanation *e = t->e;
    const fhi_request *request = &e->request;
    fhi_type_wish wish = fhi_request_wish(request, location_of(e, flags));
    fh_memory_flags missing = wish.required & ~flags;
    fh_memory_flags special = flags & FHI_TYPE_SPECIAL & ~(wish.required | wish.preferred);
    const char *comma = "";

    SAY("not possible: ");
    if ((request->requirements.type_mask >> type & 1) == 0) {
        SAY("the object cannot use it");
        comma = "; ";
    }
    if (request->memory->type_mask != 0 && (request->memory->type_mask >> type & 1) == 0) {
        SAY("%sthe description's type_mask leaves it out", comma);
        comma = "; ";
    }
    if (e->decided && e->verdict.type_mask != 0 && (e->verdict.type_mask >> type & 1) == 0) {
        SAY("%sthe policy's type_mask leaves it out", comma);
        comma = "; ";
    }
    if (missing != 0) {
        SAY("%slacks ", comma);
        say_memory_flags(t, missing);
        SAY(", which is required");
        comma = "; ";
    }
    if (special != 0) {
        SAY("%shas ", comma);
        say_memory_flags(t, special);
        SAY(", which must be asked for");
        comma = "; ";
    }
    if (!*comma) {
        SAY(request->pool ? "the pool is of another type" : "it is not to be tried");
    }
}

/* Where a type stands in the order, from 1; 0: nowhere. */
static uint32_t place_of(const fhi_request *request, uint32_t type)
{
    for (uint32_t i = 0; i < request->order.count; i++) {
        if (request->order.types[i] == type) {
            return i + 1;
        }
    }
    return 0;
}

static void say_type(text *t, uint32_t type)
{
    const fh_memory_type_info *info = &t->core->adapter.types[type];
    uint32_t place = place_of(&t->e->request, type);

    SAY("  type %u, heap %u: ", (unsigned int)type, (unsigned int)info->heap);
    say_memory_flags(t, info->flags);
    SAY("\n      ");
    if (place == 0) {
        say_impossible(t, type, info->flags);
    } else if (t->e->request.pool) {
        SAY("the pool's");
    } else {
        if (place == 1) {
            SAY("tried first, ");
        } else if (t->e->request.no_spill) {
            SAY("not tried, since the policy says no_spill; ");
        } else {
            SAY("tried as number %u, when those before it are full; ", (unsigned int)place);
        }
        say_cost(t, info->flags);
    }
    SAY("\n");
}

static void say_types(text *t)
{
    const fhi_request *request = &t->e->request;
    SAY("Memory types:\n");
    for (uint32_t i = 0; i < request->order.count; i++) {
        say_type(t, request->order.types[i]);
    }
    for (uint32_t type = 0; type < t->core->adapter.type_count; type++) {
        if (place_of(request, type) == 0) {
            say_type(t, type);
        }
    }
}

/* ---- the policy ---- */

static void say_policy(text *t)
{
    const fhi_explanation *e = t->e;
    const fh_verdict *verdict = &e->verdict;

    if (e->allocator) {
        SAY("The allocator \"%s\" is asked first, and may do otherwise.\n",
            fhi_name_print(e->allocator).text);
    }
    if (!e->policy[0]) {
        SAY("No policy is set: the native rules decide.\n");
        return;
    }
    SAY("The policy \"%s\"", fhi_name_print(e->policy).text);
    if (!e->decided) {
        SAY(" has no opinion about this: the native rules decide.\n");
        return;
    }
    if (e->denied) {
        SAY(" denies it: the request would fail with FH_ERR_BUDGET.\n");
        return;
    }
    SAY(" decides:");
    for (uint32_t i = 0; i < verdict->memory_count; i++) {
        SAY("%s %s", i == 0 ? " location" : " then", location_name(verdict->memory[i]));
    }
    if (verdict->type_mask != 0) {
        SAY(" type_mask 0x%x", (unsigned int)verdict->type_mask);
    }
    if (verdict->pool) {
        SAY(" a pool of its choice");
    }
    if (verdict->has_dedicated) {
        static const char *const words[] = {"auto", "prefer", "require", "never"};
        SAY(" dedicated %s", words[verdict->dedicated]);
    }
    if (verdict->has_strategy) {
        static const char *const words[] = {"balanced", "min_time", "min_memory", "min_offset"};
        SAY(" strategy %s", words[verdict->strategy]);
    }
    if (verdict->has_priority) {
        SAY(" priority %u %%", (unsigned int)(verdict->priority * 100.0F + 0.5F));
    }
    if (verdict->has_within_budget) {
        SAY(" within_budget %s", verdict->within_budget ? "yes" : "no");
    }
    if (verdict->no_spill) {
        SAY(" no_spill");
    }
    SAY(".\n");
}

/* ---- what it lies on ---- */

static void say_backing(text *t)
{
    const fh_parcel_info *under = &t->e->backing;
    SAY("It lies on the parcel \"%s\", of memory type %u, heap %u, from byte %" PRIu64
        " of its %" PRIu64 " on, and reserves nothing.\n",
        fhi_name_print(under->name).text, (unsigned int)under->type, (unsigned int)under->heap,
        t->e->request.memory->backing_offset, under->committed);
}

/* ---- limits ---- */

static void say_account(text *t, fh_account_scope scope, uint32_t index, uint64_t bytes)
{
    static const char *const scopes[] = {"", "", "kind ", "tag "};
    fh_account_info info;

    if (fh_device_account(t->device, (fh_account){scope, index}, &info) != FH_OK) {
        return;
    }
    SAY("  %s%s: ", scopes[scope], fhi_name_print(info.name).text);
    SAY("%s used", fhi_size_print(info.used).text);
    if (info.limit == FH_NO_LIMIT) {
        SAY(", no limit\n");
        return;
    }
    uint64_t left = info.limit > info.used ? info.limit - info.used : 0;
    SAY(" of %s", fhi_size_print(info.limit).text);
    SAY(", %s left", fhi_size_print(left).text);
    if (bytes > left) {
        SAY(": not enough for %s more", fhi_size_print(bytes).text);
    }
    SAY("\n");
}

/* Where the walk through the types ended. */
static uint32_t last_place(const fhi_outlook *outlook)
{
    return outlook->count == 0 ? 0 : outlook->count - 1;
}

/* Driver bytes grow only when a block or a dedicated allocation is made. */
static void say_limits(text *t)
{
    const fhi_explanation *e = t->e;
    const fhi_request *request = &e->request;
    uint32_t place = last_place(&e->outlook);
    const fhi_prospect *last = &e->outlook.types[place];
    uint32_t heap = t->core->adapter.types[request->order.types[place]].heap;
    bool grows = last->source != FHI_SOURCE_POOL || (!last->has_room && !last->is_small);
    uint64_t driver_bytes = grows && !request->import ? last->reserved : 0;
    uint64_t reserved =
        last->reserved > request->requirements.size ? last->reserved : request->requirements.size;
    fh_device_stats stats;

    SAY("Limits:\n");
    say_account(t, FH_ACCOUNT_HEAP, heap, driver_bytes);
    say_account(t, FH_ACCOUNT_TOTAL, 0, driver_bytes);
    say_account(t, FH_ACCOUNT_KIND, request->kind, reserved);
    if (request->memory->tag != 0) {
        say_account(t, FH_ACCOUNT_TAG, request->memory->tag, reserved);
    }
    (void)fh_device_get_stats(t->device, &stats);
    SAY("  the system gives this process %s of heap %u",
        fhi_size_print(stats.budgets[heap].budget).text, (unsigned int)heap);
    SAY(", of which %s are used", fhi_size_print(stats.budgets[heap].usage).text);
    if (!t->core->os_budget_advisory) {
        SAY("; what others leave of it is a limit\n");
    } else {
        SAY(request->within_budget ? "; this request heeds that\n"
                                   : "; only requests within_budget heed that\n");
    }
}

/* ---- what it means ---- */

/* A heap of the GPU's own that the CPU sees, beside a larger one that it does not. */
static bool is_window(const fh_adapter_info *adapter, uint32_t heap)
{
    bool hidden = false;
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        const fh_memory_type_info *other = &adapter->types[type];
        if (other->heap == heap && (other->flags & FH_MEMORY_HOST_VISIBLE) == 0) {
            return false;
        }
        hidden = hidden || ((other->flags & FH_MEMORY_DEVICE_LOCAL) != 0 &&
                            adapter->heaps[other->heap].size > adapter->heaps[heap].size);
    }
    return hidden && adapter->heaps[heap].device_local;
}

static void say_hidden(text *t)
{
    const fhi_request *request = &t->e->request;
    SAY("The CPU cannot map it");
    if (request->raw) {
        SAY(".\n");
    } else if ((request->usage & FH_USAGE_COPY_DST) != 0) {
        SAY(": write to it with fh_%s_write(), which stages a copy.\n",
            request->texture ? "texture" : "parcel");
    } else {
        SAY(", and without FH_USAGE_COPY_DST nothing can be copied into it either: only the GPU "
            "itself can write it.\n");
    }
}

static void say_visible(text *t, fh_memory_flags flags)
{
    const fh_memory_desc *memory = t->e->request.memory;
    fh_access access = fhi_access_resolve(memory->location, memory->access);

    if ((flags & FH_MEMORY_HOST_COHERENT) != 0) {
        SAY("The CPU can map it, and what it writes needs no flush.\n");
    } else {
        SAY("The CPU can map it, but it is not coherent: flush after writing "
            "(fh_parcel_flush), invalidate before reading (fh_parcel_invalidate); both are "
            "rounded to %" PRIu64 " bytes. fh_parcel_write() and fh_parcel_read() do it "
            "themselves.\n",
            t->core->adapter.atom);
    }
    if (access == FH_ACCESS_RANDOM && (flags & FH_MEMORY_HOST_CACHED) == 0) {
        SAY("It is not cached: the CPU reads it slowly.\n");
    }
}

static void say_meaning(text *t, uint32_t type)
{
    const fh_adapter_info *adapter = &t->core->adapter;
    uint32_t heap = adapter->types[type].heap;
    fh_memory_flags flags = adapter->types[type].flags;

    if ((flags & FH_MEMORY_HOST_VISIBLE) != 0) {
        say_visible(t, flags);
    } else {
        say_hidden(t);
    }
    if (adapter->kind == FH_ADAPTER_INTEGRATED) {
        SAY("CPU and GPU share one memory here: FH_LOCATION_DEVICE_UPLOAD spares a copy where "
            "the type is host_visible.\n");
    } else if ((flags & FH_MEMORY_DEVICE_LOCAL) == 0) {
        SAY("It is not the GPU's own memory: the GPU reaches it over the bus.\n");
    } else if ((flags & FH_MEMORY_HOST_VISIBLE) != 0 && is_window(adapter, heap)) {
        SAY("It lies in the window of %s through which the CPU sees the GPU's memory: keep it "
            "for what needs both.\n",
            fhi_size_print(adapter->heaps[heap].size).text);
    }
    if ((flags & FH_MEMORY_LAZILY_ALLOCATED) != 0) {
        SAY("It takes memory only if the GPU needs it to.\n");
    }
}

fh_result fhi_explain_write(fh_device *device, const fhi_explanation *e)
{
    text t = {.device = device, .core = device->core, .e = e};

    fhi_text_init(&t.out, e->write, e->context);
    say_object(&t);
    say_wishes(&t);
    say_needs(&t);
    if (e->request.memory->backing.id != 0) {
        say_backing(&t);
        say_meaning(&t, e->backing.type);
        return fhi_text_finish(&t.out);
    }
    say_types(&t);
    if (e->request.order.count == 0) {
        fhi_say(&t.out,
                "No memory type will do: the request would fail with FH_ERR_UNSUPPORTED.\n");
        return fhi_text_finish(&t.out);
    }
    say_policy(&t);
    if (!e->denied) {
        fhi_explain_outlook(&t);
        say_limits(&t);
        if (e->outlook.result == FH_OK) {
            say_meaning(&t, e->request.order.types[last_place(&e->outlook)]);
        }
    }
    return fhi_text_finish(&t.out);
}
