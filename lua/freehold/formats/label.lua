-- How exports call objects, and what they say of them.

local fh = require "freehold"
local words = require "freehold.formats.words"

local label = {}

local formats

local function format_name(resource)
    formats = formats or fh.formats()
    return formats[resource.event.format]
end

--- What an object is: "buffer", "texture bc7_unorm", "memory type 2".
---@param object freehold.TracedResource|freehold.TracedMemory
---@return string
function label.class(object)
    if object.noun == "memory" then
        return ("memory type %d"):format(object.type)
    end
    local name = object.kind == "texture" and format_name(object)
    return name and "texture " .. name or object.kind
end

--- Its name, or what it is and its id.
---@param object freehold.TracedResource|freehold.TracedMemory
---@return string
function label.of(object)
    return object.name
        or ("%s %s"):format(object.noun == "memory" and "memory" or object.kind,
            object.id < 0 and ("0x%x"):format(object.id) or object.id)
end

--- What there is to know of one, by name. Values are texts and integers.
---@param object freehold.TracedResource|freehold.TracedMemory
---@return table<string, string|integer>
function label.facts(object)
    if object.noun == "memory" then
        local type = object.device.types[object.type + 1]
        return {
            memory = object.id, size = object.size, type = object.type,
            heap = object.heap_index, name = object.name,
            flags = type and table.concat(words.bits(words.memory_flags, type.flags), " ") or nil,
        }
    end
    local event = object.event
    local facts = {
        resource = object.id, kind = object.kind, size = object.size > 0 and object.size or nil,
        name = object.name, usage = table.concat(words.bits(words.usage, event.usage or 0), " "),
        tag = object.device.tags[event.tag],
    }
    if object.kind == "texture" then
        facts.format = format_name(object) or event.native_format
        facts.extent = ("%dx%dx%d"):format(event.width or 0, event.height or 0, event.depth or 0)
        facts.mips, facts.layers, facts.samples = event.mips, event.layers, event.samples
    end
    if object.memory then
        facts.memory, facts.offset, facts.taken = object.memory.id, object.offset, object.taken
    end
    return facts
end

return label
