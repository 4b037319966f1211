-- What thread_host.c runs: callbacks in Lua, of a device that other OS threads use. They are its
-- globals:
-- luacheck: read_globals elsewhere_make elsewhere_tick elsewhere_signal elsewhere_release beside

local fh = require "freehold"

local function equal(expected, value)
    if expected ~= value then
        error(("expected %s, got %s"):format(tostring(expected), tostring(value)), 2)
    end
end

-- Elsewhere nothing of Lua's runs: the log, observers and owners are not asked.
do
    local called = 0
    local function call()
        called = called + 1
        return true
    end
    local device <close> = assert(fh.device {
        profile = { heaps = { { size = 64 * fh.MiB } }, types = { { flags = "device_local" } } },
        log = call, evict = call,
    })
    assert(device:observe(nil, call))
    local kept = assert(device:buffer {
        size = "40MiB", usage = "vertex", evictable = "any_thread",
    })
    called = 0
    equal("FH_ERR_BUDGET", elsewhere_make(device, 40 * fh.MiB, 1))
    equal("FH_OK", elsewhere_make(device, 4096, 1))
    device:set_limit("total", 1)
    equal("FH_OK", elsewhere_tick(device))
    called = 0
    equal("FH_OK", elsewhere_tick(device))
    equal(0, called)
    assert(kept:live())
    device:tick()
    assert(called > 0)
end

-- An allocator's parcels come from the device under it, and what it is told waits.
do
    local made, freed = 0, {}
    local device <close> = assert(fh.device {})
    local alias <close> = assert(device:with_allocator {
        name = "here only",
        alloc_buffer = function(base, desc)
            made = made + 1
            return base:buffer(desc)
        end,
        notify_freed = function(_, committed, kind)
            freed[#freed + 1] = kind .. committed
        end,
        allocated_bytes = function() return 7 end,
        reclaim = function() error("elsewhere") end,
    })
    equal("FH_OK", elsewhere_make(alias, 100, 1))
    equal("FH_OK", elsewhere_make(alias, 200, 1))
    equal(0, made)
    equal(0, #freed)
    assert(device:lost() == false) -- any call brings the news
    equal("buffer100 buffer200", table.concat(freed, " "))
    equal(7, alias:allocated_bytes())
    assert(alias:buffer { size = 300, usage = "vertex" }):release()
    equal(1, made)
    equal("buffer300", freed[3])
end

-- Functions that are called once are called later.
do
    local calls = {}
    local device <close> = assert(fh.device {})
    local queue = assert(device:queue("q"))
    device:retire(function() calls[#calls + 1] = "retired" end, queue:epoch(1))
    local external = assert(device:external {
        size = 1, user = "user", destroy = function(user) calls[#calls + 1] = user end,
    })
    external:retire(queue:epoch(1))
    equal("FH_OK", elsewhere_signal(device, queue.index, 1))
    equal(0, #calls)
    equal(1, queue:progress())
    table.sort(calls)
    equal("retired user", table.concat(calls, " "))
end

-- A parcel may lose a reference elsewhere; and news may come when the device closes.
do
    local freed = 0
    local device = assert(fh.device {})
    local alias = assert(device:with_allocator {
        name = "counting", notify_freed = function() freed = freed + 1 end,
    })
    local buffer = assert(alias:buffer { size = 100, usage = "vertex" })
    equal("FH_OK", elsewhere_release(device, buffer))
    assert(buffer:live())
    equal("FH_OK", elsewhere_make(alias, 100, 3))
    buffer:release()
    equal(4, freed)
    equal("FH_OK", elsewhere_make(alias, 100, 2))
    device:close()
    alias:close()
    equal(6, freed)
end

-- Both at once.
do
    local seen, freed = 0, 0
    local device <close> = assert(fh.device {})
    local alias <close> = assert(device:with_allocator {
        name = "busy",
        alloc_buffer = function(base, desc) return base:buffer(desc) end,
        notify_freed = function() freed = freed + 1 end,
    })
    equal("FH_OK", beside(alias, function()
        local watch <close> = assert(device:observe("parcel_created", function()
            seen = seen + 1
        end))
        for i = 1, 2000 do
            assert(alias:buffer { size = 1000, usage = "vertex", user = {} }):release()
            if i % 16 == 0 then
                assert(device:tick())
            end
            if i % 100 == 0 then
                collectgarbage()
                assert(device:stats())
                assert(device:parcels())
            end
        end
        assert(watch:close())
    end))
    equal(2000, seen)
    device:tick()
    equal(4000, freed)
    equal(0, device:stats().parcel_count)
end

-- A policy in trusted mode: elsewhere the native rule decides, or the verdict that was cached, and
-- what `pressure` has to say waits.
do
    local asked, events = {}, {}
    local function count(hook)
        asked[hook] = (asked[hook] or 0) + 1
    end
    local device <close> = assert(fh.device {
        profile = { heaps = { { size = 64 * fh.MiB } }, types = { { flags = "device_local" } } },
    })
    local policy = assert(device:set_policy {
        limits = function() return { total = "32MiB", watermarks = { 0.5 } } end,
        place = function() count "place"; return { memory = "device" } end,
        relieve = function() count "relieve"; return "deny" end,
        frame = function() count "frame"; return { limits = true } end,
        pressure = function(_, event) events[#events + 1] = event.used end,
    })
    equal("FH_OK", elsewhere_make(device, 100, 1))
    equal("FH_ERR_BUDGET", elsewhere_make(device, 40 * fh.MiB, 1))
    equal("FH_OK", elsewhere_tick(device))
    equal(nil, next(asked))
    local kept = assert(device:buffer { size = "20MiB", usage = "vertex" })
    equal(1, asked.place)
    equal("FH_OK", elsewhere_tick(device))
    equal(0, #events)
    assert(device:stats())
    equal(1, #events)
    assert(events[1] >= 20 * fh.MiB)
    equal(nil, asked.frame)
    device:tick()
    equal(1, asked.frame)
    kept:release()
    equal("FH_OK", elsewhere_tick(device))
    assert(policy:remove()) -- with a notice under way, perhaps
    collectgarbage()
    device:tick()
end

-- Lines of the log from elsewhere wait, too.
do
    local lines = {}
    local device <close> = assert(fh.device {
        profile = { heaps = { { size = 64 * fh.MiB } }, types = { { flags = "device_local" } } },
        log = function(_, message) lines[#lines + 1] = message end,
    })
    assert(device:set_policy { name = "talking", text = [[
        return { frame = function() log("ticked") end }]] })
    local before = #lines
    equal("FH_OK", elsewhere_tick(device))
    equal(before, #lines)
    assert(device:stats())
    assert(#lines > before and lines[#lines]:find("ticked", 1, true))
end

-- A policy of scripts, with both at once.
do
    local device <close> = assert(fh.device {})
    local policy = assert(device:set_policy { text = [[
        return {
            place = function(self, request, facts)
                return { memory = "device", priority = 0.25 + facts.frame % 2 / 2 }
            end,
            frame = function(self) self.state.ticks = (self.state.ticks or 0) + 1 end,
        }]] })
    equal("FH_OK", beside(device, function()
        for i = 1, 500 do
            assert(device:buffer { size = 1000 + i, usage = "vertex" }):release()
            if i % 16 == 0 then
                assert(device:tick())
                assert(policy:status())
                assert(policy:decisions())
            end
        end
    end))
    assert(policy:state().ticks > 0)
    assert(policy:status().scripts[1].hooks.place.failed == 0)
end
