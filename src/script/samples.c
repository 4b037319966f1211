#include "script/samples.h"

#include <string.h>

void fhi_samples_init(fhi_samples *samples)
{
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        fhi_latch_init(&samples->hooks[hook].latch);
        atomic_init(&samples->hooks[hook].frame, 0);
        samples->hooks[hook].count = 0;
    }
}

/* ---- copies ---- */

static void copy_text(char *out, const char *text)
{
    size_t length = strlen(text);
    length = length < FHI_SAMPLE_TEXT ? length : FHI_SAMPLE_TEXT - 1;
    memcpy(out, text, length);
    out[length] = '\0';
}

/* Its pointers lead into itself. */
static void point(fhi_sample *sample, fh_hook hook)
{
    if (hook == FH_HOOK_PLACE || hook == FH_HOOK_RELIEVE) {
        sample->input.request.tag_name = sample->tag_name;
        sample->input.request.name = sample->name;
    } else if (hook == FH_HOOK_EVICT) {
        fh_candidates *candidates = &sample->input.candidates;
        candidates->parcels = sample->parcels;
        candidates->priorities = sample->priorities;
        candidates->ages = sample->ages;
        candidates->sizes = sample->sizes;
        candidates->tags = sample->tags;
        candidates->kinds = sample->kinds;
        candidates->made = sample->made;
    }
}

static void copy_request(fhi_sample *sample, const fh_request *request)
{
    sample->input.request = *request;
    copy_text(sample->tag_name, request->tag_name);
    copy_text(sample->name, request->name);
}

static void copy_candidates(fhi_sample *sample, const fh_candidates *from)
{
    fh_candidates *to = &sample->input.candidates;
    *to = *from;
    to->count = from->count < FHI_SAMPLE_ROWS ? from->count : FHI_SAMPLE_ROWS;
    memcpy(sample->parcels, from->parcels, to->count * sizeof sample->parcels[0]);
    memcpy(sample->priorities, from->priorities, to->count * sizeof sample->priorities[0]);
    memcpy(sample->ages, from->ages, to->count * sizeof sample->ages[0]);
    memcpy(sample->sizes, from->sizes, to->count * sizeof sample->sizes[0]);
    memcpy(sample->tags, from->tags, to->count * sizeof sample->tags[0]);
    memcpy(sample->kinds, from->kinds, to->count * sizeof sample->kinds[0]);
    memcpy(sample->made, from->made, to->count * sizeof sample->made[0]);
}

static void copy_input(fhi_sample *sample, fh_hook hook, const void *input)
{
    switch (hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        copy_request(sample, input);
        break;
    case FH_HOOK_FRAME:
        sample->input.frame = *(const fh_frame_facts *)input;
        break;
    case FH_HOOK_PRESSURE:
        sample->input.pressure = *(const fh_pressure *)input;
        break;
    case FH_HOOK_RETAIN:
        sample->input.block = *(const fh_block_facts *)input;
        break;
    case FH_HOOK_RECYCLE:
        sample->input.cache = *(const fh_recycle_facts *)input;
        break;
    case FH_HOOK_EVICT:
        copy_candidates(sample, input);
        break;
    case FH_HOOK_ALIAS:
        sample->input.graph = *(const fh_alias_facts *)input;
        break;
    case FH_HOOK_DEFRAG:
        sample->input.gaps = *(const fh_defrag_facts *)input;
        break;
    case FH_HOOK_LIMITS:
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
}

void fhi_samples_keep(fhi_samples *samples, fh_hook hook, const void *input, const fh_facts *facts)
{
    fhi_samples_of_hook *of = &samples->hooks[hook];
    /* Another thread is at it: this input was not the one. */
    if (!fhi_latch_acquire_within(&of->latch, 0)) {
        return;
    }
    fhi_sample *sample = &of->list[of->count % FHI_SAMPLES];
    of->count++;
    sample->facts = *facts;
    copy_input(sample, hook, input);
    atomic_store_explicit(&of->frame, facts->frame + 1, memory_order_relaxed);
    fhi_latch_release(&of->latch);
}

/* ---- made-up ones ---- */

static void make_request(fhi_sample *sample, fh_hook hook, uint32_t index)
{
    static const struct {
        fh_kind kind;
        fh_usage usage;
        fh_location location;
        uint64_t size;
        const char *name;
    } made[FHI_SAMPLES] = {
        {FH_KIND_BUFFER, FH_USAGE_STORAGE | FH_USAGE_COPY_DST, FH_LOCATION_DEVICE, 1 << 20, "mesh"},
        {FH_KIND_TEXTURE, FH_USAGE_SAMPLED | FH_USAGE_COPY_DST, FH_LOCATION_DEVICE, 24 << 20,
         "sky"},
        {FH_KIND_BUFFER, FH_USAGE_COPY_SRC, FH_LOCATION_UPLOAD, 96, ""},
        {FH_KIND_RAW, 0, FH_LOCATION_READBACK, 3 << 20, ""},
    };
    fh_request *request = &sample->input.request;
    request->kind = made[index].kind;
    request->usage = made[index].usage;
    request->location = made[index].location;
    request->size = made[index].size;
    request->alignment = 256;
    request->type_mask = ~UINT32_C(0);
    request->priority = 0.5F;
    /* Powers of two are boundaries: see verdict.c. */
    for (request->size_min = 1; request->size_min * 2 <= request->size; request->size_min *= 2) {
    }
    request->size_max = request->size_min * 2 - 1;
    if (request->kind == FH_KIND_TEXTURE) {
        request->format = FH_FORMAT_RGBA8_UNORM;
        request->width = 3072;
        request->height = 2048;
        request->depth = request->layers = request->mips = request->samples = 1;
    }
    if (hook == FH_HOOK_RELIEVE) {
        request->reason = index % 2 == 0 ? FH_ERR_BUDGET : FH_ERR_OUT_OF_MEMORY;
        request->shortage = index % 2 == 0 ? request->size / 2 : 0;
        request->attempt = 1 + index / 2;
        request->tried = index / 2 == 0 ? 0 : 1U << FH_RELIEF_TRIM;
    }
    copy_text(sample->tag_name, "");
    copy_text(sample->name, made[index].name);
}

static void make_candidates(fhi_sample *sample)
{
    fh_candidates *candidates = &sample->input.candidates;
    candidates->count = FHI_SAMPLE_ROWS;
    candidates->wanted = 4 << 20;
    for (uint32_t i = 0; i < FHI_SAMPLE_ROWS; i++) {
        sample->parcels[i].id = i + 1;
        sample->priorities[i] = (float)(i % 3) / 2.0F;
        sample->ages[i] = UINT64_C(1) << i;
        sample->sizes[i] = UINT64_C(4096) << (FHI_SAMPLE_ROWS - i);
        sample->made[i] = sample->ages[i] + 100;
        sample->kinds[i] = i % 2 == 0 ? FH_KIND_BUFFER : FH_KIND_TEXTURE;
    }
}

/* False: there is no such one. */
static bool make(fhi_sample *sample, fh_hook hook, uint32_t index)
{
    bool first = index == 0;
    switch (hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        make_request(sample, hook, index);
        return true;
    case FH_HOOK_FRAME:
        sample->input.frame = (fh_frame_facts){.tick_ns = first ? 16666667 : 0,
                                               .depth = first ? 2 : 0,
                                               .created_bytes = 3 << 20,
                                               .freed_bytes = 1 << 20};
        return index < 2;
    case FH_HOOK_PRESSURE:
        sample->input.pressure = (fh_pressure){.account = {FH_ACCOUNT_TOTAL, 0},
                                               .fraction = 0.85,
                                               .up = first,
                                               .used = first ? 900 << 20 : 700 << 20,
                                               .limit = 1000 << 20};
        return index < 2;
    case FH_HOOK_RETAIN:
        sample->input.block = (fh_block_facts){.size = 64 << 20,
                                               .empty_ticks = first ? 0 : 63,
                                               .age_ticks = 1000,
                                               .pool_block_count = 3,
                                               .pool_empty_count = 1,
                                               .over = !first};
        return index < 2;
    case FH_HOOK_RECYCLE:
        sample->input.cache = (fh_recycle_facts){.kind = FH_KIND_BUFFER,
                                                 .count = 12,
                                                 .bytes = 12 << 20,
                                                 .oldest_ticks = 9,
                                                 .hits = 20,
                                                 .misses = 2};
        return first;
    case FH_HOOK_EVICT:
        make_candidates(sample);
        return first;
    case FH_HOOK_ALIAS:
        sample->input.graph = (fh_alias_facts){
            .item_count = 40, .pass_count = 12, .bytes = 400 << 20, .lower_bound = 120 << 20};
        return first;
    case FH_HOOK_DEFRAG:
        sample->input.gaps = (fh_defrag_facts){.size = 64 << 20,
                                               .used = 20 << 20,
                                               .range_count = 60,
                                               .gap_count = 25,
                                               .movable_count = 40,
                                               .largest_gap = 8 << 20};
        return first;
    case FH_HOOK_LIMITS:
        return first;
    case FH_HOOK_MIGRATE:
    case FH_HOOK_COUNT:
        break;
    }
    return false;
}

/* ---- getting them ---- */

bool fhi_samples_get(fhi_samples *samples, fh_hook hook, uint32_t index, const fh_facts *now,
                     fhi_sample *out_sample)
{
    fhi_samples_of_hook *of = &samples->hooks[hook];
    if (index >= FHI_SAMPLES) {
        return false;
    }
    fhi_latch_acquire(&of->latch);
    bool seen = of->count > 0;
    bool there = index < of->count;
    if (there) {
        *out_sample = of->list[index];
    }
    fhi_latch_release(&of->latch);
    if (!seen) {
        memset(out_sample, 0, sizeof *out_sample);
        out_sample->facts = *now;
        there = make(out_sample, hook, index);
    }
    point(out_sample, hook);
    return there;
}

const void *fhi_sample_input(const fhi_sample *sample, fh_hook hook)
{
    return hook == FH_HOOK_LIMITS ? NULL : &sample->input;
}
