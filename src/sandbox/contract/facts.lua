-- What hooks are told: the structs of policy.h as scripts see them. contract.lua says what the
-- fields of a member mean.

local facts = {}

facts[1] = {
    name = "account",
    struct = "fh_account",
    doc = "A counter with a limit.",
    members = {
        { name = "scope", type = "choice", words = "scope", doc = "what it counts" },
        { name = "heap", type = "special", lua = "integer", optional = true, c = "index",
            doc = "of scope \"heap\": its place in `facts.heaps`, from 1" },
        { name = "kind", type = "special", lua = "freehold.policy.Kind", optional = true,
            words = "kind", c = "index", doc = "of scope \"kind\"" },
        { name = "tag", type = "special", lua = "string", optional = true, c = "index",
            doc = "of scope \"tag\": its name" },
    },
}

facts[2] = {
    name = "heap",
    struct = "fh_heap_facts",
    doc = "One heap: physical memory, with a budget of the operating system's.",
    members = {
        { name = "size", type = "bytes", doc = "all that there is" },
        { name = "used", type = "bytes", doc = "driver bytes that Freehold holds" },
        { name = "limit", type = "bytes", optional = true,
            doc = "the strictest of limits and OS budget; nil = none" },
        { name = "os_budget", type = "bytes", optional = true,
            doc = "what this process may use before things get slow; nil = not known" },
        { name = "os_usage", type = "bytes", doc = "what this process uses now" },
        { name = "unaccounted", type = "bytes", doc = "of os_usage, what is not Freehold's" },
        { name = "headroom", type = "bytes", optional = true,
            doc = "limit - used, or 0; nil = no limit" },
        { name = "retiring", type = "bytes", doc = "range bytes that wait for the GPU" },
        { name = "device_local", type = "boolean", doc = "the GPU's own" },
    },
}

facts[3] = {
    name = "facts",
    struct = "fh_facts",
    doc = "The device, as every hook sees it.",
    members = {
        { name = "frame", type = "integer", doc = "ticks so far" },
        { name = "now_ns", type = "integer", doc = "a monotonic clock, nanoseconds" },
        { name = "used", type = "bytes", doc = "driver bytes of all heaps" },
        { name = "limit", type = "bytes", optional = true,
            doc = "of all heaps together; nil = none" },
        { name = "heaps", type = "list", of = "heap", count = "heap_count", room = "FH_HEAP_MAX",
            doc = "every heap, heap 0 first" },
    },
}

-- Class facts come first: a verdict that depends on nothing else is cached for the class.
local request = {
    { name = "kind", type = "choice", words = "kind", class = true, doc = "what is made" },
    { name = "usage", type = "flags", words = "usage", class = true,
        doc = "a set: `request.usage.storage` is true, or nil" },
    { name = "location", type = "choice", words = "location", class = true,
        doc = "where it should lie" },
    { name = "access", type = "choice", words = "access", class = true,
        doc = "how the CPU goes through it" },
    { name = "tag", type = "tag", text = "tag_name", optional = true, class = true,
        doc = "the tag's name" },
    { name = "size_min", type = "bytes", class = true,
        doc = "the least that a request of this class takes" },
    { name = "size_max", type = "bytes", optional = true, class = true,
        doc = "the most that one takes; nil = no bound" },
    { name = "size", type = "bytes", doc = "as the backend needs it" },
    { name = "alignment", type = "bytes", doc = "a power of two" },
    { name = "types", type = "indices", c = "type_mask",
        doc = "memory types that would do: a list of their numbers, from 0" },
    { name = "format", type = "choice", words = "format",
        doc = "of textures: \"rgba8_unorm\" and so on; else \"none\"" },
    { name = "texture_kind", type = "choice", words = "texture_kind", doc = "of textures" },
    { name = "width", type = "count", doc = "of textures: texels; else 0" },
    { name = "height", type = "count", doc = "of textures: texels; else 0" },
    { name = "depth", type = "count", doc = "of textures: texels; else 0" },
    { name = "layers", type = "count", doc = "of textures; else 0" },
    { name = "mips", type = "count", doc = "of textures; else 0" },
    { name = "samples", type = "count", doc = "of textures; else 0" },
    { name = "priority", type = "float", doc = "0 to 1" },
    { name = "dedicated", type = "choice", words = "dedicated",
        doc = "whether it asks for a driver allocation of its own" },
    { name = "within_budget", type = "boolean", doc = "fail rather than exceed the OS budget" },
    { name = "mapped", type = "boolean", doc = "the CPU keeps a pointer into it" },
    { name = "name", type = "text", optional = true, doc = "the parcel's own name" },
}

facts[4] = {
    name = "request",
    struct = "fh_request",
    doc = "Memory that somebody asks for.",
    members = request,
}

facts[5] = {
    name = "relieve_request",
    shown = "request",
    struct = "fh_request",
    base = "request",
    doc = "A request that admission or the backend refused: what `place` sees, and why.",
    members = {
        { name = "reason", type = "special", lua = "freehold.policy.Reason", words = "reason",
            doc = "who refused: a limit, or the driver" },
        { name = "account", type = "special", lua = "freehold.policy.Account", of = "account",
            optional = true, doc = "whose limit it was; nil with \"out_of_memory\"" },
        { name = "shortage", type = "bytes", doc = "bytes that were missing; 0 = not known" },
        { name = "attempt", type = "count", doc = "1 at the first call for this request" },
        { name = "tried", type = "flags", words = "action",
            doc = "a set: `request.tried.trim` is true when that was taken already" },
    },
}

facts[6] = {
    name = "stats",
    struct = "fh_frame_facts",
    doc = "What happened since the tick before.",
    members = {
        { name = "tick_ns", type = "integer", doc = "nanoseconds since the tick before" },
        { name = "wait_ns", type = "integer",
            doc = "of tick_ns, nanoseconds spent waiting for queues" },
        { name = "depth", type = "count",
            doc = "frames that may be in flight; 0 = no frames are used" },
        { name = "transient_used", type = "bytes", doc = "what the last frame took" },
        { name = "transient_capacity", type = "bytes", doc = "what a frame may take" },
        { name = "created_bytes", type = "bytes", doc = "range bytes of new parcels" },
        { name = "freed_bytes", type = "bytes", doc = "range bytes of parcels that went" },
        { name = "driver_alloc_count", type = "count", doc = "driver allocations" },
        { name = "refused_count", type = "count",
            doc = "requests that failed for lack of memory or budget" },
    },
}

facts[7] = {
    name = "event",
    struct = "fh_pressure",
    doc = "A watermark that was crossed.",
    members = {
        { name = "account", type = "account", doc = "the account that crossed it" },
        { name = "watermark", type = "place",
            doc = "its place in the list that `limits` gave, from 1; with several scripts, in all"
                .. " their lists together: better go by `fraction`" },
        { name = "fraction", type = "number", doc = "the watermark itself: a part of the limit" },
        { name = "up", type = "boolean", doc = "crossed upwards" },
        { name = "used", type = "bytes", doc = "what the account counts now" },
        { name = "limit", type = "bytes", optional = true, doc = "the account's limit" },
    },
}

facts[8] = {
    name = "block",
    struct = "fh_block_facts",
    doc = "A memory block that is empty.",
    members = {
        { name = "type", type = "count", doc = "number of its memory type, from 0" },
        { name = "heap", type = "place", doc = "its heap's place in `facts.heaps`, from 1" },
        { name = "size", type = "bytes", doc = "of the block" },
        { name = "empty_ticks", type = "integer", doc = "ticks since it fell empty" },
        { name = "age_ticks", type = "integer", doc = "ticks since it was made" },
        { name = "pool_block_count", type = "count", doc = "blocks of its pool" },
        { name = "pool_empty_count", type = "count", doc = "blocks of its pool that are empty" },
        { name = "over", type = "boolean", doc = "its heap or the total is over a limit" },
    },
}

facts[9] = {
    name = "pool",
    struct = "fh_recycle_facts",
    doc = "A cache of parcels that can be used again.",
    members = {
        { name = "kind", type = "choice", words = "kind", doc = "of its parcels" },
        { name = "count", type = "count", doc = "parcels that are kept" },
        { name = "bytes", type = "bytes", doc = "what its parcels take" },
        { name = "oldest_ticks", type = "integer", doc = "ticks since its oldest was used" },
        { name = "hits", type = "integer", doc = "parcels taken from it since the tick before" },
        { name = "misses", type = "integer",
            doc = "parcels not found in it since the tick before" },
    },
}

-- Columns in C: one pointer for each, and the candidate's number.
facts[10] = {
    name = "candidate",
    struct = "fh_candidates",
    doc = "A parcel whose owner could be asked to let go.",
    members = {
        { name = "priority", type = "float", c = "priorities", column = true, doc = "0 to 1" },
        { name = "age", type = "integer", c = "ages", column = true,
            doc = "ticks since its last use" },
        { name = "size", type = "bytes", c = "sizes", column = true, doc = "reserved bytes" },
        { name = "tag", type = "tag", c = "tags", optional = true, column = true,
            doc = "the tag's name" },
        { name = "kind", type = "choice", words = "kind", c = "kinds", column = true,
            doc = "what it is" },
        { name = "made", type = "integer", column = true, doc = "ticks since it was made" },
        { name = "count", type = "count", doc = "of all candidates" },
        { name = "wanted", type = "bytes", doc = "what all of them together should let go" },
    },
}

facts[11] = {
    name = "graph",
    struct = "fh_alias_facts",
    doc = "Items that may share memory.",
    members = {
        { name = "item_count", type = "count", doc = "items" },
        { name = "pass_count", type = "count", doc = "passes that they live in" },
        { name = "bytes", type = "bytes", doc = "sum of the items' sizes" },
        { name = "lower_bound", type = "bytes", doc = "the largest sum that lives at once" },
    },
}

facts[12] = {
    name = "gaps",
    shown = "block",
    struct = "fh_defrag_facts",
    doc = "A memory block with gaps.",
    members = {
        { name = "type", type = "count", doc = "number of its memory type, from 0" },
        { name = "heap", type = "place", doc = "its heap's place in `facts.heaps`, from 1" },
        { name = "size", type = "bytes", doc = "of the block" },
        { name = "used", type = "bytes", doc = "what its ranges take" },
        { name = "range_count", type = "count", doc = "ranges in it" },
        { name = "gap_count", type = "count", doc = "gaps between them" },
        { name = "movable_count", type = "count", doc = "ranges that may be moved" },
        { name = "largest_gap", type = "bytes", doc = "bytes" },
    },
}

return facts
