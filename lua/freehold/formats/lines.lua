-- The lines of a text file, whatever ends them, read in pieces: a file of any size, also one that
-- is a single line without an end.

local fh = require "freehold"
local source = require "freehold.formats.source"

local lines = {}

local PIECE = 1 << 18
local LINE_MAX = 1 << 16       -- what is longer is no line of any log

-- Pipes and devices are refused: they can be read once only, and opening a pipe waits for whoever
-- writes into it. What reads traces looks before it opens.
local function open(path)
    local reader, message, code = fh.trace_reader(path)
    if reader then
        reader:close()
    elseif code ~= "format" then
        source.fail(message, code)
    end
    local file, why = io.open(path, "rb")
    if not file then
        source.fail(("cannot read %s."):format(why), "io")
    end
    return file
end

-- A piece of the file, or nil at its end.
local function read(file, path, count)
    local piece, why = file:read(count)
    if not piece and why then
        source.fail(("cannot read %s: %s."):format(path, why), "io")
    end
    return piece
end

--- The first bytes of a file, without a byte order mark.
---@param path string
---@return string
function lines.head(path)
    local file <close> = open(path)
    local head = (read(file, path, 4096) or ""):gsub("^\xEF\xBB\xBF", "")
    return head
end

--- Calls `take(line, number)` for each line, without its end; the line is false where it is too
--- long to be one. Lines of nothing but blanks are left out.
---@param path string
---@param take fun(line: string|false, number: integer)
---@param progress fun(read: integer, all: integer)?
function lines.each(path, take, progress)
    local file <close> = open(path)
    local all = progress and file:seek("end") or 0
    if progress then
        file:seek("set")
    end
    local number, done, rest, too_long = 0, 0, "", false
    local function line(text)
        number = number + 1
        if number == 1 then
            text = text:gsub("^\xEF\xBB\xBF", "")
        end
        if text:byte(-1) == 13 then
            text = text:sub(1, -2)
        end
        if too_long then
            too_long = false
            take(false, number)
        elseif text:find("%S") then
            take(text, number)
        end
    end
    while true do
        local piece = read(file, path, PIECE)
        if not piece then
            break
        end
        done = done + #piece
        local from = 1
        while true do
            local stop = piece:find("\n", from, true)
            if not stop then
                break
            end
            line(rest .. piece:sub(from, stop - 1))
            rest, from = "", stop + 1
        end
        rest = rest .. piece:sub(from)
        if #rest > LINE_MAX then
            rest, too_long = "", true
        end
        if progress then
            progress(done, all)
        end
    end
    if rest ~= "" or too_long then
        line(rest)
    end
end

return lines
