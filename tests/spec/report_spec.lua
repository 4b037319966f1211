-- The report: what is in the page, and how the page looks and works in a browser, where one is.

local cjson = require "cjson"
local browser = require "tests.spec.browser"
local fixture = require "tests.spec.report_fixture"
local html = require "freehold.report.html"
local support = require "tests.spec.support"

local MiB = 1 << 20

local function render(comparison)
    local pieces = {}
    html.render(comparison, function(piece)
        pieces[#pieces + 1] = piece
    end)
    return table.concat(pieces)
end

local DATA = '<script type="application/json" id="data">'

local function data_text(page)
    local _, from = page:find(DATA, 1, true)
    local to = page:find("</script>", from, true)
    return page:sub(from + 1, to - 1)
end

local function data_of(page)
    return cjson.decode(data_text(page)).comparisons
end

-- A packed list as it was.
local function unpacked(packed)
    local list = {}
    if packed.values then
        for i, value in ipairs(packed.values) do
            list[i] = value < 0 and -1 or value * packed.unit
        end
        return list
    end
    for i = 1, #packed.steps, 2 do
        local value = packed.steps[i + 1]
        for at = packed.steps[i] + 1, packed.count do
            list[at] = value < 0 and -1 or value * packed.unit
        end
    end
    return list
end

local pages = {
    empty = function()
        return { freehold = "0.1.0", trace = { program = "nothing" }, runs = {} }
    end,
    tiny = function()
        return fixture.comparison { frames = 3, resources = 3, runs = 2 }
    end,
    one = function()
        return fixture.comparison { frames = 60, resources = 50, runs = 1, heaps = 1 }
    end,
    six = function()
        return fixture.comparison { frames = 900, resources = 900, runs = 6 }
    end,
    aliased = function()
        return fixture.comparison { frames = 600, resources = 400, runs = 3, heaps = 3,
            aliased = true }
    end,
    close = function()
        local comparison = fixture.comparison { frames = 5, resources = 30, runs = 3 }
        comparison.runs[3].watermarks = { 0.97, 0.5 }
        return comparison
    end,
    list = function()
        return {
            fixture.comparison { frames = 90, resources = 60, runs = 3, program = "game" },
            fixture.comparison { frames = 60, resources = 50, runs = 3, program = "viewer" },
        }
    end,
    large = function()
        return fixture.large(300000, 100000, 3)
    end,
    hostile = function()
        local names = {
            "</script><script>console.error('in')</script>", "\"'><img src=x onerror=alert(1)>",
            ("n"):rep(4096), "a\0\1\27[31m\xff\xfe\u{202E}x", "]]><!--<script>", "\u{2028}x",
        }
        local comparison = fixture.comparison {
            frames = 60, resources = 40, runs = 3, program = names[1],
            rename = function(i)
                return names[i % #names + 1]
            end,
        }
        comparison.trace.path = names[2] .. names[3]
        comparison.trace.damage = names[1]
        comparison.trace.tool = names[4]
        comparison.trace.device.name = names[3]
        comparison.runs[3].name = names[2] .. ("w"):rep(200)
        comparison.runs[3].policy = { names[1], names[3] }
        comparison.runs[3].options = { [names[5]] = names[1] }
        comparison.runs[3].causes[1].answer = names[3]
        comparison.runs[3].causes[1].script = names[2]
        comparison.runs[3].problems = { { script = names[5], error = names[1] } }
        return comparison
    end,
}

local made = {}
local function comparison_of(name)
    made[name] = made[name] or pages[name]()
    return made[name]
end

local rendered = {}
local function page_of(name)
    rendered[name] = rendered[name] or render(comparison_of(name))
    return rendered[name]
end

describe("the data of a report", function()
    it("has a point for each frame of a short run, and its peaks", function()
        local comparison = pages.aliased()
        local data = data_of(render(comparison))[1]
        assert.equal(600, data.axis.count)
        assert.equal(1, data.axis.step)
        for i, run in ipairs(comparison.runs) do
            local lines = data.runs[i].lines
            assert.same(run.samples.reserved_peak, unpacked(lines.reserved.high))
            assert.same(run.samples.committed, unpacked(lines.committed.high))
            local low = lines.reserved.low and unpacked(lines.reserved.low)
                or run.samples.reserved_peak
            assert.same(run.samples.reserved, low)
            assert.same(run.samples.heap2, unpacked(lines.heaps[3].reserved.high))
        end
        assert.same(comparison.runs[1].samples.time_ns, unpacked(data.axis.ends))
    end)

    it("loses no peak where frames share a point", function()
        local comparison = comparison_of "large"
        local data = data_of(page_of "large")[1]
        assert.is_true(data.axis.count <= 1500)
        assert.is_true(data.axis.count * data.axis.step >= 100000)
        local samples, line = comparison.runs[2].samples, data.runs[2].lines.reserved
        local high, low = unpacked(line.high), unpacked(line.low)
        local peak = 0
        for at = 1, data.axis.count do
            local most, least = 0, math.huge
            for frame = (at - 1) * data.axis.step + 1, math.min(at * data.axis.step, 100000) do
                most = math.max(most, samples.reserved_peak[frame])
                least = math.min(least, samples.reserved[frame])
            end
            peak = math.max(peak, most)
            assert.equal(most, high[at])
            assert.equal(least, low[at])
        end
        assert.equal(777 * MiB, peak)
    end)

    it("counts what happened, however many frames share a point", function()
        local comparison = comparison_of "large"
        local data = data_of(page_of "large")[1]
        for _, name in ipairs { "refused", "evicted" } do
            local sum, marked = 0, 0
            for _, count in ipairs(comparison.runs[1].samples[name]) do
                sum = sum + count
            end
            local pairs_of = data.runs[1].lines[name]
            for i = 2, #pairs_of, 2 do
                marked = marked + pairs_of[i]
            end
            assert.is_true(sum > 0)
            assert.equal(sum, marked)
        end
    end)

    it("tells none from nothing: a limit that there is not", function()
        local data = data_of(page_of "six")[1]
        assert.equal(-1, unpacked(data.runs[1].lines.limit.high)[1])
        assert.equal(160 * MiB, unpacked(data.runs[3].lines.limit.high)[1])
    end)

    it("has every span, drawn by itself or counted", function()
        local comparison = comparison_of "large"
        local data = data_of(page_of "large")[1]
        for i, run in ipairs(data.runs) do
            local map, counted = run.map, 0
            assert.equal(40, #map.blocks.size)
            assert.is_true(#map.spans.size <= 3000)
            for _, rest in ipairs(map.rests) do
                local begun = 0
                for k = 4, #rest.cells, 4 do
                    begun = begun + rest.cells[k]
                end
                assert.equal(rest.count, begun)
                counted = counted + rest.count
            end
            assert.equal(#comparison.runs[i].spans.size, #map.spans.size + counted)
            local in_blocks = 0
            for _, count in ipairs(map.blocks.spans) do
                in_blocks = in_blocks + count
            end
            assert.equal(#comparison.runs[i].spans.size, in_blocks)
            assert.equal(300000, map.span_count)
        end
    end)

    it("draws the largest spans, not those that come first", function()
        local comparison = fixture.large(20000, 5000, 1)
        local spans = comparison.runs[1].spans
        local last = #spans.size
        spans.size[last], spans.offset[last] = 64 * MiB, 0
        spans.born_frame[last], spans.gone_ns[last] = 1, false
        local map = data_of(render(comparison))[1].runs[1].map
        local found = false
        for _, size in ipairs(map.spans.size) do
            found = found or size == 64 * MiB
        end
        assert.is_true(found)
    end)

    it("has every block, drawn by itself or counted", function()
        local data = data_of(page_of "six")[1]
        local map = data.runs[6].map
        local count = #map.blocks.size
        assert.equal(400, count)
        for _, kind in ipairs(map.others) do
            count = count + kind.grid.count
        end
        assert.equal(map.block_count, count)
    end)

    it("gives spans that overlap different slots, and others none", function()
        local spans = data_of(page_of "aliased")[1].runs[2].map.spans
        local striped = 0
        local function gone(i)
            return spans.gone[i] < 0 and math.huge or spans.gone[i]
        end
        for i = 1, #spans.block do
            local overlaps = false
            for k = 1, #spans.block do
                if k ~= i and spans.block[k] == spans.block[i]
                    and spans.born[k] < gone(i) and spans.born[i] < gone(k)
                    and spans.offset[k] < spans.offset[i] + spans.size[i]
                    and spans.offset[i] < spans.offset[k] + spans.size[k]
                then
                    overlaps = true
                    assert.not_equal(spans.slot[i], spans.slot[k])
                    assert.equal(spans.slots[i], spans.slots[k])
                end
            end
            assert.equal(overlaps, spans.slots[i] > 1)
            assert.is_true(spans.slot[i] < spans.slots[i])
            striped = striped + (overlaps and 1 or 0)
        end
        assert.is_true(striped > 20)
    end)

    it("names each resource once, for all runs", function()
        local data = data_of(page_of "six")[1]
        local ids, seen = data.resources.columns.id, {}
        assert.equal(900, #ids)
        for _, id in ipairs(ids) do
            assert.is_nil(seen[id])
            seen[id] = true
        end
    end)

    it("takes what spans say of themselves, and raw memory", function()
        local comparison = pages.tiny()
        local spans = comparison.runs[1].spans
        spans.kind, spans.name, spans.usage = {}, {}, {}
        for i = 1, #spans.block do
            spans.kind[i], spans.name[i], spans.usage[i] = "texture", "own name " .. i,
                "sampled|copy_dst"
        end
        spans.resource[1] = 0
        comparison.resource = nil
        comparison.runs[2].spans.resource[1] = 77
        local data = data_of(render(comparison))[1]
        local words = table.concat(data.resources.words, "\n")
        assert.is_truthy(words:find("own name 2", 1, true))
        assert.is_truthy(words:find("sampled copy_dst", 1, true))
        assert.equal(-1, data.runs[1].map.spans.resource[1])
    end)

    it("says what makes figures doubtful", function()
        local comparison = pages.tiny()
        comparison.trace.damage = "the file ends in the middle of chunk 7"
        comparison.trace.dropped = 12345
        comparison.trace.has_uses = false
        comparison.trace.frames_by = "submits"
        comparison.trace.ignored = 1
        comparison.trace.device.id = 1
        comparison.trace.other_devices = { { id = 2, name = "a second card",
            peak_reserved = 4 * MiB } }
        comparison.trace.remarks = { "The log does not tell sizes." }
        comparison.trace.imported = { lost_count = 2, remarks = { "line 4: it is no row." } }
        comparison.runs[2].figures.refused_count = 3
        comparison.runs[2].figures.miss_count = 1
        comparison.runs[2].figures.decision_failed_count = 2
        local notes = {}
        for i, note in ipairs(data_of(render(comparison))[1].notes) do
            notes[i] = note.level .. ": " .. note.text
        end
        local all = table.concat(notes, "\n")
        for _, part in ipairs {
            "warning: The trace is damaged: the file ends in the middle of chunk 7. ",
            "warning: 12,345 events could not be recorded", "note: Eviction is off",
            "note: The program presents nothing",
            "warning: 1 event of objects that the trace does not know: left out.",
            "note: This is device 1; the trace has others: 2 (a second card, at most 4 MiB).",
            "note: The log does not tell sizes.",
            "warning: 2 lines of the log could not be read, and this is why: line 4: it is no row.",
            "asked for in vain: native rules refused 3 requests, and saw 1 use of a resource that "
                .. "had no memory.",
            "warning: native rules: scripts failed or were stopped in "
                .. "2 decisions",
        } do
            assert.is_truthy(all:find(part, 1, true), part .. " is not in\n" .. all)
        end
        assert.same({}, data_of(page_of "tiny")[1].notes)
    end)

    it("does without samples, blocks, spans, and all else that may be missing", function()
        for _, comparison in ipairs {
            {}, { {} }, { runs = {} }, { runs = { { name = "a" } } }, { trace = {} },
            { runs = { { name = "a", samples = {}, blocks = {}, spans = {}, causes = {} } } },
        } do
            assert.is_truthy(render(comparison):find("</html>", 1, true))
        end
    end)
end)

describe("the file of a report", function()
    it("is one file that asks for nothing from anywhere", function()
        local page = page_of "six"
        local rest = page:gsub("http://www%.w3%.org/2000/svg", "")
        assert.is_nil(rest:find("https?://"))
        assert.is_nil(rest:find("src=", 1, true))
        assert.is_nil(rest:find("@import", 1, true))
        assert.is_nil(rest:find("url(", 1, true))
        for link in rest:gmatch("href=(%b\"\")") do
            assert.equal('"data:,"', link)
        end
        assert.is_truthy(page:find("default-src 'none'", 1, true))
        assert.is_nil(page:find("{{", 1, true))
    end)

    it("is small, whatever it is of", function()
        assert.is_true(#page_of "tiny" < 256 * 1024)
        assert.is_true(#page_of "large" < 3 * MiB)
        assert.is_true(#page_of "six" < MiB)
    end)

    it("is not left by the names that are in it", function()
        local page = page_of "hostile"
        local count = 0
        for _ in page:gmatch("</script") do
            count = count + 1
        end
        assert.equal(2, count)
        assert.is_nil(data_text(page):find("<", 1, true))
        assert.is_nil(page:find("[\0-\8\11-\31]"))
        assert.is_truthy(utf8.len(page))
        assert.is_nil(page:match("<title>(.-)</title>"):find("[<>]"))
        local data = data_of(page)[1]
        assert.equal("</script><script>console.error('in')</script>", data.trace.program)
        for _, word in ipairs(data.resources.words) do
            assert.is_true(#word < 1000)
        end
    end)

    it("is the same for the same comparison", function()
        assert.equal(page_of "aliased", render(pages.aliased()))
    end)
end)

--------------------------------------------------------------------------------------------------
-- In a browser

local probe
local shown = {}

-- What the probe tells of a page; pending where there is no browser.
local function look(name, width, scheme)
    local key = name .. width .. scheme
    if not shown[key] then
        probe = probe or support.read(support.root .. "/tests/spec/report_probe.js")
        local told, console, picture = browser.show(page_of(name), probe,
            { width = width, height = 2400, scheme = scheme })
        assert(told, "the page told nothing:\n" .. table.concat(console, "\n"))
        shown[key] = { told = cjson.decode(told), console = console, picture = picture }
        local folder = os.getenv("FREEHOLD_PICTURES")
        if folder then
            support.write(("%s/report-%s-%d-%s.png"):format(folder, name, width, scheme), picture)
        end
    end
    return shown[key].told, shown[key].console, shown[key].picture
end

-- Blanks at which no line ends are blanks.
local function plain(source)
    return (source:gsub("\u{A0}", " "))
end

local function has(source, ...)
    for _, part in ipairs { ... } do
        assert.is_truthy(plain(source):find(part, 1, true),
            ("%q is not in %q"):format(part, source))
    end
end

local function in_browser(name, test)
    it(name, function()
        if not browser.find() then
            pending "there is no Chromium here"
            return
        end
        test()
    end)
end

-- Red, green and blue of "rgb(1, 2, 3)", added up.
local function brightness(color)
    local sum = 0
    for part in color:gmatch("%d+") do
        sum = sum + tonumber(part)
    end
    return sum
end

describe("a report in a browser", function()
    for _, case in ipairs {
        { "empty", 400, "dark" }, { "tiny", 400, "light" }, { "one", 1280, "light" },
        { "six", 1280, "light" }, { "six", 400, "dark" }, { "aliased", 1280, "dark" },
        { "aliased", 400, "light" }, { "list", 400, "dark" }, { "large", 1280, "light" },
        { "hostile", 400, "light" }, { "hostile", 1280, "dark" },
    } do
        local name, width, scheme = table.unpack(case)
        in_browser(("%s fits into %d pixels, %s, without complaints"):format(name, width, scheme),
            function()
                local told, console, picture = look(name, width, scheme)
                assert.same({}, told.errors)
                assert.same({}, console)
                assert.equal(width, told.width)
                assert.is_true(told.scrollWidth <= width, "it is " .. told.scrollWidth .. " wide")
                assert.same({}, told.outside)
                assert.equal("\137PNG\r\n\26\n", picture:sub(1, 8))
                assert.equal(math.max(width, 520), (">I4"):unpack(picture, 17))
                assert.is_true((scheme == "dark") == (brightness(told.background) < 200))
                assert.is_true(brightness(told.dark) < 200)
                assert.is_true(told.themeBack)
                assert.equal(0, told.images)
                assert.equal(3, told.scripts)
            end)
    end

    in_browser("has lines, reference lines and marks in its charts", function()
        for _, case in ipairs { { "six", 1280, "light" }, { "six", 400, "dark" } } do
            local told = look(table.unpack(case))
            assert.equal(5, #told.canvases)
            for i = 1, 3 do
                for run = 0, 5 do
                    assert.is_true((told.canvases[i]["run-" .. run] or 0) > 10,
                        ("run %d in chart %d"):format(run, i))
                end
            end
            local timeline = told.canvases[1]
            assert.is_true(timeline.reference > 5)
            assert.is_true(timeline.refused > 20)
            assert.is_true(timeline.evicted > 20)
        end
        local told = look("tiny", 400, "light")
        assert.is_true(told.canvases[1]["run-0"] > 50)
        assert.is_true(told.canvases[1]["run-1"] > 50)
    end)

    in_browser("counts whole frames from 1 on", function()
        for _, case in ipairs { { "tiny", 400, "light" }, { "one", 1280, "light" },
            { "six", 1280, "light" }, { "large", 1280, "light" } }
        do
            local told = look(table.unpack(case))
            for _, labels in ipairs { told.labels, told.labelsNear } do
                local numbers, seen = {}, {}
                for _, label in ipairs(labels) do
                    if label.base == "top" then
                        local number = math.tointeger(tonumber((label.text:gsub(",", ""))))
                        assert(number and number >= 1, label.text)
                        assert.is_nil(seen[number])
                        seen[number] = true
                        numbers[#numbers + 1] = number
                    end
                end
                assert.is_true(#numbers > 0)
                if labels == told.labels then
                    assert.equal(1, numbers[1])
                    assert.is_true(#numbers > 2)
                end
            end
        end
    end)

    in_browser("tells what came of the decisions of a line, each by itself", function()
        local text = look("six", 1280, "light").text:gsub("%s+", " ")
        has(text, "Placed Evicted Refused Last answer", "40 (300 MiB) – – device, dedicated prefer",
            "– 4 (16 MiB) 1 (4 MiB) retry, trim, evict")
    end)

    in_browser("writes no label over another", function()
        local found = 0
        for _, case in ipairs { { "close", 1280, "light" }, { "close", 400, "dark" },
            { "six", 1280, "light" }, { "six", 400, "dark" } }
        do
            local told = look(table.unpack(case))
            local labels = {}
            for _, label in ipairs(told.labels) do
                if label.align == "right" and label.base == "bottom" then
                    labels[#labels + 1] = label
                end
            end
            for i, a in ipairs(labels) do
                for k = 1, i - 1 do
                    local b = labels[k]
                    assert.is_true(math.abs(a.y - b.y) >= 12 or a.x + 8 <= b.x - b.wide
                        or b.x + 8 <= a.x - a.wide, a.text .. " and " .. b.text)
                end
            end
            found = found + #labels
            -- The mark stands below its line when the limit's line would go through it.
            if case[1] == "close" and case[2] == 1280 then
                local limit, mark
                for _, label in ipairs(labels) do
                    limit = label.text:find("^limit") and label or limit
                    mark = label.text:find("^97") and label or mark
                end
                assert.is_true(mark.y > limit.y + 12)
                assert.is_true(mark.y - limit.y < 60)
            end
        end
        assert.is_true(found > 8)
    end)

    in_browser("has blocks and spans in its maps", function()
        for _, name in ipairs { "six", "aliased" } do
            local told = look(name, name == "six" and 400 or 1280, "dark")
            for i = 4, 5 do
                assert.is_true(told.canvases[i]["kind-texture"] > 1000)
                assert.is_true(told.canvases[i]["kind-buffer"] > 500)
                assert.is_true(told.canvases[i].block > 500)
            end
        end
        -- Stripes of the second slot are of a colour of their own.
        local told = look("aliased", 1280, "dark")
        assert.is_true(told.canvases[4]["kind-texture-2"] > 200)
        -- And nothing is striped where nothing overlaps.
        told = look("one", 1280, "light")
        assert.is_nil(told.canvases[4]["kind-texture-2"])
        assert.is_true(told.canvases[4]["kind-texture"] > 500)
    end)

    in_browser("tells at a point of a chart what all runs have", function()
        local told = look("six", 1280, "light")
        has(told.chartTip, "frame ", " s\n", "as recorded", "native rules", "budget", "tiers",
            "strict", "dedicated", "MiB", "160 MiB")
        assert.is_true(told.tipGone)
        told = look("large", 1280, "light")
        has(told.chartTip, "frames ", " to ", " – ", "MiB", "least – most")
    end)

    in_browser("tells of a span what it is, where, when and why", function()
        local told = look("aliased", 1280, "dark")
        has(told.spanTip, "size", "offset", "MiB", "memory", "Heap ", "type ", "lives", "frame",
            "why", "the program", "aliased", "a block of 64 MiB")
        has(told.blockTip, "spans", "lives", "offset")
        assert.is_true(told.tipInside)
        assert.is_true(look("aliased", 400, "light").tipInside)
        has(told.keyText, "size", "why")
        has(look("hostile", 400, "light").spanTip, "why")
    end)

    in_browser("shows a block alone", function()
        local told = look("six", 1280, "light")
        assert.equal("All blocks", told.alone[1])
        assert.is_true(told.aloneDiffers)
        assert.equal("All at once", told.aloneAfter[1])
    end)

    in_browser("shows all blocks at once that are more than there is room for", function()
        local told = look("six", 1280, "light")
        assert.equal(480, told.heightBefore)
        assert.is_true(told.heightAll > 600)
        assert.is_nil(look("one", 1280, "light").heightAll)
    end)

    in_browser("zooms by pointer, wheel and keys, and back", function()
        for _, case in ipairs { { "six", 1280, "light" }, { "aliased", 400, "light" } } do
            local told = look(table.unpack(case))
            local all = told.rangeBefore
            assert.is_truthy(all:find("^frames 1 to [69]00$"))
            assert.equal(all, told.rangeReset)
            local seen = { [all] = true }
            for _, name in ipairs { "rangeDragged", "rangeWheel", "rangeKey" } do
                assert.is_nil(seen[told[name]], name)
                seen[told[name]] = true
                local from, to = told[name]:match("^frames (%d+) to (%d+)$")
                assert.is_true(tonumber(from) > 1 and tonumber(to) < 900)
            end
            has(told.keyChart, "frame ", "as recorded")
        end
    end)

    in_browser("leaves out the runs that are not wanted, and shows one heap", function()
        local told = look("six", 1280, "light")
        assert.is_nil(told.without["run-1"])
        assert.is_true(told.without["run-0"] > 10)
        assert.same({ "All heaps", "Heap 0, device", "Heap 1, host" }, told.heaps)
        assert.is_true(told.heap["run-1"] > 10)
        assert.not_same(told.canvases[1], told.heap)
        assert.equal(4, #look("aliased", 1280, "dark").heaps)
        assert.equal(0, #look("one", 1280, "light").heaps)
    end)

    in_browser("compares by amount, part and word", function()
        local text = look("six", 1280, "light").text
        has(text, "Reserved, peak", "1.63 GiB", "better", "worse than as recorded", "−90.4 %",
            "−1.47 GiB", "Zero in every run:", "budget.lua:42", "device, dedicated prefer",
            "Decisions a second", "limit = 160 MiB")
        has(look("one", 1280, "light").text, "No script decided anything")
    end)

    in_browser("shows one trace of several, and all in a table", function()
        local told = look("list", 400, "dark")
        assert.same({ "game", "viewer" }, told.traces)
        assert.equal("viewer", told.second)
    end)

    in_browser("shows hostile names as they are", function()
        local told = look("hostile", 1280, "dark")
        has(told.text, "</script><script>console.error('in')</script>",
            "\"'><img src=x onerror=alert(1)>")
        has(told.title, "</script>")
    end)
end)
