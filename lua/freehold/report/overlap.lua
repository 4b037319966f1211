-- Spans that lie on the same bytes at the same time, and how they are drawn so that none hides
-- another: each gets a slot, and stripes of its slot alone. Two that overlap never have the same
-- slot; those that hang together have equally many.

local overlap = {}

local function end_of(row)
    return row.gone < 0 and math.huge or row.gone
end

local function root_of(row)
    while row.group do
        row = row.group
    end
    return row
end

local function join(a, b)
    a, b = root_of(a), root_of(b)
    if a ~= b then
        b.group = a
        a.slots = math.max(a.slots, b.slots)
    end
end

local function free_slot(used)
    local slot = 0
    while used[slot] do
        slot = slot + 1
    end
    return slot
end

-- The spans of one block, in order of birth.
local function sweep(rows)
    local living = {}
    for _, row in ipairs(rows) do
        local used, count = {}, 0
        row.slots = 1
        for _, other in ipairs(living) do
            if end_of(other) > row.born then
                count = count + 1
                living[count] = other
            end
        end
        for i = #living, count + 1, -1 do
            living[i] = nil
        end
        for _, other in ipairs(living) do
            if other.offset < row.offset + row.size and row.offset < other.offset + other.size then
                used[other.slot] = true
                join(other, row)
            end
        end
        row.slot = free_slot(used)
        local root = root_of(row)
        root.slots = math.max(root.slots, row.slot + 1)
        living[#living + 1] = row
    end
    for _, row in ipairs(rows) do
        row.slots = root_of(row).slots
    end
end

--- Gives each of `rows` (block, offset, size, born, gone; gone is -1 for never) `slot`, from 0, and
--- `slots`, how many there are where it lies.
---@param rows table[]
function overlap.mark(rows)
    local blocks, order = {}, {}
    for _, row in ipairs(rows) do
        local list = blocks[row.block]
        if not list then
            list = {}
            blocks[row.block] = list
            order[#order + 1] = list
        end
        list[#list + 1] = row
    end
    for _, list in ipairs(order) do
        table.sort(list, function(a, b)
            if a.born ~= b.born then
                return a.born < b.born
            elseif a.offset ~= b.offset then
                return a.offset < b.offset
            end
            return a.index < b.index
        end)
        sweep(list)
    end
end

return overlap
