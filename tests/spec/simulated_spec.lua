-- The host backend: adapters, profiles, faults, time by hand; and formats.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails = support.raises, support.fails

describe("adapters", function()
    it("are those of the backends", function()
        local backends = fh.backends()
        assert.equal("host", backends[1])
        local adapters = assert(fh.adapters())
        assert.same(adapters, fh.adapters { backend = "host" })
        local names = {}
        for i, adapter in ipairs(adapters) do
            assert.equal(i - 1, adapter.index)
            names[i] = adapter.name
            for j, heap in ipairs(adapter.heaps) do
                assert.equal(j - 1, heap.index)
                assert(heap.size > 0)
            end
            for j, memory_type in ipairs(adapter.types) do
                assert.equal(j - 1, memory_type.index)
                assert(adapter.heaps[memory_type.heap + 1])
            end
        end
        assert.same(fh.profiles(), names)
        assert.same({ device_local = true }, adapters[1].types[1].flags)
        assert.is_true(adapters[1].caps.budget)
    end)

    it("with a profile are that one", function()
        local adapters = assert(fh.adapters { profile = "uma-16g" })
        assert.equal(1, #adapters)
        assert.equal("uma-16g", adapters[1].name)
        assert.equal("integrated", adapters[1].kind)
    end)

    it("are asked for rightly", function()
        raises(function() fh.adapters(1) end, "options: table expected")
        raises(function() fh.adapters { backnd = "host" } end, "did you mean 'backend'?")
        raises(function() fh.adapters { backend = "hast" } end, "did you mean 'host'?")
        fails("invalid", {}, fh.adapters { profile = { heaps = {}, types = {} } })
    end)
end)

describe("a profile", function()
    it("is a table that can be changed and given back", function()
        for _, name in ipairs(fh.profiles()) do
            local profile = fh.profile(name)
            assert.equal(name, profile.name)
            local device <close> = assert(fh.device { profile = profile })
            local same <close> = assert(fh.device { profile = name })
            assert.same(same:adapter(), device:adapter())
            profile.heaps[1].size = profile.heaps[1].size // 2
            profile.heaps[1].os_budget = nil
            local half <close> = assert(fh.device { profile = profile })
            assert.equal(profile.heaps[1].size, half:adapter().heaps[1].size)
        end
        assert.is_false(rawequal(fh.profile("uma-16g"), fh.profile("uma-16g")))
    end)

    it("takes sizes with units, flags in any form, and lists of types", function()
        local device <close> = assert(fh.device {
            profile = {
                kind = "integrated", queue_count = 3, manual = true, copy_latency_ns = 5,
                granularity = "1KiB", atom = 128, buffer_alignment = 32, uniform_alignment = 64,
                texture_alignment = "4KiB", target_alignment = "64KiB", buffer_types = { 1 },
                texture_types = { 0, 1 }, dedicated_texture_size = "1MiB",
                allocation_size_max = "8MiB", allocation_count_max = 10,
                allocation_latency_ns = 1,
                heaps = { { size = "16MiB", os_unaccounted = "1MiB" } },
                types = { { flags = { "device_local" } }, { flags = { host_visible = true } } },
            },
        })
        local adapter = device:adapter()
        assert.equal("custom", adapter.name)
        assert.equal(3, adapter.queue_count)
        assert.equal(1024, adapter.granularity)
        assert.equal(10, adapter.allocation_count_max)
        assert.is_true(adapter.caps.delayed)
        local buffer <close> = assert(device:buffer { size = 10, usage = "vertex" })
        assert.equal(1, buffer:info().type)
        fails("out_of_memory", {}, device:raw { size = "9MiB" })
    end)

    it("must be spelt right, and make sense", function()
        local function open(changes)
            local profile = { heaps = { { size = 1024 } }, types = { {} } }
            for key, value in pairs(changes) do
                profile[key] = value
            end
            return fh.device { profile = profile }
        end
        raises(function() fh.profile() end, "name: string expected")
        raises(function() fh.profile("mobile") end, "did you mean 'mobile-4g'?")
        raises(function() fh.profile("my laptop") end, "known: 'discrete-8g', 'rebar-16g'")
        raises(function() open { heap = {} } end, "did you mean 'heaps'?")
        raises(function() open { heaps = 1 } end, "field 'heaps': table expected")
        raises(function() open { heaps = { 1 } } end, "field 'heaps' [1]: table expected")
        raises(function() open { heaps = { { sise = 1 } } } end, "did you mean 'size'?")
        raises(function() open { types = { {}, true } } end, "field 'types' [2]: table expected")
        raises(function() open { types = { { flags = "host_visble" } } } end,
            "did you mean 'host_visible'?")
        raises(function() open { kind = "discreet" } end, "did you mean 'discrete'?")
        raises(function() open { manual = 1 } end, "field 'manual': boolean expected")
        fails("invalid", {}, open { heaps = {} })
        fails("invalid", {}, open { types = {} })
        fails("invalid", { "size: -1" }, open { heaps = { { size = -1 } } })
        fails("invalid", {}, open { types = { { heap = 1 } } })
        fails("invalid", {}, open { granularity = 3 })
        fails("invalid", {}, open { queue_count = 5 })
        local many = {}
        for i = 1, 17 do
            many[i] = { size = 1 }
        end
        fails("invalid", { "16" }, open { heaps = many })
        assert.is_truthy(fh.device { profile = { heaps = { { size = 1 } }, types = { {} } } })
        for _, backend in ipairs(fh.backends()) do
            if backend ~= "host" then
                fails("invalid", { backend }, fh.device { backend = backend, profile = "uma-16g" })
            end
        end
    end)
end)

describe("faults", function()
    local device

    before_each(function()
        device = support.small_device(nil, { manual = true })
    end)

    after_each(function()
        device:close()
    end)

    local function big()
        return device:buffer { size = "8MiB", usage = "vertex", dedicated = "require" }
    end

    it("make the n-th call fail, or every one", function()
        assert.is_true(device:fault { call = "memory_alloc", nth = 2, result = "host_memory" })
        assert(big()):release()
        fails("host_memory", {}, big())
        assert(big()):release()
        assert.is_true(device:fault { call = "memory_alloc", nth = 0, above = "1MiB" })
        fails("out_of_memory", {}, big())
        fails("out_of_memory", {}, big())
        assert.is_true(device:clear_faults())
        assert(big()):release()
    end)

    it("shrink a budget and lose the device", function()
        assert.is_true(device:fault { kind = "budget", heap = 0, bytes = "1MiB", tick = 1 })
        device:tick()
        assert.equal(fh.MiB, device:stats().heaps[1].budget)
        fails("budget", {}, device:buffer { size = "8MiB", usage = "vertex", types = { 0 } })
        device:clear_faults()
        device:tick()
        assert.equal(64 * fh.MiB, device:stats().heaps[1].budget)
        assert.is_true(device:fault { kind = "lose", call = "memory_alloc" })
        local kept = assert(device:external { size = 1 })
        fails("device_lost", {}, big())
        assert.is_true(device:lost())
        fails("device_lost", {}, device:tick())
        assert.equal(1, #device:parcels())
        assert.is_true(kept:release())
    end)

    it("stall for a while", function()
        assert.is_true(device:fault { kind = "stall", call = "buffer_create", stall_ns = 1000 })
        assert(big()):release()
        fails("invalid", { "stall_ns" }, device:fault { kind = "stall" })
    end)

    it("are described by words that exist", function()
        raises(function() device:fault() end, "options: table expected")
        raises(function() device:fault { kidn = "fail" } end, "did you mean 'kind'?")
        raises(function() device:fault { kind = "fial" } end, "did you mean 'fail'?")
        raises(function() device:fault { call = "memory_aloc" } end, "did you mean 'memory_alloc'?")
        raises(function() device:fault { result = "busi" } end, "did you mean 'busy'?")
        raises(function() device:fault { result = 1 } end, "field 'result': string expected")
        fails("invalid", {}, device:fault { kind = "budget", heap = 9 })
        fails("invalid", { "nth: -1" }, device:fault { nth = -1 })
    end)

    it("are counted, and what lives, too", function()
        local before = device:calls("memory_alloc")
        local all = device:calls()
        local one <close> = assert(big())
        assert.equal(before + 1, device:calls("memory_alloc"))
        assert(device:calls() > all)
        assert.equal(device:calls(), device:calls("any"))
        local live = assert(device:live())
        assert.equal(8 * fh.MiB, live.bytes)
        assert.same({ 1, 1 }, { live.memories, live.objects })
        raises(function() device:calls("alloc") end, "call: unknown name 'alloc'")
        assert.is_true(one:live())
    end)

    it("let copies happen one by one", function()
        local buffer <close> = assert(device:buffer { size = 16, usage = "copy_dst|copy_src" })
        local first, second = assert(buffer:fill(1)), assert(buffer:fill(2))
        assert.equal(1, device:advance())
        fails("timeout", {}, device:wait(second, 0))
        assert.is_true(device:wait(first, 0))
        assert.equal(1, device:advance(device:queue(0), 9))
        assert.is_true(device:wait(second, 0))
        raises(function() device:advance("0") end, "queue: freehold.queue or integer expected")
        fails("invalid", { "count: -1" }, device:advance(0, -1))
    end)
end)

describe("formats", function()
    it("are described", function()
        local names = fh.formats()
        assert(#names > 50)
        for _, name in ipairs(names) do
            local format = fh.format(name)
            assert.equal(name, format.name)
            assert.equal(format.compressed, format.block_width > 1)
            assert(format.block_bytes >= 1)
        end
        assert.same({
            name = "d24_unorm_s8_uint", block_width = 1, block_height = 1, block_bytes = 4,
            depth = true, stencil = true, compressed = false,
        }, fh.format("d24_unorm_s8_uint"))
        raises(function() fh.format() end, "name: string expected")
        raises(function() fh.format("none") end, "unknown name 'none'")
        raises(function() fh.format("bc7_unrom") end, "did you mean 'bc7_unorm'?")
    end)

    it("tell how large textures are", function()
        local function bytes(options)
            return fh.texture_bytes(options)
        end
        assert.equal(256, bytes { width = 8, height = 8, format = "rgba8_unorm" })
        assert.equal(256 + 64 + 16 + 4,
            bytes { width = 8, height = 8, format = "rgba8_unorm", mips = 4 })
        assert.equal(16, bytes { width = 1, height = 1, format = "bc7_unorm" })
        assert.equal(6 * 4, bytes { kind = "cube", width = 1, height = 1, format = "r32_float" })
        fails("invalid", {}, bytes { width = 0, format = "r8_unorm" })
        fails("invalid", {}, bytes { width = 1 })
        fails("invalid", { "width: -1" }, bytes { width = -1, format = "r8_unorm" })
        raises(function() bytes() end, "options: table expected")
        raises(function() bytes { format = "rgba" } end, "unknown name 'rgba'")
    end)
end)
