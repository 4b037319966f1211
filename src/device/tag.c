/* Tags. A name that is known is looked up without a lock, by its hash. A new one is made outside
 * the lock (the host's memory is not called with a lock held), and thrown away again when another
 * thread was faster.
 *
 * Tags 1 to 1,022 are whatever the program names. What comes after that is the last tag,
 * "other", or, where the program itself has a tag of that name, that one. */

#include "device/tag.h"

#include "device/core.h"
#include "device/text.h"
#include "device/witness.h"

#include <string.h>

/* Source: FNV-1a, 32 bits. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    }
    return hash;
}

static fhi_tag *tag_at(const fhi_tags *tags, fh_tag tag)
{
    return atomic_load_explicit(&tags->table[tag], memory_order_acquire);
}

/* 0: there is none of that name; *out_place is then where it would stand. The table has twice as
 * many places as there can be tags, so there is a free one. */
static fh_tag find(const fhi_tags *tags, const char *name, uint32_t *out_place)
{
    for (uint32_t place = hash_of(name) % FHI_TAG_PLACES;; place = (place + 1) % FHI_TAG_PLACES) {
        fh_tag tag = atomic_load_explicit(&tags->places[place], memory_order_acquire);
        if (tag == 0 || strcmp(tag_at(tags, tag)->name, name) == 0) {
            *out_place = place;
            return tag;
        }
    }
}

/* Under the lock: the tag of that name, which takes `fresh` when it is new. */
static fh_tag find_or_add(fhi_core *core, fhi_tag **fresh)
{
    fhi_tags *tags = &core->tags;
    uint32_t place;
    fh_tag tag = find(tags, (*fresh)->name, &place);
    if (tag != 0) {
        return tag;
    }
    uint32_t count = atomic_load_explicit(&tags->count, memory_order_relaxed);
    if (count >= FHI_TAG_OTHER) {
        fhi_name_copy((*fresh)->name, "other");
        tag = find(tags, "other", &place);
        if (tag != 0) {
            return tag;
        }
    }
    atomic_store_explicit(&tags->table[count], *fresh, memory_order_release);
    if (fhi_is_observed(core, FHI_WITNESS_TAG_MADE)) {
        fhi_witnessed witnessed = {
            .event = {.kind = FHI_WITNESS_TAG_MADE, .tag = (fh_tag)count, .name = (*fresh)->name}};
        fhi_witness(core, &witnessed);
    }
    /* In this order: who finds the tag by its place may use it at once. */
    atomic_store_explicit(&tags->count, count + 1, memory_order_release);
    atomic_store_explicit(&tags->places[place], (uint16_t)count, memory_order_release);
    *fresh = NULL;
    return count;
}

fh_result fh_device_tag(fh_device *device, const char *name, fh_tag *out_tag)
{
    uint32_t place;

    if (!out_tag) {
        return fhi_fail(FH_ERR_INVALID, "out_tag: must not be NULL");
    }
    *out_tag = 0;
    if (!device || !name) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "name: must not be NULL" : "device: must not be NULL");
    }
    if (!*name) {
        return fhi_fail(FH_ERR_INVALID, "name: a tag's name is not empty; untagged is tag 0");
    }
    if (!memchr(name, '\0', sizeof(((fhi_tag *)0)->name))) {
        return fhi_fail(FH_ERR_INVALID, "name: a tag's name has 63 bytes at most");
    }
    fhi_core *core = device->core;
    fhi_tags *tags = &core->tags;
    *out_tag = find(tags, name, &place);
    if (*out_tag != 0) {
        return FH_OK;
    }
    fhi_tag *fresh = fhi_host_alloc(&core->memory, 1, sizeof *fresh, 64);
    if (!fresh) {
        return fhi_fail_print(FH_ERR_HOST_MEMORY, "no host memory for the tag \"%s\"",
                              fhi_name_print(name).text);
    }
    memset(fresh, 0, sizeof *fresh);
    fhi_name_copy(fresh->name, name);
    fhi_account_init(&fresh->account);
    fhi_lock_acquire(&tags->lock);
    *out_tag = find_or_add(core, &fresh);
    fhi_lock_release(&tags->lock);
    fhi_host_free(&core->memory, fresh, 1, sizeof *fresh, 64);
    return FH_OK;
}

const char *fh_device_tag_name(const fh_device *device, fh_tag tag)
{
    if (!device) {
        return NULL;
    }
    if (tag == 0) {
        return "";
    }
    const fhi_tags *tags = &device->core->tags;
    if (tag >= atomic_load_explicit(&tags->count, memory_order_acquire)) {
        return NULL;
    }
    return tag_at(tags, tag)->name;
}

void fhi_tags_finish(fhi_core *core)
{
    uint32_t count = atomic_load(&core->tags.count);
    for (fh_tag tag = 1; tag < count; tag++) {
        fhi_host_free(&core->memory, tag_at(&core->tags, tag), 1, sizeof(fhi_tag), 64);
    }
}
