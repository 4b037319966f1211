---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Put a policy in charge; it takes the place of the one before it. `policy` is one of these:
---
--- - the path of a script, or a text: `{ text = "return { … }", name = "mine" }`
---
--- - a list of scripts: the first that has an opinion decides, and of limits the strictest holds
---
--- - a table of hooks: trusted mode. Its functions are the same as a script's, but run in this Lua
--- state, by `pcall` and without bounds: `self` is the table itself, `self.state` whatever it
--- likes. An error is told to the device's log once for each hook, and the native rule decides. On
--- another OS thread than Lua's the native rule decides, too, and `pressure` is told later
---
--- - nil: the native rules
---
--- Scripts are sandboxed, and may be edited while they are in charge: see docs/policies.md.
---
--- Raises: wrong types; unknown fields of `options` and of a table of hooks, with the nearest right
--- name.
---
--- Codes:
--- - `io`: a file cannot be read, or is none.
--- - `script`: a script does not compile, breaks the contract, or a hook fails when it is tried:
---   the message has file and line.
--- - `invalid`: more than 8 scripts, an option that no script declares, a value that it cannot
---   have, or this is called by a hook.
--- - `unsupported`: this build cannot run scripts.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param policy freehold.Script|freehold.Script[]|freehold.Policy|nil
---@param options? freehold.PolicyOptions of scripts
---@return freehold.ScriptPolicy|freehold.TrustedPolicy|true? policy
---@return string? message
---@return freehold.Code? code
function Device:set_policy(policy, options) end

--- The policy in charge: the object that `set_policy` or `budget_policy` returned, or another one
--- for it when that was released; nil under the native rules.
---
--- Codes:
--- - `stale`: the device is closed.
---@return freehold.ScriptPolicy|freehold.TrustedPolicy|freehold.BudgetPolicy|nil? policy
---@return string? message
---@return freehold.Code? code
function Device:policy() end

--- The name of the policy in charge; "native" when there is none.
---
--- Codes:
--- - `stale`: the device is closed.
---@return string? name
---@return string? message
---@return freehold.Code? code
function Device:policy_name() end

--- Put a ready policy in charge: one limit on driver memory. It takes the place of the policy
--- before it.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `invalid`: the limit is negative.
--- - `stale`: the device is closed.
---@param options freehold.BudgetOptions
---@return freehold.BudgetPolicy? policy
---@return string? message
---@return freehold.Code? code
function Device:budget_policy(options) end

---@class freehold.ScriptText
---@field text string
---@field name? string for messages; default "policy"

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.PolicyOptions
---@field watch? boolean as `policy:watch`
---@field options? table<string, freehold.OptionValue> as `policy:set`, by name

--- What `device:set_policy` returns for scripts. Losing the variable ends nothing.
---@class freehold.ScriptPolicy
local ScriptPolicy = {}

--- Set an option, at the next tick; nil is its default again. It holds through reloads, as long as
--- a new version declares an option of that name and type in whose range it lies.
---
--- Codes:
--- - `invalid`: there is no such option, it cannot have that value, the policy is not in charge any
---   more, or this is called by a hook.
--- - `busy`: another thread is changing it, or a script is running, for too long.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the policy was released, or its device is closed.
---@param name string "limit", or "script.limit" where several scripts have it; else all that
--- declare it get it
---@param value freehold.OptionValue|nil
---@return true? done
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:set(name, value) end

--- What can be set, and how it is set.
---
--- Codes:
--- - `invalid`: this is called by a hook.
--- - `busy`: another thread is changing it, or a script is running, for too long.
--- - `stale`: the policy was released, or its device is closed.
---@return freehold.PolicyOption[]? options
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:options() end

--- Read the files again, now. What is new takes effect at the next tick, whole or not at all.
---
--- Codes:
--- - `io`: a file cannot be read, or is none.
--- - `script`: a script does not compile, breaks the contract, or a hook fails when it is tried:
---   the message has file and line.
--- - `invalid`: the policy is not in charge any more, or this is called by a hook.
--- - `busy`: another thread is changing it, or a script is running, for too long.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the policy was released, or its device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:reload() end

--- Go back to the versions before the last change of version, at the next tick, with their state.
--- Going back twice is going forward again. Versions that still wait for the tick are called off
--- instead.
---
--- Codes:
--- - `invalid`: there is no version before, the policy is not in charge any more, or this is called
---   by a hook.
--- - `busy`: another thread is changing it, or a script is running, for too long.
--- - `stale`: the policy was released, or its device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:rollback() end

--- Start, or end, a thread that watches the files and loads new versions. What is wrong with a file
--- goes to the device's log and to `status`.
---
--- Codes:
--- - `invalid`: no script has a file, the policy is not in charge any more, or this is called by a
---   hook.
--- - `io`: no thread could be made.
--- - `busy`: another thread is changing it, or a script is running, for too long.
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the policy was released, or its device is closed.
---@param watch boolean
---@return true? done
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:watch(watch) end

--- A copy of a script's `self.state`.
---
--- Codes:
--- - `invalid`: there is no such script.
--- - `busy`: it is running, and did not stop in time.
--- - `stale`: the policy was released, or its device is closed.
---@param script? integer its place among the scripts; default 1
---@return table? state
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:state(script) end

--- How it fares.
---
--- Codes:
--- - `stale`: the policy was released, or its device is closed.
---@return freehold.PolicyStatus? status
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:status() end

--- The last decisions, oldest first; 1,024 are kept.
---
--- Raises: wrong types; unknown fields, with the nearest right name.
---
--- Codes:
--- - `stale`: the policy was released, or its device is closed.
---@param options? freehold.DecisionOptions
---@return freehold.Decision[]? decisions
---@return string? message
---@return freehold.Code? code
function ScriptPolicy:decisions(options) end

--- Whether it decides.
---@return boolean in_charge
function ScriptPolicy:in_charge() end

--- Be done with the object: so does a `<close>` variable, and the collector. The policy stays in
--- charge. Again: false.
---@return boolean was_open
function ScriptPolicy:release() end

--- The same as `release`.
---@return boolean was_open
function ScriptPolicy:close() end

---@class freehold.PolicyOption
---@field script integer its script's place in `status().scripts`
---@field name string
---@field type freehold.OptionType
---@field by_hand boolean it was set
---@field value freehold.OptionValue now; sizes as integers
---@field initial freehold.OptionValue its default
---@field min number?
---@field max number?
---@field choices string[]?
---@field doc string?

---@class freehold.PolicyStatus
---@field in_charge boolean
---@field watching boolean
---@field decision_count integer in all; the log keeps the last ones
---@field swap_ns integer nanoseconds that the last change of version cost its tick
---@field scripts freehold.ScriptStatus[]

---@class freehold.ScriptStatus
---@field name string as the script says, or its file's
---@field path string? nil for a text
---@field state "loaded"|"reloaded"|"rejected"|"quarantined" rejected: the last text was not
--- accepted, and the version before is in force; quarantined: a hook of the version in force is
---@field version integer in force; counts from 1
---@field pending boolean a version waits for the next tick
---@field accepted integer versions
---@field rejected integer versions
---@field error string? of the last rejection or failure
---@field notes string[] what is odd about the version in force
---@field memory integer bytes of its Lua state
---@field state_bytes integer of `self.state`
---@field state_count integer values in it
---@field hooks table<freehold.Hook, freehold.HookStatus> all

---@class freehold.HookStatus
---@field present boolean the version in force has it
---@field quarantined boolean it failed too often: the native rule decides until there is a new
--- version
---@field calls integer that entered the script; this and the rest: of all versions
---@field decided integer of these: with a decision
---@field failed integer of these: stopped, or with an error
---@field busy integer the script was busy; the native rule decided
---@field charge integer what it used: about an instruction each
---@field time_ns integer nanoseconds, of this machine

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.DecisionOptions
---@field after? integer only later ones than that `sequence`
---@field count? integer at most, the oldest of these; default all

---@class freehold.Decision
---@field sequence integer counts the policy's decisions from 1
---@field frame integer ticks of the device
---@field now_ns integer as the facts had it
---@field hook freehold.Hook
---@field outcome "decided"|"nothing"|"failed"|"stopped"|"busy"|"quarantined" nothing: it returned
--- nil; with the last four the native rule decided
---@field script integer its place in `status().scripts`
---@field version integer of the script
---@field line integer? of the script, where the hook returned
---@field attempt integer? relieve
---@field charge integer what it used
---@field time_ns integer nanoseconds, of this machine
---@field input table what the hook was asked about, as far as it is kept; accounts by their names
---@field answer table? what it decided, as far as it is kept

--- What `device:set_policy` returns for a table of hooks. A hook that is put into the table, or
--- replaced there, while the policy is in charge counts, if there was one of that name when it was
--- set.
---@class freehold.TrustedPolicy
local TrustedPolicy = {}

--- Whether it decides.
---@return boolean in_charge
function TrustedPolicy:in_charge() end

--- Back to the native rules; false when it is not in charge any more.
---@return boolean removed
function TrustedPolicy:remove() end

---@class freehold.BudgetPolicy
local BudgetPolicy = {}

--- Change the limit; nil removes it. The next tick takes it in.
---
--- Codes:
--- - `invalid`: it is negative.
---@param limit freehold.Bytes?
---@return true? done
---@return string? message
---@return freehold.Code? code
function BudgetPolicy:set_limit(limit) end

--- What it has seen.
---@return freehold.BudgetInfo info
function BudgetPolicy:info() end

--- Whether it decides.
---@return boolean in_charge
function BudgetPolicy:in_charge() end

--- Back to the native rules; false when it is not in charge any more.
---@return boolean removed
function BudgetPolicy:remove() end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.BudgetOptions
---@field limit? freehold.Bytes driver bytes; default, and 0: none
---@field telemetry_only? boolean count what would have been refused, refuse nothing

---@class freehold.BudgetInfo
---@field limit integer?
---@field telemetry_only boolean
---@field over_count integer ticks at which more was used than the limit
---@field used_peak integer driver bytes, as seen at ticks
---@field in_charge boolean
