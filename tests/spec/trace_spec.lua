-- Traces in Lua: recording a device, and reading and writing files. What recordings of a device
-- tell is checked in C; here it is how Lua gets at them.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails = support.raises, support.fails

local folder

before_each(function()
    folder = support.folder()
end)

after_each(function()
    support.remove(folder)
end)

local function path_of(name)
    return folder .. "/" .. (name or "a.fhtrace")
end

-- A trace of these events.
local function write(events, name)
    local writer <close> = assert(fh.trace_writer(path_of(name)))
    for _, event in ipairs(events) do
        assert(writer:add(event))
    end
    assert(writer:close())
    return path_of(name)
end

local function read(path)
    local reader <close> = assert(fh.trace_reader(path))
    local events = {}
    for event in reader:events() do
        events[#events + 1] = event
    end
    return events, reader:info()
end

local function kinds_of(events)
    local counts = {}
    for _, event in ipairs(events) do
        counts[event.kind] = (counts[event.kind] or 0) + 1
    end
    return counts
end

describe("a trace that is written by hand", function()
    it("is read as it was written", function()
        local events = {
            { kind = "note", topic = 1, text = "a program" },
            { kind = "device", device = 1, heap_count = 1, type_count = 1, text = "a card",
                list = { 1 << 30, 1, 0, 1 }, time_ns = 5 },
            { kind = "resource", resource = 7, device = 1, parcel_kind = 1, width = 64,
                native_usage = -1, thread = 2, time_ns = 6 },
            { kind = "thread_seen", named_thread = 2, text = "größe\n" },
            { kind = "submit", queue = 1, value = math.mininteger, list = { 7, -1 } },
        }
        local all, info = read(write(events))
        assert.equal(#events, #all)
        local now = 0
        for i, event in ipairs(events) do
            now = math.max(now, event.time_ns or 0)
            assert.equal(now, all[i].time_ns)
            for key, value in pairs(event) do
                if key ~= "time_ns" then
                    assert.same(value, all[i][key], key)
                end
            end
        end
        assert.equal(0, all[3].height)
        assert.equal("", all[3].text)
        assert.is_nil(all[1].list)
        assert.equal(2, all[3].thread)
        assert.same({ "", 0, #events, true },
            { info.damage, info.dropped_count, info.event_count, info.complete })
        assert.equal(info.file_bytes, info.read_bytes)
    end)

    it("may have every kind, with every field", function()
        local events = {}
        local kinds = fh.trace_kinds()
        for name, kind in pairs(kinds) do
            local event = { kind = name, text = "text of " .. name, list = { 1, 2, 3 },
                time_ns = kind.number }
            for i, field in ipairs(kind.fields) do
                event[field.name] = i * 1000003 + kind.number
            end
            events[kind.number] = event
        end
        assert.equal(29, #events)
        local all = read(write(events))
        for i, event in ipairs(events) do
            event.thread = 0
            assert.same(event, all[i])
        end
        assert.equal("parcel_kind", kinds.resource.fields[3].name)
        assert.equal("word", kinds.resource.fields[3].unit)
        assert.equal(6, kinds.memory.number)
    end)

    it("takes nothing that is spelt wrong", function()
        local writer <close> = assert(fh.trace_writer(path_of()))
        raises(function() writer:add(1) end, "event: table expected")
        raises(function() writer:add {} end, "field 'kind': is missing")
        raises(function() writer:add { kind = "memry" } end, "unknown name 'memry'",
            "did you mean 'memory'?")
        raises(function() writer:add { kind = "memory", memry = 1 } end, "unknown field 'memry'",
            "did you mean 'memory'?")
        raises(function() writer:add { kind = "memory", memory = "1" } end,
            "memory: integer expected, got string")
        raises(function() writer:add { kind = "memory", size = 1.5 } end, "integer expected")
        raises(function() writer:add { kind = "memory", text = 1 } end,
            "field 'text': string expected")
        raises(function() writer:add { kind = "submit", list = 1 } end,
            "field 'list': table expected")
        raises(function() writer:add { kind = "submit", list = { 1, "2" } } end,
            "a number in field 'list': integer expected")
        raises(function() writer:add { kind = "resource", resource = 1, kind_ = 1 } end,
            "unknown field 'kind_'")
        fails("invalid", { "time_ns" }, writer:add { kind = "memory", time_ns = -1 })
        fails("invalid", { "text: 4096 bytes are more than 4095" },
            writer:add { kind = "note", text = ("x"):rep(4096) })
        local long = table.move({ 1 }, 1, 1, 1, {})
        for i = 1, 65537 do
            long[i] = i
        end
        fails("invalid", { "65537 numbers are more than 65536" },
            writer:add { kind = "submit", list = long })
        assert(writer:add { kind = "note", text = ("x"):rep(4095) })
        long[65537] = nil
        assert(writer:add { kind = "submit", list = long })
        assert(writer:close())
        local events = read(path_of())
        assert.equal(4095, #events[1].text)
        assert.same(long, events[2].list)
    end)

    it("is closed once", function()
        local writer = assert(fh.trace_writer(path_of()))
        assert.equal("freehold.trace_writer", tostring(writer))
        assert(writer:close())
        assert.equal("freehold.trace_writer (closed)", tostring(writer))
        fails("stale", { "writer: is closed" }, writer:close())
        fails("stale", { "writer: is closed" }, writer:add { kind = "note" })
    end)

    it("ends with its <close> variable, and when it is lost", function()
        do
            local writer <close> = assert(fh.trace_writer(path_of()))
            assert(writer:add { kind = "note", text = "one" })
        end
        local _, info = read(path_of())
        assert.is_true(info.complete)
        local lost = assert(fh.trace_writer(path_of()))
        assert(lost:add { kind = "note", text = "two" })
        lost = nil -- luacheck: ignore 311
        support.collect()
        local events
        events, info = read(path_of())
        assert.is_true(info.complete)
        assert.equal("two", events[1].text)
    end)

    it("says where it cannot be", function()
        fails("io", { "no/such" }, fh.trace_writer(folder .. "/no/such"))
        raises(function() fh.trace_writer() end, "path: string expected")
    end)

    it("notices a full disk", function()
        local writer, message, code = fh.trace_writer("/dev/full")
        if writer then
            for i = 1, 100000 do
                local done
                done, message, code = writer:add { kind = "submit", list = { i, i * i, i ~ 12345 } }
                if not done then
                    break
                end
            end
            local closed, why, last = writer:close()
            if not code then
                assert.is_nil(closed)
                message, code = why, last
            end
        end
        assert.equal("io", code)
        assert(#message > 0)
    end)
end)

describe("a reader", function()
    it("goes on after an event, and ends with nil alone", function()
        local reader <close> = assert(fh.trace_reader(write {
            { kind = "note", text = "one" }, { kind = "note", text = "two" },
        }))
        assert.equal("freehold.trace_reader", tostring(reader))
        assert.equal("one", reader:next().text)
        for event in reader:events() do
            assert.equal("two", event.text)
        end
        assert.equal(1, select("#", reader:next()))
        assert.is_nil((reader:next()))
    end)

    it("tells what is wrong with a file", function()
        local path = write { { kind = "note", text = "one" } }
        support.write(path_of "b", support.read(path):sub(1, -3))
        local _, info = read(path_of "b")
        assert.is_false(info.complete)
        assert(#info.damage > 0)
        support.write(path_of "c", "no trace at all, but long enough for a header of one, surely")
        fails("format", {}, fh.trace_reader(path_of "c"))
        fails("io", { "no_such" }, fh.trace_reader(path_of "no_such"))
        fails("io", {}, fh.trace_reader(folder))
        raises(function() fh.trace_reader(1) end, "path: string expected")
    end)

    it("is closed once", function()
        local reader = assert(fh.trace_reader(write {}))
        assert.is_true(reader:close())
        assert.is_false(reader:close())
        assert.equal("freehold.trace_reader (closed)", tostring(reader))
        fails("stale", { "reader: is closed" }, reader:next())
        fails("stale", { "reader: is closed" }, reader:info())
        raises(function()
            for _ in reader:events() do
                error("there is none")
            end
        end, "reader: is closed")
    end)

    it("outlives finalizers that use it", function()
        local events = {}
        for i = 1, 1000 do
            events[i] = { kind = "submit", text = ("event %d"):format(i), list = { i, i + 1 } }
        end
        -- In a process of its own, where there is little to collect: finalizers come often.
        support.write(path_of "script.lua", [[
            local fh = require "freehold"
            local path, what = ...
            local reader <close> = assert(fh.trace_reader(path))
            local spent = 0
            local function trap()
                setmetatable({}, { __gc = function()
                    reader[what](reader)
                    spent = spent + 1
                    if spent < 500 then
                        trap()
                    end
                end })
            end
            trap()
            collectgarbage("incremental", 10, 1000, 6)
            local busy, seen = 0, 0
            repeat
                local event, _, code = reader:next()
                if event then
                    local number = tonumber(event.text:match("%d+"))
                    assert(event.list[1] == number and event.list[2] == number + 1)
                    seen = seen + 1
                end
                busy = busy + (code == "busy" and 1 or 0)
            until not event and code ~= "busy"
            print(seen < 1000 and spent > 0, busy > 0)]])
        local path = write(events)
        for what, expected in pairs { next = "true\ttrue\n", close = "true\t" } do
            local output, complaints = support.lua(table.concat({
                support.quote(path_of "script.lua"), support.quote(path), what,
            }, " "))
            assert.equal("", complaints)
            assert.equal(expected, output:sub(1, #expected))
        end
    end)
end)

describe("recording a device", function()
    it("writes what happens, and what was there before", function()
        local device <close> = support.small_device()
        local early <close> = assert(device:buffer { size = 4096, usage = "storage",
            name = "early" })
        local trace = assert(device:record(path_of(), { program = "the spec" }))
        assert.equal("freehold.trace", tostring(trace))
        local late = assert(device:buffer { size = 8192, usage = "vertex", tag = "meshes" })
        assert(late:release())
        device:tick()
        local stats = assert(trace:stop())
        assert.equal("freehold.trace (stopped)", tostring(trace))
        local events, info = read(path_of())
        assert.equal(#events, stats.event_count)
        assert.equal(0, stats.dropped_count)
        assert(stats.file_bytes > 0 and stats.file_bytes <= info.file_bytes)
        assert.is_true(info.complete)
        local counts = kinds_of(events)
        assert.equal(1, counts.device)
        assert.equal(2, counts.resource)
        assert.equal(2, counts.bound)
        assert(counts.frame >= 1)
        local named, program
        for _, event in ipairs(events) do
            named = named or event.kind == "named" and event.text == "early"
            program = program or event.kind == "note" and event.text == "the spec"
        end
        assert(named and program)
        assert.equal("early", early:info().name)
    end)

    it("goes on without a variable, until the device is closed", function()
        local device = support.small_device()
        device:record(path_of())
        support.collect()
        assert(device:buffer { size = 4096, usage = "storage" })
        device:close()
        support.collect()
        local events, info = read(path_of())
        assert.is_true(info.complete)
        assert.equal(1, kinds_of(events).resource)
    end)

    it("ends with its <close> variable", function()
        local device <close> = support.small_device()
        do
            local trace <close> = assert(device:record(path_of()))
            assert.equal(0, trace:stats().dropped_count)
        end
        local _, info = read(path_of())
        assert.is_true(info.complete)
    end)

    it("can be stopped after its device", function()
        local device = support.small_device()
        local trace = assert(device:record(path_of()))
        device:close()
        assert(trace:stop().event_count > 0)
        fails("stale", { "trace: was stopped" }, trace:stop())
        fails("stale", { "trace: was stopped" }, trace:stats())
        fails("stale", { "device: is closed" }, device:record(path_of()))
    end)

    it("is not stopped by what the device calls, but closed after it", function()
        local device <close> = support.small_device()
        local trace = assert(device:record(path_of()))
        local answers = {}
        device:observe("tick", function()
            answers = table.pack(trace:stop())
            local within <close> = trace -- luacheck: ignore 211
        end)
        device:tick()
        fails("busy", { "cannot be stopped by a function that the device calls" },
            table.unpack(answers))
        fails("stale", { "trace: was stopped" }, trace:stop())
        local _, info = read(path_of())
        assert.is_true(info.complete)
    end)

    it("says what is wrong", function()
        local device <close> = support.small_device()
        raises(function() device:record() end, "path: string expected")
        raises(function() device:record(path_of(), { bufer_size = 1 }) end,
            "did you mean 'buffer_size'?")
        raises(function() device:record(path_of(), { program = 1 }) end, "string expected")
        fails("io", { "no/such" }, device:record(folder .. "/no/such"))
        fails("invalid", { "buffer" }, device:record(path_of(), { buffer_size = "2GiB" }))
    end)

    it("works through an alias", function()
        local device <close> = support.small_device()
        local alias <close> = assert(device:with_allocator { name = "mine" })
        local trace <close> = assert(alias:record(path_of()))
        local buffer <close> = assert(alias:buffer { size = 64, usage = "vertex" })
        assert(buffer:info())
        assert(trace:stop())
        assert.equal(1, kinds_of(read(path_of())).resource)
    end)
end)
