-- Pictures of a block: a line of characters, and an SVG of the addresses over time. Both start from
-- cells: the block cut into equal stretches, and for each the share of it that is in use.

local picture = {}

--- How full each of `count` equal stretches of the block is, 0 to 1.
---@param block freehold.Block
---@param count integer
---@return number[]
function picture.cells(block, count)
    local cells = {}
    for i = 1, count do
        cells[i] = 0.0
    end
    local width = block:stats().block_bytes / count
    for offset, size, range in block:pieces() do
        if range then
            local first, last = offset / width, (offset + size) / width
            local i = math.floor(first)
            while i < last and i < count do
                cells[i + 1] = cells[i + 1] + math.min(last, i + 1) - math.max(first, i)
                i = i + 1
            end
        end
    end
    return cells
end

-- From empty over what is between to full.
local glyphs = {
    unicode = { "·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
    ascii = { ".", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#" },
}

-- Which of `count` steps shows a share. The first is for an empty cell only; the last, also for one
-- that lacks a fiftieth, or the padding of alignments would keep all cells from looking full.
local function step_of(share, count)
    if share <= 1e-9 then
        return 1
    elseif share >= 0.98 then
        return count
    end
    return 2 + math.floor(share / 0.98 * (count - 2))
end

--- Whether the terminal's locale says that it shows UTF-8.
---@return boolean
function picture.has_unicode()
    for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
        local value = os.getenv(name)
        if value and value ~= "" then
            return value:lower():find("utf%-?8") ~= nil
        end
    end
    return false
end

--- The cells as text, from empty to full.
---@param cells number[]
---@param unicode boolean
---@return string
function picture.line(cells, unicode)
    local set = glyphs[unicode and "unicode" or "ascii"]
    local out = {}
    for i, share in ipairs(cells) do
        out[i] = set[step_of(share, #set)]
    end
    return table.concat(out)
end

--- What the characters of a line mean.
---@param unicode boolean
---@return string
function picture.legend(unicode)
    local set = glyphs[unicode and "unicode" or "ascii"]
    return ("%s free  %s in part  %s used"):format(
        set[1], table.concat(set, "", 2, #set - 1), set[#set])
end

local WIDTH, ROW, LEFT, TOP, GAP = 960, 5, 16, 64, 56
local colours = { "none", "#deebf7", "#9ecae1", "#6baed6", "#3182bd", "#08519c" }

local function escape(text)
    return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- One path per shade of a row; neighbours of one shade are one rectangle.
local function add_row(out, cells, x, y)
    local step = WIDTH / #cells
    local paths = {}
    local i = 1
    while i <= #cells do
        local shade = step_of(cells[i], #colours)
        local stop = i
        while stop < #cells and step_of(cells[stop + 1], #colours) == shade do
            stop = stop + 1
        end
        if shade > 1 then
            local path = paths[shade] or {}
            paths[shade] = path
            path[#path + 1] = ("M%.4g %dh%.4gv%dh-%.4gz"):format(
                x + (i - 1) * step, y, (stop - i + 1) * step, ROW, (stop - i + 1) * step)
        end
        i = stop + 1
    end
    for shade = 2, #colours do
        if paths[shade] then
            out[#out + 1] = ('<path fill="%s" d="%s"/>'):format(
                colours[shade], table.concat(paths[shade]))
        end
    end
end

--- An SVG: for each panel a title and its rows of cells, addresses from left to right, time
--- downwards.
---@param title string
---@param panels { title: string, rows: number[][] }[]
---@return string
function picture.svg(title, panels)
    local height = TOP
    for _, panel in ipairs(panels) do
        height = height + #panel.rows * ROW + GAP
    end
    local out = {
        ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
            .. 'font-family="sans-serif" font-size="13">')
            :format(WIDTH + 2 * LEFT, height, WIDTH + 2 * LEFT, height),
        '<rect width="100%" height="100%" fill="white"/>',
        ('<text x="%d" y="24" font-size="16">%s</text>'):format(LEFT, escape(title)),
        ('<text x="%d" y="42" fill="#555">addresses from left to right, time downwards; '
            .. 'white is free</text>'):format(LEFT),
    }
    local y = TOP
    for _, panel in ipairs(panels) do
        out[#out + 1] = ('<text x="%d" y="%d">%s</text>'):format(LEFT, y + 12, escape(panel.title))
        y = y + 20
        for i, cells in ipairs(panel.rows) do
            add_row(out, cells, LEFT, y + (i - 1) * ROW)
        end
        out[#out + 1] = ('<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999"/>')
            :format(LEFT, y, WIDTH, #panel.rows * ROW)
        y = y + #panel.rows * ROW + GAP - 20
    end
    out[#out + 1] = "</svg>\n"
    return table.concat(out, "\n")
end

return picture
