---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Script trouble, for tests. Faults add up; the first that matches a call wins, and one with `nth`
--- > 0 is spent when it fired.
---
--- Raises: wrong types; unknown fields and names, with the nearest right one.
---
--- Codes:
--- - `invalid`: there is no such heap, or a stall does not say how long.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: the device is of another backend than "host".
--- - `stale`: the device is closed.
---@param fault freehold.Fault
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:fault(fault) end

--- Forget all faults that did not fire yet; budgets are again as the profile says. A lost device
--- stays lost.
---
--- Codes:
--- - `unsupported`: the device is of another backend than "host".
--- - `stale`: the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:clear_faults() end

--- How many calls of that kind the backend got since it was opened.
---
--- Codes:
--- - `unsupported`: the device is of another backend than "host".
--- - `stale`: the device is closed.
---@param call? freehold.BackendCall default any
---@return integer? count
---@return string? message
---@return freehold.Code? code
function Device:calls(call) end

--- Let the next submissions happen, whatever the profile's latency, in order.
---
--- Codes:
--- - `unsupported`: the device is of another backend than "host".
--- - `stale`: the device is closed.
---@param queue? freehold.Queue|integer default 0
---@param count? integer default 1
---@return integer? done
---@return string? message
---@return freehold.Code? code
function Device:advance(queue, count) end

--- What lives in the backend.
---
--- Codes:
--- - `unsupported`: the device is of another backend than "host".
--- - `stale`: the device is closed.
---@return freehold.SimulatedLive? live
---@return string? message
---@return freehold.Code? code
function Device:live() end

--- A simulated GPU. What is left out, or 0, has its default.
---@class freehold.Profile
---@field name? string for people
---@field kind? "discrete"|"integrated"|"software"
---@field heaps freehold.ProfileHeap[]
---@field types freehold.ProfileType[]
---@field queue_count? integer 1 to 4; default 1
---@field granularity? freehold.Bytes a power of two; default 1
---@field atom? freehold.Bytes a power of two; default 64
---@field buffer_alignment? freehold.Bytes default 16
---@field uniform_alignment? freehold.Bytes of uniform and texel buffers; default 256
---@field texture_alignment? freehold.Bytes of optimal textures; default 4096
---@field target_alignment? freehold.Bytes with more than one sample; default 65536
---@field buffer_types? integer[] indices of types; default all
---@field texture_types? integer[]
---@field dedicated_texture_size? freehold.Bytes from which it prefers dedicated; default never
---@field allocation_size_max? freehold.Bytes default 4 GiB
---@field allocation_count_max? integer default 4096
---@field allocation_latency_ns? integer
---@field copy_latency_ns? integer
---@field manual? boolean copies happen only by `device:advance`; a wait for what was not advanced
--- runs out of time

---@class freehold.ProfileHeap
---@field size freehold.Bytes
---@field device_local? boolean
---@field os_budget? freehold.Bytes default 80 % of the heap
---@field os_unaccounted? freehold.Bytes what others in this process use

---@class freehold.ProfileType
---@field heap? integer index, from 0; default 0
---@field flags? freehold.MemoryFlags

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.Fault
---@field kind? "fail"|"stall"|"budget"|"lose" the call returns `result` (default); takes `stall_ns`
--- longer; the OS budget of `heap` is `bytes` from `tick` on; the device is lost
---@field call? freehold.BackendCall default any that can fail
---@field nth? integer which one from now, counting those that match; default 1; 0 = every one
---@field above? freehold.Bytes memory_alloc, memory_import: only requests of more bytes
---@field result? freehold.Code default out_of_memory
---@field stall_ns? integer
---@field tick? integer
---@field heap? integer index
---@field bytes? freehold.Bytes

---@class freehold.SimulatedLive
---@field memories integer
---@field bytes integer of the memories
---@field objects integer
