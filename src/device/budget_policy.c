/* One limit on all driver memory. What races for it cannot exceed it, since it becomes an account's
 * limit; the policy itself only says what it is, and looks at ticks how it went. */

#include <freehold/policy.h>

#include <stddef.h>

static uint64_t limit_of(const fh_budget_policy *budget)
{
    return budget->limit == FH_NO_LIMIT ? 0 : budget->limit;
}

static bool budget_limits(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    const fh_budget_policy *budget = context;
    (void)facts;
    out_limits->total = budget->telemetry_only ? 0 : limit_of(budget);
    return true;
}

/* The limit may have been changed: it is asked for again at every tick, which is cheap. */
static bool budget_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                         fh_frame_decision *out_decision)
{
    fh_budget_policy *budget = context;
    uint64_t limit = limit_of(budget);
    (void)frame;
    if (limit != 0 && facts->used > limit) {
        budget->over_count++;
    }
    if (facts->used > budget->used_peak) {
        budget->used_peak = facts->used;
    }
    out_decision->limits = true;
    return true;
}

const fh_policy_ops *fh_budget_policy_ops(void)
{
    static const fh_policy_ops ops = {
        .name = "budget",
        .limits = budget_limits,
        .frame = budget_frame,
    };
    return &ops;
}
