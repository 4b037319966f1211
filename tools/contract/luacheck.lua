-- lua/freehold/luacheck_policy.lua: what luacheck lets policies name. For
-- tools/gen_policy_contract.

local here = debug.getinfo(1, "S").source:match("^@(.*/)")
local text = dofile(here .. "text.lua")

local function make_luacheck(contract)
    local out = text.writer()
    out.add("-- What policies may use, for luacheck: in a .luacheckrc,")
    out.add("--")
    out.add('--     stds.freehold_policy = dofile("lua/freehold/luacheck_policy.lua")')
    out.add('--     files["policies"] = { std = "freehold_policy" }')
    out.add("--")
    out.add("-- " .. contract.note)
    out.add("")
    out.add("return {")
    out.add("    read_globals = {")
    local function add_names(prefix, library)
        local list = {}
        for word in (library.words or ""):gmatch("%S+") do
            list[#list + 1] = word
        end
        for _, items in ipairs { library.functions, library.values or {} } do
            for _, item in ipairs(items) do
                list[#list + 1] = item.name
            end
        end
        table.sort(list)
        for _, name in ipairs(list) do
            out.add("%s%s = {},", prefix, name)
        end
    end
    for _, library in ipairs(contract.environment.libraries) do
        if not library.name then
            add_names("        ", library)
        end
    end
    for _, library in ipairs(contract.environment.libraries) do
        if library.name then
            local outer, inner = library.name:match("^(%w+)%.(%w+)$")
            local indent = "        "
            if outer then
                out.add("%s%s = { fields = {", indent, outer)
                indent = indent .. "    "
            end
            out.add("%s%s = { fields = {", indent, inner or library.name)
            add_names(indent .. "    ", library)
            out.add("%s} },", indent)
            if outer then
                out.add("        } },")
            end
        end
    end
    out.add("    },")
    out.add("}")
    return out.text()
end

return make_luacheck
