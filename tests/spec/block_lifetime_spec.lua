-- How blocks and ranges end: by hand, by <close>, by the collector; and what is refused after.

local fh = require "freehold"

local function collect()
    collectgarbage()
    collectgarbage()
end

describe("a destroyed block", function()
    it("tells how many ranges still lived", function()
        local block = fh.block { size = 100 }
        block:alloc(1)
        block:alloc(1):free()
        block:alloc(1)
        assert.equal(2, block:destroy())
        assert.equal(0, block:destroy())
        assert.equal(0, block:close())
    end)

    it("refuses every method as stale", function()
        local block = fh.block { size = 100 }
        local range = block:alloc(1, { user = "x" })
        local pieces = block:pieces()
        block:close()
        local arguments = {
            alloc = { 1 }, free = { range }, info = { range }, set_user = { range, 1 },
            resize = { 1 },
        }
        for name, method in pairs(debug.getmetatable(block).__index) do
            if name ~= "destroy" and name ~= "close" then
                local result = table.pack(method(block, table.unpack(arguments[name] or {})))
                assert.same({ nil, "block: has been destroyed", "stale", n = 3 }, result, name)
            end
        end
        assert.equal("stale", select(3, range:free()))
        assert.is_nil(range.offset)
        assert.is_nil(range.user)
        assert.is_false(range.live)
        assert.equal(block, range.block)
        assert.equal("freehold.block (destroyed)", tostring(block))
        assert.equal("freehold.range (freed)", tostring(range))
        assert.error_matches(function()
            range.user = 1
        end, "cannot set 'user': the range no longer exists")
        local offset, size, found = pieces()
        assert.same({ 0, 1 }, { offset, size })
        assert.is_false(found.live)
    end)

    it("still raises for wrong types", function()
        local block = fh.block { size = 100 }
        block:destroy()
        assert.error_matches(function() block:alloc("x") end, "size: integer expected")
        assert.error_matches(function() block:free(1) end, "range: freehold%.range expected")
    end)
end)

describe("<close>", function()
    it("destroys a block", function()
        local kept
        do
            local block <close> = fh.block { size = 100 }
            kept = block:alloc(1)
        end
        assert.is_false(kept.live)
        assert.equal("stale", select(3, kept:free()))
    end)

    it("destroys a block when its scope ends by an error", function()
        local kept
        local done, message = pcall(function()
            local block <close> = fh.block { size = 100 }
            kept = block:alloc(1)
            error("from within", 0)
        end)
        assert.is_false(done)
        assert.equal("from within", message)
        assert.is_false(kept.live)
    end)

    it("may close what was destroyed within", function()
        local block <close> = fh.block { size = 100 }
        block:destroy()
    end)

    it("frees a range", function()
        local block <close> = fh.block { size = 100 }
        do
            local range <close> = block:alloc(100, { user = {} })
            assert.equal(100, range.size)
        end
        assert(block:alloc(100))
    end)

    it("frees a range when its scope ends by an error, a break or a coroutine's end", function()
        local block <close> = fh.block { size = 100 }
        local done, message = pcall(function()
            local range <close> = block:alloc(100)
            error(range.size, 0)
        end)
        assert.is_false(done)
        assert.equal(100, message)
        assert.equal(0, block:stats().range_count)

        for i = 1, 3 do
            local _ <close> = assert(block:alloc(100))
            if i == 2 then
                break
            end
        end
        assert.equal(0, block:stats().range_count)

        local thread = coroutine.create(function()
            local _ <close> = assert(block:alloc(100))
            coroutine.yield()
        end)
        coroutine.resume(thread)
        assert.equal(1, block:stats().range_count)
        coroutine.close(thread)
        assert.equal(0, block:stats().range_count)
    end)

    it("leaves alone what was freed, cleared or destroyed within", function()
        local block <close> = fh.block { size = 100 }
        do
            local range <close> = block:alloc(10)
            range:free()
            assert(block:alloc(10)) -- in the same place
        end
        assert.equal(1, block:stats().range_count)
        do
            local _ <close> = block:alloc(10)
            block:clear()
        end
        do
            local _ <close> = block:alloc(10)
            block:destroy()
        end
    end)

    it("takes what alloc refused", function()
        local block <close> = fh.block { size = 100 }
        local range <close> = block:alloc(101)
        assert.is_nil(range)
    end)
end)

describe("the collector", function()
    it("destroys a thousand blocks that nobody closed", function()
        local watch = setmetatable({}, { __mode = "k" })
        for i = 1, 1000 do
            local block = fh.block { size = 1 << 20, algorithm = i % 2 == 0 and "tlsf" or "linear" }
            for _ = 1, 20 do
                block:alloc(100, { user = block })
            end
            watch[block] = true
        end
        collect()
        assert.is_nil(next(watch))
    end)

    -- A sanitizer keeps what was freed for a while; there, memory_spec.lua looks for leaks.
    local statm, maps = io.open("/proc/self/statm"), io.open("/proc/self/maps")
    if statm and maps and not maps:read("a"):find("/lib[at]san") then
        it("gives their memory back", function()
            local function resident_pages()
                statm:seek("set")
                return tonumber(statm:read("a"):match("^%d+ (%d+)"))
            end
            local function use()
                local block = fh.block { size = 1 << 30 }
                for _ = 1, 20000 do
                    assert(block:alloc(100))
                end
            end
            use()
            collect()
            local before = resident_pages()
            for _ = 1, 100 do
                use() -- about 640 KiB of bookkeeping each
                collect()
            end
            assert(resident_pages() - before < 4096, "blocks are leaked")
        end)
    end

    it("does not free a range whose handle was lost", function()
        local block <close> = fh.block { size = 100 }
        block:alloc(60)
        collect()
        assert.equal(1, block:stats().range_count)
        assert.equal("out_of_memory", select(3, block:alloc(60)))
    end)

    it("leaves a block alone while one of its ranges is held", function()
        local range = fh.block({ size = 100 }):alloc(10, { user = "x" })
        collect()
        assert.is_true(range.live)
        assert.equal("x", range.user)
        assert.equal(90, range.block:alloc(90).size)
        assert.is_true(range:free())
    end)

    it("may meet blocks and ranges in other finalisers, in any order", function()
        local outcome = {}
        do
            local block = fh.block { size = 100 }
            local range = block:alloc(10)
            for i = 1, 2 do
                setmetatable({}, {
                    __gc = function()
                        outcome[i] = { range.live, block:stats() ~= nil, tostring(block) }
                        block:alloc(1)
                        range:free()
                        block:destroy()
                    end,
                })
            end
        end
        collect()
        collect()
        assert.equal(2, #outcome)
    end)

    -- Lua runs finalisers whenever it allocates: also within a method, on its own block.
    local function when_collected(act)
        setmetatable({}, { __gc = act })
    end

    it("may destroy a block within one of its methods", function()
        for _, use in ipairs {
            function(block) return block:alloc(1) end,
            function(block) return block:alloc(1, { user = {} }) end,
            function(block) return block:pieces() end,
            function(block) return block:json(true) end,
            function(block) return block:stats() end,
            function(block) return block:detail() end,
        } do
            local block = fh.block { size = 1 << 40 }
            local held = block:alloc(1)
            when_collected(function() block:destroy() end)
            local result, message, code
            repeat
                result, message, code = use(block)
            until not result
            assert.same({ "block: has been destroyed", "stale" }, { message, code })
            assert.is_false(held.live)
        end
    end)

    it("may fill a block within one of its methods", function()
        for _, method in ipairs { "pieces", "json" } do
            local block <close> = fh.block { size = 1 << 40 }
            local filled
            local function fill()
                for _ = 1, 1000 do
                    block:alloc(64)
                end
                filled = true
            end
            for _ = 1, 10 do
                filled = false
                when_collected(fill)
                repeat
                    if method == "pieces" then
                        local sum = 0
                        for _, size in block:pieces() do
                            sum = sum + size
                        end
                        assert.equal(1 << 40, sum)
                    else
                        assert.matches("}%s*$", block:json(true))
                    end
                until filled
            end
            assert.equal(10000, block:stats().range_count)
        end
    end)
end)
