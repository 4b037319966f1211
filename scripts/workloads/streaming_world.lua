-- A workload: a camera flies over a world that is larger than memory.
--
--     freehold run streaming_world
--     freehold run streaming_world --policy budget --watch       and edit the policy meanwhile
--
-- The world is a grid of tiles. Each has two textures, finer the nearer the camera is, a mesh, and
-- sometimes a city. Tiles in view are loaded, the nearest first, a few in each frame; those that
-- were left behind stay, since there may be room. So it takes what it gets: some 5 GiB where nobody
-- minds. Where memory ends, tiles that are out of view are let go, and loaded again when the
-- camera comes back; where even that is not enough, they are coarser than they should be.
--
-- A workload returns a table: setup(world) is called once, frame(world, n) plays a frame, evict
-- lets go of a parcel. Memory that is refused is nil, and no failure; random numbers are the
-- world's. All of it is in freehold run --help.

local fh = require "freehold"

local VIEW = 6                                        -- tiles, in all directions
local LOADS = 3                                       -- tiles that are loaded in a frame
local SIZES = { 2048, 1024, 512 }                     -- texels of a texture, by ring
local MESHES = { 2 * fh.MiB, 512 * fh.KiB, 128 * fh.KiB }
local PRIORITIES = { 0.9, 0.6, 0.4, 0.1 }             -- the last of what is out of view
local PATIENCE = 30                                   -- frames until it is tried again

local tiles                -- by "x y"
local view                 -- offsets of the tiles in view, the nearest first
local seen                 -- the tiles in view in the last frame
local targets              -- what frames are drawn into
local camera

-- In which of the rings something lies: 1 is the finest.
local function ring_of(distance)
    return distance <= 1.5 and 1 or distance <= 3.2 and 2 or 3
end

local function tile_at(world, x, y)
    local key = x .. " " .. y
    if not tiles[key] then
        tiles[key] = {
            parts = {}, ring = 4, retry = 0,
            city = world:random() < 0.2 and world:random(2, 8) * fh.MiB or nil,
        }
    end
    return tiles[key]
end

-- Makes a part of a tile, unless there is one that is at least as fine.
local function load_part(world, tile, name, ring, make)
    local part = tile.parts[name]
    if part and part.ring <= ring then
        return true
    end
    local user = { tile = tile, name = name, ring = ring }
    local parcel = make {
        usage = "copy_dst", user = user, evictable = "any_thread", priority = PRIORITIES[ring],
        tag = name == "mesh" and "mesh" or name == "city" and "city" or "terrain",
        name = name .. " " .. ring,
    }
    if not parcel then
        return false
    end
    user.parcel = parcel
    tile.parts[name] = user
    if part then
        part.parcel:release()
    end
    world:scratch { size = "1MiB", usage = "copy_src", tag = "upload" }
    return true
end

-- Loads what a tile needs; textures coarse where memory is refused. Whether it has it all now.
local function load_tile(world, tile, ring)
    local function texture(options)
        local size = SIZES[options.user.ring]
        options.width, options.height, options.mips = size, size, size == 2048 and 12 or 10
        options.format, options.usage = "bc7_unorm", "sampled|copy_dst"
        return world:texture(options)
    end
    local function mesh(options)
        options.size, options.usage = MESHES[options.user.ring], "vertex|index|copy_dst"
        return world:buffer(options)
    end
    local function city(options)
        options.size, options.usage = tile.city, "storage|copy_dst"
        return world:buffer(options)
    end
    local complete = true
    for _, name in ipairs { "albedo", "normal" } do
        if not load_part(world, tile, name, ring, texture) then
            complete = false
            load_part(world, tile, name, 3, texture)
        end
    end
    complete = load_part(world, tile, "mesh", ring, mesh) and complete
    if tile.city and ring <= 2 then
        complete = load_part(world, tile, "city", 1, city) and complete
    end
    return complete
end

local function is_complete(tile, ring)
    for _, name in ipairs { "albedo", "normal", "mesh" } do
        if not tile.parts[name] or tile.parts[name].ring > ring then
            return false
        end
    end
    return not tile.city or ring > 2 or tile.parts.city ~= nil
end

local function set_ring(tile, ring)
    if tile.ring ~= ring then
        tile.ring = ring
        for _, part in pairs(tile.parts) do
            part.parcel:set_priority(PRIORITIES[ring])
        end
    end
end

local function draw(world)
    local x, y = math.floor(camera.x), math.floor(camera.y)
    local left, loads = seen, 0
    seen = {}
    for _, offset in ipairs(view) do
        local tile = tile_at(world, x + offset.x, y + offset.y)
        local ring = ring_of(offset.distance)
        if loads < LOADS and world.frame >= tile.retry and not is_complete(tile, ring) then
            loads = loads + 1
            if not load_tile(world, tile, ring) then
                tile.retry = world.frame + PATIENCE
            end
        end
        tile.drawn = world.frame
        set_ring(tile, ring)
        for _, part in pairs(tile.parts) do
            world:use(part.parcel)
        end
        seen[#seen + 1] = tile
    end
    for _, tile in ipairs(left) do
        if tile.drawn ~= world.frame then
            set_ring(tile, 4)
        end
    end
end

local function fly(world)
    camera.turn = 0.9 * camera.turn + 0.02 * (world:random() - 0.5)
    camera.heading = camera.heading + camera.turn
    camera.x = camera.x + 0.1 * math.cos(camera.heading)
    camera.y = camera.y + 0.1 * math.sin(camera.heading)
end

return {
    name = "streaming world",
    doc = "a camera over a grid of tiles that are loaded, and let go, as it comes and goes",
    frames = 600,

    setup = function(world)
        tiles, view, seen, targets = {}, {}, {}, {}
        camera = { x = 0.5, y = 0.5, heading = 0.7, turn = 0.0 }
        for x = -VIEW, VIEW do
            for y = -VIEW, VIEW do
                local distance = math.sqrt(x * x + y * y)
                if distance <= VIEW then
                    view[#view + 1] = { x = x, y = y, distance = distance }
                end
            end
        end
        table.sort(view, function(a, b)
            if a.distance ~= b.distance then
                return a.distance < b.distance
            end
            return a.x < b.x or a.x == b.x and a.y < b.y
        end)
        for i, format in ipairs { "rgba8_unorm", "rgba8_unorm", "rgba16_float", "d32_float" } do
            targets[i] = world:texture {
                width = 1920, height = 1080, format = format, tag = "targets", priority = 1,
                usage = format == "d32_float" and "depth_target" or "color_target|sampled",
                name = "target " .. i,
            }
        end
    end,

    frame = function(world)
        fly(world)
        world:scratch { size = 2 * fh.MiB, usage = "uniform", tag = "upload" }
        for _, target in ipairs(targets) do
            world:use(target)
        end
        draw(world)
    end,

    -- What is drawn close by stays; what is far, or out of view, can be loaded again.
    evict = function(world, parcel, part)
        local tile = part.tile
        if tile.ring <= 2 and tile.drawn and tile.drawn >= world.frame - 1 then
            return false
        end
        tile.parts[part.name] = nil
        tile.retry = world.frame + PATIENCE
        return parcel:release()
    end,
}
