-- Parcels: making them, handles, their values, uses, and their end.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("making a parcel", function()
    local device

    before_each(function()
        device = support.small_device()
    end)

    after_each(function()
        device:close()
    end)

    it("gives a buffer as it was described", function()
        local buffer <close> = assert(device:buffer {
            size = 4096, usage = "storage | copy_dst", stride = 16, capacity = "8KiB",
            tag = "terrain", name = "hill", user = 7, priority = 0.25, location = "upload",
            access = "random", mapped = true, evictable = "at_tick", movable = true,
            within_budget = true, strategy = "min_offset", dedicated = "never",
            preferred = { "host_cached" }, required = { host_visible = true },
        })
        local info = assert(buffer:info())
        assert.equal("buffer", info.kind)
        assert.equal("hill", info.name)
        assert.equal("terrain", info.tag)
        assert.equal(7, info.user)
        assert.equal(buffer, info.parcel)
        assert.equal(4096, info.committed)
        assert.equal(8192, info.capacity)
        assert(info.reserved >= 8192)
        assert.equal(16, info.stride)
        assert.equal(0.25, info.priority)
        assert.same({ storage = true, copy_dst = true }, info.usage)
        assert.same({ host_visible = true, host_coherent = true }, info.flags)
        assert.equal(1, info.type)
        assert.equal(1, info.heap)
        assert.is_false(info.retiring)
        assert.is_false(info.dedicated)
        assert.is_nil(info.format)
        assert.equal(1, info.reference_count)
        assert.equal("freehold.parcel (buffer 'hill', 4096 bytes)", tostring(buffer))
    end)

    it("takes usages as text, as a list or as a set", function()
        for _, usage in ipairs {
            "vertex|index", "index| vertex ", { "vertex", "index" },
            { vertex = true, index = true, storage = false }, { "vertex", index = true },
        } do
            local buffer <close> = assert(device:buffer { size = 64, usage = usage })
            assert.same({ vertex = true, index = true }, buffer:info().usage)
        end
        raises(function() device:buffer { size = 1, usage = "vertx" } end,
            "#1 to 'buffer'", "field 'usage': unknown name 'vertx'; did you mean 'vertex'?")
        raises(function() device:buffer { size = 1, usage = "vertex|" } end, "unknown name ''")
        raises(function() device:buffer { size = 1, usage = 1 } end,
            "field 'usage': string or table expected, got number")
        raises(function() device:buffer { size = 1, usage = { 1 } } end, "names expected")
        raises(function() device:buffer { size = 1, usage = { vertex = 1 } } end,
            "boolean expected")
        fails("invalid", { "usage" }, device:buffer { size = 1, usage = "" })
        fails("invalid", { "usage" }, device:buffer { size = 1, usage = "sampled" })
    end)

    it("gives a texture as it was described", function()
        local texture <close> = assert(device:texture {
            kind = "cube", width = 64, height = 64, layers = 6, mips = 7, format = "bc7_unorm",
            usage = "sampled|copy_dst", tag = "sky",
        })
        local info = assert(texture:info())
        assert.equal("texture", info.kind)
        assert.equal("bc7_unorm", info.format)
        assert.same({ 64, 64, 1, 6, 7, 1 },
            { info.width, info.height, info.depth, info.layers, info.mips, info.samples })
        assert.equal(fh.texture_bytes {
            kind = "cube", width = 64, height = 64, layers = 6, mips = 7, format = "bc7_unorm",
        }, info.committed)
    end)

    it("gives raw memory, and lays others on it", function()
        local raw <close> = assert(device:raw { size = "1MiB", alignment = "64KiB" })
        local buffer <close> = assert(device:buffer {
            size = 4096, usage = "storage", backing = raw, backing_offset = 65536,
        })
        assert.equal(0, buffer:info().reserved)
        assert.equal(raw, buffer:info().backing)
        assert.equal(raw:info().offset + 65536, buffer:info().offset)
        assert.is_nil(raw:info().backing)
        raises(function() device:buffer { size = 1, usage = "vertex", backing = 1 } end,
            "field 'backing': freehold.parcel expected, got number")
        raises(function() device:buffer { size = 1, usage = "vertex", backing = device } end,
            "freehold.parcel expected, got freehold.device")
        fails("invalid", { "backing" },
            device:buffer { size = 1, usage = "vertex", backing = buffer })
        raw:release()
        fails("stale", { "backing: has been released" },
            device:buffer { size = 1, usage = "vertex", backing = raw })
    end)

    it("gives several pieces of raw memory, or none", function()
        local raws = assert(device:raws(5, { size = 1000, user = "shared" }))
        assert.equal(5, #raws)
        for _, raw in ipairs(raws) do
            assert.equal(1000, raw:info().committed)
            assert.equal("shared", raw:user())
        end
        assert.equal(5, device:stats().parcel_count)
        fails("budget", {}, device:raws(100, { size = "20MiB", types = { 0 } }))
        assert.equal(5, device:stats().parcel_count)
        raises(function() device:raws("5", { size = 1 }) end, "count: integer expected")
        raises(function() device:raws(5) end, "#2 to 'raws'", "table expected, got nil")
        assert.same({}, device:raws(0, { size = 1 }))
        fails("invalid", { "count: -1" }, device:raws(-1, { size = 1 }))
        fails("invalid", { "1048576" }, device:raws(1 << 21, { size = 1 }))
    end)

    it("counts external memory, and tells its end", function()
        local ended = {}
        local external = assert(device:external {
            size = "3MiB", heap = 1, tag = "video", name = "decoder", user = "mine",
            destroy = function(user) ended[#ended + 1] = user end,
        })
        local info = external:info()
        assert.equal("external", info.kind)
        assert.equal(1, info.heap)
        assert.is_nil(info.type)
        assert.is_nil(info.offset)
        assert.is_nil(info.usage)
        assert.equal(3 * fh.MiB, device:account("external").used)
        local queue = assert(device:queue("q"))
        assert(external:use(queue, 1))
        assert(external:release())
        device:tick()
        assert.same({}, ended)
        queue:signal(1)
        device:tick()
        assert.same({ "mine" }, ended)
        assert.equal(0, device:account("external").used)
        raises(function() device:external { size = 1, destroy = 1 } end,
            "field 'destroy': function expected, got number")
        raises(function() device:external {} end, "field 'size': is missing")
        device:set_limit("external", 10)
        fails("budget", {}, device:external { size = 11, destroy = error })
        fails("invalid", {}, device:external { size = 1, heap = 9, destroy = error })
        assert(device:external { size = 1, user = 3, destroy = function(user) ended[2] = user end })
        device:close()
        assert.same({ "mine", 3 }, ended)
    end)

    it("refuses what is spelt wrong, and what cannot be", function()
        raises(function() device:buffer() end, "options: table expected, got nil")
        raises(function() device:buffer(1) end, "options: table expected, got number")
        raises(function() device:buffer {} end, "field 'size': is missing")
        raises(function() device:buffer { size = 1 } end, "field 'usage': is missing")
        raises(function() device:texture { width = 1 } end, "field 'format': is missing")
        raises(function() device:texture { format = "r8_unorm" } end, "field 'width': is missing")
        raises(function() device:raw {} end, "field 'size': is missing")
        raises(function() device:buffer { size = 1, usage = "vertex", sise = 1 } end,
            "unknown field 'sise'; did you mean 'size'?")
        raises(function() device:buffer { size = {}, usage = "vertex" } end, "bytes expected")
        raises(function() device:buffer { size = 1, usage = "vertex", location = "gpu" } end,
            "field 'location': unknown name 'gpu'")
        raises(function() device:buffer { size = 1, usage = "vertex", pool = 1 } end,
            "field 'pool': freehold.pool expected, got number")
        raises(function() device:buffer { size = 1, usage = "vertex", tag = {} } end,
            "field 'tag': string expected, got table")
        raises(function() device:buffer { size = 1, usage = "vertex", name = 1 } end,
            "field 'name': string expected, got number")
        raises(function() device:buffer { size = 1, usage = "vertex", name = "a\0b" } end,
            "field 'name': a string without zeros expected")
        raises(function() device:buffer { size = 1, usage = "vertex", types = 1 } end,
            "field 'types': table expected")
        raises(function() device:buffer { size = 1, usage = "vertex", types = { "0" } } end,
            "field 'types': integer expected")
        raises(function() device:buffer { size = 1, usage = "vertex", priority = "1" } end,
            "field 'priority': number expected")
        raises(function() device:texture { width = 1, format = "rgba8" } end,
            "field 'format': unknown name 'rgba8'")
        fails("invalid", { "size" }, device:buffer { size = 0, usage = "vertex" })
        fails("invalid", { "size: -1 is negative" }, device:buffer { size = -1, usage = "vertex" })
        fails("invalid", { "types: 32" },
            device:buffer { size = 1, usage = "vertex", types = { 32 } })
        fails("invalid", { "priority" }, device:buffer { size = 1, usage = "vertex", priority = 2 })
        fails("invalid", { "width: -1" }, device:texture { width = -1, format = "r8_unorm" })
        fails("invalid", { "format" }, device:texture { width = 1, format = "none" })
        fails("invalid", { "tag" }, device:buffer { size = 1, usage = "vertex", tag = "" })
        fails("invalid", {}, device:buffer { size = 1, usage = "vertex", tag = 900 })
        fails("unsupported", {}, device:buffer {
            size = 1, usage = "vertex", required = "lazily_allocated",
        })
        assert.equal(0, device:stats().parcel_count)
    end)

    it("fails for lack of memory or budget with the code, and what the core says", function()
        device:set_limit("total", "4MiB")
        fails("budget", { "limit" }, device:buffer { size = "5MiB", usage = "vertex" })
        device:set_limit("total", nil)
        fails("budget", {}, device:buffer { size = "1GiB", usage = "vertex" })
        device:fault { call = "memory_alloc", nth = 0 }
        fails("out_of_memory", {}, device:buffer { size = "2MiB", usage = "vertex" })
        device:clear_faults()
        device:fault { call = "buffer_create", result = "host_memory" }
        fails("host_memory", {}, device:buffer { size = 64, usage = "vertex" })
        device:fault { kind = "lose" }
        device:buffer { size = 64, usage = "vertex" }
        assert.is_true(device:lost())
        fails("device_lost", {}, device:buffer { size = 64, usage = "vertex" })
    end)
end)

describe("a handle", function()
    local device

    before_each(function()
        device = support.small_device()
    end)

    after_each(function()
        device:close()
    end)

    local function new(user)
        return assert(device:buffer { size = 64, usage = "vertex|copy_dst", user = user })
    end

    it("is released once", function()
        local buffer = new()
        assert.is_true(buffer:live())
        assert.is_true(buffer:release())
        assert.is_false(buffer:live())
        fails("stale", { "parcel: has been released" }, buffer:release())
        fails("stale", {}, buffer:close())
        assert.equal(0, device:stats().parcel_count)
    end)

    it("that is released refuses what needs a parcel", function()
        local buffer = new("kept")
        buffer:release()
        for _, call in ipairs {
            function() return buffer:info() end, function() return buffer:name() end,
            function() return buffer:set_name("x") end, function() return buffer:set_user(1) end,
            function() return buffer:set_priority(1) end, function() return buffer:acquire() end,
            function() return buffer:use(0, 1) end, function() return buffer:retire {} end,
            function() return buffer:resize(1) end, function() return buffer:write(0, "x") end,
            function() return buffer:read(0, 1) end, function() return buffer:fill(1) end,
            function() return buffer:map() end, function() return buffer:flush() end,
            function() return buffer:invalidate() end, function() return buffer:view() end,
        } do
            fails("stale", { "parcel: has been released" }, call())
        end
        fails("stale", { "dst: has been released" }, device:copy { dst = buffer, fill = 0 })
        assert.equal("kept", buffer:user())
        assert.equal("freehold.parcel (released)", tostring(buffer))
        assert.is_false(buffer == new())
    end)

    it("is released by <close>, unless that happened before", function()
        do
            local one <close> = new()
            local other <close> = new()
            other:release()
            assert.equal(1, device:stats().parcel_count)
            assert.is_true(one:live())
        end
        assert.equal(0, device:stats().parcel_count)
        pcall(function()
            local _ <close> = new()
            error("out")
        end)
        assert.equal(0, device:stats().parcel_count)
    end)

    it("that is lost is released by the collector", function()
        for _ = 1, 100 do
            new({})
        end
        collect()
        assert.equal(0, device:stats().parcel_count)
    end)

    it("is collected although its user value mentions it", function()
        for _ = 1, 10 do
            local buffer = new()
            buffer:set_user { buffer = buffer, again = buffer:acquire() }
        end
        collect()
        collect()
        assert.equal(0, device:stats().parcel_count)
    end)

    it("is one of several, each with a reference", function()
        local one = new("shared")
        local two = assert(one:acquire())
        local three = assert(two:acquire())
        assert.equal(one, two)
        assert.equal(one, three)
        assert.is_false(rawequal(one, two))
        assert.equal(3, one:info().reference_count)
        assert.equal("shared", three:user())
        assert(two:set_user("new"))
        assert.same({ "new", "new", "new" }, { one:user(), two:user(), three:user() })
        assert(one:release())
        assert.is_false(one == two)
        assert.equal(2, two:info().reference_count)
        assert.equal(two, two:info().parcel)
        fails("stale", {}, one:info())
        local listed = device:parcels()
        assert.equal(1, #listed)
        assert.equal(two, listed[1].parcel)
        assert.equal("new", listed[1].user)
        assert(two:release())
        assert.equal(three, device:parcels()[1].parcel)
        two, three = nil, nil -- luacheck: ignore
        collect()
        assert.equal(0, #device:parcels())
    end)

    it("of several that is collected leaves the others to be found", function()
        local one = new("shared")
        local two = assert(one:acquire())
        one = nil -- luacheck: ignore
        collect()
        assert.equal(1, two:info().reference_count)
        assert.equal(two, device:parcels()[1].parcel)
        assert.equal("shared", device:parcels()[1].user)
    end)

    it("has a name, a user value and a priority that can change", function()
        local buffer <close> = new()
        assert.equal("", buffer:name())
        assert(buffer:set_name("first"))
        assert.equal("first", buffer:name())
        assert(buffer:set_name(nil))
        assert.equal("", buffer:name())
        assert.is_nil(buffer:user())
        assert(buffer:set_user(false))
        assert.is_false(buffer:user())
        assert(buffer:set_user(nil))
        assert.is_nil(buffer:user())
        assert(buffer:set_priority(1))
        assert.equal(1.0, buffer:info().priority)
        fails("invalid", {}, buffer:set_priority(1.5))
        fails("invalid", {}, buffer:set_priority(0 / 0))
        raises(function() buffer:set_name() end, "name: string expected, got no value")
        raises(function() buffer:set_name(1) end, "name: string expected, got number")
        raises(function() buffer:set_user() end, "user: a value expected, or nil")
        raises(function() buffer:set_priority("1") end, "priority: number expected")
        local long = ("ä"):rep(60)
        assert(buffer:set_name(long))
        assert.equal(("ä"):rep(31), buffer:name())
        assert.equal(device, buffer:device())
    end)

    it("waits for its uses", function()
        local graphics = assert(device:queue("graphics"))
        local compute = assert(device:queue("compute"))
        local buffer = new()
        assert(buffer:use(graphics, 3))
        assert(buffer:use(graphics.index, 2))
        assert(buffer:use(compute:epoch(1)))
        assert(buffer:release())
        assert.equal(1, device:stats().retiring_count)
        assert.is_true(device:parcels()[1].retiring)
        assert.is_nil(device:parcels()[1].parcel)
        compute:signal(1)
        graphics:signal(2)
        device:tick()
        assert.equal(1, device:stats().retiring_count)
        graphics:signal(3)
        device:poll()
        assert.equal(0, device:stats().retiring_count)
    end)

    it("retires with its last uses", function()
        local graphics = assert(device:queue("graphics"))
        local buffer = new()
        fails("invalid", {}, buffer:retire { { queue = 7, value = 1 } })
        assert.is_true(buffer:live())
        assert(buffer:retire { graphics:epoch(1), graphics:epoch(2) })
        assert.is_false(buffer:live())
        fails("stale", {}, buffer:retire(graphics:epoch(3)))
        graphics:signal(1)
        device:tick()
        assert.equal(1, device:stats().parcel_count)
        graphics:signal(2)
        device:tick()
        assert.equal(0, device:stats().parcel_count)
        assert(new():retire {})
        assert.equal(0, device:stats().parcel_count)
        raises(function() new():retire() end, "epochs: table expected, got nil")
    end)

    it("refuses uses that cannot be", function()
        local buffer <close> = new()
        raises(function() buffer:use() end, "queue: freehold.queue or integer expected")
        raises(function() buffer:use(0) end, "value: integer expected, got no value")
        raises(function() buffer:use("graphics", 1) end, "queue: freehold.queue or integer")
        fails("invalid", {}, buffer:use(5, 1))
        fails("invalid", { "value: -1" }, buffer:use(0, -1))
    end)
end)

describe("eviction", function()
    it("asks the owner, who lets go", function()
        local asked = {}
        local device <close> = support.small_device {
            evict = function(parcel, user)
                asked[#asked + 1] = user
                assert(parcel:release())
                return true
            end,
        }
        local held = {}
        for i = 1, 8 do
            held[i] = assert(device:buffer {
                size = "4MiB", usage = "vertex", evictable = "at_tick", user = i,
                priority = i / 10,
            })
        end
        device:set_limit("total", "20MiB")
        for _ = 1, 5 do
            device:tick()
        end
        assert(device:account("total").used <= 20 * fh.MiB)
        assert(#asked >= 3)
        assert.equal(1, asked[1])
        for i, user in ipairs(asked) do
            assert.equal(i, user)
            assert.is_false(held[i]:live())
        end
        assert(device:stats().evict_asked_count >= #asked)
    end)

    it("inside a request comes for those that may be evicted from any thread", function()
        local device <close> = support.small_device {
            evict = function(parcel) return parcel:release() end,
        }
        local held = {}
        for i = 1, 3 do
            held[i] = assert(device:buffer {
                size = "16MiB", usage = "vertex", evictable = "any_thread", types = { 0 },
            })
        end
        device:set_limit("heap 0", "48MiB")
        local buffer = assert(device:buffer { size = "16MiB", usage = "vertex", types = { 0 } })
        assert.is_true(buffer:live())
        local live = 0
        for _, each in ipairs(held) do
            live = live + (each:live() and 1 or 0)
        end
        assert(live < 3)
        assert(device:stats().relieved_count > 0)
    end)

    it("counts owners that ignore it, or raise", function()
        local errors = 0
        local device <close> = support.small_device {
            evict = function(_, user)
                if user == "raises" then
                    error("no")
                end
            end,
            log = function(_, message)
                errors = errors + (message:find("the evict function raised", 1, true) and 1 or 0)
            end,
        }
        local one <close> = assert(device:buffer {
            size = "8MiB", usage = "vertex", evictable = "at_tick", user = "raises",
        })
        local other <close> = assert(device:buffer {
            size = "8MiB", usage = "vertex", evictable = "at_tick",
        })
        device:set_limit("total", 1)
        device:tick()
        assert(device:stats().evict_ignored_count >= 2)
        assert(errors >= 1)
        assert.is_true(one:live() and other:live())
    end)

    it("gives a handle that can still be released when its first one was", function()
        local seen
        local device <close> = support.small_device {
            evict = function(parcel)
                seen = parcel
                return parcel:release()
            end,
        }
        local first = assert(device:buffer {
            size = "8MiB", usage = "vertex", evictable = "at_tick",
        })
        local second = assert(first:acquire())
        first:release()
        device:set_limit("total", 1)
        device:tick()
        assert.is_true(rawequal(second, seen))
        assert.is_false(second:live())
    end)
end)
