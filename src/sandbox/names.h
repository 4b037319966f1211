/* Where names lead to members of a shape, and words to their positions. Lua has each short string
 * once, so what is on the stack is found by its address, lua_topointer(), whatever it is. The
 * strings are kept alive by a list that the state has of them, from which words are pushed, too. */

#ifndef FREEHOLD_SANDBOX_NAMES_H
#define FREEHOLD_SANDBOX_NAMES_H

#include "sandbox/contract.h"
#include "sandbox/facts.h"
#include "sandbox/lua54.h"

enum {
    FHI_MEMBERS_MAX = 32, /* of a shape */
    FHI_NAMES_SLOTS = 64, /* twice as many */
    FHI_WORDS_MAX = 16    /* of a member, whose words are in here then */
};

typedef struct fhi_names {
    const fhi_shape *shape;
    fhi_facts_scope *scope; /* of facts */
    uint32_t required;      /* bit n: member n is */
    struct fhi_names_slot {
        const void *name; /* NULL = free */
        uint32_t member;
    } slots[FHI_NAMES_SLOTS];
    /* By member: of a CHOICE, its words, `count` of them; 0 = it is none, or has too many. */
    struct fhi_names_words {
        uint32_t listed; /* the place of the first in the state's list */
        uint16_t first, count;
    } choices[FHI_MEMBERS_MAX];
    const void *words[]; /* of one choice after the other */
} fhi_names;

/* The member that `name` means; -1 = none. */
static inline int fhi_names_find(const fhi_names *names, const void *name)
{
    uintptr_t at = ((uintptr_t)name >> 4 ^ (uintptr_t)name >> 11) % FHI_NAMES_SLOTS;
    for (; names->slots[at].name != NULL; at = (at + 1) % FHI_NAMES_SLOTS) {
        if (names->slots[at].name == name) {
            return (int)names->slots[at].member;
        }
    }
    return -1;
}

/* The position of `word` among those of a member; -1 = none, or not known here. */
static inline int fhi_names_word(const fhi_names *names, int member, const void *word)
{
    const struct fhi_names_words *choice = &names->choices[member];
    for (int i = 0; i < (int)choice->count; i++) {
        if (names->words[choice->first + i] == word) {
            return i;
        }
    }
    return -1;
}

/* Make the names of a shape; once per state. They are in the registry, at shape->members, and live
 * as long as it. */
void fhi_names_register(lua_State *L, const fhi_shape *shape, fhi_facts_scope *scope);
const fhi_names *fhi_names_of(lua_State *L, const fhi_shape *shape);

/* Push the state's list of strings. */
void fhi_names_push_strings(lua_State *L);

#endif
