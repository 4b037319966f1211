-- `--set option=value`: the options of policies.

local setting = {}

local function to_setting(source)
    local name, value = source:match("^([%w_%.%-]+)=(.*)$")
    if not name then
        return nil, ("'%s' sets nothing. Give an option and its value, such as limit=512MiB.")
            :format(source)
    end
    return { name = name, value = value }
end

--- Adds the option to a command's parser.
function setting.describe(parser)
    parser:option("--set", "an option of the policies, such as limit=512MiB; script.option=value"
        .. " where several have it"):argname "OPTION=VALUE":count "*":convert(to_setting)
end

--- What was given, as a table by name: the last one holds.
---@param given { name: string, value: string }[]
---@return table<string, string>
function setting.table(given)
    local options = {}
    for _, one in ipairs(given) do
        options[one.name] = one.value
    end
    return options
end

return setting
