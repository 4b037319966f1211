-- What blocks and ranges do in Lua. Beside this: block_arguments_spec.lua for what is refused,
-- block_lifetime_spec.lua, block_json_spec.lua, and block_random_spec.lua.

local fh = require "freehold"
local support = require "tests.spec.support"

describe("the module", function()
    it("has the units", function()
        assert.equal(1024, fh.KiB)
        assert.equal(1024 * 1024, fh.MiB)
        assert.equal(1024 * 1024 * 1024, fh.GiB)
        assert.equal("integer", math.type(fh.GiB))
    end)

    it("has the version of the headers", function()
        local header = support.read(support.root .. "/include/freehold/api.h")
        assert.equal(header:match('FH_VERSION_STRING "([^"]+)"'), fh.version)
    end)

    it("raises for a code that does not exist, with the nearest one", function()
        assert.error_matches(function()
            return fh.result.out_of_memroy
        end, "fh%.result has no code 'out_of_memroy'; did you mean 'out_of_memory'%?")
        assert.error_matches(function()
            return fh.result[1]
        end, "fh%.result has no code '1'")
    end)

    it("has codes that nobody can change", function()
        for _, key in ipairs { "foo", "stale", 1 } do
            assert.error_matches(function()
                fh.result[key] = 1
            end, ("fh%%.result is read%%-only: '%s' cannot be set"):format(key))
        end
        assert.equal("stale", fh.result.stale)
        assert.is_false((pcall(setmetatable, fh.result, nil)))
        local count = 0
        for key, code in pairs(fh.result) do
            assert.equal(key, code)
            count = count + 1
        end
        assert(count > 10)
    end)

    it("is the same when it is required again", function()
        local block <close> = fh.block { size = 10 }
        local range = block:alloc(1)
        package.loaded.freehold = nil
        local again = require "freehold"
        assert.equal(fh, again)
        assert.is_true(block:free(range))
    end)

    for _, other in ipairs { "lua5.1", "luajit" } do
        it("refuses " .. other .. " in a sentence", function()
            local _, _, missing = support.run("command -v " .. other)
            if missing ~= 0 then
                pending(other .. " is not installed")
                return
            end
            local output, complaints, code = support.run(("%s %s -e %s"):format(
                support.environment(), other,
                support.quote 'print(select(2, pcall(require, "freehold")))'))
            assert.equal("", complaints)
            assert.equal(0, code)
            assert.equal("freehold needs Lua 5.4, and this program has another Lua\n", output)
        end)
    end
end)

for _, algorithm in ipairs { "tlsf", "linear" } do
    describe("a " .. algorithm .. " block", function()
        local block

        before_each(function()
            block = assert(fh.block { size = 1000, algorithm = algorithm })
        end)

        after_each(function()
            block:destroy()
        end)

        it("hands out offsets and takes ranges back", function()
            local first, first_offset = block:alloc(100)
            local second, second_offset = block:alloc(200)
            assert.equal(0, first_offset)
            assert.equal(100, second_offset)
            assert.equal("integer", math.type(second_offset))
            assert.same({ block_count = 1, block_bytes = 1000, range_count = 2, range_bytes = 300 },
                block:stats())
            assert.is_true(block:free(first))
            assert.is_true(second:free())
            assert.same({ block_count = 1, block_bytes = 1000, range_count = 0, range_bytes = 0 },
                block:stats())
        end)

        it("takes floats that are integers", function()
            local range = block:alloc(10.0, { alignment = 4.0 })
            assert.equal(10, range.size)
            assert.equal("integer", math.type(range.size))
        end)

        it("treats options that are nil or empty as none", function()
            assert(block:alloc(1, nil))
            assert(block:alloc(1, {}))
            assert.equal(2, block:stats().range_count)
        end)

        it("aligns", function()
            assert(block:alloc(1))
            local _, offset = block:alloc(10, { alignment = 64 })
            assert.equal(64, offset)
        end)

        it("refuses what does not fit, and says how much there was", function()
            assert(block:alloc(900))
            local range, message, code = block:alloc(101)
            assert.is_nil(range)
            assert.matches("101", message)
            assert.equal("out_of_memory", code)
            assert.equal(900, block:stats().range_bytes)
            assert(block:alloc(100))
        end)

        it("tells where a range lies", function()
            assert(block:alloc(10))
            local range = block:alloc(20, { user = "mine" })
            assert.same({ offset = 10, size = 20, user = "mine" }, block:info(range))
        end)

        it("clears", function()
            local range = block:alloc(10, { user = {} })
            assert.is_true(block:clear())
            assert.equal(0, block:stats().range_count)
            assert.is_false(range.live)
            assert.equal("stale", select(3, block:free(range)))
            local _, offset = block:alloc(1000)
            assert.equal(0, offset)
        end)

        it("counts in detail", function()
            assert.same({
                stats = { block_count = 1, block_bytes = 1000, range_count = 0, range_bytes = 0 },
                free_count = 1, free_min = 1000, free_max = 1000,
                range_min = math.maxinteger, range_max = 0,
            }, block:detail())
            local ranges = {}
            for i = 1, 4 do
                ranges[i] = block:alloc(i * 100)
            end
            block:free(ranges[2])
            assert.same({
                stats = { block_count = 1, block_bytes = 1000, range_count = 3, range_bytes = 800 },
                free_count = 1, free_min = 200, free_max = 200,
                range_min = 100, range_max = 400,
            }, block:detail())
            block:clear()
            block:alloc(1000)
            assert.equal(0, block:detail().free_max)
            assert.equal(math.maxinteger, block:detail().free_min)
        end)

        it("bounds what can be asked for", function()
            assert.equal(1000, block:free_bound())
            local range = block:alloc(1000)
            assert.equal(0, block:free_bound())
            block:free(range)
            assert(block:free_bound() >= 1000)
        end)

        it("grows, and shrinks to where the last range ends", function()
            assert(block:alloc(1000))
            assert.is_nil((block:alloc(1)))
            assert.is_true(block:resize(1500))
            assert.equal(1500, block:stats().block_bytes)
            assert.is_true(block:resize(1200))
            local done, message, code = block:resize(999)
            assert.is_nil(done)
            assert.equal("string", type(message))
            assert.equal("busy", code)
            assert.equal(1200, block:stats().block_bytes)
            local _, offset = block:alloc(200)
            assert.equal(1000, offset)
        end)

        it("goes up to math.maxinteger", function()
            local large <close> = assert(fh.block { size = math.maxinteger, algorithm = algorithm })
            assert.equal(math.maxinteger, large:free_bound())
            local range, offset = large:alloc(math.maxinteger - 1)
            assert.equal(0, offset)
            assert.equal(math.maxinteger - 1, range.size)
            assert.equal(math.maxinteger - 1, select(2, large:alloc(1)))
            assert.equal("out_of_memory", select(3, large:alloc(1)))
        end)

        it("is described by tostring", function()
            assert.equal("freehold.block (0 of 1000 used, 0 ranges)", tostring(block))
            local range = block:alloc(10)
            assert.equal("freehold.block (10 of 1000 used, 1 range)", tostring(block))
            assert.equal("freehold.range (10 units at 0)", tostring(range))
            range:free()
            assert.equal("freehold.range (freed)", tostring(range))
        end)
    end)
end

describe("a tlsf block", function()
    it("merges what is free", function()
        local block <close> = fh.block { size = 300 }
        local a, b, c = block:alloc(100), block:alloc(100), block:alloc(100)
        a:free()
        c:free()
        assert.equal(2, block:detail().free_count)
        b:free()
        assert.equal(1, block:detail().free_count)
        assert(block:alloc(300))
    end)

    it("has no upper side", function()
        local block <close> = fh.block { size = 300 }
        local range, message, code = block:alloc(1, { upper = true })
        assert.is_nil(range)
        assert.matches("upper", message)
        assert.equal("unsupported", code)
        assert(block:alloc(1, { upper = false }))
    end)

    -- Gaps: 64 at 100, 40 at 300, the rest from 500.
    local function gaps()
        local block = fh.block { size = 4096 }
        local pieces = {}
        for i, size in ipairs { 100, 64, 136, 40, 160 } do
            pieces[i] = block:alloc(size)
        end
        pieces[2]:free()
        pieces[4]:free()
        return block
    end

    it("places by strategy", function()
        for strategy, expected in pairs {
            min_memory = { [40] = 300, [30] = 300, [50] = 100, [64] = 100 },
            min_offset = { [40] = 100, [30] = 100, [50] = 100, [64] = 100, [65] = 500 },
        } do
            for size, offset in pairs(expected) do
                local block <close> = gaps()
                assert.equal(offset, select(2, block:alloc(size, { strategy = strategy })))
            end
        end
    end)

    it("serves every strategy when something fits", function()
        for _, strategy in ipairs { "balanced", "min_time", "min_memory", "min_offset" } do
            local block <close> = gaps()
            assert(block:alloc(3596, { strategy = strategy }))
            assert(block:alloc(64, { strategy = strategy }))
            assert(block:alloc(40, { strategy = strategy }))
            assert.equal("out_of_memory", select(3, block:alloc(1, { strategy = strategy })))
        end
    end)
end)

describe("a linear block", function()
    local block

    before_each(function()
        block = fh.block { size = 100, algorithm = "linear" }
    end)

    after_each(function()
        block:destroy()
    end)

    it("is a stack", function()
        local a, b = block:alloc(40), block:alloc(40)
        b:free()
        local c, offset = block:alloc(60)
        assert.equal(40, offset)
        c:free()
        a:free()
        assert.equal(0, select(2, block:alloc(100)))
    end)

    it("is a ring", function()
        local a = block:alloc(40)
        assert(block:alloc(40))
        a:free()
        local _, offset = block:alloc(30)
        assert.equal(0, offset)
    end)

    it("is a double stack", function()
        local _, low = block:alloc(30)
        local _, high = block:alloc(20, { upper = true })
        local _, next_high = block:alloc(10, { upper = true, alignment = 8 })
        assert.same({ 0, 80, 64 }, { low, high, next_high })
        assert.equal("busy", select(3, block:resize(200)))
    end)

    it("ignores strategies", function()
        assert.equal(0, select(2, block:alloc(10, { strategy = "min_memory" })))
    end)
end)

describe("a range", function()
    local block, range

    before_each(function()
        block = fh.block { size = 1000 }
        block:alloc(100)
        range = block:alloc(50)
    end)

    after_each(function()
        block:destroy()
    end)

    it("has fields", function()
        assert.equal(100, range.offset)
        assert.equal(50, range.size)
        assert.is_nil(range.user)
        assert.is_true(range.live)
        assert.equal(block, range.block)
    end)

    it("loses them when it is freed", function()
        range.user = 1
        range:free()
        assert.is_nil(range.offset)
        assert.is_nil(range.size)
        assert.is_nil(range.user)
        assert.is_false(range.live)
        assert.equal(block, range.block)
    end)

    it("is not the range that takes its place", function()
        range:free()
        local other = block:alloc(50)
        assert.equal(100, other.offset)
        assert.is_false(range.live)
        assert.not_equal(range, other)
        assert.equal("stale", select(3, block:free(range)))
        assert.is_true(other.live)
    end)

    it("is equal to a handle of the same range only", function()
        local found
        for _, _, candidate in block:pieces() do
            if candidate == range then
                found = candidate
            end
        end
        assert.is_false(rawequal(found, range))
        assert.is_true(found:free())
        assert.is_false(range.live)
        local other <close> = fh.block { size = 1000 }
        assert.is_false(other:alloc(1) == block:alloc(1))
        assert.is_false(range == block)
        assert.is_false(range == io.stdout)
    end)

    it("raises for fields that do not exist", function()
        assert.error_matches(function()
            return range.ofset
        end, "a range has no field 'ofset'; did you mean 'offset'%?")
        assert.error_matches(function()
            return range[1]
        end, "a range has no field '1'")
        assert.error_matches(function()
            range.offset = 3
        end, "a range has no field to set 'offset'; known: 'user'")
        assert.error_matches(function()
            range.usr = 3
        end, "did you mean 'user'%?")
    end)
end)

describe("a user value", function()
    local block

    before_each(function()
        block = fh.block { size = 1000 }
    end)

    after_each(function()
        block:destroy()
    end)

    it("is any value", function()
        for _, value in ipairs {
            1, -1, 1.5, 0 / 1, "text", "", true, false, {}, print, io.stdout, block,
            coroutine.create(print), math.mininteger,
        } do
            local range = assert(block:alloc(1, { user = value }))
            assert.equal(value, range.user)
            assert.equal(value, block:info(range).user)
            local other = assert(block:alloc(1))
            assert.is_nil(other.user)
            assert.is_true(block:set_user(other, value))
            assert.equal(value, other.user)
            other.user = nil
            assert.is_nil(other.user)
            other.user = value
            assert.equal(value, other.user)
            assert.is_true(block:set_user(other, nil))
            assert.is_nil(block:info(other).user)
        end
    end)

    it("changes no statistic", function()
        block:alloc(10)
        local without = block:detail()
        block:clear()
        block:alloc(10, { user = "x" })
        assert.same(without, block:detail())
    end)

    it("is let go when its range ends", function()
        local watch = setmetatable({}, { __mode = "v" })
        local function give(index)
            watch[index] = {}
            return block:alloc(1, { user = watch[index] })
        end
        local function kept()
            collectgarbage()
            collectgarbage()
            local count = 0
            for _ in pairs(watch) do
                count = count + 1
            end
            return count
        end
        local freed, closed = give(1), give(2)
        give(3)
        give(4).user = nil
        assert.equal(3, kept())
        freed:free()
        assert.equal(2, kept())
        do
            local _ <close> = closed
        end
        assert.equal(1, kept())
        block:clear()
        assert.equal(0, kept())
        give(5)
        assert.equal(1, kept())
        block:destroy()
        assert.equal(0, kept())
    end)

    it("may refer to its own block and range without keeping them for ever", function()
        local watch = setmetatable({}, { __mode = "k" })
        do
            local own = fh.block { size = 10 }
            local range = own:alloc(1)
            range.user = { own, range }
            watch[own] = true
        end
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(watch))
    end)
end)

describe("pieces", function()
    local block

    before_each(function()
        block = fh.block { size = 100 }
    end)

    after_each(function()
        block:destroy()
    end)

    local function list()
        local found = {}
        for offset, size, range, user in block:pieces() do
            found[#found + 1] = { offset, size, range and range.size or "gap", user }
        end
        return found
    end

    it("shows an empty block as one gap", function()
        assert.same({ { 0, 100, "gap" } }, list())
    end)

    it("shows ranges and gaps in address order", function()
        block:alloc(10, { user = "a" })
        local b = block:alloc(20)
        block:alloc(30, { user = false })
        b:free()
        assert.same(
            { { 0, 10, 10, "a" }, { 10, 20, "gap" }, { 30, 30, 30, false }, { 60, 40, "gap" } },
            list())
    end)

    it("lets the body change the block", function()
        for i = 1, 10 do
            block:alloc(10, { user = i })
        end
        local seen = 0
        for _, size, range, user in block:pieces() do
            seen = seen + 1
            assert.equal(seen, user)
            assert.equal(10, size)
            assert.is_true(range:free())
            assert(block:alloc(1))
        end
        assert.equal(10, seen)
        assert.equal(10, block:stats().range_count)
    end)

    it("shows a range that the body freed before, stale and without its user value", function()
        local last
        for i = 1, 3 do
            last = block:alloc(10, { user = i })
        end
        local found = {}
        for offset, _, range, user in block:pieces() do
            if last.live then
                last:free()
            end
            found[#found + 1] = { offset, range and range.live, user }
        end
        assert.same({ { 0, true, 1 }, { 10, true, 2 }, { 20, false }, { 30 } }, found)
    end)

    it("lets the body destroy the block", function()
        block:alloc(10)
        local seen = 0
        for _, _, range in block:pieces() do
            block:destroy()
            seen = seen + 1
            assert.is_true(range == nil or not range.live)
        end
        assert.equal(2, seen)
    end)

    it("ends, and stays at its end", function()
        local next_piece = block:pieces()
        assert.equal(0, (next_piece()))
        assert.is_nil((next_piece()))
        assert.is_nil((next_piece()))
    end)

    it("outlives every other reference to its block", function()
        local next_piece = (function()
            local own = fh.block { size = 10 }
            own:alloc(10)
            return own:pieces()
        end)()
        collectgarbage()
        collectgarbage()
        local _, _, range = next_piece()
        assert.is_true(range.live)
    end)
end)
