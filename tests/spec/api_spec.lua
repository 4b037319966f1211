-- The description of the Lua module (src/binding/api.lua) and the module: each has what the other
-- has.

local fh = require "freehold"
local support = require "tests.spec.support"

local api = dofile(support.root .. "/src/binding/api.lua")

local function sorted(list)
    table.sort(list)
    return list
end

local function keys(map)
    local list = {}
    for key in pairs(map) do
        list[#list + 1] = key
    end
    return sorted(list)
end

local function names(...)
    local list = {}
    for _, descriptions in ipairs { ... } do
        for _, item in ipairs(descriptions) do
            list[#list + 1] = item.name
        end
    end
    return sorted(list)
end

local function class(name)
    for _, candidate in ipairs(api.classes) do
        if candidate.name == name then
            return candidate
        end
    end
    error("no class " .. name)
end

-- The names that an error message offers: "…; known: 'a', 'b'".
local function offered(call)
    local done, message = pcall(call)
    assert.is_false(done)
    local list = {}
    for name in message:match("known:(.*)"):gmatch("'([%w_]+)'") do
        list[#list + 1] = name
    end
    return sorted(list)
end

-- The names in a type such as "a"|"b".
local function choices(class_name, field_name)
    for _, field in ipairs(class(class_name).fields) do
        if field.name == field_name then
            local list = {}
            for name in field.type:gmatch('"([%w_]+)"') do
                list[#list + 1] = name
            end
            return sorted(list)
        end
    end
end

describe("the description of the Lua module", function()
    local block, range

    before_each(function()
        block = assert(fh.block { size = 100 })
        range = assert(block:alloc(10, { user = true }))
    end)

    after_each(function()
        block:destroy()
    end)

    it("has the module's fields and functions", function()
        assert.same(names(api.module.fields, api.module.functions), keys(fh))
        for _, fn in ipairs(api.module.functions) do
            assert.equal("function", type(fh[fn.name]))
        end
        for _, field in ipairs(api.module.fields) do
            local expected = field.type:find("^freehold") and "table"
                or field.type == "integer" and "number"
                or field.type
            assert.equal(expected, type(fh[field.name]), field.name)
        end
    end)

    it("has the methods of blocks", function()
        local methods = debug.getmetatable(block).__index
        assert.same(names(class("freehold.Block").methods), keys(methods))
    end)

    it("has the fields and methods of ranges", function()
        local described = class("freehold.Range")
        assert.same(names(described.fields, described.methods), offered(function()
            return range.there_is_no_such_field
        end))
        for _, field in ipairs(described.fields) do
            assert.not_nil(range[field.name], field.name)
        end
        for _, method in ipairs(described.methods) do
            assert.equal("function", type(range[method.name]))
        end
    end)

    it("has the options", function()
        assert.same(names(class("freehold.BlockOptions").fields), offered(function()
            fh.block { there_is_no_such_field = 1 }
        end))
        assert.same(names(class("freehold.RangeOptions").fields), offered(function()
            block:alloc(1, { there_is_no_such_field = 1 })
        end))
        assert.same(choices("freehold.BlockOptions", "algorithm"), offered(function()
            fh.block { size = 1, algorithm = "there_is_no_such_one" }
        end))
        assert.same(choices("freehold.RangeOptions", "strategy"), offered(function()
            block:alloc(1, { strategy = "there_is_no_such_one" })
        end))
    end)

    it("has the fields of what comes back, with their types", function()
        for class_name, value in pairs {
            ["freehold.RangeInfo"] = block:info(range),
            ["freehold.Stats"] = block:stats(),
            ["freehold.StatsDetail"] = block:detail(),
        } do
            local described = class(class_name)
            assert.same(names(described.fields), keys(value))
            for _, field in ipairs(described.fields) do
                if field.type == "integer" then
                    assert.equal("integer", math.type(value[field.name]), field.name)
                end
            end
        end
    end)

    it("has the fields of the C structs", function()
        local header = support.read(support.root .. "/include/freehold/stats.h")
        for struct, class_name in pairs {
            fh_stats = "freehold.Stats",
            fh_stats_detail = "freehold.StatsDetail",
        } do
            local body = header:match("typedef struct " .. struct .. " (%b{})"):gsub("/%*.-%*/", "")
            local fields = {}
            for declaration in body:gmatch("[%w_]+ ([^;{}]+);") do
                for name in declaration:gmatch("[%w_]+") do
                    fields[#fields + 1] = name
                end
            end
            assert.same(sorted(fields), names(class(class_name).fields))
        end
    end)

    it("has the codes, with the messages of result.h", function()
        local described = {}
        for _, result in ipairs(api.results) do
            described[result[1]] = result[2]
        end
        local header = support.read(support.root .. "/include/freehold/result.h")
        local declared = {}
        for name, message in header:gmatch('X%(([%u_]+), %-?%d+, "([^"]*)"%)') do
            declared[name:gsub("^ERR_", ""):lower()] = message
        end
        assert.same(declared, described)
        assert.same(keys(declared), keys(fh.result))
        for code in pairs(described) do
            assert.equal(code, fh.result[code])
        end
    end)

    it("has only codes that exist where it says what fails", function()
        local function check(functions)
            for _, fn in ipairs(functions) do
                for _, failure in ipairs(fn.errors) do
                    assert.equal(failure[1], fh.result[failure[1]])
                end
            end
        end
        check(api.module.functions)
        for _, described in ipairs(api.classes) do
            check(described.methods or {})
        end
    end)

    it("is what the editor's types and the manual were made from", function()
        local _, complaints, code = support.run(
            "lua5.4 " .. support.quote(support.root .. "/tools/gen_lua_docs") .. " --check")
        assert.equal("", complaints)
        assert.equal(0, code)
    end)

    it("has examples that run", function()
        local function run(fn, ...)
            if fn.example then
                local chunk = assert(load(fn.example, "=" .. fn.name, "t", setmetatable({
                    fh = fh, block = block, range = range, print = function() end,
                }, { __index = _G })))
                chunk(...)
            end
        end
        for _, fn in ipairs(api.module.functions) do
            run(fn)
        end
        for _, described in ipairs(api.classes) do
            for _, fn in ipairs(described.methods or {}) do
                run(fn)
            end
        end
    end)
end)
