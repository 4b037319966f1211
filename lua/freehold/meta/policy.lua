---@meta _

-- Made by tools/gen_policy_contract from src/sandbox/contract.lua and contract/: edit those.
-- luacheck: ignore 111 112 113 121 122 131 142 143 212 241 (there is no code)

---@alias freehold.policy.Kind
---| "buffer"
---| "texture"
---| "raw"
---| "external"
---| "staging"
---| "transient"

---@alias freehold.policy.Usage
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

---@alias freehold.policy.Location
---| "device"
---| "upload"
---| "readback"
---| "device_upload"

---@alias freehold.policy.Access
---| "by_location"
---| "sequential"
---| "random"

---@alias freehold.policy.TextureKind
---| "2d"
---| "1d"
---| "3d"
---| "cube"

---@alias freehold.policy.Dedicated
---| "auto"
---| "prefer"
---| "require"
---| "never"

---@alias freehold.policy.Strategy
---| "balanced"
---| "min_time"
---| "min_memory"
---| "min_offset"

---@alias freehold.policy.Keep
---| "reload"
---| "frame"
---| "never"

---@alias freehold.policy.ActionWord
---| "deny"
---| "retry"
---| "trim"
---| "evict"
---| "spill"
---| "wait"
---| "drain"

---@alias freehold.policy.Reason
---| "budget"
---| "out_of_memory"

---@alias freehold.policy.Scope
---| "total"
---| "heap"
---| "kind"
---| "tag"

---@alias freehold.policy.Column
---| "priority"
---| "age"
---| "size"
---| "tag"
---| "kind"
---| "made"

--- A location as `place` may name it.
---@alias freehold.policy.Place freehold.policy.Location|"host"

--- What `relieve` returns: one action, or several in order.
---@alias freehold.policy.Relief
---| freehold.policy.Action
---| freehold.policy.ActionWord
---| (freehold.policy.Action|freehold.policy.ActionWord)[]

--- `evict` as a function.
---@alias freehold.policy.Key fun(self: table, candidate: freehold.policy.Candidate): number?

--- A counter with a limit.
---@class freehold.policy.Account
---@field scope freehold.policy.Scope what it counts
---@field heap? integer of scope "heap": its place in `facts.heaps`, from 1
---@field kind? freehold.policy.Kind of scope "kind"
---@field tag? string of scope "tag": its name

--- One heap: physical memory, with a budget of the operating system's.
---@class freehold.policy.Heap
---@field size integer all that there is
---@field used integer driver bytes that Freehold holds
---@field limit? integer the strictest of limits and OS budget; nil = none
---@field os_budget? integer what this process may use before things get slow; nil = not known
---@field os_usage integer what this process uses now
---@field unaccounted integer of os_usage, what is not Freehold's
---@field headroom? integer limit - used, or 0; nil = no limit
---@field retiring integer range bytes that wait for the GPU
---@field device_local boolean the GPU's own

--- The device, as every hook sees it.
---@class freehold.policy.Facts
---@field frame integer ticks so far
---@field now_ns integer a monotonic clock, nanoseconds
---@field used integer driver bytes of all heaps
---@field limit? integer of all heaps together; nil = none
---@field heaps freehold.policy.Heap[] every heap, heap 0 first

--- Memory that somebody asks for.
---@class freehold.policy.Request
---@field kind freehold.policy.Kind what is made
---@field usage table<freehold.policy.Usage, true> a set: `request.usage.storage` is true, or nil
---@field location freehold.policy.Location where it should lie
---@field access freehold.policy.Access how the CPU goes through it
---@field tag? string the tag's name
---@field size_min integer the least that a request of this class takes
---@field size_max? integer the most that one takes; nil = no bound
---@field size integer as the backend needs it
---@field alignment integer a power of two
---@field types integer[] memory types that would do: a list of their numbers, from 0
---@field format string of textures: "rgba8_unorm" and so on; else "none"
---@field texture_kind freehold.policy.TextureKind of textures
---@field width integer of textures: texels; else 0
---@field height integer of textures: texels; else 0
---@field depth integer of textures: texels; else 0
---@field layers integer of textures; else 0
---@field mips integer of textures; else 0
---@field samples integer of textures; else 0
---@field priority number 0 to 1
---@field dedicated freehold.policy.Dedicated whether it asks for a driver allocation of its own
---@field within_budget boolean fail rather than exceed the OS budget
---@field mapped boolean the CPU keeps a pointer into it
---@field name? string the parcel's own name

--- A request that admission or the backend refused: what `place` sees, and why.
---@class freehold.policy.RelieveRequest: freehold.policy.Request
---@field reason freehold.policy.Reason who refused: a limit, or the driver
---@field account? freehold.policy.Account whose limit it was; nil with "out_of_memory"
---@field shortage integer bytes that were missing; 0 = not known
---@field attempt integer 1 at the first call for this request
---@field tried table<freehold.policy.ActionWord, true> a set: `request.tried.trim` is true when
--- that was taken already

--- What happened since the tick before.
---@class freehold.policy.Stats
---@field tick_ns integer nanoseconds since the tick before
---@field wait_ns integer of tick_ns, nanoseconds spent waiting for queues
---@field depth integer frames that may be in flight; 0 = no frames are used
---@field transient_used integer what the last frame took
---@field transient_capacity integer what a frame may take
---@field created_bytes integer range bytes of new parcels
---@field freed_bytes integer range bytes of parcels that went
---@field driver_alloc_count integer driver allocations
---@field refused_count integer requests that failed for lack of memory or budget

--- A watermark that was crossed.
---@class freehold.policy.Event
---@field account freehold.policy.Account the account that crossed it
---@field watermark integer its place in the list that `limits` gave, from 1; with several scripts,
--- in all their lists together: better go by `fraction`
---@field fraction number the watermark itself: a part of the limit
---@field up boolean crossed upwards
---@field used integer what the account counts now
---@field limit? integer the account's limit

--- A memory block that is empty.
---@class freehold.policy.Block
---@field type integer number of its memory type, from 0
---@field heap integer its heap's place in `facts.heaps`, from 1
---@field size integer of the block
---@field empty_ticks integer ticks since it fell empty
---@field age_ticks integer ticks since it was made
---@field pool_block_count integer blocks of its pool
---@field pool_empty_count integer blocks of its pool that are empty
---@field over boolean its heap or the total is over a limit

--- A cache of parcels that can be used again.
---@class freehold.policy.Pool
---@field kind freehold.policy.Kind of its parcels
---@field count integer parcels that are kept
---@field bytes integer what its parcels take
---@field oldest_ticks integer ticks since its oldest was used
---@field hits integer parcels taken from it since the tick before
---@field misses integer parcels not found in it since the tick before

--- A parcel whose owner could be asked to let go.
---@class freehold.policy.Candidate
---@field priority number 0 to 1
---@field age integer ticks since its last use
---@field size integer reserved bytes
---@field tag? string the tag's name
---@field kind freehold.policy.Kind what it is
---@field made integer ticks since it was made
---@field count integer of all candidates
---@field wanted integer what all of them together should let go

--- Items that may share memory.
---@class freehold.policy.Graph
---@field item_count integer items
---@field pass_count integer passes that they live in
---@field bytes integer sum of the items' sizes
---@field lower_bound integer the largest sum that lives at once

--- A memory block with gaps.
---@class freehold.policy.Gaps
---@field type integer number of its memory type, from 0
---@field heap integer its heap's place in `facts.heaps`, from 1
---@field size integer of the block
---@field used integer what its ranges take
---@field range_count integer ranges in it
---@field gap_count integer gaps between them
---@field movable_count integer ranges that may be moved
---@field largest_gap integer bytes

--- Where a class of requests goes.
---@class freehold.policy.Verdict
---@field memory? freehold.policy.Place|freehold.policy.Place[] one location, or several in order:
--- the next when the one before is full; "host" is "upload"; default: the request's own location
---@field types? integer[] numbers of the memory types that may be used, from 0; default: any
---@field dedicated? freehold.policy.Dedicated a driver allocation of its own, or not; default: the
--- request's own
---@field strategy? freehold.policy.Strategy how a range is found in a block; default: the request's
--- own
---@field priority? number what goes first under pressure: the lowest; default: the request's own
---@field within_budget? boolean fail rather than exceed the OS budget; default: the request's own
---@field pool? string the name of a pool of the program's; as long as there is none, the request's
--- own, frame by frame; default: the request's own
---@field deny? boolean refuse it; default: false
---@field no_spill? boolean fail rather than take the next memory type; default: false
---@field keep? freehold.policy.Keep how long the verdict is cached for the class; alone, it is no
--- opinion, which is cached for so long; default: "reload", or "never" when more than class facts
--- was read

--- Something that may make room.
---@class freehold.policy.Action
---@field action freehold.policy.ActionWord what to do
---@field bytes? freehold.Bytes of "evict": how much to ask for at least, of whatever account;
--- without it just what this request needs; default: what is short
---@field timeout_ms? number of "wait": milliseconds, at most; default: 0

--- Limits: never exceeded, not by a byte. Nil is none; 0 is one byte, and so lets next to nothing
--- in.
---@class freehold.policy.Limits
---@field total? freehold.Bytes driver bytes of all heaps together; default: none
---@field heap? freehold.Bytes|table<integer, freehold.Bytes> driver bytes: one value for every
--- heap, or a list by place in `facts.heaps`, from 1; default: none
---@field kinds? table<freehold.policy.Kind, freehold.Bytes> range bytes of parcels, by kind;
--- default: none
---@field tags? table<string, freehold.Bytes> range bytes of parcels, by tag; 1,024 of them at most;
--- default: none
---@field watermarks? number[] up to 4 parts of a limit, 0 to 1 and ascending, whose crossing is
--- `pressure`; default: none

--- What holds from now on.
---@class freehold.policy.FrameDecision
---@field depth? integer frames that may be in flight; default: as it is
---@field transient_cap? freehold.Bytes what a frame may take; default: as it is
---@field evict_cap? freehold.Bytes what owners are asked for at one tick; default: as it is
---@field defrag_cap? freehold.Bytes what is moved at one tick; default: as it is
---@field forget? boolean drop the cached verdicts; default: false
---@field limits? boolean ask `limits` again, in this tick; default: false

--- What to do about it.
---@class freehold.policy.PressureDecision
---@field forget? boolean drop the cached verdicts; default: false
---@field limits? boolean ask `limits` again, in this tick; default: false
---@field trim? boolean give empty blocks back to the driver; default: false
---@field evict_bytes? freehold.Bytes ask owners for that many, of whatever account; default: 0

--- How long the block is kept.
---@class freehold.policy.RetainDecision
---@field ticks integer it is given back when it was empty for so long; 0 = now

--- What of the cache stays.
---@class freehold.policy.RecycleDecision
---@field keep_bytes? freehold.Bytes at most; default: no bound
---@field keep_ticks? integer what was not used for longer goes; default: no bound

--- How the graph is laid out.
---@class freehold.policy.AliasDecision
---@field strategy string an aliasing strategy's name
---@field options? table<string, string|number|boolean> the strategy's own; default: none

--- What may move.
---@class freehold.policy.DefragDecision
---@field allow? boolean whether the block is packed; default: true
---@field bytes? freehold.Bytes at most, in this tick; default: no bound

--- What hooks get as `self`. Read-only.
---@class freehold.policy.Self
---@field name string the policy's
---@field options table<string, any> values of its options; those of type bytes are integers
---@field state table<string|integer, any> plain data (booleans, numbers, strings, and tables of
--- these with string or integer keys) that outlives reloads: 4,096 values and 64 KiB at most.
--- Writable in `frame` and `pressure`, and kept when the hook succeeds
---@field base? freehold.Policy with `extend`: the hooks of the base, to be called as
--- `self.base.place(self, request, facts)`

--- How an option is declared.
---@class freehold.policy.Option
---@field type "bytes"|"integer"|"number"|"boolean"|"choice"|"text" of its values
---@field default any its value until it is set
---@field min? number|string of numbers: the least
---@field max? number|string of numbers: the most
---@field choices? string[] of a choice: its values
---@field doc? string what it does

--- What a policy's file returns. All of it is optional.
---@class freehold.Policy
---@field name? string for people; else the file's name; 63 bytes at most
---@field options? table<string, freehold.policy.Option> tunables, by name: `self.options`; 64 at
--- most
---@field place_steps? integer[] class boundaries beside the powers of two, ascending bytes; 32 at
--- most
---@field evict? string[]|freehold.policy.Key Asked at a tick that lets something go. Native rule:
--- lowest priority, then longest unused, then largest: `{ "priority", "-age", "-size" }`.
local Policy = {}

--- Asked inside a request, once for each class of requests; the verdict is cached. Native rule:
--- memory types by cost, spilling to the next.
---@param self freehold.policy.Self
---@param request freehold.policy.Request
---@param facts freehold.policy.Facts
---@return freehold.policy.Verdict? decision
function Policy.place(self, request, facts) end

--- Asked inside a request, when a limit or the driver refused it. Native rule: retry, trim, drain,
--- evict, spill.
---@param self freehold.policy.Self
---@param request freehold.policy.RelieveRequest
---@param facts freehold.policy.Facts
---@return freehold.policy.Relief? decision
function Policy.relieve(self, request, facts) end

--- Asked when the policy comes into force, and when `frame` or `pressure` says so. Native rule: no
--- limits but those that the program set.
---@param self freehold.policy.Self
---@param facts freehold.policy.Facts
---@return freehold.policy.Limits? decision
function Policy.limits(self, facts) end

--- Asked at every tick. Native rule: nothing changes.
---@param self freehold.policy.Self
---@param stats freehold.policy.Stats
---@param facts freehold.policy.Facts
---@return freehold.policy.FrameDecision? decision
function Policy.frame(self, stats, facts) end

--- Asked at a tick, when an account crossed a watermark, up or down. Native rule: nothing happens.
---@param self freehold.policy.Self
---@param event freehold.policy.Event
---@param facts freehold.policy.Facts
---@return freehold.policy.PressureDecision? decision
function Policy.pressure(self, event, facts) end

--- Asked at a tick, for each memory block that is empty. Native rule: as long as the device was
--- told; at once when its heap is over a limit.
---@param self freehold.policy.Self
---@param block freehold.policy.Block
---@param facts freehold.policy.Facts
---@return freehold.policy.RetainDecision|integer? decision
function Policy.retain(self, block, facts) end

--- Asked at a tick, for each cache of parcels that can be used again. Native rule: what was used in
--- the last 8 frames stays.
---@param self freehold.policy.Self
---@param pool freehold.policy.Pool
---@param facts freehold.policy.Facts
---@return freehold.policy.RecycleDecision? decision
function Policy.recycle(self, pool, facts) end

--- Asked by the planner of aliased memory. Native rule: the planner's own strategies.
---@param self freehold.policy.Self
---@param graph freehold.policy.Graph
---@param facts freehold.policy.Facts
---@return freehold.policy.AliasDecision? decision
function Policy.alias(self, graph, facts) end

--- Asked at a tick, for each memory block with gaps. Native rule: nothing moves.
---@param self freehold.policy.Self
---@param block freehold.policy.Gaps
---@param facts freehold.policy.Facts
---@return freehold.policy.DefragDecision? decision
function Policy.defrag(self, block, facts) end

--- Asked when a new version of the script takes over from an old one. Native rule: the state stays
--- as it is.
---@param self freehold.policy.Self
---@param old_state table
---@param old_version integer
---@return table? decision
function Policy.migrate(self, old_state, old_version) end

--- 1024
---@type integer
KiB = nil

--- 1024 KiB
---@type integer
MiB = nil

--- 1024 MiB
---@type integer
GiB = nil

--- a policy on top of another file's, whose path is relative to this file: fields of `policy` go
--- first, options are those of both, and `self.base` has the hooks of the base
---@param base string
---@param policy freehold.Policy
---@return freehold.Policy
function extend(base, policy) end

--- a line for the device's log, as string.format makes it; silent while hooks are tried
---@param format string
---@param ... any
function log(format, ...) end

--- `bytes("1.5GiB")`: units are B, KiB, MiB, GiB and TiB
---@param size string|number
---@return integer
function bytes(size) end

--- whether `what` is somewhere in `text`
---@param text string
---@param what string
---@return boolean
function contains(text, what) end

--- whether `text` begins with `what`
---@param text string
---@param what string
---@return boolean
function starts_with(text, what) end

freehold = { policy = {} }

--- a moving average: `previous` moved towards `value` by `alpha`, a part of the way from 0 to 1;
--- `value` when there is none before
---@param previous number?
---@param value number
---@param alpha number
---@return number
function freehold.policy.ema(previous, value, alpha) end

--- true from `on_at` on, until `value` falls below `off_at`; with `on_at` below `off_at` the other
--- way round
---@param is_on boolean?
---@param value number
---@param on_at number
---@param off_at number
---@return boolean
function freehold.policy.hysteresis(is_on, value, on_at, off_at) end

--- whether `what` is somewhere in `text`
---@param text string
---@param what string
---@return boolean
function string.contains(text, what) end

--- whether `text` begins with `what`
---@param text string
---@param what string
---@return boolean
function string.starts_with(text, what) end
