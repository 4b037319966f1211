---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Make a pool: a growing, shrinking set of memory blocks of one memory type, for parcels that
--- should live by rules of their own.
---
--- Raises: wrong types; unknown fields and names, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is out of range.
--- - `unsupported`: no memory type will do.
--- - `host_memory`: the bookkeeping found no memory.
--- - `out_of_memory`: the first blocks (`block_count_min`) do not fit.
--- - `budget`: a limit says no to the first blocks.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed.
---@param options? freehold.PoolOptions
---@return freehold.Pool? pool
---@return string? message
---@return freehold.Code? code
function Device:pool(options) end

--- A queue: by name one of the program's own, which is added when it is new; by number one of those
--- that there are. A device has 8 queues at most, the backend's own included, and keeps them.
---
--- Codes:
--- - `busy`: there are 8 already.
--- - `invalid`: there is no queue of that number.
--- - `stale`: the device is closed.
---@param queue string|integer
---@return freehold.Queue? queue
---@return string? message
---@return freehold.Code? code
function Device:queue(queue) end

--- All queues by number: the backend's own, then those that Lua added.
---
--- Codes:
--- - `stale`: the device is closed.
---@return freehold.Queue[]? queues
---@return string? message
---@return freehold.Code? code
function Device:queues() end

--- A pool that is collected, or whose `<close>` variable ends, while parcels live in it goes after
--- the last of them.
---@class freehold.Pool
local Pool = {}

--- Give its memory back, now. Again: true.
---
--- Codes:
--- - `busy`: parcels live in it, or still retire.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Pool:destroy() end

--- Another name of `destroy`.
---
--- Codes:
--- - `busy`: parcels live in it, or still retire.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Pool:close() end

--- Its memory type, and counters.
---
--- Codes:
--- - `stale`: the pool was destroyed, or the device is closed.
---@return freehold.PoolInfo? info
---@return string? message
---@return freehold.Code? code
function Pool:info() end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.PoolOptions
---@field types? integer[] indices of memory types it may be of; default any. The best is taken, for
--- good
---@field location? "device"|"upload"|"readback"|"device_upload" default device
---@field access? "by_location"|"sequential"|"random"
---@field algorithm? "tlsf"|"linear" default tlsf
---@field block_size? freehold.Bytes of every block; default by the growth rule
---@field block_count_min? integer made at once, and kept
---@field block_count_max? integer default: no maximum
---@field keep_empty? boolean blocks that fell empty stay until `device:trim()`
---@field priority? number of its memory
---@field name? string

---@class freehold.PoolInfo
---@field name string "" = none
---@field type integer index of its memory type
---@field heap integer index
---@field flags table<freehold.MemoryFlag, true> of that type
---@field block_size integer bytes of the next block
---@field block_count integer
---@field block_bytes integer
---@field range_count integer
---@field range_bytes integer

--- A queue counts up; work handed to it gets the next value, and is done when the queue's progress
--- has reached that value. An epoch is a plain table, `{ queue = …, value = … }`: a point that
--- passes.
---@class freehold.Queue
---@field index integer from 0
---@field name string? nil for the backend's own
local Queue = {}

--- The queue has passed that value. A smaller one than before is ignored. What retires by it does
--- so at the next tick or poll.
---
--- Codes:
--- - `invalid`: it is a queue of the backend's, or the value is negative.
--- - `stale`: the device is closed.
---@param value integer
---@return true? done
---@return string? message
---@return freehold.Code? code
function Queue:signal(value) end

--- The last point that it has passed.
---
--- Codes:
--- - `stale`: the device is closed.
---@return integer? value
---@return string? message
---@return freehold.Code? code
function Queue:progress() end

--- An epoch of this queue.
---
--- Codes:
--- - `invalid`: the value is negative.
---@param value integer
---@return freehold.Epoch? epoch
---@return string? message
---@return freehold.Code? code
function Queue:epoch(value) end

---@class freehold.Epoch
---@field queue integer|freehold.Queue index; what Lua gets is a number
---@field value integer a point on that queue; 0 has passed
