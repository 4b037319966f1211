-- Observers.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("an observer", function()
    local device, seen

    local function note(event)
        seen[#seen + 1] = event
    end

    local function kinds()
        local list = {}
        for i, event in ipairs(seen) do
            list[i] = event.kind
        end
        return list
    end

    before_each(function()
        device = support.small_device()
        seen = {}
    end)

    after_each(function()
        device:close()
    end)

    it("sees the life of a parcel", function()
        local watch <close> = assert(device:observe(
            "parcel_created|parcel_used|parcel_retired|parcel_freed|parcel_mapped|parcel_unmapped"
            .. "|parcel_resized", note))
        local queue = assert(device:queue("q"))
        local buffer = assert(device:buffer {
            size = 1000, usage = "vertex|copy_dst", tag = "terrain", name = "hill",
            location = "upload", capacity = 2000,
        })
        local id, reserved = buffer:info().id, buffer:info().reserved
        buffer:map():unmap()
        buffer:resize(2000)
        buffer:use(queue, 3)
        buffer:release()
        queue:signal(3)
        device:tick()
        assert.same({
            "parcel_created", "parcel_mapped", "parcel_unmapped", "parcel_resized", "parcel_used",
            "parcel_retired", "parcel_freed",
        }, kinds())
        local created, used, freed = seen[1], seen[5], seen[7]
        assert.same({
            kind = "parcel_created", tick = 0, id = id, parcel_kind = "buffer", tag = "terrain",
            name = "hill", bytes = reserved, committed = 1000, memory = 1, offset = 0, buffer = {
                size = 1000, capacity = 2000, location = "upload", tag = "terrain", name = "hill",
                usage = { vertex = true, copy_dst = true },
            },
        }, created)
        assert.equal(buffer, seen[2].parcel or buffer)
        assert.same({ queue = queue.index, value = 3 }, used.epoch)
        assert.same({ 2000, 1000 }, { seen[4].bytes, seen[4].bytes_before })
        assert.same({
            kind = "parcel_freed", tick = freed.tick, id = id, parcel_kind = "buffer",
            tag = "terrain", bytes = reserved,
        }, freed)
        assert.equal("freehold.observer", tostring(watch))
    end)

    it("gets the program's own handle", function()
        local buffer
        local watch <close> = assert(device:observe("parcel_used", function(event)
            assert.is_true(rawequal(buffer, event.parcel))
            note(event)
        end))
        buffer = assert(device:buffer { size = 10, usage = "vertex" })
        buffer:use(0, 0)
        buffer:use(device:queue("q"), 1)
        assert(#seen >= 1)
        assert.is_true(watch:close())
    end)

    it("sees memory, copies, refusals, limits, ticks, policies and loss", function()
        local watch <close> = assert(device:observe(nil, note))
        local function last(kind)
            for i = #seen, 1, -1 do
                if seen[i].kind == kind then
                    return seen[i]
                end
            end
            error("no " .. kind .. " in " .. table.concat(kinds(), " "))
        end
        local texture = assert(device:texture {
            width = 16, format = "rg8_unorm", usage = "copy_dst", mips = 2, tag = "sky",
        })
        assert.equal("rg8_unorm", last("parcel_created").texture.format)
        local memory = last("memory_allocated")
        assert.same({ 0, 0, false }, { memory.heap, memory.type, memory.dedicated })
        assert(memory.bytes > 0)
        texture:release()
        device:trim()
        assert.equal(memory.bytes, last("memory_freed").bytes)

        local buffer <close> = assert(device:buffer { size = 64, usage = "copy_dst" })
        local epoch = assert(buffer:fill(1))
        assert.same(epoch, last("copied").epoch)
        assert.equal(1, last("copied").count)

        device:set_limit("buffer", 64)
        fails("budget", {}, device:buffer { size = 65, usage = "vertex", tag = "sky" })
        local refused = last("refused")
        assert.same({ "budget", "buffer", "sky", "buffer" },
            { refused.code, refused.parcel_kind, refused.tag, refused.account })
        device:tick()
        assert.equal(device:stats().tick_count, last("tick").tick)
        local policy = assert(device:budget_policy {})
        assert.equal(device:policy_name(), last("policy_set").name)
        policy:remove()
        assert.is_nil(last("policy_set").name)
        device:fault { kind = "lose" }
        device:texture { width = 1, format = "r8_unorm" }
        assert.equal("device_lost", last("device_lost").kind)
        assert.is_true(watch:close())
    end)

    it("gets descriptions that can be used again", function()
        local again
        local raw <close> = assert(device:raw { size = 4096 })
        local pool <close> = assert(device:pool { name = "p" })
        for _, desc in ipairs {
            { size = 100, usage = "vertex", pool = pool, priority = 0.75, types = { 0 } },
            { size = 100, usage = "vertex", backing = raw, backing_offset = 1024 },
            { size = 128, usage = "index", location = "upload", access = "random", stride = 4,
                mapped = true, required = "host_visible", preferred = "host_cached",
                strategy = "min_memory", evictable = "at_tick", movable = true,
                within_budget = true, dedicated = "never" },
        } do
            local watch <close> = assert(device:observe("parcel_created", function(event)
                again = event.buffer
            end))
            local buffer <close> = assert(device:buffer(desc))
            watch:close()
            assert.equal(desc.pool, again.pool)
            assert.equal(desc.backing, again.backing)
            for key, value in pairs(desc) do
                if type(value) ~= "table" and type(value) ~= "userdata" and key ~= "usage"
                    and key ~= "required" and key ~= "preferred" then
                    assert.equal(value, again[key], key)
                end
            end
            local copy <close> = assert(device:buffer(again))
            assert.equal(buffer:info().type, copy:info().type)
            assert.equal(buffer:info().reserved, copy:info().reserved)
        end
    end)

    it("watches until it is closed, also when its variable is lost", function()
        device:observe("tick", note)
        collect()
        device:tick()
        assert.equal(1, #seen)
        do
            local watch <close> = assert(device:observe("tick", note))
            device:tick()
            assert.equal(3, #seen)
            assert.is_true(watch:close())
            assert.is_false(watch:close())
            assert.equal("freehold.observer (closed)", tostring(watch))
            device:tick()
            assert.equal(4, #seen)
        end
        do
            local _ <close> = assert(device:observe("tick", note))
        end
        device:tick()
        assert.equal(5, #seen)
    end)

    it("may close itself, and others, from within", function()
        local one, other
        one = assert(device:observe("tick", function(event)
            note(event)
            assert.is_true(one:close())
            assert.is_false(one:close())
            assert.is_true(other:close())
        end))
        other = assert(device:observe("tick", note))
        device:tick()
        device:tick()
        assert(#seen <= 2)
        local count = 0
        for _ = 1, 20 do
            local each
            each = assert(device:observe("tick", function()
                count = count + 1
                each:close()
            end))
            device:tick()
        end
        assert.equal(20, count)
    end)

    it("may close an observer that called it", function()
        local outer, inner
        outer = assert(device:observe("tick", function()
            device:raw({ size = 16 }):release()
        end))
        inner = assert(device:observe("parcel_created", function()
            assert.is_true(outer:close())
            assert.is_true(inner:close())
        end))
        device:tick()
        device:tick()
        for _ = 1, 8 do
            assert(device:observe("tick", note)) -- the places are free again
        end
    end)

    it("may be closed while its device is being destroyed", function()
        for _ = 1, 5 do
            device = support.small_device()
            local kept = assert(device:raws(5, { size = 16 }))
            for _ = 1, 3 do
                local watch
                watch = assert(device:observe("parcel_freed", function(event)
                    note(event)
                    watch:close()
                    watch = nil
                    collect()
                    local garbage = {} -- in the place of what was freed too early
                    for i = 1, 100 do
                        garbage[i] = { i }
                    end
                    assert.equal(100, #garbage)
                end))
            end
            device:close()
            assert.is_false(kept[1]:live())
        end
        assert.equal(15, #seen)
    end)

    it("may use, tick and close the device", function()
        local inner = 0
        assert(device:observe("parcel_created", function()
            inner = inner + 1
            if inner < 10 then
                device:raw { size = 16 }
                device:tick()
            else
                device:close()
            end
        end))
        device:raw { size = 16 }
        assert.equal(10, inner)
        assert.is_true(device:closed())
    end)

    it("that raises is reported, and stops nothing", function()
        local lines = {}
        local logged <close> = support.small_device {
            log = function(_, message) lines[#lines + 1] = message end,
        }
        assert(logged:observe("parcel_created", function(event)
            error("no " .. event.parcel_kind .. "s here", 0)
        end))
        assert.is_truthy(logged:raw { size = 16 })
        assert.same({ "an observer raised an error: no raws here" }, lines)
    end)

    it("is one of eight", function()
        for _ = 1, 8 do
            assert(device:observe("tick", note))
        end
        fails("busy", { "8" }, device:observe("tick", note))
    end)

    it("watches events that exist, with a function", function()
        raises(function() device:observe("tick") end, "observe: function expected, got nil")
        raises(function() device:observe("tock", note) end, "did you mean 'tick'?")
        raises(function() device:observe(1, note) end, "events: string or table expected")
        fails("invalid", {}, device:observe({}, note))
        raises(function() device:observe({ "tick", "x" }, note) end, "events: unknown name 'x'")
    end)

    it("of a program that is gone is no trouble", function()
        for _ = 1, 10 do
            local gone = assert(fh.device {})
            gone:observe(nil, function() return gone end)
            gone:buffer { size = 1, usage = "vertex" }
        end
        collect()
    end)
end)
