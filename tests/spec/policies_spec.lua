-- The policies that come along, in scripts/policies: what each of them decides when it is asked.
-- What becomes of that on a device is in policies_device_spec.lua.

local fh = require "freehold"
local support = require "tests.spec.support"

local fails = support.fails
local MiB, GiB = fh.MiB, fh.GiB

local NAMES = { "budget", "pools", "spill", "streaming", "tags", "tiers" }

local function path_of(name)
    return ("%s/scripts/policies/%s.lua"):format(support.root, name)
end

local function test_of(name, options)
    return assert(fh.policy_test(path_of(name), options))
end

describe("a policy that comes along", function()
    -- What a hook may be asked about, beside what is there by default.
    local QUESTIONS = {
        place = {
            { kind = "texture", size = 1 }, { kind = "texture", size = "40MiB", usage = "sampled" },
            { kind = "texture", size = "40MiB", usage = "color_target" },
            { kind = "buffer", size = "1TiB", location = "device_upload" },
            { kind = "buffer", size = "64KiB", location = "device_upload", tag = "frame/x" },
            { kind = "raw", size = "3MiB", tag = "terrain" }, { kind = "external", size = 1 },
            { kind = "staging", size = "1MiB", location = "upload" },
        },
        relieve = {
            { size = "1MiB" }, { size = "1GiB", reason = "out_of_memory", attempt = 2 },
            { kind = "texture", size = "9MiB", account = { scope = "kind", kind = "texture" } },
            { size = 5, shortage = 4, account = { scope = "tag", tag = "ui" } },
            { usage = "depth_target", account = { scope = "heap", heap = 1 } },
        },
        limits = { false },
        frame = { {}, { created_bytes = GiB, refused_count = 3 } },
        pressure = {
            { up = true, used = 100, limit = 100, fraction = 1, account = { scope = "total" } },
            { up = false, used = 0, limit = 100, fraction = 0.5,
                account = { scope = "kind", kind = "texture" } },
            { up = true, used = 5 * MiB, limit = 4 * MiB, fraction = 0.9,
                account = { scope = "tag", tag = "ui" } },
        },
        retain = { {}, { over = true }, { pool_empty_count = 9, age_ticks = 1 << 40 } },
        evict = {
            { candidates = {} },
            { wanted = GiB, candidates = { { size = 1 }, { kind = "texture", age = 1 << 31 } } },
        },
    }

    local FACTS = {
        { used = 0 },
        { heaps = { { size = GiB, used = GiB, limit = GiB, os_usage = 2 * GiB, os_budget = 1 } } },
        { heaps = { { size = 1, device_local = true }, { size = 1 << 50, device_local = true } } },
    }

    local function ask_all(test)
        for _, facts in ipairs(FACTS) do
            assert(test:facts(facts))
            for hook in pairs(test:hooks()) do
                for _, question in ipairs(QUESTIONS[hook]) do
                    local decision, info
                    if hook == "limits" then
                        decision, info = test:limits()
                    else
                        decision, info = test[hook](test, question)
                    end
                    assert(type(info) == "table", info)
                    assert(decision == nil or info.outcome == "decided")
                    -- What `place` says is remembered.
                    assert(hook ~= "place" or not info.uncached or
                        decision and decision.keep ~= "never")
                end
            end
        end
    end

    for _, name in ipairs(NAMES) do
        it("is a page: " .. name, function()
            local text = support.read(path_of(name))
            local _, lines = text:gsub("\n", "")
            assert.is_true(lines < 80)
            assert.equal(1, text:find("-- " .. name .. ": ", 1, true))
            local test <close> = test_of(name)
            assert.equal(name, test:name())
            assert.same({}, test:notes())
            for _, option in ipairs(test:options()) do
                assert.is_truthy(option.doc, option.name)
            end
        end)

        it("decides with all options at their bounds: " .. name, function()
            local test <close> = test_of(name)
            ask_all(test)
            for _, option in ipairs(test:options()) do
                local ends = { option.min or option.type == "bytes" and 0 or nil,
                    option.max or option.type == "bytes" and "8EiB" and 1 << 52 or nil }
                if option.type == "boolean" then
                    ends = { false, true }
                elseif option.type == "text" then
                    ends = { "", ("x"):rep(63) }
                end
                for _, value in pairs(ends) do
                    if option.type == "bytes" or option.type == "integer" then
                        value = math.tointeger(value)
                    end
                    assert(test:set(option.name, value))
                    ask_all(test)
                end
                assert(test:set(option.name, nil))
            end
        end)
    end
end)

describe("budget.lua", function()
    it("gives large textures memory of their own, and says what to try", function()
        local test <close> = test_of("budget")
        local verdict, info = test:place { kind = "texture", size = "24MiB" }
        assert.same({ "device", "upload" }, verdict.memory)
        assert.equal("prefer", verdict.dedicated)
        assert.is_nil(info.uncached)
        assert.is_nil((test:place { kind = "texture", size = 24 * MiB - 1 }))
        assert.is_nil((test:place { kind = "buffer", size = "24MiB" }))
        local words = {}
        for i, action in ipairs(test:relieve { size = MiB }) do
            words[i] = action.action
        end
        assert.same({ "retry", "trim", "evict", "drain" }, words)
        assert.same({ 5, 4, 2, 1, 3 }, (test:evict { candidates = {
            { priority = 0.5, age = 9, size = 1 }, { priority = 0, age = 5, size = 10 },
            { priority = 1, age = 99, size = 99 }, { priority = 0, age = 5, size = 11 },
            { priority = 0, age = 6, size = 1 },
        } }))
    end)

    it("is as strict as its options", function()
        local test <close> = test_of("budget", { options = { limit = "16MiB", soft = 1 } })
        assert.equal(16 * MiB, test:limits().total)
        assert.same({ 1 }, test:limits().watermarks)
        fails("invalid", { "limit" }, test:set("limit", 65535))
        assert(test:set("limit", 65536))
        assert(test:set("limit", 16 * MiB))
        fails("invalid", { "soft" }, test:set("soft", 1.01))
        assert(test:set("soft", 0))
        assert.is_true(test:pressure({ up = true, fraction = 0 }).trim)
        assert.is_nil((test:pressure { up = false, fraction = 0 }))
        -- Another policy's mark below ours.
        assert(test:set("soft", nil))
        assert.is_true(test:pressure({ up = true, fraction = 0.85 }).trim)
        assert.is_nil((test:pressure { up = true, fraction = 0.7 }))
    end)
end)

describe("tiers.lua", function()
    -- What it allows a heap that leaves it `room`.
    local function budget(test, room, unaccounted)
        assert(test:facts { heaps = { {
            size = 4 * GiB, os_budget = room + (unaccounted or 0), os_usage = unaccounted or 0,
        } } })
        local changed = test:frame().limits == true
        return test:limits().heap[1], changed
    end

    local calm <const> = 5
    local options = { share = 1, smoothing = 1, calm = calm, step = "64MiB" }

    it("counts what is not ours", function()
        local test <close> = test_of("tiers", { options = { share = 0.5 } })
        assert(test:facts { heaps = {
            { size = GiB, used = 100, os_usage = 300, os_budget = 1000 },
            { size = 1000, os_budget = 100, os_usage = 400 },
        } })
        -- Before the first frame, and after.
        for _ = 1, 2 do
            local limits = test:limits()
            assert.same({ 400, 1 }, limits.heap) -- nothing gets in: 1 byte
            assert.same({ 0.70, 0.85, 0.95 }, limits.watermarks)
            test:frame()
        end
    end)

    it("shrinks at once", function()
        local test <close> = test_of("tiers", { options = options })
        assert.same({ GiB, true }, { budget(test, GiB) })
        assert.same({ GiB, false }, { budget(test, GiB) })
        assert.same({ GiB - 1, true }, { budget(test, GiB - 1) })
        assert.same({ 100, true }, { budget(test, 100) })
        assert.same({ 40, true }, { budget(test, 40, GiB) })
    end)

    it("grows step by step, after calm frames alone", function()
        local test <close> = test_of("tiers", { options = options })
        local allowed = budget(test, GiB)
        for _ = 1, 3 do
            for _ = 1, calm - 1 do
                assert.same({ allowed, false }, { budget(test, 3 * GiB) })
            end
            allowed = allowed + 64 * MiB
            assert.same({ allowed, true }, { budget(test, 3 * GiB) })
        end
        -- A frame that leaves less than a step begins the wait again; one that leaves too little
        -- shrinks.
        for _ = 1, calm - 1 do
            budget(test, 3 * GiB)
        end
        assert.same({ allowed, false }, { budget(test, allowed + 64 * MiB - 1) })
        for _ = 1, calm - 1 do
            assert.same({ allowed, false }, { budget(test, 3 * GiB) })
        end
        assert.same({ allowed - 1, true }, { budget(test, allowed - 1) })
        for _ = 1, calm - 1 do
            assert.same({ allowed - 1, false }, { budget(test, 3 * GiB) })
        end
        assert.same({ allowed - 1 + 64 * MiB, true }, { budget(test, 3 * GiB) })
    end)

    it("never follows a budget that jumps up and down", function()
        local test <close> = test_of("tiers", { options = { share = 1, calm = 3 } })
        budget(test, GiB)
        for _ = 1, 100 do
            assert.same({ GiB, false }, { budget(test, 2 * GiB) })
            assert.same({ GiB, false }, { budget(test, 2 * GiB) })
            assert.same({ GiB, false }, { budget(test, GiB) })
        end
    end)

    it("smoothes what becomes free, not what is gone", function()
        local test <close> = test_of("tiers",
            { options = { share = 1, smoothing = 0.5, calm = 1, step = "1MiB" } })
        budget(test, 100 * MiB)
        assert.equal(101 * MiB, budget(test, 102 * MiB))
        -- 101.5 are smooth now, and no whole step more.
        assert.equal(101 * MiB, budget(test, 102 * MiB))
        assert.equal(50 * MiB, budget(test, 50 * MiB))
    end)

    it("lets small heaps grow, too", function()
        local test <close> = test_of("tiers", { options = { share = 1, smoothing = 1, calm = 1 } })
        local function follow(room)
            assert(test:facts { heaps = { { size = 64 * MiB, os_budget = room, os_usage = 0 } } })
            test:frame()
            return test:limits().heap[1]
        end
        assert.equal(30 * MiB, follow(30 * MiB))
        assert.equal(34 * MiB, follow(60 * MiB))
        assert.equal(38 * MiB, follow(60 * MiB))
    end)

    it("has three bands", function()
        local test <close> = test_of("tiers")
        local function cross(fraction, at)
            return (test:pressure { up = true, fraction = fraction, used = at, limit = 1000 })
        end
        assert.is_nil(cross(0.7, 700))
        assert.same({ trim = true }, cross(0.85, 850))
        assert.same({ trim = true, evict_bytes = 110 }, cross(0.95, 960))
        assert.is_nil((test:pressure { up = false, fraction = 0.95, used = 900, limit = 1000 }))
    end)
end)

describe("streaming.lua", function()
    it("orders textures by age and size, and asks nothing else", function()
        local test <close> = test_of("streaming")
        local candidates = {
            { kind = "texture", age = 10, size = 5 }, { kind = "texture", age = 10, size = 6 },
            { kind = "buffer", age = 900, size = 900 }, { kind = "texture", age = 11, size = 1 },
            { kind = "texture", age = 2, size = 99 }, { kind = "texture", age = 3, size = GiB },
            { kind = "external", age = 900 }, { kind = "texture", age = 1 << 31, size = 0 },
        }
        assert.same({ 8, 4, 2, 1, 6 }, (test:evict { candidates = candidates }))
        assert(test:set("young", 0))
        assert.same({ 8, 4, 2, 1, 6, 5 }, (test:evict { candidates = candidates }))
        assert(test:set("young", 600))
        assert.same({ 8 }, (test:evict { candidates = candidates }))
    end)

    it("has a budget, a cap, and a mark", function()
        local test <close> = test_of("streaming", { options = {
            budget = "16MiB", cap = "1MiB", soft = 0.1,
        } })
        assert.same({ texture = 16 * MiB }, test:limits().kinds)
        assert.same({ 0.1 }, test:limits().watermarks)
        assert.equal(MiB, test:frame().evict_cap)
        local account = { scope = "kind", kind = "texture" }
        assert.equal(MiB, test:pressure({ up = true, account = account }).evict_bytes)
        assert.is_nil((test:pressure { up = false, account = account }))
        assert.is_nil((test:pressure { up = true, account = { scope = "total" } }))
        local actions = test:relieve { kind = "texture", size = "8MiB", account = account }
        assert.equal("retry", actions[1].action)
        assert.same({ action = "evict" }, actions[2])
        assert.is_nil(actions[3])
        assert.is_nil((test:relieve { kind = "texture", account = { scope = "total" } }))
        assert.is_nil((test:relieve { kind = "texture", reason = "out_of_memory" }))
        fails("invalid", {}, test:set("cap", 0))
        fails("invalid", {}, test:set("soft", 1.1))
    end)
end)

describe("spill.lua", function()
    it("knows the window of a discrete card", function()
        local test <close> = test_of("spill", { profile = "discrete-8g" })
        local function place(size, usage)
            local verdict, info = test:place {
                kind = "buffer", location = "device_upload", size = size, usage = usage,
            }
            assert.is_not.equal("never", verdict.keep)
            return verdict.memory, info
        end
        -- 1/64 of 256 MiB.
        assert.same({ "device_upload", "upload" }, place("64KiB"))
        assert.same({ "device_upload", "upload" }, place(4 * MiB - 1))
        assert.same({ "upload" }, place("4MiB"))
        assert.same({ "upload" }, place("1TiB"))
        assert(test:set("share", 1))
        assert.same({ "device_upload", "upload" }, place(256 * MiB - 1))
        assert.same({ "upload" }, place("256MiB"))
        assert(test:set("share", 0))
        assert.same({ "upload" }, place(1))
        -- Elsewhere it says nothing of places.
        assert.is_nil(test:place { kind = "buffer", size = "1GiB" })
        assert.is_nil(test:place { kind = "buffer", size = 1, location = "upload" })
    end)

    it("keeps render targets with the GPU", function()
        local test <close> = test_of("spill", { profile = "discrete-8g" })
        for _, usage in ipairs { "color_target|sampled", "depth_target" } do
            local about = { kind = "texture", size = "8MiB", usage = usage }
            assert(test:set("targets_spill", false))
            assert.is_true(test:place(about).no_spill)
            assert.equal(1, test:place(about).priority)
            local actions = test:relieve(about)
            assert.equal("deny", actions[#actions].action)
            assert(test:set("targets_spill", true))
            assert.is_nil(test:place(about))
            actions = test:relieve(about)
            assert.equal("spill", actions[#actions].action)
        end
        assert.is_nil(test:place { kind = "texture", size = 1, usage = "sampled" })
        local actions = test:relieve { kind = "texture", usage = "sampled" }
        assert.equal("spill", actions[#actions].action)
    end)

    it("has no opinion where all memory is the GPU's", function()
        for _, profile in ipairs { "uma-16g", "mobile-4g" } do
            local test <close> = test_of("spill", { profile = profile })
            for _, location in ipairs { "device", "upload", "readback", "device_upload" } do
                assert.same({}, (test:place { location = location, size = "1GiB",
                    usage = "color_target", kind = "texture" }))
            end
        end
        -- One large heap that the CPU sees, and the host's: no window, but somewhere to go.
        local test <close> = test_of("spill", { profile = "rebar-16g" })
        assert.same({ "device_upload", "upload" },
            (test:place { location = "device_upload", size = "1GiB" }).memory)
    end)
end)

describe("tags.lua", function()
    it("has a limit for each tag, scaled", function()
        local test <close> = test_of("tags")
        assert.same({ terrain = 512 * MiB, characters = 256 * MiB, effects = 128 * MiB,
            ui = 64 * MiB }, test:limits().tags)
        assert.is_nil(test:limits().total)
        assert(test:set("scale", 0.05))
        assert.equal(64 * MiB // 20, test:limits().tags.ui)
        assert(test:set("scale", 16))
        assert.equal(GiB, test:limits().tags.ui)
        assert(test:set("cap", "3MiB"))
        assert.equal(3 * MiB, test:frame().evict_cap)
        fails("invalid", { "cap" }, test:set("cap", 0))
    end)

    it("asks for what is short of a tag, and says when one is nearly full", function()
        local test <close> = test_of("tags")
        local ui = { scope = "tag", tag = "ui" }
        local actions = test:relieve { size = 10, shortage = 4, account = ui }
        assert.same({ { action = "retry" }, { action = "evict" }, { action = "deny" } }, actions)
        assert.is_nil((test:relieve { account = { scope = "heap", heap = 1 } }))
        assert.is_nil((test:relieve { reason = "out_of_memory" }))
        local _, info = test:pressure { up = true, account = ui, used = 63 * MiB, limit = 64 * MiB }
        assert.same({ "ui: 63 of 64 MiB" }, info.log)
        _, info = test:pressure { up = true, account = { scope = "total" } }
        assert.same({}, info.log)
    end)

    it("refuses what has no tag, if it is told to", function()
        local test <close> = test_of("tags")
        assert.is_nil((test:place { size = 1 }))
        assert(test:set("strict", true))
        assert.is_true(test:place({ size = 1 }).deny)
        local verdict, info = test:place { size = 1, tag = "sound" }
        assert.is_nil(verdict)
        assert.is_nil(info.uncached)
    end)
end)

describe("pools.lua", function()
    it("sorts by tag and size", function()
        local test <close> = test_of("pools")
        local verdict, info = test:place { size = "1MiB", tag = "frame/scratch" }
        assert.equal("short-lived", verdict.pool)
        assert.is_nil(info.uncached)
        assert.equal("short-lived", test:place({ size = "64MiB", tag = "frame/x" }).pool)
        assert.is_nil(test:place({ size = "1MiB", tag = "a frame/x" }).pool)
        assert.is_nil(test:place({ size = "1MiB" }).pool)
        assert.equal("min_offset", test:place({ size = 16 * MiB - 1 }).strategy)
        assert.equal("prefer", test:place({ size = "16MiB" }).dedicated)
        assert(test:set("prefix", ""))
        assert.is_nil(test:place({ size = 1 }).pool)
        assert.equal("short-lived", test:place({ size = 1, tag = "any" }).pool)
        assert(test:set("pool", ""))
        assert.is_nil(test:place({ size = 1, tag = "any" }).pool)
        assert(test:set("large", 0))
        assert.equal("prefer", test:place({ size = 1 }).dedicated)
    end)

    it("keeps one empty block longer than several", function()
        local test <close> = test_of("pools")
        assert.equal(120, test:retain({ pool_empty_count = 1 }).ticks)
        assert.equal(30, test:retain({ pool_empty_count = 2 }).ticks)
        assert.equal(30, test:retain({ pool_empty_count = 1, age_ticks = 12001 }).ticks)
        assert.equal(0, test:retain({ pool_empty_count = 1, over = true }).ticks)
        assert(test:set("keep", 0))
        assert.equal(0, test:retain({ pool_empty_count = 1 }).ticks)
        assert(test:set("keep", 36000))
        assert.equal(36000, test:retain({ pool_empty_count = 1 }).ticks)
    end)
end)
