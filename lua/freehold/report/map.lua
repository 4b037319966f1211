-- Which blocks and spans of a run are drawn in its map, lifetime × offset, and what stands for the
-- others.
--
-- A page can show some thousand rectangles; a run may have a million. Those that would cover most
-- of the picture are drawn each by itself. Of a block's other spans there is a grid of cells that
-- tells where they lie, drawn as one hatch, and how many begin in each; blocks that are not drawn
-- are counted by their kind of memory and by the time in which they live. So nothing is left out
-- silently, and the sums are exact.

local json = require "freehold.cli.json"
local overlap = require "freehold.report.overlap"

local map = {}

local BLOCKS_MAX = 400
local SPANS_MAX = 3000
local COLUMNS = 64             -- of a grid, in time
local ROWS, ROWS_SMALL = 16, 2 -- of a grid, in offsets
local FINE_BLOCKS = 24         -- the largest, whose grids have ROWS

-- What lives at the end says so in one of several ways: nil, false, -1 or the largest integer.
local function lives_on(gone_ns)
    return not gone_ns or gone_ns < 0 or gone_ns == math.maxinteger
end

-- Of `count` things with weights, 0 for those that do not matter, at most `most` of the heaviest,
-- as a set. One pass into bins of a quarter of a doubling, and one to take them out: there is no
-- need to sort a million.
local function heaviest(weights, count, most)
    local floor, log = math.floor, math.log
    local bins, highest = {}, -math.huge
    local lowest = math.huge
    for i = 1, count do
        local weight = weights[i]
        if weight > 0 then
            local bin = floor(4 * log(weight, 2))
            bins[bin] = (bins[bin] or 0) + 1
            highest, lowest = math.max(highest, bin), math.min(lowest, bin)
        end
    end
    if highest < lowest then
        return {}
    end
    local taken, edge = 0, highest
    while edge >= lowest and taken + (bins[edge] or 0) <= most do
        taken = taken + (bins[edge] or 0)
        edge = edge - 1
    end
    local room, set = most - taken, {}
    for i = 1, count do
        local weight = weights[i]
        if weight > 0 then
            local bin = floor(4 * log(weight, 2))
            if bin > edge then
                set[i] = true
            elseif bin == edge and room > 0 then
                set[i] = true
                room = room - 1
            end
        end
    end
    return set
end

-- A block's height in the picture goes with the root of its size: large ones do not hide the small.
local function block_weights(blocks, axis)
    local weights, heights = {}, {}
    for i = 1, #blocks.size do
        local born = math.max(blocks.born_frame[i], axis.first)
        local gone = lives_on(blocks.gone_ns[i]) and axis.last or blocks.gone_frame[i]
        gone = math.min(gone, axis.last)
        heights[i] = math.sqrt(blocks.size[i])
        weights[i] = gone < born and 0 or heights[i] * (gone - born + 1)
    end
    return weights, heights
end

local function span_weights(spans, blocks, shown, heights, axis)
    local weights = {}
    local first, last = axis.first, axis.last
    local sizes, owners = blocks.size, spans.block
    local span_sizes, born_frames, gone_frames = spans.size, spans.born_frame, spans.gone_frame
    local gone_ns = spans.gone_ns
    for i = 1, #owners do
        local block = owners[i]
        local born = born_frames[i]
        local gone = lives_on(gone_ns[i]) and last or gone_frames[i]
        if not shown[block] or gone < first or born > last then
            weights[i] = 0
        else
            if born < first then
                born = first
            end
            if gone > last then
                gone = last
            end
            weights[i] = (gone - born + 1) * (span_sizes[i] / sizes[block]) * heights[block]
        end
    end
    return weights
end

--------------------------------------------------------------------------------------------------
-- Grids of what is not drawn by itself

---@class freehold.ReportGrid
local Grid = {}
Grid.__index = Grid

local function new_grid(rows)
    return setmetatable({ rows = rows, count = 0, bytes = 0, touched = {}, begins = {} }, Grid)
end

-- A span from column `from` to `to`, and from row `low` to `high`.
function Grid:add(from, to, low, high, bytes)
    self.count, self.bytes = self.count + 1, self.bytes + bytes
    for row = low, high do
        for at = row * COLUMNS + from, row * COLUMNS + to do
            self.touched[at] = true
        end
    end
    local at = low * COLUMNS + from
    self.begins[at] = (self.begins[at] or 0) + 1
end

-- Cells side by side in one row are one piece: row, first column, columns, spans that begin there.
function Grid:page()
    local cells = json.list {}
    for row = 0, self.rows - 1 do
        local start, sum = nil, 0
        for column = 0, COLUMNS do
            local at = row * COLUMNS + column
            local touched = column < COLUMNS and self.touched[at]
            if touched then
                start = start or column
                sum = sum + (self.begins[at] or 0)
            elseif start then
                local n = #cells
                cells[n + 1], cells[n + 2], cells[n + 3], cells[n + 4] = row, start,
                    column - start, sum
                start, sum = nil, 0
            end
        end
    end
    return { rows = self.rows, count = self.count, bytes = self.bytes, cells = cells }
end

local function column_of(axis, frame)
    local frames = axis.last - axis.first + 1
    return math.max(0, math.min(COLUMNS - 1, (frame - axis.first) * COLUMNS // frames))
end

-- Grids of the spans that are in a drawn block, and not drawn themselves.
local function rest_of(spans, weights, set, blocks, fine, axis)
    local grids = {}
    for i = 1, #weights do
        if weights[i] > 0 and not set[i] then
            local block = spans.block[i]
            local grid = grids[block]
            if not grid then
                grid = new_grid(fine[block] and ROWS or ROWS_SMALL)
                grids[block] = grid
            end
            local gone = lives_on(spans.gone_ns[i]) and axis.last or spans.gone_frame[i]
            local size, offset, rows = blocks.size[block], spans.offset[i], grid.rows
            local low = math.min(rows - 1, offset * 1.0 / size * rows // 1 | 0)
            local high = math.min(rows - 1,
                (offset + math.max(spans.size[i], 1) - 1) * 1.0 / size * rows // 1 | 0)
            grid:add(column_of(axis, spans.born_frame[i]), column_of(axis, gone), low, high,
                spans.size[i])
        end
    end
    return grids
end

-- What is not drawn of each kind of memory: blocks, their bytes, and in which columns some live.
local function others_of(blocks, shown, weights, axis)
    local kinds, list = {}, json.list {}
    for i = 1, #weights do
        if weights[i] > 0 and not shown[i] then
            local key = blocks.heap[i] << 8 | blocks.type[i]
            local kind = kinds[key]
            if not kind then
                kind = { heap = blocks.heap[i], type = blocks.type[i], grid = new_grid(1) }
                kinds[key] = kind
                list[#list + 1] = kind
            end
            local gone = lives_on(blocks.gone_ns[i]) and axis.last or blocks.gone_frame[i]
            kind.grid:add(column_of(axis, blocks.born_frame[i]), column_of(axis, gone), 0, 0,
                blocks.size[i])
        end
    end
    for _, kind in ipairs(list) do
        kind.grid = kind.grid:page()
    end
    return list
end

--------------------------------------------------------------------------------------------------

-- Thousandths of a frame, from the beginning of the first.
local function place(axis, frame, ns)
    return math.floor((axis:place(frame, ns) - axis.first + 1) * 1000 + 0.5)
end

local function placed(axis, columns, i)
    local born = place(axis, columns.born_frame[i], columns.born_ns[i])
    if lives_on(columns.gone_ns[i]) then
        return born, -1
    end
    return born, place(axis, columns.gone_frame[i], columns.gone_ns[i])
end

local BLOCK_COLUMNS = { "heap", "type", "size", "born", "gone", "dedicated", "spans" }
local SPAN_COLUMNS = { "block", "resource", "offset", "size", "born", "gone", "cause", "slot",
    "slots", "aliased" }

local function columns_of(names)
    local columns = {}
    for _, name in ipairs(names) do
        columns[name] = json.list {}
    end
    return columns
end

local function add_row(columns, names, row)
    for i, name in ipairs(names) do
        local column = columns[name]
        column[#column + 1] = row[i]
    end
end

local function flag(value)
    return value and value ~= 0 and 1 or 0
end

local function span_counts(spans, weights)
    local counts = {}
    for i = 1, #weights do
        if weights[i] > 0 then
            local block = spans.block[i]
            counts[block] = (counts[block] or 0) + 1
        end
    end
    return counts
end

-- The drawn blocks in order, and the place of each among them, from 0.
local function block_page(blocks, shown, counts, grids, axis)
    local page, places, rests, count = columns_of(BLOCK_COLUMNS), {}, json.list {}, 0
    for i = 1, #blocks.size do
        if shown[i] then
            local born, gone = placed(axis, blocks, i)
            add_row(page, BLOCK_COLUMNS, {
                blocks.heap[i], blocks.type[i], blocks.size[i], born, gone,
                flag(blocks.dedicated and blocks.dedicated[i]), counts[i] or 0,
            })
            places[i], count = count, count + 1
            if grids[i] then
                local rest = grids[i]:page()
                rest.block = places[i]
                rests[#rests + 1] = rest
            end
        end
    end
    return page, places, rests
end

local function span_page(spans, set, places, axis, known, lookup)
    local rows = {}
    for i = 1, #spans.block do
        if set[i] then
            local born, gone = placed(axis, spans, i)
            rows[#rows + 1] = {
                block = places[spans.block[i]], offset = spans.offset[i], size = spans.size[i],
                born = born, gone = gone, index = i,
            }
        end
    end
    overlap.mark(rows)
    local page = columns_of(SPAN_COLUMNS)
    for _, row in ipairs(rows) do
        local i = row.index
        add_row(page, SPAN_COLUMNS, {
            row.block, known:add(spans, i, lookup), row.offset, row.size, row.born, row.gone,
            spans.cause and spans.cause[i] or 0, row.slot, row.slots,
            flag(spans.aliased and spans.aliased[i]),
        })
    end
    return page, #rows
end

--- The map of one run, as the page takes it; nil where the run kept no spans.
---@param run freehold.ComparedRun
---@param axis freehold.ReportAxis
---@param known freehold.ReportResources
---@param lookup (fun(id: integer): table?)?
---@return table?
function map.of(run, axis, known, lookup)
    local blocks, spans = run.blocks, run.spans
    if not blocks or not blocks.size or axis.count == 0 then
        return nil
    end
    spans = spans and spans.block and spans or {
        block = {}, offset = {}, size = {}, born_ns = {}, gone_ns = {}, born_frame = {},
        gone_frame = {},
    }
    local weights, heights = block_weights(blocks, axis)
    local shown = heaviest(weights, #weights, BLOCKS_MAX)
    local fine = heaviest(weights, #weights, FINE_BLOCKS)
    local others = others_of(blocks, shown, weights, axis)

    weights = span_weights(spans, blocks, shown, heights, axis)
    local set = heaviest(weights, #weights, SPANS_MAX)
    local grids = rest_of(spans, weights, set, blocks, fine, axis)
    local page, places, rests = block_page(blocks, shown, span_counts(spans, weights), grids, axis)
    local drawn, drawn_count = span_page(spans, set, places, axis, known, lookup)
    return {
        columns = COLUMNS, blocks = page, spans = drawn, rests = rests, others = others,
        block_count = #blocks.size, drawn_count = drawn_count, given_count = #spans.block,
        span_count = spans.count or #spans.block,
    }
end

return map
