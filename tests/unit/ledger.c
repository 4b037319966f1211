#include "ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sentence of a fault; one is enough. */
static const char *say(const char *format, ...)
{
    static char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return sentence;
}

static uint64_t choose(const ledger_source *source, uint64_t below)
{
    return source->next(source->context, below);
}

/* 1 to about `max`, every octave alike; `max` is a power of two. */
static uint64_t choose_size(const ledger_source *source, uint32_t octaves)
{
    uint64_t low = UINT64_C(1) << choose(source, octaves);
    return low + choose(source, low);
}

/* ---- opening ---- */

const char *ledger_open(ledger *l)
{
    memset(l, 0, sizeof *l);
    test_memory_init(&l->memory);
    card_small(&l->card);
    /* One heap, and types that can all be mapped: so all bytes can be seen. */
    fh_profile *profile = &l->card.profile;
    const fh_memory_flags visible = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
    profile->heap_count = 1;
    profile->heaps[0] = (fh_heap_info){MIB(8), true};
    profile->type_count = 2;
    profile->types[0] = (fh_memory_type_info){0, FH_MEMORY_DEVICE_LOCAL | visible};
    profile->types[1] = (fh_memory_type_info){0, visible | FH_MEMORY_HOST_CACHED};
    profile->granularity = 1024;
    profile->texture_alignment = 256;
    profile->queue_count = 1;
    l->card.desc.block_size = MIB(1);
    l->card.desc.retain_ticks = 8;
    l->card.desc.memory = &l->memory.host;
    if (card_open(&l->card) != FH_OK) {
        return say("open: %s", fh_error_detail());
    }
    fh_device *device = l->card.device;
    static const char *const names[LEDGER_TAGS] = {NULL, "grass", "water", "stone"};
    for (uint32_t i = 1; i < LEDGER_TAGS; i++) {
        if (fh_device_tag(device, names[i], &l->tags[i]) != FH_OK) {
            return say("tag: %s", fh_error_detail());
        }
    }
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        if (fh_queue_add(device, "ours", &l->queues[i]) != FH_OK) {
            return say("queue: %s", fh_error_detail());
        }
    }
    static const fh_pool_desc pools[LEDGER_POOLS] = {
        {.block_size = KIB(256), .block_count_max = 3},
        {.algorithm = FH_BLOCK_LINEAR, .block_size = KIB(64), .block_count_max = 2}};
    for (uint32_t i = 0; i < LEDGER_POOLS; i++) {
        if (fh_pool_create(device, &pools[i], &l->pools[i]) != FH_OK) {
            return say("pool: %s", fh_error_detail());
        }
    }
    return NULL;
}

/* ---- places ---- */

static ledger_entry *free_place(ledger *l)
{
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (l->entries[i].parcel.id == 0) {
            return &l->entries[i];
        }
    }
    return NULL;
}

/* One that we hold a reference to, or NULL. */
static ledger_entry *choose_live(ledger *l, const ledger_source *source)
{
    uint32_t start = (uint32_t)choose(source, LEDGER_ENTRIES);
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        ledger_entry *entry = &l->entries[(start + i) % LEDGER_ENTRIES];
        if (entry->parcel.id != 0 && entry->references > 0) {
            return entry;
        }
    }
    return NULL;
}

static bool is_pending(const ledger *l, const ledger_entry *entry)
{
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        if (!l->lost && entry->uses[i] > l->passed[i]) {
            return true;
        }
    }
    return false;
}

static bool is_retiring(const ledger *l, const ledger_entry *entry)
{
    return entry->references == 0 && entry->items == 0 && is_pending(l, entry);
}

/* What waits for nothing any more is gone; and then, perhaps, what it lay on. */
static void settle(ledger *l)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
            ledger_entry *entry = &l->entries[i];
            if (entry->parcel.id == 0 || entry->references > 0 || entry->items > 0 ||
                is_pending(l, entry)) {
                continue;
            }
            if (entry->backing > 0) {
                l->entries[entry->backing - 1].items--;
            }
            if (entry->kind == FH_KIND_EXTERNAL) {
                l->released_externals++;
            }
            l->stale[l->stale_count++ % LEDGER_STALE] = entry->parcel;
            *entry = (ledger_entry){0};
            again = true;
        }
    }
}

/* ---- bytes ---- */

static unsigned char byte_at(unsigned char pattern, uint64_t index)
{
    return (unsigned char)(pattern + index * 7 + (index >> 8));
}

/* Its ends, and some between. */
static bool is_whole(const unsigned char *bytes, uint64_t size, unsigned char pattern)
{
    uint64_t step = size > 256 ? size / 64 : 1;
    for (uint64_t i = 0; i < size; i += step) {
        if (bytes[i] != byte_at(pattern, i)) {
            return false;
        }
    }
    return size == 0 || bytes[size - 1] == byte_at(pattern, size - 1);
}

static void paint(unsigned char *bytes, uint64_t size, unsigned char pattern)
{
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = byte_at(pattern, i);
    }
}

static bool has_bytes(const ledger_entry *entry)
{
    return entry->kind == FH_KIND_BUFFER || entry->kind == FH_KIND_RAW || entry->linear;
}

/* Nothing else may lie where it lies. */
static const char *check_overlap(const ledger *l, const ledger_entry *entry)
{
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        const ledger_entry *other = &l->entries[i];
        if (other == entry || other->parcel.id == 0 || other->at == NULL || other->backing > 0) {
            continue;
        }
        if (entry->at < other->at + other->committed && other->at < entry->at + entry->committed) {
            return say("parcel of %" PRIu64 " bytes lies on one of %" PRIu64 "%s", entry->committed,
                       other->committed, other->references == 0 ? " that still retires" : "");
        }
    }
    return NULL;
}

/* Map it, see that it is as it was left, and paint it anew. */
static const char *look(ledger *l, ledger_entry *entry, bool paint_it)
{
    if (!has_bytes(entry) || (l->lost && entry->at == NULL)) {
        return NULL;
    }
    void *pointer = &pointer;
    fh_device *device = l->card.device;
    fh_result result = fh_parcel_map(device, entry->parcel, &pointer);
    if (result != FH_OK) {
        bool excused = pointer == NULL && (l->driver_may_fail || l->host_may_fail || l->lost);
        return excused ? NULL : say("map: %s, %s", fh_result_name(result), fh_error_detail());
    }
    if (entry->pattern != 0 && !entry->aliased &&
        !is_whole(pointer, entry->committed, entry->pattern)) {
        return say("the bytes of a parcel of kind %d changed", (int)entry->kind);
    }
    if (entry->at != NULL && entry->at != pointer) {
        return "the pointer of a parcel changed";
    }
    entry->at = pointer;
    const char *fault = entry->backing > 0 ? NULL : check_overlap(l, entry);
    if (fault == NULL && paint_it) {
        entry->pattern = (unsigned char)(1 + l->serial++ % 255);
        paint(pointer, entry->committed, entry->pattern);
    }
    if (fh_parcel_unmap(device, entry->parcel) != FH_OK) {
        return say("unmap: %s", fh_error_detail());
    }
    return fault;
}

/* ---- what was made ---- */

static const char *unexpected(const char *call, fh_result result)
{
    return say("%s: %s, %s", call, fh_result_name(result), fh_error_detail());
}

/* Whether a create call may fail like this. */
static const char *excuse(const ledger *l, const char *call, fh_result result, fh_parcel out)
{
    if (out.id != 0) {
        return say("%s failed and left a handle", call);
    }
    if (fh_error_detail()[0] == '\0') {
        return say("%s failed without a sentence", call);
    }
    if (l->lost) {
        return result == FH_ERR_DEVICE_LOST || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
                   ? NULL
                   : unexpected(call, result);
    }
    if (result == FH_ERR_BUDGET || result == FH_ERR_OUT_OF_MEMORY) {
        return NULL;
    }
    return result == FH_ERR_HOST_MEMORY && l->host_may_fail ? NULL : unexpected(call, result);
}

static const char *enter(ledger *l, ledger_entry *entry, fh_parcel parcel, uint64_t committed)
{
    fh_parcel_info info;
    if (l->lost) {
        return "a lost device made something";
    }
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (l->entries[i].parcel.id == parcel.id) {
            return "a handle was given twice";
        }
    }
    fh_result result = fh_parcel_get(l->card.device, parcel, &info);
    if (result != FH_OK) {
        return unexpected("get", result);
    }
    entry->parcel = parcel;
    entry->references = 1;
    entry->reserved = info.reserved;
    entry->committed = info.committed;
    entry->linear = entry->linear || entry->kind == FH_KIND_BUFFER;
    if (info.committed != committed || info.reference_count != 1 || info.kind != entry->kind ||
        info.tag != entry->tag) {
        return "a new parcel is not what was asked for";
    }
    if (entry->backing == 0 ? info.reserved < info.committed : info.reserved != 0) {
        return "a new parcel's reserved bytes are wrong";
    }
    if (entry->backing > 0) {
        l->entries[entry->backing - 1].items++;
        l->entries[entry->backing - 1].aliased = true;
        entry->aliased = true;
    }
    return look(l, entry, !entry->aliased);
}

static fh_memory_desc choose_memory(ledger *l, const ledger_source *source, ledger_entry *entry)
{
    uint64_t bits = choose(source, 256);
    fh_memory_desc memory = {.tag = entry->tag};
    memory.location = (fh_location)(bits & 3);
    memory.strategy = (fh_strategy)(bits >> 2 & 3);
    memory.priority = (bits & 16) != 0 ? 0.25F : 0;
    memory.name = (bits & 32) != 0 ? "named" : NULL;
    if (bits >= 240) {
        memory.dedicated = (fh_dedicated)(bits & 3);
    } else if (bits >= 192) {
        entry->pool = 1 + (uint32_t)(bits & 1);
        memory.pool = l->pools[entry->pool - 1];
    }
    return memory;
}

static const char *do_buffer(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (ledger_entry){.kind = FH_KIND_BUFFER, .tag = l->tags[choose(source, LEDGER_TAGS)]};
    fh_buffer_desc desc = {.size = choose_size(source, 17),
                           .usage = FH_USAGE_STORAGE | FH_USAGE_COPY,
                           .memory = choose_memory(l, source, entry)};
    if (choose(source, 8) == 0) {
        desc.usage |= FH_USAGE_UNIFORM;
        desc.capacity = desc.size + choose(source, 5000);
    }
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, desc.size);
    }
    return excuse(l, "buffer", result, out);
}

static const char *do_texture(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (ledger_entry){.kind = FH_KIND_TEXTURE, .tag = l->tags[choose(source, LEDGER_TAGS)]};
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                            .width = 1 + (uint32_t)choose(source, 200),
                            .height = 1 + (uint32_t)choose(source, 100),
                            .memory = choose_memory(l, source, entry)};
    entry->linear = desc.linear = choose(source, 4) == 0;
    fh_parcel out = {99};
    fh_result result = fh_texture_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, (uint64_t)desc.width * desc.height * 4);
    }
    return excuse(l, "texture", result, out);
}

static const char *do_raw(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (ledger_entry){.kind = FH_KIND_RAW, .tag = l->tags[choose(source, LEDGER_TAGS)]};
    fh_raw_desc desc = {.size = choose_size(source, 16),
                        .alignment = UINT64_C(1) << choose(source, 13),
                        .memory = choose_memory(l, source, entry)};
    fh_parcel out = {99};
    fh_result result = fh_raw_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, desc.size);
    }
    return excuse(l, "raw", result, out);
}

static const char *do_many(ledger *l, const ledger_source *source)
{
    fh_parcel outs[6];
    uint32_t count = 1 + (uint32_t)choose(source, 6);
    ledger_entry model = {.kind = FH_KIND_RAW, .tag = l->tags[choose(source, LEDGER_TAGS)]};
    fh_raw_desc desc = {.size = choose_size(source, 18),
                        .memory = choose_memory(l, source, &model)};
    uint32_t room = 0;
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        room += l->entries[i].parcel.id == 0;
    }
    if (room < count) {
        return NULL;
    }
    memset(outs, 0x77, sizeof outs);
    fh_result result = fh_raw_create_many(l->card.device, &desc, count, outs);
    const char *fault = NULL;
    for (uint32_t i = 0; i < count && fault == NULL; i++) {
        if (result == FH_OK) {
            ledger_entry *entry = free_place(l);
            *entry = model;
            fault = enter(l, entry, outs[i], desc.size);
        } else {
            fault = excuse(l, "raw_many", result, outs[i]);
        }
    }
    return fault;
}

/* Something on a raw parcel. */
static const char *do_item(ledger *l, const ledger_source *source)
{
    ledger_entry *backing = choose_live(l, source);
    ledger_entry *entry = free_place(l);
    if (backing == NULL || entry == NULL) {
        return NULL;
    }
    *entry = (ledger_entry){.kind = FH_KIND_BUFFER, .tag = l->tags[choose(source, LEDGER_TAGS)]};
    fh_buffer_desc desc = {.size = 1 + choose(source, backing->committed + backing->committed / 8),
                           .usage = FH_USAGE_STORAGE | FH_USAGE_COPY,
                           .memory = {.tag = entry->tag, .backing = backing->parcel}};
    desc.memory.backing_offset = choose(source, 4) == 0 ? choose(source, 64) * 16 : 0;
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(l->card.device, &desc, &out);
    if (backing->kind != FH_KIND_RAW && result == FH_OK) {
        return "something lies on what is not raw memory";
    }
    bool fits = desc.memory.backing_offset + desc.size <= backing->committed;
    if (result == FH_OK) {
        entry->backing = (uint32_t)(backing - l->entries) + 1;
        return fits ? enter(l, entry, out, desc.size) : "an item reaches past its backing";
    }
    /* Where the raw memory lies may not be a multiple of what the buffer needs. */
    if (result == FH_ERR_INVALID && out.id == 0) {
        return NULL;
    }
    return excuse(l, "item", result, out);
}

static void count_destroyed(void *context, void *user)
{
    (void)user;
    ++*(uint32_t *)context;
}

/* Refused if and only if a limit would be passed. */
static const char *do_external(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    uint32_t tag = (uint32_t)choose(source, LEDGER_TAGS);
    *entry = (ledger_entry){.kind = FH_KIND_EXTERNAL, .tag = l->tags[tag]};
    fh_external_desc desc = {.size = choose_size(source, 18),
                             .tag = entry->tag,
                             .destroy = count_destroyed,
                             .context = &l->destroyed};
    fh_account_info kind = card_account(&l->card, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL);
    fh_account_info by_tag = {.limit = FH_NO_LIMIT};
    if (tag != 0) {
        by_tag = card_account(&l->card, FH_ACCOUNT_TAG, entry->tag);
    }
    bool fits = desc.size <= kind.limit && kind.used <= kind.limit - desc.size &&
                desc.size <= by_tag.limit && by_tag.used <= by_tag.limit - desc.size;
    fh_parcel out = {99};
    fh_result result = fh_external_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return fits ? enter(l, entry, out, desc.size) : "an external parcel passed a limit";
    }
    if (fits && result == FH_ERR_BUDGET) {
        return say("external: %s, but it fits", fh_error_detail());
    }
    return excuse(l, "external", result, out);
}

/* ---- what becomes of it ---- */

static const char *do_release(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = choose_live(l, source);
    if (entry == NULL) {
        return NULL;
    }
    const char *fault = look(l, entry, false);
    if (fault != NULL) {
        return fault;
    }
    fh_result result = fh_parcel_release(l->card.device, entry->parcel);
    if (result != FH_OK) {
        return unexpected("release", result);
    }
    entry->references--;
    return NULL;
}

static const char *do_acquire(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = choose_live(l, source);
    if (entry == NULL || entry->references > 20) {
        return NULL;
    }
    fh_result result = fh_parcel_acquire(l->card.device, entry->parcel);
    if (result != FH_OK) {
        return unexpected("acquire", result);
    }
    entry->references++;
    return NULL;
}

static void note_use(ledger_entry *entry, uint32_t queue, uint64_t value)
{
    entry->uses[queue] = value > entry->uses[queue] ? value : entry->uses[queue];
}

static const char *do_use(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = choose_live(l, source);
    uint32_t queue = (uint32_t)choose(source, LEDGER_QUEUES);
    uint64_t value = l->passed[queue] + choose(source, 6);
    if (entry == NULL) {
        return NULL;
    }
    fh_epoch epoch = {l->queues[queue], value};
    fh_result result = fh_parcel_use(l->card.device, entry->parcel, epoch);
    if (result == FH_ERR_HOST_MEMORY && l->host_may_fail) {
        return NULL;
    }
    if (result != FH_OK) {
        return unexpected("use", result);
    }
    note_use(entry, queue, value);
    return NULL;
}

static const char *do_retire(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = choose_live(l, source);
    fh_epoch epochs[LEDGER_QUEUES];
    if (entry == NULL) {
        return NULL;
    }
    uint32_t count = (uint32_t)choose(source, LEDGER_QUEUES + 1);
    for (uint32_t i = 0; i < count; i++) {
        epochs[i] = (fh_epoch){l->queues[i], l->passed[i] + choose(source, 4)};
    }
    fh_result result = fh_device_retire(l->card.device, entry->parcel, epochs, count);
    if (result == FH_ERR_HOST_MEMORY && l->host_may_fail) {
        return NULL;
    }
    if (result != FH_OK) {
        return unexpected("retire", result);
    }
    for (uint32_t i = 0; i < count; i++) {
        note_use(entry, i, epochs[i].value);
    }
    entry->references--;
    return NULL;
}

static const char *do_signal(ledger *l, const ledger_source *source)
{
    uint32_t queue = (uint32_t)choose(source, LEDGER_QUEUES);
    uint64_t value = l->passed[queue] + choose(source, 4) - (l->passed[queue] > 0);
    fh_result result = fh_queue_signal(l->card.device, l->queues[queue], value);
    if (result != FH_OK) {
        return unexpected("signal", result);
    }
    l->passed[queue] = value > l->passed[queue] ? value : l->passed[queue];
    return NULL;
}

static const char *do_write(ledger *l, const ledger_source *source)
{
    static unsigned char bytes[1 << 18];
    ledger_entry *entry = choose_live(l, source);
    if (entry == NULL || entry->kind != FH_KIND_BUFFER || entry->aliased ||
        entry->committed > sizeof bytes || is_pending(l, entry)) {
        return NULL;
    }
    unsigned char pattern = (unsigned char)(1 + l->serial++ % 255);
    paint(bytes, entry->committed, pattern);
    fh_epoch epoch = {9, 9};
    fh_result result =
        fh_parcel_write(l->card.device, entry->parcel, 0, bytes, entry->committed, &epoch);
    if (result == FH_OK) {
        entry->pattern = pattern;
        result = fh_device_wait(l->card.device, epoch, 10 * SECOND_NS);
        return result == FH_OK ? look(l, entry, false) : unexpected("wait", result);
    }
    bool excused = l->driver_may_fail || l->host_may_fail || l->lost;
    entry->pattern = 0;
    return excused ? NULL : unexpected("write", result);
}

/* Whole to whole, as far as the smaller one goes. */
static const char *do_copy(ledger *l, const ledger_source *source)
{
    ledger_entry *src = choose_live(l, source);
    ledger_entry *dst = choose_live(l, source);
    if (src == NULL || dst == NULL || src == dst || src->kind != FH_KIND_BUFFER ||
        dst->kind != FH_KIND_BUFFER || src->aliased || dst->aliased) {
        return NULL;
    }
    uint64_t size = src->committed < dst->committed ? src->committed : dst->committed;
    fh_copy copy = {.src = src->parcel, .dst = dst->parcel, .size = size};
    fh_epoch epoch = {9, 9};
    fh_result result = fh_device_copy(l->card.device, &copy, 1, &epoch);
    if (result != FH_OK) {
        bool excused = l->driver_may_fail || l->host_may_fail || l->lost;
        return excused ? NULL : unexpected("copy", result);
    }
    result = fh_device_wait(l->card.device, epoch, 10 * SECOND_NS);
    if (result != FH_OK) {
        return unexpected("wait", result);
    }
    if (size < dst->committed) {
        dst->pattern = 0;
        return look(l, dst, true);
    }
    dst->pattern = src->pattern;
    return look(l, dst, false);
}

/* What is kept is kept, what is new is zero. */
static const char *check_resized(ledger *l, ledger_entry *entry, uint64_t before, uint64_t size)
{
    fh_parcel_info info;
    fh_result result = fh_parcel_get(l->card.device, entry->parcel, &info);
    if (result != FH_OK || info.committed != size) {
        return say("resize to %" PRIu64 " is reported as %" PRIu64, size, info.committed);
    }
    entry->reserved = info.reserved;
    entry->committed = size;
    entry->at = NULL; /* it may have moved */
    void *pointer;
    result = fh_parcel_map(l->card.device, entry->parcel, &pointer);
    if (result != FH_OK) {
        entry->pattern = 0;
        return l->driver_may_fail || l->host_may_fail ? NULL : unexpected("map", result);
    }
    const unsigned char *bytes = pointer;
    const char *fault = NULL;
    uint64_t kept = before < size ? before : size;
    if (entry->pattern != 0 && !is_whole(bytes, kept, entry->pattern)) {
        fault = "a resize lost bytes";
    }
    for (uint64_t i = kept; i < size && fault == NULL; i++) {
        fault = bytes[i] != 0 ? "the bytes that a resize added are not zero" : NULL;
    }
    fh_parcel_unmap(l->card.device, entry->parcel);
    entry->pattern = 0;
    return fault != NULL ? fault : look(l, entry, true);
}

static const char *do_resize(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = choose_live(l, source);
    if (entry == NULL) {
        return NULL;
    }
    uint64_t size = choose_size(source, 17);
    uint64_t before = entry->committed;
    fh_epoch epoch = {9, 9};
    fh_result result = fh_buffer_resize(l->card.device, entry->parcel, size, &epoch);
    if (result == FH_OK) {
        if (entry->kind != FH_KIND_BUFFER) {
            return "something that is no buffer was resized";
        }
        result = fh_device_wait_idle(l->card.device, 10 * SECOND_NS);
        if (result != FH_OK && !l->driver_may_fail) {
            return unexpected("wait_idle", result);
        }
        return check_resized(l, entry, before, size);
    }
    if (entry->kind != FH_KIND_BUFFER) {
        return result == FH_ERR_INVALID ? NULL : unexpected("resize", result);
    }
    if ((result == FH_ERR_BUSY && is_pending(l, entry)) ||
        (result == FH_ERR_UNSUPPORTED && entry->backing > 0) || result == FH_ERR_BUDGET ||
        result == FH_ERR_OUT_OF_MEMORY || (result == FH_ERR_DEVICE_LOST && l->lost) ||
        (result == FH_ERR_HOST_MEMORY && l->host_may_fail)) {
        return look(l, entry, false);
    }
    return unexpected("resize", result);
}

static const char *do_stale(ledger *l, const ledger_source *source)
{
    if (l->stale_count == 0) {
        return NULL;
    }
    uint32_t kept = l->stale_count < LEDGER_STALE ? l->stale_count : LEDGER_STALE;
    fh_parcel dead = l->stale[choose(source, kept)];
    if (choose(source, 4) == 0) {
        dead.id ^= UINT64_C(1) << choose(source, 64);
    }
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (dead.id == 0 || l->entries[i].parcel.id == dead.id) {
            return NULL;
        }
    }
    fh_device *device = l->card.device;
    fh_parcel_info info;
    void *pointer;
    fh_view view;
    if (fh_parcel_release(device, dead) != FH_ERR_STALE ||
        fh_parcel_acquire(device, dead) != FH_ERR_STALE ||
        fh_parcel_get(device, dead, &info) != FH_ERR_STALE ||
        fh_parcel_map(device, dead, &pointer) != FH_ERR_STALE ||
        fh_parcel_unmap(device, dead) != FH_ERR_STALE ||
        fh_parcel_set_name(device, dead, "x") != FH_ERR_STALE ||
        fh_buffer_resize(device, dead, 10, NULL) != FH_ERR_STALE ||
        fh_view_make(device, dead, 0, 0, &view) != FH_ERR_STALE ||
        fh_parcel_use(device, dead, (fh_epoch){0, 0}) != FH_ERR_STALE) {
        return "a dead handle was not refused";
    }
    return NULL;
}

static const char *do_limit(ledger *l, const ledger_source *source)
{
    uint32_t which = (uint32_t)choose(source, 2 + FH_KIND_COUNT + LEDGER_TAGS - 1);
    fh_account account = {FH_ACCOUNT_TOTAL, 0};
    if (which == 1) {
        account.scope = FH_ACCOUNT_HEAP;
    } else if (which >= 2 && which < 2 + FH_KIND_COUNT) {
        account = (fh_account){FH_ACCOUNT_KIND, which - 2};
    } else if (which >= 2) {
        account = (fh_account){FH_ACCOUNT_TAG, l->tags[which - 2 - FH_KIND_COUNT + 1]};
    }
    uint64_t limit = FH_NO_LIMIT;
    if (choose(source, 3) != 0) {
        limit = choose_size(source, 24);
    }
    fh_result result = fh_device_set_limit(l->card.device, account, limit);
    return result == FH_OK ? NULL : unexpected("set_limit", result);
}

static const char *do_tick(ledger *l, const ledger_source *source)
{
    fh_device *device = l->card.device;
    fh_device_detail detail;
    fh_result result = FH_OK;
    switch (choose(source, 6)) {
    case 0:
        result = fh_device_trim(device, NULL);
        break;
    case 1:
        result = fh_device_get_detail(device, &detail);
        break;
    case 2:
        result = fh_device_wait_idle(device, SECOND_NS);
        break;
    default:
        result = fh_device_tick(device);
        break;
    }
    if (result == FH_OK || (l->lost && result == FH_ERR_DEVICE_LOST) ||
        (l->host_may_fail && result == FH_ERR_HOST_MEMORY) || l->driver_may_fail) {
        return NULL;
    }
    return unexpected("tick", result);
}

static const char *do_json(ledger *l, const ledger_source *source)
{
    test_text text = {0};
    fh_result result =
        fh_device_json(l->card.device, choose(source, 2) == 0, test_text_write, &text);
    test_text_finish(&text);
    return result == FH_OK || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
               ? NULL
               : unexpected("json", result);
}

/* ---- trouble ---- */

static const char *do_fault(ledger *l, const ledger_source *source)
{
    static const fh_backend_call calls[] = {
        FH_BACKEND_CALL_MEMORY_ALLOC,  FH_BACKEND_CALL_MEMORY_ALLOC,   FH_BACKEND_CALL_BIND,
        FH_BACKEND_CALL_BUFFER_CREATE, FH_BACKEND_CALL_TEXTURE_CREATE, FH_BACKEND_CALL_MEMORY_MAP,
        FH_BACKEND_CALL_SUBMIT};
    fh_fault fault = {.call = calls[choose(source, TEST_COUNT_OF(calls))],
                      .nth = 1 + choose(source, 4)};
    fh_result result = fh_simulated_fault(l->card.backend, &fault);
    l->driver_may_fail = true;
    return result == FH_OK || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
               ? NULL
               : unexpected("fault", result);
}

static const char *do_calm(ledger *l, const ledger_source *source)
{
    (void)source;
    fh_simulated_clear(l->card.backend);
    l->driver_may_fail = false;
    l->memory.fail_at = 0;
    l->host_may_fail = false;
    return NULL;
}

static const char *do_host(ledger *l, const ledger_source *source)
{
    l->memory.fail_on = choose(source, 2) == 0;
    l->memory.fail_at = l->memory.alloc_count + 1 + choose(source, 6);
    l->host_may_fail = true;
    return NULL;
}

static const char *do_lose(ledger *l, const ledger_source *source)
{
    if (choose(source, 40) != 0) {
        return NULL;
    }
    fh_fault fault = {.kind = FH_FAULT_LOSE, .nth = 1};
    if (fh_simulated_fault(l->card.backend, &fault) == FH_OK) {
        fh_result result = fh_device_tick(l->card.device);
        if (result != FH_ERR_DEVICE_LOST || !fh_device_is_lost(l->card.device)) {
            return "a lost device was not noticed";
        }
        l->lost = true;
    }
    return NULL;
}

/* ---- comparing ---- */

typedef struct sums {
    uint64_t used, count, retiring;
} sums;

static const char *compare_account(ledger *l, uint32_t place, fh_account_scope scope,
                                   uint32_t index, const sums *expected)
{
    fh_account_info info = card_account(&l->card, scope, index);
    if (expected != NULL && (info.used != expected->used || info.count != expected->count ||
                             info.retiring != expected->retiring)) {
        return say("account %s: %" PRIu64 " bytes of %" PRIu64 " parcels, %" PRIu64
                   " retiring; should be %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                   info.name, info.used, info.count, info.retiring, expected->used, expected->count,
                   expected->retiring);
    }
    if (info.used > info.limit && info.used > l->before[place]) {
        return say("account %s grew to %" PRIu64 ", above its limit %" PRIu64, info.name, info.used,
                   info.limit);
    }
    if (info.peak < info.used) {
        return say("account %s: the peak is below what is used", info.name);
    }
    l->before[place] = info.used;
    return NULL;
}

static const char *compare(ledger *l)
{
    sums kinds[FH_KIND_COUNT] = {0};
    sums tags[LEDGER_TAGS] = {0};
    sums all = {0};
    uint64_t retiring_count = 0;
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        const ledger_entry *entry = &l->entries[i];
        if (entry->parcel.id == 0) {
            continue;
        }
        uint64_t retiring = is_retiring(l, entry) ? entry->reserved : 0;
        retiring_count += is_retiring(l, entry);
        sums *both[2] = {&kinds[entry->kind], NULL};
        for (uint32_t t = 1; t < LEDGER_TAGS; t++) {
            both[1] = entry->tag == l->tags[t] ? &tags[t] : both[1];
        }
        for (int b = 0; b < 2; b++) {
            if (both[b] != NULL) {
                both[b]->used += entry->reserved;
                both[b]->count++;
                both[b]->retiring += retiring;
            }
        }
        all.count++;
    }
    const char *fault = compare_account(l, 0, FH_ACCOUNT_TOTAL, 0, NULL);
    fault = fault != NULL ? fault : compare_account(l, 1, FH_ACCOUNT_HEAP, 0, NULL);
    for (uint32_t i = 0; i < FH_KIND_COUNT && fault == NULL; i++) {
        fault =
            i == FH_KIND_STAGING ? NULL : compare_account(l, 2 + i, FH_ACCOUNT_KIND, i, &kinds[i]);
    }
    for (uint32_t i = 1; i < LEDGER_TAGS && fault == NULL; i++) {
        fault = compare_account(l, 2 + FH_KIND_COUNT + i, FH_ACCOUNT_TAG, l->tags[i], &tags[i]);
    }
    if (fault != NULL) {
        return fault;
    }
    fh_device_stats stats = card_stats(&l->card);
    uint64_t staging = card_account(&l->card, FH_ACCOUNT_KIND, FH_KIND_STAGING).count;
    if (stats.parcel_count != all.count + staging) {
        return say("%" PRIu64 " parcels, and there are %" PRIu64, stats.parcel_count, all.count);
    }
    if (stats.retiring_count != retiring_count) {
        return say("%" PRIu64 " parcels retire, and should %" PRIu64, stats.retiring_count,
                   retiring_count);
    }
    if (l->destroyed != l->released_externals) {
        return "an external parcel was not destroyed when it was released, or twice";
    }
    return card_audit(&l->card);
}

/* ---- steps ---- */

typedef const char *(*ledger_deed)(ledger *l, const ledger_source *source);

const char *ledger_step(ledger *l, const ledger_source *source, bool wild)
{
    static const ledger_deed deeds[] = {
        do_buffer,  do_buffer,  do_buffer,  do_buffer, do_texture,  do_texture, do_raw,
        do_raw,     do_many,    do_item,    do_item,   do_external, do_release, do_release,
        do_release, do_release, do_release, do_retire, do_retire,   do_acquire, do_use,
        do_use,     do_signal,  do_signal,  do_write,  do_copy,     do_resize,  do_stale,
        do_limit,   do_limit,   do_tick,    do_tick,   do_json,     do_fault,   do_calm,
        do_calm,    do_host,    do_lose,
    };
    uint64_t which = choose(source, TEST_COUNT_OF(deeds) - (wild ? 0 : 2));
    const char *fault = deeds[which](l, source);
    if (fault != NULL) {
        return fault;
    }
    fh_result result = fh_device_poll(l->card.device);
    if (result != (l->lost ? FH_ERR_DEVICE_LOST : FH_OK)) {
        return unexpected("poll", result);
    }
    settle(l);
    return compare(l);
}

const char *ledger_close(ledger *l)
{
    const ledger_source none = {0};
    do_calm(l, &none);
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        ledger_entry *entry = &l->entries[i];
        while (entry->parcel.id != 0 && entry->references > 0) {
            fh_result result = fh_parcel_release(l->card.device, entry->parcel);
            if (result != FH_OK) {
                return unexpected("release", result);
            }
            entry->references--;
        }
    }
    for (uint32_t i = 0; i < LEDGER_QUEUES; i++) {
        l->passed[i] = UINT64_MAX;
        fh_queue_signal(l->card.device, l->queues[i], UINT64_MAX);
    }
    fh_device_poll(l->card.device);
    settle(l);
    const char *fault = compare(l);
    for (uint32_t i = 0; i < LEDGER_POOLS && fault == NULL; i++) {
        fh_result result = fh_pool_destroy(l->pools[i]);
        fault = result == FH_OK ? NULL : unexpected("pool_destroy", result);
    }
    fault = fault != NULL ? fault : card_empty(&l->card);
    fault = fault != NULL ? fault : card_close(&l->card);
    if (fault == NULL) {
        test_memory_finish(&l->memory); /* aborts when something leaked */
    }
    return fault;
}
