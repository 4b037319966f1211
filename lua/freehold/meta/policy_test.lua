---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.PolicyTest
local PolicyTest = {}

--- Ask `place`. The decision is nil when it has no opinion. `size` is enough: the bounds of its
--- class follow.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Request the fields that matter; the others have defaults
---@return freehold.policy.Verdict|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:place(about) end

--- Ask `relieve`. The decision is nil when it has no opinion. By default the first attempt, refused
--- by a budget.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.RelieveRequest the fields that matter; the others have defaults
---@return freehold.policy.Action[]|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:relieve(about) end

--- Ask `limits`. The decision is nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@return freehold.policy.Limits|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:limits() end

--- Ask `frame`. The decision is nil when it has no opinion. What it writes to the state stays.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Stats the fields that matter; the others have defaults
---@return freehold.policy.FrameDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:frame(about) end

--- Ask `pressure`. The decision is nil when it has no opinion. What it writes to the state stays.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Event the fields that matter; the others have defaults
---@return freehold.policy.PressureDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:pressure(about) end

--- Ask `retain`. The decision is nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Block the fields that matter; the others have defaults
---@return freehold.policy.RetainDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:retain(about) end

--- Ask `recycle`. The decision is nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Pool the fields that matter; the others have defaults
---@return freehold.policy.RecycleDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:recycle(about) end

--- Ask `alias`. The decision is nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Graph the fields that matter; the others have defaults
---@return freehold.policy.AliasDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:alias(about) end

--- Ask `defrag`. The decision is nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about? freehold.policy.Gaps the fields that matter; the others have defaults
---@return freehold.policy.DefragDecision|nil? decision
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:defrag(about) end

--- Who is asked to let go first: positions in the list of candidates, in order, without those that
--- never are. Nil when it has no opinion.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `stale`: the test is closed.
---@param about freehold.EvictTest
---@return integer[]|nil? order
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:evict(about) end

--- Take over the state of an older version, as a reload does.
---
--- Raises: wrong types; what cannot be state.
---
--- Codes:
--- - `script`: the hook failed, or was stopped: the message has file and line.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the test is closed.
---@param old_state table?
---@param old_version? integer default 1
---@return table? state
---@return freehold.CallInfo|string info
---@return freehold.Code? code
function PolicyTest:migrate(old_state, old_version) end

--- Set facts for the calls that follow; the others stay. Where a heap is given, `headroom` and
--- `unaccounted` follow from the rest, and so does the sum, `used`.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `stale`: the test is closed.
---@param facts freehold.policy.Facts
---@return true? done
---@return string? message
---@return freehold.Code? code
function PolicyTest:facts(facts) end

--- Set an option, at once; nil is its default again.
---
--- Codes:
--- - `invalid`: there is no such option, or it cannot have that value.
--- - `stale`: the test is closed.
---@param name string
---@param value freehold.OptionValue|nil
---@return true? done
---@return string? message
---@return freehold.Code? code
function PolicyTest:set(name, value) end

--- What can be set, and how it is set.
---
--- Codes:
--- - `stale`: the test is closed.
---@return freehold.PolicyOption[]? options
---@return string? message
---@return freehold.Code? code
function PolicyTest:options() end

--- A copy of `self.state`.
---
--- Codes:
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the test is closed.
---@return table? state
---@return string? message
---@return freehold.Code? code
function PolicyTest:state() end

--- Replace `self.state`; nil empties it.
---
--- Raises: wrong types; what cannot be state.
---
--- Codes:
--- - `invalid`: the script cannot have it.
--- - `stale`: the test is closed.
---@param state table?
---@return true? done
---@return string? message
---@return freehold.Code? code
function PolicyTest:set_state(state) end

--- The policy's name.
---
--- Codes:
--- - `stale`: the test is closed.
---@return string? name
---@return string? message
---@return freehold.Code? code
function PolicyTest:name() end

--- Which hooks it has.
---
--- Codes:
--- - `stale`: the test is closed.
---@return table<freehold.Hook, boolean>? hooks
---@return string? message
---@return freehold.Code? code
function PolicyTest:hooks() end

--- What is odd about it, but no error.
---
--- Codes:
--- - `stale`: the test is closed.
---@return string[]? notes
---@return string? message
---@return freehold.Code? code
function PolicyTest:notes() end

--- Bytes of its Lua state.
---
--- Codes:
--- - `stale`: the test is closed.
---@return integer? bytes
---@return string? message
---@return freehold.Code? code
function PolicyTest:memory() end

--- Be done with it. Again: false.
---@return boolean was_open
function PolicyTest:close() end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.PolicyTestOptions
---@field options? table<string, freehold.OptionValue> as `test:set`, by name
---@field state? table as `test:set_state`
---@field facts? freehold.policy.Facts as `test:facts`
---@field profile? string|freehold.Profile whose heaps the facts have, all unused; default
--- "discrete-8g"

---@class freehold.EvictTest
---@field candidates freehold.policy.Candidate[]
---@field wanted? freehold.Bytes default 0

---@class freehold.CallInfo
---@field outcome "decided"|"nothing"
---@field charge integer what it used: about an instruction each
---@field line integer? where it returned
---@field uncached string? place: the first thing it read that is not a fact of the class; such a
--- verdict is for one request, unless it says `keep`
---@field notes string[] as `test:notes()`
---@field log string[] what it wrote with `log`
