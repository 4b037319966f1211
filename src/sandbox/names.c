#include "sandbox/names.h"

static const char strings_key; /* of the list in the registry */

static void add_name(fhi_names *names, const void *name, uint32_t member)
{
    uintptr_t at = ((uintptr_t)name >> 4 ^ (uintptr_t)name >> 11) % FHI_NAMES_SLOTS;
    while (names->slots[at].name != NULL) {
        at = (at + 1) % FHI_NAMES_SLOTS;
    }
    names->slots[at].name = name;
    names->slots[at].member = member;
}

void fhi_names_push_strings(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &strings_key) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 256, 0);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &strings_key);
    }
}

/* Add to the list on top; returns the string's address. */
static const void *keep_string(lua_State *L, const char *text)
{
    lua_pushstring(L, text);
    const void *string = lua_topointer(L, -1);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return string;
}

static uint16_t count_words(const fhi_member *member)
{
    uint16_t count = 0;
    while (member->type == FHI_VALUE_CHOICE && member->words[count] != NULL) {
        count++;
    }
    return count <= FHI_WORDS_MAX ? count : 0;
}

void fhi_names_register(lua_State *L, const fhi_shape *shape, fhi_facts_scope *scope)
{
    uint16_t word_count = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        word_count = (uint16_t)(word_count + count_words(&shape->members[i]));
    }
    fhi_names *names = lua_newuserdatauv(L, sizeof *names + word_count * sizeof names->words[0], 0);
    *names = (fhi_names){.shape = shape, .scope = scope};
    fhi_names_push_strings(L);
    word_count = 0;
    for (uint32_t i = 0; i < shape->count && i < FHI_MEMBERS_MAX; i++) {
        const fhi_member *member = &shape->members[i];
        add_name(names, keep_string(L, member->name), i);
        names->required |= (uint32_t)member->required << i;
        names->choices[i].listed = (uint32_t)lua_rawlen(L, -1) + 1;
        names->choices[i].first = word_count;
        names->choices[i].count = count_words(member);
        for (uint32_t word = 0; word < names->choices[i].count; word++) {
            names->words[word_count++] = keep_string(L, member->words[word]);
        }
    }
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, shape->members);
}

const fhi_names *fhi_names_of(lua_State *L, const fhi_shape *shape)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, shape->members);
    const fhi_names *names = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return names;
}
