-- The policies that a replay compares: each `--policy` is one, of one script or of several. They
-- are loaded on a device that plays nothing first: what is wrong with them is found before a long
-- trace is read, and that tells which options there are, and of which type.

local fh = require "freehold"
local profiles = require "freehold.cli.profile"
local scripts = require "freehold.cli.scripts"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"
local what_if = require "freehold.cli.what_if"

local contender = {}

---@class freehold.Contender
---@field name string of its scripts, and no other contender's
---@field words string[] what the command line calls them
---@field paths string[]
---@field scripts string[] what they call themselves
---@field options table[] what policy:options() gave
---@field settings { name: string, value: string, amount: freehold.Amount? }[]

local function is_there(path)
    local file = io.open(path, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end

-- "budget+mine.lua" as its words; what is a file, or a script that comes along, is one word.
local function words_of(given)
    if scripts.path("policies", given) ~= given or not given:find("[+,]") or is_there(given) then
        return { given }
    end
    local words = {}
    for word in given:gmatch("[^+,]+") do
        words[#words + 1] = word
    end
    return words
end

-- How a call of a policy's ended: by the user's fault, or not.
local function refuse(host, message, code)
    message = message:find("[.?!]$") and message or message .. "."
    if code == "invalid" then
        host.misuse(message)
    end
    host.fail(message)
end

local function declares(option, name)
    return option.name == name or option.script .. "." .. option.name == name
end

-- The settings that are for this one, the last of each name.
local function settings_of(host, one, given, policy)
    local by_name, list = {}, {}
    for _, setting in ipairs(given) do
        for _, option in ipairs(one.options) do
            if declares(option, setting.name) then
                setting.is_used = true
                local entry = by_name[setting.name] or { name = setting.name }
                if not by_name[setting.name] then
                    by_name[setting.name] = entry
                    list[#list + 1] = entry
                end
                entry.value, entry.amount = setting.value, nil
                if setting.value:find("%%%s*$") and option.type == "bytes" then
                    local amount, message = what_if.amount(setting.value)
                    if not amount then
                        host.misuse(message)
                    end
                    entry.amount = amount
                end
            end
        end
    end
    for _, entry in ipairs(list) do
        if not entry.amount then
            local done, message, code = policy:set(entry.name, entry.value)
            if not done then
                refuse(host, message, code)
            end
        end
    end
    return list
end

-- A name that no other has: policies may be compared with themselves.
local function own_name(names, taken)
    local name = table.concat(names, "+")
    local count = (taken[name] or 0) + 1
    taken[name] = count
    return count > 1 and ("%s (%d)"):format(name, count) or name
end

-- The options, each with the name of its script.
local function options_of(policy, names)
    local options = assert(policy:options())
    for _, option in ipairs(options) do
        option.script = names[option.script]
    end
    return options
end

local function load_one(host, device, given, settings, taken)
    local words, paths = words_of(given), {}
    for i, word in ipairs(words) do
        paths[i] = scripts.path("policies", word)
    end
    local policy, message, code = profiles.checked(host, device.set_policy, device, paths)
    if not policy then
        refuse(host, message, code)
    end
    local names = {}
    for i, script in ipairs(assert(policy:status()).scripts) do
        names[i] = script.name
    end
    local one = {
        name = own_name(names, taken), words = words, paths = paths,
        scripts = names, options = options_of(policy, names),
    }
    one.settings = settings_of(host, one, settings, policy)
    policy:release()
    return one
end

--- The policies of a command line. Ends with what is wrong with them, or with the settings.
---@param host freehold.CliHost
---@param given string[] what --policy says
---@param settings { name: string, value: string }[] what --set says
---@return freehold.Contender[]
function contender.list(host, given, settings)
    local list, taken, known = {}, { native = 1, ["as recorded"] = 1 }, {}
    if #given == 0 then
        return list
    end
    local device <close> = assert(fh.device {})
    for i, one in ipairs(given) do
        list[i] = load_one(host, device, one, settings, taken)
        for _, option in ipairs(list[i].options) do
            known[#known + 1] = option.name
        end
    end
    for _, setting in ipairs(settings) do
        if not setting.is_used then
            host.misuse(("none of the policies has an option '%s'.%s"):format(setting.name,
                #known > 0 and text.hint(setting.name, known) or " They have none at all."))
        end
    end
    return list
end

--- Puts a contender in charge of a device, with its settings; `peak` is what percentages are of,
--- that of the trace at `path`.
---@param host freehold.CliHost
---@param one freehold.Contender
---@param device freehold.Device
---@param peak integer bytes
---@param path string
---@return freehold.ScriptPolicy
function contender.install(host, one, device, peak, path)
    local options = {}
    for _, setting in ipairs(one.settings) do
        options[setting.name] = setting.amount and what_if.bytes(setting.amount, peak)
            or setting.value
    end
    local policy, message, code = profiles.checked(host, device.set_policy, device, one.paths,
        { options = options })
    if not policy then
        for _, setting in ipairs(one.settings) do
            if setting.amount and message:find(setting.name, 1, true) then
                message = ("%s (%s of the recorded peak of %s is %s)"):format(
                    message:gsub("%.$", ""), setting.amount.text, path,
                    size.format(options[setting.name]))
            end
        end
        refuse(host, message, code)
    end
    return policy
end

--- The values of a policy's options, and their types, by name; where scripts share a name, by
--- script and name.
---@param one freehold.Contender
---@param policy freehold.ScriptPolicy
---@return table<string, any> values
---@return table<string, freehold.OptionType> types
function contender.values(one, policy)
    local count, values, types = {}, {}, {}
    local options = assert(policy:options())
    for i, option in ipairs(options) do
        option.script = one.options[i].script
    end
    for _, option in ipairs(options) do
        count[option.name] = (count[option.name] or 0) + 1
    end
    for _, option in ipairs(options) do
        local name = count[option.name] > 1 and option.script .. "." .. option.name or option.name
        values[name], types[name] = option.value, option.type
    end
    return values, types
end

--- The parts of its limits at which its scripts hear of pressure, as they say without having seen
--- anything.
---@param one freehold.Contender
---@param values table<string, any>
---@return number[]
function contender.watermarks(one, values)
    local marks, seen = {}, {}
    for i, path in ipairs(one.paths) do
        local own = {}
        for _, option in ipairs(one.options) do
            if option.script == one.scripts[i] then
                local value = values[option.name]
                if value == nil then
                    value = values[option.script .. "." .. option.name]
                end
                own[option.name] = value
            end
        end
        local test <close> = fh.policy_test(path, { options = own })
        local limits = test and test:limits()
        for _, mark in ipairs(limits and limits.watermarks or {}) do
            if not seen[mark] then
                seen[mark] = true
                marks[#marks + 1] = mark
            end
        end
    end
    table.sort(marks)
    return marks
end

return contender
