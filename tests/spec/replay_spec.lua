-- Recordings and replays in Lua. What the figures are is checked in C; here it is how Lua gets at
-- them, and that a replay's device is a device like any other.

local fh = require "freehold"
local support = require "tests.spec.support"
local traces = require "tests.spec.traces"

local raises, fails = support.raises, support.fails
local MiB = fh.MiB

local folder, path

before_each(function()
    folder = support.folder()
    path = folder .. "/a.fhtrace"
end)

after_each(function()
    support.remove(folder)
end)

local function open(make)
    return assert(fh.recording((make or traces.rotating)(path)))
end

-- What is the same at every run.
local function plain(figures)
    figures.timing = nil
    return figures
end

describe("a recording", function()
    it("tells what was recorded", function()
        local recording <close> = open()
        local info = recording:info()
        assert.equal("rotating", info.program)
        assert.equal("a spec", info.tool)
        assert.equal("", info.file.damage)
        assert.is_true(info.file.complete)
        assert.equal(0, info.ignored_count)
        assert.equal(1, info.main_device)
        assert.equal(1, #info.devices)
        local device = info.devices[1]
        assert.same({ 1, "a card", "vulkan", 16, 2, 32, "presents", true },
            { device.id, device.name, device.api, device.resource_count, device.memory_count,
                device.frame_count, device.frames_by, device.has_uses })
        assert.equal(64 * MiB, device.peak_reserved)
        assert.equal(64 * MiB, device.peak_committed)
        assert.same({ 64 * MiB, 0 }, device.heap_peaks)
        assert.equal(2, #device.profile.heaps)
        assert.equal(256 * MiB, device.profile.heaps[1].size)
        assert.is_true(device.profile.types[1].flags.device_local)
        assert.matches("^freehold.recording %('rotating', %d+ events%)$", tostring(recording))
    end)

    it("knows its resources", function()
        local recording <close> = open()
        local texture = recording:resource(3)
        assert.same({ "texture 2", "texture", 512, 2048 },
            { texture.name, texture.kind, texture.width, texture.height })
        assert.same({ sampled = true }, texture.usage)
        assert.equal("device", texture.location)
        assert.is_nil(texture.format)
        fails("invalid", {}, recording:resource(17))
        fails("invalid", {}, recording:resource(-1))
        raises(function() recording:resource("1") end, "id: integer expected")
    end)

    it("tells how far reading is", function()
        local seen, all = -1, nil
        local recording <close> = assert(fh.recording(traces.rotating(path), {
            progress = function(done, bytes)
                assert(done >= seen and done <= bytes)
                seen, all = done, bytes
            end,
        }))
        assert(all == nil or all == recording:info().file.file_bytes)
    end)

    it("says what is wrong with a file", function()
        fails("io", { "no_such" }, fh.recording(folder .. "/no_such"))
        support.write(path, "Thread,Time,Action,Pointer,Size,Stream\n")
        fails("format", {}, fh.recording(path))
        raises(function() fh.recording() end, "path: string expected")
        raises(function() fh.recording(path, { progres = print }) end, "did you mean 'progress'?")
        raises(function() fh.recording(path, { progress = 1 }) end, "function expected")
    end)

    it("is read up to the damage", function()
        local whole = support.read(traces.rotating(path))
        support.write(path, whole:sub(1, -20))
        local recording <close> = assert(fh.recording(path))
        local info = recording:info()
        assert.is_false(info.file.complete)
        assert(#info.file.damage > 0)
    end)

    it("is closed once, and stays for its replays", function()
        local recording = open()
        local replay <close> = assert(recording:replay())
        assert.is_true(recording:close())
        assert.is_false(recording:close())
        assert.equal("freehold.recording (closed)", tostring(recording))
        fails("stale", { "recording: is closed" }, recording:info())
        fails("stale", { "recording: is closed" }, recording:resource(1))
        fails("stale", { "recording: is closed" }, recording:replay())
        recording = nil -- luacheck: ignore 311
        support.collect()
        assert.same({ 32, true }, { replay:step() })
        assert.equal(32, replay:figures().frame_count)
    end)
end)

describe("a replay as recorded", function()
    it("has the figures of the program", function()
        local recording <close> = open()
        local replay <close> = assert(recording:replay { as_recorded = true })
        assert.equal("freehold.replay (as recorded)", tostring(replay))
        assert.is_nil(replay:device())
        assert.same({ 1, false }, { replay:step(1) })
        assert.same({ 32, true }, { replay:step() })
        assert.same({ 32, true }, { replay:step(5) })
        local figures = replay:figures()
        assert.same({ 64 * MiB, 64 * MiB, 2, 16, 64 * MiB, 0, 0, 0 }, {
            figures.total.reserved_peak, figures.total.committed_peak, figures.driver_alloc_count,
            figures.request_count, figures.request_bytes, figures.refused_count,
            figures.evicted_count, figures.decision_count,
        })
        assert.equal(2, #figures.heaps)
        assert.equal(64 * MiB, figures.heaps[1].reserved_peak)
        assert.is_true(figures.can_evict)
        assert(figures.timing.event_count > 0)
        local samples = replay:samples()
        assert.equal(32, #samples.frame)
        assert.same({ 1, 32 }, { samples.frame[1], samples.frame[32] })
        assert.equal(64 * MiB, samples.reserved[32])
        assert.equal(64 * MiB, samples.heap0[32])
        assert.equal(0, samples.heap1_committed[32])
        assert.is_nil(samples.heap2)
        assert.is_false(samples.limit[1])
        assert.same({}, replay:causes())
    end)

    it("counts the frames it is asked to", function()
        local recording <close> = open()
        for _, case in ipairs { { { 3, 5 }, 3 }, { { 30 }, 3 }, { { nil, 4 }, 4 }, { {}, 32 } } do
            local replay <close> = assert(recording:replay { as_recorded = true,
                frames = case[1] })
            replay:step()
            assert.equal(case[2], replay:figures().frame_count)
        end
        fails("invalid", {}, recording:replay { frames = { 5, 3 } })
        fails("invalid", {}, recording:replay { frames = { -1 } })
        raises(function() recording:replay { frames = 1 } end, "field 'frames': table expected")
        raises(function() recording:replay { frames = { "1" } } end, "integer expected")
    end)

    it("has blocks and spans", function()
        local recording <close> = open()
        local replay <close> = assert(recording:replay { as_recorded = true, keep_spans = true })
        replay:step()
        local blocks, spans = replay:blocks(), replay:spans()
        assert.equal(2, #blocks.size)
        assert.same({ 32 * MiB, 32 * MiB }, blocks.size)
        assert.same({ false, false }, blocks.gone_ns)
        assert.equal(16, spans.count)
        assert.equal(16, #spans.block)
        for i = 1, 16 do
            assert.equal(i, spans.resource[i])
            assert.equal((i - 1) // 8 + 1, spans.block[i])
            assert.equal((i - 1) % 8 * 4 * MiB, spans.offset[i])
            assert.equal(4 * MiB, spans.size[i])
            assert.equal(("texture %d"):format(i - 1), spans.name[i])
            assert.equal("texture", spans.kind[i])
            assert.equal("sampled", spans.usage[i])
            assert.equal(512, spans.width[i])
            assert.is_false(spans.gone_ns[i])
            assert.is_false(spans.aliased[i])
            assert.equal(0, spans.cause[i])
        end
        local some = replay:spans { limit = 5 }
        assert.same({ 1, 2, 3, 4, 5 }, some.resource)
        assert.equal(16, some.count)
        assert.same({}, replay:spans({ limit = 0 }).resource)
        fails("invalid", {}, replay:spans { limit = -1 })
        raises(function() replay:spans { limits = 1 } end, "did you mean 'limit'?")
    end)

    it("keeps the spans that matter most", function()
        local trace = traces.open(path)
        local sizes = { 1, 8, 2, 16, 1, 4, 32, 2, 1, 1 }
        for i, size in ipairs(sizes) do
            local memory = trace:memory(size * MiB)
            local texture = trace:texture(size, memory, 0)
            if i == 4 then -- large, and short-lived
                trace:destroy(texture)
                trace:free(memory)
            end
        end
        for _ = 1, 1000 do
            trace:frame {}
        end
        trace:close()
        local recording <close> = assert(fh.recording(path))
        local replay <close> = assert(recording:replay { as_recorded = true, keep_spans = true })
        replay:step()
        assert.same({ 7 }, replay:spans({ limit = 1 }).resource)
        assert.same({ 2, 6, 7 }, replay:spans({ limit = 3 }).resource)
        assert.same({ 2, 3, 6, 7, 8 }, replay:spans({ limit = 5 }).resource)
        assert.same({ 1, 2, 3, 6, 7, 8 }, replay:spans({ limit = 6 }).resource)
        assert.equal(10, #replay:spans({ limit = 11 }).resource)
    end)
end)

describe("a replay on a device", function()
    it("plays the same at every run", function()
        local recording <close> = open()
        local function run(step)
            local replay <close> = assert(recording:replay { keep_spans = true })
            assert(replay:device():set_policy({ text = [[
                return {
                    limits = function() return { total = 48 << 20 } end,
                    place = function(self, request)
                        return { dedicated = request.size_min >= 1 << 20 and "prefer" or "never" }
                    end,
                    relieve = function() return { "trim", "evict" } end,
                }]], name = "mine" }))
            repeat
                local _, done = assert(replay:step(step))
            until done
            return { plain(replay:figures()), replay:samples(), replay:causes(), replay:blocks(),
                replay:spans() }
        end
        local first = run(nil)
        assert.same(first, run(nil))
        assert.same(first, run(1))
        assert.same(first, run(7))
        local figures = first[1]
        assert(figures.total.reserved_peak <= 48 * MiB)
        assert(figures.decision_count > 0)
        assert(figures.evicted_count > 0 or figures.refused_count > 0)
        assert.equal(48 * MiB, first[2].limit[32])
        local scripts = {}
        for _, cause in ipairs(first[3]) do
            scripts[cause.script] = true
        end
        assert.is_true(scripts.mine)
    end)

    it("has a device that can be looked at", function()
        local recording <close> = open()
        local replay <close> = assert(recording:replay())
        assert.equal("freehold.replay (on a device)", tostring(replay))
        local device = replay:device()
        assert.equal(device, replay:device())
        local ticks, made = 0, 0
        device:observe("tick|memory_allocated", function(event)
            ticks = ticks + (event.kind == "tick" and 1 or 0)
            made = made + (event.kind == "memory_allocated" and 1 or 0)
        end)
        replay:step(8)
        assert(ticks >= 8)
        assert(made > 0)
        assert(device:stats().total.reserved >= 64 * MiB)
        assert.equal(replay:samples().reserved[8], device:account("total").used)
        assert(#device:parcels() >= 16)
        assert(device:json():find('"Total"', 1, true))
        assert.equal("native", device:policy_name())
        assert.matches("^freehold.device %(", tostring(device))
        replay:step()
        assert(ticks >= 32)
    end)

    it("takes policies of each sort, between steps too", function()
        local recording <close> = open()
        local replay <close> = assert(recording:replay())
        local device = replay:device()
        local budget = assert(device:budget_policy { limit = "96MiB" })
        replay:step(4)
        assert.is_true(budget:in_charge())
        local asked = 0
        assert(device:set_policy { frame = function() asked = asked + 1 end })
        replay:step(4)
        assert(asked >= 3, asked)
        local policy = assert(device:set_policy({ text = [[
            return {
                options = { limit = { type = "bytes", default = "128MiB" } },
                limits = function(self) return { total = self.options.limit } end,
            }]] }, { options = { limit = "100MiB" } }))
        assert.equal(100 * MiB, device:account("total").limit)
        assert.equal(device:policy(), policy)
        replay:step(4)
        assert(policy:status().decision_count > 0)
        policy:set("limit", "80MiB")
        replay:step(4)
        assert.equal(80 * MiB, device:account("total").limit)
        assert(device:set_policy(nil))
        replay:step()
        assert.is_false(budget:in_charge())
        assert.is_false(policy:in_charge())
    end)

    it("ticks and closes its device itself", function()
        local recording <close> = open()
        local replay = assert(recording:replay())
        local device = replay:device()
        fails("unsupported", { "belongs to a replay" }, device:tick())
        fails("unsupported", { "belongs to a replay" }, device:close())
        fails("unsupported", { "only devices of the backend 'host'" }, device:live())
        do
            local closing <close> = device -- luacheck: ignore 211
        end
        assert.is_false(device:closed())
        local buffer = assert(device:buffer { size = 4096, usage = "vertex" })
        local policy = assert(device:set_policy { text = "return {}" })
        assert.is_true(replay:close())
        assert.is_false(replay:close())
        assert.equal("freehold.replay (closed)", tostring(replay))
        assert.is_true(device:closed())
        assert.is_false(device:close())
        fails("stale", { "device: is closed" }, device:tick())
        fails("stale", {}, device:stats())
        fails("stale", {}, buffer:info())
        fails("stale", {}, policy:status())
        for _, method in ipairs { "step", "figures", "samples", "causes", "blocks", "spans",
            "device" } do
            fails("stale", { "replay: is closed" }, replay[method](replay))
        end
    end)

    it("is not asked while it steps, and closed after that", function()
        local recording <close> = open()
        local replay = assert(recording:replay())
        local answers, count = {}, 0
        replay:device():observe("tick", function()
            count = count + 1
            if count == 3 then
                for _, method in ipairs { "step", "figures", "samples", "causes", "blocks",
                    "spans" } do
                    answers[method] = table.pack(replay[method](replay))
                end
                assert.is_true(replay:close())
            end
        end)
        local frame, done = replay:step()
        assert.equal(32, frame)
        assert.is_true(done)
        for method, answer in pairs(answers) do
            fails("busy", { "a step is under way" }, table.unpack(answer, 1, answer.n))
            assert(method)
        end
        assert(next(answers))
        fails("stale", { "replay: is closed" }, replay:figures())
    end)

    it("stays while an alias of its device is open", function()
        local recording = open()
        local replay = assert(recording:replay())
        local alias = assert(replay:device():with_allocator { name = "mine" })
        local buffer = assert(alias:buffer { size = 4096, usage = "vertex" })
        replay:close()
        recording:close()
        recording, replay = nil, nil -- luacheck: ignore 311
        support.collect()
        assert.equal(4096, buffer:info().committed)
        assert.is_true(alias:close())
        fails("stale", {}, buffer:info())
    end)

    it("is collected, with all that belongs to it, in any order", function()
        for case = 1, 6 do
            local recording = open()
            local replay = assert(recording:replay { keep_spans = true })
            local device = replay:device()
            local policy = assert(device:set_policy { frame = function() return device end })
            local pool, buffer
            if case % 2 == 0 then
                pool = assert(device:pool())
                buffer = assert(device:buffer { size = 64, usage = "vertex", pool = pool })
            end
            replay:step(5)
            if case % 3 == 0 then
                recording = nil -- luacheck: ignore 311
                support.collect()
            elseif case % 3 == 1 then
                replay = nil -- luacheck: ignore 311
                support.collect()
                assert(device:stats().total.reserved > 0)
            end
            assert(policy and (pool or true) and (buffer or true))
        end
        support.collect()
    end)

    it("plays on other cards, and with other heaps", function()
        local recording <close> = open()
        local other <close> = assert(recording:replay { profile = "mobile-4g" })
        other:step()
        assert.equal(#fh.profile("mobile-4g").heaps, other:figures().heap_count)
        local profile = fh.profile("uma-16g")
        profile.name = "mine"
        local mine <close> = assert(recording:replay { profile = profile, backend = "host" })
        mine:step()
        assert(mine:figures().total.reserved_peak >= 64 * MiB)
        local small <close> = assert(recording:replay {
            heaps = { { heap = 0, size = "48MiB", budget = 40 * MiB } },
        })
        small:step()
        local figures = small:figures()
        assert(figures.heaps[1].reserved_peak <= 40 * MiB)
        assert.equal(40 * MiB, figures.heaps[1].budget)
        assert(figures.refused_count + figures.evicted_count > 0
            or figures.heaps[2].reserved_peak > 0)
    end)

    it("says what is wrong with its options", function()
        local recording <close> = open()
        local function wrong(options, ...)
            local parts = { ... }
            raises(function() recording:replay(options) end, table.unpack(parts))
        end
        wrong({ as_recordet = true }, "did you mean 'as_recorded'?")
        wrong({ profile = "mobile-4" }, "did you mean 'mobile-4g'?")
        wrong({ profile = 1 }, "field 'profile': name or table expected")
        wrong({ backend = "hots" }, "unknown name 'hots'")
        wrong({ heaps = 1 }, "field 'heaps': table expected")
        wrong({ heaps = { { size = "1GiB", hepa = 0 } } }, "did you mean 'heap'?")
        wrong({ heaps = { 1 } }, "table expected")
        wrong({ log = 1 }, "field 'log': function expected")
        wrong(1, "table expected")
        fails("invalid", { "heap" }, recording:replay { heaps = { { heap = 7, size = 1 } } })
        fails("invalid", { "device" }, recording:replay { device = 9 })
        fails("unsupported", { "vulkan" }, recording:replay { backend = "vulkan" })
        local many = {}
        for i = 1, 17 do
            many[i] = { heap = 0, size = 1 }
        end
        fails("invalid", { "17 are more than 16" }, recording:replay { heaps = many })
        raises(function() recording:replay():step("1") end, "integer expected")
    end)

    it("tells its log what its device says", function()
        local recording <close> = open()
        local lines = {}
        local replay <close> = assert(recording:replay {
            log = function(level, line) lines[#lines + 1] = level .. ": " .. line end,
        })
        assert(replay:device():set_policy {
            text = [[return { frame = function(_, _, facts)
                if facts.frame > 5 then
                    error("no")
                end
            end }]],
        })
        replay:step()
        assert.matches("no", table.concat(lines, "\n"))
        assert(replay:figures().decision_failed_count > 0)
    end)

    it("outlives finalizers that play on, or close it", function()
        -- In a process of its own, where there is little to collect: finalizers come often.
        local script = folder .. "/script.lua"
        support.write(script, [[
            local fh = require "freehold"
            local path, what = ...
            local recording <close> = assert(fh.recording(path))
            local refused = 0
            for round = 1, what == "close" and 40 or 1 do
                local replay <close> = assert(recording:replay { keep_spans = true })
                assert(replay:device():set_policy { text = [=[
                    return { place = function() return { dedicated = "never" } end }]=] })
                replay:step(1)
                local spent = 0
                local function trap()
                    setmetatable({}, { __gc = function()
                        replay[what](replay, 1)
                        spent = spent + 1
                        if spent < 500 then
                            trap()
                        end
                    end })
                end
                trap()
                collectgarbage("incremental", 10, 1000, 6)
                for _ = 1, 20 do
                    for _, method in ipairs { "samples", "causes", "blocks", "spans", "figures" } do
                        local answer, _, code = replay[method](replay, method == "spans"
                            and { limit = 7 } or nil)
                        assert(answer or code == "stale" or code == "busy", code)
                        refused = refused + (answer and 0 or 1)
                    end
                end
                assert(spent > 0)
            end
            print(refused)]])
        for _, what in ipairs { "step", "close" } do
            local output, complaints = support.lua(table.concat({
                support.quote(script), support.quote(traces.rotating(path)), what,
            }, " "))
            assert.equal("", complaints)
            assert(what == "step" or tonumber(output) > 0)
        end
    end)
end)
