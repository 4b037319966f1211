-- The live view of a run: lines that are drawn again in place. Nothing has to be restored when the
-- program is ended: the cursor is visible, and stands below the view, whenever nothing is being
-- written.

local size = require "freehold.cli.size"
local text = require "freehold.cli.text"

local view = {}

local REMARKS = 3
local HISTORY = 512

local glyphs = {
    unicode = {
        full = "█", parts = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }, rest = "░",
        heights = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
    },
    ascii = { full = "#", parts = {}, rest = ".", heights = { "_", ".", "-", "=", "#" } },
}

local colours = { green = 32, yellow = 33, red = 31, faint = 2, bold = 1 }

local function coloured(settings, colour, source)
    if not settings.colour or source == "" then
        return source
    end
    return ("\27[%dm%s\27[m"):format(colours[colour], source)
end

--- A bar of `width` characters, full to that share.
---@param share number
---@param width integer
---@param unicode boolean
---@return string full
---@return string rest
function view.bar(share, width, unicode)
    local set = glyphs[unicode and "unicode" or "ascii"]
    share = math.min(math.max(share, 0), 1)
    local steps = #set.parts + 1
    local filled = math.floor(share * width * steps + 1e-9)
    local whole, part = filled // steps, filled % steps
    local full = set.full:rep(whole) .. (set.parts[part] or "")
    return full, set.rest:rep(width - whole - (set.parts[part] and 1 or 0))
end

--- The last values as a line of at most `width` characters, from 0 to the largest.
---@param values number[]
---@param width integer
---@param unicode boolean
---@return string
function view.line_of(values, width, unicode)
    local heights = glyphs[unicode and "unicode" or "ascii"].heights
    local first = math.max(1, #values - width + 1)
    local largest = 0
    for i = first, #values do
        largest = math.max(largest, values[i])
    end
    local out = {}
    for i = first, #values do
        local share = largest > 0 and values[i] / largest or 0
        out[#out + 1] = heights[math.max(1, math.ceil(share * #heights))]
    end
    return table.concat(out)
end

local function account_line(settings, row, width)
    local label = text.fit(text.clean(row.name), 14)
    local share = row.limit and row.limit > 0 and row.used / row.limit
        or row.limit and (row.used > 0 and 1 or 0)
    local bytes = row.limit and ("%s of %s"):format(size.format(row.used), size.format(row.limit))
        or size.format(row.used) .. ", no limit"
    local line = label .. " " .. text.fit(bytes, 24)
    local room = width - text.width(line) - 8
    if share and room >= 8 then
        local full, rest = view.bar(share, room, settings.unicode)
        local colour = share >= 0.9 and "red" or share >= 0.7 and "yellow" or "green"
        return line .. " " .. coloured(settings, colour, full) .. coloured(settings, "faint", rest)
            .. (" %4.0f %%"):format(100 * share)
    elseif share then
        return text.cut(line .. (" %3.0f %%"):format(100 * share), width)
    end
    return text.cut(line, width)
end

-- "budget v3, 1200 decisions, 60 a second"; and below it the last error.
local function policy_lines(settings, shown, width)
    local lines = {}
    local policy = shown.policy
    if not policy then
        return { text.cut("policy         the native rules", width) }
    end
    for i, script in ipairs(policy.scripts) do
        local line = ("%s %s, version %d, %s%s"):format(
            text.fit(i == 1 and "policy" or "", 14), text.clean(script.name), script.version,
            script.state, script.pending and ", the next one waits for the frame" or "")
        if i == 1 then
            line = line .. (", %d decisions, %.0f a second"):format(policy.decision_count,
                shown.decision_rate)
        end
        line = text.cut(line, width)
        lines[#lines + 1] = script.state == "loaded" and line or script.state == "reloaded" and line
            or coloured(settings, "red", line)
        if script.error and script.error ~= "" then
            local first = text.clean(script.error:match("^[^\n]*"))
            lines[#lines + 1] = coloured(settings, "red",
                text.cut("               " .. first, width))
        end
    end
    return lines
end

--- The lines of the view, each at most `width` characters wide.
---@param shown table what is shown: see Live:draw
---@param width integer
---@param settings { unicode: boolean, colour: boolean }
---@return string[]
function view.lines(shown, width, settings)
    local brief = shown.brief
    local lines = {}
    local function add(line)
        lines[#lines + 1] = line
    end

    local head = ("%s: frame %d%s, %.1f a second"):format(text.clean(shown.title), brief.frame,
        shown.frames and " of " .. shown.frames or "", shown.frame_rate)
    add(coloured(settings, "bold", text.cut(head, width)))
    if shown.frames then
        local full, rest = view.bar(brief.frame / shown.frames, width, settings.unicode)
        add(coloured(settings, "green", full) .. coloured(settings, "faint", rest))
    end
    add("")
    for _, row in ipairs(shown.accounts) do
        add(account_line(settings, row, width))
    end
    if #shown.history > 1 and width >= 30 then
        add("used           " .. view.line_of(shown.history, width - 16, settings.unicode))
    end
    add("")
    for _, line in ipairs(policy_lines(settings, shown, width)) do
        add(line)
    end
    add(text.cut(("requests       %d made, %d refused, %d saved by relief"):format(brief.made,
        brief.refused, brief.relieved), width))
    add(text.cut(("memory         %d evicted, %d declined, %s retiring, %d driver allocations")
        :format(brief.evicted, brief.declined, size.format(brief.retiring),
            brief.driver_allocations), width))
    for _, remark in ipairs(shown.remarks) do
        add(text.cut("- " .. text.clean(remark), width))
    end
    return lines
end

--------------------------------------------------------------------------------------------------

local Live = {}
Live.__index = Live

--- Something that is said among the last lines.
function Live:remark(line)
    local remarks = self.shown.remarks
    remarks[#remarks + 1] = line
    if #remarks > REMARKS then
        table.remove(remarks, 1)
    end
end

--- Draws over what was drawn before. `brief` and `accounts` are as in measure.lua; `policy` is what
--- policy:status gave, or nil; `rates` has frames and decisions a second.
function Live:draw(brief, accounts, policy, rates, columns, rows)
    local shown = self.shown
    shown.brief, shown.accounts, shown.policy = brief, accounts, policy
    shown.frame_rate, shown.decision_rate = rates.frames, rates.decisions
    shown.history[#shown.history + 1] = brief.used
    if #shown.history > HISTORY then
        table.move(shown.history, 2, #shown.history + 1, 1)
    end
    -- The last column stays free: writing there makes some terminals begin a line.
    local lines = view.lines(shown, math.max(columns - 1, 20), self.settings)
    local count = math.min(#lines, math.max(rows - 1, 1))
    local out = { self.height > 0 and ("\r\27[%dA"):format(self.height) or "\r" }
    for i = 1, count do
        out[#out + 1] = lines[i] .. "\27[K\n"
    end
    out[#out + 1] = "\27[J"
    self.height = count
    self.print(table.concat(out))
end

--- A view that writes by `print`.
---@param title string
---@param frames integer?
---@param settings { unicode: boolean, colour: boolean }
---@param print fun(text: string)
function view.live(title, frames, settings, print)
    return setmetatable({
        settings = settings,
        print = print,
        height = 0,
        shown = { title = title, frames = frames, history = {}, remarks = {} },
    }, Live)
end

return view
