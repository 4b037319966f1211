-- What tools/demo ends with: of each recording that it replays, the policies make something else
-- than the program did, and than each other. The arguments are read from tools/demo itself.

local cjson = require "cjson"
local commands = require "tests.spec.command"
local support = require "tests.spec.support"

-- The words of a list in tools/demo, such as recordings=(a b).
local function list(script, name)
    return assert(script:match("\n" .. name .. "=(%b())"), name):sub(2, -2)
end

-- Two runs' figures that differ, times left out.
local function differences(one, other)
    local count = 0
    for name, value in pairs(one) do
        if type(value) == "table" then
            count = count + differences(value, other[name])
        elseif value ~= other[name] then
            count = count + 1
        end
    end
    return count
end

describe("what tools/demo ends with", function()
    local folder, program

    setup(function()
        folder, program = commands.folder()
    end)

    teardown(function()
        support.remove(folder)
    end)

    local script = support.read(support.root .. "/tools/demo")
    local recordings = list(script, "recordings")

    local function replay(more)
        local output, complaints, code = support.run(("cd %s && %s lua5.4 %s replay %s %s %s %s")
            :format(support.quote(support.root), support.environment(), support.quote(program),
                recordings, list(script, "policies"), list(script, "limits"), more))
        assert.equal("", complaints)
        assert.equal(0, code)
        return output
    end

    it("is what README.md shows, but for the times", function()
        local shown = support.read(support.root .. "/README.md"):match("\n```text\n(.-)```\n")
        local function without_times(text)
            return (text:gsub("time [^\n]*", ""):gsub("decisions a second[^\n]*", ""))
        end
        commands.contains(without_times(replay("")), without_times(shown))
    end)

    it("has something to decide", function()
        local output = replay("--json")
        local compared = cjson.decode(output)
        local comparisons = compared.comparisons or { compared }
        local _, count = recordings:gsub("%S+", "")
        assert.equal(2, count)
        assert.equal(count, #comparisons)
        for _, comparison in ipairs(comparisons) do
            local runs = comparison.runs
            assert.equal(3, #runs)
            for i = 1, 3 do
                for j = i + 1, 3 do
                    local one, other = runs[i].figures, runs[j].figures
                    assert(differences(one, other) >= 3, ("%s: %s and %s differ in too little")
                        :format(comparison.trace.path, runs[i].name, runs[j].name))
                end
            end
        end
    end)
end)
