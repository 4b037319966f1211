#include "script/state.h"

#include "base/error.h"
#include "script/policy.h"

fh_result fhi_policy_save_state(fh_policy *policy, uint32_t script, fhi_state *out_state)
{
    out_state->size = 0;
    if (script >= policy->script_count) {
        /* No number: who asks may count from 1. */
        return fhi_fail_with(FH_ERR_INVALID, "script: there is no such one, but {} in all",
                             policy->script_count, 0, 0);
    }
    fh_result result = fhi_check_outside(policy);
    if (result != FH_OK) {
        return result;
    }
    fhi_edition *edition = fhi_script_enter(&policy->scripts[script], FHI_PATIENCE_NS);
    if (!edition) {
        return fhi_fail(FH_ERR_BUSY, "the script is running, and did not end in time");
    }
    bool saved = policy->engine->state_save(edition->version, out_state);
    fhi_edition_leave(edition);
    if (!saved) {
        out_state->size = 0;
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the state");
    }
    return FH_OK;
}
