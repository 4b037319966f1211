#include "ledger_deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t ledger_choose(const ledger_source *source, uint64_t below)
{
    return source->next(source->context, below);
}

/* 1 to about `max`, every octave alike; `max` is a power of two. */
uint64_t ledger_choose_size(const ledger_source *source, uint32_t octaves)
{
    uint64_t low = UINT64_C(1) << ledger_choose(source, octaves);
    return low + ledger_choose(source, low);
}

/* ---- places ---- */

/* One that we hold a reference to, or NULL. */
ledger_entry *ledger_choose_live(ledger *l, const ledger_source *source)
{
    uint32_t start = (uint32_t)ledger_choose(source, LEDGER_ENTRIES);
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        ledger_entry *entry = &l->entries[(start + i) % LEDGER_ENTRIES];
        if (entry->parcel.id != 0 && entry->references > 0) {
            return entry;
        }
    }
    return NULL;
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
            return ledger_say("parcel of %" PRIu64 " bytes lies on one of %" PRIu64 "%s",
                              entry->committed, other->committed,
                              other->references == 0 ? " that still retires" : "");
        }
    }
    return NULL;
}

/* Map it, see that it is as it was left, and paint it anew. */
const char *ledger_look(ledger *l, ledger_entry *entry, bool paint_it)
{
    if (!has_bytes(entry) || (l->lost && entry->at == NULL)) {
        return NULL;
    }
    void *pointer = &pointer;
    fh_device *device = l->card.device;
    fh_result result = fh_parcel_map(device, entry->parcel, &pointer);
    if (result != FH_OK) {
        bool excused = pointer == NULL && (l->driver_may_fail || l->host_may_fail || l->lost);
        return excused ? NULL
                       : ledger_say("map: %s, %s", fh_result_name(result), fh_error_detail());
    }
    if (entry->pattern != 0 && !entry->aliased &&
        !is_whole(pointer, entry->committed, entry->pattern)) {
        return ledger_say("the bytes of a parcel of kind %d changed", (int)entry->kind);
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
        return ledger_say("unmap: %s", fh_error_detail());
    }
    return fault;
}

/* ---- what becomes of it ---- */

static const char *do_release(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = ledger_choose_live(l, source);
    if (entry == NULL) {
        return NULL;
    }
    const char *fault = ledger_look(l, entry, false);
    if (fault != NULL) {
        return fault;
    }
    fh_result result = fh_parcel_release(l->card.device, entry->parcel);
    if (result != FH_OK) {
        return ledger_unexpected("release", result);
    }
    entry->references--;
    return NULL;
}

static const char *do_acquire(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = ledger_choose_live(l, source);
    if (entry == NULL || entry->references > 20) {
        return NULL;
    }
    fh_result result = fh_parcel_acquire(l->card.device, entry->parcel);
    if (result != FH_OK) {
        return ledger_unexpected("acquire", result);
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
    ledger_entry *entry = ledger_choose_live(l, source);
    uint32_t queue = (uint32_t)ledger_choose(source, LEDGER_QUEUES);
    uint64_t value = l->passed[queue] + ledger_choose(source, 6);
    if (entry == NULL) {
        return NULL;
    }
    fh_epoch epoch = {l->queues[queue], value};
    fh_result result = fh_parcel_use(l->card.device, entry->parcel, epoch);
    if (result == FH_ERR_HOST_MEMORY && l->host_may_fail) {
        return NULL;
    }
    if (result != FH_OK) {
        return ledger_unexpected("use", result);
    }
    note_use(entry, queue, value);
    return NULL;
}

static const char *do_retire(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = ledger_choose_live(l, source);
    fh_epoch epochs[LEDGER_QUEUES];
    if (entry == NULL) {
        return NULL;
    }
    uint32_t count = (uint32_t)ledger_choose(source, LEDGER_QUEUES + 1);
    for (uint32_t i = 0; i < count; i++) {
        epochs[i] = (fh_epoch){l->queues[i], l->passed[i] + ledger_choose(source, 4)};
    }
    fh_result result = fh_device_retire(l->card.device, entry->parcel, epochs, count);
    if (result == FH_ERR_HOST_MEMORY && l->host_may_fail) {
        return NULL;
    }
    if (result != FH_OK) {
        return ledger_unexpected("retire", result);
    }
    for (uint32_t i = 0; i < count; i++) {
        note_use(entry, i, epochs[i].value);
    }
    entry->references--;
    return NULL;
}

static const char *do_signal(ledger *l, const ledger_source *source)
{
    uint32_t queue = (uint32_t)ledger_choose(source, LEDGER_QUEUES);
    uint64_t value = l->passed[queue] + ledger_choose(source, 4) - (l->passed[queue] > 0);
    fh_result result = fh_queue_signal(l->card.device, l->queues[queue], value);
    if (result != FH_OK) {
        return ledger_unexpected("signal", result);
    }
    l->passed[queue] = value > l->passed[queue] ? value : l->passed[queue];
    return NULL;
}

static const char *do_write(ledger *l, const ledger_source *source)
{
    static unsigned char bytes[1 << 18];
    ledger_entry *entry = ledger_choose_live(l, source);
    if (entry == NULL || entry->kind != FH_KIND_BUFFER || entry->aliased ||
        entry->committed > sizeof bytes || ledger_is_pending(l, entry)) {
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
        return result == FH_OK ? ledger_look(l, entry, false) : ledger_unexpected("wait", result);
    }
    bool excused = l->driver_may_fail || l->host_may_fail || l->lost;
    entry->pattern = 0;
    return excused ? NULL : ledger_unexpected("write", result);
}

/* Whole to whole, as far as the smaller one goes. */
static const char *do_copy(ledger *l, const ledger_source *source)
{
    ledger_entry *src = ledger_choose_live(l, source);
    ledger_entry *dst = ledger_choose_live(l, source);
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
        return excused ? NULL : ledger_unexpected("copy", result);
    }
    result = fh_device_wait(l->card.device, epoch, 10 * SECOND_NS);
    if (result != FH_OK) {
        return ledger_unexpected("wait", result);
    }
    if (size < dst->committed) {
        dst->pattern = 0;
        return ledger_look(l, dst, true);
    }
    dst->pattern = src->pattern;
    return ledger_look(l, dst, false);
}

/* What is kept is kept, what is new is zero. */
static const char *check_resized(ledger *l, ledger_entry *entry, uint64_t before, uint64_t size)
{
    fh_parcel_info info;
    fh_result result = fh_parcel_get(l->card.device, entry->parcel, &info);
    if (result != FH_OK || info.committed != size) {
        return ledger_say("resize to %" PRIu64 " is reported as %" PRIu64, size, info.committed);
    }
    entry->reserved = info.reserved;
    entry->committed = size;
    entry->at = NULL; /* it may have moved */
    void *pointer;
    result = fh_parcel_map(l->card.device, entry->parcel, &pointer);
    if (result != FH_OK) {
        entry->pattern = 0;
        return l->driver_may_fail || l->host_may_fail ? NULL : ledger_unexpected("map", result);
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
    return fault != NULL ? fault : ledger_look(l, entry, true);
}

static const char *do_resize(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = ledger_choose_live(l, source);
    if (entry == NULL) {
        return NULL;
    }
    uint64_t size = ledger_choose_size(source, 17);
    uint64_t before = entry->committed;
    fh_epoch epoch = {9, 9};
    fh_result result = fh_buffer_resize(l->card.device, entry->parcel, size, &epoch);
    if (result == FH_OK) {
        if (entry->kind != FH_KIND_BUFFER) {
            return "something that is no buffer was resized";
        }
        result = fh_device_wait_idle(l->card.device, 10 * SECOND_NS);
        if (result != FH_OK && !l->driver_may_fail) {
            return ledger_unexpected("wait_idle", result);
        }
        return check_resized(l, entry, before, size);
    }
    if (entry->kind != FH_KIND_BUFFER) {
        return result == FH_ERR_INVALID ? NULL : ledger_unexpected("resize", result);
    }
    if ((result == FH_ERR_BUSY && ledger_is_pending(l, entry)) ||
        (result == FH_ERR_UNSUPPORTED && entry->backing > 0) || result == FH_ERR_BUDGET ||
        result == FH_ERR_OUT_OF_MEMORY || (result == FH_ERR_DEVICE_LOST && l->lost) ||
        (result == FH_ERR_HOST_MEMORY && l->host_may_fail)) {
        return ledger_look(l, entry, false);
    }
    return ledger_unexpected("resize", result);
}

static const char *do_stale(ledger *l, const ledger_source *source)
{
    if (l->stale_count == 0) {
        return NULL;
    }
    uint32_t kept = l->stale_count < LEDGER_STALE ? l->stale_count : LEDGER_STALE;
    fh_parcel dead = l->stale[ledger_choose(source, kept)];
    if (ledger_choose(source, 4) == 0) {
        dead.id ^= UINT64_C(1) << ledger_choose(source, 64);
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
    uint32_t which = (uint32_t)ledger_choose(source, 2 + FH_KIND_COUNT + LEDGER_TAGS - 1);
    fh_account account = {FH_ACCOUNT_TOTAL, 0};
    if (which == 1) {
        account.scope = FH_ACCOUNT_HEAP;
    } else if (which >= 2 && which < 2 + FH_KIND_COUNT) {
        account = (fh_account){FH_ACCOUNT_KIND, which - 2};
    } else if (which >= 2) {
        account = (fh_account){FH_ACCOUNT_TAG, l->tags[which - 2 - FH_KIND_COUNT + 1]};
    }
    uint64_t limit = FH_NO_LIMIT;
    if (ledger_choose(source, 3) != 0) {
        limit = ledger_choose_size(source, 24);
    }
    fh_result result = fh_device_set_limit(l->card.device, account, limit);
    return result == FH_OK ? NULL : ledger_unexpected("set_limit", result);
}

static const char *do_tick(ledger *l, const ledger_source *source)
{
    fh_device *device = l->card.device;
    fh_device_detail detail;
    fh_result result = FH_OK;
    switch (ledger_choose(source, 6)) {
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
    return ledger_unexpected("tick", result);
}

static const char *do_json(ledger *l, const ledger_source *source)
{
    test_text text = {0};
    fh_result result =
        fh_device_json(l->card.device, ledger_choose(source, 2) == 0, test_text_write, &text);
    test_text_finish(&text);
    return result == FH_OK || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
               ? NULL
               : ledger_unexpected("json", result);
}

/* ---- trouble ---- */

static const char *do_fault(ledger *l, const ledger_source *source)
{
    static const fh_backend_call calls[] = {
        FH_BACKEND_CALL_MEMORY_ALLOC,  FH_BACKEND_CALL_MEMORY_ALLOC,   FH_BACKEND_CALL_BIND,
        FH_BACKEND_CALL_BUFFER_CREATE, FH_BACKEND_CALL_TEXTURE_CREATE, FH_BACKEND_CALL_MEMORY_MAP,
        FH_BACKEND_CALL_SUBMIT};
    fh_fault fault = {.call = calls[ledger_choose(source, TEST_COUNT_OF(calls))],
                      .nth = 1 + ledger_choose(source, 4)};
    fh_result result = fh_simulated_fault(l->card.backend, &fault);
    l->driver_may_fail = true;
    return result == FH_OK || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
               ? NULL
               : ledger_unexpected("fault", result);
}

void ledger_calm(ledger *l)
{
    fh_simulated_clear(l->card.backend);
    l->driver_may_fail = false;
    l->memory.fail_at = 0;
    l->host_may_fail = false;
}

static const char *do_calm(ledger *l, const ledger_source *source)
{
    (void)source;
    ledger_calm(l);
    return NULL;
}

static const char *do_host(ledger *l, const ledger_source *source)
{
    l->memory.fail_on = ledger_choose(source, 2) == 0;
    l->memory.fail_at = l->memory.alloc_count + 1 + ledger_choose(source, 6);
    l->host_may_fail = true;
    return NULL;
}

static const char *do_lose(ledger *l, const ledger_source *source)
{
    if (ledger_choose(source, 40) != 0) {
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

const ledger_deed ledger_deeds[LEDGER_DEEDS] = {
    ledger_make_buffer,
    ledger_make_buffer,
    ledger_make_buffer,
    ledger_make_buffer,
    ledger_make_texture,
    ledger_make_texture,
    ledger_make_raw,
    ledger_make_raw,
    ledger_make_many,
    ledger_make_item,
    ledger_make_item,
    ledger_make_external,
    do_release,
    do_release,
    do_release,
    do_release,
    do_release,
    do_retire,
    do_retire,
    do_acquire,
    do_use,
    do_use,
    do_signal,
    do_signal,
    do_write,
    do_copy,
    do_resize,
    do_stale,
    do_limit,
    do_limit,
    do_tick,
    do_tick,
    do_json,
    do_fault,
    do_calm,
    do_calm,
    do_host,
    do_lose,
};
