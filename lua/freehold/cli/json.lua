-- A writer of JSON for the commands' figures: tables with string keys in alphabetical order, lists,
-- strings, numbers, booleans, json.null. Integers are written exactly, as no library of Lua's does
-- above 2^53.

local text = require "freehold.cli.text"

local json = {}

--- What is `null` in JSON.
json.null = setmetatable({}, { __tostring = function() return "null" end })

-- The metatable of lists that are lists also when they are empty.
local List = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Also without C1 controls, and without what ends a line in JavaScript: terminals see this, too.
local function quote(source)
    local quoted = text.valid(source):gsub('[%c"\\]', function(char)
        return escapes[char] or ("\\u%04x"):format(char:byte())
    end):gsub("\xC2[\x80-\x9F]", function(char)
        return ("\\u%04x"):format(utf8.codepoint(char))
    end):gsub("\xE2\x80[\xA8\xA9]", { ["\u{2028}"] = "\\u2028", ["\u{2029}"] = "\\u2029" })
    return '"' .. quoted .. '"'
end

-- The names of the values in a table: those in `first` first, then the others by the alphabet.
local function keys_of(value, first)
    local keys, ranks = {}, {}
    for rank, key in ipairs(first or {}) do
        ranks[key] = rank
    end
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        local rank_a, rank_b = ranks[a] or math.huge, ranks[b] or math.huge
        return rank_a < rank_b or rank_a == rank_b and a < b
    end)
    return keys
end

-- The indent is false for everything in one line.
local function add(out, value, indent, first)
    local deeper = indent and indent .. "  "
    local comma = indent and ",\n" or ","
    if type(value) == "string" then
        out[#out + 1] = quote(value)
    elseif math.type(value) == "float" then
        assert(value == value and math.abs(value) < math.huge, "JSON has no such number")
        out[#out + 1] = ("%.6g"):format(value)
    elseif type(value) ~= "table" or value == json.null then
        out[#out + 1] = tostring(value)
    elseif #value > 0 then
        for i, item in ipairs(value) do
            out[#out + 1] = (i == 1 and (indent and "[\n" or "[") or comma) .. (deeper or "")
            add(out, item, deeper)
        end
        out[#out + 1] = (indent and "\n" .. indent or "") .. "]"
    elseif getmetatable(value) == List then
        out[#out + 1] = "[]"
    else
        local keys = keys_of(value, first)
        for i, key in ipairs(keys) do
            out[#out + 1] = (i == 1 and (indent and "{\n" or "{") or comma) .. (deeper or "")
                .. quote(key) .. (indent and ": " or ":")
            add(out, value[key], deeper)
        end
        out[#out + 1] = #keys == 0 and "{}" or (indent and "\n" .. indent or "") .. "}"
    end
end

--- `items`, as a list also when it is empty.
---@generic T
---@param items T[]
---@return T[]
function json.list(items)
    return setmetatable(items, List)
end

--- The JSON text of `value`, with an end-of-line. An empty table is an object, unless json.list()
--- says otherwise.
---@param value any
---@return string
function json.encode(value)
    local out = {}
    add(out, value, "")
    return table.concat(out) .. "\n"
end

--- The same in one line: what programs read event by event. Of the value's own keys, those in
--- `first` come first, in that order.
---@param value table
---@param first string[]?
---@return string
function json.line(value, first)
    local out = {}
    add(out, value, false, first)
    return table.concat(out) .. "\n"
end

return json
