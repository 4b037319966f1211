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
