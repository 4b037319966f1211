-- One big GPU buffer for all the meshes of a level, cut up by a block; and which strategy keeps it
-- in the best shape.
--
-- A block knows offsets only, so it can manage any buffer: here the numbers are bytes of a made-up
-- 16 MiB vertex buffer. Run it by tools/demo, or by lua5.4 examples/block.lua with the module's
-- folder in LUA_CPATH.

local fh = require "freehold"

local WIDTH = 64

local function has_utf8()
    local locale = os.getenv("LC_ALL") or os.getenv("LC_CTYPE") or os.getenv("LANG") or ""
    return locale:lower():find("utf%-?8") ~= nil
end

-- From free over tenths to used.
local GLYPHS = has_utf8() and { "·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
    or { ".", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#" }

-- The block as one line of text. pieces() gives all ranges and gaps in address order; range is nil
-- for a gap.
local function map(block)
    local used = {}
    local width = block:stats().block_bytes // WIDTH
    for i = 1, WIDTH do
        used[i] = 0
    end
    for offset, size, range in block:pieces() do
        local at, stop = offset, offset + size
        while range and at < stop do
            local cell = at // width
            local next_stop = math.min((cell + 1) * width, stop)
            used[cell + 1] = used[cell + 1] + next_stop - at
            at = next_stop
        end
    end
    for i, bytes in ipairs(used) do
        local share = bytes / width
        local step = 2 + math.floor(share * (#GLYPHS - 2))
        used[i] = GLYPHS[share == 0 and 1 or share > 0.98 and #GLYPHS or step]
    end
    return table.concat(used)
end

local function show(title, block)
    local detail = block:detail()
    local free = detail.stats.block_bytes - detail.stats.range_bytes
    print(("%-24s [%s]"):format(title, map(block)))
    print(("%24s  ranges: %d, %.1f MiB; gaps: %d, %.1f MiB, the largest %.1f\n"):format(
        "", detail.stats.range_count, detail.stats.range_bytes / fh.MiB,
        detail.free_count, free / fh.MiB, detail.free_max / fh.MiB))
end

print(("freehold %s   %s free   %s in part   %s used\n"):format(
    fh.version, GLYPHS[1], table.concat(GLYPHS, "", 2, #GLYPHS - 1), GLYPHS[#GLYPHS]))

--------------------------------------------------------------------------------------------------
-- A level comes and goes.

do
    math.randomseed(2024)
    local block <close> = assert(fh.block { size = 16 * fh.MiB })
    local meshes = {}

    -- Load until there is no room. A refusal is nil, a sentence, and a code; an engine would now
    -- make a second buffer.
    repeat
        local size = 64 * fh.KiB + math.random(960 * fh.KiB)
        local name = "mesh " .. #meshes + 1
        local range, why, code = block:alloc(size, { alignment = 256, user = name })
        meshes[#meshes + 1] = range
        assert(range or code == "out_of_memory", why)
    until not range
    show("level loaded", block)

    -- The player walks on: every third mesh goes. Free neighbours become one gap at once.
    for i = 1, #meshes, 3 do
        assert(meshes[i]:free())
    end
    show("every third unloaded", block)

    local mesh = meshes[2]
    print(("%s lies at %d"):format(mesh.user, mesh.offset))

    -- Mistakes are refused, and explained; the block is as it was.
    local done, why, code = meshes[1]:free()
    print(("freeing a mesh twice: %s: %s\n"):format(code, why))
    assert(not done and code == "stale")
end

--------------------------------------------------------------------------------------------------
-- Meshes of 1 to 512 KiB, many more small ones than large ones, are streamed in and out under each
-- strategy. How full is the buffer when one finds no room? On the average of some runs, since one
-- alone says more about its luck.

print "streaming under each strategy; the map is that of the last run\n"

local SIZE, FILL, RUNS = 16 * fh.MiB, 0.85, 16

-- Fills `block` by what the seed draws, until a mesh finds no room.
local function stream(block, strategy, seed)
    local options = { alignment = 256, strategy = strategy }
    local live = {}

    local function load()
        local range = block:alloc(math.floor(fh.KiB * 2 ^ (9 * math.random())), options)
        live[#live + 1] = range
        return range
    end

    local function unload()
        local i = math.random(#live)
        assert(live[i]:free())
        live[i] = live[#live]
        live[#live] = nil
    end

    math.randomseed(seed)
    for _ = 1, 5000 do
        if block:stats().range_bytes > FILL * SIZE or not load() then
            unload()
        end
    end
    repeat until not load()
end

for _, strategy in ipairs { "balanced", "min_time", "min_memory", "min_offset" } do
    local used, gaps, picture = 0, 0, nil
    for run = 1, RUNS do
        local block <close> = assert(fh.block { size = SIZE })
        stream(block, strategy, run)
        local detail = block:detail()
        used = used + detail.stats.range_bytes / SIZE / RUNS
        gaps = gaps + detail.free_count / RUNS
        picture = map(block)
    end
    print(("%-24s [%s]"):format(strategy, picture))
    print(("%24s  %.1f %% used at the first refusal, gaps: %.0f\n"):format("", 100 * used, gaps))
    assert(used > 0.8, "a strategy wastes much more than it should")
end
