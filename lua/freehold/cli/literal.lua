-- Values as Lua source: how decisions are shown.

local text = require "freehold.cli.text"

local literal = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat"
    .. " return then true until while"):gmatch("%a+") do
    keywords[word] = true
end

local escapes = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quote(source)
    -- What a terminal must not get is escaped, so that the text still says what it is.
    local quoted = text.valid(source):gsub('[%c"\\]', function(char)
        return escapes[char] or ("\\x%02X"):format(char:byte())
    end)
    return '"' .. text.clean(quoted) .. '"'
end

local function scalar(value)
    if type(value) == "string" then
        return quote(value)
    elseif math.type(value) == "float" then
        if value ~= value then
            return "0/0"
        elseif math.abs(value) == math.huge then
            return value > 0 and "math.huge" or "-math.huge"
        end
        local short = ("%.14g"):format(value)
        short = tonumber(short) == value and short or ("%.17g"):format(value)
        return short:find("[%.en]") and short or short .. ".0"
    end
    return tostring(value)
end

local function key_of(key)
    if type(key) == "string" and key:find("^[%a_][%w_]*$") and not keywords[key] then
        return key
    end
    return "[" .. scalar(key) .. "]"
end

-- Numbers before texts, each in order.
local function before(a, b)
    if type(a) == type(b) and type(a) ~= "boolean" then
        return a < b
    end
    return type(a) < type(b)
end

--- `value`, which is plain data, in one line of Lua.
---@param value any
---@return string
function literal.of(value)
    if type(value) ~= "table" then
        return scalar(value)
    end
    local out, keys = {}, {}
    for i, item in ipairs(value) do
        out[i] = literal.of(item)
    end
    local count = #out
    for key in pairs(value) do
        if math.type(key) ~= "integer" or key < 1 or key > count then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys, before)
    for _, key in ipairs(keys) do
        out[#out + 1] = key_of(key) .. " = " .. literal.of(value[key])
    end
    return #out == 0 and "{}" or "{ " .. table.concat(out, ", ") .. " }"
end

return literal
