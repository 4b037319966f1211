/* Policies without a device, for tests of them: one version of a script in the engine, facts that
 * the test makes up, and the core's questions, by the same structs. */

#ifndef BINDING_POLICY_TEST_H
#define BINDING_POLICY_TEST_H

#include "binding/class.h"
#include "sandbox/facts.h"
#include "script/engine.h"
#include "script/source.h"

enum {
    FHI_TEST_NAMES = 256,
    FHI_TEST_LINES = 256
};

/* Names of tags, or of pools; each has a place of its own. */
typedef struct fhi_test_names {
    uint32_t count;
    char list[FHI_TEST_NAMES][64];
} fhi_test_names;

/* What a script writes with log(). */
typedef struct fhi_test_log {
    uint32_t count;
    char *lines[FHI_TEST_LINES];
} fhi_test_log;

/* The full userdata behind a test. */
typedef struct fhi_lua_policy_test {
    const fhi_engine *engine;
    fhi_version *version; /* NULL: closed, or never there */
    fhi_engine_host host;
    fh_facts facts;
    uint32_t type_mask;  /* of requests that say nothing else */
    fhi_test_names tags; /* the first is tag 1 */
    fhi_test_names pools;
    fhi_test_log log;    /* of the call that ran last */
    fhi_sources sources; /* files that the script is made of */
} fhi_lua_policy_test;

extern const fhi_class fhi_policy_test_class;

/* fh.policy_test(script, options) */
int fhi_policy_test(lua_State *L);

/* The test at index 1; raises when there is something else. */
fhi_lua_policy_test *fhi_check_policy_test(lua_State *L);

/* Push nil, message and "stale", of a test that was closed. Returns 3. */
int fhi_push_test_closed(lua_State *L);

/* Push nil, what the engine had to say, and the code. Returns 3. */
int fhi_push_report(lua_State *L, fh_result result, const fhi_report *report);

/* The number of a tag, which is made when it is new; its name, "" for none. The context is a
 * test. */
fh_tag fhi_test_tag(void *context, const char *name);
const char *fhi_test_tag_name(void *context, fh_tag tag);

void fhi_test_log_forget(fhi_test_log *log);

/* ---- policy_ask.c ---- */

/* Push what there is to say about a call. */
void fhi_push_call_info(lua_State *L, fhi_lua_policy_test *self, const fhi_call *call);

/* Methods of a test. */
int fhi_test_place(lua_State *L);
int fhi_test_relieve(lua_State *L);
int fhi_test_limits(lua_State *L);
int fhi_test_frame(lua_State *L);
int fhi_test_pressure(lua_State *L);
int fhi_test_retain(lua_State *L);
int fhi_test_recycle(lua_State *L);
int fhi_test_evict(lua_State *L);
int fhi_test_alias(lua_State *L);
int fhi_test_defrag(lua_State *L);

#endif
