-- The rules of Chrome's trace JSON, as Perfetto and Tracy's importer need them, checked without
-- anything of the exporter's.

local cjson = require "cjson"

local chrome_trace = {}

local PHASES = { C = true, b = true, e = true, n = true, i = true, M = true }
local METADATA = { process_name = true, thread_name = true }
local SCOPES = { g = true, p = true, t = true }

local function is_count(value, where)
    assert(math.type(value) == "integer" or value == math.floor(value), where)
    assert(value >= 1 and value < 1 << 31, where)
end

local function is_finite(value, where)
    assert(type(value) == "number", where)
    assert(value == value and math.abs(value) < math.huge, where .. " is not finite")
end

local check = {}

function check.C(event, where)
    assert(next(event.args), where .. " counts nothing")
    for key, value in pairs(event.args) do
        is_finite(value, where .. "." .. key)
    end
end

local function key_of(event, where)
    assert(type(event.id) == "string" and type(event.cat) == "string", where)
    return event.cat .. "\0" .. event.id
end

function check.b(event, where, open)
    local key = key_of(event, where)
    assert(not open[key], where .. " began before")
    open[key] = event
end

function check.n(event, where, open)
    assert(open[key_of(event, where)], where .. " is in nothing that began")
end

function check.e(event, where, open)
    local key = key_of(event, where)
    assert(open[key], where .. " ends what did not begin")
    assert(open[key].name == event.name and open[key].pid == event.pid, where)
    open[key].gone = event.ts
    open[key] = nil
end

function check.i(event, where)
    assert(SCOPES[event.s], where)
end

function check.M(event, where)
    assert(METADATA[event.name], where)
    assert(type(event.args.name) == "string", where)
end

--- The events of such a text, after all rules were checked.
---@param text string
---@return table[]
function chrome_trace.check(text)
    assert(utf8.len(text), "it is no UTF-8")
    local whole = cjson.decode(text)
    local open, last, processes, threads = {}, 0, {}, {}
    for i, event in ipairs(whole.traceEvents) do
        local where = ("event %d (%s)"):format(i, tostring(event.name))
        assert(type(event.name) == "string", where)
        assert(PHASES[event.ph], where .. " has the phase " .. tostring(event.ph))
        is_count(event.pid, where)
        is_count(event.tid, where)
        if event.ph == "M" then
            if event.name == "process_name" then
                processes[event.pid] = true
            else
                threads[event.pid .. "," .. event.tid] = true
            end
        else
            is_finite(event.ts, where)
            assert(event.ts >= last, where .. " runs backwards")
            last = event.ts
            assert(threads[event.pid .. "," .. event.tid], where .. " is of a nameless thread")
        end
        check[event.ph](event, where, open)
    end
    for _, event in ipairs(whole.traceEvents) do
        assert(processes[event.pid], "a process has no name")
    end
    assert(not next(open), "a span does not end")
    return whole.traceEvents
end

return chrome_trace
