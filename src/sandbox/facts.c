/* What a script gets is a userdata of 40 bytes: where the struct is, and of which hook it was. Its
 * class has a table from names to members, and one function that looks the name up there and
 * converts that one value: nothing is copied that nobody reads. A fresh one is made for each hook
 * instead of one that is used again, so that one that was kept knows that it is stale.
 *
 * The registry has, by the address of a shape, the class of its facts; by the address of a list of
 * words, a table from the words to their positions. The functions find the scope among their
 * upvalues.
 *
 * Whoever gets hold of a metatable, which trusted scripts can by way of `debug`, may call its
 * functions with anything; so they look before they read. */

#include "sandbox/facts.h"

#include "base/compiler.h"
#include "sandbox/box.h"
#include "sandbox/value.h"

#include <stdint.h>
#include <string.h>

typedef fhi_fact fact;

static const char lists_key, sets_key; /* classes in the registry */

static const void *const lists = &lists_key;
static const void *const sets = &sets_key;

/* In a class's table, at 1. */
static fhi_facts_scope *scope_of_class(lua_State *L)
{
    lua_rawgeti(L, -1, 1);
    fhi_facts_scope *scope = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return scope;
}

/* Push an object of the class that the registry has at `key`. */
static fact *push(lua_State *L, const void *key, const void *owner, const void *data)
{
    fact *self = lua_newuserdatauv(L, sizeof *self, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    self->owner = owner;
    self->data = data;
    self->serial = scope_of_class(L)->serial;
    self->uncached = NULL;
    self->row = 0;
    self->is_list = false;
    lua_setmetatable(L, -2);
    return self;
}

/* "file:1: " of the script's function that led here; there may be a library's in between. */
static const char *push_where(lua_State *L)
{
    for (int level = 1; level < 4; level++) {
        luaL_where(L, level);
        if (lua_rawlen(L, -1) > 0) {
            return lua_tostring(L, -1);
        }
        lua_pop(L, 1);
    }
    return lua_pushliteral(L, "");
}

static int complain(lua_State *L, const char *sentence)
{
    push_where(L);
    lua_pushstring(L, sentence);
    lua_concat(L, 2);
    return lua_error(L);
}

static int complain_stale(lua_State *L)
{
    return complain(
        L, "these facts are stale: they can be read only while the hook runs that got them");
}

/* The object at 1, or an error. `owner` is what it must be of; NULL = a list or a set. */
static fact *check(lua_State *L, const fhi_facts_scope *scope, const fhi_shape *owner)
{
    fact *self = lua_touserdata(L, 1);
    if (self == NULL || lua_rawlen(L, 1) != sizeof *self ||
        (owner != NULL && self->owner != owner)) {
        complain(L, "facts expected, got something else");
        return NULL;
    }
    if (self->serial != scope->serial) {
        complain_stale(L);
    }
    return self;
}

/* The number at 1, or an error. Only a number that was pushed while this hook runs is the one that
 * its place has. */
FHI_HOT_INLINE const fhi_light_fact *check_light(lua_State *L, fhi_facts_scope *scope)
{
    uintptr_t number = (uintptr_t)lua_touserdata(L, 1);
    const fhi_light_fact *light = &scope->light[number % FHI_LIGHT_COUNT];
    if (FHI_UNLIKELY(light->number != number || light->fact.serial != scope->serial)) {
        complain_stale(L);
    }
    return light;
}

/* The functions of lists and sets have the scope as upvalue; those of facts have the names, and
 * behind them, as those of light facts have, the list of strings. */
static fhi_facts_scope *upvalue_scope(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static const fhi_names *upvalue_names(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static int refuse_write(lua_State *L)
{
    return complain(L, "facts are read-only");
}

/* ---- values ---- */

static void push_list(lua_State *L, const fhi_member *member, const fact *from)
{
    const char *data = from->data;
    uint32_t count;
    memcpy(&count, data + member->count_offset, sizeof count);
    fact *list = push(L, lists, member, data + member->offset);
    list->row = count < member->room ? count : (uint32_t)member->room;
    list->is_list = true;
    list->uncached = from->uncached;
}

/* A parcel's account, of a request or an event; and the account's own members. */
static void push_special(lua_State *L, const fhi_facts_scope *scope, const fhi_member *member,
                         const fact *self)
{
    fhi_special special;
    fhi_value_special(self->owner, member, self->data, &special);
    switch (special.kind) {
    case FHI_SPECIAL_ACCOUNT:
        push(L, member->of, member->of, special.account)->uncached = self->uncached;
        break;
    case FHI_SPECIAL_WORD:
        lua_pushstring(L, special.word);
        break;
    case FHI_SPECIAL_PLACE:
        lua_pushinteger(L, (lua_Integer)special.number);
        break;
    case FHI_SPECIAL_TAG:
        fhi_value_push_tag(L, scope, special.number);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

FHI_HOT_INLINE void note_read(fhi_facts_scope *scope, const fhi_member *member, const fact *self)
{
    if (!member->class_fact && scope->uncached == NULL) {
        scope->uncached = self->uncached != NULL ? self->uncached : member->name;
    }
}

static void push_member(lua_State *L, fhi_facts_scope *scope, const fhi_member *member,
                        const fact *self)
{
    const char *at = (const char *)self->data + member->offset;
    note_read(scope, member, self);
    switch (member->type) {
    case FHI_VALUE_LIST:
        push_list(L, member, self);
        return;
    case FHI_VALUE_FLAGS:
        push(L, sets, member, NULL)->row = *(const uint32_t *)(const void *)at;
        return;
    case FHI_VALUE_ACCOUNT:
        push(L, member->of, member->of, at)->uncached = self->uncached;
        return;
    case FHI_VALUE_SPECIAL:
        push_special(L, scope, member, self);
        return;
    case FHI_VALUE_TAG:
        if (member->given_offset != SIZE_MAX) {
            fhi_value_push_text(L, *(const char *const *)(const void *)((const char *)self->data +
                                                                        member->given_offset));
            return;
        }
        break;
    default:
        break;
    }
    if (member->stride != 0) {
        /* A column: `at` is where the struct has its address. */
        const char *column;
        memcpy(&column, at, sizeof column);
        if (column == NULL) {
            lua_pushnil(L);
            return;
        }
        at = column + self->row * member->stride;
    }
    fhi_value_push(L, scope, member, at);
}

/* ---- facts ---- */

static int unknown_fact(lua_State *L, const fhi_shape *shape)
{
    const char *names[64];
    uint32_t count = 0;
    for (; count < shape->count && count < 63; count++) {
        names[count] = shape->members[count].name;
    }
    names[count] = NULL;
    return fhi_refuse_word(L, 2, &(fhi_path){.where = push_where(L), .root = shape->name}, "fact",
                           names);
}

/* The fact named at 2. A word is in the list of strings already. */
FHI_HOT_INLINE int push_fact(lua_State *L, fhi_facts_scope *scope, const fhi_names *names,
                             const fact *self)
{
    int index = fhi_names_find(names, lua_topointer(L, 2));
    if (FHI_UNLIKELY(index < 0)) {
        return unknown_fact(L, names->shape);
    }
    const fhi_member *member = &names->shape->members[index];
    const struct fhi_names_words *choice = &names->choices[index];
    if (choice->count > 0 && member->stride == 0) {
        int word;
        memcpy(&word, (const char *)self->data + member->offset, sizeof word);
        if (FHI_LIKELY(word >= 0 && word < (int)choice->count)) {
            note_read(scope, member, self);
            lua_rawgeti(L, lua_upvalueindex(2), (lua_Integer)choice->listed + word);
            return 1;
        }
    }
    push_member(L, scope, member, self);
    return 1;
}

static int fact_index(lua_State *L)
{
    const fhi_names *names = upvalue_names(L);
    return push_fact(L, names->scope, names, check(L, names->scope, names->shape));
}

static int light_index(lua_State *L)
{
    fhi_facts_scope *scope = fhi_box_of(L)->facts;
    const fhi_light_fact *light = check_light(L, scope);
    return push_fact(L, scope, light->names, &light->fact);
}

/* The names of all that is not nil; which is to read it all. */
static int push_fact_keys(lua_State *L, fhi_facts_scope *scope, const fhi_shape *shape,
                          const fact *self)
{
    lua_Integer count = 0;
    lua_settop(L, 1);
    lua_createtable(L, (int)shape->count, 0);
    for (uint32_t i = 0; i < shape->count; i++) {
        push_member(L, scope, &shape->members[i], self);
        if (!lua_isnil(L, -1)) {
            lua_pushstring(L, shape->members[i].name);
            lua_rawseti(L, 2, ++count);
        }
        lua_settop(L, 2);
    }
    return 1;
}

static int fact_keys(lua_State *L)
{
    const fhi_names *names = upvalue_names(L);
    return push_fact_keys(L, names->scope, names->shape, check(L, names->scope, names->shape));
}

static int light_keys(lua_State *L)
{
    fhi_facts_scope *scope = fhi_box_of(L)->facts;
    const fhi_light_fact *light = check_light(L, scope);
    return push_fact_keys(L, scope, light->names->shape, &light->fact);
}

/* ---- lists ---- */

static fact *check_list(lua_State *L)
{
    fact *self = check(L, upvalue_scope(L), NULL);
    if (!self->is_list) {
        complain(L, "a list of facts expected");
    }
    return self;
}

static int list_index(lua_State *L)
{
    const fact *self = check_list(L);
    const fhi_member *member = self->owner;
    int exact = 0;
    lua_Integer place = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &exact) : 0;
    if (!exact) {
        return fhi_refuse_value(L, 2, &(fhi_path){.where = push_where(L), .root = member->name},
                                "a place in the list, from 1,");
    }
    if (place < 1 || place > (lua_Integer)self->row) {
        lua_pushnil(L);
        return 1;
    }
    push(L, member->of, member->of, (const char *)self->data + (size_t)(place - 1) * member->stride)
        ->uncached = self->uncached;
    return 1;
}

static int list_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_list(L)->row);
    return 1;
}

static int list_keys(lua_State *L)
{
    const fact *self = check_list(L);
    lua_createtable(L, (int)self->row, 0);
    for (lua_Integer i = 1; i <= (lua_Integer)self->row; i++) {
        lua_pushinteger(L, i);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* ---- sets ---- */

static fact *check_set(lua_State *L)
{
    fact *self = check(L, upvalue_scope(L), NULL);
    if (self->is_list || self->data != NULL) {
        complain(L, "a set of words expected");
    }
    return self;
}

static int set_index(lua_State *L)
{
    const fact *self = check_set(L);
    const fhi_member *member = self->owner;
    lua_settop(L, 2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const void *)member->words);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 3) != LUA_TNUMBER) {
        return fhi_refuse_word(L, 2, &(fhi_path){.where = push_where(L), .root = member->name},
                               "word", member->words);
    }
    if ((self->row >> lua_tointeger(L, -1) & 1) != 0) {
        lua_pushboolean(L, 1);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int set_keys(lua_State *L)
{
    const fact *self = check_set(L);
    const fhi_member *member = self->owner;
    lua_Integer count = 0;
    lua_newtable(L);
    for (int i = 0; member->words[i] != NULL; i++) {
        if ((self->row >> i & 1) != 0) {
            lua_pushstring(L, member->words[i]);
            lua_rawseti(L, -2, ++count);
        }
    }
    return 1;
}

/* ---- pairs(), where it is Lua's own ---- */

/* Upvalues: the keys, and how many of them were given out. */
static int next_pair(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2)) + 1;
    lua_settop(L, 1);
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(2));
    if (lua_rawgeti(L, lua_upvalueindex(1), at) == LUA_TNIL) {
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_gettable(L, 1);
    return 2;
}

/* The upvalue is the class's __keys. */
static int pairs(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 2);
    lua_pushvalue(L, 1);
    return 2;
}

/* ---- classes ---- */

static void set_method(lua_State *L, const char *name, lua_CFunction function,
                       fhi_facts_scope *scope, const fhi_shape *shape)
{
    if (shape == NULL) {
        lua_pushlightuserdata(L, scope);
    } else {
        lua_rawgetp(L, LUA_REGISTRYINDEX, shape->members);
    }
    fhi_names_push_strings(L);
    lua_pushcclosure(L, function, 2);
    lua_setfield(L, -2, name);
}

/* Push a class. */
static void make_class(lua_State *L, fhi_facts_scope *scope, const fhi_shape *shape,
                       lua_CFunction index, lua_CFunction keys)
{
    lua_createtable(L, 1, 8);
    lua_pushlightuserdata(L, scope);
    lua_rawseti(L, -2, 1);
    lua_pushliteral(L, "facts");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    set_method(L, "__index", index, scope, shape);
    set_method(L, "__keys", keys, scope, shape);
    lua_getfield(L, -1, "__keys");
    lua_pushcclosure(L, pairs, 1);
    lua_setfield(L, -2, "__pairs");
    if (index == list_index) {
        set_method(L, "__len", list_len, scope, NULL);
    }
}

static void register_class(lua_State *L, const void *key, fhi_facts_scope *scope,
                           const fhi_shape *shape, lua_CFunction index, lua_CFunction keys)
{
    make_class(L, scope, shape, index, keys);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static bool is_registered(lua_State *L, const void *key)
{
    bool known = lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TNIL;
    lua_pop(L, 1);
    return known;
}

static void register_words(lua_State *L, const char *const *words)
{
    if (is_registered(L, (const void *)words)) {
        return;
    }
    lua_newtable(L);
    for (lua_Integer i = 0; words[i] != NULL; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, words[i]);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const void *)words);
}

/* And those of its members: accounts in events, heaps in lists; two deep. */
static void register_shape(lua_State *L, fhi_facts_scope *scope, const fhi_shape *shape)
{
    if (is_registered(L, shape)) {
        return;
    }
    fhi_names_register(L, shape, scope);
    register_class(L, shape, scope, shape, fact_index, fact_keys);
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        if (member->type == FHI_VALUE_FLAGS) {
            register_words(L, member->words);
        }
        if (member->of != NULL) {
            register_shape(L, scope, member->of);
        }
    }
}

void fhi_facts_register(lua_State *L, fhi_facts_scope *scope)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    register_class(L, lists, scope, NULL, list_index, list_keys);
    register_class(L, sets, scope, NULL, set_index, set_keys);
    register_shape(L, scope, &fhi_shape_facts);
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        if (fhi_hook_contracts[i].input != NULL) {
            register_shape(L, scope, fhi_hook_contracts[i].input);
        }
    }
}

void fhi_facts_register_light(lua_State *L, fhi_facts_scope *scope)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_pushlightuserdata(L, scope);
    make_class(L, scope, NULL, light_index, light_keys);
    lua_setmetatable(L, -2);
    fhi_box_of(L)->facts = scope;
    lua_pop(L, 1);
}

/* ---- hooks ---- */

void fhi_facts_begin(fhi_facts_scope *scope)
{
    scope->serial++;
    scope->uncached = NULL;
}

void fhi_facts_end(fhi_facts_scope *scope)
{
    scope->serial++;
}

void fhi_facts_push(lua_State *L, const fhi_shape *shape, const void *data)
{
    push(L, shape, shape, data);
}

void fhi_facts_push_uncached(lua_State *L, const fh_facts *facts)
{
    push(L, &fhi_shape_facts, &fhi_shape_facts, facts)->uncached = fhi_shape_facts.name;
}

void fhi_facts_push_light(lua_State *L, fhi_facts_scope *scope, int which, const fhi_names *names,
                          const void *data, const char *uncached)
{
    fhi_light_fact *light = &scope->light[which];
    light->number = (uintptr_t)scope->serial * FHI_LIGHT_COUNT + (uintptr_t)which;
    light->names = names;
    light->fact.owner = names->shape;
    light->fact.data = data;
    light->fact.serial = scope->serial;
    light->fact.uncached = uncached;
    lua_pushlightuserdata(L, (void *)light->number);
}

void fhi_facts_push_candidates(lua_State *L, const fh_candidates *candidates)
{
    const fhi_shape *shape = fhi_hook_contracts[FH_HOOK_EVICT].input;
    push(L, shape, shape, candidates);
}

void fhi_facts_move(lua_State *L, int index, uint32_t candidate)
{
    ((fact *)lua_touserdata(L, index))->row = candidate;
}
