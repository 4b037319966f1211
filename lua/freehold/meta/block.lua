---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

--- A block frees everything in it when it is closed (`<close>`, `destroy`) or collected. Its
--- bookkeeping is C memory, which Lua's collector does not see: close blocks, where there are many.
---
--- After it is destroyed every method but `destroy` and `close` returns `nil, message, "stale"`;
--- what is wrong with an argument may be told first.
---@class freehold.Block
local Block = {}

--- Find room for a range. A TLSF block refuses if and only if no gap fits the aligned request,
--- whatever the strategy.
---
--- Raises: wrong types; an unknown field or strategy, with the nearest right name.
---
--- Codes:
--- - `invalid`: the size is 0 or negative, or the alignment no power of two.
--- - `out_of_memory`: no gap fits.
--- - `host_memory`: the bookkeeping could not grow.
--- - `unsupported`: `upper` is asked of a TLSF block.
--- - `stale`: the block has been destroyed.
---@param size integer units, at least 1
---@param options? freehold.RangeOptions
---@return freehold.Range? range
---@return integer|string offset
---@return freehold.Code? code
function Block:alloc(size, options) end

--- Give a range back. Its user value is forgotten.
---
--- Codes:
--- - `stale`: the range was freed, belongs to another block, or the block has been destroyed.
---@param range freehold.Range a range of this block
---@return true? done
---@return string? message
---@return freehold.Code? code
function Block:free(range) end

--- Free all ranges at once.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Block:clear() end

--- Where a range lies.
---
--- Codes:
--- - `stale`: the range was freed, belongs to another block, or the block has been destroyed.
---@param range freehold.Range a range of this block
---@return freehold.RangeInfo? info
---@return string? message
---@return freehold.Code? code
function Block:info(range) end

--- Replace the user value of a range; nil removes it.
---
--- Codes:
--- - `stale`: the range was freed, belongs to another block, or the block has been destroyed.
---@param range freehold.Range a range of this block
---@param user any
---@return true? done
---@return string? message
---@return freehold.Code? code
function Block:set_user(range, user) end

--- Counters.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@return freehold.Stats? stats
---@return string? message
---@return freehold.Code? code
function Block:stats() end

--- Counters with gaps and extremes.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@return freehold.StatsDetail? detail
---@return string? message
---@return freehold.Code? code
function Block:detail() end

--- An upper bound: no request larger than this can succeed now. One up to it may still be refused.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@return integer? bound
---@return string? message
---@return freehold.Code? code
function Block:free_bound() end

--- Move the end of the block. Ranges stay where they are.
---
--- Codes:
--- - `invalid`: the size is 0 or negative.
--- - `busy`: a range lies beyond the new end, or a linear block has upper ranges.
--- - `host_memory`: the bookkeeping could not grow.
--- - `stale`: the block has been destroyed.
---@param size integer units, at least 1
---@return true? done
---@return string? message
---@return freehold.Code? code
function Block:resize(size) end

--- Walk over all ranges and gaps in address order; the sizes add up to the block's. `range` and
--- `user` are nil for a gap. The walk is over the block as it was at the call, so the body may free
--- and allocate; a range that it freed comes up all the same, stale and without its user value.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@return (fun(): integer?, integer?, freehold.Range?, any)? next
---@return string? message
---@return freehold.Code? code
function Block:pieces() end

--- The block as JSON text, as the field's memory-dump visualiser reads it.
---
--- Codes:
--- - `stale`: the block has been destroyed.
---@param detailed? boolean list every range and gap; default false
---@return string? json
---@return string? message
---@return freehold.Code? code
function Block:json(detailed) end

--- Destroy the block, now. Ranges that still live are freed, which is no error; their number says
--- whether somebody forgot one. Again: 0.
---@return integer live
function Block:destroy() end

--- Another name of `destroy`.
---@return integer live
function Block:close() end

--- One piece of a block: a handle, as a value. **Losing it frees nothing**: a range ends by `free`,
--- when a `<close>` variable that holds it ends, or with its block (`clear`, `destroy`,
--- collection). If the collector freed lost handles, an offset that is still in use could be handed
--- out again at some random later time. A handle keeps its block alive.
---
--- Handles are compared by what they name: `==` is true for two handles of one range. As keys of a
--- table they are different; keep your data in `user` instead.
---
--- Freed, the handle is stale (until its block has made 2^32 more ranges): `live` is false, the
--- fields are nil, and calls return `nil, message, "stale"`.
---@class freehold.Range
---@field offset integer? units; nil when stale
---@field size integer? units, as asked for; nil when stale
---@field user any any value of yours. Can be assigned to: that raises when the range is stale
---@field live boolean whether the range still exists
---@field block freehold.Block also when stale
local Range = {}

--- The same as `block:free(range)`.
---
--- Codes:
--- - `stale`: freed before, or the block has been destroyed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Range:free() end

--- Read raw: metatables are ignored. A field that does not exist raises.
---@class freehold.BlockOptions
---@field size integer units; 1 to math.maxinteger (2^63 − 1, one less than in C)
---@field algorithm? "tlsf"|"linear" tlsf (default): any order of alloc and free. linear: a stack, a
--- ring, a double stack, or everything freed at once; faster, and only for those orders

--- Read raw, as above.
---@class freehold.RangeOptions
---@field alignment? integer units, a power of two; default 1
---@field strategy? "balanced"|"min_time"|"min_memory"|"min_offset" which gap a TLSF block takes:
--- close to best fit (balanced, the default), the first that is surely large enough, the smallest,
--- or the lowest
---@field upper? boolean linear blocks: from the top downwards
---@field user? any any value; kept until the range is freed

---@class freehold.RangeInfo
---@field offset integer units
---@field size integer units, as asked for
---@field user any

---@class freehold.Stats
---@field block_count integer 1
---@field block_bytes integer the block's size
---@field range_count integer
---@field range_bytes integer sum of the ranges' sizes as asked for; alignment padding is not in it

--- The smallest of nothing is math.maxinteger, the largest of nothing is 0.
---@class freehold.StatsDetail
---@field stats freehold.Stats
---@field free_count integer gaps
---@field range_min integer
---@field range_max integer
---@field free_min integer
---@field free_max integer
