/* What src/device/evict_order.c does with a policy's order, for candidates that are no parcels. */

#include "binding/policy_order.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"

#include <math.h>
#include <string.h>

enum {
    SLOT_CANDIDATES,
    SLOT_TAG = 0
};

/* The columns, one behind the other: the widest first, so that each is aligned. */
typedef struct columns {
    fh_parcel *parcels;
    uint64_t *ages, *sizes, *made;
    double *keys;
    float *priorities;
    fh_tag *tags;
    fh_kind *kinds;
} columns;

/* One row of the list. */
typedef struct row {
    float priority;
    uint64_t age, size, made;
    fh_kind kind;
} row;

static const fhi_field row_fields[] = {
    {"priority", FHI_FIELD_NUMBER, offsetof(row, priority), 0, NULL},
    {"age", FHI_FIELD_INTEGER, offsetof(row, age), 0, NULL},
    {"size", FHI_FIELD_BYTES, offsetof(row, size), 0, NULL},
    {"tag", FHI_FIELD_VALUE, 0, SLOT_TAG, NULL},
    {"kind", FHI_FIELD_CHOICE, offsetof(row, kind), 0, fhi_kind_names},
    {"made", FHI_FIELD_INTEGER, offsetof(row, made), 0, NULL},
    FHI_FIELDS_END,
};

static columns push_columns(lua_State *L, size_t count)
{
    size_t bytes = sizeof(fh_parcel) + 3 * sizeof(uint64_t) + sizeof(double) + sizeof(float) +
                   sizeof(fh_tag) + sizeof(fh_kind);
    columns out;
    unsigned char *piece = lua_newuserdatauv(L, count * bytes + 1, 0);
    memset(piece, 0, count * bytes);
    out.parcels = (fh_parcel *)(void *)piece;
    out.ages = (uint64_t *)(void *)(out.parcels + count);
    out.sizes = out.ages + count;
    out.made = out.sizes + count;
    out.keys = (double *)(void *)(out.made + count);
    out.priorities = (float *)(void *)(out.keys + count);
    out.tags = (fh_tag *)(void *)(out.priorities + count);
    out.kinds = (fh_kind *)(void *)(out.tags + count);
    return out;
}

/* A number that cannot be is a mistake in the test's text here. */
static void must(lua_State *L, int failed)
{
    if (failed != 0) {
        luaL_argerror(L, 2, lua_tostring(L, -2));
    }
}

static void read_row(lua_State *L, int index, fh_tag (*tag)(void *context, const char *name),
                     void *context, const columns *out, size_t at)
{
    row one = {.priority = 0.5f};
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, 2, "a candidate", "table");
    }
    lua_pushnil(L);
    int slot = lua_gettop(L);
    must(L, fhi_read_fields(L, index, 2, row_fields, slot, &one));
    out->parcels[at].id = at + 1;
    out->ages[at] = one.age;
    out->sizes[at] = one.size;
    out->made[at] = one.made;
    out->priorities[at] = one.priority;
    out->kinds[at] = one.kind;
    if (!lua_isnil(L, slot)) {
        out->tags[at] = tag(context, fhi_check_text(L, slot, 2, "field 'tag'"));
    }
}

void fhi_read_candidates(lua_State *L, int index, fh_tag (*tag)(void *context, const char *name),
                         void *context, fhi_sorted *out)
{
    static const fhi_field fields[] = {
        {"candidates", FHI_FIELD_VALUE, 0, SLOT_CANDIDATES, NULL},
        {"wanted", FHI_FIELD_BYTES, offsetof(fh_candidates, wanted), 0, NULL},
        FHI_FIELDS_END,
    };
    memset(out, 0, sizeof *out);
    lua_pushnil(L);
    int list = lua_gettop(L);
    must(L, fhi_read_fields(L, index, 2, fields, list, &out->candidates));
    lua_settop(L, list);
    if (lua_type(L, list) != LUA_TTABLE) {
        fhi_type_error(L, list, 2, "field 'candidates'", "table");
    }
    size_t count = lua_rawlen(L, list);
    columns made = push_columns(L, count);
    int top = lua_gettop(L);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        read_row(L, top + 1, tag, context, &made, i);
        lua_settop(L, top);
    }
    out->candidates.count = (uint32_t)count;
    out->candidates.parcels = made.parcels;
    out->candidates.priorities = made.priorities;
    out->candidates.ages = made.ages;
    out->candidates.sizes = made.sizes;
    out->candidates.tags = made.tags;
    out->candidates.kinds = made.kinds;
    out->candidates.made = made.made;
    out->keys = made.keys;
}

static double column_of(const fh_candidates *all, uint32_t i, fh_evict_column column)
{
    switch (column) {
    case FH_EVICT_PRIORITY:
        return (double)all->priorities[i];
    case FH_EVICT_AGE:
        return (double)all->ages[i];
    case FH_EVICT_SIZE:
        return (double)all->sizes[i];
    case FH_EVICT_TAG:
        return all->tags[i];
    case FH_EVICT_KIND:
        return all->kinds[i];
    case FH_EVICT_MADE:
        return (double)all->made[i];
    }
    return 0.0;
}

/* Whether `b`, which comes later in the list, must stand before `a`. */
static bool is_before(const fhi_sorted *sorted, const fh_evict_order *order, uint32_t b, uint32_t a)
{
    if (order->use_keys) {
        return sorted->keys[b] < sorted->keys[a];
    }
    for (uint32_t i = 0; i < order->column_count && i < 4; i++) {
        double of_a = column_of(&sorted->candidates, a, order->columns[i].column);
        double of_b = column_of(&sorted->candidates, b, order->columns[i].column);
        if (of_a < of_b || of_a > of_b) {
            return order->columns[i].descending ? of_b > of_a : of_b < of_a;
        }
    }
    return false;
}

void fhi_push_order(lua_State *L, const fhi_sorted *sorted, const fh_evict_order *order)
{
    uint32_t count = 0;
    uint32_t *indices = lua_newuserdatauv(L, sorted->candidates.count * sizeof *indices + 1, 0);
    /* By insertion: tests have few. */
    for (uint32_t i = 0; i < sorted->candidates.count; i++) {
        if (order->use_keys && isnan(sorted->keys[i])) {
            continue;
        }
        uint32_t at = count++;
        for (; at > 0 && is_before(sorted, order, i, indices[at - 1]); at--) {
            indices[at] = indices[at - 1];
        }
        indices[at] = i;
    }
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushinteger(L, (lua_Integer)indices[i] + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}
