-- block:json against the schema that the field's memory-dump visualiser reads: closed objects, rows
-- in address order without a hole.

local fh = require "freehold"
local cjson = require "cjson"

local STATS = {
    "BlockCount", "BlockBytes", "AllocationCount", "AllocationBytes", "UnusedRangeCount",
}
local PAIRS = {
    { "AllocationSizeMin", "AllocationSizeMax" },
    { "UnusedRangeSizeMin", "UnusedRangeSizeMax" },
}

local function at(path, key)
    return path .. "." .. key
end

-- That `object` has all `required` keys, and of others only `optional` ones.
local function closed(path, object, required, optional)
    assert.equal("table", type(object), path)
    local known = {}
    for _, key in ipairs(required) do
        assert.not_nil(object[key], at(path, key) .. " is missing")
        known[key] = true
    end
    for _, key in ipairs(optional or {}) do
        known[key] = true
    end
    for key in pairs(object) do
        assert.is_true(known[key], at(path, key) .. " is not in the schema")
    end
end

local function is_count(path, value)
    assert.equal("number", type(value), path)
    assert(value >= 0 and value == math.floor(value), path)
end

local function check_stats(path, stats)
    local optional = {}
    for _, pair in ipairs(PAIRS) do
        table.move(pair, 1, 2, #optional + 1, optional)
        assert.equal(stats[pair[1]] == nil, stats[pair[2]] == nil, at(path, pair[1]))
    end
    closed(path, stats, STATS, optional)
    for key, value in pairs(stats) do
        is_count(at(path, key), value)
    end
end

local function check_row(path, row)
    closed(path, row, { "Offset", "Type", "Size" }, { "Usage", "CustomData", "Name" })
    is_count(at(path, "Offset"), row.Offset)
    is_count(at(path, "Size"), row.Size)
    assert.is_truthy(({ FREE = true, UNKNOWN = true })[row.Type], at(path, "Type"))
    if row.CustomData then
        assert.matches("^[0-9a-zA-Z]+$", row.CustomData)
    end
end

local function check_block(path, block)
    closed(path, block,
        { "TotalBytes", "UnusedBytes", "Allocations", "UnusedRanges", "Suballocations" })
    local offset, used, free, free_bytes = 0, 0, 0, 0
    for i, row in ipairs(block.Suballocations) do
        local where = path .. "[" .. i .. "]"
        check_row(where, row)
        assert.equal(offset, row.Offset, where .. " leaves a hole")
        offset = offset + row.Size
        if row.Type == "FREE" then
            free, free_bytes = free + 1, free_bytes + row.Size
        else
            used = used + 1
        end
    end
    assert.equal(block.TotalBytes, offset)
    assert.equal(block.UnusedBytes, free_bytes)
    assert.equal(block.Allocations, used)
    assert.equal(block.UnusedRanges, free)
end

local function check_pool(path, pool)
    closed(path, pool, { "PreferredBlockSize", "Blocks", "DedicatedAllocations" }, { "Name" })
    is_count(at(path, "PreferredBlockSize"), pool.PreferredBlockSize)
    assert.same({}, pool.DedicatedAllocations)
    for name, block in pairs(pool.Blocks) do
        check_block(at(path, name), block)
    end
end

local function check_dump(dump)
    closed("dump", dump, { "General", "Total", "MemoryInfo" }, { "DefaultPools", "CustomPools" })
    assert.is_truthy(({ ["Vulkan"] = true, ["Direct3D 12"] = true })[dump.General.API])
    assert.equal("string", type(dump.General.GPU))
    check_stats("Total", dump.Total)
    for name, heap in pairs(dump.MemoryInfo) do
        assert.matches("^Heap %d+$", name)
        closed(name, heap, { "Budget", "Stats", "Flags", "Size", "MemoryPools" })
        closed(name .. ".Budget", heap.Budget, { "BudgetBytes", "UsageBytes" })
        check_stats(name .. ".Stats", heap.Stats)
        is_count(name .. ".Size", heap.Size)
        for type_name, pool in pairs(heap.MemoryPools) do
            assert.matches("^Type %d+$", type_name)
            closed(type_name, pool, { "Flags", "Stats" })
            check_stats(type_name .. ".Stats", pool.Stats)
        end
    end
    for name, pool in pairs(dump.DefaultPools or {}) do
        check_pool(name, pool)
    end
    for name, pools in pairs(dump.CustomPools or {}) do
        for _, pool in ipairs(pools) do
            check_pool(name, pool)
            assert.equal("string", type(pool.Name))
        end
    end
end

-- All rows of a detailed dump, in order.
local function rows_of(dump)
    local rows = {}
    for _, pool in pairs(dump.DefaultPools or {}) do
        for _, block in pairs(pool.Blocks) do
            for _, row in ipairs(block.Suballocations) do
                rows[#rows + 1] = { row.Offset, row.Size, row.Type ~= "FREE" }
            end
        end
    end
    return rows
end

for _, algorithm in ipairs { "tlsf", "linear" } do
    describe("the JSON of a " .. algorithm .. " block", function()
        local block

        before_each(function()
            block = fh.block { size = 4096, algorithm = algorithm }
        end)

        after_each(function()
            block:destroy()
        end)

        local function pieces()
            local list = {}
            for offset, size, range in block:pieces() do
                list[#list + 1] = { offset, size, range ~= nil }
            end
            return list
        end

        local function check()
            check_dump(cjson.decode(block:json()))
            local dump = cjson.decode(block:json(true))
            check_dump(dump)
            local stats, detail = block:stats(), block:detail()
            assert.equal(stats.block_bytes, dump.Total.BlockBytes)
            assert.equal(stats.range_count, dump.Total.AllocationCount)
            assert.equal(stats.range_bytes, dump.Total.AllocationBytes)
            assert.equal(detail.free_count, dump.Total.UnusedRangeCount)
            assert.same(pieces(), rows_of(dump))
        end

        it("is right for an empty, a full and a broken-up block", function()
            check()
            local ranges = {}
            for i = 1, 20 do
                ranges[i] = block:alloc(i * 7, { alignment = 16, user = i })
            end
            check()
            for i = 1, 20, 3 do
                ranges[i]:free()
            end
            check()
            block:clear()
            check()
            block:alloc(4096)
            check()
        end)

        it("lists ranges only when asked to", function()
            block:alloc(1)
            assert(#block:json(true) > #block:json(false))
            assert.is_nil(block:json():find("Suballocations", 1, true))
        end)

        it("is exact above 2^53", function()
            -- The decoder is not, so this looks at the text.
            local large <close> = fh.block { size = math.maxinteger, algorithm = algorithm }
            large:alloc(math.maxinteger - 2)
            assert.is_truthy(large:json(true):find("9223372036854775805", 1, true))
        end)

        it("is complete for many ranges", function()
            local large <close> = fh.block { size = 1 << 30, algorithm = algorithm }
            for i = 1, 5000 do
                large:alloc(i)
            end
            local dump = cjson.decode(large:json(true))
            check_dump(dump)
            assert.equal(5001, #rows_of(dump))
        end)
    end)
end
