-- The terminal behind the standard output, if there is one: its size, and what it can show.

local picture = require "freehold.cli.picture"

local terminal = {}

-- A shell's built-in tells: Lua has no such function. Where there is no such shell, there is none.
local tests = { [1] = "test -t 1 2>/dev/null", [2] = "test -t 2" }

local function is_there(stream)
    local name = os.getenv("TERM")
    return name and name ~= "" and name ~= "dumb" and os.execute(tests[stream]) == true
end

local function number(text)
    local value = math.tointeger(tonumber(text))
    return value and value > 0 and value or nil
end

--- Its size now, in characters.
---@return integer columns
---@return integer rows
function terminal.size()
    local pipe = io.popen("stty size 2>/dev/null </dev/tty", "r")
    local answer = pipe and pipe:read("a") or ""
    if pipe then
        pipe:close()
    end
    local rows, columns = answer:match("^(%d+) (%d+)")
    return number(columns) or number(os.getenv("COLUMNS")) or 80,
        number(rows) or number(os.getenv("LINES")) or 24
end

--- The terminal, or nil when the output goes somewhere else; `stream` is 1, the standard output, or
--- 2, where complaints go.
---@param stream integer? default 1
---@return { unicode: boolean, colour: boolean }?
function terminal.open(stream)
    if not is_there(stream or 1) then
        return nil
    end
    local plain = os.getenv("NO_COLOR")
    return { unicode = picture.has_unicode(), colour = not plain or plain == "" }
end

return terminal
