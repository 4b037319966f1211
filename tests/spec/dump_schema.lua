-- The closed schema of memory dumps that GpuMemDumpVis reads, and that its rows tell the truth: in
-- the order of addresses, without a hole, and sums that agree.

local assert = require "luassert"

local dump_schema = {}

local COUNTS = {
    "BlockCount", "BlockBytes", "AllocationCount", "AllocationBytes", "UnusedRangeCount",
}
local PAIRS = {
    { "AllocationSizeMin", "AllocationSizeMax", "AllocationCount" },
    { "UnusedRangeSizeMin", "UnusedRangeSizeMax", "UnusedRangeCount" },
}
local TYPES = {
    Vulkan = { FREE = true, UNKNOWN = true, BUFFER = true, IMAGE_LINEAR = true,
        IMAGE_OPTIMAL = true, IMAGE_UNKNOWN = true },
    ["Direct3D 12"] = { FREE = true, UNKNOWN = true, BUFFER = true, TEXTURE1D = true,
        TEXTURE2D = true, TEXTURE3D = true },
}

local function closed(where, object, required, optional)
    assert.equal("table", type(object), where)
    local known = {}
    for _, key in ipairs(required) do
        assert.not_nil(object[key], where .. "." .. key .. " is missing")
        known[key] = true
    end
    for _, key in ipairs(optional or {}) do
        known[key] = true
    end
    for key in pairs(object) do
        assert(known[key], where .. "." .. key .. " is not in the schema")
    end
end

local function is_count(where, value)
    assert.equal("number", type(value), where)
    assert(value >= 0 and value == math.floor(value), where)
end

local function check_stats(where, stats)
    local optional = {}
    for _, pair in ipairs(PAIRS) do
        table.move(pair, 1, 2, #optional + 1, optional)
    end
    closed(where, stats, COUNTS, optional)
    for key, value in pairs(stats) do
        is_count(where .. "." .. key, value)
    end
    for _, pair in ipairs(PAIRS) do
        assert.equal(stats[pair[3]] > 0, stats[pair[1]] ~= nil, where .. "." .. pair[1])
        assert.equal(stats[pair[3]] > 0, stats[pair[2]] ~= nil, where .. "." .. pair[2])
    end
end

local function check_row(where, row, api, required)
    closed(where, row, required, { "Usage", "CustomData", "Name" })
    assert(TYPES[api][row.Type], where .. " has the type " .. row.Type)
    is_count(where .. ".Size", row.Size)
    assert(row.Size > 0, where)
    is_count(where .. ".Usage", row.Usage or 0)
    assert.matches("^[0-9a-zA-Z]+$", row.CustomData or "0")
    assert.equal("string", type(row.Name or ""), where)
end

local function new_sums()
    return { BlockCount = 0, BlockBytes = 0, AllocationCount = 0, AllocationBytes = 0,
        UnusedRangeCount = 0 }
end

local function check_block(where, block, api, sums)
    closed(where, block,
        { "TotalBytes", "UnusedBytes", "Allocations", "UnusedRanges", "Suballocations" })
    local offset, free, count, taken, gap = 0, 0, 0, 0, false
    for i, row in ipairs(block.Suballocations) do
        local at = ("%s[%d]"):format(where, i)
        check_row(at, row, api, { "Offset", "Type", "Size" })
        assert.equal(offset, row.Offset, at .. " is not where the one before it ends")
        offset = offset + row.Size
        if row.Type == "FREE" then
            assert.is_false(gap, at .. ": two gaps in a row")
            free = free + 1
        else
            count, taken = count + 1, taken + row.Size
        end
        gap = row.Type == "FREE"
    end
    assert.equal(block.TotalBytes, offset, where)
    assert.equal(block.TotalBytes - taken, block.UnusedBytes, where)
    assert.equal(count, block.Allocations, where)
    assert.equal(free, block.UnusedRanges, where)
    sums.BlockCount, sums.BlockBytes = sums.BlockCount + 1, sums.BlockBytes + offset
    sums.AllocationCount, sums.AllocationBytes = sums.AllocationCount + count,
        sums.AllocationBytes + taken
    sums.UnusedRangeCount = sums.UnusedRangeCount + free
end

local function check_pool(where, pool, api, sums)
    closed(where, pool, { "PreferredBlockSize", "Blocks", "DedicatedAllocations" })
    is_count(where, pool.PreferredBlockSize)
    for name, block in pairs(pool.Blocks) do
        assert.matches("^%d+$", name)
        check_block(where .. "." .. name, block, api, sums)
    end
    for i, row in ipairs(pool.DedicatedAllocations) do
        check_row(("%s.DedicatedAllocations[%d]"):format(where, i), row, api, { "Type", "Size" })
        sums.BlockCount, sums.BlockBytes = sums.BlockCount + 1, sums.BlockBytes + row.Size
        sums.AllocationCount = sums.AllocationCount + 1
        sums.AllocationBytes = sums.AllocationBytes + row.Size
    end
end

local function agree(where, sums, stats)
    for key, value in pairs(sums) do
        assert.equal(value, stats[key], where .. "." .. key)
    end
end

local function add(into, sums)
    for key, value in pairs(sums) do
        into[key] = into[key] + value
    end
end

local function check_heap(where, heap, pools, api)
    closed(where, heap, { "Budget", "Stats", "Flags", "Size", "MemoryPools" })
    closed(where .. ".Budget", heap.Budget, { "BudgetBytes", "UsageBytes" })
    is_count(where .. ".Budget", heap.Budget.BudgetBytes)
    is_count(where .. ".Budget", heap.Budget.UsageBytes)
    is_count(where .. ".Size", heap.Size)
    check_stats(where .. ".Stats", heap.Stats)
    local total = new_sums()
    for name, type in pairs(heap.MemoryPools) do
        closed(name, type, { "Flags", "Stats" })
        check_stats(name, type.Stats)
        for _, flag in ipairs(type.Flags) do
            assert.equal("string", _G.type(flag), name)
        end
        local sums = new_sums()
        check_pool(name, pools[name], api, sums)
        agree(name, sums, type.Stats)
        add(total, sums)
    end
    agree(where, total, heap.Stats)
    return total
end

--- Checks a dump that was decoded.
---@param dump table
function dump_schema.check(dump)
    closed("dump", dump, { "General", "Total", "MemoryInfo" }, { "DefaultPools", "CustomPools" })
    local api = dump.General.API
    assert(TYPES[api], "no such API: " .. tostring(api))
    assert.equal("string", type(dump.General.GPU))
    check_stats("Total", dump.Total)
    local total = new_sums()
    for name, heap in pairs(dump.MemoryInfo) do
        assert.matches("^Heap %d+$", name)
        add(total, check_heap(name, heap, dump.DefaultPools, api))
    end
    agree("Total", total, dump.Total)
end

return dump_schema
