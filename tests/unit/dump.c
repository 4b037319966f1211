/* See dump.h. An object is described by its members; those that are not listed are only allowed
 * where the object is open. A failed check leaves its sentence in `fault`. */

#include "dump.h"

#include <ctype.h>
#include <string.h>

typedef const char *(*check_fn)(const json_value *value);

typedef struct member {
    const char *key;
    check_fn check;
    bool optional;
} member;

#define FAULT(condition, sentence)                                                                 \
    do {                                                                                           \
        if (condition) {                                                                           \
            return (sentence);                                                                     \
        }                                                                                          \
    } while (0)

static const char *check_object(const json_value *value, const member *members, size_t count,
                                bool open)
{
    FAULT(value->kind != JSON_OBJECT, "an object was expected");
    for (size_t i = 0; i < count; i++) {
        const json_value *found = json_get(value, members[i].key);
        if (found == NULL && !members[i].optional) {
            return members[i].key; /* the sentence is the name of what is missing */
        }
        const char *fault = found != NULL ? members[i].check(found) : NULL;
        if (fault != NULL) {
            return fault;
        }
    }
    for (const json_value *m = value->first; m != NULL && !open; m = m->next) {
        bool known = false;
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(m->key, members[i].key) == 0;
        }
        FAULT(!known, "a closed object has a member that the schema does not know");
    }
    return NULL;
}

#define CHECK_OBJECT(value, members, open)                                                         \
    check_object(value, members, sizeof(members) / sizeof(members)[0], open)

static const char *check_each(const json_value *value, check_fn check)
{
    for (const json_value *m = value->first; m != NULL; m = m->next) {
        const char *fault = check(m);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static const char *check_count(const json_value *value)
{
    FAULT(value->kind != JSON_NUMBER || !value->is_unsigned, "a count is no unsigned integer");
    return NULL;
}

static const char *check_string(const json_value *value)
{
    FAULT(value->kind != JSON_STRING, "a string was expected");
    return NULL;
}

static const char *check_flags(const json_value *value)
{
    FAULT(value->kind != JSON_ARRAY, "Flags is no array");
    return check_each(value, check_string);
}

static const char *check_api(const json_value *value)
{
    FAULT(value->kind != JSON_STRING, "API is no string");
    FAULT(strcmp(value->string, "Vulkan") != 0 && strcmp(value->string, "Direct3D 12") != 0,
          "API is a name that the visualiser does not know");
    return NULL;
}

static const char *check_general(const json_value *value)
{
    static const member members[] = {{"API", check_api, false}, {"GPU", check_string, false}};
    return CHECK_OBJECT(value, members, true);
}

static const char *check_pair(const json_value *value, const char *min, const char *max,
                              bool is_empty)
{
    const json_value *low = json_get(value, min);
    const json_value *high = json_get(value, max);
    FAULT((low == NULL) != (high == NULL), "of a min/max pair only one stands there");
    FAULT(low != NULL && is_empty, "a min/max pair tells of an empty set");
    FAULT(low != NULL && low->number > high->number, "a minimum is above its maximum");
    return NULL;
}

static const char *check_stats(const json_value *value)
{
    static const member members[] = {
        {"BlockCount", check_count, false},        {"BlockBytes", check_count, false},
        {"AllocationCount", check_count, false},   {"AllocationBytes", check_count, false},
        {"UnusedRangeCount", check_count, false},  {"AllocationSizeMin", check_count, true},
        {"AllocationSizeMax", check_count, true},  {"UnusedRangeSizeMin", check_count, true},
        {"UnusedRangeSizeMax", check_count, true},
    };
    const char *fault = CHECK_OBJECT(value, members, false);
    if (fault != NULL) {
        return fault;
    }
    fault = check_pair(value, "AllocationSizeMin", "AllocationSizeMax",
                       json_get(value, "AllocationCount")->number == 0);
    return fault != NULL ? fault
                         : check_pair(value, "UnusedRangeSizeMin", "UnusedRangeSizeMax",
                                      json_get(value, "UnusedRangeCount")->number == 0);
}

static const char *check_type_name(const json_value *value)
{
    static const char *const names[] = {"FREE",         "UNKNOWN",       "BUFFER",
                                        "IMAGE_LINEAR", "IMAGE_OPTIMAL", "IMAGE_UNKNOWN",
                                        "TEXTURE1D",    "TEXTURE2D",     "TEXTURE3D"};
    FAULT(value->kind != JSON_STRING, "Type is no string");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value->string, names[i]) == 0) {
            return NULL;
        }
    }
    return "a suballocation has a Type that the visualiser does not know";
}

static const char *check_custom_data(const json_value *value)
{
    FAULT(value->kind != JSON_STRING || *value->string == '\0', "CustomData is empty");
    for (const char *c = value->string; *c != '\0'; c++) {
        FAULT(!isalnum((unsigned char)*c), "CustomData is not ^[0-9a-zA-Z]+$");
    }
    return NULL;
}

static const char *check_suballocation(const json_value *value)
{
    static const member members[] = {
        {"Offset", check_count, false}, {"Type", check_type_name, false},
        {"Size", check_count, false},   {"Usage", check_count, true},
        {"Name", check_string, true},   {"CustomData", check_custom_data, true},
    };
    return CHECK_OBJECT(value, members, false);
}

static const char *check_suballocations(const json_value *value)
{
    FAULT(value->kind != JSON_ARRAY, "Suballocations is no array");
    return check_each(value, check_suballocation);
}

/* No Offset here; and where a suballocation may have a Usage, the drawer counts on this one's. */
static const char *check_dedicated(const json_value *value)
{
    static const member members[] = {
        {"Type", check_type_name, false},        {"Size", check_count, false},
        {"Usage", check_count, false},           {"Name", check_string, true},
        {"CustomData", check_custom_data, true},
    };
    return CHECK_OBJECT(value, members, false);
}

static const char *check_dedicated_list(const json_value *value)
{
    FAULT(value->kind != JSON_ARRAY, "DedicatedAllocations is no array");
    return check_each(value, check_dedicated);
}

static const char *check_block(const json_value *value)
{
    static const member members[] = {
        {"MapRefCount", check_count, true},   {"TotalBytes", check_count, false},
        {"UnusedBytes", check_count, false},  {"Allocations", check_count, false},
        {"UnusedRanges", check_count, false}, {"Suballocations", check_suballocations, false},
    };
    FAULT(value->key[strspn(value->key, "0123456789")] != '\0', "a block's key is no number");
    return CHECK_OBJECT(value, members, false);
}

static const char *check_blocks(const json_value *value)
{
    FAULT(value->kind != JSON_OBJECT, "Blocks is no object");
    return check_each(value, check_block);
}

static const char *check_default_pool(const json_value *value)
{
    static const member members[] = {
        {"PreferredBlockSize", check_count, false},
        {"Blocks", check_blocks, false},
        {"DedicatedAllocations", check_dedicated_list, false},
    };
    return CHECK_OBJECT(value, members, false);
}

static const char *check_custom_pool(const json_value *value)
{
    static const member members[] = {
        {"Name", check_string, false},
        {"Flags", check_flags, true},
        {"PreferredBlockSize", check_count, false},
        {"Blocks", check_blocks, false},
        {"DedicatedAllocations", check_dedicated_list, false},
    };
    return CHECK_OBJECT(value, members, false);
}

static const char *check_default_pools(const json_value *value)
{
    FAULT(value->kind != JSON_OBJECT, "DefaultPools is no object");
    return check_each(value, check_default_pool);
}

static const char *check_custom_pool_list(const json_value *value)
{
    FAULT(value->kind != JSON_ARRAY, "a memory type's custom pools are no array");
    /* The drawer keeps them by name. */
    for (const json_value *a = value->first; a != NULL; a = a->next) {
        const json_value *name = json_get(a, "Name");
        for (const json_value *b = a->next; b != NULL && name != NULL; b = b->next) {
            const json_value *other = json_get(b, "Name");
            FAULT(other != NULL && strcmp(name->string, other->string) == 0,
                  "two custom pools of one memory type have one name");
        }
    }
    return check_each(value, check_custom_pool);
}

static const char *check_custom_pools(const json_value *value)
{
    FAULT(value->kind != JSON_OBJECT, "CustomPools is no object");
    return check_each(value, check_custom_pool_list);
}

static const char *check_budget(const json_value *value)
{
    static const member members[] = {{"BudgetBytes", check_count, false},
                                     {"UsageBytes", check_count, false}};
    return CHECK_OBJECT(value, members, false);
}

static const char *check_memory_pool(const json_value *value)
{
    static const member members[] = {{"Flags", check_flags, true}, {"Stats", check_stats, false}};
    return CHECK_OBJECT(value, members, false);
}

static const char *check_memory_pools(const json_value *value)
{
    FAULT(value->kind != JSON_OBJECT, "MemoryPools is no object");
    return check_each(value, check_memory_pool);
}

static const char *check_heap(const json_value *value)
{
    static const member members[] = {
        {"Flags", check_flags, true},
        {"Size", check_count, true},
        {"Budget", check_budget, false},
        {"Stats", check_stats, false},
        {"MemoryPools", check_memory_pools, true},
    };
    FAULT(strncmp(value->key, "Heap ", 5) != 0, "MemoryInfo has a member that is no heap");
    return CHECK_OBJECT(value, members, false);
}

static const char *check_memory_info(const json_value *value)
{
    FAULT(value->kind != JSON_OBJECT, "MemoryInfo is no object");
    return check_each(value, check_heap);
}

const char *dump_fault(const json_value *dump)
{
    static const member members[] = {
        {"General", check_general, false},         {"Total", check_stats, false},
        {"MemoryInfo", check_memory_info, false},  {"DefaultPools", check_default_pools, true},
        {"CustomPools", check_custom_pools, true},
    };
    return CHECK_OBJECT(dump, members, false);
}

static void collect_blocks(const json_value *pool, const json_value **found, size_t *count)
{
    const json_value *blocks = json_get(pool, "Blocks");
    if (blocks != NULL && blocks->count > 0) {
        *found = blocks->first;
        *count += blocks->count;
    }
}

const json_value *dump_only_block(const json_value *dump)
{
    const json_value *found = NULL;
    size_t count = 0;
    const json_value *pools = json_get(dump, "DefaultPools");
    for (const json_value *p = pools != NULL ? pools->first : NULL; p != NULL; p = p->next) {
        collect_blocks(p, &found, &count);
    }
    pools = json_get(dump, "CustomPools");
    for (const json_value *t = pools != NULL ? pools->first : NULL; t != NULL; t = t->next) {
        for (const json_value *p = t->first; p != NULL; p = p->next) {
            collect_blocks(p, &found, &count);
        }
    }
    return count == 1 ? found : NULL;
}
