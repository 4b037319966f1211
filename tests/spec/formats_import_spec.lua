-- Imports of other tools' logs: what they make of them, there and back again, and what they make of
-- what is no log.

local fh = require "freehold"
local formats = require "freehold.formats"
local random_trace = require "tests.spec.random_trace"
local support = require "tests.spec.support"

local SEED = math.tointeger(tonumber(os.getenv("SEED"))) or os.time()
local SHARED = support.root .. "/../shared/data/minimalloc/"

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

local function write(name, text)
    support.write(path_of(name), text)
    return path_of(name)
end

local function read(path)
    local reader <close> = assert(fh.trace_reader(path))
    local events = {}
    for event in reader:events() do
        events[#events + 1] = event
    end
    assert.equal("", reader:info().damage)
    return events
end

-- The events of a log, and what the importer reports.
local function import(name, text, format)
    local path = write(name, text)
    local report, message, code = formats.import(path, format, path_of("out.fhtrace"))
    if not report then
        return nil, message, code
    end
    return read(path_of("out.fhtrace")), report
end

local function of_kind(events, kind)
    local some = {}
    for _, event in ipairs(events) do
        if event.kind == kind then
            some[#some + 1] = event
        end
    end
    return some
end

-- What lives from when to when: lines of "size born gone", in nanoseconds; `gone` is empty for what
-- lives at the end.
local function lives(events)
    local open, list = {}, {}
    for _, event in ipairs(events) do
        if event.kind == "bound" then
            open[event.resource] = ("%d %d "):format(event.size, event.time_ns)
        elseif event.kind == "destroyed" then
            list[#list + 1] = open[event.resource] .. event.time_ns
            open[event.resource] = nil
        end
    end
    for _, life in pairs(open) do
        list[#list + 1] = life
    end
    table.sort(list)
    return list
end

local function export(path, format, request)
    local out = {}
    local report = assert(formats.export(path, format, request or {}, function(text)
        out[#out + 1] = text
    end))
    return table.concat(out), report
end

local HEAD = "Thread,Time,Action,Pointer,Size,Stream\n"
local RMM = HEAD .. [[
2342727,15:47:02.841961,allocate,0x10012400000,1048576,0
2342727,15:47:02.841977,allocate,0x10012500000,4096,0x2
2342728,15:47:03.000000,free,0x10012400000,1048576,0
2342728,15:47:03.000001,allocate failure,0x0,99999,0
]]

-- luacheck: push ignore 613
local VMA = [[
Vulkan Memory Allocator,Calls recording
1,8
Config,Begin
VulkanApiVersion,1,1
PhysicalDevice,apiVersion,4198477
PhysicalDevice,deviceType,1
PhysicalDevice,deviceName,Card, with a comma
PhysicalDeviceLimits,bufferImageGranularity,1024
PhysicalDeviceMemory,HeapCount,2
PhysicalDeviceMemory,Heap,0,size,8589934592
PhysicalDeviceMemory,Heap,0,flags,3
PhysicalDeviceMemory,Heap,1,size,17179869184
PhysicalDeviceMemory,Heap,1,flags,0
PhysicalDeviceMemory,TypeCount,3
PhysicalDeviceMemory,Type,0,heapIndex,0
PhysicalDeviceMemory,Type,0,propertyFlags,1
PhysicalDeviceMemory,Type,1,heapIndex,1
PhysicalDeviceMemory,Type,1,propertyFlags,6
PhysicalDeviceMemory,Type,2,heapIndex,1
PhysicalDeviceMemory,Type,2,propertyFlags,14
Macro,VMA_DEBUG_MARGIN,0
Config,End 
100,0.001,0,vmaCreateAllocator
100,0.010,0,vmaCreatePool,2,0,1048576,0,0,0,0000000AA0
100,0.010,0,vmaSetPoolName,0000000AA0,staging, big
100,0.011,0,vmaCreateBuffer,0,65536,130,0,0,1,0,0,0,0000000000,0000000B01,
100,0.012,0,vmaCreateBuffer,0,4096,1,0,36,0,0,0,0,0000000AA0,0000000B02,a name, with commas
101,0.013,1,vmaCreateImage,0,1,37,256,256,1,9,1,1,0,6,0,0,1,1,0,0,0,0000000000,0000000B03,
100,0.014,1,vmaMapMemory,0000000B02
100,0.015,2,vmaUnmapMemory,0000000B02
100,0.015,2,vmaAllocateMemoryForImage,8192,512,7,1,0,0,4,0,0,0,0000000000,0000000B04,
100,0.016,2,vmaAllocateMemoryPages,1024,256,7,0,2,0,0,0,0000000000,0000000B05 0000000B06,
100,0.017,3,vmaFreeMemoryPages,0000000B05 0000000B06
100,0.018,3,vmaCreateBuffer,0,999999,1,0,0,1,0,0,0,0000000000,0000000000,
100,0.018,3,vmaDestroyImage,0000000B03
100,0.019,3,vmaDestroyBuffer,0000000B02
100,0.020,3,vmaDestroyAllocator
]]
-- luacheck: pop

local PLAN = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"

describe("the rmm import", function()
    it("makes a memory and a resource of each allocation", function()
        local events, report = import("log.dev0.csv", RMM)
        assert.equal("rmm", report.format)
        assert.equal(0, report.lost_count)
        assert.equal(1048576 + 4096, report.peak)
        assert.same({ "1048576 0 158039000", "4096 16000 " }, lives(events))
        local device = of_kind(events, "device")[1]
        assert.equal(0, device.api)
        assert.equal(4 << 20, device.list[1])
        assert.equal("RMM, log.dev0.csv", device.text)
        local resource = of_kind(events, "resource")[2]
        assert.equal(2, resource.parcel_kind)
        assert.equal(4096, resource.needs_size)
        assert.equal(256, resource.needs_alignment)
        local refused = of_kind(events, "refused")
        assert.equal(1, #refused)
        assert.equal(99999, refused[1].size)
        assert.equal(2, refused[1].result)
        assert.equal(1, refused[1].thread)
        assert.equal("thread 2342728", of_kind(events, "thread_seen")[2].text)
    end)

    it("says what the figures mean", function()
        local notes = of_kind(import("a.csv", RMM), "note")
        local all = ""
        for _, note in ipairs(notes) do
            all = all .. note.text .. "\n"
        end
        for _, part in ipairs { "a.csv, RMM log", "the least it can have taken" } do
            assert(all:find(part, 1, true), all)
        end
    end)

    it("reads all ways that there are to write one", function()
        local expected = lives((import("a.csv", RMM)))
        for what, text in pairs {
            crlf = RMM:gsub("\n", "\r\n"),
            bom = "\xEF\xBB\xBF" .. RMM,
            ["no heading"] = RMM:sub(#HEAD + 1),
            ["no end of the last line"] = RMM:sub(1, -2),
            colons = RMM:gsub("%.(%d%d%d%d%d%d)", ":%1"),
            blanks = RMM:gsub(",", " , "),
            ["blank lines"] = RMM:gsub("\n", "\n\n  \n"),
            ["two logs in one"] = RMM:gsub("\n", "\n" .. HEAD, 1),
            ["no stream"] = RMM:gsub(",%w*\n", "\n"),
            ["upper case"] = RMM:gsub("0x(%x+)", function(digits)
                return "0X" .. digits:upper()
            end),
        } do
            local events, report = import("a.csv", text)
            assert(events, what .. ": " .. tostring(report))
            assert.same(expected, lives(events), what)
            assert.equal(0, report.lost_count, what)
        end
    end)

    it("takes seconds for times, and days that end", function()
        assert.same({ "8 0 1500000000" }, lives((import("a.csv", HEAD
            .. "1,1634567890.5,allocate,0x1,8,0\n1,1634567892.0,free,0x1,8,0\n"))))
        assert.same({ "8 0 2000000000" }, lives((import("a.csv", HEAD
            .. "1,23:59:59.000000,allocate,0x1,8,0\n1,00:00:01.000000,free,0x1,8,0\n"))))
    end)

    it("leaves out what makes no sense, and says where", function()
        local events, report = import("a.csv", RMM .. "garbage\n1,1:2,allocate,0x1,5,0\n"
            .. "1,15:47:04.0,relocate,0x1,5,0\n1,15:47:04.0,free,0x77,5,0\n"
            .. "1,15:47:04.0,allocate,0x10012500000,64,0\n1,15:47:04.0,allocate,0x0,0,0\n"
            .. "1,15:47:04.0,allocate,0x5,9999999999999999999999,0\n1,15:47:04.0,free,0x0,0,0\n")
        assert.equal(4, report.lost_count)
        local all = table.concat(report.remarks, "\n")
        for _, part in ipairs { "line 6: it is no row of Thread,", "line 7: '1:2' is no time",
            "line 8: 'relocate' is no action: there are allocate",
            "line 12: 9999999999999999999999 is no size" }
        do
            assert(all:find(part, 1, true), all)
        end
        assert.equal(2, #report.remarks + report.unsaid - 4)
        assert.equal(3, #of_kind(events, "resource"))
        assert.equal(5, #of_kind(events, "note") - 4)
    end)

    it("comes back from a trace with the same lives", function()
        for i = 1, 4 do
            local model = random_trace.make(path_of("a.fhtrace"), { seed = SEED + i })
            local text = export(model.path, "rmm")
            local events = assert(import("a.csv", text))
            -- The time of the log's first row is its zero.
            local minutes, seconds, fraction = text:match("\n%d+,%d+:(%d+):(%d+)%.(%d+)")
            local first = (minutes * 60 + seconds) * 1000000 + fraction
            local expected = {}
            for _, life in ipairs(model.resource) do
                expected[#expected + 1] = ("%d %d %s"):format(life.size,
                    (life.born_ns // 1000 - first) * 1000,
                    life.gone_ns and (life.gone_ns // 1000 - first) * 1000 or "")
            end
            table.sort(expected)
            assert.same(expected, lives(events), "SEED=" .. SEED)
            -- And once more: now nothing changes at all, but for the addresses.
            local again = export(path_of("out.fhtrace"), "rmm")
            assert.equal(select(2, text:gsub("\n", "")), select(2, again:gsub("\n", "")))
            assert.same(lives(events), lives((assert(import("b.csv", again)))))
        end
    end)
end)

describe("the minimalloc import", function()
    it("takes intervals as half-open", function()
        local events, report = import("input.12.csv", PLAN)
        assert.equal("minimalloc", report.format)
        assert.equal(12, report.peak)
        assert.same({ "4 0 21000", "4 0 3000", "4 0 9000", "4 3000 9000", "4 9000 21000" },
            lives(events))
        assert.equal("b1", of_kind(events, "named")[1].text)
    end)

    it("comes back as it was", function()
        for name, text in pairs {
            ["input.12.csv"] = PLAN,
            ["a.64.csv"] = "id,lower,upper,size,alignment\nx,5,6,1,64\ny,0,9,3,1\n",
            ["output.12.csv"] = "id,lower,upper,size,offset\nb1,0,3,4,8\nb2,3,9,4,8\nb3,0,9,4,4\n"
                .. "b4,9,21,4,4\nb5,0,21,4,0\n",
        } do
            assert(import(name, text))
            local again, report = export(path_of("out.fhtrace"), "minimalloc")
            assert.equal(text, again)
            assert.equal(tonumber(name:match("%d+")), report.capacity)
        end
    end)

    it("comes back as it was, with the files that others are measured by", function()
        local found = io.open(SHARED .. "A.1048576.csv", "rb")
        if not found then
            pending "the shared data is not there"
            return
        end
        found:close()
        for letter in ("ABCDEF"):gmatch(".") do
            local path = ("%s%s.1048576.csv"):format(SHARED, letter)
            assert(formats.import(path, nil, path_of("out.fhtrace")))
            local text, report = export(path_of("out.fhtrace"), "minimalloc")
            assert.equal(support.read(path), text)
            assert.equal(1048576, report.capacity)
        end
    end)

    it("takes a solution as one memory that all lie in", function()
        local events = import("output.12.csv",
            "offset,size,upper,lower,id\n0,4,3,0,a\n8,4,3,0,b\n4,4,9,3,c\n")
        local memories = of_kind(events, "memory")
        assert.equal(1, #memories)
        assert.equal(12, memories[1].size)
        local offsets = {}
        for i, bound in ipairs(of_kind(events, "bound")) do
            offsets[i] = bound.offset
        end
        assert.same({ 0, 8, 4 }, offsets)
        assert.equal(1, #of_kind(events, "memory_freed"))
    end)

    it("reads older and richer files", function()
        local events, report = import("old.csv",
            "buffer_id,start,end,size\r\n7,0,2,4\r\n8,3,8,4\r\n")
        assert.equal(0, report.lost_count)
        assert.same({ "4 0 3000", "4 3000 9000" }, lives(events))
        events, report = import("rich.csv",
            "id,lower,upper,size,alignment,hint,gaps\na,0,9,4,48,3,2-4 5-6\nb,0,9,4,,-1,\n")
        assert.equal(64, of_kind(events, "resource")[1].needs_alignment)
        assert.equal(1, of_kind(events, "resource")[2].needs_alignment)
        local all = table.concat(report.remarks, "\n")
        for _, part in ipairs { "1 buffer with gaps", "2 buffers with a hint",
            "1 alignment that is no power of two" }
        do
            assert(all:find(part, 1, true), all)
        end
    end)

    it("leaves out what makes no sense, and says where", function()
        local events, report = import("a.csv",
            PLAN .. "c,5,5,1\nd,9,2,1\ne,0,1,0\nf,-1,1,4\ng\nh,0,1,x\n")
        assert.equal(5, #of_kind(events, "resource"))
        assert.equal(6, report.lost_count)
        assert.equal("line 7: it lives from 5 until 5, which is never.", report.remarks[1])
        assert.equal("line 9: its size is no whole number from 1.", report.remarks[3])
        local _, message, code = import("a.csv", "id,from,to\n1,2,3\n", "minimalloc")
        assert.equal("format", code)
        assert(message:find("line 1 is no heading", 1, true), message)
    end)

    it("comes back from a trace with the same lives", function()
        for i = 1, 4 do
            local model = random_trace.make(path_of("a.fhtrace"), { seed = SEED + i })
            local by = i % 2 == 0 and "events" or "time"
            local text, report = export(model.path, "minimalloc", { by = by })
            local name = ("a.%d.csv"):format(report.capacity)
            assert(import(name, text))
            assert.equal(text, (export(path_of("out.fhtrace"), "minimalloc")), "SEED=" .. SEED)
        end
    end)
end)

describe("the vma import", function()
    it("follows buffers, images, plain memory and pools", function()
        local events, report = import("calls.csv", VMA)
        assert.equal("vma", report.format)
        assert.equal(0, report.lost_count)
        assert.same({}, report.remarks)
        local texels = 0
        for mip = 0, 8 do
            texels = texels + (256 >> mip) ^ 2
        end
        local image = math.tointeger(texels * 4)
        local expected = {
            ("%d 13000000 18000000"):format(image), "1024 16000000 17000000",
            "1024 16000000 17000000", "4096 12000000 19000000", "65536 11000000 ",
            "8192 15000000 ",
        }
        table.sort(expected)
        assert.same(expected, lives(events))
        local types = {}
        for i, memory in ipairs(of_kind(events, "memory")) do
            types[i] = memory.type
        end
        assert.same({ 0, 2, 0, 2, 1, 1 }, types)
    end)

    it("reads lines that end as on Windows", function()
        local events, other = import("calls.csv", VMA), import("calls.csv",
            (VMA:gsub("\n", "\r\n")))
        assert.same(lives(events), lives(other))
        for _, kind in ipairs { "named", "tag", "device" } do
            assert.equal(of_kind(events, kind)[1].text, of_kind(other, kind)[1].text)
        end
    end)

    it("knows the card, and what objects are", function()
        local events = import("calls.csv", VMA)
        local device = of_kind(events, "device")[1]
        assert.equal("Card, with a comma", device.text)
        assert.equal(2, device.api)
        assert.equal(1, device.adapter_kind)
        assert.equal(1024, device.granularity)
        assert.same({ 8589934592, 1, 17179869184, 0, 0, 1, 1, 6, 1, 14 }, device.list)
        local resources = of_kind(events, "resource")
        assert.equal(130, resources[1].native_usage)
        assert.equal(1 << 1 | 1 << 2, resources[1].usage)
        assert.equal(1, resources[1].location)
        assert.equal(1, resources[2].tag)
        assert.equal(64, resources[2].flags)
        assert.equal("rgba8_unorm", fh.formats()[resources[3].format])
        assert.equal(9, resources[3].mips)
        assert.equal(512, resources[4].needs_alignment)
        assert.equal(2, resources[4].dedicated)
        assert.equal("staging, big", of_kind(events, "tag")[1].text)
        assert.equal("a name, with commas", of_kind(events, "named")[1].text)
        assert.equal(2, of_kind(events, "mapped")[1].resource)
        assert.equal(999999, of_kind(events, "refused")[1].size)
        local frames = {}
        for i, frame in ipairs(of_kind(events, "frame")) do
            frames[i] = frame.number
        end
        assert.same({ 1, 2, 3 }, frames)
    end)

    it("knows the size of images of any format", function()
        local function size(format, width, height, more)
            local numbers = more or "1,1,1,1"
            local events = import("calls.csv", "Vulkan Memory Allocator,Calls recording\n1,2\n"
                .. ("1,0.0,0,vmaCreateImage,0,1,%d,%d,%d,%s,0,6,0,0,0,1,0,0,0,0,B03,\n"):format(
                    format, width, height, numbers))
            return of_kind(events, "memory")[1].size
        end
        assert.equal(64 * 64 * 4, size(37, 64, 64))
        assert.equal(64 * 64 * 3, size(23, 64, 64))
        assert.equal(64 * 64 * 8, size(130, 64, 64))
        assert.equal(64 * 64 * 32, size(121, 64, 64))
        assert.equal(16 * 16 * 8, size(131, 64, 64))
        assert.equal(16 * 16 * 16, size(145, 64, 61))
        assert.equal(13 * 13 * 16, size(162, 64, 64))
        assert.equal((64 * 64 + 32 * 32) * 4 * 6 * 4, size(37, 64, 64, "1,2,6,4"))
        assert.equal((8 * 8 * 8 + 4 * 4 * 4 + 2 * 2 * 2) * 4, size(37, 8, 8, "8,3,1,1"))
    end)

    it("reads the first versions, which have no card", function()
        local events = import("calls.csv", "Vulkan Memory Allocator,Calls recording\n1,0\n"
            .. "1,0.000,0,vmaCreateAllocator\n"
            .. "1,0.5,0,vmaCreateBuffer,0,768,1,0,4,2,0,0,0,0000000000000000,000001D85B8B19E0,\n"
            .. "1,0.6,0,vmaDestroyBuffer,000001D85B8B19E0\n")
        assert.same({ "768 500000000 600000000" }, lives(events))
        assert.equal(0, of_kind(events, "device")[1].api)
    end)

    it("says what it cannot follow", function()
        local _, report = import("calls.csv", VMA .. "100,0.030,3,vmaNoSuch,1\n"
            .. "100,0.030,3,vmaNoSuch,1\n100,0.030,3,vmaDefragmentationBegin,0,,,0,0,0,0,0,F00\n"
            .. "100,0.030,3,vmaDestroyBuffer,77\nnonsense\n"
            .. "100,0.030,3,vmaCreateBuffer,0,x,1,0,0,1,0,0,0,0,C0,\n")
        assert.equal(2, report.lost_count)
        local all = table.concat(report.remarks, "\n")
        for _, part in ipairs { "line 42: it is no call", "line 43: its arguments are not those of",
            "vmaNoSuch is left out (2 calls): it is no function",
            "vmaDefragmentationBegin is left out (1 call): the recording does not tell",
            "1 free without an allocation" }
        do
            assert(all:find(part, 1, true), all)
        end
    end)

    it("refuses versions that it does not know", function()
        for _, version in ipairs { "2,0", "nonsense", "0,9" } do
            local _, message, code = import("calls.csv", (VMA:gsub("1,8", version)))
            assert.equal("format", code)
            assert(message:find("version", 1, true), message)
        end
    end)
end)

describe("imports", function()
    it("know a log by what it begins with", function()
        for name, text in pairs { rmm = RMM, vma = VMA, minimalloc = PLAN } do
            assert.equal(name, (formats.detect(write("a", text))))
            assert.equal(name, (formats.detect(write("a", "\xEF\xBB\xBF" .. text))))
        end
        random_trace.make(path_of("a.fhtrace"), { seed = 1, steps = 3 })
        assert.equal("trace", (formats.detect(path_of("a.fhtrace"))))
    end)

    it("refuse what is no log, and leave the trace that is there alone", function()
        support.write(path_of("out.fhtrace"), "precious")
        for text, part in pairs {
            [""] = "is empty", [" \n\n"] = "is empty", ["some text\n"] = "neither a trace nor a",
            ["\0\1\2\3"] = "neither", ["\xFF\xFEi\0d\0"] = "UTF-16", [HEAD] = "no allocation",
            ["id,lower,upper,size\n"] = "no allocation",
            [HEAD .. "x\ny\n"] = "line 2: it is no row",
            ["Vulkan Memory Allocator,Calls recording\n1,8\n"] = "before its first call",
        } do
            local events, message, code = import("a.csv", text)
            assert.is_nil(events)
            assert(message:find(part, 1, true), message)
            assert.equal("format", code)
        end
        assert.equal("precious", support.read(path_of("out.fhtrace")))
        local report, message, code = formats.import(path_of("none.csv"), nil, path_of("x"))
        assert.is_nil(report)
        assert.equal("io", code)
        assert(message:find("none.csv", 1, true), message)
    end)

    it("read a file that is one endless line", function()
        local text = HEAD .. ("x"):rep(3 << 20) .. "\n" .. RMM:sub(#HEAD + 1) .. ("y"):rep(1 << 20)
        local events, report = import("a.csv", text)
        assert.equal(2, report.lost_count)
        assert.equal("line 2: it is too long to be a line of a log.", report.remarks[1])
        assert.equal(2, #lives(events))
    end)

    it("are replayed as recorded", function()
        assert(import("a.csv", RMM))
        local recording <close> = assert(fh.recording(path_of("out.fhtrace")))
        local device = recording:info().devices[1]
        assert.equal(1048576 + 4096, device.peak_reserved)
        assert.equal(1048576 + 4096, device.peak_committed)
        assert.equal(2, device.resource_count)
    end)

    it("open a log as a trace, for whoever wants one", function()
        local opened = assert(formats.open(write("a.csv", RMM)))
        assert.same({ "1048576 0 158039000", "4096 16000 " }, lives(read(opened.path)))
        assert.equal("rmm", opened.report.format)
        opened:close()
        assert.is_nil(io.open(opened.path, "rb"))
        random_trace.make(path_of("a.fhtrace"), { seed = 1, steps = 3 })
        opened = assert(formats.open(path_of("a.fhtrace")))
        assert.equal(path_of("a.fhtrace"), opened.path)
        opened:close()
        assert(io.open(opened.path, "rb")):close()
        assert.is_nil((formats.open(write("b.csv", "x"))))
    end)

    it("never fall over what a log was damaged to", function()
        local state = SEED
        local function random(low, high)
            state = state * 6364136223846793005 + 1442695040888963407
            return low + (state >> 33) % (high - low + 1)
        end
        local samples = { RMM, VMA, PLAN, "id,lower,upper,size,offset\na,0,3,4,0\nb,3,5,4,0\n" }
        local bits = { ",", "\n", "-1", "18446744073709551615", "9223372036854775807", "\0", "0x",
            "e9", "nan", "\xFF", "1,8", "free", " " }
        for i = 1, 400 do
            local text = samples[i % #samples + 1]
            for _ = 1, random(1, 6) do
                local at = random(1, #text)
                local cut = random(0, 3)
                text = text:sub(1, at - 1) .. (random(1, 3) == 1 and "" or bits[random(1, #bits)])
                    .. text:sub(at + cut)
            end
            local done, events, report = pcall(import, "a.csv", text)
            assert(done, ("SEED=%d, %d: %s"):format(SEED, i, events))
            if events then
                assert(report.event_count == #events)
                for _, name in ipairs { "chrome", "rmm", "minimalloc", "gpumemdump" } do
                    done, report = pcall(export, path_of("out.fhtrace"), name)
                    assert(done, ("SEED=%d, %d: %s"):format(SEED, i, report))
                end
            end
        end
    end)
end)
