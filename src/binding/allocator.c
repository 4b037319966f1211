/* An allocator in Lua is a table of functions. Those it has are put into a table of operations; for
 * the rest the core does as if there were no allocator.
 *
 * A handle that alloc_buffer and the like return gives its reference away: the parcel goes to
 * whoever asked the alias. So `return base:buffer(desc)` is an allocator that changes nothing, and
 * one that keeps parcels to hand out again returns `parcel:acquire()`.
 *
 * Where Lua cannot run (another OS thread), parcels come from the device under the alias, and
 * notices wait. */

#include "binding/allocator.h"

#include "base/error.h"
#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/names.h"
#include "binding/parcel.h"
#include "binding/request.h"
#include "binding/result.h"

#include <freehold/account.h>
#include <freehold/allocator.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fhi_lua_allocator {
    fhi_hook hook; /* user value 1 is the table of functions, 2 the device under the alias */
    fhi_lua_device *base;
    fh_allocator_ops ops;
    char name[64];
    uint64_t allocated, budget; /* as the functions last said */
} fhi_lua_allocator;

/* Push the function of that name, then the device under the alias. */
static void push_function(lua_State *L, const fhi_lua_allocator *self, const char *name)
{
    fhi_hook_push(L, &self->hook);
    int object = lua_gettop(L);
    lua_getiuservalue(L, object, 1);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
    lua_getiuservalue(L, object, 2);
    lua_remove(L, object);
}

/* A call of a body in which the device under the alias can be used, though it may be closed. */
static bool call_lent(fhi_lua_allocator *self, lua_CFunction body, void *argument)
{
    self->base->lent++;
    bool done = fhi_world_call(self->hook.world, body, argument, self->hook.what);
    self->base->lent--;
    return done;
}

/* ---- making parcels ---- */

typedef struct allocation {
    fhi_lua_allocator *allocator;
    fh_device *base;
    const char *function;
    fh_kind kind;
    const void *desc;
    const fh_memory_desc *memory;
    fh_result result;
    fh_parcel parcel;
} allocation;

/* function base description */
static void push_desc(lua_State *L, const allocation *self)
{
    const fhi_lua_world *world = self->allocator->hook.world;
    const char *tag = fh_device_tag_name(self->base, self->memory->tag);
    tag = tag != NULL ? tag : "";
    if (self->kind == FH_KIND_BUFFER) {
        fhi_push_buffer_desc(L, world, self->desc, tag);
    } else if (self->kind == FH_KIND_TEXTURE) {
        fhi_push_texture_desc(L, world, self->desc, tag);
    } else {
        fhi_push_raw_desc(L, world, self->desc, tag);
    }
}

/* What the function returned is at `first` and after: a parcel; or nil, and perhaps a message and a
 * code. */
static void take_result(lua_State *L, allocation *self, int base, int first)
{
    const fhi_lua_allocator *allocator = self->allocator;
    const fhi_lua_parcel *parcel = fhi_object_at(L, first, &fhi_parcel_class);
    if (parcel != NULL && parcel->world == allocator->hook.world && parcel->parcel.id != 0) {
        self->parcel = fhi_parcel_take(L, base, first);
        self->result = FH_OK;
        return;
    }
    if (!lua_isnil(L, first)) {
        const char *got =
            parcel != NULL ? "one that is released or of another device" : luaL_typename(L, first);
        self->result = fhi_fail_print(
            FH_ERR_SCRIPT, "the allocator \"%s\": %s must return a parcel or nil, got %s",
            allocator->name, self->function, got);
        return;
    }
    self->result = FH_ERR_OUT_OF_MEMORY;
    if (lua_type(L, first + 2) == LUA_TSTRING) {
        self->result = fhi_result_of(lua_tostring(L, first + 2), FH_ERR_OUT_OF_MEMORY);
    }
    if (self->result == FH_OK) {
        self->result = FH_ERR_OUT_OF_MEMORY;
    }
    if (lua_type(L, first + 1) == LUA_TSTRING) {
        fhi_fail_print(self->result, "%s", lua_tostring(L, first + 1));
    } else {
        fhi_fail_print(self->result, "the allocator \"%s\" gives no %s", allocator->name,
                       fhi_kind_names[self->kind]);
    }
}

static int allocate_body(lua_State *L)
{
    allocation *self = lua_touserdata(L, 1);
    fhi_hook_push(L, &self->allocator->hook);
    lua_getiuservalue(L, -1, 2);
    int base = lua_gettop(L);
    push_function(L, self->allocator, self->function);
    push_desc(L, self);
    int status = lua_pcall(L, 2, 3, 0);
    if (status != LUA_OK) {
        const char *why = luaL_tolstring(L, -1, NULL);
        self->result = fhi_fail_print(status == LUA_ERRMEM ? FH_ERR_HOST_MEMORY : FH_ERR_SCRIPT,
                                      "the allocator \"%s\": %s", self->allocator->name, why);
        return 0;
    }
    take_result(L, self, base, base + 1);
    return 0;
}

static fh_result allocate(allocation *self, fh_parcel *out_parcel)
{
    self->result = fhi_fail_print(FH_ERR_HOST_MEMORY, "the allocator \"%s\": no memory to call %s",
                                  self->allocator->name, self->function);
    call_lent(self->allocator, allocate_body, self);
    *out_parcel = self->parcel;
    if (self->result == FH_OK && self->memory->user != NULL) {
        fh_parcel_set_user(self->base, self->parcel, self->memory->user);
    }
    return self->result;
}

static fh_result buffer_by(const char *function, void *context, fh_device *base,
                           const fh_buffer_desc *desc, fh_parcel *out_buffer)
{
    fhi_lua_allocator *self = context;
    allocation one = {.allocator = self,
                      .base = base,
                      .function = function,
                      .kind = FH_KIND_BUFFER,
                      .desc = desc,
                      .memory = &desc->memory};
    if (!fhi_world_is_here(self->hook.world) || desc->native != NULL) {
        return fh_buffer_create(base, desc, out_buffer);
    }
    return allocate(&one, out_buffer);
}

static fh_result alloc_buffer(void *context, fh_device *base, const fh_buffer_desc *desc,
                              fh_parcel *out_buffer)
{
    return buffer_by("alloc_buffer", context, base, desc, out_buffer);
}

static fh_result alloc_buffer_with_capacity(void *context, fh_device *base,
                                            const fh_buffer_desc *desc, fh_parcel *out_buffer)
{
    return buffer_by("alloc_buffer_with_capacity", context, base, desc, out_buffer);
}

static fh_result alloc_texture(void *context, fh_device *base, const fh_texture_desc *desc,
                               fh_parcel *out_texture)
{
    fhi_lua_allocator *self = context;
    allocation one = {.allocator = self,
                      .base = base,
                      .function = "alloc_texture",
                      .kind = FH_KIND_TEXTURE,
                      .desc = desc,
                      .memory = &desc->memory};
    if (!fhi_world_is_here(self->hook.world) || desc->native != NULL) {
        return fh_texture_create(base, desc, out_texture);
    }
    return allocate(&one, out_texture);
}

static fh_result alloc_raw(void *context, fh_device *base, const fh_raw_desc *desc,
                           fh_parcel *out_raw)
{
    fhi_lua_allocator *self = context;
    allocation one = {.allocator = self,
                      .base = base,
                      .function = "alloc_raw",
                      .kind = FH_KIND_RAW,
                      .desc = desc,
                      .memory = &desc->memory};
    if (!fhi_world_is_here(self->hook.world) || desc->import != NULL) {
        return fh_raw_create(base, desc, out_raw);
    }
    return allocate(&one, out_raw);
}

/* ---- notices ---- */

typedef struct news {
    fhi_notice notice;
    fhi_lua_allocator *allocator;
    bool resized;
    fh_parcel_bytes before, after; /* `before` is what was freed */
    fh_kind kind;
} news;

static void push_bytes(lua_State *L, fh_parcel_bytes bytes)
{
    lua_createtable(L, 0, 2);
    fhi_set_integer(L, "reserved", bytes.reserved);
    fhi_set_integer(L, "committed", bytes.committed);
}

static int news_body(lua_State *L)
{
    const news *self = lua_touserdata(L, 1);
    push_function(L, self->allocator, self->resized ? "notify_resized" : "notify_freed");
    lua_pop(L, 1);
    if (self->resized) {
        push_bytes(L, self->before);
        push_bytes(L, self->after);
    } else {
        lua_pushinteger(L, (lua_Integer)self->before.reserved);
        lua_pushinteger(L, (lua_Integer)self->before.committed);
    }
    lua_pushstring(L, fhi_kind_names[self->kind]);
    lua_call(L, 3, 0);
    return 0;
}

static void deliver_news(fhi_notice *notice)
{
    news *self = (news *)(void *)notice;
    call_lent(self->allocator, news_body, self);
    free(self);
}

/* Now, or, on another thread, by a copy. */
static void tell(news *self)
{
    if (fhi_world_is_here(self->allocator->hook.world)) {
        call_lent(self->allocator, news_body, self);
        return;
    }
    news *copy = malloc(sizeof *copy);
    if (copy != NULL) {
        *copy = *self;
        copy->notice.deliver = deliver_news;
        fhi_world_post(self->allocator->hook.world, &copy->notice);
    }
}

static void notify_freed(void *context, uint64_t reserved, uint64_t committed, fh_kind kind)
{
    news self = {.allocator = context, .before = {reserved, committed}, .kind = kind};
    tell(&self);
}

static void notify_resized(void *context, fh_parcel_bytes before, fh_parcel_bytes after,
                           fh_kind kind)
{
    news self = {
        .allocator = context, .resized = true, .before = before, .after = after, .kind = kind};
    tell(&self);
}

/* ---- questions and requests ---- */

typedef struct question {
    fhi_lua_allocator *allocator;
    const char *function;
    uint64_t answer;
    bool has_answer;
} question;

static int question_body(lua_State *L)
{
    question *self = lua_touserdata(L, 1);
    push_function(L, self->allocator, self->function);
    lua_pop(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    if (lua_type(L, -1) != LUA_TNUMBER || !lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0) {
        return luaL_error(L, "%s must return bytes, an integer >= 0", self->function);
    }
    self->answer = (uint64_t)lua_tointeger(L, -1);
    self->has_answer = true;
    return 0;
}

static uint64_t allocated_bytes(void *context)
{
    fhi_lua_allocator *self = context;
    question asked = {self, "allocated_bytes", 0, false};
    if (call_lent(self, question_body, &asked)) {
        self->allocated = asked.answer;
    }
    return self->allocated;
}

static uint64_t budget(void *context)
{
    fhi_lua_allocator *self = context;
    question asked = {self, "budget", 0, false};
    if (call_lent(self, question_body, &asked)) {
        self->budget = asked.has_answer ? asked.answer : FH_NO_LIMIT;
    }
    return self->budget;
}

static int request_body(lua_State *L)
{
    const question *self = lua_touserdata(L, 1);
    push_function(L, self->allocator, self->function);
    lua_call(L, 1, 0);
    return 0;
}

static void reclaim(void *context, fh_device *base)
{
    question asked = {context, "reclaim", 0, false};
    (void)base;
    call_lent(context, request_body, &asked);
}

static void drain(void *context, fh_device *base)
{
    question asked = {context, "drain", 0, false};
    (void)base;
    call_lent(context, request_body, &asked);
}

static void destroy(void *context)
{
    fhi_lua_allocator *self = context;
    fhi_hook_release(&self->hook);
}

/* ---- the alias ---- */

/* The functions that there can be, each with its operation. */
static const char *const function_names[] = {"alloc_buffer",
                                             "alloc_buffer_with_capacity",
                                             "alloc_texture",
                                             "alloc_raw",
                                             "notify_freed",
                                             "notify_resized",
                                             "allocated_bytes",
                                             "budget",
                                             "reclaim",
                                             "drain",
                                             NULL};

static bool has_function(lua_State *L, int functions, const char *name)
{
    bool has = lua_getfield(L, functions, name) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

static void set_ops(lua_State *L, int functions, fhi_lua_allocator *self)
{
    fh_allocator_ops *ops = &self->ops;
    ops->name = self->name;
    ops->destroy = destroy;
#define SET(field)                                                                                 \
    if (has_function(L, functions, #field)) {                                                      \
        ops->field = field;                                                                        \
    }
    SET(alloc_buffer)
    SET(alloc_buffer_with_capacity)
    SET(alloc_texture)
    SET(alloc_raw)
    SET(notify_freed)
    SET(notify_resized)
    SET(allocated_bytes)
    SET(budget)
    SET(reclaim)
    SET(drain)
#undef SET
}

/* Copies the functions of the table at index 2 into the one on top; the name goes into `name`. */
static void read_functions(lua_State *L, char name[64])
{
    const char *fields[sizeof function_names / sizeof function_names[0] + 1];
    int count = 0, functions = lua_gettop(L);
    for (; function_names[count] != NULL; count++) {
        fields[count] = function_names[count];
    }
    fields[count] = "name";
    fields[count + 1] = NULL;
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        int key = functions + 1, value = functions + 2;
        int field = fhi_check_field(L, key, 2, fields);
        const char *called = lua_pushfstring(L, "field '%s'", fields[field]);
        if (field == count) {
            snprintf(name, 64, "%s", fhi_check_text(L, value, 2, called));
        } else {
            if (lua_type(L, value) != LUA_TFUNCTION) {
                fhi_type_error(L, value, 2, called, "function");
            }
            lua_pushvalue(L, value);
            lua_setfield(L, functions, fields[field]);
        }
        lua_settop(L, key);
    }
    if (name[0] == '\0') {
        luaL_argerror(L, 2, "field 'name': is missing");
    }
}

int fhi_device_with_allocator_method(lua_State *L)
{
    fhi_lua_device *base = fhi_check_device(L, 1);
    char name[64] = "";
    fhi_check_table(L, 2, "allocator");
    lua_settop(L, 2);
    lua_newtable(L); /* 3 */
    read_functions(L, name);
    fhi_lua_allocator *self =
        fhi_hook_new(L, 1, base->world, sizeof *self, NULL, "an allocator"); /* 4 */
    self->base = base;
    self->budget = FH_NO_LIMIT;
    memcpy(self->name, name, sizeof name);
    set_ops(L, 3, self);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 4, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 4, 2);
    lua_getiuservalue(L, 1, 1);                            /* 5 */
    fhi_lua_device *alias = fhi_device_new(L, 5, base, 1); /* 6 */
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, base, 1);
    fh_result result = FH_ERR_STALE;
    if (device != NULL) {
        result = fh_device_with_allocator(device, &self->ops, self, &alias->device);
        if (result == FH_OK) {
            base->alias_count++;
        }
        fhi_call_end(&call);
    }
    if (result != FH_OK) {
        fhi_hook_drop_from(L, 1, &self->hook);
        return device == NULL ? fhi_push_closed(L) : fhi_push_failure(L, result);
    }
    return 1;
}

int fhi_device_allocator(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    char name[64];
    snprintf(name, sizeof name, "%s", fh_device_allocator_name(device));
    fhi_call_end(&call);
    lua_pushstring(L, name);
    return 1;
}

int fhi_device_allocated_bytes(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint64_t bytes = fh_device_allocated_bytes(device);
    fhi_call_end(&call);
    lua_pushinteger(L, (lua_Integer)bytes);
    return 1;
}

/* nil: no opinion. */
int fhi_device_budget(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint64_t bytes = fh_device_budget(device);
    fhi_call_end(&call);
    if (bytes == FH_NO_LIMIT) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, (lua_Integer)bytes);
    }
    return 1;
}
