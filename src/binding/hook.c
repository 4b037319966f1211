/* A hook is kept in a table of its world, and not in the registry: what the registry keeps is never
 * collected, and a function that mentions its own device would keep that open for ever. A cycle of
 * device, world, hook and function is collected as a whole. */

#include "binding/hook.h"

#include <string.h>

void *fhi_hook_new(lua_State *L, int index, fhi_lua_world *world, size_t size, const fhi_class *of,
                   const char *what)
{
    fhi_hook *self = of != NULL ? fhi_object_new(L, of, size, FHI_HOOK_VALUES)
                                : lua_newuserdatauv(L, size, FHI_HOOK_VALUES);
    memset(self, 0, size);
    self->world = world;
    self->what = what;
    fhi_world_push_from(L, index, FHI_WORLD_HOOKS);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, self);
    lua_pop(L, 1);
    return self;
}

void fhi_hook_push(lua_State *L, const fhi_hook *hook)
{
    fhi_world_push(L, hook->world, FHI_WORLD_HOOKS);
    lua_rawgetp(L, -1, hook);
    lua_remove(L, -2);
}

/* With the table of hooks on top, which is popped. Setting a key that is there to nil needs no
 * memory. */
static void drop(lua_State *L, const fhi_hook *hook)
{
    if (lua_rawgetp(L, -1, hook) != LUA_TNIL) {
        lua_pushnil(L);
        lua_rawsetp(L, -3, hook);
    }
    lua_pop(L, 2);
}

void fhi_hook_drop_from(lua_State *L, int index, const fhi_hook *hook)
{
    fhi_world_push_from(L, index, FHI_WORLD_HOOKS);
    drop(L, hook);
}

void fhi_hook_drop(lua_State *L, const fhi_hook *hook)
{
    fhi_world_push(L, hook->world, FHI_WORLD_HOOKS);
    drop(L, hook);
}

static int drop_body(lua_State *L)
{
    fhi_hook_drop(L, lua_touserdata(L, 1));
    return 0;
}

static void drop_now(fhi_notice *notice)
{
    fhi_hook *hook = (fhi_hook *)(void *)notice;
    fhi_world_call(hook->world, drop_body, hook, hook->what);
}

void fhi_hook_release(fhi_hook *hook)
{
    if (fhi_world_is_here(hook->world)) {
        drop_now(&hook->notice);
    } else {
        fhi_hook_release_later(hook);
    }
}

void fhi_hook_release_later(fhi_hook *hook)
{
    hook->notice.deliver = drop_now;
    fhi_world_post(hook->world, &hook->notice);
}

static int run_body(lua_State *L)
{
    const fhi_hook *hook = lua_touserdata(L, 1);
    fhi_hook_push(L, hook);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    int object = lua_gettop(L);
    fhi_hook_drop(L, hook);
    lua_getiuservalue(L, object, 1);
    lua_getiuservalue(L, object, 2);
    lua_call(L, 1, 0);
    return 0;
}

static void deliver(fhi_notice *notice)
{
    fhi_hook *hook = (fhi_hook *)(void *)notice;
    fhi_world_call(hook->world, run_body, hook, hook->what);
}

void fhi_hook_run_once(void *context)
{
    fhi_hook *hook = context;
    if (fhi_world_is_here(hook->world)) {
        fhi_world_call(hook->world, run_body, hook, hook->what);
        return;
    }
    hook->notice.deliver = deliver;
    fhi_world_post(hook->world, &hook->notice);
}
