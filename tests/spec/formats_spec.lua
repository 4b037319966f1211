-- Exports of traces: each is held against the rules of its format, and against what lived in
-- programs that were made by chance.

local cjson = require "cjson"
local fh = require "freehold"
local chrome_trace = require "tests.spec.chrome_trace"
local dump_schema = require "tests.spec.dump_schema"
local formats = require "freehold.formats"
local random_trace = require "tests.spec.random_trace"
local scan = require "freehold.formats.scan"
local source = require "freehold.formats.source"
local support = require "tests.spec.support"
local traces = require "tests.spec.traces"

local SEED = math.tointeger(tonumber(os.getenv("SEED"))) or os.time()
local MiB = fh.MiB
local folder

before_each(function()
    folder = support.folder()
end)

after_each(function()
    support.remove(folder)
end)

local function path_of(name)
    return folder .. "/" .. name
end

-- What a trace is as that format, and what the exporter reports.
local function export(path, format, request)
    local out = {}
    local report, message, code = formats.export(path, format, request or {}, function(text)
        out[#out + 1] = text
    end)
    return report and table.concat(out), report or message, code
end

local function random(options)
    options = options or {}
    options.seed = options.seed or SEED
    return random_trace.make(path_of("random.fhtrace"), options)
end

-- A test by chance, on several programs; the seed is said when it fails.
local function by_chance(what, test)
    it(what, function()
        for i = 1, 4 do
            local seed = SEED + i
            local done, problem = pcall(test, seed, i)
            if not done then
                error(("SEED=%d: %s"):format(SEED, type(problem) == "table" and problem.message
                    or tostring(problem)), 0)
            end
        end
    end)
end

local function rows_of(text)
    local rows = {}
    for line in text:gmatch("([^\n]*)\n") do
        local row = {}
        for field in (line .. ","):gmatch("([^,]*),") do
            row[#row + 1] = field
        end
        rows[#rows + 1] = row
    end
    return rows, table.remove(rows, 1)
end

local function of_device(lives, device)
    local some = {}
    for _, life in ipairs(lives) do
        if life.device == device then
            some[#some + 1] = life
        end
    end
    return some
end

-- The device with the largest peak.
local function main_of(model)
    local main
    for device = 1, #model.peaks do
        if not main or model.peaks[device].reserved > model.peaks[main].reserved then
            main = device
        end
    end
    return main
end

local function write(events, name)
    local path = path_of(name or "made.fhtrace")
    local writer <close> = assert(fh.trace_writer(path))
    for _, event in ipairs(events) do
        assert(writer:add(event))
    end
    assert(writer:close())
    return path
end

local DEVICE = { kind = "device", device = 1, api = 2, heap_count = 1, type_count = 1,
    text = "a card", list = { 1 << 30, 1, 0, 1 } }

-- A memory of 1 MiB with resources in it: { offset, size }, in KiB.
local function memory_with(places, more)
    local events = { DEVICE, { kind = "memory", memory = 1, device = 1, size = MiB } }
    for i, at in ipairs(places) do
        events[#events + 1] = { kind = "resource", resource = i, device = 1, parcel_kind = 0,
            size = at[2] << 10, usage = 4, time_ns = i * 1000 }
        events[#events + 1] = { kind = "bound", resource = i, memory = 1, offset = at[1] << 10,
            size = at[2] << 10, time_ns = i * 1000 }
    end
    return write(table.move(more or {}, 1, #(more or {}), #events + 1, events))
end

describe("the chrome export", function()
    local function spans_of(events, category)
        local spans = {}
        for _, event in ipairs(events) do
            if event.ph == "b" and event.cat == category then
                spans[event.id] = event
            end
        end
        return spans
    end

    by_chance("keeps the rules, and has every life once", function(seed, i)
        local model = random { seed = seed, devices = i % 3 + 1, frames = "presents" }
        local events = chrome_trace.check((assert(export(model.path, "chrome"))))
        for _, noun in ipairs { "memory", "resource" } do
            local spans = spans_of(events, noun)
            for _, life in ipairs(model[noun]) do
                local span = assert(spans[("0x%x"):format(life.id)], noun .. life.id)
                assert.equal(life.size - (noun == "resource" and 1 or 0),
                    span.args.size or life.size - 1)
                local gone_ns = not life.is_left and life.gone_ns or model.end_ns
                assert(math.abs(gone_ns / 1000 - span.gone) < 1e-3)
                spans[("0x%x"):format(life.id)] = nil
            end
            assert.is_nil(next(spans))
        end
    end)

    by_chance("counts what is reserved and committed", function(seed)
        local model = random { seed = seed }
        local events = chrome_trace.check((assert(export(model.path, "chrome"))))
        local heaps, peak, committed, moment = {}, 0, 0, nil
        local function look()
            local reserved, now = 0, 0
            for _, heap in pairs(heaps) do
                assert(heap.committed <= heap.reserved)
                reserved, now = reserved + heap.reserved, now + heap.committed
            end
            peak, committed = math.max(peak, reserved), math.max(committed, now)
        end
        for _, event in ipairs(events) do
            if event.ph == "C" and event.args.reserved then
                if event.ts ~= moment then
                    look()
                    moment = event.ts
                end
                heaps[event.name] = event.args
            end
        end
        look()
        -- What happens within one moment is one line, so a peak may be gone before it is written.
        assert(peak <= model.peaks[1].reserved and committed <= model.peaks[1].committed)
        local reserved = 0
        for _, memory in ipairs(model.memory) do
            reserved = reserved + (memory.gone_at and 0 or memory.size)
        end
        local shown = 0
        for _, heap in pairs(heaps) do
            shown = shown + heap.reserved
        end
        assert.equal(reserved, shown)
    end)

    it("calls spans by the names that follow, and the late ones by what they are", function()
        local many = {}
        for i = 1, 3000 do
            many[i] = { kind = "note", text = "filler" }
        end
        local events = {
            DEVICE, { kind = "resource", resource = 1, device = 1, parcel_kind = 1, format = 9 },
            { kind = "resource", resource = 2, device = 1, parcel_kind = 0 },
            { kind = "memory", memory = 1, device = 1, size = 4096 },
        }
        table.move(many, 1, 500, #events + 1, events)
        events[#events + 1] = { kind = "named", noun = 1, id = 1, text = "albedo" }
        table.move(many, 1, #many, #events + 1, events)
        events[#events + 1] = { kind = "named", noun = 1, id = 2, text = "late" }
        local shown = chrome_trace.check((assert(export(write(events), "chrome"))))
        local spans = spans_of(shown, "resource")
        assert.equal("albedo", spans["0x1"].name)
        assert.equal("albedo", spans["0x1"].args.name)
        assert.equal("rgba8_unorm", spans["0x1"].args.format)
        assert.equal("buffer", spans["0x2"].name)
        assert.equal("memory type 0", spans_of(shown, "memory")["0x1"].name)
        local named = 0
        for _, event in ipairs(shown) do
            if event.ph == "n" and event.name == "named" then
                assert.equal("late", event.args.name)
                named = named + 1
            end
        end
        assert.equal(1, named)
    end)

    it("does not make a track of each of thousands of names", function()
        local events = { DEVICE }
        for i = 1, 2000 do
            events[#events + 1] = { kind = "resource", resource = i, device = 1 }
            events[#events + 1] = { kind = "named", noun = 1, id = i, text = "mesh " .. i }
        end
        local names, count = {}, 0
        for _, event in ipairs(chrome_trace.check((assert(export(write(events), "chrome"))))) do
            if event.ph == "b" and not names[event.name] then
                names[event.name], count = true, count + 1
            end
        end
        assert(count < 500, count)
    end)

    it("shows frames, decisions, evictions and refusals as instants", function()
        local path = write {
            { kind = "note", topic = 1, text = "prog" }, DEVICE,
            { kind = "resource", resource = 1, device = 1 },
            { kind = "frame", device = 1, number = 7, time_ns = 1500 },
            { kind = "refused", device = 1, result = 2, size = 99, parcel_kind = 1 },
            { kind = "eviction", resource = 1, size = 5, time_ns = 2000 },
            { kind = "decision", device = 1, hook = 1, outcome = 0, line = 12, text = "b.lua" },
            { kind = "crossed", device = 1, account = 0, used = 9, limit = -1, up = 1 },
            { kind = "dropped", count = 3 }, { kind = "lost", device = 1 },
            { kind = "submit", queue = 9, value = 1 },
        }
        local by_name = {}
        for _, event in ipairs(chrome_trace.check((assert(export(path, "chrome"))))) do
            by_name[event.name] = event
        end
        assert.equal(1.5, by_name["frame 7"].ts)
        assert.same({ kind = "texture", result = 2, size = 99 }, by_name.refused.args)
        assert.equal(5, by_name.eviction.args.size)
        assert.equal("b.lua", by_name.relieve.args.script)
        assert.equal(12, by_name.relieve.args.line)
        assert.equal("total", by_name["over a watermark"].args.account)
        assert.is_nil(by_name["over a watermark"].args.limit)
        assert.equal(3, by_name["events are missing"].args.count)
        assert(by_name["device lost"] and by_name.submit)
        assert.equal("prog: a card", by_name.process_name.args.name)
    end)

    it("holds up against lies", function()
        local path = write {
            { kind = "memory", memory = 1, device = 3, size = -1, type = 31 },
            { kind = "memory", memory = 2, device = 3, size = -1, type = -1 },
            { kind = "memory", memory = 1, device = 4, size = 5, type = 99 },
            { kind = "memory", memory = 1, device = 4, size = 5 },
            { kind = "memory_freed", memory = 77 }, { kind = "destroyed", resource = 77 },
            { kind = "resource", resource = -1, device = 4, parcel_kind = 99, needs_types = -1 },
            { kind = "resource", resource = -1, device = 4 },
            { kind = "bound", resource = -1, memory = 1, offset = -5, size = -1 },
            { kind = "bound", resource = -1, memory = 1, offset = 0, size = 5 },
            { kind = "bound", resource = -1, memory = 1, offset = 0, size = 5 },
            { kind = "device", device = 4, heap_count = 99, type_count = 99, list = { 1 } },
            { kind = "named", noun = 9, id = 1, text = "x" },
            { kind = "budget", device = 9, heap = -1, budget = -1, usage = -1 },
            { kind = "submit", queue = 77, value = -1, commands = -1 },
            { kind = "eviction", resource = 12, size = -1 },
            { kind = "frame", device = 12, number = -1 },
        }
        for _, name in ipairs(formats.exports()) do
            local text = assert(export(path, name))
            if name == "chrome" then
                chrome_trace.check(text)
            elseif name == "gpumemdump" then
                dump_schema.check(cjson.decode(text))
            end
        end
    end)

    it("shows nothing but a device or frames that are asked for", function()
        local model = random { devices = 2, steps = 600 }
        local text = assert(export(model.path, "chrome", { device = 2 }))
        local spans = spans_of(chrome_trace.check(text), "memory")
        for _, memory in ipairs(model.memory) do
            assert.equal(memory.device == 2, spans[("0x%x"):format(memory.id)] ~= nil)
        end
        assert(model.frame > 6, "SEED=" .. SEED)
        text = assert(export(model.path, "chrome", { device = 1, frames = { 3, 4 } }))
        local frames = 0
        spans = {}
        for _, event in ipairs(chrome_trace.check(text)) do
            frames = frames + (event.cat == "frame" and 1 or 0)
            if event.ph == "b" and event.cat == "resource" then
                spans[event.id] = true
            end
        end
        assert.equal(2, frames)
        for _, life in ipairs(of_device(model.resource, 1)) do
            local gone = not life.is_left and life.gone_frame or math.huge
            local lives = life.frame <= 4 and gone >= 3
            assert.equal(lives, spans[("0x%x"):format(life.id)] ~= nil,
                ("SEED=%d, resource %d"):format(SEED, life.id))
        end
    end)

    it("is whole for a trace of nothing", function()
        chrome_trace.check((assert(export(write {}, "chrome"))))
        chrome_trace.check((assert(export(write { { kind = "note", text = "x" } }, "chrome"))))
    end)
end)

describe("the rmm export", function()
    by_chance("has every life, at addresses that no two share", function(seed, i)
        local what = i % 2 == 0 and "memory" or "resource"
        local model = random { seed = seed, devices = 2 }
        local text = assert(export(model.path, "rmm",
            { what = what == "memory" and "memories" or "resources" }))
        local rows, head = rows_of(text)
        assert.equal("Thread,Time,Action,Pointer,Size,Stream", table.concat(head, ","))
        local live, bytes, peak, count = {}, 0, 0, 0
        for _, row in ipairs(rows) do
            local size = math.tointeger(tonumber(row[5]))
            assert.matches("^%d+$", row[1])
            assert.matches("^%d%d:%d%d:%d%d%.%d%d%d%d%d%d$", row[2])
            assert.matches("^0x%x+$", row[4])
            if row[3] == "allocate" then
                assert.is_nil(live[row[4]])
                live[row[4]] = size
                bytes, count = bytes + size, count + 1
                peak = math.max(peak, bytes)
            elseif row[3] == "free" then
                assert.equal(live[row[4]], size)
                live[row[4]] = nil
                bytes = bytes - size
            else
                assert.equal("allocate failure", row[3])
            end
        end
        local main = main_of(model)
        assert.equal(#of_device(model[what], main), count)
        local peaks = model.peaks[main]
        assert.equal(what == "memory" and peaks.reserved or peaks.committed, peak)
    end)

    it("gives what shares its bytes addresses of their own", function()
        local rows = rows_of((assert(export(memory_with { { 0, 64 }, { 0, 32 }, { 32, 32 } },
            "rmm"))))
        assert.equal(3, #rows)
        assert.not_equal(rows[1][4], rows[2][4])
        assert.equal(tonumber(rows[1][4]) + (32 << 10), tonumber(rows[3][4]))
    end)
end)

describe("the minimalloc export", function()
    local function intervals(text)
        local by_id = {}
        for _, row in ipairs((rows_of(text))) do
            by_id[math.tointeger(tonumber(row[1]))] = { lower = tonumber(row[2]),
                upper = tonumber(row[3]), size = tonumber(row[4]),
                alignment = tonumber(row[5] or 1) }
        end
        return by_id
    end

    by_chance("says what lives beside what", function(seed)
        local model = random { seed = seed, steps = 150 }
        local text, report = export(model.path, "minimalloc")
        assert(text, report)
        assert.equal(model.peaks[1].reserved, report.capacity)
        local rows = intervals(text)
        local lives = of_device(model.resource, 1)
        for i, a in ipairs(lives) do
            assert.equal(a.size, rows[a.id].size)
            assert(rows[a.id].lower < rows[a.id].upper)
            for j = i + 1, #lives do
                local b = lives[j]
                local together = b.born_at < (a.gone_at or math.huge)
                    and a.born_at < (b.gone_at or math.huge)
                local beside = rows[b.id].lower < rows[a.id].upper
                    and rows[a.id].lower < rows[b.id].upper
                if together ~= beside then
                    error(("resources %d and %d"):format(a.id, b.id))
                end
            end
        end
    end)

    by_chance("counts in frames", function(seed, i)
        local model = random { seed = seed, frames = i % 2 == 0 and "presents" or "submits" }
        local rows = intervals((assert(export(model.path, "minimalloc", { by = "frames" }))))
        for _, life in ipairs(model.resource) do
            assert.equal(life.frame - 1, rows[life.id].lower)
            assert(rows[life.id].upper == (life.gone_frame or model.frame)
                or not life.gone_frame and rows[life.id].upper == model.frame - 1)
        end
    end)

    it("has memories, and those of one type", function()
        local model = random()
        local rows = intervals((assert(export(model.path, "minimalloc",
            { what = "memories", type = 1 }))))
        for _, memory in ipairs(model.memory) do
            assert.equal(memory.type == 1 and memory.size or nil,
                rows[memory.id] and rows[memory.id].size)
        end
    end)

    it("has a row for each place of a resource that Freehold moved", function()
        local card = {}
        for key, value in pairs(DEVICE) do
            card[key] = value
        end
        card.api = 1
        local path = write {
            card, { kind = "memory", memory = 1, device = 1, size = 4096 },
            { kind = "resource", resource = 5, device = 1 },
            { kind = "bound", resource = 5, memory = 1, size = 64, time_ns = 1 },
            { kind = "resized", resource = 5, size = 128, size_before = 64, time_ns = 2 },
            { kind = "bound", resource = 5, memory = 1, offset = 64, size = 128, time_ns = 2 },
            { kind = "destroyed", resource = 5, time_ns = 3 },
        }
        assert.equal("id,lower,upper,size\n5,0,1,64\n5.2,1,2,128\n",
            (assert(export(path, "minimalloc"))))
    end)
end)

describe("the gpumemdump export", function()
    by_chance("is of the schema, and true at the peak and at every frame", function(seed)
        local model = random { seed = seed, devices = 2 }
        local text, report = export(model.path, "gpumemdump")
        assert(text, report)
        local dump = cjson.decode(text)
        dump_schema.check(dump)
        assert.equal(model.peaks[main_of(model)].reserved, dump.Total.BlockBytes)
        local frame = math.max(1, math.min(5, model.frame - 1))
        dump = cjson.decode((assert(export(model.path, "gpumemdump",
            { device = 1, frame = frame }))))
        dump_schema.check(dump)
        local reserved, count, committed = 0, 0, 0
        for _, memory in ipairs(of_device(model.memory, 1)) do
            if memory.frame <= frame and (memory.gone_frame or math.huge) > frame then
                reserved = reserved + memory.size
            end
        end
        for _, life in ipairs(of_device(model.resource, 1)) do
            if life.frame <= frame and (life.gone_frame or math.huge) > frame then
                count, committed = count + 1, committed + life.size
            end
        end
        assert.equal(reserved, dump.Total.BlockBytes)
        assert.equal(count, dump.Total.AllocationCount)
        assert.equal(committed, dump.Total.AllocationBytes)
    end)

    local function rows_at(places)
        local dump = cjson.decode((assert(export(memory_with(places), "gpumemdump"))))
        dump_schema.check(dump)
        return dump.DefaultPools["Type 0"].Blocks["1"].Suballocations, dump
    end

    it("fills every gap with a row", function()
        local rows = rows_at { { 512, 8 }, { 16, 16 }, { 32, 32 } }
        local shown = {}
        for i, row in ipairs(rows) do
            shown[i] = ("%s %d %d"):format(row.Type, row.Offset >> 10, row.Size >> 10)
        end
        assert.same({ "FREE 0 16", "BUFFER 16 16", "BUFFER 32 32", "FREE 64 448", "BUFFER 512 8",
            "FREE 520 504" }, shown)
        assert.equal(0x80, rows[2].Usage)
    end)

    it("makes one row of resources on the same bytes", function()
        local rows, dump = rows_at { { 0, 64 }, { 32, 64 }, { 32, 8 }, { 96, 32 } }
        assert.equal(3, #rows)
        assert.equal(96 << 10, rows[1].Size)
        for _, name in ipairs { "buffer 1", "buffer 2", "buffer 3", "same bytes" } do
            assert(rows[1].Name:find(name, 1, true), rows[1].Name)
        end
        assert.equal(2, dump.Total.AllocationCount)
        assert.equal(128 << 10, dump.Total.AllocationBytes)
        rows = rows_at { { 0, 64 }, { 8, 8 }, { 32, 64 } }
        assert.equal(2, #rows)
        assert.equal(96 << 10, rows[1].Size)
        local many = {}
        for i = 1, 50 do
            many[i] = { i, 60 }
        end
        rows = rows_at(many)
        assert.equal(3, #rows)
        assert(#rows[2].Name < 200)
    end)

    it("shows the peak, when it held most", function()
        local path = memory_with({ { 0, 64 } }, {
            { kind = "memory_freed", memory = 1, time_ns = 9000 },
            { kind = "memory", memory = 2, device = 1, size = MiB, time_ns = 9000 },
        })
        local dump = cjson.decode((assert(export(path, "gpumemdump"))))
        assert.equal(64 << 10, dump.Total.AllocationBytes)
        assert.equal(1000, dump.General.TimeNs)
    end)

    it("puts dedicated memories where they belong", function()
        local path = write {
            DEVICE, { kind = "resource", resource = 1, device = 1, parcel_kind = 1,
                native_usage = 4 },
            { kind = "named", noun = 1, id = 1, text = 'sky "box"' },
            { kind = "memory", memory = 1, device = 1, size = MiB, dedicated = 1 },
            { kind = "bound", resource = 1, memory = 1, size = MiB - 5 },
        }
        local dump = cjson.decode((assert(export(path, "gpumemdump"))))
        dump_schema.check(dump)
        assert.same({ { Type = "IMAGE_OPTIMAL", Size = MiB, Usage = 4, Name = 'sky "box"' } },
            dump.DefaultPools["Type 0"].DedicatedAllocations)
        assert.equal("a card", dump.General.GPU)
        assert.equal("Vulkan", dump.General.API)
    end)
end)

describe("the json export", function()
    by_chance("has an object for each event, with all its numbers", function(seed)
        local model = random { seed = seed, devices = 2 }
        local text = assert(export(model.path, "json"))
        local reader <close> = assert(fh.trace_reader(model.path))
        local kinds = fh.trace_kinds()
        for line in text:gmatch("([^\n]*)\n") do
            assert(utf8.len(line), "it is no UTF-8")
            local shown, event = cjson.decode(line), assert(reader:next())
            assert.equal(event.kind, shown.event)
            assert.equal(event.time_ns, shown.time_ns)
            assert.equal(event.thread, shown.thread)
            assert.equal(event.text ~= "" and event.text or nil, shown.text)
            for _, field in ipairs(kinds[event.kind].fields) do
                local value = shown[field.name]
                if value == nil or type(value) == "number" and event[field.name] >= 0
                    and event[field.name] ~= math.tointeger(value)
                then
                    error(("%s is %s"):format(field.name, value))
                end
            end
        end
        assert.is_nil(reader:next())
    end)

    it("says words for numbers, and numbers without a sign", function()
        local path = write {
            { kind = "refused", device = 1, result = 4, size = -1, parcel_kind = 2 },
        }
        assert.equal('{"time_ns":0,"thread":0,"event":"refused","device":1,"result":"budget",'
            .. '"size":18446744073709551615,"parcel_kind":"raw","tag":0,"type":0}\n',
            (assert(export(path, "json"))))
        path = write { { kind = "memory", memory = 1, device = 1, size = 8, flags = 6 } }
        assert(assert(export(path, "json")):find('"flags":["exported","address"]', 1, true))
    end)
end)

describe("exports", function()
    it("say which devices and frames there are", function()
        local model = random()
        for _, name in ipairs(formats.exports()) do
            local text, message, code = export(model.path, name, { device = 9 })
            assert.is_nil(text)
            assert.equal("invalid", code)
            assert(message:find('no device 9. It has 1 (card "1")', 1, true), message)
        end
        local _, message, code = export(model.path, "gpumemdump", { frame = 100000 })
        assert.equal("invalid", code)
        assert(message:find("by presents", 1, true), message)
    end)

    it("go up to where a trace is cut off", function()
        local model = random { steps = 3000 }
        local bytes = support.read(model.path)
        support.write(model.path, bytes:sub(1, #bytes - 100))
        for _, name in ipairs(formats.exports()) do
            local text, report = export(model.path, name)
            assert(text, report)
            assert.not_equal("", report.damage)
            if name == "chrome" then
                chrome_trace.check(text)
            end
        end
    end)

    -- Of a trace: frames and peaks are those that replays find.
    local function agree_with_replays(path)
        local recording <close> = assert(fh.recording(path))
        local found = {}
        for _, device in ipairs(scan.of(source.new(path), 1).devices) do
            found[device.id] = device
        end
        for _, device in ipairs(recording:info().devices) do
            local seen = found[device.id]
            assert.equal(device.frame_count, seen.frame_count, path)
            assert.equal(device.frames_by, seen.frames_by, path)
            assert.equal(device.peak_reserved, seen.peak_reserved, path)
        end
    end

    by_chance("count frames and peaks as replays do", function(seed, i)
        local by = ({ "presents", "submits", "time" })[i % 3 + 1]
        agree_with_replays(random { seed = seed, frames = by, devices = i % 2 + 1 }.path)
        agree_with_replays(traces.rotating(path_of("rotating.fhtrace")))
        agree_with_replays(traces.silent(path_of("silent.fhtrace")))
    end)

    it("of a device of Freehold's show what it says of itself", function()
        local device <close> = support.small_device()
        local recording = assert(device:record(path_of("device.fhtrace")))
        local sky <close> = assert(device:texture { width = 512, height = 512,
            format = "rgba8_unorm", name = "sky" })
        local mesh <close> = assert(device:buffer { size = "1MiB", usage = "vertex", tag = "mesh" })
        device:tick()
        assert(recording:stop())
        local reserved = device:stats().total.reserved
        local dump = cjson.decode((assert(export(path_of("device.fhtrace"), "gpumemdump"))))
        dump_schema.check(dump)
        assert(sky and mesh and reserved > 0)
        assert.equal(reserved, dump.Total.BlockBytes)
        assert.equal(2, dump.Total.AllocationCount)
        chrome_trace.check((assert(export(path_of("device.fhtrace"), "chrome"))))
    end)

    it("of real programs keep all rules", function()
        for _, name in ipairs { "ffmpeg", "qml", "vkcube", "warzone2100" } do
            local path = ("%s/tests/data/%s.fhtrace"):format(support.root, name)
            agree_with_replays(path)
            chrome_trace.check((assert(export(path, "chrome"))))
            dump_schema.check(cjson.decode((assert(export(path, "gpumemdump")))))
            local plan, report = export(path, "minimalloc", { by = "frames" })
            assert(plan, report)
            assert(#rows_of(plan) > 1 and report.capacity > 0)
            assert(#rows_of((assert(export(path, "rmm")))) > #rows_of(plan))
        end
    end)

    it("report how far they are", function()
        local model = random { steps = 12000 }
        local last, all = 0, nil
        assert(export(model.path, "minimalloc", { progress = function(done, of)
            assert(done >= last and done <= of)
            last, all = done, of
        end }))
        assert(all and last > all // 2)
    end)
end)
