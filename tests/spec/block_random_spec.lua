-- Blocks under chance, against a model that is simple enough to be seen right: a sorted list of the
-- ranges. FREEHOLD_SEED=n repeats a run; every message has the seed.

local fh = require "freehold"

local seed = math.tointeger(tonumber(os.getenv("FREEHOLD_SEED") or "")) or os.time()
local SIZE, STEPS = 4096, 6000

local function align_up(value, alignment)
    return (value + alignment - 1) // alignment * alignment
end

-- { offset, size, range, user }, in address order.
local function new_model()
    local model = { bytes = 0 }

    local function gaps(self)
        local list, from = {}, 0
        for _, entry in ipairs(self) do
            if entry.offset > from then
                list[#list + 1] = { offset = from, size = entry.offset - from }
            end
            from = entry.offset + entry.size
        end
        if from < SIZE then
            list[#list + 1] = { offset = from, size = SIZE - from }
        end
        return list
    end

    function model.fits(self, size, alignment)
        for _, gap in ipairs(gaps(self)) do
            if align_up(gap.offset, alignment) + size <= gap.offset + gap.size then
                return true
            end
        end
        return false
    end

    -- Raises when the range overlaps another one, or the end.
    function model.add(self, entry)
        local i = 1
        while self[i] and self[i].offset < entry.offset do
            i = i + 1
        end
        local before, after = self[i - 1], self[i]
        assert(not before or before.offset + before.size <= entry.offset, "overlaps the one before")
        assert(entry.offset + entry.size <= (after and after.offset or SIZE), "overlaps the next")
        table.insert(self, i, entry)
        self.bytes = self.bytes + entry.size
    end

    function model.remove(self, i)
        local entry = table.remove(self, i)
        self.bytes = self.bytes - entry.size
        return entry
    end

    -- That the block says of itself what the model says.
    function model.check(self, block)
        local free = gaps(self)
        local detail = block:detail()
        assert(detail.stats.range_count == #self, "range_count")
        assert(detail.stats.range_bytes == self.bytes, "range_bytes")
        assert(detail.free_count == #free, "free_count: something is not merged")
        local extremes = {
            range_min = math.maxinteger, range_max = 0, free_min = math.maxinteger, free_max = 0,
        }
        for prefix, list in pairs { range = self, free = free } do
            for _, entry in ipairs(list) do
                local min, max = prefix .. "_min", prefix .. "_max"
                extremes[min] = math.min(extremes[min], entry.size)
                extremes[max] = math.max(extremes[max], entry.size)
            end
        end
        for name, value in pairs(extremes) do
            assert(detail[name] == value, name)
        end
        assert(block:alloc(block:free_bound() + 1) == nil, "free_bound is none")
        local i, expected_offset = 0, 0
        for offset, size, range, user in block:pieces() do
            assert(offset == expected_offset, "pieces: a hole")
            expected_offset = offset + size
            if range then
                i = i + 1
                local entry = self[i]
                assert(range == entry.range and offset == entry.offset and size == entry.size
                    and user == entry.user, "pieces: not the model's range")
            end
        end
        assert(i == #self and expected_offset == SIZE, "pieces: not complete")
    end

    return model
end

local strategies = { "balanced", "min_time", "min_memory", "min_offset" }

local function step(block, model, dead, algorithm)
    local roll = math.random(100)
    if roll <= 52 then
        local size = math.random(10) == 1 and math.random(SIZE) or math.random(150)
        local alignment = 1 << math.random(0, 7)
        local user = math.random(3) == 1 and {} or nil
        local range, offset, code = block:alloc(size, {
            alignment = alignment,
            strategy = strategies[math.random(4)],
            upper = algorithm == "linear" and math.random(4) == 1,
            user = user,
        })
        if range then
            assert(offset % alignment == 0, "not aligned")
            assert(range.offset == offset and range.size == size and range.user == user, "fields")
            model:add { offset = offset, size = size, range = range, user = user }
        else
            assert(code == "out_of_memory", offset)
            assert(algorithm == "linear" or not model:fits(size, alignment), "refused what fits")
        end
    elseif roll <= 94 and #model > 0 then
        local i = math.random(#model)
        if algorithm == "linear" and math.random(3) > 1 then
            i = math.random(2) == 1 and 1 or #model
        end
        local entry = model:remove(i)
        assert(entry.range:free())
        dead[#dead % 50 + 1] = entry.range
    elseif roll <= 97 and #dead > 0 then
        local range = dead[math.random(#dead)]
        assert(select(3, block:free(range)) == "stale", "a stale range was taken")
        assert(not range.live and block:info(range) == nil)
    elseif roll <= 99 and #model > 0 then
        local entry = model[math.random(#model)]
        entry.user = math.random(2) == 1 and math.random() or nil
        entry.range.user = entry.user
    elseif math.random(20) == 1 then
        for _, entry in ipairs(model) do
            dead[#dead % 50 + 1] = entry.range
        end
        while #model > 0 do
            model:remove(#model)
        end
        block:clear()
    end
end

for _, algorithm in ipairs { "tlsf", "linear" } do
    it("a " .. algorithm .. " block agrees with the model", function()
        math.randomseed(seed)
        local block <close> = assert(fh.block { size = SIZE, algorithm = algorithm })
        local model, dead = new_model(), {}
        for i = 1, STEPS do
            local done, message = pcall(function()
                step(block, model, dead, algorithm)
                if i % 7 == 0 then
                    model:check(block)
                end
            end)
            if not done then
                error(("FREEHOLD_SEED=%d, step %d: %s"):format(seed, i, message), 0)
            end
        end
    end)
end
