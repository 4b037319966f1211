/* Facts as plain tables, and back: for tests of policies, logs and the command. Tables that come in
 * are somebody's text, so they are read as strictly as decisions. */

#include "sandbox/facts.h"

#include "sandbox/value.h"

#include <stdint.h>
#include <string.h>

/* ---- out ---- */

/* Push what is no struct of its own; false, and nothing: it is one. */
static bool push_plain(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                       const fhi_member *member, const void *data, fhi_special *special)
{
    const char *at = (const char *)data + member->offset;
    *special = (fhi_special){FHI_SPECIAL_NIL, NULL, 0, NULL};
    switch (member->type) {
    case FHI_VALUE_LIST:
        return false;
    case FHI_VALUE_ACCOUNT:
        special->kind = FHI_SPECIAL_ACCOUNT;
        special->account = (const fh_account *)(const void *)at;
        return false;
    case FHI_VALUE_SPECIAL:
        fhi_value_special(shape, member, data, special);
        if (special->kind == FHI_SPECIAL_ACCOUNT) {
            return false;
        }
        if (special->kind == FHI_SPECIAL_WORD) {
            lua_pushstring(L, special->word);
        } else if (special->kind == FHI_SPECIAL_PLACE) {
            lua_pushinteger(L, (lua_Integer)special->number);
        } else if (special->kind == FHI_SPECIAL_TAG) {
            fhi_value_push_tag(L, scope, special->number);
        } else {
            lua_pushnil(L);
        }
        return true;
    case FHI_VALUE_TAG:
        if (member->given_offset != SIZE_MAX) {
            const void *name = (const char *)data + member->given_offset;
            fhi_value_push_text(L, *(const char *const *)name);
            return true;
        }
        break;
    default:
        break;
    }
    fhi_value_push(L, scope, member, at);
    return true;
}

/* Push a table with the members of a struct that has none inside. */
static void push_leaf(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                      const void *data)
{
    fhi_special special;
    lua_createtable(L, 0, (int)shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (push_plain(L, scope, shape, &shape->members[i], data, &special)) {
            lua_setfield(L, -2, shape->members[i].name);
        }
    }
}

static void push_list(lua_State *L, const fhi_facts_scope *scope, const fhi_member *member,
                      const char *data)
{
    uint32_t count;
    memcpy(&count, data + member->count_offset, sizeof count);
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count && i < member->room; i++) {
        push_leaf(L, scope, member->of, data + member->offset + i * member->stride);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* One candidate of the columns. */
static void push_candidate(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                           const fh_candidates *candidates, uint32_t which)
{
    lua_createtable(L, 0, (int)shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        const char *column;
        if (member->stride == 0) {
            continue;
        }
        memcpy(&column, (const char *)candidates + member->offset, sizeof column);
        if (column != NULL) {
            fhi_value_push(L, scope, member, column + which * member->stride);
            lua_setfield(L, -2, member->name);
        }
    }
}

static void push_candidates(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                            const fh_candidates *candidates)
{
    lua_newtable(L);
    for (uint32_t i = 0; i < candidates->count; i++) {
        push_candidate(L, scope, shape, candidates, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    fhi_value_push_size(L, candidates->wanted);
    lua_setfield(L, -2, "wanted");
}

void fhi_facts_push_table(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *shape,
                          const void *data)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (shape == fhi_hook_contracts[FH_HOOK_EVICT].input) {
        push_candidates(L, scope, shape, data);
        return;
    }
    fhi_special special;
    lua_createtable(L, 0, (int)shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        if (!push_plain(L, scope, shape, member, data, &special)) {
            if (special.kind == FHI_SPECIAL_ACCOUNT) {
                push_leaf(L, scope, member->of, special.account);
            } else {
                push_list(L, scope, member, data);
            }
        }
        lua_setfield(L, -2, member->name);
    }
}

/* ---- in ---- */

typedef struct reader {
    fh_tag (*tag)(void *context, const char *name);
    void *context;
} reader;

static fh_tag read_tag(lua_State *L, int index, const reader *by, const fhi_path *path)
{
    const char *name = fhi_value_name(L, index, path);
    fh_tag tag = by->tag != NULL ? by->tag(by->context, name) : 0;
    if (tag == 0) {
        fhi_refuse(L, path, "no tag can be made of '%s'", name);
    }
    return tag;
}

/* "total", or a table such as { scope = "tag", tag = "terrain" }. */
static void read_account(lua_State *L, int index, const fhi_shape *shape, const char *root,
                         const reader *by, fh_account *out)
{
    fhi_path path = {.root = root, .field = "account"};
    const fhi_member *scope = &shape->members[0];
    if (lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), scope->words[0]) == 0) {
        *out = (fh_account){FH_ACCOUNT_TOTAL, 0};
        return;
    }
    fhi_fields fields;
    fhi_value_fields(L, index, shape, &path, &fields);
    if ((fields.seen & 1) == 0) {
        fhi_refuse(L, &path, "field 'scope' is missing");
    }
    path.key = scope->name;
    fhi_value_read(L, fields.values[0], scope, &path, &out->scope);
    out->index = 0;
    if (out->scope == FH_ACCOUNT_TOTAL) {
        return;
    }
    /* The member that the scope is named after has which. */
    path.key = shape->members[out->scope].name;
    if ((fields.seen >> out->scope & 1) == 0) {
        fhi_refuse(L, &path, "is missing");
    }
    int value = fields.values[out->scope];
    if (out->scope == FH_ACCOUNT_KIND) {
        out->index = fhi_value_word(L, value, shape->members[out->scope].words, &path);
    } else if (out->scope == FH_ACCOUNT_TAG) {
        out->index = read_tag(L, value, by, &path);
    } else {
        fhi_value_read(L, value, &(fhi_member){.type = FHI_VALUE_PLACE, .min = 1}, &path,
                       &out->index);
    }
}

static void read_special(lua_State *L, int index, const fhi_member *member, const char *root,
                         const reader *by, fh_request *out)
{
    const fhi_path path = {.root = root, .field = member->name};
    if (member->of != NULL) {
        read_account(L, index, member->of, root, by, &out->account);
    } else {
        out->reason = fhi_value_word(L, index, member->words, &path) == 0 ? FH_ERR_BUDGET
                                                                          : FH_ERR_OUT_OF_MEMORY;
    }
}

/* Members of a struct that has no lists inside. */
static void read_leaf(lua_State *L, int index, const fhi_shape *shape, fhi_path *path, char *out)
{
    fhi_fields fields;
    int top = lua_gettop(L);
    fhi_value_fields(L, index, shape, path, &fields);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        if ((fields.seen >> i & 1) != 0) {
            path->key = member->name;
            fhi_value_read(L, fields.values[i], member, path, out + member->offset);
        }
    }
    path->key = NULL;
    lua_settop(L, top);
}

static void read_list(lua_State *L, int index, const fhi_member *member, const char *root,
                      char *out)
{
    fhi_path path = {.root = root, .field = member->name};
    uint32_t count = fhi_value_list(L, index, (uint32_t)member->room, &path);
    path.list = member->name;
    path.field = NULL;
    for (uint32_t i = 0; i < count; i++) {
        path.item = i + 1;
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        read_leaf(L, lua_gettop(L), member->of, &path, out + member->offset + i * member->stride);
        lua_pop(L, 1);
    }
    memcpy(out + member->count_offset, &count, sizeof count);
}

void fhi_facts_read_table(lua_State *L, int index, const fhi_shape *shape, void *out,
                          fh_tag (*tag)(void *context, const char *name), void *context)
{
    const reader by = {tag, context};
    fhi_path path = {.root = shape->name};
    int top = lua_gettop(L);
    index = lua_absindex(L, index);
    luaL_checkstack(L, FHI_FIELDS_STACK, NULL);
    fhi_fields fields;
    fhi_value_fields(L, index, shape, &path, &fields);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        char *at = (char *)out + member->offset;
        if ((fields.seen >> i & 1) == 0) {
            continue;
        }
        int value = fields.values[i];
        path.field = member->name;
        if (member->type == FHI_VALUE_LIST) {
            read_list(L, value, member, shape->name, out);
        } else if (member->type == FHI_VALUE_ACCOUNT) {
            read_account(L, value, member->of, shape->name, &by, (fh_account *)(void *)at);
        } else if (member->type == FHI_VALUE_SPECIAL) {
            read_special(L, value, member, shape->name, &by, out);
        } else if (member->type == FHI_VALUE_TAG) {
            *(fh_tag *)(void *)at = read_tag(L, value, &by, &path);
            if (member->given_offset != SIZE_MAX) {
                const char *name = lua_tostring(L, value);
                memcpy((char *)out + member->given_offset, &name, sizeof name);
            }
        } else {
            fhi_value_read(L, value, member, &path, at);
        }
    }
    lua_settop(L, top);
}
