-- As memory_scenario.lua, for traces and replays: what memory_host.c runs while memory runs out at
-- each possible moment.

local fh, device, recording, replay
local path = os.tmpname()
local events, told = 0, 0

-- The first argument; raises the code of a failure, which the host knows. A script that has no
-- memory fails as scripts do, and a thread that cannot be started as a file does.
local function must(value, message, code)
    if not value and (code == "script" or code == "io") and message:find("memory", 1, true) then
        code = "host_memory"
    end
    return value or error(code or message or "failed", 0)
end

local function write()
    local writer <close> = must(fh.trace_writer(path))
    must(writer:add {
        kind = "device", device = 1, heap_count = 1, type_count = 1, granularity = 1, atom = 64,
        allocation_size_max = 1 << 30, allocation_count_max = 99, text = "a card",
        list = { 64 << 20, 1, 0, 1 },
    })
    must(writer:add { kind = "memory", memory = 1, device = 1, size = 1 << 20 })
    for i = 1, 2 do
        must(writer:add {
            kind = "resource", resource = i, device = 1, parcel_kind = 1, width = 64, height = 64,
            needs_size = 1 << 16, needs_alignment = 256, needs_types = 1, time_ns = i,
        })
        must(writer:add { kind = "named", noun = 1, id = i, text = "texture " .. i })
        must(writer:add { kind = "bound", resource = i, memory = 1, offset = i << 16,
            size = 1 << 16 })
        must(writer:add { kind = "submit", queue = 1, value = i, list = { i } })
        must(writer:add { kind = "frame", device = 1, number = i, time_ns = 20000000 * i })
    end
    must(writer:close())
end

local function read()
    local reader <close> = must(fh.trace_reader(path))
    repeat
        local event, message, code = reader:next()
        must(event or not message, message, code)
    until not event
    assert(must(reader:info()).complete)
end

local function run()
    fh = require "freehold"
    assert(must(fh.trace_kinds()).memory)
    write()
    read()
    recording = must(fh.recording(path, { progress = function() told = told + 1 end }))
    assert(#must(recording:info()).devices == 1)
    must(recording:resource(1))
    do
        local before <close> = must(recording:replay { as_recorded = true, keep_spans = true })
        must(before:step())
        assert(must(before:figures()).request_count == 2)
        assert(#must(before:spans { limit = 1 }).name == 1)
    end
    replay = must(recording:replay {
        keep_spans = true, profile = "uma-16g", heaps = { { heap = 0, size = "1GiB" } },
        log = function() told = told + 1 end, frames = { 1, 2 },
    })
    device = must(replay:device())
    must(device:observe("tick", function() events = events + 1 end))
    must(device:set_policy { text = [[
        return { place = function() return { dedicated = "never" } end }]] })
    must(replay:step(1))
    must(device:set_policy { frame = function() events = events + 1 end })
    must(replay:step())
    must(replay:samples())
    must(replay:causes())
    must(replay:blocks())
    assert(must(replay:spans()).count > 0)
    assert(#tostring(replay) + #tostring(recording) + #tostring(device) > 0)
    must(device:stats())
    pcall(recording.replay, recording, { profle = 1 })
    local own <close> = must(fh.device {})
    do
        local trace <close> = must(own:record(path))
        must(must(own:buffer { size = 64, usage = "vertex" }):release())
        must(trace:stats())
        must(trace:stop())
    end
end

-- Memory is back. What there is can be looked at, and goes; a replay that missed something does not
-- go on as if nothing had been.
local function audit(succeeded)
    collectgarbage()
    collectgarbage()
    if replay then
        local frame, _, code = replay:step()
        assert(frame or code == "host_memory")
        assert(replay:figures())
        assert(recording:close() and recording:info() == nil)
        assert(device:stats())
        assert(replay:close())
        assert(device:closed())
    end
    os.remove(path)
    assert(not succeeded or events > 1)
end

return run, audit
