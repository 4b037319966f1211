-- Pools of the program's own.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("a pool", function()
    local device

    before_each(function()
        device = support.small_device()
    end)

    after_each(function()
        device:close()
    end)

    local function buffer(pool, size)
        return device:buffer { size = size or 4096, usage = "vertex", pool = pool }
    end

    it("holds its parcels", function()
        local pool <close> = assert(device:pool { name = "ring", block_size = "1MiB" })
        assert.same({ 0, 0 }, { pool:info().block_count, pool:info().range_count })
        local one <close> = assert(buffer(pool))
        local info = assert(pool:info())
        assert.equal("ring", info.name)
        assert.equal(fh.MiB, info.block_bytes)
        assert.equal(1, info.block_count)
        assert.equal(1, info.range_count)
        assert.equal(one:info().reserved, info.range_bytes)
        assert.equal(info.type, one:info().type)
        assert.equal(info.heap, one:info().heap)
        assert.same({ device_local = true }, info.flags)
        assert.equal(("freehold.pool ('ring', %d of %d bytes used)"):format(
            info.range_bytes, info.block_bytes), tostring(pool))
    end)

    it("never grows beyond its maximum", function()
        local pool <close> = assert(device:pool {
            block_size = "64KiB", block_count_min = 1, block_count_max = 2, location = "upload",
            algorithm = "linear", keep_empty = true, priority = 0.9, access = "sequential",
        })
        assert.equal(1, pool:info().block_count)
        local one <close> = assert(buffer(pool, 65536))
        local two <close> = assert(buffer(pool, 65536))
        fails("out_of_memory", {}, buffer(pool, 1))
        assert.equal(2, pool:info().block_count)
        assert.is_true(one:live() and two:live())
    end)

    it("is destroyed once its parcels are gone", function()
        local queue = assert(device:queue("q"))
        local pool = assert(device:pool())
        local one = assert(buffer(pool))
        fails("busy", {}, pool:destroy())
        assert.equal(1, pool:info().range_count)
        one:retire(queue:epoch(1))
        fails("busy", {}, pool:close())
        queue:signal(1)
        device:tick()
        assert.is_true(pool:destroy())
        assert.is_true(pool:destroy())
        fails("stale", { "pool: has been destroyed" }, pool:info())
        fails("stale", { "pool: has been destroyed" }, buffer(pool))
        fails("stale", {}, device:raws(2, { size = 1, pool = pool }))
        fails("stale", {}, device:explain { raw = { size = 1, pool = pool } })
        assert.equal("freehold.pool (destroyed)", tostring(pool))
    end)

    it("that is closed or collected early goes after its parcels", function()
        local queue = assert(device:queue("q"))
        local closed, collected, retired
        do
            local pool <close> = assert(device:pool { block_count_min = 1, block_size = "1MiB" })
            closed = assert(buffer(pool))
        end
        collected = assert(buffer(device:pool { block_count_min = 1, block_size = "1MiB" }))
        retired = assert(buffer(device:pool { block_count_min = 1, block_size = "1MiB" }))
        collect()
        assert.equal(3 * fh.MiB, device:stats().total.block_bytes)
        retired:retire(queue:epoch(1))
        closed:release()
        collected:release()
        device:tick()
        assert.equal(fh.MiB, device:stats().total.block_bytes)
        queue:signal(1)
        device:tick() -- the parcel goes
        assert.equal(0, device:stats().total.block_bytes)
    end)

    it("is not destroyed while a request is under way in it", function()
        local pool, outcome
        local busy <close> = support.small_device {
            evict = function(parcel)
                outcome = table.pack(pool:destroy())
                return parcel:release()
            end,
        }
        local held = assert(busy:buffer {
            size = "40MiB", usage = "vertex", evictable = "any_thread", dedicated = "require",
        })
        pool = assert(busy:pool { block_size = "32MiB" })
        local made <close> = assert(busy:buffer { size = "32MiB", usage = "vertex", pool = pool })
        assert.is_false(held:live())
        assert.is_true(made:live())
        assert.same({ nil, "pool: a parcel is being made in it", "busy", n = 3 }, outcome)
    end)

    it("is described by fields that exist, and numbers that can be", function()
        raises(function() device:pool(1) end, "options: table expected, got number")
        raises(function() device:pool { blocksize = 1 } end, "did you mean 'block_size'?")
        raises(function() device:pool { algorithm = "buddy" } end, "unknown name 'buddy'")
        raises(function() device:pool { keep_empty = 1 } end, "boolean expected")
        raises(function() device:pool { name = 1 } end, "field 'name': string expected")
        fails("invalid", { "block_size: -1" }, device:pool { block_size = -1 })
        fails("invalid", {}, device:pool { block_count_min = 2, block_count_max = 1 })
        fails("invalid", {}, device:pool { priority = -1 })
        fails("unsupported", {}, device:pool { types = { 0 }, location = "upload" })
        fails("budget", {}, device:pool { block_size = "1GiB", block_count_min = 1 })
    end)
end)
