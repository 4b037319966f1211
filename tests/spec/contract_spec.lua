-- The one description of the policy contract (src/sandbox/contract.lua), the C headers, and what
-- tools/gen_policy_contract makes of it. What the sandbox has, and what the C tables say, is held
-- against it by tests/unit/test_contract.c.

local support = require "tests.spec.support"

local contract = dofile(support.root .. "/src/sandbox/contract.lua")

local headers = {}
for _, name in ipairs { "policy", "script", "account", "resource" } do
    local text = support.read(("%s/include/freehold/%s.h"):format(support.root, name))
    headers[name] = text:gsub("/%*.-%*/", "")
end

local function sorted(list)
    table.sort(list)
    return list
end

-- The names of a struct's fields, sorted.
local function fields_of(struct)
    for _, text in pairs(headers) do
        local body = text:match("typedef struct " .. struct .. " (%b{})")
        if body then
            local list = {}
            -- What is inside of a struct inside is not this one's.
            body = body:sub(2, -2):gsub("%b{}", " ")
            for declaration in body:gsub("%b[]", ""):gmatch("[^;,]+") do
                list[#list + 1] = declaration:match("([%a_][%w_]*)%s*$")
            end
            return sorted(list)
        end
    end
    error("no struct " .. struct)
end

-- The words of an X-macro, in its order.
local function words_of(header, macro)
    local text = support.read(("%s/include/freehold/%s.h"):format(support.root, header))
    local list = {}
    for word in text:match("#define " .. macro .. "%(X%)(.-)\n\n"):gmatch('X%([^"]-"([%w_]+)"%)') do
        list[#list + 1] = word
    end
    return list
end

local function words_named(name)
    for _, words in ipairs(contract.words) do
        if words.name == name then
            return words.list
        end
    end
end

local function shapes()
    local list = {}
    for _, kind in ipairs { "facts", "decisions" } do
        for _, shape in ipairs(contract[kind]) do
            list[#list + 1] = shape
        end
    end
    return list
end

describe("the policy contract", function()
    -- In C only: how many there are of something, and what was given.
    local left_out = {
        fh_candidates = { "parcels" },
        fh_verdict = { "memory_count" },
        fh_limits = { "tag_count", "watermark_count" },
    }

    it("describes every field of the structs", function()
        local described = {}
        for _, shape in ipairs(shapes()) do
            local seen = described[shape.struct] or {}
            described[shape.struct] = seen
            for _, member in ipairs(shape.members) do
                seen[member.c or member.name] = true
                for _, also in ipairs { "count", "text", "given" } do
                    if member[also] and not member.column then
                        seen[member[also]] = true
                    end
                end
            end
        end
        for struct, seen in pairs(described) do
            for _, field in ipairs(left_out[struct] or {}) do
                assert.is_nil(seen[field], struct .. "." .. field)
                seen[field] = true
            end
            local list = {}
            for field in pairs(seen) do
                list[#list + 1] = field
            end
            assert.same(fields_of(struct), sorted(list), struct)
        end
        -- That there are structs for all of it.
        for struct in headers.policy:gmatch("typedef struct (fh_[%w_]+)") do
            if struct:find("_facts$") or struct:find("_decision$") then
                assert.not_nil(described[struct], struct)
            end
        end
    end)

    it("has the words of the headers", function()
        assert.same(words_of("resource", "FH_KINDS"), words_named("kind"))
        assert.same(words_of("resource", "FH_USAGES"), words_named("usage"))
        assert.same(words_of("policy", "FH_RELIEF_ACTIONS"), words_named("action"))
    end)

    it("has the hooks and the types of options of the header", function()
        local hooks = {}
        for i, hook in ipairs(contract.hooks) do
            hooks[i] = hook.name
        end
        assert.same(words_of("script", "FH_HOOKS"), hooks)
        local types = {}
        for word in contract.option_fields[1].type:gmatch('"(%w+)"') do
            types[#types + 1] = word
        end
        assert.same(words_of("script", "FH_OPTION_TYPES"), types)
    end)

    it("documents everything", function()
        for _, shape in ipairs(shapes()) do
            assert.is_true(#shape.doc > 0, shape.name)
            for _, member in ipairs(shape.members) do
                local name = shape.name .. "." .. member.name
                assert.is_true(#member.doc > 0, name)
                assert.is_nil(member.doc:find("%.$"), name)
                assert.is_true(member.type ~= "special" or member.lua ~= nil, name)
            end
        end
        for _, shape in ipairs(contract.decisions) do
            for _, member in ipairs(shape.members) do
                -- Either it must be there, or it is said what holds when it is not.
                assert.equal(member.default == nil, member.required == true,
                    shape.name .. "." .. member.name)
            end
        end
        for _, hook in ipairs(contract.hooks) do
            assert.is_true(#hook.asked > 0 and #hook.native > 0 and #hook.doc > 0, hook.name)
        end
    end)

    it("gives examples that compile and name their hook", function()
        for _, hook in ipairs(contract.hooks) do
            for _, example in ipairs { hook.example, hook.example_function } do
                local policy = assert(load("return {\n" .. example .. "\n}", hook.name, "t", {}))()
                assert.not_nil(policy[hook.name], hook.name)
            end
        end
    end)

    it("agrees with what luacheck is told", function()
        local std = dofile(support.root .. "/lua/freehold/luacheck_policy.lua")
        assert.same({ "read_globals" }, { (next(std)) })
        local expected, found = {}, {}
        for _, library in ipairs(contract.environment.libraries) do
            local prefix = library.name and library.name .. "." or ""
            for word in (library.words or ""):gmatch("%S+") do
                expected[#expected + 1] = prefix .. word
            end
            for _, list in ipairs { library.functions, library.values or {} } do
                for _, item in ipairs(list) do
                    expected[#expected + 1] = prefix .. item.name
                end
            end
        end
        local function walk(fields, prefix)
            for name, field in pairs(fields) do
                if field.fields then
                    walk(field.fields, prefix .. name .. ".")
                else
                    found[#found + 1] = prefix .. name
                end
            end
        end
        walk(std.read_globals, "")
        assert.same(sorted(expected), sorted(found))
        for _, name in ipairs { "os", "io", "next", "load", "setmetatable", "coroutine" } do
            assert.is_nil(std.read_globals[name], name)
        end
    end)

    it("says the same wherever it was written down", function()
        local output, complaints, code = support.run("tools/gen_policy_contract --check")
        assert.equal("", output .. complaints)
        assert.equal(0, code)
    end)

    it("is written down by a script that knows its arguments", function()
        local output, _, code = support.run("tools/gen_policy_contract --help")
        assert.equal(0, code)
        assert.not_nil(output:find("src/sandbox/contract.lua", 1, true))
        local _, complaints, wrong = support.run("tools/gen_policy_contract --chekc")
        assert.equal(2, wrong)
        assert.not_nil(complaints:find("--chekc", 1, true))
    end)
end)
