-- What hooks may return: the structs of policy.h as scripts write them. contract.lua says what the
-- fields of a member mean.

local decisions = {}

decisions[1] = {
    name = "verdict",
    struct = "fh_verdict",
    doc = "Where a class of requests goes.",
    members = {
        { name = "memory", type = "special",
            lua = "freehold.policy.Place|freehold.policy.Place[]", c = "memory",
            default = "the request's own location",
            doc = "one location, or several in order: the next when the one before is full;"
                .. " \"host\" is \"upload\"" },
        { name = "types", type = "indices", c = "type_mask", default = "any",
            doc = "numbers of the memory types that may be used, from 0" },
        { name = "dedicated", type = "choice", words = "dedicated", given = "has_dedicated",
            default = "the request's own", doc = "a driver allocation of its own, or not" },
        { name = "strategy", type = "choice", words = "strategy", given = "has_strategy",
            default = "the request's own", doc = "how a range is found in a block" },
        { name = "priority", type = "float", min = 0, max = 1, given = "has_priority",
            default = "the request's own", doc = "what goes first under pressure: the lowest" },
        { name = "within_budget", type = "boolean", given = "has_within_budget",
            default = "the request's own", doc = "fail rather than exceed the OS budget" },
        { name = "pool", type = "special", lua = "string", default = "the request's own",
            doc = "the name of a pool of the program's; as long as there is none, the request's"
                .. " own, frame by frame" },
        { name = "deny", type = "boolean", default = "false", doc = "refuse it" },
        { name = "no_spill", type = "boolean", default = "false",
            doc = "fail rather than take the next memory type" },
        { name = "keep", type = "choice", words = "keep",
            default = "\"reload\", or \"never\" when more than class facts was read",
            doc = "how long the verdict is cached for the class; alone, it is no opinion, which is"
                .. " cached for so long" },
    },
}

decisions[2] = {
    name = "action",
    struct = "fh_relief",
    doc = "Something that may make room.",
    members = {
        { name = "action", type = "choice", words = "action", required = true,
            doc = "what to do" },
        { name = "bytes", type = "bytes", default = "what is short",
            doc = "of \"evict\": how much to ask for at least, of whatever account; without it"
                .. " just what this request needs" },
        { name = "timeout_ms", type = "ms", c = "timeout_ns", min = 0, max = 100, default = "0",
            doc = "of \"wait\": milliseconds, at most" },
    },
}

decisions[3] = {
    name = "limits",
    struct = "fh_limits",
    doc = "Limits: never exceeded, not by a byte. Nil is none; 0 is one byte, and so lets next to"
        .. " nothing in.",
    members = {
        { name = "total", type = "special", lua = "freehold.Bytes", default = "none",
            doc = "driver bytes of all heaps together" },
        { name = "heap", type = "special", c = "heaps", default = "none",
            lua = "freehold.Bytes|table<integer, freehold.Bytes>",
            doc = "driver bytes: one value for every heap, or a list by place in `facts.heaps`,"
                .. " from 1" },
        { name = "kinds", type = "special", default = "none",
            lua = "table<freehold.policy.Kind, freehold.Bytes>",
            doc = "range bytes of parcels, by kind" },
        { name = "tags", type = "special", default = "none",
            lua = "table<string, freehold.Bytes>",
            doc = "range bytes of parcels, by tag; 1,024 of them at most" },
        { name = "watermarks", type = "special", lua = "number[]", default = "none",
            doc = "up to 4 parts of a limit, 0 to 1 and ascending, whose crossing is `pressure`" },
    },
}

decisions[4] = {
    name = "frame",
    struct = "fh_frame_decision",
    doc = "What holds from now on.",
    members = {
        { name = "depth", type = "count", min = 1, max = 8, default = "as it is",
            doc = "frames that may be in flight" },
        { name = "transient_cap", type = "bytes", min = 1, default = "as it is",
            doc = "what a frame may take" },
        { name = "evict_cap", type = "bytes", min = 1, default = "as it is",
            doc = "what owners are asked for at one tick" },
        { name = "defrag_cap", type = "bytes", min = 1, default = "as it is",
            doc = "what is moved at one tick" },
        { name = "forget", type = "boolean", default = "false", doc = "drop the cached verdicts" },
        { name = "limits", type = "boolean", default = "false",
            doc = "ask `limits` again, in this tick" },
    },
}

decisions[5] = {
    name = "pressure",
    struct = "fh_pressure_decision",
    doc = "What to do about it.",
    members = {
        { name = "forget", type = "boolean", default = "false", doc = "drop the cached verdicts" },
        { name = "limits", type = "boolean", default = "false",
            doc = "ask `limits` again, in this tick" },
        { name = "trim", type = "boolean", default = "false",
            doc = "give empty blocks back to the driver" },
        { name = "evict_bytes", type = "bytes", default = "0", doc = "ask owners for that many,"
            .. " of whatever account" },
    },
}

decisions[6] = {
    name = "retain",
    struct = "fh_retain_decision",
    doc = "How long the block is kept.",
    members = {
        { name = "ticks", type = "count", required = true,
            doc = "it is given back when it was empty for so long; 0 = now" },
    },
}

decisions[7] = {
    name = "recycle",
    struct = "fh_recycle_decision",
    doc = "What of the cache stays.",
    members = {
        { name = "keep_bytes", type = "bytes", default = "no bound", doc = "at most" },
        { name = "keep_ticks", type = "count", default = "no bound",
            doc = "what was not used for longer goes" },
    },
}

decisions[8] = {
    name = "alias",
    struct = "fh_alias_decision",
    doc = "How the graph is laid out.",
    members = {
        { name = "strategy", type = "text", room = 64, required = true,
            doc = "an aliasing strategy's name" },
        { name = "options", type = "special", room = 256, default = "none",
            lua = "table<string, string|number|boolean>", doc = "the strategy's own" },
    },
}

decisions[9] = {
    name = "defrag",
    struct = "fh_defrag_decision",
    doc = "What may move.",
    members = {
        { name = "allow", type = "boolean", default = "true", doc = "whether the block is packed" },
        { name = "bytes", type = "bytes", default = "no bound", doc = "at most, in this tick" },
    },
}

return decisions
