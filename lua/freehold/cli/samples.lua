-- What a program asks of a policy, in examples: for trying a policy without one. Each hook has a
-- list; they are tried on several devices.

local fh = require "freehold"

local MiB, GiB = fh.MiB, fh.GiB

local samples = {}

-- A device whose heaps are used to that share of what the system gives.
local function heaps(profile, share)
    local list = {}
    for i, heap in ipairs(profile.heaps) do
        local budget = heap.os_budget or heap.size // 5 * 4
        local others = heap.os_unaccounted or 0
        local used = math.floor(share * (budget - others)) // MiB * MiB
        list[i] = {
            size = heap.size, device_local = heap.device_local, os_budget = budget,
            os_usage = used + others, unaccounted = others, used = used, limit = budget - others,
            headroom = budget - others - used, retiring = used // 64,
        }
    end
    return list
end

--- Devices of that profile: `facts` is what test:facts takes, `is` says how full it is.
---@param profile freehold.Profile
---@return { is: string, facts: table }[]
function samples.devices(profile)
    local list = {}
    for i, state in ipairs { { 0.0, "free" }, { 0.5, "half full" }, { 1.0, "full" } } do
        local facts = { frame = 100 * i, used = 0, heaps = heaps(profile, state[1]) }
        for _, heap in ipairs(facts.heaps) do
            facts.used = facts.used + heap.used
        end
        list[i] = { is = state[2], facts = facts }
    end
    return list
end

-- "a|b" as a list.
local function words(text)
    local list = {}
    for word in text:gmatch("[^|]+") do
        list[#list + 1] = word
    end
    return list
end

local function texture(width, changes)
    local one = {
        kind = "texture", usage = words "sampled|copy_dst", format = "rgba8_unorm", width = width,
        height = width, mips = 1, size = 4 * width * width, tag = "terrain", name = "sky",
    }
    for key, item in pairs(changes or {}) do
        one[key] = item
    end
    return one
end

samples.place = {
    { kind = "buffer", usage = words "uniform", location = "upload", size = 64 * fh.KiB,
        mapped = true },
    { kind = "buffer", usage = words "vertex|index|copy_dst", size = 4 * MiB, tag = "meshes" },
    { kind = "buffer", usage = words "storage", size = 300 * MiB, alignment = 65536 },
    { kind = "buffer", usage = words "copy_dst", location = "readback", size = 8 * MiB },
    { kind = "buffer", usage = words "uniform", location = "device_upload", size = MiB },
    texture(256), texture(2048), texture(4096),
    texture(3840, { usage = words "color_target", tag = "targets", priority = 1 }),
    { kind = "raw", size = 64 * MiB },
    { kind = "staging", location = "upload", size = 16 * MiB },
    { kind = "external", size = MiB },
}

local function relieved(request, changes)
    local one = {}
    for key, item in pairs(request) do
        one[key] = item
    end
    for key, item in pairs(changes) do
        one[key] = item
    end
    return one
end

samples.relieve = {
    relieved(texture(2048), { reason = "budget", account = { scope = "total" },
        shortage = 16 * MiB }),
    relieved(texture(4096), { reason = "budget", account = { scope = "heap", heap = 1 },
        shortage = 3 * MiB }),
    relieved(texture(256), { reason = "budget", account = { scope = "kind", kind = "texture" } }),
    relieved(texture(256), { reason = "budget", account = { scope = "tag", tag = "terrain" } }),
    relieved(samples.place[3], { reason = "out_of_memory", attempt = 2,
        tried = words "retry|trim" }),
    relieved(samples.place[1], { reason = "out_of_memory" }),
}

samples.limits = { {} }

samples.frame = {
    { tick_ns = 16666667 },
    { tick_ns = 16666667, created_bytes = 64 * MiB, freed_bytes = 32 * MiB, depth = 2,
        driver_alloc_count = 2, transient_used = 4 * MiB, transient_capacity = 8 * MiB },
    { tick_ns = 250000000, wait_ns = 100000000, refused_count = 12 },
}

samples.pressure = {
    { account = { scope = "total" }, watermark = 1, fraction = 0.85, up = true, used = 900 * MiB,
        limit = GiB },
    { account = { scope = "heap", heap = 1 }, watermark = 2, fraction = 0.95, up = true,
        used = 7 * GiB, limit = 7 * GiB },
    { account = { scope = "kind", kind = "texture" }, watermark = 1, fraction = 0.5, up = false,
        used = 100 * MiB, limit = 512 * MiB },
    { account = { scope = "tag", tag = "terrain" }, watermark = 1, fraction = 0.9, up = true,
        used = 460 * MiB, limit = 512 * MiB },
}

samples.retain = {
    { type = 0, heap = 1, size = 256 * MiB, age_ticks = 1000, pool_block_count = 8,
        pool_empty_count = 2 },
    { type = 0, heap = 1, size = 16 * MiB, empty_ticks = 64, age_ticks = 64, pool_block_count = 1,
        pool_empty_count = 1, over = true },
}

samples.recycle = {
    { kind = "buffer", count = 12, bytes = 48 * MiB, oldest_ticks = 30, hits = 100, misses = 3 },
    { kind = "texture" },
}

local candidates = {}
for i = 1, 32 do
    candidates[i] = {
        priority = i % 5 / 4, age = i * i % 17, size = (i % 9 + 1) * MiB, made = 100 + i,
        kind = i % 3 == 0 and "buffer" or "texture", tag = i % 2 == 0 and "terrain" or nil,
    }
end
samples.evict = {
    { candidates = candidates, wanted = 64 * MiB },
    { candidates = {}, wanted = MiB },
}

samples.alias = {
    { item_count = 40, pass_count = 12, bytes = 600 * MiB, lower_bound = 200 * MiB },
}

samples.defrag = {
    { type = 0, heap = 1, size = 256 * MiB, used = 90 * MiB, range_count = 200, gap_count = 60,
        movable_count = 150, largest_gap = 20 * MiB },
    { type = 0, heap = 1, size = 16 * MiB },
}

return samples
