-- Allocators that are written in Lua, and the budget policy.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("an alias", function()
    local device

    before_each(function()
        device = support.small_device()
    end)

    after_each(function()
        device:close()
    end)

    it("without functions is like the device", function()
        local alias <close> = assert(device:with_allocator { name = "plain" })
        assert.equal("plain", alias:allocator())
        assert.equal("default", device:allocator())
        local buffer <close> = assert(alias:buffer {
            size = 64, usage = "copy_src|copy_dst", capacity = 128,
        })
        local texture <close> = assert(alias:texture { width = 8, format = "r8_unorm" })
        local raw <close> = assert(alias:raw { size = 100 })
        assert.equal(3, device:stats().parcel_count)
        assert.equal(device:stats().total.reserved, alias:allocated_bytes())
        assert.is_nil(alias:budget())
        device:set_limit("total", "10MiB")
        assert.equal(10 * fh.MiB, alias:budget())
        assert.equal(10 * fh.MiB, device:budget())
        assert.equal(alias, buffer:device())
        assert(buffer:write(0, "through the alias"))
        assert.equal("through", buffer:read(0, 7))
        assert.is_true(texture:live() and raw:live())
    end)

    it("routes through its functions", function()
        local log = {}
        local function note(...)
            log[#log + 1] = table.concat({ ... }, " ")
        end
        local queue = assert(device:queue("q"))
        local alias <close> = assert(device:with_allocator {
            name = "noting",
            alloc_buffer = function(base, desc)
                assert.is_true(rawequal(device, base))
                note("buffer", desc.size, desc.tag)
                return base:buffer(desc)
            end,
            alloc_buffer_with_capacity = function(base, desc)
                note("growing", desc.size, desc.capacity)
                return base:buffer(desc)
            end,
            alloc_texture = function(base, desc)
                note("texture", desc.format, desc.width)
                return base:texture(desc)
            end,
            alloc_raw = function(base, desc)
                note("raw", desc.size)
                return base:raw(desc)
            end,
            notify_freed = function(reserved, committed, kind)
                note("freed", tostring(reserved >= committed), committed, kind)
            end,
            notify_resized = function(before, after, kind)
                note("resized", before.committed, after.committed, kind)
            end,
            allocated_bytes = function() return 42 end,
            budget = function() return 43 end,
            reclaim = function(base) note("reclaim", tostring(rawequal(base, device))) end,
            drain = function(base) note("drain", tostring(rawequal(base, device))) end,
        })
        assert.equal(42, alias:allocated_bytes())
        assert.equal(43, alias:budget())
        assert(alias:buffer { size = 10, usage = "vertex", tag = "t" }):release()
        local growing = assert(alias:buffer {
            size = 10, capacity = 20, usage = "copy_dst", location = "upload",
        })
        assert(growing:resize(15))
        growing:release()
        assert(alias:texture { width = 8, format = "r8_unorm" }):retire(queue:epoch(1))
        assert(alias:raw { size = 7, user = "mine" }):release()
        alias:tick()
        queue:signal(1)
        device:tick()
        assert.equal(0, device:account("texture").used + device:account("raw").used)
        local first = {
            "buffer 10 t", "freed true 10 buffer", "growing 10 20", "resized 10 15 buffer",
            "freed true 15 buffer", "texture r8_unorm 8", "raw 7", "freed true 7 raw",
        }
        assert.same(first, table.move(log, 1, #first, 1, {}))
        local rest = table.concat(log, ",", #first + 1)
        assert.is_truthy(rest:find("reclaim true", 1, true))
        assert.is_truthy(rest:find("freed true 8 texture", 1, true))
        assert(alias:close())
        assert.equal("drain true", log[#log])
    end)

    it("may give out parcels that it kept", function()
        local kept, hits = {}, 0
        local alias <close> = assert(device:with_allocator {
            name = "recycling",
            alloc_raw = function(base, desc)
                local free = table.remove(kept)
                if free then
                    hits = hits + 1
                    return free
                end
                return base:raw(desc)
            end,
            drain = function()
                while #kept > 0 do
                    table.remove(kept):release()
                end
            end,
        })
        local one = assert(alias:raw { size = 1000 })
        kept[1] = assert(one:acquire())
        one:release()
        local two = assert(alias:raw { size = 1000 })
        assert.equal(1, hits)
        kept[1] = assert(two:acquire())
        two:release()
        assert.equal(1, device:stats().parcel_count)
        alias:close()
        assert.equal(0, device:stats().parcel_count)
    end)

    it("keeps the user value, which its functions do not see", function()
        local alias <close> = assert(device:with_allocator {
            name = "x",
            alloc_buffer = function(base, desc)
                assert.is_nil(desc.user)
                desc.user = "the allocator's"
                desc.name = "renamed"
                return base:buffer(desc)
            end,
        })
        local buffer <close> = assert(alias:buffer { size = 10, usage = "vertex", user = "mine" })
        assert.equal("mine", buffer:user())
        assert.equal("renamed", buffer:name())
        assert.is_true(rawequal(buffer, device:parcels()[1].parcel))
    end)

    it("refuses with what its function says, or how it fails", function()
        local answer
        local alias <close> = assert(device:with_allocator {
            name = "moody",
            alloc_buffer = function() return answer() end,
        })
        local function ask()
            return alias:buffer { size = 10, usage = "vertex" }
        end
        answer = function() end
        fails("out_of_memory", { 'the allocator "moody" gives no buffer' }, ask())
        answer = function() return nil, "not today" end
        fails("out_of_memory", { "not today" }, ask())
        answer = function() return nil, "too much", "budget" end
        fails("budget", { "too much" }, ask())
        answer = function() return nil, "odd", "ok" end
        fails("out_of_memory", { "odd" }, ask())
        answer = function() return nil, "odd", "no such code" end
        fails("out_of_memory", { "odd" }, ask())
        answer = function() error("it broke", 0) end
        fails("script", { 'the allocator "moody": it broke' }, ask())
        answer = function() error({}) end
        fails("script", { "table: " }, ask())
        answer = function() return "buffer" end
        fails("script", { "alloc_buffer must return a parcel or nil, got string" }, ask())
        local gone = assert(device:raw { size = 1 })
        gone:release()
        answer = function() return gone end
        fails("script", { "one that is released or of another device" }, ask())
        local other <close> = support.small_device()
        local foreign <close> = assert(other:raw { size = 1 })
        answer = function() return foreign end
        fails("script", { "of another device" }, ask())
        assert.is_true(foreign:live())
        answer = function() coroutine.yield() end
        fails("script", { "yield" }, ask())
        assert.equal(0, device:stats().parcel_count)
        answer = function() return device:buffer { size = 10, usage = "vertex" } end
        assert(ask()):release()
    end)

    it("reports what its other functions raise", function()
        local lines = {}
        local logged <close> = support.small_device {
            log = function(_, message) lines[#lines + 1] = message end,
        }
        local alias = assert(logged:with_allocator {
            name = "broken",
            notify_freed = function() error("a", 0) end,
            allocated_bytes = function() error("b", 0) end,
            budget = function() return "much" end,
            reclaim = function() error("c", 0) end,
            drain = function() error("d", 0) end,
        })
        assert(alias:raw { size = 1 }):release()
        assert.equal(0, alias:allocated_bytes())
        assert.is_nil(alias:budget())
        alias:tick()
        alias:close()
        assert.equal("an allocator raised an error: a", lines[1])
        assert.equal("an allocator raised an error: b", lines[2])
        assert.is_truthy(lines[3]:find("budget must return bytes", 1, true))
        assert.equal("an allocator raised an error: c", lines[4])
        assert.equal("an allocator raised an error: d", lines[5])
    end)

    it("may stand on an alias, and be closed in any order", function()
        for _, order in ipairs {
            { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 },
        } do
            local calls = {}
            local function allocator(name)
                return {
                    name = name,
                    alloc_buffer = function(base, desc)
                        calls[#calls + 1] = name
                        return base:buffer(desc)
                    end,
                    notify_freed = function() calls[#calls + 1] = "freed " .. name end,
                }
            end
            local base = support.small_device()
            local lower = assert(base:with_allocator(allocator "lower"))
            local upper = assert(lower:with_allocator(allocator "upper"))
            local handles = { base, lower, upper }
            local buffer = assert(upper:buffer { size = 10, usage = "vertex" })
            assert.same({ "upper", "lower" }, calls)
            for i, which in ipairs(order) do
                assert.is_true(handles[which]:close())
                assert.is_true(handles[which]:closed())
                if i < 3 and which ~= 3 and not upper:closed() then
                    assert(upper:buffer { size = 20, usage = "vertex" }):release()
                end
                assert.equal(i < 3, buffer:live())
            end
            table.sort(calls)
            local text = table.concat(calls, " ")
            assert.is_truthy(text:find("freed lower", 1, true))
            assert.is_truthy(text:find("freed upper", 1, true))
        end
    end)

    it("that is lost is closed by the collector", function()
        local drained = 0
        for _ = 1, 5 do
            device:with_allocator { name = "x", drain = function() drained = drained + 1 end }
        end
        collect()
        collect()
        assert.equal(5, drained)
    end)

    it("tells its allocator of parcels that end after it", function()
        local freed = 0
        local alias = assert(device:with_allocator {
            name = "x", notify_freed = function() freed = freed + 1 end,
        })
        local queue = assert(device:queue("q"))
        local one = assert(alias:raw { size = 1 })
        local two = assert(alias:raw { size = 1 })
        two:retire(queue:epoch(1))
        alias:close()
        alias = nil -- luacheck: ignore
        collect()
        assert.is_true(one:live())
        one:release()
        assert.equal(1, freed)
        queue:signal(1)
        device:tick()
        assert.equal(2, freed)
    end)

    it("may be closed by its own functions", function()
        local alias
        alias = assert(device:with_allocator {
            name = "x",
            alloc_raw = function(base, desc)
                alias:close()
                device:close()
                fails("stale", {}, alias:raw(desc))
                return base:raw(desc) -- which is lent, for as long as this runs
            end,
        })
        local raw = alias:raw { size = 1 }
        assert.is_true(alias:closed())
        assert.is_true(device:closed())
        assert.is_false(raw:live())
    end)

    it("is described by functions with names", function()
        raises(function() device:with_allocator() end, "allocator: table expected")
        raises(function() device:with_allocator {} end, "field 'name': is missing")
        raises(function() device:with_allocator { name = "" } end, "field 'name': is missing")
        raises(function() device:with_allocator { name = 1 } end, "field 'name': string expected")
        raises(function() device:with_allocator { name = "x", alloc_bufer = print } end,
            "did you mean 'alloc_buffer'?")
        raises(function() device:with_allocator { name = "x", drain = 1 } end,
            "field 'drain': function expected, got number")
    end)
end)

describe("the budget policy", function()
    it("limits, counts and goes", function()
        local device <close> = support.small_device()
        assert.equal("native", device:policy_name())
        local policy = assert(device:budget_policy { limit = "4MiB" })
        assert.not_equal("native", device:policy_name())
        assert.is_true(rawequal(policy, device:policy()))
        assert.same({
            limit = 4 * fh.MiB, telemetry_only = false, over_count = 0, used_peak = 0,
            in_charge = true,
        }, policy:info())
        fails("budget", {}, device:raw { size = "5MiB" })
        assert.is_true(policy:set_limit("8MiB"))
        device:tick()
        local raw <close> = assert(device:raw { size = "5MiB" })
        device:tick()
        assert(policy:info().used_peak >= 5 * fh.MiB)
        assert.is_true(policy:set_limit(nil))
        assert.is_nil(policy:info().limit)
        assert.equal("freehold.budget (in charge)", tostring(policy))
        assert.is_true(policy:remove())
        assert.is_false(policy:remove())
        assert.equal("native", device:policy_name())
        assert.is_false(policy:info().in_charge)
        assert.equal("freehold.budget (removed)", tostring(policy))
        assert.is_true(raw:live())
    end)

    it("may only count", function()
        local device <close> = support.small_device()
        local policy = assert(device:budget_policy { limit = "1MiB", telemetry_only = true })
        local raw <close> = assert(device:raw { size = "5MiB" })
        device:tick()
        assert(policy:info().over_count >= 1)
        assert.is_true(raw:live())
    end)

    it("is replaced, and collected, at any time", function()
        local device <close> = support.small_device()
        local first = assert(device:budget_policy { limit = 1 })
        local second = assert(device:budget_policy { limit = "1GiB" })
        assert.is_false(first:info().in_charge)
        assert.is_false(first:remove())
        assert.is_true(second:info().in_charge)
        second = nil -- luacheck: ignore
        collect()
        assert(device:raw { size = 100 }):release()
        device:tick()
        for _ = 1, 20 do
            assert(device:budget_policy { limit = "1GiB" })
        end
        collect()
        device:tick()
        local last = assert(device:budget_policy {})
        device:close()
        assert.is_false(last:info().in_charge)
        assert.is_false(last:remove())
    end)

    it("is described by fields that exist", function()
        local device <close> = support.small_device()
        raises(function() device:budget_policy() end, "table expected, got nil")
        raises(function() device:budget_policy { limt = 1 } end, "did you mean 'limit'?")
        fails("invalid", { "limit: -1" }, device:budget_policy { limit = -1 })
        local policy = assert(device:budget_policy {})
        raises(function() policy:set_limit() end, "limit: bytes expected, or nil")
        fails("invalid", { "limit: -1" }, policy:set_limit(-1))
    end)
end)
