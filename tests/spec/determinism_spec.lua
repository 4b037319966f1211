-- The same inputs and the same policy give the same decisions, on every run: with other hash seeds
-- and addresses (each run is a process of its own), another locale, and a machine that is busy.

local support = require "tests.spec.support"

local quote = support.quote

-- Everything whose outcome differs between runs of stock Lua: the order of pairs, comparisons by
-- the locale, the decimal point, random numbers, addresses in texts, unstable sorting.
local POLICY = [[
local function digest(self, what)
    local seen = {}
    for key, value in pairs(what) do
        seen[#seen + 1] = tostring(key) .. "=" .. tostring(value)
    end
    return table.concat(seen, ",")
end

return {
    name = "everything",
    options = { share = { type = "number", default = 0.5, min = 0, max = 1 } },
    place = function(self, request, facts)
        local words = { "zebra", "Äpfel", "apple", "Zoo", "öl", "a-b", "ab", "a b" }
        table.sort(words)
        local bag = { [1.5] = "x", [3] = "y", zebra = 1, apple = 2, [true] = 3, Zoo = 4 }
        log("%s | %s | %s | %s", table.concat(words, " "), digest(self, bag),
            tostring(digest) .. tostring(1 / 3) .. " " .. 2.5 .. " " .. tonumber("1.5"),
            digest(self, request.usage))
        local less = ("a-b" < "ab") and ("Z" < "a") and not ("ä" < "z")
        return {
            keep = "never",
            priority = math.random() * self.options.share + (less and 0.25 or 0),
            strategy = math.random(2) == 1 and "min_time" or "min_memory",
        }
    end,
    frame = function(self, stats, facts)
        local state = self.state
        state.smooth = freehold.policy.ema(state.smooth, facts.used, 0.3)
        state.log = (state.log or "") .. ("%.3f;"):format(state.smooth)
        state[("key %d"):format(facts.frame)] = { used = facts.used, odd = facts.frame % 2 == 1 }
        return { evict_cap = math.floor(state.smooth) }
    end,
    evict = function(self, candidate)
        return candidate.age * math.random() - candidate.size
    end,
}
]]

local DRIVER = [[
local policy_file, locale = ...
if locale ~= "" then
    assert(os.setlocale(locale), "the locale is not there")
    assert(os.setlocale(nil, "collate") == locale)
end
local fh = require "freehold"
local test = assert(fh.policy_test(policy_file))

local function show(value)
    if type(value) ~= "table" then
        return math.type(value) == "float" and ("%a"):format(value) or tostring(value)
    end
    local keys, parts = {}, {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for i, key in ipairs(keys) do
        parts[i] = tostring(key) .. "=" .. show(value[key])
    end
    return "{" .. table.concat(parts, " ") .. "}"
end

os.setlocale("C", "collate")
for n = 1, 40 do
    if locale ~= "" then
        os.setlocale(locale)
    end
    test:facts { frame = n, used = n * 12345, now_ns = n * 1000000 }
    local verdict, info = test:place { kind = "buffer", size = n * 1000, usage = "storage|index" }
    local frame = test:frame { tick_ns = 16000000 }
    local order = test:evict { candidates = {
        { age = n, size = 100 }, { age = 2 * n, size = 90 }, { age = 3, size = 80 } } }
    os.setlocale("C")
    print(n, show(verdict), info.charge, info.line, show(frame), show(order))
end
print(show(test:state()))
]]

describe("a policy's decisions", function()
    local folder

    setup(function()
        folder = support.folder()
        support.write(folder .. "/policy.lua", POLICY)
        support.write(folder .. "/driver.lua", DRIVER)
    end)

    teardown(function()
        support.remove(folder)
    end)

    local function decide(locale, before)
        local said, complaints, code = support.run(
            ("%s %s lua5.4 %s/driver.lua %s/policy.lua %s"):format(before or "",
                support.environment(), folder, folder, quote(locale)))
        assert.equal(0, code, complaints)
        assert.is_true(#said > 4000)
        return said
    end

    it("are the same in each process", function()
        local first = decide("")
        for _ = 1, 4 do
            assert.equal(first, decide(""))
        end
    end)

    it("are the same in another locale", function()
        -- glibc makes one from its sources; where these are missing, another may be installed.
        local made = folder .. "/locale"
        local _, _, code = support.run(
            ("mkdir -p %s && localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8"):format(made, made))
        if code > 1 then -- 1: with warnings
            pending("there is no locale to try (the package locales has their sources)")
            return
        end
        assert.equal(decide(""), decide("de_DE.UTF-8", "LOCPATH=" .. quote(made)))
    end)

    it("are the same on a busy machine", function()
        local quiet = decide("")
        local busy = decide("", "for i in 1 2 3 4; do timeout 3 sh -c 'while :; do :; done' & done;"
            .. " nice -n 10 env")
        assert.equal(quiet, busy)
    end)
end)
