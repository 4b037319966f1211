-- The programs in README.md, as they stand there. Each C block that has a main is compiled, without
-- a warning, and linked to the archive under test; each Lua block runs under stock Lua; all must
-- succeed. A Lua block that begins with a file's name and then returns is a policy, for `freehold
-- check`. Blocks in other languages are left alone.

local support = require "tests.spec.support"

local quote = support.quote

-- { language, first line, text } of each fenced block.
local function fenced_blocks(path)
    local blocks = {}
    local file = io.open(path, "rb")
    if not file then
        return blocks
    end
    local current, number = nil, 0
    for line in file:lines() do
        number = number + 1
        local fence = line:match("^%s*```(.*)$")
        if fence and current then
            current.text = table.concat(current.lines, "\n") .. "\n"
            blocks[#blocks + 1] = current
            current = nil
        elseif fence then
            current = { language = fence:match("^(%w*)"), line = number + 1, lines = {} }
        elseif current then
            current.lines[#current.lines + 1] = line
        end
    end
    file:close()
    return blocks
end

local run = {}

function run.c(text, folder)
    local source, program = folder .. "/readme.c", folder .. "/readme"
    support.write(source, text)
    local _, complaints, code = support.run(
        ("unset LD_PRELOAD; %s %s %s -lm -pthread -o %s"):format(support.cc(), quote(source),
            quote(support.build .. "/libfreehold.a"), quote(program)))
    assert.equal("", complaints)
    assert.equal(0, code)
    return support.run_program(quote(program))
end

function run.lua(text, folder)
    local source = folder .. "/readme.lua"
    support.write(source, text)
    if text:find("^%-%- [%w_]+%.lua\nreturn") then
        return support.run(("%s %s check %s"):format(support.environment(),
            quote(support.build .. "/freehold"), quote(source)))
    end
    return support.lua(quote(source))
end

describe("README.md", function()
    local blocks = fenced_blocks(support.root .. "/README.md")

    for _, block in ipairs(blocks) do
        local runs = run[block.language]
        if runs and (block.language ~= "c" or block.text:find("main%s*%(")) then
            local title = "has a %s program in line %d that runs"
            it(title:format(block.language, block.line), function()
                local folder = support.folder()
                local output, complaints, code = runs(block.text, folder)
                support.remove(folder)
                assert.equal("", complaints)
                assert.equal(0, code)
                assert.not_equal("", output)
            end)
        end
    end

    it("has a program in C and one in Lua", function()
        local found = {}
        for _, block in ipairs(blocks) do
            found[block.language] = true
        end
        assert.is_true(found.c)
        assert.is_true(found.lua)
    end)
end)
