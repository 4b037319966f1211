-- What memory_host.c runs while memory runs out at each possible moment. `held` and `users` have
-- their places from the start, so that storing what alloc gave cannot fail.

local COUNT = 40
local held, users = {}, {}
for i = 1, COUNT do
    held[i], users[i] = false, "user " .. i
end

local fh, block, other

-- The first argument; raises the code of a failure, which the host knows.
local function must(value, message, code)
    return value or error(code or message or "failed", 0)
end

local function take(i, size, options)
    held[i] = must(block:alloc(size, options))
end

local function run()
    fh = require "freehold"
    block = must(fh.block { size = 1 << 30 })
    other = must(fh.block { size = 1 << 20, algorithm = "linear" })
    for i = 1, COUNT, 2 do
        take(i, 100 * i, { alignment = 1 << i % 8, user = users[i] })
        take(i + 1, 50)
    end
    for i = 2, COUNT, 4 do
        must(held[i]:free())
        held[i] = false
    end
    take(2, 10, { strategy = "min_offset", user = users[2] })
    take(6, 10, { strategy = "min_memory" })
    held[6].user = users[6]
    must(block:set_user(held[1], users[1]))
    for _ = 1, 100 do
        must(other:alloc(10))
    end

    local sum = 0
    for _, size, range, user in must(block:pieces()) do
        sum = sum + size
        assert(range == nil or range.user == user)
    end
    assert(sum == 1 << 30)
    assert(must(block:json(true)):find("FREE", 1, true))
    assert(#tostring(block) + #tostring(held[1]) > 0)
    assert(must(block:info(held[1])).user == users[1])
    assert(must(block:detail()).stats.range_count == must(block:stats()).range_count)
    assert(select(3, other:alloc(1 << 40)) == "out_of_memory")
    pcall(block.alloc, block, 1, { strategi = 1 })
    do
        local range <close> = must(block:alloc(5, { user = {} }))
        assert(range.live)
        local third <close> = must(fh.block { size = 100 })
        must(third:alloc(1))
    end
    must(block:resize(1 << 40))
end

-- Memory is back. Every range is one that somebody has a handle of, and the others are free.
local function audit(succeeded)
    collectgarbage()
    if block then
        local count = 0
        for i = 1, COUNT do
            if held[i] then
                assert(held[i].live)
                assert(held[i].user == nil or held[i].user == users[i])
                count = count + 1
            end
        end
        local stats = block:stats()
        assert(stats.range_count == count, "a range has no handle")
        local sum = 0
        for _, size in block:pieces() do
            sum = sum + size
        end
        assert(sum == stats.block_bytes)
        assert(block:alloc(1, { user = "again" })):free()
    end
    assert(not succeeded or other:stats().range_count == 100)
end

return run, audit
