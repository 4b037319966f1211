-- What the spans of all runs of a comparison are: each resource once, however many spans it has,
-- and each word once, however many resources have it.

local json = require "freehold.cli.json"
local text = require "freehold.cli.text"

local resources = {}

local NAME_MAX = 160           -- columns of a name: the rest of it is left out, and shown to be

local COLUMNS = { "id", "kind", "name", "format", "usage", "extent", "location" }

---@class freehold.ReportResources
local Resources = {}
Resources.__index = Resources

---@return freehold.ReportResources
function resources.new()
    local columns = {}
    for _, name in ipairs(COLUMNS) do
        columns[name] = json.list {}
    end
    return setmetatable({ columns = columns, count = 0, places = {}, words = json.list {},
        word_places = {} }, Resources)
end

-- The place of a word in the list of words, from 0.
function Resources:word(source)
    local place = self.word_places[source]
    if not place then
        place = #self.words
        self.words[place + 1] = source
        self.word_places[source] = place
    end
    return place
end

--- A set, a list or a text of words, as one text.
---@param value any
---@return string
function resources.words(value)
    if type(value) == "table" then
        local list = {}
        for key, item in pairs(value) do
            list[#list + 1] = tostring(math.type(key) and item or key)
        end
        table.sort(list)
        value = table.concat(list, " ")
    end
    return value and tostring(value):gsub("|", " ") or ""
end

-- "2048 × 1024, 12 mips"
local function extent_of(get)
    local parts = {}
    local width, height, depth = get "width" or 0, get "height" or 0, get "depth" or 0
    if width > 0 then
        local extent = tostring(width)
        if height > 0 then
            extent = extent .. " × " .. height
        end
        if depth > 1 then
            extent = extent .. " × " .. depth
        end
        parts[1] = extent
    end
    for _, count in ipairs { { "layers", "layer" }, { "mips", "mip" }, { "samples", "sample" } } do
        local number = get(count[1]) or 0
        if number > 1 then
            parts[#parts + 1] = ("%d %ss"):format(number, count[2])
        end
    end
    return table.concat(parts, ", ")
end

--- The place of the resource of the span i, from 0; -1 for a raw memory, which is none.
---@param spans table<string, any[]>
---@param i integer
---@param lookup (fun(id: integer): table?)?
---@return integer
function Resources:add(spans, i, lookup)
    local id = spans.resource and spans.resource[i] or 0
    if id == 0 then
        return -1
    end
    local place = self.places[id]
    if place then
        return place
    end
    local found = not spans.kind and lookup and lookup(id) or {}
    local function get(name)
        local value = spans[name] and spans[name][i]
        if value == nil then
            value = found[name]
        end
        return value or nil
    end
    local row = {
        id, self:word(resources.words(get "kind")),
        self:word(text.cut(text.clean(get "name" or ""), NAME_MAX)),
        self:word(resources.words(get "format")), self:word(resources.words(get "usage")),
        self:word(extent_of(get)), self:word(resources.words(get "location")),
    }
    for k, name in ipairs(COLUMNS) do
        self.columns[name][self.count + 1] = row[k]
    end
    place = self.count
    self.count = place + 1
    self.places[id] = place
    return place
end

--- All of them, as the page takes them.
---@return table
function Resources:page()
    return { columns = self.columns, words = self.words }
end

return resources
