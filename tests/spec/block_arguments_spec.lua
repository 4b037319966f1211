-- Every wrong argument of the Lua API: what is spelt wrong raises with the argument's name, what a
-- number gets wrong is returned, and neither changes anything.

local fh = require "freehold"

describe("arguments", function()
    local block, range, other, foreign

    before_each(function()
        block = assert(fh.block { size = 1000 })
        range = assert(block:alloc(10, { user = "kept" }))
        other = assert(fh.block { size = 1000 })
        foreign = assert(other:alloc(10))
    end)

    after_each(function()
        assert.equal(1, block:destroy())
        assert.equal(1, other:destroy())
    end)

    -- That `call` raises a message with all these parts, and that nothing changed.
    local function raises(call, ...)
        local before = block:detail()
        local done, message = pcall(call)
        assert.is_false(done)
        for _, part in ipairs { ... } do
            assert.is_truthy(message:find(part, 1, true), ("%q is not in %q"):format(part, message))
        end
        assert.same(before, block:detail())
        assert.equal("kept", range.user)
    end

    -- That `call` returns nil, a message with `part`, and `code`, and that nothing changed.
    local function fails(code, part, call)
        local before = block:detail()
        local result = table.pack(call())
        assert.equal(3, result.n)
        assert.is_nil(result[1])
        assert.is_truthy(result[2]:find(part, 1, true), ("%q is not in %q"):format(part, result[2]))
        assert.equal(code, result[3])
        assert.same(before, block:detail())
        assert.equal("kept", range.user)
    end

    -- What is no integer, and what the message calls it.
    local no_integers = {
        { "12", "string" }, { true, "boolean" }, { {}, "table" }, { print, "function" },
        { 1.5, "1.5" }, { 0 / 0, "nan" }, { math.huge, "inf" }, { 2.0 ^ 63, "9.2" },
        { io.stdout, "FILE*" },
    }

    describe("of fh.block", function()
        it("must be a table", function()
            raises(function() fh.block() end,
                "#1 to 'block'", "options: table expected, got no value")
            raises(function() fh.block(64) end,
                "#1 to 'block'", "options: table expected, got number")
            raises(function() fh.block("x") end, "options: table expected, got string")
            raises(function() fh.block(block) end, "options: table expected, got freehold.block")
        end)

        it("must have a size that is an integer", function()
            raises(function() fh.block {} end,
                "#1 to 'block'", "field 'size': integer expected, got nil")
            for _, case in ipairs(no_integers) do
                raises(function() fh.block { size = case[1] } end,
                    "#1 to 'block'", "field 'size': integer expected, got ", case[2])
            end
        end)

        it("must have a size that a block can have", function()
            fails("invalid", "size: ", function() return fh.block { size = 0 } end)
            fails("invalid", "size: -1 is negative; the largest is math.maxinteger", function()
                return fh.block { size = -1 }
            end)
            fails("invalid", "size: -9223372036854775808 is negative", function()
                return fh.block { size = 1 << 63 }
            end)
        end)

        it("must have an algorithm that exists", function()
            raises(function() fh.block { size = 1, algorithm = 1 } end,
                "field 'algorithm': string expected, got number")
            raises(function() fh.block { size = 1, algorithm = "linaer" } end,
                "field 'algorithm': unknown name 'linaer'; did you mean 'linear'?")
            raises(function() fh.block { size = 1, algorithm = "buddy system" } end,
                "unknown name 'buddy system'; known: 'tlsf', 'linear'")
            raises(function() fh.block { size = 1, algorithm = "" } end, "known: 'tlsf', 'linear'")
            raises(function() fh.block { size = 1, algorithm = ("x"):rep(100000) } end, "known:")
        end)

        it("must have no other fields", function()
            raises(function() fh.block { size = 1, algoritm = "tlsf" } end,
                "#1 to 'block'", "unknown field 'algoritm'; did you mean 'algorithm'?")
            raises(function() fh.block { size = 1, szie = 1 } end, "did you mean 'size'?")
            raises(function() fh.block { 64 } end, "unknown field [1]; known: 'size', 'algorithm'")
            raises(function() fh.block { size = 1, [block] = 1 } end,
                "unknown field [freehold.block")
            raises(function() fh.block { size = 1, ["si\0ze"] = 1 } end, "unknown field 'si")
        end)

        it("are read raw", function()
            raises(function()
                fh.block(setmetatable({}, { __index = { size = 64 } }))
            end, "field 'size': integer expected, got nil")
        end)
    end)

    describe("of alloc", function()
        it("must be a size that is an integer", function()
            raises(function() block:alloc() end,
                "#1 to 'alloc'", "size: integer expected, got no value")
            raises(function() block:alloc(nil) end, "size: integer expected, got nil")
            for _, case in ipairs(no_integers) do
                raises(function() block:alloc(case[1]) end,
                    "#1 to 'alloc'", "size: integer expected, got ", case[2])
            end
        end)

        it("must be a size that a range can have", function()
            fails("invalid", "size: ", function() return block:alloc(0) end)
            fails("invalid", "size: -5 is negative", function() return block:alloc(-5) end)
            fails("invalid", "size: -9223372036854775808 is negative", function()
                return block:alloc(math.mininteger)
            end)
            fails("out_of_memory", "1000", function() return block:alloc(1000) end)
            fails("out_of_memory", "", function() return block:alloc(math.maxinteger) end)
        end)

        it("must be options in a table", function()
            raises(function() block:alloc(1, 2) end,
                "#2 to 'alloc'", "options: table expected, got number")
            raises(function() block:alloc(1, false) end, "options: table expected, got boolean")
        end)

        it("must have an alignment that is a power of two", function()
            for _, case in ipairs(no_integers) do
                raises(function() block:alloc(1, { alignment = case[1] }) end,
                    "#2 to 'alloc'", "field 'alignment': integer expected, got ", case[2])
            end
            for _, alignment in ipairs { 3, 6, 100, math.maxinteger, -1, math.mininteger } do
                fails("invalid", ("alignment: %d is not a power of two"):format(alignment),
                    function()
                        return block:alloc(1, { alignment = alignment })
                    end)
            end
            fails("out_of_memory", "", function()
                return block:alloc(1, { alignment = 1 << 62 })
            end)
        end)

        it("must have a strategy that exists", function()
            raises(function() block:alloc(1, { strategy = 1 }) end,
                "#2 to 'alloc'", "field 'strategy': string expected, got number")
            raises(function() block:alloc(1, { strategy = "min_ofset" }) end,
                "field 'strategy': unknown name 'min_ofset'; did you mean 'min_offset'?")
            raises(function() block:alloc(1, { strategy = "first" }) end,
                "known: 'balanced', 'min_time', 'min_memory', 'min_offset'")
        end)

        it("must have a boolean for upper", function()
            raises(function() block:alloc(1, { upper = 1 }) end,
                "#2 to 'alloc'", "field 'upper': boolean expected, got number")
            raises(function() block:alloc(1, { upper = "true" }) end,
                "boolean expected, got string")
        end)

        it("must have no other fields", function()
            raises(function() block:alloc(1, { aligment = 4 }) end,
                "#2 to 'alloc'", "unknown field 'aligment'; did you mean 'alignment'?")
            raises(function() block:alloc(1, { uper = true }) end, "did you mean 'upper'?")
            raises(function() block:alloc(1, { pupre = true }) end, "did you mean 'upper'?")
            raises(function() block:alloc(1, { 4 }) end, "unknown field [1]; known:")
        end)

        it("must be unsupported or supported by the algorithm", function()
            fails("unsupported", "upper", function() return block:alloc(1, { upper = true }) end)
        end)
    end)

    -- The methods that take a range first.
    for _, name in ipairs { "free", "info", "set_user" } do
        describe("of " .. name, function()
            it("must be a range", function()
                for _, case in ipairs {
                    { nil, "nil" }, { 1, "number" }, { "x", "string" }, { {}, "table" },
                    { block, "freehold.block" }, { io.stdout, "FILE*" },
                } do
                    raises(function() block[name](block, case[1], 1) end,
                        "range: freehold.range expected, got " .. case[2])
                end
                raises(function() block[name](block) end,
                    "range: freehold.range expected, got no value")
            end)

            it("must be a range of this block", function()
                fails("stale", "range: belongs to another block", function()
                    return block[name](block, foreign, 1)
                end)
                assert.is_true(foreign.live)
            end)

            it("must be a range that lives", function()
                local dead = block:alloc(1)
                dead:free()
                fails("stale", "range: ", function() return block[name](block, dead, 1) end)
                dead = block:alloc(1)
                block:free(dead)
                assert(block:alloc(1)):free()
                fails("stale", "range: ", function() return block[name](block, dead, 1) end)
            end)
        end)
    end

    it("are counted without self", function()
        raises(function() block:free() end, "#1 to 'free'")
        raises(function() block:info() end, "#1 to 'info'")
    end)

    it("of set_user must be two", function()
        raises(function() block:set_user(range) end, "#2 to 'set_user'", "user: a value expected")
    end)

    it("of resize must be a size that a block can have", function()
        raises(function() block:resize() end,
            "#1 to 'resize'", "size: integer expected, got no value")
        for _, case in ipairs(no_integers) do
            raises(function() block:resize(case[1]) end, "size: integer expected, got ", case[2])
        end
        fails("invalid", "size: ", function() return block:resize(0) end)
        fails("invalid", "size: -1 is negative", function() return block:resize(-1) end)
        fails("busy", "", function() return block:resize(5) end)
    end)

    it("of json must be a boolean, if anything", function()
        raises(function() block:json(1) end,
            "#1 to 'json'", "detailed: boolean expected, got number")
        raises(function() block:json("all") end, "detailed: boolean expected, got string")
        assert.equal(block:json(), block:json(nil))
        assert.equal(block:json(), block:json(false))
    end)

    it("of methods must be a block or a range", function()
        local methods = debug.getmetatable(block).__index
        for name, method in pairs(methods) do
            for _, wrong in ipairs { range, io.stdout, 1, "x", {}, false } do
                local done, message = pcall(method, wrong, 1, 1)
                assert.is_false(done, name)
                assert.matches("block: freehold%.block expected, got ", message, 1, false)
            end
            assert.is_false((pcall(method)))
        end
        for _, wrong in ipairs { block, io.stdout, 1, {} } do
            raises(function() range.free(wrong) end, "range: freehold.range expected, got ")
        end
        for _, object in ipairs { block, range } do
            for name, method in pairs(debug.getmetatable(object)) do
                if type(method) == "function" and name ~= "__eq" then
                    assert.is_false((pcall(method, io.stdout, "offset")), name)
                    assert.is_false((pcall(method)), name)
                end
            end
        end
    end)

    it("hide the metatables", function()
        assert.equal("freehold.block", getmetatable(block))
        assert.equal("freehold.range", getmetatable(range))
        assert.is_false((pcall(setmetatable, block, {})))
    end)
end)
