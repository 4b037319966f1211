/* See dump.h: whether the numbers of a dump agree with its rows. Everything is added up again
 * here, from the text alone. */

#include "dump.h"

#include <stdio.h>
#include <string.h>

#define FAULT(condition, sentence)                                                                 \
    do {                                                                                           \
        if (condition) {                                                                           \
            return (sentence);                                                                     \
        }                                                                                          \
    } while (0)

typedef struct sums {
    uint64_t block_count, block_bytes, range_count, range_bytes, free_count;
    uint64_t range_min, range_max, free_min, free_max;
} sums;

static const sums nothing = {.range_min = UINT64_MAX, .free_min = UINT64_MAX};

uint64_t dump_number(const json_value *object, const char *key)
{
    const json_value *value = json_get(object, key);
    return value != NULL && value->kind == JSON_NUMBER ? value->number : 0;
}

const char *dump_text(const json_value *object, const char *key)
{
    const json_value *value = json_get(object, key);
    return value != NULL && value->kind == JSON_STRING ? value->string : NULL;
}

static void stretch(uint64_t *min, uint64_t *max, uint64_t value)
{
    *min = value < *min ? value : *min;
    *max = value > *max ? value : *max;
}

static void add(sums *sum, const sums *part)
{
    sum->block_count += part->block_count;
    sum->block_bytes += part->block_bytes;
    sum->range_count += part->range_count;
    sum->range_bytes += part->range_bytes;
    sum->free_count += part->free_count;
    if (part->range_count > 0) {
        stretch(&sum->range_min, &sum->range_max, part->range_min);
        stretch(&sum->range_min, &sum->range_max, part->range_max);
    }
    if (part->free_count > 0) {
        stretch(&sum->free_min, &sum->free_max, part->free_min);
        stretch(&sum->free_min, &sum->free_max, part->free_max);
    }
}

/* A statistics object, as numbers. */
static sums read_stats(const json_value *object)
{
    sums read = nothing;
    read.block_count = dump_number(object, "BlockCount");
    read.block_bytes = dump_number(object, "BlockBytes");
    read.range_count = dump_number(object, "AllocationCount");
    read.range_bytes = dump_number(object, "AllocationBytes");
    read.free_count = dump_number(object, "UnusedRangeCount");
    if (read.range_count > 0) {
        read.range_min = dump_number(object, "AllocationSizeMin");
        read.range_max = dump_number(object, "AllocationSizeMax");
    }
    if (read.free_count > 0) {
        read.free_min = dump_number(object, "UnusedRangeSizeMin");
        read.free_max = dump_number(object, "UnusedRangeSizeMax");
    }
    return read;
}

static bool same(const sums *a, const sums *b)
{
    return a->block_count == b->block_count && a->block_bytes == b->block_bytes &&
           a->range_count == b->range_count && a->range_bytes == b->range_bytes &&
           a->free_count == b->free_count && a->range_min == b->range_min &&
           a->range_max == b->range_max && a->free_min == b->free_min && a->free_max == b->free_max;
}

static const char *add_block(const json_value *block, sums *sum)
{
    sums own = nothing;
    uint64_t end = 0;
    bool after_gap = false;

    own.block_count = 1;
    own.block_bytes = dump_number(block, "TotalBytes");
    for (const json_value *row = json_get(block, "Suballocations")->first; row; row = row->next) {
        uint64_t size = dump_number(row, "Size");
        bool gap = strcmp(dump_text(row, "Type"), "FREE") == 0;
        FAULT(dump_number(row, "Offset") != end, "a row does not begin where the last one ended");
        FAULT(size == 0, "a row has no size");
        FAULT(gap && after_gap, "two FREE rows stand side by side");
        end += size;
        after_gap = gap;
        if (gap) {
            own.free_count++;
            stretch(&own.free_min, &own.free_max, size);
        } else {
            own.range_count++;
            own.range_bytes += size;
            stretch(&own.range_min, &own.range_max, size);
        }
    }
    FAULT(end != own.block_bytes, "a block's rows do not add up to its size");
    FAULT(dump_number(block, "Allocations") != own.range_count, "Allocations is not the rows");
    FAULT(dump_number(block, "UnusedRanges") != own.free_count, "UnusedRanges is not the rows");
    FAULT(dump_number(block, "UnusedBytes") != own.block_bytes - own.range_bytes,
          "UnusedBytes is not what the rows leave");
    add(sum, &own);
    return NULL;
}

static const char *add_pool(const json_value *pool, sums *sum)
{
    for (const json_value *b = json_get(pool, "Blocks")->first; b != NULL; b = b->next) {
        const char *fault = add_block(b, sum);
        FAULT(fault != NULL, fault);
    }
    for (const json_value *d = json_get(pool, "DedicatedAllocations")->first; d; d = d->next) {
        uint64_t size = dump_number(d, "Size");
        sums own = {1, size, 1, size, 0, size, size, UINT64_MAX, 0};
        add(sum, &own);
    }
    return NULL;
}

/* What stands in the pools of one type. */
static const char *add_type(const json_value *dump, const char *key, sums *sum)
{
    const json_value *own = json_get(json_get(dump, "DefaultPools"), key);
    const json_value *custom = json_get(json_get(dump, "CustomPools"), key);
    const char *fault = own != NULL ? add_pool(own, sum) : NULL;
    for (const json_value *p = custom != NULL ? custom->first : NULL; p != NULL && fault == NULL;
         p = p->next) {
        fault = add_pool(p, sum);
    }
    return fault;
}

static const char *check_heap(const json_value *dump, const json_value *heap, sums *out_heap)
{
    bool detailed = json_get(dump, "DefaultPools") != NULL;
    *out_heap = nothing;
    for (const json_value *type = json_get(heap, "MemoryPools")->first; type; type = type->next) {
        sums said = read_stats(json_get(type, "Stats"));
        if (detailed) {
            sums rows = nothing;
            const char *fault = add_type(dump, type->key, &rows);
            FAULT(fault != NULL, fault);
            FAULT(!same(&rows, &said), "a type's statistics are not its rows");
        }
        add(out_heap, &said);
    }
    sums said = read_stats(json_get(heap, "Stats"));
    return same(out_heap, &said) ? NULL : "a heap's statistics are not the sum of its types";
}

const char *dump_sum_fault(const json_value *dump)
{
    sums total = nothing, said = read_stats(json_get(dump, "Total"));
    for (const json_value *h = json_get(dump, "MemoryInfo")->first; h != NULL; h = h->next) {
        sums heap;
        const char *fault = check_heap(dump, h, &heap);
        FAULT(fault != NULL, fault);
        add(&total, &heap);
    }
    return same(&total, &said) ? NULL : "Total is not the sum of the heaps";
}

/* ---- looking for one row ---- */

static const json_value *find_in(const json_value *rows, const char *name)
{
    for (const json_value *r = rows != NULL ? rows->first : NULL; r != NULL; r = r->next) {
        const char *its = dump_text(r, "Name");
        if (its != NULL && strcmp(its, name) == 0) {
            return r;
        }
    }
    return NULL;
}

static const json_value *find_in_pool(const json_value *pool, const char *name)
{
    const json_value *found = find_in(json_get(pool, "DedicatedAllocations"), name);
    const json_value *blocks = json_get(pool, "Blocks");
    for (const json_value *b = blocks->first; b != NULL && found == NULL; b = b->next) {
        found = find_in(json_get(b, "Suballocations"), name);
    }
    return found;
}

const json_value *dump_row_named(const json_value *dump, const char *name)
{
    const json_value *found = NULL;
    const json_value *pools = json_get(dump, "DefaultPools");
    for (const json_value *p = pools->first; p != NULL && found == NULL; p = p->next) {
        found = find_in_pool(p, name);
    }
    pools = json_get(dump, "CustomPools");
    for (const json_value *t = pools->first; t != NULL; t = t->next) {
        for (const json_value *p = t->first; p != NULL && found == NULL; p = p->next) {
            found = find_in_pool(p, name);
        }
    }
    return found;
}
