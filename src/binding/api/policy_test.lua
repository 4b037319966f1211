-- Scripts without a device, for tests of them.

local shared = ...
local success = shared.success

local gone = { "stale", "the test is closed" }

local functions = {
    {
        name = "policy_test",
        doc = "Load a policy's script without a device, to ask its hooks in a test. Nothing of the"
            .. " test's happens on its own: facts and state are what it says.",
        params = {
            { name = "script", type = "freehold.Script" },
            { name = "options", type = "freehold.PolicyTestOptions", optional = true },
        },
        returns = { { type = "freehold.PolicyTest", name = "test" } },
        errors = {
            { "io", "the file cannot be read, or is none" },
            { "script", "it does not compile, or breaks the contract: the message has file and"
                .. " line" },
            { "invalid", "there is no such option, it cannot have that value, or the profile makes"
                .. " no sense" },
            { "unsupported", "this build cannot run scripts" },
        },
        raises = "unknown fields, and what cannot be state",
        example = [[
local test <close> = assert(fh.policy_test { text = [=[
    return {
        place = function(self, request)
            if request.kind == "texture" then
                return { dedicated = "prefer" }
            end
        end,
    }
]=] })
local verdict, info = test:place { kind = "texture", size = "20MiB" }
print(verdict.dedicated, info.line)
print(test:place { kind = "buffer", size = 100 })]],
    },
}

local asked = { "script", "the hook failed, or was stopped: the message has file and line" }

-- A hook as a method: `input` is the name of what it is asked about.
local function hook(name, input, decision, doc)
    local params = {}
    if input then
        params[1] = { name = "about", type = "freehold.policy." .. input, optional = true,
            doc = "the fields that matter; the others have defaults" }
    end
    return {
        name = name,
        doc = ("Ask `%s`. The decision is nil when it has no opinion."):format(name)
            .. (doc and " " .. doc or ""),
        params = params,
        returns = {
            { type = decision .. "|nil", name = "decision" },
            { type = "freehold.CallInfo", name = "info" },
        },
        errors = { asked, gone },
        raises = "unknown fields, with the nearest right name",
    }
end

local methods = {
    hook("place", "Request", "freehold.policy.Verdict",
        "`size` is enough: the bounds of its class follow."),
    hook("relieve", "RelieveRequest", "freehold.policy.Action[]",
        "By default the first attempt, refused by a budget."),
    hook("limits", nil, "freehold.policy.Limits"),
    hook("frame", "Stats", "freehold.policy.FrameDecision", "What it writes to the state stays."),
    hook("pressure", "Event", "freehold.policy.PressureDecision",
        "What it writes to the state stays."),
    hook("retain", "Block", "freehold.policy.RetainDecision"),
    hook("recycle", "Pool", "freehold.policy.RecycleDecision"),
    hook("alias", "Graph", "freehold.policy.AliasDecision"),
    hook("defrag", "Gaps", "freehold.policy.DefragDecision"),
    {
        name = "evict",
        doc = "Who is asked to let go first: positions in the list of candidates, in order, without"
            .. " those that never are. Nil when it has no opinion.",
        params = { { name = "about", type = "freehold.EvictTest" } },
        returns = {
            { type = "integer[]|nil", name = "order" },
            { type = "freehold.CallInfo", name = "info" },
        },
        errors = { asked, gone },
        raises = "unknown fields, with the nearest right name",
    },
    {
        name = "migrate",
        doc = "Take over the state of an older version, as a reload does.",
        params = {
            { name = "old_state", type = "table?" },
            { name = "old_version", type = "integer", optional = true, doc = "default 1" },
        },
        returns = {
            { type = "table", name = "state" },
            { type = "freehold.CallInfo", name = "info" },
        },
        errors = { asked, { "host_memory", "the bookkeeping found no memory" }, gone },
        raises = "what cannot be state",
    },
    {
        name = "facts",
        doc = "Set facts for the calls that follow; the others stay. Where a heap is given,"
            .. " `headroom` and `unaccounted` follow from the rest, and so does the sum, `used`.",
        params = { { name = "facts", type = "freehold.policy.Facts" } },
        returns = success,
        errors = { gone },
        raises = "unknown fields, with the nearest right name",
    },
    {
        name = "set",
        doc = "Set an option, at once; nil is its default again.",
        params = {
            { name = "name", type = "string" },
            { name = "value", type = "freehold.OptionValue|nil" },
        },
        returns = success,
        errors = { { "invalid", "there is no such option, or it cannot have that value" }, gone },
    },
    {
        name = "options",
        doc = "What can be set, and how it is set.",
        params = {},
        returns = { { type = "freehold.PolicyOption[]", name = "options" } },
        errors = { gone },
    },
    {
        name = "state",
        doc = "A copy of `self.state`.",
        params = {},
        returns = { { type = "table", name = "state" } },
        errors = { { "host_memory", "the bookkeeping found no memory" }, gone },
    },
    {
        name = "set_state",
        doc = "Replace `self.state`; nil empties it.",
        params = { { name = "state", type = "table?" } },
        returns = success,
        errors = { { "invalid", "the script cannot have it" }, gone },
        raises = "what cannot be state",
    },
    {
        name = "name",
        doc = "The policy's name.",
        params = {},
        returns = { { type = "string", name = "name" } },
        errors = { gone },
    },
    {
        name = "hooks",
        doc = "Which hooks it has.",
        params = {},
        returns = { { type = "table<freehold.Hook, boolean>", name = "hooks" } },
        errors = { gone },
    },
    {
        name = "notes",
        doc = "What is odd about it, but no error.",
        params = {},
        returns = { { type = "string[]", name = "notes" } },
        errors = { gone },
    },
    {
        name = "memory",
        doc = "Bytes of its Lua state.",
        params = {},
        returns = { { type = "integer", name = "bytes" } },
        errors = { gone },
    },
    {
        name = "close",
        doc = "Be done with it. Again: false.",
        params = {},
        returns = { { type = "boolean", name = "was_open" } },
        errors = {},
    },
}

local classes = {
    {
        name = "freehold.PolicyTest",
        noun = "test",
        title = "Policies under test",
        methods = methods,
    },
    {
        name = "freehold.PolicyTestOptions",
        title = "Options of fh.policy_test",
        doc = shared.options_doc,
        fields = {
            { name = "options", type = "table<string, freehold.OptionValue>", optional = true,
                doc = "as `test:set`, by name" },
            { name = "state", type = "table", optional = true, doc = "as `test:set_state`" },
            { name = "facts", type = "freehold.policy.Facts", optional = true,
                doc = "as `test:facts`" },
            { name = "profile", type = "string|freehold.Profile", optional = true,
                doc = "whose heaps the facts have, all unused; default \"discrete-8g\"" },
        },
    },
    {
        name = "freehold.EvictTest",
        title = "What test:evict takes",
        fields = {
            { name = "candidates", type = "freehold.policy.Candidate[]" },
            { name = "wanted", type = "freehold.Bytes", optional = true, doc = "default 0" },
        },
    },
    {
        name = "freehold.CallInfo",
        title = "How a hook of a test fared",
        fields = {
            { name = "outcome", type = '"decided"|"nothing"' },
            { name = "charge", type = "integer", doc = "what it used: about an instruction each" },
            { name = "line", type = "integer?", doc = "where it returned" },
            { name = "uncached", type = "string?",
                doc = "place: the first thing it read that is not a fact of the class; such a"
                    .. " verdict is for one request, unless it says `keep`" },
            { name = "notes", type = "string[]", doc = "as `test:notes()`" },
            { name = "log", type = "string[]", doc = "what it wrote with `log`" },
        },
    },
}

return { functions = functions, classes = classes }
