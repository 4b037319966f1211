-- `--what-if heap0=4GiB`: a heap that is otherwise than it was recorded.

local size = require "freehold.cli.size"

local what_if = {}

--- A size, or a part of something that is known later.
---@class freehold.Amount
---@field bytes integer?
---@field percent number?
---@field text string

--- A size such as "64MiB", or a percentage such as "70%". Nil and a sentence when it is neither.
---@param source string
---@return freehold.Amount?
---@return string? message
function what_if.amount(source)
    local digits = source:match("^%s*(%d+%.?%d*)%s*%%%s*$")
    if digits then
        return { percent = tonumber(digits), text = source }
    end
    local bytes, message = size.parse(source)
    return bytes and { bytes = bytes, text = source }, message
end

--- What an amount is, where 100 % are so many bytes.
---@param amount freehold.Amount
---@param all integer
---@return integer
function what_if.bytes(amount, all)
    return amount.bytes or math.floor(all * amount.percent / 100)
end

--- Reads one, for the parser of the command line.
---@param source string
---@return { heap: integer, what: "size"|"budget", amount: freehold.Amount, text: string }?
---@return string? message
function what_if.read(source)
    local heap, what, value = source:match("^heap(%d+)(%.?%a*)=(.+)$")
    local field = what == "" and "size" or what == ".size" and "size"
        or what == ".budget" and "budget"
    local index = heap and math.tointeger(tonumber(heap))
    if not field or not index then
        return nil, ("'%s' changes nothing. Give a heap and its size, such as heap0=4GiB, or what"
            .. " the system lets the program have of it, such as heap0.budget=3GiB.")
            :format(source)
    end
    local amount, message = what_if.amount(value)
    if not amount then
        return nil, message .. " Or a part of the recorded peak, such as 60%."
    elseif amount.bytes == 0 or amount.percent == 0 then
        return nil, ("'%s' leaves nothing of the heap. Give more than 0."):format(source)
    end
    return { heap = index, what = field, amount = amount, text = source }
end

--- The `heaps` of a replay. `peaks` are the recorded peaks of the heaps, for percentages. Nil and a
--- sentence when one cannot be told.
---@param given table[] what what_if.read() gave
---@param peaks integer[]
---@return freehold.ReplayHeap[]?
---@return string? message
function what_if.heaps(given, peaks)
    local list, by_heap = {}, {}
    for _, one in ipairs(given) do
        local peak = peaks[one.heap + 1] or 0
        local bytes = what_if.bytes(one.amount, peak)
        if bytes == 0 then
            return nil, ("%s: nothing was recorded in heap %d, so there is no peak to take a part"
                .. " of. Give a size."):format(one.text, one.heap)
        end
        local entry = by_heap[one.heap]
        if not entry then
            entry = { heap = one.heap }
            by_heap[one.heap] = entry
            list[#list + 1] = entry
        end
        entry[one.what] = bytes
    end
    return list
end

return what_if
