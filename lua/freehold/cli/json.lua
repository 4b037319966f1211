-- A writer of JSON for the commands' figures: tables with string keys in alphabetical order, lists,
-- strings, numbers, booleans. Integers are written exactly, as no library of Lua's does above 2^53.

local json = {}

-- The metatable of lists that are lists also when they are empty.
local List = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
    return '"' .. text:gsub('[%c"\\]', function(char)
        return escapes[char] or ("\\u%04x"):format(char:byte())
    end) .. '"'
end

local function add(out, value, indent)
    if type(value) == "string" then
        out[#out + 1] = quote(value)
    elseif math.type(value) == "float" then
        assert(value == value and math.abs(value) < math.huge, "JSON has no such number")
        out[#out + 1] = ("%.6g"):format(value)
    elseif type(value) ~= "table" then
        out[#out + 1] = tostring(value)
    elseif #value > 0 then
        for i, item in ipairs(value) do
            out[#out + 1] = (i == 1 and "[\n" or ",\n") .. indent .. "  "
            add(out, item, indent .. "  ")
        end
        out[#out + 1] = "\n" .. indent .. "]"
    elseif getmetatable(value) == List then
        out[#out + 1] = "[]"
    else
        local keys = {}
        for key in pairs(value) do
            keys[#keys + 1] = key
        end
        table.sort(keys)
        for i, key in ipairs(keys) do
            out[#out + 1] = (i == 1 and "{\n" or ",\n") .. indent .. "  " .. quote(key) .. ": "
            add(out, value[key], indent .. "  ")
        end
        out[#out + 1] = #keys == 0 and "{}" or "\n" .. indent .. "}"
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

return json
