-- The examples: they run to their end, and say what they promise.

local cjson = require "cjson"
local support = require "tests.spec.support"

local quote = support.quote

-- Runs the example of that name; returns what it printed.
local function run(name, arguments)
    local program = quote(support.build .. "/example_" .. name)
    local output, complaints, code = support.run_program(program .. " " .. (arguments or ""))
    assert.equal("", complaints)
    assert.equal(0, code)
    return output
end

local function is_there(name)
    local file = io.open(support.build .. "/example_" .. name, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end

local function contains(text, part)
    assert.is_truthy(text:find(part, 1, true), ("no '%s' in:\n%s"):format(part, text))
end

describe("the examples", function()
    it("compile by the line in their first comment, without a warning", function()
        for _, name in ipairs { "block", "device" } do
            local folder = support.folder()
            local source = ("%s/examples/%s.c"):format(support.root, name)
            local _, complaints, code = support.run(("unset LD_PRELOAD; %s %s %s -pthread -o %s")
                :format(support.cc(), quote(source), quote(support.build .. "/libfreehold.a"),
                    quote(folder .. "/program")))
            support.remove(folder)
            assert.equal("", complaints)
            assert.equal(0, code)
        end
    end)

    it("show blocks in C", function()
        contains(run "block", "FH_ERR_STALE")
    end)

    it("show blocks in Lua", function()
        local output, complaints, code = support.lua(quote(support.root .. "/examples/block.lua"))
        assert.equal("", complaints)
        assert.equal(0, code)
        contains(output, "min_offset")
    end)

    it("show a device in C, and dump it", function()
        local folder = support.folder()
        local path = folder .. "/device.json"
        local output = run("device", quote(path))
        local dump = cjson.decode(support.read(path))
        support.remove(folder)
        contains(output, "discrete-8g")
        contains(output, "FH_ERR_BUDGET:\n  268435456 bytes asked, ")
        contains(output, "limit 67108864: tag \"streaming\"")
        contains(output, "FH_ERR_STALE")
        contains(output, "Memory types:")
        assert.is_truthy(dump.General)
        assert.is_truthy(dump.Total)
    end)

    it("say when the dump cannot be written", function()
        local program = quote(support.build .. "/example_device")
        local _, complaints, code = support.run_program(program .. " /nowhere/device.json")
        contains(complaints, "/nowhere/device.json")
        assert.equal(1, code)
    end)

    it("put the allocator of a library in front of a device", function()
        if not is_there "allocator" then
            local _, _, code = support.run "pkg-config --exists jemalloc"
            assert.not_equal(0, code, "jemalloc is there, and the example was not built")
            pending "jemalloc is not installed"
            return
        end
        local output = run "allocator"
        contains(output, "jemalloc 5.")
        contains(output, "jemalloc's arena is gone")
        -- What the arena has does not grow when places are used again, and textures pass it by.
        local has = {}
        for bytes in output:gmatch "jemalloc has ([%d.]+)" do
            has[#has + 1] = bytes
        end
        assert.is_true(#has >= 5 and tonumber(has[1]) > 0)
        assert.equal(has[1], has[#has])
    end)
end)
