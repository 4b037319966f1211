-- The `freehold` command. One file per command beside this one; what is common is here: the command
-- line, where text goes, and how things end.
--
-- Exit codes: 0 done · 1 it could not be done (a file, a full disk) · 2 it was asked for wrongly ·
-- 130 it was interrupted. `freehold record` ends with the code of the program that it ran.

local text = require "freehold.cli.text"

local main = {}

local commands = {
    "block", "check", "eval", "export", "import", "info", "record", "replay", "run",
}

-- The metatable of what is raised to end early, so that nobody takes it for a mistake of ours.
local Ending = {}

local function finish(code, message)
    error(setmetatable({ code = code, message = message }, Ending), 0)
end

-- Text that could not be written is a failure, also when the disk fills up at the last byte.
local function checked(done, why, what)
    if not done then
        finish(1, ("cannot write %s: %s."):format(what, why))
    end
end

--- What a command has of the world.
---@class freehold.CliHost
local host = {}

--- Writes to the standard output.
---@param output string
function host.print(output)
    local done, why = io.stdout:write(output)
    checked(done, why, "the output")
end

--- Sends off what was printed: for whom watches.
function host.flush()
    local done, why = io.stdout:flush()
    checked(done, why, "the output")
end

--- Writes a whole file.
---@param path string
---@param content string
function host.write_file(path, content)
    local file, why = io.open(path, "wb")
    if not file then
        finish(1, ("cannot write %s. Give a file in a folder that is there, and yours to write to.")
            :format(why))
    end
    local done
    done, why = file:write(content)
    if done then
        done, why = file:close()
    else
        file:close()
    end
    checked(done, why, path)
end

--- Ends: it could not be done.
---@param message string
function host.fail(message)
    finish(1, message)
end

--- Ends: the command line asks for something that cannot be.
---@param message string
function host.misuse(message)
    finish(2, message)
end

--- Ends like a program that was run, with its exit code.
---@param code integer
---@param message string?
function host.finish(code, message)
    finish(code, message)
end

--- Ends: the user has had enough.
function host.interrupted()
    finish(130)
end

--- Whether what was raised is such an ending, for whom catches errors.
---@param problem any
---@return boolean
function host.is_ending(problem)
    return getmetatable(problem) == Ending
end

--- Whether what was raised is what stock Lua makes of Ctrl-C.
---@param problem any
---@return boolean
function host.is_interrupt(problem)
    return type(problem) == "string" and problem:find("interrupted!$") ~= nil
end

local function need(name, how)
    local found, module = pcall(require, name)
    if not found then
        finish(1, ("the Lua module '%s' cannot be loaded. %s\n\n%s"):format(name, how, module))
    end
    return module
end

-- argparse ends the process by itself for --help and for errors; here both end main() instead.
local function add_help(parser)
    parser:flag("-h --help", "show this help and exit"):action(function()
        host.print(parser:get_help() .. "\n")
        finish(0)
    end)
end

local function run(argv)
    local argparse = need("argparse",
        "Install it: apt-get install lua-argparse, or luarocks-5.4 install argparse.")
    local fh = need("freehold", "Build it with tools/build, and put its folder into LUA_CPATH.")

    local parser = argparse("freehold"):add_help(false):help_max_width(90)
    parser:description "Freehold decides where GPU memory comes from."
    parser:epilog "Help on a command: freehold COMMAND --help"
    parser:flag("--version", "print the version and exit"):action(function()
        host.print(("freehold %s\n"):format(fh.version))
        finish(0)
    end)
    add_help(parser)
    parser:command_target "command"
    parser.error = function(self, message)
        local what = self == parser and "freehold" or "freehold " .. self._name
        local stop = message:find("[.?]$") and "" or "."
        finish(2, ("%s%s\nMore: %s --help"):format(message, stop, what))
    end

    local known = {}
    for _, name in ipairs(commands) do
        known[name] = require("freehold.cli." .. name)
        local sub = parser:command(name):add_help(false)
        known[name].describe(sub)
        add_help(sub)
    end

    local named = known[argv[1]]
    local args = parser:parse(named and named.prepare and named.prepare(argv) or argv)
    known[args.command].run(args, host)
    finish(0)
end

local function traceback(problem)
    if host.is_interrupt(problem) then
        return setmetatable({ code = 130 }, Ending)
    end
    return host.is_ending(problem) and problem or debug.traceback(tostring(problem), 2)
end

--- Runs the command line `argv` (argv[1] is the first argument) and returns the exit code.
---@param argv string[]
---@return integer
function main.main(argv)
    local _, ending = xpcall(run, traceback, argv)
    if getmetatable(ending) ~= Ending then
        ending = {
            code = 1,
            message = "a mistake in freehold itself; please report this:\n" .. ending,
        }
    end
    -- What was printed must have got there.
    local flushed, why = io.stdout:flush()
    if ending.code == 0 and not flushed then
        ending = { code = 1, message = ("cannot write the output: %s."):format(why) }
    end
    if ending.message then
        io.stderr:write("freehold: ", text.clean(ending.message, true), "\n")
    end
    return ending.code
end

return main
