-- docs/policies.md, as it stands there, from top to bottom in one folder:
--
--     lua      a file: its first line is a comment with its name. What is a policy passes
--              `freehold check`
--     console  commands after "$ ", each followed by what it prints, where "…" is anything
--     sh       a command that would run on and on: it is run for 30 frames
--     c        is put into a main() and run

local support = require "tests.spec.support"

local quote = support.quote
local guide = support.root .. "/docs/policies.md"

local function blocks_of(path)
    local blocks, current, number = {}, nil, 0
    for line in io.lines(path) do
        number = number + 1
        local fence = line:match("^```(.*)$")
        if fence and current then
            blocks[#blocks + 1], current = current, nil
        elseif fence then
            current = { language = fence, line = number + 1, lines = {} }
        elseif current then
            current.lines[#current.lines + 1] = line
        end
    end
    return blocks
end

-- Whether `said` is what the lines say, "…" standing for anything.
local function is_like(said, lines)
    local parts = {}
    for part in (table.concat(lines, "\n") .. "…"):gmatch("(.-)…") do
        parts[#parts + 1] = part:gsub("%p", "%%%0")
    end
    return said:gsub("%s+$", ""):find("^" .. table.concat(parts, ".-") .. "$") ~= nil
end

local folder

-- Programs of these names in the folder's bin/ are the ones under test.
local function provide(name, command)
    local path = folder .. "/bin/" .. name
    support.write(path, ('#!/bin/sh\nexec env %s %s "$@"\n'):format(support.environment(), command))
    assert(os.execute("chmod +x " .. quote(path)))
end

local function run(command)
    return support.run(("cd %s\nPATH=%s:$PATH\n{ %s\n} 2>&1"):format(quote(folder),
        quote(folder .. "/bin"), command))
end

local actors = {}

function actors.lua(lines)
    local name = assert(lines[1]:match("^%-%- ([%w_]+%.lua)$"), "a file needs its name")
    local text = table.concat(lines, "\n") .. "\n"
    support.write(folder .. "/" .. name, text)
    if text:find("^%-%-[^\n]*\nreturn") then
        local said, complaints, code = run("freehold check " .. name)
        assert.equal(0, code, said .. complaints)
    end
end

function actors.console(lines)
    local command, expected
    local function act()
        if command then
            local said = run(command)
            assert.is_true(is_like(said, expected), ("$ %s\nprinted\n%s\nand should print\n%s")
                :format(command, said, table.concat(expected, "\n")))
        end
    end
    for _, line in ipairs(lines) do
        local next_command = line:match("^%$ (.*)$")
        if next_command then
            act()
            command, expected = next_command, {}
        else
            expected[#expected + 1] = line
        end
    end
    act()
end

function actors.sh(lines)
    local said, complaints, code = run(table.concat(lines, "\n") .. " --frames 30")
    assert.equal(0, code, said .. complaints)
end

function actors.c(lines)
    -- What was set is in force after a tick.
    local text = table.concat(lines, "\n"):gsub("fh_policy_release", "fh_device_tick(device);\n%0")
    support.write(folder .. "/program.c", ([[
#include <freehold/freehold.h>
#include <stdio.h>
int main(void)
{
    fh_device *device;
    if (fh_device_create(&(fh_device_desc){0}, &device) != FH_OK) {
        return 1;
    }
%s
    fh_device_tick(device);
    fh_account_info account;
    fh_device_account(device, (fh_account){FH_ACCOUNT_TOTAL, 0}, &account);
    fh_device_destroy(device);
    return result == FH_OK && account.limit == 256 << 20 ? 0 : 1;
}
]]):format(text))
    local said, complaints, code = support.run(("cd %s && unset LD_PRELOAD && %s -I%s program.c %s"
        .. " -lm -ldl -pthread -o program && LD_LIBRARY_PATH=%s ./program"):format(
            quote(folder), support.cc(), quote(support.root .. "/include"),
            quote(support.build .. "/libfreehold.a"), quote(support.build)))
    assert.equal(0, code, said .. complaints)
end

describe("docs/policies.md", function()
    setup(function()
        folder = support.folder()
        assert(os.execute("mkdir " .. quote(folder .. "/bin")))
        provide("freehold", quote(support.build .. "/freehold"))
        provide("lua5.4", "/usr/bin/lua5.4")
        provide("busted", "/usr/bin/lua5.4 /usr/bin/busted --output=plainTerminal")
    end)

    teardown(function()
        support.remove(folder)
    end)

    it("knows what is like what", function()
        assert.is_true(is_like("a b\n", { "a b" }))
        assert.is_true(is_like("a (b) c\nd\n", { "…(b)…" }))
        assert.is_false(is_like("a b c", { "a b" }))
        assert.is_false(is_like("nothing", { "…(b)…" }))
    end)

    for _, block in ipairs(blocks_of(guide)) do
        it(("line %d: %s"):format(block.line, block.language), function()
            assert(actors[block.language], "no such language")(block.lines)
        end)
    end
end)
