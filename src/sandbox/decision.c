/* Most decisions are tables whose fields go where contract.h says; read_fields() does that for all.
 * What is a list, or names things, is special, and has a function of its own below.
 *
 * A table is looked through once, for keys that are no fields; then its fields are read in the
 * order of the contract, so that of several mistakes the same one is told on every run. Tags are
 * made in the order of their names, and only when everything else about the limits was right: the
 * numbers that tags have must not depend on how a table lies in memory. */

#include "sandbox/decision.h"

#include "base/bits.h"
#include "sandbox/number.h"
#include "sandbox/value.h"

#include <math.h>
#include <string.h>

enum {
    TAGS_MAX = 1024,
    WATERMARKS_MAX = 4,
    COLUMNS_MAX = 4,
    PLACE_WORDS = FH_LOCATION_COUNT + 2
};

_Static_assert(sizeof((fhi_decision_reader *)0)->tags / sizeof(struct fh_tag_limit) == TAGS_MAX,
               "room for every tag");

/* ---- which member ---- */

static bool is_named(const fhi_member *member, const char *name)
{
    return strcmp(member->name, name) == 0;
}

static const fhi_member *find_member(const fhi_shape *shape, const char *name)
{
    const fhi_member *member = shape->members;
    while (!is_named(member, name)) {
        member++;
    }
    return member;
}

static const fhi_shape *shape_of(fh_hook hook)
{
    return fhi_hook_contracts[hook].decision;
}

void fhi_decision_register(lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        if (fhi_hook_contracts[i].decision != NULL) {
            fhi_names_register(L, fhi_hook_contracts[i].decision, NULL);
        }
    }
}

/* ---- place ---- */

/* The location at `index`; "host" is what people call upload memory. */
static fh_location read_location(lua_State *L, int index, const fhi_path *path)
{
    static const char *const words[PLACE_WORDS] = {
        [FH_LOCATION_DEVICE] = "device",     [FH_LOCATION_UPLOAD] = "upload",
        [FH_LOCATION_READBACK] = "readback", [FH_LOCATION_DEVICE_UPLOAD] = "device_upload",
        [FH_LOCATION_COUNT] = "host",
    };
    uint32_t word = fhi_value_word(L, index, words, path);
    return word == FH_LOCATION_COUNT ? FH_LOCATION_UPLOAD : (fh_location)word;
}

static void read_memory(lua_State *L, int index, const fhi_path *path, fh_verdict *out)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        out->memory[0] = read_location(L, index, path);
        out->memory_count = 1;
        return;
    }
    uint32_t seen = 0, count = fhi_value_list(L, index, FH_LOCATION_COUNT, path);
    if (count == 0) {
        fhi_refuse(L, path, "at least one location expected");
    }
    for (uint32_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        fh_location location = read_location(L, lua_gettop(L), path);
        if ((seen >> location & 1) != 0) {
            fhi_refuse(L, path, "%s is there twice", fhi_describe(L, lua_gettop(L)));
        }
        seen |= UINT32_C(1) << location;
        out->memory[i] = location;
        lua_pop(L, 1);
    }
    out->memory_count = count;
}

/* Policies are loaded before a program makes its pools, and outlive them: one that is not there is
 * no mistake. The verdict is then the rest of what was said (see read_verdict()). */
static void read_pool(lua_State *L, int index, const fhi_path *path,
                      const fhi_decision_reader *reader, fh_verdict *out)
{
    const char *name = fhi_value_name(L, index, path);
    out->pool = reader->pool != NULL ? reader->pool(reader->context, name) : NULL;
}

static void read_special_of_place(lua_State *L, int index, const fhi_member *member,
                                  const fhi_path *path, const fhi_decision_reader *reader,
                                  fh_verdict *out)
{
    if (is_named(member, "memory")) {
        read_memory(L, index, path, out);
    } else {
        read_pool(L, index, path, reader, out);
    }
}

/* ---- limits ---- */

/* In C 0 is no limit. A script has nil for that, and its 0 lets nothing in. */
static uint64_t read_limit(lua_State *L, int index, const fhi_path *path)
{
    uint64_t limit = fhi_value_size(L, index, path);
    return limit == 0 ? 1 : limit;
}

/* One value for all, or by place; places may be left out. */
static void read_heaps(lua_State *L, int index, fhi_path *path, const fh_facts *facts,
                       fh_limits *out)
{
    uint32_t heap_count = facts != NULL ? facts->heap_count : FH_HEAP_MAX;
    lua_Integer found = 0, read = 0;
    if (lua_type(L, index) != LUA_TTABLE) {
        uint64_t limit = read_limit(L, index, path);
        for (uint32_t i = 0; i < heap_count; i++) {
            out->heaps[i] = limit;
        }
        return;
    }
    for (uint32_t i = 0; i < heap_count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        if (!lua_isnil(L, -1)) {
            path->list = "heap";
            path->item = i + 1;
            path->field = NULL;
            out->heaps[i] = read_limit(L, lua_gettop(L), path);
            found++;
        }
        lua_pop(L, 1);
    }
    path->item = 0;
    path->field = "heap";
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        read++;
    }
    if (read != found) {
        fhi_refuse(L, path, "places of heaps, 1 to %d here, expected; there is another key",
                   (int)heap_count);
    }
}

static void read_kinds(lua_State *L, int index, fhi_path *path, fh_limits *out)
{
    static const char *const words[] = {
#define KIND_WORD(name, text) text,
        FH_KINDS(KIND_WORD) NULL
#undef KIND_WORD
    };
    lua_Integer found = 0, read = 0;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a table of kinds");
    }
    for (int i = 0; words[i] != NULL; i++) {
        lua_pushstring(L, words[i]);
        if (lua_rawget(L, index) != LUA_TNIL) {
            path->key = words[i];
            out->kinds[i] = read_limit(L, lua_gettop(L), path);
            found++;
        }
        lua_pop(L, 1);
    }
    path->key = NULL;
    lua_pushnil(L);
    int wrong = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        bool known = false;
        for (int i = 0; lua_type(L, -1) == LUA_TSTRING && words[i] != NULL; i++) {
            known = known || strcmp(lua_tostring(L, -1), words[i]) == 0;
        }
        /* The first by its bytes, before it what is no string. */
        if (!known && (lua_isnil(L, wrong) || lua_type(L, -1) != LUA_TSTRING ||
                       (lua_type(L, wrong) == LUA_TSTRING &&
                        strcmp(lua_tostring(L, -1), lua_tostring(L, wrong)) < 0))) {
            lua_copy(L, -1, wrong);
        }
        read++;
    }
    if (read != found) {
        fhi_refuse_word(L, wrong, path, "kind", words);
    }
}

/* A shell sort: there are 1,024 at most, and the C library's may want memory. */
static void sort_names(const char **names, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            const char *name = names[i];
            uint32_t to = i;
            for (; to >= gap && strcmp(names[to - gap], name) > 0; to -= gap) {
                names[to] = names[to - gap];
            }
            names[to] = name;
        }
    }
}

/* The names stay in the table, and so where they are. */
static void read_tags(lua_State *L, int index, fhi_path *path, fhi_decision_reader *reader,
                      fh_limits *out)
{
    const char *names[TAGS_MAX];
    uint32_t count = 0;
    bool other_keys = false;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a table of tags");
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (count == TAGS_MAX) {
            fhi_refuse(L, path, "at most %d tags expected, got more", TAGS_MAX);
        }
        bool is_name =
            lua_type(L, -1) == LUA_TSTRING && strlen(lua_tostring(L, -1)) == lua_rawlen(L, -1);
        other_keys = other_keys || !is_name;
        names[count++] = is_name ? lua_tostring(L, -1) : "";
    }
    if (other_keys) {
        fhi_refuse(L, path, "names of tags expected, and a key is no string, or has zeros in it");
    }
    sort_names(names, count);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushstring(L, names[i]);
        fhi_value_name(L, lua_gettop(L), path);
        path->key = names[i];
        lua_rawget(L, index);
        reader->tags[i].limit = read_limit(L, lua_gettop(L), path);
        path->key = NULL;
        lua_pop(L, 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        reader->tags[i].tag = reader->tag != NULL ? reader->tag(reader->context, names[i]) : 0;
        if (reader->tag == NULL || reader->tags[i].tag == 0) {
            path->key = names[i];
            fhi_refuse(L, path, "this tag cannot be made: there are too many");
        }
    }
    out->tag_count = count;
    out->tags = count > 0 ? reader->tags : NULL;
}

static void read_watermarks(lua_State *L, int index, const fhi_path *path, fh_limits *out)
{
    uint32_t count = fhi_value_list(L, index, WATERMARKS_MAX, path);
    for (uint32_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        double mark = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
        if (!(mark >= 0.0 && mark <= 1.0)) {
            fhi_refuse_value(L, lua_gettop(L), path, "numbers from 0 to 1");
        }
        if (i > 0 && mark <= out->watermarks[i - 1]) {
            fhi_refuse(L, path, "they must ascend, and %s does not",
                       fhi_describe(L, lua_gettop(L)));
        }
        out->watermarks[i] = mark;
        lua_pop(L, 1);
    }
    out->watermark_count = count;
}

/* Tags come last: making one cannot be undone. */
static void read_limits(lua_State *L, int index, fhi_decision_reader *reader, const fh_facts *facts,
                        fh_limits *out)
{
    const fhi_shape *shape = shape_of(FH_HOOK_LIMITS);
    fhi_path path = {.root = fhi_hook_contracts[FH_HOOK_LIMITS].name};
    fhi_fields fields;
    int tags = 0;
    fhi_value_fields(L, index, shape, &path, &fields);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        if ((fields.seen >> i & 1) == 0) {
            continue;
        }
        int value = fields.values[i];
        path.field = member->name;
        if (is_named(member, "total")) {
            out->total = read_limit(L, value, &path);
        } else if (is_named(member, "heap")) {
            read_heaps(L, value, &path, facts, out);
        } else if (is_named(member, "kinds")) {
            read_kinds(L, value, &path, out);
        } else if (is_named(member, "tags")) {
            tags = value;
        } else {
            read_watermarks(L, value, &path, out);
        }
    }
    if (tags != 0) {
        path.field = "tags";
        read_tags(L, tags, &path, reader, out);
    }
}

/* ---- alias ---- */

/* Letters, digits and what names and numbers are written with: the planner splits at blanks. */
static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("_-+.:/", c) != NULL))) {
            return false;
        }
    }
    return size > 0;
}

/* Push the value at `index` as text. */
static const char *push_option(lua_State *L, int index, const fhi_path *path)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, index, &size);
        if (!is_plain(text, size)) {
            fhi_refuse_value(L, index, path, "a word of letters, digits and _-+.:/");
        }
        lua_pushvalue(L, index);
    } else if (lua_type(L, index) == LUA_TBOOLEAN || lua_isinteger(L, index)) {
        fhi_describe(L, index);
    } else if (lua_type(L, index) == LUA_TNUMBER && isfinite(lua_tonumber(L, index))) {
        char text[FHI_NUMBER_TEXT];
        fhi_number_text(lua_tonumber(L, index), text);
        lua_pushstring(L, text);
    } else {
        fhi_refuse_value(L, index, path, "a string, a finite number, true or false");
    }
    return lua_tostring(L, -1);
}

static void read_alias_options(lua_State *L, int index, fhi_path *path, fh_alias_decision *out)
{
    enum {
        OPTIONS_MAX = 32
    };
    const char *names[OPTIONS_MAX];
    uint32_t count = 0;
    size_t length = 0;
    bool other_keys = false;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a table of options");
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (count == OPTIONS_MAX) {
            fhi_refuse(L, path, "at most %d options expected, got more", OPTIONS_MAX);
        }
        bool is_name =
            lua_type(L, -1) == LUA_TSTRING && is_plain(lua_tostring(L, -1), lua_rawlen(L, -1));
        other_keys = other_keys || !is_name;
        names[count++] = is_name ? lua_tostring(L, -1) : "";
    }
    if (other_keys) {
        fhi_refuse(L, path, "names of letters, digits and _-+.:/ expected, and a key is none");
    }
    sort_names(names, count);
    for (uint32_t i = 0; i < count; i++) {
        path->key = names[i];
        lua_pushstring(L, names[i]);
        lua_rawget(L, index);
        const char *text = push_option(L, lua_gettop(L), path);
        path->key = NULL;
        size_t need = strlen(names[i]) + strlen(text) + 1 + (i > 0);
        if (length + need >= sizeof out->options) {
            fhi_refuse(L, path, "as text they are longer than %d bytes",
                       (int)sizeof out->options - 1);
        }
        const char *parts[] = {i > 0 ? " " : "", names[i], "=", text};
        for (int part = 0; part < 4; part++) {
            size_t size = strlen(parts[part]);
            memcpy(out->options + length, parts[part], size);
            length += size;
        }
        lua_pop(L, 2);
    }
    out->options[length] = '\0';
}

/* ---- all that are tables of fields ---- */

static void read_special(lua_State *L, int index, fh_hook hook, const fhi_member *member,
                         fhi_path *path, const fhi_decision_reader *reader, void *out)
{
    if (hook == FH_HOOK_PLACE) {
        read_special_of_place(L, index, member, path, reader, out);
    } else if (hook == FH_HOOK_ALIAS) {
        read_alias_options(L, index, path, out);
    }
}

/* Returns which fields there were. */
static uint32_t read_fields(lua_State *L, int index, fh_hook hook, fhi_path *path,
                            const fhi_decision_reader *reader, void *out)
{
    const fhi_shape *shape = shape_of(hook);
    fhi_fields fields;
    fhi_value_fields(L, index, shape, path, &fields);
    for (uint32_t left = fields.seen; left != 0; left &= left - 1) {
        uint32_t i = fhi_lowest_bit(left);
        const fhi_member *member = &shape->members[i];
        path->field = member->name;
        if (member->type == FHI_VALUE_SPECIAL) {
            read_special(L, fields.values[i], hook, member, path, reader, out);
        } else {
            fhi_value_read(L, fields.values[i], member, path, (char *)out + member->offset);
        }
        if (member->given_offset != SIZE_MAX) {
            *(bool *)(void *)((char *)out + member->given_offset) = true;
        }
    }
    path->field = NULL;
    return fields.seen;
}

/* By where it is in C: that is no comparison of strings. */
static bool has_field(uint32_t seen, const fhi_shape *shape, size_t offset)
{
    for (; seen != 0; seen &= seen - 1) {
        const fhi_member *member = &shape->members[fhi_lowest_bit(seen)];
        if (member->offset == offset && member->type != FHI_VALUE_SPECIAL) {
            return true;
        }
    }
    return false;
}

/* ---- relieve ---- */

static void read_action(lua_State *L, int index, fhi_path *path, const fhi_decision_reader *reader,
                        fh_relief *out)
{
    const fhi_shape *shape = shape_of(FH_HOOK_RELIEVE);
    int top = lua_gettop(L);
    if (lua_type(L, index) == LUA_TSTRING) {
        out->action =
            (fh_relief_action)fhi_value_word(L, index, find_member(shape, "action")->words, path);
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "an action (a word, or a table with `action`)");
    }
    uint32_t seen = read_fields(L, index, FH_HOOK_RELIEVE, path, reader, out);
    if (out->action != FH_RELIEF_EVICT && has_field(seen, shape, offsetof(fh_relief, bytes))) {
        fhi_refuse(L, path, "only 'evict' has `bytes`");
    }
    if (out->action != FH_RELIEF_WAIT && has_field(seen, shape, offsetof(fh_relief, timeout_ns))) {
        fhi_refuse(L, path, "only 'wait' has `timeout_ms`");
    }
    lua_settop(L, top);
}

/* A table with a field `action` is one action; any other is a list. */
static void read_reliefs(lua_State *L, int index, const fhi_decision_reader *reader,
                         fhi_reliefs *out)
{
    fhi_path path = {.root = fhi_hook_contracts[FH_HOOK_RELIEVE].name, .list = "action"};
    bool is_list = lua_type(L, index) == LUA_TTABLE;
    if (is_list) {
        lua_pushliteral(L, "action");
        is_list = lua_rawget(L, index) == LUA_TNIL;
        lua_pop(L, 1);
    }
    if (!is_list) {
        read_action(L, index, &path, reader, &out->list[0]);
        out->count = 1;
        return;
    }
    out->count = fhi_value_list(L, index, FH_RELIEF_MAX, &path);
    if (out->count == 0) {
        fhi_refuse(L, &path, "an empty list; nil leaves it to the native rule, 'deny' gives up");
    }
    for (uint32_t i = 0; i < out->count; i++) {
        path.item = i + 1;
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        read_action(L, lua_gettop(L), &path, reader, &out->list[i]);
        lua_pop(L, 1);
    }
}

/* ---- evict ---- */

static void read_column(lua_State *L, int index, const fhi_path *path, fh_evict_order *out)
{
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
    bool descending = text[0] == '-';
    if (descending) {
        lua_pushstring(L, text + 1);
        index = lua_gettop(L);
    }
    out->columns[out->column_count].column =
        (fh_evict_column)fhi_value_word(L, index, fhi_evict_columns, path);
    out->columns[out->column_count].descending = descending;
    out->column_count++;
}

static void read_order(lua_State *L, int index, fh_evict_order *out)
{
    fhi_path path = {.root = fhi_hook_contracts[FH_HOOK_EVICT].name, .list = "column"};
    if (lua_type(L, index) == LUA_TSTRING) {
        read_column(L, index, &path, out);
        return;
    }
    int top = lua_gettop(L);
    uint32_t count = fhi_value_list(L, index, COLUMNS_MAX, &path);
    if (count == 0) {
        fhi_refuse(L, &path, "at least one column expected");
    }
    for (uint32_t i = 0; i < count; i++) {
        path.item = i + 1;
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        read_column(L, lua_gettop(L), &path, out);
        lua_settop(L, top);
    }
}

/* ---- one hook's ---- */

static void read_retain(lua_State *L, int index, fhi_path *path, const fhi_decision_reader *reader,
                        fh_retain_decision *out)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        const fhi_member *ticks = find_member(shape_of(FH_HOOK_RETAIN), "ticks");
        fhi_value_read(L, index, ticks, path, &out->ticks);
    } else {
        read_fields(L, index, FH_HOOK_RETAIN, path, reader, out);
    }
}

/* What is not there is no bound, and not 0. */
static void read_recycle(lua_State *L, int index, fhi_path *path, const fhi_decision_reader *reader,
                         fh_recycle_decision *out)
{
    out->keep_bytes = UINT64_MAX;
    out->keep_ticks = UINT32_MAX;
    read_fields(L, index, FH_HOOK_RECYCLE, path, reader, out);
}

static void read_defrag(lua_State *L, int index, fhi_path *path, const fhi_decision_reader *reader,
                        fh_defrag_decision *out)
{
    out->allow = true;
    out->bytes = UINT64_MAX;
    read_fields(L, index, FH_HOOK_DEFRAG, path, reader, out);
}

static void read_verdict(lua_State *L, int index, fhi_path *path, fhi_decision_reader *reader,
                         fh_verdict *out)
{
    const fhi_shape *shape = shape_of(FH_HOOK_PLACE);
    uint32_t seen = read_fields(L, index, FH_HOOK_PLACE, path, reader, out);
    reader->keep_given = has_field(seen, shape, offsetof(fh_verdict, keep));
    bool names_pool = false;
    for (; seen != 0; seen &= seen - 1) {
        names_pool = names_pool || is_named(&shape->members[fhi_lowest_bit(seen)], "pool");
    }
    if (names_pool && out->pool == NULL && out->keep == FH_KEEP_RELOAD) {
        out->keep = FH_KEEP_FRAME; /* the program may make it yet */
    }
}

bool fhi_decision_read(lua_State *L, int index, fh_hook hook, fhi_decision_reader *reader,
                       const fh_facts *facts, void *out)
{
    reader->keep_given = false;
    if (lua_isnoneornil(L, index)) {
        return false;
    }
    luaL_checkstack(L, FHI_FIELDS_STACK, NULL);
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    fhi_path path = {.root = fhi_hook_contracts[hook].name};
    switch (hook) {
    case FH_HOOK_RELIEVE:
        read_reliefs(L, index, reader, out);
        break;
    case FH_HOOK_LIMITS:
        read_limits(L, index, reader, facts, out);
        break;
    case FH_HOOK_EVICT:
        read_order(L, index, out);
        break;
    case FH_HOOK_RETAIN:
        read_retain(L, index, &path, reader, out);
        break;
    case FH_HOOK_RECYCLE:
        read_recycle(L, index, &path, reader, out);
        break;
    case FH_HOOK_DEFRAG:
        read_defrag(L, index, &path, reader, out);
        break;
    case FH_HOOK_PLACE:
        read_verdict(L, index, &path, reader, out);
        break;
    default:
        read_fields(L, index, hook, &path, reader, out);
        break;
    }
    lua_settop(L, top);
    return true;
}
