-- What the specs of `freehold`'s commands share: a command run as a program under stock Lua, and
-- what is expected of its end.

local assert = require "luassert"
local support = require "tests.spec.support"

local command = {}

--- `list` as words of the shell.
function command.words(list)
    local quoted = {}
    for i, word in ipairs(list) do
        quoted[i] = support.quote(word)
    end
    return table.concat(quoted, " ")
end

--- A new folder, and the path of the program in it.
function command.folder()
    local folder = support.folder()
    local program = folder .. "/freehold.lua"
    support.write(program, [[os.exit(require("freehold.cli.main").main(arg), true)]])
    return folder, program
end

--- That `all` has each part.
function command.contains(all, ...)
    for _, part in ipairs { ... } do
        assert(all:find(part, 1, true), ("%q is not in %q"):format(part, all))
    end
end

--- Expectations of what `run(list)` does, which returns output, complaints and exit code: that it
--- works, and returns what it printed; that it ends with `code` and complains with all parts.
function command.expectations(run)
    local function works(list)
        local output, complaints, code = run(list)
        assert.equal("", complaints)
        assert.equal(0, code)
        return output
    end
    local function refuses(code, list, ...)
        local output, complaints, ending = run(list)
        assert.matches("^freehold: ", complaints)
        command.contains(complaints, ...)
        assert.equal(code, ending)
        return output
    end
    return works, refuses
end

return command
