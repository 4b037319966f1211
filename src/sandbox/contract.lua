-- The contract between policies and the core, described once. tools/gen_policy_contract makes from
-- it: the tables that the sandbox works by (contract_tables.c), the editor's types
-- (lua/freehold/meta/policy.lua), luacheck's list (lua/freehold/luacheck_policy.lua) and the manual
-- (docs/policy-contract.md). tests/spec/contract_spec.lua proves that the headers, the sandbox and
-- what is described here agree.
--
-- A *shape* is a struct: of facts (contract/facts.lua), or of a decision (contract/decisions.lua).
-- Its `members` have a `name`; a `type`, as in contract.h; `c`, the member of the C struct, where
-- that has another name; and
--
--     words      of a choice or flags: one of the lists below
--     of, count, room    of a list: the shape, the C member that has how many, and the most
--     class      PLACE: a verdict that depends on it alone can be cached
--     optional   facts: it may be nil
--     column     facts: C has an array of them, one for each candidate
--     text       facts: the C member that has a tag's name
--     given      decisions: the C member that says whether it was given
--     min, max   decisions: of numbers
--     required   decisions: it must be there
--     default    decisions: what holds when it is not
--     lua        of a special one: its type
--
-- This file has the words and the hooks; what a script may use is in contract/environment.lua.

-- The manual begins with it.
local essay = [[
A policy is a Lua file that returns a table of *hooks*: functions that get facts and return a
decision. All of it is optional; where a hook is missing, returns nil, fails or is stopped, the
native rule decides. What a hook does beyond its decision is nothing: it never calls the program.

This page is the reference: what there is to decide, by which facts, and what a script may use.
`freehold check` holds a policy against it.]]

local facts_essay = [[
Facts are objects, not tables: they are read like tables, and `pairs` lists those that are not nil.
They are read-only, and gone when the hook ends: reading one that was kept raises. A fact that does
not exist raises, too, with the nearest right name. Bytes and times are integers. What has no limit
is nil.]]

local decisions_essay = [[
A decision is a table with the fields below, and all of them are optional but where it says
"required". It is read raw: strings are no numbers, and metatables are ignored. A field that does
not exist, or a value that it cannot have, is an error: the decision is dropped, and the native rule
decides. *Bytes* are a non-negative integer, a float up to 2^53, which is rounded down, or a text
such as "512MiB" (B, KiB, MiB, GiB, TiB). Nil is no opinion: the next script, or the native rule,
decides.]]

local here = debug.getinfo(1, "S").source:match("^@(.*)%.lua$") .. "/"

-- Lists of words. `prefix` and the word in capitals is the C constant; without one the words have
-- no numbers in C. Those of formats come from the header's own list.
local words = {
    {
        name = "kind", prefix = "FH_KIND_",
        list = { "buffer", "texture", "raw", "external", "staging", "transient" },
    },
    {
        name = "usage", prefix = "FH_USAGE_", bits = true,
        list = {
            "copy_src", "copy_dst", "vertex", "index", "uniform", "storage", "indirect", "texel",
            "device_address", "sampled", "color_target", "depth_target", "input",
            "transient_target",
        },
    },
    {
        name = "location", prefix = "FH_LOCATION_",
        list = { "device", "upload", "readback", "device_upload" },
    },
    {
        name = "access", prefix = "FH_ACCESS_",
        list = { "by_location", "sequential", "random" },
    },
    { name = "format", macro = "FH_FORMATS" },
    {
        name = "texture_kind", prefix = "FH_TEXTURE_", list = { "2d", "1d", "3d", "cube" },
    },
    {
        name = "dedicated", prefix = "FH_DEDICATED_",
        list = { "auto", "prefer", "require", "never" },
    },
    {
        name = "strategy", prefix = "FH_STRATEGY_",
        list = { "balanced", "min_time", "min_memory", "min_offset" },
    },
    { name = "keep", prefix = "FH_KEEP_", list = { "reload", "frame", "never" } },
    {
        name = "action", prefix = "FH_RELIEF_",
        list = { "deny", "retry", "trim", "evict", "spill", "wait", "drain" },
    },
    { name = "reason", list = { "budget", "out_of_memory" } },
    { name = "scope", prefix = "FH_ACCOUNT_", list = { "total", "heap", "kind", "tag" } },
    {
        name = "column", prefix = "FH_EVICT_",
        list = { "priority", "age", "size", "tag", "kind", "made" },
    },
}

-- In the order of fh_hook. `input` is the name of a shape of facts, `decision` of one of decisions;
-- `also` is what a hook may return instead, `field` the type of one that need be no function.
local hooks = {
    {
        name = "place", input = "request", decision = "verdict", called = true,
        also = {},
        asked = "inside a request, once for each class of requests; the verdict is cached",
        native = "memory types by cost, spilling to the next",
        doc = [[
A class is kind, usage, location, access, tag and size step (powers of two, and the policy's
`place_steps`). Reading anything else of the request, or `facts`, `self.state` or `math.random`,
makes the verdict one for this request only, unless it says `keep`.]],
        example = [[
place = function(self, request)
    if request.kind == "texture" and request.size_min >= 24 * MiB then
        return { memory = { "device", "host" }, dedicated = "prefer" }
    end
end,]],
    },
    {
        name = "relieve", input = "relieve_request", decision = "action", list = true,
        called = true,
        also = { "freehold.policy.ActionWord" },
        asked = "inside a request, when a limit or the driver refused it",
        native = "retry, trim, drain, evict, spill",
        doc = [[
One action, or a list of up to 8 in order; each is taken at most once for a request. An action is a
word, or a table with its fields. Asked again, with `attempt` one higher, when they did not help.

- `"deny"`: give up now
- `"retry"`: retire what has passed, then try again
- `"trim"`: give empty blocks back to the driver
- `"evict"`: ask owners to let go
- `"spill"`: take the next memory type that would do
- `"wait"`: for what is retiring by submitted epochs
- `"drain"`: ask allocators to give back what they keep]],
        example = [[
relieve = function(self, request, facts)
    if request.attempt > 1 then
        return "deny"
    end
    return { "trim", { action = "evict", bytes = request.size }, "spill" }
end,]],
    },
    {
        name = "limits", decision = "limits", called = true,
        also = {},
        asked = "when the policy comes into force, and when `frame` or `pressure` says so",
        native = "no limits but those that the program set",
        doc = [[
They become native accounts, which are enforced without Lua. What the hook gave last holds until it
gives something else, through every failure. Of several policies, and of the program's own limits,
the strictest holds.]],
        example = [[
limits = function(self, facts)
    return {
        total = self.options.limit,
        heap = { facts.heaps[1].size * 0.9 },
        kinds = { staging = "64MiB" },
        tags = { terrain = "256MiB" },
        watermarks = { 0.7, 0.85 },
    }
end,]],
    },
    {
        name = "frame", input = "stats", decision = "frame", called = true, writes_state = true,
        also = {},
        asked = "at every tick",
        native = "nothing changes",
        doc = "May write `self.state`.",
        example = [[
frame = function(self, stats, facts)
    self.state.calm = stats.refused_count == 0 and (self.state.calm or 0) + 1 or 0
    return { limits = self.state.calm == 60 }
end,]],
    },
    {
        name = "pressure", input = "event", decision = "pressure", called = true,
        writes_state = true,
        also = {},
        asked = "at a tick, when an account crossed a watermark, up or down",
        native = "nothing happens",
        doc = "May write `self.state`. Between up and down there are 2 % of the limit.",
        example = [[
pressure = function(self, event)
    if event.up and event.fraction > 0.8 then
        return { trim = true, evict_bytes = event.used - event.limit * 0.8 }
    end
end,]],
    },
    {
        name = "retain", input = "block", decision = "retain", called = true,
        also = { "integer" },
        asked = "at a tick, for each memory block that is empty",
        native = "as long as the device was told; at once when its heap is over a limit",
        doc = "An integer is `ticks`.",
        example = [[
retain = function(self, block)
    return block.over and 0 or 120
end,]],
    },
    {
        name = "recycle", input = "pool", decision = "recycle", called = false,
        also = {},
        asked = "at a tick, for each cache of parcels that can be used again",
        native = "what was used in the last 8 frames stays",
        doc = "Nothing asks it yet.",
        example = [[
recycle = function(self, pool)
    return { keep_bytes = pool.kind == "buffer" and "16MiB" or 0, keep_ticks = 8 }
end,]],
    },
    {
        name = "evict", input = "candidate", called = true,
        field = "string[]|freehold.policy.Key",
        also = { "number" },
        asked = "at a tick that lets something go",
        native = 'lowest priority, then longest unused, then largest: `{ "priority", "-age",'
            .. ' "-size" }`',
        doc = [[
Who is asked to let go first. Either a list, in place of a function, of up to 4 columns: `priority`,
`age`, `size`, `tag`, `kind`, `made`, ascending, or descending with a `-` in front. Or a function,
which is called once for each candidate and returns its key: the lowest goes first, nil is never.
Sorting is native. All candidates together share one charge.]],
        example = [[
evict = { "priority", "-age", "-size" },]],
        example_function = [[
evict = function(self, candidate, facts)
    if candidate.kind == "texture" then
        return -candidate.age * candidate.size
    end
end,]],
    },
    {
        name = "alias", input = "graph", decision = "alias", called = false,
        also = {},
        asked = "by the planner of aliased memory",
        native = "the planner's own strategies",
        doc = "Nothing asks it yet.",
        example = [[
alias = function(self, graph)
    return { strategy = "greedy", options = { passes = 2 } }
end,]],
    },
    {
        name = "defrag", input = "gaps", decision = "defrag", called = false,
        also = {},
        asked = "at a tick, for each memory block with gaps",
        native = "nothing moves",
        doc = "Nothing asks it yet.",
        example = [[
defrag = function(self, block)
    return { allow = block.movable_count > 0, bytes = "8MiB" }
end,]],
    },
    {
        name = "migrate", called = true,
        also = { "table" },
        asked = "when a new version of the script takes over from an old one",
        native = "the state stays as it is",
        doc = [[
Gets the old version's state as a table of its own, and its number, and returns the new state: plain
data. Nil is an empty state.]],
        example = [[
migrate = function(self, old_state, old_version)
    return { smoothed = old_state.smoothed or 0 }
end,]],
    },
}

-- What a policy has besides hooks.
local policy_fields = {
    { name = "name", type = "string", doc = "for people; else the file's name; 63 bytes at most" },
    { name = "options", type = "table<string, freehold.policy.Option>",
        doc = "tunables, by name: `self.options`; 64 at most" },
    { name = "place_steps", type = "integer[]",
        doc = "class boundaries beside the powers of two, ascending bytes; 32 at most" },
}

-- The description of an option.
local option_fields = {
    { name = "type", type = '"bytes"|"integer"|"number"|"boolean"|"choice"|"text"',
        doc = "of its values" },
    { name = "default", type = "any", doc = "its value until it is set" },
    { name = "min", type = "number|string", optional = true, doc = "of numbers: the least" },
    { name = "max", type = "number|string", optional = true, doc = "of numbers: the most" },
    { name = "choices", type = "string[]", optional = true, doc = "of a choice: its values" },
    { name = "doc", type = "string", optional = true, doc = "what it does" },
}

-- What hooks get as `self`. Read-only.
local self_fields = {
    { name = "name", type = "string", doc = "the policy's" },
    { name = "options", type = "table<string, any>",
        doc = "values of its options; those of type bytes are integers" },
    { name = "state", type = "table<string|integer, any>",
        doc = "plain data (booleans, numbers, strings, and tables of these with string or integer"
            .. " keys) that outlives reloads: 4,096 values and 64 KiB at most. Writable in `frame`"
            .. " and `pressure`, and kept when the hook succeeds" },
    { name = "base", type = "freehold.Policy", optional = true,
        doc = "with `extend`: the hooks of the base, to be called as"
            .. " `self.base.place(self, request, facts)`" },
}

return {
    essay = essay,
    facts_essay = facts_essay,
    decisions_essay = decisions_essay,
    words = words,
    facts = dofile(here .. "facts.lua"),
    decisions = dofile(here .. "decisions.lua"),
    hooks = hooks,
    policy_fields = policy_fields,
    option_fields = option_fields,
    self_fields = self_fields,
    environment = dofile(here .. "environment.lua"),
}
