/* Runs a Lua scenario again and again, and lets memory run out at the 1st, the 2nd, the 3rd ...
 * allocation, until the scenario succeeds: once for Lua's own memory, once for what the core takes
 * from the C library. After each failure the scenario's audit() must find everything in order, and
 * after lua_close() nothing may be left. memory_spec.lua compiles this, links it to Lua, to the
 * binding and with --wrap for the core's allocations, and runs it; with the sanitizers, when those
 * are in.
 *
 *     memory_host scenario.lua        prints how many failures each kind took */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int luaopen_freehold(lua_State *L);

/* What counts: `left` allocations succeed, then none. */
typedef struct budget {
    bool limited;
    long left;
    long live; /* bytes or pieces that were not given back */
} budget;

static budget lua_memory, core_memory;

static bool spend(budget *self)
{
    if (!self->limited) {
        return true;
    }
    if (self->left == 0) {
        return false;
    }
    self->left--;
    return true;
}

/* Giving back and shrinking must always succeed, or Lua is broken and not short of memory. */
static void *allocate_for_lua(void *context, void *memory, size_t old_size, size_t new_size)
{
    budget *self = context;
    size_t held = memory == NULL ? 0 : old_size;
    if (new_size == 0) {
        free(memory);
        self->live -= (long)held;
        return NULL;
    }
    if (new_size > held && !spend(self)) {
        return NULL;
    }
    void *moved = realloc(memory, new_size);
    if (moved != NULL) {
        self->live += (long)new_size - (long)held;
    }
    return moved;
}

/* The linker's names for --wrap. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return spend(&core_memory) ? __real_malloc(size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return spend(&core_memory) ? __real_aligned_alloc(alignment, size) : NULL;
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

static void fail(const char *what, const char *kind, long round, lua_State *L)
{
    fprintf(stderr, "%s, when %s memory ran out after %ld allocations: %s\n", what, kind, round,
            L != NULL && lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
    exit(EXIT_FAILURE);
}

/* One run with `left` allocations of one kind. Whether the scenario succeeded. */
static bool run(const char *scenario, budget *limit, const char *kind, long left)
{
    memset(&lua_memory, 0, sizeof lua_memory);
    memset(&core_memory, 0, sizeof core_memory);
    lua_State *L = lua_newstate(allocate_for_lua, &lua_memory);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_freehold);
    lua_setfield(L, -2, "freehold");
    lua_settop(L, 0);
    if (luaL_dofile(L, scenario) != LUA_OK) { /* returns run, audit */
        fail("the scenario is broken", kind, left, L);
    }

    lua_pushvalue(L, 1);
    limit->limited = true;
    limit->left = left;
    int status = lua_pcall(L, 0, 0, 0);
    limit->limited = false;
    if (status != LUA_OK && status != LUA_ERRMEM &&
        strcmp(luaL_tolstring(L, -1, NULL), "host_memory") != 0) {
        fail("another error came up", kind, left, L);
    }
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_pushboolean(L, status == LUA_OK);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        fail("the audit failed", kind, left, L);
    }
    lua_close(L);
    if (lua_memory.live != 0) {
        fail("memory of Lua is left", kind, left, NULL);
    }
    return status == LUA_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: memory_host scenario.lua\n");
        return EXIT_FAILURE;
    }
    long lua_failures = 0, core_failures = 0;
    while (!run(argv[1], &lua_memory, "Lua's", lua_failures)) {
        lua_failures++;
    }
    while (!run(argv[1], &core_memory, "the core's", core_failures)) {
        core_failures++;
    }
    printf("%ld %ld\n", lua_failures, core_failures);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
