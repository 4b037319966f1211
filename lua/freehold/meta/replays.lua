---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.RecordingOptions
---@field progress? fun(done: integer, all: integer): boolean? called now and then, with bytes;
--- false ends the work

---@class freehold.Recording
local Recording = {}

--- What was recorded.
---
--- Codes:
--- - `stale`: the recording is closed.
---@return freehold.RecordingInfo? info
---@return string? message
---@return freehold.Code? code
function Recording:info() end

--- What a resource of the trace is.
---
--- Codes:
--- - `invalid`: there is no such resource.
--- - `stale`: the recording is closed.
---@param id integer
---@return freehold.RecordedResource? resource
---@return string? message
---@return freehold.Code? code
function Recording:resource(id) end

--- Begin a replay. Replays of one recording do not disturb each other.
---
--- Raises: wrong types; unknown fields and names, with the nearest right one.
---
--- Codes:
--- - `invalid`: there is no such device, heap or frame, or the profile makes no sense.
--- - `unsupported`: this build has no such backend.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the recording is closed.
---@param options? freehold.ReplayOptions
---@return freehold.Replay? replay
---@return string? message
---@return freehold.Code? code
function Recording:replay(options) end

--- Close it. Its replays go on, and keep what they need. Again: false.
---@return boolean was_open
function Recording:close() end

---@class freehold.RecordingInfo
---@field program string
---@field tool string who recorded it
---@field file freehold.TraceFile with `damage`
---@field event_count integer
---@field duration_ns integer
---@field ignored_count integer events that make no sense where they are: of unknown objects
---@field main_device integer place in `devices`, from 1, of the one with the largest peak
---@field devices freehold.RecordedDevice[]

---@class freehold.RecordedDevice
---@field id integer
---@field name string
---@field api "other"|"freehold"|"vulkan"|"d3d12"|"metal"
---@field profile freehold.Profile
---@field resource_count integer
---@field memory_count integer
---@field peak_reserved integer of all heaps
---@field peak_committed integer the same
---@field heap_peaks integer[] reserved bytes
---@field churn integer bytes of all driver memory and of all resources ever bound, whichever is
--- more
---@field frame_count integer
---@field frames_by "presents"|"submits"|"time" what ends a frame
---@field has_uses boolean the trace tells which submit uses what

---@class freehold.RecordedResource
---@field name string "" = none
---@field kind string
---@field usage table<freehold.Usage, boolean>
---@field location "device"|"upload"|"readback"|"device_upload" as far as its use tells
---@field format string? of textures, where Freehold has a name for it
---@field width integer
---@field height integer
---@field depth integer
---@field layers integer
---@field mips integer
---@field samples integer
---@field size integer

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.ReplayOptions
---@field as_recorded? boolean no device: what the program did itself
---@field device? integer id of the recorded device; default the main one
---@field profile? string|freehold.Profile the card; default the recorded one
---@field backend? string default "host"
---@field heaps? freehold.ReplayHeap[] what if
---@field frames? integer[] { first, last }: the figures count these, from 1. What is before is
--- played, too
---@field keep_spans? boolean for `spans`
---@field log? fun(level: string, message: string) of its device

---@class freehold.ReplayHeap
---@field heap? integer index; default 0
---@field size? freehold.Bytes default as it is
---@field budget? freehold.Bytes what the system would let it have; default its rule, from the size

---@class freehold.Replay
local Replay = {}

--- The device that it plays on: put a policy in charge of it before the first step or between two,
--- look at it, observe it. It cannot be ticked or closed by itself, and goes with the replay. Nil
--- as recorded.
---
--- Codes:
--- - `stale`: the replay is closed.
---@return freehold.Device|nil? device
---@return string? message
---@return freehold.Code? code
function Replay:device() end

--- Play on: at most so many frames, or to the end. After the end it does nothing, and says the
--- same.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `host_memory`: the bookkeeping found no memory.
--- - `device_lost`: the device is lost.
--- - `stale`: the replay is closed.
---@param frames? integer default all
---@return integer? frame
---@return boolean|string done
---@return freehold.Code? code
function Replay:step(frames) end

--- What it has come to so far. All but `timing` is the same at every run, on every machine.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `stale`: the replay is closed.
---@return freehold.ReplayFigures? figures
---@return string? message
---@return freehold.Code? code
function Replay:figures() end

--- One row for each frame so far.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `unsupported`: there are too many.
--- - `stale`: the replay is closed.
---@return freehold.ReplaySamples? samples
---@return string? message
---@return freehold.Code? code
function Replay:samples() end

--- The lines of scripts that decided.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `stale`: the replay is closed.
---@return freehold.ReplayCause[]? causes
---@return string? message
---@return freehold.Code? code
function Replay:causes() end

--- The memories that the driver gave so far.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `unsupported`: there are too many.
--- - `stale`: the replay is closed.
---@return freehold.ReplayBlocks? blocks
---@return string? message
---@return freehold.Code? code
function Replay:blocks() end

--- Where resources lay, and for how long; none without `keep_spans`.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `busy`: a step is under way: this is called by a function that it calls.
--- - `unsupported`: there are too many.
--- - `stale`: the replay is closed.
---@param options? freehold.SpanOptions
---@return freehold.ReplaySpans? spans
---@return string? message
---@return freehold.Code? code
function Replay:spans(options) end

--- End it, and close its device. Within a function that a step calls, that happens when the step
--- has ended. Again: false.
---@return boolean was_open
function Replay:close() end

--- Within the frames that count.
---@class freehold.ReplayFigures
---@field frame_count integer
---@field heap_count integer
---@field total freehold.ReplayHeapFigures
---@field heaps freehold.ReplayHeapFigures[] the first is heap 0
---@field driver_alloc_count integer
---@field driver_free_count integer
---@field driver_alloc_bytes integer
---@field request_count integer resources that asked for memory
---@field request_bytes integer
---@field waste_peak integer reserved, and not committed
---@field waste_mean integer
---@field fragmentation_peak_ppm integer 1 - largest gap / all gaps, in millionths
---@field fragmentation_mean_ppm integer
---@field refused_count integer
---@field refused_bytes integer
---@field miss_count integer uses of a resource without memory
---@field evicted_count integer
---@field evicted_bytes integer
---@field reload_count integer evicted or refused, and used again
---@field reload_bytes integer
---@field moved_count integer by defragmentation
---@field moved_bytes integer
---@field frames_over_budget integer that ended with a heap over its budget, or the total over its
--- limit
---@field decision_count integer of scripts
---@field decision_failed_count integer of these: failed or stopped
---@field can_evict boolean the trace has uses
---@field timing freehold.ReplayTiming of this machine and moment

---@class freehold.ReplayHeapFigures
---@field reserved_peak integer that the driver gave
---@field reserved_mean integer over frames
---@field committed_peak integer that the program asked for, and had
---@field committed_mean integer
---@field budget integer at the end; 0 = none

---@class freehold.ReplayTiming
---@field wall_ns integer of stepping
---@field policy_ns integer in scripts
---@field event_count integer

--- In columns: an array for each field, row by row. And for each of the first four heaps that there
--- are its bytes: `heap0`, `heap0_committed`, and so on.
---@class freehold.ReplaySamples
---@field frame integer[] from 1
---@field time_ns integer[] of the trace
---@field reserved integer[] bytes at the frame's end
---@field committed integer[]
---@field reserved_peak integer[] within the frame
---@field limit integer|false[] on the total; false = none
---@field budget integer|false[] of all heaps that have one
---@field block_count integer[]
---@field fragmentation_ppm integer[]
---@field driver_allocs integer[] within the frame, and so the others
---@field refused integer[]
---@field evicted integer[]
---@field reloaded integer[]

---@class freehold.ReplayCause
---@field script string "" = the native rules
---@field hook freehold.Hook
---@field line integer 0 = not known
---@field decision_count integer
---@field resource_count integer placed, evicted or refused by its decisions
---@field bytes integer of these
---@field placed_count integer of these, those that it placed
---@field placed_bytes integer
---@field evicted_count integer and evicted
---@field evicted_bytes integer
---@field refused_count integer and refused
---@field refused_bytes integer
---@field answer string the last one, in words

--- In columns: an array for each field, row by row.
---@class freehold.ReplayBlocks
---@field heap integer[] index
---@field type integer[] index
---@field size integer[]
---@field born_ns integer[] of the trace
---@field gone_ns integer|false[] false: it lives at the end
---@field born_frame integer[]
---@field gone_frame integer|false[] the same
---@field dedicated boolean[]

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.SpanOptions
---@field limit? integer only so many, the largest by size and life; default all

--- In columns: an array for each field, row by row.
---@class freehold.ReplaySpans
---@field count integer how many there were in all
---@field block integer[] place in the columns of `blocks`, from 1
---@field resource integer[] id in the trace; 0 = a memory without one
---@field offset integer[]
---@field size integer[]
---@field born_ns integer[] of the trace
---@field gone_ns integer|false[] false: it lives at the end
---@field born_frame integer[]
---@field gone_frame integer|false[] the same
---@field cause integer[] place in the list of `causes`, from 1; 0 = the native rules, or the
--- program
---@field aliased boolean[] others lie on the same bytes at the same time
---@field name string[] of the resource; "" = none
---@field kind string[]
---@field format string[] "" = none
---@field location string[] "" = not known
---@field usage string[] such as "storage|copy_dst"
---@field width integer[]
---@field height integer[]
---@field depth integer[]
---@field layers integer[]
---@field mips integer[]
---@field samples integer[]
