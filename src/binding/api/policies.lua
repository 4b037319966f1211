-- Who decides: policies of scripts, policies in trusted mode, the budget policy.

local shared = ...
local success, closed = shared.success, shared.closed

local gone = { "stale", "the policy was released, or its device is closed" }

local loading = {
    { "io", "a file cannot be read, or is none" },
    { "script", "a script does not compile, breaks the contract, or a hook fails when it is tried:"
        .. " the message has file and line" },
}

-- What can be wrong with any change, beside the change itself.
local out_of_charge = "the policy is not in charge any more, or this is called by a hook"
local busy = { "busy", "another thread is changing it, or a script is running, for too long" }

local host_memory = { "host_memory", "the bookkeeping found no memory" }

local device_methods = {
    {
        name = "set_policy",
        doc = [[
Put a policy in charge; it takes the place of the one before it. `policy` is one of these:

- the path of a script, or a text: `{ text = "return { … }", name = "mine" }`

- a list of scripts: the first that has an opinion decides, and of limits the strictest holds

- a table of hooks: trusted mode. Its functions are the same as a script's, but run in this Lua
  state, by `pcall` and without bounds: `self` is the table itself, `self.state` whatever it likes.
  An error is told to the device's log once for each hook, and the native rule decides. On another
  OS thread than Lua's the native rule decides, too, and `pressure` is told later

- nil: the native rules

Scripts are sandboxed, and may be edited while they are in charge: see docs/policies.md.]],
        params = {
            { name = "policy",
                type = "freehold.Script|freehold.Script[]|freehold.Policy|nil" },
            { name = "options", type = "freehold.PolicyOptions", optional = true,
                doc = "of scripts" },
        },
        returns = {
            { type = "freehold.ScriptPolicy|freehold.TrustedPolicy|true", name = "policy" },
        },
        errors = shared.join(loading, {
            { "invalid", "more than 8 scripts, an option that no script declares, a value that it"
                .. " cannot have, or this is called by a hook" },
            { "unsupported", "this build cannot run scripts" },
            host_memory, closed,
        }),
        raises = "unknown fields of `options` and of a table of hooks, with the nearest right name",
        cost = "some milliseconds, for scripts",
        example = [[
local policy = assert(device:set_policy({ name = "limits", text = [=[
    return {
        options = { limit = { type = "bytes", default = "256MiB" } },
        limits = function(self) return { total = self.options.limit } end,
    }
]=] }, { options = { limit = "128MiB" } }))
policy:set("limit", "64MiB")
device:tick()
print(device:account("total").limit)
device:set_policy(nil)]],
    },
    {
        name = "policy",
        doc = "The policy in charge: the object that `set_policy` or `budget_policy` returned, or"
            .. " another one for it when that was released; nil under the native rules.",
        params = {},
        returns = {
            { type = "freehold.ScriptPolicy|freehold.TrustedPolicy|freehold.BudgetPolicy|nil",
                name = "policy" },
        },
        errors = { closed },
    },
    {
        name = "policy_name",
        doc = "The name of the policy in charge; \"native\" when there is none.",
        params = {},
        returns = { { type = "string", name = "name" } },
        errors = { closed },
    },
    {
        name = "budget_policy",
        doc = "Put a ready policy in charge: one limit on driver memory. It takes the place of the"
            .. " policy before it.",
        params = { { name = "options", type = "freehold.BudgetOptions" } },
        returns = { { type = "freehold.BudgetPolicy", name = "policy" } },
        errors = { { "invalid", "the limit is negative" }, closed },
        raises = "unknown fields, with the nearest right name",
        example = [[
local policy = assert(device:budget_policy { limit = "512MiB" })
device:tick()
print(policy:info().used_peak)
policy:remove()]],
    },
}

local in_charge = {
    name = "in_charge",
    doc = "Whether it decides.",
    params = {},
    returns = { { type = "boolean", name = "in_charge" } },
    errors = {},
}

local remove = {
    name = "remove",
    doc = "Back to the native rules; false when it is not in charge any more.",
    params = {},
    returns = { { type = "boolean", name = "removed" } },
    errors = {},
}

local release = {
    name = "release",
    doc = "Be done with the object: so does a `<close>` variable, and the collector. The policy"
        .. " stays in charge. Again: false.",
    params = {},
    returns = { { type = "boolean", name = "was_open" } },
    errors = {},
}

local function renamed(method, name)
    local copy = {}
    for key, value in pairs(method) do
        copy[key] = value
    end
    copy.name = name
    copy.doc = "The same as `" .. method.name .. "`."
    return copy
end

local script_methods = {
    {
        name = "set",
        doc = "Set an option, at the next tick; nil is its default again. It holds through reloads,"
            .. " as long as a new version declares an option of that name and type in whose range"
            .. " it lies.",
        params = {
            { name = "name", type = "string",
                doc = "\"limit\", or \"script.limit\" where several scripts have it; else all"
                    .. " that declare it get it" },
            { name = "value", type = "freehold.OptionValue|nil" },
        },
        returns = success,
        errors = {
            { "invalid", "there is no such option, it cannot have that value, " .. out_of_charge },
            busy, host_memory, gone,
        },
    },
    {
        name = "options",
        doc = "What can be set, and how it is set.",
        params = {},
        returns = { { type = "freehold.PolicyOption[]", name = "options" } },
        errors = { { "invalid", "this is called by a hook" }, busy, gone },
    },
    {
        name = "reload",
        doc = "Read the files again, now. What is new takes effect at the next tick, whole or not"
            .. " at all.",
        params = {},
        returns = success,
        errors = shared.join(loading, { { "invalid", out_of_charge }, busy, host_memory, gone }),
    },
    {
        name = "rollback",
        doc = "Go back to the versions before the last change of version, at the next tick, with"
            .. " their state. Going back twice is going forward again. Versions that still wait for"
            .. " the tick are called off instead.",
        params = {},
        returns = success,
        errors = {
            { "invalid", "there is no version before, " .. out_of_charge }, busy, gone,
        },
    },
    {
        name = "watch",
        doc = "Start, or end, a thread that watches the files and loads new versions. What is wrong"
            .. " with a file goes to the device's log and to `status`.",
        params = { { name = "watch", type = "boolean" } },
        returns = success,
        errors = {
            { "invalid", "no script has a file, " .. out_of_charge },
            { "io", "no thread could be made" }, busy, host_memory, gone,
        },
    },
    {
        name = "state",
        doc = "A copy of a script's `self.state`.",
        params = {
            { name = "script", type = "integer", optional = true,
                doc = "its place among the scripts; default 1" },
        },
        returns = { { type = "table", name = "state" } },
        errors = {
            { "invalid", "there is no such script" },
            { "busy", "it is running, and did not stop in time" }, gone,
        },
    },
    {
        name = "status",
        doc = "How it fares.",
        params = {},
        returns = { { type = "freehold.PolicyStatus", name = "status" } },
        errors = { gone },
    },
    {
        name = "decisions",
        doc = "The last decisions, oldest first; 1,024 are kept.",
        params = { { name = "options", type = "freehold.DecisionOptions", optional = true } },
        returns = { { type = "freehold.Decision[]", name = "decisions" } },
        errors = { gone },
        raises = "unknown fields, with the nearest right name",
        example = [[
local policy = assert(device:set_policy { text = "return { place = function() end }" })
assert(device:buffer { size = "1MiB", usage = "vertex" }):release()
for _, decision in ipairs(policy:decisions { count = 10 }) do
    print(decision.hook, decision.outcome, decision.input.size_min)
end]],
    },
    in_charge, release, renamed(release, "close"),
}

local function count(name, doc)
    return { name = name, type = "integer", doc = doc }
end

local classes = {
    {
        name = "freehold.ScriptText",
        title = "A script as a text",
        fields = {
            { name = "text", type = "string" },
            { name = "name", type = "string", optional = true,
                doc = "for messages; default \"policy\"" },
        },
    },
    {
        name = "freehold.PolicyOptions",
        title = "Options of device:set_policy",
        doc = shared.options_doc,
        fields = {
            { name = "watch", type = "boolean", optional = true, doc = "as `policy:watch`" },
            { name = "options", type = "table<string, freehold.OptionValue>", optional = true,
                doc = "as `policy:set`, by name" },
        },
    },
    {
        name = "freehold.ScriptPolicy",
        noun = "policy",
        title = "Policies of scripts",
        doc = "What `device:set_policy` returns for scripts. Losing the variable ends nothing.",
        methods = script_methods,
    },
    {
        name = "freehold.PolicyOption",
        title = "An option",
        fields = {
            count("script", "its script's place in `status().scripts`"),
            { name = "name", type = "string" },
            { name = "type", type = "freehold.OptionType" },
            { name = "by_hand", type = "boolean", doc = "it was set" },
            { name = "value", type = "freehold.OptionValue", doc = "now; sizes as integers" },
            { name = "initial", type = "freehold.OptionValue", doc = "its default" },
            { name = "min", type = "number?" },
            { name = "max", type = "number?" },
            { name = "choices", type = "string[]?" },
            { name = "doc", type = "string?" },
        },
    },
    {
        name = "freehold.PolicyStatus",
        title = "What policy:status returns",
        fields = {
            { name = "in_charge", type = "boolean" },
            { name = "watching", type = "boolean" },
            count("decision_count", "in all; the log keeps the last ones"),
            count("swap_ns", "nanoseconds that the last change of version cost its tick"),
            { name = "scripts", type = "freehold.ScriptStatus[]" },
        },
    },
    {
        name = "freehold.ScriptStatus",
        title = "Its scripts",
        fields = {
            { name = "name", type = "string", doc = "as the script says, or its file's" },
            { name = "path", type = "string?", doc = "nil for a text" },
            { name = "state", type = '"loaded"|"reloaded"|"rejected"|"quarantined"',
                doc = "rejected: the last text was not accepted, and the version before is in"
                    .. " force; quarantined: a hook of the version in force is" },
            count("version", "in force; counts from 1"),
            { name = "pending", type = "boolean", doc = "a version waits for the next tick" },
            count("accepted", "versions"),
            count("rejected", "versions"),
            { name = "error", type = "string?", doc = "of the last rejection or failure" },
            { name = "notes", type = "string[]", doc = "what is odd about the version in force" },
            count("memory", "bytes of its Lua state"),
            count("state_bytes", "of `self.state`"),
            count("state_count", "values in it"),
            { name = "hooks", type = "table<freehold.Hook, freehold.HookStatus>", doc = "all" },
        },
    },
    {
        name = "freehold.HookStatus",
        title = "Their hooks",
        fields = {
            { name = "present", type = "boolean", doc = "the version in force has it" },
            { name = "quarantined", type = "boolean",
                doc = "it failed too often: the native rule decides until there is a new"
                    .. " version" },
            count("calls", "that entered the script; this and the rest: of all versions"),
            count("decided", "of these: with a decision"),
            count("failed", "of these: stopped, or with an error"),
            count("busy", "the script was busy; the native rule decided"),
            count("charge", "what it used: about an instruction each"),
            count("time_ns", "nanoseconds, of this machine"),
        },
    },
    {
        name = "freehold.DecisionOptions",
        title = "Options of policy:decisions",
        doc = shared.options_doc,
        fields = {
            { name = "after", type = "integer", optional = true,
                doc = "only later ones than that `sequence`" },
            { name = "count", type = "integer", optional = true,
                doc = "at most, the oldest of these; default all" },
        },
    },
    {
        name = "freehold.Decision",
        title = "One call of a hook",
        fields = {
            count("sequence", "counts the policy's decisions from 1"),
            count("frame", "ticks of the device"),
            count("now_ns", "as the facts had it"),
            { name = "hook", type = "freehold.Hook" },
            { name = "outcome",
                type = '"decided"|"nothing"|"failed"|"stopped"|"busy"|"quarantined"',
                doc = "nothing: it returned nil; with the last four the native rule decided" },
            count("script", "its place in `status().scripts`"),
            count("version", "of the script"),
            { name = "line", type = "integer?", doc = "of the script, where the hook returned" },
            { name = "attempt", type = "integer?", doc = "relieve" },
            count("charge", "what it used"),
            count("time_ns", "nanoseconds, of this machine"),
            { name = "input", type = "table", doc = "what the hook was asked about, as far as it"
                .. " is kept; accounts by their names" },
            { name = "answer", type = "table?", doc = "what it decided, as far as it is kept" },
        },
    },
    {
        name = "freehold.TrustedPolicy",
        noun = "policy",
        title = "Policies in trusted mode",
        doc = "What `device:set_policy` returns for a table of hooks. A hook that is put into the"
            .. " table, or replaced there, while the policy is in charge counts, if there was one"
            .. " of that name when it was set.",
        methods = { in_charge, remove },
    },
    {
        name = "freehold.BudgetPolicy",
        noun = "policy",
        title = "Budget policies",
        methods = {
            {
                name = "set_limit",
                doc = "Change the limit; nil removes it. The next tick takes it in.",
                params = { { name = "limit", type = "freehold.Bytes?" } },
                returns = success,
                errors = { { "invalid", "it is negative" } },
            },
            {
                name = "info",
                doc = "What it has seen.",
                params = {},
                returns = { { type = "freehold.BudgetInfo", name = "info" } },
                errors = {},
            },
            in_charge, remove,
        },
    },
    {
        name = "freehold.BudgetOptions",
        title = "Options of device:budget_policy",
        doc = shared.options_doc,
        fields = {
            { name = "limit", type = "freehold.Bytes", optional = true,
                doc = "driver bytes; default, and 0: none" },
            { name = "telemetry_only", type = "boolean", optional = true,
                doc = "count what would have been refused, refuse nothing" },
        },
    },
    {
        name = "freehold.BudgetInfo",
        title = "What policy:info returns",
        fields = {
            { name = "limit", type = "integer?" },
            { name = "telemetry_only", type = "boolean" },
            { name = "over_count", type = "integer",
                doc = "ticks at which more was used than the limit" },
            { name = "used_peak", type = "integer", doc = "driver bytes, as seen at ticks" },
            { name = "in_charge", type = "boolean" },
        },
    },
}

return { device_methods = device_methods, classes = classes }
