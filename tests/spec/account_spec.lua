-- Accounts and limits, counters, and texts about a device.

local fh = require "freehold"
local cjson = require "cjson"
local support = require "tests.spec.support"

local raises, fails = support.raises, support.fails

local device

before_each(function()
    device = support.small_device()
end)

after_each(function()
    device:close()
end)

local function buffer(size, tag)
    return device:buffer { size = size, usage = "vertex|copy_dst", tag = tag }
end

describe("an account", function()
    it("counts by kind, tag, heap and in total", function()
        local one <close> = assert(buffer("1MiB", "terrain"))
        local two <close> = assert(buffer("2MiB", "terrain"))
        local reserved = one:info().reserved + two:info().reserved
        local terrain = assert(device:account("terrain"))
        assert.equal("terrain", terrain.name)
        assert.equal(reserved, terrain.used)
        assert.equal(2, terrain.count)
        assert.equal(0, terrain.retiring)
        assert.equal(0, terrain.refused)
        assert.is_nil(terrain.limit)
        assert.equal(reserved, device:account("buffer").used)
        assert.equal(0, device:account("texture").used)
        local total = assert(device:account("total"))
        assert.equal(device:stats().total.block_bytes, total.used)
        assert.equal(total.used, device:account("heap 0").used + device:account("heap 1").used)
        two:release()
        assert.equal(reserved, device:account("terrain").peak)
        assert.is_true(device:reset_peak("terrain"))
        assert.equal(one:info().reserved, device:account("terrain").peak)
    end)

    it("is named in two ways", function()
        local tag = assert(device:tag("buffer")) -- the name of a kind
        local one <close> = assert(buffer(1000, tag))
        local reserved = one:info().reserved
        assert.equal("buffer", one:info().tag)
        assert.equal(tag, device:tag("buffer"))
        for key, used in pairs {
            [{ scope = "tag", index = "buffer" }] = reserved,
            [{ scope = "tag", index = tag }] = reserved,
            [{ scope = "kind", index = "buffer" }] = reserved,
            [{ scope = "kind", index = 0 }] = reserved,
            [{ scope = "kind", index = "raw" }] = 0,
            [{ scope = "heap", index = 1 }] = 0,
            [{ scope = "tag", index = "new" }] = 0,
        } do
            assert.equal(used, assert(device:account(key)).used)
        end
        assert.equal("total", device:account({}).name)
        assert.equal("heap 1", device:account({ scope = "heap", index = 1 }).name)
    end)

    it("must be there, and be spelt right", function()
        device:tag("terrain")
        fails("invalid", { "there is no 'terain'; did you mean 'terrain'?" },
            device:account("terain"))
        fails("invalid", { "did you mean 'texture'?" }, device:set_limit("textures", 1))
        fails("invalid", { "known: 'total', 'buffer'" }, device:account("?"))
        fails("invalid", {}, device:account("heap 2"))
        fails("invalid", {}, device:account("heap 16"))
        fails("invalid", { "'heap x'" }, device:account("heap x"))
        fails("invalid", { "'heap 123'" }, device:account("heap 123"))
        fails("invalid", {}, device:account { scope = "kind", index = 6 })
        fails("invalid", { "index: -1" }, device:account { scope = "heap", index = -1 })
        fails("invalid", {}, device:reset_peak { scope = "tag", index = 77 })
        raises(function() device:account() end, "account: name or table expected, got nil")
        raises(function() device:account(1) end, "account: name or table expected, got number")
        raises(function() device:account { scope = "kinds" } end, "did you mean 'kind'?")
        raises(function() device:account { scope = "kind", index = "bufer" } end,
            "did you mean 'buffer'?")
        raises(function() device:account { scop = "kind" } end, "did you mean 'scope'?")
        raises(function() device:account { scope = "heap", index = "0" } end, "integer expected")
        raises(function() device:tag(1) end, "name: string expected")
        raises(function() device:tag("a\0b") end, "without zeros")
        fails("invalid", {}, device:tag(""))
        fails("invalid", {}, device:tag(("x"):rep(64)))
    end)
end)

describe("a limit", function()
    it("is never exceeded, and goes when it is removed", function()
        assert.is_true(device:set_limit("buffer", "1MiB"))
        assert.equal(fh.MiB, device:account("buffer").limit)
        fails("budget", { "buffer" }, buffer(fh.MiB + 1))
        local one <close> = assert(buffer(fh.MiB))
        fails("budget", {}, buffer(1))
        assert.equal(2, device:account("buffer").refused)
        assert.is_true(device:set_limit("buffer", nil))
        assert.is_nil(device:account("buffer").limit)
        local two <close> = assert(buffer(1))
        assert.is_true(one:live() and two:live())
        assert.is_true(device:set_limit("buffer", false))
        assert.is_true(device:set_limit({ scope = "tag", index = "early" }, 10))
        fails("budget", { "early" }, buffer(11, "early"))
    end)

    it("is set together with others, or none is", function()
        assert.is_true(device:limits {
            total = "100MiB", heaps = { [0] = "50MiB", [1] = 60 * fh.MiB },
            kinds = { buffer = "40MiB", raw = 0 }, tags = { terrain = "1MiB" },
        })
        local function limits()
            local list = {}
            for i, name in ipairs { "total", "heap 0", "heap 1", "buffer", "raw", "terrain" } do
                list[i] = (device:account(name).limit or 0) // fh.MiB
            end
            return list
        end
        assert.same({ 100, 50, 60, 40, 0, 1 }, limits())
        raises(function() device:limits { total = 1, kinds = { bufer = 1 } } end,
            "field 'kinds': unknown name 'bufer'; did you mean 'buffer'?")
        raises(function() device:limits { total = 1, tags = { [1] = 1 } } end,
            "field 'tags': string expected, got number")
        raises(function() device:limits { total = 1, heaps = { a = 1 } } end,
            "field 'heaps': integer expected, got string")
        raises(function() device:limits { total = 1, heaps = 1 } end, "field 'heaps': table")
        raises(function() device:limits { totl = 1 } end, "did you mean 'total'?")
        raises(function() device:limits { total = true } end, "bytes expected, got boolean")
        raises(function() device:limits() end, "limits: table expected, got no value")
        fails("invalid", { "total: -1" }, device:limits { total = -1 })
        fails("invalid", {}, device:limits { total = 1, tags = { x = -1 } })
        assert.same({ 100, 50, 60, 40, 0, 1 }, limits())
        fails("invalid", {}, device:limits { heaps = { [7] = 1 } })
        assert.is_true(device:limits { total = false, kinds = { raw = false, buffer = false } })
        assert.same({ 0, 50, 60, 0, 0, 1 }, limits())
    end)

    it("must be bytes", function()
        fails("invalid", { "limit: -1" }, device:set_limit("total", -1))
        raises(function() device:set_limit("total") end, "limit: bytes expected, or nil")
        raises(function() device:set_limit("total", "1") end, "limit: '1' is no size")
        raises(function() device:set_limit("total", true) end, "limit: bytes expected")
    end)
end)

describe("counters", function()
    it("agree with what was made", function()
        local one <close> = assert(buffer(1000))
        local two <close> = assert(device:texture { width = 64, format = "r8_unorm" })
        local stats = assert(device:stats())
        local reserved = one:info().reserved + two:info().reserved
        assert.equal(reserved, stats.total.reserved)
        assert.equal(reserved, stats.total.range_bytes)
        assert.equal(1064, stats.total.committed)
        assert.equal(1064, stats.committed_bytes)
        assert.equal(2, stats.parcel_count)
        assert.equal(2, #stats.heaps)
        assert.equal(2, #stats.types)
        local sum = 0
        for i, heap in ipairs(stats.heaps) do
            assert.equal(i - 1, heap.index)
            assert.equal((i == 1 and 64 or 128) * fh.MiB, heap.budget)
            sum = sum + heap.block_bytes
        end
        assert.equal(stats.total.block_bytes, sum)
        assert.equal(1, stats.types[2].heap)
        local detail = assert(device:detail())
        assert.equal(stats.total.block_bytes, detail.total.stats.block_bytes)
        assert.equal(reserved, detail.total.stats.range_bytes)
        assert(detail.total.free_count > 0)
        assert(detail.heaps[1].range_min > 0)
        assert.equal(math.maxinteger, detail.heaps[2].range_min)
        assert.equal(1, detail.types[2].heap)
    end)

    it("show every parcel", function()
        local one <close> = assert(buffer(1000, "t"))
        local two = assert(device:external { size = 5, name = "far" })
        local infos = assert(device:parcels())
        assert.equal(2, #infos)
        table.sort(infos, function(a, b) return a.kind < b.kind end)
        assert.equal(one, infos[1].parcel)
        assert.equal("t", infos[1].tag)
        assert.equal("far", infos[2].name)
        assert.equal(two, infos[2].parcel)
        two:release()
        assert.equal(1, #device:parcels())
        local many = assert(device:raws(1000, { size = 16 }))
        assert.equal(1001, #device:parcels())
        assert.equal(1000, #many)
    end)
end)

describe("text", function()
    it("is JSON, brief or detailed", function()
        local _ <close> = assert(device:buffer { size = 100, usage = "vertex", name = "a \"b\"" })
        local brief = cjson.decode(device:json())
        local detailed = cjson.decode(device:json(true))
        assert.equal(brief.Total.AllocationBytes, detailed.Total.AllocationBytes)
        assert.is_nil(brief.DefaultPools)
        assert.is_truthy(detailed.DefaultPools)
        assert.equal(device:json(true), device:json { detailed = true })
        assert.equal(device:json(), device:json { detailed = false })
        assert.equal(device:json(), device:json {})
        raises(function() device:json(1) end, "detailed: boolean expected, got number")
        raises(function() device:json { detaild = true } end, "did you mean 'detailed'?")
    end)

    it("explains where a request would go", function()
        for request, words in pairs {
            [{ buffer = { size = "1MiB", usage = "vertex" } }] = { "buffer", "type 0" },
            [{ texture = { width = 8, format = "r8_unorm" } }] = { "texture" },
            [{ raw = { size = 10, location = "upload", name = "x" } }] = { "raw", "upload" },
        } do
            local text = assert(device:explain(request))
            for _, word in ipairs(words) do
                assert.is_truthy(text:find(word, 1, true), text)
            end
        end
        assert.equal(0, device:stats().parcel_count)
        fails("invalid", { "size" }, device:explain { buffer = { size = 0, usage = "vertex" } })
        raises(function() device:explain() end, "request: table expected")
        raises(function() device:explain {} end, "one of 'buffer', 'texture' and 'raw' expected")
        raises(function() device:explain { raw = { size = 1 }, buffer = {} } end, "got more")
        raises(function() device:explain { bufer = {} } end, "did you mean 'buffer'?")
        raises(function() device:explain { raw = 1 } end, "field 'raw': table expected")
        raises(function() device:explain { raw = {} } end, "field 'size': is missing")
    end)

    it("tells of writes past the end", function()
        local lines = {}
        local guarded <close> = support.small_device {
            margin = 64, log = function(_, message) lines[#lines + 1] = message end,
        }
        local one <close> = assert(guarded:buffer {
            size = 256, usage = "copy_dst", location = "upload", name = "victim",
        })
        assert.equal(0, guarded:check())
        -- A neighbour that may lie anywhere is what writes there.
        local raw <close> = assert(guarded:raw { size = 4096, location = "upload" })
        assert.is_true(raw:live() and one:live())
        assert.equal(0, #lines)
        fails("unsupported", {}, device:check())
    end)
end)
