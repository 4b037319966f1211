-- Policies of scripts, on a device.

local fh = require "freehold"
local support = require "tests.spec.support"

local raises, fails, collect = support.raises, support.fails, support.collect

local function limit_of(device)
    return device:account("total").limit
end

-- A script with a limit.
local function limiting(limit, more)
    return ("return { limits = function() return { total = %d } end, %s }"):format(limit,
        more or "")
end

describe("device:set_policy", function()
    local device, folder, lines

    before_each(function()
        lines = {}
        device = support.small_device {
            log = function(level, message) lines[#lines + 1] = level .. ": " .. message end,
        }
        folder = support.folder()
    end)

    after_each(function()
        device:close()
        support.remove(folder)
    end)

    local function logged()
        return table.concat(lines, "\n")
    end

    it("takes a text, and goes back to the native rules", function()
        assert.is_nil(device:policy())
        assert.equal("native", device:policy_name())
        local policy = assert(device:set_policy { text = limiting(1000, 'name = "small"') })
        assert.equal("small", device:policy_name())
        assert.is_true(rawequal(policy, device:policy()))
        assert.is_true(policy:in_charge())
        assert.equal("freehold.policy (in charge)", tostring(policy))
        assert.equal(1000, limit_of(device))
        fails("budget", {}, device:raw { size = 2000 })
        assert.is_true(device:set_policy(nil))
        assert.is_nil(limit_of(device))
        assert.is_nil(device:policy())
        assert.equal("native", device:policy_name())
        assert.is_false(policy:in_charge())
        assert.equal("freehold.policy (replaced)", tostring(policy))
    end)

    it("takes a path", function()
        local path = folder .. "/budget.lua"
        support.write(path, [[
            return {
                options = { limit = { type = "bytes", default = "4MiB", doc = "all" } },
                limits = function(self) return { total = self.options.limit } end,
            }]])
        local policy = assert(device:set_policy(path, { options = { limit = "2MiB" } }))
        assert.equal(2 * fh.MiB, limit_of(device))
        assert(policy:set("limit", 3 * fh.MiB))
        device:tick()
        assert.equal(3 * fh.MiB, limit_of(device))
        assert(policy:set("limit", nil))
        device:tick()
        assert.equal(4 * fh.MiB, limit_of(device))
        local option = policy:options()[1]
        assert.same({
            script = 1, name = "limit", type = "bytes", by_hand = false, doc = "all",
            value = 4 * fh.MiB, initial = 4 * fh.MiB,
        }, option)
        local status = policy:status()
        assert.equal(path, status.scripts[1].path)
        assert.equal("budget", status.scripts[1].name)
    end)

    it("takes a list: the strictest limit holds", function()
        local path = folder .. "/one.lua"
        support.write(path, limiting(5000))
        local policy = assert(device:set_policy {
            path, { text = limiting(4000), name = "two" }, { text = limiting(6000) },
        })
        assert.equal(4000, limit_of(device))
        local status = policy:status()
        assert.equal(3, #status.scripts)
        assert.is_nil(status.scripts[2].path)
        fails("invalid", { "script", "3 in all" }, policy:state(4))
        fails("invalid", { "script", "3 in all" }, policy:state(0))
        assert.same({}, policy:state(3))
    end)

    it("takes a verdict of nothing but keep for no opinion, which is remembered", function()
        assert(device:set_policy {
            { text = [[return { place = function(_, _, facts)
                return facts.used >= 0 and { keep = "reload" }
            end }]] },
            { text = "return { place = function() return { deny = true } end }" },
        })
        for _ = 1, 3 do
            fails("budget", { "denies" }, device:raw { size = 2000 })
        end
        assert.equal(1, device:stats().place_count)
    end)

    it("names the end of a long path, and extends what lies there", function()
        local deep = folder .. ("/" .. ("d"):rep(60)):rep(5)
        assert(os.execute("mkdir -p " .. support.quote(deep)))
        support.write(deep .. "/wrong.lua", "return {\n    limits = 3\n}")
        support.write(deep .. "/first.lua", 'return extend("base", {})')
        fails("io", { "/gone.lua: there is no such file" }, device:set_policy(deep .. "/gone.lua"))
        fails("script", { "/wrong.lua:2: limits" }, device:set_policy(deep .. "/wrong.lua"))
        fails("script", { "/wrong.lua:2: limits" }, fh.policy_test(deep .. "/wrong.lua"))
        -- What is extended may have a path of 255 bytes, and is looked for nowhere else.
        fails("script", { "/first.lua:1: extend: the path of \"base\"" },
            device:set_policy(deep .. "/first.lua"))
        fails("script", { "/first.lua:1: extend: the path of \"base\"" },
            fh.policy_test(deep .. "/first.lua"))
        -- Short enough for that, and too long for a sentence.
        local middle = folder .. "/" .. ("d"):rep(60) .. "/" .. ("d"):rep(60) .. "/e"
        middle = middle .. ("e"):rep(235 - #middle)
        assert(os.execute("mkdir -p " .. support.quote(middle)))
        support.write(middle .. "/base.lua", limiting(4000))
        support.write(middle .. "/first.lua", 'return extend("base", {})')
        assert(device:set_policy(middle .. "/first.lua"))
        assert.equal(4000, limit_of(device))
        assert.equal(4000, assert(fh.policy_test(middle .. "/first.lua")):limits().total)
    end)

    it("keeps the limits that a new policy was tried with, when it fails at once", function()
        assert(device:set_policy { text = limiting(5000) })
        local policy = assert(device:set_policy { text = [[
            local count = 0
            return { limits = function()
                count = count + 1
                return { total = count == 1 and 4000 or error("only once"), tags = { ui = 300 } }
            end }]] })
        assert.matches("only once", policy:status().scripts[1].error)
        assert.equal(4000, limit_of(device))
        device:tick()
        assert.equal(4000, limit_of(device))
        assert.equal(300, device:account({ scope = "tag", index = "ui" }).limit)
    end)

    it("refuses what is no policy, and keeps the one before", function()
        local first = assert(device:set_policy { text = limiting(1000) })
        fails("io", { "gone.lua" }, device:set_policy(folder .. "/gone.lua"))
        fails("io", {}, device:set_policy(folder))
        fails("script", { "policy:1" }, device:set_policy { text = "return {" })
        fails("script", { "mine:1", "limits" }, device:set_policy {
            text = "return { limit = 1 }", name = "mine",
        })
        fails("script", {}, device:set_policy { text = "return 1" })
        fails("script", { "oops" }, device:set_policy {
            text = 'return { limits = function() error "oops" end }',
        })
        fails("script", { "mine:1" }, device:set_policy {
            { text = limiting(1) }, { text = "return {", name = "mine" },
        })
        fails("invalid", { "limt" }, device:set_policy({ text = limiting(1) },
            { options = { limt = 1 } }))
        local many = {}
        for i = 1, 9 do
            many[i] = { text = "return {}" }
        end
        fails("invalid", { "9 scripts are more than 8" }, device:set_policy(many))
        fails("invalid", {}, device:set_policy({ text = "return {}" }, { watch = true }))
        assert.is_true(rawequal(first, device:policy()))
        assert.is_true(first:in_charge())
        assert.equal(1000, limit_of(device))
    end)

    it("raises for what is spelt wrong", function()
        raises(function() device:set_policy() end, "a path or a table expected, or nil")
        raises(function() device:set_policy(1) end, "policy: path or table expected, got number")
        raises(function() device:set_policy("a\0b") end, "without zeros")
        raises(function() device:set_policy {} end, "neither scripts nor hooks")
        raises(function() device:set_policy { "a", { txt = "" } } end, "stands alone")
        raises(function() device:set_policy { "a", 1 } end, "script 2: path or table expected")
        raises(function() device:set_policy { "a", nil, "b" } end, "hole")
        raises(function() device:set_policy { "a", [3] = "b", watch = true } end, "list of scripts")
        raises(function() device:set_policy { text = 1 } end, "field 'text': string expected")
        raises(function() device:set_policy { text = "", nam = "" } end, "did you mean 'name'?")
        raises(function() device:set_policy("a", { wach = true }) end, "did you mean 'watch'?")
        raises(function() device:set_policy("a", { watch = 1 }) end, "field 'watch': boolean")
        raises(function() device:set_policy("a", { options = 1 }) end, "field 'options': table")
        raises(function() device:set_policy("a", { options = { x = {} } }) end,
            "option 'x': number, boolean or string expected, got table")
        raises(function() device:set_policy({ place = print }, {}) end, "has none")
    end)

    it("is live: reload, rollback, state", function()
        local path = folder .. "/live.lua"
        local function save(text)
            support.write(path, text)
        end
        save(limiting(1000, [[
            frame = function(self) self.state.ticks = (self.state.ticks or 0) + 1 end,
        ]]))
        local policy = assert(device:set_policy(path))
        fails("invalid", {}, policy:rollback())
        device:tick()
        device:tick()
        assert.same({ ticks = 2 }, policy:state())
        save(limiting(2000, [[
            migrate = function(self, old, version)
                return { ticks = old.ticks * 100, from = version, list = { 1, 2.5, "x", true } }
            end,
        ]]))
        assert(policy:reload())
        assert.is_true(policy:status().scripts[1].pending)
        assert.equal(1000, limit_of(device))
        device:tick()
        assert.equal(2000, limit_of(device))
        local status = policy:status().scripts[1]
        assert.equal("reloaded", status.state)
        assert.equal(2, status.version)
        assert.equal(2, status.accepted)
        assert.equal(0, status.rejected)
        assert.is_false(status.pending)
        assert.same({ ticks = 200, from = 1, list = { 1, 2.5, "x", true } }, policy:state())
        save "return { limits = 1 }"
        fails("script", { "live.lua:1", "limits" }, policy:reload())
        status = policy:status().scripts[1]
        assert.equal("rejected", status.state)
        assert(status.error:find("live.lua:1", 1, true), status.error)
        device:tick()
        assert.equal(2000, limit_of(device))
        assert(policy:rollback())
        device:tick()
        assert.equal(1000, limit_of(device))
        assert.equal(3, policy:state().ticks)
        assert(policy:rollback())
        device:tick()
        assert.equal(2000, limit_of(device))
    end)

    -- Ticks for a while, until `done`.
    local function tick_until(done)
        local give_up = fh.now_ns() + 10e9
        while not done() do
            assert(device:tick())
            assert(fh.now_ns() < give_up, "it did not happen\n" .. logged())
        end
    end

    it("watches the file", function()
        local path = folder .. "/watched.lua"
        support.write(path, limiting(1000))
        local policy = assert(device:set_policy(path, { watch = true }))
        assert.is_true(policy:status().watching)
        support.write(path, limiting(2000))
        tick_until(function() return limit_of(device) == 2000 end)
        support.write(path, "return { limits = ")
        tick_until(function() return policy:status().scripts[1].rejected > 0 end)
        assert.equal(2000, limit_of(device))
        -- From another thread; the next call brings it.
        tick_until(function() return logged():find("watched.lua:1", 1, true) end)
        assert(policy:watch(false))
        assert.is_false(policy:status().watching)
        assert(policy:watch(true))
        support.write(path, limiting(3000))
        tick_until(function() return limit_of(device) == 3000 end)
    end)

    it("logs what the script logs", function()
        assert(device:set_policy { text = [[
            return { frame = function() log("hello %d", 7) end }]], name = "talking" })
        device:tick()
        assert(logged():find("hello 7", 1, true), logged())
    end)

    it("tells its decisions", function()
        local policy = assert(device:set_policy { text = [[
            return {
                place = function(self, request)
                    if request.kind == "texture" then
                        return { memory = "device", priority = 0.75 }
                    end
                end,
                relieve = function(self, request) return { "trim", "deny" } end,
                limits = function() return { total = 4 << 20, heap = { 3 << 20 } } end,
                frame = function(self, stats) return { evict_cap = 4096 } end,
                retain = function() return 3 end,
                evict = { "-size" },
            }]] })
        local function last(hook)
            local found
            for _, decision in ipairs(policy:decisions()) do
                found = decision.hook == hook and decision or found
            end
            return found
        end
        local limits = last "limits"
        assert.same({ total = 4 << 20, heap = { 3 << 20 }, kinds = {}, tag_count = 0 },
            limits.answer)
        assert.equal("decided", limits.outcome)
        assert.equal(8, limits.line)
        assert.equal(1, limits.script)
        assert.equal(1, limits.version)
        local texture <close> = assert(device:texture {
            width = 64, height = 32, format = "rgba8_unorm", tag = "sky", usage = "sampled",
        })
        local place = last "place"
        assert.equal("texture", place.input.kind)
        assert.equal("sky", place.input.tag)
        assert.is_true(place.input.usage.sampled)
        assert.equal(64, place.input.width)
        assert.equal("rgba8_unorm", place.input.format)
        assert.same({ "device" }, place.answer.memory)
        assert.equal(0.75, place.answer.priority)
        fails("budget", {}, device:raw { size = "8MiB" })
        place = last "place"
        assert.equal("nothing", place.outcome)
        assert.is_nil(place.answer)
        assert.is_nil(place.input.format)
        local relieve = last "relieve"
        assert.equal(1, relieve.attempt)
        assert.equal("budget", relieve.input.reason)
        assert.equal("total", relieve.input.account)
        assert.equal("trim", relieve.answer[1].action)
        assert.equal("deny", relieve.answer[2].action)
        device:tick()
        assert.equal(4096, last("frame").answer.evict_cap)
        assert.equal("integer", math.type(last("frame").input.refused_count))
        local all = policy:decisions()
        for i, decision in ipairs(all) do
            assert.equal(all[1].sequence + i - 1, decision.sequence)
        end
        local some = policy:decisions { after = all[2].sequence, count = 2 }
        assert.equal(2, #some)
        assert.equal(all[3].sequence, some[1].sequence)
        assert.same({}, policy:decisions { count = 0 })
        raises(function() policy:decisions { afer = 1 } end, "did you mean 'after'?")
        fails("invalid", { "after" }, policy:decisions { after = -1 })
        assert.is_true(texture:live())
    end)

    it("counts, and quarantines", function()
        local policy = assert(device:set_policy { text = [[
            return {
                frame = function(self, stats)
                    if stats.refused_count > 0 then error("refused") end
                end,
                limits = function() return { total = 1000 } end,
            }]] })
        for _ = 1, 5 do
            assert.is_nil((device:raw { size = 5000 }))
            device:tick()
        end
        local status = policy:status()
        local script = status.scripts[1]
        assert.equal("quarantined", script.state)
        assert.is_true(script.hooks.frame.quarantined)
        assert.is_true(script.hooks.frame.present)
        assert(script.hooks.frame.failed >= 3)
        assert.is_false(script.hooks.place.present)
        assert(status.decision_count >= script.hooks.frame.calls)
        assert(script.error:find("refused", 1, true))
        assert.equal(1000, limit_of(device))
        assert(logged():find("refused", 1, true))
    end)

    it("gives its object back, and the policy stays", function()
        do
            local policy <close> = assert(device:set_policy { text = limiting(1000) })
            assert.is_true(policy:in_charge())
        end
        collect()
        assert.equal(1000, limit_of(device))
        local again = device:policy()
        assert.is_true(again:in_charge())
        assert.is_true(rawequal(again, device:policy()))
        assert.equal(1, again:status().scripts[1].version)
        assert.is_true(again:release())
        assert.is_false(again:release())
        assert.equal("freehold.policy (released)", tostring(again))
        for _, method in ipairs {
            "reload", "rollback", "options", "status", "state", "decisions",
        } do
            fails("stale", { "released" }, again[method](again))
        end
        fails("stale", {}, again:set("x", 1))
        fails("stale", {}, again:watch(true))
        assert.is_false(again:in_charge())
        again = device:policy()
        assert.is_true(again:in_charge())
        device:set_policy(nil)
        assert.is_true(again:close())
        assert.is_nil(device:policy())
        for _ = 1, 5 do
            assert(device:set_policy { text = limiting(1000) })
        end
        collect()
        assert.equal(1000, limit_of(device))
    end)

    it("is one of the policies that there can be", function()
        local budget = assert(device:budget_policy { limit = 5000 })
        assert.is_true(rawequal(budget, device:policy()))
        assert.is_true(budget:in_charge())
        local script = assert(device:set_policy { text = limiting(1000) })
        assert.is_false(budget:in_charge())
        assert.is_true(rawequal(script, device:policy()))
        local trusted = assert(device:set_policy { limits = function() return { total = 7 } end })
        assert.is_true(rawequal(trusted, device:policy()))
        assert.is_false(script:in_charge())
        assert.equal(7, limit_of(device))
        budget = assert(device:budget_policy { limit = 5000 })
        assert.is_false(trusted:in_charge())
        assert.is_true(rawequal(budget, device:policy()))
        assert.is_true(budget:remove())
        assert.is_nil(device:policy())
    end)

    it("ends with its device", function()
        local path = folder .. "/watched.lua"
        support.write(path, limiting(1000))
        local one = assert(device:set_policy(path, { watch = true }))
        local two = assert(device:set_policy(path, { watch = true }))
        assert.is_true(two:status().watching)
        device:close()
        fails("stale", { "device is closed" }, one:status())
        fails("stale", {}, two:reload())
        assert.equal("freehold.policy (released)", tostring(two))
        fails("stale", { "device: is closed" }, device:set_policy { text = limiting(1) })
        fails("stale", { "device: is closed" }, device:set_policy { place = print })
        fails("stale", { "device: is closed" }, device:set_policy(nil))
        fails("stale", { "device: is closed" }, device:policy())
        fails("stale", { "device: is closed" }, device:policy_name())
    end)

    it("is collected with a device that is lost", function()
        local weak = setmetatable({}, { __mode = "k" })
        for i = 1, 3 do
            local lost = support.small_device()
            local policy = assert(lost:set_policy(i == 3 and { frame = function() lost:stats() end }
                or { text = limiting(1000) }))
            weak[lost], weak[policy] = true, true
        end
        collect()
        collect()
        assert.is_nil(next(weak))
    end)

    it("may be set by observers, and by the log", function()
        local inner
        local watch <close> = assert(device:observe("policy_set", function(event)
            if event.name == "outer" then
                inner = assert(device:set_policy { text = limiting(7), name = "inner" })
            end
        end))
        local outer = assert(device:set_policy { text = limiting(8, 'name = "outer"') })
        assert.is_false(outer:in_charge())
        assert.is_true(inner:in_charge())
        assert.is_true(rawequal(inner, device:policy()))
        assert(watch:close())
    end)
end)
