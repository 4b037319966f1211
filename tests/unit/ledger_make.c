#include "ledger_deeds.h"

#include <inttypes.h>
#include <string.h>

static ledger_entry *free_place(ledger *l)
{
    for (uint32_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (l->entries[i].parcel.id == 0) {
            return &l->entries[i];
        }
    }
    return NULL;
}

/* Whether a create call may fail like this. */
static const char *excuse(const ledger *l, const char *call, fh_result result, fh_parcel out)
{
    if (out.id != 0) {
        return ledger_say("%s failed and left a handle", call);
    }
    if (fh_error_detail()[0] == '\0') {
        return ledger_say("%s failed without a sentence", call);
    }
    if (l->lost) {
        return result == FH_ERR_DEVICE_LOST || (l->host_may_fail && result == FH_ERR_HOST_MEMORY)
                   ? NULL
                   : ledger_unexpected(call, result);
    }
    if (result == FH_ERR_BUDGET || result == FH_ERR_OUT_OF_MEMORY) {
        return NULL;
    }
    return result == FH_ERR_HOST_MEMORY && l->host_may_fail ? NULL
                                                            : ledger_unexpected(call, result);
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
        return ledger_unexpected("get", result);
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
    return ledger_look(l, entry, !entry->aliased);
}

static fh_memory_desc choose_memory(ledger *l, const ledger_source *source, ledger_entry *entry)
{
    uint64_t bits = ledger_choose(source, 256);
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

const char *ledger_make_buffer(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry =
        (ledger_entry){.kind = FH_KIND_BUFFER, .tag = l->tags[ledger_choose(source, LEDGER_TAGS)]};
    fh_buffer_desc desc = {.size = ledger_choose_size(source, 17),
                           .usage = FH_USAGE_STORAGE | FH_USAGE_COPY,
                           .memory = choose_memory(l, source, entry)};
    if (ledger_choose(source, 8) == 0) {
        desc.usage |= FH_USAGE_UNIFORM;
        desc.capacity = desc.size + ledger_choose(source, 5000);
    }
    fh_parcel out = {99};
    fh_result result = fh_buffer_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, desc.size);
    }
    return excuse(l, "buffer", result, out);
}

const char *ledger_make_texture(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry =
        (ledger_entry){.kind = FH_KIND_TEXTURE, .tag = l->tags[ledger_choose(source, LEDGER_TAGS)]};
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                            .width = 1 + (uint32_t)ledger_choose(source, 200),
                            .height = 1 + (uint32_t)ledger_choose(source, 100),
                            .memory = choose_memory(l, source, entry)};
    entry->linear = desc.linear = ledger_choose(source, 4) == 0;
    fh_parcel out = {99};
    fh_result result = fh_texture_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, (uint64_t)desc.width * desc.height * 4);
    }
    return excuse(l, "texture", result, out);
}

const char *ledger_make_raw(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    *entry =
        (ledger_entry){.kind = FH_KIND_RAW, .tag = l->tags[ledger_choose(source, LEDGER_TAGS)]};
    fh_raw_desc desc = {.size = ledger_choose_size(source, 16),
                        .alignment = UINT64_C(1) << ledger_choose(source, 13),
                        .memory = choose_memory(l, source, entry)};
    fh_parcel out = {99};
    fh_result result = fh_raw_create(l->card.device, &desc, &out);
    if (result == FH_OK) {
        return enter(l, entry, out, desc.size);
    }
    return excuse(l, "raw", result, out);
}

const char *ledger_make_many(ledger *l, const ledger_source *source)
{
    fh_parcel outs[6];
    uint32_t count = 1 + (uint32_t)ledger_choose(source, 6);
    ledger_entry model = {.kind = FH_KIND_RAW, .tag = l->tags[ledger_choose(source, LEDGER_TAGS)]};
    fh_raw_desc desc = {.size = ledger_choose_size(source, 18),
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
const char *ledger_make_item(ledger *l, const ledger_source *source)
{
    ledger_entry *backing = ledger_choose_live(l, source);
    ledger_entry *entry = free_place(l);
    if (backing == NULL || entry == NULL) {
        return NULL;
    }
    *entry =
        (ledger_entry){.kind = FH_KIND_BUFFER, .tag = l->tags[ledger_choose(source, LEDGER_TAGS)]};
    fh_buffer_desc desc = {
        .size = 1 + ledger_choose(source, backing->committed + backing->committed / 8),
        .usage = FH_USAGE_STORAGE | FH_USAGE_COPY,
        .memory = {.tag = entry->tag, .backing = backing->parcel}};
    desc.memory.backing_offset = ledger_choose(source, 4) == 0 ? ledger_choose(source, 64) * 16 : 0;
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
const char *ledger_make_external(ledger *l, const ledger_source *source)
{
    ledger_entry *entry = free_place(l);
    if (entry == NULL) {
        return NULL;
    }
    uint32_t tag = (uint32_t)ledger_choose(source, LEDGER_TAGS);
    *entry = (ledger_entry){.kind = FH_KIND_EXTERNAL, .tag = l->tags[tag]};
    fh_external_desc desc = {.size = ledger_choose_size(source, 18),
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
        return ledger_say("external: %s, but it fits", fh_error_detail());
    }
    return excuse(l, "external", result, out);
}
