/* A box with a counted host under it, which runs texts and keeps what they answered. Only test_*.c
 * files include this. */

#ifndef FREEHOLD_TESTS_BOX_RIG_H
#define FREEHOLD_TESTS_BOX_RIG_H

#include "checks.h"

#include "sandbox/box.h"
#include "sandbox/env.h"
#include "sandbox/format.h"

#include <stdlib.h>
#include <string.h>

typedef struct rig {
    test_memory memory;
    fhi_engine_host host;
    fhi_box box;
    fhi_report report; /* of the last run */
    char answer[512];  /* the first value that it returned, as text */
    unsigned int log_count;
    char log[256];    /* the last line */
    int function_ref; /* what runs */
} rig;

static inline void rig_log(void *context, fh_log_level level, const char *line)
{
    rig *r = context;
    (void)level;
    r->log_count++;
    snprintf(r->log, sizeof r->log, "%s", line);
}

static inline void rig_prepare(rig *r)
{
    memset(r, 0, sizeof *r);
    test_memory_init(&r->memory);
    r->host = (fhi_engine_host){.memory = r->memory.host, .context = r, .log = rig_log};
}

static inline int rig_open(void **state)
{
    rig *r = malloc(sizeof *r);
    if (r == NULL) {
        return -1;
    }
    rig_prepare(r);
    *state = r;
    return fhi_box_init(&r->box, &r->host, NULL) ? 0 : -1;
}

static inline int rig_close(void **state)
{
    rig *r = *state;
    fhi_box_finish(&r->box);
    fhi_box_finish(&r->box);
    test_memory_finish(&r->memory);
    free(r);
    return 0;
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, rig_open, rig_close)

/* A body: call the function, keep what it returns. */
static inline int rig_body(lua_State *L)
{
    rig *r = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->function_ref);
    fhi_box_call(L, 0, 1);
    fhi_format_value(L, -1);
    snprintf(r->answer, sizeof r->answer, "%s", lua_tostring(L, -1));
    return 0;
}

/* Call again what was called last. */
static inline fh_outcome rig_again(rig *r)
{
    r->answer[0] = '\0';
    return fhi_box_run(&r->box, rig_body, r, FHI_CHARGE_HOOK, &r->report);
}

/* A body: the text's own answer, a function, becomes what is called. */
static inline int rig_take_body(lua_State *L)
{
    rig *r = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->function_ref);
    fhi_box_call(L, 0, 1);
    luaL_checktype(L, -1, LUA_TFUNCTION);
    lua_rawseti(L, LUA_REGISTRYINDEX, r->function_ref);
    return 0;
}

static inline bool rig_compile(rig *r, const char *text)
{
    if (r->function_ref != 0) {
        luaL_unref(r->box.L, LUA_REGISTRYINDEX, r->function_ref);
        r->function_ref = 0;
    }
    if (!fhi_box_compile(&r->box, text, strlen(text), "test.lua", &r->report)) {
        return false;
    }
    r->function_ref = luaL_ref(r->box.L, LUA_REGISTRYINDEX);
    return true;
}

/* Compile a text and run it. */
static inline fh_outcome rig_run(rig *r, const char *text)
{
    r->answer[0] = '\0';
    return rig_compile(r, text) ? rig_again(r) : FH_OUTCOME_FAILED;
}

/* The text returns a function, which rig_again() calls from then on. */
static inline void rig_hook(rig *r, const char *text)
{
    if (!rig_compile(r, text) ||
        fhi_box_run(&r->box, rig_take_body, r, FHI_CHARGE_LOAD, &r->report) != FH_OUTCOME_DECIDED) {
        fail_msg("%s: %s", text, r->report.text);
    }
}

/* The same, for what takes next to no time. Stopped by the clock all the same it is run again: the
 * clock of a thread may count what another machine took from this virtual one. */
static inline fh_outcome rig_run_short(rig *r, const char *text)
{
    fh_outcome outcome = rig_run(r, text);
    for (int again = 0; again < 4 && outcome == FH_OUTCOME_STOPPED &&
                        strstr(r->report.text, "its time is used up") != NULL;
         again++) {
        outcome = rig_run(r, text);
    }
    return outcome;
}

static inline void rig_answers(rig *r, const char *text, const char *expected)
{
    if (rig_run_short(r, text) != FH_OUTCOME_DECIDED) {
        fail_msg("%s: %s", text, r->report.text);
    }
    if (strcmp(r->answer, expected) != 0) {
        fail_msg("%s: \"%s\" is not \"%s\"", text, r->answer, expected);
    }
}

/* The text fails, and the report has `words` in it. */
static inline void rig_fails(rig *r, const char *text, const char *words)
{
    if (rig_run_short(r, text) != FH_OUTCOME_FAILED) {
        fail_msg("%s: did not fail: %s%s", text, r->answer, r->report.text);
    }
    if (strstr(r->report.text, words) == NULL) {
        fail_msg("%s: \"%s\" does not have \"%s\"", text, r->report.text, words);
    }
}

static inline void rig_stops(rig *r, const char *text)
{
    if (rig_run(r, text) != FH_OUTCOME_STOPPED) {
        fail_msg("%s: was not stopped: %s%s", text, r->answer, r->report.text);
    }
}

#endif
