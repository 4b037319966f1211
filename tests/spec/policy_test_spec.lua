-- fh.policy_test: scripts without a device.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails = support.raises, support.fails

local function test_of(text, options)
    return assert(fh.policy_test({ text = text, name = "tested" }, options))
end

local bands = [[
return {
    name = "bands",
    options = {
        limit = { type = "bytes", default = "64MiB", min = "1MiB", doc = "the most" },
        share = { type = "number", default = 0.5, min = 0, max = 1 },
        mode = { type = "choice", default = "calm", choices = { "calm", "wild" } },
        loud = { type = "boolean", default = false },
        count = { type = "integer", default = 3 },
        label = { type = "text", default = "x" },
    },
    place_steps = { 24 << 20 },
    place = function(self, request, facts)
        if request.kind == "texture" and request.size_min >= 24 << 20 then
            return { memory = { "device", "host" }, dedicated = "prefer", priority = 0.75 }
        elseif request.tag == "pooled" then
            return { pool = "short" }
        elseif request.tag == "full" then
            return { deny = facts.used > facts.limit / 2 }
        end
    end,
    relieve = function(self, request)
        if request.attempt > 1 then
            return "deny"
        end
        return { "trim", { action = "evict", bytes = request.size },
            { action = "wait", timeout_ms = 2 } }
    end,
    limits = function(self, facts)
        return { total = self.options.limit, heap = { facts.heaps[1].size // 2 },
            tags = { terrain = "1MiB" }, watermarks = { self.options.share } }
    end,
    frame = function(self, stats)
        self.state.seen = (self.state.seen or 0) + stats.refused_count
        log("seen %d", self.state.seen)
        return { limits = self.state.seen > 2 }
    end,
    pressure = function(self, event)
        if event.up then
            return { trim = true, evict_bytes = event.used - event.limit }
        end
    end,
    retain = function(self, block) return block.over and 0 or 12 end,
    evict = { "-size", "age" },
    migrate = function(self, old, version)
        return { seen = old.seen * 10, from = version }
    end,
}]]

describe("fh.policy_test", function()
    local test

    before_each(function()
        test = test_of(bands)
    end)

    after_each(function()
        test:close()
    end)

    it("refuses an option that was not declared, which would be nil: no limit at all", function()
        local odd <close> = assert(fh.policy_test { name = "odd", text = [[return {
            options = { limit = { type = "bytes", default = "1MiB" } },
            limits = function(self) return { total = self.options.limt } end,
            frame = function(self) return { evict_cap = self.options[1] } end,
            retain = function(self) return { ticks = self.options.wholly_different } end,
        }]] })
        local function refuses(sentence, decision, message, code)
            assert.is_nil(decision)
            assert.equal("script", code)
            assert.is_truthy(message:find(sentence, 1, true), message)
        end
        refuses("odd:3: self.options has no 'limt' (did you mean 'limit'?)", odd:limits())
        refuses("odd:4: self.options: an option's name expected, got number", odd:frame {})
        refuses("odd:5: self.options has no 'wholly_different': declare it", odd:retain {})
    end)

    it("asks place, with the class that the size has", function()
        local verdict, info = test:place { kind = "texture", size = "25MiB" }
        assert.same({ "device", "upload" }, verdict.memory)
        assert.equal("prefer", verdict.dedicated)
        assert.equal(0.75, verdict.priority)
        assert.equal("decided", info.outcome)
        assert.equal(14, info.line)
        assert(info.charge > 0)
        assert.is_nil(info.uncached)
        verdict, info = test:place { kind = "texture", size = "23MiB" }
        assert.is_nil(verdict)
        assert.equal("nothing", info.outcome)
        assert.equal("short", test:place({ tag = "pooled" }).pool)
        assert.is_nil((test:place { kind = "texture", size = 1 << 25, size_min = 1 }))
        assert.is_not_nil((test:place { kind = "texture", size_min = "24MiB" }))
    end)

    it("says what makes a verdict one for this request only", function()
        assert(test:facts { limit = 100 })
        local _, info = test:place { tag = "full", size = 1 }
        assert.equal("string", type(info.uncached))
        -- Of what other hooks read nothing follows: their answers are for one question anyway.
        local other <close> = assert(fh.policy_test {
            text = "return { frame = function(self, stats, facts) return facts.frame and {} end }",
        })
        _, info = other:frame()
        assert.equal("decided", info.outcome)
        assert.is_nil(info.uncached)
    end)

    it("asks about facts that the test makes up", function()
        assert(test:facts { used = 60, limit = 100 })
        assert.is_true(test:place({ tag = "full" }).deny)
        assert(test:facts { used = 40 })
        assert.is_falsy(test:place({ tag = "full" }).deny)
        assert(test:facts { heaps = { { size = 1000, used = 10 } } })
        assert.equal(500, test:limits().heap[1])
        local other <close> = test_of([[
            return { retain = function(self, block, facts)
                local heap = facts.heaps[1]
                log("%d %d %d %d", facts.frame, facts.used, heap.headroom or -1, heap.unaccounted)
                return 1
            end }]], {
            profile = "uma-16g",
            facts = { frame = 7, heaps = { { size = 9, used = 2, limit = 5, os_usage = 6 } } },
        })
        assert.same({ "7 2 3 4" }, select(2, other:retain()).log)
    end)

    it("asks the other hooks", function()
        local actions = test:relieve { size = 100 }
        assert.equal(3, #actions)
        assert.equal("evict", actions[2].action)
        assert.equal(100, actions[2].bytes)
        assert.equal("deny", test:relieve({ attempt = 2 })[1].action)
        assert.equal(64 * fh.MiB, test:limits().total)
        assert.equal(fh.MiB, test:limits().tags.terrain)
        assert.same({ 0.5 }, test:limits().watermarks)
        local decision = test:pressure { up = true, used = 120, limit = 100, fraction = 0.9 }
        assert.is_true(decision.trim)
        assert.equal(20, decision.evict_bytes)
        assert.is_nil((test:pressure { up = false }))
        assert.equal(12, test:retain().ticks)
        assert.equal(0, test:retain({ over = true }).ticks)
        for _, hook in ipairs { "recycle", "alias", "defrag" } do
            local nothing, info = test[hook](test)
            assert.is_nil(nothing)
            assert.equal("nothing", info.outcome)
        end
    end)

    it("keeps what frame writes", function()
        assert.is_falsy(test:frame({ refused_count = 2 }).limits)
        local decision, info = test:frame { refused_count = 1 }
        assert.is_true(decision.limits)
        assert.same({ "seen 3" }, info.log)
        assert.same({ seen = 3 }, test:state())
        assert(test:set_state { seen = 40, deep = { 1, { 2.5, x = "y" } }, [-3] = true })
        assert.same({ seen = 40, deep = { 1, { 2.5, x = "y" } }, [-3] = true }, test:state())
        assert.equal("float", math.type(test:state().deep[2][1]))
        assert(test:set_state(nil))
        assert.same({}, test:state())
    end)

    it("migrates", function()
        local state, info = test:migrate({ seen = 4 }, 3)
        assert.same({ seen = 40, from = 3 }, state)
        assert.equal("table", type(info))
        assert.same(state, test:state())
        fails("script", { "tested:" }, test:migrate({}, 1))
        assert.same(state, test:state())
    end)

    it("puts candidates in order", function()
        local candidates = {
            { size = 10, age = 5 }, { size = "20B", age = 1 }, { size = 10, age = 2 },
            { size = 30, tag = "a", kind = "texture", priority = 1, made = 3 },
        }
        assert.same({ 4, 2, 3, 1 }, (test:evict { candidates = candidates, wanted = 100 }))
        local keyed <close> = test_of [[
            return { evict = function(self, one, facts)
                return one.kind ~= "texture" and one.age or nil
            end }]]
        local order, info = keyed:evict { candidates = candidates }
        assert.same({ 2, 3, 1 }, order)
        assert.equal("decided", info.outcome)
        local none <close> = test_of "return {}"
        order, info = none:evict { candidates = candidates }
        assert.is_nil(order)
        assert.equal("nothing", info.outcome)
        assert.same({}, (test:evict { candidates = {} }))
    end)

    it("sets options, by hand and from the start", function()
        assert(test:set("limit", "2MiB"))
        assert.equal(2 * fh.MiB, test:limits().total)
        assert(test:set("limit", 3 << 20))
        assert.equal(3 * fh.MiB, test:limits().total)
        assert(test:set("limit", nil))
        assert.equal(64 * fh.MiB, test:limits().total)
        assert(test:set("share", 0.1))
        assert.same({ 0.1 }, test:limits().watermarks)
        fails("invalid", { "share" }, test:set("share", 2))
        fails("invalid", { "limit" }, test:set("limt", 2))
        raises(function() test:set("limit", {}) end, "value: number, boolean or string expected")
        raises(function() test:set("limit") end, "nil for the default")
        assert(test:set("mode", "wild") and test:set("loud", true) and test:set("count", 4))
        local options = {}
        for _, option in ipairs(test:options()) do
            options[option.name] = option
        end
        assert.same({
            script = 1, name = "limit", type = "bytes", value = 64 * fh.MiB,
            initial = 64 * fh.MiB, min = fh.MiB, doc = "the most", by_hand = false,
        }, options.limit)
        assert.equal(true, options.loud.value)
        assert.equal(false, options.loud.initial)
        assert.equal("wild", options.mode.value)
        assert.same({ "calm", "wild" }, options.mode.choices)
        assert.equal(4, options.count.value)
        assert.equal("integer", math.type(options.count.value))
        assert.equal(0.1, options.share.value)
        assert.equal("x", options.label.value)
        local other <close> = test_of(bands, { options = { limit = "5MiB", share = 1 } })
        assert.equal(5 * fh.MiB, other:limits().total)
        fails("invalid", { "share" }, fh.policy_test({ text = bands }, { options = { share = 7 } }))
        fails("invalid", { "shore" }, fh.policy_test({ text = bands }, { options = { shore = 0 } }))
    end)

    it("reads files, and what they extend", function()
        local folder = support.folder()
        support.write(folder .. "/base.lua", "return { retain = function() return 7 end }")
        support.write(folder .. "/mine.lua", 'return extend("base", { name = "mine" })')
        local mine <close> = assert(fh.policy_test(folder .. "/mine.lua"))
        assert.equal("mine", mine:name())
        assert.equal(7, mine:retain().ticks)
        fails("io", { "gone.lua" }, fh.policy_test(folder .. "/gone.lua"))
        support.write(folder .. "/bad.lua", "return {\n    plaec = function() end,\n}")
        fails("script", { "bad.lua:2", "place" }, fh.policy_test(folder .. "/bad.lua"))
        support.remove(folder)
    end)

    it("fails with the line", function()
        local broken <close> = test_of [[
            return {
                place = function(self, request)
                    return { memory = "moon" }
                end,
                retain = function() error("no") end,
                frame = function(self) self.state.x = 1; error("again") end,
                limits = function() while true do end end,
            }]]
        fails("script", { "memory" }, broken:place { size = 1 })
        fails("script", { "tested:5", "no" }, broken:retain())
        fails("script", { "again" }, broken:frame())
        assert.same({}, broken:state())
        fails("script", { "tested:7" }, broken:limits())
    end)

    it("has a name, notes, hooks and memory", function()
        assert.equal("bands", test:name())
        assert.equal("freehold.policy_test (bands)", tostring(test))
        assert.equal("table", type(test:notes()))
        assert.is_true(test:hooks().place)
        assert.is_nil(test:hooks().recycle)
        assert(test:memory() > 1000)
        local noted <close> = test_of "return { recycle = function() end }"
        assert(#noted:notes() > 0)
    end)

    it("is closed once", function()
        assert.is_true(test:close())
        assert.is_false(test:close())
        assert.equal("freehold.policy_test (closed)", tostring(test))
        for _, method in ipairs {
            "place", "relieve", "limits", "frame", "state", "options", "name", "hooks", "notes",
            "memory", "migrate",
        } do
            fails("stale", { "closed" }, test[method](test))
        end
        fails("stale", {}, test:evict { candidates = {} })
        fails("stale", {}, test:facts {})
        fails("stale", {}, test:set("limit", 1))
        fails("stale", {}, test:set_state {})
    end)

    it("raises for what is spelt wrong", function()
        raises(function() fh.policy_test(1) end, "script: path or table expected, got number")
        raises(function() fh.policy_test {} end, "field 'text': is missing")
        raises(function() fh.policy_test { txt = "" } end, "did you mean 'text'?")
        raises(function() fh.policy_test({ text = "return {}" }, { fact = {} }) end,
            "did you mean 'facts'?")
        raises(function() fh.policy_test({ text = "return {}" }, { options = 1 }) end,
            "field 'options': table expected")
        raises(function() fh.policy_test({ text = "return {}" }, { options = { {} } }) end,
            "an option: name expected")
        raises(function() fh.policy_test({ text = "return {}" }, { state = { print } }) end,
            "a function cannot be kept")
        raises(function() test:place { sise = 1 } end, "size")
        raises(function() test:place { kind = "textur" } end, "texture")
        raises(function() test:place(1) end, "table expected")
        raises(function() test:limits { used = 1 } end, "see facts()")
        raises(function() test:facts { heap = {} } end, "heaps")
        raises(function() test:evict {} end, "field 'candidates': table expected")
        raises(function() test:evict { candidates = { { sise = 1 } } } end, "did you mean 'size'?")
        raises(function() test:evict { candidates = { { size = -1 } } } end, "negative")
        raises(function() test:set_state { [1.5] = 1 } end, "keys are strings or integers")
        local deep = {}
        deep.deep = deep
        raises(function() test:set_state(deep) end, "deeper than")
        raises(function() test:set_state { ("x"):rep(70000) } end, "bytes")
    end)
end)
