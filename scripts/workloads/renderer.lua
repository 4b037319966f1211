-- A workload: a renderer in a window that somebody keeps resizing.
--
--     freehold run renderer
--     freehold run renderer --policy tiers --set share=0.2
--
-- A level's textures and meshes are loaded at the start. The render targets are as large as the
-- window, and made anew whenever that changes, while the GPU still draws into those before: so
-- memory jumps. Where the new ones are refused, they are made smaller, and everything is drawn
-- coarser. Instances are written anew in each frame, into buffers that grow with their number.
--
-- A workload returns a table: setup(world) is called once, frame(world, n) plays a frame, evict
-- lets go of a parcel. Memory that is refused is nil, and no failure; random numbers are the
-- world's. All of it is in freehold run --help.

local fh = require "freehold"

local WINDOWS = {
    { 1280, 720 }, { 1920, 1080 }, { 2560, 1440 }, { 3440, 1440 }, { 3840, 2160 },
}
local SCALES = { 1, 0.75, 0.5, 0.25 }    -- of the window, tried in this order
local COLOUR = "color_target|sampled|copy_src"
local TARGETS = {                        -- what a frame is drawn into
    { name = "albedo", format = "rgba8_unorm", usage = COLOUR },
    { name = "normals", format = "rgba16_float", usage = COLOUR },
    { name = "material", format = "rgba8_unorm", usage = COLOUR },
    { name = "depth", format = "d32_float", usage = "depth_target|sampled" },
    { name = "light", format = "rgba16_float", usage = COLOUR .. "|storage" },
    { name = "history", format = "rgba16_float", usage = COLOUR },
    { name = "bloom", format = "rgba16_float", usage = COLOUR .. "|storage", mips = 6 },
}
local INSTANCE_BYTES = 256

local level                              -- textures and meshes
local targets                            -- render targets, with their scale
local constants                          -- what the CPU writes in each frame
local instances                          -- buffers, one for each frame in flight and one more
local count                              -- of the instances
local change                             -- the frame of the next resize
local window                             -- which of them

local function release(parcels)
    for _, parcel in ipairs(parcels) do
        parcel:release()
    end
end

-- All targets of that size, or nil: a frame cannot do with some of them.
local function make_targets(world, width, height, scale)
    local made = { scale = scale }
    for i, target in ipairs(TARGETS) do
        made[i] = world:texture {
            width = math.ceil(width * scale), height = math.ceil(height * scale),
            format = target.format, usage = target.usage, mips = target.mips, priority = 1,
            tag = "targets", name = target.name,
        }
        if not made[i] then
            release(made)
            return nil
        end
    end
    return made
end

-- The window has changed. The old targets are released now, and go when the GPU is done with them.
local function resize(world)
    local width, height = WINDOWS[window][1], WINDOWS[window][2]
    world:say("the window is %d x %d", width, height)
    release(targets)
    targets = {}
    for _, scale in ipairs(SCALES) do
        local made = make_targets(world, width, height, scale)
        if made then
            targets = made
            if scale < 1 then
                world:say("there is memory for %.0f %% of it", 100 * scale)
            end
            return
        end
    end
    world:say("there is no memory for it")
end

local function load_level(world)
    level = {}
    for i = 1, 160 do
        local size = 256 << world:random(0, 3)
        local texture = world:texture {
            width = size, height = size, format = "bc7_unorm", mips = 8, usage = "sampled|copy_dst",
            evictable = "at_tick", priority = 0.2 + 0.5 * world:random(), tag = "level",
            name = "texture " .. i, user = i,
        }
        local mesh = world:buffer {
            size = world:random(64, 2048) * fh.KiB, usage = "vertex|index|copy_dst", tag = "level",
            name = "mesh " .. i,
        }
        level[i] = { texture = texture, mesh = mesh, retry = 0 }
    end
end

-- One in some frames sees other parts of the level: what was evicted of them is loaded again.
local function draw_level(world)
    local first = world.frame // 20 * 7 % #level
    for i = first, first + 60 do
        local part = level[i % #level + 1]
        if not part.texture and world.frame >= part.retry then
            part.texture = world:texture {
                width = 1024, height = 1024, format = "bc7_unorm", mips = 8,
                usage = "sampled|copy_dst", evictable = "at_tick", priority = 0.5, tag = "level",
                user = i % #level + 1,
            }
            part.retry = world.frame + 30
        end
        for _, name in ipairs { "texture", "mesh" } do
            if part[name] then
                world:use(part[name])
            end
        end
    end
end

-- The buffer of this frame was used so long ago that the GPU is done with it: it may be resized.
local function write_instances(world)
    count = math.max(2000, math.min(200000, math.floor(count * (0.93 + 0.16 * world:random()))))
    local slot = world.frame % #instances + 1
    local size = count * INSTANCE_BYTES
    local buffer = instances[slot]
    if buffer and buffer:info().committed < size then
        world:resize(buffer, size)
    end
    if buffer then
        world:use(buffer)
    end
end

return {
    name = "renderer",
    doc = "render targets that follow a window's size, over a level",
    frames = 600,
    latency = 2,

    setup = function(world)
        window, targets, instances, count, change = 2, {}, {}, 20000, 1
        load_level(world)
        constants = world:buffer {
            size = "12MiB", usage = "uniform|copy_src", location = "upload", tag = "constants",
        }
        for i = 1, 3 do
            instances[i] = world:buffer {
                size = count * INSTANCE_BYTES, usage = "storage|copy_src|copy_dst",
                location = "device_upload", tag = "instances", name = "instances " .. i,
            } or false
        end
    end,

    frame = function(world, n)
        if n == change then
            if n > 1 then
                window = (window - 1 + world:random(#WINDOWS - 1)) % #WINDOWS + 1
            end
            resize(world)
            change = n + world:random(30, 90)
        end
        for _, target in ipairs(targets) do
            world:use(target)
        end
        if constants then
            world:use(constants)
        end
        if n % 60 == 0 then -- a screenshot
            world:scratch { size = "8MiB", usage = "copy_dst", location = "readback" }
        end
        write_instances(world)
        draw_level(world)
    end,

    evict = function(_, parcel, number)
        level[number].texture = nil
        return parcel:release()
    end,
}
