-- The words that exports say for numbers are those of the headers.

local support = require "tests.spec.support"
local words = require "freehold.formats.words"

local function header(name)
    return support.read(("%s/include/freehold/%s.h"):format(support.root, name))
end

-- The body of a macro.
local function macro(file, name)
    local body = header(file):match("#define " .. name .. "%(%w+%)(.-[^\\])\n")
    return assert(body, "no macro " .. name)
end

-- Words by number, of a macro of X(NAME, number, "word") or X(NAME, "word").
local function words_in(file, name)
    local list, count = {}, 0
    for number, word in macro(file, name):gmatch("X%([%u%d_]+,%s*(%-?%d*),?%s*\"([%w_]+)\"") do
        list[math.tointeger(tonumber(number)) or count] = word
        count = count + 1
    end
    assert(count > 1, name)
    return list
end

-- The constants of an enum without numbers, in small letters and without what they all begin with.
local function enum(file, prefix)
    local list, count = {}, 0
    for name in header(file):gmatch("\n    " .. prefix .. "([%u%d_]+)[ ,\n]") do
        if name ~= "COUNT" then
            list[count] = name:lower()
            count = count + 1
        end
    end
    return list
end

local function shifted(list, by)
    local moved = {}
    for number, word in pairs(list) do
        moved[number + by] = word
    end
    return moved
end

-- What flags are called, by bit, of a macro with values.
local function bits_in(file, name)
    local list = {}
    for value, word in pairs(words_in(file, name)) do
        local bit = 0
        while 1 << bit < value do
            bit = bit + 1
        end
        list[bit] = word
    end
    return list
end

describe("the words of exports", function()
    it("are those of the headers", function()
        assert.same(words_in("resource", "FH_KINDS"), words.kind)
        assert.same(words_in("resource", "FH_USAGES"), words.usage)
        assert.same(words_in("memory", "FH_MEMORY_FLAGS"), words.memory_flags)
        assert.same(bits_in("trace_event", "FH_TRACE_MEMORY_FLAGS"), words.traced_memory_flags)
        assert.same(words_in("script", "FH_HOOKS"), words.hook)
        assert.same(words_in("trace_event", "FH_TRACE_TOPICS"), words.topic)
        assert.same(words_in("trace_event", "FH_TRACE_APIS"), words.api)
        assert.same(words_in("trace_event", "FH_TRACE_NOUNS"), words.noun)
    end)

    it("are those of the enums", function()
        assert.same(enum("backend", "FH_ADAPTER_"), words.adapter_kind)
        assert.same(enum("script", "FH_OUTCOME_"), words.outcome)
        assert.same(enum("account", "FH_ACCOUNT_"), words.account)
        assert.same(enum("resource", "FH_TEXTURE_"), words.texture_kind)
        local locations = shifted(enum("memory", "FH_LOCATION_"), 1)
        locations[0] = "unknown"
        assert.same(locations, words.location)
    end)

    it("are those of results and flags", function()
        local results = {}
        for name, number in macro("result", "FH_RESULTS"):gmatch("X%(([%u_]+), (%-?%d+),") do
            results[-tonumber(number)] = name:gsub("^ERR_", ""):lower()
        end
        assert.same(results, words.result)
        assert.same(bits_in("trace_event", "FH_TRACE_RESOURCE_FLAGS"), words.resource_flags)
        assert.same({ "linear", "evictable" }, words.bits(words.resource_flags, 1 | 128))
    end)
end)
