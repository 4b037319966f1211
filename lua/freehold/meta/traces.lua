---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Record what happens in the device from now on into a file, which is replaced: first what lives
--- already. It goes on until the trace is stopped or the device is closed; losing the trace ends
--- nothing. Recording never blocks: what the writer cannot keep up with is dropped, counted, and
--- said in the file.
---
--- Raises: wrong types; unknown fields of `options`, with the nearest right name.
---
--- Codes:
--- - `io`: the file cannot be made, or no thread.
--- - `invalid`: the ring would be larger than 1 GiB.
--- - `busy`: the device has 8 observers already.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param path string
---@param options? freehold.TraceOptions
---@return freehold.Trace? trace
---@return string? message
---@return freehold.Code? code
function Device:record(path, options) end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.TraceOptions
---@field buffer_size? freehold.Bytes of the ring between the device and the writer; default 4 MiB
---@field program? string what is recorded, for people; default what the system calls this process

--- As a `<close>` variable it stops at the end of the block.
---@class freehold.Trace
local Trace = {}

--- End it, and close the file.
---
--- Codes:
--- - `io`: not everything could be written; the file is good up to there.
--- - `busy`: this is called by a function that the device calls.
--- - `stale`: it was stopped.
---@return freehold.TraceStats? stats
---@return string? message
---@return freehold.Code? code
function Trace:stop() end

--- How it fares.
---
--- Codes:
--- - `stale`: it was stopped.
---@return freehold.TraceStats? stats
---@return string? message
---@return freehold.Code? code
function Trace:stats() end

---@class freehold.TraceStats
---@field event_count integer recorded
---@field dropped_count integer lost: the ring was full, or the disk
---@field file_bytes integer written so far

---@class freehold.TraceReader
local TraceReader = {}

--- The next event, as they were recorded; nil at the end, and where the file is cut off or damaged:
--- `info().damage` says so.
---
--- Codes:
--- - `host_memory`: the bookkeeping found no memory.
--- - `busy`: a finalizer has read on meanwhile.
--- - `stale`: it is closed.
---@return freehold.TraceEvent|nil? event
---@return string? message
---@return freehold.Code? code
function TraceReader:next() end

--- An iterator over the events that are left: `for event in reader:events() do`.
---@return fun(reader: freehold.TraceReader): freehold.TraceEvent next
---@return freehold.TraceReader reader
function TraceReader:events() end

--- What is known of the file so far.
---
--- Codes:
--- - `stale`: it is closed.
---@return freehold.TraceFile? info
---@return string? message
---@return freehold.Code? code
function TraceReader:info() end

--- Close it. Again: false.
---@return boolean was_open
function TraceReader:close() end

---@class freehold.TraceFile
---@field version integer of the format
---@field file_bytes integer how large it is
---@field read_bytes integer how far it was read
---@field event_count integer read so far, without dropped ones
---@field dropped_count integer what the recorder lost, so far
---@field complete boolean the last event was read, and the recorder ended the file as it should
---@field damage string "", or what is wrong with it: what is before that was read

--- Beside what is here it has the numbers of its kind, by their names: `fh.trace_kinds()` lists
--- them, and docs/trace-format.md says what they mean. All are integers with 64 bits, so what is
--- 2^63 or more is negative. Two fields have other names than there, because these are taken: the
--- `kind` of a resource, a refusal or a decision is `parcel_kind`, and the `thread` that a name is
--- given to is `named_thread`.
---@class freehold.TraceEvent
---@field kind string such as "memory", "bound" or "frame"
---@field time_ns? integer since the trace began; default 0
---@field thread? integer default 0
---@field text? string at most 4095 bytes; always there in one that is read
---@field list? integer[] of a device: its heaps and types; of a submit: the resources it uses

---@class freehold.TraceKind
---@field number integer in files
---@field fields freehold.TraceField[] in their order

---@class freehold.TraceField
---@field name string
---@field unit "id"|"bytes"|"count"|"flags"|"word"|"ns"|"number"

---@class freehold.TraceWriter
local TraceWriter = {}

--- Write an event. What is left out is 0. Times that run backwards are put right: a trace's time
--- never does.
---
--- Raises: wrong types; an unknown kind and unknown fields, with the nearest right name.
---
--- Codes:
--- - `invalid`: the text or the list is too long.
--- - `io`: it cannot be written.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: it is closed.
---@param event freehold.TraceEvent
---@return true? done
---@return string? message
---@return freehold.Code? code
function TraceWriter:add(event) end

--- Write what is left, and the end. Without it, a `<close>` variable does, but cannot say that it
--- failed.
---
--- Codes:
--- - `io`: not everything could be written.
--- - `stale`: it is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function TraceWriter:close() end
