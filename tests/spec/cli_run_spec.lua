-- `freehold run`, run as a program under stock Lua.

local cjson = require "cjson"
local commands = require "tests.spec.command"
local support = require "tests.spec.support"

local quote = support.quote

local folder, program

before_each(function()
    folder, program = commands.folder()
end)

after_each(function()
    support.remove(folder)
end)

local words, contains = commands.words, commands.contains

local function run(list, after)
    return support.lua(("%s run %s %s"):format(quote(program), words(list), after or ""))
end

local works, complains = commands.expectations(run)

-- And prints nothing.
local function refuses(...)
    assert.equal("", complains(...))
end

local function write(name, text)
    local path = folder .. "/" .. name
    support.write(path, text)
    return path
end

local TOY = [[
    local kept = {}
    return {
        name = "toy",
        frames = 40,
        frame = function(world, n)
            kept[n] = world:buffer { size = "1MiB", usage = "storage", tag = "toys" }
            world:use(kept[n])
            if n > 10 then
                kept[n - 10]:release()
            end
            if n == 3 then
                world:say("three\27[31m")
            end
        end,
    }]]

-- The events of a run, and those of one kind.
local function events(list)
    local output = works(list)
    local all = {}
    for line in output:gmatch("([^\n]*)\n") do
        all[#all + 1] = cjson.decode(line)
    end
    return all, function(kind)
        local some = {}
        for _, event in ipairs(all) do
            if event.event == kind then
                some[#some + 1] = event
            end
        end
        return some
    end
end

describe("freehold run", function()
    it("plays a workload, and tells now and then", function()
        local output = works { write("toy.lua", TOY) }
        contains(output, "toy, seed 1, 40 frames on discrete-8g\n", "frame 4/40: ",
            "frame 40/40: ", "frame 3: three?[31m\n", "\n40 frames in ",
            "requests   40 served, 0 refused")
        assert.is_nil(output:find("frame 5/40", 1, true))
        assert.is_nil(output:find("\27", 1, true))
    end)

    it("plays those that come along by name", function()
        contains(works { "compute_job", "--frames", "7", "--profile", "uma-16g", "--seed", "5" },
            "compute job, seed 5, 7 frames on uma-16g\n", "\n7 frames in ")
    end)

    it("prints one JSON object a line", function()
        local all, of = events { write("toy.lua", TOY), "--json" }
        assert.equal("start", all[1].event)
        assert.equal("toy", all[1].workload)
        assert.equal("discrete-8g", all[1].adapter)
        assert.equal(40, all[1].frames)
        assert.equal(40, #of "frame")
        for n, frame in ipairs(of "frame") do
            assert.equal(n, frame.frame)
            assert.equal(cjson.null, frame.limit)
            assert(frame.used >= math.min(n, 11) * (1 << 20))
            assert.equal(n, frame.made)
        end
        assert.same({ { event = "say", frame = 3, text = "three?[31m" } }, of "say")
        local last = all[#all]
        assert.equal("end", last.event)
        assert.equal(40, last.frames)
        assert.is_false(last.interrupted)
        assert.equal(40, last.made)
        assert(last.timing.seconds > 0 and last.timing.frames_per_second > 0)
        assert.equal("[]", works({ write("toy.lua", TOY), "--json", "--frames", "1" })
            :match('"policies":(%[%])'))
    end)

    it("does the same for the same seed, but for the time it takes", function()
        local function trace(seed)
            local output = works {
                "streaming_world", "--frames", "50", "--json", "--seed", seed,
            }
            return (output:gsub('"timing":{.-}', ""))
        end
        assert.equal(trace "1", trace "1")
        assert.not_equal(trace "1", trace "2")
    end)

    it("takes a profile from a file", function()
        local path = write("gpu.lua", [[return {
            name = "tiny", heaps = { { size = "8MiB", device_local = true, os_budget = "8MiB" } },
            types = { { heap = 0, flags = "device_local|host_visible|host_coherent" } },
        }]])
        local all, of = events { write("toy.lua", TOY:gsub("kept%[n %- 10%]:release%(%)", "")),
            "--profile", path, "--frames", "8", "--json" }
        assert.equal("tiny", all[1].adapter)
        assert.equal(8, #of "frame")
    end)

    it("counts refusals, and goes on", function()
        local path = write("greedy.lua", [[
            local kept = {}
            return { frames = 30, frame = function(world, n)
                kept[n] = world:buffer { size = "1GiB", usage = "storage" }
            end }]])
        local all = events { path, "--json", "--profile", "mobile-4g" }
        assert(all[#all].refused > 20)
        assert(all[#all].made >= 1)
    end)

    it("paces frames", function()
        local all = events { write("toy.lua", TOY), "--json", "--frames", "10", "--fps", "50" }
        -- A machine may be late, and never early.
        assert(all[#all].timing.seconds >= 0.19, all[#all].timing.seconds)
    end)

    it("ends with what the workload raised, and where", function()
        local path = write("bad.lua", [[
            return { name = "bad", frame = function(world, n)
                if n == 4 then
                    error("no \27more")
                end
            end }]])
        local output, complaints, code = run { path, "--json" }
        assert.equal(1, code)
        contains(complaints, "freehold: bad, frame 4: ", "bad.lua:3: no ?more\n")
        assert.is_nil(complaints:find("stack traceback", 1, true))
        local last = cjson.decode(output:match("([^\n]*)\n$"))
        assert.equal("end", last.event)
        contains(last.error, "bad.lua:3: ")
        path = write("setup.lua",
            "return { frame = function() end,\nsetup = function() error('no') end }")
        output, complaints, code = run { path }
        contains(output, "0 frames in ")
        assert.equal(1, code)
        contains(complaints, "setup.lua:2: no")
    end)

    it("says what is wrong with the command line", function()
        local toy = write("toy.lua", TOY)
        refuses(2, {}, "missing argument 'workload'", "freehold run --help")
        refuses(1, { "no_such" }, "cannot open no_such", "'streaming_world'", "'compute_job'")
        refuses(1, { write("no.lua", "return 1") }, "no.lua: it returns a number")
        refuses(2, { toy, "--watch" }, "Give --policy FILE")
        refuses(2, { toy, "--set", "a=1" }, "Give --policy FILE")
        refuses(2, { toy, "--set", "a" }, "'a' sets nothing", "limit=512MiB")
        refuses(2, { toy, "--frames", "0" }, "'0' is no count")
        refuses(2, { toy, "--fps=-1" }, "'-1' is no rate")
        refuses(2, { toy, "--fps", "nan" }, "'nan' is no rate")
        refuses(2, { toy, "--seed", "x" }, "'x' is no seed")
        refuses(2, { toy, "--profile", "no" }, "there is no profile 'no'", "'discrete-8g'")
        refuses(2, { toy, "--backend", "hots" }, "unknown name 'hots'")
        refuses(1, { toy, "--backend", "vulkan" }, "cannot open the device: ")
        refuses(2, { toy, "--backend", "vulkan", "--profile", "uma-16g" },
            "profiles are of the backend host")
    end)

    it("teaches by examples", function()
        local output = works { "--help" }
        contains(output, "Usage: freehold run ", "Examples:",
            "freehold run streaming_world --policy budget --set limit=512MiB")
    end)

    it("notices that its output cannot be written", function()
        local toy = write("toy.lua", TOY)
        for _, list in ipairs { { toy }, { toy, "--json" } } do
            local _, complaints, code = run(list, ">/dev/full")
            assert.equal(1, code)
            contains(complaints, "cannot write the output: No space left on device.")
        end
    end)
end)

describe("freehold run under policies", function()
    local BUDGET = [[
        return {
            name = "mine",
            options = { limit = { type = "bytes", default = "64MiB" } },
            limits = function(self) return { total = self.options.limit } end,
        }]]

    -- The policy's events, without what differs from folder to folder.
    local function policy_events(of)
        local list = {}
        for i, event in ipairs(of "policy") do
            list[i] = ("%s %s %d"):format(event.script, event.state, event.version)
        end
        return list
    end

    it("keeps their limits, and says that they are loaded", function()
        local path = write("mine.lua", BUDGET)
        local all, of = events { "streaming_world", "--frames", "60", "--json", "--policy", path }
        assert.same({ "mine loaded 1" }, policy_events(of))
        local loaded = of("policy")[1]
        assert.equal(path, loaded.path)
        assert.equal(cjson.null, loaded.error)
        for _, frame in ipairs(of "frame") do
            assert.equal(64 << 20, frame.limit)
            assert(frame.used <= frame.limit)
        end
        local last = all[#all]
        assert(last.refused > 0 and last.evicted > 0 and last.decisions > 0)
        assert.equal("mine", last.policies[1].name)
        assert.equal(1, last.policies[1].version)
        assert.equal(0, last.policies[1].hooks.limits.failed)
        assert(last.policies[1].hooks.limits.decided > 0)
        contains(works { "streaming_world", "--frames", "60", "--policy", path },
            "policy mine: loaded version 1\n", " of 64 MiB, ", "policy     mine, version 1, loaded")
    end)

    it("sets their options", function()
        local path = write("mine.lua", BUDGET)
        local _, of = events {
            "streaming_world", "--frames", "3", "--json", "--policy", path,
            "--set", "limit=1GiB", "--set", "limit=96MiB",
        }
        assert.equal(96 << 20, of("frame")[3].limit)
        refuses(2, { "streaming_world", "--policy", path, "--set", "limmit=1" }, "limmit")
        refuses(2, { "streaming_world", "--policy", path, "--set", "limit=lots" }, "limit")
    end)

    it("takes several, by path and by name", function()
        local _, of = events {
            "streaming_world", "--frames", "3", "--json", "--policy", write("mine.lua", BUDGET),
            "--policy", "budget", "--set", "budget.limit=32MiB",
        }
        assert.same({ "mine loaded 1", "budget loaded 1" }, policy_events(of))
        assert.equal(32 << 20, of("frame")[3].limit)
    end)

    it("ends with file and line when one is not accepted", function()
        refuses(1, { "streaming_world", "--policy", write("mine.lua", "return {\nplase = 1 }") },
            "mine.lua", "plase")
        refuses(1, { "streaming_world", "--policy", write("mine.lua", "return {\n\n!") },
            "mine.lua:3: ")
        refuses(1, { "streaming_world", "--policy", folder .. "/none.lua" }, "none.lua")
    end)

    it("tells of hooks that fail, and of quarantine", function()
        local path = write("mine.lua", [[
            return { name = "mine", frame = function(self, stats, facts)
                if facts.frame > 5 then
                    error("no \27more")
                end
            end }]])
        local _, of = events { write("toy.lua", TOY), "--json", "--policy", path }
        local last = of("policy")[#of "policy"]
        assert.equal("quarantined", last.state)
        assert.equal("frame", last.hook)
        contains(last.error, "mine.lua:3: no ?more")
        local output = works { write("toy.lua", TOY), "--policy", path }
        contains(output, "hook frame is in quarantine, of version 1\n", "mine.lua:3: no ?more")
        assert.is_nil(output:find("\27", 1, true))
    end)

    it("is edited while it runs", function()
        local path, log = write("mine.lua", BUDGET), folder .. "/events"
        -- Each step waits for what the one before brings about.
        local steps = {
            { text = BUDGET, wait = '"state":"loaded"' },
            { text = BUDGET:gsub("64MiB", "48MiB"), wait = '"limit":50331648' },
            { text = "return { plase = 1 }", wait = '"state":"rejected"' },
            { text = BUDGET:gsub("64MiB", "80MiB"), wait = '"limit":83886080' },
        }
        local lines = {}
        for i, step in ipairs(steps) do
            local file = folder .. "/version" .. i
            support.write(file, step.text)
            lines[#lines + 1] = ("cp %s %s.new && mv %s.new %s"):format(quote(file), quote(path),
                quote(path), quote(path))
            lines[#lines + 1] = ("await %s"):format(quote(step.wait))
        end
        local _, complaints, code = support.run(([[
            await() {
                for i in $(seq 1000); do
                    if grep -q "$1" %s; then return; fi
                    sleep 0.02
                done
                echo "it did not come: $1" >&2
            }
            %s lua5.4 %s run streaming_world --policy %s --watch --json >%s &
            process=$!
            %s
            kill -INT $process
            wait $process]]):format(quote(log), support.environment(), quote(program),
                quote(path), quote(log), table.concat(lines, "\n")))
        assert.equal("", complaints)
        assert.equal(130, code)
        local states = {}
        for line in support.read(log):gmatch("([^\n]*)\n") do
            local event = cjson.decode(line)
            if event.event == "policy" then
                states[#states + 1] = event.state
                if event.state == "rejected" then
                    contains(event.error, "mine.lua", "plase", "place")
                    assert.equal(2, event.version)
                end
            end
        end
        assert.same({ "loaded", "reloaded", "rejected", "reloaded" }, states)
    end)
end)

-- Under a terminal that `script` plays, of which the output is what is returned.
describe("freehold run in a terminal", function()
    local function in_terminal(list, settings)
        local _, _, code = support.run "SHELL=/bin/sh script -qec true /dev/null"
        if code ~= 0 then
            pending "script (of bsdutils) is not installed, or has no terminals to play here"
        end
        local command = ("stty cols 70 rows 30; %s %s lua5.4 %s run %s"):format(
            support.environment(), settings or "", quote(program), words(list))
        local output
        output, _, code = support.run(("TERM=xterm SHELL=/bin/sh script -qec %s /dev/null")
            :format(quote(command)))
        return output, code
    end

    it("draws in place, and ends with a summary", function()
        local output, code = in_terminal({ write("toy.lua", TOY), "--fps", "200" },
            "LC_ALL=C.UTF-8")
        assert.equal(0, code)
        contains(output, "toy on discrete-8g: frame 40 of 40", "█", "\27[K", "\27[J",
            "the native rules", "three?[31m", "40 frames in ")
        assert.matches("\r\27%[%d+A", output)
        -- Nothing that would have to be undone: no hidden cursor, no other screen.
        assert.is_nil(output:find("\27%[%?"))
        for line in output:gmatch("[^\r\n]+") do
            line = line:gsub("\27%[%d*%a", "")
            assert(utf8.len(line) <= 70, line)
        end
    end)

    it("leaves colours and signs out where they are not wanted", function()
        local output = in_terminal({ write("toy.lua", TOY), "--fps", "200" },
            "LC_ALL=C NO_COLOR=1")
        assert.is_nil(output:find("[\128-\255]"))
        assert.is_nil(output:find("\27%[%d*m"))
        contains(output, "#####")
    end)

    it("prints lines on a terminal that cannot move", function()
        local output = in_terminal({ write("toy.lua", TOY) }, "TERM=dumb")
        assert.is_nil(output:find("\27", 1, true))
        contains(output, "frame 40/40: ")
    end)
end)

describe("freehold run, interrupted", function()
    it("tells what it has seen, and ends with 130", function()
        local path = write("toy.lua", TOY)
        local output, complaints, code = support.run(([[
            %s lua5.4 %s run %s --json --fps 100 --frames 100000 >%s/events &
            process=$!
            for i in $(seq 1000); do
                if grep -q '"frame":5,' %s/events; then break; fi
                sleep 0.02
            done
            kill -INT $process
            wait $process]]):format(support.environment(), quote(program), quote(path),
                quote(folder), quote(folder)))
        assert.equal("", output)
        assert.equal("", complaints)
        assert.equal(130, code)
        local last = cjson.decode(support.read(folder .. "/events"):match("([^\n]*)\n$"))
        assert.equal("end", last.event)
        assert.is_true(last.interrupted)
        assert(last.frames >= 5)
    end)
end)
