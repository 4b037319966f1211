-- What a script may use. Where a function is Lua's own by name, `differs` says how it differs; what
-- is not here is not there. contract.lua has the rest.

local environment = {}

environment.essay = [[
A script is a text of at most 64 KiB. It runs in a Lua state of its own, sees nothing of the program
but what is listed here, and changes nothing: globals, libraries, options and facts are read-only,
and what a hook decides is what it returns. Locals of the file live as long as its version; only
`self.state` outlives a reload.

What a hook may use is counted, the same way on every machine: an instruction is one unit, and
functions charge for the bytes and entries that they touch. A call may use 400,000 units (a
millisecond or so), an `evict` function 1,000,000 for all candidates together, the file itself
400,000 when it is loaded. Strings are at most 16 KiB long, tables at most 64 KiB, and everything
together takes 6 MiB at most. A hook that uses more is stopped, which `pcall` does not prevent, and
the native rule decides. A hook that fails three times in a row is not asked again until there is a
new version.

Everything is the same on every run: `pairs` has one order, `math.random` one seed, numbers one
decimal point. There are no patterns, no coroutines, no metatables, no files, and no clock but
`facts.now_ns`.]]

local function param(name, type, optional)
    return { name = name, type = type, optional = optional }
end

environment.libraries = {
    {
        title = "Globals",
        functions = {
            { name = "assert", params = { param("value", "any"), param("message", "any", true) },
                returns = { "any" }, doc = "raises when `value` is false or nil", std = true },
            { name = "error", params = { param("message", "any"), param("level", "integer", true) },
                returns = {}, doc = "raises: the native rule decides, and the message is reported",
                std = true },
            { name = "extend",
                params = { param("base", "string"), param("policy", "freehold.Policy") },
                returns = { "freehold.Policy" },
                doc = "a policy on top of another file's, whose path is relative to this file:"
                    .. " fields of `policy` go first, options are those of both, and `self.base`"
                    .. " has the hooks of the base" },
            { name = "ipairs", params = { param("list", "table") }, returns = { "fun" },
                doc = "also of facts that are lists", std = true },
            { name = "log", params = { param("format", "string"), param("...", "any") },
                returns = {}, doc = "a line for the device's log, as string.format makes it; silent"
                    .. " while hooks are tried" },
            { name = "bytes", params = { param("size", "string|number") }, returns = { "integer" },
                doc = "`bytes(\"1.5GiB\")`: units are B, KiB, MiB, GiB and TiB" },
            { name = "contains", params = { param("text", "string"), param("what", "string") },
                returns = { "boolean" }, doc = "whether `what` is somewhere in `text`" },
            { name = "pairs", params = { param("table", "table") }, returns = { "fun" },
                doc = "in a fixed order: booleans, numbers ascending, strings by their bytes; facts"
                    .. " as they are described", std = true },
            { name = "pcall", params = { param("call", "function"), param("...", "any") },
                returns = { "boolean", "any" }, doc = "does not catch that the script is stopped",
                std = true },
            { name = "select", params = { param("index", 'integer|"#"'), param("...", "any") },
                returns = { "any" }, doc = "as in Lua", std = true },
            { name = "starts_with", params = { param("text", "string"), param("what", "string") },
                returns = { "boolean" }, doc = "whether `text` begins with `what`" },
            { name = "tonumber", params = { param("value", "any"), param("base", "integer", true) },
                returns = { "number?" }, doc = "of short strings", std = true },
            { name = "tostring", params = { param("value", "any") }, returns = { "string" },
                doc = "of a table or function, its type only", std = true },
            { name = "type", params = { param("value", "any") }, returns = { "string" },
                doc = "as in Lua", std = true },
        },
        values = {
            { name = "KiB", type = "integer", doc = "1024" },
            { name = "MiB", type = "integer", doc = "1024 KiB" },
            { name = "GiB", type = "integer", doc = "1024 MiB" },
        },
    },
    {
        title = "Help for policies",
        name = "freehold.policy",
        functions = {
            { name = "ema",
                params = { param("previous", "number?"), param("value", "number"),
                    param("alpha", "number") },
                returns = { "number" },
                doc = "a moving average: `previous` moved towards `value` by `alpha`, a part of the"
                    .. " way from 0 to 1; `value` when there is none before" },
            { name = "hysteresis",
                params = { param("is_on", "boolean?"), param("value", "number"),
                    param("on_at", "number"), param("off_at", "number") },
                returns = { "boolean" },
                doc = "true from `on_at` on, until `value` falls below `off_at`; with `on_at` below"
                    .. " `off_at` the other way round" },
        },
    },
    {
        title = "Strings",
        name = "string",
        doc = "Methods, too: `request.tag:starts_with(\"ui\")`.",
        words = "byte char format len lower rep reverse sub upper",
        functions = {
            { name = "contains", params = { param("text", "string"), param("what", "string") },
                returns = { "boolean" }, doc = "whether `what` is somewhere in `text`" },
            { name = "find",
                params = { param("text", "string"), param("what", "string"),
                    param("start", "integer", true) },
                returns = { "integer?", "integer?" },
                doc = "where `what` begins and ends; it is plain text, no pattern", std = true },
            { name = "starts_with", params = { param("text", "string"), param("what", "string") },
                returns = { "boolean" }, doc = "whether `text` begins with `what`" },
        },
        differs = "`format` has no `%a`, `%p` and `%q`, and widths up to 99.",
    },
    {
        title = "Tables",
        name = "table",
        words = "concat insert move pack remove sort unpack",
        functions = {},
        differs = "They work on the script's own tables, and read those raw. `sort` is stable.",
    },
    {
        title = "UTF-8",
        name = "utf8",
        words = "char codepoint codes len offset",
        functions = {},
    },
    {
        title = "Mathematics",
        name = "math",
        words = "abs acos asin atan ceil cos deg exp floor fmod log max min modf rad random sin"
            .. " sqrt tan tointeger type ult",
        functions = {},
        values = {
            { name = "huge", type = "number", doc = "infinity", std = true },
            { name = "maxinteger", type = "integer", doc = "2^63 - 1", std = true },
            { name = "mininteger", type = "integer", doc = "-2^63", std = true },
            { name = "pi", type = "number", doc = "3.14159…", std = true },
        },
        differs = "`random` begins with the same seed in every version, and makes a verdict"
            .. " uncached. There is no `randomseed`.",
    },
}

return environment
