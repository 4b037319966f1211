/* A plain Lua state with facts and decisions in it, for tests of the two: what runs in it is ours,
 * so it needs no sandbox. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_LUA_RIG_H
#define FREEHOLD_TESTS_LUA_RIG_H

#include "checks.h"
#include "sandbox/decision.h"
#include "sandbox/facts.h"
#include "sandbox/lua54.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rig {
    lua_State *L;
    fhi_facts_scope scope;
    fhi_decision_reader reader;
    uint32_t tag_count;
    char tags[8][64]; /* tag n is tags[n - 1] */
    char error[1024]; /* "" = there was none */
} rig;

static inline const char *rig_tag_name(void *context, fh_tag tag)
{
    rig *self = context;
    return tag > 0 && tag <= self->tag_count ? self->tags[tag - 1] : "";
}

/* In the order in which they are asked for; the ninth is one too many. */
static inline fh_tag rig_tag(void *context, const char *name)
{
    rig *self = context;
    for (uint32_t i = 0; i < self->tag_count; i++) {
        if (strcmp(self->tags[i], name) == 0) {
            return i + 1;
        }
    }
    if (self->tag_count == 8) {
        return 0;
    }
    snprintf(self->tags[self->tag_count], sizeof self->tags[0], "%s", name);
    return ++self->tag_count;
}

/* There is one pool, and its address is the rig's. */
static inline fh_pool *rig_pool(void *context, const char *name)
{
    return strcmp(name, "ring") == 0 ? (fh_pool *)context : NULL;
}

static inline const char *rig_pool_name(void *context, const fh_pool *pool)
{
    return pool == (const fh_pool *)context ? "ring" : "";
}

static inline int rig_setup(void **state)
{
    rig *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->L = luaL_newstate();
    assert_non_null(self->L);
    luaL_openlibs(self->L);
    self->scope.context = self->reader.context = self;
    self->scope.tag_name = rig_tag_name;
    self->scope.pool_name = rig_pool_name;
    self->reader.tag = rig_tag;
    self->reader.pool = rig_pool;
    fhi_facts_register(self->L, &self->scope);
    fhi_decision_register(self->L);
    *state = self;
    return 0;
}

static inline int rig_teardown(void **state)
{
    rig *self = *state;
    lua_close(self->L);
    free(self);
    return 0;
}

/* Runs `text` with what lies on the stack as `...`; its results are on the stack, or the stack is
 * empty and the error is kept. */
static inline bool rig_run(rig *self, const char *text)
{
    lua_State *L = self->L;
    int arguments = lua_gettop(L);
    self->error[0] = '\0';
    if (luaL_loadbuffer(L, text, strlen(text), "=script") != LUA_OK) {
        fail_msg("%s", lua_tostring(L, -1));
    }
    lua_insert(L, 1);
    if (lua_pcall(L, arguments, LUA_MULTRET, 0) != LUA_OK) {
        snprintf(self->error, sizeof self->error, "%s", lua_tostring(L, -1));
        lua_settop(L, 0);
        return false;
    }
    return true;
}

/* The error names all that is between the bars: "size|-1". */
static inline void rig_check_error(const rig *self, const char *parts)
{
    for (const char *at = parts; *at != '\0';) {
        char part[128];
        size_t size = strcspn(at, "|");
        snprintf(part, sizeof part, "%.*s", (int)size, at);
        if (strstr(self->error, part) == NULL) {
            fail_msg("\"%s\" does not name \"%s\"", self->error, part);
        }
        at += size + (at[size] == '|');
    }
}

#endif
