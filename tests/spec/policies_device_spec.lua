-- The policies that come along, in scripts/policies, in charge of a simulated device.

local fh = require "freehold"
local support = require "tests.spec.support"

local fails = support.fails
local KiB, MiB = fh.KiB, fh.MiB

local function path_of(name)
    return ("%s/scripts/policies/%s.lua"):format(support.root, name)
end

local device, asked, kept

-- A device whose owners let go, and what they were asked for in `asked`, until forget().
local function open(profile, options)
    asked, kept = { bytes = 0 }, {}
    options = options or {}
    options.profile = profile
    options.evict = function(parcel)
        local info = parcel:info()
        asked[#asked + 1] = info.name
        asked.bytes = asked.bytes + info.reserved
        return parcel:release()
    end
    device = assert(fh.device(options))
    return device
end

local function open_small(heap, window, options)
    return open({
        name = "small",
        heaps = {
            { size = heap, device_local = true, os_budget = heap },
            { size = window or 256 * MiB, os_budget = window or 256 * MiB },
        },
        types = { { heap = 0, flags = "device_local" },
            { heap = 1, flags = "host_visible|host_coherent" } },
    }, options)
end

local function set_policy(name, options)
    return assert(device:set_policy(path_of(name), { options = options }))
end

local function forget()
    local before = asked
    asked = { bytes = 0 }
    return before
end

local function ticks(count)
    for _ = 1, count do
        assert(device:tick())
    end
end

-- What is made lives until it is released, or the device is closed: a handle that is lost is as
-- good as released.
local function keep(parcel, message, code)
    kept[#kept + 1] = parcel
    return parcel, message, code
end

local function buffer(options)
    options.usage = options.usage or "storage"
    return keep(device:buffer(options))
end

-- A texture of that many MiB: 2 for 1024 x 512 texels.
local function texture(size, options)
    options = options or {}
    options.width, options.height, options.format = 1024, size * 256, "rgba8_unorm"
    return keep(device:texture(options))
end

local function used(account)
    return device:account(account).used
end

local function driver_allocs()
    return device:stats().driver_alloc_count
end

after_each(function()
    if device then
        device:close()
        device, kept = nil, nil
    end
end)

describe("all policies", function()
    it("work beside each other", function()
        open_small(64 * MiB)
        local all = {}
        for i, name in ipairs { "budget", "pools", "spill", "streaming", "tags", "tiers" } do
            all[i] = path_of(name)
        end
        local policy = assert(device:set_policy(all, { options = { limit = "32MiB" } }))
        for i = 1, 40 do
            local one <close> = assert(texture(1 + i % 3, { tag = "ui", evictable = "at_tick" }))
            local other <close> = assert(buffer { size = i * 10000, tag = "frame/" .. i % 2 })
            assert(one and other)
            device:tick()
        end
        assert.equal(32 * MiB, device:account("total").limit)
        for _, script in ipairs(policy:status().scripts) do
            for hook, status in pairs(script.hooks) do
                assert.equal(0, status.failed, script.name .. ": " .. hook)
            end
        end
    end)
end)

describe("budget.lua", function()
    it("holds its limit, makes room, and trims above its mark", function()
        open_small(256 * MiB, 256 * MiB, { block_size = "8MiB" })
        local policy = set_policy("budget", { limit = "64MiB" })
        local large = assert(texture(24))
        assert.is_true(large:info().dedicated)
        assert.is_false(assert(texture(4)):info().dedicated)
        -- An empty block is kept, until 85 % are reached: then at the next tick it is not.
        local short = assert(buffer { size = "8MiB", dedicated = "never" })
        short:release()
        ticks(1)
        local before = used("total")
        assert.is_true(before > 24 * MiB + 4 * MiB)
        local more = assert(buffer { size = 55 * MiB - before, dedicated = "require" })
        assert.is_true(used("total") > 0.85 * 64 * MiB)
        ticks(1)
        assert.is_true(used("total") <= 55 * MiB - 8 * MiB)
        more:release()
        ticks(1)
        -- At the limit the least important go first, and no byte is above it.
        local seen = 0
        for i = 1, 60 do
            local one = assert(buffer {
                size = "4MiB", dedicated = "require", name = tostring(i), evictable = "any_thread",
                priority = i % 2 == 0 and 0.9 or 0.2,
            })
            seen = math.max(seen, used("total"))
            assert.is_true(one:live())
            ticks(1)
        end
        assert.is_true(seen <= 64 * MiB and seen > 56 * MiB)
        assert.is_true(#asked > 40)
        assert.same({ "1", "3", "5" }, { asked[1], asked[2], asked[3] })
        fails("budget", {}, buffer { size = "65MiB" })
        assert(policy:set("limit", "1GiB"))
        ticks(1)
        assert(buffer { size = "65MiB" })
    end)
end)

describe("tiers.lua", function()
    it("follows the system's budget, with what lives", function()
        open({
            heaps = { { size = 64 * MiB, device_local = true, os_budget = 64 * MiB,
                os_unaccounted = 8 * MiB } },
            types = { { heap = 0, flags = "device_local" } },
        }, { block_size = "4MiB" })
        local policy = set_policy("tiers", { share = 1, smoothing = 1, calm = 4, step = "2MiB" })
        local function limit()
            ticks(1)
            return device:account("heap 0").limit
        end
        assert.equal(56 * MiB, limit())
        for i = 1, 12 do
            assert(buffer { size = "4MiB", dedicated = "require", name = "b" .. i,
                evictable = "at_tick" })
        end
        -- 86 %: an empty block is not kept.
        assert.equal(48 * MiB, used("heap 0"))
        assert(buffer { size = "1MiB", dedicated = "never" }):release()
        assert.is_true(used("heap 0") > 48 * MiB)
        ticks(1)
        assert.equal(48 * MiB, used("heap 0"))
        assert.equal(0, #asked)
        -- 96 %: owners are asked, down to 85 %.
        assert(device:fault { kind = "budget", heap = 0, bytes = 58 * MiB })
        assert.equal(50 * MiB, limit())
        assert.same({ "b1", "b2" }, { asked[1], asked[2] })
        assert.equal(8 * MiB, asked.bytes)
        ticks(1)
        assert.equal(40 * MiB, used("heap 0"))
        -- Half of it is gone: so is what lives above 85 % of what is left.
        forget()
        device:clear_faults()
        assert(device:fault { kind = "budget", heap = 0, bytes = 28 * MiB })
        assert.equal(20 * MiB, limit())
        assert.equal(24 * MiB, asked.bytes)
        assert.equal(16 * MiB, used("heap 0"))
        fails("budget", { "heap 0" }, buffer { size = "5MiB", dedicated = "require" })
        -- It is back: in calm, a step at a time.
        device:clear_faults()
        for step = 1, 5 do
            for _ = 1, 3 do
                assert.equal((18 + 2 * step) * MiB, limit())
            end
            assert.equal((20 + 2 * step) * MiB, limit())
        end
        assert.equal(0, policy:status().scripts[1].hooks.frame.failed)
    end)
end)

describe("streaming.lua", function()
    -- Textures of 1 MiB, one a frame, "t1" the oldest.
    local function stream(first, last, evictable)
        for i = first, last do
            assert(texture(1, { name = "t" .. i, evictable = evictable or "at_tick" }))
            ticks(1)
        end
    end

    it("lets go of the oldest, before the budget is full", function()
        open_small(256 * MiB)
        set_policy("streaming", { budget = "32MiB", cap = "4MiB" })
        for i = 1, 4 do
            assert(buffer { size = "1MiB", name = "b" .. i, evictable = "any_thread",
                priority = 0.001 })
        end
        ticks(5)
        stream(1, 28)
        assert.same({ bytes = 0 }, asked)
        -- What is used is young again.
        local queue = assert(device:queue("graphics"))
        for i = 5, 6 do
            assert(kept[i]:use(queue, 1))
        end
        queue:signal(1)
        stream(29, 29)
        assert.same({ "t3", "t4", "t5", "t6", bytes = 4 * MiB }, forget())
        assert.equal(25 * MiB, used("texture"))
        -- And so on, for ever, a cap's worth at a time.
        for i = 30, 100 do
            stream(i, i)
            local now = forget()
            assert.is_true(now.bytes == 0 or now.bytes == 4 * MiB)
            assert.is_true(used("texture") < 0.9 * 32 * MiB)
        end
        assert.equal(4 * MiB, used("buffer"))
        assert.equal(0, device:stats().refused_count)
    end)

    it("takes large ones of the same age first, and one above the cap alone", function()
        open_small(256 * MiB)
        set_policy("streaming", { budget = "32MiB", cap = "4MiB" })
        for i, size in ipairs { 1, 3, 2, 6, 1 } do
            assert(texture(size, { name = "t" .. i, evictable = "at_tick" }))
        end
        local queue = assert(device:queue("graphics"))
        for _, one in ipairs(kept) do
            assert(one:use(queue, 1))
        end
        queue:signal(1)
        ticks(4)
        assert(texture(16, { name = "new", evictable = "at_tick" }))
        for _, expected in ipairs { { "t4", bytes = 6 * MiB }, { bytes = 0 } } do
            ticks(1)
            assert.same(expected, forget())
        end
        assert(texture(8, { name = "newer", evictable = "at_tick" }))
        ticks(1)
        assert.same({ "t2", "t1", bytes = 4 * MiB }, forget())
    end)

    it("keeps its cap however far over the budget it is, and leaves the young alone", function()
        open_small(256 * MiB)
        local policy = set_policy("streaming", { budget = "64MiB", cap = "4MiB", young = 5 })
        stream(1, 50)
        assert(policy:set("budget", "20MiB"))
        local at = 0
        while used("texture") > 20 * MiB do
            local before = used("texture")
            ticks(1)
            local now = forget()
            assert.is_true(now.bytes > 0 and now.bytes <= 4 * MiB)
            assert.equal(before - now.bytes, used("texture"))
            for _, name in ipairs(now) do
                at = at + 1
                assert.equal("t" .. at, name)
            end
        end
        assert.equal(30, at)
        assert(policy:set("young", 600))
        assert(policy:set("budget", "16MiB"))
        ticks(5)
        assert.same({ bytes = 0 }, asked)
        assert(policy:set("young", nil))
        ticks(1)
        assert.same({ "t31", "t32", "t33", "t34", bytes = 4 * MiB }, asked)
    end)

    it("makes room for a texture that the budget refuses", function()
        open_small(256 * MiB)
        set_policy("streaming", { budget = "16MiB", cap = "2MiB", soft = 1, young = 0 })
        for i = 1, 3 do
            assert(buffer { size = "1MiB", name = "b" .. i, evictable = "any_thread",
                priority = 0.001 })
        end
        stream(1, 16, "any_thread")
        assert.same({ bytes = 2 * MiB, "t1", "t2" }, forget()) -- 100 % were reached
        assert(texture(5))
        assert.same({ bytes = 3 * MiB, "t3", "t4", "t5" }, forget())
        fails("budget", { "texture" }, texture(17))
        assert.same({ bytes = 0 }, asked)
    end)

    it("asks those that may go in a frame only in the next one, within the cap", function()
        open_small(256 * MiB)
        set_policy("streaming", { budget = "16MiB", cap = "2MiB", soft = 1, young = 0 })
        stream(1, 15)
        fails("budget", { "texture" }, texture(5))
        assert.same({ bytes = 0 }, asked)
        for _, expected in ipairs {
            { bytes = 2 * MiB, "t1", "t2" }, { bytes = 2 * MiB, "t3", "t4" }, { bytes = 0 },
        } do
            ticks(1)
            assert.same(expected, forget())
        end
        assert(texture(5))
        assert.equal(16 * MiB, used("texture"))
    end)
end)

describe("spill.lua", function()
    local function heap_of(size, options)
        options = options or {}
        options.size, options.location = size, options.location or "device_upload"
        local parcel = assert(buffer(options))
        return parcel:info().heap
    end

    it("leaves the window of a discrete device to what is small", function()
        open("discrete-8g")
        assert.equal(2, heap_of("16MiB")) -- by the native rule
        set_policy("spill")
        assert.equal(1, heap_of("16MiB"))
        assert.equal(1, heap_of("4MiB"))
        assert.equal(2, heap_of("3MiB"))
        assert.equal(2, heap_of("64KiB"))
        assert.equal(0, heap_of("64MiB", { location = "device" }))
        -- It was asked for each class once.
        local asked_before = device:stats().place_count
        assert.equal(2, heap_of("3MiB"))
        assert.equal(1, heap_of("16MiB"))
        assert.equal(asked_before, device:stats().place_count)
    end)

    it("fills the window, then spills", function()
        open("discrete-8g", { block_size = "8MiB" })
        set_policy("spill")
        assert(device:set_limit("heap 2", "32MiB"))
        local counts = { [0] = 0, 0, 0 }
        for _ = 1, 48 do
            local heap = heap_of("1MiB")
            counts[heap] = counts[heap] + 1
        end
        assert.same({ [0] = 0, 16, 32 }, counts)
        assert.equal(0, device:stats().refused_count)
    end)

    it("refuses a render target rather than let it go to the host's memory", function()
        open("discrete-8g", { block_size = "8MiB" })
        local policy = set_policy("spill")
        assert(device:set_limit("heap 0", "16MiB"))
        assert(device:set_limit("heap 2", "8MiB"))
        local function make(evictable)
            return texture(12, { usage = "color_target", evictable = evictable })
        end
        local first = assert(make("any_thread"))
        assert.equal(1, first:info().priority)
        assert.equal(0, first:info().heap)
        -- Others let go for it, but it does not go elsewhere, as plain textures do.
        assert.equal(0, assert(make("no")):info().heap)
        assert.is_false(first:live())
        fails("budget", { "heap 0" }, make("no"))
        assert.equal(1, assert(texture(12)):info().heap)
        assert(policy:set("targets_spill", true))
        ticks(1)
        assert.equal(1, assert(make("no")):info().heap)
    end)

    it("changes nothing on a device of one memory", function()
        open("uma-16g")
        local types = {}
        for round = 1, 2 do
            for i, location in ipairs { "device", "upload", "readback", "device_upload" } do
                local parcel = assert(buffer { size = "16MiB", location = location })
                types[i] = types[i] or parcel:info().type
                assert.equal(types[i], parcel:info().type)
            end
            if round == 1 then
                set_policy("spill")
            end
        end
        local asked_before = device:stats().place_count
        assert(buffer { size = "17MiB", location = "device_upload" })
        assert.equal(asked_before, device:stats().place_count)
    end)
end)

describe("tags.lua", function()
    -- Buffers of 1 MiB with a tag; how many there could be.
    local function fill(tag, count, evictable)
        for i = 1, count do
            local name = (tag or "none") .. i
            if not buffer { size = "1MiB", tag = tag, name = name, evictable = evictable } then
                return i - 1
            end
        end
        return count
    end

    it("holds each tag to its own limit", function()
        open_small(256 * MiB)
        local policy = set_policy("tags", { scale = 1 / 8 })
        assert.equal(8, fill("ui", 20))
        assert.equal(16, fill("effects", 20))
        fails("budget", { "ui" }, buffer { size = 1, tag = "ui" })
        fails("budget", { "effects" }, texture(1, { tag = "effects" }))
        assert.equal(20, fill("characters", 20))
        assert.equal(20, fill("sound", 20))
        assert(buffer { size = "1MiB" })
        assert.equal(8 * MiB, used("ui"))
        assert(policy:set("strict", true))
        ticks(1)
        fails("budget", { "denies" }, buffer { size = "1MiB" })
        assert(buffer { size = "1MiB", tag = "sound" })
        assert(policy:set("scale", 1 / 4))
        ticks(1)
        assert.equal(8, fill("ui", 20))
    end)

    it("asks owners of that tag alone", function()
        open_small(256 * MiB)
        set_policy("tags", { scale = 1 / 8 })
        fill("terrain", 8, "any_thread") -- the oldest
        fill(nil, 8, "any_thread")
        ticks(1)
        fill("ui", 8, "any_thread")
        ticks(1)
        assert.same({ bytes = 0 }, asked)
        assert(buffer { size = "3MiB", tag = "ui" })
        assert.same({ bytes = 3 * MiB, "ui1", "ui2", "ui3" }, forget())
        fails("budget", { "ui" }, buffer { size = "9MiB", tag = "ui" })
        assert.equal(8 * MiB, used("terrain"))
    end)

    it("follows an edit", function()
        local folder = support.folder()
        local path = folder .. "/mine.lua"
        local function edit(ui, more)
            local text, count = support.read(path_of("tags")):gsub("ui = 64 %* MiB",
                ("ui = %d * MiB"):format(ui))
            assert.equal(1, count)
            support.write(path, more and text:gsub("terrain = 512 %* MiB", more) or text)
        end
        edit(16)
        open_small(256 * MiB)
        local policy = assert(device:set_policy(path, { options = { cap = "2MiB" } }))
        fill("terrain", 20, "at_tick")
        assert.equal(16, fill("ui", 20, "at_tick"))
        forget()
        edit(7)
        assert(policy:reload())
        assert.equal(16 * MiB, device:account("ui").limit)
        -- What lives is not cut down at once: a cap's worth a frame, and no other part's.
        for left = 14, 8, -2 do
            ticks(1)
            assert.equal(7 * MiB, device:account("ui").limit)
            assert.equal(left * MiB, used("ui"))
            assert.equal(2 * MiB, forget().bytes)
            fails("budget", { "ui" }, buffer { size = 1, tag = "ui" })
            forget()
        end
        ticks(1)
        assert.is_true(used("ui") <= 7 * MiB)
        assert.equal(20 * MiB, used("terrain"))
        -- A new tag, and one that has no limit any more.
        edit(32, "sound = 1 * MiB")
        assert(policy:reload())
        ticks(1)
        assert.equal(MiB, device:account("sound").limit)
        assert.is_nil(device:account("terrain").limit)
        assert.is_true(fill("ui", 20) == 20)
        -- A slip: the limits are what they were.
        edit(1, "sound = 1 * MB")
        fails("script", { "mine.lua:8" }, policy:reload())
        ticks(1)
        assert.equal(32 * MiB, device:account("ui").limit)
        support.remove(folder)
    end)
end)

describe("pools.lua", function()
    -- A frame's worth of short-lived buffers, with a long-lived one among them now and then.
    local function play(frame)
        local list = {}
        for i = 1, frame % 2 == 0 and 5 or 3 do
            list[i] = assert(device:buffer {
                usage = "uniform", size = "4MiB", tag = "frame/scratch", dedicated = "never",
            })
        end
        if frame % 10 == 0 then
            if kept[1] then
                table.remove(kept, 1):release()
            end
            assert(buffer { size = "64KiB", tag = "mesh" })
        end
        for _, one in ipairs(list) do
            one:release()
        end
        ticks(1)
    end

    local function allocs_of(frames)
        local before = driver_allocs()
        for frame = 1, frames do
            play(frame)
        end
        return driver_allocs() - before
    end

    -- One frame's buffers fill a block each.
    local function make_pool()
        return assert(device:pool { name = "short-lived", block_size = "4MiB" })
    end

    it("makes no driver call in the long run, where the native rule makes some in each frame",
        function()
            local native = open_small(256 * MiB, nil, { block_size = "4MiB", retain_ticks = 1 })
            allocs_of(20)
            assert.is_true(allocs_of(100) >= 100)
            native:close()
            open_small(256 * MiB, nil, { block_size = "4MiB", retain_ticks = 1 })
            local pool <close> = make_pool()
            set_policy("pools")
            allocs_of(20)
            local steady = device:stats()
            assert.equal(0, allocs_of(300))
            assert.equal(steady.driver_free_count, device:stats().driver_free_count)
            assert.equal(5, pool:info().block_count)
        end)

    it("keeps short-lived and long-lived apart", function()
        open_small(256 * MiB, nil, { block_size = "4MiB", retain_ticks = 1 })
        local pool <close> = make_pool()
        set_policy("pools", { keep = 4 })
        local short = {}
        for i = 1, 40 do
            short[i] = assert(device:buffer {
                usage = "uniform", size = "400KiB", tag = "frame/" .. i % 3,
            })
            assert(buffer { size = "100KiB", tag = "mesh" })
        end
        assert.equal(40, pool:info().range_count)
        for _, one in ipairs(short) do
            one:release()
        end
        -- All of its blocks fell empty, and go: one after a while, the others before.
        assert.equal(0, pool:info().range_count)
        assert.equal(4, pool:info().block_count)
        ticks(1)
        assert.equal(1, pool:info().block_count)
        ticks(2)
        assert.equal(1, pool:info().block_count)
        ticks(1)
        assert.equal(0, pool:info().block_count)
        assert.equal(40 * 100 * KiB, used("mesh"))
    end)

    it("keeps nothing while a limit is exceeded", function()
        open_small(256 * MiB, nil, { block_size = "4MiB", retain_ticks = 1 })
        local pool <close> = make_pool()
        set_policy("pools")
        play(1)
        assert.equal(3, pool:info().block_count)
        assert(device:set_limit("total", "1MiB"))
        ticks(1)
        assert.equal(0, pool:info().block_count)
    end)

    it("waits for its pool, and does without", function()
        open_small(256 * MiB, nil, { block_size = "4MiB", retain_ticks = 1 })
        set_policy("pools")
        allocs_of(20)
        assert.equal(0, allocs_of(20))
        local pool <close> = make_pool()
        play(1)
        assert.is_true(pool:info().block_count > 0)
        local large = assert(buffer { size = "16MiB", tag = "mesh" })
        assert.is_true(large:info().dedicated)
        local short = assert(buffer { size = "1MiB", tag = "frame/x" })
        assert.equal(1, pool:info().range_count)
        short:release()
    end)
end)
