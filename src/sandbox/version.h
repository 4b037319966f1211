/* A version of a script: what engine.h calls so. One host allocation, and its box. */

#ifndef FREEHOLD_SANDBOX_VERSION_H
#define FREEHOLD_SANDBOX_VERSION_H

#include "sandbox/decision.h"
#include "sandbox/options.h"
#include "sandbox/state.h"

enum {
    FHI_LEVELS_MAX = 8,  /* a script, and what it extends, and so on */
    FHI_PLACE_STEPS = 32 /* as policy.h has it */
};

/* A text that takes part: level 0 is the script, level 1 what it extends, and so on. A hook has the
 * `self` of the level where it stands, whose `self.base` are the hooks of the level below. */
typedef struct fhi_level {
    const char *text; /* while it is loaded */
    size_t size;
    char path[256];
    bool extended;                       /* there is a level below */
    int self_ref;                        /* in the registry, like the hooks */
    int hook_refs[FH_HOOK_COUNT];        /* as they are in force at this level; LUA_NOREF = none */
    uint32_t hook_levels[FH_HOOK_COUNT]; /* where they stand */
} fhi_level;

/* A hook, ready to be called. */
typedef struct fhi_ready_hook {
    int function_ref, self_ref;
    const struct fhi_names *input, *decision; /* of their shapes; NULL: there is none */
    bool takes_input, takes_facts;            /* it has parameters for them */
} fhi_ready_hook;

struct fhi_version {
    fh_host_memory memory; /* that it is itself in */
    fhi_box box;
    fhi_options options;
    int options_ref; /* in the registry: the proxy that is self.options */
    fhi_state_store state;
    fhi_facts_scope scope;
    const struct fhi_names *facts; /* of fh_facts */
    fhi_decision_reader reader;
    uint32_t hooks; /* bits */
    fhi_ready_hook ready[FH_HOOK_COUNT];
    bool orders_by_columns; /* `evict` is a list */
    fh_evict_order columns;
    uint64_t place_steps[FHI_PLACE_STEPS];
    uint32_t place_step_count;
    uint32_t level_count;
    uint32_t loading; /* the level whose text runs, and 1; 0: none */
    fhi_level levels[FHI_LEVELS_MAX];
    char name[64];
    char notes[512];
};

/* engine.h has what these are. */
fhi_version *fhi_version_create(const fhi_engine_host *host, const fhi_version_desc *desc,
                                fhi_report *out_report);
void fhi_version_destroy(fhi_version *version);
fh_outcome fhi_version_call(fhi_version *version, fh_hook hook, const void *input,
                            const fh_facts *facts, void *out_answer, fhi_call *call);
bool fhi_version_migrate(fhi_version *version, const fhi_state *old_state, uint32_t old_version,
                         fhi_call *call);

/* ---- while it is loaded; all of it inside of fhi_box_run() ---- */

/* Compile a level's text and run it: leaves the table that it returns, checked. False, and nothing
 * left: *out_report says why. Raises what the text raises when it runs. */
bool fhi_level_load(lua_State *L, fhi_version *version, uint32_t level, fhi_report *out_report);

/* Read the table that a level's text returned, at `index`, into the version and its level. Raises
 * what is wrong, as blame.h says. */
void fhi_level_read(lua_State *L, fhi_version *version, uint32_t level, int index);

/* Make `self` for each level, and the hooks ready. */
void fhi_levels_finish(lua_State *L, fhi_version *version);

/* extend(base, overrides), which runs `base` at the next level: pushes the function. */
void fhi_extend_push(lua_State *L);

#endif
