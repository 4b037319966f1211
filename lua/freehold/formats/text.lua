-- A trace as lines of JSON, one object an event, with words for numbers: for people, and for jq.
-- Numbers are exact, also those above 2^53 that some readers of JSON round.

local fh = require "freehold"
local json = require "freehold.cli.json"
local state = require "freehold.formats.state"
local words = require "freehold.formats.words"

local text = { name = "json", doc = "one JSON object an event", extension = "jsonl" }

-- Fields whose number is a word, and those whose bits are.
local WORDS = {
    topic = words.topic, api = words.api, adapter_kind = words.adapter_kind,
    parcel_kind = words.kind, dedicated = words.dedicated, texture_kind = words.texture_kind,
    location = words.location, noun = words.noun, hook = words.hook, outcome = words.outcome,
    account = words.account,
}
local BITS = { usage = words.usage }

local function quote(value)
    return (json.line(value):sub(1, -2))
end

-- An integer of 64 bits without a sign.
local function number(value)
    if value >= 0 then
        return ("%d"):format(value)
    end
    local tens = (value >> 1) // 5
    return ("%d%d"):format(tens, value - tens * 10)
end

local function bits(list, value)
    local names = words.bits(list, value)
    return #names == 0 and "[]" or '["' .. table.concat(names, '","') .. '"]'
end

-- Heaps and types, as objects.
local function add_memory(out, event)
    local list, heaps, types = event.list or {}, {}, {}
    for i = 1, math.min(event.heap_count, #list // 2) do
        heaps[i] = ('{"size":%s,"device_local":%s}'):format(number(list[2 * i - 1]),
            list[2 * i] & 1 == 1)
    end
    for i = #heaps + 1, #list // 2 do
        types[#types + 1] = ('{"heap":%s,"flags":%s}'):format(number(list[2 * i - 1]),
            bits(words.memory_flags, list[2 * i]))
    end
    out[#out + 1] = ('"heaps":[%s],"types":[%s]'):format(table.concat(heaps, ","),
        table.concat(types, ","))
end

local function add_list(out, list)
    local numbers = {}
    for i, value in ipairs(list) do
        numbers[i] = number(value)
    end
    out[#out + 1] = ('"list":[%s]'):format(table.concat(numbers, ","))
end

-- What an event's field says.
local function value_of(event, field, formats, api)
    local value = event[field.name]
    if field.name == "result" then
        local word = words.result_of(api, value)
        return type(word) == "string" and quote(word) or number(value)
    elseif field.name == "dedicated" and event.kind == "memory" then
        return number(value)
    elseif field.name == "flags" and event.kind == "resource" then
        return bits(words.resource_flags, value)
    elseif field.name == "flags" and event.kind == "memory" then
        return bits(words.traced_memory_flags, value)
    elseif BITS[field.name] then
        return bits(BITS[field.name], value)
    elseif field.name == "format" then
        return formats[value] and quote(formats[value]) or "null"
    end
    local word = WORDS[field.name] and WORDS[field.name][value]
    return word and '"' .. word .. '"' or number(value)
end

--- Writes a trace as such lines.
---@param source freehold.TraceSource
---@param options freehold.ExportOptions `window`; `device`: only what is of it
---@param write fun(text: string)
function text.export(source, options, write)
    local kinds, formats = fh.trace_kinds(), fh.formats()
    local now = state.new()

    local function line(event, api)
        local out = {
            ('{"time_ns":%d,"thread":%d,"event":"%s"'):format(event.time_ns, event.thread,
                event.kind),
        }
        for _, field in ipairs(kinds[event.kind].fields) do
            out[#out + 1] = ('"%s":%s'):format(field.name, value_of(event, field, formats, api))
        end
        if event.kind == "device" then
            add_memory(out, event)
        elseif event.list then
            add_list(out, event.list)
        end
        if event.text and event.text ~= "" then
            out[#out + 1] = '"text":' .. quote(event.text)
        end
        write(table.concat(out, ",") .. "}\n")
    end

    source:pass(function(event)
        if options.window:before(event, now) then
            return true
        end
        local device = now:device_of(event)
        now:apply(event)
        device = device or now:device_of(event)
        if options.window.open
            and (not options.only or not device or device.id == options.device.id)
        then
            line(event, device and device.api)
        end
        return options.window:after()
    end, options.share, options.shares)
end

return text
