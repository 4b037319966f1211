-- Policies in trusted mode: plain tables of functions.

-- luacheck: ignore 212/self

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

describe("a policy in trusted mode", function()
    local device, lines

    before_each(function()
        lines = {}
        device = support.small_device {
            log = function(level, message) lines[#lines + 1] = level .. ": " .. message end,
        }
    end)

    after_each(function()
        device:close()
    end)

    it("decides by its functions", function()
        local asked = {}
        local function note(hook)
            asked[hook] = (asked[hook] or 0) + 1
        end
        local hooks = { name = "mine", state = { own = print } }
        function hooks:place(request, facts)
            note "place"
            assert(rawequal(hooks, self) and facts.heaps[1].size == 64 * fh.MiB)
            if request.tag == "no" then
                return { deny = true }
            elseif request.kind == "texture" then
                return { memory = { "device", "host" }, keep = "reload" }
            end
        end
        function hooks:relieve(request)
            note "relieve"
            return { { action = "trim" }, "deny", request.attempt > 1 and "spill" or nil }
        end
        function hooks:limits(facts)
            note "limits"
            return { total = "8MiB", tags = { terrain = facts.heaps[1].size } }
        end
        function hooks:frame(stats, facts)
            note "frame"
            self.state.frame = facts.frame
            assert(stats.tick_ns >= 0)
            return { limits = true }
        end
        function hooks:retain(block)
            note "retain"
            return block.over and 0 or 2
        end
        local policy = assert(device:set_policy(hooks))
        assert.equal("mine", device:policy_name())
        assert.is_true(rawequal(policy, device:policy()))
        assert.is_true(policy:in_charge())
        assert.equal("freehold.trusted_policy (in charge)", tostring(policy))
        assert.equal(8 * fh.MiB, device:account("total").limit)
        assert.equal(64 * fh.MiB, device:account("terrain").limit)
        fails("budget", { "denies" }, device:raw { size = 10, tag = "no" })
        local texture <close> = assert(device:texture { width = 8, format = "r8_unorm" })
        assert(texture:live())
        local places = asked.place
        assert(device:texture { width = 8, format = "r8_unorm" }):release()
        assert.equal(places, asked.place) -- it said keep
        assert(device:raw { size = 10 }):release()
        assert(device:raw { size = 10 }):release()
        assert.equal(places + 2, asked.place) -- it looked at facts
        fails("budget", {}, device:raw { size = "32MiB" })
        assert(asked.relieve >= 1)
        device:tick()
        device:tick()
        assert.equal(2, hooks.state.frame)
        assert(asked.limits >= 3)
        assert.same({}, lines)
        assert.is_true(policy:remove())
        assert.is_false(policy:remove())
        assert.is_false(policy:in_charge())
        assert.equal("native", device:policy_name())
        assert.equal("freehold.trusted_policy (removed)", tostring(policy))
    end)

    it("caches what depends on the class alone", function()
        local count = 0
        assert(device:set_policy {
            place = function(_, request)
                count = count + 1
                return request.kind == "raw" and { memory = "device" } or nil
            end,
        })
        for _ = 1, 3 do
            assert(device:raw { size = 10 }):release()
            assert(device:buffer { size = 10, usage = "vertex" }):release()
        end
        assert.equal(2, count)
    end)

    it("hears of pressure", function()
        local events = {}
        assert(device:set_policy {
            limits = function() return { total = "8MiB", watermarks = { 0.5 } } end,
            pressure = function(_, event)
                events[#events + 1] = ("%s %s"):format(event.account.scope, event.up)
            end,
        })
        local raw <close> = assert(device:raw { size = "6MiB" })
        device:tick()
        assert.equal("total true", events[1])
        assert(raw:live())
    end)

    it("orders who is to let go", function()
        for _, evict in ipairs {
            { "-size", "age" },
            function(_, candidate, facts)
                assert(facts.frame >= 0)
                return candidate.tag ~= "keep" and -candidate.size or nil
            end,
        } do
            local gone = {}
            local other <close> = support.small_device {
                evict = function(parcel)
                    gone[#gone + 1] = parcel:name()
                    return parcel:release()
                end,
            }
            local policy = assert(other:set_policy { evict = evict })
            for i, size in ipairs { "2MiB", "6MiB", "4MiB" } do
                assert(other:raw { size = size, name = "p" .. i, evictable = "at_tick",
                    dedicated = "require" })
            end
            assert(other:raw { size = "1MiB", name = "kept", evictable = "at_tick", tag = "keep",
                dedicated = "require" })
            other:set_limit("total", "3MiB")
            other:tick()
            assert.equal("p2 p3", table.concat(gone, " ", 1, 2))
            assert.is_true(policy:in_charge())
        end
    end)

    it("finds pools by name", function()
        local pool = assert(device:pool { name = "short", block_size = "1MiB" })
        assert(device:set_policy {
            place = function(_, request)
                if request.tag == "short" then
                    return { pool = "short" }
                elseif request.tag == "none" then
                    return { pool = "there is none" }
                end
            end,
        })
        local raw <close> = assert(device:raw { size = 100, tag = "short" })
        assert.equal(1, pool:info().range_count)
        local other <close> = assert(device:raw { size = 100, tag = "none" })
        assert.equal(0, #lines) -- it may be made yet
        assert(raw:live() and other:live())
    end)

    it("tells of an error once, and the native rule decides", function()
        local count = 0
        local hooks = {
            frame = function() count = count + 1; error("broken") end,
            retain = function() return "soon" end,
            place = function() return { memroy = "device" } end,
            evict = function() return "first" end,
        }
        assert(device:set_policy(hooks))
        for _ = 1, 3 do
            assert(device:raw { size = 100 }):release()
            device:tick()
        end
        assert.equal(3, count)
        local text = table.concat(lines, "\n")
        local _, told = text:gsub("frame: ", "")
        assert.equal(1, told)
        assert(text:find('error: the policy "trusted" raised an error: frame: ', 1, true), text)
        assert(text:find("trusted_spec.lua", 1, true))
        assert(text:find("stack traceback", 1, true))
        assert(text:find("memory", 1, true), text)
        hooks.frame = function() return { depth = 99 } end
        lines = {}
        device:set_policy(hooks)
        device:tick()
        text = table.concat(lines, "\n")
        assert(text:find(" raised an error: frame: depth: 1 to 8 expected", 1, true), text)
        hooks.frame = function() count = 100 end
        device:tick()
        assert.equal(100, count)
        hooks.frame = nil
        device:tick()
    end)

    it("cannot keep facts, write them, or yield", function()
        local kept
        local hooks = {}
        function hooks.frame(_, stats, facts)
            kept = facts
            local names = {}
            for name in pairs(facts) do
                names[name] = true
            end
            assert(names.heaps and names.frame and names.used)
            assert(not pcall(function() stats.depth = 3 end))
        end
        function hooks.limits()
            coroutine.yield()
        end
        assert(device:set_policy(hooks))
        device:tick()
        assert.is_false((pcall(function() return kept.frame end)))
        assert.equal(1, #lines)
        assert(lines[1]:find("yield", 1, true))
    end)

    it("does not ask hooks within hooks", function()
        local inner = 0
        local other <close> = support.small_device()
        assert(other:set_policy { frame = function() inner = inner + 1 end })
        local seen
        assert(device:set_policy {
            frame = function(_, _, facts)
                other:tick()
                seen = facts.frame
                fails("invalid", { "hook" }, device:set_policy(nil))
                fails("invalid", {}, device:set_policy { frame = print })
                device:raw({ size = 10 }):release()
            end,
        })
        device:tick()
        assert.equal(0, inner)
        assert.equal(1, seen)
        other:tick()
        assert.equal(1, inner)
    end)

    it("is replaced, and collected", function()
        local weak = setmetatable({}, { __mode = "k" })
        for _ = 1, 5 do
            local hooks = { frame = function() end }
            weak[hooks] = true
            weak[assert(device:set_policy(hooks))] = true
        end
        collect()
        device:tick()
        local count = 0
        for _ in pairs(weak) do
            count = count + 1
        end
        assert.equal(2, count)
        device:set_policy(nil)
        collect()
        assert.is_nil(next(weak))
    end)

    it("has fields that exist", function()
        raises(function() device:set_policy { plaec = print } end, "did you mean 'place'?")
        raises(function() device:set_policy { place = 1 } end,
            "field 'place': function expected, got number")
        raises(function() device:set_policy { name = 1 } end, "field 'name': string expected")
        raises(function() device:set_policy { evict = { "sise" } } end, "size")
        raises(function() device:set_policy { place_steps = 1 } end, "table expected")
        raises(function() device:set_policy { place_steps = { 2, 1 } } end, "ascend")
        raises(function() device:set_policy { place_steps = { -1 } } end, "place_steps")
        local bounds
        assert(device:set_policy {
            place_steps = { "24KiB" }, options = { anything = true }, migrate = print,
            place = function(_, request) bounds = request.size_min .. " " .. request.size_max end,
        })
        assert(device:raw { size = 30000 }):release()
        assert.equal("24576 32767", bounds)
    end)
end)
