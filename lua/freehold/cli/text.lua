-- Text of others (scripts, files, command lines) made fit for a terminal: no control characters, no
-- invalid UTF-8, and as wide as there is room.

local text = {}

-- The next character of `source` at `at`: its bytes, its code point, and where the one after it
-- begins. The code point is nil where the bytes are no UTF-8; then it is one byte.
local function next_character(source, at)
    local length = utf8.len(source, at, at)
    if not length then
        return source:sub(at, at), nil, at + 1
    end
    local stop = utf8.offset(source, 2, at)
    return source:sub(at, stop - 1), utf8.codepoint(source, at), stop
end

-- Characters that steer what shows them: C0, DEL, C1, line and paragraph separators, and those that
-- turn the direction of writing around.
local function steers(code)
    return code < 32 or code >= 127 and code < 160 or code >= 0x200E and code <= 0x200F
        or code >= 0x2028 and code <= 0x202E or code >= 0x2066 and code <= 0x2069
end

--- `source` with '?' for what does not belong on a terminal. Ends of lines, and tabs as blanks,
--- stay when `lines` is given; else they are blanks.
---@param source string
---@param lines boolean?
---@return string
function text.clean(source, lines)
    if not source:find("[^\32-\126]") then
        return source
    end
    local out, at = {}, 1
    while at <= #source do
        local bytes, code, stop = next_character(source, at)
        if not code then
            bytes = "?"
        elseif code == 9 or code == 10 then
            bytes = lines and (code == 10 and "\n" or "    ") or " "
        elseif steers(code) then
            bytes = "?"
        end
        out[#out + 1] = bytes
        at = stop
    end
    return table.concat(out)
end

-- How many columns a character takes: those of East Asia take two, marks on others none. By and
-- large: terminals do not agree either.
local function columns_of(code)
    if code < 0x300 then
        return 1
    elseif code <= 0x36F or code >= 0x200B and code <= 0x200D or code >= 0xFE00 and code <= 0xFE0F
    then
        return 0
    elseif code >= 0x1100 and code <= 0x115F or code >= 0x2E80 and code <= 0xA4CF
        or code >= 0xAC00 and code <= 0xD7A3 or code >= 0xF900 and code <= 0xFAFF
        or code >= 0xFE30 and code <= 0xFE6F or code >= 0xFF00 and code <= 0xFF60
        or code >= 0x1F300 and code <= 0x1FAFF or code >= 0x20000 and code <= 0x3FFFD
    then
        return 2
    end
    return 1
end

--- How many columns a clean text takes.
---@param source string
---@return integer
function text.width(source)
    if not source:find("[\128-\255]") then
        return #source
    end
    local width = 0
    for _, code in utf8.codes(source) do
        width = width + columns_of(code)
    end
    return width
end

--- A clean text of at most `width` columns. What was cut shows as "..".
---@param source string
---@param width integer
---@return string
function text.cut(source, width)
    if text.width(source) <= width then
        return source
    elseif width < 3 then
        return ("."):rep(width)
    end
    local used, stop = 0, 1
    for at, code in utf8.codes(source) do
        used = used + columns_of(code)
        if used > width - 2 then
            stop = at
            break
        end
    end
    return source:sub(1, stop - 1) .. ".."
end

--- A clean text of exactly `width` columns: cut, or with blanks behind it.
---@param source string
---@param width integer
---@return string
function text.fit(source, width)
    local cut = text.cut(source, width)
    return cut .. (" "):rep(width - text.width(cut))
end

--- `source` with invalid UTF-8 replaced by U+FFFD: what JSON may have.
---@param source string
---@return string
function text.valid(source)
    if utf8.len(source) then
        return source
    end
    local out, at = {}, 1
    while at <= #source do
        local bytes, code, stop = next_character(source, at)
        out[#out + 1] = code and bytes or "\u{FFFD}"
        at = stop
    end
    return table.concat(out)
end

--- A sentence about a file, which names it once, also where `message` does already.
---@param path string
---@param message string
---@return string
function text.about(path, message)
    local stop = message:find("[.?!]$") and "" or "."
    return (message:find(path, 1, true) and "" or path .. ": ") .. message .. stop
end

--- "1 event", "2 events".
---@param count integer
---@param noun string
---@return string
function text.counted(count, noun)
    return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

-- How many letters have to change to make one word of the other.
local function distance(a, b)
    local row = {}
    for j = 0, #b do
        row[j] = j
    end
    for i = 1, #a do
        local corner = row[0]
        row[0] = i
        for j = 1, #b do
            local above = row[j]
            local step = a:byte(i) == b:byte(j) and 0 or 1
            row[j] = math.min(corner + step, above + 1, row[j - 1] + 1)
            corner = above
        end
    end
    return row[#b]
end

--- What to say after a word that is unknown: which of `words` was meant, or which there are.
---@param word string
---@param words string[]
---@return string
function text.hint(word, words)
    local best, found = 3, nil
    for _, candidate in ipairs(words) do
        local changes = distance(word:sub(1, 64), candidate)
        if changes < best and changes < #candidate then
            best, found = changes, candidate
        end
    end
    return found and (" Did you mean '%s'?"):format(found)
        or (" There are '%s'."):format(table.concat(words, "', '"))
end

return text
