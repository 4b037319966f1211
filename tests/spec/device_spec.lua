-- Devices: opening, closing, time, and what is refused.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("fh.device", function()
    it("opens the host backend by default", function()
        local device <close> = assert(fh.device {})
        assert.equal("host", device:adapter().backend)
        assert.equal("freehold.device (host: discrete-8g)", tostring(device))
        assert.is_false(device:closed())
        assert.is_false(device:lost())
    end)

    it("opens each adapter and each profile by name", function()
        for _, name in ipairs(fh.profiles()) do
            local device <close> = assert(fh.device { profile = name })
            assert.equal(name, device:adapter().name)
        end
        for _, adapter in ipairs(fh.adapters()) do
            local device <close> = assert(fh.device { backend = "host", adapter = adapter.index })
            adapter.index = nil
            assert.same(adapter, device:adapter())
        end
    end)

    it("must get a table, of fields that exist and have their type", function()
        raises(function() fh.device() end, "#1 to 'device'",
            "options: table expected, got no value")
        raises(function() fh.device("host") end, "options: table expected, got string")
        raises(function() fh.device { 1 } end, "unknown field [1]; known:", "'backend'")
        raises(function() fh.device { profil = 1 } end, "'profil'; did you mean 'profile'?")
        raises(function() fh.device { backend = 1 } end, "field 'backend': string expected")
        raises(function() fh.device { backend = "hots" } end, "'hots'; did you mean 'host'?")
        raises(function() fh.device { backend = "opengl" } end, "'opengl'; known: 'host'")
        raises(function() fh.device { profile = 1 } end, "field 'profile': name or table expected")
        raises(function() fh.device { profile = "discrete-8" } end, "did you mean 'discrete-8g'?")
        raises(function() fh.device { profile = "x\0y" } end, "without zeros")
        raises(function() fh.device { adapter = "0" } end, "field 'adapter': integer expected")
        raises(function() fh.device { adapter = 0.5 } end, "field 'adapter': integer expected")
        raises(function() fh.device { block_size = true } end, "field 'block_size': bytes expected")
        raises(function() fh.device { block_size = "64" } end, "'block_size': '64' is no size",
            "such as '64MiB'")
        raises(function() fh.device { evict = 1 } end, "'evict': function expected, got number")
        raises(function() fh.device { log = {} } end, "'log': function expected, got table")
        raises(function() fh.device { os_budget_advisory = 1 } end, "boolean expected")
    end)

    it("must get numbers that can be", function()
        fails("invalid", { "adapter" }, fh.device { adapter = 99 })
        fails("invalid", { "adapter: -1 is not from 0 to" }, fh.device { adapter = -1 })
        fails("invalid", { "block_size: -1 is negative" }, fh.device { block_size = -1 })
        fails("invalid", { "margin" }, fh.device { margin = "8TiB" })
        fails("invalid", { "retain_ticks" }, fh.device { retain_ticks = 1 << 40 })
    end)

    it("says what this build lacks", function()
        for _, name in ipairs { "vulkan", "d3d12", "metal" } do
            local here = false
            for _, backend in ipairs(fh.backends()) do
                here = here or backend == name
            end
            if not here then
                fails("unsupported", { "no '" .. name .. "'" }, fh.device { backend = name })
                fails("unsupported", { name }, fh.adapters { backend = name })
            end
        end
    end)

    it("takes sizes with units", function()
        for text, bytes in pairs { ["4MiB"] = 4 * fh.MiB, ["0.5 MiB"] = fh.MiB // 2 } do
            local device <close> = support.small_device { block_size = text }
            local buffer <close> = assert(device:buffer { size = 16, usage = "vertex" })
            assert.is_true(buffer:live())
            assert(device:stats().total.block_bytes <= bytes)
        end
        raises(function() fh.device { block_size = "1.5B" } end, "is no size")
        raises(function() fh.device { block_size = "1e3MiB" } end, "is no size")
        raises(function() fh.device { block_size = "-1MiB" } end, "is no size")
        raises(function() fh.device { block_size = "9999999TiB" } end, "is no size")
        raises(function() fh.device { block_size = "MiB" } end, "is no size")
    end)
end)

describe("a closed device", function()
    it("refuses every method as stale", function()
        local device = assert(fh.device {})
        assert.is_true(device:close())
        assert.is_false(device:close())
        assert.is_true(device:closed())
        assert.equal("freehold.device (closed)", tostring(device))
        local arguments = {
            account = { "total" }, budget_policy = { {} }, copy = { {} },
            buffer = { { size = 1, usage = "vertex" } }, explain = { { raw = { size = 1 } } },
            external = { { size = 1 } }, fault = { {} }, limits = { { total = 1 } },
            observe = { nil, print }, queue = { "q" }, raw = { { size = 1 } },
            raws = { 1, { size = 1 } }, reset_peak = { "total" }, retire = { print },
            record = { "x" }, set_limit = { "total", 1 }, tag = { "x" },
            texture = { { width = 1, format = "r8_unorm" } },
            wait = { { queue = 0, value = 0 } }, with_allocator = { { name = "x" } },
        }
        local own = { close = true, closed = true, copy = true }
        for name in pairs(debug.getmetatable(device).__index) do
            if not own[name] then
                local method = device[name]
                fails("stale", { "device: is closed" },
                    method(device, table.unpack(arguments[name] or {}, 1, 4)))
            end
        end
    end)

    it("has stale parcels, pools, queues, views and mappings", function()
        local device = support.small_device()
        local buffer = assert(device:buffer {
            size = 64, usage = "vertex|copy_dst", location = "upload", user = "mine",
        })
        local pool = assert(device:pool())
        local queue = assert(device:queue("graphics"))
        local view = assert(buffer:view())
        local mapping = assert(buffer:map())
        local observer = assert(device:observe(nil, function() end))
        device:close()
        for _, call in ipairs {
            function() return buffer:info() end, function() return buffer:name() end,
            function() return buffer:release() end, function() return buffer:acquire() end,
            function() return buffer:write(0, "x") end, function() return buffer:map() end,
            function() return buffer:read(0, 1) end, function() return buffer:view() end,
            function() return buffer:resize(1) end, function() return buffer:set_user(1) end,
            function() return buffer:use(queue, 1) end, function() return buffer:fill(0) end,
            function() return queue:signal(1) end, function() return queue:progress() end,
            function() return mapping:read() end, function() return mapping:write(0, "x") end,
            function() return mapping:unmap() end, function() return mapping:flush() end,
        } do
            fails("stale", { "device: is closed" }, call())
        end
        fails("stale", { "pool: has been destroyed" }, pool:info())
        assert.is_true(pool:destroy())
        assert.is_false(buffer:live())
        assert.equal("mine", buffer:user())
        assert.is_false(view:valid())
        assert.is_false(observer:close())
        assert.equal(device, buffer:device())
        assert.equal("freehold.parcel (released)", tostring(buffer))
        assert.equal("freehold.pool (destroyed)", tostring(pool))
        assert.same({ queue = queue.index, value = 4 }, queue:epoch(4))
    end)

    it("reports parcels that still live by name", function()
        local lines = {}
        local device = support.small_device {
            log = function(level, message)
                lines[#lines + 1] = level .. ": " .. message
            end,
        }
        local kept = assert(device:buffer { size = 64, usage = "vertex", name = "forgotten" })
        device:close()
        assert.is_truthy(table.concat(lines, "\n"):find("forgotten", 1, true))
        assert.is_false(kept:live())
    end)
end)

describe("<close> and the collector", function()
    it("close a device", function()
        local kept
        do
            local device <close> = assert(fh.device {})
            kept = device
        end
        assert.is_true(kept:closed())
    end)

    it("keep a device open while something of it is held", function()
        local buffer = assert(support.small_device():buffer { size = 64, usage = "vertex" })
        collect()
        assert.equal(64, buffer:info().committed)
        local queue = assert(support.small_device():queue("q"))
        collect()
        assert.equal(0, queue:progress())
        local view = assert(assert(support.small_device():raw { size = 64 }):view())
        collect()
        assert.is_false(view:valid()) -- its parent's handle was collected
        local pool = assert(support.small_device():pool())
        collect()
        assert.equal(0, pool:info().range_count)
        local mapping = assert(assert(support.small_device():buffer {
            size = 8, usage = "vertex", location = "upload",
        }):map())
        collect()
        assert.is_true(mapping:write(0, "12345678"))
        assert.equal("12345678", mapping:read())
    end)

    it("collect a device whose functions mention it", function()
        local watch = setmetatable({}, { __mode = "k" })
        for _ = 1, 20 do
            local device
            device = support.small_device {
                log = function() return device end, evict = function() return device end,
            }
            device:observe(nil, function() return device end)
            device:retire(function() return device end, { queue = device:queue("q"), value = 1 })
            device:with_allocator { name = "x", drain = function() return device end }
            device:budget_policy { limit = "1MiB" }
            local buffer
            buffer = assert(device:buffer { size = 64, usage = "vertex" })
            buffer:set_user { buffer, device }
            device:external { size = 1, destroy = function() return device end, user = device }
            watch[device] = true
        end
        collect()
        collect()
        assert.is_nil(next(watch))
    end)

    it("release everything in any order", function()
        for order = 1, 24 do
            local device = support.small_device()
            local pool = assert(device:pool())
            local buffer = assert(device:buffer { size = 64, usage = "vertex", pool = pool })
            local other = assert(buffer:acquire())
            local ends = { device, pool, buffer, other }
            local picked = order - 1
            for i = 4, 1, -1 do
                table.remove(ends, picked % i + 1):close()
                picked = picked // i
            end
            assert.is_true(device:closed())
        end
    end)

    it("may meet objects of a device in other finalizers, in any order", function()
        local count = 0
        do
            local device = support.small_device()
            local pool = assert(device:pool())
            local buffer = assert(device:buffer { size = 64, usage = "vertex", pool = pool })
            local mapping = device:buffer({ size = 8, usage = "vertex", location = "upload" }):map()
            local observer = assert(device:observe(nil, function() end))
            for _ = 1, 3 do
                setmetatable({}, {
                    __gc = function()
                        tostring(buffer)
                        tostring(pool)
                        tostring(device)
                        device:buffer { size = 1, usage = "vertex" }
                        buffer:acquire()
                        buffer:release()
                        mapping:write(0, "x")
                        mapping:close()
                        device:tick()
                        observer:close()
                        pool:destroy()
                        device:close()
                        count = count + 1
                    end,
                })
            end
        end
        collect()
        collect()
        assert.equal(3, count)
    end)

    it("survive a device that is closed within its own methods by a finalizer", function()
        for _, use in ipairs {
            function(device) return device:buffer { size = 64, usage = "vertex", tag = "t" } end,
            function(device) return device:stats() end,
            function(device) return device:detail() end,
            function(device) return device:json(true) end,
            function(device) return device:parcels() end,
            function(device) return device:account("total") end,
            function(device) return device:adapter() end,
            function(device) return device:raws(3, { size = 1 }) end,
            function(device) return device:external { size = 1, destroy = function() end } end,
            function(device) return device:observe(nil, function() end) end,
            function(device) return device:pool() end,
            function(device) return device:with_allocator { name = "x" } end,
            function(device) return device:budget_policy {} end,
            function(device) return device:explain { raw = { size = 1 } } end,
        } do
            local device = support.small_device()
            setmetatable({}, { __gc = function() device:close() end })
            local result, _, code
            repeat
                result, _, code = use(device)
                if device:closed() and result then
                    result, _, code = use(device)
                end
            until not result
            -- Observers, as they are held, may be too many before the collector comes.
            assert(code == "stale" or code == "busy", code)
        end
        collect()
    end)
end)

describe("time", function()
    local device

    before_each(function()
        device = support.small_device(nil, { manual = true })
    end)

    after_each(function()
        device:close()
    end)

    it("ticks, polls, trims and waits", function()
        assert.is_true(device:tick())
        assert.is_true(device:poll())
        assert.equal(1, device:stats().tick_count)
        assert(device:buffer { size = "1MiB", usage = "vertex" }):release()
        assert(device:trim() > 0)
        assert.equal(0, device:trim())
        assert.is_true(device:wait_idle())
        assert.is_true(device:wait_idle(0))
        assert.is_true(device:wait({ queue = 0, value = 0 }))
    end)

    it("passes when copies are let go", function()
        local buffer <close> = assert(device:buffer { size = 64, usage = "copy_dst" })
        local epoch = assert(buffer:fill(7))
        fails("timeout", {}, device:wait(epoch, 0))
        fails("timeout", {}, device:wait_idle(1000))
        assert.equal(1, device:advance())
        assert.equal(0, device:advance(0, 5))
        assert.is_true(device:wait(epoch))
    end)

    it("calls what was retired once, when all epochs have passed", function()
        local a, b = assert(device:queue("a")), assert(device:queue("b"))
        local count = 0
        local function call()
            count = count + 1
        end
        assert.is_true(device:retire(call))
        assert.equal(1, count)
        assert.is_true(device:retire(call, {}))
        assert.equal(2, count)
        assert.is_true(device:retire(call, { a:epoch(2), b:epoch(1), a:epoch(1) }))
        assert.is_true(device:retire(call, b:epoch(5)))
        assert.equal(2, device:stats().retiring_count)
        a:signal(2)
        device:poll()
        assert.equal(2, count)
        b:signal(1)
        device:tick()
        assert.equal(3, count)
        device:tick()
        assert.equal(3, count)
        device:close()
        assert.equal(4, count)
    end)

    it("lets a retired function retire more, and close the device", function()
        local queue = assert(device:queue("q"))
        local seen = {}
        assert(device:retire(function()
            seen[#seen + 1] = "first"
            assert(device:retire(function()
                seen[#seen + 1] = "second"
                assert.is_true(device:close())
                assert.is_true(device:closed())
                fails("stale", {}, device:tick())
            end, queue:epoch(1)))
        end, queue:epoch(1)))
        queue:signal(1)
        device:poll()
        device:poll()
        assert.same({ "first", "second" }, seen)
        assert.is_true(device:closed())
    end)

    it("refuses epochs that cannot be", function()
        raises(function() device:wait(1) end, "epoch: table { queue = ..., value = ... } expected")
        raises(function() device:wait {} end, "field 'queue': freehold.queue or integer expected")
        raises(function() device:wait { queue = 0 } end, "field 'value': integer expected, got nil")
        raises(function() device:wait { queue = 0, valeu = 0 } end, "did you mean 'value'?")
        raises(function() device:wait({ queue = 0, value = 0 }, "1") end, "timeout_ns: integer")
        raises(function() device:retire(1) end, "call: function expected, got number")
        raises(function() device:retire(print, 1) end, "epochs: table expected, got number")
        raises(function() device:retire(print, { x = 1 }) end, "an epoch or a list of epochs")
        raises(function() device:retire(print, { 1 }) end, "epochs: table { queue")
        fails("invalid", {}, device:wait { queue = 7, value = 1 })
        fails("invalid", { "-1" }, device:wait { queue = -1, value = 1 })
        fails("invalid", { "value: -1 is negative" }, device:wait { queue = 0, value = -1 })
        fails("invalid", { "timeout_ns" }, device:wait({ queue = 0, value = 0 }, -1))
        fails("invalid", { "no queue 8" }, device:retire(print, { queue = 8, value = 1 }))
        fails("invalid", {}, device:retire(print, { { queue = 7, value = 1 } }))
    end)
end)

describe("queues", function()
    it("are one per name, and eight at most", function()
        local device <close> = support.small_device()
        local graphics = assert(device:queue("graphics"))
        assert.equal(graphics, device:queue("graphics"))
        assert.equal("graphics", graphics.name)
        assert.equal(1, graphics.index)
        assert.equal(graphics, device:queue(1))
        local own = assert(device:queue(0))
        assert.is_nil(own.name)
        assert.equal(own, device:queue(0))
        for i = 3, 8 do
            assert.equal(i - 1, assert(device:queue("q" .. i)).index)
        end
        fails("busy", {}, device:queue("one more"))
        local all = assert(device:queues())
        assert.equal(8, #all)
        assert.equal(own, all[1])
        assert.equal(graphics, all[2])
        assert.equal("freehold.queue (1, 'graphics')", tostring(graphics))
        assert.equal("freehold.queue (0, of the backend)", tostring(own))
    end)

    it("go forwards only", function()
        local device <close> = support.small_device()
        local queue = assert(device:queue("q"))
        assert.equal(0, queue:progress())
        assert.is_true(queue:signal(5))
        assert.is_true(queue:signal(3))
        assert.equal(5, queue:progress())
        fails("invalid", {}, device:queue(0):signal(1))
        fails("invalid", { "negative" }, queue:signal(-1))
        fails("invalid", { "negative" }, queue:epoch(-1))
        raises(function() queue:signal("1") end, "value: integer expected, got string")
        raises(function() queue:sginal(1) end, "no 'sginal'; did you mean 'signal'?")
        raises(function() queue.index = 2 end, "no field to set")
    end)

    it("are asked for by name or number", function()
        local device <close> = support.small_device()
        raises(function() device:queue() end, "queue: name or integer expected, got nil")
        raises(function() device:queue({}) end, "queue: name or integer expected, got table")
        fails("invalid", { "no queue 3" }, device:queue(3))
        fails("invalid", { "queue: -1" }, device:queue(-1))
    end)
end)

describe("methods", function()
    it("are called on their own kind of object", function()
        local device <close> = support.small_device()
        local buffer <close> = assert(device:buffer { size = 1, usage = "vertex" })
        raises(function() device.tick() end, "device: freehold.device expected, got no value")
        raises(function() device.tick(buffer) end, "freehold.device expected, got freehold.parcel")
        raises(function() device.buffer { size = 1 } end, "freehold.device expected, got table")
        raises(function() buffer.info(device) end, "freehold.parcel expected, got freehold.device")
        raises(function() buffer.release(io.stdout) end, "parcel expected, got FILE*")
    end)

    it("that are misspelt are told with the nearest", function()
        local device <close> = support.small_device()
        raises(function() device:bufer {} end,
            "a freehold.device has no 'bufer'; did you mean 'buffer'?")
        raises(function() return device[1] end, "a freehold.device has no '1'; known: ")
        raises(function() device.buffer = 1 end, "a freehold.device has no field to set")
        assert.equal("freehold.device", getmetatable(device))
    end)

    it("tell two devices apart", function()
        local one <close> = support.small_device()
        local other <close> = support.small_device()
        local buffer <close> = assert(one:buffer {
            size = 64, usage = "copy_src|copy_dst", tag = "only here",
        })
        local raw <close> = assert(one:raw { size = 64 })
        local pool <close> = assert(one:pool())
        fails("stale", { "dst: belongs to another device" },
            other:copy { src = buffer, dst = buffer })
        fails("stale", { "backing: belongs to another device" }, other:buffer {
            size = 64, usage = "vertex", backing = raw,
        })
        fails("invalid", { "pool: belongs to another device" }, other:buffer {
            size = 64, usage = "vertex", pool = pool,
        })
        fails("invalid", { "no 'only here'" }, other:account("only here"))
        assert.equal(0, other:stats().parcel_count)
    end)
end)

describe("callbacks of a device", function()
    it("that raise are reported to its log", function()
        local lines = {}
        local device <close> = support.small_device {
            log = function(level, message)
                lines[#lines + 1] = level .. ": " .. message
            end,
        }
        device:retire(function() error("oops", 0) end)
        assert.same({ "error: a function given to device:retire raised an error: oops" }, lines)
        device:retire(function() error(setmetatable({}, { __tostring = error })) end)
        device:retire(function() coroutine.yield() end)
        assert.is_truthy(lines[2]:find("yield", 1, true))
    end)

    it("that raise without a log are warnings, and so are errors of the log", function()
        local output, complaints, code = support.lua("-W -e " .. support.quote [[
            local fh = require "freehold"
            local device = fh.device {}
            device:retire(function() error("in the open", 0) end)
            local other = fh.device { log = function() error("in the log", 0) end }
            other:retire(function() error("unheard", 0) end)
            other:buffer { size = 1, usage = "vertex", name = "leak" }
            Leak = other:buffer { size = 1, usage = "vertex", name = "leak" }
            other:close()
        ]])
        assert.equal("", output)
        assert.is_truthy(complaints:find("Lua warning: freehold: a function given to device:retire"
            .. " raised an error: in the open", 1, true), complaints)
        assert.is_truthy(complaints:find("freehold: the log function raised an error: in the log",
            1, true), complaints)
        assert.equal(0, code)
    end)

    it("run on the main thread, when a coroutine calls", function()
        local device <close> = support.small_device()
        local seen
        coroutine.wrap(function()
            device:retire(function()
                seen = select(2, coroutine.running())
            end)
        end)()
        assert.is_true(seen)
    end)

    it("may nest, and close the device at last", function()
        local device = support.small_device()
        local depth = 0
        local function nest()
            depth = depth + 1
            if depth < 20 then
                device:retire(nest)
            else
                device:close()
                fails("stale", {}, device:buffer { size = 1, usage = "vertex" })
            end
        end
        device:retire(nest)
        assert.equal(20, depth)
        assert.is_true(device:closed())
    end)
end)

describe("examples/device.lua", function()
    it("runs", function()
        local output, complaints, code = support.lua(
            "-W " .. support.quote(support.root .. "/examples/device.lua"))
        assert.equal("", complaints)
        assert.equal(0, code)
        for _, part in ipairs {
            "after three frames", "letting go of tile 1,", "refused: ", "JSON",
        } do
            assert.is_truthy(output:find(part, 1, true), part)
        end
    end)
end)
