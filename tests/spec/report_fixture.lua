-- Comparisons for the specs of the report: made up, but such as replays give them. A small world of
-- resources is put into blocks by first fit, once for each run, with other block sizes and limits.

local fixture = {}

local MiB = 1 << 20

-- The same numbers at each run and in each version of Lua.
local function random_from(seed)
    local state = seed
    return function(low, high)
        state = (state * 6364136223846793005 + 1442695040888963407)
        return low + (state >> 33) % (high - low + 1)
    end
end

local FORMATS = { "rgba8_unorm", "bc7_unorm", "rgba16_float", "d32_float" }

local function resource(random, i, frames, at)
    local texture = random(1, 3) > 1
    local size = texture and random(1, 128) * 128 * 1024 or random(1, 4096) * 1024
    local born = at or random(1, frames)
    local life = random(1, 10) == 1 and frames or random(1, math.max(1, frames // 3))
    return {
        id = i, kind = texture and "texture" or "buffer", size = size, born = born,
        gone = born + life <= frames and born + life or nil,
        name = random(1, 4) == 1 and "" or ("%s_%03d"):format(
            texture and "terrain/albedo" or "mesh/vertices", i),
        format = texture and FORMATS[random(1, #FORMATS)] or nil,
        width = texture and 512 or 0, height = texture and 256 or 0,
        usage = texture and { "sampled", "copy_dst" } or { "vertex", "copy_dst" },
        heap = random(1, 6) == 1 and 1 or 0,
    }
end

-- The lowest gap of a block that has room; nil where there is none.
local function gap_of(block, size)
    local at = 0
    for _, used in ipairs(block.used) do
        if used.offset - at >= size then
            break
        end
        at = used.offset + used.size
    end
    return at + size <= block.size and at or nil
end

local World = {}
World.__index = World

function World:put(item, frame)
    local run = self.run
    local limit = run.limit
    for _, block in ipairs(self.blocks) do
        local offset = not block.gone and block.heap == item.heap and not block.dedicated
            and gap_of(block, item.size)
        if offset then
            return self:place(block, offset, item, frame)
        end
    end
    local dedicated = run.dedicated or item.size > run.block_size // 2
    local size = dedicated and item.size or run.block_size
    if limit and self.reserved + size > limit then
        return nil
    end
    local block = {
        heap = item.heap, type = item.heap * 2 + (item.kind == "buffer" and 1 or 0), size = size,
        born = frame, dedicated = dedicated, used = {}, index = #self.blocks + 1,
    }
    self.blocks[block.index] = block
    self.reserved = self.reserved + size
    self.heaps[item.heap] = (self.heaps[item.heap] or 0) + size
    self.driver_allocs = self.driver_allocs + 1
    return self:place(block, 0, item, frame)
end

function World:place(block, offset, item, frame)
    local span = { block = block, offset = offset, size = item.size, item = item, born = frame }
    self.spans[#self.spans + 1] = span
    block.used[#block.used + 1] = span
    table.sort(block.used, function(a, b)
        return a.offset < b.offset
    end)
    self.committed = self.committed + item.size
    return span
end

function World:take(span, frame)
    span.gone = frame
    local block = span.block
    for i, used in ipairs(block.used) do
        if used == span then
            table.remove(block.used, i)
            break
        end
    end
    self.committed = self.committed - span.size
    if #block.used == 0 then
        block.gone = frame
        self.reserved = self.reserved - block.size
        self.heaps[block.heap] = self.heaps[block.heap] - block.size
    end
end

-- The largest of what lives goes; true when something did.
function World:evict(live, frame)
    local best
    for item, span in pairs(live) do
        if not best or span.size > live[best].size
            or span.size == live[best].size and item.id < best.id
        then
            best = item
        end
    end
    if best then
        self:take(live[best], frame)
        live[best] = nil
        return true
    end
end

local function columns_of(list, names)
    local columns = {}
    for _, name in ipairs(names) do
        local column = {}
        for i, row in ipairs(list) do
            column[i] = row[name]
        end
        columns[name] = column
    end
    return columns
end

local FRAME_NS = 16666667

local function block_columns(world)
    local rows = {}
    for i, block in ipairs(world.blocks) do
        rows[i] = {
            heap = block.heap, type = block.type, size = block.size, dedicated = block.dedicated,
            born_frame = block.born, gone_frame = block.gone or 0,
            born_ns = (block.born - 1) * FRAME_NS + FRAME_NS // 2,
            gone_ns = block.gone and (block.gone - 1) * FRAME_NS + FRAME_NS // 4 or false,
        }
    end
    return columns_of(rows, { "heap", "type", "size", "dedicated", "born_frame", "gone_frame",
        "born_ns", "gone_ns" })
end

local function span_columns(world, causes)
    local rows = {}
    for i, span in ipairs(world.spans) do
        rows[i] = {
            block = span.block.index, resource = span.item.id, offset = span.offset,
            size = span.size, born_frame = span.born, gone_frame = span.gone or 0,
            born_ns = (span.born - 1) * FRAME_NS + FRAME_NS // 2,
            gone_ns = span.gone and (span.gone - 1) * FRAME_NS + FRAME_NS // 4 or false,
            cause = causes > 0 and (span.size > 8 * MiB and 1 or 0) or 0,
            aliased = span.aliased or false,
        }
    end
    return columns_of(rows, { "block", "resource", "offset", "size", "born_frame", "gone_frame",
        "born_ns", "gone_ns", "cause", "aliased" })
end

local function largest_gap(world)
    local free, largest = 0, 0
    for _, block in ipairs(world.blocks) do
        if not block.gone then
            local at = 0
            for i = 1, #block.used + 1 do
                local used = block.used[i]
                local gap = (used and used.offset or block.size) - at
                free, largest = free + gap, math.max(largest, gap)
                at = used and used.offset + used.size or at
            end
        end
    end
    return free > 0 and (free - largest) * 1000000 // free or 0
end

-- The columns of samples; those of heaps last.
local function sample_names(heap_count)
    local names = { "frame", "time_ns", "reserved", "committed", "reserved_peak", "limit",
        "budget", "fragmentation_ppm", "driver_allocs", "refused", "evicted", "reloaded" }
    for heap = 0, heap_count - 1 do
        names[#names + 1] = "heap" .. heap
    end
    return names
end

local function alias(world)
    for i, span in ipairs(world.spans) do
        if i % 5 == 0 and not span.block.dedicated and span.size > MiB then
            local twin = {}
            for key, value in pairs(span) do
                twin[key] = value
            end
            twin.item = world.items[(i % #world.items) + 1]
            twin.size = span.size * 3 // 4
            twin.offset = span.offset + span.size // 8
            twin.aliased, span.aliased = true, true
            world.spans[#world.spans + 1] = twin
        end
    end
end

local function sample(world, frame, before, counts)
    return {
        frame = frame, time_ns = frame * FRAME_NS, reserved = world.reserved,
        committed = world.committed, reserved_peak = world.peak, limit = world.run.limit or false,
        budget = world.budget or false, fragmentation_ppm = largest_gap(world),
        driver_allocs = world.driver_allocs - before, refused = counts.refused,
        evicted = counts.evicted, reloaded = counts.reloaded, heap0 = world.heaps[0] or 0,
        heap1 = world.heaps[1] or 0, heap2 = world.heaps[2] or 0,
    }
end

local function play(run, items, frames, budget)
    local world = setmetatable({
        run = run, items = items, blocks = {}, spans = {}, reserved = 0, committed = 0, heaps = {},
        driver_allocs = 0, budget = budget,
    }, World)
    local samples, live, total = {}, {}, { refused = 0, evicted = 0, reloaded = 0, bytes = 0 }
    for frame = 1, frames do
        local counts = { refused = 0, evicted = 0, reloaded = 0 }
        local before = world.driver_allocs
        world.peak = world.reserved
        for _, item in ipairs(items) do
            if item.gone == frame and live[item] then
                world:take(live[item], frame)
                live[item] = nil
            elseif item.born == frame then
                local span = world:put(item, frame)
                while not span and run.evicts and world:evict(live, frame) do
                    counts.evicted = counts.evicted + 1
                    span = world:put(item, frame)
                end
                if span then
                    live[item] = span
                    total.bytes = total.bytes + span.size
                else
                    counts.refused = counts.refused + 1
                end
            end
            world.peak = math.max(world.peak, world.reserved)
        end
        samples[frame] = sample(world, frame, before, counts)
        for name, count in pairs(counts) do
            total[name] = total[name] + count
        end
    end
    if run.aliased then
        alias(world)
    end
    return world, samples, total
end

local function peak_and_mean(samples, name)
    local peak, sum = 0, 0
    for _, row in ipairs(samples) do
        peak, sum = math.max(peak, row[name]), sum + row[name]
    end
    return peak, sum // math.max(1, #samples)
end

local function figures_of(world, samples, total)
    local figures = {
        frame_count = #samples, heap_count = world.heap_count, total = {}, heaps = {},
        driver_alloc_count = world.driver_allocs, driver_free_count = 0,
        request_count = #world.items, refused_count = total.refused,
        evicted_count = total.evicted, reload_count = total.reloaded, moved_count = 0,
        moved_bytes = 0, miss_count = total.refused * 3, frames_over_budget = 0,
        request_bytes = total.bytes, decision_count = world.run.as_recorded and 0 or 17,
        decision_failed_count = 0, can_evict = true,
    }
    figures.total.reserved_peak = peak_and_mean(samples, "reserved_peak")
    figures.total.reserved_mean = select(2, peak_and_mean(samples, "reserved"))
    figures.total.committed_peak, figures.total.committed_mean = peak_and_mean(samples,
        "committed")
    figures.fragmentation_peak_ppm, figures.fragmentation_mean_ppm = peak_and_mean(samples,
        "fragmentation_ppm")
    for heap = 0, world.heap_count - 1 do
        local peak, mean = peak_and_mean(samples, "heap" .. heap)
        figures.heaps[heap + 1] = {
            reserved_peak = peak, reserved_mean = mean, committed_peak = 0, committed_mean = 0,
            budget = heap == 0 and world.budget or 0,
        }
    end
    return figures
end

--- The runs that a fixture may have, in order.
fixture.RUNS = {
    { name = "as recorded", as_recorded = true, block_size = 64 * MiB },
    { name = "native rules", block_size = 32 * MiB },
    { name = "budget", block_size = 32 * MiB, limit = 160 * MiB, evicts = true,
        watermarks = { 0.85 }, script = "budget.lua" },
    { name = "tiers", block_size = 16 * MiB, script = "tiers.lua" },
    { name = "strict", block_size = 16 * MiB, limit = 96 * MiB, script = "strict.lua" },
    { name = "dedicated", dedicated = true, block_size = MiB, script = "dedicated.lua" },
}

--- A comparison of the first `runs` runs, of `resources` resources over `frames` frames.
---@param options table frames, resources, runs, heaps, aliased, seed, rename (of resources)
function fixture.comparison(options)
    local random = random_from(options.seed or 7)
    local frames, items = options.frames, {}
    for i = 1, options.resources do
        items[i] = resource(random, i, frames, i <= options.resources // 8 and 1 or nil)
        if options.rename then
            items[i].name = options.rename(i)
        end
        if options.heaps == 3 and i % 7 == 0 then
            items[i].heap = 2
        elseif options.heaps == 1 then
            items[i].heap = 0
        end
    end
    local heap_count = options.heaps or 2
    local comparison = {
        freehold = "0.1.0", profile = "as recorded", what_if = {}, runs = {},
        trace = {
            path = "recordings/demo.fhtrace", program = options.program or "demo", damage = "",
            tool = "freehold record 0.1.0", dropped = 0, event_count = options.resources * 4,
            duration_ns = frames * FRAME_NS, frame_count = frames, frames_by = "presents",
            has_uses = true,
            device = { id = 1, name = "llvmpipe (LLVM 15.0.6, 256 bits)", api = "vulkan",
                heaps = {
                    { size = 8 << 30, device_local = true },
                    heap_count >= 2 and { size = 16 << 30 } or nil,
                    heap_count >= 3 and { size = 256 * MiB, device_local = true } or nil,
                },
                types = {
                    { heap = 0, flags = "device_local" }, { heap = 0, flags = "device_local" },
                    { heap = 1, flags = "host_visible|host_coherent" },
                    { heap = 1, flags = "host_visible|host_coherent|host_cached" },
                } },
        },
        resource = function(id)
            return items[id]
        end,
    }
    for i = 1, options.runs do
        local run = {}
        for key, value in pairs(fixture.RUNS[i]) do
            run[key] = value
        end
        run.aliased = options.aliased
        local world, samples, total = play(run, items, frames, 512 * MiB)
        world.heap_count = heap_count
        local causes = run.script and {
            { script = run.script, hook = "place", line = 42, decision_count = 12,
                resource_count = 40, bytes = 300 * MiB, placed_count = 40,
                placed_bytes = 300 * MiB, answer = "device, dedicated prefer" },
            { script = run.script, hook = "relieve", line = 57, decision_count = 5,
                resource_count = 5, bytes = 20 * MiB, evicted_count = 4,
                evicted_bytes = 16 * MiB, refused_count = 1, refused_bytes = 4 * MiB,
                answer = "retry, trim, evict" },
        } or {}
        comparison.runs[i] = {
            name = run.name, as_recorded = run.as_recorded, causes = causes,
            policy = run.script and { run.script } or {},
            options = run.limit and { limit = run.limit, soft = 0.85 } or {},
            option_types = { limit = "bytes", soft = "number" },
            figures = figures_of(world, samples, total), watermarks = run.watermarks,
            timing = { wall_ns = 12345678, policy_ns = run.script and 345678 or 0,
                event_count = options.resources * 4,
                decisions_per_second = run.script and 81234.5 or 0 },
            samples = columns_of(samples, sample_names(heap_count)), blocks = block_columns(world),
            spans = span_columns(world, #causes),
        }
    end
    comparison.trace.peak_reserved = comparison.runs[1]
        and comparison.runs[1].figures.total.reserved_peak
    comparison.trace.peak_committed = comparison.runs[1]
        and comparison.runs[1].figures.total.committed_peak
    return comparison
end

-- A run as large as a million events make it: `spans` small spans in 40 blocks, over `frames`.
local function large_run(base, spans_count, frames, random)
    local run = {}
    for key, value in pairs(base) do
        run[key] = value
    end
    local samples, spans, blocks = {}, {}, {}
    for _, name in ipairs(sample_names(2)) do
        samples[name] = {}
    end
    for frame = 1, frames do
        local value = (100 + random(0, 20) + frame * 200 // frames) * MiB
        local row = {
            frame = frame, time_ns = frame * FRAME_NS, reserved = value,
            committed = value - random(0, 8 * MiB),
            reserved_peak = frame == frames // 2 + 1 and 777 * MiB or value, limit = false,
            budget = 512 * MiB, fragmentation_ppm = random(0, 800000), driver_allocs = 1,
            refused = frame % 9973 == 0 and 1 or 0, evicted = frame % 7 == 0 and 2 or 0,
            reloaded = 0, heap0 = value, heap1 = 0,
        }
        for name, value_of in pairs(row) do
            samples[name][frame] = value_of
        end
    end
    for _, name in ipairs { "heap", "type", "size", "dedicated", "born_frame", "gone_frame",
        "born_ns", "gone_ns" } do
        blocks[name] = {}
    end
    for i = 1, 40 do
        blocks.heap[i], blocks.type[i], blocks.size[i] = i % 2, i % 2 * 2, 64 * MiB
        blocks.dedicated[i], blocks.born_frame[i], blocks.born_ns[i] = false, 1, 0
        blocks.gone_frame[i], blocks.gone_ns[i] = 0, false
    end
    for _, name in ipairs { "block", "resource", "offset", "size", "born_frame", "gone_frame",
        "born_ns", "gone_ns", "cause", "aliased" } do
        spans[name] = {}
    end
    for i = 1, spans_count do
        local born = random(1, frames)
        local gone = math.min(frames, born + random(0, 60))
        spans.block[i], spans.resource[i] = random(1, 40), i
        spans.size[i] = random(1, 1024) * 1024
        spans.offset[i] = random(0, 63) * MiB
        spans.born_frame[i], spans.gone_frame[i] = born, gone
        spans.born_ns[i], spans.gone_ns[i] = born * FRAME_NS, gone * FRAME_NS
        spans.cause[i], spans.aliased[i] = 0, false
    end
    run.samples, run.blocks, run.spans = samples, blocks, spans
    return run
end

--- A comparison with as many samples and spans as a long recording gives.
function fixture.large(spans, frames, runs)
    local comparison = fixture.comparison { frames = 10, resources = 10, runs = runs }
    local random = random_from(11)
    for i, run in ipairs(comparison.runs) do
        comparison.runs[i] = large_run(run, spans, frames, random)
    end
    comparison.trace.event_count = spans * 2
    comparison.trace.frame_count = frames
    comparison.resource = function(id)
        return { kind = id % 2 == 0 and "buffer" or "texture", name = "resource " .. id }
    end
    return comparison
end

return fixture
