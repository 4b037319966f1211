-- A level's memory on a GPU: buffers and textures under a budget, frames that use them, and owners
-- that let go when it gets tight.
--
-- The GPU is simulated, so this runs anywhere; `backend = "vulkan"` is all that a real one changes.
-- Run it by lua5.4 examples/device.lua with the module's folder in LUA_CPATH.

local fh = require "freehold"

local function show(device, title)
    local stats = device:stats()
    print(("%-26s %6.1f MiB reserved, %6.1f MiB from the driver, %d parcels"):format(
        title, stats.total.reserved / fh.MiB, stats.total.block_bytes / fh.MiB,
        stats.parcel_count))
end

-- Asked when there is no room, or an account is over its limit: the owner lets go of what can be
-- loaded again. What it gets is the program's own handle, and the value that was given to it.
local function evict(parcel, tile)
    print(("  letting go of %s, %.0f MiB"):format(tile.name, parcel:info().reserved / fh.MiB))
    tile.texture = nil
    return parcel:release()
end

local device <close> = assert(fh.device {
    backend = "host", profile = "discrete-8g", evict = evict,
    log = function(level, message) print(level .. ": " .. message) end,
})
print(device)

--------------------------------------------------------------------------------------------------
-- Parcels: a size, what they are for, and a tag whose account shows who uses how much.

local mesh <close> = assert(device:buffer {
    size = "4MiB", usage = "vertex|copy_dst", tag = "terrain", name = "mesh",
})
assert(mesh:write(0, string.pack("<fff", 0.0, 1.0, 0.5)))

local sky <close> = assert(device:texture {
    width = 2048, height = 2048, format = "rgba8_unorm", mips = 12, tag = "sky",
})
print(("the sky takes %.1f MiB, in memory type %d"):format(
    sky:info().reserved / fh.MiB, sky:info().type))
show(device, "at the start")

-- Where would a buffer that the CPU writes every frame go, and why?
print("an upload buffer would lie in" .. assert(device:explain {
    buffer = { size = "1MiB", usage = "uniform", location = "upload" },
}):match(" type [^\n]*"))

--------------------------------------------------------------------------------------------------
-- Frames. What the GPU still reads is freed when its queue has passed the frame: `use` says so.

local graphics = assert(device:queue("graphics"))
for frame = 1, 3 do
    local scratch <close> = assert(device:buffer {
        size = "1MiB", usage = "uniform", location = "upload",
    })
    do
        local mapping <close> = assert(scratch:map())
        assert(mapping:write(0, string.pack("<I4", frame)))
    end
    scratch:use(graphics, frame)
    mesh:use(graphics, frame)
    -- The GPU is one frame behind.
    graphics:signal(frame - 1)
    device:tick()
end -- `scratch` is released here, and freed later
assert(device:stats().retiring_count > 0)
graphics:signal(3)
device:tick()
assert(device:stats().retiring_count == 0)
show(device, "after three frames")

--------------------------------------------------------------------------------------------------
-- A budget. Nothing exceeds it: what a new tile needs is taken from those of the least priority.

print "with at most 128 MiB"
assert(device:set_limit("total", "128MiB"))
local tiles = {}
for i = 1, 12 do
    local tile = { name = "tile " .. i }
    tile.texture = assert(device:texture {
        width = 2048, height = 2048, format = "rgba8_unorm", tag = "tiles",
        name = tile.name, user = tile, evictable = "any_thread",
        priority = i / 100,
    })
    tiles[i] = tile
    device:tick()
end
local live = 0
for _, tile in ipairs(tiles) do
    live = live + (tile.texture and 1 or 0)
end
show(device, ("%d of %d tiles are left"):format(live, #tiles))
assert(device:account("total").used <= 128 * fh.MiB and live < #tiles)

-- What cannot be is refused with a sentence for people and a word for programs.
assert(device:set_limit("terrain", "8MiB"))
local more, why, code = device:buffer { size = "5MiB", usage = "vertex", tag = "terrain" }
assert(not more and code == fh.result.budget)
print("refused: " .. why)

-- The same as JSON, for the field's memory-dump visualiser.
print(("%d bytes of JSON describe all this"):format(#assert(device:json(true))))

-- What is forgotten here, the log would name when the device closes.
for _, tile in ipairs(tiles) do
    if tile.texture then
        tile.texture:release()
    end
end
