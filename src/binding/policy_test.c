/* A policy that passes a test decides the same when it is in charge, because the engine is asked
 * here as the core asks it. The engine runs scripts in Lua states of its own and calls nothing in
 * ours, so nothing of Lua's happens in the middle of a hook. Tags get numbers as they come up;
 * every pool that is named exists. */

#include "binding/policy_test.h"

#include "base/host.h"
#include "binding/check.h"
#include "binding/contract.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/policy.h"
#include "binding/policy_state.h"
#include "binding/policy_status.h"
#include "binding/profile.h"
#include "binding/result.h"
#include "sandbox/state.h"
#include "script/open.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the engine asks of its host ---- */

/* The place of that name, which is made when it is new. -1: no room, or no name. */
static int place_of(fhi_test_names *self, const char *name)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (strcmp(self->list[i], name) == 0) {
            return (int)i;
        }
    }
    size_t size = strlen(name) + 1;
    if (self->count == FHI_TEST_NAMES || size == 1 || size > sizeof self->list[0]) {
        return -1;
    }
    memcpy(self->list[self->count], name, size);
    return (int)self->count++;
}

fh_tag fhi_test_tag(void *context, const char *name)
{
    fhi_lua_policy_test *self = context;
    return (fh_tag)(place_of(&self->tags, name) + 1);
}

const char *fhi_test_tag_name(void *context, fh_tag tag)
{
    const fhi_lua_policy_test *self = context;
    return tag > 0 && tag <= self->tags.count ? self->tags.list[tag - 1] : "";
}

static fh_pool *pool_of(void *context, const char *name)
{
    fhi_lua_policy_test *self = context;
    int place = place_of(&self->pools, name);
    return place >= 0 ? (fh_pool *)(void *)self->pools.list[place] : NULL;
}

static void write_log(void *context, fh_log_level level, const char *line)
{
    fhi_lua_policy_test *self = context;
    fhi_test_log *log = &self->log;
    size_t size = strlen(line) + 1;
    (void)level;
    char *copy = log->count < FHI_TEST_LINES ? malloc(size) : NULL;
    if (copy != NULL) {
        log->lines[log->count++] = memcpy(copy, line, size);
    }
}

void fhi_test_log_forget(fhi_test_log *log)
{
    while (log->count > 0) {
        free(log->lines[--log->count]);
    }
}

static fh_result read_base(void *context, const char *from, const char *name, char *out_text,
                           size_t *out_size, char *out_path, fhi_report *out_report)
{
    fhi_lua_policy_test *self = context;
    return fhi_source_extend(&self->sources, from, name, out_text, out_size, out_path, out_report);
}

/* ---- from beginning to end ---- */

fhi_lua_policy_test *fhi_check_policy_test(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "test", &fhi_policy_test_class);
}

int fhi_push_test_closed(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "test: is closed");
}

static int test_finish(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    if (self->version != NULL) {
        self->engine->destroy(self->version);
        self->version = NULL;
    }
    fhi_test_log_forget(&self->log);
    return 0;
}

static int test_close(lua_State *L)
{
    bool was_open = fhi_check_policy_test(L)->version != NULL;
    test_finish(L);
    lua_pushboolean(L, was_open);
    return 1;
}

/* Unused by all, of a device with these heaps. */
static void set_heaps(fhi_lua_policy_test *self, const fh_profile *profile)
{
    fh_facts *facts = &self->facts;
    facts->heap_count = profile->heap_count;
    for (uint32_t i = 0; i < profile->heap_count; i++) {
        uint64_t size = profile->heaps[i].size;
        uint64_t budget = profile->os_budget[i] != 0 ? profile->os_budget[i] : size / 5 * 4;
        facts->heaps[i] = (fh_heap_facts){
            .size = size,
            .limit = budget,
            .os_budget = budget,
            .os_usage = profile->os_unaccounted[i],
            .unaccounted = profile->os_unaccounted[i],
            .headroom = budget,
            .device_local = profile->heaps[i].device_local,
        };
    }
    self->type_mask =
        profile->type_count < 32 ? (UINT32_C(1) << profile->type_count) - 1 : UINT32_MAX;
}

enum {
    SLOT_OPTIONS,
    SLOT_STATE,
    SLOT_FACTS,
    SLOT_PROFILE,
    SLOT_COUNT
};

static const fhi_field option_fields[] = {
    {"options", FHI_FIELD_VALUE, 0, SLOT_OPTIONS, NULL},
    {"state", FHI_FIELD_VALUE, 0, SLOT_STATE, NULL},
    {"facts", FHI_FIELD_VALUE, 0, SLOT_FACTS, NULL},
    {"profile", FHI_FIELD_VALUE, 0, SLOT_PROFILE, NULL},
    FHI_FIELDS_END,
};

/* Put the facts of the table at `index` over those that are there. What follows from others
 * follows, unless it is said. */
static void read_facts(lua_State *L, fhi_lua_policy_test *self, int index)
{
    fh_facts facts = self->facts;
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        facts.heaps[i].headroom = facts.heaps[i].unaccounted = UINT64_MAX;
    }
    uint64_t used = facts.used;
    facts.used = UINT64_MAX;
    fhi_facts_read_table(L, index, &fhi_shape_facts, &facts, fhi_test_tag, self);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < facts.heap_count; i++) {
        fh_heap_facts *heap = &facts.heaps[i];
        if (heap->headroom == UINT64_MAX && heap->limit != FH_NO_LIMIT) {
            heap->headroom = heap->limit > heap->used ? heap->limit - heap->used : 0;
        }
        if (heap->unaccounted == UINT64_MAX) {
            heap->unaccounted = heap->os_usage > heap->used ? heap->os_usage - heap->used : 0;
        }
        sum += heap->used;
    }
    if (facts.used == UINT64_MAX) {
        facts.used = sum != 0 ? sum : used;
    }
    self->facts = facts;
}

/* The engine said no, and why. */
int fhi_push_report(lua_State *L, fh_result result, const fhi_report *report)
{
    return fhi_push_failure_of(L, result, "%s",
                               report->text[0] != '\0' ? report->text : fh_result_message(result));
}

/* The script's text, at the top of the stack; its name is `out_name`. Returns 0, or 3. */
static int read_text(lua_State *L, fhi_sources *sources, fh_policy_source *source,
                     const char **out_name)
{
    *out_name = source->name != NULL ? source->name : "policy";
    if (source->text != NULL) {
        return 0;
    }
    char *text = lua_newuserdatauv(L, FHI_SOURCE_MAX, 0);
    fhi_report report = {""};
    fh_result result = fhi_source_read(sources, source->path, text, &source->text_size, &report);
    if (result != FH_OK) {
        return fhi_push_report(L, result, &report);
    }
    source->text = text;
    *out_name = source->path;
    return 0;
}

/* Options, state and facts of the test on top, from the slots. Returns 0, or 3. */
static int prepare(lua_State *L, fhi_lua_policy_test *self, int slots, int anchors)
{
    uint32_t count;
    fhi_report report = {""};
    fh_policy_setting *settings = fhi_push_settings(L, slots + SLOT_OPTIONS, 2, anchors, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!self->engine->set_option(self->version, settings[i].name, settings[i].value,
                                      &report)) {
            return fhi_push_report(L, FH_ERR_INVALID, &report);
        }
    }
    if (!lua_isnil(L, slots + SLOT_STATE)) {
        fhi_state *state = lua_newuserdatauv(L, sizeof *state, 0);
        fhi_read_state(L, slots + SLOT_STATE, 2, "field 'state'", state);
        if (!self->engine->state_restore(self->version, state)) {
            return fhi_push_failure_of(L, FH_ERR_INVALID, "state: the script cannot have it");
        }
    }
    if (!lua_isnil(L, slots + SLOT_FACTS)) {
        read_facts(L, self, slots + SLOT_FACTS);
    }
    return 0;
}

/* fh.policy_test(script, options) */
int fhi_policy_test(lua_State *L)
{
    fh_policy_source source;
    fhi_lua_profile profile = {.profile = {.name = NULL}};
    char nothing = 0;
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    lua_settop(L, 2 + SLOT_COUNT);
    lua_newtable(L);
    int slots = 3, anchors = lua_gettop(L);
    fhi_read_source(L, 1, 1, "script", anchors, &source);
    int failed = fhi_read_fields(L, 2, 2, option_fields, slots, &nothing);
    if (lua_isnil(L, slots + SLOT_PROFILE)) {
        profile.profile = *fh_profile_find("discrete-8g");
    } else if (failed == 0) {
        failed = fhi_read_profile(L, slots + SLOT_PROFILE, 2, "field 'profile'", &profile);
    }
    if (failed != 0) {
        return failed;
    }
    fhi_contract_open(L);
    fhi_lua_policy_test *self = fhi_object_new(L, &fhi_policy_test_class, sizeof *self, 0);
    int object = lua_gettop(L);
    self->facts = (fh_facts){.frame = 1, .now_ns = 1000000000, .limit = FH_NO_LIMIT};
    set_heaps(self, &profile.profile);
    fh_result result = fhi_engine_open(&self->engine);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    const char *name = NULL;
    failed = read_text(L, &self->sources, &source, &name);
    if (failed != 0) {
        return failed;
    }
    fhi_host_memory_resolve(NULL, &self->host.memory);
    self->host.context = self;
    self->host.log = write_log;
    self->host.tag = fhi_test_tag;
    self->host.tag_name = fhi_test_tag_name;
    self->host.pool = pool_of;
    self->host.read = read_base;
    fhi_path_text shown = fhi_path_shown(name);
    fhi_version_desc desc = {.text = source.text,
                             .size = source.text_size,
                             .name = source.path != NULL ? shown.text : name};
    fhi_report report = {""};
    self->version = self->engine->create(&self->host, &desc, &report);
    if (self->version == NULL) {
        return fhi_push_report(L, FH_ERR_SCRIPT, &report);
    }
    failed = prepare(L, self, slots, anchors);
    if (failed != 0) {
        return failed;
    }
    lua_settop(L, object);
    return 1;
}

/* ---- state ---- */

/* test:migrate(old_state, old_version): the new state */
static int test_migrate(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    uint32_t version = 1;
    lua_settop(L, 3);
    fhi_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    fhi_read_state(L, 2, 2, "old_state", state);
    int failed = lua_isnil(L, 3) ? 0 : fhi_read_count(L, 3, 3, "old_version", &version);
    if (failed != 0) {
        return failed;
    }
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    fhi_report report = {""};
    fhi_call call = {.report = &report};
    fhi_test_log_forget(&self->log);
    if (!self->engine->migrate(self->version, state, version, &call)) {
        return fhi_push_report(L, FH_ERR_SCRIPT, &report);
    }
    if (!self->engine->state_save(self->version, state)) {
        return fhi_push_failure_of(L, FH_ERR_HOST_MEMORY, "state: no memory");
    }
    fhi_state_push_plain(L, state);
    fhi_push_call_info(L, self, &call);
    return 2;
}

static int test_state(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    fhi_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    if (!self->engine->state_save(self->version, state)) {
        return fhi_push_failure_of(L, FH_ERR_HOST_MEMORY, "state: no memory");
    }
    fhi_state_push_plain(L, state);
    return 1;
}

static int test_set_state(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    lua_settop(L, 2);
    fhi_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    fhi_read_state(L, 2, 2, "state", state);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    if (!self->engine->state_restore(self->version, state)) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "state: the script cannot have it");
    }
    return fhi_push_done(L, FH_OK);
}

/* ---- the rest ---- */

/* test:facts { used = … } */
static int test_facts(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    fhi_check_table(L, 2, "facts");
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    read_facts(L, self, 2);
    return fhi_push_done(L, FH_OK);
}

static int test_set(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    const char *name = fhi_check_text(L, 2, 2, "name");
    if (lua_isnone(L, 3)) {
        luaL_argerror(L, 3, "value: a value expected, or nil for the default");
    }
    const char *value = lua_isnil(L, 3) ? NULL : fhi_push_setting(L, 3, 3, "value");
    fhi_report report = {""};
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    if (!self->engine->set_option(self->version, name, value, &report)) {
        return fhi_push_report(L, FH_ERR_INVALID, &report);
    }
    return fhi_push_done(L, FH_OK);
}

static int test_options(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    fh_option_info option;
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    uint32_t count = self->engine->option_count(self->version);
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        memset(&option, 0, sizeof option);
        self->engine->option(self->version, i, &option);
        fhi_push_option(L, &option);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int test_notes(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    fhi_push_lines(L, self->engine->notes(self->version));
    return 1;
}

static int test_name(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    lua_pushstring(L, self->engine->name(self->version));
    return 1;
}

static int test_hooks(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    fhi_push_flags(L, self->engine->hooks(self->version), fhi_hook_names);
    return 1;
}

static int test_memory(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    lua_pushinteger(L, (lua_Integer)self->engine->memory(self->version));
    return 1;
}

static int test_tostring(lua_State *L)
{
    const fhi_lua_policy_test *self = fhi_check_policy_test(L);
    lua_pushfstring(L, "freehold.policy_test (%s)",
                    self->version != NULL ? self->engine->name(self->version) : "closed");
    return 1;
}

static const luaL_Reg methods[] = {
    {"alias", fhi_test_alias},
    {"close", test_close},
    {"defrag", fhi_test_defrag},
    {"evict", fhi_test_evict},
    {"facts", test_facts},
    {"frame", fhi_test_frame},
    {"hooks", test_hooks},
    {"limits", fhi_test_limits},
    {"memory", test_memory},
    {"migrate", test_migrate},
    {"name", test_name},
    {"notes", test_notes},
    {"options", test_options},
    {"place", fhi_test_place},
    {"pressure", fhi_test_pressure},
    {"recycle", fhi_test_recycle},
    {"relieve", fhi_test_relieve},
    {"retain", fhi_test_retain},
    {"set", test_set},
    {"set_state", test_set_state},
    {"state", test_state},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", test_finish},
    {"__gc", test_finish},
    {"__tostring", test_tostring},
    {NULL, NULL},
};

const fhi_class fhi_policy_test_class = {"freehold.policy_test", methods, metamethods, NULL, NULL};
