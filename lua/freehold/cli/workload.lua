-- Workloads: Lua files that play a program which uses a device, frame by frame. A workload returns
--
--     {
--         name = "streaming world",          -- for people
--         doc = "what it plays",
--         frames = 600,                      -- how many, unless --frames says (default 600)
--         latency = 2,                       -- how many frames the GPU is behind (default 2)
--         setup = function(world) end,       -- once, before the first frame
--         frame = function(world, n) end,    -- the n-th frame, from 1
--         evict = function(world, parcel, user) end,   -- asked to let go of a parcel that it made
--     }                                                -- `evictable`: releases it, returns true
--
-- Only `frame` is required. `setup` and `frame` get the *world*:
--
--     world.device, world.queue       the device, and the queue that frames are submitted to
--     world.frame, world.seed         the number of this frame; what --seed says
--     world:random(), (m), (m, n)     as math.random, and the same for the same seed everywhere
--     world:buffer{}, texture{}, raw{}    as those of the device; nil where memory is refused. That
--                                     is counted, and no failure; what else goes wrong ends the run
--     world:resize(parcel, size)      true; nil where it is refused, or a frame in flight uses it
--     world:use(parcel)               this frame uses it; it may be released right after
--     world:scratch{}                 a buffer for this frame alone, written by the CPU
--     world:say(format, ...)          something that happened, for who watches
--
-- A workload must do the same at every run with one seed: it has neither clock nor files, random
-- numbers are the world's, and `pairs` has a fixed order. It must release what it makes, and not
-- leave that to the collector of garbage.

local fh = require "freehold"
local scripts = require "freehold.cli.scripts"
local text = require "freehold.cli.text"

local workload = {}

--------------------------------------------------------------------------------------------------
-- What a workload's file sees

local ranks = { boolean = 1, number = 2, string = 3 }

-- pairs() in an order that is always the same.
local function ordered_pairs(map)
    if type(map) ~= "table" or (getmetatable(map) or {}).__pairs then
        return pairs(map)
    end
    local keys = {}
    for key in pairs(map) do
        if not ranks[type(key)] then
            error(("pairs: a key is a %s, and has no order. Keep such things in lists.")
                :format(type(key)), 2)
        end
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        local rank_a, rank_b = ranks[type(a)], ranks[type(b)]
        if rank_a ~= rank_b then
            return rank_a < rank_b
        end
        return rank_a == 1 and (not a and b) or rank_a > 1 and a < b
    end)
    local at = 0
    return function()
        at = at + 1
        return keys[at], map[keys[at]]
    end
end

local function own_require(name)
    if name ~= "freehold" then
        error(("a workload is one file: it can require 'freehold', and not '%s'.")
            :format(tostring(name)), 2)
    end
    return fh
end

-- What there is no use for in a workload, and what to use instead.
local withheld = {
    os = "A workload does the same at every run: world.frame is its time.",
    io = "A workload does the same at every run: it has its seed, and no files.",
    print = "Use world:say(format, ...).",
    ["math.random"] = "Use world:random(m, n): it is the same for the same seed.",
    ["math.randomseed"] = "world:random(m, n) has its seed already, from --seed.",
    next = "Use pairs, which has a fixed order here.",
    collectgarbage = "Release parcels when they are not needed any more.",
}

-- A copy of what `names` names, which raises for everything else.
local function strict(from, names, prefix)
    local copy = {}
    for name in names:gmatch("%S+") do
        copy[name] = from[name]
    end
    return setmetatable(copy, {
        __index = function(_, key)
            local name = prefix .. tostring(key)
            error(("there is no '%s' in a workload. %s"):format(name, withheld[name]
                or "Is it misspelt, or is a `local` missing?"), 2)
        end,
        __newindex = function(_, key)
            error(("'%s%s' is global: make it local."):format(prefix, tostring(key)), 2)
        end,
    })
end

local function environment()
    local mathematics = {}
    for name, item in pairs(math) do
        mathematics[name] = item
    end
    local env = {}
    for name, item in pairs(_G) do
        env[name] = item
    end
    env.pairs, env.require = ordered_pairs, own_require
    env.math = strict(mathematics, "abs acos asin atan ceil cos deg exp floor fmod huge log max"
        .. " maxinteger min mininteger modf pi rad sin sqrt tan tointeger type ult", "math.")
    return strict(env, "assert error getmetatable ipairs math pairs pcall rawequal rawget rawlen"
        .. " rawset require select setmetatable string table tonumber tostring type utf8", "")
end

--------------------------------------------------------------------------------------------------
-- Reading one

local fields = {
    name = "string", doc = "string", frames = "integer", latency = "integer", setup = "function",
    frame = "function", evict = "function",
}
local field_names = { "name", "doc", "frames", "latency", "setup", "frame", "evict" }

-- What is wrong with what a workload's file returned, as a sentence; nil when nothing is.
local function complaint(definition)
    if type(definition) ~= "table" then
        return ("it returns a %s. A workload returns a table that has a function `frame`.")
            :format(type(definition))
    end
    for key, item in pairs(definition) do
        local wanted = fields[key]
        if not wanted then
            return ("it has a field '%s', which no workload has.%s"):format(tostring(key),
                text.hint(tostring(key), field_names))
        elseif (math.type(item) or type(item)) ~= wanted then
            return ("its '%s' must be a %s, and is a %s."):format(key, wanted,
                math.type(item) or type(item))
        end
    end
    if not definition.frame then
        return "it has no function `frame`. That plays one frame: frame = function(world, n) … end."
    elseif (definition.frames or 1) < 1 then
        return "its 'frames' must be at least 1."
    elseif (definition.latency or 0) < 0 or (definition.latency or 0) > 16 then
        return "its 'latency' must be from 0 to 16 frames."
    end
end

--- Reads the workload that `name` means: a path, or the name of one that comes along.
---@param host freehold.CliHost
---@param name string
---@return freehold.Workload
function workload.load(host, name)
    local path = scripts.path("workloads", name)
    local chunk, problem = loadfile(path, "t", environment())
    if not chunk then
        local missing = problem:find("^cannot open")
        host.fail(("cannot load the workload: %s%s"):format(problem, missing
            and (". Give a file, or one of '%s'."):format(
                table.concat(scripts.names("workloads"), "', '")) or ""))
    end
    local done, definition = pcall(chunk)
    if not done then
        host.fail("the workload failed: " .. tostring(definition))
    end
    local wrong = complaint(definition)
    if wrong then
        host.fail(("%s: %s"):format(path, wrong))
    end
    definition.path = path
    definition.name = text.clean(definition.name or path)
    definition.frames = definition.frames or 600
    definition.latency = definition.latency or 2
    return definition
end

--------------------------------------------------------------------------------------------------
-- The world

---@class freehold.World
local World = {}
World.__index = World

local refusals = { budget = true, out_of_memory = true }

-- What a call of the device raised, by the call's own name.
local function named(problem, method)
    return (tostring(problem):gsub("^bad argument #2 to '[^']*'", method))
end

-- Tags by name, in the order in which they came up.
local function note_tag(world, tag)
    if type(tag) == "string" and not world.tags[tag] then
        world.tags[tag] = true
        world.tags[#world.tags + 1] = tag
    end
end

for _, method in ipairs { "buffer", "texture", "raw" } do
    World[method] = function(self, options)
        local device = self.device
        local done, parcel, message, code = pcall(device[method], device, options)
        if not done then
            error(named(parcel, method), 2)
        end
        note_tag(self, options.tag)
        if parcel then
            self.made = self.made + 1
            return parcel
        elseif not refusals[code] then
            error(message, 2)
        end
        self.refused = self.refused + 1
        return nil, message, code
    end
end

--- Resizes a buffer; nil where that is refused, or a frame in flight still uses it.
function World:resize(parcel, size)
    local done, epoch, message, code = pcall(parcel.resize, parcel, size)
    if not done then
        error(named(epoch, "resize"), 2)
    elseif epoch then
        return true
    elseif refusals[code] then
        self.refused = self.refused + 1
    elseif code ~= "busy" then
        error(message, 2)
    end
    return nil, message, code
end

--- This frame uses the parcel.
function World:use(parcel)
    local done, message = parcel:use(self.queue, self.frame)
    if not done then
        error(message, 2)
    end
end

--- A buffer for this frame alone; nil where it is refused.
function World:scratch(options)
    local own = { location = "upload" }
    for key, item in pairs(options) do
        own[key] = item
    end
    local done, buffer, message, code = pcall(self.buffer, self, own)
    if not done then
        error(buffer, 2)
    elseif not buffer then
        return nil, message, code
    end
    self:use(buffer)
    buffer:release()
    return true
end

--- As math.random.
function World:random(low, high)
    -- splitmix64, so that it is the same whatever Lua's own is.
    self.state = self.state + 0x9E3779B97F4A7C15
    local bits = self.state
    bits = (bits ~ bits >> 30) * 0xBF58476D1CE4E5B9
    bits = (bits ~ bits >> 27) * 0x94D049BB133111EB
    local share = ((bits ~ bits >> 31) >> 11) * 2.0 ^ -53
    if not low then
        return share
    elseif not high then
        low, high = 1, low
    end
    if low > high then
        error("random: the interval is empty", 2)
    end
    return low + math.floor(share * (high - low + 1))
end

--- Something that happened.
function World:say(format, ...)
    local done, line = pcall(string.format, format, ...)
    if not done then
        error(line, 2)
    end
    self.on_say(text.clean(line))
end

-- What the workload raises within a callback would end there. It is kept, and raised afterwards.
local function raise_kept(world)
    local problem = world.problem
    if problem then
        world.problem = nil
        error(problem, 0)
    end
end

--- Plays the next frame. Raises what the workload raises.
function workload.step(world)
    local frame = world.frame + 1
    world.frame = frame
    if frame > world.definition.latency then
        world.queue:signal(frame - world.definition.latency)
    end
    assert(world.device:tick())
    raise_kept(world)
    world.definition.frame(world, frame)
    raise_kept(world)
end

--- Opens a device for the workload by `open(options)`, which is fh.device; nil and a message where
--- that cannot be.
---@param definition freehold.Workload
---@param open fun(options: table): freehold.Device?, string?
---@param options table
---@param seed integer
---@param on_say fun(line: string)
---@return freehold.World?
---@return string? message
function workload.open(definition, open, options, seed, on_say)
    local world = setmetatable({
        definition = definition,
        frame = 0,
        seed = seed,
        state = seed,
        made = 0,
        refused = 0,
        evicted = 0,
        tags = {},
        on_say = on_say,
    }, World)
    if definition.evict then
        options.evict = function(parcel, user)
            local done, let_go = pcall(definition.evict, world, parcel, user)
            if not done then
                world.problem = world.problem or let_go
                return false
            end
            world.evicted = world.evicted + (let_go and 1 or 0)
            return let_go
        end
    end
    local device, message = open(options)
    if not device then
        return nil, message
    end
    world.device = device
    world.queue = assert(device:queue("graphics"))
    return world
end

--- Prepares the workload. Raises what it raises.
function workload.setup(world)
    if world.definition.setup then
        world.definition.setup(world)
    end
    raise_kept(world)
end

--- Ends it: the GPU is done with everything, and what lives goes with the device.
function workload.close(world)
    if not world.device:closed() then
        world.queue:signal(world.frame)
        world.device:close()
    end
end

return workload
