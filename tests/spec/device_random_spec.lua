-- Many random calls in any order, also from callbacks and finalizers, and with faults: each returns
-- what it should or fails in the one way that there is, and what lives is always what is held.

local fh = require "freehold"
local support = require "tests.spec.support"

local OPS = tonumber(os.getenv("FREEHOLD_OPS") or "") or 4000

-- A call's results: something, or nil with a message and a code that exists.
local function check(first, message, code, ...)
    if first == nil and message ~= nil then
        assert(type(message) == "string" and #message > 0)
        assert(fh.result[code] == code)
    end
    return first, message, code, ...
end

-- A world of objects, and the calls that can be made with them.
local function new_world(seed)
    math.randomseed(seed)
    local world = { parcels = {}, pools = {}, aliases = {}, observers = {}, depth = 0 }
    local calls

    local function any(list)
        return #list > 0 and list[math.random(#list)] or nil
    end

    local function take(list)
        return #list > 0 and table.remove(list, math.random(#list)) or nil
    end

    -- One random call; from callbacks, too, though not without end.
    local function act()
        if world.depth < 3 and world.device then
            world.depth = world.depth + 1
            local done, why = pcall(calls[math.random(#calls)])
            world.depth = world.depth - 1
            if not done then
                world.failed = world.failed or why
            end
        end
    end

    local function sometimes()
        if math.random(8) == 1 then
            act()
        end
        if math.random(64) == 1 then
            error("from within")
        end
    end

    local function device()
        return any(world.aliases) or world.device
    end

    local function keep(parcel)
        if parcel then
            world.parcels[#world.parcels + 1] = parcel
        end
    end

    local function options(size)
        return {
            size = size, usage = "copy_src|copy_dst", user = {},
            tag = math.random(3) == 1 and "tag " .. math.random(3) or nil,
            location = ({ "device", "upload" })[math.random(2)],
            evictable = ({ "no", "at_tick", "any_thread" })[math.random(3)],
            pool = math.random(4) == 1 and any(world.pools) or nil,
            capacity = math.random(4) == 1 and size * 2 or nil,
            name = math.random(4) == 1 and "parcel" or nil,
        }
    end

    function world.open()
        world.device = support.small_device({
            evict = function(parcel)
                sometimes()
                return math.random(2) == 1 and parcel:release()
            end,
            log = function() sometimes() end,
        }, { copy_latency_ns = 1000 })
        world.queue = assert(world.device:queue("q"))
    end

    function world.close()
        if world.device then
            world.device:close()
            for _, alias in ipairs(world.aliases) do
                alias:close()
            end
        end
        world.device = nil
        for _, list in ipairs { world.parcels, world.pools, world.aliases, world.observers } do
            while #list > 0 do
                list[#list] = nil
            end
        end
    end

    calls = {
        function() keep(check(device():buffer(options(math.random(100000))))) end,
        function() keep(check(device():buffer(options(math.random(8) * fh.MiB)))) end,
        function()
            keep(check(device():texture {
                width = math.random(300), height = math.random(300), format = "rgba8_unorm",
                usage = "copy_src|copy_dst|sampled", evictable = "any_thread", user = {},
            }))
        end,
        function()
            for _, raw in ipairs(check(device():raws(math.random(4), { size = 512 })) or {}) do
                keep(raw)
            end
        end,
        function()
            local under = any(world.parcels)
            keep(check(device():buffer {
                size = 64, usage = "storage|copy_dst", backing = under and under:live() and under
                    or nil,
            }))
        end,
        function()
            keep(check(device():external { size = math.random(1000), destroy = sometimes }))
        end,
        function()
            local parcel = take(world.parcels)
            return parcel and check(parcel:release())
        end,
        function()
            local parcel = take(world.parcels)
            world.value = (world.value or 0) + 1
            return parcel and check(parcel:retire(world.queue:epoch(world.value)))
        end,
        function()
            local parcel = any(world.parcels)
            keep(parcel and check(parcel:acquire()))
        end,
        function()
            take(world.parcels) -- lost: the collector's
        end,
        function()
            local parcel = any(world.parcels)
            return parcel and check(parcel:write(math.random(100), ("x"):rep(math.random(50))))
        end,
        function()
            local parcel = any(world.parcels)
            return parcel and check(parcel:read(math.random(100), math.random(50)))
        end,
        function()
            local parcel = any(world.parcels)
            return parcel and check(parcel:resize(math.random(100000)))
        end,
        function()
            local parcel = any(world.parcels)
            local mapping <close> = parcel and check(parcel:map())
            if mapping then
                check(mapping:write(0, "x"))
                act()
                check(mapping:read(0, 1))
            end
        end,
        function()
            local src, dst = any(world.parcels), any(world.parcels)
            return src and check(world.device:copy { src = src, dst = dst, size = 16 })
        end,
        function()
            world.pools[#world.pools + 1] = check(device():pool { block_size = "1MiB" })
        end,
        function()
            local pool = take(world.pools)
            return pool and math.random(2) == 1 and check(pool:destroy())
        end,
        function()
            if #world.aliases < 3 then
                world.aliases[#world.aliases + 1] = check(device():with_allocator {
                    name = "alias",
                    alloc_buffer = function(base, desc)
                        sometimes()
                        return base:buffer(desc)
                    end,
                    notify_freed = sometimes,
                    reclaim = sometimes,
                    drain = sometimes,
                })
            end
        end,
        function()
            local alias = take(world.aliases)
            return alias and check(alias:close())
        end,
        function()
            world.observers[#world.observers + 1] =
                check(device():observe("parcel_created|parcel_freed|refused|tick", sometimes))
        end,
        function()
            local observer = take(world.observers)
            return observer and check(observer:close())
        end,
        function()
            world.value = (world.value or 0) + 1
            check(world.device:retire(sometimes, world.queue:epoch(world.value)))
        end,
        function() check(world.queue:signal(world.value or 0)) end,
        function() check(world.device:tick()) end,
        function() check(world.device:tick()) end,
        function() check(world.device:poll()) end,
        function() check(world.device:trim()) end,
        function() check(world.device:set_limit("total", math.random(16, 128) * fh.MiB)) end,
        function() check(world.device:set_limit("total", nil)) end,
        function() check(world.device:stats()) end,
        function() check(world.device:parcels()) end,
        function() check(world.device:json(true)) end,
        function()
            check(world.device:fault {
                nth = math.random(20),
                result = ({ "out_of_memory", "host_memory" })[math.random(2)],
            })
        end,
        function() check(world.device:clear_faults()) end,
        function()
            setmetatable({}, { __gc = act })
        end,
        function() collectgarbage("step", 10) end,
        function()
            if math.random(50) == 1 then
                world.device:close() -- the next step opens another
            end
        end,
    }

    function world.step()
        if world.device and world.device:closed() then
            world.close()
        end
        if not world.device then
            world.open()
        end
        act()
        if world.failed then
            error(("seed %d: %s"):format(seed, world.failed), 0)
        end
    end

    -- What lives in the device is what somebody has a handle of, once the collector has been.
    function world.audit()
        if not world.device or world.device:closed() then
            return
        end
        world.depth = 3 -- nothing from callbacks
        world.device:clear_faults()
        world.device:set_limit("total", nil)
        world.queue:signal(world.value or 0)
        support.collect()
        support.collect()
        world.device:wait_idle()
        world.device:tick()
        if not world.device:closed() then
            local live, count = {}, 0
            for _, parcel in ipairs(world.parcels) do
                if parcel:live() then
                    live[parcel:info().id] = true
                    local backing = parcel:info().backing
                    if backing then
                        live[backing:info().id] = true
                    end
                end
            end
            for _, info in ipairs(world.device:parcels()) do
                if info.parcel then
                    assert(live[info.id], ("seed %d: a parcel has no handle"):format(seed))
                    count = count + 1
                end
            end
            for id in pairs(live) do
                live[id] = nil
                count = count - 1
            end
            assert(count == 0, ("seed %d: a handle has no parcel"):format(seed))
        end
        world.depth = 0
    end

    return world
end

describe("random calls", function()
    local seed = tonumber(os.getenv("FREEHOLD_SEED") or "") or os.time()

    it(("leave devices in order (FREEHOLD_SEED=%d)"):format(seed), function()
        for round = 1, 4 do
            collectgarbage(round % 2 == 0 and "generational" or "incremental")
            local world = new_world(seed + round)
            for i = 1, OPS do
                world.step()
                if i % 500 == 0 then
                    world.audit()
                end
            end
            world.close()
        end
        collectgarbage("incremental")
    end)
end)
