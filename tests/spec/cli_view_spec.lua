-- What the command shows: text of others made fit for a terminal, JSON in lines, values as Lua, and
-- the live view, drawn without a terminal.

local cjson = require "cjson"
local json = require "freehold.cli.json"
local literal = require "freehold.cli.literal"
local text = require "freehold.cli.text"
local view = require "freehold.cli.view"

describe("text", function()
    it("loses what steers a terminal", function()
        for source, clean in pairs {
            ["plain"] = "plain",
            ["\27[31mred\7"] = "?[31mred?",
            ["a\nb\tc"] = "a b c",
            ["\127\u{85}\u{9B}31m"] = "???31m",
            ["\u{202E}evil\u{2066}\u{200F}\u{2028}"] = "?evil???",
            ["\xFF\xC3(\xE2\x82"] = "??(??",
            ["größe ✓ 表"] = "größe ✓ 表",
            ["\xED\xA0\x80"] = "???", -- a surrogate
        } do
            assert.equal(clean, text.clean(source))
        end
        assert.equal("a\n    b?", text.clean("a\n\tb\r", true))
    end)

    it("is cut by columns", function()
        assert.equal("abc", text.cut("abc", 3))
        assert.equal("a..", text.cut("abcd", 3))
        assert.equal("..", text.cut("abcd", 2))
        assert.equal("", text.cut("abcd", 0))
        assert.equal("表..", text.cut("表表表", 5))
        assert.equal(6, text.width("表表表"))
        assert.equal(1, text.width("e\u{301}"))
        assert.equal("ü   ", text.fit("ü", 4))
        assert.equal("ab..", text.fit("abcdef", 4))
        for width = 0, 12 do
            assert(text.width(text.cut("a表ü\u{301}表bc表", width)) <= width)
        end
    end)

    it("finds the word that was meant", function()
        assert.equal(" Did you mean 'place'?", text.hint("plase", { "place", "evict" }))
        assert.equal(" There are 'place', 'evict'.", text.hint("nonsense", { "place", "evict" }))
        assert.equal(" There are 'a'.", text.hint(("x"):rep(100000), { "a" }))
    end)
end)

describe("JSON", function()
    it("may be one line, with some names first", function()
        assert.equal('{"event":"frame","frame":1,"a":[1,{"b":[]}],"limit":null}\n',
            json.line({ a = { 1, { b = json.list {} } }, limit = json.null, frame = 1,
                event = "frame" }, { "event", "nothing", "frame" }))
        assert.equal("{}\n", json.line {})
    end)

    it("is valid whatever a text has", function()
        local line = json.line { text = '\27[31m\0"\\\xFF\u{9B}\u{2028}é' }
        assert.equal(nil, line:sub(1, -2):find("[\0-\31]"))
        assert.equal(nil, line:find("\u{9B}", 1, true))
        assert.equal('\27[31m\0"\\\u{FFFD}\u{9B}\u{2028}é', cjson.decode(line).text)
        assert.equal(math.maxinteger, math.tointeger(
            json.line({ n = math.maxinteger }):match("%d+")))
    end)
end)

describe("a value as Lua", function()
    it("is what it was when it is read again", function()
        for _, value in ipairs {
            { memory = { "device", "upload" }, dedicated = "prefer", deny = false },
            { 1, 2, { 3 }, [7] = true, ["end"] = 1, ["a b"] = 2, [-1] = 0.25 },
            {}, "a\nb\"\\\0", 1, 1.0, 1e300, -0.1, true, 1 << 62,
        } do
            assert.same(value, load("return " .. literal.of(value))())
        end
        assert.equal("1.0", literal.of(1.0))
        assert.equal("math.huge", literal.of(math.huge))
        assert.equal("nil", literal.of(nil))
        assert.equal('{ "a", b = 1, c = { } }', (literal.of({ "a", c = {}, b = 1 })
            :gsub("{}", "{ }")))
    end)

    it("is fit for a terminal", function()
        assert.equal('"\\x1B[31m\u{FFFD}??"', literal.of "\27[31m\xFF\u{9B}\u{202E}")
    end)
end)

describe("the live view", function()
    local plain = { unicode = false, colour = false }

    local function shown(changes)
        local all = {
            title = "toy on discrete-8g", frames = 100, frame_rate = 59.9, decision_rate = 12.3,
            brief = {
                frame = 50, used = 96 << 20, made = 10, refused = 2, relieved = 1, evicted = 3,
                declined = 4, retiring = 1 << 20, driver_allocations = 5,
            },
            accounts = {
                { name = "total", used = 96 << 20, limit = 128 << 20 },
                { name = "texture", used = 64 << 20 },
            },
            history = { 1, 2, 4 }, remarks = {},
        }
        for key, value in pairs(changes or {}) do
            all[key] = value
        end
        return all
    end

    local function has(lines, part)
        local all = table.concat(lines, "\n")
        assert(all:find(part, 1, true), ("no %q in:\n%s"):format(part, all))
    end

    it("shows bytes against limits as bars", function()
        local lines = view.lines(shown(), 80, plain)
        has(lines, "toy on discrete-8g: frame 50 of 100, 59.9 a second")
        has(lines, ("#"):rep(40) .. ("."):rep(40))
        has(lines, "total          96 MiB of 128 MiB")
        has(lines, "########################.........   75 %")
        has(lines, "texture        64 MiB, no limit")
        has(lines, "10 made, 2 refused, 1 saved by relief")
        has(lines, "3 evicted, 4 declined, 1 MiB retiring, 5 driver allocations")
        has(lines, "the native rules")
    end)

    it("shows policies, their errors, and how much they decide", function()
        local lines = view.lines(shown {
            policy = { decision_count = 1234, scripts = {
                { name = "budget\27", version = 3, state = "rejected",
                    error = "budget.lua:7: \27]0;x\7 no\nstack" },
                { name = "tags", version = 1, state = "loaded", pending = true },
            } },
        }, 100, plain)
        has(lines, "policy         budget?, version 3, rejected, 1234 decisions, 12 a second")
        has(lines, "               budget.lua:7: ?]0;x? no\n")
        has(lines, "               tags, version 1, loaded, the next one waits for the frame")
    end)

    it("is as wide as there is room", function()
        for _, settings in ipairs { plain, { unicode = true, colour = false } } do
            for _, width in ipairs { 20, 25, 33, 40, 60, 79, 200 } do
                local lines = view.lines(shown {
                    title = ("表"):rep(100), remarks = { ("long "):rep(100) },
                    policy = { decision_count = 1 << 60, scripts = {
                        { name = ("x"):rep(63), version = 1, state = "loaded",
                            error = ("wrong "):rep(80) } } },
                }, width, settings)
                for _, line in ipairs(lines) do
                    assert(text.width(line) <= width, line)
                end
            end
        end
    end)

    it("has colours only where they are wanted", function()
        local coloured = view.lines(shown(), 60, { unicode = true, colour = true })
        has(coloured, "\27[33m") -- 75 %
        for i, line in ipairs(coloured) do
            line = line:gsub("\27%[%d*m", "")
            assert.equal(view.lines(shown(), 60, { unicode = true, colour = false })[i], line)
        end
    end)

    it("draws over itself, and asks for nothing that must be undone", function()
        local written = {}
        local live = view.live("toy", 100, plain, function(picture)
            written[#written + 1] = picture
        end)
        local all = shown()
        local rates = { frames = 60.0, decisions = 1.0 }
        live:draw(all.brief, all.accounts, nil, rates, 80, 24)
        live:remark("something")
        live:draw(all.brief, all.accounts, nil, rates, 80, 24)
        live:draw(all.brief, all.accounts, nil, rates, 80, 4)
        live:draw(all.brief, all.accounts, nil, rates, 80, 24)
        local function height(picture)
            return select(2, picture:gsub("\n", ""))
        end
        assert.matches("^\r[^\27]", written[1])
        for i = 2, 4 do
            assert.equal(height(written[i - 1]), tonumber(written[i]:match("^\r\27%[(%d+)A")))
        end
        assert.equal(height(written[1]) + 2, height(written[2])) -- the remark, and the history
        assert.equal(3, height(written[3]))
        for _, picture in ipairs(written) do
            for sequence in picture:gmatch("\27(%[?[%d?]*%a?)") do
                assert.matches("^%[%d*[AKJm]$", sequence)
            end
            assert.matches("\n\27%[J$", picture)
        end
    end)

    it("draws bars and histories of every share", function()
        for _, unicode in ipairs { true, false } do
            for share = -0.5, 1.5, 0.01 do
                local full, rest = view.bar(share, 10, unicode)
                assert.equal(10, utf8.len(full .. rest))
            end
            assert.equal(10, utf8.len(view.line_of({ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 10,
                unicode)))
            assert.equal("", view.line_of({}, 10, unicode))
            assert.equal(2, utf8.len(view.line_of({ 0, 0 }, 10, unicode)))
        end
    end)
end)
