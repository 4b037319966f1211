-- Accounts and limits; counters and texts about a device.

local shared = ...
local success, closed = shared.success, shared.closed

local no_account = { "invalid", "there is no such account; the message has the nearest" }

local account_param = {
    name = "account",
    type = "string|freehold.AccountKey",
    doc = "\"total\", \"heap 0\", a kind such as \"buffer\", or a tag that is there",
}

local device_methods = {
    {
        name = "account",
        doc = "What an account has counted. Heap accounts, and the total above them, count driver"
            .. " bytes; kinds and tags count bytes of parcels.",
        params = { account_param },
        returns = { { type = "freehold.Account", name = "account" } },
        errors = { no_account, closed },
        example = [[
device:tag("terrain")
print(device:account("total").used, device:account("terrain").peak)]],
    },
    {
        name = "set_limit",
        doc = "Limit an account, until it is set again; nil removes the limit. The strictest of"
            .. " this"
            .. " limit, the policy's, and for heaps the OS budget, counts. It is never exceeded,"
            .. " not by a byte. Below what lives, nothing is lost: what would grow is refused, and"
            .. " ticks trim and evict.",
        params = { account_param, { name = "limit", type = "freehold.Bytes?" } },
        returns = success,
        errors = { no_account, { "host_memory", "the bookkeeping found no memory" }, closed },
        example = [[
device:set_limit("total", "4GiB")
device:set_limit({ scope = "tag", index = "terrain" }, "256MiB")]],
    },
    {
        name = "limits",
        doc = "Set several limits at once. What is spelt wrong, or is no size, is found before the"
            .. " first changes.",
        params = { { name = "limits", type = "freehold.Limits" } },
        returns = success,
        errors = {
            { "invalid", "there is no such heap, or a size is negative" },
            { "host_memory", "the bookkeeping found no memory" },
            closed,
        },
        raises = "unknown fields and kinds, with the nearest right name",
        example = [[
assert(device:limits {
    total = "4GiB", heaps = { [1] = "1GiB" }, kinds = { texture = "2GiB" },
    tags = { terrain = "256MiB" },
})]],
    },
    {
        name = "reset_peak",
        doc = "Forget the high-water mark: it is what is used now.",
        params = { account_param },
        returns = success,
        errors = { no_account, closed },
    },
    {
        name = "stats",
        doc = "Counters.",
        params = {},
        returns = { { type = "freehold.DeviceStats", name = "stats" } },
        errors = { closed },
        cost = "O(1), but some microseconds",
    },
    {
        name = "detail",
        doc = "Counters with gaps and extremes: a walk over every parcel.",
        params = {},
        returns = { { type = "freehold.DeviceDetail", name = "detail" } },
        errors = { { "host_memory", "the walk found no memory" }, closed },
        cost = "O(parcels log parcels)",
    },
    {
        name = "json",
        doc = "The device as JSON text, as the field's memory-dump visualiser reads it.",
        params = {
            {
                name = "detailed",
                type = "boolean|freehold.JsonOptions",
                optional = true,
                doc = "list every parcel and gap; default false",
            },
        },
        returns = { { type = "string", name = "json" } },
        errors = { { "host_memory", "the walk found no memory" }, closed },
        cost = "O(parcels log parcels) when detailed, twice: once to measure",
    },
    {
        name = "explain",
        doc = "Say in words which memory a request would get and why. Nothing is allocated.",
        params = { { name = "request", type = "freehold.ExplainRequest" } },
        returns = { { type = "string", name = "text" } },
        errors = shared.making,
        raises = "unknown fields and names, with the nearest right one",
        example = [[
print(device:explain { buffer = { size = "1MiB", usage = "vertex" } })]],
    },
    {
        name = "check",
        doc = "Check the margins behind all parcels in host-visible memory. Each damaged one is an"
            .. " error in the log, by name.",
        params = {},
        returns = { { type = "integer", name = "damaged" } },
        errors = { { "unsupported", "the device has no margins (`margin`)" }, closed },
        cost = "O(parcels)",
    },
}

local function memory_fields(...)
    return {
        { name = "block_count", type = "integer", doc = "memory blocks, dedicated ones too" },
        { name = "block_bytes", type = "integer", doc = "driver bytes" },
        { name = "range_count", type = "integer", doc = "parcels" },
        { name = "range_bytes", type = "integer", doc = "bytes that they take" },
        { name = "reserved", type = "integer", doc = "another name of `range_bytes`" },
        { name = "dedicated_count", type = "integer", doc = "of the blocks" },
        { name = "retiring_bytes", type = "integer", doc = "of the ranges' bytes" },
        ...,
    }
end

local function counter(name, doc)
    return { name = name, type = "integer", doc = doc }
end

local classes = {
    {
        name = "freehold.AccountKey",
        title = "An account by numbers",
        doc = "Tells a tag from a kind of the same name; and makes the tag when it is new.",
        fields = {
            { name = "scope", type = '"total"|"heap"|"kind"|"tag"' },
            { name = "index", type = "integer|string", optional = true,
                doc = "of the heap, the kind or the tag; the last two by name, too" },
        },
    },
    {
        name = "freehold.Account",
        title = "What device:account returns",
        fields = {
            { name = "name", type = "string" },
            { name = "used", type = "integer", doc = "bytes" },
            { name = "retiring", type = "integer", doc = "of these, bytes that wait for the GPU" },
            { name = "limit", type = "integer?", doc = "the strictest; nil = none" },
            { name = "peak", type = "integer", doc = "high-water mark" },
            { name = "count", type = "integer", doc = "driver allocations, or parcels" },
            { name = "refused", type = "integer", doc = "requests that it refused" },
        },
    },
    {
        name = "freehold.Limits",
        title = "What device:limits takes",
        doc = "false removes a limit.",
        fields = {
            { name = "total", type = "freehold.Bytes|false", optional = true },
            { name = "heaps", type = "table<integer, freehold.Bytes|false>", optional = true,
                doc = "by index, from 0" },
            { name = "kinds", type = "table<string, freehold.Bytes|false>", optional = true },
            { name = "tags", type = "table<string, freehold.Bytes|false>", optional = true,
                doc = "by name; new ones are made" },
        },
    },
    {
        name = "freehold.DeviceStats",
        title = "What device:stats returns",
        fields = {
            { name = "total", type = "freehold.TotalStats" },
            { name = "heaps", type = "freehold.HeapStats[]" },
            { name = "types", type = "freehold.TypeStats[]" },
            counter("committed_bytes", "what was asked for, of all live parcels"),
            counter("parcel_count", "live and retiring, external ones too"),
            counter("retiring_count", "parcels and functions that wait for the GPU"),
            counter("external_bytes"),
            counter("tick_count", "this and the rest: since the device was opened"),
            counter("driver_alloc_count"),
            counter("driver_free_count"),
            counter("refused_count",
                "requests that failed for lack of memory or budget, after relief"),
            counter("relieved_count", "requests that relief saved"),
            counter("evict_asked_count"),
            counter("evict_ignored_count"),
            counter("place_count", "verdicts that the policy was asked for"),
            counter("policy_busy_count",
                "decisions that the native rule made because the policy was busy"),
        },
    },
    {
        name = "freehold.TotalStats",
        title = "Its total",
        fields = memory_fields { name = "committed", type = "integer",
            doc = "bytes that were asked for" },
    },
    {
        name = "freehold.HeapStats",
        title = "Its heaps",
        fields = memory_fields({ name = "index", type = "integer", doc = "from 0" },
            { name = "budget", type = "integer",
                doc = "bytes the OS gives this process, as the last tick read it" },
            { name = "usage", type = "integer", doc = "bytes that this process uses" }),
    },
    {
        name = "freehold.TypeStats",
        title = "Its memory types",
        fields = memory_fields({ name = "index", type = "integer", doc = "from 0" },
            { name = "heap", type = "integer", doc = "index" }),
    },
    {
        name = "freehold.DeviceDetail",
        title = "What device:detail returns",
        fields = {
            { name = "total", type = "freehold.StatsDetail" },
            { name = "heaps", type = "freehold.StatsDetail[]", doc = "each with its `index`" },
            { name = "types", type = "freehold.StatsDetail[]",
                doc = "each with its `index` and its `heap`" },
        },
    },
    {
        name = "freehold.JsonOptions",
        title = "Options of device:json",
        fields = { { name = "detailed", type = "boolean", optional = true } },
    },
    {
        name = "freehold.ExplainRequest",
        title = "What device:explain takes",
        doc = "Exactly one of them.",
        fields = {
            { name = "buffer", type = "freehold.BufferOptions", optional = true },
            { name = "texture", type = "freehold.TextureOptions", optional = true },
            { name = "raw", type = "freehold.RawOptions", optional = true },
        },
    },
}

return { device_methods = device_methods, classes = classes }
