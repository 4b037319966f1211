-- Workloads: how they are read, the world that they get, and those that come along.

local fh = require "freehold"
local scripts = require "freehold.cli.scripts"
local support = require "tests.spec.support"
local workload = require "freehold.cli.workload"

local folder

before_each(function()
    folder = support.folder()
end)

after_each(function()
    support.remove(folder)
end)

-- What a command has of the world, as far as workloads need it: endings are errors here.
local host = {
    fail = function(message)
        error(message, 0)
    end,
}

local function write(text)
    local path = folder .. "/workload.lua"
    support.write(path, text)
    return path
end

local function load_text(text)
    return workload.load(host, write(text))
end

-- The world of a workload, and what it says.
local function open(definition, options, seed)
    local said = {}
    local world = assert(workload.open(definition, fh.device, options or {}, seed or 1,
        function(line)
            said[#said + 1] = line
        end))
    return world, said
end

-- Plays so many frames of a workload whose text is given.
local function play(text, frames, options)
    local world, said = open(load_text(text), options)
    workload.setup(world)
    for _ = 1, frames or 1 do
        workload.step(world)
    end
    return world, said
end

describe("a workload", function()
    it("is read from a file", function()
        local path = write [[return { name = "toy", frames = 3, frame = function() end }]]
        local definition = workload.load(host, path)
        assert.equal("toy", definition.name)
        assert.equal(3, definition.frames)
        assert.equal(path, definition.path)
    end)

    it("is called like its file, and has 600 frames, when it does not say", function()
        local definition = load_text [[return { frame = function() end }]]
        assert.equal(folder .. "/workload.lua", definition.name)
        assert.equal(600, definition.frames)
    end)

    it("has a name that fits a terminal", function()
        assert.equal("a?[31mb c", load_text(
            [[return { name = "a\27[31mb\nc", frame = function() end }]]).name)
    end)

    it("is refused with a sentence that says where and what", function()
        for text, part in pairs {
            ["return 1"] = "it returns a number",
            ["return {}"] = "it has no function `frame`",
            ["return { frame = 1 }"] = "its 'frame' must be a function, and is a integer",
            ["return { frame = print"] = "workload.lua:1:",
            ["local x = 1\nerror('no')"] = "workload.lua:2: no",
            ["return { frame = function() end, fram = 1 }"] = "Did you mean 'frame'?",
            ["return { frame = function() end, frames = 0 }"] = "'frames' must be at least 1",
            ["return { frame = function() end, frames = 1.5 }"] = "must be a integer",
            ["return { frame = function() end, latency = 17 }"] = "from 0 to 16",
        } do
            support.raises(function()
                load_text(text)
            end, "workload", part)
        end
    end)

    it("that is missing is refused with those that there are", function()
        support.raises(function()
            workload.load(host, "streeming_world")
        end, "cannot open streeming_world", "'streaming_world'")
    end)

    it("may be no compiled chunk", function()
        support.raises(function()
            load_text(string.dump(function() end))
        end, "attempt to load a binary chunk")
    end)

    it("sees nothing that differs from run to run, and is told what to use", function()
        for text, part in pairs {
            ["os.time()"] = "there is no 'os' in a workload. ",
            ["io.open('x')"] = "it has its seed, and no files",
            ["print(1)"] = "Use world:say",
            ["math.random()"] = "there is no 'math.random' in a workload. Use world:random",
            ["next({})"] = "Use pairs",
            ["require 'os'"] = "it can require 'freehold', and not 'os'",
            ["x = 1"] = "'x' is global: make it local",
            ["return nonsense"] = "there is no 'nonsense' in a workload. Is it misspelt",
        } do
            support.raises(function()
                load_text(text)
            end, "workload.lua:1: ", part)
        end
    end)

    it("can use the rest of Lua, and the module", function()
        local _, said = play [[
            local fh = require "freehold"
            return { frame = function(world)
                world:say("%d %s %s", fh.MiB, math.floor(2.5), ("x"):rep(3))
            end }]]
        assert.same({ "1048576 2 xxx" }, said)
    end)

    it("walks tables in one order", function()
        local _, said = play [[
            return { frame = function(world)
                local map = { [true] = 0, z = 1, a = 2, [2.5] = 3, [-1] = 4, [false] = 5 }
                local keys = {}
                for key, item in pairs(map) do
                    keys[#keys + 1] = tostring(key) .. "=" .. item
                end
                world:say(table.concat(keys, " "))
            end }]]
        assert.same({ "false=5 true=0 -1=4 2.5=3 a=2 z=1" }, said)
        support.raises(function()
            play [[return { frame = function() for _ in pairs { [{}] = 1 } do end end }]]
        end, "workload.lua:1: pairs: a key is a table")
    end)
end)

describe("the world", function()
    it("counts what is made and what is refused", function()
        local world = play([[
            return { frame = function(world, n)
                local got, why, code = world:buffer { size = "48MiB", usage = "storage" }
                assert(n < 3 and got or n == 3 and not got and why and code == "budget", code)
            end }]], 0)
        world.device:set_limit("total", "100MiB")
        for _ = 1, 3 do
            workload.step(world)
        end
        assert.equal(2, world.made)
        assert.equal(1, world.refused)
    end)

    it("raises what is no lack of memory, where the workload asked", function()
        support.raises(function()
            play "return { frame = function(world)\nworld:buffer { size = 0 } end }"
        end, "workload.lua:2: ")
        support.raises(function()
            play "return { frame = function(world)\nworld:buffer { sise = 1 } end }"
        end, "workload.lua:2: buffer", "unknown field 'sise'")
        support.raises(function()
            play "return { frame = function(world)\nworld:scratch { size = true } end }"
        end, "workload.lua:2: ", "size")
    end)

    it("keeps scratch buffers until the GPU has passed the frame", function()
        local world = play([[
            return { latency = 2, frame = function(world)
                assert(world:scratch { size = "1MiB", usage = "uniform" })
            end }]], 10)
        assert.equal(2 * fh.MiB, world.device:stats().total.retiring_bytes)
        assert.equal(8, world.queue:progress())
    end)

    it("resizes, and waits for frames in flight", function()
        local _, said = play([[
            local buffer
            return { latency = 1, frame = function(world, n)
                buffer = buffer or world:buffer { size = 256, usage = "copy_src|copy_dst" }
                if n == 1 then
                    world:use(buffer)
                end
                local done, _, code = world:resize(buffer, 1024 * n)
                world:say("%s %s", done, code)
            end }]], 3)
        assert.same({ "nil busy", "true nil", "true nil" }, said)
    end)

    it("has random numbers that the seed decides", function()
        local text = [[
            return { frame = function(world)
                world:say("%.17g %d %d", world:random(), world:random(10), world:random(-5, 5))
            end }]]
        local definition = load_text(text)
        local function numbers(seed)
            local world, said = open(definition, nil, seed)
            for _ = 1, 50 do
                workload.step(world)
            end
            return said
        end
        assert.same(numbers(1), numbers(1))
        assert.not_same(numbers(1), numbers(2))
        -- The same on every machine.
        assert.equal("0.5665615751722809 8 5", numbers(1)[1])
        local world = open(definition)
        local seen = {}
        for _ = 1, 1000 do
            local number = world:random(3)
            assert(number >= 1 and number <= 3 and math.type(number) == "integer")
            seen[number] = true
        end
        assert.equal(3, #seen)
        support.raises(function()
            world:random(0)
        end, "the interval is empty")
    end)

    it("raises what eviction raised", function()
        local world = play([[
            local kept = {}
            return {
                frame = function(world)
                    kept[#kept + 1] = world:buffer {
                        size = "8MiB", usage = "storage", evictable = "any_thread", user = #kept,
                    }
                end,
                evict = function(world, parcel, user)
                    error("evict " .. user .. " in frame " .. world.frame)
                end,
            }]], 4)
        world.device:set_limit("total", "1MiB")
        support.raises(function()
            workload.step(world)
        end, "workload.lua:9: evict ")
    end)

    it("counts what was let go", function()
        local world = play([[
            local kept = {}
            return {
                frame = function(world, n)
                    kept[n] = world:buffer {
                        size = "8MiB", usage = "storage", evictable = "any_thread", user = n,
                    }
                end,
                evict = function(world, parcel, user)
                    kept[user] = nil
                    return parcel:release()
                end,
            }]], 4)
        world.device:set_limit("total", world.device:account("total").used)
        for _ = 1, 60 do
            workload.step(world)
        end
        assert(world.evicted > 0)
        assert.equal(0, world.refused)
    end)

    it("takes the device down with what lives in it", function()
        local world = play [[
            return { frame = function(world)
                world:use(world:buffer { size = 64, usage = "storage" })
            end }]]
        workload.close(world)
        assert.is_true(world.device:closed())
        workload.close(world)
    end)
end)

describe("a workload that comes along", function()
    local function files(kind)
        local listed = support.run("cd " .. support.quote(support.root .. "/scripts/" .. kind)
            .. " && ls *.lua")
        local names = {}
        for name in listed:gmatch("([^\n]+)%.lua\n") do
            names[#names + 1] = name
        end
        return names
    end

    it("is known by its name, and so is every policy", function()
        for _, kind in ipairs { "workloads", "policies" } do
            local known = table.move(scripts.names(kind), 1, #scripts.names(kind), 1, {})
            table.sort(known)
            assert.same(files(kind), known)
            for _, name in ipairs(known) do
                local path = scripts.path(kind, name)
                assert.not_equal(name, path)
                support.read(path)
            end
        end
        assert.equal("no_such", scripts.path("workloads", "no_such"))
        assert.equal("./budget", scripts.path("policies", "./budget"))
    end)

    -- What a run leaves of itself: counters, and the accounts.
    local function trace(name, frames, seed, profile, limit)
        local world, said = open(workload.load(host, name), { profile = profile }, seed)
        if limit then
            world.device:set_limit("total", limit)
        end
        workload.setup(world)
        local trail = {}
        for frame = 1, frames do
            workload.step(world)
            local account = world.device:account("total")
            trail[frame] = ("%d %d %d %d %d"):format(account.used, account.count, world.made,
                world.refused, world.evicted)
        end
        workload.close(world)
        return { trail = trail, said = said, world = world }
    end

    for _, name in ipairs(scripts.names("workloads")) do
        it("plays the same for the same seed: " .. name, function()
            local once = trace(name, 60, 1)
            local again = trace(name, 60, 1)
            assert.same(once.trail, again.trail)
            assert.same(once.said, again.said)
            assert.not_same(once.trail, trace(name, 60, 2).trail)
            assert(once.world.made > 20)
        end)

        it("says at its head what it is, and how to run it: " .. name, function()
            local text = support.read(scripts.path("workloads", name))
            assert.matches("^%-%- A workload: ", text)
            assert.is_truthy(text:find("--     freehold run " .. name, 1, true))
        end)

        it("goes on when memory is short: " .. name, function()
            for _, limit in ipairs { "256MiB", "64MiB", "1MiB" } do
                local short = trace(name, 120, 1, nil, limit)
                assert(short.world.refused > 0, limit)
                assert.equal(120, #short.trail)
                assert(not short.said[1] or not short.said[1]:find("nil"))
            end
        end)
    end

    it("asks for so much that limits matter: streaming_world", function()
        local plenty = trace("streaming_world", 120, 1, "discrete-8g")
        assert.equal(0, plenty.world.refused)
        assert(tonumber(plenty.trail[120]:match("^%d+")) > 1 << 30)
        local short = trace("streaming_world", 120, 1, "discrete-8g", "512MiB")
        assert(short.world.evicted > 50)
    end)
end)
