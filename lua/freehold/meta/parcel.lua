---@meta _

-- Made by tools/gen_lua_docs from src/binding/api.lua and api/: edit those.
-- luacheck: ignore 212 241 (parameters and classes without a use: there is no code)

---@class freehold.Device
local Device = {}

--- Make a buffer with memory.
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param options freehold.BufferOptions
---@return freehold.Parcel? buffer
---@return string? message
---@return freehold.Code? code
function Device:buffer(options) end

--- Make a texture with memory.
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param options freehold.TextureOptions
---@return freehold.Parcel? texture
---@return string? message
---@return freehold.Code? code
function Device:texture(options) end

--- Take memory without an object, for several things to lie on (`backing`).
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param options freehold.RawOptions
---@return freehold.Parcel? raw
---@return string? message
---@return freehold.Code? code
function Device:raw(options) end

--- Take `count` pieces of raw memory of one description: all of them, or none.
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param count integer
---@param options freehold.RawOptions
---@return freehold.Parcel[]? raws
---@return string? message
---@return freehold.Code? code
function Device:raws(count, options) end

--- Count memory that others own in the accounts here, and give it a lifetime.
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `budget`: a limit says no; `destroy` is then not called.
--- - `host_memory`: the bookkeeping found no memory.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed.
---@param options freehold.ExternalOptions
---@return freehold.Parcel? external
---@return string? message
---@return freehold.Code? code
function Device:external(options) end

--- Queue copies between parcels, or fills, in order, on the backend's queue 0. What kind of copy it
--- is follows from the parcels. Uses on queues of the program's own are for the program to wait
--- for.
---
--- Raises: wrong types; a missing or unknown field, or an unknown name, with the nearest right one.
---
--- Codes:
--- - `invalid`: one is out of bounds, lacks a copy usage, or formats differ; nothing is queued
---   then.
--- - `stale`: a parcel was released or is another device's, or the device is closed.
--- - `host_memory`: the bookkeeping found no memory.
--- - `device_lost`: the device is lost.
---@param copies freehold.Copy|freehold.Copy[]
---@return freehold.Epoch? epoch
---@return string? message
---@return freehold.Code? code
function Device:copy(copies) end

--- Every parcel of the device, retiring ones too: what to rebuild after a device was lost, who
--- leaked. Those that other code made are there without a `parcel`.
---
--- Codes:
--- - `stale`: the device is closed.
---@return freehold.ParcelInfo[]? infos
---@return string? message
---@return freehold.Code? code
function Device:parcels() end

--- A piece of device memory in use: a buffer, a texture, raw memory, or external memory. A handle
--- owns one reference, and gives it back by `release`, when a `<close>` variable that holds it
--- ends, or when it is collected: close parcels where memory is tight, since Lua's collector does
--- not see it. The last reference retires the parcel: when every queue has passed its last use, the
--- memory is free again.
---
--- A handle keeps its device open. Handles of one parcel are equal by `==`. A handle that was
--- released is stale: calls return `nil, message, "stale"`.
---@class freehold.Parcel
local Parcel = {}

--- Give the handle's reference back.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:release() end

--- Another name of `release`.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:close() end

--- Mark last uses, then give the reference back.
---
--- Codes:
--- - `invalid`: there is no such queue; the handle keeps its reference.
--- - `host_memory`: the uses cannot be noted; the handle keeps its reference.
--- - `stale`: the handle was released, or the device is closed.
---@param epochs freehold.Epoch|freehold.Epoch[]
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:retire(epochs) end

--- Another handle of the same parcel, with a reference of its own.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@return freehold.Parcel? parcel
---@return string? message
---@return freehold.Code? code
function Parcel:acquire() end

--- Whether the handle has a reference, of a device that is there.
---@return boolean live
function Parcel:live() end

--- The device that it was made with, open or not.
---@return freehold.Device device
function Parcel:device() end

--- What it is and where it lies.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@return freehold.ParcelInfo? info
---@return string? message
---@return freehold.Code? code
function Parcel:info() end

--- Its name, "" = none.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@return string? name
---@return string? message
---@return freehold.Code? code
function Parcel:name() end

--- Rename it; nil removes the name. Driver's tools see it, too.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
--- - `host_memory`: the bookkeeping found no memory.
---@param name string?
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:set_name(name) end

--- Your value, which all handles of the parcel share, also after release.
---@return any user
function Parcel:user() end

--- Replace your value; nil removes it.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
---@param user any
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:set_user(user) end

--- Replace the priority.
---
--- Codes:
--- - `stale`: the handle was released, or the device is closed.
--- - `invalid`: it is not from 0 to 1.
---@param priority number 0 to 1
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:set_priority(priority) end

--- The GPU will use the parcel until that epoch passes. Kept per queue: the largest value counts.
---
--- Codes:
--- - `invalid`: there is no such queue, or the value is negative.
--- - `host_memory`: the use cannot be noted: keep the parcel yourself.
--- - `stale`: the handle was released, or the device is closed.
---@param queue freehold.Queue|integer|freehold.Epoch an epoch stands for both
---@param value? integer
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:use(queue, value) end

--- Grow or shrink a buffer; handles and content stay, and what is new is zero. Up to its capacity
--- it grows in place; beyond, it moves. The epoch passes when the content is there.
---
--- Codes:
--- - `busy`: it is mapped, another resize is under way, or a queue of the program's own still uses
---   it.
--- - `invalid`: a field is wrong; the message says which, and why.
--- - `out_of_memory`: every memory type that would do is full.
--- - `budget`: a limit or the OS budget says no, after everything was tried that could help.
--- - `host_memory`: the bookkeeping found no memory.
--- - `unsupported`: nothing here can do that.
--- - `device_lost`: the device is lost.
--- - `stale`: the device is closed, or `pool` or `backing` are gone.
---@param size freehold.Bytes
---@return freehold.Epoch? epoch
---@return string? message
---@return freehold.Code? code
function Parcel:resize(size) end

--- Write into a buffer, or into a region of a texture: directly where its memory is host-visible
--- and no queue uses it, else through staging memory. The epoch passes when the bytes are there.
---
--- Codes:
--- - `invalid`: it is out of bounds, or the parcel is of another kind.
--- - `unsupported`: it cannot be mapped, and lacks the usage copy_dst (write) or copy_src (read).
--- - `stale`: the handle was released, or the device is closed.
--- - `device_lost`: the device is lost.
--- - `out_of_memory`: there is no room for staging memory.
--- - `budget`: staging memory is limited, too.
---@param offset freehold.Bytes|freehold.Region
---@param data string of a texture: rows close together
---@return freehold.Epoch? epoch
---@return string? message
---@return freehold.Code? code
function Parcel:write(offset, data) end

--- Read from a buffer, or a region of a texture (`parcel:read(region, timeout_ns)`), after the
--- backend's queues have done what was queued for it.
---
--- Codes:
--- - `invalid`: it is out of bounds, or the parcel is of another kind.
--- - `unsupported`: it cannot be mapped, and lacks the usage copy_dst (write) or copy_src (read).
--- - `stale`: the handle was released, or the device is closed.
--- - `device_lost`: the device is lost.
--- - `out_of_memory`: there is no room for staging memory.
--- - `budget`: staging memory is limited, too.
--- - `timeout`: the copy took longer.
---@param offset? freehold.Bytes|freehold.Region default 0
---@param size? freehold.Bytes default: to the end
---@param timeout_ns? integer nanoseconds; default 10 s
---@return string? data
---@return string? message
---@return freehold.Code? code
function Parcel:read(offset, size, timeout_ns) end

--- Queue a fill of a buffer with a 32-bit pattern.
---
--- Codes:
--- - `invalid`: it is out of bounds, no multiple of 4, or no buffer with the usage copy_dst.
--- - `stale`: the handle was released, or the device is closed.
--- - `device_lost`: the device is lost.
---@param value integer 0 to 2^32 - 1
---@param offset? freehold.Bytes a multiple of 4; default 0
---@param size? freehold.Bytes a multiple of 4; default: to the end
---@return freehold.Epoch? epoch
---@return string? message
---@return freehold.Code? code
function Parcel:fill(value, offset, size) end

--- Get at the bytes directly, where the memory is host-visible.
---
--- Codes:
--- - `unsupported`: the memory is not host-visible, or it is a texture that is not linear.
--- - `host_memory`: the bookkeeping found no memory.
--- - `device_lost`: the device is lost.
--- - `stale`: the handle was released, or the device is closed.
---@return freehold.Mapping? mapping
---@return string? message
---@return freehold.Code? code
function Parcel:map() end

--- Make what the CPU wrote visible to the GPU. Nothing to do for coherent memory.
---
--- Codes:
--- - `invalid`: it is out of bounds, or not mapped.
--- - `stale`: the handle was released, or the device is closed.
---@param offset? freehold.Bytes
---@param size? freehold.Bytes default: to the end
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:flush(offset, size) end

--- The other way: make what the GPU wrote visible to the CPU.
---
--- Codes:
--- - `invalid`: it is out of bounds, or not mapped.
--- - `stale`: the handle was released, or the device is closed.
---@param offset? freehold.Bytes
---@param size? freehold.Bytes default: to the end
---@return true? done
---@return string? message
---@return freehold.Code? code
function Parcel:invalidate(offset, size) end

--- A view of a part of a buffer or of raw memory. It keeps nothing alive.
---
--- Codes:
--- - `invalid`: it is out of the parent, or that is a texture or external.
--- - `stale`: the handle was released, or the device is closed.
---@param offset? freehold.Bytes
---@param size? freehold.Bytes default: to the end
---@return freehold.View? view
---@return string? message
---@return freehold.Code? code
function Parcel:view(offset, size) end

---@class freehold.ParcelInfo
---@field id integer the parcel's number, as events have it
---@field parcel freehold.Parcel? a handle, if Lua has one
---@field kind "buffer"|"texture"|"raw"|"external"|"staging"|"transient"
---@field name string "" = none
---@field tag string "" = untagged
---@field user any
---@field committed integer bytes that were asked for
---@field reserved integer bytes that the memory behind it takes; 0 on a `backing`
---@field capacity integer bytes it can grow to in place
---@field offset integer? bytes into its memory; not of external
---@field heap integer index
---@field type integer? index of the memory type; not of external
---@field flags table<freehold.MemoryFlag, true>? of that type
---@field dedicated boolean a driver allocation of its own
---@field retiring boolean released, and waits for the GPU
---@field usage table<freehold.Usage, true>? not of external
---@field stride integer?
---@field format string? this and the next seven: of a texture
---@field width integer?
---@field height integer?
---@field depth integer?
---@field layers integer?
---@field mips integer?
---@field samples integer?
---@field texture_kind string? "2d", "1d", "3d" or "cube"
---@field backing freehold.Parcel? what it lies on, if Lua has a handle of that
---@field priority number
---@field reference_count integer
---@field map_count integer

--- The bytes of a parcel, within bounds. A mapping has a reference of its own, so a parcel that is
--- released while it is mapped lives until it is unmapped. Numbers go in and out by `string.pack`
--- and `string.unpack`.
---@class freehold.Mapping
---@field size integer bytes
local Mapping = {}

--- Copy bytes out.
---
--- Codes:
--- - `invalid`: it is out of bounds.
--- - `stale`: it was unmapped, or the device is closed.
---@param offset? freehold.Bytes default 0
---@param size? freehold.Bytes default: to the end
---@return string? data
---@return string? message
---@return freehold.Code? code
function Mapping:read(offset, size) end

--- Copy bytes in.
---
--- Codes:
--- - `invalid`: it is out of bounds.
--- - `stale`: it was unmapped, or the device is closed.
---@param offset freehold.Bytes
---@param data string
---@return true? done
---@return string? message
---@return freehold.Code? code
function Mapping:write(offset, data) end

--- As `parcel:flush`.
---
--- Codes:
--- - `invalid`: it is out of bounds.
--- - `stale`: it was unmapped, or the device is closed.
---@param offset? freehold.Bytes
---@param size? freehold.Bytes
---@return true? done
---@return string? message
---@return freehold.Code? code
function Mapping:flush(offset, size) end

--- As `parcel:invalidate`.
---
--- Codes:
--- - `invalid`: it is out of bounds.
--- - `stale`: it was unmapped, or the device is closed.
---@param offset? freehold.Bytes
---@param size? freehold.Bytes
---@return true? done
---@return string? message
---@return freehold.Code? code
function Mapping:invalidate(offset, size) end

--- End it.
---
--- Codes:
--- - `stale`: it was unmapped before, or the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Mapping:unmap() end

--- Another name of `unmap`.
---
--- Codes:
--- - `stale`: it was unmapped before, or the device is closed.
---@return true? done
---@return string? message
---@return freehold.Code? code
function Mapping:close() end

--- A part of a buffer or of raw memory. It owns nothing, and is stale as soon as its parent is, or
--- has shrunk too far.
---@class freehold.View
---@field offset integer bytes into the parent
---@field size integer bytes
---@field parent freehold.Parcel? while Lua has a handle of it
local View = {}

--- Whether it still stands.
---@return boolean valid
function View:valid() end

--- Read raw: metatables are ignored. A field that does not exist raises, with the nearest right
--- name.
---@class freehold.Copy
---@field src? freehold.Parcel not of a fill
---@field dst freehold.Parcel
---@field src_offset? freehold.Bytes of a buffer
---@field dst_offset? freehold.Bytes of a buffer
---@field size? freehold.Bytes buffer to buffer and fill; default: to the end
---@field src_region? freehold.Region of a texture
---@field dst_region? freehold.Region of a texture
---@field fill? integer a 32-bit pattern instead of `src`; offset and size are multiples of 4
