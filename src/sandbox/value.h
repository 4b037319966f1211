/* Single values, from C to Lua and back, by the type that contract.h gives them. Shared by facts.c
 * and decision.c. */

#ifndef FREEHOLD_SANDBOX_VALUE_H
#define FREEHOLD_SANDBOX_VALUE_H

#include "sandbox/contract.h"
#include "sandbox/facts.h"
#include "sandbox/names.h"
#include "sandbox/refuse.h"

enum {
    FHI_NAME_MAX = 63,                                    /* bytes of the name of a tag or pool */
    FHI_FIELDS_STACK = 2 * FHI_MEMBERS_MAX + LUA_MINSTACK /* what reading tables needs */
};

/* ---- out ---- */

/* Push the value at `at`, of a type that is no list, set or account, and not special. */
void fhi_value_push(lua_State *L, const fhi_facts_scope *scope, const fhi_member *member,
                    const void *at);
void fhi_value_push_size(lua_State *L, uint64_t size);    /* nil above 2^63-1 */
void fhi_value_push_text(lua_State *L, const char *text); /* nil for "" and NULL */
void fhi_value_push_set(lua_State *L, uint32_t bits, const char *const *words); /* a table */

/* What a special member of a fact is. */
typedef enum fhi_special_kind {
    FHI_SPECIAL_NIL = 0,
    FHI_SPECIAL_WORD,
    FHI_SPECIAL_PLACE,
    FHI_SPECIAL_TAG,
    FHI_SPECIAL_ACCOUNT /* the member's `of` */
} fhi_special_kind;

typedef struct fhi_special {
    fhi_special_kind kind;
    const char *word;
    uint32_t number; /* PLACE, from 1; TAG */
    const fh_account *account;
} fhi_special;

void fhi_value_special(const fhi_shape *shape, const fhi_member *member, const void *data,
                       fhi_special *out);

/* The name of a tag, or nil. */
void fhi_value_push_tag(lua_State *L, const fhi_facts_scope *scope, fh_tag tag);

/* ---- in ---- */

/* Read the value at `index` (not relative) to `at`; types as above, and sets. Raises. */
void fhi_value_read(lua_State *L, int index, const fhi_member *member, const fhi_path *path,
                    void *at);

/* The position of the word at `index`. Raises. */
uint32_t fhi_value_word(lua_State *L, int index, const char *const *words, const fhi_path *path);

/* A byte value, or raises. */
uint64_t fhi_value_size(lua_State *L, int index, const fhi_path *path);

/* A name that may be shown to people: 1 to FHI_NAME_MAX bytes of UTF-8, no control characters. */
const char *fhi_value_name(lua_State *L, int index, const fhi_path *path);

/* How many entries the list at `index` has; `most` at most, no holes, nothing besides. Raises. */
uint32_t fhi_value_list(lua_State *L, int index, uint32_t most, const fhi_path *path);

/* ---- tables of fields ---- */

/* Read the table at `index`, raw: the value of each member that is there is pushed. Raises for
 * other keys, and where required ones are missing. The stack has room for FHI_FIELDS_STACK. */
typedef struct fhi_fields {
    uint32_t seen;               /* bit n: member n is there */
    int values[FHI_MEMBERS_MAX]; /* their indices */
} fhi_fields;

void fhi_value_fields(lua_State *L, int index, const fhi_shape *shape, const fhi_path *path,
                      fhi_fields *out);

#endif
