-- Blocks, ranges and their tables.

local shared = ...
local success = shared.success

local range_param = { name = "range", type = "freehold.Range", doc = "a range of this block" }

local stale_range = {
    "stale",
    "the range was freed, belongs to another block, or the block has been destroyed",
}
local stale_block = { "stale", "the block has been destroyed" }

local functions = {
    {
        name = "block",
        doc = "Make a block: bookkeeping over offsets 0 to size - 1, in any unit. No memory"
            .. " stands behind it.",
        params = {
            { name = "options", type = "freehold.BlockOptions" },
        },
        returns = { { type = "freehold.Block", name = "block" } },
        errors = {
            { "invalid", "the size is 0 or negative" },
            { "host_memory", "the bookkeeping found no memory" },
        },
        raises = "an unknown field or algorithm, with the nearest right name; a missing size",
        example = [[
local block <close> = assert(fh.block { size = 64 * fh.MiB })]],
    },
}

local classes = {
    {
        name = "freehold.Block",
        noun = "block",
        title = "Blocks",
        doc = [[
A block frees everything in it when it is closed (`<close>`, `destroy`) or collected. Its
bookkeeping is C memory, which Lua's collector does not see: close blocks, where there are many.

After it is destroyed every method but `destroy` and `close` returns `nil, message, "stale"`; what
is wrong with an argument may be told first.]],
        methods = {
            {
                name = "alloc",
                doc = "Find room for a range. A TLSF block refuses if and only if no gap fits the"
                    .. " aligned request, whatever the strategy.",
                params = {
                    { name = "size", type = "integer", doc = "units, at least 1" },
                    { name = "options", type = "freehold.RangeOptions", optional = true },
                },
                returns = {
                    { type = "freehold.Range", name = "range" },
                    { type = "integer", name = "offset" },
                },
                errors = {
                    { "invalid", "the size is 0 or negative, or the alignment no power of two" },
                    { "out_of_memory", "no gap fits" },
                    { "host_memory", "the bookkeeping could not grow" },
                    { "unsupported", "`upper` is asked of a TLSF block" },
                    stale_block,
                },
                raises = "an unknown field or strategy, with the nearest right name",
                cost = "O(1), but for some requests that walk gaps or, rarely, the block (block.h"
                    .. " says which). `min_memory`: the length of the bins up to the first in which"
                    .. " it fits. `min_offset`: logarithmic, plus"
                    .. " a step for each gap that is long enough but for its alignment; and after"
                    .. " the first such request every alloc and free of that block takes O(log n)",
                example = [[
local range, offset = block:alloc(1000, { alignment = 256 })
if not range then
    print("no room for the mesh: " .. offset) -- the message
end]],
            },
            {
                name = "free",
                doc = "Give a range back. Its user value is forgotten.",
                params = { range_param },
                returns = success,
                errors = { stale_range },
                cost = "O(1); O(log n) in a block that was asked for `min_offset`",
            },
            {
                name = "clear",
                doc = "Free all ranges at once.",
                params = {},
                returns = success,
                errors = { stale_block },
            },
            {
                name = "info",
                doc = "Where a range lies.",
                params = { range_param },
                returns = { { type = "freehold.RangeInfo", name = "info" } },
                errors = { stale_range },
            },
            {
                name = "set_user",
                doc = "Replace the user value of a range; nil removes it.",
                params = { range_param, { name = "user", type = "any" } },
                returns = success,
                errors = { stale_range },
            },
            {
                name = "stats",
                doc = "Counters.",
                params = {},
                returns = { { type = "freehold.Stats", name = "stats" } },
                errors = { stale_block },
                cost = "O(1)",
            },
            {
                name = "detail",
                doc = "Counters with gaps and extremes.",
                params = {},
                returns = { { type = "freehold.StatsDetail", name = "detail" } },
                errors = { stale_block },
                cost = "O(n), a walk over all ranges and gaps",
            },
            {
                name = "free_bound",
                doc = "An upper bound: no request larger than this can succeed now. One up to it"
                    .. " may still be refused.",
                params = {},
                returns = { { type = "integer", name = "bound" } },
                errors = { stale_block },
                cost = "O(1)",
            },
            {
                name = "resize",
                doc = "Move the end of the block. Ranges stay where they are.",
                params = { { name = "size", type = "integer", doc = "units, at least 1" } },
                returns = success,
                errors = {
                    { "invalid", "the size is 0 or negative" },
                    {
                        "busy",
                        "a range lies beyond the new end, or a linear block has upper ranges",
                    },
                    { "host_memory", "the bookkeeping could not grow" },
                    stale_block,
                },
            },
            {
                name = "pieces",
                doc = "Walk over all ranges and gaps in address order; the sizes add up to the"
                    .. " block's. `range` and `user` are nil for a gap. The walk is over the block"
                    .. " as it was at the call, so the body may free and allocate; a range that it"
                    .. " freed comes up all the same, stale and without its user value.",
                params = {},
                returns = {
                    {
                        type = "fun(): integer?, integer?, freehold.Range?, any",
                        name = "next",
                    },
                },
                errors = { stale_block },
                cost = "O(n) time and memory at the call",
                example = [[
for offset, size, range, user in block:pieces() do
    print(offset, size, range and "used" or "free", user)
end]],
            },
            {
                name = "json",
                doc = "The block as JSON text, as the field's memory-dump visualiser reads it.",
                params = {
                    {
                        name = "detailed",
                        type = "boolean",
                        optional = true,
                        doc = "list every range and gap; default false",
                    },
                },
                returns = { { type = "string", name = "json" } },
                errors = { stale_block },
                cost = "O(n), twice: once to measure",
            },
            {
                name = "destroy",
                doc = "Destroy the block, now. Ranges that still live are freed, which is no error;"
                    .. " their number says whether somebody forgot one. Again: 0.",
                params = {},
                returns = { { type = "integer", name = "live" } },
                errors = {},
                cost = "O(1)",
            },
            {
                name = "close",
                doc = "Another name of `destroy`.",
                params = {},
                returns = { { type = "integer", name = "live" } },
                errors = {},
            },
        },
    },
    {
        name = "freehold.Range",
        noun = "range",
        title = "Ranges",
        doc = [[
One piece of a block: a handle, as a value. **Losing it frees nothing**: a range ends by `free`,
when a `<close>` variable that holds it ends, or with its block (`clear`, `destroy`,
collection). If the collector freed lost handles, an offset that is still in use could be handed
out again at some random later time. A handle keeps its block alive.

Handles are compared by what they name: `==` is true for two handles of one range. As keys of a
table they are different; keep your data in `user` instead.

Freed, the handle is stale (until its block has made 2^32 more ranges): `live` is false, the fields
are nil, and calls return `nil, message, "stale"`.]],
        fields = {
            { name = "offset", type = "integer?", doc = "units; nil when stale" },
            { name = "size", type = "integer?", doc = "units, as asked for; nil when stale" },
            {
                name = "user",
                type = "any",
                doc = "any value of yours. Can be assigned to: that raises when the range is stale",
            },
            { name = "live", type = "boolean", doc = "whether the range still exists" },
            { name = "block", type = "freehold.Block", doc = "also when stale" },
        },
        methods = {
            {
                name = "free",
                doc = "The same as `block:free(range)`.",
                params = {},
                returns = success,
                errors = { { "stale", "freed before, or the block has been destroyed" } },
            },
        },
    },
    {
        name = "freehold.BlockOptions",
        title = "Options of fh.block",
        doc = "Read raw: metatables are ignored. A field that does not exist raises.",
        fields = {
            {
                name = "size",
                type = "integer",
                doc = "units; 1 to math.maxinteger (2^63 − 1, one less than in C)",
            },
            {
                name = "algorithm",
                type = '"tlsf"|"linear"',
                optional = true,
                doc = "tlsf (default): any order of alloc and free. linear: a stack, a ring, a"
                    .. " double stack, or everything freed at once; faster, and only for those"
                    .. " orders",
            },
        },
    },
    {
        name = "freehold.RangeOptions",
        title = "Options of block:alloc",
        doc = "Read raw, as above.",
        fields = {
            {
                name = "alignment",
                type = "integer",
                optional = true,
                doc = "units, a power of two; default 1",
            },
            {
                name = "strategy",
                type = '"balanced"|"min_time"|"min_memory"|"min_offset"',
                optional = true,
                doc = "which gap a TLSF block takes: close to best fit (balanced, the default), the"
                    .. " first that is surely large enough, the smallest, or the lowest",
            },
            {
                name = "upper",
                type = "boolean",
                optional = true,
                doc = "linear blocks: from the top downwards",
            },
            {
                name = "user",
                type = "any",
                optional = true,
                doc = "any value; kept until the range is freed",
            },
        },
    },
    {
        name = "freehold.RangeInfo",
        title = "What block:info returns",
        fields = {
            { name = "offset", type = "integer", doc = "units" },
            { name = "size", type = "integer", doc = "units, as asked for" },
            { name = "user", type = "any" },
        },
    },
    {
        name = "freehold.Stats",
        title = "What block:stats returns",
        fields = {
            { name = "block_count", type = "integer", doc = "1" },
            { name = "block_bytes", type = "integer", doc = "the block's size" },
            { name = "range_count", type = "integer" },
            {
                name = "range_bytes",
                type = "integer",
                doc = "sum of the ranges' sizes as asked for; alignment padding is not in it",
            },
        },
    },
    {
        name = "freehold.StatsDetail",
        title = "What block:detail returns",
        doc = "The smallest of nothing is math.maxinteger, the largest of nothing is 0.",
        fields = {
            { name = "stats", type = "freehold.Stats" },
            { name = "free_count", type = "integer", doc = "gaps" },
            { name = "range_min", type = "integer" },
            { name = "range_max", type = "integer" },
            { name = "free_min", type = "integer" },
            { name = "free_max", type = "integer" },
        },
    },
}

return { functions = functions, classes = classes }
