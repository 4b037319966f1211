-- Sizes as people write and read them: "64MiB" in, "1.5 MiB" out.

local size = {}

local LARGEST = ("%d bytes (2^63 - 1)"):format(math.maxinteger)

local units = { [""] = 1, B = 1, KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30, TiB = 1 << 40 }

--- Bytes of a text such as "4096", "64KiB" or "1.5 GiB". Nil and a sentence when it is none.
---@param text string
---@return integer? bytes
---@return string? message
function size.parse(text)
    local digits, unit = text:match("^%s*(%d+%.?%d*)%s*(%a*)%s*$")
    local scale = unit and units[unit]
    if not scale then
        return nil, ("'%s' is no size. Give a number of bytes, or one with KiB, MiB, GiB or TiB, "
            .. "such as 64MiB."):format(text)
    end
    local number = tonumber(digits)
    if number >= 2.0 ^ 63 / scale then
        return nil, ("'%s' is too large: the largest size is %s."):format(text, LARGEST)
    end
    local bytes = math.tointeger(number * scale)
    if not bytes then
        return nil, ("'%s' is no whole number of bytes."):format(text)
    end
    return bytes
end

--- A size for people: at most one decimal, in the largest unit that it fills.
---@param bytes number
---@return string
function size.format(bytes)
    for _, unit in ipairs { "TiB", "GiB", "MiB", "KiB", "B" } do
        local scale = units[unit]
        if bytes >= scale or scale == 1 then
            local text = ("%.1f"):format(bytes / scale):gsub("%.0$", "")
            return text .. " " .. unit
        end
    end
end

return size
