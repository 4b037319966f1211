---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

--- One adapter, opened through one backend. Parcels, pools, queues and views keep their device
--- open: losing the variable closes nothing that is in use. A `<close>` variable and `close` do.
---@class freehold.Device
local Device = {}

--- Close the device: what retires is waited for, parcels that still live are destroyed (the log
--- gets their names), and everything that was made with it is stale. Within a callback of the
--- device it takes effect when the outermost call returns. A device with open aliases
--- (`with_allocator`) goes with the last of them. Again: false.
---@return boolean was_open
function Device:close() end

--- Whether it is closed.
---@return boolean closed
function Device:closed() end

--- The adapter that it was opened on.
---
--- Codes:
--- - `stale`: the device is closed.
---@return freehold.Adapter? adapter
---@return string? message
---@return freehold.Code? code
function Device:adapter() end

--- The number of a tag, which is made when it is new. Wherever a tag is asked for its name will do,
--- too; the number saves looking it up. At most 1,023 tags; more are the tag "other".
---
--- Codes:
--- - `invalid`: the name is empty or too long.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param name string 1 to 63 bytes
---@return integer? tag
---@return string? message
---@return freehold.Code? code
function Device:tag(name) end

--- The boundary between two frames. In order: progress of the queues and what retires by it; OS
--- budgets; the policy; trimming of empty blocks; eviction, when an account is over. A program
--- without frames calls it when it likes.
---
--- Codes:
--- - `device_lost`: what can be done without a device was done.
--- - `stale`: the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:tick() end

--- Only the first part of a tick: what queues have passed retires, and owners are asked to let go
--- where that is due.
---
--- Codes:
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:poll() end

--- Wait until an epoch has passed. An epoch of a queue of the program's own passes only by
--- `queue:signal`, so waiting for one here waits for another thread.
---
--- Codes:
--- - `timeout`: it did not pass in time.
--- - `invalid`: there is no such queue.
--- - `stale`: the device is closed.
---@param epoch freehold.Epoch
---@param timeout_ns? integer nanoseconds, 0 = look once; default 10 s
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:wait(epoch, timeout_ns) end

--- Wait for everything that Freehold submitted itself, then retire it.
---
--- Codes:
--- - `timeout`: it took longer.
--- - `stale`: the device is closed.
---@param timeout_ns? integer as above
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:wait_idle(timeout_ns) end

--- Have a function called once, when all epochs have passed: at a tick or poll, at the device's
--- end, or at once when they have passed already.
---
--- Codes:
--- - `invalid`: there is no such queue.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param call fun()
---@param epochs? freehold.Epoch|freehold.Epoch[]
---@return true? done
---@return string? message
---@return freehold.Code? code
function Device:retire(call, epochs) end

--- Give back to the driver every block that is empty, now.
---
--- Codes:
--- - `stale`: the device is closed.
---@return integer? bytes
---@return string? message
---@return freehold.Code? code
function Device:trim() end

--- Whether the device is lost. Then making parcels gives `"device_lost"`, epochs count as passed,
--- releasing succeeds, mappings stay readable until unmapped, and `device:parcels()` lists what to
--- rebuild.
---
--- Codes:
--- - `stale`: the device is closed.
---@return boolean? lost
---@return string? message
---@return freehold.Code? code
function Device:lost() end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.DeviceOptions
---@field backend? string one of `fh.backends()`; default "host", a GPU simulated in memory, which
--- needs nothing installed
---@field profile? string|freehold.Profile backend host: which GPU is simulated, one of
--- `fh.profiles()` or a table; default by `adapter`
---@field adapter? integer the `index` of one of `fh.adapters()`; default 0
---@field block_size? freehold.Bytes of a full-grown memory block; default 1/8 of heaps up to 1 GiB,
--- else 256 MiB
---@field margin? freehold.Bytes bytes behind every parcel, for finding writes past the end; default
--- none
---@field os_budget_advisory? boolean the OS budget refuses only requests marked `within_budget`;
--- default false: it is a limit like others
---@field retain_ticks? integer how long an empty block is kept; default 64
---@field evict? fun(parcel: freehold.Parcel, user: any): boolean? asked to let go of a parcel that
--- is `evictable`: release it, now or later, and return true; default: nothing is ever evicted
---@field log? fun(level: "info"|"warning"|"error", message: string) gets remarks; default: silence

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.AdapterOptions
---@field backend? string default "host"
---@field profile? string|freehold.Profile backend host: the one adapter is this one

--- Lists are Lua's, from 1. What a number *names* counts from 0, as in C, in JSON and on the
--- command line: heap 0 is `heaps[1]`, and its `index` is 0.
---@class freehold.Adapter
---@field index integer? what `fh.device` calls `adapter`; not in `device:adapter()`
---@field name string for people
---@field backend string
---@field kind "discrete"|"integrated"|"software"
---@field caps table<string, true> of budget, device_address, priority, import_host, delayed: those
--- it has
---@field queue_count integer the backend's own queues
---@field granularity integer bytes; buffers and optimal textures do not share a page of this size
---@field atom integer bytes that flushes are rounded to
---@field allocation_size_max integer bytes of one memory
---@field allocation_count_max integer
---@field heaps freehold.Heap[]
---@field types freehold.MemoryType[]

---@class freehold.Heap
---@field index integer from 0
---@field size integer bytes
---@field device_local boolean

---@class freehold.MemoryType
---@field index integer from 0
---@field heap integer the heap's index
---@field flags table<freehold.MemoryFlag, true>
