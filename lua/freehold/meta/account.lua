---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- What an account has counted. Heap accounts, and the total above them, count driver bytes; kinds
--- and tags count bytes of parcels.
---
--- Codes:
--- - `invalid`: there is no such account; the message has the nearest.
--- - `stale`: the device is closed.
---@param account string|freehold.AccountKey "total", "heap 0", a kind such as "buffer", or a tag
--- that is there
---@return freehold.Account? account
---@return string? message
---@return freehold.Code? code
function Device:account(account) end

--- Limit an account, until it is set again; nil removes the limit. The strictest of this limit, the
--- policy's, and for heaps the OS budget, counts. It is never exceeded, not by a byte. Below what
--- lives, nothing is lost: what would grow is refused, and ticks trim and evict.
---
--- Codes:
--- - `invalid`: there is no such account; the message has the nearest.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param account string|freehold.AccountKey "total", "heap 0", a kind such as "buffer", or a tag
--- that is there
---@param limit freehold.Bytes?
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:set_limit(account, limit) end

--- Set several limits at once. What is spelt wrong, or is no size, is found before the first
--- changes.
---
--- Raises: wrong types; unknown fields and kinds, with the nearest right name.
---
--- Codes:
--- - `invalid`: there is no such heap, or a size is negative.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param limits freehold.Limits
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:limits(limits) end

--- Forget the high-water mark: it is what is used now.
---
--- Codes:
--- - `invalid`: there is no such account; the message has the nearest.
--- - `stale`: the device is closed.
---@param account string|freehold.AccountKey "total", "heap 0", a kind such as "buffer", or a tag
--- that is there
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:reset_peak(account) end

--- Counters.
---
--- Codes:
--- - `stale`: the device is closed.
---@return freehold.DeviceStats? stats
---@return string? message
---@return freehold.Code? code
function Device:stats() end

--- Counters with gaps and extremes: a walk over every parcel.
---
--- Codes:
--- - `host_memory`: the walk found no memory.
--- - `stale`: the device is closed.
---@return freehold.DeviceDetail? detail
---@return string? message
---@return freehold.Code? code
function Device:detail() end

--- The device as JSON text, as the field's memory-dump visualiser reads it.
---
--- Codes:
--- - `host_memory`: the walk found no memory.
--- - `stale`: the device is closed.
---@param detailed? boolean|freehold.JsonOptions list every parcel and gap; default false
---@return string? json
---@return string? message
---@return freehold.Code? code
function Device:json(detailed) end

--- Say in words which memory a request would get and why. Nothing is allocated.
---
--- Raises: wrong types; unknown fields and names, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param request freehold.ExplainRequest
---@return string? text
---@return string? message
---@return freehold.Code? code
function Device:explain(request) end

--- Check the margins behind all parcels in host-visible memory. Each damaged one is an error in the
--- log, by name.
---
--- Codes:
--- - `unsupported`: the device has no margins (`margin`).
--- - `stale`: the device is closed.
---@return integer? damaged
---@return string? message
---@return freehold.Code? code
function Device:check() end

--- Tells a tag from a kind of the same name; and makes the tag when it is new.
---@class freehold.AccountKey
---@field scope "total"|"heap"|"kind"|"tag"
---@field index? integer|string of the heap, the kind or the tag; the last two by name, too

---@class freehold.Account
---@field name string
---@field used integer bytes
---@field retiring integer of these, bytes that wait for the GPU
---@field limit integer? the strictest; nil = none
---@field peak integer high-water mark
---@field count integer driver allocations, or parcels
---@field refused integer requests that it refused

--- false removes a limit.
---@class freehold.Limits
---@field total? freehold.Bytes|false
---@field heaps? table<integer, freehold.Bytes|false> by index, from 0
---@field kinds? table<string, freehold.Bytes|false>
---@field tags? table<string, freehold.Bytes|false> by name; new ones are made

---@class freehold.DeviceStats
---@field total freehold.TotalStats
---@field heaps freehold.HeapStats[]
---@field types freehold.TypeStats[]
---@field committed_bytes integer what was asked for, of all live parcels
---@field parcel_count integer live and retiring, external ones too
---@field retiring_count integer parcels and functions that wait for the GPU
---@field external_bytes integer
---@field tick_count integer this and the rest: since the device was opened
---@field driver_alloc_count integer
---@field driver_free_count integer
---@field refused_count integer requests that failed for lack of memory or budget, after relief
---@field relieved_count integer requests that relief saved
---@field evict_asked_count integer
---@field evict_ignored_count integer
---@field place_count integer verdicts that the policy was asked for
---@field policy_busy_count integer decisions that the native rule made because the policy was busy

---@class freehold.TotalStats
---@field block_count integer memory blocks, dedicated ones too
---@field block_bytes integer driver bytes
---@field range_count integer parcels
---@field range_bytes integer bytes that they take
---@field reserved integer another name of `range_bytes`
---@field dedicated_count integer of the blocks
---@field retiring_bytes integer of the ranges' bytes
---@field committed integer bytes that were asked for

---@class freehold.HeapStats
---@field block_count integer memory blocks, dedicated ones too
---@field block_bytes integer driver bytes
---@field range_count integer parcels
---@field range_bytes integer bytes that they take
---@field reserved integer another name of `range_bytes`
---@field dedicated_count integer of the blocks
---@field retiring_bytes integer of the ranges' bytes
---@field index integer from 0
---@field budget integer bytes the OS gives this process, as the last tick read it
---@field usage integer bytes that this process uses

---@class freehold.TypeStats
---@field block_count integer memory blocks, dedicated ones too
---@field block_bytes integer driver bytes
---@field range_count integer parcels
---@field range_bytes integer bytes that they take
---@field reserved integer another name of `range_bytes`
---@field dedicated_count integer of the blocks
---@field retiring_bytes integer of the ranges' bytes
---@field index integer from 0
---@field heap integer index

---@class freehold.DeviceDetail
---@field total freehold.StatsDetail
---@field heaps freehold.StatsDetail[] each with its `index`
---@field types freehold.StatsDetail[] each with its `index` and its `heap`

---@class freehold.JsonOptions
---@field detailed? boolean

--- Exactly one of them.
---@class freehold.ExplainRequest
---@field buffer? freehold.BufferOptions
---@field texture? freehold.TextureOptions
---@field raw? freehold.RawOptions
