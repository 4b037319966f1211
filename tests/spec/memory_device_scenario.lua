-- As memory_scenario.lua, for devices: what memory_host.c runs while memory runs out at each
-- possible moment.

local fh, device, alias
local held = {}
for i = 1, 16 do
    held[i] = false
end
local events, freed, destroyed = 0, 0, 0

local profile = {
    name = "tiny",
    heaps = { { size = 16 << 20, os_budget = 16 << 20 }, { size = 16 << 20 } },
    types = { { heap = 0, flags = "device_local" },
        { heap = 1, flags = "host_visible|host_coherent" } },
    manual = true,
}

local script = [[
    return {
        options = { limit = { type = "bytes", default = "10MiB" } },
        limits = function(self) return { total = self.options.limit } end,
        place = function(self, request) return { memory = { "device", "host" } } end,
        frame = function(self)
            self.state.ticks = (self.state.ticks or 0) + 1
            return { limits = true }
        end,
        evict = { "-size" },
    }]]

-- The first argument; raises the code of a failure, which the host knows. A script that has no
-- memory fails as scripts do.
local function must(value, message, code)
    if not value and code == "script" and message:find("memory", 1, true) then
        code = "host_memory"
    end
    return value or error(code or message or "failed", 0)
end

local allocator = {
    name = "careful",
    alloc_buffer = function(base, desc)
        return base:buffer(desc)
    end,
    notify_freed = function()
        freed = freed + 1
    end,
    drain = function() end,
}

local function run()
    fh = require "freehold"
    must(#fh.formats() > 0)
    must(fh.adapters { profile = fh.profile("mobile-4g") })
    device = must(fh.device {
        profile = profile, log = function() end, evict = function(parcel)
            return parcel:release()
        end,
    })
    must(device:observe(nil, function(event)
        events = events + #event.kind
    end))
    alias = must(device:with_allocator(allocator))
    local queue = must(device:queue("graphics"))
    assert(rawequal(queue, must(device:queue("graphics"))))
    must(device:queues())

    held[1] = must(device:buffer {
        size = "64KiB", usage = "copy_src|copy_dst", tag = "one", name = "first", user = held,
    })
    held[2] = must(alias:buffer { size = 4096, usage = { "vertex" }, priority = 0.25 })
    held[3] = must(device:texture { width = 64, height = 64, format = "rgba8_unorm" })
    local pool = must(device:pool { block_size = "1MiB", name = "pool" })
    held[4] = must(device:raw { size = 4096, pool = pool })
    held[5] = must(device:external {
        size = 10, destroy = function() destroyed = destroyed + 1 end, user = {},
    })
    held[6] = must(held[1]:acquire())
    must(held[6]:set_user("shared"))
    for i, raw in ipairs(must(device:raws(4, { size = 256 }))) do
        held[6 + i] = raw
    end
    held[11] = must(device:buffer { size = 64, usage = "vertex", location = "upload" })
    do
        local mapping <close> = must(held[11]:map())
        must(mapping:write(0, "x"))
        assert(mapping:read(0, 1) == "x")
        local view = must(held[4]:view(16, 16))
        assert(view:valid() and view.parent)
    end
    must(held[1]:write(0, "some bytes"))
    must(device:copy { { dst = held[1], fill = 1, size = 16 } })
    must(held[1]:use(queue, 1))
    must(held[2]:retire(queue:epoch(2)))
    held[2] = false
    must(device:retire(function() end, queue:epoch(1)))
    device:advance(0, 10)
    must(queue:signal(2))
    must(device:tick())

    must(device:set_limit("total", "16MiB"))
    must(device:limits { tags = { one = "1MiB" }, kinds = { raw = "1MiB" } })
    must(device:account("one"))
    must(device:stats())
    must(device:detail())
    assert(must(device:json(true)):find("first", 1, true))
    must(device:explain { buffer = { size = 1, usage = "vertex" } })
    must(device:parcels())
    must(held[3]:info())
    assert(#tostring(device) + #tostring(held[1]) + #tostring(pool) > 0)
    local policy = must(device:budget_policy { limit = "8MiB" })
    must(policy:info())
    must(policy:remove())
    must(device:set_policy { frame = function() return { forget = true } end,
        place = function(_, request) return { priority = request.priority } end })
    must(device:tick())
    local scripted = must(device:set_policy({
        { text = script, name = "one" }, { text = "return {}" },
    }, { options = { limit = "12MiB" } }))
    must(device:tick())
    must(device:buffer { size = 64, usage = "vertex", tag = "scripted" }):release()
    must(scripted:set("limit", "13MiB"))
    must(scripted:reload())
    must(device:tick())
    must(scripted:status())
    must(scripted:options())
    must(scripted:decisions { count = 8 })
    must(scripted:state())
    assert(rawequal(scripted, device:policy()) and #tostring(scripted) > 0)
    scripted:release()
    must(must(device:policy()):release())
    must(device:set_policy(nil))
    local test <close> = must(fh.policy_test({ text = script }, { state = { ticks = 1 } }))
    must(test:frame {})
    must(test:place { kind = "texture", size = "1MiB", tag = "new" })
    must(test:state())
    must(test:evict { candidates = { { size = 1 }, { size = 2 } } })
    pcall(device.buffer, device, { sise = 1 })
    do
        local short <close> = must(fh.device { profile = "uma-16g" })
        local _ <close> = must(short:buffer { size = 100, usage = "vertex" })
    end
    -- Eviction answers false when memory runs out within it, and then the request is refused.
    device:set_limit("heap 0", "12MiB")
    local big = device:buffer {
        size = "8MiB", usage = "vertex", evictable = "any_thread", types = { 0 },
    }
    device:buffer { size = "8MiB", usage = "vertex", types = { 0 } }
    assert(not big or big:live() ~= nil)
end

-- Memory is back. Every parcel has a handle, and the device still works.
local function audit(succeeded)
    collectgarbage()
    collectgarbage()
    if device then
        device:advance(0, 100)
        local queue = device:queue("graphics")
        if queue then
            queue:signal(100)
        end
        device:tick()
        local live, listed = {}, 0
        for i = 1, #held do
            if held[i] then
                assert(held[i]:live())
                live[held[i]:info().id] = true
            end
        end
        for _, info in ipairs(device:parcels()) do
            if info.kind ~= "staging" then
                assert(live[info.id], "a parcel has no handle")
                listed = listed + 1
            end
        end
        local count = 0
        for _ in pairs(live) do
            count = count + 1
        end
        assert(count == listed, "a handle has no parcel")
        assert(assert(device:buffer { size = 16, usage = "vertex", user = {} }):release())
        for i = 1, #held do
            if held[i] then
                assert(held[i]:release())
            end
        end
        if alias then
            assert(alias:close())
        end
        assert(device:close())
        assert(not succeeded or (freed == 1 and destroyed == 1 and events > 100))
    end
end

return run, audit
