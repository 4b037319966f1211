-- What one has to know before one believes a report: damage, what was not recorded, what a run
-- left undone. Sentences, each with its weight: "warning" for what makes figures doubtful, "note"
-- for what explains them.

local json = require "freehold.cli.json"
local size = require "freehold.cli.size"

local notes = {}

local function counted(count, noun)
    local digits = tostring(count):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
    return ("%s %s%s"):format(digits, noun, count == 1 and "" or "s")
end

local function other_devices(trace)
    local others = {}
    for i, other in ipairs(trace.other_devices) do
        others[i] = ("%d (%s, at most %s)"):format(other.id, other.name or "",
            size.format(other.peak_reserved or 0))
    end
    return ("This is device %d; the trace has others: %s. freehold replay --device ID shows them.")
        :format(trace.device and trace.device.id or 0, table.concat(others, ", "))
end

-- What a log of another tool's does not tell, and what could not be read of it.
local function of_import(trace, add)
    local log = trace.imported
    if log and (log.lost_count or 0) > 0 then
        add("warning", ("%s of the log could not be read, and this is why: %s"):format(
            counted(log.lost_count, "line"), log.remarks and log.remarks[1] or "it is not known."))
    end
    for _, remark in ipairs(trace.remarks or {}) do
        add("note", remark)
    end
end

local function of_trace(trace, add)
    if trace.damage and trace.damage ~= "" then
        add("warning", "The trace is damaged: " .. trace.damage:gsub("%.$", "")
            .. ". What is shown is what came before the damage.")
    end
    if (trace.dropped or 0) > 0 then
        add("warning", counted(trace.dropped, "event") .. " could not be recorded, as they came "
            .. "faster than they were written: what they told is missing in all figures.")
    end
    if (trace.ignored or 0) > 0 then
        add("warning", counted(trace.ignored, "event") .. " of objects that the trace does not "
            .. "know: left out.")
    end
    if #(trace.other_devices or {}) > 0 then
        add("note", other_devices(trace))
    end
    of_import(trace, add)
    if trace.has_uses == false then
        add("note", "Eviction is off: the trace does not tell which work uses which resource, and "
            .. "nothing could be evicted.")
    end
    if trace.frames_by == "submits" then
        add("note", "The program presents nothing: a frame is a batch of submitted work.")
    elseif trace.frames_by == "time" then
        add("note", "The trace has neither presents nor submits: a frame is 16.7 ms.")
    end
end

local function of_run(run, add)
    local figures = run.figures or {}
    for _, problem in ipairs(run.problems or {}) do
        add("warning", ("%s: %s of '%s': %s"):format(run.name, problem.state == "quarantined"
            and "a hook is in quarantine" or "a hook failed", problem.script or "a script",
            tostring(problem.error):match("^[^\n]*")))
    end
    if (figures.decision_failed_count or 0) > 0 then
        add("warning", ("%s: scripts failed or were stopped in %s, and the native rule decided "
            .. "instead."):format(run.name, counted(figures.decision_failed_count, "decision")))
    end
end

-- What runs left undone. It makes their figures look better than they are.
local function of_refusals(runs, add)
    local list = {}
    for _, run in ipairs(runs) do
        local figures = run.figures or {}
        if run.as_recorded and (figures.refused_count or 0) > 0 then
            add("note", ("The driver refused the program %s. Such requests are not played again: "
                .. "that the other runs show fewer is no merit of theirs."):format(
                counted(figures.refused_count, "request")))
        end
        local refused, misses = figures.refused_count or 0, figures.miss_count or 0
        if not run.as_recorded and (refused > 0 or misses > 0) then
            list[#list + 1] = ("%s refused %s, and saw %s of a resource that had no memory"):format(
                run.name, counted(refused, "request"), counted(misses, "use"))
        end
    end
    if #list > 0 then
        add("note", "A part of what was saved is memory that was asked for in vain: "
            .. table.concat(list, "; ") .. ".")
    end
end

--- The notes on a comparison: a list of { level=, text= }.
---@param comparison freehold.Comparison
---@return table[]
function notes.of(comparison)
    local list = json.list {}
    local function add(level, sentence)
        list[#list + 1] = { level = level, text = sentence }
    end
    of_trace(comparison.trace or {}, add)
    for _, run in ipairs(comparison.runs or {}) do
        of_run(run, add)
    end
    of_refusals(comparison.runs or {}, add)
    if #(comparison.runs or {}) == 0 then
        add("warning", "Nothing was replayed: there is nothing to compare.")
    end
    table.sort(list, function(a, b)
        if a.level ~= b.level then
            return a.level == "warning"
        end
        return a.text < b.text
    end)
    return list
end

return notes
