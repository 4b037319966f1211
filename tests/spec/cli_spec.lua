-- The `freehold` command, run as a program under stock Lua.

local fh = require "freehold"
local cjson = require "cjson"
local support = require "tests.spec.support"

local quote = support.quote
local launch = quote [[os.exit(require("freehold.cli.main").main(arg), true)]]

-- Words that stand for themselves; `after` is for the shell.
local function freehold(words, after)
    local folder = support.folder()
    local script = folder .. "/freehold.lua"
    support.write(script, [[os.exit(require("freehold.cli.main").main(arg), true)]])
    local arguments = {}
    for i, word in ipairs(words) do
        arguments[i] = quote(word)
    end
    local output, complaints, code = support.lua(("%s %s %s"):format(
        quote(script), table.concat(arguments, " "), after or ""))
    support.remove(folder)
    return output, complaints, code
end

-- That the command line is refused with code 2, nothing printed, and a complaint with all parts.
local function misuse(words, ...)
    local output, complaints, code = freehold(words)
    assert.equal("", output)
    assert.equal(2, code)
    assert.matches("^freehold: ", complaints)
    for _, part in ipairs { ... } do
        assert.is_truthy(complaints:find(part, 1, true),
            ("%q is not in %q"):format(part, complaints))
    end
end

local function works(words)
    local output, complaints, code = freehold(words)
    assert.equal("", complaints)
    assert.equal(0, code)
    return output
end

describe("freehold", function()
    it("tells its version", function()
        assert.equal("freehold " .. fh.version .. "\n", works { "--version" })
    end)

    it("helps", function()
        assert.matches("Usage: freehold ", works { "--help" })
        assert.matches("Commands:.*block", works { "-h" })
        assert.matches("Usage: freehold block ", works { "block", "--help" })
    end)

    it("helps with the command line", function()
        misuse({}, "command", "freehold --help")
        misuse({ "blok" }, "unknown command 'blok'", "Did you mean 'block'?")
        misuse({ "--vresion" }, "unknown option '--vresion'")
        misuse({ "block", "--sze", "1" }, "unknown option '--sze'", "freehold block --help")
    end)

    it("notices that its output cannot be written", function()
        for _, words in ipairs {
            { "--version" }, { "--help" }, { "block" }, { "block", "--json" },
        } do
            local _, complaints, code = freehold(words, ">/dev/full")
            assert.equal(1, code)
            assert.equal("freehold: cannot write the output: No space left on device.\n",
                complaints)
        end
    end)

    it("says what to install when argparse is missing", function()
        local output, complaints, code = support.lua(
            "-e " .. quote [[package.preload.argparse = function() error("gone", 0) end]]
            .. " -e " .. launch)
        assert.equal("", output)
        assert.equal(1, code)
        assert.matches("apt%-get install lua%-argparse", complaints)
    end)

    it("says that the module is missing", function()
        local _, complaints, code = support.lua(
            "-e " .. quote [[package.cpath = "/nowhere/?.so"]] .. " -e " .. launch)
        assert.equal(1, code)
        assert.matches("the Lua module 'freehold' cannot be loaded%. Build it", complaints)
    end)
end)

describe("a picture", function()
    local picture = require "freehold.cli.picture"

    it("knows how full each stretch is", function()
        local block <close> = fh.block { size = 100 }
        local ranges = {}
        for i, size in ipairs { 5, 10, 40, 2, 43 } do
            ranges[i] = block:alloc(size)
        end
        ranges[2]:free()
        ranges[4]:free()
        local expected = { 0.5, 0.5, 1, 1, 1, 0.8, 1, 1, 1, 1 }
        for i, share in ipairs(picture.cells(block, 10)) do
            assert(math.abs(share - expected[i]) < 1e-9, i)
        end
        assert.equal("55###8####", picture.line(picture.cells(block, 10), false))
        assert.equal("▄▄███▆████", picture.line(picture.cells(block, 10), true))
        block:clear()
        assert.equal("..........", picture.line(picture.cells(block, 10), false))
    end)

    it("may have more stretches than there are units", function()
        local block <close> = fh.block { size = 3 }
        block:alloc(1)
        local line = picture.line(picture.cells(block, 7), false)
        assert.equal(7, #line)
        assert.matches("^##%d%.%.%.%.$", line)
    end)
end)

describe("freehold block", function()
    local folder

    before_each(function()
        folder = support.folder()
    end)

    after_each(function()
        support.remove(folder)
    end)

    it("shows a map and figures", function()
        local output = works { "block" }
        assert.matches("^A block of 64 MiB, tlsf, balanced%.\n", output)
        for _, word in ipairs { "used", "free", "fragmentation", "refused" } do
            assert.is_truthy(output:find("\n  " .. word, 1, true), word)
        end
        assert.equal(output, works { "block" })
        assert.not_equal(output, works { "block", "--seed", "2" })
    end)

    it("counts one and several", function()
        local output = works { "block", "--size", "4KiB", "--sizes", "1KiB", "--ops", "1" }
        for _, part in ipairs {
            "\n1 operation, ", " in 1 range\n", " in 1 gap, the largest 3 KiB\n",
            " 0 of 1 request (",
        } do
            assert.is_truthy(output:find(part, 1, true), part)
        end
        output = works { "block", "--size", "4KiB", "--sizes", "1KiB", "--ops", "2" }
        assert.is_truthy(output:find("\n2 operations, ", 1, true))
        assert.is_truthy(output:find(" in 2 ranges\n", 1, true))
    end)

    it("draws a block that has fewer bytes than the map has characters", function()
        local function map(...)
            local output = works {
                "block", "--sizes", "1", "--alignment", "1", "--ops", "1", "--size", ...
            }
            output = output:gsub("█", "#"):gsub("·", ".")
            return output:match("\n\n(.-\n)  %. free"), output:match("; a character is (.-)\n")
        end
        local drawn, scale = map("100")
        assert.equal("  #" .. ("."):rep(71) .. "\n  " .. ("."):rep(28) .. "\n", drawn)
        assert.equal("1 B", scale)
        assert.equal("  #\n", (map("1", "--fill", "1")))
        assert.equal("1.7 B", select(2, map("500")))
        local compared = works {
            "block", "--sizes", "1", "--alignment", "1", "--ops", "1", "--size", "9",
            "--strategy", "all",
        }
        assert.is_truthy(compared:gsub("█", "#"):gsub("·", ".")
            :find("\n  balanced    #........\n", 1, true))
    end)

    it("draws with what the locale has", function()
        local script = folder .. "/freehold.lua"
        support.write(script, [[os.exit(require("freehold.cli.main").main(arg), true)]])
        local function map(locale)
            return (support.run(("LC_ALL=%s %s lua5.4 %s block"):format(
                locale, support.environment(), quote(script))))
        end
        assert.is_nil(map("C"):find("[\128-\255]"))
        assert.is_truthy(map("C"):find("#", 1, true))
        assert.is_truthy(map("C.UTF-8"):find("█", 1, true))
        assert.is_nil(map("C.UTF-8"):find("#", 1, true))
    end)

    it("compares strategies", function()
        local output = works { "block", "--strategy", "all", "--ops", "2000" }
        for _, strategy in ipairs { "balanced", "min_time", "min_memory", "min_offset" } do
            local _, count = output:gsub("\n  " .. strategy .. " ", "")
            assert.equal(2, count, strategy)
        end
        output = works { "block", "--strategy", "min_time", "--strategy", "balanced",
            "--strategy", "min_time" }
        assert.is_truthy(output:find("min_time .*balanced .*min_time .*balanced "))
        assert.is_nil(output:find("min_offset", 1, true))
    end)

    it("prints figures as JSON", function()
        local dump = cjson.decode(works {
            "block", "--json", "--size", "1MiB", "--sizes", "1KiB:64KiB", "--ops", "5000",
            "--fill", "0.5", "--alignment", "64", "--seed", "7", "--strategy", "min_memory",
        })
        assert.equal(1048576, dump.size)
        assert.equal(1024, dump.size_min)
        assert.equal(65536, dump.size_max)
        assert.equal(0.5, dump.fill)
        assert.equal("random", dump.order)
        assert.equal(1, #dump.runs)
        local run = dump.runs[1]
        assert.equal("min_memory", run.strategy)
        assert.equal(1048576, run.range_bytes + run.free_bytes)
        assert(run.range_bytes <= 524288)
        assert(run.requests > 1000)
        assert(math.abs(run.fragmentation - (1 - run.free_max / run.free_bytes)) < 1e-4)
        assert.equal(4, #cjson.decode(works { "block", "--json", "--strategy", "all" }).runs)
    end)

    it("runs linear blocks in each order", function()
        for _, order in ipairs { "fifo", "lifo", "random" } do
            local run = cjson.decode(works {
                "block", "--algorithm", "linear", "--order", order, "--json",
                "--sizes", "256:64KiB",
            })
            assert.equal(order, run.order)
            assert.is_nil(run.runs[1].strategy)
            if order ~= "random" then
                assert.equal(0, run.runs[1].refused)
            end
        end
        assert.matches("fifo frees", works { "block", "--algorithm", "linear" })
    end)

    it("writes a picture", function()
        local path = folder .. "/block.svg"
        works { "block", "--svg", path, "--ops", "3000", "--strategy", "all" }
        local svg = support.read(path)
        assert.matches("^<svg xmlns=", svg)
        assert.matches("</svg>\n$", svg)
        local _, opened = svg:gsub("<[a-z]", "")
        local _, closed = svg:gsub("/>", "")
        local _, ended = svg:gsub("</", "")
        assert.equal(opened, closed + ended)
        assert.is_nil(svg:find("nan", 1, true))
        assert.is_nil(svg:find("e%+%d"))
        for _, strategy in ipairs { "balanced", "min_time", "min_memory", "min_offset" } do
            assert.is_truthy(svg:find(strategy, 1, true))
        end
    end)

    it("draws runs shorter than the picture is high", function()
        local path = folder .. "/block.svg"
        works { "block", "--svg", path, "--ops", "3" }
        assert.matches("</svg>\n$", support.read(path))
    end)

    it("writes a dump", function()
        local path = folder .. "/dump.json"
        works { "block", "--dump", path, "--ops", "500" }
        local text = support.read(path)
        assert.matches("}\n$", text)
        assert.equal(64 * fh.MiB, cjson.decode(text).Total.BlockBytes)
    end)

    it("notices that the last bytes of a file cannot be written", function()
        local _, complaints, code = freehold { "block", "--dump", "/dev/full", "--ops", "1" }
        assert.equal("freehold: cannot write /dev/full: No space left on device.\n", complaints)
        assert.equal(1, code)
    end)

    it("notices that a file cannot be written", function()
        for _, option in ipairs { "--svg", "--dump" } do
            for path, why in pairs {
                ["/dev/full"] = "No space left on device",
                [folder .. "/no/such/folder"] = "No such file or directory",
                [folder] = "Is a directory",
            } do
                local output, complaints, code = freehold { "block", option, path, "--ops", "500" }
                assert.equal("", output)
                assert.equal(1, code)
                assert.is_truthy(complaints:find("freehold: cannot write " .. path, 1, true))
                assert.is_truthy(complaints:find(why, 1, true))
            end
        end
    end)

    it("reads sizes", function()
        for text, bytes in pairs {
            ["1048576"] = 1048576, ["1MiB"] = 1048576, ["1 MiB"] = 1048576, ["1.5MiB"] = 1572864,
            ["1GiB"] = 1 << 30, ["1TiB"] = 1 << 40, ["2048B"] = 2048, ["2KiB"] = 2048,
            ["9223372036854775807"] = math.maxinteger,
            ["8388607.5TiB"] = math.maxinteger - (1 << 39) + 1,
        } do
            local output = works {
                "block", "--json", "--ops", "10", "--sizes", "1:256", "--size", text,
            }
            assert.equal(bytes, math.tointeger(output:match('"block_bytes": (%d+)')), text)
        end
    end)

    it("refuses what makes no sense, and says what would", function()
        misuse({ "block", "--size", "64MB" }, "'64MB' is no size", "such as 64MiB")
        misuse({ "block", "--size", "" }, "'' is no size")
        misuse({ "block", "--size=-1" }, "'-1' is no size")
        misuse({ "block", "--size", "0.3KiB" }, "no whole number of bytes")
        misuse({ "block", "--size", "9999999TiB" }, "too large")
        misuse({ "block", "--size", "9223372036854775808" }, "too large",
            "the largest size is 9223372036854775807 bytes")
        misuse({ "block", "--size", "99999999999999999999" }, "too large")
        misuse({ "block", "--size", "8388608.0TiB" }, "too large")
        misuse({ "block", "--size", "0" }, "'0' is no size of a block. Give at least 1.")
        misuse({ "block", "--size", "1KiB" }, "requests of up to 4 MiB do not fit a block of 1 KiB")
        misuse({ "block", "--ops", "0" }, "'0' is no count")
        misuse({ "block", "--ops", "many" }, "'many' is no count")
        misuse({ "block", "--ops", "2000000000" }, "is no count")
        misuse({ "block", "--fill", "1.1" }, "'1.1' is no share", "such as 0.9")
        misuse({ "block", "--fill", "nan" }, "'nan' is no share")
        misuse({ "block", "--seed", "x" }, "'x' is no seed")
        misuse({ "block", "--sizes", "2:1" }, "'2:1' is no range of sizes")
        misuse({ "block", "--sizes", "0:1" }, "'0:1' is no range of sizes")
        misuse({ "block", "--sizes", "a:b" }, "'a' is no size")
        for _, alignment in ipairs { "0", "3", "1.5KiB" } do
            misuse({ "block", "--alignment", alignment },
                ("'%s' is no alignment. Give a power of two"):format(alignment))
        end
        misuse({ "block", "--algorithm", "buddy" }, "must be one of 'tlsf', 'linear'")
        misuse({ "block", "--strategy", "worst" }, "must be one of 'balanced'")
        misuse({ "block", "--order", "sorted" }, "must be one of 'random'")
        misuse({ "block", "--algorithm", "linear", "--strategy", "all" },
            "a linear block has no strategies", "--algorithm tlsf")
        misuse({ "block", "--dump", folder .. "/x", "--strategy", "all" },
            "--dump writes one block. Give one --strategy.")
    end)
end)
