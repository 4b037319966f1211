---@meta freehold

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@alias freehold.Code
---| "invalid" # an argument is wrong
---| "out_of_memory" # no free range or device memory fits the request
---| "host_memory" # an allocation of host memory failed
---| "budget" # the request would exceed a limit or budget
---| "stale" # the handle names something that no longer exists
---| "unsupported" # this object, backend or build cannot do that
---| "busy" # something still uses what the call would change
---| "timeout" # the wait ended before what it waited for happened
---| "device_lost" # the device is lost
---| "io" # reading or writing failed
---| "format" # the data is not in the expected format
---| "script" # a script failed

---@alias freehold.Usage
---| "copy_src"
---| "copy_dst"
---| "vertex"
---| "index"
---| "uniform"
---| "storage"
---| "indirect"
---| "texel"
---| "device_address"
---| "sampled"
---| "color_target"
---| "depth_target"
---| "input"
---| "transient_target"

---@alias freehold.MemoryFlag
---| "device_local"
---| "host_visible"
---| "host_coherent"
---| "host_cached"
---| "lazily_allocated"
---| "protected"
---| "device_coherent"
---| "device_uncached"

---@alias freehold.EventKind
---| "parcel_created"
---| "parcel_used"
---| "parcel_retired"
---| "parcel_freed"
---| "parcel_resized"
---| "parcel_mapped"
---| "parcel_unmapped"
---| "memory_allocated"
---| "memory_freed"
---| "copied"
---| "refused"
---| "budget_crossed"
---| "evict_asked"
---| "evict_ignored"
---| "tick"
---| "policy_set"
---| "device_lost"
---| "parcel_named"
---| "decided"
---| "device_closed"

---@alias freehold.Hook
---| "place"
---| "relieve"
---| "limits"
---| "frame"
---| "pressure"
---| "retain"
---| "recycle"
---| "evict"
---| "alias"
---| "defrag"
---| "migrate"

---@alias freehold.OptionType
---| "bytes"
---| "integer"
---| "number"
---| "boolean"
---| "choice"
---| "text"

---@alias freehold.BackendCall
---| "any"
---| "memory_alloc"
---| "memory_map"
---| "memory_flush"
---| "memory_invalidate"
---| "memory_import"
---| "buffer_create"
---| "texture_create"
---| "bind"
---| "budget"
---| "submit"
---| "progress"
---| "wait"

--- a size in bytes, or a text such as "64MiB" (B, KiB, MiB, GiB, TiB)
---@alias freehold.Bytes integer|string

--- "storage|copy_dst", a list of names, or a set of them; what comes out is a set
---@alias freehold.UsageFlags string|freehold.Usage[]|table<freehold.Usage, boolean>

--- the same, such as "host_visible|host_cached"
---@alias freehold.MemoryFlags string|freehold.MemoryFlag[]|table<freehold.MemoryFlag, boolean>

--- a policy's script: the path of a file, or a text
---@alias freehold.Script string|freehold.ScriptText

--- a value for a policy's option; sizes may be texts, such as "256MiB"
---@alias freehold.OptionValue integer|number|boolean|string

--- the same, such as "parcel_created|tick"
---@alias freehold.EventKinds string|freehold.EventKind[]|table<freehold.EventKind, boolean>

---@class freehold.Results
---@field ok "ok" success
---@field invalid "invalid" an argument is wrong
---@field out_of_memory "out_of_memory" no free range or device memory fits the request
---@field host_memory "host_memory" an allocation of host memory failed
---@field budget "budget" the request would exceed a limit or budget
---@field stale "stale" the handle names something that no longer exists
---@field unsupported "unsupported" this object, backend or build cannot do that
---@field busy "busy" something still uses what the call would change
---@field timeout "timeout" the wait ended before what it waited for happened
---@field device_lost "device_lost" the device is lost
---@field io "io" reading or writing failed
---@field format "format" the data is not in the expected format
---@field script "script" a script failed

--- `local fh = require "freehold"`. It runs on Lua 5.4; another Lua gets a readable refusal.
---@class freehold
---@field KiB integer 1024
---@field MiB integer 1024 KiB
---@field GiB integer 1024 MiB
---@field version string such as "0.1.0"
---@field result freehold.Results every code under its own name: `fh.result.stale` is `"stale"`.
--- Reading a name that it lacks raises, so a misspelt code is found where it is written. Read-only;
--- `pairs` lists the codes
local freehold = {}

--- The monotonic clock, in nanoseconds since some moment: what policies see as `facts.now_ns`.
---@return integer now_ns
function freehold.now_ns() end

--- Open a device. Everything else is made with it.
---
--- Raises: wrong types; unknown fields, backends and profiles, with the nearest right name.
---
--- Codes:
--- - `invalid`: there is no such adapter, the profile makes no sense, or a number is out of range.
--- - `unsupported`: this build lacks the backend, or there is no driver.
--- - `host_memory`: the bookkeeping found no memory.
--- - `out_of_memory`: the driver says so.
---@param options freehold.DeviceOptions
---@return freehold.Device? device
---@return string? message
---@return freehold.Code? code
function freehold.device(options) end

--- The names of the backends that this build has; the first is the default. Whether one has a
--- driver here, `fh.adapters` says.
---@return string[] names
function freehold.backends() end

--- The adapters of a backend. Nothing is opened.
---
--- Raises: wrong types; unknown fields, backends and profiles, with the nearest right name.
---
--- Codes:
--- - `unsupported`: this build lacks the backend, or there is no driver.
--- - `invalid`: the profile makes no sense.
---@param options? freehold.AdapterOptions
---@return freehold.Adapter[]? adapters
---@return string? message
---@return freehold.Code? code
function freehold.adapters(options) end

--- Bytes of all texels of a texture: mips, layers, samples; without what a driver adds.
---
--- Raises: wrong types; an unknown field or format, with the nearest right name.
---
--- Codes:
--- - `invalid`: the options describe no texture that can be.
---@param options freehold.TextureOptions
---@return integer? bytes
---@return string? message
---@return freehold.Code? code
function freehold.texture_bytes(options) end

--- What a format is.
---
--- Raises: wrong types; an unknown name, with the nearest right one.
---@param name string
---@return freehold.Format format
function freehold.format(name) end

--- The names of all formats.
---@return string[] names
function freehold.formats() end

--- Load a policy's script without a device, to ask its hooks in a test. Nothing of the test's
--- happens on its own: facts and state are what it says.
---
--- Raises: wrong types; unknown fields, and what cannot be state.
---
--- Codes:
--- - `io`: the file cannot be read, or is none.
--- - `script`: it does not compile, or breaks the contract: the message has file and line.
--- - `invalid`: there is no such option, it cannot have that value, or the profile makes no sense.
--- - `unsupported`: this build cannot run scripts.
---@param script freehold.Script
---@param options? freehold.PolicyTestOptions
---@return freehold.PolicyTest? test
---@return string? message
---@return freehold.Code? code
function freehold.policy_test(script, options) end

--- A built-in profile, as a table of your own: change it, and give it to `fh.device`.
---
--- Raises: wrong types; an unknown name, with the nearest right one.
---@param name string
---@return freehold.Profile profile
function freehold.profile(name) end

--- The names of the built-in profiles. The host backend's adapters are these, in this order.
---@return string[] names
function freehold.profiles() end

--- Open a trace file, to read it event by event.
---
--- Codes:
--- - `io`: the file cannot be read, or is none.
--- - `format`: it is no trace, or of a later format.
--- - `host_memory`: the bookkeeping found no memory.
---@param path string
---@return freehold.TraceReader? reader
---@return string? message
---@return freehold.Code? code
function freehold.trace_reader(path) end

--- Make a trace by hand: for imports, and for tests. The file is replaced.
---
--- Codes:
--- - `io`: the file cannot be made.
--- - `host_memory`: the bookkeeping found no memory.
---@param path string
---@return freehold.TraceWriter? writer
---@return string? message
---@return freehold.Code? code
function freehold.trace_writer(path) end

--- The kinds of events that traces have, by name, and the fields of each.
---@return table<string, freehold.TraceKind> kinds
function freehold.trace_kinds() end

--- Read a whole trace into memory, once for all replays of it. One that is cut off or damaged is
--- read up to there: `info().file.damage` says so.
---
--- Raises: wrong types; unknown fields, with the nearest right name; what `progress` raises.
---
--- Codes:
--- - `io`: the file cannot be read, or is none.
--- - `format`: it is no trace, is of a later format, or has no device.
--- - `timeout`: `progress` returned false.
--- - `host_memory`: the bookkeeping found no memory.
---@param path string
---@param options? freehold.RecordingOptions
---@return freehold.Recording? recording
---@return string? message
---@return freehold.Code? code
function freehold.recording(path, options) end

--- Make a block: bookkeeping over offsets 0 to size - 1, in any unit. No memory stands behind it.
---
--- Raises: wrong types; an unknown field or algorithm, with the nearest right name; a missing size.
---
--- Codes:
--- - `invalid`: the size is 0 or negative.
--- - `host_memory`: the bookkeeping found no memory.
---@param options freehold.BlockOptions
---@return freehold.Block? block
---@return string? message
---@return freehold.Code? code
function freehold.block(options) end

return freehold
