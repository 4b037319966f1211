-- `freehold replay`, run as a program under stock Lua, on traces made here.

local cjson = require "cjson"
local commands = require "tests.spec.command"
local formats = require "freehold.formats"
local progress = require "freehold.cli.progress"
local support = require "tests.spec.support"
local traces = require "tests.spec.traces"

local quote = support.quote
local MiB = 1 << 20

local folder, program

before_each(function()
    folder, program = commands.folder()
end)

after_each(function()
    support.remove(folder)
end)

local words, contains = commands.words, commands.contains

local function run(list, after, before)
    return support.run(("%s %s lua5.4 %s replay %s %s"):format(support.environment(), before or "",
        quote(program), words(list), after or ""))
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

local function rotating()
    return traces.rotating(folder .. "/rotating.fhtrace")
end

-- The options in this are what the command's own tests need, and nothing else.
local EVICT = [[
    return {
        name = "mine",
        options = {
            limit = { type = "bytes", default = "1GiB" },
            soft = { type = "number", default = 0.5 },
        },
        limits = function(self)
            return { total = self.options.limit, watermarks = { self.options.soft } }
        end,
        place = function() return { dedicated = "prefer" } end,
        relieve = function() return { "trim", "evict", "drain" } end,
        evict = { "-age" },
    }]]

local function compare(list)
    list[#list + 1] = "--json"
    return cjson.decode((works(list)))
end

-- A run of a comparison by its name.
local function run_of(comparison, name)
    for _, one in ipairs(comparison.runs) do
        if one.name == name then
            return one
        end
    end
    error("there is no run " .. name)
end

local function names_of(comparison)
    local names = {}
    for i, one in ipairs(comparison.runs) do
        names[i] = one.name
    end
    return names
end

describe("freehold replay", function()
    it("shows what the program did, and what the native rules make of it", function()
        local output = works { rotating() }
        contains(output, "rotating\n", "32 frames", "recorded on a card (vulkan) by a spec",
            "a frame ends when the program presents", "as recorded", "native")
        assert.matches("\nreserved peak +64 MiB ", output)
        assert.matches("\ndriver allocations +2 ", output)
        assert.matches("\nrequests +16 +16\n", output)
        assert.is_nil(output:find("\27", 1, true))
    end)

    it("claims no merit for what the driver refused the program", function()
        local path = folder .. "/refused.fhtrace"
        local trace = traces.open(path, "refused")
        local memory = trace:memory(8 * MiB)
        trace:texture(8, memory, 0)
        trace:add { kind = "refused", device = 1, result = 2, size = 512 * MiB }
        trace:frame()
        trace:close()
        contains(works { path },
            "- The driver refused the program 1 request. Such requests are not played again")
        assert.is_nil(works { rotating() }:find("The driver refused", 1, true))
    end)

    it("has the program's own figures", function()
        local comparison = compare { rotating() }
        assert.same({ "as recorded", "native" }, names_of(comparison))
        local trace = comparison.trace
        assert.same({ "rotating", "a spec", "", 0, 0, 32, "presents", true, 64 * MiB, 64 * MiB }, {
            trace.program, trace.tool, trace.damage, trace.dropped, trace.ignored,
            trace.frame_count, trace.frames_by, trace.has_uses, trace.peak_reserved,
            trace.peak_committed,
        })
        assert.same({ size = 256 * MiB, device_local = true, peak_reserved = 64 * MiB },
            trace.device.heaps[1])
        assert.same({ "host_coherent", "host_visible" }, trace.device.types[2].flags)
        assert.equal("as recorded", comparison.profile)
        assert.same({ 1, 32 }, comparison.frames)
        local before = comparison.runs[1]
        assert.is_true(before.as_recorded)
        local figures = before.figures
        assert.same({ 64 * MiB, 64 * MiB, 64 * MiB, 2, 64 * MiB, 16, 64 * MiB, 0, 0, 0, 32 }, {
            figures.total.reserved_peak, figures.total.reserved_mean, figures.total.committed_peak,
            figures.driver_alloc_count, figures.driver_alloc_bytes, figures.request_count,
            figures.request_bytes, figures.refused_count, figures.evicted_count,
            figures.waste_peak, figures.frame_count,
        })
        assert(before.timing.wall_ns > 0 and before.timing.event_count > 0)
        assert.is_nil(before.samples)
        local native = run_of(comparison, "native")
        assert.is_false(native.as_recorded)
        assert.equal(16, native.figures.request_count)
        assert.equal(64 * MiB, native.figures.total.committed_peak)
    end)

    it("compares policies, each by itself, on one axis", function()
        local mine = write("mine.lua", EVICT)
        local comparison = compare { rotating(), "--policy", mine, "--policy", "budget",
            "--native", "--set", "limit=50%", "--set", "soft=0.25" }
        assert.same({ "as recorded", "native", "mine", "budget" }, names_of(comparison))
        for _, name in ipairs { "mine", "budget" } do
            local one = run_of(comparison, name)
            assert.equal(32 * MiB, one.options.limit)
            assert.equal(0.25, one.options.soft)
            assert.same({ 0.25 }, one.watermarks)
            assert(one.figures.total.reserved_peak <= 32 * MiB)
            assert.equal(32, one.figures.frame_count)
            assert(one.figures.decision_count > 0)
        end
        local figures = run_of(comparison, "mine").figures
        -- Four textures of 4 MiB are used at once, and there is room for eight.
        assert(figures.evicted_count > 0 and figures.reload_count > 0)
        assert.equal(figures.evicted_count * 4 * MiB, figures.evicted_bytes)
        assert.equal(figures.reload_count * 4 * MiB, figures.reload_bytes)
        local scripts = {}
        for _, cause in ipairs(run_of(comparison, "mine").causes) do
            scripts[("%s:%s"):format(cause.script, cause.hook)] = cause
        end
        assert(scripts["mine:place"].decision_count > 0)
        assert.equal(10, scripts["mine:place"].line)
    end)

    it("shows them side by side, with the lines that decided", function()
        local output = works { rotating(), "--policy", write("mine.lua", EVICT), "--set",
            "limit=50%" }
        assert.matches("\nreserved peak +64 MiB +32 MiB +%-50 %%\n", output)
        assert.matches("\nevicted +0 +%d+\n", output)
        contains(output, "\nWhat decided in mine\n", "limit=32 MiB, soft=0.5\n",
            "mine, line 10, place: placed ", "mine, line 11, relieve: ")
        local count, bytes, sum = 0, 0, 0
        for _, cause in ipairs(run_of(compare { rotating(), "--policy", write("mine.lua", EVICT),
            "--set", "limit=50%" }, "mine").causes)
        do
            if cause.evicted_count > 0 then
                contains(output, ("evicted %d (%d MiB)"):format(cause.evicted_count,
                    cause.evicted_bytes // MiB))
            end
            count, bytes = count + cause.evicted_count, bytes + cause.evicted_bytes
            sum = sum + cause.placed_count + cause.evicted_count + cause.refused_count
        end
        assert(count > 0 and sum > count)
        assert.equal(4 * MiB * count, bytes)
    end)

    it("takes several scripts as one policy, and one several times", function()
        local mine = write("mine.lua", EVICT)
        local comparison = compare { rotating(), "--policy", mine .. "+budget", "--policy",
            "budget,tags", "--policy", "budget", "--policy", "budget" }
        assert.same({ "as recorded", "mine+budget", "budget+tags", "budget", "budget (2)" },
            names_of(comparison))
        assert.same({ mine, "budget" }, comparison.runs[2].policy)
        -- A file whose name has a plus is that file.
        local odd = write("a+b.lua", EVICT)
        assert.same({ "as recorded", "mine" }, names_of(compare { rotating(), "--policy", odd }))
    end)

    it("sets options by name, and by script and name", function()
        local comparison = compare { rotating(), "--policy", write("mine.lua", EVICT), "--policy",
            "budget", "--set", "limit=48MiB", "--set", "mine.limit=75%", "--set", "mine.limit=40%" }
        assert.equal(math.floor(64 * MiB * 40 / 100), run_of(comparison, "mine").options.limit)
        assert.equal(48 * MiB, run_of(comparison, "budget").options.limit)
        -- What one of them has is no mistake.
        comparison = compare { rotating(), "--policy", "tiers", "--policy", "budget", "--set",
            "calm=7" }
        assert.equal(7, run_of(comparison, "tiers").options.calm)
    end)

    it("plays on other cards, and asks what if", function()
        local comparison = compare { rotating(), "--profile", "mobile-4g" }
        assert.equal("mobile-4g", comparison.profile)
        assert.not_equal(2, #run_of(comparison, "native").figures.heaps)
        comparison = compare { rotating(), "--what-if", "heap0=40MiB", "--what-if",
            "heap0.budget=50%" }
        assert.same({ "heap0=40MiB", "heap0.budget=50%" }, comparison.what_if)
        local heap = run_of(comparison, "native").figures.heaps[1]
        assert.equal(32 * MiB, heap.budget)
        assert(heap.reserved_peak <= 32 * MiB)
        assert.equal(64 * MiB, comparison.runs[1].figures.heaps[1].reserved_peak)
        local profile = write("gpu.lua", [[return {
            name = "tiny", heaps = { { size = "512MiB", device_local = true } },
            types = { { heap = 0, flags = "device_local|host_visible|host_coherent" } },
        }]])
        comparison = compare { rotating(), "--profile", profile }
        assert.equal(1, #run_of(comparison, "native").figures.heaps)
        contains(works { rotating(), "--profile", "mobile-4g", "--what-if", "heap0=2GiB",
            "--frames", "2..5" }, "played on mobile-4g; with heap0=2GiB; frames 2 to 5 count")
    end)

    it("counts the frames it is asked to", function()
        for text, expected in pairs {
            ["3..5"] = { 3, 5 }, ["30.."] = { 30, 32 }, ["..4"] = { 1, 4 }, ["7"] = { 7, 7 },
            ["31..99"] = { 31, 32 },
        } do
            local comparison = compare { rotating(), "--frames", text }
            assert.same(expected, comparison.frames)
            for _, one in ipairs(comparison.runs) do
                assert.equal(expected[2] - expected[1] + 1, one.figures.frame_count)
            end
        end
    end)

    it("says the same at every run, whatever the locale", function()
        local path = rotating()
        local list = { path, "--policy", write("mine.lua", EVICT), "--policy", "streaming",
            "--native", "--set", "limit=60%", "--set", "soft=0.3", "--json", "--full" }
        local function output(locale)
            local text, complaints, code = run(list, nil, "LC_ALL=" .. locale)
            assert.equal("", complaints)
            assert.equal(0, code)
            return (text:gsub('"timing":{.-}', ""))
        end
        local first = output "C"
        assert.equal(first, output "C")
        assert.equal(first, output "de_DE.UTF-8")
        assert.is_nil(first:find("_ns\":%d+%.%d"))
    end)

    it("prints everything when asked to", function()
        local comparison = compare { rotating(), "--full" }
        local before = comparison.runs[1]
        assert.equal(32, #before.samples.frame)
        assert.equal(64 * MiB, before.samples.heap0[32])
        assert.is_false(before.samples.limit[1])
        assert.same({ 32 * MiB, 32 * MiB }, before.blocks.size)
        assert.equal(16, #before.spans.name)
        assert.equal("texture 7", before.spans.name[8])
    end)

    it("compares several traces, one after the other", function()
        local silent = traces.silent(folder .. "/silent.fhtrace")
        local output = works { rotating(), silent }
        contains(output, "rotating\n", "\nsilent\n",
            "Eviction is off: the trace does not tell which work uses which resource")
        local both = compare { rotating(), silent }
        assert.equal(2, #both.comparisons)
        assert.equal("silent", both.comparisons[2].trace.program)
        assert.is_false(both.comparisons[2].trace.has_uses)
        assert.is_false(both.comparisons[2].runs[2].figures.can_evict)
    end)

    it("takes one device of several", function()
        local trace = traces.open(folder .. "/two.fhtrace", "two")
        trace:device(2, "another card")
        trace:texture(8, trace:memory(8 * MiB), 0)
        trace:texture(4, trace:memory(4 * MiB, 0, 2), 0, nil, 2)
        trace:frame {}
        trace:close()
        local output = works { trace.path }
        contains(output, "recorded on a card",
            "- This is device 1; the trace has others: 2 (another card, at most 4 MiB). "
            .. "freehold replay --device ID shows them.\n")
        assert.equal(1, select(2, output:gsub("device 1", "")))
        local comparison = compare { trace.path, "--device", "2" }
        assert.equal("another card", comparison.trace.device.name)
        assert.equal(4 * MiB, comparison.runs[1].figures.total.reserved_peak)
        refuses(2, { trace.path, "--device", "3" }, "the trace has no device 3. It has 1, 2.")
    end)

    it("replays a file that is cut off up to there, and says so", function()
        local whole = support.read(rotating())
        local cut = write("cut.fhtrace", whole:sub(1, -30))
        local output = works { cut }
        contains(output, "The trace is damaged: ", "What is shown is what came before")
        assert(#compare({ cut }).trace.damage > 0)
    end)

    it("takes logs of other tools", function()
        local log = write("log.csv", [[
Thread,Time,Action,Pointer,Size,Stream
1,10:00:00.000000,allocate,0x1000,1048576,0
1,10:00:00.100000,allocate,0x200000,3145728,0
1,10:00:00.200000,nonsense
1,10:00:00.300000,free,0x1000,1048576,0
]])
        local output = works { log }
        contains(output, "1 line of the log could not be read, and this is why: line 4")
        local comparison = compare { log }
        assert.equal(log, comparison.trace.path)
        assert.equal("rmm", comparison.trace.imported.format)
        assert.equal(4 * MiB, comparison.runs[1].figures.total.reserved_peak)
        assert.equal(2, run_of(comparison, "native").figures.request_count)
        -- Also of a log that became a trace.
        local report = assert(formats.import(log, "rmm", folder .. "/log.fhtrace"))
        assert.equal(1, report.lost_count)
        for _, path in ipairs { log, folder .. "/log.fhtrace" } do
            local page = folder .. "/page.html"
            contains(works { path, "--report", page }, "- Each allocation of the log is taken as "
                .. "one of the driver's. Where RMM used a pool,")
            contains(support.read(page), "Each allocation of the log is taken as")
        end
    end)

    it("says what it left out, and what was never recorded", function()
        local trace = traces.open(folder .. "/odd.fhtrace", "odd")
        trace:texture(4, trace:memory(4 * MiB), 0)
        trace:add { kind = "destroyed", resource = 77 }
        trace:add { kind = "dropped", count = 12 }
        trace:frame {}
        trace:close()
        local output = works { trace.path }
        contains(output, "12 events could not be recorded",
            "- 1 event of objects that the trace does not know: left out.\n")
        assert.equal(1, select(2, output:gsub("- 1 event", "")))
        local comparison = compare { trace.path }
        assert.equal(12, comparison.trace.dropped)
        assert.equal(1, comparison.trace.ignored)
    end)

    it("says when a limit leaves nothing to decide", function()
        contains(works { rotating(), "--policy", "budget" },
            "budget: its limit, 512 MiB, is not below what the program had at most, 64 MiB.",
            "--set limit=70%")
    end)

    it("tells of hooks that fail", function()
        local path = write("mine.lua", [[
            return { name = "mine", frame = function(self, stats, facts)
                if facts.frame > 5 then
                    error("no \27more")
                end
            end }]])
        local output = works { rotating(), "--policy", path }
        contains(output, "failed decisions",
            "mine: a hook is in quarantine of 'mine': ", "mine.lua:3: no ?more")
        assert.equal(1, select(2, output:gsub("mine%.lua:3", "")))
        assert.is_nil(output:find("\27", 1, true))
        local one = run_of(compare { rotating(), "--policy", path }, "mine")
        assert(one.figures.decision_failed_count > 0)
        contains(one.problems[1].error, "mine.lua:3: ")
    end)

    it("writes the report", function()
        local page = folder .. "/report.html"
        contains(works { rotating(), "--policy", "budget", "--set", "limit=70%", "--report", page },
            "The report is in " .. page .. "\n")
        local html = support.read(page)
        contains(html, "<html", "rotating", "texture 7")
        works { rotating(), traces.silent(folder .. "/silent.fhtrace"), "--report", page, "--json" }
        contains(support.read(page), "rotating", "silent")
    end)

    it("says what is wrong with the command line", function()
        local path = rotating()
        refuses(2, {}, "missing argument 'trace'", "freehold replay --help")
        refuses(2, { path, "--set", "limit=1GiB" }, "Give --policy FILE")
        refuses(2, { path, "--policy", "budget", "--set", "lmit=1GiB" },
            "none of the policies has an option 'lmit'. Did you mean 'limit'?")
        refuses(2, { path, "--policy", "budget", "--set", "limit=lots" }, "lots")
        refuses(2, { path, "--policy", "budget", "--set", "limit=1KiB" }, "below its minimum")
        refuses(2, { path, "--policy", "budget", "--set", "limit=0.05%" }, "below its minimum",
            "0.05% of the recorded peak of ", "rotating.fhtrace is 32.8 KiB")
        refuses(2, { path, "--policy", "budget", "--set", "soft=50%" }, "soft")
        refuses(2, { path, "--policy", "budget", "--set", "limit=x%" }, "'x%'")
        refuses(2, { path, "--frames", "5..3" }, "'5..3' are no frames")
        refuses(2, { path, "--frames", ".." }, "'..' are no frames")
        refuses(2, { path, "--frames", "0..3" }, "'0..3' are no frames")
        refuses(2, { path, "--frames", "40.." }, "the trace has 32 frames")
        refuses(2, { path, "--what-if", "heap0" }, "'heap0' changes nothing", "heap0=4GiB")
        refuses(2, { path, "--what-if", "heap0.bugdet=4GiB" }, "changes nothing")
        refuses(2, { path, "--what-if", "heap0=many" }, "'many' is no size", "60%")
        refuses(2, { path, "--what-if", "heap0=0" }, "leaves nothing of the heap")
        refuses(2, { path, "--what-if", "heap1=60%" }, "nothing was recorded in heap 1")
        refuses(2, { path, "--what-if", "heap9=4GiB" }, "heap")
        refuses(2, { path, "--profile", "mobile-4" }, "there is no profile 'mobile-4'")
        refuses(2, { path, "--profile", write("gpu.lua", "return { heaps = {}, typos = {} }") },
            "typos")
        refuses(2, { path, "--backend", "hots" }, "unknown name 'hots'")
        refuses(2, { path, "--device", "x" }, "'x' is no device")
        refuses(2, { path, "--full" }, "--full is for --json")
        refuses(2, { path, "--live", "--json" }, "do not go together")
        refuses(1, { path, "--backend", "vulkan" }, "vulkan")
    end)

    it("says what is wrong with a file", function()
        refuses(1, { folder .. "/none.fhtrace" }, "cannot replay ", "none.fhtrace", "no such file")
        refuses(1, { folder }, "cannot replay ", "folder")
        refuses(1, { write("log.txt", "one, two, three\n") }, "cannot replay ", "log.txt: ",
            "neither a trace nor a log that can be imported")
        refuses(1, { write("empty.fhtrace", "") }, "cannot replay ")
        refuses(1, { write("head.fhtrace", support.read(rotating()):sub(1, 9)) }, "cannot replay ",
            "head.fhtrace: ")
        local path = rotating()
        refuses(1, { path, "--policy", folder .. "/none.lua" }, "none.lua")
        refuses(1, { path, "--policy", write("bad.lua", "return {\nplase = 1 }") },
            "bad.lua", "plase")
        refuses(1, { path, "--report", folder .. "/no/such.html" }, "cannot write")
        complains(1, { path, "--report", "/dev/full" }, "cannot write /dev/full")
        -- A file whose head is damaged is named.
        local empty = traces.open(folder .. "/no-device.fhtrace", "none")
        empty:close()
        local whole = support.read(empty.path)
        for stop = 12, #whole - 1, 7 do
            local cut = write("cut.fhtrace", whole:sub(1, stop))
            local _, complaints, code = run { cut }
            if code ~= 0 then
                contains(complaints, "freehold: cannot replay " .. cut .. ": ")
            end
        end
    end)

    it("tries all traces before it plays one", function()
        local path = rotating()
        refuses(1, { path, folder .. "/none.fhtrace" }, "none.fhtrace")
        local small = traces.open(folder .. "/small.fhtrace", "small")
        small:texture(1, small:memory(1 * MiB), 0)
        small:frame()
        small:close()
        -- A twentieth of 64 MiB is a limit, and of 1 MiB it is none.
        local list = { path, small.path, "--policy", "budget", "--set", "limit=5%" }
        refuses(2, list, "below its minimum", "small.fhtrace is 51.2 KiB")
        refuses(2, { path, small.path, "--frames", "20.." }, "the trace has 1 frames")
        list[#list] = "limit=70%"
        contains(works(list), "rotating\n", "\nsmall\n")
    end)

    it("writes no report over what it reads", function()
        local path, mine = rotating(), write("mine.lua", EVICT)
        support.run(("ln -s %s %s/link.fhtrace; ln -s %s %s/page.html"):format(quote(path),
            quote(folder), quote(path), quote(folder)))
        local profile = write("gpu.lua", [[return {
            name = "tiny", heaps = { { size = "512MiB", device_local = true } },
            types = { { heap = 0, flags = "device_local|host_visible|host_coherent" } },
        }]])
        local before = support.read(path)
        for _, case in ipairs {
            { path, path }, { path, folder .. "/./" .. "rotating.fhtrace" },
            { folder .. "/link.fhtrace", path }, { path, folder .. "/page.html" },
            { path, mine, "--policy", mine }, { path, profile, "--profile", profile },
        } do
            refuses(2, { case[1], "--report", table.unpack(case, 2) },
                "the report would take the place of ")
        end
        assert.equal(before, support.read(path))
        assert.equal(EVICT, support.read(mine))
    end)

    it("leaves no report behind when it fails", function()
        local page = folder .. "/report.html"
        refuses(1, { folder .. "/none.fhtrace", "--report", page }, "none.fhtrace")
        assert.is_nil((io.open(page)))
        support.write(page, "before")
        refuses(1, { folder .. "/none.fhtrace", "--report", page }, "none.fhtrace")
        assert.equal("before", support.read(page))
    end)

    it("notices that its output cannot be written, and who does not listen", function()
        for _, list in ipairs { { rotating() }, { rotating(), "--json" } } do
            local _, complaints, code = run(list, ">/dev/full")
            assert.equal(1, code)
            contains(complaints, "cannot write the output: No space left on device.")
            local output = run(list, "2>/dev/null | head -n 1")
            assert(#output > 0)
        end
    end)

    it("fits where it is told", function()
        local list = { rotating(), "--policy", write("mine.lua", EVICT), "--policy", "budget",
            "--policy", "tiers", "--policy", "streaming", "--set", "limit=50%" }
        local counts = {}
        for _, width in ipairs { 40, 80, 200 } do
            local output = run(list, nil, "COLUMNS=" .. width)
            for line in output:gmatch("[^\n]*") do
                assert(utf8.len(line) <= width, line)
            end
            counts[width] = select(2, output:gsub("reserved peak", ""))
            for _, name in ipairs { "as recorded", "mine", "budget", "tiers", "streaming" } do
                contains(output, name)
            end
        end
        assert(counts[40] > counts[80] and counts[80] > counts[200])
        assert.equal(1, counts[200])
    end)

    it("teaches by examples", function()
        local output = works { "--help" }
        contains(output, "Usage: freehold replay ", "Examples:",
            "freehold replay game.fhtrace --policy budget --set limit=70%")
        for line in output:gmatch("[^\n]*") do
            assert(#line <= 90, line)
        end
    end)
end)

-- Under a terminal that `script` plays, of which the output is what is returned.
describe("freehold replay in a terminal", function()
    local function in_terminal(list, settings)
        local _, _, code = support.run "SHELL=/bin/sh script -qec true /dev/null"
        if code ~= 0 then
            pending "script (of bsdutils) is not installed, or has no terminals to play here"
        end
        local command = ("stty cols 100 rows 50; %s %s lua5.4 %s replay %s"):format(
            support.environment(), settings or "", quote(program), words(list))
        local output
        output, _, code = support.run(("TERM=xterm SHELL=/bin/sh script -qec %s /dev/null")
            :format(quote(command)))
        return output, code
    end

    it("has colours, unless told otherwise", function()
        local list = { rotating(), "--policy", write("mine.lua", EVICT), "--set", "limit=50%" }
        local output, code = in_terminal(list)
        assert.equal(0, code)
        contains(output, "\27[32m-50 %\27[m", "\27[1m")
        output = in_terminal(list, "NO_COLOR=1")
        assert.is_nil(output:find("\27[", 1, true))
        contains(output, "-50 %")
    end)

    it("shows runs live when asked to", function()
        local output, code = in_terminal { rotating(), "--policy", write("mine.lua", EVICT),
            "--set", "limit=50%", "--live" }
        assert.equal(0, code)
        contains(output, "rotating under mine: frame ", " of 32", "of 32 MiB", "\27[K",
            "What decided in mine")
    end)
end)

describe("freehold replay, interrupted", function()
    it("shows the runs that are done, and ends with 130", function()
        local slow = write("slow.lua", [[
            return { name = "slow", frame = function()
                local sum = 0
                for i = 1, 20000 do
                    sum = sum + i
                end
                return { evict_cap = sum }
            end }]])
        local long = traces.open(folder .. "/long.fhtrace", "long")
        for _ = 1, 50000 do
            long:frame()
        end
        long:close()
        for _, list in ipairs {
            { rotating(), long.path, "--policy", slow },
            { rotating(), long.path, "--policy", slow, "--report", folder .. "/report.html" },
        } do
            local output, complaints, code = support.run(([[
                %s lua5.4 %s replay %s >%s/output &
                process=$!
                for i in $(seq 1000); do
                    if grep -q 'What decided in slow' %s/output; then break; fi
                    sleep 0.02
                done
                kill -INT $process
                wait $process]]):format(support.environment(), quote(program), words(list),
                    quote(folder), quote(folder)))
            assert.equal("", output)
            assert.equal("", complaints)
            assert.equal(130, code)
            local shown = support.read(folder .. "/output")
            contains(shown, "rotating\n",
                "\nInterrupted: what is not shown was not played to the end.\n")
            assert.equal(1, select(2, shown:gsub("What decided in slow", "")))
            assert.is_nil((io.open(folder .. "/report.html")))
        end
    end)
end)

describe("a progress bar", function()
    local function bar(settings)
        local written = {}
        return progress.open(function(line) written[#written + 1] = line end, settings, 60), written
    end

    it("is for long work only, and goes away", function()
        local short, written = bar { unicode = true, colour = true }
        short:show("reading", 1, 2)
        short:clear()
        assert.same({}, written)
        local long
        long, written = bar { unicode = false, colour = false }
        long.began = 0
        long:show("reading \27a", 1, 4)
        long:show("reading \27a", 2, 4) -- at once: not drawn
        assert.equal(1, #written)
        assert.matches("^\rreading %?a #+%.+  25 %%\27%[K$", written[1])
        assert(#written[1] <= 60 + 4)
        long:clear()
        assert.equal("\r\27[K", written[2])
        long:clear()
        assert.equal(2, #written)
        long.drawn = 0
        long:show("x", 0, 0)
        assert.matches("0 %%", written[3])
    end)

    it("is not there where complaints go to no terminal", function()
        local none = progress.open()
        none.began = 0
        none:show("reading", 1, 2)
        none:clear()
    end)
end)
