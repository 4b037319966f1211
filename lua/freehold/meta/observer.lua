---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Have a function called for events, until the observer or the device is closed; losing the
--- observer ends nothing. It may use the device; what it makes there is observed in turn. At most
--- 8.
---
--- Raises: wrong types; an unknown event, with the nearest right name.
---
--- Codes:
--- - `busy`: there are 8 already.
--- - `invalid`: no events.
--- - `stale`: the device is closed.
---@param events freehold.EventKinds? nil = all
---@param observe fun(event: freehold.Event)
---@return freehold.Observer? observer
---@return string? message
---@return freehold.Code? code
function Device:observe(events, observe) end

--- An alias of the device that routes through an allocator: a table of functions, each of which may
--- be missing. The alias is a device like any other; what is made through it goes to the allocator,
--- and the original is unaffected. An alias of an alias has both.
---
--- Raises: wrong types; unknown fields, with the nearest right name; a missing name.
---
--- Codes:
--- - `host_memory`: the bookkeeping found no memory.
--- - `stale`: the device is closed.
---@param allocator freehold.Allocator
---@return freehold.Device? alias
---@return string? message
---@return freehold.Code? code
function Device:with_allocator(allocator) end

--- The name of its allocator; "default" for a device without one.
---
--- Codes:
--- - `stale`: the device is closed.
---@return string? name
---@return string? message
---@return freehold.Code? code
function Device:allocator() end

--- Bytes that its allocator has allocated; without one, reserved bytes of all parcels.
---
--- Codes:
--- - `stale`: the device is closed.
---@return integer? bytes
---@return string? message
---@return freehold.Code? code
function Device:allocated_bytes() end

--- Bytes that its allocator would like to stay under; without one, the total limit. nil = no
--- opinion.
---
--- Codes:
--- - `stale`: the device is closed.
---@return integer? bytes
---@return string? message
---@return freehold.Code? code
function Device:budget() end

---@class freehold.Observer
local Observer = {}

--- End it. From within itself it is deaf at once, and ended when the outermost call returns. Again:
--- false.
---@return boolean was_open
function Observer:close() end

--- Beside `kind` and `tick` it has what belongs to its kind.
---@class freehold.Event
---@field kind freehold.EventKind
---@field tick integer ticks so far
---@field id integer? parcel_*, evict_*: the parcel's number
---@field parcel freehold.Parcel? the same: a handle, if Lua has one; not of one that is just being
--- made
---@field parcel_kind string? parcel_created, parcel_retired, parcel_freed, refused; decided: of
--- place and relieve
---@field tag string? the same; "" = untagged
---@field bytes integer? reserved; resized: committed; memory_*: driver bytes; refused, decided:
--- asked for; budget_crossed: used
---@field bytes_before integer? parcel_resized: committed
---@field committed integer? parcel_created
---@field memory integer? memory_*: the number of the driver allocation; parcel_created,
--- parcel_resized: of that it lies in, 0 = external
---@field offset integer? parcel_created, parcel_resized: bytes into its memory
---@field name string? parcel_created, parcel_named: its own; policy_set: the policy's, nil =
--- native; decided: the script's
---@field buffer freehold.BufferOptions? parcel_created
---@field texture freehold.TextureOptions? parcel_created
---@field epoch freehold.Epoch? parcel_used, copied
---@field count integer? copied: how many
---@field heap integer? memory_*: index
---@field type integer? memory_*: index
---@field dedicated boolean? memory_*
---@field code freehold.Code? refused
---@field account string? budget_crossed, refused by a budget
---@field limit integer? budget_crossed
---@field up boolean? budget_crossed: upwards
---@field hook freehold.Hook? decided
---@field outcome string? decided: as in `policy:decisions()`
---@field script integer? decided: index into `status().scripts`
---@field version integer? decided: of the script
---@field line integer? decided: of the script; 0 = not known
---@field charge integer? decided: what it used
---@field sequence integer? decided: counts the policy's from 1

--- What `device:with_allocator` takes. A function that makes parcels returns one: its handle gives
--- its reference away, so keep `parcel:acquire()` of what is to be handed out again. Or it returns
--- nil, and perhaps a message and a code, which is what the request then fails with (without a code
--- `"out_of_memory"`); what it raises is the message of a failure with the code `"script"`. `desc`
--- is a table of its own, which may be changed and handed on; it has no `user`. What is made from
--- within is never relieved; if it is refused for lack of memory, the device makes room and asks
--- once more.
---@class freehold.Allocator
---@field name string
---@field alloc_buffer? fun(base: freehold.Device, desc: freehold.BufferOptions): freehold.Parcel?,
--- string?, freehold.Code?
---@field alloc_buffer_with_capacity? fun(base: freehold.Device, desc: freehold.BufferOptions):
--- freehold.Parcel?, string?, freehold.Code? of those with a capacity; default `alloc_buffer`
---@field alloc_texture? fun(base: freehold.Device, desc: freehold.TextureOptions):
--- freehold.Parcel?, string?, freehold.Code?
---@field alloc_raw? fun(base: freehold.Device, desc: freehold.RawOptions): freehold.Parcel?,
--- string?, freehold.Code?
---@field notify_freed? fun(reserved: integer, committed: integer, kind: string) a parcel it made is
--- gone; once
---@field notify_resized? fun(before: freehold.ParcelBytes, after: freehold.ParcelBytes, kind:
--- string) a buffer it made was resized
---@field allocated_bytes? fun(): integer default: reserved bytes of the live parcels it made
---@field budget? fun(): integer? advice; default: the device's total limit
---@field reclaim? fun(base: freehold.Device) at ticks: a good moment to give back what the GPU is
--- done with
---@field drain? fun(base: freehold.Device) give back everything it keeps

---@class freehold.ParcelBytes
---@field reserved integer
---@field committed integer
