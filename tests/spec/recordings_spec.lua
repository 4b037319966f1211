-- The recordings of real programs in tests/data: each is whole and tells what it should, and what
-- their README says of them is so.

local fh = require "freehold"
local support = require "tests.spec.support"

local recordings = dofile(support.root .. "/tools/recordings.lua")

local folder = support.root .. "/" .. recordings.folder
local readme = support.read(folder .. "/README.md")

local function path_of(recording)
    return ("%s/%s.fhtrace"):format(folder, recording.name)
end

-- Every event of a trace, looked at one by one: what an event names was there before it and is not
-- gone, and time goes forward.
local function check_events(path)
    local alive = { memory = {}, resource = {}, queue = {}, device = {} }
    local values, last = {}, {}
    local function is_alive(noun, id, event)
        assert(alive[noun][id], ("a %s names %s %d, which is not there"):format(event.kind, noun,
            id))
    end
    local function begins(noun)
        return function(event)
            local id = event[noun]
            assert(id > 0 and alive[noun][id] == nil, event.kind .. ": the id is taken")
            alive[noun][id] = event
        end
    end
    local function ends(noun)
        return function(event)
            is_alive(noun, event[noun], event)
            alive[noun][event[noun]] = false
        end
    end
    local check = {
        device = begins "device", queue = begins "queue", memory = begins "memory",
        resource = begins "resource", memory_freed = ends "memory", destroyed = ends "resource",
        device_closed = ends "device",
    }
    function check.bound(event)
        is_alive("resource", event.resource, event)
        is_alive("memory", event.memory, event)
        assert(event.offset + event.size <= alive.memory[event.memory].size)
        local resource = alive.resource[event.resource]
        assert(event.size >= resource.needs_size)
        assert.equal(0, event.offset % math.max(1, resource.needs_alignment))
    end
    function check.submit(event)
        is_alive("queue", event.queue, event)
        assert.equal((values[event.queue] or 0) + 1, event.value)
        values[event.queue] = event.value
        local seen = {}
        for _, id in ipairs(event.list or {}) do
            is_alive("resource", id, event)
            assert(not seen[id], "a submit names a resource twice")
            seen[id] = true
        end
    end
    function check.passed(event)
        assert(event.value <= values[event.queue])
    end
    local reader <close> = assert(fh.trace_reader(path))
    for event in reader:events() do
        assert(event.time_ns >= (last[event.thread] or 0), "time goes back")
        last[event.thread] = event.time_ns
        if check[event.kind] then
            check[event.kind](event)
        end
    end
end

describe("the recordings", function()
    it("are those of the README's table, which is true", function()
        assert(readme:find(recordings.table(folder), 1, true), recordings.table(folder))
    end)

    it("are all that there are", function()
        local listed = {}
        for i, recording in ipairs(recordings.list) do
            listed[i] = recording.name .. ".fhtrace"
        end
        table.sort(listed)
        local found = {}
        local output = support.run("cd " .. support.quote(folder) .. " && LC_ALL=C ls *.fhtrace")
        for name in output:gmatch("%S+") do
            found[#found + 1] = name
        end
        assert.same(listed, found)
        assert(#found >= 4)
    end)

    it("churn over 200 MiB, two of them at least", function()
        local count = 0
        for _, recording in ipairs(recordings.list) do
            local figures = assert(recordings.figures(path_of(recording)))
            count = count + (figures.churn > 200 * fh.MiB and 1 or 0)
        end
        assert(count >= 2)
    end)

    for _, recording in ipairs(recordings.list) do
        describe(recording.name, function()
            local path = path_of(recording)

            it("is whole, small, and lost nothing", function()
                assert.is_nil(recordings.fault(path))
            end)

            it("says what submits use, and where frames end", function()
                local figures = assert(recordings.figures(path))
                assert(figures.submits_with_uses > figures.submits / 2)
                -- What shows nothing has no frames but its submits.
                assert(figures.frames > 50 or recording.name == "ffmpeg")
                assert.equal(recording.name, figures.program)
            end)

            it("gives back at its end what it allocated", function()
                local figures = assert(recordings.figures(path))
                assert.equal(0, figures.left)
                assert.equal(0, figures.bound_left)
                assert(figures.peak > 0 and figures.churn >= figures.peak / 2)
            end)

            it("makes sense, event by event", function()
                check_events(path)
            end)

            it("has its command and its package in the README", function()
                assert(readme:find("freehold record -o " .. recording.name .. ".fhtrace", 1, true))
                for _, package in ipairs(recording.packages) do
                    local pattern = "\n%- " .. package:gsub("%p", "%%%0") .. " (%S+)"
                    assert.matches("%d", readme:match(pattern) or "")
                end
            end)
        end)
    end

    it("can be told from one that is cut off", function()
        local text = support.read(path_of(recordings.list[1]))
        local cut = os.tmpname()
        support.write(cut, text:sub(1, -20))
        assert.matches("damaged", recordings.fault(cut))
        os.remove(cut)
    end)
end)
